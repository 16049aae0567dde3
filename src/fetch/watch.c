#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "fetch/fetch_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* What the caller hears of a fetch on its way, and the sums of files that are here already. */

enum { BLOCK = 1 << 20, WATCH_MS = 100 };

void tb_fetch_tell(tb_fetch_run *r, bool at_once)
{
    int64_t t = tb_clock_mono_ns();
    if (!r->watch || (!at_once && t - r->told_ns < (int64_t)WATCH_MS * 1000000)) return;
    r->told_ns = t;
    r->watch(r->self, &r->now);
}

void tb_fetch_enter(tb_fetch_run *r, tb_fetch_state state, const tb_fetch_item *it)
{
    r->now.state = state;
    r->now.file = it ? it->name : NULL;
    r->now.file_done = 0;
    r->now.file_total = it ? it->size : 0;
    r->now.note = NULL;
    tb_fetch_tell(r, true);
}

void tb_fetch_count(tb_fetch_run *r, uint64_t file_done)
{
    r->now.file_done = file_done;
    r->now.done = file_done;
    for (size_t i = 0; i < r->n; i++)
        if (r->items[i].state != MISSING) r->now.done += r->items[i].size;
    tb_fetch_tell(r, false);
}

void tb_fetch_measure_rate(tb_fetch_run *r)
{
    int64_t t = tb_clock_mono_ns();
    double seconds = (double)(t - r->rate_ns) / 1e9;
    if (r->rate_ns == 0) {
        r->rate_ns = t;
        r->rate_at = r->downloaded;
    } else if (seconds >= 0.5) {
        double rate = (double)(r->downloaded - r->rate_at) / seconds;
        r->now.bytes_per_s = r->now.bytes_per_s > 0 ? 0.7 * r->now.bytes_per_s + 0.3 * rate : rate;
        r->rate_ns = t;
        r->rate_at = r->downloaded;
    }
}

void tb_fetch_on_wait(void *self, const char *why)
{
    tb_fetch_run *r = self;
    bool news = r->now.state != TB_FETCH_WAITING;
    r->now.state = TB_FETCH_WAITING;
    r->now.note = why;
    tb_fetch_tell(r, news);
    r->now.note = NULL; /* why is the client's */
}

/* Adds the file's bytes from the start to the digest. *ok is false when it cannot be read. */
tb_status tb_fetch_sum_file(tb_fetch_run *r, int fd, uint64_t size, bool *ok, tb_err *err)
{
    char *block = tb_alloc(BLOCK);
    uint64_t done = 0;
    tb_status st = TB_OK;
    *ok = true;
    while (*ok && !st && done < size) {
        size_t want = size - done < BLOCK ? (size_t)(size - done) : BLOCK;
        ssize_t got = read(fd, block, want);
        if (got < 0 && errno == EINTR) continue;
        *ok = got > 0;
        if (!*ok) break;
        tb_digest_add(r->digest, block, (size_t)got);
        done += (uint64_t)got;
        tb_fetch_count(r, done);
        if (tb_cancelled(r->cancel)) st = tb_fail_cancelled(err);
    }
    tb_free(block);
    return st;
}

/* Is the file at path what the item must be? Without a sum its size has to do. */
tb_status tb_fetch_is_right(tb_fetch_run *r, const tb_fetch_item *it, const char *path, bool *right,
                            tb_err *err)
{
    tb_status st = TB_OK;
    *right = tb_file_size(path) == (int64_t)it->size;
    if (!*right || !*it->oid) return TB_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *right = fd >= 0;
    if (fd < 0) return TB_OK;
    tb_fetch_enter(r, TB_FETCH_CHECKING, it);
    r->digest = tb_digest_new(it->oid, it->size);
    st = tb_fetch_sum_file(r, fd, it->size, right, err);
    if (!st && *right) *right = tb_digest_matches(r->digest);
    tb_digest_free(r->digest);
    r->digest = NULL;
    close(fd);
    return st;
}
