#include "base/thread.h"

#include <pthread.h>
#include <sys/resource.h>

enum { LOWER = 5 };

struct lowered {
    void (*work)(void *arg);
    void *arg;
};

#ifdef __linux__
static void *run(void *self)
{
    const struct lowered *l = self;
    /* On Linux each thread has its own nice value; 0 is the calling thread. 19 is the most. */
    setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + LOWER);
    l->work(l->arg);
    return NULL;
}
#endif

void tb_thread_lowered(void (*work)(void *arg), void *arg)
{
#ifdef __linux__
    struct lowered l = {work, arg};
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, &l) == 0) {
        pthread_join(thread, NULL);
        return;
    }
#endif
    work(arg);
}
