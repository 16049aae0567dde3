#ifndef TB_TEST_MEASURE_H
#define TB_TEST_MEASURE_H

#include "dsp/biquad.h"
#include "dsp/loudness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What beds are judged by (spectrum, envelope, events, modulation), in plain double arithmetic of
 * its own: nothing here is shared with what it measures but the biquads and the loudness meter. */

/* In place, n a power of two. */
static void fft(double *re, double *im, size_t n)
{
    for (size_t i = 1, j = 0; i < n; i++) {
        size_t bit = n >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            double t = re[i];
            re[i] = re[j];
            re[j] = t;
            t = im[i];
            im[i] = im[j];
            im[j] = t;
        }
    }
    for (size_t len = 2; len <= n; len <<= 1) {
        double *c = malloc(len / 2 * sizeof *c), *s = malloc(len / 2 * sizeof *s);
        for (size_t k = 0; k < len / 2; k++) {
            c[k] = cos(2 * M_PI * (double)k / (double)len);
            s[k] = -sin(2 * M_PI * (double)k / (double)len);
        }
        for (size_t a = 0; a < n; a += len) {
            for (size_t k = 0; k < len / 2; k++) {
                size_t u = a + k, v = u + len / 2;
                double xr = re[v] * c[k] - im[v] * s[k], xi = re[v] * s[k] + im[v] * c[k];
                re[v] = re[u] - xr;
                im[v] = im[u] - xi;
                re[u] += xr;
                im[u] += xi;
            }
        }
        free(c);
        free(s);
    }
}

