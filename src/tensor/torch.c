/*
 * Files of torch.save: finds data.pkl in the zip archive, runs the pickle machine (pickle.c), and
 * reads tensors' numbers from the storages, in row-major order whatever their strides. A tensor's
 * range is checked against its storage; a stride of 0 can make a large tensor out of a small file,
 * so callers state the most numbers they take. docs/model/conds.md.
 */
#include "tensor/torch.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "tensor/tensor.h"
#include "tensor/torch_priv.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { PICKLE_MAX_BYTES = 4 << 20 }; /* a checkpoint of 2500 tensors has 500 kB */

const size_t tb_torch_element_bytes[] = {[TB_EL_F32] = 4, [TB_EL_F16] = 2, [TB_EL_BF16] = 2,
                                         [TB_EL_F64] = 8, [TB_EL_I64] = 8, [TB_EL_I32] = 4};

bool tb_torch_is_container(const tb_torch_value *v)
{
    return v->kind == TB_TORCH_LIST || v->kind == TB_TORCH_TUPLE || v->kind == TB_TORCH_DICT;
}

/* --------------------------------------------------------------------------------------- files */

/* The one member that ends in /data.pkl, NULL after a failure; what stands before it is the folder
 * of all. */
static const tb_zip_member *find_pickle(tb_torch *t, tb_err *err)
{
    const tb_zip_member *found = NULL;
    for (size_t i = 0; i < t->zip.n; i++) {
        if (!tb_str_ends(t->zip.members[i].name, "/data.pkl")) continue;
        if (found) {
            tb_fail(err, TB_EMODEL, "%s has more than one data.pkl; torch.save writes one",
                    t->label);
            return NULL;
        }
        found = &t->zip.members[i];
    }
    if (!found) {
        tb_fail(err, TB_EMODEL, "%s has no data.pkl; no torch.save made it", t->label);
        return NULL;
    }
    if (found->size > PICKLE_MAX_BYTES) {
        tb_fail(err, TB_EMODEL, "the pickle of %s has %zu bytes; at most %d are read", t->label,
                found->size, PICKLE_MAX_BYTES);
        return NULL;
    }
    t->root_folder = tb_strndup(found->name, strlen(found->name) - strlen("data.pkl"));
    return found;
}

/* torch writes the machine's byte order down; ours is little endian. */
static bool is_little_endian(const tb_torch *t)
{
    char *name = tb_sprintf("%sbyteorder", t->root_folder);
    const tb_zip_member *order = tb_zip_find(&t->zip, name);
    tb_free(name);
    return !order || (order->size == 6 && memcmp(order->data, "little", 6) == 0);
}

/* t is the caller's to free in any case. */
static tb_status parse(tb_torch *t, const void *data, size_t size, tb_err *err)
{
    const uint8_t *bytes = data;
    if (size >= 2 && bytes[0] == 0x80 && bytes[1] < 6)
        return tb_fail(err, TB_EMODEL,
                       "%s was saved by a torch older than 1.6; load it there and save it again",
                       t->label);
    if (size < 4 || memcmp(bytes, "PK\3\4", 4) != 0)
        return tb_fail(err, TB_EMODEL, "%s is no file of torch.save", t->label);
    tb_status st = tb_zip_read(data, size, t->label, &t->zip, err);
    if (st) return st;
    const tb_zip_member *pickle = find_pickle(t, err);
    if (!pickle) return TB_EMODEL;
    if (!is_little_endian(t))
        return tb_fail(err, TB_EMODEL, "%s was saved on a big-endian machine", t->label);
    return tb_pickle_run(t, pickle->data, pickle->size, err);
}

tb_status tb_torch_read(const void *data, size_t size, const char *label, tb_torch **out,
                        tb_err *err)
{
    tb_torch *t = tb_alloc(sizeof *t);
    t->label = tb_strdup(label);
    tb_status st = parse(t, data, size, err);
    if (st) goto out;
    *out = t;
    t = NULL;
out:
    tb_torch_free(t);
    return st;
}

