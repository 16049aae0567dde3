/*
 * Voices: rows, recordings and cached measurements.
 *
 * A voice is found by its folded name; near names are offered where none fits. A recording is
 * written before its row and named by a UUID, so a crash leaves at most a file that the sweep
 * removes. Measurements lie beside it by kind and may be thrown away. Relies on store_priv.h and
 * base/file.h.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "store/store_priv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS                                                                               \
    "name, uuid, name || '.wav', language, region, gender, description, model, uploaded_by, " \
    "content_hash, warnings, uploaded_at_us, seconds, missing"

void tb_voice_row_clear(tb_voice_row *row)
{
    if (!row) return;
    tb_free(row->mem);
    *row = (tb_voice_row){0};
}

void tb_voice_list_clear(tb_voice_list *list)
{
    if (!list) return;
    for (size_t i = 0; i < list->n; i++)
        tb_voice_row_clear(&list->rows[i]);
    tb_free(list->rows);
    *list = (tb_voice_list){0};
}

static void read_row(sqlite3_stmt *s, tb_voice_row *r)
{
    const char **const fields[] = {&r->id,          &r->uuid,         &r->filename,    &r->language,
                                   &r->region,      &r->gender,       &r->description, &r->model,
                                   &r->uploaded_by, &r->content_hash, &r->warnings};
    enum { N = sizeof fields / sizeof fields[0] };
    r->mem = tb_db_texts(s, fields, N);
    r->uploaded_at_us = sqlite3_column_int64(s, N);
    r->seconds = sqlite3_column_double(s, N + 1);
    r->missing = sqlite3_column_int(s, N + 2) != 0;
}

tb_status tb_voice_name_check(const char *name, tb_err *err)
{
    static const char *const reserved[] = {TB_VOICE_DEFAULT, "list", "upload"};
    size_t len = strlen(name), count = 0, n;
    tb_status st = TB_OK;
    for (size_t i = 0; i < len; i += n, count++) {
        uint32_t cp = tb_utf8_next(name + i, len - i, &n);
        if (cp == TB_UTF8_BAD)
            return tb_fail_field(err, TB_EINVAL, "name", "Invalid voice name: it is not UTF-8");
        if (tb_unicode_is_invisible(cp))
            return tb_fail_field(err, TB_EINVAL, "name",
                                 "Invalid voice name: character %zu cannot be seen (U+%04X); leave "
                                 "it out",
                                 count + 1, (unsigned)cp);
        if (i == 0 && tb_unicode_is_mark(cp))
            return tb_fail_field(err, TB_EINVAL, "name",
                                 "Invalid voice name: it starts with a mark (U+%04X) that belongs "
                                 "to a letter in front of it",
                                 (unsigned)cp);
        if (cp != ' ' && cp != '-' && cp != '_' && !tb_utf8_is_word(cp))
            return tb_fail_field(err, TB_EINVAL, "name",
                                 "Invalid voice name: U+%04X at character %zu; letters, digits, "
                                 "spaces, '-' and '_' are allowed",
                                 (unsigned)cp, count + 1);
    }
    if (count < 1 || count > TB_VOICE_NAME_MAX)
        return tb_fail_field(err, TB_EINVAL, "name",
                             "Invalid voice name: it has %zu characters; 1 to %d are allowed",
                             count, (int)TB_VOICE_NAME_MAX);
    if (name[0] == ' ' || name[len - 1] == ' ')
        return tb_fail_field(err, TB_EINVAL, "name",
                             "Invalid voice name: it starts or ends with a space");
    char *fold = tb_str_fold(name);
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0] && !st; i++)
        if (strcmp(fold, reserved[i]) == 0)
            st = tb_fail_field(err, TB_EINVAL, "name",
                               "Invalid voice name: '%s' is reserved; choose another", reserved[i]);
    tb_free(fold);
    return st;
}

static bool fits_note(uint32_t cp, bool lines)
{
    if (cp == '\n' || cp == '\r' || cp == '\t') return lines;
    bool direction = (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);
    return cp != TB_UTF8_BAD && cp >= 0x20 && !(cp >= 0x7F && cp < 0xA0) && !direction &&
           (lines || !tb_unicode_is_invisible(cp));
}

static tb_status check_note(const char *field, const char *value, size_t most, bool lines,
                            tb_err *err)
{
    size_t len = value ? strlen(value) : 0, count = 0, n;
    for (size_t i = 0; i < len; i += n, count++) {
        uint32_t cp = tb_utf8_next(value + i, len - i, &n);
        if (!fits_note(cp, lines))
            return tb_fail_field(err, TB_EINVAL, field,
                                 "%s holds a character that is not allowed there: %s, the %zu. one",
                                 field, cp == TB_UTF8_BAD ? "no UTF-8" : "it cannot be seen",
                                 count + 1);
    }
    if (count > most)
        return tb_fail_field(err, TB_EINVAL, field, "%s has %zu characters; at most %zu are kept",
                             field, count, most);
    return TB_OK;
}

tb_status tb_voice_notes_check(const tb_voice_change *n, tb_err *err)
{
    tb_status st = check_note("language", n->language, TB_VOICE_NOTE_MAX, false, err);
    if (!st) st = check_note("region", n->region, TB_VOICE_NOTE_MAX, false, err);
    if (!st) st = check_note("gender", n->gender, TB_VOICE_NOTE_MAX, false, err);
    if (!st) st = check_note("model", n->model, TB_VOICE_NOTE_MAX, false, err);
    if (!st) st = check_note("description", n->description, TB_VOICE_DESCRIPTION_MAX, true, err);
    return st;
}

char *tb_voice_fold(const char *name)
{
    char *composed = NULL;
    if (tb_unicode_nfc(name, strlen(name), &composed, NULL)) return tb_str_fold(name);
    char *fold = tb_str_fold(composed);
    tb_free(composed);
    return fold;
}

/* What a client may call a voice: folded, a trailing ".wav" taken off. Heap. */
static char *lookup_key(const char *name)
{
    char *fold = tb_voice_fold(name);
    if (tb_str_ends(fold, ".wav")) fold[strlen(fold) - 4] = 0;
    char *key = tb_str_fold(fold); /* "Anna .wav" */
    tb_free(fold);
    return key;
}

