/*
 * The flow's encoder: an upsampling conformer. Six conformer layers at 25 rows a second, each row
 * doubled, four layers at 50, then the projection to mel width. Attention with relative positions
 * (Transformer-XL), no causality. The two layer-norm epsilons differ, as in the reference.
 * Activations that a matmul reads in bf16 are written in bf16. docs/model/flow.md.
 */
#include "model/flow_priv.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

static const float EPS_LAYER = 1e-12f, EPS = 1e-5f; /* the reference has both */

typedef struct {
    const float *mha_g, *mha_b, *ff_g, *ff_b; /* (C) */
    tb_mat q, k, v, out, pos;                 /* (C, C) */
    const float *u_bias, *v_bias;             /* (heads, C / heads) */
    tb_mat w1, w2;                            /* (FF, C), (C, FF) */
} layer;

typedef struct {
    tb_mat linear;
    const float *g, *b;
} embed;

struct tb_flow_encoder {
    size_t C, heads;
    float *freq; /* (C / 2) radians per position */
    embed embed, up_embed;
    tb_conv look1, look2, up;
    layer *layers, *up_layers;
    size_t n_layers, n_up;
    const float *after_g, *after_b;
};

/* ------------------------------------------------------------------ binding */

/* pos_bias_u and _v: a vector of C, laid out (heads, d). */
static const float *bind_head_bias(tb_bind *b, size_t C, size_t *heads, const char *stem, size_t i,
                                   char which)
{
    const tb_tensor *t = tb_bind_tensor(b, "encoder.%s.%zu.self_attn.pos_bias_%c", stem, i, which);
    const float *bias = NULL;

    if (!t) goto out;
    if (*heads == 0) *heads = t->dim[0];
    if (t->type != TB_F32 || t->n_dims != 2 || t->dim[0] != *heads || tb_tensor_count(t) != C) {
        char shape[80];

        tb_tensor_shape(t, shape);
        b->status = tb_fail(b->err, TB_EMODEL,
                            "%s: encoder.%s.%zu.self_attn.pos_bias_%c is %s of shape %s; wanted is "
                            "f32 of %zu heads that make %zu channels",
                            tb_weights_label(b->weights), stem, i, which, tb_dtype_name(t->type),
                            shape, *heads, C);
        goto out;
    }
    bias = t->data;
out:
    return bias;
}

static void bind_layer(tb_bind *b, layer *w, size_t C, size_t *heads, const char *stem, size_t i)
{
    w->mha_g = tb_bind_vec(b, C, "encoder.%s.%zu.norm_mha.weight", stem, i);
    w->mha_b = tb_bind_vec(b, C, "encoder.%s.%zu.norm_mha.bias", stem, i);
    w->q = tb_bind_mat(b, C, C, true, "encoder.%s.%zu.self_attn.linear_q", stem, i);
    w->k = tb_bind_mat(b, C, C, true, "encoder.%s.%zu.self_attn.linear_k", stem, i);
    w->v = tb_bind_mat(b, C, C, true, "encoder.%s.%zu.self_attn.linear_v", stem, i);
    w->out = tb_bind_mat(b, C, C, true, "encoder.%s.%zu.self_attn.linear_out", stem, i);
    w->pos = tb_bind_mat(b, C, C, false, "encoder.%s.%zu.self_attn.linear_pos", stem, i);
    w->u_bias = bind_head_bias(b, C, heads, stem, i, 'u');
    w->v_bias = bind_head_bias(b, C, heads, stem, i, 'v');
    w->ff_g = tb_bind_vec(b, C, "encoder.%s.%zu.norm_ff.weight", stem, i);
    w->ff_b = tb_bind_vec(b, C, "encoder.%s.%zu.norm_ff.bias", stem, i);
    w->w1 = tb_bind_mat(b, 0, C, true, "encoder.%s.%zu.feed_forward.w_1", stem, i);
    w->w2 = tb_bind_mat(b, C, w->w1.N, true, "encoder.%s.%zu.feed_forward.w_2", stem, i);
}

static layer *bind_layers(tb_bind *b, size_t C, size_t *heads, const char *stem, size_t *n)
{
    layer *layers;

    while (tb_bind_has(b, "encoder.%s.%zu.norm_ff.weight", stem, *n))
        ++*n;
    layers = tb_alloc((*n + 1) * sizeof *layers);
    for (size_t i = 0; i < *n; i++)
        bind_layer(b, &layers[i], C, heads, stem, i);
    return layers;
}

static embed bind_embed(tb_bind *b, size_t C, const char *stem)
{
    embed e;

    e.linear = tb_bind_mat(b, C, C, true, "encoder.%s.out.0", stem);
    e.g = tb_bind_vec(b, C, "encoder.%s.out.1.weight", stem);
    e.b = tb_bind_vec(b, C, "encoder.%s.out.1.bias", stem);
    return e;
}

