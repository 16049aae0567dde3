/*
 * timbre probe: inputs of a stage from a recording (safetensors), and its outputs under the
 * recording's names.
 *
 * Inputs are checked for shape and type and converted; outputs are collected and written at the
 * end. A listener turns the networks' trace into outputs, transposed or joined as the recording has
 * them. docs/model/probe.md. Relies on tensor/weights.h and nn/trace.h.
 */
#include "base/counter.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "probe/probe_priv.h"
#include "tensor/safetensors_write.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ inputs */

tb_status tb_probe_missing(tb_probe *p, const char *name, tb_err *err)
{
    p->missing = true;
    return tb_fail(err, TB_EMALFORMED, "%s is missing: the stage %s needs %s", name, p->stage->name,
                   p->stage->needs);
}

static const tb_tensor *find(const tb_probe *p, const char *name, char full[TB_PROBE_NAME])
{
    snprintf(full, TB_PROBE_NAME, "%s%s", p->prefix, name);
    return p->in ? tb_weights_find(p->in, full) : NULL;
}

bool tb_probe_has(const tb_probe *p, const char *name)
{
    char full[TB_PROBE_NAME];
    return find(p, name, full);
}

static void *keep(tb_probe *p, void *data)
{
    if (p->n_kept == p->cap_kept) {
        const size_t cap = p->cap_kept ? 2 * p->cap_kept : 16;
        void **more = tb_alloc(cap * sizeof *more);

        if (p->n_kept) memcpy(more, p->kept, p->n_kept * sizeof *more);
        tb_free(p->kept);
        p->kept = more;
        p->cap_kept = cap;
    }
    return p->kept[p->n_kept++] = data;
}

void tb_probe_end_case(tb_probe *p)
{
    for (size_t i = 0; i < p->n_kept; i++)
        tb_free(p->kept[i]);
    p->n_kept = 0;
}

tb_status tb_probe_alloc(tb_probe *p, size_t count, size_t size, void **out, tb_err *err)
{
    void *data = tb_try_alloc(count ? count : 1, size);

    if (!data) return tb_nomem(err, count, size);
    *out = keep(p, data);
    return TB_OK;
}

/* "[2, any, 80]" */
static void print_shape(unsigned n_dims, const size_t *dim, char out[80])
{
    size_t len = (size_t)snprintf(out, 80, "[");

    for (unsigned i = 0; i < n_dims; i++)
        len += (size_t)(dim[i] ? snprintf(out + len, 80 - len, "%s%zu", i ? ", " : "", dim[i])
                               : snprintf(out + len, 80 - len, "%sany", i ? ", " : ""));
    snprintf(out + len, 80 - len, "]");
}

static tb_status check_shape(const char *name, const tb_tensor *t, unsigned n_dims, size_t *dim,
                             tb_err *err)
{
    unsigned extra = 0;

    while (t->n_dims > n_dims + extra && t->dim[extra] == 1)
        extra++;
    bool fits = t->n_dims == n_dims + extra;
    for (unsigned i = 0; fits && i < n_dims; i++)
        fits = t->dim[extra + i] > 0 && (!dim[i] || dim[i] == t->dim[extra + i]);
    if (!fits) {
        char is[80], wanted[80];

        tb_tensor_shape(t, is);
        print_shape(n_dims, dim, wanted);
        return tb_fail(err, TB_EINVAL, "%s has shape %s, wanted %s", name, is, wanted);
    }
    memcpy(dim, t->dim + extra, n_dims * sizeof *dim);
    return TB_OK;
}

