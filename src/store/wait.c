/*
 * Waiting to write: for the turn among our own writers, and for another process that holds the
 * database.
 *
 * One deadline covers both: the thread's (tb_store_wait_until), or ten seconds from the beginning
 * of the call. SQLite asks our busy handler whether to go on waiting. Where it waits by itself, for
 * a reader's place in the log, it sleeps in our sleep_within, which returns at once when the
 * deadline has passed, so that its hundred attempts end soon. Relies on SQLite's busy handler and
 * VFS; the invariants of the turn are in store_priv.h.
 */
#include "base/clock.h"
#include "base/cond.h"
#include "base/log.h"
#include "store/store_priv.h"

#include <assert.h>
#include <string.h>
enum { USUAL_MS = 10000, WARN_AFTER_MS = 1000, PAUSE_MS = 20, FIRST_PAUSE_MS = 2, SOON = 5 };

static _Thread_local int64_t bound_ns; /* the thread's deadline; 0: none */
static _Thread_local int64_t until_ns; /* of this wait */
static _Thread_local bool has_turn;    /* until_ns began with the wait for the turn */

void tb_store_wait_until(int64_t mono_ns)
{
    bound_ns = mono_ns;
}

int64_t tb_store_wait_within(int64_t ns)
{
    const int64_t before = bound_ns, until = tb_clock_mono_ns() + ns;
    if (!bound_ns || until < bound_ns) bound_ns = until;
    return before;
}

static int64_t deadline(void)
{
    return bound_ns ? bound_ns : tb_clock_mono_ns() + (int64_t)USUAL_MS * 1000000;
}

/* Log once why the start is waiting. */
static void warn_once(tb_store *store, int64_t left_ns)
{
    const int64_t waited_ns = tb_clock_mono_ns() - store->opening_ns;
    if (!store->opening_ns || store->warned || waited_ns < (int64_t)WARN_AFTER_MS * 1000000) return;
    store->warned = true;
    tb_log(TB_WARN, "store", "waiting_for=\"%.200s\" at_most_s=%d why=\"another program holds it\"",
           store->db_path, (int)(left_ns / 1000000000) + 1);
}

int tb_store_wait_busy(void *self, int times)
{
    tb_store *store = self;
    if (times == 0 && !has_turn) until_ns = deadline();
    if (has_turn) atomic_store(&store->held, true);
    const int64_t left_ns = until_ns - tb_clock_mono_ns();
    if (atomic_load(&store->stop_waiting) || left_ns <= 0) return 0;
    warn_once(store, left_ns);
    const int64_t left_ms = left_ns / 1000000 + 1;
    const int pause_ms = times < SOON ? FIRST_PAUSE_MS : PAUSE_MS;
    tb_clock_sleep_ms(left_ms < pause_ms ? (int)left_ms : pause_ms);
    return 1;
}

/* ---- the sleep of SQLite's own waits ---- */

static sqlite3_vfs system_vfs, vfs;

static int sleep_within(sqlite3_vfs *self, int us)
{
    (void)self;
    if (bound_ns && tb_clock_mono_ns() >= bound_ns) return us;
    return system_vfs.xSleep(&system_vfs, us);
}

void tb_store_wait_init(void)
{
    const sqlite3_vfs *found = sqlite3_vfs_find(NULL);
    if (!found) return;
    system_vfs = vfs = *found;
    vfs.zName = TB_STORE_VFS;
    vfs.xSleep = sleep_within;
    (void)sqlite3_vfs_register(&vfs, 0);
}

/* ---- the turn ---- */

static tb_status busy(tb_err *err)
{
    return tb_fail(err, TB_EUNREADY, TB_STORE_BUSY);
}

/* By the thread that has the turn: it has just taken it or is about to give it. write_lock is held.
 * Free in release builds. */
static void assert_has_turn(const tb_store *store)
{
    assert(store->writing && pthread_equal(store->turn_owner, pthread_self()));
    (void)store;
}

/* The turn is free and write_lock is held. */
static void set_owner(tb_store *store)
{
    assert(!store->writing);
    store->writing = true;
    store->turn_owner = pthread_self();
    assert_has_turn(store);
}

/* Waits until no thread of this process writes. */
bool tb_store_take_turn(tb_store *store)
{
    bool mine = true;
    until_ns = deadline();
    pthread_mutex_lock(&store->write_lock);
    while (mine && store->writing) {
        const int64_t left_ns = until_ns - tb_clock_mono_ns();
        mine = left_ns > 0; /* stop_waiting ends the owner's waits, so it gives the turn soon */
        if (!mine) break;
        const struct timespec until = tb_cond_deadline(left_ns);
        pthread_cond_timedwait(&store->write_free, &store->write_lock, &until);
    }
    if (mine) set_owner(store);
    pthread_mutex_unlock(&store->write_lock);
    return mine;
}

void tb_store_give_turn(tb_store *store)
{
    pthread_mutex_lock(&store->write_lock);
    assert_has_turn(store);
    store->writing = false;
    pthread_cond_signal(&store->write_free);
    pthread_mutex_unlock(&store->write_lock);
}

void tb_store_stop_waiting(tb_store *store)
{
    atomic_store(&store->stop_waiting, true);
    pthread_mutex_lock(&store->write_lock);
    pthread_cond_broadcast(&store->write_free);
    pthread_mutex_unlock(&store->write_lock);
}

tb_status tb_store_write(tb_store *store, tb_err *err)
{
    if (!tb_store_take_turn(store)) return busy(err);
    has_turn = true;
    tb_status st = tb_db_run(store->writer, err, "BEGIN IMMEDIATE", "");
    has_turn = false;
    if (!st) atomic_store(&store->held, false);
    if (st) tb_store_give_turn(store);
    return st;
}

tb_status tb_store_try_write(tb_store *store, bool *begun, tb_err *err)
{
    tb_status st = TB_OK;
    *begun = false;
    pthread_mutex_lock(&store->write_lock);
    const bool taken = store->writing;
    if (!taken) set_owner(store);
    pthread_mutex_unlock(&store->write_lock);
    if (taken) return TB_OK;
    sqlite3_busy_timeout(store->writer, 0);
    const int code = sqlite3_exec(store->writer, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    sqlite3_busy_handler(store->writer, tb_store_wait_busy, store);
    *begun = code == SQLITE_OK;
    const bool held = (code & 0xFF) == SQLITE_BUSY; /* another process has it: next time */
    if (!*begun && !held) st = tb_db_fail(store->writer, "writing", err);
    atomic_store(&store->held, held);
    if (!*begun) tb_store_give_turn(store);
    return st;
}

tb_status tb_store_write_end(tb_store *store, tb_status st, tb_err *err)
{
    if (!st) st = tb_db_run(store->writer, err, "COMMIT", "");
    /* A full disk may have rolled back by itself already. */
    if (st && !sqlite3_get_autocommit(store->writer) &&
        sqlite3_exec(store->writer, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
        tb_log(TB_ERROR, "store", "rollback=failed msg=\"%s\"", sqlite3_errmsg(store->writer));
    tb_store_give_turn(store);
    return st;
}

bool tb_store_is_held(tb_store *store)
{
    tb_err err = {0};
    bool begun = false;
    tb_status st = tb_store_try_write(store, &begun, &err);
    if (begun) st = tb_store_write_end(store, TB_ECANCELLED, &err); /* nothing was written */
    return st != TB_ECANCELLED && atomic_load(&store->held);
}
