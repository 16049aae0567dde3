/*
 * Looks for files without rows and rows without files, and counts what is kept.
 *
 * Names in the folders are compared with the database in both directions; problems are reported to
 * the caller, nothing is changed. Figures are recounted only when the database changed. Relies on
 * store_priv.h; SQLite's own lock makes the reads consistent.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/store_priv.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Is there a row for this file of ours? */
tb_status tb_store_is_known(sqlite3 *db, const char *folder, const char *name, bool *known,
                            tb_err *err)
{
    char key[TB_UUID_TEXT] = {0};
    int64_t found = 0;
    tb_status st = TB_OK;
    if (strcmp(folder, "clips") == 0) {
        st = tb_db_int(db, 0, &found, err, "SELECT 1 FROM history WHERE filename=?", "s", name);
    } else if (strcmp(folder, "prompts") == 0) {
        st = tb_db_int(db, 0, &found, err, "SELECT 1 FROM prompts WHERE hash || '.wav'=?", "s",
                       name);
    } else {
        memcpy(key, name, strnlen(name, sizeof key - 1));
        if (strlen(name) > sizeof key && name[sizeof key - 1] == '.' &&
            (strcmp(name + sizeof key - 1, ".wav") == 0 || tb_str_ends(name, ".cache")))
            st = tb_db_int(db, 0, &found, err, "SELECT 1 FROM voices WHERE uuid=?", "s", key);
    }
    *known = found != 0;
    return st;
}

