#include "model/sampler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "golden.h"

#include <string.h>

static double number(const tb_json *c, const char *key)
{
    const tb_json *v = tb_json_get(c, key);
    if (!tb_json_is_number(v)) fail_msg("the case has no number %s", key);
    return tb_json_number(v);
}

/* Twenty-eight combinations of parameters and histories: logits to probabilities, which are
 * recorded, how many are left, and which is the largest. */
static void probabilities_are_as_recorded(void **state)
{
    (void)state;
    golden g;
    golden_open(&g, "sampler");
    const tb_json *cases = tb_json_get(g.json, "cases");
    assert_int_equal(tb_json_len(cases), 28);

    for (size_t i = 0; i < tb_json_len(cases); i++) {
        const tb_json *c = tb_json_at(cases, i), *history = tb_json_get(c, "history");
        size_t n, kept = 0, best = 0;
        const float *logits = golden_f32(&g, tb_json_get_string(c, "logits"), &n);
        float *x = tb_try_alloc(n, sizeof *x);
        const tb_sampler_params params = {.temperature = number(c, "temperature"),
                                          .top_k = (size_t)number(c, "top_k"),
                                          .top_p = number(c, "top_p"),
                                          .repetition_penalty = number(c, "repetition_penalty")};
        tb_sampler *s = tb_sampler_new(&params, n);

        memcpy(x, logits, n * sizeof *x);
        for (size_t j = 0; j < tb_json_len(history); j++)
            tb_sampler_record(s, (int32_t)tb_json_integer(tb_json_at(history, j)));
        assert_true(tb_sampler_process(s, x));
        tb_sampler_probs(x, n, x);
        for (size_t j = 0; j < n; j++) {
            if (x[j] > 0) kept++;
            if (x[j] > x[best]) best = j;
        }
        assert_int_equal(kept, (size_t)number(c, "kept"));
        assert_int_equal(best, (size_t)number(c, "argmax"));
        /* The manifest states no error for these. The worst difference is 3e-8. */
        golden_compare(&g, tb_json_get_string(c, "probs"), x, 1, n, false, 1e-7);
        tb_sampler_free(s);
        tb_free(x);
    }
    assert_int_equal(g.compared, 28);
    golden_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_are_as_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
