#include "base/str.h"
#include "bench/bench_priv.h"

#include <string.h>

/*
 * timbre bench: how much there is to do, from the shapes of the model's own tensors. A
 * multiplication and an addition are two operations. Activations, norms and what runs from cache to
 * cache are not counted: they are what a better program would do beside the products.
 */

static tb_yard rate_of_type(tb_dtype type)
{
    switch (type) {
    case TB_BF16:
        return TB_YARD_BF16;
    case TB_Q8_0:
    case TB_Q4_0:
        return TB_YARD_INT8;
    default: /* f16 is widened */
        return TB_YARD_F32;
    }
}

static void add_mat(tb_bench_work *w, const tb_mat *m, double rows)
{
    w->flop[m->exact ? TB_YARD_F32 : rate_of_type(m->type)] +=
        2 * rows * (double)m->N * (double)m->K;
    w->bytes += (double)m->N * (double)tb_row_bytes(m->type, m->K);
}

/* ---- T3 ---- */

static double numbers_of_position(const tb_bench *b)
{
    return (double)b->t3.n_layers * 2 * (double)b->t3.D;
}

static double bytes_of_position(const tb_bench *b)
{
    return numbers_of_position(b) * (b->t3.kv_type == TB_F32 ? 4 : 2);
}

static void add_layers(const tb_bench *b, tb_bench_work *w, double rows)
{
    for (size_t i = 0; i < b->t3.n_layers; i++) {
        const tb_t3_layer *l = &b->t3.layers[i];
        add_mat(w, &l->qkv, rows);
        add_mat(w, &l->out, rows);
        add_mat(w, &l->fc, rows);
        add_mat(w, &l->proj, rows);
    }
}

/* rows positions after `past`, of which `heads` are asked what comes next. */
tb_bench_work tb_bench_work_t3(const tb_bench *b, size_t past, size_t rows, size_t heads)
{
    const double n = (double)rows, seen = n * (double)past + n * (n + 1) / 2;
    tb_bench_work w = {0};
    add_layers(b, &w, n);
    if (heads) add_mat(&w, &b->t3.head, (double)heads);
    w.flop[TB_YARD_F32] += 2 * seen * numbers_of_position(b); /* scores and sums */
    w.bytes += (double)(past + rows) * bytes_of_position(b);
    return w;
}

/* One step of so many, each with `past` positions behind it: one pass over the weights. */
tb_bench_work tb_bench_work_step(const tb_bench *b, size_t past, size_t speakers)
{
    const double n = (double)speakers, seen = n * (double)(past + 1);
    tb_bench_work w = {0};
    add_layers(b, &w, n);
    add_mat(&w, &b->t3.head, n);
    w.flop[TB_YARD_F32] += 2 * seen * numbers_of_position(b);
    w.bytes += seen * bytes_of_position(b);
    return w;
}

/* ---- flow: its structs are its own, its tensors' names are known ---- */

static void add_tensor(tb_bench_work *w, const tb_tensor *t, double rows)
{
    w->flop[rate_of_type(t->type)] += 2 * rows * (double)tb_tensor_count(t);
    w->bytes += (double)tb_tensor_bytes(t);
}

static bool is_product(const char *name, const tb_tensor *t)
{
    return t->n_dims >= 2 && tb_str_ends(name, ".weight");
}

tb_bench_work tb_bench_work_encoder(const tb_bench *b, size_t tokens)
{
    static const char of[] = "flow.encoder.";
    const double T = (double)tokens;
    tb_bench_work w = {0};
    for (size_t i = 0; i < tb_weights_count(b->weights); i++) {
        const char *name = tb_weights_name(b->weights, i);
        const tb_tensor *t = tb_weights_at(b->weights, i);
        if (!tb_str_starts(name, of) || !is_product(name, t)) continue;
        const double rows = tb_str_starts(name + strlen(of), "up_") ? 2 * T : T;
        const bool table = strstr(name, "linear_pos") != NULL;
        add_tensor(&w, t, table ? 2 * rows - 1 : rows);
        /* Scores, positions' scores and sums: three products of rows by rows by channels. */
        if (table) w.flop[rate_of_type(t->type)] += 3 * 2 * rows * rows * (double)t->dim[0];
    }
    add_mat(&w, &b->flow.mu, 2 * T);
    return w;
}

/* Both Euler steps. What the time does is made when the model is opened. */
tb_bench_work tb_bench_work_unet(const tb_bench *b, size_t frames)
{
    enum { STEPS = 2 };
    static const char of[] = "flow.decoder.estimator.";
    const double T = (double)frames;
    tb_bench_work one = {0}, w = {0};
    for (size_t i = 0; i < tb_weights_count(b->weights); i++) {
        const char *name = tb_weights_name(b->weights, i);
        const tb_tensor *t = tb_weights_at(b->weights, i);
        if (!tb_str_starts(name, of) || !is_product(name, t) || strstr(name, ".time_") ||
            strstr(name, ".mlp.") || strstr(name, "time_embed_mixer"))
            continue;
        add_tensor(&one, t, T);
        if (strstr(name, "attn1.to_q"))
            one.flop[rate_of_type(t->type)] += 2 * 2 * T * T * (double)t->dim[0];
    }
    tb_bench_more_work(&w, &one, STEPS);
    return w;
}

