#define _XOPEN_SOURCE 700 /* nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model_server.h"

/*
 * The neural engine behind the API, on the small seeded model: which engine answers which request,
 * voices and their conditionals, streams, many requests at once. The answers are checked by
 * headers, lengths and equal bytes, because seeded weights say nothing that a person could
 * understand.
 */

static api_reply say(const char *form)
{
    return api_form(&server, "/generate-tts", form);
}

static void refused(const char *form, const char *part)
{
    api_reply r = say(form);
    assert_status(&r, 422);
    if (!strstr((char *)r.body, part)) fail_msg("no '%s' in: %.400s", part, (char *)r.body);
    api_reply_clear(&r);
}

/* The first seconds of the recording that the tests have. */
static uint8_t *clip(double seconds, size_t *size)
{
    enum { HEAD = 44, BYTES_PER_S = 44100 * 4 };
    char *data = NULL;
    tb_err err = {0};
    small_must(tb_file_read(TB_TEST_DATA "/golden/cond_ref.wav", (size_t)8 << 20, &data, size,
                            &err),
               &err);
    size_t n = (size_t)(seconds * 44100) * 4;
    if (seconds > 0 && HEAD + n < *size) {
        *size = HEAD + n;
        for (unsigned i = 0; i < 4; i++) {
            data[40 + i] = (char)(n >> 8 * i);
            data[4 + i] = (char)((n + 36) >> 8 * i);
        }
    }
    return (uint8_t *)data;
}

static void upload(const char *name, double seconds)
{
    api_parts parts = {0};
    size_t size;
    uint8_t *wav = clip(seconds, &size);
    api_part_text(&parts, "name", name);
    api_part_file(&parts, "file", "a.wav", wav, size);
    api_parts_end(&parts);
    api_reply r = api_multipart(&server, "/voices/upload", &parts);
    assert_status(&r, 200);
    api_reply_clear(&r);
    tb_free(wav);
}

/* ---- one request ---- */

static void health_says_who_speaks(void **state)
{
    (void)state;
    tb_json *v = NULL;
    api_reply r = api_get(&server, "/");
    assert_status(&r, 200);
    assert_int_equal(tb_json_parse((char *)r.body, r.size, &v, NULL), TB_OK);
    assert_string_equal(tb_json_get_string(v, "engine"), "chatterbox");
    assert_string_equal(tb_json_get_string(v, "model"), "ResembleAI/chatterbox-turbo");
    tb_json *tags = tb_json_get(v, "tags");
    const char *tag;
    tb_json *support;
    size_t n = 0;
    for (void *it = NULL; tb_json_next(tags, &it, &tag, &support); n++)
        assert_string_equal(tb_json_text(support), strcmp(tag, "sad") != 0 ? "rendered" : "tone");
    assert_int_equal(n, 20);
    assert_true(tb_json_is_null(tb_json_get(v, "progress")));
    tb_json_free(v);
    api_reply_clear(&r);
}

static void the_model_speaks_in_a_voice_that_was_uploaded(void **state)
{
    (void)state;
    upload("ana", 0);
    api_reply r = say("voice_id=ana&seed=7&text=Good+morning.+How+are+you+today%3F");
    assert_status(&r, 200);
    header_is(&r, "X-Engine", "chatterbox");
    header_is(&r, "X-Engine-Reason", NULL);
    header_is(&r, "X-Seed", "7");
    header_is(&r, "X-Language", "en-us");
    header_is(&r, "X-Ignored-Parameters", NULL);
    double seconds = api_wav_seconds(r.body, r.size);
    char *told = api_header(&r, "X-Audio-Duration");
    assert_non_null(told);
    assert_true(seconds > 0.5 && seconds < 30);
    assert_true(strtod(told, NULL) > seconds - 0.1 && strtod(told, NULL) < seconds + 0.1);
    /* Played again: the same bytes. */
    char path[200], *id = api_header(&r, "X-History-Id");
    snprintf(path, sizeof path, "/history/%s/replay", id);
    api_reply again = api_call(&server, "POST", path, &(api_extra){.body = "", .size = 0});
    assert_status(&again, 200);
    header_is(&again, "X-Engine", "chatterbox");
    assert_int_equal(again.size, r.size);
    assert_memory_equal(again.body, r.body, r.size);
    free(id);
    free(told);
    api_reply_clear(&again);

    /* Another voice is another sound, another seed too. */
    again = say("voice_id=default&seed=7&text=Good+morning.+How+are+you+today%3F");
    assert_status(&again, 200);
    assert_true(again.size != r.size || memcmp(again.body, r.body, r.size) != 0);
    api_reply_clear(&again);
    again = say("voice_id=ana&seed=8&text=Good+morning.+How+are+you+today%3F");
    assert_status(&again, 200);
    assert_true(again.size != r.size || memcmp(again.body, r.body, r.size) != 0);
    api_reply_clear(&again);
    api_reply_clear(&r);
}

