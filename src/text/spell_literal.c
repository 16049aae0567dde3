/*
 * Rows of digits that are no quantity: telephone numbers and the like, versions and addresses
 * (1.2.3), ordinals (21st, 3.º), decades (1990s), feet and inches (5'10"), ratios (16:9), plain
 * fractions (3/4).
 */
#include "base/utf8.h"
#include "text/spell_rules_priv.h"

#include <string.h>

static bool spanish(const tb_speller *sp)
{
    return sp->kind == TB_SPELL_ES;
}

static size_t digits_at(const tb_speller *sp, size_t i, size_t most)
{
    size_t n = 0;
    while (n <= most && tb_spell_digit(sp, i + n))
        n++;
    return n;
}

/* ---- telephones ---- */

enum { GROUPS = 8, GROUP = 11 };

typedef struct {
    size_t at[GROUPS], n[GROUPS];
    size_t count, total, end;
    char sep; /* of the last two groups; 0 one group */
    bool plus, bracket;
} row;

/* Groups of digits with one blank, hyphen or point between them; the first may be in brackets. */
static void read_row(const tb_speller *sp, size_t i, row *r)
{
    *r = (row){0};
    if (i < sp->len && sp->s[i] == '+') {
        r->plus = true;
        i++;
    }
    while (r->count < GROUPS) {
        bool bracket = i < sp->len && sp->s[i] == '(' && r->count <= 1;
        bool plus = bracket && r->count == 0 && i + 1 < sp->len && sp->s[i + 1] == '+';
        size_t at = i + bracket + plus, n = digits_at(sp, at, GROUP);
        if (n == 0 || n > GROUP) break;
        if (bracket && (at + n >= sp->len || sp->s[at + n] != ')')) break;
        r->at[r->count] = at;
        r->n[r->count++] = n;
        r->total += n;
        r->bracket |= bracket;
        r->plus |= plus;
        r->end = at + n + bracket;
        size_t size, next = r->end;
        uint32_t cp = tb_spell_at(sp, next, &size);
        char sep = 0;
        if (cp == '-' || cp == 0x2011 || cp == 0x2010)
            sep = '-';
        else if (cp == '.' || cp == '/')
            sep = (char)cp;
        else if (tb_spell_blank(cp))
            sep = ' ';
        else if (!bracket)
            break;
        next += sep ? size : 0;
        bool digit = tb_spell_digit(sp, next) ||
                     (next < sp->len && sp->s[next] == '(' && tb_spell_digit(sp, next + 1));
        if (!digit) break;
        /* One kind of separator, but for behind a country or a bracket. */
        if (r->sep && sep != r->sep && r->count > 2 && !r->bracket) break;
        r->sep = sep ? sep : r->sep;
        i = next;
    }
}

static void shape_of(const row *r, char shape[4 * GROUPS])
{
    size_t o = 0;
    for (size_t k = 0; k < r->count; k++) {
        if (k) shape[o++] = '-';
        if (r->n[k] > 9) shape[o++] = '1';
        shape[o++] = (char)('0' + r->n[k] % 10);
    }
    shape[o] = 0;
}

static bool told(const tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    size_t at = i;
    while (at > 0 && i - at < 3 && strchr(":. ", sp->s[at - 1]))
        at--;
    tb_spell_prev_word(sp, at, word);
    return tb_spell_in(word, " call phone telephone tel dial fax mobile cell text teléfono móvil "
                             "celular tfno tlf teléf llame llama llamar marque marcar whatsapp ");
}

