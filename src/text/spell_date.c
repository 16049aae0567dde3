/*
 * Dates in English and Spanish: 12/25/2024, 2024-12-25, December 25, 25 Dec 2024, 3 abr. 2024;
 * names of months that are cut short: Dec. 5. Names of days and ranges of names: spell_names.c.
 */
#include "base/utf8.h"
#include "text/spell_rules_priv.h"

#include <string.h>

/* clang-format off */
static const struct {
    const char *name, *forms; /* forms: folded, a full stop behind them or not */
} en_months[] = {
    {"January", " january jan "}, {"February", " february feb "}, {"March", " march mar "},
    {"April", " april apr "}, {"May", " may "}, {"June", " june jun "}, {"July", " july jul "},
    {"August", " august aug "}, {"September", " september sep sept "},
    {"October", " october oct "}, {"November", " november nov "}, {"December", " december dec "},
}, es_months[] = {
    {"enero", " enero ene "}, {"febrero", " febrero feb "}, {"marzo", " marzo mar "},
    {"abril", " abril abr "}, {"mayo", " mayo may "}, {"junio", " junio jun "},
    {"julio", " julio jul "}, {"agosto", " agosto ago "},
    {"septiembre", " septiembre setiembre sep sept set "}, {"octubre", " octubre oct "},
    {"noviembre", " noviembre nov "}, {"diciembre", " diciembre dic "},
};
/* clang-format on */

static bool spanish(const tb_speller *sp)
{
    return sp->kind == TB_SPELL_ES;
}

/* 1 to 12; 0: not a month. */
int tb_spell_month_of(const tb_speller *sp, const char *word)
{
    for (int m = 0; m < 12; m++)
        if (tb_spell_in(word, spanish(sp) ? es_months[m].forms : en_months[m].forms)) return m + 1;
    return 0;
}

const char *tb_spell_month_name(const tb_speller *sp, long month)
{
    return spanish(sp) ? es_months[month - 1].name : en_months[month - 1].name;
}

static bool is_capital(const tb_speller *sp, size_t i)
{
    return i < sp->len && sp->s[i] >= 'A' && sp->s[i] <= 'Z';
}

/* ---- dates ---- */

void tb_spell_say_year(tb_speller *sp, long year)
{
    tb_spell_words w = {0};
    if (spanish(sp)) {
        tb_spell_say_value(sp, year, TB_ES_ALONE);
        return;
    }
    tb_en_year(&w, year, sp->british);
    tb_spell_say_words(sp, &w);
}

static void say_day(tb_speller *sp, long day)
{
    if (!spanish(sp))
        tb_spell_say_ordinal(sp, day, false, false);
    else if (day == 1 && sp->america)
        tb_spell_say(sp, "primero");
    else
        tb_spell_say_value(sp, day, TB_ES_ALONE);
}

/* year 0: none. bare: the article, or el, stands in the text already. */
static void say_date(tb_speller *sp, long day, long month, long year, size_t start)
{
    char word[TB_SPELL_WORD + 1];
    if (spanish(sp)) {
        say_day(sp, day);
        tb_spell_say(sp, "de");
        tb_spell_say(sp, tb_spell_month_name(sp, month));
        if (year) tb_spell_say(sp, "de");
    } else if (sp->british) {
        tb_spell_prev_word(sp, start, word);
        if (strcmp(word, "the") != 0) tb_spell_say(sp, "the");
        say_day(sp, day);
        tb_spell_say(sp, "of");
        tb_spell_say(sp, tb_spell_month_name(sp, month));
    } else {
        tb_spell_say(sp, tb_spell_month_name(sp, month));
        say_day(sp, day);
        if (year) tb_str_puts(sp->out, ",");
    }
    if (year) tb_spell_say_year(sp, year);
}

/* Nothing of a number goes on in front of i or behind end. */
static bool stands_alone(const tb_speller *sp, size_t i, size_t end)
{
    uint32_t before = tb_spell_before(sp, i);
    if (tb_utf8_is_word(before) || before == '/' || before == '-' || before == '.' ||
        before == ':' || before == ',')
        return false;
    if (!tb_spell_ends(sp, end)) return sp->s[end] == 'T' && tb_spell_digit(sp, end + 1);
    bool more = end < sp->len && strchr("/-.:", sp->s[end]) && tb_spell_digit(sp, end + 1);
    return !more;
}

