/*
 * Shapes of replies: errors and their fields, the OpenAPI description, voices, pages of the
 * history, downloads.
 */
#include "base/json.h"
#include "base/mem.h"
#include "client.h"
#include "params/params.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The replies as programs read them: JSON is parsed, audio is looked at by another program, links
 * are followed. */

static api_server server;
static api_reply clip;

static void want(const api_reply *r, int status)
{
    if (r->status != status)
        print_message("status %d: %.300s\n", r->status, r->status == 200 ? "" : (char *)r->body);
    assert_int_equal(r->status, status);
}

/* The reply as JSON; r is cleared. */
static tb_json *json_of(api_reply r, int status)
{
    tb_json *v = NULL;
    tb_err err = {0};
    want(&r, status);
    assert_true(api_header_is(&r, "Content-Type", "application/json"));
    if (tb_json_parse((char *)r.body, r.size, &v, &err)) fail_msg("%s", err.msg);
    api_reply_clear(&r);
    return v;
}

static void done(api_reply r, int status)
{
    want(&r, status);
    api_reply_clear(&r);
}

static const tb_json *find(const tb_json *list, const char *member, const char *value)
{
    for (size_t i = 0; i < tb_json_len(list); i++) {
        const char *text = tb_json_get_string(tb_json_at(list, i), member);
        if (text && strcmp(text, value) == 0) return tb_json_at(list, i);
    }
    return NULL;
}

static api_reply upload(const char *name, const char *overwrite, const char *description)
{
    api_parts parts = {0};
    api_part_text(&parts, "name", name);
    if (overwrite) api_part_text(&parts, "overwrite", overwrite);
    if (description) api_part_text(&parts, "description", description);
    api_part_file(&parts, "file", "a.wav", clip.body, clip.size);
    api_parts_end(&parts);
    return api_multipart(&server, "/voices/upload", &parts);
}

