/*
 * The compute lock: admission to the flow and the vocoder, which use every core.
 *
 * Waiting callers are in a list under one mutex. The next to enter is the one with the smallest
 * `due`, its arrival time plus the expected length of its work (earliest virtual deadline first),
 * among those for whom there is room: at most INSIDE_MOST inside, at most one of them long, and one
 * more if it is urgent, since those inside may be pausing for it. Short work so overtakes long
 * work, and nobody starves, since `due` does not change while waiting. Relies on base/cond.h; a
 * waiter polls its cancel flag every POLL_NS.
 *
 * Invariants, whenever the mutex is free (assert_invariants): 0 <= inside_long <= 1, inside_long <=
 * inside <= INSIDE_MOST + 1; a waiter is in the list exactly while it waits in acquire.
 */
#include "chatterbox/compute_lock.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>

/* How often a waiter checks its cancel flag. */
enum { POLL_NS = 20000000 };

enum { INSIDE_MOST = 2 }; /* of which at most one long; besides them one that is urgent */

typedef struct waiter {
    struct waiter *next;
    double due;
    bool brief, urgent;
} waiter;

struct tb_compute_lock {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    waiter *waiting;
    int inside, inside_long;
};

tb_compute_lock *tb_compute_lock_new(void)
{
    tb_compute_lock *g = tb_alloc(sizeof *g);
    pthread_mutex_init(&g->lock, NULL);
    tb_cond_init(&g->changed);
    return g;
}

void tb_compute_lock_free(tb_compute_lock *g)
{
    if (!g) return;
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->lock);
    tb_free(g);
}

/* The mutex is held. Free in release builds. */
static void assert_invariants(const tb_compute_lock *g)
{
    assert(g->inside_long >= 0 && g->inside_long <= 1);
    assert(g->inside_long <= g->inside && g->inside <= INSIDE_MOST + 1);
    (void)g;
}

static bool is_brief(double seconds)
{
    return seconds <= TB_BRIEF_WORK_S;
}

static bool has_room(const tb_compute_lock *g, const waiter *w)
{
    return g->inside < INSIDE_MOST + w->urgent && (w->brief || g->inside_long == 0);
}

static bool is_next(const tb_compute_lock *g, const waiter *me)
{
    for (const waiter *w = g->waiting; w; w = w->next)
        if (w != me && w->due < me->due && has_room(g, w)) return false;
    return has_room(g, me);
}

static void remove_waiter(tb_compute_lock *g, const waiter *me)
{
    waiter **p = &g->waiting;
    while (*p != me)
        p = &(*p)->next;
    *p = me->next;
}

tb_status tb_compute_lock_acquire(tb_compute_lock *g, double seconds, bool urgent,
                                  const tb_cancel *cancel, tb_err *err)
{
    tb_status st = TB_OK;
    pthread_mutex_lock(&g->lock);
    waiter me = {.next = g->waiting,
                 .due = (double)tb_clock_mono_ns() * 1e-9 + seconds,
                 .brief = is_brief(seconds),
                 .urgent = urgent};
    g->waiting = &me;
    while (!st && !is_next(g, &me)) {
        const struct timespec until = tb_cond_deadline(POLL_NS);
        pthread_cond_timedwait(&g->changed, &g->lock, &until);
        if (tb_cancelled(cancel)) st = tb_fail_cancelled(err);
    }
    remove_waiter(g, &me);
    if (!st) {
        g->inside++;
        g->inside_long += !me.brief;
        assert_invariants(g);
    }
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
    return st;
}

void tb_compute_lock_release(tb_compute_lock *g, double seconds)
{
    pthread_mutex_lock(&g->lock);
    g->inside--;
    g->inside_long -= !is_brief(seconds);
    assert_invariants(g);
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}
