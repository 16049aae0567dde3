/*
 * Support of the API tests: an HTTP client over sockets and libcurl that can also misbehave.
 */
#include "client.h"
#include "patience.h"
#ifdef TB_HAVE_GNUTLS
#include "tls.h"
#endif

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_MS = 120000, FIRST_BYTES = 4096 /* more than a header */ };

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "api harness: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void *grow(void *p, size_t size)
{
    p = realloc(p, size);
    if (!p) die("memory");
    return p;
}

int api_connect(const api_server *s)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) die("socket");
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        if (!s->mortal) die("connect");
        close(fd);
        return -1;
    }
#ifdef TB_HAVE_GNUTLS
    if (s->tls) fd = tls_wrap(fd);
    if (fd < 0) die("TLS");
#endif
    return fd;
}

void api_send(int fd, const void *data, size_t size)
{
    const char *p = data;
    while (size > 0) {
        ssize_t n = send(fd, p, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        p += n;
        size -= (size_t)n;
    }
}

void api_send_text(int fd, const char *text)
{
    api_send(fd, text, strlen(text));
}

static const char *find_header(const char *headers, const char *name, size_t *len)
{
    size_t n = strlen(name);
    for (const char *line = strstr(headers, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, n) != 0 || line[n] != ':') continue;
        const char *v = line + n + 1;
        while (*v == ' ')
            v++;
        *len = strcspn(v, "\r");
        return v;
    }
    return NULL;
}

char *api_header(const api_reply *r, const char *name)
{
    size_t len = 0;
    const char *v = r->headers ? find_header(r->headers, name, &len) : NULL;
    return v ? strndup(v, len) : NULL;
}

bool api_header_is(const api_reply *r, const char *name, const char *value)
{
    size_t len = 0;
    const char *v = r->headers ? find_header(r->headers, name, &len) : NULL;
    return v && len == strlen(value) && strncmp(v, value, len) == 0;
}

/* Joins chunks in place. */
static void dechunk(api_reply *r)
{
    uint8_t *from = r->body, *end = r->body + r->size, *to = r->body;
    r->complete = false;
    while (from < end) {
        char *after;
        unsigned long n = strtoul((char *)from, &after, 16);
        uint8_t *data = (uint8_t *)after;
        while (data < end && *data != '\n')
            data++;
        if (data >= end) break;
        data++;
        if (n == 0) {
            r->complete = true;
            break;
        }
        if (n > (size_t)(end - data)) n = (unsigned long)(end - data);
        memmove(to, data, n);
        to += n;
        from = data + n + 2;
    }
    r->size = (size_t)(to - r->body);
    r->body[r->size] = 0;
}

static void split(api_reply *r, uint8_t *raw, size_t n, size_t head_size, bool head)
{
    size_t len;
    r->headers = strndup((char *)raw, head_size);
    r->status = n > 12 ? atoi((char *)raw + 9) : 0;
    r->size = n - head_size;
    r->body = malloc(r->size + 1);
    if (!r->body) die("memory");
    memcpy(r->body, raw + head_size, r->size);
    r->body[r->size] = 0;
    const char *v = find_header(r->headers, "Content-Length", &len);
    r->complete = head || !v || strtoull(v, NULL, 10) == r->size;
    r->chunked = find_header(r->headers, "Transfer-Encoding", &len) != NULL;
    if (r->chunked) dechunk(r);
}

api_reply api_read(int fd, bool head)
{
    api_reply r = {0};
    size_t n = 0, cap = 65536, body_at = 0;
    uint8_t *raw = grow(NULL, cap + 1);
    int64_t began = api_now_ms();
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        if (poll(&p, 1, (int)test_patient(READ_MS)) <= 0) {
            fprintf(stderr, "api harness: no answer within %d ms\n", READ_MS);
            break;
        }
        if (n == cap) raw = grow(raw, (cap *= 2) + 1);
        ssize_t got = recv(fd, raw + n, cap - n, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        n += (size_t)got;
        raw[n] = 0;
        if (!body_at) {
            char *at = strstr((char *)raw, "\r\n\r\n");
            if (at && strncmp((char *)raw, "HTTP/1.1 100", 12) == 0) {
                size_t skip = (size_t)(at + 4 - (char *)raw);
                memmove(raw, raw + skip, n - skip + 1);
                n -= skip;
                at = strstr((char *)raw, "\r\n\r\n");
            }
            if (at) body_at = (size_t)(at + 4 - (char *)raw);
        }
        if (body_at && n > body_at + FIRST_BYTES && r.first_ms == 0)
            r.first_ms = api_now_ms() - began;
    }
    r.total_ms = api_now_ms() - began;
    close(fd);
    if (body_at) split(&r, raw, n, body_at, head);
    free(raw);
    return r;
}

void api_reply_clear(api_reply *r)
{
    free(r->headers);
    free(r->body);
    *r = (api_reply){0};
}

