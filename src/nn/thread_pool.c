#include "nn/thread_pool.h"

#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A step of T3 is a hundred and fifty short loops after each other, and waking a thread takes as
 * long as some of them. So a thread without work looks for a moment whether one comes, only while
 * each thread and caller can have a core: its mailbox is open meanwhile, and a caller puts its loop
 * there, which costs either of them one line of memory. Loops that found too few open boxes are in
 * a list, which the lock guards, and threads that looked in vain sleep until one is. The loop's
 * indices are next_index out by a counter, so that it does not matter who comes, or when.
 */
typedef struct loop {
    struct loop *next;
    tb_thread_pool_body body;
    void *self;
    size_t n;
    atomic_size_t next_index;
    atomic_size_t helpers; /* threads at it, or whose boxes it is in; while > 0 it stays */
    bool queued;           /* changed under the lock */
} loop;

enum {
    SPIN_NS = 30000,
    SPIN_CHECKS = 64, /* between two glances at the clock */
    LOCK_SPINS = 64,  /* of the lock, which nobody holds for long, before it is slept for */
};

typedef struct {
    _Alignas(64) _Atomic(loop *) mailbox; /* &mailbox_open: put one here; NULL: closed */
    tb_thread_pool *pool;
    pthread_t id;
} thread;

static loop mailbox_open;

struct tb_thread_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    loop *loops; /* those with indices left to hand out */
    thread *threads;
    size_t n; /* threads of ours: one less than the pool's, the caller is the other */
    bool stop;
    size_t spare_cores;              /* callers for whom there are cores beside the threads */
    atomic_size_t enqueued;          /* loops queued so far; changed under the lock */
    atomic_size_t callers, sleepers; /* now at a loop; of them, waiting for `done` */
};

static void pause_core(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Whether a thread may keep a core busy with looking. */
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

/* Nobody joins l any more; the lock is held. */
static void dequeue(tb_thread_pool *pool, loop *l)
{
    if (!l->queued) return;
    loop **p = &pool->loops;
    while (*p != l)
        p = &(*p)->next;
    *p = l->next;
    l->queued = false;
}

/* The caller may return as soon as this is done, and l is gone then. Either it sees that nobody is
 * left, or this that it sleeps: both orders are of one sequence. */
static void stop_helping(tb_thread_pool *pool, loop *l)
{
    if (atomic_fetch_sub(&l->helpers, 1) > 1 || atomic_load(&pool->sleepers) == 0) return;
    lock(pool);
    pthread_cond_broadcast(&pool->done);
    pthread_mutex_unlock(&pool->lock);
}

/* What is in t's mailbox, if it can still be had. */
static loop *accept_loop(thread *t)
{
    loop *l = atomic_load_explicit(&t->mailbox, memory_order_acquire);
    if (l == &mailbox_open || !atomic_compare_exchange_strong(&t->mailbox, &l, NULL)) return NULL;
    return l;
}

/* Keeps t's mailbox open until there is a loop in it, which is returned, or one is queued that was
 * not when `enqueued` was, or a moment has passed. */
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
        l = &mailbox_open; /* its caller took it back */
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

/* Into t's mailbox, if it is open. */
static bool offer(thread *t, loop *l)
{
    loop *open = &mailbox_open;
    if (atomic_load_explicit(&t->mailbox, memory_order_relaxed) != open) return false;
    atomic_fetch_add_explicit(&l->helpers, 1, memory_order_relaxed);
    if (atomic_compare_exchange_strong(&t->mailbox, &open, l)) return true;
    atomic_fetch_sub_explicit(&l->helpers, 1, memory_order_relaxed);
    return false;
}

/* Out of t's mailbox, if it is still there: the thread has had no core. */
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
