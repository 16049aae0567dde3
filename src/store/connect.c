/*
 * Connections: one that writes, whose turn wait.c gives, and a pool of those that read. Their
 * invariants are in store_priv.h.
 */
#include "base/log.h"
#include "store/store_priv.h"

#include <assert.h>

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
    tb_store_wait_init();
}

/* Two processes that make a new database at once: the change to WAL answers "busy" at once,
 * whatever the busy handler says, so it is tried again for as long. */
static bool use_wal(tb_store *store, sqlite3 *db)
{
    int code, times = 0;
    do
        code = sqlite3_exec(db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
    while ((code & 0xFF) == SQLITE_BUSY && tb_store_wait_busy(store, times++));
    return code == SQLITE_OK;
}

tb_status tb_db_connect(tb_store *store, bool writer, sqlite3 **out, tb_err *err)
{
    sqlite3 *db = NULL;
    tb_status st = TB_OK;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (writer ? SQLITE_OPEN_CREATE : 0);
    if (sqlite3_open_v2(store->db_path, &db, flags, TB_STORE_VFS) != SQLITE_OK) {
        st = db ? tb_db_fail(db, "opening it", err)
                : tb_fail(err, TB_ENOMEM, "not enough memory to open %s", store->db_path);
        goto out;
    }
    sqlite3_busy_handler(db, tb_store_wait_busy, store);
    sqlite3_extended_result_codes(db, 1);
    /* A tampered file must not run code of its choice. (TRUSTED_SCHEMA off as well would forbid our
     * triggers to write the search index: to SQLite 3.40 FTS5 is not innocuous.) */
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    const char *setup =
        writer ? "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA fullfsync=ON;"
                 "PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY;"
               : "PRAGMA query_only=ON; PRAGMA foreign_keys=ON;";
    if (writer && !use_wal(store, db)) {
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

/* pool_lock is held. Free in release builds. */
static void assert_invariants(const tb_store *store)
{
#ifndef NDEBUG
    assert(store->idle_n >= 0 && store->idle_n <= TB_STORE_READERS);
    for (int i = 0; i < store->idle_n; i++) {
        assert(store->idle[i] && store->idle[i] != store->writer);
        for (int k = 0; k < i; k++)
            assert(store->idle[k] != store->idle[i]);
    }
#endif
    (void)store;
}

tb_status tb_store_reader(tb_store *store, sqlite3 **out, tb_err *err)
{
    sqlite3 *db = NULL;
    pthread_mutex_lock(&store->pool_lock);
    if (store->idle_n > 0) db = store->idle[--store->idle_n];
    assert_invariants(store);
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
    assert_invariants(store);
    pthread_mutex_unlock(&store->pool_lock);
    sqlite3_close(db);
}
