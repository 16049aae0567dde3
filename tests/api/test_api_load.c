#include "client.h"
#include "patience.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Several clients at once, and clients who leave. Two workers, so that all of them can be kept
 * busy. Times are bounded by what would be wrong by design (a thread that computes), not by what is
 * fast: this machine may be busy with other things. */

static api_server server;

/* Some hundred sentences; no two requests of a test say the same. */
static char *long_form(int seed, int sentences, const char *more)
{
    size_t cap = (size_t)sentences * 64 + 256, n;
    char *form = malloc(cap);
    n = (size_t)snprintf(form, cap, "voice_id=default&seed=%d%s&text=", seed, more);
    for (int i = 0; i < sentences; i++)
        n += (size_t)snprintf(form + n, cap - n, "Sentence+%d+of+%d+follows+here.+", i, seed);
    return form;
}

/* Sends a request and leaves the socket to the caller. */
static int begin(const char *path, const char *form)
{
    char head[1024];
    int fd = api_connect(&server);
    snprintf(head, sizeof head,
             "POST %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%s"
             "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n",
             path, api_basic(), strlen(form));
    api_send_text(fd, head);
    api_send_text(fd, form);
    return fd;
}

/* A figure of /metrics by the start of its line; -1 when it is not there. */
static double figure(const char *name)
{
    api_reply r = api_get(&server, "/metrics");
    double value = -1;
    size_t n = strlen(name);
    for (char *line = (char *)r.body; line && *line;
         line = strchr(line, '\n'), line += line != NULL)
        if (strncmp(line, name, n) == 0 && (line[n] == ' ')) value = strtod(line + n, NULL);
    api_reply_clear(&r);
    return value;
}

static void wait_running(int running)
{
    int64_t until =
        api_now_ms() + test_patient(120000); /* sanitizers speak at a twentieth of the pace */
    int found;
    while ((found = (int)figure("timbre_jobs_running")) != running && api_now_ms() < until)
        poll(NULL, 0, 10);
    assert_int_equal(found, running);
}

static void health_answers_while_every_worker_speaks(void **state)
{
    int fds[2];
    int64_t worst = 0;
    (void)state;
    for (int i = 0; i < 2; i++) {
        char *form = long_form(100 + i, 100, "");
        fds[i] = begin("/generate-tts", form);
        free(form);
    }
    wait_running(2);
    for (int i = 0; i < 20; i++) {
        api_reply r = api_get(&server, "/health");
        assert_int_equal(r.status, 200);
        if (r.total_ms > worst) worst = r.total_ms;
        api_reply_clear(&r);
    }
    print_message("worst /health while both workers speak: %lld ms\n", (long long)worst);
    assert_true(worst < 500);
    close(fds[0]);
    close(fds[1]);
    wait_running(0);
}

static _Atomic int64_t busy_until;

static void *mixed_client(void *arg)
{
    static const char *const gets[] = {"/ambiences/rain/preview", "/history?limit=20", "/voices",
                                       "/nowhere"};
    unsigned turn = (unsigned)(uintptr_t)arg;
    while (api_now_ms() < busy_until) {
        const unsigned kind = turn++ % 8;
        api_reply r = kind < 4    ? api_form(&server, "/demo", "text=A+few+words+to+be+spoken.")
                      : kind == 4 ? api_form(&server, "/generate-tts", "voice_id=nobody&speed=x")
                                  : api_get(&server, gets[kind % 4]);
        if (r.status == 429) poll(NULL, 0, 20);
        api_reply_clear(&r);
    }
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The short form of tools/attack/health.py. */
static void health_answers_among_clients_of_all_kinds(void **state)
{
    enum { CLIENTS = 40, TIMES = 150, EVERY_MS = 20, BOUND_MS = 50 };
    pthread_t threads[CLIENTS];
    int64_t times[TIMES];
    (void)state;
    busy_until = api_now_ms() + 60000;
    for (uintptr_t i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, mixed_client, (void *)i), 0);
    poll(NULL, 0, 500);
    for (int i = 0; i < TIMES; i++) {
        poll(NULL, 0, EVERY_MS);
        const int64_t began = api_now_ms();
        api_reply r = api_get(&server, "/health");
        times[i] = api_now_ms() - began;
        assert_int_equal(r.status, 200);
        api_reply_clear(&r);
    }
    busy_until = 0;
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    qsort(times, TIMES, sizeof *times, by_size);
    const int64_t p99 = times[TIMES * 99 / 100];
    print_message("/health among %d clients: p50 %lld, p99 %lld, max %lld ms\n", CLIENTS,
                  (long long)times[TIMES / 2], (long long)p99, (long long)times[TIMES - 1]);
    assert_true(p99 < test_patient(BOUND_MS));
}

