/*
 * Pitch marks: one per period of every voiced run, always at the same phase.
 *
 * The first mark of a run is its largest pulse; from there each next one is where the wave around
 * it correlates best with the wave around the last, near one period away. docs/embedded.md, "Pitch
 * marks". Relies on dsp/fir.h and on the F0 of analysis.c.
 */
#include "base/mem.h"
#include "dsp/fir.h"
#include "embedded/analysis_priv.h"

#include <math.h>

typedef struct {
    const float *z;       /* (len) band-passed */
    const double *square; /* (len + 1) sums of z^2 */
    const float *f0;
    ptrdiff_t len;
    size_t a, e; /* frames of the run, e included */
    double lo, hi;
} run;

static double period(const run *r, double m)
{
    ptrdiff_t f = (ptrdiff_t)floor(m / TB_ANALYSIS_HOP + 0.5);
    if (f < (ptrdiff_t)r->a) f = (ptrdiff_t)r->a;
    if (f > (ptrdiff_t)r->e) f = (ptrdiff_t)r->e;
    return 24000 / (double)r->f0[f];
}

/* Sum of z^2 over from .. to, zero outside the sound. */
static double energy(const run *r, ptrdiff_t from, ptrdiff_t to)
{
    if (from < 0) from = 0;
    if (to > r->len - 1) to = r->len - 1;
    return to < from ? 0 : fmax(r->square[to + 1] - r->square[from], 0);
}

/* Correlation of the surroundings of p and q, half wide on both sides. */
static double correlation(const run *r, ptrdiff_t p, ptrdiff_t q, ptrdiff_t half)
{
    ptrdiff_t least = p < q ? p : q, most = p < q ? q : p;
    ptrdiff_t from = -half, to = half;
    double s0 = 0, s1 = 0;

    if (least + from < 0) from = -least;
    if (most + to > r->len - 1) to = r->len - 1 - most;
    ptrdiff_t i = from;
    for (; i + 1 <= to; i += 2) {
        s0 += (double)r->z[p + i] * (double)r->z[q + i];
        s1 += (double)r->z[p + i + 1] * (double)r->z[q + i + 1];
    }
    if (i <= to) s0 += (double)r->z[p + i] * (double)r->z[q + i];
    double eu = energy(r, p - half, p + half) + 1e-9;
    double ev = energy(r, q - half, q + half) + 1e-9;
    return (s0 + s1) / sqrt(eu * ev);
}

/* The distance from mark m to the next in direction sign. */
static double next_distance(const run *r, double m, int sign)
{
    const double T = period(r, m);
    const ptrdiff_t p = (ptrdiff_t)floor(m + 0.5), half = (ptrdiff_t)(T / 2 + 0.5);
    const int d0 = (int)(0.8 * T), d1 = (int)(1.25 * T) + 1;
    double best = -1e30, before = 0, previous = 0, rb = 0, ra = 0, r0 = 0;
    int at = d0;

    /* One pass; the neighbours of the best so far are remembered for the parabola. */
    previous = correlation(r, p, p + sign * (d0 - 1), half);
    for (int d = d0; d <= d1 + 1; d++) {
        double here = correlation(r, p, p + sign * d, half);
        if (d == at + 1) ra = here;
        double score = here - 0.3 * fabs(log(d / T));
        before = previous;
        if (d <= d1 && score > best) {
            best = score;
            at = d;
            r0 = here;
            rb = before;
        }
        previous = here;
    }
    double curve = rb - 2 * r0 + ra;
    double shift = curve < -1e-6 ? 0.5 * (rb - ra) / curve : 0;
    return at + fmin(fmax(shift, -0.5), 0.5);
}

static double first_mark(const run *r, double polarity)
{
    ptrdiff_t best = (ptrdiff_t)r->lo;

    for (ptrdiff_t i = best + 1; i <= (ptrdiff_t)r->hi; i++)
        if (polarity * (double)r->z[i] > polarity * (double)r->z[best]) best = i;
    return (double)best;
}

