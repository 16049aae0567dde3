/*
 * The thread pool: callers run loops of n iterations on its threads.
 *
 * One decode step of T3 is about 150 short loops in a row, and waking a sleeping thread takes as
 * long as some of them. So an idle thread first spins for 30 us with its mailbox open, if every
 * thread and caller can have a core; a caller hands its loop over by one atomic exchange on that
 * mailbox, without a lock. Where a caller finds too few open mailboxes it also queues the loop
 * under the lock and wakes sleepers. Iterations are handed out by an atomic counter, so the result
 * does not depend on which thread comes when. parallel.c builds work stealing on top of this.
 *
 * Relies on pthreads and C11 atomics; the clock is base/clock.h.
 *
 * Invariants, whenever the lock is free (assert_invariants):
 *   - a loop is in pool->loops exactly if its `queued` is true;
 *   - a loop lives on its caller's stack: the caller returns only when `helpers` is 0 and the loop
 * is not queued, so nobody touches it afterwards;
 *   - `helpers` counts the threads at work on a loop and the mailboxes that hold it;
 *   - a mailbox is NULL (closed), &mailbox_open (its thread is spinning) or a loop; only its own
 *     thread opens or closes it, only a caller puts a loop in or withdraws that loop;
 *   - sleepers <= callers.
 */
#include "nn/thread_pool.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct loop {
    struct loop *next;
    tb_thread_pool_body body;
    void *self;
    size_t n;
    atomic_size_t next_index;
    atomic_size_t helpers; /* threads at work on it, and mailboxes that hold it */
    bool queued;           /* in pool->loops; changed under the lock */
} loop;

enum {
    SPIN_NS = 30000,
    SPIN_CHECKS = 64, /* mailbox checks between two reads of the clock */
    LOCK_SPINS =
        64, /* attempts to take the lock before sleeping for it: it is never held for long */
};

typedef struct {
    _Alignas(64) _Atomic(loop *) mailbox; /* a loop, &mailbox_open or NULL (closed) */
    tb_thread_pool *pool;
    pthread_t id;
} thread;

static loop mailbox_open;

struct tb_thread_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    loop *loops; /* the queue: loops that wanted more threads than had their mailboxes open */
    thread *threads;
    size_t n; /* threads created here: one less than the pool's size, since a caller works too */
    bool stop;
    size_t spare_cores;              /* callers that can have a core beside all threads */
    atomic_size_t enqueued;          /* loops queued so far; changed under the lock */
    atomic_size_t callers, sleepers; /* callers inside a loop; of them, asleep on `done` */
};

/* The lock is held. Free in release builds. */
static void assert_invariants(const tb_thread_pool *pool)
{
#ifndef NDEBUG
    size_t length = 0;
    for (const loop *l = pool->loops; l; l = l->next, length++) {
        assert(l->queued && l->body && l != &mailbox_open);
        assert(length < atomic_load(&pool->enqueued)); /* no cycle */
    }
    assert(atomic_load(&pool->sleepers) <= atomic_load(&pool->callers));
#endif
    (void)pool;
}

