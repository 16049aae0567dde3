/*
 * Tests of parsing a request for speech: required fields, ranges, seeds, prompts, pronunciations,
 * what a replay records.
 */
#include "api/speech_req.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/engine.h"
#include "params/params.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A wish written as JSON, on /generate-tts. */
static tb_status ask(tb_speech_route route, const char *json, tb_speech_req *out, tb_err *err)
{
    tb_fields f = {0};
    *err = (tb_err){0};
    *out = (tb_speech_req){0};
    assert_int_equal(tb_fields_from_json(json, strlen(json), &f, err), TB_OK);
    tb_status st = tb_speech_req_parse(route, &f, 100, out, err);
    tb_fields_clear(&f);
    return st;
}

static void refuse(const char *members, const char *field)
{
    tb_speech_req req;
    tb_err err;
    char *json = tb_sprintf("{\"text\":\"Hi\",\"voice_id\":\"default\",%s}", members);
    tb_status st = ask(TB_ROUTE_GENERATE, json, &req, &err);
    if (st != TB_EINVAL || strcmp(err.field, field) != 0)
        fail_msg("%s: %d, field \"%s\": %s", members, (int)st, err.field, err.msg);
    assert_non_null(strstr(err.msg, field));
    for (const char *c = err.msg; *c; c++)
        assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
    tb_free(json);
}

static void only_text_and_a_voice_are_needed(void **state)
{
    (void)state;
    tb_speech_req req;
    tb_err err;
    assert_int_equal(ask(TB_ROUTE_GENERATE, "{\"text\":\"Hi\",\"voice_id\":\" Ann.WAV \"}", &req,
                         &err),
                     TB_OK);
    assert_string_equal(req.text, "Hi");
    assert_string_equal(req.voice_id, "Ann");
    assert_null(req.prompt);
    assert_true(req.engine.temperature == 0.8 && req.engine.speed == 1);
    assert_true(isnan(req.engine.cfg) && isnan(req.engine.top_p) && isnan(req.post.level_lu));
    assert_int_equal(req.engine.top_k, -1);
    assert_int_equal(req.format, TB_FORMAT_WAV);
    assert_int_equal(req.sample_rate_hz, 24000);
    assert_false(req.stream);
    assert_false(req.seed_given);
    assert_true(req.engine.seed <= 9007199254740991u && req.engine.seed == req.post.seed);
    tb_speech_req_clear(&req);
}

static void the_demo_has_a_text_and_a_voice_of_its_own(void **state)
{
    (void)state;
    tb_speech_req req;
    tb_err err;
    assert_int_equal(ask(TB_ROUTE_DEMO, "{}", &req, &err), TB_OK);
    assert_string_equal(req.voice_id, "default");
    assert_true(strlen(req.text) > 5);
    tb_speech_req_clear(&req);
}

static void a_missing_voice_is_400_and_a_missing_text_422(void **state)
{
    (void)state;
    tb_speech_req req;
    tb_err err;
    assert_int_equal(ask(TB_ROUTE_GENERATE, "{\"text\":\"Hi\"}", &req, &err), TB_EMALFORMED);
    assert_int_equal(ask(TB_ROUTE_GENERATE, "{\"text\":\"Hi\",\"voice_id\":\" \"}", &req, &err),
                     TB_EMALFORMED);
    static const char *const blank[] = {"{\"voice_id\":\"a\"}",
                                        "{\"voice_id\":\"a\",\"text\":\"\"}",
                                        "{\"voice_id\":\"a\",\"text\":\" \\n\\t\"}",
                                        "{\"voice_id\":\"a\",\"text\":{}}"};
    for (size_t i = 0; i < sizeof blank / sizeof blank[0]; i++) {
        assert_int_equal(ask(TB_ROUTE_GENERATE, blank[i], &req, &err), TB_EINVAL);
        assert_string_equal(err.field, "text");
    }
}

