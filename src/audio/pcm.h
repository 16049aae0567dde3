#ifndef TB_AUDIO_PCM_H
#define TB_AUDIO_PCM_H

#include "base/err.h"

#include <stddef.h>

/* The sound that travels: mono float, nominally -1..1. {0} is silence of no length. */
typedef struct {
    float *data;
    size_t len; /* samples */
    int rate_hz;
} tb_pcm;

enum { TB_RATE_HZ = 24000 }; /* what every engine speaks at and every bed is made at */

TB_MUST_CHECK tb_status tb_pcm_init(tb_pcm *pcm, size_t len, int rate_hz, tb_err *err); /* zeros */
void tb_pcm_clear(tb_pcm *pcm);
TB_MUST_CHECK tb_status tb_pcm_append(tb_pcm *pcm, const float *data, size_t len, tb_err *err);
double tb_pcm_seconds(const tb_pcm *pcm);
float tb_pcm_peak(const float *x, size_t len);

/*
 * Two channels as one: their mean, but the louder one where the other is 30 dB below it (a
 * microphone on one side), and half their difference where the mean is 20 dB below that (one
 * channel is inverted, so that the mean cancels the speech). All of length len; out may be left.
 */
void tb_pcm_mix_stereo(const float *left, const float *right, size_t len, float *out);

/* Raised-cosine fades over the first and last `samples` (at most half the length each). */
void tb_pcm_fade(float *x, size_t len, size_t samples);

/* To another rate with libsoxr's HQ recipe, one shot: len * out_rate / in_rate samples, rounded.
 * rates 1000 .. 384000. out may not be in. */
TB_MUST_CHECK tb_status tb_resample(const tb_pcm *in, int out_rate_hz, tb_pcm *out, tb_err *err);

/* The same sound, but ceil(len * (double)out_rate / in_rate) samples with the quotient of the rates
 * rounded first, a zero at the end where soxr makes one less: 10 s at 44.1 kHz are 240001 samples
 * at 24 kHz. The length that a cloning network's frames were counted by. */
TB_MUST_CHECK tb_status tb_resample_ceil(const tb_pcm *in, int out_rate_hz, tb_pcm *out,
                                         tb_err *err);

#endif
