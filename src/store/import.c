#include "store/store_priv.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/*
 * An older service's folders, taken over once: VOICES_DIR/<name>.wav (with voices.json or
 * <name>.json beside it, if any) and HISTORY_FILE's rows with STORAGE_DIR/<filename>. They are only
 * read. What is broken is passed over with a warning line, so that one bad file does not keep the
 * rest out.
 */
enum { FILE_MAX = 64 << 20, JSON_MAX = 64 << 20, TEXT_MAX = 1000000 };

struct import {
    tb_store *store;
    tb_store_decode decode;
    void *self;
    tb_import_result *result;
};

static void skip(struct import *im, const char *what, const tb_err *err)
{
    im->result->skipped++;
    tb_log(TB_WARN, "store", "import=skipped what=\"%.200s\" why=\"%s\"", what, err->msg);
}

static const char *member(const tb_json *o, const char *key)
{
    const char *s = o ? tb_json_get_string(o, key) : NULL;
    return s ? s : "";
}

/* Of an entry; nothing, and a line in the log, when it is longer than is kept. */
static const char *short_member(const tb_json *o, const char *key, size_t most, const char *of)
{
    const char *s = member(o, key);
    if (tb_utf8_count(s, strlen(s)) <= most) return s;
    tb_log(TB_WARN, "store", "import=shortened what=\"%.200s\" why=\"its %s is too long\"", of,
           key);
    return "";
}

/* HISTORY_FILE may be a link, what lies in a folder may not. */
static tb_json *read_json(const char *path, bool plain)
{
    char *text = NULL;
    size_t size = 0;
    tb_json *v = NULL;
    tb_err err = {0};
    if (!tb_file_exists(path)) return NULL;
    tb_status st = plain ? tb_file_read_plain(path, JSON_MAX, &text, &size, &err)
                         : tb_file_read(path, JSON_MAX, &text, &size, &err);
    if (st || tb_json_parse(text, size, &v, &err))
        tb_log(TB_WARN, "store", "import=unreadable path=\"%.200s\" why=\"%s\"", path, err.msg);
    tb_free(text);
    return v;
}

