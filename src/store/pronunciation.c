/*
 * The installation's dictionary: rows listed, put, replaced, removed.
 *
 * A row is found by its folded key and language. What a word or a key may be, its callers know
 * (text/lexicon.h). Relies on store_priv.h.
 */
#include "base/mem.h"
#include "store/store_priv.h"

#include <string.h>

void tb_pronunciation_list_clear(tb_pronunciation_list *list)
{
    if (!list) return;
    for (size_t i = 0; i < list->n; i++)
        tb_free(list->rows[i].mem);
    tb_free(list->rows);
    *list = (tb_pronunciation_list){0};
}

tb_status tb_store_pronunciation_list(tb_store *store, tb_pronunciation_list *out, tb_err *err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    bool row = false;
    tb_pronunciation_list list = {.rows = NULL};
    tb_status st = tb_store_reader(store, &db, err);
    if (st) return st;
    list.rows = tb_alloc(TB_STORE_PRONUNCIATIONS * sizeof *list.rows);
    st = tb_db_begin(db, &s, err,
                     "SELECT key, word, say, language FROM pronunciations "
                     "ORDER BY key, language",
                     "");
    while (!st && list.n < TB_STORE_PRONUNCIATIONS && !(st = tb_db_step(s, &row, err)) && row) {
        tb_pronunciation_row *r = &list.rows[list.n++];
        const char **const fields[] = {&r->key, &r->word, &r->say, &r->language};
        r->mem = tb_db_texts(s, fields, 4);
    }
    tb_db_end(s);
    tb_store_reader_done(store, db);
    if (st)
        tb_pronunciation_list_clear(&list);
    else
        *out = list;
    return st;
}

static tb_status insert(tb_store *store, const tb_pronunciation_row *row, tb_err *err)
{
    return tb_db_run(store->writer, err,
                     "INSERT OR REPLACE INTO pronunciations(key, language, word, say) "
                     "VALUES(?,?,?,?)",
                     "ssss", row->key, row->language, row->word, row->say);
}

static tb_status count(tb_store *store, int64_t *n, tb_err *err)
{
    return tb_db_int(store->writer, 0, n, err, "SELECT count(*) FROM pronunciations", "");
}

static tb_status check_count(tb_store *store, tb_err *err)
{
    int64_t n = 0;
    tb_status st = count(store, &n, err);
    if (!st && n > TB_STORE_PRONUNCIATIONS)
        st = tb_fail_field(err, TB_EINVAL, "pronunciations",
                           "the dictionary has %d entries, the most there may be; remove some, or "
                           "send them with the requests that need them",
                           TB_STORE_PRONUNCIATIONS);
    return st;
}

tb_status tb_store_pronunciation_put(tb_store *store, const tb_pronunciation_row *row, tb_err *err)
{
    tb_status st = tb_store_write(store, err);
    if (st) return st;
    st = insert(store, row, err);
    if (!st) st = check_count(store, err);
    return tb_store_write_end(store, st, err);
}

tb_status tb_store_pronunciation_replace(tb_store *store, const tb_pronunciation_row *rows,
                                         size_t n, tb_err *err)
{
    tb_status st = tb_store_write(store, err);
    if (st) return st;
    st = tb_db_run(store->writer, err, "DELETE FROM pronunciations", "");
    for (size_t i = 0; i < n && !st; i++)
        st = insert(store, &rows[i], err);
    if (!st) st = check_count(store, err);
    return tb_store_write_end(store, st, err);
}

struct removal {
    const char *key, *language;
    size_t deleted, remaining;
};

static tb_status remove_some(tb_store *store, void *self, int most, bool *more, tb_err *err)
{
    struct removal *r = self;
    const char *key = r->key, *language = r->language;
    int64_t before = 0, after = 0;
    (void)most;
    (void)more;
    tb_status st = tb_store_write(store, err);
    if (st) return st;
    st = count(store, &before, err);
    if (!st && !key)
        st = tb_db_run(store->writer, err, "DELETE FROM pronunciations", "");
    else if (!st && !language)
        st = tb_db_run(store->writer, err, "DELETE FROM pronunciations WHERE key=?", "s", key);
    else if (!st)
        st = tb_db_run(store->writer, err, "DELETE FROM pronunciations WHERE key=? AND language=?",
                       "ss", key, language);
    if (!st) st = count(store, &after, err);
    st = tb_store_write_end(store, st, err);
    r->deleted = (size_t)(before - after);
    r->remaining = (size_t)after;
    return st;
}

tb_status tb_store_pronunciation_delete(tb_store *store, const char *key, const char *language,
                                        size_t *deleted, size_t *remaining, tb_err *err)
{
    struct removal r = {.key = key, .language = language};
    tb_status st = tb_store_remove(store, remove_some, &r, err);
    *deleted = r.deleted;
    *remaining = r.remaining;
    return st;
}
