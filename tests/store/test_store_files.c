/*
 * Opening the store: sharing, modes, newer, damaged and lost databases.
 */
#include "base/hash.h"
#include "store_sql.h"

#include <sys/wait.h>

static uint64_t clips(tb_store *store)
{
    tb_store_figures figures = {0};
    assert_ok(tb_store_stats(store, &figures, err));
    return figures.clips;
}

/* ---- opening ---- */

static void one_server_and_any_number_of_others_share_a_folder(void **state)
{
    tb_store *first = store_open(*state, true), *second = NULL;
    assert_refused(TB_ECONFLICT, "serves", tb_store_open(*state, true, &second, err));
    assert_null(second);
    second = store_open(*state, false);
    store_say(first, "by the first", "Ana", 1, NULL);
    store_say(second, "by the second", "Ana", 2, NULL);
    assert_int_equal(clips(first), 2);
    assert_int_equal(clips(second), 2);
    tb_store_close(first);
    first = store_open(*state, true); /* the lock went with it */
    tb_store_close(first);
    tb_store_close(second);
    tb_store_close(NULL);
}

static void a_folder_is_made_for_its_owner_only(void **state)
{
    char *path = tb_path_join(*state, "a/b/c");
    struct stat info;
    tb_store_close(store_open(path, true));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    tb_store *store = store_open(path, true);
    assert_string_equal(tb_store_data_dir(store), path);
    tb_store_close(store);
    tb_free(path);
}

static void a_file_in_the_folders_place_is_refused(void **state)
{
    tb_store *store = NULL;
    char *path = tb_path_join(*state, "data");
    store_file(*state, "data", "x", 1);
    assert_refused(TB_EINTERNAL, "is not a folder", tb_store_open(path, false, &store, err));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("unmounted", path), 0);
    assert_refused(TB_EINTERNAL, "leads to no folder", tb_store_open(path, true, &store, err));
    tb_free(path);
}

static void a_newer_database_is_refused_with_a_sentence(void **state)
{
    tb_store *store = store_open(*state, false);
    tb_store_close(store);
    store = NULL;
    sql(*state, "PRAGMA user_version=99");
    assert_refused(TB_EINTERNAL, "newer timbre", tb_store_open(*state, true, &store, err));
    assert_null(store);
    sql(*state, "PRAGMA user_version=5");
    tb_store_close(store_open(*state, true)); /* and nothing was changed, the lock is free */
}

static void a_damaged_database_is_refused_with_a_sentence(void **state)
{
    enum { SIZE = 16384 };
    tb_store *store = NULL;
    char *rubbish = tb_alloc(SIZE);
    memset(rubbish, 'r', SIZE);
    store_file(*state, "timbre.db", rubbish, SIZE);
    assert_refused(TB_EINTERNAL, "damaged", tb_store_open(*state, true, &store, err));
    assert_null(store);
    char *path = tb_path_join(*state, "timbre.db");
    assert_int_equal(tb_file_size(path), SIZE); /* left for a person to look at */
    tb_free(path);
    tb_free(rubbish);
}

/* Whatever belongs into it: the sentence says which file, what is gone and what to do. */
static void what_a_database_has_lost_is_named(void **state)
{
    static const struct {
        const char *sql, *said;
    } losses[] = {
        {"DROP TABLE voices", "the table voices"},
        {"DROP TABLE jobs", "the table jobs"},
        {"DROP TABLE prompts", "the table prompts"},
        {"DROP TABLE trash", "the table trash"},
        {"DROP TABLE imports", "the table imports"},
        {"DROP TABLE history_fts", "the table history_fts"},
        {"DROP TRIGGER history_added", "the trigger history_added"},
        {"DROP INDEX history_time", "the index history_time"},
        {"ALTER TABLE voices DROP COLUMN warnings", "the column warnings of voices"},
        {"ALTER TABLE history RENAME COLUMN seed TO seeds", "the column seed of history"},
    };
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        tb_store *store = NULL;
        char *folder = tb_sprintf("%s/%zu", (const char *)*state, i);
        char *path = tb_path_join(folder, "timbre.db");
        tb_store_close(store_open(folder, true));
        sql(folder, losses[i].sql);
        assert_refused(TB_EINTERNAL, losses[i].said, tb_store_open(folder, true, &store, err));
        assert_refused(TB_EINTERNAL, path, tb_store_open(folder, false, &store, err));
        assert_refused(TB_EINTERNAL, "backup", tb_store_open(folder, true, &store, err));
        tb_free(path);
        tb_free(folder);
    }
}

