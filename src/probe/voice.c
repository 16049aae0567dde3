/*
 * timbre probe: the stages from a recording of a person to conditionals (front end, tokenizer,
 * speaker networks, all of them).
 *
 * Tables of the front end (windows, filterbanks, kernels) are put out too, so that a difference can
 * be traced to its cause. docs/model/probe.md. Relies on io.c, model/front.h, model/conditioner.h.
 */
#include "audio/wav.h"
#include "base/file.h"
#include "base/mem.h"
#include "dsp/bank.h"
#include "dsp/lufs.h"
#include "dsp/mel.h"
#include "dsp/sinc.h"
#include "dsp/trim.h"
#include "model/conditioner.h"
#include "model/front.h"
#include "probe/probe_priv.h"

#include <math.h>
#include <string.h>

enum { WAV_SECONDS = 3600 };

static tb_status read_wav(tb_probe *p, tb_pcm *out, tb_err *err)
{
    char *data = NULL;
    size_t size = 0;
    tb_status st = tb_probe_read(p, "--wav", &data, &size, err);

    if (!st) st = tb_wav_read(data, size, WAV_SECONDS, out, err);
    tb_free(data);
    return st;
}

/* --------------------------------------------------------------------- dsp */

static void put_bank(tb_probe *p, const char *name, tb_bank *bank)
{
    tb_probe_put_rows(p, name, bank->w, bank->bands, bank->bins);
    tb_bank_clear(bank);
}

/* What no recording changes. */
static void put_tables(tb_probe *p)
{
    tb_bank bank = {0};
    float kernel[2][TB_SINC_TAPS], window[400];

    tb_bank_slaney(&bank, 80, 1920, 24000, 8000);
    put_bank(p, "mel24_fb", &bank);
    tb_bank_slaney(&bank, 128, 400, 16000, 8000);
    put_bank(p, "s3_mel_fb", &bank);
    tb_bank_slaney(&bank, 40, 400, 16000, 8000);
    put_bank(p, "ve_mel_fb", &bank);
    tb_bank_kaldi(&bank, 80, 512, 16000, 20, 8000);
    put_bank(p, "kaldi_mel_banks", &bank);
    tb_mel_fbank_window(window);
    tb_probe_put_f32(p, "povey_window", window, 400);
    tb_sinc_kernel(kernel);
    tb_probe_put_rows(p, "ta_kernel", kernel[0], 2, TB_SINC_TAPS);
}

static void put_part(tb_probe *p, const char *name, const float *x, size_t len, size_t from,
                     size_t to)
{
    if (to <= len) tb_probe_put_f32(p, name, x + from, to - from);
}

/* In a recording's own JSON, or in the one that describes them all. */
static const tb_json *resample_cases(const tb_probe *p)
{
    const tb_json *dsp = tb_json_get(tb_json_get(p->recorded, "conditioning"), "dsp");

    return tb_json_get(dsp ? dsp : p->recorded, "resample_cases");
}

/* The recording's cases, or those that it was first made with. */
static size_t resample_case(const tb_probe *p, size_t i, int *rate_hz, size_t *start, size_t *n)
{
    static const int rates[] = {8000, 16000, 22050, 32000, 48000, 96000};
    const tb_json *all = resample_cases(p);
    const tb_json *c = tb_json_at(all, i);

    if (!tb_json_is_array(all)) {
        const size_t count = sizeof rates / sizeof *rates;

        *rate_hz = i < count ? rates[i] : 0;
        *start = 60000;
        *n = (size_t)*rate_hz / 2 + 7;
        return count;
    }
    const int64_t rate = tb_json_integer(tb_json_get(c, "rate")),
                  from = tb_json_integer(tb_json_get(c, "start")),
                  len = tb_json_integer(tb_json_get(c, "n"));
    *rate_hz = rate > 0 && rate < 1000000 ? (int)rate : 0;
    *start = from > 0 ? (size_t)from : 0;
    *n = len > 0 ? (size_t)len : 0;
    return tb_json_len(all);
}

