#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model_server.h"

/*
 * The model of a server: each number type, a file that is missing, and one that arrives while the
 * embedded engine serves people.
 */

static double figure(const char *name)
{
    api_reply r = api_get(&server, "/metrics");
    double value = -1;
    size_t n = strlen(name);
    for (char *line = (char *)r.body; line && *line;
         line = strchr(line, '\n'), line += line != NULL)
        if (strncmp(line, name, n) == 0 && line[n] == ' ') value = strtod(line + n, NULL);
    api_reply_clear(&r);
    return value;
}

static void wait_running(int running)
{
    int64_t until = api_now_ms() + test_patient(120000);
    int found;
    while ((found = (int)figure("timbre_jobs_running")) != running && api_now_ms() < until)
        poll(NULL, 0, 10);
    assert_int_equal(found, running);
}

static void a_client_who_leaves_frees_the_worker(void **state)
{
    (void)state;
    enum { SENTENCES = 150 };
    for (int stream = 0; stream < 2; stream++) {
        char *form = malloc(SENTENCES * 64 + 200), head[1024];
        size_t n = (size_t)sprintf(form, "voice_id=default&seed=%d&stream=%s&text=", 70 + stream,
                                   stream ? "true" : "false");
        for (int i = 0; i < SENTENCES; i++)
            n += (size_t)sprintf(form + n, "Sentence+%d+of+many+follows+here.+", i);
        int fd = api_connect(&server);
        snprintf(head, sizeof head,
                 "POST /generate-tts HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%s"
                 "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n",
                 api_basic(), n);
        api_send_text(fd, head);
        api_send_text(fd, form);
        free(form);
        wait_running(1);
        if (stream) {
            char some[2000];
            assert_true(recv(fd, some, sizeof some, 0) > 0);
        }
        int64_t left = api_now_ms();
        close(fd);
        wait_running(0);
        int64_t took = api_now_ms() - left;
        print_message("from leaving to a free worker: %lld ms\n", (long long)took);
        assert_true(took < test_patient(3000)); /* saying all of it takes far longer */
    }
}

/* ---- starting ---- */

static void it_does_not_start_with_what_it_cannot_speak_with(void **state)
{
    (void)state;
    char said[4096], env[400], *rubbish = tb_path_join(home, "rubbish"),
                               *file = tb_path_join(home, "rubbish.gguf");
    tb_err err = {0};
    assert_int_not_equal(api_start_fails("ENGINE=chatterbox\n", said, sizeof said), 0);
    assert_non_null(strstr(said, "timbre model pull"));
    assert_non_null(strstr(said, "embedded"));

    small_must(tb_file_mkdirs(rubbish, 0755, &err), &err);
    small_must(tb_file_write(file, "GGUF is what it begins with", 27, 0644, &err), &err);
    static const char *const engines[] = {"auto", "chatterbox"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(env, sizeof env, "ENGINE=%s\nMODEL=%s\n", engines[i], rubbish);
        assert_int_not_equal(api_start_fails(env, said, sizeof said), 0);
        assert_non_null(strstr(said, "t3_turbo_v1.safetensors"));
        snprintf(env, sizeof env, "ENGINE=%s\nMODEL=%s\n", engines[i], file);
        assert_int_not_equal(api_start_fails(env, said, sizeof said), 0);
        assert_non_null(strstr(said, "rubbish.gguf"));
        snprintf(env, sizeof env, "ENGINE=%s\nMODEL=%s/nothing\n", engines[i], home);
        assert_int_not_equal(api_start_fails(env, said, sizeof said), 0);
        assert_non_null(strstr(said, "nothing"));
    }
    snprintf(env, sizeof env, "MODEL=%s/small\nPERTH=%s/none\n", home, home);
    assert_int_not_equal(api_start_fails(env, said, sizeof said), 0);
    assert_non_null(strstr(said, "PERTH"));
    snprintf(env, sizeof env, "MODEL=%s/small\nMODEL_VARIANT=nano\n", home);
    assert_int_not_equal(api_start_fails(env, said, sizeof said), 0);
    assert_non_null(strstr(said, "t3_nano_v1.safetensors"));
    tb_free(rubbish);
    tb_free(file);
}

