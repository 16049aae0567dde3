/*
 * Resynthesis by pitch-synchronous overlap-add with a spectral gain.
 *
 * Grains two periods long are cut from the base's wave around its pitch marks (every 5 ms where
 * there is no voice), multiplied by the gain in the frequency domain, and added at the new pitch
 * and pace. Bins above the base's band, and all bins when whispering, are noise shaped by the
 * envelope. Windows of neighbours add to 1, so sound of which nothing is asked comes out unchanged.
 * docs/embedded.md, "Resynthesis". Relies on dsp/fft.h, cepstrum.c, and tracks of the lengths that
 * render.c makes.
 */
#include "embedded/grain_priv.h"

#include "base/mem.h"
#include "dsp/fft.h"
#include "embedded/cepstrum_priv.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

enum {
    FFT = TB_ANALYSIS_FFT,
    BINS = TB_ANALYSIS_BINS,
    HOP = TB_ANALYSIS_HOP,
    BREATH_BIN = 85, /* 2 kHz */
    NOISE_PAD = 2048,
    MOST = 1 << 28,    /* samples: three hours */
    CANCEL_EVERY = 64, /* grains; about 5 ms */
};

typedef struct {
    double m;       /* the base sample at its middle */
    double t, next; /* where it is set, where the next one is */
    double wl, wr;  /* half windows */
    double a;       /* amplitude */
    bool voiced, backwards, root;
} grain;

typedef struct {
    const tb_grain_job *job;
    tb_rng *rng;
    tb_fft *fft;
    tb_cepstrum cepstrum;
    size_t n;     /* output samples */
    size_t cut;   /* b: bins from here on are noise */
    float *track; /* (n + NOISE_PAD) normal numbers */
    double last;  /* t of the grain before */
    bool last_voiced;
    bool flip;    /* the next stretched grain is read backwards */
    size_t frame; /* of the axis, at t */
    size_t run;   /* the first run that does not end before u */
    float tilt[BINS];
    float window[FFT], x[FFT]; /* by j mod 1024 */
    float spectrum[2 * BINS], noise[2 * BINS];
    float env[BINS], gain[BINS];
} work;

size_t tb_grain_len(const double *axis, size_t frames)
{
    return frames ? (size_t)(axis[frames - 1] + 0.5) : 0;
}

static double clamp(double x, double low, double high)
{
    return fmin(fmax(x, low), high);
}

/* The axis's frame at output time t, from a frame not after it. */
static size_t frame_at(const tb_grain_job *job, double t, size_t from)
{
    while (from + 2 < job->frames && job->axis[from + 1] <= t)
        from++;
    return from;
}

/* u(t): the base sample of output time t. */
static double base_time(const tb_grain_job *job, double t, size_t from)
{
    size_t f = frame_at(job, t, from);
    double span = job->axis[f + 1] - job->axis[f];
    double u = HOP * ((double)f + (t - job->axis[f]) / span);
    return clamp(u, 0, HOP * (double)(job->frames - 1));
}

/* The way back. */
static double output_time(const tb_grain_job *job, double u)
{
    double at = clamp(u / HOP, 0, (double)(job->frames - 1));
    size_t f = (size_t)at;
    if (f + 1 >= job->frames) return job->axis[job->frames - 1];
    return job->axis[f] + (at - (double)f) * (job->axis[f + 1] - job->axis[f]);
}

/* The run whose region contains u, or NULL; u must not decrease from call to call. */
static const tb_voiced_run *region_at(work *w, double u)
{
    const tb_pitch_marks *marks = w->job->marks;
    while (w->run < marks->n_runs && marks->runs[w->run].end < u)
        w->run++;
    if (w->run == marks->n_runs || marks->runs[w->run].begin > u) return NULL;
    return &marks->runs[w->run];
}

