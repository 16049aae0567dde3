/*
 * Clients that misbehave: identifiers with control characters, slow bodies, closed connections,
 * duplicate fields, invalid UTF-8.
 */
#include "client.h"
#include "patience.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* More of what broken and malicious clients send, byte by byte. The server is asked for its health
 * after each. */

static api_server server;
static api_reply clip;

static int alive(void **state)
{
    (void)state;
    api_reply r = api_get(&server, "/health");
    int status = r.status;
    api_reply_clear(&r);
    return status == 200 ? 0 : -1;
}

/* The start of a POST with credentials; its headers are not ended. */
static int begin_post(const char *path, const char *type, size_t length)
{
    char head[1024];
    int fd = api_connect(&server);
    snprintf(head, sizeof head,
             "POST %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%sContent-Type: %s\r\n"
             "Content-Length: %zu\r\n",
             path, api_basic(), type, length);
    api_send_text(fd, head);
    return fd;
}

static api_reply upload(const char *name, const void *data, size_t size)
{
    api_parts parts = {0};
    api_part_text(&parts, "name", name);
    api_part_file(&parts, "file", "a.wav", data, size);
    api_parts_end(&parts);
    return api_multipart(&server, "/voices/upload", &parts);
}

static void refused(api_reply r, const char *what)
{
    if (r.status != 400 && r.status != 415 && r.status != 422)
        print_message("%s: %d %.300s\n", what, r.status, r.status == 200 ? "" : (char *)r.body);
    assert_true(r.status == 400 || r.status == 415 || r.status == 422);
    assert_non_null(strstr((char *)r.body, "{\"detail\":\""));
    api_reply_clear(&r);
}

static void a_request_id_cannot_be_a_header_or_a_log_line(void **state)
{
    static const char *const ids[] = {"a\tb",    "\xC3\xA9",       "x y",
                                      "../../x", "a=b status=200", "%0d%0aX"};
    char line[256], *long_id = malloc(5000);
    (void)state;
    memset(long_id, 'i', 4999);
    long_id[4999] = 0;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        snprintf(line, sizeof line, "X-Request-Id: %s\r\n", ids[i]);
        api_reply r = api_call(&server, "GET", "/health", &(api_extra){.headers = line});
        assert_int_equal(r.status, 200);
        char *id = api_header(&r, "X-Request-Id");
        assert_non_null(id);
        assert_int_equal(strlen(id), 36); /* one of ours instead */
        free(id);
        api_reply_clear(&r);
    }
    char *header = malloc(5100);
    snprintf(header, 5100, "X-Request-Id: %s\r\n", long_id);
    api_reply r = api_call(&server, "GET", "/health", &(api_extra){.headers = header});
    char *id = api_header(&r, "X-Request-Id");
    assert_true(r.status != 200 || (id && strlen(id) == 36));
    free(id);
    free(header);
    free(long_id);
    api_reply_clear(&r);
}

static void a_voice_name_cannot_be_a_header_or_a_path(void **state)
{
    static const char *const names[] = {"a\r\nX-Evil: 1", "..",   "../../../tmp/x",
                                        "/etc/passwd",    "a\nb", "\"; drop table voices; --",
                                        "<script>",       "a\\b", "con:",
                                        "\xE2\x80\xAEgpj" /* turns the direction of writing */};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        refused(upload(names[i], clip.body, clip.size), names[i]);
    char *name = malloc(100001);
    memset(name, 'n', 100000);
    name[100000] = 0;
    refused(upload(name, clip.body, clip.size), "a name of 100000 letters");
    free(name);
    api_reply r = api_form(&server, "/demo", "text=hi&voice_id=x%0D%0AX-Evil%3A+1");
    assert_int_equal(r.status, 404);
    assert_null(api_header(&r, "X-Evil"));
    api_reply_clear(&r);
}

static void a_body_that_trickles_in_is_read_to_its_end(void **state)
{
    static const char body[] = "{\"text\":\"Slow but honest\",\"seed\":1}";
    (void)state;
    int fd = begin_post("/demo", "application/json", sizeof body - 1);
    api_send_text(fd, "\r\n");
    for (size_t i = 0; i < sizeof body - 1; i++) {
        api_send(fd, body + i, 1);
        poll(NULL, 0, 10);
    }
    api_reply r = api_read(fd, false);
    assert_int_equal(r.status, 200);
    api_reply_clear(&r);
}

