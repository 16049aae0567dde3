/*
 * Support of the golden tests: opens recordings of the reference, compares arrays with a tolerance,
 * reports the worst place.
 */
#include "golden.h"

#include "base/counter.h"
#include "base/file.h"
#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void golden_open(golden *g, const char *name)
{
    tb_err err = {0};
    char *path = tb_sprintf("%s/golden/%s.safetensors", TB_TEST_DATA, name);
    *g = (golden){.name = name, .looseness = 1, .prefix = ""};
    if (tb_safetensors_open(path, &g->tensors, &err)) fail_msg("%s", err.msg);
    tb_free(path);
    path = tb_sprintf("%s/golden/%s.json", TB_TEST_DATA, name);
    char *text = NULL;
    size_t size = 0;
    if (tb_file_exists(path)) {
        if (tb_file_read(path, 16 << 20, &text, &size, &err) ||
            tb_json_parse(text, size, &g->json, &err))
            fail_msg("%s: %s", path, err.msg);
    }
    tb_free(text);
    tb_free(path);
}

void golden_close(golden *g)
{
    tb_weights_free(g->tensors);
    tb_json_free(g->json);
    *g = (golden){0};
}

static const tb_tensor *find(const golden *g, const char *name)
{
    char full[160];
    snprintf(full, sizeof full, "%s%s", g->prefix, name);
    return tb_weights_find(g->tensors, full);
}

static const tb_tensor *must_find(const golden *g, const char *name)
{
    const tb_tensor *t = find(g, name);
    if (!t) fail_msg("%s: the recording has no '%s%s'", g->name, g->prefix, name);
    return t;
}

bool golden_has(const golden *g, const char *name)
{
    return find(g, name);
}

const float *golden_f32(const golden *g, const char *name, size_t *count)
{
    const tb_tensor *t = must_find(g, name);
    if (t->type != TB_F32) fail_msg("%s: '%s' is not f32", g->name, name);
    if (count) *count = tb_tensor_count(t);
    return t->data;
}

int32_t *golden_ids(const golden *g, const char *name, size_t *count)
{
    const tb_tensor *t = must_find(g, name);
    size_t n = tb_tensor_count(t);
    int32_t *ids = tb_alloc((n ? n : 1) * sizeof *ids);
    if (t->type == TB_I32)
        memcpy(ids, t->data, n * sizeof *ids);
    else if (t->type == TB_I64)
        for (size_t i = 0; i < n; i++) {
            int64_t id;
            memcpy(&id, (const char *)t->data + i * 8, 8);
            ids[i] = (int32_t)id;
        }
    else
        fail_msg("%s: '%s' holds no ids", g->name, name);
    if (count) *count = n;
    return ids;
}

size_t golden_dim(const golden *g, const char *name, unsigned axis)
{
    const tb_tensor *t = must_find(g, name);
    assert_true(axis < t->n_dims);
    return t->dim[axis];
}

double golden_err32(const golden *g, const char *name)
{
    const tb_json *all = g->json ? tb_json_get(g->json, "tensors") : NULL;
    const tb_json *one = all ? tb_json_get(all, name) : NULL;
    const tb_json *e = one ? tb_json_get(one, "err32") : NULL;
    return e ? tb_json_number(e) : 0;
}

void golden_compare(golden *g, const char *name, const float *x, size_t rows, size_t cols,
                    bool transposed, double tolerance)
{
    size_t n;
    const float *want = golden_f32(g, name, &n);
    if (n != rows * cols)
        fail_msg("%s: '%s' has %zu x %zu numbers, the recording %zu", g->name, name, rows, cols, n);
    if (tolerance < 0) tolerance = g->looseness * (10 * golden_err32(g, name) + 1e-6);
    double worst = 0;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) {
            double a = (double)x[r * cols + c];
            double b = (double)want[transposed ? c * rows + r : r * cols + c];
            double off = fabs(a - b);
            if (!(off <= tolerance))
                fail_msg("%s: '%s' (%zu, %zu) is %.9g, recorded %.9g, off by %.3g, allowed %.3g",
                         g->name, name, r, c, a, b, off, tolerance);
            worst = off > worst ? off : worst;
        }
    g->compared++;
    if (getenv("GOLDEN_VERBOSE"))
        printf("%s %s%s: off by %.2e of %.2e\n", g->name, g->prefix, name, worst, tolerance);
}

static bool listed(const char *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *p = list; p && (p = strstr(p, name)); p += len)
        if ((p == list || p[-1] == ' ') && (p[len] == 0 || p[len] == ' ')) return true;
    return false;
}

static void put(void *self, const char *name, const float *x, size_t rows, size_t cols,
                bool transposed)
{
    golden_trace *t = self;
    if (!golden_has(t->g, name) || listed(t->skip, name)) return;
    if (!t->rows || strncmp(name, t->rows_prefix, strlen(t->rows_prefix)) != 0) {
        golden_compare(t->g, name, x, rows, cols, transposed, -1);
        return;
    }
    float *some = tb_alloc(t->n_rows * cols * sizeof *some);
    for (size_t i = 0; i < t->n_rows; i++) {
        assert_true((size_t)t->rows[i] < rows);
        memcpy(some + i * cols, x + (size_t)t->rows[i] * cols, cols * sizeof *some);
    }
    golden_compare(t->g, name, some, t->n_rows, cols, transposed, -1);
    tb_free(some);
}

void golden_listen(golden_trace *t, golden *g)
{
    *t = (golden_trace){.trace = {.put = put, .self = t}, .g = g};
}

void golden_noise(const char *key, float mean, float scale, float *out, size_t n)
{
    uint64_t stream = tb_counter_stream(key);
    for (size_t i = 0; i < n; i++)
        out[i] = tb_counter_weight(stream, i, mean, scale);
}

const char *golden_seeded_dir(void)
{
    const char *dir = getenv("TIMBRE_SEEDED");
    if (dir && *dir) {
        char *path = tb_path_join(dir, "s3gen_meanflow.safetensors");
        bool there = tb_file_exists(path);
        tb_free(path);
        if (there) return dir;
    }
    printf("the seeded full-size model is not there: skipped\n");
    return NULL;
}
