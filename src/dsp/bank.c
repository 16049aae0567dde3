#include "dsp/bank.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

static void make(tb_bank *bank, size_t bands, size_t bins)
{
    *bank = (tb_bank){.bands = bands,
                      .bins = bins,
                      .w = tb_alloc(bands * bins * sizeof(float)),
                      .first = tb_alloc(bands * sizeof(size_t)),
                      .end = tb_alloc(bands * sizeof(size_t))};
}

static void find_bounds(tb_bank *bank)
{
    for (size_t m = 0; m < bank->bands; m++) {
        const float *w = bank->w + m * bank->bins;
        size_t first = 0, end = bank->bins;
        while (first < end && w[first] == 0)
            first++;
        while (end > first && w[end - 1] == 0)
            end--;
        bank->first[m] = first;
        bank->end[m] = end;
    }
}

static double slaney_mel(double hz)
{
    return hz < 1000 ? hz * 3 / 200 : 15 + 27 * log(hz / 1000) / log(6.4);
}

static double slaney_hz(double mel)
{
    return mel < 15 ? mel * 200 / 3 : 1000 * exp(log(6.4) / 27 * (mel - 15));
}

void tb_bank_slaney(tb_bank *bank, size_t bands, size_t n_fft, double rate_hz, double top_hz)
{
    const double step = slaney_mel(top_hz) / (double)(bands + 1);
    make(bank, bands, n_fft / 2 + 1);
    for (size_t m = 0; m < bands; m++) {
        double lo = slaney_hz(step * (double)m), mid = slaney_hz(step * (double)(m + 1)),
               hi = slaney_hz(step * (double)(m + 2));
        for (size_t k = 0; k < bank->bins; k++) {
            double f = (double)k * rate_hz / (double)n_fft;
            double height = fmax(0, fmin((f - lo) / (mid - lo), (hi - f) / (hi - mid)));
            bank->w[m * bank->bins + k] = (float)(height * 2 / (hi - lo));
        }
    }
    find_bounds(bank);
}

static double kaldi_mel(double hz)
{
    return 1127 * log(1 + hz / 700);
}

void tb_bank_kaldi(tb_bank *bank, size_t bands, size_t n_fft, double rate_hz, double low_hz,
                   double top_hz)
{
    const double lo = kaldi_mel(low_hz), d = (kaldi_mel(top_hz) - lo) / (double)(bands + 1);
    make(bank, bands, n_fft / 2 + 1);
    for (size_t m = 0; m < bands; m++) {
        for (size_t k = 0; k < n_fft / 2; k++) {
            /* in steps from the band's lower foot: its top is at 1, its upper foot at 2 */
            double at = (kaldi_mel((double)k * rate_hz / (double)n_fft) - lo) / d - (double)m;
            bank->w[m * bank->bins + k] = (float)fmax(0, fmin(at, 2 - at));
        }
    }
    find_bounds(bank);
}

void tb_bank_copy(tb_bank *bank, size_t bands, size_t bins, const float *w)
{
    make(bank, bands, bins);
    memcpy(bank->w, w, bands * bins * sizeof(float));
    find_bounds(bank);
}

void tb_bank_clear(tb_bank *bank)
{
    if (!bank) return;
    tb_free(bank->w);
    tb_free(bank->first);
    tb_free(bank->end);
    *bank = (tb_bank){0};
}

void tb_bank_apply(const tb_bank *bank, const float *spectrum, float *out)
{
    for (size_t m = 0; m < bank->bands; m++) {
        const float *w = bank->w + m * bank->bins;
        double sum = 0;
        for (size_t k = bank->first[m]; k < bank->end[m]; k++)
            sum += (double)w[k] * (double)spectrum[k];
        out[m] = (float)sum;
    }
}