/* ---- not found: near names ---- */

typedef struct {
    size_t distance;
    char *name;
} near_name;

static int by_distance(const void *a, const void *b)
{
    const near_name *x = a, *y = b;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return strcmp(x->name, y->name);
}

static tb_status not_found(sqlite3 *db, const char *name, const char *key, tb_err *err)
{
    enum { SHOWN = 3, NEAR = 32 };
    near_name near[NEAR];
    size_t n = 0, limit = strlen(key) / 3 + 1, len = strlen(key);
    char said[160] = {0};
    sqlite3_stmt *s = NULL;
    bool row = false;
    tb_str msg = {0};
    tb_str_init(&msg, 480);
    tb_status st = tb_db_begin(db, &s, err, "SELECT name, fold FROM voices", "");
    while (!st && !(st = tb_db_step(s, &row, err)) && row) {
        const char *fold = (const char *)sqlite3_column_text(s, 1);
        if (!fold) continue;
        size_t d = tb_str_distance(key, fold, limit);
        bool inside = len >= 3 && strstr(fold, key);
        if (d > limit && !inside) continue;
        if (n == NEAR) break; /* enough to choose three from */
        near[n++] = (near_name){d, tb_strdup((const char *)sqlite3_column_text(s, 0))};
    }
    tb_db_end(s);
    if (st) goto out;
    if (n > 1) qsort(near, n, sizeof near[0], by_distance);
    strncpy(said, name, sizeof said - 1);
    tb_utf8_trim(said);
    tb_str_printf(&msg, "Voice clone '%s' not found in local storage.", said);
    for (size_t i = 0; i < n && i < SHOWN; i++)
        if (msg.len + strlen(near[i].name) + 20 < msg.max)
            tb_str_printf(&msg, "%s%s", i == 0 ? " Near names: " : ", ", near[i].name);
    st = tb_fail_field(err, TB_ENOTFOUND, "voice_id", "%s", msg.data);
out:
    for (size_t i = 0; i < n; i++)
        tb_free(near[i].name);
    tb_str_clear(&msg);
    return st;
}

