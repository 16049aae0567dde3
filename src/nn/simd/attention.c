/*
 * Attention kernels: one query over a KV cache (a decode step), and packing of bf16 keys and values
 * for flash attention. The single-query kernels read keys and values in place, in address order,
 * with streaming loads; head width 64, that of every published T3, has loops of constant length.
 */
#include "nn/simd/transpose.h"
#include "nn/simd/vector.h"

enum { HEAD = 64 }; /* head width of every published T3 */

#if defined(TB_ISA_BF16)
/* Transposes rows of bf16 as words of two: (n, d / 2) -> (d / 2, n). */
void KERNEL(transpose_bf16)(const uint16_t *x, size_t ldx, size_t n, size_t d, float *y, size_t ldy)
{
    vi panel[16 + 4];
    for (size_t j = 0; j < n; j += VW) {
        const size_t some = n - j < VW ? n - j : VW;
        size_t row[VW];
        for (size_t i = 0; i < VW; i++)
            row[i] = (i < some ? i : some - 1) * ldx * 2;
        for (size_t c = 0; c < d; c += 32) {
            const size_t words = d - c < 32 ? (d - c) / 2 : 16;
            transpose_rows((const char *)(x + j * ldx + c), row, words * 4, panel);
            for (size_t g = 0; g < words; g++)
                store_n(y + (c / 2 + g) * ldy + j, (vf)panel[g], some);
        }
    }
}

/* Interleaves two rows of bf16, d wide: word c holds a[c] and b[c]. */
void KERNEL(interleave_bf16)(const uint16_t *a, const uint16_t *b, size_t d, float *y)
{
    size_t c = 0;
    for (; c + VW <= d; c += VW) {
        const vi low = (vi)load_bf16(a + c) >> 16 & 0xffff;
        store(y + c, (vf)((vi)load_bf16(b + c) | low));
    }
    for (; c < d; c++) {
        const uint32_t both = a[c] | (uint32_t)b[c] << 16;
        memcpy(y + c, &both, sizeof both);
    }
}
#endif

/* The streaming loads of a cache: sequential from its beginning to `end`. */
ALWAYS_INLINE read_stream kv_stream(const char *rows)
{
    return (read_stream){.read = rows + LOAD_DISTANCE,
                         .prefetch = rows + LOAD_DISTANCE + PREFETCH_DISTANCE,
                         .mask = SIZE_MAX};
}

ALWAYS_INLINE void kv_stream_step(read_stream *a, size_t bytes, const void *end)
{
    if (a->read + bytes <= (const char *)end) read_stream_step(a, bytes);
}

ALWAYS_INLINE void query_scores_of(const tb_dtype type, const float *q, const size_t d,
                                   const char *keys, size_t stride, size_t n, const void *end,
                                   float scale, float *y)
{
    read_stream next = kv_stream(keys);
    for (size_t j = 0; j < n; j += 4) {
        const char *k[4];
        vf acc[4] = {{0}};
        float s[4];
        for (size_t i = 0; i < 4; i++)
            k[i] = keys + (j + i < n ? j + i : n - 1) * stride;
        kv_stream_step(&next, 4 * bytes_of(type, d), end);
        for (size_t c = 0; c < d; c += VW) {
            vf a = load(q + c);
            for (int i = 0; i < 4; i++)
                acc[i] = fmadd(a, dequant(type, k[i], c), acc[i]);
        }
        hsum4(acc, s);
        for (size_t i = 0; i < 4 && j + i < n; i++)
            y[j + i] = s[i] * scale;
    }
}

void KERNEL(query_scores)(tb_dtype type, const float *q, size_t d, const void *keys, size_t stride,
                          size_t n, const void *end, float scale, float *y)
{
    if (type == TB_F16 && d == HEAD)
        query_scores_of(TB_F16, q, HEAD, keys, stride, n, end, scale, y);
    else if (type == TB_F16)
        query_scores_of(TB_F16, q, d, keys, stride, n, end, scale, y);
    else if (type == TB_BF16)
        query_scores_of(TB_BF16, q, d, keys, stride, n, end, scale, y);
    else
        query_scores_of(TB_F32, q, d, keys, stride, n, end, scale, y);
}

/* Four vectors of the result at a time; each result is a sum over j in order. */
ALWAYS_INLINE void weighted_values_of(const tb_dtype type, const float *p, size_t n,
                                      const char *values, size_t stride, const void *end,
                                      const size_t d, tb_into into, float *y)
{
    size_t c = 0;
    for (; c + 4 * VW <= d; c += 4 * VW) {
        read_stream next = kv_stream(values);
        vf acc[4] = {{0}};
        for (size_t i = 0; into == TB_ADD && i < 4; i++)
            acc[i] = load(y + c + i * VW);
        for (size_t j = 0; j < n; j++) {
            vf a = splat(p[j]);
            const char *v = values + j * stride;
            if (c == 0) kv_stream_step(&next, bytes_of(type, d), end);
            for (size_t i = 0; i < 4; i++)
                acc[i] = fmadd(a, dequant(type, v, c + i * VW), acc[i]);
        }
        for (size_t i = 0; i < 4; i++)
            store(y + c + i * VW, acc[i]);
    }
    for (; c < d; c += VW) {
        vf acc = into == TB_ADD ? load(y + c) : (vf){0};
        for (size_t j = 0; j < n; j++)
            acc = fmadd(splat(p[j]), dequant(type, values + j * stride, c), acc);
        store(y + c, acc);
    }
}

void KERNEL(weighted_values)(tb_dtype type, const float *p, size_t n, const void *values,
                             size_t stride, const void *end, size_t d, tb_into into, float *y)
{
    if (type == TB_F16 && d == HEAD)
        weighted_values_of(TB_F16, p, n, values, stride, end, HEAD, into, y);
    else if (type == TB_F16)
        weighted_values_of(TB_F16, p, n, values, stride, end, d, into, y);
    else if (type == TB_BF16)
        weighted_values_of(TB_BF16, p, n, values, stride, end, d, into, y);
    else
        weighted_values_of(TB_F32, p, n, values, stride, end, d, into, y);
}