static void text_is_counted_in_characters(void **state)
{
    (void)state;
    tb_speech_req req;
    tb_err err;
    tb_str json;
    tb_str_init(&json, 10000);
    tb_str_puts(&json, "{\"voice_id\":\"a\",\"text\":\"");
    for (int i = 0; i < 100; i++)
        tb_str_puts(&json, "\xC3\xA9");
    tb_str_puts(&json, "\"}");
    assert_int_equal(ask(TB_ROUTE_GENERATE, json.data, &req, &err), TB_OK);
    tb_speech_req_clear(&req);
    json.len -= 2;
    tb_str_puts(&json, "x\"}");
    assert_int_equal(ask(TB_ROUTE_GENERATE, json.data, &req, &err), TB_EINVAL);
    assert_string_equal(err.field, "text");
    tb_str_clear(&json);
}

static void bad_values_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *members, *field;
    } bad[] = {
        {"\"temperature\":0", "temperature"},
        {"\"temperature\":\"hot\"", "temperature"},
        {"\"temperature\":\"nan\"", "temperature"},
        {"\"temperature\":\"inf\"", "temperature"},
        {"\"temperature\":\"0.8x\"", "temperature"},
        {"\"temperature\":\"0,8\"", "temperature"},
        {"\"temperature\":true", "temperature"},
        {"\"temperature\":[0.8]", "temperature"},
        {"\"speed\":0.2", "speed"},
        {"\"speed\":4.01", "speed"},
        {"\"speed\":1e300", "speed"},
        {"\"speed\":\"\\u0001\\u001b[2J\"", "speed"},
        {"\"exaggeration\":-0.1", "exaggeration"},
        {"\"cfg\":3", "cfg"},
        {"\"min_p\":1.1", "min_p"},
        {"\"top_p\":-1", "top_p"},
        {"\"repetition_penalty\":0.9", "repetition_penalty"},
        {"\"top_k\":-1", "top_k"},
        {"\"top_k\":1.5", "top_k"},
        {"\"top_k\":\"99999999999999999999\"", "top_k"},
        {"\"ambience_level\":5", "ambience_level"},
        {"\"ambience_duck_db\":13", "ambience_duck_db"},
        {"\"ambience_prompt\":\"a train\"", "ambience_prompt"},
        {"\"seed\":-2", "seed"},
        {"\"seed\":\"-1x\"", "seed"},
        {"\"seed\":9007199254740992", "seed"},
        {"\"seed\":1e300", "seed"},
        {"\"seed\":0.5", "seed"},
        {"\"sample_rate\":7999", "sample_rate"},
        {"\"sample_rate\":96000", "sample_rate"},
        {"\"stream\":\"maybe\"", "stream"},
        {"\"stream_pace\":\"20000-600\"", "stream_pace"},
        {"\"normalize\":\"perhaps\"", "normalize"},
        {"\"response_format\":\"ogg2\"", "response_format"},
        {"\"engine\":\"gpu\"", "engine"},
        {"\"mode\":\"fast\"", "mode"},
        {"\"language\":\"en; drop\"", "language"},
        {"\"language\":\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklm\"",
         "language"},
        {"\"language\":\"Spanish|sh\"", "language"},
        {"\"language_id\":\"../x\"", "language_id"},
        {"\"audio_prompt\":\"not base64!\"", "audio_prompt"},
        {"\"audio_prompt\":\"QUJ\"", "audio_prompt"},
        {"\"audio_prompt\":\"data:audio/wav,abc\"", "audio_prompt"},
        {"\"audio_prompt\":\"data:;base64,\"", "audio_prompt"},
        {"\"audio_prompt\":\"data:\"", "audio_prompt"},
        {"\"audio_prompt\":{}", "audio_prompt"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuse(bad[i].members, bad[i].field);
    char huge[400];
    memset(huge, 'a', sizeof huge - 1);
    huge[sizeof huge - 1] = 0;
    static const char *const names[] = {"speed", "ambience_id", "mode", "response_format", "seed"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *members = tb_sprintf("\"%s\":\"%s\"", names[i], huge);
        refuse(members, names[i]);
        tb_free(members);
    }
    tb_speech_req req;
    tb_err err;
    char *json = tb_sprintf("{\"text\":\"Hi\",\"voice_id\":\"%s\"}", huge);
    assert_int_equal(ask(TB_ROUTE_GENERATE, json, &req, &err), TB_EINVAL);
    assert_string_equal(err.field, "voice_id");
    tb_free(json);
}

static void minus_one_draws_a_seed(void **state)
{
    (void)state;
    static const char *const texts[] = {"-1", "\"-1\"", "-1.0", "\" -1 \""};
    uint64_t last = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        tb_speech_req req;
        tb_err err;
        char *json = tb_sprintf("{\"text\":\"Hi\",\"voice_id\":\"a\",\"seed\":%s}", texts[i]);
        assert_int_equal(ask(TB_ROUTE_GENERATE, json, &req, &err), TB_OK);
        assert_false(req.seed_given);
        assert_true(req.engine.seed <= 9007199254740991u && req.engine.seed != last);
        last = req.engine.seed;
        tb_speech_req_clear(&req);
        tb_free(json);
    }
}

