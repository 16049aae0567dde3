/*
 * Every route of a real server: credentials, methods, good replies, missing and wrong values.
 */
#define _XOPEN_SOURCE 700 /* nftw */

#include "client.h"
#include "http/route_priv.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Each route: what it answers to a good request, to a missing and a wrong value. */

static api_server server;

static void assert_status(api_reply *r, int status)
{
    if (r->status != status)
        print_message("status %d, body: %.300s\n", r->status, r->body ? (char *)r->body : "");
    assert_int_equal(r->status, status);
}

static void expect(api_reply r, int status, const char *part)
{
    assert_status(&r, status);
    if (part && !strstr((char *)r.body, part)) {
        print_message("no %s in: %.400s\n", part, (char *)r.body);
        fail();
    }
    assert_true(r.complete);
    api_reply_clear(&r);
}

static void assert_asks(const char *method, const char *path)
{
    api_reply r =
        api_call(&server, method, path, &(api_extra){.anonymous = true, .body = "", .size = 0});
    if (r.status != 401) print_message("%s %s\n", method, path);
    assert_int_equal(r.status, 401);
    assert_non_null(strstr((char *)r.body, "{\"detail\":\"Incorrect username or password\"}"));
    char *how = api_header(&r, "WWW-Authenticate");
    assert_non_null(how);
    assert_int_equal(strncmp(how, "Basic", 5), 0);
    free(how);
    api_reply_clear(&r);
}

/* Every row of the table, whatever it is: x stands for what a path names. */
static void every_route_asks_for_credentials(void **state)
{
    (void)state;
    size_t seen = 0;
    for (const tb_route *t; (t = tb_route_at(seen)); seen++) {
        char path[128];
        size_t n = 0;
        for (const char *p = t->path; *p && n + 1 < sizeof path; p++) {
            if (*p == '{')
                p += strcspn(p, "}"), path[n++] = 'x';
            else
                path[n++] = *p;
        }
        path[n] = 0;
        assert_asks(t->method, path);
    }
    assert_true(seen == tb_route_count() && seen > 30);
    assert_asks("GET", "/no/such/path");
}

static void one_principal_comes_in_three_ways(void **state)
{
    char *wrong = api_basic_of(API_USER, "pass"), *other = api_basic_of("you", API_PASSWORD);
    const struct {
        const char *headers;
        int status;
    } cases[] = {
        {"Authorization: Bearer " API_KEY "\r\n", 200},
        {"authorization: bearer " API_KEY "\r\n", 200},
        {"xi-api-key: " API_KEY "\r\n", 200},
        {"Authorization: Bearer wrong\r\n", 401},
        {"Authorization: Bearer \r\n", 401},
        {"xi-api-key: \r\n", 401},
        {"Authorization: Basic !!!!\r\n", 401},
        {"Authorization: Basic \r\n", 401},
        {"Authorization: Basic bWU=\r\n", 401}, /* no colon */
        {"Authorization: Digest username=\"me\"\r\n", 401},
        {wrong, 401},
        {other, 401},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        api_reply r = api_call(&server, "GET", "/health",
                               &(api_extra){.anonymous = true, .headers = cases[i].headers});
        if (r.status != cases[i].status) print_message("%s", cases[i].headers);
        assert_int_equal(r.status, cases[i].status);
        api_reply_clear(&r);
    }
    free(wrong);
    free(other);
}

static void a_preflight_needs_no_credentials(void **state)
{
    (void)state;
    api_reply r =
        api_call(&server, "OPTIONS", "/generate-tts",
                 &(api_extra){.anonymous = true,
                              .headers = "Origin: http://page.example\r\n"
                                         "Access-Control-Request-Method: POST\r\n"
                                         "Access-Control-Request-Headers: authorization\r\n"});
    assert_true(r.status == 200 || r.status == 204);
    assert_true(api_header_is(&r, "Access-Control-Allow-Origin", "*"));
    char *allowed = api_header(&r, "Access-Control-Allow-Headers");
    assert_non_null(allowed);
    free(allowed);
    api_reply_clear(&r);
}

static void unknown_paths_and_methods_are_told_apart(void **state)
{
    (void)state;
    expect(api_get(&server, "/nothing"), 404, "\"detail\"");
    api_reply r = api_call(&server, "DELETE", "/demo", NULL);
    assert_status(&r, 405);
    char *allow = api_header(&r, "Allow");
    assert_non_null(allow);
    assert_non_null(strstr(allow, "GET"));
    assert_non_null(strstr(allow, "POST"));
    free(allow);
    api_reply_clear(&r);
    expect(api_get(&server, "/health/"), 200, "ok");
}

