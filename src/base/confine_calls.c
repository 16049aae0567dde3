/*
 * The seccomp filters of base/confine.h: which calls, with which arguments.
 *
 * `self` is for the decoder and flite, which run in our own program: a short list of calls, all
 * others kill the process. `program` is for espeak-ng: what a dynamically linked program needs to
 * start, read its data and write to a pipe; all others fail with EPERM, so that libraries which
 * look for a sound card go on without one. `script` is for a program that is a script around the
 * real one: it may start programs and write files, so only calls are refused that reach other
 * processes, the network or the kernel.
 *
 * A filter cannot read strings, so `program` cannot say which file may be executed. It permits
 * execve with three addresses, which are those of the parent's memory and unknown to the program
 * that has been executed.
 */
#define _GNU_SOURCE /* flags of open */
#ifdef __linux__
#include "base/confine_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

struct rule {
    int call;
    unsigned n;
    struct scmp_arg_cmp args[3];
};

#define IS(i, value)             \
    {                            \
        i, SCMP_CMP_EQ, value, 0 \
    }
#define HAS(i, mask, value)                \
    {                                      \
        i, SCMP_CMP_MASKED_EQ, mask, value \
    }
#define NOT(i, flags)                   \
    {                                   \
        i, SCMP_CMP_MASKED_EQ, flags, 0 \
    }
#define WRITES (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND)
#define THREAD (CLONE_VM | CLONE_THREAD | CLONE_SIGHAND)
#define APART                                                                                  \
    (CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | \
     CLONE_NEWCGROUP)

/* Of both allow-lists. */
static const int common[] = {
    SCMP_SYS(read),          SCMP_SYS(write),        SCMP_SYS(lseek),
    SCMP_SYS(fstat),         SCMP_SYS(newfstatat),   SCMP_SYS(close),
    SCMP_SYS(munmap),        SCMP_SYS(mremap),       SCMP_SYS(madvise),
    SCMP_SYS(brk),           SCMP_SYS(futex),        SCMP_SYS(exit),
    SCMP_SYS(exit_group),    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigaction),
    SCMP_SYS(clock_gettime), SCMP_SYS(getrandom),    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getpid),        SCMP_SYS(gettid),       SCMP_SYS(rt_sigprocmask),
};

/* What a program needs besides, to be loaded and to look around. Reading is bounded by Landlock. */
static const int looking[] = {
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(writev),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(statx),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(getcwd),
    SCMP_SYS(fadvise64),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(times),
    SCMP_SYS(getrusage),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(sched_yield),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(rseq),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(pipe),
    SCMP_SYS(pipe2),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(eventfd2),
    SCMP_SYS(umask),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(getrlimit),
    SCMP_SYS(membarrier),
};

/* fcntl's others choose who gets a signal, and which. */
static const struct rule program_rules[] = {
    {SCMP_SYS(open), 1, {NOT(1, WRITES)}},
    {SCMP_SYS(openat), 1, {NOT(2, WRITES)}},
    {SCMP_SYS(fcntl), 1, {IS(1, F_DUPFD)}},
    {SCMP_SYS(fcntl), 1, {IS(1, F_DUPFD_CLOEXEC)}},
    {SCMP_SYS(fcntl), 1, {IS(1, F_GETFD)}},
    {SCMP_SYS(fcntl), 1, {IS(1, F_SETFD)}},
    {SCMP_SYS(fcntl), 1, {IS(1, F_GETFL)}},
    {SCMP_SYS(fcntl), 1, {IS(1, F_SETFL)}},
    {SCMP_SYS(prctl), 1, {IS(0, PR_SET_NAME)}},
    {SCMP_SYS(prlimit64), 2, {IS(0, 0), IS(2, 0)}},
    {SCMP_SYS(clone), 1, {HAS(0, THREAD | APART, THREAD)}},
    /* Libraries are mapped executable, from files; nothing is both writable and executable. */
    {SCMP_SYS(mmap), 1, {NOT(2, PROT_EXEC)}},
    {SCMP_SYS(mmap), 2, {NOT(2, PROT_WRITE), NOT(3, MAP_ANONYMOUS)}},
#ifdef __aarch64__
    {SCMP_SYS(mprotect), 1, {NOT(2, PROT_WRITE)}}, /* its loader marks branch targets so */
#endif
    {SCMP_SYS(mprotect), 1, {NOT(2, PROT_EXEC)}},
};

static const struct rule self_rules[] = {
    {SCMP_SYS(mmap), 1, {NOT(2, PROT_EXEC)}},
    {SCMP_SYS(mprotect), 1, {NOT(2, PROT_EXEC)}},
    {SCMP_SYS(prlimit64), 2, {IS(0, 0), IS(2, 0)}},
};

