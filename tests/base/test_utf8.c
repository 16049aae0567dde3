/*
 * Tests of UTF-8: shortest forms, reading back, trimming, folding, classes of characters.
 */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void only_the_shortest_form_of_a_character_is_one(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80",
                                      "\xBF",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xE0\x80\x80",
                                      "\xE0\x9F\xBF",
                                      "\xED\xA0\x80",
                                      "\xED\xBF\xBF",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xFF",
                                      "\xC3",
                                      "\xE2\x82",
                                      "\xF0\x9F\x98",
                                      "\xC3(",
                                      "\xE2\x82("};
    static const char *const good[] = {"",
                                       "a",
                                       "\xC2\x80",
                                       "\xDF\xBF",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t size = 0;
        assert_false(tb_utf8_valid(bad[i], strlen(bad[i])));
        assert_int_equal(tb_utf8_next(bad[i], strlen(bad[i]), &size), TB_UTF8_BAD);
        assert_int_equal(size, 1);
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(tb_utf8_valid(good[i], strlen(good[i])));
    assert_true(tb_utf8_valid("a\0b", 3));
}

static void every_character_is_written_and_read_again(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        if (cp == 0xD800) cp = 0xE000;
        char out[4];
        size_t n = tb_utf8_put(cp, out), size = 0;
        if (tb_utf8_next(out, n, &size) != cp || size != n) fail_msg("U+%04X", (unsigned)cp);
        if (n > 1 && tb_utf8_next(out, n - 1, &size) != TB_UTF8_BAD)
            fail_msg("U+%04X", (unsigned)cp);
    }
    assert_int_equal(tb_utf8_count("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 10), 4);
}

static void a_cut_character_is_taken_off(void **state)
{
    (void)state;
    char whole[] = "a\xC3\xA9", cut2[] = "a\xC3", cut3[] = "a\xE2\x82", cut4[] = "\xF0\x9F\x98",
         none[] = "";
    tb_utf8_trim(whole);
    tb_utf8_trim(cut2);
    tb_utf8_trim(cut3);
    tb_utf8_trim(cut4);
    tb_utf8_trim(none);
    assert_string_equal(whole, "a\xC3\xA9");
    assert_string_equal(cut2, "a");
    assert_string_equal(cut3, "a");
    assert_string_equal(cut4, "");
    assert_string_equal(none, "");
}

static void case_is_folded_in_the_scripts_we_fold(void **state)
{
    (void)state;
    assert_int_equal(tb_utf8_fold('A'), 'a');
    assert_int_equal(tb_utf8_fold('['), '[');
    assert_int_equal(tb_utf8_fold(0xC9), 0xE9);
    assert_int_equal(tb_utf8_fold(0xD7), 0xD7); /* the multiplication sign */
    assert_int_equal(tb_utf8_fold(0x160), 0x161);
    assert_int_equal(tb_utf8_fold(0x3A9), 0x3C9);
    assert_int_equal(tb_utf8_fold(0x416), 0x436);
    assert_int_equal(tb_utf8_fold(0x4E00), 0x4E00);
    for (uint32_t cp = 0; cp < 0x600; cp++)
        if (tb_utf8_fold(tb_utf8_fold(cp)) != tb_utf8_fold(cp)) fail_msg("U+%04X", (unsigned)cp);
}

static void words_and_spaces_are_told_apart(void **state)
{
    (void)state;
    static const uint32_t spaces[] = {' ',    '\t',   '\n',   0xA0,   0x2003,
                                      0x200B, 0x2028, 0x202F, 0x3000, 0xFEFF};
    static const uint32_t words[] = {'a',   'Z',   '0',   0xE9,   0x3B1, 0x416,
                                     0x5D0, 0x627, 0x905, 0x4E00, 0xAC00};
    static const uint32_t others[] = {'-', '!', '[', 0x2014, 0x201C, 0x3002, 0xE000, 0};
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++)
        assert_true(tb_utf8_is_space(spaces[i]) && !tb_utf8_is_word(spaces[i]));
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_true(tb_utf8_is_word(words[i]) && !tb_utf8_is_space(words[i]));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_true(!tb_utf8_is_word(others[i]) && !tb_utf8_is_space(others[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_shortest_form_of_a_character_is_one),
        cmocka_unit_test(every_character_is_written_and_read_again),
        cmocka_unit_test(a_cut_character_is_taken_off),
        cmocka_unit_test(case_is_folded_in_the_scripts_we_fold),
        cmocka_unit_test(words_and_spaces_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
