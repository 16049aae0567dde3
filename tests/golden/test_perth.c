/*
 * The watermark against a recorded signal, in blocks, on silence, and with wrong files.
 */
#include "model/perth.h"

#include "base/counter.h"
#include "base/file.h"
#include "torch_help.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "golden.h"

static char home[] = "/tmp/timbre-test-perth-XXXXXX";

/* The seeded encoder, as the file would come: out, in, width, and the scale of the weights. Biases
 * are of scale 0.086603, all means 0. */
enum { LAYERS = 7 };
static const struct {
    int64_t N, C, k;
    float scale;
} layers[LAYERS] = {
    {256, 128, 1, 0.18371F},   {256, 256, 7, 0.049099F}, {256, 256, 7, 0.049099F},
    {256, 256, 7, 0.049099F},  {256, 256, 7, 0.049099F}, {256, 256, 7, 0.049099F},
    {128, 256, 1, 0.0032476F},
};

/* What a test leaves out or changes. */
typedef struct {
    const char *without; /* a tensor's name, or "model" */
    size_t layer;        /* whose axis is not what it should be */
    int axis;            /* 0: none; 1, 2, 3: its in, out and width become 2 */
} change;

static void put_tensor(zip_maker *z, tb_str *p, const change *c, const char *name, size_t i,
                       bool bias)
{
    int64_t N = layers[i].N, C = layers[i].C, k = layers[i].k;
    if (c->without && strcmp(c->without, name) == 0) return;
    if (c->axis && c->layer == i && !bias) {
        if (c->axis == 1) C = 2;
        if (c->axis == 2) N = 2;
        if (c->axis == 3) k = 2;
    }
    size_t n = (size_t)(bias ? layers[i].N : N * C * k);
    float *x = tb_alloc(n * sizeof *x);
    char *seed = tb_sprintf("perth/%s", name), *key = tb_sprintf("%zu", 2 * i + bias);
    char *path = tb_sprintf("perth/data/%s", key);
    uint64_t stream = tb_counter_stream(seed);
    for (size_t j = 0; j < n; j++)
        x[j] = tb_counter_weight(stream, j, 0, bias ? 0.086603F : layers[i].scale);
    zip_add(z, path, x, n * sizeof *x);
    pickled_tensor t = {.class = "FloatStorage",
                        .key = key,
                        .numel = (int64_t)n,
                        .n_dims = bias ? 1 : 3,
                        .dim = {bias ? (int64_t)n : N, C, k},
                        .stride = {bias ? 1 : C * k, k, 1}};
    pickle_text(p, name);
    pickle_tensor(p, &t);
    tb_free(x);
    tb_free(seed);
    tb_free(key);
    tb_free(path);
}

/* perth_net_250000.pth.tar in the test's folder: {"model": state dict, "step": 250000}. */
static char *make_file(const change *c)
{
    zip_maker z = zip_begin();
    tb_str p;
    size_t size = 0;
    tb_err err = {0};
    tb_str_init(&p, 1 << 16);
    tb_str_add(&p, "\x80\2}(", 4);
    pickle_text(&p, c->without && strcmp(c->without, "model") == 0 ? "weights" : "model");
    tb_str_puts(&p, "ccollections\nOrderedDict\n)R(");
    for (size_t i = 0; i < LAYERS; i++)
        for (int bias = 0; bias < 2; bias++) {
            char *name = tb_sprintf("encoder.layers.%zu.conv.%s", i, bias ? "bias" : "weight");
            put_tensor(&z, &p, c, name, i, bias);
            tb_free(name);
        }
    tb_str_puts(&p, "u}");
    pickle_text(&p, "_metadata");
    tb_str_puts(&p, "ccollections\nOrderedDict\n)Rsb");
    pickle_text(&p, "step");
    pickle_int(&p, 250000);
    tb_str_puts(&p, "u.");
    zip_add(&z, "perth/data.pkl", p.data, p.len);
    tb_str_clear(&p);
    char *bytes = zip_end(&z, &size), *path = tb_path_join(home, "perth_net_250000.pth.tar");
    if (tb_file_write(path, bytes, size, 0600, &err)) fail_msg("%s", err.msg);
    tb_free(bytes);
    return path;
}

static tb_perth *seeded;

static int begin(void **state)
{
    tb_err err = {0};
    (void)state;
    if (!mkdtemp(home)) return -1;
    char *path = make_file(&(change){0});
    tb_status st = tb_perth_open(path, &seeded, &err);
    if (st) print_error("%s\n", err.msg);
    unlink(path);
    tb_free(path);
    return st ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    tb_perth_close(seeded);
    return rmdir(home);
}

static void the_recorded_signal_is_marked_alike(void **state)
{
    golden g;
    golden_trace trace;
    tb_nn nn = {.scratch = tb_scratch_new()};
    tb_err err = {0};
    size_t n = 0;
    (void)state;
    golden_open(&g, "perth");
    golden_listen(&trace, &g);
    nn.trace = &trace.trace;
    const float *signal = golden_f32(&g, "signal32k", &n);
    float *x = tb_alloc(n * sizeof *x);
    memcpy(x, signal, n * sizeof *x);
    if (tb_perth_mark(seeded, &nn, x, n, &err)) fail_msg("%s", err.msg);
    assert_int_equal(g.compared, 4);
    tb_free(x);
    tb_scratch_free(nn.scratch);
    golden_close(&g);
}

static void noise(float *x, size_t n, float gain)
{
    uint64_t stream = tb_counter_stream("test/perth");
    for (size_t i = 0; i < n; i++)
        x[i] = gain * (float)(2 * tb_counter_uniform(stream, i) - 1);
}

/* A signal is worked on in blocks of frames; where they meet must not be heard. The second half
 * alone has its blocks elsewhere, and away from its ends it comes out the same. */
