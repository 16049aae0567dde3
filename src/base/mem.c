/*
 * Allocation: tb_alloc for small bounded things (never NULL), tb_try_alloc for sizes that a request
 * or a file chose (NULL when there is none, overflow checked).
 *
 * tb_alloc falls back on a reserve that is laid up at the start; while it is used, new work is
 * refused by tb_mem_room. Large blocks come from the system one by one and go back when freed.
 * Relies on allowance.c for the limits of the process.
 */
#define _GNU_SOURCE /* pthread_setattr_default_np */

#include "base/mem.h"

#include "base/clock.h"

#ifdef __GLIBC__
#include <malloc.h>
#include <pthread.h>
#endif
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Address space that small things may still have when everybody else gets none. */
enum { RESERVE = 8 << 20 };
static void *_Atomic reserve;
static atomic_bool reserved; /* programs that never ask for one have none */

/* True when there is something to try again with. */
static bool use_reserve(void)
{
    void *held = atomic_exchange(&reserve, NULL);
    free(held);
    return held != NULL;
}

void *tb_alloc(size_t size)
{
    void *p;
    do {
        p = calloc(1, size ? size : 1);
    } while (!p && use_reserve());
    if (!p) {
        fprintf(stderr, "timbre: out of memory for %zu bytes\n", size);
        abort();
    }
    return p;
}

char *tb_strndup(const char *s, size_t len)
{
    char *copy = tb_alloc(len + 1);
    memcpy(copy, s, len);
    return copy;
}

char *tb_strdup(const char *s)
{
    return s ? tb_strndup(s, strlen(s)) : NULL;
}

char *tb_sprintf(const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *s = tb_alloc((size_t)(len < 0 ? 0 : len) + 1);
    if (len > 0) vsnprintf(s, (size_t)len + 1, fmt, again);
    va_end(again);
    return s;
}

void *tb_try_alloc(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) return NULL;
    return calloc(count ? count : 1, size ? size : 1); /* calloc checks the product as well */
}

void *tb_try_realloc(void *p, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) return NULL;
    size_t bytes = count * size;
    return realloc(p, bytes ? bytes : 1);
}

char *tb_try_strdup(const char *s, tb_err *err)
{
    const size_t size = strlen(s) + 1;
    char *copy = malloc(size);
    if (copy)
        memcpy(copy, s, size);
    else
        (void)tb_nomem(err, size, 1);
    return copy;
}

void tb_free(void *p)
{
    free(p);
}

tb_status tb_nomem(tb_err *err, size_t count, size_t size)
{
    return tb_fail(err, TB_ENOMEM, "not enough memory for %zu items of %zu bytes", count, size);
}

bool tb_mem_room(size_t bytes)
{
    if (atomic_load(&reserved) && !atomic_load(&reserve)) return false;
    void *p = malloc(bytes);
    free(p);
    return p != NULL;
}

tb_status tb_mem_want(size_t bytes, tb_err *err)
{
    if (tb_mem_room(bytes)) return TB_OK;
    return tb_fail(err, TB_ENOMEM, "the server has no memory left for this now; try again soon");
}

/* Left to itself glibc raises the size from which it maps blocks with each one that is freed, up to
 * 32 MB; bodies and recordings would then share an arena with everything else. */
void tb_mem_setup(void)
{
#ifdef __GLIBC__
    pthread_attr_t threads;
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 2 << 20);
    mallopt(M_ARENA_MAX, 4); /* each takes 64 MB of address space, and keeps what was freed in it */
    if (pthread_attr_init(&threads) == 0) {
        if (pthread_attr_setstacksize(&threads, 2 << 20) == 0)
            (void)pthread_setattr_default_np(&threads);
        pthread_attr_destroy(&threads);
    }
#endif
    atomic_store(&reserve, malloc(RESERVE));
    atomic_store(&reserved, true);
}

static atomic_bool large;

void tb_mem_note_large(void)
{
    atomic_store(&large, true);
}

void tb_mem_give_back(void)
{
    if (atomic_load(&reserved) && !atomic_load(&reserve)) {
        void *again = malloc(RESERVE), *none = NULL;
        if (!atomic_compare_exchange_strong(&reserve, &none, again)) free(again);
    }
#ifdef __GLIBC__
    static int64_t last_ns; /* one thread calls this */
    int64_t now = tb_clock_mono_ns();
    if (!atomic_exchange(&large, false) && now - last_ns < (int64_t)60 * 1000000000) return;
    last_ns = now;
    malloc_trim(0);
#endif
}
