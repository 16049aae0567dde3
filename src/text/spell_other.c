/*
 * The languages beside English and Spanish. Their digits stay, because espeak-ng reads them; what
 * it passes over, or reads in English, is said: a minus, money, percent, degrees, signs.
 */
#include "text/spell_other_priv.h"

#include "base/unicode.h"
#include "base/utf8.h"

#include <string.h>

/* A number with what stands around it. */
typedef struct {
    size_t start, end; /* its digits and separators */
    size_t whole_end;  /* of the whole part, in the text */
    tb_count count;
} number;

static void add_digit(tb_count *c, char digit)
{
    c->large |= c->low >= 10; /* the last two are kept, and that there were more */
    c->low = (c->low * 10 + (digit - '0')) % 100;
}

static size_t digits(const tb_speller *sp, size_t i, tb_count *c)
{
    size_t end = i;
    for (; tb_spell_digit(sp, end); end++)
        if (c) add_digit(c, sp->s[end]);
    return end;
}

/* 1.234,5 or 1,234.5 or 1 234: the last separator parts a fraction unless three digits follow. */
static bool read_number(const tb_speller *sp, size_t i, number *out)
{
    size_t n;
    if (!tb_spell_digit(sp, i)) return false;
    *out = (number){.start = i};
    out->end = out->whole_end = digits(sp, i, &out->count);
    for (;;) {
        uint32_t cp = tb_spell_at(sp, out->end, &n);
        bool blank = cp == ' ' || cp == 0xA0 || cp == 0x202F || cp == 0x2009;
        if (!blank && cp != '.' && cp != ',' && cp != '\'' && cp != 0x2019) break;
        if (!tb_spell_digit(sp, out->end + n)) break;
        size_t end = digits(sp, out->end + n, NULL);
        bool three = end - out->end - n == 3 && out->end - out->start <= 40;
        if (blank && !three) break;
        if (!three) {
            if (cp != '.' && cp != ',') break;
            out->count.decimal = true;
            out->end = end;
            break;
        }
        digits(sp, out->end + n, &out->count);
        out->whole_end = out->end = end;
    }
    return true;
}

/* The number as it is, or in words where espeak-ng has none. */
static void say_number(tb_speller *sp, const number *n)
{
    char whole[16];
    size_t count = 0;
    for (size_t i = n->start; i < n->whole_end && count < sizeof whole; i++)
        if (tb_spell_digit(sp, i)) whole[count++] = sp->s[i];
    if (count < sizeof whole && tb_spell_count(sp, whole, count)) {
        if (n->end == n->whole_end) return;
        tb_spell_say(sp, tb_spell_count_point(sp));
        for (size_t i = n->whole_end; i < n->end; i++)
            if (tb_spell_digit(sp, i)) (void)tb_spell_count(sp, sp->s + i, 1);
        return;
    }
    if (sp->apart) tb_str_add(sp->out, " ", 1);
    sp->apart = false;
    tb_spell_copy(sp, n->start, n->end - n->start);
}

static void say_forms(tb_speller *sp, const char *forms, const tb_count *count)
{
    char word[TB_SIGN_WORD];
    tb_sign_form(forms, sp->signs->rule, count, word);
    tb_spell_say(sp, word);
}

/* A dash to a second number at i: where that begins, 0 none. Rows with more dashes are no range. */
static size_t second_number(const tb_speller *sp, const number *a, number *b)
{
    size_t n;
    uint32_t dash = tb_spell_at(sp, a->end, &n), before = tb_spell_before(sp, a->start);
    if ((dash != '-' && dash != 0x2013) || before == '-' || before == '/' || before == 0x2013)
        return 0;
    if (!read_number(sp, a->end + n, b)) return 0;
    if (a->end - a->start > 4 || b->end - b->start > 4) return 0;
    uint32_t next = tb_spell_at(sp, b->end, &n);
    if (next == '-' || next == 0x2013 || next == '/' || tb_spell_letter(next)) return 0;
    return b->start;
}

/* The word behind a number: percent, degrees, a fraction; its end, 0 none. */
static size_t suffix(const tb_speller *sp, size_t i, const char **forms, bool *percent)
{
    const tb_sign_words *w = sp->signs;
    size_t n, at = tb_spell_skip(sp, i);
    uint32_t cp = tb_spell_at(sp, at, &n);
    *percent = false;
    *forms = NULL;
    if (cp == '%' || cp == 0x66A || cp == 0x2030) {
        *forms = cp == 0x2030 ? w->per_mille : w->percent;
        *percent = true;
    } else if (cp == 0x2103 || cp == 0x2109) {
        *forms = cp == 0x2103 ? w->celsius : w->fahrenheit;
    } else if (cp == 0xB0 || cp == 0xBA) {
        size_t letter = tb_spell_skip(sp, at + n);
        char c = letter < sp->len && tb_spell_ends(sp, letter + 1) ? sp->s[letter] : 0;
        *forms = c == 'C' ? w->celsius : c == 'F' ? w->fahrenheit : cp == 0xB0 ? w->degrees : NULL;
        if (c == 'C' || c == 'F') return *forms ? letter + 1 : 0;
    }
    return *forms ? at + n : 0;
}

static const char *fraction_at(const tb_speller *sp, size_t i, size_t *n)
{
    int above, below;
    *n = tb_spell_read_fraction(sp, i, false, &above, &below);
    if (!*n) return NULL;
    if (below == 2) return sp->signs->half;
    if (below == 4) return above == 1 ? sp->signs->quarter : sp->signs->three_quarters;
    return NULL;
}

