/*
 * Tests of binding weights by name: views, mismatches, unused tensors.
 */
#include "nn/bind.h"

#include "weights_help.h"

#include <setjmp.h>

#include <cmocka.h>

static made file;
static tb_weights *weights;

static int set_up(void **state)
{
    (void)state;
    const uint16_t halves[64] = {0};
    const int64_t id = 3;
    weights = NULL;
    made_init(&file);
    made_ramp(&file, "net.fc.weight", "[2,3]", 6, 1.0f);
    made_ramp(&file, "net.fc.bias", "[2]", 2, 10.0f);
    made_ramp(&file, "net.conv.weight", "[4,3,2]", 24, 1.0f);
    made_ramp(&file, "net.conv.bias", "[3]", 3, 1.0f); /* one too few */
    made_ramp(&file, "net.image.weight", "[2,3,3,2]", 36, 1.0f);
    made_ramp(&file, "net.tall", "[1,5,1]", 5, 1.0f);
    made_ramp(&file, "net.scalar", "[]", 1, 7.0f);
    made_ramp(&file, "net.none", "[0]", 0, 1.0f);
    made_add(&file, "net.half.weight", "F16", "[2,32]", halves, sizeof halves);
    made_add(&file, "net.half.bias", "F16", "[2]", halves, 4);
    made_add(&file, "net.id.weight", "I64", "[1,1]", &id, sizeof id);
    return made_open(&file, "model.safetensors", &weights, NULL) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    tb_weights_free(weights);
    made_clear(&file);
    return 0;
}

static tb_err err;

static tb_bind begin(const char *prefix)
{
    err = (tb_err){0};
    return (tb_bind){.weights = weights, .prefix = prefix, .err = &err};
}

static void what_fits_is_viewed(void **state)
{
    (void)state;
    tb_bind b = begin("net.");

    tb_mat fc = tb_bind_mat(&b, 2, 3, true, "fc");
    assert_int_equal(b.status, TB_OK);
    assert_int_equal(fc.type, TB_F32);
    assert_int_equal(fc.N, 2);
    assert_int_equal(fc.K, 3);
    assert_false(fc.exact);
    assert_true(((const float *)fc.rows)[5] == 6.0f);
    assert_true(fc.bias[1] == 20.0f);

    tb_conv conv = tb_bind_conv(&b, 4, 3, 2, false, "con%c", 'v');
    assert_int_equal(conv.k, 3);
    assert_int_equal(conv.C, 2);
    assert_int_equal(conv.w.N, 4);
    assert_int_equal(conv.w.K, 6);
    assert_null(conv.w.bias);

    tb_mat flat = tb_bind_mat(&b, 4, 6, false, "conv"); /* a convolution's rows as a matrix */
    assert_int_equal(flat.K, 6);
    tb_mat image = tb_bind_mat(&b, 2, 18, false, "image");
    assert_int_equal(image.K, 18);
    tb_mat half = tb_bind_mat(&b, 0, 0, false, "half");
    assert_int_equal(half.type, TB_F16);
    assert_int_equal(half.N, 2);
    assert_int_equal(half.K, 32);

    assert_true(tb_bind_vec(&b, 5, "tall")[4] == 5.0f);
    assert_true(tb_bind_vec(&b, 0, "tall")[4] == 5.0f);
    assert_true(tb_bind_vec(&b, 1, "scalar")[0] == 7.0f);
    assert_int_equal(tb_bind_tensor(&b, "id.weight")->type, TB_I64);
    assert_true(tb_bind_has(&b, "fc.weight"));
    assert_false(tb_bind_has(&b, "fd.weight"));
    assert_int_equal(b.status, TB_OK);
}

/* Each of them is the first failure of a new walk. */
static void expect(tb_bind *b, const char *sentence)
{
    assert_int_equal(b->status, TB_EMODEL);
    assert_int_equal(err.status, TB_EMODEL);
    assert_string_equal(err.msg, sentence);
    *b = begin(b->prefix);
}

