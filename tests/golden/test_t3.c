#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "t3_case.h"
#include "tiny_t3.h"

static void the_reduced_model_says_what_was_recorded(void **state)
{
    (void)state;
    t3_case c;
    t3_case_open(&c, "t3_tiny", tiny_t3_make(TB_F32), TINY_T3_HEADS);
    t3_check_greedy(&c);
    t3_check_processed(&c);
    /* 12 arrays of the prefill, 2 of the greedy steps, 6 of the processed ones. */
    assert_int_equal(c.g.compared, 20);
    t3_case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reduced_model_says_what_was_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
