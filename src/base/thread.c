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
    /* Priority is a thread's own on Linux; 0 is the calling one. At the end of the scale it stays.
     */
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
