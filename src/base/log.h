#ifndef TB_BASE_LOG_H
#define TB_BASE_LOG_H

#include "base/err.h"

#include <stdbool.h>

/* One event, one line, key=value, to stderr. What users say and sound like is never logged above
 * TB_DEBUG. A value that is text is put into quotes where it has to be, and escaped, so that none
 * can be read as a name and a value of its own. Of printf's conversions: s d i u x o f g c, with
 * width and precision. Any thread. */
typedef enum { TB_ERROR, TB_WARN, TB_INFO, TB_DEBUG } tb_log_level;

void tb_log_set_level(tb_log_level level); /* TB_WARN until set: the command line stays quiet */
tb_log_level tb_log_get_level(void);
void tb_log(tb_log_level level, const char *room, const char *fmt, ...) TB_PRINTF(3, 4);

/*
 * From now on lines are kept (the first 64 kB of them), until it is known whether anybody needs
 * them: a start that fails says why in one sentence, and the lines about the same are dropped; one
 * that succeeds has them printed. At TB_DEBUG nothing is kept back.
 */
void tb_log_hold(void);
void tb_log_release(bool print);

#endif