static void base64(const char *in, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = strlen(in);
    for (size_t i = 0; i < n; i += 3) {
        unsigned v = (unsigned)(uint8_t)in[i] << 16;
        if (i + 1 < n) v |= (unsigned)(uint8_t)in[i + 1] << 8;
        if (i + 2 < n) v |= (uint8_t)in[i + 2];
        *out++ = digits[v >> 18 & 63];
        *out++ = digits[v >> 12 & 63];
        *out++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
        *out++ = i + 2 < n ? digits[v & 63] : '=';
    }
    *out = 0;
}

char *api_basic_of(const char *user, const char *password)
{
    char pair[512], text[1024];
    char *line = grow(NULL, 1100);
    snprintf(pair, sizeof pair, "%s:%s", user, password);
    base64(pair, text);
    snprintf(line, 1100, "Authorization: Basic %s\r\n", text);
    return line;
}

const char *api_basic(void)
{
    static char *line;
    if (!line) line = api_basic_of(API_USER, API_PASSWORD);
    return line;
}

api_reply api_call(const api_server *s, const char *method, const char *path,
                   const api_extra *extra)
{
    static const api_extra none;
    const api_extra *e = extra ? extra : &none;
    size_t room = strlen(path) + (e->headers ? strlen(e->headers) : 0) + 1024;
    char *head = grow(NULL, room), length[64] = "", type[256] = "";
    if (e->body) snprintf(length, sizeof length, "Content-Length: %zu\r\n", e->size);
    if (e->type) snprintf(type, sizeof type, "Content-Type: %s\r\n", e->type);
    snprintf(head, room, "%s %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n%s%s%s%s\r\n",
             method, path, e->anonymous ? "" : api_basic(), e->headers ? e->headers : "", type,
             length);
    int fd = api_connect(s);
    if (fd < 0) {
        free(head);
        return (api_reply){0};
    }
    api_send_text(fd, head);
    free(head);
    if (e->body) api_send(fd, e->body, e->size);
    return api_read(fd, strcmp(method, "HEAD") == 0);
}

api_reply api_get(const api_server *s, const char *path)
{
    return api_call(s, "GET", path, NULL);
}

api_reply api_form(const api_server *s, const char *path, const char *urlencoded)
{
    return api_call(s, "POST", path,
                    &(api_extra){.type = "application/x-www-form-urlencoded",
                                 .body = urlencoded,
                                 .size = strlen(urlencoded)});
}

api_reply api_json(const api_server *s, const char *path, const char *json)
{
    return api_call(s, "POST", path,
                    &(api_extra){.type = "application/json", .body = json, .size = strlen(json)});
}

static void part(api_parts *p, const char *head, const void *data, size_t size)
{
    size_t n = strlen(head);
    p->data = grow(p->data, p->size + n + size + 2);
    memcpy(p->data + p->size, head, n);
    if (size) memcpy(p->data + p->size + n, data, size);
    memcpy(p->data + p->size + n + size, "\r\n", 2);
    p->size += n + size + 2;
}

void api_part_text(api_parts *p, const char *name, const char *value)
{
    char head[256];
    snprintf(head, sizeof head,
             "--xxBOUNDxx\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n", name);
    part(p, head, value, strlen(value));
}

void api_part_file(api_parts *p, const char *name, const char *filename, const void *data,
                   size_t size)
{
    char head[512];
    snprintf(head, sizeof head,
             "--xxBOUNDxx\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\n"
             "Content-Type: application/octet-stream\r\n\r\n",
             name, filename);
    part(p, head, data, size);
}

void api_parts_end(api_parts *p)
{
    part(p, "--xxBOUNDxx--", "", 0);
}

api_reply api_multipart(const api_server *s, const char *path, api_parts *p)
{
    api_reply r = api_call(s, "POST", path,
                           &(api_extra){.type = API_PARTS_TYPE, .body = p->data, .size = p->size});
    free(p->data);
    *p = (api_parts){0};
    return r;
}

static uint32_t u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

double api_wav_seconds(const uint8_t *wav, size_t size)
{
    if (size < 44 || memcmp(wav, "RIFF", 4) != 0 || memcmp(wav + 8, "WAVE", 4) != 0) return -1;
    if (u32(wav + 4) + 8 != size) return -1;
    for (size_t at = 12; at + 8 <= size;) {
        uint32_t n = u32(wav + at + 4);
        if (memcmp(wav + at, "data", 4) == 0)
            return at + 8 + n <= size ? (double)n / 2 / u32(wav + 24) : -1;
        at += 8 + n + (n & 1);
    }
    return -1;
}

api_reply api_speech_clip(const api_server *s)
{
    return api_form(s, "/demo",
                    "seed=7&text=The+quick+brown+fox+jumps+over+the+lazy+dog+while+the+old+miller+"
                    "counts+his+sacks+of+flour%2C+and+nobody+in+the+village+knows+how+many+there+"
                    "were+when+the+morning+began+so+quietly.");
}
