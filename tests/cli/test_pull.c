/*
 * timbre model pull against a local hub: folders, lines, JSON, errors, the progress bar.
 */
#include "cli/pull_priv.h"

#include "base/file.h"
#include "hub.h"

#include <fcntl.h>

/* timbre model pull as it is called by the command table, against the hub of hub.h. */
static char home[] = "/tmp/timbre-test-pull-XXXXXX";
static char endpoint[64];

static tb_cli call(const char *model)
{
    return (tb_cli){.args = {model},
                    .n_args = model ? 1 : 0,
                    .config = {.data = "data",
                               .hf_endpoint = endpoint,
                               .hf_hub_cache = "cache",
                               .model_variant = "turbo",
                               .model_revision = "main"}};
}

static int begin(void **state)
{
    (void)state;
    static const char *const unset[] = {"http_proxy", "all_proxy", "ALL_PROXY", "no_proxy",
                                        "HF_HOME"};
    for (size_t i = 0; i < sizeof unset / sizeof unset[0]; i++)
        unsetenv(unset[i]);
    signal(SIGPIPE, SIG_IGN);
    if (!mkdtemp(home) || chdir(home) != 0 || hub_start() != 0) return -1;
    hub_reset();
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d/", hub->port);
    return 0;
}

static int end(void **state)
{
    (void)state;
    hub_stop();
    char *line = tb_sprintf("rm -r %s", home);
    int gone = chdir("/") || system(line); /* NOLINT: a test's own line */
    tb_free(line);
    return gone;
}

static char *said(int fd)
{
    char *text = tb_alloc(1 << 16);
    lseek(fd, 0, SEEK_SET);
    assert_true(read(fd, text, (1 << 16) - 1) >= 0);
    close(fd);
    return text;
}

/* Runs the command; what it printed, heap. */
static int run(tb_cli *cli, char **out, char **err)
{
    int files[2], kept[2];
    fflush(stdout);
    fflush(stderr);
    for (int i = 0; i < 2; i++) {
        kept[i] = dup(i + 1);
        files[i] = open(i ? "err" : "out", O_RDWR | O_CREAT | O_TRUNC, 0600);
        assert_true(kept[i] >= 0 && files[i] >= 0);
        assert_true(dup2(files[i], i + 1) >= 0);
    }
    int code = tb_cli_run_model_pull(cli);
    fflush(stdout);
    fflush(stderr);
    for (int i = 0; i < 2; i++) {
        dup2(kept[i], i + 1);
        close(kept[i]);
    }
    *out = said(files[0]);
    *err = said(files[1]);
    return code;
}

static void contains(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("no \"%s\" in:\n%s", part, text);
}

static void it_pulls_into_the_data_folder_and_says_so_in_plain_lines(void **state)
{
    (void)state;
    char *out, *err;
    tb_cli cli = call(HUB_TURBO);
    assert_int_equal(run(&cli, &out, &err), TB_EXIT_OK);
    contains(out, HUB_TURBO " is in data/models/voice-turbo\n");
    contains(out, hub_commit(0));
    contains(out, "downloaded 381.7 kB");
    contains(err, "asking the hub");
    contains(err, "getting t3_turbo_v1.safetensors, 300.0 kB\n");
    assert_null(strchr(err, '\r')); /* no terminal, no bar */
    size_t bars = 0;
    for (const char *p = err; (p = strstr(p, " % [")); p++)
        bars++;
    if (bars > 10) fail_msg("more than one for each tenth:\n%s", err);
    assert_int_equal(tb_file_size("data/models/voice-turbo/ve.safetensors"),
                     hub_files[HUB_VE].size);
    tb_free(out);
    tb_free(err);
}

static void json_is_for_programs(void **state)
{
    (void)state;
    char *out, *err;
    tb_json *v = NULL;
    tb_cli cli = call(HUB_TURBO);
    cli.json = true;
    cli.given[0].flag = "--folder";
    cli.given[0].value = "elsewhere";
    cli.n_given = 1;
    cli.config.model_revision = hub_commit(1);
    assert_int_equal(run(&cli, &out, &err), TB_EXIT_OK);
    assert_string_equal(err, "");
    assert_int_equal(tb_json_parse(out, strlen(out), &v, NULL), TB_OK);
    assert_string_equal(tb_json_get_string(v, "folder"), "elsewhere");
    assert_string_equal(tb_json_get_string(v, "commit"), hub_commit(1));
    assert_int_equal(tb_json_integer(tb_json_get(v, "downloaded_bytes")), 381700);
    tb_json_free(v);
    tb_free(out);
    tb_free(err);
}

static void what_goes_wrong_is_told_with_an_exit_code(void **state)
{
    (void)state;
    char *out, *err;
    tb_cli cli = call("Some-One/else?");
    assert_int_equal(run(&cli, &out, &err), TB_EXIT_FAILED);
    contains(err, "timbre: the repository is 'Some-One/else?'");
    tb_free(out);
    tb_free(err);
    cli = call(NULL);
    cli.config.hf_hub_offline = true;
    assert_int_equal(run(&cli, &out, &err),
                     TB_EXIT_MISSING); /* the model is Turbo when none is named */
    contains(err, "ResembleAI/chatterbox-turbo");
    contains(err, "HF_HUB_OFFLINE");
    tb_free(out);
    tb_free(err);
}

/* A hub that is away: each try fails with a sentence of its own, of more than a line. */
static void a_wait_is_told_once(void **state)
{
    (void)state;
    char *out, *err;
    tb_cli cli =
        call("some-one-with-a-name-of-some-length/and-a-model-whose-name-is-long-as-well-0");
    cli.config.hf_endpoint = "http://127.0.0.1:9";
    assert_int_equal(run(&cli, &out, &err), TB_EXIT_MISSING);
    contains(err, "asking the hub\n");
    size_t lines = 0;
    for (const char *p = err; (p = strchr(p, '\n')); p++)
        lines++;
    if (lines != 3) fail_msg("%s", err);
    contains(err, "\nwaiting to try again: 127.0.0.1 cannot be reached\n");
    contains(err, "\ntimbre: 127.0.0.1 cannot be reached: ");
    tb_free(out);
    tb_free(err);
}

static void a_bar_fits_its_line(void **state)
{
    (void)state;
    char line[200];
    tb_cli_bar(line, sizeof line, 150, "getting x", 500000000, 2000000000, 30000000);
    assert_string_equal(line,
                        " 25 % [#####---------------] 500.0 MB of 2.00 GB  30.0 MB/s  0:50 left  "
                        "getting x");
    tb_cli_bar(line, sizeof line, 150, "x", 2000, 2000, 0);
    assert_string_equal(line, "100 % [####################] 2.0 kB of 2.0 kB  x");
    tb_cli_bar(line, sizeof line, 150, "asking", 0, 0, 0);
    assert_string_equal(line, "asking");
    tb_cli_bar(line, sizeof line, 10, "x", 3000, 2000, 1);
    assert_int_equal(strlen(line), 10);
    tb_cli_bar(line, 20, 150, "x", 0, UINT64_MAX, 1e-3);
    assert_int_equal(strlen(line), 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_pulls_into_the_data_folder_and_says_so_in_plain_lines),
        cmocka_unit_test(json_is_for_programs),
        cmocka_unit_test(what_goes_wrong_is_told_with_an_exit_code),
        cmocka_unit_test(a_wait_is_told_once),
        cmocka_unit_test(a_bar_fits_its_line),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
