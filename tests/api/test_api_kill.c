#define _XOPEN_SOURCE 700 /* nftw */

#include "base/json.h"
#include "client.h"

#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * The server is killed without warning at random instants while one client uploads voices and two
 * have texts spoken. Whatever was answered with 200 in full must be there after the next start, and
 * whole. TIMBRE_TEST_SEED repeats a run's instants, TIMBRE_TEST_KILLS changes their number.
 */

enum { KILLS = 50, KEPT_MAX = 4000, SPEAKERS = 2 };

static api_server server;
static api_reply clip; /* the recording that is uploaded */
static atomic_bool dead;
static int window_ms; /* kills fall within it; long enough for some uploads to end */

/* What the server has acknowledged. */
static struct {
    char *text, *url, *id; /* of a clip; url NULL: text is a voice's name */
    size_t size;
} kept[KEPT_MAX];
static size_t n_kept, n_unanswered, n_refused;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void keep(const char *text, const api_reply *r)
{
    pthread_mutex_lock(&lock);
    if (r->status == 0 || (r->status == 200 && !r->complete)) {
        n_unanswered++;
    } else if (r->status != 200) {
        if (n_refused++ == 0) print_message("%s: %d %.300s\n", text, r->status, (char *)r->body);
    } else if (n_kept < KEPT_MAX) {
        kept[n_kept].text = strdup(text);
        kept[n_kept].url = api_header(r, "X-Download-Url");
        kept[n_kept].id = api_header(r, "X-History-Id");
        kept[n_kept++].size = r->size;
    }
    pthread_mutex_unlock(&lock);
}

static void *speak_until_it_dies(void *arg)
{
    static atomic_int count;
    (void)arg;
    while (!atomic_load(&dead)) {
        char text[64], form[128];
        int i = atomic_fetch_add(&count, 1);
        snprintf(text, sizeof text, "Number %d.", i);
        snprintf(form, sizeof form, "voice_id=default&seed=%d&text=Number+%d.", i, i);
        api_reply r = api_form(&server, "/generate-tts", form);
        keep(text, &r);
        api_reply_clear(&r);
    }
    return NULL;
}

static void upload(void)
{
    static int count;
    api_parts parts = {0};
    char name[32];
    snprintf(name, sizeof name, "voice %d", count++);
    api_part_text(&parts, "name", name);
    api_part_file(&parts, "file", "a.wav", clip.body, clip.size);
    api_parts_end(&parts);
    api_reply r = api_multipart(&server, "/voices/upload", &parts);
    keep(name, &r);
    api_reply_clear(&r);
}

static void *upload_until_it_dies(void *arg)
{
    (void)arg;
    while (!atomic_load(&dead))
        upload();
    return NULL;
}

static int unfinished; /* temporary files seen by the walk */

static int count_unfinished(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    if (strncmp(path + at->base, ".tb-tmp", 7) == 0) {
        print_message("left over: %s\n", path);
        unfinished++;
    }
    return 0;
}

static void nothing_unfinished_lies_about(void)
{
    unfinished = 0;
    nftw(server.dir, count_unfinished, 16, FTW_PHYS);
    assert_int_equal(unfinished, 0);
}

static tb_json *list_of(const char *path, api_reply *r)
{
    tb_json *list = NULL;
    tb_err err = {0};
    *r = api_get(&server, path);
    assert_int_equal(r->status, 200);
    if (tb_json_parse((char *)r->body, r->size, &list, &err)) fail_msg("%s: %s", path, err.msg);
    return list;
}

static bool has(const tb_json *list, const char *member, const char *value)
{
    for (size_t i = 0; i < tb_json_len(list); i++) {
        const char *text = tb_json_get_string(tb_json_at(list, i), member);
        if (text && strcmp(text, value) == 0) return true;
    }
    return false;
}

