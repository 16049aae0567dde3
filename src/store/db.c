#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

tb_status tb_db_fail(sqlite3 *db, const char *doing, tb_err *err)
{
    int code = sqlite3_extended_errcode(db), why = sqlite3_system_errno(db);
    const char *path = sqlite3_db_filename(db, "main");
    tb_log(TB_WARN, "store", "doing=\"%s\" sqlite=%d errno=%d msg=\"%s\"", doing, code, why,
           sqlite3_errmsg(db));
    switch (code & 0xFF) {
    case SQLITE_FULL:
        return tb_fail(err, TB_ENOSPACE, "the disk is full: %s was not done", doing);
    case SQLITE_IOERR:
        if (why == ENOSPC || why == EDQUOT || why == EFBIG)
            return tb_fail(err, TB_ENOSPACE, "the disk is full: %s was not done", doing);
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: /* readers say it so, after ten seconds of their own */
        return tb_fail(err, TB_EUNREADY,
                       "the database is busy: another process has been writing to it for long");
    case SQLITE_NOMEM:
        return tb_fail(err, TB_ENOMEM, "not enough memory for %s", doing);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return tb_fail(err, TB_EINTERNAL,
                       "%.160s is damaged (%s); restore it from a backup, or move it away and "
                       "make an empty one (touch %.160s) to start with an empty history (the sound "
                       "files beside it are untouched)",
                       path ? path : "the database", sqlite3_errmsg(db), path ? path : "...");
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        if (path && *path && tb_db_access(path, err) != TB_OK) return TB_EINTERNAL;
        break;
    default:
        break;
    }
    return tb_fail(err, TB_EINTERNAL, "the database failed at %s: %s", doing, sqlite3_errmsg(db));
}

static tb_status bind_all(sqlite3 *db, sqlite3_stmt *s, const char *fmt, va_list args, tb_err *err)
{
    int rc = SQLITE_OK;
    for (int i = 1; *fmt && rc == SQLITE_OK; fmt++, i++) {
        if (*fmt == 's') {
            const char *text = va_arg(args, const char *);
            rc = sqlite3_bind_text(s, i, text ? text : "", -1, SQLITE_TRANSIENT);
        } else if (*fmt == 'i') {
            rc = sqlite3_bind_int64(s, i, va_arg(args, int64_t));
        } else if (*fmt == 'f') {
            rc = sqlite3_bind_double(s, i, va_arg(args, double));
        }
    }
    return rc == SQLITE_OK ? TB_OK : tb_db_fail(db, "binding values", err);
}

static tb_status begin(sqlite3 *db, sqlite3_stmt **out, tb_err *err, const char *sql,
                       const char *fmt, va_list args)
{
    sqlite3_stmt *s = NULL;
    *out = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        return tb_db_fail(db, "preparing a statement", err);
    *out = s;
    return bind_all(db, s, fmt, args, err);
}

tb_status tb_db_begin(sqlite3 *db, sqlite3_stmt **out, tb_err *err, const char *sql,
                      const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    tb_status st = begin(db, out, err, sql, fmt, args);
    va_end(args);
    return st;
}

tb_status tb_db_step(sqlite3_stmt *s, bool *row, tb_err *err)
{
    int rc = sqlite3_step(s);
    *row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) return TB_OK;
    sqlite3 *db = sqlite3_db_handle(s);
    return tb_db_fail(db, sqlite3_stmt_readonly(s) ? "reading" : "writing", err);
}

void tb_db_end(sqlite3_stmt *s)
{
    sqlite3_finalize(s); /* its result repeats that of the last step */
}

static tb_status run(sqlite3 *db, tb_err *err, int64_t *value, const char *sql, const char *fmt,
                     va_list args)
{
    sqlite3_stmt *s = NULL;
    bool row = false;
    tb_status st = begin(db, &s, err, sql, fmt, args);
    if (!st) st = tb_db_step(s, &row, err);
    if (!st && row && value) *value = sqlite3_column_int64(s, 0);
    tb_db_end(s);
    return st;
}

