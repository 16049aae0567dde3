/*
 * Tests of the vocoder: pitch, oscillators across chunks, chunks against the whole, threads.
 */
#include "model/hift.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "s3gen_help.h"

enum { TM = 60, MELS = 80, HOP = TB_HIFT_HOP, H = TB_HIFT_HARMONICS };

static tb_weights *weights;
static tb_hift hift;
static tb_nn nn;
static float mel[TM * MELS], f0[TM], source[TM * HOP];
static const tb_hift_osc begin = {.phase = {0, 1, 2, 3, -1, -2, -3, 0.5f, 0.25f}, .noise = 77};

static int open_model(void **state)
{
    tb_hift_osc osc = begin;

    (void)state;
    weights = tiny_s3gen(TB_F32);
    nn.scratch = tb_scratch_new();
    normals("mel", 0, 1.4f, mel, TM * MELS);
    if (tb_hift_bind(&hift, weights, NULL)) return 1;
    tb_hift_f0(&hift, &nn, mel, TM, f0);
    tb_hift_source(&hift, &nn, f0, TM, NULL, &osc, source);
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    tb_scratch_free(nn.scratch);
    tb_weights_free(weights);
    return 0;
}

static void decode(const float *m, size_t Tm, const float *s, float *wav)
{
    tb_err err = {0};
    const size_t mark = tb_scratch_mark(nn.scratch);

    if (tb_hift_decode(&hift, &nn, m, Tm, s, NULL, wav, &err)) fail_msg("%s", err.msg);
    assert_int_equal(tb_scratch_mark(nn.scratch), mark);
}

/* ---- pitch and source */

static void a_frame_s_pitch_is_its_neighbourhood_s(void **state)
{
    float part[2 * TB_HIFT_F0_CONVS + 1];

    (void)state;
    tb_hift_f0(&hift, &nn, mel + 20 * MELS, 2 * TB_HIFT_F0_CONVS + 1, part);
    assert_memory_equal(&part[TB_HIFT_F0_CONVS], &f0[20 + TB_HIFT_F0_CONVS], sizeof *f0);
    assert_memory_not_equal(&part[TB_HIFT_F0_CONVS - 1], &f0[20 + TB_HIFT_F0_CONVS - 1],
                            sizeof *f0);
    for (size_t i = 0; i < TM; i++)
        assert_true(f0[i] >= 0);
}

static void the_source_goes_on_from_chunk_to_chunk(void **state)
{
    static float noise[TM * HOP * H], whole[TM * HOP], parts[TM * HOP];

    (void)state;
    normals("noise", 0, 1, noise, TM * HOP * H);
    for (int given = 0; given < 2; given++) {
        tb_hift_osc osc = begin, once = begin;

        tb_hift_source(&hift, &nn, f0, TM, given ? noise : NULL, &once, whole);
        for (size_t t = 0, n; t < TM; t += n) {
            n = t + 7 < TM ? 7 : TM - t;
            tb_hift_source(&hift, &nn, f0 + t, n, given ? noise + t * HOP * H : NULL, &osc,
                           parts + t * HOP);
        }
        assert_memory_equal(whole, parts, sizeof whole);
        assert_memory_equal(osc.cycles, once.cycles, sizeof osc.cycles);
        assert_int_equal(osc.sample, TM * HOP);
    }
}

static void forty_seconds_lose_no_phase(void **state)
{
    enum { SECONDS = 40, FRAMES = 50 };
    static float steady[FRAMES], out[FRAMES * HOP];
    tb_hift_osc osc = begin;

    (void)state;
    for (size_t i = 0; i < FRAMES; i++)
        steady[i] = 300.25f;
    for (size_t s = 0; s < SECONDS; s++)
        tb_hift_source(&hift, &nn, steady, FRAMES, NULL, &osc, out);
    for (size_t k = 0; k < H; k++) {
        const double step = (double)(300.25f * (float)(k + 1) / TB_HIFT_RATE_HZ);
        const double cycles = step * SECONDS * FRAMES * HOP, off = osc.cycles[k] - fmod(cycles, 1);

        /* 960,000 sums of doubles below 1, on a circle; f32 would be off by whole cycles. */
        assert_true(fmin(fabs(off), 1 - fabs(off)) < 1e-8);
    }
}

