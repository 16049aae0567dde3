/*
 * Tests of the fields of a request: multipart, urlencoded and JSON bodies, what is understood, what
 * is refused, linear time.
 */
#include "api/fields.h"
#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define FORM "multipart/form-data; boundary=XyZ"
#define PART "--XyZ\r\nContent-Disposition: form-data; "

/* A body whose bytes end where the heap block ends, so that a sanitizer sees one too many. */
static tb_status read_form(const char *type, const char *body, size_t len, tb_fields *out)
{
    tb_err err = {0};
    char *copy = tb_alloc(len + !len);
    memcpy(copy, body, len);
    *out = (tb_fields){0};
    tb_status st = tb_fields_from_multipart(copy, len, type, out, &err);
    tb_free(copy);
    if (st) {
        assert_int_equal(out->n, 0);
        assert_int_equal(err.status, st);
        assert_true(err.msg[0]);
        tb_fields_clear(out);
    }
    return st;
}

static void refuse_form(const char *type, const char *body)
{
    tb_fields f;
    if (read_form(type, body, strlen(body), &f) != TB_EMALFORMED)
        fail_msg("not refused:\n%s\n%s", type, body);
}

static void one_field(const char *type, const char *body, const char *name, const char *value,
                      const char *filename)
{
    tb_fields f;
    if (read_form(type, body, strlen(body), &f)) fail_msg("refused:\n%s\n%s", type, body);
    assert_int_equal(f.n, 1);
    assert_string_equal(f.items[0].name, name);
    assert_int_equal(f.items[0].size, strlen(value));
    assert_string_equal(f.items[0].value, value);
    if (filename)
        assert_string_equal(f.items[0].filename, filename);
    else
        assert_null(f.items[0].filename);
    tb_fields_clear(&f);
}

static void a_form_gives_its_parts_in_order(void **state)
{
    (void)state;
    static const char body[] = PART "name=\"text\"\r\n\r\nHello\r\nyou\r\n" PART
                                    "name=\"audio_prompt\"; filename=\"a.wav\"\r\n"
                                    "Content-Type: audio/wav\r\n\r\nRI\0FF\xff\r\n--XyZ--\r\n";
    tb_fields f;
    assert_int_equal(read_form(FORM, body, sizeof body - 1, &f), TB_OK);
    assert_int_equal(f.n, 2);
    assert_string_equal(tb_fields_text(&f, "text"), "Hello\r\nyou");
    const tb_field *file = tb_fields_get(&f, "audio_prompt");
    assert_string_equal(file->filename, "a.wav");
    assert_int_equal(file->size, 6);
    assert_memory_equal(file->value, "RI\0FF\xff", 7);
    assert_null(tb_fields_text(&f, "absent"));
    tb_fields_clear(&f);
    assert_int_equal(f.n, 0);
}

static void what_clients_write_differently_is_understood(void **state)
{
    (void)state;
    one_field("Multipart/Form-Data; charset=utf-8; Boundary=\"XyZ\"",
              PART "name=a\r\n\r\n1\r\n--XyZ--", "a", "1", NULL);
    one_field(FORM ";", "preamble\r\n" PART "name=\"a\"\r\n\r\n1\r\n--XyZ--\r\nepilogue", "a", "1",
              NULL);
    one_field(FORM, "--XyZ  \r\nCONTENT-disposition:form-data ; name = \"a\"\r\n\r\n1\r\n--XyZ-- ",
              "a", "1", NULL);
    one_field(FORM, PART "name=\"a\"\r\n\r\n\r\n--XyZ--", "a", "", NULL);
    one_field(FORM, PART "name=\"a\"\r\n\r\n--XyZ--", "a", "", NULL);
    /* what looks like a boundary inside a value is none */
    one_field(FORM, PART "name=\"a\"\r\n\r\nx--XyZ\n\r\n--Xy\r\r\n--XYZ\r\n--XyZ--", "a",
              "x--XyZ\n\r\n--Xy\r\r\n--XYZ", NULL);
    one_field("multipart/form-data; boundary=\"a b\"",
              "--a b\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--a b--", "x", "1",
              NULL);
}

