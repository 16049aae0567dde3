/*
 * timbre bench: the lines of a report, the least time that a line's work needs on this machine, and
 * comparison with another report.
 *
 * A line has a value, its work in bytes and operations, and a section. Its limit is the largest of
 * work over rate for each of the machine's rates (read, f32, bf16, int8). Reports are JSON with a
 * format number; comparing names lines that are slower by more than a factor. docs/bench.md.
 */
#include "base/mem.h"
#include "base/str.h"
#include "bench/bench_priv.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

const char *const tb_yard_names[TB_YARD_COUNT] = {"", "read", "f32", "bf16", "int8"};

enum { FORMAT = 1 };
static const char *const kinds[] = {"seconds", "rate", "MB", "number"};

void tb_bench_report_clear(tb_bench_report *r)
{
    if (!r) return;
    tb_free(r->lines);
    tb_free(r->model);
    tb_free(r->isa);
    *r = (tb_bench_report){0};
}

tb_bench_line *tb_bench_add(tb_bench_report *r, const char *section, const char *name,
                            tb_bench_kind kind, const char *unit, double value, const char *fmt,
                            ...)
{
    va_list args;
    if (r->n == r->cap) {
        tb_bench_line *more = tb_alloc((r->cap + 64) * sizeof *more);
        if (r->n) memcpy(more, r->lines, r->n * sizeof *more);
        tb_free(r->lines);
        r->lines = more;
        r->cap += 64;
    }
    tb_bench_line *line = &r->lines[r->n++];
    *line = (tb_bench_line){.section = section, .kind = kind, .unit = unit, .value = value};
    snprintf(line->name, sizeof line->name, "%s", name);
    va_start(args, fmt);
    vsnprintf(line->what, sizeof line->what, fmt, args);
    va_end(args);
    return line;
}

const tb_bench_line *tb_bench_find(const tb_bench_report *r, const char *name)
{
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->lines[i].name, name) == 0) return &r->lines[i];
    return NULL;
}

/* ---- limits ---- */

void tb_bench_more_work(tb_bench_work *w, const tb_bench_work *more, double times)
{
    for (size_t i = 0; i < TB_YARD_COUNT; i++)
        w->flop[i] += times * more->flop[i];
    w->bytes += times * more->bytes;
}

static double all_flop(const tb_bench_work *w)
{
    double sum = 0;
    for (size_t i = 0; i < TB_YARD_COUNT; i++)
        sum += w->flop[i];
    return sum;
}

/* A type without instructions of its own is computed as the next wider one. */
static tb_yard rate_of(const double yards[TB_YARD_COUNT], tb_yard y)
{
    while (y > TB_YARD_F32 && !(yards[y] > 0))
        y = (tb_yard)(y - 1);
    return y;
}

double tb_bench_limit(const double yards[TB_YARD_COUNT], const tb_bench_work *work, tb_yard *by)
{
    double compute = 0, most = 0;
    *by = TB_YARD_NONE;
    for (tb_yard y = TB_YARD_F32; y < TB_YARD_COUNT; y++) {
        const tb_yard rate = rate_of(yards, y);
        if (!(work->flop[y] > 0) || !(yards[rate] > 0)) continue;
        const double t = work->flop[y] / yards[rate];
        compute += t;
        if (t > most) {
            most = t;
            *by = rate;
        }
    }
    const double read = yards[TB_YARD_READ] > 0 ? work->bytes / yards[TB_YARD_READ] : 0;
    if (read > compute) *by = TB_YARD_READ;
    return fmax(read, compute);
}

double tb_bench_line_limit(const tb_bench_report *r, const tb_bench_line *line, tb_yard *by)
{
    double sum = 0, most = 0;
    *by = TB_YARD_NONE;
    for (size_t i = 0; i < TB_BENCH_PARTS; i++) {
        tb_yard its;
        const double t = tb_bench_limit(r->yards, &line->work[i], &its);
        sum += t;
        if (t > most) {
            most = t;
            *by = its;
        }
    }
    return sum;
}

static tb_bench_work all_work(const tb_bench_line *l)
{
    tb_bench_work w = {0};
    for (size_t i = 0; i < TB_BENCH_PARTS; i++)
        tb_bench_more_work(&w, &l->work[i], 1);
    return w;
}

/* ---- for people ---- */

