#include "base/child.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

enum { TICK_MS = 10, CHUNK = 65536 };

static char self_path[PATH_MAX];

const char *tb_child_self(void)
{
    const char *given = getenv("TIMBRE_PROGRAM");
    if (given && *given) return given;
    if (self_path[0]) return self_path;
#ifdef __APPLE__
    uint32_t size = sizeof self_path;
    if (_NSGetExecutablePath(self_path, &size) != 0) self_path[0] = 0;
#else
    ssize_t n = readlink("/proc/self/exe", self_path, sizeof self_path - 1);
    self_path[n > 0 ? n : 0] = 0;
    /* A program replaced while it runs (timbre serve --dev) is named so; its path is the new one.
     */
    if (tb_str_ends(self_path, " (deleted)")) self_path[strlen(self_path) - 10] = 0;
#endif
    return self_path;
}

char *tb_child_which(const char *program)
{
    if (strchr(program, '/')) return access(program, X_OK) == 0 ? tb_strdup(program) : NULL;
    const char *path = getenv("PATH");
    if (!path || !*path) path = "/usr/local/bin:/usr/bin:/bin";
    while (*path) {
        size_t n = strcspn(path, ":");
        char *full = tb_sprintf("%.*s/%s", n ? (int)n : 1, n ? path : ".", program);
        if (access(full, X_OK) == 0 && !tb_file_is_dir(full)) return full;
        tb_free(full);
        path += n + (path[n] == ':');
    }
    return NULL;
}

static void limit(int what, rlim_t value)
{
    struct rlimit r = {value, value};
    setrlimit(what, &r);
}

/* Between fork and exec: only functions that are safe after a fork of a threaded program. fds: in,
 * out, err and the extra one, all above 3. */
TB_NORETURN static void become(const tb_child *child, const char *path, char *const *argv,
                               const int fds[4], int most_fd)
{
    sigset_t none;
    setpgid(0, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    for (int i = 0; i < 4; i++)
        if (fds[i] >= 0 && dup2(fds[i], i) < 0) _exit(126);
    for (int fd = fds[3] >= 0 ? 4 : 3; fd < most_fd; fd++)
        close(fd);
    if (child->cpu_seconds > 0) limit(RLIMIT_CPU, (rlim_t)child->cpu_seconds);
#ifndef TB_SANITIZED
    if (child->memory_bytes > 0) limit(RLIMIT_AS, child->memory_bytes);
#endif
    limit(RLIMIT_CORE, 0);
    execv(path, argv);
    _exit(127);
}

/* A pipe whose ends lie above the descriptors that the child puts in place, close-on-exec. */
static int high_pipe(int ends[2])
{
    int raw[2];
    if (pipe(raw) != 0) return -1;
    for (int i = 0; i < 2; i++) {
        ends[i] = fcntl(raw[i], F_DUPFD_CLOEXEC, 10);
        close(raw[i]);
    }
    return ends[0] < 0 || ends[1] < 0 ? -1 : 0;
}

static void shut(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

struct run {
    const tb_child *child;
    int in, out, err; /* our ends */
    size_t written;
    tb_str output;
    char said[256];
    size_t said_len;
};

static void feed(struct run *r)
{
    size_t left = r->child->input_size - r->written;
    ssize_t n = left ? write(r->in, (const char *)r->child->input + r->written, left) : 0;
    if (n > 0) r->written += (size_t)n;
    if (r->written == r->child->input_size || (n < 0 && errno != EAGAIN && errno != EINTR))
        shut(&r->in); /* all said, or it does not listen any more: its exit code tells */
}

static tb_status drink(struct run *r, tb_err *err)
{
    char chunk[CHUNK];
    ssize_t n = read(r->out, chunk, sizeof chunk);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) shut(&r->out);
    if (n > 0 && !tb_str_add(&r->output, chunk, (size_t)n))
        return tb_fail(err, TB_ETOOBIG, "%s put out more than %zu bytes", r->child->name,
                       r->child->output_max);
    return TB_OK;
}

static void overhear(struct run *r)
{
    char chunk[512];
    ssize_t n = read(r->err, chunk, sizeof chunk);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) shut(&r->err);
    for (ssize_t i = 0; i < n && r->said_len + 1 < sizeof r->said; i++) {
        unsigned char c = (unsigned char)chunk[i];
        r->said[r->said_len++] = c < 0x20 || c > 0x7E ? ' ' : (char)c;
    }
}

/* Processor time that the child itself has used; 0 where the system does not tell. */
static int64_t spent_ns(pid_t pid)
{
#ifdef __linux__
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &t) == 0)
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
#endif
    (void)pid;
    return 0;
}

struct patience {
    int64_t until, last, spent; /* spent: at the last look */
};

/* Whether its time is over; a child that has worked since the last look gets the same again. */
static bool is_over(struct patience *p, const tb_child *child, pid_t pid)
{
    const int64_t now = tb_clock_mono_ns();
    if (now <= p->until) return false;
    const int64_t spent = child->cpu_seconds > 0 ? spent_ns(pid) : 0;
    if (now > p->last || spent <= p->spent) return true;
    p->spent = spent;
    p->until = now + (int64_t)child->wall_ms * 1000000;
    return false;
}

