/*
 * Voice statistics: what is kept of a recording or of a base, and its form as bytes.
 *
 * Frames within 30 dB of the loudest are collected from one or more recordings; mean and covariance
 * of their cepstra are computed for voiced and unvoiced frames, and quantiles of ln F0. The packed
 * form carries a hash of what was measured and of the numbers, so stale or damaged files are
 * measured again. docs/embedded.md, "Voice statistics". Relies on cepstrum.c and base/hash.h.
 */
#include "base/hash.h"
#include "base/mem.h"
#include "embedded/cepstrum_priv.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { DIM = TB_CEPSTRUM_DIM, CLASS_MIN = 30 /* frames */, CANCEL_EVERY = 64 };

typedef struct {
    float c[DIM]; /* c0 not yet relative to the level */
    float energy; /* natural log */
    float f0;
} active_frame;

struct tb_voice_stats_sum {
    tb_cepstrum cepstrum;
    active_frame *frames;
    size_t n, cap;
};

tb_status tb_voice_stats_sum_new(tb_voice_stats_sum **out, tb_err *err)
{
    (void)err;
    tb_voice_stats_sum *sum = tb_alloc(sizeof *sum);
    tb_cepstrum_init(&sum->cepstrum);
    *out = sum;
    return TB_OK;
}