static void put_seconds(char *out, size_t size, double s)
{
    if (s >= 1)
        snprintf(out, size, "%.2f s", s);
    else if (s >= 1e-3)
        snprintf(out, size, "%.1f ms", s * 1e3);
    else
        snprintf(out, size, "%.0f us", s * 1e6);
}

static void put_value(char *out, size_t size, const tb_bench_line *l)
{
    switch (l->kind) {
    case TB_BENCH_SECONDS:
        put_seconds(out, size, l->value);
        break;
    case TB_BENCH_MB:
        snprintf(out, size, "%.0f MB", l->value);
        break;
    default:
        snprintf(out, size, fabs(l->value) >= 100 ? "%.0f%s%s" : "%.3g%s%s", l->value,
                 l->unit ? " " : "", l->unit ? l->unit : "");
    }
}

static void put_work(char *out, size_t size, const tb_bench_work *w, tb_yard by)
{
    if (by == TB_YARD_READ)
        snprintf(out, size, "%.3g GB", w->bytes / 1e9);
    else if (by != TB_YARD_NONE)
        snprintf(out, size, "%.3g GFLOP", all_flop(w) / 1e9);
    else
        out[0] = 0;
}

static void print_line(const tb_bench_report *r, const tb_bench_line *l, FILE *out)
{
    char value[32], work[32], limit[48] = "", share[16] = "", cpu[16] = "";
    tb_yard by;
    const double least = tb_bench_line_limit(r, l, &by);
    const tb_bench_work all = all_work(l);

    put_value(value, sizeof value, l);
    put_work(work, sizeof work, &all, by);
    if (least > 0) {
        char s[32];
        put_seconds(s, sizeof s, least);
        snprintf(limit, sizeof limit, "%s %s", s, tb_yard_names[by]);
        snprintf(share, sizeof share, "%.0f %%", 100 * least / l->value);
        if (l->cpu_s > 0)
            snprintf(cpu, sizeof cpu, "%.0f %%", 100 * least * (double)r->threads / l->cpu_s);
    }
    fprintf(out, "  %-52s %14s", l->what, value);
    if (least > 0) fprintf(out, "  %12s  %14s  %6s  %6s", work, limit, share, cpu);
    fputc('\n', out);
}

void tb_bench_print(const tb_bench_report *r, FILE *out)
{
    const char *section = "";
    fprintf(out, "%s\n%zu threads, %s", r->model, r->threads, r->isa);
    if (r->load[0] >= 0)
        fprintf(out, "; load of the machine %.1f before, %.1f after", r->load[0], r->load[1]);
    fprintf(out, "\n\nthe machine\n");
    for (tb_yard y = TB_YARD_READ; y < TB_YARD_COUNT; y++)
        if (r->yards[y] > 0)
            fprintf(out, "  %-52s %8.4g %s\n",
                    y == TB_YARD_READ   ? "memory, reading"
                    : y == TB_YARD_F32  ? "f32, from register to register"
                    : y == TB_YARD_BF16 ? "bf16"
                                        : "int8",
                    r->yards[y] / 1e9, y == TB_YARD_READ ? "GB/s" : "GFLOP/s");
    for (size_t i = 0; i < r->n; i++) {
        const tb_bench_line *l = &r->lines[i];
        if (strcmp(l->section, section) != 0) {
            section = l->section;
            fprintf(out, "\n%-54s %14s  %12s  %14s  %6s  %6s\n", section, "", "work", "limit",
                    "share", "of CPU");
        }
        print_line(r, l, out);
    }
}

/* ---- for programs ---- */

static tb_json *line_json(const tb_bench_report *r, const tb_bench_line *l)
{
    tb_json *o = tb_json_object();
    tb_yard by;
    const double least = tb_bench_line_limit(r, l, &by);
    const tb_bench_work all = all_work(l);

    tb_json_set_string(o, "name", l->name);
    tb_json_set_string(o, "section", l->section);
    tb_json_set_string(o, "what", l->what);
    tb_json_set_string(o, "kind", kinds[l->kind]);
    if (l->unit) tb_json_set_string(o, "unit", l->unit);
    tb_json_set_real(o, "value", l->value);
    if (l->cpu_s > 0) tb_json_set_real(o, "cpu_s", l->cpu_s);
    if (least > 0) {
        tb_json_set_real(o, "gflop", all_flop(&all) / 1e9);
        tb_json_set_real(o, "gbytes", all.bytes / 1e9);
        tb_json_set_string(o, "yardstick", tb_yard_names[by]);
        tb_json_set_real(o, "limit_s", least);
        tb_json_set_real(o, "share", least / l->value);
        if (l->cpu_s > 0)
            tb_json_set_real(o, "share_of_cpu", least * (double)r->threads / l->cpu_s);
    }
    return o;
}

