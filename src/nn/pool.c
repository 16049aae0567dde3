#include "nn/pool.h"

#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

/*
 * One lock guards a list of loops; a thread joins one under it, and the loop's indices are handed
 * out by a counter. A thread that finds none looks for a moment whether one comes, since a step of
 * T3 is a hundred short loops after each other and waking takes as long as some of them; then it
 * sleeps. It looks at an atomic, not at the lock, so it is in nobody's way, and only while each
 * thread and caller can have a core.
 */
typedef struct loop {
    struct loop *next;
    tb_pool_body body;
    void *self;
    size_t n;
    atomic_size_t handed;
    atomic_size_t helpers; /* threads at it; changed under the lock */
    bool listed;
    pthread_cond_t finished;
} loop;

enum {
    LOOK_NS = 30000,
    LOOKS = 64, /* between two glances at the clock */
    TRIES = 64, /* of the lock, which nobody holds for long, before it is slept for */
};

struct tb_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    loop *loops; /* those with indices left to hand out */
    pthread_t *threads;
    size_t n; /* threads of ours: one less than the pool's, the caller is the other */
    bool stop;
    size_t room;                   /* callers for whom there are cores beside the threads */
    atomic_size_t posted, callers; /* loops so far, loops now; changed under the lock */
};

static void pause_core(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Until *x is no longer (or, for `until`, at last) n, for a moment at most. */
static void look(const tb_pool *pool, atomic_size_t *x, size_t n, bool until)
{
    const int64_t begun = tb_clock_mono_ns();
    do {
        if (pool->room == 0 || atomic_load(&pool->callers) > pool->room) return;
        for (int i = 0; i < LOOKS; i++) {
            if ((atomic_load_explicit(x, memory_order_acquire) == n) == until) return;
            pause_core();
        }
    } while (tb_clock_mono_ns() - begun < LOOK_NS);
}

static void lock(tb_pool *pool)
{
    for (int i = 0; i < TRIES; i++) {
        if (pthread_mutex_trylock(&pool->lock) == 0) return;
        pause_core();
    }
    pthread_mutex_lock(&pool->lock);
}

static void run(loop *l)
{
    for (size_t i; (i = atomic_fetch_add_explicit(&l->handed, 1, memory_order_relaxed)) < l->n;)
        l->body(l->self, i);
}

/* Nobody joins l any more; the lock is held. */
static void unlist(tb_pool *pool, loop *l)
{
    if (!l->listed) return;
    loop **p = &pool->loops;
    while (*p != l)
        p = &(*p)->next;
    *p = l->next;
    l->listed = false;
}

static void *worker(void *arg)
{
    tb_pool *pool = arg;
    lock(pool);
    while (!pool->stop) {
        if (pool->loops) {
            loop *l = pool->loops;
            atomic_fetch_add_explicit(&l->helpers, 1, memory_order_relaxed);
            pthread_mutex_unlock(&pool->lock);
            run(l);
            lock(pool);
            unlist(pool, l);
            /* After the last has left the caller may return and l is gone: nothing touches it
             * then. The caller cannot before this lock is free. */
            if (atomic_fetch_sub_explicit(&l->helpers, 1, memory_order_release) == 1)
                pthread_cond_signal(&l->finished);
        } else {
            const size_t posted = pool->posted;
            pthread_mutex_unlock(&pool->lock);
            look(pool, &pool->posted, posted, false);
            lock(pool);
            if (!pool->loops && !pool->stop) pthread_cond_wait(&pool->work, &pool->lock);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

tb_status tb_pool_new(size_t threads, tb_pool **out, tb_err *err)
{
    tb_pool *pool = tb_alloc(sizeof *pool);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    pool->room = cores > 0 && (size_t)cores >= threads ? (size_t)cores - threads + 1 : 0;
    pool->threads = tb_alloc((threads ? threads : 1) * sizeof *pool->threads);
    for (size_t i = 1; i < threads; i++) {
        int e = pthread_create(&pool->threads[pool->n], NULL, worker, pool);
        if (e) {
            tb_pool_free(pool);
            return tb_fail_errno(err, e, "no thread for the compute core");
        }
        pool->n++;
    }
    *out = pool;
    return TB_OK;
}

void tb_pool_free(tb_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->n; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    tb_free(pool->threads);
    tb_free(pool);
}

size_t tb_pool_threads(const tb_pool *pool)
{
    return pool ? pool->n + 1 : 1;
}

void tb_pool_for(tb_pool *pool, size_t n, tb_pool_body body, void *self)
{
    if (!pool || pool->n == 0 || n < 2) {
        for (size_t i = 0; i < n; i++)
            body(self, i);
        return;
    }
    loop l = {.body = body, .self = self, .n = n, .listed = true};
    pthread_cond_init(&l.finished, NULL);
    lock(pool);
    l.next = pool->loops;
    pool->loops = &l;
    atomic_fetch_add_explicit(&pool->posted, 1, memory_order_release);
    atomic_fetch_add_explicit(&pool->callers, 1, memory_order_relaxed);
    for (size_t i = 1; i < n && i <= pool->n; i++)
        pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    run(&l);
    lock(pool);
    unlist(pool, &l);
    if (l.helpers > 0) {
        pthread_mutex_unlock(&pool->lock);
        look(pool, &l.helpers, 0, true);
        lock(pool);
    }
    while (l.helpers > 0)
        pthread_cond_wait(&l.finished, &pool->lock);
    atomic_fetch_sub_explicit(&pool->callers, 1, memory_order_relaxed);
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_destroy(&l.finished);
}
