/*
 * The voice encoder: from a 40-band mel of a recording to one vector of length 1, for T3.
 *
 * Three LSTM layers run over overlapping stretches of 160 frames; groups of stretches run side by
 * side, so that each step is a matmul. The hidden state at each stretch's end is projected, made
 * positive and normalised; the mean of the stretches is normalised again. f32.
 * docs/model/conditioning.md.
 */
#include "model/ve.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Stretches that run side by side. More would only take memory: a matrix is read once a step for
 * all of them. */
enum { GROUP = 32 };

const tb_ve_hparams tb_ve_published = {.stretch = 160, .step = 77, .covered = 0.8};

/* ------------------------------------------------------------------ binding */

/* A matrix (4H, K) of a layer; H and K 0: from the file. Its name has no ".weight" at the end. */
static tb_mat bind_gates(tb_bind *b, size_t H, size_t K, const char *which, size_t layer)
{
    tb_mat m = {.exact = true};
    const tb_tensor *t = tb_bind_tensor(b, "lstm.weight_%s_l%zu", which, layer);
    if (!t) return m;
    if (t->n_dims != 2 || t->type > TB_Q4_0 || t->dim[0] == 0 || t->dim[0] % 4 || t->dim[1] == 0 ||
        (H && t->dim[0] != 4 * H) || (K && t->dim[1] != K)) {
        char shape[80];
        tb_tensor_shape(t, shape);
        b->status = tb_fail(b->err, TB_EMODEL,
                            "%s: %slstm.weight_%s_l%zu is %s %s; numbers of [%zu, %zu] are wanted "
                            "(0: any, the first a multiple of 4)",
                            tb_weights_label(b->weights), b->prefix, which, layer,
                            tb_dtype_name(t->type), shape, 4 * H, K);
        return m;
    }
    m.type = t->type;
    m.N = t->dim[0];
    m.K = t->dim[1];
    m.rows = t->data;
    return m;
}

static void bind_layer(tb_bind *b, tb_ve *ve, size_t i)
{
    tb_ve_layer *w = &ve->layers[i];
    w->in = bind_gates(b, ve->H, i ? ve->H : 0, "ih", i);
    if (i == 0) {
        ve->H = w->in.N / 4;
        ve->bands = w->in.K;
    }
    w->past = bind_gates(b, ve->H, ve->H, "hh", i);
    const float *in = tb_bind_vec(b, 4 * ve->H, "lstm.bias_ih_l%zu", i);
    const float *past = tb_bind_vec(b, 4 * ve->H, "lstm.bias_hh_l%zu", i);
    if (b->status) return;
    w->bias = tb_try_alloc(4 * ve->H, sizeof *w->bias);
    if (!w->bias) {
        b->status = tb_nomem(b->err, 4 * ve->H, sizeof *w->bias);
        return;
    }
    for (size_t k = 0; k < 4 * ve->H; k++)
        w->bias[k] = in[k] + past[k];
    w->in.bias = w->bias;
}

tb_status tb_ve_bind(tb_weights *weights, const tb_ve_hparams *hp, tb_ve *ve, tb_err *err)
{
    enum { LAYERS_MAX = 16 };
    tb_bind b = {.weights = weights, .prefix = "ve.", .err = err};
    assert(hp->stretch > 0 && hp->step > 0 && hp->step <= hp->stretch);

    *ve = (tb_ve){.hp = *hp};
    while (ve->n_layers < LAYERS_MAX && tb_bind_has(&b, "lstm.weight_ih_l%zu", ve->n_layers))
        ve->n_layers++;
    if (ve->n_layers == 0) ve->n_layers = 1; /* which is then reported missing */
    ve->layers = tb_alloc(ve->n_layers * sizeof *ve->layers);
    for (size_t i = 0; i < ve->n_layers && !b.status; i++)
        bind_layer(&b, ve, i);
    ve->proj = tb_bind_mat(&b, 0, ve->H, true, "proj");
    ve->proj.exact = true;
    ve->dim = ve->proj.N;
    /* Training scales; not used at inference. */
    tb_bind_tensor(&b, "similarity_weight");
    tb_bind_tensor(&b, "similarity_bias");
    tb_bind_nothing_left(&b);
    if (b.status) tb_ve_clear(ve);
    return b.status;
}