tb_status tb_torch_open(const char *path, size_t max_bytes, tb_torch **out, tb_err *err)
{
    tb_torch *t = tb_alloc(sizeof *t);
    size_t size = 0;
    t->label = tb_strdup(path);
    tb_status st = tb_file_read(path, max_bytes, &t->owned, &size, err);
    if (!st) st = parse(t, t->owned, size, err);
    if (st) goto out;
    *out = t;
    t = NULL;
out:
    tb_torch_free(t);
    return st;
}

void tb_torch_free(tb_torch *t)
{
    if (!t) return;
    for (tb_torch_value *v = t->newest, *older; v; v = older) {
        older = v->older;
        if (v->kind == TB_TORCH_STRING) tb_free(v->as.text);
        if (tb_torch_is_container(v)) tb_free(v->as.items.at);
        tb_free(v);
    }
    tb_zip_clear(&t->zip);
    tb_free(t->root_folder);
    tb_free(t->label);
    tb_free(t->owned);
    tb_free(t);
}

const tb_torch_value *tb_torch_root(const tb_torch *t)
{
    return t->root;
}

const char *tb_torch_label(const tb_torch *t)
{
    return t->label;
}

/* -------------------------------------------------------------------------------------- values */

tb_torch_kind tb_torch_kind_of(const tb_torch_value *v)
{
    return v ? v->kind : TB_TORCH_NONE;
}

const tb_torch_value *tb_torch_get(const tb_torch_value *dict, const char *key)
{
    if (!dict || dict->kind != TB_TORCH_DICT) return NULL;
    for (size_t i = dict->as.items.n; i > 1; i -= 2) { /* from the end: a later one replaces */
        const tb_torch_value *k = dict->as.items.at[i - 2];
        if (k->kind == TB_TORCH_STRING && strcmp(k->as.text, key) == 0)
            return dict->as.items.at[i - 1];
    }
    return NULL;
}

size_t tb_torch_len(const tb_torch_value *v)
{
    if (!v || !tb_torch_is_container(v)) return 0;
    return v->kind == TB_TORCH_DICT ? v->as.items.n / 2 : v->as.items.n;
}

const tb_torch_value *tb_torch_at(const tb_torch_value *v, size_t i)
{
    assert(i < tb_torch_len(v));
    return v->as.items.at[v->kind == TB_TORCH_DICT ? 2 * i + 1 : i];
}

const char *tb_torch_key(const tb_torch_value *dict, size_t i)
{
    assert(i < tb_torch_len(dict) && dict->kind == TB_TORCH_DICT);
    return tb_torch_text(dict->as.items.at[2 * i]);
}

const char *tb_torch_text(const tb_torch_value *v)
{
    return v && v->kind == TB_TORCH_STRING ? v->as.text : NULL;
}

double tb_torch_number(const tb_torch_value *v)
{
    if (!v) return 0;
    if (v->kind == TB_TORCH_REAL) return v->as.real;
    return v->kind == TB_TORCH_INT || v->kind == TB_TORCH_BOOL ? (double)v->as.integer : 0;
}

/* ------------------------------------------------------------------------------------- tensors */

size_t tb_torch_dims(const tb_torch_value *v)
{
    return v && v->kind == TB_TORCH_TENSOR ? v->as.tensor.n_dims : 0;
}

size_t tb_torch_dim(const tb_torch_value *v, size_t axis)
{
    assert(axis < tb_torch_dims(v));
    return v->as.tensor.dim[axis];
}

size_t tb_torch_count(const tb_torch_value *v)
{
    return v && v->kind == TB_TORCH_TENSOR ? v->as.tensor.count : 0;
}

