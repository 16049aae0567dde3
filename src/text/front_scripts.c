#include "text/front_priv.h"

#include "base/unicode.h"
#include "base/utf8.h"

#include <string.h>

/*
 * Words in a script that is not the language's. Nothing is left out without a word: Greek, Cyrillic
 * and kana are written in Latin letters (front_latin.c); what espeak-ng has a voice for stays for
 * it (the embedded engine sees to that); the rest goes and is named. So are symbols that have no
 * word in English or Spanish. A text that would have nothing left stays as it is, and is named all
 * the same.
 */

typedef enum {
    LATIN,
    GREEK,
    CYRILLIC,
    KANA,
    HANGUL,
    READABLE, /* a voice of espeak-ng reads it, whatever the language */
    OTHER,
} script;

static const struct {
    uint32_t first, last;
    script what;
    const char *own; /* of these languages */
} scripts[] = {
    {0x370, 0x3FF, GREEK, " el grc "},
    {0x400, 0x52F, CYRILLIC, " ru uk be bg mk sr bs hr kk ky tt cv ba mn uz tg tk az nog cu kaz "},
    {0x530, 0x58F, READABLE, " hy hyw "},
    {0x590, 0x5FF, READABLE, " he yi "},
    {0x600, 0x6FF, READABLE, " ar fa ur ug sd ps ku az "},
    {0x750, 0x77F, READABLE, " ar fa ur ug sd ps ku "},
    {0x900, 0x97F, READABLE, " hi mr ne kok bpy sa "},
    {0x980, 0x9FF, READABLE, " bn as bpy "},
    {0xA00, 0xA7F, READABLE, " pa "},
    {0xA80, 0xAFF, READABLE, " gu "},
    {0xB00, 0xB7F, READABLE, " or "},
    {0xB80, 0xBFF, READABLE, " ta "},
    {0xC00, 0xC7F, READABLE, " te "},
    {0xC80, 0xCFF, READABLE, " kn "},
    {0xD00, 0xD7F, READABLE, " ml "},
    {0xD80, 0xDFF, READABLE, " si "},
    {0xE00, 0xE7F, READABLE, " th "},
    {0xE80, 0xEFF, OTHER, " lo "},
    {0x1000, 0x109F, READABLE, " my shn "},
    {0x10A0, 0x10FF, READABLE, " ka "},
    {0x1100, 0x11FF, HANGUL, " ko "},
    {0x1200, 0x139F, READABLE, " am ti "},
    {0x13A0, 0x13FF, OTHER, " chr "},
    {0x1C80, 0x1C8F, CYRILLIC, " ru "},
    {0x1C90, 0x1CBF, READABLE, " ka "},
    {0x1E00, 0x1EFF, LATIN, ""},
    {0x1F00, 0x1FFF, GREEK, " el grc "},
    {0x2C00, 0x2C5F, OTHER, ""},
    {0x2C60, 0x2C7F, LATIN, ""},
    {0x2DE0, 0x2DFF, CYRILLIC, " ru "},
    {0x3040, 0x30FF, KANA, " ja "},
    {0x3100, 0x312F, OTHER, " cmn yue hak zh "},
    {0x3130, 0x318F, HANGUL, " ko "},
    {0x31F0, 0x31FF, KANA, " ja "},
    {0xA640, 0xA69F, CYRILLIC, " ru "},
    {0xA720, 0xA7FF, LATIN, ""},
    {0xAB70, 0xABBF, OTHER, " chr "},
    {0xAC00, 0xD7AF, HANGUL, " ko "},
    {0xFB00, 0xFB06, LATIN, ""},
    {0xFF21, 0xFF5A, LATIN, ""},
};

/* Han characters belong to three languages that espeak-ng reads. */
static const char han[] = " cmn yue hak zh ja ko ";

static bool listed(const char *list, const tb_front_opts *opts)
{
    char word[16] = " ";
    size_t n = opts->language ? strcspn(opts->language, "-") : 0;
    if (n == 0 || n > sizeof word - 3) return false;
    memcpy(word + 1, opts->language, n);
    word[n + 1] = ' ';
    word[n + 2] = 0;
    return strstr(list, word) != NULL;
}