static void quoted_and_extended_names_are_decoded(void **state)
{
    (void)state;
    one_field(FORM, PART "name=\"a\\\"b\"\r\n\r\n1\r\n--XyZ--", "a\"b", "1", NULL);
    one_field(FORM, PART "name=a; filename=\"C:\\clips\\my.wav\"\r\n\r\n1\r\n--XyZ--", "a", "1",
              "my.wav");
    one_field(FORM, PART "name=a; filename=\"../../etc/passwd\"\r\n\r\n1\r\n--XyZ--", "a", "1",
              "passwd");
    one_field(FORM, PART "name=a; filename=\"caf\xC3\xA9;x.wav\"\r\n\r\n1\r\n--XyZ--", "a", "1",
              "caf\xC3\xA9;x.wav");
    one_field(FORM,
              PART
              "name=a; filename*=UTF-8''..%2Fcaf%C3%A9.wav; filename=\"no\"\r\n\r\n1\r\n--XyZ--",
              "a", "1", "caf\xC3\xA9.wav");
}

static void an_empty_file_input_is_absent_but_an_empty_named_file_is_not(void **state)
{
    (void)state;
    static const char body[] = PART "name=f; filename=\"\"\r\n\r\n\r\n--XyZ--";
    tb_fields f;
    assert_int_equal(read_form(FORM, body, sizeof body - 1, &f), TB_OK);
    assert_int_equal(f.n, 0);
    tb_fields_clear(&f);
    one_field(FORM, PART "name=f; filename=\"a\"\r\n\r\n\r\n--XyZ--", "f", "", "a");
}

static void broken_forms_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "nothing",
        "--XyZ",
        "--XyZ\r\n",
        "--XyZX\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--XyZ--",
        "--XyZ\nContent-Disposition: form-data; name=a\n\n1\n--XyZ--",
        PART "name=a\r\n\r\n1",
        PART "name=a\r\n\r\n1\r\n--XyZ",
        PART "name=a\r\n\r\n1\r\n--XyZ-",
        PART "name=a\r\n\r\n1\r\n--XyZ--garbage",
        PART "name=a\r\n\r\n1\n--XyZ--",
        PART "name=a\r\n",
        PART "\r\n\r\n1\r\n--XyZ--",
        PART "name=\"\"\r\n\r\n1\r\n--XyZ--",
        PART "name=\"a\r\n\r\n1\r\n--XyZ--",
        PART "name=a; name=b\r\n\r\n1\r\n--XyZ--",
        PART "name=a; filename=x; filename=y\r\n\r\n1\r\n--XyZ--",
        PART "name=\"a\tb\"\r\n\r\n1\r\n--XyZ--",
        PART "name=\"\xff\"\r\n\r\n1\r\n--XyZ--",
        PART "name=a junk\r\n\r\n1\r\n--XyZ--",
        PART "name=a\r\n folded\r\n\r\n1\r\n--XyZ--",
        PART "name=a\r\nno colon\r\n\r\n1\r\n--XyZ--",
        PART "name=a\nX: y\r\n\r\n1\r\n--XyZ--",
        PART "name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--XyZ--",
        PART "name=a\r\nContent-Disposition: form-data; name=b\r\n\r\n1\r\n--XyZ--",
        (PART "name=a\r\n\r\n1\r\n" PART "name=a\r\n\r\n2\r\n--XyZ--"),
        PART "name=a\r\n\r\n\xC3\r\n--XyZ--",
        "--XyZ\r\nContent-Type: text/plain\r\n\r\n1\r\n--XyZ--",
        "--XyZ\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--XyZ--",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuse_form(FORM, bad[i]);
}

