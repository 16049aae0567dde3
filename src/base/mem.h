#ifndef TB_BASE_MEM_H
#define TB_BASE_MEM_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Small, bounded things: zeroed memory, never NULL. When there is none it comes out of a reserve,
 * and new requests are refused until the reserve is whole again; the program stops with a message
 * only behind that. */
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

/* A copy of a text that a request or a file chose. NULL when it cannot be had, and err says so;
 * s is not NULL. */
char *tb_try_strdup(const char *s, tb_err *err);

void tb_free(void *p);

/* The error that goes with a tb_try_alloc that failed. */
tb_status tb_nomem(tb_err *err, size_t count, size_t size);

/* Once, before any thread: lays up the reserve; large blocks come from the system one by one and go
 * back to it when they are freed, instead of staying with the process because a small one lies
 * behind them; threads get stacks of 2 MiB. */
void tb_mem_setup(void);

/* Could so many bytes be had now, and is the reserve whole? Asked before work that a request wants
 * and before libraries that do not look whether they got what they asked for. */
bool tb_mem_room(size_t bytes);
/* TB_ENOMEM when there is no room. */
TB_MUST_CHECK tb_status tb_mem_want(size_t bytes, tb_err *err);

/* What this process may still take by the limits that it was given (address space, the control
 * group's memory, the machine's). */
size_t tb_mem_allowance(void);

/* Something large was worked on and is freed. */
void tb_mem_note_large(void);
/* Gives what is free back to the system when something large was noted, and once a minute, and lays
 * up the reserve again if it was used. It takes milliseconds: for one thread that nobody waits for.
 */
void tb_mem_give_back(void);

#endif
