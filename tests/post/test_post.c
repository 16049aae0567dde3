/*
 * Tests of the mixer: levels, fades, streams, marks, least times, ducking, peaks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "dsp/loudness.h"
#include "post/duck_priv.h"
#include "post/post.h"

#include <math.h>
#include <string.h>

enum { RATE = 24000 };

static tb_status collect(void *self, const tb_pcm *pcm, tb_err *err)
{
    return tb_pcm_append(self, pcm->data, pcm->len, err);
}

static tb_post_opts plain(void)
{
    return (tb_post_opts){.level_lu = (double)NAN, .loudness_lufs = (double)NAN, .seed = 5};
}

/* Something with syllables: a tone of 160 Hz and its harmonics, on and off four times a second. */
static tb_pcm speech(double seconds, double amp)
{
    tb_pcm pcm = {0};
    tb_err err = {0};
    assert_int_equal(tb_pcm_init(&pcm, (size_t)(seconds * RATE), RATE, &err), TB_OK);
    for (size_t i = 0; i < pcm.len; i++) {
        double t = (double)i / RATE, e = pow(sin(M_PI * 4 * t), 2);
        for (int h = 1; h < 12; h++)
            pcm.data[i] += (float)(amp * e * sin(2 * M_PI * 160 * h * t + h * h) / h);
    }
    return pcm;
}

static tb_ambience_set *set;

static int set_up(void **state)
{
    (void)state;
    tb_err err = {0};
    return tb_ambience_open(NULL, &set, &err) == TB_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    tb_ambience_close(set);
    return 0;
}

static tb_ambience bed_of(const char *name)
{
    tb_ambience bed = {0};
    tb_err err = {0};
    assert_int_equal(tb_ambience_find(set, name, &bed, &err), TB_OK);
    return bed;
}

/* Writes in pieces; marks[k] is set before piece k when its name is not "-". */
static tb_pcm run(const tb_post_opts *o, const tb_pcm *in, size_t piece, const char *const *marks,
                  size_t n_marks, double least, tb_post_report *report)
{
    tb_pcm out = {.rate_hz = RATE};
    tb_post *post = NULL;
    tb_err err = {0};
    assert_int_equal(tb_post_begin(set, o, RATE, collect, &out, &post, &err), TB_OK);
    size_t k = 0;
    for (size_t a = 0; a < in->len || k < n_marks; a += piece, k++) {
        if (k < n_marks && !marks[k])
            assert_int_equal(tb_post_mark(post, NULL, 0, &err), TB_OK);
        else if (k < n_marks && strcmp(marks[k], "-") != 0) {
            const tb_ambience bed = bed_of(marks[k]);
            assert_int_equal(tb_post_mark(post, &bed, least, &err), TB_OK);
        }
        if (a >= in->len) continue;
        tb_pcm p = {in->data + a, in->len - a < piece ? in->len - a : piece, RATE};
        assert_int_equal(tb_post_write(post, &p, &err), TB_OK);
    }
    assert_int_equal(tb_post_end(post, &err), TB_OK);
    if (report) tb_post_get_report(post, report);
    tb_post_free(post);
    return out;
}

static double loudness(const float *x, size_t n)
{
    double l = 0;
    tb_err err = {0};
    assert_int_equal(tb_loudness_integrated(x, n, RATE, &l, &err), TB_OK);
    return l;
}

static double rms(const float *x, size_t n)
{
    double e = 0;
    for (size_t i = 0; i < n; i++)
        e += (double)x[i] * (double)x[i];
    return sqrt(e / (double)n);
}

static void without_a_bed_speech_passes_bit_for_bit(void **state)
{
    (void)state;
    tb_pcm in = speech(3, 0.3);
    for (int streaming = 0; streaming < 2; streaming++) {
        tb_post_opts o = plain();
        o.streaming = streaming;
        o.bed = (tb_ambience){0};
        tb_pcm out = run(&o, &in, 777, NULL, 0, 0, NULL);
        assert_int_equal(out.len, in.len);
        assert_memory_equal(out.data, in.data, in.len * sizeof(float));
        tb_pcm_clear(&out);
    }
    tb_pcm_clear(&in);
}

