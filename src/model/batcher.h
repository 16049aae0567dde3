#ifndef TB_MODEL_BATCHER_H
#define TB_MODEL_BATCHER_H

#include "base/err.h"
#include "nn/thread_pool.h"

#include <stddef.h>
#include <stdint.h>

struct tb_t3_session;

/*
 * The decode batcher: continuous batching for T3. A decode step costs one pass over the weights,
 * however many sessions take part. Sessions submit a step and wait; when all joined sessions have
 * submitted, or one has waited for two milliseconds, one of the waiting threads runs the batch for
 * all. Sessions join and leave between steps. A session's logits do not depend on the batch. One
 * object per model, any thread.
 */
typedef struct tb_batcher tb_batcher;

tb_batcher *tb_batcher_new(tb_thread_pool *pool); /* borrowed */
void tb_batcher_free(tb_batcher *batcher);        /* no session may be joined */

void tb_batcher_join(tb_batcher *batcher);
void tb_batcher_leave(tb_batcher *batcher);

/* One decode step of one session, whose caller has joined and reserved a position. logits (vocab).
 */
void tb_batcher_step(tb_batcher *batcher, struct tb_t3_session *session, int32_t token,
                     float *logits);

/* Steps run and tokens computed in them so far: tokens / steps is the mean batch size. */
void tb_batcher_counts(tb_batcher *batcher, uint64_t *steps, uint64_t *tokens);

#endif
