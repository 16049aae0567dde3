#ifndef TB_BASE_UTF8_H
#define TB_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */

#define TB_UTF8_BAD 0xFFFFFFFFu

/* The code point at *s and its length in bytes through *size (1..4); TB_UTF8_BAD with size 1 where
 * the bytes s[0..len) do not start a valid one. len must be at least 1. */
uint32_t tb_utf8_next(const char *s, size_t len, size_t *size);

bool tb_utf8_valid(const char *s, size_t len);

/* Number of code points of a valid string. */
size_t tb_utf8_count(const char *s, size_t len);

/* Writes cp to out (4 bytes of room) and returns the number of bytes. */
size_t tb_utf8_put(uint32_t cp, char *out);

/* Cuts an incomplete character off the end of a string that was cut by a buffer's size. */
void tb_utf8_trim(char *s);

/* Simple case folding: ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic; else cp itself. Good
 * for names and tags, not a full Unicode fold. */
uint32_t tb_utf8_fold(uint32_t cp);

/* The ASCII letter below the accents of Latin-1 and Latin Extended-A (* and / for the two signs
 * among them); cp itself for everything else. */
uint32_t tb_utf8_plain(uint32_t cp);

/* A letter or digit of any script, roughly: ASCII alphanumerics, and everything from U+00AA on
 * that is not in a block of punctuation, symbols, spaces, private use or controls. */
bool tb_utf8_is_word(uint32_t cp);

/* White space, including U+00A0, U+2000..U+200B, U+2028/9, U+202F, U+205F, U+3000, U+FEFF. */
bool tb_utf8_is_space(uint32_t cp);

#endif
