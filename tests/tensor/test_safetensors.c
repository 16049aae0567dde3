/*
 * Tests of reading safetensors: names, types, alignment, damaged headers, many tensors.
 */
#include "weights_help.h"

#include <math.h>
#include <setjmp.h>
#include <unistd.h>

#include <cmocka.h>

/* The set that these bytes are, or the sentence that refuses them. */
static tb_status read_bytes(const void *data, size_t size, tb_weights **out, tb_err *err)
{
    *out = NULL;
    *err = (tb_err){0};
    tb_status st = tb_safetensors_read(data, size, "model.safetensors", out, err);
    if (st) {
        assert_null(*out);
        assert_int_equal(st, err->status);
        assert_non_null(strstr(err->msg, "model.safetensors"));
    }
    return st;
}

/* A file of this header and this many bytes of data is refused with these words. */
static void refuses(const char *header, size_t data_size, const char *words)
{
    char *data = tb_alloc(data_size + 1);
    tb_str file;
    tb_weights *w;
    tb_err err;

    tb_str_init(&file, 1 << 20);
    made_join(&file, header, data, data_size);
    assert_int_equal(read_bytes(file.data, file.len, &w, &err), TB_EMODEL);
    if (!strstr(err.msg, words)) fail_msg("\"%s\" does not say \"%s\"", err.msg, words);
    tb_str_clear(&file);
    tb_free(data);
}

static void tensors_are_found_by_name_where_they_lie(void **state)
{
    (void)state;
    const float a[6] = {1, 2, 3, 4, 5, 6};
    const uint16_t h[2] = {0x3c00, 0xc000};
    const int64_t n = -7;
    const int32_t ids[2] = {3, -4};
    const uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 255};
    made m;
    tb_weights *w = NULL;
    tb_err err = {0};

    made_init(&m);
    made_add(&m, "a", "F32", "[2,3]", a, sizeof a);
    made_add(&m, "h", "F16", "[2]", h, sizeof h);
    made_add(&m, "b", "BF16", "[2,1,1,1]", h, sizeof h);
    made_add(&m, "n", "I64", "[]", &n, sizeof n);
    made_add(&m, "ids", "I32", "[2]", ids, sizeof ids);
    made_add(&m, "u", "U8", "[8]", bytes, sizeof bytes);
    made_add(&m, "none", "F32", "[0,4]", "", 0);
    tb_str_puts(&m.header, ",\"__metadata__\":{\"format\":\"pt\"}");
    assert_int_equal(made_open(&m, "x", &w, &err), TB_OK);
    assert_int_equal(tb_weights_count(w), 7);
    const tb_tensor *t = tb_weights_find(w, "a");
    assert_non_null(t);
    assert_int_equal(t->n_dims, 2);
    assert_int_equal(t->dim[0], 2);
    assert_int_equal(t->dim[1], 3);
    assert_memory_equal(t->data, a, sizeof a);
    assert_true((const char *)t->data >= m.file.data &&
                (const char *)t->data < m.file.data + m.file.len); /* not copied */
    assert_int_equal(tb_weights_find(w, "n")->n_dims, 0);
    assert_true(*(const int64_t *)tb_weights_find(w, "n")->data == -7);
    assert_int_equal(tb_weights_find(w, "b")->type, TB_BF16);
    assert_int_equal(tb_tensor_count(tb_weights_find(w, "none")), 0);
    assert_null(tb_weights_find(w, "A"));
    assert_null(tb_weights_find(w, ""));
    assert_string_equal(tb_weights_meta(w, "format"), "pt");
    assert_null(tb_weights_meta(w, "nothing"));
    assert_int_equal(tb_weights_meta_count(w), 1);
    assert_string_equal(tb_weights_meta_key(w, 0), "format");
    tb_weights_free(w);
    made_clear(&m);
}

static void doubles_become_floats_and_crooked_data_is_copied(void **state)
{
    (void)state;
    const double d[2] = {0.1, -1e300};
    const float x[2] = {1.5f, -2.5f};
    made m;
    tb_weights *w = NULL;
    tb_err err = {0};

    made_init(&m);
    made_add(&m, "byte", "U8", "[1]", "z", 1); /* everything behind it is at an odd address */
    made_add(&m, "d", "F64", "[2]", d, sizeof d);
    made_add(&m, "x", "F32", "[2]", x, sizeof x);
    assert_int_equal(made_open(&m, "x", &w, &err), TB_OK);
    const float *got = tb_weights_find(w, "d")->data;
    assert_int_equal(tb_weights_find(w, "d")->type, TB_F32);
    assert_true(got[0] == 0.1f && isinf(got[1]));
    assert_int_equal((uintptr_t)tb_weights_find(w, "x")->data % sizeof(float), 0);
    assert_memory_equal(tb_weights_find(w, "x")->data, x, sizeof x);
    tb_weights_drop_pages(w, tb_weights_find(w, "x")); /* harmless on memory */
    tb_weights_free(w);
    made_clear(&m);
}

