#include "base/utf8.h"
#include "text/spell_priv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What tb_spell makes is valid UTF-8, bounded, and keeps every bracket. */
static void spell(const char *text, size_t len, const char *language)
{
    tb_str out = {0};
    tb_err err = {0};
    tb_status st = tb_spell(text, len, language, NULL, &out, &err);
    if (st == TB_OK) {
        const char *said = out.data ? out.data : "";
        if (!tb_utf8_valid(said, out.len)) abort();
        if (out.len > (size_t)TB_SPELL_GROWTH * (len + 8)) abort();
        size_t before = 0, after = 0;
        for (size_t i = 0; i < len; i++)
            before += text[i] == '[' || text[i] == ']';
        for (size_t i = 0; i < out.len; i++)
            after += said[i] == '[' || said[i] == ']';
        if (before != after) abort();
    } else if (st != TB_EINVAL || tb_utf8_valid(text, len)) {
        abort(); /* the room is enough for any text */
    }
    tb_str_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const languages[] = {"en-us", "en-gb", "es", "es-419", "de",
                                            "fr-fr", "ru",    "ja", "xx"};
    const char *text = size ? (const char *)data : "";
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
        spell(text, size, languages[i]);
    return 0;
}
