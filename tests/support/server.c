/*
 * Support of the API tests: starts a real server in an empty folder, waits for it, stops it.
 */
#include "server.h"
#include "folder.h"
#include "patience.h"
#ifdef TB_HAVE_GNUTLS
#include "tls.h"
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

enum { START_MS = 60000, STOP_MS = 40000 };

static pid_t running; /* of the one server a test program has; for its own sudden end */

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "api harness: %s: %s\n", what, strerror(errno));
    exit(1);
}

int64_t api_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void leave_nobody(void)
{
    if (running > 0) kill(running, SIGKILL);
}

static void write_env(const char *dir, const char *more)
{
    char path[128];
    snprintf(path, sizeof path, "%s/.env", dir);
    FILE *f = fopen(path, "w");
    if (!f) die(path);
    fprintf(f,
            "HOST=127.0.0.1\nPORT=0\nAPI_USERNAME=" API_USER "\nAPI_PASSWORD=\"" API_PASSWORD
            "\"\nAPI_KEY=" API_KEY "\n"
            /* No test asks a hub, nor looks at what this machine's owner has downloaded. */
            "MODEL_DOWNLOAD=0\nHF_HUB_CACHE=no-cache\nHF_HOME=no-cache\n%s",
            more ? more : "");
    fclose(f);
}

void api_calm_environment(void)
{
    static const char *const names[] = {"ENGINE",        "MODEL",          "MODEL_TYPE",
                                        "MODEL_VARIANT", "MODEL_REVISION", "MODEL_DOWNLOAD",
                                        "PERTH",         "THREADS",        "HF_ENDPOINT",
                                        "HF_TOKEN",      "HF_HUB_OFFLINE", "HF_HUB_CACHE",
                                        "HF_HOME",       "http_proxy",     "https_proxy",
                                        "HTTPS_PROXY",   "all_proxy",      "ALL_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

static int wait_for_port(int fd)
{
    char text[4096];
    size_t n = 0;
    int64_t until = api_now_ms() + test_patient(START_MS);
    while (n < sizeof text - 1 && api_now_ms() < until) {
        struct pollfd p = {fd, POLLIN, 0};
        if (poll(&p, 1, 100) <= 0) continue;
        ssize_t got = read(fd, text + n, sizeof text - 1 - n);
        if (got <= 0) break;
        n += (size_t)got;
        text[n] = 0;
        char *at = strstr(text, "listening on http");
        char *end = at ? strchr(at, '\n') : NULL;
        if (end) {
            *end = 0;
            return atoi(strrchr(at, ':') + 1);
        }
    }
    return -1;
}

static _Noreturn void become_server(const api_server *s, int out)
{
    char log[128];
    snprintf(log, sizeof log, "%s/log", s->dir);
    int err = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test itself is killed */
#endif
    dup2(out, 1);
    if (err >= 0) dup2(err, 2);
    if (chdir(s->dir) != 0) _exit(126);
    execl(s->program ? s->program : TB_TEST_PROGRAM, "timbre", "serve", (char *)NULL);
    _exit(127);
}

void api_restart(api_server *s)
{
    int out[2];
    if (pipe(out) != 0) die("pipe");
    fcntl(out[0], F_SETFD, FD_CLOEXEC);
    s->pid = fork();
    if (s->pid < 0) die("fork");
    if (s->pid == 0) become_server(s, out[1]);
    running = s->pid;
    close(out[1]);
    s->out = out[0]; /* stays open: a server whose stdout is gone is another test */
    s->port = wait_for_port(out[0]);
    if (s->port <= 0) {
        fprintf(stderr, "api harness: the server did not start; see %s/log\n", s->dir);
        exit(1);
    }
}

static void make_home(api_server *s, const char *env)
{
    signal(SIGPIPE, SIG_IGN);
    api_calm_environment();
    s->tls = false; /* a test may give us memory of no value */
    strcpy(s->dir, "/tmp/timbre-api-XXXXXX");
    if (!mkdtemp(s->dir)) die("mkdtemp");
    write_env(s->dir, env);
}

void api_start(api_server *s, const char *env)
{
    atexit(leave_nobody);
    make_home(s, env);
    api_restart(s);
}

bool api_start_tls(api_server *s, const char *env)
{
#ifdef TB_HAVE_GNUTLS
    char path[128], lines[2048];
    atexit(leave_nobody);
    snprintf(lines, sizeof lines, "TLS_CERT=own.pem\nTLS_KEY=own.pem\n%s", env ? env : "");
    make_home(s, lines);
    snprintf(path, sizeof path, "%s/own.pem", s->dir);
    s->tls = tls_write_certificate(path);
    if (s->tls)
        api_restart(s);
    else
        test_folder_remove(s->dir);
    return s->tls;
#else
    (void)s;
    (void)env;
    return false;
#endif
}

void api_signal(const api_server *s, int signal)
{
    kill(s->pid, signal);
}

void api_kill(api_server *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    running = 0;
    close(s->out);
}

int api_wait(api_server *s)
{
    int status = 0;
    int64_t until = api_now_ms() + test_patient(STOP_MS);
    while (api_now_ms() < until) {
        pid_t got = waitpid(s->pid, &status, WNOHANG);
        if (got < 0) return -1; /* buried already: a test failed between its end and a restart */
        if (got == s->pid) {
            running = 0;
            close(s->out);
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        }
        poll(NULL, 0, 20);
    }
    api_kill(s);
    return -1;
}

static void remove_home(const api_server *s);

int api_start_fails(const char *env, char *said, size_t size)
{
    api_server s = {0};
    char path[128];
    int status = 0;
    make_home(&s, env);
    s.pid = fork();
    if (s.pid < 0) die("fork");
    if (s.pid == 0) {
        alarm((unsigned)(test_patient(START_MS) /
                         1000)); /* one that starts after all ends by itself */
        become_server(&s, open("/dev/null", O_WRONLY));
    }
    waitpid(s.pid, &status, 0);
    snprintf(path, sizeof path, "%s/log", s.dir);
    FILE *f = fopen(path, "r");
    if (!f) die(path);
    said[fread(said, 1, size - 1, f)] = 0;
    fclose(f);
    remove_home(&s);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void remove_home(const api_server *s)
{
    test_folder_remove(s->dir);
}

int api_stop(api_server *s)
{
    api_signal(s, SIGTERM);
    int code = api_wait(s);
    if (code != 0) /* the log is evidence: named and kept */
        fprintf(stderr, "api harness: the server ended with %d; see %s/log\n", code, s->dir);
    else
        remove_home(s);
    return code;
}
