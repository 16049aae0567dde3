/*
 * Tests of the four spectrograms: bands, floors, levels, tables of the model file, short inputs.
 */
#include "dsp/mel.h"
#include "signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static float *tone(double hz, double rate_hz, double peak, size_t len)
{
    float *x = tb_alloc((len + 1) * sizeof *x);
    for (size_t i = 0; i < len; i++)
        x[i] = (float)(peak * sin(2 * SIGNAL_PI * hz * (double)i / rate_hz));
    return x;
}

static size_t loudest(const float *row, size_t n)
{
    size_t best = 0;
    for (size_t m = 1; m < n; m++)
        if (row[m] > row[best]) best = m;
    return best;
}

static float *column(size_t n)
{
    return tb_alloc((n + 1) * sizeof(float));
}

/* Slaney's scale: 3/200 mel a hertz below 1 kHz. Band m has its top at (m + 1) of M + 1 steps. */
static void a_low_tone_lands_in_its_band(void **state)
{
    (void)state;
    const double top = 15 + 27 * log(8.0) / log(6.4);
    enum { LEN = 24000 };
    float *x24 = tone(700, 24000, 0.5, LEN), *x16 = tone(700, 16000, 0.5, LEN);
    float *out = column(LEN / 160 * 128);

    assert_int_equal(tb_mel_s3gen(x24, LEN, out, NULL), TB_OK);
    assert_close(loudest(out + 20 * 80, 80), 700 * 0.015 / top * 81 - 1, 0.6);
    assert_int_equal(tb_mel_s3tok(x16, LEN, NULL, NULL, out, NULL), TB_OK);
    assert_close(loudest(out + 20 * 128, 128), 700 * 0.015 / top * 129 - 1, 1.1); /* 40 Hz bins */
    assert_int_equal(tb_mel_ve(x16, LEN, out, NULL), TB_OK);
    assert_close(loudest(out + 20 * 40, 40), 700 * 0.015 / top * 41 - 1, 0.6);
    assert_int_equal(tb_mel_fbank(x16, LEN, out, NULL), TB_OK);
    double lo = log(1 + 20 / 700.0), hi = log(1 + 8000 / 700.0);
    assert_close(loudest(out + 20 * 80, 80), (log(2) - lo) / (hi - lo) * 81 - 1, 0.6);
    tb_free(out);
    tb_free(x16);
    tb_free(x24);
}

static void silence_is_the_floor_and_nothing_is_not_a_number(void **state)
{
    (void)state;
    enum { LEN = 4800 };
    float *x = tone(0, 16000, 0, LEN), *out = column(LEN / 160 * 128);
    assert_int_equal(tb_mel_s3gen(x, LEN, out, NULL), TB_OK);
    /* 1e-9 under the root, times a band's weights of area 1 at 12.5 Hz a bin */
    assert_true(out[0] >= logf(1e-5F) && out[0] < -10);
    assert_int_equal(tb_mel_s3tok(x, LEN, NULL, NULL, out, NULL), TB_OK);
    assert_close(out[5], (-10 + 4) / 4.0, 1e-6);
    assert_int_equal(tb_mel_ve(x, LEN, out, NULL), TB_OK);
    assert_close(out[5], 0, 0);
    assert_int_equal(tb_mel_fbank(x, LEN, out, NULL), TB_OK);
    assert_close(out[5], -23 * log(2), 1e-5);
    tb_free(out);
    tb_free(x);
}

static void the_loudest_that_is_let_in_stays_finite(void **state)
{
    (void)state;
    enum { LEN = 4800 };
    float *x = tone(3000, 16000, 1e6, LEN), *out = column(LEN / 160 * 128);
    assert_int_equal(tb_mel_s3gen(x, LEN, out, NULL), TB_OK);
    for (size_t i = 0; i < tb_mel_s3gen_frames(LEN) * 80; i++)
        assert_true(isfinite(out[i]));
    assert_int_equal(tb_mel_s3tok(x, LEN, NULL, NULL, out, NULL), TB_OK);
    for (size_t i = 0; i < tb_mel_s3tok_frames(LEN) * 128; i++)
        assert_true(isfinite(out[i]));
    assert_int_equal(tb_mel_ve(x, LEN, out, NULL), TB_OK);
    for (size_t i = 0; i < tb_mel_ve_frames(LEN) * 40; i++)
        assert_true(isfinite(out[i]));
    assert_int_equal(tb_mel_fbank(x, LEN, out, NULL), TB_OK);
    for (size_t i = 0; i < tb_mel_fbank_frames(LEN) * 80; i++)
        assert_true(isfinite(out[i]));
    tb_free(out);
    tb_free(x);
}

