/*
 * Tests of the flow: threads, inputs, bounds, cancelling, noise by position, wrong weights.
 */
#include "model/flow.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "s3gen_help.h"

static const tb_flow_hparams tiny = {.enc_heads = TINY_ENC_HEADS, .est_heads = TINY_EST_HEADS};

enum { N_PROMPT = 4, N = 6, T = 2 * (N_PROMPT + N), F = 2 * N_PROMPT, MELS = 80 };

typedef struct {
    tb_weights *weights;
    tb_flow flow;
    tb_nn nn;
    int32_t prompt[N_PROMPT], tokens[N];
    float prompt_mel[(F + 1) * MELS], embedding[192], noise[T * MELS];
    tb_flow_input in;
} fixture;

static fixture fix;

static int open_model(void **state)
{
    (void)state;
    fix.weights = tiny_s3gen(TB_F32);
    fix.nn.scratch = tb_scratch_new();
    return tb_flow_bind(&fix.flow, fix.weights, &tiny, NULL);
}

static int close_model(void **state)
{
    (void)state;
    tb_flow_clear(&fix.flow);
    tb_flow_clear(&fix.flow); /* an empty one is fine */
    tb_scratch_free(fix.nn.scratch);
    tb_weights_free(fix.weights);
    return 0;
}

static int fresh_input(void **state)
{
    (void)state;
    for (int i = 0; i < N_PROMPT; i++)
        fix.prompt[i] = 100 + i;
    for (int i = 0; i < N; i++)
        fix.tokens[i] = 6560 - 7 * i;
    normals("mel", -5, 3, fix.prompt_mel, (F + 1) * MELS);
    normals("speaker", 0, 1, fix.embedding, 192);
    tb_flow_noise("noise", 0, T, MELS, fix.noise);
    fix.nn = (tb_nn){.scratch = fix.nn.scratch};
    fix.in = (tb_flow_input){.prompt = fix.prompt,
                             .n_prompt = N_PROMPT,
                             .prompt_mel = fix.prompt_mel,
                             .prompt_frames = F,
                             .embedding = fix.embedding,
                             .tokens = fix.tokens,
                             .n = N,
                             .noise = fix.noise};
    return 0;
}

static void all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_true(isfinite(x[i]));
}

static void run(float *mel)
{
    tb_err err = {0};
    const size_t mark = tb_scratch_mark(fix.nn.scratch);

    if (tb_flow_run(&fix.flow, &fix.nn, &fix.in, NULL, mel, &err)) fail_msg("%s", err.msg);
    assert_int_equal(tb_scratch_mark(fix.nn.scratch), mark);
}

static void the_number_of_threads_changes_no_bit(void **state)
{
    static float one[T * MELS], three[T * MELS];

    (void)state;
    run(one);
    assert_int_equal(tb_thread_pool_new(3, &fix.nn.pool, NULL), TB_OK);
    run(three);
    tb_thread_pool_free(fix.nn.pool);
    assert_memory_equal(one, three, (T - F) * MELS * sizeof *one);
}

static void everything_that_goes_in_has_a_say(void **state)
{
    static float before[T * MELS], after[T * MELS];

    (void)state;
    run(before);
    for (int what = 0; what < 5; what++) {
        fresh_input(NULL);
        if (what == 0) fix.prompt[0]++;
        if (what == 1) fix.prompt_mel[0] += 1;
        if (what == 2) fix.embedding[0] += 1;
        if (what == 3) fix.tokens[N - 1]++;
        if (what == 4) fix.noise[0] += 1; /* of a prompt frame */
        run(after);
        assert_memory_not_equal(before, after, (T - F) * MELS * sizeof *before);
    }
    fresh_input(NULL);
    for (size_t i = 0; i < 192; i++)
        fix.embedding[i] *= 2; /* its length has none */
    run(after);
    assert_memory_equal(before, after, (T - F) * MELS * sizeof *before);
}

static void a_prompt_is_no_must_and_no_limit(void **state)
{
    static float mel[T * MELS];

    (void)state;
    fix.in.n_prompt = fix.in.prompt_frames = 0;
    fix.in.prompt = NULL;
    fix.in.prompt_mel = NULL;
    fix.in.n = 1;
    assert_int_equal(tb_flow_frames(&fix.in), 2);
    run(mel);
    all_finite(mel, 2 * MELS);
    memset(fix.embedding, 0, sizeof fix.embedding); /* no direction: the bias alone */
    run(mel);
    all_finite(mel, 2 * MELS);

    fresh_input(NULL);
    fix.in.prompt_frames = F + 1; /* the prompt's last frame covers the first to be made */
    assert_int_equal(tb_flow_frames(&fix.in), T - F - 1);
    run(mel);
    all_finite(mel, (T - F - 1) * MELS);
}

static void what_cannot_be_spoken_is_refused(void **state)
{
    static float mel[T * MELS];
    tb_err err = {0};

    (void)state;
    fix.tokens[2] = (int32_t)fix.flow.vocab;
    assert_int_equal(tb_flow_run(&fix.flow, &fix.nn, &fix.in, NULL, mel, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "6561"));
    fix.tokens[2]--;
    fix.prompt[0] = -1;
    assert_int_equal(tb_flow_run(&fix.flow, &fix.nn, &fix.in, NULL, mel, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "-1"));

    fresh_input(NULL);
    fix.in.prompt_frames = T; /* not read: refused before */
    assert_int_equal(tb_flow_frames(&fix.in), 0);
    assert_int_equal(tb_flow_run(&fix.flow, &fix.nn, &fix.in, NULL, mel, &err), TB_EINVAL);
    fix.in.n = fix.in.n_prompt = fix.in.prompt_frames = 0;
    assert_int_equal(tb_flow_run(&fix.flow, &fix.nn, &fix.in, NULL, mel, &err), TB_EINVAL);
}