static void boundaries_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char body[] = PART "name=a\r\n\r\n1\r\n--XyZ--";
    static const char *const bad[] = {
        "multipart/form-data",
        "multipart/form-data; boundary",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"XyZ",
        "multipart/form-data; boundary=\"XyZ \"",
        "multipart/form-data; boundary=\"Xy\\\"Z\"",
        "multipart/form-data; boundary=XyZ; boundary=XyZ",
        "multipart/form-data; boundary=XyZ, boundary=a",
        "multipart/form-data; boundary=other",
        ("multipart/form-data; boundary="
         "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghhh"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuse_form(bad[i], body);
    tb_fields f;
    assert_int_equal(read_form("multipart/mixed; boundary=XyZ", body, sizeof body - 1, &f),
                     TB_EMEDIA);
    assert_int_equal(read_form("text/plain", body, sizeof body - 1, &f), TB_EMEDIA);
    assert_int_equal(read_form(NULL, body, sizeof body - 1, &f), TB_EMEDIA);
}

/* Nothing is called by a file's name, so no encoding of it is wrong. */
static void a_file_may_have_any_name(void **state)
{
    (void)state;
    static const struct {
        const char *params, *name;
    } cases[] = {
        {"filename*=x", "x"},
        {"filename*=UTF-8''%zz", "%zz"},
        {"filename*=UTF-8''%0", "%0"},
        {"filename*=UTF-8''%00", "_"},
        {"filename*=UTF-8''%0d%0aX", "__X"},
        {"filename*=latin1''x", "x"},
        {"filename*=ISO-8859-1'de'B%E4r.wav", "B\xEF\xBF\xBDr.wav"},
        {"filename*=UTF-8''%ff", "\xEF\xBF\xBD"},
        {"filename=\"\xff\"", "\xEF\xBF\xBD"},
        {"filename=\"\t\"", "_"},
        {"filename=\"\x95\x5c\"", ""},         /* Shift-JIS; its last byte is a backslash */
        {"filename=\"\xd0\x5c.wav\"", ".wav"}, /* GBK */
        {"filename=\"a\"b.wav\"", "a\"b.wav"}, /* a quote that nobody escaped */
        {"filename=\"\x83\x5c\"; x=y", ""},    /* the same in the middle */
        {"filename=a b c.wav", "a b c.wav"},   /* no quotes */
        {"filename=caf\xE9 (1).wav; x=y", "caf\xEF\xBF\xBD (1).wav"},
        {"filename=\"open.wav", "\"open.wav"}, /* the last one forgotten */
        {"filename=\"a\"b", "\"a\"b"},
        {"filename=", ""},
        {"filename=;", ""},
        {"filename*=;filename=\"x\"", ""},
        {"filename*0*=UTF-8''%ff; filename*1=b c.wav", NULL}, /* no such thing in a form */
        {"filename=\"\\\\host\\share\\\xC4.mp3\"", "\xEF\xBF\xBD.mp3"},
        {"filename=\"\xD0\xB3\xD0\xBE\xD0\xBB\xD0\xBE\xD1\x81.wav\"",
         "\xD0\xB3\xD0\xBE\xD0\xBB\xD0\xBE\xD1\x81.wav"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *body = tb_sprintf(PART "name=a; %s\r\n\r\n1\r\n--XyZ--", cases[i].params);
        one_field(FORM, body, "a", "1", cases[i].name);
        tb_free(body);
    }
}

/* A name that ends in a backslash, real or half a letter, does not hide what follows. */
static void a_files_name_may_come_first(void **state)
{
    (void)state;
    static const char *const names[] = {"C:\\clips\\", "\x95\x5c", "a;b\x83\x5c", "a\\", "\xff"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *body = tb_sprintf("--XyZ\r\nContent-Disposition: form-data; filename=\"%s\"; "
                                "name=\"a\"\r\n\r\n1\r\n--XyZ--",
                                names[i]);
        tb_fields f;
        assert_int_equal(read_form(FORM, body, strlen(body), &f), TB_OK);
        assert_int_equal(f.n, 1);
        assert_string_equal(f.items[0].name, "a");
        assert_non_null(f.items[0].filename);
        tb_fields_clear(&f);
        tb_free(body);
    }
    /* An escaped quote is part of the name: it names no field. */
    one_field(FORM, PART "name=a; filename=\"x\\\"; name=\\\"b\"\r\n\r\n1\r\n--XyZ--", "a", "1",
              "x\"; name=\"b");
}

static void a_file_needs_no_name(void **state)
{
    (void)state;
#define TYPE "\r\nContent-Type: "
    one_field(FORM, PART "name=file\r\n\r\n1\r\n--XyZ--", "file", "1", "");
    one_field(FORM, PART "name=file" TYPE "audio/wav\r\n\r\n1\r\n--XyZ--", "file", "1", "");
    one_field(FORM, PART "name=audio_prompt" TYPE "Audio/WAV\r\n\r\n1\r\n--XyZ--", "audio_prompt",
              "1", "");
    one_field(FORM, PART "name=audio_prompt\r\n\r\n\xFF\xFB\r\n--XyZ--", "audio_prompt", "\xFF\xFB",
              "");
    one_field(FORM, PART "name=audio_prompt\r\n\r\nUklGRg==\r\n--XyZ--", "audio_prompt",
              "UklGRg==", NULL);
    one_field(FORM, PART "name=text" TYPE "text/plain\r\n\r\n1\r\n--XyZ--", "text", "1", NULL);
    refuse_form(FORM, PART "name=text" TYPE "audio/wav\r\n\r\n\xFF\r\n--XyZ--");
}

static tb_status read_body(const char *type, const char *body, tb_fields *out)
{
    tb_err err = {0};
    *out = (tb_fields){0};
    tb_status st = tb_fields_from_body(body, strlen(body), type, out, &err);
    assert_int_equal(st, err.status);
    assert_true(!st || (out->n == 0 && err.msg[0]));
    if (st) tb_fields_clear(out);
    return st;
}

static void a_body_is_read_as_what_it_is(void **state)
{
    (void)state;
    static const char form[] = "application/x-www-form-urlencoded";
    static const struct {
        const char *type, *body;
    } good[] = {
        {NULL, "text=Hi"},
        {form, "text=Hi"},
        {form, "\xEF\xBB\xBFtext=Hi"},
        {"", "text=Hi"},
        {NULL, "{\"text\":\"Hi\"}"},
        {form, "{\"text\":\"Hi\"}"},
        {form, " \r\n\t{\"text\":\"Hi\"}"},
        {form, "\xEF\xBB\xBF{\"text\":\"Hi\"}"},
        {"text/plain;charset=UTF-8", "{\"text\":\"Hi\"}"},
        {"text/json", "{\"text\":\"Hi\"}"},
        {"Application/JSON ; charset=utf-8", "\xEF\xBB\xBF {\"text\":\"Hi\"}"},
        {"application/vnd.api+json", "{\"text\":\"Hi\"}"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        tb_fields f;
        if (read_body(good[i].type, good[i].body, &f)) fail_msg("refused: %s", good[i].body);
        assert_int_equal(f.n, 1);
        assert_string_equal(f.items[0].name, "text");
        assert_string_equal(f.items[0].value, "Hi");
        tb_fields_clear(&f);
    }
}

static void a_body_of_another_kind_is_named(void **state)
{
    (void)state;
    static const char multipart[] = PART "name=text\r\n\r\nHi\r\n--XyZ--";
    static const struct {
        const char *type, *body;
        tb_status status;
    } bad[] = {
        {NULL, multipart, TB_EMEDIA},
        {"application/x-www-form-urlencoded", multipart, TB_EMEDIA},
        {"application/x-www-form-urlencoded", "Say this sentence.", TB_EMALFORMED},
        {"application/x-www-form-urlencoded", "[{\"text\":\"Hi\"}]", TB_EMALFORMED},
        {NULL, "{\"text\":", TB_EMALFORMED},
        {"text/plain", "Say this sentence.", TB_EMEDIA},
        {"application/json", "\x1F\x8B\b", TB_EMEDIA},
        {NULL, "\x1F\x8B\b=", TB_EMEDIA},
        {"application/xml", "<text>Hi</text>", TB_EMEDIA},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tb_fields f;
        if (read_body(bad[i].type, bad[i].body, &f) != bad[i].status)
            fail_msg("%zu: %s", i, bad[i].body);
    }
}

static void a_nul_is_for_files_only(void **state)
{
    (void)state;
    static const char text[] = PART "name=a\r\n\r\n1\0002\r\n--XyZ--";
    static const char head[] = PART "name=a\0b\r\n\r\n1\r\n--XyZ--";
    static const char file[] = PART "name=a; filename=x\r\n\r\n\0\r\n--XyZ--";
    tb_fields f;
    assert_int_equal(read_form(FORM, text, sizeof text - 1, &f), TB_EMALFORMED);
    assert_int_equal(read_form(FORM, head, sizeof head - 1, &f), TB_EMALFORMED);
    assert_int_equal(read_form(FORM, file, sizeof file - 1, &f), TB_OK);
    tb_fields_clear(&f);
}

static void every_cut_of_a_form_is_refused(void **state)
{
    (void)state;
    static const char body[] =
        PART "name=\"a\"; filename=\"b\"\r\nX: y\r\n\r\n1\r\n" PART "name=c\r\n\r\n\r\n--XyZ--";
    tb_fields f;
    for (size_t len = 0; len < sizeof body - 1; len++)
        assert_int_equal(read_form(FORM, body, len, &f), TB_EMALFORMED);
    assert_int_equal(read_form(FORM, body, sizeof body - 1, &f), TB_OK);
    tb_fields_clear(&f);
}

static void too_many_and_too_long_are_refused(void **state)
{
    (void)state;
    tb_str form, query, json;
    tb_fields f = {0};
    tb_err err = {0};
    tb_str_init(&form, 1 << 20);
    tb_str_init(&query, 1 << 20);
    tb_str_init(&json, 1 << 20);
    for (int i = 0; i < 65; i++) {
        tb_str_printf(&form, PART "name=n%d\r\n\r\n1\r\n", i);
        tb_str_printf(&query, "n%d=1&", i);
        tb_str_printf(&json, "%s\"n%d\":1", i ? "," : "{", i);
    }
    tb_str_puts(&form, "--XyZ--");
    tb_str_puts(&json, "}");
    assert_int_equal(read_form(FORM, form.data, form.len, &f), TB_EMALFORMED);
    assert_int_equal(tb_fields_from_urlencoded(query.data, query.len, &f, &err), TB_EMALFORMED);
    assert_int_equal(tb_fields_from_json(json.data, json.len, &f, &err), TB_EMALFORMED);
    assert_int_equal(f.n, 0);
    tb_fields_clear(&f);
    tb_str_clear(&form);
    tb_str_clear(&query);
    tb_str_clear(&json);

    char *head = tb_alloc(20000);
    memset(head, 'x', 19999);
    char *body = tb_sprintf(PART "name=a; x=%s\r\n\r\n1\r\n--XyZ--", head);
    refuse_form(FORM, body);
    tb_free(body);
    body = tb_sprintf(PART "name=%.65s\r\n\r\n1\r\n--XyZ--", head);
    refuse_form(FORM, body);
    tb_free(body);
    tb_free(head);
    tb_str_init(&form, 1 << 20);
    tb_str_puts(&form, PART "name=a\r\n");
    for (int i = 0; i < 20; i++)
        tb_str_puts(&form, "X: y\r\n");
    tb_str_puts(&form, "\r\n1\r\n--XyZ--");
    refuse_form(FORM, form.data);
    tb_str_clear(&form);
}

static void json_scalars_become_text_and_null_is_absent(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":\"x\",\"b\":0.8,\"c\":true,\"d\":null,\"e\":9007199254740991,\"f\":{},"
        "\"g\":[1],\"ids\":[\"p\",7,null],\"\":1,\"h\":false}";
    tb_fields f = {0};
    tb_err err = {0};
    assert_int_equal(tb_fields_from_json(text, sizeof text - 1, &f, &err), TB_OK);
    assert_string_equal(tb_fields_text(&f, "a"), "x");
    assert_string_equal(tb_fields_text(&f, "b"), "0.8");
    assert_string_equal(tb_fields_text(&f, "c"), "true");
    assert_null(tb_fields_get(&f, "d"));
    assert_string_equal(tb_fields_text(&f, "e"), "9007199254740991");
    assert_true(tb_fields_get(&f, "f")->nested);
    assert_null(tb_fields_text(&f, "g"));
    assert_string_equal(tb_fields_text(&f, "h"), "false");
    int ids = 0;
    for (size_t i = 0; i < f.n; i++)
        ids += strcmp(f.items[i].name, "ids") == 0;
    assert_int_equal(ids, 2);
    static const char *const plain[] = {"a", "b", NULL}, *const nested[] = {"a", "f", NULL};
    assert_int_equal(tb_fields_want_text(&f, plain, &err), TB_OK);
    assert_int_equal(tb_fields_want_text(&f, nested, &err), TB_EINVAL);
    assert_string_equal(err.field, "f");
    tb_fields_clear(&f);
}

static void hostile_json_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "\"a\"",
        "{",
        "{}x",
        "{\"a\":1,}",
        "{\"a\":NaN}",
        "{'a':1}",
        "{\"a\":\"\\u0000\"}",
        "{a:1}",
        "{\"a\":1e999}",
        "\xff",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\"",
        "{\"a\":1}{\"b\":2}",
        "{\"a\":1,\"a\":2}",
    };
    tb_fields f = {0};
    tb_err err = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (tb_fields_from_json(bad[i], strlen(bad[i]), &f, &err) != TB_EMALFORMED)
            fail_msg("not refused: %s", bad[i]);
        assert_int_equal(f.n, 0);
    }
    enum { DEEP = 100000 };
    char *deep = tb_alloc(DEEP + 6);
    memcpy(deep, "{\"a\":", 5);
    memset(deep + 5, '[', DEEP);
    assert_int_equal(tb_fields_from_json(deep, DEEP + 5, &f, &err), TB_EMALFORMED);
    tb_free(deep);
    assert_int_equal(f.n, 0);
    tb_fields_clear(&f);
}

