/*
 * Tests of JSON: strictness, depth, printing, repair of invalid UTF-8, the scanner against the
 * library.
 */
#include "base/json.h"
#include "base/json_scan.h"
#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

static tb_status scan(const char *text, size_t values, size_t depth)
{
    tb_err err = {0};
    tb_json_bounds bounds = {values, depth};
    tb_status st = tb_json_scan(text, strlen(text), &bounds, &err);
    assert_int_equal(err.status, st);
    return st;
}

/* The scan and the library agree about what JSON is, up to what only a tree can tell. */
static void the_scan_reads_what_the_library_reads(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        " [ ] ",
        "[[],{}]",
        "{\"a\":{\"b\":[1,2,{}]}}",
        "1",
        "-0",
        "0.5e-7",
        "1E+9",
        "-",
        "1.e",
        "01",
        "1e",
        "true",
        "tru",
        "truex",
        "null",
        "\"\"",
        "\"\\u00e9\\n\\/\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83dx\"",
        "\"\\u12g4\"",
        "\"\\a\"",
        "\"\\",
        "\"\\u12",
        "[1 2]",
        "[,1]",
        "[1,,2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{]",
        "[}",
        "[1]]",
        "{\"a\":1}}",
        "\xEF\xBB\xBF[]",
        "[\"\xC3\xA9\"]",
        "[\"\xC3\"]",
        "[\"\x01\"]",
        "[1",
        "{\"a\":[",
        "{\"a\" :\t1 ,\n\"b\":2}",
        "",
        "   ",
        "[-]",
        "[.1]",
        "[1.0E]",
        "\"a",
        "nulll",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        tb_json *v = NULL;
        bool reads = tb_json_parse(texts[i], strlen(texts[i]), &v, NULL) == TB_OK;
        tb_json_free(v);
        if ((scan(texts[i], 1000, 64) == TB_OK) != reads) fail_msg("not agreed: %s", texts[i]);
    }
}

static void values_and_depth_are_counted_before_anything_is_built(void **state)
{
    (void)state;
    assert_int_equal(scan("[1,2,3]", 4, 1), TB_OK);
    assert_int_equal(scan("[1,2,3]", 3, 1), TB_ETOOBIG);
    assert_int_equal(scan("{\"a\":{\"b\":1}}", 3, 2), TB_OK);
    assert_int_equal(scan("{\"a\":{\"b\":1}}", 2, 2), TB_ETOOBIG);
    assert_int_equal(scan("{\"a\":{\"b\":1}}", 3, 1), TB_EMALFORMED);
    assert_int_equal(scan("[[[]]]", 9, 3), TB_OK);
    assert_int_equal(scan("[[[]]]", 9, 2), TB_EMALFORMED);
    assert_int_equal(scan("[]", 1, 0), TB_EMALFORMED);
    /* A bound that was reached wins over what is wrong behind it. */
    assert_int_equal(scan("[1,2,3,4,", 3, 8), TB_ETOOBIG);
}

static void members_are_walked_where_they_stand(void **state)
{
    (void)state;
    static const char text[] =
        " { \"a\\\"]\" : [1,\"}\",{\"x\":\"]\"}] ,\"b\":-1.5e3,\"c\":\"\\u0041\\n\xC3\xA9"
        "\\ud83d\\ude00\", \"d\":null,\"e\":{ },\"f\":true ,\"g\":false} ";
    static const char *const keys[] = {"a\"]", "b", "c", "d", "e", "f", "g"};
    static const tb_json_kind kinds[] = {TB_JSON_ARRAY, TB_JSON_NUMBER, TB_JSON_STRING,
                                         TB_JSON_NULL,  TB_JSON_OBJECT, TB_JSON_TRUE,
                                         TB_JSON_FALSE};
    tb_json_span root = tb_json_span_root(text, sizeof text - 1), key, value, none;
    size_t n = 0, size, elements = 0;
    assert_int_equal(scan(text, 100, 8), TB_OK);
    assert_int_equal(root.kind, TB_JSON_OBJECT);
    for (size_t at = 0; tb_json_span_next(&root, &at, &key, &value); n++) {
        char *name = tb_json_span_text(&key, &size);
        assert_string_equal(name, keys[n]);
        assert_int_equal(size, strlen(keys[n]));
        assert_int_equal(value.kind, kinds[n]);
        free(name);
        if (n == 0)
            for (size_t k = 0; tb_json_span_next(&value, &k, &none, &key);)
                elements++;
        if (n == 1) assert_memory_equal(value.at, "-1.5e3", value.len);
        if (n == 2) {
            char *said = tb_json_span_text(&value, &size);
            assert_string_equal(said, "A\n\xC3\xA9\xF0\x9F\x98\x80");
            free(said);
        }
        if (n == 4) {
            size_t k = 0;
            assert_false(tb_json_span_next(&value, &k, &none, &key));
        }
    }
    assert_int_equal(n, 7);
    assert_int_equal(elements, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_strict_json_is_read),
        cmocka_unit_test(a_nul_is_read_by_who_asks_for_it),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(what_is_printed_reads_the_same),
        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(the_scan_reads_what_the_library_reads),
        cmocka_unit_test(values_and_depth_are_counted_before_anything_is_built),
        cmocka_unit_test(members_are_walked_where_they_stand),
        cmocka_unit_test(what_cannot_be_said_in_json_is_mended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
