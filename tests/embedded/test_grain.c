/*
 * Tests of the resynthesis: identity, gain, pitch, whispering, speed, bounds, reproducibility.
 */
#include "base/mem.h"
#include "embedded/grain_priv.h"
#include "embedded/render_priv.h"
#include "signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* No gain, no pitch, no noise at the base's own pace: what comes out is what went in. */
static void unity(float gain, float factor)
{
    enum { N = 24000, F = N / 120 + 1 };
    float *x = signal_noise(11, 0.1, N), *y = tb_alloc(N * sizeof *y);
    float *env = tb_alloc((size_t)F * TB_ANALYSIS_BINS * sizeof *env), f0[F] = {0};
    float *gains = tb_alloc((size_t)F * TB_MEL_POINTS * sizeof *gains);
    double axis[F];
    const tb_pitch_marks none = {0};
    float peak = 0;
    tb_rng rng;

    for (int f = 0; f < F; f++)
        axis[f] = 120.0 * f;
    for (int i = 0; i < F * TB_MEL_POINTS; i++)
        gains[i] = gain;
    for (int i = 0; i < N; i++)
        peak = fmaxf(peak, fabsf(x[i]));
    const tb_grain_job job = {.pcm = x,
                              .len = N,
                              .frames = F,
                              .f0 = f0,
                              .marks = &none,
                              .env = env,
                              .gain = gains,
                              .pitch = f0,
                              .axis = axis,
                              .cut_hz = 12000};
    tb_rng_seed(&rng, 1);
    assert_int_equal(tb_grain_len(axis, F), N);
    assert_int_equal(tb_grain_synth(&job, &rng, NULL, y, NULL), TB_OK);
    for (int i = 0; i < N - 120; i++)
        assert_true(fabsf(y[i] - factor * x[i]) <= factor * 1e-4F * peak);
    tb_free(gains);
    tb_free(env);
    tb_free(y);
    tb_free(x);
}

static void unvoiced_sound_of_which_nothing_is_asked_comes_out_as_it_is(void **state)
{
    (void)state;
    unity(0, 1);
}

