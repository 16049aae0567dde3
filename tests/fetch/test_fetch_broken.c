/*
 * Downloads over broken connections: cuts, wrong ranges, damaged parts, servers that lie.
 */
#include "fetch_help.h"

/* Lines that are cut, parts that are damaged, servers that are busy, silent, wrong or lying. */

static void a_cut_connection_is_taken_up_where_it_broke(void **state)
{
    (void)state;
    hub_misbehave(HUB_CUT, HUB_T3, 2);
    hub->after = 100000;
    assert_int_equal(pulled(), turbo_bytes());
    assert_int_equal(hub->gets[HUB_T3], 3);
    assert_int_equal(hub->range_from, 200000);
    has_turbo("model", 0);
}

static void a_list_that_is_cut_is_asked_for_anew(void **state)
{
    (void)state;
    hub_misbehave(HUB_CUT, HUB_FILES, 2); /* the revision, which it does not touch, and the list */
    hub->after = 300;
    pulled();
    has_turbo("model", 0);
    assert_int_equal(hub->times, 0);
    assert_int_equal(hub->range_from, 0);
}

static void a_line_that_is_cut_each_time_ends_in_a_sentence_and_is_resumed_later(void **state)
{
    (void)state;
    hub_misbehave(HUB_CUT, HUB_T3, -1);
    hub->after = 1000;
    refused(TB_EUNREADY, "broke", "t3_turbo_v1.safetensors");
    assert_int_equal(hub->gets[HUB_T3], 3);
    nothing_broken(1);
    hub_reset();
    assert_int_equal(pulled(), turbo_bytes() - 3000);
    assert_int_equal(hub->range_from, 3000);
    has_turbo("model", 0);
}

static void a_body_that_ends_early_is_a_cut(void **state)
{
    (void)state;
    hub_misbehave(HUB_SHORT, HUB_T3, 1);
    hub->after = 12345;
    assert_int_equal(pulled(), turbo_bytes());
    assert_int_equal(hub->range_from, 12345);
    has_turbo("model", 0);
}

/* A part of the T3 file as a run that was killed leaves it. */
static void leave_part(size_t size, bool damaged)
{
    char *path = tb_sprintf("model/%s.%.12s.part", hub_files[HUB_T3].name, hub_oids[0][HUB_T3]);
    char *data = hub_content(HUB_T3, 0);
    if (damaged) data[5] ^= 1;
    assert_int_equal(tb_file_mkdirs("model", 0755, NULL), TB_OK);
    assert_int_equal(tb_file_write(path, data, size, 0644, NULL), TB_OK);
    tb_free(data);
    tb_free(path);
}

static void a_server_without_ranges_begins_anew(void **state)
{
    (void)state;
    leave_part(1000, false);
    hub_misbehave(HUB_NO_RANGE, HUB_T3, -1);
    assert_int_equal(pulled(), turbo_bytes());
    assert_int_equal(hub->gets[HUB_T3], 1); /* the answer that came is used */
    has_turbo("model", 0);
}

static void a_wrong_part_is_noticed_whether_it_says_so_or_not(void **state)
{
    (void)state;
    leave_part(1000, false);
    hub_misbehave(HUB_OTHER_RANGE, HUB_T3, -1);
    assert_int_equal(pulled(), turbo_bytes());
    has_turbo("model", 0);
    after(state);
    leave_part(1000, false);
    hub_misbehave(HUB_SILENT_RANGE, HUB_T3, -1);
    pulled();
    has_turbo("model", 0);
    after(state);
    hub_reset();
    hub_misbehave(HUB_TORN, HUB_T3, 2); /* both pieces are of this very call */
    hub->after = 1000;
    pulled();
    assert_int_equal(hub->gets[HUB_T3], 3);
    has_turbo("model", 0);
}

static void a_part_that_was_damaged_is_loaded_once_more(void **state)
{
    (void)state;
    leave_part(1000, true);
    pulled();
    assert_int_equal(hub->gets[HUB_T3], 2);
    has_turbo("model", 0);
    after(state);
    leave_part((size_t)hub_files[HUB_T3].size, false); /* whole, only its name is missing */
    assert_int_equal(pulled(), turbo_bytes() - (uint64_t)hub_files[HUB_T3].size);
    has_turbo("model", 0);
}

