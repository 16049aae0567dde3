#include "embedded/cepstrum_priv.h"

#include "base/mem.h"

#include <math.h>

#define PI 3.14159265358979323846

enum { POINTS = TB_MEL_POINTS, BINS = TB_ANALYSIS_BINS, DIM = TB_CEPSTRUM_DIM };

static const double BIN_HZ = 24000.0 / TB_ANALYSIS_FFT;

static double mel(double hz)
{
    return 2595 * log10(1 + hz / 700);
}

/* A point's weights: the share of every bin (half a bin to both sides of its centre, none beyond
 * 12 kHz) that lies between from and to. */
static int weigh(double from, double to, int *first, float *weights)
{
    int n = 0;
    double sum = 0;

    if (to - from < 1) { /* at least one bin wide */
        double middle = 0.5 * (from + to);
        from = middle - 0.5;
        to = middle + 0.5;
    }
    *first = (int)fmax(floor(from + 0.5), 0);
    for (int k = *first; k < BINS && k - 0.5 < to; k++) {
        double share = fmin(to, fmin(k + 0.5, BINS - 1)) - fmax(from, k - 0.5);
        if (share <= 0) break;
        weights[n++] = (float)share;
        sum += share;
    }
    for (int i = 0; i < n; i++)
        weights[i] = (float)((double)weights[i] / sum);
    return n;
}

void tb_cepstrum_init(tb_cepstrum *c)
{
    const double low = mel(40), step = (mel(12000) - low) / (POINTS - 1);
    double hz[POINTS];
    size_t used = 0;

    c->weights = tb_alloc((BINS + 3 * POINTS) * sizeof *c->weights);
    for (int i = 0; i < POINTS; i++) {
        hz[i] = 700 * (pow(10, (low + i * step) / 2595) - 1);
        c->hz[i] = (float)hz[i];
    }
    for (int i = 0; i < POINTS; i++) {
        double from = i > 0 ? 0.5 * (hz[i - 1] + hz[i]) : hz[0] - 0.5 * (hz[1] - hz[0]);
        double to = i < POINTS - 1 ? 0.5 * (hz[i] + hz[i + 1]) : 12000;
        c->count[i] = weigh(from / BIN_HZ, to / BIN_HZ, &c->first[i], c->weights + used);
        used += (size_t)c->count[i];
    }
    for (int d = 0; d < DIM; d++)
        for (int i = 0; i < POINTS; i++)
            c->dct[d][i] =
                (float)(sqrt((d > 0 ? 2.0 : 1.0) / POINTS) * cos(PI * d * (i + 0.5) / POINTS));

    int at = 0;
    for (int k = 0; k < BINS; k++) {
        double f = k * BIN_HZ;
        while (at < POINTS - 2 && hz[at + 1] <= f)
            at++;
        c->bin_point[k] = at;
        c->bin_weight[k] = (float)fmin(fmax((f - hz[at]) / (hz[at + 1] - hz[at]), 0), 1);
    }
}

void tb_cepstrum_clear(tb_cepstrum *c)
{
    tb_free(c->weights);
    c->weights = NULL;
}

void tb_cepstrum_compute(const tb_cepstrum *c, const float env[TB_ANALYSIS_BINS],
                         float out[TB_CEPSTRUM_DIM])
{
    const float *w = c->weights;
    double points[POINTS];

    for (int i = 0; i < POINTS; i++) {
        double sum = 0;
        for (int k = 0; k < c->count[i]; k++)
            sum += (double)w[k] * (double)env[c->first[i] + k];
        points[i] = sum;
        w += c->count[i];
    }
    for (int d = 0; d < DIM; d++) {
        double sum = 0;
        for (int i = 0; i < POINTS; i++)
            sum += (double)c->dct[d][i] * points[i];
        out[d] = (float)sum;
    }
}

void tb_cepstrum_to_points(const tb_cepstrum *c, const float in[TB_CEPSTRUM_DIM],
                           float out[TB_MEL_POINTS])
{
    for (int i = 0; i < POINTS; i++) {
        double sum = 0;
        for (int d = 0; d < DIM; d++)
            sum += (double)c->dct[d][i] * (double)in[d];
        out[i] = (float)sum;
    }
}

void tb_cepstrum_to_bins(const tb_cepstrum *c, const float points[TB_MEL_POINTS],
                         float bins[TB_ANALYSIS_BINS])
{
    for (int k = 0; k < BINS; k++) {
        int at = c->bin_point[k];
        bins[k] = points[at] + c->bin_weight[k] * (points[at + 1] - points[at]);
    }
}
