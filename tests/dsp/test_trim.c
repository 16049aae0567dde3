#include "dsp/trim.h"
#include "signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void bounds(const float *x, size_t len, size_t *start, size_t *end)
{
    float *power = tb_alloc(tb_trim_frames(len) * sizeof *power);
    tb_trim_powers(x, len, power);
    tb_trim_bounds(power, len, 20, start, end);
    tb_free(power);
}

static void silent_ends_go_and_the_middle_stays(void **state)
{
    (void)state;
    enum { LEN = 40000, FROM = 12000, TO = 25000 };
    float *x = signal_noise(1, 0.1, LEN);
    size_t start = 0, end = 0;
    for (size_t i = 0; i < LEN; i++)
        if (i < FROM || i >= TO) x[i] *= 0.01F;
    bounds(x, LEN, &start, &end);
    assert_true(start <= FROM && start > FROM - 2048 && start % 512 == 0);
    assert_true(end >= TO && end < TO + 2048 && end % 512 == 0);
    tb_free(x);
}

static void softer_by_eighteen_decibels_stays_by_twenty_one_goes(void **state)
{
    (void)state;
    enum { LEN = 20480 };
    static const struct {
        double db;
        size_t start;
    } cases[] = {{-18, 512}, {-21, 10240 - 512}};
    for (size_t c = 0; c < 2; c++) {
        float x[LEN];
        size_t start = 9, end = 9;
        for (size_t i = 0; i < LEN; i++)
            x[i] = (float)((i % 2 ? 0.5 : -0.5) * (i < LEN / 2 ? pow(10, cases[c].db / 20) : 1));
        bounds(x, LEN, &start, &end);
        /* The frame at 0 is half outside the sound, 3 dB less, and the one at 512 a quarter. */
        assert_int_equal(start, cases[c].start);
        assert_int_equal(end, LEN);
    }
}

static void a_click_at_either_end_keeps_a_hop(void **state)
{
    (void)state;
    for (size_t len = 1; len < 3000; len += 149) {
        float *x = tb_alloc(len * sizeof *x);
        size_t start = 0, end = 0;
        x[0] = 1;
        bounds(x, len, &start, &end);
        assert_int_equal(start, 0);
        assert_true(end == len || end >= 512);
        x[0] = 0;
        x[len - 1] = 1;
        bounds(x, len, &start, &end);
        assert_int_equal(end, len);
        assert_true(len < 512 ? start == 0 : end - start >= 512);
        tb_free(x);
    }
}

static void silence_and_nothing_are_kept_whole(void **state)
{
    (void)state;
    float x[5000] = {0};
    size_t start = 1, end = 1;
    bounds(x, 5000, &start, &end);
    assert_int_equal(start, 0);
    assert_int_equal(end, 5000);
    bounds(x, 0, &start, &end);
    assert_int_equal(start, 0);
    assert_int_equal(end, 0);
}

static void powers_are_mean_squares_with_zeros_around(void **state)
{
    (void)state;
    float x[4096], power[9];
    for (size_t i = 0; i < 4096; i++)
        x[i] = 0.5F;
    assert_int_equal(tb_trim_frames(4096), 9);
    tb_trim_powers(x, 4096, power);
    assert_close(power[0], 0.125, 1e-7);
    assert_close(power[1], 0.1875, 1e-7);
    assert_close(power[2], 0.25, 1e-7);
    assert_close(power[8], 0.125, 1e-7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silent_ends_go_and_the_middle_stays),
        cmocka_unit_test(softer_by_eighteen_decibels_stays_by_twenty_one_goes),
        cmocka_unit_test(a_click_at_either_end_keeps_a_hop),
        cmocka_unit_test(silence_and_nothing_are_kept_whole),
        cmocka_unit_test(powers_are_mean_squares_with_zeros_around),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
