/*
 * Tests of the generation loop of T3: ends, history, draws, what the flow gets.
 */
/* The loop around T3's network: what is counted, what ends it, what it is told. */
#include "model/t3.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tiny_t3.h"

/* A model of which the loop needs only the vocabulary: eight sounds, START, STOP. */
enum { N = 10, START = 8, STOP = 9 };
static const tb_t3 eight = {.vocab = N, .codes = 8, .start = START, .stop = STOP};
static const tb_sampler_params plain = {.temperature = 1, .top_p = 1, .repetition_penalty = 1};

static void only(float *x, int32_t token)
{
    for (size_t i = 0; i < N; i++)
        x[i] = -INFINITY;
    if (token >= 0) x[token] = 1;
}

/* Takes tokens from logits that leave only these; returns how many were taken before the end. */
static size_t take_all(tb_t3_run *run, const int32_t *tokens, size_t n)
{
    float x[N];
    size_t i = 0;
    for (; i < n && run->end == TB_T3_RUNNING; i++) {
        only(x, tokens[i]);
        assert_int_equal(tb_t3_run_next(run, x, NULL), TB_OK);
    }
    return i;
}

static void stop_ends_it_and_is_not_said(void **state)
{
    (void)state;
    tb_t3_run run;
    tb_t3_run_init(&run, &eight, &plain, 1, 100);
    assert_int_equal(take_all(&run, (int32_t[]){3, START, 3, STOP, 5}, 5), 4);
    assert_int_equal(run.end, TB_T3_STOPPED);
    assert_int_equal(run.n, 3);
    assert_memory_equal(run.tokens, ((int32_t[]){3, START, 3}), 3 * sizeof(int32_t));
    tb_t3_run_clear(&run);
    tb_t3_run_clear(&run);
}

static void the_first_token_may_be_stop_and_it_goes_on(void **state)
{
    (void)state;
    tb_t3_run run;
    tb_t3_run_init(&run, &eight, &plain, 1, 100);
    assert_int_equal(take_all(&run, (int32_t[]){STOP, 2, STOP}, 3), 3);
    assert_int_equal(run.end, TB_T3_STOPPED);
    assert_int_equal(run.n, 2);
    assert_memory_equal(run.tokens, ((int32_t[]){STOP, 2}), 2 * sizeof(int32_t));
    tb_t3_run_clear(&run);
}

static void it_is_exhausted_after_so_many_more_than_one(void **state)
{
    (void)state;
    tb_t3_run run;
    for (size_t more = 0; more < 4; more++) {
        tb_t3_run_init(&run, &eight, &plain, 1, more);
        assert_int_equal(take_all(&run, (int32_t[]){1, 2, 3, 4, 5, 6}, 6), more + 1);
        assert_int_equal(run.end, TB_T3_EXHAUSTED);
        assert_int_equal(run.n, more + 1);
        tb_t3_run_clear(&run);
    }
    /* The last one that is allowed may be STOP: it is dropped as ever. */
    tb_t3_run_init(&run, &eight, &plain, 1, 1);
    assert_int_equal(take_all(&run, (int32_t[]){1, STOP}, 2), 2);
    assert_int_equal(run.end, TB_T3_STOPPED);
    assert_int_equal(run.n, 1);
    tb_t3_run_clear(&run);
    /* STOP alone, first and last: nothing is left. */
    tb_t3_run_init(&run, &eight, &plain, 1, 0);
    assert_int_equal(take_all(&run, (int32_t[]){STOP}, 1), 1);
    assert_int_equal(run.n, 0);
    tb_t3_run_clear(&run);
}

static void nothing_left_to_draw_from_ends_it(void **state)
{
    (void)state;
    tb_t3_run run;
    tb_t3_run_init(&run, &eight, &plain, 1, 100);
    assert_int_equal(take_all(&run, (int32_t[]){1, -1, 2}, 3), 2);
    assert_int_equal(run.end, TB_T3_NO_CANDIDATE);
    assert_int_equal(run.n, 1);
    tb_t3_run_clear(&run);
    tb_t3_run_init(&run, &eight, &plain, 1, 100);
    assert_int_equal(take_all(&run, (int32_t[]){-1}, 1), 1);
    assert_int_equal(run.end, TB_T3_NO_CANDIDATE);
    assert_int_equal(run.n, 0);
    tb_t3_run_clear(&run);
}