/* What to do about a letter; LATIN: nothing, also when its script is the language's own. */
static script script_of(uint32_t cp, const tb_front_opts *opts)
{
    if (cp < 0x370) return LATIN;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        if (cp >= scripts[i].first && cp <= scripts[i].last)
            return listed(scripts[i].own, opts) ? LATIN : scripts[i].what;
    if ((cp >= 0x3400 && cp <= 0x9FFF) || (cp >= 0xF900 && cp <= 0xFAFF) || cp >= 0x20000)
        return listed(han, opts) ? LATIN : READABLE;
    return OTHER;
}

/* Marks and joiners stay with their letter. */
static bool goes_on(uint32_t cp)
{
    return tb_unicode_is_mark(cp) || cp == 0x200C || cp == 0x200D;
}

/* Bytes of the run of letters of one script at s. */
static size_t run_len(const char *s, size_t len, script what, const tb_front_opts *opts)
{
    size_t i = 0, n;
    while (i < len) {
        uint32_t cp = tb_utf8_next(s + i, len - i, &n);
        bool letter = tb_unicode_is_letter(cp) && script_of(cp, opts) == what;
        if (!letter && !goes_on(cp) && !(what == KANA && cp == 0x30FC)) break;
        i += n;
    }
    return i;
}

/* Names what is not spoken: each once, as many as have room. */
static void name(tb_str *names, const char *s, size_t len)
{
    enum { LONGEST = 96 };
    if (len > LONGEST) {
        len = LONGEST;
        while (len > 0 && ((unsigned char)s[len] & 0xC0) == 0x80)
            len--;
    }
    for (size_t i = 0; i + len <= names->len; i++)
        if (memcmp(names->data + i, s, len) == 0 &&
            (i + len == names->len || names->data[i + len] == ',') &&
            (i == 0 || names->data[i - 1] == ' '))
            return;
    if (names->len + len + 2 > names->max) return;
    if (names->len) tb_str_add(names, ", ", 2);
    tb_str_add(names, s, len);
}

static bool is_mute_symbol(uint32_t cp, const tb_front_opts *opts)
{
    return cp >= 0x80 && (tb_unicode_is_symbol(cp) || cp == 0xFFFD) &&
           (tb_front_speaks(opts, "en") || tb_front_speaks(opts, "es"));
}

/* The bracket at s, when it is a tag; else 0. */
static size_t tag_len(const char *s, size_t len, const tb_front_opts *opts)
{
    enum { LONGEST = 256 };
    const char *end = memchr(s, ']', len < LONGEST ? len : LONGEST);
    if (!end || !tb_front_is_tag(opts, s + 1, (size_t)(end - s) - 1)) return 0;
    return (size_t)(end - s) + 1;
}

/* Adds what becomes of the text; false when no letter or digit of it is left outside tags. */
static bool walk(const char *text, size_t len, const tb_front_opts *opts, tb_str *names,
                 tb_str *out)
{
    bool words = false;
    for (size_t i = 0, n; i < len && !out->full; i += n) {
        uint32_t cp = tb_utf8_next(text + i, len - i, &n);
        size_t tag = cp == '[' ? tag_len(text + i, len - i, opts) : 0;
        script what = cp >= 0x370 && tb_unicode_is_letter(cp) ? script_of(cp, opts) : LATIN;
        if (tag) {
            n = tag;
            tb_str_add(out, text + i, n);
            continue;
        }
        if (is_mute_symbol(cp, opts)) {
            name(names, text + i, n);
            tb_front_put(out, ' ');
            continue;
        }
        if (what == LATIN) {
            words |= tb_utf8_is_word(cp);
            tb_str_add(out, text + i, n);
            continue;
        }
        n = run_len(text + i, len - i, what, opts);
        bool latin = what == GREEK || what == CYRILLIC || what == KANA ||
                     (what == HANGUL && opts->letters_only);
        if (latin) {
            tb_front_latin(text + i, n, opts, out);
            words = true;
        } else if ((what == READABLE || what == HANGUL) && !opts->letters_only) {
            tb_str_add(out, text + i, n);
            words = true;
        } else {
            name(names, text + i, n);
            tb_front_put(out, ' ');
        }
    }
    return words;
}

void tb_front_scripts(const char *text, size_t len, const tb_front_opts *opts, tb_str *names,
                      tb_str *out)
{
    size_t before = out->len;
    if (walk(text, len, opts, names, out) || names->len == 0 || out->full) return;
    if (out->data) out->data[out->len = before] = 0;
    tb_str_add(out, text, len);
}
