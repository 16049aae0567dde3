/*
 * The files of clips: written while they are made, committed with their row, opened for reading.
 *
 * A writer has a temporary file; commit gives it its name and inserts the row in one step that a
 * crash cannot halve (file first, then row, with the file's name kept for the sweep). A clip whose
 * file is gone is marked so. Relies on base/file.h and history.c.
 */
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct tb_clip_writer {
    tb_store *store;
    tb_file_writer file;
    char id[TB_UUID_TEXT], filename[TB_UUID_TEXT + 16];
};

char *tb_store_clip_path(const tb_store *store, const char *filename)
{
    return tb_path_join(store->clips, filename);
}

int tb_clip_writer_fd(const tb_clip_writer *w)
{
    return w->file.fd;
}

tb_status tb_store_clip_begin(tb_store *store, const char *ext, tb_clip_writer **out, tb_err *err)
{
    size_t len = strlen(ext);
    if (len < 1 || len > 8 || strspn(ext, "abcdefghijklmnopqrstuvwxyz0123456789") != len)
        return tb_fail(err, TB_EINTERNAL, "'%s' cannot be a file's extension", ext);
    tb_status st = tb_store_want_room(store, err);
    if (st) return st;
    tb_clip_writer *w = tb_alloc(sizeof *w);
    w->store = store;
    tb_uuid(w->id);
    snprintf(w->filename, sizeof w->filename, "gen_%s.%s", w->id, ext);
    st = tb_file_begin(&w->file, store->clips, err);
    if (st)
        tb_free(w);
    else
        *out = w;
    return st;
}

const char *tb_clip_writer_id(const tb_clip_writer *w)
{
    return w->id;
}

const char *tb_clip_writer_filename(const tb_clip_writer *w)
{
    return w->filename;
}

tb_status tb_clip_writer_append(tb_clip_writer *w, const void *data, size_t size, tb_err *err)
{
    tb_status st = tb_store_want_room(w->store, err);
    return st ? st : tb_file_append(&w->file, data, size, err);
}

tb_status tb_clip_writer_rewrite(tb_clip_writer *w, uint64_t offset, const void *data, size_t size,
                                 tb_err *err)
{
    const char *p = data;
    if (offset > w->file.size || size > w->file.size - offset)
        return tb_fail(err, TB_EINTERNAL, "rewriting %zu bytes at %llu of a clip of %llu", size,
                       (unsigned long long)offset, (unsigned long long)w->file.size);
    while (size > 0) {
        ssize_t n = pwrite(w->file.fd, p, size, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return tb_fail_errno(err, errno, "cannot write %s", w->file.tmp_path);
        p += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return TB_OK;
}

tb_status tb_clip_writer_commit(tb_clip_writer *w, const tb_clip_row *row, tb_err *err)
{
    tb_store *store = w->store;
    tb_clip_row whole = *row;
    char *path = tb_store_clip_path(store, w->filename);
    whole.id = w->id;
    whole.filename = w->filename;
    whole.size_bytes = w->file.size;
    whole.missing = false;
    tb_status st = tb_file_place(&w->file, path, err);
    if (!st) st = tb_store_write(store, err);
    if (!st) {
        st = tb_store_clip_insert(store, &whole, err);
        st = tb_store_write_end(store, st, err);
    }
    if (st) unlink(path); /* no row, no clip; it may be there when only its folder's sync failed */
    tb_free(path);
    tb_clip_writer_abort(w);
    return st;
}

void tb_clip_writer_abort(tb_clip_writer *w)
{
    if (!w) return;
    tb_file_abort(&w->file);
    tb_free(w);
}

static void mark_missing(tb_store *store, const char *id)
{
    tb_err err = {0};
    int changed = 0;
    bool begun = false; /* who reads waits for no writer: it is marked at the next start, too */
    tb_status st = tb_store_try_write(store, &begun, &err);
    if (begun) {
        st = tb_db_run(store->writer, &err, "UPDATE history SET missing=1 WHERE id=? AND missing=0",
                       "s", id);
        changed = sqlite3_changes(store->writer);
        st = tb_store_write_end(store, st, &err);
    }
    if (st || changed) tb_log(TB_WARN, "store", "clip=%s file=missing marked=%d", id, changed);
}

tb_status tb_store_clip_open(tb_store *store, const tb_clip_row *row, tb_clip_file *out,
                             tb_err *err)
{
    int fd = -1;
    if (!*row->filename || strchr(row->filename, '/')) /* only a tampered table has such */
        return tb_fail(err, TB_ENOTFOUND, "File not found");
    char *path = tb_store_clip_path(store, row->filename);
    tb_status st = tb_file_open_plain(path, &fd, &out->size, err);
    tb_free(path);
    if (st == TB_ENOTFOUND || st == TB_EINVAL) {
        mark_missing(store, row->id); /* no row changes when it was deleted */
        return tb_fail(err, TB_ENOTFOUND, "File not found");
    }
    if (st) return st;
    out->fd = fd;
    /* A clip never changes under its id. */
    snprintf(out->etag, sizeof out->etag, "\"%.36s\"", row->id);
    return TB_OK;
}
