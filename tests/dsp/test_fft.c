#include "base/mem.h"
#include "dsp/fft.h"
#include "dsp/fir.h"
#include "signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_cosine_is_one_bin(void **state)
{
    (void)state;
    tb_fft *fft = NULL;
    float x[64], spectrum[66];
    assert_int_equal(tb_fft_new(64, &fft, NULL), TB_OK);
    for (int i = 0; i < 64; i++)
        x[i] = (float)cos(2 * SIGNAL_PI * 5 * i / 64);
    tb_fft_forward(fft, x, spectrum);
    for (int k = 0; k <= 32; k++) {
        assert_close(spectrum[2 * k], k == 5 ? 32 : 0, 1e-4);
        assert_close(spectrum[2 * k + 1], 0, 1e-4);
    }
    tb_fft_free(fft);
}

static void there_and_back_is_n_times_the_input(void **state)
{
    (void)state;
    enum { N = 1024 };
    tb_fft *fft = NULL;
    float *x = signal_noise(1, 1, N), y[N], spectrum[N + 2];
    assert_int_equal(tb_fft_new(N, &fft, NULL), TB_OK);
    tb_fft_forward(fft, x, spectrum);
    tb_fft_inverse(fft, spectrum, y);
    for (int i = 0; i < N; i++)
        assert_close(y[i], N * x[i], 2e-3);
    tb_fft_free(fft);
    tb_free(x);
}

static void a_band_passes_its_middle_without_delay_and_stops_the_rest(void **state)
{
    (void)state;
    enum { N = 4800 };
    float x[N], y[N];
    for (int i = 0; i < N; i++)
        x[i] = (float)sin(2 * SIGNAL_PI * 3000 * i / 24000.0);
    assert_int_equal(
        tb_fir_band(x, N,
                    &(tb_fir_spec){.low_hz = 1500, .high_hz = 6000, .rate_hz = 24000, .taps = 121},
                    NULL, y, NULL),
        TB_OK);
    for (int i = 200; i < N - 200; i++)
        assert_close(y[i], x[i], 0.01);
    for (int i = 0; i < N; i++)
        x[i] = (float)sin(2 * SIGNAL_PI * 600 * i / 24000.0);
    assert_int_equal(
        tb_fir_band(x, N,
                    &(tb_fir_spec){.low_hz = 1500, .high_hz = 6000, .rate_hz = 24000, .taps = 121},
                    NULL, y, NULL),
        TB_OK);
    for (int i = 200; i < N - 200; i++)
        assert_close(y[i], 0, 0.01);
}

static void a_clip_shorter_than_the_filter_is_filtered_too(void **state)
{
    (void)state;
    float x[3] = {0, 1, 0}, y[3];
    assert_int_equal(
        tb_fir_band(x, 3,
                    &(tb_fir_spec){.low_hz = 40, .high_hz = 1400, .rate_hz = 24000, .taps = 61},
                    NULL, y, NULL),
        TB_OK);
    assert_close(y[1], 2 * 1360 / 24000.0, 1e-6);
    assert_close(y[0], y[2], 1e-7);
    assert_int_equal(
        tb_fir_band(x, 0,
                    &(tb_fir_spec){.low_hz = 40, .high_hz = 1400, .rate_hz = 24000, .taps = 61},
                    NULL, y, NULL),
        TB_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cosine_is_one_bin),
        cmocka_unit_test(there_and_back_is_n_times_the_input),
        cmocka_unit_test(a_band_passes_its_middle_without_delay_and_stops_the_rest),
        cmocka_unit_test(a_clip_shorter_than_the_filter_is_filtered_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
