/*
 * A number with what belongs to it: a minus, a currency, a second number (a range), a scale
 * (million), percent, degrees, a unit. Read whole first, then said.
 */
#include "base/utf8.h"
#include "text/spell_rules_priv.h"

#include <string.h>

typedef enum { PLAIN, PERCENT, PER_MILLE, DEGREES } measure;

typedef struct {
    bool minus, minus_b;
    const tb_currency *currency;
    tb_spell_number a, b;
    bool range, scores; /* scores: 50-50, without "to" */
    const char *scale;
    measure kind;
    const char *degrees; /* Celsius, Fahrenheit; NULL bare */
    bool has_unit;
    bool adjective; /* English: a five kilometer run */
    tb_spell_unit unit;
    size_t end;
} quantity;

static uint32_t minus_at(const tb_speller *sp, size_t i, size_t *n)
{
    uint32_t cp = tb_spell_at(sp, i, n);
    return cp == '-' || cp == 0x2212 || cp == 0x2013 || cp == 0xFE63 || cp == 0xFF0D ? cp : 0;
}

/* May a minus or a plus stand here? Not behind a word, a number or what closes one. */
static bool sign_may_stand(const tb_speller *sp, size_t i)
{
    uint32_t before = tb_spell_before(sp, i);
    return before == 0 || tb_utf8_is_space(before) || before == '(' || before == '=' ||
           before == '<' || before == '>' || before == '*' || before == '/' || before == ':' ||
           before == ',' || before == 0xD7 || before == 0xF7 || before == 0x2264 ||
           before == 0x2265 || before == 0xB1 || before == 0x2248 || before == '~' ||
           before == '"' || before == '\'' || before == 0x201C || before == 0xBF ||
           before == 0xA1 || before == '^' || before == '[' || before == ']';
}

static size_t read_minus(const tb_speller *sp, size_t i, bool *minus)
{
    size_t n;
    uint32_t cp = minus_at(sp, i, &n);
    *minus = false;
    if (!cp) return i;
    if (!sign_may_stand(sp, i)) return i;
    *minus = true;
    return i + n;
}

/* ---- degrees ---- */

static size_t read_degrees(const tb_speller *sp, size_t i, const char **which)
{
    size_t n, at = tb_spell_skip(sp, i);
    uint32_t cp = tb_spell_at(sp, at, &n);
    *which = NULL;
    if (cp == 0x2103 || cp == 0x2109) {
        *which = cp == 0x2103 ? "Celsius" : "Fahrenheit";
        return at + n;
    }
    if (cp != 0xB0 && cp != 0xBA && cp != 0x2DA) return 0;
    size_t letter = tb_spell_skip(sp, at + n);
    char c = letter < sp->len ? sp->s[letter] : 0;
    if (strchr("CFK", c) && c && tb_spell_ends(sp, letter + 1)) {
        *which = c == 'C' ? "Celsius" : c == 'F' ? "Fahrenheit" : "Kelvin";
        return letter + 1;
    }
    /* º alone is an ordinal's sign, in Spanish; ° may be. */
    return cp == 0xBA || !tb_spell_ends(sp, at + n) ? 0 : at + n;
}

/* ---- reading ---- */

static void read_suffix(const tb_speller *sp, quantity *q)
{
    size_t n, end, i = q->end, at = tb_spell_skip(sp, i);
    uint32_t cp = tb_spell_at(sp, at, &n);
    if (cp == '%' || cp == 0x66A || cp == 0xFF05 || cp == 0x2030) {
        q->kind = cp == 0x2030 ? PER_MILLE : PERCENT;
        q->end = at + n;
        return;
    }
    end = tb_spell_read_scale(sp, i, q->currency, &q->scale);
    if (end) {
        q->end = i = end;
        at = tb_spell_skip(sp, i);
    }
    if (!q->currency) {
        q->currency = tb_spell_currency(sp, at, &end);
        if (q->currency) q->end = end;
    }
    if (q->currency) return;
    end = q->scale ? 0 : read_degrees(sp, i, &q->degrees);
    if (end) {
        q->kind = DEGREES;
        q->end = end;
        return;
    }
    if (sp->kind == TB_SPELL_EN && !q->scale && at == i && at < sp->len && sp->s[at] == '-') {
        end = tb_spell_read_unit(sp, at + 1, false, &q->unit); /* a 5-km run */
        if (end && end - at > 2) {
            q->has_unit = q->adjective = true;
            q->end = end;
            return;
        }
    }
    end = tb_spell_read_unit(sp, at, at > i, &q->unit);
    if (!end) return;
    q->has_unit = true;
    q->end = end;
}

