/*
 * Rows of clips: inserted, read, searched, listed by pages, deleted, retained.
 *
 * A search splits words and matches them all; scripts without blanks are matched as they run. Pages
 * are continued by a cursor of time and number, so rows that come meanwhile do not move them.
 * Deleting puts files into the trash within the same transaction. Relies on store_priv.h.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "store/store_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS                                                                                   \
    "h.id, h.text, h.filename, h.voice_used, h.mode, h.language_id, h.user, h.job_id, h.engine, " \
    "h.params, h.prompt_hash, h.format, h.content_type, h.timestamp_us, h.seed, h.duration_s, "   \
    "h.size_bytes, h.missing, h.seq"

void tb_clip_row_clear(tb_clip_row *row)
{
    if (!row) return;
    tb_free(row->mem);
    *row = (tb_clip_row){0};
}

void tb_clip_list_clear(tb_clip_list *list)
{
    if (!list) return;
    for (size_t i = 0; i < list->n; i++)
        tb_clip_row_clear(&list->rows[i]);
    tb_free(list->rows);
    *list = (tb_clip_list){0};
}

/* bytes (may be NULL): those of its strings are added. The text is as large as a request made it:
 * TB_ENOMEM when SQLite or we have no room for it. */
static tb_status read_row(sqlite3_stmt *s, tb_clip_row *r, int64_t *seq, size_t *bytes, tb_err *err)
{
    enum { TEXT = 1, REST = 8192 };
    const char **const fields[] = {&r->id,          &r->text,        &r->filename,
                                   &r->voice_used,  &r->mode,        &r->language_id,
                                   &r->user,        &r->job_id,      &r->engine,
                                   &r->params,      &r->prompt_hash, &r->format,
                                   &r->content_type};
    enum { N = sizeof fields / sizeof fields[0] };
    const bool has_text = sqlite3_column_type(s, TEXT) != SQLITE_NULL;
    const bool read = !has_text || sqlite3_column_text(s, TEXT);
    const size_t size = (size_t)sqlite3_column_bytes(s, TEXT) + REST;
    if (!read) return tb_nomem(err, size, 1);
    tb_status st = tb_mem_want(size, err);
    if (st) return st;
    r->mem = tb_db_texts(s, fields, N);
    r->timestamp_us = sqlite3_column_int64(s, N);
    r->seed = (uint64_t)sqlite3_column_int64(s, N + 1);
    r->duration_s = sqlite3_column_double(s, N + 2);
    r->size_bytes = (uint64_t)sqlite3_column_int64(s, N + 3);
    r->missing = sqlite3_column_int(s, N + 4) != 0;
    if (seq) *seq = sqlite3_column_int64(s, N + 5);
    for (int i = 0; bytes && i < N; i++)
        *bytes += (size_t)sqlite3_column_bytes(s, i);
    return TB_OK;
}

/* What the table knows of a file is from the last start, or from a download; a look is certain. */
static void look_for_file(const tb_store *store, tb_clip_row *r)
{
    char *path = tb_store_clip_path(store, r->filename);
    r->missing = tb_file_plain_size(path) < 0;
    tb_free(path);
}

tb_status tb_store_clip_insert(tb_store *store, const tb_clip_row *r, tb_err *err)
{
    tb_status st = tb_db_run(
        store->writer, err,
        "INSERT INTO history(id, text, filename, voice_used, mode, language_id, user, job_id, "
        "engine, params, prompt_hash, format, content_type, timestamp_us, seed, duration_s, "
        "size_bytes, missing) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "sssssssssssssiifii", r->id, r->text, r->filename, r->voice_used, r->mode, r->language_id,
        r->user, r->job_id, r->engine, r->params, r->prompt_hash, r->format, r->content_type,
        r->timestamp_us ? r->timestamp_us : tb_clock_now_us(), (int64_t)r->seed, r->duration_s,
        (int64_t)r->size_bytes, (int64_t)r->missing);
    if (!st && r->prompt_hash && *r->prompt_hash)
        st = tb_db_run(store->writer, err,
                       "UPDATE prompts SET pending=max(pending - 1, 0) WHERE hash=?", "s",
                       r->prompt_hash);
    return st;
}

/* ---- one row ---- */

static tb_status get(tb_store *store, const char *where, const char *key, const char *sentence,
                     tb_clip_row *out, tb_err *err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    bool row = false;
    tb_status st = tb_store_reader(store, &db, err);
    if (st) return st;
    char *sql = tb_sprintf("SELECT " COLUMNS " FROM history h WHERE %s", where);
    st = tb_db_begin(db, &s, err, sql, "s", key);
    if (!st) st = tb_db_step(s, &row, err);
    if (!st && row) st = read_row(s, out, NULL, NULL, err);
    if (!st && row) look_for_file(store, out);
    tb_db_end(s);
    tb_store_reader_done(store, db);
    tb_free(sql);
    if (!st && !row) st = tb_fail(err, TB_ENOTFOUND, "%s", sentence);
    return st;
}

