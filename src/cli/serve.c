/*
 * timbre serve: opens service and HTTP server, answers until it is told to stop, closes them.
 *
 * The first signal writes into a pipe that the main loop polls and drains the queue; a second one
 * exits at once. The loop also applies retention and gives memory back; with --dev it starts the
 * program anew on the same socket when its file has changed. systemd is told when the service is
 * ready. Relies on job/job.h and http/server.h.
 */
#include "audio/wav.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/descriptors.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli_priv.h"
#include "cli/greet_priv.h"
#include "codec/decode.h"
#include "http/server.h"
#include "job/job.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { TICK_MS = 500, RETAIN_EVERY_S = 60, SECOND_SIGNAL_GRACE_MS = 0 };
static const int64_t retain_wait_ns = 1000000000;

static volatile sig_atomic_t stops; /* how often we were asked to stop */
static int wake_pipe[2] = {-1, -1};

static void on_stop(int signal)
{
    (void)signal;
    if (++stops > 1) _exit(130); /* the second one does not wait; nothing acknowledged is lost */
    char byte = 0;
    ssize_t ignored = write(wake_pipe[1], &byte, 1);
    (void)ignored;
}

/* The datagram that systemd waits for; nothing where there is no systemd. */
static void notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof to.sun_path) return;
    memcpy(to.sun_path, path, strlen(path));
    if (to.sun_path[0] == '@') to.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0) return;
    ssize_t ignored = sendto(fd, state, strlen(state), 0, (struct sockaddr *)&to,
                             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
    (void)ignored;
    close(fd);
}

/* A socket from systemd (LISTEN_FDS) or from our former self (serve --dev); -1 none. */
static int inherited_socket(void)
{
    unsigned long long n, pid;
    const char *fds = getenv("LISTEN_FDS"), *whose = getenv("LISTEN_PID");
    if (!fds || !whose || !tb_parse_u64(fds, &n) || !tb_parse_u64(whose, &pid)) return -1;
    if (n < 1 || pid != (unsigned long long)getpid()) return -1;
    fcntl(3, F_SETFD, FD_CLOEXEC);
    return 3;
}

static tb_status decode_import(void *self, const char *data, size_t size, char **wav,
                               size_t *wav_size, double *seconds, tb_err *err)
{
    tb_pcm clip = {0};
    uint8_t *bytes = NULL;
    (void)self;
    tb_status st = tb_decode_audio(data, size, 60, NULL, &clip, err);
    if (!st) st = tb_wav_print(&clip, &bytes, wav_size, err);
    if (!st) {
        *wav = (char *)bytes;
        *seconds = tb_pcm_seconds(&clip);
    }
    tb_pcm_clear(&clip);
    return st;
}

static void import_old(tb_service *s, const tb_config *c)
{
    tb_import_result r = {0};
    tb_err err = {0};
    if (tb_store_import(tb_service_store(s), c->voices_dir, c->storage_dir, c->history_file,
                        decode_import, NULL, &r, &err))
        tb_log(TB_WARN, "serve", "import=failed why=%s", err.msg);
    else if (!r.done_before && r.voices + r.clips + r.skipped > 0)
        tb_log(TB_INFO, "serve", "import=done voices=%zu clips=%zu skipped=%zu", r.voices, r.clips,
               r.skipped);
}

static void retain(tb_service *s, const tb_config *c)
{
    size_t gone = 0;
    tb_err err = {0};
    /* This thread has to hear the signals; what must wait is done in a minute. */
    tb_store_wait_until(tb_clock_mono_ns() + retain_wait_ns);
    if (tb_store_tidy(tb_service_store(s), &err))
        tb_log(TB_WARN, "serve", "tidy=failed why=\"%s\"", err.msg);
    if (c->history_max_age_s == 0 && c->history_max_bytes == 0) return;
    if (tb_store_retain(tb_service_store(s), c->history_max_age_s, (uint64_t)c->history_max_bytes,
                        &gone, &err))
        tb_log(TB_WARN, "serve", "retain=failed why=%s", err.msg);
    else if (gone > 0)
        tb_log(TB_INFO, "serve", "retain=removed clips=%zu", gone);
}

/* When the program or .env was last changed, in one number; 0 while a file is away. */
static double stamp(void)
{
    struct stat program, env;
    double when = 0;
    if (stat(tb_child_self(), &program) != 0) return 0;
    when = (double)program.st_mtime + (double)program.st_ino;
    if (stat(".env", &env) == 0)
        when += 1e-3 * (double)(env.st_mtime % 100000000) + (double)env.st_size;
    return when;
}

/* Becomes the new program on the same socket: nobody is refused in between, their connections wait
 * in the socket's queue. */
static void start_anew(tb_cli *cli, int listen_fd)
{
    char pid[32];
    const char *argv[2 * 64 + 4];
    size_t n = 0;
    char *flags[64];
    argv[n++] = cli->program;
    argv[n++] = "serve";
    argv[n++] = "--dev";
    for (size_t i = 0; i < cli->n_overrides; i++) {
        for (size_t k = 0; tb_config_setting(k); k++)
            if (strcmp(tb_config_setting(k)->name, cli->overrides[i].name) == 0) {
                flags[i] = tb_sprintf("%s=%s", tb_config_setting(k)->flag, cli->overrides[i].value);
                argv[n++] = flags[i];
            }
    }
    argv[n] = NULL;
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "1", 1);
    if (listen_fd != 3) dup2(listen_fd, 3);
    fcntl(3, F_SETFD, 0);
    execv(tb_child_self(), (char *const *)(uintptr_t)argv);
    tb_log(TB_ERROR, "serve", "restart=failed why=%s", strerror(errno));
}

