/*
 * Tests of the bodies of replies: error families, escaping of names and links, lists.
 */
#include "api/print.h"
#include "base/json.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Parses and frees what was printed. */
static tb_json *read_back(char *text)
{
    tb_json *v = NULL;
    tb_err err = {0};
    if (tb_json_parse(text, strlen(text), &v, &err)) fail_msg("%s: %s", text, err.msg);
    tb_free(text);
    return v;
}

static void an_error_is_told_in_three_families(void **state)
{
    (void)state;
    tb_err err = {.status = TB_EINVAL};
    strcpy(err.field, "speed");
    strcpy(err.msg, "speed is \"9\"");
    tb_json *v = read_back(tb_print_error(TB_AS_DETAIL, &err));
    assert_string_equal(tb_json_get_string(v, "detail"), "speed is \"9\"");
    tb_json *first = tb_json_at(tb_json_get(v, "errors"), 0);
    assert_string_equal(tb_json_get_string(first, "field"), "speed");
    tb_json_free(v);
    v = read_back(tb_print_error(TB_AS_OPENAI, &err));
    tb_json *e = tb_json_get(v, "error");
    assert_string_equal(tb_json_get_string(e, "message"), "speed is \"9\"");
    assert_string_equal(tb_json_get_string(e, "type"), "invalid_request_error");
    assert_string_equal(tb_json_get_string(e, "param"), "speed");
    tb_json_free(v);
    v = read_back(tb_print_error(TB_AS_ELEVENLABS, &err));
    assert_string_equal(tb_json_get_string(tb_json_get(v, "detail"), "message"), "speed is \"9\"");
    tb_json_free(v);
}

static void every_status_has_a_body_in_every_family(void **state)
{
    (void)state;
    for (int family = 0; family < TB_ERROR_FAMILY_COUNT; family++)
        for (int status = 1; status < TB_STATUS_COUNT; status++) {
            tb_err err = {.status = (tb_status)status};
            tb_json *v = read_back(tb_print_error((tb_error_family)family, &err));
            assert_true(tb_json_is_object(v));
            assert_non_null(tb_json_get(v, family == TB_AS_OPENAI ? "error" : "detail"));
            tb_json_free(v);
        }
}

static void names_cannot_leave_their_strings_or_links(void **state)
{
    (void)state;
    tb_voice_row row = {.id = "a\"/..?&b\n\xC3\xA9", .filename = "a.wav", .warnings = "not json"};
    tb_voice_list list = {&row, 1};
    tb_json *v = read_back(tb_print_voices_list(&list, "/tts"));
    assert_int_equal(tb_json_integer(tb_json_get(v, "total")), 1);
    tb_json *one = tb_json_at(tb_json_get(v, "voices"), 0);
    assert_string_equal(tb_json_get_string(one, "id"), row.id);
    assert_true(tb_json_is_null(tb_json_get(one, "gender")));
    const char *link = tb_json_get_string(one, "preview_url");
    assert_memory_equal(link, "/tts/demo?", 10);
    assert_non_null(strstr(link, "voice_id=a%22%2F..%3F%26b%0A%C3%A9"));
    tb_json_free(v);
    v = read_back(tb_print_voice(&row));
    assert_int_equal(tb_json_len(tb_json_get(v, "warnings")), 0);
    tb_json_free(v);
    v = read_back(tb_print_voice_deleted(row.id));
    assert_non_null(strstr(tb_json_get_string(v, "status"), row.id));
    tb_json_free(v);
}

static void history_is_a_bare_array(void **state)
{
    (void)state;
    tb_clip_row row = {.id = "1",
                       .text = "Hi \"you\"",
                       .filename = "gen_1.wav",
                       .voice_used = "default",
                       .user = "u",
                       .engine = "embedded",
                       .seed = 9007199254740991u,
                       .format = "wav",
                       .duration_s = 1.5};
    tb_clip_list none = {0}, list = {.rows = &row, .n = 1};
    tb_json *v = read_back(tb_print_history(&none, ""));
    assert_true(tb_json_is_array(v) && tb_json_len(v) == 0);
    tb_json_free(v);
    v = read_back(tb_print_history(&list, ""));
    tb_json *one = tb_json_at(v, 0);
    assert_string_equal(tb_json_get_string(one, "text"), row.text);
    assert_string_equal(tb_json_get_string(one, "download_url"), "/download/gen_1.wav");
    assert_true(tb_json_integer(tb_json_get(one, "seed")) == 9007199254740991);
    tb_json_free(v);
    v = read_back(tb_print_history_deleted(3));
    assert_int_equal(tb_json_integer(tb_json_get(v, "remaining_count")), 3);
    tb_json_free(v);
}

static void the_status_keeps_the_old_client_s_words(void **state)
{
    (void)state;
    tb_json *v = read_back(tb_print_status(TB_ENGINE_EMBEDDED, "m", 5, NULL));
    assert_string_equal(tb_json_get_string(v, "status"), "Voice Backend Running");
    assert_string_equal(tb_json_get_string(v, "model"), "m");
    assert_int_equal(tb_json_integer(tb_json_get(v, "languages")), 5);
    assert_non_null(tb_json_get(v, "tags"));
    tb_json_free(v);
}

/* In a child with little address space: a page of long texts is refused, a short one is not. */
static int print_in_a_narrow_place(void)
{
    enum { TEXT = 4 << 20, ROWS = 8 };
    char *text = tb_try_alloc(TEXT, 1);
    tb_clip_row rows[ROWS], small = {.text = "Hi"};
    tb_err err = {0};
    const struct rlimit narrow = {.rlim_cur = 64 << 20, .rlim_max = RLIM_INFINITY};
    if (!text || setrlimit(RLIMIT_AS, &narrow) != 0) return 1;
    memset(text, 'a', TEXT - 1);
    for (size_t i = 0; i < ROWS; i++)
        rows[i] = (tb_clip_row){.text = text};
    if (tb_print_room(rows, ROWS, &err) != TB_ENOMEM || !err.msg[0]) return 2;
    if (tb_print_room(&small, 1, &err) != TB_OK) return 3;
    tb_free(text);
    return 0;
}

static void long_clips_are_printed_where_there_is_room(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip();
#endif
    int status = 0;
    pid_t child = fork();
    if (child == 0) _exit(print_in_a_narrow_place());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_told_in_three_families),
        cmocka_unit_test(every_status_has_a_body_in_every_family),
        cmocka_unit_test(names_cannot_leave_their_strings_or_links),
        cmocka_unit_test(history_is_a_bare_array),
        cmocka_unit_test(long_clips_are_printed_where_there_is_room),
        cmocka_unit_test(the_status_keeps_the_old_client_s_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