static void a_gain_of_ln_4_in_power_is_twice_the_amplitude(void **state)
{
    (void)state;
    unity(logf(4), 2);
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double median_pitch(const float *x, size_t len)
{
    size_t F = tb_analysis_frames(len), n = 0;
    float *f0 = tb_alloc(F * sizeof *f0);
    assert_int_equal(tb_analysis_pitch(x, len, NULL, f0, NULL), TB_OK);
    for (size_t f = 0; f < F; f++)
        if (f0[f] > 0) f0[n++] = f0[f];
    assert_true(n > F / 2);
    qsort(f0, n, sizeof *f0, by_value);
    double median = (double)f0[n / 2];
    tb_free(f0);
    return median;
}

/* Mean power in a band, dB, by the mean of envelopes. */
static void third_octaves(const float *x, size_t len, double *db, int bands)
{
    tb_analysis vox = {0};
    assert_int_equal(tb_analysis_run(x, len, NULL, &vox, NULL), TB_OK);
    for (int b = 0; b < bands; b++) {
        double middle = 250 * pow(2, b / 3.0), sum = 0;
        int lo = (int)ceil(middle * pow(2, -1 / 6.0) / 23.4375);
        int hi = (int)floor(middle * pow(2, 1 / 6.0) / 23.4375);
        for (size_t f = 20; f + 20 < vox.frames; f++)
            for (int k = lo; k <= hi; k++)
                sum += exp((double)vox.env[f * TB_ANALYSIS_BINS + (size_t)k]);
        db[b] = 10 * log10(sum);
    }
    tb_analysis_clear(&vox);
}

static void vowel(double factor, double *pitch, double *db, double *db_in)
{
    enum { N = 36000 };
    const double f0 = 140;
    float *x = signal_pulses(f0, &signal_a, N), *y = NULL;
    tb_analysis vox = {0};
    tb_pitch_marks marks = {0};
    tb_rng rng;

    assert_int_equal(tb_analysis_run(x, N, NULL, &vox, NULL), TB_OK);
    assert_int_equal(tb_pitch_marks_find(x, N, vox.f0, vox.frames, NULL, &marks, NULL), TB_OK);
    tb_envelope_extend(vox.env, vox.frames, 6700);
    float *target = tb_alloc(vox.frames * sizeof *target);
    double *axis = tb_alloc(vox.frames * sizeof *axis);
    for (size_t f = 0; f < vox.frames; f++) {
        target[f] = (float)factor * vox.f0[f];
        axis[f] = 120.0 * (double)f;
    }
    const tb_grain_job job = {.pcm = x,
                              .len = N,
                              .frames = vox.frames,
                              .f0 = vox.f0,
                              .marks = &marks,
                              .env = vox.env,
                              .pitch = target,
                              .axis = axis,
                              .cut_hz = 6700};
    const size_t n = tb_grain_len(axis, vox.frames);
    y = tb_alloc(n * sizeof *y);
    tb_rng_seed(&rng, 2);
    assert_int_equal(tb_grain_synth(&job, &rng, NULL, y, NULL), TB_OK);
    *pitch = median_pitch(y, n) / f0;
    third_octaves(y, n, db, 14);
    third_octaves(x, N, db_in, 14);
    tb_free(y);
    tb_free(axis);
    tb_free(target);
    tb_pitch_marks_clear(&marks);
    tb_analysis_clear(&vox);
    tb_free(x);
}

static void a_vowel_at_its_own_pitch_keeps_pitch_and_colour(void **state)
{
    (void)state;
    double pitch, db[14], db_in[14];
    vowel(1, &pitch, db, db_in);
    assert_close((float)pitch, 1, 0.005);
    for (int b = 0; b < 14; b++)
        assert_close((float)(db[b] - db_in[b]), 0, 1);
}

static void a_vowel_moves_to_the_pitch_that_is_asked(void **state)
{
    (void)state;
    double pitch, db[14], db_in[14];
    vowel(1.5, &pitch, db, db_in);
    assert_close((float)(pitch / 1.5), 1, 0.005);
    vowel(0.7, &pitch, db, db_in);
    assert_close((float)(pitch / 0.7), 1, 0.005);
}

static tb_status render(tb_pcm *base, const tb_voice_stats *stats, const tb_voice_stats *reference,
                        tb_speaking_style style, double speed, unsigned seed, tb_pcm *out)
{
    const tb_render_job job = {.base = base,
                               .base_cut_hz = 6700,
                               .base_stats = stats,
                               .reference = reference,
                               .style = style,
                               .temperature = 0.8,
                               .speed = speed};
    tb_rng rng;
    tb_rng_seed(&rng, seed);
    return tb_render_sentence(&job, &rng, NULL, out, NULL);
}

static void measure(const tb_pcm *pcm, tb_voice_stats *out)
{
    tb_analysis vox = {0};
    assert_int_equal(tb_analysis_run(pcm->data, pcm->len, NULL, &vox, NULL), TB_OK);
    assert_int_equal(tb_voice_stats_measure(vox.f0, vox.env, vox.frames, 6700, NULL, out, NULL),
                     TB_OK);
    tb_analysis_clear(&vox);
}

enum { SPEECH = 48000 };

static void whispered_silence_is_silence(void **state)
{
    (void)state;
    tb_pcm silence = {0}, out = {0};
    tb_speaking_style style = tb_speaking_style_plain();
    style.whisper = true;
    style.tilt_db = 1.5F;
    assert_int_equal(tb_pcm_init(&silence, 24000, 24000, NULL), TB_OK);
    assert_int_equal(render(&silence, NULL, NULL, style, 1, 1, &out), TB_OK);
    assert_int_equal(out.len, 24000);
    assert_true(tb_pcm_peak(out.data, out.len) < 1e-5F);
    tb_pcm_clear(&out);
    tb_pcm_clear(&silence);
}

static void whispered_speech_has_no_pitch(void **state)
{
    (void)state;
    tb_pcm base = {signal_speech(130, SPEECH), SPEECH, 24000}, out = {0};
    tb_speaking_style style = tb_speaking_style_plain();
    size_t voiced = 0;
    style.whisper = true;
    assert_int_equal(render(&base, NULL, NULL, style, 1, 1, &out), TB_OK);
    float *f0 = tb_alloc(tb_analysis_frames(out.len) * sizeof *f0);
    assert_int_equal(tb_analysis_pitch(out.data, out.len, NULL, f0, NULL), TB_OK);
    for (size_t f = 0; f < tb_analysis_frames(out.len); f++)
        voiced += f0[f] > 0;
    assert_true(voiced < tb_analysis_frames(out.len) / 5);
    tb_free(f0);
    tb_pcm_clear(&out);
    tb_pcm_clear(&base);
}

static void next_to_nothing_gives_next_to_nothing(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 119, 120, 121, 700};
    float *x = signal_pulses(200, NULL, 700);
    tb_speaking_style style = tb_speaking_style_plain();
    for (int w = 0; w < 2; w++) {
        style.whisper = w;
        for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
            tb_pcm base = {x, lens[i], 24000}, out = {0};
            assert_int_equal(render(&base, NULL, NULL, style, 0.5, 1, &out), TB_OK);
            assert_int_equal(out.len, 2 * (lens[i] / 120 * 120));
            tb_pcm_clear(&out);
        }
    }
    tb_free(x);
}