static void it_stops_within_a_block(void **state)
{
    static float mel[T * MELS];
    static const char *const at[] = {"enc.block0", "enc.up_block1", "est.s0.down.tb0",
                                     "est.s0.mid1.tb0", "est.s1.up.tb0"};

    (void)state;
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        canceller c = {.trace = {.put = canceller_put, .self = &c}, .at = at[i]};
        tb_err err = {0};
        const size_t mark = tb_scratch_mark(fix.nn.scratch);

        fix.nn.trace = &c.trace;
        assert_int_equal(tb_flow_run(&fix.flow, &fix.nn, &fix.in, &c.cancel, mel, &err),
                         TB_ECANCELLED);
        assert_int_equal(c.after, 0);
        assert_int_equal(tb_scratch_mark(fix.nn.scratch), mark);
    }
}

static void noise_goes_by_position(void **state)
{
    float whole[20 * MELS], part[5 * MELS];
    double sum = 0, squares = 0;

    (void)state;
    tb_flow_noise("timbre/1/0/flow", 0, 20, MELS, whole);
    tb_flow_noise("timbre/1/0/flow", 15, 5, MELS, part);
    assert_memory_equal(whole + 15 * MELS, part, sizeof part);
    tb_flow_noise("timbre/2/0/flow", 15, 5, MELS, part);
    assert_memory_not_equal(whole + 15 * MELS, part, sizeof part);
    for (size_t i = 0; i < 20 * MELS; i++) {
        sum += (double)whole[i];
        squares += (double)whole[i] * (double)whole[i];
    }
    assert_true(fabs(sum / (20 * MELS)) < 0.1); /* four standard errors */
    assert_true(fabs(squares / (20 * MELS) - 1) < 0.15);
}

static void a_wrong_file_is_told_by_the_first_thing_wrong(void **state)
{
    static const float zeros[4096];
    static const struct {
        const char *without, *with;
        tb_tensor t;
        const char *said;
    } cases[] = {
        {"flow.encoder.up_layer.conv.bias", NULL, {0}, "flow.encoder.up_layer.conv.bias"},
        {"flow.decoder.estimator.mid_blocks.1.1.0.norm3.weight", NULL, {0}, "mid_blocks.1.1.0"},
        {"flow.input_embedding.weight", NULL, {0}, "flow.input_embedding.weight"},
        {NULL, "flow.more", {TB_F32, 1, {4}, zeros}, "flow.more"},
        {"flow.encoder.encoders.1.self_attn.pos_bias_v",
         "flow.encoder.encoders.1.self_attn.pos_bias_v",
         {TB_F32, 2, {4, 8}, zeros},
         "pos_bias_v is f32 of shape [4, 8]"},
        {"flow.encoder.encoders.0.self_attn.pos_bias_u",
         "flow.encoder.encoders.0.self_attn.pos_bias_u",
         {TB_F32, 0, {0}, zeros},
         "pos_bias_u"},
        {"flow.decoder.estimator.mid_blocks.0.1.1.attn1.to_k.weight",
         "flow.decoder.estimator.mid_blocks.0.1.1.attn1.to_k.weight",
         {TB_F32, 2, {48, 32}, zeros},
         "mid_blocks.0.1.1.attn1.to_k"},
        {"flow.decoder.estimator.time_mlp.linear_1.weight",
         "flow.decoder.estimator.time_mlp.linear_1.weight",
         {TB_F32, 2, {128, 3}, zeros},
         "sines"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tb_weights *w = changed(fix.weights, cases[i].without, cases[i].with, &cases[i].t);
        tb_flow flow = {0};
        tb_err err = {0};

        assert_int_equal(tb_flow_bind(&flow, w, &tiny, &err), TB_EMODEL);
        if (!strstr(err.msg, cases[i].said)) fail_msg("'%s' in '%s'", cases[i].said, err.msg);
        assert_null(flow.encoder);
        tb_weights_free(w);
    }
}

static void heads_are_taken_from_shapes_or_checked(void **state)
{
    tb_flow flow = {0};
    tb_err err = {0};

    (void)state;
    assert_int_equal(tb_flow_bind(&flow, fix.weights, &(tb_flow_hparams){.enc_heads = 4}, &err),
                     TB_EMODEL);
    assert_non_null(strstr(err.msg, "4 heads"));
    assert_int_equal(tb_flow_bind(&flow, fix.weights, &(tb_flow_hparams){.est_heads = 5}, &err),
                     TB_EMODEL);
    assert_non_null(strstr(err.msg, "5 heads"));
    assert_int_equal(tb_flow_bind(&flow, fix.weights, NULL, NULL), TB_OK); /* 64 wide: one head */
    tb_flow_clear(&flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_number_of_threads_changes_no_bit, fresh_input),
        cmocka_unit_test_setup(everything_that_goes_in_has_a_say, fresh_input),
        cmocka_unit_test_setup(a_prompt_is_no_must_and_no_limit, fresh_input),
        cmocka_unit_test_setup(what_cannot_be_spoken_is_refused, fresh_input),
        cmocka_unit_test_setup(it_stops_within_a_block, fresh_input),
        cmocka_unit_test(noise_goes_by_position),
        cmocka_unit_test(a_wrong_file_is_told_by_the_first_thing_wrong),
        cmocka_unit_test(heads_are_taken_from_shapes_or_checked),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
