/*
 * Tests of voice statistics and the spectral map: identity, levels, limits, packing, matrix roots.
 */
#include "base/mem.h"
#include "embedded/analysis_priv.h"
#include "embedded/spectral_map_priv.h"
#include "embedded/symmetric_matrix_priv.h"
#include "embedded/voice_stats.h"
#include "signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void measure(double f0, tb_voice_stats *out, tb_analysis *vox)
{
    enum { N = 120000 };
    float *x = signal_speech(f0, N);
    assert_int_equal(tb_analysis_run(x, N, NULL, vox, NULL), TB_OK);
    assert_int_equal(tb_voice_stats_measure(vox->f0, vox->env, vox->frames, 12000, NULL, out, NULL),
                     TB_OK);
    tb_free(x);
}

static void a_voice_onto_itself_is_the_identity(void **state)
{
    (void)state;
    tb_voice_stats stats;
    tb_analysis vox = {0};
    tb_spectral_map map;
    measure(120, &stats, &vox);
    tb_spectral_map_make(&stats, &stats, &map);
    for (int j = 0; j < 2; j++)
        for (int a = 0; a < TB_CEPSTRUM_DIM; a++)
            for (int b = 0; b < TB_CEPSTRUM_DIM; b++)
                assert_close(map.a[j][a][b], a == b, 1e-4);

    float *gain = tb_alloc(vox.frames * TB_MEL_POINTS * sizeof *gain);
    assert_int_equal(tb_spectral_map_apply(&map, vox.f0, vox.env, vox.frames, NULL, gain, NULL),
                     TB_OK);
    for (size_t i = 0; i < vox.frames * TB_MEL_POINTS; i++)
        assert_close(4.343F * gain[i], 0, 0.1);
    tb_free(gain);
    tb_analysis_clear(&vox);
}

static void a_louder_voice_has_the_same_statistics_but_its_level(void **state)
{
    (void)state;
    tb_voice_stats quiet, loud;
    tb_analysis vox = {0};
    measure(120, &quiet, &vox);
    for (size_t i = 0; i < vox.frames * TB_ANALYSIS_BINS; i++)
        vox.env[i] += 1;
    assert_int_equal(tb_voice_stats_measure(vox.f0, vox.env, vox.frames, 12000, NULL, &loud, NULL),
                     TB_OK);
    assert_close(loud.level - quiet.level, 1, 1e-4);
    for (int d = 0; d < TB_CEPSTRUM_DIM; d++)
        assert_close(loud.mean[TB_CLASS_VOICED][d], quiet.mean[TB_CLASS_VOICED][d], 1e-3);
    tb_analysis_clear(&vox);
}

static void pitch_statistics_are_of_the_logarithm(void **state)
{
    (void)state;
    tb_voice_stats s;
    tb_analysis vox = {0};
    measure(150, &s, &vox);
    assert_close(exp((double)s.f0_median), 150, 8);
    assert_true(s.f0_q05 <= s.f0_q25 && s.f0_q25 < s.f0_q75 && s.f0_q75 <= s.f0_q95);
    assert_close(s.f0_deviation, (s.f0_q75 - s.f0_q25) / 1.349F, 1e-5);
    tb_analysis_clear(&vox);
}

/* The map's eigenvalues stay within 1.6, whatever it is asked for, and the gain within 15 dB. */
static void what_is_asked_too_much_is_limited(void **state)
{
    (void)state;
    tb_voice_stats base, far;
    tb_analysis vox = {0};
    tb_spectral_map map;
    measure(120, &base, &vox);
    far = base;
    for (int j = 0; j < 2; j++)
        for (int a = 0; a < TB_CEPSTRUM_DIM; a++) {
            far.mean[j][a] += 100;
            for (int b = 0; b < TB_CEPSTRUM_DIM; b++)
                far.cov[j][a][b] *= 25;
        }
    tb_spectral_map_make(&base, &far, &map);
    for (int a = 1; a < TB_CEPSTRUM_DIM; a++)
        assert_close(map.a[0][a][a], 1.6, 1e-3);
    assert_close(map.a[0][0][0], 1, 0);
    float *gain = tb_alloc(vox.frames * TB_MEL_POINTS * sizeof *gain);
    assert_int_equal(tb_spectral_map_apply(&map, vox.f0, vox.env, vox.frames, NULL, gain, NULL),
                     TB_OK);
    for (size_t i = 0; i < vox.frames * TB_MEL_POINTS; i++)
        assert_true(fabsf(gain[i]) <= 3.4541F);
    tb_free(gain);
    tb_analysis_clear(&vox);
}