static void errors_have_a_sentence_and_name_their_fields(void **state)
{
    static const struct {
        const char *form, *field;
    } cases[] = {
        {"text=a&voice_id=default&speed=0.1", "speed"},
        {"text=a&voice_id=default&temperature=hot", "temperature"},
        {"text=a&voice_id=default&seed=9007199254740992", "seed"},
        {"text=a&voice_id=default&ambience_id=rain&ambience_level=99", "ambience_level"},
        {"text=a&voice_id=default&ambience_id=rain&ambience_duck_db=13", "ambience_duck_db"},
        {"text=a&voice_id=default&response_format=midi", "response_format"},
        {"text=a&voice_id=default&sample_rate=7", "sample_rate"},
        {"text=a&voice_id=default&stream=perhaps", "stream"},
        {"text=a&voice_id=default&engine=steam", "engine"},
        {"text=a&voice_id=default&language=klingon-klingon", "language"},
        {"text=&voice_id=default", "text"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tb_json *v = json_of(api_form(&server, "/generate-tts", cases[i].form), 422);
        const tb_json *errors = tb_json_get(v, "errors");
        assert_non_null(tb_json_get_string(v, "detail"));
        assert_true(tb_json_is_array(errors));
        if (!find(errors, "field", cases[i].field)) fail_msg("%s is not named", cases[i].field);
        assert_non_null(tb_json_get_string(tb_json_at(errors, 0), "message"));
        tb_json_free(v);
    }
}

static void a_wrong_name_gets_the_near_ones(void **state)
{
    (void)state;
    done(upload("Margarete", NULL, NULL), 200);
    tb_json *v = json_of(api_form(&server, "/generate-tts", "text=a&voice_id=Margarethe"), 404);
    const char *detail = tb_json_get_string(v, "detail");
    assert_non_null(detail);
    if (!strstr(detail, "Margarete")) fail_msg("%s", detail);
    tb_json_free(v);
    v = json_of(api_form(&server, "/demo", "text=a&ambience_id=moon"), 404);
    detail = tb_json_get_string(v, "detail");
    assert_non_null(detail);
    assert_non_null(strstr(detail, "rain"));
    assert_non_null(strstr(detail, "office"));
    tb_json_free(v);
    done(api_call(&server, "DELETE", "/voices/Margarete", NULL), 200);
}

static void the_description_names_every_route(void **state)
{
    static const char *const paths[] = {
        "/",        "/health",       "/ready",       "/metrics",
        "/demo",    "/generate-tts", "/voices",      "/voices/upload",
        "/history", "/history/{id}", "/voices/{id}", "/download/{filename}",
        "/login",   "/ambiences",    "/languages",   "/history/{id}/replay",
        "/docs",    "/jobs/{id}",    "/voices/list", "/ambiences/{id}/preview",
    };
    (void)state;
    tb_json *v = json_of(api_get(&server, "/openapi.json"), 200);
    const tb_json *all = tb_json_get(v, "paths");
    assert_int_equal(strncmp(tb_json_get_string(v, "openapi"), "3.", 2), 0);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (!tb_json_get(all, paths[i])) fail_msg("%s is not described", paths[i]);
    /* The fields of a request with what they may be. */
    const tb_json *get = tb_json_get(tb_json_get(all, "/demo"), "get");
    const tb_json *params = tb_json_get(get, "parameters"), *found = NULL;
    assert_int_equal(tb_json_len(params), TB_PARAM_COUNT - 1); /* a query carries no file */
    for (size_t i = 0; i < tb_json_len(params); i++)
        if (strcmp(tb_json_get_string(tb_json_at(params, i), "name"), "temperature") == 0)
            found = tb_json_get(tb_json_at(params, i), "schema");
    assert_non_null(found);
    assert_string_equal(tb_json_get_string(found, "type"), "number");
    assert_true(tb_json_number(tb_json_get(found, "minimum")) == 0.05);
    assert_true(tb_json_number(tb_json_get(found, "maximum")) == 5);
    assert_true(tb_json_number(tb_json_get(found, "default")) == 0.8);
    tb_json_free(v);
}

static void a_voice_is_renamed_replaced_and_gone(void **state)
{
    (void)state;
    done(upload("Anna", NULL, "the first"), 200);
    done(upload("Berta", NULL, NULL), 200);
    done(upload("anna", NULL, NULL), 409);
    done(upload("ANNA", "perhaps", NULL), 422);
    done(upload("Anna", "true", "the second"), 200);
    tb_json *v = json_of(api_get(&server, "/voices"), 200);
    const tb_json *anna = find(tb_json_get(v, "voices"), "name", "Anna");
    assert_int_equal(tb_json_len(tb_json_get(v, "voices")), 2);
    assert_non_null(anna);
    assert_string_equal(tb_json_get_string(anna, "description"), "the second");
    assert_non_null(tb_json_get_string(anna, "id"));
    tb_json_free(v);

    done(api_call(&server, "PUT", "/voices/Anna?new_name=berta", NULL), 409);
    done(api_call(&server, "PUT", "/voices/Anna?new_name=default", NULL), 422);
    done(api_call(&server, "PUT", "/voices/Nobody?new_name=x", NULL), 404);
    v = json_of(api_call(&server, "PUT", "/voices/Anna?new_name=Clara&region=GB", NULL), 200);
    const tb_json *meta = tb_json_get(v, "metadata");
    assert_string_equal(tb_json_get_string(meta, "name"), "Clara");
    assert_string_equal(tb_json_get_string(meta, "region"), "GB");
    assert_string_equal(tb_json_get_string(meta, "description"), "the second");
    tb_json_free(v);
    done(api_get(&server, "/voices/Anna"), 404);
    done(api_form(&server, "/demo", "text=hello&voice_id=clara.wav"), 200);

    v = json_of(api_get(&server, "/voices/list"), 200);
    assert_int_equal(tb_json_integer(tb_json_get(v, "total")), 2);
    const char *preview =
        tb_json_get_string(find(tb_json_get(v, "voices"), "name", "Clara"), "preview_url");
    assert_non_null(preview);
    api_reply heard = api_get(&server, preview);
    want(&heard, 200);
    assert_true(api_wav_seconds(heard.body, heard.size) > 0.3);
    api_reply_clear(&heard);
    tb_json_free(v);

    v = json_of(api_call(&server, "DELETE", "/voices/Clara", NULL), 200);
    assert_string_equal(tb_json_get_string(v, "status"), "Voice 'Clara' deleted");
    tb_json_free(v);
    done(api_call(&server, "DELETE", "/voices/Clara", NULL), 404);
    done(api_form(&server, "/demo", "text=hello&voice_id=Clara"), 404);
    done(api_call(&server, "DELETE", "/voices/Berta", NULL), 200);
}

static void one_sentence_sent_in_three_ways_is_one_sound(void **state)
{
    static const char *const headers[] = {
        "X-Seed",       "X-Engine",     "X-Audio-Duration",   "X-Download-Url",
        "X-History-Id", "X-Request-Id", "Content-Disposition"};
    api_parts parts = {0};
    (void)state;
    api_part_text(&parts, "text", "Three ways in.");
    api_part_text(&parts, "voice_id", "default");
    api_part_text(&parts, "seed", "5");
    api_part_text(&parts, "ambience_id", ""); /* as the old client sends it: none */
    api_parts_end(&parts);
    api_reply r[3] = {
        api_multipart(&server, "/generate-tts", &parts),
        api_form(&server, "/generate-tts", "text=Three+ways+in.&voice_id=default&seed=5"),
        api_json(
            &server, "/generate-tts",
            "{\"text\":\"Three ways in.\",\"voice_id\":\"default\",\"seed\":5,\"unknown\":{}}"),
    };
    for (int i = 0; i < 3; i++) {
        want(&r[i], 200);
        assert_int_equal(r[i].size, r[0].size);
        assert_memory_equal(r[i].body, r[0].body, r[0].size);
        for (size_t k = 0; k < sizeof headers / sizeof headers[0]; k++) {
            char *value = api_header(&r[i], headers[k]);
            if (!value) fail_msg("%s is missing", headers[k]);
            free(value);
        }
        assert_true(api_header_is(&r[i], "X-Seed", "5"));
    }
    for (int i = 0; i < 3; i++)
        api_reply_clear(&r[i]);
}

/* The cursor of a Link header's target; false when there is no next page. */
static bool next_page(const api_reply *r, char *path, size_t size)
{
    char *link = api_header(r, "Link"), *end = link ? strchr(link, '>') : NULL;
    bool more = link && link[0] == '<' && end && strstr(end, "rel=\"next\"");
    if (more) snprintf(path, size, "%.*s", (int)(end - link - 1), link + 1);
    free(link);
    return more;
}

/* The same text, asked for with these further members. */
static api_reply say_json(const char *path, const char *text, const char *members)
{
    char *json =
        tb_sprintf("{\"text\":\"%s\",\"voice_id\":\"default\",\"seed\":1%s}", text, members);
    api_reply r = api_json(&server, path, json);
    free(json);
    assert_int_equal(r.status, 200);
    return r;
}

static bool same_sound(const char *a, const char *b, const char *members)
{
    api_reply one = say_json("/demo", a, members), other = say_json("/demo", b, members);
    bool same = one.size == other.size && memcmp(one.body, other.body, one.size) == 0;
    api_reply_clear(&one);
    api_reply_clear(&other);
    return same;
}

static void a_text_is_said_as_it_is_meant_and_kept_as_it_is_written(void **state)
{
    static const char written[] =
        "## The _plan_\\n\\nSee [this](https://a.org/b). \xF0\x9F\x91\x8D";
    static const char meant[] = "The plan\\n\\nSee this.";
    (void)state;
    assert_true(same_sound(written, meant, ""));
    assert_false(same_sound(written, meant, ",\"normalize\":false"));
    assert_false(same_sound("The sign said \xD0\x9C\xD0\xBE there.", "The sign said there.", ""));
    assert_true(same_sound("One. <break time='400ms'/> Two.", "One. [pause:400] Two.", ""));
    assert_true(same_sound("[lluvia:2s] Hi.", "[rain:2s] Hi.", ""));

    /* What nobody can say is named; the rest of a header's bytes are escaped. */
    api_reply r = say_json("/demo", "Read \xE0\xBD\x96\xE0\xBD\xBC here.", "");
    assert_true(api_header_is(&r, "X-Unspoken-Text", "%E0%BD%96%E0%BD%BC"));
    api_reply_clear(&r);

    for (int raw = 0; raw < 2; raw++) {
        r = say_json("/generate-tts", written, raw ? ",\"normalize\":\"no\"" : "");
        char *id = api_header(&r, "X-History-Id"), path[200];
        assert_non_null(id);
        snprintf(path, sizeof path, "/history/%s", id);
        api_reply entry = api_get(&server, path);
        assert_non_null(strstr((char *)entry.body, "## The _plan_"));
        api_reply_clear(&entry);
        snprintf(path, sizeof path, "/history/%s/replay", id);
        api_reply again = api_call(&server, "POST", path, &(api_extra){.body = "", .size = 0});
        assert_int_equal(again.status, 200);
        assert_int_equal(again.size, r.size);
        assert_memory_equal(again.body, r.body, r.size);
        api_reply_clear(&again);
        api_reply_clear(&r);
        free(id);
    }
}

static void every_entry_is_on_exactly_one_page(void **state)
{
    enum { N = 7 };
    char path[400] = "/history?limit=3&q=Pagelet", form[128], ids[N][40];
    size_t n = 0, pages = 0;
    (void)state;
    for (int i = 0; i < N; i++) {
        snprintf(form, sizeof form, "text=Pagelet+%d&voice_id=default", i);
        done(api_form(&server, "/generate-tts", form), 200);
    }
    for (;;) {
        api_reply r = api_get(&server, path);
        want(&r, 200);
        assert_true(api_header_is(&r, "X-Total-Count", "7"));
        bool more = next_page(&r, path, sizeof path);
        tb_json *page = json_of(r, 200);
        assert_true(tb_json_is_array(page));
        for (size_t i = 0; i < tb_json_len(page); i++, n++) {
            assert_true(n < N);
            const tb_json *row = tb_json_at(page, i);
            snprintf(form, sizeof form, "Pagelet %d", N - 1 - (int)n); /* newest first */
            assert_string_equal(tb_json_get_string(row, "text"), form);
            assert_non_null(tb_json_get_string(row, "filename"));
            assert_non_null(tb_json_get_string(row, "timestamp"));
            assert_string_equal(tb_json_get_string(row, "voice_used"), "default");
            assert_string_equal(tb_json_get_string(row, "user"), API_USER);
            snprintf(ids[n], sizeof ids[n], "%s", tb_json_get_string(row, "id"));
        }
        tb_json_free(page);
        pages++;
        if (!more) break;
        assert_true(pages < 5);
    }
    assert_int_equal(n, N);
    assert_int_equal(pages, 3);
    /* The old client's way to delete: a form with the ids. */
    snprintf(form, sizeof form, "ids=%s&ids=%s", ids[0], ids[1]);
    done(api_call(&server, "DELETE", "/history",
                  &(api_extra){.type = "application/x-www-form-urlencoded",
                               .body = form,
                               .size = strlen(form)}),
         200);
    tb_json *left = json_of(api_get(&server, "/history?q=Pagelet"), 200);
    assert_int_equal(tb_json_len(left), N - 2);
    assert_null(find(left, "id", ids[0]));
    tb_json_free(left);
    done(api_call(&server, "DELETE", "/history", NULL), 422);
}

static void a_search_takes_what_people_type(void **state)
{
    static const char *const texts[] = {"%22",    "a%22+OR+%22b", "NEAR(", "*",  "-x", "%25_", "(",
                                        "text:x", "%F0%9F%8E%A7", "a+AND", "''", "%5C"};
    char path[100];
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        snprintf(path, sizeof path, "/history?q=%s", texts[i]);
        tb_json *v = json_of(api_get(&server, path), 200);
        assert_true(tb_json_is_array(v));
        tb_json_free(v);
    }
}

