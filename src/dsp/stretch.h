#ifndef TB_DSP_STRETCH_H
#define TB_DSP_STRETCH_H

#include "audio/pcm.h"

/*
 * Speech faster or slower at the same pitch, by libsonic (pitch-synchronous overlap and add).
 *   speed  0.25 .. 4: 2 is twice as fast. out gets exactly round(len / speed) samples.
 */
TB_MUST_CHECK tb_status tb_stretch(const tb_pcm *in, double speed, tb_pcm *out, tb_err *err);

#endif
