/*
 * One sentence through all stages, from the base's wave to the mapped one; and the noises that
 * sighs and the like are made of.
 *
 * Analyses the base's wave (analysis.c, envelope.c, pitch_marks.c), plans gain (spectral_map.c),
 * pitch and time axis (prosody.c), and resynthesises (grain.c). All memory is the call's.
 * docs/embedded.md.
 */
#include "embedded/render_priv.h"

#include "base/mem.h"
#include "dsp/fir.h"
#include "embedded/analysis_priv.h"
#include "embedded/grain_priv.h"
#include "embedded/spectral_map_priv.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* What a sentence that is analysed is to become: gain, pitch, time axis. */
typedef struct {
    float *gain;  /* (F, 80), NULL without a reference */
    float *pitch; /* (F) */
    float *rate;  /* (F) */
    double *axis; /* (F) */
} plan;

static void plan_clear(plan *p)
{
    tb_free(p->gain);
    tb_free(p->pitch);
    tb_free(p->rate);
    tb_free(p->axis);
}

static tb_status plan_make(const tb_render_job *job, const tb_analysis *analysis, tb_rng *rng,
                           const tb_cancel *cancel, plan *p, tb_err *err)
{
    const size_t F = analysis->frames;
    tb_status st = TB_OK;

    p->pitch = tb_try_alloc(F, sizeof *p->pitch);
    p->rate = tb_try_alloc(F, sizeof *p->rate);
    p->axis = tb_try_alloc(F, sizeof *p->axis);
    if (!p->pitch || !p->rate || !p->axis) return tb_nomem(err, F, sizeof *p->axis);
    if (job->reference) {
        p->gain = tb_try_alloc(F, TB_MEL_POINTS * sizeof *p->gain);
        if (!p->gain) return tb_nomem(err, F, TB_MEL_POINTS * sizeof *p->gain);
        tb_spectral_map *map = tb_alloc(sizeof *map);
        tb_spectral_map_make(job->base_stats, job->reference, map);
        st = tb_spectral_map_apply(map, analysis->f0, analysis->env, F, cancel, p->gain, err);
        tb_free(map);
        if (st) return st;
    }
    tb_prosody_pitch(analysis->f0, F, job->base_stats, job->reference, p->pitch);
    st = tb_prosody_vary(job->temperature, &job->style, rng, p->pitch, F, p->rate, err);
    if (st) return st;
    tb_prosody_axis(p->rate, F, job->speed * (double)job->style.rate, p->axis);
    tb_prosody_tremor(&job->style, p->axis, F, p->pitch);
    return TB_OK;
}

tb_status tb_render_sentence(const tb_render_job *job, tb_rng *rng, const tb_cancel *cancel,
                             tb_pcm *out, tb_err *err)
{
    const tb_pcm *base = job->base;
    tb_analysis analysis = {0};
    tb_pitch_marks marks = {0};
    plan p = {0};
    tb_pcm pcm = {0};

    assert(base->rate_hz == TB_RATE_HZ || base->len == 0);
    assert(!job->reference || job->base_stats);
    tb_status st = tb_analysis_run(base->data, base->len, cancel, &analysis, err);
    if (st) goto out;
    st = tb_pitch_marks_find(base->data, base->len, analysis.f0, analysis.frames, cancel, &marks,
                             err);
    if (st) goto out;
    tb_envelope_extend(analysis.env, analysis.frames, job->base_cut_hz);
    st = plan_make(job, &analysis, rng, cancel, &p, err);
    if (st) goto out;
    st = tb_pcm_init(&pcm, tb_grain_len(p.axis, analysis.frames), TB_RATE_HZ, err);
    if (st) goto out;
    const tb_grain_job grains = {
        .pcm = base->data,
        .len = base->len,
        .frames = analysis.frames,
        .f0 = analysis.f0,
        .marks = &marks,
        .env = analysis.env,
        .gain = p.gain,
        .pitch = p.pitch,
        .axis = p.axis,
        .cut_hz = job->base_cut_hz,
        .breath = job->style.breath,
        .tilt_db = job->style.tilt_db,
        .whisper = job->style.whisper,
    };
    st = tb_grain_synth(&grains, rng, cancel, pcm.data, err);
    if (st) goto out;

    *out = pcm;
    pcm = (tb_pcm){0};

out:
    tb_pcm_clear(&pcm);
    plan_clear(&p);
    tb_pitch_marks_clear(&marks);
    tb_analysis_clear(&analysis);
    return st;
}

