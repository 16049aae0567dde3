/*
 * Where sentences end, and where a long sentence is cut into pieces.
 *
 * A full stop ends a sentence unless it belongs to an abbreviation, an initial, an ordinal or a
 * number of the language; wide punctuation ends one without a blank. A piece is cut at a comma,
 * else at a blank, nearest to an even share of the length. Returns the silence that follows.
 * Linear.
 */
#include "text/script_priv.h"

#include "base/unicode.h"
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

/* Does a word begin at words[at]? */
static bool bare(const char *words, size_t from, size_t at)
{
    return at == from || (words[at - 1] && strchr(" \n.(\"'{", words[at - 1]) &&
                          !(words[at - 1] == '\'' && at - 1 > from && letter(words[at - 2])));
}

static bool word_byte(char c)
{
    return letter(c) || ((unsigned char)c & 0x80);
}

/* "am 3. Mai": languages that write ordinals with a full stop. */
static bool is_ordinal(const char *words, size_t from, size_t dot, uint32_t next,
                       const char *language)
{
    size_t start = dot;
    while (start > from && dot - start < 3 && words[start - 1] >= '0' && words[start - 1] <= '9')
        start--;
    return dot - start >= 1 && dot - start <= 2 && start > from && words[start - 1] == ' ' &&
           tb_unicode_is_letter(next) && tb_abbreviation_ordinals(language);
}

/* Is the full stop at words[dot] an abbreviation's? next: the first character behind the blanks. */
static bool abbreviated(const char *words, size_t from, size_t dot, uint32_t next,
                        const char *language)
{
    size_t start = dot, n;
    while (start > from && dot - start <= TB_ABBREVIATION_BYTES && word_byte(words[start - 1]))
        start--;
    size_t len = dot - start;
    if (len == 0) return is_ordinal(words, from, dot, next, language);
    /* "don't.", "3D.", "decor.": the letters are the end of something longer. */
    if (len > TB_ABBREVIATION_BYTES || !bare(words, from, start)) return false;
    uint32_t first = tb_utf8_next(words + start, len, &n);
    if (n == len) return n <= 2 && tb_unicode_is_letter(first); /* an initial */
    return tb_abbreviation(words + start, len, next, language);
}

/* The silence after a sentence that ends at `at`: longer when an empty line follows. */
static double gap_behind(const char *words, size_t len, size_t at)
{
    int lines = 0;
    for (; at < len && (words[at] == ' ' || words[at] == '\n'); at++)
        lines += words[at] == '\n';
    return lines >= 2 ? GAP_PARAGRAPH : GAP_SENTENCE;
}

void tb_sentence_next(const char *words, size_t len, size_t from, const char *language, size_t *end,
                      double *gap)
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
            size_t size;
            uint32_t next = k < len ? tb_utf8_next(words + k, len - k, &size) : '\n';
            if (abbreviated(words, from, first, next, language)) {
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

/* Code points of s[0..len), looked at up to `most` of them. */
static size_t count_up_to(const char *s, size_t len, size_t most)
{
    size_t count = 0, n;
    for (size_t i = 0; i < len && count < most; i += n, count++)
        (void)tb_utf8_next(s + i, len - i, &n);
    return count;
}

static size_t nearer(size_t count, size_t target, size_t *distance)
{
    size_t d = count > target ? count - target : target - count;
    if (d > *distance) return 0;
    *distance = d;
    return 1;
}

size_t tb_piece_next(const char *s, size_t len, double *gap)
{
    size_t comma = 0, space = 0, whole = 0, i = 0, n;
    size_t comma_off = SIZE_MAX, space_off = SIZE_MAX;
    const size_t total = count_up_to(s, len, 2 * TB_PIECE_MAX);
    /* What is a little too long for one piece is two halves, not one piece and a last word. */
    const size_t target = total < 2 * TB_PIECE_MAX ? total / 2 : TB_PIECE_MAX;
    *gap = 0;
    if (total <= TB_PIECE_MAX) return len;
    for (size_t count = 0; i < len; count++, i += n) {
        uint32_t cp = tb_utf8_next(s + i, len - i, &n);
        if (count == TB_PIECE_MAX) break;
        if (!joined(cp)) whole = i;
        if ((cp == ' ' || cp == '\n') && nearer(count, target, &space_off)) space = i + n;
        bool narrow = cp == ',' || cp == ';' || cp == ':';
        /* "1,000" and "10:30" are not cut: a blank follows where a clause ends. */
        bool clause =
            wide_comma(cp) || (narrow && i + 1 < len && (s[i + 1] == ' ' || s[i + 1] == '\n'));
        if (clause && nearer(count, target, &comma_off)) comma = i + n;
    }
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
