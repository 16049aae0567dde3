/*
 * Calls that somebody might make who has taken over a child process, and what becomes of each in
 * the three kinds of sandbox (base/confine.h): of the decoder and flite, of espeak-ng, of a script.
 */
#ifndef TB_TEST_ATTEMPTS_H
#define TB_TEST_ATTEMPTS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* The one who is attacked: the process that has started the child. A file of this process's user,
 * which no child has business with. */
static int victim;
static const char *own_file, *own_program;

static long ok(bool good)
{
    return good ? 0 : -1;
}

static long say_something(void)
{
    return write(STDOUT_FILENO, "!", 1);
}

static long map(int protection, int flags, int fd)
{
    return ok(mmap(NULL, 4096, protection, flags, fd, 0) != MAP_FAILED);
}

static long get_memory(void)
{
    return map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static long map_writable_code(void)
{
    return map(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static long map_code(void)
{
    return map(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static long map_library(void)
{
    int fd = open(own_program, O_RDONLY);
    return fd < 0 ? -1 : map(PROT_READ | PROT_EXEC, MAP_PRIVATE, fd);
}

static long protect(int protection)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? -1 : mprotect(p, 4096, protection);
}

static long make_writable_code(void)
{
    return protect(PROT_READ | PROT_WRITE | PROT_EXEC);
}

static long make_code(void)
{
    return protect(PROT_READ | PROT_EXEC);
}

static long read_library(void)
{
    return open("/usr/bin/env", O_RDONLY);
}

static long read_passwd(void)
{
    return open("/etc/passwd", O_RDONLY);
}

static long read_own_file(void)
{
    return open(own_file, O_RDONLY);
}

static long read_victims_environment(void)
{
    return open("/proc/self/../../proc/1/environ", O_RDONLY);
}

static long write_file(void)
{
    return open(own_file, O_WRONLY);
}

static long append_to_file(void)
{
    return openat(AT_FDCWD, own_file, O_RDWR | O_APPEND);
}

static long create_file(void)
{
    return open("/tmp/timbre-sandbox-was-here", O_RDONLY | O_CREAT, 0600);
}

static long open_newer(void)
{
    uint64_t how[3] = {O_RDWR, 0, 0};
    return syscall(SYS_openat2, AT_FDCWD, own_file, how, sizeof how);
}

static long remove_file(void)
{
    return unlink("/tmp/timbre-sandbox-was-here");
}

static long rename_file(void)
{
    return rename(own_file, own_file);
}

static long make_folder(void)
{
    return rmdir("/tmp/timbre-sandbox-folder") == 0 || errno == ENOENT
               ? mkdir("/tmp/timbre-sandbox-folder", 0700)
               : -1;
}

static long make_link(void)
{
    unlink("/tmp/timbre-sandbox-link");
    return symlink("/etc", "/tmp/timbre-sandbox-link");
}

static long change_mode(void)
{
    return chmod(own_file, 0600);
}

static long cut_file(void)
{
    return truncate(own_file, 3);
}

static long make_device(void)
{
    return mknod("/tmp/timbre-sandbox-device", S_IFIFO | 0600, 0);
}

static long socket_internet(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static long socket_local(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long socket_kernel(void)
{
    return socket(AF_NETLINK, SOCK_RAW, 0);
}

static long socket_pair(void)
{
    int fds[2];
    return socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
}

static long run_program(void)
{
    char *argv[] = {(char *)(uintptr_t) "true", NULL}, *env[] = {NULL};
    return execve("/bin/true", argv, env);
}

static long run_program_by_descriptor(void)
{
    char *argv[] = {(char *)(uintptr_t) "true", NULL}, *env[] = {NULL};
    return syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, env, 0);
}

static long start_process(void)
{
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    return pid < 0 ? -1 : waitpid(pid, NULL, 0);
}

static long start_process_apart(void)
{
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) _exit(0);
    return pid;
}

static void *nothing(void *self)
{
    return self;
}

static long start_thread(void)
{
    pthread_t thread;
    int bad = pthread_create(&thread, NULL, nothing, NULL);
    errno = bad;
    return bad ? -1 : pthread_join(thread, NULL);
}

static long kill_victim(void)
{
    return kill(victim, 0);
}

static long kill_everybody(void)
{
    return kill(-1, 0);
}

static long kill_group(void)
{
    return kill(0, 0);
}

static long kill_thread_of_victim(void)
{
    return syscall(SYS_tgkill, victim, victim, SIGABRT);
}

static long kill_thread(void)
{
    return syscall(SYS_tkill, victim, 0);
}

static long kill_own_thread(void)
{
    return syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
}

static long queue_signal(void)
{
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
    return syscall(SYS_rt_sigqueueinfo, victim, 0, &info);
}

static long queue_signal_to_thread(void)
{
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
    return syscall(SYS_rt_tgsigqueueinfo, victim, victim, 0, &info);
}

static long signal_by_owner(void)
{
    return fcntl(STDOUT_FILENO, F_SETOWN, victim);
}

static long choose_signal(void)
{
    return fcntl(STDOUT_FILENO, F_SETSIG, SIGKILL);
}

static long hold_victim(void)
{
    return syscall(SYS_pidfd_open, victim, 0);
}

static long signal_held(void)
{
    return syscall(SYS_pidfd_send_signal, 0, 0, NULL, 0);
}

static long trace_victim(void)
{
    return ptrace(PTRACE_SEIZE, victim, NULL, NULL);
}

static long trace_itself(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long read_victims_memory(void)
{
    char byte;
    struct iovec to = {&byte, 1}, from = {&victim, 1};
    return syscall(SYS_process_vm_readv, victim, &to, 1, &from, 1, 0);
}

static long write_victims_memory(void)
{
    char byte = 0;
    struct iovec to = {&byte, 1}, from = {&victim, 1};
    return syscall(SYS_process_vm_writev, victim, &to, 1, &from, 1, 0);
}

static long compare_victim(void)
{
    return syscall(SYS_kcmp, victim, victim, 0, 0, 0);
}

static long limit_victim(void)
{
    struct rlimit none = {0, 0};
    return syscall(SYS_prlimit64, victim, RLIMIT_CORE, &none, NULL);
}

static long read_own_limit(void)
{
    struct rlimit now;
    return getrlimit(RLIMIT_STACK, &now);
}

static long slow_victim(void)
{
    return setpriority(PRIO_PROCESS, (id_t)victim, 0);
}

static long pin_victim(void)
{
    unsigned long cores = 1;
    return syscall(SYS_sched_setaffinity, victim, sizeof cores, &cores);
}

static long outlive_parent(void)
{
    return prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
}

static long leave_group(void)
{
    return setsid();
}

static long change_group(void)
{
    return setpgid(0, victim);
}

static long type_into_terminal(void)
{
    return syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x");
}

static long nameless_file(void)
{
    return syscall(SYS_memfd_create, "x", 0);
}

static long share_memory(void)
{
    return syscall(SYS_shmget, 0, 4096, 0600 | 01000);
}

static long message_queue(void)
{
    return syscall(SYS_msgget, 0, 0600 | 01000);
}

static long mount_folder(void)
{
    return syscall(SYS_mount, "/tmp", "/tmp", NULL, 4096 /* bind */, NULL);
}

static long leave_namespace(void)
{
    return syscall(SYS_unshare, CLONE_NEWUSER);
}

static long enter_namespace(void)
{
    return syscall(SYS_setns, 0, 0);
}

static long change_root(void)
{
    return chroot("/tmp");
}

static long load_bpf(void)
{
    return syscall(SYS_bpf, 0, NULL, 0);
}

static long count_events(void)
{
    return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
}

static long handle_faults(void)
{
    return syscall(SYS_userfaultfd, 1);
}

static long ring(void)
{
    return syscall(SYS_io_uring_setup, 1, NULL);
}

static long keys(void)
{
    return syscall(SYS_keyctl, 0, 0, 0);
}

static long add_key(void)
{
    return syscall(SYS_add_key, "user", "x", "x", 1, -2);
}

static long become_root(void)
{
    return syscall(SYS_setuid, 0);
}

static long change_personality(void)
{
    return syscall(SYS_personality, 0x0400000 /* what is readable is executable */);
}

static long open_by_handle(void)
{
    return syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0);
}

static long set_clock(void)
{
    return syscall(SYS_clock_settime, 0, NULL);
}

static long look_at_itself(void)
{
    return syscall(SYS_getpid);
}

static long double_descriptor(void)
{
    return dup(STDOUT_FILENO);
}

#if defined(__x86_64__) && !defined(TB_SANITIZED)
static long old_entry(void) /* the system call of 32-bit programs: kill */
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(37L), "b"((long)victim), "c"(0L) : "memory");
    return result;
}

static long other_numbers(void) /* those of the x32 ABI: getpid */
{
    return syscall(0x40000000 + 39);
}
#endif

/* In the sandbox of our own program, of another, of a script: r refused, a allowed, - not said: it
 * differs between kernels. l: refused where there is Landlock. */
static const struct attempt {
    const char *name, *verdict;
    long (*make)(void);
} attempts[] = {
    {"write to its pipe", "aaa", say_something},
    {"get memory", "aaa", get_memory},
    {"getpid", "aaa", look_at_itself},
    {"getrlimit of itself", "aaa", read_own_limit},
    {"dup", "raa", double_descriptor},
    {"start a thread", "raa", start_thread},
    {"mmap writable and executable", "rrr", map_writable_code},
    {"mmap executable, of no file", "rra", map_code},
    {"mmap executable, of a file", "raa", map_library},
    {"mprotect writable and executable", "rrr", make_writable_code},
#ifdef __aarch64__
    {"mprotect executable", "raa", make_code},
#else
    {"mprotect executable", "rra", make_code},
#endif
    {"open a program of the system", "raa", read_library},
    {"open /etc/passwd", "rla", read_passwd},
    {"open a file of the user", "rla", read_own_file},
    {"open the environment of a process", "rl-", read_victims_environment},
    {"open to write", "rra", write_file},
    {"openat to append", "rra", append_to_file},
    {"open to create", "rra", create_file},
    {"openat2", "rrr", open_newer},
    {"unlink", "rra", remove_file},
    {"rename", "rra", rename_file},
    {"mkdir", "rra", make_folder},
    {"symlink", "rra", make_link},
    {"chmod", "rra", change_mode},
    {"truncate", "rra", cut_file},
    {"mknod", "rrr", make_device},
    {"socket AF_INET", "rrr", socket_internet},
    {"socket AF_UNIX", "rrr", socket_local},
    {"socket AF_NETLINK", "rrr", socket_kernel},
    {"socketpair", "rrr", socket_pair},
    {"execve", "rra", run_program},
    {"execveat", "rrr", run_program_by_descriptor},
    {"fork", "rra", start_process},
    {"clone with a user namespace", "rrr", start_process_apart},
    {"kill the server", "rrr", kill_victim},
    {"kill everybody", "rrr", kill_everybody},
    {"kill its group", "rrr", kill_group},
    {"tgkill the server", "rrr", kill_thread_of_victim},
    {"tgkill itself with another signal", "rrr", kill_own_thread},
    {"tkill the server", "rrr", kill_thread},
    {"rt_sigqueueinfo", "rrr", queue_signal},
    {"rt_tgsigqueueinfo", "rrr", queue_signal_to_thread},
    {"fcntl F_SETOWN", "rrr", signal_by_owner},
    {"fcntl F_SETSIG", "rrr", choose_signal},
    {"pidfd_open", "rrr", hold_victim},
    {"pidfd_send_signal", "rrr", signal_held},
    {"ptrace the server", "rrr", trace_victim},
    {"ptrace itself", "rrr", trace_itself},
    {"process_vm_readv", "rrr", read_victims_memory},
    {"process_vm_writev", "rrr", write_victims_memory},
    {"kcmp", "rrr", compare_victim},
    {"prlimit of the server", "rrr", limit_victim},
    {"setpriority of the server", "rrr", slow_victim},
    {"sched_setaffinity of the server", "rrr", pin_victim},
    {"prctl PR_SET_PDEATHSIG", "rrr", outlive_parent},
    {"setsid", "rrr", leave_group},
    {"setpgid", "rrr", change_group},
    {"ioctl TIOCSTI", "rrr", type_into_terminal},
    {"memfd_create", "rrr", nameless_file},
    {"shmget", "rrr", share_memory},
    {"msgget", "rrr", message_queue},
    {"mount", "rrr", mount_folder},
    {"unshare", "rrr", leave_namespace},
    {"setns", "rrr", enter_namespace},
    {"chroot", "rrr", change_root},
    {"bpf", "rrr", load_bpf},
    {"perf_event_open", "rrr", count_events},
    {"userfaultfd", "rrr", handle_faults},
    {"io_uring_setup", "rrr", ring},
    {"keyctl", "rrr", keys},
    {"add_key", "rrr", add_key},
    {"setuid", "rrr", become_root},
    {"personality", "rrr", change_personality},
    {"open_by_handle_at", "rrr", open_by_handle},
    {"clock_settime", "rrr", set_clock},
#if defined(__x86_64__) && !defined(TB_SANITIZED)
    {"kill by int 0x80", "rrr", old_entry},
    {"getpid by x32", "rrr", other_numbers},
#endif
};

enum { ATTEMPTS = sizeof attempts / sizeof *attempts };

#endif