static void what_stands_in_the_databases_place_is_named(void **state)
{
    static const char *const names[] = {"timbre.db", "timbre.db-wal", "timbre.db-shm",
                                        "timbre.db-journal"};
    static const char *const said[] = {"is a folder", "not a regular file", "leads to no file"};
    for (size_t i = 0; i < 12; i++) {
        tb_store *store = NULL;
        char *folder = tb_sprintf("%s/%zu", (const char *)*state, i);
        char *path = tb_path_join(folder, names[i / 3]);
        assert_ok(tb_file_mkdirs(folder, 0700, err));
        if (i % 3 == 0) assert_int_equal(mkdir(path, 0700), 0);
        if (i % 3 == 1) assert_int_equal(mkfifo(path, 0600), 0); /* to open one waits for ever */
        if (i % 3 == 2) assert_int_equal(symlink("nowhere/timbre.db", path), 0);
        assert_refused(TB_EINTERNAL, path, tb_store_open(folder, true, &store, err));
        assert_refused(TB_EINTERNAL, said[i % 3], tb_store_open(folder, true, &store, err));
        tb_free(path);
        tb_free(folder);
    }
}

static void a_lost_database_does_not_begin_anew_in_silence(void **state)
{
    for (int i = 0; i < 3; i++) {
        char *folder = tb_sprintf("%s/%d", (const char *)*state, i), hash[TB_HASH_HEX];
        char *path = tb_path_join(folder, "timbre.db");
        tb_store *store = store_open(folder, true);
        if (i == 0) store_say(store, "hello", "Ana", 1, NULL);
        if (i == 1) store_voice(store, "Ana", "RIFF");
        if (i == 2) assert_ok(tb_store_prompt_put(store, "RIFF", 4, hash, err));
        tb_store_close(store);
        store = NULL;
        assert_int_equal(unlink(path), 0);
        assert_refused(TB_EINTERNAL, path, tb_store_open(folder, true, &store, err));
        assert_refused(TB_EINTERNAL, "touch ", tb_store_open(folder, false, &store, err));
        assert_false(tb_file_exists(path));
        assert_ok(tb_file_write(path, "", 0, 0600, err)); /* as that sentence says */
        store = store_open(folder, true);
        assert_int_equal(clips(store), 0);
        assert_int_equal(store_count(folder, "clips") + store_count(folder, "voices") +
                             store_count(folder, "prompts"),
                         1); /* which is a stranger's now */
        tb_store_close(store);
        tb_free(path);
        tb_free(folder);
    }
    /* Files of others are no sign of a database. */
    char *voices = tb_path_join(*state, "voices");
    assert_ok(tb_file_mkdirs(voices, 0700, err));
    store_file(voices, "ana.wav", "RIFF", 4);
    store_file(voices, "gen_x.wav", "RIFF", 4);
    tb_store_close(store_open(*state, true));
    tb_free(voices);
}

static void damage_in_the_middle_is_an_error_and_no_crash(void **state)
{
    enum { PAGE = 4096 };
    char *path = tb_path_join(*state, "timbre.db"), *data = NULL;
    size_t size = 0;
    tb_store *store = store_open(*state, false);
    for (int i = 0; i < 20; i++)
        store_say(store, "words and words", "Ana", i + 1, NULL);
    tb_store_close(store);
    assert_ok(tb_file_read(path, 1 << 24, &data, &size, err));
    assert_true(size > 2 * PAGE);
    char *good = tb_alloc(size);
    memcpy(good, data, size);

    memset(data + PAGE, 'r', size - PAGE);
    store_file(*state, "timbre.db", data, size);
    assert_refused(TB_EINTERNAL, "damaged", tb_store_open(*state, true, &store, err));
    store_file(*state, "timbre.db", good, size / 2); /* cut short */
    assert_refused(TB_EINTERNAL, "damaged", tb_store_open(*state, true, &store, err));
    store_file(*state, "timbre.db", good, size); /* from the backup */
    store = store_open(*state, true);
    assert_int_equal(clips(store), 20);
    tb_store_close(store);
    tb_free(path);
    tb_free(data);
    tb_free(good);
}

