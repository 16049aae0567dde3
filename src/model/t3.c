/*
 * T3, the token model: a GPT-2 decoder from text to speech tokens.
 *
 * Binding; the transformer block over n new positions of several sessions; the voice's prefix,
 * computed once and shared by refcount; sessions (a KV cache behind a prefix). The generation loop
 * is t3_generate.c. A decode step runs one token of each of n sessions through all layers: linear
 * layers see n rows and read the weights once, attention runs per session. Results of a session do
 * not depend on the batch, since matmuls of up to TB_NN_GEMV_ROWS rows compute every row alike.
 * docs/model/t3.md. Relies on kv_cache.h, sampler.h, batcher.h and nn/ops.h.
 */
#include "model/t3.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum { HEAD = 64 }; /* width of a head in every published model */
static const float EPS = 1e-5f;

struct tb_t3_prefix {
    atomic_size_t refs;
    tb_kv_cache kv;
};

struct tb_t3_session {
    const tb_t3 *t3;
    tb_t3_prefix *prefix; /* a reference; kv begins behind it */
    tb_kv_cache kv;
    bool prefilled;
};

/* ------------------------------------------------------------------ binding */

static void bind_layer(tb_bind *b, tb_t3_layer *w, size_t D, size_t i)
{
    w->ln1_g = tb_bind_vec(b, D, "tfmr.h.%zu.ln_1.weight", i);
    w->ln1_b = tb_bind_vec(b, D, "tfmr.h.%zu.ln_1.bias", i);
    w->qkv = tb_bind_mat(b, 3 * D, D, true, "tfmr.h.%zu.attn.c_attn", i);
    w->out = tb_bind_mat(b, D, D, true, "tfmr.h.%zu.attn.c_proj", i);
    w->ln2_g = tb_bind_vec(b, D, "tfmr.h.%zu.ln_2.weight", i);
    w->ln2_b = tb_bind_vec(b, D, "tfmr.h.%zu.ln_2.bias", i);
    w->fc = tb_bind_mat(b, 0, D, true, "tfmr.h.%zu.mlp.c_fc", i);
    w->proj = tb_bind_mat(b, D, w->fc.N, true, "tfmr.h.%zu.mlp.c_proj", i);
}

tb_status tb_t3_bind(tb_t3 *t3, tb_weights *weights, size_t heads, tb_err *err)
{
    tb_bind b = {.weights = weights, .prefix = "", .err = err};
    tb_t3 t = {0};
    tb_status st;

    t.speech_emb = tb_bind_mat(&b, 0, 0, false, "speech_emb");
    t.D = t.speech_emb.K;
    t.vocab = t.speech_emb.N;
    t.text_emb = tb_bind_mat(&b, 0, t.D, false, "text_emb");
    t.positions = tb_bind_mat(&b, 0, t.D, false, "tfmr.wpe");
    t.speaker = tb_bind_mat(&b, t.D, 0, true, "cond_enc.spkr_enc");
    t.head = tb_bind_mat(&b, t.vocab, t.D, true, "speech_head");
    t.lnf_g = tb_bind_vec(&b, t.D, "tfmr.ln_f.weight");
    t.lnf_b = tb_bind_vec(&b, t.D, "tfmr.ln_f.bias");
    while (tb_bind_has(&b, "tfmr.h.%zu.ln_1.weight", t.n_layers))
        t.n_layers++;
    t.layers = tb_alloc((t.n_layers + 1) * sizeof *t.layers);
    t.kv_type = TB_F32;
    /* Layer 0 is looked up even if there is none, so that the error names it. */
    for (size_t i = 0; i < t.n_layers || i == 0; i++) {
        bind_layer(&b, &t.layers[i], t.D, i);
        if (t.layers[i].qkv.type != TB_F32) t.kv_type = TB_F16;
    }
    st = b.status;
    if (st) goto out;

    t.heads = heads ? heads : t.D / HEAD;
    if (t.heads == 0 || t.D % t.heads || t.vocab < 3) {
        st = tb_fail(err, TB_EMODEL,
                     "%s: %zu channels cannot be %zu heads, or %zu speech tokens "
                     "are too few",
                     tb_weights_label(weights), t.D, t.heads, t.vocab);
        goto out;
    }
    t.text_vocab = t.text_emb.N;
    t.max_positions = t.positions.N;
    t.speaker_dim = t.speaker.K;
    t.codes = t.vocab - 2;
    t.start = (int32_t)t.codes;
    t.stop = (int32_t)t.codes + 1;
    *t3 = t;
    t.layers = NULL; /* ownership has moved to t3 */

out:
    tb_free(t.layers);
    return st;
}