/* Appends the marks of a run; marks->at has room. */
static tb_status mark_run(const run *r, double polarity, const tb_cancel *cancel,
                          tb_pitch_marks *marks, tb_err *err)
{
    tb_voiced_run *out = &marks->runs[marks->n_runs];
    const double start = first_mark(r, polarity);
    double *at = marks->at;
    size_t first = marks->n, n = first;
    double m = start;

    for (;;) { /* to the left, later turned round */
        if (m < r->lo || m > r->hi) break;
        at[n++] = m;
        if (tb_cancelled(cancel)) return tb_fail_cancelled(err);
        m -= next_distance(r, m, -1);
    }
    for (size_t i = first, j = n; i + 1 < j; i++) {
        double swap = at[i];
        at[i] = at[--j];
        at[j] = swap;
    }
    m = start + next_distance(r, start, 1);
    while (m >= r->lo && m <= r->hi) {
        at[n++] = m;
        if (tb_cancelled(cancel)) return tb_fail_cancelled(err);
        m += next_distance(r, m, 1);
    }

    double begin = at[first] - 0.5 * period(r, at[first]);
    if (marks->n_runs > 0) begin = fmax(begin, marks->runs[marks->n_runs - 1].end);
    *out = (tb_voiced_run){
        .first = first,
        .count = n - first,
        .begin = begin,
        .end = at[n - 1] + 0.5 * period(r, at[n - 1]),
    };
    marks->n = n;
    marks->n_runs++;
    return TB_OK;
}

tb_status tb_pitch_marks_find(const float *pcm, size_t len, const float *f0, size_t frames,
                              const tb_cancel *cancel, tb_pitch_marks *out, tb_err *err)
{
    tb_pitch_marks marks = {0};
    float *z = tb_try_alloc(len + 1, sizeof *z);
    double *square = tb_try_alloc(len + 1, sizeof *square);
    /* Marks are at least 0.8 * 24000 / 520 - 1 = 35 samples apart, and a run has at least one. */
    const size_t room = len / 32 + 2 * frames + 8;
    tb_status st;

    marks.at = tb_try_alloc(room, sizeof *marks.at);
    marks.runs = tb_try_alloc(frames + 1, sizeof *marks.runs);
    if (!z || !square || !marks.at || !marks.runs) {
        st = tb_nomem(err, len, sizeof *square);
        goto out;
    }
    st = tb_fir_band(pcm, len,
                     &(tb_fir_spec){.low_hz = 50, .high_hz = 1400, .rate_hz = 24000, .taps = 61},
                     cancel, z, err);
    if (st) goto out;
    double cube = 0;
    for (size_t i = 0; i < len; i++) {
        double v = (double)z[i];
        square[i + 1] = square[i] + v * v;
        cube += v * v * v;
    }

    for (size_t f = 0; f < frames;) {
        size_t e = f;
        while (e < frames && f0[e] > 0)
            e++;
        if (e > f && len > 0) {
            run r = {.z = z, .square = square, .f0 = f0, .len = (ptrdiff_t)len, .a = f, .e = e - 1};
            r.lo = fmax(120 * (double)f - 60, 0);
            r.hi = fmin(120 * (double)(e - 1) + 60, (double)len - 1);
            if (r.lo <= r.hi) st = mark_run(&r, cube >= 0 ? 1 : -1, cancel, &marks, err);
            if (st) goto out;
        }
        f = e + 1;
    }
    *out = marks;
    marks = (tb_pitch_marks){0};

out:
    tb_pitch_marks_clear(&marks);
    tb_free(square);
    tb_free(z);
    return st;
}

void tb_pitch_marks_clear(tb_pitch_marks *marks)
{
    tb_free(marks->at);
    tb_free(marks->runs);
    *marks = (tb_pitch_marks){0};
}
