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
    const char *ambience_id; /* NULL or "" = none */
    double level_lu;         /* loudness difference; NAN = the bed's own default */
    double duck_db;          /* how far the bed steps back while there is speech */
    uint64_t seed;           /* of the bed */
    double loudness_lufs;    /* target of the speech, LUFS; NAN = as it comes */
    bool streaming;
} tb_post_opts;

/* Ranges and the ambience's name, with the names of the request's fields (ambience_id,
 * ambience_level, ambience_duck_db). */
TB_MUST_CHECK tb_status tb_post_check(const tb_ambience_set *set, const tb_post_opts *opts,
                                      tb_err *err);

/* Same shape as the engine's sink. pcm is borrowed for the call. */
typedef tb_status (*tb_post_sink)(void *self, const tb_pcm *pcm, tb_err *err);

typedef struct tb_post tb_post; /* one output; one thread */

/* opts is copied. Checks it as tb_post_check does. */
TB_MUST_CHECK tb_status tb_post_begin(tb_ambience_set *set, const tb_post_opts *opts, int rate_hz,
                                      tb_post_sink sink, void *self, tb_post **out, tb_err *err);

/* Speech (or a pause) at the rate of begin. */
TB_MUST_CHECK tb_status tb_post_write(tb_post *post, const tb_pcm *piece, tb_err *err);

/*
 * From here on (the end of what was written) another bed: name of a bed, or NULL for off, which is
 * back to the request's own ambience_id if it has one. With min_seconds > 0 the bed is heard at
 * least that long, over a following "off" and past the end of the speech; a switch to another bed
 * ends it. A name that the set does not know fails as tb_ambience_find does.
 */
TB_MUST_CHECK tb_status tb_post_mark(tb_post *post, const char *name, double min_seconds,
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
