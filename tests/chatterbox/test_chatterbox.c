/*
 * Tests of chatterbox-turbo on the small seeded model: seeds, several at once, threads, folder and
 * file, tags.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chatterbox_help.h"

/* The small model speaks noise, but the same noise for the same seed, whoever else is speaking, and
 * every tag and every sample of a piece reaches the end of the line. */

static void a_seed_gives_the_same_samples_and_another_others(void **state)
{
    (void)state;
    tb_chatterbox_options how = usual(chatter, prefix);
    tb_pcm first = say(chatter, &how, text), again = say(chatter, &how, text);
    assert_true(same(&first, &again));
    tb_pcm_clear(&again);
    how.seed++;
    again = say(chatter, &how, text);
    assert_false(same(&first, &again));
    tb_pcm_clear(&again);
    how.seed--;
    how.segment++;
    again = say(chatter, &how, text);
    assert_false(same(&first, &again));
    tb_pcm_clear(&again);
    how.segment--;
    how.sampler.temperature = 1.5;
    again = say(chatter, &how, text);
    assert_false(same(&first, &again));
    tb_pcm_clear(&again);
    tb_pcm_clear(&first);
}

struct voice_of_one {
    const tb_chatterbox_options *how;
    tb_pcm pcm;
};

static void *say_alone(void *arg)
{
    struct voice_of_one *v = arg;
    tb_chatterbox_report said;
    if (tb_chatterbox_speak(chatter, v->how, text, NULL, &v->pcm, &said, NULL)) v->pcm.len = 0;
    return NULL;
}

static void eight_at_once_say_what_one_says(void **state)
{
    enum { MANY = 8 };
    (void)state;
    pthread_t threads[MANY];
    struct voice_of_one v[MANY] = {{0}};
    tb_chatterbox_options how[2] = {usual(chatter, prefix), usual(chatter, prefix)};
    how[1].seed = 43;
    for (size_t i = 0; i < MANY; i++) {
        v[i].how = &how[i % 2];
        assert_int_equal(pthread_create(&threads[i], NULL, say_alone, &v[i]), 0);
    }
    for (size_t i = 0; i < MANY; i++)
        pthread_join(threads[i], NULL);
    for (size_t k = 0; k < 2; k++) {
        tb_pcm alone = say(chatter, &how[k], text);
        for (size_t i = k; i < MANY; i += 2)
            assert_true(same(&alone, &v[i].pcm));
        tb_pcm_clear(&alone);
    }
    for (size_t i = 0; i < MANY; i++)
        tb_pcm_clear(&v[i].pcm);
}

static void the_number_of_threads_is_not_heard(void **state)
{
    (void)state;
    tb_chatterbox_options how = usual(chatter, prefix);
    tb_pcm two = say(chatter, &how, text);
    static const size_t threads[] = {1, 4};
    for (size_t i = 0; i < 2; i++) {
        tb_chatterbox *c = opened(folder, TB_F32, threads[i]);
        assert_string_equal(tb_chatterbox_id(c), tb_chatterbox_id(chatter));
        tb_t3_prefix *p = prefix_of(c, tb_chatterbox_default(c));
        how = usual(c, p);
        tb_pcm other = say(c, &how, text);
        assert_true(same(&two, &other));
        tb_pcm_clear(&other);
        tb_t3_prefix_free(p);
        tb_chatterbox_close(c);
    }
    tb_pcm_clear(&two);
}

/* Each type from the folder and from one file made of it: the same model, the same sound. */
static void a_folder_and_the_one_file_made_of_it_sound_alike(void **state)
{
    static const tb_dtype types[] = {TB_F32, TB_F16, TB_BF16, TB_Q8_0, TB_Q4_0};
    enum { N = sizeof types / sizeof *types };
    (void)state;
    tb_pcm all[N] = {{0}};
    for (size_t i = 0; i < N; i++) {
        tb_err err = {0};
        char *file = tb_sprintf("%s/small-%s.gguf", home, tb_dtype_name(types[i]));
        if (tb_model_convert(&(tb_model_place){.path = folder}, &(tb_convert){.type = types[i]},
                             file, &err))
            fail_msg("%s", err.msg);
        for (size_t k = 0; k < 2; k++) {
            tb_chatterbox *c = opened(k ? file : folder, types[i], 2);
            assert_string_equal(tb_chatterbox_model(c), "ResembleAI/chatterbox-turbo");
            tb_t3_prefix *p = prefix_of(c, tb_chatterbox_default(c));
            tb_chatterbox_options how = usual(c, p);
            tb_pcm pcm = say(c, &how, text);
            if (k == 0)
                all[i] = pcm;
            else
                assert_true(same(&all[i], &pcm));
            if (k) tb_pcm_clear(&pcm);
            tb_t3_prefix_free(p);
            tb_chatterbox_close(c);
        }
        assert_int_equal(unlink(file), 0);
        tb_free(file);
        for (size_t k = 0; k < i; k++) /* and the type is heard */
            assert_false(same(&all[k], &all[i]));
    }
    for (size_t i = 0; i < N; i++)
        tb_pcm_clear(&all[i]);
}