/* Ten hertz is noise still, at a third of the amplitude of a sine. */
static void a_voice_begins_above_ten_hertz(void **state)
{
    static const float at[] = {0, 10, 10.0001f, 100};
    static float out[HOP], noise[HOP * H];
    double rms[4] = {0};

    (void)state;
    normals("noise", 0, 1, noise, HOP * H);
    for (size_t i = 0; i < 4; i++) {
        tb_hift_osc osc = {0};

        tb_hift_source(&hift, &nn, &at[i], 1, noise, &osc, out);
        for (size_t n = HOP / 2; n < HOP; n++) { /* slow ones have begun to move */
            const double x = atanh((double)out[n]) - (double)*hift.harmonic_b;
            double want = 0;

            for (size_t k = 0; k < H; k++) {
                const double s = 0.1 * sin(6.283185307179586 * (double)(n + 1) * (double)at[i] *
                                           (double)(k + 1) / 24000);
                const double z = (double)noise[n * H + k];

                want += (double)hift.harmonic_w[k] *
                        (i < 2 ? 0.1 / 3 * z : s + 0.003 * z); /* the first two are unvoiced */
            }
            rms[i] += (x - want) * (x - want);
        }
        assert_true(sqrt(rms[i] / (HOP / 2)) < 1e-5);
    }
}

static void oscillators_begin_by_name(void **state)
{
    tb_hift_osc a, b, c;

    (void)state;
    tb_hift_osc_init(&a, "timbre/1/0/phase", "timbre/1/0/source");
    tb_hift_osc_init(&b, "timbre/1/0/phase", "timbre/1/0/source");
    tb_hift_osc_init(&c, "timbre/2/0/phase", "timbre/2/0/source");
    assert_memory_equal(a.phase, b.phase, sizeof a.phase);
    assert_true(a.noise == b.noise && a.noise != c.noise && a.sample == 0);
    assert_true(a.phase[0] == 0);
    for (size_t k = 1; k < H; k++) {
        assert_true(fabsf(a.phase[k]) <= 3.1415928f);
        assert_true(a.phase[k] != c.phase[k]);
    }
}

/* ---- decoder */

/* Frames first .. first + n - 1 made alone with so much around them: how many samples differ from
 * those of the whole. */
static size_t differing(const float *whole, size_t first, size_t n, size_t before, size_t after)
{
    static float part[TM * HOP];
    const size_t from = first - before, len = before + n + after;
    size_t off = 0;

    decode(mel + from * MELS, len, source + from * HOP, part);
    for (size_t i = 0; i < n * HOP; i++)
        off += part[before * HOP + i] != whole[first * HOP + i];
    return off;
}

static void pieces_with_enough_around_them_are_the_whole_s_bits(void **state)
{
    static float whole[TM * HOP];
    size_t before, after;

    (void)state;
    decode(mel, TM, source, whole);
    tb_hift_reach(&hift, &before, &after);
    assert_int_equal(before, 15);
    assert_int_equal(after, 15);
    assert_int_equal(differing(whole, 28, 5, before, after), 0);
    assert_int_equal(differing(whole, 30, 1, before, after), 0);
    /* What the outermost frame on each side has to say rounds away. */
    assert_true(differing(whole, 28, 5, before - 2, after) > 0);
    assert_true(differing(whole, 28, 5, before, after - 2) > 0);
    /* The ends of the whole are ends of the piece. */
    assert_int_equal(differing(whole, 0, 5, 0, after), 0);
    assert_int_equal(differing(whole, TM - 5, 5, before, 0), 0);
}

/* Longer than what is decoded at once, against pieces cut elsewhere. */
static void long_ones_have_no_seams(void **state)
{
    enum { LONG = 1100, CUT = 220 };
    static float m[LONG * MELS], s[LONG * HOP], pitch[LONG], whole[LONG * HOP], part[LONG * HOP];
    tb_hift_osc osc = begin;
    size_t before, after;

    (void)state;
    normals("long", 0, 1.4f, m, LONG * MELS);
    tb_hift_f0(&hift, &nn, m, LONG, pitch);
    tb_hift_source(&hift, &nn, pitch, LONG, NULL, &osc, s);
    decode(m, LONG, s, whole);
    tb_hift_reach(&hift, &before, &after);
    for (size_t t = 0; t < LONG; t += CUT) {
        const size_t from = t ? t - before : 0, to = t + CUT < LONG ? t + CUT + after : LONG;

        decode(m + from * MELS, to - from, s + from * HOP, part);
        assert_memory_equal(part + (t - from) * HOP, whole + t * HOP, CUT * HOP * sizeof *part);
    }
}

static void one_frame_is_enough_and_nothing_is_louder_than_allowed(void **state)
{
    static float loud[TM * MELS], wav[TM * HOP];
    float most = 0;

    (void)state;
    decode(mel, 1, source, wav);
    for (size_t i = 0; i < HOP; i++)
        assert_true(isfinite(wav[i]));
    for (size_t i = 0; i < TM * MELS; i++)
        loud[i] = 50 * mel[i];
    decode(loud, TM, source, wav);
    for (size_t i = 0; i < TM * HOP; i++)
        most = fmaxf(most, fabsf(wav[i]));
    assert_true(most == 0.99f);
}

static void the_number_of_threads_changes_no_bit(void **state)
{
    static float one[TM * HOP], three[TM * HOP];

    (void)state;
    decode(mel, TM, source, one);
    assert_int_equal(tb_thread_pool_new(3, &nn.pool, NULL), TB_OK);
    decode(mel, TM, source, three);
    tb_thread_pool_free(nn.pool);
    nn.pool = NULL;
    assert_memory_equal(one, three, sizeof one);
}

