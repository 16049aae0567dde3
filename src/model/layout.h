#ifndef TB_MODEL_LAYOUT_H
#define TB_MODEL_LAYOUT_H

#include "tensor/weights.h"

/*
 * From the published files' tensors to ours: names shortened, matrices as (out, in), convolutions
 * as (out, k, in), weight norm folded, numbers in the type asked for. One table says what every
 * name is; a name that is not in it is refused. The layout is docs/model/files.md, "Our single
 * file".
 */
enum { TB_LAYOUT_VERSION = 1 }; /* of that layout; a GGUF file of ours carries it */

/* Sets as the safetensors reader gives them, any of them NULL. Names start with the prefix ("" or
 * NULL: none), which is cut off; tensors that do not are none of ours. */
typedef struct {
    tb_weights *t3, *s3gen, *ve;
    const char *t3_prefix, *s3gen_prefix, *ve_prefix;
} tb_layout_source;

/* A planned conversion: names, shapes and types are known, numbers are computed on demand. */
typedef struct tb_layout tb_layout;

/* type: f32, f16, bf16, q8_0 or q4_0; what that means for each tensor is in the table of
 * layout_names.c. Takes the sets of src, on failure too; one set may be given in several places.
 * label is what sentences about the result call it. TB_EMODEL names the first tensor that does not
 * fit. */
TB_MUST_CHECK tb_status tb_layout_new(const tb_layout_source *src, tb_dtype type, const char *label,
                                      tb_layout **out, tb_err *err);
void tb_layout_free(tb_layout *r);

size_t tb_layout_count(const tb_layout *r);
const char *tb_layout_name(const tb_layout *r, size_t i);
const tb_tensor *tb_layout_tensor(const tb_layout *r, size_t i); /* shape and type; data is NULL */

/* Tensor i is converted in parts of whole rows (the first axis; a vector is one row). */
size_t tb_layout_rows(const tb_layout *r, size_t i);
size_t tb_layout_row_bytes(const tb_layout *r, size_t i);
/* Rows first .. first + n - 1, into n * tb_layout_row_bytes bytes. Threads may make parts of one
 * recipe at once. TB_EMODEL when a number cannot be held in the type, or is none. */
TB_MUST_CHECK tb_status tb_layout_make(const tb_layout *r, size_t i, size_t first, size_t n,
                                       void *out, tb_err *err);
/* Returns the file's pages behind tensor i to the system: it will not be needed again soon. */
void tb_layout_done_with(const tb_layout *r, size_t i);

/* All of it in memory, as one set that keeps the sources: a tensor that is wanted as the file has
 * it is borrowed from the mapping. Takes the sets of src. */
TB_MUST_CHECK tb_status tb_layout_build(const tb_layout_source *src, tb_dtype type,
                                        const char *label, tb_weights **out, tb_err *err);

/* Our name of a published one ("speaker_encoder.xvector.tdnn.nonlinear.batchnorm.weight" ->
 * "xv.tdnn.nl.bn.weight") and back, by the same table. False when it does not fit. back cannot tell
 * the two halves of a weight norm: it says "...parametrizations.weight". */
enum { TB_LAYOUT_NAME = 256 };
bool tb_layout_our_name(const char *published, char out[TB_LAYOUT_NAME]);
bool tb_layout_published_name(const char *ours, char out[TB_LAYOUT_NAME]);

#endif
