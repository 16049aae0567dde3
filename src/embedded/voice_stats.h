#ifndef TB_EMBEDDED_VOICE_STATS_H
#define TB_EMBEDDED_VOICE_STATS_H

#include "base/cancel.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Voice statistics: what is measured of a recording, or of a base speaker, and kept. Any thread.
 * docs/embedded.md, "Voice statistics".
 */
enum {
    TB_CEPSTRUM_DIM = 24, /* cepstral coefficients */
    TB_MEL_POINTS = 80,   /* mel-equidistant points from 40 to 12000 Hz */
    TB_CLASS_VOICED = 0,
    TB_CLASS_UNVOICED = 1,
};

/* Frames within 30 dB of the 97th percentile of energy are active. */
#define TB_ACTIVE_RANGE_LN 6.9

/* Plain data, 4.7 kB; copied freely. */
typedef struct {
    float level; /* mean natural log energy of the active voiced frames */
    float mean[2][TB_CEPSTRUM_DIM];
    float cov[2][TB_CEPSTRUM_DIM][TB_CEPSTRUM_DIM];
    /* of ln F0, all 0 when no frame is voiced */
    float f0_median, f0_q25, f0_q75, f0_q05, f0_q95;
    float f0_deviation; /* (q75 - q25) / 1.349, at least 0.03 */
} tb_voice_stats;

/* Frames that statistics are made of; several recordings are added, each with its own threshold of
 * activity, as the sentences of a base are. */
typedef struct tb_voice_stats_sum tb_voice_stats_sum;

TB_MUST_CHECK tb_status tb_voice_stats_sum_new(tb_voice_stats_sum **out, tb_err *err);
void tb_voice_stats_sum_free(tb_voice_stats_sum *sum);
/* env (F, 513) is continued above cut_hz by the caller first (tb_envelope_extend). */
TB_MUST_CHECK tb_status tb_voice_stats_sum_add(tb_voice_stats_sum *sum, const float *f0,
                                               const float *env, size_t frames,
                                               const tb_cancel *cancel, tb_err *err);
/* TB_EINVAL when fewer than two frames are active. */
TB_MUST_CHECK tb_status tb_voice_stats_sum_finish(tb_voice_stats_sum *sum, tb_voice_stats *out,
                                                  tb_err *err);

/* The natural log energies of frames, energy (F), and quantiles of any numbers, as measured here.
 */
void tb_frame_energies(const float *env, size_t frames, float *energy);
TB_MUST_CHECK tb_status tb_frame_quantiles(const float *x, size_t n, const double *q, size_t count,
                                           double *out, tb_err *err);

/* The three in one, for a single recording; continues env above cut_hz in place. */
TB_MUST_CHECK tb_status tb_voice_stats_measure(const float *f0, float *env, size_t frames,
                                               float cut_hz, const tb_cancel *cancel,
                                               tb_voice_stats *out, tb_err *err);

/*
 * Statistics as bytes: little-endian, with a magic, the version of this engine's maths, a 32-byte
 * hash of key (whatever they were made of: a recording's hash, a base's name and program version)
 * and of the numbers. unpack: TB_ENOTFOUND for another version, another key or damaged bytes:
 * measure again.
 */
enum {
    TB_VOICE_STATS_VERSION = 1,
    TB_VOICE_STATS_PACKED = 8 + 4 + 4 + 32 + 32 + (int)sizeof(tb_voice_stats)
};
void tb_voice_stats_pack(const tb_voice_stats *stats, const char *key,
                         uint8_t out[TB_VOICE_STATS_PACKED]);
TB_MUST_CHECK tb_status tb_voice_stats_unpack(const void *data, size_t size, const char *key,
                                              tb_voice_stats *out, tb_err *err);

/* A voice's mean voiced spectrum, natural log of power, 513 bins. */
void tb_voice_stats_mean_spectrum(const tb_voice_stats *stats, float *bins);

#endif
