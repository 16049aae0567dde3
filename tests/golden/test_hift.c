#include "model/hift.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "golden.h"
#include "s3gen.h"

static const tb_flow_hparams tiny = {.enc_heads = TINY_ENC_HEADS, .est_heads = TINY_EST_HEADS};

static void every_array_of_the_reduced_vocoder_is_as_recorded(void **state)
{
    tb_weights *w = s3gen_tiny_weights(TB_F32);
    s3gen c;

    (void)state;
    s3gen_open(&c, "s3_tiny", w, &tiny);
    s3gen_check_hift(&c);
    assert_int_equal(c.g.compared, 35); /* all that the recording has of it */
    s3gen_close(&c);
    tb_weights_free(w);
}

static void tokens_become_the_recorded_sound(void **state)
{
    static const char *const names[] = {"s3_tiny", "s3_tiny_odd"};
    tb_weights *w = s3gen_tiny_weights(TB_F32);
    s3gen c;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        s3gen_open(&c, names[i], w, &tiny);
        s3gen_check_chain(&c);
        s3gen_close(&c);
    }
    tb_weights_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_array_of_the_reduced_vocoder_is_as_recorded),
        cmocka_unit_test(tokens_become_the_recorded_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
