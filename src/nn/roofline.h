#ifndef TB_NN_ROOFLINE_H
#define TB_NN_ROOFLINE_H

#include "nn/thread_pool.h"
#include "tensor/tensor.h"

#include <stdbool.h>
#include <stdint.h>

/* What this machine can, and how long things take on it: for benches. */

/*
 * The best of many runs of one thing:
 *
 *     tb_timing t = {0};
 *     while (tb_timing_again(&t, 7, 1))
 *         work();
 *
 * On a busy machine the best is what the code can do; the rest is the others' doing.
 */
typedef struct {
    double best_s;     /* of the clock */
    double best_cpu_s; /* of all threads of the process, what they computed */
    size_t runs;       /* made so far */
    int64_t begun, started, cpu;
} tb_timing;

/* True: run it once more. At least `least` runs, and more until enough_s have passed. */
bool tb_timing_again(tb_timing *t, size_t least, double enough_s);

double tb_timing_cpu_s(void); /* computed by the process so far */

/* Bytes a second that the pool's threads read from memory. */
double tb_roofline_bandwidth(tb_thread_pool *pool);
/* The same by single looks of about a millisecond, to be had between the runs of something that
 * memory is the limit of: what memory gives can change from second to second. */
typedef struct tb_bandwidth tb_bandwidth;
enum { TB_BANDWIDTH_BYTES = 64 << 20 }; /* of a look */
tb_bandwidth *tb_bandwidth_new(tb_thread_pool *pool);
void tb_bandwidth_free(tb_bandwidth *r);
double tb_bandwidth_sample(tb_bandwidth *r); /* seconds */

/* Multiplications and additions a second of all threads of the pool, each at its best, from
 * register to register (tb_nn_peak). 0: the CPU has no instruction for the type. */
double tb_roofline_compute(tb_thread_pool *pool, tb_dtype type);

#endif
