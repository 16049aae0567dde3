#include "dsp/sinc.h"
#include "signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { LEN = 4800 };

static void through(double hz, float *y)
{
    float x[LEN];
    for (size_t i = 0; i < LEN; i++)
        x[i] = (float)cos(2 * SIGNAL_PI * hz * (double)i / 24000);
    tb_sinc_two_thirds(x, LEN, y);
}

static void a_tone_keeps_its_height_and_its_place(void **state)
{
    (void)state;
    float y[LEN * 2 / 3];
    static const double hz[] = {0, 440, 3000, 5000};
    for (size_t c = 0; c < 4; c++) {
        through(hz[c], y);
        for (size_t n = 20; n < LEN * 2 / 3 - 20; n++)
            assert_close(y[n], cos(2 * SIGNAL_PI * hz[c] * (double)n / 16000), 0.005);
    }
}

static void what_does_not_fit_below_the_new_half_rate_is_gone(void **state)
{
    (void)state;
    float y[LEN * 2 / 3];
    through(10500, y);
    for (size_t n = 20; n < LEN * 2 / 3 - 20; n++)
        assert_close(y[n], 0, 0.01);
}

static void lengths_round_up(void **state)
{
    (void)state;
    static const size_t len[][2] = {{0, 0}, {1, 1},           {2, 2},          {3, 2},
                                    {4, 3}, {240000, 160000}, {192721, 128481}};
    for (size_t c = 0; c < sizeof len / sizeof len[0]; c++)
        assert_int_equal(tb_sinc_len(len[c][0]), len[c][1]);
    assert_true(tb_sinc_len(SIZE_MAX) > SIZE_MAX / 2);
}

static void a_single_sample_is_the_kernels_middle(void **state)
{
    (void)state;
    float kernel[2][TB_SINC_TAPS], y[1] = {0};
    const float x[1] = {1};
    tb_sinc_kernel(kernel);
    tb_sinc_two_thirds(x, 1, y);
    assert_close(y[0], kernel[0][10], 0);
    assert_close(y[0], 0.66, 1e-7);
    tb_sinc_two_thirds(x, 0, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tone_keeps_its_height_and_its_place),
        cmocka_unit_test(what_does_not_fit_below_the_new_half_rate_is_gone),
        cmocka_unit_test(lengths_round_up),
        cmocka_unit_test(a_single_sample_is_the_kernels_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
