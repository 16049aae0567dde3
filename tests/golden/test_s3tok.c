/*
 * The speech tokenizer against recordings of the reference, and its sizes, bounds and types.
 */
#include "model/s3tok.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conditioning.h"

/* A reduced network (32 bands, 128 channels, 2 heads, 2 blocks) on recordings of 101 and 38 frames.
 */
static const char TINY[] = TB_TEST_DATA "/golden/cond_tiny.safetensors";
enum { TRACED = 15 }; /* traced of each recording, tokens and input aside */

/* f32 of the reference is off by 1e-5 from its own f64; another order of sums is allowed ten times
 * that. */
static const double STAGES = 2e-4;
static const tight closer[] = {{"project_down", 5e-5}, {0}};

typedef struct {
    golden g;
    tb_weights *weights;
    tb_s3tok tok;
    tb_nn nn;
} fixture;

static void open_as(fixture *f, tb_dtype type)
{
    tb_err err = {0};
    golden_open(&f->g, "cond_tiny");
    f->weights = cond_weights(TINY, "tiny_s3tok/w/", NULL, type);
    if (tb_s3tok_bind(f->weights, 2, &f->tok, &err)) fail_msg("%s", err.msg);
    f->nn = (tb_nn){.scratch = tb_scratch_new()};
}

static int open_f32(void **state)
{
    static fixture f;
    memset(&f, 0, sizeof f);
    open_as(&f, TB_F32);
    *state = &f;
    return 0;
}

static int close_all(void **state)
{
    fixture *f = *state;
    tb_scratch_free(f->nn.scratch);
    tb_s3tok_clear(&f->tok);
    tb_weights_free(f->weights);
    golden_close(&f->g);
    return 0;
}

static void run_case(fixture *f, const char *prefix, size_t threads)
{
    cond_trace trace;
    tb_err err = {0};
    size_t n;
    f->g.prefix = prefix;
    f->g.compared = 0;
    const size_t frames = golden_dim(&f->g, "mel", 1);
    cond_listen(&trace, &f->g, STAGES, closer);
    tb_nn nn = {.scratch = f->nn.scratch, .trace = &trace.trace};
    if (tb_thread_pool_new(threads, &nn.pool, &err)) fail_msg("%s", err.msg);

    float *mel = cond_turned(&f->g, "mel");
    int32_t *want = golden_ids(&f->g, "tokens", &n);
    int32_t *got = tb_alloc(n * sizeof *got);
    float *margins = tb_alloc(n * sizeof *margins);
    assert_int_equal(tb_s3tok_len(frames), n);
    tb_s3tok_run(&f->tok, &nn, mel, frames, got, margins);
    cond_compare_tokens(got, want, NULL, n);
    assert_int_equal(f->g.compared, TRACED);

    const float *e = golden_f32(&f->g, "project_down", NULL);
    for (size_t t = 0; t < n; t++) {
        float least = 1;
        for (size_t j = 0; j < f->tok.digits; j++)
            least = fminf(least, fabsf(fabsf(tanhf(e[t * f->tok.digits + j]) * 0.999F) - 0.5F));
        assert_true(fabsf(margins[t] - least) < 5e-5F);
    }
    tb_free(margins);
    tb_free(got);
    tb_free(want);
    tb_free(mel);
    tb_thread_pool_free(nn.pool);
}

static void a_clip_becomes_the_recorded_tokens(void **state)
{
    run_case(*state, "tiny_s3tok/c0/", 1);
}

static void a_shorter_clip_too(void **state)
{
    run_case(*state, "tiny_s3tok/c1/", 2);
}

static void the_sizes_are_the_tensors(void **state)
{
    const fixture *f = *state;
    assert_int_equal(f->tok.bands, 32);
    assert_int_equal(f->tok.C, 128);
    assert_int_equal(f->tok.n_blocks, 2);
    assert_int_equal(f->tok.k, 31);
    assert_int_equal(f->tok.digits, 8);
    assert_int_equal(f->tok.vocab, 6561);
    assert_null(f->tok.filters); /* the reduced network has none of its own */
}

/* The reference takes its powers of 10000 in f32: the last bit of one, times the position. */
static void the_rotation_is_the_recorded_one(void **state)
{
    fixture *f = *state;
    enum { T = 32, HALF = 32 };
    float cosines[T * HALF], sines[T * HALF];
    f->g.prefix = "tiny_s3tok/";
    const float *c = golden_f32(&f->g, "rope_cos_0_32", NULL); /* each twice: (32, 64) */
    const float *s = golden_f32(&f->g, "rope_sin_0_32", NULL);
    tb_s3tok_rope(T, HALF, cosines, sines);
    for (size_t t = 0; t < T; t++)
        for (size_t i = 0; i < HALF; i++) {
            assert_true(fabsf(cosines[t * HALF + i] - c[t * 2 * HALF + i]) < 1e-6F);
            assert_true(fabsf(sines[t * HALF + i] - s[t * 2 * HALF + i]) < 1e-6F);
        }
}

