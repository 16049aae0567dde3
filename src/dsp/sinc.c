#include "dsp/sinc.h"

#include <math.h>

enum { BEFORE = 10 }; /* taps before the sample that a kernel is centred on */

size_t tb_sinc_len(size_t len)
{
    return len - len / 3; /* 2 len / 3 rounded up, and 2 len might not fit */
}

void tb_sinc_kernel(float kernel[2][TB_SINC_TAPS])
{
    const double cut = 0.99, crossings = 6;
    for (int j = 0; j < 2; j++) {
        for (int i = 0; i < TB_SINC_TAPS; i++) {
            double t = ((i - BEFORE) / 3.0 - j / 2.0) * 2 * cut; /* in zero crossings */
            t = fmax(-crossings, fmin(t, crossings));
            double sinc = t == 0 ? 1 : sin(M_PI * t) / (M_PI * t);
            double hann = cos(M_PI * t / crossings / 2);
            kernel[j][i] = (float)(sinc * hann * hann * cut * 2 / 3);
        }
    }
}

void tb_sinc_two_thirds(const float *x, size_t len, float *y)
{
    float kernel[2][TB_SINC_TAPS];
    tb_sinc_kernel(kernel);
    for (size_t n = 0; n < tb_sinc_len(len); n++) {
        const float *k = kernel[n % 2];
        size_t at = n / 2 * 3; /* x[at - BEFORE] meets the first tap */
        double sum = 0;
        for (size_t i = at < BEFORE ? BEFORE - at : 0; i < TB_SINC_TAPS && at + i < len + BEFORE;
             i++)
            sum += (double)k[i] * (double)x[at + i - BEFORE];
        y[n] = (float)sum;
    }
}