static void level_matters_to_the_voice_encoder_and_shifts_the_others(void **state)
{
    (void)state;
    enum { LEN = 8000 };
    float *x = signal_speech(150, LEN), *a = column(LEN), *b = column(LEN);
    assert_int_equal(tb_mel_ve(x, LEN, a, NULL), TB_OK);
    for (size_t i = 0; i < LEN; i++)
        x[i] *= 2;
    assert_int_equal(tb_mel_ve(x, LEN, b, NULL), TB_OK);
    for (size_t i = 0; i < tb_mel_ve_frames(LEN) * 40; i++)
        assert_close(b[i], 4 * a[i], 0); /* a power of two: exactly */
    tb_free(b);
    tb_free(a);

    a = column(LEN), b = column(LEN);
    assert_int_equal(tb_mel_s3tok(x, LEN, NULL, NULL, a, NULL), TB_OK);
    for (size_t i = 0; i < LEN; i++)
        x[i] *= 4;
    assert_int_equal(tb_mel_s3tok(x, LEN, NULL, NULL, b, NULL), TB_OK);
    for (size_t i = 0; i < tb_mel_s3tok_frames(LEN) * 128; i++)
        assert_close(b[i] - a[i], log10(16) / 4, 2e-6);
    tb_free(b);
    tb_free(a);
    tb_free(x);
}

static void the_tokenizer_sees_two_units_of_range(void **state)
{
    (void)state;
    enum { LEN = 16000 };
    float *x = signal_speech(150, LEN), *out = column(LEN), most = -9, least = 9;
    assert_int_equal(tb_mel_s3tok(x, LEN, NULL, NULL, out, NULL), TB_OK);
    for (size_t i = 0; i < tb_mel_s3tok_frames(LEN) * 128; i++) {
        most = fmaxf(most, out[i]);
        least = fminf(least, out[i]);
    }
    assert_close(most - least, 2, 1e-6);
    tb_free(out);
    tb_free(x);
}

static void the_model_files_own_tables_override(void **state)
{
    (void)state;
    enum { LEN = 8000, CELLS = LEN / 160 * 128 };
    float *x = signal_noise(5, 0.1, LEN), *a = column(CELLS), *b = column(CELLS);
    float *filters = column(128 * 201), window[400];
    for (size_t i = 0; i < 128 * 201; i++)
        filters[i] = 0.01F;
    for (size_t i = 0; i < 400; i++)
        window[i] = 1;
    assert_int_equal(tb_mel_s3tok(x, LEN, filters, NULL, a, NULL), TB_OK);
    for (size_t m = 1; m < 128; m++)
        assert_close(a[m], a[0], 0); /* every band is the same sum */
    assert_int_equal(tb_mel_s3tok(x, LEN, filters, window, b, NULL), TB_OK);
    /* Hann keeps 3/8 of the power of noise. */
    double shift = 0;
    for (size_t t = 0; t < LEN / 160; t++)
        shift += (double)(b[t * 128] - a[t * 128]) / (LEN / 160);
    assert_close(shift, log10(8 / 3.0) / 4, 0.01);
    tb_free(filters);
    tb_free(b);
    tb_free(a);
    tb_free(x);
}

