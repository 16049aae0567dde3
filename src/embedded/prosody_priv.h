#ifndef TB_EMBEDDED_PROSODY_PRIV_H
#define TB_EMBEDDED_PROSODY_PRIV_H

#include "base/err.h"
#include "base/rng.h"
#include "embedded/voice_stats.h"

#include <stdbool.h>
#include <stddef.h>

/* How a sentence is delivered: pitch and the time axis. */

/* The numeric part of a tone of delivery; tb_speaking_style_plain() is none. */
typedef struct {
    float pitch_st;             /* semitones */
    float range;                /* times, 1 */
    float rate;                 /* times, 1 */
    float tilt_db;              /* per octave */
    float breath;               /* share of the envelope's amplitude above 2 kHz, 0 */
    float tremor_hz, tremor_st; /* 0 none */
    bool whisper;
} tb_speaking_style;

tb_speaking_style tb_speaking_style_plain(void);

/* docs/embedded.md, "Pitch contour": pitch (F), 0 where f0 is; reference NULL copies f0. */
void tb_prosody_pitch(const float *f0, size_t frames, const tb_voice_stats *base,
                      const tb_voice_stats *reference, float *pitch);

/*
 * How much the delivery varies (temperature 0.05..5), then the tone, on pitch (F) in place, limited
 * to 50..600 Hz where voiced; and rate (F), the local rates, mean 1. Draws pitch offset, pitch
 * knots, rate knots, in this order. docs/embedded.md, "Temperature".
 */
TB_MUST_CHECK tb_status tb_prosody_vary(double temperature, const tb_speaking_style *style,
                                        tb_rng *rng, float *pitch, size_t frames, float *rate,
                                        tb_err *err);

/* docs/embedded.md, "Time axis": axis (F) in output samples, axis[0] = 0; speed 0.25..4 times the
 * style's rate. */
void tb_prosody_axis(const float *rate, size_t frames, double speed, double *axis);

/* The tone's tremor on pitch (F), a sine in output time. */
void tb_prosody_tremor(const tb_speaking_style *style, const double *axis, size_t frames,
                       float *pitch);

#endif
