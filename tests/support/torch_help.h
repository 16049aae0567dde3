#ifndef TB_TEST_TORCH_HELP_H
#define TB_TEST_TORCH_HELP_H

#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Makes files of torch.save, right ones and wrong ones: a zip of stored members, and the opcodes of
 * the pickle inside. */
typedef struct {
    tb_str body, directory;
    unsigned n;
    bool wide;        /* sizes and offsets in ZIP64 fields */
    uint16_t padding; /* bytes of extra field in each local header */
} zip_maker;

static inline void put_little(tb_str *s, uint64_t x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        tb_str_add(s, &(uint8_t){(uint8_t)(x >> 8 * i)}, 1);
}

static inline zip_maker zip_begin(void)
{
    zip_maker z = {0};
    tb_str_init(&z.body, 64 << 20);
    tb_str_init(&z.directory, 1 << 20);
    return z;
}

/* As torch does: bit 3 is set and the local header's sizes are 0. */
static inline void zip_add(zip_maker *z, const char *name, const void *data, size_t size)
{
    static const uint8_t zeros[256];
    size_t len = strlen(name), at = z->body.len;
    tb_str_add(&z->body, "PK\3\4", 4);
    put_little(&z->body, 0, 2);
    put_little(&z->body, 8, 2);
    tb_str_add(&z->body, zeros, 18); /* method, time, checksum, both sizes */
    put_little(&z->body, len, 2);
    put_little(&z->body, z->padding, 2);
    tb_str_add(&z->body, name, len);
    tb_str_add(&z->body, zeros, z->padding);
    if (size) tb_str_add(&z->body, data, size);

    tb_str_add(&z->directory, "PK\1\2", 4);
    put_little(&z->directory, 0, 4);
    put_little(&z->directory, 8, 2);
    tb_str_add(&z->directory, zeros, 10); /* method, time, checksum */
    put_little(&z->directory, z->wide ? UINT32_MAX : size, 4);
    put_little(&z->directory, z->wide ? UINT32_MAX : size, 4);
    put_little(&z->directory, len, 2);
    put_little(&z->directory, z->wide ? 28 : 0, 2);
    tb_str_add(&z->directory, zeros, 10); /* comment, disk, attributes */
    put_little(&z->directory, z->wide ? UINT32_MAX : at, 4);
    tb_str_add(&z->directory, name, len);
    if (z->wide) {
        put_little(&z->directory, 1, 2);
        put_little(&z->directory, 24, 2);
        put_little(&z->directory, size, 8);
        put_little(&z->directory, size, 8);
        put_little(&z->directory, at, 8);
    }
    z->n++;
}

/* The finished file, heap; z is empty after. */
static inline char *zip_end(zip_maker *z, size_t *size)
{
    size_t at = z->body.len, len = z->directory.len;
    if (len) tb_str_add(&z->body, z->directory.data, len);
    if (z->wide) {
        size_t end64 = z->body.len;
        tb_str_add(&z->body, "PK\6\6", 4);
        put_little(&z->body, 44, 8);
        put_little(&z->body, 45, 4);
        put_little(&z->body, 0, 8);
        put_little(&z->body, z->n, 8);
        put_little(&z->body, z->n, 8);
        put_little(&z->body, len, 8);
        put_little(&z->body, at, 8);
        tb_str_add(&z->body, "PK\6\7", 4);
        put_little(&z->body, 0, 4);
        put_little(&z->body, end64, 8);
        put_little(&z->body, 1, 4);
    }
    tb_str_add(&z->body, "PK\5\6", 4);
    put_little(&z->body, 0, 4);
    put_little(&z->body, z->wide ? UINT16_MAX : z->n, 2);
    put_little(&z->body, z->wide ? UINT16_MAX : z->n, 2);
    put_little(&z->body, z->wide ? UINT32_MAX : len, 4);
    put_little(&z->body, z->wide ? UINT32_MAX : at, 4);
    put_little(&z->body, 0, 2);
    *size = z->body.len;
    tb_str_clear(&z->directory);
    return tb_str_take(&z->body);
}

/* Opcodes, in the letters of Python's pickletools. */
static inline void pickle_text(tb_str *p, const char *text)
{
    tb_str_puts(p, "X");
    put_little(p, strlen(text), 4);
    tb_str_puts(p, text);
}

static inline void pickle_int(tb_str *p, int64_t x)
{
    tb_str_puts(p, "\x8A\x08");
    put_little(p, (uint64_t)x, 8);
}

static inline void pickle_sizes(tb_str *p, const int64_t *x, size_t n)
{
    tb_str_puts(p, "(");
    for (size_t i = 0; i < n; i++)
        pickle_int(p, x[i]);
    tb_str_puts(p, "t");
}

typedef struct {
    const char *class; /* "FloatStorage" */
    const char *key;   /* the member data/<key> */
    int64_t numel, offset;
    size_t n_dims;
    int64_t dim[4], stride[4];
} pickled_tensor;

static inline void pickle_tensor(tb_str *p, const pickled_tensor *t)
{
    tb_str_puts(p, "ctorch._utils\n_rebuild_tensor_v2\n((");
    pickle_text(p, "storage");
    tb_str_printf(p, "ctorch\n%s\n", t->class);
    pickle_text(p, t->key);
    pickle_text(p, "cuda:0");
    pickle_int(p, t->numel);
    tb_str_puts(p, "tQ");
    pickle_int(p, t->offset);
    pickle_sizes(p, t->dim, t->n_dims);
    pickle_sizes(p, t->stride, t->n_dims);
    tb_str_puts(p, "\x89"
                   "ccollections\nOrderedDict\n)RtR");
}

#endif
