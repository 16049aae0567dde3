/*
 * Tests of hashes against known values, of UUIDs, passwords and base64.
 */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void fnv1a_gives_its_known_values(void **state)
{
    (void)state;
    assert_true(tb_fnv1a("", 0) == 0xCBF29CE484222325u);
    assert_true(tb_fnv1a("a", 1) == 0xAF63DC4C8601EC8Cu);
    assert_true(tb_fnv1a("foobar", 6) == 0x85944171F73967E8u);
}

static void blake2b_gives_its_known_value(void **state)
{
    (void)state;
    char hex[TB_HASH_HEX];
    tb_hash_hex("", 0, hex);
    assert_string_equal(hex, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    tb_hash_hex("abc", 3, hex);
    assert_string_equal(hex, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

static void sha256_gives_its_known_values_in_any_parts(void **state)
{
    (void)state;
    char hex[TB_HASH_HEX];
    tb_sha256_end(tb_sha256_begin(), hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t cut = 0; cut <= 3; cut++) {
        tb_sha256 *s = tb_sha256_begin();
        tb_sha256_add(s, "abc", cut);
        tb_sha256_add(s, &"abc"[cut], 3 - cut);
        tb_sha256_end(s, hex);
        assert_string_equal(hex,
                            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}

static void a_key_changes_the_hash_and_equality_sees_every_byte(void **state)
{
    (void)state;
    unsigned char key[32] = {1}, other[32] = {2}, a[TB_HASH_BYTES], b[TB_HASH_BYTES];
    tb_hash_keyed("x", 1, key, a);
    tb_hash_keyed("x", 1, key, b);
    assert_true(tb_hash_equal(a, b));
    for (int i = 0; i < TB_HASH_BYTES; i++) {
        b[i] ^= 0x80;
        assert_false(tb_hash_equal(a, b));
        b[i] ^= 0x80;
    }
    tb_hash_keyed("x", 1, other, b);
    assert_false(tb_hash_equal(a, b));
    tb_hash_keyed("y", 1, key, b);
    assert_false(tb_hash_equal(a, b));
}

static void a_uuid_is_random_and_of_version_4(void **state)
{
    (void)state;
    char a[TB_UUID_TEXT], b[TB_UUID_TEXT];
    for (int i = 0; i < 100; i++) {
        tb_uuid(a);
        tb_uuid(b);
        assert_true(tb_uuid_valid(a));
        assert_int_equal(a[14], '4');
        assert_non_null(strchr("89ab", a[19]));
        assert_string_not_equal(a, b);
    }
    assert_false(tb_uuid_valid(""));
    assert_false(tb_uuid_valid("../../etc/passwd"));
    assert_false(tb_uuid_valid("0E5751C0-26E5-43B2-A8AB-2EB06099DAA1"));
    assert_false(tb_uuid_valid("0e5751c0-26e5-43b2-a8ab-2eb06099daa1 "));
    assert_false(tb_uuid_valid("0e5751c0x26e5-43b2-a8ab-2eb06099daa1"));
}

/* Of "open sesame". */
#define ARGON                                                      \
    "$argon2id$v=19$m=8192,t=2,p=1$7KDgsichYyOaqMwj5T4WEg$RDwt7z/" \
    "f87q+AWpx+qxXWnz60WmBYwFSHLYBIaNZ8BU"

static void a_password_is_verified_against_its_argon2_string(void **state)
{
    (void)state;
    assert_true(tb_password_is_hashed("$argon2id$v=19$..."));
    assert_false(tb_password_is_hashed("secret"));
    assert_false(tb_password_is_hashed("$argon2i$v=19$"));
    assert_int_equal(tb_password_verify("$argon2id$broken", "x", 1), TB_EAUTH);
    assert_int_equal(tb_password_verify("", "", 0), TB_EAUTH);
    assert_int_equal(tb_password_verify(ARGON, "open sesame", 11), TB_OK);
    assert_int_equal(tb_password_verify(ARGON, "open sesam", 10), TB_EAUTH);
}

static void an_argon2_string_is_looked_at_before_it_is_used(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "$argon2id$",
        "$argon2id$v=19$m=1",
        "$argon2id$v=19$m=8192,t=2,p=1$7KDgsichYyOaqMwj5T4WEg",
        "$argon2id$v=19$m=8192,t=2,p=1$7KDgsichYyOaqMwj5T4WEg$",
        "$argon2id$v=19$m=8192,t=2,p=1$7KDgsichYyOaqMwj5T4WEg$RDwt7z/f87q",
        "$argon2id$v=18$m=8192,t=2,p=1$7KDgsichYyOaqMwj5T4WEg$RDwt7z/f87q+AWpx+qxXWnz60WmBYwFSHL"
        "YBIaNZ8BU",
        ARGON " ",
        "$argon2id$v=19$m=8192,t=2,p=1$7KDgsichYyOaqMwj5T4W!g$RDwt7z/f87q+AWpx+qxXWnz60WmBYwFSHL"
        "YBIaNZ8BU",
        "$argon2id$v=19$m=0,t=2,p=1$7KDgsichYyOaqMwj5T4WEg$RDwt7z/f87q+AWpx+qxXWnz60WmBYwFSHLYBI"
        "aNZ8BU",
        /* dear ones: 4 GiB, 100 times 64 MiB */
        "$argon2id$v=19$m=4194304,t=1,p=1$7KDgsichYyOaqMwj5T4WEg$RDwt7z/f87q+AWpx+qxXWnz60WmBYwF"
        "SHLYBIaNZ8BU",
        "$argon2id$v=19$m=65536,t=100,p=1$7KDgsichYyOaqMwj5T4WEg$RDwt7z/f87q+AWpx+qxXWnz60WmBYwF"
        "SHLYBIaNZ8BU",
    };
    tb_err err = {0};
    assert_int_equal(tb_password_check(ARGON, &err), TB_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        err = (tb_err){0};
        if (tb_password_check(bad[i], &err) != TB_EINVAL) fail_msg("taken: %s", bad[i]);
        assert_true(strlen(err.msg) > 20);
    }
}

static void base64_is_decoded_only_when_well_formed(void **state)
{
    (void)state;
    static const char *const bad[] = {"Q",    "QQ",   "QQ=",  "QQ===", "QQ==x", "Q Q==",   "QQ==\n",
                                      "QR==", "Q-==", "Q_==", "=",     "====",  "QUI=QUI="};
    unsigned char out[16];
    size_t n = 99;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (tb_base64_decode(bad[i], strlen(bad[i]), out, sizeof out, &n))
            fail_msg("decoded: %s", bad[i]);
    assert_true(tb_base64_decode("", 0, out, sizeof out, &n) && n == 0);
    assert_true(tb_base64_decode("QQ==", 4, out, sizeof out, &n) && n == 1 && out[0] == 'A');
    assert_true(tb_base64_decode("+/8=", 4, out, 2, &n) && n == 2);
    assert_true(out[0] == 0xfb && out[1] == 0xff);
    assert_false(tb_base64_decode("QUJD", 4, out, 2, &n)); /* no room */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fnv1a_gives_its_known_values),
        cmocka_unit_test(blake2b_gives_its_known_value),
        cmocka_unit_test(sha256_gives_its_known_values_in_any_parts),
        cmocka_unit_test(a_key_changes_the_hash_and_equality_sees_every_byte),
        cmocka_unit_test(a_uuid_is_random_and_of_version_4),
        cmocka_unit_test(a_password_is_verified_against_its_argon2_string),
        cmocka_unit_test(an_argon2_string_is_looked_at_before_it_is_used),
        cmocka_unit_test(base64_is_decoded_only_when_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