static void the_bed_lies_as_far_under_as_asked(void **state)
{
    (void)state;
    static const char *const ids[] = {"white", "rain", "train", "cafe"};
    static const double level[] = {(double)NAN, 12, 25, (double)NAN}, want[] = {18, 12, 25, 20};
    tb_pcm in = speech(20, 0.15);
    for (int k = 0; k < 4; k++) {
        tb_post_opts o = plain();
        o.bed = bed_of(ids[k]);
        o.level_lu = level[k];
        tb_pcm out = run(&o, &in, 48000, NULL, 0, 0, NULL);
        size_t lead = RATE / 2;
        assert_int_equal(out.len, in.len + lead + RATE * 8 / 10);
        double l = loudness(in.data, in.len);
        assert_true(out.data[0] == 0 && fabsf(out.data[out.len - 1]) < 1e-9F);
        for (size_t i = 0; i < in.len; i++)
            out.data[lead + i] -= in.data[i];
        double d = l - loudness(out.data + lead, in.len);
        if (!(fabs(d - want[k]) < (k == 3 ? 2 : 0.7))) print_error("%s: %g\n", ids[k], d);
        assert_true(fabs(d - want[k]) < (k == 3 ? 2 : 0.7)); /* 20 s of a cafe vary by 2 */
        tb_pcm_clear(&out);
    }
    tb_pcm_clear(&in);
}

static void fades_rise_and_fall_steadily(void **state)
{
    (void)state;
    tb_pcm in = speech(2, 0.15);
    tb_post_opts o = plain();
    o.bed = bed_of("white");
    tb_pcm out = run(&o, &in, 48000, NULL, 0, 0, NULL);
    double before = 0;
    for (size_t k = 0; k < 40; k++) { /* 10 ms of even noise vary by a few per cent */
        double now = rms(out.data + k * 240, 240);
        assert_true(now > before * 0.85);
        before = fmax(before, now);
    }
    before = 1;
    for (size_t k = 0; k < 80; k++) {
        double now = rms(out.data + out.len - 19200 + k * 240, 240);
        assert_true(now < before * 1.15);
        before = fmin(before, now);
    }
    tb_pcm_clear(&out);
    tb_pcm_clear(&in);
}

static void a_stream_starts_with_the_speech_and_does_not_depend_on_pieces(void **state)
{
    (void)state;
    tb_pcm in = speech(4, 0.15);
    tb_post_opts o = plain();
    o.bed = bed_of("rain");
    o.streaming = true;
    tb_pcm a = run(&o, &in, 48000, NULL, 0, 0, NULL), b = run(&o, &in, 48000, NULL, 0, 0, NULL);
    assert_int_equal(a.len, in.len + RATE * 8 / 10);
    assert_memory_equal(a.data, b.data, a.len * sizeof(float));
    assert_true(a.data[0] == in.data[0]);
    double e = 0;
    for (size_t i = 0; i < in.len; i++)
        e = fmax(e, fabs((double)(a.data[i] - in.data[i])));
    assert_true(e > 1e-4 && e < 0.1);
    tb_pcm_clear(&a);
    tb_pcm_clear(&b);
    tb_pcm_clear(&in);
}

/* Level of the bed alone over a second of the speech's time. */
static double bed_rms(const tb_pcm *out, const tb_pcm *in, size_t lead, size_t second)
{
    static float x[RATE / 2];
    for (size_t i = 0; i < RATE / 2; i++) {
        size_t at = second * RATE + RATE / 2 + i;
        x[i] = out->data[lead + at] - (at < in->len ? in->data[at] : 0);
    }
    return rms(x, RATE / 2);
}