void tb_t3_clear(tb_t3 *t3)
{
    if (!t3) return;
    tb_free(t3->layers);
    *t3 = (tb_t3){0};
}

/* ------------------------------------------------------------------ network */

static void read_row(const tb_mat *table, size_t i, float *row)
{
    const unsigned char *rows = table->rows;
    assert(i < table->N);
    tb_to_f32(table->type, rows + i * tb_row_bytes(table->type, table->K), row, table->K);
}

/* x += position embeddings of n rows from position `past` on. */
static void add_positions(const tb_t3 *t3, const tb_nn *nn, size_t past, size_t n, float *x)
{
    size_t mark = tb_scratch_mark(nn->scratch);
    float *row = tb_scratch_f32(nn->scratch, t3->D);
    for (size_t i = 0; i < n; i++) {
        read_row(&t3->positions, past + i, row);
        for (size_t c = 0; c < t3->D; c++)
            x[i * t3->D + c] += row[c];
    }
    tb_scratch_release(nn->scratch, mark);
}

/*
 * One transformer block over n new positions of each of n_seq sequences. Pre-norm, biases
 * everywhere, tanh-GELU. Golden tensors: prefill.h0.
 *
 *   x   (n_seq * n, D)  residual stream, changed in place
 *   kv                  per sequence; this layer's rows kv->n .. kv->n + n - 1 are written here
 */
static void block(const tb_t3 *t3, const tb_nn *nn, size_t layer, tb_kv_cache *const *kv,
                  size_t n_seq, size_t n, float *x)
{
    const tb_t3_layer *w = &t3->layers[layer];
    const size_t D = t3->D, d = D / t3->heads, F = w->fc.N, T = n_seq * n;
    /* Only the first block is traced in detail; a decode step is not traced. */
    const tb_nn untraced = {.pool = nn->pool, .scratch = nn->scratch};
    const tb_nn *in = layer == 0 ? nn : &untraced;
    size_t mark = tb_scratch_mark(nn->scratch);

    float *h = tb_scratch_f32(nn->scratch, T * D);       /* (T, D) */
    float *qkv = tb_scratch_f32(nn->scratch, T * 3 * D); /* (T, 3D): q, k, v side by side */
    float *f = tb_scratch_f32(nn->scratch, T * F);       /* (T, F) */

    tb_nn_layer_norm(&untraced, w->ln1_g, w->ln1_b, EPS, x, T, D, h);
    tb_trace_put(in->trace, h, T, D, "prefill.h0.ln_1");
    tb_nn_linear(&untraced, &w->qkv, h, D, T, TB_ACT_NONE, TB_SET, qkv, 3 * D);
    tb_trace_put(in->trace, qkv, T, 3 * D, "prefill.h0.c_attn");
    for (size_t s = 0; s < n_seq; s++) {
        const size_t held = kv[s]->n, past = tb_kv_cache_positions(kv[s]);
        const tb_kv_cache *prefix = kv[s]->prefix;
        const tb_attention a = {.heads = t3->heads,
                                .d = d,
                                .scale = 1 / sqrtf((float)d),
                                .causal = true,
                                .past = past,
                                .prefix_k = prefix ? tb_kv_cache_keys(prefix, layer) : NULL,
                                .prefix_v = prefix ? tb_kv_cache_values(prefix, layer) : NULL,
                                .prefix_len = prefix ? prefix->n : 0,
                                .prefix_ldh = prefix ? tb_kv_cache_head_stride(prefix, layer) : 0,
                                .ldh = tb_kv_cache_head_stride(kv[s], layer)};
        float *rows = qkv + s * n * 3 * D;
        tb_kv_cache_write(kv[s], layer, held, n, rows + D, rows + 2 * D, 3 * D);
        /* Reads the cache's rounded keys and values: a prefix loaded from disk has no others. */
        tb_nn_attention(&untraced, &a, rows, 3 * D, n, kv[s]->type, tb_kv_cache_keys(kv[s], layer),
                        tb_kv_cache_values(kv[s], layer), d, past + n, h + s * n * D, D);
    }
    tb_trace_put(in->trace, h, T, D, "prefill.h0.attn_heads");
    tb_nn_trace_linear(in, &w->out, tb_rows_f32(h, D), T, "prefill.h0.attn");
    tb_nn_linear(&untraced, &w->out, h, D, T, TB_ACT_NONE, TB_ADD, x, D); /* x += out(h) */

    tb_nn_layer_norm(&untraced, w->ln2_g, w->ln2_b, EPS, x, T, D, h);
    tb_trace_put(in->trace, h, T, D, "prefill.h0.ln_2");
    tb_nn_trace_linear(in, &w->fc, tb_rows_f32(h, D), T, "prefill.h0.c_fc");
    tb_nn_linear(&untraced, &w->fc, h, D, T, TB_ACT_GELU_TANH, TB_SET, f, F);
    tb_trace_put(in->trace, f, T, F, "prefill.h0.gelu");
    tb_nn_trace_linear(in, &w->proj, tb_rows_f32(f, F), T, "prefill.h0.mlp");
    tb_nn_linear(&untraced, &w->proj, f, F, T, TB_ACT_NONE, TB_ADD, x, D); /* x += proj(f) */

    tb_scratch_release(nn->scratch, mark);
}

