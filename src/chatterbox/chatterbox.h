#ifndef TB_CHATTERBOX_CHATTERBOX_H
#define TB_CHATTERBOX_CHATTERBOX_H

#include "audio/pcm.h"
#include "base/cancel.h"
#include "chatterbox/pace.h"
#include "model/conds.h"
#include "model/files.h"
#include "model/sampler.h"
#include "model/t3.h"
#include "text/bpe.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * chatterbox-turbo, whole: the networks of one model bound to their weights, its tokenizer, its
 * built-in voice, and the way from a text to 24 kHz. Immutable once open; any number of threads may
 * speak at once. With the same seed, text and voice the samples are the same bits on one machine:
 * alone or in company, with a voice just made or kept, on any number of threads.
 */
typedef struct tb_chatterbox tb_chatterbox;

typedef struct {
    tb_model_place place;
    tb_dtype type;     /* what a folder's weights become */
    const char *perth; /* perth_net_250000.pth.tar; NULL or absent: no watermark */
    size_t threads;    /* 0: one per core */
} tb_chatterbox_config;

TB_MUST_CHECK tb_status tb_chatterbox_open(const tb_chatterbox_config *config, tb_chatterbox **out,
                                           tb_err *err);
void tb_chatterbox_close(tb_chatterbox *c);

const char *tb_chatterbox_model(const tb_chatterbox *c); /* "ResembleAI/chatterbox-turbo" */
/* 16 hex digits: two models whose numbers differ have different ones. What is kept of a voice is
 * keyed by it. */
const char *tb_chatterbox_id(const tb_chatterbox *c);

/* A recording, mono, at its own rate, to what the networks know of the person. TB_EINVAL with a
 * sentence for the person who recorded it. */
TB_MUST_CHECK tb_status tb_chatterbox_condition(const tb_chatterbox *c, const tb_pcm *recording,
                                                const tb_cancel *cancel, tb_conds *out,
                                                tb_err *err);
/* The built-in voice, NULL when the model came without one. */
const tb_conds *tb_chatterbox_default(const tb_chatterbox *c);
/* T3's keys and values of a voice, made or unpacked. */
TB_MUST_CHECK tb_status tb_chatterbox_prefix(const tb_chatterbox *c, const tb_conds *conds,
                                             const tb_cancel *cancel, tb_t3_prefix **out,
                                             tb_err *err);
TB_MUST_CHECK tb_status tb_chatterbox_unpack_prefix(const tb_chatterbox *c, const tb_conds *conds,
                                                    const void *data, size_t size,
                                                    tb_t3_prefix **out, tb_err *err);

/* What the model reads of a segment: normalised, then ids, a tag being one. out is the caller's.
 * TB_EINVAL (text) for more than the model takes at once. */
TB_MUST_CHECK tb_status tb_chatterbox_ids(const tb_chatterbox *c, const char *text, tb_bpe_ids *out,
                                          tb_err *err);

typedef struct {
    const tb_conds *conds;
    tb_t3_prefix *prefix; /* of the same voice */
    tb_sampler_params sampler;
    double speed; /* 0.25 .. 4 */
    uint64_t seed;
    tb_pace pace;   /* of a stream's chunks; {0}: this machine's */
    bool brief;     /* of a brief request: its segments pass those of long ones */
    size_t segment; /* index of the segment in the request: each has its own noise */
} tb_chatterbox_options;

typedef struct {
    bool retried;         /* the first try was far too long or too short for its text */
    bool cut;             /* the second was too long as well and ends at its limit */
    size_t pieces;        /* chunks that the sound came in */
    uint64_t flow_frames; /* the flow's whole work, prompt included */
    size_t tokens;        /* speech tokens of the try that was kept */
} tb_chatterbox_report;

/* One segment, tags in it. out is at 24 kHz. TB_ECANCELLED within one step of a network. */
TB_MUST_CHECK tb_status tb_chatterbox_speak(const tb_chatterbox *c,
                                            const tb_chatterbox_options *how, const char *text,
                                            const tb_cancel *cancel, tb_pcm *out,
                                            tb_chatterbox_report *report, tb_err *err);

/*
 * The same while it is being made: sink gets chunk after chunk, the first as soon as the
 * pace allows. A segment that is too long is generated again only if none of it was delivered yet.
 * A watermark, or a speed other than 1, needs the whole segment: then there is one chunk.
 */
typedef tb_status (*tb_chatterbox_sink)(void *self, const tb_pcm *pcm, tb_err *err);
TB_MUST_CHECK tb_status tb_chatterbox_stream(const tb_chatterbox *c,
                                             const tb_chatterbox_options *how, const char *text,
                                             const tb_cancel *cancel, tb_chatterbox_sink sink,
                                             void *self, tb_chatterbox_report *report, tb_err *err);

/* The pace that a stream's chunks follow: read from path, or measured (about two seconds of work)
 * and kept there. path NULL: measured, not kept. Before anybody speaks, or as a background work
 * whose result later streams use. */
void tb_chatterbox_find_pace(tb_chatterbox *c, const char *path, const tb_cancel *cancel);
tb_pace tb_chatterbox_pace(const tb_chatterbox *c);
void tb_chatterbox_set_pace(tb_chatterbox *c, const tb_pace *pace);

/* The bounds that a segment's length is judged by: speech tokens, 25 a second. */
void tb_chatterbox_bounds(const char *text, size_t *least, size_t *most);

#endif
