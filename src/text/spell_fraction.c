/*
 * Fractions: the signs (½) and plain ones (3/4), by themselves, behind a whole number (2½) and in
 * front of what they measure: half a cup, media taza, three quarters of a mile.
 */
#include "text/spell_priv.h"

#include <string.h>

static const struct {
    const char *sign;
    int above, below;
} signs[] = {
    {"\xC2\xBD", 1, 2},     {"\xC2\xBC", 1, 4},      {"\xC2\xBE", 3, 4},     {"\xE2\x85\x93", 1, 3},
    {"\xE2\x85\x94", 2, 3}, {"\xE2\x85\x95", 1, 5},  {"\xE2\x85\x96", 2, 5}, {"\xE2\x85\x97", 3, 5},
    {"\xE2\x85\x98", 4, 5}, {"\xE2\x85\x99", 1, 6},  {"\xE2\x85\x9A", 5, 6}, {"\xE2\x85\x9B", 1, 8},
    {"\xE2\x85\x9C", 3, 8}, {"\xE2\x85\x9D", 5, 8},  {"\xE2\x85\x9E", 7, 8}, {"\xE2\x85\x90", 1, 7},
    {"\xE2\x85\x91", 1, 9}, {"\xE2\x85\x92", 1, 10},
};

int tb_spell_fraction_sign(const tb_speller *sp, size_t i, size_t *n)
{
    *n = 0;
    if (i >= sp->len || !(sp->s[i] & 0x80)) return 0;
    for (size_t k = 0; k < sizeof signs / sizeof *signs; k++)
        if (tb_spell_starts(sp, i, signs[k].sign)) {
            *n = strlen(signs[k].sign);
            return (int)k + 1;
        }
    return 0;
}

void tb_spell_fraction_of(int sign, int *above, int *below)
{
    *above = signs[sign - 1].above;
    *below = signs[sign - 1].below;
}

/* What parts are called. */
static void say_parts(tb_speller *sp, int above, int below)
{
    static const char *const es[] = {"",      "",        "medio",  "tercio", "cuarto", "quinto",
                                     "sexto", "séptimo", "octavo", "noveno", "décimo"};
    if (sp->kind == TB_SPELL_ES) {
        tb_spell_say_value(sp, above, TB_ES_MASCULINE);
        if (below <= 10) {
            tb_spell_say(sp, es[below]);
        } else {
            static const struct {
                int below;
                const char *word;
            } more[] = {{12, "doceavo"},           {16, "dieciseisavo"},   {20, "veinteavo"},
                        {25, "veinticincoavo"},    {32, "treintaidosavo"}, {50, "cincuentavo"},
                        {64, "sesentaicuatroavo"}, {100, "centésimo"}};
            for (size_t k = 0; k < sizeof more / sizeof *more; k++)
                if (more[k].below == below) tb_spell_say(sp, more[k].word);
        }
        if (above > 1) {
            tb_str_puts(sp->out, "s");
        }
        return;
    }
    tb_spell_say_value(sp, above, TB_ES_ALONE);
    if (below == 2)
        tb_spell_say(sp, above == 1 ? "half" : "halves");
    else if (below == 4)
        tb_spell_say(sp, above == 1 ? "quarter" : "quarters");
    else {
        tb_spell_say_ordinal(sp, below, false, false);
        if (above > 1) tb_str_puts(sp->out, "s");
    }
}

void tb_spell_say_half(tb_speller *sp, int sign, tb_es_form form)
{
    int above, below;
    tb_spell_fraction_of(sign, &above, &below);
    if (sp->kind == TB_SPELL_ES) {
        tb_spell_say(sp, "y");
        if (below == 2)
            tb_spell_say(sp, form == TB_ES_FEMININE ? "media" : "medio");
        else
            say_parts(sp, above, below);
        return;
    }
    tb_spell_say(sp, "and");
    if (below == 2)
        tb_spell_say(sp, "a half");
    else if (below == 4 && above == 1)
        tb_spell_say(sp, "a quarter");
    else
        say_parts(sp, above, below);
}

static const char *article(const char *word)
{
    return strchr("aeiou", word[0]) || strcmp(word, "hour") == 0 ? "an" : "a";
}

/* Words behind which a fraction stands alone, or already fits: half the price, half of it. */
static bool counts_nothing(const char *word)
{
    return !*word ||
           tb_spell_in(word, " of the a an my your his her its our their this that these those is "
                             "are was were and or in on at to by from for with as if it he she we "
                             "they you i not more less full empty done complete way than then but "
                             "price time marathon off past over left ");
}

/* A fraction and what it measures. at: behind it. Returns the end. */
static size_t say_fraction(tb_speller *sp, int above, int below, size_t at)
{
    const bool es = sp->kind == TB_SPELL_ES;
    char word[TB_SPELL_WORD + 1];
    tb_spell_unit unit;
    size_t next = tb_spell_skip(sp, at);
    size_t end = tb_spell_read_unit(sp, next, next > at, &unit);
    tb_spell_next_word(sp, at, word);
    if (es) {
        bool feminine = end ? unit.feminine : tb_es_is_feminine(word);
        bool counted = end || tb_es_form_before(word) != TB_ES_ALONE;
        if (below == 2 && above == 1 && (counted || !*word))
            tb_spell_say(sp, !*word ? "un medio" : feminine ? "media" : "medio");
        else {
            say_parts(sp, above, below);
            if (counted) tb_spell_say(sp, "de");
        }
        if (!end) return at;
        tb_spell_say_unit(sp, &unit, true);
        return end;
    }
    bool counted = end || !counts_nothing(word);
    bool half = above == 1 && below == 2;
    if (half && *word)
        tb_spell_say(sp, "half");
    else if (above == 1 && below == 4 && *word)
        tb_spell_say(sp, "a quarter");
    else
        say_parts(sp, above, below);
    if (counted) {
        if (!half) tb_spell_say(sp, "of");
        tb_spell_say(sp, end ? tb_spell_unit_article(&unit) : article(word));
    }
    if (!end) return at;
    tb_spell_say_unit(sp, &unit, true);
    return end;
}

size_t tb_spell_fraction(tb_speller *sp, size_t i)
{
    size_t n;
    int above, below, sign = tb_spell_fraction_sign(sp, i, &n);
    if (!sign) return 0;
    tb_spell_fraction_of(sign, &above, &below);
    return say_fraction(sp, above, below, i + n) - i;
}