/* Target pitch at base sample u: of the frames round it, or the nearest voiced one's. */
static double pitch_at(const tb_grain_job *job, double u)
{
    const double at = u / HOP;
    const ptrdiff_t f = (ptrdiff_t)at, last = (ptrdiff_t)job->frames - 1;
    const double t = at - (double)f;

    for (ptrdiff_t k = 0; k <= 40; k++) {
        ptrdiff_t l = f - k, r = f + 1 + k;
        double pl = l >= 0 && l <= last ? (double)job->pitch[l] : 0;
        double pr = r <= last ? (double)job->pitch[r] : 0;
        if (pl > 0 && pr > 0) {
            if (k == 0) return exp(log(pl) + t * (log(pr) - log(pl)));
            return t <= 0.5 ? pl : pr;
        }
        if (pl > 0) return pl;
        if (pr > 0) return pr;
    }
    return 100; /* not reached: a region is next to voiced frames */
}

/* docs/embedded.md, "Voiced grains". */
static grain voiced_grain(const work *w, const tb_voiced_run *run, double u, double t)
{
    const tb_grain_job *job = w->job;
    const double *at = job->marks->at + run->first;
    size_t i = 0;

    /* The nearest mark, the earlier of equals: halve the run until two are left. */
    size_t lo = 0, hi = run->count - 1;
    while (hi - lo > 1) {
        size_t middle = (lo + hi) / 2;
        if (at[middle] <= u)
            lo = middle;
        else
            hi = middle;
    }
    i = fabs(at[hi] - u) < fabs(at[lo] - u) ? hi : lo;

    const double m = at[i], To = 24000 / pitch_at(job, u);
    size_t f = (size_t)(m / HOP + 0.5);
    if (f > job->frames - 1) f = job->frames - 1;
    const double Ti = job->f0[f] > 0 ? 24000 / (double)job->f0[f] : To;
    const bool first = i == 0, last = i + 1 == run->count;
    const double before = first ? Ti : m - at[i - 1], after = last ? Ti : at[i + 1] - m;

    grain g = {.m = m, .t = t, .next = t + To, .wl = before, .wr = after, .voiced = true};
    if (first && !w->last_voiced) g.wl = t - w->last;
    if (last && base_time(job, g.next, w->frame) > run->end) g.wr = g.next - t;
    g.a = sqrt(To / (0.5 * (before + after)));
    return g;
}

/* docs/embedded.md, "Unvoiced grains". */
static grain unvoiced_grain(work *w, double u, double t)
{
    const tb_grain_job *job = w->job;
    grain g = {.m = u, .t = t, .next = t + HOP, .a = 1};

    if (!job->whisper && w->run < job->marks->n_runs) {
        double s = output_time(job, job->marks->at[job->marks->runs[w->run].first]);
        if (s > t + 1 && g.next > s - 60) g.next = s; /* a run begins on its first mark */
    }
    g.wl = t - w->last;
    g.wr = g.next - t;

    const double q = HOP / (job->axis[w->frame + 1] - job->axis[w->frame]);
    if (q < 0.8) {
        g.m += HOP * ((double)tb_rng_uniform(w->rng) - 0.5);
        g.m = clamp(g.m, 0, (double)job->len - 1);
        g.backwards = w->flip;
        w->flip = !w->flip;
    }
    g.root = q < 0.8 || q > 1.25;
    return g;
}

/* The window round a grain's middle into w->window[j mod 1024] for from <= j <= to. */
static void make_window(work *w, const grain *g, double shift, int *from, int *to)
{
    int lo = (int)floor(shift - g->wl) + 1, hi = (int)ceil(shift + g->wr) - 1;

    *from = lo < -FFT / 2 ? -FFT / 2 : lo;
    *to = hi > FFT / 2 - 1 ? FFT / 2 - 1 : hi;
    const double cl = cos(PI / g->wl), sl = sin(PI / g->wl);
    const double cr = cos(PI / g->wr), sr = sin(PI / g->wr);
    /* Turning away from the middle, both sides: one call of cos and sin for each. */
    int j = (int)ceil(shift);
    double phase = PI * (j - shift) / g->wr, re = cos(phase), im = sin(phase);
    for (int k = j; k <= *to; k++) {
        w->window[k & (FFT - 1)] = (float)(0.5 + 0.5 * re);
        double next = re * cr - im * sr;
        im = re * sr + im * cr;
        re = next;
    }
    phase = PI * (shift - (j - 1)) / g->wl;
    re = cos(phase);
    im = sin(phase);
    for (int k = j - 1; k >= *from; k--) {
        w->window[k & (FFT - 1)] = (float)(0.5 + 0.5 * re);
        double next = re * cl - im * sl;
        im = re * sl + im * cl;
        re = next;
    }
}

