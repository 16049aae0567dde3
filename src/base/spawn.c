/*
 * Starting a child process and ending it.
 *
 * On Linux a confined child gets namespaces of its own, where the system permits that: of process
 * ids (it cannot name any process but its own children, and these die with it), of the network (it
 * has none) and of System V objects. Root needs nothing for that; anybody else needs a namespace of
 * users around them, which many systems permit and some do not. Without them the seccomp filter
 * alone refuses what the namespaces would have made impossible.
 *
 * The child shares this process's memory until it is another program, as vfork's does: copying the
 * tables of a large process's memory takes tens of milliseconds on a busy machine, in which no
 * other thread gets or gives back memory, and after it each first write to a page costs a copy. So
 * one child at a time is between its start and exec; only the thread that starts it waits.
 *
 * Relies on: between start and exec only functions that are safe after a fork of a program with
 * threads, and that write nothing which others of its threads read.
 */
#define _GNU_SOURCE /* clone */
#include "base/spawn_priv.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

enum { MOST_FDS = 4096, MOST_ENV = 8 };

static void limit(int what, rlim_t value)
{
    struct rlimit r = {value, value};
    setrlimit(what, &r);
}

static void close_from(int first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)first, ~0U, 0U) == 0) return;
#endif
    struct rlimit files;
    int most = MOST_FDS; /* beyond it close-on-exec alone guards */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < MOST_FDS)
        most = (int)files.rlim_cur;
    for (int fd = first; fd < most; fd++)
        close(fd);
}

/* Does nobody read what it will put out? Asked when the end of the thread that started it would be
 * told by a signal: it may have come before. */
static bool is_orphan(void)
{
    struct pollfd out = {STDOUT_FILENO, POLLOUT, 0};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

TB_NORETURN static void become(const tb_spawn_order *order, char *const *env)
{
    sigset_t none;
    setpgid(0, 0);
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 0; i < 4; i++)
        if (order->fds[i] >= 0 && dup2(order->fds[i], i) < 0) _exit(126);
    if (!tb_confine_enter(order->plan)) _exit(126);
    close_from(order->fds[3] >= 0 ? 4 : 3);
#ifdef __linux__
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || is_orphan()) _exit(126);
#endif
    if (order->cpu_seconds > 0) limit(RLIMIT_CPU, (rlim_t)order->cpu_seconds);
#ifndef TB_SANITIZED
    if (order->memory_bytes > 0) limit(RLIMIT_AS, order->memory_bytes);
#endif
    limit(RLIMIT_CORE, 0);
    tb_confine_exec(order->plan, order->path, order->argv, env);
    _exit(127);
}

/* Nothing of this process's environment, which may hold passwords, but where its libraries lie. */
static void sparse_environment(char *env[MOST_ENV])
{
    extern char **environ;
    static const char *const kept[] = {
        "LD_LIBRARY_PATH=",
#ifdef TB_SANITIZED
        "ASAN_OPTIONS=",    "UBSAN_OPTIONS=", "TSAN_OPTIONS=", "LSAN_OPTIONS=",
#endif
    };
    size_t n = 0;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        for (char **e = environ; e && *e; e++)
            if (tb_str_starts(*e, kept[i])) {
                env[n++] = *e;
                break;
            }
    env[n] = NULL;
}

#if defined(__linux__) && defined(CLONE_PIDFD) && !defined(TB_SANITIZED)
/* What a child begins with: its own things, which it has until exec. */
typedef struct {
    const tb_spawn_order *order;
    char *const *env;
} birth;

static int begin(void *arg)
{
    const birth *b = arg;
    become(b->order, b->env);
}

/* As vfork, in new namespaces (flags; 0: none); *fd is the pidfd. On failure -1, and errno is set.
 */
static pid_t clone_in_namespaces(birth *b, int namespaces, int *fd)
{
    enum { STACK = 128 << 10 };
    static _Alignas(64) char stack[STACK];
    static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&one); /* the stack, and what tb_confine_exec writes */
    const pid_t pid =
        clone(begin, stack + STACK, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD | namespaces,
              (void *)b, fd);
    const int why = errno;
    pthread_mutex_unlock(&one);
    errno = why;
    return pid;
}

/* Is this the answer of a system that will never permit it? */
static bool is_final(int errnum)
{
    return errnum == EPERM || errnum == EINVAL || errnum == ENOSYS || errnum == EACCES;
}

static pid_t start(const tb_spawn_order *order, char *const *env, int *fd)
{
    static atomic_bool refused, unknown;
    birth b = {order, env};
    int namespaces = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC;
    pid_t pid = -1;
    if (geteuid() != 0) namespaces |= CLONE_NEWUSER;
    if (order->plan->apart && !refused) {
        pid = clone_in_namespaces(&b, namespaces, fd);
        if (pid < 0 && is_final(errno)) refused = true;
    }
    if (pid < 0 && !unknown) {
        pid = clone_in_namespaces(&b, 0, fd);
        if (pid < 0 && is_final(errno)) unknown = true;
    }
    if (pid >= 0) return pid;
    pid = fork();
    if (pid == 0) become(order, env);
    return pid;
}
#else
static pid_t start(const tb_spawn_order *order, char *const *env, int *fd)
{
    (void)fd;
    const pid_t pid = fork();
    if (pid == 0) become(order, env);
    return pid;
}
#endif

tb_status tb_spawn(const tb_spawn_order *order, const char *name, tb_spawned *to, tb_err *err)
{
    char *env[MOST_ENV];
    sparse_environment(env);
    to->fd = -1;
    /* No handler of this process runs in the child: it shares its descriptors until it is another
     * program. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    to->pid = start(order, env, &to->fd);
    const int why = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (to->pid < 0) return tb_fail_errno(err, why, "cannot start %s", name);
#if defined(__linux__) && defined(SYS_pidfd_open)
    if (to->fd < 0) to->fd = (int)syscall(SYS_pidfd_open, to->pid, 0U);
    if (to->fd >= 0) fcntl(to->fd, F_SETFD, FD_CLOEXEC);
#endif
    setpgid(to->pid, to->pid); /* also here: whoever is first, it exists before it is killed */
    return TB_OK;
}

bool tb_spawned_ended(const tb_spawned *child)
{
    siginfo_t how = {0};
    return waitid(P_PID, (id_t)child->pid, &how, WEXITED | WNOHANG | WNOWAIT) < 0
               ? errno == ECHILD
               : how.si_pid == child->pid;
}

void tb_spawned_reap(tb_spawned *child, int *wait_status)
{
    /* The group is named by the pid of a process that is alive or a zombie: it is no other's. */
    kill(-child->pid, SIGKILL);
#if defined(__linux__) && defined(SYS_pidfd_send_signal)
    if (child->fd >= 0) syscall(SYS_pidfd_send_signal, child->fd, SIGKILL, NULL, 0U);
#endif
    while (waitpid(child->pid, wait_status, 0) < 0 && errno == EINTR) {
    }
    if (child->fd >= 0) close(child->fd);
    *child = (tb_spawned){-1, -1};
}
