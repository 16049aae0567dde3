/*
 * What the rules of tb_spell look at: characters, words and numbers as they are written. Every look
 * is bounded: a word by TB_SPELL_WORD bytes, blanks by two, a number by TB_SPELL_DIGITS digits.
 */
#include "base/utf8.h"
#include "text/spell_rules_priv.h"

#include <string.h>

uint32_t tb_spell_at(const tb_speller *sp, size_t i, size_t *n)
{
    *n = 0;
    return i < sp->len ? tb_utf8_next(sp->s + i, sp->len - i, n) : 0;
}

uint32_t tb_spell_before(const tb_speller *sp, size_t i)
{
    size_t n, from = i;
    if (i == 0) return 0;
    do
        from--;
    while (from > 0 && i - from < 4 && ((unsigned char)sp->s[from] & 0xC0) == 0x80);
    return tb_utf8_next(sp->s + from, i - from, &n);
}

bool tb_spell_digit(const tb_speller *sp, size_t i)
{
    return i < sp->len && sp->s[i] >= '0' && sp->s[i] <= '9';
}

bool tb_spell_letter(uint32_t cp)
{
    return tb_utf8_is_word(cp) && !(cp >= '0' && cp <= '9') && cp != 0xAA && cp != 0xBA &&
           cp != TB_UTF8_BAD;
}

bool tb_spell_blank(uint32_t cp)
{
    return cp != '\n' && cp != '\r' && cp != 0x2028 && cp != 0x2029 && cp != 0xFEFF &&
           tb_utf8_is_space(cp);
}

size_t tb_spell_skip(const tb_speller *sp, size_t i)
{
    size_t n;
    for (int k = 0; k < 2 && tb_spell_blank(tb_spell_at(sp, i, &n)); k++)
        i += n;
    return i;
}

bool tb_spell_starts(const tb_speller *sp, size_t i, const char *s)
{
    if (i >= sp->len || sp->s[i] != *s) return false; /* most of them */
    size_t n = strlen(s);
    return n <= sp->len - i && memcmp(sp->s + i, s, n) == 0;
}

size_t tb_spell_word_end(const tb_speller *sp, size_t i)
{
    size_t end = i, n;
    while (tb_spell_letter(tb_spell_at(sp, end, &n)) && end + n - i <= TB_SPELL_WORD)
        end += n;
    return end;
}

/* s[from..to) folded; "" when it does not fit. */
static void fold(const tb_speller *sp, size_t from, size_t to, char word[TB_SPELL_WORD + 1])
{
    size_t o = 0, n;
    for (size_t i = from; i < to; i += n) {
        char utf8[4];
        size_t size = tb_utf8_put(tb_utf8_fold(tb_spell_at(sp, i, &n)), utf8);
        if (o + size > TB_SPELL_WORD) {
            o = 0;
            break;
        }
        memcpy(word + o, utf8, size);
        o += size;
    }
    word[o] = 0;
}

size_t tb_spell_next_word(const tb_speller *sp, size_t i, char word[TB_SPELL_WORD + 1])
{
    i = tb_spell_skip(sp, i);
    size_t end = tb_spell_word_end(sp, i);
    fold(sp, i, end, word);
    return end;
}

size_t tb_spell_prev_word(const tb_speller *sp, size_t i, char word[TB_SPELL_WORD + 1])
{
    size_t end = i, start;
    for (int k = 0; k < 2 && end > 0; k++) {
        uint32_t cp = tb_spell_before(sp, end);
        if (!tb_spell_blank(cp)) break;
        char utf8[4];
        end -= tb_utf8_put(cp, utf8);
    }
    for (start = end; start > 0 && end - start < TB_SPELL_WORD;) {
        uint32_t cp = tb_spell_before(sp, start);
        char utf8[4];
        if (!tb_spell_letter(cp)) break;
        start -= tb_utf8_put(cp, utf8);
    }
    fold(sp, start, end, word);
    return start;
}

bool tb_spell_in(const char *word, const char *list)
{
    size_t n = strlen(word);
    if (n == 0) return false;
    for (const char *p = list; (p = strstr(p, word)); p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == 0)) return true;
    return false;
}

