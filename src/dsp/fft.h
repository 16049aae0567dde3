#ifndef TB_DSP_FFT_H
#define TB_DSP_FFT_H

#include "base/err.h"

#include <stddef.h>

/*
 * Real FFT of a fixed even size. A plan holds its own work memory: one per thread, or per call.
 * A spectrum is (n/2 + 1, 2): real and imaginary part side by side. Nothing is scaled: forward,
 * then inverse gives n times the input.
 */
typedef struct tb_fft tb_fft;

TB_MUST_CHECK tb_status tb_fft_new(size_t n, tb_fft **out, tb_err *err);
void tb_fft_free(tb_fft *fft);
void tb_fft_forward(tb_fft *fft, const float *x, float *spectrum);
void tb_fft_inverse(tb_fft *fft, const float *spectrum, float *x);

#endif