/* head, then unit again and again, then tail: what it costs must not depend on what it holds. */
static tb_status read_many(const char *head, const char *unit, size_t n, const char *tail)
{
    tb_fields f = {0};
    tb_err err = {0};
    tb_str s;
    tb_str_init(&s, 64 << 20);
    tb_str_puts(&s, head);
    for (size_t i = 0; i < n; i++)
        tb_str_puts(&s, unit);
    tb_str_puts(&s, tail);
    tb_status st = tb_fields_from_json(s.data, s.len, &f, &err);
    tb_str_clear(&s);
    if (st) assert_int_equal(f.n, 0);
    tb_fields_clear(&f);
    return st;
}

static void json_is_bounded_by_count_whatever_it_is_made_of(void **state)
{
    (void)state;
    enum { MANY = 1000000 };
    clock_t began = clock();
    assert_int_equal(read_many("{\"a\":[", "[],", MANY, "1]}"), TB_ETOOBIG);
    assert_int_equal(read_many("{\"a\":[", "{},", MANY, "1]}"), TB_ETOOBIG);
    assert_int_equal(read_many("{\"a\":[", "0,", MANY, "1]}"), TB_ETOOBIG);
    assert_int_equal(read_many("{\"a\":{", "\"k\":\"\",", MANY, "\"z\":1}}"), TB_ETOOBIG);
    assert_int_equal(read_many("{", "\"\":{\"\":null},", MANY, "\"z\":1}"), TB_ETOOBIG);
    assert_int_equal(read_many("", "{\"a\":", MANY, ""), TB_EMALFORMED); /* depth */
    assert_int_equal(read_many("{\"a\":\"", "\\n", MANY, "\"}"), TB_OK);
    assert_int_equal(read_many("{", " ", MANY, "}"), TB_OK);
    assert_int_equal(read_many("{\"a\":1", "0", MANY, "}"), TB_EMALFORMED); /* a number */
    assert_int_equal(read_many("{\"x\":[", "0,", 4000, "1],\"a\":2}"), TB_OK);
    /* Some 15 MB in all; a tree of them took a minute. */
    assert_true((double)(clock() - began) / CLOCKS_PER_SEC < 5);
}