static void the_request_and_the_language_choose_the_engine(void **state)
{
    (void)state;
    api_reply r = say("voice_id=default&seed=1&engine=embedded&text=Hello.");
    assert_status(&r, 200);
    header_is(&r, "X-Engine", "embedded");
    header_is(&r, "X-Engine-Reason", NULL);
    api_reply_clear(&r);
    r = say("voice_id=default&seed=1&engine=chatterbox&text=Hello.");
    assert_status(&r, 200);
    header_is(&r, "X-Engine", "chatterbox");
    api_reply_clear(&r);
    r = say("voice_id=default&seed=1&language=es&text=Hola.");
    assert_status(&r, 200);
    header_is(&r, "X-Engine", "embedded");
    char *reason = api_header(&r, "X-Engine-Reason");
    assert_non_null(reason);
    assert_non_null(strstr(reason, "English"));
    free(reason);
    api_reply_clear(&r);
    refused("voice_id=default&language=es&engine=chatterbox&text=Hola.", "English only");
    refused("voice_id=default&engine=piper&text=Hi.", "one of auto, embedded, chatterbox");
}

static void a_short_recording_is_refused_with_what_to_do(void **state)
{
    (void)state;
    api_parts parts = {0};
    size_t size;
    uint8_t *wav = clip(3, &size);
    api_part_text(&parts, "text", "Hello.");
    api_part_text(&parts, "engine", "chatterbox");
    api_part_file(&parts, "audio_prompt", "a.wav", wav, size);
    api_parts_end(&parts);
    api_reply r = api_multipart(&server, "/generate-tts", &parts);
    assert_status(&r, 422);
    assert_non_null(strstr((char *)r.body, "audio_prompt"));
    assert_non_null(strstr((char *)r.body, "3.0"));
    api_reply_clear(&r);
    tb_free(wav);
    /* Kept, it serves the other engine. */
    upload("short", 3);
    refused("voice_id=short&engine=chatterbox&text=Hello.", "3.0");
    r = say("voice_id=short&engine=embedded&text=Hello.");
    assert_status(&r, 200);
    api_reply_clear(&r);
}

/* Noise has no voice that the embedded engine could take over; chatterbox speaks with whatever it
 * is given. It is kept, with a word about that. */
static void a_recording_that_only_one_engine_can_use_is_kept_with_a_warning(void **state)
{
    (void)state;
    enum { HEAD = 44 };
    api_parts parts = {0};
    size_t size;
    uint8_t *wav = clip(12, &size);
    uint32_t x = 1;
    for (size_t i = HEAD; i + 1 < size; i += 2) { /* 16-bit samples */
        x = x * 1664525u + 1013904223u;
        int v = (int)(x >> 20) - 2048;
        wav[i] = (uint8_t)(v & 255);
        wav[i + 1] = (uint8_t)((v >> 8) & 255);
    }
    api_part_text(&parts, "name", "hiss");
    api_part_file(&parts, "file", "a.wav", wav, size);
    api_parts_end(&parts);
    api_reply r = api_multipart(&server, "/voices/upload", &parts);
    assert_status(&r, 200);
    if (!strstr((char *)r.body, "embedded engine"))
        fail_msg("no warning names the engine: %.600s", (char *)r.body);
    api_reply_clear(&r);
    r = say("voice_id=hiss&engine=chatterbox&seed=3&text=Hello.");
    assert_status(&r, 200);
    header_is(&r, "X-Engine", "chatterbox");
    api_reply_clear(&r);
    refused("voice_id=hiss&engine=embedded&text=Hello.", "too noisy");
    r = api_call(&server, "DELETE", "/voices/hiss", NULL);
    assert_int_equal(r.status / 100, 2);
    api_reply_clear(&r);
    tb_free(wav);
}