static void start_is_history_for_the_first_draw_alone(void **state)
{
    (void)state;
    const tb_sampler_params params = {.temperature = 1, .top_p = 1, .repetition_penalty = 2};
    tb_t3_run run;
    float x[N] = {[START] = 3, [5] = 3};
    tb_t3_run_init(&run, &eight, &params, 1, 100);
    assert_true(tb_t3_run_filter(&run, x));
    assert_true(x[START] == 1.5f && x[5] == 3);
    tb_t3_run_append(&run, 5);
    x[START] = 3;
    assert_true(tb_t3_run_filter(&run, x));
    assert_true(x[START] == 3 && x[5] == 1.5f);
    tb_t3_run_append(&run, START); /* said, it is history as all others */
    x[5] = 3;
    assert_true(tb_t3_run_filter(&run, x));
    assert_true(x[START] == 1.5f && x[5] == 1.5f);
    tb_t3_run_clear(&run);
}

static void logits_that_are_no_numbers_are_the_model_s_fault(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY};
    for (size_t i = 0; i < 2; i++) {
        tb_t3_run run;
        tb_err err = {0};
        float x[N] = {[7] = bad[i]};
        tb_t3_run_init(&run, &eight, &plain, 1, 100);
        assert_int_equal(tb_t3_run_next(&run, x, &err), TB_EMODEL);
        assert_non_null(strstr(err.msg, "token 7 at step 0"));
        assert_int_equal(run.n, 0);
        tb_t3_run_clear(&run);
    }
}

static void draw_i_is_number_i_of_the_stream(void **state)
{
    (void)state;
    enum { DRAWS = 4000 };
    const uint64_t stream = tb_counter_stream("timbre/7/0/t3");
    size_t count[N] = {0};
    tb_t3_run run;
    tb_t3_run_init(&run, &eight, &plain, stream, DRAWS);
    for (size_t i = 0; i < DRAWS; i++) {
        float x[N] = {0}; /* ten alike */
        x[STOP] = -INFINITY;
        assert_int_equal(tb_t3_run_next(&run, x, NULL), TB_OK);
        assert_int_equal(run.tokens[i], (int32_t)(tb_counter_uniform(stream, i) * (N - 1)));
        count[run.tokens[i]]++;
    }
    for (size_t i = 0; i + 1 < N; i++) /* 444 each, deviation 20 */
        assert_in_range(count[i], 344, 544);
    tb_t3_run_clear(&run);
}

static void what_the_flow_gets_is_sounds_and_then_silence(void **state)
{
    (void)state;
    static const int32_t said[] = {3, START, STOP, 0, 7};
    int32_t out[8];
    assert_int_equal(tb_t3_flow_tokens(&eight, said, 5, out), 6);
    assert_memory_equal(out, ((int32_t[]){3, 0, 7, 4299, 4299, 4299}), 6 * sizeof(int32_t));
    assert_int_equal(tb_t3_flow_tokens(&eight, NULL, 0, out), 3);
    assert_memory_equal(out, ((int32_t[]){4299, 4299, 4299}), 3 * sizeof(int32_t));
}

/* ------------------------------------------------------------------ with the network */

typedef struct {
    int32_t said[64];
    size_t n, cancel_at;
    size_t fail_at;
    tb_cancel cancel;
} listener;

static tb_status listen(void *self, int32_t token, tb_err *err)
{
    listener *l = self;
    l->said[l->n++] = token;
    if (l->n == l->cancel_at) tb_cancel_set(&l->cancel);
    if (l->n == l->fail_at) return tb_fail(err, TB_ENOSPACE, "enough");
    return TB_OK;
}

static tb_status generate(const tb_t3 *t3, const char *seed, size_t max_more, listener *l,
                          tb_t3_run *run, tb_err *err)
{
    const tb_nn nn = {.scratch = tb_scratch_new()};
    const int32_t ids[] = {1, 2, 3}, prompt[] = {10, 20, 30, 40};
    const float speaker[TINY_T3_SPEAKER] = {0.5f};
    const tb_t3_voice voice = {.speaker = speaker, .prompt = prompt, .n_prompt = 4};
    tb_t3_prefix *prefix = NULL;
    tb_t3_session *session = NULL;

    assert_int_equal(tb_t3_prefix_new(t3, &nn, &voice, NULL, &prefix, err), TB_OK);
    assert_int_equal(tb_t3_session_new(t3, prefix, &session, err), TB_OK);
    tb_t3_run_init(run, t3, &tb_sampler_defaults, tb_counter_stream(seed), max_more);
    tb_status st = tb_t3_generate(session, &nn, ids, 3, run, &l->cancel, listen, l, err);
    tb_t3_session_free(session);
    tb_t3_prefix_free(prefix);
    tb_scratch_free(nn.scratch);
    return st;
}