static void numbers_and_names_of_json_keep_what_they_say(void **state)
{
    static const char text[] = "{\"a\":9223372036854775807,\"b\":1e2,\"c\":-0.25,\"d\":-0,"
                               "\"e\":18446744073709551616,\"\\u0066\":\"\\ud83d\\ude00\"}";
    tb_fields f = {0};
    tb_err err = {0};
    (void)state;
    assert_int_equal(tb_fields_from_json(text, sizeof text - 1, &f, &err), TB_OK);
    assert_string_equal(tb_fields_text(&f, "a"), "9223372036854775807");
    assert_string_equal(tb_fields_text(&f, "b"), "100");
    assert_string_equal(tb_fields_text(&f, "c"), "-0.25");
    assert_string_equal(tb_fields_text(&f, "d"), "0");
    assert_non_null(tb_fields_text(&f, "e"));
    assert_string_equal(tb_fields_text(&f, "f"), "\xF0\x9F\x98\x80");
    tb_fields_clear(&f);
    assert_int_equal(tb_fields_from_json("{\"a\\u0000b\":1}", 15, &f, &err), TB_EMALFORMED);
    assert_int_equal(tb_fields_from_json("{\"a\":1,\"\\u0061\":2}", 18, &f, &err), TB_EMALFORMED);
    tb_fields_clear(&f);
}