static void head_answers_as_get_without_a_body(void **state)
{
    (void)state;
    api_reply r = api_call(&server, "HEAD", "/voices", NULL);
    assert_int_equal(r.status, 200);
    assert_int_equal(r.size, 0);
    api_reply_clear(&r);
}

static void the_root_keeps_the_members_of_the_old_service(void **state)
{
    (void)state;
    api_reply r = api_get(&server, "/");
    assert_status(&r, 200);
    assert_non_null(strstr((char *)r.body, "\"status\""));
    assert_non_null(strstr((char *)r.body, "\"model\""));
    assert_non_null(strstr((char *)r.body, "\"auth\":\"enabled\""));
    api_reply_clear(&r);
}

static void figures_and_documents_are_there(void **state)
{
    (void)state;
    expect(api_get(&server, "/metrics"), 200, "# TYPE");
    expect(api_get(&server, "/openapi.json"), 200, "/generate-tts");
    expect(api_get(&server, "/docs"), 200, "<html");
    expect(api_get(&server, "/languages"), 200, "\"es\"");
    expect(api_get(&server, "/tags"), 200, "laugh");
    expect(api_get(&server, "/ambiences"), 200, "\"preview_url\"");
    expect(api_get(&server, "/ready"), 200, NULL);
}

static void request_ids_go_in_and_come_out(void **state)
{
    (void)state;
    api_reply r =
        api_call(&server, "GET", "/health", &(api_extra){.headers = "X-Request-Id: abc-123_x\r\n"});
    assert_true(api_header_is(&r, "X-Request-Id", "abc-123_x"));
    api_reply_clear(&r);
    r = api_call(&server, "GET", "/health", &(api_extra){.headers = "X-Request-Id: a b\"c;d\r\n"});
    char *id = api_header(&r, "X-Request-Id");
    assert_non_null(id);
    assert_string_not_equal(id, "a b\"c;d");
    free(id);
    api_reply_clear(&r);
}

static void login_answers_the_old_client(void **state)
{
    (void)state;
    expect(api_form(&server, "/login", "username=me&password=pass%3Aword+%C3%A4"), 200,
           "\"success\":true");
    expect(api_form(&server, "/login", "username=me&password=no"), 401, "\"detail\"");
}

static void a_demo_speaks_whatever_carries_the_text(void **state)
{
    api_parts parts = {0};
    (void)state;
    api_reply r = api_get(&server, "/demo?text=Good+morning&seed=3");
    assert_status(&r, 200);
    double seconds = api_wav_seconds(r.body, r.size);
    assert_true(seconds > 0.3 && seconds < 5);
    assert_true(api_header_is(&r, "Content-Type", "audio/wav"));
    assert_true(api_header_is(&r, "X-Seed", "3"));
    assert_true(api_header_is(&r, "Cache-Control", "no-store"));
    char *name = api_header(&r, "Content-Disposition");
    assert_non_null(name);
    assert_non_null(strstr(name, "demo_default.wav"));
    free(name);

    api_reply form = api_form(&server, "/demo", "text=Good+morning&seed=3");
    api_reply json = api_json(&server, "/demo", "{\"text\":\"Good morning\",\"seed\":3}");
    api_part_text(&parts, "text", "Good morning");
    api_part_text(&parts, "seed", "3");
    api_parts_end(&parts);
    api_reply multi = api_multipart(&server, "/demo", &parts);
    assert_status(&form, 200);
    assert_status(&json, 200);
    assert_status(&multi, 200);
    assert_int_equal(form.size, r.size);
    assert_memory_equal(form.body, r.body, r.size);
    assert_int_equal(json.size, r.size);
    assert_memory_equal(json.body, r.body, r.size);
    assert_int_equal(multi.size, r.size);
    assert_memory_equal(multi.body, r.body, r.size);
    api_reply_clear(&r);
    api_reply_clear(&form);
    api_reply_clear(&json);
    api_reply_clear(&multi);
    expect(api_call(&server, "POST", "/demo", &(api_extra){.body = "", .size = 0}), 200, NULL);
}

static int files_kept;

