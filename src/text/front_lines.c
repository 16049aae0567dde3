#include "text/front_priv.h"

#include "base/mem.h"
#include "base/unicode.h"
#include "base/utf8.h"

#include <string.h>

/*
 * Markdown line by line. Each line is put into a class, the signs of its class go, and between two
 * lines comes what a reader would make of it: nothing but a blank where a paragraph was wrapped by
 * hand, a line end where something ends (a heading, an item, a row), an empty line between
 * paragraphs. The words of a line are the next step's business (front_inline.c).
 */

typedef enum { PROSE, ITEM, HEADING, ROW, CODE, EMPTY, GONE } line_class;

typedef struct {
    const char *s;
    size_t len;
    size_t chars; /* of the line as written, blanks at its end not counted */
    line_class what;
    bool quoted, breaks; /* Markdown's break: two blanks or a backslash at the end */
} line;

bool tb_front_is_fence(const char *s, size_t len)
{
    size_t i = 0, n = 0;
    while (i < len && i < 3 && s[i] == ' ')
        i++;
    if (i >= len || (s[i] != '`' && s[i] != '~')) return false;
    const char mark = s[i];
    for (; i < len && s[i] == mark; i++)
        n++;
    for (; n >= 3 && i < len && s[i] != '\n'; i++)
        if (s[i] == mark) return false;
    return n >= 3;
}

static void strip(line *l)
{
    while (l->len > 0 && (l->s[0] == ' ' || l->s[0] == '\t'))
        l->s++, l->len--;
    while (l->len > 0 && (l->s[l->len - 1] == ' ' || l->s[l->len - 1] == '\t'))
        l->len--;
}

static void take(line *l, size_t n)
{
    l->s += n;
    l->len -= n;
    strip(l);
}

/* How many of the characters in `of` the line has, where it has no others; else 0. */
static size_t only(const line *l, const char *of)
{
    size_t n = 0;
    for (size_t i = 0; i < l->len; i++) {
        if (l->s[i] == ' ' || l->s[i] == '\t') continue;
        if (!strchr(of, l->s[i])) return 0;
        n++;
    }
    return n;
}