static int64_t int_at(tb_torch_element type, const uint8_t *p)
{
    if (type == TB_EL_I64) {
        int64_t x;
        memcpy(&x, p, sizeof x);
        return x;
    }
    int32_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

static double real_at(tb_torch_element type, const uint8_t *p)
{
    float f;
    double d;
    uint16_t h;
    switch (type) {
    case TB_EL_F32:
        memcpy(&f, p, sizeof f);
        return (double)f;
    case TB_EL_F16:
        memcpy(&h, p, sizeof h);
        return (double)tb_f16_to_f32(h);
    case TB_EL_BF16:
        memcpy(&h, p, sizeof h);
        return (double)tb_bf16_to_f32(h);
    case TB_EL_F64:
        memcpy(&d, p, sizeof d);
        return d;
    case TB_EL_I64:
    case TB_EL_I32:
        break;
    }
    return (double)int_at(type, p);
}

/* The i-th number in row-major order lies `at` elements from the first; steps to the next one. */
typedef struct {
    size_t index[TB_TORCH_MAX_DIMS], at;
} walk;

static void walk_on(const tb_torch_value *v, walk *w)
{
    for (size_t axis = v->as.tensor.n_dims; axis-- > 0;) {
        w->at += v->as.tensor.stride[axis];
        if (++w->index[axis] < v->as.tensor.dim[axis]) return;
        w->at -= v->as.tensor.dim[axis] * v->as.tensor.stride[axis];
        w->index[axis] = 0;
    }
}

/* Room for v's numbers, zeroed; NULL after a failure. */
static void *prepare(const tb_torch_value *v, const char *what, size_t max, size_t size,
                     tb_status *st, tb_err *err)
{
    if (!v || v->kind != TB_TORCH_TENSOR) {
        *st = tb_fail(err, TB_EMODEL, "%s is missing or no tensor", what);
        return NULL;
    }
    if (v->as.tensor.count > max) {
        *st = tb_fail(err, TB_EMODEL, "%s has %zu numbers; at most %zu are read", what,
                      v->as.tensor.count, max);
        return NULL;
    }
    void *room = tb_try_alloc(v->as.tensor.count, size);
    *st = room ? TB_OK : tb_nomem(err, v->as.tensor.count, size);
    return room;
}

tb_status tb_torch_f32(const tb_torch_value *v, const char *what, size_t max, float **out,
                       tb_err *err)
{
    walk w = {0};
    tb_status st;
    float *x = prepare(v, what, max, sizeof *x, &st, err);
    if (!x) return st;
    tb_torch_element type = v->as.tensor.type;
    for (size_t i = 0; i < v->as.tensor.count; i++) {
        double d = real_at(type, v->as.tensor.first + w.at * tb_torch_element_bytes[type]);
        /* A double that no float holds is infinite: the cast would be undefined. */
        x[i] =
            fabs(d) <= (double)FLT_MAX || isnan(d) ? (float)d : copysignf(INFINITY, d < 0 ? -1 : 1);
        walk_on(v, &w);
    }
    *out = x;
    return TB_OK;
}

tb_status tb_torch_i64(const tb_torch_value *v, const char *what, size_t max, int64_t **out,
                       tb_err *err)
{
    walk w = {0};
    tb_status st;
    int64_t *x = prepare(v, what, max, sizeof *x, &st, err);
    if (!x) return st;
    tb_torch_element type = v->as.tensor.type;
    for (size_t i = 0; i < v->as.tensor.count; i++) {
        const uint8_t *p = v->as.tensor.first + w.at * tb_torch_element_bytes[type];
        if (type == TB_EL_I64 || type == TB_EL_I32) {
            x[i] = int_at(type, p);
        } else {
            double d = real_at(type, p);
            if (!(fabs(d) <= 0x1p53) || d != rint(d)) {
                st = tb_fail(err, TB_EMODEL, "%s has the value %g where whole numbers belong", what,
                             d);
                goto out;
            }
            x[i] = (int64_t)d;
        }
        walk_on(v, &w);
    }
    *out = x;
    x = NULL;
out:
    tb_free(x);
    return st;
}
