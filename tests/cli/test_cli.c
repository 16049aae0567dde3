/*
 * The program as a child process: help, exit codes, settings, completion, manual page, speaking.
 */
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* The program as a person at a shell meets it. Each test runs in an empty folder of its own. */
static char home[] = "/tmp/timbre-test-cli-XXXXXX";

/* What a shell line prints, heap; its exit status in *status. $T is the program. */
static char *shell(const char *line, int *status)
{
    tb_str out;
    char piece[4096];
    tb_str_init(&out, 1 << 22);
    FILE *f = popen(line, "r"); /* NOLINT: a test's own lines */
    assert_non_null(f);
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;)
        tb_str_add(&out, piece, n);
    int how = pclose(f);
    *status = WIFEXITED(how) ? WEXITSTATUS(how) : 1000;
    return tb_str_take(&out);
}

static void expect(const char *line, int wanted, const char *part)
{
    int status;
    char *out = shell(line, &status);
    if (status != wanted || !strstr(out, part))
        fail_msg("%s\nexit %d, wanted %d with \"%s\":\n%s", line, status, wanted, part, out);
    tb_free(out);
}

static tb_json *json_of(const char *line, int *status)
{
    tb_json *v = NULL;
    tb_err err = {0};
    char *out = shell(line, status);
    if (tb_json_parse(out, strlen(out), &v, &err)) fail_msg("%s\n%s\n%s", line, err.msg, out);
    tb_free(out);
    return v;
}

static int begin(void **state)
{
    (void)state;
    const char *program = getenv("TIMBRE_PROGRAM");
    if (setenv("T", program && *program ? program : TB_TEST_PROGRAM, 1) != 0) return -1;
    unsetenv("DATA");
    unsetenv("LOG_LEVEL");
    unsetenv("XDG_DATA_HOME");
    if (setenv("HF_ENDPOINT", "http://127.0.0.1:9", 1) != 0) return -1; /* no test asks the hub */
    return mkdtemp(home) && setenv("HOME", home, 1) == 0 ? chdir(home) : -1;
}

static int end(void **state)
{
    (void)state;
    int status;
    if (chdir("/") != 0) return -1;
    char *line = tb_sprintf("rm -r '%s'", home);
    tb_free(shell(line, &status));
    tb_free(line);
    return status;
}

static void it_says_its_version_and_how_it_is_used(void **state)
{
    (void)state;
    expect("\"$T\" --version", 0, "timbre ");
    expect("\"$T\" say --version", 0, "timbre ");
    expect("\"$T\" --help", 0, "usage: timbre COMMAND");
    expect("\"$T\" help", 0, "usage: timbre COMMAND");
    expect("\"$T\" help say", 0, "usage: timbre say");
    expect("\"$T\" help say", 0, "speaking rate, 0.25-4; 1 is the voice's own");
    expect("\"$T\" help say", 0, "wav, mp3, opus, ogg, aac, flac, pcm; default");
    expect("\"$T\" help say", 0, "{\"k8s\": \"kubernetes\"}");
    expect("\"$T\" 2>&1", 2, "usage: timbre");
}

static void every_command_has_help(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "serve",
        "say",
        "voices list",
        "voices add",
        "voices show",
        "voices rename",
        "voices remove",
        "pronunciations list",
        "pronunciations add",
        "pronunciations remove",
        "history list",
        "history show",
        "history remove",
        "ambiences",
        "languages",
        "doctor",
        "completion",
        "man",
        "model pull",
        "model convert",
        "model show",
        "probe",
        "sample",
    };
    int status;
    char *all = shell("\"$T\" --help", &status);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char *line = tb_sprintf("\"$T\" %s --help", commands[i]);
        char *usage = tb_sprintf("usage: timbre %s", commands[i]);
        expect(line, 0, usage);
        char *help = shell(line, &status);
        assert_null(strstr(help, "--storage-dir")); /* its own options, not every setting */
        tb_free(help);
        assert_non_null(strstr(all, commands[i]));
        tb_free(line);
        tb_free(usage);
    }
    tb_free(all);
}

