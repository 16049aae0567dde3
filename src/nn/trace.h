#ifndef TB_NN_TRACE_H
#define TB_NN_TRACE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A trace of activations: a network reports its inner arrays to a callback, under the names that
 * the reference's golden files use. The golden tests and `timbre probe` set the callback; in
 * service it is NULL and costs one comparison. x (rows, cols) row-major; transposed: the golden
 * file has (cols, rows).
 */
typedef struct tb_trace {
    void (*put)(void *self, const char *name, const float *x, size_t rows, size_t cols,
                bool transposed);
    void *self;
} tb_trace;

/* The name is formatted only when trace is not NULL. */
void tb_trace_put(const tb_trace *trace, const float *x, size_t rows, size_t cols, const char *fmt,
                  ...) TB_PRINTF(5, 6);
void tb_trace_put_t(const tb_trace *trace, const float *x, size_t rows, size_t cols,
                    const char *fmt, ...) TB_PRINTF(5, 6);

#endif
