/*
 * Attacks on a real server in small: memory, a held database, many connections, large bodies. Each
 * checks that other requests are still answered.
 */
#include "base/json.h"
#include "client.h"
#include "patience.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

/* What a request may cost. Each asks for something that is small to send or cheap to make; the
 * server's memory and time are looked at from outside. */

enum { MIB = 1 << 20 };

/* A line of /proc/<server>/status in bytes; 0 where there is none (no Linux). */
static size_t proc(const api_server *s, const char *name)
{
    char path[64], line[256];
    size_t kib = 0, n = strlen(name);
    snprintf(path, sizeof path, "/proc/%d/status", (int)s->pid);
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    while (fgets(line, sizeof line, f))
        if (strncmp(line, name, n) == 0 && line[n] == ':') kib = strtoul(line + n + 1, NULL, 10);
    fclose(f);
    return kib * 1024;
}

/* Waits for the resident size to come below bytes; what it was at last. */
static size_t settles_below(const api_server *s, size_t bytes)
{
    size_t is = proc(s, "VmRSS");
    for (int i = 0; i < test_patient(100) && is > bytes; i++) {
        poll(NULL, 0, 100);
        is = proc(s, "VmRSS");
    }
    return is;
}

/* head, unit again and again up to size, tail. Heap. */
static char *long_body(const char *head, const char *unit, size_t size, const char *tail)
{
    size_t h = strlen(head), u = strlen(unit), n = h;
    char *body = malloc(size + u + strlen(tail) + 1);
    memcpy(body, head, h);
    for (; n < size; n += u)
        memcpy(body + n, unit, u);
    strcpy(body + n, tail);
    return body;
}

#ifndef __SANITIZE_ADDRESS__
static const bool sanitized = false;
#else
static const bool sanitized = true;
#endif

static void json_costs_three_times_its_size_and_is_given_back(void **state)
{
    static const struct {
        const char *head, *unit, *tail;
        int status;
    } bodies[] = {
        {"{\"text\":\"Hi\",\"audio_prompt\":\"", "QUJD", "\"}", 415}, /* base64 of no sound */
        {"{\"text\":\"Hi\",\"voice_id\":\"", "a", "\"}", 422},
        {"{\"text\":\"", "a ", "\"}", 422},
        {"{\"text\":\"Hi\",\"unknown\":\"", "\\n", "\"}", 200},
        {"{\"text\":\"Hi\",\"x\":[", "[],", "1]}", 413},
        {"{\"text\":\"Hi\",\"x\":[", "{},", "1]}", 413},
        {"{\"text\":\"Hi\",\"x\":{", "\"kkkk\":0,", "\"z\":0}}", 413},
        {"{\"text\":\"Hi\",\"x\":", "[", "", 400},
    };
    enum { SIZE = 30 * MIB };
    api_server s = {0};
    (void)state;
    api_start(&s, "");
    api_reply r = api_form(&s, "/demo", "text=Hello");
    assert_int_equal(r.status, 200);
    api_reply_clear(&r);
    size_t before = proc(&s, "VmRSS");
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char *body = long_body(bodies[i].head, bodies[i].unit, SIZE, bodies[i].tail);
        r = api_json(&s, "/demo", body);
        free(body);
        if (r.status != bodies[i].status)
            fail_msg("body %zu: %d instead of %d: %s", i, r.status, bodies[i].status,
                     (char *)r.body);
        if (r.total_ms > test_patient(15000))
            fail_msg("body %zu took %lld ms", i, (long long)r.total_ms);
        api_reply_clear(&r);
    }
    size_t most = proc(&s, "VmHWM"), after = settles_below(&s, before + 24 * (size_t)MIB);
    print_message("resident before %zu, at most %zu, after %zu MiB\n", before / MIB, most / MIB,
                  after / MIB);
    if (before && !sanitized) {
        assert_true(most < before + 3 * (size_t)SIZE);
        assert_true(after < before + 24 * (size_t)MIB);
    }
    assert_int_equal(api_stop(&s), 0);
}

/* ---- no memory ---- */

struct want {
    const api_server *s;
    int kind, status;
};

