#include "embedded/level_priv.h"

#include <math.h>
#include <string.h>

enum { KEEP_BLOCKS = 2, FADE_MS = 5 };

static const double speech_dbfs = -23, peak_dbfs = -1;

static size_t block_len(const tb_pcm *pcm)
{
    return pcm->rate_hz >= 100 ? (size_t)pcm->rate_hz / 100 : 1;
}

static double energy(const tb_pcm *pcm, size_t block)
{
    size_t n = block_len(pcm), from = block * n, to = from + n < pcm->len ? from + n : pcm->len;
    double sum = 0;
    for (size_t i = from; i < to; i++)
        sum += (double)pcm->data[i] * (double)pcm->data[i];
    return sum / (double)n;
}

static size_t blocks(const tb_pcm *pcm)
{
    return (pcm->len + block_len(pcm) - 1) / block_len(pcm);
}

static double loudest(const tb_pcm *pcm)
{
    double most = 0;
    for (size_t b = 0; b < blocks(pcm); b++)
        if (energy(pcm, b) > most) most = energy(pcm, b);
    return most;
}

void tb_level_trim(tb_pcm *pcm)
{
    double floor = loudest(pcm) * pow(10, -4.5);
    size_t n = blocks(pcm), first = 0, last = n;
    if (floor <= 0) {
        pcm->len = 0;
        return;
    }
    while (first < n && energy(pcm, first) < floor)
        first++;
    while (last > first && energy(pcm, last - 1) < floor)
        last--;
    first = first > KEEP_BLOCKS ? first - KEEP_BLOCKS : 0;
    last = last + KEEP_BLOCKS < n ? last + KEEP_BLOCKS : n;
    size_t from = first * block_len(pcm), to = last * block_len(pcm);
    if (to > pcm->len) to = pcm->len;
    memmove(pcm->data, pcm->data + from, (to - from) * sizeof(float));
    pcm->len = to - from;
}

double tb_level_active_rms(const tb_pcm *pcm)
{
    double floor = loudest(pcm) * 1e-3, sum = 0;
    size_t n = 0;
    for (size_t b = 0; floor > 0 && b < blocks(pcm); b++) {
        double e = energy(pcm, b);
        if (e < floor) continue;
        sum += e;
        n++;
    }
    return n ? sqrt(sum / (double)n) : 0;
}

void tb_level_finish(tb_pcm *pcm, double extra_db)
{
    tb_pcm_fade(pcm->data, pcm->len, (size_t)pcm->rate_hz * FADE_MS / 1000);
    double rms = tb_level_active_rms(pcm);
    if (rms <= 0) return;
    double gain = pow(10, (speech_dbfs + extra_db) / 20) / rms;
    double peak = (double)tb_pcm_peak(pcm->data, pcm->len) * gain, most = pow(10, peak_dbfs / 20);
    /* slightly below, so that rounding to float cannot exceed it */
    if (peak > most) gain *= most / peak * (1 - 1e-6);
    for (size_t i = 0; i < pcm->len; i++)
        pcm->data[i] = (float)((double)pcm->data[i] * gain);
}
