/*
 * Tests of zip archives: members, comments, damaged and lying records.
 */
#include "tensor/zip_priv.h"

#include "torch_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void members_are_found_where_the_local_headers_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        zip_maker z = zip_begin();
        tb_zip zip = {0};
        tb_err err = {0};
        size_t size = 0;
        z.wide = i & 1;
        z.padding = i & 2 ? 37 : 0;
        zip_add(&z, "x/data/1", "second", 6);
        zip_add(&z, "x/data/0", "first", 5);
        zip_add(&z, "x/.data/0", "another", 7);
        zip_add(&z, "x/empty", NULL, 0);
        char *bytes = zip_end(&z, &size);
        if (tb_zip_read(bytes, size, "a.zip", &zip, &err)) fail_msg("%s", err.msg);
        assert_int_equal(zip.n, 4);
        assert_int_equal(tb_zip_find(&zip, "x/data/0")->size, 5);
        assert_memory_equal(tb_zip_find(&zip, "x/data/0")->data, "first", 5);
        assert_memory_equal(tb_zip_find(&zip, "x/data/1")->data, "second", 6);
        assert_int_equal(tb_zip_find(&zip, "x/empty")->size, 0);
        assert_null(tb_zip_find(&zip, "x/data"));
        assert_null(tb_zip_find(&zip, "x/data/00"));
        assert_null(tb_zip_find(&zip, ""));
        tb_zip_clear(&zip);
        tb_free(bytes);
    }
}

static void a_comment_and_no_members_are_allowed(void **state)
{
    uint8_t bytes[22 + 5] = "PK\5\6";
    tb_zip zip = {0};
    (void)state;
    bytes[20] = 5;
    assert_int_equal(tb_zip_read(bytes, sizeof bytes, "a.zip", &zip, NULL), TB_OK);
    assert_int_equal(zip.n, 0);
    tb_zip_clear(&zip);
    bytes[20] = 4; /* a comment that ends before the file is none */
    assert_int_equal(tb_zip_read(bytes, sizeof bytes, "a.zip", &zip, NULL), TB_EMODEL);
}

/* One member "x/data.pkl" of 4 bytes: local header at 0, directory at 44, end at 100. */
enum { DIRECTORY = 30 + 10 + 4, END = DIRECTORY + 46 + 10 };

static void every_way_of_being_wrong_has_its_sentence(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
        const char *word;
    } wrong[] = {
        {END, 'x', "end is missing"},
        {END + 10, 2, "directory is cut short"},
        {END + 12, 55, "directory is cut short"},
        {END + 12, 57, "outside"},
        {END + 16, DIRECTORY + 1, "outside"},
        {END + 17, 0x80, "outside"},
        {DIRECTORY, 'x', "directory is cut short"},
        {DIRECTORY + 8, 9, "encrypted"},
        {DIRECTORY + 10, 8, "compressed"},
        {DIRECTORY + 20, 3, "two sizes"},
        {DIRECTORY + 24, 5, "two sizes"},
        {DIRECTORY + 28, 0, "name"},
        {DIRECTORY + 28, 11, "directory is cut short"},
        {DIRECTORY + 28, 9, "does not match"},
        {DIRECTORY + 30, 1, "directory is cut short"},
        {DIRECTORY + 42, 1, "header is missing"},
        {DIRECTORY + 43, 1, "header is missing"},
        {DIRECTORY + 46, 0xFF, "name"},
        {DIRECTORY + 47, 0, "name"},
        {DIRECTORY + 46, 'y', "does not match"},
        {0, 'x', "header is missing"},
        {26, 9, "does not match"},
        {27, 1, "does not match"},
        {28, 1, "cut short"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        zip_maker z = zip_begin();
        tb_zip zip = {0};
        tb_err err = {0};
        size_t size = 0;
        zip_add(&z, "x/data.pkl", "abcd", 4);
        char *bytes = zip_end(&z, &size);
        assert_int_equal(size, END + 22);
        bytes[wrong[i].at] = (char)wrong[i].value;
        assert_int_equal(tb_zip_read(bytes, size, "a.zip", &zip, &err), TB_EMODEL);
        if (!strstr(err.msg, wrong[i].word) || !strstr(err.msg, "a.zip"))
            fail_msg("%zu: %s", i, err.msg);
        assert_null(zip.members);
        tb_free(bytes);
    }
}

static void two_members_of_one_name_are_refused(void **state)
{
    zip_maker z = zip_begin();
    tb_zip zip = {0};
    tb_err err = {0};
    size_t size = 0;
    (void)state;
    zip_add(&z, "b", "1", 1);
    zip_add(&z, "a", "2", 1);
    zip_add(&z, "b", "3", 1);
    char *bytes = zip_end(&z, &size);
    assert_int_equal(tb_zip_read(bytes, size, "a.zip", &zip, &err), TB_EMODEL);
    assert_non_null(strstr(err.msg, "two members"));
    tb_free(bytes);
}

static void wide_fields_that_lie_are_refused(void **state)
{
    zip_maker z = zip_begin();
    size_t size = 0;
    (void)state;
    z.wide = true;
    zip_add(&z, "x/data.pkl", "abcd", 4);
    char *good = zip_end(&z, &size);
    size_t extra = DIRECTORY + 46 + 10, end64 = extra + 28, locator = end64 + 56;
    const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {
        {extra, 2},         {extra + 2, 23},   {extra + 2, 25},        {extra + 4, 5},
        {extra + 11, 0x80}, {extra + 12, 3},   {extra + 20, 1},        {extra + 27, 0x80},
        {end64, 'x'},       {end64 + 32, 2},   {end64 + 39, 0x80},     {end64 + 40, 0},
        {end64 + 47, 0x80}, {end64 + 55, 255}, {locator + 8, 0},       {locator, 'x'},
        {locator + 15, 1},  {end64 + 48, 45},  {locator + 20 + 10, 1},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char *bytes = tb_alloc(size); /* of exactly its size, for the sanitizers */
        tb_zip zip = {0};
        tb_err err = {0};
        memcpy(bytes, good, size);
        bytes[wrong[i].at] = (char)wrong[i].value;
        tb_status st = tb_zip_read(bytes, size, "a.zip", &zip, &err);
        if (st != TB_EMODEL || !err.msg[0]) fail_msg("%zu: %d %s", i, (int)st, err.msg);
        tb_free(bytes);
    }
    tb_free(good);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    zip_maker z = zip_begin();
    size_t size = 0;
    (void)state;
    zip_add(&z, "x/data.pkl", "abcd", 4);
    char *whole = zip_end(&z, &size);
    for (size_t n = 0; n < size; n++) {
        char *bytes = tb_alloc(n);
        tb_zip zip = {0};
        tb_err err = {0};
        if (n) memcpy(bytes, whole, n);
        assert_int_equal(tb_zip_read(bytes, n, "a.zip", &zip, &err), TB_EMODEL);
        assert_true(err.msg[0]);
        tb_free(bytes);
    }
    tb_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_where_the_local_headers_end),
        cmocka_unit_test(a_comment_and_no_members_are_allowed),
        cmocka_unit_test(every_way_of_being_wrong_has_its_sentence),
        cmocka_unit_test(two_members_of_one_name_are_refused),
        cmocka_unit_test(wide_fields_that_lie_are_refused),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
