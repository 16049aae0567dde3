/*
 * Dates (12/25/2024, 2024-12-25, December 25, 25 Dec 2024, 3 abr. 2024) and times of day (14:30,
 * 3 p.m., 9am-5pm, 15h30), in English and Spanish.
 */
#include "base/utf8.h"
#include "text/spell_priv.h"

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
static int month_of(const tb_speller *sp, const char *word)
{
    for (int m = 0; m < 12; m++)
        if (tb_spell_in(word, spanish(sp) ? es_months[m].forms : en_months[m].forms)) return m + 1;
    return 0;
}

static const char *month_name(const tb_speller *sp, long month)
{
    return spanish(sp) ? es_months[month - 1].name : en_months[month - 1].name;
}

static bool is_capital(const tb_speller *sp, size_t i)
{
    return i < sp->len && sp->s[i] >= 'A' && sp->s[i] <= 'Z';
}

/* One to `most` digits at i as a number; their count, 0 none or more. */
static size_t small_number(const tb_speller *sp, size_t i, size_t most, long *value)
{
    size_t n = 0;
    *value = 0;
    while (n <= most && tb_spell_digit(sp, i + n))
        *value = *value * 10 + (sp->s[i + n++] - '0');
    return n > most ? 0 : n;
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
        tb_spell_say(sp, month_name(sp, month));
        if (year) tb_spell_say(sp, "de");
    } else if (sp->british) {
        tb_spell_prev_word(sp, start, word);
        if (strcmp(word, "the") != 0) tb_spell_say(sp, "the");
        say_day(sp, day);
        tb_spell_say(sp, "of");
        tb_spell_say(sp, month_name(sp, month));
    } else {
        tb_spell_say(sp, month_name(sp, month));
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
    size_t n = small_number(sp, i, 2, &a);
    if (!n || i + n >= sp->len || !strchr("/-.", sp->s[i + n])) return 0;
    char sep = sp->s[i + n];
    size_t at = i + n + 1, m = small_number(sp, at, 2, &b);
    if (!m || at + m >= sp->len || sp->s[at + m] != sep) return 0;
    at += m + 1;
    size_t digits = small_number(sp, at, 4, &year), end = at + digits;
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
    if (small_number(sp, i, 4, &year) != 4 || i + 4 >= sp->len) return 0;
    char sep = sp->s[i + 4];
    if (sep != '-' && sep != '/' && sep != '.') return 0;
    size_t n = small_number(sp, i + 5, 2, &month), at = i + 5 + n;
    if (!n || at >= sp->len || sp->s[at] != sep) return 0;
    size_t m = small_number(sp, at + 1, 2, &day), end = at + 1 + m;
    if (!m || !stands_alone(sp, i, end)) return 0;
    if (month < 1 || month > 12 || day < 1 || day > 31 || year < 1000) return 0;
    say_date(sp, day, month, year, i);
    if (end < sp->len && sp->s[end] == 'T' && tb_spell_digit(sp, end + 1)) {
        tb_str_puts(sp->out, ",");
        end++;
    }
    return end - i;
}

/* 3/4 behind a word that a day follows. */
static size_t short_date(tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    long a, b;
    size_t n = small_number(sp, i, 2, &a);
    if (!n || i + n >= sp->len || sp->s[i + n] != '/') return 0;
    size_t m = small_number(sp, i + n + 1, 2, &b), end = i + n + 1 + m;
    if (!m || !stands_alone(sp, i, end)) return 0;
    tb_spell_prev_word(sp, i, word);
    bool day_follows =
        spanish(sp)
            ? tb_spell_in(word, " el día del al desde hasta lunes martes miércoles jueves viernes "
                                "sábado domingo fecha ")
            : tb_spell_in(word, " on until till before since after due dated date monday tuesday "
                                "wednesday thursday friday saturday sunday mon tue wed thu fri sat "
                                "sun ");
    bool day_first = spanish(sp) || sp->british || a > 12;
    if (day_first && b > 12) day_first = false;
    long day = day_first ? a : b, month = day_first ? b : a;
    if (!day_follows || day < 1 || day > 31 || month < 1 || month > 12) return 0;
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
    return *start < at ? month_of(sp, word) : 0;
}