static void a_wrong_use_is_2_and_names_what_is_wrong(void **state)
{
    (void)state;
    expect("\"$T\" sing 2>&1", 2, "sing");
    expect("\"$T\" voices sing 2>&1", 2, "sing");
    expect("\"$T\" say --loud x 2>&1", 2, "--loud");
    expect("\"$T\" say 2>&1", 2, "TEXT");
    expect("\"$T\" say a b 2>&1", 2, "say");
    expect("\"$T\" say a --seed 2>&1", 2, "--seed");
    expect("\"$T\" languages --port=http 2>&1", 1, "PORT is 'http'");
    expect("\"$T\" completion fish 2>&1", 2, "fish");
    expect("\"$T\" say --lagnuage es x 2>&1", 2, "did you mean --language?");
    expect("\"$T\" say --vioce es x 2>&1", 2, "did you mean --voice?");
    expect("\"$T\" --help sing 2>&1", 2, "sing");
    expect("test ! -e data", 0, "");
}

static void settings_are_behind_help_settings(void **state)
{
    (void)state;
    static const char *const ways[] = {"say --help settings", "--help settings", "help settings",
                                       "voices list -h settings"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        char *line = tb_sprintf("\"$T\" %s", ways[i]);
        expect(line, 0, "STORAGE_DIR, --storage-dir\n");
        expect(line, 0, "TEXT_MAX, --text-max\n");
        tb_free(line);
    }
    expect("\"$T\" --help say", 0, "-o, --output FILE");
}

/* Who is in a folder with a .env of ours means the server there; everybody else has data at home.
 */
static void data_is_the_users_unless_somebody_says_otherwise(void **state)
{
    (void)state;
    static const struct {
        const char *before, *call, *where;
    } cases[] = {
        {"", "say hi", "h/.local/share/timbre"},
        {"", "voices list", "h/.local/share/timbre"},
        {"", "XDG_DATA_HOME=$PWD/x say hi", "x/timbre"},
        {"", "XDG_DATA_HOME=x voices list", "h/.local/share/timbre"}, /* must be absolute */
        {"", "DATA=e voices list", "e"},
        {"", "voices list --data f", "f"},
        {"", "voices list --data=f", "f"},
        {"echo PORT=9000 >.env", "voices list", "data"},
        {"echo API_KEY=x >.env", "say hi", "data"},
        {"echo DATA=g >.env", "history list", "g"},
        {"echo DATA=g >.env", "voices list --data f", "f"},
        {"echo NODE_ENV=production >.env", "voices list", "h/.local/share/timbre"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *space = strncmp(cases[i].call, "XDG", 3) == 0 || cases[i].call[4] == '='
                                ? strchr(cases[i].call, ' ')
                                : NULL;
        char *line = tb_sprintf("rm -rf t && mkdir t && cd t && mkdir h && %s; export HOME=$PWD/h; "
                                "%.*s \"$T\" %s >/dev/null; "
                                "find . -name timbre.db | sed s,^./,, ",
                                *cases[i].before ? cases[i].before : ":",
                                space ? (int)(space - cases[i].call) : 0, cases[i].call,
                                space ? space : cases[i].call);
        char *wanted = tb_sprintf("%s/timbre.db\n", cases[i].where);
        int status;
        char *got = shell(line, &status);
        if (strcmp(got, wanted) != 0) fail_msg("%s\n%s, not %s", line, got, wanted);
        tb_free(got);
        tb_free(wanted);
        tb_free(line);
    }
    /* Where nothing may be written at all, speaking into a file is refused with the place. */
    expect("HOME=/proc/no \"$T\" say hi 2>&1 >/dev/null", 1, "/proc/no");
}

static void what_goes_wrong_is_told_once(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "say x --voice nobody",
        "say x --ambience nowhere",
        "voices show nobody",
        "voices list --data /proc/no",
        "say x --speed 9",
        "say x --language klingonese",
        "history remove 1-2-3",
        "model show nothing",
        "voices add a /no/such/file",
        "serve --api-username a --api-password b --port 0 --data broken",
        "serve --api-username a --api-password b --port 0 --data /proc/no",
        "serve --api-username a --api-password b --host 203.0.113.9",
        "say x --data broken",
        "say '[laugh]'",
        "voices add a broken/timbre.db",
    };
    expect("mkdir broken && echo this is no database, it has only this line of text in it, but is "
           "long enough for a head of one >broken/timbre.db",
           0, "");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        int status;
        char *line = tb_sprintf("\"$T\" %s 2>&1 >/dev/null", lines[i]);
        char *said = shell(line, &status), *end = strchr(said, '\n');
        if (status == 0 || strncmp(said, "timbre: ", 8) != 0 || !end || end[1])
            fail_msg("%s\nexit %d\n%s", line, status, said);
        tb_free(said);
        tb_free(line);
    }
    expect("\"$T\" say x --voice nobody --log-level debug 2>&1", 1, "level=warn");
    /* A file that is not there is no voice that is not kept. */
    expect("\"$T\" say x --voice gone.mp3 2>&1", 1, "gone.mp3: No such file");
    expect("\"$T\" say x --voice ./gone.wav 2>&1", 1, "gone.wav: No such file");
    expect("\"$T\" say x --voice gone.wav 2>&1", 1, "Voice clone 'gone' not found");
}

