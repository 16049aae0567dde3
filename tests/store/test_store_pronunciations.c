#include "store_help.h"

static tb_pronunciation_row row(const char *word, const char *say, const char *language)
{
    return (tb_pronunciation_row){.key = word, .word = word, .say = say, .language = language};
}

static void an_entry_is_kept_replaced_and_forgotten(void **state)
{
    tb_store *store = store_open(*state, false);
    tb_pronunciation_list list = {0};
    size_t deleted, remaining;
    tb_pronunciation_row rows[] = {row("k8s", "kubernetes", NULL), row("data", "dayta", "en"),
                                   row("data", "datos", "es"), row("k8s", "kates", "")};
    for (size_t i = 0; i < 4; i++)
        assert_ok(tb_store_pronunciation_put(store, &rows[i], err));
    tb_store_close(store);
    store = store_open(*state, false);
    assert_ok(tb_store_pronunciation_list(store, &list, err));
    assert_int_equal(list.n, 3);
    assert_string_equal(list.rows[0].language, "en");
    assert_string_equal(list.rows[1].say, "datos");
    assert_string_equal(list.rows[2].say, "kates");
    tb_pronunciation_list_clear(&list);
    assert_ok(tb_store_pronunciation_delete(store, "data", "", &deleted, &remaining, err));
    assert_int_equal(deleted, 0);
    assert_ok(tb_store_pronunciation_delete(store, "data", "es", &deleted, &remaining, err));
    assert_int_equal(deleted, 1);
    assert_ok(tb_store_pronunciation_put(store, &rows[2], err));
    assert_ok(tb_store_pronunciation_delete(store, "data", NULL, &deleted, &remaining, err));
    assert_int_equal(deleted, 2);
    assert_int_equal(remaining, 1);
    assert_ok(tb_store_pronunciation_delete(store, NULL, NULL, &deleted, &remaining, err));
    assert_int_equal(remaining, 0);
    tb_store_close(store);
}

static void there_are_no_more_than_a_thousand(void **state)
{
    enum { MOST = TB_STORE_PRONUNCIATIONS };
    tb_store *store = store_open(*state, false);
    tb_pronunciation_list list = {0};
    static char words[MOST + 1][16];
    static tb_pronunciation_row rows[MOST + 1];
    for (size_t i = 0; i <= MOST; i++) {
        snprintf(words[i], sizeof words[i], "w%zu", i);
        rows[i] = row(words[i], "x", "");
    }
    assert_ok(tb_store_pronunciation_replace(store, rows, MOST, err));
    assert_refused(TB_EINVAL, "1000", tb_store_pronunciation_put(store, &rows[MOST], err));
    assert_ok(tb_store_pronunciation_put(store, &rows[5], err)); /* in the place of its like */
    assert_refused(TB_EINVAL, "1000", tb_store_pronunciation_replace(store, rows, MOST + 1, err));
    assert_ok(tb_store_pronunciation_list(store, &list, err));
    assert_int_equal(list.n, MOST);
    tb_pronunciation_list_clear(&list);
    assert_ok(tb_store_pronunciation_replace(store, NULL, 0, err));
    assert_ok(tb_store_pronunciation_list(store, &list, err));
    assert_int_equal(list.n, 0);
    tb_pronunciation_list_clear(&list);
    tb_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(an_entry_is_kept_replaced_and_forgotten),
        store_test(there_are_no_more_than_a_thousand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
