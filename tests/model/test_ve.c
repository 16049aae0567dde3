/*
 * Tests of the voice encoder: lengths, partial windows, silence, wrong weights.
 */
#include "model/ve.h"

#include "base/mem.h"
#include "signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A network of two layers, small enough to say by hand what it must do. Agreement with the
 * reference is in tests/golden/test_ve.c. */
enum { M = 3, H = 5, D = 4, STRETCH = 12, STEP = 5 };
static const tb_ve_hparams hp = {.stretch = STRETCH, .step = STEP, .covered = 0.8};

static void add(tb_weights *w, const char *name, size_t rows, size_t cols, unsigned seed)
{
    tb_tensor t = {.type = TB_F32, .n_dims = cols > 1 ? 2 : 1, .dim = {rows, cols}};
    float *x = signal_noise(seed, 0.5, rows * cols);
    t.data = x;
    assert_int_equal(tb_weights_add(w, name, &t, x, NULL), TB_OK);
}

/* without (may be NULL) is left out, odd gets another shape. */
static tb_weights *weights(const char *without, const char *odd)
{
    static const struct {
        const char *name;
        size_t rows, cols;
    } all[] = {
        {"ve.lstm.weight_ih_l0", 4 * H, M}, {"ve.lstm.weight_hh_l0", 4 * H, H},
        {"ve.lstm.bias_ih_l0", 4 * H, 1},   {"ve.lstm.bias_hh_l0", 4 * H, 1},
        {"ve.lstm.weight_ih_l1", 4 * H, H}, {"ve.lstm.weight_hh_l1", 4 * H, H},
        {"ve.lstm.bias_ih_l1", 4 * H, 1},   {"ve.lstm.bias_hh_l1", 4 * H, 1},
        {"ve.proj.weight", D, H},           {"ve.proj.bias", D, 1},
        {"ve.similarity_weight", 1, 1},     {"ve.similarity_bias", 1, 1},
    };
    tb_weights *w = tb_weights_new("a small voice encoder");
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
        if (!without || strcmp(all[i].name, without) != 0)
            add(w, all[i].name, all[i].rows, all[i].cols + (odd && !strcmp(all[i].name, odd)), i);
    return w;
}

typedef struct {
    tb_weights *w;
    tb_ve ve;
    tb_nn nn;
} fixture;

static fixture open_one(void)
{
    fixture f = {.w = weights(NULL, NULL), .nn = {.scratch = tb_scratch_new()}};
    assert_int_equal(tb_ve_bind(f.w, &hp, &f.ve, NULL), TB_OK);
    return f;
}

