/*
 * Tests of the model's text clean-up: recorded texts, capitals, white space, marks, invalid UTF-8.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "text/norm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tokenizer_cases.h"

static void becomes(const char *text, size_t len, const char *want, size_t want_len)
{
    char *got = NULL;
    size_t n = 0;
    tb_err err = {0};
    char *exact = malloc(len ? len : 1); /* a sanitizer sees one byte too many */
    assert_non_null(exact);
    memcpy(exact, text, len);
    assert_int_equal(tb_norm_text(exact, len, &got, &n, &err), TB_OK);
    assert_int_equal(n, want_len);
    assert_memory_equal(got, want, want_len);
    assert_int_equal(got[n], 0);
    tb_free(got);
    free(exact);
}

static void is(const char *text, const char *want)
{
    becomes(text, strlen(text), want, strlen(want));
}

static void recorded_texts_become_what_the_reference_made_of_them(void **state)
{
    (void)state;
    tb_json *v = tokenizer_cases(), *cases = tb_json_get(v, "cases");
    assert_int_equal(tb_json_len(cases), 188);
    for (size_t i = 0; i < tb_json_len(cases); i++) {
        size_t len, want_len;
        char *text = tokenizer_text(tb_json_at(cases, i), "text", &len);
        char *want = tokenizer_text(tb_json_at(cases, i), "norm", &want_len);
        becomes(text, len, want, want_len);
        tb_free(text);
        tb_free(want);
    }
    tb_json_free(v);
}

static void only_the_very_first_character_becomes_a_capital(void **state)
{
    (void)state;
    is("éa b.", "Éa b.");
    is("ßa", "SSa.");
    is("ΐa", "\xCE\x99\xCC\x88\xCC\x81"
             "a.");
    is("ǆ", "Ǆ.");
    is("ǅ", "ǅ."); /* title case is not lower case */
    is("ŉ", "ʼN.");
    is("ꭰ.", "Ꭰ.");
    is("𐐨.", "𐐀."); /* beyond 16 bits */
    is("ÿ", "Ÿ.");
    is("ª", "ª."); /* lower case without a capital */
    is(" a", "a.");
    is("\ta b", "a b.");
    is("1a", "1a.");
    is("«a", "«a.");
}

static void white_space_is_python_s(void **state)
{
    (void)state;
    is("a\x1c\x1d\x1e\x1f"
       "b\xc2\x85"
       "c\u00a0d\u1680e\u2000f\u200ag\u2028h\u2029i\u202fj\u205fk\u3000l",
       "A b c d e f g h i j k l.");
    is("a\u200bb\ufeff", "A\u200bb\ufeff."); /* these two are none */
    is(" \n\t ", ".");
}

static void marks_become_plainer_in_the_reference_s_order(void **state)
{
    (void)state;
    is("a\u2026 b", "A,  b.");
    is("a \u2026", "A,");
    is("a \u2026 b", "A,  b.");
    is("a\u2026", "A,");
    is("a\u2026\u2026b", "A,, b.");
    is("a: b\u2014c\u2013d", "A, b-c-d.");
    is("\u201ca\u201d \u2018b\u2019", "\"a\" 'b'.");
    is("a , b", "A, b.");
    is("a :b", "A,b.");
    is(",", ",");
    is(" , ", ",");
    is("a \u2026 ,",
       "A, ,"); /* one pass: the second blank before the comma goes, the first stays */
}

static void an_end_without_a_mark_gets_a_full_stop(void **state)
{
    (void)state;
    is("", "You need to add some text for me to talk.");
    is("A", "A.");
    is("A!", "A!");
    is("A?", "A?");
    is("A-", "A-");
    is("A\u2014", "A-");
    is("A,", "A,");
    is("A:", "A,");
    is("A;", "A;.");
    is("He said \"hi.\"", "He said \"hi.\".");
}

static void invalid_utf8_is_replaced_byte_by_byte(void **state)
{
    (void)state;
    is("\xff", "\uFFFD.");
    is("\xc3", "\uFFFD.");
    is("a\xe2\x80", "A\uFFFD\uFFFD.");
    is("\xed\xa0\x80!", "\uFFFD\uFFFD\uFFFD!");
    is("\xc0\xaf!", "\uFFFD\uFFFD!");
}

static void a_nul_is_a_character(void **state)
{
    (void)state;
    becomes("a\0b ", 4, "A\0b.", 4);
    becomes("a\0", 2, "A\0.", 3);
}

/* The room that is asked for is never too little, whatever is in the text. */
static void the_worst_text_fits(void **state)
{
    (void)state;
    enum { LEN = 4096 };
    static char text[LEN];
    char *got = NULL;
    size_t n = 0;
    memset(text, 0xFF, sizeof text);
    assert_int_equal(tb_norm_text(text, LEN, &got, &n, NULL), TB_OK);
    assert_int_equal(n, 3 * LEN + 1);
    assert_true(tb_utf8_valid(got, n));
    tb_free(got);
    assert_int_equal(tb_norm_text(text, SIZE_MAX, &got, &n, NULL), TB_ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_texts_become_what_the_reference_made_of_them),
        cmocka_unit_test(only_the_very_first_character_becomes_a_capital),
        cmocka_unit_test(white_space_is_python_s),
        cmocka_unit_test(marks_become_plainer_in_the_reference_s_order),
        cmocka_unit_test(an_end_without_a_mark_gets_a_full_stop),
        cmocka_unit_test(invalid_utf8_is_replaced_byte_by_byte),
        cmocka_unit_test(a_nul_is_a_character),
        cmocka_unit_test(the_worst_text_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
