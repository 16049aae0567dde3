/*
 * Number types: names, sizes, and conversion from and to f32, one number after the other in plain
 * C. This is the definition that the vectorised kernels (nn/simd) must agree with bit by bit.
 * Rounding is to nearest even; q8_0 and q4_0 are ggml's block formats (tensor.h).
 */
#include "tensor/tensor.h"

#include "base/str.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { Q8_0_BYTES = 2 + TB_QUANT_BLOCK, Q4_0_BYTES = 2 + TB_QUANT_BLOCK / 2 };

static const struct {
    const char *name;
    size_t block;       /* numbers that stand together */
    size_t block_bytes; /* bytes of those */
} types[TB_DTYPE_COUNT] = {
    [TB_F32] = {"f32", 1, 4},
    [TB_F16] = {"f16", 1, 2},
    [TB_BF16] = {"bf16", 1, 2},
    [TB_Q8_0] = {"q8_0", TB_QUANT_BLOCK, Q8_0_BYTES},
    [TB_Q4_0] = {"q4_0", TB_QUANT_BLOCK, Q4_0_BYTES},
    [TB_I32] = {"i32", 1, 4},
    [TB_I64] = {"i64", 1, 8},
    [TB_U8] = {"u8", 1, 1},
};

const char *tb_dtype_name(tb_dtype type)
{
    assert(type < TB_DTYPE_COUNT);
    return types[type].name;
}

bool tb_dtype_parse(const char *name, tb_dtype *out)
{
    for (unsigned i = 0; i < TB_DTYPE_COUNT; i++) {
        if (tb_str_ieq(name, types[i].name)) {
            *out = (tb_dtype)i;
            return true;
        }
    }
    return false;
}

size_t tb_row_bytes(tb_dtype type, size_t n)
{
    assert(type < TB_DTYPE_COUNT && n % types[type].block == 0);
    return n / types[type].block * types[type].block_bytes;
}

size_t tb_tensor_count(const tb_tensor *t)
{
    size_t n = 1;

    for (unsigned i = 0; i < t->n_dims; i++)
        n *= t->dim[i];
    return n;
}

size_t tb_tensor_bytes(const tb_tensor *t)
{
    return tb_row_bytes(t->type, tb_tensor_count(t));
}

void tb_tensor_shape(const tb_tensor *t, char out[80])
{
    size_t len = 1;

    /* Four numbers of 20 digits do not fit; such a shape is cut, not written past the end. */
    snprintf(out, 80, "[");
    for (unsigned i = 0; i < t->n_dims && len < 80; i++)
        len += (size_t)snprintf(out + len, 80 - len, i ? ", %zu" : "%zu", t->dim[i]);
    if (len < 80) snprintf(out + len, 80 - len, "]");
}

