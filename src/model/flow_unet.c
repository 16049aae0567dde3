/*
 * The flow's UNet: the mean velocity of one Euler step, from state, encoder output, speaker and
 * prompt mel side by side. ResNet blocks of causal convolutions, each followed by transformer
 * blocks with full attention; no change of rate, one skip connection. With mean flow only three
 * times exist, so everything that depends on the time is computed when the weights are bound.
 * docs/model/flow.md.
 */
#include "model/flow_priv.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { HEAD = 64 }; /* width of a head in the published model */
static const float EPS = 1e-5f;

const float tb_flow_times[TB_FLOW_STEPS + 1] = {0, 0.5f, 1};

typedef struct {
    tb_conv conv; /* causal */
    const float *g, *b;
} block;

typedef struct {
    block b1, b2;
    tb_conv res;
    tb_mat mlp;
    float *shift; /* (TB_FLOW_STEPS, C): mlp(Mish(temb)), all that the time does to this block */
} resnet;

typedef struct {
    const float *n1_g, *n1_b, *n3_g, *n3_b; /* (C) */
    tb_mat q, k, v, out;                    /* (I, C) thrice, (C, I) */
    tb_mat ff1, ff2;                        /* (FF, C), (C, FF) */
} transformer;

typedef struct {
    resnet res;
    transformer *blocks;
    size_t n;
} stage;

struct tb_flow_unet {
    size_t mels, C, heads, half, D; /* half: sines of the time; D: width of its embedding */
    stage down, up, *mids;
    size_t n_mids;
    tb_conv down_conv, up_conv;
    block final;
    tb_conv proj;
    /* Only three times exist, so everything that depends on them is computed when the weights are
     * bound. */
    float *sinus; /* (TB_FLOW_STEPS + 1, 2 half) */
    float *mlp;   /* (TB_FLOW_STEPS + 1, D) */
    float *temb;  /* (TB_FLOW_STEPS, D) */
};

/* ------------------------------------------------------------------ binding */

#define EST "decoder.estimator."

static block bind_block(tb_bind *b, size_t N, size_t C, const char *path, const char *which)
{
    block w;

    w.conv = tb_bind_conv(b, N, 0, C, true, EST "%s%s.block.0", path, which);
    w.conv.pad_left = w.conv.k ? w.conv.k - 1 : 0;
    w.g = tb_bind_vec(b, w.conv.w.N, EST "%s%s.block.2.weight", path, which);
    w.b = tb_bind_vec(b, w.conv.w.N, EST "%s%s.block.2.bias", path, which);
    return w;
}

/* C 0: as block1 has it. */
static resnet bind_resnet(tb_bind *b, size_t C_in, size_t C, size_t D, const char *path)
{
    resnet w = {0};

    w.b1 = bind_block(b, C, C_in, path, ".0.block1");
    C = w.b1.conv.w.N;
    w.b2 = bind_block(b, C, C, path, ".0.block2");
    w.res = tb_bind_conv(b, C, 1, C_in, true, EST "%s.0.res_conv", path);
    w.mlp = tb_bind_mat(b, C, D, true, EST "%s.0.mlp.1", path);
    w.mlp.exact = true;
    return w;
}

static void bind_transformer(tb_bind *b, transformer *w, size_t C, const char *path, size_t i)
{
    w->n1_g = tb_bind_vec(b, C, EST "%s.1.%zu.norm1.weight", path, i);
    w->n1_b = tb_bind_vec(b, C, EST "%s.1.%zu.norm1.bias", path, i);
    w->q = tb_bind_mat(b, 0, C, false, EST "%s.1.%zu.attn1.to_q", path, i);
    w->k = tb_bind_mat(b, w->q.N, C, false, EST "%s.1.%zu.attn1.to_k", path, i);
    w->v = tb_bind_mat(b, w->q.N, C, false, EST "%s.1.%zu.attn1.to_v", path, i);
    w->out = tb_bind_mat(b, C, w->q.N, true, EST "%s.1.%zu.attn1.to_out.0", path, i);
    w->n3_g = tb_bind_vec(b, C, EST "%s.1.%zu.norm3.weight", path, i);
    w->n3_b = tb_bind_vec(b, C, EST "%s.1.%zu.norm3.bias", path, i);
    w->ff1 = tb_bind_mat(b, 0, C, true, EST "%s.1.%zu.ff.net.0.proj", path, i);
    w->ff2 = tb_bind_mat(b, C, w->ff1.N, true, EST "%s.1.%zu.ff.net.2", path, i);
}

