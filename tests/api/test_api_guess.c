#include "client.h"
#include "patience.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Guessing has a rate, and nobody is locked out by it. Guesses are sent on many connections before
 * any answer is read: those that have to wait are waiting then. A proxy on this machine says where
 * a request comes from, so addresses can be had here.
 */

/* Of "open sesame". */
#define ARGON                                                      \
    "$argon2id$v=19$m=8192,t=2,p=1$7KDgsichYyOaqMwj5T4WEg$RDwt7z/" \
    "f87q+AWpx+qxXWnz60WmBYwFSHLYBIaNZ8BU"

enum { MOST = 200 };

static api_server server;
static int number; /* of the last guess: no two are the same */

static int send_guess(const char *from)
{
    char password[40], head[300];
    int fd = api_connect(&server);
    snprintf(password, sizeof password, "wrong %d", ++number);
    char *basic = api_basic_of(API_USER, password);
    snprintf(head, sizeof head,
             "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s%s%s\r\n", basic,
             from ? "X-Forwarded-For: " : "", from ? from : "", from ? "\r\n" : "");
    api_send_text(fd, head);
    free(basic);
    return fd;
}

static void send_guesses(int *fds, int n, const char *from)
{
    for (int i = 0; i < n; i++)
        fds[i] = send_guess(from);
}

/* How many of the answers are this; all of them are 401 or 429. */
static int read_all(const int *fds, int n, int status)
{
    int found = 0;
    for (int i = 0; i < n; i++) {
        api_reply r = api_read(fds[i], false);
        assert_true(r.status == 401 || r.status == 429);
        if (r.status == 429) {
            char *after = api_header(&r, "Retry-After");
            assert_non_null(after);
            free(after);
        }
        found += r.status == status;
        api_reply_clear(&r);
    }
    return found;
}

/* Of the right password, on a new connection; ms: how long it took. */
static int ask(const char *password, const char *from, int64_t *ms)
{
    char *basic = api_basic_of(API_USER, password), headers[300];
    snprintf(headers, sizeof headers, "%s%s%s%s", basic, from ? "X-Forwarded-For: " : "",
             from ? from : "", from ? "\r\n" : "");
    int64_t began = api_now_ms();
    api_reply r =
        api_call(&server, "GET", "/health", &(api_extra){.anonymous = true, .headers = headers});
    if (ms) *ms = api_now_ms() - began;
    int status = r.status;
    api_reply_clear(&r);
    free(basic);
    return status;
}

static void ends_well(void)
{
    assert_int_equal(api_stop(&server), 0);
}

static void an_owner_among_guessers_is_answered(const char *password, const char *env)
{
    int fds[MOST];
    int64_t ms;
    api_start(&server, env);
    for (int round = 0; round < 3; round++) {
        send_guesses(fds, 40, NULL);
        assert_int_equal(ask(password, NULL, NULL), 200); /* from their own address */
        assert_int_equal(ask(password, "198.51.100.7", &ms), 200);
        if (round) assert_true(ms < test_patient(500));
        assert_int_equal(read_all(fds, 40, 401), 40);
    }
    ends_well();
}

static void with_a_password_in_the_clear_the_owner_is_answered(void **state)
{
    (void)state;
    an_owner_among_guessers_is_answered(API_PASSWORD, "");
}

static void with_an_argon2_string_the_owner_is_answered(void **state)
{
    (void)state;
    an_owner_among_guessers_is_answered("open sesame", "API_PASSWORD='" ARGON "'\n");
}

/* Right or wrong, nothing comes sooner: else who hears nothing would know. */
static void guesses_of_one_address_wait_for_their_turn(void **state)
{
    int fds[MOST];
    (void)state;
    api_start(&server, "");
    int64_t began = api_now_ms();
    send_guesses(fds, 60, "203.0.113.9");
    usleep(300000); /* until all are read */
    assert_int_equal(ask(API_PASSWORD, "203.0.113.9", NULL), 200);
    assert_true(api_now_ms() - began > 3000); /* 20 at once, then 10 a second */
    assert_int_equal(read_all(fds, 60, 401), 60);
    ends_well();
}