tb_status tb_probe_f32(tb_probe *p, const char *name, unsigned n_dims, size_t *dim,
                       const float **out, tb_err *err)
{
    char full[TB_PROBE_NAME];
    const tb_tensor *t = find(p, name, full);
    void *buffer;

    if (!t) return tb_probe_missing(p, full, err);
    tb_status st = check_shape(full, t, n_dims, dim, err);
    if (st) return st;
    if (t->type == TB_F32) {
        *out = t->data;
        return TB_OK;
    }
    if (t->type != TB_F16 && t->type != TB_BF16)
        return tb_fail(err, TB_EINVAL, "%s is of type %s, wanted f32", full,
                       tb_dtype_name(t->type));
    st = tb_probe_alloc(p, tb_tensor_count(t), sizeof(float), &buffer, err);
    if (st) return st;
    tb_to_f32(t->type, t->data, buffer, tb_tensor_count(t));
    *out = buffer;
    return TB_OK;
}

tb_status tb_probe_ids(tb_probe *p, const char *name, const int32_t **out, size_t *n, tb_err *err)
{
    char full[TB_PROBE_NAME];
    const tb_tensor *t = find(p, name, full);
    void *buffer;
    size_t dim[1] = {0};

    if (!t) return tb_probe_missing(p, full, err);
    if (t->type != TB_I32 && t->type != TB_I64)
        return tb_fail(err, TB_EINVAL, "%s is of type %s, wanted i32 or i64", full,
                       tb_dtype_name(t->type));
    tb_status st = TB_OK;
    if (tb_tensor_count(t) > 0) st = check_shape(full, t, 1, dim, err);
    if (!st) st = tb_probe_alloc(p, dim[0], sizeof(int32_t), &buffer, err);
    if (st) return st;
    for (size_t i = 0; i < dim[0]; i++) {
        int64_t id;

        if (t->type == TB_I64)
            memcpy(&id, (const char *)t->data + i * sizeof id, sizeof id);
        else
            id = ((const int32_t *)t->data)[i];
        if (id < INT32_MIN || id > INT32_MAX)
            return tb_fail(err, TB_EINVAL, "%s holds %lld, which is no id", full, (long long)id);
        ((int32_t *)buffer)[i] = (int32_t)id;
    }
    *out = buffer;
    *n = dim[0];
    return TB_OK;
}

/* (rows, cols) to (cols, rows). */
static void transpose(const float *x, size_t rows, size_t cols, float *y)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            y[c * rows + r] = x[r * cols + c];
}

tb_status tb_probe_transposed(tb_probe *p, const char *name, size_t *rows, size_t *cols,
                              const float **out, tb_err *err)
{
    size_t dim[2] = {*cols, *rows};
    const float *x;
    void *buffer;
    tb_status st = tb_probe_f32(p, name, 2, dim, &x, err);

    if (!st) st = tb_probe_alloc(p, dim[0] * dim[1], sizeof(float), &buffer, err);
    if (st) return st;
    transpose(x, dim[0], dim[1], buffer);
    *out = buffer;
    *cols = dim[0];
    *rows = dim[1];
    return TB_OK;
}

/* ------------------------------------------------------------------- noise */

static const float SQRT3 = 1.7320508F, HALF_PI = 1.5707964F;

/* The number behind a word: "scale 3", "scale sqrt3", "scale pi/2". Left alone when there is none.
 */
static void read_number(const char *clause, const char *word, float *out)
{
    const char *at = strstr(clause, word);
    char *end;

    if (!at) return;
    at += strlen(word);
    if (tb_str_starts(at, "sqrt3")) {
        *out = SQRT3;
    } else if (tb_str_starts(at, "pi/2")) {
        *out = HALF_PI;
    } else {
        const float x = strtof(at, &end);
        if (end != at) *out = x;
    }
}

/* What the recording's note has for one key: "golden/s3_long/feat [500,80] mean -5 scale 3, ...".
 * The clause ends where the next key begins. */
static void read_note(const tb_probe *p, const char *key, float *mean, float *scale)
{
    const char *note = p->recorded ? tb_json_get_string(p->recorded, "note") : NULL;
    const char *at = note ? strstr(note, key) : NULL;

    if (!at) return;
    at += strlen(key);
    const char *next = strstr(at, p->noise);
    char *clause = next ? tb_strndup(at, (size_t)(next - at)) : tb_strdup(at);
    read_number(clause, "mean ", mean);
    read_number(clause, "scale ", scale);
    tb_free(clause);
}

