#define _GNU_SOURCE /* POLLRDHUP */

#include "http/http_priv.h"

#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

/*
 * Notices clients that disconnect while their connection is suspended. libmicrohttpd does not poll
 * such a connection, so without this thread it would be noticed only when the job, or the check of
 * a password, is done.
 *
 * Every LOOK_EVERY_MS the thread polls the sockets in its list. When the peer has closed, the job
 * is cancelled or the guess abandoned; a client that only shuts its sending side counts as gone
 * too. The request's own lock is not taken here: a request leaves the list, under watch_lock,
 * before its socket is closed.
 *
 * Invariants, under watch_lock: a request is `watched` exactly when it is in the list, once.
 */
enum { LOOK_EVERY_MS = 40 };

static void check_invariants(const tb_request *r)
{
#ifndef NDEBUG
    int found = 0;
    for (const tb_request *p = r->http->watched; p; p = p->next_watched) {
        assert(p->watched);
        found += p == r;
    }
    assert(found == (r->watched ? 1 : 0));
#else
    (void)r;
#endif
}

void tb_watch_add(tb_request *r)
{
    pthread_mutex_lock(&r->http->watch_lock);
    if (!r->watched) {
        r->watched = true;
        r->next_watched = r->http->watched;
        r->http->watched = r;
    }
    check_invariants(r);
    pthread_mutex_unlock(&r->http->watch_lock);
}

void tb_watch_remove(tb_request *r)
{
    pthread_mutex_lock(&r->http->watch_lock);
    for (tb_request **p = &r->http->watched; *p; p = &(*p)->next_watched) {
        if (*p != r) continue;
        *p = r->next_watched;
        break;
    }
    r->watched = false;
    check_invariants(r);
    pthread_mutex_unlock(&r->http->watch_lock);
}

#ifdef __linux__
/* Detects the end even when unread bytes precede it: a pipelined request, a TLS close_notify. */
static bool has_left(int fd)
{
    struct pollfd p = {fd, POLLRDHUP, 0};
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}
#else
static bool has_left(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}
#endif

static void *watch(void *arg)
{
    tb_http *http = arg;
    while (!atomic_load(&http->ending)) {
        poll(NULL, 0, LOOK_EVERY_MS);
        pthread_mutex_lock(&http->watch_lock);
        for (tb_request *r = http->watched; r; r = r->next_watched) {
            const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
            if (!info || !has_left(info->connect_fd)) continue;
            if (r->job)
                tb_job_cancel(r->job);
            else if (r->check)
                tb_auth_abandon(http->auth, r->check);
        }
        pthread_mutex_unlock(&http->watch_lock);
    }
    return NULL;
}

tb_status tb_watch_start(tb_http *http, tb_err *err)
{
    pthread_mutex_init(&http->watch_lock, NULL);
    int why = pthread_create(&http->watcher, NULL, watch, http);
    if (why) return tb_fail_errno(err, why, "cannot start the watcher");
    return TB_OK;
}

void tb_watch_stop(tb_http *http)
{
    atomic_store(&http->ending, true);
    pthread_join(http->watcher, NULL);
    pthread_mutex_destroy(&http->watch_lock);
}
