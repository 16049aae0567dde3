#ifndef TB_TEST_T3_CASE_H
#define TB_TEST_T3_CASE_H

#include "gather.h"
#include "model/t3.h"

/*
 * T3 against a recorded case, of whatever size.
 */
typedef struct {
    golden g;
    tb_weights *weights;
    tb_t3 t3;
    tb_nn nn;
    int32_t *ids, *prompt, *rows;
    size_t n_ids, n_prompt, n_rows;
    tb_t3_prefix *prefix;
    gather heard;
} t3_case;

static inline int32_t t3_argmax(const float *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return (int32_t)best;
}

/* Takes weights. */
static inline void t3_case_bind(t3_case *c, const char *name, tb_weights *weights, size_t heads)
{
    tb_err err = {0};
    tb_thread_pool *pool = NULL;
    memset(c, 0, sizeof *c);
    golden_open(&c->g, name);
    c->weights = weights;
    if (tb_t3_bind(&c->t3, weights, heads, &err)) fail_msg("%s", err.msg);
    gather_init(&c->heard);
    assert_int_equal(tb_thread_pool_new(2, &pool, &err), TB_OK);
    c->nn = (tb_nn){.pool = pool, .scratch = tb_scratch_new()};
    c->ids = golden_ids(&c->g, "text_ids", &c->n_ids);
    c->prompt = golden_ids(&c->g, "cond_prompt_speech_tokens", &c->n_prompt);
    c->rows = golden_ids(&c->g, "rows", &c->n_rows);
}

/* Runs the prefix. */
static inline void t3_case_begin(t3_case *c)
{
    tb_err err = {0};
    size_t speaker_dim;
    tb_t3_voice voice = {.speaker = golden_f32(&c->g, "speaker_emb", &speaker_dim),
                         .prompt = c->prompt,
                         .n_prompt = c->n_prompt};
    assert_int_equal(speaker_dim, c->t3.speaker_dim);
    if (tb_t3_prefix_new(&c->t3, &c->nn, &voice, NULL, &c->prefix, &err)) fail_msg("%s", err.msg);
}

/* The same, and every inner array is gathered from here on. */
static inline void t3_case_open(t3_case *c, const char *name, tb_weights *weights, size_t heads)
{
    t3_case_bind(c, name, weights, heads);
    c->nn.trace = &c->heard.trace;
    t3_case_begin(c);
}

static inline void t3_case_close(t3_case *c)
{
    tb_t3_prefix_free(c->prefix);
    gather_clear(&c->heard);
    tb_free(c->ids);
    tb_free(c->prompt);
    tb_free(c->rows);
    tb_scratch_free(c->nn.scratch);
    tb_thread_pool_free(c->nn.pool);
    tb_t3_clear(&c->t3);
    tb_weights_free(c->weights);
    golden_close(&c->g);
}

static inline tb_t3_session *t3_prefilled(t3_case *c, float *logits)
{
    tb_err err = {0};
    tb_t3_session *s = NULL;
    if (tb_t3_session_new(&c->t3, c->prefix, &s, &err)) fail_msg("%s", err.msg);
    if (tb_t3_prefill(s, &c->nn, c->ids, c->n_ids, NULL, logits, &err)) fail_msg("%s", err.msg);
    return s;
}

static inline void t3_one_step(t3_case *c, tb_t3_session *s, int32_t token, float *logits)
{
    assert_int_equal(tb_t3_session_reserve(s, 1, NULL), TB_OK);
    tb_t3_step(&s, &c->nn, &token, 1, logits);
}

/* Every recorded array of the prefill, and the steps of the largest raw logit. */
static inline void t3_check_greedy(t3_case *c)
{
    float *logits = tb_try_alloc(c->t3.vocab, sizeof *logits);
    size_t n;
    int32_t *tokens = golden_ids(&c->g, "greedy.tokens", &n);
    tb_t3_session *s = t3_prefilled(c, logits);

    assert_int_equal(tb_t3_session_positions(s), 1 + c->n_prompt + c->n_ids + 1);
    for (size_t i = 0; i < c->heard.n; i++) {
        const char *name = c->heard.of[i].name;
        if (golden_has(&c->g, name)) /* no steps yet: the recording's rows are the prefill's */
            gather_compare(&c->heard, name, &c->g, name, c->rows, c->n_rows);
    }
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(t3_argmax(logits, c->t3.vocab), tokens[i]);
        if (i + 1 < n) t3_one_step(c, s, tokens[i], logits);
    }
    const gathered *hidden = gather_find(&c->heard, "step.hidden");
    const gathered *said = gather_find(&c->heard, "step.logits");
    assert_int_equal(said->rows, n);
    golden_compare(&c->g, "greedy.hidden", hidden->x, n, hidden->cols, false, -1);
    if (golden_has(&c->g, "greedy.logits")) {
        golden_compare(&c->g, "greedy.logits", said->x, n, said->cols, false, -1);
    } else {
        const int32_t ends[] = {0, (int32_t)n - 1};
        gather_compare(&c->heard, "step.logits", &c->g, "greedy.logits_first_last", ends, 2);
    }
    tb_t3_session_free(s);
    tb_free(tokens);
    tb_free(logits);
}

/* The sampler's default parameters, each draw replaced by the largest processed logit. */
static inline void t3_check_processed(t3_case *c)
{
    const size_t V = c->t3.vocab;
    float *logits = tb_try_alloc(V, sizeof *logits), *probs = tb_try_alloc(V, sizeof *probs);
    size_t n;
    int32_t *tokens = golden_ids(&c->g, "proc.tokens", &n);
    char name[32];
    tb_t3_run run;

    c->nn.trace = NULL;
    tb_t3_session *s = t3_prefilled(c, logits);
    tb_t3_run_init(&run, &c->t3, &tb_sampler_defaults, 0, n - 1);
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "proc.logits%zu", i);
        if (golden_has(&c->g, name)) golden_compare(&c->g, name, logits, 1, V, false, -1);
        assert_true(tb_t3_run_filter(&run, logits));
        snprintf(name, sizeof name, "proc.probs%zu", i);
        tb_sampler_probs(logits, V, probs);
        if (golden_has(&c->g, name)) golden_compare(&c->g, name, probs, 1, V, false, -1);
        tb_t3_run_append(&run, t3_argmax(logits, V));
        assert_int_equal(run.tokens[i], tokens[i]);
        if (i + 1 < n) t3_one_step(c, s, tokens[i], logits);
    }
    assert_int_equal(run.end, TB_T3_EXHAUSTED);
    tb_t3_run_clear(&run);
    tb_t3_session_free(s);
    tb_free(tokens);
    tb_free(probs);
    tb_free(logits);
}

#endif