static void *ask_for_much(void *arg)
{
    enum { SIZE = 28 * MIB };
    struct want *w = arg;
    api_reply r;
    if (w->kind == 0) {
        char *body = long_body("{\"text\":\"Hi\",\"audio_prompt\":\"", "QUJD", SIZE, "\"}");
        r = api_json(w->s, "/demo", body);
        free(body);
    } else if (w->kind == 1) {
        api_parts p = {0};
        char *noise = long_body("", "\r", SIZE, "");
        api_part_text(&p, "name", "big");
        api_part_file(&p, "file", "a.wav", noise, SIZE);
        api_parts_end(&p);
        r = api_multipart(w->s, "/voices/upload", &p);
        free(noise);
    } else {
        r = api_form(w->s, "/generate-tts", "voice_id=default&text=A+few+words+to+be+spoken.");
    }
    w->status = r.status;
    api_reply_clear(&r);
    return NULL;
}

/* Address space for little more than the start. What cannot be had is refused or cut, and then all
 * is as before. */
static void without_memory_requests_fail_and_the_server_lives(void **state)
{
    enum { AT_ONCE = 9, ROUNDS = 2 };
    struct rlimit own, tight;
    api_server s = {0};
    (void)state;
    if (sanitized) skip(); /* shadow memory is address space */
    assert_int_equal(getrlimit(RLIMIT_AS, &own), 0);
    for (rlim_t mib = 400; mib <= 600; mib += 200) {
        tight = own;
        tight.rlim_cur = mib * MIB;
        assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
        api_start(&s, "");
        assert_int_equal(setrlimit(RLIMIT_AS, &own), 0);
        for (int k = 0; k < ROUNDS; k++) {
            pthread_t threads[AT_ONCE];
            struct want wants[AT_ONCE];
            for (int i = 0; i < AT_ONCE; i++) {
                wants[i] = (struct want){&s, i % 3, 0};
                assert_int_equal(pthread_create(&threads[i], NULL, ask_for_much, &wants[i]), 0);
            }
            for (int i = 0; i < AT_ONCE; i++) {
                pthread_join(threads[i], NULL);
                int is = wants[i].status;
                if (is != 0 && is != 200 && is != 415 && is != 422 && is != 503)
                    fail_msg("answered with %d", is);
            }
        }
        poll(NULL, 0, 1200); /* it lays up its reserve again */
        api_reply r = api_form(&s, "/demo", "text=Still+here");
        assert_int_equal(r.status, 200);
        api_reply_clear(&r);
        assert_int_equal(api_stop(&s), 0);
    }
}

/* ---- the doors ---- */

/* Another process that writes: the writer's lock of SQLite is byte 120 of the shared-memory file.
 * Returns the file that holds it; close it to let go. */
static int hold_database(const api_server *s)
{
    char path[128];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 120, .l_len = 1};
    snprintf(path, sizeof path, "%s/data/timbre.db-shm", s->dir);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    for (int i = 0; i < test_patient(200) && fcntl(fd, F_SETLK, &lock) != 0;
         i++) /* between two of its looks */
        poll(NULL, 0, 5);
    assert_int_equal(fcntl(fd, F_SETLK, &lock), 0);
    return fd;
}

static int begin(const api_server *s, const char *method, const char *path)
{
    char head[512];
    int fd = api_connect(s);
    snprintf(head, sizeof head,
             "%s %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%sContent-Length: 0\r\n\r\n",
             method, path, api_basic());
    api_send_text(fd, head);
    return fd;
}

/* What needs no database is answered as if nothing were the matter. */
static void doors_are_open(const api_server *s, int64_t limit_ms)
{
    static const char *const doors[] = {"/health", "/ready", "/metrics", "/languages"};
    int64_t worst = 0;
    for (int i = 0; i < 24; i++) {
        api_reply r = api_get(s, doors[i % 4]);
        assert_int_equal(r.status, 200);
        if (r.total_ms > worst) worst = r.total_ms;
        api_reply_clear(&r);
    }
    print_message("worst of /health, /ready, /metrics, /languages: %lld ms\n", (long long)worst);
    assert_true(worst < test_patient(limit_ms));
}

