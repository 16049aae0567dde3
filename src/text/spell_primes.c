/*
 * Numbers with primes. What ' and " behind a number measure (feet, inches, minutes, seconds) or
 * that they close a quotation; feet and inches together (5'10"), minutes and seconds of an angle
 * (40° 26′ 46″) and of time (1'30"), minutes of a match (45', 90+3').
 */
#include "base/utf8.h"
#include "text/spell_rules_priv.h"

#include <string.h>

enum { QUOTE_LOOK = 160 }; /* how far the other end of a quotation is looked for */

static bool spanish(const tb_speller *sp)
{
    return sp->kind == TB_SPELL_ES;
}

/* The bytes of a prime at i, single or double; 0 none. */
static size_t prime(const tb_speller *sp, size_t i, bool twice)
{
    static const char *const signs[2][3] = {{"'", "\xE2\x80\xB2", "\xE2\x80\x99"},
                                            {"\"", "\xE2\x80\xB3", "\xE2\x80\x9D"}};
    if (twice && tb_spell_starts(sp, i, "''")) return 2;
    for (int k = 0; k < 3; k++)
        if (tb_spell_starts(sp, i, signs[twice][k])) return strlen(signs[twice][k]);
    return 0;
}

/* ---- quotations ---- */

static bool opens(const tb_speller *sp, size_t i)
{
    size_t n;
    uint32_t before = tb_spell_before(sp, i), next = tb_spell_at(sp, i + 1, &n);
    bool stands = before == 0 || tb_utf8_is_space(before) || before == '(' || before == '-' ||
                  before == '[' || before == 0xA1 || before == 0xBF;
    bool decade = tb_spell_digits_at(sp, i + 1, 4) == 2 && tb_spell_starts(sp, i + 3, "s");
    return stands && n && !tb_utf8_is_space(next) && !decade;
}

static bool closes(const tb_speller *sp, size_t i)
{
    return !tb_utf8_is_space(tb_spell_before(sp, i)) && tb_spell_ends(sp, i + 1);
}

/* Is a keyboard's quotation mark at i the end of what it quotes? One was opened on this line and
 * not closed, and no other mark behind it closes that. */
static bool is_closing(const tb_speller *sp, size_t i)
{
    const char mark = sp->s[i];
    bool open = false;
    for (size_t k = i; k-- > 0 && i - k < QUOTE_LOOK && sp->s[k] != '\n';) {
        if (sp->s[k] != mark) continue;
        open = opens(sp, k);
        if (open || closes(sp, k)) break;
    }
    for (size_t k = i + 1; open && k < sp->len && k - i < QUOTE_LOOK && sp->s[k] != '\n'; k++) {
        if (sp->s[k] != mark) continue;
        if (opens(sp, k)) break;
        if (closes(sp, k)) return false;
    }
    return open;
}

/* ---- what a prime measures ---- */

/* "x 10'" behind a prime, or "12' x" in front of the number that begins at start. */
static bool is_side(const tb_speller *sp, size_t start, size_t end)
{
    size_t n, at = tb_spell_skip(sp, end), from = start;
    uint32_t cp = tb_spell_at(sp, at, &n);
    if ((cp == 'x' || cp == 'X' || cp == 0xD7) && tb_spell_digit(sp, tb_spell_skip(sp, at + n)))
        return true;
    while (from > 0 && start - from < 2 && sp->s[from - 1] == ' ')
        from--;
    cp = tb_spell_before(sp, from);
    if (cp != 'x' && cp != 'X' && cp != 0xD7) return false;
    from -= cp == 0xD7 ? 2 : 1;
    while (from > 0 && start - from < 6 && sp->s[from - 1] == ' ')
        from--;
    cp = tb_spell_before(sp, from);
    return (cp >= '0' && cp <= '9') || cp == '\'' || cp == '"' || cp == 0x2032 || cp == 0x2033;
}