static void a_seed_says_the_same_and_another_something_else(void **state)
{
    (void)state;
    enum { MORE = 39 };
    tb_weights *w = tiny_t3_make(TB_F16);
    tb_t3 t3;
    tb_err err = {0};
    tb_t3_run a, b, c;
    listener la = {0}, lb = {0}, lc = {0};
    assert_int_equal(tb_t3_bind(&t3, w, TINY_T3_HEADS, &err), TB_OK);
    assert_int_equal(generate(&t3, "timbre/1/0/t3", MORE, &la, &a, &err), TB_OK);
    assert_int_equal(generate(&t3, "timbre/1/0/t3", MORE, &lb, &b, &err), TB_OK);
    assert_int_equal(generate(&t3, "timbre/2/0/t3", MORE, &lc, &c, &err), TB_OK);
    assert_int_equal(a.n, MORE + 1);
    assert_int_equal(a.end, TB_T3_EXHAUSTED);
    assert_int_equal(b.n, a.n);
    assert_memory_equal(a.tokens, b.tokens, a.n * sizeof *a.tokens);
    assert_memory_not_equal(a.tokens, c.tokens, c.n * sizeof *a.tokens);
    /* Whoever listens hears the sounds in order. */
    size_t sounds = 0;
    for (size_t i = 0; i < a.n; i++)
        if (a.tokens[i] < t3.start) assert_int_equal(la.said[sounds++], a.tokens[i]);
    assert_int_equal(la.n, sounds);
    tb_t3_run_clear(&a);
    tb_t3_run_clear(&b);
    tb_t3_run_clear(&c);
    tb_t3_clear(&t3);
    tb_weights_free(w);
}

static void cancel_is_seen_before_the_next_step(void **state)
{
    (void)state;
    tb_weights *w = tiny_t3_make(TB_F32);
    tb_t3 t3;
    tb_err err = {0};
    tb_t3_run run;
    listener l = {.cancel_at = 5};
    assert_int_equal(tb_t3_bind(&t3, w, TINY_T3_HEADS, &err), TB_OK);
    assert_int_equal(generate(&t3, "timbre/1/0/t3", 39, &l, &run, &err), TB_ECANCELLED);
    assert_int_equal(l.n, 5);
    tb_t3_run_clear(&run);
    tb_t3_clear(&t3);
    tb_weights_free(w);
}

static void speech_that_outgrows_the_model_is_told_so(void **state)
{
    (void)state;
    tb_weights *w = tiny_t3_make(TB_F32);
    tb_t3 t3;
    tb_err err = {0};
    tb_t3_run run;
    listener l = {0};
    assert_int_equal(tb_t3_bind(&t3, w, TINY_T3_HEADS, &err), TB_OK);
    t3.max_positions = 5 + 4 + 10; /* prefix, text and START, ten steps */
    assert_int_equal(generate(&t3, "timbre/1/0/t3", 39, &l, &run, &err), TB_EINVAL);
    assert_int_equal(run.n, 11);
    tb_t3_run_clear(&run);
    tb_t3_clear(&t3);
    tb_weights_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stop_ends_it_and_is_not_said),
        cmocka_unit_test(the_first_token_may_be_stop_and_it_goes_on),
        cmocka_unit_test(it_is_exhausted_after_so_many_more_than_one),
        cmocka_unit_test(nothing_left_to_draw_from_ends_it),
        cmocka_unit_test(start_is_history_for_the_first_draw_alone),
        cmocka_unit_test(logits_that_are_no_numbers_are_the_model_s_fault),
        cmocka_unit_test(draw_i_is_number_i_of_the_stream),
        cmocka_unit_test(what_the_flow_gets_is_sounds_and_then_silence),
        cmocka_unit_test(a_seed_says_the_same_and_another_something_else),
        cmocka_unit_test(cancel_is_seen_before_the_next_step),
        cmocka_unit_test(speech_that_outgrows_the_model_is_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
