#ifndef TB_TEST_S3GEN_H
#define TB_TEST_S3GEN_H

#include "base/mem.h"
#include "golden.h"
#include "model/flow.h"
#include "model/hift.h"
#include "model/layout.h"

#include <stdio.h>
#include <string.h>

/*
 * The recorded cases of the second half of the model, speech tokens to waveform. Noise that a case
 * does not hold is made, as its note says.
 */
enum { TINY_ENC_HEADS = 2, TINY_EST_HEADS = 4 };
static const float NORMAL = 1.7320508f; /* scale of a standard normal */

static inline tb_weights *s3gen_weights(const char *path, tb_dtype type)
{
    tb_err err = {0};
    tb_layout_source src = {0};
    tb_weights *w = NULL;

    if (tb_safetensors_open(path, &src.s3gen, &err) || tb_layout_build(&src, type, path, &w, &err))
        fail_msg("%s", err.msg);
    return w;
}

static inline tb_weights *s3gen_tiny_weights(tb_dtype type)
{
    return s3gen_weights(TB_TEST_DATA "/golden/tiny_s3gen.weights.safetensors", type);
}

typedef struct {
    golden g;
    golden_trace trace;
    tb_nn nn;
    tb_flow flow;
    tb_hift hift;
    tb_flow_input in;
    size_t frames, len; /* that come out */
    float *z, *noise;   /* (T, 80), (len, 9) */
    float *prompt_mel;  /* made, or NULL */
    int32_t *prompt, *tokens;
    tb_hift_osc osc; /* at the beginning */
} s3gen;

