/*
 * Requests as clients really write them: types of bodies, file names, seeds, replays, the record of
 * a stream.
 */
#include "client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What clients and people send that is unusual and still means something. */

static api_server server;
static api_reply clip;

static api_reply send_as(const char *path, const char *headers, const char *type, const char *body)
{
    return api_call(
        &server, "POST", path,
        &(api_extra){.headers = headers, .type = type, .body = body, .size = strlen(body)});
}

static void expect(api_reply r, int status, const char *says)
{
    if (r.status != status) print_message("%d %.300s\n", r.status, (char *)r.body);
    assert_int_equal(r.status, status);
    if (says) assert_non_null(strstr((char *)r.body, says));
    api_reply_clear(&r);
}

static char *id_of(const char *json)
{
    const char *at = strstr(json, "\"text\":\"");
    assert_non_null(at);
    at += 8;
    return strndup(at, strcspn(at, "\""));
}

/* curl -d sends JSON as a form, a browser's fetch as plain text, others without a type. */
static void json_is_json_under_any_name(void **state)
{
    static const struct {
        const char *type, *bom;
    } cases[] = {
        {"application/x-www-form-urlencoded", ""},
        {"application/x-www-form-urlencoded", "\xEF\xBB\xBF"},
        {"text/plain;charset=UTF-8", ""},
        {"application/json", "\xEF\xBB\xBF"},
        {"application/json; charset=utf-8", " \n"},
        {"application/ld+json", ""},
        {NULL, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[200], text[64];
        snprintf(text, sizeof text, "Sentence number %zu", i);
        snprintf(body, sizeof body, "%s{\"voice_id\":\"default\",\"text\":\"%s\"}", cases[i].bom,
                 text);
        expect(send_as("/generate-tts", NULL, cases[i].type, body), 200, NULL);
        api_reply r = api_get(&server, "/history?limit=1");
        char *said = id_of((char *)r.body);
        assert_string_equal(said, text);
        free(said);
        api_reply_clear(&r);
    }
}

static void no_body_is_taken_for_nothing(void **state)
{
    static const char form[] = "application/x-www-form-urlencoded";
    (void)state;
    expect(send_as("/demo", NULL, form, "Say this sentence."), 400, "Content-Type");
    expect(send_as("/demo", NULL, form,
                   "--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nHi\r\n--b--\r\n"),
           415, "Content-Type");
    expect(send_as("/demo", NULL, form, "{\"input\":\"Say this\"}"), 422, "text");
    expect(send_as("/demo", NULL, form, "input=Say+this"), 422, "text");
    expect(send_as("/demo?_=17", NULL, form, ""), 200, NULL);
}

static void packed_bodies_are_refused(void **state)
{
    static const char *const codings[] = {"gzip", "GZIP", "deflate",
                                          "br",   "zstd", "identity, gzip"};
    (void)state;
    for (size_t i = 0; i < sizeof codings / sizeof codings[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "Content-Encoding: %s\r\n", codings[i]);
        expect(send_as("/demo", line, "application/json", "{\"text\":\"Hi\"}"), 415, "packed");
    }
    expect(send_as("/demo", "Content-Encoding: identity\r\n", "application/json",
                   "{\"text\":\"Hi\"}"),
           200, NULL);
    expect(send_as("/demo", NULL, "application/json", "\x1F\x8B\x08"), 415, "gzip");
}

/* The head of its one file part is as given; the part is the clip. */
static api_reply upload_as(const char *name, const char *head)
{
    api_parts parts = {0};
    char text[512];
    api_part_text(&parts, "name", name);
    int n = snprintf(text, sizeof text, "--xxBOUNDxx\r\nContent-Disposition: form-data; %s\r\n\r\n",
                     head);
    parts.data = realloc(parts.data, parts.size + (size_t)n + clip.size + 64);
    memcpy(parts.data + parts.size, text, (size_t)n);
    parts.size += (size_t)n;
    memcpy(parts.data + parts.size, clip.body, clip.size);
    parts.size += clip.size;
    memcpy(parts.data + parts.size, "\r\n", 2);
    parts.size += 2;
    api_parts_end(&parts);
    return api_multipart(&server, "/voices/upload", &parts);
}

static void a_recording_may_be_called_anything_or_nothing(void **state)
{
    static const char *const heads[] = {
        ("name=\"file\"; filename=\"Gr\xFC\xDF"
         "e.wav\""),                                                /* Latin-1 */
        "name=\"file\"; filename=\"\xC2\xBC\xD2\xF4\x5C\"",         /* GBK, ends in a backslash */
        "name=\"file\"; filename=\"\x83\x5C\x83\x5C.wav\"",         /* Shift-JIS */
        "name=\"file\"; filename=\"\xCF\xF0\xE8\xE2\xE5\xF2.wav\"", /* Windows-1251 */
        "name=\"file\"; filename*=ISO-8859-15''%A4.wav",
        "name=\"file\"; filename*=nonsense",
        "name=\"file\"; filename=\"say \"hello\".wav\"",
        "name=\"file\"; filename=\"\"",
        "name=\"file\"",
        "name=\"file\"\r\nContent-Type: application/octet-stream",
        "filename=\"first.wav\"; name=\"file\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        char name[16];
        snprintf(name, sizeof name, "voice %zu", i);
        api_reply r = upload_as(name, heads[i]);
        if (r.status != 200) print_message("%s: ", heads[i]);
        expect(r, 200, name);
    }
}

static void a_seed_of_minus_one_is_drawn(void **state)
{
    char *seeds[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        api_reply r = api_form(&server, "/demo", "text=Hi&seed=-1");
        assert_int_equal(r.status, 200);
        seeds[i] = api_header(&r, "X-Seed");
        assert_non_null(seeds[i]);
        api_reply_clear(&r);
    }
    assert_string_not_equal(seeds[0], seeds[1]);
    free(seeds[0]);
    free(seeds[1]);
}

/* No number has more digits than it means: seconds have three, bytes are whole. */
static void numbers_have_sensible_digits(void **state)
{
    static const char *const paths[] = {"/history", "/voices/list", "/ambiences", "/"};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        api_reply r = api_get(&server, paths[i]);
        assert_int_equal(r.status, 200);
        bool quoted = false;
        size_t digits = 0;
        for (const char *c = (char *)r.body; *c; c++) {
            if (*c == '"') quoted = !quoted;
            if (quoted || !((*c >= '0' && *c <= '9') || *c == '.')) {
                digits = 0;
            } else if (*c == '.' || digits) {
                assert_true(++digits <= 4); /* the point and three */
            }
        }
        api_reply_clear(&r);
    }
}

