#ifndef TB_NN_TAP_H
#define TB_NN_TAP_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Golden taps: a network tells whoever listens what its inner arrays are, under the names of the
 * recordings. `timbre probe` and the golden tests listen; nobody else does.
 *   x (rows, cols) row-major; transposed: the recording has (cols, rows).
 */
typedef struct tb_tap {
    void (*put)(void *self, const char *name, const float *x, size_t rows, size_t cols,
                bool transposed);
    void *self;
} tb_tap;

/* Formats the name only when somebody listens. */
void tb_tap_put(const tb_tap *tap, const float *x, size_t rows, size_t cols, const char *fmt, ...)
    TB_PRINTF(5, 6);
void tb_tap_put_t(const tb_tap *tap, const float *x, size_t rows, size_t cols, const char *fmt, ...)
    TB_PRINTF(5, 6);

#endif