static void parameters_act_or_are_named(void **state)
{
    (void)state;
    static const char *const acting[] = {"temperature=1.4", "top_p=0.3", "top_k=2",
                                         "repetition_penalty=3", "speed=2"};
    api_reply plain = say("voice_id=default&seed=3&text=Hello+there+my+friend.");
    assert_status(&plain, 200);
    for (size_t i = 0; i < sizeof acting / sizeof *acting; i++) {
        char form[200];
        snprintf(form, sizeof form, "voice_id=default&seed=3&text=Hello+there+my+friend.&%s",
                 acting[i]);
        api_reply r = say(form);
        assert_status(&r, 200);
        header_is(&r, "X-Ignored-Parameters", NULL);
        assert_true(r.size != plain.size || memcmp(r.body, plain.body, r.size) != 0);
        api_reply_clear(&r);
    }
    api_reply r = say("voice_id=default&seed=3&text=Hello+there+my+friend.&min_p=0.05&"
                      "exaggeration=0.5&cfg=0.5");
    assert_status(&r, 200);
    header_is(&r, "X-Ignored-Parameters", "min_p, exaggeration, cfg");
    assert_int_equal(r.size, plain.size);
    assert_memory_equal(r.body, plain.body, r.size);
    api_reply_clear(&r);
    api_reply_clear(&plain);
    refused("voice_id=default&text=Hi.&top_p=1.5", "top_p");
    refused("voice_id=default&text=Hi.&repetition_penalty=0.5", "repetition_penalty");
}

static void a_stream_is_the_file_that_is_kept(void **state)
{
    (void)state;
    static const char form[] = "voice_id=default&seed=11&stream=true&text=One+sentence+is+here.+"
                               "Another+one+follows+it.+And+a+third+one+ends+it.";
    api_reply r = say(form);
    assert_status(&r, 200);
    assert_true(r.chunked);
    header_is(&r, "X-Engine", "chatterbox");
    char *url = api_header(&r, "X-Download-Url");
    assert_non_null(url);
    api_reply kept = api_get(&server, url);
    assert_status(&kept, 200);
    assert_int_equal(kept.size, r.size);
    assert_memory_equal(kept.body + 44, r.body + 44, r.size - 44); /* the sizes came later */
    assert_true(api_wav_seconds(kept.body, kept.size) > 0.5);
    free(url);
    api_reply_clear(&kept);
    api_reply_clear(&r);
}

static api_reply stream_at(const char *pace)
{
    char form[300];
    snprintf(
        form, sizeof form,
        "voice_id=default&seed=14&stream=true%s%s&text=A+sentence+of+some+length+is+spoken+here,"
        "+so+that+its+pieces+are+several.+And+another+one.",
        pace ? "&stream_pace=" : "", pace ? pace : "");
    api_reply r = say(form);
    assert_status(&r, 200);
    assert_true(r.chunked);
    return r;
}

static void assert_same_sound(const api_reply *a, const api_reply *b)
{
    assert_int_equal(a->size, b->size);
    assert_memory_equal(a->body + 44, b->body + 44, a->size - 44); /* sizes are in the head */
}

/* What pace this machine has may change under a stream's next request, as when it is measured: the
 * reply says which it was, a request may name it, and a replay does so by itself. */