static bool is_rule(const line *l)
{
    static const char *const marks[] = {"-", "*", "_", "=", "~", "#", "+-=|"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (only(l, marks[i]) >= 3) return true;
    return false;
}

/* "|---|:--:|" below the head of a table. */
static bool is_separator(const line *l)
{
    return only(l, "|:-+") >= 3 && memchr(l->s, '-', l->len) &&
           (memchr(l->s, '|', l->len) || memchr(l->s, '+', l->len));
}

/* "00:01:23,456 --> 00:01:25,000": when a subtitle is shown. */
static bool is_cue(const line *l)
{
    size_t i = 0, colons = 0, points = 0;
    for (; i < l->len && l->s[i] && strchr("0123456789:., ", l->s[i]); i++) {
        colons += l->s[i] == ':';
        points +=
            (l->s[i] == '.' || l->s[i] == ',') && i + 3 < l->len && tb_front_digit(l->s[i + 3]);
    }
    return colons > 0 && points == 1 && i + 3 < l->len && memcmp(l->s + i, "-->", 3) == 0;
}

/* "> " in front of a quoted line, any number of them. "> 5" alone is a comparison. */
static void unquote(line *l, bool quoted_before)
{
    while (l->len > 0 && l->s[0] == '>') {
        size_t i = 1;
        while (i < l->len && l->s[i] == ' ')
            i++;
        bool comparison = i < l->len && tb_front_digit(l->s[i]);
        if (comparison && !quoted_before && !l->quoted) return;
        l->quoted = true;
        take(l, 1);
    }
}

static bool heading(line *l)
{
    size_t n = 0;
    while (n < l->len && l->s[n] == '#')
        n++;
    if (n == 0 || n > 6 || (n < l->len && l->s[n] != ' ' && l->s[n] != '\t')) return false;
    take(l, n);
    size_t end = l->len;
    while (end > 0 && l->s[end - 1] == '#')
        end--;
    if (end < l->len && (end == 0 || l->s[end - 1] == ' ')) l->len = end;
    strip(l);
    l->what = l->len ? HEADING : EMPTY;
    return true;
}

/* The bytes of a bullet and the blank behind it; 0 without. */
static size_t bullet(const line *l)
{
    static const char *const marks[] = {"-", "*", "+", "•", "‣", "⁃", "∙", "·", "–", "—", "→"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        size_t n = strlen(marks[i]);
        if (l->len > n && memcmp(l->s, marks[i], n) == 0 && (l->s[n] == ' ' || l->s[n] == '\t'))
            return l->len >= 5 && memcmp(l->s, "+ de ", 5) == 0 ? 0 : n + 1; /* + de 100 */
    }
    return l->len > 3 && memcmp(l->s, "•", 3) == 0 ? 3 : 0;
}

/* "12. " or "12) ": the bytes up to the mark; 0 without. The number is read. */
static size_t numbered(const line *l)
{
    size_t n = 0;
    while (n < l->len && n < 4 && tb_front_digit(l->s[n]))
        n++;
    bool marked = n > 0 && n < 4 && n + 1 < l->len && (l->s[n] == '.' || l->s[n] == ')');
    return marked && (l->s[n + 1] == ' ' || l->s[n + 1] == '\t') ? n : 0;
}

static bool item(line *l)
{
    size_t n = bullet(l);
    if (n == 0 && numbered(l) == 0) return false;
    if (n) take(l, n);
    if (n && l->len > 4 && l->s[0] == '[' && strchr(" xX", l->s[1]) && l->s[2] == ']' &&
        l->s[3] == ' ')
        take(l, 4); /* a box to tick */
    l->what = l->len ? ITEM : GONE;
    return true;
}

/* "[1]: https://example.org" says where a link leads; of "[^1]: Text" the text is said. */
static bool definition(line *l)
{
    size_t i = 1;
    if (l->len < 5 || l->s[0] != '[') return false;
    while (i < l->len && l->s[i] != ']' && l->s[i] != '[')
        i++;
    if (i + 2 >= l->len || l->s[i] != ']' || l->s[i + 1] != ':') return false;
    line rest = *l;
    take(&rest, i + 2);
    if (l->s[1] == '^') {
        *l = rest;
        l->what = l->len ? ITEM : GONE;
        return true;
    }
    bool leads = rest.len && (*rest.s == '<' || *rest.s == '/' || *rest.s == '#' ||
                              (rest.len > 4 && memcmp(rest.s, "www.", 4) == 0));
    for (size_t k = 0; k + 3 <= rest.len && !leads; k++)
        leads = memcmp(rest.s + k, "://", 3) == 0;
    if (leads) l->what = GONE;
    return leads;
}

static bool has_pipes(const line *l)
{
    return l->len > 2 && l->s[0] == '|' && memchr(l->s + 1, '|', l->len - 1);
}

static bool is_end(uint32_t cp)
{
    return cp == '.' || cp == '!' || cp == '?' || cp == 0x2026 || cp == 0x3002 || cp == 0xFF01 ||
           cp == 0xFF1F || cp == 0x964;
}

static uint32_t first_char(const line *l)
{
    size_t n;
    return l->len ? tb_utf8_next(l->s, l->len, &n) : 0;
}

/* The last character that is no closing quote or bracket. */
static uint32_t last_char(const line *l)
{
    size_t end = l->len, n;
    while (end > 0 && strchr("\"')]*_", l->s[end - 1]))
        end--;
    if (end == 0) return 0;
    size_t start = end - 1;
    while (start > 0 && ((unsigned char)l->s[start] & 0xC0) == 0x80)
        start--;
    return tb_utf8_next(l->s + start, end - start, &n);
}

static bool wide_script(uint32_t cp)
{
    return (cp >= 0x2E80 && cp <= 0x9FFF) || (cp >= 0xAC00 && cp <= 0xD7AF) ||
           (cp >= 0xFF00 && cp <= 0xFFEF);
}

/* What a block of lines without an empty one between them looks like. */
typedef struct {
    size_t width; /* of its longest line of prose */
    bool prose;   /* it ends in a full stop, or goes on in small letters somewhere */
} block;

static block look_at(const line *lines, size_t n, size_t from)
{
    block b = {0};
    size_t last = from;
    for (size_t i = from; i < n && lines[i].what != EMPTY; i++) {
        if (lines[i].what != PROSE && lines[i].what != ITEM) continue;
        if (lines[i].chars > b.width) b.width = lines[i].chars;
        if (i > from && lines[i].what == PROSE && tb_unicode_is_lower(first_char(&lines[i])))
            b.prose = true;
        last = i;
    }
    b.prose |= is_end(last_char(&lines[last]));
    return b;
}

/* Was the line end between a and b set by who wrapped the text at some width, and not meant? Then
 * the first word of b had no room in a. */
static bool wrapped(const line *a, const line *b, const block *in)
{
    enum { NARROWEST = 24, NARROWEST_WIDE = 12 };
    size_t word = 0;
    if (b->what != PROSE || (a->what != PROSE && a->what != ITEM) || a->breaks) return false;
    uint32_t first = first_char(b), last = last_char(a);
    if (wide_script(first) || wide_script(last))
        return a->chars >= NARROWEST_WIDE && a->chars + 2 >= in->width && in->prose;
    for (size_t i = 0; i < b->len && b->s[i] != ' '; i++)
        word += ((unsigned char)b->s[i] & 0xC0) != 0x80;
    bool small = tb_unicode_is_lower(first);
    if (a->chars < NARROWEST) return false;
    if (last == ':' && !small) return false;
    if (a->chars + 1 + word > in->width) return small || in->prose;
    return small && a->chars * 10 >= in->width * 6;
}

/* "har-" and "bour": one word, unless its first part is one that hyphens are usual behind. */
static bool hyphenated(const line *a, const line *b)
{
    static const char *const parts[] = {"well", "self", "half", "all",   "ex",    "high", "low",
                                        "long", "non",  "two",  "three", "short", "anti", "post"};
    size_t n = 0;
    if (a->len < 3 || a->s[a->len - 1] != '-' || !tb_unicode_is_lower(first_char(b))) return false;
    while (n + 1 < a->len && tb_front_letter(a->s[a->len - 2 - n]))
        n++;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strlen(parts[i]) == n && memcmp(a->s + a->len - 1 - n, parts[i], n) == 0) return false;
    return n > 0 || ((unsigned char)a->s[a->len - 2] & 0x80);
}

