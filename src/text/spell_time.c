/*
 * Times of day in English and Spanish: 14:30, 3 p.m., 9am-5pm, 15h30, with the zone behind them.
 */
#include "base/utf8.h"
#include "text/spell_rules_priv.h"

#include <string.h>

static bool spanish(const tb_speller *sp)
{
    return sp->kind == TB_SPELL_ES;
}

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

/* 1:10,000 and 1:50 000 are scales, 1:23.456 is a lap: more of the number stands at i. */
static bool longer(const tb_speller *sp, size_t i)
{
    if (tb_spell_starts(sp, i, " 000")) return tb_spell_ends(sp, i + 4);
    return (tb_spell_starts(sp, i, ",") || tb_spell_starts(sp, i, ".")) &&
           tb_spell_digit(sp, i + 1);
}

static bool read_clock(const tb_speller *sp, size_t i, clock_time *t)
{
    *t = (clock_time){.minute = -1, .second = -1};
    size_t n = tb_spell_small(sp, i, 2, &t->hour), at = i + n;
    if (!n || t->hour > 24) return false;
    bool colon = at < sp->len && sp->s[at] == ':';
    bool point = spanish(sp) && at < sp->len && (sp->s[at] == '.' || sp->s[at] == 'h');
    if (colon || point) {
        long minute;
        if (tb_spell_small(sp, at + 1, 2, &minute) == 2 && minute < 60) {
            if (colon && longer(sp, at + 3)) return false;
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
        if (tb_spell_small(sp, at + 1, 2, &t->second) != 2 || t->second > 59) return false;
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

/* ---- ranges ---- */

/* A dash of a range at i, blanks passed over: behind it and its blanks, 0 none. */
static size_t dash_at(const tb_speller *sp, size_t i)
{
    size_t n, at = tb_spell_skip(sp, i);
    uint32_t dash = tb_spell_at(sp, at, &n);
    return dash == '-' || dash == 0x2013 ? tb_spell_skip(sp, at + n) : 0;
}

/* "noon" and its like at i; last: also what only ends a range, "close". The end, 0 none. */
static size_t named_time(const tb_speller *sp, size_t i, bool last)
{
    char word[TB_SPELL_WORD + 1];
    size_t end = tb_spell_next_word(sp, i, word);
    if (!*word || tb_spell_skip(sp, i) != i || !tb_spell_ends(sp, end)) return 0;
    bool is = tb_spell_in(word, spanish(sp) ? " mediodía mediodia medianoche "
                                            : " noon midnight midday ") ||
              (last && tb_spell_in(word, spanish(sp) ? " cierre "
                                                     : " late close closing dusk dawn sunset "
                                                       "sunrise "));
    return is ? end : 0;
}

/* The "11" of "9:30-11" at i, the "2" of "noon-2": an hour that nothing else measures. */
static bool read_hour(const tb_speller *sp, size_t i, clock_time *t)
{
    *t = (clock_time){.minute = -1, .second = -1};
    size_t n = tb_spell_small(sp, i, 2, &t->hour);
    t->end = i + n;
    bool more =
        t->end < sp->len && strchr(".,:-/%", sp->s[t->end]) && tb_spell_digit(sp, t->end + 1);
    return n && t->hour <= 24 && !more && tb_spell_ends(sp, t->end);
}

static void say_word(tb_speller *sp, size_t i, size_t end)
{
    tb_spell_copy(sp, i, end - i);
    sp->apart = true;
}

/* What ends a range at i; returns its end, 0 none. */
static size_t say_second(tb_speller *sp, size_t i, bool spoken, bool hour)
{
    clock_time b;
    uint32_t before = tb_spell_before(sp, i);
    size_t end = named_time(sp, i, !tb_spell_blank(before)); /* not "at noon - late" */
    bool clock = !end && (read_clock(sp, i, &b) || (hour && read_hour(sp, i, &b)));
    if (!end && !clock) return 0;
    tb_spell_say(sp, spanish(sp) ? "a" : "to");
    if (end) {
        say_word(sp, i, end);
        return end;
    }
    say_clock(sp, &b, spoken, false);
    return b.half ? half_stop(sp, b.end) : b.end;
}

/* noon-2pm */
static size_t from_named(tb_speller *sp, size_t i)
{
    clock_time b;
    size_t end = named_time(sp, i, false), at = end ? dash_at(sp, end) : 0;
    if (!at || tb_utf8_is_word(tb_spell_before(sp, i))) return 0;
    if (!read_clock(sp, at, &b) && !read_hour(sp, at, &b) &&
        !named_time(sp, at, !tb_spell_blank(tb_spell_before(sp, at))))
        return 0;
    say_word(sp, i, end);
    return say_zone(sp, say_second(sp, at, false, true)) - i;
}

static bool may_begin(const tb_speller *sp, size_t i)
{
    uint32_t before = tb_spell_before(sp, i);
    if (before && before < 0x80 && strchr(":.,-/", (int)before)) {
        clock_time t; /* 5 p.m. ET/2 p.m. PT */
        return before == '/' && i > 1 && tb_spell_letter(tb_spell_before(sp, i - 1)) &&
               read_clock(sp, i, &t) && t.half;
    }
    return !tb_utf8_is_word(before) || before == 'T';
}

size_t tb_spell_time(tb_speller *sp, size_t i)
{
    clock_time a, b;
    if (!tb_spell_digit(sp, i)) return from_named(sp, i);
    if (!may_begin(sp, i)) return 0;
    bool timed = read_clock(sp, i, &a);
    if (!timed) { /* "9" of "9-5 pm" */
        size_t digits = tb_spell_small(sp, i, 2, &a.hour);
        if (!digits || a.hour < 1 || a.hour > 12) return 0;
        a.end = i + digits;
    }
    size_t at = dash_at(sp, a.half ? tb_spell_stop(sp, a.end) : a.end), end;
    bool hour = timed && a.minute >= 0 && !a.half; /* 9:30-11 */
    bool range =
        at && (named_time(sp, at, timed) || (read_clock(sp, at, &b) && (timed || b.half)) ||
               (hour && read_hour(sp, at, &b)));
    if (!timed && !range) return 0;
    /* "las 3:30": spoken as on a clock */
    char word[TB_SPELL_WORD + 1];
    tb_spell_prev_word(sp, i, word);
    bool spoken = spanish(sp) && tb_spell_in(word, " la las ");
    if (!range && timed && a.end < sp->len && tb_spell_digit(sp, a.end)) return 0;
    /* de nueve a catorce horas */
    say_clock(sp, &a, spoken, range || (spanish(sp) && tb_spell_in(word, " de desde entre ")));
    end = a.half ? half_stop(sp, a.end) : a.end;
    if (range) end = say_second(sp, at, spoken, hour);
    return say_zone(sp, end) - i;
}
