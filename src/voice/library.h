#ifndef TB_VOICE_LIBRARY_H
#define TB_VOICE_LIBRARY_H

#include "base/cancel.h"
#include "base/hash.h"
#include "store/store.h"
#include "voice/voice.h"

/*
 * Voices ready to speak with, of either engine's kind: looked up in the store, taken from its cache
 * of analyses or measured once, and kept in memory (the last 64, or 400 MB of them). Two jobs that
 * want the same new voice wait for one measurement. Any thread. `of` is the engine, as in a plan.
 */
typedef struct tb_voices tb_voices;

tb_voices *tb_voices_new(tb_store *store, tb_model_handle *model);
void tb_voices_free(tb_voices *voices); /* no voice may be in use */

/* Which kept voice is wanted. The two last ones are a replay's. */
typedef struct {
    const char *name;  /* "default" is the built-in one */
    const char *hash;  /* of the recording that it must be, under whatever name; NULL: any */
    int64_t before_us; /* without hash: when the recording must have been there; 0: any time */
} tb_voice_wish;

/* Which one it was: its name now, and the hash of its recording ("" for the built-in one). */
typedef struct {
    char name[TB_VOICE_NAME_MAX * 4 + 1];
    char hash[TB_HASH_HEX];
} tb_voice_found;

/* TB_ENOTFOUND as the store says, or that the recording was replaced. */
TB_MUST_CHECK tb_status tb_voices_get(tb_voices *voices, tb_engine_kind of,
                                      const tb_voice_wish *wish, const tb_cancel *cancel,
                                      const tb_voice **out, tb_voice_found *found, tb_err *err);
/* From a wav in the canonical form of tb_recording_canon, keyed by its hash. */
TB_MUST_CHECK tb_status tb_voices_from_wav(tb_voices *voices, tb_engine_kind of, const void *wav,
                                           size_t size, const char *field, const tb_cancel *cancel,
                                           const tb_voice **out, tb_err *err);
/* Keeps a voice's analysis beside its wav, so that it is never made again. A failure is logged
 * only: the voice speaks all the same. */
void tb_voices_keep(tb_voices *voices, tb_engine_kind of, const tb_voice *voice, const char *uuid);
/* The neural model that they are also made for, by its name in sentences: a constant. */
const char *tb_voices_model_name(const tb_voices *voices);
void tb_voices_release(tb_voices *voices, const tb_voice *voice); /* NULL is fine */

#endif