static void urlencoded_is_unescaped_and_a_broken_escape_is_refused(void **state)
{
    (void)state;
    static const char good[] = "a=x+y%2B%c3%a9%0A&&b&c==&d=&ids=1&ids=2";
    tb_fields f = {0};
    tb_err err = {0};
    assert_int_equal(tb_fields_from_urlencoded(good, sizeof good - 1, &f, &err), TB_OK);
    assert_string_equal(tb_fields_text(&f, "a"), "x y+\xC3\xA9\n");
    assert_string_equal(tb_fields_text(&f, "b"), "");
    assert_string_equal(tb_fields_text(&f, "c"), "=");
    assert_string_equal(tb_fields_text(&f, "d"), "");
    assert_int_equal(f.n, 6);
    static const char *const bad[] = {"x=%",    "x=%4",  "x=%zz", "x=%00",      "%00=1",
                                      "x=%ff",  "%ff=1", "=1",    "x=1&x=2",    "a=1",
                                      "x%0a=1", "%=1",   "x=%c3", "x=%ed%a0%80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (tb_fields_from_urlencoded(bad[i], strlen(bad[i]), &f, &err) != TB_EMALFORMED)
            fail_msg("not refused: %s", bad[i]);
        assert_int_equal(f.n, 6);
    }
    tb_fields_clear(&f);
}

