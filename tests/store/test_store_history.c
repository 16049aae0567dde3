/*
 * Tests of clips and history: order, pages, search, deletion, retention.
 */
#include "base/hash.h"
#include "store_help.h"

#include <sys/resource.h>
#include <sys/wait.h>

/* Lists and gives the number of rows; the rows themselves go. */
static size_t found(tb_store *store, const char *q)
{
    const tb_clip_query query = {.q = q};
    tb_clip_list list = {0};
    assert_ok(tb_store_clip_list(store, &query, &list, err));
    size_t n = list.n;
    assert_int_equal(list.total, n);
    assert_string_equal(list.cursor, "");
    tb_clip_list_clear(&list);
    return n;
}

static void a_clip_comes_back_as_it_was_committed(void **state)
{
    tb_store *store = store_open(*state, false);
    tb_clip_row in = {.id = "not this",
                      .filename = "../nor this",
                      .text = "Hello, \"world\"; it's 花",
                      .voice_used = "Ana",
                      .mode = "text",
                      .language_id = "en",
                      .timestamp_us = 1700000000123456,
                      .user = "eve",
                      .job_id = "j1",
                      .engine = "embedded",
                      .seed = ((uint64_t)1 << 53) - 1,
                      .params = "{\"a\":1}",
                      .format = "mp3",
                      .content_type = "audio/mpeg",
                      .duration_s = 2.5,
                      .size_bytes = 99};
    tb_clip_row got = {0}, same = {0};
    tb_clip_writer *w = NULL;
    tb_clip_file file = {.fd = -1};
    char id[TB_UUID_TEXT], bytes[16] = {0};
    assert_ok(tb_store_clip_begin(store, "mp3", &w, err));
    strcpy(id, tb_clip_writer_id(w));
    assert_true(tb_uuid_valid(id));
    char *filename = tb_sprintf("gen_%s.mp3", id);
    assert_string_equal(tb_clip_writer_filename(w), filename);
    assert_ok(tb_clip_writer_append(w, "____", 4, err));
    assert_ok(tb_clip_writer_append(w, "sound", 5, err));
    assert_refused(TB_ENOTFOUND, "History item not found",
                   tb_store_clip_get(store, id, &got, err)); /* not before the commit */
    assert_ok(tb_clip_writer_rewrite(w, 0, "RIFF", 4, err));
    assert_refused(TB_EINTERNAL, "rewriting", tb_clip_writer_rewrite(w, 6, "long", 4, err));
    assert_refused(TB_EINTERNAL, "rewriting", tb_clip_writer_rewrite(w, UINT64_MAX, "x", 1, err));
    assert_int_equal(pread(tb_clip_writer_fd(w), bytes, 9, 0), 9);
    assert_string_equal(bytes, "RIFFsound");
    assert_ok(tb_clip_writer_commit(w, &in, err));

    assert_ok(tb_store_clip_get(store, id, &got, err));
    assert_string_equal(got.id, id);
    assert_string_equal(got.filename, filename);
    assert_int_equal(got.size_bytes, 9);
    assert_string_equal(got.text, in.text);
    assert_string_equal(got.voice_used, "Ana");
    assert_string_equal(got.user, "eve");
    assert_string_equal(got.job_id, "j1");
    assert_string_equal(got.params, in.params);
    assert_string_equal(got.prompt_hash, "");
    assert_string_equal(got.content_type, "audio/mpeg");
    assert_true(got.seed == in.seed);
    assert_int_equal(got.timestamp_us, in.timestamp_us);
    assert_false(got.missing);
    assert_ok(tb_store_clip_by_filename(store, filename, &same, err));
    assert_string_equal(same.id, id);

    assert_ok(tb_store_clip_open(store, &got, &file, err));
    assert_int_equal(file.size, 9);
    assert_int_equal(strlen(file.etag), 38);
    assert_ok(tb_store_clip_delete_all(store, NULL, err));
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(read(file.fd, bytes, sizeof bytes), 9); /* open is open */
    assert_string_equal(bytes, "RIFFsound");
    close(file.fd);
    assert_refused(TB_ENOTFOUND, "File not found", tb_store_clip_open(store, &got, &file, err));
    assert_int_equal(store_count(*state, "clips"), 0);
    tb_free(filename);
    tb_clip_row_clear(&got);
    tb_clip_row_clear(&same);
    tb_store_close(store);
}