/* English: "December 25", "Dec. 25-27", "the 25 December". */
static size_t day_of_month(tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    long day, other;
    size_t start, n = small_number(sp, i, 2, &day), end = i + n;
    if (!n || day < 1 || day > 31 || spanish(sp)) return 0;
    bool ordinal = tb_spell_starts(sp, end, "st") || tb_spell_starts(sp, end, "nd") ||
                   tb_spell_starts(sp, end, "rd") || tb_spell_starts(sp, end, "th");
    size_t digits_end = end;
    if (ordinal) end += 2;
    if (!tb_spell_ends(sp, end)) return 0;
    if (tb_utf8_is_word(tb_spell_before(sp, i))) return 0;
    if (end < sp->len && strchr(":/", sp->s[end]) && tb_spell_digit(sp, end + 1)) return 0;
    if (end + 1 < sp->len && strchr(".,", sp->s[end]) && tb_spell_digit(sp, end + 1)) return 0;
    if (month_before(sp, i, &start) && is_capital(sp, start)) {
        size_t size;
        uint32_t dash = tb_spell_at(sp, digits_end, &size);
        tb_spell_say_ordinal(sp, day, false, false);
        size_t m =
            dash == '-' || dash == 0x2013 ? small_number(sp, digits_end + size, 2, &other) : 0;
        if (!m || other <= day || other > 31 || !tb_spell_ends(sp, digits_end + size + m))
            return end - i;
        tb_spell_say(sp, "to");
        tb_spell_say_ordinal(sp, other, false, false);
        return digits_end + size + m - i;
    }
    size_t next = tb_spell_skip(sp, end), word_end = tb_spell_next_word(sp, end, word);
    int month = next > end && is_capital(sp, next) ? month_of(sp, word) : 0;
    if (!month || (word_end < sp->len && sp->s[word_end] == '\'')) return 0;
    tb_spell_prev_word(sp, i, word);
    if (strcmp(word, "the") != 0) tb_spell_say(sp, "the");
    tb_spell_say_ordinal(sp, day, false, false);
    tb_spell_say(sp, "of");
    tb_spell_say(sp, month_name(sp, month));
    return tb_spell_stop(sp, word_end) - i;
}

/* Spanish: "1 de mayo", "3 abr. 2024". */
static size_t dia_del_mes(tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    long day, year;
    size_t n = small_number(sp, i, 2, &day), end = i + n;
    if (!n || day < 1 || day > 31 || !spanish(sp) || !tb_spell_ends(sp, end)) return 0;
    size_t word_end = tb_spell_next_word(sp, end, word);
    bool de = strcmp(word, "de") == 0;
    if (de) word_end = tb_spell_next_word(sp, word_end, word);
    int month = month_of(sp, word);
    if (!month || tb_utf8_is_word(tb_spell_before(sp, i))) return 0;
    /* "3 mar" may be three seas; a short name wants its full stop, de, or a year. */
    bool whole = strcmp(word, es_months[month - 1].name) == 0 || strcmp(word, "setiembre") == 0;
    size_t stop = tb_spell_stop(sp, word_end), at = tb_spell_skip(sp, stop);
    bool years = at > word_end && small_number(sp, at, 4, &year) == 4;
    if (!whole && !de && stop == word_end && !years) return 0;
    say_day(sp, day);
    tb_spell_say(sp, "de");
    tb_spell_say(sp, month_name(sp, month));
    if (years) tb_spell_say(sp, "de");
    return (whole ? word_end : stop) - i;
}

/* ---- times ---- */

typedef enum { NO_HALF, BEFORE_NOON, AFTER_NOON } half_of_day;

typedef struct {
    long hour, minute, second; /* -1 not written */
    half_of_day half;
    bool hours_word; /* Spanish: "h" stands behind it */
    size_t end;
} clock_time;

/* a.m., AM, p. m., pm behind blanks at i; its end, 0 none. */
static size_t read_half(const tb_speller *sp, size_t i, half_of_day *half)
{
    size_t at = tb_spell_skip(sp, i);
    char c = at < sp->len ? (char)(sp->s[at] | 32) : 0;
    if (c != 'a' && c != 'p') return 0;
    size_t m = at + 1;
    bool dotted = m < sp->len && sp->s[m] == '.';
    if (dotted) m = tb_spell_skip(sp, m + 1);
    if (m >= sp->len || (sp->s[m] | 32) != 'm' || !tb_spell_ends(sp, m + 1)) return 0;
    *half = c == 'a' ? BEFORE_NOON : AFTER_NOON;
    return m + 1;
}

/* Behind "p.m" at i: its full stop is passed over unless it also ends the sentence. */
static size_t half_stop(const tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    size_t stop = tb_spell_stop(sp, i);
    if (stop > i || i >= sp->len || sp->s[i] != '.') return stop;
    tb_spell_next_word(sp, i + 1, word);
    bool goes_on = tb_spell_in(word, " monday tuesday wednesday thursday friday saturday sunday "
                                     "january february march april may june july august september "
                                     "october november december est edt pst pdt cst cdt mst gmt "
                                     "utc cet bst et pt ") != 0;
    return goes_on ? i + 1 : i;
}