/* n more positions of one sequence; x (n, D) are their embeddings, and then what the last block
 * says. Cancelled between blocks: those of a long prompt take a fraction of a second each. */
static tb_status forward(const tb_t3 *t3, const tb_nn *nn, tb_kv_cache *kv, size_t n, float *x,
                         const tb_cancel *cancel, tb_err *err)
{
    tb_trace_put(nn->trace, x, n, t3->D, "prefill.embeds");
    add_positions(t3, nn, tb_kv_cache_positions(kv), n, x);
    for (size_t i = 0; i < t3->n_layers; i++) {
        if (tb_cancelled(cancel)) return tb_fail_cancelled(err);
        block(t3, nn, i, &kv, 1, n, x);
        tb_trace_put(nn->trace, x, n, t3->D, "prefill.h%zu", i);
    }
    kv->n += n;
    if (!nn->trace) return TB_OK; /* only the last row is used, by compute_logits */
    size_t mark = tb_scratch_mark(nn->scratch);
    float *y = tb_scratch_f32(nn->scratch, n * t3->D);
    tb_nn_layer_norm(nn, t3->lnf_g, t3->lnf_b, EPS, x, n, t3->D, y);
    tb_trace_put(nn->trace, y, n, t3->D, "prefill.ln_f");
    tb_scratch_release(nn->scratch, mark);
    return TB_OK;
}

/* x (n, D), changed, to logits (n, vocab). */
static void compute_logits(const tb_t3 *t3, const tb_nn *nn, float *x, size_t n, float *logits)
{
    tb_nn_layer_norm(nn, t3->lnf_g, t3->lnf_b, EPS, x, n, t3->D, x);
    tb_trace_put(nn->trace, x, n, t3->D, "step.hidden");
    tb_nn_linear(nn, &t3->head, x, t3->D, n, TB_ACT_NONE, TB_SET, logits, t3->vocab);
    tb_trace_put(nn->trace, logits, n, t3->vocab, "step.logits");
}

static tb_status check_ids(const int32_t *ids, size_t n, size_t vocab, const char *what,
                           tb_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= vocab)
            return tb_fail(err, TB_EINVAL, "%s %d (number %zu) is outside the model's 0 .. %zu",
                           what, (int)ids[i], i, vocab - 1);
    return TB_OK;
}

/* Room in the model and in memory for n more positions. */
static tb_status make_room(const tb_t3 *t3, tb_kv_cache *kv, size_t n, tb_err *err)
{
    if (n > t3->max_positions || tb_kv_cache_positions(kv) > t3->max_positions - n)
        return tb_fail(err, TB_EINVAL,
                       "%zu positions of voice, text and speech are more than the model's %zu",
                       tb_kv_cache_positions(kv) + n, t3->max_positions);
    return tb_kv_cache_reserve(kv, kv->n + n, err);
}

/* ------------------------------------------------------------------ prefix */

static tb_t3_prefix *prefix_alloc(const tb_t3 *t3)
{
    tb_t3_prefix *p = tb_alloc(sizeof *p);
    atomic_init(&p->refs, 1);
    tb_kv_cache_init(&p->kv, t3->kv_type, t3->n_layers, t3->heads, t3->D / t3->heads);
    return p;
}

