#ifndef TB_MODEL_FRONT_H
#define TB_MODEL_FRONT_H

#include "audio/pcm.h"
#include "base/cancel.h"

#include <stddef.h>

/*
 * The front end of voice cloning: from a person's recording to the inputs of the conditioning
 * networks. No weights are needed. The maths: docs/model/conditioning.md.
 *
 * As in the reference there are two resamplers from 24 to 16 kHz: soxr over the whole recording for
 * T3's prompt and the voice encoder, a short sinc over the first ten seconds for the flow's prompt
 * and the speaker network. Their results are not interchangeable.
 */
enum {
    TB_FRONT_MIN_LEN = 120001,    /* samples at 24 kHz: more than 5 s */
    TB_FRONT_FLOW_LEN = 240000,   /* at 24 kHz; the acoustic decoder's prompt ends at 10 s */
    TB_FRONT_PROMPT_LEN = 240000, /* at 16 kHz; the language model's prompt ends at 15 s */
};

/* Frames of one network, (rows, cols). */
typedef struct {
    float *data;
    size_t rows, cols;
} tb_frames;

/* The tokenizer's own filterbank (128, 201) and window (400), as its model file has them, borrowed
 * for the call. NULL: those of the formula, which differ in the last bits. */
typedef struct {
    const float *filters, *window;
} tb_front_tables;

typedef struct {
    tb_pcm w24;     /* all of it at 24 kHz, brought to -27 LUFS */
    tb_pcm w16;     /* the same through soxr */
    size_t d24_len; /* samples at the start of w24 that the flow's prompt uses */
    tb_pcm d16;     /* those through the sinc */
    double lufs;    /* before; -INFINITY when nothing passed the gate (then gain is 1) */
    float gain;
    tb_frames mel24;         /* (d24_len / 480, 80)  acoustic decoder */
    tb_frames s3_prompt;     /* (<= 1500, 128)       tokenizer, for the language model's prompt */
    tb_frames s3_flow;       /* (<= 1000, 128)       tokenizer, for the acoustic decoder's prompt */
    tb_frames ve;            /* (T, 40)              voice encoder, silent ends gone */
    size_t ve_start, ve_end; /* the samples of w16 that ve is computed from */
    tb_frames fbank;         /* (T, 80)              speaker network, column means gone */
} tb_front;

/* recording: mono, 1000 to 384000 Hz, any length. TB_EINVAL with a sentence for the person who
 * recorded it: too short, silent, or with samples that are no sound. tables may be NULL. Any
 * thread. */
TB_MUST_CHECK tb_status tb_front_make(const tb_pcm *recording, const tb_front_tables *tables,
                                      const tb_cancel *cancel, tb_front *out, tb_err *err);
void tb_front_clear(tb_front *front);

#endif
