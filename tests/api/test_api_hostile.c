/*
 * Hostile requests to a real server: paths as names, headers in values, bodies that are too large,
 * broken or never arrive.
 */
#include "client.h"
#include "patience.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Requests that mean harm, or come from broken clients. After each the server must still be well.
 */

static api_server server;

static int alive(void **state)
{
    (void)state;
    api_reply r = api_get(&server, "/health");
    int status = r.status;
    api_reply_clear(&r);
    return status == 200 ? 0 : -1;
}

static void a_name_of_a_path_reaches_no_file(void **state)
{
    static const char *const paths[] = {
        "/download/../.env",
        "/download/..%2F.env",
        "/download/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/download/..%5c.env",
        "/download/%2Fetc%2Fpasswd",
        "/download/.env",
        "/download/timbre.db",
        "/download/gen_%00.wav",
        "/voices/..%2F..%2F.env/audio",
        "/voices/../../.env/audio",
        "/history/..%2F.env",
        "/ambiences/..%2F..%2F.env/preview",
        "/ambiences/%2Fetc%2Fpasswd/preview",
    };
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        api_reply r = api_get(&server, paths[i]);
        if (r.status != 404 && r.status != 400 && r.status != 422)
            print_message("%s: %d\n", paths[i], r.status);
        assert_true(r.status == 404 || r.status == 400 || r.status == 422);
        assert_null(strstr((char *)r.body, "API_PASSWORD"));
        assert_null(strstr((char *)r.body, "root:"));
        api_reply_clear(&r);
    }
}

static void what_a_client_types_cannot_start_a_header(void **state)
{
    (void)state;
    api_reply r = api_form(&server, "/demo", "text=hi+%5Bx%0D%0AX-Evil%3A+1%5D+there");
    assert_int_equal(r.status, 200);
    char *evil = api_header(&r, "X-Evil");
    assert_null(evil);
    api_reply_clear(&r);
    r = api_get(&server, "/history?q=a%0d%0aX-Evil:%201&limit=1&cursor=%0d%0aX-Evil:1");
    evil = api_header(&r, "X-Evil");
    assert_null(evil);
    api_reply_clear(&r);
}

static api_reply raw(const char *text)
{
    int fd = api_connect(&server);
    api_send_text(fd, text);
    return api_read(fd, false);
}

static void a_gigabyte_is_refused_before_it_is_sent(void **state)
{
    static const char *const expects[] = {"", "Expect: 100-continue\r\n"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char head[1024];
        snprintf(head, sizeof head,
                 "POST /generate-tts HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%s"
                 "Content-Type: " API_PARTS_TYPE "\r\nContent-Length: 1073741824\r\n%s\r\n",
                 api_basic(), expects[i]);
        api_reply r = raw(head); /* and not one byte of it */
        assert_int_equal(r.status, 413);
        assert_true(r.total_ms < test_patient(5000));
        api_reply_clear(&r);
    }
}

static void a_chunked_body_is_counted(void **state)
{
    enum { PIECE = 65536, PIECES = 80 }; /* 5 MiB where 1 MiB is allowed */
    char head[1024], *piece = malloc(PIECE);
    (void)state;
    memset(piece, 'a', PIECE);
    snprintf(head, sizeof head,
             "POST /generate-tts HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%s"
             "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
             api_basic());
    int fd = api_connect(&server);
    api_send_text(fd, head);
    for (int i = 0; i < PIECES; i++) {
        api_send_text(fd, "10000\r\n");
        api_send(fd, piece, PIECE);
        api_send_text(fd, "\r\n");
    }
    api_send_text(fd, "0\r\n\r\n");
    api_reply r = api_read(fd, false);
    assert_int_equal(r.status, 413);
    api_reply_clear(&r);
    free(piece);
}

static void wrong_credentials_are_answered_before_the_body_to_who_asks(void **state)
{
    (void)state;
    api_reply r = raw("POST /voices/upload HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
                      "Expect: 100-continue\r\n"
                      "Content-Type: " API_PARTS_TYPE "\r\nContent-Length: 500000\r\n\r\n");
    assert_int_equal(r.status, 401);
    assert_true(r.total_ms <
                test_patient(1500)); /* CLIENT_TIMEOUT is 2 s here: it did not wait for the body */
    api_reply_clear(&r);
}

static void a_body_that_does_not_come_is_given_up(void **state)
{
    char head[1024];
    (void)state;
    snprintf(head, sizeof head,
             "POST /demo HTTP/1.1\r\nHost: t\r\n%sContent-Type: application/json\r\n"
             "Content-Length: 100\r\n\r\n{\"te",
             api_basic());
    api_reply r = raw(head);
    assert_true(r.status == 0 || r.status == 408);
    assert_true(r.total_ms < test_patient(20000));
    api_reply_clear(&r);
}

