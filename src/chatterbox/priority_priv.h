#ifndef TB_CHATTERBOX_PRIORITY_PRIV_H
#define TB_CHATTERBOX_PRIORITY_PRIV_H

#include "base/cancel.h"

#include <stdint.h>

/*
 * Cooperative priority of brief requests over long ones. While an urgent caller is under way,
 * background callers pause where they ask: between two operations of a network, and between two
 * decode steps. They still run in one time slice of each period, the same one for all of them, so
 * that they share decode steps and never starve. Only when something is computed depends on it,
 * never what. Any thread.
 */
typedef struct tb_priority tb_priority;

/* Of each period background callers pause for the first pause_ns, and may run for run_ns. */
tb_priority *tb_priority_new(int64_t pause_ns, int64_t run_ns);
void tb_priority_free(tb_priority *p); /* nobody urgent, nobody waiting */

void tb_priority_begin(tb_priority *p); /* an urgent caller comes */
void tb_priority_end(tb_priority *p);   /* and leaves */

/* Whether a background caller has to pause now. Without urgent callers one atomic load. */
bool tb_priority_must_wait(const tb_priority *p);
/* Pauses a background caller until it may run; returns at once when cancel is set before. */
void tb_priority_wait(tb_priority *p, const tb_cancel *cancel);

#endif