static void downloads_obey_their_conditions(void **state)
{
    char line[256];
    (void)state;
    api_reply r = api_form(&server, "/generate-tts", "text=Conditions&voice_id=default");
    want(&r, 200);
    char *url = api_header(&r, "X-Download-Url");
    api_reply head = api_call(&server, "HEAD", url, NULL);
    want(&head, 200);
    char *etag = api_header(&head, "ETag"), *length = api_header(&head, "Content-Length");
    assert_non_null(etag);
    assert_non_null(length);
    assert_int_equal(strtoull(length, NULL, 10), r.size);
    assert_true(api_header_is(&head, "Accept-Ranges", "bytes"));
    static const struct {
        const char *range;
        int status;
    } ranges[] = {{"bytes=0-0", 206},      {"bytes=0-", 206},
                  {"bytes=5-4", 200},      {"cows=0-1", 200},
                  {"bytes=x-y", 200},      {"bytes=0-99999999999999999999999", 0},
                  {"bytes=-0", 416},       {"bytes=0-1,4-5", 200},
                  {"bytes=99999999-", 416}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        snprintf(line, sizeof line, "Range: %s\r\n", ranges[i].range);
        api_reply part = api_call(&server, "GET", url, &(api_extra){.headers = line});
        if (ranges[i].status && part.status != ranges[i].status)
            print_message("%s: %d\n", ranges[i].range, part.status);
        if (ranges[i].status) assert_int_equal(part.status, ranges[i].status);
        assert_true(part.complete && part.status < 500);
        if (part.status == 416) {
            snprintf(line, sizeof line, "bytes */%zu", r.size);
            assert_true(api_header_is(&part, "Content-Range", line));
        }
        api_reply_clear(&part);
    }
    snprintf(line, sizeof line, "Range: bytes=0-3\r\nIf-Range: %s\r\n", etag);
    done(api_call(&server, "GET", url, &(api_extra){.headers = line}), 206);
    done(api_call(&server, "GET", url,
                  &(api_extra){.headers = "Range: bytes=0-3\r\nIf-Range: \"other\"\r\n"}),
         200);
    done(api_call(&server, "GET", url, &(api_extra){.headers = "If-None-Match: *\r\n"}), 304);
    done(api_call(&server, "GET", url, &(api_extra){.headers = "If-None-Match: \"other\"\r\n"}),
         200);
    free(etag);
    free(length);
    free(url);
    api_reply_clear(&head);
    api_reply_clear(&r);
}

