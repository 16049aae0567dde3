/*
 * Forest birds and night crickets.
 *
 * Animals are state machines: each has a fixed voice and steps from syllable to syllable, whose
 * times and pitches come from its own stream of numbers. Distance sets level, low pass and reverb.
 * docs/ambience-recipes.md, "Forest" and "Night". Relies on unit.c and recipe.c.
 */
#include "ambience/recipe_priv.h"

static const double flat_q = 0.7071;

/* ---- forest */

enum { BIRDS = 5 };

typedef struct {
    tb_stream stream;
    int kind; /* 0 chirps up and down, 1 falling slur, 2 trill, 3 two notes */
    double f0, span, syllable_s, gap_s, amp, wet, trill_hz;
    int syllables;
    tb_biquad low;
    /* the call under way */
    double call_s, at_s, tone;
    uint64_t k;
    int sung, of;
    /* the syllable: samples [start, start + len) */
    int64_t start;
    int len;
    double turns;
} bird;

typedef struct {
    tb_layer air, leaf;
    tb_ctl breeze, flutter;
    bird birds[BIRDS];
} forest;

static void next_syllable(bird *b, const tb_scene *s)
{
    if (b->sung == b->of) { /* a call is over, or none was */
        if (b->of > 0) {
            double v = tb_stream_u(b->stream, 1000 + b->k * 64 + 60);
            b->call_s = b->at_s + 1.5 - log(1 - v) * 4.5;
            b->k++;
        }
        uint64_t base = 1000 + b->k * 64;
        b->tone = 1 + 0.04 * (tb_stream_u(b->stream, base) - 0.5);
        b->at_s = b->call_s;
        b->sung = 0;
        b->of = b->syllables + (int)(tb_stream_u(b->stream, base + 1) * 3) - 1;
        if (b->of < 1) b->of = 1;
    }
    double v = tb_stream_u(b->stream, 1000 + b->k * 64 + 2 + (uint64_t)b->sung);
    b->start = (int64_t)(b->at_s * s->fs);
    b->len = (int)(b->syllable_s * (0.85 + 0.3 * v) * s->fs);
    b->turns = 0;
    b->at_s += b->syllable_s + b->gap_s;
    b->sung++;
}

static void forest_init(void *state, tb_scene *s)
{
    forest *f = state;
    tb_layer_init(&f->air, s, "air", true);
    tb_layer_filter(&f->air, s, TB_BIQUAD_HIGH, 80, flat_q, 0);
    tb_layer_filter(&f->air, s, TB_BIQUAD_LOW, 1500, 0.5, 0);
    tb_layer_init(&f->leaf, s, "leaf", false);
    tb_layer_filter(&f->leaf, s, TB_BIQUAD_HIGH, 1800, 0.6, 0);
    tb_layer_filter(&f->leaf, s, TB_BIQUAD_LOW, 6500, 0.6, 0);
    f->breeze = tb_ctl_at(s, "breeze", 0.12, 3, 0.5);
    f->flutter = tb_ctl_at(s, "fl", 6, 2, 0.5);
    for (int i = 0; i < BIRDS; i++) {
        bird *b = &f->birds[i];
        b->stream = tb_scene_stream_n(s, "bird", i);
        double u[10];
        for (uint64_t j = 0; j < 10; j++)
            u[j] = tb_stream_u(b->stream, j);
        b->kind = (int)(u[0] * 4);
        b->f0 = 2300 * pow(2.4, u[1]);
        b->span = 0.12 + 0.35 * u[2];
        b->syllable_s = 0.05 + 0.12 * u[3];
        b->gap_s = 0.04 + 0.10 * u[4];
        b->syllables = 2 + (int)(u[5] * 6);
        double dist = (i + u[6]) / BIRDS; /* near to far */
        b->amp = 0.26 * (1 - 0.72 * dist);
        b->wet = 0.25 + 0.35 * dist;
        b->call_s = 2 * u[8];
        b->trill_hz = 26 + 14 * u[9];
        tb_biquad_set(&b->low, TB_BIQUAD_LOW, s->fs, 9000 - 4500 * dist, 0.6, 0);
        next_syllable(b, s);
    }
}

static double bird_pitch(const bird *b, double x, int j)
{
    int up = (b->kind + j) % 2 ? 1 : -1;
    switch (b->kind) {
    case 0:
        return b->f0 * (1 + up * b->span * (x - 0.5));
    case 1:
        return b->f0 * (1 + b->span * (0.5 - x) + 0.15 * b->span * sin(4 * M_PI * x));
    case 2:
        return b->f0 * (1 + 0.5 * b->span * sin(2 * M_PI * b->trill_hz * x * b->syllable_s));
    default:
        return b->f0 * (j % 2 ? 1 : 1 - 0.6 * b->span);
    }
}

