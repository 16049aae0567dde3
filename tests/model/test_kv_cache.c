/*
 * Tests of the KV cache: growth, rows, a prefix before it, sizes that overflow.
 */
#include "model/kv_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LAYERS = 3, HEADS = 2, D = 8 };

/* n rows of (q, k, v), as a network has them side by side; every number another. */
static void fill(float *qkv, size_t n, size_t from)
{
    for (size_t i = 0; i < n * 3 * D; i++)
        qkv[i] = 0.1f + (float)(from * 3 * D + i);
}

static float at(tb_dtype type, const void *rows, size_t i)
{
    float x;
    if (type == TB_F32)
        memcpy(&x, (const float *)rows + i, sizeof x);
    else
        x = tb_f16_to_f32(((const uint16_t *)rows)[i]);
    return x;
}

static void what_is_put_stays_where_it_was_while_the_cache_grows(void **state)
{
    (void)state;
    enum { N = 3 * TB_KV_CACHE_PAGE + 5 };
    static const tb_dtype types[] = {TB_F32, TB_F16};

    for (size_t t = 0; t < 2; t++) {
        tb_kv_cache kv;
        float qkv[3 * D];
        tb_kv_cache_init(&kv, types[t], LAYERS, HEADS, D / HEADS);
        for (size_t i = 0; i < N; i++) {
            assert_int_equal(tb_kv_cache_reserve(&kv, i + 1, NULL), TB_OK);
            for (size_t l = 0; l < LAYERS; l++) {
                fill(qkv, 1, i * LAYERS + l);
                tb_kv_cache_write(&kv, l, i, 1, qkv + D, qkv + 2 * D, 3 * D);
            }
            kv.n++;
        }
        assert_int_equal(kv.cap % TB_KV_CACHE_PAGE, 0);
        assert_true(kv.cap < 2 * N);
        for (size_t i = 0; i < N; i++)
            for (size_t l = 0; l < LAYERS; l++) {
                fill(qkv, 1, i * LAYERS + l);
                for (size_t c = 0; c < D; c++) {
                    float k = qkv[D + c], v = qkv[2 * D + c];
                    if (types[t] == TB_F16) {
                        k = tb_f16_to_f32(tb_f32_to_f16(k));
                        v = tb_f16_to_f32(tb_f32_to_f16(v));
                    }
                    size_t d = D / HEADS,
                           j = c / d * tb_kv_cache_head_stride(&kv, l) + i * d + c % d;
                    assert_true(at(types[t], tb_kv_cache_keys(&kv, l), j) == k);
                    assert_true(at(types[t], tb_kv_cache_values(&kv, l), j) == v);
                }
            }
        tb_kv_cache_clear(&kv);
    }
}

static void rows_put_together_are_the_rows_put_one_by_one(void **state)
{
    (void)state;
    enum { N = 70 };
    float qkv[N * 3 * D];
    tb_kv_cache one, all;
    fill(qkv, N, 0);
    tb_kv_cache_init(&one, TB_F16, 1, HEADS, D / HEADS);
    tb_kv_cache_init(&all, TB_F16, 1, HEADS, D / HEADS);
    assert_int_equal(tb_kv_cache_reserve(&one, N, NULL), TB_OK);
    assert_int_equal(tb_kv_cache_reserve(&all, N, NULL), TB_OK);
    tb_kv_cache_write(&all, 0, 0, N, qkv + D, qkv + 2 * D, 3 * D);
    for (size_t i = 0; i < N; i++)
        tb_kv_cache_write(&one, 0, i, 1, qkv + i * 3 * D + D, qkv + i * 3 * D + 2 * D, 3 * D);
    one.n = all.n = N;
    unsigned char *a = malloc(tb_kv_cache_packed_size(&one)),
                  *b = malloc(tb_kv_cache_packed_size(&all));
    assert_int_equal(tb_kv_cache_packed_size(&one), N * 2 * D * 2);
    tb_kv_cache_pack(&one, 0, a);
    tb_kv_cache_pack(&all, 0, b);
    assert_memory_equal(a, b, tb_kv_cache_packed_size(&all));
    /* And unpacked where there is more room they are the same again. */
    tb_kv_cache more;
    tb_kv_cache_init(&more, TB_F16, 1, HEADS, D / HEADS);
    assert_int_equal(tb_kv_cache_reserve(&more, 3 * N, NULL), TB_OK);
    more.n = N;
    tb_kv_cache_unpack(&more, 0, a);
    memset(b, 0, tb_kv_cache_packed_size(&one));
    tb_kv_cache_pack(&more, 0, b);
    assert_memory_equal(a, b, tb_kv_cache_packed_size(&one));
    assert_true(at(TB_F16, tb_kv_cache_values(&more, 0), tb_kv_cache_head_stride(&more, 0)) ==
                tb_f16_to_f32(tb_f32_to_f16(qkv[2 * D + D / HEADS])));
    free(a);
    free(b);
    tb_kv_cache_clear(&more);
    tb_kv_cache_clear(&one);
    tb_kv_cache_clear(&all);
}

static void what_comes_before_counts_and_is_nobodys_to_free(void **state)
{
    (void)state;
    tb_kv_cache a, b;
    tb_kv_cache_init(&a, TB_F32, LAYERS, HEADS, D / HEADS);
    tb_kv_cache_init(&b, TB_F32, LAYERS, HEADS, D / HEADS);
    assert_int_equal(tb_kv_cache_reserve(&a, 3, NULL), TB_OK);
    a.n = 3;
    b.prefix = &a;
    assert_int_equal(tb_kv_cache_positions(&a), 3);
    assert_int_equal(tb_kv_cache_positions(&b), 3);
    b.n = 2;
    assert_int_equal(tb_kv_cache_positions(&b), 5);
    tb_kv_cache_clear(&b);
    tb_kv_cache_clear(&b);
    assert_non_null(tb_kv_cache_keys(&a, LAYERS - 1));
    tb_kv_cache_clear(&a);
    tb_kv_cache_clear(NULL);
}

static void a_size_that_no_number_holds_is_refused_and_nothing_is_lost(void **state)
{
    (void)state;
    float qkv[3 * D];
    tb_err err;
    tb_kv_cache kv;
    tb_kv_cache_init(&kv, TB_F32, LAYERS, HEADS, D / HEADS);
    assert_int_equal(tb_kv_cache_reserve(&kv, 1, NULL), TB_OK);
    fill(qkv, 1, 1);
    tb_kv_cache_write(&kv, 1, 0, 1, qkv + D, qkv + 2 * D, 3 * D);
    kv.n = 1;
    size_t cap = kv.cap;
    assert_int_equal(tb_kv_cache_reserve(&kv, SIZE_MAX / 8, &err), TB_ENOMEM);
    assert_int_equal(kv.cap, cap);
    assert_true(at(TB_F32, tb_kv_cache_keys(&kv, 1), 0) == qkv[D]);
    tb_kv_cache_clear(&kv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_stays_where_it_was_while_the_cache_grows),
        cmocka_unit_test(rows_put_together_are_the_rows_put_one_by_one),
        cmocka_unit_test(what_comes_before_counts_and_is_nobodys_to_free),
        cmocka_unit_test(a_size_that_no_number_holds_is_refused_and_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
