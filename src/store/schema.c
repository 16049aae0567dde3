#include "base/mem.h"
#include "store/store_priv.h"

#include <sys/stat.h>

/*
 * The tables, and whether what lies in the data folder has them all. Asked at the start, so that a
 * person hears which file is wrong and what to do, instead of an error of SQL at some later
 * request.
 */

/* Migration k brings user_version k to k + 1. Rows are never edited once released: a change of the
 * schema is a new row. */
static const char *const migrations[] = {
    /* 0 -> 1: voices, history, jobs */
    "CREATE TABLE voices("
    " uuid TEXT PRIMARY KEY, name TEXT NOT NULL, fold TEXT NOT NULL UNIQUE,"
    " language TEXT NOT NULL, region TEXT NOT NULL, gender TEXT NOT NULL,"
    " description TEXT NOT NULL, model TEXT NOT NULL, uploaded_by TEXT NOT NULL,"
    " uploaded_at_us INTEGER NOT NULL, content_hash TEXT NOT NULL, seconds REAL NOT NULL,"
    " warnings TEXT NOT NULL, missing INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TABLE history("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " filename TEXT NOT NULL UNIQUE, text TEXT NOT NULL, voice_used TEXT NOT NULL,"
    " mode TEXT NOT NULL, language_id TEXT NOT NULL, timestamp_us INTEGER NOT NULL,"
    " user TEXT NOT NULL, job_id TEXT NOT NULL, engine TEXT NOT NULL, seed INTEGER NOT NULL,"
    " params TEXT NOT NULL, prompt_hash TEXT NOT NULL, format TEXT NOT NULL,"
    " content_type TEXT NOT NULL, duration_s REAL NOT NULL, size_bytes INTEGER NOT NULL,"
    " missing INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX history_time ON history(timestamp_us, seq);"
    "CREATE INDEX history_prompt ON history(prompt_hash) WHERE prompt_hash <> '';"
    "CREATE TABLE jobs("
    " id TEXT PRIMARY KEY, user TEXT NOT NULL, state TEXT NOT NULL,"
    " created_us INTEGER NOT NULL, ended_us INTEGER NOT NULL DEFAULT 0, params TEXT NOT NULL,"
    " error TEXT NOT NULL DEFAULT '', clip_id TEXT NOT NULL DEFAULT '') STRICT;"
    "CREATE INDEX jobs_state ON jobs(state);",
    /* 1 -> 2: search, prompts, the trash, imports */
    "CREATE VIRTUAL TABLE history_fts USING fts5(text, voice_used, content='history',"
    " content_rowid='seq', tokenize='unicode61 remove_diacritics 2');"
    "CREATE TRIGGER history_added AFTER INSERT ON history BEGIN"
    " INSERT INTO history_fts(rowid, text, voice_used)"
    "  VALUES(new.seq, new.text, new.voice_used); END;"
    "CREATE TRIGGER history_gone AFTER DELETE ON history BEGIN"
    " INSERT INTO history_fts(history_fts, rowid, text, voice_used)"
    "  VALUES('delete', old.seq, old.text, old.voice_used); END;"
    "INSERT INTO history_fts(history_fts) VALUES('rebuild');"
    "CREATE TABLE prompts("
    " hash TEXT PRIMARY KEY, used_us INTEGER NOT NULL, pending INTEGER NOT NULL) STRICT;"
    "CREATE TABLE trash(folder TEXT NOT NULL, name TEXT NOT NULL,"
    " PRIMARY KEY(folder, name)) STRICT;"
    "CREATE TABLE imports(source TEXT PRIMARY KEY, at_us INTEGER NOT NULL, taken INTEGER NOT NULL,"
    " skipped INTEGER NOT NULL) STRICT;",
    /* 2 -> 3: how words are said */
    "CREATE TABLE pronunciations("
    " key TEXT NOT NULL, language TEXT NOT NULL, word TEXT NOT NULL, say TEXT NOT NULL,"
    " PRIMARY KEY(key, language)) STRICT;",
    /* 3 -> 4: names in one Unicode form. Of two voices that are one name now, the second one gets
     * the beginning of its uuid behind its own. */
    "UPDATE OR IGNORE voices SET fold=tb_voice_fold(name);"
    "UPDATE voices SET name=name || ' ' || substr(uuid, 1, 8),"
    " fold=tb_voice_fold(name || ' ' || substr(uuid, 1, 8)) WHERE fold<>tb_voice_fold(name);",
    /* 4 -> 5: notes have a bound; numbers that outlive the process */
    "UPDATE voices SET language=substr(language, 1, 100), region=substr(region, 1, 100),"
    " gender=substr(gender, 1, 100), model=substr(model, 1, 100),"
    " description=substr(description, 1, 2000) WHERE length(description) > 2000"
    " OR max(length(language), length(region), length(gender), length(model)) > 100;"
    "CREATE TABLE IF NOT EXISTS facts(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;",
};
enum { SCHEMA = sizeof migrations / sizeof migrations[0] };

static void sql_voice_fold(sqlite3_context *context, int n, sqlite3_value **args)
{
    const char *name = (const char *)sqlite3_value_text(args[0]);
    (void)n;
    sqlite3_result_text(context, name ? tb_voice_fold(name) : NULL, -1, tb_free);
}

/* What migrations call. */
static tb_status add_functions(sqlite3 *db, tb_err *err)
{
    if (sqlite3_create_function(db, "tb_voice_fold", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
                                sql_voice_fold, NULL, NULL) == SQLITE_OK)
        return TB_OK;
    return tb_db_fail(db, "opening it", err);
}