static void the_smaller_model_is_known_by_its_name(void **state)
{
    (void)state;
    char *nano = tb_path_join(home, "nano"), *file = tb_path_join(home, "nano.gguf");
    tb_err err = {0};
    small_model(nano, "t3_nano_v1", NULL);
    if (tb_model_convert(&(tb_model_place){.path = nano}, &(tb_convert){.type = TB_F16}, file,
                         &err))
        fail_msg("%s", err.msg);
    for (size_t k = 0; k < 2; k++) {
        tb_chatterbox *c = opened(k ? file : nano, TB_F16, 1);
        assert_string_equal(tb_chatterbox_model(c), "ResembleAI/chatterbox-nano");
        tb_t3_prefix *p = prefix_of(c, tb_chatterbox_default(c));
        tb_chatterbox_options how = usual(c, p);
        tb_pcm pcm = say(c, &how, "Hello.");
        tb_pcm_clear(&pcm);
        tb_t3_prefix_free(p);
        tb_chatterbox_close(c);
    }
    tb_free(nano);
    tb_free(file);
}

/* ---- tags ---- */

static tb_plan plan_of(tb_engine *e, const char *said)
{
    tb_plan plan = {0};
    tb_err err = {0};
    const tb_engine_opts opts = {.temperature = 0.8,
                                 .speed = 1,
                                 .top_p = (double)NAN,
                                 .min_p = (double)NAN,
                                 .repetition_penalty = (double)NAN,
                                 .exaggeration = (double)NAN,
                                 .cfg = (double)NAN,
                                 .top_k = -1};
    const tb_script_opts script = {.text_max = 1000};
    if (tb_engine_prepare(e, said, &script, &opts, &plan, &err)) fail_msg("%s", err.msg);
    assert_int_equal(plan.engine, TB_ENGINE_CHATTERBOX);
    assert_null(plan.unknown_tags);
    assert_null(plan.unsupported_tags);
    return plan;
}

static void every_tag_reaches_the_model_as_its_token(void **state)
{
    static const struct {
        const char *written;
        tb_tag tag;
    } more[] = {
        {"risa", TB_TAG_LAUGH},    {"jaja", TB_TAG_LAUGH},
        {"broma", TB_TAG_LAUGH},   {"risita", TB_TAG_CHUCKLE},
        {"suspiro", TB_TAG_SIGH},  {"tos", TB_TAG_COUGH},
        {"chistar", TB_TAG_SHUSH}, {"carraspeo", TB_TAG_CLEAR_THROAT},
        {"quejido", TB_TAG_GROAN}, {"olfatear", TB_TAG_SNIFF},
        {"jadeo", TB_TAG_GASP},    {"Clear  Throat", TB_TAG_CLEAR_THROAT},
        {"LAUGH", TB_TAG_LAUGH},
    };
    enum { OWN = TB_TAG_SAD, MORE = sizeof more / sizeof *more, FIRST = 50257 };
    (void)state;
    tb_engine *e = engine_of(folder);
    const tb_chatterbox *c = tb_model_handle_get(tb_engine_model_handle(e));
    tb_bpe_ids ids = {0};
    int32_t of_tag[OWN];
    bool seen[OWN] = {false};
    /* All 19 are different ids, of the 19 behind the ordinary ones. */
    for (int t = 0; t < OWN; t++) {
        char *plain = tb_sprintf("[%s]", tb_tag_name((tb_tag)t));
        ids.n = 0;
        assert_int_equal(tb_chatterbox_ids(c, plain, &ids, NULL), TB_OK);
        assert_int_equal(ids.n, 2); /* and a full stop */
        of_tag[t] = ids.ids[0];
        assert_in_range(of_tag[t], FIRST, FIRST + OWN - 1);
        assert_false(seen[of_tag[t] - FIRST]);
        seen[of_tag[t] - FIRST] = true;
        tb_free(plain);
    }
    for (int i = 0; i < OWN + MORE; i++) {
        const char *written = i < OWN ? tb_tag_name((tb_tag)i) : more[i - OWN].written;
        const tb_tag tag = i < OWN ? (tb_tag)i : more[i - OWN].tag;
        char *said = tb_sprintf("Well, [%s] that was it.", written);
        size_t found = 0;
        tb_plan plan = plan_of(e, said);
        for (size_t k = 0; k < plan.script.n; k++) {
            ids.n = 0;
            assert_int_equal(tb_chatterbox_ids(c, plan.script.items[k].text, &ids, NULL), TB_OK);
            for (size_t j = 0; j < ids.n; j++)
                found += ids.ids[j] == of_tag[tag];
        }
        if (found != 1) fail_msg("[%s] reached the model %zu times", written, found);
        tb_plan_clear(&plan);
        tb_free(said);
    }
    /* Three words move the sampling instead: the model has no token for the last, and the others
     * ask for less than its tags of that name do. */
    static const struct {
        const char *written;
        tb_tag tag;
    } styles[] = {{"feliz", TB_TAG_HAPPY}, {"serio", TB_TAG_NARRATION}, {"triste", TB_TAG_SAD}};
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
        char *said = tb_sprintf("[%s] That was it.", styles[i].written);
        tb_plan plan = plan_of(e, said);
        assert_int_equal(plan.script.n, 1);
        assert_int_equal(plan.script.items[0].tag, styles[i].tag);
        assert_string_equal(plan.script.items[0].text, "That was it.");
        tb_plan_clear(&plan);
        tb_free(said);
    }
    tb_bpe_ids_clear(&ids);
    tb_engine_close(e);
}

