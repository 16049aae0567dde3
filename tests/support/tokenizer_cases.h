#ifndef TB_TEST_TOKENIZER_CASES_H
#define TB_TEST_TOKENIZER_CASES_H

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <string.h>

/* The recorded texts. Our JSON has no NUL, two texts do: it is written as U+E000 in the file. */
static inline tb_json *tokenizer_cases(void)
{
    char *text = NULL;
    size_t size = 0;
    tb_json *v = NULL;
    assert_int_equal(tb_file_read(TB_TEST_DATA "/golden/tokenizer.json", (size_t)1 << 20, &text,
                                  &size, NULL),
                     TB_OK);
    assert_int_equal(tb_json_parse(text, size, &v, NULL), TB_OK);
    tb_free(text);
    return v;
}

/* Heap, exactly its size, so that a sanitizer sees one byte too many. */
static inline char *tokenizer_text(const tb_json *one, const char *key, size_t *len)
{
    const char *s = tb_json_get_string(one, key);
    assert_non_null(s);
    char *out = tb_alloc(strlen(s));
    size_t n = 0;
    while (*s) {
        bool nul = strncmp(s, "\uE000", 3) == 0;
        out[n++] = nul ? 0 : *s;
        s += nul ? 3 : 1;
    }
    *len = n;
    return out;
}

#endif
