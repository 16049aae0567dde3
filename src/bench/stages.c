/*
 * timbre bench: each stage by itself (prefix, prefill, decode steps, flow, vocoder), the whole, a
 * new voice, and texts of several lengths.
 *
 * A stage is timed several times and its best run counts; the work of a stage comes from the shapes
 * of its weights. docs/bench.md. Relies on case.c for the model and the case.
 */
#include "base/mem.h"
#include "bench/bench_priv.h"

#include <math.h>
#include <string.h>

static const char STAGES[] = "stages", VOICE[] = "a new voice", LENGTHS[] = "lengths";

static tb_bench_line *add_timed(tb_bench *b, const char *section, const char *name,
                                const tb_timing *t, const tb_bench_work *work, const char *what)
{
    tb_bench_line *l =
        tb_bench_add(b->report, section, name, TB_BENCH_SECONDS, NULL, t->best_s, "%s", what);
    l->cpu_s = t->best_cpu_s;
    if (work) l->work[0] = *work;
    return l;
}

/* ---- T3 ---- */

static tb_status time_prefix(tb_bench *b, tb_err *err)
{
    const tb_t3_voice t3_voice = {.speaker = b->voice.speaker,
                                  .prompt = b->voice.t3_prompt,
                                  .n_prompt = b->voice.n_t3_prompt};
    const tb_bench_work work = tb_bench_work_t3(b, 0, b->voice.n_t3_prompt + 1, 0);
    tb_timing t = {0};
    tb_status st = TB_OK;
    while (!st && tb_timing_again(&t, b->runs, 0)) {
        tb_t3_prefix *p = NULL;
        st = tb_t3_prefix_new(&b->t3, &b->nn, &t3_voice, NULL, &p, err);
        tb_t3_prefix_free(p);
    }
    if (!st) add_timed(b, STAGES, "t3.prefix", &t, &work, "T3: the voice's prefix, once per voice");
    return st;
}

static tb_status time_prefill(tb_bench *b, tb_err *err)
{
    const tb_bench_work work =
        tb_bench_work_t3(b, tb_t3_prefix_positions(b->prefix), TB_BENCH_TEXT + 1, 1);
    float *logits = tb_alloc(b->t3.vocab * sizeof *logits);
    tb_timing t = {0};
    tb_status st = TB_OK;
    while (!st && tb_timing_again(&t, b->runs + 2, 0.5)) {
        tb_t3_session *s = NULL;
        st = tb_t3_session_new(&b->t3, b->prefix, &s, err);
        if (!st) st = tb_t3_prefill(s, &b->nn, b->ids, TB_BENCH_TEXT, NULL, logits, err);
        tb_t3_session_free(s);
    }
    if (!st) add_timed(b, STAGES, "t3.prefill", &t, &work, "T3: reading the text");
    tb_free(logits);
    return st;
}

