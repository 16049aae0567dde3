/*
 * Confining child processes on Linux: seccomp filters (confine_calls.c), Landlock's rules for
 * files, capabilities.
 *
 * Our own children put their filter on themselves. That of another program is built once, exported
 * as BPF, and put on between fork and exec by one system call, since libseccomp allocates memory.
 */
#define _GNU_SOURCE /* O_PATH */
#include "base/confine.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include "base/confine_priv.h"

#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define N(list) (sizeof(list) / sizeof *(list))

enum { MOST_ARGS = 32, MOST_ENV = 16 };

/* Written by the child before its exec, one child at a time (spawn.c); their addresses are what the
 * filter knows. */
static char exec_path[PATH_MAX];
static char *exec_argv[MOST_ARGS], *exec_env[MOST_ENV];

tb_status tb_confine_self(tb_err *err)
{
    int bad = 0;
    struct rlimit none = {0, 0}, few = {4, 4};
    if (setrlimit(RLIMIT_NOFILE, &few) || setrlimit(RLIMIT_FSIZE, &none)) bad = -errno;
#ifndef TB_SANITIZED
    setrlimit(RLIMIT_NPROC, &none);
    /* Sanitizers make calls of their own (and report through them): their builds go without. */
    scmp_filter_ctx f = NULL;
    if (!bad && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) bad = -errno;
    if (!bad && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)) bad = -errno;
    if (!bad && !(f = seccomp_init(SCMP_ACT_KILL_PROCESS))) bad = -ENOMEM;
    if (!bad) bad = tb_confine_fill_self(f);
    if (!bad) bad = seccomp_load(f);
    if (f) seccomp_release(f);
#endif
    return bad ? tb_fail_errno(err, -bad, "the sandbox cannot be made") : TB_OK;
}

static int fill_program(scmp_filter_ctx f)
{
    return tb_confine_fill_program(f, exec_path, exec_argv, exec_env);
}

static struct sock_fprog programs[2]; /* for a program, for a script */
static pthread_once_t built = PTHREAD_ONCE_INIT;

/* As BPF. Left empty when it cannot be had. */
static void build(struct sock_fprog *to, uint32_t otherwise, int (*fill)(scmp_filter_ctx))
{
    scmp_filter_ctx f = seccomp_init(otherwise);
    const int fd = f ? (int)syscall(SYS_memfd_create, "filter", 1U) : -1;
    if (fd >= 0 && fill(f) == 0 && seccomp_export_bpf(f, fd) == 0) {
        const off_t size = lseek(fd, 0, SEEK_END);
        struct sock_filter *code = tb_alloc((size_t)size);
        if (size > 0 && pread(fd, code, (size_t)size, 0) == size)
            *to = (struct sock_fprog){(unsigned short)((size_t)size / sizeof *code), code};
        else
            tb_free(code);
    }
    if (fd >= 0) close(fd);
    if (f) seccomp_release(f);
}

static void build_both(void)
{
    /* A kernel without seccomp: the programs run as they did before there was a filter. */
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0 && errno == EINVAL) {
        tb_log(TB_WARN, "base", "sandbox=none why=\"this kernel has no seccomp\"");
        return;
    }
    build(&programs[0], SCMP_ACT_ERRNO(EPERM), fill_program);
    build(&programs[1], SCMP_ACT_ALLOW, tb_confine_fill_script);
    if (!programs[0].filter || !programs[1].filter)
        tb_log(TB_WARN, "base", "sandbox=none why=\"the filter cannot be built\"");
}

enum {
    LOOK = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    LOOK_FILE = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE,
};

/* A path that is not there is no rule. */
static void may_read(int rules, const char *path)
{
    struct landlock_path_beneath_attr beneath = {.parent_fd = open(path, O_PATH | O_CLOEXEC)};
    if (beneath.parent_fd < 0) return;
    beneath.allowed_access = tb_file_is_dir(path) ? LOOK : LOOK_FILE;
    syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0U);
    close(beneath.parent_fd);
}

/* The folder of a program, and those where what is installed with it lies. */
static void may_read_around(int rules, const char *path)
{
    static const char *const beside[] = {"/../lib", "/../lib64", "/../share"};
    char *folder = tb_strdup(path), *slash = strrchr(folder, '/');
    may_read(rules, path);
    if (slash) *slash = 0;
    for (size_t i = 0; slash && i < N(beside); i++) {
        char *other = tb_sprintf("%s%s", folder, beside[i]);
        may_read(rules, other);
        tb_free(other);
    }
    tb_free(folder);
}