static void a_stream_says_its_pace_and_a_replay_keeps_it(void **state)
{
    static const char other[] = "39000-100-100"; /* many pieces */
    char path[200];
    (void)state;
    api_reply slow = stream_at(other), usual = stream_at("20000-600-2000"), mine = stream_at(NULL);
    header_is(&slow, "X-Stream-Pace", other);
    assert_true(slow.size != usual.size ||
                memcmp(slow.body + 44, usual.body + 44, slow.size - 44) != 0); /* it matters */
    char *pace = api_header(&mine, "X-Stream-Pace"), *id = api_header(&slow, "X-History-Id");
    assert_non_null(pace);
    api_reply again = stream_at(pace);
    assert_same_sound(&again, &mine);
    api_reply_clear(&again);
    for (int i = 0; i < 2; i++) { /* the replay's own entry is replayed, too */
        snprintf(path, sizeof path, "/history/%s/replay", id);
        again = api_call(&server, "POST", path, &(api_extra){.body = "", .size = 0});
        assert_status(&again, 200);
        assert_false(again.chunked);
        header_is(&again, "X-Stream-Pace", other);
        assert_same_sound(&again, &slow);
        free(id);
        id = api_header(&again, "X-History-Id");
        api_reply_clear(&again);
    }
    free(id);
    free(pace);
    api_reply_clear(&slow);
    api_reply_clear(&usual);
    api_reply_clear(&mine);
    refused("voice_id=default&text=Hi&stream=true&stream_pace=fast", "stream_pace");
    again = say("voice_id=default&text=Hi&engine=embedded&stream_pace=20000-600-2000");
    assert_status(&again, 200);
    header_is(&again, "X-Ignored-Parameters", "stream_pace");
    header_is(&again, "X-Stream-Pace", NULL);
    api_reply_clear(&again);
}

/* ---- many ---- */

struct call {
    char form[200];
    api_reply reply;
};

static void *call(void *arg)
{
    struct call *c = arg;
    c->reply = say(c->form);
    return NULL;
}

static void eight_at_once_get_what_one_gets(void **state)
{
    enum { CLIENTS = 8 };
    struct call calls[CLIENTS];
    pthread_t threads[CLIENTS];
    (void)state;
    for (int i = 0; i < CLIENTS; i++) {
        memset(&calls[i], 0, sizeof calls[i]);
        snprintf(calls[i].form, sizeof calls[i].form, "voice_id=%s&seed=42&text=%s",
                 i % 4 < 2 ? "default" : "ana",
                 i % 2 ? "An+entirely+different+sentence+it+is." : "Good+morning.");
        if (pthread_create(&threads[i], NULL, call, &calls[i])) fail();
    }
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < CLIENTS; i++) {
        api_reply *r = &calls[i].reply, alone;
        assert_status(r, 200);
        header_is(r, "X-Engine", "chatterbox");
        alone = say(calls[i].form);
        assert_status(&alone, 200);
        assert_int_equal(r->size, alone.size);
        assert_memory_equal(r->body, alone.body, alone.size);
        api_reply_clear(&alone);
        api_reply_clear(r);
    }
}

/* Two workers and eight texts of many sentences: a word goes between these and sounds as alone. */
static void a_word_passes_eight_long_texts(void **state)
{
    enum { LONG = 8, SENTENCES = 200, BOUND_MS = 3000 };
    static const char word[] = "voice_id=default&seed=5&text=Hello.";
    char head[1024];
    int fds[LONG];
    tb_str form;
    (void)state;
    api_reply alone = say(word);
    assert_status(&alone, 200);
    tb_str_init(&form, 100000);
    tb_str_printf(&form, "voice_id=default&seed=1&text=");
    for (int i = 0; i < SENTENCES; i++)
        tb_str_printf(&form, "This+is+sentence+%d+of+many.+", i);
    for (int i = 0; i < LONG; i++) {
        fds[i] = api_connect(&server);
        snprintf(head, sizeof head,
                 "POST /generate-tts HTTP/1.1\r\nHost: t\r\n%s"
                 "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n",
                 api_basic(), form.len);
        api_send_text(fds[i], head);
        api_send_text(fds[i], form.data);
    }
    tb_str_clear(&form);
    poll(NULL, 0, 300);
    for (int i = 0; i < 3; i++) {
        int64_t began = api_now_ms();
        api_reply r = say(word);
        const int64_t took = api_now_ms() - began;
        assert_status(&r, 200);
        assert_int_equal(r.size, alone.size);
        assert_memory_equal(r.body, alone.body, r.size);
        api_reply_clear(&r);
        print_message("a word among eight long texts: %lld ms\n", (long long)took);
        assert_true(took < test_patient(BOUND_MS));
        for (int k = 0; k < LONG; k++) {
            struct pollfd p = {fds[k], POLLIN, 0};
            assert_int_equal(poll(&p, 1, 0), 0); /* still at it */
        }
    }
    for (int i = 0; i < LONG; i++)
        close(fds[i]);
    api_reply_clear(&alone);
}