/* What ffprobe says of bytes: "codec,rate,channels" and the seconds. */
static bool probe(const api_reply *r, char *what, size_t size, double *seconds)
{
    char path[96], command[400], line[200] = "";
    snprintf(path, sizeof path, "%s/probe", server.dir);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(r->body, 1, r->size, f), r->size);
    fclose(f);
    snprintf(command, sizeof command,
             "ffprobe -v error -select_streams a:0 -show_entries stream=codec_name,sample_rate,"
             "channels:format=duration -of csv=p=0 '%s' 2>&1",
             path);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    what[0] = 0;
    *seconds = 0;
    for (int i = 0; fgets(line, sizeof line, p); i++) {
        line[strcspn(line, "\r\n")] = 0;
        if (i == 0)
            snprintf(what, size, "%.90s", line);
        else
            *seconds = strtod(line, NULL);
    }
    int code = pclose(p);
    unlink(path);
    return code == 0;
}

static void another_program_can_play_every_format(void **state)
{
    static const struct {
        const char *ask, *is;
        double slack; /* seconds of a coder's padding */
    } cases[] = {
        {"wav", "pcm_s16le,24000,1", 0.001},
        {"flac", "flac,24000,1", 0.001},
        {"mp3", "mp3,24000,1", 0.12},
        {"opus", "opus,48000,1", 0.1},
        {"aac", "aac,24000,1", 0.5},
        {"wav&sample_rate=16000", "pcm_s16le,16000,1", 0.001},
        {"mp3&sample_rate=44100", "mp3,44100,1", 0.12},
    };
    char form[200], is[100];
    double seconds;
    (void)state;
    if (system("ffprobe -version >/dev/null 2>&1") != 0) skip();
    api_reply wav = api_form(&server, "/demo", "seed=1&text=A+format+is+only+a+coat.");
    double right = api_wav_seconds(wav.body, wav.size);
    api_reply_clear(&wav);
    assert_true(right > 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(form, sizeof form, "seed=1&text=A+format+is+only+a+coat.&response_format=%s",
                 cases[i].ask);
        api_reply r = api_form(&server, "/demo", form);
        want(&r, 200);
        bool good = probe(&r, is, sizeof is, &seconds);
        if (!good || strcmp(is, cases[i].is) != 0 || seconds < right - 0.03 ||
            seconds > right + cases[i].slack)
            fail_msg("%s: '%s', %.3f s of %.3f s", cases[i].ask, is, seconds, right);
        api_reply_clear(&r);
    }
    api_reply pcm =
        api_form(&server, "/demo", "seed=1&text=A+format+is+only+a+coat.&response_format=pcm");
    want(&pcm, 200);
    seconds = (double)(pcm.size / 2) / 24000; /* s16le without a header */
    assert_true(seconds > right - 0.001 && seconds < right + 0.001);
    api_reply_clear(&pcm);
}