/* A dash between two numbers at i: behind it, 0 none. Blanks stand on both sides or on none. */
static size_t dash_at(const tb_speller *sp, size_t i)
{
    size_t n, at = tb_spell_skip(sp, i);
    uint32_t cp = tb_spell_at(sp, at, &n);
    if (cp != '-' && cp != 0x2013 && cp != 0x2014 && cp != 0x2010 && cp != 0x2011) return 0;
    size_t next = tb_spell_skip(sp, at + n);
    if ((at > i) != (next > at + n) || (at > i && cp == 0x2014)) return 0;
    return next;
}

static void read_range(const tb_speller *sp, quantity *q)
{
    tb_spell_number b;
    size_t end, n, at = dash_at(sp, q->end);
    if (!at || tb_spell_letter(tb_spell_before(sp, q->a.start))) return; /* A1-2345 */
    const tb_currency *again = tb_spell_currency(sp, at, &end);
    if (again && again != q->currency) return;
    if (again) at = end;
    if (!tb_spell_digit(sp, at) || !tb_spell_read(sp, at, &b)) return;
    long x = tb_spell_value(&q->a), y = tb_spell_value(&b);
    /* 2008-09: the years 2008 and 2009 */
    bool short_year = q->a.n == 4 && b.n == 2 && b.digits[0] == '0' && x > 1000 && y > x % 100;
    bool code = (q->a.n > 4 && !q->a.grouped) || (b.n > 4 && !b.grouped) ||
                (q->a.n > 1 && q->a.digits[0] == '0') ||
                (b.n > 1 && b.digits[0] == '0' && !short_year);
    size_t behind = tb_spell_skip(sp, b.end);
    uint32_t next = tb_spell_at(sp, behind, &n);
    if (code || next == '=' || (minus_at(sp, b.end, &n) && tb_spell_digit(sp, b.end + n))) return;
    if (short_year) { /* its century goes in front */
        memmove(b.digits + 2, b.digits, 3);
        memcpy(b.digits, q->a.digits, 2);
        b.n = 4;
    }
    q->b = b;
    q->range = true;
    size_t sign = q->a.start;
    if (sign > 0 && sp->s[sign - 1] == ' ') sign--;
    bool house = tb_spell_before(sp, sign) == '#'; /* Calle 13 # 45-67 */
    q->scores = (x >= 0 && x == y) || house;
    q->end = b.end;
}

/* What follows a measure that is no adjective. */
static const char after_measure[] =
    " thick thin from above below away in on at to of for and or is was per by from with a an the "
    "each every "
    "more less off as if that which who are were be have has had will "
    "would can could we you he she they it i do did does not so then than "
    "between there here away long wide high tall deep old apart later ago "
    "when where while because but after before until since into over "
    "under through across ";

/* "a $5 coffee", "a 10 km walk": singular in English. */
static bool is_adjective(const tb_speller *sp, size_t start, size_t end)
{
    char word[TB_SPELL_WORD + 1];
    size_t n;
    if (sp->kind != TB_SPELL_EN) return false;
    size_t prev = tb_spell_prev_word(sp, start, word);
    bool owner =
        strcmp(word, "s") == 0 && tb_spell_before(sp, prev) == '\''; /* NASA's $10bn plan */
    if (!owner &&
        !tb_spell_in(word, " a an another each every the this that his her my your our their "))
        return false;
    if (end < sp->len && sp->s[end] == '-') return tb_spell_letter(tb_spell_at(sp, end + 1, &n));
    tb_spell_next_word(sp, end, word);
    return *word && !tb_spell_in(word, after_measure);
}

/* What follows a sign and its amount may say which currency is meant: $20 CAD, $25.000 pesos. */
static void name_currency(const tb_speller *sp, quantity *q)
{
    char word[TB_SPELL_WORD + 1];
    size_t end, n, at = tb_spell_skip(sp, q->end);
    const tb_currency *code = tb_spell_currency(sp, at, &end);
    if (code && tb_spell_letter(tb_spell_at(sp, at, &n)) && !tb_spell_digit(sp, end)) {
        q->currency = code;
        q->end = end;
        return;
    }
    tb_spell_next_word(sp, q->end, word);
    if (tb_spell_in(word, " pesos peso dólares dollars euros pounds libras soles reales yen yenes "
                          "rupees rupias francos colones bolívares usd mxn clp cop ars "))
        q->currency = NULL;
}