static void a_voice_sounds_the_same_after_a_restart(void **state)
{
    (void)state;
    static const char form[] = "voice_id=ana&seed=5&text=The+same+as+yesterday.";
    api_reply before = say(form);
    assert_status(&before, 200);
    api_signal(&server, SIGTERM);
    assert_int_equal(api_wait(&server), 0);
    api_restart(&server);
    api_reply after = say(form);
    assert_status(&after, 200);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.body, after.body, after.size);
    api_reply_clear(&before);
    api_reply_clear(&after);
}

static int spoil; /* which kind of damage */

static int spoiled;

static int spoil_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)at;
    if (kind != FTW_F || !strstr(path, ".cache")) return 0;
    if (!strstr(path, "prefix-") && !strstr(path, "conds-")) return 0;
    int64_t size = tb_file_size(path);
    FILE *f = fopen(path, "r+");
    if (!f) return -1;
    if (spoil == 0) {
        if (fseek(f, (long)size / 2, SEEK_SET) == 0) {
            int c = fgetc(f);
            fseek(f, (long)size / 2, SEEK_SET);
            fputc(c ^ 0x40, f);
        }
    }
    fclose(f);
    if (spoil == 1 && truncate(path, size / 2) != 0) return -1;
    if (spoil == 2 && truncate(path, 0) != 0) return -1;
    spoiled++;
    return 0;
}

static void what_was_kept_and_is_damaged_is_made_again(void **state)
{
    (void)state;
    static const char form[] = "voice_id=ana&seed=6&text=The+same+as+ever.";
    api_reply before = say(form);
    assert_status(&before, 200);
    for (spoil = 0; spoil < 3; spoil++) {
        api_signal(&server, SIGTERM);
        assert_int_equal(api_wait(&server), 0);
        spoiled = 0;
        assert_int_equal(nftw(server.dir, spoil_one, 16, FTW_PHYS), 0);
        assert_int_equal(spoiled, 2);
        api_restart(&server);
        api_reply after = say(form);
        assert_status(&after, 200);
        assert_int_equal(before.size, after.size);
        assert_memory_equal(before.body, after.body, after.size);
        api_reply_clear(&after);
    }
    api_reply_clear(&before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_says_who_speaks),
        cmocka_unit_test(the_model_speaks_in_a_voice_that_was_uploaded),
        cmocka_unit_test(the_request_and_the_language_choose_the_engine),
        cmocka_unit_test(a_short_recording_is_refused_with_what_to_do),
        cmocka_unit_test(a_recording_that_only_one_engine_can_use_is_kept_with_a_warning),
        cmocka_unit_test(parameters_act_or_are_named),
        cmocka_unit_test(a_stream_is_the_file_that_is_kept),
        cmocka_unit_test(a_stream_says_its_pace_and_a_replay_keeps_it),
        cmocka_unit_test(eight_at_once_get_what_one_gets),
        cmocka_unit_test(a_word_passes_eight_long_texts),
        cmocka_unit_test(a_voice_sounds_the_same_after_a_restart),
        cmocka_unit_test(what_was_kept_and_is_damaged_is_made_again),
    };
    char env[300], *folder;
    if (!mkdtemp(home)) return 1;
    folder = tb_path_join(home, "small");
    small_model(folder, "t3_turbo_v1", NULL);
    hub = small_hub_start(folder);
    if (!hub) return 1;
    snprintf(env, sizeof env, "ENGINE=auto\nMODEL=%s\nWORKERS=2\n", folder);
    api_start(&server, env);
    int failed = cmocka_run_group_tests(tests, NULL, stop);
    tb_free(folder);
    return failed;
}
