#ifndef TB_TEST_OPS_HELP_H
#define TB_TEST_OPS_HELP_H

#include "base/counter.h"
#include "base/mem.h"
#include "nn/ops.h"

#include <math.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

/* Operations in every instruction set of this machine, against plain C. */

static const char *const sets[] = {"generic",    "avx2", "avx512",  "avx512vnni",
                                   "avx512bf16", "neon", "neondot", "neonbf16"};

enum { SETS = sizeof sets / sizeof sets[0] };

static inline float *noise(const char *name, size_t n, float scale)
{
    float *x = tb_alloc((n ? n : 1) * sizeof *x);
    uint64_t s = tb_counter_stream(name);
    for (size_t i = 0; i < n; i++)
        x[i] = tb_counter_weight(s, i, 0, scale);
    return x;
}

static inline double act(tb_act a, double u)
{
    switch (a) {
    case TB_ACT_NONE:
        return u;
    case TB_ACT_RELU:
        return u > 0 ? u : 0;
    case TB_ACT_LRELU_01:
        return u > 0 ? u : 0.1 * u;
    case TB_ACT_LRELU_001:
        return u > 0 ? u : 0.01 * u;
    case TB_ACT_GELU_TANH:
        return 0.5 * u * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (u + 0.044715 * u * u * u)));
    case TB_ACT_GELU_ERF:
        return 0.5 * u * (1 + erf(u / sqrt(2.0)));
    case TB_ACT_SILU:
        return u / (1 + exp(-u));
    case TB_ACT_MISH:
        return u * tanh(log1p(exp(u)));
    case TB_ACT_ELU:
        return u > 0 ? u : expm1(u);
    case TB_ACT_TANH:
        return tanh(u);
    case TB_ACT_SIGMOID:
        return 1 / (1 + exp(-u));
    }
    return (double)NAN;
}

typedef struct {
    tb_nn nn;
    tb_thread_pool *pool;
} bench;

static inline int open_bench(void **state)
{
    bench *b = tb_alloc(sizeof *b);
    assert_int_equal(tb_thread_pool_new(3, &b->pool, NULL), TB_OK);
    b->nn.pool = b->pool;
    b->nn.scratch = tb_scratch_new();
    *state = b;
    return 0;
}

static inline int close_bench(void **state)
{
    bench *b = *state;
    tb_thread_pool_free(b->pool);
    tb_scratch_free(b->nn.scratch);
    tb_free(b);
    return 0;
}

/* f32 numbers as rows of bf16, rounded as a product would round them. */
static inline tb_rows rounded(const float *x, size_t T, size_t C)
{
    tb_rows r = {TB_BF16, tb_alloc(T * C * 2), C};
    tb_from_f32(TB_BF16, x, r.data, T * C);
    return r;
}

#endif
