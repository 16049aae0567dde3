/*
 * Tests of the engine's interface: which engine speaks and why, ignored parameters, ranges, pauses,
 * cancelling.
 */
#include "base/mem.h"
#include "base/str.h"
#include "engine/engine.h"
#include "signals.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static tb_engine *engine;
static tb_spoken spoken;
static const tb_engine_config config = {
    .engine = TB_ENGINE_AUTO,
    .embedded = {.default_language = "en", .default_base = "slt", .espeak_program = "espeak-ng"},
};

static int bed(void *self, const char *name)
{
    (void)self;
    return tb_str_ieq(name, "rain") ? 0 : -1;
}

static const tb_script_opts script_opts = {.find_bed = bed, .text_max = 20000};

static int start(void **state)
{
    (void)state;
    return tb_engine_open(&config, &engine, NULL) ? -1 : 0;
}

static int stop(void **state)
{
    (void)state;
    tb_engine_close(engine);
    tb_engine_close(NULL);
    return 0;
}

static tb_engine_opts usual(void)
{
    return (tb_engine_opts){.temperature = 0.8,
                            .speed = 1,
                            .seed = 7,
                            .top_p = (double)NAN,
                            .min_p = (double)NAN,
                            .repetition_penalty = (double)NAN,
                            .exaggeration = (double)NAN,
                            .cfg = (double)NAN,
                            .top_k = -1};
}

static tb_plan plan_of(const char *text, const tb_engine_opts *opts)
{
    tb_plan plan = {0};
    tb_err err = {0};
    tb_status st = tb_engine_prepare(engine, text, &script_opts, opts, &plan, &err);
    if (st) print_error("%s\n", err.msg);
    assert_int_equal(st, TB_OK);
    return plan;
}

static void refused(const tb_engine_opts *opts, const char *text, const char *field)
{
    tb_plan plan = {0};
    tb_err err = {0};
    assert_int_equal(tb_engine_prepare(engine, text, &script_opts, opts, &plan, &err), TB_EINVAL);
    assert_string_equal(err.field, field);
    assert_true(strlen(err.msg) > 10);
    assert_null(plan.script.items);
}

static tb_status collect(void *self, const tb_pcm *pcm, tb_err *err)
{
    return tb_pcm_append(self, pcm->data, pcm->len, err);
}

static tb_status speak(const tb_plan *plan, size_t i, const tb_cancel *cancel, tb_pcm *out)
{
    tb_voice *voice = tb_voice_default();
    *out = (tb_pcm){.rate_hz = TB_RATE_HZ};
    tb_status st = tb_engine_speak(engine, plan, i, voice, cancel, collect, out, &spoken, NULL);
    tb_voice_free(voice);
    return st;
}

static void the_neural_engine_without_weights_is_refused_not_replaced(void **state)
{
    (void)state;
    tb_engine_config neural = config;
    tb_engine *none = NULL;
    tb_err err = {0};
    neural.engine = TB_ENGINE_CHATTERBOX;
    assert_true(tb_engine_open(&neural, &none, &err) != TB_OK);
    assert_null(none);
    assert_non_null(strstr(err.msg, "embedded"));
    tb_engine_opts opts = usual();
    opts.engine = TB_ENGINE_CHATTERBOX;
    refused(&opts, "Hi.", "engine");
    opts = usual();
    opts.mode = "multilingual";
    refused(&opts, "Hi.", "mode");
}

static void sentences_name_the_model_that_was_configured(void **state)
{
    tb_engine *usual_one = engine;
    tb_engine_config nano = config;
    tb_engine_opts opts = usual();
    tb_plan plan = {0};
    tb_err err = {0};
    (void)state;
    nano.model.variant = "nano";
    assert_int_equal(tb_engine_open(&nano, &engine, NULL), TB_OK);
    plan = plan_of("Hi.", &opts);
    assert_string_equal(plan.reason, "the weights of chatterbox-nano are not installed");
    tb_plan_clear(&plan);
    opts.engine = TB_ENGINE_CHATTERBOX;
    assert_int_equal(tb_engine_prepare(engine, "Hi.", &script_opts, &opts, &plan, &err), TB_EINVAL);
    assert_non_null(strstr(err.msg, "chatterbox-nano are not installed"));
    tb_engine_close(engine);
    engine = usual_one;
}