tb_status tb_db_run(sqlite3 *db, tb_err *err, const char *sql, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    tb_status st = run(db, err, NULL, sql, fmt, args);
    va_end(args);
    return st;
}

tb_status tb_db_int(sqlite3 *db, int64_t none, int64_t *out, tb_err *err, const char *sql,
                    const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    *out = none;
    tb_status st = run(db, err, out, sql, fmt, args);
    va_end(args);
    return st;
}

void *tb_db_texts(sqlite3_stmt *s, const char **const *fields, int n)
{
    size_t size = 1;
    for (int i = 0; i < n; i++) {
        (void)sqlite3_column_text(s, i); /* as text first: the bytes are counted after that */
        size += (size_t)sqlite3_column_bytes(s, i) + 1;
    }
    char *mem = tb_alloc(size), *p = mem;
    for (int i = 0; i < n; i++) {
        const void *text = sqlite3_column_text(s, i);
        size_t len = (size_t)sqlite3_column_bytes(s, i);
        if (text) memcpy(p, text, len);
        *fields[i] = p;
        p += len + 1;
    }
    return mem;
}

/* ---- connections ---- */

static void log_line(void *self, int code, const char *msg)
{
    (void)self;
    int kind = code & 0xFF;
    /* WAL recovery after a kill is a notice; schema changes by another process are not news. */
    bool news = kind != SQLITE_NOTICE && kind != SQLITE_SCHEMA && kind != SQLITE_BUSY;
    tb_log(news ? TB_WARN : TB_DEBUG, "sqlite", "code=%d msg=\"%s\"", code, msg);
}

static void configure(void)
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

/* ---- open and close ---- */

static tb_status mark_missing(tb_store *store, const char *select, const char *update,
                              const char *folder, const char *suffix, tb_err *err)
{
    sqlite3_stmt *s = NULL;
    size_t changed = 0;
    bool row = false;
    tb_status st = tb_store_write(store, err);
    if (st) return st;
    st = tb_db_begin(store->writer, &s, err, select, "");
    while (!st && !(st = tb_db_step(s, &row, err)) && row) {
        const char *name = (const char *)sqlite3_column_text(s, 1);
        if (!name) continue;
        char *path = tb_sprintf("%s/%s%s", folder, name, suffix);
        bool missing = tb_file_plain_size(path) < 0, was = sqlite3_column_int(s, 2) != 0;
        tb_free(path);
        if (missing == was) continue;
        st = tb_db_run(store->writer, err, update, "ii", (int64_t)missing,
                       (int64_t)sqlite3_column_int64(s, 0));
        changed++;
    }
    tb_db_end(s);
    st = tb_store_write_end(store, st, err);
    if (!st && changed)
        tb_log(TB_WARN, "store", "folder=%s rows_marked=%zu missing_or_back=1", folder, changed);
    return st;
}

tb_status tb_store_place(const char *path, const void *data, size_t size, tb_file_writer *w,
                         tb_err *err)
{
    char *folder = tb_strdup(path);
    *strrchr(folder, '/') = 0; /* ours are in folders */
    tb_status st = tb_file_begin(w, folder, err);
    if (!st) st = tb_file_append(w, data, size, err);
    if (!st) st = tb_file_place(w, path, err);
    tb_free(folder);
    return st;
}

struct folder {
    tb_store *store;
    const char *name;
};

/* A file that was placed when its writer died: it is wanted when its row was written. */
static bool has_row(void *self, const char *name)
{
    const struct folder *f = self;
    bool known = true;
    tb_err err = {0};
    if (tb_store_is_known(f->store->writer, f->name, name, &known, &err)) return true;
    if (!known) tb_log(TB_INFO, "store", "folder=%s removed=%s was=unfinished", f->name, name);
    return known;
}

