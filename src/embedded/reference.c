/*
 * Is a recording fit to map a voice toward, and what are its statistics?
 *
 * Takes the 30 s with the most sound, looks for silence, clipping, noise, missing voice and a
 * second speaker, and measures the rest (voice_stats.c). A refusal is an error with a sentence that
 * says what to record again; doubts are warnings in the report. Thresholds and their reasons:
 * docs/embedded.md, "Recordings". Relies on analysis.c and on audio/pcm.h for resampling.
 */
#include "embedded/reference.h"

#include "embedded/analysis_priv.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

enum { RUN_MIN = 3 /* samples of a clipped run */ };

static const double FRAME_S = 0.005;
static const double DB = 4.342944819; /* per natural log of power */

static double db(double amplitude)
{
    return 20 * log10(fmax(amplitude, 1e-10));
}

/* Share of samples in runs at the recording's own maximum. On the samples as recorded: resampling
 * bends the flat tops, so a little below the maximum counts. */
static double clipped_share(const float *x, size_t len, float peak)
{
    const float top = peak * 0.999F;
    size_t run = 0, total = 0;

    if (len == 0 || peak < 0.99F) return 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && fabsf(x[i]) >= top) {
            run++;
            continue;
        }
        if (run >= RUN_MIN) total += run;
        run = 0;
    }
    return (double)total / (double)len;
}

/* Where the recording's own band ends: 12000, unless its top is empty (telephone and the like). */
static float find_cut(const tb_analysis *analysis, const bool *active, int source_rate_hz)
{
    enum { LOW = 43, HIGH = 171, TOP = 470 }; /* 1 and 4 kHz; from 11 kHz on */
    double middle = 0, top = 0;
    size_t n = 0;

    for (size_t f = 0; f < analysis->frames; f++) {
        const float *row = analysis->env + f * TB_ANALYSIS_BINS;
        if (!active[f]) continue;
        for (int k = LOW; k < HIGH; k++)
            middle += (double)row[k];
        for (int k = TOP; k < TB_ANALYSIS_BINS; k++)
            top += (double)row[k];
        n++;
    }
    if (n == 0) return 12000;
    middle /= (double)n * (HIGH - LOW);
    top /= (double)n * (TB_ANALYSIS_BINS - TOP);
    if (top > middle - 50 / DB) return 12000;
    return (float)fmin(0.95 * source_rate_hz / 2, 12000);
}

static void warn(tb_reference_report *r, const char *sentence)
{
    assert(r->n_warnings < TB_REFERENCE_WARNINGS);
    snprintf(r->warnings[r->n_warnings++], sizeof r->warnings[0], "%s", sentence);
}

static tb_status check_figures(tb_reference_report *r, tb_err *err)
{
    if (r->active_seconds < 2)
        return tb_fail(err, TB_EINVAL,
                       "the recording has %.1f s of sound; record at least 5 s of speech without "
                       "long pauses (2 s is the least that is accepted)",
                       r->active_seconds);
    if (r->range_db < 10)
        return tb_fail(
            err, TB_EINVAL,
            "the recording is too noisy: speech and background differ by %.0f dB; record "
            "again in a quiet room, close to the microphone",
            r->range_db);
    if (r->voiced_seconds < 1)
        return tb_fail(err, TB_EINVAL,
                       "no speech was found in the recording (%.1f s of voice, 1 s is the least); "
                       "record one person speaking in a normal voice, not whispering",
                       r->voiced_seconds);

    if (r->peak_db < -30)
        warn(r, "The recording is very quiet: speak closer to the microphone or raise its level.");
    if (r->active_seconds < 5)
        warn(r, "The recording has less than 5 s of sound: 10 s make the voice more alike.");
    if (r->voiced_seconds < 2.5)
        warn(r, "The recording has little voiced speech: 10 s of plain reading make the voice more "
                "alike.");
    if (r->clipped > 0.001)
        warn(r, "The recording is clipped: lower the microphone's level and record again.");
    if (r->range_db < 20)
        warn(r, "The recording is noisy: a quiet room and a closer microphone help.");
    if (r->f0_ratio > 1.8)
        warn(r, "The pitch varies widely: is there more than one speaker, or music?");
    return TB_OK;
}