/* The default sentence is for who asks for nothing, not for who uses another service's names. */
static void a_body_of_unknown_names_has_no_text(void **state)
{
    (void)state;
    tb_speech_req req;
    tb_err err;
    assert_int_equal(ask(TB_ROUTE_DEMO, "{\"input\":\"Say this\"}", &req, &err), TB_EINVAL);
    assert_string_equal(err.field, "text");
    assert_int_equal(ask(TB_ROUTE_DEMO, "{\"prompt\":\"a\",\"seed\":1}", &req, &err), TB_OK);
    tb_speech_req_clear(&req);
    assert_int_equal(ask(TB_ROUTE_DEMO, "{}", &req, &err), TB_OK);
    tb_speech_req_clear(&req);
}

static void empty_inputs_of_a_form_are_absent_and_unknown_fields_ignored(void **state)
{
    (void)state;
    tb_speech_req req;
    tb_err err;
    assert_int_equal(ask(TB_ROUTE_GENERATE,
                         "{\"text\":\"Hi\",\"voice_id\":\"a\",\"seed\":\"\",\"speed\":\" \","
                         "\"mode\":\"\",\"audio_prompt\":\"\",\"ambience_id\":\"\",\"stream\":\"\","
                         "\"response_format\":\"\",\"whatever\":{\"a\":[1]}}",
                         &req, &err),
                     TB_OK);
    assert_false(req.seed_given);
    assert_null(req.engine.mode);
    assert_null(req.ambience_id);
    assert_null(req.prompt);
    tb_speech_req_clear(&req);
}

static void a_prompt_in_base64_wins_over_the_voice(void **state)
{
    (void)state;
    static const char *const same[] = {"UklGRg==", "data:audio/wav;base64,UklGRg==",
                                       "UklG\\r\\n Rg=="};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        tb_speech_req req;
        tb_err err;
        char *json =
            tb_sprintf("{\"text\":\"Hi\",\"voice_id\":\"a\",\"audio_prompt\":\"%s\"}", same[i]);
        assert_int_equal(ask(TB_ROUTE_GENERATE, json, &req, &err), TB_OK);
        assert_int_equal(req.prompt_size, 4);
        assert_memory_equal(req.prompt, "RIFF", 4);
        assert_null(req.voice_id);
        tb_speech_req_clear(&req);
        tb_free(json);
    }
}

static void a_file_is_a_prompt_only_where_a_file_is_wanted(void **state)
{
    (void)state;
    tb_fields f = {0};
    tb_speech_req req;
    tb_err err = {0};
    assert_int_equal(tb_fields_add(&f, "text", NULL, tb_strdup("Hi"), 2, &err), TB_OK);
    char *bytes = tb_strdup("RI");
    assert_int_equal(tb_fields_add(&f, "audio_prompt", "a.wav", bytes, 2, &err), TB_OK);
    assert_int_equal(tb_speech_req_parse(TB_ROUTE_GENERATE, &f, 100, &req, &err), TB_OK);
    assert_int_equal(req.prompt_size, 2);
    assert_ptr_equal(req.prompt, bytes); /* moved, not copied */
    tb_speech_req_clear(&req);
    assert_int_equal(tb_fields_add(&f, "seed", "a.txt", tb_strdup("1"), 1, &err), TB_OK);
    assert_int_equal(tb_speech_req_parse(TB_ROUTE_GENERATE, &f, 100, &req, &err), TB_EINVAL);
    assert_string_equal(err.field, "seed");
    tb_fields_clear(&f);
    assert_int_equal(tb_fields_add(&f, "text", NULL, tb_strdup("Hi"), 2, &err), TB_OK);
    assert_int_equal(tb_fields_add(&f, "audio_prompt", "a.wav", tb_strdup(""), 0, &err), TB_OK);
    assert_int_equal(tb_speech_req_parse(TB_ROUTE_GENERATE, &f, 100, &req, &err), TB_EINVAL);
    assert_string_equal(err.field, "audio_prompt");
    tb_fields_clear(&f);
}