static void completion_knows_values(void **state)
{
    (void)state;
    static const struct {
        const char *words, *offered; /* what is typed, the cursor in the last word */
    } cases[] = {
        {"voices ''", "list add show rename remove"},
        {"say hi --ambience rai", "rain"},
        {"say hi -a rai", "rain"},
        {"say hi --ambience = rai", "rain"},
        {"say hi --format ''", "wav mp3 opus aac flac ogg pcm"},
        {"say hi -f ''", "wav mp3 opus aac flac ogg pcm"},
        {"say hi --format =", "wav mp3 opus aac flac ogg pcm"},
        {"say hi --language es-", "es-419"},
        {"say hi --voice def", "default"},
        {"say hi --engine ''", "auto chatterbox embedded"},
        {"doctor --model-type q", "q8_0 q4_0"},
        {"serve --public-health =", "0 1"},
        {"model convert f --type b", "bf16"},
        {"model pull ''", "turbo nano"},
        {"completion ''", "bash zsh"},
        {"say --help ''", "settings"},
        {"say hi --see", "--seed"},
        {"voices remove --data d ''", ""},
        {"voices remove --data kc Jo", "Jos\xC3\xA9\\ M"},
        {"voices show --data = kc ''", "ben Jos\xC3\xA9\\ M"},
    };
    expect("command -v bash >/dev/null && "
           "\"$T\" say 'Somebody speaks for a good while, so that there is enough of a voice to "
           "keep, and says so in one long sentence after the other.' -o long.wav --data kc 2>&1 && "
           "for n in 'Jos\xC3\xA9 M' ben; do "
           "\"$T\" voices add \"$n\" long.wav --data kc || exit 1; done",
           0, "kept");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *line = tb_sprintf("bash -c '. <(\"$T\" completion bash); export LC_ALL=C.UTF-8; "
                                "COMP_WORDS=(\"$T\" \"$@\"); COMP_CWORD=$#; _timbre; "
                                "echo -n \"${COMPREPLY[*]}\"' sh %s",
                                cases[i].words);
        int status;
        char *got = shell(line, &status);
        if (strcmp(got, cases[i].offered) != 0)
            fail_msg("%s\noffered: %s\nwanted: %s", line, got, cases[i].offered);
        tb_free(got);
        tb_free(line);
    }
    expect("test ! -e d", 0, ""); /* a folder that is asked about is not made */
}

static void the_completion_and_the_manual_are_well_formed(void **state)
{
    (void)state;
    expect("\"$T\" completion bash | bash -n 2>&1", 0, "");
    expect("\"$T\" completion bash", 0, "complete ");
    expect("\"$T\" completion zsh", 0, "compdef");
    expect("\"$T\" man", 0, ".SH");
    expect("command -v mandoc >/dev/null || exit 0; "
           "\"$T\" man | mandoc -T lint -W error 2>&1",
           0, "");
}

