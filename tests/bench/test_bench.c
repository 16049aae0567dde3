/*
 * Tests of the report of timbre bench: limits, fits, gaps, joins, comparison with another report.
 */
#include "bench/bench_priv.h"

#include "base/str.h"
#include "folder.h"
#include "small_model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* timbre bench: its sums, its report beside other reports, and that every section measures
 * something. How long anything takes is no matter here. */

static char home[] = "/tmp/timbre-test-bench-XXXXXX";
static char *folder;

static tb_json *json(const char *text)
{
    tb_json *v = NULL;
    tb_err err = {0};
    if (tb_json_parse(text, strlen(text), &v, &err)) fail_msg("%s: %s", text, err.msg);
    return v;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

/* ---- limits ---- */

static void the_slower_of_memory_and_arithmetic_is_the_limit(void **state)
{
    (void)state;
    const double yards[TB_YARD_COUNT] = {
        [TB_YARD_READ] = 10, [TB_YARD_F32] = 100, [TB_YARD_BF16] = 200};
    tb_bench_work w = {.bytes = 20};
    tb_yard by;
    assert_true(near(tb_bench_limit(yards, &w, &by), 2));
    assert_int_equal(by, TB_YARD_READ);
    w.flop[TB_YARD_F32] = 100;
    w.flop[TB_YARD_BF16] = 500;
    assert_true(near(tb_bench_limit(yards, &w, &by), 1 + 2.5));
    assert_int_equal(by, TB_YARD_BF16);
    w = (tb_bench_work){.flop[TB_YARD_F32] = 100}; /* nothing to read */
    assert_true(near(tb_bench_limit(yards, &w, &by), 1));
    assert_int_equal(by, TB_YARD_F32);
    w = (tb_bench_work){0};
    assert_true(tb_bench_limit(yards, &w, &by) == 0);
    assert_int_equal(by, TB_YARD_NONE);
}

static void what_has_no_instruction_is_measured_by_the_next_wider(void **state)
{
    (void)state;
    const double both[TB_YARD_COUNT] = {[TB_YARD_F32] = 100, [TB_YARD_BF16] = 200};
    const double plain[TB_YARD_COUNT] = {[TB_YARD_F32] = 100};
    const tb_bench_work w = {.flop[TB_YARD_INT8] = 400};
    tb_yard by;
    assert_true(near(tb_bench_limit(both, &w, &by), 2));
    assert_int_equal(by, TB_YARD_BF16);
    assert_true(near(tb_bench_limit(plain, &w, &by), 4));
    assert_int_equal(by, TB_YARD_F32);
}

static void limits_of_parts_add_up(void **state)
{
    (void)state;
    tb_bench_report r = {.yards = {[TB_YARD_READ] = 10, [TB_YARD_F32] = 100}};
    tb_bench_line *l = tb_bench_add(&r, "s", "n", TB_BENCH_SECONDS, NULL, 4, "%d things", 2);
    tb_yard by;
    l->work[0] = (tb_bench_work){.bytes = 10};              /* 1 s */
    l->work[1] = (tb_bench_work){.flop[TB_YARD_F32] = 200}; /* 2 s; at once with it: 2 in all */
    assert_true(near(tb_bench_line_limit(&r, l, &by), 3));
    assert_int_equal(by, TB_YARD_F32);
    assert_string_equal(l->what, "2 things");
    tb_bench_report_clear(&r);
}

/* ---- sums ---- */

static void a_fit_finds_what_it_was_made_of(void **state)
{
    (void)state;
    const double segments[] = {1, 1, 1, 6}, seconds[] = {2, 10, 20, 60};
    double t[4], fixed = 0, slope = 0;
    for (int i = 0; i < 4; i++)
        t[i] = 0.7 * segments[i] + 0.45 * seconds[i];
    assert_true(tb_bench_fit(segments, seconds, t, 4, &fixed, &slope));
    assert_true(near(fixed, 0.7) && near(slope, 0.45));
    const double same[] = {2, 2}, ones[] = {1, 1}; /* of one length: anything would fit */
    assert_false(tb_bench_fit(ones, same, t, 2, &fixed, &slope));
    assert_false(tb_bench_fit(ones, same, t, 0, &fixed, &slope));
}

static void a_late_piece_is_a_gap(void **state)
{
    (void)state;
    const double seconds[] = {1, 1, 1};
    const double in_time[] = {2, 2.9, 3.5}, late[] = {2, 3.25, 4.5};
    assert_true(tb_bench_gaps(in_time, seconds, 3) == 0);
    assert_true(near(tb_bench_gaps(late, seconds, 3), 0.25 + 0.25));
    assert_true(tb_bench_gaps(late, seconds, 0) == 0);
}

static void seams_are_what_differs_at_joins(void **state)
{
    (void)state;
    float a[20] = {0}, b[20] = {0};
    const size_t joins[] = {5};
    double at = 0, elsewhere = 0;
    for (int i = 0; i < 20; i++)
        b[i] = 0.5f;
    b[2 * 5] = 2.5f; /* row 5 of ten; rows 4, 5, 6 are near it */
    tb_bench_seams(a, b, 10, 2, &(tb_bench_joins){joins, 1, 1}, &at, &elsewhere);
    assert_true(near(at, (5 * 0.5 + 2.5) / 6));
    assert_true(near(elsewhere, 0.5));
    tb_bench_seams(a, b, 10, 2, &(tb_bench_joins){joins, 0, 1}, &at, &elsewhere);
    assert_true(isnan(at));
}

/* ---- beside others ---- */

/* One line of each kind, times `by` worse, on a machine `fast` times as fast. */
static tb_json *report_of(double by, double fast)
{
    tb_bench_report r = {.yards = {[TB_YARD_READ] = 10e9 * fast, [TB_YARD_F32] = 100e9 * fast},
                         .threads = 2,
                         .model = tb_strdup("m.gguf"),
                         .isa = tb_strdup("generic"),
                         .load = {-1, -1}};
    tb_bench_line *l =
        tb_bench_add(&r, "stages", "t3.token", TB_BENCH_SECONDS, NULL, 0.02 * by / fast, "a token");
    l->work[0] = (tb_bench_work){.bytes = 0.1e9};
    tb_bench_add(&r, "together", "talk.8", TB_BENCH_RATE, "tokens/s", 100 / by * fast, "talk");
    tb_bench_add(&r, "memory", "memory.one", TB_BENCH_MB, NULL, 800 * by, "memory");
    tb_bench_add(&r, "stream", "stream.pieces", TB_BENCH_NUMBER, NULL, 5 * by, "pieces");
    tb_json *v = tb_bench_to_json(&r);
    tb_bench_report_clear(&r);
    return v;
}

static size_t worse_lines(double by, double fast, double factor)
{
    tb_json *then = report_of(1, 1), *now = report_of(by, fast);
    tb_str out;
    tb_err err = {0};
    size_t slower = 99;
    tb_str_init(&out, 1 << 16);
    if (tb_bench_compare(now, then, factor, &out, &slower, &err)) fail_msg("%s", err.msg);
    assert_non_null(strstr(out.data, "a token"));
    assert_null(strstr(out.data, "pieces")); /* told, not judged */
    tb_str_clear(&out);
    tb_json_free(then);
    tb_json_free(now);
    return slower;
}

static void what_is_slower_is_counted(void **state)
{
    (void)state;
    assert_int_equal(worse_lines(1, 1, 1.25), 0);
    assert_int_equal(worse_lines(1.2, 1, 1.25), 0);
    assert_int_equal(worse_lines(1.3, 1, 1.25), 3);
    assert_int_equal(worse_lines(1.3, 1, 1.5), 0);
    assert_int_equal(worse_lines(0.5, 1, 1.25), 0);
}

static void a_slower_machine_is_no_regression(void **state)
{
    (void)state;
    assert_int_equal(worse_lines(1, 0.25, 1.25), 0);
    assert_int_equal(worse_lines(1.3, 0.25, 1.25), 3);
    assert_int_equal(worse_lines(1.3, 4, 1.25), 3); /* nor does a faster one hide one */
}

static void only_a_report_is_compared_with(void **state)
{
    (void)state;
    static const char *const wrong[] = {"{}",
                                        "[]",
                                        "3",
                                        "{\"timbre_bench\": 1}",
                                        "{\"timbre_bench\": 2, \"yardsticks\": {}, \"lines\": []}",
                                        "{\"timbre_bench\": 1, \"yardsticks\": [], \"lines\": []}",
                                        "{\"timbre_bench\": 1, \"yardsticks\": {}, \"lines\": 5}"};
    tb_json *now = report_of(1, 1);
    tb_str out;
    size_t slower;
    tb_str_init(&out, 1 << 16);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tb_err err = {0};
        tb_json *then = json(wrong[i]);
        assert_int_equal(tb_bench_compare(now, then, 2, &out, &slower, &err), TB_EMALFORMED);
        tb_json_free(then);
    }
    /* Lines that are no lines are passed over. */
    tb_err err = {0};
    tb_json *odd = json("{\"timbre_bench\": 1, \"yardsticks\": {}, \"lines\": "
                        "[1, {}, {\"name\": 7}, {\"name\": \"t3.token\", \"value\": \"x\"}]}");
    assert_int_equal(tb_bench_compare(now, odd, 2, &out, &slower, &err), TB_OK);
    assert_int_equal(slower, 0);
    tb_json_free(odd);
    tb_str_clear(&out);
    tb_json_free(now);
}

