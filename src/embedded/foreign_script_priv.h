#ifndef TB_EMBEDDED_FOREIGN_SCRIPT_PRIV_H
#define TB_EMBEDDED_FOREIGN_SCRIPT_PRIV_H

#include <stddef.h>

/*
 * Divides a sentence into parts by the espeak-ng voice that can read them: a word of Arabic,
 * Hebrew, Thai, Han and some other scripts would be spelled or numbered in the voice of another
 * language. Returns the bytes of the first part of text[0..len), len at least 1; *voice is a code
 * for espeak-ng's -v, NULL where the sentence's own voice reads. language: the sentence's.
 */
size_t tb_foreign_script_next(const char *text, size_t len, const char *language,
                              const char **voice);

#endif
