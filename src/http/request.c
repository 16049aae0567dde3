#include "http/request_priv.h"

#include "api/print.h"
#include "api/range.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/http_priv.h"

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
    STREAM_BLOCK = 16384,
    WORK_BYTES = 2 << 20, /* what a handler may take without asking */
    LARGE = 1 << 20,      /* bytes of a body after which memory is given back */
};

/* ---- the answer ---- */

void tb_reply_header(tb_request *r, const char *name, const char *value)
{
    if (!value || r->n_headers == TB_REPLY_HEADERS) return;
    r->headers[r->n_headers].name = tb_strdup(name);
    /* These two are made of clean parts already; encoding their % again would harm them. */
    bool clean = strcmp(name, "Content-Disposition") == 0 || strcmp(name, "Link") == 0;
    r->headers[r->n_headers++].value = clean ? tb_strdup(value) : tb_header_value(value);
}

void tb_reply_response(tb_request *r, int status, struct MHD_Response *response)
{
    if (r->response) MHD_destroy_response(r->response);
    r->response = response;
    r->status = response ? status : 500;
}

void tb_reply_text(tb_request *r, int status, const char *type, char *text)
{
    size_t size = strlen(text);
    r->sent = size;
    tb_reply_response(r, status,
                      MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE));
    if (!r->response) free(text);
    tb_reply_header(r, "Content-Type", type);
}

void tb_reply_json(tb_request *r, int status, char *json)
{
    tb_reply_text(r, status, "application/json", json);
}

