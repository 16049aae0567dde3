/*
 * Rain, wind, ocean, fire.
 *
 * Rain has three densities, as the ear resolves drops; wind is one gust signal that drives all its
 * parts; the ocean is three trains of waves; fire is roar, hiss and clusters of crackles.
 * docs/ambience-recipes.md, "Rain" to "Fire". Relies on unit.c and recipe.c.
 */
#include "ambience/recipe_priv.h"

static const double flat_q = 0.7071;

static double clamp(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/* ---- rain: three densities, as the ear resolves them */

typedef struct {
    tb_ctl level;
    tb_layer wash, far;
    tb_dust patter;
    tb_biquad surface[4];
    tb_poisson drops, drips;
    tb_stream drop, drop_noise, drip;
} rain;

static void rain_init(void *state, tb_scene *s)
{
    static const double f[4] = {1500, 2700, 4400, 6900}, q[4] = {1.6, 1.8, 2, 2};
    rain *r = state;
    r->level = tb_ctl_at(s, "level", 0.15, 3, 0.5);
    tb_layer_init(&r->wash, s, "wash", false);
    tb_layer_filter(&r->wash, s, TB_BIQUAD_HIGH, 700, 0.5, 0);
    tb_layer_filter(&r->wash, s, TB_BIQUAD_LOW, 7000, 0.5, 0);
    tb_layer_filter(&r->wash, s, TB_BIQUAD_PEAK, 2600, 0.5, 4);
    tb_layer_init(&r->far, s, "far", true);
    tb_layer_filter(&r->far, s, TB_BIQUAD_HIGH, 60, flat_q, 0);
    tb_layer_filter(&r->far, s, TB_BIQUAD_LOW, 900, 0.5, 0);
    r->patter = tb_dust_at(tb_scene_stream(s, "pat"), s->fs, 1800, 0.9);
    for (int k = 0; k < 4; k++)
        tb_biquad_set(&r->surface[k], TB_BIQUAD_BAND, s->fs, f[k], q[k], 0);
    r->drops = tb_poisson_at(tb_scene_stream(s, "drop"), s->fs, 140);
    r->drop = tb_scene_stream(s, "drop.p");
    r->drop_noise = tb_scene_stream(s, "drop.n");
    r->drips = tb_poisson_at(tb_scene_stream(s, "drip"), s->fs, 2.5);
    r->drip = tb_scene_stream(s, "drip.p");
}

static void rain_tick(void *state, tb_scene *s)
{
    static const double gain[4] = {0.8, 1, 0.9, 0.7};
    rain *r = state;
    double wash[TB_TICK], far[TB_TICK], pat[TB_TICK];
    tb_layer_tick(&r->wash, s, wash);
    tb_layer_tick(&r->far, s, far);
    for (int i = 0; i < TB_TICK; i++) {
        double d = tb_dust_sample(&r->patter, s->n0 + i);
        pat[i] = 0;
        for (int k = 0; k < 4; k++)
            pat[i] += gain[k] * tb_biquad_step(&r->surface[k], d);
        pat[i] = 0.17 * wash[i] + 0.36 * far[i] + 0.26 * pat[i];
    }
    tb_scale_ramp(pat, 1 + 0.1 * tb_ctl_value(&r->level, s->tick),
                  1 + 0.1 * tb_ctl_value(&r->level, s->tick + 1));
    tb_add(s->bus[0], pat, 1);

    uint64_t k = 0;
    int64_t n = 0;
    while (tb_poisson_next(&r->drops, s->n0 + TB_TICK, &k, &n)) {
        double u[4];
        for (uint64_t j = 0; j < 4; j++)
            u[j] = tb_stream_u(r->drop, k * 8 + j);
        tb_scene_burst(s, 0,
                       &(tb_burst){.start = n,
                                   .stream = r->drop_noise,
                                   .index = k,
                                   .hz = 1100 * pow(6.5, u[0]),
                                   .q = 1.4,
                                   .tau_s = 0.0007 + 0.0022 * u[3],
                                   .amp = fmin(0.13 * tb_lognormal(u[1], u[2], 0.9), 1.3),
                                   .attack_s = 0.0003});
    }
    /* Bubbles in puddles: short rising pings, longer when low. */
    while (tb_poisson_next(&r->drips, s->n0 + TB_TICK, &k, &n)) {
        double u[4];
        for (uint64_t j = 0; j < 4; j++)
            u[j] = tb_stream_u(r->drip, k * 8 + j);
        double f0 = 500 * pow(5, u[0]);
        tb_scene_ping(s, 0,
                      &(tb_ping){.start = n,
                                 .f0_hz = f0,
                                 .f1_hz = f0 * (1.1 + 0.25 * u[3]),
                                 .tau_s = 0.006 + 0.014 * (1 - u[0]),
                                 .amp = 0.16 * tb_lognormal(u[1], u[2], 0.5),
                                 .attack_s = 0.0008,
                                 .max_s = 1});
    }
}

/* ---- wind: gusts drive a body, three howls at edges and wires, and leaves */

typedef struct {
    tb_ctl gust_p, gust_q, gust_a, gust, flutter;
    double g0, g1;
    tb_white body, howl[3];
    tb_pink pink;
    tb_biquad body_high;
    tb_svf body_low, howl_band[3];
    tb_ctl wobble[3];
    tb_layer leaves;
} wind;

static void wind_init(void *state, tb_scene *s)
{
    wind *w = state;
    w->gust_p = tb_ctl_at(s, "gustp", 0.09, 1, 0.5);
    w->gust_q = tb_ctl_at(s, "gustq", 0.2, 1, 0.5);
    w->gust_a = tb_ctl_at(s, "gusta", 0.1, 1, 0.5);
    w->gust = tb_ctl_at(s, "gust", 0.8, 2, 0.5);
    w->flutter = tb_ctl_at(s, "flut", 7, 2, 0.5);
    w->g0 = tb_stream_u(tb_scene_stream(s, "g0"), 0);
    w->g1 = tb_stream_u(tb_scene_stream(s, "g1"), 0);
    w->body = tb_white_at(tb_scene_stream(s, "body"), s->fs);
    tb_pink_init(&w->pink, s->fs);
    tb_biquad_set(&w->body_high, TB_BIQUAD_HIGH, s->fs, 45, flat_q, 0);
    for (int j = 0; j < 3; j++) {
        char name[8] = {'w', 'o', 'b', (char)('0' + j), 0};
        w->howl[j] = tb_white_at(tb_scene_stream_n(s, "howl", j), s->fs);
        w->wobble[j] = tb_ctl_at(s, name, 1.3, 2, 0.5);
    }
    tb_layer_init(&w->leaves, s, "leaf", false);
    tb_layer_filter(&w->leaves, s, TB_BIQUAD_HIGH, 2200, 0.6, 0);
    tb_layer_filter(&w->leaves, s, TB_BIQUAD_LOW, 7500, 0.6, 0);
}

/* The gust at a tick, seen lag_s later. Quasi-periodic: irregular, yet every half minute alike. */
static double gust(const wind *w, const tb_scene *s, int64_t tick, double lag_s)
{
    tick -= (int64_t)(lag_s * s->fs / TB_TICK);
    if (tick < 0) tick = 0;
    double t = (double)tick * TB_TICK / s->fs;
    double a = sin(2 * M_PI * (0.115 * t + 0.45 * tb_ctl_value(&w->gust_p, tick) + w->g0));
    double b = sin(2 * M_PI * (0.31 * t + 0.5 * tb_ctl_value(&w->gust_q, tick) + w->g1));
    double g = 0.55 + 0.18 * a * (1 + 0.3 * tb_ctl_value(&w->gust_a, tick)) + 0.09 * b +
               0.12 * tb_ctl_value(&w->gust, tick);
    return clamp(g, 0.15, 0.95);
}

static double leaf_level(const wind *w, const tb_scene *s, int64_t tick)
{
    double over = clamp(gust(w, s, tick, 0.5) - 0.35, 0, 1);
    return pow(over, 1.5) * (0.6 + 0.4 * tb_ctl_value(&w->flutter, tick));
}

static void wind_tick(void *state, tb_scene *s)
{
    static const struct {
        double f, df, q, lag, gain;
    } howl[3] = {{330, 360, 7, 0, 0.55}, {560, 520, 9, 0.35, 0.40}, {980, 700, 14, 0.8, 0.22}};
    wind *w = state;
    double x[TB_TICK];
    double b0 = pow(gust(w, s, s->tick, 0), 1.3), b1 = pow(gust(w, s, s->tick + 1, 0), 1.3);

    tb_white_tick(&w->body, s->n0, x);
    tb_pink_tick(&w->pink, x);
    tb_svf_set(&w->body_low, s->fs, 180 + 700 * b0, 0.6);
    for (int i = 0; i < TB_TICK; i++)
        x[i] = tb_svf_step(&w->body_low, x[i], NULL);
    tb_cascade(&w->body_high, 1, x);
    tb_scale_ramp(x, 0.35 + 0.95 * b0, 0.35 + 0.95 * b1);
    tb_add(s->bus[0], x, 1);

    for (int j = 0; j < 3; j++) {
        double g0 = gust(w, s, s->tick, howl[j].lag), g1 = gust(w, s, s->tick + 1, howl[j].lag);
        double pitch_gust = clamp(g0 + 0.12 * tb_ctl_value(&w->wobble[j], s->tick), 0, 1.2);
        tb_svf_set(&w->howl_band[j], s->fs, howl[j].f + howl[j].df * pitch_gust, howl[j].q);
        for (int i = 0; i < TB_TICK; i++)
            tb_svf_step(&w->howl_band[j], tb_white_sample(&w->howl[j], s->n0 + i), &x[i]);
        tb_scale_ramp(x, pow(g0, 1.8), pow(g1, 1.8));
        tb_add(s->bus[0], x, howl[j].gain * sqrt(howl[j].q));
    }

    tb_layer_tick(&w->leaves, s, x);
    tb_scale_ramp(x, leaf_level(w, s, s->tick), leaf_level(w, s, s->tick + 1));
    tb_add(s->bus[0], x, 0.42);
}

/* ---- ocean: a far sea and three interleaved trains of waves */

enum { WAVES = 8 }; /* kept per train: the ninth back is 80 s old and has died away */

typedef struct {
    double at, height, rise, fall;
} wave;

typedef struct {
    tb_stream stream;
    uint64_t k;
    double next_s;
    wave waves[WAVES];
    tb_white white;
    tb_pink pink;
    tb_svf low;
    tb_biquad high;
    tb_layer foam;
    tb_ctl fizz;
} wave_train;

typedef struct {
    tb_layer far;
    tb_ctl far_level;
    wave_train trains[3];
} ocean;

static void ocean_init(void *state, tb_scene *s)
{
    ocean *o = state;
    tb_layer_init(&o->far, s, "far", true);
    tb_layer_filter(&o->far, s, TB_BIQUAD_HIGH, 40, flat_q, 0);
    tb_layer_filter(&o->far, s, TB_BIQUAD_LOW, 1800, 0.5, 0);
    o->far_level = tb_ctl_at(s, "farm", 0.07, 2, 0.5);
    for (int w = 0; w < 3; w++) {
        wave_train *t = &o->trains[w];
        char foam[8] = {'f', 'o', 'a', 'm', (char)('0' + w), 0};
        char fizz[8] = {'f', 'i', 'z', (char)('0' + w), 0};
        t->stream = tb_scene_stream_n(s, "wave", w);
        t->next_s = -12 + 4.0 * w;
        for (int k = 0; k < WAVES; k++)
            t->waves[k] = (wave){-1e9, 0, 1, 1};
        t->white = tb_white_at(tb_scene_stream_n(s, "src", w), s->fs);
        tb_pink_init(&t->pink, s->fs);
        tb_biquad_set(&t->high, TB_BIQUAD_HIGH, s->fs, 50, flat_q, 0);
        tb_layer_init(&t->foam, s, foam, false);
        tb_layer_filter(&t->foam, s, TB_BIQUAD_HIGH, 1500, 0.6, 0);
        tb_layer_filter(&t->foam, s, TB_BIQUAD_LOW, 8000, 0.6, 0);
        t->fizz = tb_ctl_at(s, fizz, 14, 2, 0.5);
    }
}

static void swell(const wave_train *w, double t, double *body, double *foam)
{
    *body = *foam = 0;
    for (int k = 0; k < WAVES; k++) {
        const wave *v = &w->waves[k];
        double x = t - v->at;
        if (x < 0 || v->height <= 0) continue;
        if (x < v->rise) {
            *body += v->height * pow(x / v->rise, 2.2);
            *foam += v->height * pow(x / v->rise, 3);
        } else {
            *body += v->height * exp(-(x - v->rise) / v->fall);
            *foam += v->height * exp(-(x - v->rise) / (1.8 * v->fall));
        }
    }
}

static void train_of_waves(wave_train *w, tb_scene *s)
{
    double t0 = (double)s->tick * TB_TICK / s->fs, t1 = (double)(s->tick + 1) * TB_TICK / s->fs;
    while (w->next_s < t1) {
        double u[4];
        for (uint64_t j = 0; j < 4; j++)
            u[j] = tb_stream_u(w->stream, w->k * 8 + j);
        w->waves[w->k % WAVES] =
            (wave){w->next_s, 0.55 + 0.45 * u[1], 2.6 + 1.4 * u[2], 1.9 + 1.2 * u[3]};
        w->next_s += 10.5 + 4 * u[0];
        w->k++;
    }
    double e0, e1, f0, f1, x[TB_TICK];
    swell(w, t0, &e0, &f0);
    swell(w, t1, &e1, &f1);

    tb_white_tick(&w->white, s->n0, x);
    tb_pink_tick(&w->pink, x);
    tb_svf_set(&w->low, s->fs, 300 + 4200 * pow(clamp(e0, 0, 1.3), 1.4), 0.55);
    for (int i = 0; i < TB_TICK; i++)
        x[i] = tb_svf_step(&w->low, x[i], NULL);
    tb_cascade(&w->high, 1, x);
    tb_scale_ramp(x, e0, e1);
    tb_add(s->bus[0], x, 1.3);

    tb_layer_tick(&w->foam, s, x);
    tb_scale_ramp(x, f0 * (0.7 + 0.3 * tb_ctl_value(&w->fizz, s->tick)),
                  f1 * (0.7 + 0.3 * tb_ctl_value(&w->fizz, s->tick + 1)));
    tb_add(s->bus[0], x, 0.34);
}

static void ocean_tick(void *state, tb_scene *s)
{
    ocean *o = state;
    double x[TB_TICK];
    tb_layer_tick(&o->far, s, x);
    tb_scale_ramp(x, 1 + 0.2 * tb_ctl_value(&o->far_level, s->tick),
                  1 + 0.2 * tb_ctl_value(&o->far_level, s->tick + 1));
    tb_add(s->bus[0], x, 0.35);
    for (int w = 0; w < 3; w++)
        train_of_waves(&o->trains[w], s);
}

/* ---- fire: roar, hiss, clustered crackles, pops */

typedef struct {
    tb_ctl flame, hiss_level;
    tb_layer roar, hiss;
    tb_poisson clusters, pops;
    tb_stream param, noise;
} fire;

static void fire_init(void *state, tb_scene *s)
{
    fire *f = state;
    f->flame = tb_ctl_at(s, "flame", 1.1, 3, 0.6);
    f->hiss_level = tb_ctl_at(s, "hissm", 0.8, 3, 0.6);
    tb_layer_init(&f->roar, s, "roar", true);
    tb_layer_filter(&f->roar, s, TB_BIQUAD_HIGH, 40, flat_q, 0);
    tb_layer_filter(&f->roar, s, TB_BIQUAD_LOW, 520, 0.6, 0);
    tb_layer_filter(&f->roar, s, TB_BIQUAD_PEAK, 95, 1, 3);
    tb_layer_init(&f->hiss, s, "hiss", false);
    tb_layer_filter(&f->hiss, s, TB_BIQUAD_HIGH, 1200, 0.6, 0);
    tb_layer_filter(&f->hiss, s, TB_BIQUAD_LOW, 8500, 0.6, 0);
    f->param = tb_scene_stream(s, "crk.p");
    f->noise = tb_scene_stream(s, "crk.n");
    f->clusters = tb_poisson_at(tb_scene_stream(s, "cluster"), s->fs, 2.6);
    f->pops = tb_poisson_at(tb_scene_stream(s, "pop"), s->fs, 0.35);
}

static double hiss_level(const fire *f, int64_t tick)
{
    double h = clamp(0.5 + 0.5 * tb_ctl_value(&f->hiss_level, tick), 0, 1);
    return 0.024 + 0.12 * h * h * h;
}

static void crackle(const fire *f, tb_scene *s, uint64_t k, int64_t n)
{
    uint64_t base = k * 256;
    int m = 1 + (int)(-log(1 - tb_stream_u(f->param, base)) * 3);
    for (int j = 0; j < m && j < 14; j++) {
        double v[5];
        for (uint64_t i = 0; i < 5; i++)
            v[i] = tb_stream_u(f->param, base + 4 + (uint64_t)j * 8 + i);
        n += (int64_t)(-log(1 - v[0]) * 0.035 * s->fs);
        double a = 0.22 * fmin(pow(1 - v[2], -0.55), 8); /* heavy tail */
        tb_scene_burst(s, 0,
                       &(tb_burst){.start = n,
                                   .stream = f->noise,
                                   .index = k * 16 + (uint64_t)j,
                                   .hz = 1200 * pow(5.5, v[1]),
                                   .q = 1 + 2 * v[3],
                                   .tau_s = 0.0007 + 0.0030 * v[4] * v[4],
                                   .amp = a,
                                   .attack_s = 0.0002});
    }
}

static void fire_tick(void *state, tb_scene *s)
{
    fire *f = state;
    double x[TB_TICK];
    tb_layer_tick(&f->roar, s, x);
    tb_scale_ramp(x, 0.55 + 0.75 * (0.5 + 0.5 * tb_ctl_value(&f->flame, s->tick)),
                  0.55 + 0.75 * (0.5 + 0.5 * tb_ctl_value(&f->flame, s->tick + 1)));
    tb_add(s->bus[0], x, 0.30);
    tb_layer_tick(&f->hiss, s, x);
    tb_scale_ramp(x, hiss_level(f, s->tick), hiss_level(f, s->tick + 1));
    tb_add(s->bus[0], x, 1);

    uint64_t k = 0;
    int64_t n = 0;
    while (tb_poisson_next(&f->clusters, s->n0 + TB_TICK, &k, &n))
        crackle(f, s, k, n);
    while (tb_poisson_next(&f->pops, s->n0 + TB_TICK, &k, &n)) {
        double u[3];
        for (uint64_t j = 0; j < 3; j++)
            u[j] = tb_stream_u(f->param, 10000000 + k * 8 + j);
        double pitch = 180 + 260 * u[0];
        tb_scene_ping(s, 0,
                      &(tb_ping){.start = n,
                                 .f0_hz = pitch,
                                 .f1_hz = pitch,
                                 .tau_s = 0.010 + 0.012 * u[1],
                                 .amp = 0.5 + 0.5 * u[2],
                                 .attack_s = 0.0006,
                                 .max_s = 1});
        tb_scene_burst(s, 0,
                       &(tb_burst){.start = n,
                                   .stream = f->noise,
                                   .index = 1000000 + k,
                                   .hz = 2500,
                                   .q = 0.8,
                                   .tau_s = 0.004,
                                   .amp = 0.7 + 0.6 * u[2],
                                   .attack_s = 0.0003});
    }
}

const tb_recipe tb_recipe_rain = {
    "rain",    "Rain",   "Steady rain with single drops and drips.", 18, 0, 0, sizeof(rain),
    rain_init, rain_tick};
const tb_recipe tb_recipe_wind = {
    "wind",       "Wind",    "Gusts that howl softly round edges and rustle leaves.",
    18,           0,         0,
    sizeof(wind), wind_init, wind_tick};
const tb_recipe tb_recipe_ocean = {"ocean",
                                   "Ocean waves",
                                   "Waves that rise, break and draw back on a beach.",
                                   18,
                                   0,
                                   0,
                                   sizeof(ocean),
                                   ocean_init,
                                   ocean_tick};
const tb_recipe tb_recipe_fire = {"fire",       "Fireplace", "A crackling fire in a fireplace.",
                                  18,           0,           0,
                                  sizeof(fire), fire_init,   fire_tick};