static void who_speaks_and_why_is_in_the_plan(void **state)
{
    (void)state;
    tb_engine_opts opts = usual();
    tb_plan plan = plan_of("Hi.", &opts);
    assert_int_equal(plan.engine, TB_ENGINE_EMBEDDED);
    assert_non_null(strstr(plan.reason, "not installed"));
    assert_string_equal(plan.language->code, "en-us");
    assert_null(plan.ignored);
    assert_null(plan.unsupported_tags);
    assert_null(plan.unknown_tags);
    tb_plan_clear(&plan);
    opts.engine = TB_ENGINE_EMBEDDED;
    opts.language = "es-MX";
    opts.mode = "turbo";
    plan = plan_of("Hola.", &opts);
    assert_null(plan.reason);
    assert_string_equal(plan.language->code, "es-419");
    assert_null(plan.opts.language);
    tb_plan_clear(&plan);
    tb_plan_clear(NULL);
    assert_int_equal(tb_engine_current(engine), TB_ENGINE_EMBEDDED);
}

static void what_has_no_effect_is_listed(void **state)
{
    (void)state;
    tb_engine_opts opts = usual();
    opts.top_k = 5;
    opts.top_p = 0.9;
    opts.cfg = 0.5;
    tb_plan plan = plan_of("Ha [laugh] ha [laugh] [cough]. [xyz] [xyz] [zyx]", &opts);
    assert_string_equal(plan.ignored, "top_p, top_k, cfg");
    assert_string_equal(plan.unsupported_tags, "laugh, cough");
    assert_string_equal(plan.unknown_tags, "xyz, zyx");
    tb_plan_clear(&plan);
}

static void values_out_of_range_name_their_field(void **state)
{
    (void)state;
    static const double bad_speed[] = {0, 0.249, 4.01, -1, (double)NAN, (double)INFINITY};
    static const double bad_temperature[] = {0, 0.049, 5.01, (double)NAN};
    tb_engine_opts opts;
    for (size_t i = 0; i < sizeof bad_speed / sizeof *bad_speed; i++) {
        opts = usual();
        opts.speed = bad_speed[i];
        refused(&opts, "Hi.", "speed");
    }
    for (size_t i = 0; i < sizeof bad_temperature / sizeof *bad_temperature; i++) {
        opts = usual();
        opts.temperature = bad_temperature[i];
        refused(&opts, "Hi.", "temperature");
    }
    opts = usual();
    opts.top_p = 1.1;
    refused(&opts, "Hi.", "top_p");
    opts = usual();
    opts.cfg = -0.1;
    refused(&opts, "Hi.", "cfg");
    opts = usual();
    opts.language = "xx-nowhere";
    refused(&opts, "Hi.", "language");
    opts = usual();
    refused(&opts, "", "text");
    refused(&opts, "[laugh] [cough]", "text"); /* sounds that this engine lacks, and nothing else */
}

static void sentences_are_followed_by_their_silence_over_speed(void **state)
{
    (void)state;
    tb_engine_opts opts = usual();
    tb_pcm first, again, alone;
    opts.speed = 2;
    tb_plan plan = plan_of("Good morning. Good night.", &opts);
    assert_int_equal(plan.script.n, 2);
    assert_int_equal(speak(&plan, 0, NULL, &first), TB_OK);
    assert_int_equal(speak(&plan, 0, NULL, &again), TB_OK);
    plan.script.items[0].gap_after = 0;
    assert_int_equal(speak(&plan, 0, NULL, &alone), TB_OK);
    assert_true(alone.len > 4800);
    assert_int_equal(first.len, alone.len + 3000); /* 0.25 s / 2 */
    assert_int_equal(first.len, again.len);
    assert_memory_equal(first.data, again.data, first.len * sizeof(float));
    for (size_t i = alone.len; i < first.len; i++)
        assert_true(first.data[i] == 0);
    tb_pcm_clear(&first);
    tb_pcm_clear(&again);
    tb_pcm_clear(&alone);
    tb_plan_clear(&plan);
}

