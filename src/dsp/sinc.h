#ifndef TB_DSP_SINC_H
#define TB_DSP_SINC_H

#include <stddef.h>

/*
 * From three samples to two by a short windowed sinc: six zero crossings, Hann, cut at 0.99 of the
 * lower half rate. The networks that hear a voice through it were trained so; its band edge and its
 * ends differ from soxr's (audio/pcm.h), which serves everything else.
 */
enum { TB_SINC_TAPS = 23 };

size_t tb_sinc_len(size_t len); /* ceil(2 len / 3) */

/*   kernel  (2, TB_SINC_TAPS)  for the even and the odd samples of y */
void tb_sinc_kernel(float kernel[2][TB_SINC_TAPS]);

/*   x (len), zero outside;  y (tb_sinc_len(len)), not x */
void tb_sinc_two_thirds(const float *x, size_t len, float *y);

#endif
