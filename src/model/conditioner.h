#ifndef TB_MODEL_CONDITIONER_H
#define TB_MODEL_CONDITIONER_H

#include "audio/pcm.h"
#include "base/cancel.h"
#include "model/campplus.h"
#include "model/conds.h"
#include "model/s3tok.h"
#include "model/ve.h"

/*
 * From a person's recording to the conditionals: the front end, then four runs of three networks.
 * The tokenizer hears the clip twice, because the language model's prompt and the acoustic
 * decoder's come to it by different resamplers and lengths. The maths: docs/model/conditioning.md.
 */

/* Bound weights: views, immutable, shared by threads. */
typedef struct {
    tb_s3tok tok;
    tb_campplus campplus;
    tb_ve ve;
} tb_conditioner;

/* The set must outlive c. TB_EMODEL names the tensor that is missing or wrong. */
TB_MUST_CHECK tb_status tb_conditioner_bind(tb_weights *weights, tb_conditioner *c, tb_err *err);
void tb_conditioner_clear(tb_conditioner *c);

/* clip: mono, at its own rate, any length; what is used of it ends at 15 s for the tokens, at 10 s
 * for the mel and the x-vector, and nowhere for the voice encoder. TB_EINVAL with a sentence for
 * whoever recorded it. Cancelled within one block of a network. */
TB_MUST_CHECK tb_status tb_conditioner_run(const tb_conditioner *c, const tb_nn *nn,
                                           const tb_pcm *clip, const tb_cancel *cancel,
                                           tb_conds *out, tb_err *err);

#endif
