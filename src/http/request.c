#include "http/request_priv.h"

#include "api/print.h"
#include "api/range.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/route_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The life of a request. libmicrohttpd calls tb_request_handle when the headers are there, then for
 * each piece of the body, then once without one, and again whenever a sleeping connection was
 * woken; `phase` says how far we are.
 */
enum {
    WORK_BYTES = 2 << 20, /* what a handler may allocate unchecked */
    LARGE = 1 << 20,      /* bytes of a body after which memory is given back */
};

const char *tb_request_header(tb_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* ---- sleeping ---- */

void tb_request_wake(void *request)
{
    tb_request *r = request;
    pthread_mutex_lock(&r->lock);
    r->woken = true;
    if (r->asleep && !r->at_desk) {
        r->asleep = false;
        MHD_resume_connection(r->connection);
    }
    pthread_mutex_unlock(&r->lock);
}

bool tb_request_sleep(tb_request *r)
{
    tb_seat_go_on(r, TB_SEAT_WORK);
    pthread_mutex_lock(&r->lock);
    bool sleeps = !r->woken;
    r->woken = false;
    if (sleeps) {
        r->asleep = true;
        MHD_suspend_connection(r->connection);
    }
    pthread_mutex_unlock(&r->lock);
    return sleeps;
}

/* ---- the body ---- */

int64_t tb_request_body_limit(const tb_request *r)
{
    if (!r->route) return 0;
    return r->route->body_max < 0 ? r->http->config->upload_max : r->route->body_max;
}

/* A packed body would have to be unpacked within bounds of its own; no client needs it here. */
static tb_status check_coding(tb_request *r, tb_err *err)
{
    const char *coding = tb_request_header(r, "Content-Encoding");
    if (!coding || !*coding || tb_str_ieq(coding, "identity")) return TB_OK;
    return tb_fail(err, TB_EMEDIA, "the body is packed (Content-Encoding: %.30s); send it as it is",
                   coding);
}

static tb_status check_length(tb_request *r, tb_err *err)
{
    const char *text = tb_request_header(r, "Content-Length");
    unsigned long long length = 0;
    if (text && !tb_parse_u64(text, &length)) /* digits, but more than fit */
        length = UINT64_MAX;
    if (length > (unsigned long long)tb_request_body_limit(r) && length > 0)
        return tb_fail(err, TB_ETOOBIG, "the body has %llu bytes; at most %lld are taken here",
                       length, (long long)tb_request_body_limit(r));
    /* No more than the announced length arrives: the buffer grows to that at most. */
    tb_str_init(&r->body, text ? (size_t)length : (size_t)tb_request_body_limit(r));
    return length > LARGE ? tb_mem_want((size_t)length, err) : TB_OK;
}

/* The fields of the query, then those of the body by its type. */
static tb_status read_fields(tb_request *r, tb_err *err)
{
    const char *type = tb_request_header(r, "Content-Type");
    if (r->query && tb_fields_from_urlencoded(r->query, strlen(r->query), &r->fields, err))
        return err->status;
    r->fields.asked = r->fields.n;
    if (r->body.len == 0) return TB_OK;
    return tb_fields_from_body(r->body.data, r->body.len, type, &r->fields, err);
}

/* ---- libmicrohttpd's callbacks ---- */

static bool fit_for_id(const char *s)
{
    size_t n = strlen(s);
    return n > 0 && n <= 64 &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n;
}

static enum MHD_Result keep_last(void *self, enum MHD_ValueKind kind, const char *key,
                                 const char *value)
{
    (void)kind;
    if (tb_str_ieq(key, "X-Forwarded-For")) *(const char **)self = value;
    return MHD_YES;
}

/* The nearest proxy appends to the list, or appends a header line of its own. */
static const char *forwarded_for(struct MHD_Connection *connection)
{
    const char *last = NULL;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, keep_last, (void *)&last);
    return last;
}

