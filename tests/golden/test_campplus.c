/*
 * CAM++ against recordings of the reference, and its sizes, short inputs and types.
 */
#include "model/campplus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conditioning.h"

/* A reduced network (16 bands, 8 channels more per layer, all 52 layers) on recordings of 237, 200
 * and 61 frames: a second segment cut short, exactly one, and one cut short. */
static const char TINY[] = TB_TEST_DATA "/golden/cond_tiny.safetensors";

static const double STAGES = 1e-4; /* ten times what f32 does to the reference itself */
static const tight closer[] = {{"embedding", 2e-5}, {0}};

typedef struct {
    golden g;
    tb_weights *weights;
    tb_campplus net;
    tb_nn nn;
} fixture;

static int open_f32(void **state)
{
    static fixture f;
    tb_err err = {0};
    memset(&f, 0, sizeof f);
    golden_open(&f.g, "cond_tiny");
    f.weights = cond_weights(TINY, "tiny_campplus/w/", NULL, TB_F32);
    if (tb_campplus_bind(f.weights, &f.net, &err)) fail_msg("%s", err.msg);
    f.nn = (tb_nn){.scratch = tb_scratch_new()};
    *state = &f;
    return 0;
}

static int close_all(void **state)
{
    fixture *f = *state;
    tb_scratch_free(f->nn.scratch);
    tb_campplus_clear(&f->net);
    tb_weights_free(f->weights);
    golden_close(&f->g);
    return 0;
}

static void run_case(fixture *f, const char *prefix, size_t threads, size_t traced)
{
    cond_trace trace;
    tb_err err = {0};
    float out[24];
    f->g.prefix = prefix;
    f->g.compared = 0;
    cond_listen(&trace, &f->g, STAGES, closer);
    tb_nn nn = {.scratch = f->nn.scratch, .trace = &trace.trace};
    if (tb_thread_pool_new(threads, &nn.pool, &err)) fail_msg("%s", err.msg);
    tb_campplus_run(&f->net, &nn, golden_f32(&f->g, "feat", NULL), golden_dim(&f->g, "feat", 0),
                    out);
    golden_compare(&f->g, "embedding", out, 1, 24, false, closer[0].tolerance);
    assert_int_equal(f->g.compared, traced + 1);
    tb_thread_pool_free(nn.pool);
}

static void a_recording_becomes_the_recorded_vector(void **state)
{
    run_case(*state, "tiny_campplus/c0/", 1, 19);
}

static void a_recording_of_one_segment_too(void **state)
{
    run_case(*state, "tiny_campplus/c1/", 2, 5);
}

static void a_short_recording_too(void **state)
{
    run_case(*state, "tiny_campplus/c2/", 1, 5);
}

static void the_sizes_are_the_tensors(void **state)
{
    const fixture *f = *state;
    assert_int_equal(f->net.bands, 16);
    assert_int_equal(f->net.dim, 24);
    assert_int_equal(f->net.blocks[0].n_layers, 12);
    assert_int_equal(f->net.blocks[1].n_layers, 24);
    assert_int_equal(f->net.blocks[2].n_layers, 16);
    assert_int_equal(f->net.blocks[2].C_out, 252);
}

static void the_shortest_recording_has_a_vector(void **state)
{
    fixture *f = *state;
    float x[TB_CAMPPLUS_MIN_FRAMES * 16] = {0}, out[24];
    x[5] = 1;
    tb_campplus_run(&f->net, &f->nn, x, TB_CAMPPLUS_MIN_FRAMES, out);
    for (size_t i = 0; i < 24; i++)
        assert_true(isfinite(out[i]));
}

/* Stored in f16, computed in f32. */
static void weights_in_f16_are_computed_in_f32(void **state)
{
    fixture *f = *state;
    tb_campplus net = {0};
    tb_err err = {0};
    float out[24];
    tb_weights *w = cond_weights(TINY, "tiny_campplus/w/", NULL, TB_F16);
    if (tb_campplus_bind(w, &net, &err)) fail_msg("%s", err.msg);
    assert_int_equal(net.dense.type, TB_F16);
    f->g.prefix = "tiny_campplus/c0/";
    tb_campplus_run(&net, &f->nn, golden_f32(&f->g, "feat", NULL), golden_dim(&f->g, "feat", 0),
                    out);
    golden_compare(&f->g, "embedding", out, 1, 24, false, 5e-3);
    tb_campplus_clear(&net);
    tb_weights_free(w);
}

/* A set like the fixture's, less one name or with one tensor changed. */
static void refused(const fixture *f, const char *name, const tb_tensor *instead)
{
    tb_weights *w = tb_weights_new("broken");
    tb_campplus net = {0};
    tb_err err = {0};
    for (size_t i = 0; i < tb_weights_count(f->weights); i++) {
        const char *at = tb_weights_name(f->weights, i);
        const tb_tensor *t = strcmp(at, name) ? tb_weights_at(f->weights, i) : instead;
        if (t) assert_int_equal(tb_weights_add(w, at, t, NULL, &err), TB_OK);
    }
    assert_int_equal(tb_campplus_bind(w, &net, &err), TB_EMODEL);
    if (!strstr(err.msg, name)) fail_msg("'%s' does not name %s", err.msg, name);
    assert_null(net.conv1.norm.scale);
    tb_weights_free(w);
}

static void weights_that_do_not_fit_are_refused_by_name(void **state)
{
    const fixture *f = *state;
    const char *conv = "speaker_encoder.head.layer1.0.conv1.weight";
    const char *norm = "xv.block2.tdnnd7.nl1.bn.running_var";
    tb_tensor t = *tb_weights_find(f->weights, conv);

    refused(f, "speaker_encoder.head.conv1.weight", NULL);
    refused(f, "speaker_encoder.head.layer2.0.shortcut.0.weight", NULL);
    refused(f, "xv.block1.tdnnd1.linear1.weight", NULL);
    refused(f, "xv.dense.nl.bn.running_mean", NULL);
    refused(f, norm, NULL);
    t.dim[1] = 1;
    refused(f, conv, &t);
    t.dim[1] = 3;
    t.type = TB_I32;
    refused(f, conv, &t);
    t.type = TB_F32;
    t.n_dims = 3;
    refused(f, conv, &t);
    t = *tb_weights_find(f->weights, norm);
    t.dim[0]--;
    refused(f, norm, &t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recording_becomes_the_recorded_vector),
        cmocka_unit_test(a_recording_of_one_segment_too),
        cmocka_unit_test(a_short_recording_too),
        cmocka_unit_test(the_sizes_are_the_tensors),
        cmocka_unit_test(the_shortest_recording_has_a_vector),
        cmocka_unit_test(weights_in_f16_are_computed_in_f32),
        cmocka_unit_test(weights_that_do_not_fit_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, open_f32, close_all);
}
