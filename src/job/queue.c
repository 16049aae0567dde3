/*
 * The queue of jobs: a lane per caller, worker threads, fair shares of work.
 *
 * A worker takes a piece of the job whose lane has the fewest running jobs and has had the least
 * work (a new lane starts at the queue's virtual time), runs it without the lock, and charges the
 * lane with its cost. Some workers are reserved for shorter jobs. One lock guards all of it;
 * entries belong to their jobs. The header explains the order in full.
 *
 * Invariants, whenever the lock is free (assert_invariants):
 *   - a lane's `waiting` is the length of its list, `last` its last entry; every lane has a job;
 *   - the sums of `waiting` and `running` over all lanes are the queue's `waiting` and `n_running`;
 *   - n_running is the number of slots of `running` that are not NULL; n_lanes counts the lanes;
 *   - under_way counts the entries that are begun, running or between two pieces; of medium and
 *     long ones it is at most `most`.
 */
#include "job/queue.h"

#include "base/cond.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

/* Seconds of work that a new job is ahead of its lane: the first words of a new text are spoken
 * before the second minute of the texts that came before it. */
#define NEW_JOB_CREDIT_S 2.0

struct tb_lane {
    struct tb_lane *next;
    tb_queue_entry *first, *last;
    char *name;
    int waiting, running;
    double served_s;         /* seconds of work done for it, from a start that all lanes share */
    double virtual_time;     /* the served_s of a job that has been in this lane all the time */
    unsigned long long turn; /* when it came, or last had a turn: the longest ago goes first */
};

struct tb_queue {
    pthread_mutex_t lock;
    pthread_cond_t work, reserved_work, idle;
    struct tb_lane *lanes;
    tb_queue_entry **running; /* one slot per worker */
    pthread_t *threads;
    int workers, started, max, max_per_lane, waiting, n_running, n_lanes;
    int reserved_workers; /* the first slots: they take no long jobs */
    int under_way[TB_QUEUE_SIZES], most[TB_QUEUE_SIZES]; /* begun and not ended */
    double virtual_time; /* the served_s of a lane that has been here all the time */
    unsigned long long clock;
    bool stopping, ending;
    tb_queue_run run;
    tb_queue_release release;
    void *self;
};

/* The lock is held. Free in release builds. */
static void assert_invariants(const tb_queue *q)
{
#ifndef NDEBUG
    int waiting = 0, running = 0, lanes = 0, slots = 0, begun = 0, under_way = 0;
    for (const struct tb_lane *lane = q->lanes; lane; lane = lane->next, lanes++) {
        const tb_queue_entry *last = NULL;
        int length = 0;
        assert(lanes < q->n_lanes); /* no cycle */
        for (const tb_queue_entry *e = lane->first; e; last = e, e = e->next, length++) {
            assert(length < lane->waiting);
            begun += e->begun;
        }
        assert(length == lane->waiting && last == lane->last);
        assert(lane->running >= 0 && lane->waiting + lane->running > 0);
        waiting += lane->waiting;
        running += lane->running;
    }
    for (int i = 0; i < q->workers; i++)
        slots += q->running[i] != NULL;
    for (int size = 0; size < TB_QUEUE_SIZES; size++) {
        assert(q->under_way[size] >= 0);
        assert(size == TB_QUEUE_BRIEF || q->under_way[size] <= q->most[size]);
        under_way += q->under_way[size];
    }
    assert(lanes == q->n_lanes && waiting == q->waiting);
    assert(running == q->n_running && slots == q->n_running);
    assert(under_way == q->n_running + begun);
#endif
    (void)q;
}

/* The longest job that a worker takes. Of the reserved workers the first takes brief jobs only. */
static tb_queue_size longest(const tb_queue *q, int slot)
{
    return slot >= q->reserved_workers ? TB_QUEUE_LONG
           : slot > 0                  ? TB_QUEUE_MEDIUM
                                       : TB_QUEUE_BRIEF;
}