static void marks_switch_beds_on_and_off(void **state)
{
    (void)state;
    tb_pcm in = speech(10, 0.15);
    static const char *const marks[] = {"-", "-", "rain", "-", "white", NULL, "-", "-", "-", "-"};
    for (int streaming = 0; streaming < 2; streaming++) {
        tb_post_opts o = plain();
        o.streaming = streaming;
        tb_pcm out = run(&o, &in, RATE, marks, 10, 0, NULL);
        assert_int_equal(out.len, in.len);
        assert_true(bed_rms(&out, &in, 0, 0) < 1e-7);
        assert_true(bed_rms(&out, &in, 0, 2) > 1e-4);
        assert_true(bed_rms(&out, &in, 0, 4) > 1e-4);
        assert_true(bed_rms(&out, &in, 0, 7) < 1e-7);
        tb_pcm_clear(&out);
    }
    tb_pcm_clear(&in);
}

static void a_least_time_outlasts_off_and_the_speech(void **state)
{
    (void)state;
    tb_pcm in = speech(3, 0.15);
    static const char *const marks[] = {"rain", NULL};
    tb_post_opts o = plain();
    tb_post_report report;
    tb_pcm out = run(&o, &in, RATE, marks, 2, 6, &report);
    size_t lead = RATE / 2; /* the text begins with the bed */
    assert_true(report.lead_in_s == 0.5);
    assert_int_equal(out.len, 6 * RATE + RATE * 8 / 10);
    assert_true(bed_rms(&out, &in, lead, 4) > 1e-4);
    tb_pcm_clear(&out);
    o.streaming = true;
    out = run(&o, &in, RATE, marks, 2, 6, NULL);
    assert_int_equal(out.len, 6 * RATE + RATE * 8 / 10);
    tb_pcm_clear(&out);
    /* Nothing but a bed. */
    tb_pcm none = {.rate_hz = RATE};
    out = run(&o, &none, RATE, marks, 1, 2, NULL);
    assert_int_equal(out.len, 2 * RATE + RATE * 8 / 10);
    assert_true(rms(out.data + RATE, RATE / 2) > 1e-4);
    tb_pcm_clear(&out);
    tb_pcm_clear(&in);
}

/* In the tenth of a second from `second` of the speech on. */
static bool bed_is_heard(const tb_pcm *out, const tb_pcm *in, size_t lead, double second)
{
    static float x[RATE / 10];
    for (size_t i = 0; i < RATE / 10; i++) {
        size_t at = (size_t)(second * RATE) + i;
        x[i] = out->data[lead + at] - (at < in->len ? in->data[at] : 0);
    }
    return rms(x, RATE / 10) > 1e-5;
}

/* Six seconds of a bed were asked for: what stands between must not cut them short, whether the
 * speech goes on (10 s) or has ended (3 s), with the file whole or streamed. */
static void within_its_least_time_a_bed_is_on(void **state)
{
    static const struct {
        const char *what, *marks[6];
        double asked; /* the last time, in seconds of speech */
    } cases[] = {
        {"off after a second", {"rain", NULL, "-", "-", "-", "-"}, 0},
        {"off twice", {"rain", NULL, NULL, "-", "-", "-"}, 0},
        {"off just before", {"rain", "-", "-", "-", "-", NULL}, 0},
        {"asked for again", {"rain", "-", "rain", NULL, "-", "-"}, 2},
        {"in capitals", {"rain", "-", "RAIN", "-", NULL, "-"}, 2},
    };
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int seconds = 3; seconds <= 10; seconds += 7)
            for (int streaming = 0; streaming < 2; streaming++) {
                tb_post_opts o = plain();
                o.streaming = streaming;
                tb_pcm in = speech(10, 0.15); /* what is not spoken is silence */
                if (seconds < 10)
                    memset(in.data + seconds * RATE, 0,
                           (size_t)(10 - seconds) * RATE * sizeof *in.data);
                tb_pcm out = run(&o, &in, RATE, cases[k].marks, 6, 6, NULL);
                const size_t lead = streaming ? 0 : RATE / 2; /* it begins with the lead-in */
                const double end = cases[k].asked + (cases[k].asked > 0 || streaming ? 6 : 5.5);
                for (double at = 0.5; at < end; at += 0.25)
                    if (!bed_is_heard(&out, &in, lead, at))
                        fail_msg("%s, streaming %d: silent at %g s", cases[k].what, streaming, at);
                if (bed_is_heard(&out, &in, lead, end + 0.85))
                    fail_msg("%s, streaming %d: does not end", cases[k].what, streaming);
                tb_pcm_clear(&out);
                tb_pcm_clear(&in);
            }
}

