#ifndef TB_EMBEDDED_RENDER_PRIV_H
#define TB_EMBEDDED_RENDER_PRIV_H

#include "audio/pcm.h"
#include "base/cancel.h"
#include "base/rng.h"
#include "embedded/prosody_priv.h"
#include "embedded/voice_stats.h"

#include <stddef.h>

/* A sentence from the base speaker's voice to the mapped one: analysis, map, prosody, resynthesis.
 */
typedef struct {
    const tb_pcm *base;               /* 24 kHz, trimmed; up to 60 s */
    float base_cut_hz;                /* 6700 flite, 8200 espeak-ng */
    const tb_voice_stats *base_stats; /* may be NULL when reference is */
    const tb_voice_stats *reference;  /* NULL: the voice `default`, no map */
    tb_speaking_style style;
    double temperature; /* 0.05..5 */
    double speed;       /* 0.25..4 */
} tb_render_job;

/* Not trimmed, faded or levelled yet (level_priv.h). A base of no length gives none. */
TB_MUST_CHECK tb_status tb_render_sentence(const tb_render_job *job, tb_rng *rng,
                                           const tb_cancel *cancel, tb_pcm *out, tb_err *err);

/*
 * Noise through a voice's mean voiced spectrum, for sighs and gasps: made as whispering is, tilted
 * by tilt_db per octave, times curve (len). Its level is the voice's: bring it to yours.
 */
TB_MUST_CHECK tb_status tb_render_noise(const tb_voice_stats *voice, float tilt_db,
                                        const float *curve, size_t len, tb_rng *rng,
                                        const tb_cancel *cancel, tb_pcm *out, tb_err *err);

/* White noise between two frequencies (121 taps) times curve (len), RMS about 1 before the curve:
 * for sniff and shush. */
TB_MUST_CHECK tb_status tb_render_band_noise(double low_hz, double high_hz, const float *curve,
                                             size_t len, tb_rng *rng, const tb_cancel *cancel,
                                             tb_pcm *out, tb_err *err);

#endif
