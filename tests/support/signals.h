#ifndef TB_TEST_SIGNALS_H
#define TB_TEST_SIGNALS_H

#include "base/mem.h"
#include "base/rng.h"

#include <complex.h>
#include <math.h>
#include <stddef.h>

/* Sounds whose pitch and spectrum are known exactly, at 24 kHz. Heap, the caller's (tb_free). */
#define SIGNAL_RATE 24000.0
#define SIGNAL_PI   3.14159265358979323846

/* cmocka's own compares floats, and fails to say what it has seen. */
#define assert_close(a, b, tolerance)                                                    \
    do {                                                                                 \
        double got_ = (double)(a), want_ = (double)(b);                                  \
        if (!(fabs(got_ - want_) <= (tolerance))) fail_msg("%g is not %g", got_, want_); \
    } while (0)

typedef struct {
    double hz[4], width[4]; /* formants */
} signal_vowel;

static const signal_vowel signal_a = {{700, 1220, 2600, 3500}, {130, 110, 160, 250}};
static const signal_vowel signal_i = {{300, 2200, 2900, 3600}, {90, 140, 200, 250}};

static inline double complex signal_turn(double angle)
{
    return cos(angle) + (double complex)I * sin(angle);
}

/* The all-pole filter of a vowel at f. */
static inline double complex signal_response(const signal_vowel *v, double f)
{
    double complex z = signal_turn(-2 * SIGNAL_PI * f / SIGNAL_RATE), h = 1;
    for (int i = 0; i < 4; i++) {
        double r = exp(-SIGNAL_PI * v->width[i] / SIGNAL_RATE);
        double c = cos(2 * SIGNAL_PI * v->hz[i] / SIGNAL_RATE);
        h *= (1 - 2 * r * c + r * r) / (1 - 2 * r * c * z + r * r * z * z);
    }
    return h;
}

/* Every harmonic of f0 below 11.5 kHz, through the vowel's filter, or all alike (v NULL: pulses at
 * multiples of 24000 / f0 samples). Peak about 0.3. */
static inline float *signal_pulses(double f0, const signal_vowel *v, size_t len)
{
    double *sum = tb_alloc(len * sizeof *sum);
    float *x = tb_alloc(len * sizeof *x);
    double peak = 0;

    for (int k = 1; k * f0 < 11500; k++) {
        double complex h = v ? signal_response(v, k * f0) : 1;
        double complex turn = signal_turn(2 * SIGNAL_PI * k * f0 / SIGNAL_RATE), p = h;
        for (size_t i = 0; i < len; i++) {
            sum[i] += creal(p);
            p *= turn;
        }
    }
    for (size_t i = 0; i < len; i++)
        peak = fmax(peak, fabs(sum[i]));
    for (size_t i = 0; i < len; i++)
        x[i] = (float)(0.3 * sum[i] / peak);
    tb_free(sum);
    return x;
}

static inline float *signal_noise(unsigned seed, double rms, size_t len)
{
    float *x = tb_alloc((len + 1) * sizeof *x);
    tb_rng rng;
    tb_rng_seed(&rng, seed);
    for (size_t i = 0; i < len; i++)
        x[i] = (float)rms * tb_rng_normal(&rng);
    return x;
}

/* Something like speech: syllables of two vowels at a wandering pitch, hissing in between, and
 * pauses. */
static inline float *signal_speech(double f0, size_t len)
{
    float *hiss = signal_noise(7, 0.02, len);
    float *x = tb_alloc((len + 1) * sizeof *x);
    const size_t syllable = 6000; /* 250 ms */

    for (size_t at = 0, n = 0; at < len; at += syllable, n++) {
        double f = f0 * (1 + 0.04 * ((double)(n * 5 % 7) - 3));
        float *v = signal_pulses(f, n % 2 ? &signal_i : &signal_a, syllable);
        for (size_t i = 0; i < syllable && at + i < len; i++) {
            double t = (double)i / (double)syllable;
            double swell = t < 0.7 ? sin(SIGNAL_PI * t / 0.7) : 0;
            double air = t > 0.7 && n % 3 != 0 ? sin(SIGNAL_PI * (t - 0.7) / 0.3) : 0;
            x[at + i] = (float)(swell * (double)v[i] + air * (double)hiss[at + i] +
                                0.002 * (double)hiss[at + i]);
        }
        tb_free(v);
    }
    tb_free(hiss);
    return x;
}

#endif