static void request_begin(tb_request *r, struct MHD_Connection *connection, const char *url,
                          const char *method)
{
    r->begun = true;
    r->connection = connection;
    tb_base_path_set(r, url);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    tb_peer_set(&r->peer, info ? info->client_addr : NULL, forwarded_for(connection));
    r->began_ns = tb_clock_mono_ns();
    pthread_mutex_init(&r->lock, NULL);
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"};
    r->method = "?";
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (strcmp(methods[i], method) == 0) r->method = methods[i];
    const char *id = tb_request_header(r, "X-Request-Id");
    if (id && fit_for_id(id)) {
        snprintf(r->id, sizeof r->id, "%s", id);
    } else {
        char uuid[TB_UUID_TEXT];
        tb_uuid(uuid);
        snprintf(r->id, sizeof r->id, "%s", uuid);
    }
    const char *trace = tb_request_header(r, "traceparent");
    if (trace && strlen(trace) == sizeof r->trace_id - 1 &&
        strspn(trace, "0123456789abcdef-") == sizeof r->trace_id - 1)
        snprintf(r->trace_id, sizeof r->trace_id, "%s", trace);
    atomic_fetch_add(&r->http->in_flight, 1);
    tb_seat_begin(r);
}

bool tb_request_has_body(tb_request *r)
{
    const char *length = tb_request_header(r, "Content-Length");
    return (length && strcmp(length, "0") != 0) || tb_request_header(r, "Transfer-Encoding");
}

/* CORS preflight: it carries no credentials, and the answer tells nothing of the server. */
static enum MHD_Result answer_preflight(tb_request *r)
{
    const char *wanted = tb_request_header(r, "Access-Control-Request-Headers");
    tb_reply_response(r, 204, MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT), 0);
    tb_reply_header(r, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS");
    tb_reply_header(r, "Access-Control-Allow-Headers",
                    wanted ? wanted : "Authorization, Content-Type, xi-api-key");
    tb_reply_header(r, "Access-Control-Max-Age", "600");
    return tb_reply_send(r);
}

/* The head is complete: authenticates, finds the route, decides whether the body is read. */
static enum MHD_Result begin(tb_request *r)
{
    tb_err err = {0};
    char *allow = NULL;
    if (strcmp(r->method, "OPTIONS") == 0) return answer_preflight(r);
    if (tb_request_awaits_verdict(r)) return MHD_YES;
    tb_status found = r->route ? TB_OK : tb_route_find(r, &allow, &err);
    /* A path that does not exist asks for credentials first, too: strangers learn nothing. */
    tb_err who = {0};
    tb_status st = tb_request_authorise(r, &who);
    if (st) {
        tb_free(allow);
        return tb_refuse(r, &who);
    }
    if (r->check) {
        tb_free(allow);
        r->phase = TB_AT_PASSWORD;
        return begin(r); /* which sleeps */
    }
    if (found == TB_EMETHOD) tb_reply_header(r, "Allow", allow);
    tb_free(allow);
    if (*r->user) tb_seat_authenticated(r);
    if (found || check_length(r, &err) || check_coding(r, &err)) return tb_refuse(r, &err);
    r->phase = TB_AT_BODY;
    if (tb_request_has_body(r)) tb_seat_go_on(r, TB_SEAT_BODY);
    return MHD_YES;
}

static enum MHD_Result take_body(tb_request *r, const char *data, size_t *size)
{
    tb_err err = {0};
    size_t n = *size;
    *size = 0;
    if (r->phase == TB_AT_REFUSED) return tb_refusal_drop(r, n);
    if (r->phase != TB_AT_BODY) return MHD_YES; /* answered already: the rest is thrown away */
    if (atomic_fetch_add(&r->http->bodies, n) + n > r->http->bodies_max) {
        atomic_fetch_sub(&r->http->bodies, n);
        tb_fail(&err, TB_EUNREADY, "too many uploads are under way; try again in a moment");
    } else {
        r->charged += n;
        if (n > r->body.max - r->body.len)
            tb_fail(&err, TB_ETOOBIG, "the body is larger than the %lld bytes that are taken here",
                    (long long)tb_request_body_limit(r));
        else if (!tb_str_add(&r->body, data, n))
            (void)tb_nomem(&err, n, 1);
    }
    if (!err.status) return MHD_YES;
    tb_str_clear(&r->body);
    return tb_refuse_midway(r, &err);
}

/* Runs the route's handler, at the desk or on the HTTP thread. */
static void run_handler(tb_request *r)
{
    tb_status st = tb_mem_want(WORK_BYTES + r->body.len, &r->err);
    if (!st) st = read_fields(r, &r->err);
    tb_str_clear(&r->body);
    if (!st) st = r->route->handler(r, &r->err);
    tb_fields_clear(&r->fields);
    r->err.status = st; /* some functions fill err and succeed */
}

static enum MHD_Result answer(tb_request *r)
{
    if (r->err.status) return tb_reply_refused(r, &r->err);
    if (r->check) return tb_request_await_login(r);
    return r->job ? tb_request_await_job(r) : tb_reply_send(r);
}

