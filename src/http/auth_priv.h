#ifndef TB_HTTP_AUTH_PRIV_H
#define TB_HTTP_AUTH_PRIV_H

#include "config/config.h"
#include "http/guard_priv.h"

#include <stdbool.h>

/*
 * One principal, three ways in: Basic, Bearer, xi-api-key. Secrets are compared in constant time
 * over keyed BLAKE2b. A password kept as an argon2id string costs 91 ms and 64 MiB to verify, on a
 * thread of its own. Once a pair was right it is kept as a keyed hash, and argon2id is not needed
 * any more. How often a guess may be wrong: http/guard_priv.h.
 */
typedef struct tb_auth tb_auth;
typedef struct tb_auth_check tb_auth_check; /* one that waits for its turn */

typedef enum { TB_AUTH_NO, TB_AUTH_YES, TB_AUTH_LATER } tb_auth_answer;

/* The credentials of a request, NULL for none: headers as received, or a form's fields. */
typedef struct {
    const char *authorization, *api_key;
    const char *user, *password;
} tb_auth_given;

TB_MUST_CHECK tb_status tb_auth_new(const tb_config *config, tb_auth **out, tb_err *err);
/* How many connections there may be at once: it bounds how many guesses wait. */
void tb_auth_room(tb_auth *a, int connections);
void tb_auth_free(tb_auth *auth);
/* Ends all waiting checks; later ones that would have to wait are refused. */
void tb_auth_drain(tb_auth *auth);

tb_auth_answer tb_auth_look(tb_auth *auth, const tb_peer *peer, const tb_auth_given *given);

/* After TB_AUTH_LATER: waits for its turn and calls wake (any thread) once; then it is decided.
 * TB_EBUSY when too many are waiting. */
TB_MUST_CHECK tb_status tb_auth_wait(tb_auth *auth, const tb_peer *peer, const tb_auth_given *given,
                                     void (*wake)(void *), void *self, tb_auth_check **out,
                                     tb_err *err);
bool tb_auth_decided(const tb_auth_check *check);
/* Of a decided check: TB_OK, TB_EAUTH, or why it could not be judged. */
TB_MUST_CHECK tb_status tb_auth_verdict(const tb_auth_check *check, tb_err *err);
/* Its client has disconnected: a waiting check is ended without being judged, and wakes. Any
 * thread, but not at the same time as tb_auth_leave. */
void tb_auth_abandon(tb_auth *auth, tb_auth_check *check);
/* Gives it back; wake is not called any more after this. NULL is fine. */
void tb_auth_leave(tb_auth *auth, tb_auth_check *check);

#endif