static long full_year(long year, size_t digits)
{
    if (digits != 2) return year;
    return year < 50 ? 2000 + year : 1900 + year;
}

/* 12/25/2024, 25.12.2024, 25-12-2024, 12/25/24; the first may be the day. */
static size_t numeric_date(tb_speller *sp, size_t i)
{
    long a, b, year;
    size_t n = tb_spell_small(sp, i, 2, &a);
    if (!n || i + n >= sp->len || !strchr("/-.", sp->s[i + n])) return 0;
    char sep = sp->s[i + n];
    size_t at = i + n + 1, m = tb_spell_small(sp, at, 2, &b);
    if (!m || at + m >= sp->len || sp->s[at + m] != sep) return 0;
    at += m + 1;
    size_t digits = tb_spell_small(sp, at, 4, &year), end = at + digits;
    if (digits != 4 && !(digits == 2 && sep == '/')) return 0;
    if (!stands_alone(sp, i, end)) return 0;
    bool day_first = spanish(sp) || sp->british || sep == '.' || a > 12;
    if (day_first && b > 12) day_first = false;
    long day = day_first ? a : b, month = day_first ? b : a;
    if (day < 1 || day > 31 || month < 1 || month > 12) return 0;
    say_date(sp, day, month, full_year(year, digits), i);
    return end - i;
}

/* 2024-12-25, perhaps with T and a time behind it. */
static size_t iso_date(tb_speller *sp, size_t i)
{
    long year, month, day;
    if (tb_spell_small(sp, i, 4, &year) != 4 || i + 4 >= sp->len) return 0;
    char sep = sp->s[i + 4];
    if (sep != '-' && sep != '/' && sep != '.') return 0;
    size_t n = tb_spell_small(sp, i + 5, 2, &month), at = i + 5 + n;
    if (!n || at >= sp->len || sp->s[at] != sep) return 0;
    size_t m = tb_spell_small(sp, at + 1, 2, &day), end = at + 1 + m;
    if (!m || !stands_alone(sp, i, end)) return 0;
    if (month < 1 || month > 12 || day < 1 || day > 31 || year < 1000) return 0;
    say_date(sp, day, month, year, i);
    if (end < sp->len && sp->s[end] == 'T' && tb_spell_digit(sp, end + 1)) {
        tb_str_puts(sp->out, ",");
        end++;
    }
    return end - i;
}

/* 2024-06: a month, unless it may be the years 2008-09. */
static size_t iso_month(tb_speller *sp, size_t i)
{
    long year, month;
    if (tb_spell_small(sp, i, 4, &year) != 4 || !tb_spell_starts(sp, i + 4, "-")) return 0;
    if (tb_spell_small(sp, i + 5, 2, &month) != 2 || !stands_alone(sp, i, i + 7)) return 0;
    if (year < 1900 || year > 2099 || month < 1 || month > 12 || sp->s[i + 5] != '0') return 0;
    if (month > year % 100) return 0;
    tb_spell_say(sp, tb_spell_month_name(sp, month));
    if (spanish(sp)) tb_spell_say(sp, "de");
    tb_spell_say_year(sp, year);
    return 7;
}

/* 28-feb-2024, 28-feb., 3/Mar/24. */
static size_t short_month_date(tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    long day, year = 0;
    size_t size;
    size_t n = tb_spell_small(sp, i, 2, &day), at = i + n;
    if (!n || day < 1 || day > 31 || at >= sp->len || !strchr("-/", sp->s[at]) || !sp->s[at])
        return 0;
    char sep = sp->s[at];
    uint32_t before = tb_spell_before(sp, i);
    if (tb_utf8_is_word(before) || before == (uint32_t)sep ||
        !tb_spell_letter(tb_spell_at(sp, at + 1, &size)))
        return 0;
    size_t end = tb_spell_next_word(sp, at + 1, word);
    int month = tb_spell_month_of(sp, word);
    if (!month || !tb_spell_ends(sp, end)) return 0;
    size_t digits = end < sp->len && sp->s[end] == sep ? tb_spell_small(sp, end + 1, 4, &year) : 0;
    if (digits != 2 && digits != 4) digits = 0;
    say_date(sp, day, month, digits ? full_year(year, digits) : 0, i);
    return (digits ? end + 1 + digits : tb_spell_stop(sp, end)) - i;
}

