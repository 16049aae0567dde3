#include "nn/pool.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>

/*
 * One lock guards a list of loops. An index is handed out under it: pieces are made large enough by
 * the callers that this costs nothing beside them, and a thread that finds none sleeps at once.
 */
typedef struct loop {
    struct loop *next;
    tb_pool_body body;
    void *self;
    size_t n, handed, done;
    pthread_cond_t finished;
} loop;

struct tb_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    loop *loops; /* those with indices left to hand out */
    pthread_t *threads;
    size_t n; /* threads of ours: one less than the pool's, the caller is the other */
    bool stop;
};

/* Takes an index of l under the lock; unlinks l when it was the last. */
static size_t hand_out(tb_pool *pool, loop *l)
{
    size_t i = l->handed++;
    if (l->handed == l->n) {
        loop **p = &pool->loops;
        while (*p != l)
            p = &(*p)->next;
        *p = l->next;
    }
    return i;
}

/* Runs indices of l until there are none; the lock is held before and after. */
static void run(tb_pool *pool, loop *l)
{
    while (l->handed < l->n) {
        size_t i = hand_out(pool, l);
        pthread_mutex_unlock(&pool->lock);
        l->body(l->self, i);
        pthread_mutex_lock(&pool->lock);
        /* After the last index the caller may return and l is gone: nothing touches it then. */
        if (++l->done == l->n) {
            pthread_cond_signal(&l->finished);
            return;
        }
    }
}

static void *worker(void *arg)
{
    tb_pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    while (!pool->stop) {
        if (pool->loops) {
            /* One index at a time, so that l is not looked at after its caller has left. */
            loop *l = pool->loops;
            size_t i = hand_out(pool, l);
            pthread_mutex_unlock(&pool->lock);
            l->body(l->self, i);
            pthread_mutex_lock(&pool->lock);
            if (++l->done == l->n) pthread_cond_signal(&l->finished);
        } else {
            pthread_cond_wait(&pool->work, &pool->lock);
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
    loop l = {.body = body, .self = self, .n = n};
    pthread_cond_init(&l.finished, NULL);
    pthread_mutex_lock(&pool->lock);
    l.next = pool->loops;
    pool->loops = &l;
    for (size_t i = 1; i < n && i <= pool->n; i++)
        pthread_cond_signal(&pool->work);
    run(pool, &l);
    while (l.done < l.n)
        pthread_cond_wait(&l.finished, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_destroy(&l.finished);
}