/* "<path>.0" is the ResNet, "<path>.1.<i>" are the transformer blocks. */
static void bind_stage(tb_bind *b, stage *s, size_t C_in, size_t C, size_t D, const char *path)
{
    s->res = bind_resnet(b, C_in, C, D, path);
    C = s->res.b1.conv.w.N;
    while (tb_bind_has(b, EST "%s.1.%zu.norm1.weight", path, s->n))
        s->n++;
    s->blocks = tb_alloc((s->n + 1) * sizeof *s->blocks);
    for (size_t i = 0; i < s->n; i++)
        bind_transformer(b, &s->blocks[i], C, path, i);
}

static tb_conv bind_causal(tb_bind *b, size_t C, const char *path)
{
    tb_conv c = tb_bind_conv(b, C, 0, C, true, EST "%s", path);

    c.pad_left = c.k ? c.k - 1 : 0;
    return c;
}

/* Every transformer block has the same inner width, which the heads divide. */
static bool heads_fit(const stage *s, size_t I, size_t heads)
{
    bool fit = true;

    for (size_t i = 0; i < s->n; i++)
        fit = fit && s->blocks[i].q.N == I;
    return fit && heads > 0 && I % heads == 0;
}

static bool all_heads_fit(const tb_flow_unet *u, size_t I)
{
    bool fit = heads_fit(&u->down, I, u->heads) && heads_fit(&u->up, I, u->heads);

    for (size_t i = 0; i < u->n_mids; i++)
        fit = fit && heads_fit(&u->mids[i], I, u->heads);
    return fit;
}

/* (TB_FLOW_STEPS, C) of one ResNet; tembs (TB_FLOW_STEPS, D) after Mish. */
static void make_shift(const tb_nn *nn, resnet *r, const float *tembs)
{
    r->shift = tb_alloc(TB_FLOW_STEPS * r->mlp.N * sizeof *r->shift);
    tb_nn_linear(nn, &r->mlp, tembs, r->mlp.K, TB_FLOW_STEPS, TB_ACT_NONE, TB_SET, r->shift,
                 r->mlp.N);
}

/* What the three times become; exact in every type, since it is done once. */
static void make_times(tb_flow_unet *u, const tb_mat *linear1, const tb_mat *linear2,
                       const tb_mat *mixer)
{
    enum { TIMES = TB_FLOW_STEPS + 1 };
    const size_t E = 2 * u->half, D = u->D;
    const tb_nn nn = {.scratch = tb_scratch_new()};
    float *h = tb_alloc(TIMES * D * sizeof *h);
    float *pairs = tb_alloc(TB_FLOW_STEPS * 2 * D * sizeof *pairs);

    u->sinus = tb_alloc(TIMES * E * sizeof *u->sinus);
    u->mlp = tb_alloc(TIMES * D * sizeof *u->mlp);
    u->temb = tb_alloc(TB_FLOW_STEPS * D * sizeof *u->temb);
    for (size_t s = 0; s < TIMES; s++)
        for (size_t i = 0; i < u->half; i++) { /* angles up to 1000, in f32 as the reference */
            const float f = expf((float)i * (float)(-log(10000.0) / (double)(u->half - 1)));
            const float a = 1000 * tb_flow_times[s] * f;

            u->sinus[s * E + i] = sinf(a);
            u->sinus[s * E + u->half + i] = cosf(a);
        }
    tb_nn_linear(&nn, linear1, u->sinus, E, TIMES, TB_ACT_SILU, TB_SET, h, D);
    tb_nn_linear(&nn, linear2, h, D, TIMES, TB_ACT_NONE, TB_SET, u->mlp, D);
    for (size_t s = 0; s < TB_FLOW_STEPS; s++) /* where the step begins, where it ends */
        memcpy(pairs + s * 2 * D, u->mlp + s * D, 2 * D * sizeof *pairs);
    tb_nn_linear(&nn, mixer, pairs, 2 * D, TB_FLOW_STEPS, TB_ACT_NONE, TB_SET, u->temb, D);

    tb_nn_act(&nn, TB_ACT_MISH, u->temb, TB_FLOW_STEPS * D, h);
    make_shift(&nn, &u->down.res, h);
    for (size_t i = 0; i < u->n_mids; i++)
        make_shift(&nn, &u->mids[i].res, h);
    make_shift(&nn, &u->up.res, h);
    tb_free(h);
    tb_free(pairs);
    tb_scratch_free(nn.scratch);
}