static void clients_who_go_in_the_middle_leave_nothing_behind(void **state)
{
    static const char half[] = "--xxBOUNDxx\r\nContent-Disposition: form-data; name=\"te";
    (void)state;
    for (int i = 0; i < 60; i++) {
        int fd = api_connect(&server);
        if (i % 3 == 0) {
            api_send_text(fd, "GET /hea");
        } else if (i % 3 == 1) {
            api_send_text(fd, "GET /health HTTP/1.1\r\nHost: t\r\nAuthori");
        } else {
            close(fd);
            fd = begin_post("/generate-tts", API_PARTS_TYPE, 100000);
            api_send_text(fd, "\r\n");
            api_send_text(fd, half);
        }
        close(fd);
    }
    bool idle = false;
    for (int i = 0; i < test_patient(100) && !idle; i++) { /* the last test's job may be ending */
        poll(NULL, 0, 20);
        api_reply r = api_get(&server, "/ready");
        assert_int_equal(r.status, 200);
        idle = strstr((char *)r.body, "\"running\":0") && strstr((char *)r.body, "\"queued\":0");
        api_reply_clear(&r);
    }
    assert_true(idle);
}

static void many_silent_connections_do_not_shut_the_door(void **state)
{
    int fds[200];
    (void)state;
    for (int i = 0; i < 200; i++)
        fds[i] = api_connect(&server);
    api_reply r = api_get(&server, "/health");
    assert_int_equal(r.status, 200);
    assert_true(r.total_ms < test_patient(2000));
    api_reply_clear(&r);
    for (int i = 0; i < 200; i++)
        close(fds[i]);
}

static void an_honest_client_that_expects_a_sign_gets_it(void **state)
{
    static const char body[] = "text=hi&seed=1";
    char got[64] = "";
    (void)state;
    int fd = begin_post("/demo", "application/x-www-form-urlencoded", sizeof body - 1);
    api_send_text(fd, "Expect: 100-continue\r\n\r\n");
    struct pollfd p = {fd, POLLIN, 0};
    assert_int_equal(poll(&p, 1, 5000), 1);
    assert_true(read(fd, got, sizeof got - 1) > 12);
    assert_memory_equal(got, "HTTP/1.1 100", 12);
    api_send_text(fd, body);
    api_reply r = api_read(fd, false);
    assert_int_equal(r.status, 200);
    api_reply_clear(&r);
}

static void a_field_given_twice_is_refused(void **state)
{
    api_parts parts = {0};
    (void)state;
    api_part_text(&parts, "text", "one");
    api_part_text(&parts, "text", "two");
    api_parts_end(&parts);
    refused(api_multipart(&server, "/demo", &parts), "multipart");
    refused(api_form(&server, "/demo?text=one", "text=two"), "query and form");
    refused(api_json(&server, "/demo?seed=1", "{\"text\":\"a\",\"seed\":2}"), "query and JSON");
}

static void nul_bytes_and_bad_utf8_are_refused_everywhere(void **state)
{
    static const char nul[] =
        "--xxBOUNDxx\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\na\0b"
        "\r\n--xxBOUNDxx--\r\n";
    static const char *const paths[] = {"/demo?text=a%00b", "/demo?text=%FF%FE",
                                        "/demo?text=%ED%A0%80", "/demo?te%00xt=a",
                                        "/history?q=%C0%AF"};
    api_parts parts = {0};
    (void)state;
    refused(api_call(&server, "POST", "/demo",
                     &(api_extra){.type = API_PARTS_TYPE, .body = nul, .size = sizeof nul - 1}),
            "NUL in a part");
    api_part_text(&parts, "text", "caf\xE9");
    api_parts_end(&parts);
    refused(api_multipart(&server, "/demo", &parts), "Latin-1 in a part");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        refused(api_get(&server, paths[i]), paths[i]);
}

static void two_thousand_headers_are_too_many(void **state)
{
    char line[64];
    (void)state;
    int fd = api_connect(&server);
    api_send_text(fd, "GET /health HTTP/1.1\r\nHost: t\r\nConnection: close\r\n");
    api_send_text(fd, api_basic());
    for (int i = 0; i < 2000; i++) {
        snprintf(line, sizeof line, "X-Header-%d: %d\r\n", i, i);
        api_send_text(fd, line);
    }
    api_send_text(fd, "\r\n");
    api_reply r = api_read(fd, false);
    assert_true(r.status == 431 || r.status == 413 || r.status == 400 || r.status == 0);
    api_reply_clear(&r);
}

