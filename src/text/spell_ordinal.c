/*
 * Ordinals (21st, 3.º) and, in English, plurals of numbers: decades (1990s).
 */
#include "base/utf8.h"
#include "text/spell_rules_priv.h"

#include <string.h>

static bool spanish(const tb_speller *sp)
{
    return sp->kind == TB_SPELL_ES;
}

/* ---- ordinals ---- */

/* A dash at i: its bytes, 0 none. */
static size_t dash(const tb_speller *sp, size_t i)
{
    size_t n;
    uint32_t cp = tb_spell_at(sp, i, &n);
    return cp == '-' || cp == 0x2013 ? n : 0;
}

/* The number at i, and the end of "st" or its like behind it; 0 none. */
static size_t read_ordinal_en(const tb_speller *sp, size_t i, tb_spell_number *n)
{
    static const char *const endings[] = {"st", "nd", "rd", "th", "ST", "ND", "RD", "TH"};
    if (!tb_spell_digit(sp, i) || !tb_spell_read(sp, i, n) || n->point || n->above) return 0;
    for (size_t k = 0; k < sizeof endings / sizeof *endings; k++)
        if (tb_spell_starts(sp, n->end, endings[k]) && tb_spell_ends(sp, n->end + 2))
            return n->end + 2;
    return 0;
}

/* 21st; of 16th-17th and 16-17th the first, and "to". */
static size_t ordinal_en(tb_speller *sp, size_t i)
{
    tb_spell_number n, second;
    tb_spell_words w = {0};
    size_t end = read_ordinal_en(sp, i, &n);
    if (!end && (!tb_spell_digit(sp, i) || !tb_spell_read(sp, i, &n) || n.point || n.above))
        return 0;
    size_t at = end ? end : n.end, d = dash(sp, at);
    bool range = d && tb_spell_before(sp, i) != '-' && read_ordinal_en(sp, at + d, &second);
    if (!end && !range) return 0;
    tb_en_ordinal(&w, n.digits, n.n, sp->british);
    tb_spell_say_words(sp, &w);
    if (!range) return end - i;
    tb_spell_say(sp, "to");
    return at + d - i;
}

/* The ending of a Spanish ordinal at i: its bytes, 0 none. */
static size_t ordinal_ending(const tb_speller *sp, size_t i, bool *feminine, bool *apocope,
                             bool *plural)
{
    static const struct {
        const char *written;
        char kind; /* o, a, e: er */
    } endings[] = {{"\xC2\xBA", 'o'}, {"\xC2\xB0", 'o'}, {"\xC2\xAA", 'a'}, {"er", 'e'},
                   {"ero", 'o'},      {"era", 'a'},      {"ro", 'o'},       {"ra", 'a'},
                   {"do", 'o'},       {"da", 'a'},       {"to", 'o'},       {"ta", 'a'},
                   {"mo", 'o'},       {"ma", 'a'},       {"vo", 'o'},       {"va", 'a'},
                   {"no", 'o'},       {"na", 'a'},       {"os", 'O'},       {"as", 'A'}};
    bool dot = i < sp->len && sp->s[i] == '.';
    size_t at = i + dot, best = 0;
    for (size_t k = 0; k < sizeof endings / sizeof *endings; k++) {
        size_t n = strlen(endings[k].written);
        char kind = endings[k].kind;
        if (n <= best || !tb_spell_starts(sp, at, endings[k].written)) continue;
        bool sign = endings[k].written[0] == '\xC2';
        bool class = sign && at + n < sp->len && sp->s[at + n] >= 'A' && sp->s[at + n] <= 'Z' &&
                     tb_spell_ends(sp, at + n + 1); /* 1ºA */
        if (!tb_spell_ends(sp, at + n) && !class) continue;
        if ((kind == 'O' || kind == 'A') && !dot) continue;
        if (!sign && dot && kind != 'e' && kind != 'O' && kind != 'A') continue;
        /* ° is of ordinals where a full stop, or one of certain words, says so */
        if (endings[k].written[1] == '\xB0' && sign && !dot) {
            char word[TB_SPELL_WORD + 1];
            tb_spell_next_word(sp, at + n, word);
            if (!tb_spell_in(word, " piso grado lugar puesto año curso semestre trimestre de "
                                   "capítulo aniversario congreso básico secundaria primaria "
                                   "edición puerta "))
                continue;
        }
        best = n;
        *feminine = kind == 'a' || kind == 'A';
        *apocope = kind == 'e';
        *plural = kind == 'O' || kind == 'A';
    }
    return best ? dot + best : 0;
}