bool tb_spell_ends(const tb_speller *sp, size_t i)
{
    size_t n;
    uint32_t cp = tb_spell_at(sp, i, &n);
    return n == 0 || !tb_utf8_is_word(cp);
}

bool tb_spell_capital(uint32_t cp)
{
    return (cp >= 'A' && cp <= 'Z') || (cp >= 0xC0 && tb_utf8_fold(cp) != cp);
}

size_t tb_spell_stop(const tb_speller *sp, size_t i)
{
    size_t n;
    if (i >= sp->len || sp->s[i] != '.') return i;
    size_t next = tb_spell_skip(sp, i + 1);
    uint32_t cp = tb_spell_at(sp, next, &n);
    if (n == 0 || cp == '\n' || cp == '\r') return i;
    if (next > i + 1 && (tb_spell_capital(cp) || cp == 0xBF || cp == 0xA1)) return i;
    return i + 1;
}

size_t tb_spell_digits_at(const tb_speller *sp, size_t i, size_t most)
{
    size_t n = 0;
    while (n <= most && tb_spell_digit(sp, i + n))
        n++;
    return n;
}

size_t tb_spell_small(const tb_speller *sp, size_t i, size_t most, long *value)
{
    size_t n = 0;
    *value = 0;
    while (n <= most && tb_spell_digit(sp, i + n))
        *value = *value * 10 + (sp->s[i + n++] - '0');
    return n > most ? 0 : n;
}

/* ---- numbers ---- */

static bool three_digits(const tb_speller *sp, size_t i)
{
    return tb_spell_digit(sp, i) && tb_spell_digit(sp, i + 1) && tb_spell_digit(sp, i + 2) &&
           !tb_spell_digit(sp, i + 3);
}

/* The separator of thousands at i: ASCII, or one of the thin blanks as a plain one. */
static char separator(const tb_speller *sp, size_t i, size_t *n)
{
    uint32_t cp = tb_spell_at(sp, i, n);
    if (cp == '.' || cp == ',' || cp == ' ' || cp == '\'') return (char)cp;
    if (cp == 0x2019) return '\'';
    return cp == 0xA0 || cp == 0x202F || cp == 0x2009 ? 't' : 0;
}

/* Groups of three digits behind `sep` at i: how many, and where they end. */
static int groups(const tb_speller *sp, size_t i, char sep, size_t *end)
{
    int count = 0;
    size_t n;
    while (count < TB_SPELL_DIGITS / 3 && separator(sp, i, &n) == sep && three_digits(sp, i + n)) {
        i += n + 3;
        count++;
    }
    *end = i;
    return count;
}

/* 1,500 personas: a decimal of three places measures, it does not count. */
static bool counts(const tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    tb_spell_unit unit;
    size_t at = tb_spell_skip(sp, i), end = tb_spell_next_word(sp, i, word), n = strlen(word);
    if (sp->kind != TB_SPELL_ES || at == i || end - at < 4 || n == 0 || word[n - 1] != 's')
        return false;
    if (tb_spell_read_unit(sp, at, true, &unit)) return false;
    return tb_es_form_before(word) != TB_ES_ALONE &&
           !tb_spell_in(word, " metros kilos gramos litros millones veces grados segundos horas "
                              "kilómetros toneladas minutos euros dólares ");
}

/* English: €1.500, ₫50.000, Rp 5.000. Money has no thousandths. */
static bool is_whole_money(const tb_speller *sp, size_t start, size_t end)
{
    size_t at = start > 0 && sp->s[start - 1] == ' ' ? start - 1 : start;
    uint32_t before = tb_spell_before(sp, at);
    bool rupiah = at > 1 && sp->s[at - 1] == 'p' && sp->s[at - 2] == 'R';
    return sp->s[end - 1] == '0' && (before == 0x20AC || before == 0x20AB || rupiah);
}

/*
 * Are `count` groups behind a first run of n digits one number? Never where a fourth could follow
 * (telephone numbers, lists): the first run has at most three digits and does not begin with 0.
 */
