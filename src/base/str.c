/*
 * Strings: a byte string that grows to a ceiling, ASCII comparison, strict numbers, edit distance,
 * folding.
 *
 * A growing string that hits its ceiling keeps what it has and reports false from then on, so
 * callers may check once at the end. Numbers are whole strings, independent of the locale.
 */
#include "base/str.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tb_str_init(tb_str *s, size_t max_bytes)
{
    *s = (tb_str){.max = max_bytes};
}

void tb_str_clear(tb_str *s)
{
    if (!s) return;
    free(s->data);
    *s = (tb_str){.max = s->max};
}

bool tb_str_add(tb_str *s, const void *data, size_t size)
{
    if (s->full || size > s->max || s->len > s->max - size) {
        s->full = true;
        return false;
    }
    if (!s->data || s->len + size >= s->cap) {
        size_t cap = s->cap ? s->cap : 128;
        while (cap <= s->len + size)
            cap = cap > s->max / 2 ? s->max + 1 : cap * 2;
        char *grown = tb_try_realloc(s->data, cap, 1);
        if (!grown) {
            s->full = true;
            return false;
        }
        s->data = grown;
        s->cap = cap;
    }
    if (size) memcpy(s->data + s->len, data, size);
    s->len += size;
    s->data[s->len] = 0;
    return true;
}

bool tb_str_puts(tb_str *s, const char *text)
{
    return tb_str_add(s, text, strlen(text));
}

bool tb_str_printf(tb_str *s, const char *fmt, ...)
{
    char small[256];
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int len = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    bool ok = false;
    if (len >= 0 && (size_t)len < sizeof small) {
        ok = tb_str_add(s, small, (size_t)len);
    } else if (len >= 0 && (size_t)len <= s->max) {
        char *big = tb_try_alloc((size_t)len + 1, 1);
        if (big) vsnprintf(big, (size_t)len + 1, fmt, again);
        ok = big && tb_str_add(s, big, (size_t)len);
        s->full = s->full || !ok;
        free(big);
    } else {
        s->full = true;
    }
    va_end(again);
    return ok;
}

char *tb_str_take(tb_str *s)
{
    char *data = s->data ? s->data : tb_alloc(1);
    *s = (tb_str){.max = s->max};
    return data;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool tb_str_ieq(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b))
        a++, b++;
    return lower(*a) == lower(*b);
}

bool tb_str_in_list(const char *list, const char *word)
{
    size_t n = strlen(word);
    if (strchr(word, '|')) return false;
    for (const char *p = list; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
        if (strncmp(p, word, n) == 0 && (p[n] == '|' || p[n] == 0)) return true;
    return false;
}

bool tb_str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool tb_str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

void tb_str_lower(char *s)
{
    for (; *s; s++)
        *s = lower(*s);
}

static bool blank(char c)
{
    return c == ' ' || (c >= 9 && c <= 13);
}

char *tb_str_strip(char *s)
{
    while (blank(*s))
        s++;
    size_t len = strlen(s);
    while (len > 0 && blank(s[len - 1]))
        len--;
    s[len] = 0;
    return s;
}

bool tb_parse_double(const char *s, double *out)
{
    /* strtod reads the locale's point, hex, "nan" and "inf": only plain decimals may pass. The
     * program never calls setlocale, so the point is a point. */
    if (!*s || strlen(s) > 64 || strspn(s, "0123456789+-.eE") != strlen(s)) return false;
    char *end;
    errno = 0;
    double x = strtod(s, &end);
    if (end == s || *end || !isfinite(x)) return false;
    *out = x;
    return true;
}

bool tb_parse_u64(const char *s, unsigned long long *out)
{
    if (!*s || strlen(s) > 20 || strspn(s, "0123456789") != strlen(s)) return false;
    errno = 0;
    unsigned long long x = strtoull(s, NULL, 10);
    if (errno) return false;
    *out = x;
    return true;
}

bool tb_parse_bool(const char *s, bool *out)
{
    static const char *const yes[] = {"1", "true", "yes", "on"};
    static const char *const no[] = {"0", "false", "no", "off"};
    for (int i = 0; i < 4; i++) {
        if (tb_str_ieq(s, yes[i])) return *out = true, true;
        if (tb_str_ieq(s, no[i])) return *out = false, true;
    }
    return false;
}

/* Optimal string alignment: besides the row above, the one above that for neighbours that changed
 * places. */
size_t tb_str_distance(const char *a, const char *b, size_t limit)
{
    enum { MAX = 64 };
    size_t n = strlen(a), m = strlen(b), rows[3][MAX + 1];
    size_t *two_up = rows[0], *up = rows[1], *row = rows[2], before = 0;
    if (n > MAX || m > MAX || (n > m ? n - m : m - n) > limit) return limit + 1;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *free_row = two_up, least = i;
        two_up = up;
        up = row;
        row = free_row;
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = up[j - 1] + (a[i - 1] != b[j - 1]);
            if (up[j] + 1 < best) best = up[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && two_up[j - 2] + 1 < best) best = two_up[j - 2] + 1;
            row[j] = best;
            if (best < least) least = best;
        }
        /* A swap may reach over one row, so two rows beyond the limit end it. */
        if (least > limit && before > limit) return limit + 1;
        before = least;
    }
    return row[m] <= limit ? row[m] : limit + 1;
}

char *tb_str_fold(const char *s)
{
    size_t len = strlen(s), n, o = 0;
    char *out = tb_alloc(len * 2 + 1); /* no fold of ours is longer than twice its source */
    bool space = false;
    for (size_t i = 0; i < len; i += n) {
        uint32_t cp = tb_utf8_next(s + i, len - i, &n);
        if (cp != TB_UTF8_BAD && tb_utf8_is_space(cp)) {
            space = o > 0;
            continue;
        }
        if (space) out[o++] = ' ';
        space = false;
        if (cp == TB_UTF8_BAD)
            out[o++] = s[i];
        else
            o += tb_utf8_put(tb_utf8_fold(cp), out + o);
    }
    return out;
}
