#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store_priv.h"

#include <string.h>
#include <time.h>

/*
 * The time by which things grow old. A clock that is set forward by mistake (a dead battery, a
 * wrong time server) must not take the history along: the settled time goes on at the pace of this
 * machine and follows the clock only when that has stood where it stands for a while. The time
 * since the last run is not known, so a start waits an hour; a jump under our eyes a day.
 *
 * And the ends of jobs that could not be written, because the disk was full: told from here, and
 * written when there is room again.
 */
enum { LATE_MAX = 1000, JOBS_MAX = 10000 };
static const int64_t second = 1000000, hour = 3600 * (int64_t)1000000, day = 24 * hour;

void tb_settle(tb_settled *s, int64_t wall_us, int64_t elapsed_us)
{
    const int64_t gone = elapsed_us > 0 ? elapsed_us : 0;
    if (s->clock_us == 0) s->clock_us = wall_us;
    s->clock_us += gone;
    if (wall_us <= s->clock_us + hour) {
        *s = (tb_settled){.clock_us = wall_us};
        return;
    }
    if (!s->hold_us) s->hold_us = elapsed_us < 0 ? hour : day;
    s->held_us += gone;
    if (s->held_us >= s->hold_us) *s = (tb_settled){.clock_us = wall_us};
}

/* Of this machine, sleep counted where the system can tell. */
static int64_t machine_us(void)
{
#ifdef CLOCK_BOOTTIME
    struct timespec t;
    if (clock_gettime(CLOCK_BOOTTIME, &t) == 0)
        return (int64_t)t.tv_sec * second + t.tv_nsec / 1000;
#endif
    return tb_clock_mono_ns() / 1000;
}

static tb_status read_fact(tb_store *store, const char *name, int64_t *value, tb_err *err)
{
    return tb_db_int(store->writer, *value, value, err, "SELECT value FROM facts WHERE name=?", "s",
                     name);
}

static tb_status keep_fact(tb_store *store, const char *name, int64_t value, tb_err *err)
{
    return tb_db_run(store->writer, err, "INSERT OR REPLACE INTO facts VALUES(?, ?)", "si", name,
                     value);
}

/* What was the time when somebody last wrote? */
static tb_status last_seen(tb_store *store, int64_t *us, tb_err *err)
{
    return tb_db_int(store->writer, 0, us, err,
                     "SELECT max(ifnull((SELECT max(timestamp_us) FROM history), 0),"
                     " ifnull((SELECT max(uploaded_at_us) FROM voices), 0),"
                     " ifnull((SELECT max(created_us) FROM jobs), 0))",
                     "");
}

static tb_status load(tb_store *store, tb_settled *s, tb_err *err)
{
    tb_status st = last_seen(store, &s->clock_us, err);
    if (!st) st = read_fact(store, "clock_us", &s->clock_us, err);
    if (!st) st = read_fact(store, "held_us", &s->held_us, err);
    if (!st) st = read_fact(store, "hold_us", &s->hold_us, err);
    return st;
}

static tb_status save(tb_store *store, const tb_settled *s, tb_err *err)
{
    tb_status st = keep_fact(store, "clock_us", s->clock_us, err);
    if (!st) st = keep_fact(store, "held_us", s->held_us, err);
    if (!st) st = keep_fact(store, "hold_us", s->hold_us, err);
    if (!st) store->saved = *s;
    return st;
}

/* In a write. The file is written every ten minutes at most, and when something began or ended. */
tb_status tb_store_settle_clock(tb_store *store, bool first, tb_err *err)
{
    const int64_t machine = machine_us(), wall = tb_clock_now_us();
    tb_settled *s = &store->settled;
    tb_status st = first ? load(store, s, err) : TB_OK;
    if (st) return st;
    const bool held = s->hold_us != 0;
    tb_settle(s, wall, first ? -1 : machine - store->machine_us);
    store->machine_us = machine;
    atomic_store(&store->lag_us, s->hold_us ? wall - s->clock_us : 0);
    if (s->hold_us && !held)
        tb_log(
            TB_WARN, "store",
            "clock=ahead by_s=%lld removes=nothing for_s=%lld why=\"the clock is later than when "
            "it was last looked at; if it is right, nothing need be done\"",
            (long long)((wall - s->clock_us) / second), (long long)(s->hold_us / second));
    const bool far = s->clock_us - store->saved.clock_us > hour / 6;
    return first || far || held != (s->hold_us != 0) ? save(store, s, err) : TB_OK;
}

int64_t tb_store_settled_us(tb_store *store)
{
    return tb_clock_now_us() - atomic_load(&store->lag_us);
}

