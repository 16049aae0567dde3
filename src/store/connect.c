#include "base/clock.h"
#include "base/log.h"
#include "store/store_priv.h"

/*
 * Connections: one that writes, behind a mutex, and a pool of those that read. Another process may
 * hold the database for ten seconds; then the caller hears that it is busy.
 */

static void log_line(void *self, int code, const char *msg)
{
    (void)self;
    int kind = code & 0xFF;
    /* WAL recovery after a kill is a notice; schema changes by another process are not news. */
    bool news = kind != SQLITE_NOTICE && kind != SQLITE_SCHEMA && kind != SQLITE_BUSY;
    tb_log(news ? TB_WARN : TB_DEBUG, "sqlite", "code=%d msg=\"%s\"", code, msg);
}

void tb_db_configure(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_LOG, log_line, (void *)0);
}

/* Two processes that make a new database at once: the change to WAL answers "busy" at once,
 * whatever the busy timeout says, so it is tried again for as long. */
static bool use_wal(sqlite3 *db)
{
    enum { TRIES = 1000, PAUSE_MS = 10 };
    int code = SQLITE_BUSY;
    for (int i = 0; i < TRIES && (code & 0xFF) == SQLITE_BUSY; i++) {
        if (i) tb_clock_sleep_ms(PAUSE_MS);
        code = sqlite3_exec(db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
    }
    return code == SQLITE_OK;
}

/* Another process writes, or holds it all. */
static int wait_for_lock(void *self, int times)
{
    enum { PAUSE_MS = 20, GIVE_UP_MS = 10000 };
    const tb_store *store = self;
    if (atomic_load(&store->hurried) || times >= GIVE_UP_MS / PAUSE_MS) return 0;
    tb_clock_sleep_ms(times < 5 ? 2 : PAUSE_MS);
    return 1;
}

void tb_store_hurry(tb_store *store)
{
    atomic_store(&store->hurried, true);
}

tb_status tb_db_connect(tb_store *store, bool writer, sqlite3 **out, tb_err *err)
{
    sqlite3 *db = NULL;
    tb_status st = TB_OK;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (writer ? SQLITE_OPEN_CREATE : 0);
    if (sqlite3_open_v2(store->db_path, &db, flags, NULL) != SQLITE_OK) {
        st = db ? tb_db_fail(db, "opening it", err)
                : tb_fail(err, TB_ENOMEM, "not enough memory to open %s", store->db_path);
        goto out;
    }
    sqlite3_busy_handler(db, wait_for_lock, store);
    sqlite3_extended_result_codes(db, 1);
    /* A tampered file must not run code of its choice. (TRUSTED_SCHEMA off as well would forbid our
     * triggers to write the search index: to SQLite 3.40 FTS5 is not innocuous.) */
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    const char *setup =
        writer ? "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA fullfsync=ON;"
                 "PRAGMA secure_delete=ON;"
               : "PRAGMA query_only=ON; PRAGMA foreign_keys=ON;";
    if (writer && !use_wal(db)) {
        st = tb_db_fail(db, "opening it", err);
        goto out;
    }
    if (sqlite3_exec(db, setup, NULL, NULL, NULL) != SQLITE_OK) {
        st = tb_db_fail(db, "opening it", err);
        goto out;
    }
    *out = db;
    db = NULL;
out:
    sqlite3_close(db);
    return st;
}

tb_status tb_store_reader(tb_store *store, sqlite3 **out, tb_err *err)
{
    sqlite3 *db = NULL;
    pthread_mutex_lock(&store->pool_lock);
    if (store->idle_n > 0) db = store->idle[--store->idle_n];
    pthread_mutex_unlock(&store->pool_lock);
    if (!db) return tb_db_connect(store, false, out, err);
    *out = db;
    return TB_OK;
}

void tb_store_reader_done(tb_store *store, sqlite3 *db)
{
    if (!db) return;
    pthread_mutex_lock(&store->pool_lock);
    if (store->idle_n < TB_STORE_READERS) {
        store->idle[store->idle_n++] = db;
        db = NULL;
    }
    pthread_mutex_unlock(&store->pool_lock);
    sqlite3_close(db);
}

tb_status tb_store_write(tb_store *store, tb_err *err)
{
    pthread_mutex_lock(&store->write_lock);
    tb_status st = tb_db_run(store->writer, err, "BEGIN IMMEDIATE", "");
    if (st) pthread_mutex_unlock(&store->write_lock);
    return st;
}

tb_status tb_store_try_write(tb_store *store, bool *begun, tb_err *err)
{
    *begun = false;
    if (pthread_mutex_trylock(&store->write_lock) != 0) return TB_OK;
    sqlite3_busy_timeout(store->writer, 0);
    tb_status st = tb_db_run(store->writer, err, "BEGIN IMMEDIATE", "");
    sqlite3_busy_handler(store->writer, wait_for_lock, store);
    *begun = st == TB_OK;
    if (!*begun) pthread_mutex_unlock(&store->write_lock);
    return st == TB_EUNREADY ? TB_OK : st; /* another process has it: next time */
}

tb_status tb_store_write_end(tb_store *store, tb_status st, tb_err *err)
{
    if (!st) st = tb_db_run(store->writer, err, "COMMIT", "");
    /* A full disk may have rolled back by itself already. */
    if (st && !sqlite3_get_autocommit(store->writer) &&
        sqlite3_exec(store->writer, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
        tb_log(TB_ERROR, "store", "rollback=failed msg=\"%s\"", sqlite3_errmsg(store->writer));
    pthread_mutex_unlock(&store->write_lock);
    return st;
}
