#include "base/mem.h"
#include "chatterbox/chatterbox_priv.h"

#include <string.h>

/*
 * Conditioning: from a recording to the conditionals, and from those to T3's prefix. The
 * conditioning networks use every core, so they run under the compute lock.
 */

/* Checks that a voice's widths are those of the networks. */
tb_status tb_chatterbox_check_voice(const tb_chatterbox *c, const tb_conds *v, tb_err *err)
{
    if (v->speaker_dim != c->t3.speaker_dim || v->mels != c->flow.mels ||
        v->embedding_dim != c->flow.embedding_dim)
        return tb_fail(err, TB_EMODEL,
                       "the voice has %zu, %zu and %zu numbers for speaker, mel and embedding; the "
                       "model wants %zu, %zu and %zu",
                       v->speaker_dim, v->mels, v->embedding_dim, c->t3.speaker_dim, c->flow.mels,
                       c->flow.embedding_dim);
    return TB_OK;
}

/* New voices are rare and their networks are a quarter of the file: returns their pages to the
 * system. */
static void drop_conditioning(const tb_chatterbox *c)
{
    static const char *const nets[] = {"tokenizer.", "xv.", "speaker_encoder.", "ve."};
    for (size_t i = 0; i < tb_weights_count(c->weights); i++)
        for (size_t k = 0; k < sizeof nets / sizeof *nets; k++)
            if (strncmp(tb_weights_name(c->weights, i), nets[k], strlen(nets[k])) == 0)
                tb_weights_drop_pages(c->weights, tb_weights_at(c->weights, i));
}

#define CONDITION_S 1.5 /* about what a new voice takes */

tb_status tb_chatterbox_condition(const tb_chatterbox *c, const tb_pcm *recording,
                                  const tb_cancel *cancel, tb_conds *out, tb_err *err)
{
    tb_status st = tb_compute_lock_acquire(c->compute_lock, CONDITION_S, false, cancel, err);
    if (st) return st;
    tb_nn nn = {.pool = c->pool, .scratch = tb_scratch_new()};
    st = tb_conditioner_run(&c->conditioner, &nn, recording, cancel, out, err);
    tb_scratch_free(nn.scratch);
    drop_conditioning(c);
    tb_compute_lock_release(c->compute_lock, CONDITION_S);
    return st;
}

static tb_t3_voice t3_voice_of(const tb_conds *v)
{
    return (tb_t3_voice){.speaker = v->speaker, .prompt = v->t3_prompt, .n_prompt = v->n_t3_prompt};
}

tb_status tb_chatterbox_prefix(const tb_chatterbox *c, const tb_conds *conds,
                               const tb_cancel *cancel, tb_t3_prefix **out, tb_err *err)
{
    tb_t3_voice voice = t3_voice_of(conds);
    tb_status st = tb_chatterbox_check_voice(c, conds, err);
    if (st) return st;
    tb_nn nn = {.pool = c->pool, .scratch = tb_scratch_new()};
    st = tb_t3_prefix_new(&c->t3, &nn, &voice, cancel, out, err);
    tb_scratch_free(nn.scratch);
    return st;
}

tb_status tb_chatterbox_unpack_prefix(const tb_chatterbox *c, const tb_conds *conds,
                                      const void *data, size_t size, tb_t3_prefix **out,
                                      tb_err *err)
{
    tb_t3_prefix *prefix = NULL;
    tb_status st = tb_t3_prefix_unpack(&c->t3, data, size, &prefix, err);
    if (!st && tb_t3_prefix_positions(prefix) != conds->n_t3_prompt + 1)
        st = tb_fail(err, TB_EMODEL, "the kept prefix is of another voice");
    if (st)
        tb_t3_prefix_free(prefix);
    else
        *out = prefix;
    return st;
}
