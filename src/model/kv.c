#include "model/kv.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

void tb_kv_init(tb_kv *kv, tb_dtype type, size_t layers, size_t D)
{
    assert(type == TB_F32 || type == TB_F16);
    *kv = (tb_kv){.type = type, .layers = layers, .D = D};
    kv->rows = tb_alloc(layers * sizeof *kv->rows);
}

void tb_kv_clear(tb_kv *kv)
{
    if (!kv) return;
    for (size_t i = 0; kv->rows && i < kv->layers; i++)
        tb_free(kv->rows[i]);
    tb_free(kv->rows);
    *kv = (tb_kv){0};
}

size_t tb_kv_stride(const tb_kv *kv)
{
    return 2 * kv->D;
}

static size_t row_bytes(const tb_kv *kv)
{
    return tb_row_bytes(kv->type, tb_kv_stride(kv));
}

tb_status tb_kv_reserve(tb_kv *kv, size_t n, tb_err *err)
{
    if (n <= kv->cap) return TB_OK;
    /* By a quarter at least: where the system moves blocks to grow them, copies stay linear. */
    size_t want = kv->cap + kv->cap / 4;
    if (want < n) want = n;
    size_t cap = (want + TB_KV_PAGE - 1) / TB_KV_PAGE * TB_KV_PAGE;
    for (size_t i = 0; i < kv->layers; i++) {
        unsigned char *p = tb_try_realloc(kv->rows[i], cap, row_bytes(kv));
        if (!p) return tb_nomem(err, cap, row_bytes(kv));
        kv->rows[i] = p;
    }
    kv->cap = cap;
    return TB_OK;
}

void tb_kv_put(tb_kv *kv, size_t layer, size_t at, size_t n, const float *k, const float *v,
               size_t ld)
{
    assert(layer < kv->layers && at + n <= kv->cap);
    size_t row = row_bytes(kv), half = tb_row_bytes(kv->type, kv->D);
    for (size_t i = 0; i < n; i++) {
        unsigned char *to = kv->rows[layer] + (at + i) * row;
        tb_from_f32(kv->type, k + i * ld, to, kv->D);
        tb_from_f32(kv->type, v + i * ld, to + half, kv->D);
    }
}

const void *tb_kv_keys(const tb_kv *kv, size_t layer)
{
    return kv->rows[layer];
}

const void *tb_kv_values(const tb_kv *kv, size_t layer)
{
    return kv->rows[layer] + tb_row_bytes(kv->type, kv->D);
}

size_t tb_kv_layer_bytes(const tb_kv *kv)
{
    return kv->n * row_bytes(kv);
}

size_t tb_kv_past(const tb_kv *kv)
{
    return kv->n + (kv->before ? kv->before->n : 0);
}
