/*
 * Element-wise and row-wise operations: activations, layer norm, prologues, additions, depthwise
 * convolution, and traces of fused layers. Each divides its rows among the threads in chunks of
 * about 16 K numbers and calls a kernel of simd/elementwise.c. The declarations are in ops.h.
 */
#include "nn/kernels_priv.h"
#include "nn/parallel_priv.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

enum { CHUNK = 1 << 14 }; /* numbers that one iteration of the parallel-for handles */

typedef struct {
    const tb_kernels *k;
    const float *x, *gain, *bias;
    float eps, *y;
    tb_rows to; /* layer norm's y */
    size_t T, C, rows;
    const tb_prologue *pro;
    tb_act act;
    tb_into store;
    size_t taps;
} rowwise;

static size_t rows_of_chunk(size_t C)
{
    return C >= CHUNK ? 1 : CHUNK / C;
}

static void over_rows(const tb_nn *nn, rowwise *r, double cost,
                      void (*chunk)(void *, size_t, void *))
{
    if (r->T == 0 || r->C == 0) return;
    r->k = tb_kernels_here();
    r->rows = rows_of_chunk(r->C);
    tb_parallel_for(nn, (r->T + r->rows - 1) / r->rows, cost * (double)r->T * (double)r->C, 0,
                    chunk, r);
}

static void range_of(const rowwise *r, size_t i, size_t *t0, size_t *t1)
{
    *t0 = i * r->rows;
    *t1 = *t0 + r->rows < r->T ? *t0 + r->rows : r->T;
}

static void norm_chunk(void *op, size_t i, void *scratch)
{
    (void)scratch;
    const rowwise *r = op;
    size_t t0, t1;
    range_of(r, i, &t0, &t1);
    r->k->layer_norm(r->gain, r->bias, r->eps, r->x + t0 * r->C, t1 - t0, r->C,
                     r->to.type == TB_BF16, tb_rows_from(r->to, t0 * r->C).data);
}

void tb_nn_layer_norm(const tb_nn *nn, const float *gain, const float *bias, float eps,
                      const float *x, size_t T, size_t C, float *y)
{
    tb_nn_layer_norm_rows(nn, gain, bias, eps, x, T, C, tb_rows_f32(y, C));
}

void tb_nn_layer_norm_rows(const tb_nn *nn, const float *gain, const float *bias, float eps,
                           const float *x, size_t T, size_t C, tb_rows y)
{
    assert(y.ld == C);
    rowwise r = {.x = x, .gain = gain, .bias = bias, .eps = eps, .to = y, .T = T, .C = C};
    over_rows(nn, &r, 4, norm_chunk);
}

static void act_chunk(void *op, size_t i, void *scratch)
{
    (void)scratch;
    const rowwise *r = op;
    size_t t0, t1;
    range_of(r, i, &t0, &t1);
    r->k->epilogue(r->x + t0 * r->C, r->C, t1 - t0, r->C, r->bias, r->act, r->store,
                   r->y + t0 * r->C, r->C);
}

void tb_nn_act(const tb_nn *nn, tb_act act, const float *x, size_t n, float *y)
{
    rowwise r = {.x = x, .y = y, .T = n, .C = 1, .act = act, .store = TB_SET};
    if (n % 16 == 0) { /* rows that fill vectors */
        r.T = n / 16;
        r.C = 16;
    } else {
        r.T = 1;
        r.C = n;
    }
    over_rows(nn, &r, 10, act_chunk);
}

static void pro_chunk(void *op, size_t i, void *scratch)
{
    (void)scratch;
    const rowwise *r = op;
    size_t t0, t1;
    range_of(r, i, &t0, &t1);
    r->k->prologue(r->pro, r->x + t0 * r->C, r->C, t1 - t0, r->C, r->y + t0 * r->C,
                   r->C * sizeof *r->y, false);
}

void tb_nn_prologue(const tb_nn *nn, const tb_prologue *pro, const float *x, size_t T, size_t C,
                    float *y)
{
    rowwise r = {.x = x, .y = y, .T = T, .C = C, .pro = pro};
    over_rows(nn, &r, 10, pro_chunk);
}

