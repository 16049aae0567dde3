#ifndef TB_VOICE_VOICE_H
#define TB_VOICE_VOICE_H

#include "audio/pcm.h"
#include "base/cancel.h"
#include "embedded/bend.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A reference clip turned into what an engine speaks with. One kind per engine; today the embedded
 * engine's statistics. Immutable once made: threads may share one.
 */
typedef struct {
    char *id;   /* the name it is kept under, "default", or "uploaded_sample" */
    char *hash; /* BLAKE2b of the clip's samples; "" for default */
    bool has_embedded;
    tb_bend_stats embedded;
    char **warnings; /* sentences for the person who recorded it */
    size_t n_warnings;
    double seconds;
} tb_voice;

/* The built-in voice: no conditioning. */
tb_voice *tb_voice_default(void);

/* clip: any rate, mono. At most its first 30 s are used. TB_EINVAL (field) with a sentence that
 * tells the person what to record again (specification section 11). */
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
