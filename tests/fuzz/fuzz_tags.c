#include "base/mem.h"
#include "base/utf8.h"
#include "text/script.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int bed(void *self, const char *name)
{
    (void)self;
    return (strcmp(name, "rain") == 0 || strncmp(name, "ambience:", 9) == 0) ? 0 : -1;
}

static void parse(const char *text, bool tags_inline)
{
    const tb_script_opts opts = {.find_bed = bed, .text_max = 20000, .tags_inline = tags_inline};
    tb_script script = {0};
    tb_err err = {0};
    if (tb_script_parse(text, &opts, &script, &err) == TB_OK) {
        if (script.n == 0) abort();
        for (size_t i = 0; i < script.n; i++) {
            const tb_script_item *item = &script.items[i];
            if (item->kind != TB_ITEM_SPEECH) continue;
            size_t len = strlen(item->text);
            if (len == 0 || !tb_utf8_valid(item->text, len)) abort();
            if (tb_utf8_count(item->text, len) > 300) abort();
            /* "[[" would start phoneme input */
            if (!tags_inline && strpbrk(item->text, "[]\n\r")) abort();
        }
        for (size_t i = 0; i < script.n_unknown; i++)
            if (!tb_utf8_valid(script.unknown_tags[i], strlen(script.unknown_tags[i]))) abort();
    } else if (err.status != TB_EINVAL || strcmp(err.field, "text") != 0) {
        abort();
    }
    tb_script_clear(&script);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text) return 0;
    if (size) memcpy(text, data, size);
    text[size] = 0;
    parse(text, false);
    parse(text, true);
    free(text);
    return 0;
}
