/*
 * Binding of weights: from names to tb_mat, tb_conv and vectors whose shapes and types are checked.
 * Every lookup marks its tensor as used, so tb_bind_nothing_left finds tensors that no network
 * reads: a sign of a file that belongs to another model. Views borrow the weights' memory. Relies
 * on tensor/weights.h (lookup by name) and nn/ops.h (the views).
 */
#include "nn/bind.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 512 };

/* prefix + formatted name + suffix. Names come from our own networks, so they fit. */
TB_PRINTF(3, 0)
static void full_name(const tb_bind *b, char out[NAME_BYTES], const char *fmt, va_list ap,
                      const char *suffix)
{
    int used = snprintf(out, NAME_BYTES, "%s", b->prefix ? b->prefix : "");

    assert(used >= 0 && used < NAME_BYTES);
    used += vsnprintf(out + used, (size_t)(NAME_BYTES - used), fmt, ap);
    assert(used < NAME_BYTES);
    used += snprintf(out + used, (size_t)(NAME_BYTES - used), "%s", suffix);
    assert(used < NAME_BYTES);
    (void)used;
}

static const tb_tensor *find(tb_bind *b, const char *name)
{
    const tb_tensor *t = NULL;

    if (b->status) return NULL;
    t = tb_weights_find(b->weights, name);
    if (t)
        tb_weights_mark(b->weights, t);
    else
        b->status = tb_fail(b->err, TB_EMODEL, "%s has no %s", tb_weights_label(b->weights), name);
    return t;
}

/* Whether a dimension is the expected one; 0 accepts any. */
static bool fits(size_t found, size_t wanted)
{
    return wanted == 0 || found == wanted;
}

static void wrong_shape(tb_bind *b, const char *name, const tb_tensor *t, const size_t *wanted,
                        unsigned n)
{
    char found[80], want[80] = "[";
    size_t len = 1;

    tb_tensor_shape(t, found);
    for (unsigned i = 0; i < n && len < sizeof want; i++) {
        const char *comma = i ? ", " : "";

        if (wanted[i])
            len += (size_t)snprintf(want + len, sizeof want - len, "%s%zu", comma, wanted[i]);
        else
            len += (size_t)snprintf(want + len, sizeof want - len, "%sany", comma);
    }
    b->status = tb_fail(b->err, TB_EMODEL, "%s: %s has shape %s, wanted %s]",
                        tb_weights_file(b->weights, t), name, found, want);
}

static void wrong_type(tb_bind *b, const char *name, const tb_tensor *t, const char *wanted)
{
    b->status = tb_fail(b->err, TB_EMODEL, "%s: %s is of type %s, wanted %s",
                        tb_weights_file(b->weights, t), name, tb_dtype_name(t->type), wanted);
}

static bool is_weight(tb_dtype type)
{
    return type == TB_F32 || type == TB_F16 || type == TB_BF16 || type == TB_Q8_0 ||
           type == TB_Q4_0;
}

bool tb_bind_has(const tb_bind *b, const char *fmt, ...)
{
    char name[NAME_BYTES];
    va_list ap;

    va_start(ap, fmt);
    full_name(b, name, fmt, ap, "");
    va_end(ap);
    return tb_weights_find(b->weights, name) != NULL;
}

const tb_tensor *tb_bind_tensor(tb_bind *b, const char *fmt, ...)
{
    char name[NAME_BYTES];
    va_list ap;

    va_start(ap, fmt);
    full_name(b, name, fmt, ap, "");
    va_end(ap);
    return find(b, name);
}

static const float *vec(tb_bind *b, size_t n, const char *name)
{
    const tb_tensor *t = find(b, name);
    size_t count, most = 1;

    if (!t) return NULL;
    count = tb_tensor_count(t);
    for (unsigned i = 0; i < t->n_dims; i++)
        if (t->dim[i] > most) most = t->dim[i];
    if (count != most || !fits(count, n)) { /* a second axis that is not 1, or one that is 0 */
        wrong_shape(b, name, t, &n, 1);
        return NULL;
    }
    if (t->type != TB_F32) {
        wrong_type(b, name, t, "f32");
        return NULL;
    }
    return t->data;
}

