/*
 * Rows of digits that name something and count nothing: telephone numbers, postal codes, PINs, the
 * numbers of books, cards and accounts. They are said digit by digit, in their groups.
 */
#include "base/utf8.h"
#include "text/spell_rules_priv.h"

#include <string.h>

static bool spanish(const tb_speller *sp)
{
    return sp->kind == TB_SPELL_ES;
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
        size_t at = i + bracket + plus, n = tb_spell_digits_at(sp, at, GROUP);
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
        if (r->sep && sep != r->sep && r->count > 2 && !r->bracket && !r->plus) break;
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
    static const char spaced_en[] = " 3-3-4 1-3-3-4 4-4-4-4 4-6-5 5-6 4-3-4 3-4-4 4-3-3 ";
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
        if (strcmp(shape, "4-3-3") == 0) return first == '1'; /* 1300 655 506 */
        return strcmp(shape, "3-3-3") != 0 || first >= '6' || told(sp, i);
    }
    if (r->sep == '/') return false;
    if (r->sep == '.' && r->total == 9 && told(sp, i)) return true;
    if (strcmp(shape, "3-4") == 0 || strcmp(shape, "4-4") == 0)
        return r->sep == '-' && (told(sp, i) || (!spanish(sp) && shape[0] == '3'));
    if (r->sep == '.' && strcmp(shape, "3-3-3") == 0) return false; /* thousands */
    return tb_spell_in(shape, spanish(sp) ? dashed_es : dashed_en);
}

/* "call 911" */
static size_t emergency(tb_speller *sp, size_t i)
{
    char word[TB_SPELL_WORD + 1];
    if (tb_spell_digits_at(sp, i, 3) != 3 || !tb_spell_ends(sp, i + 3)) return 0;
    if (i + 4 < sp->len && strchr(".,-", sp->s[i + 3]) && tb_spell_digit(sp, i + 4)) return 0;
    size_t start = tb_spell_prev_word(sp, i, word);
    if (tb_spell_in(word, " el al ")) tb_spell_prev_word(sp, start, word);
    if (!tb_spell_in(word, " call calls called calling dial dialed dials marque marca marcar llama "
                           "llame llamar llamen llamó "))
        return 0;
    tb_spell_digits(sp, sp->s + i, 3);
    return 3;
}

/* " x89" behind a telephone number: said; where it ends, else i. */
static size_t extension(tb_speller *sp, size_t i)
{
    size_t at = tb_spell_skip(sp, i), n = tb_spell_digits_at(sp, at + 1, 6);
    if (at == i || at >= sp->len || (sp->s[at] | 32) != 'x' || n == 0 || n > 6) return i;
    if (!tb_spell_ends(sp, at + 1 + n)) return i;
    tb_spell_say(sp, spanish(sp) ? "extensión" : "extension");
    tb_spell_digits(sp, sp->s + at + 1, n);
    return at + 1 + n;
}

size_t tb_spell_telephone(tb_speller *sp, size_t i)
{
    row r;
    uint32_t before = tb_spell_before(sp, i);
    if (tb_utf8_is_word(before) || before == '.' || before == '-' || before == ',') return 0;
    read_row(sp, i, &r);
    if (!r.count || !is_telephone(sp, i, &r) || !tb_spell_ends(sp, r.end)) return emergency(sp, i);
    if (r.plus) tb_spell_say(sp, spanish(sp) ? "más" : "plus");
    for (size_t k = 0; k < r.count; k++) {
        if (k) tb_str_puts(sp->out, ",");
        tb_spell_digits(sp, sp->s + r.at[k], r.n[k]);
    }
    return extension(sp, r.end) - i;
}

/* ---- codes ---- */

static bool capital_at(const tb_speller *sp, size_t i)
{
    return i < sp->len && tb_spell_capital((unsigned char)sp->s[i]);
}

/* The two digits at i of an account, ES91 2100 0418: a country in front, a group of four behind. */
static bool is_account(const tb_speller *sp, size_t i)
{
    return i > 1 && capital_at(sp, i - 1) && capital_at(sp, i - 2) &&
           !(i > 2 && tb_utf8_is_word(tb_spell_before(sp, i - 2))) &&
           tb_spell_starts(sp, i + 2, " ") && tb_spell_digits_at(sp, i + 3, 4) == 4 &&
           tb_spell_starts(sp, i + 7, " ") && tb_spell_digits_at(sp, i + 8, 4) == 4;
}

/* The n digits of an identity card at i, 12345678Z. */
static bool is_identity(const tb_speller *sp, size_t i, size_t n)
{
    size_t dash = tb_spell_starts(sp, i + n, "-");
    return n == 8 && capital_at(sp, i + n + dash) && tb_spell_ends(sp, i + n + dash + 1) &&
           !tb_utf8_is_word(tb_spell_before(sp, i));
}

/* Digits behind letters (BA2490), a postal code behind a state's (NY 10118), what one types in (PIN
 * 4711): one by one. */
size_t tb_spell_code(tb_speller *sp, size_t i)
{
    size_t n = tb_spell_digits_at(sp, i, 12), size;
    uint32_t before = tb_spell_before(sp, i);
    if (n == 2 && is_account(sp, i)) {
        tb_spell_digits(sp, sp->s + i, n);
        tb_str_puts(sp->out, ",");
        return n;
    }
    if (is_identity(sp, i, n)) {
        tb_spell_digits(sp, sp->s + i, n);
        return n;
    }
    if (n < 3 || n > 12 || !tb_spell_ends(sp, i + n)) return 0;
    bool measure = before == 'x' && i > 1 && tb_spell_digit(sp, i - 2); /* 1920x1080 */
    bool attached = tb_spell_letter(before) && !measure;
    attached |= n >= 5 && before == '-' && i > 1 && tb_spell_capital((unsigned char)sp->s[i - 2]);
    if (!attached) {
        bool state = !spanish(sp) && n == 5 && i >= 3 && before == ' ' && sp->s[i - 2] >= 'A' &&
                     sp->s[i - 2] <= 'Z' && sp->s[i - 3] >= 'A' && sp->s[i - 3] <= 'Z' &&
                     (i == 3 || !tb_utf8_is_word(tb_spell_before(sp, i - 3)));
        char word[TB_SPELL_WORD + 1];
        size_t at = i;
        while (at > 0 && i - at < 3 && strchr(": #", sp->s[at - 1]))
            at--;
        tb_spell_prev_word(sp, at, word);
        if (!state &&
            !tb_spell_in(
                word, " zip pin otp passcode code codes password código códigos clave contraseña "))
            return 0;
    }
    uint32_t next = tb_spell_at(sp, i + n, &size);
    if ((next == '.' || next == ',') && tb_spell_digit(sp, i + n + 1)) return 0;
    tb_spell_digits(sp, sp->s + i, n);
    return n;
}

/* Three groups or more with hyphens between, or of four digits with blanks: numbers of books, of
 * cards, of accounts. Few digits are read as numbers: 10-12-14. */
size_t tb_spell_serial(tb_speller *sp, size_t i)
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
