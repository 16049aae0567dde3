#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "seeded_t3.h"
#include "t3_case.h"

static void check(const char *name, const char *file, size_t arrays)
{
    t3_case c;
    tb_weights *weights = seeded_t3(file, TB_F32);
    if (!weights) skip();
    t3_case_open(&c, name, weights, 0);
    t3_check_greedy(&c);
    t3_check_processed(&c);
    assert_int_equal(c.g.compared, arrays);
    t3_case_close(&c);
}

static void turbo_says_what_was_recorded(void **state)
{
    (void)state;
    check("t3_full", "t3_turbo_v1.safetensors", 14);
}

static void nano_says_what_was_recorded(void **state)
{
    (void)state;
    check("t3_nano", "nano/t3_nano_v1.safetensors", 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turbo_says_what_was_recorded),
        cmocka_unit_test(nano_says_what_was_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