tb_status tb_probe_noise(tb_probe *p, const char *name, const tb_probe_noise_spec *spec,
                         unsigned n_dims, size_t *dim, const float **out, tb_err *err)
{
    float mean = spec->mean, scale = spec->scale;
    size_t n = 1;
    void *buffer;

    if (tb_probe_has(p, name) || !p->noise) return tb_probe_f32(p, name, n_dims, dim, out, err);
    for (unsigned i = 0; i < n_dims; i++)
        n *= dim[i];
    tb_status st = tb_probe_alloc(p, n, sizeof(float), &buffer, err);
    if (st) return st;
    char *key = tb_sprintf("%s/%s", p->noise, spec->what);
    const uint64_t stream = tb_counter_stream(key);

    read_note(p, key, &mean, &scale);
    for (size_t i = 0; i < n; i++)
        ((float *)buffer)[i] = tb_counter_weight(stream, i, mean, scale);
    tb_free(key);
    *out = buffer;
    return TB_OK;
}

tb_status tb_probe_noise_transposed(tb_probe *p, const char *name, size_t rows, size_t cols,
                                    const float **out, tb_err *err)
{
    size_t dim[2] = {cols, rows};
    const float *x;
    void *buffer;
    tb_status st = tb_probe_noise(p, name, &(tb_probe_noise_spec){name, 0, SQRT3}, 2, dim, &x, err);

    if (!st) st = tb_probe_alloc(p, rows * cols, sizeof(float), &buffer, err);
    if (st) return st;
    transpose(x, cols, rows, buffer);
    *out = buffer;
    return TB_OK;
}

/* ------------------------------------------------------------- other files */

tb_status tb_probe_read(tb_probe *p, const char *flag, char **data, size_t *size, tb_err *err)
{
    const char *path = tb_cli_get(p->cli, flag);

    return path ? tb_file_read(path, TB_PROBE_FILE_MAX, data, size, err)
                : tb_probe_missing(p, flag, err);
}

tb_status tb_probe_read_json(tb_probe *p, const char *flag, tb_json **out, tb_err *err)
{
    char *text = NULL;
    size_t size = 0;
    tb_err why = {0};
    tb_status st = tb_probe_read(p, flag, &text, &size, err);

    if (st) return st;
    st = tb_json_parse_nul(text, size, out, &why);
    if (st) st = tb_fail(err, st, "%s: %s", tb_cli_get(p->cli, flag), why.msg);
    tb_free(text);
    return st;
}

/* ----------------------------------------------------------------- outputs */

tb_probe_output *tb_probe_find(tb_probe *p, const char *name)
{
    char full[TB_PROBE_NAME];

    snprintf(full, sizeof full, "%s%s", p->prefix, name);
    for (size_t i = 0; i < p->n_out; i++)
        if (strcmp(p->out[i].name, full) == 0) return &p->out[i];
    return NULL;
}

static tb_probe_output *find_or_add(tb_probe *p, const char *name)
{
    tb_probe_output *o = tb_probe_find(p, name);

    if (o) return o;
    if (p->n_out == p->cap_out) {
        const size_t cap = p->cap_out ? 2 * p->cap_out : 64;
        tb_probe_output *more = tb_alloc(cap * sizeof *more);

        if (p->n_out) memcpy(more, p->out, p->n_out * sizeof *more);
        tb_free(p->out);
        p->out = more;
        p->cap_out = cap;
    }
    o = &p->out[p->n_out++];
    *o = (tb_probe_output){.name = tb_sprintf("%s%s", p->prefix, name)};
    return o;
}

/* Room for so many bytes; grows by doubling, because rows come one by one. */
static void reserve(tb_probe_output *o, size_t bytes)
{
    if (bytes <= o->cap) return;
    size_t cap = o->cap ? 2 * o->cap : bytes;
    if (cap < bytes) cap = bytes;
    char *more = tb_alloc(cap); /* sizes were bounded where a network made them */

    if (o->data) memcpy(more, o->data, tb_tensor_bytes(&o->t));
    tb_free(o->data);
    o->data = more;
    o->t.data = more;
    o->cap = cap;
}

