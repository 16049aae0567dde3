#ifndef TB_TENSOR_GGUF_H
#define TB_TENSOR_GGUF_H

#include "tensor/tensor.h"

/*
 * Writing GGUF version 3 (the reader is tensor/weights.h's tb_gguf_open): first what is in it is
 * said, then it is written in one go, tensors made part by part, so that the file may be larger
 * than the memory.
 */
typedef struct tb_gguf tb_gguf;

enum { TB_GGUF_ALIGNMENT = 32, TB_GGUF_NAME_MAX = 63 }; /* what the field's readers take */

tb_gguf *tb_gguf_new(void);
void tb_gguf_free(tb_gguf *g);

/* Metadata, in the order given; each key once. */
void tb_gguf_put_text(tb_gguf *g, const char *key, const char *text);
void tb_gguf_put_u32(tb_gguf *g, const char *key, uint32_t x);
void tb_gguf_put_bytes(tb_gguf *g, const char *key, const void *data,
                       size_t size); /* array of U8 */

/* A tensor of this name, shape and type; its data comes later. TB_EMODEL when the name is too long
 * or the type is none of GGUF's. */
TB_MUST_CHECK tb_status tb_gguf_add(tb_gguf *g, const char *name, const tb_tensor *t, tb_err *err);
uint64_t tb_gguf_size(const tb_gguf *g); /* bytes of the file */

/* Where the data comes from. */
typedef struct {
    /* Rows first .. first + n - 1 (of the first axis; a vector is one row) of tensor i. */
    tb_status (*make)(void *self, size_t i, size_t first, size_t n, void *out, tb_err *err);
    /* May be NULL. Told after each part, with the bytes of the file so far. */
    void (*progress)(void *self, uint64_t done, uint64_t total);
    void *self;
} tb_gguf_data;

/* Under a temporary name in the folder of path, then fsync and rename. TB_ENOSPACE before anything
 * is written when the disk has too little room. */
TB_MUST_CHECK tb_status tb_gguf_write(const tb_gguf *g, const char *path, const tb_gguf_data *data,
                                      tb_err *err);

#endif
