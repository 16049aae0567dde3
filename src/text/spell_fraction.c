/*
 * Fractions: the signs (½) and plain ones (3/4), by themselves, behind a whole number (2½) and in
 * front of what they measure: half a cup, media taza, three quarters of a mile.
 */
#include "base/utf8.h"
#include "text/spell_rules_priv.h"

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

/* The "rd" of 1/3rd, the "ths" of 3/4ths: its bytes. */
static size_t ending(const tb_speller *sp, size_t i)
{
    static const char *const endings[] = {"rds", "ths", "nds", "sts", "rd", "th", "nd", "st"};
    for (size_t k = 0; sp->kind == TB_SPELL_EN && k < sizeof endings / sizeof *endings; k++)
        if (tb_spell_starts(sp, i, endings[k]) && tb_spell_ends(sp, i + strlen(endings[k])))
            return strlen(endings[k]);
    return 0;
}

/* a/b below one, of parts that have a name, with nothing of a date or a code beside it. */
static size_t read_plain(const tb_speller *sp, size_t i, int *above, int *below)
{
    int value[2] = {0, 0};
    size_t at = i;
    uint32_t before = tb_spell_before(sp, i);
    if (before == '/' || before == '.' || tb_utf8_is_word(before)) return 0;
    if (before == '-' && (i < 2 || !tb_spell_digit(sp, i - 2))) return 0; /* 1-1/2 is 1½ */
    for (int k = 0; k < 2; k++) {
        size_t n = 0;
        for (; n < 4 && tb_spell_digit(sp, at); at++, n++)
            value[k] = value[k] * 10 + (sp->s[at] - '0');
        if (n == 0 || n > 3) return 0;
        if (k == 0 && (at >= sp->len || sp->s[at++] != '/')) return 0;
    }
    size_t behind = at + ending(sp, at);
    if (!tb_spell_ends(sp, behind) || (at < sp->len && strchr("/-", sp->s[at]))) return 0;
    if (behind > at && value[0] > 0 && value[0] < value[1]) { /* 1/72nd */
        *above = value[0];
        *below = value[1];
        return behind - i;
    }
    static const int parts[] = {2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 20, 25, 32, 50, 64, 100};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
        if (parts[k] == value[1] && value[0] > 0 && value[0] < value[1]) {
            *above = value[0];
            *below = value[1];
            return behind - i;
        }
    return 0;
}