static bool read_clock(const tb_speller *sp, size_t i, clock_time *t)
{
    *t = (clock_time){.minute = -1, .second = -1};
    size_t n = small_number(sp, i, 2, &t->hour), at = i + n;
    if (!n || t->hour > 24) return false;
    bool colon = at < sp->len && sp->s[at] == ':';
    bool point = spanish(sp) && at < sp->len && (sp->s[at] == '.' || sp->s[at] == 'h');
    if (colon || point) {
        long minute;
        if (small_number(sp, at + 1, 2, &minute) == 2 && minute < 60) {
            bool h = sp->s[at] == 'h';
            t->minute = minute;
            at += 3;
            /* 15.30 is a time only in front of h */
            if (point && !h) {
                char word[TB_SPELL_WORD + 1];
                half_of_day half;
                tb_spell_next_word(sp, at, word);
                if (!tb_spell_in(word, " h hs hrs horas ") && !read_half(sp, at, &half))
                    return false;
            }
            if (!colon && h && at < sp->len && strchr("m'", sp->s[at]) && sp->s[at]) at++;
        } else if (colon) {
            return false;
        }
    }
    if (t->minute >= 0 && colon && at < sp->len && sp->s[at] == ':') {
        if (small_number(sp, at + 1, 2, &t->second) != 2 || t->second > 59) return false;
        at += 3;
        if (at + 1 < sp->len && (sp->s[at] == '.' || sp->s[at] == ',') &&
            tb_spell_digit(sp, at + 1)) /* fractions of a second are left out */
            for (at++; tb_spell_digit(sp, at);)
                at++;
    }
    t->end = at;
    size_t half = read_half(sp, at, &t->half);
    if (half) {
        t->end = half;
    } else if (t->minute >= 0) {
        char word[TB_SPELL_WORD + 1];
        size_t word_end = tb_spell_next_word(sp, at, word);
        if (tb_spell_in(word, spanish(sp) ? " h hs hrs horas " : " h hrs ")) {
            t->hours_word = true;
            t->end = tb_spell_stop(sp, word_end);
        }
    }
    if (t->half && (t->hour > 12 && t->minute < 0)) return false;
    return t->half || t->minute >= 0;
}

static void say_clock_en(tb_speller *sp, const clock_time *t)
{
    tb_spell_say_value(sp, t->hour, TB_ES_ALONE);
    if (t->minute == 0 && t->second < 0 && !t->half)
        tb_spell_say(sp, t->hour >= 1 && t->hour <= 12 && !t->hours_word ? "o'clock" : "hundred");
    if (t->minute > 0 || (t->minute == 0 && t->second >= 0)) {
        if (t->minute == 0)
            tb_spell_say(sp, "hundred");
        else if (t->minute < 10)
            tb_spell_say(sp, "oh");
        if (t->minute > 0) tb_spell_say_value(sp, t->minute, TB_ES_ALONE);
    }
    if (t->second > 0) {
        tb_spell_say(sp, "and");
        tb_spell_say_value(sp, t->second, TB_ES_ALONE);
        tb_spell_say(sp, t->second == 1 ? "second" : "seconds");
    }
    if (t->hours_word) tb_spell_say(sp, "hours");
    if (t->half) tb_spell_say(sp, t->half == BEFORE_NOON ? "A M" : "P M");
}

static const char *part_of_day(const clock_time *t)
{
    if (t->half == BEFORE_NOON)
        return t->hour == 12 ? "de la noche" : t->hour < 6 ? "de la madrugada" : "de la mañana";
    return t->hour == 12 ? "del mediodía" : t->hour >= 8 ? "de la noche" : "de la tarde";
}

static void say_clock_es(tb_speller *sp, const clock_time *t, bool spoken, bool first)
{
    bool twelve = t->hour >= 1 && t->hour <= 12 && (t->half || spoken) && t->second < 0;
    tb_spell_say_value(sp, t->hour, TB_ES_FEMININE);
    if (t->minute == 30 && twelve) {
        tb_spell_say(sp, "y media");
    } else if (t->minute == 15 && twelve) {
        tb_spell_say(sp, "y cuarto");
    } else if (t->minute > 0) {
        if (twelve)
            tb_spell_say(sp, "y");
        else if (t->minute < 10)
            tb_spell_say(sp, "cero");
        tb_spell_say_value(sp, t->minute, TB_ES_ALONE);
    }
    if (t->second > 0) {
        tb_spell_say(sp, "y");
        tb_spell_say_value(sp, t->second, TB_ES_MASCULINE);
        tb_spell_say(sp, t->second == 1 ? "segundo" : "segundos");
    }
    bool on_the_hour = t->minute == 0 && t->second < 0 && !t->half && !spoken && !first;
    if (t->hours_word || on_the_hour) tb_spell_say(sp, t->hour == 1 ? "hora" : "horas");
    if (t->half) tb_spell_say(sp, part_of_day(t));
}

