#ifndef TB_TENSOR_TENSOR_H
#define TB_TENSOR_TENSOR_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers as weight files hold them. A tensor is row-major, slowest axis first, little endian;
 * block types (q8_0, q4_0) run along the last axis in blocks of 32. */
typedef enum {
    TB_F32,
    TB_F16,
    TB_BF16,
    TB_Q8_0, /* f16 scale d, 32 x int8:               w = d * q            34 bytes */
    TB_Q4_0, /* f16 scale d, 32 x 4 bits, low nibbles first 16: w = d * (q - 8)  18 bytes */
    TB_I32,  /* the last three: ids and scalars in files, never weights */
    TB_I64,
    TB_U8,
    TB_DTYPE_COUNT
} tb_dtype;

enum { TB_MAX_DIMS = 4, TB_QUANT_BLOCK = 32 };

typedef struct {
    tb_dtype type;
    unsigned n_dims; /* 0: a scalar */
    size_t dim[TB_MAX_DIMS];
    const void *data; /* borrowed from the file or set it came with */
} tb_tensor;

const char *tb_dtype_name(tb_dtype type); /* "f32", "f16", "bf16", "q8_0", ... */
bool tb_dtype_parse(const char *name, tb_dtype *out);

/* Bytes of one row of n numbers. n must be a multiple of 32 for block types. */
size_t tb_row_bytes(tb_dtype type, size_t n);
size_t tb_tensor_count(const tb_tensor *t); /* numbers in it */
size_t tb_tensor_bytes(const tb_tensor *t);
void tb_tensor_shape(const tb_tensor *t, char out[80]); /* "[1024, 256]" */

/* n numbers from or to f32. Rounding is to nearest even; q8_0: d = max|x| / 127 rounded to f16, q =
 * round(x / d); q4_0: d = (the value of largest magnitude) / -8. Any n except for block types. */
void tb_to_f32(tb_dtype type, const void *src, float *dst, size_t n);
void tb_from_f32(tb_dtype type, const float *src, void *dst, size_t n);
float tb_f16_to_f32(uint16_t h);
uint16_t tb_f32_to_f16(float x);
float tb_bf16_to_f32(uint16_t h);
uint16_t tb_f32_to_bf16(float x);

#endif
