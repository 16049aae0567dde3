/*
 * T3 computes the same bits in any batch, with a kept prefix and any number of threads; refusals.
 */
/* What T3 promises whoever speaks with a seed: the same bits alone, in company, with a prefix that
 * was kept, on any number of threads. And what it refuses. */
#include "model/t3.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tiny_t3.h"

enum { EIGHT = 8, STEPS = 20, V = TINY_T3_VOCAB };

static const tb_dtype every_type[] = {TB_F32, TB_F16, TB_BF16, TB_Q8_0, TB_Q4_0};
enum { TYPES = sizeof every_type / sizeof every_type[0] };

typedef struct {
    tb_weights *weights;
    tb_t3 t3;
    tb_nn nn;
} model;

static void model_open(model *m, tb_dtype type, size_t threads)
{
    tb_err err = {0};
    m->weights = tiny_t3_make(type);
    if (tb_t3_bind(&m->t3, m->weights, TINY_T3_HEADS, &err)) fail_msg("%s", err.msg);
    m->nn = (tb_nn){.scratch = tb_scratch_new()};
    if (threads > 1) assert_int_equal(tb_thread_pool_new(threads, &m->nn.pool, &err), TB_OK);
}

static void model_close(model *m)
{
    tb_scratch_free(m->nn.scratch);
    tb_thread_pool_free(m->nn.pool);
    tb_t3_clear(&m->t3);
    tb_weights_free(m->weights);
}

/* The i-th of some voices and texts, all of different lengths. */
typedef struct {
    float speaker[TINY_T3_SPEAKER];
    int32_t prompt[90], ids[60];
    tb_t3_voice voice;
    size_t n_ids;
} speech;

static void speech_make(speech *s, size_t i)
{
    uint64_t stream = tb_counter_stream("speech") + i;
    for (size_t j = 0; j < TINY_T3_SPEAKER; j++)
        s->speaker[j] = tb_counter_weight(stream, j, 0, 0.1f);
    for (size_t j = 0; j < 90; j++)
        s->prompt[j] = (int32_t)(tb_counter_at(stream, 1000 + j) % 6561);
    for (size_t j = 0; j < 60; j++)
        s->ids[j] = (int32_t)(tb_counter_at(stream, 2000 + j) % TINY_T3_TEXT);
    s->voice = (tb_t3_voice){.speaker = s->speaker, .prompt = s->prompt, .n_prompt = 90 - 11 * i};
    s->n_ids = 3 + 8 * i;
}

static int32_t argmax(const float *x)
{
    size_t best = 0;
    for (size_t i = 1; i < V; i++)
        if (x[i] > x[best]) best = i;
    return (int32_t)best;
}

static tb_t3_session *begin(const model *m, const speech *s, tb_t3_prefix *prefix, float *logits)
{
    tb_t3_session *session = NULL;
    assert_int_equal(tb_t3_session_new(&m->t3, prefix, &session, NULL), TB_OK);
    assert_int_equal(tb_t3_prefill(session, &m->nn, s->ids, s->n_ids, NULL, logits, NULL), TB_OK);
    return session;
}

/* All logits of a speech alone, (STEPS, V), each step with the token of the largest. */
static void speak_alone(const model *m, const speech *s, tb_t3_prefix *prefix, float *out)
{
    tb_t3_prefix *own = NULL;
    if (!prefix) {
        assert_int_equal(tb_t3_prefix_new(&m->t3, &m->nn, &s->voice, NULL, &own, NULL), TB_OK);
        prefix = own;
    }
    tb_t3_session *session = begin(m, s, prefix, out);
    tb_t3_prefix_free(own); /* a session needs it no longer */
    for (size_t i = 1; i < STEPS; i++) {
        int32_t token = argmax(out + (i - 1) * V);
        assert_int_equal(tb_t3_session_reserve(session, 1, NULL), TB_OK);
        tb_t3_step(&session, &m->nn, &token, 1, out + i * V);
    }
    tb_t3_session_free(session);
}