static int count_kept(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)at;
    if (kind == FTW_F && !strstr(path, "timbre.db") && !strstr(path, "/bases/")) files_kept++;
    return 0;
}

/* Files of the server's folder but the database and the statistics of its own voices, and clips in
 * the history. */
static void count_what_is_kept(int *files, char total[16])
{
    files_kept = 0;
    nftw(server.dir, count_kept, 16, FTW_PHYS);
    *files = files_kept;
    api_reply r = api_get(&server, "/history?limit=1");
    assert_status(&r, 200);
    char *count = api_header(&r, "X-Total-Count");
    assert_non_null(count);
    snprintf(total, 16, "%s", count);
    free(count);
    api_reply_clear(&r);
}

/* A demo speaks in an uploaded recording, and neither the recording nor the speech stays; nor does
 * a recording that cannot be used. /generate-tts keeps both: so the counting counts. */
static void a_demo_keeps_nothing_of_a_recording(void **state)
{
    int before, after;
    char said[16], now[16];
    (void)state;
    api_reply clip = api_speech_clip(&server);
    assert_status(&clip, 200);
    for (int generate = 0; generate < 2; generate++)
        for (int json = 0; json < 2; json++) {
            const char *path = generate ? "/generate-tts" : "/demo";
            count_what_is_kept(&before, said);
            api_parts parts = {0};
            api_part_text(&parts, "text", json ? "Once more" : "Good morning");
            /* So that the two recordings differ. */
            clip.body[clip.size - 1] ^= 1;
            api_part_file(&parts, "audio_prompt", "me.wav", clip.body, clip.size);
            api_parts_end(&parts);
            expect(api_multipart(&server, path, &parts), 200, NULL);
            count_what_is_kept(&after, now);
            assert_int_equal(after - before, generate ? 2 : 0);
            assert_int_equal(atoi(now) - atoi(said), generate);
            api_part_text(&parts, "text", "Good morning");
            api_part_file(&parts, "audio_prompt", "short.wav", clip.body, 8044);
            api_parts_end(&parts);
            expect(api_multipart(&server, path, &parts), 422, "audio_prompt");
            count_what_is_kept(&before, said);
            assert_int_equal(before, after);
            assert_string_equal(said, now);
        }
    api_reply_clear(&clip);
}