static bool read(const tb_speller *sp, size_t i, quantity *q)
{
    size_t end, at = read_minus(sp, i, &q->minus);
    if (q->minus || !tb_spell_digit(sp, i)) {
        q->currency = tb_spell_currency(sp, at, &end);
        if (q->currency) {
            at = tb_spell_skip(sp, end);
            end = at;
            if (!q->minus && minus_at(sp, at, &end) == '-') { /* $-5 */
                at += end;
                q->minus = true;
            }
        }
    }
    if (!tb_spell_read(sp, at, &q->a)) return false;
    if (sp->s[at] == '.' && tb_utf8_is_word(tb_spell_before(sp, at))) return false;
    q->end = q->a.end;
    read_range(sp, q);
    read_suffix(sp, q);
    if (q->currency) name_currency(sp, q);
    return true;
}

/* ---- saying ---- */

/* The form of a Spanish number that nothing measures: by the noun that follows. */
static tb_es_form plain_form(const tb_speller *sp, const quantity *q)
{
    char word[TB_SPELL_WORD + 1];
    if (sp->kind != TB_SPELL_ES || q->a.point) return TB_ES_ALONE;
    size_t n;
    tb_spell_next_word(sp, q->end, word);
    if (strcmp(word, "mil") == 0) return TB_ES_MASCULINE;
    tb_es_form form = tb_es_form_before(word);
    if (q->range && tb_spell_capital(tb_spell_at(sp, tb_spell_skip(sp, q->end), &n)))
        return TB_ES_ALONE; /* 3-1 Barça */
    if (form == TB_ES_ALONE) {
        tb_spell_prev_word(sp, q->a.start, word);
        if (tb_spell_in(word, " la las ")) return TB_ES_FEMININE;
    }
    return form;
}

/* A year stands behind certain words, and where no plural follows: in English. */
static bool is_year(const tb_speller *sp, const tb_spell_number *n, size_t end)
{
    static const char before[] =
        " in since by until till from before after during between and circa year of around early "
        "late mid the class summer spring fall autumn winter january february march april may june "
        "july august september october november december jan feb mar apr jun jul aug sep sept oct "
        "nov dec to through anno copyright ";
    static const char counted[] = " people men women children times percent dollars euros pounds "
                                  "years days months weeks hours minutes miles meters feet ";
    char prev[TB_SPELL_WORD + 1], next[TB_SPELL_WORD + 1];
    long v = tb_spell_value(n);
    if (n->grouped || n->n != 4 || v < 1000 || v > 2999) return false;
    if (tb_spell_starts(sp, end, "x") && tb_spell_digit(sp, end + 1)) return false; /* 1920x1080 */
    tb_spell_next_word(sp, end, next);
    if (tb_spell_in(next, counted)) return false;
    tb_spell_prev_word(sp, n->start, prev);
    if (tb_spell_in(prev, before)) return true;
    if (v < 1100 || v > 2099) return false;
    size_t len = strlen(next);
    bool plural = len > 3 && next[len - 1] == 's' && next[len - 2] != 's' &&
                  !tb_spell_in(next, " this thus does was his always perhaps ");
    return !plural;
}

static void say_plain(tb_speller *sp, const tb_spell_number *n, tb_es_form form, bool year)
{
    tb_spell_words w = {0};
    if (!year) {
        tb_spell_say_number(sp, n, form);
        return;
    }
    tb_en_year(&w, tb_spell_value(n), sp->british);
    tb_spell_say_words(sp, &w);
}

static void say_between(tb_speller *sp, const quantity *q)
{
    if (!q->scores) tb_spell_say(sp, sp->kind == TB_SPELL_ES ? "a" : "to");
}

static void say_numbers(tb_speller *sp, const quantity *q, tb_es_form form, bool year)
{
    say_plain(sp, &q->a, form, year && tb_spell_value(&q->a) >= 1000);
    if (!q->range) return;
    say_between(sp, q);
    say_plain(sp, &q->b, form, year && tb_spell_value(&q->b) >= 1000);
}

static void say_money(tb_speller *sp, const quantity *q)
{
    if (q->range) {
        tb_es_form form = q->currency->feminine && !q->scale ? TB_ES_FEMININE : TB_ES_MASCULINE;
        tb_spell_say_number(sp, &q->a, form);
        say_between(sp, q);
    }
    const char *scale = q->scale;
    if (scale && strcmp(scale, "millones") == 0 && tb_spell_is_one(&q->a) && !q->range)
        scale = "millón";
    tb_spell_say_money(sp, q->currency, q->range ? &q->b : &q->a, scale, q->adjective);
}