static void another_bed_ends_a_least_time(void **state)
{
    (void)state;
    static const char *const marks[] = {"train", "-", "white", "-", NULL};
    tb_pcm in = speech(12, 0.15);
    tb_post_opts o = plain();
    tb_post_report report;
    tb_pcm both = run(&o, &in, RATE, marks, 5, 6, &report);
    /* white from 2 s on for six seconds; had the train stayed, it would be heard under it. */
    static const char *const alone[] = {"-", "-", "white", "-", NULL};
    tb_pcm one = run(&o, &in, RATE, alone, 5, 6, NULL);
    const size_t lead = RATE / 2, from = 3 * RATE, to = 9 * RATE;
    assert_memory_equal(both.data + lead + from, one.data + from, (to - from) * sizeof *one.data);
    assert_true(bed_is_heard(&one, &in, 0, 7.5) && !bed_is_heard(&one, &in, 0, 8.9));
    tb_pcm_clear(&both);
    tb_pcm_clear(&one);
    tb_pcm_clear(&in);
}

/* Fading takes 0.8 s; a further switch within them begins beside it. */
static void a_bed_that_fades_goes_on_fading_when_the_next_is_switched(void **state)
{
    (void)state;
    static const char *const soon[] = {"-", "-", "rain", "-", "white", "fan"};
    static const char *const later[] = {"-", "-", "rain", "-", "white", "-", "fan"};
    enum { HALF = RATE / 2, LOOK = RATE / 200 };
    tb_pcm in = speech(5, 0.15);
    tb_post_opts o = plain();
    tb_pcm a = run(&o, &in, HALF, soon, 6, 0, NULL), b = run(&o, &in, HALF, later, 7, 0, NULL);
    float bed[LOOK], change[LOOK];
    for (size_t i = 0; i < LOOK; i++) { /* the 5 ms after the switch at 2.5 s */
        size_t at = 5 * HALF + i;
        bed[i] = b.data[at] - in.data[at];
        change[i] = a.data[at] - b.data[at];
    }
    assert_true(rms(change, LOOK) < 0.02 * rms(bed, LOOK));
    tb_pcm_clear(&a);
    tb_pcm_clear(&b);
    tb_pcm_clear(&in);
}

static void off_goes_back_to_the_requests_own_bed(void **state)
{
    (void)state;
    tb_pcm in = speech(8, 0.15);
    static const char *const marks[] = {"-", "-", "brown", "-", NULL};
    tb_post_opts o = plain();
    o.bed = bed_of("white");
    tb_pcm out = run(&o, &in, RATE, marks, 5, 0, NULL);
    assert_true(bed_rms(&out, &in, RATE / 2, 6) > 1e-4);
    assert_int_equal(out.len, in.len + RATE / 2 + RATE * 8 / 10);
    tb_pcm_clear(&out);
    tb_pcm_clear(&in);
}

static void the_bed_gives_way_where_the_sum_would_clip(void **state)
{
    (void)state;
    tb_pcm in = speech(4, 1);
    float peak = tb_pcm_peak(in.data, in.len);
    for (size_t i = 0; i < in.len; i++)
        in.data[i] *= 0.885F / peak;
    tb_post_opts o = plain();
    o.bed = bed_of("fire");
    o.level_lu = 6;
    tb_post_report report;
    tb_pcm out = run(&o, &in, RATE, NULL, 0, 0, &report);
    assert_true(tb_pcm_peak(out.data, out.len) <= 0.8913F);
    assert_true(report.peak_cut_db > 0 && report.peak_cut_db <= 6.001);
    tb_pcm_clear(&out);
    tb_pcm_clear(&in);
}

