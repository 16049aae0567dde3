/*
 * Signs by themselves in English and Spanish: comparison and arithmetic between what they join,
 * superscripts, Greek letters, the others of a table. Signs that measure a number (%, °, €) are
 * read with the number, in spell_quantity.c; here they stand alone.
 */
#include "base/unicode.h"
#include "base/utf8.h"
#include "text/spell_rules_priv.h"

#include <string.h>

/* Wherever they stand. "" is silence: they are for the eye. */
/* clang-format off */
static const struct {
    uint32_t cp;
    const char *en, *es;
} signs[] = {
    {0xA7, "section", "sección"}, {0xB6, "paragraph", "párrafo"},
    {0xB1, "plus or minus", "más menos"}, {0x2213, "minus or plus", "menos más"},
    {0xD7, "times", "por"}, {0xF7, "divided by", "entre"}, {0x2215, "divided by", "entre"},
    {0x2212, "minus", "menos"}, {0x2264, "less than or equal to", "menor o igual que"},
    {0x2265, "greater than or equal to", "mayor o igual que"},
    {0x2A7D, "less than or equal to", "menor o igual que"},
    {0x2A7E, "greater than or equal to", "mayor o igual que"},
    {0x226A, "much less than", "mucho menor que"}, {0x226B, "much greater than", "mucho mayor que"},
    {0x2260, "not equal to", "distinto de"}, {0x2248, "approximately", "aproximadamente"},
    {0x2243, "approximately", "aproximadamente"}, {0x223C, "approximately", "aproximadamente"},
    {0x2245, "approximately equal to", "aproximadamente igual a"},
    {0x2261, "identical to", "idéntico a"}, {0x221D, "proportional to", "proporcional a"},
    {0x221A, "square root of", "raíz cuadrada de"}, {0x221B, "cube root of", "raíz cúbica de"},
    {0x221E, "infinity", "infinito"}, {0x2211, "the sum of", "suma de"},
    {0x220F, "the product of", "producto de"}, {0x222B, "the integral of", "integral de"},
    {0x2202, "partial", "parcial"}, {0x2207, "nabla", "nabla"}, {0x2208, "in", "pertenece a"},
    {0x2209, "not in", "no pertenece a"}, {0x2229, "intersection", "intersección"},
    {0x222A, "union", "unión"}, {0x2282, "subset of", "subconjunto de"},
    {0x2286, "subset of", "subconjunto de"}, {0x2200, "for all", "para todo"},
    {0x2203, "there exists", "existe"}, {0x2205, "empty set", "conjunto vacío"},
    {0x2227, "and", "y"}, {0x2228, "or", "o"}, {0xAC, "not", "no"},
    {0x2234, "therefore", "por lo tanto"}, {0x2192, "to", "a"}, {0x21D2, "implies", "implica"},
    {0x2194, "to and from", "a y de"}, {0x21D4, "if and only if", "si y solo si"},
    {0x2190, "from", "desde"}, {0x2191, "up", "sube"}, {0x2193, "down", "baja"},
    {0x22C5, "times", "por"}, {0x2219, "times", "por"}, {0x2297, "times", "por"},
    {0x2295, "plus", "más"}, {0x2220, "angle", "ángulo"}, {0x22A5, "perpendicular to", "perpendicular a"},
    {0x2225, "parallel to", "paralelo a"}, {0x2300, "diameter", "diámetro"},
    {0x2030, "per thousand", "por mil"}, {0x2031, "per ten thousand", "por diez mil"},
    {0x25, "percent", "por ciento"}, {0xB0, "degrees", "grados"},
    {0x2103, "degrees Celsius", "grados Celsius"}, {0x2109, "degrees Fahrenheit", "grados Fahrenheit"},
    {0x2116, "number", "número"}, {0xA9, "copyright", "copyright"}, {0x2117, "copyright", "copyright"},
    {0xAE, "", ""}, {0x2122, "", ""}, {0x2120, "", ""}, {0x2020, "", ""}, {0x2021, "", ""},
    {0x266F, "sharp", "sostenido"}, {0x266D, "flat", "bemol"},
    {0x2640, "female", "femenino"}, {0x2642, "male", "masculino"},
    {0xB5, "micro", "micro"}, {0x212B, "angstroms", "ángstroms"},
    {0x210F, "h bar", "hache barra"}, {0x2113, "liters", "litros"},
};

