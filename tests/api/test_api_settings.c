/*
 * Settings that change how the server answers: opt-outs of credentials, CORS, argon2id passwords, a
 * second server on the same data.
 */
#define _XOPEN_SOURCE 700

#include "client.h"
#include "patience.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What .env changes about who may ask for what, and settings with which it does not start. */

/* Of "open sesame". */
#define ARGON                                                      \
    "$argon2id$v=19$m=8192,t=2,p=1$7KDgsichYyOaqMwj5T4WEg$RDwt7z/" \
    "f87q+AWpx+qxXWnz60WmBYwFSHLYBIaNZ8BU"

static api_server server;

static void with(const char *env)
{
    api_start(&server, env);
}

static void ends_well(void)
{
    assert_int_equal(api_stop(&server), 0);
}

static int status_of(const char *method, const char *path, const char *headers)
{
    api_reply r =
        api_call(&server, method, path, &(api_extra){.anonymous = true, .headers = headers});
    int status = r.status;
    api_reply_clear(&r);
    return status;
}

static void the_opt_outs_open_what_they_name_and_no_more(void **state)
{
    (void)state;
    with("PUBLIC_HEALTH=1\nPUBLIC_LISTS=1\n");
    assert_int_equal(status_of("GET", "/", NULL), 200);
    assert_int_equal(status_of("GET", "/health", NULL), 200);
    assert_int_equal(status_of("HEAD", "/health", NULL), 200);
    assert_int_equal(status_of("GET", "/ready", NULL), 200);
    assert_int_equal(status_of("GET", "/voices", NULL), 200);
    assert_int_equal(status_of("GET", "/languages", NULL), 200);
    assert_int_equal(status_of("GET", "/metrics", NULL), 401);
    assert_int_equal(status_of("GET", "/history", NULL), 401);
    assert_int_equal(status_of("GET", "/docs", NULL), 401);
    assert_int_equal(status_of("GET", "/demo", NULL), 401);
    assert_int_equal(status_of("GET", "/voices/x/audio", NULL), 401);
    assert_int_equal(status_of("DELETE", "/voices/x", NULL), 401);
    assert_int_equal(status_of("GET", "/download/x.wav", NULL), 401);
    ends_well();
}

static void a_list_of_origins_answers_those_in_it(void **state)
{
    (void)state;
    with("CORS_ORIGINS=https://a.example,https://b.example\n");
    api_reply r = api_call(&server, "GET", "/health",
                           &(api_extra){.headers = "Origin: https://b.example\r\n"});
    assert_int_equal(r.status, 200);
    assert_true(api_header_is(&r, "Access-Control-Allow-Origin", "https://b.example"));
    assert_true(api_header_is(&r, "Vary", "Origin"));
    api_reply_clear(&r);
    r = api_call(&server, "GET", "/health",
                 &(api_extra){.headers = "Origin: https://b.example.evil\r\n"});
    assert_int_equal(r.status, 200);
    char *allowed = api_header(&r, "Access-Control-Allow-Origin");
    assert_null(allowed);
    api_reply_clear(&r);
    ends_well();
}

static void a_password_may_be_kept_as_argon2id(void **state)
{
    (void)state;
    with("API_PASSWORD='" ARGON "'\n");
    char *good = api_basic_of(API_USER, "open sesame"), *bad = api_basic_of(API_USER, "open");
    assert_int_equal(status_of("GET", "/health", bad), 401);
    assert_int_equal(status_of("GET", "/health", good), 200);
    assert_int_equal(status_of("GET", "/health", good), 200); /* remembered now */
    assert_int_equal(status_of("GET", "/health", bad), 401);
    assert_int_equal(status_of("GET", "/health", "Authorization: Bearer " API_KEY "\r\n"), 200);
    assert_int_equal(status_of("GET", "/health", NULL), 401);
    free(good);
    free(bad);
    ends_well();
}

/* Starts a server in a folder that lives elsewhere; its exit code, what it said in text. */
static int start_fails(const char *dir, const char *env, char *text, size_t size)
{
    char path[160];
    int out[2], status;
    size_t n = 0;
    ssize_t got;
    if (env) {
        snprintf(path, sizeof path, "%s/.env", dir);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fputs(env, f);
        fclose(f);
    }
    assert_int_equal(pipe(out), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(out[1], 1);
        dup2(out[1], 2);
        close(out[0]);
        alarm(
            (unsigned)(test_patient(60000) / 1000)); /* one that starts after all ends by itself */
        api_calm_environment();
        setenv("MODEL_DOWNLOAD", "0", 1);
        if (chdir(dir) != 0) _exit(126);
        execl(TB_TEST_PROGRAM, "timbre", "serve", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    while (n < size - 1 && (got = read(out[0], text + n, size - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = 0;
    close(out[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_second_server_on_the_same_data_is_refused(void **state)
{
    char text[4096];
    (void)state;
    with("");
    int code = start_fails(server.dir, NULL, text, sizeof text);
    if (code <= 0) print_message("%d: %s\n", code, text);
    assert_true(code > 0);
    assert_null(strstr(text, "listening on"));
    assert_int_equal(status_of("GET", "/health", api_basic()), 200);
    ends_well();
}

static void settings_that_cannot_be_meant_stop_the_start(void **state)
{
    static const struct {
        const char *env, *says;
    } cases[] = {
        {"", "API_USERNAME"},
        {"API_USERNAME=me\nPORT=0\n", "API_PASSWORD"},
        {"API_USERNAME=me\nAPI_PASWORD=x\nPORT=0\n", "API_PASSWORD"},
        {"API_USERNAME=me\nAPI_PASSWORD=x\nPORT=70000\n", "PORT"},
        {"API_USERNAME=me\nAPI_PASSWORD=x\nPORT=0\nWORKERS=many\n", "WORKERS"},
        {"API_USERNAME=me\nAPI_PASSWORD=x\nPORT=0\nTTS_MODEL=other/model\n", "TTS_MODEL"},
        {"API_USERNAME=me\nAPI_PASSWORD=x\nPORT=0\nHOST=not.an.address.invalid\n",
         "not.an.address.invalid"},
    };
    char dir[] = "/tmp/timbre-api-XXXXXX", text[4096], path[64];
    (void)state;
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int code = start_fails(dir, cases[i].env, text, sizeof text);
        if (code <= 0 || !strstr(text, cases[i].says))
            print_message("case %zu ended with %d: %s\n", i, code, text);
        assert_true(code > 0);
        assert_non_null(strstr(text, cases[i].says));
        assert_null(strstr(text, "listening on"));
    }
    snprintf(path, sizeof path, "rm -rf %s", dir);
    assert_int_equal(system(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_opt_outs_open_what_they_name_and_no_more),
        cmocka_unit_test(a_list_of_origins_answers_those_in_it),
        cmocka_unit_test(a_password_may_be_kept_as_argon2id),
        cmocka_unit_test(a_second_server_on_the_same_data_is_refused),
        cmocka_unit_test(settings_that_cannot_be_meant_stop_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