static line_class classify(line *l, bool *in_table, line *before)
{
    if (l->len == 0) return EMPTY;
    if (is_cue(l)) {
        if (before && only(before, "0123456789")) before->what = GONE; /* its number */
        return GONE;
    }
    if (is_separator(l)) {
        if (before && before->what == PROSE) before->what = ROW;
        *in_table = true;
        return GONE;
    }
    if (before && before->what == PROSE && (only(l, "=") >= 2 || only(l, "-") >= 2)) {
        before->what = HEADING;
        return GONE;
    }
    if (is_rule(l)) return EMPTY;
    if (has_pipes(l) || (*in_table && memchr(l->s, '|', l->len))) return ROW;
    if (heading(l) || item(l) || definition(l)) return l->what;
    return PROSE;
}

static void add_row(const line *l, tb_str *out)
{
    const char *s = l->s, *end = l->s + l->len;
    bool first = true;
    while (s < end) {
        const char *bar = memchr(s, '|', (size_t)(end - s));
        while (bar && bar > s && bar[-1] == '\\')
            bar = memchr(bar + 1, '|', (size_t)(end - bar - 1));
        line cell = {.s = s, .len = (size_t)((bar ? bar : end) - s)};
        strip(&cell);
        if (cell.len) {
            if (!first) tb_str_puts(out, ", ");
            tb_str_add(out, cell.s, cell.len);
            first = false;
        }
        s = bar ? bar + 1 : end;
    }
}

