/*
 * Tests of strings: ceilings, comparison without case, numbers, edit distance, folding.
 */
#include "base/mem.h"
#include "base/str.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_string_stops_at_its_ceiling_and_says_so(void **state)
{
    (void)state;
    tb_str s;
    tb_str_init(&s, 5);
    assert_true(tb_str_puts(&s, "abc"));
    assert_true(tb_str_printf(&s, "%d", 12));
    assert_false(s.full);
    assert_false(tb_str_puts(&s, "x"));
    assert_true(s.full);
    assert_string_equal(s.data, "abc12");
    assert_int_equal(s.len, 5);
    char *taken = tb_str_take(&s);
    assert_string_equal(taken, "abc12");
    assert_int_equal(s.len, 0);
    tb_free(taken);
    tb_str_init(&s, 100);
    taken = tb_str_take(&s);
    assert_string_equal(taken, "");
    tb_free(taken);
    tb_str_clear(&s);
}

static void a_string_may_hold_nul(void **state)
{
    (void)state;
    tb_str s;
    tb_str_init(&s, 100000);
    for (int i = 0; i < 10000; i++)
        assert_true(tb_str_add(&s, "a\0b", 3));
    assert_int_equal(s.len, 30000);
    assert_memory_equal(s.data + 29997, "a\0b", 4);
    tb_str_clear(&s);
    tb_str_clear(&s);
}

static void ascii_is_compared_without_case(void **state)
{
    (void)state;
    assert_true(tb_str_ieq("AbC", "aBc"));
    assert_false(tb_str_ieq("a", "ab"));
    assert_false(tb_str_ieq("@", "`"));
    assert_false(tb_str_ieq("\xC3\x89", "\xC3\xA9"));
    assert_true(tb_str_starts("abc", "ab") && tb_str_starts("abc", "") &&
                !tb_str_starts("a", "ab"));
    assert_true(tb_str_ends("abc", "bc") && tb_str_ends("abc", "") && !tb_str_ends("c", "bc"));
    char text[] = " \t\r\nA b\n ", low[] = "AZ[\xC3\x89";
    assert_string_equal(tb_str_strip(text), "A b");
    char blank[] = " \n";
    assert_string_equal(tb_str_strip(blank), "");
    tb_str_lower(low);
    assert_string_equal(low, "az[\xC3\x89");
}

static void numbers_are_whole_strings(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    " ",   "x",        "1x",    "1 ",
                                      " 1",  "nan", "inf",      "-inf",  "1e999",
                                      "0,5", "--1", "infinity", "1.2.3", "e5"};
    double d;
    unsigned long long u;
    bool b;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (tb_parse_double(bad[i], &d)) fail_msg("\"%s\" is a number", bad[i]);
        assert_false(tb_parse_u64(bad[i], &u));
        assert_false(tb_parse_bool(bad[i], &b));
    }
    assert_true(tb_parse_double("-0.25", &d) && d == -0.25);
    assert_true(tb_parse_double("1e3", &d) && d == 1000);
    assert_true(tb_parse_u64("18446744073709551615", &u) && u == UINT64_MAX);
    assert_false(tb_parse_u64("18446744073709551616", &u));
    assert_false(tb_parse_u64("-1", &u));
    assert_false(tb_parse_u64("+1", &u));
    assert_false(tb_parse_u64("1.0", &u));
    assert_true(tb_parse_bool("Yes", &b) && b);
    assert_true(tb_parse_bool("off", &b) && !b);
    assert_true(tb_parse_bool("0", &b) && !b);
    assert_false(tb_parse_bool("2", &b));
}

static void distance_counts_edits_up_to_its_limit(void **state)
{
    (void)state;
    assert_int_equal(tb_str_distance("kitten", "sitting", 5), 3);
    assert_int_equal(tb_str_distance("same", "same", 2), 0);
    assert_int_equal(tb_str_distance("", "abc", 5), 3);
    assert_int_equal(tb_str_distance("abc", "xyz", 1), 2);
    assert_int_equal(tb_str_distance("prot", "port", 1), 1); /* neighbours change places */
    assert_int_equal(tb_str_distance("ab", "ba", 1), 1);
    assert_int_equal(tb_str_distance("hsot nmae", "host name", 3), 2);
    assert_int_equal(tb_str_distance("xyzprot", "port", 3), 4);
    assert_int_equal(tb_str_distance("axbcd", "acbd", 3), 2);
    char a[400], b[400];
    memset(a, 'a', 399);
    memset(b, 'b', 399);
    a[399] = b[399] = 0;
    assert_int_equal(tb_str_distance(a, b, 3), 4);
}

static void folding_makes_spellings_equal(void **state)
{
    (void)state;
    char *a = tb_str_fold("  \xC3\x89TOILE \t\xC2\xA0 Neuve\n"),
         *b = tb_str_fold("\xC3\xA9toile neuve");
    assert_string_equal(a, b);
    tb_free(a);
    tb_free(b);
    a = tb_str_fold(" \n");
    assert_string_equal(a, "");
    tb_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_string_stops_at_its_ceiling_and_says_so),
        cmocka_unit_test(a_string_may_hold_nul),
        cmocka_unit_test(ascii_is_compared_without_case),
        cmocka_unit_test(numbers_are_whole_strings),
        cmocka_unit_test(distance_counts_edits_up_to_its_limit),
        cmocka_unit_test(folding_makes_spellings_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
