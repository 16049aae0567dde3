#ifndef TB_EMBEDDED_CEPSTRUM_PRIV_H
#define TB_EMBEDDED_CEPSTRUM_PRIV_H

#include "embedded/analysis_priv.h"
#include "embedded/voice_stats.h"

/* Log spectrum to 80 mel points to 24 cepstral coefficients and back: docs/embedded.md, "Voice
 * statistics". Immutable once made: threads may share one. 75 kB. */
typedef struct {
    float hz[TB_MEL_POINTS];
    int first[TB_MEL_POINTS], count[TB_MEL_POINTS]; /* bins of a point */
    float *weights;                                 /* theirs, one point after the other */
    float dct[TB_CEPSTRUM_DIM][TB_MEL_POINTS];      /* orthonormal DCT-II */
    int bin_point[TB_ANALYSIS_BINS];                /* point below a bin's frequency */
    float bin_weight[TB_ANALYSIS_BINS];             /* share of the next point */
} tb_cepstrum;

void tb_cepstrum_init(tb_cepstrum *c);
void tb_cepstrum_clear(tb_cepstrum *c);

void tb_cepstrum_compute(const tb_cepstrum *c, const float env[TB_ANALYSIS_BINS],
                         float out[TB_CEPSTRUM_DIM]);
void tb_cepstrum_to_points(const tb_cepstrum *c, const float in[TB_CEPSTRUM_DIM],
                           float out[TB_MEL_POINTS]);
void tb_cepstrum_to_bins(const tb_cepstrum *c, const float points[TB_MEL_POINTS],
                         float bins[TB_ANALYSIS_BINS]);

#endif