static float bits_float(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t float_bits(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

float tb_f16_to_f32(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    const uint32_t exponent = (h >> 10) & 31u, fraction = h & 1023u;

    if (exponent == 31) return bits_float(sign | 0x7f800000u | fraction << 13);
    if (exponent == 0) { /* zero, or fraction * 2^-24, which f32 holds exactly */
        float x = (float)fraction * 0x1p-24f;
        return sign ? -x : x;
    }
    return bits_float(sign | (exponent + 112) << 23 | fraction << 13);
}

uint16_t tb_f32_to_f16(float x)
{
    const uint32_t bits = float_bits(x), sign = bits >> 16 & 0x8000u;
    const uint32_t magnitude = bits & 0x7fffffffu;
    uint32_t half;

    if (magnitude > 0x7f800000u) {
        half = 0x7e00u; /* NaN */
    } else if (magnitude >= 0x477ff000u) {
        half = 0x7c00u; /* 65520 and more round to infinity */
    } else if (magnitude < 0x38800000u) {
        /* Below 2^-14: a multiple of 2^-24. Adding 0.5 makes the FPU round to one, to even. */
        half = float_bits(bits_float(magnitude) + 0.5f) - 0x3f000000u;
    } else {
        half = (magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1u)) >> 13;
    }
    return (uint16_t)(sign | half);
}

float tb_bf16_to_f32(uint16_t h)
{
    return bits_float((uint32_t)h << 16);
}

uint16_t tb_f32_to_bf16(float x)
{
    const uint32_t bits = float_bits(x);

    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40u); /* stays NaN */
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

static uint16_t load_u16(const uint8_t *p)
{
    uint16_t h;

    memcpy(&h, p, sizeof h);
    return h;
}

static void q8_0_to_f32(const uint8_t *src, float *dst, size_t n)
{
    for (size_t i = 0; i < n; i += TB_QUANT_BLOCK, src += Q8_0_BYTES) {
        const float d = tb_f16_to_f32(load_u16(src));

        for (size_t j = 0; j < TB_QUANT_BLOCK; j++)
            dst[i + j] = d * (float)(int8_t)src[2 + j];
    }
}

static void q4_0_to_f32(const uint8_t *src, float *dst, size_t n)
{
    const size_t half = TB_QUANT_BLOCK / 2;

    for (size_t i = 0; i < n; i += TB_QUANT_BLOCK, src += Q4_0_BYTES) {
        const float d = tb_f16_to_f32(load_u16(src));

        for (size_t j = 0; j < half; j++) {
            dst[i + j] = d * (float)((src[2 + j] & 15) - 8);
            dst[i + half + j] = d * (float)((src[2 + j] >> 4) - 8);
        }
    }
}

/* NaN becomes lo: the comparisons are written so. */
static int clamp_int(float x, int lo, int hi)
{
    if (!(x > (float)lo)) return lo;
    return x < (float)hi ? (int)x : hi;
}

/* q is chosen for the scale as it is stored, not for the unrounded one: slightly closer. */
static void f32_to_q8_0(const float *src, uint8_t *dst, size_t n)
{
    for (size_t i = 0; i < n; i += TB_QUANT_BLOCK, dst += Q8_0_BYTES) {
        float most = 0;

        for (size_t j = 0; j < TB_QUANT_BLOCK; j++)
            most = fmaxf(most, fabsf(src[i + j]));
        const uint16_t scale = tb_f32_to_f16(most / 127.0f);
        const float d = tb_f16_to_f32(scale), inverse = d > 0 ? 1.0f / d : 0.0f;
        memcpy(dst, &scale, sizeof scale);
        for (size_t j = 0; j < TB_QUANT_BLOCK; j++)
            dst[2 + j] = (uint8_t)clamp_int(roundf(src[i + j] * inverse), -127, 127);
    }
}

static void f32_to_q4_0(const float *src, uint8_t *dst, size_t n)
{
    const size_t half = TB_QUANT_BLOCK / 2;

    for (size_t i = 0; i < n; i += TB_QUANT_BLOCK, dst += Q4_0_BYTES) {
        float most = 0; /* with its sign: that end of the range has the extra step, -8 */

        for (size_t j = 0; j < TB_QUANT_BLOCK; j++)
            if (fabsf(src[i + j]) > fabsf(most)) most = src[i + j];
        const uint16_t scale = tb_f32_to_f16(most / -8.0f);
        const float d = tb_f16_to_f32(scale), inverse = d != 0 ? 1.0f / d : 0.0f;
        memcpy(dst, &scale, sizeof scale);
        for (size_t j = 0; j < half; j++) {
            const int low = clamp_int(floorf(src[i + j] * inverse + 8.5f), 0, 15);
            const int high = clamp_int(floorf(src[i + half + j] * inverse + 8.5f), 0, 15);

            dst[2 + j] = (uint8_t)(low | high << 4);
        }
    }
}

void tb_to_f32(tb_dtype type, const void *src, float *dst, size_t n)
{
    switch (type) {
    case TB_F32:
        if (n) memcpy(dst, src, n * sizeof *dst);
        break;
    case TB_F16:
        for (size_t i = 0; i < n; i++)
            dst[i] = tb_f16_to_f32(((const uint16_t *)src)[i]);
        break;
    case TB_BF16:
        for (size_t i = 0; i < n; i++)
            dst[i] = tb_bf16_to_f32(((const uint16_t *)src)[i]);
        break;
    case TB_Q8_0:
        assert(n % TB_QUANT_BLOCK == 0);
        q8_0_to_f32(src, dst, n);
        break;
    case TB_Q4_0:
        assert(n % TB_QUANT_BLOCK == 0);
        q4_0_to_f32(src, dst, n);
        break;
    case TB_I32:
        for (size_t i = 0; i < n; i++)
            dst[i] = (float)((const int32_t *)src)[i];
        break;
    case TB_I64:
        for (size_t i = 0; i < n; i++)
            dst[i] = (float)((const int64_t *)src)[i];
        break;
    case TB_U8:
        for (size_t i = 0; i < n; i++)
            dst[i] = (float)((const uint8_t *)src)[i];
        break;
    case TB_DTYPE_COUNT:
        assert(false);
        break;
    }
}

void tb_from_f32(tb_dtype type, const float *src, void *dst, size_t n)
{
    switch (type) {
    case TB_F32:
        if (n) memcpy(dst, src, n * sizeof *src);
        break;
    case TB_F16:
        for (size_t i = 0; i < n; i++)
            ((uint16_t *)dst)[i] = tb_f32_to_f16(src[i]);
        break;
    case TB_BF16:
        for (size_t i = 0; i < n; i++)
            ((uint16_t *)dst)[i] = tb_f32_to_bf16(src[i]);
        break;
    case TB_Q8_0:
        assert(n % TB_QUANT_BLOCK == 0);
        f32_to_q8_0(src, dst, n);
        break;
    case TB_Q4_0:
        assert(n % TB_QUANT_BLOCK == 0);
        f32_to_q4_0(src, dst, n);
        break;
    case TB_I32:
    case TB_I64:
    case TB_U8:
    case TB_DTYPE_COUNT:
        assert(false); /* ids are never made from floats */
        break;
    }
}