static void pause_core(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Whether a thread may keep a core busy by spinning. */
static bool may_spin(const tb_thread_pool *pool)
{
    return pool->spare_cores > 0 &&
           atomic_load_explicit(&pool->callers, memory_order_relaxed) <= pool->spare_cores;
}

static void lock(tb_thread_pool *pool)
{
    for (int i = 0; i < LOCK_SPINS; i++) {
        if (pthread_mutex_trylock(&pool->lock) == 0) return;
        pause_core();
    }
    pthread_mutex_lock(&pool->lock);
}

static void run(loop *l)
{
    for (size_t i; (i = atomic_fetch_add_explicit(&l->next_index, 1, memory_order_relaxed)) < l->n;)
        l->body(l->self, i);
}

/* Takes l out of the queue, so that no further thread joins it. The lock is held. */
static void dequeue(tb_thread_pool *pool, loop *l)
{
    if (!l->queued) return;
    loop **p = &pool->loops;
    while (*p != l)
        p = &(*p)->next;
    *p = l->next;
    l->queued = false;
    assert_invariants(pool);
}

/* A thread has finished with l, which must not be touched afterwards: the caller may return at
 * once. No wake-up is lost: both counters are sequentially consistent, so either the caller sees
 * that helpers is 0, or this thread sees that the caller sleeps. */
static void stop_helping(tb_thread_pool *pool, loop *l)
{
    if (atomic_fetch_sub(&l->helpers, 1) > 1 || atomic_load(&pool->sleepers) == 0) return;
    lock(pool);
    pthread_cond_broadcast(&pool->done);
    pthread_mutex_unlock(&pool->lock);
}

/* Takes the loop out of t's mailbox; NULL when its caller has withdrawn it. */
static loop *accept_loop(thread *t)
{
    loop *l = atomic_load_explicit(&t->mailbox, memory_order_acquire);
    if (l == &mailbox_open || !atomic_compare_exchange_strong(&t->mailbox, &l, NULL)) return NULL;
    return l;
}

/* Spins with t's mailbox open and returns the loop that a caller puts there. NULL when a loop was
 * queued since `enqueued` was read, or after SPIN_NS. */
static loop *spin_for_loop(thread *t, size_t enqueued)
{
    tb_thread_pool *pool = t->pool;
    if (!may_spin(pool)) return NULL;
    atomic_store(&t->mailbox, &mailbox_open);
    const int64_t begun = tb_clock_mono_ns();
    do {
        for (int i = 0; i < SPIN_CHECKS; i++) {
            if (atomic_load_explicit(&t->mailbox, memory_order_relaxed) != &mailbox_open) {
                loop *l = accept_loop(t);
                if (l) return l;
            }
            if (atomic_load_explicit(&pool->enqueued, memory_order_relaxed) != enqueued) goto out;
            pause_core();
        }
    } while (may_spin(pool) && tb_clock_mono_ns() - begun < SPIN_NS);
out:;
    loop *l = &mailbox_open;
    while (!atomic_compare_exchange_strong(&t->mailbox, &l, NULL)) {
        l = accept_loop(t);
        if (l) return l;
        l = &mailbox_open; /* its caller has withdrawn it */
    }
    return NULL;
}

static void *worker(void *arg)
{
    thread *t = arg;
    tb_thread_pool *pool = t->pool;
    lock(pool);
    while (!pool->stop) {
        loop *l = pool->loops;
        if (l) {
            atomic_fetch_add_explicit(&l->helpers, 1, memory_order_relaxed);
            pthread_mutex_unlock(&pool->lock);
            run(l);
            lock(pool);
            dequeue(pool, l);
            pthread_mutex_unlock(&pool->lock);
            stop_helping(pool, l);
            lock(pool);
            continue;
        }
        const size_t enqueued = pool->enqueued;
        pthread_mutex_unlock(&pool->lock);
        while ((l = spin_for_loop(t, enqueued)) != NULL) {
            run(l);
            stop_helping(pool, l);
        }
        lock(pool);
        if (!pool->loops && !pool->stop) pthread_cond_wait(&pool->work, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

tb_status tb_thread_pool_new(size_t threads, tb_thread_pool **out, tb_err *err)
{
    tb_thread_pool *pool = tb_alloc(sizeof *pool);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    pool->spare_cores = cores > 0 && (size_t)cores >= threads ? (size_t)cores - threads + 1 : 0;
    const size_t count = threads ? threads : 1;
    void *lines = NULL;
    if (posix_memalign(&lines, _Alignof(thread), count * sizeof(thread))) {
        tb_thread_pool_free(pool);
        return tb_nomem(err, count, sizeof(thread));
    }
    pool->threads = memset(lines, 0, count * sizeof(thread));
    for (size_t i = 1; i < threads; i++) {
        thread *t = &pool->threads[pool->n];
        t->pool = pool;
        int e = pthread_create(&t->id, NULL, worker, t);
        if (e) {
            tb_thread_pool_free(pool);
            return tb_fail_errno(err, e, "no thread for the compute core");
        }
        pool->n++;
    }
    *out = pool;
    return TB_OK;
}

void tb_thread_pool_free(tb_thread_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->n; i++)
        pthread_join(pool->threads[i].id, NULL);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->lock);
    free(pool->threads);
    tb_free(pool);
}

size_t tb_thread_pool_threads(const tb_thread_pool *pool)
{
    return pool ? pool->n + 1 : 1;
}

/* Puts l into t's mailbox if that is open. */
static bool offer(thread *t, loop *l)
{
    loop *open = &mailbox_open;
    if (atomic_load_explicit(&t->mailbox, memory_order_relaxed) != open) return false;
    atomic_fetch_add_explicit(&l->helpers, 1, memory_order_relaxed);
    if (atomic_compare_exchange_strong(&t->mailbox, &open, l)) return true;
    atomic_fetch_sub_explicit(&l->helpers, 1, memory_order_relaxed);
    return false;
}

/* Takes l out of t's mailbox if the thread, which had no core meanwhile, has not accepted it. */
static void withdraw(thread *t, loop *l)
{
    loop *mine = l;
    if (atomic_load_explicit(&t->mailbox, memory_order_relaxed) != l) return;
    if (atomic_compare_exchange_strong(&t->mailbox, &mine, &mailbox_open))
        atomic_fetch_sub_explicit(&l->helpers, 1, memory_order_relaxed);
}

static void enqueue(tb_thread_pool *pool, loop *l, size_t missing)
{
    lock(pool);
    l->next = pool->loops;
    l->queued = true;
    pool->loops = l;
    atomic_fetch_add_explicit(&pool->enqueued, 1, memory_order_release);
    assert_invariants(pool);
    for (size_t i = 0; i < missing; i++)
        pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

static void wait_for_helpers(tb_thread_pool *pool, loop *l)
{
    if (atomic_load_explicit(&l->helpers, memory_order_acquire) == 0) return;
    const int64_t begun = tb_clock_mono_ns();
    do {
        for (int i = 0; i < SPIN_CHECKS; i++) {
            if (atomic_load_explicit(&l->helpers, memory_order_acquire) == 0) return;
            pause_core();
        }
    } while (may_spin(pool) && tb_clock_mono_ns() - begun < SPIN_NS);
    lock(pool);
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(&l->helpers) > 0)
        pthread_cond_wait(&pool->done, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    assert_invariants(pool);
    pthread_mutex_unlock(&pool->lock);
}

void tb_thread_pool_for(tb_thread_pool *pool, size_t n, tb_thread_pool_body body, void *self)
{
    if (!pool || pool->n == 0 || n < 2) {
        for (size_t i = 0; i < n; i++)
            body(self, i);
        return;
    }
    loop l = {.body = body, .self = self, .n = n};
    size_t missing = n - 1 < pool->n ? n - 1 : pool->n;
    atomic_fetch_add_explicit(&pool->callers, 1, memory_order_relaxed);
    for (size_t i = 0; i < pool->n && missing > 0; i++)
        if (offer(&pool->threads[i], &l)) missing--;
    if (missing > 0) enqueue(pool, &l, missing);
    run(&l);
    for (size_t i = 0; i < pool->n; i++)
        withdraw(&pool->threads[i], &l);
    if (missing > 0) {
        lock(pool);
        dequeue(pool, &l);
        pthread_mutex_unlock(&pool->lock);
    }
    wait_for_helpers(pool, &l);
    atomic_fetch_sub_explicit(&pool->callers, 1, memory_order_relaxed);
}
