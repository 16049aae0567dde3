/*
 * timbre bench: opens the model and makes the case that is measured: a synthetic recording, its
 * voice, one text, its speech tokens.
 *
 * The case is the same on every machine, so reports can be compared. docs/bench.md. Relies on
 * model/files.h, model/conditioner.h.
 */
#include "base/clock.h"
#include "base/counter.h"
#include "base/mem.h"
#include "bench/bench_priv.h"
#include "model/files.h"

#include <math.h>
#include <string.h>

static tb_status bind_all(tb_bench *b, tb_err *err)
{
    const tb_model_place place = {.path = b->path, .variant = b->variant};
    tb_status st = tb_model_files_open(&place, b->type, &b->weights, err);
    if (!st) st = tb_t3_bind(&b->t3, b->weights, 0, err);
    if (!st) st = tb_flow_bind(&b->flow, b->weights, NULL, err);
    if (!st) st = tb_hift_bind(&b->hift, b->weights, err);
    if (!st) st = tb_conditioner_bind(b->weights, &b->conditioner, err);
    if (!st) st = tb_thread_pool_new(b->threads, &b->pool, err);
    if (st) return st;
    const uint64_t stream = tb_counter_stream("bench/text");
    for (size_t i = 0; i < TB_BENCH_TEXT; i++)
        b->ids[i] = (int32_t)(tb_counter_at(stream, i) % b->t3.text_vocab);
    b->nn = (tb_nn){.pool = b->pool, .scratch = tb_scratch_new()};
    return TB_OK;
}

/* The voice of the case, made the way that a person's is. */
static tb_status make_voice(tb_bench *b, tb_err *err)
{
    tb_pcm recording = {0};
    tb_status st = tb_bench_recording(TB_BENCH_RECORDING_S, &recording, err);
    if (!st) st = tb_conditioner_run(&b->conditioner, &b->nn, &recording, NULL, &b->voice, err);
    tb_pcm_clear(&recording);
    if (st) return st;
    const tb_t3_voice t3_voice = {.speaker = b->voice.speaker,
                                  .prompt = b->voice.t3_prompt,
                                  .n_prompt = b->voice.n_t3_prompt};
    return tb_t3_prefix_new(&b->t3, &b->nn, &t3_voice, NULL, &b->prefix, err);
}

tb_status tb_bench_open(tb_bench *b, tb_err *err)
{
    if (b->prefix) return TB_OK;
    tb_status st = bind_all(b, err);
    if (!st) st = make_voice(b, err);
    if (st) tb_bench_close(b);
    return st;
}

tb_status tb_bench_reopen(tb_bench *b, const void *prefix, size_t size, tb_err *err)
{
    tb_status st = bind_all(b, err);
    if (!st) st = tb_t3_prefix_unpack(&b->t3, prefix, size, &b->prefix, err);
    if (st) tb_bench_close(b);
    return st;
}

void tb_bench_close(tb_bench *b)
{
    tb_t3_prefix_free(b->prefix);
    tb_conds_clear(&b->voice);
    tb_scratch_free(b->nn.scratch);
    tb_thread_pool_free(b->pool);
    tb_conditioner_clear(&b->conditioner);
    tb_flow_clear(&b->flow);
    tb_t3_clear(&b->t3);
    tb_weights_free(b->weights);
    b->prefix = NULL;
    b->voice = (tb_conds){0};
    b->nn = (tb_nn){0};
    b->pool = NULL;
    b->conditioner = (tb_conditioner){0};
    b->flow = (tb_flow){0};
    b->hift = (tb_hift){0};
    b->weights = NULL;
}

tb_status tb_bench_recording(double seconds, tb_pcm *out, tb_err *err)
{
    const double tau = 6.283185307179586;
    tb_status st = tb_pcm_init(out, (size_t)(seconds * TB_RATE_HZ), TB_RATE_HZ, err);
    if (st) return st;
    double phase = 0;
    for (size_t i = 0; i < out->len; i++) {
        const double t = (double)i / TB_RATE_HZ;
        const double syllable = 0.55 - 0.45 * cos(tau * 3.7 * t); /* three or four a second */
        double x = 0;
        phase += tau * (120 + 25 * sin(tau * 0.6 * t)) / TB_RATE_HZ;
        for (int k = 1; k <= 20; k++) /* a vowel that changes */
            x += sin(k * phase) / (1 + fabs(k - 5 - 3 * sin(tau * 1.1 * t)));
        out->data[i] = (float)(0.08 * syllable * x);
    }
    return TB_OK;
}

