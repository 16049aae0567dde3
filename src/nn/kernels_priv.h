#ifndef TB_NN_KERNELS_PRIV_H
#define TB_NN_KERNELS_PRIV_H

#include "nn/ops.h"

/*
 * The kernels: what is compiled once per instruction set (simd/) and chosen when the program starts
 * (dispatch.c). Only the operations of ops.h call them. A kernel works on the rows it is given,
 * keeps no state and allocates nothing.
 *
 * A "word" is four bytes: one f32, or two bf16 numbers that are multiplied with the two of another
 * word. Kernels that take words compute in either type. docs/kernels.md explains packing and types.
 */

/* GEMV: y[t, n] = sum over taps j and channels c of x[t * ldx + xoff[j] + c] * w[n][woff[j] + c].
 * SIMD lanes run along c. Each result is one sum in one order, for any number of rows and columns,
 * and whether the weights are dequantised on the fly or were converted to f32 before. */
typedef struct {
    const void *x; /* f32; bf16 for gemv_bf16 */
    const void *w; /* rows of `type`, row_bytes apart; block types have one tap */
    tb_dtype type;
    size_t row_bytes;
    const void *end; /* of all weights: memory before it may be read ahead */
    ptrdiff_t ldx;   /* numbers */
    size_t taps, C;
    const ptrdiff_t *xoff, *woff; /* (taps) numbers */
    float *y;
    ptrdiff_t ldy;
} tb_gemv;

/* Two blocks of x, quantised to int8 for the integer dot products with block types
 * (simd/gemv_quant.c). A row has (C / 32 + 1) / 2 of these, the last one padded with zeros. */
typedef struct {
    int32_t q[18];    /* bytes, four a word, in the order of the weights' bytes */
    int32_t start[2]; /* start value of each block's sum: corrects the weights' unsigned offset */
    float scale[2];
} tb_quant_block_pair;

/* Queries of one head that flash attention handles at once. */
enum { TB_ATTENTION_ROWS = 24 };

/* GEMM: y[i, j] = scale * sum over parts p and k < len[p] of a[i, at[p] + k] b[.., j], set or
 * added. b is a packed panel with a row for every k of every part in turn; SIMD lanes run along j.
 * Row k of b is vectors of the kernels' width, panel_stride words from one to the next; n is a
 * multiple of the width. Each result is one sum in order. */
typedef struct {
    const float *a, *b;
    size_t lda, ldb, panel_stride; /* words */
    size_t parts;
    const ptrdiff_t *at; /* (parts) words */
    const size_t *len;   /* (parts) words */
    float scale;         /* of what is set in y, or added to it */
    bool bf16;           /* words of two bf16 */
    tb_into into;
    float *y;
    size_t ldy;
    /* The epilogue, for the last of several calls whose sums add up; NULL: not the last. y is then
     * only read (with into = TB_ADD), scale is 1, and act(sum * scales[i] + bias) of the first
     * `cols` columns is set or added here. out_bf16: as bf16, which can only be set. */
    void *out;
    size_t ldo, cols; /* numbers */
    bool out_bf16;
    const float *scales; /* per row, without act; NULL: 1 */
    const float *bias;   /* NULL: none */
    tb_act act;
    tb_into store;
} tb_gemm;

/* State of a row's online softmax; starts with -INFINITY and zeros. */
typedef struct {
    float top;     /* what is subtracted from the exponents: about the maximum so far */
    float sum[16]; /* of all exponentials so far, by lanes */
} tb_softmax;

/* A packed panel has TB_PANEL_K words per column; consecutive vectors of columns are TB_PANEL_LD
 * words apart, which keeps them out of the same cache sets. It fits the L2 cache. */
enum { TB_PANEL_K = 256, TB_PANEL_LD = TB_PANEL_K + 4 };