/* Whatever it is; a link that leads nowhere, too. */
static bool is_there(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

static tb_status check_folder(sqlite3 *db, const char *path, const char *folder,
                              tb_store_report report, void *self, tb_err *err)
{
    tb_status st = TB_OK;
    bool waited = false;
    DIR *dir = opendir(path);
    if (!dir) return TB_OK;
    for (struct dirent *e; !st && (e = readdir(dir));) {
        bool known = false;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        char *file = tb_path_join(path, e->d_name);
        if (tb_file_is_temporary(e->d_name)) {
            report(self, TB_STORE_TEMPORARY_FILE, file);
        } else {
            st = tb_store_is_known(db, folder, e->d_name, &known, err);
            if (!st && !known && !waited) {
                /* Beside a running server: between its rename and its row. */
                tb_clock_sleep_ms(200);
                waited = true;
                st = tb_store_is_known(db, folder, e->d_name, &known, err);
            }
            if (!st && !known && is_there(file)) report(self, TB_STORE_UNKNOWN_FILE, file);
        }
        tb_free(file);
    }
    closedir(dir);
    return st;
}

/* Named by us: "<uuid>.wav", "gen_<uuid>.mp3", "<64 hex>.wav". */
static bool is_ours(const char *folder, const char *name)
{
    char uuid[TB_UUID_TEXT] = {0};
    const char *at = tb_str_starts(name, "gen_") ? name + 4 : name;
    if (strcmp(folder, "prompts") == 0)
        return strspn(name, "0123456789abcdef") == TB_HASH_HEX - 1 &&
               strcmp(name + TB_HASH_HEX - 1, ".wav") == 0;
    if (strcmp(folder, "clips") == 0 && at == name) return false;
    memcpy(uuid, at, strnlen(at, sizeof uuid - 1));
    return tb_uuid_valid(uuid) && at[strlen(uuid)] == '.' &&
           (at != name || strcmp(at + strlen(uuid), ".wav") == 0);
}

static size_t count_ours(const char *path, const char *folder)
{
    size_t n = 0;
    DIR *dir = opendir(path);
    if (!dir) return 0;
    for (struct dirent *e; (e = readdir(dir));)
        n += is_ours(folder, e->d_name);
    closedir(dir);
    return n;
}

tb_status tb_store_check_lost(const tb_store *store, tb_err *err)
{
    if (is_there(store->db_path)) return TB_OK;
    size_t voices = count_ours(store->voices, "voices"), clips = count_ours(store->clips, "clips");
    size_t prompts = count_ours(store->prompts, "prompts");
    if (voices + clips + prompts == 0) return TB_OK;
    return tb_fail_field(err, TB_EINTERNAL, "DATA",
                         "%.120s is missing, but what it lists is there: %zu voices and %zu sounds "
                         "in %.120s. Restore it from a backup, or name the right folder with DATA "
                         "or --data; to begin with an empty list on purpose: touch %.120s",
                         store->db_path, voices, clips + prompts, store->data, store->db_path);
}

static tb_status check_rows(sqlite3 *db, const char *sql, const char *folder,
                            tb_store_report report, void *self, tb_err *err)
{
    sqlite3_stmt *s = NULL;
    bool row = false;
    tb_status st = tb_db_begin(db, &s, err, sql, "");
    while (!st && !(st = tb_db_step(s, &row, err)) && row) {
        const char *name = (const char *)sqlite3_column_text(s, 0);
        char *path = tb_path_join(folder, name ? name : "");
        if (tb_file_plain_size(path) < 0) report(self, TB_STORE_MISSING_FILE, path);
        tb_free(path);
    }
    tb_db_end(s);
    return st;
}

tb_status tb_store_check(tb_store *store, tb_store_report report, void *self, tb_err *err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    bool row = false;
    tb_status st = tb_store_reader(store, &db, err);
    if (st) return st;
    st = tb_db_begin(db, &s, err, "PRAGMA quick_check(10)", "");
    while (!st && !(st = tb_db_step(s, &row, err)) && row) {
        const char *said = (const char *)sqlite3_column_text(s, 0);
        if (said && strcmp(said, "ok") != 0) report(self, TB_STORE_DAMAGED, said);
    }
    tb_db_end(s);
    if (!st) st = check_folder(db, store->voices, "voices", report, self, err);
    if (!st) st = check_folder(db, store->clips, "clips", report, self, err);
    if (!st) st = check_folder(db, store->prompts, "prompts", report, self, err);
    if (!st)
        st = check_rows(db, "SELECT uuid || '.wav' FROM voices ORDER BY fold", store->voices,
                        report, self, err);
    if (!st)
        st = check_rows(db, "SELECT filename FROM history ORDER BY seq", store->clips, report, self,
                        err);
    if (!st)
        st = check_rows(db,
                        "SELECT hash || '.wav' FROM prompts WHERE hash IN "
                        "(SELECT prompt_hash FROM history)",
                        store->prompts, report, self, err);
    tb_store_reader_done(store, db);
    return st;
}

static tb_status read_stats(sqlite3 *db, tb_store_figures *out, tb_err *err)
{
    sqlite3_stmt *s = NULL;
    bool row = false;
    tb_status st =
        tb_db_begin(db, &s, err,
                    "SELECT (SELECT count(*) FROM voices), count(*), ifnull(sum(missing), 0), "
                    "ifnull(sum(CASE missing WHEN 0 THEN size_bytes ELSE 0 END), 0), "
                    "(SELECT count(*) FROM prompts), (SELECT count(*) FROM jobs), "
                    "(SELECT page_count * page_size FROM pragma_page_count, pragma_page_size) "
                    "FROM history",
                    "");
    if (!st) st = tb_db_step(s, &row, err);
    if (!st && row)
        *out = (tb_store_figures){.voices = (uint64_t)sqlite3_column_int64(s, 0),
                                  .clips = (uint64_t)sqlite3_column_int64(s, 1),
                                  .clips_missing = (uint64_t)sqlite3_column_int64(s, 2),
                                  .clip_bytes = (uint64_t)sqlite3_column_int64(s, 3),
                                  .prompts = (uint64_t)sqlite3_column_int64(s, 4),
                                  .jobs = (uint64_t)sqlite3_column_int64(s, 5),
                                  .db_bytes = (uint64_t)sqlite3_column_int64(s, 6)};
    tb_db_end(s);
    return st;
}

tb_status tb_store_stats(tb_store *store, tb_store_figures *out, tb_err *err)
{
    sqlite3 *db = NULL;
    tb_status st = tb_store_reader(store, &db, err);
    if (st) return st;
    st = read_stats(db, out, err);
    tb_store_reader_done(store, db);
    return st;
}

tb_status tb_store_stats_if_changed(tb_store *store, tb_store_figures *out, bool *changed,
                                    tb_err *err)
{
    int64_t version = 0;
    tb_status st = TB_OK;
    *changed = false;
    if (!store->stats_conn) {
        st = tb_db_connect(store, false, &store->stats_conn, err);
        store->seen_version = -1;
    }
    /* Changes when another connection has committed; this one never writes. */
    if (!st) st = tb_db_int(store->stats_conn, 0, &version, err, "PRAGMA data_version", "");
    if (st || version == store->seen_version) return st;
    st = read_stats(store->stats_conn, out, err);
    if (st) return st;
    store->seen_version = version;
    *changed = true;
    return TB_OK;
}
