/*
 * The desk: six threads that run the handlers that may block (database, disk, parsing of a large
 * body) while the connection is suspended, so that the two threads that hold the sockets never
 * wait.
 *
 * While a request is at the desk it belongs to the desk's thread. libmicrohttpd does not touch a
 * suspended connection, so its headers may be read meanwhile; nothing else may resume it, not even
 * the request's own job (request.c).
 *
 * Two of the threads run only handlers that write to the store: while another process holds the
 * database, only writers wait behind writers. The limit of that wait counts from the time when the
 * request came to the desk, so it is the same for everybody in the queue. Relies on job/queue.h.
 *
 * Invariants, under the request's lock: a request that is at_desk is asleep, and exactly one desk
 * thread, or the queue, owns it.
 */
#include "http/route_priv.h"

#include "base/clock.h"
#include "store/store.h"

#include <assert.h>

enum { READING_THREADS = 4, WRITING_THREADS = 2, WAIT_MS = 5000 };

static tb_request *request_of(tb_queue_entry *entry)
{
    return (tb_request *)(void *)((char *)entry - offsetof(tb_request, desk_entry));
}

static void back(tb_request *r)
{
    pthread_mutex_lock(&r->lock);
    assert(r->at_desk && r->asleep);
    r->at_desk = r->asleep = false;
    r->woken = true;
    MHD_resume_connection(r->connection);
    pthread_mutex_unlock(&r->lock); /* r may be freed after this line */
}

static tb_queue_piece run(void *self, tb_queue_entry *entry)
{
    tb_request *r = request_of(entry);
    (void)self;
    tb_store_wait_until(r->desk_ns + (int64_t)WAIT_MS * 1000000);
    r->desk_work(r);
    back(r);
    return (tb_queue_piece){0};
}

static void forget(void *self, tb_queue_entry *entry)
{
    (void)self;
    (void)entry; /* a part of its request */
}

tb_status tb_desk_start(tb_http *http, tb_err *err)
{
    /* A connection has one request at a time: the queue never holds more. */
    int most = http->config->connections_max;
    tb_status st = tb_queue_new(READING_THREADS, most, most, run, forget, http, &http->desk, err);
    if (!st)
        st = tb_queue_new(WRITING_THREADS, most, most, run, forget, http, &http->writing_desk, err);
    return st;
}

void tb_desk_drain(tb_http *http)
{
    while (!tb_queue_drain(http->desk, 1000) || !tb_queue_drain(http->writing_desk, 1000)) {
    }
}

void tb_desk_stop(tb_http *http)
{
    tb_queue_free(http->desk);
    tb_queue_free(http->writing_desk);
    http->desk = http->writing_desk = NULL;
}

bool tb_desk_take(tb_request *r, void (*work)(tb_request *r))
{
    tb_err why = {0};
    pthread_mutex_lock(&r->lock);
    assert(!r->at_desk && !r->asleep);
    r->desk_work = work;
    r->desk_ns = tb_clock_mono_ns();
    r->at_desk = r->asleep = true;
    MHD_suspend_connection(r->connection);
    pthread_mutex_unlock(&r->lock);
    tb_queue *desk = r->route->desk == TB_DESK_WRITES ? r->http->writing_desk : r->http->desk;
    if (tb_queue_push(desk, r->user, &r->desk_entry, &why) == TB_OK) return true;
    tb_fail(&r->err, TB_EUNREADY, "the server is stopping or has too much to do; try again soon");
    back(r);
    return false;
}

bool tb_desk_done(tb_request *r)
{
    pthread_mutex_lock(&r->lock);
    bool done = !r->at_desk;
    pthread_mutex_unlock(&r->lock);
    return done;
}
