/*
 * timbre bench: reads options, finds the model, runs the chosen sections and prints or compares the
 * report.
 *
 * Sections (memory, stages, a new voice, lengths, stream, together) are files of their own; each
 * adds lines to the report (report.c). The machine's limits are measured first (nn/roofline.h).
 * docs/bench.md.
 */
#include "bench/bench_priv.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "chatterbox/install.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const tb_cli_option tb_bench_options[] = {
    {"--only", NULL, "NAMES", "a list of memory,stages,voice,lengths,stream,together"},
    {"--runs", NULL, "N", "runs of each measurement, of which the best counts; default: 3"},
    {"--long", NULL, NULL, "also measure ten minutes of speech"},
    {"--compare", NULL, "FILE", "an earlier run's --json: print ratios, exit with 1 if slower"},
    {"--factor", NULL, "X", "ratio from which --compare calls a line slower; default: 1.25"},
    {"--peer", NULL, "FILE", "another program's times for the same case: print ratios"},
    {0},
};

static const struct {
    const char *name;
    tb_status (*run)(tb_bench *b, tb_err *err);
} sections[] = {
    {"memory", tb_bench_memory},   {"stages", tb_bench_stages}, {"voice", tb_bench_voice},
    {"lengths", tb_bench_lengths}, {"stream", tb_bench_stream}, {"together", tb_bench_together},
};
enum { SECTIONS = sizeof sections / sizeof *sections, REPORT_MAX = 4 << 20 };

/* Is name in the list? NULL: everything is. */
static bool chosen(const char *list, const char *name)
{
    const size_t len = strlen(name);
    if (!list) return true;
    for (const char *p = list; *p; p += strcspn(p, ",")) {
        p += *p == ',';
        if (strncmp(p, name, len) == 0 && (p[len] == 0 || p[len] == ',')) return true;
    }
    return false;
}

/* The first word of the list that is no section; NULL: none. Points into list. */
static const char *unknown_name(const char *list)
{
    while (list && *list) {
        const size_t len = strcspn(list, ",");
        bool known = false;
        for (size_t i = 0; i < SECTIONS; i++)
            known = known ||
                    (strlen(sections[i].name) == len && strncmp(list, sections[i].name, len) == 0);
        if (!known) return list;
        list += len + (list[len] == ',');
    }
    return NULL;
}

static void look_at_load(double *load)
{
    double l[1];
    *load = getloadavg(l, 1) == 1 ? l[0] : -1;
}

/* The machine's bandwidth and rate. Other programs may run, so the best of several runs counts. */
static tb_status measure_machine(tb_bench_report *r, tb_err *err)
{
    static const tb_dtype types[TB_YARD_COUNT] = {
        [TB_YARD_F32] = TB_F32, [TB_YARD_BF16] = TB_BF16, [TB_YARD_INT8] = TB_Q8_0};
    tb_thread_pool *pool = NULL;
    tb_status st = tb_thread_pool_new(r->threads, &pool, err);
    if (st) return st;
    r->yards[TB_YARD_READ] = fmax(r->yards[TB_YARD_READ], tb_roofline_bandwidth(pool));
    for (tb_yard y = TB_YARD_F32; y < TB_YARD_COUNT; y++)
        r->yards[y] = fmax(r->yards[y], tb_roofline_compute(pool, types[y]));
    tb_thread_pool_free(pool);
    return TB_OK;
}

