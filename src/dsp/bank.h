#ifndef TB_DSP_BANK_H
#define TB_DSP_BANK_H

#include <stddef.h>

/*
 * A filterbank: every band is a weighted sum of the bins of a spectrum. The weights are nearly all
 * zero; a band knows where its own begin and end. {0} is empty. Immutable once made.
 */
typedef struct {
    size_t bands, bins;
    float *w;            /* (bands, bins) */
    size_t *first, *end; /* (bands): w is zero outside first .. end - 1 */
} tb_bank;

/* Triangles of equal area on Slaney's mel scale (linear to 1 kHz, logarithmic above), from 0 Hz to
 * top_hz, for bins k * rate_hz / n_fft. Computed in double. */
void tb_bank_slaney(tb_bank *bank, size_t bands, size_t n_fft, double rate_hz, double top_hz);

/* Triangles of height 1 on Kaldi's mel scale, 1127 ln(1 + f / 700), linear in mel; the bin at half
 * the rate counts nowhere. */
void tb_bank_kaldi(tb_bank *bank, size_t bands, size_t n_fft, double rate_hz, double low_hz,
                   double top_hz);

/* Weights from elsewhere, (bands, bins), copied. */
void tb_bank_copy(tb_bank *bank, size_t bands, size_t bins, const float *w);
void tb_bank_clear(tb_bank *bank);

/*   spectrum  (bins)
 *   out       (bands)  sums in double, rounded once */
void tb_bank_apply(const tb_bank *bank, const float *spectrum, float *out);

#endif
