/*
 * Greek, Cyrillic, kana and Hangul in Latin letters, as names of those languages are written in an
 * English or Spanish text. Meant to be heard, not to be written back.
 * Tables per script; Hangul is computed from its syllables; a small tsu doubles what follows it.
 */
#include "text/front_priv.h"

#include "base/unicode.h"
#include "base/utf8.h"

#include <string.h>

/* clang-format off */
static const char *const cyrillic[] = { /* from U+0430 on */
    "a", "b", "v", "g", "d", "e", "zh", "z", "i", "y", "k", "l", "m", "n", "o", "p", "r", "s",
    "t", "u", "f", "kh", "ts", "ch", "sh", "shch", "", "y", "", "e", "yu", "ya", "e", "yo", "dj",
    "gj", "ye", "dz", "i", "yi", "y", "ly", "ny", "ch", "kj", "i", "u", "dzh",
};
static const char *const greek[] = { /* from U+03B1 on */
    "a", "v", "g", "d", "e", "z", "i", "th", "i", "k", "l", "m", "n", "x", "o", "p", "r", "s",
    "s", "t", "y", "f", "h", "ps", "o",
};
static const char *const kana[] = { /* from U+3041 on; katakana stands 0x60 higher */
    "a", "a", "i", "i", "u", "u", "e", "e", "o", "o", "ka", "ga", "ki", "gi", "ku", "gu", "ke",
    "ge", "ko", "go", "sa", "za", "shi", "ji", "su", "zu", "se", "ze", "so", "zo", "ta", "da",
    "chi", "ji", "", "tsu", "zu", "te", "de", "to", "do", "na", "ni", "nu", "ne", "no", "ha",
    "ba", "pa", "hi", "bi", "pi", "fu", "bu", "pu", "he", "be", "pe", "ho", "bo", "po", "ma",
    "mi", "mu", "me", "mo", "ya", "ya", "yu", "yu", "yo", "yo", "ra", "ri", "ru", "re", "ro",
    "wa", "wa", "i", "e", "o", "n", "vu", "", "",
};
static const char *const hangul_first[] = {
    "g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p",
    "h",
};
static const char *const hangul_vowel[] = {
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we",
    "wi", "yu", "eu", "ui", "i",
};
static const char *const hangul_last[] = {
    "", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l", "p", "l", "m", "p", "p",
    "t", "t", "ng", "t", "t", "k", "t", "p", "t",
};
/* clang-format on */

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* The letters for one small letter; NULL when there are none. */
static const char *letters(uint32_t cp, bool spanish)
{
    if (spanish && (cp == 0x445 || cp == 0x3C7)) return "j";
    if (cp >= 0x430 && cp < 0x430 + COUNT(cyrillic)) return cyrillic[cp - 0x430];
    if (cp >= 0x3B1 && cp < 0x3B1 + COUNT(greek)) return greek[cp - 0x3B1];
    switch (cp) { /* of Turkic languages and of Ukrainian */
    case 0x491:
    case 0x493:
        return "g";
    case 0x49B:
        return "q";
    case 0x4A3:
        return "ng";
    case 0x4AF:
    case 0x4B1:
        return "u";
    case 0x4BB:
        return "h";
    case 0x4D9:
        return "a";
    case 0x4E9:
        return "o";
    default:
        return NULL;
    }
}

static void hangul(uint32_t cp, tb_str *out)
{
    uint32_t k = cp - 0xAC00;
    tb_str_puts(out, hangul_first[k / 588]);
    tb_str_puts(out, hangul_vowel[k % 588 / 28]);
    tb_str_puts(out, hangul_last[k % 28]);
}

/* One sign of kana behind the word that begins at out->data + from. Small ya, yu, yo change the
 * sign in front ("kiya" is "kya"), a small tsu doubles the letter behind it. */
static void add_kana(uint32_t cp, size_t from, bool *twice, tb_str *out)
{
    if (cp >= 0x30A1 && cp <= 0x30F6) cp -= 0x60;
    if (cp == 0x3063) {
        *twice = true;
        return;
    }
    if (cp == 0x30FC && out->len > from) { /* a long vowel */
        tb_str_add(out, out->data + out->len - 1, 1);
        return;
    }
    if (cp < 0x3041 || cp >= 0x3041 + COUNT(kana)) return;
    const char *s = kana[cp - 0x3041];
    bool glide = cp == 0x3083 || cp == 0x3085 || cp == 0x3087;
    bool small =
        glide || cp == 0x3041 || cp == 0x3043 || cp == 0x3045 || cp == 0x3047 || cp == 0x3049;
    if (small && out->len > from + 1 && strchr("iueo", out->data[out->len - 1])) {
        bool hushed = out->len > from + 2 && (memcmp(out->data + out->len - 3, "sh", 2) == 0 ||
                                              memcmp(out->data + out->len - 3, "ch", 2) == 0);
        out->data[--out->len] = 0;
        if (glide && (hushed || out->data[out->len - 1] == 'j')) s++;
    }
    if (*twice && *s) tb_str_add(out, s, 1);
    *twice = false;
    tb_str_puts(out, s);
}

void tb_front_latin(const char *text, size_t len, const tb_front_opts *opts, tb_str *out)
{
    const bool spanish = tb_front_speaks(opts, "es");
    const size_t from = out->len;
    bool twice = false;
    for (size_t i = 0, n; i < len; i += n) {
        uint32_t cp = tb_utf8_next(text + i, len - i, &n);
        if (cp >= 0xAC00 && cp <= 0xD7A3) {
            hangul(cp, out);
            continue;
        }
        if (cp >= 0x3040 && cp <= 0x30FF) {
            add_kana(cp, from, &twice, out);
            continue;
        }
        uint32_t small = tb_utf8_fold(cp);
        const char *s = letters(small, spanish);
        if (!s) {
            small = tb_utf8_fold(tb_unicode_base(cp)); /* without its accents */
            s = letters(small, spanish);
        }
        if (!s || !*s) continue;
        /* "ou" is one vowel in Greek. */
        if (small == 0x3C5 && out->len > from && (out->data[out->len - 1] | 0x20) == 'o') s = "u";
        char first = *s;
        if (tb_unicode_is_upper(cp)) first = (char)(first - 32);
        tb_str_add(out, &first, 1);
        tb_str_puts(out, s + 1);
    }
}
