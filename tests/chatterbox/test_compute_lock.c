/*
 * Tests of the compute lock: one long job at a time and a brief one beside it; short jobs overtake
 * long ones that came slightly earlier; a cancelled waiter leaves; no waiter is forgotten.
 */
#include "base/clock.h"
#include "chatterbox/compute_lock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MANY = 12 };

static tb_compute_lock *gate;
static atomic_int inside, worst, inside_long, worst_long, order;

typedef struct {
    double seconds;
    bool urgent;
    int place;
    tb_cancel cancel;
    tb_status st;
} visitor;

static void *visit(void *arg)
{
    visitor *v = arg;
    v->st = tb_compute_lock_acquire(gate, v->seconds, v->urgent, &v->cancel, NULL);
    if (v->st) return NULL;
    const int one = v->seconds > TB_BRIEF_WORK_S;
    int now = atomic_fetch_add(&inside, 1) + 1,
        now_long = atomic_fetch_add(&inside_long, one) + one;
    if (now > atomic_load(&worst)) atomic_store(&worst, now);
    if (now_long > atomic_load(&worst_long)) atomic_store(&worst_long, now_long);
    v->place = atomic_fetch_add(&order, 1);
    tb_clock_sleep_ms(1);
    atomic_fetch_sub(&inside, 1);
    atomic_fetch_sub(&inside_long, one);
    tb_compute_lock_release(gate, v->seconds);
    return NULL;
}

static void one_long_at_a_time_and_nobody_forgotten(void **state)
{
    (void)state;
    visitor v[MANY] = {{0}};
    pthread_t threads[MANY];
    gate = tb_compute_lock_new();
    for (int i = 0; i < MANY; i++) {
        v[i].seconds = i % 3 ? 1.5 : 0.01;
        assert_int_equal(pthread_create(&threads[i], NULL, visit, &v[i]), 0);
    }
    for (int i = 0; i < MANY; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(v[i].st, TB_OK);
    }
    assert_int_equal(atomic_load(&worst_long), 1);
    assert_true(atomic_load(&worst) <= 2);
    assert_int_equal(atomic_load(&order), MANY);
    tb_compute_lock_free(gate);
}

static void short_work_passes_long_work(void **state)
{
    (void)state;
    visitor longest = {.seconds = 1000}, shortest = {.seconds = 2}, gone = {.seconds = 1.5};
    pthread_t a, b, c;
    gate = tb_compute_lock_new();
    atomic_store(&order, 0);
    assert_int_equal(tb_compute_lock_acquire(gate, 3, false, NULL, NULL),
                     TB_OK); /* all wait for us */
    assert_int_equal(pthread_create(&a, NULL, visit, &longest), 0);
    tb_clock_sleep_ms(30);
    assert_int_equal(pthread_create(&b, NULL, visit, &shortest), 0);
    assert_int_equal(pthread_create(&c, NULL, visit, &gone), 0);
    tb_clock_sleep_ms(30);
    tb_cancel_set(&gone.cancel);
    pthread_join(c, NULL);
    assert_int_equal(gone.st, TB_ECANCELLED);
    tb_compute_lock_release(gate, 3);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    assert_int_equal(shortest.place, 0);
    assert_int_equal(longest.place, 1);
    tb_compute_lock_free(gate);
}

static void brief_work_need_not_wait_for_long_work(void **state)
{
    (void)state;
    visitor brief = {.seconds = 0.5}, other = {.seconds = 5};
    pthread_t a, b;
    gate = tb_compute_lock_new();
    assert_int_equal(tb_compute_lock_acquire(gate, 60, false, NULL, NULL), TB_OK);
    assert_int_equal(pthread_create(&b, NULL, visit, &other), 0);
    assert_int_equal(pthread_create(&a, NULL, visit, &brief), 0);
    pthread_join(a, NULL); /* while we are inside */
    assert_int_equal(brief.st, TB_OK);
    tb_cancel_set(&other.cancel);
    pthread_join(b, NULL);
    assert_int_equal(other.st, TB_ECANCELLED);
    tb_compute_lock_release(gate, 60);
    tb_compute_lock_free(gate);
}

/* Two are inside and may be pausing for it: it would wait for those who wait for it. */
static void an_urgent_one_waits_for_nobody(void **state)
{
    (void)state;
    visitor brief = {.seconds = 0.5}, urgent = {.seconds = 0.5, .urgent = true};
    pthread_t a, b;
    gate = tb_compute_lock_new();
    atomic_store(&order, 0);
    assert_int_equal(tb_compute_lock_acquire(gate, 60, false, NULL, NULL), TB_OK);
    assert_int_equal(tb_compute_lock_acquire(gate, 0.5, false, NULL, NULL), TB_OK);
    assert_int_equal(pthread_create(&a, NULL, visit, &brief), 0);
    tb_clock_sleep_ms(30);
    assert_int_equal(pthread_create(&b, NULL, visit, &urgent), 0);
    pthread_join(b, NULL);
    assert_int_equal(urgent.place, 0);
    tb_compute_lock_release(gate, 0.5);
    pthread_join(a, NULL);
    assert_int_equal(brief.place, 1);
    tb_compute_lock_release(gate, 60);
    tb_compute_lock_free(gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_long_at_a_time_and_nobody_forgotten),
        cmocka_unit_test(short_work_passes_long_work),
        cmocka_unit_test(brief_work_need_not_wait_for_long_work),
        cmocka_unit_test(an_urgent_one_waits_for_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