static void wrong_values_name_their_field(void **state)
{
    static const struct {
        const char *form;
        int status;
        const char *says;
    } cases[] = {
        {"text=hi", 400, "voice"},
        {"voice_id=default", 422, "text"},
        {"text=hi&voice_id=default&speed=9", 422, "speed"},
        {"text=hi&voice_id=default&speed=fast", 422, "speed"},
        {"text=hi&voice_id=default&temperature=-1", 422, "temperature"},
        {"text=hi&voice_id=default&seed=-2", 422, "seed"},
        {"text=hi&voice_id=default&language=xx", 422, "language"},
        {"text=hi&voice_id=default&mode=multilingual", 422, "mode"},
        {"text=hi&voice_id=default&response_format=exe", 422, "response_format"},
        {"text=hi&voice_id=nobody", 404, "nobody"},
        {"text=hi&voice_id=default&ambience_id=moon", 404, "rain"},
        {"text=hi&voice_id=default&ambience_prompt=a+storm", 422, "AudioGen"},
        {"text=%20%20&voice_id=default", 422, "text"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        api_reply r = api_form(&server, "/generate-tts", cases[i].form);
        if (r.status != cases[i].status || !strstr((char *)r.body, cases[i].says))
            print_message("%s: %d %.300s\n", cases[i].form, r.status, (char *)r.body);
        assert_int_equal(r.status, cases[i].status);
        assert_non_null(strstr((char *)r.body, cases[i].says));
        assert_non_null(strstr((char *)r.body, "\"detail\":\""));
        if (r.status == 422) assert_non_null(strstr((char *)r.body, "\"errors\""));
        api_reply_clear(&r);
    }
}

static void a_text_that_names_no_language_is_read_in_its_own_and_says_so(void **state)
{
    char path[200];
    (void)state;
    api_reply r = api_form(&server, "/generate-tts",
                           "text=El+perro+come.+La+casa+es+grande&seed=4&voice_id=default");
    assert_status(&r, 200);
    assert_true(api_header_is(&r, "X-Language", "es"));
    assert_true(api_header_is(&r, "X-Language-Guessed", "es"));
    char *exposed = api_header(&r, "Access-Control-Expose-Headers");
    assert_non_null(exposed);
    assert_non_null(strstr(exposed, "X-Language-Guessed"));
    free(exposed);
    char *id = api_header(&r, "X-History-Id");
    assert_non_null(id);
    snprintf(path, sizeof path, "/history/%s/replay", id);
    api_reply replay = api_call(&server, "POST", path, &(api_extra){.body = "", .size = 0});
    assert_status(&replay, 200);
    assert_int_equal(replay.size, r.size);
    assert_memory_equal(replay.body, r.body, r.size);
    assert_true(api_header_is(&replay, "X-Language", "es"));
    api_reply_clear(&replay);
    api_reply_clear(&r);
    free(id);
    r = api_form(&server, "/demo", "text=El+perro+come.+La+casa+es+grande&language=English");
    assert_status(&r, 200);
    assert_true(api_header_is(&r, "X-Language", "en-us"));
    assert_null(api_header(&r, "X-Language-Guessed"));
    api_reply_clear(&r);
}

static void words_are_said_as_the_request_wants_and_again_so(void **state)
{
    static const char *const wished =
        "{\"text\":\"The k8s cluster.\",\"voice_id\":\"default\",\"seed\":4,"
        "\"pronunciations\":[{\"word\":\"K8s\",\"say\":\"kubernetes\"},"
        "{\"word\":\"cluster\",\"say\":\"cúmulo\",\"language\":\"Spanish\"}]}";
    char path[200];
    (void)state;
    api_reply r = api_json(&server, "/generate-tts", wished);
    assert_status(&r, 200);
    api_reply plain = api_form(&server, "/demo", "text=The+kubernetes+cluster.&seed=4");
    assert_status(&plain, 200);
    assert_int_equal(plain.size, r.size);
    assert_memory_equal(plain.body, r.body, r.size);
    char *id = api_header(&r, "X-History-Id");
    assert_non_null(id);
    snprintf(path, sizeof path, "/history/%s", id);
    api_reply entry = api_get(&server, path);
    assert_non_null(strstr((char *)entry.body, "\"The k8s cluster.\""));
    snprintf(path, sizeof path, "/history/%s/replay", id);
    api_reply replay = api_call(&server, "POST", path, &(api_extra){.body = "", .size = 0});
    assert_status(&replay, 200);
    assert_int_equal(replay.size, r.size);
    assert_memory_equal(replay.body, r.body, r.size);
    api_reply_clear(&entry);
    api_reply_clear(&replay);
    api_reply_clear(&plain);
    api_reply_clear(&r);
    free(id);
}

static void expect_reply(api_reply r, int status, const char *holds)
{
    assert_status(&r, status);
    if (!strstr((char *)r.body, holds)) fail_msg("%s\nlacks %s", (char *)r.body, holds);
    api_reply_clear(&r);
}

static api_reply send_json(const char *method, const char *path, const char *json)
{
    return api_call(&server, method, path,
                    &(api_extra){.headers = "Content-Type: application/json\r\n",
                                 .body = json,
                                 .size = strlen(json)});
}

static void same_sound(api_reply a, api_reply b)
{
    assert_status(&a, 200);
    assert_status(&b, 200);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.body, b.body, a.size);
    api_reply_clear(&a);
    api_reply_clear(&b);
}

