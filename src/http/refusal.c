#include "http/http_priv.h"

#include "api/print.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Requests that are refused while their body is on its way. Most clients write the whole body
 * before they read the answer, and a socket that is closed with unread bytes in it resets the
 * connection, answer and all. So:
 *
 * - The rest of the body is read and dropped, and the answer follows it: up to the route's limit
 *   and SLACK more, for DROP_MS.
 * - A request that asks first (Expect: 100-continue), announces more than that, or frames the body
 *   wrongly is answered at once.
 * - One that exceeds these bounds is answered in the middle of the body. libmicrohttpd has no call
 *   for that, so the answer is written to the socket directly (not with TLS, where such a client
 *   is cut off).
 * - After an answer that did not wait for the end of the body, the socket lingers: libmicrohttpd
 *   shuts its sending side and closes it, and a duplicate kept here is read until the client has
 *   closed, LINGER_BYTES have come or time is up.
 */

/* Invariants: the lingering sockets have a thread of their own; `lock` guards `fresh`, the rest is
 * the thread's; n_fresh and n are at most LINGERING. */
enum {
    SLACK = 8 << 20,
    DROP_MS = 30000,
    LINGER_BYTES = 256 << 20,
    LINGER_MS = 10000,
    SILENT_MS = 3000,
    LINGERING = 64, /* sockets; a new one beyond that is closed at once */
    BLOCK = 65536,
    LOOK_MS = 100,
};

struct lingering {
    int fd;
    uint64_t bytes;
    int64_t began_ms, heard_ms;
};

struct tb_linger {
    pthread_t thread;
    pthread_mutex_t lock;
    int wake[2]; /* a pipe */
    int fresh[LINGERING];
    int n_fresh, n;
    struct lingering sockets[LINGERING];
    atomic_bool ending;
    bool started;
};

static int64_t now_ms(void)
{
    return tb_clock_mono_ns() / 1000000;
}

/* ---- refusing ---- */

static uint64_t drop_max(const tb_request *r)
{
    uint64_t upload = (uint64_t)r->http->config->upload_max;
    uint64_t limit = (uint64_t)tb_request_body_limit(r);
    return (limit > upload ? limit : upload) + SLACK;
}

static bool expects_continue(tb_request *r)
{
    const char *expect = tb_request_header(r, "Expect");
    return expect && strncasecmp(expect, "100-continue", 12) == 0;
}

static bool announces_more_than(tb_request *r, uint64_t bytes)
{
    const char *text = tb_request_header(r, "Content-Length");
    unsigned long long length = 0;
    return text && tb_parse_u64(text, &length) && length > bytes;
}

enum MHD_Result tb_refuse(tb_request *r, const tb_err *err)
{
    if (!tb_request_has_body(r)) {
        tb_reply_error(r, err);
        return tb_reply_send(r);
    }
    if (expects_continue(r) || announces_more_than(r, drop_max(r)) ||
        err->status == TB_EMALFORMED) {
        r->early = true;
        tb_reply_error(r, err);
        return tb_reply_send(r);
    }
    return tb_refuse_midway(r, err);
}

enum MHD_Result tb_refuse_midway(tb_request *r, const tb_err *err)
{
    r->refusal = tb_alloc(sizeof *r->refusal);
    *r->refusal = *err;
    r->refused_ns = tb_clock_mono_ns();
    r->phase = TB_AT_REFUSED;
    tb_seat_go_on(r, TB_SEAT_BODY);
    return MHD_YES;
}

/* The answer in the middle of a body. What was answered on this connection before has been sent,
 * or the body would not be read yet; an answer of some hundred bytes fits into the socket. */
static void send_refusal_midway(tb_request *r)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    char *json = tb_print_error(TB_AS_DETAIL, r->refusal);
    tb_str text;
    tb_str_init(&text, BLOCK);
    tb_reply_error(r, r->refusal);
    tb_reply_common(r);
    tb_raw_reply_begin(&text, r->status, strlen(json));
    for (int i = 0; i < r->n_headers; i++)
        tb_str_printf(&text, "%s: %s\r\n", r->headers[i].name, r->headers[i].value);
    tb_str_puts(&text, "\r\n");
    tb_str_puts(&text, json);
    if (info && !r->http->tls_cert) r->early = tb_raw_reply_send(info->connect_fd, &text);
    tb_str_clear(&text);
    tb_free(json);
}

enum MHD_Result tb_refusal_drop(tb_request *r, size_t size)
{
    r->dropped += size;
    if (r->dropped <= drop_max(r) &&
        tb_clock_mono_ns() - r->refused_ns < (int64_t)DROP_MS * 1000000)
        return MHD_YES;
    send_refusal_midway(r);
    return MHD_NO; /* closes the connection */
}