tb_status tb_t3_prefix_new(const tb_t3 *t3, const tb_nn *nn, const tb_t3_voice *voice,
                           const tb_cancel *cancel, tb_t3_prefix **out, tb_err *err)
{
    const size_t D = t3->D, P = voice->n_prompt;
    tb_t3_prefix *p = prefix_alloc(t3);
    size_t mark = tb_scratch_mark(nn->scratch);
    tb_status st = TB_OK;

    if (!voice->prompt_emb) st = check_ids(voice->prompt, P, t3->vocab, "prompt token", err);
    if (st) goto out;
    st = make_room(t3, &p->kv, P + 1, err);
    if (st) goto out;

    float *x = tb_scratch_f32(nn->scratch, (P + 1) * D); /* (1 + P, D) */
    tb_nn_linear(nn, &t3->speaker, voice->speaker, t3->speaker_dim, 1, TB_ACT_NONE, TB_SET, x, D);
    if (voice->prompt_emb && P)
        memcpy(x + D, voice->prompt_emb, P * D * sizeof *x);
    else
        for (size_t i = 0; i < P; i++)
            read_row(&t3->speech_emb, (size_t)voice->prompt[i], x + (1 + i) * D);
    st = forward(t3, nn, &p->kv, P + 1, x, cancel, err);
    if (st) goto out;

    *out = p;
    p = NULL; /* ownership has moved to the caller */

out:
    tb_scratch_release(nn->scratch, mark);
    tb_t3_prefix_free(p);
    return st;
}

tb_t3_prefix *tb_t3_prefix_ref(tb_t3_prefix *prefix)
{
    atomic_fetch_add_explicit(&prefix->refs, 1, memory_order_relaxed);
    return prefix;
}

void tb_t3_prefix_free(tb_t3_prefix *prefix)
{
    if (!prefix || atomic_fetch_sub_explicit(&prefix->refs, 1, memory_order_acq_rel) > 1) return;
    tb_kv_cache_clear(&prefix->kv);
    tb_free(prefix);
}

size_t tb_t3_prefix_positions(const tb_t3_prefix *prefix)
{
    return prefix->kv.n;
}

/* Little endian, as every machine that we build for is. Layers follow, kv.n rows each. */
typedef struct {
    char magic[8];
    uint32_t type, layers, heads, d, n;
} packed_head;

static const char PACK_MAGIC[8] = "TBT3KV2";

static packed_head header_of(const tb_kv_cache *kv)
{
    packed_head h = {.type = (uint32_t)kv->type,
                     .layers = (uint32_t)kv->layers,
                     .heads = (uint32_t)kv->heads,
                     .d = (uint32_t)kv->d,
                     .n = (uint32_t)kv->n};
    memcpy(h.magic, PACK_MAGIC, sizeof h.magic);
    return h;
}

size_t tb_t3_prefix_packed_size(const tb_t3_prefix *prefix)
{
    return sizeof(packed_head) + prefix->kv.layers * tb_kv_cache_packed_size(&prefix->kv);
}

void tb_t3_prefix_pack(const tb_t3_prefix *prefix, void *out)
{
    const tb_kv_cache *kv = &prefix->kv;
    const packed_head h = header_of(kv);
    unsigned char *to = out;
    memcpy(to, &h, sizeof h);
    to += sizeof h;
    for (size_t i = 0; i < kv->layers; i++) {
        tb_kv_cache_pack(kv, i, to);
        to += tb_kv_cache_packed_size(kv);
    }
}

tb_status tb_t3_prefix_unpack(const tb_t3 *t3, const void *data, size_t size, tb_t3_prefix **out,
                              tb_err *err)
{
    const unsigned char *from = data;
    tb_t3_prefix *p = prefix_alloc(t3);
    tb_kv_cache *kv = &p->kv;
    packed_head got, want;
    tb_status st = TB_OK;

    if (size < sizeof got) {
        st = tb_fail(err, TB_EMODEL, "%zu bytes are no voice prefix", size);
        goto out;
    }
    memcpy(&got, from, sizeof got);
    want = header_of(kv);
    want.n = got.n; /* which a voice decides */
    if (memcmp(&got, &want, sizeof got)) {
        st = tb_fail(err, TB_EMODEL, "the voice prefix is of another model or version");
        goto out;
    }
    if (got.n == 0 || got.n > t3->max_positions ||
        size - sizeof got != kv->layers * got.n * tb_row_bytes(kv->type, 2 * t3->D)) {
        st = tb_fail(err, TB_EMODEL, "%zu bytes are not a voice prefix of %u positions", size,
                     got.n);
        goto out;
    }
    st = tb_kv_cache_reserve(kv, got.n, err);
    if (st) goto out;
    kv->n = got.n;
    from += sizeof got;
    for (size_t i = 0; i < kv->layers; i++) {
        tb_kv_cache_unpack(kv, i, from);
        from += tb_kv_cache_packed_size(kv);
    }

    *out = p;
    p = NULL; /* ownership has moved to the caller */

out:
    tb_t3_prefix_free(p);
    return st;
}

