#ifndef TB_TEST_GATHER_H
#define TB_TEST_GATHER_H

#include "base/mem.h"
#include "golden.h"

#include <stdio.h>
#include <string.h>

/*
 * A trace that keeps everything said under a name, calls one after the other as rows of one array:
 * T3 runs a sequence in pieces (prefix, text, steps) that were recorded as one.
 */
typedef struct {
    char name[64];
    float *x; /* (rows, cols) */
    size_t rows, cols;
} gathered;

typedef struct {
    tb_trace trace;
    gathered of[64];
    size_t n;
} gather;

static inline gathered *gather_find(gather *g, const char *name)
{
    for (size_t i = 0; i < g->n; i++)
        if (!strcmp(g->of[i].name, name)) return &g->of[i];
    return NULL;
}

static inline void gather_put(void *self, const char *name, const float *x, size_t rows,
                              size_t cols, bool transposed)
{
    gather *g = self;
    gathered *a = gather_find(g, name);
    assert_false(transposed);
    if (!a) {
        assert_true(g->n < sizeof g->of / sizeof g->of[0]);
        a = &g->of[g->n++];
        snprintf(a->name, sizeof a->name, "%s", name);
        a->cols = cols;
    }
    assert_int_equal(a->cols, cols);
    a->x = tb_try_realloc(a->x, (a->rows + rows) * cols, sizeof *x);
    assert_non_null(a->x);
    memcpy(a->x + a->rows * cols, x, rows * cols * sizeof *x);
    a->rows += rows;
}

static inline void gather_init(gather *g)
{
    memset(g, 0, sizeof *g);
    g->trace = (tb_trace){.put = gather_put, .self = g};
}

static inline void gather_clear(gather *g)
{
    for (size_t i = 0; i < g->n; i++)
        tb_free(g->of[i].x);
    memset(g, 0, sizeof *g);
}

/* The gathered rows that are named, against a recording of just these. */
static inline void gather_compare(gather *a, const char *name, golden *g, const char *recorded,
                                  const int32_t *rows, size_t n)
{
    const gathered *got = gather_find(a, name);
    if (!got) fail_msg("nothing was traced as %s", name);
    float *x = tb_try_alloc(n * got->cols, sizeof *x);
    for (size_t i = 0; i < n; i++) {
        assert_true((size_t)rows[i] < got->rows);
        memcpy(x + i * got->cols, got->x + (size_t)rows[i] * got->cols, got->cols * sizeof *x);
    }
    golden_compare(g, recorded, x, n, got->cols, false, -1);
    tb_free(x);
}

#endif
