#include "dsp/stretch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void length_follows_speed_and_pitch_stays(void **state)
{
    (void)state;
    const double speeds[] = {0.25, 0.5, 0.9, 1.0, 1.3, 2, 4};
    tb_pcm in = {0};
    assert_int_equal(tb_pcm_init(&in, 48000, 24000, NULL), TB_OK);
    for (size_t i = 0; i < in.len; i++)
        in.data[i] = 0.5f * sinf(6.2831853f * 150.0f * (float)i / 24000.0f);
    for (size_t k = 0; k < sizeof speeds / sizeof *speeds; k++) {
        tb_pcm out = {0};
        assert_int_equal(tb_stretch(&in, speeds[k], &out, NULL), TB_OK);
        assert_int_equal(out.len, (size_t)lround(48000 / speeds[k]));
        size_t crossings = 0, from = out.len / 4, to = out.len * 3 / 4;
        double power = 0;
        for (size_t i = from; i < to; i++) {
            crossings += out.data[i] < 0 && out.data[i + 1] >= 0;
            power += (double)out.data[i] * (double)out.data[i];
        }
        double seconds = (double)(to - from) / 24000;
        assert_true(fabs((double)crossings / seconds - 150) < 150 * 0.03 + 1 / seconds);
        assert_true(sqrt(power / (double)(to - from)) > 0.3);
        tb_pcm_clear(&out);
    }
    tb_pcm_clear(&in);
}

static void short_and_empty_clips_have_their_length(void **state)
{
    (void)state;
    for (size_t len = 0; len < 40; len += 13) {
        tb_pcm in = {0}, out = {0};
        assert_int_equal(tb_pcm_init(&in, len, 24000, NULL), TB_OK);
        assert_int_equal(tb_stretch(&in, 2, &out, NULL), TB_OK);
        assert_int_equal(out.len, (size_t)lround((double)len / 2));
        tb_pcm_clear(&in);
        tb_pcm_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(length_follows_speed_and_pitch_stays),
        cmocka_unit_test(short_and_empty_clips_have_their_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
