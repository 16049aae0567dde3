#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "golden.h"
#include "s3gen.h"

/* The full-size flow and vocoder with weights by seed: a short case with its stages, and one with a
 * prompt of full length. */
static tb_weights *weights; /* NULL: not there */

static int load(void **state)
{
    const char *dir = golden_seeded_dir();

    (void)state;
    if (dir) {
        char *path = tb_sprintf("%s/s3gen_meanflow.safetensors", dir);

        weights = s3gen_weights(path, TB_F32);
        tb_free(path);
    }
    return 0;
}

static int unload(void **state)
{
    (void)state;
    tb_weights_free(weights);
    return 0;
}

static void check(const char *name, size_t compared)
{
    s3gen c;

    if (!weights) skip();
    s3gen_open(&c, name, weights, NULL);
    s3gen_check_flow(&c);
    s3gen_check_hift(&c);
    assert_int_equal(c.g.compared, compared);
    s3gen_check_chain(&c);
    s3gen_close(&c);
}

static void a_short_sentence_is_as_recorded(void **state)
{
    (void)state;
    check("s3_full", 22); /* what the reduced cases have too is left out of the data */
}

static void a_prompt_of_ten_seconds_is_as_recorded(void **state)
{
    (void)state;
    check("s3_long", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_sentence_is_as_recorded),
        cmocka_unit_test(a_prompt_of_ten_seconds_is_as_recorded),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
