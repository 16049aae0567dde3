#ifndef TB_TEXT_FRONT_H
#define TB_TEXT_FRONT_H

#include "base/err.h"
#include "text/lexicon.h"
#include "text/script.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The text front: from a text as people paste it to one that a speech engine can read aloud. Both
 * engines are given what it makes; a request switches it off with normalize=false, and the history
 * keeps the text as it was written. Pure: same text and options, same result; linear time. Fuzzed
 * by tests/fuzz/fuzz_front.c.
 */
typedef struct {
    const char *language;         /* a code of espeak-ng's list: en-us, es-419, cmn */
    const tb_script_opts *script; /* which brackets are tags and beds: those stay as they are */
    bool letters_only;            /* the engine knows Latin letters only; espeak-ng reads more */
    tb_lexicon *lexicon;          /* words said otherwise; NULL none */
} tb_front_opts;

/* text: len bytes. *out is heap, valid UTF-8. *unspoken (NULL: not asked for) is heap: the words
 * and signs that nobody can say, with commas between, NULL when there are none. TB_EINVAL (field
 * text) when the text is not valid UTF-8 or what is made of it is too long. */
TB_MUST_CHECK tb_status tb_front_run(const char *text, size_t len, const tb_front_opts *opts,
                                     char **out, char **unspoken, tb_err *err);

#endif
