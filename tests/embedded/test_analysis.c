/*
 * Tests of the analysis of speech: F0 of pulse trains, envelopes of known filters, pitch marks,
 * bandwidth.
 */
#include "base/mem.h"
#include "embedded/analysis_priv.h"
#include "signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

static void pitch_of_a_pulse_train_is_its_own(void **state)
{
    (void)state;
    static const double hz[] = {80, 120, 200, 350};
    enum { N = 24000 };

    for (size_t i = 0; i < sizeof hz / sizeof *hz; i++) {
        float *x = signal_pulses(hz[i], NULL, N),
              *f0 = tb_alloc(tb_analysis_frames(N) * sizeof *f0);
        assert_int_equal(tb_analysis_pitch(x, N, NULL, f0, NULL), TB_OK);
        for (size_t f = 10; f + 10 < tb_analysis_frames(N); f++)
            assert_close((double)f0[f] / hz[i], 1, 0.005);
        tb_free(f0);
        tb_free(x);
    }
}

static void noise_and_silence_are_mostly_unvoiced(void **state)
{
    (void)state;
    enum { N = 48000 };
    float *x = signal_noise(3, 0.1, N), *f0 = tb_alloc(tb_analysis_frames(N) * sizeof *f0);
    size_t voiced = 0;

    assert_int_equal(tb_analysis_pitch(x, N, NULL, f0, NULL), TB_OK);
    for (size_t f = 0; f < tb_analysis_frames(N); f++)
        voiced += f0[f] > 0;
    assert_true(voiced < tb_analysis_frames(N) / 10);
    for (size_t i = 0; i < N; i++)
        x[i] = 0;
    assert_int_equal(tb_analysis_pitch(x, N, NULL, f0, NULL), TB_OK);
    for (size_t f = 0; f < tb_analysis_frames(N); f++)
        assert_true(f0[f] == 0);
    tb_free(f0);
    tb_free(x);
}

/* Up to 5 kHz within 1.5 dB once the level, which the pulse train's decides, is taken out. */
static void envelope_of_a_vowel_is_its_filter(void **state)
{
    (void)state;
    enum { N = 12000, FRAME = 50, TOP = 213 /* 5 kHz */, LOW = 6 };
    static const double hz[] = {80, 100}; /* more harmonics apart hide a formant's top */

    for (size_t h = 0; h < 2; h++) {
        float *x = signal_pulses(hz[h], &signal_a, N);
        double want[TOP], mean = 0;
        tb_analysis vox = {0};
        assert_int_equal(tb_analysis_run(x, N, NULL, &vox, NULL), TB_OK);
        assert_int_equal(vox.frames, N / 120 + 1);
        const float *row = vox.env + (size_t)FRAME * TB_ANALYSIS_BINS;
        for (int k = LOW; k < TOP; k++) {
            want[k] = 2 * log(cabs(signal_response(&signal_a, k * 23.4375)));
            mean += ((double)row[k] - want[k]) / (TOP - LOW);
        }
        for (int k = LOW; k < TOP; k++)
            assert_close(4.343 * ((double)row[k] - want[k] - mean), 0, 1.5);
        tb_analysis_clear(&vox);
        tb_free(x);
    }
}

/* The level is a power density: of white noise, its variance. */
static void envelope_of_noise_is_its_variance(void **state)
{
    (void)state;
    enum { N = 24000 };
    float *x = signal_noise(5, 0.1, N);
    tb_analysis vox = {0};
    double sum = 0;

    assert_int_equal(tb_analysis_run(x, N, NULL, &vox, NULL), TB_OK);
    for (size_t i = 0; i < vox.frames * TB_ANALYSIS_BINS; i++)
        sum += (double)vox.env[i];
    /* The mean of a logarithm lies below the logarithm of the mean. */
    assert_close(4.343 * sum / (double)(vox.frames * TB_ANALYSIS_BINS), -20, 2);
    tb_analysis_clear(&vox);
    tb_free(x);
}

static void marks_of_a_pulse_train_are_a_period_apart_at_the_pulses(void **state)
{
    (void)state;
    enum { N = 24000 };
    float *train = signal_pulses(125, NULL, N + 96);
    const float *x = train + 96; /* pulses at 96, 288, ...: none is cut by the clip's edge */
    tb_analysis vox = {0};
    tb_pitch_marks marks = {0};

    assert_int_equal(tb_analysis_run(x, N, NULL, &vox, NULL), TB_OK);
    assert_int_equal(tb_pitch_marks_find(x, N, vox.f0, vox.frames, NULL, &marks, NULL), TB_OK);
    assert_int_equal(marks.n_runs, 1);
    assert_true(marks.n >= 120);
    for (size_t i = 0; i < marks.n; i++) {
        if (i > 0) assert_close(marks.at[i] - marks.at[i - 1], 192, 0.5);
        double off = fmod(marks.at[i], 192) - 96;
        assert_true(fabs(off) <= 12);
    }
    assert_true(marks.runs[0].begin < marks.at[0]);
    assert_true(marks.runs[0].end > marks.at[marks.n - 1]);
    tb_pitch_marks_clear(&marks);
    tb_analysis_clear(&vox);
    tb_free(train);
}

