#ifndef TB_BASE_MEM_H
#define TB_BASE_MEM_H

#include "base/err.h"

#include <stddef.h>

/* Small, bounded things: zeroed memory, never NULL (the program stops with a message instead). */
void *tb_alloc(size_t size);
char *tb_strdup(const char *s); /* NULL gives NULL */
char *tb_strndup(const char *s, size_t len);
char *tb_sprintf(const char *fmt, ...) TB_PRINTF(1, 2); /* heap string, never NULL */

/* Any size that a request or a file chose: zeroed, count * size checked for overflow, NULL when it
 * cannot be had. */
void *tb_try_alloc(size_t count, size_t size);

/* Changes the number of elements; new ones are zeroed only as far as the caller does so. NULL
 * leaves p as it was. */
void *tb_try_realloc(void *p, size_t count, size_t size);

void tb_free(void *p);

/* The error that goes with a tb_try_alloc that failed. */
tb_status tb_nomem(tb_err *err, size_t count, size_t size);

/* Once, before any thread: large blocks come from the system one by one and go back to it when they
 * are freed, instead of staying with the process because a small one lies behind them. */
void tb_mem_setup(void);
/* Something large was worked on and is freed. */
void tb_mem_note_large(void);
/* Gives what is free back to the system when something large was noted, and once a minute. It takes
 * milliseconds: for a thread that nobody waits for. */
void tb_mem_give_back(void);

#endif