tb_flow_unet *tb_flow_unet_bind(tb_bind *b, size_t mels, size_t heads)
{
    tb_flow_unet *u = tb_alloc(sizeof *u);
    tb_mat linear1 = tb_bind_mat(b, 0, 0, true, EST "time_mlp.linear_1");
    const size_t D = linear1.N;
    tb_mat linear2 = tb_bind_mat(b, D, D, true, EST "time_mlp.linear_2");
    tb_mat mixer = tb_bind_mat(b, D, 2 * D, false, EST "time_embed_mixer");
    char name[64];

    linear1.exact = linear2.exact = mixer.exact = true;
    u->mels = mels;
    u->D = D;
    u->half = linear1.K / 2;
    bind_stage(b, &u->down, 4 * mels, 0, D, "down_blocks.0");
    u->C = u->down.res.b1.conv.w.N;
    u->down_conv = bind_causal(b, u->C, "down_blocks.0.2");
    while (tb_bind_has(b, EST "mid_blocks.%zu.0.mlp.1.weight", u->n_mids))
        u->n_mids++;
    u->mids = tb_alloc((u->n_mids + 1) * sizeof *u->mids);
    for (size_t i = 0; i < u->n_mids; i++) {
        snprintf(name, sizeof name, "mid_blocks.%zu", i);
        bind_stage(b, &u->mids[i], u->C, u->C, D, name);
    }
    bind_stage(b, &u->up, 2 * u->C, u->C, D, "up_blocks.0");
    u->up_conv = bind_causal(b, u->C, "up_blocks.0.2");
    u->final = bind_block(b, u->C, u->C, "final_block", "");
    u->proj = tb_bind_conv(b, mels, 1, u->C, true, EST "final_proj");

    const size_t I = u->down.n ? u->down.blocks[0].q.N : 0;
    u->heads = heads ? heads : I / HEAD;
    if (!b->status && (!all_heads_fit(u, I) || linear1.K % 2 || u->half < 2))
        b->status = tb_fail(b->err, TB_EMODEL,
                            "%s: attention over %zu channels cannot be %zu heads in every block "
                            "of " EST ", or %zu sines of the time are too few or odd",
                            tb_weights_label(b->weights), I, u->heads, linear1.K);
    if (b->status) {
        tb_flow_unet_free(u);
        u = NULL;
    } else {
        make_times(u, &linear1, &linear2, &mixer);
    }
    return u;
}

static void clear_stage(stage *s)
{
    tb_free(s->blocks);
    tb_free(s->res.shift);
}

void tb_flow_unet_free(tb_flow_unet *u)
{
    if (u) {
        clear_stage(&u->down);
        for (size_t i = 0; i < u->n_mids; i++)
            clear_stage(&u->mids[i]);
        clear_stage(&u->up);
        tb_free(u->mids);
        tb_free(u->sinus);
        tb_free(u->mlp);
        tb_free(u->temb);
        tb_free(u);
    }
}

/* ------------------------------------------------------------------ running */

/* y = Mish(LayerNorm(conv(x))); x (T, C_in), y (T, C) */
static void run_block(const tb_nn *nn, const block *w, const float *x, size_t T, float *y)
{
    const size_t C = w->conv.w.N;

    tb_nn_conv(nn, &w->conv, NULL, x, T, TB_ACT_NONE, TB_SET, y);
    tb_nn_layer_norm(nn, w->g, w->b, EPS, y, T, C, y);
    tb_nn_act(nn, TB_ACT_MISH, y, T * C, y);
}