static void every_type_of_numbers_is_served(void **state)
{
    (void)state;
    static const char *const types[] = {"f32", "bf16", "q8_0", "q4_0"}; /* f16 is everywhere else */
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        api_server s = {0};
        char env[300];
        snprintf(env, sizeof env, "ENGINE=chatterbox\nMODEL=%s/small\nMODEL_TYPE=%s\nTHREADS=1\n",
                 home, types[i]);
        api_start(&s, env);
        api_reply r = api_form(&s, "/generate-tts", "voice_id=default&seed=1&text=Hello.");
        assert_status(&r, 200);
        header_is(&r, "X-Engine", "chatterbox");
        api_reply_clear(&r);
        assert_int_equal(api_stop(&s), 0);
    }
}

/* ---- the model arrives while people are being served ---- */

enum { TALKERS = 3 };

struct talker {
    api_server *server;
    atomic_bool *enough;
    int number;
    atomic_int embedded, chatterbox;
    int failed, went_back;
};

static void *keep_talking(void *arg)
{
    struct talker *t = arg;
    bool neural = false;
    for (int i = 0; !atomic_load(t->enough); i++) {
        char form[200];
        snprintf(form, sizeof form, "voice_id=default&seed=%d&text=Caller+%d+says+this,+number+%d.",
                 i, t->number, i);
        api_reply r = api_form(t->server, i % 2 ? "/demo" : "/generate-tts", form);
        bool good = r.status == 200 && r.complete && api_wav_seconds(r.body, r.size) > 0.05;
        if (!good) print_message("status %d: %.300s\n", r.status, r.body ? (char *)r.body : "");
        t->failed += !good;
        if (api_header_is(&r, "X-Engine", "chatterbox")) {
            neural = true;
            atomic_fetch_add(&t->chatterbox, 1);
        } else {
            t->went_back += neural;
            atomic_fetch_add(&t->embedded, 1);
        }
        api_reply_clear(&r);
    }
    return NULL;
}

/* What GET / says: the engine, and the state of what is being done ("" when nothing is). */
static void look(const api_server *s, char engine[32], char doing[32])
{
    tb_json *v = NULL;
    api_reply r = api_get(s, "/");
    assert_status(&r, 200);
    assert_int_equal(tb_json_parse((char *)r.body, r.size, &v, NULL), TB_OK);
    const tb_json *progress = tb_json_get(v, "progress");
    const char *what = tb_json_is_null(progress) ? "" : tb_json_get_string(progress, "state");
    snprintf(engine, 32, "%s", tb_json_get_string(v, "engine"));
    snprintf(doing, 32, "%s", what);
    tb_json_free(v);
    api_reply_clear(&r);
}

