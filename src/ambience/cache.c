#include "ambience/set_priv.h"
#include "base/mem.h"

#include <string.h>
#include <sys/stat.h>

/* What is remembered of beds: the gain that brings each to its level, and decoded files. */

enum { LOOPS_BYTES_MAX = 128 << 20 }; /* of decoded files kept while no bed uses them */

tb_status tb_ambience_gain(tb_ambience_set *set, const tb_recipe *recipe, uint64_t seed,
                           int rate_hz, double *gain_db, tb_err *err)
{
    bool found = false;
    pthread_mutex_lock(&set->lock);
    for (size_t i = 0; i < TB_AMBIENCE_GAINS && i < set->n_gains && !found; i++) {
        const tb_gain *g = &set->gains[i];
        found = g->recipe == recipe && g->seed == seed && g->rate_hz == rate_hz;
        if (found) *gain_db = g->gain_db;
    }
    pthread_mutex_unlock(&set->lock);
    if (found) return TB_OK;
    /* Measured outside the lock: two threads may do it twice, with the same result. */
    tb_status st = tb_part_measure(recipe, seed, rate_hz, gain_db, err);
    if (st != TB_OK) return st;
    pthread_mutex_lock(&set->lock);
    set->gains[set->n_gains++ % TB_AMBIENCE_GAINS] = (tb_gain){recipe, seed, rate_hz, *gain_db};
    pthread_mutex_unlock(&set->lock);
    return TB_OK;
}

void tb_ambience_release(tb_loop *loop)
{
    if (loop && --loop->refs == 0) tb_loop_free(loop);
}

static bool is_current(const tb_loop *loop, const char *path, int rate_hz)
{
    struct stat info;
    return loop && loop->rate_hz == rate_hz && lstat(path, &info) == 0 &&
           loop->changed_s == (int64_t)info.st_mtime && loop->size == (int64_t)info.st_size;
}

static size_t bytes_of(const tb_loop *loop)
{
    return loop ? loop->len * sizeof *loop->x : 0;
}

tb_status tb_ambience_loop(tb_ambience_set *set, size_t part, int rate_hz, tb_loop **out,
                           tb_err *err)
{
    tb_entry *e = &set->entries[part];
    pthread_mutex_lock(&set->lock);
    tb_loop *loop = is_current(e->loop, e->path, rate_hz) ? e->loop : NULL;
    if (loop) loop->refs++;
    pthread_mutex_unlock(&set->lock);
    if (loop) {
        *out = loop;
        return TB_OK;
    }
    tb_err why = {0};
    tb_status st = tb_loop_load(e->path, rate_hz, &loop, &why);
    if (st != TB_OK)
        return tb_fail_field(err, st == TB_ENOMEM ? st : TB_EINTERNAL, "ambience_id",
                             "the ambience file %s.wav of this server cannot be used: %s", e->id,
                             why.msg);
    loop->refs = 2; /* the caller's and the set's */
    pthread_mutex_lock(&set->lock);
    tb_ambience_release(e->loop);
    e->loop = loop;
    size_t kept = 0;
    for (size_t i = 0; i < set->n; i++)
        kept += bytes_of(set->entries[i].loop);
    for (size_t i = 0; i < set->n && kept > LOOPS_BYTES_MAX; i++) {
        if (i == part) continue;
        kept -= bytes_of(set->entries[i].loop);
        tb_ambience_release(set->entries[i].loop);
        set->entries[i].loop = NULL;
    }
    pthread_mutex_unlock(&set->lock);
    *out = loop;
    return TB_OK;
}

void tb_ambience_loop_done(tb_ambience_set *set, tb_loop *loop)
{
    pthread_mutex_lock(&set->lock);
    tb_ambience_release(loop);
    pthread_mutex_unlock(&set->lock);
}