static void company_changes_no_bit(void **state)
{
    (void)state;
    for (size_t t = 0; t < TYPES; t++) {
        model m;
        model_open(&m, every_type[t], 2);
        speech *s = tb_alloc(EIGHT * sizeof *s);
        float *alone = tb_alloc(EIGHT * STEPS * V * sizeof *alone);
        float *logits = tb_alloc(EIGHT * V * sizeof *logits);
        tb_t3_session *sessions[EIGHT];
        int32_t tokens[EIGHT];

        for (size_t i = 0; i < EIGHT; i++) {
            tb_t3_prefix *prefix = NULL;
            speech_make(&s[i], i);
            speak_alone(&m, &s[i], NULL, alone + i * STEPS * V);
            assert_int_equal(tb_t3_prefix_new(&m.t3, &m.nn, &s[i].voice, NULL, &prefix, NULL),
                             TB_OK);
            sessions[i] = begin(&m, &s[i], prefix, logits + i * V);
            tb_t3_prefix_free(prefix);
        }
        for (size_t step = 0; step < STEPS; step++) {
            for (size_t i = 0; i < EIGHT; i++) {
                assert_memory_equal(logits + i * V, alone + (i * STEPS + step) * V,
                                    V * sizeof *logits);
                tokens[i] = argmax(logits + i * V);
                assert_int_equal(tb_t3_session_reserve(sessions[i], 1, NULL), TB_OK);
            }
            tb_t3_step(sessions, &m.nn, tokens, EIGHT, logits);
        }
        /* Not all the same, or nothing was shown. */
        assert_memory_not_equal(alone, alone + STEPS * V, V * sizeof *alone);
        for (size_t i = 0; i < EIGHT; i++)
            tb_t3_session_free(sessions[i]);
        tb_free(logits);
        tb_free(alone);
        tb_free(s);
        model_close(&m);
    }
}

static void a_kept_prefix_changes_no_bit(void **state)
{
    (void)state;
    for (size_t t = 0; t < TYPES; t++) {
        model m;
        speech s;
        model_open(&m, every_type[t], 1);
        speech_make(&s, 2);
        float *fresh = tb_alloc(STEPS * V * sizeof *fresh);
        float *kept = tb_alloc(STEPS * V * sizeof *kept);
        speak_alone(&m, &s, NULL, fresh);

        tb_t3_prefix *a = NULL, *b = NULL;
        assert_int_equal(tb_t3_prefix_new(&m.t3, &m.nn, &s.voice, NULL, &a, NULL), TB_OK);
        assert_int_equal(tb_t3_prefix_positions(a), s.voice.n_prompt + 1);
        size_t size = tb_t3_prefix_packed_size(a);
        unsigned char *bytes = tb_alloc(size), *again = tb_alloc(size);
        tb_t3_prefix_pack(a, bytes);
        tb_t3_prefix_free(a);
        assert_int_equal(tb_t3_prefix_unpack(&m.t3, bytes, size, &b, NULL), TB_OK);
        assert_int_equal(tb_t3_prefix_packed_size(b), size);
        tb_t3_prefix_pack(b, again);
        assert_memory_equal(bytes, again, size);
        for (size_t twice = 0; twice < 2; twice++) { /* the first speech leaves it as it was */
            speak_alone(&m, &s, b, kept);
            assert_memory_equal(fresh, kept, STEPS * V * sizeof *fresh);
        }
        tb_t3_prefix_free(b);
        tb_free(bytes);
        tb_free(again);
        tb_free(fresh);
        tb_free(kept);
        model_close(&m);
    }
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    for (size_t t = 0; t < TYPES; t++) {
        speech s;
        speech_make(&s, 1);
        float *x[2];
        for (size_t i = 0; i < 2; i++) {
            model m;
            model_open(&m, every_type[t], i ? 4 : 1);
            x[i] = tb_alloc(STEPS * V * sizeof *x[i]);
            speak_alone(&m, &s, NULL, x[i]);
            model_close(&m);
        }
        assert_memory_equal(x[0], x[1], STEPS * V * sizeof *x[0]);
        tb_free(x[0]);
        tb_free(x[1]);
    }
}

typedef struct {
    const model *m;
    const speech *s;
    tb_t3_prefix *prefix; /* this thread's reference */
    float *x;
} worker;

static void *work(void *self)
{
    worker *w = self;
    model mine = *w->m;
    mine.nn.scratch = tb_scratch_new();
    speak_alone(&mine, w->s, w->prefix, w->x);
    tb_t3_prefix_free(w->prefix);
    tb_scratch_free(mine.nn.scratch);
    return NULL;
}

