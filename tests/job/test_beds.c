#include "base/mem.h"
#include "job/beds_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The beds of a text: found once, known by number from then on. */

static tb_beds beds;

static int open_set(void **state)
{
    tb_ambience_set *set = NULL;
    (void)state;
    if (tb_ambience_open(NULL, &set, NULL)) return -1;
    beds = (tb_beds){.set = set};
    return 0;
}

static int close_set(void **state)
{
    tb_ambience_set *set = (tb_ambience_set *)(uintptr_t)beds.set;
    (void)state;
    tb_beds_clear(&beds);
    tb_ambience_close(set);
    return 0;
}

static void a_name_has_one_number(void **state)
{
    tb_ambience rain;
    (void)state;
    assert_int_equal(tb_ambience_find(beds.set, "rain", &rain, NULL), TB_OK);
    const int first = tb_beds_find(&beds, "rain"), other = tb_beds_find(&beds, "cafe+wind");
    assert_true(first >= 0 && other >= 0 && first != other);
    assert_int_equal(tb_beds_find(&beds, "rain"), first);
    assert_int_equal(beds.n, 2);
    assert_true(tb_ambience_same(tb_beds_at(&beds, first), &rain));
    assert_int_equal(tb_beds_at(&beds, other)->n, 2);
    assert_true(tb_beds_find(&beds, "a cow") < 0);
    assert_int_equal(beds.n, 2);
}

static void a_bed_that_cannot_be_had_fails_only_where_it_is_used(void **state)
{
    tb_err err = {0};
    tb_script_item items[2] = {{.kind = TB_ITEM_BED}, {.kind = TB_ITEM_BED}};
    const tb_script script = {.items = items, .n = 2};
    (void)state;
    const int herd = tb_beds_find(&beds, "ambience:a herd of cows");
    assert_true(herd >= 0);
    assert_int_equal(tb_beds_check(&beds, &script, &err), TB_OK); /* both switch off */
    items[0] = (tb_script_item){.kind = TB_ITEM_BED,
                                .text = (char[]){"rain"},
                                .bed = tb_beds_find(&beds, "rain")};
    assert_int_equal(tb_beds_check(&beds, &script, &err), TB_OK);
    items[1] = (tb_script_item){.kind = TB_ITEM_BED, .text = (char[]){"x"}, .bed = herd};
    assert_int_equal(tb_beds_check(&beds, &script, &err), TB_EINVAL);
    assert_string_equal(err.field, "ambience_id");
    assert_non_null(strstr(err.msg, "cows"));
}

static void thousands_of_names_keep_their_beds(void **state)
{
    enum { N = 3000 };
    static const char *const ids[] = {"rain", "wind", "fire", "cafe"};
    static int number[N];
    (void)state;
    for (int i = 0; i < N; i++) {
        char name[80];
        snprintf(name, sizeof name, "%*s", i % 60 + 5, ids[i % 4]); /* blanks in front: 60 names */
        number[i] = tb_beds_find(&beds, name);
        assert_true(number[i] >= 0);
    }
    for (int i = 0; i < N; i++) {
        tb_ambience right;
        assert_int_equal(tb_ambience_find(beds.set, ids[i % 4], &right, NULL), TB_OK);
        assert_true(tb_ambience_same(tb_beds_at(&beds, number[i]), &right));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_name_has_one_number, open_set, close_set),
        cmocka_unit_test_setup_teardown(a_bed_that_cannot_be_had_fails_only_where_it_is_used,
                                        open_set, close_set),
        cmocka_unit_test_setup_teardown(thousands_of_names_keep_their_beds, open_set, close_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
