/*
 * Fundamental frequency of speech every 5 ms, and the two stages of an analysis in one call.
 *
 * F0 is found at 8 kHz by normalised cross-correlation and dynamic programming (after Talkin 1995,
 * RAPT): each frame has up to six candidates and "unvoiced", a Viterbi search chooses among them,
 * runs of fewer than 4 frames become unvoiced. The constants and their reasons: docs/embedded.md,
 * "Pitch". Relies on dsp/fir.h for the band-pass; the caller bounds the length to 60 s
 * (check_sound).
 */
#include "embedded/analysis_priv.h"

#include "base/mem.h"
#include "dsp/fir.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum {
    LAG_MIN = 16,
    LAG_MAX = 133,
    LAGS = LAG_MAX + 2, /* r() is known from LAG_MIN - 1 to LAG_MAX + 1 */
    WIN = 240,
    STEP = 40,
    CANDS = 6,
    STATES = CANDS + 1, /* the last one is "unvoiced" */
    RUN_MIN = 4,        /* frames */
    CANCEL_EVERY = 64,  /* frames; about 3 ms */
};

typedef struct {
    float f0[CANDS], cost[STATES];
    uint8_t n, back[STATES];
} frame;

size_t tb_analysis_frames(size_t len)
{
    return len / TB_ANALYSIS_HOP + 1;
}

size_t tb_envelope_cut_bin(float cut_hz)
{
    if (cut_hz >= 12000) return TB_ANALYSIS_BINS;
    return (size_t)((double)cut_hz * TB_ANALYSIS_FFT / 24000);
}

void tb_envelope_extend(float *env, size_t frames, float cut_hz)
{
    const size_t b = tb_envelope_cut_bin(cut_hz);

    if (b >= TB_ANALYSIS_BINS || b < 8) return;
    for (size_t f = 0; f < frames; f++) {
        float *row = env + f * TB_ANALYSIS_BINS;
        double sum = 0;
        for (size_t k = b - 8; k < b; k++)
            sum += (double)row[k];
        for (size_t k = b; k < TB_ANALYSIS_BINS; k++)
            row[k] = (float)(sum / 8);
    }
}

/* Four sums side by side: a single one waits for its own addition. */
static double dot(const float *a, const float *b, size_t n)
{
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;

    for (size_t i = 0; i + 3 < n; i += 4) {
        s0 += (double)a[i] * (double)b[i];
        s1 += (double)a[i + 1] * (double)b[i + 1];
        s2 += (double)a[i + 2] * (double)b[i + 2];
        s3 += (double)a[i + 3] * (double)b[i + 3];
    }
    return s0 + s1 + s2 + s3;
}

/* y and square are padded: y points at sample 0, square[i] = sum of y^2 before sample i. */
static void find_candidates(const float *y, const double *square, ptrdiff_t c, double e_max,
                            frame *out)
{
    double r[LAGS];
    double value[CANDS] = {0};

    for (int lag = LAG_MIN - 1; lag < LAGS; lag++) {
        ptrdiff_t a = c - (WIN + lag) / 2, b = a + lag;
        double ea = square[a + WIN] - square[a], eb = square[b + WIN] - square[b];
        r[lag] = dot(y + a, y + b, WIN) / sqrt(ea * eb + 1e-7 * e_max * e_max + 1e-12);
    }

    double energy = square[c + WIN / 2] - square[c - WIN / 2];
    double weak = energy < 1e-4 * e_max ? 0.35 : 0;
    out->n = 0;
    for (int lag = LAG_MIN; lag <= LAG_MAX; lag++) {
        if (!(r[lag] > 0.25 && r[lag] >= r[lag - 1] && r[lag] > r[lag + 1])) continue;
        double curve = r[lag - 1] - 2 * r[lag] + r[lag + 1];
        double shift = 0.5 * (r[lag - 1] - r[lag + 1]) / curve;
        double v = fmin(r[lag] - 0.25 * (r[lag - 1] - r[lag + 1]) * shift, 1) - 0.10 * lag / 134;

        /* Keep the best six, sorted. */
        int at = out->n;
        while (at > 0 && value[at - 1] < v)
            at--;
        if (at >= CANDS) continue;
        int last = out->n < CANDS ? out->n++ : CANDS - 1;
        for (int i = last; i > at; i--) {
            value[i] = value[i - 1];
            out->f0[i] = out->f0[i - 1];
        }
        value[at] = v;
        out->f0[at] = (float)(8000 / (lag + shift));
    }
    for (int i = 0; i < out->n; i++)
        out->cost[i] = (float)(1 - value[i] + weak);
    out->cost[CANDS] = 0.50F;
}

static double transition(const frame *from, int i, const frame *to, int j)
{
    if (i == CANDS && j == CANDS) return 0;
    if (i == CANDS || j == CANDS) return 0.14;
    return fmin(2.5 * fabs(log2((double)to->f0[j] / (double)from->f0[i])), 0.8);
}

