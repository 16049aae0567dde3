#ifndef TB_MODEL_HIFT_H
#define TB_MODEL_HIFT_H

#include "base/cancel.h"
#include "nn/bind.h"

/*
 * HiFT, the vocoder: mel (Tm, 80), 50 frames a second, to 480 Tm samples at 24 kHz, in three steps
 * that a streamer takes one by one.
 *
 *   mel --f0--> pitch per frame --source--> harmonics and noise; mel + STFT(source) --decode-->
 * wave
 *
 * f0, the source, both transforms and the last convolution are f32 whatever the weights' type: the
 * phase adds f0 up, so 1 Hz of error is half a turn of the ninth harmonic after 60 ms.
 * Scratch of decode: 163 kB per frame at full size, but for no more than 530 frames at once: 90 MB.
 * The maths: docs/model/hift.md.
 */
enum {
    TB_HIFT_RATE_HZ = 24000,
    TB_HIFT_HOP = 480, /* samples per frame */
    TB_HIFT_HARMONICS = 9,
};

enum { TB_HIFT_STAGES = 3, TB_HIFT_KERNELS = 3, TB_HIFT_PAIRS = 3, TB_HIFT_F0_CONVS = 5 };

/* Three pairs of convolutions, the first of each dilated, snake before each. */
typedef struct {
    tb_conv conv1[TB_HIFT_PAIRS], conv2[TB_HIFT_PAIRS];
    const float *alpha1[TB_HIFT_PAIRS], *alpha2[TB_HIFT_PAIRS]; /* (C) */
} tb_hift_res;

typedef struct {
    tb_conv up, source_down;
    tb_hift_res source_res, res[TB_HIFT_KERNELS];
} tb_hift_stage;

/* Bound weights, immutable, shared by threads. */
typedef struct {
    size_t mels;
    tb_conv f0[TB_HIFT_F0_CONVS];
    tb_mat f0_out; /* (1, C) */
    const float *harmonic_w, *harmonic_b;
    tb_conv pre, post;
    tb_hift_stage stage[TB_HIFT_STAGES];
} tb_hift;

/* The set must outlive hift. TB_EMODEL names the tensor that is missing, wrong, or not HiFT's. */
TB_MUST_CHECK tb_status tb_hift_bind(tb_hift *hift, tb_weights *weights, tb_err *err);

/* mel (Tm, mels) -> f0 (Tm) in Hz, >= 0. A frame's f0 depends on TB_HIFT_F0_CONVS frames on each
 * side of it. */
void tb_hift_f0(const tb_hift *hift, const tb_nn *nn, const float *mel, size_t Tm, float *f0);

/* The oscillators of one utterance: where they stand between two chunks. Copy it to go back. */
typedef struct {
    float phase[TB_HIFT_HARMONICS];   /* at the beginning, radians; the first is 0 */
    double cycles[TB_HIFT_HARMONICS]; /* since then, whole ones left out */
    uint64_t noise;                   /* stream of base/counter.h */
    uint64_t sample; /* samples generated so far: the noise is a function of the position */
} tb_hift_osc;

/* At the beginning: phases from one stream, noise from another. */
void tb_hift_osc_init(tb_hift_osc *osc, const char *phase_stream, const char *noise_stream);

/* f0 (Tm) -> source (480 Tm), and osc moves on by as much. In chunks it gives the same bits.
 *   noise (480 Tm, 9)  standard normal; NULL: the oscillators' stream, number 9 sample + harmonic
 */
void tb_hift_source(const tb_hift *hift, const tb_nn *nn, const float *f0, size_t Tm,
                    const float *noise, tb_hift_osc *osc, float *source);

/* mel (Tm, mels), source (480 Tm) -> wav (480 Tm) within +-0.99; Tm >= 1. TB_ECANCELLED within one
 * block of the network. */
TB_MUST_CHECK tb_status tb_hift_decode(const tb_hift *hift, const tb_nn *nn, const float *mel,
                                       size_t Tm, const float *source, const tb_cancel *cancel,
                                       float *wav, tb_err *err);

/* How many frames of mel and source before and after a frame have a say in its samples: pieces with
 * so much around them are bit for bit pieces of the whole. */
void tb_hift_reach(const tb_hift *hift, size_t *before, size_t *after);

/* What the reference does to the beginning of an utterance, which is the end of the prompt's last
 * sound: 20 ms of silence, then 20 ms of fading in. */
void tb_fade(float *wav, size_t len);

#endif
