/*
 * Hashes, secrets and UUIDs: FNV-1a, BLAKE2b, SHA-256 in parts, constant-time comparison, argon2id
 * passwords, base64.
 *
 * All cryptography is libsodium's. Password strings are checked for their cost before they are
 * verified, so a stored one cannot ask for more memory than the server has.
 */
#include "base/hash.h"

#include "base/mem.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t tb_fnv1a(const void *data, size_t size)
{
    const unsigned char *p = data;
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ p[i]) * 0x100000001B3u;
    return h;
}

void tb_hash_hex(const void *data, size_t size, char out[TB_HASH_HEX])
{
    unsigned char digest[TB_HASH_BYTES];
    crypto_generichash(digest, sizeof digest, data, size, NULL, 0);
    sodium_bin2hex(out, TB_HASH_HEX, digest, sizeof digest);
}

struct tb_sha256 {
    crypto_hash_sha256_state state;
};

tb_sha256 *tb_sha256_begin(void)
{
    tb_sha256 *s = tb_alloc(sizeof *s);
    crypto_hash_sha256_init(&s->state);
    return s;
}

void tb_sha256_add(tb_sha256 *s, const void *data, size_t size)
{
    crypto_hash_sha256_update(&s->state, data, size);
}

void tb_sha256_end(tb_sha256 *s, char out[TB_HASH_HEX])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&s->state, digest);
    sodium_bin2hex(out, TB_HASH_HEX, digest, sizeof digest);
    tb_free(s);
}

void tb_hash_keyed(const void *data, size_t size, const unsigned char key[32],
                   unsigned char out[TB_HASH_BYTES])
{
    crypto_generichash(out, TB_HASH_BYTES, data, size, key, 32);
}

bool tb_hash_equal(const unsigned char a[TB_HASH_BYTES], const unsigned char b[TB_HASH_BYTES])
{
    return sodium_memcmp(a, b, TB_HASH_BYTES) == 0;
}

void tb_uuid(char out[TB_UUID_TEXT])
{
    unsigned char b[16];
    randombytes_buf(b, sizeof b);
    b[6] = (unsigned char)(0x40 | (b[6] & 0x0F));
    b[8] = (unsigned char)(0x80 | (b[8] & 0x3F));
    for (int i = 0, o = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) out[o++] = '-';
        snprintf(out + o, (size_t)(TB_UUID_TEXT - o), "%02x", b[i]);
        o += 2;
    }
}

bool tb_uuid_valid(const char *s)
{
    if (strlen(s) != TB_UUID_TEXT - 1) return false;
    for (int i = 0; i < TB_UUID_TEXT - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s[i] != '-' : !strchr("0123456789abcdef", s[i])) return false;
    }
    return true;
}

bool tb_password_is_hashed(const char *stored)
{
    return strncmp(stored, "$argon2id$", 10) == 0;
}

/* One number of "m=65536,t=2,p=1". */
static unsigned long cost_of(const char *stored, const char *name)
{
    const char *at = strstr(stored, name);
    return at ? strtoul(at + strlen(name), NULL, 10) : 0;
}

tb_status tb_password_check(const char *stored, tb_err *err)
{
    /* A gibibyte, and seconds: each check costs that, also those of strangers. */
    enum { KIB_MAX = 1 << 20, WORK_MAX = 4 << 20 };
    if (strlen(stored) >= crypto_pwhash_STRBYTES ||
        crypto_pwhash_argon2id_str_needs_rehash(stored, crypto_pwhash_argon2id_OPSLIMIT_MIN,
                                                crypto_pwhash_argon2id_MEMLIMIT_MIN) < 0)
        return tb_fail(err, TB_EINVAL,
                       "starts like an argon2id string, but is none: it should read "
                       "$argon2id$v=19$m=...,t=...,p=1$salt$hash (in .env within single quotes)");
    const unsigned long kib = cost_of(stored, "$m="), passes = cost_of(stored, ",t=");
    if (kib > KIB_MAX || passes > WORK_MAX / kib)
        return tb_fail(err, TB_EINVAL,
                       "is an argon2id string of %lu MiB and %lu passes, which each check would "
                       "cost; allowed: up to 1024 MiB, and up to 4096 MiB times passes",
                       kib >> 10, passes);
    return TB_OK;
}

tb_status tb_password_verify(const char *stored, const char *given, size_t given_len)
{
    errno = 0;
    if (crypto_pwhash_str_verify(stored, given, given_len) == 0) return TB_OK;
    /* libsodium says EINVAL for another password, and leaves what malloc said. */
    return errno == ENOMEM ? TB_ENOMEM : TB_EAUTH;
}

void tb_secret_wipe(void *secret, size_t size)
{
    sodium_memzero(secret, size);
}

static bool decode(const char *s, size_t len, const char *ignored, unsigned char *out, size_t max,
                   size_t *out_len)
{
    const char *end = NULL;
    if (sodium_base642bin(out, max, s, len, ignored, out_len, &end, sodium_base64_VARIANT_ORIGINAL))
        return false;
    return end == s + len;
}

bool tb_base64_decode(const char *s, size_t len, unsigned char *out, size_t max, size_t *out_len)
{
    return decode(s, len, NULL, out, max, out_len);
}

bool tb_base64_decode_lines(const char *s, size_t len, unsigned char *out, size_t max,
                            size_t *out_len)
{
    return decode(s, len, " \t\r\n\v\f", out, max, out_len);
}
