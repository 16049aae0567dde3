#ifndef TB_MODEL_CONDS_H
#define TB_MODEL_CONDS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The conditionals: all that the networks know of a voice. Made from a clip by the front end and
 * its networks, or read from a ready-made voice, conds.pt. The first two are for T3, the rest for
 * the flow. docs/model/conds.md.
 */
typedef struct {
    float *speaker;     /* (speaker_dim) voice encoder's embedding */
    int32_t *t3_prompt; /* (n_t3_prompt) speech tokens; there may be none */
    int32_t *prompt;    /* (n_prompt) speech tokens of the same clip's first 10 s */
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
 * conds.pt of the reference, made by any torch since 1.6, saved before use or after. TB_EMODEL with
 * a sentence when something is missing, is no number, or does not fit: a token is outside its
 * vocabulary, the mel has neither 2 frames per token nor one more. Whether the widths are those of
 * a model is seen where the two meet.
 */
TB_MUST_CHECK tb_status tb_conds_open(const char *path, tb_conds *out, tb_err *err);
/* The same from memory. */
TB_MUST_CHECK tb_status tb_conds_read(const void *data, size_t size, const char *label,
                                      tb_conds *out, tb_err *err);
/* The same with any number of mel frames: for looking at a file, not for speaking. */
TB_MUST_CHECK tb_status tb_conds_peek(const void *data, size_t size, const char *label,
                                      tb_conds *out, tb_err *err);
void tb_conds_clear(tb_conds *conds);

/* To bytes of our own that are kept beside a voice's clip; *data is the caller's (tb_free). They do
 * not say which model made them. unpack: TB_ENOTFOUND when another version of us wrote them (make
 * them again), TB_EMALFORMED when they are damaged. */
TB_MUST_CHECK tb_status tb_conds_pack(const tb_conds *conds, void **data, size_t *size,
                                      tb_err *err);
TB_MUST_CHECK tb_status tb_conds_unpack(const void *data, size_t size, tb_conds *out, tb_err *err);

#endif
