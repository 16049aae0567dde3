/*
 * Tests of Range, If-Range and If-None-Match, and of file names in headers.
 */
#include "api/range.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void one_range_of_bytes_is_honoured(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        uint64_t size, first, len;
    } cases[] = {
        {"bytes=0-0", 10, 0, 1},
        {"bytes=0-9", 10, 0, 10},
        {"bytes=3-", 10, 3, 7},
        {"bytes=-4", 10, 6, 4},
        {"bytes=-99", 10, 0, 10},
        {"bytes=5-99999999999999999999999", 10, 5, 5},
        {"Bytes= 1-2 ", 10, 1, 2},
        {"bytes=9-", 10, 9, 1},
        {"bytes=-99999999999999999999999", 10, 0, 10},
        {"bytes=0-", UINT64_MAX, 0, UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tb_range r;
        assert_int_equal(tb_range_parse(cases[i].header, cases[i].size, &r, NULL), TB_OK);
        assert_true(r.partial);
        assert_int_equal(r.first, cases[i].first);
        assert_int_equal(r.len, cases[i].len);
    }
}

static void what_cannot_be_read_means_the_whole_file(void **state)
{
    (void)state;
    static const char *const headers[] = {
        NULL,         "",          "bytes",         "bytes=",      "bytes=-",    "bytes=a-b",
        "bytes=5",    "bytes=5-3", "bytes=0-1,2-3", "items=0-1",   "bytes=--1",  "bytes=1-2x",
        "bytes=1--2", "bytes 0-1", "bytes=+1-2",    "bytes=0x1-2", "bytes=1 -2",
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        tb_range r;
        assert_int_equal(tb_range_parse(headers[i], 10, &r, NULL), TB_OK);
        assert_false(r.partial);
        assert_int_equal(r.first, 0);
        assert_int_equal(r.len, 10);
    }
}

static void a_range_outside_the_file_is_416(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        uint64_t size;
    } cases[] = {{"bytes=10-", 10},
                 {"bytes=99999999999999999999-", 10},
                 {"bytes=-0", 10},
                 {"bytes=0-", 0},
                 {"bytes=-5", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tb_range r;
        tb_err err = {0};
        assert_int_equal(tb_range_parse(cases[i].header, cases[i].size, &r, &err), TB_ERANGE);
        assert_true(err.msg[0]);
        if (cases[i].header[6] == '-') assert_non_null(strstr(err.msg, "asks for no byte"));
    }
}

static void if_none_match_compares_weakly_and_whole_tags(void **state)
{
    (void)state;
    assert_true(tb_etag_matches("\"a1\"", "\"a1\""));
    assert_true(tb_etag_matches("W/\"a1\"", "\"a1\""));
    assert_true(tb_etag_matches("\"x\", W/\"y\" ,\t\"a1\"", "\"a1\""));
    assert_true(tb_etag_matches(" *", "\"a1\""));
    assert_false(tb_etag_matches("\"a1", "\"a1\""));
    assert_false(tb_etag_matches("a1", "\"a1\""));
    assert_false(tb_etag_matches("\"a12\"", "\"a1\""));
    assert_false(tb_etag_matches("\"a1\"x", "\"a1\""));
    assert_false(tb_etag_matches("w/\"a1\"", "\"a1\""));
    assert_false(tb_etag_matches("", "\"a1\""));
    assert_false(tb_etag_matches(",,,", "\"a1\""));
    assert_false(tb_etag_matches("W/", "\"a1\""));
    assert_false(tb_etag_matches(NULL, "\"a1\""));
    assert_false(tb_etag_matches("\"a1\"", NULL));
}

static void if_range_is_strong(void **state)
{
    (void)state;
    assert_true(tb_etag_allows_range(NULL, "\"a1\""));
    assert_true(tb_etag_allows_range("\"a1\"", "\"a1\""));
    assert_false(tb_etag_allows_range("W/\"a1\"", "\"a1\""));
    assert_false(tb_etag_allows_range("Sat, 29 Oct 1994 19:43:31 GMT", "\"a1\""));
    assert_false(tb_etag_allows_range("\"a1\"", NULL));
}

static void is(char *made, const char *wanted)
{
    assert_string_equal(made, wanted);
    tb_free(made);
}

static void a_file_name_cannot_leave_its_quotes_or_its_line(void **state)
{
    (void)state;
    is(tb_header_disposition("a.wav", false), "attachment; filename=\"a.wav\"");
    is(tb_header_disposition("a b.wav", true), "inline; filename=\"a b.wav\"");
    is(tb_header_disposition("", false), "attachment; filename=\"\"");
    is(tb_header_disposition("a\"; x=\"\r\nSet-Cookie: a\\%41/..", false),
       "attachment; filename=\"a_; x=___Set-Cookie: a__41_..\"");
    is(tb_header_disposition("\xC3\xA9.wav", false),
       "attachment; filename=\"__.wav\"; filename*=UTF-8''%C3%A9.wav");
    is(tb_header_disposition("\xFF\r\n'\x7f", false),
       "attachment; filename=\"___'_\"; filename*=UTF-8''%FF%0D%0A%27%7F");
}

static void a_header_value_is_printable_ascii_and_can_be_undone(void **state)
{
    (void)state;
    is(tb_header_value(""), "");
    is(tb_header_value("plain, text; \"q\""), "plain, text; \"q\"");
    is(tb_header_value("100%\r\nX: y\t\x7f\xC3\xA9"), "100%25%0D%0AX: y%09%7F%C3%A9");
    /* every byte is printable, one after the other */
    char all[256];
    for (int i = 1; i < 256; i++)
        all[i - 1] = (char)i;
    all[255] = 0;
    char *v = tb_header_value(all);
    for (const char *c = v; *c; c++)
        assert_true(*c >= 0x20 && *c < 0x7f);
    tb_free(v);
    v = tb_header_disposition(all, false);
    for (const char *c = v; *c; c++)
        assert_true(*c >= 0x20 && *c < 0x7f);
    tb_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_range_of_bytes_is_honoured),
        cmocka_unit_test(what_cannot_be_read_means_the_whole_file),
        cmocka_unit_test(a_range_outside_the_file_is_416),
        cmocka_unit_test(if_none_match_compares_weakly_and_whole_tags),
        cmocka_unit_test(if_range_is_strong),
        cmocka_unit_test(a_file_name_cannot_leave_its_quotes_or_its_line),
        cmocka_unit_test(a_header_value_is_printable_ascii_and_can_be_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
