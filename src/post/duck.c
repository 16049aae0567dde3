#include "post/duck_priv.h"

#include <math.h>

void tb_duck_init(tb_duck *d, int rate_hz, double depth_db, double speech_lufs)
{
    *d = (tb_duck){.depth_db = depth_db, .hop = rate_hz / 1000};
    d->threshold = pow(10, (speech_lufs - 20) / 10);
    d->down = 1 - exp(-1 / (0.060 * rate_hz));
    d->up = 1 - exp(-1 / (0.600 * rate_hz));
    d->hold_max = rate_hz * 3 / 10;
    tb_biquad_set(&d->high, TB_BIQUAD_HIGH, rate_hz, 100, 0.7071, 0);
}

double tb_duck_step(tb_duck *d, double x)
{
    if (d->depth_db <= 0) return 1;
    double y = tb_biquad_step(&d->high, x);
    /* Silence would let the filter's memory sink into slow denormal numbers. */
    if (fabs(d->high.z1) < 1e-30) d->high.z1 = 0;
    if (fabs(d->high.z2) < 1e-30) d->high.z2 = 0;
    d->sum += y * y;
    if (++d->in_hop == d->hop) {
        d->ms[d->at] = d->sum;
        d->at = (d->at + 1) % TB_DUCK_MS;
        d->sum = 0;
        d->in_hop = 0;
        double all = 0;
        for (int i = 0; i < TB_DUCK_MS; i++)
            all += d->ms[i];
        if (all / (d->hop * (double)TB_DUCK_MS) > d->threshold) d->hold = d->hold_max;
    }
    double target = d->hold > 0 ? -d->depth_db : 0;
    if (d->hold > 0) d->hold--;
    d->gain_db += (target - d->gain_db) * (target < d->gain_db ? d->down : d->up);
    return pow(10, d->gain_db / 20);
}
