#ifndef TB_DSP_STFT_PRIV_H
#define TB_DSP_STFT_PRIV_H

#include "base/err.h"

#include <stddef.h>

/*
 * Short-time spectra, one frame at a time. Frame t covers the n samples from t * hop - pad on; what
 * lies before the first sample or behind the last is the sound mirrored there, the edge sample not
 * repeated. It holds its own FFT plan: one per thread, or per call.
 */
typedef struct tb_stft tb_stft;

/*   n       FFT size and frame length, even
 *   window  (n), copied; NULL: the periodic Hann, 0.5 - 0.5 cos(2 pi i / n) */
TB_MUST_CHECK tb_status tb_stft_new(size_t n, size_t hop, size_t pad, const float *window,
                                    tb_stft **out, tb_err *err);
void tb_stft_free(tb_stft *stft);

/* Whole frames in len samples; 0 when there are too few to mirror (at most pad) or for one frame.
 */
size_t tb_stft_frames(const tb_stft *stft, size_t len);

/*   x      (len)        t < tb_stft_frames(stft, len)
 *   power  (n / 2 + 1)  re^2 + im^2 */
void tb_stft_power(tb_stft *stft, const float *x, size_t len, size_t t, float *power);

#endif
