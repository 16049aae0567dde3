#include "http/http_priv.h"

#include "api/print.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/*
 * Answers that are written to the socket without libmicrohttpd: 503 when there is no room for a
 * connection, an error in the middle of a body, and in place of libmicrohttpd's own answers to
 * malformed requests (socket_hooks.c). They end the connection and have the headers that every
 * answer has.
 */

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } all[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].status == status) return all[i].reason;
    return "Refused";
}

static void put_date(tb_str *out)
{
    char text[64];
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) && strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc))
        tb_str_printf(out, "Date: %s\r\n", text);
}

void tb_raw_reply_begin(tb_str *out, int status, size_t size)
{
    tb_str_printf(out, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %zu\r\n", status,
                  reason_of(status), size);
    put_date(out);
}

void tb_raw_reply_make(const tb_http *http, const char *id, int status, const char *why,
                       tb_str *out)
{
    tb_err err = {0};
    snprintf(err.msg, sizeof err.msg, "%s", why);
    char *json = tb_print_error(TB_AS_DETAIL, &err);
    tb_raw_reply_begin(out, status, strlen(json));
    tb_str_printf(out,
                  "Content-Type: application/json\r\nX-Request-Id: %s\r\n"
                  "X-Content-Type-Options: nosniff\r\nContent-Security-Policy: %s\r\n"
                  "Cache-Control: no-store\r\n%s%s\r\n%s",
                  id, TB_REPLY_POLICY,
                  strcmp(http->config->cors_origins, "*") == 0
                      ? "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: "
                        "X-Request-Id\r\n"
                      : "",
                  status == 503 ? "Retry-After: 2\r\n" : "", json);
    tb_free(json);
}

bool tb_raw_reply_send(int fd, const tb_str *text)
{
    return !text->full && sendto(fd, text->data, text->len, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0) ==
                              (ssize_t)text->len;
}

static const char *sentence_of(int status)
{
    switch (status) {
    case 413:
        return "the body is larger than anything that is taken here";
    case 414:
        return "the address is too long";
    case 431:
        return "the head of the request is too large";
    case 501:
        return "this part of HTTP is not understood here";
    case 505:
        return "this version of HTTP is not spoken here; use HTTP/1.1";
    default:
        return status < 500 ? "this is no HTTP request that can be read"
                            : "the request could not be worked on";
    }
}

void tb_raw_reply_instead(void *self, int status, tb_str *out)
{
    char id[TB_UUID_TEXT];
    if (status < 400) status = 400;
    tb_uuid(id);
    tb_raw_reply_make(self, id, status, sentence_of(status), out);
    tb_log(TB_INFO, "http", "id=%s status=%d why=\"%s\"", id, status, sentence_of(status));
}