static void a_client_who_leaves_frees_the_worker(void **state)
{
    char *form = long_form(7, 150, "");
    (void)state;
    wait_running(0); /* a job ends a moment after its answer */
    int fd = begin("/generate-tts", form);
    wait_running(1);
    int64_t left = api_now_ms();
    close(fd);
    wait_running(0);
    int64_t took = api_now_ms() - left;
    print_message("from leaving to a free worker: %lld ms\n", (long long)took);
    assert_true(took < test_patient(2000));
    free(form);

    /* The same in the middle of a stream. */
    form = long_form(8, 150, "&stream=true");
    fd = begin("/generate-tts", form);
    char some[2000];
    assert_true(recv(fd, some, sizeof some, 0) > 0);
    close(fd);
    left = api_now_ms();
    wait_running(0);
    assert_true(api_now_ms() - left < test_patient(2000));
    free(form);
}

static void a_stream_begins_before_it_ends(void **state)
{
    char *form = long_form(11, 40, "&stream=true");
    (void)state;
    api_reply r = api_read(begin("/generate-tts", form), false);
    assert_int_equal(r.status, 200);
    assert_true(r.chunked);
    assert_true(r.complete);
    assert_memory_equal(r.body, "RIFF", 4);
    print_message("first sound after %lld ms of %lld ms\n", (long long)r.first_ms,
                  (long long)r.total_ms);
    assert_true(r.first_ms > 0 && r.first_ms < r.total_ms / 2);
    char *duration = api_header(&r, "X-Audio-Duration");
    assert_null(duration);
    api_reply_clear(&r);
    free(form);
}

struct call {
    char form[200];
    api_reply reply;
};

static void *speak(void *arg)
{
    struct call *c = arg;
    c->reply = api_form(&server, "/generate-tts", c->form);
    return NULL;
}

static void the_same_seed_gives_the_same_bytes_to_all(void **state)
{
    enum { CLIENTS = 8 };
    struct call calls[CLIENTS];
    pthread_t threads[CLIENTS];
    (void)state;
    for (int i = 0; i < CLIENTS; i++) {
        memset(&calls[i], 0, sizeof calls[i]);
        snprintf(calls[i].form, sizeof calls[i].form, "voice_id=default&seed=42&text=%s",
                 i % 2 ? "An+entirely+different+sentence+it+is%2C+and+longer." : "Good+morning.");
        if (pthread_create(&threads[i], NULL, speak, &calls[i])) fail();
    }
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(calls[i].reply.status, 200);
        assert_int_equal(calls[i].reply.size, calls[i % 2].reply.size);
        assert_memory_equal(calls[i].reply.body, calls[i % 2].reply.body, calls[i].reply.size);
    }
    assert_true(calls[1].reply.size > calls[0].reply.size);
    for (int i = 0; i < CLIENTS; i++)
        api_reply_clear(&calls[i].reply);
}

static void a_full_lane_says_when_to_come_again(void **state)
{
    enum {
        MORE = 16
    }; /* two run, eight may wait (all eight of the test before, before a worker looks) */
    int fds[MORE], busy = 0;
    (void)state;
    for (int i = 0; i < MORE; i++) {
        char *form = long_form(200 + i, 100, "");
        fds[i] = begin("/generate-tts", form);
        free(form);
    }
    poll(NULL, 0, 500);
    for (int i = 0; i < MORE; i++) {
        struct pollfd p = {fds[i], POLLIN, 0};
        if (poll(&p, 1, 0) > 0) {
            api_reply r = api_read(fds[i], false);
            assert_int_equal(r.status, 429);
            char *after = api_header(&r, "Retry-After");
            assert_non_null(after);
            free(after);
            api_reply_clear(&r);
            busy++;
        } else {
            close(fds[i]);
        }
    }
    print_message("of %d requests at once %d were told to come again\n", MORE, busy);
    assert_true(busy >= 2);
    wait_running(0);
}

static void a_reader_who_does_not_read_holds_nobody_up(void **state)
{
    char *form = long_form(31, 100, "&stream=true");
    (void)state;
    int fd = begin("/generate-tts", form); /* and never reads */
    free(form);
    wait_running(1);
    wait_running(0); /* it was made to its end, into the file */
    api_reply r = api_form(&server, "/demo", "text=Next");
    assert_int_equal(r.status, 200);
    api_reply_clear(&r);
    close(fd);
}

static int stop(void **state)
{
    (void)state;
    return api_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_answers_while_every_worker_speaks),
        cmocka_unit_test(health_answers_among_clients_of_all_kinds),
        cmocka_unit_test(a_client_who_leaves_frees_the_worker),
        cmocka_unit_test(a_stream_begins_before_it_ends),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes_to_all),
        cmocka_unit_test(a_full_lane_says_when_to_come_again),
        cmocka_unit_test(a_reader_who_does_not_read_holds_nobody_up),
    };
    api_start(&server, "WORKERS=2\nQUEUE_PER_USER=8\n");
    return cmocka_run_group_tests(tests, NULL, stop);
}
