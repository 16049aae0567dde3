/*
 * The HTTP server: listening socket, TLS files, libmicrohttpd's daemon and its threads, start and
 * stop.
 *
 * Two threads hold all sockets; what may wait is done at the desk (desk.c). Stopping first refuses
 * new connections, then waits for those that are served. What a request goes through is request.c.
 * Relies on libmicrohttpd, whose connections may be suspended and resumed.
 */
#include "http/server.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/http_priv.h"
#include "http/request_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODIES_MAX = 256 << 20 }; /* of all requests together */
enum { THREADS = 2, BACKLOG = 4096, CONNECTION_MEMORY = 64 * 1024, TLS_FILE_MAX = 1 << 20 };

static tb_status listen_on(const tb_config *c, int *out, tb_err *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char port[16];
    int fd = -1, on = 1, why = 0;
    snprintf(port, sizeof port, "%d", c->port);
    /* [::1] is how addresses of IPv6 are written before a port. */
    size_t len = strlen(c->host);
    bool bracketed = len > 2 && c->host[0] == '[' && c->host[len - 1] == ']';
    char *host = bracketed ? tb_strndup(c->host + 1, len - 2) : tb_strdup(c->host);
    int code = getaddrinfo(host, port, &hints, &found);
    tb_free(host);
    if (code)
        return tb_fail_field(err, TB_EINVAL, "HOST", "HOST is '%.60s': %s", c->host,
                             gai_strerror(code));
    for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        why = errno;
        if (fd < 0) continue;
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) break;
        why = errno;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    if (fd < 0) {
        tb_status st = tb_fail_errno(err, why, "cannot listen on %s port %d", c->host, c->port);
        return why == EADDRINUSE ? tb_fail(err, TB_ECONFLICT,
                                           "port %d is in use; stop what uses it, or "
                                           "choose another with PORT or --port",
                                           c->port)
                                 : st;
    }
    *out = fd;
    return TB_OK;
}

static int port_of(int fd)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    char port[16] = "0";
    if (getsockname(fd, (struct sockaddr *)&a, &len) == 0)
        getnameinfo((struct sockaddr *)&a, len, NULL, 0, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    unsigned long long n = 0;
    return tb_parse_u64(port, &n) ? (int)n : 0;
}

TB_PRINTF(2, 0)
static void mhd_log(void *self, const char *fmt, va_list ap)
{
    char line[300];
    (void)self;
    vsnprintf(line, sizeof line, fmt, ap);
    line[strcspn(line, "\n")] = 0;
    tb_log(TB_DEBUG, "http", "mhd=%s", line);
}

static tb_status read_tls(tb_http *http, const tb_config *c, tb_err *err)
{
    size_t size;
    if (!*c->tls_cert) return TB_OK;
    tb_status st = tb_file_read(c->tls_cert, TLS_FILE_MAX, &http->tls_cert, &size, err);
    if (!st) st = tb_file_read(c->tls_key, TLS_FILE_MAX, &http->tls_key, &size, err);
    return st;
}

/* Since 1.0 it can be set to be strict: no bare line feeds, folded lines and the like. What it
 * calls strict before is a part of what framing.c looks at, with a poorer answer. */
#if MHD_VERSION >= 0x00097701
#define STRICTNESS MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1
#else
#define STRICTNESS MHD_OPTION_STRICT_FOR_CLIENT, 0
#endif

