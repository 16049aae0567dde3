/*
 * What a child that has been taken over can still do: each attempt of attempts.h is made by a
 * process of its own inside each sandbox, with the namespaces that this system gives and without
 * any. With SANDBOX_VERBOSE=1 the verdicts are printed.
 */
#ifdef __linux__
#define _GNU_SOURCE /* F_SETSIG */
#endif
#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef __linux__
#include "attempts.h"

#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>

/* Sanitizers make calls of their own, which no filter permits: there is none for our own program
 * then, and this one cannot be another. */
#ifdef TB_SANITIZED
enum { SANITIZED = 1, LAST_KIND = TB_CONFINE_SELF };
#else
enum { SANITIZED = 0, LAST_KIND = TB_CONFINE_PROGRAM };
#endif
enum { REFUSED = 50, ALLOWED = 51, OTHER = 52 };
enum { OURS, PROGRAM, SCRIPT, KINDS };

static char self[PATH_MAX], script[PATH_MAX], secret[PATH_MAX];
static char folder[] = "/tmp/timbre-test-sandbox-XXXXXX";

/* In the child: argv is attempt KIND NUMBER VICTIM FILE. */
static int attempt(char **argv)
{
    const struct attempt *a = &attempts[atoi(argv[3])];
    victim = atoi(argv[4]);
    own_file = argv[5];
    own_program = argv[0];
    if (atoi(argv[2]) == OURS && tb_confine_self(NULL)) return OTHER;
    errno = 0;
    if (a->make() >= 0) _exit(ALLOWED);
    _exit(errno == EPERM || errno == EACCES || errno == ENOSYS || errno == EAGAIN ? REFUSED
                                                                                  : OTHER);
}

/* r, a, or ? when the call failed for a reason of its own. */
static char verdict_of(int kind, size_t number)
{
    char kind_text[8], number_text[16], victim_text[16], *out = NULL;
    size_t size = 0;
    tb_err err = {0};
    tb_child_exit how = {0};
    snprintf(kind_text, sizeof kind_text, "%d", kind);
    snprintf(number_text, sizeof number_text, "%zu", number);
    snprintf(victim_text, sizeof victim_text, "%d", (int)getpid());
    const char *argv[] = {kind == SCRIPT ? script : self,
                          "attempt",
                          kind_text,
                          number_text,
                          victim_text,
                          secret,
                          NULL};
    tb_child child = {.argv = argv,
                      .output_max = 1000,
                      .wall_ms = 60000,
                      .name = "the attempt",
                      .confine = kind == OURS ? TB_CONFINE_SELF : TB_CONFINE_PROGRAM};
    tb_status st = tb_child_run(&child, NULL, &out, &size, &how, &err);
    if (st) print_error("%s: %s\n", attempts[number].name, err.msg);
    assert_int_equal(st, TB_OK);
    tb_free(out);
    if (how.signal == SIGSYS || how.exit_code == REFUSED) return 'r';
    if (how.exit_code == 128 + SIGSYS) return 'r'; /* as a shell tells it */
    return how.exit_code == ALLOWED || how.exit_code == 0 ? 'a' : '?';
}

static bool has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
}

static int count_wrong(void)
{
    static const char *const kinds[] = {"ours", "program", "script"};
    const bool verbose = getenv("SANDBOX_VERBOSE") != NULL, landlock = has_landlock();
    int wrong = 0;
    for (size_t i = 0; i < ATTEMPTS; i++) {
        char got[KINDS + 1] = "   ";
        for (int kind = 0; kind < KINDS; kind++) {
            char wanted = attempts[i].verdict[kind];
            if (wanted == 'l') wanted = landlock ? 'r' : '-';
            got[kind] = verdict_of(kind, i);
            if (got[kind] == wanted || wanted == '-') continue;
            print_error("%s, in the sandbox of %s: %c, should be %c\n", attempts[i].name,
                        kinds[kind], got[kind], wanted);
            wrong++;
        }
        if (verbose) print_message("%-36s %c %c %c\n", attempts[i].name, got[0], got[1], got[2]);
    }
    return wrong;
}

static void each_call_gets_its_verdict(void **state)
{
    (void)state;
    assert_true(ATTEMPTS >= 42);
    if (SANITIZED) skip();
    assert_int_equal(count_wrong(), 0);
}

/* A system that has no clone3, so no namespaces: what they would have made impossible is refused
 * all the same. */
static void also_where_there_are_no_namespaces(void **state)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {sizeof code / sizeof *code, code};
    int how = 0;
    (void)state;
    if (SANITIZED) skip();
    pid_t pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) _exit(100);
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0)) _exit(77);
        _exit(count_wrong() ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how));
    if (WEXITSTATUS(how) == 77) skip();
    assert_int_equal(WEXITSTATUS(how), 0);
}

