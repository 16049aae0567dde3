/*
 * GEMV: a few rows of x by weights in place. SIMD lanes run along the channels: a tile of MR rows
 * of x by NR rows of weights shares each load of either, dequantising weights once per tile, and
 * ends with a sum over the lanes. Bound by memory bandwidth, hence the streaming loads ahead of the
 * weights. gemv_bf16 is the same code on words of two bf16 numbers.
 */
#include "nn/simd/vector.h"

enum { MR = REGISTERS == 32 ? 6 : 2, NR = 4 };

/* The end of a row that fills no vector; block types have none. */
ALWAYS_INLINE vf dequant_part(const tb_dtype type, const char *row, size_t c, size_t n)
{
    float some[VW] = {0};
    if (type == TB_F32) return load_part((const float *)(const void *)row + c, n);
    tb_to_f32(type, row + c * 2, some, n);
    return load(some);
}

/* The micro-kernel: rows x NR results from (t, n). With cols < NR the last column is repeated and
 * its results are dropped. With bf16, C and the offsets count words of two numbers. */
ALWAYS_INLINE void gemv_tile(const tb_dtype type, const bool bf16, const tb_gemv *d, size_t t,
                             size_t n, const int rows, const int cols)
{
    const float *x[MR];
    const char *w[NR];
    for (int i = 0; i < rows; i++)
        x[i] = (const float *)d->x + (ptrdiff_t)(t + (size_t)i) * d->ldx;
    for (int j = 0; j < NR; j++)
        w[j] = (const char *)d->w + (n + (size_t)(j < cols ? j : cols - 1)) * d->row_bytes;
    vf acc[MR][NR];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < NR; j++)
            acc[i][j] = (vf){0};
    const size_t C = d->C, whole = C - C % VW;
    read_stream next = weight_stream(w[0], NR * d->row_bytes, d->end);
    const size_t step = NR * bytes_of(type, VW);
    for (size_t tap = 0; tap < d->taps; tap++) {
        const ptrdiff_t xo = d->xoff[tap];
        const size_t wo = (size_t)d->woff[tap];
        for (size_t c = 0; c < whole; c += VW) {
            vf b[NR];
            if (rows < MR) read_stream_step(&next, step);
            for (int j = 0; j < NR; j++)
                b[j] = dequant(type, w[j], wo + c);
            for (int i = 0; i < rows; i++) {
                vf a = load(x[i] + xo + c);
                for (int j = 0; j < NR; j++)
                    acc[i][j] = multiply_add(bf16, acc[i][j], a, b[j]);
            }
        }
        if (whole < C) {
            vf b[NR];
            for (int j = 0; j < NR; j++)
                b[j] = dequant_part(type, w[j], wo + whole, C - whole);
            UNROLL
            for (int i = 0; i < rows; i++) {
                vf a = load_part(x[i] + xo + whole, C - whole);
                for (int j = 0; j < NR; j++)
                    acc[i][j] = multiply_add(bf16, acc[i][j], a, b[j]);
            }
        }
    }
    for (int i = 0; i < rows; i++) {
        float s[NR];
        hsum4(acc[i], s);
        float *y = d->y + (ptrdiff_t)(t + (size_t)i) * d->ldy + n;
        for (int j = 0; j < cols; j++)
            y[j] = s[j];
    }
}

ALWAYS_INLINE void gemv_rows(const tb_dtype type, const bool bf16, const tb_gemv *d, size_t T,
                             size_t n, const int cols)
{
    size_t t = 0;
    for (; t + MR <= T; t += MR)
        gemv_tile(type, bf16, d, t, n, MR, cols);
#if REGISTERS == 32
    /* A batch of a few sessions: weights are dequantised once for four or two of them. */
    for (; t + 4 <= T; t += 4)
        gemv_tile(type, bf16, d, t, n, 4, cols);
    for (; t + 2 <= T; t += 2)
        gemv_tile(type, bf16, d, t, n, 2, cols);
#endif
    for (; t < T; t++)
        gemv_tile(type, bf16, d, t, n, 1, cols);
}

ALWAYS_INLINE void gemv_of(const tb_dtype type, const bool bf16, const tb_gemv *d, size_t T,
                           size_t N)
{
    size_t n = 0;
    for (; n + NR <= N; n += NR)
        gemv_rows(type, bf16, d, T, n, NR);
    if (n < N) gemv_rows(type, bf16, d, T, n, (int)(N - n));
}

void KERNEL(gemv)(const tb_gemv *d, size_t T, size_t N)
{
    switch (d->type) {
    case TB_F16:
        gemv_of(TB_F16, false, d, T, N);
        break;
    case TB_BF16:
        gemv_of(TB_BF16, false, d, T, N);
        break;
    case TB_Q8_0:
        gemv_of(TB_Q8_0, false, d, T, N);
        break;
    case TB_Q4_0:
        gemv_of(TB_Q4_0, false, d, T, N);
        break;
    default:
        gemv_of(TB_F32, false, d, T, N);
    }
}

#if defined(TB_ISA_BF16)
void KERNEL(gemv_bf16)(const tb_gemv *d, size_t T, size_t N)
{
    ptrdiff_t xoff[TB_CONV_MAX_TAPS], woff[TB_CONV_MAX_TAPS];
    tb_gemv words = *d;
    words.ldx /= 2;
    words.C /= 2;
    words.xoff = xoff;
    words.woff = woff;
    for (size_t j = 0; j < d->taps; j++) {
        xoff[j] = d->xoff[j] / 2;
        woff[j] = d->woff[j] / 2;
    }
    gemv_of(TB_F32, true, &words, T, N);
}
#endif
