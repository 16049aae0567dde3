#ifndef TB_DSP_LOUDNESS_H
#define TB_DSP_LOUDNESS_H

#include "base/err.h"

#include <stddef.h>

/* Loudness of mono float sound after BS.1770-4 / EBU R 128, rates 8000 .. 192000. */

/* Integrated, gated, in LUFS; -INFINITY under 0.4 s or for silence. */
TB_MUST_CHECK tb_status tb_loudness_integrated(const float *x, size_t len, int rate_hz,
                                               double *lufs, tb_err *err);

/* True peak (over-sampled) in dBTP; -INFINITY for silence. */
TB_MUST_CHECK tb_status tb_loudness_true_peak(const float *x, size_t len, int rate_hz, double *dbtp,
                                              tb_err *err);

/* RMS in dBFS of the parts that are sounding (20 ms blocks within 40 dB of the loudest); -INFINITY
 * for silence. Used instead of loudness where a sound is too short for that. */
double tb_loudness_active_rms(const float *x, size_t len, int rate_hz);

/* The level that the mixer uses: integrated loudness, or active RMS where there is none. */
TB_MUST_CHECK tb_status tb_loudness_speech(const float *x, size_t len, int rate_hz, double *lufs,
                                           tb_err *err);

#endif