static void an_empty_set_is_a_set(void **state)
{
    (void)state;
    made m;
    tb_weights *w = NULL;
    tb_err err = {0};

    made_init(&m);
    assert_int_equal(made_open(&m, "x", &w, &err), TB_OK);
    assert_int_equal(tb_weights_count(w), 0);
    assert_null(tb_weights_find(w, "a"));
    tb_weights_free(w);
    made_clear(&m);
    tb_weights_free(NULL);
}

#define T(name, type, shape, from, to) \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

static void the_first_thing_wrong_is_named(void **state)
{
    (void)state;
    refuses("{" T("a", "F32", "[1]", "0", "4") "," T("a", "F32", "[1]", "4", "8") "}", 8, "a");
    refuses("{" T("a", "F32", "[2]", "0", "8") "," T("b", "F32", "[1]", "4", "8") "}", 8,
            "a and b overlap");
    refuses("{" T("a", "F32", "[1]", "0", "4") "," T("b", "F32", "[1]", "8", "12") "}", 12,
            "4 bytes before the data of b");
    refuses("{" T("a", "F32", "[1]", "4", "8") "}", 8, "4 bytes before the data of a");
    refuses("{" T("a", "F32", "[1]", "0", "4") "}", 7, "the last 3 bytes");
    refuses("{" T("a", "F32", "[2]", "0", "8") "}", 4, "a ends at byte 8");
    refuses("{" T("a", "F32", "[3]", "0", "8") "}", 8, "a has 8 bytes of data");
    refuses("{" T("a", "F32", "[2]", "8", "0") "}", 8, "a has data_offsets");
    refuses("{" T("a", "F32", "[2]", "0", "8.0") "}", 8, "a has data_offsets");
    refuses("{" T("a", "F32", "[2]", "-8", "0") "}", 8, "a has data_offsets");
    refuses("{" T("a", "F32", "[2]", "0", "4,8") "}", 8, "a has data_offsets");
    refuses("{" T("a", "F8_E4M3", "[2]", "0", "2") "}", 2, "a is of type F8_E4M3");
    refuses("{" T("a", "F32", "[-2]", "0", "8") "}", 8, "a has a shape");
    refuses("{" T("a", "F32", "[2.0]", "0", "8") "}", 8, "a has a shape");
    refuses("{" T("a", "F32", "[\"2\"]", "0", "8") "}", 8, "a has a shape");
    refuses("{" T("a", "F32", "[1,1,1,1,2]", "0", "8") "}", 8, "a has 5 dimensions");
    refuses("{" T("a", "F32", "[4294967296,4294967296,4294967296]", "0", "0") "}", 0, "too large");
    refuses("{" T("a", "U8", "[9223372036854775807]", "0", "0") "}", 0, "too large");
    refuses("{" T("a", "F32", "[99999999999999999999]", "0", "0") "}", 0, "header");
    refuses("{" T("", "F32", "[1]", "0", "4") "}", 4, "is empty");
    refuses("{" T("a\\nb", "F32", "[1]", "0", "4") "}", 4, "control characters");
    refuses("{" T("a\\u0000b", "F32", "[1]", "0", "4") "}", 4, "header");
    refuses("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "a lacks");
    refuses("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "a lacks");
    refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "a lacks");
    refuses("{\"a\":{\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "a lacks");
    refuses("{\"a\":7}", 0, "a lacks");
    refuses("{\"a\":[]}", 0, "a lacks");
    refuses("{\"__metadata__\":[]}", 0, "__metadata__");
    refuses("{\"__metadata__\":{\"a\":1}}", 0, "__metadata__");
    refuses("{\"__metadata__\":{\"\\u0007\":\"x\"}}", 0, "control characters");
    refuses("[]", 0, "no JSON object");
    refuses(" {}", 0, "no JSON object");
    refuses("{} x", 0, "header");
    refuses("{", 0, "header");
}

static void a_name_too_long_is_refused(void **state)
{
    (void)state;
    char name[300], header[400];

    memset(name, 'n', 255);
    name[255] = '\0';
    made m;
    tb_weights *w = NULL;
    made_init(&m);
    made_ramp(&m, name, "[1]", 1, 1.0f);
    assert_int_equal(made_open(&m, "x", &w, NULL), TB_OK);
    assert_non_null(tb_weights_find(w, name));
    tb_weights_free(w);
    made_clear(&m);
    memset(name, 'n', 256);
    name[256] = '\0';
    snprintf(header, sizeof header,
             "{\"%s\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", name);
    refuses(header, 1, "longer than 255");
}

static void a_header_of_any_length_is_survived(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {
        0, 1, 17, 16u << 20, (16u << 20) + 1, 1u << 31, UINT64_MAX, INT64_MAX, UINT64_MAX - 7};
    unsigned char file[32];
    tb_weights *w;
    tb_err err;

    memset(file, ' ', sizeof file);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (int j = 0; j < 8; j++)
            file[j] = (unsigned char)(lengths[i] >> 8 * j);
        assert_int_equal(read_bytes(file, sizeof file, &w, &err), TB_EMODEL);
    }
    for (size_t n = 0; n < 8; n++)
        assert_int_equal(read_bytes(file, n, &w, &err), TB_EMODEL);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    made m;
    tb_weights *w;
    tb_err err;

    made_init(&m);
    made_ramp(&m, "a", "[2,2]", 4, 1.0f);
    made_ramp(&m, "b", "[3]", 3, 1.0f);
    made_end(&m);
    for (size_t n = 0; n < m.file.len; n++) {
        char *exact = malloc(n + !n); /* of its own, so that a read past the end is seen */
        if (n) memcpy(exact, m.file.data, n);
        assert_int_equal(read_bytes(exact, n, &w, &err), TB_EMODEL);
        free(exact);
    }
    assert_int_equal(read_bytes(m.file.data, m.file.len, &w, &err), TB_OK);
    tb_weights_free(w);
    made_clear(&m);
}

static void a_nest_of_brackets_does_not_overflow_the_stack(void **state)
{
    (void)state;
    char *header = tb_alloc(200000);
    memset(header, '[', 199999);
    memcpy(header, "{\"a\":", 5);
    refuses(header, 0, "header");
    tb_free(header);
}

static void thousands_of_names_are_found(void **state)
{
    (void)state;
    enum { N = 5000 };
    tb_weights *w = tb_weights_new("many");
    char name[32];
    const float x = 1.0f;

    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "tensor.%d", i);
        assert_int_equal(tb_weights_add(w, name, &(tb_tensor){.type = TB_F32, .data = &x}, NULL,
                                        NULL),
                         TB_OK);
    }
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "tensor.%d", i);
        assert_ptr_equal(tb_weights_find(w, name), tb_weights_at(w, (size_t)i));
        assert_string_equal(tb_weights_name(w, (size_t)i), name);
    }
    assert_null(tb_weights_find(w, "tensor.5000"));
    tb_err err = {0};
    assert_int_equal(tb_weights_add(w, "tensor.77", &(tb_tensor){.type = TB_F32, .data = &x},
                                    tb_alloc(4), &err),
                     TB_EMODEL);
    assert_non_null(strstr(err.msg, "tensor.77"));
    assert_int_equal(tb_weights_count(w), N);
    assert_false(tb_weights_marked(w, 3));
    tb_weights_mark(w, tb_weights_find(w, "tensor.3"));
    assert_true(tb_weights_marked(w, 3));
    assert_false(tb_weights_marked(w, 4));
    tb_weights_free(w);
}

