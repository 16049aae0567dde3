#include "base/mem.h"
#include "model/conds.h"
#include "tensor/torch.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NUMBERS_MAX = 4096 };

/* Every value can be asked everything, and no walk is endless. Shared parts are walked as often as
 * they are used, so a budget stands in for the number of paths. */
/* NOLINTNEXTLINE(misc-no-recursion): the reader bounds the depth */
static void look_at(const tb_torch_value *v, int depth, size_t *budget)
{
    tb_err err = {0};
    float *x = NULL;
    int64_t *ids = NULL;
    if (*budget == 0) return;
    --*budget;
    if (depth > 40) abort();
    if (tb_torch_f32(v, "x", NUMBERS_MAX, &x, &err) && (x || !err.msg[0])) abort();
    if (tb_torch_i64(v, "x", NUMBERS_MAX, &ids, &err) && (ids || !err.msg[0])) abort();
    if (tb_torch_kind_of(v) == TB_TORCH_TENSOR) {
        size_t count = 1;
        for (size_t i = 0; i < tb_torch_dims(v); i++)
            count *= tb_torch_dim(v, i);
        if (count != tb_torch_count(v)) abort();
    }
    tb_free(x);
    tb_free(ids);
    (void)tb_torch_number(v);
    (void)tb_torch_text(v);
    (void)tb_torch_get(v, "t3");
    for (size_t i = 0; i < tb_torch_len(v); i++) {
        if (tb_torch_kind_of(v) == TB_TORCH_DICT) (void)tb_torch_key(v, i);
        look_at(tb_torch_at(v, i), depth + 1, budget);
    }
}

/* What was understood of a voice packs to bytes that are the same voice. */
static void keep(const tb_conds *conds)
{
    tb_conds again = {0};
    tb_err err = {0};
    void *bytes = NULL;
    size_t size = 0;
    if (tb_conds_pack(conds, &bytes, &size, &err)) abort();
    if (tb_conds_unpack(bytes, size, &again, &err)) abort();
    if (memcmp(conds->prompt, again.prompt, conds->n_prompt * sizeof *again.prompt) != 0) abort();
    tb_conds_clear(&again);
    tb_free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tb_torch *t = NULL;
    tb_conds conds = {0};
    tb_err err = {0};
    size_t budget = 2000;

    if (tb_torch_read(data, size, "x.pt", &t, &err)) {
        if (t || !err.msg[0]) abort();
    } else {
        look_at(tb_torch_root(t), 0, &budget);
    }
    tb_torch_free(t);

    err = (tb_err){0};
    if (tb_conds_read(data, size, "x.pt", &conds, &err)) {
        if (conds.speaker || !err.msg[0]) abort();
    } else {
        keep(&conds);
    }
    tb_conds_clear(&conds);

    err = (tb_err){0};
    if (tb_conds_unpack(data, size, &conds, &err)) {
        if (conds.speaker || !err.msg[0]) abort();
    } else {
        keep(&conds);
    }
    tb_conds_clear(&conds);
    return 0;
}