static void a_text_is_moved_not_copied(void **state)
{
    (void)state;
    tb_fields f = {0};
    tb_speech_req req;
    tb_err err = {0};
    char *text = tb_strdup("Hello there.");
    assert_int_equal(tb_fields_add(&f, "text", NULL, text, strlen(text), &err), TB_OK);
    assert_int_equal(tb_speech_req_parse(TB_ROUTE_DEMO, &f, 100, &req, &err), TB_OK);
    assert_ptr_equal(req.text, text);
    tb_speech_req_clear(&req);
    tb_fields_clear(&f);
}

/* The same request, but for what only the first one held. */
static void assert_same(const tb_speech_req *a, const tb_speech_req *b)
{
    const double x[] = {
        a->engine.temperature, a->engine.speed, a->engine.exaggeration,       a->engine.cfg,
        a->engine.min_p,       a->engine.top_p, a->engine.repetition_penalty, a->post.level_lu,
        a->post.duck_db};
    const double y[] = {
        b->engine.temperature, b->engine.speed, b->engine.exaggeration,       b->engine.cfg,
        b->engine.min_p,       b->engine.top_p, b->engine.repetition_penalty, b->post.level_lu,
        b->post.duck_db};
    for (size_t i = 0; i < sizeof x / sizeof x[0]; i++)
        assert_true(isnan(x[i]) ? isnan(y[i]) : memcmp(&x[i], &y[i], sizeof x[i]) == 0);
    char *p = tb_json_print(a->params), *q = tb_json_print(b->params);
    assert_string_equal(p, q);
    tb_free(p);
    tb_free(q);
    assert_string_equal(a->text, b->text);
    assert_int_equal(a->engine.seed, b->engine.seed);
    assert_int_equal(a->engine.top_k, b->engine.top_k);
    assert_int_equal(a->post.seed, b->post.seed);
    assert_int_equal(a->format, b->format);
    assert_int_equal(a->sample_rate_hz, b->sample_rate_hz);
    assert_int_equal(a->route, b->route);
    assert_int_equal(a->stream, b->stream);
    assert_memory_equal(&a->engine.pace, &b->engine.pace, sizeof a->engine.pace);
    assert_int_equal(a->seed_given, b->seed_given);
    assert_int_equal(a->engine.as_written, b->engine.as_written);
}

static void a_replay_is_the_same_request_to_the_bit(void **state)
{
    (void)state;
    static const char *const wishes[] = {
        "{\"text\":\"Hi\",\"voice_id\":\"\xC3\xA9t\xC3\xA9\"}",
        "{\"text\":\"a\\u0001\\n\",\"voice_id\":\"a\",\"temperature\":0.1234567890123456789,"
        "\"speed\":1.1,\"exaggeration\":0,\"cfg\":-0.0,\"min_p\":1e-300,\"top_p\":0.3333333333333,"
        "\"repetition_penalty\":1.0000000001,\"top_k\":0,\"ambience_id\":\"rain\","
        "\"ambience_level\":12.7,\"ambience_duck_db\":6,\"seed\":9007199254740991,"
        "\"response_format\":\"MP3\",\"sample_rate\":\"44100.0\",\"stream\":\"yes\",\"stream_"
        "pace\":\"12346-7-890\","
        "\"engine\":\"Embedded\",\"language\":\"en\",\"language_id\":\"es-419\",\"mode\":"
        "\"Turbo\",\"normalize\":\"off\"}",
    };
    for (int route = 0; route < 2; route++)
        for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
            tb_speech_req req, again;
            tb_err err = {0};
            assert_int_equal(ask(route ? TB_ROUTE_GENERATE : TB_ROUTE_DEMO, wishes[i], &req, &err),
                             TB_OK);
            assert_null(tb_json_get(req.params, "text"));
            char *params = tb_json_print(req.params);
            assert_int_equal(tb_speech_req_replay(req.text, params, &again, &err), TB_OK);
            assert_same(&req, &again);
            assert_string_equal(req.voice_id, again.voice_id);
            tb_free(params);
            tb_speech_req_clear(&req);
            tb_speech_req_clear(&again);
        }
}