/* 3/4 behind a word that a day follows. */
static size_t short_date(tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    long a, b;
    size_t n = tb_spell_small(sp, i, 2, &a);
    if (!n || i + n >= sp->len || sp->s[i + n] != '/') return 0;
    size_t m = tb_spell_small(sp, i + n + 1, 2, &b), end = i + n + 1 + m;
    if (!m || !stands_alone(sp, i, end)) return 0;
    /* "Fri., 5/9" */
    size_t at = i;
    while (at > 0 && i - at < 4 && strchr(" ,.", sp->s[at - 1]))
        at--;
    tb_spell_prev_word(sp, at, word);
    if (at + 1 < i &&
        !tb_spell_in(word, " monday tuesday wednesday thursday friday saturday sunday "
                           "mon tue tues wed thu thur thurs fri sat sun lunes martes "
                           "miércoles jueves viernes sábado domingo "))
        tb_spell_prev_word(sp, i, word);
    bool day_follows =
        spanish(sp)
            ? tb_spell_in(word, " el día del al desde hasta lunes martes miércoles jueves viernes "
                                "sábado domingo fecha ")
            : tb_spell_in(word, " on until till before since after due dated date monday tuesday "
                                "wednesday thursday friday saturday sunday mon tue wed thu fri sat "
                                "sun pst pdt est edt cst cdt pt et ct ends expires exp starts thru "
                                "through ");
    bool day_first = spanish(sp) || sp->british || a > 12;
    if (day_first && b > 12) day_first = false;
    long day = day_first ? a : b, month = day_first ? b : a;
    /* 15/08 is a date by its zero */
    bool padded = (n == 2 && sp->s[i] == '0') || (m == 2 && sp->s[i + n + 1] == '0');
    if (!(day_follows || padded) || day < 1 || day > 31 || month < 1 || month > 12) return 0;
    say_date(sp, day, month, 0, i);
    return end - i;
}

/* The month in front of i, "Dec." and "Dec" alike; its start through *start. */
static int month_before(const tb_speller *sp, size_t i, size_t *start)
{
    char word[TB_SPELL_WORD + 1];
    size_t at = i;
    uint32_t before = tb_spell_before(sp, at);
    if (before == ' ') {
        if (at >= 2 && sp->s[at - 2] == '.') at -= 2;
    }
    *start = tb_spell_prev_word(sp, at, word);
    return *start < at ? tb_spell_month_of(sp, word) : 0;
}

static bool ordinal_ending(const tb_speller *sp, size_t i)
{
    return tb_spell_starts(sp, i, "st") || tb_spell_starts(sp, i, "nd") ||
           tb_spell_starts(sp, i, "rd") || tb_spell_starts(sp, i, "th");
}

/* English: "December 25", "Dec. 25-27", "the 25 December". */
static size_t day_of_month(tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    long day, other;
    size_t start, n = tb_spell_small(sp, i, 2, &day), end = i + n;
    if (!n || day < 1 || day > 31 || spanish(sp)) return 0;
    if (ordinal_ending(sp, end)) end += 2;
    size_t digits_end = end;
    if (!tb_spell_ends(sp, end)) return 0;
    if (tb_utf8_is_word(tb_spell_before(sp, i))) return 0;
    if (end < sp->len && strchr(":/", sp->s[end]) && tb_spell_digit(sp, end + 1)) return 0;
    if (end + 1 < sp->len && strchr(".,", sp->s[end]) && tb_spell_digit(sp, end + 1)) return 0;
    if (month_before(sp, i, &start) && is_capital(sp, start)) {
        size_t size;
        uint32_t dash = tb_spell_at(sp, digits_end, &size);
        tb_spell_say_ordinal(sp, day, false, false);
        size_t m =
            dash == '-' || dash == 0x2013 ? tb_spell_small(sp, digits_end + size, 2, &other) : 0;
        size_t behind = digits_end + size + m;
        if (m && ordinal_ending(sp, behind)) behind += 2;
        if (!m || other <= day || other > 31 || !tb_spell_ends(sp, behind)) return end - i;
        tb_spell_say(sp, "to");
        tb_spell_say_ordinal(sp, other, false, false);
        return behind - i;
    }
    size_t next = tb_spell_skip(sp, end), word_end = tb_spell_next_word(sp, end, word);
    int month = next > end && is_capital(sp, next) ? tb_spell_month_of(sp, word) : 0;
    if (!month || (word_end < sp->len && sp->s[word_end] == '\'')) return 0;
    tb_spell_prev_word(sp, i, word);
    if (strcmp(word, "the") != 0) tb_spell_say(sp, "the");
    tb_spell_say_ordinal(sp, day, false, false);
    tb_spell_say(sp, "of");
    tb_spell_say(sp, tb_spell_month_name(sp, month));
    return tb_spell_stop(sp, word_end) - i;
}

