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

/* The way from a recording to the conditionals with networks that hear as many bands as the
 * published ones, but are thin: what fits where, what is refused, what stops. The numbers of the
 * published sizes are in test_full_conditioner.c. */

enum { WIDE = 64, IMAGE = 4, TRUNK = 8, MORE = 4, MEMORY = 8, DIM = 6 };

static void add(tb_weights *w, const char *name, const size_t dim[4], float mean, float scale)
{
    tb_tensor t = {.type = TB_F32};
    tb_err err = {0};
    size_t n = 1;
    while (t.n_dims < 4 && dim[t.n_dims]) {
        t.dim[t.n_dims] = dim[t.n_dims];
        n *= dim[t.n_dims++];
    }
    float *x = tb_alloc(n * sizeof *x);
    golden_noise(name, mean, scale, x, n);
    t.data = x;
    if (tb_weights_add(w, name, &t, x, &err)) fail_msg("%s", err.msg);
}

#define ADD(w, scale, name, ...) add((w), (name), (const size_t[4]){__VA_ARGS__}, 0, (scale))

static void add_norm(tb_weights *w, const char *name, size_t n, bool plain)
{
    static const struct {
        const char *part;
        float mean, scale;
    } parts[] = {{"running_mean", 0, 0.2F},
                 {"running_var", 1, 0.1F},
                 {"weight", 1, 0.1F},
                 {"bias", 0, 0.2F}};
    for (size_t i = 0; i < (plain ? 2 : 4); i++) {
        char full[128];
        snprintf(full, sizeof full, "%s.%s", name, parts[i].part);
        add(w, full, (const size_t[4]){n}, parts[i].mean, parts[i].scale);
    }
}

static void add_tokenizer(tb_weights *w, size_t bands)
{
    static const char *const square[] = {"attn.query", "attn.key", "attn.value", "attn.out"};
    char name[128];
    ADD(w, 0.1F, "tokenizer.encoder.conv1.weight", WIDE, 3, bands);
    ADD(w, 0.1F, "tokenizer.encoder.conv1.bias", WIDE);
    ADD(w, 0.1F, "tokenizer.encoder.conv2.weight", WIDE, 3, WIDE);
    ADD(w, 0.1F, "tokenizer.encoder.conv2.bias", WIDE);
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "tokenizer.encoder.blocks.0.%s.weight", square[i]);
        ADD(w, 0.2F, name, WIDE, WIDE);
        snprintf(name, sizeof name, "tokenizer.encoder.blocks.0.%s.bias", square[i]);
        if (i != 1) ADD(w, 0.1F, name, WIDE);
    }
    ADD(w, 0.1F, "tokenizer.encoder.blocks.0.attn.fsmn_block.weight", WIDE, 31, 1);
    ADD(w, 1, "tokenizer.encoder.blocks.0.attn_ln.weight", WIDE);
    ADD(w, 1, "tokenizer.encoder.blocks.0.attn_ln.bias", WIDE);
    ADD(w, 1, "tokenizer.encoder.blocks.0.mlp_ln.weight", WIDE);
    ADD(w, 1, "tokenizer.encoder.blocks.0.mlp_ln.bias", WIDE);
    ADD(w, 0.2F, "tokenizer.encoder.blocks.0.mlp.0.weight", 2 * WIDE, WIDE);
    ADD(w, 0.1F, "tokenizer.encoder.blocks.0.mlp.0.bias", 2 * WIDE);
    ADD(w, 0.2F, "tokenizer.encoder.blocks.0.mlp.2.weight", WIDE, 2 * WIDE);
    ADD(w, 0.1F, "tokenizer.encoder.blocks.0.mlp.2.bias", WIDE);
    ADD(w, 0.2F, "tokenizer.quantizer._codebook.project_down.weight", 8, WIDE);
    ADD(w, 0.1F, "tokenizer.quantizer._codebook.project_down.bias", 8);
}

