#ifndef TB_VOICE_VOICE_H
#define TB_VOICE_VOICE_H

#include "audio/pcm.h"
#include "base/cancel.h"
#include "chatterbox/model_handle.h"
#include "embedded/voice_stats.h"
#include "model/conds.h"
#include "model/t3.h"
#include "params/params.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A reference recording turned into what an engine speaks with: one kind per engine, the embedded
 * one's statistics or the conditionals of chatterbox-turbo. Immutable once made: threads may share
 * one.
 */
typedef struct {
    char *id;   /* the name it is kept under, "default", or "uploaded_sample" */
    char *hash; /* BLAKE2b of the recording's samples; "" for default */
    bool has_embedded;
    tb_voice_stats embedded;
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

/*
 * A voice has a family: the engine that speaks with it, `of`. model is
 * the handle of the neural model, which chatterbox's voices are made with: the caller has acquired
 * it. What is kept of a voice has parts, each a kind of the store's cache; a kind names whatever
 * its bytes depend on.
 */
enum { TB_VOICE_PARTS = 2, TB_VOICE_KIND = 48 };
/* Name of part i; false past the last. */
bool tb_voice_kind(const tb_model_handle *model, tb_engine_kind of, size_t i,
                   char kind[TB_VOICE_KIND]);
/*
 * recording: any rate, mono; NULL: the built-in voice. The embedded engine uses the 30 s of it with
 * the most sound, chatterbox-turbo its beginning. field: what the recording came in, for sentences.
 * hash: the recording's. TB_EINVAL (field) with a sentence that tells the person what to record
 * again.
 */
TB_MUST_CHECK tb_status tb_voice_make(tb_model_handle *model, tb_engine_kind of, const char *id,
                                      const char *hash, const tb_pcm *recording, const char *field,
                                      const tb_cancel *cancel, tb_voice **out, tb_err *err);
/* Part i as bytes to keep; heap. */
TB_MUST_CHECK tb_status tb_voice_pack(tb_engine_kind of, const tb_voice *voice, size_t i,
                                      void **data, size_t *size, tb_err *err);
typedef struct {
    const void *data; /* NULL: this part was not kept */
    size_t size;
} tb_voice_part;
/* From the kept parts. Fails (make it again), never crashes, when the first is missing, damaged, of
 * another version or not of this recording; another part is made again here, and *again says so. */
TB_MUST_CHECK tb_status tb_voice_unpack(tb_model_handle *model, tb_engine_kind of, const char *id,
                                        const char *hash, const tb_voice_part parts[TB_VOICE_PARTS],
                                        const tb_cancel *cancel, tb_voice **out, bool *again,
                                        tb_err *err);
void tb_voice_free(tb_voice *voice);

#endif
