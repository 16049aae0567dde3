/*
 * Roofline measurements for the benchmarks: the machine's memory bandwidth and arithmetic rate, and
 * a best-of timer. A benchmark divides the least possible time of a stage, from these two limits,
 * by the time it took.
 *
 * Bandwidth: all threads read 64 MB areas in turn, 512 MB in all, so that no area is still in a
 * cache when it is read again; the best time of each area counts. Arithmetic: tb_nn_peak per
 * thread. Relies on the thread pool and on base/clock.h.
 */
#include "nn/roofline.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "nn/ops.h"

#include <string.h>
#include <time.h>

enum { LEAST_RUNS = 7 };
static const double ENOUGH_S = 1;

/* ---- timing ---- */

static int64_t process_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

double tb_timing_cpu_s(void)
{
    return (double)process_ns() * 1e-9;
}

bool tb_timing_again(tb_timing *t, size_t least, double enough_s)
{
    const int64_t now = tb_clock_mono_ns();
    const double took = (double)(now - t->started) * 1e-9;
    const double cpu = (double)(process_ns() - t->cpu) * 1e-9;

    if (t->begun == 0) {
        t->begun = now;
    } else {
        if (t->runs == 0 || took < t->best_s) t->best_s = took;
        if (t->runs == 0 || cpu < t->best_cpu_s) t->best_cpu_s = cpu;
        t->runs++;
    }
    if (t->runs >= least && (double)(now - t->begun) * 1e-9 >= enough_s) return false;
    t->cpu = process_ns();
    t->started = tb_clock_mono_ns();
    return true;
}

/* ---- memory ---- */

enum {
    PARTS = 8, /* areas that are read in turn */
    WORDS = TB_BANDWIDTH_BYTES / 8,
    PREFETCH_WORDS = 512,
};

struct tb_bandwidth {
    tb_thread_pool *pool;
    uint64_t *memory; /* PARTS areas of TB_BANDWIDTH_BYTES */
    size_t part;      /* the area of the next sample */
    size_t pieces;
    const uint64_t *data;
    uint64_t sum[TB_THREADS_MAX]; /* so that the compiler keeps the loads */
};

static void read_piece(void *self, size_t i)
{
    tb_bandwidth *r = self;
    const size_t n = WORDS / r->pieces;
    const uint64_t *p = r->data + n * i;
    uint64_t a = 0, b = 0, c = 0, d = 0;

    /* Explicit prefetch: not every machine's hardware prefetcher covers the memory's latency. */
    for (size_t k = 0; k + 32 <= n; k += 32) {
        for (size_t j = 0; j < 32; j += 8)
            __builtin_prefetch(p + k + j + PREFETCH_WORDS);
        for (size_t j = 0; j < 32; j += 4) {
            a += p[k + j];
            b += p[k + j + 1];
            c += p[k + j + 2];
            d += p[k + j + 3];
        }
    }
    r->sum[i] = a + b + c + d;
}

static size_t threads_of(const tb_thread_pool *pool)
{
    const size_t n = tb_thread_pool_threads(pool);
    return n < TB_THREADS_MAX ? n : TB_THREADS_MAX;
}

tb_bandwidth *tb_bandwidth_new(tb_thread_pool *pool)
{
    tb_bandwidth *r = tb_alloc(sizeof *r);
    r->pool = pool;
    r->pieces = threads_of(pool);
    r->memory = tb_alloc((size_t)PARTS * TB_BANDWIDTH_BYTES);
    memset(r->memory, 1, (size_t)PARTS * TB_BANDWIDTH_BYTES);
    return r;
}

void tb_bandwidth_free(tb_bandwidth *r)
{
    if (!r) return;
    tb_free(r->memory);
    tb_free(r);
}

/* By the time an area is read again, the others have evicted it from the caches. */
double tb_bandwidth_sample(tb_bandwidth *r)
{
    const int64_t begun = tb_clock_mono_ns();
    r->data = r->memory + r->part * WORDS;
    r->part = (r->part + 1) % PARTS;
    tb_thread_pool_for(r->pool, r->pieces, read_piece, r);
    return (double)(tb_clock_mono_ns() - begun) * 1e-9;
}

/* The best time of each area, added up: short quiet moments are enough for each, and one lucky
 * sample does not decide the result. */
double tb_roofline_bandwidth(tb_thread_pool *pool)
{
    tb_bandwidth *r = tb_bandwidth_new(pool);
    tb_timing all = {0};
    double best[PARTS] = {0}, sum = 0;

    while (tb_timing_again(&all, LEAST_RUNS, ENOUGH_S))
        for (size_t i = 0; i < PARTS; i++) {
            const double took = tb_bandwidth_sample(r);
            if (!(best[i] > 0) || took < best[i]) best[i] = took;
        }
    for (size_t i = 0; i < PARTS; i++)
        sum += best[i];
    tb_bandwidth_free(r);
    return PARTS * (double)TB_BANDWIDTH_BYTES / sum;
}

/* ---- arithmetic ---- */

typedef struct {
    tb_dtype type;
    double rate[TB_THREADS_MAX]; /* the best of each thread */
} multiplying;

enum { PEAK_TIMES = 100000 };

static void multiply_piece(void *self, size_t i)
{
    multiplying *m = self;
    const int64_t begun = tb_clock_mono_ns();
    const double done = tb_nn_peak(m->type, PEAK_TIMES);
    const double rate = done / ((double)(tb_clock_mono_ns() - begun) * 1e-9);

    if (rate > m->rate[i]) m->rate[i] = rate;
}

double tb_roofline_compute(tb_thread_pool *pool, tb_dtype type)
{
    multiplying m = {.type = type};
    tb_timing t = {0};
    double sum = 0;

    while (tb_timing_again(&t, LEAST_RUNS, ENOUGH_S))
        tb_thread_pool_for(pool, threads_of(pool), multiply_piece, &m);
    for (size_t i = 0; i < threads_of(pool); i++)
        sum += m.rate[i];
    return sum;
}
