/*
 * Several requests at once: the same bytes as alone, full lanes, stopping a stream, finishing at a
 * stop, a word beside a long text.
 */
#include "client.h"
#include "patience.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What is spoken beside others is what is spoken alone; and the end of a server with work to do.
 * One worker and a lane of one in the second group: what is full and who waits is certain there. */

static api_server server;

enum { CLIENTS = 8 };

static const char *const forms[] = {
    "voice_id=default&seed=42&text=Good+morning.",
    "voice_id=default&seed=42&text=An+entirely+different+sentence%2C+and+a+longer+one.",
    "voice_id=default&seed=43&ambience_id=rain&text=It+rains+on+this+one.",
    "voice_id=default&seed=44&language=de&text=Guten+Morgen%2C+liebe+Leute.",
};
enum { FORMS = sizeof forms / sizeof forms[0] };

struct call {
    const char *form;
    api_reply reply;
};

static void *speak(void *arg)
{
    struct call *c = arg;
    c->reply = api_form(&server, "/generate-tts", c->form);
    return NULL;
}

/* All at once; each must equal the one that was alone. */
static void speak_at_once(const char *const *texts, size_t n, const api_reply *alone)
{
    struct call calls[CLIENTS];
    pthread_t threads[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++) {
        calls[i] = (struct call){.form = texts[i % n]};
        if (pthread_create(&threads[i], NULL, speak, &calls[i])) fail();
    }
    for (size_t i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(calls[i].reply.status, 200);
        assert_int_equal(calls[i].reply.size, alone[i % n].size);
        assert_memory_equal(calls[i].reply.body, alone[i % n].body, alone[i % n].size);
        api_reply_clear(&calls[i].reply);
    }
}

static void eight_at_once_say_what_each_says_alone(void **state)
{
    api_reply alone[FORMS];
    (void)state;
    for (size_t i = 0; i < FORMS; i++) {
        alone[i] = api_form(&server, "/generate-tts", forms[i]);
        if (alone[i].status != 200) print_message("%.300s\n", (char *)alone[i].body);
        assert_int_equal(alone[i].status, 200);
    }
    speak_at_once(forms, 1, alone);
    speak_at_once(forms, FORMS, alone);
    for (size_t i = 0; i < FORMS; i++)
        api_reply_clear(&alone[i]);
}

static void a_drawn_seed_says_the_same_again(void **state)
{
    char form[128];
    (void)state;
    api_reply first = api_form(&server, "/demo", "text=Draw+one.");
    api_reply other = api_form(&server, "/demo", "text=Draw+one.");
    assert_int_equal(first.status, 200);
    assert_int_equal(other.status, 200);
    char *seed = api_header(&first, "X-Seed"), *second = api_header(&other, "X-Seed");
    assert_non_null(seed);
    assert_non_null(second);
    assert_string_not_equal(seed, second);
    snprintf(form, sizeof form, "text=Draw+one.&seed=%s", seed);
    api_reply again = api_form(&server, "/demo", form);
    assert_int_equal(again.size, first.size);
    assert_memory_equal(again.body, first.body, first.size);
    free(seed);
    free(second);
    api_reply_clear(&first);
    api_reply_clear(&other);
    api_reply_clear(&again);
}

static char *long_form(int seed, int sentences)
{
    size_t cap = (size_t)sentences * 64 + 256, n;
    char *form = malloc(cap);
    assert_non_null(form);
    n = (size_t)snprintf(form, cap, "voice_id=default&seed=%d&text=", seed);
    for (int i = 0; i < sentences; i++)
        n += (size_t)snprintf(form + n, cap - n, "Sentence+%d+of+%d+follows+here.+", i, seed);
    return form;
}

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

static int begin_long(int seed, int sentences)
{
    char *form = long_form(seed, sentences);
    int fd = begin("/generate-tts", form);
    free(form);
    return fd;
}

/* "running" or "queued" as /ready says it. */
static int said(const char *member)
{
    char key[32];
    api_reply r = api_get(&server, "/ready");
    snprintf(key, sizeof key, "\"%s\":", member);
    const char *at = r.status == 200 ? strstr((char *)r.body, key) : NULL;
    int n = at ? atoi(at + strlen(key)) : -1;
    api_reply_clear(&r);
    return n;
}

static void wait_until(const char *member, int n)
{
    int64_t until = api_now_ms() + test_patient(30000);
    while (api_now_ms() < until && said(member) != n)
        poll(NULL, 0, 5);
    assert_int_equal(said(member), n);
}