static void pronunciations_come_as_an_object_an_array_or_text(void **state)
{
    static const char *const good[] = {
        "{\"text\":\"Hi\",\"voice_id\":\"a\",\"pronunciations\":{\"k8s\":\"kubernetes\",\"SQL\":"
        "\"sequel\"}}",
        "{\"text\":\"Hi\",\"voice_id\":\"a\",\"pronunciations\":[{\"word\":\"k8s\",\"say\":"
        "\"kubernetes\"},"
        "{\"word\":\"SQL\",\"say\":\"sequel\",\"language\":null}]}",
        "{\"text\":\"Hi\",\"voice_id\":\"a\",\"pronunciations\":\"{\\\"k8s\\\":\\\"kubernetes\\\","
        "\\\"SQL\\\":\\\"sequel\\\"}\"}",
    };
    static const char *const bad[] = {
        "\"pronunciations\":\"k8s=kubernetes\"",
        "\"pronunciations\":7",
        "\"pronunciations\":true",
        "\"pronunciations\":[1]",
        "\"pronunciations\":[[]]",
        "\"pronunciations\":[{\"word\":\"a\"}]",
        "\"pronunciations\":[{\"word\":\"a\",\"say\":1}]",
        "\"pronunciations\":[{\"word\":\"a\",\"say\":\"b\",\"language\":1}]",
        "\"pronunciations\":{\"a\":1}",
        "\"pronunciations\":{\"a\":null}",
        "\"pronunciations\":{\"\":\"b\"}",
        "\"pronunciations\":{\"a\":\"b\",\"a\":\"c\"}",
        "\"pronunciations\":{\"a\":\"[laugh]\"}",
        "\"pronunciations\":{\"a\":\"b\\u0000c\"}",
    };
    tb_speech_req req;
    tb_err err;
    tb_str many;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(ask(TB_ROUTE_GENERATE, good[i], &req, &err), TB_OK);
        assert_int_equal(req.pronunciations.n, 2);
        assert_string_equal(req.pronunciations.items[1].word, "SQL");
        assert_string_equal(req.pronunciations.items[1].say, "sequel");
        assert_string_equal(req.pronunciations.items[1].language, "");
        assert_true(req.pronunciations.items[1].own && !req.closed);
        tb_speech_req_clear(&req);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(bad[i], "pronunciations");
    for (int n = 200; n <= 201; n++) { /* a request may bring so many; what is replayed, more */
        tb_str_init(&many, 1 << 20);
        for (int i = 0; i < n; i++)
            tb_str_printf(&many, "%s\"w%d\":\"x\"", i ? "," : "", i);
        char *json =
            tb_sprintf("{\"text\":\"Hi\",\"voice_id\":\"a\",\"pronunciations\":{%s}}", many.data);
        assert_int_equal(ask(TB_ROUTE_GENERATE, json, &req, &err), n == 200 ? TB_OK : TB_EINVAL);
        if (n == 200) tb_speech_req_clear(&req);
        tb_free(json);
        json = tb_sprintf("{\"voice_id\":\"a\",\"pronunciations\":{%s}}", many.data);
        assert_int_equal(tb_speech_req_replay("Hi", json, &req, &err), TB_OK);
        assert_int_equal(req.pronunciations.n, n);
        assert_true(req.closed);
        tb_speech_req_clear(&req);
        tb_free(json);
        tb_str_clear(&many);
    }
}

