/*
 * Tests of the front end: lengths, silence, rates, damaged samples, tables of the model file.
 */
#include "model/front.h"

#include "signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Recordings that are no recordings, and lengths at their edges; the arrays themselves are compared
 * with the reference's in tests/golden/test_front.c. */

static tb_pcm speech(size_t len, int rate_hz)
{
    return (tb_pcm){.data = signal_speech(120, len), .len = len, .rate_hz = rate_hz};
}

static void refuse(const tb_pcm *recording, const char *word)
{
    tb_front front = {0};
    tb_err err = {0};
    assert_int_equal(tb_front_make(recording, NULL, NULL, &front, &err), TB_EINVAL);
    if (!strstr(err.msg, word)) fail_msg("'%s' does not say '%s'", err.msg, word);
    assert_null(front.w24.data);
}

static void five_seconds_are_too_short_and_a_sample_more_is_enough(void **state)
{
    (void)state;
    tb_pcm recording = speech(120001, 24000);
    tb_front front = {0};
    assert_int_equal(tb_front_make(&recording, NULL, NULL, &front, NULL), TB_OK);
    assert_int_equal(front.mel24.rows, 250);
    assert_int_equal(front.s3_flow.rows, 500);
    tb_front_clear(&front);
    recording.len = 120000;
    refuse(&recording, "5.00 s");
    recording.len = 1;
    refuse(&recording, "0.00 s");
    tb_free(recording.data);
}

/* The reference counts 120001 samples where there are five seconds at 22.05 kHz, and so do we. */
static void five_seconds_at_22050_pass(void **state)
{
    (void)state;
    tb_pcm recording = speech(110250, 22050);
    tb_front front = {0};
    assert_int_equal(tb_front_make(&recording, NULL, NULL, &front, NULL), TB_OK);
    assert_int_equal(front.w24.len, TB_FRONT_MIN_LEN);
    tb_front_clear(&front);
    recording.len--;
    refuse(&recording, "more than 5 s");
    tb_free(recording.data);
}

static void nothing_and_silence_have_their_sentences(void **state)
{
    (void)state;
    tb_pcm recording = {.data = tb_alloc(200000 * sizeof(float)), .len = 200000, .rate_hz = 24000};
    refuse(&recording, "silent");
    recording.len = 0;
    refuse(&recording, "0.00 s");
    tb_free(recording.data);
}

static void what_is_no_number_is_refused_where_it_stands(void **state)
{
    (void)state;
    static const float wrong[] = {NAN, INFINITY, -INFINITY, 3e38F};
    tb_pcm recording = speech(130000, 24000);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        recording.data[60000] = wrong[i];
        refuse(&recording, "2.50 s");
    }
    tb_free(recording.data);
}

static void impossible_rates_are_refused(void **state)
{
    (void)state;
    tb_pcm recording = speech(1000, 0);
    refuse(&recording, "1000 to 384000");
    recording.rate_hz = -44100;
    refuse(&recording, "1000 to 384000");
    tb_free(recording.data);
}

static void assert_finite(const tb_frames *f)
{
    assert_true(f->rows > 0);
    for (size_t i = 0; i < f->rows * f->cols; i++)
        assert_true(isfinite(f->data[i]));
}

/* A click and nothing else, a whisper below every gate, the loudest: strange, but sound. */
static void strange_recordings_give_numbers(void **state)
{
    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        tb_pcm recording = {.data = tb_alloc(130000 * sizeof(float)),
                            .len = 130000,
                            .rate_hz = 24000};
        tb_front front = {0};
        for (size_t i = 0; i < recording.len; i++)
            recording.data[i] = kind == 2 ? 1e-30F : kind == 3 ? (float)(i % 50) * 2e4F : 0;
        if (kind == 0) recording.data[0] = 1;
        if (kind == 1) recording.data[129999] = 1;
        if (kind == 4) recording.data[60000] = 1e-40F;
        assert_int_equal(tb_front_make(&recording, NULL, NULL, &front, NULL), TB_OK);
        assert_true(isfinite(front.gain) && front.gain > 0);
        if (kind == 2) assert_close(front.gain, 1, 0);
        assert_finite(&front.mel24);
        assert_finite(&front.s3_prompt);
        assert_finite(&front.s3_flow);
        assert_finite(&front.ve);
        assert_finite(&front.fbank);
        tb_front_clear(&front);
        tb_free(recording.data);
    }
}

static void a_long_recording_is_cut_where_each_prompt_ends(void **state)
{
    (void)state;
    tb_pcm recording = speech(40 * 24000, 24000);
    tb_front front = {0};
    assert_int_equal(tb_front_make(&recording, NULL, NULL, &front, NULL), TB_OK);
    assert_int_equal(front.d24_len, 240000);
    assert_int_equal(front.d16.len, 160000);
    assert_int_equal(front.mel24.rows, 500);
    assert_int_equal(front.s3_flow.rows, 1000);
    assert_int_equal(front.s3_prompt.rows, 1500);
    assert_int_equal(front.fbank.rows, 998);
    assert_int_equal(front.w16.len, 640000);
    assert_true(front.ve.rows > 3800); /* the voice encoder hears all of it */
    assert_close(front.lufs + 20 * log10((double)front.gain), -27, 1e-5);
    tb_front_clear(&front);
    tb_front_clear(&front);
    tb_free(recording.data);
}

/* A filterbank of zeros leaves nothing but the floor, a window of zeros too. */
static void the_model_files_own_tables_reach_the_tokenizers_mel(void **state)
{
    (void)state;
    tb_pcm recording = speech(130000, 24000);
    float *zeros = tb_alloc(128 * 201 * sizeof *zeros);
    const tb_front_tables tables[] = {{.filters = zeros}, {.window = zeros}};
    for (size_t c = 0; c < 2; c++) {
        tb_front front = {0};
        assert_int_equal(tb_front_make(&recording, &tables[c], NULL, &front, NULL), TB_OK);
        for (size_t i = 0; i < front.s3_prompt.rows * 128; i++)
            assert_close(front.s3_prompt.data[i], -1.5, 1e-6);
        for (size_t i = 0; i < front.s3_flow.rows * 128; i++)
            assert_close(front.s3_flow.data[i], -1.5, 1e-6);
        tb_front_clear(&front);
    }
    tb_free(zeros);
    tb_free(recording.data);
}

static void a_job_that_is_cancelled_stops(void **state)
{
    (void)state;
    tb_pcm recording = speech(130000, 24000);
    tb_front front = {0};
    tb_cancel cancel = {0};
    tb_cancel_set(&cancel);
    assert_int_equal(tb_front_make(&recording, NULL, &cancel, &front, NULL), TB_ECANCELLED);
    tb_free(recording.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_seconds_are_too_short_and_a_sample_more_is_enough),
        cmocka_unit_test(five_seconds_at_22050_pass),
        cmocka_unit_test(nothing_and_silence_have_their_sentences),
        cmocka_unit_test(what_is_no_number_is_refused_where_it_stands),
        cmocka_unit_test(impossible_rates_are_refused),
        cmocka_unit_test(strange_recordings_give_numbers),
        cmocka_unit_test(a_long_recording_is_cut_where_each_prompt_ends),
        cmocka_unit_test(the_model_files_own_tables_reach_the_tokenizers_mel),
        cmocka_unit_test(a_job_that_is_cancelled_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
