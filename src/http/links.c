#include "api/print.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"
#include "http/route_priv.h"

#include <stdio.h>
#include <string.h>

/*
 * Links that carry a right of their own, for players and pages that cannot send credentials: one
 * path, until a time, signed with keyed BLAKE2b. The key is made at the start and known to nobody,
 * so a restart ends all links. A link opens GET and HEAD of TB_GROUP_FILE only.
 */
enum { SECONDS = 3600, SECONDS_MAX = 86400, DIGITS = 2 * TB_HASH_BYTES };

void tb_links_init(tb_http *http)
{
    tb_random_bytes(http->link_key, sizeof http->link_key);
}

static void sign(const tb_http *http, const char *path, unsigned long long until,
                 char out[DIGITS + 1])
{
    unsigned char hash[TB_HASH_BYTES];
    char *text = tb_sprintf("%llu\n%s", until, path);
    tb_hash_keyed(text, strlen(text), http->link_key, hash);
    for (size_t i = 0; i < TB_HASH_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
    tb_free(text);
}

bool tb_link_given(tb_request *r)
{
    char *signature =
        r->route && r->route->group == TB_GROUP_FILE ? tb_query_value(r, "signature") : NULL;
    tb_free(signature);
    return signature != NULL;
}

bool tb_link_opens(tb_request *r)
{
    char *expires = tb_query_value(r, "expires"), *given = tb_query_value(r, "signature");
    unsigned long long until = 0;
    unsigned char a[TB_HASH_BYTES], b[TB_HASH_BYTES];
    char right[DIGITS + 1];
    bool opens = expires && given && strlen(given) == DIGITS && tb_parse_u64(expires, &until) &&
                 (long long)until >= tb_clock_now_us() / 1000000;
    if (opens) {
        sign(r->http, r->path, until, right);
        /* Compared in constant time. */
        tb_hash_keyed(given, DIGITS, r->http->link_key, a);
        tb_hash_keyed(right, DIGITS, r->http->link_key, b);
        opens = tb_hash_equal(a, b);
    }
    tb_free(expires);
    tb_free(given);
    return opens;
}

tb_status tb_reply_link(tb_request *r, const char *before, const char *name, const char *after,
                        tb_err *err)
{
    const char *text = tb_fields_text(&r->fields, "seconds");
    unsigned long long seconds = SECONDS;
    char signature[DIGITS + 1], tail[DIGITS + 80];
    if (text && (!tb_parse_u64(text, &seconds) || seconds < 1 || seconds > SECONDS_MAX))
        return tb_fail_field(err, TB_EINVAL, "seconds", "seconds is '%.30s'; allowed: 1 to %d",
                             text, SECONDS_MAX);
    unsigned long long until = (unsigned long long)(tb_clock_now_us() / 1000000) + seconds;
    char *path = tb_sprintf("%s%s%s", before, name, after);
    sign(r->http, path, until, signature);
    snprintf(tail, sizeof tail, "%s?expires=%llu&signature=%s", after, until, signature);
    char *base = tb_sprintf("%s%s", r->base, before);
    tb_reply_json(r, 200, tb_print_link(base, name, tail, (int64_t)until * 1000000));
    tb_free(base);
    tb_free(path);
    return TB_OK;
}
