#include "client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
        "name=\"file\"; filename=\"Gr\xFC\xDF"
        "e.wav\"",                                                  /* Latin-1 */
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

static int start(void **state)
{
    (void)state;
    api_start(&server, "WORKERS=2\nLOG_LEVEL=warn\n");
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
    };
    return cmocka_run_group_tests(tests, start, stop);
}
