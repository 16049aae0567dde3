/*
 * Waiting for a database that another process holds: deadlines, readers, a stop.
 */
#include "patience.h"
#include "store_help.h"
#include "store_sql.h"

#include <pthread.h>

/* Another program holds the database: how long whom it keeps waiting, and what they hear. */

static sqlite3 *hold(const char *folder)
{
    sqlite3 *db = NULL;
    char *path = tb_path_join(folder, "timbre.db");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    tb_free(path);
    sqlite3_busy_timeout(db, 5000);
    assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static int64_t now_ms(void)
{
    return tb_clock_mono_ns() / 1000000;
}

static void wait_at_most(int ms)
{
    tb_store_wait_until(tb_clock_mono_ns() + (int64_t)ms * 1000000);
}

static void who_writes_waits_until_the_deadline_and_who_reads_does_not(void **state)
{
    tb_store *store = store_open(*state, true);
    const tb_clip_query all = {0};
    tb_clip_list list = {0};
    store_say(store, "before", "Ana", 0, NULL);
    assert_false(tb_store_is_held(store));
    sqlite3 *holder = hold(*state);
    assert_true(tb_store_is_held(store));

    int64_t began = now_ms();
    wait_at_most(300);
    assert_refused(TB_EUNREADY, "timbre.db", tb_store_clip_delete_all(store, NULL, err));
    const int64_t took = now_ms() - began;
    assert_true(took >= 290 && took < test_patient(1500));
    /* The same deadline has passed for what comes next. */
    began = now_ms();
    for (int i = 0; i < 10; i++)
        assert_refused(TB_EUNREADY, "close that", tb_store_clip_delete_all(store, NULL, err));
    assert_ok(tb_store_clip_list(store, &all, &list, err));
    assert_int_equal(list.n, 1);
    assert_true(now_ms() - began < test_patient(250));
    tb_clip_list_clear(&list);

    /* It has passed, but nobody has to wait: it is done. */
    sqlite3_close(holder);
    assert_false(tb_store_is_held(store));
    assert_ok(tb_store_clip_delete_all(store, NULL, err));
    tb_store_wait_until(0);
    tb_store_close(store);
}

struct writer {
    tb_store *store;
    tb_status st;
    int64_t took_ms;
};

static void *write_once(void *arg)
{
    struct writer *w = arg;
    tb_err err = {0};
    const int64_t began = now_ms();
    wait_at_most(500);
    w->st = tb_store_voice_delete(w->store, "nobody", &err);
    w->took_ms = now_ms() - began;
    return NULL;
}

static void run(struct writer *all, int n, tb_store *store, sqlite3 *holder, int hold_ms)
{
    pthread_t threads[16];
    for (int i = 0; i < n; i++) {
        all[i] = (struct writer){.store = store};
        assert_int_equal(pthread_create(&threads[i], NULL, write_once, &all[i]), 0);
    }
    if (hold_ms) {
        tb_clock_sleep_ms(hold_ms);
        sqlite3_close(holder);
    }
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
}

static void many_who_write_wait_at_the_same_time(void **state)
{
    enum { MANY = 12 };
    struct writer all[MANY];
    tb_store *store = store_open(*state, true);
    sqlite3 *holder = hold(*state);
    run(all, MANY, store, NULL, 0);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(all[i].st, TB_EUNREADY);
        assert_true(all[i].took_ms < test_patient(1500));
    }
    run(all, MANY, store, holder, 200); /* it lets go in time: all of them are done */
    for (int i = 0; i < MANY; i++)
        assert_int_equal(all[i].st, TB_ENOTFOUND);
    tb_store_close(store);
}

static void stop_waiting_wakes_those_who_wait(void **state)
{
    struct writer one = {0}, two = {0};
    pthread_t threads[2];
    tb_store *store = store_open(*state, true);
    sqlite3 *holder = hold(*state);
    one.store = two.store = store;
    assert_int_equal(pthread_create(&threads[0], NULL, write_once, &one), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, write_once, &two), 0);
    tb_clock_sleep_ms(50);
    tb_store_stop_waiting(store);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_true(one.took_ms < 400 && two.took_ms < 400);
    assert_int_equal(one.st, TB_EUNREADY);
    assert_int_equal(two.st, TB_EUNREADY);
    sqlite3_close(holder);
    tb_store_close(store);
}

static void a_held_database_is_not_opened_and_the_sentence_says_why(void **state)
{
    tb_store *store = store_open(*state, true);
    tb_store_close(store);
    sqlite3 *holder = hold(*state);
    char *path = tb_path_join(*state, "timbre.db");
    store = NULL;
    wait_at_most(300);
    assert_refused(TB_EUNREADY, path, tb_store_open(*state, true, &store, err));
    assert_null(store);
    assert_refused(TB_EUNREADY, "sqlite3 shell", tb_store_open(*state, true, &store, err));
    assert_ok(tb_store_open(*state, false, &store, err)); /* it only looks: nobody is in its way */
    tb_store_close(store);
    /* Held in a way that nobody may even read. */
    assert_int_equal(sqlite3_exec(holder,
                                  "ROLLBACK; PRAGMA locking_mode=EXCLUSIVE;"
                                  "BEGIN IMMEDIATE; CREATE TABLE x(y); COMMIT",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    store = NULL;
    for (int server = 0; server < 2; server++) {
        assert_refused(TB_EUNREADY, path, tb_store_open(*state, server, &store, err));
        assert_null(store);
    }
    sqlite3_close(holder);
    tb_store_wait_until(0);
    assert_ok(tb_store_open(*state, true, &store, err));
    tb_store_close(store);
    tb_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(who_writes_waits_until_the_deadline_and_who_reads_does_not),
        store_test(many_who_write_wait_at_the_same_time),
        store_test(stop_waiting_wakes_those_who_wait),
        store_test(a_held_database_is_not_opened_and_the_sentence_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
