/*
 * Tests of credentials: each scheme, counting of wrong guesses, remembered passwords, connections.
 */
/* Who is right, who is not, and what either costs. Time stands still: the linker gives us what the
 * program asks of tb_clock_mono_ns. */
#include "base/mem.h"
#include "http/auth_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define ARGON                                                      \
    "$argon2id$v=19$m=8192,t=2,p=1$7KDgsichYyOaqMwj5T4WEg$RDwt7z/" \
    "f87q+AWpx+qxXWnz60WmBYwFSHLYBIaNZ8BU"

/* admin:open sesame, admin:open, Admin:open sesame */
static const char good[] = "Basic YWRtaW46b3BlbiBzZXNhbWU=", bad[] = "Basic YWRtaW46b3Blbg==",
                  stranger[] = "Basic QWRtaW46b3BlbiBzZXNhbWU=";

static atomic_llong now_ns = 1000000000000;

int64_t __wrap_tb_clock_mono_ns(void);

int64_t __wrap_tb_clock_mono_ns(void)
{
    return atomic_load(&now_ns);
}

static void pass_ms(int64_t ms)
{
    atomic_fetch_add(&now_ns, ms * 1000000);
}

static tb_auth *opened(const char *password)
{
    const tb_config config = {.api_username = "admin", .api_password = password, .api_key = "key"};
    tb_auth *a = NULL;
    tb_err err = {0};
    if (tb_auth_new(&config, &a, &err)) fail_msg("%s", err.msg);
    return a;
}

static void done_with(tb_auth *a)
{
    tb_auth_drain(a);
    tb_auth_free(a);
}

/* Each request comes on a connection of its own, from address number `from`. */
static tb_auth_answer look(tb_auth *a, int from, const tb_auth_given *given)
{
    static uint16_t port;
    const tb_peer peer = {.address = {198, 51, 100, (unsigned char)from}, .port = ++port};
    return tb_auth_look(a, &peer, given);
}

static tb_auth_answer basic(tb_auth *a, int from, const char *authorization)
{
    return look(a, from, &(tb_auth_given){.authorization = authorization});
}

static tb_auth_answer form(tb_auth *a, int from, const char *user, const char *password)
{
    return look(a, from, &(tb_auth_given){.user = user, .password = password});
}

/* Wrong guess number i, no two alike. */
static tb_auth_answer guess(tb_auth *a, int from, int i)
{
    char password[16];
    snprintf(password, sizeof password, "wrong %d", i);
    return form(a, from, "admin", password);
}

static atomic_int woken;

static void wake(void *self)
{
    (void)self;
    atomic_store(&woken, 1);
}

/* What a verification says. */
static tb_status verdict(tb_auth *a, const char *authorization)
{
    const tb_peer peer = {.address = {203, 0, 113, 1}, .port = 1};
    const tb_auth_given given = {.authorization = authorization};
    tb_auth_check *check = NULL;
    tb_err err = {0};
    atomic_store(&woken, 0);
    if (tb_auth_wait(a, &peer, &given, wake, NULL, &check, &err)) fail_msg("%s", err.msg);
    const struct timespec ms = {0, 1000000};
    for (int i = 0; i < 60000 && !atomic_load(&woken); i++)
        nanosleep(&ms, NULL);
    assert_true(tb_auth_decided(check));
    tb_status st = tb_auth_verdict(check, &err);
    tb_auth_leave(a, check);
    return st;
}

static void each_way_in_is_right_or_wrong_by_itself(void **state)
{
    (void)state;
    tb_auth *a = opened("open sesame");
    assert_int_equal(basic(a, 1, good), TB_AUTH_YES);
    assert_int_equal(basic(a, 1, bad), TB_AUTH_NO);
    assert_int_equal(basic(a, 1, stranger), TB_AUTH_NO);
    assert_int_equal(basic(a, 1, NULL), TB_AUTH_NO);
    assert_int_equal(basic(a, 1, "Basic !!!"), TB_AUTH_NO);
    assert_int_equal(form(a, 1, "admin", "open sesame"), TB_AUTH_YES);
    assert_int_equal(form(a, 1, "admin", "open sesame "), TB_AUTH_NO);
    assert_int_equal(form(a, 1, "admin:open", "sesame"), TB_AUTH_NO);
    assert_int_equal(basic(a, 1, "Bearer key"), TB_AUTH_YES);
    assert_int_equal(basic(a, 1, "Bearer kez"), TB_AUTH_NO);
    assert_int_equal(look(a, 1, &(tb_auth_given){.api_key = "key"}), TB_AUTH_YES);
    assert_int_equal(look(a, 1, &(tb_auth_given){.api_key = "ke"}), TB_AUTH_NO);
    done_with(a);
}

