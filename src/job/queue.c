#include "job/queue.h"

#include "base/cond.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct tb_lane {
    struct tb_lane *next;
    tb_queue_entry *first, *last;
    char *name;
    int waiting, running;
    unsigned long long served; /* when it came, or last had a turn: the longest ago goes first */
};

struct tb_queue {
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    struct tb_lane *lanes;
    tb_queue_entry **running; /* one slot per worker */
    pthread_t *threads;
    int workers, started, max, max_per_lane, waiting, n_running;
    unsigned long long clock;
    bool stopping, ending;
    tb_queue_run run, release;
    void *self;
};

static struct tb_lane *next_lane(tb_queue *q)
{
    struct tb_lane *best = NULL;
    for (struct tb_lane *l = q->lanes; l; l = l->next) {
        if (!l->first) continue;
        if (!best || l->running < best->running ||
            (l->running == best->running && l->served < best->served))
            best = l;
    }
    return best;
}

/* Lanes of callers who have gone would add up: a lane without jobs is forgotten. */
static void drop_empty_lane(tb_queue *q, struct tb_lane *lane)
{
    if (lane->waiting || lane->running) return;
    for (struct tb_lane **l = &q->lanes; *l; l = &(*l)->next) {
        if (*l != lane) continue;
        *l = lane->next;
        tb_free(lane->name);
        tb_free(lane);
        return;
    }
}