static void add_speaker_network(tb_weights *w)
{
    char name[128];
    ADD(w, 0.5F, "speaker_encoder.head.conv1.weight", IMAGE, 3, 3, 1);
    add_norm(w, "speaker_encoder.head.bn1", IMAGE, false);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 1; k <= 2; k++) {
            snprintf(name, sizeof name, "speaker_encoder.head.layer%zu.%zu.conv%zu.weight",
                     i / 2 + 1, i % 2, k);
            ADD(w, 0.3F, name, IMAGE, 3, 3, IMAGE);
            snprintf(name, sizeof name, "speaker_encoder.head.layer%zu.%zu.bn%zu", i / 2 + 1, i % 2,
                     k);
            add_norm(w, name, IMAGE, false);
        }
    ADD(w, 0.5F, "speaker_encoder.head.layer1.0.shortcut.0.weight", IMAGE, 1, 1, IMAGE);
    add_norm(w, "speaker_encoder.head.layer1.0.shortcut.1", IMAGE, false);
    ADD(w, 0.5F, "speaker_encoder.head.layer2.0.shortcut.0.weight", IMAGE, 1, 1, IMAGE);
    add_norm(w, "speaker_encoder.head.layer2.0.shortcut.1", IMAGE, false);
    ADD(w, 0.3F, "speaker_encoder.head.conv2.weight", IMAGE, 3, 3, IMAGE);
    add_norm(w, "speaker_encoder.head.bn2", IMAGE, false);
    ADD(w, 0.2F, "xv.tdnn.linear.weight", TRUNK, 5, IMAGE * 10);
    add_norm(w, "xv.tdnn.nl.bn", TRUNK, false);
    size_t C = TRUNK;
    for (size_t b = 1; b <= 3; b++) {
        static const struct {
            const char *part;
            size_t dim[4];
        } parts[] = {{"cam_layer.linear_local.weight", {MORE, 3, TRUNK}},
                     {"cam_layer.linear1.weight", {TRUNK / 2, 1, TRUNK}},
                     {"cam_layer.linear1.bias", {TRUNK / 2}},
                     {"cam_layer.linear2.weight", {MORE, 1, TRUNK / 2}},
                     {"cam_layer.linear2.bias", {MORE}}};
        snprintf(name, sizeof name, "xv.block%zu.tdnnd1.nl1.bn", b);
        add_norm(w, name, C, false);
        snprintf(name, sizeof name, "xv.block%zu.tdnnd1.linear1.weight", b);
        ADD(w, 0.3F, name, TRUNK, 1, C);
        snprintf(name, sizeof name, "xv.block%zu.tdnnd1.nl2.bn", b);
        add_norm(w, name, TRUNK, false);
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            snprintf(name, sizeof name, "xv.block%zu.tdnnd1.%s", b, parts[i].part);
            add(w, name, parts[i].dim, 0, 0.3F);
        }
        C += MORE;
        snprintf(name, sizeof name, "xv.transit%zu.nl.bn", b);
        add_norm(w, name, C, false);
        snprintf(name, sizeof name, "xv.transit%zu.linear.weight", b);
        ADD(w, 0.3F, name, C / 2, 1, C);
        C /= 2;
    }
    add_norm(w, "xv.out_nonlinear.bn", C, false);
    ADD(w, 0.3F, "xv.dense.linear.weight", DIM, 1, 2 * C);
    add_norm(w, "xv.dense.nl.bn", DIM, true);
}

static void add_voice_encoder(tb_weights *w)
{
    ADD(w, 0.5F, "ve.lstm.weight_ih_l0", 4 * MEMORY, 40);
    ADD(w, 0.5F, "ve.lstm.weight_hh_l0", 4 * MEMORY, MEMORY);
    ADD(w, 0.1F, "ve.lstm.bias_ih_l0", 4 * MEMORY);
    ADD(w, 0.1F, "ve.lstm.bias_hh_l0", 4 * MEMORY);
    ADD(w, 0.5F, "ve.proj.weight", DIM, MEMORY);
    ADD(w, 0.5F, "ve.proj.bias", DIM);
    ADD(w, 1, "ve.similarity_weight", 1); /* there, and used by nobody */
    ADD(w, 1, "ve.similarity_bias", 1);
}

typedef struct {
    tb_weights *weights;
    tb_conditioner c;
    tb_nn nn;
    tb_pcm recording; /* 8.03 s at 44.1 kHz */
} fixture;

static int set_up(void **state)
{
    fixture *f = tb_alloc(sizeof *f);
    tb_err err = {0};
    char *bytes = NULL;
    size_t size = 0;
    f->weights = tb_weights_new("thin networks");
    add_tokenizer(f->weights, 128);
    add_speaker_network(f->weights);
    add_voice_encoder(f->weights);
    if (tb_conditioner_bind(f->weights, &f->c, &err)) fail_msg("%s", err.msg);
    f->nn = (tb_nn){.scratch = tb_scratch_new()};
    if (tb_file_read(TB_TEST_DATA "/golden/cond_ref.wav", 1 << 24, &bytes, &size, &err) ||
        tb_wav_read(bytes, size, 100, &f->recording, &err))
        fail_msg("%s", err.msg);
    tb_free(bytes);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    tb_pcm_clear(&f->recording);
    tb_scratch_free(f->nn.scratch);
    tb_conditioner_clear(&f->c);
    tb_weights_free(f->weights);
    tb_free(f);
    return 0;
}