/* x (T, C_in) -> y (T, C) */
static void run_resnet(const tb_nn *nn, const resnet *w, size_t step, const float *x, size_t T,
                       const char *name, float *y)
{
    const size_t C = w->mlp.N, mark = tb_scratch_mark(nn->scratch);
    float *h = tb_scratch_f32(nn->scratch, T * C);

    run_block(nn, &w->b1, x, T, h);
    tb_trace_put_t(nn->trace, h, T, C, "%s.block1", name);
    tb_trace_put(nn->trace, w->shift + step * C, 1, C, "%s.tmlp", name);
    tb_nn_add_row(nn, w->shift + step * C, T, C, h);
    run_block(nn, &w->b2, h, T, y);
    tb_trace_put_t(nn->trace, y, T, C, "%s.block2", name);
    tb_nn_conv(nn, &w->res, NULL, x, T, TB_ACT_NONE, TB_SET, h);
    tb_trace_put_t(nn->trace, h, T, C, "%s.res_conv", name);
    tb_nn_add(nn, h, T * C, y);
    tb_trace_put_t(nn->trace, y, T, C, "%s.resnet", name);
    tb_scratch_release(nn->scratch, mark);
}

/* y = LayerNorm(x), in the type that w reads; x (T, C) */
static tb_rows norm_for(const tb_nn *nn, const tb_mat *w, const float *g, const float *b,
                        const float *x, size_t T)
{
    const tb_rows y = tb_nn_rows(nn, tb_nn_matmul_type(w), T, w->K);

    tb_nn_layer_norm_rows(nn, g, b, EPS, x, T, w->K, y);
    return y;
}

/* Attention over everything, feed forward; x (T, C) in place. */
static void run_transformer(const tb_nn *nn, const transformer *w, size_t heads, float *x, size_t T,
                            const char *name, size_t i)
{
    const size_t C = w->q.K, I = w->q.N, FF = w->ff1.N, mark = tb_scratch_mark(nn->scratch);
    const tb_attention how = {.heads = heads,
                              .d = I / heads,
                              .scale = 1.0f / sqrtf((float)(I / heads)),
                              .bf16 = w->q.type == TB_BF16};
    const tb_rows stream = tb_rows_f32(x, C);

    tb_rows h = norm_for(nn, &w->q, w->n1_g, w->n1_b, x, T);
    tb_rows qkv = tb_nn_rows(nn, tb_nn_attention_type(&how), T, 3 * I); /* q, k, v side by side */
    const tb_rows k = tb_rows_from(qkv, I), v = tb_rows_from(qkv, 2 * I);
    const tb_rows a = tb_nn_rows(nn, tb_nn_matmul_type(&w->out), T, I);
    tb_nn_trace_rows(nn, h, T, C, "%s.tb%zu.norm1", name, i);
    tb_nn_linear_rows(nn, &w->q, h, T, TB_ACT_NONE, TB_SET, qkv);
    tb_nn_linear_rows(nn, &w->k, h, T, TB_ACT_NONE, TB_SET, k);
    tb_nn_linear_rows(nn, &w->v, h, T, TB_ACT_NONE, TB_SET, v);
    tb_nn_attention_rows(nn, &how, qkv, T, k, v.data, T, a);
    tb_nn_trace_linear(nn, &w->out, a, T, "%s.tb%zu.attn", name, i);
    tb_nn_linear_rows(nn, &w->out, a, T, TB_ACT_NONE, TB_ADD, stream); /* x += out(a) */
    tb_scratch_release(nn->scratch, mark);

    h = norm_for(nn, &w->ff1, w->n3_g, w->n3_b, x, T);
    const tb_rows f = tb_nn_rows(nn, tb_nn_matmul_type(&w->ff2), T, FF);
    tb_nn_linear_rows(nn, &w->ff1, h, T, TB_ACT_GELU_ERF, TB_SET, f);
    tb_nn_trace_linear(nn, &w->ff2, f, T, "%s.tb%zu.ff", name, i);
    tb_nn_linear_rows(nn, &w->ff2, f, T, TB_ACT_NONE, TB_ADD, stream); /* x += ff2(f) */
    tb_trace_put(nn->trace, x, T, C, "%s.tb%zu", name, i);
    tb_scratch_release(nn->scratch, mark);
}

