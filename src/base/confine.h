#ifndef TB_BASE_CONFINE_H
#define TB_BASE_CONFINE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What a child process may ask of the system, beside its limits of time and memory. On Linux:
 * seccomp filters that look at the arguments of calls, Landlock for files, no capabilities, no new
 * privileges. Elsewhere these functions do nothing. base/child.h uses them.
 */
typedef enum {
    TB_CONFINE_NONE,    /* limits only */
    TB_CONFINE_SELF,    /* our own program, which calls tb_confine_self before it reads anything */
    TB_CONFINE_PROGRAM, /* another program: it reads files, and writes to its pipes only */
} tb_confine_kind;

/*
 * In a child of our own program, once its libraries are set up and before it reads what a stranger
 * sent: from here on it may read and write what is open, ask for memory that is not executable, and
 * end. Every other call kills it. TB_EINTERNAL when this cannot be had: then it must read nothing.
 */
TB_MUST_CHECK tb_status tb_confine_self(tb_err *err);

/* What another program will be held to; made by the parent, put on by the child between fork and
 * exec. */
typedef struct {
    const void *filter; /* struct sock_fprog, static; NULL without one */
    int files;          /* Landlock's descriptor, or -1 */
    bool apart;         /* without capabilities */
    bool script;        /* it starts other programs: a looser filter */
} tb_confine_plan;

/* path: the program. reads: folders beside the system's own that it may read, NULL-terminated, or
 * NULL. */
TB_MUST_CHECK tb_status tb_confine_plan_make(tb_confine_kind kind, const char *path,
                                             const char *const *reads, tb_confine_plan *plan,
                                             tb_err *err);
void tb_confine_plan_clear(tb_confine_plan *plan);

/* In the child, first with the plan's descriptor still open, then as its last act: it gives up what
 * the plan takes, and becomes the program. The second returns only when it cannot. Both are safe
 * after a fork of a program with threads. */
TB_MUST_CHECK bool tb_confine_enter(const tb_confine_plan *plan);
void tb_confine_exec(const tb_confine_plan *plan, const char *path, char *const *argv,
                     char *const *env);

#endif