static void a_wrong_pronunciation_is_counted_from_one(void **state)
{
    static const char *const lists[] = {
        "{\"text\":\"Hi\",\"voice_id\":\"default\",\"pronunciations\":[7]}",
        "{\"text\":\"Hi\",\"voice_id\":\"default\",\"pronunciations\":[{\"word\":\"a\",\"say\":"
        "\"b\"},{\"word\":\"c\"}]}"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        tb_speech_req req;
        tb_err err;
        assert_int_equal(ask(TB_ROUTE_GENERATE, lists[i], &req, &err), TB_EINVAL);
        assert_non_null(strstr(err.msg, i ? "entry 2 " : "entry 1 "));
    }
}

static void a_replay_of_a_prompt_wants_the_kept_one(void **state)
{
    (void)state;
    tb_speech_req req, again;
    tb_err err;
    assert_int_equal(ask(TB_ROUTE_GENERATE, "{\"text\":\"Hi\",\"audio_prompt\":\"UklGRg==\"}", &req,
                         &err),
                     TB_OK);
    assert_true(tb_json_truth(tb_json_get(req.params, "prompted")));
    char *params = tb_json_print(req.params);
    assert_null(strstr(params, "UklG"));
    assert_int_equal(tb_speech_req_replay("Hi", params, &again, &err), TB_OK);
    assert_null(again.voice_id);
    assert_null(again.prompt_hash);
    tb_speech_req_clear(&again);
    tb_free(params);
    tb_json_set_string(req.params, "prompt_hash", "abc");
    params = tb_json_print(req.params);
    assert_int_equal(tb_speech_req_replay("Hi", params, &again, &err), TB_OK);
    assert_string_equal(again.prompt_hash, "abc");
    tb_speech_req_clear(&again);
    tb_free(params);
    tb_speech_req_clear(&req);
}

static void damaged_params_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "[]",
                                      "{",
                                      "{}",
                                      "{\"voice_id\":{}}",
                                      "{\"voice_id\":\"a\",\"seed\":\"x\"}",
                                      "{\"voice_id\":\"a\",\"text\":\"twice\"}",
                                      "{\"voice_id\":\"a\",\"speed\":[]}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tb_speech_req req = {0};
        tb_err err = {0};
        tb_status st = tb_speech_req_replay("Hi", bad[i], &req, &err);
        if (st != TB_EMALFORMED && st != TB_EINVAL) fail_msg("%s: %d", bad[i], (int)st);
        assert_null(req.text);
    }
}

static void the_text_is_normalized_unless_somebody_says_no(void **state)
{
    (void)state;
    tb_speech_req req;
    tb_err err;
    assert_int_equal(ask(TB_ROUTE_DEMO, "{\"text\":\"Hi\"}", &req, &err), TB_OK);
    assert_false(req.engine.as_written);
    assert_true(tb_json_truth(tb_json_get(req.params, "normalize")));
    tb_speech_req_clear(&req);
    assert_int_equal(ask(TB_ROUTE_DEMO, "{\"text\":\"Hi\",\"normalize\":false}", &req, &err),
                     TB_OK);
    assert_true(req.engine.as_written);
    assert_false(tb_json_truth(tb_json_get(req.params, "normalize")));
    tb_speech_req_clear(&req);
    /* An entry of a version that had no front is repeated without it. */
    assert_int_equal(tb_speech_req_replay("Hi", "{\"voice_id\":\"a\"}", &req, &err), TB_OK);
    assert_true(req.engine.as_written);
    tb_speech_req_clear(&req);
}

static void no_ambience_has_many_names(void **state)
{
    (void)state;
    static const char *const none[] = {"none", "NULL", " None ", "ninguno", "off"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        tb_speech_req req;
        tb_err err;
        char *json = tb_sprintf("{\"text\":\"Hi\",\"ambience_id\":\"%s\"}", none[i]);
        assert_int_equal(ask(TB_ROUTE_DEMO, json, &req, &err), TB_OK);
        assert_null(req.ambience_id);
        assert_null(tb_json_get(req.params, "ambience_id"));
        tb_speech_req_clear(&req);
        tb_free(json);
    }
}

/* ---- the table */

