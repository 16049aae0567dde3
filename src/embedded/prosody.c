/*
 * Pitch contour and time axis of a sentence.
 *
 * The base's pitch is moved to the recording's median and range, with soft limits; temperature adds
 * a drift of pitch and of local rate from random knots; a tone shifts and widens; speed and rate
 * become the time axis. All of it is on tracks of one value per frame. docs/embedded.md, "Prosody".
 */
#include "embedded/prosody_priv.h"

#include "base/mem.h"
#include "embedded/analysis_priv.h"

#include <math.h>
#include <stdlib.h>

#define PI 3.14159265358979323846

enum { PITCH_KNOTS = 50, RATE_KNOTS = 40 /* frames apart */ };

static const double SEMITONE = 0.693147180559945309 / 12;
static const double F0_MIN = 50, F0_MAX = 600;

tb_speaking_style tb_speaking_style_plain(void)
{
    return (tb_speaking_style){.range = 1, .rate = 1};
}

static double clamp(double x, double low, double high)
{
    return fmin(fmax(x, low), high);
}

void tb_prosody_pitch(const float *f0, size_t frames, const tb_voice_stats *base,
                      const tb_voice_stats *reference, float *pitch)
{
    const double softness = 0.3, slack = 0.15;

    for (size_t f = 0; f < frames; f++) {
        pitch[f] = f0[f];
        if (!reference || !(f0[f] > 0) || !(reference->f0_median > 0)) continue;
        double ratio =
            clamp((double)reference->f0_deviation / (double)base->f0_deviation, 0.6, 2.0);
        double t =
            (double)reference->f0_median + (log((double)f0[f]) - (double)base->f0_median) * ratio;
        double lo = (double)reference->f0_q05 - slack, hi = (double)reference->f0_q95 + slack;
        if (t < lo) t = lo - softness * tanh((lo - t) / softness);
        if (t > hi) t = hi + softness * tanh((t - hi) / softness);
        pitch[f] = (float)exp(t);
    }
}

/* A track of normal numbers every `step` frames, joined by raised cosines. The knots are drawn
 * here. */
typedef struct {
    float *knots;
    size_t step;
} track;

static tb_status track_draw(track *k, size_t frames, size_t step, tb_rng *rng, tb_err *err)
{
    size_t n = (frames - 1) / step + 2;

    k->step = step;
    k->knots = tb_try_alloc(n, sizeof *k->knots);
    if (!k->knots) return tb_nomem(err, n, sizeof *k->knots);
    for (size_t i = 0; i < n; i++)
        k->knots[i] = tb_rng_normal(rng);
    return TB_OK;
}

static double track_at(const track *k, size_t f)
{
    size_t i = f / k->step;
    double t = (double)(f % k->step) / (double)k->step;
    double s = 0.5 - 0.5 * cos(PI * t);
    return (double)k->knots[i] + s * ((double)k->knots[i + 1] - (double)k->knots[i]);
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Median of ln pitch over the voiced frames; 0 when there is none. work (frames). */
static double median_ln(const float *pitch, size_t frames, float *work)
{
    size_t n = 0;

    for (size_t f = 0; f < frames; f++)
        if (pitch[f] > 0) work[n++] = logf(pitch[f]);
    if (n == 0) return 0;
    qsort(work, n, sizeof *work, by_value);
    return 0.5 * ((double)work[(n - 1) / 2] + (double)work[n / 2]);
}

tb_status tb_prosody_vary(double temperature, const tb_speaking_style *style, tb_rng *rng,
                          float *pitch, size_t frames, float *rate, tb_err *err)
{
    const double g = temperature / 0.8;
    const double range = clamp(0.7 + 0.375 * temperature, 0.7, 1.5);
    track pitches = {0}, rates = {0};
    tb_status st;

    if (frames == 0) return TB_OK;
    const double offset = clamp(0.25 * g * (double)tb_rng_normal(rng), -2, 2);
    st = track_draw(&pitches, frames, PITCH_KNOTS, rng, err);
    if (st) goto out;
    st = track_draw(&rates, frames, RATE_KNOTS, rng, err);
    if (st) goto out;

    const double median = median_ln(pitch, frames, rate); /* rate: not in use yet */
    for (size_t f = 0; f < frames; f++) {
        if (!(pitch[f] > 0)) continue;
        double drift = clamp(0.35 * g * track_at(&pitches, f), -3, 3);
        double x = (log((double)pitch[f]) - median) * range + (offset + drift) * SEMITONE;
        x = log(clamp(exp(median + x), F0_MIN, F0_MAX)) - median;
        x = median + x * (double)style->range + (double)style->pitch_st * SEMITONE;
        pitch[f] = (float)clamp(exp(x), F0_MIN, F0_MAX);
    }

    /* The last frame ends the time axis: its rate has no length. */
    const size_t used = frames > 1 ? frames - 1 : 1;
    double sum = 0;
    for (size_t f = 0; f < frames; f++) {
        rate[f] = (float)exp(clamp(0.08 * g * track_at(&rates, f), -0.4, 0.4));
        if (f < used) sum += (double)rate[f];
    }
    for (size_t f = 0; f < frames; f++)
        rate[f] = (float)((double)rate[f] * (double)used / sum);

out:
    tb_free(pitches.knots);
    tb_free(rates.knots);
    return st;
}

void tb_prosody_axis(const float *rate, size_t frames, double speed, double *axis)
{
    if (frames == 0) return;
    axis[0] = 0;
    for (size_t f = 0; f + 1 < frames; f++)
        axis[f + 1] = axis[f] + TB_ANALYSIS_HOP * (double)rate[f] / speed;
}

void tb_prosody_tremor(const tb_speaking_style *style, const double *axis, size_t frames,
                       float *pitch)
{
    if (!(style->tremor_st > 0)) return;
    for (size_t f = 0; f < frames; f++) {
        if (!(pitch[f] > 0)) continue;
        double x = sin(2 * PI * (double)style->tremor_hz * axis[f] / 24000);
        double p = (double)pitch[f] * exp((double)style->tremor_st * SEMITONE * x);
        pitch[f] = (float)clamp(p, F0_MIN, F0_MAX);
    }
}
