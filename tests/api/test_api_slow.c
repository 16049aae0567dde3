/*
 * Slow clients and full tables of connections: deadlines, the least rate, which connection is
 * closed for a newcomer, stopping.
 */
#include "client.h"
#include "patience.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Clients that take for ever, and a server that is stopped while it has such. */

#define TABLE "16"
enum { SEATS = 16, STRANGERS = 60, FRIENDS = 6 };

static api_server server;

static int start(void **state)
{
    (void)state;
    api_start(&server, "CLIENT_TIMEOUT=1s\nCONNECTIONS_MAX=" TABLE "\nSHUTDOWN_GRACE=1s\n");
    server.mortal = true;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return api_stop(&server) == 0 ? 0 : -1;
}

/* Has the server closed it? A piece is sent first. */
static bool is_closed(int fd, const char *piece)
{
    char read[4096];
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (*piece) (void)!send(fd, piece, strlen(piece), MSG_NOSIGNAL);
    ssize_t n = recv(fd, read, sizeof read, 0);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static int begin(const char *text)
{
    int fd = api_connect(&server);
    api_send_text(fd, text);
    return fd;
}

static int begin_upload(bool right)
{
    char head[1024];
    snprintf(head, sizeof head,
             "POST /voices/upload HTTP/1.1\r\nHost: a\r\n%sContent-Type: multipart/form-data; "
             "boundary=x\r\nContent-Length: 100000\r\n\r\n--x\r\n",
             right ? api_basic() : "");
    return begin(head);
}

/* All at once: CLIENT_TIMEOUT is a second, and what is behind the least rate is looked at now and
 * then. */
static void heads_and_bodies_that_trickle_are_cut(void **state)
{
    enum { HEADS = 5, ALL = HEADS + 3 };
    static const char *const heads[HEADS] = {"", "G", "GET /health HTTP/1.1\r\n",
                                             "GET /health HTTP/1.1\r\nHost: a\r\nX-A: ", "\r\n"};
    int fds[ALL], open = ALL;
    char first[512];
    (void)state;
    for (int i = 0; i < HEADS; i++)
        fds[i] = begin(heads[i]);
    fds[HEADS] = begin_upload(true);
    fds[HEADS + 1] = begin_upload(false);
    /* The second request of a connection, too. */
    snprintf(first, sizeof first, "GET /health HTTP/1.1\r\nHost: a\r\n%s\r\nGET /", api_basic());
    fds[HEADS + 2] = begin(first);
    for (int64_t began = api_now_ms(); open > 0; poll(NULL, 0, 50)) {
        int64_t took = api_now_ms() - began;
        assert_true(took < test_patient(8000));
        for (int i = 0; i < ALL; i++) {
            if (fds[i] < 0 || !is_closed(fds[i], i ? "x" : "")) continue;
            assert_true(took >= 500);
            close(fds[i]);
            fds[i] = -1;
            open--;
        }
    }
}

static void who_keeps_the_least_rate_is_served(void **state)
{
    char head[1024], piece[400];
    (void)state;
    memset(piece, 'x', sizeof piece);
    snprintf(head, sizeof head,
             "POST /demo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s"
             "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 12014\r\n\r\n"
             "text=Hi.&junk=",
             api_basic());
    int fd = begin(head);
    for (int i = 0; i < 30; i++) { /* three seconds, three times CLIENT_TIMEOUT */
        poll(NULL, 0, 100);
        api_send(fd, piece, sizeof piece);
    }
    api_reply r = api_read(fd, false);
    assert_int_equal(r.status, 200);
    api_reply_clear(&r);
}

/* Strangers keep all seats taken; the owner is answered each time, and what the owner began before
 * they came is finished. */
static void strangers_leave_for_the_owner(void **state)
{
    static const char *const held[] = {
        "GET /health HTTP/1.1\r\nHost: a\r\nX-A: ", "",
        "GET /health HTTP/1.1\r\nHost: a\r\nAuthorization: Basic eDp5\r\n\r\n",
        "POST /voices/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n--x"};
    int friends[FRIENDS], strangers[STRANGERS];
    char speak[1024];
    (void)state;
    snprintf(speak, sizeof speak,
             "GET /demo?text=A+sentence+of+some+length+that+takes+its+time. HTTP/1.1\r\nHost: a\r\n"
             "Connection: close\r\n%s\r\n",
             api_basic());
    for (size_t kind = 0; kind < sizeof held / sizeof held[0]; kind++) {
        for (int i = 0; i < FRIENDS; i++)
            friends[i] = begin(speak);
        poll(NULL, 0, 50);
        for (int i = 0; i < STRANGERS; i++) {
            strangers[i] = api_connect(&server);
            assert_true(strangers[i] >= 0);
            api_send_text(strangers[i], held[kind]);
            if (i % 6) continue;
            int64_t began = api_now_ms();
            api_reply r = api_get(&server, "/health");
            assert_int_equal(r.status, 200);
            assert_true(api_now_ms() - began < test_patient(1000));
            api_reply_clear(&r);
        }
        for (int i = 0; i < FRIENDS; i++) {
            api_reply r = api_read(friends[i], false);
            assert_int_equal(r.status, 200);
            assert_true(r.complete);
            api_reply_clear(&r);
        }
        for (int i = 0; i < STRANGERS; i++)
            close(strangers[i]);
    }
}

/* With right credentials and work to do nobody is sent away: who comes then hears 503. */
static void a_table_full_of_the_owner_says_so(void **state)
{
    int friends[SEATS];
    (void)state;
    for (int i = 0; i < SEATS; i++)
        friends[i] = begin_upload(true);
    poll(NULL, 0, 100);
    api_reply r = api_get(&server, "/health");
    assert_int_equal(r.status, 503);
    assert_true(api_header_is(&r, "Retry-After", "2"));
    api_reply_clear(&r);
    for (int i = 0; i < SEATS; i++)
        close(friends[i]);
    for (int64_t began = api_now_ms(); r.status != 200;) {
        assert_true(api_now_ms() - began < test_patient(5000));
        r = api_get(&server, "/health");
        int status = r.status;
        api_reply_clear(&r);
        r.status = status;
    }
}

/* SIGTERM while requests wait for a slow check of their password, and others have begun to speak.
 */
static void a_stop_answers_those_who_sleep(void **state)
{
    static const char hashed[] =
        "SHUTDOWN_GRACE=1s\nAPI_PASSWORD='$argon2id$v=19$m=16384,t=2,p=1$c3Nzc3Nzc3Nzc3Nzc3Nzcw$"
        "aGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGg'\n";
    (void)state;
    for (int round = 0; round < 3; round++) {
        int waiting[FRIENDS + FRIENDS + 2];
        char request[1024];
        assert_int_equal(api_stop(&server), 0);
        api_start(&server, hashed);
        server.mortal = true;
        for (int i = 0; i < FRIENDS; i++) {
            char name[16];
            snprintf(name, sizeof name, "x%d", i);
            char *guess = api_basic_of(name, "guess");
            snprintf(request, sizeof request,
                     "GET /voices HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n", guess);
            free(guess);
            waiting[i] = begin(request);
        }
        for (int i = 0; i < FRIENDS; i++)
            waiting[FRIENDS + i] =
                begin("GET /demo?stream=true&text=A+long+text+is+spoken+here%2C+and+then+"
                      "some+more+of+it. HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                      "xi-api-key: " API_KEY "\r\n\r\n");
        waiting[2 * FRIENDS] = begin("GET /health HTTP/1.1\r\nX-A: ");
        waiting[2 * FRIENDS + 1] =
            begin("POST /demo HTTP/1.1\r\nHost: a\r\nxi-api-key: " API_KEY
                  "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
        poll(NULL, 0, 20 + 60 * round);
        api_signal(&server, SIGTERM);
        for (int i = 0; i < 2 * FRIENDS; i++) {
            api_reply r = api_read(waiting[i], false);
            if (i < FRIENDS) assert_true(r.status == 401 || r.status == 503 || r.status == 429);
            if (i >= FRIENDS) assert_true(r.status == 200 || r.status == 503);
            api_reply_clear(&r);
        }
        close(waiting[2 * FRIENDS]);
        close(waiting[2 * FRIENDS + 1]);
        assert_int_equal(api_wait(&server), 0);
        api_restart(&server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_and_bodies_that_trickle_are_cut),
        cmocka_unit_test(who_keeps_the_least_rate_is_served),
        cmocka_unit_test(strangers_leave_for_the_owner),
        cmocka_unit_test(a_table_full_of_the_owner_says_so),
        cmocka_unit_test(a_stop_answers_those_who_sleep),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
