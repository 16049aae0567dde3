/*
 * Edges of the sampler: neutral parameters, ties, large vocabularies, penalties, empty results.
 */
/* The sampler's quirks, each by hand; whole distributions are compared in the golden test. */
#include "model/sampler.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/counter.h"
#include "params/params.h"

enum { N = 8, BIG = 6563 };

static bool process(tb_sampler_params params, const int32_t *history, size_t n_history, float *x,
                    size_t n)
{
    tb_sampler *s = tb_sampler_new(&params, n);
    for (size_t i = 0; i < n_history; i++)
        tb_sampler_record(s, history[i]);
    bool left = tb_sampler_process(s, x);
    tb_sampler_free(s);
    return left;
}

static size_t left_in(const float *x, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        kept += x[i] > -INFINITY;
    return kept;
}

static const tb_sampler_params nothing = {.temperature = 1, .top_p = 1, .repetition_penalty = 1};

static void parameters_that_do_nothing_do_nothing(void **state)
{
    (void)state;
    const float logits[N] = {3, -1, 0, 2, -INFINITY, 7, 7, -8};
    float x[N];
    memcpy(x, logits, sizeof x);
    assert_true(process(nothing, (int32_t[]){0, 1}, 2, x, N));
    assert_memory_equal(x, logits, sizeof x);
}

static void temperature_zero_is_no_scaling(void **state)
{
    (void)state;
    float x[N] = {3, -1, 0, 2}, y[N] = {3, -1, 0, 2};
    tb_sampler_params params = nothing;
    params.temperature = 0;
    assert_true(process(params, NULL, 0, x, N));
    assert_memory_equal(x, y, sizeof x);
    params.temperature = 0.5;
    assert_true(process(params, NULL, 0, x, N));
    for (size_t i = 0; i < N; i++)
        assert_true(x[i] == 2 * y[i]);
}

static void ties_with_the_kth_largest_stay(void **state)
{
    (void)state;
    tb_sampler_params params = nothing;
    for (size_t k = 1; k <= N + 2; k++) {
        float x[N] = {1, 5, 3, 3, -2, 3, 0, 5};
        static const size_t kept[N + 1] = {0, 2, 2, 5, 5, 5, 6, 7, 8};
        params.top_k = k;
        assert_true(process(params, NULL, 0, x, N));
        assert_int_equal(left_in(x, N), kept[k < N ? k : N]);
        assert_true(x[1] == 5 && x[7] == 5);
    }
    params.top_k = 0;
    float x[N] = {0};
    assert_true(process(params, NULL, 0, x, N));
    assert_int_equal(left_in(x, N), N);
}

static int descending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

/* Selection against a sort, on values with many ties and on sorted ones. */
static void top_k_of_a_large_vocabulary_is_what_sorting_gives(void **state)
{
    (void)state;
    static float logits[BIG], x[BIG], sorted[BIG];
    const uint64_t stream = tb_counter_stream("top-k");
    for (size_t shape = 0; shape < 5; shape++) {
        for (size_t i = 0; i < BIG; i++) {
            float u = (float)tb_counter_uniform(stream, i);
            logits[i] = shape == 0   ? 20 * u - 10
                        : shape == 1 ? floorf(30 * u)
                        : shape == 2 ? (float)i
                        : shape == 3 ? -(float)i
                                     : 1;
        }
        memcpy(sorted, logits, sizeof sorted);
        qsort(sorted, BIG, sizeof *sorted, descending);
        static const size_t ks[] = {1, 2, 50, 1000, BIG - 1};
        for (size_t j = 0; j < sizeof ks / sizeof ks[0]; j++) {
            tb_sampler_params params = nothing;
            params.top_k = ks[j];
            memcpy(x, logits, sizeof x);
            assert_true(process(params, NULL, 0, x, BIG));
            for (size_t i = 0; i < BIG; i++)
                assert_true(x[i] == (logits[i] >= sorted[ks[j] - 1] ? logits[i] : -INFINITY));
        }
    }
}

static void top_p_counts_from_the_smallest_and_spares_the_largest(void **state)
{
    (void)state;
    /* Probabilities 1/8 for all: sums of 1/8, 2/8, ... are exact, and equal to the limit goes. */
    for (size_t i = 0; i <= N; i++) {
        float x[N] = {0};
        tb_sampler_params params = nothing;
        params.top_p = 1 - (double)i / N - (i == 0 ? 1e-3 : 0);
        assert_true(process(params, NULL, 0, x, N));
        assert_int_equal(left_in(x, N), i < N ? N - i : 1);
        assert_true(x[N - 1] == 0); /* of equals, the first go first */
    }
}