/* Newer calls that libraries do without where they do not exist. */
static const int unknown[] = {SCMP_SYS(clone3), SCMP_SYS(openat2), SCMP_SYS(close_range)};

/* Of a script and what it starts. Signals: timbre kills them; they kill nobody. */
static const int never[] = {
    SCMP_SYS(socket),
    SCMP_SYS(socketpair),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
    SCMP_SYS(tgkill),
    SCMP_SYS(rt_sigqueueinfo),
    SCMP_SYS(rt_tgsigqueueinfo),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(kcmp),
    SCMP_SYS(setsid),
    SCMP_SYS(setpriority),
    SCMP_SYS(sched_setscheduler),
    SCMP_SYS(sched_setattr),
    SCMP_SYS(ioprio_set),
    SCMP_SYS(migrate_pages),
    SCMP_SYS(move_pages),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(memfd_create),
    SCMP_SYS(shmget),
    SCMP_SYS(shmat),
    SCMP_SYS(msgget),
    SCMP_SYS(semget),
    SCMP_SYS(mq_open),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setgroups),
    SCMP_SYS(capset),
    SCMP_SYS(personality),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(kexec_load),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(sethostname),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(syslog),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(ioctl),
    SCMP_SYS(setpgid),
    SCMP_SYS(sched_setaffinity),
    SCMP_SYS(sched_setparam),
    SCMP_SYS(execveat),
};

/* Calls that this machine lacks are passed over. */
static int add(scmp_filter_ctx f, uint32_t action, const int *calls, size_t n)
{
    int bad = 0;
    for (size_t i = 0; i < n && !bad; i++) {
        bad = seccomp_rule_add(f, action, calls[i], 0);
        if (bad == -EDOM) bad = 0;
    }
    return bad;
}

static int add_rules(scmp_filter_ctx f, uint32_t action, const struct rule *rules, size_t n)
{
    int bad = 0;
    for (size_t i = 0; i < n && !bad; i++) {
        bad = seccomp_rule_add_array(f, action, rules[i].call, rules[i].n, rules[i].args);
        if (bad == -EDOM) bad = 0;
    }
    return bad;
}

#define N(list) (sizeof(list) / sizeof *(list))

int tb_confine_fill_program(scmp_filter_ctx f, const void *path, const void *argv, const void *env)
{
    const struct rule start = {SCMP_SYS(execve),
                               3,
                               {IS(0, (uintptr_t)path), IS(1, (uintptr_t)argv),
                                IS(2, (uintptr_t)env)}};
    int bad = add(f, SCMP_ACT_ALLOW, common, N(common));
    if (!bad) bad = add(f, SCMP_ACT_ALLOW, looking, N(looking));
    if (!bad) bad = add_rules(f, SCMP_ACT_ALLOW, program_rules, N(program_rules));
    if (!bad) bad = add_rules(f, SCMP_ACT_ALLOW, &start, 1);
    return bad ? bad : add(f, SCMP_ACT_ERRNO(ENOSYS), unknown, N(unknown));
}

static const struct rule script_never[] = {
    {SCMP_SYS(mmap), 1, {HAS(2, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC)}},
    {SCMP_SYS(mprotect), 1, {HAS(2, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC)}},
    {SCMP_SYS(prlimit64), 1, {{0, SCMP_CMP_NE, 0, 0}}},
    {SCMP_SYS(prctl), 1, {IS(0, PR_SET_PDEATHSIG)}},
    {SCMP_SYS(fcntl), 1, {IS(1, F_SETOWN)}},
    {SCMP_SYS(fcntl), 1, {IS(1, F_SETOWN_EX)}},
    {SCMP_SYS(fcntl), 1, {IS(1, F_SETSIG)}},
    {SCMP_SYS(clone), 1, {HAS(0, CLONE_NEWUSER, CLONE_NEWUSER)}},
};

int tb_confine_fill_script(scmp_filter_ctx f)
{
    int bad = add(f, SCMP_ACT_ERRNO(EPERM), never, N(never));
    if (!bad) bad = add_rules(f, SCMP_ACT_ERRNO(EPERM), script_never, N(script_never));
    return bad ? bad : add(f, SCMP_ACT_ERRNO(ENOSYS), unknown, N(unknown));
}

int tb_confine_fill_self(scmp_filter_ctx f)
{
    const struct rule abort_itself = {SCMP_SYS(tgkill),
                                      2,
                                      {IS(0, (uint64_t)getpid()), IS(2, SIGABRT)}};
    int bad = add(f, SCMP_ACT_ALLOW, common, N(common));
    if (!bad) bad = add_rules(f, SCMP_ACT_ALLOW, self_rules, N(self_rules));
    return bad ? bad : add_rules(f, SCMP_ACT_ALLOW, &abort_itself, 1);
}

#else
typedef int tb_confine_calls_unused; /* a file must not be empty */
#endif