/* cost becomes the cost of the best way here. */
static void step(const frame *from, frame *to)
{
    for (int j = 0; j < STATES; j++) {
        double best = 1e30;
        if (j >= to->n && j < CANDS) continue;
        for (int i = 0; i < STATES; i++) {
            if (i >= from->n && i < CANDS) continue;
            double cost = (double)from->cost[i] + transition(from, i, to, j);
            if (cost < best) {
                best = cost;
                to->back[j] = (uint8_t)i;
            }
        }
        to->cost[j] += (float)best;
    }
    /* Keep the numbers small: only differences matter. */
    float least = to->cost[CANDS];
    for (int j = 0; j < to->n; j++)
        least = fminf(least, to->cost[j]);
    for (int j = 0; j < STATES; j++)
        to->cost[j] -= least;
}

static void trace_back(const frame *tracks, size_t frames, float *f0)
{
    const frame *end = &tracks[frames - 1];
    int state = CANDS;

    for (int j = 0; j < end->n; j++)
        if (end->cost[j] < end->cost[state]) state = j;
    for (size_t f = frames; f-- > 0;) {
        f0[f] = state == CANDS ? 0 : tracks[f].f0[state];
        state = tracks[f].back[state];
    }

    for (size_t f = 0; f < frames;) {
        size_t e = f;
        while (e < frames && f0[e] > 0)
            e++;
        if (e - f < RUN_MIN) memset(f0 + f, 0, (e - f) * sizeof *f0);
        f = e + 1;
    }
}

static tb_status check_sound(const float *pcm, size_t len, tb_err *err)
{
    if (len > (size_t)TB_ANALYSIS_MAX_SECONDS * 24000)
        return tb_fail(err, TB_ETOOBIG, "a piece of speech may last %d s, this one lasts %.1f s",
                       TB_ANALYSIS_MAX_SECONDS, (double)len / 24000);
    for (size_t i = 0; i < len; i++)
        if (!isfinite(pcm[i]))
            return tb_fail(err, TB_EINVAL, "the sound has a value that is not a number at %.3f s",
                           (double)i / 24000);
    return TB_OK;
}

tb_status tb_analysis_pitch(const float *pcm, size_t len, const tb_cancel *cancel, float *f0,
                            tb_err *err)
{
    const size_t frames = tb_analysis_frames(len);
    const size_t pad = WIN; /* a window reaches (240 + 134) / 2 samples past a centre */
    const size_t n8 = STEP * frames + 2 * pad;
    float *band = NULL, *y = NULL;
    double *square = NULL;
    frame *tracks = NULL;

    tb_status st = check_sound(pcm, len, err);
    if (st) return st;
    band = tb_try_alloc(len + 1, sizeof *band);
    y = tb_try_alloc(n8, sizeof *y);
    square = tb_try_alloc(n8 + 1, sizeof *square);
    tracks = tb_try_alloc(frames, sizeof *tracks);
    if (!band || !y || !square || !tracks) {
        st = tb_nomem(err, frames, sizeof *tracks);
        goto out;
    }

    st = tb_fir_band(pcm, len,
                     &(tb_fir_spec){.low_hz = 40, .high_hz = 1400, .rate_hz = 24000, .taps = 61},
                     cancel, band, err);
    if (st) goto out;
    for (size_t i = 0; 3 * i < len; i++)
        y[pad + i] = band[3 * i];
    for (size_t i = 0; i < n8; i++)
        square[i + 1] = square[i] + (double)y[i] * (double)y[i];

    double e_max = 0;
    for (size_t f = 0; f < frames; f++) {
        size_t c = pad + STEP * f;
        e_max = fmax(e_max, square[c + WIN / 2] - square[c - WIN / 2]);
    }
    for (size_t f = 0; f < frames; f++) {
        if (f % CANCEL_EVERY == 0 && tb_cancelled(cancel)) {
            st = tb_fail_cancelled(err);
            goto out;
        }
        find_candidates(y + pad, square + pad, (ptrdiff_t)(STEP * f), e_max, &tracks[f]);
        if (f > 0) step(&tracks[f - 1], &tracks[f]);
    }
    trace_back(tracks, frames, f0);

out:
    tb_free(tracks);
    tb_free(square);
    tb_free(y);
    tb_free(band);
    return st;
}

tb_status tb_analysis_run(const float *pcm, size_t len, const tb_cancel *cancel, tb_analysis *out,
                          tb_err *err)
{
    tb_analysis analysis = {.frames = tb_analysis_frames(len)};

    tb_status st = check_sound(pcm, len, err);
    if (st) return st;
    analysis.f0 = tb_try_alloc(analysis.frames, sizeof *analysis.f0);
    analysis.env = tb_try_alloc(analysis.frames, TB_ANALYSIS_BINS * sizeof *analysis.env);
    if (!analysis.f0 || !analysis.env) {
        st = tb_nomem(err, analysis.frames, TB_ANALYSIS_BINS * sizeof *analysis.env);
        goto out;
    }
    st = tb_analysis_pitch(pcm, len, cancel, analysis.f0, err);
    if (st) goto out;
    st = tb_analysis_envelope(pcm, len, analysis.f0, cancel, analysis.env, err);
    if (st) goto out;

    *out = analysis;
    analysis = (tb_analysis){0};

out:
    tb_analysis_clear(&analysis);
    return st;
}

void tb_analysis_clear(tb_analysis *analysis)
{
    tb_free(analysis->f0);
    tb_free(analysis->env);
    *analysis = (tb_analysis){0};
}
