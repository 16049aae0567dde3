#ifndef TB_TENSOR_TORCH_PRIV_H
#define TB_TENSOR_TORCH_PRIV_H

#include "tensor/torch.h"
#include "tensor/zip_priv.h"

/* What torch.c (files and tensors) and pickle.c (the machine) share. */

typedef enum { TB_EL_F32, TB_EL_F16, TB_EL_BF16, TB_EL_F64, TB_EL_I64, TB_EL_I32 } tb_torch_element;
extern const size_t tb_torch_element_bytes[];

typedef struct tb_torch_class tb_torch_class; /* what a GLOBAL may name; the machine's own */

struct tb_torch_value {
    tb_torch_kind kind;
    unsigned depth; /* of a container: 1 more than the deepest thing in it */
    bool sealed;    /* is in a container: may not change any more, so no cycle can be closed */
    bool ordered;   /* a dict that was an OrderedDict: it may be given attributes */
    tb_torch_value *older;
    union {
        int64_t integer; /* BOOL, INT */
        double real;
        char *text;
        struct {
            tb_torch_value **at; /* a dict's: key, value, key, value, ... */
            size_t n, cap;
        } items;
        const tb_torch_class *class;
        struct {
            tb_torch_element type;
            const uint8_t *data;
            size_t n; /* elements */
        } storage;
        struct {
            tb_torch_element type;
            const uint8_t *first;
            size_t n_dims, dim[TB_TORCH_MAX_DIMS], stride[TB_TORCH_MAX_DIMS]; /* in elements */
            size_t count;
        } tensor;
    } as;
};

struct tb_torch {
    char *label;
    char *owned; /* the file's bytes when they are ours */
    tb_zip zip;
    char *root_folder; /* "conds/" */
    tb_torch_value *newest;
    size_t n_values;
    const tb_torch_value *root;
};

/* Is v a list, tuple or dict? */
bool tb_torch_is_container(const tb_torch_value *v);

/* Runs a pickle, which outlives t, to t->root. Its storages are looked up in t->zip under
 * t->root_folder. What was made stays t's, on failure too. */
TB_MUST_CHECK tb_status tb_pickle_run(tb_torch *t, const uint8_t *pickle, size_t size, tb_err *err);

#endif