static void say_clock(tb_speller *sp, const clock_time *t, bool spoken, bool first)
{
    if (spanish(sp))
        say_clock_es(sp, t, spoken, first);
    else
        say_clock_en(sp, t);
}

/* The zone behind a time is spelled: "3 PM EST". */
static size_t say_zone(tb_speller *sp, size_t i)
{
    static const char zones[][4] = {"EST", "EDT", "PST", "PDT", "CST", "CDT", "MST", "MDT",
                                    "GMT", "UTC", "CET", "BST", "ET",  "PT",  "CT"};
    size_t at = tb_spell_skip(sp, i);
    if (i < sp->len && sp->s[i] == 'Z' && tb_spell_ends(sp, i + 1)) return i + 1;
    for (size_t k = 0; k < sizeof zones / sizeof *zones; k++)
        if (tb_spell_starts(sp, at, zones[k]) && tb_spell_ends(sp, at + strlen(zones[k]))) {
            char letter[2] = {0};
            for (const char *c = zones[k]; *c; c++) {
                letter[0] = *c;
                tb_spell_say(sp, letter);
            }
            return at + strlen(zones[k]);
        }
    return i;
}

static size_t time_of_day(tb_speller *sp, size_t i)
{
    clock_time a, b;
    size_t n, end;
    uint32_t before = tb_spell_before(sp, i);
    if ((tb_utf8_is_word(before) && before != 'T') || before == ':' || before == '.' ||
        before == ',' || before == '-' || before == '/')
        return 0;
    bool timed = read_clock(sp, i, &a);
    if (!timed) { /* "9" of "9-5 pm" */
        size_t digits = small_number(sp, i, 2, &a.hour);
        if (!digits || a.hour < 1 || a.hour > 12) return 0;
        a.end = i + digits;
    }
    size_t at = tb_spell_skip(sp, a.half ? tb_spell_stop(sp, a.end) : a.end);
    uint32_t dash = tb_spell_at(sp, at, &n);
    bool range = dash == '-' || dash == 0x2013;
    if (range) range = read_clock(sp, tb_spell_skip(sp, at + n), &b) && (timed || b.half);
    if (!timed && !range) return 0;
    /* "las 3:30": spoken as on a clock */
    char word[TB_SPELL_WORD + 1];
    tb_spell_prev_word(sp, i, word);
    bool spoken = spanish(sp) && tb_spell_in(word, " la las ");
    if (!range && timed && a.end < sp->len && tb_spell_digit(sp, a.end)) return 0;
    /* de nueve a catorce horas */
    say_clock(sp, &a, spoken, range || (spanish(sp) && tb_spell_in(word, " de desde entre ")));
    end = a.half ? half_stop(sp, a.end) : a.end;
    if (range) {
        tb_spell_say(sp, spanish(sp) ? "a" : "to");
        say_clock(sp, &b, spoken, false);
        end = b.half ? half_stop(sp, b.end) : b.end;
    }
    return say_zone(sp, end) - i;
}

size_t tb_spell_when(tb_speller *sp, size_t i)
{
    static size_t (*const rules[])(tb_speller *, size_t) = {iso_date,    numeric_date, short_date,
                                                            time_of_day, day_of_month, dia_del_mes};
    if (!tb_spell_digit(sp, i)) return 0;
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) {
        size_t n = rules[k](sp, i);
        if (n) return n;
    }
    return 0;
}

/* "Dec." and "ene." beside a number or, in Spanish, behind de; the number is said by itself. */
size_t tb_spell_month(tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1], prev[TB_SPELL_WORD + 1];
    size_t end = tb_spell_next_word(sp, i, word);
    if (end == i || end - i > 4) return 0;
    int month = month_of(sp, word);
    if (!month || strlen(word) > 4) return 0;
    bool stop = end < sp->len && sp->s[end] == '.';
    size_t next = tb_spell_skip(sp, end + stop);
    bool digit_next = next > end && tb_spell_digit(sp, next);
    tb_spell_prev_word(sp, i, prev);
    bool de = spanish(sp) && strcmp(prev, "de") == 0 && stop;
    if (!spanish(sp) && !is_capital(sp, i)) return 0;
    if (strcmp(word, "may") == 0 || strcmp(word, "june") == 0 || strcmp(word, "july") == 0)
        return 0; /* whole names */
    if (spanish(sp) && !stop) return 0;
    if (!digit_next && !de) return 0;
    tb_spell_say(sp, month_name(sp, month));
    return (digit_next ? end + stop : tb_spell_stop(sp, end)) - i;
}