tb_flow_encoder *tb_flow_encoder_bind(tb_bind *b, size_t C, size_t heads)
{
    tb_flow_encoder *e = tb_alloc(sizeof *e);

    e->C = C;
    e->embed = bind_embed(b, C, "embed");
    e->look1 = tb_bind_conv(b, C, 0, C, true, "encoder.pre_lookahead_layer.conv1");
    e->look2 = tb_bind_conv(b, C, 0, C, true, "encoder.pre_lookahead_layer.conv2");
    e->layers = bind_layers(b, C, &heads, "encoders", &e->n_layers);
    e->up = tb_bind_conv(b, C, 0, C, true, "encoder.up_layer.conv");
    e->up_embed = bind_embed(b, C, "up_embed");
    e->up_layers = bind_layers(b, C, &heads, "up_encoders", &e->n_up);
    e->after_g = tb_bind_vec(b, C, "encoder.after_norm.weight");
    e->after_b = tb_bind_vec(b, C, "encoder.after_norm.bias");
    if (!b->status && (heads == 0 || C % heads || C % 2))
        b->status = tb_fail(b->err, TB_EMODEL, "%s: %zu channels cannot be %zu heads",
                            tb_weights_label(b->weights), C, heads);
    if (b->status) {
        tb_flow_encoder_free(e);
        e = NULL;
        goto out;
    }
    e->heads = heads;
    e->look1.pad_right = e->look1.k - 1; /* the only place that looks ahead by a fixed reach */
    e->look2.pad_left = e->look2.k - 1;
    e->up.pad_left = e->up.k - 1;
    /* In f32, as the reference: at position 1000 that moves a sine by 6e-5. */
    e->freq = tb_alloc(C / 2 * sizeof *e->freq);
    for (size_t m = 0; m < C / 2; m++)
        e->freq[m] = expf((float)(2 * m) * (float)(-log(10000.0) / (double)C));
out:
    return e;
}

void tb_flow_encoder_free(tb_flow_encoder *e)
{
    if (e) {
        tb_free(e->layers);
        tb_free(e->up_layers);
        tb_free(e->freq);
        tb_free(e);
    }
}

/* ------------------------------------------------------------------ running */

/* Sines and cosines of the relative positions, interleaved: row r is p = T - 1 - r, out (2T - 1,
 * C). The rows of a shorter T lie in the middle of those of a longer one. */
static void positions(const tb_flow_encoder *e, size_t T, float *out)
{
    for (size_t p = 0; p < T; p++) {
        float *ahead = out + (T - 1 - p) * e->C, *behind = out + (T - 1 + p) * e->C;

        for (size_t m = 0; m < e->C / 2; m++) {
            const float a = (float)p * e->freq[m];

            behind[2 * m] = -sinf(a);
            behind[2 * m + 1] = cosf(a);
            ahead[2 * m] = sinf(a); /* after behind: for p = 0 the rows are one */
            ahead[2 * m + 1] = cosf(a);
        }
    }
}

/* y = LayerNorm(W x + b) sqrt(C); x, y (T, C) */
static void run_embed(const tb_nn *nn, const embed *w, const float *x, size_t T, size_t C,
                      const char *name, float *y)
{
    tb_nn_linear(nn, &w->linear, x, C, T, TB_ACT_NONE, TB_SET, y, C);
    tb_nn_layer_norm(nn, w->g, w->b, EPS, y, T, C, y);
    tb_trace_put(nn->trace, y, T, C, "enc.%s_ln", name);
    tb_nn_scale(nn, sqrtf((float)C), T * C, y);
    tb_trace_put(nn->trace, y, T, C, "enc.%s", name);
}

/*
 * One conformer layer without its convolution: relative attention over everything, feed forward.
 *
 *   pos (2T - 1, C)  the table of positions
 *   x   (T, C)       residual stream, changed in place
 */
