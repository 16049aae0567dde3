#ifndef TB_BASE_COND_H
#define TB_BASE_COND_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* A condition whose timed waits take tb_cond_deadline, and do not care when somebody sets the
 * clock.
 */
void tb_cond_init(pthread_cond_t *cond);

struct timespec tb_cond_deadline(int64_t ns); /* so far from now */

#endif
