#ifndef TB_PROBE_SOUND_PRIV_H
#define TB_PROBE_SOUND_PRIV_H

#include "model/conds.h"
#include "probe/probe_priv.h"

/* What the flow and the vocoder made of tokens: the case's memory. */
typedef struct {
    float *mel, *source, *wav; /* (frames, mels), (len), (len) */
    size_t frames, mels, len;
} tb_probe_sound;

/* Tokens in a voice to a waveform, each step fed what the one before made. Noise is read or made.
 */
TB_MUST_CHECK tb_status tb_probe_voice_sound(tb_probe *p, const tb_conds *voice,
                                             const int32_t *tokens, size_t n, tb_probe_sound *out,
                                             tb_err *err);

#endif
