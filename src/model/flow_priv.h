#ifndef TB_MODEL_FLOW_PRIV_H
#define TB_MODEL_FLOW_PRIV_H

#include "base/cancel.h"
#include "nn/bind.h"

/*
 * The two halves of the flow network. Both leave their work undone when cancelled: who calls them
 * looks at the flag afterwards, which never goes back.
 */
typedef struct tb_flow_encoder tb_flow_encoder;
typedef struct tb_flow_unet tb_flow_unet;

/* Names below "encoder."; C channels. heads 0: as pos_bias_u is shaped. NULL after a failure, which
 * b tells. */
tb_flow_encoder *tb_flow_encoder_bind(tb_bind *b, size_t C, size_t heads);
void tb_flow_encoder_free(tb_flow_encoder *e);
/* The upsampling conformer: x (T, C) embedded tokens -> y (2T, C). */
void tb_flow_encoder_run(const tb_flow_encoder *e, const tb_nn *nn, const float *x, size_t T,
                         const tb_cancel *cancel, float *y);

enum { TB_FLOW_STEPS = 2 };
/* Where the Euler steps begin and end: linear, as mean flow wants it. */
extern const float tb_flow_times[TB_FLOW_STEPS + 1];

/* Names below "decoder.estimator."; rows of 4 * mels in, mels out. heads 0: heads of 64. */
tb_flow_unet *tb_flow_unet_bind(tb_bind *b, size_t mels, size_t heads);
void tb_flow_unet_free(tb_flow_unet *u);
/* The mean velocity over a step: in (T, 4 mels) = state, mu, speaker, prompt mel -> v (T, mels). */
void tb_flow_unet_run(const tb_flow_unet *u, const tb_nn *nn, size_t step, const float *in,
                      size_t T, const tb_cancel *cancel, float *v);

#endif
