#ifndef TB_API_RANGE_H
#define TB_API_RANGE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes of a file that a reply holds. partial: 206 with Content-Range, else 200 and all. */
typedef struct {
    uint64_t first, len;
    bool partial;
} tb_range;

/*
 * header: the Range header, NULL for none. One range of bytes is honoured (a-b, a-, -n); several,
 * another unit and what cannot be read are ignored, as RFC 9110 14.2 allows: the whole file.
 * TB_ERANGE when the one range lies outside the file.
 */
TB_MUST_CHECK tb_status tb_range_parse(const char *header, uint64_t size, tb_range *out,
                                       tb_err *err);

/* If-None-Match: a list of ETags, weakly compared, or "*". etag is quoted. */
bool tb_etag_matches(const char *if_none_match, const char *etag);
/* If-Range: whether Range still counts; strong, so a date or a W/ tag is a no. NULL is a yes. */
bool tb_etag_allows_range(const char *if_range, const char *etag);

/*
 * Header values, heap. disposition: `attachment; filename="..."`, with filename* for what is not
 * ASCII; nothing in name can end the quotes or the line. value: printable ASCII as it is, every
 * other byte and '%' percent-encoded.
 */
char *tb_header_disposition(const char *name, bool inline_);
char *tb_header_value(const char *text);

#endif
