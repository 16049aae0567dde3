#ifndef TB_HTTP_WIRE_PRIV_H
#define TB_HTTP_WIRE_PRIV_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The bytes that one connection's client sends. libmicrohttpd before 1.0 accepts a bare line feed
 * as the end of a line, in chunks too, drops what follows a NUL, and joins folded lines; nothing of
 * this can be seen in what it hands over. So the bytes are inspected as they arrive, with TLS after
 * decryption (socket_hooks.c). They are never changed; a malformed request is identified by its
 * number. libmicrohttpd 1.0 and later refuses such requests itself: there, and outside Linux, none
 * of this is compiled.
 */
typedef struct {
    unsigned char state;
    bool cr, chunked, bad, watched;
    bool own, replaced; /* an answer of ours is being sent; libmicrohttpd's was replaced */
    unsigned char name_len;
    char name[20];     /* of the header that is read, in small letters */
    uint64_t left;     /* bytes of the body or chunk */
    unsigned requests; /* heads that began; when bad, the last of them is the bad one */
} tb_wire;

void tb_wire_look(tb_wire *w, const char *data, size_t size);

/* The wires of a server's descriptors 0 to n - 1; one server of a process at a time has them.
 * instead: writes the answer that is sent in place of one that libmicrohttpd makes itself. */
void tb_wires_open(int n, bool tls, void (*instead)(void *self, int status, tb_str *out),
                   void *self);
void tb_wires_close(void);
void tb_wire_begin(int fd); /* a new connection has it */
void tb_wire_end(int fd);
/* What is sent from now on is an answer of ours, or not. Without any of ours, an answer is
 * libmicrohttpd's. */
void tb_wire_own(int fd, bool own);
/* Whether one of the connection's first `requests` requests was written badly. */
bool tb_wire_is_bad(int fd, unsigned requests);

#endif