/* ---- HiFT ---- */

tb_bench_work tb_bench_work_f0(const tb_bench *b, size_t frames)
{
    tb_bench_work w = {0};
    for (size_t i = 0; i < TB_HIFT_F0_CONVS; i++)
        add_mat(&w, &b->hift.f0[i].w, (double)frames);
    add_mat(&w, &b->hift.f0_out, (double)frames);
    return w;
}

static void add_res(tb_bench_work *w, const tb_hift_res *r, double rows)
{
    for (size_t j = 0; j < TB_HIFT_PAIRS; j++) {
        add_mat(w, &r->conv1[j].w, rows);
        add_mat(w, &r->conv2[j].w, rows);
    }
}

tb_bench_work tb_bench_work_decode(const tb_bench *b, size_t frames)
{
    const tb_hift *h = &b->hift;
    double rows = (double)frames;
    tb_bench_work w = {0};
    add_mat(&w, &h->pre.w, rows);
    for (size_t i = 0; i < TB_HIFT_STAGES; i++) {
        add_mat(&w, &h->stage[i].up.w, rows); /* every row in goes to all taps */
        rows *= (double)h->stage[i].up.stride;
        add_mat(&w, &h->stage[i].source_down.w, rows);
        add_res(&w, &h->stage[i].source_res, rows);
        for (size_t j = 0; j < TB_HIFT_KERNELS; j++)
            add_res(&w, &h->stage[i].res[j], rows);
    }
    add_mat(&w, &h->post.w, rows);
    return w;
}

/* ---- a new voice; f32 whatever the type ---- */

static void add_exact(tb_bench_work *w, const tb_mat *m, double rows)
{
    tb_mat f32 = *m;
    f32.exact = true;
    if (m->rows) add_mat(w, &f32, rows);
}

static void add_s3tok(tb_bench_work *w, const tb_s3tok *s, double frames)
{
    const double T = frames / 4, C = (double)s->C;
    add_exact(w, &s->conv1.w, frames / 2);
    add_exact(w, &s->conv2.w, T);
    for (size_t i = 0; i < s->n_blocks; i++) {
        const tb_s3tok_block *k = &s->blocks[i];
        add_exact(w, &k->query, T);
        add_exact(w, &k->key, T);
        add_exact(w, &k->value, T);
        add_exact(w, &k->out, T);
        add_exact(w, &k->up, T);
        add_exact(w, &k->down, T);
        w->flop[TB_YARD_F32] += 4 * T * T * C;
    }
    add_exact(w, &s->digit, T);
}

/* A convolution over `bands` and time; returns how many bands come out. */
static double add_image(tb_bench_work *w, const tb_campplus_conv *c, double bands, double frames)
{
    const double out = c->stride > 1 ? bands / (double)c->stride : bands;
    add_exact(w, &c->w, out * frames);
    return out;
}

static void add_campplus(tb_bench_work *w, const tb_campplus *c, double frames)
{
    double bands = add_image(w, &c->conv1, (double)c->bands, frames);
    for (size_t i = 0; i < TB_CAMPPLUS_RES; i++) {
        const tb_campplus_res *r = &c->res[i];
        const double out = add_image(w, &r->conv1, bands, frames);
        add_image(w, &r->conv2, out, frames);
        if (r->shortcut.w.rows) add_image(w, &r->shortcut, bands, frames);
        bands = out;
    }
    add_image(w, &c->conv2, bands, frames);
    const double T = frames / (double)(c->tdnn.stride ? c->tdnn.stride : 1);
    add_exact(w, &c->tdnn.w, T);
    for (size_t i = 0; i < TB_CAMPPLUS_BLOCKS; i++) {
        const tb_campplus_block *k = &c->blocks[i];
        for (size_t j = 0; j < k->n_layers; j++) {
            add_exact(w, &k->layers[j].widen, T);
            add_exact(w, &k->layers[j].local.w, T);
        }
        add_exact(w, &k->transit, T);
    }
}

tb_bench_work tb_bench_work_conditioning(const tb_bench *b, double seconds)
{
    const tb_conditioner *c = &b->conditioner;
    const double most = 100 * (seconds < 15 ? seconds : 15),
                 ten = 100 * (seconds < 10 ? seconds : 10);
    tb_bench_work w = {0};
    add_s3tok(&w, &c->tok, most);
    add_s3tok(&w, &c->tok, ten);
    add_campplus(&w, &c->campplus, ten);
    const double heard =
        (double)tb_ve_stretches(&c->ve.hp, (size_t)(100 * seconds)) * (double)c->ve.hp.stretch;
    for (size_t i = 0; i < c->ve.n_layers; i++) {
        add_exact(&w, &c->ve.layers[i].in, heard);
        add_exact(&w, &c->ve.layers[i].past, heard);
    }
    return w;
}
