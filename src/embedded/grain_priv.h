#ifndef TB_EMBEDDED_GRAIN_PRIV_H
#define TB_EMBEDDED_GRAIN_PRIV_H

#include "base/cancel.h"
#include "base/err.h"
#include "base/rng.h"
#include "embedded/analysis_priv.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Resynthesis: grains two pitch periods long are cut from the base's own
 * wave, filtered by the gain, and set down at the new pitch and pace.
 */
typedef struct {
    const float *pcm; /* (len) the base's wave, 24 kHz */
    size_t len;
    size_t frames;               /* F = tb_analysis_frames(len) */
    const float *f0;             /* (F) the base's */
    const tb_pitch_marks *marks; /* the base's */
    const float *env;            /* (F, 513) continued above the cut */
    const float *gain;           /* (F, 80) natural log of power, or NULL for none */
    const float *pitch;          /* (F) Hz, voiced where f0 is */
    const double *axis;          /* (F) output sample of each frame, rising from 0 */
    float cut_hz;                /* the base's band ends here; >= 12000: no noise */
    float breath;                /* share of the envelope's amplitude, added above 2 kHz */
    float tilt_db;               /* per octave, added to the gain */
    bool whisper;
} tb_grain_job;

/* Samples of output: round(axis[F-1]). */
size_t tb_grain_len(const double *axis, size_t frames);

/* out (tb_grain_len()). The same job and generator give the same bytes. */
TB_MUST_CHECK tb_status tb_grain_synth(const tb_grain_job *job, tb_rng *rng,
                                       const tb_cancel *cancel, float *out, tb_err *err);

#endif
