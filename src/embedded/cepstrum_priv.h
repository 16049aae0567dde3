#ifndef TB_EMBEDDED_CEPSTRUM_PRIV_H
#define TB_EMBEDDED_CEPSTRUM_PRIV_H

#include "embedded/analysis_priv.h"
#include "embedded/bend.h"

/* Log spectrum to 80 mel points to 24 cepstral coefficients and back: docs/embedded.md, "Voice
 * statistics". Immutable once made: threads may share one. 75 kB. */
typedef struct {
    float hz[TB_BEND_POINTS];
    int first[TB_BEND_POINTS], count[TB_BEND_POINTS]; /* bins of a point */
    float *weights;                                   /* theirs, one point after the other */
    float dct[TB_BEND_DIM][TB_BEND_POINTS];           /* orthonormal DCT-II */
    int spread_at[TB_VOX_BINS];                       /* point below a bin's frequency */
    float spread_t[TB_VOX_BINS];                      /* share of the next point */
} tb_cepstrum;

void tb_cepstrum_init(tb_cepstrum *c);
void tb_cepstrum_clear(tb_cepstrum *c);

void tb_cepstrum_of(const tb_cepstrum *c, const float env[TB_VOX_BINS], float out[TB_BEND_DIM]);
void tb_cepstrum_points(const tb_cepstrum *c, const float in[TB_BEND_DIM],
                        float out[TB_BEND_POINTS]);
void tb_cepstrum_spread(const tb_cepstrum *c, const float points[TB_BEND_POINTS],
                        float bins[TB_VOX_BINS]);

#endif
