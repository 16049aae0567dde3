#include "embedded/foreign_script_priv.h"

#include "base/unicode.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const struct {
    uint32_t first, last;
    const char *voice;
    const char *own; /* languages whose own voice reads it */
} scripts[] = {
    {0x590, 0x5FF, "he", " he yi "},
    {0x600, 0x6FF, "ar", " ar fa ur ug sd ps ku az "},
    {0x750, 0x77F, "ar", " ar fa ur ug sd ps ku "},
    {0xB00, 0xB7F, "or", " or "},
    {0xC00, 0xC7F, "te", " te "},
    {0xE00, 0xE7F, "th", " th "},
    {0x1000, 0x109F, "my", " my shn "},
    {0x1200, 0x139F, "am", " am ti "},
    {0x3400, 0x9FFF, "cmn", " cmn yue hak zh ja ko "},
    {0xF900, 0xFAFF, "cmn", " cmn yue hak zh ja ko "},
    {0x20000, 0x3FFFF, "cmn", " cmn yue hak zh ja ko "},
};

static bool listed(const char *list, const char *language)
{
    char word[12] = " ";
    size_t n = strcspn(language, "-");
    if (n == 0 || n > sizeof word - 3) return false;
    memcpy(word + 1, language, n);
    memcpy(word + 1 + n, " ", 2);
    return strstr(list, word) != NULL;
}

static const char *voice_of(uint32_t cp, const char *language)
{
    if (cp < 0x590) return NULL;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        if (cp >= scripts[i].first && cp <= scripts[i].last)
            return listed(scripts[i].own, language) ? NULL : scripts[i].voice;
    return NULL;
}

size_t tb_foreign_script_next(const char *text, size_t len, const char *language,
                              const char **voice)
{
    bool decided = false;
    size_t i = 0, n;
    *voice = NULL;
    for (; i < len; i += n) {
        uint32_t cp = tb_utf8_next(text + i, len - i, &n);
        bool word = tb_unicode_is_letter(cp) || (cp >= '0' && cp <= '9');
        if (!word) continue; /* marks, blanks, punctuation stay with what is in front of them */
        const char *wanted = voice_of(cp, language);
        if (decided && wanted != *voice) break;
        *voice = wanted;
        decided = true;
    }
    return i;
}
