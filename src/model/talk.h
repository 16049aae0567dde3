#ifndef TB_MODEL_TALK_H
#define TB_MODEL_TALK_H

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
typedef struct tb_talk tb_talk;

tb_talk *tb_talk_new(tb_thread_pool *pool); /* borrowed */
void tb_talk_free(tb_talk *talk);           /* nobody may be talking */

void tb_talk_join(tb_talk *talk);
void tb_talk_leave(tb_talk *talk);

/* One token of one session of a caller who has joined; it has room for it. logits (vocab). */
void tb_talk_step(tb_talk *talk, struct tb_t3_session *session, int32_t token, float *logits);

/* Steps made and tokens spoken in them, ever: tokens / steps is how much company there was. */
void tb_talk_counts(tb_talk *talk, uint64_t *steps, uint64_t *tokens);

#endif
