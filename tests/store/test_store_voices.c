/*
 * Tests of voices: names, notes, bounds, replacement, cached measurements.
 */
#include "store_sql.h"

static const char sound[] = "RIFF, the first";

static void a_voice_comes_back_as_it_was_kept(void **state)
{
    tb_store *store = store_open(*state, false);
    const tb_voice_row in = {.id = "Ana María",
                             .language = "es",
                             .region = "MX",
                             .gender = "female",
                             .description = "it's \"quoted\"; DROP TABLE voices;--",
                             .model = "embedded",
                             .uploaded_by = "eve",
                             .uploaded_at_us = 1700000000123456,
                             .seconds = 3.25,
                             .warnings = "[\"short\"]"};
    tb_voice_row put = {0}, got = {0};
    char *data = NULL;
    size_t size = 0;
    assert_ok(tb_store_voice_put(store, &in, sound, sizeof sound, false, &put, err));
    assert_ok(tb_store_voice_get(store, "Ana María", &got, err));
    assert_string_equal(got.uuid, put.uuid);
    assert_string_equal(got.id, "Ana María");
    assert_string_equal(got.filename, "Ana María.wav");
    assert_string_equal(got.language, "es");
    assert_string_equal(got.region, "MX");
    assert_string_equal(got.gender, "female");
    assert_string_equal(got.description, in.description);
    assert_string_equal(got.model, "embedded");
    assert_string_equal(got.uploaded_by, "eve");
    assert_int_equal(got.uploaded_at_us, in.uploaded_at_us);
    assert_true(got.seconds > 3.2 && got.seconds < 3.3);
    assert_string_equal(got.warnings, in.warnings);
    assert_int_equal(strlen(got.content_hash), 64);
    assert_false(got.missing);
    assert_ok(tb_store_voice_read(store, got.uuid, &data, &size, err));
    assert_int_equal(size, sizeof sound);
    assert_memory_equal(data, sound, size);
    tb_free(data);
    tb_voice_row_clear(&put);
    tb_voice_row_clear(&got);
    tb_voice_row_clear(&got); /* twice is nothing */
    tb_store_close(store);
}

static void a_note_has_so_many_characters_and_no_more(void **state)
{
    char note[TB_VOICE_NOTE_MAX + 2];
    tb_err why = {0};
    (void)state;
    memset(note, 'x', sizeof note);
    note[TB_VOICE_NOTE_MAX + 1] = 0;
    assert_int_equal(tb_voice_notes_check(&(tb_voice_change){.region = note}, &why), TB_EINVAL);
    assert_string_equal(why.field, "region");
    assert_non_null(strstr(why.msg, "101 characters"));
    note[TB_VOICE_NOTE_MAX] = 0;
    assert_int_equal(tb_voice_notes_check(&(tb_voice_change){.region = note}, &why), TB_OK);
    assert_int_equal(tb_voice_notes_check(&(tb_voice_change){.gender = "a\x01"}, &why), TB_EINVAL);
    assert_non_null(strstr(why.msg, "the 2. one"));
}

static void a_voice_answers_to_any_case_and_to_its_file_name(void **state)
{
    static const char *const good[] = {"Ana Žižek",     "ANA ŽIŽEK",     "ana žižek",
                                       "ana žižek.wav", "Ana Žižek.WAV", "  ana \t žižek ",
                                       "ana žižek .wav"};
    static const char *const bad[] = {"",
                                      ".wav",
                                      "ana",
                                      "ana zizek",
                                      "%",
                                      "ana%",
                                      "ana žižek.mp3",
                                      "ana žižek.wav.wav",
                                      "../ana žižek",
                                      "./ana žižek",
                                      "ana\xFFžižek",
                                      "\xF0\x9F"};
    tb_store *store = store_open(*state, false);
    store_voice(store, "Ana Žižek", sound);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        tb_voice_row row = {0};
        assert_ok(tb_store_voice_get(store, good[i], &row, err));
        assert_string_equal(row.id, "Ana Žižek");
        tb_voice_row_clear(&row);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tb_voice_row row = {0};
        tb_err why = {0};
        assert_int_equal(tb_store_voice_get(store, bad[i], &row, &why), TB_ENOTFOUND);
        assert_string_equal(why.field, "voice_id");
        assert_non_null(strstr(why.msg, "not found in local storage."));
    }
    tb_store_close(store);
}

