#include "base/log.h"
#include "base/mem.h"
#include "store/store_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/*
 * Statements: prepared, bound by a format, stepped, and the errors of SQLite as sentences for a
 * person.
 */

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
    case SQLITE_PROTOCOL: /* readers say it so, after a hundred tries of their own */
        return tb_fail(err, TB_EUNREADY, TB_STORE_BUSY);
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
