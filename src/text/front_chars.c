#include "text/front_priv.h"

#include "base/mem.h"
#include "base/unicode.h"
#include "base/utf8.h"

#include <string.h>

/*
 * One way to write each character: the composed form (NFC), ligatures of typesetting as their
 * letters, full-width and mathematical letters as plain ones, one kind of quotation mark, a minus
 * sign that stands before a number as the minus of a keyboard. What nobody can hear goes: emoji
 * with all that they are made of, marks of direction, soft hyphens, private characters. What means
 * something (µ, ², ½, °, €, ≥) stays for the steps that have words for it.
 */

/* U+2E80 on: scripts written without blanks, with marks of their own width. */
static bool east_asian(uint32_t cp)
{
    return (cp >= 0x2E80 && cp <= 0x9FFF) || (cp >= 0xAC00 && cp <= 0xD7AF) ||
           (cp >= 0xF900 && cp <= 0xFAFF) || (cp >= 0xFE30 && cp <= 0xFE4F) ||
           (cp >= 0xFF00 && cp <= 0xFFEF) || (cp >= 0x20000 && cp <= 0x3FFFF);
}

static bool superscript(uint32_t cp)
{
    return cp == 0xB2 || cp == 0xB3 || cp == 0xB9 || (cp >= 0x2070 && cp <= 0x207F);
}

/* Written by Unicode for the sake of older standards: the plain form says the same. */
static bool has_plain_form(uint32_t cp, bool cjk)
{
    if (cp == 0x17F || (cp >= 0x132 && cp <= 0x133) || cp == 0x149) return true;
    if (cp >= 0x1C4 && cp <= 0x1CC) return true;
    if (cp >= 0x1F1 && cp <= 0x1F3) return true;
    if (cp >= 0x2080 && cp <= 0x209C) return true;                     /* subscripts: CO₂ */
    if (cp == 0x2103 || cp == 0x2109 || cp == 0x2113) return true;     /* ℃ ℉ ℓ */
    if (cp >= 0x2100 && cp <= 0x214F) return tb_unicode_is_letter(cp); /* ℝ */
    if (cp >= 0x2160 && cp <= 0x217F) return true;                     /* roman numerals */
    if (cp >= 0x2460 && cp <= 0x2473) return true;                     /* ① */
    if (cp >= 0x24B6 && cp <= 0x24EA) return true;                     /* Ⓐ */
    if (cp == 0x2025) return true;                                     /* .. */
    if (cp >= 0x3371 && cp <= 0x33DF) return true;                     /* ㎏ */
    if (cp >= 0xFB00 && cp <= 0xFB17) return true;                     /* ﬁ */
    if (cp >= 0xFB1D && cp <= 0xFBB1) return true;                     /* presentation forms */
    if ((cp >= 0xFBD3 && cp < 0xFDFC) || (cp >= 0xFE70 && cp <= 0xFEFC)) return true;
    if ((cp >= 0xFF10 && cp <= 0xFF19) || (cp >= 0xFF21 && cp <= 0xFF3A) ||
        (cp >= 0xFF41 && cp <= 0xFF5A) || (cp >= 0xFF66 && cp <= 0xFFDC))
        return true;
    if ((cp >= 0xFF01 && cp <= 0xFF5E) || (cp >= 0xFE50 && cp <= 0xFE6B)) return !cjk;
    if (cp >= 0xFFE0 && cp <= 0xFFE6) return true; /* ￥ */
    return cp >= 0x1D400 && cp <= 0x1D7FF; /* 𝐛𝐨𝐥𝐝, as it is typed where no bold is */
}

/* Not for the ear. The joiners 200C and 200D are looked at by whoever calls. */
static bool invisible(uint32_t cp)
{
    return cp == 0xAD || cp == 0x34F || cp == 0x61C || cp == 0x180E || cp == 0x200B ||
           cp == 0x200E || cp == 0x200F || (cp >= 0x202A && cp <= 0x202E) ||
           (cp >= 0x2060 && cp <= 0x206F) || (cp >= 0xFE00 && cp <= 0xFE0F) || cp == 0xFEFF ||
           (cp >= 0xFFF9 && cp <= 0xFFFC) || (cp >= 0xE000 && cp <= 0xF8FF) ||
           (cp >= 0xE0000 && cp <= 0xE0FFF) || cp >= 0xF0000;
}

/* Pictures that say nothing: emoji, dingbats, boxes, braille patterns. ♯ and ♭ have words. */
static bool picture(uint32_t cp, uint32_t next)
{
    if (cp == 0xA9 || cp == 0xAE || cp == 0x2122 || cp == 0x266D || cp == 0x266F) return false;
    if (cp == 0x203C || cp == 0x2049 || cp == 0x3030 || cp == 0x303D) return false;
    if (next == 0xFE0F && cp > 0x2000) return true; /* asked for as a picture */
    if (cp >= 0x2190 && cp <= 0x21FF) return false; /* arrows are read */
    return (cp >= 0x2500 && cp <= 0x25FF) || (cp >= 0x2600 && cp <= 0x27BF) ||
           (cp >= 0x2800 && cp <= 0x28FF) || (cp >= 0x2B00 && cp <= 0x2BFF) || cp == 0x20E3 ||
           (cp >= 0x1F000 && cp <= 0x1FAFF) || tb_unicode_is_picture(cp);
}

typedef struct {
    const char *s;
    size_t len;
    tb_str *out;
    uint32_t last;  /* the character written before */
    size_t letters; /* letters in a row before this one */
    bool cjk;
    bool pictured; /* a picture went, and nothing was written since */
} chars;

