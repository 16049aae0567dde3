#ifndef TB_NN_OPS_H
#define TB_NN_OPS_H

#include "base/cancel.h"
#include "nn/scratch.h"
#include "nn/thread_pool.h"
#include "nn/trace.h"
#include "tensor/tensor.h"

/*
 * The operations of the compute core: matmul (matmul.c), attention (attention.c), element-wise and
 * row-wise ones (elementwise.c). Activations are f32 (but see tb_rows), (T, C): time outermost,
 * channels contiguous. Operations assert their arguments, they do not check them. Results depend
 * neither on the number of threads nor on the other rows of the call: every output number is one
 * sum in one order.
 */

/* Where a network may pause for more urgent work: asked between two operations, on the thread that
 * runs it. */
typedef struct {
    bool (*due)(void *self); /* cheap */
    void (*wait)(void *self);
    void *self;
} tb_nn_yield;

/* The context in which a network runs: one per worker thread. The pool may be shared. */
typedef struct {
    tb_thread_pool *pool;  /* NULL: the calling thread alone */
    tb_scratch *scratch;   /* arena for temporaries */
    const tb_trace *trace; /* where inner activations are reported; NULL in service */
    /* NULL: not cancellable. A network that returns void may stop early once this is set; its
     * results are then undefined, and the caller checks this afterwards. */
    const tb_cancel *cancel;
    const tb_nn_yield *yield; /* NULL: it never pauses */
} tb_nn;

static inline bool tb_nn_yield_due(const tb_nn *nn)
{
    return nn->yield && nn->yield->due(nn->yield->self);
}

/* The weights of y = W x + b, W (N, K), in any weight type. Computed in f32; bf16 weights in bf16
 * with f32 sums if the CPU has the instruction; block types in int8 with f32 scales. */
typedef struct {
    tb_dtype type;
    size_t N, K;
    const void *rows;  /* N rows of tb_row_bytes(type, K) */
    const float *bias; /* (N) or NULL */
    bool exact;        /* dequantise and compute in f32 whatever the type */
} tb_mat;

typedef enum {
    TB_ACT_NONE,
    TB_ACT_RELU,
    TB_ACT_LRELU_01,  /* slope 0.1 */
    TB_ACT_LRELU_001, /* slope 0.01 */
    TB_ACT_GELU_TANH,
    TB_ACT_GELU_ERF,
    TB_ACT_SILU,
    TB_ACT_MISH,
    TB_ACT_ELU,
    TB_ACT_TANH,
    TB_ACT_SIGMOID,
} tb_act;

typedef enum { TB_SET, TB_ADD } tb_into; /* y = ... or y += ... */

/* Activations between two matmuls, leading dimension ld: f32, or bf16 if the next matmul would
 * convert them to bf16 anyway (tb_nn_matmul_type). Other operations read f32 only. */
typedef struct {
    tb_dtype type;
    void *data;
    size_t ld;
} tb_rows;

/* The activation type that a matmul with w consumes without conversion: bf16 or f32. */
tb_dtype tb_nn_matmul_type(const tb_mat *w);
tb_rows tb_nn_rows(const tb_nn *nn, tb_dtype type, size_t T, size_t C); /* (T, C), in scratch */
static inline tb_rows tb_rows_f32(const float *x, size_t ld)
{
    return (tb_rows){TB_F32, (void *)(uintptr_t)x, ld};
}
static inline tb_rows tb_rows_from(tb_rows r, size_t column)
{
    r.data = (char *)r.data + tb_row_bytes(r.type, column);
    return r;
}

/* At most this many rows take the GEMV path, where a row's result does not depend on the others: so
 * many sessions may share a decode step. */
enum { TB_NN_GEMV_ROWS = 32 };

/* y = act(x W^T + b), set or added.  x (T, K), y (T, N), leading dimensions ldx and ldy. y must not
 * overlap x. */
void tb_nn_linear(const tb_nn *nn, const tb_mat *w, const float *x, size_t ldx, size_t T,
                  tb_act act, tb_into store, float *y, size_t ldy);
/* The same with x in bf16 if tb_nn_matmul_type(w) is bf16, and y in bf16 (TB_SET only) if the CPU
 * has bf16 dot products. */
void tb_nn_linear_rows(const tb_nn *nn, const tb_mat *w, tb_rows x, size_t T, tb_act act,
                       tb_into store, tb_rows y);
/* Like tb_trace_put, for dense rows of any activation type. */
void tb_nn_trace_rows(const tb_nn *nn, tb_rows x, size_t T, size_t C, const char *fmt, ...)
    TB_PRINTF(5, 6);
/* Reports the result of a linear layer that is fused with an epilogue: computes it once more,
 * without the epilogue, and only when there is a trace. */
void tb_nn_trace_linear(const tb_nn *nn, const tb_mat *w, tb_rows x, size_t T, const char *fmt, ...)
    TB_PRINTF(5, 6);

enum { TB_CONV_MAX_TAPS = 64 };

/* A convolution over time; k <= TB_CONV_MAX_TAPS taps; weights (N, k, C) [out, k, in], rows of k *
 * C.
 */
typedef struct {
    tb_mat w;
    size_t k, C;
    size_t stride, dilation; /* 0 means 1 */
    size_t pad_left, pad_right;
} tb_conv;

