#include "base/mem.h"
#include "base/unicode.h"
#include "text/unicode_tables_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint64_t mix(uint64_t h, uint32_t x)
{
    return (h ^ x) * 0x100000001b3u;
}

/* The sums are of the recorded tables, every code point of Unicode in turn, by another program. */
static void every_code_point_has_the_recorded_class(void **state)
{
    (void)state;
    uint64_t h = 0xcbf29ce484222325u;
    size_t n[4] = {0};
    for (uint32_t cp = 0; cp < 0x110000; cp++) {
        tb_unicode_class class = tb_unicode_class_of(cp);
        n[class]++;
        h = mix(h, class);
    }
    assert_int_equal(n[TB_UNICODE_LETTER], 141028);
    assert_int_equal(n[TB_UNICODE_NUMBER], 1911);
    assert_int_equal(n[TB_UNICODE_SPACE], 25);
    assert_int_equal(h, 0x48b1698009766d10u);
}

static void every_code_point_has_the_recorded_space(void **state)
{
    (void)state;
    uint64_t h = 0xcbf29ce484222325u;
    for (uint32_t cp = 0; cp < 0x110000; cp++)
        h = mix(h, tb_unicode_is_py_space(cp));
    assert_int_equal(h, 0x910838d6e6c7b908u);
}

static void every_code_point_has_the_recorded_capital(void **state)
{
    (void)state;
    uint64_t h = 0xcbf29ce484222325u;
    size_t n = 0;
    for (uint32_t cp = 0; cp < 0x110000; cp++) {
        uint32_t upper[3];
        size_t several = tb_unicode_upper(cp, upper);
        if (several == 0) continue;
        n++;
        h = mix(h, cp);
        for (size_t i = 0; i < several; i++)
            h = mix(h, upper[i]);
    }
    assert_int_equal(n, 1521);
    assert_int_equal(h, 0x4a87a972fe728b51u);
}

static void what_is_no_code_point_is_nothing(void **state)
{
    (void)state;
    uint32_t upper[3];
    assert_int_equal(tb_unicode_class_of(0x110000), TB_UNICODE_OTHER);
    assert_int_equal(tb_unicode_class_of(UINT32_MAX), TB_UNICODE_OTHER);
    assert_false(tb_unicode_is_py_space(UINT32_MAX));
    assert_int_equal(tb_unicode_upper(UINT32_MAX, upper), 0);
}

/* Binary search needs it. */
static void the_ranges_ascend(void **state)
{
    (void)state;
    const struct {
        const tb_unicode_range *table;
        size_t n;
    } all[] = {{tb_unicode_letters, tb_unicode_letters_n},
               {tb_unicode_numbers, tb_unicode_numbers_n},
               {tb_unicode_spaces, tb_unicode_spaces_n},
               {tb_unicode_py_spaces, tb_unicode_py_spaces_n}};
    for (size_t t = 0; t < sizeof all / sizeof *all; t++)
        for (size_t i = 0; i < all[t].n; i++) {
            assert_true(all[t].table[i].first <= all[t].table[i].last);
            if (i > 0) assert_true(all[t].table[i - 1].last < all[t].table[i].first);
        }
}

/* A row of marks would be sorted by comparing neighbours: a person's have a few. */
static void a_row_of_marks_is_cut_where_it_stands(void **state)
{
    (void)state;
    char text[2 + 2 * 300 + 2] = "a";
    size_t n = 1;
    for (int i = 0; i < 300; i++)
        text[n++] = '\xCC', text[n++] = '\x81'; /* U+0301 */
    text[n++] = 'b';
    char *out = NULL;
    assert_int_equal(tb_unicode_nfc(text, n, &out, NULL), TB_OK);
    assert_true(strlen(out) < 100);
    assert_int_equal(out[strlen(out) - 1], 'b');
    assert_memory_equal(out, "\xC3\xA1\xCC\x81", 4); /* and those that stay are still there */
    tb_free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_of_marks_is_cut_where_it_stands),
        cmocka_unit_test(every_code_point_has_the_recorded_class),
        cmocka_unit_test(every_code_point_has_the_recorded_space),
        cmocka_unit_test(every_code_point_has_the_recorded_capital),
        cmocka_unit_test(what_is_no_code_point_is_nothing),
        cmocka_unit_test(the_ranges_ascend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