static const struct {
    const char *en, *es;
} greek[] = { /* from U+03B1 on */
    {"alpha", "alfa"}, {"beta", "beta"}, {"gamma", "gamma"}, {"delta", "delta"}, {"epsilon", "épsilon"},
    {"zeta", "zeta"}, {"eta", "eta"}, {"theta", "zeta"}, {"iota", "iota"}, {"kappa", "kappa"},
    {"lambda", "lambda"}, {"mu", "mi"}, {"nu", "ni"}, {"xi", "xi"}, {"omicron", "ómicron"}, {"pi", "pi"},
    {"rho", "ro"}, {"sigma", "sigma"}, {"sigma", "sigma"}, {"tau", "tau"}, {"upsilon", "ípsilon"},
    {"phi", "fi"}, {"chi", "ji"}, {"psi", "psi"}, {"omega", "omega"},
};
/* clang-format on */

static const char *in(const tb_speller *sp, const char *en, const char *es)
{
    return sp->kind == TB_SPELL_ES ? es : en;
}

/* One Greek letter that is not part of a word: α, Δt. */
static size_t greek_letter(tb_speller *sp, size_t i, uint32_t cp, size_t n)
{
    size_t size;
    uint32_t before = tb_spell_before(sp, i), next = tb_spell_at(sp, i + n, &size);
    if (cp == 0x3D5) cp = 0x3C6;
    if (cp == 0x3D1) cp = 0x3B8;
    bool upper = cp >= 0x391 && cp <= 0x3A9;
    uint32_t lower = upper ? cp + 0x20 : cp;
    if (lower < 0x3B1 || lower > 0x3C9) return 0;
    if ((before >= 0x370 && before <= 0x3FF) || (next >= 0x370 && next <= 0x3FF)) return 0;
    tb_spell_say(sp, in(sp, greek[lower - 0x3B1].en, greek[lower - 0x3B1].es));
    return n;
}

/* ---- superscripts and subscripts ---- */

/* The digit or sign that a raised (or lowered) character stands for; 0 none. */
static char raised(uint32_t cp)
{
    if (cp == 0xB9) return '1';
    if (cp == 0xB2 || cp == 0xB3) return (char)('0' + cp - 0xB0);
    if (cp == 0x2070 || (cp >= 0x2074 && cp <= 0x2079)) return (char)('0' + cp - 0x2070);
    return cp == 0x207B ? '-' : cp == 0x207A ? '+' : cp == 0x207F ? 'n' : 0;
}

static char lowered(uint32_t cp)
{
    return cp >= 0x2080 && cp <= 0x2089 ? (char)('0' + cp - 0x2080) : 0;
}

static size_t script_row(const tb_speller *sp, size_t i, char (*plain)(uint32_t), char out[8])
{
    size_t n, end = i, o = 0;
    for (char c; o < 7 && (c = plain(tb_spell_at(sp, end, &n))) != 0; end += n)
        out[o++] = c;
    out[o] = 0;
    return end - i;
}

static void say_power(tb_speller *sp, const char *digits)
{
    if (strcmp(digits, "2") == 0) {
        tb_spell_say(sp, in(sp, "squared", "al cuadrado"));
    } else if (strcmp(digits, "3") == 0) {
        tb_spell_say(sp, in(sp, "cubed", "al cubo"));
    } else {
        tb_spell_say(sp, in(sp, "to the power of", "elevado a"));
        for (; *digits == '-' || *digits == '+'; digits++)
            tb_spell_say(sp, *digits == '-' ? in(sp, "minus", "menos") : in(sp, "plus", "más"));
        if (*digits == 'n') tb_spell_say(sp, in(sp, "n", "ene"));
        long value = 0;
        for (const char *d = digits; *d >= '0' && *d <= '9'; d++)
            value = value * 10 + (*d - '0');
        if (*digits >= '0' && *digits <= '9') tb_spell_say_value(sp, value, TB_ES_ALONE);
    }
}

static size_t scripts(tb_speller *sp, size_t i)
{
    char row[8], word[TB_SPELL_WORD + 1];
    size_t n = script_row(sp, i, raised, row);
    if (n) {
        size_t start = tb_spell_prev_word(sp, i, word);
        uint32_t before = tb_spell_before(sp, i);
        bool letters = tb_spell_letter(before);
        /* On a word of some length, or behind a mark, it is a note's number. */
        if ((letters && i - start > 2) || (!letters && !tb_utf8_is_word(before) && before != ')'))
            return n;
        say_power(sp, row);
        tb_spell_unit unit; /* 10⁻⁹ m */
        size_t at = tb_spell_skip(sp, i + n), end = 0;
        if (before >= '0' && before <= '9' && at > i + n)
            end = tb_spell_read_unit(sp, at, true, &unit);
        if (!end) return n;
        tb_spell_say_unit(sp, &unit, false);
        return end - i;
    }
    n = script_row(sp, i, lowered, row);
    if (n) tb_spell_digits(sp, row, strlen(row));
    return n;
}

