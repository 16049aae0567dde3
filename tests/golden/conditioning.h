#ifndef TB_TEST_CONDITIONING_H
#define TB_TEST_CONDITIONING_H

#include "base/mem.h"
#include "golden.h"
#include "model/layout.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * What the tests of conditioning share. The recordings of conditioning carry one tolerance per
 * group of tensors, which stands in the test, and those of the full-size networks hold 24 moments
 * of each array, time first: the first 8, 8 from the middle and the last 8.
 */
enum { MOMENTS = 24 };

typedef struct {
    const char *name; /* a tensor with a tolerance of its own */
    double tolerance;
} tight;

typedef struct {
    tb_trace trace;
    golden *g;
    double tolerance;   /* largest difference from the recording */
    const tight *tight; /* ends at a NULL name; may be NULL */
    bool sampled;
} cond_trace;

static inline double cond_tolerance(const cond_trace *t, const char *name)
{
    for (const tight *x = t->tight; x && x->name; x++)
        if (!strcmp(x->name, name)) return x->tolerance;
    return t->tolerance;
}

static inline void cond_put(void *self, const char *name, const float *x, size_t rows, size_t cols,
                            bool transposed)
{
    cond_trace *t = self;
    char full[160];
    snprintf(full, sizeof full, "%s%s", t->g->prefix, name);
    const tb_tensor *want = tb_weights_find(t->g->tensors, full);
    if (!want) return;
    const double tolerance = cond_tolerance(t, name);
    if (!t->sampled || want->n_dims != 2 || want->dim[0] != MOMENTS || rows <= MOMENTS) {
        golden_compare(t->g, name, x, rows, cols, transposed && !t->sampled, tolerance);
        return;
    }
    float *some = tb_alloc(MOMENTS * cols * sizeof *some);
    const size_t from[3] = {0, rows / 2, rows - 8};
    for (size_t i = 0; i < 3; i++)
        memcpy(some + i * 8 * cols, x + from[i] * cols, 8 * cols * sizeof *some);
    golden_compare(t->g, name, some, MOMENTS, cols, false, tolerance);
    tb_free(some);
}

static inline void cond_listen(cond_trace *t, golden *g, double tolerance, const tight *list)
{
    *t = (cond_trace){.trace = {.put = cond_put, .self = t},
                      .g = g,
                      .tolerance = tolerance,
                      .tight = list};
}

/* A recording of (cols, rows), turned to (rows, cols). Heap. */
static inline float *cond_turned(const golden *g, const char *name)
{
    const float *x = golden_f32(g, name, NULL);
    const size_t cols = golden_dim(g, name, 0), rows = golden_dim(g, name, 1);
    float *y = tb_alloc(rows * cols * sizeof *y);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            y[r * cols + c] = x[c * rows + r];
    return y;
}

/* Our layout of one file's tensors, names with a prefix, stored as type. */
static inline tb_weights *cond_weights(const char *path, const char *s3gen_prefix,
                                       const char *ve_prefix, tb_dtype type)
{
    tb_weights *file = NULL, *out = NULL;
    tb_err err = {0};
    if (tb_safetensors_open(path, &file, &err)) fail_msg("%s", err.msg);
    const tb_layout_source src = {.s3gen = s3gen_prefix ? file : NULL,
                                  .ve = ve_prefix ? file : NULL,
                                  .s3gen_prefix = s3gen_prefix,
                                  .ve_prefix = ve_prefix};
    if (tb_layout_build(&src, type, path, &out, &err)) fail_msg("%s", err.msg);
    return out;
}

/* Tokens must be equal where the reference's own distance from another level is above the noise of
 * f32, by a factor of a hundred; below it a digit may differ by one. margins may be NULL: all. */
static inline void cond_compare_tokens(const int32_t *got, const int32_t *want,
                                       const float *margins, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (got[i] != want[i] && (!margins || margins[i] > 2e-4F))
            fail_msg("token %zu is %d, recorded %d", i, (int)got[i], (int)want[i]);
}

#endif