typedef struct {
    const char *name;
    size_t width, columns; /* numbers of a vector; columns of a panel, a multiple of width */
    void (*gemv)(const tb_gemv *d, size_t T, size_t N);
    /* C, ldx and the offsets are even. NULL: the CPU has no bf16 dot product, and every argument
     * below that asks for bf16 must be false. */
    void (*gemv_bf16)(const tb_gemv *d, size_t T, size_t N);
    /* Packs n numbers of `cols` rows of weights so that lanes run along the rows: word i of row j
     * is out[(j / width * TB_PANEL_LD + i) * width + j % width]. Dequantised to f32; with bf16
     * weights and `bf16`, words of two numbers (n even). Columns behind `cols`, and up to three
     * words behind the last one, are undefined. */
    void (*pack_panel)(tb_dtype type, const void *rows, size_t row_bytes, size_t cols, size_t n,
                       bool bf16, float *out);
    /* type q8_0 or q4_0, one tap; x rows of tb_quant_block_pair, ldx pairs apart. y has room for N
     * rounded up to 16; what stands behind N is undefined. */
    void (*gemv_quant)(const tb_gemv *d, size_t T, size_t N);
    void (*quantise)(tb_dtype type, const float *x, size_t C, tb_quant_block_pair *out);
    void (*to_f32)(tb_dtype type, const void *src, float *dst, size_t n);
    void (*to_f16)(const float *src, uint16_t *dst, size_t n); /* as tb_f32_to_f16 */
    /* y = act(x + bias), set or added. bias NULL: none. */
    void (*epilogue)(const float *x, size_t ldx, size_t T, size_t N, const float *bias, tb_act act,
                     tb_into store, float *y, size_t ldy);
    /* T rows through a prologue, into f32 (y may be x) or bf16. */
    void (*prologue)(const tb_prologue *p, const float *x, size_t ldx, size_t T, size_t C, void *y,
                     size_t row_bytes, bool bf16);
    /* y dense, f32 or bf16. */
    void (*layer_norm)(const float *gain, const float *bias, float eps, const float *x, size_t T,
                       size_t C, bool bf16, void *y);
    void (*softmax)(float *x, size_t n);
    /* One block of an online softmax: y[i] = e^(x[i] - top), as f32 (y may be x) or bf16. top is
     * the first block's maximum; when a later maximum exceeds it by far, top becomes that one, and
     * what was computed from earlier blocks must be multiplied by the returned factor. */
    float (*softmax_block)(const float *x, size_t n, void *y, bool bf16, tb_softmax *so_far);
    void (*gemm)(const tb_gemm *o, size_t rows, size_t n);
    /* bf16 only. transpose: rows (n, d) to words of two numbers, (d / 2, n), rows ldy words apart;
     * d even. interleave: two rows to words that hold one number of each. */
    void (*transpose_bf16)(const uint16_t *x, size_t ldx, size_t n, size_t d, float *y, size_t ldy);
    void (*interleave_bf16)(const uint16_t *a, const uint16_t *b, size_t d, float *y);
    /* One query of a head against keys in place: y[j] = scale * q . k[j], d a multiple of 16, keys
     * of `type`, stride bytes apart. Memory before `end` may be read ahead. */
    void (*query_scores)(tb_dtype type, const float *q, size_t d, const void *keys, size_t stride,
                         size_t n, const void *end, float scale, float *y);
    /* y = sum_j p[j] v[j], set or added; n = 0 changes nothing. */
    void (*weighted_values)(tb_dtype type, const float *p, size_t n, const void *values,
                            size_t stride, const void *end, size_t d, tb_into into, float *y);
    void (*depthwise)(const float *w, size_t k, const float *x, size_t T, size_t C, size_t t0,
                      size_t t1, tb_into store, float *y); /* w (k, C): transposed */
    double (*peak)(tb_dtype type, size_t times);           /* tb_nn_peak */
} tb_kernels;

/* The best set for this CPU, or the one that tb_nn_use_isa chose. */
const tb_kernels *tb_kernels_here(void);

extern const tb_kernels tb_kernels_generic;
#if defined(TB_HAVE_X86_KERNELS)
extern const tb_kernels tb_kernels_avx2, tb_kernels_avx512, tb_kernels_avx512vnni,
    tb_kernels_avx512bf16;
#endif
#if defined(TB_HAVE_NEON_KERNELS)
extern const tb_kernels tb_kernels_neon, tb_kernels_neondot, tb_kernels_neonbf16;
#endif

#endif
