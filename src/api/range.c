#include "api/range.h"

#include "base/mem.h"
#include "base/str.h"

#include <inttypes.h>
#include <string.h>

/* Digits to a number that saturates: a position far behind the end is as good as any other. */
static bool take_number(const char **p, uint64_t *out)
{
    const char *start = *p;
    uint64_t x = 0;
    for (; **p >= '0' && **p <= '9'; (*p)++) {
        uint64_t digit = (uint64_t)(**p - '0');
        x = x > (UINT64_MAX - digit) / 10 ? UINT64_MAX : x * 10 + digit;
    }
    *out = x;
    return *p > start;
}

static void skip_blanks(const char **p)
{
    while (**p == ' ' || **p == '\t')
        (*p)++;
}

tb_status tb_range_parse(const char *header, uint64_t size, tb_range *out, tb_err *err)
{
    static const char unit[] = "bytes=";
    uint64_t first = 0, last = UINT64_MAX;
    *out = (tb_range){.len = size};
    if (!header || strlen(header) < sizeof unit - 1) return TB_OK;
    for (size_t i = 0; i < sizeof unit - 1; i++) {
        char c = header[i] >= 'A' && header[i] <= 'Z' ? (char)(header[i] + 32) : header[i];
        if (c != unit[i]) return TB_OK;
    }
    const char *p = header + sizeof unit - 1;
    skip_blanks(&p);
    bool has_first = take_number(&p, &first);
    if (*p != '-') return TB_OK;
    p++;
    bool has_last = take_number(&p, &last);
    skip_blanks(&p);
    if (*p || (!has_first && !has_last)) return TB_OK;
    if (!has_last) last = UINT64_MAX;
    if (has_first && last < first) return TB_OK; /* no range at all, by the grammar */
    if (!has_first) {                            /* the last n bytes */
        if (last == 0 || size == 0)
            return tb_fail(err, TB_ERANGE, "the range asks for no byte of this file");
        first = last < size ? size - last : 0;
        last = UINT64_MAX;
    }
    if (first >= size)
        return tb_fail(err, TB_ERANGE,
                       "the range starts at byte %" PRIu64 "; the file has %" PRIu64, first, size);
    if (last >= size) last = size - 1;
    *out = (tb_range){.first = first, .len = last - first + 1, .partial = true};
    return TB_OK;
}

bool tb_etag_matches(const char *if_none_match, const char *etag)
{
    if (!if_none_match || !etag) return false;
    size_t len = strlen(etag);
    const char *p = if_none_match;
    skip_blanks(&p);
    if (*p == '*') return true;
    while (*p) {
        if (p[0] == 'W' && p[1] == '/') p += 2;
        if (strncmp(p, etag, len) == 0 && (!p[len] || strchr(", \t", p[len]))) return true;
        p += strcspn(p, ",");
        p += strspn(p, ", \t");
    }
    return false;
}

bool tb_etag_allows_range(const char *if_range, const char *etag)
{
    return !if_range || (etag && strcmp(if_range, etag) == 0);
}

static bool plain(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("-._~", c));
}

char *tb_header_disposition(const char *name, bool inline_)
{
    tb_str out;
    bool ascii = true;
    tb_str_init(&out, strlen(name) * 4 + 128);
    tb_str_puts(&out, inline_ ? "inline; filename=\"" : "attachment; filename=\"");
    for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
        bool fits = *c >= 0x20 && *c < 0x7f && !strchr("\"\\/%", *c);
        ascii = ascii && *c < 0x80;
        tb_str_add(&out, fits ? (const char *)c : "_", 1);
    }
    tb_str_puts(&out, "\"");
    if (!ascii) {
        tb_str_puts(&out, "; filename*=UTF-8''");
        for (const unsigned char *c = (const unsigned char *)name; *c; c++)
            plain(*c) ? tb_str_printf(&out, "%c", *c) : tb_str_printf(&out, "%%%02X", *c);
    }
    return tb_str_take(&out);
}

char *tb_header_value(const char *text)
{
    tb_str out;
    tb_str_init(&out, strlen(text) * 3 + 1);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        *c >= 0x20 && *c < 0x7f && *c != 37 ? tb_str_printf(&out, "%c", *c)
                                            : tb_str_printf(&out, "%%%02X", *c);
    return tb_str_take(&out);
}
