#include "api/fields.h"
#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(tb_fields *fields, tb_status st, const tb_err *err)
{
    if (st && (fields->n || !err->msg[0] || err->status != st)) abort();
    for (size_t i = 0; i < fields->n; i++) {
        const tb_field *f = &fields->items[i];
        size_t len = strlen(f->name);
        if (len == 0 || len > 64 || !tb_utf8_valid(f->name, len)) abort();
        if (f->value[f->size]) abort();
        if (!f->filename && (strlen(f->value) != f->size || !tb_utf8_valid(f->value, f->size)))
            abort();
        if (f->filename && strpbrk(f->filename, "/\\\r\n")) abort();
        if (strcmp(f->name, "ids") != 0 && tb_fields_get(fields, f->name) != f) abort();
    }
    tb_fields_clear(fields);
}

/* The first line is the content type, what follows is the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *eol = size ? memchr(data, '\n', size) : NULL;
    if (!eol) return 0;
    size_t type_len = (size_t)(eol - data), len = size - type_len - 1;
    char *type = malloc(type_len + 1), *body = malloc(len + !len);
    if (!type || !body) abort();
    if (type_len) memcpy(type, data, type_len);
    type[type_len] = 0;
    if (len) memcpy(body, eol + 1, len);

    tb_fields fields = {0};
    tb_err err = {0};
    tb_status st = tb_fields_from_multipart(body, len, type, &fields, &err);
    check(&fields, st, &err);
    err = (tb_err){0};
    st = tb_fields_from_urlencoded(body, len, &fields, &err);
    check(&fields, st, &err);
    free(type);
    free(body);
    return 0;
}
