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
 * The tokenizer runs twice, because T3's prompt and the flow's are resampled differently and have
 * different lengths. The maths: docs/model/conditioning.md.
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

/* recording: mono, at its own rate, any length; the tokens use its first 15 s, mel and x-vector the
 * first 10 s, the voice encoder all of it. TB_EINVAL with a message for the person who recorded
 * it. Cancelled within one block of a network. */
TB_MUST_CHECK tb_status tb_conditioner_run(const tb_conditioner *c, const tb_nn *nn,
                                           const tb_pcm *recording, const tb_cancel *cancel,
                                           tb_conds *out, tb_err *err);

#endif
