#ifndef TB_NN_BIND_H
#define TB_NN_BIND_H

#include "nn/ops.h"
#include "tensor/weights.h"

/*
 * From names to checked views. The first failure sticks (missing name, wrong shape, wrong type; the
 * sentence names tensor, file, shape found and shape wanted); later calls do nothing. So a network
 * binds everything in a straight list and looks at status once. A dimension given as 0 is taken
 * from the file.
 */
typedef struct {
    tb_weights *weights;
    const char *prefix; /* put before every name */
    tb_err *err;
    tb_status status;
} tb_bind;

/* Is there a tensor of that name? For counting layers. */
bool tb_bind_has(const tb_bind *b, const char *fmt, ...) TB_PRINTF(2, 3);
/* Any tensor, marked as used; NULL after a failure. */
const tb_tensor *tb_bind_tensor(tb_bind *b, const char *fmt, ...) TB_PRINTF(2, 3);
/* A vector of n f32 (any shape whose other axes are 1). */
const float *tb_bind_vec(tb_bind *b, size_t n, const char *fmt, ...) TB_PRINTF(3, 4);
/* "<name>.weight" (N, K) and, if bias, "<name>.bias" (N). A weight of three axes with the last two
 * multiplying to K is accepted: (N, k, C) is a convolution's. */
tb_mat tb_bind_mat(tb_bind *b, size_t N, size_t K, bool bias, const char *fmt, ...) TB_PRINTF(5, 6);
/* A convolution "<name>.weight" (N, k, C) [out, k, in] with "<name>.bias" if bias. */
tb_conv tb_bind_conv(tb_bind *b, size_t N, size_t k, size_t C, bool bias, const char *fmt, ...)
    TB_PRINTF(6, 7);
/* Refuses (TB_EMODEL, by name) the first tensor under prefix that nothing asked for. */
void tb_bind_nothing_left(tb_bind *b);

#endif