static void say_degrees(tb_speller *sp, const quantity *q, bool one)
{
    const bool es = sp->kind == TB_SPELL_ES;
    bool kelvin = q->degrees && strcmp(q->degrees, "Kelvin") == 0;
    char word[TB_SPELL_WORD + 1];
    tb_spell_next_word(sp, q->end, word);
    one |= q->adjective || (!es && tb_spell_in(word, " angle angles turn turns rotation bend slope "
                                                     "incline view heat weather "));
    if (!kelvin) tb_spell_say(sp, es ? (one ? "grado" : "grados") : one ? "degree" : "degrees");
    if (q->degrees) tb_spell_say(sp, q->degrees);
}

/* "mil" and "millones" behind a Spanish number are part of it: doscientas mil personas. */
static void say_scaled(tb_speller *sp, const quantity *q)
{
    const bool one = tb_spell_is_one(&q->a) && !q->range;
    char word[TB_SPELL_WORD + 1];
    tb_spell_next_word(sp, q->end, word);
    if (strcmp(q->scale, "mil") == 0 && !q->range && tb_spell_value(&q->a) > 0 && q->a.n < 10) {
        tb_spell_number whole = q->a;
        memcpy(whole.digits + whole.n, "000", 4);
        whole.n += 3;
        tb_es_form form = q->has_unit ? q->unit.feminine ? TB_ES_FEMININE : TB_ES_MASCULINE
                                      : tb_es_form_before(word);
        tb_spell_say_number(sp, &whole, form);
        return;
    }
    say_numbers(sp, q, TB_ES_MASCULINE, false);
    tb_spell_say(sp, strcmp(q->scale, "millones") == 0 && one ? "mill\xC3\xB3n" : q->scale);
}

/* Spanish says the half behind what it measures: dos horas y media. Returns the end. */
static size_t say_and_half(tb_speller *sp, const quantity *q)
{
    char word[TB_SPELL_WORD + 1];
    tb_spell_number whole = q->a;
    size_t end = q->end;
    whole.above = whole.below = 0;
    bool one = tb_spell_is_one(&whole);
    size_t at = tb_spell_skip(sp, end), word_end = tb_spell_next_word(sp, end, word);
    tb_es_form form =
        q->has_unit ? q->unit.feminine ? TB_ES_FEMININE : TB_ES_MASCULINE : tb_es_form_before(word);
    if (q->minus) tb_spell_say(sp, "menos");
    tb_spell_say_number(sp, &whole, form);
    if (q->has_unit) {
        tb_spell_say_unit(sp, &q->unit, one);
    } else if (form != TB_ES_ALONE) {
        size_t n = word_end - at;
        if (one && n > 2 && sp->s[word_end - 1] == 's') n--;
        if (!sp->apart) tb_spell_say(sp, "");
        tb_spell_copy(sp, at, n);
        sp->apart = true;
        end = word_end;
    }
    tb_spell_say_half(sp, q->a.above, q->a.below, form);
    return end;
}

/* Returns the end of what was said. */
static size_t say(tb_speller *sp, const quantity *q)
{
    const bool es = sp->kind == TB_SPELL_ES;
    bool one = tb_spell_is_one(&q->a) && !q->range && !q->scale;
    if (es && q->a.above && !q->range && !q->currency && !q->scale && q->kind == PLAIN)
        return say_and_half(sp, q);
    if (q->minus) tb_spell_say(sp, es ? "menos" : "minus");
    if (q->currency) {
        say_money(sp, q);
        return q->end;
    }
    if (es && q->scale) {
        say_scaled(sp, q);
    } else {
        tb_es_form form = TB_ES_MASCULINE;
        bool year = false;
        if (q->has_unit)
            form = q->unit.feminine ? TB_ES_FEMININE : TB_ES_MASCULINE;
        else if (q->kind == PERCENT || q->kind == PER_MILLE)
            form = TB_ES_ALONE;
        else if (q->kind == PLAIN && !q->scale) {
            form = plain_form(sp, q);
            year = !es && !q->minus && is_year(sp, &q->a, q->end);
        }
        say_numbers(sp, q, form, year);
        if (q->scale) tb_spell_say(sp, q->scale);
        /* un millón de habitantes */
        const tb_spell_number *last = q->range ? &q->b : &q->a;
        bool millions = es && q->kind == PLAIN && form != TB_ES_ALONE && last->n > 6 &&
                        !last->point && strcmp(last->digits + last->n - 6, "000000") == 0;
        if (millions) tb_spell_say(sp, "de");
    }
    if (q->kind == PERCENT) tb_spell_say(sp, es ? "por ciento" : "percent");
    if (q->kind == PER_MILLE) tb_spell_say(sp, es ? "por mil" : "per thousand");
    if (q->kind == DEGREES) say_degrees(sp, q, one);
    if (!q->has_unit) return q->end;
    if (es && q->scale && strstr(q->scale, "llones")) tb_spell_say(sp, "de");
    tb_spell_say_unit(sp, &q->unit, one || q->adjective);
    return q->end;
}

