#ifndef TB_EMBEDDED_LANGUAGES_PRIV_H
#define TB_EMBEDDED_LANGUAGES_PRIV_H

#include "base/err.h"
#include "embedded/speak.h"

/* The languages of the espeak-ng program and how a requested code finds one. Immutable once made.
 */
typedef struct tb_languages tb_languages;

/*
 * listing: what `espeak-ng --voices` prints. NULL or empty gives the one language that needs no
 * espeak-ng: en-us. wanted: what "" means, a code or a name; need not resolve (then "" fails).
 * NULL, "" and "auto" are English that a guess may overrule, and so is the first of a list with
 * colons ("es_ES:es"): that is gettext's, which has an environment variable of the same name.
 */
tb_languages *tb_languages_new(const char *listing, const char *wanted);
void tb_languages_free(tb_languages *l);
/* Was the default left open? Then a text may be read in the language that it is written in. */
bool tb_languages_guesses(const tb_languages *l);
size_t tb_languages_list(const tb_languages *l, const tb_language **list);
TB_MUST_CHECK tb_status tb_languages_find(const tb_languages *l, const char *code,
                                          const tb_language **out, tb_err *err);
/* The code that `wanted` (a code or a name) stands for, regions left out that it leaves out: "en"
 * for "English" and "EN", which find gives as en-us. TB_EINVAL as find. */
enum { TB_LANGUAGE_CODE = 35 };
TB_MUST_CHECK tb_status tb_languages_code(const tb_languages *l, const char *wanted,
                                          char code[TB_LANGUAGE_CODE + 1], tb_err *err);

#endif
