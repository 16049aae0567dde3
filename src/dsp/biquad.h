#ifndef TB_DSP_BIQUAD_H
#define TB_DSP_BIQUAD_H

#include <stddef.h>

/* Second-order filter sections after R. Bristow-Johnson's cookbook, transposed direct form II,
 * double state. {0} is silence. Frequencies above 0.45 of the rate are taken as 0.45. */
typedef enum {
    TB_BIQUAD_LOW,
    TB_BIQUAD_HIGH,
    TB_BIQUAD_BAND, /* 0 dB at its centre */
    TB_BIQUAD_PEAK,
    TB_BIQUAD_LOW_SHELF,
    TB_BIQUAD_HIGH_SHELF,
} tb_biquad_kind;

typedef struct {
    double b0, b1, b2, a1, a2; /* a0 = 1 */
    double z1, z2;
} tb_biquad;

/* Sets the coefficients, keeps the state. gain_db is for peaks and shelves. */
void tb_biquad_set(tb_biquad *f, tb_biquad_kind kind, double rate_hz, double freq_hz, double q,
                   double gain_db);

/* The two sections of BS.1770's K weighting at any rate. */
void tb_biquad_k_weight(tb_biquad f[2], double rate_hz);

static inline double tb_biquad_step(tb_biquad *f, double x)
{
    double y = f->b0 * x + f->z1;
    f->z1 = f->b1 * x - f->a1 * y + f->z2;
    f->z2 = f->b2 * x - f->a2 * y;
    return y;
}

void tb_biquad_run(tb_biquad *f, float *x, size_t len); /* in place */

#endif
