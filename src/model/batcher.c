/*
 * The decode batcher. Callers put a request on their own stack into a queue under one lock. There
 * is no batching thread: a waiting caller that finds the batch complete, full, or its own wait over
 * takes up to MAX_BATCH requests off the queue, releases the lock, runs tb_t3_step for all of them,
 * copies the logits out and wakes everybody. MAX_BATCH is the number of rows up to which a matmul
 * computes each row independently, so a seed's speech does not depend on other callers.
 *
 * Invariants, whenever the lock is free (assert_invariants):
 *   - `waiting` is the length of the queue; `last` points to its last `next`, or to `first` if
 * empty;
 *   - at most one batch runs at a time (`stepping`), and only its thread uses `scratch`;
 *   - a request is either in the queue, or in the running batch, or done; its caller does not
 * return before `done`;
 *   - waiting <= joined: only a joined caller submits, one request at a time.
 */
#include "model/batcher.h"

#include "base/cond.h"
#include "base/mem.h"
#include "model/t3.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum { MAX_BATCH = TB_NN_GEMV_ROWS, MAX_WAIT_NS = 2000000 };

/* A caller's request for one decode step, on its stack. */
typedef struct step_request {
    struct step_request *next;
    tb_t3_session *session;
    int32_t token;
    float *logits;
    bool done;
} step_request;

struct tb_batcher {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    step_request *first, **last; /* the queue, in order of arrival */
    size_t waiting, joined;
    bool stepping;
    uint64_t steps, tokens;
    tb_thread_pool *pool;
    tb_scratch *scratch; /* of the thread that runs the batch */
};

/* The lock is held. Free in release builds. */
static void assert_invariants(const tb_batcher *t)
{
#ifndef NDEBUG
    size_t n = 0;
    step_request *const *end = &t->first;
    for (; *end; end = &(*end)->next, n++)
        assert(!(*end)->done && n < t->waiting);
    assert(n == t->waiting && end == t->last && t->waiting <= t->joined);
#endif
    (void)t;
}

tb_batcher *tb_batcher_new(tb_thread_pool *pool)
{
    tb_batcher *t = tb_alloc(sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    tb_cond_init(&t->changed);
    t->last = &t->first;
    t->pool = pool;
    t->scratch = tb_scratch_new();
    return t;
}

void tb_batcher_free(tb_batcher *t)
{
    if (!t) return;
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    tb_scratch_free(t->scratch);
    tb_free(t);
}

void tb_batcher_join(tb_batcher *t)
{
    pthread_mutex_lock(&t->lock);
    t->joined++;
    pthread_mutex_unlock(&t->lock);
}

void tb_batcher_leave(tb_batcher *t)
{
    pthread_mutex_lock(&t->lock);
    t->joined--;
    pthread_cond_broadcast(&t->changed); /* the batch may be complete now */
    pthread_mutex_unlock(&t->lock);
}

/* Runs one batch of at most MAX_BATCH waiting requests. The lock is held before and after, not
 * during the computation. */
static void run_batch(tb_batcher *t)
{
    step_request *batch[MAX_BATCH];
    tb_t3_session *sessions[MAX_BATCH];
    int32_t tokens[MAX_BATCH];
    size_t n = 0;
    for (; n < MAX_BATCH && t->first; n++) {
        batch[n] = t->first;
        sessions[n] = t->first->session;
        tokens[n] = t->first->token;
        t->first = t->first->next;
    }
    if (!t->first) t->last = &t->first;
    t->waiting -= n;
    t->stepping = true;
    assert_invariants(t);
    pthread_mutex_unlock(&t->lock);

    const tb_nn nn = {.pool = t->pool, .scratch = t->scratch};
    const size_t vocab = tb_t3_session_model(sessions[0])->vocab;
    size_t mark = tb_scratch_mark(t->scratch);
    float *logits = tb_scratch_f32(t->scratch, n * vocab); /* (n, vocab) */
    tb_t3_step(sessions, &nn, tokens, n, logits);
    for (size_t i = 0; i < n; i++)
        memcpy(batch[i]->logits, logits + i * vocab, vocab * sizeof *logits);
    tb_scratch_release(t->scratch, mark);

    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < n; i++)
        batch[i]->done = true;
    t->stepping = false;
    t->steps++;
    t->tokens += n;
    pthread_cond_broadcast(&t->changed);
}

void tb_batcher_step(tb_batcher *t, tb_t3_session *session, int32_t token, float *logits)
{
    step_request own = {.session = session, .token = token, .logits = logits};
    pthread_mutex_lock(&t->lock);
    *t->last = &own;
    t->last = &own.next;
    t->waiting++;
    assert_invariants(t);
    if (t->waiting >= t->joined) pthread_cond_broadcast(&t->changed);
    struct timespec until = tb_cond_deadline(MAX_WAIT_NS);
    bool may_wait = true;
    while (!own.done) {
        if (!t->stepping && (t->waiting >= t->joined || t->waiting >= MAX_BATCH || !may_wait)) {
            run_batch(t);
        } else if (t->stepping) {
            pthread_cond_wait(&t->changed, &t->lock);
            until = tb_cond_deadline(
                MAX_WAIT_NS); /* wait for the members of the batch that has just run */
        } else if (pthread_cond_timedwait(&t->changed, &t->lock, &until) == ETIMEDOUT) {
            may_wait = false;
        }
    }
    pthread_mutex_unlock(&t->lock);
}

void tb_batcher_counts(tb_batcher *t, uint64_t *steps, uint64_t *tokens)
{
    pthread_mutex_lock(&t->lock);
    *steps = t->steps;
    *tokens = t->tokens;
    pthread_mutex_unlock(&t->lock);
}
