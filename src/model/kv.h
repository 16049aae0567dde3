#ifndef TB_MODEL_KV_H
#define TB_MODEL_KV_H

#include "nn/tensor.h"

/*
 * Keys and values of one sequence in a causal transformer. Per layer one block (cap, 2D), a
 * position's key and its value side by side, so that attention walks it with one stride. It grows
 * by pages to what is needed. Two caches of the same positions hold the same bits, however they
 * were filled.
 */
enum { TB_KV_PAGE = 64 }; /* positions */

typedef struct tb_kv {
    const struct tb_kv *before; /* positions that come first, read only; NULL: none. Shared, it
                                   outlives this one */
    tb_dtype type;              /* TB_F32 or TB_F16; what is put in is rounded to it */
    size_t layers, D;           /* D: numbers in a key, all heads */
    size_t n, cap;              /* positions held here and made room for */
    unsigned char **rows;       /* per layer */
} tb_kv;

void tb_kv_init(tb_kv *kv, tb_dtype type, size_t layers, size_t D);
void tb_kv_clear(tb_kv *kv);

/* Room for n positions in all. TB_ENOMEM leaves what is held as it was. */
TB_MUST_CHECK tb_status tb_kv_reserve(tb_kv *kv, size_t n, tb_err *err);

/* Writes n positions of a layer from position `at` on; k, v f32, rows ld apart. Does not change
 * kv->n: the layers of a step are written one after the other, then the caller counts. */
void tb_kv_put(tb_kv *kv, size_t layer, size_t at, size_t n, const float *k, const float *v,
               size_t ld);

/* Key 0 and value 0 of a layer; rows are tb_kv_stride numbers apart. */
const void *tb_kv_keys(const tb_kv *kv, size_t layer);
const void *tb_kv_values(const tb_kv *kv, size_t layer);
size_t tb_kv_stride(const tb_kv *kv);
size_t tb_kv_layer_bytes(const tb_kv *kv); /* of the n positions held */

/* All positions, those of `before` included. */
size_t tb_kv_past(const tb_kv *kv);

#endif
