#ifndef TB_MODEL_LAYOUT_PRIV_H
#define TB_MODEL_LAYOUT_PRIV_H

#include "model/layout.h"

/* What the table of names (layout_names.c) tells the conversion (layout.c) of a published tensor.
 */

/* How a published tensor is converted. */
typedef enum {
    DROP,      /* in the file, never used */
    KEEP,      /* as it is */
    TRANSPOSE, /* GPT-2's (in, out) -> (out, in) */
    CONV,      /* (out, in, k...) -> (out, k..., in) */
    NORM_CONV, /* the same; this is v of a weight norm: times g / |v| per first axis */
    NORM_UP,   /* a transposed convolution's v: (in, out, k) -> (out, k, in), per first axis too */
    NORM_GAIN, /* g of a weight norm: folded into its v */
} tb_shape_rule;

/* The group decides the number type. Vectors are f32 in every group. */
typedef enum {
    EXACT, /* f32: small, or errors would be audible */
    BLOCK, /* the big matrices of the token model */
    TABLE, /* rows looked up: f16 when the matrices are quantised */
    SOUND, /* flow and vocoder: bf16 then */
    SIGN,  /* speech tokenizer and speaker networks: stored in f16, computed in f32, because a
            * flipped sign is another token */
    GROUP_COUNT
} tb_type_group;

typedef enum { T3, S3GEN, VE } tb_layout_file;

/*
 * Patterns: # stands for a number, {a|b} for one of several words, * for anything without a
 * further '*' (used for what is dropped). Order does not matter: a name fits one row.
 */
typedef struct {
    tb_layout_file file;
    const char *pattern;
    tb_shape_rule rule;
    tb_type_group group;
} tb_layout_rule;

const tb_layout_rule *tb_layout_find(tb_layout_file file, const char *name); /* NULL: no row fits */
/* The name in our set of a tensor of that file; false when it is too long. */
bool tb_layout_rename(tb_layout_file file, const char *published, char out[TB_LAYOUT_NAME]);

#endif
