#ifndef TB_API_FIELDS_H
#define TB_API_FIELDS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The fields of a request, whatever carried them: multipart, urlencoded, a query or a JSON object
 * (whose scalars become text: 0.8 -> "0.8", true -> "true", null -> absent). Bounded: at most 64
 * fields, names of 64 bytes (longer ones of a JSON object are unknown anyway and passed over).
 * "ids" may be an array in JSON; "pronunciations" is kept as its JSON when it is one or an object.
 * Values are valid UTF-8 without NUL, except files.
 */
typedef struct {
    char *name;
    char *filename; /* a file part's name, NULL for a plain field */
    char *value;    /* NUL-terminated behind size bytes */
    size_t size;
    bool nested; /* JSON: an object or array stood here; value is "" */
} tb_field;

typedef struct {
    tb_field *items;
    size_t n;
    size_t asked; /* how many of them, the first ones, stood in the query */
} tb_fields;

/* takes value (heap), on failure too. TB_EMALFORMED on too many, bad UTF-8, or a name given twice
 * (except "ids"). */
TB_MUST_CHECK tb_status tb_fields_add(tb_fields *fields, const char *name, const char *filename,
                                      char *value, size_t size, tb_err *err);

/* The JSON of a request is checked where it lies (base/json_scan.h), at most 4096 values (else
 * TB_ETOOBIG) and 32 deep, and only what becomes a field is copied.
 *
 * The readers add to out, so that a query and a body can be read into one; on failure out is as it
 * was. A name that stands in both is a duplicate. All of them are linear in len. */
TB_MUST_CHECK tb_status tb_fields_from_json(const char *text, size_t len, tb_fields *out,
                                            tb_err *err);
TB_MUST_CHECK tb_status tb_fields_from_urlencoded(const char *text, size_t len, tb_fields *out,
                                                  tb_err *err);
/* content_type: the whole header, with its boundary. A part with an empty file name and without
 * bytes (a form's empty file input) is absent. filename* wins over filename; folders are cut off,
 * and what is no UTF-8 or not printable is replaced: no file is ever called by it. A part without a
 * file name is a file all the same (filename "") when its name is that of one (file, audio_prompt)
 * and its type or its bytes are not text; file always. */
TB_MUST_CHECK tb_status tb_fields_from_multipart(const char *body, size_t len,
                                                 const char *content_type, tb_fields *out,
                                                 tb_err *err);
/* Any body: by its Content-Type (NULL: none), and by its look where clients send JSON under another
 * type or none. A mark of UTF-8 (BOM) is passed over. TB_EMEDIA for other kinds and for gzip. */
TB_MUST_CHECK tb_status tb_fields_from_body(const char *body, size_t len, const char *content_type,
                                            tb_fields *out, tb_err *err);
const tb_field *tb_fields_get(const tb_fields *fields, const char *name);
const char *tb_fields_text(const tb_fields *fields, const char *name); /* NULL: absent */
/* The bytes of a field, which are the caller's from now on (heap); the field is left empty. NULL
 * when it is absent or was taken before. A large one is moved so, not copied. */
char *tb_fields_take(tb_fields *fields, const char *name, size_t *size);
/* TB_EINVAL for the first of the names (NULL-terminated) that was given as a file, an object or an
 * array where text is wanted. */
TB_MUST_CHECK tb_status tb_fields_want_text(const tb_fields *fields, const char *const *names,
                                            tb_err *err);
void tb_fields_truncate(tb_fields *fields, size_t n); /* forgets all but the first n */
void tb_fields_clear(tb_fields *fields);

#endif
