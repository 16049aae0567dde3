/*
 * The one wrapper around jansson.
 *
 * What is read is strict: no duplicate members, no trailing text, bounded depth and number of
 * values. What is built cannot fail: invalid UTF-8 is repaired, and memory comes from the reserve
 * of base/mem.h where there is none. Trees are for one thread at a time.
 */
#include "base/json.h"

#include "base/json_scan.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Bounds for files and replies of servers: walkers may recurse, and no tree is built that would
 * take a hundred times its text without end. */
static const tb_json_bounds bounds = {.values_max = 1 << 20, .depth_max = 64};

/* What a text becomes is as large as its sender chose: it fails where there is no memory. What we
 * build ourselves is small, and comes out of the reserve. */
static _Thread_local bool reading, failed;

static void *get(size_t size)
{
    void *p = reading ? malloc(size) : tb_alloc(size);
    if (!p) failed = true;
    return p;
}

void tb_json_setup(void)
{
    json_set_alloc_funcs(get, free);
}

static tb_status parse(const char *text, size_t len, size_t more_flags, tb_json **out, tb_err *err)
{
    json_error_t e;
    tb_status st = tb_json_scan(text, len, &bounds, err);
    if (st)
        return st == TB_ETOOBIG ? tb_fail(err, TB_EMALFORMED, "the JSON has too many values") : st;
    reading = true;
    failed = false;
    json_t *v = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | more_flags, &e);
    reading = false;
    if (!v && failed) return tb_fail(err, TB_ENOMEM, "there is no memory to read this JSON now");
    if (!v)
        return tb_fail(err, TB_EMALFORMED, "the JSON cannot be read: %s (line %d, column %d)",
                       e.text, e.line, e.column);
    *out = v;
    return TB_OK;
}

tb_status tb_json_parse(const char *text, size_t len, tb_json **out, tb_err *err)
{
    return parse(text, len, 0, out, err);
}

tb_status tb_json_parse_nul(const char *text, size_t len, tb_json **out, tb_err *err)
{
    return parse(text, len, JSON_ALLOW_NUL, out, err);
}

char *tb_json_print(const tb_json *v)
{
    char *s = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
    return s ? s : tb_strdup("null");
}

char *tb_json_print_pretty(const tb_json *v)
{
    char *s = json_dumps(v, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
    return s ? s : tb_strdup("null");
}

void tb_json_free(tb_json *v)
{
    json_decref(v);
}

static json_t *must(json_t *v)
{
    if (!v) abort(); /* a program that did without tb_json_setup, out of memory */
    return v;
}

tb_json *tb_json_object(void)
{
    return must(json_object());
}

tb_json *tb_json_array(void)
{
    return must(json_array());
}

tb_json *tb_json_null(void)
{
    return json_null();
}

tb_json *tb_json_string(const char *s)
{
    if (!s) return json_null();
    size_t len = strlen(s), n, o = 0;
    if (tb_utf8_valid(s, len)) return must(json_stringn_nocheck(s, len));
    char *fixed = tb_alloc(len * 3 + 1);
    for (size_t i = 0; i < len; i += n) {
        uint32_t cp = tb_utf8_next(s + i, len - i, &n);
        o += tb_utf8_put(cp == TB_UTF8_BAD ? 0xFFFD : cp, fixed + o);
    }
    json_t *v = must(json_stringn_nocheck(fixed, o));
    free(fixed);
    return v;
}

tb_json *tb_json_int(int64_t x)
{
    return must(json_integer(x));
}

tb_json *tb_json_real(double x)
{
    return isfinite(x) ? must(json_real(x)) : json_null();
}

tb_json *tb_json_bool(bool x)
{
    return json_boolean(x);
}

void tb_json_set(tb_json *object, const char *key, tb_json *value)
{
    if (json_object_set_new(object, key, value) != 0) abort();
}

void tb_json_add(tb_json *array, tb_json *value)
{
    if (json_array_append_new(array, value) != 0) abort();
}

void tb_json_set_string(tb_json *object, const char *key, const char *s)
{
    tb_json_set(object, key, tb_json_string(s));
}

void tb_json_set_int(tb_json *object, const char *key, int64_t x)
{
    tb_json_set(object, key, tb_json_int(x));
}

void tb_json_set_real(tb_json *object, const char *key, double x)
{
    tb_json_set(object, key, tb_json_real(x));
}

void tb_json_set_milli(tb_json *object, const char *key, double x)
{
    tb_json_set(object, key, tb_json_real(round(x * 1000) / 1000));
}

void tb_json_set_bool(tb_json *object, const char *key, bool x)
{
    tb_json_set(object, key, tb_json_bool(x));
}

tb_json *tb_json_get(const tb_json *object, const char *key)
{
    return json_object_get(object, key);
}

const char *tb_json_get_string(const tb_json *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

size_t tb_json_len(const tb_json *array)
{
    return json_array_size(array);
}

tb_json *tb_json_at(const tb_json *array, size_t i)
{
    return json_array_get(array, i);
}

const char *tb_json_text(const tb_json *v)
{
    return json_string_value(v);
}

size_t tb_json_text_len(const tb_json *v)
{
    return json_string_length(v);
}

bool tb_json_is_object(const tb_json *v)
{
    return json_is_object(v);
}

bool tb_json_is_array(const tb_json *v)
{
    return json_is_array(v);
}

bool tb_json_is_string(const tb_json *v)
{
    return json_is_string(v);
}

bool tb_json_is_null(const tb_json *v)
{
    return json_is_null(v);
}

bool tb_json_is_int(const tb_json *v)
{
    return json_is_integer(v);
}

bool tb_json_is_number(const tb_json *v)
{
    return json_is_number(v);
}

double tb_json_number(const tb_json *v)
{
    return json_number_value(v);
}

int64_t tb_json_integer(const tb_json *v)
{
    return json_integer_value(v);
}

bool tb_json_truth(const tb_json *v)
{
    return json_is_true(v);
}

bool tb_json_next(const tb_json *object, void **it, const char **key, tb_json **value)
{
    json_t *o = json_is_object(object) ? (json_t *)(uintptr_t)object : NULL;
    if (!o) return false;
    *it = *it ? json_object_iter_next(o, *it) : json_object_iter(o);
    if (!*it) return false;
    *key = json_object_iter_key(*it);
    *value = json_object_iter_value(*it);
    return true;
}