size_t tb_spell_read_fraction(const tb_speller *sp, size_t i, bool plain, int *above, int *below)
{
    if (plain && tb_spell_digit(sp, i)) return read_plain(sp, i, above, below);
    if (i >= sp->len || !(sp->s[i] & 0x80)) return 0;
    for (size_t k = 0; k < sizeof signs / sizeof *signs; k++)
        if (tb_spell_starts(sp, i, signs[k].sign)) {
            *above = signs[k].above;
            *below = signs[k].below;
            return strlen(signs[k].sign);
        }
    return 0;
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

void tb_spell_say_half(tb_speller *sp, int above, int below, tb_es_form form)
{
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

/* tres cuartas partes, la tercera parte */
static void say_parts_of(tb_speller *sp, int above, int below)
{
    tb_spell_say_value(sp, above, TB_ES_FEMININE);
    if (below == 2)
        tb_spell_say(sp, "media");
    else
        tb_spell_say_ordinal(sp, below, true, false);
    if (above > 1) tb_str_puts(sp->out, "s");
}

/* A fraction and what it measures. at: behind it. Returns the end. */
static size_t say_fraction(tb_speller *sp, int above, int below, size_t start, size_t at)
{
    const bool es = sp->kind == TB_SPELL_ES;
    char word[TB_SPELL_WORD + 1];
    tb_spell_unit unit;
    size_t next = tb_spell_skip(sp, at);
    size_t end = tb_spell_read_unit(sp, next, next > at, &unit);
    tb_spell_next_word(sp, at, word);
    if (es) {
        if (!end && tb_spell_in(word, " parte partes ") && below <= 10) {
            say_parts_of(sp, above, below);
            return at;
        }
        bool feminine = end ? unit.feminine : tb_es_is_feminine(word);
        bool counted = end || tb_es_form_before(word) != TB_ES_ALONE;
        char prev[TB_SPELL_WORD + 1];
        size_t from = tb_spell_prev_word(sp, start, prev);
        if (!counted && below == 2 && strcmp(prev, "y") == 0) { /* tres horas y 1/2 */
            tb_spell_prev_word(sp, from, prev);
            if (*prev) {
                tb_spell_say(sp, tb_es_is_feminine(prev) ? "media" : "medio");
                return at;
            }
        }
        if (below == 2 && above == 1 && (counted || !*word))
            tb_spell_say(sp, !*word && !end ? "un medio" : feminine ? "media" : "medio");
        else {
            say_parts(sp, above, below);
            if (counted) tb_spell_say(sp, "de");
        }
        if (!end) return at;
        tb_spell_say_unit(sp, &unit, true);
        return end;
    }
    char prev[TB_SPELL_WORD + 1];
    tb_spell_prev_word(sp, start, prev);
    bool fits = tb_spell_in(prev, " a an another the this that every each ");
    if (end && !tb_spell_letter((unsigned char)sp->s[next])) { /* 3/4" bolts */
        tb_spell_next_word(sp, end, word);
        fits |= !counts_nothing(word);
        strcpy(word, "inch");
    }
    if ((end || !counts_nothing(word)) && fits) {
        /* a half mile walk, the three quarter mark */
        if (above > 1 || below > 4) tb_spell_say_value(sp, above, TB_ES_ALONE);
        if (below == 2 || below == 4)
            tb_spell_say(sp, below == 2 ? "half" : "quarter");
        else
            tb_spell_say_ordinal(sp, below, false, false);
        if (end) tb_spell_say_unit(sp, &unit, true);
        return end ? end : at;
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

/* ¼–½ cup: the first of a range, and "to"; the place of the second, 0 where no dash is at i. */
static size_t until(tb_speller *sp, size_t i, int above, int below)
{
    const bool es = sp->kind == TB_SPELL_ES;
    int x, y;
    size_t n;
    uint32_t dash = tb_spell_at(sp, i, &n);
    if (dash != '-' && dash != 0x2013) return 0;
    if (!tb_spell_digit(sp, i + n) && !tb_spell_read_fraction(sp, i + n, false, &x, &y)) return 0;
    if (above == 1 && below == 2)
        tb_spell_say(sp, es ? "medio" : "half");
    else
        say_parts(sp, above, below);
    tb_spell_say(sp, es ? "a" : "to");
    return i + n;
}

size_t tb_spell_fraction(tb_speller *sp, size_t i)
{
    int above, below;
    size_t n = tb_spell_read_fraction(sp, i, false, &above, &below);
    if (!n) return 0;
    size_t to = until(sp, i + n, above, below);
    return (to ? to : say_fraction(sp, above, below, i, i + n)) - i;
}

/* 8/10 is a mark, not eight tenths; so is 4/5 of stars. Others are divisions: 7/3. */
size_t tb_spell_plain_fraction(tb_speller *sp, size_t i)
{
    const bool es = sp->kind == TB_SPELL_ES;
    char word[TB_SPELL_WORD + 1];
    int above, below;
    size_t n = read_plain(sp, i, &above, &below);
    tb_spell_next_word(sp, i + n, word);
    bool mark = n && above > 1 && below > 5 && below % 5 == 0 && tb_spell_digit(sp, i + n - 1);
    mark |= n && below == 5 && tb_spell_in(word, " star stars estrella estrellas ");
    if (n && !mark) {
        size_t to = until(sp, i + n, above, below);
        return (to ? to : say_fraction(sp, above, below, i, i + n)) - i;
    }
    tb_spell_number a, b;
    if (!tb_spell_read(sp, i, &a) || a.end >= sp->len || sp->s[a.end] != '/') return 0;
    if (!tb_spell_digit(sp, a.end + 1) || !tb_spell_read(sp, a.end + 1, &b)) return 0;
    if (tb_spell_before(sp, i) == '/' || (b.end < sp->len && sp->s[b.end] == '/')) return 0;
    if (a.n == 4 && tb_spell_value(&a) >= 0 && (b.n == 2 || b.n == 4) &&
        tb_spell_value(&b) >= 0) { /* the season 2023/24 */
        tb_spell_say_year(sp, tb_spell_value(&a));
        if (b.n == 4 && b.digits[0] == '0') { /* the file 2024/0153 */
            tb_spell_say(sp, es ? "barra" : "slash");
            tb_spell_digits(sp, b.digits, b.n);
        } else if (b.n == 4)
            tb_spell_say_year(sp, tb_spell_value(&b));
        else
            tb_spell_say_number(sp, &b, TB_ES_ALONE);
        return b.end - i;
    }
    tb_spell_say_number(sp, &a, TB_ES_ALONE);
    long x = tb_spell_value(&a), y = tb_spell_value(&b);
    bool out_of =
        mark || ((x >= 0 ? x <= y : a.point != 0) && (y == 10 || y == 100 || y == 20 || y == 5));
    tb_spell_prev_word(sp, i, word);
    bool blood = tb_spell_in(word, " ta pa tensión arterial "); /* TA 120/80 */
    tb_spell_say(sp, !es      ? (out_of ? "out of" : "over")
                     : out_of ? "de"
                     : blood  ? "sobre"
                              : "entre");
    tb_spell_say_number(sp, &b, TB_ES_ALONE);
    tb_spell_unit unit;
    size_t at = tb_spell_skip(sp, b.end), end = tb_spell_read_unit(sp, at, at > b.end, &unit);
    if (!end || out_of) return b.end - i;
    tb_spell_say_unit(sp, &unit, false); /* 120/80 mmHg */
    return end - i;
}