/* Landlock's rules for a program, or -1 where the kernel has none. */
static int file_rules(const char *path, const char *const *reads)
{
    static const char *const system_own[] = {
        "/usr",
        "/lib",
        "/lib32",
        "/lib64",
        "/bin",
        "/nix/store",
        "/gnu/store",
        "/etc/ld.so.cache",
        "/etc/ld.so.preload",
        "/etc/localtime",
        "/etc/alternatives",
        "/dev/null",
        "/dev/urandom",
    };
    const struct landlock_ruleset_attr all = {
        .handled_access_fs = LOOK | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                             LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                             LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                             LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                             LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM};
    const int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0U);
    char real[PATH_MAX], *more = NULL, *next = NULL;
    if (rules < 0) return -1;
    for (size_t i = 0; i < N(system_own); i++)
        may_read(rules, system_own[i]);
    may_read_around(rules, path);
    if (realpath(path, real)) may_read_around(rules, real);
    for (; reads && *reads; reads++)
        may_read(rules, *reads);
    more = tb_strdup(getenv("LD_LIBRARY_PATH"));
    for (char *p = more ? strtok_r(more, ":", &next) : NULL; p; p = strtok_r(NULL, ":", &next))
        may_read(rules, p);
    tb_free(more);
    return rules;
}

static bool is_script(const char *path)
{
    char head[2] = "";
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool yes = fd >= 0 && read(fd, head, 2) == 2 && head[0] == '#' && head[1] == '!';
    if (fd >= 0) close(fd);
    return yes;
}

tb_status tb_confine_plan_make(tb_confine_kind kind, const char *path, const char *const *reads,
                               tb_confine_plan *plan, tb_err *err)
{
    *plan = (tb_confine_plan){.files = -1, .apart = kind != TB_CONFINE_NONE};
    if (kind != TB_CONFINE_PROGRAM) return TB_OK;
    pthread_once(&built, build_both);
    plan->script = is_script(path);
    const struct sock_fprog *filter = &programs[plan->script];
    if (filter->filter) plan->filter = filter;
    if (!plan->script) plan->files = file_rules(path, reads);
    if (!plan->script && plan->files < 0 && errno != ENOSYS && errno != EOPNOTSUPP)
        return tb_fail_errno(err, errno, "the sandbox of %s cannot be made", path);
    return TB_OK;
}

void tb_confine_plan_clear(tb_confine_plan *plan)
{
    if (plan->files >= 0) close(plan->files);
    plan->files = -1;
}

/* Whoever is root has no power over the system after the exec either. Nothing is looked at: without
 * the right to give up a right there is none to give up. */
static void drop_capabilities(void)
{
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    prctl(PR_SET_SECUREBITS,
          SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
              SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED,
          0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static bool copy_list(char **to, char *const *from, size_t most)
{
    for (size_t n = 0; n < most; n++)
        if (!(to[n] = from[n])) return true;
    return false;
}

bool tb_confine_enter(const tb_confine_plan *plan)
{
    const struct rlimit none = {0, 0};
    if (!plan->apart) return true;
    drop_capabilities();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return false;
    if (plan->files < 0) return true;
    return setrlimit(RLIMIT_FSIZE, &none) == 0 &&
           syscall(SYS_landlock_restrict_self, plan->files, 0U) == 0;
}

void tb_confine_exec(const tb_confine_plan *plan, const char *path, char *const *argv,
                     char *const *env)
{
    const size_t len = strlen(path);
    if (len >= sizeof exec_path) return;
    memcpy(exec_path, path, len + 1);
    if (!copy_list(exec_argv, argv, MOST_ARGS) || !copy_list(exec_env, env, MOST_ENV)) return;
    if (plan->filter && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, plan->filter, 0, 0)) return;
    execve(exec_path, exec_argv, exec_env);
}

#else /* not Linux */

#include <sys/resource.h>

tb_status tb_confine_self(tb_err *err)
{
    struct rlimit none = {0, 0}, few = {4, 4};
    if (setrlimit(RLIMIT_NOFILE, &few) || setrlimit(RLIMIT_FSIZE, &none))
        return tb_fail_errno(err, errno, "the sandbox cannot be made");
    return TB_OK;
}

tb_status tb_confine_plan_make(tb_confine_kind kind, const char *path, const char *const *reads,
                               tb_confine_plan *plan, tb_err *err)
{
    (void)kind, (void)path, (void)reads, (void)err;
    *plan = (tb_confine_plan){.files = -1};
    return TB_OK;
}

void tb_confine_plan_clear(tb_confine_plan *plan)
{
    (void)plan;
}

bool tb_confine_enter(const tb_confine_plan *plan)
{
    (void)plan;
    return true;
}

void tb_confine_exec(const tb_confine_plan *plan, const char *path, char *const *argv,
                     char *const *env)
{
    (void)plan;
    execve(path, argv, env);
}

#endif
