/*
 * Flow and vocoder at full size against recordings of the reference, with the seeded weights of
 * true shapes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "dsp/mel.h"
#include "golden.h"
#include "s3gen.h"

#include <math.h>
#include <stdlib.h>

/* The full-size flow and vocoder with weights by seed: a short case with its stages, one with a
 * prompt of full length, and what other types of weights change. */
static char *path;
static tb_weights *weights; /* NULL: not there */

static int load(void **state)
{
    const char *dir = golden_seeded_dir();

    (void)state;
    if (dir) {
        path = tb_sprintf("%s/s3gen_meanflow.safetensors", dir);
        weights = s3gen_weights(path, TB_F32);
    }
    return 0;
}

static int unload(void **state)
{
    (void)state;
    tb_weights_free(weights);
    tb_free(path);
    return 0;
}

static void check(const char *name, size_t compared)
{
    s3gen c;

    if (!weights) skip();
    s3gen_open(&c, name, weights, NULL);
    s3gen_check_flow(&c);
    s3gen_check_hift(&c);
    assert_int_equal(c.g.compared, compared);
    s3gen_check_chain(&c);
    s3gen_close(&c);
}

static void a_short_sentence_is_as_recorded(void **state)
{
    (void)state;
    check("s3_full", 22); /* what the reduced cases have too is left out of the data */
}

static void a_prompt_of_ten_seconds_is_as_recorded(void **state)
{
    (void)state;
    check("s3_long", 8);
}

/* What one type makes of the short case. */
typedef struct {
    float *mel;     /* (frames, 80) of the flow */
    float *log_mel; /* (frames, 80) of the waveform of the recorded mel and source */
    size_t n;
} sound;

static sound sound_of(tb_weights *w)
{
    s3gen c;
    sound s;
    tb_err err = {0};

    s3gen_open(&c, "s3_full", w, NULL);
    c.nn.trace = NULL; /* the recording is of f32 */
    s.n = c.frames * c.flow.mels;
    s.mel = tb_alloc(s.n * sizeof *s.mel);
    s.log_mel = tb_alloc(s.n * sizeof *s.log_mel);
    float *mel = s3gen_mel(&c), *wav = tb_alloc(c.len * sizeof *wav);
    const float *source = golden_f32(&c.g, "hift.source", NULL);
    if (tb_flow_run(&c.flow, &c.nn, &c.in, NULL, s.mel, &err) ||
        tb_hift_decode(&c.hift, &c.nn, mel, c.frames, source, NULL, wav, &err) ||
        tb_mel_s3gen(wav, c.len, s.log_mel, &err))
        fail_msg("%s", err.msg);
    tb_free(mel);
    tb_free(wav);
    s3gen_close(&c);
    return s;
}

/* Not more than twice the figure, and not nothing. */
static void held(const char *type, const char *what, const float *x, const float *f32, size_t n,
                 double figure)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += ((double)x[i] - (double)f32[i]) * ((double)x[i] - (double)f32[i]);
    const double rms = sqrt(sum / (double)n);
    if (getenv("GOLDEN_VERBOSE")) printf("%s %s: rms %.2e, figure %.2e\n", type, what, rms, figure);
    assert_true(rms > 0 && rms < 2 * figure);
}

/* By spectra: the waveform itself moves apart with the phase, which adds every error of f0 up. */
static void other_types_cost_what_the_documents_say(void **state)
{
    static const struct {
        tb_dtype type;
        double mel, log_mel; /* docs/model/flow.md, docs/model/hift.md */
    } types[] = {{TB_F16, 1.0e-3, 3.7e-4}, {TB_BF16, 1.0e-2, 4.2e-3}};

    (void)state;
    if (!weights) skip();
    sound f32 = sound_of(weights);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const char *name = tb_dtype_name(types[i].type);
        tb_weights *w = s3gen_weights(path, types[i].type);
        sound s = sound_of(w);

        held(name, "mel", s.mel, f32.mel, s.n, types[i].mel);
        held(name, "log-mel", s.log_mel, f32.log_mel, s.n, types[i].log_mel);
        tb_free(s.mel);
        tb_free(s.log_mel);
        tb_weights_free(w);
    }
    tb_free(f32.mel);
    tb_free(f32.log_mel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_sentence_is_as_recorded),
        cmocka_unit_test(a_prompt_of_ten_seconds_is_as_recorded),
        cmocka_unit_test(other_types_cost_what_the_documents_say),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
