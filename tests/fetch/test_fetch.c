#include "fetch/fetch.h"

#include "base/file.h"
#include "base/json.h"
#include "hub.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Each test has an empty working folder, a hub that is honest and counts, and this configuration.
 */
static char home[] = "/tmp/timbre-test-fetch-XXXXXX";
static char endpoint[64];
static tb_fetch_config config;

static int shell(const char *line)
{
    int status = system(line); /* NOLINT: a test's own lines */
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

static int begin(void **state)
{
    (void)state;
    static const char *const unset[] = {"http_proxy",  "https_proxy", "all_proxy",
                                        "HTTPS_PROXY", "ALL_PROXY",   "no_proxy"};
    for (size_t i = 0; i < sizeof unset / sizeof unset[0]; i++)
        unsetenv(unset[i]);
    signal(SIGPIPE, SIG_IGN);
    return mkdtemp(home) && chdir(home) == 0 ? hub_start() : -1;
}

static int end(void **state)
{
    (void)state;
    hub_stop();
    return chdir("/") || rmdir(home);
}

static int before(void **state)
{
    (void)state;
    hub_reset();
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", hub->port);
    config = (tb_fetch_config){
        .endpoint = endpoint,
        .repo = HUB_TURBO,
        .folder = "model",
        .patience = {.connect_ms = 2000, .stall_s = 1, .tries = 3, .backoff_ms = 10}};
    return 0;
}

static int after(void **state)
{
    (void)state;
    return shell("rm -rf model nano cache other");
}

#define hub_test(f) cmocka_unit_test_setup_teardown(f, before, after)

static void has(const char *folder, int file, int generation)
{
    char *path = tb_path_join(folder, hub_files[file].name), *data = NULL;
    char *wanted = hub_content(file, generation);
    size_t size = 0;
    tb_err err = {0};
    if (tb_file_read(path, 1 << 20, &data, &size, &err) != TB_OK) fail_msg("%s", err.msg);
    assert_int_equal(size, hub_files[file].size);
    assert_memory_equal(data, wanted, size);
    tb_free(wanted);
    tb_free(data);
    tb_free(path);
}

static void has_turbo(const char *folder, int generation)
{
    for (int i = 0; i < HUB_FILES; i++)
        if (i != HUB_T3_NANO) has(folder, i, generation);
}

/* Names in a folder that end so. */
static int count(const char *folder, const char *suffix)
{
    DIR *dir = opendir(folder);
    int n = 0;
    if (!dir) return 0;
    for (struct dirent *e; (e = readdir(dir));)
        n += tb_str_ends(e->d_name, suffix) && strcmp(e->d_name, ".") != 0 &&
             strcmp(e->d_name, "..") != 0;
    closedir(dir);
    return n;
}

/* Nothing under a model's name, and no part but what can be gone on with. */
static void nothing_broken(int parts)
{
    assert_int_equal(count("model", ".safetensors"), 0);
    assert_int_equal(count("model", ".json"), 0);
    assert_int_equal(count("model", ".part"), parts);
}

static tb_fetch_result pull(void)
{
    tb_fetch_result result = {0};
    tb_err err = {0};
    if (tb_fetch_model(&config, NULL, NULL, NULL, &result, &err) != TB_OK)
        fail_msg("not pulled: %s", err.msg);
    return result;
}

static uint64_t pulled(void)
{
    tb_fetch_result result = pull();
    uint64_t bytes = result.downloaded;
    tb_fetch_result_clear(&result);
    return bytes;
}

/* The sentence must have both words. */
static void refused(tb_status wanted, const char *word, const char *other)
{
    tb_fetch_result result = {0};
    tb_err err = {0};
    tb_status st = tb_fetch_model(&config, NULL, NULL, NULL, &result, &err);
    if (st != wanted || !strstr(err.msg, word) || !strstr(err.msg, other))
        fail_msg("status %s, \"%s\"", tb_status_name(st), err.msg);
    assert_null(result.folder);
}

static uint64_t turbo_bytes(void)
{
    uint64_t n = 0;
    for (int i = 0; i < HUB_FILES; i++)
        if (i != HUB_T3_NANO) n += (uint64_t)hub_files[i].size;
    return n;
}

static void sums_are_those_of_sha256sum_and_of_git(void **state)
{
    (void)state;
    static const struct {
        const char *oid, *content;
        bool right;
    } cases[] = {
        {"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "abc", true},
        {"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "abd", false},
        {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "", true},
        {"ce013625030ba8dba906f756967f9e9ca394464a", "hello\n", true},
        {"ce013625030ba8dba906f756967f9e9ca394464a", "hello", false},
        {"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", "", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *text = cases[i].content;
        size_t len = strlen(text);
        tb_digest *d = tb_digest_new(cases[i].oid, len);
        tb_digest_add(d, "something else", 14);
        tb_digest_restart(d);
        tb_digest_add(d, text, len / 2);
        tb_digest_add(d, text + len / 2, len - len / 2);
        assert_int_equal(tb_digest_matches(d), cases[i].right);
        tb_digest_free(d);
    }
    assert_true(tb_oid_valid(cases[0].oid) && tb_oid_valid(cases[3].oid));
    assert_false(tb_oid_valid("") || tb_oid_valid("../../../../../../../../../../../etc/passwd"));
    assert_false(tb_oid_valid("CE013625030BA8DBA906F756967F9E9CA394464A"));
}

static void a_model_comes_whole_and_only_its_files(void **state)
{
    (void)state;
    struct stat info;
    tb_fetch_result result = pull();
    assert_string_equal(result.commit, hub_commit(0));
    assert_string_equal(result.folder, "model");
    assert_int_equal(result.downloaded, turbo_bytes());
    assert_int_equal(result.linked, 0);
    tb_fetch_result_clear(&result);
    has_turbo("model", 0);
    assert_int_equal(count("model", ""), 9 + 2); /* source.json and the lock */
    assert_int_equal(stat("model/ve.safetensors", &info), 0);
    assert_int_equal(info.st_mode & 0444, 0444);
    char *text = NULL;
    size_t size = 0;
    tb_json *source = NULL;
    assert_int_equal(tb_file_read("model/source.json", 1 << 16, &text, &size, NULL), TB_OK);
    assert_int_equal(tb_json_parse(text, size, &source, NULL), TB_OK);
    assert_string_equal(tb_json_get_string(source, "commit"), hub_commit(0));
    assert_string_equal(tb_json_get_string(source, "repository"), HUB_TURBO);
    assert_string_equal(tb_json_get_string(source, "revision"), "main");
    tb_json_free(source);
    tb_free(text);
}

static void a_second_pull_asks_one_question_and_gets_nothing(void **state)
{
    (void)state;
    pulled();
    hub_reset();
    assert_int_equal(pulled(), 0);
    assert_int_equal(hub->requests, 1);
    config.revision = hub_commit(0); /* a commit is what it is: no question at all */
    assert_int_equal(pulled(), 0);
    assert_int_equal(hub->requests, 1);
}

static void a_file_that_was_damaged_or_lost_since_comes_again(void **state)
{
    (void)state;
    pulled();
    assert_int_equal(
        shell("printf X | dd of=model/ve.safetensors bs=1 seek=9 conv=notrunc 2>/dev/null && "
              "touch -d 2001-02-03 model/ve.safetensors && rm model/vocab.json"),
        0);
    hub_reset();
    assert_int_equal(pulled(), hub_files[HUB_VE].size + hub_files[HUB_VOCAB].size);
    assert_int_equal(hub->gets[HUB_T3], 0);
    has_turbo("model", 0);
}

static void a_copied_folder_is_summed_and_not_downloaded(void **state)
{
    (void)state;
    pulled();
    assert_int_equal(shell("touch -d 2001-02-03 model/*"), 0);
    hub_reset();
    assert_int_equal(pulled(), 0);
    hub_reset();
    assert_int_equal(shell("rm model/source.json"), 0);
    assert_int_equal(pulled(), 0);
    hub_reset();
    assert_int_equal(pulled(), 0); /* and is known from then on */
    assert_int_equal(hub->requests, 1);
}

static void another_commit_replaces_what_changed_and_nothing_before_all_is_there(void **state)
{
    (void)state;
    pulled();
    hub_reset();
    hub->generation = 1;
    hub_misbehave(HUB_WRONG_SUM, HUB_T3, -1);
    refused(TB_EMODEL, "t3_turbo_v1.safetensors", "sum");
    has_turbo("model", 0);
    config.offline = true;
    tb_fetch_result result = pull();
    assert_string_equal(result.commit, hub_commit(0)); /* still the old one, and still whole */
    tb_fetch_result_clear(&result);
    config.offline = false;
    hub_misbehave(HUB_HONEST, -1, 0);
    assert_int_equal(pulled(), hub_files[HUB_T3].size);
    has_turbo("model", 1);
    assert_int_equal(count("model", ".part"), 0);
}

static void a_missing_or_refused_token_is_told(void **state)
{
    (void)state;
    hub->gated = 1;
    refused(TB_EAUTH, "HF_TOKEN", HUB_TURBO);
    config.token = "wrong";
    refused(TB_EAUTH, "does not accept HF_TOKEN", HUB_TURBO);
    hub->status = 403;
    hub->gated = 0;
    hub_misbehave(HUB_STATUS, HUB_FILES, -1);
    refused(TB_EFORBIDDEN, "accept the terms", HUB_TURBO);
    config.token = "two\r\nlines: 1";
    refused(TB_EINVAL, "HF_TOKEN", "");
    nothing_broken(0);
}

static void the_token_never_leaves_the_hub(void **state)
{
    (void)state;
    hub->gated = 1;
    config.token = "secret";
    pulled();
    has_turbo("model", 0);
    assert_int_equal(hub->token_elsewhere, 0);
    assert_true(hub->token_here >= 2 + 8); /* nobody asks for an empty file */
    assert_true(hub->gets[HUB_T3] == 1);
    after(state);
    hub->same_host = 1; /* another port is another server */
    pulled();
    assert_int_equal(hub->token_elsewhere, 0);
}

static void a_renamed_repository_is_followed_with_the_token(void **state)
{
    (void)state;
    hub->gated = 1;
    config.token = "secret";
    config.repo = "Old/name";
    pulled();
    has_turbo("model", 0);
    assert_int_equal(hub->token_elsewhere, 0);
}

static void what_the_hub_has_not_is_named(void **state)
{
    (void)state;
    config.revision = "v9";
    refused(TB_ENOTFOUND, "v9", HUB_TURBO);
    config.revision = NULL;
    hub->status = 404;
    hub_misbehave(HUB_STATUS, HUB_VE, -1);
    refused(TB_ENOTFOUND, "ve.safetensors", HUB_TURBO);
    hub_reset();
    config.repo = HUB_NANO; /* has but two of the files */
    refused(TB_ENOTFOUND, "conds.pt, vocab.json", HUB_NANO);
    nothing_broken(2); /* what came whole before */
}

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

typedef struct {
    int calls, waits;
    bool noted;
    uint64_t done, total;
    tb_cancel *cancel;
    tb_fetch_state cancel_in;
    uint64_t cancel_at;
    int64_t asked_ns;
} watched;

static void on_progress(void *self, const tb_fetch_progress *p)
{
    watched *w = self;
    w->calls++;
    if (p->state == TB_FETCH_WAITING) {
        w->waits++;
        w->noted = w->noted || (p->note && *p->note);
    }
    assert_true(p->file_done <= p->file_total || !p->file);
    assert_true(p->done <= p->total || p->total == 0);
    w->done = p->done;
    w->total = p->total;
    if (w->cancel && p->state == w->cancel_in && p->file_done >= w->cancel_at &&
        !tb_cancelled(w->cancel)) {
        tb_cancel_set(w->cancel);
        w->asked_ns = tb_clock_mono_ns();
    }
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

static void the_proxy_of_the_environment_is_used(void **state)
{
    (void)state;
    setenv("http_proxy", endpoint, 1);
    config.endpoint = "http://hub.invalid/";
    pulled();
    unsetenv("http_proxy");
    has_turbo("model", 0);
    assert_true(hub->by_proxy > 10);
}

static void names_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const char *const repos[] = {"",      "turbo", "a/b/c", "../x", "a/..",
                                        "a/b?c", "a b/c", "/x",    "x/"};
    for (size_t i = 0; i < sizeof repos / sizeof repos[0]; i++) {
        config.repo = repos[i];
        refused(TB_EINVAL, "OWNER/NAME", repos[i]);
    }
    config.repo = HUB_TURBO;
    config.variant = "large";
    refused(TB_EINVAL, "MODEL_VARIANT", "large");
    config.variant = NULL;
    config.folder = "";
    refused(TB_EINVAL, "folder", "");
    config.folder = "other";
    assert_int_equal(tb_file_write("other", "", 0, 0600, NULL), TB_OK);
    refused(TB_EINTERNAL, "other", "");
    assert_int_equal(hub->requests, 0);
}

static void room_is_looked_for_before_anything_comes(void **state)
{
    (void)state;
    config.need_bytes = (uint64_t)1 << 62;
    refused(TB_ENOSPACE, "free", "model");
    assert_int_equal(hub->gets[HUB_T3], 0);
    nothing_broken(0);
}

/* In a process of its own: 0 when it did as wanted. */
static int in_child(tb_status wanted, rlim_t file_max)
{
    pid_t child = fork();
    if (child == 0) {
        tb_fetch_result result = {0};
        tb_err err = {0};
        struct rlimit limit = {file_max, file_max};
        signal(SIGXFSZ, SIG_IGN);
        if (file_max) setrlimit(RLIMIT_FSIZE, &limit);
        tb_status st = tb_fetch_model(&config, NULL, NULL, NULL, &result, &err);
        if (st != wanted) fprintf(stderr, "%s: %s\n", tb_status_name(st), err.msg);
        _exit(st == wanted ? 0 : 1);
    }
    return child;
}

static int ended(int child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void a_disk_that_fills_up_is_told_and_given_back(void **state)
{
    (void)state;
    assert_int_equal(ended(in_child(TB_ENOSPACE, 150000)), 0);
    nothing_broken(0);
    pulled();
    has_turbo("model", 0);
}

static void two_at_once_download_once(void **state)
{
    (void)state;
    hub_misbehave(HUB_SLOW, HUB_T3, -1);
    int a = in_child(TB_OK, 0), b = in_child(TB_OK, 0);
    assert_int_equal(ended(a), 0);
    assert_int_equal(ended(b), 0);
    assert_int_equal(hub->gets[HUB_T3], 1);
    assert_int_equal(hub->gets[HUB_VOCAB], 1);
    has_turbo("model", 0);
}

static void a_killed_pull_is_gone_on_with(void **state)
{
    (void)state;
    hub_misbehave(HUB_SLOW, HUB_T3, -1);
    int child = in_child(TB_OK, 0);
    for (int i = 0; i < 1000 && hub->sent < 60000; i++)
        tb_clock_sleep_ms(5);
    kill(child, SIGKILL);
    assert_int_equal(ended(child), 1000 + SIGKILL);
    nothing_broken(1);
    hub_reset();
    uint64_t rest = pulled();
    assert_true(hub->range_from > 0);
    assert_int_equal(rest, turbo_bytes() - (uint64_t)hub->range_from);
    has_turbo("model", 0);
    assert_int_equal(count("model", ".part"), 0);
}

static void cancelling_stops_soon_and_keeps_what_came(void **state)
{
    (void)state;
    tb_fetch_result result = {0};
    tb_cancel cancel = {false};
    watched w = {.cancel = &cancel, .cancel_in = TB_FETCH_LOADING, .cancel_at = 20000};
    hub_misbehave(HUB_SLOW, HUB_T3, -1);
    assert_int_equal(tb_fetch_model(&config, on_progress, &w, &cancel, &result, NULL),
                     TB_ECANCELLED);
    nothing_broken(1);
    hub_reset();
    assert_true(pulled() < turbo_bytes());
    has_turbo("model", 0);
    after(state);
    cancel.set = false;
    w = (watched){.cancel = &cancel, .cancel_in = TB_FETCH_WAITING};
    config.patience.backoff_ms = 1000000;
    hub->status = 500;
    hub_misbehave(HUB_STATUS, HUB_FILES, -1);
    assert_int_equal(tb_fetch_model(&config, on_progress, &w, &cancel, &result, NULL),
                     TB_ECANCELLED); /* in the middle of half a minute's wait */
}

static void offline_makes_no_connection_and_says_what_is_missing(void **state)
{
    (void)state;
    config.offline = true;
    refused(TB_EUNREADY, "HF_HUB_OFFLINE", "t3_turbo_v1.safetensors");
    refused(TB_EUNREADY, "ve.safetensors", "tokenizer_config.json");
    config.offline = false;
    pulled();
    hub_reset();
    config.offline = true;
    tb_fetch_result result = pull();
    assert_string_equal(result.commit, hub_commit(0));
    tb_fetch_result_clear(&result);
    assert_int_equal(shell("rm model/conds.pt model/.pull.lock"), 0);
    refused(TB_EUNREADY, "conds.pt", "HF_HUB_OFFLINE");
    assert_int_equal(hub->requests, 0);
}

static void a_whole_folder_is_not_written_to(void **state)
{
    (void)state;
    pulled();
    assert_int_equal(shell("rm model/.pull.lock"), 0);
    config.offline = true;
    tb_fetch_result result = pull();
    tb_fetch_result_clear(&result);
    assert_int_equal(count("model", ".pull.lock"), 0);
    assert_int_equal(shell("rm model/source.json"), 0); /* as somebody has copied it by hand */
    result = pull();
    assert_string_equal(result.commit, "");
    tb_fetch_result_clear(&result);
    assert_int_equal(count("model", ".pull.lock"), 0);
    assert_int_equal(tb_file_write("model/t3_nano_v1.safetensors", "", 0, 0600, NULL), TB_OK);
    refused(TB_EINVAL, "MODEL_VARIANT", "t3_nano_v1.safetensors");
    config.variant = "turbo";
    result = pull();
    tb_fetch_result_clear(&result);
}

/* As Hugging Face's programs leave it. */
static void fill_cache(const char *repo, int generation, int but)
{
    char *folder = tb_sprintf("cache/models--%s", repo), *slash = strchr(folder + 7, '/'), *path;
    *slash = 0;
    char *base = tb_sprintf("%s--%s", folder, slash + 1);
    char *made[] = {tb_sprintf("%s/refs", base), tb_sprintf("%s/blobs", base),
                    tb_sprintf("%s/snapshots/%s", base, hub_commit(generation))};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(tb_file_mkdirs(made[i], 0755, NULL), TB_OK);
    path = tb_path_join(made[0], "main");
    assert_int_equal(tb_file_write(path, hub_commit(generation), 40, 0644, NULL), TB_OK);
    tb_free(path);
    for (int i = 0; i < HUB_FILES; i++) {
        const char *oid = hub_oids[generation][i];
        if (!hub_has(repo, i) || i == but) continue;
        char *data = hub_content(i, generation), *target = tb_sprintf("../../blobs/%s", oid);
        path = tb_path_join(made[1], oid);
        assert_int_equal(tb_file_write(path, data, (size_t)hub_files[i].size, 0644, NULL), TB_OK);
        tb_free(path);
        path = tb_path_join(made[2], hub_files[i].name);
        assert_int_equal(symlink(target, path), 0);
        tb_free(path);
        tb_free(target);
        tb_free(data);
    }
    for (size_t i = 0; i < 3; i++)
        tb_free(made[i]);
    tb_free(base);
    tb_free(folder);
    assert_int_equal(shell("find cache -type f -exec cksum {} + | sort > other"), 0);
}

static void cache_is_untouched(void)
{
    assert_int_equal(shell("find cache -type f -exec cksum {} + | sort | cmp -s - other"), 0);
}

static void what_the_cache_has_is_linked_and_the_cache_left_alone(void **state)
{
    (void)state;
    struct stat info;
    fill_cache(HUB_TURBO, 0, HUB_VE);
    config.cache = "cache";
    tb_fetch_result result = pull();
    assert_int_equal(result.downloaded, hub_files[HUB_VE].size);
    assert_int_equal(result.linked, 8);
    tb_fetch_result_clear(&result);
    has_turbo("model", 0);
    assert_int_equal(lstat("model/t3_turbo_v1.safetensors", &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    hub_reset();
    assert_int_equal(pulled(), 0);
    assert_int_equal(hub->requests, 1); /* links are as good as files */
    hub->generation = 1;                /* replaces the link, not what it leads to */
    assert_int_equal(pulled(), hub_files[HUB_T3].size);
    has_turbo("model", 1);
    cache_is_untouched();
}

static void a_damaged_cache_is_not_believed(void **state)
{
    (void)state;
    fill_cache(HUB_TURBO, 0, -1);
    char *line =
        tb_sprintf("printf X | dd of=cache/models--Some-One--voice-turbo/blobs/%s bs=1 seek=99 "
                   "conv=notrunc 2>/dev/null",
                   hub_oids[0][HUB_VE]);
    assert_int_equal(shell(line), 0);
    tb_free(line);
    config.cache = "cache";
    config.offline = true;
    refused(TB_EUNREADY, "ve.safetensors", "HF_HUB_OFFLINE");
    config.offline = false;
    assert_int_equal(pulled(), hub_files[HUB_VE].size);
    has_turbo("model", 0);
}

static void offline_the_cache_is_enough(void **state)
{
    (void)state;
    fill_cache(HUB_TURBO, 0, -1);
    config.cache = "cache";
    config.offline = true;
    tb_fetch_result result = pull();
    assert_string_equal(result.commit, hub_commit(0));
    assert_int_equal(result.linked, 9);
    tb_fetch_result_clear(&result);
    has_turbo("model", 0);
    config.revision = hub_commit(1);
    refused(TB_EUNREADY, "t3_turbo_v1.safetensors", "HF_HUB_OFFLINE");
    assert_int_equal(hub->requests, 0);
    cache_is_untouched();
}

static void a_cache_without_links_will_do(void **state)
{
    (void)state;
    fill_cache(HUB_TURBO, 0, -1);
    assert_int_equal(shell(
                         "cd cache/models--*/snapshots/* && for f in *; do cp -L $f x && mv x $f; "
                         "done && rm -r ../../blobs"),
                     0);
    config.cache = "cache";
    assert_int_equal(pulled(), 0);
    has_turbo("model", 0);
    after(state);
    fill_cache(HUB_TURBO, 0, -1);
    assert_int_equal(shell(
                         "cd cache/models--*/snapshots/* && for f in *; do cp -L $f x && mv x $f; "
                         "done && rm -r ../../blobs"),
                     0);
    config.offline = true; /* nothing tells the sums: as good as files put there by hand */
    assert_int_equal(pulled(), 0);
    has_turbo("model", 0);
}

static void nano_takes_what_it_lacks_from_turbo(void **state)
{
    (void)state;
    config.base_repo = HUB_TURBO;
    pulled();
    hub_reset();
    config.repo = HUB_NANO;
    config.folder = "nano";
    config.base_folder = "model";
    tb_fetch_result result = pull();
    assert_int_equal(result.downloaded, hub_files[HUB_T3_NANO].size); /* the VE is the same */
    assert_int_equal(result.linked, 8);
    tb_fetch_result_clear(&result);
    for (int i = 0; i < HUB_FILES; i++)
        if (i != HUB_T3) has("nano", i, 0);
    assert_int_equal(count("nano", "t3_turbo_v1.safetensors"), 0);
    assert_int_equal(shell("rm -r nano"), 0);
    config.base_folder = NULL;
    assert_int_equal(pulled(), turbo_bytes() - (uint64_t)hub_files[HUB_T3].size +
                                   (uint64_t)hub_files[HUB_T3_NANO].size);
    for (int i = 0; i < HUB_FILES; i++)
        if (i != HUB_T3) has("nano", i, 0);
}

static void offline_nano_is_put_together_from_both_caches(void **state)
{
    (void)state;
    fill_cache(HUB_TURBO, 0, -1);
    fill_cache(HUB_NANO, 0, -1);
    config.repo = HUB_NANO;
    config.folder = "nano";
    config.cache = "cache";
    config.offline = true;
    refused(TB_EUNREADY, "vocab.json", HUB_NANO);
    config.base_repo = HUB_TURBO;
    assert_int_equal(pulled(), 0);
    for (int i = 0; i < HUB_FILES; i++)
        if (i != HUB_T3) has("nano", i, 0);
}

static void a_damaged_source_note_is_as_none(void **state)
{
    (void)state;
    static const char *const notes[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"repository\":\"" HUB_TURBO "\"}",
        "{\"repository\":\"" HUB_TURBO "\",\"commit\":\"x\",\"files\":[]}",
        "{\"repository\":\"" HUB_TURBO "\",\"commit\":\"x\",\"files\":{\"ve.safetensors\":3}}",
    };
    pulled();
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        assert_int_equal(tb_file_write("model/source.json", notes[i], strlen(notes[i]), 0644, NULL),
                         TB_OK);
        hub_reset();
        assert_int_equal(pulled(), 0);
        assert_true(hub->requests > 1);
    }
    has_turbo("model", 0);
}

static void the_cache_is_found_as_its_programs_find_it(void **state)
{
    (void)state;
    static const struct {
        const char *hub_cache, *hf_home, *xdg, *home, *wanted;
    } cases[] = {
        {"/a", "/b", "/c", "/d", "/a"},
        {"", "/b", "/c", "/d", "/b/hub"},
        {NULL, NULL, "/c", "/d", "/c/huggingface/hub"},
        {NULL, "", "", "/d", "/d/.cache/huggingface/hub"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setenv("XDG_CACHE_HOME", cases[i].xdg ? cases[i].xdg : "", 1);
        setenv("HOME", cases[i].home, 1);
        char *found = tb_fetch_cache_folder(cases[i].hub_cache, cases[i].hf_home);
        assert_string_equal(found, cases[i].wanted);
        tb_free(found);
    }
    unsetenv("HOME");
    unsetenv("XDG_CACHE_HOME");
    assert_null(tb_fetch_cache_folder(NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_sha256sum_and_of_git),
        hub_test(a_model_comes_whole_and_only_its_files),
        hub_test(a_second_pull_asks_one_question_and_gets_nothing),
        hub_test(a_file_that_was_damaged_or_lost_since_comes_again),
        hub_test(a_copied_folder_is_summed_and_not_downloaded),
        hub_test(another_commit_replaces_what_changed_and_nothing_before_all_is_there),
        hub_test(a_missing_or_refused_token_is_told),
        hub_test(the_token_never_leaves_the_hub),
        hub_test(a_renamed_repository_is_followed_with_the_token),
        hub_test(what_the_hub_has_not_is_named),
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
        hub_test(the_proxy_of_the_environment_is_used),
        hub_test(names_that_cannot_be_are_refused),
        hub_test(room_is_looked_for_before_anything_comes),
        hub_test(a_disk_that_fills_up_is_told_and_given_back),
        hub_test(two_at_once_download_once),
        hub_test(a_killed_pull_is_gone_on_with),
        hub_test(cancelling_stops_soon_and_keeps_what_came),
        hub_test(offline_makes_no_connection_and_says_what_is_missing),
        hub_test(a_whole_folder_is_not_written_to),
        hub_test(what_the_cache_has_is_linked_and_the_cache_left_alone),
        hub_test(a_damaged_cache_is_not_believed),
        hub_test(offline_the_cache_is_enough),
        hub_test(a_cache_without_links_will_do),
        hub_test(nano_takes_what_it_lacks_from_turbo),
        hub_test(offline_nano_is_put_together_from_both_caches),
        hub_test(a_damaged_source_note_is_as_none),
        cmocka_unit_test(the_cache_is_found_as_its_programs_find_it),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
