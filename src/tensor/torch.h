#ifndef TB_TENSOR_TORCH_H
#define TB_TENSOR_TORCH_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Files of torch.save (the zip kind, torch 1.6 and later): numbers, texts, lists, dicts and
 * tensors. The pickle inside is read by a machine that knows the opcodes and classes that such
 * files of plain data have, refuses every other and calls nothing. docs/model/conds.md tells the
 * format.
 */
enum { TB_TORCH_MAX_DIMS = 6 };

typedef enum {
    TB_TORCH_NONE,
    TB_TORCH_BOOL,
    TB_TORCH_INT,
    TB_TORCH_REAL,
    TB_TORCH_STRING,
    TB_TORCH_LIST,
    TB_TORCH_TUPLE,
    TB_TORCH_DICT,
    TB_TORCH_TENSOR,
    TB_TORCH_CLASS,   /* this and a storage are parts of tensors; loose in a tuple they */
    TB_TORCH_STORAGE, /* mean nothing */
} tb_torch_kind;

typedef struct tb_torch tb_torch;
typedef struct tb_torch_value tb_torch_value; /* lives as long as its file; never cyclic */

/* TB_EMODEL with a sentence for a file that is not one of ours; TB_ETOOBIG above max_bytes. */
TB_MUST_CHECK tb_status tb_torch_open(const char *path, size_t max_bytes, tb_torch **out,
                                      tb_err *err);
/* The same from memory that outlives it. label names it in sentences. */
TB_MUST_CHECK tb_status tb_torch_read(const void *data, size_t size, const char *label,
                                      tb_torch **out, tb_err *err);
void tb_torch_free(tb_torch *t);
const tb_torch_value *tb_torch_root(const tb_torch *t);
const char *tb_torch_label(const tb_torch *t);

/* Of a value. NULL, what get gives for an absent key, is a value of kind NONE. */
tb_torch_kind tb_torch_kind_of(const tb_torch_value *v);
const tb_torch_value *tb_torch_get(const tb_torch_value *dict, const char *key);
size_t tb_torch_len(const tb_torch_value *v); /* of a list, tuple or dict, else 0 */
const tb_torch_value *tb_torch_at(const tb_torch_value *v, size_t i); /* a dict's: its i-th value */
const char *tb_torch_key(const tb_torch_value *dict, size_t i);       /* NULL when it is no text */
const char *tb_torch_text(const tb_torch_value *v);                   /* NULL when v is no text */
double tb_torch_number(const tb_torch_value *v); /* of a bool, int or real, else 0 */

/* Of a tensor: the axes as they are meant, slowest first, whatever the order in the file. */
size_t tb_torch_dims(const tb_torch_value *v); /* 0 for a scalar, and for what is no tensor */
size_t tb_torch_dim(const tb_torch_value *v, size_t axis);
size_t tb_torch_count(const tb_torch_value *v); /* numbers in it; 0 for what is no tensor */

/*
 * A tensor's numbers, row-major, heap: *out is the caller's, tb_torch_count of them. TB_EMODEL when
 * v is no tensor, or has more than max numbers (a small file can name a large tensor), or, for i64,
 * when a number is not whole. what names it in the sentence.
 */
TB_MUST_CHECK tb_status tb_torch_f32(const tb_torch_value *v, const char *what, size_t max,
                                     float **out, tb_err *err);
TB_MUST_CHECK tb_status tb_torch_i64(const tb_torch_value *v, const char *what, size_t max,
                                     int64_t **out, tb_err *err);

#endif
