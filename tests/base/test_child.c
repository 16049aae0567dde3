/*
 * Tests of child processes: output and exit codes, limits, cancelling, descriptors, many threads at
 * once.
 */
#include "base/child.h"

#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* after the four above, as it asks */
#include <cmocka.h>

static tb_status sh(const char *line, const char *input, size_t input_size, int wall_ms,
                    const tb_cancel *cancel, char **out, size_t *size, tb_child_exit *how)
{
    const char *argv[] = {"sh", "-c", line, NULL};
    tb_child child = {.argv = argv,
                      .input = input,
                      .input_size = input_size,
                      .output_max = 1 << 20,
                      .wall_ms = wall_ms,
                      .name = "the shell"};
    tb_err err = {0};
    return tb_child_run(&child, cancel, out, size, how, &err);
}

static void what_is_said_and_the_exit_code_come_back(void **state)
{
    char *out = NULL;
    size_t size = 0;
    tb_child_exit how = {0};
    (void)state;
    assert_int_equal(sh("cat; echo oh >&2; exit 7", "hello", 5, 20000, NULL, &out, &size, &how), 0);
    assert_int_equal(size, 5);
    assert_string_equal(out, "hello");
    assert_int_equal(how.exit_code, 7);
    assert_non_null(strstr(how.stderr_text, "oh"));
    tb_free(out);
}

static void a_megabyte_goes_through_both_ways(void **state)
{
    char *in = tb_alloc(1 << 20), *out = NULL;
    size_t size = 0;
    tb_child_exit how = {0};
    (void)state;
    memset(in, 'x', 1 << 20);
    assert_int_equal(sh("cat", in, 1 << 20, 20000, NULL, &out, &size, &how), TB_OK);
    assert_int_equal(size, 1 << 20);
    assert_memory_equal(in, out, size);
    tb_free(in);
    tb_free(out);
}

static void input_nobody_reads_does_no_harm(void **state)
{
    char *in = tb_alloc(1 << 20), *out = NULL;
    size_t size = 0;
    tb_child_exit how = {0};
    (void)state;
    assert_int_equal(sh("exit 3", in, 1 << 20, 20000, NULL, &out, &size, &how), TB_OK);
    assert_int_equal(how.exit_code, 3);
    tb_free(in);
    tb_free(out);
}

static void ends_that_are_not_its_own_are_told_apart(void **state)
{
    char *out = NULL;
    size_t size = 0;
    tb_child_exit how = {0};
    tb_cancel cancel = {true};
    const char *argv[] = {"timbre-no-such-program", NULL};
    tb_child absent = {.argv = argv, .output_max = 10, .wall_ms = 100, .name = "nothing"};
    (void)state;
    assert_int_equal(sh("sleep 60", NULL, 0, 50, NULL, &out, &size, &how), TB_ETIMEOUT);
    assert_int_equal(sh("sleep 60", NULL, 0, 20000, &cancel, &out, &size, &how), TB_ECANCELLED);
    assert_int_equal(sh("yes", NULL, 0, 20000, NULL, &out, &size, &how), TB_ETOOBIG);
    assert_int_equal(tb_child_run(&absent, NULL, &out, &size, &how, NULL), TB_ENOTFOUND);
    assert_null(out);
    assert_int_equal(sh("kill -9 $$", NULL, 0, 20000, NULL, &out, &size, &how), TB_OK);
    assert_int_equal(how.signal, SIGKILL);
    assert_int_equal(how.exit_code, -1);
    tb_free(out);
}

/* A loaded machine makes everything slow: who works is bounded by processor time, who waits by the
 * clock, and who only seems to work by both. */