/* One model, one pool and one prefix between workers: each as if it were alone. */
static void workers_share_a_prefix(void **state)
{
    (void)state;
    enum { WORKERS = 3 };
    model m;
    speech s;
    tb_t3_prefix *prefix = NULL;
    pthread_t threads[WORKERS];
    worker workers[WORKERS];
    model_open(&m, TB_F16, 2);
    speech_make(&s, 4);
    float *alone = tb_alloc(STEPS * V * sizeof *alone);
    speak_alone(&m, &s, NULL, alone);
    assert_int_equal(tb_t3_prefix_new(&m.t3, &m.nn, &s.voice, NULL, &prefix, NULL), TB_OK);
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i] =
            (worker){&m, &s, tb_t3_prefix_ref(prefix), tb_alloc(STEPS * V * sizeof(float))};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    tb_t3_prefix_free(prefix);
    for (size_t i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_memory_equal(workers[i].x, alone, STEPS * V * sizeof *alone);
        tb_free(workers[i].x);
    }
    tb_free(alone);
    model_close(&m);
}

static void ready_embeddings_of_the_prompt_give_what_the_lookup_gives(void **state)
{
    (void)state;
    model m;
    speech s;
    model_open(&m, TB_F32, 1);
    speech_make(&s, 3);
    float *looked = tb_alloc(STEPS * V * sizeof *looked),
          *ready = tb_alloc(STEPS * V * sizeof *ready);
    float *emb = tb_alloc(s.voice.n_prompt * TINY_T3_D * sizeof *emb);
    const float *table = tb_weights_find(m.weights, "speech_emb.weight")->data;
    for (size_t i = 0; i < s.voice.n_prompt; i++)
        memcpy(emb + i * TINY_T3_D, table + (size_t)s.prompt[i] * TINY_T3_D,
               TINY_T3_D * sizeof *emb);
    speak_alone(&m, &s, NULL, looked);
    s.voice.prompt_emb = emb;
    memset(s.prompt, 0xff, sizeof s.prompt); /* nobody may look */
    speak_alone(&m, &s, NULL, ready);
    assert_memory_equal(looked, ready, STEPS * V * sizeof *ready);
    tb_free(emb);
    tb_free(ready);
    tb_free(looked);
    model_close(&m);
}

static void numbers_outside_the_model_are_refused(void **state)
{
    (void)state;
    model m;
    speech s;
    tb_err err = {0};
    float logits[V];
    tb_t3_prefix *prefix = NULL;
    tb_t3_session *session = NULL;
    model_open(&m, TB_F32, 1);
    speech_make(&s, 0);

    s.prompt[4] = V;
    assert_int_equal(tb_t3_prefix_new(&m.t3, &m.nn, &s.voice, NULL, &prefix, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "6563"));
    s.prompt[4] = -1;
    assert_int_equal(tb_t3_prefix_new(&m.t3, &m.nn, &s.voice, NULL, &prefix, &err), TB_EINVAL);
    s.prompt[4] = V - 1;
    assert_int_equal(tb_t3_prefix_new(&m.t3, &m.nn, &s.voice, NULL, &prefix, &err), TB_OK);

    assert_int_equal(tb_t3_session_new(&m.t3, prefix, &session, &err), TB_OK);
    s.ids[2] = TINY_T3_TEXT;
    assert_int_equal(tb_t3_prefill(session, &m.nn, s.ids, 3, NULL, logits, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "text id 512"));
    s.ids[2] = -1;
    assert_int_equal(tb_t3_prefill(session, &m.nn, s.ids, 3, NULL, logits, &err), TB_EINVAL);
    s.ids[2] = TINY_T3_TEXT - 1; /* a refusal leaves the session as it was */
    assert_int_equal(tb_t3_prefill(session, &m.nn, s.ids, 3, NULL, logits, &err), TB_OK);
    tb_t3_session_free(session);
    tb_t3_prefix_free(prefix);
    model_close(&m);
}

