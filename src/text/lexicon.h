#ifndef TB_TEXT_LEXICON_H
#define TB_TEXT_LEXICON_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A pronunciation dictionary: words, and how to write them so that they are said right. A word is
 * letters, digits and signs of any script, perhaps several words with blanks between; it is
 * replaced where it stands whole ("C++", "k8s", "New York"). Case does not matter, unless the word
 * has a capital inside (NASA, iOS): then it does.
 */

enum {
    TB_PRONUNCIATION_WORD = 64, /* most characters of a word */
    TB_PRONUNCIATION_SAY = 200, /* of what is said */
    /* Entries of one request. The installation's: store.h. */
    TB_PRONUNCIATIONS_OWN = 200,
};

typedef struct {
    char *word, *say;
    char *language; /* a code; "" for every language */
    bool own;       /* of the request: before the installation's */
} tb_pronunciation;

typedef struct {
    tb_pronunciation *items;
    size_t n, room;
} tb_pronunciations;

/*
 * Adds an entry, in composed Unicode and with blanks collapsed. TB_EINVAL when the word or what is
 * said is empty, too long, or holds brackets or control characters: the error names `field`, or
 * "word" and "say" when that is NULL. language NULL is "". Of two equal words the later one counts.
 */
TB_MUST_CHECK tb_status tb_pronunciations_add(tb_pronunciations *list, const char *word,
                                              const char *say, const char *language, bool own,
                                              const char *field, tb_err *err);
void tb_pronunciations_clear(tb_pronunciations *list);

/* What two entries of the same word have in common: the word, folded when its case does not matter.
 * Heap. */
char *tb_pronunciation_key(const char *word);

/* A list made ready for one text; one thread. The list is borrowed. `speaks` says whether entries
 * of a language are wanted. */
typedef struct tb_lexicon tb_lexicon;
tb_lexicon *tb_lexicon_new(const tb_pronunciations *list,
                           bool (*speaks)(void *self, const char *language), void *self);
void tb_lexicon_free(tb_lexicon *lexicon);

/* Adds the text to out, words replaced. What is in [brackets] stays. The longest word wins, then
 * the request's own, then one whose case matters, then the one of the narrower language. Linear in
 * len. text is valid UTF-8. Too large a result leaves out->full. */
void tb_lexicon_apply(tb_lexicon *lexicon, const char *text, size_t len, tb_str *out);

/* Was entry i of the list put in anywhere? */
bool tb_lexicon_used(const tb_lexicon *lexicon, size_t i);

#endif
