/*
 * Tests of the log's lines: values cannot become fields or lines, numbers, cutting.
 */
#include "base/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Lines of the log: nobody whose words get into one can write a field or a line of his own. */

static char said[8192];

/* What the call writes, without its time. */
#define logged(...)                         \
    do {                                    \
        int old_ = begin_catching();        \
        tb_log(TB_ERROR, "t", __VA_ARGS__); \
        end_catching(old_);                 \
    } while (0)

static char path[] = "/tmp/timbre-test-log-XXXXXX";
static int file;

static int begin_catching(void)
{
    int old = dup(2);
    file = mkstemp(strcpy(path, "/tmp/timbre-test-log-XXXXXX"));
    assert_true(old >= 0 && file >= 0);
    unlink(path);
    dup2(file, 2);
    return old;
}

static void end_catching(int old)
{
    dup2(old, 2);
    close(old);
    ssize_t n = pread(file, said, sizeof said - 1, 0);
    close(file);
    assert_true(n > 0);
    said[n] = 0;
    char *from = strstr(said, " level=");
    assert_non_null(from);
    assert_memory_equal(said, "time=", 5);
    memmove(said, from + 1, strlen(from));
}

static void a_value_is_never_a_field(void **state)
{
    (void)state;
    logged("method=%s path=%.200s status=%d", "GET", "/x status=200 user=root", 404);
    assert_string_equal(said, "level=error room=t method=GET path=\"/x status=200 user=root\" "
                              "status=404\n");
    logged("path=%s", "/\" status=200 x=\"");
    assert_string_equal(said, "level=error room=t path=\"/\\\" status=200 x=\\\"\"\n");
    logged("why=\"%s\" id=%s", "a\" id=forged \\", "7");
    assert_string_equal(said, "level=error room=t why=\"a\\\" id=forged \\\\\" id=7\n");
    logged("path=%s a=%s", "/a=b", "");
    assert_string_equal(said, "level=error room=t path=\"/a=b\" a=\n");
    logged("path=%s end=%s%s%s", "/plain/\xC3\xA9.wav", "ok", " traceparent=", "00-1");
    assert_string_equal(said,
                        "level=error room=t path=/plain/\xC3\xA9.wav end=ok traceparent=00-1\n");
    logged("path=%.4s", "/a b c");
    assert_string_equal(said, "level=error room=t path=\"/a b\"\n");
}

static void a_line_is_one_line_and_moves_no_cursor(void **state)
{
    (void)state;
    logged("why=%s", "a\r\ntime=0 level=info\x1b[2J\x7f");
    assert_string_equal(said,
                        "level=error room=t why=\"a\\x0d\\x0atime=0 level=info\\x1b[2J\\x7f\"\n");
    logged("x=%s", "a\xC2\x9b"
                   "2J\xE2\x80\xAE"
                   "b\xE2\x81\xA6\xE2\x80\xA8");
    assert_string_equal(
        said, "level=error room=t x=a\\xc2\\x9b2J\\xe2\\x80\\xaeb\\xe2\\x81\\xa6\\xe2\\x80"
              "\\xa8\n");
    logged("x=%s", "\xE2");
    assert_string_equal(said, "level=error room=t x=\xE2\n");
}

static void numbers_are_printed_as_printf_does(void **state)
{
    char wanted[600];
    (void)state;
    logged("a=%d b=%zu c=%lld d=%llu e=%03o f=%.1f g=%.0f h=%x i=%ld j=%u k=%c l=%5d m=%% n=%.3g",
           -5, (size_t)7, -1099511627776LL, ~0ULL, 7U, 2.25, 1e15, 255U, -9L, 3U, 'z', 42,
           0.00012345);
    snprintf(
        wanted, sizeof wanted,
        "level=error room=t a=%d b=%zu c=%lld d=%llu e=%03o f=%.1f g=%.0f h=%x i=%ld j=%u k=%c "
        "l=%5d m=%% n=%.3g\n",
        -5, (size_t)7, -1099511627776LL, ~0ULL, 7U, 2.25, 1e15, 255U, -9L, 3U, 'z', 42, 0.00012345);
    assert_string_equal(said, wanted);
    logged("f=%f", 1.7976931348623157e308);
    assert_true(strlen(said) > 300);
}

static void what_is_long_is_cut(void **state)
{
    char *text = malloc(100001);
    (void)state;
    assert_non_null(text);
    memset(text, '\n', 100000);
    text[100000] = 0;
    logged("a=%s b=%d", text, 1);
    assert_true(strlen(said) > 1000 && strlen(said) < 5000);
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_never_a_field),
        cmocka_unit_test(a_line_is_one_line_and_moves_no_cursor),
        cmocka_unit_test(numbers_are_printed_as_printf_does),
        cmocka_unit_test(what_is_long_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