static void positions_end_where_the_model_ends(void **state)
{
    (void)state;
    enum { P = TINY_T3_POSITIONS };
    model m;
    speech s;
    tb_err err = {0};
    float logits[V];
    int32_t many[P + 1] = {0}, token = 5;
    tb_t3_prefix *prefix = NULL;
    tb_t3_session *session = NULL;
    model_open(&m, TB_F16, 1);
    speech_make(&s, 0);
    s.voice.prompt = many;

    s.voice.n_prompt = P; /* and the speaker */
    assert_int_equal(tb_t3_prefix_new(&m.t3, &m.nn, &s.voice, NULL, &prefix, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "640"));
    s.voice.n_prompt = P - 1;
    assert_int_equal(tb_t3_prefix_new(&m.t3, &m.nn, &s.voice, NULL, &prefix, &err), TB_OK);
    assert_int_equal(tb_t3_session_new(&m.t3, prefix, &session, &err), TB_OK);
    assert_int_equal(tb_t3_prefill(session, &m.nn, many, 0, NULL, logits, &err), TB_EINVAL);
    tb_t3_session_free(session);
    tb_t3_prefix_free(prefix);

    s.voice.n_prompt = 0;
    assert_int_equal(tb_t3_prefix_new(&m.t3, &m.nn, &s.voice, NULL, &prefix, &err), TB_OK);
    assert_int_equal(tb_t3_session_new(&m.t3, prefix, &session, &err), TB_OK);
    assert_int_equal(tb_t3_prefill(session, &m.nn, many, P - 1, NULL, logits, &err), TB_EINVAL);
    assert_int_equal(tb_t3_prefill(session, &m.nn, many, P - 3, NULL, logits, &err), TB_OK);
    assert_int_equal(tb_t3_session_reserve(session, 2, &err), TB_EINVAL);
    assert_int_equal(tb_t3_session_reserve(session, SIZE_MAX, &err), TB_EINVAL);
    assert_int_equal(tb_t3_session_reserve(session, 1, &err), TB_OK);
    tb_t3_step(&session, &m.nn, &token, 1, logits);
    assert_int_equal(tb_t3_session_positions(session), P);
    assert_int_equal(tb_t3_session_reserve(session, 1, &err), TB_EINVAL);
    tb_t3_session_free(session);
    tb_t3_prefix_free(prefix);
    model_close(&m);
}

static void bytes_that_are_no_prefix_of_this_model_are_refused(void **state)
{
    (void)state;
    model m, other;
    speech s;
    tb_err err = {0};
    tb_t3_prefix *p = NULL, *q = NULL;
    model_open(&m, TB_F16, 1);
    model_open(&other, TB_F32, 1);
    speech_make(&s, 7);
    assert_int_equal(tb_t3_prefix_new(&m.t3, &m.nn, &s.voice, NULL, &p, &err), TB_OK);
    size_t size = tb_t3_prefix_packed_size(p);
    unsigned char *bytes = tb_alloc(size + 8);
    tb_t3_prefix_pack(p, bytes);

    for (size_t n = 0; n < size; n++) {
        assert_int_equal(tb_t3_prefix_unpack(&m.t3, bytes, n, &q, &err), TB_EMODEL);
        if (n > 64) n += 997;
    }
    assert_int_equal(tb_t3_prefix_unpack(&m.t3, bytes, size + 8, &q, &err), TB_EMODEL);
    assert_int_equal(tb_t3_prefix_unpack(&other.t3, bytes, size, &q, &err), TB_EMODEL);
    for (size_t i = 0; i < 24; i++) { /* every byte of the head says something that must be so */
        bytes[i] ^= 0x80;
        assert_int_equal(tb_t3_prefix_unpack(&m.t3, bytes, size, &q, &err), TB_EMODEL);
        bytes[i] ^= 0x80;
    }
    assert_null(q);
    assert_int_equal(tb_t3_prefix_unpack(&m.t3, bytes, size, &q, &err), TB_OK);
    tb_t3_prefix_free(q);
    tb_t3_prefix_free(p);
    tb_free(bytes);
    model_close(&other);
    model_close(&m);
}

static void a_prefix_lives_as_long_as_its_last_holder(void **state)
{
    (void)state;
    model m;
    speech s;
    tb_t3_prefix *p = NULL;
    model_open(&m, TB_F32, 1);
    speech_make(&s, 7);
    assert_int_equal(tb_t3_prefix_new(&m.t3, &m.nn, &s.voice, NULL, &p, NULL), TB_OK);
    assert_ptr_equal(tb_t3_prefix_ref(p), p);
    tb_t3_prefix_free(p);
    assert_int_equal(tb_t3_prefix_positions(p), s.voice.n_prompt + 1);
    tb_t3_prefix_free(p);
    tb_t3_prefix_free(NULL);
    model_close(&m);
}