static tb_status find(sqlite3 *db, const char *name, tb_voice_row *out, tb_err *err)
{
    sqlite3_stmt *s = NULL;
    bool row = false;
    char *key = lookup_key(name);
    tb_status st =
        tb_db_begin(db, &s, err, "SELECT " COLUMNS " FROM voices WHERE fold=?", "s", key);
    if (!st) st = tb_db_step(s, &row, err);
    if (!st && row) read_row(s, out);
    tb_db_end(s);
    if (!st && !row) st = not_found(db, name, key, err);
    tb_free(key);
    return st;
}

/* ---- reading ---- */

/* What the table knows of a file is from the last start; a look is certain. An overwrite between
 * row and look takes the old file away, so a row that is gone meanwhile is left as it was. */
static void look_for_file(tb_store *store, sqlite3 *db, tb_voice_row *r)
{
    int64_t still = 0;
    char *path = tb_store_voice_path(store, r->uuid);
    bool missing = tb_file_plain_size(path) < 0;
    tb_free(path);
    if (missing && !r->missing &&
        (tb_db_int(db, 0, &still, NULL, "SELECT 1 FROM voices WHERE uuid=?", "s", r->uuid) ||
         !still))
        return;
    r->missing = missing;
}

tb_status tb_store_voice_get(tb_store *store, const char *name, tb_voice_row *out, tb_err *err)
{
    sqlite3 *db = NULL;
    tb_status st = tb_store_reader(store, &db, err);
    if (st) return st;
    st = find(db, name, out, err);
    if (!st) look_for_file(store, db, out);
    tb_store_reader_done(store, db);
    return st;
}

static tb_status recording_gone(sqlite3 *db, const char *name, const char *key, tb_err *err)
{
    int64_t replaced = 0;
    char said[160] = {0};
    tb_status st = tb_db_int(db, 0, &replaced, err, "SELECT 1 FROM voices WHERE fold=?", "s", key);
    if (st) return st;
    strncpy(said, name, sizeof said - 1);
    tb_utf8_trim(said);
    return tb_fail_field(err, TB_ENOTFOUND, "voice_id",
                         replaced ? "the recording of voice '%s' that this was spoken with was "
                                    "replaced by another one since"
                                  : "the recording of voice '%s' that this was spoken with was "
                                    "removed since",
                         said);
}

tb_status tb_store_voice_by_hash(tb_store *store, const char *hash, const char *name,
                                 tb_voice_row *out, tb_err *err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    bool row = false, found = false;
    char *key = lookup_key(name);
    *out = (tb_voice_row){0};
    tb_status st = tb_store_reader(store, &db, err);
    if (st) goto out;
    st = tb_db_begin(db, &s, err,
                     "SELECT " COLUMNS " FROM voices WHERE content_hash=? "
                     "ORDER BY fold<>?, fold",
                     "ss", hash, key);
    while (!st && (!found || out->missing) && !(st = tb_db_step(s, &row, err)) && row) {
        tb_voice_row_clear(out); /* another one, whose file may be there */
        read_row(s, out);
        look_for_file(store, db, out);
        found = true;
    }
    tb_db_end(s);
    if (!st && !found) st = recording_gone(db, name, key, err);
    tb_store_reader_done(store, db);
out:
    tb_free(key);
    return st;
}

