#include "golden.h"

#include "audio/wav.h"
#include "base/file.h"
#include "base/mem.h"
#include "dsp/bank.h"
#include "dsp/lufs.h"
#include "dsp/mel.h"
#include "dsp/sinc.h"
#include "dsp/trim.h"
#include "model/front.h"
#include "signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/*
 * The front end against the reference's own arrays, on eight seconds of made speech, stereo at 44.1
 * kHz. The recording knows no error of a float run; the tolerances are those that were set for each
 * array when it was made, some ten times what the reference is off by itself.
 *
 * soxr gives the same bits with the library of the recording (0.1.3); another build of it may not.
 */
static const double EXACT = 0, SOXR = 1e-6;

typedef struct {
    golden g;
    tb_pcm mono;
    tb_front front;
} fixture;

static int set_up(void **state)
{
    fixture *f = tb_alloc(sizeof *f);
    char *bytes = NULL;
    size_t size = 0;
    golden_open(&f->g, "cond_dsp");
    assert_int_equal(tb_file_read(TB_TEST_DATA "/golden/cond_ref.wav", 1 << 24, &bytes, &size,
                                  NULL),
                     TB_OK);
    assert_int_equal(tb_wav_read(bytes, size, 100, &f->mono, NULL), TB_OK);
    tb_free(bytes);
    assert_int_equal(tb_front_make(&f->mono, NULL, NULL, &f->front, NULL), TB_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    tb_front_clear(&f->front);
    tb_pcm_clear(&f->mono);
    golden_close(&f->g);
    tb_free(f);
    return 0;
}

static const tb_json *recorded(const fixture *f, const char *name)
{
    const tb_json *v = tb_json_get(tb_json_get(f->g.json, "main"), name);
    assert_non_null(v);
    return v;
}

static double recorded_number(const fixture *f, const char *name)
{
    assert_true(tb_json_is_number(recorded(f, name)));
    return tb_json_number(recorded(f, name));
}

static void channels_become_one_at_the_files_rate(void **state)
{
    fixture *f = *state;
    assert_int_equal(f->mono.rate_hz, recorded_number(f, "sr_in"));
    assert_int_equal(f->mono.len, recorded_number(f, "n_in"));
    golden_compare(&f->g, "mono_0_8192", f->mono.data, 1, 8192, false, EXACT);
}

static void every_rate_comes_to_24_kilohertz(void **state)
{
    static const int rates[] = {8000, 16000, 22050, 32000, 48000, 96000};
    fixture *f = *state;
    const tb_json *cases = tb_json_get(f->g.json, "resample_cases");
    tb_pcm out = {0};
    assert_int_equal(tb_json_len(cases), 6);
    for (size_t i = 0; i < 6; i++) {
        const tb_json *c = tb_json_at(cases, i);
        char *name = tb_sprintf("soxr_%d_24000", rates[i]);
        tb_pcm in = {.data = f->mono.data + tb_json_integer(tb_json_get(c, "start")),
                     .len = (size_t)tb_json_integer(tb_json_get(c, "n")),
                     .rate_hz = rates[i]};
        assert_int_equal(tb_json_integer(tb_json_get(c, "rate")), rates[i]);
        assert_int_equal(tb_resample_ceil(&in, 24000, &out, NULL), TB_OK);
        golden_compare(&f->g, name, out.data, 1, out.len, false, SOXR);
        tb_pcm_clear(&out);
        tb_free(name);
    }
    assert_int_equal(tb_resample_ceil(&f->mono, 24000, &out, NULL), TB_OK);
    golden_compare(&f->g, "wav24_pre", out.data, 1, out.len, false, SOXR);
    tb_pcm_clear(&out);
}

static void loudness_is_measured_as_the_reference_does(void **state)
{
    fixture *f = *state;
    const tb_json *want = recorded(f, "blockwise_lufs");
    size_t len = 0, n = 0;
    const float *pre = golden_f32(&f->g, "wav24_pre", &len);
    double *blocks = NULL, lufs = 0;
    float *weighted = tb_alloc(len * sizeof *weighted);

    tb_lufs_weight(pre, len, 24000, weighted);
    golden_compare(&f->g, "kweighted_60000_62048", weighted + 60000, 1, 2048, false, 1e-7);
    n = tb_lufs_blocks(len, 24000);
    assert_int_equal(n, tb_json_len(want));
    blocks = tb_alloc(n * sizeof *blocks);
    assert_int_equal(tb_lufs_measure(pre, len, 24000, &lufs, blocks, NULL), TB_OK);
    for (size_t j = 0; j < n; j++)
        assert_close(blocks[j], tb_json_number(tb_json_at(want, j)), 1e-5);
    assert_close(lufs, recorded_number(f, "lufs"), 1e-5);

    assert_close(f->front.lufs, recorded_number(f, "lufs"), 1e-5);
    assert_close(f->front.gain, recorded_number(f, "gain"), 2e-7);
    golden_compare(&f->g, "wav24_norm_60000_68192", f->front.w24.data + 60000, 1, 8192, false,
                   SOXR);
    tb_free(blocks);
    tb_free(weighted);
}

static void both_roads_to_16_kilohertz(void **state)
{
    fixture *f = *state;
    float kernel[2][TB_SINC_TAPS];
    assert_int_equal(f->front.w24.len, recorded_number(f, "n24"));
    assert_int_equal(f->front.d24_len, recorded_number(f, "n24_dec"));
    golden_compare(&f->g, "wav16_soxr", f->front.w16.data, 1, f->front.w16.len, false, SOXR);
    tb_sinc_kernel(kernel);
    golden_compare(&f->g, "ta_kernel", kernel[0], 2, TB_SINC_TAPS, false, 3e-8);
    golden_compare(&f->g, "wav16_ta", f->front.d16.data, 1, f->front.d16.len, false, 1e-6);
}

static void filterbanks_and_windows(void **state)
{
    fixture *f = *state;
    tb_bank bank = {0};
    tb_bank_slaney(&bank, 80, 1920, 24000, 8000);
    golden_compare(&f->g, "mel24_fb", bank.w, bank.bands, bank.bins, false, 2e-8);
    tb_bank_clear(&bank);
    tb_bank_slaney(&bank, 128, 400, 16000, 8000);
    golden_compare(&f->g, "s3_mel_fb", bank.w, bank.bands, bank.bins, false, 2e-8);
    tb_bank_clear(&bank);
    tb_bank_slaney(&bank, 40, 400, 16000, 8000);
    golden_compare(&f->g, "ve_mel_fb", bank.w, bank.bands, bank.bins, false, 2e-8);
    tb_bank_clear(&bank);
    tb_bank_kaldi(&bank, 80, 512, 16000, 20, 8000); /* in float there: 1.4e-5 off */
    golden_compare(&f->g, "kaldi_mel_banks", bank.w, bank.bands, bank.bins, false, 5e-5);
    tb_bank_clear(&bank);

    float window[400];
    tb_mel_fbank_window(window);
    golden_compare(&f->g, "povey_window", window, 1, 400, false, 5e-7); /* 1.9e-7 off there */
}

static void the_acoustic_decoders_mel(void **state)
{
    fixture *f = *state;
    const tb_frames *m = &f->front.mel24;
    assert_int_equal(m->rows, recorded_number(f, "mel24_frames"));
    golden_compare(&f->g, "mel24", m->data, m->rows, m->cols, false, 1e-4);
}

static void the_tokenizers_mel_for_either_prompt(void **state)
{
    fixture *f = *state;
    const tb_frames *a = &f->front.s3_prompt, *b = &f->front.s3_flow;
    assert_int_equal(a->rows, recorded_number(f, "s3_logmel_frames_t3"));
    assert_int_equal(b->rows, recorded_number(f, "s3_logmel_frames_gen"));
    golden_compare(&f->g, "s3_logmel_t3", a->data, a->rows, a->cols, true, 3e-5);
    golden_compare(&f->g, "s3_logmel_gen", b->data, b->rows, b->cols, true, 3e-5);
}

/* With the reference's own filterbank and window in place of ours the mel is the recorded one too.
 */
static void the_tokenizers_own_tables(void **state)
{
    fixture *f = *state;
    float window[400];
    tb_front own = {0};
    for (int i = 0; i < 400; i++)
        window[i] = (float)(0.5 - 0.5 * cos(2 * SIGNAL_PI * i / 400));
    tb_front_tables tables = {golden_f32(&f->g, "s3_mel_fb", NULL), window};
    assert_int_equal(tb_front_make(&f->mono, &tables, NULL, &own, NULL), TB_OK);
    golden_compare(&f->g, "s3_logmel_t3", own.s3_prompt.data, own.s3_prompt.rows,
                   own.s3_prompt.cols, true, 3e-5);
    tb_front_clear(&own);
}

static void the_voice_encoders_mel_without_silent_ends(void **state)
{
    fixture *f = *state;
    const tb_frames *m = &f->front.ve;
    const tb_json *trim = recorded(f, "ve_trim");
    size_t n = tb_trim_frames(f->front.w16.len);
    float *rms = tb_alloc(n * sizeof *rms);
    tb_trim_powers(f->front.w16.data, f->front.w16.len, rms);
    for (size_t i = 0; i < n; i++)
        rms[i] = sqrtf(rms[i]);
    golden_compare(&f->g, "ve_trim_rms", rms, 1, n, false, 1e-7);
    assert_int_equal(f->front.ve_start, tb_json_integer(tb_json_at(trim, 0)));
    assert_int_equal(f->front.ve_end, tb_json_integer(tb_json_at(trim, 1)));
    assert_int_equal(m->rows, recorded_number(f, "ve_frames"));
    golden_compare(&f->g, "ve_mel", m->data, m->rows, m->cols, false,
                   2e-6 * 5.94); /* its maximum */
    tb_free(rms);
}

static void the_speaker_networks_filterbank(void **state)
{
    fixture *f = *state;
    const tb_frames *m = &f->front.fbank;
    float *raw = tb_alloc(m->rows * m->cols * sizeof *raw);
    assert_int_equal(m->rows, recorded_number(f, "kaldi_frames"));
    assert_int_equal(tb_mel_fbank(f->front.d16.data, f->front.d16.len, raw, NULL), TB_OK);
    golden_compare(&f->g, "kaldi_fbank_raw", raw, m->rows, m->cols, false, 1e-3);
    golden_compare(&f->g, "kaldi_fbank_cmn", m->data, m->rows, m->cols, false, 1e-3);
    tb_free(raw);
}

/* Last: nothing that was recorded has been left out. */
static void every_array_has_been_compared(void **state)
{
    fixture *f = *state;
    assert_int_equal(f->g.compared, tb_weights_count(f->g.tensors) + 1); /* s3_logmel_t3 twice */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_become_one_at_the_files_rate),
        cmocka_unit_test(every_rate_comes_to_24_kilohertz),
        cmocka_unit_test(loudness_is_measured_as_the_reference_does),
        cmocka_unit_test(both_roads_to_16_kilohertz),
        cmocka_unit_test(filterbanks_and_windows),
        cmocka_unit_test(the_acoustic_decoders_mel),
        cmocka_unit_test(the_tokenizers_mel_for_either_prompt),
        cmocka_unit_test(the_tokenizers_own_tables),
        cmocka_unit_test(the_voice_encoders_mel_without_silent_ends),
        cmocka_unit_test(the_speaker_networks_filterbank),
        cmocka_unit_test(every_array_has_been_compared),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