static void who_works_is_not_stopped_by_the_clock(void **state)
{
    static const struct {
        const char *line;
        int wall_ms, cpu_seconds;
        tb_status wanted;
        bool killed;
    } cases[] = {
        {"while :; do :; done", 400, 1, TB_OK, true},
        {"i=0; while [ $i -lt 1500000 ]; do i=$((i+1)); done", 400, 60, TB_OK, false},
        {"sleep 60", 50, 1, TB_ETIMEOUT, false},
        {"while :; do :; done", 50, 0, TB_ETIMEOUT, false},
        {"while :; do sleep 0.01; done", 40, 10, TB_ETIMEOUT, false},
    };
    (void)state;
#ifndef __linux__
    skip();
#endif
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *argv[] = {"sh", "-c", cases[i].line, NULL};
        tb_child child = {.argv = argv,
                          .output_max = 1000,
                          .wall_ms = cases[i].wall_ms,
                          .cpu_seconds = cases[i].cpu_seconds,
                          .name = "the shell"};
        char *out = NULL;
        size_t size = 0;
        tb_child_exit how = {0};
        print_message("%s\n", cases[i].line);
        assert_int_equal(tb_child_run(&child, NULL, &out, &size, &how, NULL), cases[i].wanted);
        assert_int_equal(how.signal != 0, cases[i].killed);
        tb_free(out);
    }
}

static void its_grandchildren_die_with_it(void **state)
{
    char *out = NULL;
    size_t size = 0;
    tb_child_exit how = {0};
    (void)state;
    assert_int_equal(sh("sleep 60 >/dev/null 2>&1 & echo $!", NULL, 0, 20000, NULL, &out, &size,
                        &how),
                     TB_OK);
    pid_t pid = (pid_t)atoi(out);
    tb_free(out);
    assert_true(pid > 1);
    /* Killed before the call came back; the system's reaper may take a moment, or (in a container
     * without one) leave a zombie. */
    char line[128];
    snprintf(line, sizeof line, "ps -o stat= -p %d | grep -v Z; true", (int)pid);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(sh(line, NULL, 0, 20000, NULL, &out, &size, &how), TB_OK);
        tb_free(out);
        if (size == 0) break;
    }
    assert_int_equal(size, 0);
}

/* While other threads hold pipes open to their own children, a child sees 0, 1 and 2 only, and its
 * input ends when it should. */
static void *spawn(void *self)
{
    int *bad = self;
    for (int i = 0; i < 20; i++) {
        char *out = NULL;
        size_t size = 0;
        tb_child_exit how = {0};
        /* 3 is the folder that ls itself reads */
        if (sh("cat; exec ls /proc/self/fd", "a\n", 2, 20000, NULL, &out, &size, &how) ||
            strcmp(out, "a\n0\n1\n2\n3\n") != 0)
            ++*bad;
        tb_free(out);
    }
    return NULL;
}

static void nothing_leaks_between_children_of_many_threads(void **state)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    int bad[THREADS] = {0}, sum = 0;
    (void)state;
    if (access("/proc/self/fd", R_OK) != 0) skip();
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, spawn, &bad[i]);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += bad[i];
    }
    assert_int_equal(sum, 0);
}

/* More than a pipe holds, before anything is said on the other one. */
static void much_on_stderr_holds_nobody_up(void **state)
{
    char *out = NULL;
    size_t size = 0;
    tb_child_exit how = {0};
    (void)state;
    assert_int_equal(sh("head -c 300000 /dev/zero | tr '\\0' e >&2; echo said", NULL, 0, 20000,
                        NULL, &out, &size, &how),
                     TB_OK);
    assert_string_equal(out, "said\n");
    assert_int_equal(how.exit_code, 0);
    assert_int_equal(how.stderr_text[0], 'e');
    tb_free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(much_on_stderr_holds_nobody_up),
        cmocka_unit_test(what_is_said_and_the_exit_code_come_back),
        cmocka_unit_test(a_megabyte_goes_through_both_ways),
        cmocka_unit_test(input_nobody_reads_does_no_harm),
        cmocka_unit_test(ends_that_are_not_its_own_are_told_apart),
        cmocka_unit_test(who_works_is_not_stopped_by_the_clock),
        cmocka_unit_test(its_grandchildren_die_with_it),
        cmocka_unit_test(nothing_leaks_between_children_of_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
