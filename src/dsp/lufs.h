#ifndef TB_DSP_LUFS_H
#define TB_DSP_LUFS_H

#include "base/err.h"

#include <stddef.h>

/*
 * Integrated loudness of mono sound as a cloning network's recordings were measured: BS.1770's
 * gates, but weighting filters designed by the cookbook at the sound's rate instead of the
 * standard's own curve, and a last block that may be cut off and still counts as whole. So it is
 * not libebur128 (dsp/loudness.h), which follows the standard and says 0.1 dB more of speech: the
 * level of a recording goes into what the networks see of it.
 */

/* Blocks of 0.4 s, one every 0.1 s; 0 under 0.4 s. */
size_t tb_lufs_blocks(size_t len, int rate_hz);

/*   y (len)  weighted; may be x */
void tb_lufs_weight(const float *x, size_t len, int rate_hz, float *y);

/*   lufs    -INFINITY for silence and under 0.4 s
 *   blocks  (tb_lufs_blocks(len, rate_hz)) loudness of each, or NULL */
TB_MUST_CHECK tb_status tb_lufs_measure(const float *x, size_t len, int rate_hz, double *lufs,
                                        double *blocks, tb_err *err);

#endif
