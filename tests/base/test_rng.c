#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void splitmix64_gives_its_known_words(void **state)
{
    (void)state;
    uint64_t s = 0;
    assert_true(tb_splitmix64(&s) == 0xE220A8397B1DCDAFu);
    assert_true(tb_splitmix64(&s) == 0x6E789E6AA1B965F4u);
    assert_true(tb_splitmix64(&s) == 0x06C45D188009454Fu);
    assert_true(s == 3 * (uint64_t)0x9E3779B97F4A7C15u);
    assert_true(tb_mix64(0) == 0);
}

static void xoshiro_gives_its_known_words(void **state)
{
    (void)state;
    /* From the state 1, 2, 3, 4: the published first outputs. */
    tb_rng r = {{1, 2, 3, 4}};
    static const uint64_t known[] = {11520u, 0u, 1509978240u, 1215971899390074240u};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_true(tb_rng_next(&r) == known[i]);
}

static void a_seed_gives_the_same_sequence_and_another_a_different_one(void **state)
{
    (void)state;
    tb_rng a, b, c;
    int same = 0;
    tb_rng_seed(&a, 7);
    tb_rng_seed(&b, 7);
    tb_rng_seed(&c, 8);
    for (int i = 0; i < 1000; i++) {
        uint64_t x = tb_rng_next(&a);
        assert_true(x == tb_rng_next(&b));
        same += x == tb_rng_next(&c);
    }
    assert_int_equal(same, 0);
}

static void uniforms_and_normals_stay_in_their_bounds(void **state)
{
    (void)state;
    enum { N = 100000 };
    tb_rng r;
    double sum = 0, squares = 0;
    tb_rng_seed(&r, 1);
    for (int i = 0; i < N; i++) {
        float u = tb_rng_uniform(&r);
        assert_true(u >= 0 && u < 1);
    }
    for (int i = 0; i < N; i++) {
        double x = (double)tb_rng_normal(&r);
        assert_true(x >= -6 && x <= 6);
        sum += x;
        squares += x * x;
    }
    assert_true(sum / N > -0.02 && sum / N < 0.02);
    assert_true(squares / N > 0.97 && squares / N < 1.03);
}

static void a_drawn_seed_fits_a_json_number(void **state)
{
    (void)state;
    uint64_t all = 0;
    for (int i = 0; i < 200; i++) {
        uint64_t x = tb_random_seed();
        assert_true(x <= 9007199254740991u);
        all |= x;
    }
    assert_true(all == 9007199254740991u); /* each bit comes up */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splitmix64_gives_its_known_words),
        cmocka_unit_test(xoshiro_gives_its_known_words),
        cmocka_unit_test(a_seed_gives_the_same_sequence_and_another_a_different_one),
        cmocka_unit_test(uniforms_and_normals_stay_in_their_bounds),
        cmocka_unit_test(a_drawn_seed_fits_a_json_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
