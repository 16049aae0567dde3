/*
 * Tests of the wav reader and writer: kinds of samples, placeholder sizes, damaged files, exact
 * round trips, mixing of two channels, resampling.
 */
#include "audio/wav.h"

#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* after the four above, as it asks */
#include <cmocka.h>

static void what_is_printed_is_read_back_to_half_a_step(void **state)
{
    tb_pcm in = {0}, out = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    (void)state;
    assert_int_equal(tb_pcm_init(&in, 1000, 22050, NULL), TB_OK);
    for (size_t i = 0; i < in.len; i++)
        in.data[i] = 0.9F * sinf((float)i * 0.1F);
    assert_int_equal(tb_wav_print(&in, &bytes, &size, NULL), TB_OK);
    assert_int_equal(size, TB_WAV_HEADER + 2000);
    assert_int_equal(tb_wav_read(bytes, size, 10, &out, NULL), TB_OK);
    assert_int_equal(out.rate_hz, 22050);
    assert_int_equal(out.len, 1000);
    for (size_t i = 0; i < in.len; i++)
        assert_true(fabsf(in.data[i] - out.data[i]) <= 0.5F / 32768 + 1e-6F);
    tb_free(bytes);
    tb_pcm_clear(&in);
    tb_pcm_clear(&out);
}

static void a_size_that_is_a_placeholder_means_the_rest(void **state)
{
    (void)state;
    for (int zero = 0; zero < 2; zero++) {
        uint8_t bytes[TB_WAV_HEADER + 20] = {0};
        tb_pcm out = {0};
        tb_wav_header(bytes, UINT32_MAX, 24000);
        if (zero) memset(bytes + 40, 0, 4);
        assert_int_equal(tb_wav_read(bytes, sizeof bytes, 10, &out, NULL), TB_OK);
        assert_int_equal(out.len, 10);
        tb_pcm_clear(&out);
    }
}

static void too_loud_is_clipped_and_not_a_number_is_silence(void **state)
{
    const float x[4] = {2, -2, NAN, 0.5F};
    const uint8_t want[8] = {0xFF, 0x7F, 0x00, 0x80, 0, 0, 0, 0x40};
    uint8_t got[8];
    (void)state;
    tb_wav_s16(x, 4, got);
    assert_memory_equal(got, want, 8);
}

static void every_way_of_being_wrong_has_its_sentence(void **state)
{
    /* where, what to write there, what the sentence names */
    static const struct {
        size_t at;
        uint8_t value;
        const char *word;
    } wrong[] = {
        {20, 2, "format 2"}, {22, 0, "channels"}, {22, 9, "channels"},   {34, 12, "12 bits"},
        {32, 3, "damaged"},  {12, 'x', "format"}, {36, 'x', "no sound"}, {16, 8, "damaged"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t bytes[TB_WAV_HEADER + 20] = {0};
        tb_pcm out = {0};
        tb_err err = {0};
        tb_wav_header(bytes, 10, 24000);
        bytes[wrong[i].at] = wrong[i].value;
        assert_int_equal(tb_wav_read(bytes, sizeof bytes, 10, &out, &err), TB_EINVAL);
        if (!strstr(err.msg, wrong[i].word)) fail_msg("%zu: %s", i, err.msg);
        assert_null(out.data);
    }
}

static void resampling_keeps_length_and_tone(void **state)
{
    tb_pcm in = {0}, out = {0};
    (void)state;
    assert_int_equal(tb_pcm_init(&in, 24000, 24000, NULL), TB_OK);
    for (size_t i = 0; i < in.len; i++)
        in.data[i] = 0.5F * sinf(6.2831853F * 440 * (float)i / 24000);
    assert_int_equal(tb_resample(&in, 44100, &out, NULL), TB_OK);
    assert_int_equal(out.len, 44100);
    /* Away from the ends the sine itself, to soxr's 20 bits and float's phase above. */
    for (size_t i = 4000; i < 40000; i++)
        assert_true(fabsf(out.data[i] - 0.5F * sinf(6.2831853F * 440 * (float)i / 44100)) < 1e-3F);
    tb_pcm_clear(&out);
    assert_int_equal(tb_resample(&in, 999, &out, NULL), TB_EINVAL);
    in.len = 0;
    assert_int_equal(tb_resample(&in, 8000, &out, NULL), TB_OK);
    assert_int_equal(out.len, 0);
    tb_pcm_clear(&out);
    tb_pcm_clear(&in);
}

/* 16 bits, 24 bits, float: whatever it takes. -43 dBFS in 16 bits would leave nine of them. */
static void what_is_printed_exactly_is_read_back_to_the_bit(void **state)
{
    static const float kinds[][4] = {{0, 0.5F, -1, 32767 / 32768.0F},
                                     {1 / 8388608.0F, -1, 0.25F, 8388607 / 8388608.0F},
                                     {0.1F, 1e-7F, -2.5F, 1}};
    static const int bytes_each[] = {2, 3, 4};
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        float x[4];
        tb_pcm in = {.data = x, .len = 4, .rate_hz = 44100}, out = {0};
        uint8_t *bytes = NULL;
        size_t size = 0;
        memcpy(x, kinds[k], sizeof x);
        assert_int_equal(tb_wav_print_exact(&in, &bytes, &size, NULL), TB_OK);
        assert_int_equal(size, TB_WAV_HEADER + 4 * bytes_each[k]);
        assert_int_equal(tb_wav_read(bytes, size, 10, &out, NULL), TB_OK);
        assert_int_equal(out.rate_hz, 44100);
        assert_int_equal(out.len, 4);
        assert_memory_equal(out.data, x, sizeof x);
        tb_pcm_clear(&out);
        tb_free(bytes);
    }
}

