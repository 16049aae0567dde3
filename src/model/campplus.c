/*
 * CAM++, the speaker network: from a filterbank of a recording to one vector that describes its
 * voice.
 *
 * Head: 2-D convolutions over bands and time (unfolded to matmuls, 16 frames at a time), halving
 * the bands three times. Trunk: densely connected TDNN blocks over time, each layer gated by the
 * mean of its 2 s segment and of the whole recording (context-aware masking). End: mean and
 * deviation over time, one linear layer. Everything is computed in f32. Batch norms are folded into
 * scale and shift when binding. The mathematics, with shapes: docs/model/campplus.md. Relies on
 * nn/ops.h for all arithmetic.
 */
#include "model/campplus.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    SEGMENT = 100, /* frames of the trunk that share a gate: 2 s */
    TILE = 16,     /* frames of the head unfolded at a time */
    HALVINGS = 3,  /* times that the head halves the bands */
};
static const double BN_EPS = 1e-5;
static const size_t dilations[TB_CAMPPLUS_BLOCKS] = {1, 2, 2};

/* ------------------------------------------------------------------ binding */

/* "<name>.running_mean" and so on, folded in double. plain: without weight and bias. */
static void bind_norm(tb_bind *b, size_t C, bool plain, tb_campplus_norm *norm, const char *fmt,
                      ...) TB_PRINTF(5, 6);

static void bind_norm(tb_bind *b, size_t C, bool plain, tb_campplus_norm *norm, const char *fmt,
                      ...)
{
    char name[128];
    va_list args;
    va_start(args, fmt);
    vsnprintf(name, sizeof name, fmt, args);
    va_end(args);

    const float *mean = tb_bind_vec(b, C, "%s.running_mean", name);
    const float *var = tb_bind_vec(b, C, "%s.running_var", name);
    const float *gain = plain ? NULL : tb_bind_vec(b, C, "%s.weight", name);
    const float *bias = plain ? NULL : tb_bind_vec(b, C, "%s.bias", name);
    if (b->status) return;
    norm->scale = tb_try_alloc(C, 2 * sizeof *norm->scale);
    if (!norm->scale) {
        b->status = tb_nomem(b->err, C, 2 * sizeof *norm->scale);
        return;
    }
    norm->shift = norm->scale + C;
    for (size_t c = 0; c < C; c++) {
        const double scale = (gain ? (double)gain[c] : 1.0) / sqrt((double)var[c] + BN_EPS);
        norm->scale[c] = (float)scale;
        norm->shift[c] = (float)((bias ? (double)bias[c] : 0.0) - (double)mean[c] * scale);
    }
}

static tb_mat bind_exact(tb_bind *b, size_t N, size_t K, bool bias, const char *fmt, ...)
    TB_PRINTF(5, 6);

static tb_mat bind_exact(tb_bind *b, size_t N, size_t K, bool bias, const char *fmt, ...)
{
    char name[128];
    va_list args;
    va_start(args, fmt);
    vsnprintf(name, sizeof name, fmt, args);
    va_end(args);
    tb_mat m = tb_bind_mat(b, N, K, bias, "%s", name);
    m.exact = true;
    return m;
}

/* "<conv>.weight" (N, k, k, C) with the norm "<norm>". N and C 0: from the file. */
static tb_campplus_conv bind_conv2d(tb_bind *b, size_t N, size_t k, size_t C, size_t stride,
                                    const char *conv, const char *norm)
{
    tb_campplus_conv out = {.k = k, .stride = stride};
    const tb_tensor *x = tb_bind_tensor(b, "%s.weight", conv);
    if (!x) return out;
    if (x->n_dims != 4 || x->dim[0] == 0 || x->dim[1] != k || x->dim[2] != k || x->dim[3] == 0 ||
        (N && x->dim[0] != N) || (C && x->dim[3] != C) || x->type > TB_Q4_0) {
        char shape[80];
        tb_tensor_shape(x, shape);
        b->status = tb_fail(b->err, TB_EMODEL,
                            "%s: %s%s.weight is %s %s; [%zu, %zu, %zu, %zu] is wanted (0: any)",
                            tb_weights_label(b->weights), b->prefix, conv, tb_dtype_name(x->type),
                            shape, N, k, k, C);
        return out;
    }
    out.C = x->dim[3];
    out.w = (tb_mat){
        .type = x->type, .N = x->dim[0], .K = k * k * out.C, .rows = x->data, .exact = true};
    bind_norm(b, out.w.N, false, &out.norm, "%s", norm);
    return out;
}