static void the_dictionary_is_kept_obeyed_and_replayed(void **state)
{
    static const char *const all = "/pronunciations";
    char path[200];
    (void)state;
    expect_reply(api_get(&server, all), 200, "{\"pronunciations\":[]}");
    expect_reply(api_form(&server, all, "word=K8s&say=kubernetes"), 200,
                 "{\"word\":\"K8s\",\"say\":\"kubernetes\",\"language\":null}");
    expect_reply(send_json("POST", all,
                           "{\"word\":\"dog\",\"say\":\"perro\",\"language\":\"espa\xC3\xB1ol\"}"),
                 200, "\"language\":\"es\"");
    expect_reply(api_form(&server, all, "word=k8s&say="), 422, "say");
    expect_reply(api_form(&server, all, "say=x"), 422, "word");
    expect_reply(api_form(&server, all, "word=a&say=b&language=klingonese"), 422, "language");
    expect_reply(send_json("PUT", all, "{}"), 422, "pronunciations");
    expect_reply(send_json("PUT", all, "{\"pronunciations\":[{\"word\":\"x\"}]}"), 422, "entry 1");

    api_reply said = api_form(&server, "/generate-tts", "text=A+k8s+dog.&seed=4&voice_id=default");
    assert_status(&said, 200);
    char *id = api_header(&said, "X-History-Id");
    assert_non_null(id);
    same_sound(api_form(&server, "/demo", "text=A+k8s+dog.&seed=4"),
               api_form(&server, "/demo", "text=A+kubernetes+dog.&seed=4"));
    same_sound(api_form(&server, "/demo",
                        "text=A+k8s+dog.&seed=4&pronunciations={\"k8s\":\"kates\"}"),
               api_form(&server, "/demo", "text=A+kates+dog.&seed=4"));
    expect_reply(send_json("PUT", all,
                           "{\"pronunciations\":{\"k8s\":\"other words\",\"b\":\"c\"}}"),
                 200, "\"say\":\"other words\"");
    snprintf(path, sizeof path, "/history/%s/replay", id); /* as it was, not as it is */
    same_sound(api_call(&server, "POST", path, &(api_extra){.body = "", .size = 0}), said);
    free(id);

    expect_reply(api_call(&server, "DELETE", "/pronunciations", NULL), 422, "word");
    expect_reply(api_call(&server, "DELETE", "/pronunciations?word=zzz", NULL), 404, "zzz");
    expect_reply(api_call(&server, "DELETE", "/pronunciations?word=b&language=es", NULL), 404, "b");
    expect_reply(api_call(&server, "DELETE", "/pronunciations?word=B", NULL), 200,
                 "\"remaining_count\":1");
    expect_reply(api_call(&server, "DELETE", "/pronunciations?delete_all=true", NULL), 200,
                 "\"remaining_count\":0");
}

static void speech_is_kept_and_can_be_had_again(void **state)
{
    char path[200];
    (void)state;
    api_reply r = api_form(&server, "/generate-tts",
                           "text=Kept+for+later&voice_id=default.wav&ambience_id=&speed=1.2");
    assert_status(&r, 200);
    char *url = api_header(&r, "X-Download-Url"), *id = api_header(&r, "X-History-Id");
    char *seed = api_header(&r, "X-Seed"), *seconds = api_header(&r, "X-Audio-Duration");
    assert_non_null(url);
    assert_non_null(id);
    assert_non_null(seed);
    assert_non_null(seconds);
    assert_true(api_header_is(&r, "X-Engine", "embedded"));
    double said = strtod(seconds, NULL), has = api_wav_seconds(r.body, r.size);
    assert_true(said - has < 0.01 && has - said < 0.01);

    api_reply again = api_get(&server, url);
    assert_status(&again, 200);
    assert_int_equal(again.size, r.size);
    assert_memory_equal(again.body, r.body, r.size);
    char *etag = api_header(&again, "ETag");
    assert_non_null(etag);

    api_reply some =
        api_call(&server, "GET", url, &(api_extra){.headers = "Range: bytes=4-11\r\n"});
    assert_status(&some, 206);
    assert_int_equal(some.size, 8);
    assert_memory_equal(some.body, r.body + 4, 8);
    api_reply_clear(&some);
    some = api_call(&server, "GET", url, &(api_extra){.headers = "Range: bytes=-8\r\n"});
    assert_status(&some, 206);
    assert_memory_equal(some.body, r.body + r.size - 8, 8);
    api_reply_clear(&some);
    some = api_call(&server, "GET", url, &(api_extra){.headers = "Range: bytes=99999999999-\r\n"});
    assert_status(&some, 416);
    api_reply_clear(&some);
    some = api_call(&server, "HEAD", url, NULL);
    assert_status(&some, 200);
    assert_int_equal(some.size, 0);
    api_reply_clear(&some);
    char line[200];
    snprintf(line, sizeof line, "If-None-Match: %s\r\n", etag);
    some = api_call(&server, "GET", url, &(api_extra){.headers = line});
    assert_status(&some, 304);
    api_reply_clear(&some);

    snprintf(path, sizeof path, "/history/%s/replay", id);
    api_reply replay = api_call(&server, "POST", path, &(api_extra){.body = "", .size = 0});
    assert_status(&replay, 200);
    assert_int_equal(replay.size, r.size);
    assert_memory_equal(replay.body, r.body, r.size);
    assert_true(api_header_is(&replay, "X-Seed", seed));
    api_reply_clear(&replay);

    snprintf(path, sizeof path, "/history/%s", id);
    expect(api_get(&server, path), 200, "Kept for later");
    expect(api_get(&server, "/history"), 200, "\"voice_used\":\"default\"");
    expect(api_call(&server, "DELETE", path, NULL), 200, NULL);
    expect(api_get(&server, path), 404, "\"detail\"");
    expect(api_get(&server, url), 404, "File not found");
    free(url);
    free(id);
    free(seed);
    free(seconds);
    free(etag);
    api_reply_clear(&r);
    api_reply_clear(&again);
}

