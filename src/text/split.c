#include "text/script_priv.h"

#include "base/utf8.h"

#include <string.h>

#define GAP_SENTENCE  0.25
#define GAP_PARAGRAPH 0.5
#define GAP_COMMA     0.12

static bool wide_ender(uint32_t cp) /* no space follows it in its script */
{
    return cp == 0x3002 || cp == 0xFF01 || cp == 0xFF1F || cp == 0xFF61;
}

static bool ender(uint32_t cp)
{
    return cp == '.' || cp == '!' || cp == '?' || cp == 0x2026 || cp == 0x964 || cp == 0x61F ||
           wide_ender(cp);
}

/* Quotes and brackets that still belong to the sentence that they close. */
static bool closer(uint32_t cp)
{
    return cp == '"' || cp == '\'' || cp == ')' || cp == '}' || cp == 0xBB || cp == 0x300D ||
           cp == 0x300F || cp == 0xFF09 || cp == 0x203A || cp == 0x300B;
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/*
 * Words that end in a full stop without ending a sentence: always; before a digit only ("No. 5",
 * but "No. Never."); before a lower-case letter only ("etc. and so on").
 */
typedef enum { ALWAYS, DIGIT, LOWER } abbreviation_kind;
static const struct {
    const char *word;
    abbreviation_kind kind;
} abbreviations[] = {
    {"mr", ALWAYS},   {"mrs", ALWAYS}, {"ms", ALWAYS},   {"dr", ALWAYS},  {"st", ALWAYS},
    {"prof", ALWAYS}, {"gen", ALWAYS}, {"capt", ALWAYS}, {"sgt", ALWAYS}, {"col", ALWAYS},
    {"lt", ALWAYS},   {"rev", ALWAYS}, {"hon", ALWAYS},  {"mt", ALWAYS},  {"vs", ALWAYS},
    {"sr", ALWAYS},   {"sra", ALWAYS}, {"srta", ALWAYS}, {"dra", ALWAYS}, {"ud", ALWAYS},
    {"uds", ALWAYS},  {"vd", ALWAYS},  {"lic", ALWAYS},  {"mme", ALWAYS}, {"mlle", ALWAYS},
    {"hr", ALWAYS},   {"fr", ALWAYS},  {"sig", ALWAYS},  {"bzw", ALWAYS}, {"jr", LOWER},
    {"etc", LOWER},   {"inc", LOWER},  {"ltd", LOWER},   {"co", LOWER},   {"approx", ALWAYS},
    {"fig", DIGIT},   {"no", DIGIT},   {"nr", DIGIT},    {"pp", DIGIT},   {"vol", DIGIT},
    {"art", DIGIT},   {"jan", DIGIT},  {"feb", DIGIT},   {"mar", DIGIT},  {"apr", DIGIT},
    {"jun", DIGIT},   {"jul", DIGIT},  {"aug", DIGIT},   {"sep", DIGIT},  {"sept", DIGIT},
    {"oct", DIGIT},   {"nov", DIGIT},  {"dec", DIGIT},
};

/* Does a word begin at words[at]? */
static bool bare(const char *words, size_t from, size_t at)
{
    return at == from || (words[at - 1] && strchr(" \n.(\"'{", words[at - 1]) &&
                          !(words[at - 1] == '\'' && at - 1 > from && letter(words[at - 2])));
}

/* Is the full stop at words[dot] an abbreviation's? next: the first byte behind the blanks. */
static bool abbreviated(const char *words, size_t from, size_t dot, char next)
{
    enum { LONGEST = 8 };
    char word[LONGEST + 1];
    size_t start = dot, n;
    while (start > from && dot - start < LONGEST && letter(words[start - 1]))
        start--;
    size_t len = dot - start;
    if (len == 0) { /* a single letter of another alphabet: two bytes */
        if (dot < from + 2 || !(words[dot - 1] & 0x80)) return false;
        uint32_t cp = tb_utf8_next(words + dot - 2, 2, &n);
        return cp != TB_UTF8_BAD && n == 2 && tb_utf8_is_word(cp) && bare(words, from, dot - 2);
    }
    /* "don't.", "3D.", "decor.": the letters are the end of something longer. */
    if (!bare(words, from, start)) return false;
    if (len == 1) return true;
    memcpy(word, words + start, len);
    word[len] = 0;
    tb_str_lower(word);
    for (size_t i = 0; i < sizeof abbreviations / sizeof *abbreviations; i++) {
        if (strcmp(word, abbreviations[i].word) != 0) continue;
        switch (abbreviations[i].kind) {
        case ALWAYS:
            return true;
        case DIGIT:
            return next >= '0' && next <= '9';
        case LOWER:
            return next >= 'a' && next <= 'z';
        }
    }
    return false;
}

/* The silence after a sentence that ends at `at`: longer when an empty line follows. */
static double gap_behind(const char *words, size_t len, size_t at)
{
    int lines = 0;
    for (; at < len && (words[at] == ' ' || words[at] == '\n'); at++)
        lines += words[at] == '\n';
    return lines >= 2 ? GAP_PARAGRAPH : GAP_SENTENCE;
}

void tb_sentence_next(const char *words, size_t len, size_t from, size_t *end, double *gap)
{
    size_t i = from, n;
    /* Blank lines in front are part of this one, so that no line end makes a sentence of nothing.
     */
    while (i < len && (words[i] == ' ' || words[i] == '\n'))
        i++;
    while (i < len && words[i] != '\n') {
        size_t first = i;
        uint32_t cp = tb_utf8_next(words + i, len - i, &n);
        i += n;
        if (!ender(cp)) continue;
        bool wide = wide_ender(cp), one_stop = cp == '.';
        while (i < len) {
            cp = tb_utf8_next(words + i, len - i, &n);
            if (ender(cp)) {
                wide |= wide_ender(cp);
                one_stop = false;
            } else if (!closer(cp)) {
                break;
            }
            i += n;
        }
        if (i < len && words[i] != ' ' && words[i] != '\n' && !wide) continue;
        if (one_stop && i == first + 1 && i < len && words[i] == ' ') {
            size_t k = i;
            while (k < len && words[k] == ' ')
                k++;
            if (abbreviated(words, from, first, k < len ? words[k] : '\n')) {
                i = k; /* or a long row of blanks would be walked again and again */
                continue;
            }
        }
        break;
    }
    *end = i;
    *gap = gap_behind(words, len, i);
}

static bool wide_comma(uint32_t cp)
{
    return cp == 0x3001 || cp == 0xFF0C || cp == 0xFF1B || cp == 0xFF1A || cp == 0x60C;
}

/* Belongs to the character in front: never the first of a piece. */
static bool joined(uint32_t cp)
{
    return (cp >= 0x300 && cp <= 0x36F) || (cp >= 0x64B && cp <= 0x65F) ||
           (cp >= 0x93A && cp <= 0x94F) || (cp >= 0xE31 && cp <= 0xE4E) || cp == 0x200C ||
           cp == 0x200D || (cp >= 0xFE00 && cp <= 0xFE0F);
}

size_t tb_piece_next(const char *s, size_t len, double *gap)
{
    size_t comma = 0, space = 0, whole = 0, i = 0, n;
    for (int count = 0; i < len; count++, i += n) {
        uint32_t cp = tb_utf8_next(s + i, len - i, &n);
        if (count == TB_PIECE_MAX) break;
        if (!joined(cp)) whole = i;
        if (cp == ' ' || cp == '\n') space = i + n;
        bool narrow = cp == ',' || cp == ';' || cp == ':';
        /* "1,000" and "10:30" are not cut: a blank follows where a clause ends. */
        if (wide_comma(cp) || (narrow && i + 1 < len && (s[i + 1] == ' ' || s[i + 1] == '\n')))
            comma = i + n;
    }
    *gap = 0;
    if (i >= len) return len;
    if (comma) {
        *gap = GAP_COMMA;
        return comma;
    }
    if (space) return space;
    /* Neither: a script without blanks, or a hostile one. Where the 301st character is a mark on
     * the 300th, that one goes over too. */
    uint32_t next = tb_utf8_next(s + i, len - i, &n);
    return joined(next) && whole > 0 ? whole : i;
}
