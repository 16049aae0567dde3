/*
 * Tests of what recordings are accepted, what is measured, and the sentences of refusals and
 * warnings.
 */
#include "base/mem.h"
#include "embedded/reference.h"
#include "signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static tb_status check(float *x, size_t len, tb_reference_report *report, tb_err *err)
{
    tb_pcm clip = {.data = x, .len = len, .rate_hz = 24000};
    return tb_reference_check(&clip, 0, NULL, report, err);
}

static void speech_is_accepted_and_measured(void **state)
{
    (void)state;
    enum { N = 8 * 24000 };
    float *x = signal_speech(180, N);
    tb_reference_report r;
    tb_err err;
    assert_int_equal(check(x, N, &r, &err), TB_OK);
    assert_close(exp((double)r.stats.f0_median), 180, 10);
    assert_close(r.seconds, 8, 0.01);
    assert_true(r.voiced_seconds > 3 && r.voiced_seconds <= r.active_seconds);
    tb_free(x);
}

/* Forty seconds of a faint hum, a click in it, then speech: as somebody who lets it run. */
static void the_best_part_is_measured_and_not_the_first(void **state)
{
    (void)state;
    enum { QUIET = 40 * 24000, N = 8 * 24000 };
    float *x = tb_alloc((QUIET + N) * sizeof *x), *speech = signal_speech(180, N);
    tb_reference_report r;
    tb_err err;
    for (size_t i = 0; i < QUIET; i++)
        x[i] = 1e-4F * sinf((float)i * 0.01F);
    x[24000] = 0.9F;
    memcpy(x + QUIET, speech, N * sizeof *x);
    assert_int_equal(check(x, QUIET + N, &r, &err), TB_OK);
    assert_close(exp((double)r.stats.f0_median), 180, 10);
    assert_true(r.active_seconds > 3);
    tb_free(speech);
    tb_free(x);
}

static void what_is_not_speech_is_refused_with_what_to_record(void **state)
{
    (void)state;
    enum { N = 6 * 24000 };
    tb_reference_report r;
    tb_err err;

    float *noise = signal_noise(1, 0.1, N);
    assert_int_equal(check(noise, N, &r, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "noisy"));
    for (size_t i = 0; i < N; i++)
        noise[i] *= 1e-4F;
    assert_int_equal(check(noise, N, &r, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "silent"));
    tb_free(noise);

    /* A deterministic chord: no pauses at all. */
    float *music = signal_pulses(220, &signal_a, N), *third = signal_pulses(277, &signal_i, N);
    for (size_t i = 0; i < N; i++)
        music[i] += third[i];
    assert_int_equal(check(music, N, &r, &err), TB_EINVAL);
    tb_free(music);
    tb_free(third);
}

static void a_clip_too_short_is_refused(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 2400, 24000};
    float *x = signal_speech(120, 24000);
    tb_reference_report r;
    tb_err err;
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        assert_int_equal(check(x, lens[i], &r, &err), TB_EINVAL);
        assert_non_null(strstr(err.msg, "record"));
    }
    x[20] = INFINITY;
    assert_int_equal(check(x, 24000, &r, &err), TB_EINVAL);
    tb_free(x);
}

static void clipping_and_a_low_level_are_warned_of(void **state)
{
    (void)state;
    enum { N = 8 * 24000 };
    float *x = signal_speech(120, N);
    tb_reference_report r;
    for (size_t i = 0; i < N; i++)
        x[i] = fminf(fmaxf(10 * x[i], -1), 1);
    assert_int_equal(check(x, N, &r, NULL), TB_OK);
    assert_true(r.clipped > 0.001);
    assert_true(r.n_warnings >= 1);
    for (size_t i = 0; i < N; i++)
        x[i] *= 0.02F;
    assert_int_equal(check(x, N, &r, NULL), TB_OK);
    assert_true(r.clipped == 0);
    assert_true(r.n_warnings >= 1);
    assert_non_null(strstr(r.warnings[0], "quiet"));
    tb_free(x);
}

static void a_telephone_s_band_is_found(void **state)
{
    (void)state;
    enum { N = 4 * 24000 };
    float *x = signal_speech(120, N);
    tb_pcm clip = {.data = x, .len = N, .rate_hz = 24000}, narrow = {0};
    tb_reference_report r;
    assert_int_equal(tb_resample(&clip, 8000, &narrow, NULL), TB_OK);
    assert_int_equal(tb_reference_check(&narrow, 0, NULL, &r, NULL), TB_OK);
    assert_close(r.cut_hz, 3800, 1);
    assert_int_equal(tb_reference_check(&clip, 0, NULL, &r, NULL), TB_OK);
    assert_close(r.cut_hz, 12000 * 0.95F, 601); /* 12000, or just below for this hiss */
    tb_pcm_clear(&narrow);
    tb_free(x);
}

static void only_the_first_half_minute_is_used(void **state)
{
    (void)state;
    enum { N = 40 * 24000 };
    float *x = signal_speech(120, N);
    tb_reference_report r;
    assert_int_equal(check(x, N, &r, NULL), TB_OK);
    assert_close(r.seconds, 30, 1e-6);
    tb_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speech_is_accepted_and_measured),
        cmocka_unit_test(the_best_part_is_measured_and_not_the_first),
        cmocka_unit_test(what_is_not_speech_is_refused_with_what_to_record),
        cmocka_unit_test(a_clip_too_short_is_refused),
        cmocka_unit_test(clipping_and_a_low_level_are_warned_of),
        cmocka_unit_test(a_telephone_s_band_is_found),
        cmocka_unit_test(only_the_first_half_minute_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