static void an_aborted_clip_leaves_nothing(void **state)
{
    tb_store *store = store_open(*state, false);
    tb_clip_writer *w = NULL;
    assert_ok(tb_store_clip_begin(store, "wav", &w, err));
    assert_ok(tb_clip_writer_append(w, "x", 1, err));
    assert_int_equal(store_count(*state, "clips"), 1);
    tb_clip_writer_abort(w);
    tb_clip_writer_abort(NULL);
    assert_int_equal(store_count(*state, "clips"), 0);
    assert_int_equal(found(store, NULL), 0);
    static const char *const bad[] = {"", "WAV", "w/v", "..", "wavwavwav", "w v"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(TB_EINTERNAL, "extension", tb_store_clip_begin(store, bad[i], &w, err));
    tb_store_close(store);
}

static void the_newest_comes_first(void **state)
{
    static const int64_t times[] = {50, 10, 40, 10, 30};
    static const char *const order[] = {"0", "2", "4", "3", "1"};
    tb_store *store = store_open(*state, false);
    const tb_clip_query all = {0};
    tb_clip_list list = {0};
    for (int i = 0; i < 5; i++) {
        const char name[] = {(char)('0' + i), 0};
        store_say(store, name, "Ana", times[i], NULL);
    }
    assert_ok(tb_store_clip_list(store, &all, &list, err));
    assert_int_equal(list.n, 5);
    for (int i = 0; i < 5; i++) /* of one instant: the one that came later */
        assert_string_equal(list.rows[i].text, order[i]);
    tb_clip_list_clear(&list);
    tb_store_close(store);
}

static void pages_neither_repeat_nor_lose_rows_while_others_come(void **state)
{
    enum { ROWS = 25, PAGE = 4 };
    tb_store *store = store_open(*state, false);
    bool seen[ROWS] = {false};
    char cursor[64] = "";
    int pages = 0;
    for (int i = 0; i < ROWS; i++) { /* five of each instant */
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        store_say(store, name, "Ana", 1000 + i / 5, NULL);
    }
    do {
        const tb_clip_query query = {.limit = PAGE, .cursor = cursor};
        tb_clip_list list = {0};
        assert_ok(tb_store_clip_list(store, &query, &list, err));
        assert_int_equal(list.total, ROWS + pages);
        assert_true(list.n <= PAGE);
        for (size_t i = 0; i < list.n; i++) {
            int at = atoi(list.rows[i].text);
            assert_in_range(at, 0, ROWS - 1);
            assert_false(seen[at]);
            seen[at] = true;
        }
        strcpy(cursor, list.cursor);
        tb_clip_list_clear(&list);
        store_say(store, "later", "Ana", 2000 + pages++, NULL);
    } while (*cursor);
    for (int i = 0; i < ROWS; i++)
        assert_true(seen[i]);
    assert_int_equal(pages, 7);
    tb_store_close(store);
}

static void a_page_that_ends_with_the_last_row_has_no_next_one(void **state)
{
    tb_store *store = store_open(*state, false);
    const tb_clip_query query = {.limit = 2};
    tb_clip_list list = {0};
    store_say(store, "a", "Ana", 1, NULL);
    store_say(store, "b", "Ana", 2, NULL);
    assert_ok(tb_store_clip_list(store, &query, &list, err));
    assert_int_equal(list.n, 2);
    assert_string_equal(list.cursor, "");
    tb_clip_list_clear(&list);
    tb_store_close(store);
}

static void a_strange_cursor_is_refused(void **state)
{
    static const char *const bad[] = {"x",
                                      "-",
                                      "1-",
                                      "-1",
                                      "1-2-3",
                                      "1 -2",
                                      "0x1-2",
                                      "1-2 ",
                                      "1--2",
                                      "' OR 1",
                                      "1234567890abcdef-1",
                                      "1-1234567890abcdef"};
    tb_store *store = store_open(*state, false);
    tb_clip_list list = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const tb_clip_query query = {.cursor = bad[i]};
        assert_refused(TB_EINVAL, "cursor", tb_store_clip_list(store, &query, &list, err));
    }
    const tb_clip_query odd = {.cursor = "0-0"};
    assert_ok(tb_store_clip_list(store, &odd, &list, err));
    assert_int_equal(list.n, 0);
    tb_clip_list_clear(&list);
    tb_store_close(store);
}

