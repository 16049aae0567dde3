/*
 * The S3 speech tokenizer: log-mel frames to speech tokens, 25 a second.
 *
 * Two strided convolutions, transformer blocks with rotary positions and a depthwise memory filter
 * (FSMN) beside the attention, then a finite scalar quantiser: 8 numbers, 3 levels each. Rounding
 * turns a small error into another token, so everything is computed in f32 and in the reference's
 * order. docs/model/s3tok.md.
 */
#include "model/s3tok.h"

#include "base/mem.h"
#include "dsp/mel.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    HEAD = 64, /* width of a head in the published model */
    LEVELS = 3,
    DIGITS_MAX = 16, /* 3^16 fits an id */
};
static const float ATTN_EPS = 1e-6f, MLP_EPS = 1e-5f; /* they do differ */
static const float BOUND = 0.9990000128746033f; /* keeps tanh off the edge of the outer levels */
static const double ROPE_BASE = 10000.0;

/* ------------------------------------------------------------------ binding */

static tb_mat bind_exact(tb_bind *b, size_t N, size_t K, bool bias, const char *name, size_t i)
{
    tb_mat m = tb_bind_mat(b, N, K, bias, "encoder.blocks.%zu.%s", i, name);
    m.exact = true;
    return m;
}

/* The depthwise filter, (C, k) with k odd: as it lies in the file, or converted. */
static void bind_memory(tb_bind *b, tb_s3tok *t, tb_s3tok_block *w, size_t i)
{
    const tb_tensor *x = tb_bind_tensor(b, "encoder.blocks.%zu.attn.fsmn_block.weight", i);
    if (!x) return;
    const size_t n = tb_tensor_count(x), k = n / t->C;
    if (x->n_dims == 0 || x->dim[0] != t->C || n != t->C * k || k % 2 == 0 || (i && k != t->k) ||
        x->type > TB_BF16) {
        char shape[80];
        tb_tensor_shape(x, shape);
        b->status = tb_fail(b->err, TB_EMODEL,
                            "%s: %sencoder.blocks.%zu.attn.fsmn_block.weight is %s %s; a filter of "
                            "odd length for each of %zu channels is wanted",
                            tb_weights_label(b->weights), b->prefix, i, tb_dtype_name(x->type),
                            shape, t->C);
        return;
    }
    t->k = k;
    w->memory = x->data;
    if (x->type == TB_F32) return;
    w->memory_owned = tb_try_alloc(n, sizeof *w->memory_owned);
    if (!w->memory_owned) {
        b->status = tb_nomem(b->err, n, sizeof *w->memory_owned);
        return;
    }
    tb_to_f32(x->type, x->data, w->memory_owned, n);
    w->memory = w->memory_owned;
}

static void bind_block(tb_bind *b, tb_s3tok *t, size_t i)
{
    tb_s3tok_block *w = &t->blocks[i];
    const size_t C = t->C;

    w->attn_ln_g = tb_bind_vec(b, C, "encoder.blocks.%zu.attn_ln.weight", i);
    w->attn_ln_b = tb_bind_vec(b, C, "encoder.blocks.%zu.attn_ln.bias", i);
    w->query = bind_exact(b, C, C, true, "attn.query", i);
    w->key = bind_exact(b, C, C, false, "attn.key", i);
    w->value = bind_exact(b, C, C, true, "attn.value", i);
    bind_memory(b, t, w, i);
    w->out = bind_exact(b, C, C, true, "attn.out", i);
    w->mlp_ln_g = tb_bind_vec(b, C, "encoder.blocks.%zu.mlp_ln.weight", i);
    w->mlp_ln_b = tb_bind_vec(b, C, "encoder.blocks.%zu.mlp_ln.bias", i);
    w->up = bind_exact(b, 0, C, true, "mlp.0", i);
    w->down = bind_exact(b, C, w->up.N, true, "mlp.2", i);
}

