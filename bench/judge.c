/*
 * Judges of bench-embedded: timbre, long-term spectrum, pitch and words.
 *
 * They share no code with the engine that they judge: an FFT, a mel filterbank, a cepstrum and a
 * pitch tracker (YIN) of their own. Timbre is the distance of two Gaussians of cepstra; words are
 * counted by edit distance. docs/embedded.md, "Why this map".
 */
#include "judge.h"

#include <complex.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

enum { FFT_MAX = 2048 };

static const double RATE = 24000;

/* Radix 2, in place. */
static void fft(double complex *x, size_t n)
{
    for (size_t i = 1, j = 0; i < n; i++) {
        size_t bit = n >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
        if (i < j) {
            double complex swap = x[i];
            x[i] = x[j];
            x[j] = swap;
        }
    }
    for (size_t half = 1; half < n; half *= 2) {
        double complex turn = cos(PI / (double)half) - (double complex)I * sin(PI / (double)half),
                       w = 1;
        for (size_t k = 0; k < half; k++, w *= turn)
            for (size_t i = k; i < n; i += 2 * half) {
                double complex t = w * x[i + half];
                x[i + half] = x[i] - t;
                x[i] += t;
            }
    }
}

/* Power of a Hann frame of win samples: power (n / 2 + 1). */
static void frame_power(const float *x, size_t win, size_t n, double *power)
{
    double complex buffer[FFT_MAX] = {0};

    for (size_t i = 0; i < win; i++)
        buffer[i] = (double)x[i] * (0.5 - 0.5 * cos(2 * PI * ((double)i + 0.5) / (double)win));
    fft(buffer, n);
    for (size_t k = 0; k <= n / 2; k++)
        power[k] = creal(buffer[k]) * creal(buffer[k]) + cimag(buffer[k]) * cimag(buffer[k]);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *x, size_t n, double q)
{
    double *sorted = malloc(n * sizeof *sorted);
    if (!sorted) abort();
    memcpy(sorted, x, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    double v = sorted[(size_t)(q * (double)(n - 1) + 0.5)];
    free(sorted);
    return v;
}

/* --- timbre --- */

enum { WIN = 600, HOP = 240, N = 1024, BINS = N / 2 + 1, FILTERS = 40 };

static double mel(double hz)
{
    return 2595 * log10(1 + hz / 700);
}

static void mel_filters(double filters[FILTERS][BINS])
{
    double edge[FILTERS + 2];
    for (int i = 0; i < FILTERS + 2; i++)
        edge[i] = 700 * (pow(10, (mel(80) + (mel(7600) - mel(80)) * i / (FILTERS + 1)) / 2595) - 1);
    for (int i = 0; i < FILTERS; i++)
        for (int k = 0; k < BINS; k++) {
            double f = k * RATE / N;
            double up = (f - edge[i]) / (edge[i + 1] - edge[i]);
            double down = (edge[i + 2] - f) / (edge[i + 2] - edge[i + 1]);
            filters[i][k] = fmax(fmin(up, down), 0);
        }
}

static void cepstrum(const double *power, double filters[FILTERS][BINS], double floor, double *out)
{
    double logs[FILTERS];
    for (int i = 0; i < FILTERS; i++) {
        double sum = 0;
        for (int k = 0; k < BINS; k++)
            sum += filters[i][k] * power[k];
        logs[i] = log(sum + floor);
    }
    for (int d = 0; d < JUDGE_DIM; d++) {
        out[d] = 0;
        for (int i = 0; i < FILTERS; i++)
            out[d] += sqrt(2.0 / FILTERS) * cos(PI * (d + 1) * (i + 0.5) / FILTERS) * logs[i];
    }
}

bool judge_timbre_of(const float *x, size_t len, judge_timbre *out)
{
    static const size_t low = 9; /* 200 Hz */
    if (len < WIN) return false;
    const size_t frames = (len - WIN) / HOP + 1;
    double(*filters)[BINS] = malloc(FILTERS * sizeof *filters);
    double(*power)[BINS] = malloc(frames * sizeof *power);
    double *energy = malloc(frames * sizeof *energy);
    double(*c)[JUDGE_DIM] = malloc(frames * sizeof *c);
    double largest = 0;
    size_t n = 0;

    if (!filters || !power || !energy || !c) abort();
    mel_filters(filters);
    for (size_t f = 0; f < frames; f++) {
        frame_power(x + f * HOP, WIN, N, power[f]);
        energy[f] = 0;
        for (size_t k = 0; k < BINS; k++) {
            largest = fmax(largest, power[f][k]);
            if (k >= low) energy[f] += power[f][k];
        }
    }
    double least = quantile(energy, frames, 0.98) * 1e-3;
    for (size_t f = 0; f < frames; f++)
        if (energy[f] > least) cepstrum(power[f], filters, 1e-9 * largest, c[n++]);

    memset(out, 0, sizeof *out);
    for (size_t f = 0; f < n; f++)
        for (int i = 0; i < JUDGE_DIM; i++)
            out->mean[i] += c[f][i] / (double)n;
    for (size_t f = 0; f < n; f++)
        for (int i = 0; i < JUDGE_DIM; i++)
            for (int j = 0; j < JUDGE_DIM; j++)
                out->cov[i][j] += (c[f][i] - out->mean[i]) * (c[f][j] - out->mean[j]) / (double)n;
    for (int i = 0; i < JUDGE_DIM; i++)
        out->cov[i][i] += 1e-3;
    free(c);
    free(energy);
    free(power);
    free(filters);
    return n > 2 * JUDGE_DIM;
}

/* Gauss and Jordan; the matrices are positive definite. */
static void invert(const double in[JUDGE_DIM][JUDGE_DIM], double out[JUDGE_DIM][JUDGE_DIM])
{
    double a[JUDGE_DIM][JUDGE_DIM];
    memcpy(a, in, sizeof a);
    for (int i = 0; i < JUDGE_DIM; i++)
        for (int j = 0; j < JUDGE_DIM; j++)
            out[i][j] = i == j;
    for (int p = 0; p < JUDGE_DIM; p++) {
        double scale = 1 / a[p][p];
        for (int j = 0; j < JUDGE_DIM; j++) {
            a[p][j] *= scale;
            out[p][j] *= scale;
        }
        for (int i = 0; i < JUDGE_DIM; i++) {
            double v = a[i][p];
            if (i == p) continue;
            for (int j = 0; j < JUDGE_DIM; j++) {
                a[i][j] -= v * a[p][j];
                out[i][j] -= v * out[p][j];
            }
        }
    }
}

double judge_timbre_distance(const judge_timbre *a, const judge_timbre *b)
{
    double ia[JUDGE_DIM][JUDGE_DIM], ib[JUDGE_DIM][JUDGE_DIM], sum = -2.0 * JUDGE_DIM;
    invert(a->cov, ia);
    invert(b->cov, ib);
    for (int i = 0; i < JUDGE_DIM; i++)
        for (int j = 0; j < JUDGE_DIM; j++) {
            double di = a->mean[i] - b->mean[i], dj = a->mean[j] - b->mean[j];
            sum += ib[i][j] * a->cov[j][i] + ia[i][j] * b->cov[j][i];
            sum += di * (ia[i][j] + ib[i][j]) * dj;
        }
    return sum / 4 / JUDGE_DIM;
}

/* --- long-term spectrum --- */

void judge_ltas(const float *x, size_t len, double db[JUDGE_BANDS])
{
    enum { LONG = 2048, HALF = LONG / 2 };
    const size_t frames = len < LONG ? 0 : (len - LONG) / HALF + 1;
    double(*power)[HALF + 1] = malloc((frames + 1) * sizeof *power);
    double *energy = calloc(frames + 1, sizeof *energy), strongest = 0, band[JUDGE_BANDS] = {0};

    if (!power || !energy) abort();
    for (size_t f = 0; f < frames; f++) {
        frame_power(x + f * HALF, LONG, LONG, power[f]);
        for (int k = 1; k <= HALF; k++)
            energy[f] += power[f][k];
        strongest = fmax(strongest, energy[f]);
    }
    for (size_t f = 0; f < frames; f++) {
        if (energy[f] < 1e-3 * strongest) continue;
        for (int b = 0; b < JUDGE_BANDS; b++) {
            double middle = 1000 * pow(2, (b - 10) / 3.0);
            double lo = middle * pow(2, -1 / 6.0) * LONG / RATE;
            double hi = middle * pow(2, 1 / 6.0) * LONG / RATE;
            for (int k = (int)ceil(lo); k < hi && k <= HALF; k++)
                band[b] += power[f][k];
        }
    }
    for (int b = 0; b < JUDGE_BANDS; b++)
        db[b] = 10 * log10(band[b] + 1e-20);
    free(energy);
    free(power);
}

double judge_ltas_distance(const double a[JUDGE_BANDS], const double b[JUDGE_BANDS])
{
    double mean = 0, square = 0;
    for (int i = 0; i < JUDGE_BANDS; i++)
        mean += (a[i] - b[i]) / JUDGE_BANDS;
    for (int i = 0; i < JUDGE_BANDS; i++)
        square += (a[i] - b[i] - mean) * (a[i] - b[i] - mean) / JUDGE_BANDS;
    return sqrt(square);
}

/* --- pitch --- */

/* One YIN estimate at 6 kHz; 0 when it is not periodic enough. x has WINDOW + LAG_MAX samples. */
static double yin(const float *x)
{
    enum { WINDOW = 180, LAG_MIN = 13, LAG_MAX = 105 };
    double d[LAG_MAX + 1] = {0}, sum = 0;
    int best = 0;

    for (int lag = 1; lag <= LAG_MAX; lag++) {
        double s = 0;
        for (int i = 0; i < WINDOW; i++) {
            double v = (double)x[i] - (double)x[i + lag];
            s += v * v;
        }
        sum += s;
        d[lag] = sum > 0 ? s * lag / sum : 1;
    }
    for (int lag = LAG_MIN; lag < LAG_MAX && !best; lag++)
        if (d[lag] < 0.15 && d[lag] <= d[lag + 1]) best = lag;
    if (!best) return 0;
    double curve = d[best - 1] - 2 * d[best] + d[best + 1];
    double shift = curve > 1e-12 ? 0.5 * (d[best - 1] - d[best + 1]) / curve : 0;
    return 6000 / (best + fmin(fmax(shift, -0.5), 0.5));
}

bool judge_pitch(const float *x, size_t len, double *median_st, double *range_st)
{
    enum { STEP = 60, NEED = 180 + 105 + 1, TAPS = 24 };
    const size_t n = len / 4;
    float *low = calloc(n + 1, sizeof *low);
    double *track = malloc((n / STEP + 1) * sizeof *track);
    double *energy = malloc((n / STEP + 1) * sizeof *energy);
    size_t frames = 0, voiced = 0;

    if (!low || !track || !energy) abort();
    for (size_t i = 0; i < n; i++) { /* a Hann of two milliseconds: down to 6 kHz */
        double sum = 0;
        for (int k = -TAPS; k <= TAPS; k++) {
            ptrdiff_t at = (ptrdiff_t)(4 * i) + k;
            if (at < 0 || at >= (ptrdiff_t)len) continue;
            sum += (double)x[at] * (0.5 + 0.5 * cos(PI * k / (TAPS + 1))) / (TAPS + 1);
        }
        low[i] = (float)sum;
    }
    for (size_t at = 0; at + NEED < n; at += STEP, frames++) {
        energy[frames] = 0;
        for (size_t i = 0; i < 180; i++)
            energy[frames] += (double)low[at + i] * (double)low[at + i];
        track[frames] = yin(low + at);
    }
    double least = frames ? quantile(energy, frames, 0.97) * 1e-3 : 0;
    for (size_t f = 0; f < frames; f++)
        if (track[f] > 0 && energy[f] > least) track[voiced++] = 12 * log2(track[f]);
    if (voiced >= 10) {
        *median_st = quantile(track, voiced, 0.5);
        *range_st = quantile(track, voiced, 0.75) - quantile(track, voiced, 0.25);
    }
    free(energy);
    free(track);
    free(low);
    return voiced >= 10;
}

/* --- words --- */

enum { WORDS = 64, LETTERS = 32 };

static size_t split(const char *s, char words[WORDS][LETTERS])
{
    size_t n = 0;
    while (*s && n < WORDS) {
        size_t k = 0;
        while (*s && !isalpha((unsigned char)*s))
            s++;
        for (; isalpha((unsigned char)*s) || *s == '\''; s++)
            if (k + 1 < LETTERS) words[n][k++] = (char)tolower((unsigned char)*s);
        words[n][k] = 0;
        if (k) n++;
    }
    return n;
}

size_t judge_word_errors(const char *said, const char *heard, size_t *words)
{
    char a[WORDS][LETTERS], b[WORDS][LETTERS];
    size_t row[WORDS + 1], n = split(said, a), m = split(heard, b);

    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t cost = diagonal + (strcmp(a[i - 1], b[j - 1]) != 0);
            diagonal = row[j];
            if (row[j] + 1 < cost) cost = row[j] + 1;
            if (row[j - 1] + 1 < cost) cost = row[j - 1] + 1;
            row[j] = cost;
        }
    }
    *words = n;
    return row[m];
}