static void more_than_may_wait_are_told_to_come_later(void **state)
{
    int fds[MOST];
    (void)state;
    api_start(&server, "");
    send_guesses(fds, 150, "203.0.113.9");
    assert_int_equal(ask(API_PASSWORD, "198.51.100.7", NULL), 200);
    assert_int_equal(ask(API_PASSWORD, NULL, NULL), 200);
    int later = read_all(fds, 150, 429);
    assert_true(later > 0 && later < 100);
    ends_well();
}

/* A guess that waits holds its connection. The owner gets one however few there are. */
static void guesses_never_hold_all_connections(void **state)
{
    int fds[MOST];
    (void)state;
    api_start(&server, "CONNECTIONS_MAX=32\n");
    send_guesses(fds, 40, "203.0.113.9");
    for (int i = 0; i < 10; i++)
        assert_int_equal(ask(API_PASSWORD, "198.51.100.7", NULL), 200);
    for (int i = 0; i < 40; i++)
        close(fds[i]);
    ends_well();
}

/* Who has gone is not waited for: neither a turn nor a place is kept for them. */
static void guesses_of_clients_who_left_hold_nothing(void **state)
{
    int fds[MOST];
    (void)state;
    api_start(&server, "");
    for (int round = 0; round < 3; round++) {
        send_guesses(fds, 80, "203.0.113.9");
        usleep(100000);
        for (int i = 0; i < 80; i++)
            close(fds[i]);
        usleep(200000);
        int64_t began = api_now_ms();
        assert_int_equal(ask(API_PASSWORD, "203.0.113.9", NULL), 200);
        assert_true(api_now_ms() - began < test_patient(600)); /* a place behind them is seconds */
    }
    ends_well();
}

/* What a client says of itself stands before what the proxy says of it, also in lines apart. */
static void the_last_line_of_forwarded_counts(void **state)
{
    int fds[MOST];
    char from[100];
    (void)state;
    api_start(&server, "");
    for (int i = 0; i < 60; i++) {
        snprintf(from, sizeof from, "192.0.2.%d\r\nX-Forwarded-For: 203.0.113.9", i);
        fds[i] = send_guess(from);
    }
    int64_t began = api_now_ms();
    assert_int_equal(read_all(fds, 60, 401), 60);
    assert_true(api_now_ms() - began > 3000); /* 20 at once, then 10 a second */
    ends_well();
}

/* A program with an old password goes on asking: it takes nobody's turn. */
static void the_same_mistake_is_answered_at_once(void **state)
{
    (void)state;
    api_start(&server, "");
    int64_t began = api_now_ms();
    for (int i = 0; i < 60; i++)
        assert_int_equal(ask("old", "203.0.113.9", NULL), 401);
    assert_true(api_now_ms() - began < test_patient(1500));
    assert_int_equal(ask(API_PASSWORD, "203.0.113.9", NULL), 200);
    ends_well();
}

/* A connection that was right goes on without waiting, and not with another password. */
static void a_connection_that_was_right_waits_no_more(void **state)
{
    int fds[MOST];
    char head[300];
    (void)state;
    api_start(&server, "");
    snprintf(head, sizeof head, "GET /health HTTP/1.1\r\nHost: x\r\n%s\r\n", api_basic());
    int fd = api_connect(&server);
    api_send_text(fd, head);
    usleep(200000);
    send_guesses(fds, 60, NULL);
    usleep(100000);
    int64_t began = api_now_ms();
    api_send_text(fd, head);
    snprintf(head, sizeof head, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n",
             api_basic());
    api_send_text(fd, head);
    char text[4096];
    size_t n = 0;
    for (ssize_t got; n < sizeof text - 1 && (got = read(fd, text + n, sizeof text - 1 - n)) > 0;)
        n += (size_t)got;
    text[n] = 0;
    close(fd);
    assert_true(api_now_ms() - began < test_patient(700));
    int answers = 0;
    for (const char *p = text; (p = strstr(p, "HTTP/1.1 200")); p++)
        answers++;
    assert_int_equal(answers, 3);
    (void)read_all(fds, 60, 401);
    ends_well();
}