/* ---- signs between two things ---- */

static bool operand(uint32_t cp)
{
    return tb_utf8_is_word(cp) || (cp >= 0xB2 && cp <= 0xB9) || (cp >= 0x2070 && cp <= 0x2089) ||
           cp == ')' || cp == '(' || cp == 0xBD || cp == 0xBC || cp == 0xBE || cp == 0x221A ||
           cp == '-' || cp == '+' || cp == '.' || cp == '$' || cp == 0x20AC || cp == 0xA3 ||
           cp == '%' || cp == 0xB0 || cp == '!';
}

/* What stands in front of i and behind i + 1, blanks passed over. */
static void around(const tb_speller *sp, size_t i, uint32_t *before, uint32_t *after, bool *even)
{
    size_t n, next = tb_spell_skip(sp, i + 1);
    *after = tb_spell_at(sp, next, &n);
    *before = tb_spell_before(sp, i);
    bool blank = tb_spell_blank(*before);
    for (size_t at = i; tb_spell_blank(*before) && i - at < 8;) {
        char utf8[4];
        at -= tb_utf8_put(*before, utf8);
        *before = tb_spell_before(sp, at);
    }
    *even = blank == (next > i + 1);
}

/* 30 cm x 40 cm: a unit and its number in front of the blank at i. */
static bool behind_unit(const tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    tb_spell_unit unit;
    if (i == 0 || sp->s[i - 1] != ' ') return false;
    if (i > 1 && sp->s[i - 2] == '.') i--; /* 6 ft. x 3 ft. */
    size_t start = tb_spell_prev_word(sp, i - 1, word), at = start;
    if (!*word || start == 0) return false;
    if (sp->s[at - 1] == ' ') at--;
    return at > 0 && tb_spell_digit(sp, at - 1) &&
           tb_spell_read_unit(sp, start, at < start, &unit) && tb_spell_is_length(&unit);
}

static size_t between(tb_speller *sp, size_t i)
{
    uint32_t before, after;
    bool even;
    char c = sp->s[i];
    if (!strchr("+-=<>*^/&~#x@!", c)) return 0;
    uint32_t left = tb_spell_before(sp, i);
    if (left == (uint32_t)c || (i + 1 < sp->len && sp->s[i + 1] == c)) return 0; /* rows of them */
    around(sp, i, &before, &after, &even);
    bool number_after = after >= '0' && after <= '9',
         number_before = (before >= '0' && before <= '9') || (before >= 0xBC && before <= 0xBE);
    bool both = operand(before) && operand(after) && even;
    const char *say = NULL;
    switch (c) {
    case '+':
        /* 2+2, +5, A+, 50+ people */
        if (both || (number_after && !tb_utf8_is_word(left)) ||
            (tb_utf8_is_word(left) && tb_spell_ends(sp, i + 1)))
            say = in(sp, "plus", "más");
        if (sp->kind == TB_SPELL_ES && tb_spell_starts(sp, i + 1, " de ") && !tb_utf8_is_word(left))
            say = "más"; /* + de 100 */
        break;
    case '-':
        if (number_before && number_after && even && tb_spell_blank(left))
            say = in(sp, "minus", "menos");
        break;
    case '=':
        if (both) say = in(sp, "equals", "igual a");
        break;
    case '<':
        if (both || number_after) say = in(sp, "less than", "menor que");
        break;
    case '>':
        if (both || (number_after && (before || tb_spell_digit(sp, i + 1))))
            say = in(sp, "greater than", "mayor que");
        break;
    case '*':
        if (number_before && number_after && even) say = in(sp, "times", "por");
        break;
    case 'x':
        /* 3x4, 3 x 4, 12' x 10' */
        number_before |= before == '\'' || before == '"' || before == 0x2032 || before == 0x2033;
        if ((number_before || behind_unit(sp, i)) && number_after && even)
            say = in(sp, "by", "por");
        break;
    case '^':
        if (both && (after == '2' || after == '3') && i + 1 < sp->len &&
            sp->s[i + 1] == (char)after && tb_spell_ends(sp, i + 2)) {
            tb_spell_say(sp, after == '2' ? in(sp, "squared", "al cuadrado")
                                          : in(sp, "cubed", "al cubo"));
            return 2;
        }
        if (both) say = in(sp, "to the power of", "elevado a");
        break;
    case '&':
        say = in(sp, "and", "y");
        break;
    case '~':
        if (number_after) say = in(sp, "about", "aproximadamente");
        break;
    case '!': /* 5! = 120 */
        if (left >= '0' && left <= '9' && after && after < 0x80 && strchr("=+*/", (int)after))
            say = in(sp, "factorial", "factorial");
        break;
    case '@':
        /* 3 @ $4, @ 5pm; @ana */
        if (number_after || after == '$' || after == 0x20AC || after == 0xA3)
            say = in(sp, "at", "a");
        else if (!tb_utf8_is_word(left) && tb_spell_letter(after))
            say = in(sp, "at", "arroba");
        break;
    case '#':
        if (number_after && !tb_utf8_is_word(left)) say = in(sp, "number", "número");
        break;
    default:
        break;
    }
    if (!say) return 0;
    tb_spell_say(sp, say);
    return 1;
}