static void filters_ignore_the_penalty_which_comes_last(void **state)
{
    (void)state;
    tb_sampler_params params = nothing;
    params.top_k = 2;
    params.repetition_penalty = 4;
    float x[N] = {-3, 5, 4, 3, -2, 2, 1, 0};
    assert_true(process(params, (int32_t[]){1, 1, 5, 1}, 4, x, N));
    assert_true(x[1] == 1.25f); /* once, however often it was said; now below the other: stays */
    assert_true(x[2] == 4);
    assert_int_equal(left_in(x, N), 2); /* filtered 5 stays filtered */
    float y[N] = {-3, 5};
    params.top_k = 0;
    assert_true(process(params, (int32_t[]){0}, 1, y, N));
    assert_true(y[0] == -12); /* below zero it multiplies */
}

static void what_is_forgotten_meets_no_penalty(void **state)
{
    (void)state;
    tb_sampler_params params = nothing;
    params.repetition_penalty = 2;
    tb_sampler *s = tb_sampler_new(&params, N);
    tb_sampler_record(s, 3);
    tb_sampler_reset(s);
    tb_sampler_record(s, 4);
    float x[N] = {[3] = 2, [4] = 2};
    assert_true(tb_sampler_process(s, x));
    assert_true(x[3] == 2 && x[4] == 1);
    tb_sampler_record(s, 3);
    assert_true(tb_sampler_process(s, x));
    assert_true(x[3] == 1 && x[4] == 0.5f);
    tb_sampler_free(s);
    tb_sampler_free(NULL);
}

static void nothing_but_minus_infinity_leaves_nothing(void **state)
{
    (void)state;
    float x[N];
    for (size_t i = 0; i < N; i++)
        x[i] = -INFINITY;
    assert_false(process(tb_sampler_defaults, (int32_t[]){2}, 1, x, N));
    x[6] = -40;
    assert_true(process(tb_sampler_defaults, NULL, 0, x, N));
    assert_int_equal(left_in(x, N), 1);
    float p[N];
    tb_sampler_probs(x, N, p);
    assert_true(p[6] == 1 && p[0] == 0);
}

static void a_draw_takes_the_first_whose_sum_exceeds(void **state)
{
    (void)state;
    const float p[N] = {0, 0.25f, 0, 0.5f, 0.25f, 0, 0, 0};
    assert_int_equal(tb_sampler_pick(p, N, 0), 1);
    assert_int_equal(tb_sampler_pick(p, N, 0.249), 1);
    assert_int_equal(tb_sampler_pick(p, N, 0.25), 3);
    assert_int_equal(tb_sampler_pick(p, N, 0.7499), 3);
    assert_int_equal(tb_sampler_pick(p, N, 0.75), 4);
    assert_int_equal(tb_sampler_pick(p, N, 1 - 0x1p-53), 4);
    /* The sum need not be 1. */
    const float q[N] = {0.5f, 0.5f, 1};
    assert_int_equal(tb_sampler_pick(q, N, 0.49), 1);
    assert_int_equal(tb_sampler_pick(q, N, 0.5), 2);
}

/* The table of fields says in words what the sampler does when nothing is said. */
static void the_defaults_are_those_of_the_table_of_fields(void **state)
{
    (void)state;
    const tb_sampler_params *d = &tb_sampler_defaults;
    assert_true(tb_param_fallback(&tb_params[TB_PARAM_TEMPERATURE]) == d->temperature);
    assert_true(strtod(tb_params[TB_PARAM_TOP_P].without, NULL) == d->top_p);
    assert_true(strtod(tb_params[TB_PARAM_TOP_K].without, NULL) == d->top_k);
    assert_true(strtod(tb_params[TB_PARAM_REPETITION_PENALTY].without, NULL) ==
                d->repetition_penalty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_table_of_fields),
        cmocka_unit_test(parameters_that_do_nothing_do_nothing),
        cmocka_unit_test(temperature_zero_is_no_scaling),
        cmocka_unit_test(ties_with_the_kth_largest_stay),
        cmocka_unit_test(top_k_of_a_large_vocabulary_is_what_sorting_gives),
        cmocka_unit_test(top_p_counts_from_the_smallest_and_spares_the_largest),
        cmocka_unit_test(filters_ignore_the_penalty_which_comes_last),
        cmocka_unit_test(what_is_forgotten_meets_no_penalty),
        cmocka_unit_test(nothing_but_minus_infinity_leaves_nothing),
        cmocka_unit_test(a_draw_takes_the_first_whose_sum_exceeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
