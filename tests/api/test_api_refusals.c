/*
 * Requests that are refused while their body is still being sent: the answer must arrive, whatever
 * the client does.
 */
#include "client.h"
#include "patience.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Answers to requests whose body is not wanted reach clients that write the whole body before they
 * read, as most libraries do. UPLOAD_MAX is 1 MiB here, so 9 MiB are read on before the answer. */

static api_server server;

enum { MIB = 1 << 20 };

typedef struct {
    const char *path, *authorization, *headers;
    size_t size; /* of the body */
    bool chunked;
} refused_case;

/* Sends all of it, then reads. *sent: bytes of the body that were taken. */
static api_reply send_all(const refused_case *c, size_t *sent)
{
    char head[1024], length[64] = "Transfer-Encoding: chunked\r\n", *block = calloc(1, 65536);
    int fd = api_connect(&server);
    if (!c->chunked) snprintf(length, sizeof length, "Content-Length: %zu\r\n", c->size);
    snprintf(head, sizeof head,
             "POST %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%s%sContent-Type: " API_PARTS_TYPE
             "\r\n%s\r\n",
             c->path, c->authorization, c->headers ? c->headers : "", length);
    api_send_text(fd, head);
    size_t at = 0;
    while (at < c->size) {
        size_t n = c->size - at < 65536 ? c->size - at : 65536;
        if (c->chunked) api_send_text(fd, "10000\r\n");
        ssize_t got = send(fd, block, c->chunked ? 65536 : n, MSG_NOSIGNAL);
        if (got <= 0) break;
        if (c->chunked) api_send_text(fd, "\r\n");
        at += (size_t)got;
    }
    if (c->chunked) api_send_text(fd, "0\r\n\r\n");
    free(block);
    if (sent) *sent = at;
    return api_read(fd, false);
}

static void expect(const char *what, const refused_case *c, int status)
{
    for (int i = 0; i < 3; i++) {
        api_reply r = send_all(c, NULL);
        if (r.status != status) print_message("%s: %d\n", what, r.status);
        assert_int_equal(r.status, status);
        assert_non_null(strstr((char *)r.body, "{\"detail\":\""));
        assert_true(r.complete);
        char *id = api_header(&r, "X-Request-Id");
        assert_non_null(id);
        free(id);
        if (status == 401) {
            char *how = api_header(&r, "WWW-Authenticate");
            assert_non_null(how);
            free(how);
        }
        api_reply_clear(&r);
    }
}

static void refusals_reach_clients_that_are_still_writing(void **state)
{
    char *wrong = api_basic_of(API_USER, "wrong");
    (void)state;
    expect("401", &(refused_case){"/voices/upload", wrong, NULL, 3 * MIB, false}, 401);
    expect("401, chunked", &(refused_case){"/voices/upload", wrong, NULL, 3 * MIB, true}, 401);
    expect("401 of nobody", &(refused_case){"/demo", "", NULL, 8 * MIB, false}, 401);
    expect("404", &(refused_case){"/uploads/voices", api_basic(), NULL, 3 * MIB, false}, 404);
    expect("404, chunked", &(refused_case){"/generate", api_basic(), NULL, 3 * MIB, true}, 404);
    expect("405", &(refused_case){"/languages", api_basic(), NULL, 3 * MIB, false}, 405);
    expect("413", &(refused_case){"/voices/upload", api_basic(), NULL, 3 * MIB, false}, 413);
    expect("413, chunked", &(refused_case){"/voices/upload", api_basic(), NULL, 3 * MIB, true},
           413);
    expect("413 of a small route", &(refused_case){"/login", api_basic(), NULL, 3 * MIB, false},
           413);
    free(wrong);
}

static void so_they_do_beyond_the_bounds(void **state)
{
    char *wrong = api_basic_of(API_USER, "wrong");
    (void)state;
    expect("413, 40 MiB", &(refused_case){"/voices/upload", api_basic(), NULL, 40 * MIB, false},
           413);
    expect("413, 40 MiB chunked",
           &(refused_case){"/voices/upload", api_basic(), NULL, 40 * MIB, true}, 413);
    expect("401, 40 MiB chunked", &(refused_case){"/voices/upload", wrong, NULL, 40 * MIB, true},
           401);
    free(wrong);
}

static void an_endless_body_is_cut_off(void **state)
{
    size_t sent = 0;
    (void)state;
    int64_t began = api_now_ms();
    api_reply r =
        send_all(&(refused_case){"/voices/upload", api_basic(), NULL, (size_t)4096 * MIB, true},
                 &sent);
    assert_true(sent < (size_t)400 * MIB);
    assert_true(api_now_ms() - began < test_patient(60000));
    api_reply_clear(&r);
}

/* The refusal comes before any of the body, which the client then keeps. */
static void who_asks_first_is_answered_at_once(void **state)
{
    static const char *const paths[] = {"/voices/upload", "/uploads/voices"};
    static const int wants[] = {413, 404};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char head[1024];
        int fd = api_connect(&server);
        snprintf(head, sizeof head,
                 "POST %s HTTP/1.1\r\nHost: t\r\n%sExpect: 100-continue\r\n"
                 "Content-Length: 3000000\r\n\r\n",
                 paths[i], api_basic());
        api_send_text(fd, head);
        api_reply r = api_read(fd, false);
        assert_int_equal(r.status, wants[i]);
        assert_true(r.total_ms < test_patient(2000));
        api_reply_clear(&r);
    }
}

/* Read to its end, a refused body leaves the connection usable. */
static void the_connection_is_used_again(void **state)
{
    enum { BODY = 200000 };
    char head[1024], *body = calloc(1, BODY);
    (void)state;
    int fd = api_connect(&server);
    snprintf(head, sizeof head, "POST /nowhere HTTP/1.1\r\nHost: t\r\n%sContent-Length: %d\r\n\r\n",
             api_basic(), BODY);
    api_send_text(fd, head);
    api_send(fd, body, BODY);
    snprintf(head, sizeof head, "GET /ready HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%s\r\n",
             api_basic());
    api_send_text(fd, head);
    api_reply r = api_read(fd, false);
    assert_int_equal(r.status, 404);
    assert_non_null(strstr((char *)r.body, "\"status\":\"ready\""));
    api_reply_clear(&r);
    free(body);
}

static int start(void **state)
{
    (void)state;
    api_start(&server, "WORKERS=1\nUPLOAD_MAX=1M\nLOG_LEVEL=warn\n");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return api_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_reach_clients_that_are_still_writing),
        cmocka_unit_test(so_they_do_beyond_the_bounds),
        cmocka_unit_test(an_endless_body_is_cut_off),
        cmocka_unit_test(who_asks_first_is_answered_at_once),
        cmocka_unit_test(the_connection_is_used_again),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
