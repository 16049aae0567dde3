/*
 * What Unicode's tables say of a character, by utf8proc: composed and compatibility forms, base
 * letters, letters, marks, symbols, case.
 *
 * A letter keeps at most 30 combining marks, so normalising is linear in the length of any text. No
 * state; any thread.
 */
#include "base/unicode.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

#include <string.h>
#include <utf8proc.h>

/* A thin coat over utf8proc, which no other file knows. */

enum { MOST_MARKS = 30 };

bool tb_unicode_is_mark(uint32_t cp)
{
    if (cp < 0x300) return false;
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);
    return c == UTF8PROC_CATEGORY_MN || c == UTF8PROC_CATEGORY_ME || c == UTF8PROC_CATEGORY_MC;
}

/* A run of marks is sorted by comparing neighbours, so it must not be longer than a person's. */
static size_t cap_marks(const char *text, size_t len, char *out)
{
    size_t o = 0, marks = 0, n;
    for (size_t i = 0; i < len; i += n) {
        uint32_t cp = tb_utf8_next(text + i, len - i, &n);
        marks = tb_unicode_is_mark(cp) ? marks + 1 : 0;
        if (marks > MOST_MARKS) continue;
        memcpy(out + o, text + i, n);
        o += n;
    }
    return o;
}

static bool ascii(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] & 0x80) return false;
    return true;
}

tb_status tb_unicode_nfc(const char *text, size_t len, char **out, tb_err *err)
{
    char *capped = tb_try_alloc(len + 1, 1);
    utf8proc_uint8_t *made = NULL;
    if (!capped) return tb_nomem(err, len + 1, 1);
    if (ascii(text, len)) {
        if (len) memcpy(capped, text, len);
        *out = capped;
        return TB_OK;
    }
    len = cap_marks(text, len, capped);
    utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)capped, (utf8proc_ssize_t)len,
                                      &made, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    tb_free(capped);
    if (n == UTF8PROC_ERROR_NOMEM) return tb_nomem(err, len, sizeof(uint32_t));
    if (n < 0) return tb_fail(err, TB_EINVAL, "the text is not valid UTF-8");
    *out = (char *)made;
    return TB_OK;
}

static size_t decompose(uint32_t cp, uint32_t out[TB_UNICODE_FORM], utf8proc_option_t how)
{
    utf8proc_int32_t form[TB_UNICODE_FORM];
    utf8proc_ssize_t n =
        utf8proc_decompose_char((utf8proc_int32_t)cp, form, TB_UNICODE_FORM, how, NULL);
    if (n <= 0 || n > TB_UNICODE_FORM) return 0;
    for (utf8proc_ssize_t i = 0; i < n; i++)
        out[i] = (uint32_t)form[i];
    return (size_t)n;
}

size_t tb_unicode_plain(uint32_t cp, uint32_t out[TB_UNICODE_FORM])
{
    size_t n = decompose(cp, out, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
    return n == 1 && out[0] == cp ? 0 : n;
}

uint32_t tb_unicode_base(uint32_t cp)
{
    uint32_t form[TB_UNICODE_FORM];
    return decompose(cp, form, UTF8PROC_DECOMPOSE) > 0 ? form[0] : cp;
}

char *tb_unicode_bare(const char *text)
{
    char *folded = tb_str_fold(text);
    size_t len = strlen(folded), o = 0, n;
    for (size_t i = 0; i < len; i += n) {
        char utf8[4];
        uint32_t cp = tb_utf8_next(folded + i, len - i, &n);
        if (tb_unicode_is_mark(cp)) continue;
        uint32_t base = cp == TB_UTF8_BAD ? cp : tb_unicode_base(cp);
        size_t size = base == cp ? n : tb_utf8_put(base, utf8);
        if (size > n) base = cp, size = n; /* never longer than it was */
        memmove(folded + o, base == cp ? folded + i : utf8, size);
        o += size;
    }
    folded[o] = 0;
    return folded;
}

uint32_t tb_unicode_lower(uint32_t cp)
{
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)cp);
}

bool tb_unicode_is_letter(uint32_t cp)
{
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);
    return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool tb_unicode_is_symbol(uint32_t cp)
{
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);
    return c >= UTF8PROC_CATEGORY_SM && c <= UTF8PROC_CATEGORY_SO;
}

bool tb_unicode_is_upper(uint32_t cp)
{
    return utf8proc_category((utf8proc_int32_t)cp) == UTF8PROC_CATEGORY_LU;
}

bool tb_unicode_is_lower(uint32_t cp)
{
    return utf8proc_category((utf8proc_int32_t)cp) == UTF8PROC_CATEGORY_LL;
}

bool tb_unicode_is_invisible(uint32_t cp)
{
    const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)cp);
    return p->ignorable || p->category == UTF8PROC_CATEGORY_CF ||
           p->category == UTF8PROC_CATEGORY_CC || p->category == UTF8PROC_CATEGORY_ZL ||
           p->category == UTF8PROC_CATEGORY_ZP || cp == 0x2800; /* Braille without a dot */
}

bool tb_unicode_is_picture(uint32_t cp)
{
    return utf8proc_get_property((utf8proc_int32_t)cp)->boundclass ==
           UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}
