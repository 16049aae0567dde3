/*
 * parallel-for with work stealing.
 *
 * The iterations are divided into as many contiguous ranges as the pool has threads. Each worker
 * goes through its own range in order, an eighth of what is left at a time, so that memory it has
 * prefetched is what it uses next. A worker whose range is empty steals the latter half of another
 * one's, again a contiguous range. A range is one 64-bit word (end in the upper half, next in the
 * lower) that is only changed by compare-and-swap.
 *
 * Relies on the thread pool (one pool loop of as many iterations as workers) and on the caller's
 * scratch for the ranges and for each worker's own temporaries.
 *
 * Invariants: no iteration is in two ranges, so all ranges together never hold more than n (a
 * stolen half is in none for a moment). Before the workers start they hold all n, one behind the
 * other; when the workers have ended they are empty (assert_ranges, at these two times only:
 * between them the ranges change without a lock).
 */
#include "nn/parallel_priv.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

enum { TAKE_SHARE = 8 }; /* a worker takes 1/8 of what is left of its range at a time */

/* next <= end, except that next may be read while another worker lowers end; a thief lowers end of
 * the victim's range, only the owner raises next or stores a new range. */
typedef struct {
    _Alignas(64) _Atomic uint64_t bounds; /* end << 32 | next */
} range;

typedef struct {
    range *ranges; /* (workers) */
    size_t workers;
    void (*body)(void *op, size_t i, void *scratch);
    void *op;
    char *scratch; /* (workers, scratch_each) */
    size_t scratch_each;
} parallel_job;

/* No worker runs: each range begins where the one before it ends, and the last ends at n; or all
 * are empty. Free in release builds. */
static void assert_ranges(const parallel_job *job, size_t n, bool done)
{
#ifndef NDEBUG
    size_t left = 0, at = 0;
    for (size_t s = 0; s < job->workers; s++) {
        const uint64_t bounds = atomic_load_explicit(&job->ranges[s].bounds, memory_order_relaxed);
        const size_t next = bounds & UINT32_MAX, end = bounds >> 32;
        assert(next <= end && end <= n && (done || next == at));
        left += end - next;
        at = end;
    }
    assert(left == (done ? 0 : n));
#endif
    (void)job, (void)n, (void)done;
}

/* Takes the next n iterations of the worker's own range, from i on. More than one at a time because
 * an atomic read-modify-write waits for all outstanding loads of the core. */
static bool take_front(range *own, size_t *i, size_t *n)
{
    uint64_t was = atomic_load_explicit(&own->bounds, memory_order_relaxed);
    do {
        const size_t end = was >> 32;
        *i = was & UINT32_MAX;
        if (*i >= end) return false;
        *n = (end - *i + TAKE_SHARE - 1) / TAKE_SHARE;
    } while (!atomic_compare_exchange_weak_explicit(&own->bounds, &was, was + *n,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

/* Moves the latter half of what is left of the victim's range to the thief's, which is empty. */
static bool steal_half(range *victim, range *thief)
{
    uint64_t was = atomic_load_explicit(&victim->bounds, memory_order_relaxed), end, half;
    do {
        end = was >> 32;
        if ((was & UINT32_MAX) >= end) return false;
        half = (end - (was & UINT32_MAX) + 1) / 2;
    } while (!atomic_compare_exchange_weak_explicit(&victim->bounds, &was, was - (half << 32),
                                                    memory_order_relaxed, memory_order_relaxed));
    atomic_store_explicit(&thief->bounds, end << 32 | (end - half), memory_order_relaxed);
    return true;
}

static void run_worker(void *self, size_t worker)
{
    parallel_job *job = self;
    range *own = &job->ranges[worker];
    char *scratch = job->scratch + worker * job->scratch_each;
    size_t i, n;
    for (size_t s = 0; s < job->workers; s++) /* the own range first, then the others' */
        do {
            while (take_front(own, &i, &n))
                for (; n > 0; i++, n--)
                    job->body(job->op, i, scratch);
        } while (s > 0 && steal_half(&job->ranges[(worker + s) % job->workers], own));
}

void tb_parallel_for(const tb_nn *nn, size_t n, double work, size_t scratch_each,
                     void (*body)(void *, size_t, void *), void *op)
{
    if (tb_nn_yield_due(nn)) nn->yield->wait(nn->yield->self);
    size_t workers = work < 2e5 ? 1 : tb_thread_pool_threads(nn->pool);
    if (workers > n) workers = n;
    if (workers == 0) return;
    assert(n <= UINT32_MAX);
    size_t mark = tb_scratch_mark(nn->scratch);
    scratch_each = (scratch_each + 63) / 64 * 64;
    parallel_job job = {.workers = workers, .body = body, .op = op, .scratch_each = scratch_each};
    job.ranges = tb_scratch_bytes(nn->scratch, workers * sizeof *job.ranges);
    for (size_t s = 0; s < workers; s++)
        atomic_init(&job.ranges[s].bounds,
                    (uint64_t)(n * (s + 1) / workers) << 32 | n * s / workers);
    job.scratch = tb_scratch_bytes(nn->scratch, workers * scratch_each);
    assert_ranges(&job, n, false);
    tb_thread_pool_for(nn->pool, workers, run_worker, &job);
    assert_ranges(&job, n, true);
    tb_scratch_release(nn->scratch, mark);
}