static void the_doors_are_open_while_another_process_holds_the_database(void **state)
{
    enum { WAITING = 16 }; /* more than there are threads for them */
    api_server s = {0};
    int fds[WAITING], held;
    (void)state;
    api_start(&s, "");
    api_reply r = api_get(&s, "/voices");
    assert_int_equal(r.status, 200);
    api_reply_clear(&r);
    held = hold_database(&s);
    for (int i = 0; i < WAITING; i++)
        fds[i] = begin(&s, "DELETE", i % 2 ? "/history?ids=x" : "/voices/nobody");
    poll(NULL, 0, 300);
    doors_are_open(&s, 500);
    close(held);
    for (int i = 0; i < WAITING; i++) {
        r = api_read(fds[i], false);
        assert_true(r.status == 200 || r.status == 404);
        api_reply_clear(&r);
    }

    /* And who is told to stop does not wait for the other process. */
    held = hold_database(&s);
    for (int i = 0; i < WAITING; i++)
        fds[i] = begin(&s, "DELETE", "/voices/nobody");
    poll(NULL, 0, 300);
    int64_t told = api_now_ms();
    api_signal(&s, SIGTERM);
    for (int i = 0; i < WAITING; i++) {
        r = api_read(fds[i], false);
        assert_int_equal(r.status, 503);
        api_reply_clear(&r);
    }
    assert_int_equal(api_wait(&s), 0);
    assert_true(api_now_ms() - told < test_patient(8000));
    close(held);
    api_restart(&s);
    assert_int_equal(api_stop(&s), 0);
}

/* Who reads is not behind those who write; and these hear in time why they cannot. */
static void who_reads_goes_on_while_another_process_holds_the_database(void **state)
{
    static const char *const reads[] = {"/voices",      "/history",       "/history?limit=5",
                                        "/docs",        "/health",        "/jobs/none",
                                        "/voices/list", "/pronunciations"};
    enum { WAITING = 16, READS = sizeof reads / sizeof reads[0] };
    api_server s = {0};
    int fds[WAITING];
    int64_t worst = 0;
    (void)state;
    api_start(&s, "");
    int held = hold_database(&s);
    const int64_t began = api_now_ms();
    for (int i = 0; i < WAITING; i++)
        fds[i] = i % 3 == 0   ? begin(&s, "DELETE", "/voices/nobody")
                 : i % 3 == 1 ? begin(&s, "PUT", "/voices/nobody?new_name=x")
                              : begin(&s, "DELETE", "/history?delete_all=true");
    for (int i = 0; api_now_ms() - began < 4500; i++) {
        api_reply r = api_get(&s, reads[i % READS]);
        assert_int_equal(r.status, i % READS == 5 ? 404 : 200);
        if (r.total_ms > worst) worst = r.total_ms;
        api_reply_clear(&r);
    }
    print_message("worst of those who read: %lld ms\n", (long long)worst);
    assert_true(worst < test_patient(400));
    for (int i = 0; i < WAITING; i++) {
        api_reply r = api_read(fds[i], false);
        assert_int_equal(r.status, 503);
        assert_non_null(strstr((char *)r.body, "timbre.db"));
        assert_non_null(strstr((char *)r.body, "close that"));
        assert_true(api_header_is(&r, "Retry-After", "2"));
        api_reply_clear(&r);
    }
    assert_true(api_now_ms() - began < test_patient(7000));
    close(held);
    api_reply r = api_call(&s, "DELETE", "/history?delete_all=true", NULL);
    assert_int_equal(r.status, 200);
    api_reply_clear(&r);
    assert_int_equal(api_stop(&s), 0);
}

static int begin_speech(const api_server *s, const char *path, const char *form)
{
    char request[512];
    int fd = api_connect(s);
    snprintf(request, sizeof request,
             "POST %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%sContent-Type: "
             "application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n%s",
             path, api_basic(), strlen(form), form);
    api_send_text(fd, request);
    return fd;
}

/* More speech waits to be kept than there are workers; what is not kept is spoken all the same. */
static void speech_that_cannot_be_kept_yet_keeps_no_worker(void **state)
{
    enum { WAITING = 6 };
    api_server s = {0};
    int fds[WAITING], kept = 0;
    char total[16];
    (void)state;
    api_start(&s, "WORKERS=2\n");
    int held = hold_database(&s);
    for (int i = 0; i < WAITING; i++)
        fds[i] = begin_speech(&s, "/generate-tts", "voice_id=default&text=Hi");
    const int64_t began = api_now_ms();
    for (int i = 0; i < 3; i++) {
        api_reply r = api_form(&s, "/demo", "text=Hello");
        assert_int_equal(r.status, 200);
        api_reply_clear(&r);
    }
    print_message("three that need no database: %lld ms\n", (long long)(api_now_ms() - began));
    assert_true(api_now_ms() - began < test_patient(4000));
    close(held);
    for (int i = 0; i < WAITING; i++) {
        api_reply r = api_read(fds[i], false);
        assert_true(r.status == 200 || r.status == 503); /* where all that took over ten seconds */
        kept += r.status == 200;
        api_reply_clear(&r);
    }
    api_reply r = api_get(&s, "/history");
    snprintf(total, sizeof total, "%d", kept);
    assert_true(api_header_is(&r, "X-Total-Count", total));
    api_reply_clear(&r);
    assert_int_equal(api_stop(&s), 0);
}

