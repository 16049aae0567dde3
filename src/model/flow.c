/*
 * The flow network: speech tokens to mel frames.
 *
 * Token embeddings go through the encoder (flow_encoder.c), which doubles the rate; two Euler steps
 * with the UNet's mean velocity (flow_unet.c) turn noise into a mel. The prompt's own mel fills the
 * first rows of one input channel block, and is cut off the result. Cancellation is checked within
 * each block. docs/model/flow.md.
 */
#include "model/flow.h"

#include "base/counter.h"
#include "base/mem.h"
#include "model/flow_priv.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------ binding */

static const tb_tensor *bind_table(tb_bind *b)
{
    const tb_tensor *t = tb_bind_tensor(b, "input_embedding.weight");

    /* Checked like a matrix: two axes, a weight type. */
    (void)tb_bind_mat(b, 0, 0, false, "input_embedding");
    return b->status ? NULL : t;
}

tb_status tb_flow_bind(tb_flow *flow, tb_weights *weights, const tb_flow_hparams *hp, tb_err *err)
{
    tb_bind b = {.weights = weights, .prefix = "flow.", .err = err};
    tb_flow f = {0};

    f.table = bind_table(&b);
    const size_t C = f.table ? f.table->dim[1] : 0;
    f.vocab = f.table ? f.table->dim[0] : 0;
    f.speaker = tb_bind_mat(&b, 0, 0, true, "spk_embed_affine_layer");
    f.speaker.exact = true; /* one row */
    f.mels = f.speaker.N;
    f.embedding_dim = f.speaker.K;
    f.mu = tb_bind_mat(&b, f.mels, C, true, "encoder_proj");
    f.encoder = tb_flow_encoder_bind(&b, C, hp ? hp->enc_heads : 0);
    f.unet = tb_flow_unet_bind(&b, f.mels, hp ? hp->est_heads : 0);
    tb_bind_nothing_left(&b);
    if (b.status) goto out;

    *flow = f;
    f = (tb_flow){0};
out:
    tb_flow_clear(&f);
    return b.status;
}

void tb_flow_clear(tb_flow *flow)
{
    tb_flow_encoder_free(flow->encoder);
    tb_flow_unet_free(flow->unet);
    *flow = (tb_flow){0};
}

/* ------------------------------------------------------------------ running */

size_t tb_flow_frames(const tb_flow_input *in)
{
    const size_t all = 2 * (in->n_prompt + in->n);

    return all > in->prompt_frames ? all - in->prompt_frames : 0;
}

/* x (T, C): the tokens' rows of the table. */
static tb_status look_up(const tb_flow *flow, const int32_t *tokens, size_t T, float *x,
                         tb_err *err)
{
    const size_t C = flow->table->dim[1], bytes = tb_row_bytes(flow->table->type, C);
    const unsigned char *rows = flow->table->data;
    tb_status st = TB_OK;

    for (size_t t = 0; t < T; t++) {
        if (tokens[t] < 0 || (size_t)tokens[t] >= flow->vocab) {
            st = tb_fail(err, TB_EINVAL, "speech token %ld is not one of the %zu that sound",
                         (long)tokens[t], flow->vocab);
            goto out;
        }
        tb_to_f32(flow->table->type, rows + (size_t)tokens[t] * bytes, x + t * C, C);
    }
out:
    return st;
}

tb_status tb_flow_encode(const tb_flow *flow, const tb_nn *nn, const int32_t *tokens, size_t T,
                         const tb_cancel *cancel, float *mu, tb_err *err)
{
    const size_t C = flow->table->dim[1], mark = tb_scratch_mark(nn->scratch);
    float *x = tb_scratch_f32(nn->scratch, T * C);
    float *y = tb_scratch_f32(nn->scratch, 2 * T * C);
    tb_status st;

    assert(T > 0);
    st = look_up(flow, tokens, T, x, err);
    if (st) goto out;
    tb_trace_put(nn->trace, x, T, C, "flow.token_emb");
    tb_flow_encoder_run(flow->encoder, nn, x, T, cancel, y);
    if (tb_cancelled(cancel)) {
        st = tb_fail_cancelled(err);
        goto out;
    }
    tb_nn_linear(nn, &flow->mu, y, C, 2 * T, TB_ACT_NONE, TB_SET, mu, flow->mels);
    tb_trace_put(nn->trace, mu, 2 * T, flow->mels, "flow.mu");
out:
    tb_scratch_release(nn->scratch, mark);
    return st;
}

