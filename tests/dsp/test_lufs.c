#include "dsp/loudness.h"
#include "dsp/lufs.h"
#include "signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static double measure(const float *x, size_t len, int rate_hz)
{
    double lufs = 0;
    assert_int_equal(tb_lufs_measure(x, len, rate_hz, &lufs, NULL, NULL), TB_OK);
    return lufs;
}

static float *tone(double peak, size_t len)
{
    float *x = tb_alloc((len + 1) * sizeof *x);
    for (size_t i = 0; i < len; i++)
        x[i] = (float)(peak * sin(2 * SIGNAL_PI * 997 * (double)i / 24000));
    return x;
}

/* The standard's test tone; the cookbook's shelf is 0.08 dB off at 997 Hz. */
static void a_full_scale_tone_is_minus_three(void **state)
{
    (void)state;
    float *x = tone(1, 48000);
    assert_close(measure(x, 48000, 24000), -3.01, 0.15);
    tb_free(x);
}

static void twice_as_much_is_six_decibels_more(void **state)
{
    (void)state;
    float *x = signal_speech(130, 72000);
    double before = measure(x, 72000, 24000);
    for (size_t i = 0; i < 72000; i++)
        x[i] *= 2;
    assert_close(measure(x, 72000, 24000) - before, 20 * log10(2), 1e-9);
    tb_free(x);
}

static void near_the_standards_own_meter_but_not_the_same(void **state)
{
    (void)state;
    double standard = 0;
    float *x = signal_speech(130, 72000);
    assert_int_equal(tb_loudness_integrated(x, 72000, 24000, &standard, NULL), TB_OK);
    assert_close(measure(x, 72000, 24000), standard, 0.5);
    assert_true(fabs(measure(x, 72000, 24000) - standard) > 1e-3);
    tb_free(x);
}

static void pauses_do_not_count(void **state)
{
    (void)state;
    float *x = tb_alloc(240000 * sizeof *x), *loud = tone(0.1, 48000);
    for (size_t i = 0; i < 48000; i++)
        x[96000 + i] = loud[i];
    /* six blocks lie partly in the pause and pass the gate: 17 whole ones and three in 23 */
    assert_close(measure(x, 240000, 24000), measure(loud, 48000, 24000) + 10 * log10(20 / 23.0),
                 0.05);
    tb_free(loud);
    tb_free(x);
}

static void silence_and_what_is_too_short_have_none(void **state)
{
    (void)state;
    float *x = tb_alloc(24000 * sizeof *x), *loud = tone(0.5, 9600);
    assert_true(isinf(measure(x, 24000, 24000)) && measure(x, 24000, 24000) < 0);
    assert_true(isinf(measure(x, 0, 24000)));
    assert_true(isinf(measure(loud, 9599, 24000)));
    assert_true(isfinite(measure(loud, 9600, 24000)));
    x[7] = 1e-30F;
    assert_true(isinf(measure(x, 24000, 24000)));
    tb_free(loud);
    tb_free(x);
}

/* Half a step is rounded to the even count, so the last block may be half outside. */
static void blocks_are_counted_by_the_references_rounding(void **state)
{
    (void)state;
    assert_int_equal(tb_lufs_blocks(9599, 24000), 0);
    assert_int_equal(tb_lufs_blocks(9600, 24000), 1);
    assert_int_equal(tb_lufs_blocks(9600 + 1199, 24000), 1);
    assert_int_equal(tb_lufs_blocks(9600 + 1201, 24000), 2);
    assert_int_equal(tb_lufs_blocks(192721, 24000), 77);
}

static void the_weighting_may_be_in_place(void **state)
{
    (void)state;
    float *x = signal_noise(2, 0.1, 500), y[500];
    tb_lufs_weight(x, 500, 24000, y);
    tb_lufs_weight(x, 500, 24000, x);
    assert_memory_equal(x, y, sizeof y);
    tb_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_scale_tone_is_minus_three),
        cmocka_unit_test(twice_as_much_is_six_decibels_more),
        cmocka_unit_test(near_the_standards_own_meter_but_not_the_same),
        cmocka_unit_test(pauses_do_not_count),
        cmocka_unit_test(silence_and_what_is_too_short_have_none),
        cmocka_unit_test(blocks_are_counted_by_the_references_rounding),
        cmocka_unit_test(the_weighting_may_be_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
