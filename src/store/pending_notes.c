/*
 * Pending notes: job rows that could not be written, because the disk was full or another process
 * held the database. A note is the row of a new job, or the end of a job that has a row.
 *
 * Reads merge these rows with the database; once a minute they are written, oldest first, until one
 * fails. A note stays in the list while it is being written, so that no read misses it; a note that
 * changes meanwhile is written again. Beyond TB_STORE_PENDING_MAX the oldest is dropped. Relies on
 * jobs.c for the rows and on wait.c for the deadline of a write; pending_lock guards the list.
 */
#include "base/mem.h"
#include "store/store_priv.h"

#include <assert.h>
#include <string.h>

struct tb_pending_note {
    struct tb_pending_note *next;
    tb_job_row row; /* owns its strings; NULL for what an end leaves as it is */
    bool whole;     /* the database has no row of this job */
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

static void free_note(struct tb_pending_note *note)
{
    set_row(&note->row, &(tb_job_row){0});
    tb_free(note);
}

/* pending_lock is held, here and in the functions below without a lock of their own. */
static struct tb_pending_note *find(tb_store *store, const char *id)
{
    struct tb_pending_note *note = store->pending;
    while (note && strcmp(note->row.id, id) != 0)
        note = note->next;
    return note;
}

/* Free in release builds. */
static void assert_invariants(const tb_store *store)
{
#ifndef NDEBUG
    int length = 0;
    for (const struct tb_pending_note *note = store->pending; note; note = note->next, length++) {
        assert(length < store->n_pending); /* no cycle */
        assert(note->row.id && (note->writing || !note->changed));
    }
    assert(length == store->n_pending && length <= TB_STORE_PENDING_MAX + 1);
#endif
    (void)store;
}

static void unlink_note(tb_store *store, struct tb_pending_note *note)
{
    struct tb_pending_note **p = &store->pending;
    while (*p != note)
        p = &(*p)->next;
    *p = note->next;
    note->next = NULL;
    store->n_pending--;
    assert_invariants(store);
}

static void take_out(tb_store *store, struct tb_pending_note *note)
{
    unlink_note(store, note);
    free_note(note);
}

static void append(tb_store *store, struct tb_pending_note *note)
{
    struct tb_pending_note **end = &store->pending;
    while (*end)
        end = &(*end)->next;
    *end = note;
    store->n_pending++;
    assert_invariants(store);
}

static void add(tb_store *store, const tb_job_row *row, bool whole)
{
    struct tb_pending_note *note = tb_alloc(sizeof *note);
    set_row(&note->row, row);
    note->whole = whole;
    append(store, note);
    if (store->n_pending <= TB_STORE_PENDING_MAX) return;
    struct tb_pending_note *oldest = store->pending;
    while (oldest->writing)
        oldest = oldest->next;
    take_out(store, oldest);
}

static void change(struct tb_pending_note *note, const tb_job_row *end)
{
    set_text(&note->row.state, end->state);
    if (end->error) set_text(&note->row.error, end->error);
    if (end->clip_id) set_text(&note->row.clip_id, end->clip_id);
    note->row.ended_us = end->ended_us;
    note->changed = note->writing;
}

/* Merges a note into the row of the database; {0}: there is no row yet. */
static void merge(const struct tb_pending_note *note, tb_job_row *row)
{
    const tb_job_row *l = &note->row;
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
    if (note->whole) row->created_us = l->created_us;
}

void tb_store_pending_row(tb_store *store, const tb_job_row *row)
{
    pthread_mutex_lock(&store->pending_lock);
    if (!find(store, row->id)) add(store, row, true);
    pthread_mutex_unlock(&store->pending_lock);
}

void tb_store_pending_end(tb_store *store, const tb_job_row *end)
{
    pthread_mutex_lock(&store->pending_lock);
    if (!find(store, end->id)) add(store, end, false);
    pthread_mutex_unlock(&store->pending_lock);
}

bool tb_store_pending_change(tb_store *store, const tb_job_row *end)
{
    pthread_mutex_lock(&store->pending_lock);
    struct tb_pending_note *note = find(store, end->id);
    const bool ours = note && !note->row.ended_us;
    if (ours) change(note, end);
    pthread_mutex_unlock(&store->pending_lock);
    return ours;
}

bool tb_store_pending_merge(tb_store *store, const char *id, tb_job_row *row)
{
    pthread_mutex_lock(&store->pending_lock);
    const struct tb_pending_note *note = find(store, id);
    const bool merges = note && !row->ended_us && (note->whole || row->id);
    if (merges) merge(note, row);
    pthread_mutex_unlock(&store->pending_lock);
    return merges;
}

/* Copies the first note, to be written; false: there is none. */
static bool begin(tb_store *store, struct tb_pending_note *copy)
{
    pthread_mutex_lock(&store->pending_lock);
    struct tb_pending_note *first = store->pending;
    if (first) {
        first->writing = true;
        copy->whole = first->whole;
        set_row(&copy->row, &first->row);
    }
    pthread_mutex_unlock(&store->pending_lock);
    return first != NULL;
}

static void end(tb_store *store, const char *id, bool written)
{
    pthread_mutex_lock(&store->pending_lock);
    struct tb_pending_note *note = find(store, id);
    const bool again = !written || note->changed;
    if (written) note->whole = false; /* the row is there; what changed is to be written */
    note->writing = note->changed = false;
    unlink_note(store, note);
    if (again)
        append(store, note); /* the others come before it */
    else
        free_note(note);
    pthread_mutex_unlock(&store->pending_lock);
}

void tb_store_pending_write(tb_store *store)
{
    struct tb_pending_note copy = {0};
    bool written = true;
    for (int i = 0; i < TB_STORE_PENDING_MAX && written && begin(store, &copy); i++) {
        tb_err err = {0};
        tb_status st = copy.whole ? tb_store_job_insert(store, &copy.row, &err)
                                  : tb_store_job_update(store, &copy.row, &err);
        /* If the row was deleted or the job has ended otherwise, there is nothing left to write. */
        written = st == TB_OK || st == TB_ENOTFOUND || st == TB_ECONFLICT;
        end(store, copy.row.id, written);
    }
    set_row(&copy.row, &(tb_job_row){0});
}

void tb_store_pending_free(tb_store *store)
{
    while (store->pending)
        take_out(store, store->pending);
}