static void a_query_and_a_body_are_read_into_one_and_a_failure_leaves_the_first(void **state)
{
    (void)state;
    static const char body[] = PART "name=b\r\n\r\n2\r\n" PART "name=a\r\n\r\n3\r\n--XyZ--";
    tb_fields f = {0};
    tb_err err = {0};
    assert_int_equal(tb_fields_from_urlencoded("a=1", 3, &f, &err), TB_OK);
    assert_int_equal(tb_fields_from_multipart(body, sizeof body - 1, FORM, &f, &err),
                     TB_EMALFORMED);
    assert_string_equal(err.field, "a");
    assert_int_equal(f.n, 1);
    assert_int_equal(tb_fields_from_json("{\"b\":2,\"a\":1}", 13, &f, &err), TB_EMALFORMED);
    assert_int_equal(f.n, 1);
    assert_int_equal(tb_fields_from_json("{\"b\":2}", 7, &f, &err), TB_OK);
    assert_string_equal(tb_fields_text(&f, "b"), "2");
    tb_fields_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_gives_its_parts_in_order),
        cmocka_unit_test(what_clients_write_differently_is_understood),
        cmocka_unit_test(quoted_and_extended_names_are_decoded),
        cmocka_unit_test(an_empty_file_input_is_absent_but_an_empty_named_file_is_not),
        cmocka_unit_test(broken_forms_are_refused),
        cmocka_unit_test(boundaries_that_are_none_are_refused),
        cmocka_unit_test(a_file_may_have_any_name),
        cmocka_unit_test(a_files_name_may_come_first),
        cmocka_unit_test(a_file_needs_no_name),
        cmocka_unit_test(a_body_is_read_as_what_it_is),
        cmocka_unit_test(a_body_of_another_kind_is_named),
        cmocka_unit_test(a_nul_is_for_files_only),
        cmocka_unit_test(every_cut_of_a_form_is_refused),
        cmocka_unit_test(too_many_and_too_long_are_refused),
        cmocka_unit_test(json_scalars_become_text_and_null_is_absent),
        cmocka_unit_test(hostile_json_is_refused),
        cmocka_unit_test(json_is_bounded_by_count_whatever_it_is_made_of),
        cmocka_unit_test(numbers_and_names_of_json_keep_what_they_say),
        cmocka_unit_test(urlencoded_is_unescaped_and_a_broken_escape_is_refused),
        cmocka_unit_test(a_query_and_a_body_are_read_into_one_and_a_failure_leaves_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
