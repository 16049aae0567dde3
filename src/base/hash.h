#ifndef TB_BASE_HASH_H
#define TB_BASE_HASH_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t tb_fnv1a(const void *data, size_t size);

enum { TB_HASH_BYTES = 32, TB_HASH_HEX = 65, TB_UUID_TEXT = 37 };

/* BLAKE2b-256 as lower-case hex with a final NUL: what content is keyed by. */
void tb_hash_hex(const void *data, size_t size, char out[TB_HASH_HEX]);

/* Keyed BLAKE2b-256, for comparing secrets in constant time. key has 32 bytes. */
void tb_hash_keyed(const void *data, size_t size, const unsigned char key[32],
                   unsigned char out[TB_HASH_BYTES]);
bool tb_hash_equal(const unsigned char a[TB_HASH_BYTES], const unsigned char b[TB_HASH_BYTES]);

/* SHA-256 in parts, for sums that others publish. end gives it as lower-case hex and frees. */
typedef struct tb_sha256 tb_sha256;
tb_sha256 *tb_sha256_begin(void);
void tb_sha256_add(tb_sha256 *s, const void *data, size_t size);
void tb_sha256_end(tb_sha256 *s, char out[TB_HASH_HEX]);

/* A random version 4 UUID, lower case. */
void tb_uuid(char out[TB_UUID_TEXT]);
bool tb_uuid_valid(const char *s);

/* argon2id strings ("$argon2id$..."): slow and memory-hungry by design, never on a request thread.
 * check says whether one can be verified at all, and at what cost; verify is TB_OK, TB_EAUTH, or
 * TB_ENOMEM when there was no memory for it. */
bool tb_password_is_hashed(const char *stored);
TB_MUST_CHECK tb_status tb_password_check(const char *stored, tb_err *err);
TB_MUST_CHECK tb_status tb_password_verify(const char *stored, const char *given, size_t given_len);
/* Overwrites a secret that is not needed any more, and is not optimised away. */
void tb_secret_wipe(void *secret, size_t size);

/* Base64 (standard alphabet). decode: returns false on anything but well-formed base64; out has
 * room for max bytes and is not terminated. */
bool tb_base64_decode(const char *s, size_t len, unsigned char *out, size_t max, size_t *out_len);
/* The same, passing over white space between the characters, as in mail. */
bool tb_base64_decode_lines(const char *s, size_t len, unsigned char *out, size_t max,
                            size_t *out_len);

#endif