static tb_status migrate(tb_store *store, tb_err *err)
{
    int64_t version = 0;
    tb_status st = add_functions(store->writer, err);
    if (!st) st = tb_db_int(store->writer, 0, &version, err, "PRAGMA user_version", "");
    if (st) return st;
    if (version > SCHEMA || version < 0)
        return tb_fail(err, TB_EINTERNAL,
                       "%s was written by a newer timbre (schema %lld, this one knows %d): start "
                       "the newer program, or another DATA folder",
                       store->db_path, (long long)version, (int)SCHEMA);
    while (version < SCHEMA) {
        st = tb_store_write(store, err);
        if (st) return st;
        /* Another process may have done it while we waited for the lock. */
        st = tb_db_int(store->writer, 0, &version, err, "PRAGMA user_version", "");
        if (!st && version < SCHEMA) {
            char *bump = tb_sprintf("PRAGMA user_version=%d", (int)version + 1);
            if (sqlite3_exec(store->writer, migrations[version], NULL, NULL, NULL) != SQLITE_OK ||
                sqlite3_exec(store->writer, bump, NULL, NULL, NULL) != SQLITE_OK)
                st = tb_db_fail(store->writer, "bringing the schema up to date", err);
            tb_free(bump);
            version++;
        }
        st = tb_store_write_end(store, st, err);
        if (st) return st;
    }
    return TB_OK;
}

/* ---- is all there? ---- */

/* Looked at once: another process may make or remove the file meanwhile. Absent is fine. */
static tb_status is_file(const char *path, const char *suffix, tb_err *err)
{
    struct stat info;
    char *name = tb_sprintf("%s%s", path, suffix);
    tb_status st = TB_OK;
    if (lstat(name, &info) != 0) goto out;
    if (S_ISLNK(info.st_mode) && stat(name, &info) != 0)
        st = tb_fail(err, TB_EINTERNAL,
                     "%s is a link that leads to no file: is a disk not mounted? Mend the link, or "
                     "move it away and start again",
                     name);
    else if (!S_ISREG(info.st_mode))
        st =
            tb_fail(err, TB_EINTERNAL, "%s is %s, but must be a file: move it away and start again",
                    name, S_ISDIR(info.st_mode) ? "a folder" : "not a regular file");
out:
    tb_free(name);
    return st;
}

tb_status tb_store_check_files(const tb_store *store, tb_err *err)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    tb_status st = TB_OK;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0] && !st; i++)
        st = is_file(store->db_path, suffixes[i], err);
    return st;
}

static tb_status lost(const tb_store *store, const char *type, const char *name, const char *of,
                      tb_err *err)
{
    return tb_fail(
        err, TB_EINTERNAL,
        "%.160s is damaged: the %s %s%s%s is gone from it. Restore it from a backup, or move it "
        "away and make an empty one (touch %.160s) to start with an empty history (the sound files "
        "beside it are untouched)",
        store->db_path, type, name, of ? " of " : "", of ? of : "", store->db_path);
}

/* Every column that the table should have. */
static tb_status check_columns(tb_store *store, sqlite3 *model, const char *table, tb_err *err)
{
    sqlite3_stmt *s = NULL;
    bool row = false;
    tb_status st = tb_db_begin(model, &s, err, "SELECT name FROM pragma_table_info(?)", "s", table);
    while (!st && !(st = tb_db_step(s, &row, err)) && row) {
        const char *column = (const char *)sqlite3_column_text(s, 0);
        int64_t there = 0;
        st = tb_db_int(store->writer, 0, &there, err,
                       "SELECT 1 FROM pragma_table_info(?) WHERE name=?", "ss", table, column);
        if (!st && !there) st = lost(store, "column", column, table, err);
    }
    tb_db_end(s);
    return st;
}

static tb_status compare(tb_store *store, sqlite3 *model, tb_err *err)
{
    sqlite3_stmt *s = NULL;
    bool row = false;
    tb_status st = tb_db_begin(model, &s, err,
                               "SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL", "");
    while (!st && !(st = tb_db_step(s, &row, err)) && row) {
        const char *type = (const char *)sqlite3_column_text(s, 0);
        const char *name = (const char *)sqlite3_column_text(s, 1);
        int64_t there = 0;
        st = tb_db_int(store->writer, 0, &there, err,
                       "SELECT 1 FROM sqlite_master WHERE type=? AND name=?", "ss", type, name);
        if (!st && !there) st = lost(store, type, name, NULL, err);
        if (!st && type[0] == 't' && type[1] == 'a') st = check_columns(store, model, name, err);
    }
    tb_db_end(s);
    return st;
}

/* Against a fresh one that is made in memory. */
static tb_status check_schema(tb_store *store, tb_err *err)
{
    sqlite3 *model = NULL;
    tb_status st = TB_OK;
    if (sqlite3_open(":memory:", &model) != SQLITE_OK)
        st = tb_fail(err, TB_ENOMEM, "not enough memory to look at %s", store->db_path);
    if (!st) st = add_functions(model, err);
    for (size_t i = 0; !st && i < (size_t)SCHEMA; i++)
        if (sqlite3_exec(model, migrations[i], NULL, NULL, NULL) != SQLITE_OK)
            st = tb_db_fail(model, "making a schema to compare with", err);
    if (!st) st = compare(store, model, err);
    sqlite3_close(model);
    return st;
}

tb_status tb_store_migrate(tb_store *store, tb_err *err)
{
    tb_status st = migrate(store, err);
    return st ? st : check_schema(store, err);
}