static void names_are_words_and_never_paths(void **state)
{
    static const char *const good[] = {"a",    "7",    "Ana-Maria_2 b", "Łódź",     "Анна",
                                       "花子", "नीता", "e\xCC\x81va",   "defaults", "uploaded"};
    static const char *const bad[] = {"",
                                      " ",
                                      " a",
                                      "a ",
                                      "..",
                                      "../a",
                                      "a/b",
                                      "a\\b",
                                      "/a",
                                      "a.wav",
                                      "a.b",
                                      "a\nb",
                                      "a\tb",
                                      "a\x7F",
                                      "a;b",
                                      "a'b",
                                      "a\"b",
                                      "a%b",
                                      "a\xFF",
                                      "\xC0\xAF",
                                      "default",
                                      "DEFAULT",
                                      "List",
                                      "upLoad",
                                      "\xF0\x9F\x98\x80",
                                      "ana \xF0\x9F\x98\x80",
                                      "a\xE2\x80\xAE"
                                      "b",
                                      "a\xC2\xA0"
                                      "b",
                                      "a\xE2\x80\x8B",
                                      "a\xE2\x80\x8D" /* zero-width joiner */
                                      "b",
                                      "a\xEF\xBB\xBF", /* BOM */
                                      "\xE3\x85\xA4",  /* Hangul filler */
                                      "a\xEF\xBE\xA0",
                                      "a\xE1\x85\x9F",
                                      "a\xEF\xB8\x8F", /* variation selector */
                                      "a\xCD\x8F",     /* combining grapheme joiner */
                                      "a\xE1\xA0\x8E",
                                      "a\xE1\x9E\xB4",
                                      "\xD8\x9C"
                                      "a",
                                      "\xCC\x81"
                                      "a"};
    tb_store *store = store_open(*state, false);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_ok(tb_voice_name_check(good[i], err));
        store_voice(store, good[i], sound);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const tb_voice_row row = {.id = bad[i]};
        const tb_voice_change change = {.new_name = bad[i]};
        tb_err why = {0};
        if (tb_voice_name_check(bad[i], &why) != TB_EINVAL) fail_msg("'%s' passed", bad[i]);
        assert_string_equal(why.field, "name");
        assert_refused(TB_EINVAL, "Invalid voice name",
                       tb_store_voice_put(store, &row, sound, 4, true, NULL, err));
        assert_refused(TB_EINVAL, "Invalid voice name",
                       tb_store_voice_update(store, "a", &change, NULL, err));
    }
    assert_int_equal(store_count(*state, "voices"), sizeof good / sizeof good[0]);
    tb_store_close(store);
}

static void put_notes(tb_store *store, const tb_voice_change *n, tb_status wanted, const char *said)
{
    const tb_voice_row row = {.id = "Eva",
                              .language = n->language,
                              .region = n->region,
                              .gender = n->gender,
                              .description = n->description,
                              .model = n->model};
    tb_err put = {0}, change = {0};
    assert_int_equal(tb_store_voice_put(store, &row, sound, 4, true, NULL, &put), wanted);
    assert_int_equal(tb_store_voice_update(store, "Ana", n, NULL, &change), wanted);
    if (!wanted) return;
    assert_non_null(strstr(put.msg, said));
    assert_string_equal(put.msg, change.msg);
    assert_string_equal(put.field, change.field);
}

