#include "model/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "golden.h"
#include "s3gen.h"

static const tb_flow_hparams tiny = {.enc_heads = TINY_ENC_HEADS, .est_heads = TINY_EST_HEADS};

static void every_array_of_the_reduced_flow_is_as_recorded(void **state)
{
    tb_weights *w = s3gen_tiny_weights(TB_F32);
    s3gen c;

    (void)state;
    s3gen_open(&c, "s3_tiny", w, &tiny);
    s3gen_check_flow(&c);
    assert_int_equal(c.g.compared, 54); /* all that the recording has of it */
    s3gen_close(&c);
    tb_weights_free(w);
}

static void a_prompt_with_one_frame_more_gives_one_less(void **state)
{
    tb_weights *w = s3gen_tiny_weights(TB_F32);
    s3gen c;

    (void)state;
    s3gen_open(&c, "s3_tiny_odd", w, &tiny);
    assert_int_equal(c.frames, 29);
    s3gen_check_flow(&c);
    assert_int_equal(c.g.compared, 2); /* flow.cond, mel */
    s3gen_close(&c);
    tb_weights_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_array_of_the_reduced_flow_is_as_recorded),
        cmocka_unit_test(a_prompt_with_one_frame_more_gives_one_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
