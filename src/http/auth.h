#ifndef TB_HTTP_AUTH_H
#define TB_HTTP_AUTH_H

#include "config/config.h"

#include <stdbool.h>

/*
 * One principal, three ways in: Basic, Bearer, xi-api-key. Secrets are compared in constant time
 * over keyed BLAKE2b. A password kept as an argon2id string is verified on a thread of its own
 * (91 ms and 64 MiB each) and the result remembered for five minutes as a keyed hash.
 */
typedef struct tb_auth tb_auth;
typedef struct tb_auth_check tb_auth_check; /* a verification under way */

typedef enum { TB_AUTH_NO, TB_AUTH_YES, TB_AUTH_LATER } tb_auth_answer;

TB_MUST_CHECK tb_status tb_auth_new(const tb_config *config, tb_auth **out, tb_err *err);
void tb_auth_free(tb_auth *auth);
/* Finishes the verifications under way; who asks later is refused. */
void tb_auth_drain(tb_auth *auth);

/* Headers as the client sent them, NULL when absent. */
tb_auth_answer tb_auth_look(tb_auth *auth, const char *authorization, const char *api_key);
/* A name and password from a form. */
tb_auth_answer tb_auth_password(tb_auth *auth, const char *user, const char *password);

/* After TB_AUTH_LATER: verifies in the background and calls wake (any thread) once; then
 * tb_auth_look knows the answer. TB_EBUSY when too many are waiting. */
TB_MUST_CHECK tb_status tb_auth_verify(tb_auth *auth, const char *authorization,
                                       void (*wake)(void *), void *self, tb_auth_check **out,
                                       tb_err *err);
/* Gives it back; wake is not called any more after this. NULL is fine. */
void tb_auth_leave(tb_auth *auth, tb_auth_check *check);

#endif