static bool may_take(const tb_queue *q, int slot, const tb_queue_entry *e)
{
    if (e->expedited) return true;
    if (e->size > longest(q, slot)) return false;
    return e->begun || e->size == TB_QUEUE_BRIEF || q->under_way[e->size] < q->most[e->size];
}

/* The lane's next for this worker, NULL when there is none, and the one before it in the list. */
static tb_queue_entry *next_entry(const tb_queue *q, int slot, const struct tb_lane *lane,
                                  tb_queue_entry **before)
{
    tb_queue_entry *best = NULL, *last = NULL;
    for (tb_queue_entry *e = lane->first; e; last = e, e = e->next) {
        if (!may_take(q, slot, e)) continue;
        if (best && !(e->expedited && !best->expedited) &&
            (best->expedited || e->served_s >= best->served_s))
            continue;
        best = e;
        *before = last;
    }
    return best;
}

static bool goes_before(const struct tb_lane *a, const struct tb_lane *b)
{
    if (a->running != b->running) return a->running < b->running;
    if (a->served_s < b->served_s || a->served_s > b->served_s) return a->served_s < b->served_s;
    return a->turn < b->turn;
}

static void unlink_entry(tb_queue *q, struct tb_lane *lane, tb_queue_entry *before,
                         tb_queue_entry *entry)
{
    if (before)
        before->next = entry->next;
    else
        lane->first = entry->next;
    if (lane->last == entry) lane->last = before;
    entry->next = NULL;
    lane->waiting--;
    q->waiting--;
}

static void append_entry(tb_queue *q, struct tb_lane *lane, tb_queue_entry *entry)
{
    entry->next = NULL;
    if (lane->last)
        lane->last->next = entry;
    else
        lane->first = entry;
    lane->last = entry;
    lane->waiting++;
    q->waiting++;
}

/* Takes the next piece for a worker out of its lane. */
static tb_queue_entry *take(tb_queue *q, int slot, struct tb_lane **from)
{
    tb_queue_entry *entry = NULL, *entry_before = NULL;
    struct tb_lane *lane = NULL;
    for (struct tb_lane *l = q->lanes; l; l = l->next) {
        tb_queue_entry *before = NULL, *e = next_entry(q, slot, l, &before);
        if (!e || (lane && !goes_before(l, lane))) continue;
        lane = l;
        entry = e;
        entry_before = before;
    }
    if (!entry) return NULL;
    unlink_entry(q, lane, entry_before, entry);
    if (!entry->begun) q->under_way[entry->size]++;
    entry->begun = true;
    lane->running++;
    lane->turn = ++q->clock;
    q->n_running++;
    q->running[slot] = entry;
    *from = lane;
    assert_invariants(q);
    return entry;
}

static void wake(tb_queue *q, const tb_queue_entry *entry)
{
    pthread_cond_signal(&q->work);
    if (q->reserved_workers > 0 && (entry->expedited || entry->size != TB_QUEUE_LONG))
        pthread_cond_broadcast(&q->reserved_work); /* some of them may not take it */
}

/* A lane is charged the whole cost of its piece. The lane's virtual time advances by cost / jobs of
 * the lane, the queue's virtual time advances by cost / lanes. */
static void charge(tb_queue *q, struct tb_lane *lane, double cost)
{
    lane->served_s += cost;
    lane->virtual_time += cost / (lane->waiting + lane->running);
    q->virtual_time += cost / q->n_lanes;
}

/* Frees a lane without jobs: lanes of callers who have gone would accumulate. */
static void drop_empty_lane(tb_queue *q, struct tb_lane *lane)
{
    if (lane->waiting || lane->running) return;
    for (struct tb_lane **l = &q->lanes; *l; l = &(*l)->next) {
        if (*l != lane) continue;
        *l = lane->next;
        q->n_lanes--;
        tb_free(lane->name);
        tb_free(lane);
        return;
    }
}

/* A worker has finished a piece. */
static void end_piece(tb_queue *q, int slot, struct tb_lane *lane, double cost)
{
    charge(q, lane, cost);
    q->running[slot] = NULL;
    q->n_running--;
    lane->running--;
    lane->turn = ++q->clock; /* behind those who came while it ran */
}