const char *tb_request_header(tb_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* CORS: credentials travel in a header, so * is safe; a list answers the origin that is in it. */
static const char *allowed_origin(tb_request *r)
{
    const char *list = r->http->config->cors_origins;
    const char *origin = tb_request_header(r, "Origin");
    if (!*list) return NULL;
    if (strcmp(list, "*") == 0) return "*";
    size_t n = origin ? strlen(origin) : 0;
    for (const char *p = list; n && *p;) {
        p += strspn(p, ", ");
        size_t len = strcspn(p, ", ");
        if (len == n && memcmp(p, origin, n) == 0) return origin;
        p += len;
    }
    return NULL;
}

static bool has_header(const tb_request *r, const char *name)
{
    for (int i = 0; i < r->n_headers; i++)
        if (strcmp(r->headers[i].name, name) == 0) return true;
    return false;
}

void tb_reply_common(tb_request *r)
{
    static const char exposed[] =
        "X-Request-Id, X-History-Id, X-Job-Id, X-Seed, X-Audio-Duration, "
        "X-Download-Url, X-Engine, X-Engine-Reason, X-Language, X-Language-Guessed, X-Stream-Pace, "
        "X-Ignored-Parameters, X-Unsupported-Tags, X-Unknown-Tags, X-Unspoken-Text, "
        "X-Retried-Segments, "
        "X-Total-Count, Link, Content-Disposition, Retry-After";
    const char *origin = allowed_origin(r);
    tb_reply_header(r, "X-Request-Id", r->id);
    tb_reply_header(r, "X-Content-Type-Options", "nosniff");
    if (!has_header(r, "Content-Security-Policy"))
        tb_reply_header(r, "Content-Security-Policy",
                        "default-src 'none'; media-src 'self'; frame-ancestors 'none'");
    if (origin) {
        tb_reply_header(r, "Access-Control-Allow-Origin", origin);
        tb_reply_header(r, "Access-Control-Expose-Headers", exposed);
        if (strcmp(origin, "*") != 0) tb_reply_header(r, "Vary", "Origin");
    }
    if (!has_header(r, "Cache-Control")) tb_reply_header(r, "Cache-Control", "no-store");
}

enum MHD_Result tb_reply_send(tb_request *r)
{
    if (!r->response) {
        r->status = 500;
        r->response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
        if (!r->response) return MHD_NO;
    }
    tb_reply_common(r);
    if (tb_framing_is_bad(r) && !has_header(r, "Connection"))
        tb_reply_header(r, "Connection", "close");
    for (int i = 0; i < r->n_headers; i++)
        MHD_add_response_header(r->response, r->headers[i].name, r->headers[i].value);
    r->phase = TB_AT_END;
    tb_seat_go_on(r, TB_SEAT_REPLY);
    return MHD_queue_response(r->connection, (unsigned)r->status, r->response);
}

static enum MHD_Result send_error(tb_request *r, const tb_err *err)
{
    tb_reply_error(r, err);
    return tb_reply_send(r);
}

/* ---- waiting for a job ---- */

void tb_request_wake(void *request)
{
    tb_request *r = request;
    pthread_mutex_lock(&r->lock);
    r->news = true;
    if (r->asleep && !r->at_desk) {
        r->asleep = false;
        MHD_resume_connection(r->connection);
    }
    pthread_mutex_unlock(&r->lock);
}

/* Sleeps unless something happened since the last look (false: look again). */
static bool fall_asleep(tb_request *r)
{
    tb_seat_go_on(r, TB_SEAT_WORK);
    pthread_mutex_lock(&r->lock);
    bool sleeps = !r->news;
    r->news = false;
    if (sleeps) {
        r->asleep = true;
        MHD_suspend_connection(r->connection);
    }
    pthread_mutex_unlock(&r->lock);
    return sleeps;
}

static ssize_t read_stream(void *self, uint64_t pos, char *out, size_t max)
{
    tb_request *r = self;
    for (;;) {
        tb_job_view view = tb_job_look(r->job);
        if (view.state == TB_JOB_FAILED) return MHD_CONTENT_READER_END_WITH_ERROR;
        if (pos < view.size) {
            int64_t n = tb_job_read(r->job, pos, out, max);
            if (n <= 0) return MHD_CONTENT_READER_END_WITH_ERROR;
            r->sent += (uint64_t)n;
            tb_seat_go_on(r, TB_SEAT_REPLY);
            return (ssize_t)n;
        }
        if (view.state == TB_JOB_DONE) return MHD_CONTENT_READER_END_OF_STREAM;
        if (atomic_load(&r->http->closing)) return MHD_CONTENT_READER_END_WITH_ERROR;
        if (fall_asleep(r)) return 0;
    }
}

static void speech_headers(tb_request *r, const tb_job_head *h, bool done)
{
    char text[64];
    tb_reply_header(r, "Content-Type", h->content_type);
    tb_reply_header(r, "X-Job-Id", tb_job_id(r->job));
    tb_reply_header(r, "X-Engine", h->engine);
    tb_reply_header(r, "X-Engine-Reason", h->engine_reason);
    tb_reply_header(r, "X-Language", h->language);
    tb_reply_header(r, "X-Language-Guessed", h->language_guessed);
    tb_reply_header(r, "X-Stream-Pace", h->stream_pace);
    tb_reply_header(r, "X-Ignored-Parameters", h->ignored);
    tb_reply_header(r, "X-Unsupported-Tags", h->unsupported_tags);
    tb_reply_header(r, "X-Unknown-Tags", h->unknown_tags);
    tb_reply_header(r, "X-Unspoken-Text", h->unspoken);
    tb_reply_header(r, "X-History-Id", h->history_id);
    if (h->retried) {
        snprintf(text, sizeof text, "%zu", h->retried);
        tb_reply_header(r, "X-Retried-Segments", text);
    }
    if (h->engine) {
        snprintf(text, sizeof text, "%llu", (unsigned long long)h->seed);
        tb_reply_header(r, "X-Seed", text);
    }
    if (done) {
        snprintf(text, sizeof text, "%.3f", h->seconds);
        tb_reply_header(r, "X-Audio-Duration", text);
    }
    if (h->filename) {
        char *url = tb_sprintf("%s/download/%s", r->base, h->filename);
        tb_reply_header(r, "X-Download-Url", url);
        tb_free(url);
    }
    char *name = strncmp(r->path, "/demo", 5) == 0 && h->voice
                     ? tb_sprintf("demo_%s.%s", h->voice, h->extension)
                     : tb_sprintf("speech.%s", h->extension);
    char *disposition = tb_header_disposition(name, false);
    tb_reply_header(r, "Content-Disposition", disposition);
    tb_free(disposition);
    tb_free(name);
}

bool tb_reply_job(tb_request *r)
{
    tb_job_view view = tb_job_look(r->job);
    if (view.state == TB_JOB_FAILED) {
        tb_err why = view.err;
        if (why.status == TB_ECANCELLED) { /* 499 is for the log: who reads this did not leave */
            if (tb_service_look(r->http->service).stopping)
                tb_fail(&why, TB_EUNREADY, "the server is stopping");
            else
                tb_fail(&why, TB_ECONFLICT, "the job was cancelled");
        }
        tb_reply_error(r, &why);
        return true;
    }
    if (view.state == TB_JOB_DONE && tb_job_json(r->job)) {
        tb_reply_json(r, 200, tb_strdup(tb_job_json(r->job)));
        return true;
    }
    if (!view.ready) return false;
    if (r->streaming) {
        tb_reply_response(r, 200,
                          MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK,
                                                            read_stream, r, NULL));
    } else {
        int fd = tb_job_fd(r->job);
        r->sent = view.size;
        struct MHD_Response *whole =
            fd >= 0 ? MHD_create_response_from_fd64(view.size, fd) : NULL; /* takes fd */
        if (!whole && fd >= 0) close(fd);
        tb_reply_response(r, 200, whole);
    }
    speech_headers(r, tb_job_get_head(r->job), !r->streaming);
    return true;
}

