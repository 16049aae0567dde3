#ifndef TB_MODEL_PERTH_H
#define TB_MODEL_PERTH_H

#include "audio/pcm.h"
#include "nn/ops.h"
#include "tensor/weights.h"

/*
 * Perth: the reference's inaudible watermark. A network over the lowest 2 kHz of a spectrogram in
 * decibels computes what to add to them; quiet frames are left alone. Only embedding is
 * implemented, not detection. The maths: docs/model/perth.md.
 */
typedef struct tb_perth tb_perth; /* immutable: threads may share one */

enum {
    TB_PERTH_RATE_HZ = 32000,
    TB_PERTH_FFT = 2048,
    TB_PERTH_HOP = 320,     /* samples; 100 frames a second */
    TB_PERTH_MIN_LEN = 1280 /* samples at 32 kHz: the first whole hop that can be reflected */
};

/* perth_net_250000.pth.tar, which is a file of torch.save whatever its name says. TB_EMODEL names
 * what is missing or wrong. */
TB_MUST_CHECK tb_status tb_perth_open(const char *path, tb_perth **out, tb_err *err);
/* From a set that has the file's encoder.layers.N.conv.{weight,bias}, weights as (out, k, in). The
 * set must outlive it. */
TB_MUST_CHECK tb_status tb_perth_new(tb_weights *weights, tb_perth **out, tb_err *err);
void tb_perth_close(tb_perth *perth);

/* Marks a finished utterance in place; its length stays. On failure it is unchanged. */
TB_MUST_CHECK tb_status tb_perth_apply(const tb_perth *perth, const tb_nn *nn, tb_pcm *pcm,
                                       tb_err *err);

/* The same at 32 kHz, in place. n: a multiple of TB_PERTH_HOP, at least TB_PERTH_MIN_LEN. Traces
 * mag, wm_mag_sub, mask and wm_signal32k. */
TB_MUST_CHECK tb_status tb_perth_mark(const tb_perth *perth, const tb_nn *nn, float *x, size_t n,
                                      tb_err *err);

#endif
