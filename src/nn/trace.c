#include "nn/trace.h"

#include <stdarg.h>
#include <stdio.h>

TB_PRINTF(6, 0)
static void put(const tb_trace *trace, const float *x, size_t rows, size_t cols, bool transposed,
                const char *fmt, va_list ap)
{
    char name[96];
    vsnprintf(name, sizeof name, fmt, ap);
    trace->put(trace->self, name, x, rows, cols, transposed);
}

void tb_trace_put(const tb_trace *trace, const float *x, size_t rows, size_t cols, const char *fmt,
                  ...)
{
    if (!trace) return;
    va_list ap;
    va_start(ap, fmt);
    put(trace, x, rows, cols, false, fmt, ap);
    va_end(ap);
}

void tb_trace_put_t(const tb_trace *trace, const float *x, size_t rows, size_t cols,
                    const char *fmt, ...)
{
    if (!trace) return;
    va_list ap;
    va_start(ap, fmt);
    put(trace, x, rows, cols, true, fmt, ap);
    va_end(ap);
}
