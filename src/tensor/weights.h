#ifndef TB_TENSOR_WEIGHTS_H
#define TB_TENSOR_WEIGHTS_H

#include "base/err.h"
#include "tensor/tensor.h"

/*
 * A set of named tensors: a memory-mapped safetensors or GGUF file, or one made in memory. It knows
 * no network; what names and shapes must be there is said by whoever binds them (nn/bind.h).
 * Immutable after opening, except for the marks that binding leaves.
 */
typedef struct tb_weights tb_weights;

/* safetensors: F32, F16, BF16, I32, I64, U8 (F64 is read as F32); header at most 16 MB; ranges must
 * be inside the file, contiguous and without overlap. TB_EMODEL names the first thing wrong. */
TB_MUST_CHECK tb_status tb_safetensors_open(const char *path, tb_weights **out, tb_err *err);
/* GGUF version 3, little endian. Names keep GGUF's spelling; dims come back slowest first. */
TB_MUST_CHECK tb_status tb_gguf_open(const char *path, tb_weights **out, tb_err *err);
/* The same from memory that outlives the set (fuzzing, tests). */
TB_MUST_CHECK tb_status tb_safetensors_read(const void *data, size_t size, const char *label,
                                            tb_weights **out, tb_err *err);
TB_MUST_CHECK tb_status tb_gguf_read(const void *data, size_t size, const char *label,
                                     tb_weights **out, tb_err *err);

/* An empty set to fill. add copies name; it takes owned (heap, may be NULL when t->data is borrowed
 * from something that outlives the set). TB_EMODEL for a name that is there already. */
tb_weights *tb_weights_new(const char *label);
TB_MUST_CHECK tb_status tb_weights_add(tb_weights *w, const char *name, const tb_tensor *t,
                                       void *owned, tb_err *err);
void tb_weights_free(tb_weights *w);
/* The set frees source when it is freed itself: for tensors borrowed from there. Takes source,
 * which may be NULL. */
void tb_weights_take_source(tb_weights *w, tb_weights *source);
/* Tensors added from here on come from source: sentences about them name its label. source must
 * live as long as w does. */
void tb_weights_from(tb_weights *w, const tb_weights *source);

const char *tb_weights_label(const tb_weights *w);                    /* the path, for sentences */
const char *tb_weights_file(const tb_weights *w, const tb_tensor *t); /* the one t came from */
size_t tb_weights_count(const tb_weights *w);
const char *tb_weights_name(const tb_weights *w, size_t i);
const tb_tensor *tb_weights_at(const tb_weights *w, size_t i);
const tb_tensor *tb_weights_find(const tb_weights *w, const char *name); /* NULL when absent */
/* Metadata as text (GGUF strings and numbers, safetensors' __metadata__); NULL when absent. */
const char *tb_weights_meta(const tb_weights *w, const char *key);
size_t tb_weights_meta_count(const tb_weights *w);
const char *tb_weights_meta_key(const tb_weights *w, size_t i);
/* Metadata that is bytes (GGUF arrays of U8, or added); NULL when absent. Text gives its bytes,
 * with a NUL behind them that size does not count. Lives as long as the set. */
const void *tb_weights_blob(const tb_weights *w, const char *key, size_t *size);
/* Adds bytes under a key; data must outlive the set unless it is owned (heap; may be NULL), which
 * is taken, on failure too. TB_EMODEL for a key that is there already. */
TB_MUST_CHECK tb_status tb_weights_add_blob(tb_weights *w, const char *key, const void *data,
                                            size_t size, void *owned, tb_err *err);

/* Marks, used by nn/bind.h to find what nobody asked for. */
void tb_weights_mark(tb_weights *w, const tb_tensor *t);
bool tb_weights_marked(const tb_weights *w, size_t i);

/* Tells the system that the file's pages of t may go (MADV_DONTNEED); harmless on owned memory. */
void tb_weights_drop_pages(const tb_weights *w, const tb_tensor *t);

#endif
