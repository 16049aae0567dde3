/*
 * The second half of the engine's line: speech tokens to waveform, whole or in chunks.
 *
 * Each chunk runs the flow over the prompt and all tokens so far, with noise by position, so the
 * frames of earlier chunks would come out nearly alike; they are kept as they were sounded. The
 * vocoder is given them as context, continues its oscillators, and fades over 10 ms at the seam.
 * Relies on model/flow.h, model/hift.h and base/counter.h.
 */
#include "chatterbox/sound.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

void tb_sound_init(tb_sound *s, const tb_flow *flow, const tb_hift *hift, const tb_conds *voice,
                   const char *name)
{
    char phase[96], noise[96];
    *s = (tb_sound){.flow = flow, .hift = hift, .voice = voice};
    snprintf(s->noise, sizeof s->noise, "%.80s/flow", name);
    snprintf(phase, sizeof phase, "%.80s/phase", name);
    snprintf(noise, sizeof noise, "%.80s/noise", name);
    tb_hift_osc_init(&s->osc, phase, noise);
}

void tb_sound_clear(tb_sound *s)
{
    if (!s) return;
    tb_free(s->mel);
    tb_free(s->source);
    tb_free(s->tail);
    *s = (tb_sound){0};
}

static tb_status make_room(tb_sound *s, size_t frames, tb_err *err)
{
    const size_t mels = s->flow->mels;
    if (frames <= s->cap) return TB_OK;
    float *mel = tb_try_realloc(s->mel, frames, mels * sizeof *mel);
    if (!mel) return tb_nomem(err, frames, mels * sizeof *mel);
    s->mel = mel;
    float *source = tb_try_realloc(s->source, frames, TB_HIFT_HOP * sizeof *source);
    if (!source) return tb_nomem(err, frames, TB_HIFT_HOP * sizeof *source);
    s->source = source;
    s->cap = frames;
    return TB_OK;
}

/* The mel of all tokens so far; the frames from `done` on go into s->mel. */
static tb_status run_flow(tb_sound *s, const tb_nn *nn, const int32_t *tokens, size_t n,
                          const tb_cancel *cancel, size_t *frames, tb_err *err)
{
    const tb_conds *v = s->voice;
    const size_t mels = s->flow->mels, rows = 2 * (v->n_prompt + n);
    size_t mark = tb_scratch_mark(nn->scratch);
    float *noise = tb_scratch_f32(nn->scratch, rows * mels); /* (rows, mels) */
    tb_flow_input in = {.prompt = v->prompt,
                        .n_prompt = v->n_prompt,
                        .prompt_mel = v->prompt_mel,
                        .prompt_frames = v->prompt_frames,
                        .embedding = v->embedding,
                        .tokens = tokens,
                        .n = n,
                        .noise = noise};
    *frames = tb_flow_frames(&in);
    float *mel = tb_scratch_f32(nn->scratch, *frames * mels); /* (frames, mels) */
    tb_flow_noise(s->noise, 0, rows, mels, noise);
    tb_status st = tb_flow_run(s->flow, nn, &in, cancel, mel, err);
    if (!st) st = make_room(s, *frames, err);
    if (!st && *frames > s->done)
        memcpy(s->mel + s->done * mels, mel + s->done * mels,
               (*frames - s->done) * mels * sizeof *mel);
    s->flow_frames += rows;
    tb_scratch_release(nn->scratch, mark);
    return st;
}

/* Oscillators of frames from `at` to `to`, whose pitch begins at f0: 8 ms of a core for a second of
 * sound, so whoever has had enough is asked after each. */
static tb_status oscillate(const tb_sound *s, const tb_nn *nn, tb_hift_osc *osc, const float *f0,
                           size_t at, size_t to, const tb_cancel *cancel, tb_err *err)
{
    enum { SLICE = 50 };
    for (size_t n; at < to; at += n, f0 += n) {
        if (tb_cancelled(cancel)) return tb_fail_cancelled(err);
        n = to - at < SLICE ? to - at : SLICE;
        tb_hift_source(s->hift, nn, f0, n, NULL, osc, s->source + at * TB_HIFT_HOP);
    }
    return TB_OK;
}

/* Pitch and oscillators from `done` to frames; afterwards osc stands at `until`. */
static tb_status run_source(tb_sound *s, const tb_nn *nn, size_t until, size_t frames,
                            const tb_cancel *cancel, tb_err *err)
{
    const size_t mels = s->flow->mels, mark = tb_scratch_mark(nn->scratch);
    const size_t from = s->done > TB_HIFT_F0_CONVS ? s->done - TB_HIFT_F0_CONVS : 0;
    float *f0 = tb_scratch_f32(nn->scratch, frames - from);
    tb_hift_f0(s->hift, nn, s->mel + from * mels, frames - from, f0);
    tb_status st = oscillate(s, nn, &s->osc, f0 + (s->done - from), s->done, until, cancel, err);
    if (!st && frames > until) { /* for the vocoder's view ahead: it is made anew next time */
        tb_hift_osc ahead = s->osc;
        st = oscillate(s, nn, &ahead, f0 + (until - from), until, frames, cancel, err);
    }
    tb_scratch_release(nn->scratch, mark);
    return st;
}

static void fade_over(const tb_sound *s, float *wav)
{
    for (size_t i = 0; i < TB_SOUND_FADE; i++) {
        float a = ((float)i + 0.5f) / TB_SOUND_FADE;
        wav[i] = s->tail[i] + (wav[i] - s->tail[i]) * a;
    }
}

tb_status tb_sound_more(tb_sound *s, const tb_nn *nn, const int32_t *tokens, size_t n, bool last,
                        const tb_cancel *cancel, tb_pcm *out, tb_err *err)
{
    const size_t mels = s->flow->mels, mark = tb_scratch_mark(nn->scratch);
    tb_pcm made = {0};
    size_t frames, before, after;
    tb_status st = run_flow(s, nn, tokens, n, cancel, &frames, err);
    if (st) goto out;
    const size_t held = last ? 0 : 2 * TB_SOUND_HELD_TOKENS;
    const size_t until = frames > held ? frames - held : 0;
    if (until <= s->done) goto out; /* nothing new */

    st = run_source(s, nn, until, frames, cancel, err);
    if (st) goto out;
    tb_hift_reach(s->hift, &before, &after);
    const size_t from = s->done > before ? s->done - before : 0;
    float *wav = tb_scratch_f32(nn->scratch, (frames - from) * TB_HIFT_HOP);
    st = tb_hift_decode(s->hift, nn, s->mel + from * mels, frames - from,
                        s->source + from * TB_HIFT_HOP, cancel, wav, err);
    if (!st) st = tb_pcm_init(&made, (until - s->done) * TB_HIFT_HOP, TB_HIFT_RATE_HZ, err);
    if (st) goto out;
    memcpy(made.data, wav + (s->done - from) * TB_HIFT_HOP, made.len * sizeof *wav);
    if (s->has_tail) fade_over(s, made.data);
    if (s->done == 0) tb_fade(made.data, made.len);
    s->has_tail = frames > until;
    if (s->has_tail) {
        if (!s->tail) s->tail = tb_alloc(TB_SOUND_FADE * sizeof *s->tail);
        memcpy(s->tail, wav + (until - from) * TB_HIFT_HOP, TB_SOUND_FADE * sizeof *wav);
    }
    s->done = until;
    *out = made;
    made = (tb_pcm){0};
out:
    tb_pcm_clear(&made);
    tb_scratch_release(nn->scratch, mark);
    return st;
}
