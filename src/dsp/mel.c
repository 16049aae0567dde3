/*
 * The four spectrograms that networks see a voice through.
 *
 * Each is a short-time power spectrum, a filterbank and a compression, computed frame by frame in
 * the caller's memory; constants are the networks' own. docs/model/conditioning.md, "Four
 * spectrograms". Relies on stft.c (Hann, mirrored ends), bank.c (Slaney, Kaldi) and fft.c.
 */
#include "dsp/mel.h"

#include "base/mem.h"
#include "dsp/bank.h"
#include "dsp/fft.h"
#include "dsp/stft_priv.h"

#include <assert.h>
#include <math.h>

enum {
    S3GEN_RATE_HZ = 24000,
    S3GEN_FFT = 1920,
    S3GEN_HOP = 480,
    S3GEN_PAD = 720, /* so that a hop of sound is a frame of mel */
    RATE_HZ = 16000, /* the other three */
    FFT = 400,
    HOP = 160,
    PAD = 200,
    FBANK_FFT = 512, /* 400 samples and zeros */
    TOP_HZ = 8000,
};

static tb_status too_short(const char *what, size_t len, size_t least, tb_err *err)
{
    return tb_fail(err, TB_EINVAL, "%zu samples are too few for %s, which takes %zu or more", len,
                   what, least);
}

size_t tb_mel_s3gen_frames(size_t len)
{
    return len > S3GEN_PAD ? len / S3GEN_HOP : 0;
}

tb_status tb_mel_s3gen(const float *x, size_t len, float *out, tb_err *err)
{
    enum { BINS = S3GEN_FFT / 2 + 1 };
    const size_t frames = tb_mel_s3gen_frames(len), M = TB_MEL_S3GEN_BANDS;
    float spectrum[BINS];
    tb_stft *stft = NULL;
    tb_bank bank = {0};
    if (frames == 0) return too_short("the mel spectrogram", len, S3GEN_PAD + 1, err);
    tb_status st = tb_stft_new(S3GEN_FFT, S3GEN_HOP, S3GEN_PAD, NULL, &stft, err);
    if (st) goto out;
    assert(frames == tb_stft_frames(stft, len));

    tb_bank_slaney(&bank, M, S3GEN_FFT, S3GEN_RATE_HZ, TOP_HZ);
    for (size_t t = 0; t < frames; t++) {
        float *row = out + t * M;
        tb_stft_power(stft, x, len, t, spectrum);
        for (size_t k = 0; k < BINS; k++)
            spectrum[k] = sqrtf(spectrum[k] + 1e-9F);
        tb_bank_apply(&bank, spectrum, row);
        for (size_t m = 0; m < M; m++)
            row[m] = logf(fmaxf(row[m], 1e-5F));
    }

out:
    tb_bank_clear(&bank);
    tb_stft_free(stft);
    return st;
}

size_t tb_mel_s3tok_frames(size_t len)
{
    return len > PAD ? len / HOP : 0; /* the last frame of the centred transform is dropped */
}

tb_status tb_mel_s3tok(const float *x, size_t len, const float *filters, const float *window,
                       float *out, tb_err *err)
{
    const size_t frames = tb_mel_s3tok_frames(len), M = TB_MEL_S3TOK_BANDS;
    float power[TB_MEL_S3TOK_BINS], loudest = -INFINITY;
    tb_stft *stft = NULL;
    tb_bank bank = {0};
    if (frames == 0) return too_short("the tokenizer's spectrogram", len, PAD + 1, err);
    tb_status st = tb_stft_new(FFT, HOP, PAD, window, &stft, err);
    if (st) goto out;
    assert(frames < tb_stft_frames(stft, len));

    if (filters)
        tb_bank_copy(&bank, M, TB_MEL_S3TOK_BINS, filters);
    else
        tb_bank_slaney(&bank, M, FFT, RATE_HZ, TOP_HZ);
    for (size_t t = 0; t < frames; t++) {
        float *row = out + t * M;
        tb_stft_power(stft, x, len, t, power);
        tb_bank_apply(&bank, power, row);
        for (size_t m = 0; m < M; m++) {
            row[m] = log10f(fmaxf(row[m], 1e-10F));
            loudest = fmaxf(loudest, row[m]);
        }
    }
    for (size_t i = 0; i < frames * M; i++)
        out[i] = (fmaxf(out[i], loudest - 8) + 4) / 4;

out:
    tb_bank_clear(&bank);
    tb_stft_free(stft);
    return st;
}

