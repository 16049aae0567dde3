#ifndef TB_API_SPEECH_REQ_H
#define TB_API_SPEECH_REQ_H

#include "api/fields.h"
#include "base/json.h"
#include "codec/encode.h"
#include "engine/engine.h"
#include "post/post.h"

/*
 * One wish for speech, parsed and range-checked: nothing is validated twice after this except what
 * only the rooms behind know (does the voice exist, the ambience, the language). Owns everything
 * it points to.
 */
typedef enum { TB_ROUTE_DEMO, TB_ROUTE_GENERATE } tb_speech_route;

typedef struct {
    tb_speech_route route;
    char *text;
    char *voice_id; /* without a trailing .wav; NULL when there is a prompt; /demo's is
                       "default" when none is named */
    void *prompt;   /* the uploaded audio_prompt's bytes; NULL none. It wins over voice_id */
    size_t prompt_size;
    char *prompt_hash;       /* replay: a prompt kept by the store; NULL otherwise */
    char *voice_hash;        /* replay: the recording that it was spoken with; NULL otherwise */
    int64_t voice_before_us; /* replay of a record without one: it must be older; 0 otherwise */
    tb_pronunciations pronunciations; /* the request's own; whoever speaks sets engine's to them */
    bool closed; /* a replay: with these and no others, whatever the dictionary says today */
    tb_engine_opts engine; /* its strings are this struct's */
    char *ambience_id;     /* as written, NULL none: the bed is looked up once, by the job */
    tb_post_opts post;     /* without its bed, which the job finds */
    tb_format format;
    int sample_rate_hz; /* 24000 */
    bool keep;          /* in the history, with the prompt: everything but demos */
    bool stream;        /* sent while it is made */
    bool pieces;        /* it sounds as a stream does: what is streamed, and its replay */
    bool seed_given;
    char *user, *request_id; /* set by http */
    tb_json *params; /* everything needed to speak it again, without text and prompt bytes */
} tb_speech_req;

/*
 * audio_prompt is a file, or text in base64 (plain or a data: URL). post.seed is the seed too;
 * post.loudness_lufs is NAN (only the configuration sets it). keep, stream and pieces are decided
 * here and nowhere else.
 *
 * fields: from a form, a query or JSON alike (api/fields.h). A seed is drawn when none is given.
 * TB_EMALFORMED for neither a voice nor a prompt (/generate-tts only); TB_EINVAL naming the field
 * for a missing text and for a bad value; unknown fields are ignored. text_max in code points. The
 * bytes of audio_prompt are taken from fields, on failure, too.
 */
TB_MUST_CHECK tb_status tb_speech_req_parse(tb_speech_route route, tb_fields *fields,
                                            size_t text_max, tb_speech_req *out, tb_err *err);
/* From a history row's text and params (voice_id or prompt_hash among them): the same request
 * again, every number to the bit. A request that came with a prompt has "prompted" in its params;
 * when they lack prompt_hash, it comes back with neither and the caller sets prompt_hash from the
 * row. voice_hash is the record's; without one the caller sets voice_before_us. Damaged params:
 * TB_EMALFORMED or TB_EINVAL. */
TB_MUST_CHECK tb_status tb_speech_req_replay(const char *text, const char *params_json,
                                             tb_speech_req *out, tb_err *err);
void tb_speech_req_clear(tb_speech_req *req);

#endif
