#ifndef TB_BENCH_JUDGE_H
#define TB_BENCH_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

/* Judges of speech at 24 kHz that share no code with the engine they judge. */
enum { JUDGE_DIM = 19, JUDGE_BANDS = 21 };

typedef struct {
    double mean[JUDGE_DIM], cov[JUDGE_DIM][JUDGE_DIM];
} judge_timbre;

/* Mel-frequency cepstra of the loud frames as one Gaussian; false for too little sound. */
bool judge_timbre_of(const float *x, size_t len, judge_timbre *out);
double judge_timbre_distance(const judge_timbre *a, const judge_timbre *b);

/* Long-term spectrum in third octaves, dB, and the difference of two without their levels. */
void judge_ltas(const float *x, size_t len, double db[JUDGE_BANDS]);
double judge_ltas_distance(const double a[JUDGE_BANDS], const double b[JUDGE_BANDS]);

/* Median and quartile range of the pitch, in semitones (of 1 Hz), by a tracker after YIN. */
bool judge_pitch(const float *x, size_t len, double *median_st, double *range_st);

/* Word errors of what was heard against what was said; case and punctuation do not count. */
size_t judge_word_errors(const char *said, const char *heard, size_t *words);

#endif
