#include "base/cond.h"

#if defined(__APPLE__) /* has no other clock for conditions */
static const clockid_t CLOCK = CLOCK_REALTIME;
#else
static const clockid_t CLOCK = CLOCK_MONOTONIC;
#endif

void tb_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t how;
    pthread_condattr_init(&how);
#if !defined(__APPLE__)
    pthread_condattr_setclock(&how, CLOCK);
#endif
    pthread_cond_init(cond, &how);
    pthread_condattr_destroy(&how);
}

struct timespec tb_cond_deadline(int64_t ns)
{
    struct timespec t;
    clock_gettime(CLOCK, &t);
    ns += t.tv_nsec;
    t.tv_sec += (time_t)(ns / 1000000000);
    t.tv_nsec = (long)(ns % 1000000000);
    return t;
}
