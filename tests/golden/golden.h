#ifndef TB_GOLDEN_H
#define TB_GOLDEN_H

#include "base/json.h"
#include "nn/ops.h"
#include "tensor/weights.h"

/*
 * A recorded case, tests/data/golden/<name>.safetensors with <name>.json beside it, and what a
 * network traced. A stage is fed the recording's inputs; what it traces is compared
 * with the recording under the same name. Failures end the cmocka test with a sentence.
 */
typedef struct {
    const char *name;
    tb_weights *tensors;
    tb_json *json;    /* NULL when there is none */
    double looseness; /* multiplies the tolerance of 10 err32 + 1e-6; 1 unless the test says why */
    const char *prefix; /* golden name = prefix + traced name; "" */
    size_t compared;    /* arrays compared so far */
} golden;

void golden_open(golden *g, const char *name);
void golden_close(golden *g);
bool golden_has(const golden *g, const char *name);
/* Borrowed data; fails the test when absent or of another type. */
const float *golden_f32(const golden *g, const char *name, size_t *count);
/* As int32, heap (free with tb_free), from I32 or I64. */
int32_t *golden_ids(const golden *g, const char *name, size_t *count);
size_t golden_dim(const golden *g, const char *name, unsigned axis);
double golden_err32(const golden *g, const char *name); /* 0 when the JSON says nothing */

/* |x - recorded| <= tolerance everywhere; tolerance < 0: looseness * (10 err32 + 1e-6). x (rows,
 * cols), transposed when the recording is (cols, rows). Counts must agree. */
void golden_compare(golden *g, const char *name, const float *x, size_t rows, size_t cols,
                    bool transposed, double tolerance);

/* A trace that compares every array that the recording has; others are ignored. rows (may be NULL):
 * the recording holds only these rows of arrays whose name starts with rows_prefix. */
typedef struct {
    tb_trace trace;
    golden *g;
    const int32_t *rows;
    size_t n_rows;
    const char *rows_prefix;
    const char *skip; /* names, space-separated, that the test compares itself */
} golden_trace;
void golden_listen(golden_trace *t, golden *g);

/* The generator of seeded weights and noise (test data that is made, not stored). n normals for
 * scale 1.7320508; see docs/model/seeded.md. */
void golden_noise(const char *key, float mean, float scale, float *out, size_t n);

/* The seeded full-size model's folder, or NULL after saying why (no disk, not made): the test then
 * skips. Nano's T3 is in its folder nano. */
const char *golden_seeded_dir(void);

#endif