static bool is_telephone(const tb_speller *sp, size_t i, const row *r)
{
    static const char dashed_en[] = " 3-3-4 1-3-3-4 3-4 3-2-4 4-4-4-4 3-3-3 2-3-4 ";
    static const char dashed_es[] = " 3-3-3 3-3-4 1-3-3-4 2-4-4 3-4 4-4 4-4-4-4 3-2-2-2 3-2-2-2 ";
    static const char spaced_en[] = " 3-3-4 1-3-3-4 4-4-4-4 4-6-5 5-6 4-3-4 3-4-4 ";
    static const char spaced_es[] = " 3-3-3 2-3-2-2 3-2-2-2 2-4-4 4-4-4-4 3-3-4 ";
    char shape[4 * GROUPS];
    shape_of(r, shape);
    if (r->plus) return r->total >= 7 && r->total <= 15 && r->n[0] <= 15;
    if (r->bracket) return r->count >= 2 && r->total >= 6 && r->total <= 13;
    if (r->count < 2) return r->total >= 7 && r->total <= 12 && told(sp, i);
    char first = sp->s[r->at[0]];
    if (r->sep == ' ') {
        if (!tb_spell_in(shape, spanish(sp) ? spaced_es : spaced_en))
            return told(sp, i) && r->total >= 7 && r->total <= 15;
        if (strcmp(shape, "5-6") == 0 || strcmp(shape, "4-3-4") == 0 || strcmp(shape, "3-4-4") == 0)
            return first == '0';
        return strcmp(shape, "3-3-3") != 0 || first >= '6' || told(sp, i);
    }
    if (r->sep == '/') return false;
    if (strcmp(shape, "3-4") == 0 || strcmp(shape, "4-4") == 0)
        return r->sep == '-' && (told(sp, i) || (!spanish(sp) && shape[0] == '3'));
    if (r->sep == '.' && strcmp(shape, "3-3-3") == 0) return false; /* thousands */
    return tb_spell_in(shape, spanish(sp) ? dashed_es : dashed_en);
}

/* "call 911" */
static size_t emergency(tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    if (digits_at(sp, i, 3) != 3 || !tb_spell_ends(sp, i + 3)) return 0;
    if (i + 4 < sp->len && strchr(".,-", sp->s[i + 3]) && tb_spell_digit(sp, i + 4)) return 0;
    tb_spell_prev_word(sp, i, word);
    if (!tb_spell_in(word, " call calls called calling dial dialed dials marque marca marcar "))
        return 0;
    tb_spell_digits(sp, sp->s + i, 3);
    return 3;
}

static size_t telephone(tb_speller *sp, size_t i)
{
    row r;
    uint32_t before = tb_spell_before(sp, i);
    if (tb_utf8_is_word(before) || before == '.' || before == '-' || before == ',') return 0;
    read_row(sp, i, &r);
    if (!r.count || !is_telephone(sp, i, &r)) return 0;
    if (!tb_spell_ends(sp, r.end)) return 0;
    if (r.plus) tb_spell_say(sp, spanish(sp) ? "más" : "plus");
    for (size_t k = 0; k < r.count; k++) {
        if (k) tb_str_puts(sp->out, ",");
        tb_spell_digits(sp, sp->s + r.at[k], r.n[k]);
    }
    return r.end - i;
}

/* ---- codes ---- */

/* Digits behind letters (BA2490), a postal code behind a state's (NY 10118), what one types in (PIN
 * 4711): one by one. */
static size_t code(tb_speller *sp, size_t i)
{
    size_t n = digits_at(sp, i, 12), size;
    if (n < 3 || n > 12 || !tb_spell_ends(sp, i + n)) return 0;
    uint32_t before = tb_spell_before(sp, i);
    bool attached = tb_spell_letter(before);
    if (!attached) {
        bool state = !spanish(sp) && n == 5 && i >= 3 && before == ' ' && sp->s[i - 2] >= 'A' &&
                     sp->s[i - 2] <= 'Z' && sp->s[i - 3] >= 'A' && sp->s[i - 3] <= 'Z' &&
                     (i == 3 || !tb_utf8_is_word(tb_spell_before(sp, i - 3)));
        char word[TB_SPELL_WORD + 1];
        tb_spell_prev_word(sp, i, word);
        if (!state && !tb_spell_in(word, " zip pin otp passcode ")) return 0;
    }
    uint32_t next = tb_spell_at(sp, i + n, &size);
    if ((next == '.' || next == ',') && tb_spell_digit(sp, i + n + 1)) return 0;
    tb_spell_digits(sp, sp->s + i, n);
    return n;
}

/* Three groups or more with hyphens between, or of four digits with blanks: numbers of books, of
 * cards, of accounts. Few digits are read as numbers: 10-12-14. */
