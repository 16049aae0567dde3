#include "dsp/stft_priv.h"

#include "base/mem.h"
#include "dsp/fft.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct tb_stft {
    size_t n, hop, pad;
    tb_fft *fft;
    float *window;   /* (n) */
    float *frame;    /* (n) */
    float *spectrum; /* (n / 2 + 1, 2) */
};

tb_status tb_stft_new(size_t n, size_t hop, size_t pad, const float *window, tb_stft **out,
                      tb_err *err)
{
    tb_stft *stft = tb_alloc(sizeof *stft);
    tb_status st = tb_fft_new(n, &stft->fft, err);
    if (st) goto out;

    stft->n = n;
    stft->hop = hop;
    stft->pad = pad;
    stft->window = tb_alloc(n * sizeof(float));
    stft->frame = tb_alloc(n * sizeof(float));
    stft->spectrum = tb_alloc((n + 2) * sizeof(float));
    for (size_t i = 0; i < n; i++)
        stft->window[i] =
            window ? window[i] : (float)(0.5 - 0.5 * cos(2 * M_PI * (double)i / (double)n));
    *out = stft;
    stft = NULL; /* the caller's now */

out:
    tb_stft_free(stft);
    return st;
}

void tb_stft_free(tb_stft *stft)
{
    if (!stft) return;
    tb_fft_free(stft->fft);
    tb_free(stft->window);
    tb_free(stft->frame);
    tb_free(stft->spectrum);
    tb_free(stft);
}

size_t tb_stft_frames(const tb_stft *stft, size_t len)
{
    if (len <= stft->pad || len + 2 * stft->pad < stft->n) return 0;
    return (len + 2 * stft->pad - stft->n) / stft->hop + 1;
}

void tb_stft_power(tb_stft *stft, const float *x, size_t len, size_t t, float *power)
{
    const size_t n = stft->n, pad = stft->pad, first = t * stft->hop; /* in the padded sound */
    assert(t < tb_stft_frames(stft, len));

    for (size_t i = 0; i < n; i++) {
        size_t at = first + i;
        float v = at < pad         ? x[pad - at]
                  : at < pad + len ? x[at - pad]
                                   : x[2 * (len - 1) - (at - pad)];
        stft->frame[i] = v * stft->window[i];
    }
    tb_fft_forward(stft->fft, stft->frame, stft->spectrum);
    for (size_t k = 0; k <= n / 2; k++) {
        float re = stft->spectrum[2 * k], im = stft->spectrum[2 * k + 1];
        power[k] = re * re + im * im;
    }
}