static void an_empty_database_file_is_a_new_one(void **state)
{
    store_file(*state, "timbre.db", "", 0);
    tb_store *store = store_open(*state, true);
    assert_int_equal(clips(store), 0);
    tb_store_close(store);
}

static void an_old_database_keeps_its_rows_and_learns_to_search(void **state)
{
    tb_store *store = store_open(*state, false);
    const tb_clip_query query = {.q = "apple"};
    tb_clip_list list = {0};
    char hash[TB_HASH_HEX];
    store_say(store, "an apple", "Ana", 1, NULL);
    store_say(store, "a pear", "Ana", 2, NULL);
    tb_store_close(store);
    /* Back to what schema 1 was. */
    sql(*state, "BEGIN; DROP TRIGGER history_added; DROP TRIGGER history_gone;"
                "DROP TABLE history_fts; DROP TABLE prompts; DROP TABLE trash;"
                "DROP TABLE imports; DROP TABLE pronunciations; DROP TABLE facts; PRAGMA "
                "user_version=1; COMMIT");
    store = store_open(*state, true);
    assert_ok(tb_store_clip_list(store, &query, &list, err));
    assert_int_equal(list.n, 1);
    assert_string_equal(list.rows[0].text, "an apple");
    tb_clip_list_clear(&list);
    store_say(store, "another apple", "Ana", 3, NULL);
    assert_ok(tb_store_prompt_put(store, "RIFF", 4, hash, err));
    assert_ok(tb_store_clip_list(store, &query, &list, err));
    assert_int_equal(list.n, 2);
    tb_clip_list_clear(&list);
    assert_ok(tb_store_clip_delete_all(store, NULL, err));
    tb_store_close(store);
}

static void two_that_open_a_new_folder_at_once_both_succeed(void **state)
{
    for (int turn = 0; turn < 5; turn++) {
        char *data = tb_sprintf("%s/%d", (const char *)*state, turn);
        pid_t child[3];
        for (int i = 0; i < 3; i++) {
            child[i] = fork();
            assert_true(child[i] >= 0);
            if (child[i] == 0) {
                tb_store *store = NULL;
                tb_err err = {0};
                tb_status st = tb_store_open(data, false, &store, &err);
                if (st) fprintf(stderr, "%s\n", err.msg);
                _exit(st != TB_OK);
            }
        }
        for (int i = 0; i < 3; i++) {
            int how = 0;
            assert_int_equal(waitpid(child[i], &how, 0), child[i]);
            assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
        }
        tb_free(data);
    }
}

/* ---- the check ---- */

static void the_check_tells_strangers_from_what_is_missing(void **state)
{
    tb_store *store = store_open(*state, false);
    store_found f = {{0}};
    char id[TB_UUID_TEXT], *dir = tb_path_join(*state, "clips");
    store_say(store, "a", "Ana", 1, id);
    store_voice(store, "Ana", "RIFF");
    assert_ok(tb_store_check(store, store_count_problem, &f, err));
    for (int i = 0; i < 4; i++)
        assert_int_equal(f.of[i], 0);
    store_file(dir, "stranger.wav", "x", 1);
    store_file(dir, ".tb-tmp-0123", "x", 1);
    char *path = tb_sprintf("%s/gen_%s.wav", dir, id);
    assert_int_equal(unlink(path), 0);
    assert_ok(tb_store_check(store, store_count_problem, &f, err));
    assert_int_equal(f.of[TB_STORE_UNKNOWN_FILE], 1);
    assert_int_equal(f.of[TB_STORE_MISSING_FILE], 1);
    assert_int_equal(f.of[TB_STORE_TEMPORARY_FILE], 1);
    assert_int_equal(f.of[TB_STORE_DAMAGED], 0);
    assert_int_equal(store_count(*state, "clips"), 2); /* nothing was removed */
    tb_free(path);
    tb_free(dir);
    tb_store_close(store);
}

/* ---- import ---- */