void tb_probe_put(tb_probe *p, const char *name, tb_dtype type, const void *data, unsigned n_dims,
                  const size_t *dim)
{
    tb_probe_output *o = find_or_add(p, name);

    tb_free(o->data);
    *o = (tb_probe_output){.name = o->name, .t = {.type = type, .n_dims = n_dims}};
    memcpy(o->t.dim, dim, n_dims * sizeof *dim);
    const size_t bytes = tb_tensor_bytes(&o->t);
    if (bytes == 0) return;
    o->data = tb_alloc(bytes);
    memcpy(o->data, data, bytes);
    o->t.data = o->data;
    o->cap = bytes;
}

void tb_probe_put_f32(tb_probe *p, const char *name, const float *x, size_t n)
{
    tb_probe_put(p, name, TB_F32, x, 1, &n);
}

void tb_probe_put_rows(tb_probe *p, const char *name, const float *x, size_t rows, size_t cols)
{
    tb_probe_put(p, name, TB_F32, x, 2, (const size_t[]){rows, cols});
}

void tb_probe_put_transposed(tb_probe *p, const char *name, const float *x, size_t rows,
                             size_t cols)
{
    const size_t n = rows * cols;
    float *y = tb_alloc((n > 0 ? n : 1) * sizeof *y);

    transpose(x, rows, cols, y);
    tb_probe_put_rows(p, name, y, cols, rows);
    tb_free(y);
}

void tb_probe_put_ids(tb_probe *p, const char *name, const int32_t *ids, size_t n)
{
    tb_probe_put(p, name, TB_I32, ids, 1, &n);
}

void tb_probe_rename(tb_probe *p, const char *name, const char *to)
{
    tb_probe_output *o = tb_probe_find(p, name);

    if (!o) return;
    tb_free(o->name);
    o->name = tb_sprintf("%s%s", p->prefix, to);
}

void tb_probe_split(tb_probe *p, const char *name, size_t a)
{
    tb_probe_output *o = tb_probe_find(p, name);

    if (!o || p->sample || o->t.n_dims != 2 || o->t.dim[0] % a) return;
    o->t.n_dims = 3;
    o->t.dim[2] = o->t.dim[1];
    o->t.dim[1] = o->t.dim[0] / a;
    o->t.dim[0] = a;
}

tb_status tb_probe_choose(tb_probe *p, const char *begin, const int32_t *rows, size_t n,
                          tb_err *err)
{
    char full[TB_PROBE_NAME];

    snprintf(full, sizeof full, "%s%s", p->prefix, begin);
    for (size_t i = 0; i < p->n_out; i++) {
        tb_probe_output *o = &p->out[i];
        const size_t width = tb_row_bytes(o->t.type, o->t.dim[1]);

        if (!tb_str_starts(o->name, full)) continue;
        char *some = tb_alloc((n ? n : 1) * width);
        for (size_t j = 0; j < n; j++) {
            if (rows[j] < 0 || (size_t)rows[j] >= o->t.dim[0]) {
                tb_free(some);
                return tb_fail(err, TB_EINVAL, "rows asks for %d; there are %zu", (int)rows[j],
                               o->t.dim[0]);
            }
            memcpy(some + j * width, (const char *)o->data + (size_t)rows[j] * width, width);
        }
        tb_free(o->data);
        o->data = some;
        o->t.data = some;
        o->t.dim[0] = n;
        o->cap = n * width;
    }
    return TB_OK;
}

/* --------------------------------------------------------------------- trace */

enum { MOMENTS = 24, MOMENTS_PART = MOMENTS / 3 };

static bool ends(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (**list == '.' ? tb_str_ends(name, *list) : strcmp(name, *list) == 0) return true;
    return false;
}

