#include "store/store_priv.h"
#include "store_sql.h"

/* A clock that is set forward takes nothing along at once. */

static const int64_t minute = 60 * (int64_t)1000000, hour = 3600 * (int64_t)1000000;
static const int64_t day = 24 * 3600 * (int64_t)1000000, begin = 1700000000 * (int64_t)1000000;

static void a_clock_that_goes_on_is_followed(void **state)
{
    tb_aging_clock s = {0};
    (void)state;
    tb_aging_clock_advance(&s, begin, -1);
    assert_int_equal(s.clock_us, begin);
    for (int i = 1; i < 5000; i++) {
        tb_aging_clock_advance(&s, begin + i * minute, minute);
        assert_int_equal(s.clock_us, begin + i * minute);
        assert_int_equal(s.hold_us, 0);
    }
    tb_aging_clock_advance(&s, begin + 5040 * minute, minute);            /* set a little */
    tb_aging_clock_advance(&s, begin + 5040 * minute + 9 * day, 9 * day); /* slept */
    assert_int_equal(s.clock_us, begin + 5040 * minute + 9 * day);
    tb_aging_clock_advance(&s, begin, minute); /* set back */
    assert_int_equal(s.clock_us, begin);
    assert_int_equal(s.hold_us, 0);
}

static void a_jump_is_believed_when_the_clock_has_stood_there_for_a_day(void **state)
{
    tb_aging_clock s = {.clock_us = begin};
    int64_t wall = begin + 400 * day;
    (void)state;
    for (int i = 1; i < 24 * 60; i++) {
        tb_aging_clock_advance(&s, wall + i * minute, minute);
        assert_int_equal(s.clock_us, begin + i * minute);
        assert_int_equal(s.hold_us, day);
    }
    tb_aging_clock_advance(&s, wall + day, minute);
    assert_int_equal(s.clock_us, wall + day);
    assert_int_equal(s.hold_us, 0);
}

static void a_jump_that_is_taken_back_was_none(void **state)
{
    tb_aging_clock s = {.clock_us = begin};
    (void)state;
    tb_aging_clock_advance(&s, begin + 400 * day, minute);
    assert_int_equal(s.hold_us, day);
    tb_aging_clock_advance(&s, begin + 2 * minute, minute);
    assert_int_equal(s.clock_us, begin + 2 * minute);
    assert_int_equal(s.hold_us, 0);
    assert_int_equal(s.held_us, 0);
}

/* Off for a week, or a clock that was set meanwhile: nobody can tell. */
static void after_a_start_it_takes_an_hour(void **state)
{
    tb_aging_clock s = {.clock_us = begin};
    (void)state;
    tb_aging_clock_advance(&s, begin + 7 * day, -1);
    assert_int_equal(s.clock_us, begin);
    assert_int_equal(s.hold_us, hour);
    tb_aging_clock_advance(&s, begin + 7 * day, -1); /* and again a start */
    for (int i = 1; i < 60; i++) {
        tb_aging_clock_advance(&s, begin + 7 * day + i * minute, minute);
        assert_int_equal(s.clock_us, begin + i * minute);
    }
    tb_aging_clock_advance(&s, begin + 7 * day + hour, minute);
    assert_int_equal(s.clock_us, begin + 7 * day + hour);
}

/* The clock now is years after the rows and what was last seen. */
static void history_is_kept_when_the_clock_has_jumped(void **state)
{
    const int64_t then = tb_clock_now_us() - 400 * day;
    char text[200];
    size_t deleted = 99;
    tb_store *store = store_open(*state, true);
    store_say(store, "of then", "Ana", then, NULL);
    assert_ok(tb_store_tidy(store, err));
    assert_int_equal(tb_store_aging_now_us(store) / day, tb_clock_now_us() / day);
    tb_store_close(store);
    snprintf(text, sizeof text, "UPDATE facts SET value=%lld WHERE name='clock_us'",
             (long long)(then + day));
    for (int upgraded = 0; upgraded < 2; upgraded++) { /* one that knows no clock yet, too */
        sql(*state, upgraded ? "DELETE FROM facts" : text);
        store = store_open(*state, true);
        assert_ok(tb_store_retain(store, 30 * 86400, 0, &deleted, err));
        assert_int_equal(deleted, 0);
        assert_ok(tb_store_tidy(store, err));
        assert_ok(tb_store_retain(store, 30 * 86400, 0, &deleted, err));
        assert_int_equal(deleted, 0);
        tb_store_close(store);
        store = store_open(*state, true); /* a restart is no way round */
        assert_ok(tb_store_retain(store, 30 * 86400, 0, &deleted, err));
        assert_int_equal(deleted, 0);
        tb_store_close(store);
    }
    /* It has stood there for an hour. */
    sql(*state, "UPDATE facts SET value=3600000001 WHERE name='held_us'");
    store = store_open(*state, true);
    assert_ok(tb_store_tidy(store, err));
    assert_ok(tb_store_retain(store, 30 * 86400, 0, &deleted, err));
    assert_int_equal(deleted, 1);
    tb_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_goes_on_is_followed),
        cmocka_unit_test(a_jump_is_believed_when_the_clock_has_stood_there_for_a_day),
        cmocka_unit_test(a_jump_that_is_taken_back_was_none),
        cmocka_unit_test(after_a_start_it_takes_an_hour),
        store_test(history_is_kept_when_the_clock_has_jumped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
