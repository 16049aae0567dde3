#include "audio/pcm.h"

#include "base/mem.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

tb_status tb_pcm_init(tb_pcm *pcm, size_t len, int rate_hz, tb_err *err)
{
    *pcm = (tb_pcm){.data = tb_try_alloc(len, sizeof(float)), .len = len, .rate_hz = rate_hz};
    if (pcm->data) return TB_OK;
    *pcm = (tb_pcm){0};
    return tb_nomem(err, len, sizeof(float));
}

void tb_pcm_clear(tb_pcm *pcm)
{
    if (!pcm) return;
    tb_free(pcm->data);
    *pcm = (tb_pcm){0};
}

tb_status tb_pcm_append(tb_pcm *pcm, const float *data, size_t len, tb_err *err)
{
    if (len == 0) return TB_OK;
    if (len > SIZE_MAX / sizeof(float) - pcm->len) return tb_nomem(err, len, sizeof(float));
    float *grown = tb_try_realloc(pcm->data, pcm->len + len, sizeof(float));
    if (!grown) return tb_nomem(err, pcm->len + len, sizeof(float));
    memcpy(grown + pcm->len, data, len * sizeof(float));
    pcm->data = grown;
    pcm->len += len;
    return TB_OK;
}

double tb_pcm_seconds(const tb_pcm *pcm)
{
    return pcm->rate_hz > 0 ? (double)pcm->len / pcm->rate_hz : 0;
}

float tb_pcm_peak(const float *x, size_t len)
{
    float peak = 0;
    for (size_t i = 0; i < len; i++)
        if (fabsf(x[i]) > peak) peak = fabsf(x[i]);
    return peak;
}

void tb_pcm_mix_stereo(const float *left, const float *right, size_t len, float *out)
{
    double l = 0, r = 0, mean = 0, difference = 0; /* powers */
    for (size_t i = 0; i < len; i++) {
        const double a = (double)left[i], b = (double)right[i];
        l += a * a;
        r += b * b;
        mean += (a + b) * (a + b) / 4;
        difference += (a - b) * (a - b) / 4;
    }
    float from_left = 0.5F, from_right = 0.5F;
    if (l < r * 1e-3)
        from_left = 0, from_right = 1;
    else if (r < l * 1e-3)
        from_left = 1, from_right = 0;
    else if (mean < difference * 1e-2)
        from_right = -0.5F;
    for (size_t i = 0; i < len; i++)
        out[i] = from_left * left[i] + from_right * right[i];
}

void tb_pcm_fade(float *x, size_t len, size_t samples)
{
    if (samples > len / 2) samples = len / 2;
    for (size_t i = 0; i < samples; i++) {
        float g = 0.5F - 0.5F * cosf(3.14159265F * (float)i / (float)samples);
        x[i] *= g;
        x[len - 1 - i] *= g;
    }
}