/* Seconds of a wav of 24 kHz mono, 16 bit; fails when it is something else. */
static double seconds_of(const char *path)
{
    char *data = NULL;
    size_t size = 0;
    assert_int_equal(tb_file_read(path, 1 << 24, &data, &size, NULL), TB_OK);
    assert_true(size > 44);
    assert_memory_equal(data, "RIFF", 4);
    assert_memory_equal(data + 8, "WAVE", 4);
    tb_free(data);
    return (double)(size - 44) / 48000;
}

static void a_text_becomes_a_sound_and_a_seed_the_same_one(void **state)
{
    (void)state;
    expect("\"$T\" say 'Hello there, this is a test.' --seed 7 -o a.wav --data d 2>&1", 0, "");
    double s = seconds_of("a.wav");
    assert_true(s > 0.8 && s < 6);
    expect("\"$T\" say 'Hello there, this is a test.' --seed 7 --data d > b.wav && cmp a.wav b.wav",
           0, "");
    expect("echo 'Hello there, this is a test.' | \"$T\" say - --seed 7 -o c.wav --data d 2>&1 && "
           "test -s c.wav",
           0, "");
    expect("\"$T\" say '' -o e.wav --data d 2>&1; test ! -e e.wav", 0, "");
    expect("\"$T\" say x -o no/such/folder.wav --data d 2>&1", 1, "no/such");
    expect("\"$T\" say x --voice nobody -o e.wav --data d 2>&1; test ! -e e.wav", 0, "nobody");
}

static void what_is_kept_is_listed_and_can_be_removed(void **state)
{
    (void)state;
    int status;
    tb_json *v = json_of("\"$T\" voices list --json --data k", &status);
    assert_int_equal(status, 0);
    assert_true(tb_json_is_array(v));
    assert_int_equal(tb_json_len(v), 0);
    tb_json_free(v);
    v = json_of("\"$T\" history list --json --data k", &status);
    assert_int_equal(status, 0);
    assert_int_equal(tb_json_len(v), 0);
    tb_json_free(v);
    expect("\"$T\" say 'Keep this.' --keep --seed 1 -o k.wav --data k 2>&1", 0, "");
    v = json_of("\"$T\" history list --json --data k", &status);
    assert_int_equal(tb_json_len(v), 1);
    assert_string_equal(tb_json_get_string(tb_json_at(v, 0), "text"), "Keep this.");
    tb_json_free(v);
    expect("\"$T\" history remove all --data k 2>&1", 0, "");
    v = json_of("\"$T\" history list --json --data k", &status);
    assert_int_equal(tb_json_len(v), 0);
    tb_json_free(v);
    expect("\"$T\" voices show nobody --data k 2>&1", 1, "nobody");
    expect("\"$T\" voices remove nobody --data k 2>&1", 1, "nobody");
}

static void a_sample_is_a_voice_to_keep(void **state)
{
    (void)state;
    expect("\"$T\" sample -o s.wav && \"$T\" sample -o t.wav && cmp s.wav t.wav", 0, "s.wav");
    const double s = seconds_of("s.wav");
    assert_true(s > 10 && s < 30);
    expect("\"$T\" voices add made s.wav --data m --json", 0, "\"warnings\":[]");
    expect("\"$T\" sample --json", 0, "\"file\": \"sample.wav\"");
    expect("\"$T\" sample -o no/such/s.wav 2>&1", 1, "no/such");
}

static void the_doctor_reports_in_json(void **state)
{
    (void)state;
    int status;
    tb_json *v = json_of("\"$T\" doctor --json --data none", &status);
    assert_int_equal(status, 0); /* who only uses say needs no credentials and no hub */
    assert_true(tb_json_len(v) > 3);
    for (size_t i = 0; i < tb_json_len(v); i++) {
        assert_non_null(tb_json_get_string(tb_json_at(v, i), "level"));
        assert_non_null(tb_json_get_string(tb_json_at(v, i), "finding"));
    }
    tb_json_free(v);
    expect("test ! -e none", 0, ""); /* it looks and touches nothing */
}

