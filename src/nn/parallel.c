#include "nn/parallel_priv.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

enum { SHARE = 8 }; /* of what is left, taken at a time */

/*
 * Every worker, a thread's turn at an operation, has its own part of the caller's scratch and its
 * own range of the pieces, which it goes through in order: what it reads next it has already asked
 * memory for. When it is through it takes half of what another has left, for the same reason.
 */
typedef struct {
    _Alignas(64) _Atomic uint64_t pieces; /* the next, and above it the end */
} range;

typedef struct {
    range *ranges;
    size_t workers;
    void (*piece)(void *op, size_t i, void *mine);
    void *op;
    char *scratch;
    size_t scratch_each;
} parallel_job;

/* The next few pieces of r, *n from *i on: a share of them, since taking holds the core up until
 * all that it has asked memory for is there. */
static bool take_front(range *r, size_t *i, size_t *n)
{
    uint64_t was = atomic_load_explicit(&r->pieces, memory_order_relaxed);
    do {
        const size_t end = was >> 32;
        *i = was & UINT32_MAX;
        if (*i >= end) return false;
        *n = (end - *i + SHARE - 1) / SHARE;
    } while (!atomic_compare_exchange_weak_explicit(&r->pieces, &was, was + *n,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

/* The latter half of what is left of r becomes mine, which is empty. */
static bool steal_half(range *r, range *mine)
{
    uint64_t was = atomic_load_explicit(&r->pieces, memory_order_relaxed), end, half;
    do {
        end = was >> 32;
        if ((was & UINT32_MAX) >= end) return false;
        half = (end - (was & UINT32_MAX) + 1) / 2;
    } while (!atomic_compare_exchange_weak_explicit(&r->pieces, &was, was - (half << 32),
                                                    memory_order_relaxed, memory_order_relaxed));
    atomic_store_explicit(&mine->pieces, end << 32 | (end - half), memory_order_relaxed);
    return true;
}

static void run_worker(void *self, size_t worker)
{
    parallel_job *t = self;
    range *own = &t->ranges[worker];
    char *mine = t->scratch + worker * t->scratch_each;
    size_t i, n;
    for (size_t s = 0; s < t->workers; s++) /* own first */
        do {
            while (take_front(own, &i, &n))
                for (; n > 0; i++, n--)
                    t->piece(t->op, i, mine);
        } while (s > 0 && steal_half(&t->ranges[(worker + s) % t->workers], own));
}

void tb_parallel_for(const tb_nn *nn, size_t pieces, double work, size_t scratch_each,
                     void (*piece)(void *, size_t, void *), void *op)
{
    size_t workers = work < 2e5 ? 1 : tb_thread_pool_threads(nn->pool);
    if (workers > pieces) workers = pieces;
    if (workers == 0) return;
    assert(pieces <= UINT32_MAX);
    size_t mark = tb_scratch_mark(nn->scratch);
    scratch_each = (scratch_each + 63) / 64 * 64;
    parallel_job t = {.workers = workers, .piece = piece, .op = op, .scratch_each = scratch_each};
    t.ranges = tb_scratch_bytes(nn->scratch, workers * sizeof *t.ranges);
    for (size_t s = 0; s < workers; s++)
        atomic_init(&t.ranges[s].pieces,
                    (uint64_t)(pieces * (s + 1) / workers) << 32 | pieces * s / workers);
    t.scratch = tb_scratch_bytes(nn->scratch, workers * scratch_each);
    tb_thread_pool_for(nn->pool, workers, run_worker, &t);
    tb_scratch_release(nn->scratch, mark);
}