static void end_entry(tb_queue *q, struct tb_lane *lane, tb_queue_size size)
{
    q->under_way[size]--;
    if (size == TB_QUEUE_MEDIUM) pthread_cond_broadcast(&q->reserved_work); /* another may begin */
    if (size != TB_QUEUE_BRIEF) pthread_cond_signal(&q->work);
    drop_empty_lane(q, lane);
    if (q->waiting == 0 && q->n_running == 0) pthread_cond_broadcast(&q->idle);
    assert_invariants(q);
}

static void *worker(void *arg)
{
    tb_queue *q = arg;
    pthread_mutex_lock(&q->lock);
    const int slot = q->started++;
    for (;;) {
        struct tb_lane *lane;
        tb_queue_entry *entry = take(q, slot, &lane);
        if (!entry) {
            if (q->ending) break;
            pthread_cond_wait(slot < q->reserved_workers ? &q->reserved_work : &q->work, &q->lock);
            continue;
        }
        const tb_queue_size size = entry->size; /* the entry may be gone after its last piece */
        pthread_mutex_unlock(&q->lock);
        const tb_queue_piece piece = q->run(q->self, entry);
        pthread_mutex_lock(&q->lock);
        end_piece(q, slot, lane, piece.cost);
        if (piece.again) {
            entry->served_s += piece.cost;
            append_entry(q, lane, entry);
            wake(q, entry); /* this worker may take another */
            continue;
        }
        end_entry(q, lane, size);
        pthread_mutex_unlock(&q->lock);
        q->release(q->self, entry); /* not before: tb_queue_each may look at what is running */
        pthread_mutex_lock(&q->lock);
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

/* What is under way at most: long jobs as many as there are workers for them, medium ones some. */
static void set_most(tb_queue *q)
{
    const int workers = q->workers - q->reserved_workers;
    q->most[TB_QUEUE_LONG] = workers;
    q->most[TB_QUEUE_MEDIUM] = 4 * workers;
}

tb_status tb_queue_new(int workers, int max, int max_per_lane, tb_queue_run run,
                       tb_queue_release release, void *self, tb_queue **out, tb_err *err)
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
    pthread_cond_init(&q->reserved_work, NULL);
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
    set_most(q);
    *out = q;
    return TB_OK;
}

void tb_queue_reserve_workers(tb_queue *q, int workers)
{
    pthread_mutex_lock(&q->lock);
    q->reserved_workers = workers;
    set_most(q);
    pthread_cond_broadcast(&q->work); /* reserved workers wait for reserved_work */
    pthread_mutex_unlock(&q->lock);
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
            lane->served_s = q->virtual_time;
            lane->turn = ++q->clock; /* behind those who have waited since before */
            q->lanes = lane;
            q->n_lanes++;
        }
        entry->begun = entry->expedited = false;
        entry->served_s = lane->virtual_time - NEW_JOB_CREDIT_S;
        append_entry(q, lane, entry);
        wake(q, entry);
    }
    assert_invariants(q);
    pthread_mutex_unlock(&q->lock);
    return st;
}

bool tb_queue_remove(tb_queue *q, tb_queue_entry *entry)
{
    bool removed = false;
    pthread_mutex_lock(&q->lock);
    for (struct tb_lane *lane = q->lanes; lane; lane = lane->next) {
        tb_queue_entry *before = NULL, *e = lane->first;
        for (; e && e != entry; e = e->next)
            before = e;
        if (!e) continue;
        if (e->begun) {
            e->expedited = true;
            wake(q, e);
        } else {
            unlink_entry(q, lane, before, e);
            drop_empty_lane(q, lane);
            removed = true;
        }
        break;
    }
    if (q->waiting == 0 && q->n_running == 0) pthread_cond_broadcast(&q->idle);
    assert_invariants(q);
    pthread_mutex_unlock(&q->lock);
    return removed;
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
    pthread_cond_broadcast(&q->reserved_work);
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
    pthread_cond_destroy(&q->reserved_work);
    pthread_cond_destroy(&q->idle);
    tb_free(q->running);
    tb_free(q->threads);
    tb_free(q);
}
