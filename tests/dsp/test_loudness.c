#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dsp/biquad.h"
#include "dsp/loudness.h"

#include <math.h>
#include <stdlib.h>

static float *sine(double amp, double hz, int rate, size_t n)
{
    float *x = malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(amp * sin(2 * M_PI * hz * (double)i / rate));
    return x;
}

static void a_sine_is_as_loud_as_the_standard_says(void **state)
{
    (void)state;
    tb_err err = {0};
    double l = 0, p = 0;
    float *x = sine(0.5, 997, 48000, 240000);
    assert_int_equal(tb_loudness_integrated(x, 240000, 48000, &l, &err), TB_OK);
    assert_true(fabs(l + 9.03) < 0.05);
    assert_int_equal(tb_loudness_true_peak(x, 240000, 48000, &p, &err), TB_OK);
    assert_true(fabs(p + 6.02) < 0.1);
    free(x);
    x = sine(0.5, 997, 24000, 120000);
    assert_int_equal(tb_loudness_integrated(x, 120000, 24000, &l, &err), TB_OK);
    assert_true(fabs(l + 9.005) < 0.05);
    free(x);
}

static void what_is_too_short_for_a_meter_goes_by_its_active_level(void **state)
{
    (void)state;
    tb_err err = {0};
    double l = 0;
    float *x = sine(0.5, 997, 24000, 7200);
    assert_int_equal(tb_loudness_integrated(x, 7200, 24000, &l, &err), TB_OK);
    assert_true(isinf(l) && l < 0);
    assert_int_equal(tb_loudness_speech(x, 7200, 24000, &l, &err), TB_OK);
    assert_true(fabs(l + 9.03) < 0.1);
    for (size_t i = 3840; i < 7200; i++) /* silence does not count */
        x[i] = 0;
    assert_true(fabs(tb_loudness_active_rms(x, 7200, 24000) + 9.03) < 0.1);
    for (size_t i = 0; i < 7200; i++)
        x[i] = 0;
    assert_int_equal(tb_loudness_speech(x, 7200, 24000, &l, &err), TB_OK);
    assert_true(isinf(l) && l < 0);
    assert_int_equal(tb_loudness_speech(x, 0, 24000, &l, &err), TB_OK);
    assert_true(isinf(l) && l < 0);
    free(x);
}

/* ITU-R BS.1770-4, tables 1 and 2. */
static void the_weighting_at_48_khz_is_the_standards_own(void **state)
{
    static const double want[2][5] = {{1.53512485958697, -2.69169618940638, 1.19839281085285,
                                       -1.69065929318241, 0.73248077421585},
                                      {1, -2, 1, -1.99004745483398, 0.99007225036621}};
    tb_biquad f[2];
    (void)state;
    tb_biquad_k_weight(f, 48000);
    for (int i = 0; i < 2; i++) {
        const double got[5] = {f[i].b0, f[i].b1, f[i].b2, f[i].a1, f[i].a2};
        for (int k = 0; k < 5; k++)
            assert_true(fabs(got[k] - want[i][k]) < 1e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_weighting_at_48_khz_is_the_standards_own),
        cmocka_unit_test(a_sine_is_as_loud_as_the_standard_says),
        cmocka_unit_test(what_is_too_short_for_a_meter_goes_by_its_active_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
