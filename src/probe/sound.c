/*
 * timbre probe: the stages from speech tokens to a waveform (flow, F0, source, vocoder, all of
 * them), and the watermark.
 *
 * Each binds its network, reads the recording's inputs, noise included, and puts out what the
 * network computed. docs/model/probe.md. Relies on io.c, model/flow.h, model/hift.h, model/perth.h.
 */
#include "probe/sound_priv.h"

#include "model/flow.h"
#include "model/hift.h"

#include <string.h>

static const float HALF_PI = 1.5707964F;

static tb_status bind_flow(tb_probe *p, tb_flow *flow, tb_err *err)
{
    const tb_flow_hparams hp = {.enc_heads = (size_t)p->set[TB_PROBE_ENC_HEADS],
                                .est_heads = (size_t)p->set[TB_PROBE_EST_HEADS]};
    return tb_flow_bind(flow, p->weights, &hp, err);
}

/* What was recorded of the flow's inputs, its noise excepted. */
static tb_status read_flow(tb_probe *p, const tb_flow *flow, tb_flow_input *in, tb_err *err)
{
    size_t mel[2] = {0, flow->mels}, dim = flow->embedding_dim;

    tb_status st = tb_probe_ids(p, "prompt_token", &in->prompt, &in->n_prompt, err);
    if (!st) st = tb_probe_ids(p, "speech_tokens", &in->tokens, &in->n, err);
    if (!st) st = tb_probe_f32(p, "embedding", 1, &dim, &in->embedding, err);
    if (st) return st;
    if (!tb_probe_has(p, "prompt_feat")) mel[0] = 2 * in->n_prompt;
    st = tb_probe_noise(p, "prompt_feat", &(tb_probe_noise_spec){"feat", -5, 3}, 2, mel,
                        &in->prompt_mel, err);
    in->prompt_frames = mel[0];
    return st;
}

static tb_status run_flow(tb_probe *p, const tb_flow *flow, tb_flow_input *in, tb_probe_sound *out,
                          tb_err *err)
{
    const size_t rows = 2 * (in->n_prompt + in->n);
    void *mel = NULL;

    out->mels = flow->mels;
    out->frames = tb_flow_frames(in);
    if (out->frames == 0)
        return tb_fail(err, TB_EINVAL, "%zu tokens leave no frame behind %zu of prompt", in->n,
                       in->prompt_frames);
    tb_status st = tb_probe_noise_transposed(p, "cfm_z", rows, flow->mels, &in->noise, err);
    if (!st) st = tb_probe_alloc(p, out->frames * flow->mels, sizeof(float), &mel, err);
    out->mel = mel;
    return st ? st : tb_flow_run(flow, &p->nn, in, NULL, mel, err);
}

tb_status tb_probe_flow(tb_probe *p, tb_err *err)
{
    tb_flow flow = {0};
    tb_flow_input in = {0};
    tb_probe_sound made = {0};

    tb_probe_record_trace(p);
    tb_status st = bind_flow(p, &flow, err);
    if (!st) st = read_flow(p, &flow, &in, err);
    if (!st) st = run_flow(p, &flow, &in, &made, err);
    tb_flow_clear(&flow);
    return st;
}

tb_status tb_probe_f0(tb_probe *p, tb_err *err)
{
    tb_hift hift = {0};
    const float *mel;
    void *f0 = NULL;
    size_t frames = 0;

    tb_probe_record_trace(p);
    tb_status st = tb_hift_bind(&hift, p->weights, err);
    size_t mels = hift.mels;
    if (!st) st = tb_probe_transposed(p, "mel", &frames, &mels, &mel, err);
    if (!st) st = tb_probe_alloc(p, frames, sizeof(float), &f0, err);
    if (!st) tb_hift_f0(&hift, &p->nn, mel, frames, f0);
    return st;
}

/* f0 (frames) to out->source, with the recorded or made phases and noise. */
static tb_status run_source(tb_probe *p, const tb_hift *hift, const float *f0, tb_probe_sound *out,
                            tb_err *err)
{
    const float *phase, *noise;
    tb_hift_osc osc = {0};
    size_t dim = TB_HIFT_HARMONICS;
    void *source = NULL;

    out->len = out->frames * TB_HIFT_HOP;
    tb_status st = tb_probe_noise(p, "sine_phase", &(tb_probe_noise_spec){"sine_phase", 0, HALF_PI},
                                  1, &dim, &phase, err);
    if (!st)
        st = tb_probe_noise_transposed(p, "sine_noise", out->len, TB_HIFT_HARMONICS, &noise, err);
    if (!st) st = tb_probe_alloc(p, out->len, sizeof(float), &source, err);
    if (st) return st;
    memcpy(osc.phase, phase, sizeof osc.phase);
    osc.phase[0] = 0;
    tb_hift_source(hift, &p->nn, f0, out->frames, noise, &osc, source);
    out->source = source;
    tb_probe_put_f32(p, "hift.source", source, out->len);
    return TB_OK;
}