static size_t serial(tb_speller *sp, size_t i)
{
    row r;
    read_row(sp, i, &r);
    if (r.plus || r.bracket || r.count < 3 || !tb_spell_ends(sp, r.end)) return 0;
    uint32_t before = tb_spell_before(sp, i);
    if (before == '-' || before == '.' || before == ',' || tb_utf8_is_word(before)) return 0;
    bool fours = r.sep == ' ' && r.count >= 4;
    for (size_t k = 0; k + 1 < r.count; k++)
        fours &= r.n[k] == 4;
    if (r.sep != '-' && !fours) return 0;
    for (size_t k = 0; k < r.count; k++) {
        if (k) tb_str_puts(sp->out, ",");
        tb_spell_number part = {.n = r.n[k]};
        memcpy(part.digits, sp->s + r.at[k], r.n[k]);
        if (fours || r.total >= 7)
            tb_spell_digits(sp, part.digits, part.n);
        else
            tb_spell_say_number(sp, &part, TB_ES_ALONE);
    }
    return r.end - i;
}

/* ---- versions, addresses of networks ---- */

static size_t dotted(tb_speller *sp, size_t i)
{
    size_t at[12], n[12], count = 0, end = i;
    while (count < 12) {
        size_t digits = digits_at(sp, end, 9);
        if (digits == 0 || digits > 9) break;
        at[count] = end;
        n[count++] = digits;
        end += digits;
        if (end >= sp->len || sp->s[end] != '.' || !tb_spell_digit(sp, end + 1)) break;
        end++;
    }
    tb_spell_number number;
    if (count < 3) return 0;
    end = at[count - 1] + n[count - 1];
    if (tb_spell_read(sp, i, &number) && number.end >= end) return 0; /* 1.234.567 */
    for (size_t k = 0; k < count; k++) {
        tb_spell_number part = {.n = n[k]};
        memcpy(part.digits, sp->s + at[k], n[k]);
        if (k) tb_spell_say(sp, spanish(sp) ? "punto" : count == 4 ? "dot" : "point");
        tb_spell_say_number(sp, &part, TB_ES_ALONE);
    }
    return end - i;
}

/* ---- ordinals ---- */

static size_t ordinal_en(tb_speller *sp, size_t i)
{
    tb_spell_number n;
    if (!tb_spell_read(sp, i, &n) || n.point || n.above) return 0;
    static const char *const endings[] = {"st", "nd", "rd", "th", "ST", "ND", "RD", "TH"};
    for (size_t k = 0; k < sizeof endings / sizeof *endings; k++) {
        if (!tb_spell_starts(sp, n.end, endings[k]) || !tb_spell_ends(sp, n.end + 2)) continue;
        tb_spell_words w = {0};
        tb_en_ordinal(&w, n.digits, n.n, sp->british);
        tb_spell_say_words(sp, &w);
        return n.end + 2 - i;
    }
    return 0;
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
    size_t n = digits_at(sp, i, 4);
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
        apocope = *word && tb_es_form_before(word) == TB_ES_MASCULINE;
    }
    tb_spell_say_ordinal(sp, value, feminine, apocope);
    if (plural) tb_str_puts(sp->out, "s");
    return end - i;
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

