/*
 * Fuzz target of the tokenizer: files and texts from the input; round trips and bounds are
 * asserted.
 */
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "text/bpe.h"
#include "text/norm.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Without a byte 0x1E the input is a text. With them it is up to five parts between them:
 * merges.txt (one without a first line follows the usual merges), added_tokens.json,
 * tokenizer_config.json, what follows the usual members of vocab.json, and a text. */
enum { MERGES, ADDED, CONFIG, VOCAB, TEXT, N_PARTS };

static const char *const letters[] = {"a", "b", "\xC4\xA0"};

/* The 256 bytes, and every word of two or three of the letters a, b and the blank, so that merges
 * have something to make. */
static const char *usual_vocab(void)
{
    static tb_str s; /* made once, without its last brace */
    if (s.len) return s.data;
    tb_str_init(&s, 65536);
    unsigned other = 0x100, id = 300;
    for (unsigned b = 0; b < 256; b++) {
        bool itself = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        tb_str_printf(&s, "%s\"\\u%04x\":%u", b ? "," : "{", itself ? b : other++, b);
    }
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) {
            tb_str_printf(&s, ",\"%s%s\":%u", letters[i], letters[k], id++);
            for (int m = 0; m < 3; m++)
                tb_str_printf(&s, ",\"%s%s%s\":%u", letters[i], letters[k], letters[m], id++);
        }
    return s.data;
}

/* Every word of the usual vocabulary out of two. Made once. */
static const char *usual_merges(void)
{
    static tb_str s;
    if (s.len) return s.data;
    tb_str_init(&s, 65536);
    tb_str_puts(&s, "#version: 0.2\n");
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            tb_str_printf(&s, "%s %s\n", letters[i], letters[k]);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            for (int m = 0; m < 3; m++)
                tb_str_printf(&s, "%s%s %s\n", letters[i], letters[k], letters[m]);
    return s.data;
}

static void encode(const tb_bpe *bpe, const char *text, size_t len)
{
    tb_bpe_ids ids = {0}, again = {0};
    tb_err err = {0};
    if (tb_bpe_encode(bpe, text, len, SIZE_MAX, &ids, &err)) abort(); /* inputs are small */
    if (ids.n > 3 * len || (len > 0) != (ids.n > 0)) abort();
    for (size_t i = 0; i < ids.n; i++)
        if (ids.ids[i] < 0 || (size_t)ids.ids[i] >= tb_bpe_size(bpe)) abort();
    if (tb_bpe_encode(bpe, text, len, ids.n, &again, &err)) abort();
    if (again.n != ids.n || (ids.n && memcmp(again.ids, ids.ids, ids.n * sizeof *ids.ids) != 0))
        abort();
    if (ids.n > 0 && tb_bpe_encode(bpe, text, len, 2 * ids.n - 1, &again, &err) != TB_ETOOBIG)
        abort();
    if (again.n != ids.n) abort();
    tb_bpe_ids_clear(&ids);
    tb_bpe_ids_clear(&again);
}

static char *normalise(const char *text, size_t len, size_t *out_len)
{
    char *out = NULL;
    tb_err err = {0};
    if (tb_norm_text(text, len, &out, out_len, &err)) abort();
    if (*out_len == 0 || !tb_utf8_valid(out, *out_len) || out[*out_len - 1] == ' ') abort();
    return out;
}

/* A text for a tokenizer with merges and added tokens, which is made once: most runs read no files.
 */
static void encode_text(const uint8_t *data, size_t size)
{
    static const char added[] = "{\"[ab]\":340,\"<a>\":341,\"[aba]\":342}";
    static tb_bpe *bpe;
    size_t norm_len = 0;
    tb_err err = {0};
    char *text = malloc(size ? size : 1); /* exactly its size, for the sanitizer */
    if (!text) abort();
    if (size) memcpy(text, data, size);
    if (!bpe) {
        char *whole = tb_sprintf("%s}", usual_vocab());
        const tb_bpe_file files[] = {{"vocab.json", whole, strlen(whole)},
                                     {"merges.txt", usual_merges(), strlen(usual_merges())},
                                     {"added_tokens.json", added, sizeof added - 1}};
        if (tb_bpe_read(files, 3, &bpe, &err)) abort();
        tb_free(whole);
    }
    char *norm = normalise(text, size, &norm_len);
    encode(bpe, text, size);
    encode(bpe, norm, norm_len);
    tb_free(norm);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *parts[N_PARTS];
    size_t sizes[N_PARTS] = {0}, at = 0, norm_len = 0;
    if (size == 0 || !memchr(data, 0x1E, size)) {
        encode_text(data, size);
        return 0;
    }
    for (int i = 0; i < N_PARTS; i++) { /* each exactly its size, for the sanitizer */
        const uint8_t *stop =
            at < size && i + 1 < N_PARTS ? memchr(data + at, 0x1E, size - at) : NULL;
        sizes[i] = (stop ? (size_t)(stop - data) : size) - at;
        parts[i] = malloc(sizes[i] ? sizes[i] : 1);
        if (!parts[i]) abort();
        if (sizes[i]) memcpy(parts[i], data + at, sizes[i]);
        at += sizes[i] + (stop != NULL);
    }
    tb_str vocab, merges;
    tb_str_init(&merges, (size_t)1 << 24);
    if (!sizes[MERGES] || parts[MERGES][0] != '#') tb_str_puts(&merges, usual_merges());
    tb_str_add(&merges, parts[MERGES], sizes[MERGES]);
    tb_str_init(&vocab, (size_t)1 << 24);
    tb_str_puts(&vocab, usual_vocab());
    if (sizes[VOCAB])
        tb_str_add(&vocab, parts[VOCAB], sizes[VOCAB]);
    else
        tb_str_puts(&vocab, "}");
    const tb_bpe_file files[] = {
        {"vocab.json", vocab.data, vocab.len},
        {"merges.txt", merges.data, merges.len},
        {"added_tokens.json", sizes[ADDED] ? parts[ADDED] : "{}", sizes[ADDED] ? sizes[ADDED] : 2},
        {"tokenizer_config.json", parts[CONFIG], sizes[CONFIG]},
    };
    tb_bpe *bpe = NULL;
    tb_err err = {0};
    char *norm = normalise(parts[TEXT], sizes[TEXT], &norm_len);
    if (tb_bpe_read(files, sizes[CONFIG] ? 4 : 3, &bpe, &err) == TB_OK) {
        encode(bpe, parts[TEXT], sizes[TEXT]);
        encode(bpe, norm, norm_len);
    } else if (bpe || err.status != TB_EMODEL || !err.msg[0]) {
        abort();
    }
    tb_bpe_close(bpe);
    tb_free(norm);
    tb_str_clear(&vocab);
    tb_str_clear(&merges);
    for (int i = 0; i < N_PARTS; i++)
        free(parts[i]);
    return 0;
}
