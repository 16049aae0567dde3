#ifndef TB_MODEL_S3TOK_H
#define TB_MODEL_S3TOK_H

#include "nn/bind.h"

/*
 * S3 tokenizer v2: from a recording to 25 speech tokens a second. Two convolutions halve the frames
 * twice; transformer blocks attend to the whole recording, with a memory (a long depthwise filter)
 * beside the attention; a quantiser rounds 8 numbers to 3 levels each: 6561 tokens.
 *
 * Rounding turns a small error into another token, so everything is computed in f32, whatever type
 * the weights are stored in. The maths: docs/model/s3tok.md.
 */
typedef struct {
    const float *attn_ln_g, *attn_ln_b, *mlp_ln_g, *mlp_ln_b; /* (C) */
    tb_mat query, key, value, out;                            /* (C, C); key has no bias */
    const float *memory;                                      /* (C, k) the filter over values */
    float *memory_owned; /* what memory is when the file holds another type */
    tb_mat up, down;     /* (4C, C), (C, 4C) */
} tb_s3tok_block;

/* Bound weights: views, immutable, shared by threads. The sizes are the tensors'. */
typedef struct {
    size_t bands, C, heads, k; /* k: taps of the memory, odd */
    size_t digits, vocab;      /* vocab = 3^digits */
    tb_conv conv1, conv2;
    size_t n_blocks;
    tb_s3tok_block *blocks; /* (n_blocks) */
    tb_mat digit;           /* (digits, C) */
    /* The file's own filterbank and window for tb_mel_s3tok; NULL when it has none in f32. */
    const float *filters, *window;
} tb_s3tok;

/* heads 0: C / 64, as in the published model. The set must outlive tok. TB_EMODEL names the tensor
 * that is missing or wrong. */
TB_MUST_CHECK tb_status tb_s3tok_bind(tb_weights *weights, size_t heads, tb_s3tok *tok,
                                      tb_err *err);
void tb_s3tok_clear(tb_s3tok *tok);

size_t tb_s3tok_len(size_t frames); /* tokens of so many frames: a quarter, rounded up */

/*
 * Attention costs the square of frames; the caller bounds them (our voices have 1500).
 *   mel      (frames, bands)  of tb_mel_s3tok; frames >= 1
 *   tokens   (tb_s3tok_len(frames))
 *   margins  the same, or NULL: how far the least certain digit of each token was from another
 *            level, 0 .. 0.5
 */
void tb_s3tok_run(const tb_s3tok *tok, const tb_nn *nn, const float *mel, size_t frames,
                  int32_t *tokens, float *margins);

/* The rotation of position t and pair i by t * 10000^(-i / half): cosines and sines, (T, half). */
void tb_s3tok_rope(size_t T, size_t half, float *cosines, float *sines);

#endif
