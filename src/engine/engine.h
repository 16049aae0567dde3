#ifndef TB_ENGINE_ENGINE_H
#define TB_ENGINE_ENGINE_H

#include "audio/pcm.h"
#include "base/cancel.h"
#include "chatterbox/model_handle.h"
#include "chatterbox/pace.h"
#include "embedded/speak.h"
#include "params/params.h"
#include "text/lexicon.h"
#include "text/script.h"
#include "voice/voice.h"

#include <stdbool.h>
#include <stdint.h>

/* Text to waveform: one interface, the engines behind it. The request or the configuration chooses;
 * neither passes for the other, and every answer says which one spoke. */
typedef struct tb_engine tb_engine;

typedef struct {
    tb_engine_kind engine; /* the configured one; unsaid: auto */
    tb_embedded_config embedded;
    tb_model_config model;
} tb_engine_config;

TB_MUST_CHECK tb_status tb_engine_open(const tb_engine_config *config, tb_engine **out,
                                       tb_err *err);
void tb_engine_close(tb_engine *engine);
/* Background work at start: the embedded engine's statistics. */
void tb_engine_warm(tb_engine *engine, const tb_cancel *cancel);
/* Background work of a server: its pace; the model fetched, made one file and taken into service.
 * Returns when all is done, or cancelled. */
void tb_engine_get_ready(tb_engine *engine, const tb_cancel *cancel);
/* What is being done to get the model, for GET /; false when nothing is. */
bool tb_engine_progress(tb_engine *engine, tb_model_progress *out);
tb_embedded *tb_engine_embedded(tb_engine *engine);
/* Which engine would answer an English request that names none: the embedded one or chatterbox; and
 * the model name that GET / prints. */
tb_engine_kind tb_engine_current(const tb_engine *engine);
const char *tb_engine_model(const tb_engine *engine);

/* The neural model: voices of chatterbox-turbo are made with it, by whoever has it through a plan.
 */
tb_model_handle *tb_engine_model_handle(const tb_engine *engine);

typedef struct {
    tb_engine_kind engine;   /* unsaid: the configured one */
    const char *language;    /* NULL or "" = the configured one; auto: by the text */
    const char *mode;        /* NULL, or a choice of params/params.h */
    const char *language_id; /* wins over language only with mode=multilingual */
    bool as_written;         /* the text goes to the engine without the front (text/front.h) */
    const tb_pronunciations *pronunciations; /* the request's and the installation's; NULL none */
    double temperature;                      /* ranges and defaults: params/params.h */
    double speed;
    uint64_t seed;                                              /* always set */
    double top_p, min_p, repetition_penalty, exaggeration, cfg; /* NAN = not given */
    int top_k;                                                  /* -1 = not given */
    tb_pace pace; /* of the pieces of a stream; {0} = this machine's */
} tb_engine_opts;

/* What will be said, by whom, how. {0} is empty. Strings belong to the plan; with the neural engine
 * so does a loan of the model, so voices of its kind are made and spoken with while there is one.
 */
typedef struct {
    tb_model_handle *model; /* NULL: the embedded engine speaks */
    tb_script script;
    tb_engine_kind engine; /* embedded or chatterbox */
    char *reason; /* why this engine, NULL when it was simply the one asked or configured */
    const tb_language *language;
    const char *guessed; /* code of the language that the text seems to be in, when nobody said one
                            and it is not the default; a constant; NULL none */
    char *ignored;       /* parameters given that have no effect here, comma-separated; NULL none */
    char *unsupported_tags;       /* comma-separated, NULL none */
    char *unknown_tags;           /* comma-separated, NULL none */
    char *unspoken;               /* words and signs left out that nobody can say; likewise */
    tb_pronunciations pronounced; /* those that were put in, as the request's own */
    bool stream;                  /* set by the caller: pieces of a sentence are wanted at once */
    bool brief;                   /* likewise: passes long requests where both are computed */
    tb_pace pace;                 /* that these follow; {0}: this engine makes none */
    tb_engine_opts opts;          /* its strings are not kept: NULL */
} tb_plan;

/* TB_EINVAL with the field's name for what cannot be said; field-by-field range checks are here. */
TB_MUST_CHECK tb_status tb_engine_prepare(tb_engine *engine, const char *text,
                                          const tb_script_opts *script_opts,
                                          const tb_engine_opts *opts, tb_plan *out, tb_err *err);
void tb_plan_clear(tb_plan *plan);

/* What happened while speaking that an answer tells. */
typedef struct {
    size_t
        retried; /* pieces that were spoken a second time, the first being far too long or short */
} tb_spoken;

typedef tb_status (*tb_pcm_sink)(void *self, const tb_pcm *pcm, tb_err *err);

/* Says item i (SPEECH, SOUND or PAUSE; BED items are the mixer's) in a voice, including the silence
 * after it, handing the sound to the sink as it is made. */
TB_MUST_CHECK tb_status tb_engine_speak(tb_engine *engine, const tb_plan *plan, size_t i,
                                        const tb_voice *voice, const tb_cancel *cancel,
                                        tb_pcm_sink sink, void *self, tb_spoken *spoken,
                                        tb_err *err);

#endif
