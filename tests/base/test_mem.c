#include "base/json.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Memory: sizes that a request chose are refused, not fatal; the reserve, and what is told when it
 * is used. Children with a limit of their address space stand for a machine whose memory is full.
 * Relies on base/mem.h.
 */
static void memory_of_a_chosen_size_is_zeroed_or_refused(void **state)
{
    (void)state;
    unsigned char *p = tb_try_alloc(1000, 3);
    assert_non_null(p);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(p[i], 0);
    tb_free(p);
    assert_null(tb_try_alloc(SIZE_MAX / 2, 4));
    assert_null(tb_try_alloc(SIZE_MAX, 2));
    p = tb_try_alloc(4, 1);
    memcpy(p, "abc", 4);
    assert_null(tb_try_realloc(p, SIZE_MAX / 2, 4));
    assert_string_equal((char *)p, "abc");
    p = tb_try_realloc(p, 1000, 8);
    assert_string_equal((char *)p, "abc");
    tb_free(p);
    tb_free(NULL);
    tb_err err = {0};
    assert_int_equal(tb_nomem(&err, SIZE_MAX, SIZE_MAX), TB_ENOMEM);
    assert_true(err.msg[0]);
}

static void strings_are_copied(void **state)
{
    (void)state;
    assert_null(tb_strdup(NULL));
    char *s = tb_strndup("abcdef", 3), *f = tb_sprintf("%s-%d", "a", 5), *e = tb_strndup("x", 0);
    assert_string_equal(s, "abc");
    assert_string_equal(f, "a-5");
    assert_string_equal(e, "");
    tb_err err = {0};
    char *copy = tb_try_strdup("abc", &err);
    assert_string_equal(copy, "abc");
    assert_int_equal(err.status, TB_OK);
    tb_free(copy);
    tb_free(s);
    tb_free(f);
    tb_free(e);
}

/* In a child with little address space: what is large is refused, what is small comes out of the
 * reserve, which is then said to be gone, and laid up again when there is room. */
static int in_a_narrow_place(void)
{
    static void *held[4096];
    size_t n = 0;
    tb_err err = {0};
    tb_mem_setup();
    tb_json_setup();
    struct rlimit narrow = {.rlim_cur = (256 << 20), .rlim_max = RLIM_INFINITY};
    if (setrlimit(RLIMIT_AS, &narrow) != 0) return 10;
    if (!tb_mem_room(1 << 20)) return 1;
    if (tb_mem_allowance() > (size_t)256 << 20) return 2;
    while (n < 4096 && (held[n] = tb_try_alloc(256 << 10, 1)))
        n++;
    if (n == 4096 || tb_mem_room(1 << 20)) return 3;
    if (tb_mem_want(1 << 20, &err) != TB_ENOMEM || !err.msg[0]) return 4;
    /* A copy of a text that was sent is refused, too. */
    static char sent[4 << 20];
    memset(sent, 'a', sizeof sent - 1);
    err = (tb_err){0};
    if (tb_try_strdup(sent, &err) || err.status != TB_ENOMEM || !err.msg[0]) return 9;
    for (int i = 0; i < 1000; i++) /* 2 MB, though there is nothing */
        if (!tb_alloc(2000)) return 5;
    /* What a text asks for is not small: reading it fails, with its own name, and lives. */
    static char text[1 << 20];
    tb_json *v = NULL;
    memset(text, '1', sizeof text);
    for (size_t i = 2; i < sizeof text; i += 2)
        text[i] = ',';
    text[0] = '[', text[sizeof text - 2] = ' ', text[sizeof text - 1] = ']';
    if (tb_json_parse(text, sizeof text, &v, &err) != TB_ENOMEM) return 7;
    v = tb_json_object();
    tb_json_set_string(v, "still", "here");
    tb_json_free(v);
    while (n > 0)
        tb_free(held[--n]);
    tb_mem_give_back();
    if (tb_json_parse(text, sizeof text, &v, &err) != TB_OK) return 8;
    tb_json_free(v);
    return tb_mem_room(1 << 20) ? 0 : 6;
}

static void small_things_outlive_large_ones(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip();
#endif
    int status = 0;
    pid_t child = fork();
    if (child == 0) _exit(in_a_narrow_place());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_of_a_chosen_size_is_zeroed_or_refused),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(small_things_outlive_large_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
