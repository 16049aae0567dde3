#include "dsp/fir.h"

#include "base/mem.h"

#include <math.h>

#define PI 3.14159265358979323846

enum { CANCEL_EVERY = 8192 /* samples; about 1 ms at 121 taps */ };

tb_status tb_fir_band(const float *x, size_t len, const tb_fir_spec *spec, const tb_cancel *cancel,
                      float *y, tb_err *err)
{
    const double low_hz = spec->low_hz, high_hz = spec->high_hz, rate_hz = spec->rate_hz;
    const size_t m = (size_t)spec->taps / 2;
    float *h = tb_alloc((m + 1) * sizeof *h); /* h[k] = h[-k] */

    h[0] = (float)(2 * (high_hz - low_hz) / rate_hz);
    for (size_t k = 1; k <= m; k++) {
        double w = 0.54 + 0.46 * cos(PI * (double)k / (double)(m + 1));
        double a = 2 * PI * (double)k / rate_hz;
        h[k] = (float)(w * (sin(a * high_hz) - sin(a * low_hz)) / (PI * (double)k));
    }

    tb_status st = TB_OK;
    for (size_t i = 0; i < len; i++) {
        double sum = (double)h[0] * (double)x[i];
        if (i >= m && i + m < len) {
            for (size_t k = 1; k <= m; k++)
                sum += (double)h[k] * (double)(x[i - k] + x[i + k]);
        } else {
            for (size_t k = 1; k <= m; k++) {
                if (k <= i) sum += (double)h[k] * (double)x[i - k];
                if (i + k < len) sum += (double)h[k] * (double)x[i + k];
            }
        }
        y[i] = (float)sum;
        if (i % CANCEL_EVERY == 0 && tb_cancelled(cancel)) {
            st = tb_fail_cancelled(err);
            break;
        }
    }
    tb_free(h);
    return st;
}