static void words_are_found_in_any_order_case_and_accent(void **state)
{
    tb_store *store = store_open(*state, false);
    store_say(store, "The café was closed on Monday", "Ana", 1, NULL);
    store_say(store, "Nothing else matters", "Zoë", 2, NULL);
    store_say(store, "今日は天気がいいです", "花子", 3, NULL);
    store_say(store, "100% sure; a+b=c", "Bob", 4, NULL);
    assert_int_equal(found(store, "cafe"), 1);
    assert_int_equal(found(store, "MONDAY café"), 1);
    assert_int_equal(found(store, "mon clos"), 1); /* starts of words */
    assert_int_equal(found(store, "onday"), 0);
    assert_int_equal(found(store, "cafe matters"), 0);
    assert_int_equal(found(store, "zoe nothing"), 1); /* the voice's name too */
    assert_int_equal(found(store, "天気"), 1);
    assert_int_equal(found(store, "花子 天気"), 1);
    assert_int_equal(found(store, "雨"), 0);
    assert_int_equal(found(store, "100%"), 1);
    assert_int_equal(found(store, ""), 4);
    assert_int_equal(found(store, " \t\n "), 4);
    assert_ok(tb_store_clip_delete_all(store, NULL, err));
    assert_int_equal(found(store, "cafe"), 0);
    tb_store_close(store);
}

static void no_search_text_is_a_syntax_error(void **state)
{
    static const char *const hostile[] = {"\"",
                                          "\"\"",
                                          "'",
                                          "NEAR(",
                                          "NEAR(a b, 2)",
                                          "*",
                                          "a*",
                                          "^a",
                                          "a OR",
                                          "OR",
                                          "AND NOT",
                                          "NOT a",
                                          "(",
                                          ")",
                                          "((((",
                                          "a)",
                                          "text:a",
                                          "voice_used:",
                                          "{text}: a",
                                          "-",
                                          "a -b",
                                          "+",
                                          "a + b",
                                          "a\001b",
                                          "\x01\x02\x1F",
                                          "\x7F",
                                          "\xFF\xFE",
                                          "a\xF0\x9F",
                                          "\\",
                                          "%",
                                          "_",
                                          ";",
                                          "--",
                                          "'; DROP TABLE history;--",
                                          "\xF0\x9F\x98\x80",
                                          "\xE2\x80\xAE",
                                          "?1",
                                          "$x",
                                          "a\"b\"c",
                                          "\"a",
                                          "a\"*",
                                          "null",
                                          "rowid:1",
                                          "\xCC\x81",
                                          "e\xCC\x81"};
    tb_store *store = store_open(*state, false);
    store_say(store, "an apple or a pear, near b", "Ana", 1, NULL);
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++)
        assert_true(found(store, hostile[i]) <= 1);
    assert_int_equal(found(store, "\""), 0); /* no word in it */
    assert_int_equal(found(store, "\"apple\" OR"), 1);
    assert_int_equal(found(store, "NEAR("), 1);
    tb_store_close(store);
}

static void a_long_search_text_is_cut_or_passed_over(void **state)
{
    enum { LEN = 10000 };
    static const char *const units[] = {"a",  "a ",  "apple ",  "\"", "(",
                                        "花", "花 ", "天気 a ", "* "};
    tb_store *store = store_open(*state, false);
    store_say(store, "an apple a day", "Ana", 1, NULL);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        tb_str q = {0};
        tb_str_init(&q, 4 * LEN);
        while (q.len < LEN)
            tb_str_puts(&q, units[i]);
        assert_true(found(store, q.data) <= 1);
        tb_str_clear(&q);
    }
    tb_store_close(store);
}

static void a_user_sees_only_their_own_rows(void **state)
{
    tb_store *store = store_open(*state, false);
    const tb_clip_row eve = {.text = "red apple", .user = "eve"},
                      bob = {.text = "green apple", .user = "bob"};
    const tb_clip_query theirs = {.user = "eve", .q = "apple", .limit = 1};
    tb_clip_list list = {0};
    assert_ok(store_clip(store, &eve, 1, NULL, err));
    assert_ok(store_clip(store, &bob, 1, NULL, err));
    assert_ok(tb_store_clip_list(store, &theirs, &list, err));
    assert_int_equal(list.n, 1);
    assert_int_equal(list.total, 1);
    assert_string_equal(list.rows[0].text, "red apple");
    assert_string_equal(list.cursor, "");
    tb_clip_list_clear(&list);
    tb_store_close(store);
}