static tb_status beside_peer(const char *text, tb_str *out, tb_err *err)
{
    tb_json *now = report_of(1, 1), *peer = json(text);
    tb_status st = tb_bench_peer(now, peer, out, err);
    tb_json_free(now);
    tb_json_free(peer);
    return st;
}

static void another_programs_times_become_ratios(void **state)
{
    (void)state;
    tb_str out;
    tb_err err = {0};
    tb_str_init(&out, 1 << 16);
    assert_int_equal(beside_peer("[{\"name\": \"slow\", \"stages\": {\"t3.token\": 0.05}},"
                                 " {\"name\": \"fast\", \"stages\": {\"t3.token\": 0.01}}]",
                                 &out, &err),
                     TB_OK);
    assert_non_null(strstr(out.data, "slow"));
    assert_non_null(strstr(out.data, "2.50"));
    assert_non_null(strstr(out.data, "0.50"));
    static const char *const wrong[] = {"{}",
                                        "[3]",
                                        "{\"name\": \"p\"}",
                                        "{\"name\": \"p\", \"stages\": []}",
                                        "{\"name\": \"p\", \"stages\": {\"t3.token\": \"fast\"}}",
                                        "{\"name\": \"p\", \"stages\": {\"t3.token\": 0}}",
                                        "{\"name\": \"p\", \"stages\": {\"talk.8\": 3}}",
                                        "{\"name\": \"p\", \"stages\": {\"t3.tokn\": 3}}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(beside_peer(wrong[i], &out, &err), TB_EMALFORMED);
        assert_true(err.msg[0] != 0);
    }
    tb_str_clear(&out);
}