/* head.layer<a>.<b>: two convolutions around which the input passes; the first of a layer halves
 * the bands, and the input with them. */
static void bind_res(tb_bind *b, size_t i, size_t C, tb_campplus_res *res)
{
    const size_t stride = i % 2 == 0 ? 2 : 1;
    char conv[64], norm[64];

    snprintf(conv, sizeof conv, "speaker_encoder.head.layer%zu.%zu.conv1", i / 2 + 1, i % 2);
    snprintf(norm, sizeof norm, "speaker_encoder.head.layer%zu.%zu.bn1", i / 2 + 1, i % 2);
    res->conv1 = bind_conv2d(b, C, 3, C, stride, conv, norm);
    snprintf(conv, sizeof conv, "speaker_encoder.head.layer%zu.%zu.conv2", i / 2 + 1, i % 2);
    snprintf(norm, sizeof norm, "speaker_encoder.head.layer%zu.%zu.bn2", i / 2 + 1, i % 2);
    res->conv2 = bind_conv2d(b, C, 3, C, 1, conv, norm);
    if (stride == 1) return;
    snprintf(conv, sizeof conv, "speaker_encoder.head.layer%zu.%zu.shortcut.0", i / 2 + 1, i % 2);
    snprintf(norm, sizeof norm, "speaker_encoder.head.layer%zu.%zu.shortcut.1", i / 2 + 1, i % 2);
    res->shortcut = bind_conv2d(b, C, 1, C, stride, conv, norm);
}

static void bind_layer(tb_bind *b, tb_campplus_block *block, size_t i, size_t l)
{
    tb_campplus_layer *w = &block->layers[l];

    w->widen = bind_exact(b, 0, block->C_out, false, "xv.block%zu.tdnnd%zu.linear1", i + 1, l + 1);
    bind_norm(b, block->C_out, false, &w->in, "xv.block%zu.tdnnd%zu.nl1.bn", i + 1, l + 1);
    bind_norm(b, w->widen.N, false, &w->mid, "xv.block%zu.tdnnd%zu.nl2.bn", i + 1, l + 1);
    w->local = tb_bind_conv(b, 0, 3, w->widen.N, false,
                            "xv.block%zu.tdnnd%zu.cam_layer.linear_local", i + 1, l + 1);
    w->local.w.exact = true;
    w->local.dilation = w->local.pad_left = w->local.pad_right = dilations[i];
    w->squeeze =
        bind_exact(b, 0, w->widen.N, true, "xv.block%zu.tdnnd%zu.cam_layer.linear1", i + 1, l + 1);
    w->excite = bind_exact(b, w->local.w.N, w->squeeze.N, true,
                           "xv.block%zu.tdnnd%zu.cam_layer.linear2", i + 1, l + 1);
    block->C_out += w->local.w.N;
}

static void bind_block(tb_bind *b, tb_campplus_block *block, size_t i, size_t C)
{
    block->C_in = block->C_out = C;
    while (tb_bind_has(b, "xv.block%zu.tdnnd%zu.linear1.weight", i + 1, block->n_layers + 1))
        block->n_layers++;
    if (block->n_layers == 0) block->n_layers = 1; /* so that the error names the missing layer */
    block->layers = tb_alloc(block->n_layers * sizeof *block->layers);
    for (size_t l = 0; l < block->n_layers && !b->status; l++)
        bind_layer(b, block, i, l);
    bind_norm(b, block->C_out, false, &block->norm, "xv.transit%zu.nl.bn", i + 1);
    block->transit = bind_exact(b, 0, block->C_out, false, "xv.transit%zu.linear", i + 1);
}