static void what_does_not_fit_is_said(void **state)
{
    (void)state;
    tb_bind b = begin("net.");

    assert_null(tb_bind_tensor(&b, "layer.%d.weight", 3));
    expect(&b, "model.safetensors has no net.layer.3.weight");
    assert_null(tb_bind_vec(&b, 1024, "fc.bias"));
    expect(&b, "model.safetensors: net.fc.bias has shape [2], wanted [1024]");
    assert_null(tb_bind_vec(&b, 0, "fc.weight")); /* two axes */
    expect(&b, "model.safetensors: net.fc.weight has shape [2, 3], wanted [any]");
    assert_null(tb_bind_vec(&b, 0, "none"));
    expect(&b, "model.safetensors: net.none has shape [0], wanted [any]");
    assert_null(tb_bind_vec(&b, 2, "half.bias"));
    expect(&b, "model.safetensors: net.half.bias is of type f16, wanted f32");
    assert_null(tb_bind_mat(&b, 2, 4, false, "fc").rows);
    expect(&b, "model.safetensors: net.fc.weight has shape [2, 3], wanted [2, 4]");
    assert_null(tb_bind_mat(&b, 0, 7, false, "conv").rows);
    expect(&b, "model.safetensors: net.conv.weight has shape [4, 3, 2], wanted [any, 7]");
    assert_null(tb_bind_mat(&b, 2, 32, true, "half").rows); /* its bias is f16 */
    expect(&b, "model.safetensors: net.half.bias is of type f16, wanted f32");
    assert_null(tb_bind_mat(&b, 0, 0, true, "image").rows);
    expect(&b, "model.safetensors has no net.image.bias");
    assert_null(tb_bind_mat(&b, 0, 0, false, "id").rows);
    expect(&b, "model.safetensors: net.id.weight is of type i64, wanted a type of weights");
    assert_null(tb_bind_conv(&b, 4, 3, 2, true, "conv").w.rows);
    expect(&b, "model.safetensors: net.conv.bias has shape [3], wanted [4]");
    assert_null(tb_bind_conv(&b, 0, 5, 2, false, "conv").w.rows);
    expect(&b, "model.safetensors: net.conv.weight has shape [4, 3, 2], wanted [any, 5, 2]");
    assert_null(tb_bind_conv(&b, 0, 0, 0, false, "fc").w.rows);
    expect(&b, "model.safetensors: net.fc.weight has shape [2, 3], wanted [any, any, any]");
}

static void the_first_failure_sticks(void **state)
{
    (void)state;
    tb_bind b = begin("net.");

    tb_bind_vec(&b, 3, "fc.bias");
    assert_null(tb_bind_tensor(&b, "fc.weight"));
    assert_null(tb_bind_mat(&b, 2, 3, true, "fc").rows);
    assert_null(tb_bind_vec(&b, 1, "nothing"));
    tb_bind_nothing_left(&b);
    assert_non_null(strstr(err.msg, "net.fc.bias"));
    b.err = NULL; /* may be */
    b.status = TB_OK;
    assert_null(tb_bind_vec(&b, 1, "nothing"));
    assert_int_equal(b.status, TB_EMODEL);
}

static void what_nobody_asked_for_is_found(void **state)
{
    (void)state;
    tb_bind b = begin("net.");

    tb_bind_nothing_left(&b);
    expect(&b, "model.safetensors has a tensor that nothing here uses: net.fc.weight");
    for (size_t i = 0; i < tb_weights_count(weights); i++)
        if (i != 3) tb_weights_mark(weights, tb_weights_at(weights, i));
    tb_bind_nothing_left(&b);
    expect(&b, "model.safetensors has a tensor that nothing here uses: net.conv.bias");
    tb_bind_tensor(&b, "conv.bias");
    tb_bind_nothing_left(&b);
    assert_int_equal(b.status, TB_OK);
    b = begin("other.");
    tb_bind_nothing_left(&b);
    assert_int_equal(b.status, TB_OK);
}

/* A set made of several files: the sentence names the one that has to be looked at. */
static void the_file_that_a_tensor_came_from_is_named(void **state)
{
    (void)state;
    tb_weights *all = tb_weights_new("models/turbo");
    tb_err e = {0};
    tb_bind b = {.weights = all, .err = &e};

    tb_weights_from(all, weights);
    assert_int_equal(tb_weights_add(all, "v", tb_weights_find(weights, "net.tall"), NULL, &e),
                     TB_OK);
    tb_bind_vec(&b, 6, "v");
    assert_string_equal(e.msg, "model.safetensors: v has shape [1, 5, 1], wanted [6]");
    b.status = TB_OK;
    tb_bind_vec(&b, 6, "u");
    assert_string_equal(e.msg, "models/turbo has no u");
    tb_weights_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_fits_is_viewed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_failure_sticks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_nobody_asked_for_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_file_that_a_tensor_came_from_is_named, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