/* Spanish writes minutes of time with a prime; feet are told by what is measured. */
static bool is_height(const tb_speller *sp, size_t start, size_t end)
{
    char word[TB_SPELL_WORD + 1];
    size_t behind = tb_spell_next_word(sp, end, word), before = tb_spell_prev_word(sp, start, word);
    if (tb_spell_in(word, " mide miden medía medían midiendo ")) return true;
    if (strcmp(word, "de") == 0) {
        tb_spell_prev_word(sp, before, word);
        if (tb_spell_in(word, " hombre mujer niño niña chico chica tipo jugador jugadora pívot "
                              "gigante mesa tabla barco velero lancha contenedor valla pared muro "
                              "escalera poste árbol sala habitación cuarto techo tiburón cocodrilo "
                              "serpiente "))
            return true;
    }
    tb_spell_next_word(sp, end, word);
    if (strcmp(word, "de") != 0) return false;
    tb_spell_next_word(sp, behind, word);
    return tb_spell_in(word, " alto alta altura largo larga longitud ancho ancha anchura "
                             "profundidad fondo eslora estatura ");
}

const char *tb_spell_prime_unit(const tb_speller *sp, size_t i, size_t *end)
{
    size_t twice = prime(sp, i, true), n = twice ? twice : prime(sp, i, false), start = i;
    if (!n || !tb_spell_digit(sp, i - (i > 0)) || i == 0) {
        uint32_t before = tb_spell_before(sp, i);
        if (!n || before < 0xBC || before > 0xBE) return NULL; /* 3½" */
    }
    *end = i + n;
    bool side = tb_spell_starts(sp, *end, "x") && tb_spell_digit(sp, *end + 1);
    if (!tb_spell_ends(sp, *end) && !side) return NULL;
    if (n == 1 && is_closing(sp, i)) return NULL;
    while (start > 0 && i - start < 12 && strchr("0123456789.,", sp->s[start - 1]))
        start--;
    if (twice) return spanish(sp) && tb_spell_starts(sp, i, "''") ? "s" : "in";
    if (is_side(sp, start, *end) || !spanish(sp)) return "ft";
    return tb_spell_starts(sp, i, "\xE2\x80\xB2") || is_height(sp, start, *end) ? "ft" : "min";
}

/* ---- two of them: an angle, a height, a span of time ---- */

static void say_part(tb_speller *sp, long value, const char *one, const char *many, bool feminine)
{
    tb_spell_say_value(sp, value, feminine ? TB_ES_FEMININE : TB_ES_MASCULINE);
    tb_spell_say(sp, value == 1 ? one : many);
}

static void say_minutes(tb_speller *sp, long value, bool seconds)
{
    if (spanish(sp))
        say_part(sp, value, seconds ? "segundo" : "minuto", seconds ? "segundos" : "minutos",
                 false);
    else
        say_part(sp, value, seconds ? "second" : "minute", seconds ? "seconds" : "minutes", false);
}

/* 40° 26′ 46″ N: minutes and seconds of an angle, a blank passed over. */
static size_t arc(tb_speller *sp, size_t i)
{
    long value;
    size_t n = tb_spell_small(sp, i, 2, &value), end = i + n, at = i;
    if (at > 0 && sp->s[at - 1] == ' ') at--;
    uint32_t sign = tb_spell_before(sp, at);
    bool minutes = sign == 0xB0, seconds = sign == 0x2032 || sign == '\'' || sign == 0x2019;
    size_t sign_size = sign == '\'' ? 1 : 3;
    seconds &= at > sign_size && tb_spell_digit(sp, at - sign_size - 1);
    if (!n || (!minutes && !seconds)) return 0;
    size_t p = prime(sp, end, seconds);
    if (!p) return 0;
    say_minutes(sp, value, seconds);
    return end + p - i;
}

