/*
 * The front end of voice cloning: resampling, loudness and the four spectrograms that the
 * conditioning networks read. No weights. Two resamplers lead from 24 to 16 kHz, as in the
 * reference, and are not interchangeable (front.h). Hostile input is bounded here: rates, lengths,
 * non-finite samples, silence. docs/model/conditioning.md. Relies on dsp/mel.h, dsp/sinc.h and
 * audio/pcm.h.
 */
#include "model/front.h"

#include "base/mem.h"
#include "dsp/lufs.h"
#include "dsp/mel.h"
#include "dsp/sinc.h"
#include "dsp/trim.h"

#include <math.h>

static const int RATE24_HZ = 24000, RATE16_HZ = 16000;
static const double LEVEL_LUFS = -27, TRIM_DB = 20;

/* Louder than any recording; a spectrum of more might not fit into a float. */
static const float MOST = 1e6F;

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static tb_status check_samples(const tb_pcm *recording, tb_err *err)
{
    bool sounds = false;
    for (size_t i = 0; i < recording->len; i++) {
        if (!(fabsf(recording->data[i]) <= MOST))
            return tb_fail(err, TB_EINVAL,
                           "the recording is damaged: at %.2f s it holds the value %g, which is no "
                           "sound; full scale is 1",
                           (double)i / recording->rate_hz, (double)recording->data[i]);
        if (recording->data[i] != 0) sounds = true;
    }
    if (!sounds && recording->len > 0)
        return tb_fail(err, TB_EINVAL, "the recording is silent: all of its %.1f s are zeros",
                       tb_pcm_seconds(recording));
    return TB_OK;
}

/* One gain for the whole recording. Nothing limits: what was near full scale may go over it. */
static tb_status bring_to_level(tb_front *f, tb_err *err)
{
    tb_status st = tb_lufs_measure(f->w24.data, f->w24.len, RATE24_HZ, &f->lufs, NULL, err);
    if (st) return st;
    double gain = pow(10, (LEVEL_LUFS - f->lufs) / 20);
    f->gain = isfinite(gain) && gain > 0 ? (float)gain : 1;
    for (size_t i = 0; i < f->w24.len; i++)
        f->w24.data[i] *= f->gain;
    return TB_OK;
}

static tb_status frames_init(tb_frames *f, size_t rows, size_t cols, tb_err *err)
{
    f->data = tb_try_alloc(rows, cols * sizeof(float));
    if (!f->data) return tb_nomem(err, rows, cols * sizeof(float));
    f->rows = rows;
    f->cols = cols;
    return TB_OK;
}

static tb_status make_d16(tb_front *f, tb_err *err)
{
    f->d24_len = least(f->w24.len, TB_FRONT_FLOW_LEN);
    tb_status st = tb_pcm_init(&f->d16, tb_sinc_len(f->d24_len), RATE16_HZ, err);
    if (!st) tb_sinc_two_thirds(f->w24.data, f->d24_len, f->d16.data);
    return st;
}

static tb_status make_mel24(tb_front *f, tb_err *err)
{
    tb_status st = frames_init(&f->mel24, tb_mel_s3gen_frames(f->d24_len), TB_MEL_S3GEN_BANDS, err);
    if (!st) st = tb_mel_s3gen(f->w24.data, f->d24_len, f->mel24.data, err);
    return st;
}

static tb_status make_s3(const tb_front_tables *tables, const float *x, size_t len, tb_frames *out,
                         tb_err *err)
{
    tb_status st = frames_init(out, tb_mel_s3tok_frames(len), TB_MEL_S3TOK_BANDS, err);
    if (!st) st = tb_mel_s3tok(x, len, tables->filters, tables->window, out->data, err);
    return st;
}

static tb_status make_ve(tb_front *f, tb_err *err)
{
    size_t n = tb_trim_frames(f->w16.len);
    float *power = tb_try_alloc(n, sizeof *power);
    if (!power) return tb_nomem(err, n, sizeof *power);
    tb_trim_powers(f->w16.data, f->w16.len, power);
    tb_trim_bounds(power, f->w16.len, TRIM_DB, &f->ve_start, &f->ve_end);
    tb_free(power);

    size_t len = f->ve_end - f->ve_start;
    tb_status st = frames_init(&f->ve, tb_mel_ve_frames(len), TB_MEL_VE_BANDS, err);
    if (!st) st = tb_mel_ve(f->w16.data + f->ve_start, len, f->ve.data, err);
    return st;
}

static tb_status make_fbank(tb_front *f, tb_err *err)
{
    tb_status st = frames_init(&f->fbank, tb_mel_fbank_frames(f->d16.len), TB_MEL_FBANK_BANDS, err);
    if (!st) st = tb_mel_fbank(f->d16.data, f->d16.len, f->fbank.data, err);
    if (!st) tb_mel_centre(f->fbank.data, f->fbank.rows, f->fbank.cols);
    return st;
}

tb_status tb_front_make(const tb_pcm *recording, const tb_front_tables *tables,
                        const tb_cancel *cancel, tb_front *out, tb_err *err)
{
    static const tb_front_tables computed = {0};
    tb_front f = {0};

    tb_status st = check_samples(recording, err);
    if (!st) st = tb_resample_ceil(recording, RATE24_HZ, &f.w24, err);
    if (!st && f.w24.len < TB_FRONT_MIN_LEN)
        st = tb_fail(err, TB_EINVAL,
                     "the recording lasts %.2f s; cloning a voice takes more than 5 s",
                     tb_pcm_seconds(recording));
    if (!st) st = bring_to_level(&f, err);
    /* From the 24 kHz sound, not from the recording: the reference resamples twice as well. */
    if (!st) st = tb_resample_ceil(&f.w24, RATE16_HZ, &f.w16, err);
    if (!st) st = make_d16(&f, err);
    if (!st && tb_cancelled(cancel)) st = tb_fail_cancelled(err);
    if (!st) st = make_mel24(&f, err);
    if (!tables) tables = &computed;
    /* The cut comes before the spectrogram, whose floor follows its loudest cell. */
    if (!st)
        st = make_s3(tables, f.w16.data, least(f.w16.len, TB_FRONT_PROMPT_LEN), &f.s3_prompt, err);
    if (!st) st = make_s3(tables, f.d16.data, f.d16.len, &f.s3_flow, err);
    if (!st) st = make_fbank(&f, err);
    if (!st && tb_cancelled(cancel)) st = tb_fail_cancelled(err);
    if (!st) st = make_ve(&f, err);
    if (st) {
        tb_front_clear(&f);
        return st;
    }
    *out = f;
    return TB_OK;
}

void tb_front_clear(tb_front *front)
{
    if (!front) return;
    tb_pcm_clear(&front->w24);
    tb_pcm_clear(&front->w16);
    tb_pcm_clear(&front->d16);
    tb_free(front->mel24.data);
    tb_free(front->s3_prompt.data);
    tb_free(front->s3_flow.data);
    tb_free(front->ve.data);
    tb_free(front->fbank.data);
    *front = (tb_front){0};
}
