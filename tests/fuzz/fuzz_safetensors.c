/*
 * Fuzz target of safetensors: every tensor of an accepted file is read.
 */
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

#ifdef TB_FUZZ
#include "base/str.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

static unsigned draw(unsigned *state, unsigned n)
{
    *state = *state * 1664525U + 1013904223U;
    return (*state >> 8) % n;
}

/* A file whose header fits its length and its data, with names that the layout knows, or almost.
 * Chance alone puts no JSON behind the length of it. */
static size_t generate(uint8_t *data, size_t size_max, unsigned *state)
{
    static const char *const names[3][10] = {
        {"similarity_weight", "similarity_bias", "lstm.weight_ih_l0", "lstm.weight_hh_l0",
         "lstm.bias_ih_l0", "lstm.bias_hh_l0", "lstm.weight_ih_l2", "proj.weight", "proj.bias",
         "x"},
        {"text_emb.weight", "speech_emb.weight", "tfmr.wpe.weight", "tfmr.h.0.ln_1.bias",
         "tfmr.h.0.attn.c_attn.weight", "tfmr.h.1.mlp.c_fc.weight", "speech_head.weight",
         "speech_head.bias", "cond_enc.spkr_enc.weight", "tfmr.wte.weight"},
        {"flow.encoder.up_layer.conv.weight", "flow.input_embedding.weight",
         "mel2wav.ups.0.parametrizations.weight.original0",
         "mel2wav.ups.0.parametrizations.weight.original1",
         "mel2wav.conv_pre.parametrizations.weight.original0",
         "mel2wav.conv_pre.parametrizations.weight.original1", "mel2wav.m_source.l_linear.weight",
         "speaker_encoder.head.conv1.weight", "speaker_encoder.head.bn1.running_var",
         "tokenizer.quantizer._codebook.project_down.weight"}};
    static const struct {
        const char *name;
        size_t size;
    } types[] = {{"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F64", 8},
                 {"I64", 8}, {"I32", 4}, {"U8", 1}};
    const unsigned kind = draw(state, 3), n = 1 + draw(state, 6), first = draw(state, 10);
    size_t at = 0, header;
    tb_str s;
    tb_str_init(&s, size_max);
    tb_str_puts(&s, draw(state, 4) ? "{" : "{\"__metadata__\":{\"format\":\"pt\"},");
    for (unsigned i = 0; i < n; i++) {
        const unsigned type = draw(state, 3) ? 0 : draw(state, 7), dims = draw(state, 5);
        size_t bytes = types[type].size;
        tb_str_printf(&s, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", i ? "," : "",
                      names[kind][(first + i) % 10], types[type].name);
        for (unsigned d = 0; d < dims; d++) {
            const unsigned dim = draw(state, 8) ? 1 + draw(state, 6) : draw(state, 70);
            tb_str_printf(&s, "%s%u", d ? "," : "", dim);
            bytes *= dim;
        }
        tb_str_printf(&s, "],\"data_offsets\":[%zu,%zu]}", at, at + bytes);
        at += bytes;
    }
    tb_str_puts(&s, "}");
    header = s.len;
    if (s.full || 8 + header + at > size_max) {
        tb_str_clear(&s);
        return 0;
    }
    for (int i = 0; i < 8; i++)
        data[i] = (uint8_t)(header >> (8 * i));
    memcpy(data + 8, s.data, header);
    for (size_t i = 0; i < at; i++)
        data[8 + header + i] = (uint8_t)draw(state, 256);
    tb_str_clear(&s);
    return 8 + header + at;
}

/* One of eight is a new file; of the others half keep their length right. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    size_t made = size < 16 || seed % 8 == 0 ? generate(data, size_max, &seed) : 0;
    if (made) return made;
    size_t header = 0;
    for (size_t i = 0; i < 8 && size >= 8; i++)
        header |= (size_t)data[i] << (8 * i);
    size = LLVMFuzzerMutate(data, size, size_max);
    if (seed % 2 && size > 8) {
        const uint8_t *end = memchr(data + 8, '}', size - 8);
        for (const uint8_t *p = end; p; p = memchr(p + 1, '}', (size_t)(data + size - p) - 1)) {
            end = p;
            if ((size_t)(p - data) + 1 >= header + 8) break;
            if (p + 1 == data + size) break;
        }
        header = end ? (size_t)(end - data) - 7 : size - 8;
        for (int i = 0; i < 8; i++)
            data[i] = (uint8_t)(header >> (8 * i));
    }
    return size;
}
#endif