/* 5'10", 5' 10"; 1'30" is time. */
static size_t feet_and_inches(tb_speller *sp, size_t i)
{
    long feet, inches;
    size_t n = tb_spell_small(sp, i, 3, &feet), at = i + n, p = n ? prime(sp, at, false) : 0;
    if (!p) return 0;
    size_t next = tb_spell_skip(sp, at + p), m = tb_spell_small(sp, next, 2, &inches);
    size_t q = m ? prime(sp, next + m, true) : 0, end = next + m + q;
    /* 5'10 without a mark behind it: where nothing else is meant */
    bool bare = !q && m && next == at + p && tb_spell_ends(sp, end) && feet < 9 &&
                !tb_spell_decimal_quote(sp, at);
    if ((!q && !bare) || (bare && inches > 11) || inches > 59) return 0;
    if (inches > 11 || (m == 2 && sp->s[next] == '0')) {
        say_minutes(sp, feet, false);
        say_minutes(sp, inches, true);
    } else if (spanish(sp)) {
        say_part(sp, feet, "pie", "pies", false);
        say_part(sp, inches, "pulgada", "pulgadas", true);
    } else { /* five foot ten */
        say_part(sp, feet, "foot", "foot", false);
        tb_spell_say_value(sp, inches, TB_ES_ALONE);
    }
    return end - i;
}

/* ---- matches ---- */

/* (Smith 23', 45'): in brackets, behind a name or behind another minute. */
static bool of_scorers(const tb_speller *sp, size_t i, size_t end, bool name)
{
    size_t k = i, n;
    uint32_t next = tb_spell_at(sp, end, &n);
    if (next != ',' && next != ')' && next != ';') return false;
    while (k > 0 && i - k < QUOTE_LOOK && !strchr("()\n", sp->s[k - 1]))
        k--;
    if (k == 0 || sp->s[k - 1] != '(') return false;
    bool row = i > 2 && sp->s[i - 1] == ' ' && sp->s[i - 2] == ',' && sp->s[i - 3] == '\'';
    return name || row;
}

/* Behind what a minute of a match stands: "gol en el 45'", "Messi (23')"; as the line's first. */
static bool names_minute(const tb_speller *sp, size_t i, size_t end, bool *said)
{
    char word[TB_SPELL_WORD + 1];
    uint32_t before = tb_spell_before(sp, i);
    size_t n, from = tb_spell_prev_word(sp, before == '(' || before == '.' ? i - 1 : i, word);
    bool name = *word && tb_spell_capital(tb_spell_at(sp, from, &n));
    *said = tb_spell_in(word, spanish(sp) ? " minuto min minutos " : " minute min ");
    if (before == '(') return tb_spell_starts(sp, end, ")") && (spanish(sp) || name);
    if (of_scorers(sp, i, end, name)) return true;
    if (*said && before != '\'') return true;
    if (!spanish(sp)) return false;
    bool begins = before == 0 || before == '\n';
    return tb_spell_in(word, " el al del ") ||
           (begins && tb_spell_blank(tb_spell_at(sp, end, &n)) && !is_height(sp, i, end));
}

static size_t of_match(tb_speller *sp, size_t i)
{
    long minute, more;
    bool said;
    size_t n = tb_spell_small(sp, i, 3, &minute), at = i + n, m = 0;
    if (!n || minute > 130) return 0;
    if (tb_spell_starts(sp, at, "+")) m = tb_spell_small(sp, at + 1, 2, &more);
    size_t p = prime(sp, m ? at + 1 + m : at, false), end = (m ? at + 1 + m : at) + p;
    if (!p || !tb_spell_ends(sp, end) || tb_spell_starts(sp, end, "'")) return 0;
    bool named = names_minute(sp, i, end, &said);
    if (!m && (!named || is_side(sp, i, end))) return 0;
    if (!said) tb_spell_say(sp, spanish(sp) ? "minuto" : "minute");
    tb_spell_say_value(sp, minute, TB_ES_ALONE);
    if (m) {
        tb_spell_say(sp, spanish(sp) ? "más" : "plus");
        tb_spell_say_value(sp, more, TB_ES_ALONE);
    }
    return end - i;
}

size_t tb_spell_primes(tb_speller *sp, size_t i)
{
    static size_t (*const rules[])(tb_speller *, size_t) = {arc, feet_and_inches, of_match};
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) {
        size_t n = rules[k](sp, i);
        if (n) return n;
    }
    return 0;
}
