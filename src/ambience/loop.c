#include "ambience/bed_priv.h"

#include "audio/wav.h"
#include "base/file.h"
#include "base/mem.h"
#include "dsp/loudness.h"

#include <sys/stat.h>

/* A file of the user's made endless. */

enum { LOOP_BYTES_MAX = 64 << 20, LOOP_SECONDS_MAX = 600 };

static const double fade_s = 0.8;

/* Fades the end into the start with equal power and cuts it off: x[0..*len) then repeats without a
 * seam. */
static void close_loop(float *x, size_t *len, int rate_hz)
{
    size_t fade = (size_t)(fade_s * rate_hz);
    if (fade > *len / 4) fade = *len / 4;
    size_t period = *len - fade;
    double ab = 0, aa = 1e-20, bb = 1e-20;
    for (size_t i = 0; i < fade; i++) {
        double a = (double)x[period + i], b = (double)x[i];
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    /* Ends that are alike would add up: the gain keeps the power constant for them too. */
    double rho = fmax(-0.5, fmin(1, ab / sqrt(aa * bb)));
    for (size_t i = 0; i < fade; i++) {
        double th = M_PI / 2 * (double)i / (double)fade, out = cos(th), in = sin(th);
        double g = 1 / sqrt(1 + 2 * rho * out * in);
        x[i] = (float)(g * ((double)x[period + i] * out + (double)x[i] * in));
    }
    *len = period;
}

static tb_status level_and_limit(float *x, size_t len, int rate_hz, tb_err *err)
{
    tb_biquad high = {0};
    tb_biquad_set(&high, TB_BIQUAD_HIGH, rate_hz, 25, 0.7071, 0);
    tb_biquad_run(&high, x, len);
    double lufs = 0;
    tb_status st = tb_loudness_integrated(x, len, rate_hz, &lufs, err);
    if (st != TB_OK) return st;
    if (!isfinite(lufs) || lufs < -70) return tb_fail(err, TB_EINVAL, "it is silent");
    double gain = pow(10, (TB_BED_REFERENCE_LUFS - lufs) / 20);
    for (size_t i = 0; i < len; i++)
        x[i] = (float)tb_soft_limit((double)x[i] * gain);
    return TB_OK;
}

tb_status tb_loop_load(const char *path, int rate_hz, tb_loop **out, tb_err *err)
{
    char *data = NULL;
    size_t size = 0;
    tb_pcm raw = {0}, pcm = {0};
    struct stat info;
    if (lstat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return tb_fail(err, TB_ENOTFOUND, "it is gone or not a regular file");
    tb_status st = tb_file_read_plain(path, LOOP_BYTES_MAX, &data, &size, err);
    if (st != TB_OK) goto out;
    st = tb_wav_read(data, size, LOOP_SECONDS_MAX, &raw, err);
    if (st != TB_OK) goto out;
    if (tb_pcm_seconds(&raw) < 1) {
        st = tb_fail(err, TB_EINVAL, "it is %.2f s long; at least 1 s is needed",
                     tb_pcm_seconds(&raw));
        goto out;
    }
    if (raw.rate_hz == rate_hz) {
        pcm = raw;
        raw = (tb_pcm){0};
    } else {
        st = tb_resample(&raw, rate_hz, &pcm, err);
        if (st != TB_OK) goto out;
    }
    for (size_t i = 0; i < pcm.len; i++) {
        if (!isfinite(pcm.data[i])) {
            st = tb_fail(err, TB_EINVAL, "it holds samples that are not numbers");
            goto out;
        }
    }
    st = level_and_limit(pcm.data, pcm.len, rate_hz, err);
    if (st != TB_OK) goto out;
    close_loop(pcm.data, &pcm.len, rate_hz);
    tb_loop *loop = tb_alloc(sizeof *loop);
    *loop = (tb_loop){.x = pcm.data,
                      .len = pcm.len,
                      .rate_hz = rate_hz,
                      .changed_s = (int64_t)info.st_mtime,
                      .size = (int64_t)info.st_size};
    pcm = (tb_pcm){0};
    *out = loop;
out:
    tb_free(data);
    tb_pcm_clear(&raw);
    tb_pcm_clear(&pcm);
    return st;
}

void tb_loop_free(tb_loop *loop)
{
    if (!loop) return;
    tb_free(loop->x);
    tb_free(loop);
}