/* A temperature or an angle (90º): º stands on keyboards, and is meant for °. The text between
 * start and end is the number with its sign. */
static bool is_temperature_or_angle(const tb_speller *sp, size_t start, size_t end)
{
    char word[TB_SPELL_WORD + 1];
    tb_spell_next_word(sp, end, word);
    if (tb_spell_in(word, " centígrados celsius bajo sobre ")) return true;
    if (strcmp(word, "de") == 0) {
        size_t behind = tb_spell_next_word(sp, end, word);
        tb_spell_next_word(sp, behind, word);
        return tb_spell_in(word, " fiebre temperatura inclinación latitud longitud giro ");
    }
    size_t before = tb_spell_prev_word(sp, start, word);
    if (tb_spell_in(word, " hace hacía hizo hará haga hacen marca marcan marcaba girar gira gire "
                          "giro "))
        return true;
    if (!tb_spell_in(word, " de a unos hasta ")) return false;
    tb_spell_prev_word(sp, before, word);
    return tb_spell_in(word,
                       " ángulo ángulos temperatura temperaturas fiebre giro inclinación horno "
                       "grados máxima mínima máximas mínimas hace ");
}

static size_t ordinal_es(tb_speller *sp, size_t i)
{
    bool feminine, apocope, plural;
    long value = 0;
    size_t n = tb_spell_digits_at(sp, i, 4);
    if (!n || n > 4) return 0;
    for (size_t k = 0; k < n; k++)
        value = value * 10 + (sp->s[i + k] - '0');
    size_t ending = ordinal_ending(sp, i + n, &feminine, &apocope, &plural);
    /* 25 ºC is a temperature */
    if (!ending || value < 1 || value > 1000) return 0;
    size_t end = i + n + ending, next = tb_spell_skip(sp, end);
    if (sp->s[end - 1] == '\xBA' && next < sp->len && strchr("CF", sp->s[next]) &&
        tb_spell_ends(sp, next + 1) && sp->s[i + n] != '.' && (value > 6 || next == end))
        return 0;
    if (sp->s[end - 1] == '\xBA' && sp->s[i + n] != '.' && is_temperature_or_angle(sp, i, end)) {
        tb_spell_say_value(sp, value, TB_ES_MASCULINE);
        tb_spell_say(sp, value == 1 ? "grado" : "grados");
        return end - i;
    }
    if (sp->s[end - 1] == '\xBA' || sp->s[end - 1] == '\xB0') {
        /* 1º is cut in front of a masculine noun: primer piso */
        char word[TB_SPELL_WORD + 1];
        tb_spell_next_word(sp, end, word);
        apocope = *word && tb_es_form_before(word) == TB_ES_MASCULINE &&
                  !tb_spell_in(word, " izq izqda izquierda izda dcha derecha ctro centro int ext ");
    }
    tb_spell_say_ordinal(sp, value, feminine, apocope);
    if (plural) tb_str_puts(sp->out, "s");
    size_t d = dash(sp, end), m = d ? tb_spell_digits_at(sp, end + d, 3) : 0;
    if (!m || m > 3 || !ordinal_ending(sp, end + d + m, &feminine, &apocope, &plural))
        return end - i;
    tb_spell_say(sp, "a"); /* 1.º-3.º */
    return end + d - i;
}

size_t tb_spell_ordinal(tb_speller *sp, size_t i)
{
    return spanish(sp) ? ordinal_es(sp, i) : ordinal_en(sp, i);
}