static void history_pages_are_arrays_with_links(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        expect(api_form(&server, "/generate-tts", "text=Page+me&voice_id=default"), 200, NULL);
    api_reply r = api_get(&server, "/history?limit=2");
    assert_status(&r, 200);
    assert_int_equal(r.body[0], '[');
    char *total = api_header(&r, "X-Total-Count"), *link = api_header(&r, "Link");
    assert_non_null(total);
    assert_true(atoi(total) >= 3);
    assert_non_null(link);
    assert_non_null(strstr(link, "rel=\"next\""));
    free(total);
    free(link);
    api_reply_clear(&r);
    expect(api_get(&server, "/history?limit=2&q=page"), 200, "Page me");
    expect(api_get(&server, "/history?q=zzzznothing"), 200, "[]");
    expect(api_get(&server, "/history?limit=0.5"), 422, "limit");
    expect(api_get(&server, "/history?limit=2&cursor=garbage"), 422, "cursor");
    expect(api_call(&server, "DELETE", "/history?delete_all=true", NULL), 200,
           "\"remaining_count\":0");
}

static void voices_are_kept_changed_heard_and_deleted(void **state)
{
    api_parts parts = {0};
    (void)state;
    api_reply clip = api_speech_clip(&server);
    assert_status(&clip, 200);
    assert_true(api_wav_seconds(clip.body, clip.size) > 5.1);

    api_part_text(&parts, "name", "J\xC3\xB6rg 1");
    api_part_text(&parts, "language", "en");
    api_part_file(&parts, "file", "../../evil.wav", clip.body, clip.size);
    api_parts_end(&parts);
    expect(api_multipart(&server, "/voices/upload", &parts), 200, "\"voice_id\"");

    api_part_text(&parts, "name", "J\xC3\x96RG 1"); /* the same name, case-folded */
    api_part_file(&parts, "file", "a.wav", clip.body, clip.size);
    api_parts_end(&parts);
    expect(api_multipart(&server, "/voices/upload", &parts), 409, "\"detail\"");

    expect(api_get(&server, "/voices"), 200, "J\xC3\xB6rg 1");
    expect(api_get(&server, "/voices/list"), 200, "\"total\"");
    expect(api_get(&server, "/voices/J%C3%B6rg%201"), 200, "\"name\"");
    api_reply r = api_get(&server, "/voices/J%C3%B6rg%201/audio");
    assert_status(&r, 200);
    assert_true(api_wav_seconds(r.body, r.size) > 5);
    api_reply_clear(&r);
    r = api_form(&server, "/demo", "text=Now+in+another+voice&voice_id=J%C3%B6rg+1");
    assert_status(&r, 200);
    assert_true(api_wav_seconds(r.body, r.size) > 0.5);
    api_reply_clear(&r);

    char *long_note = malloc(60000);
    snprintf(long_note, 60000, "description=%02050d", 0);
    expect(api_call(&server, "PUT", "/voices/J%C3%B6rg%201",
                    &(api_extra){.type = "application/x-www-form-urlencoded",
                                 .body = long_note,
                                 .size = strlen(long_note)}),
           422, "description has 2050 characters");
    free(long_note);
    expect(api_call(&server, "PUT", "/voices/J%C3%B6rg%201?new_name=Jo%E2%80%8Brg", NULL), 422,
           "cannot be seen");
    expect(api_call(&server, "PUT", "/voices/J%C3%B6rg%201?new_name=george&description=d", NULL),
           200, "george");
    expect(api_get(&server, "/voices/J%C3%B6rg%201"), 404, "\"detail\"");
    expect(api_call(&server, "DELETE", "/voices/george", NULL), 200, "deleted");
    expect(api_call(&server, "DELETE", "/voices/george", NULL), 404, "\"detail\"");

    api_part_text(&parts, "text", "Spoken once in this voice.");
    api_part_file(&parts, "audio_prompt", "a.wav", clip.body, clip.size);
    api_parts_end(&parts);
    r = api_multipart(&server, "/generate-tts", &parts);
    assert_status(&r, 200);
    api_reply_clear(&r);
    expect(api_get(&server, "/history"), 200, "\"uploaded_sample\"");
    api_reply_clear(&clip);
}

