#ifndef TB_NN_THREAD_POOL_H
#define TB_NN_THREAD_POOL_H

#include "base/err.h"

#include <stddef.h>

/*
 * A thread pool. Idle threads spin for some microseconds, if each can have a core of its own, and
 * then sleep. Several callers may use one pool at once. A caller works on its own loop too, so a
 * pool of n threads creates n - 1.
 */
typedef struct tb_thread_pool tb_thread_pool;

TB_MUST_CHECK tb_status tb_thread_pool_new(size_t threads, tb_thread_pool **out,
                                           tb_err *err); /* >= 1 */
void tb_thread_pool_free(tb_thread_pool *pool);
size_t tb_thread_pool_threads(const tb_thread_pool *pool); /* 1 for NULL */

/* Calls body(self, i) for every i < n, in any order, on any threads, and returns when all calls
 * have returned. body must not call this on the same pool. */
typedef void (*tb_thread_pool_body)(void *self, size_t i);
void tb_thread_pool_for(tb_thread_pool *pool, size_t n, tb_thread_pool_body body, void *self);

#endif