static void speech_is_brought_to_a_target(void **state)
{
    (void)state;
    tb_pcm in = speech(6, 0.05);
    for (int streaming = 0; streaming < 2; streaming++) {
        tb_post_opts o = plain();
        o.loudness_lufs = -20;
        o.streaming = streaming;
        tb_pcm out = run(&o, &in, RATE, NULL, 0, 0, NULL);
        assert_int_equal(out.len, in.len);
        assert_true(fabs(loudness(out.data, out.len) + 20) < (streaming ? 0.7 : 0.3));
        assert_true(tb_pcm_peak(out.data, out.len) <= 0.8913F);
        tb_pcm_clear(&out);
        o.loudness_lufs = -10;
        out = run(&o, &in, RATE, NULL, 0, 0, NULL);
        assert_true(tb_pcm_peak(out.data, out.len) <= 0.8913F);
        tb_pcm_clear(&out);
    }
    tb_pcm_clear(&in);
}

static void ducking_follows_its_time_constants(void **state)
{
    (void)state;
    tb_duck d;
    tb_duck_init(&d, RATE, 6, -20);
    double attack = 0, release = 0, hold = 0;
    for (int i = 0; i < 4 * RATE; i++) { /* a second of tone from 0.5 s on */
        bool on = i >= RATE / 2 && i < RATE * 3 / 2;
        double t = (double)i / RATE;
        tb_duck_step(&d, on ? 0.14 * sin(2 * M_PI * 500 * t) : 0);
        if (on && attack == 0 && d.gain_db <= -6 * 0.632) attack = t - 0.5;
        if (t > 1.5 && hold == 0 && d.gain_db > -5.9) hold = t - 1.5;
        if (t > 1.5 && release == 0 && d.gain_db > -6 * 0.368) release = t - 1.5;
    }
    assert_true(fabs(attack - 0.060) <= 0.010);
    assert_true(hold > 0.3 && hold < 0.35);
    assert_true(fabs(release - hold - 0.6) <= 0.1);
}

static void ducking_lowers_the_bed_under_speech(void **state)
{
    (void)state;
    tb_pcm in = speech(6, 0.15);
    memset(in.data + 3 * RATE, 0, 3 * RATE * sizeof(float));
    tb_post_opts o = plain();
    o.bed = bed_of("white");
    o.level_lu = 12;
    o.duck_db = 5;
    tb_pcm out = run(&o, &in, RATE, NULL, 0, 0, NULL);
    double under = bed_rms(&out, &in, RATE / 2, 1), alone = bed_rms(&out, &in, RATE / 2, 5);
    assert_true(fabs(20 * log10(alone / under) - 5) < 0.5);
    tb_pcm_clear(&out);
    tb_pcm_clear(&in);
}

/* Over time: a second is measured, and from then on each piece leaves as it comes. */
static void a_stream_with_a_bed_comes_while_it_is_spoken(void **state)
{
    (void)state;
    tb_pcm in = speech(4, 0.3), out = {.rate_hz = RATE};
    tb_post *post = NULL;
    tb_err err = {0};
    tb_post_opts o = plain();
    o.bed = bed_of("white");
    o.streaming = true;
    assert_int_equal(tb_post_begin(set, &o, RATE, collect, &out, &post, &err), TB_OK);
    for (size_t at = 0; at < in.len; at += RATE / 4) {
        const tb_pcm piece = {in.data + at, RATE / 4, RATE};
        assert_int_equal(tb_post_write(post, &piece, &err), TB_OK);
        const size_t given = at + RATE / 4;
        assert_int_equal(out.len, given < RATE ? 0 : given);
    }
    assert_int_equal(tb_post_end(post, &err), TB_OK);
    tb_post_free(post);
    tb_pcm_clear(&in);
    tb_pcm_clear(&out);
}

static void the_report_says_the_level_of_the_first_bed(void **state)
{
    (void)state;
    static const char *const marks[] = {"-", "rain"};
    tb_pcm in = speech(3, 0.3);
    tb_post_report report;
    tb_post_opts o = plain();
    o.bed = bed_of("white");
    o.level_lu = 20;
    tb_pcm out = run(&o, &in, RATE, marks, 2, 0, &report);
    assert_true(fabs(report.bed_gain_db - (report.speech_lufs - 20 + 30)) < 1e-9);
    tb_pcm_clear(&in);
    tb_pcm_clear(&out);
}