tb_status tb_campplus_bind(tb_weights *weights, tb_campplus *net, tb_err *err)
{
    tb_bind b = {.weights = weights, .prefix = "", .err = err};
    tb_campplus n = {0};
    tb_status st;

    n.conv1 = bind_conv2d(&b, 0, 3, 1, 1, "speaker_encoder.head.conv1", "speaker_encoder.head.bn1");
    size_t C = n.conv1.w.N;
    for (size_t i = 0; i < TB_CAMPPLUS_RES && !b.status; i++)
        bind_res(&b, i, C, &n.res[i]);
    n.conv2 = bind_conv2d(&b, 0, 3, C, 2, "speaker_encoder.head.conv2", "speaker_encoder.head.bn2");
    n.tdnn = tb_bind_conv(&b, 0, 5, 0, false, "xv.tdnn.linear");
    st = b.status;
    if (st) goto out;
    if (n.tdnn.C % n.conv2.w.N) {
        st =
            tb_fail(err, TB_EMODEL, "%s: xv.tdnn hears %zu channels, no multiple of the head's %zu",
                    tb_weights_label(weights), n.tdnn.C, n.conv2.w.N);
        goto out;
    }
    n.bands = (n.tdnn.C / n.conv2.w.N) << HALVINGS;
    n.tdnn.w.exact = true;
    n.tdnn.stride = n.tdnn.pad_left = n.tdnn.pad_right = 2;
    C = n.tdnn.w.N;
    bind_norm(&b, C, false, &n.tdnn_norm, "xv.tdnn.nl.bn");
    for (size_t i = 0; i < TB_CAMPPLUS_BLOCKS && !b.status; i++) {
        bind_block(&b, &n.blocks[i], i, C);
        C = n.blocks[i].transit.N;
    }
    bind_norm(&b, C, false, &n.out_norm, "xv.out_nonlinear.bn");
    n.dense = bind_exact(&b, 0, 2 * C, false, "xv.dense.linear");
    n.dim = n.dense.N;
    bind_norm(&b, n.dim, true, &n.dense_norm, "xv.dense.nl.bn");
    st = b.status;
    if (st) goto out;

    *net = n;
    n = (tb_campplus){0}; /* ownership has moved to net */

out:
    tb_campplus_clear(&n);
    return st;
}

void tb_campplus_clear(tb_campplus *net)
{
    if (!net) return;
    tb_free(net->conv1.norm.scale);
    tb_free(net->conv2.norm.scale);
    for (size_t i = 0; i < TB_CAMPPLUS_RES; i++) {
        tb_free(net->res[i].conv1.norm.scale);
        tb_free(net->res[i].conv2.norm.scale);
        tb_free(net->res[i].shortcut.norm.scale);
    }
    tb_free(net->tdnn_norm.scale);
    for (size_t i = 0; i < TB_CAMPPLUS_BLOCKS; i++) {
        tb_campplus_block *block = &net->blocks[i];
        for (size_t l = 0; block->layers && l < block->n_layers; l++) {
            tb_free(block->layers[l].in.scale);
            tb_free(block->layers[l].mid.scale);
        }
        tb_free(block->layers);
        tb_free(block->norm.scale);
    }
    tb_free(net->out_norm.scale);
    tb_free(net->dense_norm.scale);
    *net = (tb_campplus){0};
}

/* ------------------------------------------------------------------ head */

static void normalise(const tb_nn *nn, const tb_campplus_norm *norm, tb_act act, size_t T, size_t C,
                      float *x)
{
    tb_nn_prologue(nn, &(tb_prologue){.act = act, .scale = norm->scale, .shift = norm->shift}, x, T,
                   C, x);
}

static size_t bands_out(const tb_campplus_conv *c, size_t F)
{
    return (F - 1) / c->stride + 1;
}

typedef struct {
    const tb_campplus_conv *c;
    const float *x;
    size_t T, F, t0;
    float *rows;
} unfold_job;

/* Unfolds (im2col) frame t0 + i: (bands out, k, k, C), zero outside the image. */
static void unfold(void *self, size_t i)
{
    const unfold_job *u = self;
    const size_t C = u->c->C, k = u->c->k, pad = k / 2, F = u->F, Fo = bands_out(u->c, F);
    float *row = u->rows + i * Fo * u->c->w.K;

    for (size_t f = 0; f < Fo; f++)
        for (size_t a = 0; a < k; a++)
            for (size_t b = 0; b < k; b++, row += C) {
                const size_t from = f * u->c->stride + a - pad, t = u->t0 + i + b - pad;
                if (from < F && t < u->T) /* a negative index wraps to a huge one */
                    memcpy(row, u->x + (t * F + from) * C, C * sizeof *row);
                else
                    memset(row, 0, C * sizeof *row);
            }
}

