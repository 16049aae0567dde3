#ifndef TB_VOICE_VOICE_H
#define TB_VOICE_VOICE_H

#include "audio/pcm.h"
#include "base/cancel.h"
#include "embedded/bend.h"
#include "model/conds.h"
#include "model/t3.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A reference clip turned into what an engine speaks with: one kind per engine, the embedded one's
 * statistics or the conditionals of chatterbox-turbo. Immutable once made: threads may share one.
 */
typedef struct {
    char *id;   /* the name it is kept under, "default", or "uploaded_sample" */
    char *hash; /* BLAKE2b of the clip's samples; "" for default */
    bool has_embedded;
    tb_bend_stats embedded;
    const tb_conds *conds; /* NULL: not of that kind; else &own */
    tb_conds own;
    tb_t3_prefix *prefix; /* T3's keys and values of conds */
    char **warnings;      /* sentences for the person who recorded it */
    size_t n_warnings;
    double seconds;
} tb_voice;

/* A voice without anything yet; id and hash are copied. */
tb_voice *tb_voice_new(const char *id, const char *hash);
/* The built-in voice of the embedded engine: no conditioning. */
tb_voice *tb_voice_default(void);
size_t tb_voice_bytes(const tb_voice *voice); /* of memory, about */

/* clip: any rate, mono. At most the 30 s of it with the most sound are used. TB_EINVAL (field) with
 * a sentence that tells the person what to record again. */
TB_MUST_CHECK tb_status tb_voice_from_clip(const char *id, const tb_pcm *clip, const char *field,
                                           const tb_cancel *cancel, tb_voice **out, tb_err *err);

/* Kept beside the clip, keyed by content hash and engine version. unpack: TB_ENOTFOUND when the
 * bytes are of another version or another clip (make it again), never a crash. */
TB_MUST_CHECK tb_status tb_voice_pack(const tb_voice *voice, void **data, size_t *size,
                                      tb_err *err);
TB_MUST_CHECK tb_status tb_voice_unpack(const char *id, const char *hash, const void *data,
                                        size_t size, tb_voice **out, tb_err *err);
void tb_voice_free(tb_voice *voice);

/* The content hash of a clip. */
void tb_voice_hash(const tb_pcm *clip, char out[65]);

#endif