/* ------------------------------------------------------------------ sessions */

tb_status tb_t3_session_new(const tb_t3 *t3, tb_t3_prefix *prefix, tb_t3_session **out, tb_err *err)
{
    tb_t3_session *s = tb_alloc(sizeof *s);
    s->t3 = t3;
    tb_kv_cache_init(&s->kv, t3->kv_type, t3->n_layers, t3->heads, t3->D / t3->heads);
    s->prefix = tb_t3_prefix_ref(prefix);
    s->kv.prefix = &prefix->kv;
    tb_status st =
        tb_kv_cache_reserve(&s->kv, TB_KV_CACHE_PAGE, err); /* for text and the first tokens */
    if (st) goto out;

    *out = s;
    s = NULL; /* ownership has moved to the caller */

out:
    tb_t3_session_free(s);
    return st;
}

void tb_t3_session_free(tb_t3_session *session)
{
    if (!session) return;
    tb_kv_cache_clear(&session->kv);
    tb_t3_prefix_free(session->prefix);
    tb_free(session);
}

size_t tb_t3_session_positions(const tb_t3_session *session)
{
    return tb_kv_cache_positions(&session->kv);
}

const tb_t3 *tb_t3_session_model(const tb_t3_session *session)
{
    return session->t3;
}

tb_status tb_t3_session_reserve(tb_t3_session *session, size_t n, tb_err *err)
{
    return make_room(session->t3, &session->kv, n, err);
}

tb_status tb_t3_prefill(tb_t3_session *session, const tb_nn *nn, const int32_t *ids, size_t n,
                        const tb_cancel *cancel, float *logits, tb_err *err)
{
    const tb_t3 *t3 = session->t3;
    const size_t D = t3->D, mark = tb_scratch_mark(nn->scratch);
    assert(!session->prefilled);
    tb_status st = check_ids(ids, n, t3->text_vocab, "text id", err);
    if (st) goto out;
    st = make_room(t3, &session->kv, n + 1, err);
    if (st) goto out;

    float *x = tb_scratch_f32(nn->scratch, (n + 1) * D); /* (n + 1, D) */
    for (size_t i = 0; i < n; i++)
        read_row(&t3->text_emb, (size_t)ids[i], x + i * D);
    read_row(&t3->speech_emb, (size_t)t3->start, x + n * D);
    st = forward(t3, nn, &session->kv, n + 1, x, cancel, err);
    if (st) goto out;
    compute_logits(t3, nn, x + n * D, 1, logits);
    session->prefilled = true;

out:
    tb_scratch_release(nn->scratch, mark);
    return st;
}

void tb_t3_step(tb_t3_session *const *sessions, const tb_nn *nn, const int32_t *tokens, size_t n,
                float *logits)
{
    if (n == 0) return;
    const tb_t3 *t3 = sessions[0]->t3;
    const tb_nn untraced = {.pool = nn->pool, .scratch = nn->scratch};
    size_t mark = tb_scratch_mark(nn->scratch);
    float *x = tb_scratch_f32(nn->scratch, n * t3->D);                           /* (n, D) */
    tb_kv_cache **kv = tb_scratch_bytes(nn->scratch, n * sizeof(tb_kv_cache *)); /* (n) */

    for (size_t i = 0; i < n; i++) {
        kv[i] = &sessions[i]->kv;
        assert(sessions[i]->t3 == t3 && sessions[i]->prefilled && kv[i]->n < kv[i]->cap);
        read_row(&t3->speech_emb, (size_t)tokens[i], x + i * t3->D);
        add_positions(t3, nn, tb_kv_cache_positions(kv[i]), 1, x + i * t3->D);
    }
    for (size_t i = 0; i < t3->n_layers; i++)
        block(t3, &untraced, i, kv, n, 1, x);
    for (size_t i = 0; i < n; i++)
        kv[i]->n++;
    compute_logits(t3, nn, x, n, logits);
    tb_scratch_release(nn->scratch, mark);
}