static enum MHD_Result act(tb_request *r)
{
    tb_err err = {0};
    if (tb_framing_is_bad(r)) {
        tb_fail(&err, TB_EMALFORMED, "a line of the chunked body does not end with CR LF");
        return tb_reply_refused(r, &err);
    }
    if (r->route->desk == TB_DESK_NONE) {
        run_handler(r);
        return answer(r);
    }
    r->phase = TB_AT_DESK;
    tb_seat_go_on(r, TB_SEAT_WORK);
    (void)tb_desk_take(r, run_handler); /* refused or done: the next call answers */
    return MHD_YES;
}

/* At once: an answer before the body was looked for ends the connection. */
static enum MHD_Result refuse_framing(tb_request *r, const tb_err *err)
{
    r->early = true;
    tb_reply_header(r, "Connection", "close");
    return tb_reply_refused(r, err);
}

enum MHD_Result tb_request_handle(void *self, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **request)
{
    tb_err err = {0};
    tb_request *r = *request;
    (void)self;
    if (!r->begun) {
        request_begin(r, connection, url, method);
        if (tb_framing_check(r, version, &err)) return refuse_framing(r, &err);
        /* A request with a body is checked before the body is read. Without one the answer waits
         * for the next call: given now, it would close the connection. */
        return tb_request_has_body(r) ? begin(r) : MHD_YES;
    }
    if (r->phase == TB_AT_START || r->phase == TB_AT_PASSWORD) {
        enum MHD_Result result = begin(r);
        return r->phase == TB_AT_BODY && !tb_request_has_body(r) ? act(r) : result;
    }
    if (*size > 0) return take_body(r, data, size);
    if (r->phase == TB_AT_BODY) return act(r);
    if (r->phase == TB_AT_REFUSED) return tb_reply_refused(r, r->refusal);
    if (r->phase == TB_AT_DESK) return tb_desk_done(r) ? answer(r) : MHD_YES;
    if (r->phase == TB_AT_LOGIN) return tb_request_await_login(r);
    if (r->phase == TB_AT_JOB) return tb_request_await_job(r);
    return MHD_YES;
}

void tb_request_completed(void *self, struct MHD_Connection *connection, void **request,
                          enum MHD_RequestTerminationCode how)
{
    tb_http *http = self;
    tb_request *r = *request;
    if (!r) return;
    *request = NULL;
    if (!r->begun) {
        tb_free(r->query);
        tb_free(r);
        return;
    }
    /* The thread that resumed the connection may still hold this lock; r is not freed before it has
     * let go. */
    pthread_mutex_lock(&r->lock);
    pthread_mutex_unlock(&r->lock);
    tb_watch_remove(r);
    tb_seat_end(r);
    if (r->early) tb_linger_add(http, connection);
    tb_auth_leave(http->auth, r->check);
    if (r->job) tb_job_leave(r->job); /* cancels it unless it is done */
    bool whole = how == MHD_REQUEST_TERMINATED_COMPLETED_OK;
    if (!whole && r->arrived < r->sent) r->sent = r->arrived;
    double seconds = (double)(tb_clock_mono_ns() - r->began_ns) / 1e9;
    tb_counts_add(http, r, seconds);
    tb_log(TB_INFO, "http",
           "id=%s method=%s path=%.200s status=%d bytes=%llu ms=%.1f user=%s end=%s%s%.55s", r->id,
           r->method, r->path, r->status, (unsigned long long)r->sent, seconds * 1e3, r->user,
           whole ? "ok" : "cut", *r->trace_id ? " traceparent=" : "", r->trace_id);
    if (r->response) MHD_destroy_response(r->response);
    for (int i = 0; i < r->n_headers; i++) {
        tb_free(r->headers[i].name);
        tb_free(r->headers[i].value);
    }
    for (int i = 0; i < TB_PATH_PARAMS; i++)
        tb_free(r->params[i]);
    atomic_fetch_sub(&http->bodies, r->charged);
    if (r->charged > LARGE) tb_mem_note_large();
    tb_fields_clear(&r->fields);
    tb_str_clear(&r->body);
    tb_listing_free(r->listing);
    tb_free(r->refusal);
    tb_free(r->path);
    tb_free(r->query);
    tb_free(r->base);
    pthread_mutex_destroy(&r->lock);
    tb_free(r);
    atomic_fetch_sub(&http->in_flight, 1);
}
