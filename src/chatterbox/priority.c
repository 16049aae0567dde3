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
    pthread_mutex_unlock(&p->lock);
}

void tb_priority_end(tb_priority *p)
{
    pthread_mutex_lock(&p->lock);
    assert(atomic_load(&p->urgent) > 0);
    if (atomic_fetch_sub(&p->urgent, 1) == 1) pthread_cond_broadcast(&p->none_urgent);
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
    pthread_mutex_unlock(&p->lock);
}