static void json_may_not_be_a_well(void **state)
{
    enum { DEPTH = 100000 };
    char *json = malloc(2 * DEPTH + 64);
    size_t n = (size_t)sprintf(json, "{\"text\":\"a\",\"x\":");
    (void)state;
    memset(json + n, '[', DEPTH);
    memset(json + n + DEPTH, ']', DEPTH);
    strcpy(json + n + 2 * (size_t)DEPTH, "}");
    refused(api_json(&server, "/demo", json), "deep JSON");
    json[n + DEPTH] = 0; /* and one that never comes up again */
    refused(api_json(&server, "/demo", json), "deep JSON without end");
    free(json);
}

static void numbers_beyond_numbers_are_refused(void **state)
{
    static const char *const bodies[] = {
        "{\"text\":\"a\",\"speed\":1e999}",
        "{\"text\":\"a\",\"speed\":\"nan\"}",
        "{\"text\":\"a\",\"temperature\":\"inf\"}",
        "{\"text\":\"a\",\"seed\":1e30}",
        "{\"text\":\"a\",\"seed\":1.5}",
        "{\"text\":\"a\",\"speed\":[1]}",
        "{\"text\":\"a\",\"seed\":9007199254740992}",
        "{\"text\":\"a\",\"sample_rate\":-1}",
        "{\"text\":\"a\",\"speed\":\"0x1\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        refused(api_json(&server, "/demo", bodies[i]), bodies[i]);
}

static void audio_cut_short_is_no_voice(void **state)
{
    (void)state;
    refused(upload("cut", clip.body, 20), "20 bytes");
    refused(upload("cut", clip.body, 44), "a header alone");
    refused(upload("cut", clip.body, 20000), "0.4 s");
}

static void put_bits(uint8_t *out, size_t *at, const char *bits)
{
    for (; *bits; bits++, (*at)++)
        if (*bits == '1') out[*at / 8] |= (uint8_t)(1 << *at % 8);
}

/* A gzip of 80 KB that unpacks to 12 MB of zeros: each code of 13 bits says "258 bytes more of the
 * last one". Its end is missing, which nobody should live to notice. */
static void a_bomb_is_no_audio(void **state)
{
    enum { SIZE = 80000 };
    static const uint8_t head[] = {0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 3};
    uint8_t *bomb = calloc(1, SIZE);
    size_t at = 8 * sizeof head;
    (void)state;
    memcpy(bomb, head, sizeof head);
    put_bits(bomb, &at,
             "110"
             "00110000"); /* the last block, of fixed codes; one zero */
    while (at < 8 * (SIZE - 2))
        put_bits(bomb, &at,
                 "11000101"
                 "00000");
    refused(upload("bomb", bomb, SIZE), "gzip");
    /* The same as a body that says how it is packed: nobody unpacks here. */
    refused(api_call(&server, "POST", "/demo",
                     &(api_extra){.headers = "Content-Encoding: gzip\r\n",
                                  .type = "application/json",
                                  .body = bomb,
                                  .size = SIZE}),
            "a packed body");
    free(bomb);
}

static void a_wav_that_promises_hours_is_refused_soon(void **state)
{
    uint8_t *wav = malloc(clip.size);
    (void)state;
    memcpy(wav, clip.body, clip.size);
    wav[24] = 1; /* one sample in a second: a day of sound */
    wav[25] = wav[26] = wav[27] = 0;
    int64_t began = api_now_ms();
    refused(upload("slow", wav, clip.size), "1 Hz");
    assert_true(api_now_ms() - began < test_patient(20000));
    wav[24] = wav[25] = wav[26] = wav[27] = 0xFF;
    refused(upload("fast", wav, clip.size), "4 GHz");
    free(wav);
}

static void a_prompt_that_is_no_audio_is_refused(void **state)
{
    api_parts parts = {0};
    (void)state;
    api_part_text(&parts, "text", "Say it like this");
    api_part_file(&parts, "audio_prompt", "p.wav", "not audio at all, not at all", 28);
    api_parts_end(&parts);
    refused(api_multipart(&server, "/generate-tts", &parts), "prompt");
    api_part_text(&parts, "text", "Say it like this");
    api_part_text(&parts, "audio_prompt", "/etc/passwd");
    api_parts_end(&parts);
    refused(api_multipart(&server, "/generate-tts", &parts), "a path as a prompt");
}

/* How many answers begin in what came back. */
static int answers(const api_reply *r)
{
    int n = r->headers != NULL;
    for (const char *at = (char *)r->body; at && (at = strstr(at, "HTTP/1.1 ")); at++)
        n++;
    return n;
}

static void a_connection_is_used_again(void **state)
{
    char text[4096];
    (void)state;
    snprintf(text, sizeof text,
             "GET /health HTTP/1.1\r\nHost: t\r\n%s\r\n"
             "GET /nothing HTTP/1.1\r\nHost: t\r\n%s\r\n"
             "POST /demo HTTP/1.1\r\nHost: t\r\n%sContent-Length: 9\r\n"
             "Content-Type: text/plain\r\n\r\nnot taken"
             "GET /ready HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%s\r\n",
             api_basic(), api_basic(), api_basic(), api_basic());
    int fd = api_connect(&server);
    api_send_text(fd, text);
    api_reply r = api_read(fd, false);
    assert_int_equal(r.status, 200);
    assert_int_equal(answers(&r), 4);
    assert_non_null(strstr((char *)r.body, "\"status\":\"ready\""));
    api_reply_clear(&r);
}

/* Where a body ends must not be a matter of opinion between us and a proxy before us. */
static void nothing_is_smuggled_behind_a_body(void **state)
{
    static const char *const lengths[] = {
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 0\r\nContent-Length: 40\r\n",
        "Content-Length: 40\r\nContent-Length: 0\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length: 0, 0\r\n",
        "Content-Length: +0\r\n",
    };
    char text[2048];
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        snprintf(text, sizeof text,
                 "POST /login HTTP/1.1\r\nHost: t\r\n%s%s\r\n0\r\n\r\n"
                 "GET /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%s\r\n",
                 api_basic(), lengths[i], api_basic());
        int fd = api_connect(&server);
        api_send_text(fd, text);
        api_reply r = api_read(fd, false);
        bool through = r.body && strstr((char *)r.body, "timbre_jobs_running");
        if (through) print_message("got through by %s", lengths[i]);
        assert_false(through);
        api_reply_clear(&r);
    }
}