static enum MHD_Result wait_for_job(tb_request *r)
{
    r->phase = TB_AT_JOB;
    tb_watch_add(r); /* before the first look: a stream that is ready at once may sleep later */
    for (;;) {
        if (tb_reply_job(r)) return tb_reply_send(r);
        if (atomic_load(&r->http->closing)) {
            tb_fail(&r->err, TB_EUNREADY, "the server is stopping");
            return send_error(r, &r->err);
        }
        if (fall_asleep(r)) return MHD_YES;
    }
}

/* ---- route, credentials, body ---- */

/* Matches a path with a pattern; {x} takes one non-empty segment. */
static bool match(const char *pattern, const char *path, char *params[TB_PATH_PARAMS])
{
    int n = 0;
    for (;;) {
        if (*pattern == '{') {
            size_t len = strcspn(path, "/");
            if (len == 0 || n == TB_PATH_PARAMS) return false;
            tb_free(params[n]);
            params[n++] = tb_strndup(path, len);
            pattern += strcspn(pattern, "}") + 1;
            path += len;
            continue;
        }
        if (*pattern != *path) return *pattern == 0 && path[0] == '/' && path[1] == 0;
        if (!*pattern) return true;
        pattern++;
        path++;
    }
}

static tb_status find_route(tb_request *r, char **allow, tb_err *err)
{
    bool head = strcmp(r->method, "HEAD") == 0, known = false;
    tb_str methods;
    tb_str_init(&methods, 200);
    for (const tb_route *t = tb_routes; t->path && !r->route; t++) {
        if (!match(t->path, r->path, r->params)) continue;
        known = true;
        tb_str_printf(&methods, "%s%s", methods.len ? ", " : "", t->method);
        if (strcmp(t->method, r->method) == 0 || (head && strcmp(t->method, "GET") == 0))
            r->route = t;
    }
    *allow = tb_str_take(&methods);
    if (r->nul_in_path) return tb_fail(err, TB_EMALFORMED, "the path holds a NUL byte (%%00)");
    if (r->route) return TB_OK;
    if (known)
        return tb_fail(err, TB_EMETHOD, "%s is not allowed here; allowed: %s",
                       *r->method == '?' ? "this method" : r->method, *allow);
    return tb_fail(err, TB_ENOTFOUND, "Not Found");
}