/* A table that the front end can also compute: from the file when it is there in f32 (a rounded one
 * is worse than ours). */
static const float *bind_table(tb_bind *b, size_t n, const char *name)
{
    if (!tb_bind_has(b, "%s", name)) return NULL;
    const tb_tensor *x = tb_bind_tensor(b, "%s", name);
    if (!x) return NULL;
    if (tb_tensor_count(x) != n) {
        char shape[80];
        tb_tensor_shape(x, shape);
        b->status = tb_fail(b->err, TB_EMODEL, "%s: %s%s is %s; %zu numbers are wanted",
                            tb_weights_label(b->weights), b->prefix, name, shape, n);
        return NULL;
    }
    return x->type == TB_F32 ? x->data : NULL;
}

static tb_status check(tb_s3tok *t, size_t heads, const tb_weights *weights, tb_err *err)
{
    t->heads = heads ? heads : t->C / HEAD;
    if (t->C == 0 || t->heads == 0 || t->C % (2 * t->heads))
        return tb_fail(err, TB_EMODEL, "%s: the tokenizer's %zu channels cannot be %zu heads",
                       tb_weights_label(weights), t->C, t->heads);
    if (t->digits == 0 || t->digits > DIGITS_MAX)
        return tb_fail(err, TB_EMODEL, "%s: a speech token of %zu digits; 1 .. %d are possible",
                       tb_weights_label(weights), t->digits, DIGITS_MAX);
    return TB_OK;
}

tb_status tb_s3tok_bind(tb_weights *weights, size_t heads, tb_s3tok *tok, tb_err *err)
{
    tb_bind b = {.weights = weights, .prefix = "tokenizer.", .err = err};
    tb_s3tok t = {0};
    tb_status st;

    t.conv1 = tb_bind_conv(&b, 0, 3, 0, true, "encoder.conv1");
    t.bands = t.conv1.C;
    t.C = t.conv1.w.N;
    t.conv2 = tb_bind_conv(&b, t.C, 3, t.C, true, "encoder.conv2");
    t.conv1.stride = t.conv2.stride = 2;
    t.conv1.pad_left = t.conv1.pad_right = t.conv2.pad_left = t.conv2.pad_right = 1;
    t.conv1.w.exact = t.conv2.w.exact = true;
    t.digit = tb_bind_mat(&b, 0, t.C, true, "quantizer._codebook.project_down");
    t.digit.exact = true;
    t.digits = t.digit.N;
    st = b.status ? b.status : check(&t, heads, weights, err);
    if (st) goto out;
    t.vocab = 1;
    for (size_t i = 0; i < t.digits; i++)
        t.vocab *= LEVELS;

    while (tb_bind_has(&b, "encoder.blocks.%zu.attn_ln.weight", t.n_blocks))
        t.n_blocks++;
    if (t.n_blocks == 0) t.n_blocks = 1; /* so that the error names the missing block */
    t.blocks = tb_alloc(t.n_blocks * sizeof *t.blocks);
    for (size_t i = 0; i < t.n_blocks && !b.status; i++)
        bind_block(&b, &t, i);
    if (!b.status) t.filters = bind_table(&b, t.bands * TB_MEL_S3TOK_BINS, "_mel_filters");
    if (!b.status) t.window = bind_table(&b, TB_MEL_S3TOK_WINDOW, "window");
    st = b.status;
    if (st) goto out;

    *tok = t;
    t = (tb_s3tok){0}; /* ownership has moved to tok */

out:
    tb_s3tok_clear(&t);
    return st;
}

void tb_s3tok_clear(tb_s3tok *tok)
{
    if (!tok) return;
    for (size_t i = 0; tok->blocks && i < tok->n_blocks; i++)
        tb_free(tok->blocks[i].memory_owned);
    tb_free(tok->blocks);
    *tok = (tb_s3tok){0};
}

/* ------------------------------------------------------------------ network */

size_t tb_s3tok_len(size_t frames)
{
    return frames / 4 + (frames % 4 != 0);
}