static void deleting_counts_what_went_and_what_is_left(void **state)
{
    tb_store *store = store_open(*state, false);
    char ids[5][TB_UUID_TEXT];
    size_t deleted = 99;
    uint64_t left = 99;
    for (int i = 0; i < 5; i++)
        store_say(store, "some words", "Ana", i + 1, ids[i]);
    const char *const some[] = {ids[1], "nobody's", ids[3], ids[1], "", "'; DROP TABLE history"};
    assert_ok(tb_store_clip_delete(store, some, 6, &deleted, &left, err));
    assert_int_equal(deleted, 2);
    assert_int_equal(left, 3);
    assert_int_equal(store_count(*state, "clips"), 3);
    assert_int_equal(found(store, "words"), 3);
    assert_ok(tb_store_clip_delete(store, NULL, 0, &deleted, NULL, err));
    assert_int_equal(deleted, 0);
    assert_ok(tb_store_clip_delete_all(store, &left, err));
    assert_int_equal(left, 0);
    assert_int_equal(store_count(*state, "clips"), 0);
    assert_int_equal(found(store, NULL), 0);
    tb_store_close(store);
}

static void retention_by_age_takes_what_is_older(void **state)
{
    tb_store *store = store_open(*state, false);
    int64_t now_us = tb_clock_now_us();
    size_t deleted = 99;
    store_say(store, "old", "Ana", now_us - (int64_t)3600 * 1000000, NULL);
    store_say(store, "older", "Ana", 1, NULL);
    store_say(store, "new", "Ana", now_us, NULL);
    assert_ok(tb_store_retain(store, 0, 0, &deleted, err));
    assert_int_equal(deleted, 0);
    assert_ok(tb_store_retain(store, INT64_MAX, 0, &deleted, err));
    assert_int_equal(deleted, 0);
    assert_ok(tb_store_retain(store, 1800, 0, &deleted, err));
    assert_int_equal(deleted, 2);
    assert_int_equal(found(store, "new"), 1);
    assert_int_equal(store_count(*state, "clips"), 1);
    tb_store_close(store);
}

static void retention_by_size_keeps_the_newest(void **state)
{
    tb_store *store = store_open(*state, false);
    size_t deleted = 0;
    for (int i = 0; i < 10; i++) /* 100 bytes each */
        store_say(store, i < 7 ? "old" : "new", "Ana", i + 1, NULL);
    assert_ok(tb_store_retain(store, 0, UINT64_MAX, &deleted, err));
    assert_int_equal(deleted, 0);
    assert_ok(tb_store_retain(store, 0, 1000, &deleted, err));
    assert_int_equal(deleted, 0);
    assert_ok(tb_store_retain(store, 0, 399, &deleted, err));
    assert_int_equal(deleted, 7);
    assert_int_equal(found(store, "new"), 3);
    assert_int_equal(store_count(*state, "clips"), 3);
    assert_ok(tb_store_retain(store, 0, 1, NULL, err));
    assert_int_equal(found(store, NULL), 0);
    tb_store_close(store);
}

static void a_clip_whose_file_is_gone_is_marked(void **state)
{
    tb_store *store = store_open(*state, true);
    char id[TB_UUID_TEXT], other[TB_UUID_TEXT];
    tb_clip_row row = {0};
    tb_clip_file file = {.fd = -1};
    tb_store_figures figures = {0};
    store_say(store, "a", "Ana", 1, id);
    store_say(store, "b", "Ana", 2, other);
    for (int i = 0; i < 2; i++) {
        char *path = tb_sprintf("%s/clips/gen_%s.wav", (const char *)*state, i ? other : id);
        assert_int_equal(unlink(path), 0);
        tb_free(path);
    }
    assert_ok(tb_store_clip_get(store, id, &row, err)); /* one when somebody wants it */
    assert_refused(TB_ENOTFOUND, "File not found", tb_store_clip_open(store, &row, &file, err));
    tb_clip_row_clear(&row);
    assert_ok(tb_store_clip_get(store, id, &row, err));
    assert_true(row.missing);
    tb_clip_row_clear(&row);
    tb_store_close(store);
    store = store_open(*state, true); /* the other at the next start */
    assert_ok(tb_store_clip_get(store, other, &row, err));
    assert_true(row.missing);
    tb_clip_row_clear(&row);
    assert_ok(tb_store_stats(store, &figures, err));
    assert_int_equal(figures.clips, 2);
    assert_int_equal(figures.clips_missing, 2);
    assert_int_equal(figures.clip_bytes, 0);
    tb_store_close(store);
}

