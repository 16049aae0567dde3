#include "client.h"
#include "patience.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * A server whose table of open files is as good as full, or whose files are gone. The limits are
 * inherited from this program, which can lower them but not raise them again: the tests go from
 * more to fewer.
 */
enum { LEAST = 64, CALLERS = 40, PATIENCE_MS = 10000 };

static void limit_files(size_t n)
{
    struct rlimit r = {n, n};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &r), 0);
}

static int health(const api_server *s)
{
    api_reply r = api_get(s, "/health");
    int status = r.status;
    api_reply_clear(&r);
    return status;
}

static void fill_with_idle_callers(const api_server *s, int idle[CALLERS])
{
    for (int i = 0; i < CALLERS; i++) {
        idle[i] = api_connect(s);
        if (idle[i] >= 0) api_send_text(idle[i], "GET /health HTTP/1.1\r\nHost: a\r\n");
    }
    poll(NULL, 0, 200);
}

static void leave(const int idle[CALLERS])
{
    for (int i = 0; i < CALLERS; i++)
        if (idle[i] >= 0) close(idle[i]);
}

/* Whoever comes is answered or sent away at once, and when there is room again all is well. */
static void a_full_table_answers_and_recovers(void **state)
{
    api_server s = {0};
    int idle[CALLERS];
    (void)state;
    limit_files(LEAST);
    api_start(&s, NULL);
    s.mortal = true;
    for (int round = 0; round < 3; round++) {
        fill_with_idle_callers(&s, idle);
        int64_t began = api_now_ms();
        for (int i = 0; i < 5; i++) {
            int status = health(&s);
            assert_true(status == 503 || status == 200 || status == 0);
        }
        assert_true(api_now_ms() - began < test_patient(2000));
        leave(idle);
        began = api_now_ms();
        while (health(&s) != 200) {
            assert_true(api_now_ms() - began < test_patient(PATIENCE_MS));
            poll(NULL, 0, 50);
        }
        api_reply r = api_form(&s, "/demo", "text=Still+here.");
        assert_int_equal(r.status, 200);
        api_reply_clear(&r);
    }
    assert_int_equal(api_stop(&s), 0);
}

/* A folder of the data is not one any more: whatever fails says so without its path. */
static void a_fault_names_no_path(void **state)
{
    static const char *const data[] = {"DATA=data\n", "DATA=./data/of/mine\n"};
    (void)state;
    for (size_t i = 0; i < sizeof data / sizeof data[0]; i++) {
        api_server s = {0};
        char clips[200];
        api_start(&s, data[i]);
        snprintf(clips, sizeof clips, "%s/%.*s/clips", s.dir, (int)strcspn(data[i] + 5, "\n"),
                 data[i] + 5);
        assert_int_equal(rmdir(clips), 0);
        FILE *f = fopen(clips, "w");
        assert_non_null(f);
        fclose(f);
        api_reply r = api_form(&s, "/generate-tts", "voice_id=default&text=No+place+for+this.");
        assert_int_equal(r.status, 500);
        assert_null(strstr((char *)r.body, "data"));
        assert_null(strstr((char *)r.body, "/"));
        assert_non_null(strstr((char *)r.body, "(a file)"));
        api_reply_clear(&r);
        assert_int_equal(api_stop(&s), 0);
    }
}

static void fewer_than_the_least_do_not_start(void **state)
{
    char said[4096];
    (void)state;
    for (size_t n = LEAST - 1; n >= 24; n -= 13) {
        limit_files(n);
        assert_int_not_equal(api_start_fails(NULL, said, sizeof said), 0);
        char *sentence = strstr(said, "the limit of open files is ");
        assert_non_null(sentence);
        assert_non_null(strstr(sentence, "ulimit -n"));
        assert_null(strstr(sentence + 1, "the limit of open files")); /* once */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_names_no_path),
        cmocka_unit_test(a_full_table_answers_and_recovers),
        cmocka_unit_test(fewer_than_the_least_do_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
