#include "audio/wav.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any bytes are a sound of finite samples, no longer than asked, or an error with a sentence. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tb_pcm pcm = {0};
    tb_err err = {0};
    tb_status st = tb_wav_read(data, size, 2.0, &pcm, &err);
    if (st && (pcm.data || !err.msg[0] || err.status != st)) abort();
    if (!st && (pcm.rate_hz < 4000 || pcm.rate_hz > 192000 || tb_pcm_seconds(&pcm) > 2.0)) abort();
    for (size_t i = 0; i < pcm.len; i++)
        if (!isfinite(pcm.data[i])) abort();
    tb_pcm_clear(&pcm);
    return 0;
}
