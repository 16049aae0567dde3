#include "model/conditioner.h"

#include "audio/wav.h"
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conditioning.h"

/* Conditioning at its published size with seeded weights: the two big networks stage by stage on
 * the reference's own spectrograms, then all of it from the recording. (The voice encoder's stages
 * are in test_ve.c: it is small enough to be made there.) */

enum { TOK_STAGES = 11, SPK_STAGES = 15 };

/* Tolerances that were set for each group when it was recorded: ten times what f32 does to the
 * reference itself; end to end, five times that for another FFT. */
static const double TOK = 2e-4, SPK = 1e-4, MARGIN = 5e-5;
static const double EMBEDDING = 1e-4, SPEAKER = 1e-5, MEL = 1e-4;
static const tight tok_closer[] = {{"project_down", 5e-5}, {0}};
static const tight spk_closer[] = {{"embedding", 2e-5}, {0}};

typedef struct {
    bool there; /* the seeded model */
    golden full, dsp;
    tb_weights *weights;
    tb_conditioner c;
    tb_nn nn;
    tb_pcm recording;
} fixture;

static int set_up(void **state)
{
    fixture *f = tb_alloc(sizeof *f);
    tb_layout_source src = {0};
    tb_err err = {0};
    char *bytes = NULL;
    size_t size = 0;
    *state = f;
    const char *dir = golden_seeded_dir();
    if (!dir) return 0;
    f->there = true;
    golden_open(&f->full, "cond_full");
    golden_open(&f->dsp, "cond_dsp");
    char *s3gen = tb_path_join(dir, "s3gen_meanflow.safetensors");
    char *ve = tb_path_join(dir, "ve.safetensors");
    if (tb_safetensors_open(s3gen, &src.s3gen, &err) || tb_safetensors_open(ve, &src.ve, &err) ||
        tb_layout_build(&src, TB_F32, dir, &f->weights, &err) ||
        tb_conditioner_bind(f->weights, &f->c, &err) || tb_thread_pool_new(2, &f->nn.pool, &err) ||
        tb_file_read(TB_TEST_DATA "/golden/cond_ref.wav", 1 << 24, &bytes, &size, &err) ||
        tb_wav_read(bytes, size, 100, &f->recording, &err))
        fail_msg("%s", err.msg);
    f->nn.scratch = tb_scratch_new();
    tb_free(bytes);
    tb_free(ve);
    tb_free(s3gen);
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    tb_scratch_free(f->nn.scratch);
    tb_thread_pool_free(f->nn.pool);
    tb_pcm_clear(&f->recording);
    tb_conditioner_clear(&f->c);
    tb_weights_free(f->weights);
    if (f->there) {
        golden_close(&f->full);
        golden_close(&f->dsp);
    }
    tb_free(f);
    return 0;
}

/* The recorded spectrogram, (bands, frames), through the tokenizer. */
static void tokenize(fixture *f, const tb_nn *nn, const char *mel, const char *tokens,
                     const char *margins)
{
    float *x = cond_turned(&f->dsp, mel);
    const size_t frames = golden_dim(&f->dsp, mel, 1), n = tb_s3tok_len(frames);
    size_t n_want, n_margins;
    int32_t *want = golden_ids(&f->full, tokens, &n_want), *got = tb_alloc(n * sizeof *got);
    const float *recorded = golden_f32(&f->full, margins, &n_margins);
    float *margin = tb_alloc(n * sizeof *margin);

    tb_s3tok_run(&f->c.tok, nn, x, frames, got, margin);
    assert_int_equal(n_margins, n);
    assert_true(n_want <= n);
    cond_compare_tokens(got, want, recorded, n_want);
    golden_compare(&f->full, margins, margin, 1, n, false, MARGIN);
    tb_free(margin);
    tb_free(got);
    tb_free(want);
    tb_free(x);
}

static void the_tokenizer_says_what_was_recorded(void **state)
{
    fixture *f = *state;
    if (!f->there) skip();
    cond_trace trace;
    golden stages = f->full; /* the same recording, names without their prefix */
    stages.prefix = "tok/";
    stages.compared = 0;
    cond_listen(&trace, &stages, TOK, tok_closer);
    trace.sampled = true;
    const tb_nn nn = {.pool = f->nn.pool, .scratch = f->nn.scratch, .trace = &trace.trace};
    tokenize(f, &nn, "s3_logmel_t3", "main/t3_tokens", "main/t3_margin");
    assert_int_equal(stages.compared, TOK_STAGES);
    assert_non_null(f->c.tok.filters); /* the model's own, which the front end is given */
    assert_non_null(f->c.tok.window);
}

