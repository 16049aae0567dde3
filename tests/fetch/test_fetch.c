/*
 * Downloads from a local hub: sums, what is asked and got, resuming, damaged files, tokens,
 * refusals.
 */
#include "fetch_help.h"

/* A model comes whole from an honest hub: files, sums, commits, tokens. */

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
        hub_test(the_proxy_of_the_environment_is_used),
        hub_test(names_that_cannot_be_are_refused),
        hub_test(room_is_looked_for_before_anything_comes),
        hub_test(a_disk_that_fills_up_is_told_and_given_back),
        hub_test(two_at_once_download_once),
        hub_test(a_killed_pull_is_gone_on_with),
        hub_test(cancelling_stops_soon_and_keeps_what_came),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