static void too_few_samples_are_told_apart_from_enough(void **state)
{
    (void)state;
    float x[721] = {0}, out[6 * 128];
    tb_err err;
    for (size_t i = 0; i < 721; i++)
        x[i] = (float)(i % 7);

    assert_int_equal(tb_mel_s3gen_frames(720), 0);
    assert_int_equal(tb_mel_s3gen_frames(721), 1);
    assert_int_equal(tb_mel_s3gen_frames(240000), 500);
    assert_int_equal(tb_mel_s3gen(x, 721, out, &err), TB_OK);
    assert_int_equal(tb_mel_s3gen(x, 720, out, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "721"));

    assert_int_equal(tb_mel_s3tok_frames(201), 1);
    assert_int_equal(tb_mel_s3tok_frames(128481), 803);
    assert_int_equal(tb_mel_s3tok(x, 201, NULL, NULL, out, &err), TB_OK);
    assert_int_equal(tb_mel_s3tok(x, 200, NULL, NULL, out, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "201"));

    assert_int_equal(tb_mel_ve_frames(201), 2);
    assert_int_equal(tb_mel_ve(x, 201, out, &err), TB_OK);
    assert_int_equal(tb_mel_ve(x, 0, out, &err), TB_EINVAL);

    assert_int_equal(tb_mel_fbank_frames(399), 0);
    assert_int_equal(tb_mel_fbank_frames(559), 1);
    assert_int_equal(tb_mel_fbank_frames(560), 2);
    assert_int_equal(tb_mel_fbank(x, 400, out, &err), TB_OK);
    assert_int_equal(tb_mel_fbank(x, 399, out, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "400"));
}

static void centring_takes_each_columns_mean(void **state)
{
    (void)state;
    float x[6] = {1, 10, 2, 10, 6, 10};
    tb_mel_centre(x, 3, 2);
    const float want[6] = {-2, 0, -1, 0, 3, 0};
    assert_memory_equal(x, want, sizeof x);
    tb_mel_centre(x, 0, 2);
}

/* The decoder's is of the magnitude, the fbank's of the power; the others: see above. And what
 * stands behind the last row stays. */
static void twice_the_amplitude_is_so_much_more_and_nothing_lies_behind(void **state)
{
    static const struct {
        tb_status (*make)(const float *, size_t, float *, tb_err *);
        size_t (*frames)(size_t);
        size_t bands;
        double rate, more;
    } all[] = {{tb_mel_s3gen, tb_mel_s3gen_frames, TB_MEL_S3GEN_BANDS, 24000, 1},
               {tb_mel_fbank, tb_mel_fbank_frames, TB_MEL_FBANK_BANDS, 16000, 2},
               {tb_mel_ve, tb_mel_ve_frames, TB_MEL_VE_BANDS, 16000, 0}};
    enum { LEN = 12000 };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const size_t n = all[i].frames(LEN) * all[i].bands;
        float *soft = tone(500, all[i].rate, 0.2, LEN), *loud = tone(500, all[i].rate, 0.4, LEN);
        float *a = column(n), *b = column(n);
        a[n] = 12345;
        assert_int_equal(all[i].make(soft, LEN, a, NULL), TB_OK);
        assert_int_equal(all[i].make(loud, LEN, b, NULL), TB_OK);
        assert_true(a[n] == 12345);
        const size_t row = n / all[i].bands / 2 * all[i].bands;
        const size_t at = row + loudest(a + row, all[i].bands);
        if (all[i].more > 0)
            assert_close(b[at] - a[at], all[i].more * log(2), 1e-3);
        else
            assert_close(b[at] / a[at], 4, 1e-3);
        tb_free(a);
        tb_free(b);
        tb_free(soft);
        tb_free(loud);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twice_the_amplitude_is_so_much_more_and_nothing_lies_behind),
        cmocka_unit_test(a_low_tone_lands_in_its_band),
        cmocka_unit_test(silence_is_the_floor_and_nothing_is_not_a_number),
        cmocka_unit_test(the_loudest_that_is_let_in_stays_finite),
        cmocka_unit_test(level_matters_to_the_voice_encoder_and_shifts_the_others),
        cmocka_unit_test(the_tokenizer_sees_two_units_of_range),
        cmocka_unit_test(the_model_files_own_tables_override),
        cmocka_unit_test(too_few_samples_are_told_apart_from_enough),
        cmocka_unit_test(centring_takes_each_columns_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