/* Until its output is closed and it has ended. */
static tb_status attend(struct run *r, pid_t pid, const tb_cancel *cancel, int *wait_status,
                        bool *reaped, tb_err *err)
{
    const int64_t now = tb_clock_mono_ns(), wall = (int64_t)r->child->wall_ms * 1000000;
    struct patience patience = {now + wall, now + TB_CHILD_LONGEST * wall, 0};
    for (;;) {
        struct pollfd fds[3] = {{r->in, POLLOUT, 0}, {r->out, POLLIN, 0}, {r->err, POLLIN, 0}};
        if (tb_cancelled(cancel)) return tb_fail_cancelled(err);
        if (is_over(&patience, r->child, pid))
            return tb_fail(err, TB_ETIMEOUT, "%s took more than %d ms", r->child->name,
                           r->child->wall_ms);
        if (r->out < 0) {
            pid_t got = waitpid(pid, wait_status, WNOHANG);
            if (got == pid || (got < 0 && errno == ECHILD)) {
                *reaped = true;
                return TB_OK;
            }
            poll(fds, 3, 1); /* it closed its output and is about to end */
        } else if (poll(fds, 3, TICK_MS) < 0 && errno != EINTR) {
            return tb_fail_errno(err, errno, "cannot wait for %s", r->child->name);
        }
        if (r->in >= 0 && fds[0].revents) feed(r);
        if (r->out >= 0 && fds[1].revents) {
            tb_status st = drink(r, err);
            if (st) return st;
        }
        if (r->err >= 0 && fds[2].revents) overhear(r);
    }
}

tb_status tb_child_run(const tb_child *child, const tb_cancel *cancel, char **output,
                       size_t *output_size, tb_child_exit *how, tb_err *err)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, said[2] = {-1, -1}, extra = -1, wait_status = 0;
    struct run r = {.child = child, .in = -1, .out = -1, .err = -1};
    struct rlimit files;
    char **argv = NULL;
    size_t argc = 0;
    bool reaped = false;
    pid_t pid = -1;
    tb_status st = TB_OK;
    char *path = tb_child_which(child->argv[0]);

    /* A child that does not read its input must be an error of write, in every program of ours. */
    signal(SIGPIPE, SIG_IGN);
    tb_str_init(&r.output, child->output_max);
    if (!path) {
        st = tb_fail(err, TB_ENOTFOUND, "the program %s is not installed", child->argv[0]);
        goto done;
    }
    if (high_pipe(in) || high_pipe(out) || high_pipe(said)) {
        st = tb_fail_errno(err, errno, "cannot make pipes for %s", child->name);
        goto done;
    }
    if (child->input_fd > 0 && (extra = fcntl(child->input_fd, F_DUPFD_CLOEXEC, 10)) < 0) {
        st = tb_fail_errno(err, errno, "cannot hand a descriptor to %s", child->name);
        goto done;
    }
    while (child->argv[argc])
        argc++;
    argv = tb_alloc((argc + 1) * sizeof *argv);
    for (size_t i = 0; i < argc; i++)
        argv[i] = tb_strdup(child->argv[i]);
    int most_fd = getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < 4096
                      ? (int)files.rlim_cur
                      : 4096; /* beyond it close-on-exec alone guards */
    const int fds[4] = {in[0], out[1], said[1], extra};

    pid = fork();
    if (pid == 0) become(child, path, argv, fds, most_fd);
    if (pid < 0) {
        st = tb_fail_errno(err, errno, "cannot start %s", child->name);
        goto done;
    }
    setpgid(pid, pid); /* also here: whoever is first, the group exists before it is killed */
    shut(&in[0]);
    shut(&out[1]);
    shut(&said[1]);
    r.in = in[1], r.out = out[0], r.err = said[0];
    in[1] = out[0] = said[0] = -1;
    fcntl(r.in, F_SETFL, O_NONBLOCK);
    fcntl(r.out, F_SETFL, O_NONBLOCK);
    fcntl(r.err, F_SETFL, O_NONBLOCK);
    st = attend(&r, pid, cancel, &wait_status, &reaped, err);

    kill(-pid, SIGKILL); /* what it started, too; nothing is left of a child that ended well */
    if (!reaped)
        while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR) {
        }
    if (!st) {
        *how = (tb_child_exit){
            .exit_code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1,
            .signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0,
        };
        while (r.err >= 0 && r.said_len + 1 < sizeof r.said) {
            size_t before = r.said_len;
            overhear(&r);
            if (r.said_len == before) break;
        }
        memcpy(how->stderr_text, r.said, sizeof r.said);
        if (how->exit_code == 127 && r.output.len == 0) {
            st = tb_fail(err, TB_EINTERNAL, "%s could not be started", child->name);
        } else {
            *output_size = r.output.len;
            *output = tb_str_take(&r.output);
        }
    }
done:
    for (int i = 0; i < 2; i++)
        shut(&in[i]), shut(&out[i]), shut(&said[i]);
    shut(&r.in);
    shut(&r.out);
    shut(&r.err);
    shut(&extra);
    for (size_t i = 0; i < argc; i++)
        tb_free(argv[i]);
    tb_free(argv);
    tb_free(path);
    tb_str_clear(&r.output);
    return st;
}
