#ifndef TB_TESTS_API_SERVER_H
#define TB_TESTS_API_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The real program, serving on port 0 in an empty folder of its own. It never outlives the test:
 * it is killed when the test ends, however that ends.
 */
typedef struct {
    pid_t pid;
    int port;
    char dir[64];
    int out;             /* the end of its stdout that we hold */
    bool mortal;         /* a refused connection is an empty reply, not the test's end */
    bool tls;            /* it is spoken to over TLS */
    const char *program; /* NULL: the one that was built */
} api_server;

#define API_USER     "me"
#define API_PASSWORD "pass:word \xC3\xA4" /* colons and UTF-8 are legal */
#define API_KEY      "key-0123456789"

/* env: further lines of .env, or NULL. Nothing is downloaded unless they say so. */
void api_start(api_server *s, const char *env);
/* The same with a certificate of its own. False: TLS cannot be tried here, and nothing runs. */
bool api_start_tls(api_server *s, const char *env);
/* Starts one that should not start: its exit code, and what it said on stderr. */
int api_start_fails(const char *env, char *said, size_t size);
/* Takes out of our environment what would tell the server about models and hubs. */
void api_calm_environment(void);
/* SIGTERM; the exit code, or -1 when it did not end within 40 s. Removes the folder. */
int api_stop(api_server *s);
void api_signal(const api_server *s, int signal);
/* Waits for its end without asking for it: as api_stop, but the folder stays. */
int api_wait(api_server *s);
/* SIGKILL, and the corpse is buried; the folder stays. */
void api_kill(api_server *s);
/* Starts again in the same folder after api_kill or api_wait, on a new port. */
void api_restart(api_server *s);

int64_t api_now_ms(void);

#endif