static void notes_have_a_bound_and_nothing_hidden(void **state)
{
    enum { LONG = 2001 };
    char text[4 * LONG + 1] = {0};
    tb_store *store = store_open(*state, false);
    store_voice(store, "Ana", sound);
    for (int i = 0; i < LONG; i++)
        memcpy(text + 2 * i, "ñ", 2);
    put_notes(store, &(tb_voice_change){.description = text}, TB_EINVAL,
              "description has 2001 characters; at most 2000");
    text[2 * (LONG - 1)] = 0;
    put_notes(store, &(tb_voice_change){.description = text}, TB_OK, NULL);
    text[2 * 101] = 0;
    put_notes(store, &(tb_voice_change){.language = text}, TB_EINVAL, "language has 101");
    put_notes(store, &(tb_voice_change){.region = text}, TB_EINVAL, "region has 101");
    put_notes(store, &(tb_voice_change){.gender = text}, TB_EINVAL, "gender has 101");
    put_notes(store, &(tb_voice_change){.model = text}, TB_EINVAL, "model has 101");
    text[2 * 100] = 0;
    put_notes(store, &(tb_voice_change){NULL, text, text, text, text, text}, TB_OK, NULL);
    put_notes(store, &(tb_voice_change){.description = "two\nlines\tof it"}, TB_OK, NULL);
    static const char *const bad[] = {"a\x1b[2J",
                                      "a\x7f",
                                      "a\xff",
                                      ("a\xE2\x80\xAE"
                                       "b"),
                                      "\xE2\x81\xA6x",
                                      "a\xC2\x85"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put_notes(store, &(tb_voice_change){.description = bad[i]}, TB_EINVAL, "description holds");
        put_notes(store, &(tb_voice_change){.region = bad[i]}, TB_EINVAL, "region holds");
    }
    put_notes(store, &(tb_voice_change){.region = "a\nb"}, TB_EINVAL, "region holds");
    put_notes(store, &(tb_voice_change){.gender = "a\xE2\x80\x8B"}, TB_EINVAL, "gender holds");
    tb_store_close(store);
}

static void there_are_so_many_voices_and_no_more(void **state)
{
    const tb_voice_row one = {.id = "one more"}, old = {.id = "v1"};
    tb_store *store = store_open(*state, false);
    sql(*state,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
        "INSERT INTO voices SELECT 'u' || i, 'v' || i, 'v' || i, '', '', '', '', '', '', 0, "
        "'', 0, '[]', 0 FROM n");
    assert_refused(TB_ECONFLICT, "10000 voices",
                   tb_store_voice_put(store, &one, sound, 4, true, NULL, err));
    assert_ok(tb_store_voice_put(store, &old, sound, 4, true, NULL, err)); /* no more than before */
    assert_int_equal(store_count(*state, "voices"), 1);
    assert_ok(tb_store_voice_delete(store, "v2", err));
    assert_ok(tb_store_voice_put(store, &one, sound, 4, false, NULL, err));
    tb_store_close(store);
}

/* Of a database of schema 4, in which a note could have megabytes. */
static void long_notes_of_before_are_cut(void **state)
{
    tb_store *store = store_open(*state, false);
    tb_voice_row row = {0};
    store_voice(store, "Ana", sound);
    store_voice(store, "Eva", sound);
    tb_store_close(store);
    sql(*state, "UPDATE voices SET description=hex(zeroblob(100000)), region=hex(zeroblob(300)) "
                "WHERE name='Ana'; UPDATE voices SET description='short' WHERE name='Eva';"
                "DROP TABLE facts; PRAGMA user_version=4");
    store = store_open(*state, true);
    assert_ok(tb_store_voice_get(store, "Ana", &row, err));
    assert_int_equal(strlen(row.description), 2000);
    assert_int_equal(strlen(row.region), 100);
    tb_voice_row_clear(&row);
    assert_ok(tb_store_voice_get(store, "Eva", &row, err));
    assert_string_equal(row.description, "short");
    tb_voice_row_clear(&row);
    tb_store_close(store);
}