static void is_there(size_t i, const tb_json *voices, const tb_json *history)
{
    char path[200];
    if (!has(kept[i].url ? history : voices, kept[i].url ? "id" : "name",
             kept[i].url ? kept[i].id : kept[i].text))
        fail_msg("'%s' was acknowledged and is in no list", kept[i].text);
    snprintf(path, sizeof path, "/voices/voice%%20%s/audio", kept[i].text + strlen("voice "));
    api_reply r = api_get(&server, kept[i].url ? kept[i].url : path);
    if (r.status != 200) print_message("%s: %.300s\n", kept[i].text, (char *)r.body);
    assert_int_equal(r.status, 200);
    assert_true(r.complete);
    if (kept[i].url) assert_int_equal(r.size, kept[i].size);
    assert_true(api_wav_seconds(r.body, r.size) > (kept[i].url ? 0.2 : 5.0));
    api_reply_clear(&r);
}

static void all_are_there(size_t from)
{
    api_reply list[2];
    tb_json *voices = list_of("/voices", &list[0]), *history = list_of("/history", &list[1]);
    for (size_t i = from; i < n_kept; i++)
        is_there(i, tb_json_is_array(voices) ? voices : tb_json_get(voices, "voices"), history);
    /* Also what was not acknowledged is whole or not there at all. */
    for (size_t i = 0; i < tb_json_len(history) && i < 4; i++) {
        char path[128];
        snprintf(path, sizeof path, "/download/%s",
                 tb_json_get_string(tb_json_at(history, i), "filename"));
        api_reply r = api_get(&server, path);
        assert_int_equal(r.status, 200);
        assert_true(api_wav_seconds(r.body, r.size) > 0.2);
        api_reply_clear(&r);
    }
    tb_json_free(voices);
    tb_json_free(history);
    api_reply_clear(&list[0]);
    api_reply_clear(&list[1]);
}

static void a_round(int wait_ms)
{
    pthread_t threads[SPEAKERS + 1];
    size_t before = n_kept;
    atomic_store(&dead, false);
    for (int i = 0; i <= SPEAKERS; i++)
        if (pthread_create(&threads[i], NULL, i ? speak_until_it_dies : upload_until_it_dies, NULL))
            fail();
    poll(NULL, 0, wait_ms);
    atomic_store(&dead, true);
    api_kill(&server);
    for (int i = 0; i <= SPEAKERS; i++)
        pthread_join(threads[i], NULL);
    api_restart(&server);
    nothing_unfinished_lies_about();
    all_are_there(before);
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    const char *given = getenv("TIMBRE_TEST_SEED"), *times = getenv("TIMBRE_TEST_KILLS");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)api_now_ms();
    int kills = times ? atoi(times) : KILLS;
    (void)state;
    print_message("TIMBRE_TEST_SEED=%u\n", seed);
    int64_t began = api_now_ms();
    upload();
    assert_int_equal(n_kept, 1);
    window_ms = 200 + 3 * (int)(api_now_ms() - began);
    for (int i = 0; i < kills; i++) {
        seed = seed * 1664525u + 1013904223u;
        a_round((int)((seed >> 8) % (unsigned)window_ms));
    }
    all_are_there(0);
    size_t voices = 0;
    for (size_t i = 0; i < n_kept; i++)
        voices += kept[i].url == NULL;
    print_message("%d kills within %d ms, in %.1f s: %zu voices and %zu clips acknowledged, all "
                  "there; %zu requests "
                  "ended without an answer\n",
                  kills, window_ms, (double)(api_now_ms() - began) / 1e3, voices, n_kept - voices,
                  n_unanswered);
    assert_true(voices > 1 && n_kept > voices && n_unanswered > 0); /* else nothing was tested */
    assert_int_equal(n_refused, 0);
}

static int stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_kept; i++) {
        free(kept[i].text);
        free(kept[i].url);
        free(kept[i].id);
    }
    api_reply_clear(&clip);
    server.mortal = false;
    return api_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_acknowledged_survives_a_kill),
    };
    api_start(&server, "WORKERS=2\nLOG_LEVEL=warn\n");
    clip = api_speech_clip(&server);
    server.mortal = true;
    return cmocka_run_group_tests(tests, NULL, stop);
}
