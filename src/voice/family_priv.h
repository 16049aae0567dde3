#ifndef TB_VOICE_FAMILY_PRIV_H
#define TB_VOICE_FAMILY_PRIV_H

#include "voice/voice.h"

/* How the recordings become voices of one engine; the functions are those of voice.h, for it. */
typedef struct {
    bool (*kind)(const tb_model_handle *model, size_t i, char kind[TB_VOICE_KIND]);
    tb_status (*make)(tb_model_handle *model, const char *id, const char *hash,
                      const tb_pcm *recording, const char *field, const tb_cancel *cancel,
                      tb_voice **out, tb_err *err);
    tb_status (*pack)(const tb_voice *voice, size_t i, void **data, size_t *size, tb_err *err);
    tb_status (*unpack)(tb_model_handle *model, const char *id, const char *hash,
                        const tb_voice_part parts[TB_VOICE_PARTS], const tb_cancel *cancel,
                        tb_voice **out, bool *again, tb_err *err);
} tb_voice_family;

extern const tb_voice_family tb_voice_embedded, tb_voice_chatterbox;

#endif
