#ifndef TB_API_FIELDS_H
#define TB_API_FIELDS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The fields of a request, whatever carried them: multipart, urlencoded, a query or a JSON object
 * (whose scalars become text: 0.8 -> "0.8", true -> "true", null -> absent). Bounded: at most 64
 * fields, names of 64 bytes. Values are valid UTF-8 without NUL, except files.
 */
typedef struct {
    char *name;
    char *filename; /* a file part's name, NULL for a plain field */
    char *value;    /* NUL-terminated behind size bytes */
    size_t size;
} tb_field;

typedef struct {
    tb_field *items;
    size_t n;
} tb_fields;

/* takes value (heap). TB_EMALFORMED on too many, bad UTF-8, or a name given twice (except "ids"). */
TB_MUST_CHECK tb_status tb_fields_add(tb_fields *fields, const char *name, const char *filename,
                                      char *value, size_t size, tb_err *err);
TB_MUST_CHECK tb_status tb_fields_from_json(const char *text, size_t len, tb_fields *out,
                                            tb_err *err);
TB_MUST_CHECK tb_status tb_fields_from_urlencoded(const char *text, size_t len, tb_fields *out,
                                                  tb_err *err);
TB_MUST_CHECK tb_status tb_fields_from_multipart(const char *body, size_t len,
                                                 const char *content_type, tb_fields *out,
                                                 tb_err *err);
const tb_field *tb_fields_get(const tb_fields *fields, const char *name);
const char *tb_fields_text(const tb_fields *fields, const char *name); /* NULL: absent */
void tb_fields_clear(tb_fields *fields);

#endif