/* The speaker embedding projected to mel width: spk (mels). */
static void run_speaker(const tb_flow *flow, const tb_nn *nn, const float *embedding, float *spk)
{
    const size_t n = flow->embedding_dim, mark = tb_scratch_mark(nn->scratch);
    float *unit = tb_scratch_f32(nn->scratch, n);
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)embedding[i] * (double)embedding[i];
    for (size_t i = 0; i < n; i++)
        unit[i] = (float)((double)embedding[i] / fmax(sqrt(sum), 1e-12));
    tb_nn_linear(nn, &flow->speaker, unit, n, 1, TB_ACT_NONE, TB_SET, spk, flow->mels);
    tb_trace_put(nn->trace, spk, 1, flow->mels, "flow.spk");
    tb_scratch_release(nn->scratch, mark);
}

/* Column block i of four of in (T, 4M): from x, rows of M, ldx apart (0: one row for all). */
static void put_columns(float *in, size_t T, size_t M, size_t i, const float *x, size_t ldx)
{
    for (size_t t = 0; t < T; t++)
        memcpy(in + t * 4 * M + i * M, x + t * ldx, M * sizeof *in);
}

tb_status tb_flow_run(const tb_flow *flow, const tb_nn *nn, const tb_flow_input *in,
                      const tb_cancel *cancel, float *mel, tb_err *err)
{
    const size_t M = flow->mels, T = 2 * (in->n_prompt + in->n), F = in->prompt_frames;
    const size_t mark = tb_scratch_mark(nn->scratch);
    tb_status st = TB_OK;

    if (tb_flow_frames(in) == 0) {
        st = tb_fail(err, TB_EINVAL, "%zu frames of prompt leave none of %zu to speak in", F, T);
        goto out;
    }
    int32_t *tokens = tb_scratch_bytes(nn->scratch, T / 2 * sizeof *tokens);
    float *mu = tb_scratch_f32(nn->scratch, T * M);
    float *spk = tb_scratch_f32(nn->scratch, M);
    float *cond = tb_scratch_f32(nn->scratch, T * M);
    float *x = tb_scratch_f32(nn->scratch, T * M);
    float *v = tb_scratch_f32(nn->scratch, T * M);
    float *rows = tb_scratch_f32(nn->scratch, T * 4 * M);

    run_speaker(flow, nn, in->embedding, spk);
    if (in->n_prompt) memcpy(tokens, in->prompt, in->n_prompt * sizeof *tokens);
    if (in->n) memcpy(tokens + in->n_prompt, in->tokens, in->n * sizeof *tokens);
    st = tb_flow_encode(flow, nn, tokens, T / 2, cancel, mu, err);
    if (st) goto out;

    memset(cond, 0, T * M * sizeof *cond);
    if (F) memcpy(cond, in->prompt_mel, F * M * sizeof *cond);
    tb_trace_put_t(nn->trace, cond, T, M, "flow.cond");
    put_columns(rows, T, M, 1, mu, M);
    put_columns(rows, T, M, 2, spk, 0);
    put_columns(rows, T, M, 3, cond, M);
    memcpy(x, in->noise, T * M * sizeof *x);
    for (size_t s = 0; s < TB_FLOW_STEPS; s++) {
        const float dt = tb_flow_times[s + 1] - tb_flow_times[s];

        tb_trace_put_t(nn->trace, x, T, M, "est.s%zu.x", s);
        put_columns(rows, T, M, 0, x, M);
        tb_flow_unet_run(flow->unet, nn, s, rows, T, cancel, v);
        if (tb_cancelled(cancel)) {
            st = tb_fail_cancelled(err);
            goto out;
        }
        tb_nn_scale(nn, dt, T * M, v);
        tb_nn_add(nn, v, T * M, x);
    }
    memcpy(mel, x + F * M, (T - F) * M * sizeof *mel);
    tb_trace_put_t(nn->trace, mel, T - F, M, "mel");
out:
    tb_scratch_release(nn->scratch, mark);
    return st;
}

void tb_flow_noise(const char *stream, size_t first, size_t frames, size_t mels, float *out)
{
    const uint64_t id = tb_counter_stream(stream);

    for (size_t i = 0; i < frames * mels; i++)
        out[i] = (float)tb_counter_normal(id, (uint64_t)first * mels + i);
}