static void upload(const char *name, const api_reply *wav)
{
    api_parts parts = {0};
    api_part_text(&parts, "name", name);
    api_part_text(&parts, "overwrite", "true");
    api_part_file(&parts, "file", "a.wav", wav->body, wav->size);
    api_parts_end(&parts);
    expect(api_multipart(&server, "/voices/upload", &parts), 200, name);
}

static api_reply replay(const char *id)
{
    char path[100];
    snprintf(path, sizeof path, "/history/%s/replay", id);
    return api_call(&server, "POST", path, &(api_extra){.body = "", .size = 0});
}

static void same_bytes(api_reply r, const api_reply *as)
{
    assert_int_equal(r.status, 200);
    assert_int_equal(r.size, as->size);
    assert_memory_equal(r.body, as->body, r.size);
    api_reply_clear(&r);
}

static void a_replay_speaks_with_its_own_recording_or_not_at_all(void **state)
{
    (void)state;
    api_reply own = api_form(&server, "/demo",
                             "seed=9&text=Nobody+else+has+this+recording+of+a+sentence+that+takes+"
                             "a+few+seconds+to+say.");
    api_reply other = api_form(&server, "/demo",
                               "seed=8&speed=0.7&text=Somebody+else+reads+this+sentence+aloud%2C+"
                               "slower+and+in+a+different+way%2C+for+some+seconds.");
    assert_int_equal(other.status, 200);
    upload("Mara", &own);
    api_reply first =
        api_form(&server, "/generate-tts", "text=Whose+voice+is+this&voice_id=Mara&seed=3");
    assert_int_equal(first.status, 200);
    char *id = api_header(&first, "X-History-Id");
    same_bytes(replay(id), &first);

    upload("Mara", &other); /* replaced: nobody is spoken with instead */
    expect(replay(id), 404, "replaced");
    expect(api_call(&server, "DELETE", "/voices/Mara", NULL), 200, NULL);
    expect(replay(id), 404, "removed");

    upload("Old Mara", &own); /* the same recording under another name */
    same_bytes(replay(id), &first);
    upload("Mara", &other);
    same_bytes(replay(id), &first);
    expect(api_call(&server, "PUT", "/voices/Old%20Mara",
                    &(api_extra){.type = "application/json",
                                 .body = "{\"new_name\":\"M\xC3\xA1ra\"}",
                                 .size = 20}),
           200, NULL);
    api_reply r = replay(id); /* renamed, and the new entry says how it is called now */
    char *second = api_header(&r, "X-History-Id");
    same_bytes(r, &first);
    r = api_get(&server, "/history?limit=1");
    assert_non_null(strstr((char *)r.body, "\"voice_used\":\"M\xC3\xA1ra\""));
    api_reply_clear(&r);
    same_bytes(replay(second), &first);
    free(id);
    free(second);
    api_reply_clear(&first);
    api_reply_clear(&other);
    api_reply_clear(&own);
}