static void run_layer(const tb_nn *nn, const layer *w, size_t heads, const float *pos, float *x,
                      size_t T, size_t C, const char *name, size_t i)
{
    const size_t FF = w->w1.N, mark = tb_scratch_mark(nn->scratch);
    tb_attention how = {.heads = heads,
                        .d = C / heads,
                        .scale = 1.0f / sqrtf((float)(C / heads)),
                        .u_bias = w->u_bias,
                        .v_bias = w->v_bias,
                        .bf16 = w->q.type == TB_BF16};
    const tb_dtype input = tb_nn_attention_type(&how);
    const tb_rows stream = tb_rows_f32(x, C);

    tb_rows h = tb_nn_rows(nn, tb_nn_matmul_type(&w->q), T, C);
    const tb_rows q = tb_nn_rows(nn, TB_F32, T, C); /* biases are added to it before products */
    const tb_rows k = tb_nn_rows(nn, input, T, 2 * C), v = tb_rows_from(k, C); /* side by side */
    const tb_rows r = tb_nn_rows(nn, input, 2 * T - 1, C);
    const tb_rows a = tb_nn_rows(nn, tb_nn_matmul_type(&w->out), T, C);
    tb_nn_layer_norm_rows(nn, w->mha_g, w->mha_b, EPS_LAYER, x, T, C, h);
    tb_nn_linear_rows(nn, &w->q, h, T, TB_ACT_NONE, TB_SET, q);
    tb_nn_linear_rows(nn, &w->k, h, T, TB_ACT_NONE, TB_SET, k);
    tb_nn_linear_rows(nn, &w->v, h, T, TB_ACT_NONE, TB_SET, v);
    tb_nn_linear_rows(nn, &w->pos, tb_rows_f32(pos, C), 2 * T - 1, TB_ACT_NONE, TB_SET, r);
    tb_nn_trace_rows(nn, r, 2 * T - 1, C, "enc.%s%zu.linear_pos", name, i);
    how.rel = r.data;
    tb_nn_attention_rows(nn, &how, q, T, k, v.data, T, a);
    tb_nn_trace_linear(nn, &w->out, a, T, "enc.%s%zu.attn", name, i);
    tb_nn_linear_rows(nn, &w->out, a, T, TB_ACT_NONE, TB_ADD, stream); /* x += out(a) */
    tb_scratch_release(nn->scratch, mark);

    h = tb_nn_rows(nn, tb_nn_matmul_type(&w->w1), T, C);
    const tb_rows f = tb_nn_rows(nn, tb_nn_matmul_type(&w->w2), T, FF);
    tb_nn_layer_norm_rows(nn, w->ff_g, w->ff_b, EPS_LAYER, x, T, C, h);
    tb_nn_linear_rows(nn, &w->w1, h, T, TB_ACT_SILU, TB_SET, f);
    tb_nn_trace_linear(nn, &w->w2, f, T, "enc.%s%zu.ff", name, i);
    tb_nn_linear_rows(nn, &w->w2, f, T, TB_ACT_NONE, TB_ADD, stream); /* x += w2(f) */
    tb_trace_put(nn->trace, x, T, C, "enc.%s%zu", name, i);
    tb_scratch_release(nn->scratch, mark);
}

void tb_flow_encoder_run(const tb_flow_encoder *e, const tb_nn *nn, const float *x, size_t T,
                         const tb_cancel *cancel, float *y)
{
    const size_t C = e->C, mark = tb_scratch_mark(nn->scratch);
    float *pos = tb_scratch_f32(nn->scratch, (4 * T - 1) * C); /* for 2T positions */
    float *a = tb_scratch_f32(nn->scratch, T * C);
    float *b = tb_scratch_f32(nn->scratch, 2 * T * C);
    const float *pos_T = pos + T * C; /* its middle 2T - 1 rows */

    positions(e, 2 * T, pos);
    tb_trace_put(nn->trace, pos_T, 2 * T - 1, C, "enc.pos_emb");

    run_embed(nn, &e->embed, x, T, C, "embed", a);
    tb_nn_conv(nn, &e->look1, NULL, a, T, TB_ACT_LRELU_001, TB_SET, b);
    tb_nn_conv(nn, &e->look2, NULL, b, T, TB_ACT_NONE, TB_ADD, a);
    tb_trace_put(nn->trace, a, T, C, "enc.lookahead");
    for (size_t i = 0; i < e->n_layers && !tb_cancelled(cancel); i++)
        run_layer(nn, &e->layers[i], e->heads, pos_T, a, T, C, "block", i);
    if (tb_cancelled(cancel)) goto out;

    for (size_t t = 0; t < 2 * T; t++) /* every row twice */
        memcpy(b + t * C, a + t / 2 * C, C * sizeof *b);
    tb_nn_conv(nn, &e->up, NULL, b, 2 * T, TB_ACT_NONE, TB_SET, y);
    tb_trace_put_t(nn->trace, y, 2 * T, C, "enc.up_layer");
    run_embed(nn, &e->up_embed, y, 2 * T, C, "up_embed", b);
    for (size_t i = 0; i < e->n_up && !tb_cancelled(cancel); i++)
        run_layer(nn, &e->up_layers[i], e->heads, pos, b, 2 * T, C, "up_block", i);
    if (tb_cancelled(cancel)) goto out;
    tb_nn_layer_norm(nn, e->after_g, e->after_b, EPS, b, 2 * T, C, y);
    tb_trace_put(nn->trace, y, 2 * T, C, "enc.after_norm");
out:
    tb_scratch_release(nn->scratch, mark);
}