/* The spectrum of windowed noise into w->noise. Fresh numbers for voiced grains; unvoiced
 * ones cut theirs from the track, so that overlapping windows add to deterministic noise. */
static void make_noise(work *w, bool voiced, ptrdiff_t o, int from, int to)
{
    memset(w->x, 0, sizeof w->x);
    for (int j = from; j <= to; j++) {
        float v;
        if (voiced)
            v = tb_rng_normal(w->rng) * 1.155F; /* 1 / sqrt(0.75) */
        else
            v = w->track[o + j + FFT];
        w->x[j & (FFT - 1)] = v * w->window[j & (FFT - 1)];
    }
    tb_fft_forward(w->fft, w->x, w->noise);
}

/* Envelope and gain at base sample m, into w->env and w->gain. */
static void look_up_envelope(work *w, double m)
{
    const tb_grain_job *job = w->job;
    const double at = clamp(m / HOP, 0, (double)(job->frames - 1));
    size_t f = (size_t)at;
    if (f > job->frames - 2) f = job->frames - 2;
    const float t = (float)(at - (double)f);

    const size_t low = w->cut < BREATH_BIN || job->breath <= 0 ? w->cut : BREATH_BIN;
    const float *l0 = job->env + f * BINS, *l1 = l0 + BINS;
    for (size_t k = low; k < BINS; k++)
        w->env[k] = expf(0.5F * (l0[k] + t * (l1[k] - l0[k])));

    float points[TB_MEL_POINTS];
    if (job->gain) {
        const float *g0 = job->gain + f * TB_MEL_POINTS, *g1 = g0 + TB_MEL_POINTS;
        for (int i = 0; i < TB_MEL_POINTS; i++)
            points[i] = g0[i] + t * (g1[i] - g0[i]);
        tb_cepstrum_to_bins(&w->cepstrum, points, w->gain);
        for (int k = 0; k < BINS; k++)
            w->gain[k] = expf(0.5F * (w->gain[k] + w->tilt[k]));
    } else {
        for (int k = 0; k < BINS; k++)
            w->gain[k] = expf(0.5F * w->tilt[k]);
    }
}

