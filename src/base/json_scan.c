#include "base/json_scan.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * The scan is a loop with one bit per open bracket instead of a recursion, so depth costs nothing.
 * What walks afterwards may trust the grammar and only has to find the ends of values again.
 */
enum { DEPTH_MOST = 64 };

typedef struct {
    const char *text;
    size_t len, at;
} cursor;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char look(const cursor *c)
{
    return c->at < c->len ? c->text[c->at] : 0; /* a NUL in the text fits nowhere either */
}

static void skip_blanks(cursor *c)
{
    while (c->at < c->len && (c->text[c->at] == ' ' || c->text[c->at] == '\n' ||
                              c->text[c->at] == '\r' || c->text[c->at] == '\t'))
        c->at++;
}

static bool skip_digits(cursor *c)
{
    size_t first = c->at;
    while (is_digit(look(c)))
        c->at++;
    return c->at > first;
}

static bool scan_number(cursor *c)
{
    if (look(c) == '-') c->at++;
    if (look(c) == '0')
        c->at++;
    else if (!skip_digits(c))
        return false;
    if (look(c) == '.') {
        c->at++;
        if (!skip_digits(c)) return false;
    }
    if (look(c) == 'e' || look(c) == 'E') {
        c->at++;
        if (look(c) == '+' || look(c) == '-') c->at++;
        if (!skip_digits(c)) return false;
    }
    return true;
}

static bool scan_word(cursor *c, const char *word)
{
    size_t n = strlen(word);
    if (c->len - c->at < n || memcmp(c->text + c->at, word, n) != 0) return false;
    c->at += n;
    return true;
}

/* The four digits behind \u, at s. -1 when they are none. */
static int hex4(const char *s, size_t len)
{
    int x = 0;
    if (len < 4) return -1;
    for (int i = 0; i < 4; i++) {
        char c = s[i];
        int digit = is_digit(c)              ? c - '0'
                    : (c >= 'a' && c <= 'f') ? c - 'a' + 10
                    : (c >= 'A' && c <= 'F') ? c - 'A' + 10
                                             : -1;
        if (digit < 0) return -1;
        x = x * 16 + digit;
    }
    return x;
}

/* An escape at s (the backslash): its code point, its length through *size; TB_UTF8_BAD: none. */
static uint32_t read_escape(const char *s, size_t len, size_t *size)
{
    static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    *size = 2;
    if (len < 2) return TB_UTF8_BAD;
    if (s[1] != 'u') {
        const char *found = s[1] ? strchr(names, s[1]) : NULL;
        return found ? (uint32_t)(unsigned char)means[found - names] : TB_UTF8_BAD;
    }
    int high = hex4(s + 2, len - 2);
    *size = 6;
    if (high < 0 || (high >= 0xDC00 && high < 0xE000)) return TB_UTF8_BAD;
    if (high < 0xD800 || high >= 0xE000) return (uint32_t)high;
    if (len < 12 || s[6] != '\\' || s[7] != 'u') return TB_UTF8_BAD;
    int low = hex4(s + 8, len - 8);
    *size = 12;
    if (low < 0xDC00 || low >= 0xE000) return TB_UTF8_BAD;
    return 0x10000u + (((uint32_t)high - 0xD800u) << 10) + ((uint32_t)low - 0xDC00u);
}

static bool scan_string(cursor *c)
{
    if (look(c) != '"') return false;
    c->at++;
    while (c->at < c->len) {
        unsigned char b = (unsigned char)c->text[c->at];
        size_t n = 1;
        if (b == '"') {
            c->at++;
            return true;
        }
        if (b < 0x20) return false;
        if (b == '\\') {
            if (read_escape(c->text + c->at, c->len - c->at, &n) == TB_UTF8_BAD) return false;
        } else if (b >= 0x80) {
            if (tb_utf8_next(c->text + c->at, c->len - c->at, &n) == TB_UTF8_BAD) return false;
        }
        c->at += n;
    }
    return false;
}

static bool scan_scalar(cursor *c)
{
    switch (look(c)) {
    case '"':
        return scan_string(c);
    case 't':
        return scan_word(c, "true");
    case 'f':
        return scan_word(c, "false");
    case 'n':
        return scan_word(c, "null");
    default:
        return scan_number(c);
    }
}

static tb_status wrong_here(const cursor *c, tb_err *err)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < c->at && i < c->len; i++) {
        column = c->text[i] == '\n' ? 1 : column + 1;
        line += c->text[i] == '\n';
    }
    return tb_fail(err, TB_EMALFORMED, "the JSON cannot be read: %s (line %zu, column %zu)",
                   c->at >= c->len ? "it ends too early" : "something is wrong here", line, column);
}

/* "key": up to the value; false where that is not what stands here. */
static bool scan_key(cursor *c)
{
    skip_blanks(c);
    if (!scan_string(c)) return false;
    skip_blanks(c);
    if (look(c) != ':') return false;
    c->at++;
    return true;
}

