/*
 * Tests of pitch contour, temperature, tones, tremor and time axis.
 */
#include "embedded/prosody_priv.h"
#include "signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { F = 400 };

static const tb_voice_stats low = {.f0_median = 4.6F,
                                   .f0_q25 = 4.5F,
                                   .f0_q75 = 4.7F,
                                   .f0_q05 = 4.4F,
                                   .f0_q95 = 4.8F,
                                   .f0_deviation = 0.148F};
static const tb_voice_stats high = {.f0_median = 5.3F,
                                    .f0_q25 = 5.2F,
                                    .f0_q75 = 5.4F,
                                    .f0_q05 = 5.1F,
                                    .f0_q95 = 5.5F,
                                    .f0_deviation = 0.148F};

static void the_median_goes_to_the_median_and_outliers_are_bent_back(void **state)
{
    (void)state;
    float f0[4] = {0, expf(4.6F), expf(4.7F), expf(6.0F)}, p[4];
    tb_prosody_pitch(f0, 4, &low, &high, p);
    assert_true(p[0] == 0);
    assert_close(logf(p[1]), 5.3, 1e-5);
    assert_close(logf(p[2]), 5.4, 1e-5);
    assert_close(logf(p[3]), 5.65 + 0.3 * tanh((6.7 - 5.65) / 0.3), 1e-4);
    tb_prosody_pitch(f0, 4, NULL, NULL, p);
    assert_memory_equal(f0, p, sizeof p);
}

static double spread(const float *p)
{
    double lo = 1e9, hi = 0;
    for (int f = 0; f < F; f++) {
        if (!(p[f] > 0)) continue;
        lo = fmin(lo, (double)p[f]);
        hi = fmax(hi, (double)p[f]);
    }
    return log(hi / lo);
}

static void vary(double temperature, tb_speaking_style style, float *p, float *rate)
{
    tb_rng rng;
    tb_rng_seed(&rng, 5);
    for (int f = 0; f < F; f++)
        p[f] = f % 100 < 20 ? 0 : (float)(150 * exp(0.2 * sin(f * 0.05)));
    assert_int_equal(tb_prosody_vary(temperature, &style, &rng, p, F, rate, NULL), TB_OK);
}

static void temperature_is_how_much_the_delivery_varies(void **state)
{
    (void)state;
    float cold[F], own[F], hot[F], rate[F];
    double axis[F];
    vary(0.05, tb_speaking_style_plain(), cold, rate);
    assert_close((float)spread(cold), 0.4 * 0.72, 0.02);
    vary(0.8, tb_speaking_style_plain(), own, rate);
    vary(5, tb_speaking_style_plain(), hot, rate);
    assert_true(spread(cold) < spread(own) && spread(own) < spread(hot));
    for (int f = 0; f < F; f++) {
        assert_true((own[f] > 0) == (cold[f] > 0));
        assert_true(own[f] == 0 || (hot[f] >= 50 && hot[f] <= 600));
    }
    tb_prosody_axis(rate, F, 2, axis);
    assert_close((float)axis[F - 1], 60 * (F - 1), 0.1);
    for (int f = 1; f < F; f++)
        assert_true(axis[f] > axis[f - 1]);
}

static void a_style_moves_and_widens_the_pitch(void **state)
{
    (void)state;
    float plain[F], happy[F], rate[F];
    tb_speaking_style style = tb_speaking_style_plain();
    style.pitch_st = 1.5F;
    style.range = 1.35F;
    vary(0.05, tb_speaking_style_plain(), plain, rate);
    vary(0.05, style, happy, rate);
    assert_close((float)(spread(happy) / spread(plain)), 1.35, 0.01);
}

static void a_tremor_swings_in_the_time_that_is_heard(void **state)
{
    (void)state;
    tb_speaking_style style = tb_speaking_style_plain();
    float p[F], flat[F], rate[F];
    double axis[F];
    int crossings = 0;
    style.tremor_hz = 5;
    style.tremor_st = 0.6F;
    for (int f = 0; f < F; f++) {
        p[f] = flat[f] = 150;
        rate[f] = 1;
    }
    tb_prosody_axis(rate, F, 0.5, axis); /* 4 s of output */
    tb_prosody_tremor(&style, axis, F, p);
    for (int f = 1; f < F; f++)
        crossings += (p[f] > flat[f]) != (p[f - 1] > flat[f - 1]);
    assert_in_range(crossings, 38, 42);
    assert_close((float)spread(p), 2 * 0.6 * log(2) / 12, 0.002);
}

static void a_sentence_of_one_frame_or_without_a_voice_is_left_alone(void **state)
{
    (void)state;
    const tb_speaking_style style = tb_speaking_style_plain();
    float p[3] = {0}, rate[3];
    tb_rng rng;
    tb_rng_seed(&rng, 1);
    assert_int_equal(tb_prosody_vary(5, &style, &rng, p, 0, rate, NULL), TB_OK);
    assert_int_equal(tb_prosody_vary(5, &style, &rng, p, 1, rate, NULL), TB_OK);
    assert_close(rate[0], 1, 1e-6);
    assert_int_equal(tb_prosody_vary(5, &style, &rng, p, 3, rate, NULL), TB_OK);
    for (int f = 0; f < 3; f++)
        assert_true(p[f] == 0);
}

