/*
 * Scales behind a number: thousand, million, k, M, bn, mdp; lakh and crore.
 */
#include "text/spell_rules_priv.h"

#include <string.h>

typedef struct {
    const char *written, *said;
    bool money; /* only of money: "$5 M" */
} scale_word;

static const scale_word en_scales[] = {
    {"k", "thousand", false},
    {"K", "thousand", false},
    {"M", "million", false},
    {"MM", "million", true},
    {"mn", "million", true},
    {"mm", "million", true},
    {"m", "million", true},
    {"B", "billion", false},
    {"bn", "billion", false},
    {"b", "billion", true},
    {"T", "trillion", true},
    {"tn", "trillion", true},
    {"trn", "trillion", true},
    {"million", "million", true},
    {"billion", "billion", true},
    {"trillion", "trillion", true},
    {"thousand", "thousand", true},
    {"hundred", "hundred", true},
    {"mil", "million", true},
    {"bil", "billion", true},
    {"lakh", "lakh", true},
    {"lakhs", "lakh", true},
    {"crore", "crore", true},
    {"crores", "crore", true},
    {"lakh crore", "lakh crore", true},
};
static const scale_word es_scales[] = {
    {"k", "mil", false},
    {"K", "mil", false},
    {"M", "millones", false},
    {"MM", "millones", true},
    {"mill", "millones", false},
    {"mil", "mil", false},
    {"mil millones", "mil millones", false},
    {"millón", "millón", false},
    {"millones", "millones", false},
    {"billón", "billón", false},
    {"billones", "billones", false},
    {"lakh", "lakhs", true},
    {"crore", "crores", true},
    {"mdd", "millones de dólares", false},
    {"mmdd", "mil millones de dólares", false},
    {"mmdp", "mil millones de pesos", false},
    {"mdp", "millones de pesos", false},
    {"mde", "millones de euros", false},
};

static bool plural_follows(const tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    tb_spell_next_word(sp, i, word);
    size_t n = strlen(word);
    return tb_spell_in(word, " people men women children ") ||
           (n > 3 && word[n - 1] == 's' && word[n - 2] != 's' &&
            !tb_spell_in(word, " this was has "));
}

/* a 10k run */
static bool is_distance(const tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    tb_spell_next_word(sp, i, word);
    return tb_spell_in(word, " run runs race races runner runners walk finish training ");
}

/* Symbols stand close; words behind a blank. */
size_t tb_spell_read_scale(const tb_speller *sp, size_t i, const tb_currency *currency,
                           const char **said)
{
    const bool es = sp->kind == TB_SPELL_ES;
    const scale_word *all = es ? es_scales : en_scales;
    size_t count = es ? sizeof es_scales / sizeof *es_scales : sizeof en_scales / sizeof *en_scales;
    size_t at = tb_spell_skip(sp, i), best = 0, n;
    for (size_t k = 0; k < count; k++) {
        size_t len = strlen(all[k].written), end = at + len;
        if (!tb_spell_starts(sp, at, all[k].written) || len <= best) continue;
        size_t behind;
        const tb_currency *follows =
            tb_spell_letter(tb_spell_at(sp, end, &n)) || !tb_spell_ends(sp, end)
                ? NULL
                : tb_spell_currency(sp, tb_spell_skip(sp, end), &behind);
        bool money = currency || follows;
        if (!tb_spell_ends(sp, end) || (all[k].money && !money)) continue;
        /* "5 M" by itself is no million, "5 M de vistas" are */
        bool of = es && tb_spell_starts(sp, end, " de ");
        if (at > i && len <= 2 && !money && !of) continue;
        /* 221B, a 10K race: letters, unless many are counted */
        bool letter = !es && len == 1 && strchr("BK", all[k].written[0]);
        if (letter && !money && !plural_follows(sp, end)) continue;
        if (!es && *all[k].written == 'k' && len == 1 && is_distance(sp, end)) continue;
        best = len;
        *said = all[k].said;
    }
    return best ? at + best : 0;
}
