#ifndef TB_PARAMS_PARAMS_H
#define TB_PARAMS_PARAMS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The one table of what a request for speech may say. Parsing, the checks of engine and mixer, the
 * list of ignored fields, the record that a replay reads, /openapi.json, /docs and the table in
 * docs/api.md follow from it.
 */
typedef enum {
    TB_PARAM_TEXT,
    TB_PARAM_VOICE_ID,
    TB_PARAM_AUDIO_PROMPT,
    TB_PARAM_LANGUAGE,
    TB_PARAM_SPEED,
    TB_PARAM_TEMPERATURE,
    TB_PARAM_SEED,
    TB_PARAM_AMBIENCE_ID,
    TB_PARAM_AMBIENCE_LEVEL,
    TB_PARAM_AMBIENCE_DUCK_DB,
    TB_PARAM_RESPONSE_FORMAT,
    TB_PARAM_SAMPLE_RATE,
    TB_PARAM_STREAM,
    TB_PARAM_STREAM_PACE,
    TB_PARAM_NORMALIZE,
    TB_PARAM_PRONUNCIATIONS,
    TB_PARAM_ENGINE,
    TB_PARAM_MODE,
    TB_PARAM_LANGUAGE_ID,
    TB_PARAM_TOP_P,
    TB_PARAM_TOP_K,
    TB_PARAM_MIN_P,
    TB_PARAM_REPETITION_PENALTY,
    TB_PARAM_EXAGGERATION,
    TB_PARAM_CFG,
    TB_PARAM_AMBIENCE_PROMPT,
    TB_PARAM_COUNT
} tb_param_id;

typedef enum {
    TB_KIND_TEXT,
    TB_KIND_FILE,   /* of a form, or base64 */
    TB_KIND_CHOICE, /* one of `choices` */
    TB_KIND_NUMBER, /* from least to most */
    TB_KIND_WHOLE,  /* the same without a fraction */
    TB_KIND_SWITCH,
    TB_KIND_JSON, /* an object, or its text */
} tb_param_kind;

enum { /* who uses it; an engine that does not says so in X-Ignored-Parameters */
       TB_BY_EMBEDDED = 1,
       TB_BY_CHATTERBOX = 2,
       TB_BY_ENGINES = TB_BY_EMBEDDED | TB_BY_CHATTERBOX,
       TB_BY_MIXER = 4,
       TB_BY_SERVICE = 8, /* what is done before and after: parsing, encoding, keeping */
};

typedef struct {
    const char *name;
    tb_param_kind kind;
    double least, most;
    const char *choices;  /* words with | between */
    const char *fallback; /* what it is when it is not given, as it would be sent; NULL: nothing */
    const char *without;  /* and in words, when fallback does not say it */
    unsigned used_by;
    const char *help; /* a sentence; [links](#...) are docs/api.md's */
} tb_param;

extern const tb_param tb_params[TB_PARAM_COUNT];

/* Who speaks: the words of the field `engine` and of the setting ENGINE. Unsaid: the setting's. */
typedef enum {
    TB_ENGINE_UNSAID,
    TB_ENGINE_AUTO, /* by language and by what is installed */
    TB_ENGINE_CHATTERBOX,
    TB_ENGINE_EMBEDDED
} tb_engine_kind;
#define TB_ENGINE_WORDS "auto|chatterbox|embedded" /* in that order */

const char *tb_engine_kind_name(tb_engine_kind kind); /* a constant; "" for unsaid */
bool tb_engine_kind_parse(const char *name, tb_engine_kind *out);

/* Loudness that speech may be brought to, LUFS: of the setting and of the mixer. */
#define TB_LOUDNESS_LEAST (-40.0)
#define TB_LOUDNESS_MOST  (-10.0)

/* The fallback of TEXT_MAX, as it is written: of the setting and in sentences. */
#define TB_TEXT_MAX_FALLBACK "20000"

#define TB_SEED_MAX 9007199254740991.0 /* 2^53-1: what a JSON number holds exactly */

const tb_param *tb_param_find(const char *name); /* NULL: there is none */
/* NAN, which means not given, when there is no fallback. */
double tb_param_fallback(const tb_param *p);
/* Whether a number of its kind is in its range; NAN is when it has no fallback. */
TB_MUST_CHECK tb_status tb_param_check(tb_param_id id, double x, tb_err *err);
/* "0.05-5", "true or false", ... for a table; links are left out of help. */
void tb_param_range(const tb_param *p, char *out, size_t size);
void tb_param_plain(const tb_param *p, char *out, size_t size);

void tb_params_markdown(tb_str *out); /* docs/api.md's table */

#endif