/* TB_OK with r->check: it waits for the answer. */
static tb_status try_credentials(tb_request *r, const tb_auth_given *given, tb_err *err)
{
    tb_auth_answer answer = tb_auth_look(r->http->auth, &r->peer, given);
    if (answer == TB_AUTH_LATER)
        return tb_auth_wait(r->http->auth, &r->peer, given, tb_request_wake, r, &r->check, err);
    if (answer != TB_AUTH_YES) return tb_fail(err, TB_EAUTH, "Incorrect username or password");
    snprintf(r->user, sizeof r->user, "%.128s", r->http->config->api_username);
    return TB_OK;
}

/* Sleeps until its credentials are judged. */
static bool waits_for_verdict(tb_request *r)
{
    while (r->check && !tb_auth_decided(r->check))
        if (fall_asleep(r)) return true;
    return false;
}

static tb_status take_verdict(tb_request *r, tb_err *err)
{
    tb_status st = tb_auth_verdict(r->check, err);
    tb_auth_leave(r->http->auth, r->check);
    r->check = NULL;
    if (!st) snprintf(r->user, sizeof r->user, "%.128s", r->http->config->api_username);
    return st;
}

tb_status tb_request_login(tb_request *r, const char *user, const char *password, tb_err *err)
{
    const tb_auth_given given = {.user = user, .password = password};
    tb_status st = try_credentials(r, &given, err);
    if (!st && !r->check) tb_reply_login(r);
    return st;
}

static enum MHD_Result answer_login(tb_request *r)
{
    tb_err err = {0};
    r->phase = TB_AT_LOGIN;
    if (waits_for_verdict(r)) return MHD_YES;
    if (take_verdict(r, &err)) return send_error(r, &err);
    tb_reply_login(r);
    return tb_reply_send(r);
}

static tb_status authorise(tb_request *r, tb_err *err)
{
    const tb_config *c = r->http->config;
    if (r->check) return take_verdict(r, err);
    const char *given = tb_request_header(r, "Authorization");
    if (r->route && ((r->route->group == TB_GROUP_HEALTH && c->public_health) ||
                     (r->route->group == TB_GROUP_LISTS && c->public_lists)))
        return TB_OK;
    if (r->route && r->route->group == TB_GROUP_FORM && !given) return TB_OK; /* its handler asks */
    const char *key = tb_request_header(r, "xi-api-key");
    if (!given && !key && tb_link_given(r)) {
        snprintf(r->user, sizeof r->user, "(link)");
        return tb_link_opens(r) ? TB_OK
                                : tb_fail(err, TB_EFORBIDDEN,
                                          "this link is wrong or has expired; ask for a new one");
    }
    const tb_auth_given all = {.authorization = given, .api_key = key};
    return try_credentials(r, &all, err);
}

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
    /* What is announced is all that comes: it grows to that and not beyond. */
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

/* The nearest proxy adds to the list, or adds a line of its own behind those that were sent. */
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
    tb_place(r, url);
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
    if (trace && strlen(trace) == sizeof r->trace - 1 &&
        strspn(trace, "0123456789abcdef-") == sizeof r->trace - 1)
        snprintf(r->trace, sizeof r->trace, "%s", trace);
    atomic_fetch_add(&r->http->in_flight, 1);
    tb_seat_begin(r);
}

bool tb_request_has_body(tb_request *r)
{
    const char *length = tb_request_header(r, "Content-Length");
    return (length && strcmp(length, "0") != 0) || tb_request_header(r, "Transfer-Encoding");
}

/* What browsers ask before they ask: no credentials come with it, nothing is told. */
static enum MHD_Result answer_preflight(tb_request *r)
{
    const char *wanted = tb_request_header(r, "Access-Control-Request-Headers");
    tb_reply_response(r, 204, MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT));
    tb_reply_header(r, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS");
    tb_reply_header(r, "Access-Control-Allow-Headers",
                    wanted ? wanted : "Authorization, Content-Type, xi-api-key");
    tb_reply_header(r, "Access-Control-Max-Age", "600");
    return tb_reply_send(r);
}