/* All tokens one after the other; of each window the best of the runs. */
static tb_status time_steps(tb_bench *b, tb_bench_utterance *utterance, tb_err *err)
{
    const size_t windows = TB_BENCH_TOKENS / TB_BENCH_WINDOW;
    const size_t past = tb_t3_prefix_positions(b->prefix) + TB_BENCH_TEXT + 1;
    tb_timing t = {0};
    tb_bench_work one = {0}, all = {0};
    tb_status st = TB_OK;
    memset(utterance, 0, sizeof *utterance);
    utterance->tokens = TB_BENCH_TOKENS;
    utterance->reading = tb_bandwidth_new(b->pool);
    for (size_t i = 0; !st && i < b->runs; i++)
        st = tb_bench_generate(b, &b->nn, utterance, err);
    tb_bandwidth_free(utterance->reading);
    utterance->reading = NULL;
    if (st) return st;
    double read_s = 0;
    for (size_t i = 0; i < windows; i++) {
        read_s += utterance->read_s[i];
        t.best_s += utterance->step_s[i];
        t.best_cpu_s += utterance->step_cpu_s[i];
    }
    for (size_t i = 0; i < TB_BENCH_TOKENS; i++) {
        one = tb_bench_work_step(b, past + i, 1);
        tb_bench_more_work(&all, &one, 1);
    }
    add_timed(b, STAGES, "t3.decode", &t, &all, "T3: 250 tokens, sampling included");
    tb_timing each = {.best_s = t.best_s / TB_BENCH_TOKENS,
                      .best_cpu_s = t.best_cpu_s / TB_BENCH_TOKENS};
    memset(&one, 0, sizeof one);
    tb_bench_more_work(&one, &all, 1.0 / TB_BENCH_TOKENS);
    add_timed(b, STAGES, "t3.token", &each, &one, "T3: one of them");
    const double rate = (double)windows * TB_BANDWIDTH_BYTES / read_s;
    tb_bench_add(b->report, STAGES, "t3.read", TB_BENCH_NUMBER, "GB/s", rate / 1e9,
                 "memory, read between those tokens");
    tb_bench_add(b->report, STAGES, "t3.share", TB_BENCH_NUMBER, "of 1",
                 all.bytes / rate / t.best_s, "T3: tokens, share of what was read between them");
    return TB_OK;
}

/* ---- flow and vocoder ---- */

static tb_status time_flow(tb_bench *b, const tb_bench_utterance *utterance, float *mel,
                           tb_err *err)
{
    const tb_conds *v = &b->voice;
    const size_t T = v->n_prompt + utterance->n, mels = b->flow.mels;
    const tb_bench_work encoder = tb_bench_work_encoder(b, T), unet = tb_bench_work_unet(b, 2 * T);
    float *noise = tb_alloc(2 * T * mels * sizeof *noise);
    float *mu = tb_alloc(2 * T * mels * sizeof *mu);
    int32_t *tokens = tb_alloc(T * sizeof *tokens);
    const tb_flow_input in = {.prompt = v->prompt,
                              .n_prompt = v->n_prompt,
                              .prompt_mel = v->prompt_mel,
                              .prompt_frames = v->prompt_frames,
                              .embedding = v->embedding,
                              .tokens = utterance->speech,
                              .n = utterance->n,
                              .noise = noise};
    tb_timing e = {0}, all = {0}, n = {0};
    tb_status st = TB_OK;

    memcpy(tokens, v->prompt, v->n_prompt * sizeof *tokens);
    memcpy(tokens + v->n_prompt, utterance->speech, utterance->n * sizeof *tokens);
    while (tb_timing_again(&n, b->runs, 0))
        tb_flow_noise("timbre/bench/0/flow", 0, 2 * T, mels, noise);
    while (!st && tb_timing_again(&e, b->runs, 0))
        st = tb_flow_encode(&b->flow, &b->nn, tokens, T, NULL, mu, err);
    while (!st && tb_timing_again(&all, b->runs, 0))
        st = tb_flow_run(&b->flow, &b->nn, &in, NULL, mel, err);
    if (!st) {
        /* The UNet has no door of its own: it is what is left. */
        const tb_timing u = {.best_s = fmax(all.best_s - e.best_s, 0),
                             .best_cpu_s = fmax(all.best_cpu_s - e.best_cpu_s, 0)};
        add_timed(b, STAGES, "flow.noise", &n, NULL, "flow: noise");
        add_timed(b, STAGES, "flow.encoder", &e, &encoder, "flow: encoder");
        add_timed(b, STAGES, "flow.unet", &u, &unet, "flow: UNet, both steps");
    }
    tb_free(noise);
    tb_free(mu);
    tb_free(tokens);
    return st;
}

