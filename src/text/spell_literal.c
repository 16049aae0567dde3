/*
 * Numbers that are read as they are written together: versions and addresses (1.2.3), ratios (16:9,
 * 1:10,000), multiples (2x faster), fixed phrases (24/7); and the order in which the rules of
 * spell_telephone.c, spell_ordinal.c, spell_primes.c and spell_fraction.c are asked.
 */
#include "base/utf8.h"
#include "text/spell_rules_priv.h"

#include <string.h>

static bool spanish(const tb_speller *sp)
{
    return sp->kind == TB_SPELL_ES;
}

/* ---- versions, addresses of networks ---- */

static size_t dotted(tb_speller *sp, size_t i)
{
    size_t at[12], n[12], count = 0, end = i;
    while (count < 12) {
        size_t digits = tb_spell_digits_at(sp, end, 9);
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

/* ---- ratios and plain fractions ---- */

/* 2x faster */
static size_t times(tb_speller *sp, size_t i)
{
    static const char more[] = " faster slower more less a per daily weekly monthly each better "
                               "worse bigger larger smaller higher "
                               "lower longer shorter cheaper greater stronger as the ";
    char word[TB_SPELL_WORD + 1];
    tb_spell_number n;
    if (spanish(sp) || !tb_spell_read(sp, i, &n)) return 0;
    if (n.end >= sp->len || (sp->s[n.end] != 'x' && sp->s[n.end] != 'X')) return 0;
    if (!tb_spell_ends(sp, n.end + 1)) return 0;
    bool per = tb_spell_starts(sp, n.end + 1, "/");
    tb_spell_next_word(sp, n.end + 1 + per, word);
    if (!tb_spell_in(word, per ? " day week month year hour " : more)) return 0;
    tb_spell_say_number(sp, &n, TB_ES_ALONE);
    tb_spell_say(sp, "times");
    if (per) tb_spell_say(sp, "per");
    return n.end + 1 + per - i;
}

/* A side of a ratio: 10,000 and 10.000 and 10 000 are the same in the scale of a map, whatever the
 * language. */
static bool read_side(const tb_speller *sp, size_t i, bool scale, tb_spell_number *out)
{
    if (!tb_spell_digit(sp, i) || !tb_spell_read(sp, i, out)) return false;
    if (!scale || out->grouped || !out->point || out->n_fraction != 3 || out->n > 3) return true;
    if (memcmp(sp->s + out->fraction + 1, "00", 2) != 0) return true;
    memcpy(out->digits + out->n, sp->s + out->fraction, 3);
    out->n += 3;
    out->digits[out->n] = 0;
    out->point = 0;
    return true;
}

/* The seconds of a lap at i, with one to three digits of a fraction: 1:23.456; the end, 0 none. The
 * scale of a map is round. */
static size_t lap(const tb_speller *sp, size_t i, tb_spell_number *out)
{
    size_t n = tb_spell_digits_at(sp, i, 2), m = tb_spell_digits_at(sp, i + 3, 3);
    if (n != 2 || sp->s[i] > '5' || m == 0 || m > 3) return 0;
    if (sp->s[i + 2] != '.' && (sp->s[i + 2] != ',' || !spanish(sp))) return 0;
    if ((m == 3 && memcmp(sp->s + i + 4, "00", 2) == 0) || !tb_spell_ends(sp, i + 3 + m)) return 0;
    *out = (tb_spell_number){.start = i, .end = i + 3 + m, .n = 1, .point = '.'};
    if (spanish(sp)) out->point = ',';
    out->fraction = i + 3;
    out->n_fraction = m;
    memcpy(out->digits, sp->s + i, 2);
    if (out->digits[0] == '0')
        out->digits[0] = out->digits[1];
    else
        out->n = 2;
    return out->end;
}

/* What has chapters and verses. */
static const char books[] =
    " genesis gen exodus exod leviticus deuteronomy joshua judges ruth samuel kings job psalm "
    "psalms "
    "ps proverbs prov isaiah isa jeremiah jer ezekiel daniel matthew matt mark luke john acts "
    "romans "
    "rom corinthians cor galatians gal ephesians eph philippians phil hebrews heb james peter "
    "revelation rev surah quran génesis éxodo levítico deuteronomio josué jueces rut reyes salmo "
    "salmos proverbios isaías jeremías ezequiel mateo mt marcos mc lucas lc juan jn hechos hch "
    "romanos corintios gálatas efesios filipenses hebreos santiago pedro apocalipsis ap sura "
    "gn sal rm ";

/* 16:9, 1:10,000; 1 : 500 with blanks where a scale is spoken of. */
static size_t ratio(tb_speller *sp, size_t i)
{
    tb_spell_number a, b;
    char word[TB_SPELL_WORD + 1];
    size_t behind;
    if (!tb_spell_read(sp, i, &a)) return 0;
    tb_spell_prev_word(sp, i > 2 && sp->s[i - 1] == ' ' && sp->s[i - 2] == '.' ? i - 2 : i, word);
    size_t colon = tb_spell_skip(sp, a.end), at = tb_spell_skip(sp, colon + 1);
    bool apart = colon > a.end || at > colon + 1;
    if (colon >= sp->len || sp->s[colon] != ':') return 0;
    if (!apart && tb_spell_value(&a) >= 0 && (behind = lap(sp, at, &b)) > 0) {
        tb_spell_say_number(sp, &a, TB_ES_ALONE);
        if (sp->s[at] == '0') tb_spell_say(sp, spanish(sp) ? "cero" : "oh");
        tb_spell_say_number(sp, &b, TB_ES_ALONE);
        return behind - i;
    }
    if (!read_side(sp, at, tb_spell_is_one(&a), &b)) return 0;
    uint32_t before = tb_spell_before(sp, i);
    if (apart && !tb_spell_is_one(&a) && !tb_spell_starts(sp, tb_spell_skip(sp, b.end), "=") &&
        !tb_spell_in(word, " scale ratio escala proporción relación "))
        return 0;
    if (before == ':' || (b.end < sp->len && sp->s[b.end] == ':')) return 0;
    /* 45:30 is minutes and seconds, 60:40 shares */
    long x = tb_spell_value(&a), y = tb_spell_value(&b);
    bool clock = b.n == 2 && y >= 0 && y < 60 && a.n <= 2 && x >= 0 && x + y != 100 && !apart;
    tb_spell_say_number(sp, &a, TB_ES_ALONE);
    if (tb_spell_in(word, books)) { /* Gen. 1:1-3 */
        tb_spell_say_number(sp, &b, TB_ES_ALONE);
        size_t n;
        uint32_t dash = tb_spell_at(sp, b.end, &n);
        if ((dash != '-' && dash != 0x2013) || !tb_spell_digit(sp, b.end + n)) return b.end - i;
        tb_spell_say(sp, spanish(sp) ? "a" : "to");
        return b.end + n - i;
    }
    size_t equals = tb_spell_skip(sp, b.end);
    bool division = apart && tb_spell_starts(sp, equals, "="); /* 10 : 2 = 5 */
    if (!clock)
        tb_spell_say(sp, division      ? spanish(sp) ? "entre" : "divided by"
                         : spanish(sp) ? "a"
                                       : "to");
    if (clock && b.digits[0] == '0') tb_spell_say(sp, spanish(sp) ? "cero" : y ? "oh" : "");
    if (clock)
        tb_spell_say_value(sp, y, TB_ES_ALONE);
    else
        tb_spell_say_number(sp, &b, TB_ES_ALONE);
    return b.end - i;
}

/* 0x80070057: each character by its name. */
static size_t hexadecimal(tb_speller *sp, size_t i)
{
    enum { MOST = 32 };
    size_t end = i + 2;
    if (!tb_spell_starts(sp, i, "0x") || tb_utf8_is_word(tb_spell_before(sp, i))) return 0;
    while (end < sp->len && end - i < MOST && strchr("0123456789abcdefABCDEF", sp->s[end]) &&
           sp->s[end])
        end++;
    if (end == i + 2 || !tb_spell_ends(sp, end)) return 0;
    tb_spell_say(sp, spanish(sp) ? "cero X" : "zero X");
    for (size_t k = i + 2; k < end; k++) {
        char letter[2] = {sp->s[k], 0};
        if (tb_spell_digit(sp, k)) {
            tb_spell_digits(sp, letter, 1);
        } else {
            letter[0] = (char)(letter[0] & ~0x20);
            tb_spell_say(sp, letter);
        }
    }
    return end - i;
}

/* 6.022e23, 1E-9 */
static size_t scientific(tb_speller *sp, size_t i)
{
    tb_spell_number n;
    if (!tb_spell_read(sp, i, &n) || n.end >= sp->len || (sp->s[n.end] | 32) != 'e') return 0;
    size_t at = n.end + 1;
    bool minus = tb_spell_starts(sp, at, "-");
    at += minus || tb_spell_starts(sp, at, "+");
    long power;
    size_t digits = tb_spell_small(sp, at, 3, &power);
    if (!digits || !tb_spell_ends(sp, at + digits) || tb_utf8_is_word(tb_spell_before(sp, i)))
        return 0;
    if (!n.point && at == n.end + 1 && sp->s[n.end] == 'E') return 0; /* seat 4E1 */
    tb_spell_say_number(sp, &n, TB_ES_ALONE);
    tb_spell_say(sp, spanish(sp) ? "por diez elevado a" : "times ten to the power of");
    if (minus) tb_spell_say(sp, spanish(sp) ? "menos" : "minus");
    tb_spell_say_value(sp, power, TB_ES_ALONE);
    return at + digits - i;
}

/* 49ers, 76ers */
static size_t team(tb_speller *sp, size_t i)
{
    size_t n = tb_spell_digits_at(sp, i, 2);
    if (spanish(sp) || n != 2 || !tb_spell_starts(sp, i + n, "ers")) return 0;
    if (!tb_spell_ends(sp, i + n + 3) || tb_utf8_is_word(tb_spell_before(sp, i))) return 0;
    tb_spell_words w = {0};
    tb_en_cardinal(&w, sp->s + i, n, false);
    tb_spell_say_words(sp, &w);
    tb_str_puts(sp->out, sp->out->len && sp->out->data[sp->out->len - 1] == 'e' ? "rs" : "ers");
    return n + 3;
}

/* q6h: every six hours */
static size_t every(tb_speller *sp, size_t i)
{
    long hours;
    size_t n = tb_spell_starts(sp, i, "q") ? tb_spell_small(sp, i + 1, 2, &hours) : 0;
    if (!n || spanish(sp) || tb_utf8_is_word(tb_spell_before(sp, i))) return 0;
    if (!tb_spell_starts(sp, i + 1 + n, "h") || !tb_spell_ends(sp, i + 2 + n)) return 0;
    tb_spell_say(sp, "every");
    tb_spell_say_value(sp, hours, TB_ES_ALONE);
    tb_spell_say(sp, hours == 1 ? "hour" : "hours");
    return n + 2;
}

static size_t always(tb_speller *sp, size_t i)
{
    static const struct {
        const char *written, *en, *es;
    } all[] = {{"24/7", "twenty-four seven", "veinticuatro siete"},
               {"9/11", "nine eleven", NULL},
               {"20/20", "twenty twenty", NULL},
               {"50/50", "fifty fifty", "cincuenta cincuenta"},
               {"480p", "four eighty P", "cuatrocientos ochenta pe"},
               {"720p", "seven twenty P", "setecientos veinte pe"},
               {"1080p", "ten eighty P", "mil ochenta pe"},
               {"1080i", "ten eighty I", "mil ochenta i"},
               {"1440p", "fourteen forty P", "mil cuatrocientos cuarenta pe"},
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
    static size_t (*const rules[])(tb_speller *, size_t) = {always,
                                                            team,
                                                            hexadecimal,
                                                            scientific,
                                                            tb_spell_telephone,
                                                            tb_spell_code,
                                                            tb_spell_serial,
                                                            dotted,
                                                            tb_spell_primes,
                                                            tb_spell_plain_fraction,
                                                            ratio,
                                                            times};
    const bool digit = tb_spell_digit(sp, i);
    size_t n = digit ? tb_spell_ordinal(sp, i) : 0;
    if (!n && !(digit && spanish(sp))) n = tb_spell_decade(sp, i);
    if (!n && !digit) n = every(sp, i);
    if (n) return n;
    if (i < sp->len && (sp->s[i] == '+' || sp->s[i] == '(')) return tb_spell_telephone(sp, i);
    for (size_t k = 0; digit && k < sizeof rules / sizeof *rules && !n; k++)
        n = rules[k](sp, i);
    return n;
}
