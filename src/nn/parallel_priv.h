#ifndef TB_NN_PARALLEL_PRIV_H
#define TB_NN_PARALLEL_PRIV_H

#include "nn/ops.h"

/*
 * piece(op, i, mine) for every i below `pieces`, by the threads of the pool; `mine` is scratch_each
 * bytes of the calling thread's own, aligned to 64. In which order, and by whom, is not to matter.
 *   work  about how many multiplications all of it is: little is not worth waking anybody
 */
void tb_parallel_for(const tb_nn *nn, size_t pieces, double work, size_t scratch_each,
                     void (*piece)(void *op, size_t i, void *mine), void *op);

static inline size_t tb_round_up(size_t a, size_t to)
{
    return (a + to - 1) / to * to;
}

#endif
