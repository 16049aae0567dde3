#ifndef TB_MODEL_CONVERT_H
#define TB_MODEL_CONVERT_H

#include "base/cancel.h"
#include "model/files.h"

/*
 * Converts a folder of published files to one self-contained GGUF file: the weights in the
 * requested type, the tokenizer, the built-in voice, and the sources' names and hashes.
 */
typedef struct {
    const char *file; /* "ve.safetensors" */
    const char *sha256;
} tb_convert_sum;

typedef struct {
    tb_dtype type;
    const char *repository, *revision; /* NULL: unknown, not written */
    const tb_convert_sum *sums;        /* the known ones; others are computed */
    size_t n_sums;
    const tb_cancel *cancel; /* looked at every megabyte or so; NULL: never */
    /* May be NULL. what: "summing ve.safetensors", "writing". */
    void (*progress)(void *self, const char *what, uint64_t done, uint64_t total);
    void *self;
} tb_convert;

/* Writes path; an existing file is replaced at the very end, and not at all on failure. */
TB_MUST_CHECK tb_status tb_model_convert(const tb_model_place *place, const tb_convert *how,
                                         const char *path, tb_err *err);

#endif