static void a_name_has_at_most_64_characters_of_any_width(void **state)
{
    char name[3 * 65 + 1] = {0};
    (void)state;
    for (int i = 0; i < 65; i++)
        memcpy(name + 3 * i, "花", 3);
    assert_refused(TB_EINVAL, "65 characters", tb_voice_name_check(name, err));
    name[3 * 64] = 0;
    assert_ok(tb_voice_name_check(name, err));
}

static void a_taken_name_is_a_conflict_in_any_case(void **state)
{
    tb_store *store = store_open(*state, false);
    const tb_voice_row again = {.id = "ANA"};
    store_voice(store, "Ana", sound);
    assert_refused(TB_ECONFLICT, "exists already",
                   tb_store_voice_put(store, &again, "other", 5, false, NULL, err));
    assert_int_equal(store_count(*state, "voices"), 1);
    tb_store_close(store);
}

static void overwriting_replaces_sound_and_caches_under_a_new_uuid(void **state)
{
    tb_store *store = store_open(*state, false);
    const tb_voice_row again = {.id = "ANA", .language = "de"};
    tb_voice_row old = {0}, now = {0};
    char *data = NULL;
    size_t size = 0;
    store_voice(store, "Ana", sound);
    assert_ok(tb_store_voice_get(store, "ana", &old, err));
    assert_ok(tb_store_voice_cache_put(store, old.uuid, "embedded-3", "x", 1, err));
    assert_ok(tb_store_voice_put(store, &again, "RIFF other", 10, true, &now, err));
    assert_string_not_equal(now.uuid, old.uuid);
    assert_string_not_equal(now.content_hash, old.content_hash);
    assert_string_equal(now.id, "ANA");
    assert_string_equal(now.language, "de");
    assert_string_equal(now.warnings, "[]");
    assert_int_equal(store_count(*state, "voices"), 1);
    assert_refused(TB_ENOTFOUND, "",
                   tb_store_voice_cache_get(store, old.uuid, "embedded-3", &data, &size, err));
    assert_refused(TB_ENOTFOUND, "upload it again",
                   tb_store_voice_read(store, old.uuid, &data, &size, err));
    assert_refused(TB_ENOTFOUND, "deleted meanwhile",
                   tb_store_voice_cache_put(store, old.uuid, "embedded-3", "x", 1, err));
    assert_int_equal(store_count(*state, "voices"), 1);
    tb_voice_row_clear(&old);
    tb_voice_row_clear(&now);
    tb_store_close(store);
}

static void a_change_leaves_what_it_does_not_name(void **state)
{
    tb_store *store = store_open(*state, false);
    const tb_voice_change name = {.new_name = "ANA"}, taken = {.new_name = "bob"};
    const tb_voice_change rest = {.description = "soft", .gender = "", .language = "de"};
    tb_voice_row old = {0}, now = {0};
    store_voice(store, "Ana", sound);
    store_voice(store, "Bob", sound);
    assert_ok(tb_store_voice_get(store, "ana", &old, err));
    assert_refused(TB_ECONFLICT, "exists already",
                   tb_store_voice_update(store, "ana", &taken, &now, err));
    assert_null(now.mem);
    assert_ok(tb_store_voice_update(store, "ana", &name, NULL, err)); /* its own, in capitals */
    assert_ok(tb_store_voice_update(store, "ana.wav", &rest, &now, err));
    assert_string_equal(now.id, "ANA");
    assert_string_equal(now.filename, "ANA.wav");
    assert_string_equal(now.uuid, old.uuid);
    assert_string_equal(now.language, "de");
    assert_string_equal(now.description, "soft");
    assert_string_equal(now.content_hash, old.content_hash);
    assert_refused(TB_ENOTFOUND, "nobody",
                   tb_store_voice_update(store, "nobody", &rest, NULL, err));
    tb_voice_row_clear(&old);
    tb_voice_row_clear(&now);
    tb_store_close(store);
}

