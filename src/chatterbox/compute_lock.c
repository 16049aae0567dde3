#include "chatterbox/compute_lock.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>

/* How often somebody who waits looks whether they still should. */
enum { POLL_NS = 20000000 };

enum { INSIDE_MOST = 2 }; /* one of them long */

typedef struct waiter {
    struct waiter *next;
    double due;
    bool brief;
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

static bool is_brief(double seconds)
{
    return seconds <= TB_GATE_BRIEF_S;
}

static bool has_room(const tb_compute_lock *g, const waiter *w)
{
    return g->inside < INSIDE_MOST && (w->brief || g->inside_long == 0);
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

tb_status tb_compute_lock_acquire(tb_compute_lock *g, double seconds, const tb_cancel *cancel,
                                  tb_err *err)
{
    tb_status st = TB_OK;
    pthread_mutex_lock(&g->lock);
    waiter me = {.next = g->waiting,
                 .due = (double)tb_clock_mono_ns() * 1e-9 + seconds,
                 .brief = is_brief(seconds)};
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
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}
