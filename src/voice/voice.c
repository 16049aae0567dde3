#include "voice/family_priv.h"

#include "base/mem.h"
#include "store/store.h"

#include <assert.h>
#include <string.h>

/*
 * What all voices have in common, and the table of families. A family is what one engine knows of
 * how a recording becomes a voice: embedded.c, chatterbox.c.
 */
static const tb_voice_family *family(tb_engine_kind of)
{
    assert(of == TB_ENGINE_CHATTERBOX || of == TB_ENGINE_EMBEDDED);
    return of == TB_ENGINE_CHATTERBOX ? &tb_voice_chatterbox : &tb_voice_embedded;
}

bool tb_voice_kind(const tb_model_handle *model, tb_engine_kind of, size_t i,
                   char kind[TB_VOICE_KIND])
{
    return family(of)->kind(model, i, kind);
}

tb_status tb_voice_make(tb_model_handle *model, tb_engine_kind of, const char *id, const char *hash,
                        const tb_pcm *recording, const char *field, const tb_cancel *cancel,
                        tb_voice **out, tb_err *err)
{
    return family(of)->make(model, id, hash, recording, field, cancel, out, err);
}

tb_status tb_voice_pack(tb_engine_kind of, const tb_voice *voice, size_t i, void **data,
                        size_t *size, tb_err *err)
{
    return family(of)->pack(voice, i, data, size, err);
}

tb_status tb_voice_unpack(tb_model_handle *model, tb_engine_kind of, const char *id,
                          const char *hash, const tb_voice_part parts[TB_VOICE_PARTS],
                          const tb_cancel *cancel, tb_voice **out, bool *again, tb_err *err)
{
    *again = false;
    if (!parts[0].data) return tb_fail(err, TB_ENOTFOUND, "no analysis is kept");
    return family(of)->unpack(model, id, hash, parts, cancel, out, again, err);
}

tb_voice *tb_voice_new(const char *id, const char *hash)
{
    tb_voice *v = tb_alloc(sizeof *v);
    v->id = tb_strdup(id);
    v->hash = tb_strdup(hash);
    return v;
}

tb_voice *tb_voice_default(void)
{
    return tb_voice_new(TB_VOICE_DEFAULT, "");
}

void tb_voice_free(tb_voice *v)
{
    if (!v) return;
    for (size_t i = 0; i < v->n_warnings; i++)
        tb_free(v->warnings[i]);
    tb_conds_clear(&v->own);
    tb_t3_prefix_free(v->prefix);
    tb_free(v->warnings);
    tb_free(v->id);
    tb_free(v->hash);
    tb_free(v);
}

size_t tb_voice_bytes(const tb_voice *v)
{
    size_t n = sizeof *v;
    if (v->conds)
        n += (v->conds->prompt_frames * v->conds->mels + v->conds->n_prompt +
              v->conds->n_t3_prompt) *
             4;
    return v->prefix ? n + tb_t3_prefix_packed_size(v->prefix) : n;
}