static void uploads_that_cannot_be_voices_are_refused(void **state)
{
    static const char *const names[] = {"", "default", "upload", "../x", "a/b", "a\x01"};
    api_parts parts = {0};
    uint8_t noise[4000];
    (void)state;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)(i * 2654435761u >> 13);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        api_part_text(&parts, "name", names[i]);
        api_part_file(&parts, "file", "a.wav", noise, sizeof noise);
        api_parts_end(&parts);
        api_reply r = api_multipart(&server, "/voices/upload", &parts);
        if (r.status != 400 && r.status != 422) print_message("'%s': %d\n", names[i], r.status);
        assert_true(r.status == 400 || r.status == 422);
        api_reply_clear(&r);
    }
    api_part_text(&parts, "name", "nofile");
    api_parts_end(&parts);
    expect(api_multipart(&server, "/voices/upload", &parts), 422, "file");
    api_part_text(&parts, "name", "noise");
    api_part_file(&parts, "file", "a.wav", noise, sizeof noise);
    api_parts_end(&parts);
    api_reply r = api_multipart(&server, "/voices/upload", &parts);
    assert_true(r.status == 400 || r.status == 415 || r.status == 422);
    api_reply_clear(&r);
}

static void formats_and_ambience_are_as_asked(void **state)
{
    static const struct {
        const char *format, *type, *magic;
    } cases[] = {
        {"mp3", "audio/mpeg", ""},      {"flac", "audio/flac", "fLaC"},
        {"opus", "audio/opus", "OggS"}, {"ogg", "audio/ogg; codecs=opus", "OggS"},
        {"aac", "audio/aac", "\xFF"},   {"pcm", "audio/pcm", ""},
        {"wav", "audio/wav", "RIFF"},
    };
    char form[200];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(form, sizeof form, "text=Hello&ambience_id=rain&response_format=%s",
                 cases[i].format);
        api_reply r = api_form(&server, "/demo", form);
        assert_status(&r, 200);
        assert_true(api_header_is(&r, "Content-Type", cases[i].type));
        assert_true(r.size > 1000);
        assert_memory_equal(r.body, cases[i].magic, strlen(cases[i].magic));
        api_reply_clear(&r);
    }
    api_reply r = api_get(&server, "/ambiences/rain/preview");
    assert_status(&r, 200);
    assert_true(api_wav_seconds(r.body, r.size) > 5.9);
    api_reply_clear(&r);
    expect(api_get(&server, "/ambiences/moon/preview"), 404, "rain");
}

static int stop(void **state)
{
    (void)state;
    return api_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_asks_for_credentials),
        cmocka_unit_test(one_principal_comes_in_three_ways),
        cmocka_unit_test(a_preflight_needs_no_credentials),
        cmocka_unit_test(unknown_paths_and_methods_are_told_apart),
        cmocka_unit_test(head_answers_as_get_without_a_body),
        cmocka_unit_test(the_root_keeps_the_members_of_the_old_service),
        cmocka_unit_test(figures_and_documents_are_there),
        cmocka_unit_test(request_ids_go_in_and_come_out),
        cmocka_unit_test(login_answers_the_old_client),
        cmocka_unit_test(a_demo_speaks_whatever_carries_the_text),
        cmocka_unit_test(a_demo_keeps_nothing_of_a_recording),
        cmocka_unit_test(wrong_values_name_their_field),
        cmocka_unit_test(a_text_that_names_no_language_is_read_in_its_own_and_says_so),
        cmocka_unit_test(words_are_said_as_the_request_wants_and_again_so),
        cmocka_unit_test(the_dictionary_is_kept_obeyed_and_replayed),
        cmocka_unit_test(speech_is_kept_and_can_be_had_again),
        cmocka_unit_test(history_pages_are_arrays_with_links),
        cmocka_unit_test(voices_are_kept_changed_heard_and_deleted),
        cmocka_unit_test(uploads_that_cannot_be_voices_are_refused),
        cmocka_unit_test(formats_and_ambience_are_as_asked),
    };
    api_start(&server, "");
    return cmocka_run_group_tests(tests, NULL, stop);
}
