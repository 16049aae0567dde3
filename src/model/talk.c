#include "model/talk.h"

#include "base/cond.h"
#include "base/mem.h"
#include "model/t3.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/* As many as may be together without a seed's speech depending on who is. */
enum { TOGETHER = TB_NN_GEMV_ROWS, PATIENCE_NS = 2000000 };

/* Somebody's wish for a step, on their own stack. */
typedef struct wish {
    struct wish *next;
    tb_t3_session *session;
    int32_t token;
    float *logits;
    bool done;
} wish;

struct tb_talk {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    wish *first, **last; /* in the order they came */
    size_t waiting, members;
    bool stepping;
    uint64_t steps, tokens;
    tb_thread_pool *pool;
    tb_scratch *scratch; /* the stepper's */
};

tb_talk *tb_talk_new(tb_thread_pool *pool)
{
    tb_talk *t = tb_alloc(sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    tb_cond_init(&t->changed);
    t->last = &t->first;
    t->pool = pool;
    t->scratch = tb_scratch_new();
    return t;
}

void tb_talk_free(tb_talk *t)
{
    if (!t) return;
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    tb_scratch_free(t->scratch);
    tb_free(t);
}

void tb_talk_join(tb_talk *t)
{
    pthread_mutex_lock(&t->lock);
    t->members++;
    pthread_mutex_unlock(&t->lock);
}

void tb_talk_leave(tb_talk *t)
{
    pthread_mutex_lock(&t->lock);
    t->members--;
    pthread_cond_broadcast(&t->changed); /* those who wait for company wait for less of it */
    pthread_mutex_unlock(&t->lock);
}

/* Makes one step for those who wait, at most TOGETHER. The lock is held before and after. */
static void step(tb_talk *t)
{
    wish *now[TOGETHER];
    tb_t3_session *sessions[TOGETHER];
    int32_t tokens[TOGETHER];
    size_t n = 0;
    for (; n < TOGETHER && t->first; n++) {
        now[n] = t->first;
        sessions[n] = t->first->session;
        tokens[n] = t->first->token;
        t->first = t->first->next;
    }
    if (!t->first) t->last = &t->first;
    t->waiting -= n;
    t->stepping = true;
    pthread_mutex_unlock(&t->lock);

    const tb_nn nn = {.pool = t->pool, .scratch = t->scratch};
    const size_t vocab = tb_t3_session_model(sessions[0])->vocab;
    size_t mark = tb_scratch_mark(t->scratch);
    float *logits = tb_scratch_f32(t->scratch, n * vocab); /* (n, vocab) */
    tb_t3_step(sessions, &nn, tokens, n, logits);
    for (size_t i = 0; i < n; i++)
        memcpy(now[i]->logits, logits + i * vocab, vocab * sizeof *logits);
    tb_scratch_release(t->scratch, mark);

    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < n; i++)
        now[i]->done = true;
    t->stepping = false;
    t->steps++;
    t->tokens += n;
    pthread_cond_broadcast(&t->changed);
}

void tb_talk_step(tb_talk *t, tb_t3_session *session, int32_t token, float *logits)
{
    wish mine = {.session = session, .token = token, .logits = logits};
    pthread_mutex_lock(&t->lock);
    *t->last = &mine;
    t->last = &mine.next;
    t->waiting++;
    if (t->waiting >= t->members) pthread_cond_broadcast(&t->changed);
    struct timespec until = tb_cond_deadline(PATIENCE_NS);
    bool patient = true;
    while (!mine.done) {
        if (!t->stepping && (t->waiting >= t->members || t->waiting >= TOGETHER || !patient)) {
            step(t);
        } else if (t->stepping) {
            pthread_cond_wait(&t->changed, &t->lock);
            until = tb_cond_deadline(
                PATIENCE_NS); /* the others' step took its time; they are on their way */
        } else if (pthread_cond_timedwait(&t->changed, &t->lock, &until) == ETIMEDOUT) {
            patient = false;
        }
    }
    pthread_mutex_unlock(&t->lock);
}

void tb_talk_counts(tb_talk *t, uint64_t *steps, uint64_t *tokens)
{
    pthread_mutex_lock(&t->lock);
    *steps = t->steps;
    *tokens = t->tokens;
    pthread_mutex_unlock(&t->lock);
}
