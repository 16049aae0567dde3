#ifndef TB_API_PRINT_H
#define TB_API_PRINT_H

#include "ambience/ambience.h"
#include "base/err.h"
#include "engine/engine.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>

/* The bodies of our replies as JSON text: heap, the caller's, never NULL. base: what the paths of
 * links begin with, "" or "/tts". */

typedef enum {
    TB_AS_DETAIL,
    TB_AS_OPENAI,
    TB_AS_ELEVENLABS,
    TB_ERROR_FAMILY_COUNT
} tb_error_family;

/* One error, three families. DETAIL: {"detail"}, with "errors" beside it for 422. */
char *tb_print_error(tb_error_family family, const tb_err *err);

/* GET /: engine and model as the engine room names them; progress NULL: no model is on its way. */
char *tb_print_status(tb_engine_kind engine, const char *model, size_t languages,
                      const tb_model_progress *progress);

char *tb_print_voice(const tb_voice_row *row);                           /* GET /voices/{id} */
char *tb_print_voices(const tb_voice_list *list);                        /* GET /voices */
char *tb_print_voices_list(const tb_voice_list *list, const char *base); /* GET /voices/list */
char *tb_print_voice_uploaded(const tb_voice_row *row);                  /* warnings among them */
char *tb_print_voice_updated(const tb_voice_row *row);
char *tb_print_voice_deleted(const char *id);

/* TB_ENOMEM when there is no room for the two below to print so many rows: their texts are as large
 * as requests made them. */
TB_MUST_CHECK tb_status tb_print_room(const tb_clip_row *rows, size_t n, tb_err *err);
char *tb_print_history(const tb_clip_list *list, const char *base); /* a bare array */
char *tb_print_clip(const tb_clip_row *row, const char *base);      /* GET /history/{id} */
char *tb_print_history_deleted(uint64_t remaining);

/* A part of a path or a query, percent-encoded. */
char *tb_print_escaped(const char *s);
/* before + the escaped name + after, and until when it is good. */
char *tb_print_link(const char *before, const char *name, const char *after, int64_t expires_us);

char *tb_print_job(const tb_job_row *row); /* GET /jobs/{id} */

char *tb_print_ambiences(const tb_ambience_set *set, const char *base);
char *tb_print_languages(const tb_language *list, size_t n);

#endif