static void files_are_mapped_and_other_things_refused(void **state)
{
    (void)state;
    char folder[] = "/tmp/timbre-safetensors-XXXXXX";
    made m;
    tb_weights *w = NULL;
    tb_err err = {0};

    assert_non_null(mkdtemp(folder));
    char *path = tb_path_join(folder, "a.safetensors");
    made_init(&m);
    made_ramp(&m, "a", "[65536]", 65536, 1.0f);
    made_end(&m);
    assert_int_equal(tb_file_write(path, m.file.data, m.file.len, 0600, &err), TB_OK);
    assert_int_equal(tb_safetensors_open(path, &w, &err), TB_OK);
    assert_string_equal(tb_weights_label(w), path);
    const tb_tensor *t = tb_weights_find(w, "a");
    assert_true(((const float *)t->data)[65535] == 65536.0f);
    tb_weights_drop_pages(w, t);
    assert_true(((const float *)t->data)[65535] == 65536.0f); /* read again from the file */
    tb_weights_free(w);
    w = NULL;
    assert_int_equal(tb_file_write(path, "", 0, 0600, &err), TB_OK);
    assert_int_equal(tb_safetensors_open(path, &w, &err), TB_EMODEL);
    assert_non_null(strstr(err.msg, "empty"));
    assert_int_equal(tb_safetensors_open(folder, &w, &err), TB_EMODEL);
    assert_int_equal(tb_safetensors_open("/dev/null", &w, &err), TB_EMODEL);
    unlink(path);
    assert_int_equal(tb_safetensors_open(path, &w, &err), TB_ENOTFOUND);
    assert_non_null(strstr(err.msg, path));
    assert_null(w);
    rmdir(folder);
    tb_free(path);
    made_clear(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_are_found_by_name_where_they_lie),
        cmocka_unit_test(doubles_become_floats_and_crooked_data_is_copied),
        cmocka_unit_test(an_empty_set_is_a_set),
        cmocka_unit_test(the_first_thing_wrong_is_named),
        cmocka_unit_test(a_name_too_long_is_refused),
        cmocka_unit_test(a_header_of_any_length_is_survived),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(a_nest_of_brackets_does_not_overflow_the_stack),
        cmocka_unit_test(thousands_of_names_are_found),
        cmocka_unit_test(files_are_mapped_and_other_things_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
