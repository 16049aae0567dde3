/* What attention needs besides: a single query over a cache, and words of two bf16. */
#include "nn/simd/turn.h"
#include "nn/simd/vector.h"

#if defined(TB_ISA_BF16)
/* Rows of bf16, words of two: (n, d / 2) -> (d / 2, n). */
void KERNEL(turn_bf16)(const uint16_t *x, size_t n, size_t d, float *y, size_t ldy)
{
    vi panel[16 + 4];
    for (size_t j = 0; j < n; j += VW) {
        const size_t some = n - j < VW ? n - j : VW;
        size_t row[VW];
        for (size_t i = 0; i < VW; i++)
            row[i] = (i < some ? i : some - 1) * d * 2;
        for (size_t c = 0; c < d; c += 32) {
            const size_t words = d - c < 32 ? (d - c) / 2 : 16;
            turn_rows((const char *)(x + j * d + c), row, words * 4, NULL, 0, panel);
            for (size_t g = 0; g < words; g++)
                store_n(y + (c / 2 + g) * ldy + j, (vf)panel[g], some);
        }
    }
}

/* Two rows of bf16, d wide, into words of both. */
void KERNEL(pair_bf16)(const uint16_t *a, const uint16_t *b, size_t d, float *y)
{
    size_t c = 0;
    for (; c + VW <= d; c += VW) {
        const vi low = (vi)from_bf16(a + c) >> 16 & 0xffff;
        store(y + c, (vf)((vi)from_bf16(b + c) | low));
    }
    for (; c < d; c++) {
        const uint32_t both = a[c] | (uint32_t)b[c] << 16;
        memcpy(y + c, &both, sizeof both);
    }
}
#endif

/* Neighbouring heads of a few keys, then of the next: memory is read a row at a time. Those that
 * follow are asked for: rows are a page apart, and no prefetcher of the machine's goes that far. */
enum { KEYS = 8 };

ALWAYS_INLINE void score_of(const tb_dtype type, const float *q, size_t d, const char *keys,
                            size_t stride, size_t n, float scale, float *y)
{
    for (size_t j = 0; j < n; j += 4) {
        const char *k[4];
        vf acc[4] = {{0}};
        float s[4];
        for (size_t i = 0; i < 4; i++)
            k[i] = keys + (j + i < n ? j + i : n - 1) * stride;
        for (size_t c = 0; c < d; c += VW) {
            vf a = load(q + c);
            for (int i = 0; i < 4; i++) {
                __builtin_prefetch(k[i] + KEYS * stride + bytes_of(type, c));
                acc[i] += a * weights(type, k[i], c);
            }
        }
        sum4(acc, s);
        for (size_t i = 0; i < 4 && j + i < n; i++)
            y[j + i] = s[i] * scale;
    }
}

ALWAYS_INLINE void score_heads(const tb_dtype type, const float *q, size_t heads, size_t d,
                               const char *keys, size_t stride, size_t n, float scale, float *y,
                               size_t ldy)
{
    for (size_t j = 0; j < n; j += KEYS)
        for (size_t h = 0; h < heads; h++)
            score_of(type, q + h * d, d, keys + j * stride + bytes_of(type, h * d), stride,
                     n - j < KEYS ? n - j : KEYS, scale, y + h * ldy + j);
}

void KERNEL(score_row)(tb_dtype type, const float *q, size_t heads, size_t d, const void *keys,
                       size_t stride, size_t n, float scale, float *y, size_t ldy)
{
    if (type == TB_F16)
        score_heads(TB_F16, q, heads, d, keys, stride, n, scale, y, ldy);
    else if (type == TB_BF16)
        score_heads(TB_BF16, q, heads, d, keys, stride, n, scale, y, ldy);
    else
        score_heads(TB_F32, q, heads, d, keys, stride, n, scale, y, ldy);
}

/* Four vectors of the result at a time; every one is a sum over j in order. */
ALWAYS_INLINE void mix_of(const tb_dtype type, const float *p, size_t n, const char *values,
                          size_t stride, size_t d, tb_into into, float *y)
{
    size_t c = 0;
    for (; c + 4 * VW <= d; c += 4 * VW) {
        vf acc[4] = {{0}};
        for (size_t i = 0; into == TB_ADD && i < 4; i++)
            acc[i] = load(y + c + i * VW);
        for (size_t j = 0; j < n; j++) {
            vf a = splat(p[j]);
            const char *v = values + j * stride;
            for (size_t i = 0; i < 4; i++) {
                __builtin_prefetch(v + KEYS * stride + bytes_of(type, c + i * VW));
                acc[i] += a * weights(type, v, c + i * VW);
            }
        }
        for (size_t i = 0; i < 4; i++)
            store(y + c + i * VW, acc[i]);
    }
    for (; c < d; c += VW) {
        vf acc = into == TB_ADD ? load(y + c) : (vf){0};
        for (size_t j = 0; j < n; j++)
            acc += splat(p[j]) * weights(type, values + j * stride, c);
        store(y + c, acc);
    }
}

ALWAYS_INLINE void mix_heads(const tb_dtype type, const float *p, size_t ldp, size_t heads,
                             size_t n, const char *values, size_t stride, size_t d, tb_into into,
                             float *y)
{
    for (size_t j = 0; j < n; j += KEYS)
        for (size_t h = 0; h < heads; h++)
            mix_of(type, p + h * ldp + j, n - j < KEYS ? n - j : KEYS,
                   values + j * stride + bytes_of(type, h * d), stride, d, j ? TB_ADD : into,
                   y + h * d);
}

void KERNEL(mix_row)(tb_dtype type, const float *p, size_t ldp, size_t heads, size_t n,
                     const void *values, size_t stride, size_t d, tb_into into, float *y)
{
    if (type == TB_F16)
        mix_heads(TB_F16, p, ldp, heads, n, values, stride, d, into, y);
    else if (type == TB_BF16)
        mix_heads(TB_BF16, p, ldp, heads, n, values, stride, d, into, y);
    else
        mix_heads(TB_F32, p, ldp, heads, n, values, stride, d, into, y);
}