/* Recorded [cols, rows], or made by the case's generator -> (rows, cols). */
static inline float *s3gen_turned(golden *g, const char *name, size_t rows, size_t cols)
{
    float *made = tb_alloc(rows * cols * sizeof *made), *out = tb_alloc(rows * cols * sizeof *out);
    char key[80];

    snprintf(key, sizeof key, "golden/%s/%s", g->name, name);
    golden_noise(key, 0, NORMAL, made, rows * cols);
    if (golden_has(g, name)) {
        size_t n;
        const float *x = golden_f32(g, name, &n);

        assert_int_equal(n, rows * cols);
        memcpy(made, x, n * sizeof *made);
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            out[r * cols + c] = made[c * rows + r];
    tb_free(made);
    return out;
}

static inline void s3gen_open(s3gen *c, const char *name, tb_weights *weights,
                              const tb_flow_hparams *hp)
{
    tb_err err = {0};
    size_t n;

    memset(c, 0, sizeof *c);
    golden_open(&c->g, name);
    golden_listen(&c->trace, &c->g);
    c->nn = (tb_nn){.scratch = tb_scratch_new(), .trace = &c->trace.trace};
    if (tb_thread_pool_new(2, &c->nn.pool, &err) || tb_flow_bind(&c->flow, weights, hp, &err) ||
        tb_hift_bind(&c->hift, weights, &err))
        fail_msg("%s", err.msg);

    c->in.prompt = c->prompt = golden_ids(&c->g, "prompt_token", &c->in.n_prompt);
    c->in.tokens = c->tokens = golden_ids(&c->g, "speech_tokens", &c->in.n);
    c->in.embedding = golden_f32(&c->g, "embedding", &n);
    assert_int_equal(n, c->flow.embedding_dim);
    if (golden_has(&c->g, "prompt_feat")) {
        c->in.prompt_mel = golden_f32(&c->g, "prompt_feat", NULL);
        c->in.prompt_frames = golden_dim(&c->g, "prompt_feat", 0);
    } else {
        char key[80];

        snprintf(key, sizeof key, "golden/%s/feat", name);
        c->in.prompt_frames = 2 * c->in.n_prompt;
        n = c->in.prompt_frames * c->flow.mels;
        c->prompt_mel = tb_alloc(n * sizeof *c->prompt_mel);
        golden_noise(key, -5, 3, c->prompt_mel, n);
        c->in.prompt_mel = c->prompt_mel;
    }
    c->in.noise = c->z = s3gen_turned(&c->g, "cfm_z", 2 * (c->in.n_prompt + c->in.n), c->flow.mels);
    c->frames = tb_flow_frames(&c->in);
    c->len = c->frames * TB_HIFT_HOP;
    c->noise = s3gen_turned(&c->g, "sine_noise", c->len, TB_HIFT_HARMONICS);
    memcpy(c->osc.phase, golden_f32(&c->g, "sine_phase", &n), sizeof c->osc.phase);
    assert_int_equal(n, TB_HIFT_HARMONICS);
    c->osc.phase[0] = 0;
}

static inline void s3gen_close(s3gen *c)
{
    tb_free(c->z);
    tb_free(c->noise);
    tb_free(c->prompt_mel);
    tb_free(c->prompt);
    tb_free(c->tokens);
    tb_flow_clear(&c->flow);
    tb_scratch_free(c->nn.scratch);
    tb_thread_pool_free(c->nn.pool);
    golden_close(&c->g);
}

/* The recorded mel as ours: (frames, 80), heap. */
static inline float *s3gen_mel(s3gen *c)
{
    return s3gen_turned(&c->g, "mel", c->frames, c->flow.mels);
}

/* err32_chain: what the whole chain before it makes of a stage's rounding. */
static inline double s3gen_chain(const golden *g, const char *name)
{
    const tb_json *all = g->json ? tb_json_get(g->json, "tensors") : NULL;
    const tb_json *one = all ? tb_json_get(all, name) : NULL;
    const tb_json *e = one ? tb_json_get(one, "err32_chain") : NULL;

    assert_non_null(e);
    return 10 * tb_json_number(e) + 1e-6;
}

/* The flow network, every array that was recorded. */
static inline void s3gen_check_flow(s3gen *c)
{
    float *mel = tb_alloc(c->frames * c->flow.mels * sizeof *mel);
    tb_err err = {0};

    if (tb_flow_run(&c->flow, &c->nn, &c->in, NULL, mel, &err)) fail_msg("%s", err.msg);
    tb_free(mel);
}

/* The vocoder, section by section: each is fed what was recorded of the one before. */
static inline void s3gen_check_hift(s3gen *c)
{
    float *mel = s3gen_mel(c), *f0 = tb_alloc(c->frames * sizeof *f0);
    float *source = tb_alloc(c->len * sizeof *source), *wav = tb_alloc(c->len * sizeof *wav);
    tb_hift_osc osc = c->osc;
    tb_err err = {0};
    size_t n;

    tb_hift_f0(&c->hift, &c->nn, mel, c->frames, f0);
    if (golden_has(&c->g, "hift.source")) {
        const float *recorded = golden_f32(&c->g, "hift.f0", &n);

        assert_int_equal(n, c->frames);
        tb_hift_source(&c->hift, &c->nn, recorded, c->frames, c->noise, &osc, source);
        golden_compare(&c->g, "hift.source", source, 1, c->len, false, -1);
        memcpy(source, golden_f32(&c->g, "hift.source", NULL), c->len * sizeof *source);
        if (tb_hift_decode(&c->hift, &c->nn, mel, c->frames, source, NULL, wav, &err))
            fail_msg("%s", err.msg);
        tb_fade(wav, c->len);
        golden_compare(&c->g, "wav", wav, 1, c->len, false, -1);
    }
    tb_free(mel);
    tb_free(f0);
    tb_free(source);
    tb_free(wav);
}

/* All of it, each stage fed what ours before it made. */
static inline void s3gen_check_chain(s3gen *c)
{
    const tb_nn nn = {.pool = c->nn.pool, .scratch = c->nn.scratch};
    float *mel = tb_alloc(c->frames * c->flow.mels * sizeof *mel);
    float *f0 = tb_alloc(c->frames * sizeof *f0);
    float *source = tb_alloc(c->len * sizeof *source), *wav = tb_alloc(c->len * sizeof *wav);
    tb_hift_osc osc = c->osc;
    tb_err err = {0};

    if (tb_flow_run(&c->flow, &nn, &c->in, NULL, mel, &err)) fail_msg("%s", err.msg);
    tb_hift_f0(&c->hift, &nn, mel, c->frames, f0);
    golden_compare(&c->g, "hift.f0", f0, 1, c->frames, false, s3gen_chain(&c->g, "hift.f0"));
    tb_hift_source(&c->hift, &nn, f0, c->frames, c->noise, &osc, source);
    if (golden_has(&c->g, "hift.source"))
        golden_compare(&c->g, "hift.source", source, 1, c->len, false,
                       s3gen_chain(&c->g, "hift.source"));
    if (tb_hift_decode(&c->hift, &nn, mel, c->frames, source, NULL, wav, &err))
        fail_msg("%s", err.msg);
    tb_fade(wav, c->len);
    golden_compare(&c->g, "wav", wav, 1, c->len, false, s3gen_chain(&c->g, "wav"));
    tb_free(mel);
    tb_free(f0);
    tb_free(source);
    tb_free(wav);
}

#endif
