#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "chatterbox/chatterbox_priv.h"
#include "chatterbox/sound.h"

#include <math.h>

/* The pace of a model on this machine: measured once, kept in a file, read by every stream. */

tb_pace tb_chatterbox_pace(const tb_chatterbox *c)
{
    pthread_mutex_lock(&c->pace->lock);
    tb_pace pace = c->pace->pace;
    pthread_mutex_unlock(&c->pace->lock);
    return pace;
}

void tb_chatterbox_set_pace(tb_chatterbox *c, const tb_pace *pace)
{
    pthread_mutex_lock(&c->pace->lock);
    c->pace->pace = tb_pace_round(pace);
    pthread_mutex_unlock(&c->pace->lock);
}

/*
 * On one thread, by the time that it computed: that is the same on a busy machine. More threads
 * help less than their number, since they share the memory. The least of three.
 */
static tb_status measure(const tb_chatterbox *c, const tb_nn *nn, const tb_cancel *cancel,
                         tb_pace *out)
{
    enum { STEPS = 12, TOKENS = 50, PROMPT = 250, TRIES = 3 };
    const tb_conds *v = &c->voice;
    tb_t3_prefix *prefix = NULL;
    tb_t3_session *session = NULL;
    tb_sound sound;
    int32_t tokens[TOKENS] = {0};
    float *logits = tb_alloc(c->t3.vocab * sizeof *logits);
    tb_pcm pcm = {0};
    *out = (tb_pace){.token_s = 1e9, .flow_s = 1e9, .vocode_s = 1e9};
    tb_status st = tb_chatterbox_prefix(c, v, cancel, &prefix, NULL);
    if (!st) st = tb_t3_session_new(&c->t3, prefix, &session, NULL);
    if (!st) st = tb_t3_prefill(session, nn, tokens, 1, cancel, logits, NULL);
    if (!st) st = tb_t3_session_reserve(session, STEPS * TRIES, NULL);
    for (int i = 0; i < TRIES && !st; i++) {
        int64_t t = tb_clock_cpu_ns();
        for (int k = 0; k < STEPS; k++)
            tb_t3_step(&session, nn, tokens, 1, logits);
        double step = (double)(tb_clock_cpu_ns() - t) * 1e-9 / STEPS;
        tb_sound_init(&sound, &c->flow, &c->hift, v, "timbre/pace");
        t = tb_clock_cpu_ns();
        st = tb_sound_more(&sound, nn, tokens, TOKENS, true, cancel, &pcm, NULL);
        double all = (double)(tb_clock_cpu_ns() - t) * 1e-9;
        /* Vocoder alone: what was made, made again. */
        float *wav = tb_alloc(sound.done * TB_HIFT_HOP * sizeof *wav);
        t = tb_clock_cpu_ns();
        if (!st)
            st = tb_hift_decode(&c->hift, nn, sound.mel, sound.done, sound.source, cancel, wav,
                                NULL);
        double vocode = (double)(tb_clock_cpu_ns() - t) * 1e-9;
        double frames = 2.0 * (double)(v->n_prompt + TOKENS);
        tb_free(wav);
        tb_pcm_clear(&pcm);
        tb_sound_clear(&sound);
        out->token_s = fmin(out->token_s, step);
        out->vocode_s = fmin(out->vocode_s, vocode / (2.0 * TOKENS));
        out->flow_s = fmin(out->flow_s, fmax(all - vocode, 1e-6) / frames / (0.5 + frames / 2000));
    }
    const double threads = pow((double)tb_thread_pool_threads(c->pool), 0.85);
    /* T3 waits for memory: a second thread saves it a sixth where that is slow and a third where it
     * is not (17.6 to 11.4 ms); a stream must not be late in the former. */
    out->token_s /= pow((double)tb_thread_pool_threads(c->pool), 0.25);
    out->flow_s /= threads;
    out->vocode_s /= threads;
    tb_t3_session_free(session);
    tb_t3_prefix_free(prefix);
    tb_free(logits);
    return st;
}

void tb_chatterbox_find_pace(tb_chatterbox *c, const char *path, const tb_cancel *cancel)
{
    tb_pace pace;
    tb_err err = {0};
    if (path && tb_pace_read(path, &pace)) {
        tb_chatterbox_set_pace(c, &pace);
        return;
    }
    if (!c->has_voice) return;
    tb_nn nn = {.scratch = tb_scratch_new()};
    if (measure(c, &nn, cancel, &pace) == TB_OK) {
        pace = tb_pace_round(&pace);
        tb_chatterbox_set_pace(c, &pace);
        if (path && tb_pace_write(path, &pace, &err))
            tb_log(TB_WARN, "engine", "pace=not kept why=\"%s\"", err.msg);
        tb_log(TB_INFO, "engine", "pace token_ms=%.1f flow_us=%.0f vocode_us=%.0f",
               pace.token_s * 1e3, pace.flow_s * 1e6, pace.vocode_s * 1e6);
    }
    tb_scratch_free(nn.scratch);
}
