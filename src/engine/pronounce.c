#include "base/mem.h"
#include "engine/engine_priv.h"
#include "text/lexicon.h"

#include <string.h>

/* Pronunciation dictionaries: which entries are of a text's language, and which were put in. */

struct listener {
    const tb_embedded *embedded;
    const tb_language *language;
};

/* An entry without a region is for all of its language: "es" for es-419, "zh" for cmn. */
static bool speaks(void *self, const char *wanted)
{
    const struct listener *l = self;
    const tb_language *found;
    char code[36];
    if (tb_embedded_language(l->embedded, wanted, &found, NULL)) return false;
    if (found == l->language) return true;
    if (tb_embedded_language_code(l->embedded, wanted, code, NULL)) return false;
    size_t n = strlen(code);
    return strncmp(l->language->code, code, n) == 0 && l->language->code[n] == '-';
}

/* The request's own must be right; the installation's were when they were kept. */
static tb_status check(const tb_embedded *e, const tb_pronunciations *list, tb_err *err)
{
    const tb_language *found;
    for (size_t i = 0; i < list->n; i++) {
        const tb_pronunciation *p = &list->items[i];
        tb_err why = {0};
        if (!p->own || !*p->language || !tb_embedded_language(e, p->language, &found, &why))
            continue;
        return tb_fail_field(err, TB_EINVAL, "pronunciations", "of '%.64s': %.300s", p->word,
                             why.msg);
    }
    return TB_OK;
}

tb_status tb_engine_lexicon(const tb_embedded *e, const tb_pronunciations *list,
                            const tb_language *language, tb_lexicon **out, tb_err *err)
{
    struct listener who = {e, language};
    if (!list || list->n == 0) return TB_OK;
    tb_status st = check(e, list, err);
    if (!st) *out = tb_lexicon_new(list, speaks, &who);
    return st;
}

/* With the front off the text is as it was written, but for what the request itself wants. */
tb_status tb_engine_pronounce(tb_lexicon *lexicon, const char *text, char **out, tb_err *err)
{
    tb_str made;
    const size_t len = strlen(text);
    tb_str_init(&made, 2 * len + 4096);
    tb_lexicon_apply(lexicon, text, len, &made);
    if (made.full) {
        tb_str_clear(&made);
        return tb_fail_field(err, TB_EINVAL, "pronunciations",
                             "the pronunciations make the text more than twice as long");
    }
    *out = tb_str_take(&made);
    return TB_OK;
}

tb_status tb_engine_note_pronounced(const tb_lexicon *lexicon, const tb_pronunciations *list,
                                    tb_pronunciations *out, tb_err *err)
{
    tb_status st = TB_OK;
    for (size_t i = 0; lexicon && i < list->n && !st; i++) {
        const tb_pronunciation *p = &list->items[i];
        if (tb_lexicon_used(lexicon, i))
            st = tb_pronunciations_add(out, p->word, p->say, p->language, true, NULL, err);
    }
    return st;
}