static void bird_tick(bird *b, tb_scene *s)
{
    double x[TB_TICK] = {0};
    int64_t end = s->n0 + TB_TICK;
    while (b->start < end) {
        int64_t from = b->start > s->n0 ? b->start : s->n0;
        int64_t to = b->start + b->len < end ? b->start + b->len : end;
        for (int64_t n = from; n < to; n++) {
            double at = (double)(n - b->start) / b->len;
            b->turns += bird_pitch(b, at, b->sung - 1) * b->tone / s->fs;
            double ph = 2 * M_PI * b->turns, sn = sin(ph);
            x[n - s->n0] += pow(sin(M_PI * at), 1.3) * (sn + 0.24 * sn * cos(ph));
        }
        if (b->start + b->len > end) break;
        next_syllable(b, s);
    }
    tb_cascade(&b->low, 1, x);
    tb_scene_source(s, x, b->amp, b->wet);
}

static void forest_tick(void *state, tb_scene *s)
{
    forest *f = state;
    double air[TB_TICK], leaf[TB_TICK];
    double b0 = 0.5 + 0.5 * tb_ctl_value(&f->breeze, s->tick);
    double b1 = 0.5 + 0.5 * tb_ctl_value(&f->breeze, s->tick + 1);
    tb_layer_tick(&f->air, s, air);
    tb_scale_ramp(air, 0.7 + 0.5 * b0, 0.7 + 0.5 * b1);
    tb_add(s->bus[0], air, 0.55);
    tb_layer_tick(&f->leaf, s, leaf);
    tb_scale_ramp(leaf, 0.3 + b0 * b0 * (0.8 + 0.3 * tb_ctl_value(&f->flutter, s->tick)),
                  0.3 + b1 * b1 * (0.8 + 0.3 * tb_ctl_value(&f->flutter, s->tick + 1)));
    tb_add(s->bus[0], leaf, 0.075);
    for (int i = 0; i < BIRDS; i++)
        bird_tick(&f->birds[i], s);
}

/* ---- night: air, a far chorus of insects, five crickets of one temperature, a tree cricket */

enum { CRICKETS = 5 };

typedef struct {
    tb_stream stream;
    double f0, chirps_hz, syllables_hz, nap, gain, wet;
    int syllables, len; /* samples of a syllable */
    tb_biquad low;
    double chirp_s;
    uint64_t k;
    int sung;
    bool sings;
    int64_t start;
    double turns;
} cricket;

typedef struct {
    tb_layer air, chorus;
    tb_ctl air_level, flutter, swell, tree_level;
    cricket crickets[CRICKETS];
    double tree_hz, tree_am_hz;
} night;

static void begin_chirp(cricket *c)
{
    c->sung = 0;
    /* Silent for about 11 s now and then. */
    uint64_t stretch = (uint64_t)(c->chirp_s / 11 + c->nap);
    c->sings = tb_stream_u(c->stream, 1000000 + stretch) > 0.25;
}

static void place_syllable(cricket *c, double fs)
{
    c->start = (int64_t)((c->chirp_s + c->sung / c->syllables_hz) * fs);
    c->turns = 0;
}

static void next_chirp(cricket *c)
{
    double v = tb_stream_u(c->stream, 100 + c->k * 4);
    c->chirp_s += 1 / c->chirps_hz * (1 + 0.08 * (v - 0.5));
    c->k++;
    begin_chirp(c);
}

