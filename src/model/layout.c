/*
 * The layout of our model files: published tensors as planned and computed in our shapes and types.
 *
 * The table of layout_names.c says the rule of each tensor: transposition (GPT-2's linear layers
 * are stored (in, out); convolutions become (out, k, in)), folding of weight norms, and the group
 * that the number type follows from. Tensors are computed in parts of whole rows, from any thread.
 * docs/model/files.md.
 */
#include "model/layout_priv.h"

#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Types by what is asked for. */
static const tb_dtype policy[TB_DTYPE_COUNT][GROUP_COUNT] = {
    [TB_F32] = {TB_F32, TB_F32, TB_F32, TB_F32, TB_F32},
    [TB_F16] = {TB_F32, TB_F16, TB_F16, TB_F16, TB_F16},
    [TB_BF16] = {TB_F32, TB_BF16, TB_BF16, TB_BF16, TB_F16},
    [TB_Q8_0] = {TB_F32, TB_Q8_0, TB_F16, TB_BF16, TB_F16},
    [TB_Q4_0] = {TB_F32, TB_Q4_0, TB_F16, TB_BF16, TB_F16},
};

typedef struct {
    char *name;       /* ours */
    tb_tensor tensor; /* the converted tensor; data is NULL */
    const tb_weights *set;
    const tb_tensor *from;
    const tb_tensor *gain; /* of a weight norm; NULL */
    tb_shape_rule rule;
} item;

struct tb_layout {
    tb_layout_source src;
    char *label;
    item *items;
    size_t n;
};

/* ---------------------------------------------------------------- planning */

/* Numbers of one row of a tensor in parts of rows; a vector or scalar is one row. */
static size_t row_count(const tb_tensor *t)
{
    return t->n_dims > 1 ? t->dim[0] : 1;
}

static size_t row_len(const tb_tensor *t)
{
    const size_t n = row_count(t);

    return n ? tb_tensor_count(t) / n : 0;
}

/* The shape of ours for a published shape; false when the rule cannot be applied to it. */
static bool transpose_shape(tb_shape_rule rule, const tb_tensor *from, tb_tensor *to)
{
    const unsigned n = from->n_dims;
    const size_t *d = from->dim;

    *to = (tb_tensor){.n_dims = n};
    switch (rule) {
    case KEEP:
        memcpy(to->dim, d, sizeof to->dim);
        return true;
    case TRANSPOSE:
        if (n != 2) return false;
        to->dim[0] = d[1];
        to->dim[1] = d[0];
        return true;
    case CONV:
    case NORM_CONV:
        if (n < 3) return false;
        to->dim[0] = d[0];
        for (unsigned i = 2; i < n; i++)
            to->dim[i - 1] = d[i];
        to->dim[n - 1] = d[1];
        return true;
    case NORM_UP:
        if (n != 3) return false;
        to->dim[0] = d[1];
        to->dim[1] = d[2];
        to->dim[2] = d[0];
        return true;
    case DROP:
    case NORM_GAIN:
        break;
    }
    return false;
}

/* The type of ours. Blocks run along the last axis; one that is no whole number of them stays f16.
 */
static tb_dtype choose_type(tb_dtype type, tb_type_group g, const tb_tensor *shape, bool *unaligned)
{
    tb_dtype chosen = policy[type][g];

    if (shape->n_dims < 2) return TB_F32;
    *unaligned = (chosen == TB_Q8_0 || chosen == TB_Q4_0) &&
                 shape->dim[shape->n_dims - 1] % TB_QUANT_BLOCK != 0;
    return *unaligned ? TB_F16 : chosen;
}

static bool is_number_type(tb_dtype type)
{
    return type == TB_F32 || type == TB_F16 || type == TB_BF16;
}

/* g of the weight norm whose v is named so, checked against v's shape. */
static tb_status find_gain(const tb_weights *set, const char *v_name, const tb_tensor *v,
                           const tb_tensor **out, tb_err *err)
{
    char name[TB_LAYOUT_NAME];
    const tb_tensor *g;

    snprintf(name, sizeof name, "%s", v_name);
    name[strlen(name) - 1] = '0'; /* original1 -> original0 */
    g = tb_weights_find(set, name);
    if (!g)
        return tb_fail(err, TB_EMODEL, "%s has %s, but no %s", tb_weights_label(set), v_name, name);
    if (!is_number_type(g->type) || tb_tensor_count(g) != v->dim[0]) {
        char shape[80];

        tb_tensor_shape(g, shape);
        return tb_fail(err, TB_EMODEL, "%s: %s is %s %s, wanted %zu numbers", tb_weights_label(set),
                       name, tb_dtype_name(g->type), shape, v->dim[0]);
    }
    *out = g;
    return TB_OK;
}

