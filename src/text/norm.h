#ifndef TB_TEXT_NORM_H
#define TB_TEXT_NORM_H

#include "base/err.h"

#include <stddef.h>

/*
 * What chatterbox-turbo does to a text before its tokeniser: a capital at the very start, white
 * space to single blanks, ten marks to plainer ones, a full stop at an end that has none. An empty
 * text becomes a sentence that asks for one. Invalid UTF-8 becomes U+FFFD, byte by byte.
 * The rules, their order included, are the reference's: docs/model/text.md.
 *
 *   *out  heap, the caller's, *out_len bytes and a NUL; at most 3 len + 64 bytes
 */
TB_MUST_CHECK tb_status tb_norm_text(const char *text, size_t len, char **out, size_t *out_len,
                                     tb_err *err);

#endif