static void parts_of_other_contents_are_removed(void **state)
{
    (void)state;
    leave_part(1000, false);
    assert_int_equal(shell("touch model/mine.part model/ve.safetensors.0123456789ab.part"), 0);
    hub->generation = 1;
    assert_int_equal(pulled(), turbo_bytes());
    has_turbo("model", 1);
    assert_int_equal(count("model", ".part"), 1); /* mine */
}

static void a_part_that_is_a_link_is_not_written_through(void **state)
{
    (void)state;
    char *line =
        tb_sprintf("mkdir -p model && echo mine > other && ln -s ../other model/%s.%.12s.part",
                   hub_files[HUB_T3].name, hub_oids[0][HUB_T3]);
    assert_int_equal(shell(line), 0);
    tb_free(line);
    pulled();
    has_turbo("model", 0);
    assert_int_equal(shell("test \"$(cat other)\" = mine"), 0);
}

static void a_lying_server_is_found_out_and_leaves_nothing(void **state)
{
    (void)state;
    static const struct {
        hub_misdeed misdeed;
        const char *word;
    } lies[] = {
        {HUB_WRONG_SUM, "its sum is another"},
        {HUB_WRONG_SIZE, "300001 bytes"},
        {HUB_ENDLESS, "more came"},
        {HUB_PAGE, "a web page"},
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        hub_misbehave(lies[i].misdeed, HUB_T3, -1);
        refused(TB_EMODEL, lies[i].word, "t3_turbo_v1.safetensors");
        nothing_broken(0);
    }
    hub_misbehave(HUB_WRONG_SUM, HUB_VOCAB, -1); /* a small one, whose sum is git's */
    refused(TB_EMODEL, "its sum is another", "vocab.json");
    hub_misbehave(HUB_HONEST, -1, 0);
    pulled();
    has_turbo("model", 0);
}

static void a_hub_that_answers_nonsense_is_told(void **state)
{
    (void)state;
    static const char *const revisions[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"sha\":1}",
        "{\"sha\":\"../../etc\"}",
        "{\"sha\":\"abc\"}",
        "<html>",
        "{\"sha\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
    };
    static const char *const lists[] = {
        "{}",
        "{\"error\":\"x\"}",
        "nonsense",
        "[{\"type\":\"file\",\"path\":\"ve.safetensors\"}]",
        "[{\"type\":\"file\",\"path\":\"ve.safetensors\",\"oid\":\"../../../x\",\"size\":1}]",
        "[{\"type\":\"file\",\"path\":\"ve.safetensors\",\"size\":-1,"
        "\"oid\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}]",
        "[{\"type\":\"file\",\"path\":\"ve.safetensors\",\"size\":9000000000000000000,"
        "\"oid\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}]",
        "[{\"type\":\"file\",\"path\":\"ve.safetensors\",\"size\":\"1\","
        "\"oid\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}]",
        "[{\"type\":\"file\",\"path\":\"ve.safetensors\",\"size\":1,\"lfs\":{\"size\":1},"
        "\"oid\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}]",
    };
    for (size_t i = 0; i < sizeof revisions / sizeof revisions[0]; i++) {
        hub->revision = revisions[i];
        refused(TB_EMODEL, "main", HUB_TURBO);
    }
    hub->revision = NULL;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        hub->list = lists[i];
        refused(TB_EMODEL, "list", HUB_TURBO);
    }
    hub->list = "[null, 1, [], {\"path\":1}, {\"type\":\"directory\",\"path\":\"ve.safetensors\"}]";
    refused(TB_ENOTFOUND, "ve.safetensors", HUB_TURBO);
    hub->list = NULL;
    hub_misbehave(HUB_PAGE, HUB_FILES, -1);
    refused(TB_EMODEL, "a web page", HUB_TURBO);
    hub_misbehave(HUB_LOOP, HUB_FILES, -1);
    refused(TB_EUNREADY, "redirected", HUB_TURBO);
    nothing_broken(0);
}

