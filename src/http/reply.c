#include "http/route_priv.h"
#include "http/wire_priv.h"

#include "api/print.h"
#include "api/range.h"
#include "base/mem.h"
#include "base/str.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The answer: status, headers, and a body that is text, JSON or (a range of) a file. Handlers and
 * the life of a request set it (tb_reply_*), tb_reply_send adds the headers that every answer has
 * and hands it to libmicrohttpd.
 */

void tb_reply_header(tb_request *r, const char *name, const char *value)
{
    assert(r->n_headers < TB_REPLY_HEADERS); /* no client decides how many there are */
    if (!value || r->n_headers == TB_REPLY_HEADERS) return;
    r->headers[r->n_headers].name = tb_strdup(name);
    /* These two are made of clean parts already; encoding their % again would harm them. */
    bool clean = strcmp(name, "Content-Disposition") == 0 || strcmp(name, "Link") == 0;
    r->headers[r->n_headers++].value = clean ? tb_strdup(value) : tb_header_value(value);
}

void tb_reply_response(tb_request *r, int status, struct MHD_Response *response, uint64_t size)
{
    if (r->response) MHD_destroy_response(r->response);
    r->response = response;
    r->status = response ? status : 500;
    r->sent = response ? size : 0;
}

void tb_reply_text(tb_request *r, int status, const char *type, char *text)
{
    size_t size = strlen(text);
    tb_reply_response(r, status, MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE),
                      size);
    if (!r->response) free(text);
    tb_reply_header(r, "Content-Type", type);
}

void tb_reply_json(tb_request *r, int status, char *json)
{
    tb_reply_text(r, status, "application/json", json);
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
        tb_reply_header(r, "Content-Security-Policy", TB_REPLY_POLICY);
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
    if (strcmp(r->method, "HEAD") == 0) r->sent = 0;
    r->phase = TB_AT_END;
    tb_seat_go_on(r, TB_SEAT_REPLY);
    tb_wire_own(r->seat, true);
    return MHD_queue_response(r->connection, (unsigned)r->status, r->response);
}

enum MHD_Result tb_reply_refused(tb_request *r, const tb_err *err)
{
    tb_reply_error(r, err);
    return tb_reply_send(r);
}

/* A file to send: whole or one range of it. fd is taken. */
tb_status tb_reply_file(tb_request *r, int fd, uint64_t size, const char *etag, const char *type,
                        const char *name, tb_err *err)
{
    tb_range range = {.len = size};
    const char *header = tb_request_header(r, "Range");
    char text[96];
    if (etag) {
        tb_reply_header(r, "ETag", etag);
        tb_reply_header(r, "Cache-Control",
                        "private, no-cache"); /* kept, but asked for each time */
        if (tb_etag_matches(tb_request_header(r, "If-None-Match"), etag)) {
            close(fd);
            tb_reply_response(r, 304,
                              MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT), 0);
            return TB_OK;
        }
        if (!tb_etag_allows_range(tb_request_header(r, "If-Range"), etag)) header = NULL;
    }
    tb_status st = tb_range_parse(header, size, &range, err);
    if (st) {
        close(fd);
        snprintf(text, sizeof text, "bytes */%llu", (unsigned long long)size);
        tb_reply_header(r, "Content-Range", text);
        return st;
    }
    struct MHD_Response *whole =
        MHD_create_response_from_fd_at_offset64(range.len, fd, range.first); /* takes fd */
    if (!whole) close(fd);
    tb_reply_response(r, range.partial ? 206 : 200, whole, range.len);
    if (range.partial) {
        snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)range.first,
                 (unsigned long long)(range.first + range.len - 1), (unsigned long long)size);
        tb_reply_header(r, "Content-Range", text);
    }
    char *disposition = tb_header_disposition(name, false);
    tb_reply_header(r, "Content-Disposition", disposition);
    tb_free(disposition);
    tb_reply_header(r, "Content-Type", type);
    tb_reply_header(r, "Accept-Ranges", "bytes");
    return TB_OK;
}