/* Plans tensor i of the set, if it is one of ours. *unaligned: its last axis is no multiple of a
 * block. */
static tb_status plan_tensor(tb_layout *r, tb_layout_file file, const tb_weights *set, size_t i,
                             const char *prefix, tb_dtype type, bool *unaligned, tb_err *err)
{
    const char *label = tb_weights_label(set), *name = tb_weights_name(set, i);
    const tb_tensor *from = tb_weights_at(set, i);
    char ours[TB_LAYOUT_NAME], shape[80];
    item x = {.set = set, .from = from};
    const tb_layout_rule *known;

    if (strncmp(name, prefix, strlen(prefix)) != 0) return TB_OK;
    known = tb_layout_find(file, name + strlen(prefix));
    if (!known || !tb_layout_rename(file, name + strlen(prefix), ours))
        return tb_fail(err, TB_EMODEL, "%s has a tensor that is not part of this model: %s", label,
                       name);
    if (known->rule == DROP) return TB_OK;
    tb_tensor_shape(from, shape);
    if (!is_number_type(from->type))
        return tb_fail(err, TB_EMODEL, "%s: %s is of type %s, wanted f32, f16 or bf16", label, name,
                       tb_dtype_name(from->type));
    if (known->rule == NORM_GAIN) { /* its v looks for it; a g without a v would be lost */
        char v[TB_LAYOUT_NAME];

        snprintf(v, sizeof v, "%s", name);
        v[strlen(v) - 1] = '1';
        if (tb_weights_find(set, v)) return TB_OK;
        return tb_fail(err, TB_EMODEL, "%s has %s, but no %s", label, name, v);
    }
    if (tb_tensor_count(from) == 0 || !transpose_shape(known->rule, from, &x.tensor))
        return tb_fail(err, TB_EMODEL, "%s: %s has shape %s, which does not fit what it is for",
                       label, name, shape);
    x.rule = known->rule;
    x.tensor.type = choose_type(type, known->group, &x.tensor, unaligned);
    if (x.rule == NORM_CONV || x.rule == NORM_UP) {
        tb_status st = find_gain(set, name, from, &x.gain, err);
        if (st) return st;
    }
    x.name = tb_strdup(ours);
    r->items[r->n++] = x;
    return TB_OK;
}

static tb_status plan_file(tb_layout *r, tb_layout_file file, const tb_weights *set,
                           const char *prefix, tb_dtype type, tb_err *err)
{
    const char *first_unaligned = NULL;
    size_t n_unaligned = 0;
    tb_status st = TB_OK;

    for (size_t i = 0; !st && set && i < tb_weights_count(set); i++) {
        bool unaligned = false;

        st = plan_tensor(r, file, set, i, prefix ? prefix : "", type, &unaligned, err);
        if (unaligned && !first_unaligned) first_unaligned = r->items[r->n - 1].name;
        n_unaligned += unaligned;
    }
    if (!st && n_unaligned)
        tb_log(TB_WARN, "model",
               "wanted=%s made=f16 tensors=%zu first=%s: the last axis is no multiple of %d",
               tb_dtype_name(type), n_unaligned, first_unaligned, TB_QUANT_BLOCK);
    return st;
}

static size_t count_of(const tb_weights *set)
{
    return set ? tb_weights_count(set) : 0;
}

/* A set that was given in several places is kept in one of them, so that it is freed once. */
static void keep_each_once(tb_layout_source *src)
{
    if (src->ve == src->t3 || src->ve == src->s3gen) src->ve = NULL;
    if (src->s3gen == src->t3) src->s3gen = NULL;
}

static void free_sources(tb_layout_source *src)
{
    keep_each_once(src);
    tb_weights_free(src->t3);
    tb_weights_free(src->s3gen);
    tb_weights_free(src->ve);
    *src = (tb_layout_source){0};
}

tb_status tb_layout_new(const tb_layout_source *src, tb_dtype type, const char *label,
                        tb_layout **out, tb_err *err)
{
    tb_layout *r = tb_alloc(sizeof *r);
    const size_t most = count_of(src->t3) + count_of(src->s3gen) + count_of(src->ve);
    tb_status st;

    assert(is_number_type(type) || type == TB_Q8_0 || type == TB_Q4_0);
    r->src = *src;
    r->label = tb_strdup(label);
    r->items = tb_try_alloc(most + 1, sizeof *r->items);
    if (!r->items) {
        st = tb_nomem(err, most + 1, sizeof *r->items);
        goto out;
    }
    st = plan_file(r, T3, src->t3, src->t3_prefix, type, err);
    if (!st) st = plan_file(r, S3GEN, src->s3gen, src->s3gen_prefix, type, err);
    if (!st) st = plan_file(r, VE, src->ve, src->ve_prefix, type, err);
    if (st) goto out;
    *out = r;
    r = NULL;

out:
    tb_layout_free(r);
    return st;
}

