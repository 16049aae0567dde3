#include "base/mem.h"
#include "base/utf8.h"
#include "text/guess.h"
#include "text/lexicon.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines "word=say", one with a blank in front being the request's own and one with a tab of another
 * language, then an empty line, then a text. */

static bool speaks(void *self, const char *language)
{
    (void)self;
    return strcmp(language, "es") == 0;
}

static const char *read_entries(const char *p, tb_pronunciations *list)
{
    while (*p && *p != '\n') {
        size_t len = strcspn(p, "\n"), word = strcspn(p, "=\n");
        char *left = tb_strndup(p, word),
             *right = tb_strndup(p + word + (word < len), len - word - (word < len));
        const char *language = *p == '\t' ? "es" : "";
        size_t before = list->n;
        if (before < 64 &&
            tb_pronunciations_add(list, left, right, language, *p == ' ', NULL, NULL) &&
            list->n != before)
            abort(); /* what is refused is not there */
        tb_free(left);
        tb_free(right);
        p += len + (p[len] == '\n');
    }
    return *p ? p + 1 : p;
}

static void say(const tb_pronunciations *list, const char *text, tb_str *out,
                tb_pronunciations *used)
{
    tb_lexicon *l = tb_lexicon_new(list, speaks, NULL);
    tb_str_init(out, 1 << 22);
    tb_lexicon_apply(l, text, strlen(text), out);
    for (size_t i = 0; used && i < list->n; i++)
        if (tb_lexicon_used(l, i) &&
            tb_pronunciations_add(used, list->items[i].word, list->items[i].say,
                                  list->items[i].language, true, NULL, NULL))
            abort(); /* what was an entry is one */
    tb_lexicon_free(l);
}

/* Valid text stays valid, and those entries alone that were used make the same of it: a replay. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tb_pronunciations list = {0}, used = {0};
    tb_str once, again;
    char *copy = tb_strndup(size ? (const char *)data : "", size);
    const char *text = read_entries(copy, &list);
    tb_guess_language(text, "en");
    if (tb_utf8_valid(text, strlen(text))) {
        say(&list, text, &once, &used);
        say(&used, text, &again, NULL);
        if (once.len && !tb_utf8_valid(once.data, once.len)) abort();
        if (!once.full &&
            (once.len != again.len || (once.len && memcmp(once.data, again.data, once.len) != 0)))
            abort();
        tb_str_clear(&once);
        tb_str_clear(&again);
    }
    tb_pronunciations_clear(&list);
    tb_pronunciations_clear(&used);
    tb_free(copy);
    return 0;
}
