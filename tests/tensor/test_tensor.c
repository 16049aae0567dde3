/*
 * Tests of number types: halves, bf16, blocks, quantising, ids.
 */
#include "tensor/tensor.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static void names_go_both_ways(void **state)
{
    (void)state;
    tb_dtype type;
    for (unsigned i = 0; i < TB_DTYPE_COUNT; i++) {
        assert_true(tb_dtype_parse(tb_dtype_name((tb_dtype)i), &type));
        assert_int_equal(type, i);
    }
    assert_true(tb_dtype_parse("Q8_0", &type));
    assert_int_equal(type, TB_Q8_0);
    assert_false(tb_dtype_parse("", &type));
    assert_false(tb_dtype_parse("f320", &type));
}

static void every_half_goes_to_f32_and_back(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        const float x = tb_f16_to_f32((uint16_t)h);
        if ((h & 0x7c00) == 0x7c00 && (h & 0x3ff)) {
            assert_true(isnan(x));
            assert_true(isnan(tb_f16_to_f32(tb_f32_to_f16(x))));
        } else {
            assert_int_equal(tb_f32_to_f16(x), h);
        }
    }
    assert_true(tb_f16_to_f32(0x3c00) == 1.0f);
    assert_true(tb_f16_to_f32(0xc000) == -2.0f);
    assert_true(tb_f16_to_f32(0x7bff) == 65504.0f);
    assert_true(tb_f16_to_f32(0x0001) == 0x1p-24f);
    assert_true(tb_f16_to_f32(0x0400) == 0x1p-14f);
    assert_true(isinf(tb_f16_to_f32(0x7c00)));
    assert_int_equal(bits_of(tb_f16_to_f32(0x8000)), 0x80000000u);
}

/* The nearest half, found without the function under test: between two neighbours the middle goes
 * to the even one, anything else to the nearer. */
static void rounding_to_half_is_to_nearest_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7bff; h++) {
        const double low = (double)tb_f16_to_f32((uint16_t)h);
        const double high = (double)tb_f16_to_f32((uint16_t)(h + 1));
        const float middle = (float)((low + high) / 2); /* exact in f32 */
        assert_int_equal(tb_f32_to_f16(middle), h & 1 ? h + 1 : h);
        assert_int_equal(tb_f32_to_f16(float_of(bits_of(middle) - 1)), h);
        assert_int_equal(tb_f32_to_f16(float_of(bits_of(middle) + 1)), h + 1);
        assert_int_equal(tb_f32_to_f16(-middle), 0x8000u | (h & 1 ? h + 1 : h));
    }
    assert_int_equal(tb_f32_to_f16(65519.99f), 0x7bff);
    assert_int_equal(tb_f32_to_f16(65520.0f), 0x7c00);
    assert_int_equal(tb_f32_to_f16(INFINITY), 0x7c00);
    assert_int_equal(tb_f32_to_f16(-INFINITY), 0xfc00);
    assert_int_equal(tb_f32_to_f16(1e-30f), 0);
}

static void bf16_is_the_upper_half_rounded_to_nearest_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        const float x = tb_bf16_to_f32((uint16_t)h);
        assert_int_equal(bits_of(x), h << 16);
        if (isnan(x)) {
            assert_true(isnan(tb_bf16_to_f32(tb_f32_to_bf16(x))));
            continue;
        }
        assert_int_equal(tb_f32_to_bf16(x), h);
        if ((h & 0x7fff) >= 0x7f7f) continue;
        assert_int_equal(tb_f32_to_bf16(float_of(h << 16 | 0x7fff)), h);
        assert_int_equal(tb_f32_to_bf16(float_of(h << 16 | 0x8000)), h + (h & 1));
        assert_int_equal(tb_f32_to_bf16(float_of(h << 16 | 0x8001)), h + 1);
    }
    assert_int_equal(tb_f32_to_bf16(float_of(0x7f7fffff)), 0x7f80); /* the largest rounds up */
    assert_true(isnan(tb_bf16_to_f32(tb_f32_to_bf16(float_of(0x7f800001)))));
}

static void rows_and_shapes_are_counted(void **state)
{
    (void)state;
    char text[80];
    const tb_tensor scalar = {.type = TB_I64};
    const tb_tensor block = {.type = TB_Q4_0, .n_dims = 3, .dim = {5, 3, 64}};
    const tb_tensor huge = {.type = TB_U8,
                            .n_dims = 4,
                            .dim = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX}};

    assert_int_equal(tb_row_bytes(TB_F32, 7), 28);
    assert_int_equal(tb_row_bytes(TB_Q8_0, 64), 68);
    assert_int_equal(tb_row_bytes(TB_Q4_0, 64), 36);
    assert_int_equal(tb_row_bytes(TB_Q8_0, 0), 0);
    assert_int_equal(tb_tensor_count(&scalar), 1);
    assert_int_equal(tb_tensor_bytes(&scalar), 8);
    assert_int_equal(tb_tensor_bytes(&block), 5 * 3 * 36);
    tb_tensor_shape(&scalar, text);
    assert_string_equal(text, "[]");
    tb_tensor_shape(&block, text);
    assert_string_equal(text, "[5, 3, 64]");
    tb_tensor_shape(&huge, text);
    assert_true(strlen(text) < sizeof text);
}

