#include "text/norm.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "text/unicode_priv.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The marks are ASCII afterwards, so they take less room than before. */
static const struct {
    uint32_t from;
    const char *to;
} marks[] = {
    {0x2026, ", "}, {':', ","},     {0x2014, "-"}, {0x2013, "-"},
    {0x201C, "\""}, {0x201D, "\""}, {0x2018, "'"}, {0x2019, "'"},
};

static size_t put(uint32_t cp, char *out)
{
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (marks[i].from == cp) {
            memcpy(out, marks[i].to, strlen(marks[i].to));
            return strlen(marks[i].to);
        }
    return tb_utf8_put(cp, out);
}

/* One pass over the text: capital, white space, marks. Only the first character may become a
 * capital, blanks before it count as characters. */
static size_t simplify(const char *text, size_t len, char *out)
{
    size_t o = 0, n;
    bool blank = false; /* white space was seen since the last word */
    for (size_t i = 0; i < len; i += n) {
        uint32_t cp = tb_utf8_next(text + i, len - i, &n), upper[3];
        if (cp == TB_UTF8_BAD) cp = 0xFFFD;
        if (tb_unicode_is_py_space(cp)) {
            blank = true;
            continue;
        }
        if (blank && o > 0) out[o++] = ' ';
        blank = false;
        size_t several = i == 0 ? tb_unicode_upper(cp, upper) : 0;
        if (several == 0) o += put(cp, out + o);
        for (size_t k = 0; k < several; k++)
            o += tb_utf8_put(upper[k], out + o);
    }
    return o;
}

/* Takes the blank out of " ,": one pass, so of two blanks before a comma the first stays. */
static size_t close_up(char *s, size_t len)
{
    size_t o = 0;
    for (size_t i = 0; i < len; i++)
        if (!(s[i] == ' ' && i + 1 < len && s[i + 1] == ',')) s[o++] = s[i];
    return o;
}

tb_status tb_norm_text(const char *text, size_t len, char **out, size_t *out_len, tb_err *err)
{
    static const char nothing[] = "You need to add some text for me to talk.";
    /* An invalid byte takes three bytes, as does a capital of two letters; the sentence and the
     * full stop fit into the rest. */
    if (len > (SIZE_MAX - 64) / 3) return tb_nomem(err, len, 3);
    char *s = tb_try_alloc(3 * len + 64, 1);
    if (!s) return tb_nomem(err, 3 * len + 64, 1);
    size_t n;
    if (len == 0) {
        n = sizeof nothing - 1;
        memcpy(s, nothing, n);
    } else {
        n = close_up(s, simplify(text, len, s));
        while (n > 0 && s[n - 1] == ' ') /* an ellipsis at the end leaves one */
            n--;
        if (n == 0 || !strchr(".!?-,", s[n - 1]) || s[n - 1] == 0) s[n++] = '.';
    }
    s[n] = 0;
    *out = s;
    *out_len = n;
    return TB_OK;
}
