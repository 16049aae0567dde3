/*
 * Tests of the beds as wholes: independence of block sizes, seeds, the target ranges of
 * tests/data/ambience/targets.json, loudness at every rate, no repetition.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "beds.h"
#include "measure.h"

#include <stdio.h>

/* How the beds sound: minutes of each are measured, so this takes a while. */

static void block_sizes_do_not_show(void **state)
{
    (void)state;
    static const size_t blocks[] = {1, 137, 4096};
    tb_ambience_set *set = open_set(NULL);
    for (int k = 0; k < TB_RECIPES; k++) {
        float *x = render(set, recipes[k]->id, 7, RATE, RATE, TB_TICK);
        for (int b = 0; b < 3; b++) {
            float *y = render(set, recipes[k]->id, 7, RATE, RATE, blocks[b]);
            assert_memory_equal(x, y, RATE * sizeof *x);
            tb_free(y);
        }
        tb_free(x);
    }
    tb_ambience_close(set);
}

static double correlation(const float *a, const float *b, size_t n)
{
    double ab = 0, aa = 0, bb = 0;
    tb_biquad fa = {0}, fb = {0};
    tb_biquad_set(&fa, TB_BIQUAD_HIGH, RATE, 150, 0.7071, 0);
    tb_biquad_set(&fb, TB_BIQUAD_HIGH, RATE, 150, 0.7071, 0);
    for (size_t i = 0; i < n; i++) {
        double x = tb_biquad_step(&fa, (double)a[i]), y = tb_biquad_step(&fb, (double)b[i]);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    return ab / sqrt(aa * bb);
}

static void seeds_and_presets_have_nothing_in_common(void **state)
{
    (void)state;
    enum { N = 6 * RATE };
    tb_ambience_set *set = open_set(NULL);
    float *before = NULL;
    for (int k = 0; k < TB_RECIPES; k++) {
        float *x = render(set, recipes[k]->id, 1, RATE, N, 4096);
        float *y = render(set, recipes[k]->id, 2, RATE, N, 4096);
        assert_true(fabs(correlation(x, y, N)) < 0.05);
        if (before) assert_true(fabs(correlation(x, before, N)) < 0.05);
        tb_free(y);
        tb_free(before);
        before = x;
    }
    tb_free(before);
    tb_ambience_close(set);
}

typedef struct {
    double *x, *p; /* sound; its spectrum of 4096 */
    float *f;
    size_t n;
    double rms, peak, lufs;
    double *st; /* short-term loudness: 0.4 s every 0.1 */
    size_t n_st;
} sound;

static sound listen(float *f, size_t n)
{
    sound s = {.f = f, .n = n, .x = malloc(n * sizeof(double)), .p = malloc(2049 * sizeof(double))};
    tb_err err = {0};
    tb_biquad k[2];
    tb_biquad_k_weight(k, RATE);
    double *sum = calloc(n + 1, sizeof *sum);
    for (size_t i = 0; i < n; i++) {
        assert_true(isfinite(f[i]));
        s.x[i] = (double)f[i];
        s.rms += s.x[i] * s.x[i] / (double)n;
        s.peak = fmax(s.peak, fabs(s.x[i]));
        double y = tb_biquad_step(&k[1], tb_biquad_step(&k[0], s.x[i]));
        sum[i + 1] = sum[i] + y * y;
    }
    s.rms = sqrt(s.rms);
    s.st = malloc(n / 2400 * sizeof *s.st);
    for (size_t a = 0; a + 9600 <= n; a += 2400)
        s.st[s.n_st++] = -0.691 + 10 * log10((sum[a + 9600] - sum[a]) / 9600 + 1e-20);
    free(sum);
    welch(s.x, n, 4096, 0, s.p);
    assert_int_equal(tb_loudness_integrated(f, n, RATE, &s.lufs, &err), TB_OK);
    return s;
}

/* NAN for a name that we do not know. */
static double measured(const sound *s, const char *preset, const char *name)
{
    const double *x = s->x;
    double mean = 0, std = 0, lag = 0, r = 0;
    size_t n = s->n, m = 0;
    if (!strcmp(name, "lufs")) return s->lufs;
    if (!strcmp(name, "peak_db")) return 20 * log10(s->peak);
    if (!strcmp(name, "crest_db")) return 20 * log10(s->peak / s->rms);
    if (!strcmp(name, "slope")) return slope_db(s->p, 4096, RATE, 100, 6400);
    if (!strcmp(name, "low_db")) return band_db(s->p, 4096, RATE, 20, 250);
    if (!strcmp(name, "high_db")) return band_db(s->p, 4096, RATE, 2000, 12000);
    if (!strcmp(name, "speech_db")) return band_db(s->p, 4096, RATE, 300, 3400);
    if (!strcmp(name, "onsets_per_s")) return onsets(x, n, RATE);
    if (!strcmp(name, "tonal_frames")) return tonal_frames(x, n, RATE, 2000, 7500);
    if (!strcmp(name, "tonal_db")) return line_db(x, n, RATE, 8192, 3500, 5600, 0);
    if (!strcmp(name, "dc_db")) {
        mean_std(x, n, &mean, &std);
        return 20 * log10(fabs(mean) + 1e-12);
    }
    if (!strcmp(name, "kurtosis")) {
        for (size_t i = 0; i < n; i++)
            r += pow(x[i] / s->rms, 4) / (double)n;
        return r;
    }
    if (!strcmp(name, "centroid_hz")) {
        double fp = 0, sum = 0;
        for (size_t k = 4; k <= 2048; k++) {
            fp += (double)k * RATE / 4096 * s->p[k];
            sum += s->p[k];
        }
        return fp / sum;
    }
    if (!strcmp(name, "st_std_lu")) {
        mean_std(s->st, s->n_st, &mean, &std);
        return std;
    }
    if (!strcmp(name, "st_l10_l90_lu"))
        return quantile(s->st, s->n_st, 0.9) - quantile(s->st, s->n_st, 0.1);
    if (!strcmp(name, "env_cv")) {
        double *e = envelope(x, n, RATE, 100, &m);
        mean_std(e, m, &mean, &std);
        free(e);
        return std / mean;
    }
    if (!strcmp(name, "joint_r")) return beat(x, n, RATE, 0.7, 1.2, &lag);
    if (!strcmp(name, "joint_s")) {
        beat(x, n, RATE, 0.7, 1.2, &lag);
        return lag;
    }
    if (!strcmp(name, "bpf_line_db")) {
        double f = 5 * 1150.0 / 60;
        return line_db(x, n, RATE, 16384, f / pow(2, 1 / 6.0), f * pow(2, 1 / 6.0), f);
    }
    if (!strcmp(name, "slow_mod_db")) {
        double *p = modulation(x, n, RATE);
        r = modulation_ratio_db(p, 0.05, 0.5, 2, 8);
        free(p);
        return r;
    }
    bool cafe = !strcmp(preset, "cafe"), chirp = !strcmp(name, "chirp_hz");
    double lo = cafe ? 250 : 3500, hi = cafe ? 2000 : chirp ? 6500 : 5400;
    if (!chirp && strcmp(name, "syllable_hz") != 0 && strcmp(name, "syllable_mod_db") != 0)
        return (double)NAN;
    double *y = band_pass(x, n, RATE, lo, hi), *p = modulation(y, n, RATE);
    if (!strcmp(name, "syllable_mod_db"))
        r = modulation_ratio_db(p, 2, 7, 15, 40);
    else if (chirp)
        r = modulation_peak_hz(p, 1.2, 4);
    else
        r = cafe ? modulation_peak_hz(p, 1.5, 10) : modulation_peak_hz(p, 18, 40);
    free(y);
    free(p);
    return r;
}

static int check_ranges(const sound *s, const char *preset, tb_json *ranges, tb_json *first)
{
    const char *name = NULL;
    tb_json *range = NULL;
    int bad = 0;
    for (void *it = NULL; tb_json_next(ranges, &it, &name, &range);) {
        if (strcmp(name, "repeat_r") == 0) continue;     /* has its own test */
        if (first && tb_json_get(first, name)) continue; /* the preset's own range wins */
        double v = measured(s, preset, name);
        double lo = tb_json_number(tb_json_at(range, 0)), hi = tb_json_number(tb_json_at(range, 1));
        if (v >= lo && v <= hi) continue;
        print_error("%s: %s is %g, not %g..%g\n", preset, name, v, lo, hi);
        bad++;
    }
    return bad;
}

static void every_preset_meets_its_targets(void **state)
{
    (void)state;
    enum { N = 40 * RATE };
    static const double centre[8] = {63, 125, 250, 500, 1000, 2000, 4000, 8000};
    tb_json *t = data_json("targets.json");
    tb_ambience_set *set = open_set(NULL);
    int bad = 0;
    for (int k = 0; k < TB_RECIPES; k++) {
        const char *id = recipes[k]->id;
        tb_json *own = tb_json_get(tb_json_get(t, "presets"), id);
        tb_json *octaves = tb_json_get(tb_json_get(t, "octave_db"), id);
        for (uint64_t seed = 1; seed <= 2; seed++) {
            sound s = listen(render(set, id, seed * 100 + 1, RATE, N, 4096), N);
            bad +=
                check_ranges(&s, id, own, NULL) + check_ranges(&s, id, tb_json_get(t, "all"), own);
            for (size_t o = 0; o < 8; o++) {
                double db =
                    band_db(s.p, 4096, RATE, centre[o] / sqrt(2), fmin(centre[o] * sqrt(2), 12000));
                double want = tb_json_number(tb_json_at(tb_json_get(octaves, "db"), o));
                double tol = tb_json_number(tb_json_at(tb_json_get(octaves, "tol"), o));
                if (fabs(db - want) <= tol + 0.05) continue;
                print_error("%s: octave %g Hz %.2f dB, not %g +- %g\n", id, centre[o], db, want,
                            tol);
                bad++;
            }
            tb_free(s.f);
            free(s.x);
            free(s.p);
            free(s.st);
        }
    }
    assert_int_equal(bad, 0);
    tb_ambience_close(set);
    tb_json_free(t);
}

static void nothing_repeats(void **state)
{
    (void)state;
    enum { N = 20 * RATE };
    static const char *const ids[] = {"rain", "train", "forest", "cafe"};
    tb_ambience_set *set = open_set(NULL);
    double *x = malloc(N * sizeof *x);
    for (int k = 0; k < 4; k++) {
        float *f = render(set, ids[k], 3, RATE, N, 4096);
        for (size_t i = 0; i < N; i++)
            x[i] = (double)f[i];
        tb_free(f);
        double r = repeat_corr(x, N, RATE);
        if (r > 0.6) print_error("%s repeats: %g\n", ids[k], r);
        assert_true(r <= 0.6);
    }
    free(x);
    tb_ambience_close(set);
}

static void a_sum_is_as_loud_as_one(void **state)
{
    (void)state;
    tb_ambience_set *set = open_set(NULL);
    tb_err err = {0};
    double lufs = 0;
    float *x = render(set, "storm", 4, RATE, 30 * RATE, 4096);
    assert_int_equal(tb_loudness_integrated(x, 30 * RATE, RATE, &lufs, &err), TB_OK);
    near(lufs, -30, 1);
    tb_free(x);
    tb_ambience_close(set);
}

static void other_rates_are_as_loud(void **state)
{
    (void)state;
    tb_ambience_set *set = open_set(NULL);
    static const char *const ids[] = {"rain", "cafe"};
    for (int k = 0; k < 2; k++) {
        for (int rate = 16000; rate <= 48000; rate += 32000) {
            tb_err err = {0};
            double lufs = 0;
            size_t n = (size_t)rate * 20;
            float *x = render(set, ids[k], 4, rate, n, 4096);
            assert_int_equal(tb_loudness_integrated(x, n, rate, &lufs, &err), TB_OK);
            near(lufs, -30, 2);
            tb_free(x);
        }
    }
    tb_ambience_close(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_sizes_do_not_show),
        cmocka_unit_test(seeds_and_presets_have_nothing_in_common),
        cmocka_unit_test(every_preset_meets_its_targets),
        cmocka_unit_test(nothing_repeats),
        cmocka_unit_test(a_sum_is_as_loud_as_one),
        cmocka_unit_test(other_rates_are_as_loud),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
