#ifndef TB_POST_POST_H
#define TB_POST_POST_H

#include "ambience/ambience.h"
#include "audio/pcm.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The mixer behind the engine: speech level, ambience under it, peak. Speech goes in piece by piece
 * between begin and end, sound comes out through the sink: in one go at the end (buffered, levels
 * exact) or as it comes (streaming, levels frozen from the first second or two). Without a bed and
 * without a loudness target the speech passes bit for bit.
 */
/* Ranges are those of params/params.h. */
typedef struct {
    tb_ambience bed;      /* {0} = none */
    double level_lu;      /* loudness difference; NAN = the bed's own default */
    double duck_db;       /* how far the bed steps back while there is speech */
    uint64_t seed;        /* of the bed */
    double loudness_lufs; /* target of the speech, LUFS; NAN: unchanged */
    bool streaming;
} tb_post_opts;

/* Same shape as the engine's sink. pcm is borrowed for the call. */
typedef tb_status (*tb_post_sink)(void *self, const tb_pcm *pcm, tb_err *err);

typedef struct tb_post tb_post; /* one output; one thread */

/* opts is copied. TB_EINVAL for what is out of range, with the name of the request's field
 * (ambience_level, ambience_duck_db) or of the setting. */
TB_MUST_CHECK tb_status tb_post_begin(tb_ambience_set *set, const tb_post_opts *opts, int rate_hz,
                                      tb_post_sink sink, void *self, tb_post **out, tb_err *err);

/* Speech (or a pause) at the rate of begin. */
TB_MUST_CHECK tb_status tb_post_write(tb_post *post, const tb_pcm *piece, tb_err *err);

/*
 * From here on (the end of what was written) another bed; NULL for off, which is back to the one of
 * the options if there is one. With min_seconds > 0 the bed is heard at
 * least that long, over a following "off" and past the end of the speech; a switch to another bed
 * ends it.
 */
TB_MUST_CHECK tb_status tb_post_mark(tb_post *post, const tb_ambience *bed, double min_seconds,
                                     tb_err *err);

/* Mixes and hands out what is left, lead-out included. */
TB_MUST_CHECK tb_status tb_post_end(tb_post *post, tb_err *err);

void tb_post_free(tb_post *post); /* at any point */

/* After end: what was done. */
typedef struct {
    double speech_lufs; /* as measured before the target; -INFINITY for silence */
    double speech_gain_db;
    double bed_gain_db; /* of the first bed, relative to -30 LUFS; 0 without one */
    double peak_cut_db; /* >= 0: how far the bed was lowered for the sake of the peak */
    double lead_in_s;   /* bed alone before the first word */
} tb_post_report;
void tb_post_get_report(const tb_post *post, tb_post_report *out);

#endif
