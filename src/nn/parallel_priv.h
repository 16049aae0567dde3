#ifndef TB_NN_PARALLEL_PRIV_H
#define TB_NN_PARALLEL_PRIV_H

#include "nn/ops.h"

/*
 * Parallel-for: calls body(op, i, scratch) for every i < n on the threads of nn's pool, and returns
 * when all calls have returned. The order, and which thread makes which call, must not matter.
 * `scratch` is scratch_each bytes that belong to the calling thread, aligned to 64.
 *   work  about how many multiplications the whole loop has; below 200 000 one thread runs it,
 * since waking another would take longer
 */
void tb_parallel_for(const tb_nn *nn, size_t n, double work, size_t scratch_each,
                     void (*body)(void *op, size_t i, void *scratch), void *op);

static inline size_t tb_round_up(size_t a, size_t to)
{
    return (a + to - 1) / to * to;
}

#endif