static tb_status time_hift(tb_bench *b, const float *mel, size_t frames, tb_err *err)
{
    const tb_bench_work f0_work = tb_bench_work_f0(b, frames);
    const tb_bench_work work = tb_bench_work_decode(b, frames);
    float *f0 = tb_alloc(frames * sizeof *f0);
    float *source = tb_alloc(frames * TB_HIFT_HOP * sizeof *source);
    float *wav = tb_alloc(frames * TB_HIFT_HOP * sizeof *wav);
    tb_timing f = {0}, s = {0}, d = {0};
    tb_status st = TB_OK;
    while (tb_timing_again(&f, b->runs, 0))
        tb_hift_f0(&b->hift, &b->nn, mel, frames, f0);
    while (tb_timing_again(&s, b->runs, 0)) {
        tb_hift_osc osc;
        tb_hift_osc_init(&osc, "timbre/bench/0/phase", "timbre/bench/0/noise");
        tb_hift_source(&b->hift, &b->nn, f0, frames, NULL, &osc, source);
    }
    while (!st && tb_timing_again(&d, b->runs, 0))
        st = tb_hift_decode(&b->hift, &b->nn, mel, frames, source, NULL, wav, err);
    if (!st) {
        add_timed(b, STAGES, "hift.f0", &f, &f0_work, "HiFT: pitch");
        add_timed(b, STAGES, "hift.source", &s, NULL, "HiFT: source");
        add_timed(b, STAGES, "hift.decode", &d, &work, "HiFT: decoder");
    }
    tb_free(f0);
    tb_free(source);
    tb_free(wav);
    return st;
}

/* The stages after another, as one caller meets them. */
static tb_status time_whole(tb_bench *b, tb_err *err)
{
    static const char *const parts[TB_BENCH_PARTS] = {"t3.prefill",   "t3.decode",  "flow.noise",
                                                      "flow.encoder", "flow.unet",  "hift.f0",
                                                      "hift.source",  "hift.decode"};
    tb_bench_utterance *utterance = tb_alloc(sizeof *utterance);
    tb_bench_work work[TB_BENCH_PARTS];
    tb_timing t = {0};
    tb_status st = TB_OK;
    double sum = 0, seconds = 1;
    while (!st && tb_timing_again(&t, b->runs, 0)) {
        tb_pcm pcm = {0};
        utterance->tokens = TB_BENCH_TOKENS;
        st = tb_bench_speak(b, &b->nn, utterance, &pcm, err);
        seconds = tb_pcm_seconds(&pcm);
        tb_pcm_clear(&pcm);
    }
    tb_free(utterance);
    if (st) return st;
    for (size_t i = 0; i < TB_BENCH_PARTS; i++) {
        const tb_bench_line *part = tb_bench_find(b->report, parts[i]);
        sum += part->value;
        work[i] = part->work[0];
    }
    tb_bench_line *l = add_timed(b, STAGES, "whole", &t, NULL, "the whole utterance, known voice");
    memcpy(l->work, work, sizeof work);
    tb_bench_add(b->report, STAGES, "whole.parts", TB_BENCH_SECONDS, NULL, sum,
                 "the sum of the stages' best: %.2f a second of sound", sum / seconds);
    tb_bench_add(b->report, STAGES, "rtf", TB_BENCH_SECONDS, NULL, t.best_s / seconds,
                 "real-time factor: per second of sound");
    tb_bench_add(b->report, STAGES, "rtf.cpu", TB_BENCH_SECONDS, NULL,
                 t.best_cpu_s / (double)b->threads / seconds,
                 "the same by what the threads computed");
    return TB_OK;
}

tb_status tb_bench_stages(tb_bench *b, tb_err *err)
{
    tb_bench_utterance *utterance = tb_alloc(sizeof *utterance);
    float *mel = NULL;
    tb_status st = time_prefix(b, err);
    if (!st) st = time_prefill(b, err);
    if (!st) st = time_steps(b, utterance, err);
    if (st) goto out;
    const size_t frames = 2 * (b->voice.n_prompt + utterance->n) - b->voice.prompt_frames;
    mel = tb_alloc(frames * b->flow.mels * sizeof *mel);
    st = time_flow(b, utterance, mel, err);
    if (!st) st = time_hift(b, mel, frames, err);
    if (!st) st = time_whole(b, err);
out:
    tb_free(mel);
    tb_free(utterance);
    return st;
}