int32_t tb_bench_token(const tb_bench *b, size_t i)
{
    return (int32_t)(tb_counter_at(tb_counter_stream("bench/speech"), i) % b->t3.codes);
}

/* The loop of tb_t3_generate with another's choice of tokens, and a clock beside it. */
tb_status tb_bench_generate(const tb_bench *b, const tb_nn *nn, tb_bench_utterance *s, tb_err *err)
{
    tb_t3_session *session = NULL;
    tb_t3_run run;
    float *logits = tb_alloc(b->t3.vocab * sizeof *logits);
    int64_t since = 0;
    double cpu = 0;

    tb_t3_run_init(&run, &b->t3, &tb_sampler_defaults, tb_counter_stream("bench/draw"),
                   s->tokens - 1);
    tb_status st = tb_t3_session_new(&b->t3, b->prefix, &session, err);
    if (!st) st = tb_t3_prefill(session, nn, b->ids, TB_BENCH_TEXT, NULL, logits, err);
    s->first_ns = tb_clock_mono_ns();
    if (s->batcher) tb_batcher_join(s->batcher);
    for (size_t i = 0; !st && i < s->tokens; i++) {
        if (i % TB_BENCH_WINDOW == 0) {
            since = tb_clock_mono_ns();
            cpu = tb_timing_cpu_s();
        }
        if (tb_t3_run_filter(&run, logits)) tb_t3_run_draw(&run, logits);
        run.end = TB_T3_RUNNING; /* whatever this model thinks of it */
        tb_t3_run_append(&run, tb_bench_token(b, i));
        /* A step for each, as if there were another: windows are all the same. */
        st = tb_t3_session_reserve(session, 1, err);
        if (st) break;
        if (s->batcher)
            tb_batcher_step(s->batcher, session, run.tokens[i], logits);
        else
            tb_t3_step(&session, nn, &run.tokens[i], 1, logits);
        if (i % TB_BENCH_WINDOW == TB_BENCH_WINDOW - 1) {
            const size_t w = i / TB_BENCH_WINDOW;
            const double took = (double)(tb_clock_mono_ns() - since) * 1e-9;
            cpu = tb_timing_cpu_s() - cpu;
            if (!(s->step_s[w] > 0) || took < s->step_s[w]) s->step_s[w] = took;
            if (!(s->step_cpu_s[w] > 0) || cpu < s->step_cpu_s[w]) s->step_cpu_s[w] = cpu;
            if (s->reading) {
                const double look = tb_bandwidth_sample(s->reading);
                if (!(s->read_s[w] > 0) || look < s->read_s[w]) s->read_s[w] = look;
            }
        }
    }
    if (s->batcher) tb_batcher_leave(s->batcher);
    if (!st) s->n = tb_t3_flow_tokens(&b->t3, run.tokens, run.n, s->speech);
    tb_t3_run_clear(&run);
    tb_t3_session_free(session);
    tb_free(logits);
    return st;
}

tb_status tb_bench_speak(const tb_bench *b, const tb_nn *nn, tb_bench_utterance *s, tb_pcm *out,
                         tb_err *err)
{
    tb_sound sound;
    tb_status st = tb_bench_generate(b, nn, s, err);
    const double seconds = (double)s->tokens / 25;
    if (!st && s->compute_lock)
        st = tb_compute_lock_acquire(s->compute_lock, seconds, false, NULL, err);
    if (st) return st;
    tb_sound_init(&sound, &b->flow, &b->hift, &b->voice, "timbre/bench/0");
    st = tb_sound_more(&sound, nn, s->speech, s->n, true, NULL, out, err);
    tb_sound_clear(&sound);
    if (s->compute_lock) {
        tb_scratch_trim(nn->scratch); /* the next one inside needs as much */
        tb_compute_lock_release(s->compute_lock, seconds);
    }
    return st;
}