static void a_cancelled_prefix_and_prefill_stop(void **state)
{
    (void)state;
    model m;
    speech s;
    tb_err err = {0};
    float logits[V];
    tb_cancel cancel = {0};
    tb_t3_prefix *p = NULL;
    tb_t3_session *session = NULL;
    model_open(&m, TB_F32, 1);
    speech_make(&s, 7);
    assert_int_equal(tb_t3_prefix_new(&m.t3, &m.nn, &s.voice, &cancel, &p, &err), TB_OK);
    assert_int_equal(tb_t3_session_new(&m.t3, p, &session, &err), TB_OK);
    tb_cancel_set(&cancel);
    tb_t3_prefix *q = NULL;
    assert_int_equal(tb_t3_prefix_new(&m.t3, &m.nn, &s.voice, &cancel, &q, &err), TB_ECANCELLED);
    assert_null(q);
    assert_int_equal(tb_t3_prefill(session, &m.nn, s.ids, 3, &cancel, logits, &err), TB_ECANCELLED);
    tb_t3_session_free(session);
    tb_t3_prefix_free(p);
    model_close(&m);
}

/* ------------------------------------------------------------------ binding */

/* The tiny set without one tensor, or with another in its place. */
static tb_status bind_with(const char *name, const tb_tensor *instead, tb_err *err)
{
    tb_weights *all = tiny_t3_make(TB_F32), *w = tb_weights_new("changed");
    tb_t3 t3 = {0};
    for (size_t i = 0; i < tb_weights_count(all); i++) {
        const tb_tensor *t = tb_weights_at(all, i);
        if (!strcmp(tb_weights_name(all, i), name)) t = instead;
        if (t) assert_int_equal(tb_weights_add(w, tb_weights_name(all, i), t, NULL, err), TB_OK);
    }
    tb_status st = tb_t3_bind(&t3, w, TINY_T3_HEADS, err);
    tb_t3_clear(&t3);
    tb_weights_free(w);
    tb_weights_free(all);
    return st;
}

static void what_is_missing_or_wrong_is_named(void **state)
{
    (void)state;
    static const char *const names[] = {"speech_emb.weight",       "text_emb.weight",
                                        "tfmr.wpe.weight",         "cond_enc.spkr_enc.bias",
                                        "speech_head.bias",        "tfmr.ln_f.weight",
                                        "tfmr.h.0.ln_1.weight",    "tfmr.h.1.attn.c_attn.weight",
                                        "tfmr.h.1.mlp.c_proj.bias"};
    static const float zeros[2 * TINY_T3_D];
    const tb_tensor wrong = {.n_dims = 2, .dim = {2, TINY_T3_D - 1}, .data = zeros};
    tb_err err = {0};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(bind_with(names[i], NULL, &err), TB_EMODEL);
        assert_non_null(strstr(err.msg, names[i]));
        if (i == 0) continue; /* its width is everybody's */
        assert_int_equal(bind_with(names[i], &wrong, &err), TB_EMODEL);
        assert_non_null(strstr(err.msg, names[i]));
    }
    assert_int_equal(bind_with("nothing", NULL, &err), TB_OK);
}

static void heads_must_divide_the_channels(void **state)
{
    (void)state;
    tb_weights *w = tiny_t3_make(TB_F32);
    tb_err err = {0};
    tb_t3 t3 = {0};
    assert_int_equal(tb_t3_bind(&t3, w, 7, &err), TB_EMODEL);
    assert_int_equal(tb_t3_bind(&t3, w, 0, &err), TB_OK);
    assert_int_equal(t3.heads, 1);
    assert_int_equal(t3.D, TINY_T3_D);
    assert_int_equal(t3.n_layers, TINY_T3_LAYERS);
    assert_int_equal(t3.text_vocab, TINY_T3_TEXT);
    assert_int_equal(t3.max_positions, TINY_T3_POSITIONS);
    assert_int_equal(t3.start, 6561);
    assert_int_equal(t3.stop, 6562);
    assert_int_equal(t3.kv_type, TB_F32);
    tb_t3_clear(&t3);
    tb_t3_clear(&t3);
    tb_weights_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(company_changes_no_bit),
        cmocka_unit_test(a_kept_prefix_changes_no_bit),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(workers_share_a_prefix),
        cmocka_unit_test(ready_embeddings_of_the_prompt_give_what_the_lookup_gives),
        cmocka_unit_test(numbers_outside_the_model_are_refused),
        cmocka_unit_test(positions_end_where_the_model_ends),
        cmocka_unit_test(bytes_that_are_no_prefix_of_this_model_are_refused),
        cmocka_unit_test(a_prefix_lives_as_long_as_its_last_holder),
        cmocka_unit_test(a_cancelled_prefix_and_prefill_stop),
        cmocka_unit_test(what_is_missing_or_wrong_is_named),
        cmocka_unit_test(heads_must_divide_the_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
