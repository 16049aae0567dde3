#include "dsp/loudness.h"

#include <assert.h>
#include <ebur128.h>
#include <math.h>

static tb_status run_meter(const float *x, size_t len, int rate_hz, int mode, ebur128_state **out,
                           tb_err *err)
{
    assert(rate_hz >= 8000 && rate_hz <= 192000);
    ebur128_state *st = ebur128_init(1, (unsigned long)rate_hz, mode);
    if (!st) return tb_fail(err, TB_ENOMEM, "not enough memory for a loudness meter");
    if (ebur128_add_frames_float(st, x, len) != EBUR128_SUCCESS) {
        ebur128_destroy(&st);
        return tb_fail(err, TB_EINTERNAL, "the loudness meter failed");
    }
    *out = st;
    return TB_OK;
}

tb_status tb_loudness_integrated(const float *x, size_t len, int rate_hz, double *lufs, tb_err *err)
{
    /* One 400 ms gating block is the least that the standard can speak of. */
    if (len < (size_t)rate_hz * 4 / 10) {
        *lufs = (double)-INFINITY;
        return TB_OK;
    }
    ebur128_state *st = NULL;
    tb_status s = run_meter(x, len, rate_hz, EBUR128_MODE_I, &st, err);
    if (s != TB_OK) return s;
    double l = 0;
    int rc = ebur128_loudness_global(st, &l);
    ebur128_destroy(&st);
    if (rc != EBUR128_SUCCESS) return tb_fail(err, TB_EINTERNAL, "the loudness meter failed");
    *lufs = l;
    return TB_OK;
}

tb_status tb_loudness_true_peak(const float *x, size_t len, int rate_hz, double *dbtp, tb_err *err)
{
    ebur128_state *st = NULL;
    tb_status s = run_meter(x, len, rate_hz, EBUR128_MODE_TRUE_PEAK, &st, err);
    if (s != TB_OK) return s;
    double peak = 0;
    int rc = ebur128_true_peak(st, 0, &peak);
    ebur128_destroy(&st);
    if (rc != EBUR128_SUCCESS) return tb_fail(err, TB_EINTERNAL, "the peak meter failed");
    *dbtp = peak > 0 ? 20 * log10(peak) : (double)-INFINITY;
    return TB_OK;
}

double tb_loudness_active_rms(const float *x, size_t len, int rate_hz)
{
    size_t block = (size_t)rate_hz / 50;
    double loudest = 0;
    for (int pass = 0;; pass++) {
        double sum = 0;
        size_t count = 0;
        for (size_t a = 0; a < len; a += block) {
            size_t n = len - a < block ? len - a : block;
            double e = 0;
            for (size_t i = 0; i < n; i++)
                e += (double)x[a + i] * (double)x[a + i];
            if (pass == 0) {
                loudest = fmax(loudest, e / (double)n);
            } else if (e / (double)n >= loudest * 1e-4) {
                sum += e;
                count += n;
            }
        }
        if (loudest <= 0) return (double)-INFINITY;
        if (pass == 1) return 10 * log10(sum / (double)count);
    }
}

tb_status tb_loudness_speech(const float *x, size_t len, int rate_hz, double *lufs, tb_err *err)
{
    double l = 0;
    tb_status s = tb_loudness_integrated(x, len, rate_hz, &l, err);
    if (s != TB_OK) return s;
    *lufs = isfinite(l) ? l : tb_loudness_active_rms(x, len, rate_hz);
    return TB_OK;
}
