#include "client.h"
#include "patience.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Requests that can be read in two ways. Behind each comes a second one that must not be heard: a
 * proxy may have taken it for a part of the first. The answer is 400 and the end of the connection.
 */

static api_server server;

static int start(void **state)
{
    (void)state;
    api_start(&server, "UPLOAD_MAX=1M\n");
    return 0;
}

static int start_tls(void **state)
{
    (void)state;
    memset(&server, 0, sizeof server);
    return api_start_tls(&server, "UPLOAD_MAX=1M\n") ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    return api_stop(&server) == 0 ? 0 : -1;
}

/* All that comes until the end, or until nothing more comes for a while. */
static char *exchange(const char *head, const char *rest, size_t rest_size, bool *closed,
                      bool *second_heard)
{
    enum { MOST = 1 << 17 };
    static const char id[] = "X-Request-Id: the-second";
    char *got = calloc(1, MOST + 1), second[512];
    size_t n = 0;
    int fd = api_connect(&server);
    api_send_text(fd, head);
    api_send_text(fd, api_basic());
    api_send(fd, rest, rest_size);
    snprintf(
        second, sizeof second,
        "GET /tags HTTP/1.1\r\nHost: a\r\n%sX-Request-Id: the-second\r\nConnection: close\r\n\r\n",
        api_basic());
    api_send_text(fd, second);
    *closed = false;
    while (n < MOST) {
        struct pollfd p = {fd, POLLIN, 0};
        if (poll(&p, 1, (int)test_patient(5000)) <= 0) break;
        ssize_t some = recv(fd, got + n, MOST - n, 0);
        *closed = some <= 0;
        if (some <= 0) break;
        n += (size_t)some;
    }
    close(fd);
    *second_heard = false;
    for (size_t i = 0; i + sizeof id <= n + 1; i++)
        *second_heard |= memcmp(got + i, id, sizeof id - 1) == 0;
    return got;
}

typedef struct {
    const char *head; /* up to the credentials */
    const char *rest;
    size_t size; /* of rest; 0: a string */
} bytes;

static void answers(const bytes *b, const char *status, bool second)
{
    bool closed, heard;
    char want[64];
    char *got = exchange(b->head, b->rest, b->size ? b->size : strlen(b->rest), &closed, &heard);
    snprintf(want, sizeof want, "HTTP/1.1 %s ", status);
    bool right = strncmp(got, want, strlen(want)) == 0 && closed && heard == second;
    if (!right) print_message("%s...%s: closed %d, %.300s\n", b->head, b->rest, (int)closed, got);
    assert_true(right);
    free(got);
}

#define FORM   "POST /demo HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
#define GET    "GET /health HTTP/1.1\r\nHost: a\r\n"
#define CHUNKS "7\r\ntext=hi\r\n0\r\n\r\n"