size_t tb_mel_ve_frames(size_t len)
{
    return len > PAD ? 1 + len / HOP : 0;
}

tb_status tb_mel_ve(const float *x, size_t len, float *out, tb_err *err)
{
    const size_t frames = tb_mel_ve_frames(len);
    float power[FFT / 2 + 1];
    tb_stft *stft = NULL;
    tb_bank bank = {0};
    if (frames == 0) return too_short("the voice encoder's spectrogram", len, PAD + 1, err);
    tb_status st = tb_stft_new(FFT, HOP, PAD, NULL, &stft, err);
    if (st) goto out;
    assert(frames == tb_stft_frames(stft, len));

    tb_bank_slaney(&bank, TB_MEL_VE_BANDS, FFT, RATE_HZ, TOP_HZ);
    for (size_t t = 0; t < frames; t++) {
        tb_stft_power(stft, x, len, t, power);
        tb_bank_apply(&bank, power, out + t * TB_MEL_VE_BANDS);
    }

out:
    tb_bank_clear(&bank);
    tb_stft_free(stft);
    return st;
}

size_t tb_mel_fbank_frames(size_t len)
{
    return len >= FFT ? 1 + (len - FFT) / HOP : 0;
}

void tb_mel_fbank_window(float window[FFT])
{
    for (size_t i = 0; i < FFT; i++)
        window[i] = (float)pow(0.5 - 0.5 * cos(2 * M_PI * (double)i / (FFT - 1)), 0.85);
}

/* Kaldi's treatment of one frame: its mean taken out, high frequencies lifted (the sample before
 * the first is taken to be like it), Povey's window, zeros up to the FFT's size. */
static void fbank_frame(const float x[FFT], const float window[FFT], float frame[FBANK_FFT])
{
    double mean = 0, before;
    for (size_t i = 0; i < FFT; i++)
        mean += (double)x[i];
    mean /= FFT;
    before = (double)x[0] - mean;
    for (size_t i = 0; i < FFT; i++) {
        double s = (double)x[i] - mean;
        frame[i] = (float)((s - 0.97 * before) * (double)window[i]);
        before = s;
    }
    for (size_t i = FFT; i < FBANK_FFT; i++)
        frame[i] = 0;
}

tb_status tb_mel_fbank(const float *x, size_t len, float *out, tb_err *err)
{
    const size_t frames = tb_mel_fbank_frames(len), M = TB_MEL_FBANK_BANDS;
    float window[FFT], frame[FBANK_FFT], spectrum[FBANK_FFT + 2], power[FBANK_FFT / 2 + 1];
    tb_fft *fft = NULL;
    tb_bank bank = {0};
    if (frames == 0) return too_short("the speaker network's filterbank", len, FFT, err);
    tb_status st = tb_fft_new(FBANK_FFT, &fft, err);
    if (st) goto out;

    tb_bank_kaldi(&bank, M, FBANK_FFT, RATE_HZ, 20, TOP_HZ);
    tb_mel_fbank_window(window);
    for (size_t t = 0; t < frames; t++) {
        float *row = out + t * M;
        fbank_frame(x + t * HOP, window, frame);
        tb_fft_forward(fft, frame, spectrum);
        for (size_t k = 0; k <= FBANK_FFT / 2; k++)
            power[k] =
                spectrum[2 * k] * spectrum[2 * k] + spectrum[2 * k + 1] * spectrum[2 * k + 1];
        tb_bank_apply(&bank, power, row);
        for (size_t m = 0; m < M; m++)
            row[m] = logf(fmaxf(row[m], 0x1p-23F));
    }

out:
    tb_bank_clear(&bank);
    tb_fft_free(fft);
    return st;
}

void tb_mel_centre(float *x, size_t rows, size_t cols)
{
    for (size_t c = 0; c < cols; c++) {
        double mean = 0;
        for (size_t t = 0; t < rows; t++)
            mean += (double)x[t * cols + c];
        mean /= (double)rows;
        for (size_t t = 0; t < rows; t++)
            x[t * cols + c] = (float)((double)x[t * cols + c] - mean);
    }
}