static int start(void **state)
{
    (void)state;
    api_start(&server, "WORKERS=2\nCLIENT_TIMEOUT=3s\nLOG_LEVEL=warn\nUPLOAD_MAX=2M\n");
    clip = api_speech_clip(&server);
    return clip.status == 200 ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    api_reply r = api_get(&server, "/voices");
    bool none = r.status == 200 && strstr((char *)r.body, "[]");
    if (!none) print_message("a voice came in: %.300s\n", (char *)r.body);
    api_reply_clear(&r);
    api_reply_clear(&clip);
    return api_stop(&server) || !none;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_request_id_cannot_be_a_header_or_a_log_line, alive),
        cmocka_unit_test_teardown(a_voice_name_cannot_be_a_header_or_a_path, alive),
        cmocka_unit_test_teardown(a_body_that_trickles_in_is_read_to_its_end, alive),
        cmocka_unit_test_teardown(clients_who_go_in_the_middle_leave_nothing_behind, alive),
        cmocka_unit_test_teardown(many_silent_connections_do_not_shut_the_door, alive),
        cmocka_unit_test_teardown(an_honest_client_that_expects_a_sign_gets_it, alive),
        cmocka_unit_test_teardown(a_field_given_twice_is_refused, alive),
        cmocka_unit_test_teardown(nul_bytes_and_bad_utf8_are_refused_everywhere, alive),
        cmocka_unit_test_teardown(two_thousand_headers_are_too_many, alive),
        cmocka_unit_test_teardown(json_may_not_be_a_well, alive),
        cmocka_unit_test_teardown(numbers_beyond_numbers_are_refused, alive),
        cmocka_unit_test_teardown(audio_cut_short_is_no_voice, alive),
        cmocka_unit_test_teardown(a_bomb_is_no_audio, alive),
        cmocka_unit_test_teardown(a_wav_that_promises_hours_is_refused_soon, alive),
        cmocka_unit_test_teardown(a_prompt_that_is_no_audio_is_refused, alive),
        cmocka_unit_test_teardown(a_connection_is_used_again, alive),
        cmocka_unit_test_teardown(nothing_is_smuggled_behind_a_body, alive),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