/* ---- decades and other plurals of numbers ---- */

static const char *plural_of(const char *word)
{
    static const char *const all[][2] = {
        {"twenty", "twenties"},  {"thirty", "thirties"},    {"forty", "forties"},
        {"fifty", "fifties"},    {"sixty", "sixties"},      {"seventy", "seventies"},
        {"eighty", "eighties"},  {"ninety", "nineties"},    {"ten", "tens"},
        {"hundred", "hundreds"}, {"thousand", "thousands"}, {"six", "sixes"},
        {"-six", "-sixes"},      {"one", "ones"},           {"two", "twos"},
        {"three", "threes"},     {"four", "fours"},         {"five", "fives"},
        {"seven", "sevens"},     {"eight", "eights"},       {"nine", "nines"},
        {"-one", "-ones"},       {"-two", "-twos"},         {"-three", "-threes"},
        {"-four", "-fours"},     {"-five", "-fives"},       {"-seven", "-sevens"},
        {"-eight", "-eights"},   {"-nine", "-nines"},       {"eleven", "elevens"},
        {"twelve", "twelves"},   {"fifteen", "fifteens"},   {"sixteen", "sixteens"},
        {"million", "millions"}, {"zero", "zeros"},         {"billion", "billions"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i][0], word) == 0) return all[i][1];
    return word;
}

size_t tb_spell_decade(tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    size_t at = i;
    /* '90s */
    bool cut = tb_spell_starts(sp, i, "'") || tb_spell_starts(sp, i, "\xE2\x80\x99");
    if (cut) {
        if (tb_utf8_is_word(tb_spell_before(sp, i))) return 0;
        at += sp->s[i] == '\'' ? 1 : 3;
    }
    size_t n = tb_spell_digits_at(sp, at, 4), end = at + n;
    if (n < 2 || n > 4) return 0;
    bool apostrophe = tb_spell_starts(sp, end, "'s") || tb_spell_starts(sp, end, "\xE2\x80\x99s");
    size_t s = end + (!apostrophe ? 0 : sp->s[end] == '\'' ? 1 : 3);
    if (cut && n == 2 && tb_spell_ends(sp, end) &&
        !tb_spell_starts(sp, end, "'")) { /* class of '98 */
        long year = (sp->s[at] - '0') * 10 + (sp->s[at + 1] - '0');
        tb_spell_words w = {0};
        if (spanish(sp))
            tb_es_cardinal(&w, sp->s + at, 2, TB_ES_ALONE);
        else
            tb_en_cardinal(&w, sp->s + at, 2, false);
        if (year < 10) tb_spell_say(sp, spanish(sp) ? "cero" : "oh");
        tb_spell_say_words(sp, &w);
        return end - i;
    }
    if (spanish(sp) || s >= sp->len || sp->s[s] != 's' || !tb_spell_ends(sp, s + 1)) return 0;
    bool tens = sp->s[end - 1] == '0';
    if (n == 2 && !cut) {
        tb_spell_prev_word(sp, i > 0 && sp->s[i - 1] == '-' ? i - 1 : i, word); /* mid-60s */
        if (!tb_spell_in(word, " the their his her my our your its early late mid low high upper "
                               "lower in "))
            return 0;
    }
    if (apostrophe && !tens) return 0; /* 1998's best: a possessive */
    tb_spell_words w = {0};
    long year = 0;
    for (size_t k = 0; k < n; k++)
        year = year * 10 + (sp->s[at + k] - '0');
    if (cut && year == 0)
        tb_en_year(&w, 2000, false);
    else if (n == 4 && year >= 1100 && year < 2100)
        tb_en_year(&w, year, false);
    else
        tb_en_cardinal(&w, sp->s + at, n, sp->british);
    if (w.n) w.w[w.n - 1] = plural_of(w.w[w.n - 1]);
    tb_spell_say_words(sp, &w);
    return s + 1 - i;
}