/* ---- jobs ---- */

struct tb_late {
    struct tb_late *next;
    char *id, *state, *error, *clip_id;
    int64_t ended_us;
};

static void free_late(struct tb_late *late)
{
    tb_free(late->id);
    tb_free(late->state);
    tb_free(late->error);
    tb_free(late->clip_id);
    tb_free(late);
}

void tb_store_late_add(tb_store *store, const char *id, const char *state, const char *error,
                       const char *clip_id)
{
    struct tb_late *late = tb_alloc(sizeof *late), *oldest = NULL;
    *late = (struct tb_late){.id = tb_strdup(id),
                             .state = tb_strdup(state),
                             .error = tb_strdup(error),
                             .clip_id = tb_strdup(clip_id),
                             .ended_us = tb_clock_now_us()};
    pthread_mutex_lock(&store->late_lock);
    struct tb_late **end = &store->late;
    while (*end)
        end = &(*end)->next;
    *end = late;
    if (++store->n_late > LATE_MAX) {
        oldest = store->late;
        store->late = oldest->next;
        store->n_late--;
    }
    pthread_mutex_unlock(&store->late_lock);
    if (oldest) free_late(oldest);
}

void tb_store_late_look(tb_store *store, tb_job_row *row)
{
    pthread_mutex_lock(&store->late_lock);
    for (struct tb_late *l = store->late; l; l = l->next) {
        if (strcmp(l->id, row->id) != 0 || row->ended_us) continue;
        const char *const texts[] = {row->id,
                                     row->user,
                                     l->state,
                                     row->params,
                                     l->error ? l->error : row->error,
                                     l->clip_id ? l->clip_id : row->clip_id};
        const char **const to[] = {&row->id,     &row->user,  &row->state,
                                   &row->params, &row->error, &row->clip_id};
        size_t size = 0;
        for (size_t i = 0; i < 6; i++)
            size += strlen(texts[i]) + 1;
        char *mem = tb_alloc(size), *p = mem;
        for (size_t i = 0; i < 6; i++) {
            size_t n = strlen(texts[i]) + 1;
            memcpy(p, texts[i], n);
            *to[i] = p;
            p += n;
        }
        tb_free(row->mem);
        row->mem = mem;
        row->ended_us = l->ended_us;
        break;
    }
    pthread_mutex_unlock(&store->late_lock);
}

static struct tb_late *take_late(tb_store *store)
{
    pthread_mutex_lock(&store->late_lock);
    struct tb_late *first = store->late;
    if (first) {
        store->late = first->next;
        store->n_late--;
    }
    pthread_mutex_unlock(&store->late_lock);
    return first;
}

/* One that fails again goes to the end of the list. */
static void write_late(tb_store *store)
{
    tb_status st = TB_OK;
    for (int i = 0; i < LATE_MAX && !st; i++) {
        tb_err err = {0};
        struct tb_late *late = take_late(store);
        if (!late) return;
        st = tb_store_job_set(store, late->id, late->state, late->error, late->clip_id, &err);
        if (st == TB_ENOTFOUND || st == TB_ECONFLICT) st = TB_OK; /* nobody asks any more */
        free_late(late);
    }
}

void tb_store_late_free(tb_store *store)
{
    for (struct tb_late *late; (late = take_late(store));)
        free_late(late);
}

/* In a write: what ended a month ago interests nobody. */
tb_status tb_store_jobs_prune(tb_store *store, tb_err *err)
{
    tb_status st =
        tb_db_run(store->writer, err, "DELETE FROM jobs WHERE ended_us > 0 AND ended_us < ?", "i",
                  tb_store_settled_us(store) - 30 * day);
    if (!st)
        st = tb_db_run(store->writer, err,
                       "DELETE FROM jobs WHERE rowid <= (SELECT max(rowid) FROM jobs) - ? "
                       "AND ended_us > 0",
                       "i", (int64_t)JOBS_MAX);
    return st;
}

static tb_status tidy(tb_store *store, void *self, int most, bool *more, tb_err *err)
{
    bool begun = false;
    (void)self;
    (void)most;
    (void)more;
    tb_status st = tb_store_try_write(store, &begun, err);
    if (st || !begun) return st;
    st = tb_store_settle_clock(store, false, err);
    if (!st) st = tb_store_jobs_prune(store, err);
    return tb_store_write_end(store, st, err);
}

tb_status tb_store_tidy(tb_store *store, tb_err *err)
{
    tb_status st = tb_store_remove(store, tidy, NULL, err);
    tb_store_reserve_mend(store);
    if (!st) write_late(store);
    return st;
}
