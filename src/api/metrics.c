#include "api/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void escape(tb_str *out, const char *s, int quotes)
{
    for (; *s; s++) {
        if (*s == '\\')
            tb_str_puts(out, "\\\\");
        else if (*s == '\n')
            tb_str_puts(out, "\\n");
        else if (*s == '"' && quotes)
            tb_str_puts(out, "\\\"");
        else
            tb_str_add(out, s, 1);
    }
}

static void number(double x, char text[40])
{
    if (isnan(x))
        snprintf(text, 40, "NaN");
    else if (isinf(x))
        snprintf(text, 40, x > 0 ? "+Inf" : "-Inf");
    else
        snprintf(text, 40, "%.15g", x);
}

void tb_metric_family(tb_str *out, const char *name, const char *type, const char *help)
{
    tb_str_printf(out, "# HELP %s ", name);
    escape(out, help, 0);
    tb_str_printf(out, "\n# TYPE %s %s\n", name, type);
}

static void sample(tb_str *out, const char *name, const char *suffix, const tb_metric_label *labels,
                   size_t n, const char *le, const char *value)
{
    tb_str_printf(out, "%s%s", name, suffix);
    for (size_t i = 0; i < n; i++) {
        tb_str_printf(out, "%s%s=\"", i ? "," : "{", labels[i].name);
        escape(out, labels[i].value, 1);
        tb_str_puts(out, "\"");
    }
    if (le) tb_str_printf(out, "%sle=\"%s\"", n ? "," : "{", le);
    tb_str_printf(out, "%s %s\n", n || le ? "}" : "", value);
}

void tb_metric_sample(tb_str *out, const char *name, const tb_metric_label *labels, size_t n,
                      double value)
{
    char text[40];
    number(value, text);
    sample(out, name, "", labels, n, NULL, text);
}

void tb_metric_histogram(tb_str *out, const char *name, const tb_metric_label *labels, size_t n,
                         const double *bounds, const uint64_t *counts, size_t n_bounds, double sum)
{
    char le[40], text[40];
    uint64_t total = 0;
    for (size_t i = 0; i <= n_bounds; i++) {
        total += counts[i];
        number(i < n_bounds ? bounds[i] : HUGE_VAL, le);
        snprintf(text, sizeof text, "%" PRIu64, total);
        sample(out, name, "_bucket", labels, n, le, text);
    }
    sample(out, name, "_count", labels, n, NULL, text);
    number(sum, text);
    sample(out, name, "_sum", labels, n, NULL, text);
}
