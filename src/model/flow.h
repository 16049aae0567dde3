#ifndef TB_MODEL_FLOW_H
#define TB_MODEL_FLOW_H

#include "base/cancel.h"
#include "nn/bind.h"

/*
 * The flow network: speech tokens, 25 a second, to mel frames, 50 a second.
 *
 *   prompt and speech tokens, T --encoder--> mu (2T, 80) --two Euler steps of a UNet--> mel (2T,
 * 80)
 *
 * The first F rows are the prompt's own mel; what comes out are the rows after them. Attention is
 * over everything at once, so nothing of the prompt can be kept from one utterance to the next.
 * Scratch: 76 kB per token (prompt included) at full size, so 95 MB for 40 s of speech after 10 s
 * of prompt. The maths: docs/model/flow.md.
 */

/* What no shape shows. 0: as in the published model. */
typedef struct {
    size_t enc_heads; /* 0: the first axis of pos_bias_u */
    size_t est_heads; /* 0: heads of 64 */
} tb_flow_hparams;

/* Bound weights, immutable, shared by threads. */
typedef struct {
    size_t mels, embedding_dim, vocab;
    const tb_tensor *table; /* (vocab, C) speech token embeddings */
    tb_mat speaker, mu;     /* (mels, embedding_dim), (mels, C) */
    struct tb_flow_encoder *encoder;
    struct tb_flow_unet *unet;
} tb_flow;

/* hp may be NULL. The set must outlive flow. TB_EMODEL names the tensor that is missing, wrong, or
 * not the flow's. */
TB_MUST_CHECK tb_status tb_flow_bind(tb_flow *flow, tb_weights *weights, const tb_flow_hparams *hp,
                                     tb_err *err);
void tb_flow_clear(tb_flow *flow);

typedef struct {
    const int32_t *prompt; /* (n_prompt) speech tokens of the voice */
    size_t n_prompt;
    const float *prompt_mel; /* (prompt_frames, mels); 2 n_prompt frames, or one more */
    size_t prompt_frames;
    const float *embedding; /* (embedding_dim) of the speaker, of any length but 0 */
    const int32_t *tokens;  /* (n) speech tokens, the closing silence included */
    size_t n;
    const float *noise; /* (2 (n_prompt + n), mels) standard normal, prompt rows included */
} tb_flow_input;

size_t tb_flow_frames(const tb_flow_input *in); /* rows that come out; 0 when there are none */

/* mel (tb_flow_frames, mels). TB_EINVAL: a token outside the table, or no frame to make.
 * TB_ECANCELLED within one block of the network. */
TB_MUST_CHECK tb_status tb_flow_run(const tb_flow *flow, const tb_nn *nn, const tb_flow_input *in,
                                    const tb_cancel *cancel, float *mel, tb_err *err);

/* The encoder alone: mu (2T, mels) of T >= 1 tokens. Called by tb_flow_run. */
TB_MUST_CHECK tb_status tb_flow_encode(const tb_flow *flow, const tb_nn *nn, const int32_t *tokens,
                                       size_t T, const tb_cancel *cancel, float *mu, tb_err *err);

/* Rows first .. first + frames - 1 of the noise that a stream's name stands for: number
 * row * mels + channel of the stream, so a longer sequence begins as the shorter one did. */
void tb_flow_noise(const char *stream, size_t first, size_t frames, size_t mels, float *out);

#endif
