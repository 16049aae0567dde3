#ifndef TB_NN_TRACE_H
#define TB_NN_TRACE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Traces of activations: a network tells whoever listens what its inner arrays are, under the names
 * of the recordings. `timbre probe` and the golden tests listen; nobody else does. x (rows, cols)
 * row-major; transposed: the recording has (cols, rows).
 */
typedef struct tb_trace {
    void (*put)(void *self, const char *name, const float *x, size_t rows, size_t cols,
                bool transposed);
    void *self;
} tb_trace;

/* Formats the name only when somebody listens. */
void tb_trace_put(const tb_trace *trace, const float *x, size_t rows, size_t cols, const char *fmt,
                  ...) TB_PRINTF(5, 6);
void tb_trace_put_t(const tb_trace *trace, const float *x, size_t rows, size_t cols,
                    const char *fmt, ...) TB_PRINTF(5, 6);

#endif