/* Welch: mean power of Hann windows of n with half overlap. p has n / 2 + 1. */
static void welch(const double *x, size_t len, size_t n, int detrend, double *p)
{
    double *re = malloc(n * sizeof *re), *im = malloc(n * sizeof *im);
    memset(p, 0, (n / 2 + 1) * sizeof *p);
    for (size_t a = 0; a + n <= len; a += n / 2) {
        double mean = 0;
        for (size_t i = 0; i < n && detrend; i++)
            mean += x[a + i] / (double)n;
        for (size_t i = 0; i < n; i++) {
            re[i] = (x[a + i] - mean) * (0.5 - 0.5 * cos(2 * M_PI * (double)i / (double)n));
            im[i] = 0;
        }
        fft(re, im, n);
        for (size_t k = 0; k <= n / 2; k++)
            p[k] += (re[k] * re[k] + im[k] * im[k]) * (k == 0 || k == n / 2 ? 1 : 2);
    }
    free(re);
    free(im);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* q-th quantile with linear interpolation; sorts x. */
static double quantile(double *x, size_t n, double q)
{
    qsort(x, n, sizeof *x, ascending);
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;
    return i + 1 < n ? x[i] + (x[i + 1] - x[i]) * (at - (double)i) : x[n - 1];
}

static void filter(double *x, size_t n, double fs, tb_biquad_kind kind, double f, double q)
{
    tb_biquad b = {0};
    tb_biquad_set(&b, kind, fs, f, q, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = tb_biquad_step(&b, x[i]);
}

static double *band_pass(const double *x, size_t n, double fs, double lo, double hi)
{
    double *y = malloc(n * sizeof *y);
    memcpy(y, x, n * sizeof *y);
    for (int k = 0; k < 2; k++) { /* Butterworth of fourth order at either end */
        double q = k ? 1.30656 : 0.54120;
        filter(y, n, fs, TB_BIQUAD_HIGH, lo, q);
        filter(y, n, fs, TB_BIQUAD_LOW, hi, q);
    }
    return y;
}

/* RMS in windows of 1/rate s; the number of them through *m. */
static double *envelope(const double *x, size_t n, double fs, double rate, size_t *m)
{
    size_t w = (size_t)(fs / rate);
    *m = n / w;
    double *e = malloc(*m * sizeof *e);
    for (size_t i = 0; i < *m; i++) {
        double s = 0;
        for (size_t j = 0; j < w; j++)
            s += x[i * w + j] * x[i * w + j];
        e[i] = sqrt(s / (double)w + 1e-20);
    }
    return e;
}

static void mean_std(const double *x, size_t n, double *mean, double *std)
{
    double m = 0, v = 0;
    for (size_t i = 0; i < n; i++)
        m += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        v += (x[i] - m) * (x[i] - m) / (double)n;
    *mean = m;
    *std = sqrt(v);
}

/* Level of [lo, hi) relative to the power above 20 Hz. */
static double band_db(const double *p, size_t n, double fs, double lo, double hi)
{
    double all = 0, in = 0;
    for (size_t k = 0; k <= n / 2; k++) {
        double f = (double)k * fs / (double)n;
        if (f >= 20) all += p[k];
        if (f >= lo && f < hi) in += p[k];
    }
    return 10 * log10(in / all + 1e-12);
}

/* Rises of the envelope above 1 kHz over its running median by 6 dB, per second. */
static double onsets(const double *x, size_t n, double fs)
{
    double *y = malloc(n * sizeof *y), win[201];
    memcpy(y, x, n * sizeof *y);
    filter(y, n, fs, TB_BIQUAD_HIGH, 1000, 0.70711);
    size_t m = 0;
    double *e = envelope(y, n, fs, 400, &m), *over = malloc(m * sizeof *over);
    for (size_t i = 0; i < m; i++)
        e[i] = 20 * log10(e[i] + 1e-9);
    for (size_t i = 0; i < m; i++) {
        size_t a = i < 100 ? 0 : i - 100, b = i + 101 > m ? m : i + 101;
        memcpy(win, e + a, (b - a) * sizeof *win);
        over[i] = e[i] - quantile(win, b - a, 0.5);
    }
    double last = -1e9, count = 0;
    for (size_t i = 0; i + 1 < m; i++) {
        if (over[i + 1] <= 6 || e[i + 1] < e[i]) continue;
        if ((double)i - last > 0.03 * 400) count++;
        last = (double)i;
    }
    free(y);
    free(e);
    free(over);
    return count / ((double)n / fs);
}

/* Spectrum of the linear envelope, 200 values a second, segments of 4096. */
static double *modulation(const double *x, size_t n, double fs)
{
    size_t m = 0;
    double *e = envelope(x, n, fs, 200, &m), *p = malloc(2049 * sizeof *p), mean, std;
    mean_std(e, m, &mean, &std);
    for (size_t i = 0; i < m; i++)
        e[i] = e[i] / mean - 1;
    welch(e, m, 4096, 1, p);
    free(e);
    return p;
}

static double modulation_ratio_db(const double *p, double lo, double hi, double lo2, double hi2)
{
    double a = 0, b = 0, na = 0, nb = 0;
    for (size_t k = 0; k <= 2048; k++) {
        double f = (double)k * 200 / 4096;
        if (f >= lo && f < hi) a += p[k], na++;
        if (f >= lo2 && f < hi2) b += p[k], nb++;
    }
    return 10 * log10(a / na / (b / nb));
}

static double modulation_peak_hz(const double *p, double lo, double hi)
{
    size_t best = 0;
    for (size_t k = 0; k <= 2048; k++) {
        double f = (double)k * 200 / 4096;
        if (f >= lo && f <= hi && (!best || p[k] > p[best])) best = k;
    }
    return (double)best * 200 / 4096;
}

/* Highest line in [lo, hi) over the median there; with f0 the line at f0 within a third octave. */
static double line_db(const double *x, size_t len, double fs, size_t n, double lo, double hi,
                      double f0)
{
    double *p = malloc((n / 2 + 1) * sizeof *p), *in = malloc((n / 2 + 1) * sizeof *in), peak = 0;
    size_t m = 0;
    welch(x, len, n, 0, p);
    for (size_t k = 0; k <= n / 2; k++) {
        double f = (double)k * fs / (double)n;
        if (f >= lo && f < hi) {
            in[m++] = p[k];
            if (f0 <= 0 || fabs(f - f0) < 2 * fs / (double)n) peak = fmax(peak, p[k]);
        }
    }
    double r = 10 * log10(peak / quantile(in, m, 0.5));
    free(p);
    free(in);
    return r;
}

/* Share of frames whose highest bin in [lo, hi) stands 15 dB above the median there. */
static double tonal_frames(const double *x, size_t len, double fs, double lo, double hi)
{
    enum { N = 2048 };
    static double p[N / 2 + 1], in[N / 2 + 1];
    double hits = 0, all = 0;
    for (size_t a = 0; a + N <= len; a += N / 2, all++) {
        size_t m = 0;
        double peak = 0;
        welch(x + a, N, N, 0, p);
        for (size_t k = 0; k <= N / 2; k++) {
            double f = (double)k * fs / N;
            if (f >= lo && f < hi) {
                in[m++] = p[k];
                peak = fmax(peak, p[k]);
            }
        }
        hits += 10 * log10(peak / quantile(in, m, 0.5)) > 15;
    }
    return hits / all;
}

/* Highest normalised autocorrelation of the envelope above 900 Hz for lags [lo, hi] s. */
static double beat(const double *x, size_t n, double fs, double lo, double hi, double *lag)
{
    double *y = malloc(n * sizeof *y), mean, std, best = -1;
    memcpy(y, x, n * sizeof *y);
    filter(y, n, fs, TB_BIQUAD_HIGH, 900, 0.70711);
    size_t m = 0;
    double *e = envelope(y, n, fs, 200, &m), *sorted = malloc(m * sizeof *sorted);
    memcpy(sorted, e, m * sizeof *e);
    double most = quantile(sorted, m, 0.995);
    for (size_t i = 0; i < m; i++)
        e[i] = fmin(e[i], most);
    mean_std(e, m, &mean, &std);
    for (size_t l = (size_t)(lo * 200); l < (size_t)(hi * 200); l++) {
        double r = 0;
        for (size_t i = 0; i + l < m; i++)
            r += (e[i] - mean) * (e[i + l] - mean) / (double)(m - l);
        r /= std * std;
        if (r > best) {
            best = r;
            *lag = (double)l / 200;
        }
    }
    free(y);
    free(e);
    free(sorted);
    return best;
}

/* dB per octave between lo and hi, regression on third-octave means. */
static double slope_db(const double *p, size_t n, double fs, double lo, double hi)
{
    double sx = 0, sy = 0, sxx = 0, sxy = 0, m = 0;
    for (double c = lo; c < hi * 0.999; c *= pow(2, 1 / 3.0), m++) {
        double sum = 0, count = 0;
        for (size_t k = 0; k <= n / 2; k++) {
            double f = (double)k * fs / (double)n;
            if (f >= c && f < c * pow(2, 1 / 3.0)) sum += p[k], count++;
        }
        double x = log2(c), y = 10 * log10(sum / count);
        sx += x, sy += y, sxx += x * x, sxy += x * y;
    }
    return (m * sxy - sx * sy) / (m * sxx - sx * sx);
}

/* Highest correlation of a two-second window with the rest of the sound: 1 for a loop. */
static double repeat_corr(const double *x, size_t len, double fs)
{
    double *y = band_pass(x, len, fs, 150, 6000), best = 0;
    size_t w = (size_t)(2 * fs), m = 1, guard = (size_t)fs;
    while (m < len + w)
        m <<= 1;
    double *xr = calloc(m, sizeof *xr), *xi = calloc(m, sizeof *xi);
    double *wr = calloc(m, sizeof *wr), *wi = calloc(m, sizeof *wi);
    double *cum = calloc(len + 1, sizeof *cum);
    for (size_t i = 0; i < len; i++)
        cum[i + 1] = cum[i] + y[i] * y[i];
    memcpy(xr, y, len * sizeof *xr);
    fft(xr, xi, m);
    for (int k = 0; k < 2; k++) {
        size_t a = (size_t)((k + 0.5) / 2 * (double)(len - w));
        memset(wr, 0, m * sizeof *wr);
        memset(wi, 0, m * sizeof *wi);
        memcpy(wr, y + a, w * sizeof *wr);
        fft(wr, wi, m);
        for (size_t i = 0; i < m; i++) { /* conj(X conj(W)): its forward transform inverts */
            double re = xr[i] * wr[i] + xi[i] * wi[i], im = xi[i] * wr[i] - xr[i] * wi[i];
            wr[i] = re / (double)m;
            wi[i] = -im / (double)m;
        }
        fft(wr, wi, m);
        double e = sqrt(cum[a + w] - cum[a]);
        for (size_t i = 0; i + w <= len; i++) {
            if (i + guard > a && i < a + guard) continue;
            best = fmax(best, fabs(wr[i]) / (e * sqrt(fmax(cum[i + w] - cum[i], 1e-12))));
        }
    }
    free(y);
    free(xr);
    free(xi);
    free(wr);
    free(wi);
    free(cum);
    return best;
}

#endif
