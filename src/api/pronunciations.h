#ifndef TB_API_PRONUNCIATIONS_H
#define TB_API_PRONUNCIATIONS_H

#include "base/json.h"
#include "store/store.h"
#include "text/lexicon.h"

enum { TB_PRONUNCIATIONS_BYTES = 1 << 20 }; /* of the JSON of a whole dictionary */

/*
 * Adds the entries of a JSON text: {"word": "say", ...}, or [{"word": ..., "say": ..., "language":
 * ...}, ...] where language may be missing or null. TB_EINVAL (field pronunciations) for anything
 * else, for more than `most` entries and for one that is none (text/lexicon.h).
 */
TB_MUST_CHECK tb_status tb_pronunciations_read(const char *json, size_t len, size_t most, bool own,
                                               tb_pronunciations *out, tb_err *err);

/* {"word", "say", "language"}; a language of "" is null. */
tb_json *tb_print_pronunciation(const char *word, const char *say, const char *language);
char *tb_print_dictionary(const tb_pronunciation_list *list); /* GET /pronunciations */
/* The array that tb_pronunciations_read reads, as text on the heap. */
char *tb_print_pronunciations(const tb_pronunciations *list);

#endif
