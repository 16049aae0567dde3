#ifndef TB_TESTS_API_TLS_H
#define TB_TESTS_API_TLS_H

#include <stdbool.h>

/* A key and its own certificate for localhost as a PEM file; false: it cannot be made here. */
bool tls_write_certificate(const char *path);
/* A client's TLS on a connected socket, which is taken: what is written to the descriptor that
 * comes back is sent through it, and what it receives can be read there. A thread does it, until
 * one of the two sides closes. -1: no TLS. Nothing is verified. */
int tls_wrap(int fd);

#endif