void tb_s3tok_rope(size_t T, size_t half, float *cosines, float *sines)
{
    for (size_t i = 0; i < half; i++) {
        const float w = (float)pow(ROPE_BASE, -(double)i / (double)half);
        for (size_t t = 0; t < T; t++) {
            const float angle = (float)t * w; /* rounded here, as in the reference */
            cosines[t * half + i] = (float)cos((double)angle);
            sines[t * half + i] = (float)sin((double)angle);
        }
    }
}

/* Rotates the pairs (i, i + half) of every head of x (T, heads * 2 half). */
static void rotate(float *x, size_t T, size_t heads, size_t half, const float *cosines,
                   const float *sines)
{
    for (size_t t = 0; t < T; t++) {
        const float *c = cosines + t * half, *s = sines + t * half;
        for (size_t h = 0; h < heads; h++, x += 2 * half)
            for (size_t i = 0; i < half; i++) {
                const float a = x[i], b = x[half + i];
                x[i] = a * c[i] - b * s[i];
                x[half + i] = b * c[i] + a * s[i];
            }
    }
}

/*
 * One block over T positions; attention sees all of them. Golden tensors: b<i>_*.
 *
 *   x               (T, C)     residual stream, changed in place
 *   cosines, sines  (T, d/2)
 */
static void block(const tb_s3tok *tok, const tb_nn *nn, size_t index, const float *cosines,
                  const float *sines, float *x, size_t T)
{
    const tb_s3tok_block *w = &tok->blocks[index];
    const size_t C = tok->C, d = C / tok->heads, F = w->up.N;
    const tb_attention a = {.heads = tok->heads, .d = d, .scale = 1 / sqrtf((float)d)};
    size_t mark = tb_scratch_mark(nn->scratch);

    float *h = tb_scratch_f32(nn->scratch, T * C); /* (T, C), a layer's input */
    float *q = tb_scratch_f32(nn->scratch, T * C);
    float *k = tb_scratch_f32(nn->scratch, T * C);
    float *v = tb_scratch_f32(nn->scratch, T * C);
    float *y = tb_scratch_f32(nn->scratch, T * C); /* (T, C), what attention or MLP adds to x */
    float *f = tb_scratch_f32(nn->scratch, T * F); /* (T, F) */

    tb_nn_layer_norm(nn, w->attn_ln_g, w->attn_ln_b, ATTN_EPS, x, T, C, h);
    tb_trace_put(nn->trace, h, T, C, "b%zu_attn_ln", index);
    tb_nn_linear(nn, &w->query, h, C, T, TB_ACT_NONE, TB_SET, q, C);
    tb_nn_linear(nn, &w->key, h, C, T, TB_ACT_NONE, TB_SET, k, C);
    tb_nn_linear(nn, &w->value, h, C, T, TB_ACT_NONE, TB_SET, v, C);
    tb_trace_put(nn->trace, q, T, C, "b%zu_q_pre_rope", index);
    tb_trace_put(nn->trace, k, T, C, "b%zu_k_pre_rope", index);
    tb_trace_put(nn->trace, v, T, C, "b%zu_v", index);

    memcpy(y, v, T * C * sizeof *y);
    tb_nn_depthwise(nn, w->memory, tok->k, v, T, C, TB_ADD,
                    y); /* the memory filter reads the values, not rotated */
    tb_trace_put(nn->trace, y, T, C, "b%zu_fsmn", index);

    rotate(q, T, tok->heads, d / 2, cosines, sines);
    rotate(k, T, tok->heads, d / 2, cosines, sines);
    tb_trace_put(nn->trace, q, T, C, "b%zu_q_rope", index);
    tb_trace_put(nn->trace, k, T, C, "b%zu_k_rope", index);
    tb_nn_attention(nn, &a, q, C, T, TB_F32, k, v, C, T, h, C);
    tb_nn_linear(nn, &w->out, h, C, T, TB_ACT_NONE, TB_ADD, y,
                 C); /* adds to the memory filter's output */
    tb_trace_put(nn->trace, y, T, C, "b%zu_attn_out", index);
    tb_nn_add(nn, y, T * C, x);

    tb_nn_layer_norm(nn, w->mlp_ln_g, w->mlp_ln_b, MLP_EPS, x, T, C, h);
    tb_trace_put(nn->trace, h, T, C, "b%zu_mlp_ln", index);
    tb_nn_linear(nn, &w->up, h, C, T, TB_ACT_GELU_ERF, TB_SET, f, F);
    tb_nn_linear(nn, &w->down, f, F, T, TB_ACT_NONE, TB_SET, y, C);
    tb_trace_put(nn->trace, y, T, C, "b%zu_mlp", index);
    tb_nn_add(nn, y, T * C, x);
    tb_trace_put(nn->trace, x, T, C, "b%zu_out", index);

    tb_scratch_release(nn->scratch, mark);
}

