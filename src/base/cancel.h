#ifndef TB_BASE_CANCEL_H
#define TB_BASE_CANCEL_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* The flag that tells a job to stop. Set by any thread, looked at by the worker at least every
 * 50 ms of work. A NULL cancel is never set. */
typedef struct {
    _Atomic bool set;
} tb_cancel;

static inline void tb_cancel_set(tb_cancel *cancel)
{
    atomic_store_explicit(&cancel->set, true, memory_order_release);
}

static inline bool tb_cancelled(const tb_cancel *cancel)
{
    return cancel && atomic_load_explicit(&cancel->set, memory_order_acquire);
}

static inline tb_status tb_fail_cancelled(tb_err *err)
{
    return tb_fail(err, TB_ECANCELLED, "the job was cancelled");
}

#endif
