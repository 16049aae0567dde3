#ifndef TB_BASE_JSON_H
#define TB_BASE_JSON_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * JSON, the one wrapper round the library. Values are reference-counted trees; not for several
 * threads at once. Strings given in must be UTF-8: others are repaired with U+FFFD.
 */
typedef struct json_t tb_json;

/* Once, before any thread: what is built takes from the reserve of base/mem.h when there is no
 * memory, and what is read fails. */
void tb_json_setup(void);

/* Reads one strict JSON text: duplicate members, trailing text, depth over 64, more than a million
 * values refused with the position in the sentence (TB_EMALFORMED). TB_ENOMEM. *out is the
 * caller's. */
TB_MUST_CHECK tb_status tb_json_parse(const char *text, size_t len, tb_json **out, tb_err *err);
/* The same, but strings may hold U+0000 (keys may not): for whoever takes their length from
 * tb_json_text_len. */
TB_MUST_CHECK tb_status tb_json_parse_nul(const char *text, size_t len, tb_json **out, tb_err *err);
char *tb_json_print(const tb_json *v);        /* compact, heap */
char *tb_json_print_pretty(const tb_json *v); /* two spaces, heap */
void tb_json_free(tb_json *v);

tb_json *tb_json_object(void);
tb_json *tb_json_array(void);
tb_json *tb_json_null(void);
tb_json *tb_json_string(const char *s); /* NULL gives null */
tb_json *tb_json_int(int64_t x);
tb_json *tb_json_real(double x); /* not finite gives null */
tb_json *tb_json_bool(bool x);

/* set and add take the value. */
void tb_json_set(tb_json *object, const char *key, tb_json *value);
void tb_json_add(tb_json *array, tb_json *value);
void tb_json_set_string(tb_json *object, const char *key, const char *s);
void tb_json_set_int(tb_json *object, const char *key, int64_t x);
void tb_json_set_real(tb_json *object, const char *key, double x);
/* To whole thousandths, as seconds are shown. */
void tb_json_set_milli(tb_json *object, const char *key, double x);
void tb_json_set_bool(tb_json *object, const char *key, bool x);

/* Borrowed; NULL when absent or of another kind. */
tb_json *tb_json_get(const tb_json *object, const char *key);
const char *tb_json_get_string(const tb_json *object, const char *key);
size_t tb_json_len(const tb_json *array);
tb_json *tb_json_at(const tb_json *array, size_t i);
const char *tb_json_text(const tb_json *v); /* of a string; no NUL in it unless parse_nul read it */
size_t tb_json_text_len(const tb_json *v);  /* of a string, in bytes; else 0 */
bool tb_json_is_object(const tb_json *v);
bool tb_json_is_array(const tb_json *v);
bool tb_json_is_string(const tb_json *v);
bool tb_json_is_null(const tb_json *v);
bool tb_json_is_int(const tb_json *v);
bool tb_json_is_number(const tb_json *v);
double tb_json_number(const tb_json *v); /* of an int or real, else 0 */
int64_t tb_json_integer(const tb_json *v);
bool tb_json_truth(const tb_json *v);

/* Walks the members in the order they were given: for (void *it = NULL; tb_json_next(o, &it, &key,
 * &value);) */
bool tb_json_next(const tb_json *object, void **it, const char **key, tb_json **value);

#endif