void tb_ve_clear(tb_ve *ve)
{
    if (!ve) return;
    for (size_t i = 0; ve->layers && i < ve->n_layers; i++)
        tb_free(ve->layers[i].bias);
    tb_free(ve->layers);
    *ve = (tb_ve){0};
}

/* ------------------------------------------------------------------ running */

size_t tb_ve_stretches(const tb_ve_hparams *hp, size_t frames)
{
    const size_t P = hp->stretch, step = hp->step;
    const size_t from = frames + step > P ? frames + step - P : 0;
    const size_t n = from / step, rest = from % step;
    const bool one_more = (double)(rest + P - step) / (double)P >= hp->covered;
    return n == 0 || one_more ? n + 1 : n;
}

/* A group of stretches: their place in the recording and their LSTM state. */
typedef struct {
    size_t first, n; /* stretches */
    float *h, *c;    /* (layers, all stretches, H): the rows of this group are in between */
    size_t all;
} group;

/*
 * What the first layer's gates get from the recording, (P, n, 4H). Stretches overlap, so every
 * frame is multiplied once and its row copied to all stretches that contain it.
 */
static void first_gates(const tb_ve *ve, const tb_nn *nn, const float *mel, size_t frames,
                        const group *g, float *gates)
{
    const size_t P = ve->hp.stretch, step = ve->hp.step, M = ve->bands, G = 4 * ve->H;
    const size_t from = g->first * step, rows = step * (g->n - 1) + P;
    const size_t there = frames - from < rows ? frames - from : rows;
    const size_t mark = tb_scratch_mark(nn->scratch);
    float *x = tb_scratch_f32(nn->scratch, rows * M); /* silence behind the end */
    float *y = tb_scratch_f32(nn->scratch, rows * G);
    assert(from < frames); /* a stretch that counts begins inside the recording */

    memcpy(x, mel + from * M, there * M * sizeof *x);
    memset(x + there * M, 0, (rows - there) * M * sizeof *x);
    tb_nn_linear(nn, &ve->layers[0].in, x, M, rows, TB_ACT_NONE, TB_SET, y, G);
    for (size_t t = 0; t < P; t++)
        for (size_t i = 0; i < g->n; i++)
            memcpy(gates + (t * g->n + i) * G, y + (i * step + t) * G, G * sizeof *y);
    tb_scratch_release(nn->scratch, mark);
}

/* One LSTM step of n stretches: gates (n, 4H) before their activations; c and h (n, H) updated. */
static void lstm_step(const tb_nn *nn, size_t n, size_t H, float *gates, float *c, float *h)
{
    for (size_t i = 0; i < n; i++) {
        float *in = gates + i * 4 * H, *forget = in + H, *fresh = in + 2 * H, *out = in + 3 * H;
        tb_nn_act(nn, TB_ACT_SIGMOID, in, 2 * H, in);
        tb_nn_act(nn, TB_ACT_TANH, fresh, H, fresh);
        tb_nn_act(nn, TB_ACT_SIGMOID, out, H, out);
        for (size_t k = 0; k < H; k++)
            c[i * H + k] = forget[k] * c[i * H + k] + in[k] * fresh[k];
        tb_nn_act(nn, TB_ACT_TANH, c + i * H, H, h + i * H);
        for (size_t k = 0; k < H; k++)
            h[i * H + k] *= out[k];
    }
}