tb_status tb_probe_source(tb_probe *p, tb_err *err)
{
    tb_hift hift = {0};
    tb_probe_sound made = {0};
    const float *f0;

    tb_status st = tb_hift_bind(&hift, p->weights, err);
    if (!st) st = tb_probe_f32(p, "hift.f0", 1, &made.frames, &f0, err);
    if (!st) st = run_source(p, &hift, f0, &made, err);
    return st;
}

static tb_status run_decode(tb_probe *p, const tb_hift *hift, const float *mel, const float *source,
                            tb_probe_sound *out, tb_err *err)
{
    void *wav = NULL;
    tb_status st;

    out->len = out->frames * TB_HIFT_HOP;
    st = tb_probe_alloc(p, out->len, sizeof(float), &wav, err);
    if (!st) st = tb_hift_decode(hift, &p->nn, mel, out->frames, source, NULL, wav, err);
    if (st) return st;
    out->wav = wav;
    tb_fade(wav, out->len);
    tb_probe_put_f32(p, "wav", wav, out->len);
    return TB_OK;
}

tb_status tb_probe_hift(tb_probe *p, tb_err *err)
{
    tb_hift hift = {0};
    tb_probe_sound made = {0};
    const float *mel, *source;
    size_t len;

    tb_probe_record_trace(p);
    tb_status st = tb_hift_bind(&hift, p->weights, err);
    made.mels = hift.mels;
    if (!st) st = tb_probe_transposed(p, "mel", &made.frames, &made.mels, &mel, err);
    len = made.frames * TB_HIFT_HOP;
    if (!st) st = tb_probe_f32(p, "hift.source", 1, &len, &source, err);
    if (!st) st = run_decode(p, &hift, mel, source, &made, err);
    return st;
}

static tb_status run_chain(tb_probe *p, const tb_flow *flow, tb_flow_input *in, tb_probe_sound *out,
                           tb_err *err)
{
    tb_hift hift = {0};
    void *f0 = NULL;
    tb_status st = tb_hift_bind(&hift, p->weights, err);

    if (!st) st = run_flow(p, flow, in, out, err);
    if (!st) st = tb_probe_alloc(p, out->frames, sizeof(float), &f0, err);
    if (!st) tb_hift_f0(&hift, &p->nn, out->mel, out->frames, f0);
    if (!st) st = run_source(p, &hift, f0, out, err);
    if (!st) st = run_decode(p, &hift, out->mel, out->source, out, err);
    return st;
}

tb_status tb_probe_voice_sound(tb_probe *p, const tb_conds *voice, const int32_t *tokens, size_t n,
                               tb_probe_sound *out, tb_err *err)
{
    tb_flow_input in = {.prompt = voice->prompt,
                        .n_prompt = voice->n_prompt,
                        .prompt_mel = voice->prompt_mel,
                        .prompt_frames = voice->prompt_frames,
                        .embedding = voice->embedding,
                        .tokens = tokens,
                        .n = n};
    tb_flow flow = {0};
    tb_status st = bind_flow(p, &flow, err);

    if (!st && (voice->mels != flow.mels || voice->embedding_dim != flow.embedding_dim))
        st = tb_fail(err, TB_EINVAL,
                     "the voice has %zu bands and an embedding of %zu; the model wants %zu and %zu",
                     voice->mels, voice->embedding_dim, flow.mels, flow.embedding_dim);
    if (!st) st = run_chain(p, &flow, &in, out, err);
    tb_flow_clear(&flow);
    return st;
}

tb_status tb_probe_speech(tb_probe *p, tb_err *err)
{
    tb_flow flow = {0};
    tb_flow_input in = {0};
    tb_probe_sound made = {0};

    tb_probe_record_trace(p);
    tb_status st = bind_flow(p, &flow, err);
    if (!st) st = read_flow(p, &flow, &in, err);
    if (!st) st = run_chain(p, &flow, &in, &made, err);
    tb_flow_clear(&flow);
    return st;
}

tb_status tb_probe_perth(tb_probe *p, tb_err *err)
{
    const float *signal;
    size_t n = 0;
    void *x = NULL;

    tb_probe_record_trace(p);
    tb_status st = tb_probe_f32(p, "signal32k", 1, &n, &signal, err);
    if (!st && (n % TB_PERTH_HOP || n < TB_PERTH_MIN_LEN))
        st = tb_fail(err, TB_EINVAL,
                     "signal32k has %zu samples; a multiple of %d is wanted, at least %d", n,
                     TB_PERTH_HOP, TB_PERTH_MIN_LEN);
    if (!st) st = tb_probe_alloc(p, n, sizeof *signal, &x, err);
    if (st) return st;
    memcpy(x, signal, n * sizeof *signal);
    return tb_perth_mark(p->perth, &p->nn, x, n, err);
}
