#ifndef TB_TEXT_UNICODE_PRIV_H
#define TB_TEXT_UNICODE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Exactly the character classes of the reference's libraries, because ids depend on them. For
 * anything else base/utf8.h is good enough.
 */

/* What \p{L}, \p{N} and \s are in the tokeniser's pattern. */
typedef enum {
    TB_UNICODE_OTHER,
    TB_UNICODE_LETTER,
    TB_UNICODE_NUMBER,
    TB_UNICODE_SPACE,
} tb_unicode_class;

tb_unicode_class tb_unicode_class_of(uint32_t cp);

/* Python's str.isspace of one character; four controls more than \s. */
bool tb_unicode_is_py_space(uint32_t cp);

/* The full upper-case form of a lower-case letter, one to three code points; 0 when cp is no
 * lower-case letter or has no other form. */
size_t tb_unicode_upper(uint32_t cp, uint32_t out[3]);

#endif
