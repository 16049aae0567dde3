#ifndef TB_MODEL_KV_CACHE_H
#define TB_MODEL_KV_CACHE_H

#include "tensor/tensor.h"

/*
 * The KV cache: keys and values of one sequence in a causal transformer. Per layer one block: keys
 * (heads, capacity, d), then values, so that a decode step reads what a head needs in address
 * order, tens of kilobytes at a time. It grows in pages. Two caches of the same positions hold the
 * same numbers, however they were filled. A cache may continue a shared, read-only prefix.
 */
enum { TB_KV_CACHE_PAGE = 64 }; /* positions */

typedef struct {
    void *block;
    unsigned char *data; /* inside block, aligned to a cache line */
    size_t capacity;     /* positions */
} tb_kv_cache_layer;

typedef struct tb_kv_cache {
    const struct tb_kv_cache *prefix; /* the positions before n = 0, read-only, shared;
                                         it outlives this cache. NULL: none */
    tb_dtype type;                    /* TB_F32 or TB_F16; what is written is rounded to it */
    size_t layers, heads, d;          /* d: numbers in a key of a head */
    size_t n, cap;                    /* positions held here; positions there is memory for */
    tb_kv_cache_layer *blocks;        /* per layer */
} tb_kv_cache;

void tb_kv_cache_init(tb_kv_cache *kv, tb_dtype type, size_t layers, size_t heads, size_t d);
void tb_kv_cache_clear(tb_kv_cache *kv);

/* Allocates for n positions in all. TB_ENOMEM leaves the cache as it was. */
TB_MUST_CHECK tb_status tb_kv_cache_reserve(tb_kv_cache *kv, size_t n, tb_err *err);

/* Writes n positions of a layer from position `at` on; k, v f32, (n, heads * d), rows ld apart.
 * Does not change kv->n: the layers of a step are written one after the other, then the caller
 * raises it. */
void tb_kv_cache_write(tb_kv_cache *kv, size_t layer, size_t at, size_t n, const float *k,
                       const float *v, size_t ld);

/* Key 0 and value 0 of a layer's first head; rows are d numbers apart, heads
 * tb_kv_cache_head_stride. */
const void *tb_kv_cache_keys(const tb_kv_cache *kv, size_t layer);
const void *tb_kv_cache_values(const tb_kv_cache *kv, size_t layer);
size_t tb_kv_cache_head_stride(const tb_kv_cache *kv, size_t layer);

/* Serialises a layer's n positions: (2, heads, n, d), keys then values. unpack: into a cache with
 * enough capacity; n is kv->n. */
size_t tb_kv_cache_packed_size(const tb_kv_cache *kv);
void tb_kv_cache_pack(const tb_kv_cache *kv, size_t layer, void *out);
void tb_kv_cache_unpack(tb_kv_cache *kv, size_t layer, const void *data);

/* All positions, the prefix's included. */
size_t tb_kv_cache_positions(const tb_kv_cache *kv);

#endif
