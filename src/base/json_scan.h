#ifndef TB_BASE_JSON_SCAN_H
#define TB_BASE_JSON_SCAN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * JSON from strangers, read where it lies. A scan checks the whole text against the grammar and
 * against bounds in one pass, in constant memory; after that the members of its outermost object
 * can be walked and taken one by one, and nothing is ever built from what nobody asked for.
 */
typedef struct {
    size_t values_max; /* in all: the root, every member and every element */
    size_t depth_max;  /* of arrays and objects, at most 64 */
} tb_json_bounds;

/* TB_EMALFORMED where the text is no strict JSON (with line and column) or nested too deep,
 * TB_ETOOBIG when it has too many values. Escaped surrogates must be pairs; U+0000 passes. */
TB_MUST_CHECK tb_status tb_json_scan(const char *text, size_t len, const tb_json_bounds *bounds,
                                     tb_err *err);

typedef enum {
    TB_JSON_NULL,
    TB_JSON_FALSE,
    TB_JSON_TRUE,
    TB_JSON_NUMBER,
    TB_JSON_STRING,
    TB_JSON_ARRAY,
    TB_JSON_OBJECT,
} tb_json_kind;

/* A value where it stands in a scanned text, brackets and quotes included. */
typedef struct {
    tb_json_kind kind;
    const char *at;
    size_t len;
} tb_json_span;

/* The root of a text that tb_json_scan passed. */
tb_json_span tb_json_span_root(const char *text, size_t len);

/* Walks the members of an object, or the elements of an array (key is then {0}), in their order:
 * for (size_t at = 0; tb_json_span_next(&root, &at, &key, &value);). Linear in all. */
bool tb_json_span_next(const tb_json_span *parent, size_t *at, tb_json_span *key,
                       tb_json_span *value);

/* The text of a string, escapes resolved, with a NUL behind its *size bytes: heap of just that
 * size. NULL when there is no memory for it. */
char *tb_json_span_text(const tb_json_span *string, size_t *size);

#endif
