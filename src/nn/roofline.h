#ifndef TB_NN_ROOFLINE_H
#define TB_NN_ROOFLINE_H

#include "nn/thread_pool.h"
#include "tensor/tensor.h"

#include <stdbool.h>
#include <stdint.h>

/* The machine's limits (memory bandwidth, arithmetic rate) and a timer: for benchmarks. */

/*
 * Times repeated runs of one piece of work and keeps the best:
 *
 *     tb_timing t = {0};
 *     while (tb_timing_again(&t, 7, 1))
 *         work();
 *
 * On a busy machine the best run shows what the code can do; other processes slow the rest down.
 */
typedef struct {
    double best_s;     /* wall-clock time */
    double best_cpu_s; /* CPU time of all threads of the process */
    size_t runs;       /* completed so far */
    int64_t begun, started, cpu;
} tb_timing;

/* True: run the work once more. At least `least` runs, and more until enough_s have passed. */
bool tb_timing_again(tb_timing *t, size_t least, double enough_s);

double tb_timing_cpu_s(void); /* CPU time of the process so far */

/* Memory bandwidth: bytes per second that the pool's threads read, over about a second. */
double tb_roofline_bandwidth(tb_thread_pool *pool);
/* The same as single samples of about a millisecond, to be taken between the runs of memory-bound
 * work: the bandwidth of a shared machine changes from second to second. */
typedef struct tb_bandwidth tb_bandwidth;
enum { TB_BANDWIDTH_BYTES = 64 << 20 }; /* read per sample */
tb_bandwidth *tb_bandwidth_new(tb_thread_pool *pool);
void tb_bandwidth_free(tb_bandwidth *r);
double tb_bandwidth_sample(tb_bandwidth *r); /* seconds */

/* Arithmetic rate: multiplications and additions per second of all threads of the pool, each at its
 * best, with all operands in registers (tb_nn_peak). 0: the CPU has no instruction for the type. */
double tb_roofline_compute(tb_thread_pool *pool, tb_dtype type);

#endif