static void four_frames_are_a_token(void **state)
{
    (void)state;
    assert_int_equal(tb_s3tok_len(1), 1);
    assert_int_equal(tb_s3tok_len(4), 1);
    assert_int_equal(tb_s3tok_len(5), 2);
    assert_int_equal(tb_s3tok_len(1500), 375);
}

/* One frame, and numbers that no recording has: a token comes out, whatever it means. */
static void any_numbers_become_tokens(void **state)
{
    fixture *f = *state;
    float mel[32];
    int32_t token = -1;
    const float values[] = {0, 1e30F, -1e30F, INFINITY, NAN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        for (size_t m = 0; m < 32; m++)
            mel[m] = values[i];
        tb_s3tok_run(&f->tok, &f->nn, mel, 1, &token, NULL);
        assert_in_range(token, 0, 6560);
    }
}

/* Stored in f16, computed in f32: the numbers are near, and most tokens stay. */
static void weights_in_f16_are_computed_in_f32(void **state)
{
    (void)state;
    fixture f = {0};
    size_t n, same = 0;
    open_as(&f, TB_F16);
    f.g.prefix = "tiny_s3tok/c0/";
    assert_int_equal(f.tok.blocks[0].query.type, TB_F16);
    cond_trace trace;
    cond_listen(&trace, &f.g, 2e-2, NULL);
    f.nn.trace = &trace.trace;
    float *mel = cond_turned(&f.g, "mel");
    int32_t *want = golden_ids(&f.g, "tokens", &n);
    int32_t *got = tb_alloc(n * sizeof *got);
    tb_s3tok_run(&f.tok, &f.nn, mel, golden_dim(&f.g, "mel", 1), got, NULL);
    for (size_t i = 0; i < n; i++)
        same += got[i] == want[i];
    assert_true(same + 2 >= n);
    tb_free(got);
    tb_free(want);
    tb_free(mel);
    void *self = &f;
    close_all(&self);
}

/* A set like the fixture's, less one name or with one tensor changed. */
static void refused(const fixture *f, const char *name, const tb_tensor *instead, size_t heads,
                    const char *sentence)
{
    tb_weights *w = tb_weights_new("broken");
    tb_s3tok tok = {0};
    tb_err err = {0};
    for (size_t i = 0; i < tb_weights_count(f->weights); i++) {
        const char *at = tb_weights_name(f->weights, i);
        const tb_tensor *t = tb_weights_at(f->weights, i);
        if (name && !strcmp(at, name)) t = instead;
        if (t) assert_int_equal(tb_weights_add(w, at, t, NULL, &err), TB_OK);
    }
    assert_int_equal(tb_s3tok_bind(w, heads, &tok, &err), TB_EMODEL);
    if (!strstr(err.msg, sentence)) fail_msg("'%s' does not say '%s'", err.msg, sentence);
    assert_null(tok.blocks);
    tb_weights_free(w);
}

static void weights_that_do_not_fit_are_refused_by_name(void **state)
{
    const fixture *f = *state;
    const char *memory = "tokenizer.encoder.blocks.1.attn.fsmn_block.weight";
    const char *query = "tokenizer.encoder.blocks.0.attn.query.weight";
    tb_tensor t = *tb_weights_find(f->weights, query);

    refused(f, "tokenizer.encoder.conv1.weight", NULL, 2, "conv1.weight");
    refused(f, "tokenizer.encoder.blocks.0.attn_ln.weight", NULL, 2, "blocks.0.attn_ln.weight");
    refused(f, query, NULL, 2, query);
    t.dim[0] = 64;
    refused(f, query, &t, 2, query);
    t = *tb_weights_find(f->weights, memory);
    t.dim[1] = 29; /* another length than that of block 0 */
    refused(f, memory, &t, 2, memory);
    t.dim[1] = 30;
    refused(f, memory, &t, 2, memory);
    t.dim[1] = 31;
    t.type = TB_I64;
    refused(f, memory, &t, 2, memory);
    refused(f, NULL, NULL, 3, "3 heads");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clip_becomes_the_recorded_tokens),
        cmocka_unit_test(a_shorter_clip_too),
        cmocka_unit_test(the_sizes_are_the_tensors),
        cmocka_unit_test(the_rotation_is_the_recorded_one),
        cmocka_unit_test(four_frames_are_a_token),
        cmocka_unit_test(any_numbers_become_tokens),
        cmocka_unit_test(weights_in_f16_are_computed_in_f32),
        cmocka_unit_test(weights_that_do_not_fit_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, open_f32, close_all);
}
