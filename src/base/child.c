/*
 * Runs a child process: feeds its stdin, reads its stdout and stderr, and waits for its end.
 *
 * One poll loop serves the three pipes and looks at the cancel flag, the wall clock and the
 * processor time; the whole process group is killed when one of them ends it. Pipes are
 * non-blocking and lie above the descriptors that the child puts in place. Relies on base/spawn.c
 * for starting and base/confine.h for the sandbox.
 */
#include "base/child.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/spawn_priv.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    /* A program replaced while it runs is named so; its path is the new one's. */
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

/* The file to execute, heap. A child of our own program is the file that runs here, also when
 * another has its name by now (an update while we run) or none has: the two speak a language of
 * their own with each other. The link leads there between the child's start and its exec, too. */
static char *find_program(const tb_child *child)
{
#ifdef __linux__
    static const char running[] = "/proc/self/exe";
    if (child->argv[0] == self_path && access(running, X_OK) == 0) return tb_strdup(running);
#endif
    return tb_child_which(child->argv[0]);
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
        shut(&r->in); /* all is written, or it reads no more: its exit code tells why */
}

static tb_status read_stdout(struct run *r, tb_err *err)
{
    char chunk[CHUNK];
    ssize_t n = read(r->out, chunk, sizeof chunk);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) shut(&r->out);
    if (n > 0 && !tb_str_add(&r->output, chunk, (size_t)n))
        return tb_fail(err, TB_ETOOBIG, "%s put out more than %zu bytes", r->child->name,
                       r->child->output_max);
    return TB_OK;
}

static void read_stderr(struct run *r)
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
static tb_status attend(struct run *r, const tb_spawned *child, const tb_cancel *cancel,
                        tb_err *err)
{
    const int64_t now = tb_clock_mono_ns(), wall = (int64_t)r->child->wall_ms * 1000000;
    struct patience patience = {now + wall, now + TB_CHILD_LONGEST * wall, 0};
    for (;;) {
        /* Its end matters only when its output is closed: what it wrote is read to the end. */
        struct pollfd fds[4] = {{r->in, POLLOUT, 0},
                                {r->out, POLLIN, 0},
                                {r->err, POLLIN, 0},
                                {r->out < 0 ? child->fd : -1, POLLIN, 0}};
        if (tb_cancelled(cancel)) return tb_fail_cancelled(err);
        if (is_over(&patience, r->child, child->pid))
            return tb_fail(err, TB_ETIMEOUT, "%s took more than %d ms", r->child->name,
                           r->child->wall_ms);
        if (r->out < 0 && tb_spawned_ended(child)) return TB_OK;
        if (poll(fds, 4, r->out < 0 && child->fd < 0 ? 1 : TICK_MS) < 0 && errno != EINTR)
            return tb_fail_errno(err, errno, "cannot wait for %s", r->child->name);
        if (r->in >= 0 && fds[0].revents) feed(r);
        if (r->out >= 0 && fds[1].revents) {
            tb_status st = read_stdout(r, err);
            if (st) return st;
        }
        if (r->err >= 0 && fds[2].revents) read_stderr(r);
    }
}

static void outcome(struct run *r, int wait_status, tb_child_exit *how)
{
    *how = (tb_child_exit){
        .exit_code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1,
        .signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0,
    };
    while (r->err >= 0 && r->said_len + 1 < sizeof r->said) {
        size_t before = r->said_len;
        read_stderr(r);
        if (r->said_len == before) break;
    }
    memcpy(how->stderr_text, r->said, sizeof r->said);
}

/* Starts it and attends to it. ends: the pipes; what is taken or closed is -1 afterwards. */
static tb_status run(struct run *r, const tb_spawn_order *order, int ends[3][2],
                     const tb_cancel *cancel, tb_child_exit *how, tb_err *err)
{
    tb_spawned child;
    int wait_status = 0;
    tb_status st = tb_spawn(order, r->child->name, &child, err);
    if (st) return st;
    r->in = ends[0][1], r->out = ends[1][0], r->err = ends[2][0];
    ends[0][1] = ends[1][0] = ends[2][0] = -1;
    shut(&ends[0][0]);
    shut(&ends[1][1]);
    shut(&ends[2][1]);
    fcntl(r->in, F_SETFL, O_NONBLOCK);
    fcntl(r->out, F_SETFL, O_NONBLOCK);
    fcntl(r->err, F_SETFL, O_NONBLOCK);
    st = attend(r, &child, cancel, err);
    tb_spawned_reap(&child, &wait_status);
    if (!st) outcome(r, wait_status, how);
    if (!st && (how->exit_code == 127 || how->exit_code == 126) && r->output.len == 0)
        st = tb_fail(err, TB_EINTERNAL, "%s could not be started", r->child->name);
    return st;
}

tb_status tb_child_run(const tb_child *child, const tb_cancel *cancel, char **output,
                       size_t *output_size, tb_child_exit *how, tb_err *err)
{
    int ends[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}}, extra = -1; /* of in, out, err */
    struct run r = {.child = child, .in = -1, .out = -1, .err = -1};
    tb_confine_plan plan = {.files = -1};
    tb_status st = TB_OK;
    char *path = find_program(child);

    /* A child that does not read its input must be an error of write, in every program of ours. */
    signal(SIGPIPE, SIG_IGN);
    tb_str_init(&r.output, child->output_max);
    if (!path) {
        st = tb_fail(err, TB_ENOTFOUND, "the program %s is not installed", child->argv[0]);
        goto done;
    }
    if (high_pipe(ends[0]) || high_pipe(ends[1]) || high_pipe(ends[2])) {
        st = tb_fail_errno(err, errno, "cannot make pipes for %s", child->name);
        goto done;
    }
    if (child->input_fd > 0 && (extra = fcntl(child->input_fd, F_DUPFD_CLOEXEC, 10)) < 0) {
        st = tb_fail_errno(err, errno, "cannot hand a descriptor to %s", child->name);
        goto done;
    }
    st = tb_confine_plan_make(child->confine, path, child->reads, &plan, err);
    if (st) goto done;
    const tb_spawn_order order = {.path = path,
                                  .argv = (char *const *)(uintptr_t)child->argv,
                                  .fds = {ends[0][0], ends[1][1], ends[2][1], extra},
                                  .cpu_seconds = child->cpu_seconds,
                                  .memory_bytes = child->memory_bytes,
                                  .plan = &plan};
    st = run(&r, &order, ends, cancel, how, err);
    if (!st) {
        *output_size = r.output.len;
        *output = tb_str_take(&r.output);
    }
done:
    for (int i = 0; i < 3; i++)
        shut(&ends[i][0]), shut(&ends[i][1]);
    shut(&r.in);
    shut(&r.out);
    shut(&r.err);
    shut(&extra);
    tb_confine_plan_clear(&plan);
    tb_free(path);
    tb_str_clear(&r.output);
    return st;
}
