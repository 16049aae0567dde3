#include "config/config.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static tb_status count(void *self, const char *key, const char *value, int line, tb_err *err)
{
    size_t *total = self;
    (void)err;
    *total += strlen(key) + strlen(value) + (size_t)line;
    return TB_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t total = 0;
    tb_err err;
    tb_status st = tb_env_parse((const char *)data, size, count, &total, &err);
    return st == TB_OK && total > SIZE_MAX / 2;
}