static void a_busy_server_is_asked_again_and_not_for_ever(void **state)
{
    (void)state;
    hub->status = 503;
    hub_misbehave(HUB_STATUS, HUB_T3, 2);
    assert_int_equal(pulled(), turbo_bytes());
    assert_int_equal(hub->gets[HUB_T3], 3);
    after(state);
    hub_reset();
    hub->status = 429;
    hub_misbehave(HUB_STATUS, HUB_FILES, -1);
    refused(TB_EUNREADY, "429", "later");
    assert_int_equal(hub->requests, 3);
    hub_reset();
    hub->status = 429;
    hub->retry_after = 100000; /* tomorrow */
    hub_misbehave(HUB_STATUS, HUB_FILES, -1);
    refused(TB_EUNREADY, "429", "later");
    assert_int_equal(hub->requests, 1);
}

static void the_server_may_name_the_wait(void **state)
{
    (void)state;
    tb_fetch_result result = {0};
    watched w = {0};
    hub->status = 429;
    hub->retry_after = 1;
    hub_misbehave(HUB_STATUS, HUB_T3, 1);
    int64_t start = tb_clock_mono_ns();
    assert_int_equal(tb_fetch_model(&config, on_progress, &w, NULL, &result, NULL), TB_OK);
    assert_true(tb_clock_mono_ns() - start >=
                1000000000); /* never sooner; how much later is free */
    assert_true(w.waits > 0 && w.noted);
    assert_int_equal(w.total, turbo_bytes());
    assert_true(w.calls >= 9);
    tb_fetch_result_clear(&result);
}

static void a_silent_server_is_given_up(void **state)
{
    (void)state;
    hub_misbehave(HUB_STALL, HUB_T3, -1);
    hub->after = 100;
    config.patience.tries = 1;
    refused(TB_ETIMEOUT, "silent", "t3_turbo_v1.safetensors");
    nothing_broken(1);
    hub_reset();
    assert_int_equal(pulled(), turbo_bytes() - 100);
    has_turbo("model", 0);
}

static void a_hub_that_is_not_there_is_told(void **state)
{
    (void)state;
    config.endpoint = "http://127.0.0.1:1";
    refused(TB_EUNREADY, "cannot be reached", "HF_ENDPOINT");
    config.endpoint = "ftp://127.0.0.1";
    refused(TB_EINVAL, "HF_ENDPOINT", "ftp://");
    config.endpoint = "hub";
    refused(TB_EINVAL, "HF_ENDPOINT", "");
    config.endpoint = "http://";
    refused(TB_EINVAL, "HF_ENDPOINT", "");
    nothing_broken(0);
}

static void a_certificate_that_nobody_vouches_for_is_refused(void **state)
{
    (void)state;
    if (hub->tls_port <= 0) skip();
    snprintf(endpoint, sizeof endpoint, "https://localhost:%d", hub->tls_port);
    refused(TB_EUNREADY, "does not prove", "localhost");
    assert_int_equal(hub->requests, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        hub_test(a_cut_connection_is_taken_up_where_it_broke),
        hub_test(a_list_that_is_cut_is_asked_for_anew),
        hub_test(a_line_that_is_cut_each_time_ends_in_a_sentence_and_is_resumed_later),
        hub_test(a_body_that_ends_early_is_a_cut),
        hub_test(a_server_without_ranges_begins_anew),
        hub_test(a_wrong_part_is_noticed_whether_it_says_so_or_not),
        hub_test(a_part_that_was_damaged_is_loaded_once_more),
        hub_test(parts_of_other_contents_are_removed),
        hub_test(a_part_that_is_a_link_is_not_written_through),
        hub_test(a_lying_server_is_found_out_and_leaves_nothing),
        hub_test(a_hub_that_answers_nonsense_is_told),
        hub_test(a_busy_server_is_asked_again_and_not_for_ever),
        hub_test(the_server_may_name_the_wait),
        hub_test(a_silent_server_is_given_up),
        hub_test(a_hub_that_is_not_there_is_told),
        hub_test(a_certificate_that_nobody_vouches_for_is_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
