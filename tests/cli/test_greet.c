/*
 * Tests of what serve prints for a person: progress of a download, state, the command to try.
 */
#include "cli/greet_priv.h"

#include "base/file.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* What serve says on standard output besides the line with its port. */
static char folder[] = "/tmp/timbre-test-greet-XXXXXX";

static int begin(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    unlink(".env");
    unlink("bin/curl");
    unlink("bin/wget");
    rmdir("bin");
    return chdir("/") == 0 ? rmdir(folder) : -1;
}

static tb_model_progress at(const char *state, uint64_t done, double rate)
{
    return (
        tb_model_progress){.state = state, .done = done, .total = 3000000000, .bytes_per_s = rate};
}

static void a_download_is_told_each_tenth_once(void **state)
{
    (void)state;
    tb_greet g = {.model = tb_catalogue_find("turbo")};
    char line[300];
    int lines = 0;
    for (uint64_t done = 0; done <= 3000000000; done += 7000000) {
        tb_model_progress p = at("downloading", done, 0);
        lines += tb_greet_line(&g, false, &p, line, sizeof line);
        tb_model_progress checking = {.state = "downloading"}; /* no total is known yet */
        assert_false(tb_greet_line(&g, false, &checking, line, sizeof line));
    }
    assert_int_equal(lines, 9);
    tb_model_progress p = at("downloading", 3000000000, 5e6);
    assert_true(tb_greet_line(&g, false, &p, line, sizeof line));
    assert_string_equal(line, "chatterbox-turbo: 100 % of 3.0 GB are here");
    /* One that goes on where it stopped begins there. */
    g = (tb_greet){.model = tb_catalogue_find("nano")};
    p = at("downloading", 1500000000, 5e6);
    assert_true(tb_greet_line(&g, false, &p, line, sizeof line));
    assert_string_equal(line, "chatterbox-nano: 50 % of 3.0 GB are here, about 5 min left");
    assert_false(tb_greet_line(&g, false, &p, line, sizeof line));
}

static void each_state_is_told_once(void **state)
{
    (void)state;
    tb_greet g = {.model = tb_catalogue_find("turbo")};
    char line[300];
    tb_model_progress first = {.state = "waiting", .note = "soon"}, p = at("waiting", 1, 0);
    assert_false(tb_greet_line(&g, false, &first, line, sizeof line)); /* it was said already */
    assert_false(tb_greet_line(&g, false, NULL, line, sizeof line));
    snprintf(p.note, sizeof p.note, "the hub stalls");
    assert_true(tb_greet_line(&g, false, &p, line, sizeof line));
    assert_non_null(strstr(line, "the hub stalls"));
    assert_false(tb_greet_line(&g, false, &p, line, sizeof line));
    p = at("downloading", 2, 1);
    assert_false(tb_greet_line(&g, false, &p, line, sizeof line));
    p = at("waiting", 2, 0);
    assert_true(tb_greet_line(&g, false, &p, line, sizeof line)); /* another wait */
    p = at("converting", 1, 0);
    assert_true(tb_greet_line(&g, false, &p, line, sizeof line));
    assert_false(tb_greet_line(&g, false, &p, line, sizeof line));
    p = at("failed", 1, 0);
    assert_false(tb_greet_line(&g, false, &p, line, sizeof line));
    assert_true(tb_greet_line(&g, true, NULL, line, sizeof line));
    assert_string_equal(line, "chatterbox-turbo speaks from now on, in English");
    assert_false(tb_greet_line(&g, true, NULL, line, sizeof line));
}

static void put(const char *path, const char *text, int mode)
{
    assert_int_equal(tb_file_write(path, text, strlen(text), mode, NULL), TB_OK);
}

static void command(const tb_config *c, const char *env, const char *wanted)
{
    put(".env", env, 0600);
    char *got = tb_greet_command(c, 8000, ".env");
    if (!got || !wanted)
        assert_true(!got && !wanted);
    else
        assert_string_equal(got, wanted);
    tb_free(got);
}

static void the_command_to_try_is_one_that_works_here(void **state)
{
    (void)state;
    tb_config c = {.host = "0.0.0.0", .tls_cert = ""};
    const char *plain = "API_USERNAME=a\nAPI_PASSWORD=0a1b2c\n";
    char *path = tb_sprintf("%s/bin", folder);
    mkdir("bin", 0700);
    assert_int_equal(setenv("PATH", path, 1), 0);
    command(&c, plain, NULL); /* nothing is installed */
    put("bin/wget", "#!/bin/sh\n", 0700);
    command(&c, plain,
            ". ./.env; wget --auth-no-challenge --user=\"$API_USERNAME\" "
            "--password=\"$API_PASSWORD\" -O demo.wav http://localhost:8000/demo");
    put("bin/curl", "#!/bin/sh\n", 0700);
    command(&c, plain,
            ". ./.env; curl -u \"$API_USERNAME:$API_PASSWORD\" -o demo.wav "
            "http://localhost:8000/demo");
    /* A shell would not read these as we do, or they are no password at all: it asks. */
    const char *others[] = {"", "API_PASSWORD='a b'\n", "API_PASSWORD=\"x\"$y\n",
                            "API_PASSWORD='$argon2id$v=19$m=1'\n"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        command(&c, others[i], "curl -u NAME -o demo.wav http://localhost:8000/demo");
    c.host = "::1";
    c.tls_cert = "x.pem";
    command(&c, "", "curl -u NAME -o demo.wav https://[::1]:8000/demo");
    c.host = "192.168.1.4";
    command(&c, "", "curl -u NAME -o demo.wav https://192.168.1.4:8000/demo");
    tb_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_download_is_told_each_tenth_once),
        cmocka_unit_test(each_state_is_told_once),
        cmocka_unit_test(the_command_to_try_is_one_that_works_here),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