static tb_status put_resampled(tb_probe *p, const tb_pcm *recording, tb_err *err)
{
    tb_status st = TB_OK;
    tb_pcm out = {0};
    char name[40];
    int rate_hz;
    size_t start, n;

    for (size_t i = 0; !st && i < resample_case(p, i, &rate_hz, &start, &n); i++) {
        if (start > recording->len || n > recording->len - start)
            continue; /* a shorter recording has no such */
        const tb_pcm in = {.data = recording->data + start, .len = n, .rate_hz = rate_hz};
        st = tb_resample_ceil(&in, 24000, &out, err);
        snprintf(name, sizeof name, "soxr_%d_24000", rate_hz);
        if (!st) tb_probe_put_f32(p, name, out.data, out.len);
        tb_pcm_clear(&out);
    }
    if (!st) st = tb_resample_ceil(recording, 24000, &out, err);
    if (st) return st;
    tb_probe_put_f32(p, "wav24_pre", out.data, out.len);
    float *weighted = tb_alloc((out.len ? out.len : 1) * sizeof *weighted);
    tb_lufs_weight(out.data, out.len, 24000, weighted);
    put_part(p, "kweighted_60000_62048", weighted, out.len, 60000, 62048);
    tb_free(weighted);
    tb_pcm_clear(&out);
    return TB_OK;
}

static void put_trim(tb_probe *p, const tb_pcm *w16)
{
    const size_t n = tb_trim_frames(w16->len);
    float *rms = tb_alloc((n ? n : 1) * sizeof *rms);

    tb_trim_powers(w16->data, w16->len, rms);
    for (size_t i = 0; i < n; i++)
        rms[i] = sqrtf(rms[i]);
    tb_probe_put_f32(p, "ve_trim_rms", rms, n);
    tb_free(rms);
}

static tb_status put_front(tb_probe *p, const tb_front *f, tb_err *err)
{
    float *raw = tb_try_alloc(f->fbank.rows, f->fbank.cols * sizeof *raw);

    if (!raw) return tb_nomem(err, f->fbank.rows, f->fbank.cols * sizeof *raw);
    put_part(p, "wav24_norm_60000_68192", f->w24.data, f->w24.len, 60000, 68192);
    tb_probe_put_f32(p, "wav16_soxr", f->w16.data, f->w16.len);
    tb_probe_put_f32(p, "wav16_ta", f->d16.data, f->d16.len);
    tb_probe_put_rows(p, "mel24", f->mel24.data, f->mel24.rows, f->mel24.cols);
    tb_probe_put_transposed(p, "s3_logmel_t3", f->s3_prompt.data, f->s3_prompt.rows,
                            f->s3_prompt.cols);
    tb_probe_put_transposed(p, "s3_logmel_gen", f->s3_flow.data, f->s3_flow.rows, f->s3_flow.cols);
    tb_probe_put_rows(p, "ve_mel", f->ve.data, f->ve.rows, f->ve.cols);
    tb_probe_put_rows(p, "kaldi_fbank_cmn", f->fbank.data, f->fbank.rows, f->fbank.cols);
    put_trim(p, &f->w16);
    tb_status st = tb_mel_fbank(f->d16.data, f->d16.len, raw, err);
    if (!st) tb_probe_put_rows(p, "kaldi_fbank_raw", raw, f->fbank.rows, f->fbank.cols);
    tb_free(raw);
    return st;
}

tb_status tb_probe_dsp(tb_probe *p, tb_err *err)
{
    tb_pcm recording = {0};
    tb_front front = {0};
    tb_status st = read_wav(p, &recording, err);

    if (!st) st = tb_front_make(&recording, NULL, NULL, &front, err);
    if (!st) {
        put_part(p, "mono_0_8192", recording.data, recording.len, 0, 8192);
        put_tables(p);
        st = put_resampled(p, &recording, err);
    }
    if (!st) st = put_front(p, &front, err);
    tb_front_clear(&front);
    tb_pcm_clear(&recording);
    return st;
}

