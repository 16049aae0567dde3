#include "base/mem.h"

#include "base/clock.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *tb_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
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

void tb_free(void *p)
{
    free(p);
}

tb_status tb_nomem(tb_err *err, size_t count, size_t size)
{
    return tb_fail(err, TB_ENOMEM, "not enough memory for %zu items of %zu bytes", count, size);
}

/* Left to itself glibc raises the size from which it maps blocks with each one that is freed, up to
 * 32 MB; bodies and recordings would then share an arena with everything else. */
void tb_mem_setup(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 2 << 20);
#endif
}

static atomic_bool large;

void tb_mem_note_large(void)
{
    atomic_store(&large, true);
}

void tb_mem_give_back(void)
{
#ifdef __GLIBC__
    static int64_t last_ns; /* one thread calls this */
    int64_t now = tb_clock_mono_ns();
    if (!atomic_exchange(&large, false) && now - last_ns < (int64_t)60 * 1000000000) return;
    last_ns = now;
    malloc_trim(0);
#endif
}