static void speed_stretches_the_time_exactly(void **state)
{
    (void)state;
    static const double speeds[] = {0.25, 0.5, 1, 2, 4};
    tb_pcm base = {signal_speech(130, SPEECH), SPEECH, 24000};
    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++) {
        tb_pcm out = {0};
        assert_int_equal(render(&base, NULL, NULL, tb_speaking_style_plain(), speeds[i], 1, &out),
                         TB_OK);
        assert_close((double)out.len, SPEECH / speeds[i], 1);
        tb_pcm_clear(&out);
    }
    tb_pcm_clear(&base);
}

/* Everything at once, on sounds that nobody asks for. */
static void whatever_is_asked_is_finite(void **state)
{
    (void)state;
    tb_pcm speech = {signal_speech(130, SPEECH), SPEECH, 24000};
    tb_voice_stats stats, other;
    measure(&speech, &stats);
    other = stats;
    other.f0_median += 1;
    for (int d = 0; d < TB_CEPSTRUM_DIM; d++)
        other.mean[1][d] -= 3;

    for (int kind = 0; kind < 4; kind++) {
        tb_pcm base = {tb_alloc(SPEECH * sizeof(float)), SPEECH, 24000}, out = {0};
        for (int i = 0; i < SPEECH; i++)
            base.data[i] = kind == 0   ? (speech.data[i] > 0 ? 1.0F : -1.0F)
                           : kind == 1 ? 1.0F
                           : kind == 2 ? (i % 4800 == 0 ? 1.0F : 0.0F)
                                       : 1e-20F * speech.data[i];
        tb_speaking_style style = {.pitch_st = 2,
                                   .range = 1.6F,
                                   .rate = 0.85F,
                                   .tilt_db = 1.5F,
                                   .breath = 0.3F,
                                   .tremor_hz = 5,
                                   .tremor_st = 0.6F};
        assert_int_equal(render(&base, &stats, &other, style, 0.25, 3, &out), TB_OK);
        for (size_t i = 0; i < out.len; i++)
            assert_true(isfinite(out.data[i]));
        tb_pcm_clear(&out);
        tb_pcm_clear(&base);
    }
    tb_pcm_clear(&speech);
}

typedef struct {
    tb_pcm *base;
    tb_voice_stats *stats;
    tb_pcm out;
    unsigned seed;
} thread_job;

static void *thread_main(void *arg)
{
    thread_job *t = arg;
    tb_speaking_style style = tb_speaking_style_plain();
    style.breath = 0.2F;
    if (render(t->base, t->stats, t->stats, style, 0.7, t->seed, &t->out) != TB_OK)
        tb_pcm_clear(&t->out);
    return NULL;
}