/* What docs/api.md says of streams: the same bytes, and in a wav's header the true sizes. */
static void the_copy_of_a_stream_has_its_bytes(void **state)
{
    static const char *const formats[] = {"wav", "mp3", "opus", "aac", "flac", "pcm"};
    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        char form[120];
        snprintf(
            form, sizeof form,
            "text=One+sentence.+Two+sentences.&voice_id=default&stream=true&response_format=%s",
            formats[i]);
        api_reply r = api_form(&server, "/generate-tts", form);
        assert_int_equal(r.status, 200);
        char *url = api_header(&r, "X-Download-Url");
        api_reply kept = api_get(&server, url);
        assert_int_equal(kept.status, 200);
        assert_int_equal(kept.size, r.size);
        if (i == 0) {
            assert_true(api_wav_seconds(kept.body, kept.size) > 0.5); /* exact sizes */
            memcpy(r.body + 4, kept.body + 4, 4);
            memcpy(r.body + 40, kept.body + 40, 4);
        }
        assert_memory_equal(kept.body, r.body, r.size);
        free(url);
        api_reply_clear(&kept);
        api_reply_clear(&r);
    }
}

/* A path of somebody's writing is one value of its line in the log. */
static void a_path_forges_no_field_of_the_log(void **state)
{
    char name[200], line[4096];
    bool found = false;
    (void)state;
    expect(api_get(&server, "/forged%20status=200%20user=root%22%0Atime=0%20x"), 404, NULL);
    snprintf(name, sizeof name, "%s/log", server.dir);
    for (int tries = 0; tries < 100 && !found; tries++) {
        usleep(20000);
        FILE *f = fopen(name, "r");
        assert_non_null(f);
        while (fgets(line, sizeof line, f)) {
            assert_int_equal(strncmp(line, "time=2", 6), 0);
            found |= strstr(line, "path=\"/forged status=200 user=root\\\"\\x0atime=0 x\" "
                                  "status=404") != NULL;
        }
        fclose(f);
    }
    assert_true(found);
}

/* The bytes= of a request's line in the log; -1: it has none. */
static long long logged_bytes(const char *id)
{
    char name[200], line[4096], want[80];
    snprintf(name, sizeof name, "%s/log", server.dir);
    snprintf(want, sizeof want, "room=http id=%s method=", id);
    for (int tries = 0; tries < 200; tries++) {
        FILE *f = fopen(name, "r");
        assert_non_null(f);
        while (fgets(line, sizeof line, f)) {
            const char *bytes = strstr(line, want) ? strstr(line, " bytes=") : NULL;
            if (!bytes) continue;
            fclose(f);
            return atoll(bytes + 7);
        }
        fclose(f);
        usleep(20000);
    }
    return -1;
}

/* Text, files, parts of files, whole sounds, streams, lists, errors, and what has no body. */
static void the_log_says_how_many_bytes_a_body_had(void **state)
{
    static const struct {
        const char *method, *path, *body, *headers;
        int status;
    } all[] = {
        {"GET", "/health", NULL, "", 200},
        {"GET", "/history", NULL, "", 200},
        {"GET", "/none", NULL, "", 404},
        {"GET", NULL, NULL, "", 200}, /* the download */
        {"GET", NULL, NULL, "Range: bytes=10-109\r\n", 206},
        {"GET", NULL, NULL, "Range: bytes=99999999-\r\n", 416},
        {"GET", NULL, NULL, "If-None-Match: *\r\n", 304},
        {"HEAD", NULL, NULL, "", 200},
        {"POST", "/demo", "text=Hi.", "", 200},
        {"POST", "/generate-tts", "text=Hi.&voice_id=default&stream=true", "", 200},
        {"OPTIONS", "/demo", NULL, "", 204},
    };
    (void)state;
    api_reply made = api_form(&server, "/generate-tts", "text=Hello.&voice_id=default");
    char *url = api_header(&made, "X-Download-Url");
    assert_non_null(url);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char headers[200], id[40];
        snprintf(id, sizeof id, "counted-%zu", i);
        snprintf(headers, sizeof headers, "X-Request-Id: %s\r\n%s", id, all[i].headers);
        api_extra extra = {.headers = headers,
                           .type = all[i].body ? "application/x-www-form-urlencoded" : NULL,
                           .body = all[i].body,
                           .size = all[i].body ? strlen(all[i].body) : 0};
        api_reply r = api_call(&server, all[i].method, all[i].path ? all[i].path : url, &extra);
        assert_int_equal(r.status, all[i].status);
        long long logged = logged_bytes(id);
        if (logged != (long long)r.size)
            print_message("%s %d: %lld of %zu\n", all[i].method, r.status, logged, r.size);
        assert_int_equal(logged, r.size);
        api_reply_clear(&r);
    }
    free(url);
    api_reply_clear(&made);
}