void tb_voice_stats_sum_free(tb_voice_stats_sum *sum)
{
    if (!sum) return;
    tb_cepstrum_clear(&sum->cepstrum);
    tb_free(sum->frames);
    tb_free(sum);
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Linear between neighbours; sorted, n > 0. */
static double quantile(const float *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;
    if (i + 1 >= n) return (double)sorted[n - 1];
    return (double)sorted[i] + (at - (double)i) * ((double)sorted[i + 1] - (double)sorted[i]);
}

void tb_frame_energies(const float *env, size_t frames, float *energy)
{
    for (size_t f = 0; f < frames; f++) {
        const float *row = env + f * TB_ANALYSIS_BINS;
        double sum = 0;
        for (int k = 9; k < TB_ANALYSIS_BINS; k++)
            sum += (double)expf(row[k]);
        energy[f] = (float)log(sum + 1e-30);
    }
}

tb_status tb_frame_quantiles(const float *x, size_t n, const double *q, size_t count, double *out,
                             tb_err *err)
{
    float *sorted = tb_try_alloc(n, sizeof *sorted);
    if (!sorted) return tb_nomem(err, n, sizeof *sorted);
    memcpy(sorted, x, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    for (size_t i = 0; i < count; i++)
        out[i] = quantile(sorted, n, q[i]);
    tb_free(sorted);
    return TB_OK;
}

tb_status tb_voice_stats_sum_add(tb_voice_stats_sum *sum, const float *f0, const float *env,
                                 size_t frames, const tb_cancel *cancel, tb_err *err)
{
    const double q97 = 0.97;
    double p97 = 0;
    tb_status st = TB_OK;

    if (frames == 0) return TB_OK;
    float *energy = tb_try_alloc(frames, sizeof *energy);
    if (!energy) return tb_nomem(err, frames, sizeof *energy);
    for (size_t f = 0; f < frames; f += CANCEL_EVERY) {
        size_t n = frames - f < CANCEL_EVERY ? frames - f : CANCEL_EVERY;
        tb_frame_energies(env + f * TB_ANALYSIS_BINS, n, energy + f);
        if (tb_cancelled(cancel)) {
            st = tb_fail_cancelled(err);
            goto out;
        }
    }
    st = tb_frame_quantiles(energy, frames, &q97, 1, &p97, err);
    if (st) goto out;

    if (sum->cap - sum->n < frames) {
        size_t cap = sum->n + frames;
        active_frame *more = tb_try_realloc(sum->frames, cap, sizeof *more);
        if (!more) {
            st = tb_nomem(err, cap, sizeof *more);
            goto out;
        }
        sum->frames = more;
        sum->cap = cap;
    }
    for (size_t f = 0; f < frames; f++) {
        if (!((double)energy[f] > p97 - TB_ACTIVE_RANGE_LN)) continue;
        active_frame *to = &sum->frames[sum->n++];
        to->energy = energy[f];
        to->f0 = f0[f];
        tb_cepstrum_compute(&sum->cepstrum, env + f * TB_ANALYSIS_BINS, to->c);
    }

out:
    tb_free(energy);
    return st;
}

/* Is a frame of this class? which < 0 takes all. */
static bool in_class(const active_frame *f, int which)
{
    return which < 0 || (f->f0 > 0) == (which == TB_CLASS_VOICED);
}

static void mean_and_covariance(const tb_voice_stats_sum *sum, int which, double offset,
                                float *mean, float *cov)
{
    double m[DIM] = {0}, s[DIM][DIM] = {{0}};
    size_t n = 0;

    for (size_t i = 0; i < sum->n; i++) {
        if (!in_class(&sum->frames[i], which)) continue;
        for (int d = 0; d < DIM; d++)
            m[d] += (double)sum->frames[i].c[d];
        n++;
    }
    for (int d = 0; d < DIM; d++)
        m[d] /= (double)n;
    for (size_t i = 0; i < sum->n; i++) {
        if (!in_class(&sum->frames[i], which)) continue;
        double x[DIM];
        for (int d = 0; d < DIM; d++)
            x[d] = (double)sum->frames[i].c[d] - m[d];
        for (int d = 0; d < DIM; d++)
            for (int e = 0; e <= d; e++)
                s[d][e] += x[d] * x[e];
    }
    for (int d = 0; d < DIM; d++) {
        mean[d] = (float)(m[d] - (d == 0 ? offset : 0));
        for (int e = 0; e <= d; e++) {
            float v = (float)(s[d][e] / (double)(n - 1));
            cov[d * DIM + e] = v;
            cov[e * DIM + d] = v;
        }
    }
}

static tb_status measure_f0(const tb_voice_stats_sum *sum, size_t voiced, tb_voice_stats *out,
                            tb_err *err)
{
    static const double q[5] = {0.5, 0.25, 0.75, 0.05, 0.95};
    double v[5] = {0};

    out->f0_deviation = 0.03F;
    if (voiced == 0) return TB_OK;
    float *x = tb_try_alloc(voiced, sizeof *x);
    if (!x) return tb_nomem(err, voiced, sizeof *x);
    size_t n = 0;
    for (size_t i = 0; i < sum->n; i++)
        if (sum->frames[i].f0 > 0) x[n++] = logf(sum->frames[i].f0);
    tb_status st = tb_frame_quantiles(x, n, q, 5, v, err);
    tb_free(x);
    if (st) return st;
    out->f0_median = (float)v[0];
    out->f0_q25 = (float)v[1];
    out->f0_q75 = (float)v[2];
    out->f0_q05 = (float)v[3];
    out->f0_q95 = (float)v[4];
    out->f0_deviation = (float)fmax((v[2] - v[1]) / 1.349, 0.03);
    return TB_OK;
}

tb_status tb_voice_stats_sum_finish(tb_voice_stats_sum *sum, tb_voice_stats *out, tb_err *err)
{
    tb_voice_stats stats = {0};
    size_t voiced = 0;
    double level = 0, level_all = 0;

    if (sum->n < 2) return tb_fail(err, TB_EINVAL, "there is no sound to measure a voice by");
    for (size_t i = 0; i < sum->n; i++) {
        level_all += (double)sum->frames[i].energy;
        if (!(sum->frames[i].f0 > 0)) continue;
        level += (double)sum->frames[i].energy;
        voiced++;
    }
    level = voiced ? level / (double)voiced : level_all / (double)sum->n;
    stats.level = (float)level;

    const double offset = level * sqrt(TB_MEL_POINTS);
    const size_t count[2] = {voiced, sum->n - voiced};
    for (int j = 0; j < 2; j++)
        mean_and_covariance(sum, count[j] < CLASS_MIN ? -1 : j, offset, stats.mean[j],
                            &stats.cov[j][0][0]);
    tb_status st = measure_f0(sum, voiced, &stats, err);
    if (st) return st;
    *out = stats;
    return TB_OK;
}

tb_status tb_voice_stats_measure(const float *f0, float *env, size_t frames, float cut_hz,
                                 const tb_cancel *cancel, tb_voice_stats *out, tb_err *err)
{
    tb_voice_stats_sum *sum = NULL;

    tb_envelope_extend(env, frames, cut_hz);
    tb_status st = tb_voice_stats_sum_new(&sum, err);
    if (!st) st = tb_voice_stats_sum_add(sum, f0, env, frames, cancel, err);
    if (!st) st = tb_voice_stats_sum_finish(sum, out, err);
    tb_voice_stats_sum_free(sum);
    return st;
}

/* The packed form: magic, version, count of numbers, hash of the key, hash of the numbers, the
 * numbers as IEEE singles; all little-endian. */
static const char MAGIC[8] = {'T', 'B', 'B', 'E', 'N', 'D', '\r', '\n'};
enum { NUMBERS = sizeof(tb_voice_stats) / sizeof(float), HEAD = 8 + 4 + 4 + 32 + 32 };
_Static_assert(sizeof(tb_voice_stats) == NUMBERS * sizeof(float), "statistics are floats only");

static void put32(uint8_t *out, uint32_t x)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(x >> (8 * i));
}

static uint32_t get32(const uint8_t *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

static void digest(const void *data, size_t size, uint8_t out[32])
{
    static const unsigned char zero[32];
    tb_hash_keyed(data, size, zero, out);
}

void tb_voice_stats_pack(const tb_voice_stats *stats, const char *key,
                         uint8_t out[TB_VOICE_STATS_PACKED])
{
    float x[NUMBERS];

    memcpy(x, stats, sizeof x);
    memcpy(out, MAGIC, 8);
    put32(out + 8, TB_VOICE_STATS_VERSION);
    put32(out + 12, NUMBERS);
    digest(key, strlen(key), out + 16);
    for (size_t i = 0; i < NUMBERS; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        put32(out + HEAD + 4 * i, bits);
    }
    digest(out + HEAD, 4 * (size_t)NUMBERS, out + 48);
}

tb_status tb_voice_stats_unpack(const void *data, size_t size, const char *key, tb_voice_stats *out,
                                tb_err *err)
{
    const uint8_t *in = data;
    uint8_t want[32];
    float x[NUMBERS];

    if (size != TB_VOICE_STATS_PACKED || memcmp(in, MAGIC, 8) != 0)
        return tb_fail(err, TB_ENOTFOUND, "these bytes are not a voice's statistics");
    if (get32(in + 8) != TB_VOICE_STATS_VERSION || get32(in + 12) != NUMBERS)
        return tb_fail(err, TB_ENOTFOUND, "the voice's statistics are of another version");
    digest(key, strlen(key), want);
    if (memcmp(in + 16, want, 32) != 0)
        return tb_fail(err, TB_ENOTFOUND, "the voice's statistics were made of something else");
    digest(in + HEAD, 4 * (size_t)NUMBERS, want);
    if (memcmp(in + 48, want, 32) != 0)
        return tb_fail(err, TB_ENOTFOUND, "the voice's statistics are damaged");
    for (size_t i = 0; i < NUMBERS; i++) {
        uint32_t bits = get32(in + HEAD + 4 * i);
        memcpy(&x[i], &bits, sizeof bits);
        if (!isfinite(x[i]))
            return tb_fail(err, TB_ENOTFOUND, "the voice's statistics are damaged");
    }
    memcpy(out, x, sizeof x);
    return TB_OK;
}
