#ifndef TB_CHATTERBOX_SOUND_H
#define TB_CHATTERBOX_SOUND_H

#include "audio/pcm.h"
#include "base/cancel.h"
#include "model/conds.h"
#include "model/flow.h"
#include "model/hift.h"

#include <stdbool.h>

/*
 * Speech tokens of one segment to sound, whole or while the tokens are still coming.
 *
 * The flow looks at everything at once, so each chunk runs it again over the prompt and all tokens
 * so far, with the same noise at the same place. Its last three tokens are held back: the network
 * looks that far ahead. What was sounded stays as it was: the vocoder sees the frames it was made
 * of, its oscillators go on where they stood, and the new chunk fades over the end of the old one.
 */
typedef struct {
    const tb_flow *flow;
    const tb_hift *hift;
    const tb_conds *voice;
    char noise[96];   /* streams of base/counter.h */
    tb_hift_osc osc;  /* at frame `done` */
    size_t done, cap; /* frames sounded, and room for */
    float *mel;       /* (cap, mels); the first `done` are those that were sounded */
    float *source;    /* (cap, TB_HIFT_HOP) */
    float *tail;      /* what would have followed, TB_SOUND_FADE samples */
    bool has_tail;
    uint64_t flow_frames; /* frames the flow was run over, all chunks together */
} tb_sound;

enum {
    TB_SOUND_FADE = 240,      /* samples, 10 ms */
    TB_SOUND_HELD_TOKENS = 3, /* the flow's look-ahead */
};

/* name: of the segment's streams, "timbre/<seed>/<segment>". Nets and voice are borrowed. */
void tb_sound_init(tb_sound *s, const tb_flow *flow, const tb_hift *hift, const tb_conds *voice,
                   const char *name);
void tb_sound_clear(tb_sound *s);

/*
 * What can be sounded of n tokens, those of earlier calls first; last: they are all, the closing
 * silence among them. out gets what is new, maybe nothing; the beginning of a segment fades in as
 * the reference's does. All at once (one call, last) is the reference's own way, number for number.
 */
TB_MUST_CHECK tb_status tb_sound_more(tb_sound *s, const tb_nn *nn, const int32_t *tokens, size_t n,
                                      bool last, const tb_cancel *cancel, tb_pcm *out, tb_err *err);

#endif
