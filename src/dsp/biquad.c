#include "dsp/biquad.h"

#include <math.h>

void tb_biquad_set(tb_biquad *f, tb_biquad_kind kind, double rate_hz, double freq_hz, double q,
                   double gain_db)
{
    double w = 2 * M_PI * fmin(freq_hz, 0.45 * rate_hz) / rate_hz;
    double al = sin(w) / (2 * q), c = cos(w);
    double A = pow(10, gain_db / 40);
    double b0 = 1, b1 = 0, b2 = 0, a0 = 1 + al, a1 = -2 * c, a2 = 1 - al;
    switch (kind) {
    case TB_BIQUAD_LOW:
        b0 = b2 = (1 - c) / 2;
        b1 = 1 - c;
        break;
    case TB_BIQUAD_HIGH:
        b0 = b2 = (1 + c) / 2;
        b1 = -1 - c;
        break;
    case TB_BIQUAD_BAND:
        b0 = al;
        b2 = -al;
        break;
    case TB_BIQUAD_PEAK:
        b0 = 1 + al * A;
        b1 = -2 * c;
        b2 = 1 - al * A;
        a0 = 1 + al / A;
        a2 = 1 - al / A;
        break;
    case TB_BIQUAD_LOW_SHELF:
    case TB_BIQUAD_HIGH_SHELF: {
        double s = 2 * sqrt(A) * al, m = kind == TB_BIQUAD_LOW_SHELF ? 1 : -1;
        b0 = A * (A + 1 - m * (A - 1) * c + s);
        b1 = m * 2 * A * (A - 1 - m * (A + 1) * c);
        b2 = A * (A + 1 - m * (A - 1) * c - s);
        a0 = A + 1 + m * (A - 1) * c + s;
        a1 = -m * 2 * (A - 1 + m * (A + 1) * c);
        a2 = A + 1 + m * (A - 1) * c - s;
        break;
    }
    }
    f->b0 = b0 / a0;
    f->b1 = b1 / a0;
    f->b2 = b2 / a0;
    f->a1 = a1 / a0;
    f->a2 = a2 / a0;
}

/* BS.1770 gives coefficients for 48 kHz only; these analogue prototypes reproduce them there. */
void tb_biquad_k_weight(tb_biquad f[2], double rate_hz)
{
    double q = 0.7071752369554196, k = tan(M_PI * 1681.974450955533 / rate_hz);
    double vh = pow(10, 3.999843853973347 / 20), vb = pow(vh, 0.4996667741545416);
    double a0 = 1 + k / q + k * k;
    f[0] = (tb_biquad){.b0 = (vh + vb * k / q + k * k) / a0,
                       .b1 = 2 * (k * k - vh) / a0,
                       .b2 = (vh - vb * k / q + k * k) / a0,
                       .a1 = 2 * (k * k - 1) / a0,
                       .a2 = (1 - k / q + k * k) / a0};
    q = 0.5003270373238773;
    k = tan(M_PI * 38.13547087602444 / rate_hz);
    a0 = 1 + k / q + k * k;
    f[1] = (tb_biquad){
        .b0 = 1, .b1 = -2, .b2 = 1, .a1 = 2 * (k * k - 1) / a0, .a2 = (1 - k / q + k * k) / a0};
}

void tb_biquad_run(tb_biquad *f, float *x, size_t len)
{
    for (size_t i = 0; i < len; i++)
        x[i] = (float)tb_biquad_step(f, (double)x[i]);
}