tb_status tb_store_voice_list(tb_store *store, tb_voice_list *out, tb_err *err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    tb_voice_list list = {0};
    size_t cap = 0;
    bool row = false;
    tb_status st = tb_store_reader(store, &db, err);
    if (st) return st;
    st = tb_db_begin(db, &s, err, "SELECT " COLUMNS " FROM voices ORDER BY fold", "");
    while (!st && !(st = tb_db_step(s, &row, err)) && row) {
        if (list.n == cap) {
            size_t more = cap ? cap * 2 : 16;
            void *grown = tb_try_realloc(list.rows, more, sizeof *list.rows);
            if (!grown) {
                st = tb_nomem(err, more, sizeof *list.rows);
                break;
            }
            list.rows = grown;
            cap = more;
        }
        list.rows[list.n] = (tb_voice_row){0};
        read_row(s, &list.rows[list.n++]);
    }
    tb_db_end(s);
    for (size_t i = 0; !st && i < list.n; i++)
        look_for_file(store, db, &list.rows[i]);
    tb_store_reader_done(store, db);
    if (st)
        tb_voice_list_clear(&list);
    else
        *out = list;
    return st;
}

char *tb_store_voice_path(const tb_store *store, const char *uuid)
{
    return tb_sprintf("%s/%s.wav", store->voices, uuid);
}

tb_status tb_store_voice_read(tb_store *store, const char *uuid, char **data, size_t *size,
                              tb_err *err)
{
    enum { MAX = 256 * 1024 * 1024 };
    if (!tb_uuid_valid(uuid)) return tb_fail(err, TB_ENOTFOUND, "no such voice");
    char *path = tb_store_voice_path(store, uuid);
    tb_status st = tb_file_read_plain(path, MAX, data, size, err);
    if (st == TB_EINVAL)
        tb_log(TB_WARN, "store", "voice=%s why=\"%s\"", uuid, err ? err->msg : "no regular file");
    if (st == TB_ENOTFOUND || st == TB_EINVAL)
        st = tb_fail_field(err, TB_ENOTFOUND, "voice_id",
                           "the sound of this voice is gone from the disk (%s.wav): upload it "
                           "again",
                           uuid);
    tb_free(path);
    return st;
}

/* ---- writing ---- */

static tb_status taken(const char *name, tb_err *err)
{
    return tb_fail_field(err, TB_ECONFLICT, "name",
                         "a voice named '%s' exists already: choose another name, or overwrite it",
                         name);
}

/* In a write: the voice's files go once the transaction is through. */
static tb_status discard_files(tb_store *store, const char *uuid, tb_err *err)
{
    return tb_db_run(store->writer, err, "INSERT OR IGNORE INTO trash VALUES('voices', ?)", "s",
                     uuid);
}

static tb_status check_count(sqlite3 *db, tb_err *err)
{
    int64_t n = 0;
    tb_status st = tb_db_int(db, 0, &n, err, "SELECT count(*) FROM voices", "");
    if (!st && n >= TB_VOICES_MAX)
        st = tb_fail(err, TB_ECONFLICT,
                     "%d voices are kept, the most there may be; remove some that are not needed",
                     (int)TB_VOICES_MAX);
    return st;
}

