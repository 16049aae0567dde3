#include "audio/pcm.h"
#include "base/mem.h"

#include <math.h>
#include <soxr.h>
#include <string.h>

enum { LEAST_HZ = 1000, MOST_HZ = 384000 };

/* How many samples come out of how many: soxr's own count, or the next whole number. */
typedef double (*rounding_mode)(double);

/* In blocks: soxr buffers its input without checking that the allocation succeeded. */
enum { BLOCK = 8192, LIBRARY_BYTES = 8 << 20 };

static tb_status convert(const tb_pcm *in, int out_rate_hz, tb_pcm *out, tb_err *err)
{
    soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
    soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
    soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
    soxr_error_t why = NULL;
    size_t taken = 0, resampled = 0, used = 0, got = 0;
    tb_status st = tb_mem_want(LIBRARY_BYTES, err);
    if (st) return st;
    soxr_t s = soxr_create(in->rate_hz, out_rate_hz, 1, &why, &io, &quality, &runtime);
    while (!why && taken < in->len) {
        size_t n = in->len - taken < BLOCK ? in->len - taken : BLOCK;
        why = soxr_process(s, in->data + taken, n, &used, out->data + resampled,
                           out->len - resampled, &got);
        taken += used;
        resampled += got;
        if (used == 0 && got == 0) break; /* out is full: the remainder is the rounding */
    }
    got = 1;
    while (!why && resampled < out->len && got > 0) { /* the end of it */
        why = soxr_process(s, NULL, 0, NULL, out->data + resampled, out->len - resampled, &got);
        resampled += got;
    }
    soxr_delete(s);
    return why ? tb_fail(err, TB_ENOMEM, "resampling failed: %s", soxr_strerror(why)) : TB_OK;
}

static tb_status resample(const tb_pcm *in, int out_rate_hz, rounding_mode round_length,
                          tb_pcm *out, tb_err *err)
{
    tb_pcm resampled = {0};
    if (in->rate_hz < LEAST_HZ || in->rate_hz > MOST_HZ || out_rate_hz < LEAST_HZ ||
        out_rate_hz > MOST_HZ)
        return tb_fail(err, TB_EINVAL, "cannot resample from %d to %d Hz; allowed: %d to %d",
                       in->rate_hz, out_rate_hz, LEAST_HZ, MOST_HZ);
    double ratio = (double)out_rate_hz / in->rate_hz;
    tb_status st =
        tb_pcm_init(&resampled, (size_t)round_length((double)in->len * ratio), out_rate_hz, err);
    if (st) return st;
    if (in->rate_hz == out_rate_hz) {
        if (in->len) memcpy(resampled.data, in->data, in->len * sizeof(float));
    } else if (resampled.len > 0) {
        st = convert(in, out_rate_hz, &resampled, err);
        if (st) {
            tb_pcm_clear(&resampled);
            return st;
        }
    }
    *out = resampled;
    return TB_OK;
}

tb_status tb_resample(const tb_pcm *in, int out_rate_hz, tb_pcm *out, tb_err *err)
{
    return resample(in, out_rate_hz, round, out, err);
}

tb_status tb_resample_ceil(const tb_pcm *in, int out_rate_hz, tb_pcm *out, tb_err *err)
{
    return resample(in, out_rate_hz, ceil, out, err);
}
