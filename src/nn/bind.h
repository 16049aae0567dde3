#ifndef TB_NN_BIND_H
#define TB_NN_BIND_H

#include "nn/ops.h"
#include "tensor/weights.h"

/*
 * Looks up a network's weights by name and checks shape and type. The first failure (missing name,
 * wrong shape, wrong type; the message names the tensor, the file, the shape found and the shape
 * expected) is kept in `status`, and later calls do nothing. So a network binds everything in a
 * straight list and checks status once. A dimension of 0 is taken from the file.
 */
typedef struct {
    tb_weights *weights;
    const char *prefix; /* put before every name */
    tb_err *err;
    tb_status status;
} tb_bind;

/* Whether there is a tensor of that name: to count layers. */
bool tb_bind_has(const tb_bind *b, const char *fmt, ...) TB_PRINTF(2, 3);
/* Any tensor, marked as used; NULL after a failure. */
const tb_tensor *tb_bind_tensor(tb_bind *b, const char *fmt, ...) TB_PRINTF(2, 3);
/* A vector of n f32 numbers; all other axes must be 1. */
const float *tb_bind_vec(tb_bind *b, size_t n, const char *fmt, ...) TB_PRINTF(3, 4);
/* "<name>.weight" (N, K) and, if bias, "<name>.bias" (N). A weight of three axes (N, k, C), a
 * convolution's, is accepted if k C = K. */
tb_mat tb_bind_mat(tb_bind *b, size_t N, size_t K, bool bias, const char *fmt, ...) TB_PRINTF(5, 6);
/* A convolution "<name>.weight" (N, k, C) [out, k, in] with "<name>.bias" if bias. */
tb_conv tb_bind_conv(tb_bind *b, size_t N, size_t k, size_t C, bool bias, const char *fmt, ...)
    TB_PRINTF(6, 7);
/* TB_EMODEL, with its name, if there is a tensor under prefix that no call above has bound. */
void tb_bind_nothing_left(tb_bind *b);

#endif
