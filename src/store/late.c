#include "base/mem.h"
#include "store/store_priv.h"

#include <assert.h>
#include <string.h>

/*
 * What is to be noted of jobs and could not be written, because the disk was full or another
 * process held the database: rows of new jobs, and ends of jobs that have a row. They are told from
 * here as if they were written, and written once a minute when that goes again.
 *
 * An entry stays in the list while it is being written, so that nobody who asks meanwhile misses
 * it; one that changes in that time is written again.
 */
struct tb_late {
    struct tb_late *next;
    tb_job_row row; /* its strings are its own; NULL for what an end leaves as it is */
    bool whole;     /* the database has no row of it */
    bool writing, changed;
};

static void set_text(const char **to, const char *text)
{
    tb_free((char *)(uintptr_t)*to);
    *to = tb_strdup(text);
}

static void set_row(tb_job_row *to, const tb_job_row *from)
{
    set_text(&to->id, from->id);
    set_text(&to->user, from->user);
    set_text(&to->state, from->state);
    set_text(&to->params, from->params);
    set_text(&to->error, from->error);
    set_text(&to->clip_id, from->clip_id);
    to->created_us = from->created_us;
    to->ended_us = from->ended_us;
}

static void free_late(struct tb_late *late)
{
    set_row(&late->row, &(tb_job_row){0});
    tb_free(late);
}

/* With the lock, as those behind it. */
static struct tb_late *find(tb_store *store, const char *id)
{
    struct tb_late *late = store->late;
    while (late && strcmp(late->row.id, id) != 0)
        late = late->next;
    return late;
}

/* Free in release builds. */
static void assert_invariants(const tb_store *store)
{
#ifndef NDEBUG
    int length = 0;
    for (const struct tb_late *late = store->late; late; late = late->next, length++) {
        assert(length < store->n_late); /* no cycle */
        assert(late->row.id && (late->writing || !late->changed));
    }
    assert(length == store->n_late && length <= TB_STORE_LATE_MAX + 1);
#endif
    (void)store;
}

static void unlink_late(tb_store *store, struct tb_late *late)
{
    struct tb_late **p = &store->late;
    while (*p != late)
        p = &(*p)->next;
    *p = late->next;
    late->next = NULL;
    store->n_late--;
    assert_invariants(store);
}

static void take_out(tb_store *store, struct tb_late *late)
{
    unlink_late(store, late);
    free_late(late);
}

static void append(tb_store *store, struct tb_late *late)
{
    struct tb_late **end = &store->late;
    while (*end)
        end = &(*end)->next;
    *end = late;
    store->n_late++;
    assert_invariants(store);
}

static void add(tb_store *store, const tb_job_row *row, bool whole)
{
    struct tb_late *late = tb_alloc(sizeof *late);
    set_row(&late->row, row);
    late->whole = whole;
    append(store, late);
    if (store->n_late <= TB_STORE_LATE_MAX) return;
    struct tb_late *oldest = store->late;
    while (oldest->writing)
        oldest = oldest->next;
    take_out(store, oldest);
}

static void change(struct tb_late *late, const tb_job_row *end)
{
    set_text(&late->row.state, end->state);
    if (end->error) set_text(&late->row.error, end->error);
    if (end->clip_id) set_text(&late->row.clip_id, end->clip_id);
    late->row.ended_us = end->ended_us;
    late->changed = late->writing;
}

/* A row of the database, or none yet, and what is noted late, as one. */
static void tell(const struct tb_late *late, tb_job_row *row)
{
    const tb_job_row *l = &late->row;
    const char *const texts[] = {
        l->id,
        l->user ? l->user : row->user,
        l->state,
        l->params ? l->params : row->params,
        l->error ? l->error : row->error,
        l->clip_id ? l->clip_id : row->clip_id,
    };
    const char **const to[] = {&row->id,     &row->user,  &row->state,
                               &row->params, &row->error, &row->clip_id};
    enum { N = sizeof to / sizeof to[0] };
    size_t size = 0;
    for (size_t i = 0; i < N; i++)
        size += (texts[i] ? strlen(texts[i]) : 0) + 1;
    char *mem = tb_alloc(size), *p = mem;
    for (size_t i = 0; i < N; i++) {
        const size_t n = texts[i] ? strlen(texts[i]) : 0;
        if (n) memcpy(p, texts[i], n);
        *to[i] = p;
        p += n + 1; /* the memory is zero */
    }
    tb_free(row->mem);
    row->mem = mem;
    row->ended_us = l->ended_us;
    if (late->whole) row->created_us = l->created_us;
}

void tb_store_late_row(tb_store *store, const tb_job_row *row)
{
    pthread_mutex_lock(&store->late_lock);
    if (!find(store, row->id)) add(store, row, true);
    pthread_mutex_unlock(&store->late_lock);
}

void tb_store_late_end(tb_store *store, const tb_job_row *end)
{
    pthread_mutex_lock(&store->late_lock);
    if (!find(store, end->id)) add(store, end, false);
    pthread_mutex_unlock(&store->late_lock);
}

bool tb_store_late_change(tb_store *store, const tb_job_row *end)
{
    pthread_mutex_lock(&store->late_lock);
    struct tb_late *late = find(store, end->id);
    const bool ours = late && !late->row.ended_us;
    if (ours) change(late, end);
    pthread_mutex_unlock(&store->late_lock);
    return ours;
}

bool tb_store_late_tell(tb_store *store, const char *id, tb_job_row *row)
{
    pthread_mutex_lock(&store->late_lock);
    const struct tb_late *late = find(store, id);
    const bool tells = late && !row->ended_us && (late->whole || row->id);
    if (tells) tell(late, row);
    pthread_mutex_unlock(&store->late_lock);
    return tells;
}

/* A copy of the first entry, to be written; false: there is none. */
static bool begin(tb_store *store, struct tb_late *copy)
{
    pthread_mutex_lock(&store->late_lock);
    struct tb_late *first = store->late;
    if (first) {
        first->writing = true;
        copy->whole = first->whole;
        set_row(&copy->row, &first->row);
    }
    pthread_mutex_unlock(&store->late_lock);
    return first != NULL;
}

static void end(tb_store *store, const char *id, bool written)
{
    pthread_mutex_lock(&store->late_lock);
    struct tb_late *late = find(store, id);
    const bool again = !written || late->changed;
    if (written) late->whole = false; /* the row is there; what changed is to be written */
    late->writing = late->changed = false;
    unlink_late(store, late);
    if (again)
        append(store, late); /* the others come before it */
    else
        free_late(late);
    pthread_mutex_unlock(&store->late_lock);
}

void tb_store_late_write(tb_store *store)
{
    struct tb_late copy = {0};
    bool written = true;
    for (int i = 0; i < TB_STORE_LATE_MAX && written && begin(store, &copy); i++) {
        tb_err err = {0};
        tb_status st = copy.whole ? tb_store_job_insert(store, &copy.row, &err)
                                  : tb_store_job_update(store, &copy.row, &err);
        /* A job that nobody knows any more, or that has ended otherwise, is as good as written. */
        written = st == TB_OK || st == TB_ENOTFOUND || st == TB_ECONFLICT;
        end(store, copy.row.id, written);
    }
    set_row(&copy.row, &(tb_job_row){0});
}

void tb_store_late_free(tb_store *store)
{
    while (store->late)
        take_out(store, store->late);
}
