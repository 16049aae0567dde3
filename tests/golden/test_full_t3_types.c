/* What each type of weights costs T3, on the seeded full-size model: the recorded tokens are fed
 * (a quantised model would soon say others), and the logits after each compared with those of f32.
 * The figures are those of docs/model/t3.md. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "seeded_t3.h"
#include "t3_case.h"

enum { COMPANY = 8, TOGETHER = 3 };

/* Four gains of 50 times their size, in four layers: the outlier channels that a trained GPT-2 has
 * and seeded weights have not. */
static void add_outliers(tb_t3 *t3, float *gains[4])
{
    for (size_t i = 0; i < 4; i++) {
        tb_t3_layer *w = &t3->layers[(2 * i + 1) * t3->n_layers / 8];
        const float **gain = i % 2 ? &w->ln2_g : &w->ln1_g;
        gains[i] = tb_alloc(t3->D * sizeof *gains[i]);
        memcpy(gains[i], *gain, t3->D * sizeof *gains[i]);
        gains[i][t3->D / 5 * (i + 1)] *= 50;
        *gain = gains[i];
    }
}

/* Logits (n, vocab) after START and each of the first n - 1 recorded tokens. */
static float *listen(tb_dtype type, bool outliers, size_t *n, size_t *vocab)
{
    t3_case c;
    float *gains[4] = {NULL};
    tb_weights *weights = seeded_t3("t3_turbo_v1.safetensors", type);
    if (!weights) return NULL;
    t3_case_bind(&c, "t3_full", weights, 0);
    if (outliers) add_outliers(&c.t3, gains);
    t3_case_begin(&c);

    const size_t V = c.t3.vocab;
    int32_t *tokens = golden_ids(&c.g, "proc.tokens", n);
    float *x = tb_try_alloc(*n, V * sizeof *x);
    tb_t3_session *s = t3_prefilled(&c, x);
    for (size_t i = 0; i + 1 < *n; i++)
        t3_one_step(&c, s, tokens[i], x + (i + 1) * V);
    tb_t3_session_free(s);

    /* At full size too, company changes no bit. */
    tb_t3_session *many[COMPANY];
    float *y = tb_try_alloc(COMPANY, V * sizeof *y);
    for (size_t j = 0; j < COMPANY; j++)
        many[j] = t3_prefilled(&c, y);
    for (size_t i = 0; i < TOGETHER; i++) {
        int32_t said[COMPANY];
        for (size_t j = 0; j < COMPANY; j++) {
            /* All but the third say something else. */
            said[j] = j == 2 ? tokens[i] : (int32_t)(100 * j + i);
            assert_int_equal(tb_t3_session_reserve(many[j], 1, NULL), TB_OK);
        }
        tb_t3_step(many, &c.nn, said, COMPANY, y);
        assert_memory_equal(y + 2 * V, x + (i + 1) * V, V * sizeof *y);
    }
    for (size_t j = 0; j < COMPANY; j++)
        tb_t3_session_free(many[j]);
    tb_free(y);

    tb_free(tokens);
    t3_case_close(&c);
    for (size_t i = 0; i < 4; i++)
        tb_free(gains[i]);
    *vocab = V;
    return x;
}

static double log_sum_exp(const float *x, size_t n)
{
    double most = (double)x[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        most = fmax(most, (double)x[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp((double)x[i] - most);
    return most + log(sum);
}

/* In nats: what q says against what p would have said. */
static double divergence(const float *p, const float *q, size_t n)
{
    double lp = log_sum_exp(p, n), lq = log_sum_exp(q, n), sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += exp((double)p[i] - lp) * (((double)p[i] - lp) - ((double)q[i] - lq));
    return sum;
}

typedef struct {
    tb_dtype type;
    double mean_kl, worst_kl; /* at most, nats */
    size_t agree;             /* at least, of 40: the largest logit is the same */
} figure;

static void check(const figure *figures, size_t n_figures, bool outliers)
{
    size_t n, V;
    float *want = listen(TB_F32, outliers, &n, &V);
    if (!want) skip();
    assert_int_equal(n, 40);
    for (size_t f = 0; f < n_figures; f++) {
        float *got = listen(figures[f].type, outliers, &n, &V);
        double mean = 0, worst = 0;
        size_t agree = 0;
        for (size_t i = 0; i < n; i++) {
            double kl = divergence(want + i * V, got + i * V, V);
            mean += kl / (double)n;
            worst = fmax(worst, kl);
            agree += t3_argmax(want + i * V, V) == t3_argmax(got + i * V, V);
        }
        if (getenv("GOLDEN_VERBOSE"))
            printf("%s%s: KL %.3g, worst %.3g nats; the same largest %zu of %zu\n",
                   tb_dtype_name(figures[f].type), outliers ? ", outliers" : "", mean, worst, agree,
                   n);
        assert_true(mean > 0); /* it is another model */
        assert_true(mean <= figures[f].mean_kl);
        assert_true(worst <= figures[f].worst_kl);
        assert_true(agree >= figures[f].agree);
        tb_free(got);
    }
    tb_free(want);
}

/* Bounds: twice what was measured, since instruction sets sum in other orders. */
static void each_type_stays_at_its_figure(void **state)
{
    static const figure figures[] = {
        {TB_F16, 6.6e-6, 1.4e-5, 39},
        {TB_BF16, 6.1e-4, 1.1e-3, 39},
        {TB_Q8_0, 4.8e-3, 1.2e-2, 38},
        {TB_Q4_0, 0.72, 1.6, 22},
    };
    (void)state;
    check(figures, sizeof figures / sizeof figures[0], false);
}

static void each_type_stays_at_its_figure_with_outlier_channels(void **state)
{
    static const figure figures[] = {
        {TB_F16, 1.9e-5, 7.8e-5, 38},
        {TB_BF16, 2.1e-3, 1.4e-2, 37},
        {TB_Q8_0, 2.5e-2, 0.18, 31},
        {TB_Q4_0, 1.2, 2.6, 17},
    };
    (void)state;
    check(figures, sizeof figures / sizeof figures[0], true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_stays_at_its_figure),
        cmocka_unit_test(each_type_stays_at_its_figure_with_outlier_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
