#ifndef TB_EMBEDDED_BEND_H
#define TB_EMBEDDED_BEND_H

#include "base/cancel.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What is kept of a voice, and the map from one voice to another:
 * a gain per frame that moves the spectra of the base toward the reference's. Any thread.
 */
enum {
    TB_BEND_DIM = 24,    /* cepstral coefficients */
    TB_BEND_POINTS = 80, /* mel-equidistant points from 40 to 12000 Hz */
    TB_BEND_VOICED = 0,
    TB_BEND_UNVOICED = 1,
};

/* Frames within 30 dB of the 97th percentile of energy are active. */
#define TB_BEND_ACTIVE 6.9

/* Plain data, 4.7 kB; copied freely. */
typedef struct {
    float level; /* mean natural log energy of the active voiced frames */
    float mean[2][TB_BEND_DIM];
    float cov[2][TB_BEND_DIM][TB_BEND_DIM];
    /* of ln F0, all 0 when no frame is voiced */
    float f0_median, f0_q25, f0_q75, f0_q05, f0_q95;
    float f0_spread; /* (q75 - q25) / 1.349, at least 0.03 */
} tb_bend_stats;

/* Frames that statistics are made of; several clips are added, each with its own threshold of
 * activity, as the sentences of a base are. */
typedef struct tb_bend_sum tb_bend_sum;

TB_MUST_CHECK tb_status tb_bend_sum_new(tb_bend_sum **out, tb_err *err);
void tb_bend_sum_free(tb_bend_sum *sum);
/* env (F, 513) is continued above cut_hz by the caller first (tb_vox_continue). */
TB_MUST_CHECK tb_status tb_bend_sum_add(tb_bend_sum *sum, const float *f0, const float *env,
                                        size_t frames, const tb_cancel *cancel, tb_err *err);
/* TB_EINVAL when fewer than two frames are active. */
TB_MUST_CHECK tb_status tb_bend_sum_finish(tb_bend_sum *sum, tb_bend_stats *out, tb_err *err);

/* The natural log energies of frames, energy (F), and quantiles of any numbers, as measured here.
 */
void tb_bend_energies(const float *env, size_t frames, float *energy);
TB_MUST_CHECK tb_status tb_bend_quantiles(const float *x, size_t n, const double *q, size_t count,
                                          double *out, tb_err *err);

/* The three in one, for a single clip; continues env above cut_hz in place. */
TB_MUST_CHECK tb_status tb_bend_measure(const float *f0, float *env, size_t frames, float cut_hz,
                                        const tb_cancel *cancel, tb_bend_stats *out, tb_err *err);

/*
 * Statistics as bytes: little-endian, with a magic, the version of this engine's maths, a 32-byte
 * hash of key (whatever they were made of: a clip's hash, a base's name and program version) and of
 * the numbers. unpack: TB_ENOTFOUND for another version, another key or damaged bytes: measure
 * again.
 */
enum { TB_BEND_VERSION = 1, TB_BEND_PACKED = 8 + 4 + 4 + 32 + 32 + (int)sizeof(tb_bend_stats) };
void tb_bend_pack(const tb_bend_stats *stats, const char *key, uint8_t out[TB_BEND_PACKED]);
TB_MUST_CHECK tb_status tb_bend_unpack(const void *data, size_t size, const char *key,
                                       tb_bend_stats *out, tb_err *err);

/* Delta_j(c) = a[j] (c - from[j]) + to[j] - c; c0 only by its mean. */
typedef struct {
    float a[2][TB_BEND_DIM][TB_BEND_DIM];
    float from[2][TB_BEND_DIM], to[2][TB_BEND_DIM];
    float level; /* the base's, that c0 is relative to */
} tb_bend_map;

void tb_bend_map_make(const tb_bend_stats *base, const tb_bend_stats *reference, tb_bend_map *out);

/* gain (F, 80): natural log of power at the mel points, within +-15 dB. env must have been
 * continued above the cut. */
TB_MUST_CHECK tb_status tb_bend_apply(const tb_bend_map *map, const float *f0, const float *env,
                                      size_t frames, const tb_cancel *cancel, float *gain,
                                      tb_err *err);

/* A voice's mean voiced spectrum, natural log of power, 513 bins. */
void tb_bend_mean_voiced(const tb_bend_stats *stats, float *bins);

#endif