/* An address has 20 wrong guesses, and 10 a second; the same one again is not another. */
static void only_a_new_wrong_guess_costs_one(void **state)
{
    (void)state;
    tb_auth *a = opened("open sesame");
    for (int i = 0; i < 50; i++)
        assert_int_equal(basic(a, 1, good), TB_AUTH_YES);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(guess(a, 1, i), TB_AUTH_NO);
        assert_int_equal(guess(a, 1, i), TB_AUTH_NO);
        assert_int_equal(guess(a, 1, i / 2), TB_AUTH_NO);
    }
    assert_int_equal(guess(a, 1, 20), TB_AUTH_LATER);
    assert_int_equal(basic(a, 1, good), TB_AUTH_LATER); /* or it would tell who is right */
    assert_int_equal(guess(a, 1, 3), TB_AUTH_NO);
    assert_int_equal(basic(a, 2, good), TB_AUTH_YES); /* another address */
    done_with(a);

    a = opened("open sesame");
    for (int i = 0; i < 20; i++)
        assert_int_equal(guess(a, 1, i), TB_AUTH_NO);
    pass_ms(99);
    assert_int_equal(guess(a, 1, 20), TB_AUTH_LATER);
    pass_ms(2);
    assert_int_equal(guess(a, 1, 20), TB_AUTH_NO);
    assert_int_equal(guess(a, 1, 21), TB_AUTH_LATER);
    done_with(a);
}

/* The right one is never among the wrong ones that are remembered, nor is it forgotten. */
static void a_verified_password_is_known_from_then_on(void **state)
{
    (void)state;
    tb_auth *a = opened(ARGON);
    assert_int_equal(basic(a, 1, bad), TB_AUTH_LATER);
    assert_int_equal(verdict(a, bad), TB_EAUTH);
    assert_int_equal(basic(a, 1, bad), TB_AUTH_NO); /* remembered, without verifying again */
    assert_int_equal(basic(a, 1, good), TB_AUTH_LATER);
    assert_int_equal(verdict(a, stranger), TB_EAUTH);
    assert_int_equal(basic(a, 1, good), TB_AUTH_LATER);
    assert_int_equal(verdict(a, good), TB_OK);
    for (int i = 0; i < 3; i++, pass_ms(3600 * 1000)) {
        assert_int_equal(basic(a, i, good), TB_AUTH_YES);
        assert_int_equal(basic(a, i, bad), TB_AUTH_NO);
        assert_int_equal(basic(a, i, stranger), TB_AUTH_NO);
        assert_int_equal(form(a, i, "admin", "open sesame"), TB_AUTH_YES);
        assert_int_equal(guess(a, i, i), TB_AUTH_NO);
    }
    done_with(a);
}

/* A connection that was right is compared at once, even among guessers, until it is wrong. */
static void a_connection_that_was_right_needs_no_turn(void **state)
{
    (void)state;
    tb_auth *a = opened("open sesame");
    const tb_peer mine = {.address = {198, 51, 100, 9}, .port = 7};
    const tb_auth_given right = {.authorization = good}, wrong = {.authorization = bad};
    assert_int_equal(tb_auth_look(a, &mine, &right), TB_AUTH_YES);
    for (int i = 0; i < 30; i++)
        (void)guess(a, 9, i);
    assert_int_equal(basic(a, 9, good), TB_AUTH_LATER);
    assert_int_equal(tb_auth_look(a, &mine, &right), TB_AUTH_YES);
    assert_int_not_equal(tb_auth_look(a, &mine, &wrong), TB_AUTH_YES);
    assert_int_equal(tb_auth_look(a, &mine, &right), TB_AUTH_LATER);
    done_with(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_in_is_right_or_wrong_by_itself),
        cmocka_unit_test(only_a_new_wrong_guess_costs_one),
        cmocka_unit_test(a_verified_password_is_known_from_then_on),
        cmocka_unit_test(a_connection_that_was_right_needs_no_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