tb_json *tb_bench_to_json(const tb_bench_report *r)
{
    tb_json *o = tb_json_object(), *yards = tb_json_object(), *lines = tb_json_array();
    tb_json_set_int(o, "timbre_bench", FORMAT);
    tb_json_set_string(o, "version", TB_VERSION);
    tb_json_set_string(o, "model", r->model);
    tb_json_set_string(o, "isa", r->isa);
    tb_json_set_int(o, "threads", (int64_t)r->threads);
    if (r->load[0] >= 0) {
        tb_json *load = tb_json_array();
        tb_json_add(load, tb_json_real(r->load[0]));
        tb_json_add(load, tb_json_real(r->load[1]));
        tb_json_set(o, "load", load);
    }
    for (tb_yard y = TB_YARD_READ; y < TB_YARD_COUNT; y++)
        if (r->yards[y] > 0) tb_json_set_real(yards, tb_yard_names[y], r->yards[y]);
    tb_json_set(o, "yardsticks", yards);
    for (size_t i = 0; i < r->n; i++)
        tb_json_add(lines, line_json(r, &r->lines[i]));
    tb_json_set(o, "lines", lines);
    return o;
}

/* ---- beside others ---- */

static bool is_report(const tb_json *v)
{
    return tb_json_integer(tb_json_get(v, "timbre_bench")) == FORMAT &&
           tb_json_is_object(tb_json_get(v, "yardsticks")) &&
           tb_json_is_array(tb_json_get(v, "lines"));
}

static const tb_json *line_named(const tb_json *report, const char *name)
{
    const tb_json *lines = tb_json_get(report, "lines");
    for (size_t i = 0; i < tb_json_len(lines); i++) {
        const char *its = tb_json_get_string(tb_json_at(lines, i), "name");
        if (its && strcmp(its, name) == 0) return tb_json_at(lines, i);
    }
    return NULL;
}

static double number(const tb_json *o, const char *key)
{
    return tb_json_number(tb_json_get(o, key));
}

static void put_change(const tb_json *now, const tb_json *then, const char *key, tb_str *out)
{
    const char *a = tb_json_get_string(now, key), *b = tb_json_get_string(then, key);
    if (a && b && strcmp(a, b) != 0) tb_str_printf(out, "%s: %s, then %s\n", key, a, b);
}

/* How many times as fast the machine is now, at what the line hangs on. */
static double machine(const tb_json *now, const tb_json *then, const tb_json *line)
{
    const char *yard = tb_json_get_string(line, "yardstick");
    const double a = number(tb_json_get(now, "yardsticks"), yard ? yard : "f32");
    const double b = number(tb_json_get(then, "yardsticks"), yard ? yard : "f32");
    return a > 0 && b > 0 ? a / b : 1;
}

tb_status tb_bench_compare(const tb_json *now, const tb_json *then, double factor, tb_str *out,
                           size_t *slower, tb_err *err)
{
    const tb_json *lines = tb_json_get(now, "lines");
    *slower = 0;
    if (!is_report(then))
        return tb_fail(err, TB_EMALFORMED, "this is not a report that timbre bench --json printed");
    put_change(now, then, "model", out);
    put_change(now, then, "isa", out);
    if (number(now, "threads") != number(then, "threads"))
        tb_str_printf(out, "threads: %.0f, then %.0f\n", number(now, "threads"),
                      number(then, "threads"));
    tb_str_printf(out, "%-54s %12s %12s %8s %8s\n", "", "then", "now", "now/then", "evened");
    for (size_t i = 0; i < tb_json_len(lines); i++) {
        const tb_json *l = tb_json_at(lines, i);
        const char *name = tb_json_get_string(l, "name"), *kind = tb_json_get_string(l, "kind");
        const tb_json *old = name ? line_named(then, name) : NULL;
        const double a = number(l, "value"), b = number(old, "value");
        if (!old || !kind || strcmp(kind, "number") == 0 || !(a > 0) || !(b > 0)) continue;
        const double ratio = a / b;
        double worse = ratio;
        if (strcmp(kind, "seconds") == 0)
            worse = ratio * machine(now, then, l);
        else if (strcmp(kind, "rate") == 0)
            worse = machine(now, then, l) / ratio;
        const bool bad = worse > factor;
        *slower += bad;
        tb_str_printf(out, "%-54s %12.4g %12.4g %8.2f %8.2f%s\n", tb_json_get_string(l, "what"), b,
                      a, ratio, worse, bad ? "  slower" : "");
    }
    return TB_OK;
}

