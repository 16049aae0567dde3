#ifndef TB_EMBEDDED_LANGUAGE_NAMES_PRIV_H
#define TB_EMBEDDED_LANGUAGE_NAMES_PRIV_H

#include <stddef.h>

/*
 * Languages by the names that people write: English, Spanish and the language's own ("Spanish",
 * "español", "castellano"), with a country or a kind beside it ("Mexican Spanish", "inglés
 * británico", "Portuguese (Brazil)"). Case, accents and punctuation do not matter. Pure.
 */

enum { TB_LANGUAGE_NAME_MAX = 64 }; /* bytes */

/* The code that a name stands for, a constant; NULL when it is not a name that is known. */
const char *tb_language_named(const char *name);

/* The i-th code with names, and its names as one string, "|" between them; NULL past the last. */
const char *tb_language_names(size_t i, const char **names);

/* The form in which names are compared: lower case, no accents, words with one blank between. */
void tb_language_plain(const char *name, char out[TB_LANGUAGE_NAME_MAX + 1]);

#endif
