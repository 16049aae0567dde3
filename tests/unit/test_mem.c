#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void memory_of_a_chosen_size_is_zeroed_or_refused(void **state)
{
    (void)state;
    unsigned char *p = tb_try_alloc(1000, 3);
    assert_non_null(p);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(p[i], 0);
    tb_free(p);
    assert_null(tb_try_alloc(SIZE_MAX / 2, 4));
    assert_null(tb_try_alloc(SIZE_MAX, 2));
    p = tb_try_alloc(4, 1);
    memcpy(p, "abc", 4);
    assert_null(tb_try_realloc(p, SIZE_MAX / 2, 4));
    assert_string_equal((char *)p, "abc");
    p = tb_try_realloc(p, 1000, 8);
    assert_string_equal((char *)p, "abc");
    tb_free(p);
    tb_free(NULL);
    tb_err err = {0};
    assert_int_equal(tb_nomem(&err, SIZE_MAX, SIZE_MAX), TB_ENOMEM);
    assert_true(err.msg[0]);
}

static void strings_are_copied(void **state)
{
    (void)state;
    assert_null(tb_strdup(NULL));
    char *s = tb_strndup("abcdef", 3), *f = tb_sprintf("%s-%d", "a", 5), *e = tb_strndup("x", 0);
    assert_string_equal(s, "abc");
    assert_string_equal(f, "a-5");
    assert_string_equal(e, "");
    tb_free(s);
    tb_free(f);
    tb_free(e);
}

static void an_arena_aligns_zeroes_and_ends_at_its_ceiling(void **state)
{
    (void)state;
    tb_arena *a = tb_arena_new(100000);
    for (size_t n = 1; n < 200; n++) {
        unsigned char *p = tb_arena_alloc(a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, n);
    }
    assert_string_equal(tb_arena_strndup(a, "hello", 4), "hell");
    assert_null(tb_arena_alloc(a, 100001));
    assert_null(tb_arena_alloc(a, SIZE_MAX));
    assert_null(tb_arena_alloc(a, SIZE_MAX - 8));
    size_t got = 0;
    while (tb_arena_alloc(a, 1000))
        assert_true(++got < 100);
    tb_arena_free(a);
    tb_arena_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_of_a_chosen_size_is_zeroed_or_refused),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(an_arena_aligns_zeroes_and_ends_at_its_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
