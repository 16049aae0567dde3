#include "base/clock.h"
#include "base/cond.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store_priv.h"

#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/*
 * The store is opened: folders and database made private, the schema brought up to date, what a
 * kill left behind taken over or swept, rows whose file is gone marked. Then closed.
 */

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
    if (!st) st = tb_store_aging_clock_advance(store, true, err);
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

static tb_status still_held(const tb_store *store, tb_err *err)
{
    return tb_fail(err, TB_EUNREADY,
                   "%.200s is held by another program, and did not become free in %d s: close what "
                   "holds it (a database viewer, an sqlite3 shell, a backup, another timbre "
                   "command), then start again",
                   store->db_path, TB_STORE_OPEN_MS / 1000);
}

/* Less than the database's log and its index need at the start. */
static bool is_full(const tb_store *store)
{
    enum { NEEDED = 1 << 20 };
    struct statvfs disk;
    return statvfs(store->data, &disk) == 0 &&
           (uint64_t)disk.f_bavail * disk.f_frsize < (uint64_t)NEEDED;
}

tb_status tb_store_open(const char *data_dir, bool exclusive, tb_store **out, tb_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int64_t started_us = tb_clock_now_us();
    pthread_once(&once, tb_db_configure);
    tb_store *store = tb_alloc(sizeof *store);
    tb_status st;
    bool spends = false;
    store->lock_fd = -1;
    pthread_mutex_init(&store->reserve_lock, NULL);
    pthread_mutex_init(&store->write_lock, NULL);
    tb_cond_init(&store->write_free);
    store->opening_ns = tb_clock_mono_ns();
    const int64_t waits = tb_store_wait_within((int64_t)TB_STORE_OPEN_MS * 1000000);
    pthread_mutex_init(&store->pool_lock, NULL);
    pthread_mutex_init(&store->pending_lock, NULL);
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
    spends = !st && is_full(store) && tb_store_reserve_use(store); /* the log needs room to begin */
    if (!st) st = tb_db_connect(store, true, &store->writer, err);
    if (!st) st = tb_store_migrate(store, err);
    if (!st && exclusive) st = take_over(store, started_us, err);
    if (!st && exclusive) tb_store_reserve_init(store);
    if (spends) tb_store_reserve_return(store);
    if (st == TB_EUNREADY) st = still_held(store, err);
    if (st == TB_ENOSPACE)
        st = tb_fail(err, TB_ENOSPACE,
                     "the disk of %.200s is full, also what timbre keeps there for this case (%s): "
                     "make some room there, 4 MB suffice, then start again",
                     store->data, TB_STORE_RESERVE);
    if (st) goto out;
    store->opening_ns = 0;
    *out = store;
    store = NULL;
out:
    tb_store_wait_until(waits);
    tb_store_close(store);
    return st;
}

void tb_store_close(tb_store *store)
{
    if (!store) return;
    if (store->writer && store->pending) { /* the last chance to write the notes */
        atomic_store(&store->stop_waiting, false);
        const int64_t until = tb_store_wait_within((int64_t)500 * 1000000);
        tb_store_pending_write(store);
        tb_store_wait_until(until);
    }
    while (store->idle_n > 0)
        sqlite3_close(store->idle[--store->idle_n]);
    sqlite3_close(store->stats_conn);
    sqlite3_close(store->writer);
    tb_store_reserve_mend(store); /* the log is gone: there may be room */
    pthread_mutex_destroy(&store->reserve_lock);
    if (store->lock_fd >= 0) close(store->lock_fd);
    pthread_mutex_destroy(&store->write_lock);
    pthread_cond_destroy(&store->write_free);
    pthread_mutex_destroy(&store->pool_lock);
    tb_store_pending_free(store);
    pthread_mutex_destroy(&store->pending_lock);
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