static tb_status start_daemon(tb_http *http, tb_err *err)
{
    const tb_config *c = http->config;
    unsigned flags = MHD_ALLOW_SUSPEND_RESUME | MHD_USE_INTERNAL_POLLING_THREAD |
                     MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG |
                     (http->tls_cert ? MHD_USE_TLS : 0U);
#ifdef __linux__
    flags |= MHD_USE_EPOLL;
#else
    flags |= MHD_USE_POLL;
#endif
    static char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, http->tls_cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, http->tls_key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
        {MHD_OPTION_END, 0, NULL},
    };
    if (!http->tls_cert) tls[0] = tls[3];
    http->daemon = MHD_start_daemon(flags, 0, NULL, NULL, tb_request_handle, http,
                                    MHD_OPTION_EXTERNAL_LOGGER, mhd_log, NULL, STRICTNESS,
                                    MHD_OPTION_NOTIFY_CONNECTION, tb_seat_on_connection, http,
                                    MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
                                    /* for each of the threads more than the door lets in for all */
                                    MHD_OPTION_CONNECTION_LIMIT,
                                    (unsigned)(THREADS * (tb_seats_most(http) + 8)),
                                    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)c->client_timeout_s,
                                    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                                    MHD_OPTION_URI_LOG_CALLBACK, tb_request_announce, http,
                                    MHD_OPTION_NOTIFY_COMPLETED, tb_request_completed, http,
                                    MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (!http->daemon)
        return tb_fail(err, TB_EINTERNAL, "the HTTP server cannot start: %s",
                       http->tls_cert ? "look at TLS_CERT and TLS_KEY"
                                      : "threads, memory or open files are at their limit (ulimit "
                                        "-u, -v, -n)");
    return TB_OK;
}

tb_status tb_http_start(const tb_config *config, tb_service *service, int listen_fd, tb_http **out,
                        tb_err *err)
{
    tb_http *http = tb_alloc(sizeof *http);
    tb_status st = TB_OK;
    http->config = config;
    http->service = service;
    http->listen_fd = listen_fd;
    /* A body may cost three times its size while it is worked on. */
    http->bodies_max = tb_mem_allowance() / 4;
    if (http->bodies_max > BODIES_MAX) http->bodies_max = BODIES_MAX;
    st = tb_linger_start(http, err);
    if (!st) st = tb_watch_start(http, err);
    if (st) {
        tb_linger_stop(http);
        tb_free(http);
        return st;
    }
    st = tb_counts_start(http, err);
    if (!st && listen_fd < 0) st = listen_on(config, &http->listen_fd, err);
    if (!st) st = read_tls(http, config, err);
    if (!st) st = tb_auth_new(config, &http->auth, err);
    if (!st) st = tb_desk_start(http, err);
    tb_links_init(http);
    if (!st) http->port = port_of(http->listen_fd);
    if (!st) st = tb_door_prepare(http, err);
    if (!st) tb_auth_room(http->auth, tb_seats_open(http));
    if (!st) st = start_daemon(http, err);
    if (!st) st = tb_door_open(http, err);
    if (st) {
        tb_http_stop(http);
        return st;
    }
    *out = http;
    return TB_OK;
}

int tb_http_port(const tb_http *http)
{
    return http->port;
}

int tb_http_listen_fd(const tb_http *http)
{
    return http->listen_fd;
}

void tb_http_quiesce(tb_http *http)
{
    if (http->quiesced) return;
    http->quiesced = true;
    tb_door_close(http);
}

/* Answers under way get a moment to reach their clients. */
enum { LAST_WORDS_MS = 2000, LOOK_MS = 10 };

void tb_http_stop(tb_http *http)
{
    if (!http) return;
    if (http->daemon) {
        if (!http->quiesced) tb_http_quiesce(http);
        /* libmicrohttpd aborts when it is stopped while a connection sleeps. */
        tb_auth_drain(http->auth);
        tb_desk_drain(http);
        atomic_store(&http->closing, true);
        tb_seats_wake(http);
        for (int ms = 0; ms < LAST_WORDS_MS && tb_seats_served(http) > 0; ms += LOOK_MS)
            tb_clock_sleep_ms(LOOK_MS);
        MHD_stop_daemon(http->daemon);
    }
    tb_linger_stop(http); /* receives on seats, which go with the door */
    tb_watch_stop(http);
    tb_door_free(http);
    tb_desk_stop(http);
    tb_auth_free(http->auth);
    tb_counts_stop(http);
    if (http->listen_fd >= 0) close(http->listen_fd);
    tb_free(http->tls_cert);
    tb_free(http->tls_key);
    tb_free(http);
}