static void the_same_seed_gives_the_same_bytes_with_any_number_of_threads(void **state)
{
    (void)state;
    enum { THREADS = 8 };
    tb_pcm base = {signal_speech(130, SPEECH), SPEECH, 24000};
    tb_voice_stats stats;
    thread_job jobs[THREADS + 1];
    pthread_t threads[THREADS];

    measure(&base, &stats);
    for (int i = 0; i <= THREADS; i++)
        jobs[i] = (thread_job){.base = &base, .stats = &stats, .seed = i == 7 ? 43 : 42};
    thread_main(&jobs[THREADS]);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, thread_main, &jobs[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_true(jobs[THREADS].out.len > 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(jobs[i].out.len, jobs[THREADS].out.len);
        int differs =
            memcmp(jobs[i].out.data, jobs[THREADS].out.data, jobs[i].out.len * sizeof(float));
        assert_true(i == 7 ? differs != 0 : differs == 0);
        tb_pcm_clear(&jobs[i].out);
    }
    tb_pcm_clear(&jobs[THREADS].out);
    tb_pcm_clear(&base);
}

static void a_voice_s_noise_follows_its_curve(void **state)
{
    (void)state;
    tb_pcm base = {signal_speech(130, SPEECH), SPEECH, 24000}, sigh = {0}, sniff = {0};
    tb_voice_stats stats;
    float curve[12000];
    double first = 0, second = 0;
    tb_rng rng;

    measure(&base, &stats);
    for (int i = 0; i < 12000; i++)
        curve[i] = i < 6000 ? 1.0F : 0.1F;
    tb_rng_seed(&rng, 1);
    assert_int_equal(tb_render_noise(&stats, -3, curve, 12000, &rng, NULL, &sigh, NULL), TB_OK);
    assert_int_equal(sigh.len, 12000);
    for (int i = 0; i < 6000; i++) {
        first += (double)(sigh.data[i] * sigh.data[i]);
        second += (double)(sigh.data[6000 + i] * sigh.data[6000 + i]);
    }
    assert_close((float)(10 * log10(first / second)), 20, 1.5);
    assert_int_equal(tb_render_band_noise(1500, 6000, curve, 12000, &rng, NULL, &sniff, NULL),
                     TB_OK);
    first = 0;
    for (int i = 0; i < 6000; i++)
        first += (double)(sniff.data[i] * sniff.data[i]) / 6000;
    assert_close((float)first, 1, 0.1);
    tb_pcm_clear(&sniff);
    tb_pcm_clear(&sigh);
    tb_pcm_clear(&base);
}

static void a_cancelled_job_stops(void **state)
{
    (void)state;
    tb_pcm base = {signal_speech(130, SPEECH), SPEECH, 24000}, out = {0};
    tb_cancel cancel = {0};
    const tb_render_job job = {.base = &base,
                               .base_cut_hz = 6700,
                               .style = tb_speaking_style_plain(),
                               .temperature = 0.8,
                               .speed = 1};
    tb_rng rng;
    tb_rng_seed(&rng, 1);
    tb_cancel_set(&cancel);
    assert_int_equal(tb_render_sentence(&job, &rng, &cancel, &out, NULL), TB_ECANCELLED);
    assert_null(out.data);
    tb_pcm_clear(&base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unvoiced_sound_of_which_nothing_is_asked_comes_out_as_it_is),
        cmocka_unit_test(a_gain_of_ln_4_in_power_is_twice_the_amplitude),
        cmocka_unit_test(a_vowel_at_its_own_pitch_keeps_pitch_and_colour),
        cmocka_unit_test(a_vowel_moves_to_the_pitch_that_is_asked),
        cmocka_unit_test(whispered_silence_is_silence),
        cmocka_unit_test(whispered_speech_has_no_pitch),
        cmocka_unit_test(next_to_nothing_gives_next_to_nothing),
        cmocka_unit_test(speed_stretches_the_time_exactly),
        cmocka_unit_test(whatever_is_asked_is_finite),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes_with_any_number_of_threads),
        cmocka_unit_test(a_voice_s_noise_follows_its_curve),
        cmocka_unit_test(a_cancelled_job_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
