#ifndef TB_BASE_UNICODE_H
#define TB_BASE_UNICODE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What Unicode's own tables say, by utf8proc: forms of writing one letter, and what a character is.
 * Any thread. */

/*
 * The composed form (NFC) of valid UTF-8, heap, NUL-terminated: "e" and an accent become "é". So
 * names that look the same are the same bytes. A letter keeps its first 30 combining marks, as
 * many as Unicode's own stream-safe form; so the time is linear.
 */
TB_MUST_CHECK tb_status tb_unicode_nfc(const char *text, size_t len, char **out, tb_err *err);

/* The compatibility form of one character (the "fi" of its ligature, the "5" of a full-width 5):
 * at most TB_UNICODE_FORM code points into out; 0 when it has none. */
enum { TB_UNICODE_FORM = 18 };
size_t tb_unicode_plain(uint32_t cp, uint32_t out[TB_UNICODE_FORM]);

/* The letter below the accents of cp ("a" of "ặ"), cp itself where there is none. */
uint32_t tb_unicode_base(uint32_t cp);

/* A name to compare by: case folded, accents off, white space one blank, none at the ends
 * ("  CAFETERÍA" is "cafeteria"). Invalid bytes stay. Heap. */
char *tb_unicode_bare(const char *text);

uint32_t tb_unicode_lower(uint32_t cp); /* the small letter of a capital, else cp itself */
bool tb_unicode_is_letter(uint32_t cp); /* letters of all scripts, no digits */
bool tb_unicode_is_mark(uint32_t cp);   /* belongs to the character in front of it */
bool tb_unicode_is_symbol(uint32_t cp); /* of mathematics, money, or anything else but letters */
bool tb_unicode_is_upper(uint32_t cp);
bool tb_unicode_is_lower(uint32_t cp);
bool tb_unicode_is_invisible(uint32_t cp); /* zero width, fillers, direction marks, controls */
bool tb_unicode_is_picture(uint32_t cp); /* Extended_Pictographic: emoji, but © and ™ as well */

#endif
