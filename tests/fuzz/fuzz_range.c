#include "api/range.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one_line(char *value)
{
    for (const char *c = value; *c; c++)
        if (*c < 0x20 || *c >= 0x7f) abort();
    tb_free(value);
}

/* One text, read as each of the headers. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t sizes[] = {0, 1, 10, 4096, UINT64_MAX};
    char *text = malloc(size + 1);
    if (!text) abort();
    if (size) memcpy(text, data, size);
    text[size] = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        tb_range r;
        tb_err err = {0};
        tb_status st = tb_range_parse(text, sizes[i], &r, &err);
        if (st && st != TB_ERANGE) abort();
        if (!st && (r.len > sizes[i] || r.first > sizes[i] - r.len)) abort();
        if (!st && r.partial && r.len == 0) abort();
        if (!st && !r.partial && r.len != sizes[i]) abort();
    }
    (void)tb_etag_matches(text, "\"abc\"");
    (void)tb_etag_allows_range(text, "\"abc\"");
    one_line(tb_header_disposition(text, size & 1));
    one_line(tb_header_value(text));
    free(text);
    return 0;
}
