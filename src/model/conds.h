#ifndef TB_MODEL_CONDS_H
#define TB_MODEL_CONDS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The conditionals: the networks' whole input from a voice. Computed from a recording
 * (conditioner.h), or read from a ready-made voice, conds.pt. The first two are for T3, the rest
 * for the flow. docs/model/conds.md.
 */
typedef struct {
    float *speaker;     /* (speaker_dim) voice encoder's embedding */
    int32_t *t3_prompt; /* (n_t3_prompt) speech tokens; there may be none */
    int32_t *prompt;    /* (n_prompt) speech tokens of the same recording's first 10 s */
    float *prompt_mel;  /* (prompt_frames, mels) log-mel of the same 10 s */
    float *embedding;   /* (embedding_dim) x-vector, not normalised */
    size_t speaker_dim, n_t3_prompt, n_prompt, prompt_frames, mels, embedding_dim;
} tb_conds;

enum {
    TB_CONDS_MAX_TOKENS = 1500, /* in either prompt: a minute. The reference makes 375 and 250 */
    TB_CONDS_CODES = 6561,      /* speech tokens; T3 knows START and STOP behind them */
    TB_CONDS_T3_CODES = 6563,
};

/*
 * Reads the reference's conds.pt, written by any torch since 1.6, before its first use or after.
 * TB_EMODEL with a message if something is missing, not finite or inconsistent: a token outside its
 * vocabulary, a mel that has neither 2 frames per token nor one more. The caller checks that the
 * widths are its model's.
 */
TB_MUST_CHECK tb_status tb_conds_open(const char *path, tb_conds *out, tb_err *err);
/* The same from memory. */
TB_MUST_CHECK tb_status tb_conds_read(const void *data, size_t size, const char *label,
                                      tb_conds *out, tb_err *err);
/* The same with any number of mel frames: for looking at a file, not for speaking. */
TB_MUST_CHECK tb_status tb_conds_peek(const void *data, size_t size, const char *label,
                                      tb_conds *out, tb_err *err);
void tb_conds_clear(tb_conds *conds);

/* Serialised form, stored beside a voice's recording; *data is the caller's (tb_free). It does not
 * record which model it is of. unpack: TB_ENOTFOUND when another version wrote it (compute it
 * again), TB_EMALFORMED when it is damaged. */
TB_MUST_CHECK tb_status tb_conds_pack(const tb_conds *conds, void **data, size_t *size,
                                      tb_err *err);
TB_MUST_CHECK tb_status tb_conds_unpack(const void *data, size_t size, tb_conds *out, tb_err *err);

#endif
