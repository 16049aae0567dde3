/*
 * The scratch arena: a stack over a list of chunks, each twice as large as the one before. Chunks
 * never move when the stack grows, so pointers into them stay valid until their mark is released.
 */
#include "nn/scratch.h"

#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNKS = 48, FIRST = 4 << 20, ALIGN = 64 };

struct tb_scratch {
    char *chunk[CHUNKS];
    size_t size[CHUNKS], start[CHUNKS]; /* start: the mark of the chunk's first byte */
    size_t n, top;                      /* chunks in use, current mark */
};

tb_scratch *tb_scratch_new(void)
{
    return tb_alloc(sizeof(tb_scratch));
}

void tb_scratch_free(tb_scratch *s)
{
    if (!s) return;
    s->top = 0;
    tb_scratch_trim(s);
    tb_free(s);
}

/* The chunk that contains mark. */
static size_t chunk_of(const tb_scratch *s, size_t mark)
{
    size_t i = s->n;
    while (i > 1 && mark < s->start[i - 1])
        i--;
    return i - 1;
}

static void *take(tb_scratch *s, size_t bytes)
{
    assert(bytes < (size_t)1 << 46);
    bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    size_t i = s->n ? chunk_of(s, s->top) : 0;
    /* From the chunk of the top, or the next one that is large enough. What is skipped does not
     * matter: a mark is a position, not an amount. */
    while (i < s->n &&
           (s->top > s->start[i] ? s->top : s->start[i]) + bytes > s->start[i] + s->size[i])
        i++;
    if (i == s->n) {
        size_t size = FIRST;
        if (s->n) size = s->size[s->n - 1] * 2;
        if (size < bytes) size = bytes;
        void *p = NULL;
        if (s->n == CHUNKS || posix_memalign(&p, ALIGN, size)) {
            fprintf(stderr, "timbre: out of memory for %zu bytes of a network's work\n", size);
            abort();
        }
        s->chunk[s->n] = p;
        s->size[s->n] = size;
        s->start[s->n] = s->n ? s->start[s->n - 1] + s->size[s->n - 1] : 0;
        s->n++;
    }
    if (s->top < s->start[i]) s->top = s->start[i];
    void *p = s->chunk[i] + (s->top - s->start[i]);
    s->top += bytes;
    return p;
}

float *tb_scratch_f32(tb_scratch *s, size_t n)
{
    assert(n < SIZE_MAX / sizeof(float));
    return take(s, n * sizeof(float));
}

void *tb_scratch_bytes(tb_scratch *s, size_t n)
{
    return take(s, n);
}

size_t tb_scratch_mark(const tb_scratch *s)
{
    return s->top;
}

void tb_scratch_release(tb_scratch *s, size_t mark)
{
    assert(mark <= s->top);
    s->top = mark;
}

void tb_scratch_trim(tb_scratch *s)
{
    while (s->n && s->start[s->n - 1] >= s->top) {
        s->n--;
        free(s->chunk[s->n]);
    }
}
