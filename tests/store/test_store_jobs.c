/*
 * Tests of prompts and jobs: how long they stay, interrupted jobs, unwritten ends.
 */
#include "base/hash.h"
#include "store_sql.h"

#include <signal.h>
#include <sys/resource.h>

static void a_prompt_stays_as_long_as_a_row_names_it(void **state)
{
    tb_store *store = store_open(*state, false);
    char hash[TB_HASH_HEX], again[TB_HASH_HEX], id[TB_UUID_TEXT], second[TB_UUID_TEXT];
    char *data = NULL;
    size_t size = 0;
    assert_ok(tb_store_prompt_put(store, "RIFF prompt", 11, hash, err));
    tb_clip_row row = {.text = "a", .prompt_hash = hash};
    assert_ok(store_clip(store, &row, 1, id, err));
    assert_ok(tb_store_prompt_put(store, "RIFF prompt", 11, again, err));
    assert_string_equal(hash, again);
    assert_ok(store_clip(store, &row, 1, second, err));
    assert_int_equal(store_count(*state, "prompts"), 1);
    const char *const first_id[] = {id}, *const second_id[] = {second};
    assert_ok(tb_store_clip_delete(store, first_id, 1, NULL, NULL, err));
    assert_ok(tb_store_prompt_get(store, hash, &data, &size, err));
    assert_string_equal(data, "RIFF prompt");
    tb_free(data);
    assert_ok(tb_store_clip_delete(store, second_id, 1, NULL, NULL, err));
    assert_refused(TB_ENOTFOUND, "not kept any more",
                   tb_store_prompt_get(store, hash, &data, &size, err));
    assert_int_equal(store_count(*state, "prompts"), 0);
    assert_refused(TB_ENOTFOUND, "not kept any more",
                   tb_store_prompt_get(store, "../timbre.db", &data, &size, err));
    tb_store_close(store);
}

static void a_prompt_that_waits_for_its_row_is_not_taken_away(void **state)
{
    tb_store *store = store_open(*state, false);
    char hash[TB_HASH_HEX];
    char *data = NULL;
    size_t size = 0;
    assert_ok(tb_store_prompt_put(store, "RIFF prompt", 11, hash, err));
    store_say(store, "a", "Ana", 1, NULL);
    assert_ok(tb_store_clip_delete_all(store, NULL, err)); /* prunes */
    tb_store_close(store);
    store = store_open(*state, true); /* prunes too */
    assert_ok(tb_store_prompt_get(store, hash, &data, &size, err));
    tb_free(data);
    tb_store_close(store);
}

static void jobs_keep_their_end(void **state)
{
    tb_store *store = store_open(*state, false);
    const tb_job_row in = {.id = "j1", .user = "eve", .params = "{}"},
                     odd = {.id = "j2", .state = "asleep"};
    tb_job_row got = {0};
    assert_ok(tb_store_job_add(store, &in, err));
    assert_refused(TB_EINTERNAL, "", tb_store_job_add(store, &in, err)); /* an id is one job's */
    assert_refused(TB_EINTERNAL, "asleep", tb_store_job_add(store, &odd, err));
    assert_ok(tb_store_job_get(store, "j1", &got, err));
    assert_string_equal(got.state, "queued");
    assert_string_equal(got.user, "eve");
    assert_true(got.created_us > 0);
    assert_int_equal(got.ended_us, 0);
    tb_job_row_clear(&got);
    assert_ok(tb_store_job_set(store, "j1", "running", NULL, "clip", err));
    assert_ok(tb_store_job_set(store, "j1", "failed", "no voice", NULL, err));
    assert_refused(TB_ECONFLICT, "failed already",
                   tb_store_job_set(store, "j1", "finished", NULL, NULL, err));
    assert_refused(TB_EINTERNAL, "asleep",
                   tb_store_job_set(store, "j1", "asleep", NULL, NULL, err));
    assert_refused(TB_ENOTFOUND, "Job not found",
                   tb_store_job_set(store, "j2", "running", NULL, NULL, err));
    assert_refused(TB_ENOTFOUND, "Job not found", tb_store_job_get(store, "j2", &got, err));
    assert_ok(tb_store_job_get(store, "j1", &got, err));
    assert_string_equal(got.state, "failed");
    assert_string_equal(got.error, "no voice");
    assert_string_equal(got.clip_id, "clip");
    assert_true(got.ended_us >= got.created_us);
    tb_job_row_clear(&got);
    tb_store_close(store);
}

static void what_still_ran_is_interrupted_at_the_servers_next_start(void **state)
{
    static const char *const before[] = {"queued", "running", "finished", "failed", "cancelled"};
    static const char *const after[] = {"interrupted", "interrupted", "finished", "failed",
                                        "cancelled"};
    tb_store *store = store_open(*state, true);
    for (int i = 0; i < 5; i++) {
        const tb_job_row row = {.id = before[i], .state = before[i]};
        assert_ok(tb_store_job_add(store, &row, err));
    }
    tb_store_close(store);
    for (int turn = 0; turn < 2; turn++) { /* the command line first: it changes nothing */
        store = store_open(*state, turn == 1);
        for (int i = 0; i < 5; i++) {
            tb_job_row row = {0};
            assert_ok(tb_store_job_get(store, before[i], &row, err));
            assert_string_equal(row.state, turn ? after[i] : before[i]);
            if (turn && i < 2) assert_true(row.ended_us > 0);
            tb_job_row_clear(&row);
        }
        tb_store_close(store);
    }
}

