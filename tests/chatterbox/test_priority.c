/* Long work pauses while a brief request is under way, goes on when the last of them has left, and
 * has its time slice meanwhile. */
#include "base/clock.h"
#include "chatterbox/priority_priv.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HOUR_NS 3600000000000

static tb_priority *priority;
static atomic_bool went_on;

static void *background(void *cancel)
{
    tb_priority_wait(priority, cancel);
    atomic_store(&went_on, true);
    return NULL;
}

static void nobody_waits_for_nobody(void **state)
{
    (void)state;
    priority = tb_priority_new(HOUR_NS, 1);
    assert_false(tb_priority_must_wait(priority));
    background(NULL);
    tb_priority_free(priority);
}

static void long_work_waits_until_the_last_brief_one_has_left(void **state)
{
    (void)state;
    pthread_t thread;
    priority = tb_priority_new(HOUR_NS, 1);
    atomic_store(&went_on, false);
    tb_priority_begin(priority);
    tb_priority_begin(priority);
    assert_true(tb_priority_must_wait(priority));
    assert_int_equal(pthread_create(&thread, NULL, background, NULL), 0);
    tb_clock_sleep_ms(20);
    tb_priority_end(priority);
    tb_clock_sleep_ms(20);
    assert_false(atomic_load(&went_on));
    tb_priority_end(priority);
    pthread_join(thread, NULL);
    assert_true(atomic_load(&went_on));
    tb_priority_free(priority);
}

/* Does not end where there is none. */
static void long_work_has_its_time_slice(void **state)
{
    (void)state;
    priority = tb_priority_new(20000000, 20000000);
    tb_priority_begin(priority);
    for (int i = 0; i < 5; i++) {
        background(NULL);
        tb_clock_sleep_ms(15);
    }
    tb_priority_end(priority);
    tb_priority_free(priority);
}

static void who_is_cancelled_does_not_wait(void **state)
{
    (void)state;
    tb_cancel cancel = {0};
    priority = tb_priority_new(HOUR_NS, 1);
    tb_priority_begin(priority);
    tb_cancel_set(&cancel);
    background(&cancel);
    tb_priority_end(priority);
    tb_priority_free(priority);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_for_nobody),
        cmocka_unit_test(long_work_waits_until_the_last_brief_one_has_left),
        cmocka_unit_test(long_work_has_its_time_slice),
        cmocka_unit_test(who_is_cancelled_does_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