static void a_deleted_voice_takes_its_files_along(void **state)
{
    tb_store *store = store_open(*state, false);
    tb_voice_row row = {0};
    char *data = NULL;
    size_t size = 0;
    store_voice(store, "Ana", sound);
    store_voice(store, "Bob", sound);
    assert_ok(tb_store_voice_get(store, "ana", &row, err));
    assert_ok(tb_store_voice_cache_put(store, row.uuid, "embedded-3", "old", 3, err));
    assert_ok(tb_store_voice_cache_put(store, row.uuid, "embedded-3", "newer", 5, err));
    assert_ok(tb_store_voice_cache_put(store, row.uuid, "level", "x", 1, err));
    assert_ok(tb_store_voice_cache_get(store, row.uuid, "embedded-3", &data, &size, err));
    assert_string_equal(data, "newer");
    tb_free(data);
    assert_int_equal(store_count(*state, "voices"), 4);
    assert_ok(tb_store_voice_delete(store, "ANA.wav", err));
    assert_int_equal(store_count(*state, "voices"), 1);
    assert_refused(TB_ENOTFOUND, "'ana'", tb_store_voice_delete(store, "ana", err));
    tb_voice_row_clear(&row);
    tb_store_close(store);
}

static void the_names_of_caches_are_no_paths(void **state)
{
    static const char *const bad[] = {
        "",  "../x", "a/b",
        "A", "a b",  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    tb_store *store = store_open(*state, false);
    tb_voice_row row = {0};
    char *data = NULL;
    size_t size = 0;
    store_voice(store, "Ana", sound);
    assert_ok(tb_store_voice_get(store, "ana", &row, err));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_refused(TB_EINTERNAL, "cannot name",
                       tb_store_voice_cache_put(store, row.uuid, bad[i], "x", 1, err));
        assert_refused(TB_ENOTFOUND, "",
                       tb_store_voice_cache_get(store, row.uuid, bad[i], &data, &size, err));
    }
    assert_refused(TB_EINTERNAL, "cannot name",
                   tb_store_voice_cache_put(store, "../timbre", "x", "x", 1, err));
    assert_refused(TB_ENOTFOUND, "", tb_store_voice_read(store, "../timbre.db", &data, &size, err));
    assert_int_equal(store_count(*state, "voices"), 1);
    tb_voice_row_clear(&row);
    tb_store_close(store);
}

static void near_names_are_offered_when_there_is_none(void **state)
{
    static const char *const names[] = {"Anna", "Anne", "Hannah", "Annabel", "Zoltan"};
    tb_store *store = store_open(*state, false);
    tb_voice_row row = {0};
    tb_err why = {0};
    assert_int_equal(tb_store_voice_get(store, "ana", &row, &why), TB_ENOTFOUND);
    assert_string_equal(why.msg, "Voice clone 'ana' not found in local storage.");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        store_voice(store, names[i], sound);
    assert_int_equal(tb_store_voice_get(store, "ANNAA", &row, &why), TB_ENOTFOUND);
    assert_non_null(strstr(why.msg, "'ANNAA'"));
    assert_non_null(strstr(why.msg, "Near names: Anna, Anne"));
    assert_null(strstr(why.msg, "Zoltan"));
    assert_int_equal(tb_store_voice_get(store, "zoltanne.wav", &row, &why), TB_ENOTFOUND);
    assert_non_null(strstr(why.msg, "Near names: Zoltan"));
    tb_store_close(store);
}

