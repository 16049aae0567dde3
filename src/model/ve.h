#ifndef TB_MODEL_VE_H
#define TB_MODEL_VE_H

#include "nn/bind.h"

/*
 * The voice encoder: one vector of length 1 that tells T3 whose voice to use. A stack of LSTMs runs
 * over overlapping stretches of the recording; the hidden states at the stretches' ends are
 * projected, and their mean is the result. Computed in f32. The maths: docs/model/conditioning.md,
 * "Voice encoder".
 */
typedef struct {
    size_t stretch; /* frames that are listened to at once */
    size_t step;    /* frames from one stretch to the next */
    double covered; /* share of a stretch that must be sound for it to count */
} tb_ve_hparams;

/* 1.6 s every 0.77 s at 100 frames a second. No tensor shows them. */
extern const tb_ve_hparams tb_ve_published;

typedef struct {
    tb_mat in, past; /* (4H, K), (4H, H): gates in, forget, new, out; bias of both in `bias` */
    float *bias;     /* (4H) owned */
} tb_ve_layer;

/* Bound weights: views, immutable, shared by threads. The sizes are the tensors'. */
typedef struct {
    tb_ve_hparams hp;
    size_t bands, H, dim; /* of the input, the memory, the vector */
    size_t n_layers;
    tb_ve_layer *layers;
    tb_mat proj; /* (dim, H) */
} tb_ve;

/* The set must outlive ve. TB_EMODEL names the tensor that is missing or wrong. */
TB_MUST_CHECK tb_status tb_ve_bind(tb_weights *weights, const tb_ve_hparams *hp, tb_ve *ve,
                                   tb_err *err);
void tb_ve_clear(tb_ve *ve);

/* Stretches of so many frames: 1 or more. The last may be filled up with silence, or some frames at
 * the end may belong to none. */
size_t tb_ve_stretches(const tb_ve_hparams *hp, size_t frames);

/*   mel  (frames, bands)  of tb_mel_ve; frames >= 1
 *   out  (dim)            length 1 (zeros if the network's output is zero) */
void tb_ve_run(const tb_ve *ve, const tb_nn *nn, const float *mel, size_t frames, float *out);

#endif