static void it_stops_within_a_stage(void **state)
{
    static float wav[TM * HOP];
    static const char *const at[] = {"hift.conv_pre", "hift.src_res1", "hift.res8"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        canceller c = {.trace = {.put = canceller_put, .self = &c}, .at = at[i]};
        tb_err err = {0};
        const size_t mark = tb_scratch_mark(nn.scratch);

        nn.trace = &c.trace;
        assert_int_equal(tb_hift_decode(&hift, &nn, mel, TM, source, &c.cancel, wav, &err),
                         TB_ECANCELLED);
        nn.trace = NULL;
        assert_true(c.after <= 4); /* the way into the stage, and its end */
        assert_int_equal(tb_scratch_mark(nn.scratch), mark);
    }
}

static void the_beginning_fades_in(void **state)
{
    float x[1000];

    (void)state;
    for (size_t i = 0; i < 1000; i++)
        x[i] = 1;
    tb_fade(x, 1000);
    for (size_t i = 0; i <= 480; i++)
        assert_true(x[i] == 0);
    for (size_t i = 481; i < 960; i++)
        assert_true(x[i] > x[i - 1]);
    assert_float_equal(x[480 + 120], 0.147027, 1e-5); /* (1 - cos(pi 120 / 479)) / 2 */
    for (size_t i = 959; i < 1000; i++)
        assert_true(x[i] == 1);
    x[0] = x[1] = 1;
    tb_fade(x, 1); /* short ones are silent */
    assert_true(x[0] == 0 && x[1] == 1);
    tb_fade(x, 0);
}

static void a_wrong_file_is_told_by_the_first_thing_wrong(void **state)
{
    static const float zeros[16 * 1024];
    static const struct {
        const char *without, *with;
        tb_tensor t;
        const char *said;
    } cases[] = {
        {"mel2wav.ups.1.bias", NULL, {0}, "mel2wav.ups.1.bias"},
        {"mel2wav.resblocks.8.activations2.2.alpha", NULL, {0}, "resblocks.8.activations2.2.alpha"},
        {"mel2wav.conv_pre.weight", NULL, {0}, "mel2wav.conv_pre.weight"},
        {NULL, "mel2wav.ups.3.bias", {TB_F32, 1, {4}, zeros}, "mel2wav.ups.3.bias"},
        {"mel2wav.ups.2.weight", "mel2wav.ups.2.weight", {TB_F32, 3, {8, 2, 16}, zeros}, "ups.2"},
        {"mel2wav.ups.2.weight", "mel2wav.ups.2.weight", {TB_F32, 3, {8, 6, 16}, zeros}, "ups.2"},
        {"mel2wav.source_downs.0.weight",
         "mel2wav.source_downs.0.weight",
         {TB_F32, 3, {32, 1, 18}, zeros},
         "source_downs.0"},
        {"mel2wav.resblocks.0.convs1.0.weight",
         "mel2wav.resblocks.0.convs1.0.weight",
         {TB_F32, 3, {32, 4, 32}, zeros},
         "resblocks.0 is 4 wide"},
        {"mel2wav.conv_post.weight",
         "mel2wav.conv_post.weight",
         {TB_F32, 3, {20, 7, 8}, zeros},
         "mel2wav.conv_post.weight"},
        {"mel2wav.m_source.l_linear.weight",
         "mel2wav.m_source.l_linear.weight",
         {TB_F32, 2, {1, 8}, zeros},
         "l_linear"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tb_weights *w = changed(weights, cases[i].without, cases[i].with, &cases[i].t);
        tb_hift h = {0};
        tb_err err = {0};

        assert_int_equal(tb_hift_bind(&h, w, &err), TB_EMODEL);
        if (!strstr(err.msg, cases[i].said)) fail_msg("'%s' in '%s'", cases[i].said, err.msg);
        assert_int_equal(h.mels, 0);
        tb_weights_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_s_pitch_is_its_neighbourhood_s),
        cmocka_unit_test(the_source_goes_on_from_chunk_to_chunk),
        cmocka_unit_test(forty_seconds_lose_no_phase),
        cmocka_unit_test(a_voice_begins_above_ten_hertz),
        cmocka_unit_test(oscillators_begin_by_name),
        cmocka_unit_test(pieces_with_enough_around_them_are_the_whole_s_bits),
        cmocka_unit_test(long_ones_have_no_seams),
        cmocka_unit_test(one_frame_is_enough_and_nothing_is_louder_than_allowed),
        cmocka_unit_test(the_number_of_threads_changes_no_bit),
        cmocka_unit_test(it_stops_within_a_stage),
        cmocka_unit_test(the_beginning_fades_in),
        cmocka_unit_test(a_wrong_file_is_told_by_the_first_thing_wrong),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
