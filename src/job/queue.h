#ifndef TB_JOB_QUEUE_H
#define TB_JOB_QUEUE_H

#include "base/err.h"

#include <stdbool.h>

/*
 * A bounded queue with a lane per caller and a fixed set of worker threads. Work is done by pieces:
 * a worker takes the next piece of one job, puts the job back if there is more of it, and looks
 * again. The piece comes from the lane with the fewest running jobs, among equals the one that has
 * had the least work; in the lane it is that of the job that has had the least. A new lane starts
 * at the queue's virtual time, which is the work that a lane present all the time would have had,
 * so nobody waits for ever. A new job starts some seconds ahead of its lane's virtual time. So a
 * caller who sends a hundred texts delays the others by one piece at most, and a long text a short
 * one.
 */
typedef struct tb_queue tb_queue;

/* About how much work a job is. Every worker may take a brief one. The number of medium and of long
 * ones that are begun and not ended is limited, since each holds memory and files. */
typedef enum { TB_QUEUE_BRIEF, TB_QUEUE_MEDIUM, TB_QUEUE_LONG, TB_QUEUE_SIZES } tb_queue_size;

typedef struct tb_queue_entry {
    struct tb_queue_entry *next;
    tb_queue_size size; /* set before the push */
    /* used by the queue only */
    double served_s; /* work done for it, from a start that all jobs of a lane share */
    bool begun, expedited;
} tb_queue_entry;

typedef struct {
    bool again;  /* there is another piece; otherwise the entry may be freed by now */
    double cost; /* seconds that this piece took */
} tb_queue_piece;

/* run: runs a piece of an entry; release: the queue no longer refers to the entry. Both are called
 * on a worker without a lock, for one entry by one worker at a time. */
typedef tb_queue_piece (*tb_queue_run)(void *self, tb_queue_entry *entry);
typedef void (*tb_queue_release)(void *self, tb_queue_entry *entry);

TB_MUST_CHECK tb_status tb_queue_new(int workers, int max, int max_per_lane, tb_queue_run run,
                                     tb_queue_release release, void *self, tb_queue **out,
                                     tb_err *err);
/* Reserves workers: they take no long jobs, and the first of them takes brief ones only. Call it
 * before the first push. */
void tb_queue_reserve_workers(tb_queue *q, int workers);
/* TB_EBUSY when the lane or the queue is full, TB_EUNREADY when it is stopping. */
TB_MUST_CHECK tb_status tb_queue_push(tb_queue *q, const char *lane, tb_queue_entry *entry,
                                      tb_err *err);
/* Removes a waiting entry that is not begun; false when there is none. An entry between two pieces
 * is expedited instead: its next piece runs first. */
bool tb_queue_remove(tb_queue *q, tb_queue_entry *entry);
/* Refuses new entries; waits until all are done, at most ms. True when the queue ran empty. */
bool tb_queue_drain(tb_queue *q, int ms);
/* Calls each for every waiting and running entry, with the queue's lock held. */
void tb_queue_each(tb_queue *q, void (*each)(void *self, tb_queue_entry *entry), void *self);
/* running: on a worker now; waiting: all the others, begun or not. */
void tb_queue_look(tb_queue *q, int *waiting, int *running, int *workers, bool *stopping);
/* Drained or not: joins the workers (they end after what they are doing) and frees it. */
void tb_queue_free(tb_queue *q);

#endif