/* Spanish: "1 de mayo", "3 abr. 2024". */
static size_t dia_del_mes(tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    long day, year;
    size_t n = tb_spell_small(sp, i, 2, &day), end = i + n;
    if (!n || day < 1 || day > 31 || !spanish(sp) || !tb_spell_ends(sp, end)) return 0;
    size_t word_end = tb_spell_next_word(sp, end, word);
    bool de = strcmp(word, "de") == 0;
    if (de) word_end = tb_spell_next_word(sp, word_end, word);
    int month = tb_spell_month_of(sp, word);
    if (!month || tb_utf8_is_word(tb_spell_before(sp, i))) return 0;
    /* "3 mar" may be three seas; a short name wants its full stop, de, or a year. */
    bool whole = strcmp(word, es_months[month - 1].name) == 0 || strcmp(word, "setiembre") == 0;
    size_t stop = tb_spell_stop(sp, word_end), at = tb_spell_skip(sp, stop);
    /* "Av. 9 de Julio 1234": a capital is of a name */
    bool named = de && tb_spell_capital(tb_spell_at(sp, word_end - strlen(word), &n));
    bool years = !named && at > word_end && tb_spell_small(sp, at, 4, &year) == 4;
    if (!whole && !de && stop == word_end && !years) return 0;
    say_day(sp, day);
    tb_spell_say(sp, "de");
    tb_spell_say(sp, tb_spell_month_name(sp, month));
    if (years) tb_spell_say(sp, "de");
    return (whole ? word_end : stop) - i;
}

size_t tb_spell_date(tb_speller *sp, size_t i)
{
    static size_t (*const rules[])(tb_speller *, size_t) = {iso_date, numeric_date, iso_month,
                                                            short_month_date, short_date};
    if (!tb_spell_digit(sp, i)) return 0;
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) {
        size_t n = rules[k](sp, i);
        if (n) return n;
    }
    return 0;
}

/* Behind the times of day: "5:30" is no day of a month. */
size_t tb_spell_day(tb_speller *sp, size_t i)
{
    if (!tb_spell_digit(sp, i)) return 0;
    size_t n = day_of_month(sp, i);
    return n ? n : dia_del_mes(sp, i);
}

/* "Dec." and "ene." beside a number or, in Spanish, behind de; the number is said by itself. */
size_t tb_spell_month(tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1], prev[TB_SPELL_WORD + 1];
    size_t end = tb_spell_next_word(sp, i, word);
    if (end == i || end - i > 4) return 0;
    int month = tb_spell_month_of(sp, word);
    if (!month || strlen(word) > 4) return 0;
    bool stop = end < sp->len && sp->s[end] == '.';
    size_t next = tb_spell_skip(sp, end + stop);
    bool digit_next = next > end && tb_spell_digit(sp, next);
    tb_spell_prev_word(sp, i, prev);
    bool de = spanish(sp) && stop && tb_spell_in(prev, " de en desde hasta a ");
    if (!spanish(sp) && !is_capital(sp, i)) return 0;
    if (strcmp(word, "may") == 0 || strcmp(word, "june") == 0 || strcmp(word, "july") == 0)
        return 0; /* whole names */
    if (spanish(sp) && !stop) return 0;
    if (!digit_next && !de) return 0;
    tb_spell_say(sp, tb_spell_month_name(sp, month));
    return (digit_next ? end + stop : tb_spell_stop(sp, end)) - i;
}