static void a_name_of_any_length_is_just_not_found(void **state)
{
    enum { LEN = 10000 };
    tb_store *store = store_open(*state, false);
    tb_voice_row row = {0};
    char *name = tb_alloc(2 * LEN + 1);
    tb_err why = {0};
    for (int i = 0; i < LEN; i++)
        memcpy(name + 2 * i, "é", 2);
    for (int i = 0; i < 40; i++) { /* more near names than it ranks */
        char near[16];
        snprintf(near, sizeof near, "Ana %02d", i);
        store_voice(store, near, sound);
    }
    assert_int_equal(tb_store_voice_get(store, name, &row, &why), TB_ENOTFOUND);
    assert_non_null(strstr(why.msg, "é' not found"));
    assert_int_equal(tb_store_voice_get(store, "Ana 0", &row, &why), TB_ENOTFOUND);
    assert_non_null(strstr(why.msg, "Near names: Ana 0"));
    tb_free(name);
    tb_store_close(store);
}

static void voices_are_listed_by_name_whatever_their_case(void **state)
{
    static const char *const names[] = {"zoe", "Bob", "anna", "Carl"};
    tb_store *store = store_open(*state, false);
    tb_voice_list list = {0};
    assert_ok(tb_store_voice_list(store, &list, err));
    assert_int_equal(list.n, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        store_voice(store, names[i], sound);
    assert_ok(tb_store_voice_list(store, &list, err));
    assert_int_equal(list.n, 4);
    assert_string_equal(list.rows[0].id, "anna");
    assert_string_equal(list.rows[1].id, "Bob");
    assert_string_equal(list.rows[2].id, "Carl");
    assert_string_equal(list.rows[3].id, "zoe");
    tb_voice_list_clear(&list);
    tb_store_close(store);
}

static void a_voice_whose_sound_is_gone_is_marked_at_the_next_start(void **state)
{
    tb_store *store = store_open(*state, true);
    tb_voice_row row = {0};
    char *data = NULL;
    size_t size = 0;
    store_voice(store, "Ana", sound);
    assert_ok(tb_store_voice_get(store, "ana", &row, err));
    char *path = tb_store_voice_path(store, row.uuid);
    assert_int_equal(unlink(path), 0);
    assert_refused(TB_ENOTFOUND, "upload it again",
                   tb_store_voice_read(store, row.uuid, &data, &size, err));
    tb_voice_row_clear(&row);
    tb_store_close(store);

    store = store_open(*state, true);
    assert_ok(tb_store_voice_get(store, "ana", &row, err));
    assert_true(row.missing);
    tb_voice_row_clear(&row);
    tb_store_close(store);

    assert_ok(tb_file_write(path, "RIFF", 4, 0600, err)); /* from a backup */
    store = store_open(*state, true);
    assert_ok(tb_store_voice_get(store, "ana", &row, err));
    assert_false(row.missing);
    tb_voice_row_clear(&row);
    tb_free(path);
    tb_store_close(store);
}

/* Put there by somebody who may write into the folder: nothing of another place is read, and
 * nothing waits. */
static void a_link_or_pipe_in_a_recordings_place_is_none(void **state)
{
    tb_store *store = store_open(*state, true);
    tb_voice_row row = {0};
    char *data = NULL;
    size_t size = 0;
    store_voice(store, "Ana", sound);
    assert_ok(tb_store_voice_get(store, "ana", &row, err));
    assert_ok(tb_store_voice_cache_put(store, row.uuid, "embedded-3", "x", 1, err));
    char *path = tb_store_voice_path(store, row.uuid);
    char *cache = tb_sprintf("%.*s.embedded-3.cache", (int)strlen(path) - 4, path);
    assert_ok(tb_store_voice_cache_get(store, row.uuid, "embedded-3", &data, &size, err));
    tb_free(data);
    for (int i = 0; i < 3; i++) {
        tb_voice_row now = {0};
        const char *const both[] = {path, cache};
        for (size_t k = 0; k < 2; k++) {
            assert_true(unlink(both[k]) == 0 || rmdir(both[k]) == 0);
            if (i == 0) assert_int_equal(symlink("/etc/passwd", both[k]), 0);
            if (i == 1) assert_int_equal(mkfifo(both[k], 0600), 0);
            if (i == 2) assert_int_equal(mkdir(both[k], 0700), 0);
        }
        assert_refused(TB_ENOTFOUND, "upload it again",
                       tb_store_voice_read(store, row.uuid, &data, &size, err));
        assert_true(tb_store_voice_cache_get(store, row.uuid, "embedded-3", &data, &size, NULL));
        assert_ok(tb_store_voice_get(store, "ana", &now, err));
        assert_true(now.missing);
        tb_voice_row_clear(&now);
        tb_store_close(store);
        store = store_open(*state, true); /* which looks at all of them */
    }
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(cache), 0);
    tb_voice_row_clear(&row);
    tb_free(path);
    tb_free(cache);
    tb_store_close(store);
}