/* y (T, bands out, N) = act(norm(conv x)), x (T, F, C). */
static void conv2d(const tb_campplus_conv *c, const tb_nn *nn, const float *x, size_t T, size_t F,
                   tb_act act, float *y)
{
    const size_t Fo = bands_out(c, F), N = c->w.N, K = c->w.K;
    size_t mark = tb_scratch_mark(nn->scratch);
    float *rows = tb_scratch_f32(nn->scratch, TILE * Fo * K); /* (frames, bands out, K) */

    for (size_t t = 0; t < T; t += TILE) {
        const size_t n = T - t < TILE ? T - t : TILE;
        unfold_job u = {.c = c, .x = x, .T = T, .F = F, .t0 = t, .rows = rows};
        tb_thread_pool_for(nn->pool, n, unfold, &u);
        tb_nn_linear(nn, &c->w, rows, K, n * Fo, TB_ACT_NONE, TB_SET, y + t * Fo * N, N);
    }
    normalise(nn, &c->norm, act, T * Fo, N, y);
    tb_scratch_release(nn->scratch, mark);
}

/* out (T, C * F) from x (T, F, C): the trunk's channels are channel-major. */
static void flatten(const float *x, size_t T, size_t F, size_t C, float *out)
{
    for (size_t t = 0; t < T; t++)
        for (size_t f = 0; f < F; f++, x += C)
            for (size_t c = 0; c < C; c++)
                out[(t * C + c) * F + f] = x[c];
}

static void trace_image(const tb_nn *nn, const float *x, size_t T, size_t F, size_t C,
                        const char *name)
{
    if (!nn->trace) return;
    size_t mark = tb_scratch_mark(nn->scratch);
    float *flat = tb_scratch_f32(nn->scratch, T * F * C);
    flatten(x, T, F, C, flat);
    tb_trace_put_t(nn->trace, flat, T, C * F, "%s", name);
    tb_scratch_release(nn->scratch, mark);
}

/* x (T, F, C) to y (T, bands out, C). */
static void residual(const tb_campplus_res *res, const tb_nn *nn, const float *x, size_t T,
                     size_t F, float *y)
{
    const size_t n = T * bands_out(&res->conv1, F) * res->conv1.w.N;
    size_t mark = tb_scratch_mark(nn->scratch);
    float *h = tb_scratch_f32(nn->scratch, n);

    conv2d(&res->conv1, nn, x, T, F, TB_ACT_RELU, h);
    conv2d(&res->conv2, nn, h, T, bands_out(&res->conv1, F), TB_ACT_NONE, y);
    if (res->shortcut.w.rows) {
        conv2d(&res->shortcut, nn, x, T, F, TB_ACT_NONE, h);
        x = h;
    }
    tb_nn_add(nn, x, n, y);
    tb_nn_act(nn, TB_ACT_RELU, y, n, y);
    tb_scratch_release(nn->scratch, mark);
}

/* x (T, bands) to out (T, tdnn.C). Golden tensors: head_*. */
static void head(const tb_campplus *net, const tb_nn *nn, const float *x, size_t T, float *out)
{
    const size_t C = net->conv1.w.N;
    size_t F = net->bands;
    size_t mark = tb_scratch_mark(nn->scratch);
    float *a = tb_scratch_f32(nn->scratch, T * F * C); /* (T, F, C) */
    float *b = tb_scratch_f32(nn->scratch, T * F * C);

    conv2d(&net->conv1, nn, x, T, F, TB_ACT_NONE, a); /* the image has one channel */
    trace_image(nn, a, T, F, C, "head_bn1");
    tb_nn_act(nn, TB_ACT_RELU, a, T * F * C, a);
    for (size_t i = 0; i < TB_CAMPPLUS_RES; i++) {
        residual(&net->res[i], nn, a, T, F, b);
        F = bands_out(&net->res[i].conv1, F);
        float *swap = a;
        a = b;
        b = swap;
        if (i % 2) trace_image(nn, a, T, F, C, i == 1 ? "head_layer1" : "head_layer2");
    }
    const size_t N = net->conv2.w.N, Fo = bands_out(&net->conv2, F);
    float *y = tb_scratch_f32(nn->scratch, T * Fo * N); /* (T, Fo, N) */
    conv2d(&net->conv2, nn, a, T, F, TB_ACT_RELU, y);
    flatten(y, T, Fo, N, out);
    tb_trace_put_t(nn->trace, out, T, net->tdnn.C, "head_out");
    tb_scratch_release(nn->scratch, mark);
}

/* ------------------------------------------------------------------ trunk */

/* y (T, C) = relu(norm(x)) of the first C channels of rows ldx apart. */
static void normalise_rows(const tb_campplus_norm *norm, const float *x, size_t ldx, size_t T,
                           size_t C, float *y)
{
    for (size_t t = 0; t < T; t++, x += ldx, y += C)
        for (size_t c = 0; c < C; c++)
            y[c] = fmaxf(norm->scale[c] * x[c] + norm->shift[c], 0);
}