static void pauses_have_the_length_that_was_asked_at_any_speed(void **state)
{
    (void)state;
    tb_engine_opts opts = usual();
    tb_pcm pcm;
    opts.speed = 4;
    tb_plan plan = plan_of("[pause:800ms][rain] Hi [laugh]. You", &opts);
    assert_int_equal(plan.script.items[0].kind, TB_ITEM_PAUSE);
    assert_int_equal(speak(&plan, 0, NULL, &pcm), TB_OK);
    assert_int_equal(pcm.len, 19200);
    assert_true(tb_pcm_peak(pcm.data, pcm.len) == 0);
    tb_pcm_clear(&pcm);
    assert_int_equal(plan.script.items[1].kind, TB_ITEM_BED);
    assert_int_equal(speak(&plan, 1, NULL, &pcm), TB_OK);
    assert_int_equal(pcm.len, 0);
    tb_pcm_clear(&pcm);
    assert_int_equal(plan.script.items[3].kind, TB_ITEM_SOUND); /* not made, the gap is kept */
    assert_int_equal(speak(&plan, 3, NULL, &pcm), TB_OK);
    assert_int_equal(pcm.len, 1500);
    tb_pcm_clear(&pcm);
    tb_plan_clear(&plan);
}

static tb_status refuse(void *self, const tb_pcm *pcm, tb_err *err)
{
    (void)self;
    (void)pcm;
    return tb_fail(err, TB_ENOSPACE, "full");
}

static void cancelling_and_a_full_sink_end_a_sentence(void **state)
{
    (void)state;
    tb_engine_opts opts = usual();
    tb_cancel cancel = {false};
    tb_voice *voice = tb_voice_default();
    tb_pcm pcm;
    tb_plan plan = plan_of("Good morning. Good night.", &opts);
    assert_int_equal(tb_engine_speak(engine, &plan, 0, voice, NULL, refuse, NULL, &spoken, NULL),
                     TB_ENOSPACE);
    tb_cancel_set(&cancel);
    assert_int_equal(speak(&plan, 0, &cancel, &pcm), TB_ECANCELLED);
    assert_int_equal(pcm.len, 0);
    tb_pcm_clear(&pcm);
    tb_voice_free(voice);
    tb_plan_clear(&plan);
}

static void a_text_without_a_language_is_read_in_its_own(void **state)
{
    static const char spanish[] = "La casa es grande y el perro come en la cocina.";
    tb_engine_config open = config;
    tb_engine *closed = engine;
    tb_engine_opts opts = usual();
    (void)state;
    open.embedded.default_language = "auto";
    assert_int_equal(tb_engine_open(&open, &engine, NULL), TB_OK);
    const struct {
        const char *text, *language;
        tb_engine_kind engine;
        const char *spoken, *guessed;
    } all[] = {
        {spanish, NULL, 0, "es", "es"},
        {spanish, "", TB_ENGINE_AUTO, "es", "es"},
        {spanish, "auto", TB_ENGINE_EMBEDDED, "es", "es"},
        {spanish, "en", 0, "en-us", NULL},
        {spanish, "de", 0, "de", NULL},
        {"The house is large and the dog eats in the kitchen.", NULL, 0, "en-us", NULL},
        {"Le chien dort dans la maison.", NULL, 0, "fr-fr", "fr"},
        {"Привет", NULL, 0, "ru", "ru"},
        {"OK", NULL, 0, "en-us", NULL},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        opts.language = all[i].language;
        opts.engine = all[i].engine;
        tb_plan plan = plan_of(all[i].text, &opts);
        assert_string_equal(plan.language->code, all[i].spoken);
        if (all[i].guessed)
            assert_string_equal(plan.guessed, all[i].guessed);
        else
            assert_null(plan.guessed);
        tb_plan_clear(&plan);
    }
    tb_engine_close(engine);
    engine = closed; /* LANGUAGE=en: a setting that names one is no guess */
    opts.language = NULL;
    opts.engine = TB_ENGINE_UNSAID;
    tb_plan plan = plan_of(spanish, &opts);
    assert_string_equal(plan.language->code, "en-us");
    assert_null(plan.guessed);
    tb_plan_clear(&plan);
    opts.language = "auto";
    plan = plan_of(spanish, &opts);
    assert_string_equal(plan.language->code, "es");
    tb_plan_clear(&plan);
}

