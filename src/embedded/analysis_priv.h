#ifndef TB_EMBEDDED_ANALYSIS_PRIV_H
#define TB_EMBEDDED_ANALYSIS_PRIV_H

#include "base/cancel.h"
#include "base/err.h"

#include <stddef.h>

/*
 * What a sound of speech at 24 kHz is made of, every 5 ms: fundamental frequency, spectral envelope
 * and, for the speech that is resynthesised, pitch marks. No state
 * between calls, any thread. A frame f is centred on sample 120 f; outside the sound is silence.
 */
enum {
    TB_ANALYSIS_HOP = 120, /* samples */
    TB_ANALYSIS_FFT = 1024,
    TB_ANALYSIS_BINS = 513, /* of 23.4375 Hz */
    TB_ANALYSIS_MAX_SECONDS = 60,
};

/* 410 kB per second. {0} is empty. */
typedef struct {
    size_t frames; /* F = len / 120 + 1 */
    float *f0;     /* (F) Hz, 0 where unvoiced */
    float *env;    /* (F, 513) natural log of the power density */
} tb_analysis;

size_t tb_analysis_frames(size_t len);

/* A sound of any length up to 60 s (TB_ETOOBIG), also of none (one frame). Values that are not
 * finite are TB_EINVAL. */
TB_MUST_CHECK tb_status tb_analysis_run(const float *pcm, size_t len, const tb_cancel *cancel,
                                        tb_analysis *out, tb_err *err);
void tb_analysis_clear(tb_analysis *analysis);

/* The two halves of tb_analysis_run: f0 (F) is the output of the first and an input of the second,
 * env (F, 513) is the second's output. */
TB_MUST_CHECK tb_status tb_analysis_pitch(const float *pcm, size_t len, const tb_cancel *cancel,
                                          float *f0, tb_err *err);
TB_MUST_CHECK tb_status tb_analysis_envelope(const float *pcm, size_t len, const float *f0,
                                             const tb_cancel *cancel, float *env, tb_err *err);

/* The first bin that its own band does not reach: 513 for cut_hz >= 12000. */
size_t tb_envelope_cut_bin(float cut_hz);

/* Continues the envelope flat above the cut, in place: docs/embedded.md, "Bandwidth". */
void tb_envelope_extend(float *env, size_t frames, float cut_hz);

/* One voiced run and its marks at[first] .. at[first + count - 1], count >= 1, rising. */
typedef struct {
    size_t first, count;
    double begin, end; /* its region in samples, both ends belonging to it */
} tb_voiced_run;

/* {0} is empty. */
typedef struct {
    double *at; /* (n) samples, real numbers */
    size_t n;
    tb_voiced_run *runs; /* (n_runs) in the order of time */
    size_t n_runs;
} tb_pitch_marks;

TB_MUST_CHECK tb_status tb_pitch_marks_find(const float *pcm, size_t len, const float *f0,
                                            size_t frames, const tb_cancel *cancel,
                                            tb_pitch_marks *out, tb_err *err);
void tb_pitch_marks_clear(tb_pitch_marks *marks);

#endif