/* Behind × at i: numbers, with × between, that a length measures at last (10 × 20 cm). */
static bool is_size(const tb_speller *sp, size_t i)
{
    enum { FACTORS = 3 };
    for (int k = 0; k < FACTORS; k++) {
        tb_spell_number number;
        tb_spell_unit unit;
        size_t n;
        i = tb_spell_skip(sp, i);
        if (!tb_spell_digit(sp, i) || !tb_spell_read(sp, i, &number)) return false;
        size_t at = tb_spell_skip(sp, number.end);
        if (tb_spell_at(sp, at, &n) == 0xD7) {
            i = at + n;
            continue;
        }
        return tb_spell_read_unit(sp, at, at > number.end, &unit) && unit.part[0].power == 1 &&
               tb_spell_is_length(&unit);
    }
    return false;
}

/* m·a, 3·4: a point in the middle, between numbers and single letters. */
static bool is_product(const tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    size_t start = tb_spell_prev_word(sp, i, word), end = tb_spell_word_end(sp, i + 2);
    uint32_t before = tb_spell_before(sp, i);
    bool left = (before >= '0' && before <= '9') || before == ')' ||
                (*word && i - start <= 2 && tb_spell_letter(before));
    return left && (tb_spell_digit(sp, i + 2) || tb_spell_starts(sp, i + 2, "(") ||
                    (end > i + 2 && end - i <= 4));
}

size_t tb_spell_sign(tb_speller *sp, size_t i)
{
    size_t n, end;
    uint32_t cp = tb_spell_at(sp, i, &n);
    if (cp < 0x80 && cp != '%' && cp != '$') return between(sp, i);
    if (cp == 0xA7 && tb_spell_starts(sp, i + n, "\xC2\xA7") && tb_spell_before(sp, i) != cp &&
        !tb_spell_starts(sp, i + n + n, "\xC2\xA7")) {
        tb_spell_say(sp, in(sp, "sections", "secciones")); /* §§ 4-6 */
        return n + n;
    }
    if (tb_spell_before(sp, i) == cp || tb_spell_at(sp, i + n, &end) == cp)
        return 0; /* rows of a sign are decoration */
    const tb_currency *c = tb_spell_currency(sp, i, &end);
    if (c && (tb_unicode_is_symbol(cp) || !tb_spell_letter(cp))) {
        char word[TB_SPELL_WORD + 1];
        tb_spell_prev_word(sp, i, word); /* "el € sube", "in €" */
        if (tb_spell_in(word, in(sp, " the a an per each every one ",
                                 " el la un una del al cada por este esta ")))
            tb_spell_say(sp, in(sp, c->en, c->es));
        else
            tb_spell_say(sp, in(sp, c->en_plural, c->es_plural));
        return end - i;
    }
    if (cp == 0xB7 && is_product(sp, i)) {
        tb_spell_say(sp, in(sp, "times", "por"));
        return n;
    }
    if (cp == 0xD7 && is_size(sp, i + n)) {
        tb_spell_say(sp, in(sp, "by", "por"));
        return n;
    }
    for (size_t k = 0; k < sizeof signs / sizeof *signs; k++)
        if (signs[k].cp == cp) {
            tb_spell_say(sp, in(sp, signs[k].en, signs[k].es));
            return n;
        }
    size_t taken = scripts(sp, i);
    return taken ? taken : greek_letter(sp, i, cp, n);
}
