/*
 * Strict UTF-8: decoding, validity, counting, simple case folding, Latin letters without accents.
 *
 * No overlong forms, no surrogates, nothing above U+10FFFF; an invalid byte is one bad character of
 * length 1, so loops always advance. Folding and accents cover Latin, Greek and Cyrillic by tables
 * here; the rest of Unicode is base/unicode.h.
 */
#include "base/utf8.h"

#include <string.h>

uint32_t tb_utf8_next(const char *s, size_t len, size_t *size)
{
    const unsigned char *p = (const unsigned char *)s;
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80             ? 1
               : (p[0] & 0xE0) == 0xC0 ? 2
               : (p[0] & 0xF0) == 0xE0 ? 3
               : (p[0] & 0xF8) == 0xF0 ? 4
                                       : 0;
    *size = 1;
    if (n == 1) return p[0];
    if (n == 0 || n > len) return TB_UTF8_BAD;
    uint32_t cp = p[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80) return TB_UTF8_BAD;
        cp = cp << 6 | (p[i] & 0x3Fu);
    }
    if (cp < least[n] || cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF)) return TB_UTF8_BAD;
    *size = n;
    return cp;
}

bool tb_utf8_valid(const char *s, size_t len)
{
    size_t n;
    for (size_t i = 0; i < len; i += n)
        if (tb_utf8_next(s + i, len - i, &n) == TB_UTF8_BAD) return false;
    return true;
}

size_t tb_utf8_count(const char *s, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += (s[i] & 0xC0) != 0x80;
    return count;
}

size_t tb_utf8_put(uint32_t cp, char *out)
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, cp >>= 6)
        out[i] = (char)(0x80 | (cp & 0x3F));
    out[0] = (char)((0xF00u >> n) | cp);
    return n;
}

void tb_utf8_trim(char *s)
{
    size_t len = strlen(s), start = len, n;
    while (start > 0 && len - start < 4 && (s[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0) return;
    start--; /* the lead byte of the last character */
    if ((s[start] & 0x80) && tb_utf8_next(s + start, len - start, &n) == TB_UTF8_BAD) s[start] = 0;
}

uint32_t tb_utf8_fold(uint32_t cp)
{
    if (cp >= 'A' && cp <= 'Z') return cp + 32;
    if (cp < 0xC0) return cp;
    if (cp <= 0xDE) return cp == 0xD7 ? cp : cp + 32;
    if ((cp >= 0x100 && cp <= 0x137) || (cp >= 0x14A && cp <= 0x177))
        return cp == 0x130 ? 'i' : cp | 1;
    if ((cp >= 0x139 && cp <= 0x148) || (cp >= 0x179 && cp <= 0x17E)) return (cp & 1) ? cp + 1 : cp;
    if (cp == 0x178) return 0xFF;
    if (cp >= 0x391 && cp <= 0x3A9) return cp + 32;
    if (cp == 0x386) return 0x3AC;
    if (cp >= 0x388 && cp <= 0x38A) return cp + 37;
    if (cp == 0x38C) return 0x3CC;
    if (cp == 0x38E || cp == 0x38F) return cp + 63;
    if (cp >= 0x410 && cp <= 0x42F) return cp + 32;
    if (cp >= 0x400 && cp <= 0x40F) return cp + 80;
    return cp;
}

/* Latin letters without their accents, from U+00C0 and from U+0100 on. */
static const char latin1[] = "AAAAAAACEEEEIIIIDNOOOOO*OUUUUYTsaaaaaaaceeeeiiiidnooooo/ouuuuyty";
static const char latin_a[] =
    "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiJjJjKkkLlLlLlLlLlNnNnNn"
    "nNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

uint32_t tb_utf8_plain(uint32_t cp)
{
    if (cp >= 0xC0 && cp <= 0xFF) return (unsigned char)latin1[cp - 0xC0];
    if (cp >= 0x100 && cp < 0x100 + sizeof latin_a - 1) return (unsigned char)latin_a[cp - 0x100];
    return cp;
}

bool tb_utf8_is_space(uint32_t cp)
{
    return cp == ' ' || (cp >= 9 && cp <= 13) || cp == 0x85 || cp == 0xA0 || cp == 0x1680 ||
           (cp >= 0x2000 && cp <= 0x200B) || cp == 0x2028 || cp == 0x2029 || cp == 0x202F ||
           cp == 0x205F || cp == 0x3000 || cp == 0xFEFF;
}

bool tb_utf8_is_word(uint32_t cp)
{
    if (cp < 0x80) return (cp >= '0' && cp <= '9') || ((cp | 32) >= 'a' && (cp | 32) <= 'z');
    if (cp < 0xAA) return false;
    if (cp == 0xAA || cp == 0xB5 || cp == 0xBA) return true;
    if (cp < 0xC0 || cp == 0xD7 || cp == 0xF7) return false;
    if (tb_utf8_is_space(cp)) return false;
    if (cp >= 0x2000 && cp <= 0x2BFF) return false; /* punctuation, symbols, arrows, boxes */
    if (cp >= 0x2E00 && cp <= 0x2E7F) return false; /* supplemental punctuation */
    if (cp >= 0x3000 && cp <= 0x3004) return false; /* CJK punctuation */
    if (cp >= 0x3008 && cp <= 0x3020) return false;
    if (cp == 0x30FB || cp == 0x37E || cp == 0x387 || cp == 0x589 || cp == 0x5BE) return false;
    if (cp == 0x60C || cp == 0x61B || cp == 0x61F || cp == 0x6D4 || cp == 0x964 || cp == 0x965)
        return false;
    if (cp >= 0xD800 && cp <= 0xF8FF) return false; /* surrogates, private use */
    if (cp >= 0xFE10 && cp <= 0xFE6F) return false; /* vertical and small forms */
    if (cp >= 0xFF00 && cp <= 0xFF0F) return false; /* full-width punctuation */
    if ((cp >= 0xFF1A && cp <= 0xFF20) || (cp >= 0xFF3B && cp <= 0xFF40)) return false;
    if (cp >= 0xFF5B && cp <= 0xFF65) return false;
    if (cp >= 0xFFE0 && cp <= 0xFFFF) return false;
    if (cp >= 0x1F000 && cp <= 0x1FAFF) return false; /* emoji and game symbols */
    return cp < 0xE0000;
}
