#ifndef TB_DSP_MEL_H
#define TB_DSP_MEL_H

#include "base/err.h"

#include <stddef.h>

/*
 * The four spectrograms that the networks take as input. They differ in window,
 * padding, bands and compression, and are not interchangeable. The constants belong to the
 * networks.
 *
 * Every function takes x (len) mono, finite, and fills out (frames, bands), the caller's, with as
 * many rows as its _frames function says; a len that gives 0 frames is TB_EINVAL.
 */
enum {
    TB_MEL_S3GEN_BANDS = 80,
    TB_MEL_S3TOK_BANDS = 128,
    TB_MEL_S3TOK_BINS = 201,
    TB_MEL_S3TOK_WINDOW = 400,
    TB_MEL_VE_BANDS = 40,
    TB_MEL_FBANK_BANDS = 80,
};

/* What the acoustic decoder continues from, at 24 kHz: 50 frames a second, natural log of the
 * magnitude, never below ln(1e-5). len > 720; len / 480 frames. */
size_t tb_mel_s3gen_frames(size_t len);
TB_MUST_CHECK tb_status tb_mel_s3gen(const float *x, size_t len, float *out, tb_err *err);

/* What the speech tokenizer hears, at 16 kHz: 100 frames a second, log10 of the power, nothing more
 * than 8 below the loudest cell of the whole recording, then (l + 4) / 4. len > 200; len / 160
 * frames. filters  (128, 201), window (400): the model file's own, or NULL for those computed here
 */
size_t tb_mel_s3tok_frames(size_t len);
TB_MUST_CHECK tb_status tb_mel_s3tok(const float *x, size_t len, const float *filters,
                                     const float *window, float *out, tb_err *err);

/* What the voice encoder hears, at 16 kHz: 100 frames a second, power as it is, so the level of x
 * matters. len > 200; 1 + len / 160 frames. */
size_t tb_mel_ve_frames(size_t len);
TB_MUST_CHECK tb_status tb_mel_ve(const float *x, size_t len, float *out, tb_err *err);

/* What the speaker network hears, at 16 kHz: Kaldi's log filterbank of sound in -1 .. 1 (not scaled
 * to 16 bit, so quiet cells do meet the floor), without dither. len >= 400; 1 + (len - 400) / 160
 * frames. */
size_t tb_mel_fbank_frames(size_t len);
TB_MUST_CHECK tb_status tb_mel_fbank(const float *x, size_t len, float *out, tb_err *err);
void tb_mel_fbank_window(float window[400]); /* Povey's: Hann to the power of 0.85, both ends 0 */

/* Takes from each column of x (rows, cols) its mean over the rows; the network is fed the
 * filterbank so. */
void tb_mel_centre(float *x, size_t rows, size_t cols);

#endif