static void add_line(const line *l, tb_str *out)
{
    size_t n = l->what == ITEM ? numbered(l) : 0;
    if (l->what == ROW) {
        add_row(l, out);
    } else if (l->what == CODE) { /* its brackets are no tags, "$ " in front is a shell's */
        for (size_t i = l->len > 2 && memcmp(l->s, "$ ", 2) == 0 ? 2 : 0; i < l->len; i++)
            tb_str_add(out, l->s[i] == '[' || l->s[i] == ']' ? " " : l->s + i, 1);
    } else if (n) { /* "1)" is said as "1." */
        tb_str_add(out, l->s, n);
        tb_str_add(out, ".", 1);
        tb_str_add(out, l->s + n + 1, l->len - n - 1);
    } else {
        tb_str_add(out, l->s, l->len);
    }
}

/* A line that ends without a mark is a sentence all the same, for an engine that sees no lines. */
static void stop(tb_str *out)
{
    size_t start = out->len, n;
    while (start > 0 && ((unsigned char)out->data[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0) return;
    uint32_t last = tb_utf8_next(out->data + start - 1, out->len - start + 1, &n);
    if (last < 0x590 && tb_utf8_is_word(last)) tb_str_add(out, ".", 1);
}

static void between(const line *a, const line *b, bool empty, const block *in, tb_str *out)
{
    if (empty) {
        tb_str_puts(out, "\n\n");
    } else if (wrapped(a, b, in)) {
        const bool hyphen = a->s[a->len - 1] == '-' && a->len > 1 && a->s[a->len - 2] != ' ';
        if (hyphenated(a, b))
            out->data[--out->len] = 0;
        else if (!hyphen && (!wide_script(last_char(a)) || !wide_script(first_char(b))))
            tb_str_add(out, " ", 1);
    } else {
        stop(out);
        tb_str_add(out, "\n", 1);
    }
}

static size_t read_lines(const char *text, size_t len, line *lines)
{
    size_t n = 0;
    bool fenced = false, in_table = false;
    for (size_t i = 0; i < len; n++) {
        const char *end = memchr(text + i, '\n', len - i);
        size_t size = end ? (size_t)(end - text) - i : len - i;
        line *l = &lines[n], *before = n ? &lines[n - 1] : NULL;
        *l = (line){.s = text + i, .len = size};
        bool fence = tb_front_is_fence(l->s, len - i);
        l->breaks = size > 2 && (memcmp(l->s + size - 2, "  ", 2) == 0 || l->s[size - 1] == '\\');
        strip(l);
        if (!fenced && l->len && l->s[l->len - 1] == '\\') l->len--;
        l->chars = tb_utf8_count(l->s, l->len);
        if (fence || fenced) {
            l->what = fence ? GONE : l->len ? CODE : EMPTY;
            fenced ^= fence;
        } else {
            unquote(l, before && before->quoted);
            l->what = classify(l, &in_table, before);
            if (l->what == EMPTY) in_table = false;
        }
        i += size + 1;
    }
    return n;
}

void tb_front_lines(const char *text, size_t len, tb_str *out)
{
    size_t count = 1;
    for (size_t i = 0; i < len; i++)
        count += text[i] == '\n';
    line *lines = tb_try_alloc(count, sizeof *lines);
    if (!lines) {
        out->full = true;
        return;
    }
    const size_t n = read_lines(text, len, lines);
    const line *before = NULL;
    bool empty = false, fresh = true;
    block b = {0};
    for (size_t i = 0; i < n && !out->full; i++) {
        if (lines[i].what == EMPTY) empty = fresh = true;
        if (lines[i].what == EMPTY || lines[i].what == GONE) continue;
        if (fresh) b = look_at(lines, n, i);
        fresh = false;
        if (before) between(before, &lines[i], empty, &b, out);
        add_line(&lines[i], out);
        before = &lines[i];
        empty = false;
    }
    tb_free(lines);
}
