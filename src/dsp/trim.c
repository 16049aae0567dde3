#include "dsp/trim.h"

#include <math.h>

size_t tb_trim_frames(size_t len)
{
    return 1 + len / TB_TRIM_HOP;
}

void tb_trim_powers(const float *x, size_t len, float *power)
{
    const size_t half = TB_TRIM_FRAME / 2;
    for (size_t t = 0; t < tb_trim_frames(len); t++) {
        size_t mid = t * TB_TRIM_HOP;
        size_t a = mid > half ? mid - half : 0, b = mid + half < len ? mid + half : len;
        double sum = 0;
        for (size_t i = a; i < b; i++)
            sum += (double)x[i] * (double)x[i];
        power[t] = (float)(sum / TB_TRIM_FRAME);
    }
}

static double decibels(float power)
{
    return 10 * log10(fmax((double)power, 1e-10));
}

void tb_trim_bounds(const float *power, size_t len, double below_db, size_t *start, size_t *end)
{
    const size_t frames = tb_trim_frames(len);
    float loudest = 0;
    for (size_t t = 0; t < frames; t++)
        loudest = fmaxf(loudest, power[t]);

    /* The loudest frame itself ends both searches. */
    const double least = decibels(loudest) - below_db;
    size_t first = 0, last = frames - 1;
    while (first < last && decibels(power[first]) <= least)
        first++;
    while (last > first && decibels(power[last]) <= least)
        last--;
    *start = first * TB_TRIM_HOP;
    *end = (last + 1) * TB_TRIM_HOP < len ? (last + 1) * TB_TRIM_HOP : len;
}