/* ---- sections, on the small model ---- */

static void check_line(const tb_bench_report *r, const char *name, bool has_limit)
{
    const tb_bench_line *l = tb_bench_find(r, name);
    tb_yard by;
    if (!l) fail_msg("there is no line %s", name);
    if (!(l->value > 0) || !isfinite(l->value)) fail_msg("%s is %g", name, l->value);
    if ((tb_bench_line_limit(r, l, &by) > 0) != has_limit)
        fail_msg("%s has %s limit", name, has_limit ? "no" : "a");
}

static void every_section_measures(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool limit;
    } wanted[] = {{"start.open", false},  {"start.first", false},  {"t3.prefix", true},
                  {"t3.prefill", true},   {"t3.token", true},      {"flow.encoder", true},
                  {"flow.unet", true},    {"hift.f0", true},       {"hift.source", false},
                  {"hift.decode", true},  {"whole", true},         {"rtf", false},
                  {"voice.conds", true},  {"voice.ready", false},  {"stream.first", true},
                  {"stream.flow", false}, {"stream.joins", false}, {"step.8", true},
                  {"talk.8", false},      {"newcomer", false},     {"speech.8", false}};
    tb_bench_report r = {.yards = {[TB_YARD_READ] = 1e9, [TB_YARD_F32] = 1e9},
                         .threads = 2,
                         .load = {-1, -1}};
    tb_bench b = {.report = &r, .path = folder, .type = TB_F32, .threads = 2, .runs = 1};
    tb_err err = {0};
    tb_status st = tb_bench_memory(&b, &err);
    if (!st) st = tb_bench_open(&b, &err);
    if (!st) st = tb_bench_stages(&b, &err);
    if (!st) st = tb_bench_voice(&b, &err);
    if (!st) st = tb_bench_stream(&b, &err);
    if (!st) st = tb_bench_together(&b, &err);
    if (st) fail_msg("%s", err.msg);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        check_line(&r, wanted[i].name, wanted[i].limit);
    tb_bench_close(&b);
    tb_bench_report_clear(&r);
}