/* As macOS writes it, with an accent of its own, and as everybody else does. */
#define COMPOSED   "Jos\xC3\xA9"
#define DECOMPOSED "Jose\xCC\x81"

static void a_name_is_one_name_in_either_unicode_form(void **state)
{
    tb_store *store = store_open(*state, false);
    const tb_voice_row again = {.id = COMPOSED};
    tb_voice_row row = {0};
    store_voice(store, DECOMPOSED, sound);
    assert_ok(tb_store_voice_get(store, COMPOSED, &row, err));
    tb_voice_row_clear(&row);
    assert_refused(TB_ECONFLICT, "exists already",
                   tb_store_voice_put(store, &again, "other", 5, false, NULL, err));
    assert_ok(tb_store_voice_delete(store, "JOS\xC3\x89.wav", err));
    tb_store_close(store);
}

/* A database of schema 3 may hold both: each stays a voice, and can be named. */
static void names_of_an_older_database_are_brought_to_one_form(void **state)
{
    tb_store *store = store_open(*state, false);
    tb_voice_list list = {0};
    store_voice(store, COMPOSED, sound);
    store_voice(store, "Maria", "RIFF, another");
    tb_store_close(store);
    char *path = tb_path_join(*state, "timbre.db");
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE voices SET name='" DECOMPOSED "', fold='jose\xCC\x81' "
                                  "WHERE name='Maria'; PRAGMA user_version=3",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    tb_free(path);
    store = store_open(*state, false);
    assert_ok(tb_store_voice_list(store, &list, err));
    assert_int_equal(list.n, 2);
    for (size_t i = 0; i < 2; i++) {
        tb_voice_row row = {0};
        assert_ok(tb_store_voice_get(store, list.rows[i].id, &row, err));
        assert_string_equal(row.uuid, list.rows[i].uuid);
        tb_voice_row_clear(&row);
    }
    tb_voice_list_clear(&list);
    tb_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_note_has_so_many_characters_and_no_more),
        store_test(a_voice_comes_back_as_it_was_kept),
        store_test(a_voice_answers_to_any_case_and_to_its_file_name),
        store_test(a_name_is_one_name_in_either_unicode_form),
        store_test(names_of_an_older_database_are_brought_to_one_form),
        store_test(names_are_words_and_never_paths),
        cmocka_unit_test(a_name_has_at_most_64_characters_of_any_width),
        store_test(notes_have_a_bound_and_nothing_hidden),
        store_test(there_are_so_many_voices_and_no_more),
        store_test(long_notes_of_before_are_cut),
        store_test(a_taken_name_is_a_conflict_in_any_case),
        store_test(overwriting_replaces_sound_and_caches_under_a_new_uuid),
        store_test(a_change_leaves_what_it_does_not_name),
        store_test(a_deleted_voice_takes_its_files_along),
        store_test(the_names_of_caches_are_no_paths),
        store_test(near_names_are_offered_when_there_is_none),
        store_test(a_name_of_any_length_is_just_not_found),
        store_test(a_link_or_pipe_in_a_recordings_place_is_none),
        store_test(voices_are_listed_by_name_whatever_their_case),
        store_test(a_voice_whose_sound_is_gone_is_marked_at_the_next_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
