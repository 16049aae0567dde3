#ifndef TB_DSP_TRIM_H
#define TB_DSP_TRIM_H

#include <stddef.h>

/*
 * Where the silence at both ends of a recording stops. Energy is taken over 2048 samples around
 * every 512th; what lies more than a number of decibels below the loudest such frame is silence.
 * Soft speech at the ends is removed as well.
 */
enum { TB_TRIM_HOP = 512, TB_TRIM_FRAME = 2048 };

size_t tb_trim_frames(size_t len);

/*   power  (tb_trim_frames(len))  mean square; there are zeros around x */
void tb_trim_powers(const float *x, size_t len, float *power);

/* The samples to keep are start .. end - 1; at least one frame's hop when there is as much. */
void tb_trim_bounds(const float *power, size_t len, double below_db, size_t *start, size_t *end);

#endif