static void *worker(void *arg)
{
    tb_queue *q = arg;
    pthread_mutex_lock(&q->lock);
    int slot = q->started++;
    for (;;) {
        struct tb_lane *lane = next_lane(q);
        if (!lane) {
            if (q->ending) break;
            pthread_cond_wait(&q->work, &q->lock);
            continue;
        }
        tb_queue_entry *entry = lane->first;
        lane->first = entry->next;
        if (!lane->first) lane->last = NULL;
        entry->next = NULL;
        lane->waiting--;
        lane->running++;
        lane->served = ++q->clock;
        q->waiting--;
        q->n_running++;
        q->running[slot] = entry;
        pthread_mutex_unlock(&q->lock);

        q->run(q->self, entry);

        pthread_mutex_lock(&q->lock);
        q->running[slot] = NULL;
        q->n_running--;
        lane->running--;
        lane->served = ++q->clock; /* behind those who came while it ran */
        drop_empty_lane(q, lane);
        if (q->waiting == 0 && q->n_running == 0) pthread_cond_broadcast(&q->idle);
        pthread_mutex_unlock(&q->lock);
        q->release(q->self, entry); /* not before: tb_queue_each may look at what is running */
        pthread_mutex_lock(&q->lock);
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

tb_status tb_queue_new(int workers, int max, int max_per_lane, tb_queue_run run,
                       tb_queue_run release, void *self, tb_queue **out, tb_err *err)
{
    tb_queue *q = tb_alloc(sizeof *q);
    q->max = max;
    q->max_per_lane = max_per_lane;
    q->run = run;
    q->release = release;
    q->self = self;
    q->running = tb_alloc((size_t)workers * sizeof *q->running);
    q->threads = tb_alloc((size_t)workers * sizeof *q->threads);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->work, NULL);
    tb_cond_init(&q->idle);
    for (int i = 0; i < workers; i++) {
        int why = pthread_create(&q->threads[i], NULL, worker, q);
        if (why != 0) {
            tb_queue_free(q);
            return why == EAGAIN ? tb_fail(err, TB_ENOMEM,
                                           "thread %d of %d cannot be started: the system gives no "
                                           "more threads or memory (see ulimit -u and ulimit -v)",
                                           i + 1, workers)
                                 : tb_fail_errno(err, why, "cannot start worker %d", i + 1);
        }
        q->workers++;
    }
    *out = q;
    return TB_OK;
}

tb_status tb_queue_push(tb_queue *q, const char *name, tb_queue_entry *entry, tb_err *err)
{
    tb_status st = TB_OK;
    struct tb_lane *lane;
    pthread_mutex_lock(&q->lock);
    for (lane = q->lanes; lane && strcmp(lane->name, name) != 0; lane = lane->next) {
    }
    if (q->stopping) {
        st = tb_fail(err, TB_EUNREADY, "the server is stopping; try again in a moment");
    } else if (q->waiting >= q->max) {
        st = tb_fail(err, TB_EBUSY, "%d jobs are waiting and no more are taken; try again soon",
                     q->waiting);
    } else if (lane && lane->waiting >= q->max_per_lane) {
        st = tb_fail(err, TB_EBUSY, "%d of your jobs are waiting and no more are taken per caller",
                     lane->waiting);
    } else {
        if (!lane) {
            lane = tb_alloc(sizeof *lane);
            lane->name = tb_strdup(name);
            lane->next = q->lanes;
            lane->served = ++q->clock; /* behind those who have waited since before */
            q->lanes = lane;
        }
        entry->next = NULL;
        if (lane->last)
            lane->last->next = entry;
        else
            lane->first = entry;
        lane->last = entry;
        lane->waiting++;
        q->waiting++;
        pthread_cond_signal(&q->work);
    }
    pthread_mutex_unlock(&q->lock);
    return st;
}

bool tb_queue_remove(tb_queue *q, tb_queue_entry *entry)
{
    bool found = false;
    pthread_mutex_lock(&q->lock);
    for (struct tb_lane *lane = q->lanes; lane && !found; lane = lane->next) {
        tb_queue_entry *before = NULL;
        for (tb_queue_entry *e = lane->first; e; before = e, e = e->next) {
            if (e != entry) continue;
            if (before)
                before->next = e->next;
            else
                lane->first = e->next;
            if (lane->last == e) lane->last = before;
            lane->waiting--;
            q->waiting--;
            found = true;
            break;
        }
        if (found) {
            drop_empty_lane(q, lane);
            break;
        }
    }
    if (q->waiting == 0 && q->n_running == 0) pthread_cond_broadcast(&q->idle);
    pthread_mutex_unlock(&q->lock);
    return found;
}

bool tb_queue_drain(tb_queue *q, int ms)
{
    const struct timespec until = tb_cond_deadline((int64_t)ms * 1000000);
    pthread_mutex_lock(&q->lock);
    q->stopping = true;
    while (q->waiting > 0 || q->n_running > 0)
        if (pthread_cond_timedwait(&q->idle, &q->lock, &until) == ETIMEDOUT) break;
    bool empty = q->waiting == 0 && q->n_running == 0;
    pthread_mutex_unlock(&q->lock);
    return empty;
}

void tb_queue_each(tb_queue *q, void (*each)(void *self, tb_queue_entry *entry), void *self)
{
    pthread_mutex_lock(&q->lock);
    for (int i = 0; i < q->workers; i++)
        if (q->running[i]) each(self, q->running[i]);
    for (struct tb_lane *lane = q->lanes; lane; lane = lane->next)
        for (tb_queue_entry *e = lane->first; e; e = e->next)
            each(self, e);
    pthread_mutex_unlock(&q->lock);
}

void tb_queue_look(tb_queue *q, int *waiting, int *running, int *workers, bool *stopping)
{
    pthread_mutex_lock(&q->lock);
    *waiting = q->waiting;
    *running = q->n_running;
    *workers = q->workers;
    *stopping = q->stopping;
    pthread_mutex_unlock(&q->lock);
}

void tb_queue_free(tb_queue *q)
{
    if (!q) return;
    pthread_mutex_lock(&q->lock);
    q->stopping = q->ending = true;
    pthread_cond_broadcast(&q->work);
    pthread_mutex_unlock(&q->lock);
    for (int i = 0; i < q->workers; i++)
        pthread_join(q->threads[i], NULL);
    while (q->lanes) { /* empty: workers end only when nothing waits */
        struct tb_lane *lane = q->lanes;
        q->lanes = lane->next;
        tb_free(lane->name);
        tb_free(lane);
    }
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->work);
    pthread_cond_destroy(&q->idle);
    tb_free(q->running);
    tb_free(q->threads);
    tb_free(q);
}