static tb_status take_over(tb_store *store, int64_t started_us, tb_err *err)
{
    struct folder voices = {store, "voices"}, clips = {store, "clips"},
                  prompts = {store, "prompts"};
    size_t swept = tb_file_sweep(store->data, started_us);
    swept += tb_file_sweep_placed(store->voices, started_us, has_row, &voices);
    swept += tb_file_sweep_placed(store->clips, started_us, has_row, &clips);
    swept += tb_file_sweep_placed(store->prompts, started_us, has_row, &prompts);
    if (swept) tb_log(TB_INFO, "store", "temporary_files_removed=%zu", swept);
    tb_status st = tb_store_write(store, err);
    if (st) return st;
    st = tb_db_run(store->writer, err,
                   "UPDATE jobs SET state='interrupted', ended_us=? "
                   "WHERE state IN ('queued', 'running')",
                   "i", started_us);
    if (!st) st = tb_store_settle_clock(store, true, err);
    if (!st) st = tb_store_jobs_prune(store, err);
    if (!st) st = tb_store_prompts_prune(store, err);
    st = tb_store_write_end(store, st, err);
    if (!st)
        st = mark_missing(store, "SELECT seq, filename, missing FROM history",
                          "UPDATE history SET missing=? WHERE seq=?", store->clips, "", err);
    if (!st)
        st = mark_missing(store, "SELECT rowid, uuid, missing FROM voices",
                          "UPDATE voices SET missing=? WHERE rowid=?", store->voices, ".wav", err);
    if (!st) tb_store_trash_empty(store);
    return st;
}

tb_status tb_store_open(const char *data_dir, bool exclusive, tb_store **out, tb_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int64_t started_us = tb_clock_now_us();
    pthread_once(&once, configure);
    tb_store *store = tb_alloc(sizeof *store);
    tb_status st;
    store->lock_fd = -1;
    pthread_mutex_init(&store->write_lock, NULL);
    pthread_mutex_init(&store->pool_lock, NULL);
    pthread_mutex_init(&store->late_lock, NULL);
    store->data = tb_strdup(data_dir);
    store->db_path = tb_path_join(data_dir, "timbre.db");
    store->voices = tb_path_join(data_dir, "voices");
    store->clips = tb_path_join(data_dir, "clips");
    store->prompts = tb_path_join(data_dir, "prompts");

    st = tb_store_access(store, err);
    if (!st) st = tb_file_mkdirs(store->voices, 0700, err);
    if (!st) st = tb_file_mkdirs(store->clips, 0700, err);
    if (!st) st = tb_file_mkdirs(store->prompts, 0700, err);
    if (st) goto out;
    if (exclusive) {
        char *path = tb_path_join(data_dir, "lock");
        st = tb_file_lock(path, &store->lock_fd, err);
        tb_free(path);
        if (st == TB_ECONFLICT)
            st = tb_fail(err, TB_ECONFLICT,
                         "another timbre serves %s already: stop it, or give this one another "
                         "folder with --data",
                         data_dir);
        if (st) goto out;
    }
    st = tb_store_check_files(store, err);
    if (!st) st = tb_store_check_lost(store, err);
    if (!st) tb_store_make_private(store);
    if (!st) st = tb_db_connect(store, true, &store->writer, err);
    if (!st) st = tb_store_migrate(store, err);
    if (!st && exclusive) st = take_over(store, started_us, err);
    if (st) goto out;
    *out = store;
    store = NULL;
out:
    tb_store_close(store);
    return st;
}

void tb_store_close(tb_store *store)
{
    if (!store) return;
    while (store->idle_n > 0)
        sqlite3_close(store->idle[--store->idle_n]);
    sqlite3_close(store->looker);
    sqlite3_close(store->writer);
    if (store->lock_fd >= 0) close(store->lock_fd);
    pthread_mutex_destroy(&store->write_lock);
    pthread_mutex_destroy(&store->pool_lock);
    tb_store_late_free(store);
    pthread_mutex_destroy(&store->late_lock);
    tb_free(store->data);
    tb_free(store->db_path);
    tb_free(store->voices);
    tb_free(store->clips);
    tb_free(store->prompts);
    tb_free(store);
}

const char *tb_store_data_dir(const tb_store *store)
{
    return store->data;
}