tb_status tb_json_scan(const char *text, size_t len, const tb_json_bounds *bounds, tb_err *err)
{
    cursor c = {text, len, 0};
    uint64_t objects = 0; /* bit k: the bracket at depth k is a brace */
    size_t depth = 0, values = 0;
    size_t depth_max = bounds->depth_max < DEPTH_MOST ? bounds->depth_max : (size_t)DEPTH_MOST;
    for (;;) {
        skip_blanks(&c);
        if (++values > bounds->values_max)
            return tb_fail(err, TB_ETOOBIG,
                           "the JSON has more than %zu values, and no more are taken",
                           bounds->values_max);
        char open = look(&c), close = open == '{' ? '}' : ']';
        if (open == '{' || open == '[') {
            if (depth == depth_max)
                return tb_fail(err, TB_EMALFORMED, "the JSON is nested more than %zu deep",
                               depth_max);
            c.at++;
            skip_blanks(&c);
            if (look(&c) != close) {
                uint64_t bit = (uint64_t)1 << depth++;
                objects = open == '{' ? objects | bit : objects & ~bit;
                if (open == '{' && !scan_key(&c)) return wrong_here(&c, err);
                continue;
            }
            c.at++;
        } else if (!scan_scalar(&c)) {
            return wrong_here(&c, err);
        }
        /* Behind a value: the brackets that end here, then a comma, or the end of it all. */
        for (skip_blanks(&c); depth > 0; skip_blanks(&c)) {
            bool object = (objects >> (depth - 1)) & 1;
            if (look(&c) != (object ? '}' : ']')) break;
            depth--;
            c.at++;
        }
        if (depth == 0) break;
        if (look(&c) != ',') return wrong_here(&c, err);
        c.at++;
        if (((objects >> (depth - 1)) & 1) && !scan_key(&c)) return wrong_here(&c, err);
    }
    return c.at == len ? TB_OK : wrong_here(&c, err);
}

/* ---- walking what was scanned ---- */

static void pass_string(cursor *c)
{
    for (c->at++; look(c) != '"' && c->at < c->len; c->at++)
        if (look(c) == '\\') c->at++;
    c->at++;
}

static void pass_brackets(cursor *c)
{
    size_t depth = 0;
    do {
        char b = look(c);
        if (b == '"') {
            pass_string(c);
            continue;
        }
        if (b == '{' || b == '[') depth++;
        if (b == '}' || b == ']') depth--;
        c->at++;
    } while (depth > 0 && c->at < c->len);
}

static tb_json_span pass_value(cursor *c)
{
    tb_json_span v = {TB_JSON_NUMBER, c->text + c->at, 0};
    size_t first = c->at;
    switch (look(c)) {
    case '"':
        v.kind = TB_JSON_STRING;
        pass_string(c);
        break;
    case '{':
    case '[':
        v.kind = look(c) == '{' ? TB_JSON_OBJECT : TB_JSON_ARRAY;
        pass_brackets(c);
        break;
    default:
        v.kind = look(c) == 'n'   ? TB_JSON_NULL
                 : look(c) == 't' ? TB_JSON_TRUE
                 : look(c) == 'f' ? TB_JSON_FALSE
                                  : TB_JSON_NUMBER;
        while (c->at < c->len && !strchr(",]} \t\r\n", c->text[c->at]))
            c->at++;
    }
    v.len = c->at - first;
    return v;
}

tb_json_span tb_json_span_root(const char *text, size_t len)
{
    cursor c = {text, len, 0};
    skip_blanks(&c);
    return pass_value(&c);
}

bool tb_json_span_next(const tb_json_span *parent, size_t *at, tb_json_span *key,
                       tb_json_span *value)
{
    cursor c = {parent->at, parent->len, *at ? *at : 1};
    *key = (tb_json_span){TB_JSON_NULL, NULL, 0};
    if (parent->kind != TB_JSON_OBJECT && parent->kind != TB_JSON_ARRAY) return false;
    skip_blanks(&c);
    if (*at && look(&c) == ',') c.at++;
    skip_blanks(&c);
    if (c.at + 1 >= c.len) return false; /* the bracket that closes it */
    if (parent->kind == TB_JSON_OBJECT) {
        *key = pass_value(&c);
        skip_blanks(&c);
        c.at++; /* the colon */
        skip_blanks(&c);
    }
    *value = pass_value(&c);
    *at = c.at;
    return true;
}

/* Writes the string without quotes and escapes to out (NULL: only counts). */
static size_t resolve(const tb_json_span *s, char *out)
{
    size_t o = 0, n;
    char bytes[4];
    for (size_t i = 1; i + 1 < s->len; i += n) {
        if (s->at[i] != '\\') {
            const char *next = memchr(s->at + i, '\\', s->len - 1 - i);
            n = next ? (size_t)(next - (s->at + i)) : s->len - 1 - i;
            if (out) memcpy(out + o, s->at + i, n);
            o += n;
            continue;
        }
        uint32_t cp = read_escape(s->at + i, s->len - i, &n);
        size_t size = tb_utf8_put(cp, bytes);
        if (out) memcpy(out + o, bytes, size);
        o += size;
    }
    return o;
}

char *tb_json_span_text(const tb_json_span *string, size_t *size)
{
    size_t n = resolve(string, NULL);
    char *out = tb_try_alloc(n + 1, 1);
    if (!out) return NULL;
    *size = resolve(string, out);
    out[n] = 0;
    return out;
}