/* ---- lingering ---- */

void tb_linger_add(tb_http *http, struct MHD_Connection *connection)
{
    struct tb_linger *l = http->linger;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    int fd = info ? fcntl(info->connect_fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (fd < 0) return;
    pthread_mutex_lock(&l->lock);
    bool room = l->n_fresh < LINGERING;
    if (room) l->fresh[l->n_fresh++] = fd;
    assert(l->n_fresh >= 0 && l->n_fresh <= LINGERING);
    pthread_mutex_unlock(&l->lock);
    if (!room)
        close(fd);
    else if (write(l->wake[1], "", 1) < 0) { /* the pipe is full: the thread wakes in any case */
    }
}

static void check_invariants(const struct tb_linger *l)
{
    (void)l;
    assert(l->n_fresh >= 0 && l->n_fresh <= LINGERING);
    assert(l->n >= 0 && l->n <= LINGERING);
}

static void take_fresh(struct tb_linger *l)
{
    pthread_mutex_lock(&l->lock);
    check_invariants(l);
    for (int i = 0; i < l->n_fresh; i++) {
        if (l->n == LINGERING) {
            close(l->fresh[i]);
            continue;
        }
        int64_t now = now_ms();
        l->sockets[l->n++] =
            (struct lingering){.fd = l->fresh[i], .began_ms = now, .heard_ms = now};
    }
    l->n_fresh = 0;
    check_invariants(l);
    pthread_mutex_unlock(&l->lock);
}

/* Reads what is there, one block; false: this socket has lingered long enough. */
static bool drop_block(struct lingering *s, bool readable, char *block)
{
    int64_t now = now_ms();
    if (now - s->began_ms > LINGER_MS || now - s->heard_ms > SILENT_MS) return false;
    if (!readable) return true;
    ssize_t n = recv(s->fd, block, BLOCK, MSG_DONTWAIT);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    s->bytes += (uint64_t)n;
    s->heard_ms = now;
    return n > 0 && s->bytes <= LINGER_BYTES;
}

static void *linger(void *arg)
{
    struct tb_linger *l = arg;
    struct pollfd polled[LINGERING + 1];
    char *block = tb_alloc(BLOCK);
    while (!atomic_load(&l->ending)) {
        take_fresh(l);
        for (int i = 0; i < l->n; i++)
            polled[i] = (struct pollfd){l->sockets[i].fd, POLLIN, 0};
        polled[l->n] = (struct pollfd){l->wake[0], POLLIN, 0};
        poll(polled, (nfds_t)l->n + 1, l->n ? LOOK_MS : -1);
        if (polled[l->n].revents && read(l->wake[0], block, BLOCK) < 0) continue;
        int kept = 0;
        for (int i = 0; i < l->n; i++) {
            if (drop_block(&l->sockets[i], polled[i].revents != 0, block))
                l->sockets[kept++] = l->sockets[i];
            else
                close(l->sockets[i].fd);
        }
        l->n = kept;
    }
    tb_free(block);
    return NULL;
}

tb_status tb_linger_start(tb_http *http, tb_err *err)
{
    struct tb_linger *l = http->linger = tb_alloc(sizeof *l);
    pthread_mutex_init(&l->lock, NULL);
    l->wake[0] = l->wake[1] = -1;
    if (pipe(l->wake) != 0) return tb_fail_errno(err, errno, "cannot make a pipe");
    for (int i = 0; i < 2; i++) {
        fcntl(l->wake[i], F_SETFD, FD_CLOEXEC);
        fcntl(l->wake[i], F_SETFL, O_NONBLOCK);
    }
    int why = pthread_create(&l->thread, NULL, linger, l);
    if (why) return tb_fail_errno(err, why, "cannot start a thread");
    l->started = true;
    return TB_OK;
}

void tb_linger_stop(tb_http *http)
{
    struct tb_linger *l = http->linger;
    if (!l) return;
    atomic_store(&l->ending, true);
    if (l->started) {
        if (write(l->wake[1], "", 1) < 0) { /* full: it wakes all the same */
        }
        pthread_join(l->thread, NULL);
    }
    for (int i = 0; i < l->n; i++)
        close(l->sockets[i].fd);
    for (int i = 0; i < l->n_fresh; i++)
        close(l->fresh[i]);
    for (int i = 0; i < 2; i++)
        if (l->wake[i] >= 0) close(l->wake[i]);
    pthread_mutex_destroy(&l->lock);
    tb_free(l);
    http->linger = NULL;
}
