/*
 * The fields of a request, from a JSON object, a urlencoded body or a query (multipart is
 * multipart.c).
 *
 * JSON is checked where it lies by base/json_scan.h and only what becomes a field is copied, so a
 * large body costs its own bytes once. Count, name length and text are bounded; a name given twice
 * is refused. On failure the list is as it was. All readers are linear in the length.
 */
#include "api/fields.h"

#include "base/json_scan.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 64, NAME_MAX_BYTES = 64, JSON_VALUES_MAX = 4096 };

static bool name_fits(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > NAME_MAX_BYTES || !tb_utf8_valid(name, len)) return false;
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) return false;
    return true;
}

tb_status tb_fields_add(tb_fields *fields, const char *name, const char *filename, char *value,
                        size_t size, tb_err *err)
{
    tb_status st = TB_OK;
    if (!name_fits(name))
        st = tb_fail(err, TB_EMALFORMED,
                     "a field's name must have 1 to %d bytes of UTF-8 without control characters",
                     NAME_MAX_BYTES);
    else if (fields->n == FIELDS_MAX)
        st = tb_fail(err, TB_EMALFORMED, "the request has more than %d fields", FIELDS_MAX);
    else if (strcmp(name, "ids") != 0 && tb_fields_get(fields, name))
        st = tb_fail_field(err, TB_EMALFORMED, name, "%s is given twice; give it once", name);
    else if (!filename && memchr(value, 0, size))
        st = tb_fail_field(err, TB_EMALFORMED, name,
                           "%s holds a NUL character; send text, or a file with a file name", name);
    else if (!filename && !tb_utf8_valid(value, size))
        st = tb_fail_field(err, TB_EMALFORMED, name,
                           "%s is not valid UTF-8; send text, or a file with a file name", name);
    if (st) {
        tb_free(value);
        return st;
    }
    if (!fields->items) fields->items = tb_alloc(FIELDS_MAX * sizeof *fields->items);
    fields->items[fields->n++] = (tb_field){.name = tb_strdup(name),
                                            .filename = tb_strdup(filename),
                                            .value = value,
                                            .size = size};
    return TB_OK;
}

const tb_field *tb_fields_get(const tb_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->n; i++)
        if (strcmp(fields->items[i].name, name) == 0) return &fields->items[i];
    return NULL;
}

char *tb_fields_take(tb_fields *fields, const char *name, size_t *size)
{
    for (size_t i = 0; i < fields->n; i++) {
        tb_field *f = &fields->items[i];
        if (strcmp(f->name, name) != 0) continue;
        char *value = f->value;
        *size = f->size;
        f->value = NULL;
        f->size = 0;
        return value;
    }
    return NULL;
}

const char *tb_fields_text(const tb_fields *fields, const char *name)
{
    const tb_field *f = tb_fields_get(fields, name);
    return f && !f->nested ? f->value : NULL;
}

tb_status tb_fields_want_text(const tb_fields *fields, const char *const *names, tb_err *err)
{
    for (; *names; names++) {
        const tb_field *f = tb_fields_get(fields, *names);
        if (!f || (!f->nested && !f->filename)) continue;
        return tb_fail_field(err, TB_EINVAL, *names, "%s is %s; it must be plain text", *names,
                             f->nested ? "an object or an array" : "a file");
    }
    return TB_OK;
}

void tb_fields_truncate(tb_fields *fields, size_t n)
{
    while (fields->n > n) {
        tb_field *f = &fields->items[--fields->n];
        tb_free(f->name);
        tb_free(f->filename);
        tb_free(f->value);
    }
}

void tb_fields_clear(tb_fields *fields)
{
    if (!fields) return;
    tb_fields_truncate(fields, 0);
    tb_free(fields->items);
    *fields = (tb_fields){0};
}

/* ---- JSON ---- */

/* The shortest decimal that reads back as x: people see it again in sentences. */
static char *number_text(double x)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x) break;
    }
    return tb_strdup(text);
}

/* A whole number stays as it is, so that 2^53-1 and its like lose no digit. */
static tb_status number_value(const tb_json_span *v, char **out, tb_err *err)
{
    char text[64], *end;
    if (v->len < sizeof text) {
        memcpy(text, v->at, v->len);
        text[v->len] = 0;
        errno = 0;
        long long whole = strtoll(text, &end, 10);
        if (!*end && errno == 0) {
            *out = tb_sprintf("%lld", whole);
            return TB_OK;
        }
        double x = strtod(text, NULL);
        if (isfinite(x)) {
            *out = number_text(x);
            return TB_OK;
        }
    }
    return tb_fail(err, TB_EMALFORMED, "the JSON has a number that is out of all bounds: %.*s",
                   v->len < 40 ? (int)v->len : 40, v->at);
}

/* Takes just one copy out of the body: a recording may be tens of megabytes of base64. *out stays
 * NULL for what is no scalar. */
static tb_status scalar_text(const tb_json_span *v, char **out, size_t *size, tb_err *err)
{
    tb_status st = TB_OK;
    switch (v->kind) {
    case TB_JSON_STRING:
        *out = tb_json_span_text(v, size);
        return *out ? TB_OK : tb_nomem(err, v->len, 1);
    case TB_JSON_TRUE:
    case TB_JSON_FALSE:
        *out = tb_strdup(v->kind == TB_JSON_TRUE ? "true" : "false");
        break;
    case TB_JSON_NUMBER:
        st = number_value(v, out, err);
        break;
    default:
        return TB_OK;
    }
    *size = *out ? strlen(*out) : 0;
    return st;
}

