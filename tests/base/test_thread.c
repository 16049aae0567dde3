/* What is started lowered, and what that starts later, gives way; the caller does not. */
#include "base/thread.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

typedef struct {
    int inside, heir;
    pthread_t thread;
} seen;

static void *look(void *arg)
{
    *(int *)arg = getpriority(PRIO_PROCESS, 0);
    return NULL;
}

static void work(void *arg)
{
    seen *s = arg;
    look(&s->inside);
    assert_int_equal(pthread_create(&s->thread, NULL, look, &s->heir), 0);
}

static void threads_started_in_it_give_way_and_the_caller_does_not(void **state)
{
    seen s = {0};
    int before, after;
    (void)state;
    look(&before);
    tb_thread_lowered(work, &s);
    pthread_join(s.thread, NULL); /* it outlives what started it */
    look(&after);
    assert_int_equal(before, after);
#ifdef __linux__
    assert_true(s.inside > before || before > 14);
#endif
    assert_int_equal(s.heir, s.inside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_started_in_it_give_way_and_the_caller_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