/* Runs all stretches of a group through all layers; the final state stays in g. */
static void run_layers(const tb_ve *ve, const tb_nn *nn, const float *mel, size_t frames,
                       const group *g)
{
    const size_t P = ve->hp.stretch, H = ve->H, n = g->n;
    const size_t mark = tb_scratch_mark(nn->scratch);
    float *gates = tb_scratch_f32(nn->scratch, P * n * 4 * H); /* (P, n, 4H) */
    float *hidden = tb_scratch_f32(nn->scratch, P * n * H);    /* (P, n, H) h of every step */

    for (size_t l = 0; l < ve->n_layers; l++) {
        const tb_ve_layer *w = &ve->layers[l];
        float *c = g->c + (l * g->all + g->first) * H;
        if (l == 0)
            first_gates(ve, nn, mel, frames, g, gates);
        else
            tb_nn_linear(nn, &w->in, hidden, H, P * n, TB_ACT_NONE, TB_SET, gates, 4 * H);
        memset(c, 0, n * H * sizeof *c);
        for (size_t t = 0; t < P; t++) { /* at t = 0 there is no past to add */
            float *now = gates + t * n * 4 * H, *h = hidden + t * n * H;
            if (t > 0) tb_nn_linear(nn, &w->past, h - n * H, H, n, TB_ACT_NONE, TB_ADD, now, 4 * H);
            lstm_step(nn, n, H, now, c, h);
        }
        memcpy(g->h + (l * g->all + g->first) * H, hidden + (P - 1) * n * H,
               n * H * sizeof *hidden);
    }
    if (nn->trace && g->first == 0) {
        float *top = tb_scratch_f32(nn->scratch, P * H);
        for (size_t t = 0; t < P; t++)
            memcpy(top + t * H, hidden + t * n * H, H * sizeof *top);
        tb_trace_put(nn->trace, top, P, H, "top_seq_p0");
    }
    tb_scratch_release(nn->scratch, mark);
}

/* Scales to length 1. A zero vector stays zero. */
static void normalise(float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    for (size_t i = 0; sum > 0 && i < n; i++)
        x[i] = (float)((double)x[i] / sqrt(sum));
}

void tb_ve_run(const tb_ve *ve, const tb_nn *nn, const float *mel, size_t frames, float *out)
{
    const size_t L = ve->n_layers, H = ve->H, D = ve->dim;
    const size_t Q = tb_ve_stretches(&ve->hp, frames);
    const size_t mark = tb_scratch_mark(nn->scratch);
    float *h = tb_scratch_f32(nn->scratch, L * Q * H);
    float *c = tb_scratch_f32(nn->scratch, L * Q * H);
    float *e = tb_scratch_f32(nn->scratch, Q * D); /* (Q, D) */
    assert(frames > 0);

    for (size_t i = 0; i < Q; i += GROUP) {
        const group g = {.first = i, .n = Q - i < GROUP ? Q - i : GROUP, .h = h, .c = c, .all = Q};
        run_layers(ve, nn, mel, frames, &g);
    }
    tb_trace_put(nn->trace, h, L * Q, H, "h_last");
    tb_trace_put(nn->trace, c, L * Q, H, "c_last");

    tb_nn_linear(nn, &ve->proj, h + (L - 1) * Q * H, H, Q, TB_ACT_NONE, TB_SET, e, D);
    tb_trace_put(nn->trace, e, Q, D, "proj_pre_relu");
    tb_nn_act(nn, TB_ACT_RELU, e, Q * D, e);
    for (size_t i = 0; i < Q; i++)
        normalise(e + i * D, D);
    tb_trace_put(nn->trace, e, Q, D, "partial_embeds");

    for (size_t k = 0; k < D; k++) {
        double sum = 0;
        for (size_t i = 0; i < Q; i++)
            sum += (double)e[i * D + k];
        out[k] = (float)(sum / (double)Q);
    }
    normalise(out, D);
    tb_trace_put(nn->trace, out, 1, D, "embed");
    tb_scratch_release(nn->scratch, mark);
}