/* A ResNet and its transformer blocks: x (T, C_in) -> y (T, C). */
static void run_stage(const tb_flow_unet *u, const tb_nn *nn, const stage *s, size_t step,
                      const float *x, size_t T, const tb_cancel *cancel, const char *name, float *y)
{
    run_resnet(nn, &s->res, step, x, T, name, y);
    for (size_t i = 0; i < s->n && !tb_cancelled(cancel); i++)
        run_transformer(nn, &s->blocks[i], u->heads, y, T, name, i);
}

void tb_flow_unet_run(const tb_flow_unet *u, const tb_nn *nn, size_t step, const float *in,
                      size_t T, const tb_cancel *cancel, float *v)
{
    const size_t C = u->C, E = 2 * u->half, D = u->D, mark = tb_scratch_mark(nn->scratch);
    float *h = tb_scratch_f32(nn->scratch, T * C);
    float *g = tb_scratch_f32(nn->scratch, T * C);
    float *skip = tb_scratch_f32(nn->scratch, T * C);
    float *wide = tb_scratch_f32(nn->scratch, T * 2 * C);
    char name[48];

    tb_trace_put(nn->trace, u->sinus + step * E, 1, E, "est.s%zu.t_sin", step);
    tb_trace_put(nn->trace, u->sinus + (step + 1) * E, 1, E, "est.s%zu.r_sin", step);
    tb_trace_put(nn->trace, u->mlp + step * D, 1, D, "est.s%zu.t_mlp", step);
    tb_trace_put(nn->trace, u->mlp + (step + 1) * D, 1, D, "est.s%zu.r_mlp", step);
    tb_trace_put(nn->trace, u->temb + step * D, 1, D, "est.s%zu.temb", step);

    snprintf(name, sizeof name, "est.s%zu.down", step);
    run_stage(u, nn, &u->down, step, in, T, cancel, name, skip);
    if (tb_cancelled(cancel)) goto out;
    tb_nn_conv(nn, &u->down_conv, NULL, skip, T, TB_ACT_NONE, TB_SET, h);
    tb_trace_put_t(nn->trace, h, T, C, "%s.conv", name);
    for (size_t i = 0; i < u->n_mids; i++) {
        float *from = h;

        snprintf(name, sizeof name, "est.s%zu.mid%zu", step, i);
        run_stage(u, nn, &u->mids[i], step, from, T, cancel, name, g);
        if (tb_cancelled(cancel)) goto out;
        h = g;
        g = from;
        tb_trace_put(nn->trace, h, T, C, "%s", name);
    }
    for (size_t t = 0; t < T; t++) {
        memcpy(wide + t * 2 * C, h + t * C, C * sizeof *wide);
        memcpy(wide + t * 2 * C + C, skip + t * C, C * sizeof *wide);
    }
    snprintf(name, sizeof name, "est.s%zu.up", step);
    run_stage(u, nn, &u->up, step, wide, T, cancel, name, g);
    if (tb_cancelled(cancel)) goto out;
    tb_trace_put(nn->trace, g, T, C, "%s.tb_last", name);
    tb_nn_conv(nn, &u->up_conv, NULL, g, T, TB_ACT_NONE, TB_SET, h);
    tb_trace_put_t(nn->trace, h, T, C, "%s.conv", name);
    run_block(nn, &u->final, h, T, g);
    tb_trace_put_t(nn->trace, g, T, C, "est.s%zu.final_block", step);
    tb_nn_conv(nn, &u->proj, NULL, g, T, TB_ACT_NONE, TB_SET, v);
    tb_trace_put_t(nn->trace, v, T, u->mels, "est.s%zu.dxdt", step);
out:
    tb_scratch_release(nn->scratch, mark);
}
