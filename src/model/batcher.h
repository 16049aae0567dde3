#ifndef TB_MODEL_BATCHER_H
#define TB_MODEL_BATCHER_H

#include "base/err.h"
#include "nn/thread_pool.h"

#include <stddef.h>
#include <stdint.h>

struct tb_t3_session;

/*
 * Several utterances' steps of T3 in one pass over its weights, which is what a step costs. Whoever
 * wants a step asks here and waits; when all who are talking have asked, or the first has waited
 * for two milliseconds, one of them makes the step for all. They join and leave between steps. A
 * session's numbers do not depend on who else was there. One object per model, any thread.
 */
typedef struct tb_batcher tb_batcher;

tb_batcher *tb_batcher_new(tb_thread_pool *pool); /* borrowed */
void tb_batcher_free(tb_batcher *batcher);        /* nobody may be talking */

void tb_batcher_join(tb_batcher *batcher);
void tb_batcher_leave(tb_batcher *batcher);

/* One token of one session of a caller who has joined; it has room for it. logits (vocab). */
void tb_batcher_step(tb_batcher *batcher, struct tb_t3_session *session, int32_t token,
                     float *logits);

/* Steps made and tokens spoken in them, ever: tokens / steps is how much company there was. */
void tb_batcher_counts(tb_batcher *batcher, uint64_t *steps, uint64_t *tokens);

#endif