static void emit(chars *c, uint32_t cp)
{
    bool gap = c->pictured;
    c->pictured = false;
    if (gap && cp == ' ' && (c->last == ' ' || c->last == '\n' || c->last == 0)) {
        c->pictured = true;
        return;
    }
    if (gap && c->last == ' ' && cp < 0x80 && cp && strchr(".,;:!?)", (int)cp))
        tb_front_trim(c->out);
    else if (gap && c->last != ' ' && tb_utf8_is_word(c->last) && tb_utf8_is_word(cp))
        tb_front_put(c->out, ' ');
    tb_front_put(c->out, cp);
    c->letters = tb_unicode_is_letter(cp) ? c->letters + 1 : 0;
    c->last = cp;
}

static void emit_plain(chars *c, uint32_t cp)
{
    uint32_t form[TB_UNICODE_FORM];
    size_t n = tb_unicode_plain(cp, form);
    if (n == 0) emit(c, cp);
    for (size_t k = 0; k < n; k++) {
        bool unit = cp >= 0x3371 && cp <= 0x33DF && k > 0 && k + 1 == n;
        if (form[k] == 0x2044) /* the stroke of a fraction */
            emit(c, '/');
        else if (unit && (form[k] == '2' || form[k] == '3')) /* ㎡ */
            emit(c, form[k] == '2' ? 0xB2 : 0xB3);
        else
            emit(c, form[k]);
    }
}

static uint32_t peek(const chars *c, size_t i)
{
    size_t n;
    return i < c->len ? tb_utf8_next(c->s + i, c->len - i, &n) : 0;
}

/* U+2212 before a number is a sign, between two of them an operation. */
static void minus(chars *c, uint32_t next)
{
    bool behind = tb_utf8_is_word(c->last) || c->last == ')' || superscript(c->last);
    emit(c,
         !behind && ((next >= '0' && next <= '9') || next == '.' || next == 0xBD) ? '-' : 0x2212);
}

/* "word¹", "said.²": a footnote's mark, unlike "m²" and "10⁶". */
static bool footnote(const chars *c, uint32_t cp, uint32_t next)
{
    if (cp == 0xB9 && c->letters && !superscript(next)) return true; /* no power of one */
    return c->letters > 3 || (c->last && c->last < 0x80 && strchr(".,;:!?\"'", (int)c->last));
}

static uint32_t as_on_keyboards(uint32_t cp)
{
    if (cp >= 0x2018 && cp <= 0x201B) return '\'';
    if (cp >= 0x201C && cp <= 0x201F) return '"';
    if (cp == 0x2BC || cp == 0x2B9) return '\'';
    if (cp >= 0x2010 && cp <= 0x2012) return '-';
    if (cp == 0x2015) return 0x2014;
    if (cp == 0x2044) return '/'; /* 7⁄8 */
    return cp;
}

static void one(chars *c, uint32_t cp, size_t *skip, size_t behind)
{
    uint32_t next = peek(c, behind);
    if (cp == '\r') {
        if (next != '\n') emit(c, '\n');
    } else if (cp == 0x2028 || cp == 0x85) {
        emit(c, '\n');
    } else if (cp == 0x2029) {
        emit(c, '\n');
        emit(c, '\n');
    } else if (picture(cp, next)) {
        c->pictured = true;
    } else if (cp == 0xAD && next == '\n') {
        *skip = 1; /* a word parted at the end of its line */
    } else if (cp == 0x200D || cp == 0x200C) {
        if (c->last >= 0x600 && !c->pictured) emit(c, cp);
    } else if (invisible(cp) || (cp < 0x20 && cp != '\n' && cp != '\t') || cp == 0x7F) {
        return;
    } else if (cp == 0x2212) {
        minus(c, next);
    } else if (cp == 0xB4 && c->letters && tb_unicode_is_letter(next)) {
        emit(c, '\'');
    } else if (superscript(cp) && footnote(c, cp, next)) {
        return;
    } else if (cp == 0x203C || cp == 0x2047 || cp == 0x2048 || cp == 0x2049) {
        emit(c, cp == 0x203C || cp == 0x2049 ? '!' : '?');
        emit(c, cp == 0x203C || cp == 0x2048 ? '!' : '?');
    } else if (cp == '\t' || (cp != '\n' && cp != 0x200B && tb_utf8_is_space(cp))) {
        emit(c, cp == '\t' ? '\t' : c->cjk && cp == 0x3000 ? cp : ' ');
    } else if (has_plain_form(cp, c->cjk || east_asian(c->last))) {
        emit_plain(c, cp);
    } else if (cp == 0x3BC && c->letters == 0 && next < 0x80 && tb_unicode_is_letter(next)) {
        emit(c, 0xB5); /* "μg" with the Greek letter; steps behind know one micro sign */
    } else {
        emit(c, as_on_keyboards(cp));
    }
}

void tb_front_chars(const char *text, size_t len, const tb_front_opts *opts, tb_str *out)
{
    char *composed = NULL;
    if (tb_unicode_nfc(text, len, &composed, NULL)) {
        out->full = true;
        return;
    }
    chars c = {.s = composed, .len = strlen(composed), .out = out, .cjk = tb_front_is_cjk(opts)};
    for (size_t i = 0, n, skip; i < c.len && !out->full; i += n + skip) {
        uint32_t cp = tb_utf8_next(composed + i, c.len - i, &n);
        skip = 0;
        if (cp < 0x80 && cp >= ' ' && cp != 0x7F)
            emit(&c, cp);
        else
            one(&c, cp, &skip, i + n);
    }
    tb_free(composed);
}