/* The old times were local and without a zone: "2025-01-31T12:00:00.123456". */
static int64_t old_time(const char *s)
{
    struct tm tm = {.tm_isdst = -1};
    int us = 0;
    if (sscanf(s, "%d-%d-%dT%d:%d:%d.%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec, &us) < 6)
        return 0;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    time_t t = mktime(&tm);
    return t < 0 || us < 0 || us > 999999 ? 0 : (int64_t)t * 1000000 + us;
}

static void take_voice(struct import *im, const char *folder, const char *file, const tb_json *all)
{
    char *path = tb_path_join(folder, file), *name = tb_strndup(file, strlen(file) - 4);
    char *json_path = tb_sprintf("%s/%s.json", folder, name), *data = NULL, *wav = NULL;
    tb_json *own = read_json(json_path, true);
    const tb_json *meta = own ? own : all ? tb_json_get(all, name) : NULL;
    size_t size = 0, wav_size = 0;
    double seconds = 0;
    tb_err err = {0};
    tb_status st = tb_voice_name_check(name, &err);
    if (!st) st = tb_file_read_plain(path, FILE_MAX, &data, &size, &err);
    if (!st && im->decode) {
        st = im->decode(im->self, data, size, &wav, &wav_size, &seconds, &err);
    } else if (!st && (size < 12 || memcmp(data, "RIFF", 4) != 0)) {
        st = tb_fail(&err, TB_EMEDIA, "it is not a RIFF file");
    }
    if (!st) {
        tb_voice_row row = {
            .id = name,
            .language = short_member(meta, "language", TB_VOICE_NOTE_MAX, path),
            .region = short_member(meta, "region", TB_VOICE_NOTE_MAX, path),
            .gender = short_member(meta, "gender", TB_VOICE_NOTE_MAX, path),
            .description = short_member(meta, "description", TB_VOICE_DESCRIPTION_MAX, path),
            .model = short_member(meta, "model", TB_VOICE_NOTE_MAX, path),
            .uploaded_by = short_member(meta, "uploaded_by", TB_VOICE_NOTE_MAX, path),
            .uploaded_at_us = old_time(member(meta, "uploaded_at")),
            .seconds = seconds,
        };
        st = tb_store_voice_put(im->store, &row, wav ? wav : data, wav ? wav_size : size, false,
                                NULL, &err);
    }
    if (st)
        skip(im, path, &err);
    else
        im->result->voices++;
    tb_json_free(own);
    tb_free(json_path);
    tb_free(path);
    tb_free(name);
    tb_free(data);
    tb_free(wav);
}

static void take_voices(struct import *im, const char *folder)
{
    DIR *dir = folder && *folder ? opendir(folder) : NULL;
    if (!dir) return;
    char *index = tb_path_join(folder, "voices.json");
    tb_json *all = read_json(index, true);
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.' && strlen(e->d_name) > 4 && tb_str_ends(e->d_name, ".wav"))
            take_voice(im, folder, e->d_name, all);
    closedir(dir);
    tb_json_free(all);
    tb_free(index);
}

/* Sixteen-bit mono or whatever the RIFF says: bytes of data by bytes a second. */
static double wav_seconds(const char *data, size_t size)
{
    const unsigned char *p = (const unsigned char *)data;
    if (size < 44 || memcmp(p, "RIFF", 4) != 0) return 0;
    double rate = p[28] + 256.0 * p[29] + 65536.0 * p[30];
    return rate > 0 ? (double)(size - 44) / rate : 0;
}

static void take_clip(struct import *im, const char *folder, const tb_json *old)
{
    const char *file = member(old, "filename");
    char *path = NULL, *data = NULL;
    size_t size = 0;
    tb_err err = {0};
    tb_clip_writer *w = NULL;
    tb_status st = TB_OK;
    /* A name out of a file is a name, never a way out of its folder. */
    if (!*file || strchr(file, '/') || file[0] == '.')
        st = tb_fail(&err, TB_EINVAL, "its filename is not a plain name");
    path = tb_path_join(folder, file);
    if (!st) st = tb_file_read_plain(path, FILE_MAX, &data, &size, &err);
    if (!st) st = tb_store_clip_begin(im->store, "wav", &w, &err);
    if (!st && (st = tb_clip_writer_append(w, data, size, &err))) tb_clip_writer_abort(w);
    if (!st) {
        tb_clip_row row = {
            .text = short_member(old, "text", TEXT_MAX, path),
            .voice_used = short_member(old, "voice_used", TB_VOICE_NOTE_MAX, path),
            .mode = short_member(old, "mode", TB_VOICE_NOTE_MAX, path),
            .language_id = short_member(old, "language_id", TB_VOICE_NOTE_MAX, path),
            .timestamp_us = old_time(member(old, "timestamp")),
            .user = short_member(old, "user", TB_VOICE_NOTE_MAX, path),
            .engine = "imported",
            .format = "wav",
            .content_type = "audio/wav",
            .duration_s = wav_seconds(data, size),
        };
        st = tb_clip_writer_commit(w, &row, &err);
    }
    if (st)
        skip(im, path, &err);
    else
        im->result->clips++;
    tb_free(path);
    tb_free(data);
}

static void take_history(struct import *im, const char *folder, const char *file)
{
    tb_json *all = file && *file && folder && *folder ? read_json(file, false) : NULL;
    if (all && !tb_json_is_array(all))
        tb_log(TB_WARN, "store", "import=skipped what=\"%.200s\" why=\"it is not an array\"", file);
    for (size_t i = tb_json_len(all); i > 0; i--) { /* newest first in there; oldest in here */
        const tb_json *entry = tb_json_at(all, i - 1);
        const tb_err broken = {.msg = "an entry is not an object"};
        if (tb_json_is_object(entry))
            take_clip(im, folder, entry);
        else
            skip(im, file, &broken);
    }
    tb_json_free(all);
}

static bool same_folder(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

tb_status tb_store_import(tb_store *store, const char *voices_dir, const char *storage_dir,
                          const char *history_file, tb_store_decode decode, void *self,
                          tb_import_result *out, tb_err *err)
{
    tb_import_result result = {0};
    struct import im = {store, decode, self, &result};
    int64_t before = 0;
    char *source = tb_sprintf("%s|%s|%s", voices_dir ? voices_dir : "",
                              storage_dir ? storage_dir : "", history_file ? history_file : "");
    /* A data folder that lies where the old service ran: our own voices are no older service's. */
    if (voices_dir && same_folder(voices_dir, store->voices)) voices_dir = NULL;
    if (storage_dir && same_folder(storage_dir, store->clips)) storage_dir = NULL;
    bool any = (voices_dir && tb_file_is_dir(voices_dir)) ||
               (history_file && tb_file_exists(history_file));
    sqlite3 *db = NULL;
    tb_status st = TB_OK;
    if (!any) goto out; /* nothing there yet: not noted, so that it may come later */
    st = tb_store_reader(store, &db, err);
    if (st) goto out;
    st = tb_db_int(db, 0, &before, err, "SELECT count(*) FROM imports WHERE source = ?", "s",
                   source);
    tb_store_reader_done(store, db);
    if (st) goto out;
    if (before) {
        result.done_before = true;
        goto out;
    }
    take_voices(&im, voices_dir);
    take_history(&im, storage_dir, history_file);
    st = tb_store_write(store, err);
    if (!st)
        st = tb_store_write_end(store,
                                tb_db_run(store->writer, err,
                                          "INSERT INTO imports(source, at_us, taken, skipped) "
                                          "VALUES(?, ?, ?, ?)",
                                          "siii", source, tb_clock_now_us(),
                                          (int64_t)(result.voices + result.clips),
                                          (int64_t)result.skipped),
                                err);
out:
    if (!st) *out = result;
    tb_free(source);
    return st;
}
