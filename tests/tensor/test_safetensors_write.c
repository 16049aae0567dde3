/*
 * Tests of writing safetensors: reading back, the header's bytes, refused names.
 */
#include "tensor/safetensors_write.h"

#include "base/file.h"
#include "base/mem.h"
#include "tensor/weights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char home[] = "/tmp/timbre-test-safetensors-XXXXXX";
static char *path;

static int begin(void **state)
{
    (void)state;
    if (!mkdtemp(home)) return -1;
    path = tb_path_join(home, "out.safetensors");
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    tb_free(path);
    return rmdir(home);
}

static const float floats[6] = {1, -2.5F, 0, 1e-30F, 3e38F, 6};
static const int32_t words[2] = {-1, 2000000000};
static const unsigned char bytes[3] = {'a', 0, 255};

/* An odd number of bytes in front would put the numbers behind them askew. */
static void what_is_written_is_read_again(void **state)
{
    static const char *const names[] = {"bytes", "a \"name\" \xc3\xa9", "words", "one", "none"};
    const tb_tensor tensors[] = {
        {.type = TB_U8, .n_dims = 1, .dim = {3}, .data = bytes},
        {.type = TB_F32, .n_dims = 3, .dim = {1, 2, 3}, .data = floats},
        {.type = TB_I32, .n_dims = 1, .dim = {2}, .data = words},
        {.type = TB_F32, .n_dims = 0, .data = floats + 1},
        {.type = TB_F32, .n_dims = 2, .dim = {0, 4}},
    };
    const size_t n = sizeof tensors / sizeof *tensors;
    tb_weights *w = NULL;
    tb_err err = {0};
    (void)state;
    if (tb_safetensors_write(path, names, tensors, n, &err)) fail_msg("%s", err.msg);
    if (tb_safetensors_open(path, &w, &err)) fail_msg("%s", err.msg);
    assert_int_equal(tb_weights_count(w), n);
    for (size_t i = 0; i < n; i++) {
        const tb_tensor *t = tb_weights_find(w, names[i]);
        assert_non_null(t);
        assert_int_equal(t->type, tensors[i].type);
        assert_int_equal(t->n_dims, tensors[i].n_dims);
        for (unsigned d = 0; d < t->n_dims; d++)
            assert_int_equal(t->dim[d], tensors[i].dim[d]);
        if (tb_tensor_bytes(t) > 0)
            assert_memory_equal(t->data, tensors[i].data, tb_tensor_bytes(t));
    }
    tb_weights_free(w);
    if (tb_safetensors_write(path, NULL, NULL, 0, &err)) fail_msg("%s", err.msg);
    if (tb_safetensors_open(path, &w, &err)) fail_msg("%s", err.msg);
    assert_int_equal(tb_weights_count(w), 0);
    tb_weights_free(w);
}

/* Read as the format is defined, not by our reader: little-endian length, then JSON that fills it.
 */
static void the_header_is_as_specified(void **state)
{
    static const char *const names[] = {"x"};
    const tb_tensor t = {.type = TB_I32, .n_dims = 1, .dim = {2}, .data = words};
    static const char wanted[] = "{\"x\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    char *data = NULL;
    size_t size = 0;
    (void)state;
    assert_int_equal(tb_safetensors_write(path, names, &t, 1, NULL), TB_OK);
    assert_int_equal(tb_file_read(path, 4096, &data, &size, NULL), TB_OK);
    const size_t header = (unsigned char)data[0];
    assert_memory_equal(data + 1, "\0\0\0\0\0\0\0", 7);
    assert_int_equal(header % 8, 0);
    assert_int_equal(size, 8 + header + 8);
    assert_memory_equal(data + 8, wanted, strlen(wanted));
    for (size_t i = strlen(wanted); i < header; i++)
        assert_int_equal(data[8 + i], ' ');
    tb_free(data);
}

static void names_that_cannot_be_are_refused_and_leave_nothing(void **state)
{
    static const char *const bad[][2] = {{"a", "a"},
                                         {"__metadata__", "a"},
                                         {"\xff", "a"},
                                         {"\xed\xa0\x80", "a"}};
    const tb_tensor t[2] = {{.n_dims = 1, .dim = {1}, .data = floats},
                            {.n_dims = 1, .dim = {1}, .data = floats}};
    (void)state;
    unlink(path);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tb_safetensors_write(path, bad[i], t, 2, NULL), TB_EINVAL);
    assert_false(tb_file_exists(path));
    char *nowhere = tb_path_join(home, "nowhere/x");
    static const char *const names[] = {"x"};
    assert_int_not_equal(tb_safetensors_write(nowhere, names, t, 1, NULL), TB_OK);
    tb_free(nowhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(the_header_is_as_specified),
        cmocka_unit_test(names_that_cannot_be_are_refused_and_leave_nothing),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
