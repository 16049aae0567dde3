#ifndef TB_BASE_SPAWN_PRIV_H
#define TB_BASE_SPAWN_PRIV_H

#include "base/confine.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * The first half of base/child.h: a process that has become another program, in a process group of
 * its own, without the environment and the descriptors of this one, which dies with the thread that
 * started it.
 */
typedef struct {
    const char *path; /* of the program */
    char *const *argv;
    int fds[4];          /* in, out, err and an extra one: all above 9, or -1 */
    int cpu_seconds;     /* RLIMIT_CPU; 0 none */
    size_t memory_bytes; /* RLIMIT_AS; 0 none; never set in sanitizer builds */
    const tb_confine_plan *plan;
} tb_spawn_order;

typedef struct {
    pid_t pid; /* until tb_spawned_reap no other process can have it */
    int fd;    /* its pidfd, readable when it has ended; -1 where the system has none */
} tb_spawned;

TB_MUST_CHECK tb_status tb_spawn(const tb_spawn_order *order, const char *name, tb_spawned *to,
                                 tb_err *err);

/* Has it ended? It stays a zombie, so that its pid stays its own. */
bool tb_spawned_ended(const tb_spawned *child);

/* Kills what it started, and itself if it has not ended; waits for its end and closes fd. */
void tb_spawned_reap(tb_spawned *child, int *wait_status);

#endif