static void the_doctor_tells_where_the_model_is_or_would_come_from(void **state)
{
    (void)state;
    int status;
    char *none = shell("HF_HOME=nowhere \"$T\" doctor --data none --model-type q8_0", &status);
    if (!strstr(none, "chatterbox-turbo is not installed as q8_0") ||
        !strstr(none, "127.0.0.1:9") || !strstr(none, "the hub cannot be used") ||
        !strstr(none, "GB are free"))
        fail_msg("%s", none);
    tb_free(none);
    expect("HF_HOME=nowhere HF_HUB_OFFLINE=1 \"$T\" doctor --data none --engine chatterbox", 3,
           "missing  HF_HUB_OFFLINE");
    /* A cache as Hugging Face's programs lay it out. */
    expect("d=hf/hub/models--ResembleAI--chatterbox-turbo; "
           "c=0123456789abcdef0123456789abcdef01234567; mkdir -p $d/refs $d/snapshots/$c && "
           "printf $c >$d/refs/main && : >$d/snapshots/$c/t3_turbo_v1.safetensors && "
           "HF_HOME=hf HF_HUB_OFFLINE=1 \"$T\" doctor --data none",
           0, "Hugging Face's cache has it: hf/hub");
    expect("printf GGUF >bad.gguf; \"$T\" doctor --data none --model bad.gguf", 3,
           "missing  bad.gguf");
    expect("\"$T\" doctor --data none --engine embedded", 0, "no model is looked for");
}

static void errors_are_json_when_json_is_wanted(void **state)
{
    (void)state;
    int status;
    tb_json *v = json_of("\"$T\" voices show nobody --json --data k 2>&1", &status);
    assert_int_equal(status, 1);
    assert_non_null(strstr(tb_json_get_string(v, "error"), "nobody"));
    assert_string_equal(tb_json_get_string(v, "code"), "not_found");
    tb_json_free(v);
}

static void pronunciations_are_kept_and_obeyed(void **state)
{
    (void)state;
    expect("\"$T\" pronunciations list --data w", 0, "no pronunciations are kept");
    expect("\"$T\" pronunciations add K8s kubernetes --data w", 0, "kubernetes");
    expect("\"$T\" pronunciations add data 'dah ta' --in español --data w --json", 0,
           "\"language\": \"es\"");
    expect("\"$T\" pronunciations list --data w", 0, "K8s ");
    expect("\"$T\" say 'k8s data' --seed 1 --data w -o a.wav && "
           "\"$T\" say 'kubernetes data' --seed 1 --data v -o b.wav && cmp a.wav b.wav",
           0, "");
    expect("\"$T\" say 'so' --seed 1 --data v --pronunciations '{\"so\": \"kubernetes data\"}' "
           "-o c.wav && cmp b.wav c.wav",
           0, "");
    expect("\"$T\" pronunciations add a '[laugh]' --data w 2>&1", 1, "say");
    expect("\"$T\" pronunciations add a b --in klingonese --data w 2>&1", 1, "klingonese");
    expect("\"$T\" pronunciations remove data --in en --data w 2>&1", 1, "no entry 'data'");
    expect("\"$T\" pronunciations remove data --data w && \"$T\" pronunciations remove k8S --data "
           "w 2>&1",
           1, "k8S");
    expect("\"$T\" pronunciations remove k8s --data w && \"$T\" pronunciations list --data w", 0,
           "no pronunciations");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pronunciations_are_kept_and_obeyed),
        cmocka_unit_test(it_says_its_version_and_how_it_is_used),
        cmocka_unit_test(every_command_has_help),
        cmocka_unit_test(a_wrong_use_is_2_and_names_what_is_wrong),
        cmocka_unit_test(settings_are_behind_help_settings),
        cmocka_unit_test(data_is_the_users_unless_somebody_says_otherwise),
        cmocka_unit_test(what_goes_wrong_is_told_once),
        cmocka_unit_test(completion_knows_values),
        cmocka_unit_test(the_completion_and_the_manual_are_well_formed),
        cmocka_unit_test(a_text_becomes_a_sound_and_a_seed_the_same_one),
        cmocka_unit_test(what_is_kept_is_listed_and_can_be_removed),
        cmocka_unit_test(a_sample_is_a_voice_to_keep),
        cmocka_unit_test(the_doctor_reports_in_json),
        cmocka_unit_test(the_doctor_tells_where_the_model_is_or_would_come_from),
        cmocka_unit_test(errors_are_json_when_json_is_wanted),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
