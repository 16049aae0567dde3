/*
 * The aging clock: the time by which stored things grow old and are removed.
 *
 * A system clock that is set forward by mistake (a dead battery, a wrong time server) must not
 * delete the history. So after a jump of more than an hour the aging clock advances at the rate of
 * the monotonic clock, and follows the system clock only when that has kept its new time for a day,
 * or for an hour after a start, when the time since the last run is not known. Its state is kept in
 * the table `facts`. Here is also what is done once a minute by that clock (tb_store_tidy).
 */
#include "base/clock.h"
#include "base/log.h"
#include "store/store_priv.h"

#include <time.h>

enum { JOBS_MAX = 10000 };
static const int64_t second = 1000000, hour = 3600 * (int64_t)1000000, day = 24 * hour;

void tb_aging_clock_advance(tb_aging_clock *s, int64_t wall_us, int64_t elapsed_us)
{
    const int64_t gone = elapsed_us > 0 ? elapsed_us : 0;
    if (s->clock_us == 0) s->clock_us = wall_us;
    s->clock_us += gone;
    if (wall_us <= s->clock_us + hour) {
        *s = (tb_aging_clock){.clock_us = wall_us};
        return;
    }
    if (!s->hold_us) s->hold_us = elapsed_us < 0 ? hour : day;
    s->held_us += gone;
    if (s->held_us >= s->hold_us) *s = (tb_aging_clock){.clock_us = wall_us};
}

/* The monotonic clock, which counts sleep where the system can tell. */
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

static tb_status load(tb_store *store, tb_aging_clock *s, tb_err *err)
{
    tb_status st = last_seen(store, &s->clock_us, err);
    if (!st) st = read_fact(store, "clock_us", &s->clock_us, err);
    if (!st) st = read_fact(store, "held_us", &s->held_us, err);
    if (!st) st = read_fact(store, "hold_us", &s->hold_us, err);
    return st;
}

static tb_status save(tb_store *store, const tb_aging_clock *s, tb_err *err)
{
    tb_status st = keep_fact(store, "clock_us", s->clock_us, err);
    if (!st) st = keep_fact(store, "held_us", s->held_us, err);
    if (!st) st = keep_fact(store, "hold_us", s->hold_us, err);
    if (!st) store->aging_saved = *s;
    return st;
}

/* In a write. The file is written every ten minutes at most, and when something began or ended. */
tb_status tb_store_aging_clock_advance(tb_store *store, bool first, tb_err *err)
{
    const int64_t machine = machine_us(), wall = tb_clock_now_us();
    tb_aging_clock *s = &store->aging;
    tb_status st = first ? load(store, s, err) : TB_OK;
    if (st) return st;
    const bool held = s->hold_us != 0;
    tb_aging_clock_advance(s, wall, first ? -1 : machine - store->machine_us);
    store->machine_us = machine;
    atomic_store(&store->lag_us, s->hold_us ? wall - s->clock_us : 0);
    if (s->hold_us && !held)
        tb_log(
            TB_WARN, "store",
            "clock=ahead by_s=%lld removes=nothing for_s=%lld why=\"the clock is later than when "
            "it was last looked at; if it is right, nothing need be done\"",
            (long long)((wall - s->clock_us) / second), (long long)(s->hold_us / second));
    const bool far = s->clock_us - store->aging_saved.clock_us > hour / 6;
    return first || far || held != (s->hold_us != 0) ? save(store, s, err) : TB_OK;
}

int64_t tb_store_aging_now_us(tb_store *store)
{
    return tb_clock_now_us() - atomic_load(&store->lag_us);
}

/* ---- jobs ---- */

/* In a write: what ended a month ago interests nobody. */
tb_status tb_store_jobs_prune(tb_store *store, tb_err *err)
{
    tb_status st =
        tb_db_run(store->writer, err, "DELETE FROM jobs WHERE ended_us > 0 AND ended_us < ?", "i",
                  tb_store_aging_now_us(store) - 30 * day);
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
    st = tb_store_aging_clock_advance(store, false, err);
    if (!st) st = tb_store_jobs_prune(store, err);
    return tb_store_write_end(store, st, err);
}

tb_status tb_store_tidy(tb_store *store, tb_err *err)
{
    tb_status st = tb_store_remove(store, tidy, NULL, err);
    tb_store_reserve_mend(store);
    if (!st) tb_store_pending_write(store);
    return st;
}