/* One row is a vector, unless the row is one step of time that happens to be alone. */
static bool is_vector(const char *name)
{
    static const char *const vectors[] = {"flow.spk", ".t_sin",       ".r_sin",    ".t_mlp",
                                          ".r_mlp",   ".temb",        ".tmlp",     "hift.f0",
                                          "wav_raw",  "stats",        "dense",     "embed",
                                          "mask",     "wm_signal32k", "embedding", NULL};
    return ends(name, vectors);
}

/* The first 8 rows, 8 from the middle, the last 8. */
static void put_sampled(tb_probe *p, const char *name, const float *x, size_t rows, size_t cols)
{
    const size_t from[] = {0, rows / 2, rows - MOMENTS_PART};
    float *some = tb_alloc(MOMENTS * cols * sizeof *some);

    for (size_t i = 0; i < 3; i++)
        memcpy(some + i * MOMENTS_PART * cols, x + from[i] * cols,
               MOMENTS_PART * cols * sizeof *some);
    tb_probe_put_rows(p, name, some, MOMENTS, cols);
    tb_free(some);
}

static void join(tb_probe *p, const char *name, const float *x, size_t rows, size_t cols)
{
    tb_probe_output *o = tb_probe_find(p, name);

    if (!o) {
        tb_probe_put_rows(p, name, x, rows, cols);
        return;
    }
    assert(o->t.dim[1] == cols);
    const size_t before = tb_tensor_bytes(&o->t), more = rows * cols * sizeof *x;
    reserve(o, before + more);
    memcpy((char *)o->data + before, x, more);
    o->t.dim[0] += rows;
}

static void on_trace(void *self, const char *said, const float *x, size_t rows, size_t cols,
                     bool transposed)
{
    tb_probe *p = self;
    char name[TB_PROBE_NAME];

    if (p->trace_only && !tb_str_starts(said, p->trace_only)) return;
    snprintf(name, sizeof name, "%s%s", p->trace_prefix ? p->trace_prefix : "", said);
    if (p->trace_joins) {
        assert(!transposed);
        join(p, name, x, rows, cols);
        return;
    }
    tb_probe_output *before = tb_probe_find(p, name);
    if (before) {
        before->partial = true;
        return;
    }
    if (rows == 1 && !transposed && is_vector(said))
        tb_probe_put_f32(p, name, x, cols);
    else if (p->sample && rows > MOMENTS && strcmp(said, "project_down") != 0)
        put_sampled(p, name, x, rows, cols);
    else if (transposed && !p->sample)
        tb_probe_put_transposed(p, name, x, rows, cols);
    else
        tb_probe_put_rows(p, name, x, rows, cols);
}

void tb_probe_record_trace(tb_probe *p)
{
    p->trace = (tb_trace){.put = on_trace, .self = p};
    p->nn.trace = &p->trace;
}

/* ------------------------------------------------------------------- write */

tb_status tb_probe_write(const tb_probe *p, const char *path, tb_err *err)
{
    const char **names = tb_alloc((p->n_out + 1) * sizeof *names);
    tb_tensor *tensors = tb_alloc((p->n_out + 1) * sizeof *tensors);
    size_t n = 0;

    for (size_t i = 0; i < p->n_out; i++) {
        if (p->out[i].partial) continue;
        names[n] = p->out[i].name;
        tensors[n++] = p->out[i].t;
    }
    tb_status st = tb_safetensors_write(path, names, tensors, n, err);
    tb_free(names);
    tb_free(tensors);
    return st;
}

void tb_probe_clear(tb_probe *p)
{
    tb_probe_end_case(p);
    tb_free(p->kept);
    for (size_t i = 0; i < p->n_out; i++) {
        tb_free(p->out[i].name);
        tb_free(p->out[i].data);
    }
    tb_free(p->out);
    tb_perth_close(p->perth);
    tb_bpe_close(p->bpe);
    tb_weights_free(p->weights);
    tb_weights_free(p->in);
    tb_scratch_free(p->nn.scratch);
    tb_thread_pool_free(p->nn.pool);
    tb_json_free(p->recorded);
}
