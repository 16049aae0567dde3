/*
 * timbre bench: several callers at once, each on a thread of its own as a worker of the server is.
 *
 * Measures decode steps in a batch, whole utterances, and how long a newcomer waits for its first
 * sound beside others. docs/bench.md. Relies on model/batcher.h and the compute lock of
 * src/chatterbox.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "bench/bench_priv.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

static const char TOGETHER[] = "together";

enum { MOST = 8, SHORT = 50, LATE = 25, UTTERANCE = 125 };

/* A caller on a thread of its own, as a worker of the server is. */
typedef struct {
    const tb_bench *b;
    tb_bench_utterance utterance;
    bool whole; /* to sound, or tokens only */
    tb_status status;
    tb_err err;
    double sound_s;
    int64_t begun, first, ended; /* ns */
} caller;

static void *call(void *self)
{
    caller *c = self;
    tb_nn nn = {.pool = c->b->pool, .scratch = tb_scratch_new()};
    tb_pcm pcm = {0};
    c->begun = tb_clock_mono_ns();
    c->status = c->whole ? tb_bench_speak(c->b, &nn, &c->utterance, &pcm, &c->err)
                         : tb_bench_generate(c->b, &nn, &c->utterance, &c->err);
    c->ended = tb_clock_mono_ns();
    c->sound_s = tb_pcm_seconds(&pcm);
    tb_pcm_clear(&pcm);
    tb_scratch_free(nn.scratch);
    return NULL;
}

/* What every caller does: tokens alone, or whole utterances. */
typedef struct {
    tb_batcher *batcher;
    tb_compute_lock *compute_lock;
    size_t tokens;
    bool whole;
} caller_load;

/* n callers begin together; seconds until the last has ended. */
static tb_status call_all(const tb_bench *b, const caller_load *load, caller *all, size_t n,
                          double *took, tb_err *err)
{
    pthread_t threads[MOST];
    size_t started = 0;
    tb_status st = TB_OK;
    const int64_t begun = tb_clock_mono_ns();
    for (; started < n; started++) {
        all[started] = (caller){.b = b, .whole = load->whole};
        all[started].utterance.batcher = load->batcher;
        all[started].utterance.compute_lock = load->compute_lock;
        all[started].utterance.tokens = load->tokens;
        if (pthread_create(&threads[started], NULL, call, &all[started]) != 0) {
            st = tb_fail(err, TB_EINTERNAL, "cannot start a thread");
            break;
        }
    }
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        if (!st && all[i].status) {
            *err = all[i].err;
            st = all[i].status;
        }
    }
    *took = (double)(tb_clock_mono_ns() - begun) * 1e-9;
    return st;
}

/* One pass over the weights for n sessions: the step by itself. */
static tb_status time_step(tb_bench *b, size_t n, tb_err *err)
{
    tb_t3_session *sessions[MOST] = {0};
    int32_t tokens[MOST];
    float *logits = tb_alloc(MOST * b->t3.vocab * sizeof *logits);
    enum { STEPS = 25 };
    tb_timing t = {0};
    tb_status st = TB_OK;
    size_t past = 0, tries = b->runs + 2;
    for (size_t i = 0; !st && i < n; i++) {
        tokens[i] = tb_bench_token(b, i);
        st = tb_t3_session_new(&b->t3, b->prefix, &sessions[i], err);
        if (!st) st = tb_t3_prefill(sessions[i], &b->nn, b->ids, TB_BENCH_TEXT, NULL, logits, err);
        if (!st) st = tb_t3_session_reserve(sessions[i], STEPS * tries, err);
    }
    if (st) goto out;
    past = tb_t3_session_positions(sessions[0]) + STEPS * tries / 2;
    while (tb_timing_again(&t, tries, 0))
        for (size_t k = 0; k < STEPS; k++)
            tb_t3_step(sessions, &b->nn, tokens, n, logits);
    char name[24];
    snprintf(name, sizeof name, "step.%zu", n);
    tb_bench_line *l =
        tb_bench_add(b->report, TOGETHER, name, TB_BENCH_SECONDS, NULL, t.best_s / STEPS,
                     "T3: a step of %zu speaker%s", n, n > 1 ? "s" : "");
    l->cpu_s = t.best_cpu_s / STEPS;
    l->work[0] = tb_bench_work_step(b, past, n);
out:
    for (size_t i = 0; i < n; i++)
        tb_t3_session_free(sessions[i]);
    tb_free(logits);
    return st;
}

/* Tokens a second of n callers who share steps as the server's do. Only while all are talking: from
 * the last one's first token on, all have as many windows left. */