static void the_second_in_a_lane_of_one_is_told_to_come_again(void **state)
{
    (void)state;
    int first = begin_long(1, 100);
    wait_until("running", 1);
    int second = begin_long(2, 100);
    wait_until("queued", 1);
    api_reply r = api_form(&server, "/generate-tts", "voice_id=default&text=Too+many");
    assert_int_equal(r.status, 429);
    char *after = api_header(&r, "Retry-After");
    assert_non_null(after);
    assert_true(atoi(after) > 0);
    free(after);
    assert_non_null(strstr((char *)r.body, "\"detail\":\""));
    api_reply_clear(&r);
    /* What needs no worker is answered all the same. */
    r = api_get(&server, "/history");
    assert_int_equal(r.status, 200);
    api_reply_clear(&r);
    r = api_call(&server, "DELETE", "/jobs/00000000-0000-4000-8000-000000000000", NULL);
    assert_int_equal(r.status, 404);
    api_reply_clear(&r);
    close(second); /* one who waits may leave, too */
    wait_until("queued", 0);
    close(first);
    wait_until("running", 0);
}

static void a_stream_can_be_stopped_by_its_job(void **state)
{
    char path[128];
    (void)state;
    char *form = long_form(3, 200), *streamed = malloc(strlen(form) + 32);
    assert_non_null(streamed);
    sprintf(streamed, "stream=true&%s", form);
    int fd = begin("/generate-tts", streamed);
    char head[4096];
    size_t n = 0;
    while (n < sizeof head - 1 && (n < 4 || !strstr(head, "\r\n\r\n"))) {
        ssize_t got = read(fd, head + n, sizeof head - 1 - n);
        assert_true(got > 0);
        n += (size_t)got;
        head[n] = 0;
    }
    char *id = strstr(head, "X-Job-Id: ");
    assert_non_null(id);
    snprintf(path, sizeof path, "/jobs/%.36s", id + strlen("X-Job-Id: "));
    api_reply r = api_call(&server, "DELETE", path, NULL);
    assert_int_equal(r.status, 200);
    api_reply_clear(&r);
    /* The stream is cut, not ended: a client can tell. */
    char rest[65536], last[8] = "";
    ssize_t got;
    while ((got = read(fd, rest, sizeof rest)) > 0)
        if (got >= 5) snprintf(last, sizeof last, "%.5s", rest + got - 5);
    assert_string_not_equal(last, "0\r\n\r\n");
    close(fd);
    wait_until("running", 0);
    free(form);
    free(streamed);
}

static void what_is_spoken_when_the_server_is_told_to_stop_is_finished(void **state)
{
    (void)state;
    int fd = begin_long(4, 12);
    wait_until("running", 1);
    int64_t began = api_now_ms();
    api_signal(&server, SIGTERM);
    api_reply r = api_read(fd, false);
    assert_int_equal(r.status, 200);
    assert_true(r.complete);
    assert_true(api_wav_seconds(r.body, r.size) > 10);
    char *url = api_header(&r, "X-Download-Url");
    assert_non_null(url);
    assert_int_equal(api_wait(&server), 0);
    print_message("told to stop while speaking, ended after %lld ms\n",
                  (long long)(api_now_ms() - began));
    api_restart(&server);
    api_reply again = api_get(&server, url);
    assert_int_equal(again.status, 200);
    assert_int_equal(again.size, r.size);
    assert_memory_equal(again.body, r.body, r.size);
    api_reply_clear(&again);
    api_reply_clear(&r);
    free(url);
}

/* A word is spoken between the sentences of a long text by the only worker there is, and neither
 * sounds other than alone. */
static void a_word_passes_a_long_text_and_both_sound_as_alone(void **state)
{
    static const char word[] = "voice_id=default&seed=9&text=Hello.";
    (void)state;
    char *form = long_form(6, 60); /* some 1800 characters */
    api_reply long_alone = api_form(&server, "/generate-tts", form);
    api_reply word_alone = api_form(&server, "/generate-tts", word);
    assert_int_equal(long_alone.status, 200);
    assert_int_equal(word_alone.status, 200);
    wait_until("running", 0); /* the worker is a moment longer at what has been answered */
    int fd = begin("/generate-tts", form);
    wait_until("running", 1);
    api_reply r = api_form(&server, "/generate-tts", word);
    assert_int_equal(r.status, 200);
    struct pollfd p = {fd, POLLIN, 0};
    assert_int_equal(poll(&p, 1, 0), 0); /* the long one is still at it */
    assert_int_equal(r.size, word_alone.size);
    assert_memory_equal(r.body, word_alone.body, r.size);
    api_reply_clear(&r);
    r = api_read(fd, false);
    assert_int_equal(r.status, 200);
    assert_int_equal(r.size, long_alone.size);
    assert_memory_equal(r.body, long_alone.body, r.size);
    api_reply_clear(&r);
    api_reply_clear(&long_alone);
    api_reply_clear(&word_alone);
    free(form);
}

