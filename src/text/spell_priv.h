#ifndef TB_TEXT_SPELL_PRIV_H
#define TB_TEXT_SPELL_PRIV_H

#include "base/err.h"
#include "base/str.h"
#include "text/script.h"

#include <stddef.h>

/*
 * Rewrites a plain text so that it can be read aloud letter by letter: numbers, money, units,
 * dates, times and signs become words of the text's language. English and Spanish are covered
 * completely; for the other languages the signs that a speech program leaves out become words and
 * digits stay digits. [Tags] stay as they are. Pure; linear in len; fuzzed by
 * tests/fuzz/fuzz_spell.c.
 */

enum {
    /* No byte of a text becomes more than so many bytes ("%" is "por ciento"). */
    TB_SPELL_GROWTH = 24,
};

/*
 *   text      valid UTF-8, len bytes, markup already removed
 *   language  a code such as en-us, es, es-419, de; NULL is English
 *   script    which brackets are tags and beds; NULL: no bed is known
 *   out       {0}; afterwards the caller's, tb_str_clear; at most TB_SPELL_GROWTH * (len + 8) bytes
 * TB_EINVAL (field text): invalid UTF-8. TB_ENOMEM: no room.
 */
TB_MUST_CHECK tb_status tb_spell(const char *text, size_t len, const char *language,
                                 const tb_script_opts *script, tb_str *out, tb_err *err);

#endif
