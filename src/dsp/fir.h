#ifndef TB_DSP_FIR_H
#define TB_DSP_FIR_H

#include "base/cancel.h"
#include "base/err.h"

#include <stddef.h>

/*
 * Band-pass by a Hamming-windowed sinc, applied without delay; x is zero outside 0..len-1. A
 * symmetric filter of 2 * (taps / 2) + 1 values. y (len) may not be x.
 */
typedef struct {
    double low_hz, high_hz, rate_hz;
    int taps;
} tb_fir_spec;

TB_MUST_CHECK tb_status tb_fir_band(const float *x, size_t len, const tb_fir_spec *spec,
                                    const tb_cancel *cancel, float *y, tb_err *err);

#endif
