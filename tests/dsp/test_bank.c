#include "dsp/bank.h"
#include "signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Many bins a band, so that a sum over bins is an integral over hertz. */
static void slaney_bands_have_the_area_one(void **state)
{
    (void)state;
    enum { N = 16384 };
    tb_bank bank = {0};
    tb_bank_slaney(&bank, 8, N, 16000, 8000);
    assert_int_equal(bank.bins, N / 2 + 1);
    for (size_t m = 0; m < 8; m++) {
        double area = 0;
        for (size_t k = 0; k < bank.bins; k++)
            area += (double)bank.w[m * bank.bins + k] * 16000 / N;
        assert_close(area, 1, 1e-3);
    }
    tb_bank_clear(&bank);
}

/* The mel scale is linear to 1 kHz, so the lowest bands are equally wide. */
static void slaney_bands_are_even_below_one_kilohertz_and_grow_above(void **state)
{
    (void)state;
    tb_bank bank = {0};
    tb_bank_slaney(&bank, 40, 16000, 16000, 8000); /* a bin is a hertz */
    size_t width = bank.end[1] - bank.first[1];
    for (size_t m = 2; bank.end[m] < 1000; m++) {
        size_t other = bank.end[m] - bank.first[m];
        assert_true(other <= width + 1 && width <= other + 1);
    }
    assert_true(bank.end[39] - bank.first[39] > 4 * width);
    assert_true(bank.end[39] <= 8000);
    tb_bank_clear(&bank);
}

static void kaldi_bands_overlap_to_one(void **state)
{
    (void)state;
    tb_bank bank = {0};
    tb_bank_kaldi(&bank, 80, 512, 16000, 20, 8000);
    for (size_t k = 2; k < 240; k++) { /* from the first band's top to the last one's */
        double sum = 0;
        for (size_t m = 0; m < 80; m++)
            sum += (double)bank.w[m * bank.bins + k];
        assert_close(sum, 1, 1e-6);
    }
    for (size_t m = 0; m < 80; m++) {
        assert_close(bank.w[m * bank.bins], 0, 0); /* 0 Hz lies below the first band */
        assert_close(bank.w[m * bank.bins + 256], 0, 0);
    }
    tb_bank_clear(&bank);
}

static void applying_is_the_whole_matrix(void **state)
{
    (void)state;
    tb_bank bank = {0};
    float *x = signal_noise(3, 1, 201), out[128];
    tb_bank_slaney(&bank, 128, 400, 16000, 8000);
    tb_bank_apply(&bank, x, out);
    for (size_t m = 0; m < 128; m++) {
        double sum = 0;
        for (size_t k = 0; k < 201; k++)
            sum += (double)bank.w[m * 201 + k] * (double)x[k];
        assert_close(out[m], sum, 1e-8);
    }
    tb_free(x);
    tb_bank_clear(&bank);
}

static void a_band_of_zeros_is_zero(void **state)
{
    (void)state;
    const float w[6] = {0, 0, 0, 0, 2, 0}, x[3] = {5, 7, 11};
    float out[2] = {-1, -1};
    tb_bank bank = {0};
    tb_bank_copy(&bank, 2, 3, w);
    tb_bank_apply(&bank, x, out);
    assert_close(out[0], 0, 0);
    assert_close(out[1], 14, 0);
    tb_bank_clear(&bank);
    tb_bank_clear(&bank); /* empty is valid */
    tb_bank_clear(NULL);
}

static void a_cleared_bank_is_empty_and_may_be_cleared_again(void **state)
{
    static const tb_bank empty = {0};
    (void)state;
    tb_bank bank = {0};
    tb_bank_slaney(&bank, 8, 400, 16000, 8000);
    tb_bank_clear(&bank);
    assert_memory_equal(&bank, &empty, sizeof bank);
    tb_bank_clear(&bank);
    tb_bank_clear(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cleared_bank_is_empty_and_may_be_cleared_again),
        cmocka_unit_test(slaney_bands_have_the_area_one),
        cmocka_unit_test(slaney_bands_are_even_below_one_kilohertz_and_grow_above),
        cmocka_unit_test(kaldi_bands_overlap_to_one),
        cmocka_unit_test(applying_is_the_whole_matrix),
        cmocka_unit_test(a_band_of_zeros_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