/* The sizes of the small model, from its own tables: two operations for each weight and row. */
static void work_is_that_of_the_shapes(void **state)
{
    (void)state;
    tb_bench_report r = {0};
    tb_bench b = {.report = &r, .path = folder, .type = TB_F32, .threads = 1, .runs = 1};
    tb_err err = {0};
    if (tb_bench_open(&b, &err)) fail_msg("%s", err.msg);
    const double D = (double)b.t3.D, F = (double)b.t3.layers[0].fc.N, L = (double)b.t3.n_layers;
    const double weights = L * (4 * D * D + 2 * D * F) + (double)b.t3.vocab * D;
    tb_bench_work w = tb_bench_work_step(&b, 9, 3);
    assert_true(near(w.flop[TB_YARD_F32], 3 * (2 * weights + 4 * 10 * D * L)));
    assert_true(near(w.bytes, 4 * weights + 3 * 10 * L * 2 * D * 4));
    /* The flow's work grows faster than its length, the vocoder's as fast. */
    const double u1 = tb_bench_work_unet(&b, 100).flop[TB_YARD_F32];
    const double u2 = tb_bench_work_unet(&b, 200).flop[TB_YARD_F32];
    assert_true(u2 > 2 * u1 && u2 < 4 * u1);
    assert_true(near(tb_bench_work_decode(&b, 200).flop[TB_YARD_F32],
                     2 * tb_bench_work_decode(&b, 100).flop[TB_YARD_F32]));
    tb_bench_close(&b);
}

/* ---- the command ---- */

static int run(const char *args, char *out, size_t size)
{
    const char *program = getenv("TIMBRE_PROGRAM");
    char *line = tb_sprintf("cd %s && '%s' bench %s 2>&1", home,
                            program && *program ? program : TB_TEST_PROGRAM, args);
    FILE *f = popen(line, "r"); /* NOLINT: a test's own line */
    assert_non_null(f);
    size_t n = fread(out, 1, size - 1, f);
    out[n] = 0;
    const int how = pclose(f);
    tb_free(line);
    return WIFEXITED(how) ? WEXITSTATUS(how) : 1000;
}

static void it_says_what_it_needs(void **state)
{
    (void)state;
    static const struct {
        const char *args, *part;
        int code;
    } all[] = {{"", "timbre model pull", TB_EXIT_FAILED},
               {"--model nowhere.gguf", "nowhere.gguf", TB_EXIT_FAILED},
               {"--only stages,strange", "there is no strange", TB_EXIT_USAGE},
               {"--runs 0", "--runs 0", TB_EXIT_USAGE},
               {"--factor 0.5", "--factor 0.5", TB_EXIT_USAGE},
               {"--compare missing.json", "missing.json", TB_EXIT_FAILED}};
    char out[8192];
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const int code = run(all[i].args, out, sizeof out);
        if (code != all[i].code || !strstr(out, all[i].part))
            fail_msg("bench %s: %d, %s", all[i].args, code, out);
    }
}

static int begin(void **state)
{
    (void)state;
    unsetenv("DATA");
    unsetenv("MODEL");
    if (!mkdtemp(home)) return -1;
    folder = tb_path_join(home, "small");
    small_model(folder, "t3_turbo_v1", NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    tb_free(folder);
    return test_folder_remove(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_slower_of_memory_and_arithmetic_is_the_limit),
        cmocka_unit_test(what_has_no_instruction_is_measured_by_the_next_wider),
        cmocka_unit_test(limits_of_parts_add_up),
        cmocka_unit_test(a_fit_finds_what_it_was_made_of),
        cmocka_unit_test(a_late_piece_is_a_gap),
        cmocka_unit_test(seams_are_what_differs_at_joins),
        cmocka_unit_test(what_is_slower_is_counted),
        cmocka_unit_test(a_slower_machine_is_no_regression),
        cmocka_unit_test(only_a_report_is_compared_with),
        cmocka_unit_test(another_programs_times_become_ratios),
        cmocka_unit_test(every_section_measures),
        cmocka_unit_test(work_is_that_of_the_shapes),
        cmocka_unit_test(it_says_what_it_needs),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