struct large {
    const api_server *server;
    const char *path, *type;
    char *body;
};

static void *send_three_times(void *arg)
{
    const struct large *l = arg;
    for (int i = 0; i < 3; i++) {
        const api_extra extra = {.type = l->type, .body = l->body, .size = strlen(l->body)};
        api_reply r = api_call(l->server, "POST", l->path, &extra);
        assert_true(r.status >= 400 && r.status < 600);
        api_reply_clear(&r);
    }
    return NULL;
}

static void the_doors_are_open_while_large_bodies_are_read(void **state)
{
    api_server s = {0};
    (void)state;
    api_start(&s, "");
    struct large all[] = {
        {&s, "/demo", "application/json",
         long_body("{\"text\":\"Hi\",\"x\":[", "[],", 24 * MIB, "[]]}")},
        {&s, "/demo", "multipart/form-data; boundary=b",
         long_body("--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n", "\r", 24 * MIB,
                   "\r\n--b--\r\n")},
        {&s, "/demo", "application/x-www-form-urlencoded", long_body("text=", "%41", 24 * MIB, "")},
    };
    enum { N = sizeof all / sizeof *all };
    pthread_t threads[N];
    for (int i = 0; i < N; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_three_times, &all[i]), 0);
    poll(NULL, 0, 100);
    doors_are_open(&s, 500);
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        free(all[i].body);
    }
    assert_int_equal(api_stop(&s), 0);
}

static void a_long_history_comes_in_pieces_and_is_whole(void **state)
{
    enum { ENTRIES = 230 }; /* two pieces */
    api_server s = {0};
    tb_json *list = NULL;
    (void)state;
    api_start(&s, "");
    for (int i = 0; i < ENTRIES; i++) {
        char form[64];
        snprintf(form, sizeof form, "voice_id=default&seed=%d&text=A", i);
        api_reply r = api_form(&s, "/generate-tts", form);
        assert_int_equal(r.status, 200);
        api_reply_clear(&r);
    }
    for (int searching = 0; searching < 2; searching++) {
        api_reply r = api_get(&s, searching ? "/history?q=a" : "/history");
        assert_int_equal(r.status, 200);
        assert_true(r.complete && r.chunked);
        assert_true(api_header_is(&r, "X-Total-Count", "230"));
        assert_true(api_header_is(&r, "Content-Type", "application/json"));
        assert_int_equal(tb_json_parse((char *)r.body, r.size, &list, NULL), TB_OK);
        assert_int_equal(tb_json_len(list), ENTRIES);
        for (int i = 0; i < ENTRIES; i++) /* newest first, none twice */
            assert_int_equal(tb_json_integer(tb_json_get(tb_json_at(list, (size_t)i), "seed")),
                             ENTRIES - 1 - i);
        tb_json_free(list);
        api_reply_clear(&r);
    }
    api_reply r = api_get(&s, "/history?limit=230");
    assert_true(r.complete && !r.chunked);
    assert_int_equal(tb_json_parse((char *)r.body, r.size, &list, NULL), TB_OK);
    assert_int_equal(tb_json_len(list), ENTRIES);
    tb_json_free(list);
    api_reply_clear(&r);
    /* One who does not read, and one who leaves, hold nobody up. */
    int rude[8];
    for (int i = 0; i < 8; i++)
        rude[i] = begin(&s, "GET", "/history");
    for (int i = 0; i < 4; i++)
        close(rude[i]);
    doors_are_open(&s, 500);
    for (int i = 4; i < 8; i++)
        close(rude[i]);
    assert_int_equal(api_stop(&s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_costs_three_times_its_size_and_is_given_back),
        cmocka_unit_test(without_memory_requests_fail_and_the_server_lives),
        cmocka_unit_test(the_doors_are_open_while_another_process_holds_the_database),
        cmocka_unit_test(who_reads_goes_on_while_another_process_holds_the_database),
        cmocka_unit_test(speech_that_cannot_be_kept_yet_keeps_no_worker),
        cmocka_unit_test(the_doors_are_open_while_large_bodies_are_read),
        cmocka_unit_test(a_long_history_comes_in_pieces_and_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
