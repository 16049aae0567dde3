/*
 * The spectral envelope of each frame (after Morise 2015, CheapTrick).
 *
 * A window of three periods, a rectangle of two thirds of F0 over the power spectrum, and a lifter
 * on the cepstrum that takes the harmonics out. docs/embedded.md, "Spectral envelope". Relies on
 * dsp/fft.h; sines and cosines are computed by rotation, one multiplication each instead of a call.
 */
#include "base/mem.h"
#include "dsp/fft.h"
#include "embedded/analysis_priv.h"

#include <math.h>

#define PI 3.14159265358979323846

enum {
    BINS = TB_ANALYSIS_BINS,
    FFT = TB_ANALYSIS_FFT,
    MARGIN = 12,       /* bins beyond both ends; half the rectangle is at most 7.4 */
    CANCEL_EVERY = 64, /* frames; about 4 ms */
};

static const double BIN_HZ = 24000.0 / FFT;

typedef struct {
    tb_fft *fft;
    float x[FFT], spectrum[2 * BINS];
    double window[FFT / 2]; /* one side, the centre first */
    double power[BINS], mirrored[BINS];
    double wide[BINS + 2 * MARGIN]; /* mirrored at both ends */
    double integral[BINS + 2 * MARGIN];
} work;

/* cos(step * i) for i = 0 .. n-1 by turning: one multiplication instead of a call each. */
static void cosines(double angle, double *out, size_t n)
{
    const double c = cos(angle), s = sin(angle);
    double re = 1, im = 0;

    for (size_t i = 0; i < n; i++) {
        out[i] = re;
        double next = re * c - im * s;
        im = re * s + im * c;
        re = next;
    }
}

/* w->power: of the frame centred on pcm[c]. */
static void power_spectrum(work *w, const float *pcm, size_t len, size_t c, double fz)
{
    const double h = 1.5 * 24000 / fz;
    const size_t half = h < 511 ? (size_t)h : 511;
    double sum_v = 0, sum_xv = 0, sum_vv = 0;

    cosines(PI / h, w->window, half + 1);
    for (size_t i = 0; i <= half; i++)
        w->window[i] = 0.5 + 0.5 * w->window[i];
    for (size_t i = 0; i < FFT; i++)
        w->x[i] = 0;
    for (size_t i = 0; i <= half; i++) {
        double v = w->window[i];
        size_t sides = i > 0 ? 2 : 1;
        double right = c + i < len ? (double)pcm[c + i] * v : 0;
        double left = i > 0 && c >= i && c - i < len ? (double)pcm[c - i] * v : 0;
        w->x[i] = (float)right;
        if (i > 0) w->x[FFT - i] = (float)left;
        sum_v += (double)sides * v;
        sum_vv += (double)sides * v * v;
        sum_xv += right + left;
    }
    double mean = sum_xv / sum_v;
    for (size_t i = 0; i <= half; i++) {
        w->x[i] -= (float)(w->window[i] * mean);
        if (i > 0) w->x[FFT - i] -= (float)(w->window[i] * mean);
    }
    tb_fft_forward(w->fft, w->x, w->spectrum);
    for (size_t k = 0; k < BINS; k++) {
        double re = (double)w->spectrum[2 * k], im = (double)w->spectrum[2 * k + 1];
        w->power[k] = (re * re + im * im) / sum_vv + 1e-12;
    }
}

/* P[k] += P(fz - f_k) below fz: what the window has lost below the first harmonic. */
static void fill_below_f0(work *w, double fz)
{
    const double z = fz / BIN_HZ;
    const size_t last = (size_t)z;

    for (size_t k = 0; k <= last; k++) {
        double at = z - (double)k;
        size_t i = (size_t)at;
        double t = at - (double)i;
        w->mirrored[k] = w->power[i] + t * (w->power[i + 1] - w->power[i]);
    }
    for (size_t k = 0; k <= last; k++)
        w->power[k] += w->mirrored[k];
}

/* The integral of the wide spectrum up to position at (in bins of wide), linear between bins. */
static double integral_to(const work *w, double at)
{
    size_t i = (size_t)at;
    double t = at - (double)i;
    return w->integral[i] + t * (w->wide[i] + 0.5 * t * (w->wide[i + 1] - w->wide[i]));
}

/* log of the smoothed power into w->power. */
static void smooth_and_log(work *w, double fz)
{
    const double half = fz / 3 / BIN_HZ;

    for (size_t k = 0; k < BINS; k++)
        w->wide[MARGIN + k] = w->power[k];
    for (size_t i = 1; i <= MARGIN; i++) {
        w->wide[MARGIN - i] = w->power[i];
        w->wide[MARGIN + BINS - 1 + i] = w->power[BINS - 1 - i];
    }
    w->integral[0] = 0;
    for (size_t i = 1; i < BINS + 2 * MARGIN; i++)
        w->integral[i] = w->integral[i - 1] + 0.5 * (w->wide[i - 1] + w->wide[i]);
    for (size_t k = 0; k < BINS; k++) {
        double at = (double)(MARGIN + k);
        double mean = (integral_to(w, at + half) - integral_to(w, at - half)) / (2 * half);
        w->power[k] = log(fmax(mean, 0) + 1e-12);
    }
}

/* Takes the harmonics out of the log spectrum w->power by way of its cepstrum. */
static void lifter(work *w, double fz, float *row)
{
    for (size_t k = 0; k < BINS; k++) {
        w->spectrum[2 * k] = (float)w->power[k];
        w->spectrum[2 * k + 1] = 0;
    }
    tb_fft_inverse(w->fft, w->spectrum, w->x); /* even: x[i] = x[FFT - i] */

    const double angle = PI * fz / 24000; /* of t = 1 coefficient */
    const double c = cos(angle), s = sin(angle);
    double re = 1, im = 0; /* cos and sin of pi t */
    for (size_t i = 0; i <= FFT / 2; i++) {
        double weight = 1;
        if (i > 0) weight = im / (angle * (double)i) * (1.3 - 0.3 * (1 - 2 * im * im));
        float value = (float)((double)w->x[i] * weight / FFT);
        w->x[i] = value;
        if (i > 0 && i < FFT / 2) w->x[FFT - i] = value;
        double next = re * c - im * s;
        im = re * s + im * c;
        re = next;
    }
    tb_fft_forward(w->fft, w->x, w->spectrum);
    for (size_t k = 0; k < BINS; k++)
        row[k] = w->spectrum[2 * k];
}

tb_status tb_analysis_envelope(const float *pcm, size_t len, const float *f0,
                               const tb_cancel *cancel, float *env, tb_err *err)
{
    const size_t frames = tb_analysis_frames(len);
    work *w = tb_alloc(sizeof *w);

    tb_status st = tb_fft_new(FFT, &w->fft, err);
    for (size_t f = 0; !st && f < frames; f++) {
        double fz = f0[f] > 0 ? fmax((double)f0[f], 71) : 300;
        power_spectrum(w, pcm, len, f * TB_ANALYSIS_HOP, fz);
        if (f0[f] > 0) fill_below_f0(w, fz);
        smooth_and_log(w, fz);
        lifter(w, fz, env + f * BINS);
        if (f % CANCEL_EVERY == 0 && tb_cancelled(cancel)) st = tb_fail_cancelled(err);
    }
    tb_fft_free(w->fft);
    tb_free(w);
    return st;
}
