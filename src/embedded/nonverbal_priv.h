#ifndef TB_EMBEDDED_NONVERBAL_PRIV_H
#define TB_EMBEDDED_NONVERBAL_PRIV_H

#include "embedded/render_priv.h"
#include "text/script.h"

/* Sighs, gasps, sniffs, shushes: noise in the shape of a voice. */
bool tb_nonverbal_known(tb_tag tag); /* false: laugh, chuckle, cough, clear throat, groan; tones */

/* With 50 ms of silence on both sides, at its level under speech; times divided by speed. */
TB_MUST_CHECK tb_status tb_nonverbal_make(tb_tag tag, const tb_voice_stats *voice, double speed,
                                          tb_rng *rng, const tb_cancel *cancel, tb_pcm *out,
                                          tb_err *err);

#endif