static void every_voiced_run_has_a_mark_and_regions_do_not_overlap(void **state)
{
    (void)state;
    enum { N = 96000 };
    float *x = signal_speech(150, N);
    tb_analysis vox = {0};
    tb_pitch_marks marks = {0};
    size_t runs = 0;

    assert_int_equal(tb_analysis_run(x, N, NULL, &vox, NULL), TB_OK);
    for (size_t f = 0; f < vox.frames; f++)
        runs += vox.f0[f] > 0 && (f == 0 || !(vox.f0[f - 1] > 0));
    assert_int_equal(tb_pitch_marks_find(x, N, vox.f0, vox.frames, NULL, &marks, NULL), TB_OK);
    assert_true(runs > 3);
    assert_int_equal(marks.n_runs, runs);
    for (size_t r = 0; r < runs; r++) {
        assert_true(marks.runs[r].count >= 1);
        if (r > 0) assert_true(marks.runs[r].begin >= marks.runs[r - 1].end);
        for (size_t i = 1; i < marks.runs[r].count; i++)
            assert_true(marks.at[marks.runs[r].first + i] > marks.at[marks.runs[r].first + i - 1]);
    }
    tb_pitch_marks_clear(&marks);
    tb_analysis_clear(&vox);
    tb_free(x);
}

static void the_envelope_is_continued_flat_above_the_cut(void **state)
{
    (void)state;
    float row[TB_ANALYSIS_BINS];
    for (int k = 0; k < TB_ANALYSIS_BINS; k++)
        row[k] = (float)k;
    tb_envelope_extend(row, 1, 6700);
    assert_int_equal(tb_envelope_cut_bin(6700), 285);
    assert_close(row[284], 284, 0);
    for (int k = 285; k < TB_ANALYSIS_BINS; k++)
        assert_close(row[k], 280.5, 1e-4);
    assert_int_equal(tb_envelope_cut_bin(12000), TB_ANALYSIS_BINS);
}

static void clips_of_next_to_nothing_are_analysed(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 119, 120, 121, 500};
    float *x = signal_pulses(200, NULL, 500);

    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        tb_analysis vox = {0};
        tb_pitch_marks marks = {0};
        assert_int_equal(tb_analysis_run(x, lens[i], NULL, &vox, NULL), TB_OK);
        assert_int_equal(vox.frames, lens[i] / 120 + 1);
        for (size_t k = 0; k < vox.frames * TB_ANALYSIS_BINS; k++)
            assert_true(isfinite(vox.env[k]));
        assert_int_equal(tb_pitch_marks_find(x, lens[i], vox.f0, vox.frames, NULL, &marks, NULL),
                         TB_OK);
        tb_pitch_marks_clear(&marks);
        tb_analysis_clear(&vox);
    }
    tb_free(x);
}

static void what_is_no_number_too_long_or_cancelled_is_refused(void **state)
{
    (void)state;
    enum { N = 24000 };
    float *x = signal_noise(3, 0.1, N);
    tb_analysis vox = {0};
    tb_cancel cancel = {0};
    tb_err err;

    tb_cancel_set(&cancel);
    assert_int_equal(tb_analysis_run(x, N, &cancel, &vox, &err), TB_ECANCELLED);
    assert_int_equal(tb_analysis_run(x, 61 * 24000, NULL, &vox, &err), TB_ETOOBIG);
    x[100] = NAN;
    assert_int_equal(tb_analysis_run(x, N, NULL, &vox, &err), TB_EINVAL);
    assert_null(vox.f0);
    tb_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pitch_of_a_pulse_train_is_its_own),
        cmocka_unit_test(noise_and_silence_are_mostly_unvoiced),
        cmocka_unit_test(envelope_of_a_vowel_is_its_filter),
        cmocka_unit_test(envelope_of_noise_is_its_variance),
        cmocka_unit_test(marks_of_a_pulse_train_are_a_period_apart_at_the_pulses),
        cmocka_unit_test(every_voiced_run_has_a_mark_and_regions_do_not_overlap),
        cmocka_unit_test(the_envelope_is_continued_flat_above_the_cut),
        cmocka_unit_test(clips_of_next_to_nothing_are_analysed),
        cmocka_unit_test(what_is_no_number_too_long_or_cancelled_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
