/*
 * Cooperative priority: background callers pause while an urgent one is under way.
 *
 * The clock is divided into periods of pause_ns + run_ns. A background caller that asks in the
 * first part of a period, while somebody urgent is under way, sleeps until the second part begins
 * or the last urgent caller leaves. Relies on the monotonic clock and on base/cond.h.
 *
 * Invariants, whenever the lock is free (assert_invariants): `urgent` is the number of calls of
 * tb_priority_begin less those of tb_priority_end and changes under the lock only, since a sleeper
 * would miss its fall to 0 otherwise; 0 < pause_ns < period_ns.
 */
#include "chatterbox/priority_priv.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/mem.h"

#include <assert.h>
#include <pthread.h>

struct tb_priority {
    pthread_mutex_t lock;
    pthread_cond_t none_urgent;
    atomic_size_t urgent; /* changed under the lock */
    int64_t pause_ns, period_ns;
};

/* The lock is held. Free in release builds. */
static void assert_invariants(const tb_priority *p)
{
    assert(atomic_load(&p->urgent) <= SIZE_MAX / 2); /* more ends than begins would wrap around */
    assert(0 < p->pause_ns && p->pause_ns < p->period_ns);
    (void)p;
}

tb_priority *tb_priority_new(int64_t pause_ns, int64_t run_ns)
{
    tb_priority *p = tb_alloc(sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    tb_cond_init(&p->none_urgent);
    p->pause_ns = pause_ns;
    p->period_ns = pause_ns + run_ns;
    return p;
}

void tb_priority_free(tb_priority *p)
{
    if (!p) return;
    assert(atomic_load(&p->urgent) == 0);
    pthread_cond_destroy(&p->none_urgent);
    pthread_mutex_destroy(&p->lock);
    tb_free(p);
}

void tb_priority_begin(tb_priority *p)
{
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->urgent, 1);
    assert_invariants(p);
    pthread_mutex_unlock(&p->lock);
}

void tb_priority_end(tb_priority *p)
{
    pthread_mutex_lock(&p->lock);
    if (atomic_fetch_sub(&p->urgent, 1) == 1) pthread_cond_broadcast(&p->none_urgent);
    assert_invariants(p);
    pthread_mutex_unlock(&p->lock);
}

/* The rest of the current pause; 0 in the time slice of background callers. Periods are those of
 * the clock, not of the urgent caller: one urgent caller after another takes no slice away. */
static int64_t pause_left(const tb_priority *p)
{
    if (atomic_load_explicit(&p->urgent, memory_order_relaxed) == 0) return 0;
    const int64_t phase = tb_clock_mono_ns() % p->period_ns;
    return phase < p->pause_ns ? p->pause_ns - phase : 0;
}

bool tb_priority_must_wait(const tb_priority *p)
{
    return pause_left(p) > 0;
}

void tb_priority_wait(tb_priority *p, const tb_cancel *cancel)
{
    if (!tb_priority_must_wait(p)) return;
    pthread_mutex_lock(&p->lock);
    for (int64_t left; !tb_cancelled(cancel) && (left = pause_left(p)) > 0;) {
        const struct timespec until = tb_cond_deadline(left);
        pthread_cond_timedwait(&p->none_urgent, &p->lock, &until);
    }
    assert_invariants(p);
    pthread_mutex_unlock(&p->lock);
}
