#include "dsp/lufs.h"

#include "base/mem.h"
#include "dsp/biquad.h"

#include <math.h>
#include <stdbool.h>

static const double BLOCK_S = 0.4, STEP = 0.25, ABSOLUTE_GATE = -70, RELATIVE_GATE = -10;

size_t tb_lufs_blocks(size_t len, int rate_hz)
{
    double seconds = (double)len / rate_hz;
    return seconds < BLOCK_S ? 0 : (size_t)rint((seconds - BLOCK_S) / (BLOCK_S * STEP)) + 1;
}

void tb_lufs_weight(const float *x, size_t len, int rate_hz, float *y)
{
    tb_biquad shelf = {0}, high = {0};
    tb_biquad_set(&shelf, TB_BIQUAD_HIGH_SHELF, rate_hz, 1500, M_SQRT1_2, 4);
    tb_biquad_set(&high, TB_BIQUAD_HIGH, rate_hz, 38, 0.5, 0);
    for (size_t i = 0; i < len; i++) {
        float s = (float)tb_biquad_step(&shelf, (double)x[i]); /* rounded between the stages */
        y[i] = (float)tb_biquad_step(&high, (double)s);
    }
}

static double loudness(double power)
{
    return -0.691 + 10 * log10(power);
}

/* Loudness of the mean power of the blocks above the gate (a block at the absolute gate is let
 * through the first time); -INFINITY when there are none. */
static double gated(const double *power, size_t n, double gate, bool at_gate)
{
    double sum = 0;
    size_t count = 0;
    for (size_t j = 0; j < n; j++) {
        double l = loudness(power[j]);
        if (!(l > gate || (at_gate && l == gate))) continue;
        sum += power[j];
        count++;
    }
    return count ? loudness(sum / (double)count) : (double)-INFINITY;
}

tb_status tb_lufs_measure(const float *x, size_t len, int rate_hz, double *lufs, double *blocks,
                          tb_err *err)
{
    const size_t n = tb_lufs_blocks(len, rate_hz);
    float *y = tb_try_alloc(len, sizeof *y);
    double *power = tb_try_alloc(n, sizeof *power);
    tb_status st = TB_OK;
    if (!y || !power) {
        st = tb_nomem(err, len, sizeof *y);
        goto out;
    }

    tb_lufs_weight(x, len, rate_hz, y);
    for (size_t j = 0; j < n; j++) {
        double at = (double)j * STEP;
        size_t a = (size_t)(BLOCK_S * at * rate_hz), b = (size_t)(BLOCK_S * (at + 1) * rate_hz);
        double sum = 0;
        for (size_t i = a; i < b && i < len; i++)
            sum += (double)y[i] * (double)y[i];
        power[j] = sum / (BLOCK_S * rate_hz);
        if (blocks) blocks[j] = loudness(power[j]);
    }
    double first = gated(power, n, ABSOLUTE_GATE, true);
    *lufs = gated(power, n, fmax(first + RELATIVE_GATE, ABSOLUTE_GATE), false);

out:
    tb_free(power);
    tb_free(y);
    return st;
}