static tb_status decode_nothing(void *self, const char *data, size_t size, char **wav,
                                size_t *wav_size, double *seconds, tb_err *err)
{
    (*(int *)self)++;
    if (size < 4 || memcmp(data, "RIFF", 4) != 0) return tb_fail(err, TB_EMEDIA, "it is no sound");
    *wav = tb_strndup("RIFF decoded", 12);
    *wav_size = 12;
    *seconds = 2.5;
    return TB_OK;
}

/* An older service's folders in DATA/old. */
static void old_service(const char *folder)
{
    static const char index[] = "{\"Ana\": {\"language\": \"es\", \"gender\": \"female\","
                                "\"uploaded_at\": \"2024-05-06T07:08:09.5\"}, \"Bob\": 7}";
    static const char history[] =
        "[{\"id\": 1, \"filename\": \"one.wav\", \"text\": \"newest\", \"voice_used\": \"Ana\","
        " \"timestamp\": \"2024-05-06T07:08:09.500000\"},"
        " 7, null, {}, {\"filename\": 9},"
        " {\"filename\": \"../outside.wav\", \"text\": \"x\"},"
        " {\"filename\": \"/etc/hostname\", \"text\": \"x\"},"
        " {\"filename\": \"gone.wav\", \"text\": \"x\"},"
        " {\"filename\": \"..\", \"text\": \"x\"},"
        " {\"filename\": \"sub\", \"text\": \"x\"},"
        " {\"filename\": \"two.wav\", \"text\": \"oldest\", \"timestamp\": \"nonsense\"}]";
    char *voices = tb_path_join(folder, "voices"), *out = tb_path_join(folder, "out");
    char *sub = tb_path_join(out, "sub");
    assert_ok(tb_file_mkdirs(voices, 0700, err));
    assert_ok(tb_file_mkdirs(sub, 0700, err));
    store_file(voices, "Ana.wav", "RIFF Ana's voice", 16);
    store_file(voices, "Bob.wav", "RIFF Bob's voice", 16);
    store_file(voices, "Bob.json", "{\"language\": \"de\"}", 18);
    store_file(voices, "Eve.wav", "not a sound", 11);
    store_file(voices, "b;d.wav", "RIFF of a bad name", 18);
    store_file(voices, "default.wav", "RIFF of a reserved name", 23);
    store_file(voices, "voices.json", index, sizeof index - 1);
    store_file(voices, "notes.txt", "x", 1);
    store_file(out, "one.wav", "RIFF one", 8);
    store_file(out, "two.wav", "RIFF two", 8);
    store_file(folder, "outside.wav", "RIFF secret", 11);
    store_file(folder, "history.json", history, sizeof history - 1);
    tb_free(voices);
    tb_free(out);
    tb_free(sub);
}

static void an_older_services_folders_are_taken_over_once(void **state)
{
    char *data = tb_path_join(*state, "data"), *old = tb_path_join(*state, "old");
    char *voices = tb_path_join(old, "voices"), *out = tb_path_join(old, "out");
    char *history = tb_path_join(old, "history.json");
    tb_store *store = store_open(data, true);
    tb_import_result r = {0};
    tb_voice_row ana = {0}, bob = {0};
    tb_clip_list list = {0};
    const tb_clip_query all = {0};
    int decoded = 0;
    /* Nothing there yet is not noted. */
    assert_ok(tb_store_import(store, voices, out, history, decode_nothing, &decoded, &r, err));
    assert_false(r.done_before);
    old_service(old);
    assert_ok(tb_store_import(store, voices, out, history, decode_nothing, &decoded, &r, err));
    assert_false(r.done_before);
    assert_int_equal(r.voices, 2);
    assert_int_equal(r.clips, 2);
    assert_int_equal(r.skipped, 3 + 9);
    assert_int_equal(decoded, 3); /* a bad name is not worth decoding */
    assert_ok(tb_store_voice_get(store, "ana", &ana, err));
    assert_string_equal(ana.language, "es");
    assert_string_equal(ana.gender, "female");
    assert_true(ana.seconds > 2.4);
    assert_true(ana.uploaded_at_us > (int64_t)1714000000 * 1000000 &&
                ana.uploaded_at_us < (int64_t)1716000000 * 1000000);
    assert_ok(tb_store_voice_get(store, "bob", &bob, err));
    assert_string_equal(bob.language, "de");
    assert_ok(tb_store_clip_list(store, &all, &list, err));
    assert_int_equal(list.n, 2);
    for (size_t i = 0; i < list.n; i++) {
        assert_int_equal(list.rows[i].size_bytes, 8);
        if (strcmp(list.rows[i].text, "newest") == 0)
            assert_string_equal(list.rows[i].voice_used, "Ana");
        else
            assert_string_equal(list.rows[i].text, "oldest");
    }
    tb_clip_list_clear(&list);

    memset(&r, 0, sizeof r);
    assert_ok(tb_store_import(store, voices, out, history, decode_nothing, &decoded, &r, err));
    assert_true(r.done_before);
    assert_int_equal(r.voices + r.clips + r.skipped, 0);
    assert_int_equal(clips(store), 2);
    assert_int_equal(decoded, 3);
    /* Only read. */
    assert_int_equal(store_count(old, "voices"), 8);
    assert_int_equal(store_count(old, "out"), 3);
    assert_int_equal(store_count(*state, "old"), 4);
    tb_voice_row_clear(&ana);
    tb_voice_row_clear(&bob);
    tb_store_close(store);
    tb_free(data);
    tb_free(old);
    tb_free(voices);
    tb_free(out);
    tb_free(history);
}