/* A disk that is full at a job's end: it is told, and written when there is room. */
static void an_end_that_cannot_be_written_is_told_all_the_same(void **state)
{
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = RLIM_INFINITY};
    struct rlimit before;
    tb_store *store = store_open(*state, true);
    tb_job_row got = {0};
    for (int i = 0; i < 2; i++) {
        const tb_job_row row = {.id = i ? "j2" : "j1", .state = "running", .user = "eve"};
        assert_ok(tb_store_job_add(store, &row, err));
    }
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    tb_err why = {0};
    tb_status ended = tb_store_job_set(store, "j1", "failed", "no room", NULL, &why);
    tb_status ended2 = tb_store_job_set(store, "j2", "finished", NULL, "clip", &why);
    tb_status tidied = tb_store_tidy(store, &why);
    tb_status looked = tb_store_job_get(store, "j1", &got, &why);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(ended != TB_OK && ended2 != TB_OK);
    (void)tidied;
    assert_int_equal(looked, TB_OK);
    assert_string_equal(got.state, "failed");
    assert_string_equal(got.error, "no room");
    assert_string_equal(got.user, "eve");
    assert_true(got.ended_us > 0);
    tb_job_row_clear(&got);
    assert_ok(tb_store_tidy(store, err));
    tb_store_close(store);
    store = store_open(*state, true); /* what still ran would be interrupted now */
    assert_ok(tb_store_job_get(store, "j1", &got, err));
    assert_string_equal(got.state, "failed");
    tb_job_row_clear(&got);
    assert_ok(tb_store_job_get(store, "j2", &got, err));
    assert_string_equal(got.state, "finished");
    assert_string_equal(got.clip_id, "clip");
    tb_job_row_clear(&got);
    tb_store_close(store);
}

/* Another program holds the database from before the job to behind its end. */
static void a_job_that_cannot_be_noted_yet_is_told_all_the_same(void **state)
{
    tb_store *store = store_open(*state, true);
    sqlite3 *holder = NULL;
    tb_job_row got = {0};
    char *path = tb_path_join(*state, "timbre.db");
    assert_int_equal(sqlite3_open(path, &holder), SQLITE_OK);
    assert_int_equal(sqlite3_exec(holder, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    tb_store_wait_until(1);
    const tb_job_row row = {.id = "j1", .state = "running", .user = "eve", .params = "{}"};
    assert_refused(TB_EUNREADY, "busy", tb_store_job_add(store, &row, err));
    assert_ok(tb_store_job_get(store, "j1", &got, err));
    assert_string_equal(got.state, "running");
    assert_string_equal(got.user, "eve");
    assert_true(got.created_us > 0 && got.ended_us == 0);
    tb_job_row_clear(&got);
    assert_refused(TB_ENOTFOUND, "not found", tb_store_job_get(store, "j2", &got, err));
    assert_ok(tb_store_tidy(store, err)); /* still held: it is kept in mind */
    assert_ok(tb_store_job_set(store, "j1", "finished", NULL, "clip", err));
    for (int written = 0; written < 2; written++) {
        assert_ok(tb_store_job_get(store, "j1", &got, err));
        assert_string_equal(got.state, "finished");
        assert_string_equal(got.clip_id, "clip");
        assert_string_equal(got.params, "{}");
        assert_true(got.ended_us >= got.created_us);
        tb_job_row_clear(&got);
        if (written) break;
        sqlite3_close(holder);
        assert_ok(tb_store_tidy(store, err));
        tb_store_close(store);
        store = store_open(*state, true);
    }
    tb_store_wait_until(0);
    tb_store_close(store);
    tb_free(path);
}

static int64_t rows(const char *folder, const char *select)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    char *path = tb_path_join(folder, "timbre.db");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, select, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    tb_free(path);
    return n;
}

static void jobs_of_long_ago_are_forgotten(void **state)
{
    tb_store *store = store_open(*state, true);
    sql(*state, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) "
                "INSERT INTO jobs SELECT 'a' || i, '', 'finished', 1, "
                "unixepoch() * 1000000 - i, '', '', '' FROM n");
    sql(*state, "INSERT INTO jobs VALUES('old', '', 'failed', 1, 1, '', '', ''),"
                "('runs', '', 'running', 1, 0, '', '', '')");
    assert_ok(tb_store_tidy(store, err));
    assert_int_equal(rows(*state, "SELECT count(*) FROM jobs WHERE id='old'"), 0);
    assert_int_equal(rows(*state, "SELECT count(*) FROM jobs WHERE id='runs'"), 1);
    int64_t n = rows(*state, "SELECT count(*) FROM jobs");
    assert_true(n > 9000 && n <= 10001);
    tb_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(a_prompt_stays_as_long_as_a_row_names_it),
        store_test(a_prompt_that_waits_for_its_row_is_not_taken_away),
        store_test(jobs_keep_their_end),
        store_test(an_end_that_cannot_be_written_is_told_all_the_same),
        store_test(a_job_that_cannot_be_noted_yet_is_told_all_the_same),
        store_test(jobs_of_long_ago_are_forgotten),
        store_test(what_still_ran_is_interrupted_at_the_servers_next_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