/* ------------------------------------------------------------- the networks */

/* The network's input under its short name, or as it is called at full size; whether it is that. */
static bool is_full(const tb_probe *p, const char *small, const char *full)
{
    return !tb_probe_has(p, small) && tb_probe_has(p, full);
}

enum { TOKENIZER_MOST = 6000 /* frames: its attention costs their square */ };

tb_status tb_probe_s3tokenizer(tb_probe *p, tb_err *err)
{
    const bool full = is_full(p, "mel", "s3_logmel_t3");
    tb_s3tok tok = {0};
    const float *mel;
    void *tokens = NULL, *margins = NULL;
    size_t frames = 0;

    p->trace_prefix = full ? "tok/" : NULL;
    tb_probe_record_trace(p);
    tb_status st = tb_s3tok_bind(p->weights, (size_t)p->set[TB_PROBE_HEADS], &tok, err);
    size_t bands = tok.bands;
    if (!st) st = tb_probe_transposed(p, full ? "s3_logmel_t3" : "mel", &frames, &bands, &mel, err);
    if (!st && frames > TOKENIZER_MOST)
        st = tb_fail(err, TB_EINVAL, "%zu frames are more than %d", frames, TOKENIZER_MOST);
    const size_t n = tb_s3tok_len(frames);
    if (!st) st = tb_probe_alloc(p, n, sizeof(int32_t), &tokens, err);
    if (!st) st = tb_probe_alloc(p, n, sizeof(float), &margins, err);
    if (!st) {
        tb_s3tok_run(&tok, &p->nn, mel, frames, tokens, margins);
        tb_probe_put_ids(p, "tokens", tokens, n);
        tb_probe_put_f32(p, "margin", margins, n);
    }
    tb_s3tok_clear(&tok);
    return st;
}

tb_status tb_probe_campplus(tb_probe *p, tb_err *err)
{
    static const char *const images[] = {"head_bn1", "head_layer1", "head_layer2"};
    const bool full = is_full(p, "feat", "kaldi_fbank_cmn");
    tb_campplus net = {0};
    const float *x;
    void *out = NULL;

    p->trace_prefix = full ? "spk/" : NULL;
    tb_probe_record_trace(p);
    tb_status st = tb_campplus_bind(p->weights, &net, err);
    size_t dim[2] = {0, net.bands};
    if (!st) st = tb_probe_f32(p, full ? "kaldi_fbank_cmn" : "feat", 2, dim, &x, err);
    if (!st && dim[0] < TB_CAMPPLUS_MIN_FRAMES)
        st =
            tb_fail(err, TB_EINVAL, "%zu frames are fewer than %d", dim[0], TB_CAMPPLUS_MIN_FRAMES);
    if (!st) st = tb_probe_alloc(p, net.dim, sizeof(float), &out, err);
    if (!st) {
        tb_campplus_run(&net, &p->nn, x, dim[0], out);
        for (size_t i = 0; i < sizeof images / sizeof *images; i++) {
            char name[40];
            snprintf(name, sizeof name, "%s%s", full ? "spk/" : "", images[i]);
            tb_probe_split(p, name, net.conv1.w.N); /* (channels, bands, frames) */
        }
    }
    tb_campplus_clear(&net);
    return st;
}

