#include "nn/roofline.h"

#include "base/clock.h"
#include "base/mem.h"
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
    MOST = 256, /* threads of a pool */
    PARTS = 8,
    WORDS = TB_BANDWIDTH_BYTES / 8,
    AHEAD = 512, /* words */
};

struct tb_bandwidth {
    tb_thread_pool *pool;
    uint64_t *memory; /* PARTS times what a look reads */
    size_t part;      /* the next one's */
    size_t pieces;
    const uint64_t *data;
    uint64_t sum[MOST]; /* so that the reading is not for nothing */
};

static void read_piece(void *self, size_t i)
{
    tb_bandwidth *r = self;
    const size_t n = WORDS / r->pieces;
    const uint64_t *p = r->data + n * i;
    uint64_t a = 0, b = 0, c = 0, d = 0;

    /* Asked for ahead: by itself not every machine looks far enough for its memory's delay. */
    for (size_t k = 0; k + 32 <= n; k += 32) {
        for (size_t j = 0; j < 32; j += 8)
            __builtin_prefetch(p + k + j + AHEAD);
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
    return n < MOST ? n : MOST;
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

/* Before a part's turn comes again all others have pushed it out of the caches. */
double tb_bandwidth_sample(tb_bandwidth *r)
{
    const int64_t begun = tb_clock_mono_ns();
    r->data = r->memory + r->part * WORDS;
    r->part = (r->part + 1) % PARTS;
    tb_thread_pool_for(r->pool, r->pieces, read_piece, r);
    return (double)(tb_clock_mono_ns() - begun) * 1e-9;
}

/* A part at a time, of each its best: short quiet moments are enough, and one lucky part does not
 * make a machine. */
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

/* ---- multiplication ---- */

typedef struct {
    tb_dtype type;
    double rate[MOST]; /* of each thread, the best */
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