tb_status tb_store_clip_get(tb_store *store, const char *id, tb_clip_row *out, tb_err *err)
{
    return get(store, "h.id=?", id, "History item not found", out, err);
}

tb_status tb_store_clip_by_filename(tb_store *store, const char *filename, tb_clip_row *out,
                                    tb_err *err)
{
    return get(store, "h.filename=?", filename, "File not found", out, err);
}

/* ---- search ---- */

/* Scripts written without spaces, where a word of the index may be a whole sentence: they are
 * searched as pieces of the text instead. */
static bool runs_together(uint32_t cp)
{
    return (cp >= 0x0E00 && cp < 0x0F00) || (cp >= 0x1000 && cp < 0x10A0) ||
           (cp >= 0x1780 && cp < 0x1800) || (cp >= 0x2E80 && cp < 0xAC00) ||
           (cp >= 0xF900 && cp < 0xFB00) || (cp >= 0xFF66 && cp < 0xFFA0) ||
           (cp >= 0x20000 && cp < 0x32000);
}

enum { WORDS_MAX = 64, PIECES_MAX = 8, WORD_BYTES_MAX = 256 };

typedef struct {
    tb_str match;             /* an FTS5 expression, or empty */
    char *pieces[PIECES_MAX]; /* for instr() */
    int words, pieces_n;
    bool asked; /* something that is not white space was there */
} search;

static void add_word(search *f, const char *word, size_t len, bool together)
{
    if (len > WORD_BYTES_MAX) return; /* no such word is worth finding */
    if (together) {
        if (f->pieces_n < PIECES_MAX) f->pieces[f->pieces_n++] = tb_strndup(word, len);
    } else if (f->words < WORDS_MAX) {
        /* Nothing but letters and digits comes here, so nothing in the quotes needs an escape. */
        f->words++;
        tb_str_printf(&f->match, "\"%.*s\"* ", (int)len, word);
    }
}

/* Cuts any text into words of letters and digits, each to be found as the start of a word; the
 * first 64 count. FTS5's own syntax never gets through. */
static void search_init(search *f, const char *q)
{
    size_t len = q ? strlen(q) : 0, start = 0, n;
    bool in_word = false, together = false;
    *f = (search){0};
    tb_str_init(&f->match, WORDS_MAX * (WORD_BYTES_MAX + 8));
    for (size_t i = 0; i < len; i += n) {
        uint32_t cp = tb_utf8_next(q + i, len - i, &n);
        bool word = cp != TB_UTF8_BAD && tb_utf8_is_word(cp);
        if (cp == TB_UTF8_BAD || !tb_utf8_is_space(cp)) f->asked = true;
        if (word && !in_word) {
            start = i;
            together = false;
        }
        if (word) together |= runs_together(cp);
        if (!word && in_word) add_word(f, q + start, i - start, together);
        in_word = word;
    }
    if (in_word) add_word(f, q + start, len - start, together);
}

static void search_clear(search *f)
{
    for (int i = 0; i < f->pieces_n; i++)
        tb_free(f->pieces[i]);
    tb_str_clear(&f->match);
}

/* FROM and WHERE up to and without the cursor. */
static void print_from(tb_str *sql, const search *f, const tb_clip_query *query)
{
    tb_str_puts(sql, " FROM history h WHERE 1");
    if (f->asked && !f->words && !f->pieces_n) tb_str_puts(sql, " AND 0"); /* no word in it */
    if (f->words)
        tb_str_puts(sql, " AND h.seq IN (SELECT rowid FROM history_fts WHERE history_fts MATCH ?)");
    for (int i = 0; i < f->pieces_n; i++)
        tb_str_puts(sql, " AND instr(h.text || ' ' || h.voice_used, ?) > 0");
    if (query->user) tb_str_puts(sql, " AND h.user = ?");
}

static bool bind_text(sqlite3_stmt *s, int *i, const char *text)
{
    return sqlite3_bind_text(s, (*i)++, text, -1, SQLITE_STATIC) == SQLITE_OK;
}

static tb_status prepare(sqlite3 *db, const tb_str *sql, const search *f,
                         const tb_clip_query *query, sqlite3_stmt **s, int *i, tb_err *err)
{
    tb_status st = tb_db_begin(db, s, err, sql->data, "");
    if (st) return st;
    bool ok = true;
    *i = 1;
    if (f->words) ok = bind_text(*s, i, f->match.data);
    for (int k = 0; k < f->pieces_n; k++)
        ok = ok && bind_text(*s, i, f->pieces[k]);
    if (query->user) ok = ok && bind_text(*s, i, query->user);
    return ok ? TB_OK : tb_db_fail(db, "binding values", err);
}

