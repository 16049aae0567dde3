#ifndef TB_ENGINE_GATE_H
#define TB_ENGINE_GATE_H

#include "base/cancel.h"

/*
 * One long piece of work at a time through the flow and the vocoder: they use every core anyway, so
 * two at once would be no faster and take twice the memory. A brief one, which takes little, may be
 * inside beside another. Next is who came first, where a long piece of work counts as if it had
 * come later by its own length: a stream's short pieces pass the whole minutes of others, and
 * nobody waits forever. Any thread.
 */
typedef struct tb_gate tb_gate;

tb_gate *tb_gate_new(void);
void tb_gate_free(tb_gate *gate); /* nobody inside or waiting */

/* seconds: about how long the work takes; brief is up to TB_GATE_BRIEF_S. TB_ECANCELLED while
 * waiting: not inside then. */
#define TB_GATE_BRIEF_S 1.0
TB_MUST_CHECK tb_status tb_gate_enter(tb_gate *gate, double seconds, const tb_cancel *cancel,
                                      tb_err *err);
void tb_gate_leave(tb_gate *gate, double seconds); /* as at its entry */

#endif