/* rows ldy apart = x (T, C) */
static void put_rows(const float *x, size_t T, size_t C, float *y, size_t ldy)
{
    for (size_t t = 0; t < T; t++)
        memcpy(y + t * ldy, x + t * C, C * sizeof *y);
}

/* context (segments, C): the mean of h (T, C) over the segment and that over everything, added. */
static void contexts(const tb_nn *nn, const float *h, size_t T, size_t C, float *context)
{
    size_t mark = tb_scratch_mark(nn->scratch);
    double *all = tb_scratch_bytes(nn->scratch, C * sizeof *all);
    double *part = tb_scratch_bytes(nn->scratch, C * sizeof *part);
    const size_t n_seg = (T + SEGMENT - 1) / SEGMENT;

    memset(all, 0, C * sizeof *all);
    for (size_t s = 0; s < n_seg; s++) {
        const size_t from = s * SEGMENT, end = from + SEGMENT < T ? from + SEGMENT : T;
        memset(part, 0, C * sizeof *part);
        for (size_t t = from; t < end; t++)
            for (size_t c = 0; c < C; c++)
                part[c] += (double)h[t * C + c];
        for (size_t c = 0; c < C; c++) {
            all[c] += part[c];
            context[s * C + c] = (float)(part[c] / (double)(end - from));
        }
    }
    for (size_t s = 0; s < n_seg; s++)
        for (size_t c = 0; c < C; c++)
            context[s * C + c] += (float)(all[c] / (double)T);
    tb_scratch_release(nn->scratch, mark);
}

static void trace_gate(const tb_nn *nn, const float *gate, size_t T, size_t G)
{
    if (!nn->trace) return;
    size_t mark = tb_scratch_mark(nn->scratch);
    float *all = tb_scratch_f32(nn->scratch, T * G);
    for (size_t t = 0; t < T; t++)
        memcpy(all + t * G, gate + t / SEGMENT * G, G * sizeof *all);
    tb_trace_put_t(nn->trace, all, T, G, "b1_tdnnd1_gate");
    tb_scratch_release(nn->scratch, mark);
}

/*
 * One dense layer: G more channels from the C there are. Golden tensors (nn->trace is set for the
 * first layer alone): b1_tdnnd1*.
 *
 *   x  (T, C)  rows ldx apart; the new channels go behind
 */
static void dense_layer(const tb_campplus_layer *w, const tb_nn *nn, float *x, size_t ldx, size_t T)
{
    const size_t C = w->widen.K, B = w->widen.N, G = w->local.w.N, S = w->squeeze.N;
    const size_t n_seg = (T + SEGMENT - 1) / SEGMENT;
    size_t mark = tb_scratch_mark(nn->scratch);

    float *in = tb_scratch_f32(nn->scratch, T * C);          /* (T, C) */
    float *h = tb_scratch_f32(nn->scratch, T * B);           /* (T, B) */
    float *y = tb_scratch_f32(nn->scratch, T * G);           /* (T, G) */
    float *context = tb_scratch_f32(nn->scratch, n_seg * B); /* (segments, B) */
    float *small = tb_scratch_f32(nn->scratch, n_seg * S);   /* (segments, S) */
    float *gate = tb_scratch_f32(nn->scratch, n_seg * G);    /* (segments, G) */

    normalise_rows(&w->in, x, ldx, T, C, in);
    tb_nn_linear(nn, &w->widen, in, C, T, TB_ACT_NONE, TB_SET, h, B);
    normalise(nn, &w->mid, TB_ACT_RELU, T, B, h);
    tb_trace_put_t(nn->trace, h, T, B, "b1_tdnnd1_nl2");
    tb_nn_conv(nn, &w->local, NULL, h, T, TB_ACT_NONE, TB_SET, y);
    tb_trace_put_t(nn->trace, y, T, G, "b1_tdnnd1_local");

    contexts(nn, h, T, B, context);
    tb_nn_linear(nn, &w->squeeze, context, B, n_seg, TB_ACT_RELU, TB_SET, small, S);
    tb_nn_linear(nn, &w->excite, small, S, n_seg, TB_ACT_SIGMOID, TB_SET, gate, G);
    trace_gate(nn, gate, T, G);
    for (size_t t = 0; t < T; t++)
        for (size_t c = 0; c < G; c++)
            y[t * G + c] *= gate[t / SEGMENT * G + c];
    tb_trace_put_t(nn->trace, y, T, G, "b1_tdnnd1");
    put_rows(y, T, G, x + C, ldx);

    tb_scratch_release(nn->scratch, mark);
}

