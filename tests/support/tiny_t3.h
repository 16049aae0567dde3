#ifndef TB_TEST_TINY_T3_H
#define TB_TEST_TINY_T3_H

#include "base/counter.h"
#include "base/mem.h"
#include "tensor/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The reduced T3 of the recordings: two layers, 64 channels, 4 heads, 512 text ids, 640 positions.
 * Its weights are the generator's (docs/model/seeded.md), stem "tiny_t3", so they are made, not
 * stored. Matrices come in any weight type, in our layout (out, in); tables in f16 unless type is
 * f32.
 */
enum {
    TINY_T3_D = 64,
    TINY_T3_LAYERS = 2,
    TINY_T3_HEADS = 4,
    TINY_T3_TEXT = 512,
    TINY_T3_VOCAB = 6563,
    TINY_T3_POSITIONS = 640,
    TINY_T3_SPEAKER = 256,
};

/* One tensor; in_out: GPT-2's order in the generator's file, (K, N), given back as (N, K). */
static inline void tiny_t3_add(tb_weights *w, const char *name, size_t N, size_t K, bool in_out,
                               tb_dtype type, float mean, float scale)
{
    char key[96];
    tb_tensor t = {.type = type, .n_dims = K ? 2 : 1, .dim = {N, K}};
    size_t width = K ? K : 1, count = N * width;
    float *x = tb_alloc(count * sizeof *x);

    snprintf(key, sizeof key, "tiny_t3/%s", name);
    uint64_t stream = tb_counter_stream(key);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < width; j++)
            x[i * width + j] =
                tb_counter_weight(stream, in_out ? j * N + i : i * width + j, mean, scale);
    if (type != TB_F32) {
        void *small = tb_alloc(tb_tensor_bytes(&t));
        for (size_t i = 0; i < N; i++)
            tb_from_f32(type, x + i * width, (unsigned char *)small + i * tb_row_bytes(type, width),
                        width);
        tb_free(x);
        t.data = small;
    } else {
        t.data = x;
    }
    tb_err err;
    void *owned = NULL;
    memcpy(&owned, &t.data, sizeof owned); /* the set frees it */
    if (tb_weights_add(w, name, &t, owned, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        abort();
    }
}

static inline tb_weights *tiny_t3_make(tb_dtype type)
{
    enum { D = TINY_T3_D };
    static const struct {
        const char *name;
        size_t N, K;
        bool in_out;
        float mean, scale;
    } blocks[] = {
        {"ln_1.weight", D, 0, false, 1, 0.25981f},
        {"ln_1.bias", D, 0, false, 0, 0.17321f},
        {"attn.c_attn.weight", 3 * D, D, true, 0, 0.34641f},
        {"attn.c_attn.bias", 3 * D, 0, false, 0, 0.17321f},
        {"attn.c_proj.weight", D, D, true, 0, 0.10825f},
        {"attn.c_proj.bias", D, 0, false, 0, 0.17321f},
        {"ln_2.weight", D, 0, false, 1, 0.25981f},
        {"ln_2.bias", D, 0, false, 0, 0.17321f},
        {"mlp.c_fc.weight", 4 * D, D, true, 0, 0.25981f},
        {"mlp.c_fc.bias", 4 * D, 0, false, 0, 0.17321f},
        {"mlp.c_proj.weight", D, 4 * D, true, 0, 0.075777f},
        {"mlp.c_proj.bias", D, 0, false, 0, 0.17321f},
    };
    tb_dtype table = type == TB_F32 ? TB_F32 : TB_F16;
    tb_weights *w = tb_weights_new("tiny_t3");
    char name[64];

    for (size_t i = 0; i < TINY_T3_LAYERS; i++)
        for (size_t j = 0; j < sizeof blocks / sizeof blocks[0]; j++) {
            snprintf(name, sizeof name, "tfmr.h.%zu.%s", i, blocks[j].name);
            tiny_t3_add(w, name, blocks[j].N, blocks[j].K, blocks[j].in_out,
                        blocks[j].K ? type : TB_F32, blocks[j].mean, blocks[j].scale);
        }
    tiny_t3_add(w, "tfmr.ln_f.weight", D, 0, false, TB_F32, 1, 0.25981f);
    tiny_t3_add(w, "tfmr.ln_f.bias", D, 0, false, TB_F32, 0, 0.17321f);
    tiny_t3_add(w, "tfmr.wpe.weight", TINY_T3_POSITIONS, D, false, table, 0, 0.34641f);
    tiny_t3_add(w, "text_emb.weight", TINY_T3_TEXT, D, false, table, 0, 1.7321f);
    tiny_t3_add(w, "speech_emb.weight", TINY_T3_VOCAB, D, false, table, 0, 1.7321f);
    tiny_t3_add(w, "speech_head.weight", TINY_T3_VOCAB, D, false, type, 0, 0.75777f);
    tiny_t3_add(w, "speech_head.bias", TINY_T3_VOCAB, 0, false, TB_F32, 0, 0.86603f);
    tiny_t3_add(w, "cond_enc.spkr_enc.weight", D, TINY_T3_SPEAKER, false, type, 0, 1.7321f);
    tiny_t3_add(w, "cond_enc.spkr_enc.bias", D, 0, false, TB_F32, 0, 0.17321f);
    return w;
}

#endif