/* One block written down by hand: what other programs read must stand where they look for it. */
static void blocks_are_laid_out_as_ggml_lays_them_out(void **state)
{
    (void)state;
    float x[32] = {0}, back[32];
    uint8_t q8[34], q4[18];

    x[0] = 127.0f; /* d = 1 */
    x[1] = -3.0f;
    x[31] = 64.0f;
    tb_from_f32(TB_Q8_0, x, q8, 32);
    assert_int_equal(q8[0], 0x00);
    assert_int_equal(q8[1], 0x3c);
    assert_int_equal((int8_t)q8[2], 127);
    assert_int_equal((int8_t)q8[3], -3);
    assert_int_equal((int8_t)q8[33], 64);
    tb_to_f32(TB_Q8_0, q8, back, 32);
    assert_memory_equal(back, x, sizeof x);

    memset(x, 0, sizeof x);
    x[0] = -8.0f; /* d = 1 */
    x[1] = 7.0f;
    x[16] = 3.0f; /* shares a byte with x[0] */
    x[31] = -5.0f;
    tb_from_f32(TB_Q4_0, x, q4, 32);
    assert_int_equal(q4[1] << 8 | q4[0], 0x3c00);
    assert_int_equal(q4[2], 0 | (3 + 8) << 4);
    assert_int_equal(q4[3], 15 | 8 << 4);
    assert_int_equal(q4[17], 8 | (8 - 5) << 4);
    tb_to_f32(TB_Q4_0, q4, back, 32);
    assert_memory_equal(back, x, sizeof x);

    x[1] = 9.0f; /* now the largest is positive: d = -9/8, and it is held exactly */
    tb_from_f32(TB_Q4_0, x, q4, 32);
    tb_to_f32(TB_Q4_0, q4, back, 32);
    assert_true(tb_f16_to_f32((uint16_t)(q4[1] << 8 | q4[0])) == -1.125f);
    assert_true(back[1] == 9.0f);
}

static void quantised_numbers_are_within_half_a_step(void **state)
{
    (void)state;
    enum { N = 32 * 200 };
    static float x[N], back[N];
    static uint8_t bytes[N / 32 * 34];

    for (size_t i = 0; i < N; i++)
        x[i] = (float)sin((double)i * 0.7) * powf(10.0f, (float)(i / 32 % 5) - 2.0f);
    tb_from_f32(TB_Q8_0, x, bytes, N);
    tb_to_f32(TB_Q8_0, bytes, back, N);
    for (size_t i = 0; i < N; i++) {
        const float d = tb_f16_to_f32((uint16_t)(bytes[i / 32 * 34 + 1] << 8 | bytes[i / 32 * 34]));
        assert_true(fabsf(back[i] - x[i]) <= 0.5f * d * 1.15f); /* the scale itself is rounded */
    }
    tb_from_f32(TB_Q4_0, x, bytes, N);
    tb_to_f32(TB_Q4_0, bytes, back, N);
    for (size_t i = 0; i < N; i++) {
        float most = 0;
        for (size_t j = i / 32 * 32; j < i / 32 * 32 + 32; j++)
            most = fmaxf(most, fabsf(x[j]));
        /* Half a step; on the side that has only 7 steps, a whole one. */
        assert_true(fabsf(back[i] - x[i]) <= most / 8 * 1.02f);
    }
}

static void what_cannot_be_quantised_does_no_harm(void **state)
{
    (void)state;
    float x[32] = {0}, back[32];
    uint8_t bytes[34];
    static const tb_dtype types[] = {TB_Q8_0, TB_Q4_0};

    for (size_t t = 0; t < 2; t++) {
        tb_from_f32(types[t], x, bytes, 32); /* all zero */
        tb_to_f32(types[t], bytes, back, 32);
        for (size_t i = 0; i < 32; i++)
            assert_true(back[i] == 0.0f);
        x[3] = 1e-30f; /* smaller than the scale can say */
        tb_from_f32(types[t], x, bytes, 32);
        x[3] = NAN; /* no crash; the recipe refuses such numbers before */
        x[4] = INFINITY;
        tb_from_f32(types[t], x, bytes, 32);
        x[3] = x[4] = 0.0f;
    }
    tb_from_f32(TB_F32, NULL, NULL, 0);
    tb_to_f32(TB_F32, NULL, NULL, 0);
}

static void ids_become_floats(void **state)
{
    (void)state;
    const int32_t i32[] = {-5, 6561};
    const int64_t i64[] = {-1, 1 << 20};
    const uint8_t u8[] = {0, 255};
    float x[2];

    tb_to_f32(TB_I32, i32, x, 2);
    assert_true(x[0] == -5.0f && x[1] == 6561.0f);
    tb_to_f32(TB_I64, i64, x, 2);
    assert_true(x[0] == -1.0f && x[1] == 1048576.0f);
    tb_to_f32(TB_U8, u8, x, 2);
    assert_true(x[0] == 0.0f && x[1] == 255.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(every_half_goes_to_f32_and_back),
        cmocka_unit_test(rounding_to_half_is_to_nearest_even),
        cmocka_unit_test(bf16_is_the_upper_half_rounded_to_nearest_even),
        cmocka_unit_test(rows_and_shapes_are_counted),
        cmocka_unit_test(blocks_are_laid_out_as_ggml_lays_them_out),
        cmocka_unit_test(quantised_numbers_are_within_half_a_step),
        cmocka_unit_test(what_cannot_be_quantised_does_no_harm),
        cmocka_unit_test(ids_become_floats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