/* Two take turns, so that one of them is between two pieces at any time. */
static void a_long_text_can_be_stopped_between_two_sentences(void **state)
{
    (void)state;
    int first = begin_long(7, 400);
    wait_until("running", 1);
    int second = begin_long(8, 40);
    wait_until("queued", 1);
    close(first);
    wait_until("queued", 0);
    close(second);
    wait_until("running", 0);
}

static void a_word_among_eight_long_texts_is_soon_answered(void **state)
{
    enum { LONG = 8, BOUND_MS = 3000 };
    int fds[LONG];
    (void)state;
    for (int i = 0; i < LONG; i++)
        fds[i] = begin_long(20 + i, 400);
    wait_until("running", LONG);
    for (int i = 0; i < 3; i++) {
        int64_t began = api_now_ms();
        api_reply r = i == 2 ? api_get(&server, "/ambiences/rain/preview")
                             : api_form(&server, "/generate-tts", "voice_id=default&text=Hello.");
        const int64_t took = api_now_ms() - began;
        assert_int_equal(r.status, 200);
        api_reply_clear(&r);
        print_message("%s among eight long texts: %lld ms\n", i == 2 ? "a preview" : "a word",
                      (long long)took);
        assert_true(took < test_patient(BOUND_MS));
    }
    for (int i = 0; i < LONG; i++)
        close(fds[i]);
    wait_until("running", 0);
    wait_until("queued", 0);
}

static void who_waits_too_long_for_the_end_is_cut_off(void **state)
{
    (void)state; /* SHUTDOWN_GRACE is 1 s here */
    int fd = begin_long(5, 600);
    wait_until("running", 1);
    int64_t began = api_now_ms();
    api_signal(&server, SIGTERM);
    assert_int_equal(api_wait(&server), 0);
    assert_true(api_now_ms() - began < test_patient(20000));
    api_reply r = api_read(fd, false);
    print_message("the one who was cut off got %d\n", r.status);
    assert_true(r.status == 503);
    api_reply_clear(&r);
    api_restart(&server);
}

static int start_with_two(void **state)
{
    (void)state;
    api_start(&server, "WORKERS=2\nLOG_LEVEL=warn\n");
    return 0;
}

static int start_as_it_comes(void **state)
{
    (void)state;
    api_start(&server, "LOG_LEVEL=warn\n");
    return 0;
}

static int start_with_one(void **state)
{
    (void)state;
    api_start(&server, "WORKERS=1\nQUEUE_PER_USER=1\nSHUTDOWN_GRACE=10m\nLOG_LEVEL=warn\n");
    return 0;
}

static int start_impatient(void **state)
{
    (void)state;
    api_start(&server, "WORKERS=1\nSHUTDOWN_GRACE=1\nLOG_LEVEL=warn\n");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return api_stop(&server);
}

int main(void)
{
    const struct CMUnitTest together[] = {
        cmocka_unit_test(eight_at_once_say_what_each_says_alone),
        cmocka_unit_test(a_drawn_seed_says_the_same_again),
    };
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(the_second_in_a_lane_of_one_is_told_to_come_again),
        cmocka_unit_test(a_word_passes_a_long_text_and_both_sound_as_alone),
        cmocka_unit_test(a_long_text_can_be_stopped_between_two_sentences),
        cmocka_unit_test(a_stream_can_be_stopped_by_its_job),
        cmocka_unit_test(what_is_spoken_when_the_server_is_told_to_stop_is_finished),
    };
    const struct CMUnitTest impatient[] = {
        cmocka_unit_test(who_waits_too_long_for_the_end_is_cut_off),
    };
    const struct CMUnitTest eight[] = {
        cmocka_unit_test(a_word_among_eight_long_texts_is_soon_answered),
    };
    int failed = cmocka_run_group_tests(together, start_with_two, stop);
    failed += cmocka_run_group_tests(eight, start_as_it_comes, stop);
    failed += cmocka_run_group_tests(alone, start_with_one, stop);
    return failed + cmocka_run_group_tests(impatient, start_impatient, stop);
}