static tb_status insert(tb_store *store, const tb_voice_row *r, const char *uuid, const char *fold,
                        const char *hash, bool overwrite, bool *replaced, tb_err *err)
{
    sqlite3 *db = store->writer;
    sqlite3_stmt *s = NULL;
    bool row = false;
    char *old = NULL;
    tb_status st = tb_db_begin(db, &s, err, "SELECT uuid FROM voices WHERE fold=?", "s", fold);
    if (!st) st = tb_db_step(s, &row, err);
    if (!st && row) old = tb_strdup((const char *)sqlite3_column_text(s, 0));
    tb_db_end(s);
    if (st) goto out;
    if (!old) st = check_count(db, err);
    if (st) goto out;
    if (old && !overwrite) {
        st = taken(r->id, err);
        goto out;
    }
    if (old) {
        st = tb_db_run(db, err, "DELETE FROM voices WHERE uuid=?", "s", old);
        if (!st) st = discard_files(store, old, err);
        if (st) goto out;
    }
    st = tb_db_run(db, err,
                   "INSERT INTO voices(uuid, name, fold, language, region, gender, description, "
                   "model, uploaded_by, content_hash, warnings, uploaded_at_us, seconds) "
                   "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
                   "sssssssssssif", uuid, r->id, fold, r->language, r->region, r->gender,
                   r->description, r->model, r->uploaded_by, hash,
                   r->warnings && *r->warnings ? r->warnings : "[]",
                   r->uploaded_at_us ? r->uploaded_at_us : tb_clock_now_us(), r->seconds);
    *replaced = old != NULL;
out:
    tb_free(old);
    return st;
}

tb_status tb_store_voice_put(tb_store *store, const tb_voice_row *row, const void *wav, size_t size,
                             bool overwrite, tb_voice_row *out, tb_err *err)
{
    char uuid[TB_UUID_TEXT], hash[TB_HASH_HEX], *path = NULL, *fold = NULL;
    bool written = false, replaced = false;
    tb_file_writer file = {.fd = -1};
    sqlite3 *db = NULL;
    int64_t exists = 0;
    const tb_voice_change notes = {.language = row->language,
                                   .region = row->region,
                                   .gender = row->gender,
                                   .description = row->description,
                                   .model = row->model};
    tb_status st = tb_voice_name_check(row->id, err);
    if (!st) st = tb_voice_notes_check(&notes, err);
    if (st) return st;
    fold = tb_voice_fold(row->id);
    tb_uuid(uuid);
    tb_hash_hex(wav, size, hash);
    path = tb_store_voice_path(store, uuid);

    /* Asked twice: here to spare the disk, and in the transaction to be right. */
    st = tb_store_reader(store, &db, err);
    if (!st) st = tb_db_int(db, 0, &exists, err, "SELECT 1 FROM voices WHERE fold=?", "s", fold);
    tb_store_reader_done(store, db);
    if (!st && exists && !overwrite) st = taken(row->id, err);
    if (st) goto out;
    st = tb_store_want_room(store, err);
    if (st) goto out;
    written = true; /* also when only the folder's sync fails */
    st = tb_store_place(path, wav, size, &file, err);
    if (!st) st = tb_store_write(store, err);
    if (st) goto out;
    st = insert(store, row, uuid, fold, hash, overwrite, &replaced, err);
    if (!st && out) st = find(store->writer, row->id, out, err);
    st = tb_store_write_end(store, st, err);
    if (st && out) tb_voice_row_clear(out);
    if (st) goto out;
    written = false; /* the row's now */
    if (replaced) tb_store_trash_empty(store);
out:
    if (written) unlink(path);
    tb_file_settle(&file);
    tb_free(path);
    tb_free(fold);
    return st;
}

