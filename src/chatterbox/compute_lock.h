#ifndef TB_CHATTERBOX_COMPUTE_LOCK_H
#define TB_CHATTERBOX_COMPUTE_LOCK_H

#include "base/cancel.h"

#include <stdbool.h>

/*
 * Admits one long piece of work at a time to the flow and the vocoder: they use every core, so two
 * at once would be no faster and take twice the memory. A brief one may run beside it. Callers
 * enter in order of arrival time plus expected length, so the short chunks of streams overtake the
 * whole minutes of others, and nobody waits forever. Any thread.
 */
typedef struct tb_compute_lock tb_compute_lock;

tb_compute_lock *tb_compute_lock_new(void);
void tb_compute_lock_free(tb_compute_lock *lock); /* no caller inside or waiting */

/* seconds: the expected length of the work; up to TB_BRIEF_WORK_S it is brief. urgent: those inside
 * may pause for the caller (priority_priv.h), so it need not wait for them; only brief work is.
 * TB_ECANCELLED while waiting: the caller is not inside. */
#define TB_BRIEF_WORK_S 1.0
TB_MUST_CHECK tb_status tb_compute_lock_acquire(tb_compute_lock *lock, double seconds, bool urgent,
                                                const tb_cancel *cancel, tb_err *err);
void tb_compute_lock_release(tb_compute_lock *lock, double seconds); /* as in acquire */

#endif