/* "<time>-<seq>" in hexadecimal: clients take it as it is. */
static bool parse_cursor(const char *text, int64_t *time_us, int64_t *seq)
{
    char *end;
    size_t len = strlen(text), dash = strspn(text, "0123456789abcdef");
    if (dash < 1 || dash > 15 || text[dash] != '-') return false;
    size_t rest = strspn(text + dash + 1, "0123456789abcdef");
    if (rest < 1 || rest > 15 || dash + 1 + rest != len) return false;
    *time_us = (int64_t)strtoull(text, &end, 16);
    *seq = (int64_t)strtoull(text + dash + 1, &end, 16);
    return true;
}

static tb_status list_rows(sqlite3_stmt *s, const tb_clip_query *query, tb_clip_list *list,
                           tb_err *err)
{
    size_t cap = 0, bytes = 0;
    int64_t seq = 0;
    bool row = false;
    tb_status st = TB_OK;
    while (!(st = tb_db_step(s, &row, err)) && row) {
        if (list->n && ((query->limit && list->n == query->limit) ||
                        (query->bytes_max && bytes >= query->bytes_max))) {
            /* there is one more: another page */
            const tb_clip_row *last = &list->rows[list->n - 1];
            int64_t us = last->timestamp_us > 0 ? last->timestamp_us : 0;
            snprintf(list->cursor, sizeof list->cursor, "%" PRIx64 "-%" PRIx64, (uint64_t)us,
                     (uint64_t)seq);
            break;
        }
        if (list->n == cap) {
            size_t more = cap ? cap * 2 : 32;
            void *grown = tb_try_realloc(list->rows, more, sizeof *list->rows);
            if (!grown) return tb_nomem(err, more, sizeof *list->rows);
            list->rows = grown;
            cap = more;
        }
        list->rows[list->n] = (tb_clip_row){0};
        st = read_row(s, &list->rows[list->n], &seq, &bytes, err);
        if (st) return st;
        list->n++;
    }
    return st;
}

tb_status tb_store_clip_list(tb_store *store, const tb_clip_query *query, tb_clip_list *out,
                             tb_err *err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    tb_clip_list list = {0};
    tb_str from = {0}, sql = {0};
    int64_t time_us = 0, seq = 0;
    bool paged = query->cursor && *query->cursor, row = false;
    int i = 1;
    search f;
    if (paged && !parse_cursor(query->cursor, &time_us, &seq))
        return tb_fail_field(err, TB_EINVAL, "cursor",
                             "the cursor is not one that this service gave out");
    search_init(&f, query->q);
    tb_str_init(&from, 4096);
    tb_str_init(&sql, 8192);
    print_from(&from, &f, query);
    tb_status st = tb_store_reader(store, &db, err);
    if (st) goto out;
    /* One snapshot for the count and the page. */
    st = tb_db_run(db, err, "BEGIN", "");
    if (st) goto out;

    if (!query->uncounted) {
        tb_str_printf(&sql, "SELECT count(*)%s", from.data);
        st = prepare(db, &sql, &f, query, &s, &i, err);
        if (!st) st = tb_db_step(s, &row, err);
        if (!st) list.total = (uint64_t)sqlite3_column_int64(s, 0);
        tb_db_end(s);
        s = NULL;
        if (st) goto rollback;
        tb_str_clear(&sql);
    }
    tb_str_printf(&sql, "SELECT " COLUMNS "%s", from.data);
    if (paged) tb_str_puts(&sql, " AND (h.timestamp_us, h.seq) < (?, ?)");
    tb_str_puts(&sql, " ORDER BY h.timestamp_us DESC, h.seq DESC LIMIT ?");
    st = prepare(db, &sql, &f, query, &s, &i, err);
    if (st) goto rollback;
    if (paged) {
        sqlite3_bind_int64(s, i++, time_us);
        sqlite3_bind_int64(s, i++, seq);
    }
    /* One more than asked tells whether there is another page; -1 is no limit. */
    sqlite3_bind_int64(s, i,
                       query->limit && query->limit < INT32_MAX ? (int64_t)query->limit + 1 : -1);
    st = list_rows(s, query, &list, err);
rollback:
    tb_db_end(s);
    if (sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK && !st)
        st = tb_db_fail(db, "reading", err);
out:
    if (db) tb_store_reader_done(store, db);
    search_clear(&f);
    tb_str_clear(&from);
    tb_str_clear(&sql);
    for (size_t k = 0; !st && k < list.n; k++)
        look_for_file(store, &list.rows[k]);
    if (st)
        tb_clip_list_clear(&list);
    else
        *out = list;
    return st;
}
