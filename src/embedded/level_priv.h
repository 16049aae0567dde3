#ifndef TB_EMBEDDED_LEVEL_PRIV_H
#define TB_EMBEDDED_LEVEL_PRIV_H

#include "audio/pcm.h"

/* Trimming and levelling of a spoken piece. Lengths in blocks of
 * 10 ms; the rate is pcm's. */

/* Drops leading and trailing blocks more than 45 dB below the loudest, keeping 20 ms on each side.
 * All silence becomes no sound. */
void tb_level_trim(tb_pcm *pcm);
/* RMS over the blocks within 30 dB of the loudest; 0 for silence. */
double tb_level_active_rms(const tb_pcm *pcm);
/* 5 ms fades, active RMS to -23 dBFS, then extra_db, then down until no peak exceeds -1 dBFS. */
void tb_level_finish(tb_pcm *pcm, double extra_db);

#endif