/* Until a signal, or with --dev until the program changed (true). */
static bool attend(tb_cli *cli, tb_service *s, tb_greet *greet)
{
    bool dev = tb_cli_get(cli, "--dev") != NULL;
    double began = stamp(), seen = began;
    int64_t retained = 0;
    while (!stops) {
        struct pollfd p = {wake_pipe[0], POLLIN, 0};
        poll(&p, 1, TICK_MS);
        tb_greet_look(greet, tb_service_engine(s));
        tb_mem_give_back();
        int64_t now = tb_clock_mono_ns();
        if (now - retained > (int64_t)RETAIN_EVERY_S * 1000000000 || retained == 0) {
            retain(s, &cli->config);
            retained = now;
        }
        if (!dev) continue;
        double is = stamp(); /* two equal looks: it is written to its end */
        if (is != 0 && fabs(is - began) > 1e-9 && fabs(is - seen) < 1e-9) return true;
        seen = is;
    }
    return false;
}

/* With fewer, the files of the database and the pipes of one child leave no place for ten
 * connections. */
static tb_status check_descriptors(tb_err *err)
{
    enum { LEAST = 64, GOOD = 1024 };
    size_t limit = tb_descriptors_limit(GOOD);
    if (limit >= LEAST) return TB_OK;
    return tb_fail(err, TB_EUNREADY,
                   "the limit of open files is %zu, and the server needs at least %d, better %d: "
                   "raise it (ulimit -n %d) and start again",
                   limit, (int)LEAST, (int)GOOD, (int)GOOD);
}

/* Who puts one there means it for a hash, but it is the password then. */
static void warn_of_other_hashes(const char *password)
{
    static const char *const starts[] = {"$argon2i$", "$argon2d$", "$2a$", "$2b$",     "$2y$",
                                         "$1$",       "$5$",       "$6$",  "$pbkdf2-", "$scrypt$"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (strncmp(password, starts[i], strlen(starts[i])) == 0)
            tb_log(TB_WARN, "serve",
                   "API_PASSWORD=\"%s…\" taken_as=text why=\"of hashes, only those that begin with "
                   "$argon2id$ are understood\"",
                   starts[i]);
}

int tb_cli_run_serve(tb_cli *cli)
{
    const tb_config *c = &cli->config;
    tb_service *service = NULL;
    tb_http *http = NULL;
    tb_err err = {0};
    tb_status st;
    bool again = false;
    tb_greet greet;
    int listen_fd = -1, handed = -1, code = TB_EXIT_OK;

    if (!*c->api_username || !*c->api_password) {
        tb_fail(&err, TB_EUNREADY,
                "no credentials are set, and every endpoint asks for them; put "
                "API_USERNAME=name and API_PASSWORD=secret into .env");
        return tb_cli_fail(cli, &err);
    }
    if (tb_password_is_hashed(c->api_password) && tb_password_check(c->api_password, &err)) {
        tb_err why = err;
        tb_fail_field(&err, TB_EINVAL, "API_PASSWORD", "API_PASSWORD %.400s", why.msg);
        return tb_cli_fail(cli, &err);
    }
    tb_cli_log_level(c->log_level);
    if (check_descriptors(&err)) return tb_cli_fail(cli, &err);
    warn_of_other_hashes(c->api_password);
    if (pipe(wake_pipe) != 0) {
        tb_fail_errno(&err, errno, "cannot make a pipe");
        return tb_cli_fail(cli, &err);
    }
    for (int i = 0; i < 2; i++)
        fcntl(wake_pipe[i], F_SETFD, FD_CLOEXEC);
    signal(SIGPIPE, SIG_IGN);
    struct sigaction stop = {.sa_handler = on_stop};
    sigemptyset(&stop.sa_mask);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);

    tb_log_hold();
    st = tb_service_open(c, true, &service, &err);
    if (!st) import_old(service, c);
    if (!st) st = tb_service_start(service, &err);
    handed = inherited_socket();
    if (!st) st = tb_http_start(c, service, handed, &http, &err);
    tb_log_release(!st); /* a start that fails says so once, below */
    if (st) {
        code = tb_cli_fail(cli, &err);
        goto out;
    }
    const bool bare6 = strchr(c->host, ':') && c->host[0] != '[';
    printf("timbre " TB_VERSION " listening on %s://%s%s%s:%d\n", *c->tls_cert ? "https" : "http",
           bare6 ? "[" : "", c->host, bare6 ? "]" : "", tb_http_port(http));
    fflush(stdout);
    notify("READY=1");
    tb_greet_start(&greet, cli, tb_service_engine(service), tb_http_port(http), handed >= 0);
    again = attend(cli, service, &greet);
    notify(again ? "RELOADING=1" : "STOPPING=1");
    tb_log(TB_INFO, "serve", "stop=draining");
    if (again) listen_fd = fcntl(tb_http_listen_fd(http), F_DUPFD_CLOEXEC, 10);
    tb_http_quiesce(http);
    tb_service_stop(service, c->shutdown_grace_s * 1000);
out:
    tb_http_stop(http);
    tb_service_close(service);
    if (again && !stops) start_anew(cli, listen_fd);
    return code;
}