/* "/day", "/mes" behind a measure. */
static size_t say_per(tb_speller *sp, size_t i)
{
    if (i >= sp->len || sp->s[i] != '/') return i;
    if (tb_spell_digit(sp, i + 1)) { /* 5 l/100 km */
        tb_spell_say(sp, sp->kind == TB_SPELL_ES ? "por" : "per");
        return i + 1;
    }
    size_t end = tb_spell_word_end(sp, i + 1);
    tb_spell_unit unit;
    size_t unit_end = tb_spell_read_unit(sp, i + 1, false, &unit);
    if (!unit_end && end < i + 3) return i;
    tb_spell_say(sp, sp->kind == TB_SPELL_ES ? "por" : "per");
    if (!unit_end) return i + 1;
    tb_spell_say_unit(sp, &unit, true);
    return unit_end;
}

/* Rs 500/-, CHF 50.-, 50,- €: nothing of a coin, and nothing to say. */
static size_t cash_mark(const tb_speller *sp, size_t i)
{
    bool mark = tb_spell_starts(sp, i, "/-") || tb_spell_starts(sp, i, ".-") ||
                tb_spell_starts(sp, i, ",-");
    return mark && tb_spell_ends(sp, i + 2) ? i + 2 : i;
}

/* A dash between two measures: 5 % - 10 %, $5M-$10M. Returns where the second begins. */
static size_t say_until(tb_speller *sp, size_t i)
{
    size_t end, next = dash_at(sp, i);
    if (!next) return i;
    const tb_currency *c = tb_spell_currency(sp, next, &end);
    if (!tb_spell_digit(sp, next) && !(c && tb_spell_digit(sp, end))) return i;
    tb_spell_say(sp, sp->kind == TB_SPELL_ES ? "a" : "to");
    return next;
}

/* More digits than a number has: each by its name. */
static size_t long_row(tb_speller *sp, size_t i)
{
    size_t end = i;
    while (tb_spell_digit(sp, end))
        end++;
    tb_spell_digits(sp, sp->s + i, end - i);
    return end - i;
}

/* Is only an x between an adjective and i: a 6' x 3' table? */
static bool goes_on(const tb_speller *sp, size_t i)
{
    size_t at = sp->size_end, n;
    if (at == 0 || at >= i || i - at > 6) return false;
    at = tb_spell_skip(sp, at);
    uint32_t cp = tb_spell_at(sp, at, &n);
    return (cp == 'x' || cp == 'X' || cp == 0xD7) && tb_spell_skip(sp, at + n) == i;
}

/* English: 24" monitors, without an article. */
static bool is_bare_adjective(const tb_speller *sp, const quantity *q)
{
    char word[TB_SPELL_WORD + 1];
    if (sp->kind != TB_SPELL_EN || !q->has_unit || q->end == 0) return false;
    if (sp->s[q->end - 1] != '"' && sp->s[q->end - 1] != '\'') return false;
    tb_spell_prev_word(sp, q->a.start, word);
    if (strcmp(word, "x") == 0) return false;
    tb_spell_next_word(sp, q->end, word);
    return strlen(word) > 1 && !tb_spell_in(word, after_measure);
}

size_t tb_spell_quantity(tb_speller *sp, size_t i)
{
    quantity q = {0};
    if (!read(sp, i, &q)) return tb_spell_digit(sp, i) ? long_row(sp, i) : 0;
    q.adjective |= is_adjective(sp, i, q.end) || goes_on(sp, i) || is_bare_adjective(sp, &q);
    if (q.adjective) sp->size_end = q.end;
    size_t end = say(sp, &q);
    if (q.currency) end = cash_mark(sp, end);
    if (q.currency || q.has_unit) end = say_per(sp, end);
    bool measured = q.currency || q.has_unit || q.scale || q.kind != PLAIN;
    return (measured ? say_until(sp, end) : end) - i;
}
