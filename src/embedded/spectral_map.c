/*
 * The spectral map from a base's voice to a recording's, and the gain per frame that it gives.
 *
 * Per class (voiced, unvoiced) the map is the optimal transport of one Gaussian of cepstra
 * to another, its eigenvalues limited to 1/1.6 .. 1.6. A frame's gain is the map's change of its
 * cepstrum, smoothed over five frames and limited to 15 dB. docs/embedded.md, "Spectral map".
 * Relies on symmetric_matrix.c for matrix roots and on cepstrum.c.
 */
#include "embedded/spectral_map_priv.h"

#include "base/mem.h"
#include "embedded/cepstrum_priv.h"
#include "embedded/symmetric_matrix_priv.h"

#include <math.h>
#include <string.h>

enum {
    DIM = TB_CEPSTRUM_DIM,
    N = DIM - 1 /* without c0 */,
    POINTS = TB_MEL_POINTS,
    CANCEL_EVERY = 128
};

static const double SHRINK = 0.9;
/* Eigenvalues of 4 to 6 occur without this limit, and word errors rise by 5 points. */
static const double EIGEN_MAX = 1.6;
static const float GAIN_MAX = 3.454F; /* 15 dB of power */

static void shrink(const float cov[DIM][DIM], double *out)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            out[i * N + j] = (double)cov[i + 1][j + 1] * (i == j ? 1 : SHRINK);
}

/* A = S^-1/2 (S^1/2 T S^1/2)^1/2 S^-1/2: the optimal transport of one Gaussian to another.
 */
static void optimal_transport(const double *S, const double *T, double *A)
{
    double root[N * N], inverse[N * N], x[N * N], y[N * N];

    tb_symmetric_power(S, N, 0.5, 1e-9, root);
    tb_symmetric_power(S, N, -0.5, 1e-9, inverse);
    tb_symmetric_mul(root, T, N, x);
    tb_symmetric_mul(x, root, N, y);
    for (int i = 0; i < N; i++) /* symmetric but for rounding */
        for (int j = 0; j < i; j++)
            y[i * N + j] = y[j * N + i] = 0.5 * (y[i * N + j] + y[j * N + i]);
    tb_symmetric_power(y, N, 0.5, 1e-9, y);
    tb_symmetric_mul(inverse, y, N, x);
    tb_symmetric_mul(x, inverse, N, A);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < i; j++)
            A[i * N + j] = A[j * N + i] = 0.5 * (A[i * N + j] + A[j * N + i]);
}

void tb_spectral_map_make(const tb_voice_stats *base, const tb_voice_stats *reference,
                          tb_spectral_map *out)
{
    double S[N * N], T[N * N], A[N * N];

    memset(out, 0, sizeof *out);
    out->level = base->level;
    for (int j = 0; j < 2; j++) {
        shrink(base->cov[j], S);
        shrink(reference->cov[j], T);
        optimal_transport(S, T, A);
        tb_symmetric_clip(A, N, 1 / EIGEN_MAX, EIGEN_MAX, A);
        out->a[j][0][0] = 1;
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++)
                out->a[j][i + 1][k + 1] = (float)A[i * N + k];
        memcpy(out->from[j], base->mean[j], sizeof out->from[j]);
        memcpy(out->to[j], reference->mean[j], sizeof out->to[j]);
    }
}

/* c is relative to the base's level. */
static void add_delta(const tb_spectral_map *map, int j, const float *c, float weight, float *out)
{
    for (int d = 0; d < DIM; d++) {
        double sum = (double)map->to[j][d] - (double)c[d];
        for (int e = 0; e < DIM; e++)
            sum += (double)map->a[j][d][e] * ((double)c[e] - (double)map->from[j][e]);
        out[d] += weight * (float)sum;
    }
}

/* A Hann of seven points without its zero ends; the edges of the track repeat. x (n, width). */
static void smooth(const float *x, size_t n, size_t width, float *out)
{
    static const float weight[5] = {0.25F / 3, 0.75F / 3, 1.0F / 3, 0.75F / 3, 0.25F / 3};

    for (size_t f = 0; f < n; f++)
        for (size_t i = 0; i < width; i++) {
            float sum = 0;
            for (int k = -2; k <= 2; k++) {
                ptrdiff_t at = (ptrdiff_t)f + k;
                if (at < 0) at = 0;
                if (at > (ptrdiff_t)n - 1) at = (ptrdiff_t)n - 1;
                sum += weight[k + 2] * x[(size_t)at * width + i];
            }
            out[f * width + i] = sum;
        }
}

tb_status tb_spectral_map_apply(const tb_spectral_map *map, const float *f0, const float *env,
                                size_t frames, const tb_cancel *cancel, float *gain, tb_err *err)
{
    const float offset = (float)((double)map->level * sqrt(POINTS));
    float *flag = tb_try_alloc(frames, 2 * sizeof *flag);
    float *delta = tb_try_alloc(frames, 2 * DIM * sizeof *delta);
    tb_cepstrum *cepstrum = tb_alloc(sizeof *cepstrum);
    tb_status st = TB_OK;

    tb_cepstrum_init(cepstrum);
    if (!flag || !delta) {
        st = tb_nomem(err, frames, 2 * DIM * sizeof *delta);
        goto out;
    }
    float *alpha = flag + frames, *smoothed = delta + frames * DIM;
    for (size_t f = 0; f < frames; f++)
        flag[f] = f0[f] > 0 ? 1 : 0;
    smooth(flag, frames, 1, alpha);
    for (size_t f = 0; f < frames; f++) {
        float c[DIM];
        if (f % CANCEL_EVERY == 0 && tb_cancelled(cancel)) {
            st = tb_fail_cancelled(err);
            goto out;
        }
        tb_cepstrum_compute(cepstrum, env + f * TB_ANALYSIS_BINS, c);
        c[0] -= offset;
        if (alpha[f] > 0) add_delta(map, TB_CLASS_VOICED, c, alpha[f], delta + f * DIM);
        if (alpha[f] < 1) add_delta(map, TB_CLASS_UNVOICED, c, 1 - alpha[f], delta + f * DIM);
    }
    smooth(delta, frames, DIM, smoothed);
    for (size_t f = 0; f < frames; f++) {
        float *points = gain + f * POINTS;
        tb_cepstrum_to_points(cepstrum, smoothed + f * DIM, points);
        for (int i = 0; i < POINTS; i++)
            points[i] = fminf(fmaxf(points[i], -GAIN_MAX), GAIN_MAX);
    }

out:
    tb_cepstrum_clear(cepstrum);
    tb_free(cepstrum);
    tb_free(delta);
    tb_free(flag);
    return st;
}

void tb_voice_stats_mean_spectrum(const tb_voice_stats *stats, float *bins)
{
    tb_cepstrum *cepstrum = tb_alloc(sizeof *cepstrum);
    float points[POINTS];

    tb_cepstrum_init(cepstrum);
    tb_cepstrum_to_points(cepstrum, stats->mean[TB_CLASS_VOICED], points);
    tb_cepstrum_to_bins(cepstrum, points, bins);
    tb_cepstrum_clear(cepstrum);
    tb_free(cepstrum);
}