static void broken_forms_are_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *type, *body;
        int status, or ;
    } cases[] = {
        {"application/json", "{\"text\":\"a\",\"text\":\"b\"}", 400, 400},
        {"application/json", "{\"text\":", 400, 400},
        {"application/json", "[1]", 400, 422},
        {"application/json", "{\"text\":\"\xFF\xFE\"}", 400, 400},
        {"application/json", "{\"text\":\"\\u0000\"}", 400, 422},
        {"application/json", "{\"text\":{\"a\":1}}", 400, 422},
        {"application/x-www-form-urlencoded", "text=a&text=b", 400, 400},
        {"application/x-www-form-urlencoded", "text=%FF%FE", 400, 400},
        {"application/x-www-form-urlencoded", "text=%00", 400, 422},
        {"application/x-www-form-urlencoded", "text=%ZZ", 400, 200},
        {"multipart/form-data", "x", 400, 400},
        {"multipart/form-data; boundary=x", "--y\r\n\r\n", 400, 400},
        {"multipart/form-data; boundary=x",
         "--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nno end", 400, 400},
        {"text/plain", "hello", 415, 415},
        {"application/octet-stream", "hello", 415, 415},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        api_reply r = api_call(&server, "POST", "/demo",
                               &(api_extra){.type = cases[i].type,
                                            .body = cases[i].body,
                                            .size = strlen(cases[i].body)});
        if (r.status != cases[i].status && r.status != cases[i].or)
            print_message("case %zu: %d %.200s\n", i, r.status, (char *)r.body);
        assert_true(r.status == cases[i].status || r.status == cases[i].or);
        api_reply_clear(&r);
    }
}

static void a_thousand_fields_are_too_many(void **state)
{
    char *form = calloc(1, 20000);
    size_t n = 0;
    (void)state;
    for (int i = 0; i < 1000; i++)
        n += (size_t)snprintf(form + n, 20000 - n, "a%d=1&", i);
    api_reply r = api_form(&server, "/demo", form);
    assert_int_equal(r.status, 400);
    api_reply_clear(&r);
    free(form);
}

static void a_text_past_the_limit_says_so(void **state)
{
    char *form = calloc(1, 30100);
    (void)state;
    strcpy(form, "text=");
    memset(form + 5, 'a', 30000);
    api_reply r = api_form(&server, "/demo", form);
    assert_true(r.status == 413 || r.status == 422);
    assert_non_null(strstr((char *)r.body, "20000"));
    api_reply_clear(&r);
    free(form);
}

/* A FLAC-like promise of hours in a few bytes, a wav whose sizes lie, and no audio at all. */
static void audio_that_lies_is_refused(void **state)
{
    static const uint8_t wav[] = {'R', 'I', 'F', 'F', 0xFF, 0xFF, 0xFF, 0xFF, 'W', 'A', 'V', 'E',
                                  'f', 'm', 't', ' ', 16,   0,    0,    0,    1,   0,   1,   0,
                                  1,   0,   0,   0,   2,    0,    0,    0,    2,   0,   16,  0,
                                  'd', 'a', 't', 'a', 0xF0, 0xFF, 0xFF, 0x7F, 0,   0};
    static const char playlist[] = "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n";
    static const struct {
        const void *data;
        size_t size;
    } cases[] = {{wav, sizeof wav}, {playlist, sizeof playlist - 1}, {"", 0}, {"fLaC", 4}};
    api_parts parts = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        api_part_text(&parts, "name", "liar");
        api_part_file(&parts, "file", "a.wav", cases[i].data, cases[i].size);
        api_parts_end(&parts);
        api_reply r = api_multipart(&server, "/voices/upload", &parts);
        if (r.status != 400 && r.status != 415 && r.status != 422)
            print_message("case %zu: %d %.200s\n", i, r.status, (char *)r.body);
        assert_true(r.status == 400 || r.status == 415 || r.status == 422);
        assert_null(strstr((char *)r.body, "root:"));
        api_reply_clear(&r);
    }
}

static void nonsense_on_the_wire_ends_the_connection(void **state)
{
    static const char *const texts[] = {
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "GET /health HTTP/9.9\r\n\r\n",
        "POST /demo HTTP/1.1\r\nHost: t\r\nContent-Length: -5\r\n\r\n",
        "POST /demo HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        api_reply r = raw(texts[i]);
        assert_true(r.status != 200 && r.status < 600);
        assert_true(r.total_ms < test_patient(20000));
        api_reply_clear(&r);
    }
}

static void a_header_without_end_is_refused(void **state)
{
    char *line = malloc(200001);
    (void)state;
    memset(line, 'a', 200000);
    line[200000] = 0;
    int fd = api_connect(&server);
    api_send_text(fd, "GET /health HTTP/1.1\r\nHost: t\r\nX-Long: ");
    api_send_text(fd, line);
    api_send_text(fd, "\r\n\r\n");
    api_reply r = api_read(fd, false);
    assert_true(r.status == 0 || r.status == 431 || r.status == 413 || r.status == 400);
    api_reply_clear(&r);
    free(line);
}

static int stop(void **state)
{
    (void)state;
    return api_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_name_of_a_path_reaches_no_file, alive),
        cmocka_unit_test_teardown(what_a_client_types_cannot_start_a_header, alive),
        cmocka_unit_test_teardown(a_gigabyte_is_refused_before_it_is_sent, alive),
        cmocka_unit_test_teardown(a_chunked_body_is_counted, alive),
        cmocka_unit_test_teardown(wrong_credentials_are_answered_before_the_body_to_who_asks,
                                  alive),
        cmocka_unit_test_teardown(a_body_that_does_not_come_is_given_up, alive),
        cmocka_unit_test_teardown(broken_forms_are_refused_with_a_sentence, alive),
        cmocka_unit_test_teardown(a_thousand_fields_are_too_many, alive),
        cmocka_unit_test_teardown(a_text_past_the_limit_says_so, alive),
        cmocka_unit_test_teardown(audio_that_lies_is_refused, alive),
        cmocka_unit_test_teardown(nonsense_on_the_wire_ends_the_connection, alive),
        cmocka_unit_test_teardown(a_header_without_end_is_refused, alive),
    };
    api_start(&server, "CLIENT_TIMEOUT=2s\nUPLOAD_MAX=1M\n");
    return cmocka_run_group_tests(tests, NULL, stop);
}