static void a_download_name_is_looked_up_and_never_a_path(void **state)
{
    static const char *const bad[] = {"",          "../timbre.db", "..",
                                      ".",         "/etc/passwd",  "secret.wav",
                                      "gen_%.wav", "gen_' OR 1=1"};
    tb_store *store = store_open(*state, false);
    char id[TB_UUID_TEXT];
    char *clips = tb_path_join(*state, "clips");
    tb_clip_row row = {0};
    tb_clip_file file = {.fd = -1};
    store_say(store, "a", "Ana", 1, id);
    store_file(clips, "secret.wav", "RIFF", 4); /* there, but no row names it */
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(TB_ENOTFOUND, "File not found",
                       tb_store_clip_by_filename(store, bad[i], &row, err));
    char *name = tb_sprintf("gen_%s.wav", id), *longer = tb_sprintf("../clips/%s", name);
    assert_refused(TB_ENOTFOUND, "File not found",
                   tb_store_clip_by_filename(store, longer, &row, err));
    const tb_clip_row tampered = {.id = id, .filename = "../timbre.db"};
    assert_refused(TB_ENOTFOUND, "File not found",
                   tb_store_clip_open(store, &tampered, &file, err));
    assert_int_equal(file.fd, -1);
    /* A link in the folder leads nowhere either. */
    char *path = tb_path_join(clips, name);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("secret.wav", path), 0);
    assert_ok(tb_store_clip_by_filename(store, name, &row, err));
    assert_true(row.missing);
    assert_refused(TB_ENOTFOUND, "File not found", tb_store_clip_open(store, &row, &file, err));
    /* Nor does a pipe, which nobody waits for. */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused(TB_ENOTFOUND, "File not found", tb_store_clip_open(store, &row, &file, err));
    assert_int_equal(file.fd, -1);
    tb_clip_row_clear(&row);
    tb_free(path);
    tb_free(name);
    tb_free(longer);
    tb_free(clips);
    tb_store_close(store);
}

/* In a child that gets no more address space: a clip with a long text is an error, not an end of
 * the process and not a clip without a text; a short one is read. */
static int read_in_a_narrow_place(const char *data)
{
    enum { LONG = 4 << 20, HOLES = 2048 };
    char *text = tb_try_alloc(LONG, 1), *holes[HOLES];
    char long_id[TB_UUID_TEXT], short_id[TB_UUID_TEXT];
    tb_store *store = NULL;
    tb_clip_row row = {.text = "Hi"};
    tb_clip_list list = {0};
    tb_err err = {0};
    if (!text || tb_store_open(data, false, &store, &err)) return 1;
    if (store_clip(store, &row, 10, short_id, &err)) return 2;
    memset(text, 'a', LONG - 1);
    row.text = text;
    if (store_clip(store, &row, 10, long_id, &err)) return 3;
    for (size_t i = 0; i < HOLES; i++) /* for what is small */
        holes[i] = tb_alloc(1000);
    for (size_t i = 0; i < HOLES; i++)
        tb_free(holes[i]);
    const struct rlimit narrow = {.rlim_cur = 16 << 20, .rlim_max = RLIM_INFINITY};
    if (setrlimit(RLIMIT_AS, &narrow) != 0) return 4;
    err = (tb_err){0};
    if (tb_store_clip_get(store, long_id, &row, &err) != TB_ENOMEM || !err.msg[0]) return 5;
    const tb_clip_query query = {.limit = 10};
    if (tb_store_clip_list(store, &query, &list, &err) != TB_ENOMEM || list.n) return 6;
    if (tb_store_clip_get(store, short_id, &row, &err) != TB_OK) return 7;
    return strcmp(row.text, "Hi") == 0 ? 0 : 8;
}

static void a_long_text_is_read_where_there_is_room(void **state)
{
#ifdef __SANITIZE_ADDRESS__
    skip();
#endif
    int status = 0;
    pid_t child = fork();
    if (child == 0) _exit(read_in_a_narrow_place(*state));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(a_clip_comes_back_as_it_was_committed),
        store_test(an_aborted_clip_leaves_nothing),
        store_test(a_long_text_is_read_where_there_is_room),
        store_test(the_newest_comes_first),
        store_test(pages_neither_repeat_nor_lose_rows_while_others_come),
        store_test(a_page_that_ends_with_the_last_row_has_no_next_one),
        store_test(a_strange_cursor_is_refused),
        store_test(words_are_found_in_any_order_case_and_accent),
        store_test(no_search_text_is_a_syntax_error),
        store_test(a_long_search_text_is_cut_or_passed_over),
        store_test(a_user_sees_only_their_own_rows),
        store_test(deleting_counts_what_went_and_what_is_left),
        store_test(retention_by_age_takes_what_is_older),
        store_test(retention_by_size_keeps_the_newest),
        store_test(a_clip_whose_file_is_gone_is_marked),
        store_test(a_download_name_is_looked_up_and_never_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
