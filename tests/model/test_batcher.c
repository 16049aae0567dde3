/*
 * Tests of the batcher: results do not depend on the batch, one session alone does not wait.
 */
/* Steps made together are the steps made alone, bit for bit, whoever comes and goes or pauses; and
 * they are made together. */
#include "model/t3.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tiny_t3.h"

enum { SPEAKERS = 8, MORE = 60 };

typedef struct {
    const tb_t3 *t3;
    tb_batcher *batcher;
    tb_thread_pool *pool;
    size_t i;
    int32_t said[MORE + 1];
    size_t n;
    bool pauses;
    size_t asked;
} speaker;

/* Due at every seventh question. */
static bool pause_due(void *self)
{
    speaker *s = self;
    return ++s->asked % 7 == 0;
}

static void pause_now(void *self)
{
    const speaker *s = self;
    assert_int_equal(s->asked % 7, 0);
    sched_yield();
}

static void *speak(void *arg)
{
    speaker *s = arg;
    float voice[TINY_T3_SPEAKER];
    int32_t prompt[40], ids[30];
    tb_t3_prefix *prefix = NULL;
    tb_t3_session *session = NULL;
    tb_t3_run run = {0};
    const tb_nn_yield yield = {pause_due, pause_now, s};
    tb_nn nn = {.pool = s->pool, .scratch = tb_scratch_new(), .yield = s->pauses ? &yield : NULL};
    uint64_t stream = tb_counter_stream("batcher") + s->i;
    for (size_t j = 0; j < TINY_T3_SPEAKER; j++)
        voice[j] = tb_counter_weight(stream, j, 0, 0.1f);
    for (size_t j = 0; j < 40; j++)
        prompt[j] = (int32_t)(tb_counter_at(stream, 1000 + j) % 6561);
    for (size_t j = 0; j < 30; j++)
        ids[j] = (int32_t)(tb_counter_at(stream, 2000 + j) % TINY_T3_TEXT);
    tb_t3_voice v = {.speaker = voice, .prompt = prompt, .n_prompt = 40 - s->i};
    assert_int_equal(tb_t3_prefix_new(s->t3, &nn, &v, NULL, &prefix, NULL), TB_OK);
    assert_int_equal(tb_t3_session_new(s->t3, prefix, &session, NULL), TB_OK);
    /* Different lengths: they leave one after the other. */
    tb_t3_run_init(&run, s->t3, &tb_sampler_defaults, stream, MORE - 5 * s->i);
    run.batcher = s->batcher;
    assert_int_equal(tb_t3_generate(session, &nn, ids, 5 + 2 * s->i, &run, NULL, NULL, NULL, NULL),
                     TB_OK);
    s->n = run.n;
    memcpy(s->said, run.tokens, run.n * sizeof *s->said);
    tb_t3_run_clear(&run);
    tb_t3_session_free(session);
    tb_t3_prefix_free(prefix);
    tb_scratch_free(nn.scratch);
    return NULL;
}

static void together_they_say_what_each_says_alone(void **state)
{
    (void)state;
    static const tb_dtype types[] = {TB_F32, TB_F16, TB_Q8_0};
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        tb_weights *weights = tiny_t3_make(types[k]);
        tb_t3 t3;
        tb_thread_pool *pool = NULL;
        static speaker alone[SPEAKERS], together[SPEAKERS];
        pthread_t threads[SPEAKERS];
        uint64_t steps, tokens;
        assert_int_equal(tb_t3_bind(&t3, weights, TINY_T3_HEADS, NULL), TB_OK);
        assert_int_equal(tb_thread_pool_new(2, &pool, NULL), TB_OK);
        tb_batcher *batcher = tb_batcher_new(pool);
        for (size_t i = 0; i < SPEAKERS; i++) {
            alone[i] = (speaker){.t3 = &t3, .i = i};
            speak(&alone[i]);
            together[i] = (speaker){
                .t3 = &t3, .i = i, .batcher = batcher, .pool = pool, .pauses = i % 2 == 1};
        }
        for (size_t i = 0; i < SPEAKERS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, speak, &together[i]), 0);
        for (size_t i = 0; i < SPEAKERS; i++)
            pthread_join(threads[i], NULL);
        size_t said = 0;
        for (size_t i = 0; i < SPEAKERS; i++) {
            assert_int_equal(together[i].n, alone[i].n);
            assert_memory_equal(together[i].said, alone[i].said,
                                alone[i].n * sizeof *alone[i].said);
            assert_true(!together[i].pauses || together[i].asked > 7);
            said += alone[i].n;
        }
        tb_batcher_counts(batcher, &steps, &tokens);
        assert_true(tokens + SPEAKERS >= said && steps > 0);
        assert_true(tokens > steps); /* somebody had company */
        tb_batcher_free(batcher);
        tb_thread_pool_free(pool);
        tb_t3_clear(&t3);
        tb_weights_free(weights);
    }
}

static void one_alone_is_not_kept_waiting(void **state)
{
    (void)state;
    tb_weights *weights = tiny_t3_make(TB_F32);
    tb_t3 t3;
    uint64_t steps, tokens;
    assert_int_equal(tb_t3_bind(&t3, weights, TINY_T3_HEADS, NULL), TB_OK);
    tb_batcher *batcher = tb_batcher_new(NULL);
    speaker s = {.t3 = &t3, .batcher = batcher};
    tb_batcher_join(batcher); /* somebody who never asks: patience ends */
    speak(&s);
    tb_batcher_leave(batcher);
    tb_batcher_counts(batcher, &steps, &tokens);
    assert_int_equal(steps, tokens);
    tb_batcher_free(batcher);
    tb_t3_clear(&t3);
    tb_weights_free(weights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(together_they_say_what_each_says_alone),
        cmocka_unit_test(one_alone_is_not_kept_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