/* x (T, C_in) to out (T, transit.N). */
static void dense_block(const tb_campplus *net, const tb_nn *nn, size_t i, const float *x, size_t T,
                        float *out)
{
    const tb_campplus_block *w = &net->blocks[i];
    const tb_nn quiet = {.pool = nn->pool, .scratch = nn->scratch};
    size_t mark = tb_scratch_mark(nn->scratch);
    float *all = tb_scratch_f32(nn->scratch, T * w->C_out); /* (T, C_out), filled from the left */

    put_rows(x, T, w->C_in, all, w->C_out);
    for (size_t l = 0; l < w->n_layers && !tb_cancelled(nn->cancel); l++)
        dense_layer(&w->layers[l], i == 0 && l == 0 ? nn : &quiet, all, w->C_out, T);
    tb_trace_put_t(nn->trace, all, T, w->C_out, "block%zu", i + 1);

    normalise(nn, &w->norm, TB_ACT_RELU, T, w->C_out, all);
    tb_nn_linear(nn, &w->transit, all, w->C_out, T, TB_ACT_NONE, TB_SET, out, w->transit.N);
    tb_trace_put_t(nn->trace, out, T, w->transit.N, "transit%zu", i + 1);
    tb_scratch_release(nn->scratch, mark);
}

/* stats (2C): of every channel of x (T, C) the mean over time, then the deviation (T - 1). */
static void statistics(const float *x, size_t T, size_t C, float *stats)
{
    for (size_t c = 0; c < C; c++) {
        double mean = 0, square = 0;
        for (size_t t = 0; t < T; t++)
            mean += (double)x[t * C + c];
        mean /= (double)T;
        for (size_t t = 0; t < T; t++) {
            const double d = (double)x[t * C + c] - mean;
            square += d * d;
        }
        stats[c] = (float)mean;
        stats[C + c] = (float)sqrt(square / (double)(T - 1));
    }
}

void tb_campplus_run(const tb_campplus *net, const tb_nn *nn, const float *x, size_t frames,
                     float *out)
{
    const size_t T = tb_conv_len(&net->tdnn, frames);
    size_t widest = net->tdnn.w.N;
    size_t mark = tb_scratch_mark(nn->scratch);

    assert(frames >= TB_CAMPPLUS_MIN_FRAMES);
    for (size_t i = 0; i < TB_CAMPPLUS_BLOCKS; i++)
        if (net->blocks[i].transit.N > widest) widest = net->blocks[i].transit.N;
    float *a = tb_scratch_f32(nn->scratch, T * widest); /* (T, channels of the current layer) */
    float *b = tb_scratch_f32(nn->scratch, T * widest);
    float *stats = tb_scratch_f32(nn->scratch, net->dense.K);

    size_t inner = tb_scratch_mark(nn->scratch);
    float *image = tb_scratch_f32(nn->scratch, frames * net->tdnn.C); /* (frames, tdnn.C) */
    head(net, nn, x, frames, image);
    tb_nn_conv(nn, &net->tdnn, NULL, image, frames, TB_ACT_NONE, TB_SET, a);
    tb_scratch_release(nn->scratch, inner);
    normalise(nn, &net->tdnn_norm, TB_ACT_RELU, T, net->tdnn.w.N, a);
    tb_trace_put_t(nn->trace, a, T, net->tdnn.w.N, "tdnn");

    for (size_t i = 0; i < TB_CAMPPLUS_BLOCKS; i++) {
        dense_block(net, nn, i, a, T, b);
        float *swap = a;
        a = b;
        b = swap;
    }
    const size_t C = net->dense.K / 2;
    normalise(nn, &net->out_norm, TB_ACT_RELU, T, C, a);
    tb_trace_put_t(nn->trace, a, T, C, "out_nonlinear");
    statistics(a, T, C, stats);
    tb_trace_put(nn->trace, stats, 1, 2 * C, "stats");
    tb_nn_linear(nn, &net->dense, stats, 2 * C, 1, TB_ACT_NONE, TB_SET, out, net->dim);
    normalise(nn, &net->dense_norm, TB_ACT_NONE, 1, net->dim, out);
    tb_trace_put(nn->trace, out, 1, net->dim, "dense"); /* the reduced recordings have it twice */
    tb_trace_put(nn->trace, out, 1, net->dim, "embedding");

    tb_scratch_release(nn->scratch, mark);
}