static int status_of(const char *method, const char *path, const char *headers, const char *body)
{
    api_reply r = api_call(&server, method, path,
                           &(api_extra){.anonymous = true,
                                        .headers = headers,
                                        .type = body ? "application/x-www-form-urlencoded" : NULL,
                                        .body = body,
                                        .size = body ? strlen(body) : 0});
    int status = r.status;
    api_reply_clear(&r);
    return status;
}

static void keys_and_forms_are_guesses_too(void **state)
{
    char text[200];
    (void)state;
    api_start(&server, "API_PASSWORD='" ARGON "'\n");
    int64_t began = api_now_ms();
    for (int i = 0; i < 12; i++) {
        snprintf(text, sizeof text, "Authorization: Bearer wrong%d\r\n", i);
        assert_int_equal(status_of("GET", "/health", text, NULL), 401);
        snprintf(text, sizeof text, "xi-api-key: wrong%d\r\n", i);
        assert_int_equal(status_of("GET", "/health", text, NULL), 401);
        snprintf(text, sizeof text, "username=" API_USER "&password=wrong%d", i);
        assert_int_equal(status_of("POST", "/login", NULL, text), 401);
    }
    assert_true(api_now_ms() - began > 1200);
    /* And what is right is right, by each of them. */
    assert_int_equal(status_of("GET", "/health", "xi-api-key: " API_KEY "\r\n", NULL), 200);
    assert_int_equal(status_of("POST", "/login", NULL,
                               "username=" API_USER "&password=open+sesame"),
                     200);
    assert_int_equal(status_of("POST", "/login", NULL, "username=you&password=open+sesame"), 401);
    assert_int_equal(status_of("POST", "/login", NULL, "username=" API_USER "&password="), 401);
    assert_int_equal(ask("open sesame", NULL, NULL), 200);
    ends_well();
}

static void it_stops_while_guesses_wait(void **state)
{
    int fds[MOST];
    (void)state;
    for (int hashed = 0; hashed < 2; hashed++) {
        api_start(&server, hashed ? "API_PASSWORD='" ARGON "'\n" : "");
        send_guesses(fds, 60, NULL);
        usleep(100000);
        int64_t began = api_now_ms();
        api_signal(&server, 15);
        for (int i = 0; i < 60; i++) {
            api_reply r = api_read(fds[i], false);
            assert_true(r.status == 401 || r.status == 503 || r.status == 0);
            api_reply_clear(&r);
        }
        assert_int_equal(api_wait(&server), 0);
        assert_true(api_now_ms() - began < test_patient(4000));
    }
}

static void a_broken_argon2_string_stops_the_start(void **state)
{
    char said[4096];
    (void)state;
    assert_true(api_start_fails("API_PASSWORD='$argon2id$v=19$m=8192,t=2,p=1$7KDgsich'\n", said,
                                sizeof said) > 0);
    assert_non_null(strstr(said, "API_PASSWORD starts like an argon2id string"));
    assert_null(strstr(said, "7KDgsich"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_a_password_in_the_clear_the_owner_is_answered),
        cmocka_unit_test(with_an_argon2_string_the_owner_is_answered),
        cmocka_unit_test(guesses_of_one_address_wait_for_their_turn),
        cmocka_unit_test(more_than_may_wait_are_told_to_come_later),
        cmocka_unit_test(guesses_never_hold_all_connections),
        cmocka_unit_test(guesses_of_clients_who_left_hold_nothing),
        cmocka_unit_test(the_last_line_of_forwarded_counts),
        cmocka_unit_test(the_same_mistake_is_answered_at_once),
        cmocka_unit_test(a_connection_that_was_right_waits_no_more),
        cmocka_unit_test(keys_and_forms_are_guesses_too),
        cmocka_unit_test(it_stops_while_guesses_wait),
        cmocka_unit_test(a_broken_argon2_string_stops_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
