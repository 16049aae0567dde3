#include "config/config.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <string.h>

static bool key_char(char c, bool first)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

/* The value that starts at p, unquoted into out (room for the whole line). What follows a closing
 * quote may only be blank or a comment. */
static tb_status read_value(const char *p, const char *end, char *out, int line, tb_err *err)
{
    size_t n = 0;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    if (p < end && (*p == '"' || *p == '\'')) {
        char quote = *p++;
        for (; p < end && *p != quote; p++) {
            bool escaped = quote == '"' && *p == '\\' && p + 1 < end && strchr("\"\\$n", p[1]);
            if (escaped) p++;
            out[n++] = escaped && *p == 'n' ? '\n' : *p;
        }
        if (p == end)
            return tb_fail(err, TB_EINVAL, "line %d: the quote %c is not closed", line, quote);
        for (p++; p < end && (*p == ' ' || *p == '\t'); p++) {
        }
        if (p < end && *p != '#')
            return tb_fail(err, TB_EINVAL, "line %d: there is text behind the closing quote", line);
    } else {
        while (p < end && !(*p == '#' && (n == 0 || p[-1] == ' ' || p[-1] == '\t')))
            out[n++] = *p++;
        while (n > 0 && (out[n - 1] == ' ' || out[n - 1] == '\t'))
            n--;
    }
    out[n] = 0;
    return TB_OK;
}

tb_status tb_env_parse(const char *text, size_t len, tb_env_set set, void *self, tb_err *err)
{
    tb_status st = TB_OK;
    int line = 0;
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) text += 3, len -= 3;
    if (memchr(text, 0, len) || !tb_utf8_valid(text, len))
        return tb_fail(err, TB_EINVAL, "it is not UTF-8 text");
    char *key = tb_try_alloc(len + 1, 1), *value = tb_try_alloc(len + 1, 1);
    if (!key || !value) {
        st = tb_nomem(err, len, 1);
        goto out;
    }
    for (const char *p = text, *stop = text + len; p < stop && !st;) {
        const char *eol = memchr(p, '\n', (size_t)(stop - p)), *end = eol ? eol : stop;
        const char *next = eol ? eol + 1 : stop;
        line++;
        if (end > p && end[-1] == '\r') end--;
        while (p < end && (*p == ' ' || *p == '\t'))
            p++;
        if (p < end && *p != '#') {
            if (end - p > 7 && strncmp(p, "export ", 7) == 0) p += 7;
            size_t n = 0;
            while (p < end && key_char(*p, n == 0))
                key[n++] = *p++;
            key[n] = 0;
            while (p < end && (*p == ' ' || *p == '\t'))
                p++;
            if (n == 0 || p == end || *p != '=')
                st = tb_fail(err, TB_EINVAL, "line %d is not NAME=value", line);
            else
                st = read_value(p + 1, end, value, line, err);
            if (!st) st = set(self, key, value, line, err);
        }
        p = next;
    }
out:
    tb_free(key);
    tb_free(value);
    return st;
}