/* Of many seeds at the highest temperature: the furthest that one voiced frame goes, in semitones.
 */
static void the_pitch_goes_five_semitones_at_most_and_as_far(void **state)
{
    const tb_speaking_style style = tb_speaking_style_plain();
    double lowest = 0, highest = 0, fastest = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        float p[F], rate[F], slow = 1e9F, fast = 0;
        tb_rng rng;
        tb_rng_seed(&rng, seed);
        for (int f = 0; f < F; f++)
            p[f] = 150;
        assert_int_equal(tb_prosody_vary(5, &style, &rng, p, F, rate, NULL), TB_OK);
        for (int f = 0; f < F; f++) {
            double st = 12 * log2((double)p[f] / 150);
            lowest = fmin(lowest, st);
            highest = fmax(highest, st);
            slow = fminf(slow, rate[f]);
            fast = fmaxf(fast, rate[f]);
        }
        fastest = fmax(fastest, log((double)(fast / slow)));
    }
    /* 2 of the sentence and 3 of its course; pace e^-0.4 to e^0.4 */
    assert_close((float)highest, 5, 1e-3);
    assert_close((float)lowest, -5, 1e-3);
    assert_close((float)fastest, 0.8, 1e-3);
}

static void the_pitch_stays_between_50_and_600_hertz_and_reaches_both(void **state)
{
    (void)state;
    for (int up = 0; up < 2; up++) {
        const double bound = up ? 600 : 50;
        float p[F], rate[F];
        double axis[F];
        tb_speaking_style style = tb_speaking_style_plain();
        style.pitch_st = up ? 40 : -40;
        vary(0.05, style, p, rate);
        for (int f = 0; f < F; f++)
            assert_true(p[f] == 0 || p[f] == (float)bound);
        /* And before the style is put on: where the style does nothing. */
        tb_rng rng;
        tb_rng_seed(&rng, 5);
        for (int f = 0; f < F; f++)
            p[f] = up ? 900 : 20;
        style = tb_speaking_style_plain();
        style.pitch_st = up ? -12 : 12; /* an octave from the bound, not from the 900 */
        assert_int_equal(tb_prosody_vary(0.05, &style, &rng, p, F, rate, NULL), TB_OK);
        assert_close(p[F / 2], up ? 300 : 100, 0.01);
        style.tremor_hz = 5;
        style.tremor_st = 3;
        float least = 1e9F, most = 0;
        for (int f = 0; f < F; f++)
            p[f] = up ? 590 : 51;
        tb_prosody_axis(rate, F, 1, axis);
        tb_prosody_tremor(&style, axis, F, p);
        for (int f = 0; f < F; f++) {
            least = fminf(least, p[f]);
            most = fmaxf(most, p[f]);
        }
        assert_true((up ? most : least) == (float)bound);
    }
}

static void a_voice_is_made_livelier_or_calmer_only_so_far(void **state)
{
    (void)state;
    float f0[2] = {expf(4.6F), expf(4.65F)}, p[2];
    tb_voice_stats lively = high, calm = high;
    lively.f0_deviation = 1;
    calm.f0_deviation = 0.01F;
    tb_prosody_pitch(f0, 2, &low, &lively, p);
    assert_close(logf(p[1]) - logf(p[0]), 2.0 * 0.05, 1e-4);
    tb_prosody_pitch(f0, 2, &low, &calm, p);
    assert_close(logf(p[1]) - logf(p[0]), 0.6 * 0.05, 1e-4);
    /* And by temperature: two frames, so that the drift between them is next to nothing. */
    static const double temperatures[] = {0.05, 0.8, 5}, ranges[] = {0.71875, 1, 1.5};
    for (int i = 0; i < 3; i++) {
        float rate[2], two[2] = {150, 180};
        const tb_speaking_style style = tb_speaking_style_plain();
        tb_rng rng;
        tb_rng_seed(&rng, 5);
        assert_int_equal(tb_prosody_vary(temperatures[i], &style, &rng, two, 2, rate, NULL), TB_OK);
        assert_close(log((double)two[1] / (double)two[0]), ranges[i] * log(1.2), 2e-3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_median_goes_to_the_median_and_outliers_are_bent_back),
        cmocka_unit_test(temperature_is_how_much_the_delivery_varies),
        cmocka_unit_test(the_pitch_goes_five_semitones_at_most_and_as_far),
        cmocka_unit_test(the_pitch_stays_between_50_and_600_hertz_and_reaches_both),
        cmocka_unit_test(a_voice_is_made_livelier_or_calmer_only_so_far),
        cmocka_unit_test(a_style_moves_and_widens_the_pitch),
        cmocka_unit_test(a_tremor_swings_in_the_time_that_is_heard),
        cmocka_unit_test(a_sentence_of_one_frame_or_without_a_voice_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
