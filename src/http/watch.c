#define _GNU_SOURCE /* POLLRDHUP */

#include "http/http_priv.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

/*
 * libmicrohttpd does not look at a connection that sleeps, so a client who leaves while a job works
 * for them, or while their password waits to be judged, would be noticed only at its end. This
 * thread looks: a socket that reads as ended is a client who left; their job is cancelled, their
 * guess is forgotten, and with it the connection. (A client that only shuts its sending side counts
 * as gone too.) The request's own lock is not taken here; a request is in the list only while it
 * lives, and leaves it under watch_lock before its socket is closed.
 */
enum { LOOK_EVERY_MS = 40 };

void tb_watch_add(tb_request *r)
{
    pthread_mutex_lock(&r->http->watch_lock);
    if (!r->watched) {
        r->watched = true;
        r->next_watched = r->http->watched;
        r->http->watched = r;
    }
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
    pthread_mutex_unlock(&r->http->watch_lock);
}

#ifdef __linux__
/* Sees the end even behind bytes that nobody read: a pipelined request, a TLS farewell. */
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