/* Left and right of one tone; the result's amplitude. */
static double mixed(float left, float right)
{
    float l[1000], r[1000];
    for (size_t i = 0; i < 1000; i++) {
        l[i] = left * sinf((float)i * 0.1F);
        r[i] = right * sinf((float)i * 0.1F);
    }
    tb_pcm_mix_stereo(l, r, 1000, l);
    return (double)tb_pcm_peak(l, 1000);
}

static void two_channels_never_cancel_each_other(void **state)
{
    (void)state;
    assert_true(fabs(mixed(0.5F, 0.5F) - 0.5) < 1e-3); /* the mean */
    assert_true(fabs(mixed(0.5F, 0.25F) - 0.375) < 1e-3);
    assert_true(fabs(mixed(0.5F, -0.5F) - 0.5) < 1e-3); /* one is inverted */
    assert_true(fabs(mixed(0.5F, -0.45F) - 0.475) < 1e-3);
    assert_true(fabs(mixed(0.5F, 0) - 0.5) < 1e-3);      /* a microphone on the left */
    assert_true(fabs(mixed(0.001F, 0.5F) - 0.5) < 1e-3); /* or on the right */
    /* 30 dB apart is one silent microphone; a little less is two. */
    assert_true(fabs(mixed(0.5F * 0.02F, 0.5F) - 0.5) < 1e-3);
    assert_true(fabs(mixed(0.5F, 0.5F * 0.02F) - 0.5) < 1e-3);
    assert_true(fabs(mixed(0.5F * 0.04F, 0.5F) - 0.26) < 1e-3);
    assert_true(mixed(0, 0) == 0);
}

static uint32_t read32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void a_header_says_how_much_follows(void **state)
{
    static const struct {
        uint32_t samples, riff, data;
    } all[] = {{0, 36, 0},
               {10, 56, 20},
               {2147483629, 4294967294, 4294967258},
               {2147483630, UINT32_MAX, UINT32_MAX},
               {UINT32_MAX, UINT32_MAX, UINT32_MAX}};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        uint8_t head[TB_WAV_HEADER];
        tb_wav_header(head, all[i].samples, 22050);
        assert_memory_equal(head, "RIFF", 4);
        assert_int_equal(read32(head + 4), all[i].riff);
        assert_int_equal(read32(head + 24), 22050);
        assert_int_equal(read32(head + 28), 44100);
        assert_int_equal(read32(head + 40), all[i].data);
    }
}

/* ITU-T G.711: sign, three bits of segment, four of step; here by its tables' own formula. */
static void every_byte_of_g711_is_its_sample(void **state)
{
    (void)state;
    for (int law = 6; law <= 7; law++) {
        uint8_t file[TB_WAV_HEADER + 256];
        tb_pcm out = {0};
        tb_wav_header(file, 128, 8000);
        file[20] = (uint8_t)law;
        file[28] = 0x40; /* 8000 bytes a second */
        file[29] = 0x1F;
        file[32] = 1;
        file[34] = 8;
        for (int i = 0; i < 256; i++)
            file[TB_WAV_HEADER + i] = (uint8_t)i;
        assert_int_equal(tb_wav_read(file, sizeof file, 10, &out, NULL), TB_OK);
        assert_int_equal(out.len, 256);
        for (int i = 0; i < 256; i++) {
            const int c = law == 6 ? i ^ 0x55 : ~i & 0xFF;
            const int seg = c >> 4 & 7, step = c & 15;
            const bool positive = law == 6 ? c & 0x80 : !(c & 0x80);
            const int value = law == 7   ? 4 * (((2 * step + 33) << seg) - 33)
                              : seg == 0 ? 8 * (2 * step + 1)
                                         : 8 * ((2 * step + 33) << (seg - 1));
            assert_true(fabs((double)out.data[i] * 32768 - (positive ? value : -value)) < 0.01);
        }
        tb_pcm_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_of_g711_is_its_sample),
        cmocka_unit_test(a_header_says_how_much_follows),
        cmocka_unit_test(what_is_printed_is_read_back_to_half_a_step),
        cmocka_unit_test(a_size_that_is_a_placeholder_means_the_rest),
        cmocka_unit_test(too_loud_is_clipped_and_not_a_number_is_silence),
        cmocka_unit_test(every_way_of_being_wrong_has_its_sentence),
        cmocka_unit_test(what_is_printed_exactly_is_read_back_to_the_bit),
        cmocka_unit_test(two_channels_never_cancel_each_other),
        cmocka_unit_test(resampling_keeps_length_and_tone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
