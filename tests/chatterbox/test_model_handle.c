/*
 * Tests of the model handle: unloading when idle, loading again, another model in its place, many
 * borrowers at once.
 */
/* The one model: lent, put to rest when nobody has it, there again for the next. */

#include "base/file.h"
#include "base/mem.h"
#include "chatterbox/model_handle.h"
#include "folder.h"
#include "model/convert.h"
#include "small_model.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char home[] = "/tmp/timbre-test-holder-XXXXXX";
static char *path;
static tb_model_config config = {.type = TB_MODEL_F16, .threads = 2};

static void convert(double stop)
{
    tb_err err = {0};
    char *folder = tb_path_join(home, "model");
    small_model(folder, "t3_turbo_v1", &stop);
    if (tb_model_convert(&(tb_model_place){.path = folder}, &(tb_convert){.type = TB_F16}, path,
                         &err))
        fail_msg("%s", err.msg);
    tb_free(folder);
}

static int start(void **state)
{
    (void)state;
    if (!mkdtemp(home)) return -1;
    path = tb_path_join(home, "one.gguf");
    convert(3);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    tb_free(path);
    return test_folder_remove(home);
}

static void it_rests_when_nobody_has_it_and_wakes_for_the_next(void **state)
{
    (void)state;
    tb_chatterbox *c = NULL, *again = NULL;
    tb_err err = {0};
    tb_model_handle *h = tb_model_handle_new(&config);
    assert_false(tb_model_handle_ready(h));
    assert_null(tb_model_handle_name(h));
    assert_int_equal(tb_model_handle_acquire(h, &c, &err), TB_EUNREADY);
    assert_int_equal(tb_model_handle_load(h, path, &err), TB_OK);
    assert_string_equal(tb_model_handle_name(h), "ResembleAI/chatterbox-turbo");
    char *id = tb_strdup(tb_model_handle_id(h));
    assert_int_equal(tb_model_handle_acquire(h, &c, &err), TB_OK);
    assert_ptr_equal(tb_model_handle_get(h), c);
    const tb_pace pace = {.token_s = 0.01, .flow_s = 0.02, .vocode_s = 0.03};
    tb_chatterbox_set_pace(c, &pace);
    assert_false(tb_model_handle_close_idle(h, 0)); /* somebody has it */
    assert_int_equal(tb_model_handle_acquire(h, &again, &err), TB_OK);
    assert_ptr_equal(again, c);
    tb_model_handle_release(h);
    assert_false(tb_model_handle_close_idle(h, 0));
    tb_model_handle_release(h);
    assert_false(tb_model_handle_close_idle(h, 60)); /* too early */
    assert_true(tb_model_handle_close_idle(h, 0));
    assert_false(tb_model_handle_close_idle(h, 0)); /* it does already */
    assert_true(tb_model_handle_ready(h));
    assert_string_equal(tb_model_handle_id(h), id);
    assert_int_equal(tb_model_handle_acquire(h, &c, &err), TB_OK);
    assert_string_equal(tb_chatterbox_id(c), id);
    assert_true(tb_chatterbox_pace(c).flow_s == pace.flow_s);
    tb_model_handle_release(h);
    tb_model_handle_free(h);
    tb_model_handle_free(NULL);
    tb_free(id);
}

static void another_model_in_its_place_is_not_taken_for_it(void **state)
{
    (void)state;
    tb_chatterbox *c = NULL;
    tb_err err = {0};
    tb_model_handle *h = tb_model_handle_new(&config);
    assert_int_equal(tb_model_handle_load(h, path, &err), TB_OK);
    assert_true(tb_model_handle_close_idle(h, 0));
    convert(4);
    assert_int_equal(tb_model_handle_acquire(h, &c, &err), TB_EUNREADY);
    assert_non_null(strstr(err.msg, "replaced"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(tb_model_handle_acquire(h, &c, &err), TB_ENOTFOUND);
    convert(3);
    assert_int_equal(tb_model_handle_acquire(h, &c, &err), TB_OK);
    tb_model_handle_release(h);
    tb_model_handle_free(h);
}

static void *borrow(void *arg)
{
    tb_model_handle *h = arg;
    for (int i = 0; i < 40; i++) {
        tb_chatterbox *c = NULL;
        assert_int_equal(tb_model_handle_acquire(h, &c, NULL), TB_OK);
        assert_non_null(tb_chatterbox_default(c));
        tb_model_handle_release(h);
        if (i % 4 == 0) tb_model_handle_close_idle(h, 0);
    }
    return NULL;
}

static void many_borrow_while_it_goes_to_rest_again_and_again(void **state)
{
    (void)state;
    pthread_t threads[4];
    tb_model_handle *h = tb_model_handle_new(&config);
    assert_int_equal(tb_model_handle_load(h, path, NULL), TB_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, borrow, h), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    tb_model_handle_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_rests_when_nobody_has_it_and_wakes_for_the_next),
        cmocka_unit_test(another_model_in_its_place_is_not_taken_for_it),
        cmocka_unit_test(many_borrow_while_it_goes_to_rest_again_and_again),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
