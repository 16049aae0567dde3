#include "base/clock.h"
#include "base/mem.h"
#include "store/store_priv.h"

#include <string.h>

void tb_job_row_clear(tb_job_row *row)
{
    if (!row) return;
    tb_free(row->mem);
    *row = (tb_job_row){0};
}

static bool is_end(const char *state)
{
    return strcmp(state, "queued") != 0 && strcmp(state, "running") != 0;
}

static bool is_state(const char *state)
{
    static const char *const all[] = {"queued", "running",   "finished",
                                      "failed", "cancelled", "interrupted"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(state, all[i]) == 0) return true;
    return false;
}

tb_status tb_store_job_insert(tb_store *store, const tb_job_row *row, tb_err *err)
{
    tb_status st = tb_store_write(store, err);
    if (st) return st;
    st = tb_db_run(store->writer, err,
                   "INSERT INTO jobs(id, user, state, params, error, clip_id, created_us, "
                   "ended_us) VALUES(?,?,?,?,?,?,?,?)",
                   "ssssssii", row->id, row->user, row->state, row->params, row->error,
                   row->clip_id, row->created_us, row->ended_us);
    return tb_store_write_end(store, st, err);
}

tb_status tb_store_job_add(tb_store *store, const tb_job_row *row, tb_err *err)
{
    tb_job_row job = *row;
    if (!job.state) job.state = "queued";
    if (!job.created_us) job.created_us = tb_clock_now_us();
    if (!is_state(job.state))
        return tb_fail(err, TB_EINTERNAL, "no job state is called %s", job.state);
    tb_status st = tb_store_job_insert(store, &job, err);
    if (st && st != TB_EINTERNAL) tb_store_pending_row(store, &job);
    return st;
}

static tb_status find(sqlite3 *db, const char *id, tb_job_row *r, tb_err *err)
{
    const char **const fields[] = {&r->id, &r->user, &r->state, &r->params, &r->error, &r->clip_id};
    enum { N = sizeof fields / sizeof fields[0] };
    sqlite3_stmt *s = NULL;
    bool row = false;
    tb_status st = tb_db_begin(db, &s, err,
                               "SELECT id, user, state, params, error, clip_id, created_us, "
                               "ended_us FROM jobs WHERE id=?",
                               "s", id);
    if (!st) st = tb_db_step(s, &row, err);
    if (!st && row) {
        r->mem = tb_db_texts(s, fields, N);
        r->created_us = sqlite3_column_int64(s, N);
        r->ended_us = sqlite3_column_int64(s, N + 1);
    }
    tb_db_end(s);
    if (!st && !row) st = tb_fail_field(err, TB_ENOTFOUND, "job_id", "Job not found");
    return st;
}

tb_status tb_store_job_get(tb_store *store, const char *id, tb_job_row *out, tb_err *err)
{
    sqlite3 *db = NULL;
    tb_status st = tb_store_reader(store, &db, err);
    if (st) return st;
    st = find(db, id, out, err);
    if ((!st || st == TB_ENOTFOUND) && tb_store_pending_merge(store, id, out))
        st = TB_OK;
    else if (st == TB_ENOTFOUND)
        st = find(db, id, out, err); /* the note was written between the two */
    tb_store_reader_done(store, db);
    return st;
}

tb_status tb_store_job_update(tb_store *store, const tb_job_row *end, tb_err *err)
{
    tb_job_row old = {0};
    tb_status st = tb_store_write(store, err);
    if (st) return st;
    st = find(store->writer, end->id, &old, err);
    if (!st && is_end(old.state))
        st = tb_fail_field(err, TB_ECONFLICT, "job_id", "the job is %s already", old.state);
    if (!st)
        st = tb_db_run(store->writer, err,
                       "UPDATE jobs SET state=?, error=?, clip_id=?, ended_us=? WHERE id=?",
                       "sssis", end->state, end->error ? end->error : old.error,
                       end->clip_id ? end->clip_id : old.clip_id, end->ended_us, end->id);
    st = tb_store_write_end(store, st, err);
    tb_job_row_clear(&old);
    return st;
}

tb_status tb_store_job_set(tb_store *store, const char *id, const char *state, const char *error,
                           const char *clip_id, tb_err *err)
{
    if (!is_state(state)) return tb_fail(err, TB_EINTERNAL, "no job state is called %s", state);
    const tb_job_row end = {.id = id,
                            .state = state,
                            .error = error,
                            .clip_id = clip_id,
                            .ended_us = is_end(state) ? tb_clock_now_us() : 0};
    if (tb_store_pending_change(store, &end)) return TB_OK;
    tb_status st = tb_store_job_update(store, &end, err);
    if (st && st != TB_ECONFLICT && st != TB_ENOTFOUND && is_end(state))
        tb_store_pending_end(store, &end); /* a full disk must not hide it */
    return st;
}
