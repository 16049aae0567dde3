/*
 * The KV cache of one sequence. Per layer one block: keys (heads, capacity, d), then values, so
 * that a decode step reads each head's positions in address order. It grows by a quarter at least,
 * in pages of 64 positions; growing copies each head's rows. A cache may stand behind a shared,
 * read-only prefix.
 *
 * Invariants (assert_invariants): n <= cap; every layer's capacity >= cap; a prefix has no prefix
 * of its own, and the same type, layers, heads and d. One thread at a time changes a cache.
 */
#include "model/kv_cache.h"

#include "base/mem.h"
#include "nn/ops.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { LINE = 64 }; /* bytes */

void tb_kv_cache_init(tb_kv_cache *kv, tb_dtype type, size_t layers, size_t heads, size_t d)
{
    assert(type == TB_F32 || type == TB_F16);
    *kv = (tb_kv_cache){.type = type, .layers = layers, .heads = heads, .d = d};
    kv->blocks = tb_alloc(layers * sizeof *kv->blocks);
}

void tb_kv_cache_clear(tb_kv_cache *kv)
{
    if (!kv) return;
    for (size_t i = 0; kv->blocks && i < kv->layers; i++)
        tb_free(kv->blocks[i].block);
    tb_free(kv->blocks);
    *kv = (tb_kv_cache){0};
}

/* Free in release builds. */
static void assert_invariants(const tb_kv_cache *kv)
{
#ifndef NDEBUG
    assert(kv->n <= kv->cap);
    for (size_t i = 0; i < kv->layers; i++)
        assert(kv->blocks[i].capacity >= kv->cap);
    const tb_kv_cache *p = kv->prefix;
    assert(!p || (!p->prefix && p->type == kv->type && p->layers == kv->layers &&
                  p->heads == kv->heads && p->d == kv->d));
#endif
    (void)kv;
}

static size_t row_bytes(const tb_kv_cache *kv)
{
    return tb_row_bytes(kv->type, kv->d);
}

/* Row `at` of a head's keys (side 0) or values (side 1). */
static unsigned char *row_of(const tb_kv_cache *kv, const tb_kv_cache_layer *l, size_t side,
                             size_t head, size_t at)
{
    return l->data + ((side * kv->heads + head) * l->capacity + at) * row_bytes(kv);
}

static tb_status grow(tb_kv_cache *kv, tb_kv_cache_layer *l, size_t capacity, tb_err *err)
{
    const size_t size = 2 * kv->heads * row_bytes(kv); /* of a position */
    const size_t spare = 1 + LINE / size;
    tb_kv_cache_layer more = {.block = tb_try_alloc(capacity + spare, size), .capacity = capacity};
    if (!more.block) return tb_nomem(err, capacity, size);
    more.data = (unsigned char *)(((uintptr_t)more.block + LINE - 1) / LINE * LINE);
    for (size_t side = 0; side < 2 && kv->n; side++)
        for (size_t h = 0; h < kv->heads; h++)
            memcpy(row_of(kv, &more, side, h, 0), row_of(kv, l, side, h, 0), kv->n * row_bytes(kv));
    tb_free(l->block);
    *l = more;
    return TB_OK;
}

tb_status tb_kv_cache_reserve(tb_kv_cache *kv, size_t n, tb_err *err)
{
    if (n <= kv->cap) return TB_OK;
    /* By a quarter at least, so that the cost of copying stays proportional to the positions. */
    size_t want = kv->cap + kv->cap / 4;
    if (want < n) want = n;
    const size_t cap = (want + TB_KV_CACHE_PAGE - 1) / TB_KV_CACHE_PAGE * TB_KV_CACHE_PAGE;
    for (size_t i = 0; i < kv->layers; i++) {
        if (kv->blocks[i].capacity >= cap)
            continue; /* grown before an earlier call ran out of memory */
        const tb_status st = grow(kv, &kv->blocks[i], cap, err);
        if (st) return st;
    }
    kv->cap = cap;
    assert_invariants(kv);
    return TB_OK;
}

static void put(const tb_kv_cache *kv, const float *x, unsigned char *to)
{
    if (kv->type == TB_F16)
        tb_nn_to_f16(x, kv->d, (uint16_t *)(void *)to);
    else
        memcpy(to, x, kv->d * sizeof *x);
}

void tb_kv_cache_write(tb_kv_cache *kv, size_t layer, size_t at, size_t n, const float *k,
                       const float *v, size_t ld)
{
    assert(layer < kv->layers && at + n <= kv->cap);
    const tb_kv_cache_layer *l = &kv->blocks[layer];
    for (size_t i = 0; i < n; i++)
        for (size_t h = 0; h < kv->heads; h++) {
            put(kv, k + i * ld + h * kv->d, row_of(kv, l, 0, h, at + i));
            put(kv, v + i * ld + h * kv->d, row_of(kv, l, 1, h, at + i));
        }
}

const void *tb_kv_cache_keys(const tb_kv_cache *kv, size_t layer)
{
    return kv->blocks[layer].data;
}

const void *tb_kv_cache_values(const tb_kv_cache *kv, size_t layer)
{
    return row_of(kv, &kv->blocks[layer], 1, 0, 0);
}

size_t tb_kv_cache_head_stride(const tb_kv_cache *kv, size_t layer)
{
    return kv->blocks[layer].capacity * kv->d;
}

size_t tb_kv_cache_packed_size(const tb_kv_cache *kv)
{
    return 2 * kv->heads * kv->n * row_bytes(kv);
}

void tb_kv_cache_pack(const tb_kv_cache *kv, size_t layer, void *out)
{
    const size_t bytes = kv->n * row_bytes(kv);
    unsigned char *to = out;
    for (size_t side = 0; side < 2; side++)
        for (size_t h = 0; h < kv->heads; h++, to += bytes)
            memcpy(to, row_of(kv, &kv->blocks[layer], side, h, 0), bytes);
}

void tb_kv_cache_unpack(tb_kv_cache *kv, size_t layer, const void *data)
{
    const size_t bytes = kv->n * row_bytes(kv);
    const unsigned char *from = data;
    for (size_t side = 0; side < 2; side++)
        for (size_t h = 0; h < kv->heads; h++, from += bytes)
            memcpy(row_of(kv, &kv->blocks[layer], side, h, 0), from, bytes);
}

size_t tb_kv_cache_positions(const tb_kv_cache *kv)
{
    return kv->n + (kv->prefix ? kv->prefix->n : 0);
}
