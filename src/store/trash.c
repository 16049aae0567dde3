/*
 * Removes the files whose rows are gone, and keeps the recordings of prompts that history refers
 * to.
 *
 * Deleting a row notes its file in the table of trash within the transaction; the file itself goes
 * here, later and again after a crash, until it is gone. Prompts without a clip are pruned. Relies
 * on store_priv.h.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store_priv.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool remove_one(const char *path)
{
    if (unlink(path) == 0 || errno == ENOENT) return true;
    tb_log(TB_WARN, "store", "cannot_remove=\"%s\" errno=%d", path, errno);
    return false;
}

/* A voice's wav and its cached analyses: "<uuid>.*". */
static bool remove_voice(const char *folder, const char *uuid)
{
    size_t len = strlen(uuid);
    bool all = true;
    DIR *dir = opendir(folder);
    if (!dir) return false;
    for (struct dirent *e; (e = readdir(dir));) {
        if (strncmp(e->d_name, uuid, len) != 0 || e->d_name[len] != '.') continue;
        char *path = tb_path_join(folder, e->d_name);
        all &= remove_one(path);
        tb_free(path);
    }
    closedir(dir);
    return all;
}

/* In a write transaction: a prompt that is put again meanwhile waits for it, and then finds that
 * its file is gone and writes it anew. */
static tb_status empty(tb_store *store, void *self, int most, bool *more, tb_err *err)
{
    sqlite3_stmt *s = NULL;
    int64_t n = 0;
    bool row = false;
    (void)self;
    (void)most; /* a name or two a row: the reserve suffices for thousands */
    (void)more;
    tb_status st = tb_store_write(store, err);
    if (st) return st;
    st = tb_db_int(store->writer, 0, &n, err, "SELECT count(*) FROM trash", "");
    if (!st && n > 0)
        st = tb_db_begin(store->writer, &s, err, "SELECT folder, name, rowid FROM trash", "");
    while (s && !st && !(st = tb_db_step(s, &row, err)) && row) {
        const char *folder = (const char *)sqlite3_column_text(s, 0);
        const char *name = (const char *)sqlite3_column_text(s, 1);
        bool gone = true;
        if (!folder || !name || !*name || strchr(name, '/')) continue; /* not written by us */
        if (strcmp(folder, "voices") == 0) {
            gone = remove_voice(store->voices, name);
        } else {
            char *path =
                tb_path_join(strcmp(folder, "prompts") == 0 ? store->prompts : store->clips, name);
            gone = remove_one(path);
            tb_free(path);
        }
        if (gone)
            st = tb_db_run(store->writer, err, "DELETE FROM trash WHERE rowid=?", "i",
                           (int64_t)sqlite3_column_int64(s, 2));
    }
    tb_db_end(s);
    return tb_store_write_end(store, st, err);
}

void tb_store_trash_empty(tb_store *store)
{
    tb_err err = {0};
    tb_status st = tb_store_remove(store, empty, NULL, &err);
    /* The rows are gone, which is what was asked; the files are tried again next time. */
    if (st) tb_log(TB_WARN, "store", "trash=kept reason=\"%s\"", err.msg);
}

tb_status tb_store_prompts_prune(tb_store *store, tb_err *err)
{
    static const char unused[] =
        "FROM prompts WHERE (pending <= 0 OR used_us < ?)"
        " AND NOT EXISTS (SELECT 1 FROM history WHERE prompt_hash = prompts.hash)";
    int64_t day_ago_us = tb_store_aging_now_us(store) - (int64_t)86400 * 1000000;
    char *trash =
        tb_sprintf("INSERT OR IGNORE INTO trash SELECT 'prompts', hash || '.wav' %s", unused);
    char *gone = tb_sprintf("DELETE %s", unused);
    tb_status st = tb_db_run(store->writer, err, trash, "i", day_ago_us);
    if (!st) st = tb_db_run(store->writer, err, gone, "i", day_ago_us);
    tb_free(trash);
    tb_free(gone);
    return st;
}

tb_status tb_store_prompt_put(tb_store *store, const void *wav, size_t size, char *hash,
                              tb_err *err)
{
    char hex[TB_HASH_HEX], *path = NULL, *name = NULL;
    tb_file_writer file = {.fd = -1};
    tb_status st = TB_OK;
    tb_hash_hex(wav, size, hex);
    name = tb_sprintf("%s.wav", hex);
    path = tb_path_join(store->prompts, name);
    if (tb_file_plain_size(path) != (int64_t)size) {
        st = tb_store_want_room(store, err);
        if (!st) st = tb_store_place(path, wav, size, &file, err);
    }
    if (st) goto out;
    st = tb_store_write(store, err);
    if (st) goto out;
    /* pending: requests that will write a history row; one that fails leaves it for a day. */
    st = tb_db_run(store->writer, err,
                   "INSERT INTO prompts(hash, used_us, pending) VALUES(?, ?, 1) "
                   "ON CONFLICT(hash) DO UPDATE SET used_us=excluded.used_us, "
                   "pending=max(pending, 0) + 1",
                   "si", hex, tb_clock_now_us());
    if (!st)
        st = tb_db_run(store->writer, err, "DELETE FROM trash WHERE folder='prompts' AND name=?",
                       "s", name);
    if (!st && tb_file_plain_size(path) < 0) {
        tb_file_settle(&file);
        st = tb_store_place(path, wav, size, &file, err);
    }
    st = tb_store_write_end(store, st, err);
    if (!st) memcpy(hash, hex, sizeof hex);
out:
    tb_file_settle(&file);
    tb_free(name);
    tb_free(path);
    return st;
}

tb_status tb_store_prompt_get(tb_store *store, const char *hash, char **wav, size_t *size,
                              tb_err *err)
{
    enum { MAX = 256 * 1024 * 1024 };
    if (strlen(hash) != TB_HASH_HEX - 1 || strspn(hash, "0123456789abcdef") != TB_HASH_HEX - 1)
        return tb_fail(err, TB_ENOTFOUND, "the voice sample of this clip is not kept any more");
    char *path = tb_sprintf("%s/%s.wav", store->prompts, hash);
    tb_status st = tb_file_read_plain(path, MAX, wav, size, err);
    if (st == TB_ENOTFOUND || st == TB_EINVAL)
        st = tb_fail(err, TB_ENOTFOUND, "the voice sample of this clip is not kept any more");
    tb_free(path);
    return st;
}
