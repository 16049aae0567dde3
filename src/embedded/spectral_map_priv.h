#ifndef TB_EMBEDDED_SPECTRAL_MAP_PRIV_H
#define TB_EMBEDDED_SPECTRAL_MAP_PRIV_H

#include "embedded/voice_stats.h"

/*
 * The map from one voice to another: a gain per frame that moves the spectra of the base toward the
 * recording's. Any thread. docs/embedded.md, "Spectral map".
 */

/* Delta_j(c) = a[j] (c - from[j]) + to[j] - c; c0 only by its mean. */
typedef struct {
    float a[2][TB_CEPSTRUM_DIM][TB_CEPSTRUM_DIM];
    float from[2][TB_CEPSTRUM_DIM], to[2][TB_CEPSTRUM_DIM];
    float level; /* the base's, that c0 is relative to */
} tb_spectral_map;

void tb_spectral_map_make(const tb_voice_stats *base, const tb_voice_stats *reference,
                          tb_spectral_map *out);

/* gain (F, 80): natural log of power at the mel points, within +-15 dB. env must have been
 * continued above the cut. */
TB_MUST_CHECK tb_status tb_spectral_map_apply(const tb_spectral_map *map, const float *f0,
                                              const float *env, size_t frames,
                                              const tb_cancel *cancel, float *gain, tb_err *err);

#endif