static void a_broken_history_file_keeps_no_voice_out(void **state)
{
    static const char *const broken[] = {"",  "{",        "[{\"filename\":", "{}",
                                         "7", "\xFF\xFE", "[[[[]]]]"};
    char *voices = tb_path_join(*state, "voices-of-old");
    tb_import_result r = {0};
    assert_ok(tb_file_mkdirs(voices, 0700, err));
    store_file(voices, "Ana.wav", "RIFF, twelve and more", 20);
    store_file(voices, "Bob.wav", "no RIFF at all, not decoded", 20);
    store_file(voices, "voices.json", "[]", 2);
    store_file(voices, "Ana.json", "[7]", 3);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        char *data = tb_sprintf("%s/data%zu", (const char *)*state, i);
        char *history = tb_path_join(*state, "history.json");
        store_file(*state, "history.json", broken[i], strlen(broken[i]));
        tb_store *store = store_open(data, false);
        assert_ok(tb_store_import(store, voices, voices, history, NULL, NULL, &r, err));
        assert_int_equal(r.voices, 1);
        assert_int_equal(r.clips, 0);
        tb_store_close(store);
        tb_free(data);
        tb_free(history);
    }
    tb_free(voices);
}

static void absent_folders_are_nothing_to_take_over(void **state)
{
    tb_store *store = store_open(*state, false);
    tb_import_result r = {.voices = 9};
    assert_ok(tb_store_import(store, NULL, NULL, NULL, NULL, NULL, &r, err));
    assert_int_equal(r.voices + r.clips + r.skipped, 0);
    assert_ok(tb_store_import(store, "", "", "", NULL, NULL, &r, err));
    assert_ok(tb_store_import(store, "/nonexistent", "/nonexistent", "/nonexistent/h.json", NULL,
                              NULL, &r, err));
    assert_false(r.done_before);
    tb_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(one_server_and_any_number_of_others_share_a_folder),
        store_test(a_folder_is_made_for_its_owner_only),
        store_test(a_file_in_the_folders_place_is_refused),
        store_test(a_newer_database_is_refused_with_a_sentence),
        store_test(a_damaged_database_is_refused_with_a_sentence),
        store_test(what_a_database_has_lost_is_named),
        store_test(what_stands_in_the_databases_place_is_named),
        store_test(a_lost_database_does_not_begin_anew_in_silence),
        store_test(damage_in_the_middle_is_an_error_and_no_crash),
        store_test(an_empty_database_file_is_a_new_one),
        store_test(an_old_database_keeps_its_rows_and_learns_to_search),
        store_test(two_that_open_a_new_folder_at_once_both_succeed),
        store_test(the_check_tells_strangers_from_what_is_missing),
        store_test(an_older_services_folders_are_taken_over_once),
        store_test(a_broken_history_file_keeps_no_voice_out),
        store_test(absent_folders_are_nothing_to_take_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
