/*
 * Spans of time in short: 7h 45m, 1d 4h, 2h 5m 30s, and in English 1h30. An m beside an h or an s
 * is a minute.
 */
#include "base/utf8.h"
#include "text/spell_rules_priv.h"

#include <string.h>

enum { PARTS = 4 };

static const char letters[] = "dhms";
static const char *const en[PARTS][2] = {{"day", "days"},
                                         {"hour", "hours"},
                                         {"minute", "minutes"},
                                         {"second", "seconds"}};
static const char *const es[PARTS][2] = {{"día", "días"},
                                         {"hora", "horas"},
                                         {"minuto", "minutos"},
                                         {"segundo", "segundos"}};

typedef struct {
    long value[PARTS];
    int unit[PARTS];
    size_t n, end;
} span;

/* Parts from the longest to the shortest, a blank between or none. */
static void read(const tb_speller *sp, size_t i, span *out)
{
    *out = (span){.end = i};
    while (out->n < PARTS) {
        size_t at = out->end + (out->n && tb_spell_starts(sp, out->end, " "));
        long value;
        size_t digits = tb_spell_small(sp, at, 3, &value);
        size_t letter = at + digits + tb_spell_starts(sp, at + digits, " ");
        if (!digits || letter >= sp->len || !sp->s[letter]) break;
        const char *found = strchr(letters, sp->s[letter]);
        bool more = tb_spell_digit(sp, letter + 1); /* 1h30m */
        if (!found || (!tb_spell_ends(sp, letter + 1) && !more)) break;
        int unit = (int)(found - letters);
        if (out->n && (unit <= out->unit[out->n - 1] || value > 59)) break;
        out->value[out->n] = value;
        out->unit[out->n++] = unit;
        out->end = letter + 1;
    }
}

size_t tb_spell_span(tb_speller *sp, size_t i)
{
    const bool spanish = sp->kind == TB_SPELL_ES;
    span s;
    if (!tb_spell_digit(sp, i) || tb_utf8_is_word(tb_spell_before(sp, i))) return 0;
    read(sp, i, &s);
    if (s.n && s.n < PARTS && s.unit[s.n - 1] == 1 && !spanish) { /* 1h30 */
        long minutes;
        size_t digits = tb_spell_small(sp, s.end, 2, &minutes);
        if (digits == 2 && minutes < 60 && tb_spell_ends(sp, s.end + digits)) {
            s.value[s.n] = minutes;
            s.unit[s.n++] = 2;
            s.end += digits;
        }
    }
    char word[TB_SPELL_WORD + 1]; /* for 7d */
    tb_spell_prev_word(sp, i, word);
    bool days = s.n == 1 && s.unit[0] == 0 && tb_spell_digit(sp, s.end - 2) &&
                tb_spell_in(word, spanish ? " durante en por cada hace últimos próximos "
                                          : " for in after last next past every within first ");
    if ((s.n < 2 && !days) || !tb_spell_ends(sp, s.end)) return 0;
    for (size_t k = 0; k < s.n; k++) {
        const char *const *names = spanish ? es[s.unit[k]] : en[s.unit[k]];
        tb_spell_say_value(sp, s.value[k], s.unit[k] == 1 ? TB_ES_FEMININE : TB_ES_MASCULINE);
        tb_spell_say(sp, names[s.value[k] != 1]);
    }
    return tb_spell_stop(sp, s.end) - i;
}