void tb_layout_free(tb_layout *r)
{
    if (!r) return;
    for (size_t i = 0; i < r->n; i++)
        tb_free(r->items[i].name);
    tb_free(r->items);
    tb_free(r->label);
    free_sources(&r->src);
    tb_free(r);
}

size_t tb_layout_count(const tb_layout *r)
{
    return r->n;
}

const char *tb_layout_name(const tb_layout *r, size_t i)
{
    assert(i < r->n);
    return r->items[i].name;
}

const tb_tensor *tb_layout_tensor(const tb_layout *r, size_t i)
{
    assert(i < r->n);
    return &r->items[i].tensor;
}

size_t tb_layout_rows(const tb_layout *r, size_t i)
{
    return row_count(tb_layout_tensor(r, i));
}

size_t tb_layout_row_bytes(const tb_layout *r, size_t i)
{
    const tb_tensor *t = tb_layout_tensor(r, i);

    return tb_row_bytes(t->type, row_len(t));
}

/* ------------------------------------------------------------------ making */

/* n numbers of a source from its at-th on, as f32. */
static void fetch(const tb_tensor *t, size_t at, float *dst, size_t n)
{
    tb_to_f32(t->type, (const char *)t->data + tb_row_bytes(t->type, at), dst, n);
}

/* Rows of the transposed matrix, in tiles of 16 source rows: both sides are accessed along cache
 * lines. */
static tb_status make_transposed(const item *x, size_t first, size_t n, float *out, tb_err *err)
{
    enum { TILE = 16 };
    const size_t K = x->from->dim[0], N = x->from->dim[1];
    float *tile = tb_try_alloc(n, TILE * sizeof *tile); /* (TILE, n) */

    if (!tile) return tb_nomem(err, n, TILE * sizeof *tile);
    for (size_t k = 0; k < K; k += TILE) {
        const size_t high = K - k < TILE ? K - k : TILE;

        for (size_t j = 0; j < high; j++)
            fetch(x->from, (k + j) * N + first, tile + j * n, n);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < high; j++)
                out[i * K + k + j] = tile[j * n + i];
    }
    tb_free(tile);
    return TB_OK;
}

/* g / |v| of the first axis's entry i, in double. */
static tb_status gain_over_norm(const item *x, size_t i, float *v, double *out, tb_err *err)
{
    const size_t n = tb_tensor_count(x->from) / x->from->dim[0];
    double sum = 0;
    float g;

    fetch(x->gain, i, &g, 1);
    fetch(x->from, i * n, v, n);
    for (size_t j = 0; j < n; j++)
        sum += (double)v[j] * (double)v[j];
    if (!(sum > 0))
        return tb_fail(err, TB_EMODEL,
                       "%s: the weight norm of %s has a filter of zeros, number %zu",
                       tb_weights_label(x->set), x->name, i);
    *out = (double)g / sqrt(sum);
    return TB_OK;
}

/* Rows of a convolution: (in, k) of the source becomes (k, in), times the weight norm's factor. */
static tb_status make_conv(const item *x, size_t first, size_t n, float *out, tb_err *err)
{
    const size_t len = row_len(&x->tensor), C = x->from->dim[1], k = len / C;
    float *v = tb_try_alloc(len, sizeof *v);
    tb_status st = TB_OK;

    if (!v) return tb_nomem(err, len, sizeof *v);
    for (size_t i = 0; !st && i < n; i++, out += len) {
        double factor = 1;

        if (x->gain)
            st = gain_over_norm(x, first + i, v, &factor, err);
        else
            fetch(x->from, (first + i) * len, v, len);
        for (size_t c = 0; c < C; c++)
            for (size_t j = 0; j < k; j++)
                out[j * C + c] = (float)((double)v[c * k + j] * factor);
    }
    tb_free(v);
    return st;
}

/* Rows of a transposed convolution: (in, out, k) becomes (out, k, in); its factors are the input
 * channels'. */
static tb_status synthesise(const item *x, size_t first, size_t n, float *out, tb_err *err)
{
    const size_t C = x->from->dim[0], N = x->from->dim[1], k = x->from->dim[2];
    float *v = tb_try_alloc(N, k * sizeof *v); /* one input channel: (out, k) */
    tb_status st = TB_OK;

    if (!v) return tb_nomem(err, N, k * sizeof *v);
    for (size_t c = 0; !st && c < C; c++) {
        double factor = 1;

        st = gain_over_norm(x, c, v, &factor, err);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < k; j++)
                out[(i * k + j) * C + c] = (float)((double)v[(first + i) * k + j] * factor);
    }
    tb_free(v);
    return st;
}