/* The figures and statistics of r, from the recording at 24 kHz. */
static tb_status measure(const float *pcm, size_t len, int source_rate_hz, const tb_cancel *cancel,
                         tb_reference_report *r, tb_err *err)
{
    static const double q[3] = {0.97, 0.95, 0.05};
    double v[3];
    tb_analysis analysis = {0};
    float *energy = NULL;
    bool *active = NULL;

    tb_status st = tb_analysis_run(pcm, len, cancel, &analysis, err);
    if (st) goto out;
    energy = tb_try_alloc(analysis.frames, sizeof *energy);
    active = tb_try_alloc(analysis.frames, sizeof *active);
    if (!energy || !active) {
        st = tb_nomem(err, analysis.frames, sizeof *energy);
        goto out;
    }
    tb_frame_energies(analysis.env, analysis.frames, energy);
    st = tb_frame_quantiles(energy, analysis.frames, q, 3, v, err);
    if (st) goto out;
    size_t n_active = 0, n_voiced = 0;
    for (size_t f = 0; f < analysis.frames; f++) {
        active[f] = (double)energy[f] > v[0] - TB_ACTIVE_RANGE_LN;
        if (!active[f]) continue;
        n_active++;
        if (analysis.f0[f] > 0) n_voiced++;
    }
    r->active_seconds = FRAME_S * (double)n_active;
    r->voiced_seconds = FRAME_S * (double)n_voiced;
    r->range_db = (v[1] - v[2]) * DB;
    r->cut_hz = find_cut(&analysis, active, source_rate_hz);
    st = tb_voice_stats_measure(analysis.f0, analysis.env, analysis.frames, r->cut_hz, cancel,
                                &r->stats, err);
    if (st) goto out;
    r->f0_ratio = exp((double)r->stats.f0_q75 - (double)r->stats.f0_q25);

out:
    tb_free(active);
    tb_free(energy);
    tb_analysis_clear(&analysis);
    return st;
}

/* The sum of n values around each other one, moved along by one. */
static double slide(double sum, const double *x, size_t at, size_t n)
{
    return sum + x[at] - (at >= n ? x[at - n] : 0);
}

/*
 * Where the 30 s with the most sound begin. Blocks of 0.1 s count when they are within 30 dB of the
 * loudest 2 s (a click is shorter, the least speech that is accepted is not). Among equals the
 * first.
 */
static tb_status find_loudest_span(const tb_pcm *recording, size_t most, size_t *start, tb_err *err)
{
    enum { BLOCKS = 20 }; /* 2 s */
    const size_t block = (size_t)recording->rate_hz / 10, n = block ? recording->len / block : 0;
    const size_t span = block ? most / block : 0;
    double sum = 0, loud = 0, now = 0, best = 0;
    *start = 0;
    if (recording->len <= most || n <= span) return TB_OK;
    double *power = tb_try_alloc(n, sizeof *power);
    if (!power) return tb_nomem(err, n, sizeof *power);
    for (size_t b = 0; b < n; b++) {
        for (size_t i = b * block; i < (b + 1) * block; i++)
            power[b] += (double)recording->data[i] * (double)recording->data[i];
        sum = slide(sum, power, b, BLOCKS);
        loud = fmax(loud, sum / BLOCKS);
    }
    for (size_t b = 0; b < n; b++)
        power[b] = power[b] > 0 && power[b] >= loud * 1e-3 ? 1 : 0;
    for (size_t b = 0; b < n; b++) {
        now = slide(now, power, b, span);
        if (now <= best) continue;
        best = now;
        *start = b + 1 > span ? (b + 1 - span) * block : 0;
    }
    tb_free(power);
    return TB_OK;
}

tb_status tb_reference_check(const tb_pcm *recording, int source_rate_hz, const tb_cancel *cancel,
                             tb_reference_report *report, tb_err *err)
{
    tb_reference_report r = {0};
    tb_pcm at24k = {0};
    tb_pcm head = *recording; /* borrowed, the 30 s that are measured */
    size_t start = 0;
    tb_status st;

    if (recording->len == 0) {
        st = tb_fail(err, TB_EINVAL, "the recording is empty; record at least 5 s of speech");
        goto out;
    }
    for (size_t i = 0; i < recording->len; i++)
        if (!isfinite(recording->data[i])) {
            st = tb_fail(err, TB_EINVAL,
                         "the recording has values that are not numbers; save it "
                         "again as a WAV file of 16 bits");
            goto out;
        }
    const size_t most = (size_t)TB_REFERENCE_SECONDS * (size_t)recording->rate_hz;
    st = find_loudest_span(recording, most, &start, err);
    if (st) goto out;
    head.data += start;
    head.len = recording->len - start < most ? recording->len - start : most;
    const float peak = tb_pcm_peak(head.data, head.len);
    r.seconds = tb_pcm_seconds(&head);
    r.peak_db = db((double)peak);
    r.clipped = clipped_share(head.data, head.len, peak);
    if (r.peak_db < -50) {
        st = tb_fail(err, TB_EINVAL,
                     "the recording is nearly silent (its peak is %.0f dBFS); check the microphone "
                     "and record again",
                     r.peak_db);
        goto out;
    }
    if (head.rate_hz != TB_RATE_HZ) {
        st = tb_resample(&head, TB_RATE_HZ, &at24k, err);
        if (st) goto out;
    }
    const tb_pcm *use = head.rate_hz != TB_RATE_HZ ? &at24k : &head;
    const int source = source_rate_hz > 0 ? source_rate_hz : recording->rate_hz;
    st = measure(use->data, use->len, source, cancel, &r, err);
    if (!st) st = check_figures(&r, err);
    if (!st) *report = r;

out:
    tb_pcm_clear(&at24k);
    return st;
}
