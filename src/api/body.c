#include "api/fields.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

/*
 * Which of the three readers a body is for. The Content-Type decides; curl -d and a browser's fetch
 * send JSON under other names, though, and a body read as the wrong kind has no field that we know,
 * so what such a body holds is looked at too. A form never begins with { or [: no field of ours
 * does.
 */
typedef enum { KIND_MULTIPART, KIND_JSON, KIND_FORM, KIND_TEXT, KIND_OTHER } kind;

static kind kind_of(const char *type)
{
    if (!type) return KIND_FORM;
    char *name = tb_strndup(type, strcspn(type, "; \t"));
    kind k = KIND_OTHER;
    tb_str_lower(name);
    if (strcmp(name, "multipart/form-data") == 0)
        k = KIND_MULTIPART;
    else if (strcmp(name, "application/json") == 0 || strcmp(name, "text/json") == 0 ||
             (tb_str_starts(name, "application/") && tb_str_ends(name, "+json")))
        k = KIND_JSON;
    else if (strcmp(name, "application/x-www-form-urlencoded") == 0 || !*name)
        k = KIND_FORM;
    else if (strcmp(name, "text/plain") == 0)
        k = KIND_TEXT;
    tb_free(name);
    return k;
}

static bool looks_like_json(const char *body, size_t len)
{
    size_t i = 0;
    while (i < len && strchr(" \t\r\n", body[i]) && body[i])
        i++;
    return i < len && (body[i] == '{' || body[i] == '[');
}

static bool looks_like_multipart(const char *body, size_t len)
{
    static const char mark[] = "\r\nContent-Disposition:";
    enum { N = sizeof mark - 1, LOOK = 512 };
    if (len > LOOK) len = LOOK;
    if (len < 2 || memcmp(body, "--", 2) != 0) return false;
    for (size_t i = 0; i + N <= len; i++) {
        char piece[N + 1];
        memcpy(piece, body + i, N);
        piece[N] = 0;
        if (tb_str_ieq(piece, mark)) return true;
    }
    return false;
}

static tb_status read_form(const char *body, size_t len, const char *type, tb_fields *out,
                           tb_err *err)
{
    if (looks_like_multipart(body, len))
        return tb_fail(err, TB_EMEDIA,
                       "the body is a multipart form, but its Content-Type is '%.60s'; send "
                       "Content-Type: multipart/form-data with the boundary",
                       type ? type : "");
    if (!memchr(body, '=', len))
        return tb_fail(err, TB_EMALFORMED,
                       "the body has no name=value; send a form, or JSON with Content-Type: "
                       "application/json");
    return tb_fields_from_urlencoded(body, len, out, err);
}

tb_status tb_fields_from_body(const char *body, size_t len, const char *type, tb_fields *out,
                              tb_err *err)
{
    kind k = kind_of(type);
    if (k == KIND_MULTIPART) return tb_fields_from_multipart(body, len, type, out, err);
    if (len >= 2 && memcmp(body, "\x1F\x8B", 2) == 0)
        return tb_fail(err, TB_EMEDIA, "the body is packed (gzip); send it as it is");
    if (len >= 3 && memcmp(body, "\xEF\xBB\xBF", 3) == 0) { /* a mark of UTF-8 (BOM) */
        body += 3;
        len -= 3;
    }
    if ((k == KIND_FORM || k == KIND_TEXT) && looks_like_json(body, len)) k = KIND_JSON;
    if (k == KIND_JSON) return tb_fields_from_json(body, len, out, err);
    if (k == KIND_FORM) return read_form(body, len, type, out, err);
    return tb_fail(err, TB_EMEDIA,
                   "the body's type is '%.60s'; allowed: multipart/form-data, "
                   "application/x-www-form-urlencoded, application/json",
                   type);
}