static void run(const char *mode, tb_confine_kind kind, char **out, tb_child_exit *how)
{
    const char *argv[] = {self, mode, NULL};
    size_t size = 0;
    tb_child child = {
        .argv = argv, .output_max = 10000, .wall_ms = 60000, .name = "the child", .confine = kind};
    assert_int_equal(tb_child_run(&child, NULL, out, &size, how, NULL), TB_OK);
}

static void passwords_do_not_come_with_the_environment(void **state)
{
    char *out = NULL;
    tb_child_exit how = {0};
    (void)state;
    setenv("API_PASSWORD", "of the owner", 1);
    setenv("API_KEY", "of the owner", 1);
    setenv("HF_TOKEN", "of the owner", 1);
    for (int kind = TB_CONFINE_NONE; kind <= (int)LAST_KIND; kind++) {
        run("environment", (tb_confine_kind)kind, &out, &how);
        assert_int_equal(how.exit_code, 0);
        if (!SANITIZED && !getenv("LD_LIBRARY_PATH")) assert_string_equal(out, "");
        assert_null(strstr(out, "owner"));
        tb_free(out);
    }
}

static void a_child_has_no_capabilities_and_cannot_get_any(void **state)
{
    char *out = NULL;
    tb_child_exit how = {0};
    (void)state;
    run("status", TB_CONFINE_SELF, &out, &how);
    assert_int_equal(how.exit_code, 0);
    if (!strstr(out, "CapPrm")) skip();
    assert_non_null(strstr(out, "CapPrm:\t0000000000000000"));
    assert_non_null(strstr(out, "CapEff:\t0000000000000000"));
    assert_non_null(strstr(out, "NoNewPrivs:\t1"));
    tb_free(out);
}

/* A process that starts a child and is killed while the child works. */
static void a_child_dies_with_its_server(void **state)
{
    int ends[2], how;
    char byte;
    (void)state;
    for (int kind = TB_CONFINE_NONE; kind <= (int)LAST_KIND; kind++) {
        assert_int_equal(pipe(ends), 0);
        pid_t server = fork();
        if (server == 0) {
            char *out = NULL;
            size_t size;
            tb_child_exit told;
            const char *argv[] = {self, "hold", NULL};
            tb_child child = {.argv = argv, /* it holds the pipe's end until it dies */
                              .input_fd = ends[1],
                              .output_max = 10,
                              .wall_ms = 600000,
                              .name = "the child",
                              .confine = (tb_confine_kind)kind};
            _exit(tb_child_run(&child, NULL, &out, &size, &told, NULL));
        }
        close(ends[1]);
        assert_int_equal(read(ends[0], &byte, 1), 1); /* the child is there */
        assert_int_equal(kill(server, SIGKILL), 0);
        assert_int_equal(waitpid(server, &how, 0), server);
        assert_true(WIFSIGNALED(how));
        assert_int_equal(read(ends[0], &byte, 1), 0); /* nobody holds it any more */
        close(ends[0]);
    }
}

static int hold(void)
{
    ssize_t n = write(3, "x", 1);
    for (;;)
        tb_clock_sleep_ms(1000);
    return n == 1;
}

static int print_environment(void)
{
    extern char **environ;
    for (char **e = environ; *e; e++)
        puts(*e);
    return 0;
}

static int print_status(void)
{
    char line[200];
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        fputs(line, stdout);
    if (f) fclose(f);
    return 0;
}

static int set_up(void **state)
{
    char text[PATH_MAX + 100];
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(secret, sizeof secret, "%s/secret", folder);
    snprintf(script, sizeof script, "%s/script", folder);
    snprintf(text, sizeof text, "#!/bin/sh\n'%s' \"$@\"\nexit $?\n", self);
    return tb_file_write(secret, "key", 3, 0600, NULL) ||
           tb_file_write(script, text, strlen(text), 0700, NULL);
}

static int tear_down(void **state)
{
    static const char *const left[] = {"was-here", "folder", "link", "device"};
    char path[64];
    (void)state;
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        snprintf(path, sizeof path, "/tmp/timbre-sandbox-%s", left[i]);
        remove(path);
    }
    unlink(secret);
    unlink(script);
    return rmdir(folder);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_gets_its_verdict),
        cmocka_unit_test(also_where_there_are_no_namespaces),
        cmocka_unit_test(passwords_do_not_come_with_the_environment),
        cmocka_unit_test(a_child_has_no_capabilities_and_cannot_get_any),
        cmocka_unit_test(a_child_dies_with_its_server),
    };
    if (argc == 6 && strcmp(argv[1], "attempt") == 0) return attempt(argv);
    if (argc == 2 && strcmp(argv[1], "hold") == 0) return hold();
    if (argc == 2 && strcmp(argv[1], "environment") == 0) return print_environment();
    if (argc == 2 && strcmp(argv[1], "status") == 0) return print_status();
    if (!realpath(argv[0], self)) return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

#else

static void there_is_no_sandbox_here(void **state)
{
    (void)state;
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(there_is_no_sandbox_here)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
