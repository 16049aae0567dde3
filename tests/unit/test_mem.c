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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_of_a_chosen_size_is_zeroed_or_refused),
        cmocka_unit_test(strings_are_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