static void close_one(fixture *f)
{
    tb_ve_clear(&f->ve);
    tb_scratch_free(f->nn.scratch);
    tb_weights_free(f->w);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* The definition, one stretch, in double. */
static void by_hand(const tb_weights *w, const float *mel, size_t there, double e[D])
{
    double x[STRETCH][H] = {{0}}, size = 0;
    for (int l = 0; l < 2; l++) {
        const float *p[4];
        static const char *const kinds[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
        const size_t K = l ? H : M;
        double h[H] = {0}, c[H] = {0};
        for (int i = 0; i < 4; i++) {
            char name[40];
            snprintf(name, sizeof name, "ve.lstm.%s_l%d", kinds[i], l);
            p[i] = tb_weights_find(w, name)->data;
        }
        for (size_t t = 0; t < STRETCH; t++) {
            double gate[4 * H];
            for (size_t n = 0; n < 4 * H; n++) {
                gate[n] = (double)p[2][n] + (double)p[3][n];
                for (size_t k = 0; k < K; k++)
                    gate[n] += (double)p[0][n * K + k] * (l           ? x[t][k]
                                                          : t < there ? (double)mel[t * M + k]
                                                                      : 0);
                for (size_t k = 0; k < H; k++)
                    gate[n] += (double)p[1][n * H + k] * h[k];
            }
            for (size_t k = 0; k < H; k++) {
                c[k] = sigmoid(gate[H + k]) * c[k] + sigmoid(gate[k]) * tanh(gate[2 * H + k]);
                h[k] = sigmoid(gate[3 * H + k]) * tanh(c[k]);
            }
            memcpy(x[t], h, sizeof h);
        }
    }
    const float *proj = tb_weights_find(w, "ve.proj.weight")->data;
    const float *bias = tb_weights_find(w, "ve.proj.bias")->data;
    for (size_t n = 0; n < D; n++) {
        e[n] = (double)bias[n];
        for (size_t k = 0; k < H; k++)
            e[n] += (double)proj[n * H + k] * x[STRETCH - 1][k];
        e[n] = fmax(e[n], 0);
        size += e[n] * e[n];
    }
    for (size_t n = 0; n < D; n++)
        e[n] /= sqrt(size);
}

/* Lengths around every edge, and 70 stretches: more than run side by side, by a rest. */
static void any_length_is_the_definition(void **state)
{
    static const size_t lengths[] = {
        1,  4, 9, 11, 12, 13, 14, 15, 16, 17, 18, 22, 60, 31 * STEP + STRETCH, 32 * STEP + STRETCH,
        357};
    (void)state;
    fixture f = open_one();
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        const size_t n = lengths[i], Q = tb_ve_stretches(&hp, n);
        float *mel = signal_noise(20 + (unsigned)i, 1, n * M), got[D];
        double want[D] = {0}, size = 0;
        for (size_t q = 0; q < Q; q++) {
            double e[D];
            by_hand(f.w, mel + q * STEP * M, n - q * STEP, e);
            for (size_t k = 0; k < D; k++)
                want[k] += e[k];
        }
        for (size_t k = 0; k < D; k++)
            size += want[k] * want[k];
        tb_ve_run(&f.ve, &f.nn, mel, n, got);
        for (size_t k = 0; k < D; k++)
            assert_close(got[k], want[k] / sqrt(size), 2e-6);
        tb_free(mel);
    }
    close_one(&f);
}

/* Four fifths of a stretch of 12 are 9.6 frames: the second, from 5 on, counts from 15 frames. */
static void a_stretch_counts_when_four_fifths_are_there(void **state)
{
    (void)state;
    assert_int_equal(tb_ve_stretches(&hp, 1), 1);
    assert_int_equal(tb_ve_stretches(&hp, 14), 1);
    assert_int_equal(tb_ve_stretches(&hp, 15), 2);
    assert_int_equal(tb_ve_stretches(&hp, 19), 2);
    assert_int_equal(tb_ve_stretches(&hp, 20), 3);
    assert_int_equal(tb_ve_stretches(&tb_ve_published, 204), 1);
    assert_int_equal(tb_ve_stretches(&tb_ve_published, 205), 2);
}

static void silence_is_a_voice_too_and_no_direction_stays_zero(void **state)
{
    (void)state;
    fixture f = open_one();
    float mel[30 * M] = {0}, out[D];
    double size = 0;
    tb_ve_run(&f.ve, &f.nn, mel, 30, out);
    for (size_t k = 0; k < D; k++)
        size += (double)out[k] * (double)out[k];
    assert_close(size, 1, 1e-6);

    const float none[D] = {-9, -9, -9, -9}; /* nothing passes the rectifier */
    f.ve.proj.bias = none;
    tb_ve_run(&f.ve, &f.nn, mel, 30, out);
    for (size_t k = 0; k < D; k++)
        assert_close(out[k], 0, 0);
    close_one(&f);
}

static void the_loudest_spectrogram_gives_numbers(void **state)
{
    (void)state;
    fixture f = open_one();
    float mel[30 * M], out[D];
    for (size_t i = 0; i < 30 * M; i++)
        mel[i] = i % 2 ? 1e15F : -1e15F;
    tb_ve_run(&f.ve, &f.nn, mel, 30, out);
    for (size_t k = 0; k < D; k++)
        assert_true(isfinite(out[k]));
    close_one(&f);
}

static void a_tensor_that_is_missing_or_odd_is_named(void **state)
{
    static const char *const names[] = {"ve.lstm.weight_ih_l0", "ve.lstm.weight_hh_l0",
                                        "ve.lstm.bias_ih_l0",   "ve.lstm.weight_hh_l1",
                                        "ve.lstm.bias_hh_l1",   "ve.proj.weight",
                                        "ve.proj.bias"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (int odd = 0; odd < 2; odd++) {
            if (odd && i == 0) continue; /* another number of bands is no mistake */
            tb_ve ve = {0};
            tb_err err = {0};
            tb_weights *w = weights(odd ? NULL : names[i], odd ? names[i] : NULL);
            assert_int_equal(tb_ve_bind(w, &hp, &ve, &err), TB_EMODEL);
            if (!strstr(err.msg, names[i])) fail_msg("'%s' does not name %s", err.msg, names[i]);
            assert_null(ve.layers);
            tb_weights_free(w);
        }
}

static void a_tensor_that_nobody_knows_is_refused(void **state)
{
    (void)state;
    tb_ve ve = {0};
    tb_err err = {0};
    tb_weights *w = weights(NULL, NULL);
    add(w, "ve.lstm.extra", 3, 1, 1);
    assert_int_equal(tb_ve_bind(w, &hp, &ve, &err), TB_EMODEL);
    assert_non_null(strstr(err.msg, "ve.lstm.extra"));
    tb_weights_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_length_is_the_definition),
        cmocka_unit_test(a_stretch_counts_when_four_fifths_are_there),
        cmocka_unit_test(silence_is_a_voice_too_and_no_direction_stays_zero),
        cmocka_unit_test(the_loudest_spectrogram_gives_numbers),
        cmocka_unit_test(a_tensor_that_is_missing_or_odd_is_named),
        cmocka_unit_test(a_tensor_that_nobody_knows_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
