#ifndef TB_FETCH_DIGEST_H
#define TB_FETCH_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Sums as the hub lists them: 64 hex digits are the sha256 of a large file, 40 are the id that git
 * gives a small one (the sha1 of "blob <size>", a NUL and the content).
 */
enum { TB_OID_TEXT = 65 };

typedef struct tb_digest tb_digest;

bool tb_oid_valid(const char *oid); /* 40 or 64 lower-case hex digits */

/* Of the kind that oid is, over size bytes to come. */
tb_digest *tb_digest_new(const char *oid, uint64_t size);
void tb_digest_restart(tb_digest *d);
void tb_digest_add(tb_digest *d, const void *data, size_t size);
bool tb_digest_matches(tb_digest *d); /* ends it: restart before more */
void tb_digest_free(tb_digest *d);

#endif