/* Whether the converted rows are the file's rows, apart from the type. */
static bool same_order(const item *x)
{
    switch (x->rule) {
    case KEEP:
        return true;
    case CONV: /* (out, in, 1) and (out, 1, k) are the same in both orders */
        return x->from->dim[1] == 1 || row_len(&x->tensor) == x->from->dim[1];
    case TRANSPOSE:
    case NORM_CONV:
    case NORM_UP:
    case DROP:
    case NORM_GAIN:
        break;
    }
    return false;
}

/* Can the type hold these? What is no number, or infinite, would end as noise in somebody's ears.
 */
static tb_status check_range(const item *x, const float *v, size_t n, tb_err *err)
{
    const float most = x->tensor.type == TB_F32    ? FLT_MAX
                       : x->tensor.type == TB_BF16 ? 0x1.fep127f
                                                   : 65504.0f;

    for (size_t i = 0; i < n; i++)
        if (!(fabsf(v[i]) <= most))
            return tb_fail(err, TB_EMODEL, "%s: %s holds %g, which %s cannot",
                           tb_weights_label(x->set), x->name, (double)v[i],
                           tb_dtype_name(x->tensor.type));
    return TB_OK;
}

tb_status tb_layout_make(const tb_layout *r, size_t i, size_t first, size_t n, void *out,
                         tb_err *err)
{
    const item *x = &r->items[i];
    const size_t len = row_len(&x->tensor);
    float *v = NULL;
    tb_status st = TB_OK;

    assert(i < r->n && first + n <= row_count(&x->tensor));
    v = tb_try_alloc(n * len, sizeof *v);
    if (!v) {
        st = tb_nomem(err, n * len, sizeof *v);
        goto out;
    }
    if (same_order(x))
        fetch(x->from, first * len, v, n * len);
    else if (x->rule == TRANSPOSE)
        st = make_transposed(x, first, n, v, err);
    else if (x->rule == NORM_UP)
        st = synthesise(x, first, n, v, err);
    else
        st = make_conv(x, first, n, v, err);
    if (!st) st = check_range(x, v, n * len, err);
    if (!st) tb_from_f32(x->tensor.type, v, out, n * len);

out:
    tb_free(v);
    return st;
}

void tb_layout_done_with(const tb_layout *r, size_t i)
{
    assert(i < r->n);
    tb_weights_drop_pages(r->items[i].set, r->items[i].from);
}

/* ---------------------------------------------------------------- building */

/* Rows converted at once: a megabyte or so of f32 stays in the caches. */
static size_t rows_at_once(const tb_tensor *t)
{
    const size_t n = ((size_t)1 << 18) / row_len(t);

    return n ? n : 1;
}

static tb_status build_tensor(const tb_layout *r, size_t i, tb_weights *w, tb_err *err)
{
    const item *x = &r->items[i];
    const size_t rows_all = row_count(&x->tensor), row_bytes = tb_layout_row_bytes(r, i);
    const size_t step = rows_at_once(&x->tensor);
    tb_tensor t = x->tensor;
    char *converted = NULL;
    tb_status st = TB_OK;

    if (same_order(x) && x->from->type == t.type) {
        t.data = x->from->data;
    } else {
        converted = tb_try_alloc(rows_all, row_bytes);
        if (!converted) {
            st = tb_nomem(err, rows_all, row_bytes);
            goto out;
        }
        for (size_t at = 0; !st && at < rows_all; at += step)
            st = tb_layout_make(r, i, at, rows_all - at < step ? rows_all - at : step,
                                converted + at * row_bytes, err);
        if (st) goto out;
        t.data = converted;
        tb_layout_done_with(r, i);
    }
    tb_weights_from(w, x->set);
    st = tb_weights_add(w, x->name, &t, converted, err);
    converted = NULL;

out:
    tb_free(converted);
    return st;
}

tb_status tb_layout_build(const tb_layout_source *src, tb_dtype type, const char *label,
                          tb_weights **out, tb_err *err)
{
    tb_layout *r = NULL;
    tb_weights *w = tb_weights_new(label);
    tb_status st = tb_layout_new(src, type, label, &r, err);

    for (size_t i = 0; !st && i < r->n; i++)
        st = build_tensor(r, i, w, err);
    if (st) goto out;
    keep_each_once(&r->src);
    tb_weights_take_source(w, r->src.t3);
    tb_weights_take_source(w, r->src.s3gen);
    tb_weights_take_source(w, r->src.ve);
    r->src = (tb_layout_source){0};
    *out = w;
    w = NULL;

out:
    tb_weights_free(w);
    tb_layout_free(r);
    return st;
}