const float *tb_bind_vec(tb_bind *b, size_t n, const char *fmt, ...)
{
    char name[NAME_BYTES];
    va_list ap;

    va_start(ap, fmt);
    full_name(b, name, fmt, ap, "");
    va_end(ap);
    return vec(b, n, name);
}

/* The bias that belongs to "<...>.weight". */
static const float *bias_beside(tb_bind *b, size_t n, const char *weight)
{
    char name[NAME_BYTES];
    const int stem = (int)(strlen(weight) - strlen(".weight"));

    snprintf(name, sizeof name, "%.*s.bias", stem, weight);
    return vec(b, n, name);
}

static bool check_weight_type(tb_bind *b, const char *name, const tb_tensor *t)
{
    if (is_weight(t->type)) return true;
    wrong_type(b, name, t, "a type of weights");
    return false;
}

tb_mat tb_bind_mat(tb_bind *b, size_t N, size_t K, bool bias, const char *fmt, ...)
{
    char name[NAME_BYTES];
    tb_mat m = {0};
    const tb_tensor *t;
    size_t k = 1;
    va_list ap;

    va_start(ap, fmt);
    full_name(b, name, fmt, ap, ".weight");
    va_end(ap);
    t = find(b, name);
    if (!t) return m;
    for (unsigned i = 1; i < t->n_dims; i++)
        k *= t->dim[i];
    if (t->n_dims < 2 || k == 0 || t->dim[0] == 0 || !fits(t->dim[0], N) || !fits(k, K)) {
        wrong_shape(b, name, t, (size_t[]){N, K}, 2);
        return m;
    }
    if (!check_weight_type(b, name, t)) return m;
    m = (tb_mat){.type = t->type, .N = t->dim[0], .K = k, .rows = t->data};
    if (bias) m.bias = bias_beside(b, m.N, name);
    return b->status ? (tb_mat){0} : m;
}

tb_conv tb_bind_conv(tb_bind *b, size_t N, size_t k, size_t C, bool bias, const char *fmt, ...)
{
    char name[NAME_BYTES];
    tb_conv c = {0};
    const tb_tensor *t;
    va_list ap;

    va_start(ap, fmt);
    full_name(b, name, fmt, ap, ".weight");
    va_end(ap);
    t = find(b, name);
    if (!t) return c;
    if (t->n_dims != 3 || tb_tensor_count(t) == 0 || !fits(t->dim[0], N) || !fits(t->dim[1], k) ||
        !fits(t->dim[2], C)) {
        wrong_shape(b, name, t, (size_t[]){N, k, C}, 3);
        return c;
    }
    if (!check_weight_type(b, name, t)) return c;
    if (t->dim[1] > TB_CONV_MAX_TAPS) {
        b->status = tb_fail(b->err, TB_EMODEL,
                            "%s: the convolution %s has %zu taps; at most %d are "
                            "possible",
                            tb_weights_label(b->weights), name, t->dim[1], TB_CONV_MAX_TAPS);
        return c;
    }
    c.k = t->dim[1];
    c.C = t->dim[2];
    c.w = (tb_mat){.type = t->type, .N = t->dim[0], .K = c.k * c.C, .rows = t->data};
    if (bias) c.w.bias = bias_beside(b, c.w.N, name);
    return b->status ? (tb_conv){0} : c;
}

void tb_bind_nothing_left(tb_bind *b)
{
    const char *prefix = b->prefix ? b->prefix : "";

    for (size_t i = 0; !b->status && i < tb_weights_count(b->weights); i++) {
        const char *name = tb_weights_name(b->weights, i);

        if (strncmp(name, prefix, strlen(prefix)) == 0 && !tb_weights_marked(b->weights, i))
            b->status = tb_fail(b->err, TB_EMODEL, "%s has a tensor that nothing here uses: %s",
                                tb_weights_file(b->weights, tb_weights_at(b->weights, i)), name);
    }
}