static bool is_grouped(const tb_speller *sp, size_t start, size_t n, char sep, int count,
                       size_t end)
{
    if (count == 0 || n > 3 || sp->s[start] == '0') return false;
    size_t size;
    char next = separator(sp, end, &size);
    bool more = next == sep && tb_spell_digit(sp, end + size); /* "1,234,5" is a list */
    bool zeros = memcmp(sp->s + end - 3, "000", 3) == 0;
    if (more) return false;
    switch (sep) {
    case ',':
        return sp->kind == TB_SPELL_EN || sp->america || count >= 2 ||
               tb_spell_before(sp, start) == '$' || counts(sp, end) ||
               (next == '.' && tb_spell_digit(sp, end + 1));
    case '.':
        return sp->kind == TB_SPELL_ES || count >= 2 || is_whole_money(sp, start, end) ||
               (next == ',' && tb_spell_digit(sp, end + 1));
    case '\'':
        return count >= 2;
    case ' ':
        /* 912 345 678 is a telephone number, 10 000 is not; 3 500 may be two numbers. */
        return zeros || (count >= 2 && n < 3);
    default:
        return true;
    }
}

static bool add_digits(tb_spell_number *out, const char *s, size_t n)
{
    if (n > TB_SPELL_DIGITS - out->n) return false;
    memcpy(out->digits + out->n, s, n);
    out->n += n;
    out->digits[out->n] = 0;
    return true;
}

/*
 * As in India: one or two digits, commas between pairs, three at last: 5,00,000. Returns the end, 0
 * where something else stands. A row of one group is like everybody's.
 */
static size_t indian_end(const tb_speller *sp, size_t start, size_t i)
{
    size_t at = i;
    if (i - start > 2 || sp->s[start] == '0') return 0;
    while (at - i < TB_SPELL_DIGITS && tb_spell_starts(sp, at, ",") && tb_spell_digit(sp, at + 1) &&
           tb_spell_digit(sp, at + 2) && tb_spell_starts(sp, at + 3, ","))
        at += 3;
    if (at == i || !three_digits(sp, at + 1)) return 0;
    at += 4;
    bool more = tb_spell_starts(sp, at, ",") && tb_spell_digit(sp, at + 1);
    return more ? 0 : at;
}

static void read_groups(const tb_speller *sp, tb_spell_number *out)
{
    size_t n, end = indian_end(sp, out->start, out->end);
    char sep = separator(sp, out->end, &n);
    if (!sep) return;
    if (end) {
        for (; out->end < end; out->end++)
            if (tb_spell_digit(sp, out->end) && !add_digits(out, sp->s + out->end, 1)) return;
        out->grouped = true;
        return;
    }
    int count = groups(sp, out->end, sep, &end);
    if (!is_grouped(sp, out->start, out->n, sep, count, end)) return;
    for (int k = 0; k < count; k++) {
        (void)separator(sp, out->end, &n);
        if (!add_digits(out, sp->s + out->end + n, 3)) return;
        out->end += n + 3;
    }
    out->grouped = true;
}

static size_t run_of_digits(const tb_speller *sp, size_t i)
{
    size_t end = i;
    while (end - i <= TB_SPELL_DIGITS && tb_spell_digit(sp, end))
        end++;
    return end;
}

size_t tb_spell_decimal_quote(const tb_speller *sp, size_t i)
{
    size_t n = tb_spell_starts(sp, i, "'") ? 1 : tb_spell_starts(sp, i, "\xE2\x80\x99") ? 3 : 0;
    if (sp->kind != TB_SPELL_ES || !n || !tb_spell_digit(sp, i + n)) return 0;
    size_t end = run_of_digits(sp, i + n);
    bool inches = tb_spell_starts(sp, end, "\"") || tb_spell_starts(sp, end, "''") ||
                  tb_spell_starts(sp, end, "\xE2\x80\xB3") ||
                  tb_spell_starts(sp, end, "\xE2\x80\x9D");
    return inches || !tb_spell_ends(sp, end) ? 0 : n;
}

/* 1,2,3: is the number at i behind another one and the same mark, with no blank between? */
static bool in_list(const tb_speller *sp, size_t i, char mark)
{
    return i >= 2 && sp->s[i - 1] == mark && tb_spell_digit(sp, i - 2);
}

/* English: 1,5 kg and €3,50 as they are written elsewhere: one or two digits behind the comma that
 * ends at `end`, and a measure. */
