#ifndef TB_EMBEDDED_LANGUAGES_H
#define TB_EMBEDDED_LANGUAGES_H

#include "base/err.h"
#include "embedded/speak.h"

/* The languages of the espeak-ng program and how a requested code finds one (specification section
 * 3). Immutable once made. */
typedef struct tb_languages tb_languages;

/* listing: what `espeak-ng --voices` prints. NULL or empty gives the one language that needs no
 * espeak-ng: en-us. default_code: what "" means; need not resolve (then "" fails). */
tb_languages *tb_languages_new(const char *listing, const char *default_code);
void tb_languages_free(tb_languages *l);
size_t tb_languages_list(const tb_languages *l, const tb_language **list);
TB_MUST_CHECK tb_status tb_languages_find(const tb_languages *l, const char *code,
                                          const tb_language **out, tb_err *err);

#endif
