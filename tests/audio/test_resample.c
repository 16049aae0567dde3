#include "audio/pcm.h"
#include "signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The reference's own counts; the third is one more than 10 s are, by the rounding of the quotient
 * of the rates. */
static void lengths_are_those_that_frames_were_counted_by(void **state)
{
    static const struct {
        size_t len;
        int from_hz, to_hz;
        size_t want;
    } cases[] = {{354123, 44100, 24000, 192721},
                 {441, 44100, 24000, 241},
                 {441000, 44100, 24000, 240001},
                 {240000, 24000, 16000, 160000},
                 {192721, 24000, 16000, 128481},
                 {354124, 44100, 24000, 192721},
                 {96001, 48000, 24000, 48001},
                 {110250, 22050, 24000, 120001},
                 {0, 44100, 24000, 0},
                 {1, 48000, 24000, 1},
                 {5, 24000, 24000, 5}};
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        tb_pcm in = {0}, out = {0};
        assert_int_equal(tb_pcm_init(&in, cases[c].len, cases[c].from_hz, NULL), TB_OK);
        for (size_t i = 0; i < in.len; i++)
            in.data[i] = 0.5F;
        assert_int_equal(tb_resample_ceil(&in, cases[c].to_hz, &out, NULL), TB_OK);
        assert_int_equal(out.len, cases[c].want);
        assert_int_equal(out.rate_hz, cases[c].to_hz);
        tb_pcm_clear(&in);
        tb_pcm_clear(&out);
    }
}

static void what_soxr_does_not_make_is_a_zero(void **state)
{
    (void)state;
    tb_pcm in = {0}, whole = {0}, rounded = {0};
    assert_int_equal(tb_pcm_init(&in, 441000, 44100, NULL), TB_OK);
    for (size_t i = 0; i < in.len; i++)
        in.data[i] = (float)(0.3 * sin(0.05 * (double)i));
    assert_int_equal(tb_resample_ceil(&in, 24000, &whole, NULL), TB_OK);
    assert_int_equal(tb_resample(&in, 24000, &rounded, NULL), TB_OK);
    assert_int_equal(whole.len, 240001);
    assert_int_equal(rounded.len, 240000);
    assert_close(whole.data[240000], 0, 0);
    assert_memory_equal(whole.data, rounded.data, 240000 * sizeof(float));
    tb_pcm_clear(&in);
    tb_pcm_clear(&whole);
    tb_pcm_clear(&rounded);
}

static void equal_rates_change_nothing(void **state)
{
    (void)state;
    float x[3] = {0.1F, -0.7F, 3};
    tb_pcm in = {x, 3, 24000}, out = {0};
    assert_int_equal(tb_resample_ceil(&in, 24000, &out, NULL), TB_OK);
    assert_memory_equal(out.data, x, sizeof x);
    tb_pcm_clear(&out);
}

static void rates_of_no_recording_are_refused(void **state)
{
    (void)state;
    static const int rates[] = {-1, 0, 999, 384001};
    float x[3] = {0};
    tb_err err;
    for (size_t c = 0; c < sizeof rates / sizeof rates[0]; c++) {
        tb_pcm in = {x, 3, rates[c]}, out = {0};
        assert_int_equal(tb_resample_ceil(&in, 24000, &out, &err), TB_EINVAL);
        assert_non_null(strstr(err.msg, "1000 to 384000"));
        in.rate_hz = 24000;
        assert_int_equal(tb_resample_ceil(&in, rates[c], &out, &err), TB_EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_are_those_that_frames_were_counted_by),
        cmocka_unit_test(what_soxr_does_not_make_is_a_zero),
        cmocka_unit_test(equal_rates_change_nothing),
        cmocka_unit_test(rates_of_no_recording_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