static void night_init(void *state, tb_scene *s)
{
    night *m = state;
    tb_layer_init(&m->air, s, "air", true);
    tb_layer_filter(&m->air, s, TB_BIQUAD_HIGH, 50, flat_q, 0);
    tb_layer_filter(&m->air, s, TB_BIQUAD_LOW, 800, 0.5, 0);
    tb_layer_init(&m->chorus, s, "chor", false);
    tb_layer_filter(&m->chorus, s, TB_BIQUAD_BAND, 5600, 3, 0);
    tb_layer_filter(&m->chorus, s, TB_BIQUAD_BAND, 5600, 1.2, 0);
    m->air_level = tb_ctl_at(s, "m", 0.1, 2, 0.5);
    m->flutter = tb_ctl_at(s, "chm", 11, 2, 0.5);
    m->swell = tb_ctl_at(s, "chs", 0.15, 2, 0.5);
    m->tree_level = tb_ctl_at(s, "treem", 0.06, 2, 0.5);
    double temp = tb_stream_u(tb_scene_stream(s, "temp"), 0);
    for (int i = 0; i < CRICKETS; i++) {
        cricket *c = &m->crickets[i];
        c->stream = tb_scene_stream_n(s, "cricket", i);
        double u[8];
        for (uint64_t j = 0; j < 8; j++)
            u[j] = tb_stream_u(c->stream, j);
        double dist = fmin(1, 0.2 + 0.75 * i / (CRICKETS - 1) + 0.1 * u[0]);
        c->f0 = 3900 + 500 * temp + 1100 * fmod(i * 0.618 + u[1] * 0.3, 1);
        c->chirps_hz = (1.7 + 1.1 * temp) * (0.85 + 0.3 * u[2]);
        c->syllables_hz = (25 + 8 * temp) * (0.95 + 0.1 * u[3]);
        c->syllables = 3 + (int)(u[4] * 3);
        c->len = (int)(0.62 / c->syllables_hz * s->fs);
        c->chirp_s = u[5] / c->chirps_hz;
        c->nap = u[7];
        c->gain = 0.030 / (0.25 + dist);
        c->wet = 0.15 + 0.4 * dist;
        tb_biquad_set(&c->low, TB_BIQUAD_LOW, s->fs, 10500 - 4500 * dist, 0.6, 0);
        begin_chirp(c);
        place_syllable(c, s->fs);
    }
    m->tree_hz = 2700 + 400 * temp;
    m->tree_am_hz = 38 + 10 * temp;
}

static void cricket_tick(cricket *c, tb_scene *s)
{
    double x[TB_TICK] = {0};
    int64_t end = s->n0 + TB_TICK;
    while (c->start < end) {
        int64_t from = c->start > s->n0 ? c->start : s->n0;
        int64_t to = c->start + c->len < end ? c->start + c->len : end;
        double level = c->sung == 0 ? 0.55 : 1;
        for (int64_t n = from; n < to && c->sings; n++) {
            double at = (double)(n - c->start) / c->len;
            c->turns += c->f0 * (1 - 0.012 * at) / s->fs;
            x[n - s->n0] += level * sin(2 * M_PI * c->turns) * pow(sin(M_PI * at), 0.8);
        }
        if (c->start + c->len > end) break;
        if (++c->sung == c->syllables) next_chirp(c);
        place_syllable(c, s->fs);
    }
    tb_cascade(&c->low, 1, x);
    tb_scene_source(s, x, c->gain, c->wet);
}

static double sine_at(double hz, int64_t n, double fs)
{
    double turns = hz / fs * (double)n;
    return sin(2 * M_PI * (turns - floor(turns)));
}

static double tree_level(const night *m, int64_t tick)
{
    return fmax(0, fmin(1, 0.35 + 0.65 * tb_ctl_value(&m->tree_level, tick)));
}

static void night_tick(void *state, tb_scene *s)
{
    night *m = state;
    double x[TB_TICK];
    tb_layer_tick(&m->air, s, x);
    tb_scale_ramp(x, 1 + 0.15 * tb_ctl_value(&m->air_level, s->tick),
                  1 + 0.15 * tb_ctl_value(&m->air_level, s->tick + 1));
    tb_add(s->bus[0], x, 0.34);
    tb_layer_tick(&m->chorus, s, x);
    tb_scale_ramp(x, 0.6 + 0.4 * tb_ctl_value(&m->flutter, s->tick),
                  0.6 + 0.4 * tb_ctl_value(&m->flutter, s->tick + 1));
    tb_scale_ramp(x, 0.7 + 0.3 * tb_ctl_value(&m->swell, s->tick),
                  0.7 + 0.3 * tb_ctl_value(&m->swell, s->tick + 1));
    tb_add(s->bus[0], x, 0.055);
    for (int i = 0; i < CRICKETS; i++)
        cricket_tick(&m->crickets[i], s);

    double w0 = tree_level(m, s->tick), w1 = tree_level(m, s->tick + 1);
    if (w0 <= 0 && w1 <= 0) return;
    for (int i = 0; i < TB_TICK; i++) {
        double turns = m->tree_am_hz / s->fs * (double)(s->n0 + i);
        double am = 0.55 - 0.45 * cos(2 * M_PI * (turns - floor(turns)));
        x[i] = sine_at(m->tree_hz, s->n0 + i, s->fs) * am * sqrt(am);
    }
    tb_scale_ramp(x, w0, w1);
    tb_add(s->bus[0], x, 0.014);
}

const tb_recipe tb_recipe_forest = {"forest",
                                    "Forest birds",
                                    "A breeze in the leaves and five birds, near and far.",
                                    18,
                                    1.1,
                                    3500,
                                    sizeof(forest),
                                    forest_init,
                                    forest_tick};
const tb_recipe tb_recipe_night = {
    "night",    "Night crickets", "A warm night with crickets.", 18, 0.7, 4500, sizeof(night),
    night_init, night_tick};
