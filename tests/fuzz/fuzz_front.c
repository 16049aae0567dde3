#include "base/mem.h"
#include "base/utf8.h"
#include "text/front.h"
#include "text/script.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int bed(void *self, const char *name)
{
    (void)self;
    return strcmp(name, "rain") == 0 ? 0 : -1;
}

/* The first byte chooses the language, the rest is the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const languages[] = {"en-us", "es", "cmn", "ru", "fi", ""};
    const tb_script_opts script = {.find_bed = bed, .text_max = SIZE_MAX};
    if (size == 0 || memchr(data, 0, size)) return 0;
    const tb_front_opts opts = {.language =
                                    languages[data[0] % (sizeof languages / sizeof *languages)],
                                .script = &script};
    tb_err err = {0};
    char *out = NULL, *unspoken = NULL;
    if (tb_front_run((const char *)data + 1, size - 1, &opts, &out, &unspoken, &err) == TB_OK) {
        tb_script parsed = {0};
        if (!tb_utf8_valid(out, strlen(out))) abort();
        if (unspoken && !tb_utf8_valid(unspoken, strlen(unspoken))) abort();
        if (tb_script_parse(out, &script, &parsed, &err) == TB_OK) tb_script_clear(&parsed);
    } else if (err.status != TB_EINVAL || strcmp(err.field, "text") != 0) {
        abort();
    }
    tb_free(unspoken);
    tb_free(out);
    return 0;
}