static size_t decade(tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    size_t at = i;
    /* '90s */
    bool cut = tb_spell_starts(sp, i, "'") || tb_spell_starts(sp, i, "\xE2\x80\x99");
    if (cut) {
        if (tb_utf8_is_word(tb_spell_before(sp, i))) return 0;
        at += sp->s[i] == '\'' ? 1 : 3;
    }
    size_t n = digits_at(sp, at, 4), end = at + n;
    if (n < 2 || n > 4) return 0;
    bool apostrophe = tb_spell_starts(sp, end, "'s") || tb_spell_starts(sp, end, "\xE2\x80\x99s");
    size_t s = end + (!apostrophe ? 0 : sp->s[end] == '\'' ? 1 : 3);
    if (cut && n == 2 && tb_spell_ends(sp, end)) { /* the class of '98 */
        long year = (sp->s[at] - '0') * 10 + (sp->s[at + 1] - '0');
        tb_spell_words w = {0};
        tb_en_cardinal(&w, sp->s + at, 2, false);
        if (year < 10) tb_spell_say(sp, "oh");
        tb_spell_say_words(sp, &w);
        return end - i;
    }
    if (s >= sp->len || sp->s[s] != 's' || !tb_spell_ends(sp, s + 1)) return 0;
    bool tens = sp->s[end - 1] == '0';
    if (n == 2 && !cut) {
        tb_spell_prev_word(sp, i, word);
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

/* ---- feet and inches ---- */

static size_t prime(const tb_speller *sp, size_t i, bool twice)
{
    if (twice) {
        if (tb_spell_starts(sp, i, "\"")) return 1;
        if (tb_spell_starts(sp, i, "''")) return 2;
        return tb_spell_starts(sp, i, "\xE2\x80\xB3") || tb_spell_starts(sp, i, "\xE2\x80\x9D") ? 3
                                                                                                : 0;
    }
    if (tb_spell_starts(sp, i, "'")) return 1;
    return tb_spell_starts(sp, i, "\xE2\x80\xB2") || tb_spell_starts(sp, i, "\xE2\x80\x99") ? 3 : 0;
}

static void say_feet(tb_speller *sp, long value, bool inches, bool single)
{
    tb_spell_say_value(sp, value, inches ? TB_ES_FEMININE : TB_ES_MASCULINE);
    if (spanish(sp))
        tb_spell_say(sp, inches ? (value == 1 ? "pulgada" : "pulgadas")
                                : (value == 1 ? "pie" : "pies"));
    else
        tb_spell_say(sp, inches ? (value == 1 ? "inch" : "inches")
                                : (single || value == 1 ? "foot" : "feet"));
}

/* 40° 26′ 46″ N: minutes and seconds of an angle. The sign in front, a blank passed over. */
static uint32_t sign_before(const tb_speller *sp, size_t i)
{
    uint32_t before = tb_spell_before(sp, i);
    return before == ' ' ? tb_spell_before(sp, i - 1) : before;
}

static size_t arc(tb_speller *sp, size_t i)
{
    long value;
    size_t n = tb_spell_small(sp, i, 2, &value), end = i + n;
    uint32_t sign = sign_before(sp, i);
    bool minutes = sign == 0xB0, seconds = sign == 0x2032 || sign == '\'' || sign == 0x2019;
    if (!n || (!minutes && !seconds)) return 0;
    size_t p = prime(sp, end, seconds);
    if (!p) return 0;
    tb_spell_say_value(sp, value, TB_ES_MASCULINE);
    if (spanish(sp))
        tb_spell_say(sp, minutes ? (value == 1 ? "minuto" : "minutos")
                                 : (value == 1 ? "segundo" : "segundos"));
    else
        tb_spell_say(sp, minutes ? (value == 1 ? "minute" : "minutes")
                                 : (value == 1 ? "second" : "seconds"));
    return end + p - i;
}

/* 5'10", 5' 10", 6′; a lonely ' may be a closing quote. */
static size_t feet(tb_speller *sp, size_t i)
{
    size_t n = digits_at(sp, i, 3), p;
    if (!n || n > 3) return 0;
    long feet_value = 0, inches = 0;
    for (size_t k = 0; k < n; k++)
        feet_value = feet_value * 10 + (sp->s[i + k] - '0');
    size_t at = i + n;
    bool sign = tb_spell_starts(sp, at, "\xE2\x80\xB2");
    if (tb_spell_starts(sp, at, "\xE2\x80\xB3")) {
        say_feet(sp, feet_value, true, false);
        return at + 3 - i;
    }
    p = prime(sp, at, false);
    if (!p) return 0;
    size_t next = tb_spell_skip(sp, at + p), m = digits_at(sp, next, 2);
    size_t q = m && m <= 2 ? prime(sp, next + m, true) : 0;
    if (m > 2) m = 0;
    /* 5'10 without a mark behind it: where nothing else is meant */
    bool bare = !q && m && next == at + p && tb_spell_ends(sp, next + m) && feet_value < 9 &&
                !tb_spell_decimal_quote(sp, at);
    if (!q && !bare) {
        if (!sign) return 0;
        say_feet(sp, feet_value, false, false);
        return at + p - i;
    }
    for (size_t k = 0; k < m; k++)
        inches = inches * 10 + (sp->s[next + k] - '0');
    if (inches > 11) return 0;
    if (spanish(sp)) {
        say_feet(sp, feet_value, false, true);
        say_feet(sp, inches, true, false);
    } else { /* five foot ten */
        say_feet(sp, feet_value, false, true);
        tb_spell_say_value(sp, inches, TB_ES_ALONE);
    }
    return next + m + q - i;
}

/* ---- ratios and plain fractions ---- */

/* 2x faster */
static size_t times(tb_speller *sp, size_t i)
{
    static const char more[] = " faster slower more less better worse bigger larger smaller higher "
                               "lower longer shorter cheaper greater stronger as the ";
    char word[TB_SPELL_WORD + 1];
    tb_spell_number n;
    if (spanish(sp) || !tb_spell_read(sp, i, &n)) return 0;
    if (n.end >= sp->len || (sp->s[n.end] != 'x' && sp->s[n.end] != 'X')) return 0;
    if (!tb_spell_ends(sp, n.end + 1)) return 0;
    tb_spell_next_word(sp, n.end + 1, word);
    if (!tb_spell_in(word, more)) return 0;
    tb_spell_say_number(sp, &n, TB_ES_ALONE);
    tb_spell_say(sp, "times");
    return n.end + 1 - i;
}

static size_t ratio(tb_speller *sp, size_t i)
{
    tb_spell_number a, b;
    if (!tb_spell_read(sp, i, &a) || a.end >= sp->len || sp->s[a.end] != ':') return 0;
    if (!tb_spell_digit(sp, a.end + 1) || !tb_spell_read(sp, a.end + 1, &b)) return 0;
    uint32_t before = tb_spell_before(sp, i);
    if (before == ':' || (b.end < sp->len && sp->s[b.end] == ':')) return 0;
    tb_spell_say_number(sp, &a, TB_ES_ALONE);
    /* 45:30 is minutes and seconds, 60:40 shares */
    bool clock = b.n == 2 && tb_spell_value(&b) >= 0 && tb_spell_value(&b) < 60 && a.n <= 2 &&
                 tb_spell_value(&a) >= 0 && tb_spell_value(&a) + tb_spell_value(&b) != 100;
    if (!clock) tb_spell_say(sp, spanish(sp) ? "a" : "to");
    if (clock && b.digits[0] == '0')
        tb_spell_say(sp, spanish(sp) ? "cero" : tb_spell_value(&b) ? "oh" : "");
    if (clock)
        tb_spell_say_value(sp, tb_spell_value(&b), TB_ES_ALONE);
    else
        tb_spell_say_number(sp, &b, TB_ES_ALONE);
    return b.end - i;
}

static size_t always(tb_speller *sp, size_t i)
{
    static const struct {
        const char *written, *en, *es;
    } all[] = {{"24/7", "twenty-four seven", "veinticuatro siete"},
               {"9/11", "nine eleven", NULL},
               {"20/20", "twenty twenty", NULL},
               {"50/50", "fifty fifty", "cincuenta cincuenta"},
               {"4K", "four K", "cuatro ka"},
               {"8K", "eight K", "ocho ka"}};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        const char *said = spanish(sp) ? all[k].es : all[k].en;
        size_t end = i + strlen(all[k].written);
        if (!said || !tb_spell_starts(sp, i, all[k].written) || !tb_spell_ends(sp, end)) continue;
        if (end < sp->len && sp->s[end] == '/') continue;
        tb_spell_say(sp, said);
        return end - i;
    }
    return 0;
}

size_t tb_spell_literal(tb_speller *sp, size_t i)
{
    static size_t (*const rules[])(tb_speller *,
                                   size_t) = {always, telephone, emergency,
                                              code,   serial,    dotted,
                                              arc,    feet,      tb_spell_plain_fraction,
                                              ratio,  times};
    if (sp->kind == TB_SPELL_EN && (tb_spell_digit(sp, i) || prime(sp, i, false))) {
        size_t n = tb_spell_digit(sp, i) ? ordinal_en(sp, i) : 0;
        if (!n) n = decade(sp, i);
        if (n) return n;
    }
    if (i < sp->len && (sp->s[i] == '+' || sp->s[i] == '(')) return telephone(sp, i);
    if (!tb_spell_digit(sp, i)) return 0;
    if (spanish(sp)) {
        size_t n = ordinal_es(sp, i);
        if (n) return n;
    }
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) {
        size_t n = rules[k](sp, i);
        if (n) return n;
    }
    return 0;
}