static char *said(const tb_plan *plan)
{
    tb_str s;
    tb_str_init(&s, 1000);
    for (size_t i = 0; i < plan->script.n; i++)
        if (plan->script.items[i].text) tb_str_puts(&s, plan->script.items[i].text);
    return tb_str_take(&s);
}

static void words_are_said_as_the_request_wants(void **state)
{
    static const struct {
        const char *word, *say, *language;
    } all[] = {
        {"k8s", "kubernetes", ""}, {"bass", "base", "English"}, {"data", "dah ta", "en-gb"},
        {"data", "datos", "es"},   {"b", "letter", ""},         {"v2", "version 2", ""},
    };
    const struct {
        const char *text, *language, *said;
        bool as_written;
        size_t used;
    } texts[] = {
        {"K8s, bass, data.", "en", "kubernetes, base, data.", false, 2},
        {"K8s, bass, data.", "en-gb", "kubernetes, base, dah ta.", false, 3},
        {"K8s, bass, data.", "es-MX", "kubernetes, bass, datos.", false, 2},
        {"<b>k8s</b> and **k8s** v2.", "en", "kubernetes and kubernetes version two.", false, 2},
        {"k8s v2 [sigh] *b*.", "en", "kubernetes version 2letter.", true, 3},
        {"Nothing.", "en", "Nothing.", false, 0},
    };
    tb_pronunciations list = {0};
    tb_engine_opts opts = usual();
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_int_equal(tb_pronunciations_add(&list, all[i].word, all[i].say, all[i].language,
                                               true, NULL, NULL),
                         TB_OK);
    opts.pronunciations = &list;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        opts.language = texts[i].language;
        opts.as_written = texts[i].as_written;
        tb_plan plan = plan_of(texts[i].text, &opts);
        char *got = said(&plan);
        assert_string_equal(got, texts[i].said);
        assert_int_equal(plan.pronounced.n, texts[i].used);
        assert_null(plan.opts.pronunciations);
        tb_free(got);
        tb_plan_clear(&plan);
    }
    assert_int_equal(tb_pronunciations_add(&list, "x", "y", "Elvish of old", true, NULL, NULL),
                     TB_OK);
    refused(&opts, "Hi.", "pronunciations");
    tb_pronunciations_clear(&list);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_neural_engine_without_weights_is_refused_not_replaced),
        cmocka_unit_test(sentences_name_the_model_that_was_configured),
        cmocka_unit_test(who_speaks_and_why_is_in_the_plan),
        cmocka_unit_test(words_are_said_as_the_request_wants),
        cmocka_unit_test(a_text_without_a_language_is_read_in_its_own),
        cmocka_unit_test(what_has_no_effect_is_listed),
        cmocka_unit_test(values_out_of_range_name_their_field),
        cmocka_unit_test(sentences_are_followed_by_their_silence_over_speed),
        cmocka_unit_test(pauses_have_the_length_that_was_asked_at_any_speed),
        cmocka_unit_test(cancelling_and_a_full_sink_end_a_sentence),
    };
    char self[PATH_MAX];
    if (argc == 3 && strcmp(argv[1], "speak-flite") == 0) return tb_flite_child_main(argv[2]);
    if (!realpath(argv[0], self)) return 1;
    setenv("TIMBRE_PROGRAM", self, 1);
    return cmocka_run_group_tests(tests, start, stop);
}
