#ifndef TB_TENSOR_WEIGHTS_PRIV_H
#define TB_TENSOR_WEIGHTS_PRIV_H

#include "tensor/weights.h"

/* What the readers of weight files need of a set, and how files come into memory. */

enum { TB_WEIGHT_NAME_MAX = 255 };

/* A read-only private mapping. The file must not be shortened while it is mapped: the readers check
 * everything against the size it had. */
typedef struct {
    void *data; /* read-only */
    size_t size;
} tb_mapping;

TB_MUST_CHECK tb_status tb_mapping_open(const char *path, tb_mapping *out, tb_err *err);
void tb_mapping_close(tb_mapping *m);

/* The set unmaps m when it is freed; m is empty after. */
void tb_weights_take_mapping(tb_weights *w, tb_mapping *m);
/* Room for n tensors, so that adding does not move them about. TB_ENOMEM. */
TB_MUST_CHECK tb_status tb_weights_reserve(tb_weights *w, size_t n, tb_err *err);
/* Adds t where it lies, or a copy when it lies at an address its numbers cannot be read from. */
TB_MUST_CHECK tb_status tb_weights_place(tb_weights *w, const char *name, const tb_tensor *t,
                                         tb_err *err);
/* Copies key and the len bytes of text, which must be UTF-8 without NUL. TB_EMODEL for a key that
 * is there already. */
TB_MUST_CHECK tb_status tb_weights_add_meta(tb_weights *w, const char *key, const char *text,
                                            size_t len, tb_err *err);

/* The product of the dimensions and the bytes that takes, or false when it overflows or the last
 * axis is no whole number of blocks. */
bool tb_tensor_measure(const tb_tensor *t, size_t *count, size_t *bytes);

#endif