tb_status tb_render_noise(const tb_voice_stats *voice, float tilt_db, const float *curve,
                          size_t len, tb_rng *rng, const tb_cancel *cancel, tb_pcm *out,
                          tb_err *err)
{
    /* One frame more than asked: the last hop of an axis has no grain after it. */
    const size_t F = tb_analysis_frames(len) + 2, n = (F - 1) * TB_ANALYSIS_HOP;
    const tb_pitch_marks none = {0};
    float *env = tb_try_alloc(F, TB_ANALYSIS_BINS * sizeof *env);
    float *zero = tb_try_alloc(n, sizeof *zero);
    double *axis = tb_try_alloc(F, sizeof *axis);
    tb_pcm pcm = {0};
    tb_status st;

    if (!env || !zero || !axis) {
        st = tb_nomem(err, F, TB_ANALYSIS_BINS * sizeof *env);
        goto out;
    }
    tb_voice_stats_mean_spectrum(voice, env);
    for (size_t f = 1; f < F; f++)
        memcpy(env + f * TB_ANALYSIS_BINS, env, TB_ANALYSIS_BINS * sizeof *env);
    for (size_t f = 0; f < F; f++)
        axis[f] = (double)(f * TB_ANALYSIS_HOP);
    st = tb_pcm_init(&pcm, n, TB_RATE_HZ, err);
    if (st) goto out;
    const tb_grain_job grains = {
        .pcm = zero,
        .len = n,
        .frames = F,
        .f0 = zero, /* F < n zeros: all unvoiced */
        .marks = &none,
        .env = env,
        .pitch = zero,
        .axis = axis,
        .cut_hz = 12000,
        .tilt_db = tilt_db,
        .whisper = true,
    };
    st = tb_grain_synth(&grains, rng, cancel, pcm.data, err);
    if (st) goto out;
    pcm.len = len;
    for (size_t i = 0; i < len; i++)
        pcm.data[i] *= curve[i];

    *out = pcm;
    pcm = (tb_pcm){0};

out:
    tb_pcm_clear(&pcm);
    tb_free(axis);
    tb_free(zero);
    tb_free(env);
    return st;
}

tb_status tb_render_band_noise(double low_hz, double high_hz, const float *curve, size_t len,
                               tb_rng *rng, const tb_cancel *cancel, tb_pcm *out, tb_err *err)
{
    enum { TAPS = 121 };
    const float scale = (float)(1 / sqrt(2 * (high_hz - low_hz) / TB_RATE_HZ));
    float *white = tb_try_alloc(len + TAPS, sizeof *white);
    float *band = tb_try_alloc(len + TAPS, sizeof *band);
    tb_pcm pcm = {0};
    tb_status st;

    if (!white || !band) {
        st = tb_nomem(err, len + TAPS, sizeof *white);
        goto out;
    }
    for (size_t i = 0; i < len + TAPS; i++)
        white[i] = tb_rng_normal(rng);
    st = tb_fir_band(
        white, len + TAPS,
        &(tb_fir_spec){.low_hz = low_hz, .high_hz = high_hz, .rate_hz = TB_RATE_HZ, .taps = TAPS},
        cancel, band, err);
    if (st) goto out;
    st = tb_pcm_init(&pcm, len, TB_RATE_HZ, err);
    if (st) goto out;
    /* From the middle: the filter's ends are in full swing. */
    for (size_t i = 0; i < len; i++)
        pcm.data[i] = scale * band[i + TAPS / 2] * curve[i];

    *out = pcm;
    pcm = (tb_pcm){0};

out:
    tb_pcm_clear(&pcm);
    tb_free(band);
    tb_free(white);
    return st;
}
