/*
 * Names of days that are cut short, and ranges of names: Tues., Sat 9-1, Mon.-Fri., Jan–Mar, L-V.
 */
#include "base/utf8.h"
#include "text/spell_rules_priv.h"

#include <string.h>

static bool spanish(const tb_speller *sp)
{
    return sp->kind == TB_SPELL_ES;
}

/* ---- ranges of names: Mon.-Fri., Jan–Mar, lun-vie ---- */

static const struct {
    const char *name, *forms;
} en_days[] =
    {
        {"Monday", " monday mon "},       {"Tuesday", " tuesday tue tues "},
        {"Wednesday", " wednesday wed "}, {"Thursday", " thursday thu thur thurs "},
        {"Friday", " friday fri "},       {"Saturday", " saturday sat "},
        {"Sunday", " sunday sun "},
},
  es_days[] = {
      {"lunes", " lunes lun "},
      {"martes", " martes mar "},
      {"mi\xC3\xA9rcoles", " mi\xC3\xA9rcoles mi\xC3\xA9 mie "},
      {"jueves", " jueves jue "},
      {"viernes", " viernes vie "},
      {"s\xC3\xA1"
       "bado",
       " s\xC3\xA1"
       "bado s\xC3\xA1"
       "b sab "},
      {"domingo", " domingo dom "},
};

/* The whole name of a month (days: of a day of the week); NULL none. */
static const char *whole_name(const tb_speller *sp, const char *word, bool days)
{
    int month = days ? 0 : tb_spell_month_of(sp, word);
    if (month) return tb_spell_month_name(sp, month);
    for (int k = 0; days && k < 7; k++)
        if (tb_spell_in(word, spanish(sp) ? es_days[k].forms : en_days[k].forms))
            return spanish(sp) ? es_days[k].name : en_days[k].name;
    return NULL;
}

static size_t range(tb_speller *sp, size_t i)
{
    char first[TB_SPELL_WORD + 1], second[TB_SPELL_WORD + 1];
    size_t n, end = tb_spell_next_word(sp, i, first);
    if (end == i || (!spanish(sp) && !tb_spell_capital(tb_spell_at(sp, i, &n)))) return 0;
    if (tb_spell_blank((unsigned char)sp->s[i]) || tb_utf8_is_word(tb_spell_before(sp, i)))
        return 0;
    if (end < sp->len && sp->s[end] == '.') end++;
    uint32_t dash = tb_spell_at(sp, end, &n);
    if (dash != '-' && dash != 0x2013) return 0;
    size_t word_end = tb_spell_next_word(sp, end + n, second);
    if (tb_spell_skip(sp, end + n) != end + n) return 0;
    for (int days = 1; days >= 0; days--) {
        const char *a = whole_name(sp, first, days), *b = whole_name(sp, second, days);
        if (!a || !b) continue;
        tb_spell_say(sp, a);
        tb_spell_say(sp, spanish(sp) ? "a" : "to");
        tb_spell_say(sp, b);
        size_t year = tb_spell_skip(sp, tb_spell_stop(sp, word_end));
        if (spanish(sp) && !days && year > word_end && tb_spell_digit(sp, year))
            tb_spell_say(sp, "de");
        return tb_spell_stop(sp, word_end) - i;
    }
    return 0;
}

/* ---- one name ---- */

/* May a day be meant by what is behind its short name: "Tues., Jan. 9", "Sat 9-1", "Sun: 10-4"? */
static bool dated(const tb_speller *sp, size_t end, bool stop)
{
    size_t n, at = end + stop, next = tb_spell_skip(sp, at);
    uint32_t cp = tb_spell_at(sp, next, &n);
    bool digit = cp >= '0' && cp <= '9';
    if (next == at) return cp == ':' || (cp == ',' && (stop || tb_spell_digit(sp, at + 2)));
    if (stop) return digit || (tb_spell_letter(cp) && !tb_spell_capital(cp));
    size_t hours = tb_spell_digits_at(sp, next, 2);
    uint32_t behind = tb_spell_at(sp, next + hours, &n);
    return hours && hours < 3 && (behind == '-' || behind == ':' || behind == 0x2013);
}

/* English: "Tues.," */
static size_t day(tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    size_t n, end = tb_spell_next_word(sp, i, word);
    if (spanish(sp) || end == i || end - i > 5 || !tb_spell_capital(tb_spell_at(sp, i, &n)))
        return 0;
    if (tb_utf8_is_word(tb_spell_before(sp, i))) return 0;
    bool stop = end < sp->len && sp->s[end] == '.';
    const char *name = strlen(word) < 6 ? whole_name(sp, word, true) : NULL;
    if (!name || !dated(sp, end, stop)) return 0;
    tb_spell_say(sp, name);
    return end + stop - i;
}

/* L-V 9-14 h, M-F 9-5: initials, in front of a time. */
static size_t initials(tb_speller *sp, size_t i)
{
    static const char letters_es[] = "LMXJVSD", letters_en[] = "MTWTFSS";
    char word[TB_SPELL_WORD + 1];
    size_t n, second;
    const char *letters = spanish(sp) ? letters_es : letters_en;
    if (i >= sp->len || !sp->s[i] || tb_utf8_is_word(tb_spell_before(sp, i))) return 0;
    uint32_t dash = tb_spell_at(sp, i + 1, &n);
    if (dash != '-' && dash != 0x2013) return 0;
    second = i + 1 + n;
    const char *a = strchr(letters, sp->s[i]),
               *b = second < sp->len && sp->s[second] ? strchr(letters, sp->s[second]) : NULL;
    if (!a || !b || a >= b || !tb_spell_ends(sp, second + 1)) return 0;
    size_t at = second + 1 + tb_spell_starts(sp, second + 1, ":");
    size_t end = tb_spell_next_word(sp, at, word);
    if (spanish(sp) && strcmp(word, "de") == 0) at = end;
    if (!tb_spell_digit(sp, tb_spell_skip(sp, at))) return 0;
    tb_spell_say(sp, spanish(sp) ? es_days[a - letters].name : en_days[a - letters].name);
    tb_spell_say(sp, spanish(sp) ? "a" : "to");
    tb_spell_say(sp, spanish(sp) ? es_days[b - letters].name : en_days[b - letters].name);
    return second + 1 - i;
}

size_t tb_spell_names(tb_speller *sp, size_t i)
{
    size_t n = range(sp, i);
    if (!n) n = day(sp, i);
    return n ? n : initials(sp, i);
}