static void every_bed_has_a_preview(void **state)
{
    (void)state;
    tb_json *v = json_of(api_get(&server, "/ambiences"), 200);
    assert_true(tb_json_is_array(v) && tb_json_len(v) > 5);
    for (size_t i = 0; i < tb_json_len(v); i++) {
        const tb_json *bed = tb_json_at(v, i);
        assert_non_null(tb_json_get_string(bed, "id"));
        assert_non_null(tb_json_get_string(bed, "title"));
        assert_non_null(tb_json_get_string(bed, "description"));
        if (i % 4) continue; /* each costs six seconds of sound */
        api_reply r = api_get(&server, tb_json_get_string(bed, "preview_url"));
        want(&r, 200);
        double seconds = api_wav_seconds(r.body, r.size);
        assert_true(seconds > 5.9 && seconds < 6.1);
        api_reply_clear(&r);
    }
    tb_json_free(v);
}

static void speed_changes_how_long_it_takes(void **state)
{
    double slow, fast;
    (void)state;
    api_reply r = api_form(&server, "/demo", "seed=1&speed=0.5&text=It+takes+as+long+as+it+takes.");
    want(&r, 200);
    slow = api_wav_seconds(r.body, r.size);
    api_reply_clear(&r);
    r = api_form(&server, "/demo", "seed=1&speed=2&text=It+takes+as+long+as+it+takes.");
    want(&r, 200);
    fast = api_wav_seconds(r.body, r.size);
    api_reply_clear(&r);
    assert_true(slow / fast > 3.92 && slow / fast < 4.08);
}

static int start(void **state)
{
    (void)state;
    api_start(&server, "WORKERS=2\nLOG_LEVEL=warn\n");
    clip = api_speech_clip(&server);
    return clip.status == 200 ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    api_reply_clear(&clip);
    return api_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_have_a_sentence_and_name_their_fields),
        cmocka_unit_test(a_wrong_name_gets_the_near_ones),
        cmocka_unit_test(the_description_names_every_route),
        cmocka_unit_test(a_voice_is_renamed_replaced_and_gone),
        cmocka_unit_test(one_sentence_sent_in_three_ways_is_one_sound),
        cmocka_unit_test(a_text_is_said_as_it_is_meant_and_kept_as_it_is_written),
        cmocka_unit_test(every_entry_is_on_exactly_one_page),
        cmocka_unit_test(a_search_takes_what_people_type),
        cmocka_unit_test(downloads_obey_their_conditions),
        cmocka_unit_test(another_program_can_play_every_format),
        cmocka_unit_test(every_bed_has_a_preview),
        cmocka_unit_test(speed_changes_how_long_it_takes),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
