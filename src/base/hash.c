#include "base/hash.h"

#include "base/mem.h"

#include <sodium.h>
#include <stdio.h>
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

bool tb_password_verify(const char *stored, const char *given, size_t given_len)
{
    return crypto_pwhash_str_verify(stored, given, given_len) == 0;
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