static void the_tokenizer_says_it_of_the_other_resampler_too(void **state)
{
    fixture *f = *state;
    if (!f->there) skip();
    tokenize(f, &f->nn, "s3_logmel_gen", "main/prompt_token", "main/prompt_margin");
}

static void the_speaker_network_says_what_was_recorded(void **state)
{
    fixture *f = *state;
    if (!f->there) skip();
    cond_trace trace;
    golden stages = f->full;
    stages.prefix = "spk/";
    stages.compared = 0;
    cond_listen(&trace, &stages, SPK, spk_closer);
    trace.sampled = true;
    const tb_nn nn = {.pool = f->nn.pool, .scratch = f->nn.scratch, .trace = &trace.trace};
    float *out = tb_alloc(f->c.campplus.dim * sizeof *out);
    tb_campplus_run(&f->c.campplus, &nn, golden_f32(&f->dsp, "kaldi_fbank_cmn", NULL),
                    golden_dim(&f->dsp, "kaldi_fbank_cmn", 0), out);
    assert_int_equal(stages.compared, SPK_STAGES);
    golden_compare(&f->full, "main/embedding", out, 1, f->c.campplus.dim, false, 2e-5);
    tb_free(out);
}

/* Tokens, x-vector and speaker of a recording, names with a prefix. Gives the conditionals back. */
static tb_conds condition(fixture *f, const tb_pcm *recording, const char *prefix)
{
    tb_conds c = {0};
    tb_err err = {0};
    size_t n_t3, n_prompt;
    if (tb_conditioner_run(&f->c, &f->nn, recording, NULL, &c, &err)) fail_msg("%s", err.msg);
    f->full.prefix = prefix;
    int32_t *t3 = golden_ids(&f->full, "t3_tokens", &n_t3);
    int32_t *prompt = golden_ids(&f->full, "prompt_token", &n_prompt);
    assert_int_equal(c.n_t3_prompt, n_t3);
    assert_int_equal(c.n_prompt, n_prompt);
    cond_compare_tokens(c.t3_prompt, t3, golden_f32(&f->full, "t3_margin", NULL), n_t3);
    cond_compare_tokens(c.prompt, prompt, golden_f32(&f->full, "prompt_margin", NULL), n_prompt);
    golden_compare(&f->full, "embedding", c.embedding, 1, c.embedding_dim, false, EMBEDDING);
    golden_compare(&f->full, "speaker_emb", c.speaker, 1, c.speaker_dim, false, SPEAKER);
    assert_int_equal(c.mels, 80);
    f->full.prefix = "";
    tb_free(prompt);
    tb_free(t3);
    return c;
}

static void a_recording_becomes_the_recorded_conditionals(void **state)
{
    fixture *f = *state;
    if (!f->there) skip();
    tb_conds c = condition(f, &f->recording, "main/");
    golden_compare(&f->dsp, "mel24", c.prompt_mel, c.prompt_frames, c.mels, false, MEL);
    tb_conds_clear(&c);
}

/* The recording twice: past the 10 s of the one prompt and the 15 s of the other. */
static void a_longer_one_is_cut_where_the_reference_cuts_it(void **state)
{
    fixture *f = *state;
    if (!f->there) skip();
    tb_pcm twice = {0};
    assert_int_equal(tb_pcm_init(&twice, 0, f->recording.rate_hz, NULL), TB_OK);
    assert_int_equal(tb_pcm_append(&twice, f->recording.data, f->recording.len, NULL), TB_OK);
    assert_int_equal(tb_pcm_append(&twice, f->recording.data, f->recording.len, NULL), TB_OK);
    tb_conds c = condition(f, &twice, "long/");
    assert_int_equal(c.prompt_frames, 500);
    golden_compare(&f->full, "long/prompt_feat_last8", c.prompt_mel + 492 * c.mels, 8, c.mels,
                   false, MEL);
    tb_conds_clear(&c);
    tb_pcm_clear(&twice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tokenizer_says_what_was_recorded),
        cmocka_unit_test(the_tokenizer_says_it_of_the_other_resampler_too),
        cmocka_unit_test(the_speaker_network_says_what_was_recorded),
        cmocka_unit_test(a_recording_becomes_the_recorded_conditionals),
        cmocka_unit_test(a_longer_one_is_cut_where_the_reference_cuts_it),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
