#include "dsp/stft_priv.h"
#include "signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The definition, in double: mirror, window, transform. */
static double power_of(const float *x, size_t len, size_t n, size_t hop, size_t pad, size_t t,
                       size_t k)
{
    double complex sum = 0;
    for (size_t i = 0; i < n; i++) {
        long at = (long)(t * hop + i) - (long)pad, last = (long)len - 1;
        at = at < 0 ? -at : at > last ? 2 * last - at : at;
        double w = 0.5 - 0.5 * cos(2 * SIGNAL_PI * (double)i / (double)n);
        sum += w * (double)x[at] * signal_turn(-2 * SIGNAL_PI * (double)(k * i % n) / (double)n);
    }
    return creal(sum) * creal(sum) + cimag(sum) * cimag(sum);
}

/* Float transforms are some 1e-7 of the frame's strongest bin off. */
static void every_frame_is_the_definition_edges_too(void **state)
{
    static const struct {
        size_t n, hop, pad, len;
    } cases[] = {{400, 160, 200, 1000},
                 {400, 160, 200, 201},
                 {1920, 480, 720, 3000},
                 {1920, 480, 720, 721},
                 {512, 160, 0, 900}};
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        const size_t n = cases[c].n, hop = cases[c].hop, pad = cases[c].pad, len = cases[c].len;
        float *x = signal_speech(140, len), *power = tb_alloc((n / 2 + 1) * sizeof *power);
        tb_stft *stft = NULL;
        for (size_t i = 0; i < len; i++)
            x[i] += 0.1F; /* speech begins softly; the mirror must have something to show */
        assert_int_equal(tb_stft_new(n, hop, pad, NULL, &stft, NULL), TB_OK);
        size_t frames = tb_stft_frames(stft, len);
        assert_int_equal(frames, (len + 2 * pad - n) / hop + 1);
        for (size_t t = 0; t < frames; t++) {
            float most = 0;
            tb_stft_power(stft, x, len, t, power);
            for (size_t k = 0; k <= n / 2; k++)
                most = fmaxf(most, power[k]);
            assert_true(most > 0);
            for (size_t k = 0; k <= n / 2; k += 37)
                assert_close(power[k], power_of(x, len, n, hop, pad, t, k), 2e-6 * (double)most);
        }
        tb_stft_free(stft);
        tb_free(power);
        tb_free(x);
    }
}

static void a_cosine_is_three_bins_under_hann_and_one_without(void **state)
{
    (void)state;
    float x[400], power[201], flat[400];
    tb_stft *hann = NULL, *plain = NULL;
    for (int i = 0; i < 400; i++) {
        x[i] = (float)cos(2 * SIGNAL_PI * 50 * i / 400);
        flat[i] = 1;
    }
    assert_int_equal(tb_stft_new(400, 160, 0, NULL, &hann, NULL), TB_OK);
    assert_int_equal(tb_stft_new(400, 160, 0, flat, &plain, NULL), TB_OK);
    tb_stft_power(hann, x, 400, 0, power);
    assert_close(power[50], 100 * 100, 0.1);
    assert_close(power[49], 50 * 50, 0.1);
    assert_close(power[48], 0, 0.01);
    tb_stft_power(plain, x, 400, 0, power);
    assert_close(power[50], 200 * 200, 0.1);
    assert_close(power[49], 0, 0.01);
    tb_stft_free(hann);
    tb_stft_free(plain);
}

static void what_is_too_short_has_no_frames(void **state)
{
    (void)state;
    tb_stft *stft = NULL;
    assert_int_equal(tb_stft_new(400, 160, 200, NULL, &stft, NULL), TB_OK);
    assert_int_equal(tb_stft_frames(stft, 0), 0);
    assert_int_equal(tb_stft_frames(stft, 200), 0);
    assert_int_equal(tb_stft_frames(stft, 201), 2);
    assert_int_equal(tb_stft_frames(stft, 319), 2);
    assert_int_equal(tb_stft_frames(stft, 320), 3);
    tb_stft_free(stft);
    assert_int_equal(tb_stft_new(512, 160, 0, NULL, &stft, NULL), TB_OK);
    assert_int_equal(tb_stft_frames(stft, 511), 0);
    assert_int_equal(tb_stft_frames(stft, 512), 1);
    tb_stft_free(stft);
    tb_stft_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_is_the_definition_edges_too),
        cmocka_unit_test(a_cosine_is_three_bins_under_hann_and_one_without),
        cmocka_unit_test(what_is_too_short_has_no_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
