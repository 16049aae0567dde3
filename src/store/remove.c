#include "base/mem.h"
#include "store/store_priv.h"

/*
 * Rows of the history that go, by name or because they are old, and then their files. With room on
 * the disk that is one transaction. On a full one it is done from the reserve (reserve.c), in
 * portions whose files are gone before the next one begins, so that the reserve suffices for any
 * number of rows.
 */
struct where {
    const char *sql; /* a condition with at most one value */
    char kind;       /* of the value: 's', 'i', or 0 for none */
    const char *text;
    int64_t number;
};

struct removal {
    const struct where *all; /* NULL: ids */
    size_t n_all, at_all;
    const char *const *ids;
    size_t n, at; /* of the ids; those before `at` are done */
    size_t gone;
    int64_t left;
};

static tb_status run_where(tb_store *store, const char *sql, const struct where *w, tb_err *err)
{
    if (w->kind == 's') return tb_db_run(store->writer, err, sql, "s", w->text);
    if (w->kind == 'i') return tb_db_run(store->writer, err, sql, "i", w->number);
    return tb_db_run(store->writer, err, sql, "");
}

/* In a write; most: rows, the oldest ones first; 0: all. */
static tb_status delete_where(tb_store *store, const struct where *w, int most, size_t *gone,
                              tb_err *err)
{
    char *some = most ? tb_sprintf("seq IN (SELECT seq FROM history WHERE %s ORDER BY timestamp_us,"
                                   " seq LIMIT %d)",
                                   w->sql, most)
                      : tb_strdup(w->sql);
    char *trash =
        tb_sprintf("INSERT OR IGNORE INTO trash SELECT 'clips', filename FROM history WHERE %s",
                   some);
    char *rows = tb_sprintf("DELETE FROM history WHERE %s", some);
    tb_status st = run_where(store, trash, w, err);
    if (!st) st = run_where(store, rows, w, err);
    if (!st) *gone += (size_t)sqlite3_changes(store->writer);
    tb_free(some);
    tb_free(trash);
    tb_free(rows);
    return st;
}

/* Ends the write of a deletion, and then removes the files. */
static tb_status finish(tb_store *store, tb_status st, int64_t *left, tb_err *err)
{
    if (!st) st = tb_store_prompts_prune(store, err);
    if (!st) st = tb_db_int(store->writer, 0, left, err, "SELECT count(*) FROM history", "");
    st = tb_store_write_end(store, st, err);
    if (!st) tb_store_trash_empty(store);
    return st;
}

static tb_status remove_ids(tb_store *store, void *self, int most, bool *more, tb_err *err)
{
    struct removal *r = self;
    const size_t end = most && r->n - r->at > (size_t)most ? r->at + (size_t)most : r->n;
    size_t gone = 0;
    tb_status st = tb_store_write(store, err);
    if (st) return st;
    for (size_t i = r->at; i < end && !st; i++)
        st = delete_where(store, &(struct where){"id=?", 's', r->ids[i], 0}, 0, &gone, err);
    st = finish(store, st, &r->left, err);
    if (st) return st;
    r->at = end;
    r->gone += gone;
    *more = r->at < r->n;
    return TB_OK;
}

static tb_status remove_where(tb_store *store, void *self, int most, bool *more, tb_err *err)
{
    struct removal *r = self;
    size_t gone = 0, next = r->at_all;
    tb_status st = tb_store_write(store, err);
    if (st) return st;
    while (next < r->n_all && !st && (!most || gone == 0)) {
        st = delete_where(store, &r->all[next], most, &gone, err);
        if (!most || gone == 0) next++; /* a portion that found some may have left some */
    }
    st = finish(store, st, &r->left, err);
    if (st) return st;
    r->at_all = next;
    r->gone += gone;
    *more = next < r->n_all;
    return TB_OK;
}

tb_status tb_store_clip_delete(tb_store *store, const char *const *ids, size_t n, size_t *deleted,
                               uint64_t *remaining, tb_err *err)
{
    struct removal r = {.ids = ids, .n = n};
    tb_status st = tb_store_remove(store, remove_ids, &r, err);
    if (!st && deleted) *deleted = r.gone;
    if (!st && remaining) *remaining = (uint64_t)r.left;
    return st;
}

tb_status tb_store_clip_delete_all(tb_store *store, uint64_t *remaining, tb_err *err)
{
    struct removal r = {.all = &(struct where){.sql = "1"}, .n_all = 1};
    tb_status st = tb_store_remove(store, remove_where, &r, err);
    if (!st && remaining) *remaining = (uint64_t)r.left;
    return st;
}

tb_status tb_store_retain(tb_store *store, int64_t max_age_s, uint64_t max_bytes, size_t *deleted,
                          tb_err *err)
{
    /* run: what the clip and all newer ones take; it only grows towards the old ones. */
    static const char too_much[] =
        "seq IN (SELECT seq FROM (SELECT seq, sum(CASE missing WHEN 0 THEN size_bytes ELSE 0 END) "
        "OVER (ORDER BY timestamp_us DESC, seq DESC) AS run FROM history) WHERE run > ?)";
    struct where all[2];
    struct removal r = {.all = all};
    if (deleted) *deleted = 0;
    const int64_t now_us = tb_store_aging_now_us(store);
    /* An age longer than the calendar keeps everything. */
    const int64_t age_us = max_age_s > now_us / 1000000 ? now_us : max_age_s * 1000000;
    if (max_age_s > 0)
        all[r.n_all++] = (struct where){"timestamp_us < ?", 'i', NULL, now_us - age_us};
    if (max_bytes > 0)
        all[r.n_all++] = (struct where){too_much, 'i', NULL,
                                        max_bytes > INT64_MAX ? INT64_MAX : (int64_t)max_bytes};
    if (r.n_all == 0) return TB_OK;
    tb_status st = tb_store_remove(store, remove_where, &r, err);
    if (deleted) *deleted = r.gone;
    return st;
}
