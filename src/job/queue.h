#ifndef TB_JOB_QUEUE_H
#define TB_JOB_QUEUE_H

#include "base/err.h"

#include <stdbool.h>

/*
 * A bounded queue with a lane per caller and a fixed set of worker threads. The next job comes from
 * the lane with the fewest running jobs; among equals the lane that waited longest. So a caller who
 * sends a hundred texts delays the others by one job at most.
 */
typedef struct tb_queue tb_queue;

typedef struct tb_queue_entry {
    struct tb_queue_entry *next;
} tb_queue_entry;

/* run: works an entry to its end; release: the queue has forgotten it. Both are called on a worker,
 * no lock held. */
typedef void (*tb_queue_run)(void *self, tb_queue_entry *entry);

TB_MUST_CHECK tb_status tb_queue_new(int workers, int max, int max_per_lane, tb_queue_run run,
                                     tb_queue_run release, void *self, tb_queue **out, tb_err *err);
/* TB_EBUSY when the lane or the queue is full, TB_EUNREADY when it is stopping. */
TB_MUST_CHECK tb_status tb_queue_push(tb_queue *q, const char *lane, tb_queue_entry *entry,
                                      tb_err *err);
/* Takes a waiting entry out; false when it is not waiting (any more). */
bool tb_queue_remove(tb_queue *q, tb_queue_entry *entry);
/* Refuses new entries; waits until all are done, at most ms. True when the queue ran empty. */
bool tb_queue_drain(tb_queue *q, int ms);
/* Calls each for every waiting and running entry, with the queue's lock held. */
void tb_queue_each(tb_queue *q, void (*each)(void *self, tb_queue_entry *entry), void *self);
void tb_queue_look(tb_queue *q, int *waiting, int *running, int *workers, bool *stopping);
/* Drained or not: joins the workers (they end after what they are doing) and frees it. */
void tb_queue_free(tb_queue *q);

#endif