/* The headers are there: who asks, for what, and may the body come? */
static enum MHD_Result begin(tb_request *r)
{
    tb_err err = {0};
    char *allow = NULL;
    if (strcmp(r->method, "OPTIONS") == 0) return answer_preflight(r);
    if (waits_for_verdict(r)) return MHD_YES;
    tb_status found = r->route ? TB_OK : find_route(r, &allow, &err);
    /* A path that does not exist asks for credentials first, too: strangers learn nothing. */
    tb_err who = {0};
    tb_status st = authorise(r, &who);
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
    if (*r->user) tb_seat_trust(r);
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

/* What was asked for, at the desk or at once. */
static void perform(tb_request *r)
{
    tb_status st = tb_mem_want(WORK_BYTES + r->body.len, &r->err);
    if (!st) st = read_fields(r, &r->err);
    tb_str_clear(&r->body);
    if (!st) st = r->route->handler(r, &r->err);
    tb_fields_clear(&r->fields);
    r->err.status = st; /* some functions leave a sentence behind and go on */
}

static enum MHD_Result answer(tb_request *r)
{
    if (r->err.status) return send_error(r, &r->err);
    if (r->check) return answer_login(r);
    return r->job ? wait_for_job(r) : tb_reply_send(r);
}

static enum MHD_Result act(tb_request *r)
{
    tb_err err = {0};
    if (tb_framing_is_bad(r)) {
        tb_fail(&err, TB_EMALFORMED, "a line of the chunked body does not end with CR LF");
        return send_error(r, &err);
    }
    if (r->route->at_once) {
        perform(r);
        return answer(r);
    }
    r->phase = TB_AT_DESK;
    tb_seat_go_on(r, TB_SEAT_WORK);
    (void)tb_desk_take(r, perform); /* refused or done: the next call answers */
    return MHD_YES;
}

/* At once: an answer before the body was looked for ends the connection. */
static enum MHD_Result refuse_framing(tb_request *r, const tb_err *err)
{
    r->early = true;
    tb_reply_header(r, "Connection", "close");
    return send_error(r, err);
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
        /* Who announces a body is looked at before it comes. Without one the answer waits for the
         * next call: given now, it would close the connection. */
        return tb_request_has_body(r) ? begin(r) : MHD_YES;
    }
    if (r->phase == TB_AT_START || r->phase == TB_AT_PASSWORD) {
        enum MHD_Result result = begin(r);
        return r->phase == TB_AT_BODY && !tb_request_has_body(r) ? act(r) : result;
    }
    if (*size > 0) return take_body(r, data, size);
    if (r->phase == TB_AT_BODY) return act(r);
    if (r->phase == TB_AT_REFUSED) return send_error(r, r->refusal);
    if (r->phase == TB_AT_DESK) return tb_desk_done(r) ? answer(r) : MHD_YES;
    if (r->phase == TB_AT_LOGIN) return answer_login(r);
    if (r->phase == TB_AT_JOB) return wait_for_job(r);
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
    tb_watch_remove(r);
    tb_seat_end(r);
    if (r->early) tb_linger_add(http, connection);
    tb_auth_leave(http->auth, r->check);
    if (r->job) tb_job_leave(r->job); /* cancels it unless it is done */
    double seconds = (double)(tb_clock_mono_ns() - r->began_ns) / 1e9;
    tb_counts_add(http, r, seconds);
    tb_log(TB_INFO, "http",
           "id=%s method=%s path=%.200s status=%d bytes=%llu ms=%.1f user=%s end=%s%s%.55s", r->id,
           r->method, r->path, r->status, (unsigned long long)r->sent, seconds * 1e3, r->user,
           how == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "ok" : "cut",
           *r->trace ? " traceparent=" : "", r->trace);
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