/* A row of numbers to a token, the first digit the least significant. */
static int32_t quantise(const float *e, size_t digits, float *margin)
{
    int32_t token = 0, place = 1;
    float least = 0.5f;
    for (size_t j = 0; j < digits; j++, place *= LEVELS) {
        const float u = tanhf(e[j]) * BOUND;
        /* Half rounds to even; NaN still gives a valid token. */
        token += ((u > 0.5f) - (u < -0.5f) + 1) * place;
        least = fminf(least, fabsf(fabsf(u) - 0.5f));
    }
    *margin = least;
    return token;
}

void tb_s3tok_run(const tb_s3tok *tok, const tb_nn *nn, const float *mel, size_t frames,
                  int32_t *tokens, float *margins)
{
    const size_t C = tok->C, half = C / tok->heads / 2;
    size_t mark = tb_scratch_mark(nn->scratch);

    assert(frames > 0);
    const size_t T1 = tb_conv_len(&tok->conv1, frames), T = tb_conv_len(&tok->conv2, T1);
    float *x = tb_scratch_f32(nn->scratch, T * C);           /* (T, C) */
    float *e = tb_scratch_f32(nn->scratch, T * tok->digits); /* (T, digits) */
    float *cosines = tb_scratch_f32(nn->scratch, T * half);  /* (T, d/2) */
    float *sines = tb_scratch_f32(nn->scratch, T * half);
    size_t inner = tb_scratch_mark(nn->scratch);
    float *y = tb_scratch_f32(nn->scratch, T1 * C); /* (T1, C) */
    assert(T == tb_s3tok_len(frames));

    tb_nn_conv(nn, &tok->conv1, NULL, mel, frames, TB_ACT_NONE, TB_SET, y);
    tb_trace_put_t(nn->trace, y, T1, C, "conv1_pre_gelu");
    tb_nn_act(nn, TB_ACT_GELU_ERF, y, T1 * C, y);
    tb_nn_conv(nn, &tok->conv2, NULL, y, T1, TB_ACT_NONE, TB_SET, x);
    tb_trace_put_t(nn->trace, x, T, C, "conv2_pre_gelu");
    tb_nn_act(nn, TB_ACT_GELU_ERF, x, T * C, x);
    tb_scratch_release(nn->scratch, inner);

    tb_s3tok_rope(T, half, cosines, sines);
    for (size_t i = 0; i < tok->n_blocks && !tb_cancelled(nn->cancel); i++)
        block(tok, nn, i, cosines, sines, x, T);

    tb_nn_linear(nn, &tok->digit, x, C, T, TB_ACT_NONE, TB_SET, e, tok->digits);
    tb_trace_put(nn->trace, e, T, tok->digits, "project_down");
    for (size_t t = 0; t < T; t++) {
        float margin;
        tokens[t] = quantise(e + t * tok->digits, tok->digits, &margin);
        if (margins) margins[t] = margin;
    }

    tb_scratch_release(nn->scratch, mark);
}
