#ifndef TB_NN_KERNELS_PRIV_H
#define TB_NN_KERNELS_PRIV_H

#include "nn/ops.h"

/*
 * What is compiled once per instruction set (simd/) and chosen when the program starts. Only the
 * operations of ops.h call these. Every function works on the rows it is given and depends on
 * nothing else.
 */

/* y[t, n] = sum over taps j and channels c of x[t*ldx + xoff[j] + c] * w[n][woff[j] + c]. Lanes run
 * along c; each result is one sum in one order for any number of rows and columns, and whether the
 * weights come in their type or were made f32 before. */
typedef struct {
    const void *x; /* f32; bf16 for gemv_bf16 */
    const void *w; /* rows of `type`, row_bytes apart; block types have one tap */
    tb_dtype type;
    size_t row_bytes;
    const void *end; /* of all rows: memory before it may be read ahead */
    ptrdiff_t ldx;   /* numbers from row to row */
    size_t taps, C;
    const ptrdiff_t *xoff, *woff; /* (taps) numbers */
    float *y;
    ptrdiff_t ldy;
} tb_gemv;

/* Two blocks of x as the products with block types want them (simd/gemv_quant.c); a row has (C / 32
 * + 1) / 2, the last one filled up with zeros. */
typedef struct {
    int32_t q[18];    /* bytes, four a word, in the order of the weights' */
    int32_t start[2]; /* of the blocks' sums: minus what the weights' offset adds */
    float scale[2];
} tb_quant_block_pair;

/* Scores and weighted sums of attention, for up to TB_ATTENTION_ROWS queries of one head. */
enum { TB_ATTENTION_ROWS = 24 };

/* y[i, j] = scale * sum over parts p and k < len[p] of a[i, at[p] + k] b[.., j], set or added; b
 * has a row for every k of every part in turn. Words of f32, or of two bf16 that meet each other's.
 * Lanes run along j: row k of b is vectors of the kernels' width, `apart` words from one to the
 * next; n is a multiple of the width. Each result is one sum in order. */
typedef struct {
    const float *a, *b;
    size_t lda, ldb, apart; /* words */
    size_t parts;
    const ptrdiff_t *at; /* (parts) words */
    const size_t *len;
    float scale; /* of what is set in y, or added to it */
    bool bf16;
    tb_into into;
    float *y;
    size_t ldy;
    /* The last of several sums over parts: what `into` and y say is only added to, and the result,
     * act(it * scales[i] + bias), is set or added here; scale is 1. The first `cols` columns; NULL:
     * not the last. `halves`: bf16 of them, with gemv_bf16 alone, which are only set. */
    void *out;
    size_t ldo, cols; /* numbers */
    bool halves;
    const float *scales; /* per row, with no act; NULL: 1 */
    const float *bias;   /* NULL: none */
    tb_act act;
    tb_into store;
} tb_gemm;

/* Of a row's softmax, part by part; begins with -INFINITY and zeros. */
typedef struct {
    float top;     /* what exponents are taken from */
    float sum[16]; /* of all softmax_block so far, by lanes */
} tb_softmax;

/* Words of a column of a panel, and how far apart vectors of one word are; what products of many
 * rows add up before they go on: a panel is small enough for the second cache. */
enum { TB_PANEL_K = 256, TB_PANEL_LD = TB_PANEL_K + 4 };

typedef struct {
    const char *name;
    size_t width, columns; /* numbers of a vector; columns of a panel, a multiple of it */
    void (*gemv)(const tb_gemv *d, size_t T, size_t N);
    /* C, ldx and the offsets are even. NULL: the CPU cannot. */
    void (*gemv_bf16)(const tb_gemv *d, size_t T, size_t N);
    /* n numbers of `cols` rows of weights turned side by side, so that lanes run along rows: word i
     * of row j is out[(j / width * TB_PANEL_LD + i) * width + j % width]. As f32, or with bf16
     * weights and `bf16` as words of two (n even). There is noise in columns behind `cols`, and in
     * up to three words behind the last. */
    void (*pack_panel)(tb_dtype type, const void *rows, size_t row_bytes, size_t cols, size_t n,
                       bool bf16, float *out);
    /* type q8_0 or q4_0, one tap; x rows of tb_quant_block_pair, ldx pairs apart. y has room for N
     * rounded up to 16; what stands behind N is noise. */
    void (*gemv_quant)(const tb_gemv *d, size_t T, size_t N);
    void (*quantise)(tb_dtype type, const float *x, size_t C, tb_quant_block_pair *out);
    void (*to_f32)(tb_dtype type, const void *src, float *dst, size_t n);
    void (*to_f16)(const float *src, uint16_t *dst, size_t n); /* as tb_f32_to_f16 */
    /* y = act(x + bias), set or added; x rows ldx apart, y rows ldy apart. bias NULL: none. */
    void (*epilogue)(const float *x, size_t ldx, size_t T, size_t N, const float *bias, tb_act act,
                     tb_into store, float *y, size_t ldy);
    /* T rows through a prologue, into f32 (y may be x) or, with gemv_bf16 alone, bf16. */
    void (*prologue)(const tb_prologue *p, const float *x, size_t ldx, size_t T, size_t C, void *y,
                     size_t row_bytes, bool bf16);
    /* y dense f32, or with `bf16`, and gemv_bf16 alone, bf16. */
    void (*layer_norm)(const float *gain, const float *bias, float eps, const float *x, size_t T,
                       size_t C, bool bf16, void *y);
    void (*softmax)(float *x, size_t n);
    /* A part of a softmax: y[i] = e^(x[i] - top), as f32 (y may be x) or, with gemv_bf16 alone,
     * bf16. top is the largest of the first part; where a later one exceeds it by far, that one's,
     * and what was made of earlier parts is to be multiplied by what is returned. */
    float (*softmax_block)(const float *x, size_t n, void *y, bool bf16, tb_softmax *so_far);
    void (*gemm)(const tb_gemm *o, size_t rows, size_t n);
    /* With gemv_bf16 alone. Rows (n, d) as words of two numbers, (d / 2, n), rows ldy apart; d
     * even. Two rows as words of one number of each. */
    void (*transpose_bf16)(const uint16_t *x, size_t ldx, size_t n, size_t d, float *y, size_t ldy);
    void (*interleave_bf16)(const uint16_t *a, const uint16_t *b, size_t d, float *y);
    /* One query of a head against keys where they lie: y[j] = scale * q . k[j], d a multiple of
     * 16, keys of `type` stride bytes apart. What lies before `end` may be read ahead. */
    void (*query_scores)(tb_dtype type, const float *q, size_t d, const void *keys, size_t stride,
                         size_t n, const void *end, float scale, float *y);
    /* y = sum_j p[j] v[j], set or added; n = 0 changes nothing. */
    void (*weighted_values)(tb_dtype type, const float *p, size_t n, const void *values,
                            size_t stride, const void *end, size_t d, tb_into into, float *y);
    void (*depthwise)(const float *w, size_t k, const float *x, size_t T, size_t C, size_t t0,
                      size_t t1, tb_into store, float *y); /* w (k, C): transposed */
    double (*peak)(tb_dtype type, size_t times);           /* tb_nn_peak */
} tb_kernels;

/* The best for this CPU, or what tb_nn_use_isa said. */
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