/* A value other than the fallback; NULL: it is no field of a plain request. */
static const char *some_value(size_t id)
{
    switch (id) {
    case TB_PARAM_VOICE_ID:
        return "Ann";
    case TB_PARAM_LANGUAGE:
    case TB_PARAM_LANGUAGE_ID:
        return "es";
    case TB_PARAM_AMBIENCE_ID:
        return "rain";
    case TB_PARAM_STREAM_PACE:
        return "20000-600-2000";
    case TB_PARAM_ENGINE:
        return "embedded";
    case TB_PARAM_MODE:
        return "turbo";
    case TB_PARAM_RESPONSE_FORMAT:
        return "flac";
    case TB_PARAM_STREAM:
        return "true";
    case TB_PARAM_NORMALIZE:
        return "false";
    default:
        return tb_params[id].kind == TB_KIND_NUMBER || tb_params[id].kind == TB_KIND_WHOLE ? "7"
                                                                                           : NULL;
    }
}

static char *with_value(const tb_param *p, const char *value)
{
    return tb_sprintf("{\"text\":\"Hi\",%s\"%s\":\"%s\"}",
                      strcmp(p->name, "voice_id") == 0 ? "" : "\"voice_id\":\"default\",", p->name,
                      value);
}

static tb_status takes(const tb_param *p, const char *value)
{
    tb_speech_req req;
    tb_err err;
    char *json = with_value(p, value);
    tb_status st = ask(TB_ROUTE_GENERATE, json, &req, &err);
    if (st) assert_string_equal(err.field, p->name);
    tb_speech_req_clear(&req);
    tb_free(json);
    return st;
}

static void numbers_are_taken_to_the_ends_of_their_range(void **state)
{
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < TB_PARAM_COUNT; i++) {
        const tb_param *p = &tb_params[i];
        if (p->kind != TB_KIND_NUMBER && p->kind != TB_KIND_WHOLE) continue;
        const double step = p->kind == TB_KIND_WHOLE ? 1 : 0.001;
        const double good[] = {p->least, p->most}, bad[] = {p->least - step, p->most + step};
        for (int k = 0; k < 2; k++) {
            char *text = tb_sprintf("%.17g", good[k]);
            assert_int_equal(takes(p, text), TB_OK);
            assert_int_equal(tb_param_check((tb_param_id)i, good[k], NULL), TB_OK);
            tb_free(text);
            if (i == TB_PARAM_SEED && k == 0) continue; /* -1 draws one */
            text = tb_sprintf("%.17g", bad[k]);
            assert_int_equal(takes(p, text), TB_EINVAL);
            assert_int_equal(tb_param_check((tb_param_id)i, bad[k], NULL), TB_EINVAL);
            tb_free(text);
        }
        assert_int_equal(takes(p, "nan"), TB_EINVAL);
        if (p->kind == TB_KIND_WHOLE) {
            char *text = tb_sprintf("%g.5", p->least);
            assert_int_equal(takes(p, text), TB_EINVAL);
            tb_free(text);
        }
        if (p->fallback) assert_int_equal(takes(p, p->fallback), TB_OK);
        assert_int_equal(tb_param_check((tb_param_id)i, (double)NAN, NULL),
                         p->fallback ? TB_EINVAL : TB_OK);
        n++;
    }
    assert_int_equal(n, 12);
}

static void every_word_of_a_choice_is_one_and_no_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < TB_PARAM_COUNT; i++) {
        const tb_param *p = &tb_params[i];
        assert_true(p->help && *p->help && (p->fallback || p->without));
        assert_ptr_equal(tb_param_find(p->name), p);
        assert_int_equal(p->kind == TB_KIND_CHOICE, p->choices != NULL);
        if (!p->choices) continue;
        char *all = tb_strdup(p->choices), *save = NULL;
        size_t n = 0;
        for (char *w = strtok_r(all, "|", &save); w; w = strtok_r(NULL, "|", &save), n++)
            assert_int_equal(takes(p, w), TB_OK);
        assert_int_equal(takes(p, "other"), TB_EINVAL);
        assert_int_equal(takes(p, p->choices), TB_EINVAL);
        if (i == TB_PARAM_RESPONSE_FORMAT) assert_int_equal(n, TB_FORMAT_COUNT);
        tb_free(all);
    }
    assert_null(tb_param_find("speech"));
}