static void a_model_that_arrives_disturbs_nobody(void **state)
{
    (void)state;
    api_server s = {0};
    struct talker talkers[TALKERS];
    pthread_t threads[TALKERS];
    atomic_bool enough = false;
    char env[300], engine[32], doing[32];
    bool downloading = false, silent = true;
    atomic_store(&hub->rest_ms, 10); /* some 6 MB a second: 22 MB take their time */
    snprintf(env, sizeof env, "MODEL_DOWNLOAD=1\nHF_ENDPOINT=http://127.0.0.1:%d\nWORKERS=2\n",
             atomic_load(&hub->port));
    api_start(&s, env);
    look(&s, engine, doing);
    assert_string_equal(engine, "embedded");
    assert_string_not_equal(doing, ""); /* from the first second */
    for (int i = 0; i < TALKERS; i++) {
        talkers[i] = (struct talker){.server = &s, .enough = &enough, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, keep_talking, &talkers[i]), 0);
    }
    for (int64_t until = api_now_ms() + test_patient(240000); api_now_ms() < until;) {
        look(&s, engine, doing);
        downloading |= strcmp(doing, "downloading") == 0;
        silent &= !*doing;
        if (strcmp(doing, "failed") == 0) break;
        if (strcmp(engine, "chatterbox") == 0) break;
        poll(NULL, 0, 5);
    }
    for (int i = 0; i < TALKERS && strcmp(engine, "chatterbox") == 0; i++)
        for (int64_t until = api_now_ms() + test_patient(120000);
             atomic_load(&talkers[i].chatterbox) < 3 && api_now_ms() < until;)
            poll(NULL, 0, 20);
    atomic_store(&enough, true);
    for (int i = 0; i < TALKERS; i++)
        pthread_join(threads[i], NULL);
    assert_string_equal(engine, "chatterbox");
    assert_true(downloading && !silent);
    for (int i = 0; i < TALKERS; i++) {
        print_message("caller %d: %d answers of the embedded engine, %d of the model\n", i,
                      atomic_load(&talkers[i].embedded), atomic_load(&talkers[i].chatterbox));
        assert_int_equal(talkers[i].failed, 0);
        assert_int_equal(talkers[i].went_back, 0);
        assert_true(atomic_load(&talkers[i].embedded) > 0);
        assert_true(atomic_load(&talkers[i].chatterbox) >= 3);
    }
    look(&s, engine, doing);
    assert_string_equal(doing, "");

    /* It stays: the next start asks nobody. */
    api_signal(&s, SIGTERM);
    assert_int_equal(api_wait(&s), 0);
    int asked = atomic_load(&hub->requests);
    api_restart(&s);
    look(&s, engine, doing);
    assert_string_equal(engine, "chatterbox");
    assert_string_equal(doing, "");
    assert_int_equal(atomic_load(&hub->requests), asked);
    assert_int_equal(api_stop(&s), 0);
}

static void a_server_that_is_told_to_stop_leaves_the_download(void **state)
{
    (void)state;
    api_server s = {0};
    char env[300], engine[32], doing[32] = "";
    atomic_store(&hub->rest_ms, 200);
    snprintf(env, sizeof env, "MODEL_DOWNLOAD=1\nHF_ENDPOINT=http://127.0.0.1:%d\n",
             atomic_load(&hub->port));
    api_start(&s, env);
    for (int64_t until = api_now_ms() + test_patient(60000);
         strcmp(doing, "downloading") != 0 && api_now_ms() < until;) {
        look(&s, engine, doing);
        poll(NULL, 0, 10);
    }
    assert_string_equal(doing, "downloading");
    api_signal(&s, SIGTERM);
    int64_t asked = api_now_ms();
    assert_int_equal(api_wait(&s), 0);
    print_message("stopped after %lld ms\n", (long long)(api_now_ms() - asked));
    atomic_store(&hub->rest_ms, 0); /* and the next one goes on */
    api_restart(&s);
    for (int64_t until = api_now_ms() + test_patient(120000);
         strcmp(engine, "chatterbox") != 0 && api_now_ms() < until;) {
        look(&s, engine, doing);
        poll(NULL, 0, 20);
    }
    assert_string_equal(engine, "chatterbox");
    assert_int_equal(api_stop(&s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_who_leaves_frees_the_worker),
        cmocka_unit_test(it_does_not_start_with_what_it_cannot_speak_with),
        cmocka_unit_test(every_type_of_numbers_is_served),
        cmocka_unit_test(a_model_that_arrives_disturbs_nobody),
        cmocka_unit_test(a_server_that_is_told_to_stop_leaves_the_download),
    };
    char env[300], *folder;
    if (!mkdtemp(home)) return 1;
    folder = tb_path_join(home, "small");
    small_model(folder, "t3_turbo_v1", NULL);
    hub = small_hub_start(folder);
    if (!hub) return 1;
    snprintf(env, sizeof env, "ENGINE=auto\nMODEL=%s\nWORKERS=2\n", folder);
    api_start(&server, env);
    int failed = cmocka_run_group_tests(tests, NULL, stop);
    tb_free(folder);
    return failed;
}