/* What is compared is the bed, not what it was called. */
static void another_name_of_the_bed_that_runs_does_not_begin_it_anew(void **state)
{
    (void)state;
    static const char *const once[] = {"rain"}, *const twice[] = {"rain", "lluvia"};
    tb_pcm in = speech(2, 0.3);
    tb_post_opts o = plain();
    tb_pcm a = run(&o, &in, RATE, once, 1, 0, NULL), b = run(&o, &in, RATE, twice, 2, 0, NULL);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len * sizeof(float));
    tb_pcm_clear(&a);
    tb_pcm_clear(&b);
    tb_pcm_clear(&in);
}

static void values_out_of_range_name_their_field(void **state)
{
    (void)state;
    tb_err err = {0};
    tb_post *post = NULL;
    tb_post_opts o = plain();
    o.level_lu = 5;
    assert_int_equal(tb_post_begin(set, &o, RATE, collect, NULL, &post, &err), TB_EINVAL);
    assert_string_equal(err.field, "ambience_level");
    o = plain();
    o.duck_db = (double)NAN;
    assert_int_equal(tb_post_begin(set, &o, RATE, collect, NULL, &post, &err), TB_EINVAL);
    assert_string_equal(err.field, "ambience_duck_db");
    o = plain();
    assert_int_equal(tb_post_begin(set, &o, RATE, collect, NULL, &post, &err), TB_OK);
    const tb_ambience rain = bed_of("rain");
    assert_int_equal(tb_post_mark(post, &rain, 1e9, &err), TB_EINVAL);
    assert_int_equal(tb_post_mark(post, &rain, 0, &err), TB_OK);
    tb_post_free(post); /* a job that was given up half-way */
}

static void a_text_that_begins_with_its_only_bed_has_the_lead_in(void **state)
{
    (void)state;
    static const char *const marks[] = {"rain"};
    tb_pcm in = speech(2, 0.15);
    tb_post_opts o = plain();
    tb_post_report report;
    tb_pcm out = run(&o, &in, RATE, marks, 1, 0, &report);
    assert_true(report.lead_in_s == 0.5);
    assert_int_equal(out.len, in.len + RATE / 2 + RATE * 8 / 10);
    tb_pcm_clear(&out);
    tb_pcm_clear(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_that_begins_with_its_only_bed_has_the_lead_in),
        cmocka_unit_test(without_a_bed_speech_passes_bit_for_bit),
        cmocka_unit_test(the_bed_lies_as_far_under_as_asked),
        cmocka_unit_test(fades_rise_and_fall_steadily),
        cmocka_unit_test(a_stream_starts_with_the_speech_and_does_not_depend_on_pieces),
        cmocka_unit_test(marks_switch_beds_on_and_off),
        cmocka_unit_test(a_stream_with_a_bed_comes_while_it_is_spoken),
        cmocka_unit_test(the_report_says_the_level_of_the_first_bed),
        cmocka_unit_test(another_name_of_the_bed_that_runs_does_not_begin_it_anew),
        cmocka_unit_test(a_least_time_outlasts_off_and_the_speech),
        cmocka_unit_test(within_its_least_time_a_bed_is_on),
        cmocka_unit_test(another_bed_ends_a_least_time),
        cmocka_unit_test(a_bed_that_fades_goes_on_fading_when_the_next_is_switched),
        cmocka_unit_test(off_goes_back_to_the_requests_own_bed),
        cmocka_unit_test(the_bed_gives_way_where_the_sum_would_clip),
        cmocka_unit_test(speech_is_brought_to_a_target),
        cmocka_unit_test(ducking_follows_its_time_constants),
        cmocka_unit_test(ducking_lowers_the_bed_under_speech),
        cmocka_unit_test(values_out_of_range_name_their_field),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