static bool is_continental(const tb_speller *sp, const tb_spell_number *n, size_t end)
{
    tb_spell_unit unit;
    size_t size, at = tb_spell_skip(sp, end);
    if (n->grouped || end - n->end > 3 || in_list(sp, n->start, ',')) return false;
    if (tb_spell_before(sp, n->start) == 0x20AC || tb_spell_at(sp, at, &size) == 0x20AC)
        return true;
    return tb_spell_starts(sp, at, "%") || (tb_spell_letter(tb_spell_at(sp, at, &size)) &&
                                            tb_spell_read_unit(sp, at, at > end, &unit));
}

/* The point of a decimal and its digits: none where another point and digit follow (1.2.3). */
static void read_fraction(const tb_speller *sp, tb_spell_number *out)
{
    size_t at = out->end;
    char c = at < sp->len ? sp->s[at] : 0;
    size_t quote = tb_spell_decimal_quote(sp, at);
    if (quote) {
        out->point = ',';
        out->fraction = at + quote;
        out->end = run_of_digits(sp, at + quote);
        out->n_fraction = out->end - out->fraction;
        return;
    }
    if ((c != '.' && c != ',') || !tb_spell_digit(sp, at + 1)) return;
    size_t end = run_of_digits(sp, at + 1);
    bool list = end < sp->len && sp->s[end] == c && tb_spell_digit(sp, end + 1);
    if (list || (!out->grouped && in_list(sp, out->start, c))) return;
    if (c == ',' && sp->kind == TB_SPELL_EN &&
        !(out->grouped && memchr(sp->s + out->start, '.', 4)) && !is_continental(sp, out, end))
        return; /* English: 1.500,50 and what is measured */
    out->point = c;
    out->fraction = at + 1;
    out->n_fraction = end - at - 1;
    out->end = end;
}

/* "2 and 1/2", "2 y 1/2": behind the word at i, else i. */
static size_t behind_and(const tb_speller *sp, size_t i)
{
    const char *word = sp->kind == TB_SPELL_ES ? "y " : "and ";
    return i > 0 && sp->s[i - 1] == ' ' && tb_spell_starts(sp, i, word) ? i + strlen(word) : i;
}

bool tb_spell_read(const tb_speller *sp, size_t i, tb_spell_number *out)
{
    *out = (tb_spell_number){.start = i, .end = i};
    if (tb_spell_digit(sp, i)) {
        out->end = run_of_digits(sp, i);
        if (!add_digits(out, sp->s + i, out->end - i)) return false;
        read_groups(sp, out);
    } else if (i >= sp->len || sp->s[i] != '.' || !tb_spell_digit(sp, i + 1)) {
        return false;
    }
    read_fraction(sp, out);
    if (out->n_fraction > TB_SPELL_DIGITS || tb_spell_digit(sp, out->end)) return false;
    if (out->n > 0 && !out->point) {
        /* 2½, 2 ½, 2 1/2 */
        size_t at = out->end, n = tb_spell_read_fraction(sp, at, false, &out->above, &out->below);
        if (!n && out->n <= 2 && tb_spell_starts(sp, at, "-")) { /* 1-1/2 */
            n = tb_spell_read_fraction(sp, ++at, true, &out->above, &out->below);
            if (n && out->below > 16) n = 0;
            if (!n) at = out->end;
        }
        if (!n) {
            out->above = out->below = 0;
            at = behind_and(sp, tb_spell_skip(sp, at));
            if (at > out->end) n = tb_spell_read_fraction(sp, at, true, &out->above, &out->below);
            if (n && at > out->end + 2 && out->below > 4) n = 0;
            if (!n) out->above = out->below = 0;
        }
        if (n) out->end = at + n;
    }
    return out->end > i;
}

long tb_spell_value(const tb_spell_number *n)
{
    long value = 0;
    if (n->n == 0 || n->n > 9 || n->point || n->above) return -1;
    for (size_t i = 0; i < n->n; i++)
        value = value * 10 + (n->digits[i] - '0');
    return value;
}

bool tb_spell_is_one(const tb_spell_number *n)
{
    return tb_spell_value(n) == 1;
}