/* ---- a new voice ---- */

tb_status tb_bench_voice(tb_bench *b, tb_err *err)
{
    enum { RECORDING_S = 10 };
    const tb_bench_work work = tb_bench_work_conditioning(b, RECORDING_S);
    tb_pcm recording = {0};
    tb_conds conds = {0};
    tb_timing c = {0}, p = {0};
    tb_status st = tb_bench_recording(RECORDING_S, &recording, err);
    while (!st && tb_timing_again(&c, b->runs, 0)) {
        tb_conds_clear(&conds);
        conds = (tb_conds){0};
        st = tb_conditioner_run(&b->conditioner, &b->nn, &recording, NULL, &conds, err);
    }
    if (st) goto out;
    const tb_t3_voice t3_voice = {.speaker = conds.speaker,
                                  .prompt = conds.t3_prompt,
                                  .n_prompt = conds.n_t3_prompt};
    const tb_bench_work prefix_work = tb_bench_work_t3(b, 0, conds.n_t3_prompt + 1, 0);
    while (!st && tb_timing_again(&p, b->runs, 0)) {
        tb_t3_prefix *prefix = NULL;
        st = tb_t3_prefix_new(&b->t3, &b->nn, &t3_voice, NULL, &prefix, err);
        tb_t3_prefix_free(prefix);
    }
    if (st) goto out;
    add_timed(b, VOICE, "voice.conds", &c, &work, "conditionals of a 10 s recording");
    add_timed(b, VOICE, "voice.prefix", &p, &prefix_work, "its prefix for T3");
    tb_bench_add(b->report, VOICE, "voice.ready", TB_BENCH_SECONDS, NULL, c.best_s + p.best_s,
                 "both: the voice is ready");
out:
    tb_conds_clear(&conds);
    tb_pcm_clear(&recording);
    return st;
}

/* ---- lengths ---- */

tb_status tb_bench_lengths(tb_bench *b, tb_err *err)
{
    /* More than 20 s are several segments of 10, as a text is split. */
    static const struct {
        size_t seconds, segments, tokens;
    } all[] = {{2, 1, 50}, {10, 1, 250}, {20, 1, 500}, {60, 6, 250}, {600, 60, 250}};
    enum { N = sizeof all / sizeof *all };
    double segments[N], seconds[N], took[N], fixed, slope;
    tb_bench_utterance *utterance = tb_alloc(sizeof *utterance);
    tb_status st = TB_OK;
    size_t n = b->lengthy ? N : N - 1;
    for (size_t i = 0; !st && i < n; i++) {
        tb_timing t = {0};
        while (!st && tb_timing_again(&t, all[i].segments > 1 ? 1 : b->runs, 0))
            for (size_t k = 0; !st && k < all[i].segments; k++) {
                tb_pcm pcm = {0};
                utterance->tokens = all[i].tokens;
                st = tb_bench_speak(b, &b->nn, utterance, &pcm, err);
                tb_pcm_clear(&pcm);
            }
        if (st) break;
        char name[24], what[64];
        snprintf(name, sizeof name, "length.%zu", all[i].seconds);
        snprintf(what, sizeof what, "%zu s of speech in %zu segment%s", all[i].seconds,
                 all[i].segments, all[i].segments > 1 ? "s" : "");
        add_timed(b, LENGTHS, name, &t, NULL, what);
        segments[i] = (double)all[i].segments;
        seconds[i] = (double)all[i].seconds;
        took[i] = t.best_s;
    }
    if (!st && tb_bench_fit(segments, seconds, took, n, &fixed, &slope)) {
        tb_bench_add(b->report, LENGTHS, "length.fixed", TB_BENCH_SECONDS, NULL, fixed,
                     "fitted: fixed cost of a segment");
        tb_bench_add(b->report, LENGTHS, "length.slope", TB_BENCH_SECONDS, NULL, slope,
                     "fitted: per second of speech");
    }
    tb_free(utterance);
    return st;
}