tb_status tb_store_voice_update(tb_store *store, const char *name, const tb_voice_change *c,
                                tb_voice_row *out, tb_err *err)
{
    tb_voice_row old = {0}, now = {0};
    char *fold = NULL;
    int64_t other = 0;
    tb_status st = c->new_name ? tb_voice_name_check(c->new_name, err) : TB_OK;
    if (!st) st = tb_voice_notes_check(c, err);
    if (st) return st;
    st = tb_store_write(store, err);
    if (st) return st;
    st = find(store->writer, name, &old, err);
    if (st) goto out;
    const char *id = c->new_name ? c->new_name : old.id;
    fold = tb_voice_fold(id);
    st = tb_db_int(store->writer, 0, &other, err, "SELECT 1 FROM voices WHERE fold=? AND uuid<>?",
                   "ss", fold, old.uuid);
    if (!st && other) st = taken(id, err);
    if (!st)
        st = tb_db_run(store->writer, err,
                       "UPDATE voices SET name=?, fold=?, language=?, region=?, gender=?, "
                       "description=?, model=? WHERE uuid=?",
                       "ssssssss", id, fold, c->language ? c->language : old.language,
                       c->region ? c->region : old.region, c->gender ? c->gender : old.gender,
                       c->description ? c->description : old.description,
                       c->model ? c->model : old.model, old.uuid);
    if (!st) st = find(store->writer, id, &now, err);
out:
    st = tb_store_write_end(store, st, err);
    if (!st && out) {
        *out = now;
        now = (tb_voice_row){0};
    }
    tb_voice_row_clear(&now);
    tb_voice_row_clear(&old);
    tb_free(fold);
    return st;
}

static tb_status remove_voice(tb_store *store, void *self, int most, bool *more, tb_err *err)
{
    const char *name = self;
    tb_voice_row row = {0};
    (void)most;
    (void)more;
    tb_status st = tb_store_write(store, err);
    if (st) return st;
    st = find(store->writer, name, &row, err);
    if (!st) st = tb_db_run(store->writer, err, "DELETE FROM voices WHERE uuid=?", "s", row.uuid);
    if (!st) st = discard_files(store, row.uuid, err);
    st = tb_store_write_end(store, st, err);
    if (!st) tb_store_trash_empty(store);
    tb_voice_row_clear(&row);
    return st;
}

tb_status tb_store_voice_delete(tb_store *store, const char *name, tb_err *err)
{
    char *copy = tb_strdup(name);
    tb_status st = tb_store_remove(store, remove_voice, copy, err);
    tb_free(copy);
    return st;
}

/* ---- cached analyses ---- */

static char *cache_path(const tb_store *store, const char *uuid, const char *kind)
{
    size_t len = strlen(kind);
    if (!tb_uuid_valid(uuid) || len < 1 || len > 64 ||
        strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789._-") != len)
        return NULL;
    return tb_sprintf("%s/%s.%s.cache", store->voices, uuid, kind);
}

tb_status tb_store_voice_cache_put(tb_store *store, const char *uuid, const char *kind,
                                   const void *data, size_t size, tb_err *err)
{
    sqlite3 *db = NULL;
    int64_t exists = 0;
    char *path = cache_path(store, uuid, kind);
    if (!path) return tb_fail(err, TB_EINTERNAL, "'%s' cannot name a cached analysis", kind);
    tb_file_writer file = {.fd = -1};
    tb_status st = tb_store_want_room(store, err);
    if (st) goto out;
    unlink(path); /* an older one: its place must be free for the new one to have two names */
    st = tb_store_place(path, data, size, &file, err);
    if (st) goto out;
    /* Asked after the write: a delete either sees our file, or we see that the row is gone. */
    st = tb_store_reader(store, &db, err);
    if (!st) st = tb_db_int(db, 0, &exists, err, "SELECT 1 FROM voices WHERE uuid=?", "s", uuid);
    tb_store_reader_done(store, db);
    if (!st && !exists) {
        unlink(path);
        st = tb_fail(err, TB_ENOTFOUND, "the voice was deleted meanwhile");
    }
out:
    tb_file_settle(&file);
    tb_free(path);
    return st;
}

tb_status tb_store_voice_cache_get(tb_store *store, const char *uuid, const char *kind, char **data,
                                   size_t *size, tb_err *err)
{
    enum { MAX = 256 * 1024 * 1024 };
    char *path = cache_path(store, uuid, kind);
    if (!path) return tb_fail(err, TB_ENOTFOUND, "no analysis '%s' is kept", kind);
    tb_status st = tb_file_read_plain(path, MAX, data, size, err);
    tb_free(path);
    return st;
}
