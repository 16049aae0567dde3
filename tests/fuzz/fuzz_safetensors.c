#include "model/layout.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sum; /* of what was read, so that reading it is not optimised away */

/* Any bytes are a set whose tensors lie where they can be read, or an error with a sentence; and
 * any set is a model in our layout, or an error with a sentence. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const tb_dtype types[] = {TB_F32, TB_F16, TB_BF16, TB_Q8_0, TB_Q4_0};
    tb_weights *w = NULL, *made = NULL;
    tb_err err = {0};
    tb_status st = tb_safetensors_read(data, size, "fuzz", &w, &err);

    if (st && (w || !err.msg[0] || err.status != st)) abort();
    if (st) return 0;
    for (size_t i = 0; i < tb_weights_count(w); i++) {
        const tb_tensor *t = tb_weights_at(w, i);
        const uint8_t *bytes = t->data;

        if (tb_weights_find(w, tb_weights_name(w, i)) != t) abort();
        for (size_t j = 0; j < tb_tensor_bytes(t); j++)
            sum += bytes[j];
    }
    err = (tb_err){0};
    tb_layout_source src = {0}; /* the names of one kind of file are unknown in another */
    if (tb_weights_find(w, "similarity_weight"))
        src.ve = w;
    else if (tb_weights_find(w, "text_emb.weight"))
        src.t3 = w;
    else
        src.s3gen = w;
    st = tb_layout_build(&src, types[size % 5], "fuzz", &made, &err); /* takes w */
    if (st && (made || !err.msg[0] || err.status != st)) abort();
    tb_weights_free(made);
    return 0;
}