/* Cuts, filters and adds one grain to out: docs/embedded.md, "Window" to "Assembly". */
static void add_grain(work *w, const grain *g, float *out)
{
    const tb_grain_job *job = w->job;
    const ptrdiff_t i = (ptrdiff_t)floor(g->m + 0.5), o = (ptrdiff_t)floor(g->t + 0.5);
    const double shift = g->voiced ? g->m - (double)i : 0;
    int from, to;

    make_window(w, g, shift, &from, &to);
    look_up_envelope(w, g->m);
    if (job->whisper) {
        memset(w->spectrum, 0, sizeof w->spectrum);
    } else {
        memset(w->x, 0, sizeof w->x);
        for (int j = from; j <= to; j++) {
            ptrdiff_t s = g->backwards ? i - j : i + j;
            if (s < 0 || s >= (ptrdiff_t)job->len) continue;
            float v = w->window[j & (FFT - 1)];
            if (g->root) v = sqrtf(fmaxf(v, 0));
            w->x[j & (FFT - 1)] = job->pcm[s] * v;
        }
        tb_fft_forward(w->fft, w->x, w->spectrum);
    }
    if (w->cut < BINS) {
        make_noise(w, g->voiced, o, from, to);
        for (size_t k = w->cut; k < BINS; k++) {
            w->spectrum[2 * k] = w->noise[2 * k] * w->env[k];
            w->spectrum[2 * k + 1] = w->noise[2 * k + 1] * w->env[k];
        }
    }
    if (job->breath > 0 && g->voiced) {
        make_noise(w, true, o, from, to);
        for (size_t k = BREATH_BIN; k < BINS; k++) {
            float v = job->breath * w->env[k];
            w->spectrum[2 * k] += w->noise[2 * k] * v;
            w->spectrum[2 * k + 1] += w->noise[2 * k + 1] * v;
        }
    }

    /* Gain, and the fractions of a sample between where it was cut and where it is set. */
    const double delta = g->voiced ? g->t - (double)o - shift : 0;
    const double c = cos(-2 * PI * delta / FFT), s = sin(-2 * PI * delta / FFT);
    double re = g->a, im = 0;
    for (size_t k = 0; k < BINS; k++) {
        double x = (double)w->spectrum[2 * k], y = (double)w->spectrum[2 * k + 1];
        double v = (double)w->gain[k];
        w->spectrum[2 * k] = (float)((x * re - y * im) * v);
        w->spectrum[2 * k + 1] = (float)((x * im + y * re) * v);
        double next = re * c - im * s;
        im = re * s + im * c;
        re = next;
    }
    w->spectrum[1] = w->spectrum[2 * BINS - 1] = 0;
    if (w->cut < BINS) w->spectrum[2 * BINS - 2] = 0;
    if (job->whisper) w->spectrum[0] = 0;
    tb_fft_inverse(w->fft, w->spectrum, w->x);
    for (int j = -FFT / 2; j < FFT / 2; j++) {
        ptrdiff_t at = o + j;
        if (at >= 0 && at < (ptrdiff_t)w->n) out[at] += w->x[j & (FFT - 1)] * (1.0F / FFT);
    }
}

static void make_tilt(float tilt_db, float *tilt)
{
    for (int k = 0; k < BINS; k++) {
        double f = clamp(k * 24000.0 / FFT, 125, 8000);
        tilt[k] = (float)((double)tilt_db * log2(f / 1000) / 4.343);
    }
}

tb_status tb_grain_synth(const tb_grain_job *job, tb_rng *rng, const tb_cancel *cancel, float *out,
                         tb_err *err)
{
    const size_t n = tb_grain_len(job->axis, job->frames);
    tb_status st = TB_OK;

    if (n == 0) return TB_OK;
    if (n > MOST) return tb_fail(err, TB_ETOOBIG, "a piece of speech would last %zu samples", n);
    work *w = tb_alloc(sizeof *w);
    w->job = job;
    w->rng = rng;
    w->n = n;
    w->cut = job->whisper ? 0 : tb_envelope_cut_bin(job->cut_hz);
    w->last = -HOP;
    tb_cepstrum_init(&w->cepstrum);
    make_tilt(job->tilt_db, w->tilt);
    st = tb_fft_new(FFT, &w->fft, err);
    if (st) goto out;
    w->track = tb_try_alloc(n + NOISE_PAD, sizeof *w->track);
    if (!w->track) {
        st = tb_nomem(err, n + NOISE_PAD, sizeof *w->track);
        goto out;
    }
    for (size_t i = 0; i < n + NOISE_PAD; i++)
        w->track[i] = tb_rng_normal(rng);
    memset(out, 0, n * sizeof *out);

    size_t grains = 0;
    for (double t = 0; t < (double)n;) {
        if (grains++ % CANCEL_EVERY == 0 && tb_cancelled(cancel)) {
            st = tb_fail_cancelled(err);
            goto out;
        }
        w->frame = frame_at(job, t, w->frame);
        double u = base_time(job, t, w->frame);
        const tb_voiced_run *run = job->whisper ? NULL : region_at(w, u);
        grain g = run ? voiced_grain(w, run, u, t) : unvoiced_grain(w, u, t);
        g.wl = clamp(g.wl, 8, 510);
        g.wr = clamp(g.wr, 8, 510);
        add_grain(w, &g, out);
        w->last = t;
        w->last_voiced = g.voiced;
        t = g.next;
    }

out:
    tb_free(w->track);
    tb_fft_free(w->fft);
    tb_cepstrum_clear(&w->cepstrum);
    tb_free(w);
    return st;
}
