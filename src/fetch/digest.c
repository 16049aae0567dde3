#include "fetch/digest.h"

#include "base/mem.h"

#include <libavutil/sha.h>
#include <stdio.h>
#include <string.h>

/* libavutil is linked anyway for the codecs, knows both sums and is as fast as libsodium, which
 * has no sha1; OpenSSL would be one library more to install. */
struct tb_digest {
    struct AVSHA *sha;
    uint64_t size;
    char oid[TB_OID_TEXT];
};

enum { SHA1_TEXT = 40, SHA256_TEXT = 64 };

bool tb_oid_valid(const char *oid)
{
    size_t n = strlen(oid);
    return (n == SHA1_TEXT || n == SHA256_TEXT) && strspn(oid, "0123456789abcdef") == n;
}

tb_digest *tb_digest_new(const char *oid, uint64_t size)
{
    tb_digest *d = tb_alloc(sizeof *d);
    d->sha = tb_alloc((size_t)av_sha_size);
    d->size = size;
    snprintf(d->oid, sizeof d->oid, "%s", oid);
    tb_digest_restart(d);
    return d;
}

void tb_digest_restart(tb_digest *d)
{
    bool git = strlen(d->oid) == SHA1_TEXT;
    av_sha_init(d->sha, git ? 160 : 256); /* fails for other sizes only */
    if (git) {
        char head[32];
        int n = snprintf(head, sizeof head, "blob %llu", (unsigned long long)d->size);
        tb_digest_add(d, head, (size_t)n + 1); /* the NUL too */
    }
}

void tb_digest_add(tb_digest *d, const void *data, size_t size)
{
    av_sha_update(d->sha, data, size);
}

bool tb_digest_matches(tb_digest *d)
{
    unsigned char sum[SHA256_TEXT / 2];
    char text[TB_OID_TEXT] = "";
    av_sha_final(d->sha, sum);
    for (size_t i = 0; i < strlen(d->oid) / 2; i++)
        snprintf(text + 2 * i, 3, "%02x", sum[i]);
    return strcmp(text, d->oid) == 0;
}

void tb_digest_free(tb_digest *d)
{
    if (!d) return;
    tb_free(d->sha);
    tb_free(d);
}
