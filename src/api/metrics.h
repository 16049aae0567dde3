#ifndef TB_API_METRICS_H
#define TB_API_METRICS_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

/* Prometheus text exposition (0.0.4) into out. First the family, then its samples. */
typedef struct {
    const char *name, *value; /* any UTF-8; escaped here */
} tb_metric_label;

/* type: counter, gauge, histogram. name: [a-zA-Z_:][a-zA-Z0-9_:]*, counters end in _total. */
void tb_metric_family(tb_str *out, const char *name, const char *type, const char *help);
void tb_metric_sample(tb_str *out, const char *name, const tb_metric_label *labels, size_t n,
                      double value);
/* bounds (n_bounds), ascending; counts (n_bounds + 1), one per bucket and not yet summed, the last
 * one above all bounds. */
void tb_metric_histogram(tb_str *out, const char *name, const tb_metric_label *labels, size_t n,
                         const double *bounds, const uint64_t *counts, size_t n_bounds, double sum);

#endif