/* Fused before a convolution, per channel c. */
typedef struct {
    tb_act act;                 /* applied first */
    const float *alpha;         /* (C): snake, u + sin^2(alpha u) / (alpha + 1e-9); NULL: none */
    const float *scale, *shift; /* (C): act(scale x + shift), batch norm before the activation */
} tb_prologue;

size_t tb_conv_len(const tb_conv *c, size_t T); /* rows out for T rows in */
/*   x (T, C) dense; y (tb_conv_len, N) dense. pro may be NULL. y must not overlap x. A row of y is
 * the same whatever rows come with it. */
void tb_nn_conv(const tb_nn *nn, const tb_conv *c, const tb_prologue *pro, const float *x, size_t T,
                tb_act act, tb_into store, float *y);

/* Transposed convolution: weights stored (N, k, C) [out, k, in]; out length (T-1) stride + k - 2
 * pad with pad = pad_left. y (that, N) dense. */
size_t tb_conv_transpose_len(const tb_conv *c, size_t T);
void tb_nn_conv_transpose(const tb_nn *nn, const tb_conv *c, const tb_prologue *pro, const float *x,
                          size_t T, tb_into store, float *y);

/* Depthwise: y[t,c] = sum_j w[c,j] x[t+j-pad,c], w (C, k). y (T, C), k odd, pad (k-1)/2. */
void tb_nn_depthwise(const tb_nn *nn, const float *w, size_t k, const float *x, size_t T, size_t C,
                     tb_into store, float *y);

/* Over the last axis; two-pass variance. y may be x. */
void tb_nn_layer_norm(const tb_nn *nn, const float *gain, const float *bias, float eps,
                      const float *x, size_t T, size_t C, float *y);
/* The same into dense rows. */
void tb_nn_layer_norm_rows(const tb_nn *nn, const float *gain, const float *bias, float eps,
                           const float *x, size_t T, size_t C, tb_rows y);

/* y[i] = act(x[i]); y may be x. */
void tb_nn_act(const tb_nn *nn, tb_act act, const float *x, size_t n, float *y);
/* A prologue by itself. y may be x. */
void tb_nn_prologue(const tb_nn *nn, const tb_prologue *pro, const float *x, size_t T, size_t C,
                    float *y);
void tb_nn_add(const tb_nn *nn, const float *x, size_t n, float *y); /* y += x */
void tb_nn_add_row(const tb_nn *nn, const float *row, size_t T, size_t C,
                   float *y);                                   /* y[t] += row */
void tb_nn_scale(const tb_nn *nn, float a, size_t n, float *y); /* y *= a */

/*
 * out[i] = softmax_j(score[i,j]) v[j] for every head, score[i,j] = scale * q[i].k[j].
 * Heads are contiguous d-wide slices of a row of q and out. k, v may be f32 or f16 (a KV cache).
 * With `bf16`, on a CPU that has bf16 dot products, q, k, v (rel has the type of k) and out may
 * each be bf16.
 */
typedef struct {
    size_t heads, d;
    size_t ldh; /* numbers from a head's keys to the next one's; 0: d, heads are slices of a row */
    float scale;
    bool causal; /* query i (0-based in this call) sees keys 0 .. past + i */
    size_t past;
    /* The conformer's relative position term: score += scale * (q[i] + v_bias) . r(i - j), and the
     * first term's query becomes q[i] + u_bias. r has rows T-1-(i-j), (2T-1, heads * d), T = Tq =
     * Tk, of the type of the keys. u_bias, v_bias (heads * d). All NULL: no such term. */
    const void *rel;
    const float *u_bias, *v_bias;
    /* Multiply in bf16 with f32 sums where the CPU can (softmax stays f32). Only with several
     * queries, keys that are not f16, and d a multiple of 16. */
    bool bf16;
    /* A prefix shared by several sequences: keys and values 0 .. prefix_len - 1 are here (same type
     * and leading dimension, heads prefix_ldh apart), k and v start at number prefix_len. */
    const void *prefix_k, *prefix_v;
    size_t prefix_len, prefix_ldh; /* prefix_ldh 0: d */
} tb_attention;

void tb_nn_attention(const tb_nn *nn, const tb_attention *a, const float *q, size_t ldq, size_t Tq,
                     tb_dtype kv_type, const void *k, const void *v, size_t ldkv, size_t Tk,
                     float *out, size_t ldo);
/* The type of q, k and v that attention consumes without conversion: bf16 or f32. */
tb_dtype tb_nn_attention_type(const tb_attention *a);
/* The same with bf16 if tb_nn_attention_type(a) is bf16; v has the type and leading dimension of k.
 */
void tb_nn_attention_rows(const tb_nn *nn, const tb_attention *a, tb_rows q, size_t Tq, tb_rows k,
                          const void *v, size_t Tk, tb_rows out);

/* tb_from_f32 to f16, vectorised. */
void tb_nn_to_f16(const float *x, size_t n, uint16_t *y);

/* Which kernels run here: "generic", "avx2", "avx512", "avx512vnni", "avx512bf16", "neon",
 * "neondot", "neonbf16". */
const char *tb_nn_isa(void);
/* For tests and benches: restrict to the named set or a lesser one. False when this CPU lacks it.
 */
bool tb_nn_use_isa(const char *name);
/* For benchmarks: runs only multiply-adds of `type` (f32, bf16, q8_0 for int8) on registers and
 * returns how many operations it did: divided by the time, this core's peak rate. 0: the CPU has no
 * instruction for the type. */
double tb_nn_peak(tb_dtype type, size_t times);

#endif