static tb_status one_peer(const tb_json *now, const tb_json *peer, tb_str *out, tb_err *err)
{
    const tb_json *stages = tb_json_get(peer, "stages");
    const char *name = tb_json_get_string(peer, "name"), *stage;
    tb_json *value;

    if (!name || !tb_json_is_object(stages))
        return tb_fail(
            err, TB_EMALFORMED,
            "another program's figures are {\"name\": ..., \"stages\": {stage: seconds}} "
            "or a list of such");
    tb_str_printf(out, "%-54s %12s %12s %8s\n", name, "its", "ours", "its/ours");
    for (void *it = NULL; tb_json_next(stages, &it, &stage, &value);) {
        const tb_json *l = line_named(now, stage);
        const char *kind = tb_json_get_string(l, "kind");
        if (!tb_json_is_number(value) || !(tb_json_number(value) > 0))
            return tb_fail(err, TB_EMALFORMED, "%s of %s is not a number of seconds", stage, name);
        if (!kind || strcmp(kind, "seconds") != 0)
            return tb_fail(err, TB_EMALFORMED,
                           "%s of %s: this run has no such time; see the names of --json", stage,
                           name);
        tb_str_printf(out, "%-54s %12.4g %12.4g %8.2f\n", tb_json_get_string(l, "what"),
                      tb_json_number(value), number(l, "value"),
                      tb_json_number(value) / number(l, "value"));
    }
    return TB_OK;
}

tb_status tb_bench_peer(const tb_json *now, const tb_json *peer, tb_str *out, tb_err *err)
{
    tb_status st = TB_OK;
    if (!tb_json_is_array(peer)) return one_peer(now, peer, out, err);
    for (size_t i = 0; !st && i < tb_json_len(peer); i++)
        st = one_peer(now, tb_json_at(peer, i), out, err);
    return st;
}

/* ---- sums ---- */

bool tb_bench_fit(const double *segments, const double *seconds, const double *t, size_t n,
                  double *fixed, double *slope)
{
    double aa = 0, ab = 0, bb = 0, at = 0, bt = 0;
    for (size_t i = 0; i < n; i++) {
        /* Relative errors count: a second too long in ten minutes is nothing. */
        const double w = t[i] > 0 ? 1 / (t[i] * t[i]) : 0;
        aa += w * segments[i] * segments[i];
        ab += w * segments[i] * seconds[i];
        bb += w * seconds[i] * seconds[i];
        at += w * segments[i] * t[i];
        bt += w * seconds[i] * t[i];
    }
    const double det = aa * bb - ab * ab;
    if (!(det > 1e-9 * aa * bb)) return false;
    *fixed = (at * bb - bt * ab) / det;
    *slope = (bt * aa - at * ab) / det;
    return true;
}

double tb_bench_gaps(const double *ready, const double *seconds, size_t n)
{
    double waited = 0, until = n ? ready[0] : 0; /* what is there has played until then */
    for (size_t i = 0; i < n; i++) {
        if (ready[i] > until) {
            waited += ready[i] - until;
            until = ready[i];
        }
        until += seconds[i];
    }
    return waited;
}

void tb_bench_seams(const float *a, const float *b, size_t rows, size_t cols,
                    const tb_bench_joins *joins, double *at_joins, double *elsewhere)
{
    double sum[2] = {0, 0};
    size_t count[2] = {0, 0};
    for (size_t i = 0; i < rows; i++) {
        bool by = false;
        for (size_t j = 0; j < joins->n; j++)
            by = by || (i + joins->near >= joins->row[j] && i <= joins->row[j] + joins->near);
        for (size_t c = 0; c < cols; c++)
            sum[by] += fabs((double)a[i * cols + c] - (double)b[i * cols + c]);
        count[by] += cols;
    }
    *at_joins = count[1] ? sum[1] / (double)count[1] : (double)NAN;
    *elsewhere = count[0] ? sum[0] / (double)count[0] : (double)NAN;
}
