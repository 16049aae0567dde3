#ifndef TB_TESTS_API_CLIENT_H
#define TB_TESTS_API_CLIENT_H

#include "server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A client of our own on plain sockets: hostile requests are bytes that no library would send.
 * Whatever goes wrong in here ends the test program with a line.
 */

typedef struct {
    int status;    /* 0: the connection ended without an answer */
    char *headers; /* as they came */
    uint8_t *body; /* chunks joined; a NUL behind it */
    size_t size;
    bool complete; /* all of Content-Length, or the final chunk, was there */
    bool chunked;
    int64_t first_ms, total_ms; /* from sending to some sound (0: a body under 4 KiB); to the end */
} api_reply;

void api_reply_clear(api_reply *r);
/* A header's value, heap; NULL when absent. */
char *api_header(const api_reply *r, const char *name);
bool api_header_is(const api_reply *r, const char *name, const char *value);

/* What a request carries beside method and path. {0} is a request with Basic credentials. */
typedef struct {
    const char *headers; /* whole lines with CRLF */
    const char *type;    /* Content-Type of body */
    const void *body;
    size_t size;
    bool anonymous;
} api_extra;

api_reply api_call(const api_server *s, const char *method, const char *path,
                   const api_extra *extra);
api_reply api_get(const api_server *s, const char *path);
api_reply api_form(const api_server *s, const char *path, const char *urlencoded);
api_reply api_json(const api_server *s, const char *path, const char *json);

/* A multipart body under construction. */
typedef struct {
    uint8_t *data;
    size_t size;
} api_parts;
#define API_PARTS_TYPE "multipart/form-data; boundary=xxBOUNDxx"
void api_part_text(api_parts *p, const char *name, const char *value);
void api_part_file(api_parts *p, const char *name, const char *filename, const void *data,
                   size_t size);
void api_parts_end(api_parts *p);
api_reply api_multipart(const api_server *s, const char *path, api_parts *p); /* frees p's data */

/* For the rude cases: a connected socket (-1 when a mortal server refuses), sending, and reading an
 * answer to its end. */
int api_connect(const api_server *s);
void api_send(int fd, const void *data, size_t size); /* a peer that closed is not an error */
void api_send_text(int fd, const char *text);
api_reply api_read(int fd, bool head); /* closes fd */

/* "Authorization: Basic ...\r\n" of the right credentials; static. */
const char *api_basic(void);
/* The same for others, heap. */
char *api_basic_of(const char *user, const char *password);

/* Seconds of sound of a 16 bit mono wav with exact sizes; -1 when it is not one. */
double api_wav_seconds(const uint8_t *wav, size_t size);
/* Recorded speech, made by the server itself: a wav of some seven seconds. */
api_reply api_speech_clip(const api_server *s);

#endif