static void doubtful_heads_are_refused_and_nothing_follows(void **state)
{
    static const bytes all[] = {
        {FORM, "Content-Length: 7\r\nContent-Length: 3\r\n\r\ntext=hi", 0},
        {FORM, "Content-Length: 3\r\nContent-Length: 7\r\n\r\ntext=hi", 0},
        {FORM, "content-length: 7\r\nCONTENT-LENGTH: 7\r\n\r\ntext=hi", 0},
        {FORM, "Content-Length: 7, 7\r\n\r\ntext=hi", 0},
        {FORM, "Content-Length: +7\r\n\r\ntext=hi", 0},
        {FORM, "Content-Length: -7\r\n\r\ntext=hi", 0},
        {FORM, "Content-Length: 0x7\r\n\r\ntext=hi", 0},
        {FORM, "Content-Length: 7 7\r\n\r\ntext=hi", 0},
        {FORM, "Content-Length: \r\n\r\ntext=hi", 0},
        {FORM, "Content-Length : 7\r\n\r\ntext=hi", 0},
        {FORM, "Content-Length\t: 7\r\n\r\ntext=hi", 0},
        {FORM, "Content-Length\0: 7\r\n\r\ntext=hi", 29},
        {FORM, "Content\0Length: 7\r\n\r\ntext=hi", 28},
        {FORM, "Content Length: 7\r\n\r\ntext=hi", 0},
        {FORM, "X-A(b): 7\r\nContent-Length: 7\r\n\r\ntext=hi", 0},
        {FORM, "X-\x01: 7\r\nContent-Length: 7\r\n\r\ntext=hi", 0},
        {FORM, "X-\xC3\xA9: 7\r\nContent-Length: 7\r\n\r\ntext=hi", 0},
        {FORM, "X-A: b\0c\r\nContent-Length: 7\r\n\r\ntext=hi", 37},
        {FORM, "X-A: b\rX-B: c\r\nContent-Length: 7\r\n\r\ntext=hi", 0},
        {FORM, "X-A: b\nContent-Length: 7\r\n\r\ntext=hi", 0},
        {FORM, "X-A: b\r\n c\r\nContent-Length: 7\r\n\r\ntext=hi", 0},
        {FORM, ": b\r\nContent-Length: 7\r\n\r\ntext=hi", 0},
        {FORM, "Content-Length: 7\r\n\ntext=hi", 0},
        {"GET /health HTTP/1.1\nHost: a\r\n", "\r\n", 0},
        {FORM, "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNKS, 0},
        {FORM, "Transfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n" CHUNKS, 0},
        {FORM, "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" CHUNKS, 0},
        {FORM, "Transfer-Encoding: gzip\r\n\r\n" CHUNKS, 0},
        {FORM, "Transfer-Encoding: identity\r\n\r\n" CHUNKS, 0},
        {FORM, "Transfer-Encoding: gzip, chunked\r\n\r\n" CHUNKS, 0},
        {FORM, "Transfer-Encoding: chunked, identity\r\n\r\n" CHUNKS, 0},
        {FORM, "Transfer-Encoding: xchunked\r\n\r\n" CHUNKS, 0},
        {FORM,
         "Transfer-Encoding: \x0b"
         "chunked\r\n\r\n" CHUNKS,
         0},
        {FORM, "Transfer-Encoding: \"chunked\"\r\n\r\n" CHUNKS, 0},
        {FORM, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNKS, 0},
        {FORM, "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNKS, 0},
        {"POST /demo HTTP/1.0\r\nHost: a\r\n", "Transfer-Encoding: chunked\r\n\r\n" CHUNKS, 0},
        {GET, "Content-Length: 0\r\nContent-Length: 60\r\n\r\n", 0},
        {GET, "Transfer-Encoding: gzip\r\n\r\n", 0},
        {GET, "Host: b\r\n\r\n", 0},
        {GET, "host: a\r\n\r\n", 0},
        {"GET /health HTTP/1.1\r\n", "\r\n", 0},
        {"GET /health HTTP/1.1\r\nHost: a b\r\n", "\r\n", 0},
        {"GET /health HTTP/1.1\r\nHost: a, b\r\n", "\r\n", 0},
        {"GET /health HTTP/1.1\r\nHost: x@a\r\n", "\r\n", 0},
        {"GET /health HTTP/1.1\r\nHost: a/b\r\n", "\r\n", 0},
        {"OPTIONS /demo HTTP/1.1\r\nHost: a\r\nHost: b\r\n", "\r\n", 0},
        {"GET /none HTTP/1.1\r\nX : 1\r\nHost: a\r\n", "\r\n", 0},
        {"GET /health /tags HTTP/1.1\r\nHost: a\r\n", "\r\n", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        answers(&all[i], "400", false);
}

static void doubtful_chunks_are_refused_and_nothing_follows(void **state)
{
    static const char *const all[] = {
        " 7\r\ntext=hi\r\n0\r\n\r\n",
        "0x7\r\ntext=hi\r\n0\r\n\r\n",
        "+7\r\ntext=hi\r\n0\r\n\r\n",
        "-1\r\ntext=hi\r\n0\r\n\r\n",
        "g\r\ntext=hi\r\n0\r\n\r\n",
        "\r\ntext=hi\r\n0\r\n\r\n",
        "7\ntext=hi\n0\n\n",
        "7\ntext=hi\r\n0\r\n\r\n",
        "7\r\ntext=hi\n0\r\n\r\n",
        "7\r\ntext=hi\r\n0\n\r\n",
        "7\r\ntext=hi\r\n0\r\n\n",
        "7;a=b\ntext=hi\r\n0\r\n\r\n",
        "5\r\ntext=\r\n2\nhi\r\n0\r\n\r\n",
        "7\r\ntext=hi\r\n0\r\nX-A: b\n\r\n",
        "7\r\ntext=hixx\r\n0\r\n\r\n",
        "6\r\ntext=hi\r\n0\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char rest[256];
        snprintf(rest, sizeof rest, "Transfer-Encoding: chunked\r\n\r\n%s", all[i]);
        answers(&(bytes){FORM, rest, 0}, "400", false);
    }
}

/* What is well formed, if rare, is answered, and so is what follows. */
static void plain_requests_go_on(void **state)
{
    static const bytes all[] = {
        {FORM, "Content-Length: 7\r\n\r\ntext=hi", 0},
        {FORM, "content-length:7\r\n\r\ntext=hi", 0},
        {FORM, "Content-Length:  \t7\r\n\r\ntext=hi", 0},
        {FORM, "Content-Length: 0007\r\n\r\ntext=hi", 0},
        {FORM, "Transfer-Encoding: chunked\r\n\r\n" CHUNKS, 0},
        {FORM, "TRANSFER-ENCODING: Chunked\r\n\r\n" CHUNKS, 0},
        {FORM, "Transfer-Encoding: chunked\r\n\r\n07\r\ntext=hi\r\n0\r\n\r\n", 0},
        {FORM, "Transfer-Encoding: chunked\r\n\r\n7\r\ntext=hi\r\n0\r\nX-Sum: 1\r\n\r\n", 0},
        {FORM, "Transfer-Encoding: chunked\r\n\r\n5\r\ntext=\r\n2\r\nhi\r\n000\r\n\r\n", 0},
        {GET, "X-A: \r\nX_b!#$%&'*+.^`|~: \xC3\xA9\t\"(),/\r\n\r\n", 0},
        {GET, "Content-Length: 0\r\n\r\n", 0},
        {"GET /health HTTP/1.1\r\nHost: [::1]:8000\r\n", "\r\n", 0},
        {"GET /health HTTP/1.1\r\nHost: a-b.c_d:1\r\n", "\r\n", 0},
        {"GET http://a/health HTTP/1.1\r\nHost: a\r\n", "\r\n", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        answers(&all[i], "200", true);
}

/* A server of long ago's request needs no Host; it ends the connection by itself. */
static void old_requests_need_no_host(void **state)
{
    (void)state;
    answers(&(bytes){"GET /health HTTP/1.0\r\n", "\r\n", 0}, "200", false);
}

static int status_of(const char *method, const char *path)
{
    api_reply r = api_call(&server, method, path, NULL);
    int status = r.status;
    api_reply_clear(&r);
    return status;
}

static void a_nul_in_a_path_is_refused(void **state)
{
    static const char *const paths[] = {"/health%00",        "/%00",
                                        "/voices/x%00y",     "/health%00?a=1",
                                        "/download/%00.wav", "/ready%00/../health"};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_int_equal(status_of("GET", paths[i]), 400);
    assert_int_equal(status_of("GET", "/voices/x%2500"), 404); /* a % and two digits */
    assert_int_equal(status_of("GET", "/demo?text=a%00b"), 400);
}

/* However many arguments a query has: an answer, and the connection lives. */
static void queries_of_any_size_are_answered(void **state)
{
    static const struct {
        const char *path;
        const char *each;
        size_t n;
        int status;
    } all[] = {
        {"/tags?", "a&", 60, 400},       {"/tags?", "x%d=1&", 63, 200},
        {"/tags?", "x%d=1&", 65, 400},   {"/tags?", "x%d=1&", 999, 400},
        {"/tags?", "x%d=1&", 1001, 400}, {"/demo?", "&", 10000, 200},
        {"/tags?", "x%d=1&", 5000, 400}, {"/none?", "x%d=1&", 5000, 404},
        {"/tags?", "a=", 10000, 200},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char *path = malloc(100000), *end = path + sprintf(path, "%s", all[i].path);
        for (size_t k = 0; k < all[i].n; k++)
            end += strstr(all[i].each, "%d") ? sprintf(end, "x%d=1&", (int)k)
                                             : sprintf(end, "%s", all[i].each);
        int status = status_of("GET", path);
        if (status != all[i].status) print_message("%.20s x %zu: %d\n", path, all[i].n, status);
        assert_int_equal(status, all[i].status);
        free(path);
    }
}

static void every_reply_says_how_it_may_be_used(void **state)
{
    static const char *const paths[] = {"/health",         "/docs",        "/openapi.json",
                                        "/none",           "/voices",      "/history",
                                        "/metrics",        "/voices/none", "/demo?text=Hi.",
                                        "/demo",           "/?a%00=1",     "/%00",
                                        "/download/x.wav", "/jobs/none",   "/ready",
                                        "/languages"};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof paths / sizeof paths[0]; i++) {
        api_reply r = api_call(&server, "GET", paths[i / 2], &(api_extra){.anonymous = i % 2});
        char *policy = api_header(&r, "Content-Security-Policy");
        assert_true(api_header_is(&r, "X-Content-Type-Options", "nosniff"));
        assert_non_null(policy);
        assert_non_null(strstr(policy, "default-src 'none'"));
        assert_non_null(strstr(policy, "frame-ancestors 'none'"));
        free(policy);
        api_reply_clear(&r);
    }
}

static void says_how_it_may_be_used(const char *answer)
{
    static const char *const all[] = {"\r\nX-Request-Id: ",
                                      "\r\nX-Content-Type-Options: nosniff\r\n",
                                      "\r\nCache-Control: no-store",
                                      "frame-ancestors 'none'\r\n",
                                      "\r\nContent-Type: application/json\r\n",
                                      "\r\nDate: ",
                                      "{\"detail\":"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (!strstr(answer, all[i])) print_message("%s: %.600s\n", all[i], answer);
        assert_non_null(strstr(answer, all[i]));
    }
}

/* What libmicrohttpd would answer itself, before it hands anything over: also behind a request that
 * was answered, and never anything but one answer. */
static void what_is_no_http_is_answered_like_everything_else(void **state)
{
    enum { LONG = 70000 };
    static const char good[] = "GET /health HTTP/1.1\r\nHost: a\r\n";
    static const struct {
        const char *head;
        const char *filled; /* LONG letters come between head and this; NULL: they do not */
        int status;
    } all[] = {
        {"GET /\r\n\r\n", NULL, 400},
        {"GET / FTP/1.1\r\nHost: a\r\n\r\n", NULL, 400},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", NULL, 505},
        {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", NULL, 400},
        {"POST /demo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", NULL,
         413},
        {"GET /", " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
        {"GET / HTTP/1.1\r\nHost: a\r\nX-A: ", "\r\n\r\n", 431},
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof all / sizeof all[0]; i++) {
        size_t k = i / 2;
        int fd = api_connect(&server);
        if (i % 2) {
            api_send_text(fd, good);
            api_send_text(fd, api_basic());
            api_send_text(fd, "\r\n");
        }
        api_send_text(fd, all[k].head);
        if (all[k].filled) {
            char *letters = malloc(LONG);
            memset(letters, 'a', LONG);
            api_send(fd, letters, LONG);
            api_send_text(fd, all[k].filled);
            free(letters);
        }
        api_reply r = api_read(fd, true);
        char want[32], *answer = strdup(r.headers), *body = (char *)r.body;
        if (i % 2) { /* the second answer is in what stands behind the first one's head */
            assert_int_equal(r.status, 200);
            free(answer);
            answer = strdup(strstr(body, "HTTP/1.1 ") ? strstr(body, "HTTP/1.1 ") : body);
        } else {
            answer = realloc(answer, strlen(answer) + r.size + 1);
            strcat(answer, body);
        }
        snprintf(want, sizeof want, "HTTP/1.1 %d ", all[k].status);
        if (strncmp(answer, want, strlen(want)) != 0)
            print_message("%.60s: %.600s\n", all[k].head, answer);
        assert_int_equal(strncmp(answer, want, strlen(want)), 0);
        says_how_it_may_be_used(answer);
        assert_null(strstr(answer, "<html"));
        assert_null(strstr(answer + 1, "HTTP/1.1 "));
        free(answer);
        api_reply_clear(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubtful_heads_are_refused_and_nothing_follows),
        cmocka_unit_test(doubtful_chunks_are_refused_and_nothing_follows),
        cmocka_unit_test(plain_requests_go_on),
        cmocka_unit_test(old_requests_need_no_host),
        cmocka_unit_test(a_nul_in_a_path_is_refused),
        cmocka_unit_test(queries_of_any_size_are_answered),
        cmocka_unit_test(every_reply_says_how_it_may_be_used),
        cmocka_unit_test(what_is_no_http_is_answered_like_everything_else),
    };
    int failed = cmocka_run_group_tests(tests, start, stop);
#ifdef TB_HAVE_GNUTLS
    failed += cmocka_run_group_tests_name("the same over TLS", tests, start_tls, stop);
#else
    (void)start_tls;
#endif
    return failed;
}