static tb_status read_ve_hparams(const tb_probe *p, tb_ve_hparams *hp, tb_err *err)
{
    *hp = tb_ve_published;
    if (p->set[TB_PROBE_PARTIAL_FRAMES] > 0) hp->stretch = (size_t)p->set[TB_PROBE_PARTIAL_FRAMES];
    if (p->set[TB_PROBE_STEP] > 0) hp->step = (size_t)p->set[TB_PROBE_STEP];
    if (p->set[TB_PROBE_MIN_COVERAGE] > 0) hp->covered = p->set[TB_PROBE_MIN_COVERAGE];
    if (hp->step > hp->stretch)
        return tb_fail(err, TB_EINVAL, "a step of %zu frames is more than a partial of %zu",
                       hp->step, hp->stretch);
    return TB_OK;
}

/* The small recordings say which network the arrays inside are of. */
static void name_lstm(tb_probe *p, size_t n_layers, bool full)
{
    static const char *const names[] = {"h_last", "c_last", "top_seq_p0"};

    for (size_t i = 0; i < 3; i++) {
        char said[40], wanted[40];

        snprintf(said, sizeof said, "%s%s", full ? "ve/" : "", names[i]);
        snprintf(wanted, sizeof wanted, "%s%s", full ? "ve/" : "lstm_", names[i]);
        if (i < 2) tb_probe_split(p, said, n_layers); /* (layers, stretches, H) */
        tb_probe_rename(p, said, wanted);
    }
}

tb_status tb_probe_ve(tb_probe *p, tb_err *err)
{
    const bool full = is_full(p, "mel", "ve_mel");
    tb_ve_hparams hp;
    tb_ve ve = {0};
    const float *mel;
    void *out = NULL;

    p->trace_prefix = full ? "ve/" : NULL;
    tb_probe_record_trace(p);
    tb_status st = read_ve_hparams(p, &hp, err);
    if (!st) st = tb_ve_bind(p->weights, &hp, &ve, err);
    size_t dim[2] = {0, ve.bands};
    if (!st) st = tb_probe_f32(p, full ? "ve_mel" : "mel", 2, dim, &mel, err);
    if (!st) st = tb_probe_alloc(p, ve.dim, sizeof(float), &out, err);
    if (!st) {
        tb_ve_run(&ve, &p->nn, mel, dim[0], out);
        name_lstm(p, ve.n_layers, full);
        if (full) tb_probe_rename(p, "ve/embed", "speaker_emb");
    }
    tb_ve_clear(&ve);
    return st;
}

/* ------------------------------------------------------------ conditionals */

static void put_conds(tb_probe *p, const tb_conds *c)
{
    tb_probe_put_f32(p, "t3.speaker_emb", c->speaker, c->speaker_dim);
    tb_probe_put_ids(p, "t3.cond_prompt_speech_tokens", c->t3_prompt, c->n_t3_prompt);
    tb_probe_put_ids(p, "gen.prompt_token", c->prompt, c->n_prompt);
    tb_probe_put_rows(p, "gen.prompt_feat", c->prompt_mel, c->prompt_frames, c->mels);
    tb_probe_put_f32(p, "gen.embedding", c->embedding, c->embedding_dim);
}

tb_status tb_probe_conditionals(tb_probe *p, tb_err *err)
{
    tb_pcm recording = {0};
    tb_conditioner c = {0};
    tb_conds conds = {0};
    tb_status st = read_wav(p, &recording, err);

    if (!st) st = tb_conditioner_bind(p->weights, &c, err);
    if (!st) st = tb_conditioner_run(&c, &p->nn, &recording, NULL, &conds, err);
    if (!st) put_conds(p, &conds);
    tb_conds_clear(&conds);
    tb_conditioner_clear(&c);
    tb_pcm_clear(&recording);
    return st;
}

tb_status tb_probe_conds(tb_probe *p, tb_err *err)
{
    char *data = NULL;
    size_t size = 0;
    tb_conds conds = {0};
    tb_status st = tb_probe_read(p, "--conds", &data, &size, err);

    if (!st) st = tb_conds_peek(data, size, tb_cli_get(p->cli, "--conds"), &conds, err);
    if (!st) put_conds(p, &conds);
    tb_conds_clear(&conds);
    tb_free(data);
    return st;
}