static bool minus_stands(const tb_speller *sp, size_t i)
{
    uint32_t before = tb_spell_before(sp, i);
    return before == 0 || tb_utf8_is_space(before) || strchr("(=<>:,*\"", (int)(before & 0x7F)) ||
           before == 0xD7 || before == 0x2264 || before == 0x2265 || before == 0xBB ||
           before == 0xAB || before == 0x201E || before == 0xFF08;
}

/* The currency at i that has a word here. Letters (kr, Rs.) without one are words of the text. */
static const tb_currency *currency(const tb_speller *sp, size_t i, size_t *end)
{
    const tb_currency *c = tb_spell_currency(sp, i, end);
    size_t n;
    if (!c || c->code || tb_sign_more(sp->signs, c->sign)) return c;
    if (!tb_spell_letter(tb_spell_at(sp, i, &n)) || strchr(c->sign, '$')) return c;
    return tb_unicode_is_symbol(tb_spell_at(sp, i, &n)) ? c : NULL;
}

static size_t quantity(tb_speller *sp, size_t i)
{
    const tb_sign_words *w = sp->signs;
    size_t n, at = i, end;
    uint32_t cp = tb_spell_at(sp, i, &n);
    bool minus = (cp == '-' || cp == 0x2212 || cp == 0x2013) && minus_stands(sp, i), percent;
    if (minus) at += n;
    const tb_currency *c = currency(sp, at, &end);
    if (c) at = tb_spell_skip(sp, end);
    number a, b;
    if (!read_number(sp, at, &a)) return 0;
    uint32_t next = tb_spell_at(sp, a.end, &n);
    /* A date, a time, something with letters: as it is. */
    if (!c && !minus && (next == '/' || next == ':') && tb_spell_digit(sp, a.end + n)) {
        say_number(sp, &a);
        return a.end - i;
    }
    bool range = second_number(sp, &a, &b) > 0;
    const number *last = range ? &b : &a;
    const char *forms;
    size_t fraction_size, after = suffix(sp, last->end, &forms, &percent);
    const char *fraction = after || range ? NULL : fraction_at(sp, last->end, &fraction_size);
    end = after ? after : last->end + (fraction ? fraction_size : 0);
    if (!c && !after) {
        size_t money_end;
        c = currency(sp, tb_spell_skip(sp, end), &money_end);
        if (c) end = money_end;
    }
    if (minus) tb_spell_say(sp, w->minus);
    if (percent && w->percent_first) tb_spell_say(sp, forms);
    say_number(sp, &a);
    if (range) {
        if (w->to && !*w->to)
            sp->apart = true;
        else if (w->to)
            tb_spell_say(sp, w->to);
        else
            tb_spell_copy(sp, a.end, b.start - a.end);
        say_number(sp, &b);
    }
    if (fraction) {
        if (w->and) tb_spell_say(sp, w->and);
        tb_spell_say(sp, fraction);
    }
    if (forms && !(percent && w->percent_first)) say_forms(sp, forms, &last->count);
    if (c) say_forms(sp, tb_sign_money(w, c), &last->count);
    return end - i;
}

/* Signs that stand alone or between two things. */
static size_t sign(tb_speller *sp, size_t i)
{
    const tb_sign_words *w = sp->signs;
    const tb_count many = {.low = 5};
    size_t n, end, size;
    uint32_t cp = tb_spell_at(sp, i, &n), before = tb_spell_before(sp, i);
    const char *word = NULL;
    if (before == cp || tb_spell_at(sp, i + n, &size) == cp) return 0; /* rows are decoration */
    const char *fraction = fraction_at(sp, i, &size);
    if (fraction) {
        tb_spell_say(sp, fraction);
        return size;
    }
    size_t next = tb_spell_skip(sp, i + n);
    bool number_next = tb_spell_digit(sp, next);
    bool word_before = before && (tb_spell_blank(before) || tb_utf8_is_word(before));
    switch (cp) {
    case '+':
        if (number_next && (word_before || !before)) word = w->plus;
        break;
    case '=':
        if (word_before && next < sp->len) word = w->equals;
        break;
    case '&':
        if (tb_spell_blank(before) && next > i + 1) word = w->and;
        break;
    case 0xD7:
        word = w->times;
        break;
    case 0xB1:
        word = w->plus_minus;
        break;
    case 0x2212:
        word = w->minus;
        break;
    case 0x2264:
        word = w->at_most;
        break;
    case 0x2265:
        word = w->at_least;
        break;
    case 0x2030:
        word = w->per_mille;
        break;
    default:
        break;
    }
    if (cp == 0xA7 || cp == 0x2116) word = tb_sign_more(w, cp == 0xA7 ? "§" : "№");
    if (word) {
        say_forms(sp, word, &many);
        return n;
    }
    if (cp < 0x80 && cp != '$') return 0;
    const tb_currency *c = currency(sp, i, &end);
    if (!c || (tb_spell_letter(cp) && !tb_unicode_is_symbol(cp))) return 0;
    say_forms(sp, tb_sign_money(w, c), &many);
    return end - i;
}

size_t tb_spell_other(tb_speller *sp, size_t i)
{
    size_t n = 0;
    if (!tb_utf8_is_word(tb_spell_before(sp, i)) || tb_spell_digit(sp, i)) n = quantity(sp, i);
    return n ? n : sign(sp, i);
}
