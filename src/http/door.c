#ifdef __linux__
#define _GNU_SOURCE /* accept4 */
#endif

#include "http/http_priv.h"

#include "base/descriptors.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The door: one thread accepts connections, gives each a seat (seat.c) and hands it to
 * libmicrohttpd, which never has the listening socket itself.
 *
 * - The number of connections leaves descriptors for the work: a connection may need a second one
 *   for the file that it is sent, and jobs need some for files and children. Beyond the limit an
 *   unauthenticated connection is closed, or the newcomer gets 503.
 * - When the table of open files is full nevertheless, a spare descriptor is closed for a moment,
 *   so that one connection can be accepted and refused with a reason.
 * - Stopping joins this thread first: nothing is added to a daemon that stops.
 *
 * Relies on seat.c for the limit and for the choice of the connection to close.
 */
enum { WORK_PLACES = 192, REJECTED = 4, AT_A_TIME = 64, LOOK_MS = 500, FULL_PAUSE_MS = 20 };

struct tb_door {
    pthread_t thread;
    int wake[2];            /* a pipe */
    int spare;              /* -1: it has been given up */
    int rejected[REJECTED]; /* refused, kept open for a moment so that the client can read why */
    int n_rejected;
    atomic_bool ending;
    bool running, refusing;
};

static int accept_one(int listen_fd, struct sockaddr_storage *from, socklen_t *len)
{
    *len = sizeof *from;
#ifdef __linux__
    return accept4(listen_fd, (struct sockaddr *)from, len, SOCK_CLOEXEC | SOCK_NONBLOCK);
#else
    int fd = accept(listen_fd, (struct sockaddr *)from, len);
    if (fd >= 0) {
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    return fd;
#endif
}

/* Sends 503 and shuts the sending side. Received bytes are read first: closing a socket with unread
 * bytes resets it, and the answer would be lost. With TLS no answer is possible without a
 * handshake. */
static void send_refusal(const tb_http *http, int fd)
{
    char sent[4096];
    for (int i = 0; i < 4 && recv(fd, sent, sizeof sent, MSG_DONTWAIT) > 0; i++) {
    }
    char id[TB_UUID_TEXT];
    tb_str answer;
    tb_uuid(id);
    tb_str_init(&answer, 4096);
    tb_raw_reply_make(http, id, 503, "too many connections are open; try again soon", &answer);
    if (http->tls_cert || tb_raw_reply_send(fd, &answer)) shutdown(fd, SHUT_WR);
    tb_str_clear(&answer);
}

static void keep_rejected(struct tb_door *d, int fd)
{
    if (d->n_rejected == REJECTED) {
        close(d->rejected[0]);
        memmove(d->rejected, d->rejected + 1, (REJECTED - 1) * sizeof d->rejected[0]);
        d->n_rejected--;
    }
    d->rejected[d->n_rejected++] = fd;
}

static void close_rejected(struct tb_door *d)
{
    while (d->n_rejected > 0)
        close(d->rejected[--d->n_rejected]);
}

static void log_refusals(struct tb_door *d, bool refusing, const char *why)
{
    if (refusing != d->refusing)
        tb_log(refusing ? TB_WARN : TB_INFO, "http", "connections=%s why=\"%s\"",
               refusing ? "refused" : "taken", why);
    d->refusing = refusing;
}

/* No place for another file: the spare one answers this caller. */
static void use_spare(tb_http *http)
{
    struct tb_door *d = http->door;
    struct sockaddr_storage from;
    socklen_t len;
    log_refusals(d, true, "the table of open files is full");
    close_rejected(d);
    if (d->spare >= 0) close(d->spare);
    int fd = accept_one(http->listen_fd, &from, &len);
    if (fd >= 0) {
        send_refusal(http, fd);
        close(fd);
    }
    d->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    poll(NULL, 0, FULL_PAUSE_MS); /* do not spin while the table is full */
}

static void accept_pending(tb_http *http)
{
    struct tb_door *d = http->door;
    struct sockaddr_storage from;
    socklen_t len;
    if (d->spare < 0) d->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < AT_A_TIME && !atomic_load(&d->ending); i++) {
        int fd = accept_one(http->listen_fd, &from, &len);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
            use_spare(http);
        if (fd < 0) return; /* no more pending ones, or a failure that the next poll repeats */
        if (!tb_seats_room(http) || !tb_seat_take(http, fd, (struct sockaddr *)&from)) {
            log_refusals(d, true, "CONNECTIONS_MAX, or what the limit of open files allows");
            send_refusal(http, fd);
            keep_rejected(d, fd);
            continue;
        }
        log_refusals(d, false, "there is room");
        if (MHD_add_connection(http->daemon, fd, (struct sockaddr *)&from, len) != MHD_YES)
            tb_seat_give_up(http, fd); /* it has closed it */
    }
}

static void *attend(void *arg)
{
    tb_http *http = arg;
    struct tb_door *d = http->door;
    while (!atomic_load(&d->ending)) {
        struct pollfd p[2] = {{http->listen_fd, POLLIN, 0}, {d->wake[0], POLLIN, 0}};
        int n = poll(p, 2, LOOK_MS);
        if (n > 0 && p[0].revents) accept_pending(http);
        if (n == 0) close_rejected(d);
        tb_seats_look(http);
    }
    return NULL;
}

/* How many connections may be open at once. */
static int count_places(const tb_config *c)
{
    size_t most = (size_t)c->connections_max;
    size_t limit = tb_descriptors_limit(2 * most + 2 * WORK_PLACES), used = tb_descriptors_used();
    size_t room = limit > used ? limit - used : 0;
    size_t work = room / 2 < WORK_PLACES ? room / 2 : WORK_PLACES;
    size_t fit = (room - work) / 2;
    if (fit >= most) return (int)most;
    tb_log(TB_WARN, "http",
           "connections=%zu of=%zu why=\"the limit of open files is %zu; raise it (ulimit -n)\"",
           fit, most, limit);
    return fit > 0 ? (int)fit : 1;
}

tb_status tb_door_prepare(tb_http *http, tb_err *err)
{
    struct tb_door *d = http->door = tb_alloc(sizeof *d);
    d->wake[0] = d->wake[1] = d->spare = -1;
    if (pipe(d->wake) != 0) return tb_fail_errno(err, errno, "cannot make a pipe");
    for (int i = 0; i < 2; i++)
        fcntl(d->wake[i], F_SETFD, FD_CLOEXEC);
    fcntl(http->listen_fd, F_SETFL, fcntl(http->listen_fd, F_GETFL) | O_NONBLOCK);
    d->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    tb_seats_prepare(http, count_places(http->config));
    return TB_OK;
}

tb_status tb_door_open(tb_http *http, tb_err *err)
{
    int why = pthread_create(&http->door->thread, NULL, attend, http);
    if (why) return tb_fail_errno(err, why, "cannot start the thread that accepts connections");
    http->door->running = true;
    return TB_OK;
}

void tb_door_close(tb_http *http)
{
    struct tb_door *d = http->door;
    if (!d || !d->running) return;
    atomic_store(&d->ending, true);
    if (write(d->wake[1], "", 1) < 0) { /* the poll ends after LOOK_MS in any case */
    }
    pthread_join(d->thread, NULL);
    d->running = false;
    close_rejected(d);
}

void tb_door_free(tb_http *http)
{
    struct tb_door *d = http->door;
    if (!d) return;
    for (int i = 0; i < 2; i++)
        if (d->wake[i] >= 0) close(d->wake[i]);
    if (d->spare >= 0) close(d->spare);
    tb_free(d);
    http->door = NULL;
    tb_seats_free(http);
}