/* Whatever a field is, the record has it, and a replay of the record is the same. */
static void every_field_is_recorded_and_replayed(void **state)
{
    (void)state;
    for (size_t i = 0; i < TB_PARAM_COUNT; i++) {
        const tb_param *p = &tb_params[i];
        const char *value = some_value(i);
        tb_speech_req req, again;
        tb_err err;
        if (!value) continue;
        double x = p->most < 7 ? (p->least + p->most) / 2 : 7;
        char *text = p->kind == TB_KIND_NUMBER  ? tb_sprintf("%g", x)
                     : p->kind == TB_KIND_WHOLE ? tb_sprintf("%.0f", p->least + 7)
                                                : tb_strdup(value);
        char *json = with_value(p, text);
        if (ask(TB_ROUTE_GENERATE, json, &req, &err)) fail_msg("%s: %s", json, err.msg);
        const tb_json *kept = tb_json_get(req.params, p->name);
        if (!kept) fail_msg("%s is not in the record", p->name);
        char *params = tb_json_print(req.params), *shown = tb_json_print(kept);
        if (!strstr(shown, text)) fail_msg("%s is recorded as %s", json, shown);
        assert_int_equal(tb_speech_req_replay(req.text, params, &again, &err), TB_OK);
        char *same = tb_json_print(again.params);
        assert_string_equal(same, params);
        tb_free(shown);
        tb_free(params);
        tb_free(same);
        tb_free(json);
        tb_free(text);
        tb_speech_req_clear(&req);
        tb_speech_req_clear(&again);
    }
}

static void help_is_a_sentence_without_marks_where_it_is_not_a_page(void **state)
{
    (void)state;
    char plain[512], range[128];
    for (size_t i = 0; i < TB_PARAM_COUNT; i++) {
        tb_param_plain(&tb_params[i], plain, sizeof plain);
        tb_param_range(&tb_params[i], range, sizeof range);
        assert_true(*plain && *range);
        assert_null(strpbrk(plain, "`[]<>"));
        assert_null(strstr(plain, "(#"));
    }
    tb_param_plain(&tb_params[TB_PARAM_LANGUAGE], plain, sizeof plain);
    assert_non_null(strstr(plain, "or a name: es, Spanish"));
    tb_param_range(&tb_params[TB_PARAM_TEMPERATURE], range, sizeof range);
    assert_string_equal(range, "0.05-5");
    tb_param_range(&tb_params[TB_PARAM_SEED], range, sizeof range);
    assert_string_equal(range, "0-9007199254740991");
    tb_param_range(&tb_params[TB_PARAM_MODE], range, sizeof range);
    assert_string_equal(range, "turbo, multilingual");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_pronunciation_is_counted_from_one),
        cmocka_unit_test(numbers_are_taken_to_the_ends_of_their_range),
        cmocka_unit_test(every_word_of_a_choice_is_one_and_no_other),
        cmocka_unit_test(every_field_is_recorded_and_replayed),
        cmocka_unit_test(help_is_a_sentence_without_marks_where_it_is_not_a_page),
        cmocka_unit_test(only_text_and_a_voice_are_needed),
        cmocka_unit_test(the_demo_has_a_text_and_a_voice_of_its_own),
        cmocka_unit_test(a_missing_voice_is_400_and_a_missing_text_422),
        cmocka_unit_test(text_is_counted_in_characters),
        cmocka_unit_test(bad_values_are_named),
        cmocka_unit_test(minus_one_draws_a_seed),
        cmocka_unit_test(a_body_of_unknown_names_has_no_text),
        cmocka_unit_test(empty_inputs_of_a_form_are_absent_and_unknown_fields_ignored),
        cmocka_unit_test(a_prompt_in_base64_wins_over_the_voice),
        cmocka_unit_test(a_file_is_a_prompt_only_where_a_file_is_wanted),
        cmocka_unit_test(a_text_is_moved_not_copied),
        cmocka_unit_test(a_replay_is_the_same_request_to_the_bit),
        cmocka_unit_test(pronunciations_come_as_an_object_an_array_or_text),
        cmocka_unit_test(a_replay_of_a_prompt_wants_the_kept_one),
        cmocka_unit_test(damaged_params_are_refused),
        cmocka_unit_test(the_text_is_normalized_unless_somebody_says_no),
        cmocka_unit_test(no_ambience_has_many_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
