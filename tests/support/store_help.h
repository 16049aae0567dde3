#ifndef TB_TEST_STORE_HELP_H
#define TB_TEST_STORE_HELP_H

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "folder.h"
#include "store/store.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* For the tests of the store: each test has a fresh folder, which goes when the test ends. */

static inline int store_folder_make(void **state)
{
    const char *tmp = getenv("TMPDIR");
    char *path = tb_sprintf("%s/timbre-store-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    *state = path;
    return mkdtemp(path) ? 0 : -1;
}

static inline int store_folder_remove(void **state)
{
    (void)test_folder_remove(*state);
    tb_free(*state);
    return 0;
}

#define store_test(f) cmocka_unit_test_setup_teardown(f, store_folder_make, store_folder_remove)

#define assert_ok(call)                                           \
    do {                                                          \
        tb_err err_ = {0}, *err = &err_;                          \
        if ((call) != TB_OK) fail_msg("%s: %s", #call, err_.msg); \
    } while (0)

/* The call sees an `err` of its own; its sentence must hold `word`. */
#define assert_refused(wanted, word, call)                                \
    do {                                                                  \
        tb_err err_ = {0}, *err = &err_;                                  \
        tb_status st_ = (call);                                           \
        if (st_ != (wanted) || !strstr(err_.msg, word))                   \
            fail_msg("%s: status %d, \"%s\"", #call, (int)st_, err_.msg); \
    } while (0)

static inline tb_store *store_open(const char *folder, bool exclusive)
{
    tb_store *store = NULL;
    assert_ok(tb_store_open(folder, exclusive, &store, err));
    return store;
}

/* Files of DATA/<folder>, temporary ones too. */
static inline int store_count(const char *data, const char *folder)
{
    char *path = tb_path_join(data, folder);
    DIR *dir = opendir(path);
    int n = 0;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(dir);
    tb_free(path);
    return n;
}

static inline void store_file(const char *folder, const char *name, const void *data, size_t size)
{
    char *path = tb_path_join(folder, name);
    assert_ok(tb_file_write(path, data, size, 0600, err));
    tb_free(path);
}

/* A clip of `size` bytes; its id into id (37 bytes) when not NULL. */
static inline tb_status store_clip(tb_store *store, const tb_clip_row *row, size_t size, char *id,
                                   tb_err *err)
{
    tb_clip_writer *w = NULL;
    char block[1024];
    memset(block, 's', sizeof block);
    tb_status st = tb_store_clip_begin(store, "wav", &w, err);
    if (st) return st;
    if (id) strcpy(id, tb_clip_writer_id(w));
    while (size > 0) {
        size_t n = size < sizeof block ? size : sizeof block;
        st = tb_clip_writer_append(w, block, n, err);
        if (st) {
            tb_clip_writer_abort(w);
            return st;
        }
        size -= n;
    }
    return tb_clip_writer_commit(w, row, err);
}

static inline void store_say(tb_store *store, const char *text, const char *voice,
                             int64_t timestamp_us, char *id)
{
    const tb_clip_row row = {.text = text,
                             .voice_used = voice,
                             .mode = "text",
                             .format = "wav",
                             .content_type = "audio/wav",
                             .params = "{}",
                             .timestamp_us = timestamp_us};
    assert_ok(store_clip(store, &row, 100, id, err));
}

static inline void store_voice(tb_store *store, const char *name, const char *sound)
{
    const tb_voice_row row = {.id = name, .language = "en", .seconds = 1.5};
    assert_ok(tb_store_voice_put(store, &row, sound, strlen(sound), false, NULL, err));
}

/* For tb_store_check: how many of each problem. */
typedef struct {
    int of[4];
} store_found;

static inline void store_count_problem(void *self, tb_store_problem problem, const char *path)
{
    store_found *f = self;
    assert_non_null(path);
    f->of[problem]++;
}

#endif
