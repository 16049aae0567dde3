#ifndef TB_WEIGHTS_HELP_H
#define TB_WEIGHTS_HELP_H

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "tensor/weights.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Weight files made in memory, tensor by tensor. Everything lives until made_clear. */
typedef struct {
    tb_str header, data, file;
} made;

static inline void made_init(made *m)
{
    tb_str_init(&m->header, 1 << 20);
    tb_str_init(&m->data, 1 << 24);
    tb_str_init(&m->file, 1 << 25);
    tb_str_puts(&m->header, "{");
}

static inline void made_clear(made *m)
{
    tb_str_clear(&m->header);
    tb_str_clear(&m->data);
    tb_str_clear(&m->file);
}

/* dtype as safetensors has it, shape as JSON ("[2,3]"). */
static inline void made_add(made *m, const char *name, const char *dtype, const char *shape,
                            const void *data, size_t size)
{
    tb_str_printf(&m->header, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%zu,%zu]}",
                  m->header.len > 1 ? "," : "", name, dtype, shape, m->data.len,
                  m->data.len + size);
    tb_str_add(&m->data, data, size);
}

/* n f32: 1, 2, 3, ... times step. */
static inline void made_ramp(made *m, const char *name, const char *shape, size_t n, float step)
{
    float *x = tb_alloc((n + 1) * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(i + 1) * step;
    made_add(m, name, "F32", shape, x, n * sizeof *x);
    tb_free(x);
}

/* A file of this header and data. The header is padded to a multiple of 8, as the library's own. */
static inline void made_join(tb_str *out, const char *header, const void *data, size_t size)
{
    const size_t len = (strlen(header) + 7) / 8 * 8;
    unsigned char little[8];
    for (int i = 0; i < 8; i++)
        little[i] = (unsigned char)((uint64_t)len >> 8 * i);
    tb_str_add(out, little, 8);
    tb_str_printf(out, "%-*s", (int)len, header);
    if (size) tb_str_add(out, data, size);
}

static inline void made_end(made *m)
{
    tb_str_puts(&m->header, "}");
    made_join(&m->file, m->header.data, m->data.data, m->data.len);
}

static inline tb_status made_open(made *m, const char *label, tb_weights **out, tb_err *err)
{
    made_end(m);
    return tb_safetensors_read(m->file.data, m->file.len, label, out, err);
}

#endif