static tb_status add_json(tb_fields *out, const char *key, const tb_json_span *v, tb_err *err)
{
    char *text = NULL;
    size_t size = 0;
    if (v->kind == TB_JSON_NULL) return TB_OK;
    tb_status st = scalar_text(v, &text, &size, err);
    if (st) return st;
    bool nested = !text;
    if (nested && strcmp(key, "pronunciations") == 0) { /* its reader reads JSON */
        text = tb_try_alloc(v->len + 1, 1);
        if (!text) return tb_nomem(err, v->len + 1, 1);
        memcpy(text, v->at, v->len);
        size = v->len;
        nested = false;
    }
    if (nested) text = tb_alloc(1);
    st = tb_fields_add(out, key, NULL, text, size, err);
    if (!st) out->items[out->n - 1].nested = nested;
    return st;
}

static tb_status add_member(tb_fields *out, const tb_json_span *key, const tb_json_span *value,
                            tb_err *err)
{
    tb_json_span none, element;
    tb_status st = TB_OK;
    size_t size;
    if (key->len > 6 * NAME_MAX_BYTES + 2) return TB_OK; /* not even all in escapes one of ours */
    char *name = tb_json_span_text(key, &size);
    if (!name) return tb_nomem(err, key->len, 1);
    if (strlen(name) != size)
        st = tb_fail(err, TB_EMALFORMED, "a field's name holds a NUL character");
    else if (name_fits(name)) { /* else none of ours: unknown members are passed over */
        if (strcmp(name, "ids") == 0 && value->kind == TB_JSON_ARRAY)
            for (size_t at = 0; !st && tb_json_span_next(value, &at, &none, &element);)
                st = add_json(out, name, &element, err);
        else
            st = add_json(out, name, value, err);
    }
    tb_free(name);
    return st;
}

tb_status tb_fields_from_json(const char *text, size_t len, tb_fields *out, tb_err *err)
{
    /* A few dozen fields are all that anybody may send; the rest is room for what other programs
     * send along. */
    static const tb_json_bounds bounds = {.values_max = JSON_VALUES_MAX, .depth_max = 32};
    tb_json_span root, key, value;
    size_t before = out->n;
    tb_status st = tb_json_scan(text, len, &bounds, err);
    if (st) return st;
    root = tb_json_span_root(text, len);
    if (root.kind != TB_JSON_OBJECT)
        return tb_fail(err, TB_EMALFORMED, "the JSON of a request must be an object: {...}");
    for (size_t at = 0; !st && tb_json_span_next(&root, &at, &key, &value);)
        st = add_member(out, &key, &value, err);
    if (st) tb_fields_truncate(out, before);
    return st;
}

/* ---- application/x-www-form-urlencoded ---- */

static int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* '+' is a space, %41 is A; NULL and err for a broken escape or no memory. */
static char *unescape(const char *s, size_t len, size_t *size, tb_err *err)
{
    char *out = tb_try_alloc(len + 1, 1);
    size_t o = 0;
    if (!out) {
        (void)tb_nomem(err, len + 1, 1);
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        if (s[i] != '%') {
            out[o++] = s[i] == '+' ? ' ' : s[i];
            continue;
        }
        int high = i + 1 < len ? hex(s[i + 1]) : -1, low = i + 2 < len ? hex(s[i + 2]) : -1;
        if (high < 0 || low < 0) {
            (void)tb_fail(err, TB_EMALFORMED,
                          "the form has a %% that two hexadecimal digits do not follow");
            tb_free(out);
            return NULL;
        }
        out[o++] = (char)(high * 16 + low);
        i += 2;
    }
    *size = o;
    return out;
}

static tb_status add_pair(tb_fields *out, const char *pair, size_t len, tb_err *err)
{
    tb_err local;
    const char *equals = memchr(pair, '=', len);
    size_t name_len = equals ? (size_t)(equals - pair) : len, name_size, size;
    if (name_len > 3 * NAME_MAX_BYTES)
        return tb_fail(err, TB_EMALFORMED, "a field's name has more than %d bytes", NAME_MAX_BYTES);
    if (!err) err = &local;
    char *name = unescape(pair, name_len, &name_size, err);
    if (!name) return err->status;
    tb_status st;
    const char *rest = equals ? equals + 1 : pair + len;
    char *value = unescape(rest, (size_t)(pair + len - rest), &size, err);
    if (!value) {
        st = err->status;
    } else if (memchr(name, 0, name_size)) {
        tb_free(value);
        st = tb_fail(err, TB_EMALFORMED, "a field's name holds a NUL character");
    } else {
        st = tb_fields_add(out, name, NULL, value, size, err);
    }
    tb_free(name);
    return st;
}

tb_status tb_fields_from_urlencoded(const char *text, size_t len, tb_fields *out, tb_err *err)
{
    size_t before = out->n;
    tb_status st = TB_OK;
    for (size_t at = 0; !st && at < len;) {
        const char *amp = memchr(text + at, '&', len - at);
        size_t n = amp ? (size_t)(amp - (text + at)) : len - at;
        if (n) st = add_pair(out, text + at, n, err);
        at += n + 1;
    }
    if (st) tb_fields_truncate(out, before);
    return st;
}