/* Of the last job in the log. */
static bool last_job(char id[37])
{
    char name[200], line[4096];
    bool found = false;
    snprintf(name, sizeof name, "%s/log", server.dir);
    FILE *f = fopen(name, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        const char *at = strstr(line, "room=job id=");
        if (!at || strlen(at) < 12 + 36) continue;
        memcpy(id, at + 12, 36);
        id[36] = 0;
        found = true;
    }
    fclose(f);
    return found;
}

/* Neither in the reply nor in what is kept of the job. */
static void why_a_job_failed_names_no_file_of_ours(void **state)
{
    char from[200], to[200], path[60], id[37];
    (void)state;
    snprintf(from, sizeof from, "%s/data/clips", server.dir);
    snprintf(to, sizeof to, "%s/data/elsewhere", server.dir);
    assert_int_equal(rename(from, to), 0);
    api_reply r = api_form(&server, "/generate-tts", "text=Hello&voice_id=default");
    assert_int_equal(rename(to, from), 0);
    assert_true(r.status >= 400);
    assert_null(strstr((char *)r.body, "clips"));
    api_reply_clear(&r);
    assert_true(last_job(id));
    snprintf(path, sizeof path, "/jobs/%s", id);
    r = api_get(&server, path);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr((char *)r.body, "\"state\":\"failed\""));
    assert_non_null(strstr((char *)r.body, "(a file)"));
    assert_null(strstr((char *)r.body, "clips"));
    api_reply_clear(&r);
}

static void a_voice_without_its_file_is_missing_at_once(void **state)
{
    char path[200];
    (void)state;
    upload("Gone", &clip);
    expect(api_form(&server, "/demo", "text=Hi&voice_id=Gone"), 200, NULL);
    snprintf(path, sizeof path, "rm %s/data/voices/*.wav", server.dir);
    assert_int_equal(system(path), 0); /* all of them */
    expect(api_form(&server, "/demo", "text=Hi&voice_id=Gone"), 404, "gone");
    expect(api_get(&server, "/voices/Gone"), 200, "\"missing\":true");
    api_reply r = api_get(&server, "/voices");
    assert_null(strstr((char *)r.body, "\"missing\":false"));
    api_reply_clear(&r);
    snprintf(path, sizeof path, "rm %s/data/clips/*", server.dir);
    assert_int_equal(system(path), 0);
    r = api_get(&server, "/history");
    assert_null(strstr((char *)r.body, "\"missing\":false"));
    api_reply_clear(&r);
    upload("Gone", &clip);
    expect(api_get(&server, "/voices/Gone"), 200, "\"missing\":false");
}

static void a_replay_may_be_longer_than_texts_are_now(void **state)
{
    char path[128];
    (void)state;
    api_reply first =
        api_form(&server, "/generate-tts",
                 "voice_id=default&seed=4&text=One+sentence+of+more+than+forty+characters+here.");
    assert_int_equal(first.status, 200);
    char *id = api_header(&first, "X-History-Id");
    api_signal(&server, 15);
    assert_int_equal(api_wait(&server), 0);
    snprintf(path, sizeof path, "%s/.env", server.dir);
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    fputs("TEXT_MAX=40\n", f);
    fclose(f);
    api_restart(&server);
    expect(api_form(&server, "/demo", "text=One+sentence+of+more+than+forty+characters+here."), 422,
           "40");
    same_bytes(replay(id), &first);
    free(id);
    api_reply_clear(&first);
}

static int start(void **state)
{
    (void)state;
    api_start(&server, "WORKERS=2\nLOG_LEVEL=info\n");
    clip = api_speech_clip(&server);
    return clip.status == 200 ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    api_reply_clear(&clip);
    return api_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_json_under_any_name),
        cmocka_unit_test(no_body_is_taken_for_nothing),
        cmocka_unit_test(packed_bodies_are_refused),
        cmocka_unit_test(a_recording_may_be_called_anything_or_nothing),
        cmocka_unit_test(a_seed_of_minus_one_is_drawn),
        cmocka_unit_test(numbers_have_sensible_digits),
        cmocka_unit_test(a_replay_speaks_with_its_own_recording_or_not_at_all),
        cmocka_unit_test(the_copy_of_a_stream_has_its_bytes),
        cmocka_unit_test(a_path_forges_no_field_of_the_log),
        cmocka_unit_test(the_log_says_how_many_bytes_a_body_had),
        cmocka_unit_test(why_a_job_failed_names_no_file_of_ours),
        cmocka_unit_test(a_voice_without_its_file_is_missing_at_once),
        cmocka_unit_test(a_replay_may_be_longer_than_texts_are_now), /* the last: texts are short */
    };
    return cmocka_run_group_tests(tests, start, stop);
}