static tb_status time_generation(tb_bench *b, caller *all, size_t n, double *one, tb_err *err)
{
    double best = 0, company = 1;
    tb_status st = TB_OK;
    for (size_t k = 0; !st && k < b->runs; k++) {
        tb_batcher *batcher = tb_batcher_new(b->pool);
        double took;
        uint64_t steps = 1, tokens = 0;
        st = call_all(b, &(caller_load){.batcher = batcher, .tokens = SHORT * 2}, all, n, &took,
                      err);
        tb_batcher_counts(batcher, &steps, &tokens);
        tb_batcher_free(batcher);
        if (st) break;
        /* The last windows: everybody is there. */
        double rate = 0;
        for (size_t i = 0; i < n; i++) {
            const double *last = all[i].utterance.step_s + (SHORT * 2 - LATE) / TB_BENCH_WINDOW - 1;
            double time = 0;
            for (size_t w = 0; w < LATE / TB_BENCH_WINDOW; w++)
                time += last[w];
            rate += LATE / time;
        }
        if (rate > best) best = rate;
        if (steps) company = fmax(company, (double)tokens / (double)steps);
    }
    if (st) return st;
    char name[24];
    snprintf(name, sizeof name, "talk.%zu", n);
    if (n == 1) *one = best;
    tb_bench_add(b->report, TOGETHER, name, TB_BENCH_RATE, "tokens/s", best,
                 "T3: %zu caller%s, %.1f at a step, %.2f times one", n, n > 1 ? "s" : "", company,
                 best / *one);
    return st;
}

static tb_status time_utterances(tb_bench *b, caller *all, size_t n, double *one, tb_err *err)
{
    double best = 0;
    tb_status st = TB_OK;
    for (size_t k = 0; !st && k < (n > 1 ? 1 : b->runs); k++) {
        tb_batcher *batcher = tb_batcher_new(b->pool);
        tb_compute_lock *compute_lock = tb_compute_lock_new();
        double took, sound = 0;
        st = call_all(b,
                      &(caller_load){.batcher = batcher,
                                     .compute_lock = compute_lock,
                                     .tokens = UTTERANCE,
                                     .whole = true},
                      all, n, &took, err);
        tb_compute_lock_free(compute_lock);
        tb_batcher_free(batcher);
        for (size_t i = 0; i < n; i++)
            sound += all[i].sound_s;
        if (!st) best = fmax(best, sound / took);
    }
    if (st) return st;
    char name[24];
    snprintf(name, sizeof name, "speech.%zu", n);
    if (n == 1) *one = best;
    tb_bench_add(b->report, TOGETHER, name, TB_BENCH_RATE, "s/s", best,
                 "finished sound, %zu caller%s, %.2f times one", n, n > 1 ? "s" : "", best / *one);
    return st;
}

/* Time to the first token of a session that joins while seven are running. */
static tb_status time_newcomer(tb_bench *b, caller *all, tb_err *err)
{
    tb_status st = TB_OK;
    double alone = 1e9, late = 1e9;
    for (size_t k = 0; !st && k < b->runs; k++) {
        pthread_t threads[MOST];
        size_t started = 0;
        tb_batcher *batcher = tb_batcher_new(b->pool);
        double took;
        st = call_all(b, &(caller_load){.batcher = batcher, .tokens = LATE}, all, 1, &took, err);
        if (!st) alone = fmin(alone, (double)(all[0].utterance.first_ns - all[0].begun) * 1e-9);
        for (; !st && started < MOST; started++) {
            if (started == MOST - 1) {
                /* All seven have finished their prefill when the eighth joins. */
                uint64_t steps = 0, tokens = 0;
                for (int ms = 0; tokens < (MOST - 1) * 2 * LATE && ms < 60000; ms += 5) {
                    tb_clock_sleep_ms(5);
                    tb_batcher_counts(batcher, &steps, &tokens);
                }
            }
            all[started] = (caller){.b = b};
            all[started].utterance.batcher = batcher;
            all[started].utterance.tokens = started == MOST - 1 ? LATE : 8 * LATE;
            if (pthread_create(&threads[started], NULL, call, &all[started]) != 0)
                st = tb_fail(err, TB_EINTERNAL, "cannot start a thread");
            if (st) break;
        }
        for (size_t i = 0; i < started; i++) {
            pthread_join(threads[i], NULL);
            if (!st && all[i].status) {
                *err = all[i].err;
                st = all[i].status;
            }
        }
        if (!st)
            late =
                fmin(late, (double)(all[MOST - 1].utterance.first_ns - all[MOST - 1].begun) * 1e-9);
        tb_batcher_free(batcher);
    }
    if (st) return st;
    tb_bench_add(b->report, TOGETHER, "newcomer.alone", TB_BENCH_SECONDS, NULL, alone,
                 "the first token of a caller alone");
    tb_bench_add(b->report, TOGETHER, "newcomer", TB_BENCH_SECONDS, NULL, late,
                 "of one who comes while seven talk");
    return TB_OK;
}

tb_status tb_bench_together(tb_bench *b, tb_err *err)
{
    static const size_t how_many[] = {1, 2, 4, 8};
    enum { N = sizeof how_many / sizeof *how_many };
    caller *all = tb_alloc(MOST * sizeof *all);
    double one = 1;
    tb_status st = TB_OK;
    for (size_t i = 0; !st && i < N; i++)
        st = time_step(b, how_many[i], err);
    for (size_t i = 0; !st && i < N; i++)
        st = time_generation(b, all, how_many[i], &one, err);
    if (!st) st = time_newcomer(b, all, err);
    if (!st) st = time_utterances(b, all, 1, &one, err);
    if (!st) st = time_utterances(b, all, MOST, &one, err);
    tb_free(all);
    return st;
}