static void tell(const tb_cli *cli, const char *name)
{
    if (!cli->json && isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s%s", name, *name ? " ..." : "");
}

static tb_status measure(const tb_cli *cli, tb_bench *b, tb_err *err)
{
    const char *only = tb_cli_get(cli, "--only");
    tb_status st = TB_OK;
    look_at_load(&b->report->load[0]);
    st = measure_machine(b->report, err);
    for (size_t i = 0; !st && i < SECTIONS; i++) {
        if (!chosen(only, sections[i].name)) continue;
        tell(cli, sections[i].name);
        if (sections[i].run != tb_bench_memory) st = tb_bench_open(b, err);
        if (!st) st = sections[i].run(b, err);
        if (!st) st = measure_machine(b->report, err);
    }
    tell(cli, "");
    look_at_load(&b->report->load[1]);
    tb_bench_close(b);
    return st;
}

static tb_status read_json(const char *path, tb_json **out, tb_err *err)
{
    char *text = NULL;
    size_t size = 0;
    tb_status st = tb_file_read(path, REPORT_MAX, &text, &size, err);
    if (!st) st = tb_json_parse(text, size, out, err);
    tb_free(text);
    return st;
}

/* The files that this run is to be held against, read before anything is measured. */
typedef struct {
    tb_json *then, *peer;
    double factor;
} others;

static int finish(tb_cli *cli, const tb_bench_report *r, const others *o)
{
    tb_json *now = tb_bench_to_json(r);
    tb_str beside;
    tb_err err = {0};
    size_t slower = 0;
    tb_status st = TB_OK;
    int code = TB_EXIT_OK;

    tb_str_init(&beside, REPORT_MAX);
    if (!cli->json) tb_bench_print(r, stdout);
    if (o->then) {
        st = tb_bench_compare(now, o->then, o->factor, &beside, &slower, &err);
        tb_json_set_int(now, "slower", (int64_t)slower);
    }
    if (!st && o->peer) {
        if (beside.len) tb_str_puts(&beside, "\n");
        st = tb_bench_peer(now, o->peer, &beside, &err);
    }
    if (cli->json)
        code = tb_cli_print_json(now);
    else
        tb_json_free(now);
    /* With --json standard output is the report's alone. */
    if (beside.len) fprintf(cli->json ? stderr : stdout, "\n%s", beside.data);
    if (slower) code = TB_EXIT_FAILED;
    if (st) code = tb_cli_fail(cli, &err);
    tb_str_clear(&beside);
    return code;
}

static tb_status find_model(const tb_cli *cli, char **path, tb_err *err)
{
    char *folder = tb_path_join(cli->config.data, "models");
    const tb_model_config config = {.path = cli->config.model,
                                    .folder = folder,
                                    .variant = cli->config.model_variant,
                                    .type = cli->config.model_type};
    *path = tb_model_installed(&config);
    tb_free(folder);
    if (*path) return TB_OK;
    return tb_fail(err, TB_ENOTFOUND,
                   "there is no model to measure; get one with: timbre model pull, or name one "
                   "with --model");
}

int tb_bench_run(tb_cli *cli)
{
    const char *runs = tb_cli_get(cli, "--runs"), *factor = tb_cli_get(cli, "--factor");
    const char *compare = tb_cli_get(cli, "--compare"), *peer = tb_cli_get(cli, "--peer");
    const char *only = tb_cli_get(cli, "--only");
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned long long n = 3;
    others o = {.factor = 1.25};
    tb_bench_report report = {.load = {-1, -1}};
    tb_bench b = {.report = &report,
                  .lengthy = tb_cli_get(cli, "--long") != NULL,
                  .type = tb_model_dtype(cli->config.model_type)};
    char *path = NULL;
    tb_err err = {0};
    int code;

    if (runs && (!tb_parse_u64(runs, &n) || n < 1 || n > 1000))
        return tb_cli_usage(cli, "--runs %s is not a number from 1 to 1000", runs);
    if (factor && (!tb_parse_double(factor, &o.factor) || o.factor < 1))
        return tb_cli_usage(cli, "--factor %s is not a number from 1 on", factor);
    if (unknown_name(only))
        return tb_cli_usage(cli,
                            "--only: there is no %.*s; there are memory, stages, voice, "
                            "lengths, stream, together",
                            (int)strcspn(unknown_name(only), ","), unknown_name(only));

    tb_status st = compare ? read_json(compare, &o.then, &err) : TB_OK;
    if (!st && peer) st = read_json(peer, &o.peer, &err);
    if (!st) st = find_model(cli, &path, &err);
    if (!st) {
        b.path = path;
        b.variant = cli->config.model_variant;
        b.runs = (size_t)n;
        b.threads = cli->config.threads > 0 ? (size_t)cli->config.threads
                    : cores < 1             ? 1
                                            : (size_t)cores;
        report.threads = b.threads;
        report.isa = tb_strdup(tb_nn_isa());
        report.model = tb_file_is_dir(path) ? tb_sprintf("%s as %s", path, tb_dtype_name(b.type))
                                            : tb_strdup(path);
        st = measure(cli, &b, &err);
    }
    code = st ? tb_cli_fail(cli, &err) : finish(cli, &report, &o);
    tb_bench_report_clear(&report);
    tb_json_free(o.then);
    tb_json_free(o.peer);
    tb_free(path);
    return code;
}
