#include "tensor/weights.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sum; /* of what was read, so that reading it is not optimised away */

/* Any bytes are a set whose tensors and metadata lie where they can be read, or an error with a
 * sentence. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tb_weights *w = NULL;
    tb_err err = {0};
    tb_status st = tb_gguf_read(data, size, "fuzz", &w, &err);

    if (st && (w || !err.msg[0] || err.status != st)) abort();
    if (st) return 0;
    for (size_t i = 0; i < tb_weights_count(w); i++) {
        const tb_tensor *t = tb_weights_at(w, i);
        const uint8_t *bytes = t->data;

        if (tb_weights_find(w, tb_weights_name(w, i)) != t) abort();
        for (size_t j = 0; j < tb_tensor_bytes(t); j++)
            sum += bytes[j];
    }
    for (size_t i = 0; i < tb_weights_meta_count(w); i++) {
        const char *key = tb_weights_meta_key(w, i), *text = tb_weights_meta(w, key);
        size_t n = 0;
        const uint8_t *bytes = tb_weights_blob(w, key, &n);

        if (!bytes || (text && strlen(text) != n)) abort();
        for (size_t j = 0; j < n; j++)
            sum += bytes[j];
    }
    tb_weights_free(w);
    return 0;
}
