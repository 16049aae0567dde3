#ifndef TB_TEST_S3GEN_HELP_H
#define TB_TEST_S3GEN_HELP_H

#include "base/counter.h"
#include "base/mem.h"
#include "model/layout.h"
#include "nn/ops.h"

#include <stdio.h>
#include <string.h>

/* The reduced model that the recordings were made with; heads are not in its shapes. */
enum { TINY_ENC_HEADS = 2, TINY_EST_HEADS = 4 };

static inline tb_weights *tiny_s3gen(tb_dtype type)
{
    tb_err err = {0};
    tb_layout_source src = {0};
    tb_weights *w = NULL;

    if (tb_safetensors_open(TB_TEST_DATA "/golden/tiny_s3gen.weights.safetensors", &src.s3gen,
                            &err) ||
        tb_layout_build(&src, type, "tiny", &w, &err))
        fail_msg("%s", err.msg);
    return w;
}

/* The same tensors, borrowed, without one (may be NULL) and with another under a name (too). */
static inline tb_weights *changed(const tb_weights *from, const char *without, const char *name,
                                  const tb_tensor *t)
{
    tb_weights *w = tb_weights_new("changed");

    for (size_t i = 0; i < tb_weights_count(from); i++)
        if (!without || strcmp(tb_weights_name(from, i), without) != 0)
            assert_int_equal(tb_weights_add(w, tb_weights_name(from, i), tb_weights_at(from, i),
                                            NULL, NULL),
                             TB_OK);
    if (name) assert_int_equal(tb_weights_add(w, name, t, NULL, NULL), TB_OK);
    return w;
}

static inline void normals(const char *stream, float mean, float scale, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = mean + scale * (float)tb_counter_normal(tb_counter_stream(stream), i);
}

/* A trace that sets a flag when it hears a name, and counts what it hears afterwards. */
typedef struct {
    tb_trace trace;
    tb_cancel cancel;
    const char *at;
    size_t after;
} canceller;

static inline void canceller_put(void *self, const char *name, const float *x, size_t rows,
                                 size_t cols, bool transposed)
{
    canceller *c = self;

    (void)x, (void)rows, (void)cols, (void)transposed;
    if (tb_cancelled(&c->cancel)) c->after++;
    if (strcmp(name, c->at) == 0) tb_cancel_set(&c->cancel);
}

#endif