void tb_nn_add(const tb_nn *nn, const float *x, size_t n, float *y)
{
    rowwise r = {.x = x, .y = y, .T = 1, .C = n, .act = TB_ACT_NONE, .store = TB_ADD};
    if (n % 16 == 0) {
        r.T = n / 16;
        r.C = 16;
    }
    over_rows(nn, &r, 1, act_chunk);
}

static void add_row_chunk(void *op, size_t i, void *scratch)
{
    (void)scratch;
    const rowwise *r = op;
    size_t t0, t1;
    range_of(r, i, &t0, &t1);
    r->k->epilogue(r->bias, 0, t1 - t0, r->C, NULL, TB_ACT_NONE, TB_ADD, r->y + t0 * r->C, r->C);
}

void tb_nn_add_row(const tb_nn *nn, const float *row, size_t T, size_t C, float *y)
{
    rowwise r = {.bias = row, .y = y, .T = T, .C = C};
    over_rows(nn, &r, 1, add_row_chunk);
}

void tb_nn_scale(const tb_nn *nn, float a, size_t n, float *y)
{
    (void)nn; /* memory-bound and rare: not worth a thread */
    for (size_t i = 0; i < n; i++)
        y[i] *= a;
}

static void depthwise_chunk(void *op, size_t i, void *scratch)
{
    (void)scratch;
    const rowwise *r = op;
    size_t t0, t1;
    range_of(r, i, &t0, &t1);
    r->k->depthwise(r->gain, r->taps, r->x, r->T, r->C, t0, t1, r->store, r->y);
}

void tb_nn_depthwise(const tb_nn *nn, const float *w, size_t k, const float *x, size_t T, size_t C,
                     tb_into store, float *y)
{
    size_t mark = tb_scratch_mark(nn->scratch);
    float *transposed = tb_scratch_f32(nn->scratch, k * C); /* (k, C): lanes run along channels */
    for (size_t c = 0; c < C; c++)
        for (size_t j = 0; j < k; j++)
            transposed[j * C + c] = w[c * k + j];
    rowwise r = {.x = x, .gain = transposed, .y = y, .T = T, .C = C, .taps = k, .store = store};
    over_rows(nn, &r, (double)k, depthwise_chunk);
    tb_scratch_release(nn->scratch, mark);
}

void tb_nn_to_f16(const float *x, size_t n, uint16_t *y)
{
    tb_kernels_here()->to_f16(x, y, n);
}

TB_PRINTF(5, 0)
static void trace_rows(const tb_nn *nn, tb_rows x, size_t T, size_t C, const char *fmt,
                       va_list args)
{
    const size_t mark = tb_scratch_mark(nn->scratch);
    char name[96];
    const float *y = x.data;
    vsnprintf(name, sizeof name, fmt, args);
    assert(x.ld == C);
    if (x.type != TB_F32) {
        float *wide = tb_scratch_f32(nn->scratch, T * C);
        tb_to_f32(x.type, x.data, wide, T * C);
        y = wide;
    }
    tb_trace_put(nn->trace, y, T, C, "%s", name);
    tb_scratch_release(nn->scratch, mark);
}

void tb_nn_trace_rows(const tb_nn *nn, tb_rows x, size_t T, size_t C, const char *fmt, ...)
{
    if (!nn->trace) return;
    va_list args;
    va_start(args, fmt);
    trace_rows(nn, x, T, C, fmt, args);
    va_end(args);
}

void tb_nn_trace_linear(const tb_nn *nn, const tb_mat *w, tb_rows x, size_t T, const char *fmt, ...)
{
    if (!nn->trace) return;
    const size_t mark = tb_scratch_mark(nn->scratch);
    const tb_rows y = tb_nn_rows(nn, TB_F32, T, w->N);
    tb_nn_linear_rows(nn, w, x, T, TB_ACT_NONE, TB_SET, y);
    va_list args;
    va_start(args, fmt);
    trace_rows(nn, y, T, w->N, fmt, args);
    va_end(args);
    tb_scratch_release(nn->scratch, mark);
}