/* ---- pieces ---- */

static tb_status collect(void *self, const tb_pcm *pcm, tb_err *err)
{
    return tb_pcm_append(self, pcm->data, pcm->len, err);
}

/* Item i of a plan as the network makes it, not as the engine hands it on. */
static tb_pcm piece_alone(const tb_chatterbox *c, const tb_plan *plan, size_t i, tb_voice *v)
{
    tb_chatterbox_options how = usual(c, v->prefix);
    tb_pcm pcm = {.rate_hz = 24000};
    tb_chatterbox_report said;
    tb_err err = {0};
    how.conds = v->conds;
    how.seed = plan->opts.seed;
    how.segment = plan->script.items[i].sentence;
    tb_status st = plan->stream ? tb_chatterbox_stream(c, &how, plan->script.items[i].text, NULL,
                                                       collect, &pcm, &said, &err)
                                : tb_chatterbox_speak(c, &how, plan->script.items[i].text, NULL,
                                                      &pcm, &said, &err);
    if (st) fail_msg("%s", err.msg);
    return pcm;
}

/*
 * Of every piece each sample is handed on: all but the last 10 ms as they were made, those as well
 * at the end of the text, and faded out before another piece. Behind it is silence, no shorter
 * than what the gap is without the model's own.
 */
static void a_piece_is_handed_on_to_its_last_sample(void **state)
{
    enum { SEAM = 240 };
    (void)state;
    tb_engine *e = engine_of(folder);
    const tb_chatterbox *c = tb_model_handle_get(tb_engine_model_handle(e));
    tb_voice *v = NULL;
    tb_spoken spoken = {0};
    tb_err err = {0};
    if (tb_voice_make(tb_engine_model_handle(e), TB_ENGINE_CHATTERBOX, "default", "", NULL, NULL,
                      NULL, &v, &err))
        fail_msg("%s", err.msg);
    for (int stream = 0; stream < 2; stream++) {
        tb_plan plan = plan_of(e, "Good morning to you all.\n\nAnd that was it for today.");
        plan.stream = stream;
        assert_int_equal(plan.script.n, 2);
        for (size_t i = 0; i < 2; i++) {
            tb_pcm got = {.rate_hz = 24000}, want = piece_alone(c, &plan, i, v);
            if (tb_engine_speak(e, &plan, i, v, NULL, collect, &got, &spoken, &err))
                fail_msg("%s", err.msg);
            assert_true(want.len > SEAM);
            const size_t body = want.len - SEAM;
            assert_memory_equal(got.data, want.data, body * sizeof *want.data);
            if (i == 0) {
                /* An empty line is half a second, of which the model made 0.12. */
                assert_int_equal(got.len, want.len + (size_t)lround((0.5 - 0.12) * 24000));
                for (size_t k = 0; k < SEAM; k++)
                    assert_true(fabsf(got.data[body + k] -
                                      want.data[body + k] * (float)(SEAM - 1 - k) / SEAM) < 1e-6F);
                for (size_t k = want.len; k < got.len; k++)
                    assert_true(got.data[k] == 0);
            } else {
                assert_true(same(&got, &want));
            }
            tb_pcm_clear(&got);
            tb_pcm_clear(&want);
        }
        tb_plan_clear(&plan);
    }
    tb_voice_free(v);
    tb_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_gives_the_same_samples_and_another_others),
        cmocka_unit_test(eight_at_once_say_what_one_says),
        cmocka_unit_test(the_number_of_threads_is_not_heard),
        cmocka_unit_test(a_folder_and_the_one_file_made_of_it_sound_alike),
        cmocka_unit_test(the_smaller_model_is_known_by_its_name),
        cmocka_unit_test(every_tag_reaches_the_model_as_its_token),
        cmocka_unit_test(a_piece_is_handed_on_to_its_last_sample),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
