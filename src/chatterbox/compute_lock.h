#ifndef TB_CHATTERBOX_COMPUTE_LOCK_H
#define TB_CHATTERBOX_COMPUTE_LOCK_H

#include "base/cancel.h"

/*
 * One long piece of work at a time through the flow and the vocoder: they use every core anyway, so
 * two at once would be no faster and take twice the memory. A brief one, which takes little, may be
 * inside beside another. Next is who came first, where a long piece of work counts as if it had
 * come later by its own length: a stream's short pieces pass the whole minutes of others, and
 * nobody waits forever. Any thread.
 */
typedef struct tb_compute_lock tb_compute_lock;

tb_compute_lock *tb_compute_lock_new(void);
void tb_compute_lock_free(tb_compute_lock *gate); /* nobody inside or waiting */

/* seconds: about how long the work takes; brief is up to TB_GATE_BRIEF_S. TB_ECANCELLED while
 * waiting: not inside then. */
#define TB_GATE_BRIEF_S 1.0
TB_MUST_CHECK tb_status tb_compute_lock_acquire(tb_compute_lock *gate, double seconds,
                                                const tb_cancel *cancel, tb_err *err);
void tb_compute_lock_release(tb_compute_lock *gate, double seconds); /* as at its entry */

#endif