static void blocks_leave_no_seams(void **state)
{
    /* In frames; the edge is the network's reach and the window's. */
    const size_t n = (size_t)600 * TB_PERTH_HOP, cut = (size_t)200 * TB_PERTH_HOP;
    const size_t edge = (size_t)(15 + 4) * TB_PERTH_HOP;
    tb_nn nn = {.scratch = tb_scratch_new()};
    float *whole = tb_alloc(n * sizeof *whole), *half = tb_alloc((n - cut) * sizeof *half);
    float worst = 0;
    (void)state;
    noise(whole, n, 0.3F);
    memcpy(half, whole + cut, (n - cut) * sizeof *half);
    assert_int_equal(tb_perth_mark(seeded, &nn, whole, n, NULL), TB_OK);
    assert_int_equal(tb_perth_mark(seeded, &nn, half, n - cut, NULL), TB_OK);
    for (size_t i = edge; i < n - cut - edge; i++)
        worst = fmaxf(worst, fabsf(whole[cut + i] - half[i]));
    if (!(worst <= 1e-6F)) fail_msg("%g apart", (double)worst);
    tb_free(whole);
    tb_free(half);
    tb_scratch_free(nn.scratch);
}

static void length_and_silence_stay(void **state)
{
    static const size_t lengths[] = {0,   1,    2,    3,    100,   959,  960,
                                     961, 1200, 2399, 2401, 24000, 24007};
    tb_nn nn = {.scratch = tb_scratch_new()};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof lengths / sizeof lengths[0]; i++) {
        tb_pcm pcm = {0};
        float worst = 0;
        size_t n = lengths[i / 2];
        assert_int_equal(tb_pcm_init(&pcm, n, TB_RATE_HZ, NULL), TB_OK);
        if (i % 2) noise(pcm.data, n, 0.3F);
        assert_int_equal(tb_perth_apply(seeded, &nn, &pcm, NULL), TB_OK);
        assert_int_equal(pcm.len, n);
        assert_int_equal(pcm.rate_hz, TB_RATE_HZ);
        for (size_t k = 0; k < n; k++) {
            assert_true(isfinite(pcm.data[k]));
            worst = fmaxf(worst, fabsf(pcm.data[k]));
        }
        if (i % 2 == 0) assert_true(worst <= 1e-7F); /* nothing in, nothing out */
        if (i % 2 == 1 && n > 0) assert_true(worst > 1e-3F);
        tb_pcm_clear(&pcm);
    }
    tb_scratch_free(nn.scratch);
}

/* Above the mark's 2 kHz, and in a pause between two sounds, the sound is what it was. */
static void pauses_and_high_tones_are_not_touched(void **state)
{
    enum { LEN = 64000, PAUSE = 20000, PAUSE_END = 44000 }; /* samples at 32 kHz */
    tb_nn nn = {.scratch = tb_scratch_new()};
    float *x = tb_alloc(LEN * sizeof *x);
    double tone[2];
    (void)state;
    for (size_t i = 0; i < LEN; i++)
        if (i < PAUSE || i >= PAUSE_END) x[i] = 0.3F * sinf(1.57079633F * (float)(i % 4));
    for (int pass = 0; pass < 2; pass++) {
        double re = 0, im = 0; /* of 8 kHz */
        for (size_t i = 4000; i < 16000; i++) {
            re += (double)x[i] * cos(1.57079632679 * (double)(i % 4));
            im += (double)x[i] * sin(1.57079632679 * (double)(i % 4));
        }
        tone[pass] = hypot(re, im);
        if (pass == 0) assert_int_equal(tb_perth_mark(seeded, &nn, x, LEN, NULL), TB_OK);
    }
    assert_true(fabs(tone[1] / tone[0] - 1) < 1e-3);
    for (size_t i = PAUSE + TB_PERTH_FFT; i < PAUSE_END - TB_PERTH_FFT; i++)
        assert_true(x[i] == 0); /* to the bit: without the mask there is a hiss of 1e-10 */
    tb_free(x);
    tb_scratch_free(nn.scratch);
}

static void a_wrong_file_has_its_sentence(void **state)
{
    static const struct {
        change c;
        const char *word;
    } wrong[] = {
        {{"model", 0, 0}, "dict model is missing"},
        {{"encoder.layers.0.conv.weight", 0, 0}, "encoder.layers.0.conv.weight is missing"},
        {{"encoder.layers.3.conv.bias", 0, 0}, "encoder.layers.3.conv.bias is missing"},
        {{"encoder.layers.6.conv.weight", 0, 0}, "reads 128 bands and writes 256"},
        {{NULL, 0, 1}, "reads 2 bands"},
        {{NULL, 1, 1}, "encoder.layers.1.conv.weight has shape [256, 7, 2]"},
        {{NULL, 6, 2}, "encoder.layers.6.conv.bias has shape [128]"},
        {{NULL, 2, 3}, "even width 2"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tb_perth *perth = NULL;
        tb_err err = {0};
        char *path = make_file(&wrong[i].c);
        assert_int_equal(tb_perth_open(path, &perth, &err), TB_EMODEL);
        if (!strstr(err.msg, wrong[i].word)) fail_msg("%zu: %s", i, err.msg);
        assert_null(perth);
        unlink(path);
        tb_free(path);
    }
    tb_perth *perth = NULL;
    assert_int_equal(tb_perth_open("/nowhere/perth.pth.tar", &perth, NULL), TB_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_recorded_signal_is_marked_alike),
        cmocka_unit_test(blocks_leave_no_seams),
        cmocka_unit_test(length_and_silence_stay),
        cmocka_unit_test(pauses_and_high_tones_are_not_touched),
        cmocka_unit_test(a_wrong_file_has_its_sentence),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
