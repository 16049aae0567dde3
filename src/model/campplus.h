#ifndef TB_MODEL_CAMPPLUS_H
#define TB_MODEL_CAMPPLUS_H

#include "nn/bind.h"

/*
 * CAM++: speaker recognition, one vector for a whole recording. A small 2-D network over bands and
 * time, then a densely connected one over time whose layers are gated by the mean of the recording
 * and of the 2 s segment (context-aware masking), then mean and deviation over time. Computed in
 * f32. The maths: docs/model/campplus.md.
 */

/* A folded batch norm, y = scale x + shift. Owned; scale and shift are one allocation. */
typedef struct {
    float *scale, *shift; /* (C) */
} tb_campplus_norm;

/* A convolution over bands and time, without bias, and its norm. */
typedef struct {
    tb_mat w;      /* (N, k * k * C): out, band, time, in */
    size_t C, k;   /* k odd, zero padding on all sides */
    size_t stride; /* over bands; 1 over time */
    tb_campplus_norm norm;
} tb_campplus_conv;

typedef struct {
    tb_campplus_conv conv1, conv2, shortcut; /* shortcut.w.rows NULL: the input itself */
} tb_campplus_res;

typedef struct {
    tb_campplus_norm in, mid;
    tb_mat widen;           /* (B, all channels so far) */
    tb_conv local;          /* (G, 3, B) */
    tb_mat squeeze, excite; /* (B/2, B), (G, B/2) */
} tb_campplus_layer;

typedef struct {
    size_t C_in, C_out; /* C_out = C_in + n_layers G */
    size_t n_layers;
    tb_campplus_layer *layers;
    tb_campplus_norm norm; /* and the step to fewer channels after them */
    tb_mat transit;
} tb_campplus_block;

enum { TB_CAMPPLUS_RES = 4, TB_CAMPPLUS_BLOCKS = 3 };

/* Bound weights: views, immutable, shared by threads. The sizes are the tensors'. */
typedef struct {
    size_t bands, dim; /* of the input and of the vector */
    tb_campplus_conv conv1, conv2;
    tb_campplus_res res[TB_CAMPPLUS_RES];
    tb_conv tdnn;
    tb_campplus_norm tdnn_norm;
    tb_campplus_block blocks[TB_CAMPPLUS_BLOCKS];
    tb_campplus_norm out_norm;
    tb_mat dense;
    tb_campplus_norm dense_norm;
} tb_campplus;

/* The set must outlive net. TB_EMODEL names the tensor that is missing or wrong. */
TB_MUST_CHECK tb_status tb_campplus_bind(tb_weights *weights, tb_campplus *net, tb_err *err);
void tb_campplus_clear(tb_campplus *net);

/* Fewer frames have no deviation over time. */
enum { TB_CAMPPLUS_MIN_FRAMES = 3 };

/*   x    (frames, bands)  of tb_mel_fbank, less each band's mean (tb_mel_centre)
 *   out  (dim)            not normalised */
void tb_campplus_run(const tb_campplus *net, const tb_nn *nn, const float *x, size_t frames,
                     float *out);

#endif
