#ifndef TB_BASE_CHILD_H
#define TB_BASE_CHILD_H

#include "base/cancel.h"
#include "base/confine.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A child process that is fed on its stdin and read from its stdout until both are closed: speech
 * programs and the decoder. It runs in its own process group, with every other descriptor closed,
 * with an empty environment (but LD_LIBRARY_PATH) and with limits, and is killed as a group when
 * the cancel flag is set, when it takes too long or when it says too much, and when this process
 * dies. Any thread; several at once.
 */
enum { TB_CHILD_LONGEST = 30 };

typedef struct {
    const char *const
        *argv;         /* argv[0] is looked up in PATH unless it has a slash; NULL-terminated */
    const void *input; /* written to stdin; NULL with size 0 for /dev/null */
    size_t input_size;
    int input_fd;      /* > 0: becomes the child's descriptor 3 (read-only use); else none */
    size_t output_max; /* TB_ETOOBIG beyond */
    /*
     * TB_ETIMEOUT beyond. With cpu_seconds it is how long the child may go without using any
     * processor time: what a loaded machine makes slow is bounded by cpu_seconds, and a child that
     * waits for ever by this. TB_CHILD_LONGEST times wall_ms end it in any case.
     */
    int wall_ms;
    int cpu_seconds;          /* RLIMIT_CPU; 0 none */
    size_t memory_bytes;      /* RLIMIT_AS; 0 none; never set in sanitizer builds */
    const char *name;         /* for sentences: "the speech program" */
    tb_confine_kind confine;  /* what it may ask of the system */
    const char *const *reads; /* TB_CONFINE_PROGRAM: folders that it may read beside the system's,
                                 NULL-terminated; or NULL */
} tb_child;

typedef struct {
    int exit_code;         /* -1 when a signal ended it */
    int signal;            /* 0 when it exited */
    char stderr_text[256]; /* the first bytes of what it said there, cleaned for a log line */
} tb_child_exit;

/*
 * Runs it to its end. output is heap, the caller's, NUL-terminated behind size bytes. A child that
 * ran to its own end is TB_OK whatever its exit code: look at *how. TB_ENOTFOUND when the program
 * is absent, TB_ECANCELLED, TB_ETIMEOUT, TB_ETOOBIG, TB_EINTERNAL otherwise.
 */
TB_MUST_CHECK tb_status tb_child_run(const tb_child *child, const tb_cancel *cancel, char **output,
                                     size_t *output_size, tb_child_exit *how, tb_err *err);

/* The path of this very program, for children that are subcommands of it: with the very pointer as
 * argv[0] they are executed from the running file, whatever has its name by now (Linux).
 * $TIMBRE_PROGRAM when set (tests, whose own program is another), else /proc/self/exe or the
 * system's way. Static storage, made by the first call; main makes it before any thread. */
const char *tb_child_self(void);

/* Looks a program up in PATH: heap path or NULL. */
char *tb_child_which(const char *program);

#endif