static void a_recording_becomes_conditionals_of_the_right_sizes(void **state)
{
    fixture *f = *state;
    tb_conds conds = {0};
    tb_err err = {0};
    if (tb_conditioner_run(&f->c, &f->nn, &f->recording, NULL, &conds, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(conds.n_t3_prompt, 201); /* 803 frames */
    assert_int_equal(conds.n_prompt, 200);    /* 192721 samples / 960 */
    assert_int_equal(conds.prompt_frames, 401);
    assert_int_equal(conds.mels, 80);
    assert_int_equal(conds.embedding_dim, DIM);
    assert_int_equal(conds.speaker_dim, DIM);
    double square = 0;
    for (size_t i = 0; i < DIM; i++)
        square += (double)conds.speaker[i] * (double)conds.speaker[i];
    assert_true(fabs(square - 1) < 1e-5);
    /* What a voice's file is checked for, this passes. */
    void *kept = NULL;
    size_t size = 0;
    tb_conds again = {0};
    assert_int_equal(tb_conds_pack(&conds, &kept, &size, &err), TB_OK);
    assert_int_equal(tb_conds_unpack(kept, size, &again, &err), TB_OK);
    tb_conds_clear(&again);
    tb_free(kept);
    tb_conds_clear(&conds);
}

static void the_same_recording_gives_the_same_bits_on_any_number_of_threads(void **state)
{
    fixture *f = *state;
    tb_conds one = {0}, three = {0};
    tb_nn nn = {.scratch = f->nn.scratch};
    tb_err err = {0};
    assert_int_equal(tb_conditioner_run(&f->c, &f->nn, &f->recording, NULL, &one, &err), TB_OK);
    assert_int_equal(tb_thread_pool_new(3, &nn.pool, &err), TB_OK);
    assert_int_equal(tb_conditioner_run(&f->c, &nn, &f->recording, NULL, &three, &err), TB_OK);
    assert_memory_equal(one.t3_prompt, three.t3_prompt, one.n_t3_prompt * sizeof(int32_t));
    assert_memory_equal(one.prompt, three.prompt, one.n_prompt * sizeof(int32_t));
    assert_memory_equal(one.embedding, three.embedding, DIM * sizeof(float));
    assert_memory_equal(one.speaker, three.speaker, DIM * sizeof(float));
    tb_thread_pool_free(nn.pool);
    tb_conds_clear(&one);
    tb_conds_clear(&three);
}

static void a_recording_too_short_or_of_no_sound_is_refused(void **state)
{
    fixture *f = *state;
    tb_conds conds = {0};
    tb_err err = {0};
    tb_pcm part = f->recording;
    part.len = 5 * 44100 - 1; /* one more, and rounding makes 120001 at 24 kHz of it */
    assert_int_equal(tb_conditioner_run(&f->c, &f->nn, &part, NULL, &conds, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "5 s"));
    part.len = 0;
    assert_int_equal(tb_conditioner_run(&f->c, &f->nn, &part, NULL, &conds, &err), TB_EINVAL);
    assert_null(conds.speaker);
}

/* Listens to the networks and sets the flag at the n-th array. */
typedef struct {
    tb_trace trace;
    tb_cancel cancel;
    size_t heard, at;
} stopper;

static void hear(void *self, const char *name, const float *x, size_t rows, size_t cols,
                 bool transposed)
{
    stopper *s = self;
    (void)name, (void)x, (void)rows, (void)cols, (void)transposed;
    if (++s->heard == s->at) tb_cancel_set(&s->cancel);
}

static void a_job_that_is_stopped_ends_within_a_block(void **state)
{
    fixture *f = *state;
    stopper s = {.trace = {.put = hear, .self = &s}};
    const tb_nn nn = {.scratch = f->nn.scratch, .trace = &s.trace};
    tb_conds conds = {0};
    tb_err err = {0};
    assert_int_equal(tb_conditioner_run(&f->c, &nn, &f->recording, &s.cancel, &conds, &err), TB_OK);
    const size_t all = s.heard;
    tb_conds_clear(&conds);
    const size_t places[] = {1, all / 4, all / 2, all * 3 / 4, all - 1};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        s = (stopper){.trace = {.put = hear, .self = &s}, .at = places[i]};
        assert_int_equal(tb_conditioner_run(&f->c, &nn, &f->recording, &s.cancel, &conds, &err),
                         TB_ECANCELLED);
        assert_null(conds.speaker);
        assert_true(s.heard <= places[i] + 30); /* a block, and the end of its network */
        /* Set from the start: no network says anything. */
        const size_t before = s.heard;
        assert_int_equal(tb_conditioner_run(&f->c, &nn, &f->recording, &s.cancel, &conds, &err),
                         TB_ECANCELLED);
        assert_int_equal(s.heard, before);
    }
}

static void networks_that_hear_something_else_are_refused(void **state)
{
    (void)state;
    tb_weights *w = tb_weights_new("other bands");
    tb_conditioner c = {0};
    tb_err err = {0};
    add_tokenizer(w, 96);
    add_speaker_network(w);
    assert_int_equal(tb_conditioner_bind(w, &c, &err), TB_EMODEL);
    assert_non_null(strstr(err.msg, "ve."));
    add_voice_encoder(w);
    assert_int_equal(tb_conditioner_bind(w, &c, &err), TB_EMODEL);
    assert_non_null(strstr(err.msg, "96 bands"));
    assert_null(c.tok.blocks);
    tb_weights_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recording_becomes_conditionals_of_the_right_sizes),
        cmocka_unit_test(the_same_recording_gives_the_same_bits_on_any_number_of_threads),
        cmocka_unit_test(a_recording_too_short_or_of_no_sound_is_refused),
        cmocka_unit_test(a_job_that_is_stopped_ends_within_a_block),
        cmocka_unit_test(networks_that_hear_something_else_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
