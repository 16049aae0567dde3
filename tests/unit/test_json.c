#include "base/json.h"
#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static tb_json *parse(const char *text)
{
    tb_json *v = NULL;
    tb_err err = {0};
    if (tb_json_parse(text, strlen(text), &v, &err)) fail_msg("%s: %s", text, err.msg);
    return v;
}

static void only_strict_json_is_read(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "[1] x",
        "'a'",
        "[NaN]",
        "[Infinity]",
        "[01]",
        "[+1]",
        "[.5]",
        "[1.]",
        "\"\\x\"",
        "\"\t\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\xff\"",
        "tru",
        "nul",
        "[1e999]",
        "// a\n1",
        "{\"a\":1,\"a\":2}",
        "{1:2}",
        "[1 2]",
        "\"a",
        "\xEF\xBB\xBF{}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tb_json *v = NULL;
        tb_err err = {0};
        if (tb_json_parse(bad[i], strlen(bad[i]), &v, &err) != TB_EMALFORMED)
            fail_msg("read: %s", bad[i]);
        assert_null(v);
        assert_true(err.msg[0]);
    }
}

static void depth_is_bounded(void **state)
{
    (void)state;
    char text[300];
    tb_json *v = NULL;
    tb_err err = {0};
    memset(text, '[', 60);
    memset(text + 60, ']', 60);
    assert_int_equal(tb_json_parse(text, 120, &v, &err), TB_OK);
    tb_json_free(v);
    v = NULL;
    memset(text, '[', 66);
    memset(text + 66, ']', 66);
    assert_int_equal(tb_json_parse(text, 132, &v, &err), TB_EMALFORMED);
    assert_null(v);
}

static void what_is_printed_reads_the_same(void **state)
{
    (void)state;
    static const char text[] =
        "{\"z\":1,\"a\":[true,false,null,-5,0.5,\"x\\\"\\n\\u0001\xC3\xA9\"],"
        "\"b\":{},\"n\":9007199254740991}";
    tb_json *v = parse(text);
    char *once = tb_json_print(v), *pretty = tb_json_print_pretty(v);
    assert_string_equal(once, text); /* members keep their order */
    tb_json *again = parse(pretty);
    char *twice = tb_json_print(again);
    assert_string_equal(twice, text);
    tb_free(once);
    tb_free(twice);
    tb_free(pretty);
    tb_json_free(v);
    tb_json_free(again);
}

static void kinds_are_told_apart(void **state)
{
    (void)state;
    tb_json *v = parse("{\"i\":3,\"r\":2.5,\"s\":\"t\",\"t\":true,\"n\":null,\"a\":[1,2]}");
    assert_int_equal(tb_json_integer(tb_json_get(v, "i")), 3);
    assert_true(tb_json_number(tb_json_get(v, "i")) == 3);
    assert_true(tb_json_number(tb_json_get(v, "r")) == 2.5);
    assert_true(tb_json_is_number(tb_json_get(v, "r")) && !tb_json_is_int(tb_json_get(v, "r")));
    assert_string_equal(tb_json_get_string(v, "s"), "t");
    assert_null(tb_json_get_string(v, "i"));
    assert_null(tb_json_get(v, "none"));
    assert_null(tb_json_get(tb_json_get(v, "a"), "i"));
    assert_true(tb_json_truth(tb_json_get(v, "t")));
    assert_true(tb_json_is_null(tb_json_get(v, "n")));
    assert_int_equal(tb_json_len(tb_json_get(v, "a")), 2);
    assert_null(tb_json_at(tb_json_get(v, "a"), 2));
    assert_true(tb_json_number(tb_json_get(v, "s")) == 0);
    size_t n = 0;
    const char *key;
    tb_json *value;
    for (void *it = NULL; tb_json_next(v, &it, &key, &value);)
        assert_int_equal(key[0], "irstna"[n++]);
    assert_int_equal(n, 6);
    tb_json_free(v);
    tb_json_free(NULL);
}

static void what_cannot_be_said_in_json_is_mended(void **state)
{
    (void)state;
    tb_json *v = tb_json_object();
    tb_json_set_string(v, "bad",
                       "a\xff"
                       "b");
    tb_json_set_string(v, "none", NULL);
    tb_json_set_real(v, "nan", (double)NAN);
    tb_json_set_real(v, "inf", (double)INFINITY);
    tb_json_set_int(v, "i", INT64_MAX);
    tb_json_set_bool(v, "b", true);
    char *text = tb_json_print(v);
    assert_string_equal(text, "{\"bad\":\"a\xEF\xBF\xBD"
                              "b\",\"none\":null,\"nan\":null,"
                              "\"inf\":null,\"i\":9223372036854775807,\"b\":true}");
    tb_free(text);
    tb_json_free(v);
}

/* Only who takes the length of a text is given one with a NUL in it. */
static void a_nul_is_read_by_who_asks_for_it(void **state)
{
    static const char text[] = "[\"\\u0000a\\u0000\", \"\", \"plain\", 7]";
    tb_json *v = NULL;
    tb_err err = {0};
    (void)state;
    assert_int_equal(tb_json_parse(text, strlen(text), &v, &err), TB_EMALFORMED);
    assert_null(v);
    assert_int_equal(tb_json_parse_nul(text, strlen(text), &v, &err), TB_OK);
    assert_int_equal(tb_json_text_len(tb_json_at(v, 0)), 3);
    assert_memory_equal(tb_json_text(tb_json_at(v, 0)), "\0a\0", 4);
    assert_int_equal(tb_json_text_len(tb_json_at(v, 1)), 0);
    assert_int_equal(tb_json_text_len(tb_json_at(v, 2)), 5);
    assert_int_equal(tb_json_text_len(tb_json_at(v, 3)), 0); /* no text */
    assert_int_equal(tb_json_text_len(NULL), 0);
    char *again = tb_json_print(tb_json_at(v, 0));
    assert_string_equal(again, "\"\\u0000a\\u0000\"");
    tb_free(again);
    tb_json_free(v);
    v = NULL;
    assert_int_equal(tb_json_parse_nul("{\"\\u0000\":1}", 12, &v, &err), TB_EMALFORMED);
    assert_int_equal(tb_json_parse_nul("[1,]", 4, &v, &err), TB_EMALFORMED);
    assert_null(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_strict_json_is_read),
        cmocka_unit_test(a_nul_is_read_by_who_asks_for_it),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(what_is_printed_reads_the_same),
        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(what_cannot_be_said_in_json_is_mended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