static void few_frames_of_a_class_take_all_and_none_is_refused(void **state)
{
    (void)state;
    enum { F = 40 };
    float f0[F] = {0}, *env = signal_noise(9, 0.5, (size_t)F * TB_ANALYSIS_BINS);
    tb_voice_stats s;
    f0[3] = 100;
    assert_int_equal(tb_voice_stats_measure(f0, env, F, 12000, NULL, &s, NULL), TB_OK);
    assert_true(s.cov[TB_CLASS_VOICED][0][0] > 0);
    f0[3] = 0;
    assert_int_equal(tb_voice_stats_measure(f0, env, F, 12000, NULL, &s, NULL), TB_OK);
    assert_memory_equal(s.cov[0], s.cov[1], sizeof s.cov[0]);
    assert_close(s.f0_deviation, 0.03, 1e-6);
    assert_int_equal(tb_voice_stats_measure(f0, env, 1, 12000, NULL, &s, NULL), TB_EINVAL);
    assert_int_equal(tb_voice_stats_measure(f0, env, 0, 12000, NULL, &s, NULL), TB_EINVAL);
    tb_free(env);
}

static void statistics_come_back_from_their_bytes_or_not_at_all(void **state)
{
    (void)state;
    static uint8_t bytes[TB_VOICE_STATS_PACKED];
    tb_voice_stats stats, back;
    tb_analysis vox = {0};
    measure(120, &stats, &vox);
    tb_analysis_clear(&vox);
    tb_voice_stats_pack(&stats, "clip 1", bytes);
    assert_int_equal(tb_voice_stats_unpack(bytes, sizeof bytes, "clip 1", &back, NULL), TB_OK);
    assert_memory_equal(&stats, &back, sizeof stats);
    assert_int_equal(tb_voice_stats_unpack(bytes, sizeof bytes, "clip 2", &back, NULL),
                     TB_ENOTFOUND);
    assert_int_equal(tb_voice_stats_unpack(bytes, sizeof bytes - 1, "clip 1", &back, NULL),
                     TB_ENOTFOUND);
    assert_int_equal(tb_voice_stats_unpack(bytes, 0, "clip 1", &back, NULL), TB_ENOTFOUND);
    for (size_t i = 0; i < sizeof bytes; i += 97) {
        bytes[i] ^= 1;
        assert_int_equal(tb_voice_stats_unpack(bytes, sizeof bytes, "clip 1", &back, NULL),
                         TB_ENOTFOUND);
        bytes[i] ^= 1;
    }
}

static void roots_of_a_matrix_multiply_back(void **state)
{
    (void)state;
    const double a[9] = {4, 1, 0.5, 1, 3, -0.2, 0.5, -0.2, 2};
    double root[9], inverse[9], x[9], y[9];
    tb_symmetric_power(a, 3, 0.5, 1e-9, root);
    tb_symmetric_mul(root, root, 3, x);
    for (int i = 0; i < 9; i++)
        assert_close((float)(x[i] - a[i]), 0, 1e-6);
    tb_symmetric_power(a, 3, -1, 1e-9, inverse);
    tb_symmetric_mul(inverse, a, 3, y);
    for (int i = 0; i < 9; i++)
        assert_close((float)y[i], i % 4 == 0, 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_voice_onto_itself_is_the_identity),
        cmocka_unit_test(a_louder_voice_has_the_same_statistics_but_its_level),
        cmocka_unit_test(pitch_statistics_are_of_the_logarithm),
        cmocka_unit_test(what_is_asked_too_much_is_limited),
        cmocka_unit_test(few_frames_of_a_class_take_all_and_none_is_refused),
        cmocka_unit_test(statistics_come_back_from_their_bytes_or_not_at_all),
        cmocka_unit_test(roots_of_a_matrix_multiply_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
