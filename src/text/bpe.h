#ifndef TB_TEXT_BPE_H
#define TB_TEXT_BPE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * GPT-2's byte-level BPE with added tokens (the 19 tags), as the reference's tokeniser encodes: no
 * begin or end token, no prefix blank, no normalisation. The rules: docs/model/text.md.
 * Immutable once read: threads may share one.
 */
typedef struct tb_bpe tb_bpe;

typedef struct {
    const char *name; /* "vocab.json" */
    const void *data;
    size_t size;
} tb_bpe_file;

enum {
    TB_BPE_MAX_FILE = 16 << 20, /* bytes of one file */
    TB_BPE_MAX_TEXT = 1 << 20,  /* bytes of one text */
    TB_BPE_MAX_ID = 1 << 20,    /* ids are below it */
};

/* The files that are read, for whoever stores them elsewhere; NULL past the last. */
const char *tb_bpe_file_name(size_t i);

/* From a model folder: vocab.json, merges.txt, added_tokens.json and, when it is there,
 * tokenizer_config.json. TB_EMODEL names the file and the first thing wrong in it. */
TB_MUST_CHECK tb_status tb_bpe_open(const char *folder, tb_bpe **out, tb_err *err);
/* The same from memory, files in any order, others among them ignored. Nothing is kept of it. */
TB_MUST_CHECK tb_status tb_bpe_read(const tb_bpe_file *files, size_t n, tb_bpe **out, tb_err *err);
void tb_bpe_close(tb_bpe *bpe);

size_t tb_bpe_size(const tb_bpe *bpe);  /* highest id + 1: rows that the embedding must have */
size_t tb_bpe_limit(const tb_bpe *bpe); /* tokens that the model takes at most; 0: no limit */
int32_t tb_bpe_find(const tb_bpe *bpe, const char *added); /* "[laugh]"; -1: no added token */

typedef struct {
    int32_t *ids;
    size_t n, cap;
} tb_bpe_ids;

/*
 * Appends the ids of text to out (the caller's, {0} is empty), which may have max in all: more is
 * TB_ETOOBIG, and out then holds what it held. Invalid UTF-8 counts as U+FFFD, byte by byte.
 * O(n log n), a word of any length included.
 */
TB_MUST_CHECK tb_status tb_bpe_encode(const tb_bpe *bpe, const char *text, size_t len, size_t max,
                                      tb_bpe_ids *out, tb_err *err);
void tb_bpe_ids_clear(tb_bpe_ids *ids);

#endif
