#include "dsp/fft.h"

#include "base/mem.h"

#include <kissfft/kiss_fftr.h>

struct tb_fft {
    kiss_fftr_cfg forward, inverse;
};

tb_status tb_fft_new(size_t n, tb_fft **out, tb_err *err)
{
    tb_fft *fft = tb_alloc(sizeof *fft);

    fft->forward = kiss_fftr_alloc((int)n, 0, NULL, NULL);
    fft->inverse = kiss_fftr_alloc((int)n, 1, NULL, NULL);
    if (!fft->forward || !fft->inverse) {
        tb_fft_free(fft);
        return tb_nomem(err, n, 2 * sizeof(float));
    }
    *out = fft;
    return TB_OK;
}

void tb_fft_free(tb_fft *fft)
{
    if (!fft) return;
    if (fft->forward) kiss_fftr_free(fft->forward);
    if (fft->inverse) kiss_fftr_free(fft->inverse);
    tb_free(fft);
}

/* kiss_fft_cpx is two floats, real part first, which is what our spectra are. */
void tb_fft_forward(tb_fft *fft, const float *x, float *spectrum)
{
    kiss_fftr(fft->forward, x, (kiss_fft_cpx *)(void *)spectrum);
}

void tb_fft_inverse(tb_fft *fft, const float *spectrum, float *x)
{
    kiss_fftri(fft->inverse, (const kiss_fft_cpx *)(const void *)spectrum, x);
}
