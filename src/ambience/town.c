/*
 * Street, train, office, cafe.
 *
 * Layers of noise for what is steady; cars, rail joints, keys, dishes and steam as events whose
 * times come from streams of numbers; talkers from talker.c. Events that need a filter of their own
 * go to their own bus first. docs/ambience-recipes.md, "Street" and the headings behind it. Relies
 * on unit.c, recipe.c and talker.c.
 */
#include "ambience/recipe_priv.h"

#include <string.h>

static const double flat_q = 0.7071;

/* ---- street: a bed of far traffic and cars that pass */

enum { CARS = 10 }; /* at most a car every 2.2 s, each audible for 18 s */

typedef struct {
    bool on;
    int64_t start;
    int at, len;
    tb_white white;
    tb_pink pink;
    tb_svf band, low;
    double v, d, engine_hz, turns;
    double amp0, amp1, hz0, hz1; /* at this tick of the car and the next */
} car;

typedef struct {
    tb_layer bed, tyre;
    tb_ctl level;
    tb_stream stream;
    uint64_t k;
    double sum_s;
    int64_t next; /* sample at which the next car becomes audible */
    car cars[CARS];
} street;

static const double audible_s = 9; /* either side of the closest point */

static void plan_car(street *r, const tb_scene *s)
{
    double u = tb_stream_u(r->stream, r->k * 16 + 15);
    /* A renewal process: never bunched, never long empty. */
    r->sum_s += 2.2 - log(1 - u) * (60.0 / 11 - 2.2);
    r->next = (int64_t)((r->sum_s - 9) * s->fs) - (int64_t)(audible_s * s->fs);
}

static void street_init(void *state, tb_scene *s)
{
    street *r = state;
    tb_layer_init(&r->bed, s, "bed", true);
    tb_layer_filter(&r->bed, s, TB_BIQUAD_HIGH, 35, flat_q, 0);
    tb_layer_filter(&r->bed, s, TB_BIQUAD_LOW, 450, 0.5, 0);
    tb_layer_filter(&r->bed, s, TB_BIQUAD_PEAK, 80, 0.8, 3);
    tb_layer_init(&r->tyre, s, "tyre", true);
    tb_layer_filter(&r->tyre, s, TB_BIQUAD_BAND, 850, 0.5, 0);
    r->level = tb_ctl_at(s, "bedm", 0.12, 3, 0.5);
    r->stream = tb_scene_stream(s, "car.p");
    plan_car(r, s);
}

/* Distance, loudness and Doppler shift at a tick of the car; retunes its filters. */
static void car_at(car *c, double fs, int tick, double *amp, double *hz, bool tune)
{
    double t = tick * (double)TB_TICK / fs - audible_s;
    double rr = sqrt(c->d * c->d + c->v * t * (c->v * t));
    double doppler = 1 / (1 + c->v * c->v * t / rr / 343);
    *amp = pow(6 / rr, 1.15) * sqrt(fmax(0, fmin(1, 1 - fabs(t) / audible_s)));
    *hz = c->engine_hz * doppler;
    if (!tune) return;
    tb_svf_set(&c->band, fs, 900 * doppler, 0.55);
    tb_svf_set(&c->low, fs, fmax(900, fmin(9000, 63000 / rr)), 0.6);
}

static void begin_car(street *r, const tb_scene *s)
{
    car *c = NULL;
    for (int i = 0; i < CARS && !c; i++)
        if (!r->cars[i].on) c = &r->cars[i];
    if (!c) return;
    double u[4];
    for (uint64_t j = 0; j < 4; j++)
        u[j] = tb_stream_u(r->stream, r->k * 16 + j);
    *c = (car){.on = true, .start = r->next, .len = (int)(2 * audible_s * s->fs)};
    c->v = 8 + 8 * u[0];
    c->d = 7 + 18 * u[1];
    c->engine_hz = 38 + 26 * u[3];
    c->white = tb_white_at(tb_scene_stream_n(s, "car", (int)r->k), s->fs);
    tb_pink_init(&c->pink, s->fs);
    car_at(c, s->fs, 0, &c->amp1, &c->hz1, false);
}

static double car_step(car *c, double fs)
{
    int in = c->at % TB_TICK;
    if (in == 0) { /* the car has its own ticks, counted from its start */
        c->amp0 = c->amp1;
        c->hz0 = c->hz1;
        double amp, hz;
        car_at(c, fs, c->at / TB_TICK, &amp, &hz, true);
        car_at(c, fs, c->at / TB_TICK + 1, &c->amp1, &c->hz1, false);
    }
    double f = in / (double)TB_TICK, y = tb_pink_step(&c->pink, tb_white_sample(&c->white, c->at));
    tb_svf_step(&c->band, y, &y);
    y = tb_svf_step(&c->low, y, NULL);
    c->turns += (c->hz0 + (c->hz1 - c->hz0) * f) / fs;
    c->turns -= floor(c->turns);
    double a = 2 * M_PI * c->turns;
    double s1 = sin(a), c1 = cos(a), s2 = 2 * s1 * c1, c2 = 1 - 2 * s1 * s1;
    double s3 = s2 * c1 + c2 * s1, c3 = c2 * c1 - s2 * s1, s4 = 2 * s2 * c2;
    /* sin(2a + 1), sin(3a + 2): the phases only keep the pulses from being needles */
    double engine = s1 + 0.6 * (s2 * cos(1.0) + c2 * sin(1.0)) +
                    0.3 * (s3 * cos(2.0) + c3 * sin(2.0)) + 0.2 * s4;
    c->at++;
    return (c->amp0 + (c->amp1 - c->amp0) * f) * (2.3 * y + 0.06 * engine);
}

static void street_tick(void *state, tb_scene *s)
{
    street *r = state;
    double x[TB_TICK], y[TB_TICK];
    tb_layer_tick(&r->bed, s, x);
    tb_layer_tick(&r->tyre, s, y);
    for (int i = 0; i < TB_TICK; i++)
        x[i] = 0.62 * x[i] + 0.46 * y[i];
    tb_scale_ramp(x, 1 + 0.22 * tb_ctl_value(&r->level, s->tick),
                  1 + 0.22 * tb_ctl_value(&r->level, s->tick + 1));
    tb_add(s->bus[0], x, 1);

    while (r->next < s->n0 + TB_TICK) {
        begin_car(r, s);
        r->k++;
        plan_car(r, s);
    }
    for (int k = 0; k < CARS; k++) {
        car *c = &r->cars[k];
        if (!c->on) continue;
        int64_t skip = s->n0 - c->start; /* cars that were there before the first sample */
        while (c->at < skip)
            car_step(c, s->fs);
        int i = skip < 0 ? (int)-skip : 0;
        for (; i < TB_TICK && c->at < c->len; i++)
            s->bus[0][i] += car_step(c, s->fs);
        if (c->at == c->len) c->on = false;
    }
}

/* ---- train, from inside: rolling, air, wheels, and rail joints every 0.92 s */

typedef struct {
    tb_layer roll, hvac, wheel;
    tb_ctl level, wheel_level, speed;
    tb_stream param, noise;
    double joint_s;
    uint64_t k;
} train;

static void train_init(void *state, tb_scene *s)
{
    train *t = state;
    tb_layer_init(&t->roll, s, "roll", true);
    tb_layer_filter(&t->roll, s, TB_BIQUAD_HIGH, 30, flat_q, 0);
    tb_layer_filter(&t->roll, s, TB_BIQUAD_LOW, 320, 0.6, 0);
    tb_layer_filter(&t->roll, s, TB_BIQUAD_PEAK, 62, 1.2, 5);
    tb_layer_init(&t->hvac, s, "hvac", false);
    tb_layer_filter(&t->hvac, s, TB_BIQUAD_HIGH, 200, 0.5, 0);
    tb_layer_filter(&t->hvac, s, TB_BIQUAD_LOW, 2600, 0.4, 0);
    tb_layer_init(&t->wheel, s, "wheel", true);
    tb_layer_filter(&t->wheel, s, TB_BIQUAD_BAND, 620, 1.2, 0);
    t->level = tb_ctl_at(s, "m", 0.6, 3, 0.5);
    t->wheel_level = tb_ctl_at(s, "w", 0.3, 2, 0.5);
    t->speed = tb_ctl_at(s, "speed", 0.03, 1, 0.5);
    t->param = tb_scene_stream(s, "joint.p");
    t->noise = tb_scene_stream(s, "joint.n");
    t->joint_s = 0.3;
}

static void joint(const train *t, tb_scene *s)
{
    /* Two axles per bogie, the next bogie further away. */
    static const double at[4] = {0, 0.105, 0.36, 0.465}, gain[4] = {1, 0.85, 0.45, 0.40};
    for (int j = 0; j < 4; j++) {
        uint64_t base = t->k * 32 + (uint64_t)j;
        double u0 = tb_stream_u(t->param, base), u8 = tb_stream_u(t->param, base + 8);
        double u16 = tb_stream_u(t->param, base + 16), u20 = tb_stream_u(t->param, base + 20);
        int64_t n = (int64_t)((t->joint_s + at[j] * (1 + 0.03 * (u0 - 0.5))) * s->fs);
        double level = gain[j] * (0.8 + 0.4 * u8), f = 78 + 14 * u16, g = 196 + 20 * u20;
        tb_scene_ping(s, 0,
                      &(tb_ping){.start = n,
                                 .f0_hz = f,
                                 .f1_hz = f,
                                 .tau_s = 0.035,
                                 .amp = 0.55 * level,
                                 .attack_s = 0.003,
                                 .max_s = 1});
        tb_scene_ping(s, 0,
                      &(tb_ping){.start = n,
                                 .f0_hz = g,
                                 .f1_hz = g,
                                 .tau_s = 0.016,
                                 .amp = 0.30 * level,
                                 .attack_s = 0.002,
                                 .max_s = 1});
        tb_scene_burst(s, 0,
                       &(tb_burst){.start = n,
                                   .stream = t->noise,
                                   .index = t->k * 8 + (uint64_t)j,
                                   .hz = 1500,
                                   .q = 0.9,
                                   .tau_s = 0.006,
                                   .amp = 0.55 * level,
                                   .attack_s = 0.0008});
    }
}

static void train_tick(void *state, tb_scene *s)
{
    train *t = state;
    double x[TB_TICK], h[TB_TICK], w[TB_TICK];
    tb_layer_tick(&t->roll, s, x);
    tb_layer_tick(&t->hvac, s, h);
    tb_layer_tick(&t->wheel, s, w);
    tb_scale_ramp(w, 1 + 0.3 * tb_ctl_value(&t->wheel_level, s->tick),
                  1 + 0.3 * tb_ctl_value(&t->wheel_level, s->tick + 1));
    for (int i = 0; i < TB_TICK; i++)
        x[i] = 0.62 * x[i] + 0.080 * h[i] + 0.62 * w[i];
    tb_scale_ramp(x, 1 + 0.10 * tb_ctl_value(&t->level, s->tick),
                  1 + 0.10 * tb_ctl_value(&t->level, s->tick + 1));
    tb_add(s->bus[0], x, 1);

    while ((int64_t)(t->joint_s * s->fs) < s->n0 + TB_TICK) {
        joint(t, s);
        double drift = tb_ctl_value(&t->speed, (int64_t)(t->joint_s * s->fs / TB_TICK));
        t->joint_s += 0.92 * (1 + 0.02 * drift);
        t->k++;
    }
}

/* ---- office: ventilation, three desks, faint talk from next door */

enum { DESKS = 3, OFFICE_TALKERS = 3 };

typedef struct {
    tb_stream stream;
    int number;
    tb_biquad low;
    double gain, wet;
    uint64_t k; /* spell of typing */
    double spell_s, length_s, keys_hz, key_s;
    uint64_t key;
} desk;

typedef struct {
    tb_layer hvac, vent;
    tb_ctl level;
    tb_stream noise;
    desk desks[DESKS];
    tb_talker talkers[OFFICE_TALKERS];
    tb_biquad wall[2];
} office;

static double desk_u(const desk *d, uint64_t i)
{
    return tb_stream_u(d->stream, 100 + d->k * 16 + i);
}

static void begin_spell(desk *d)
{
    d->length_s = 1.2 - log(1 - desk_u(d, 0)) * 2.4;
    d->keys_hz = 4 + 3 * desk_u(d, 1);
    d->key_s = d->spell_s;
    d->key = 0;
}

static void office_init(void *state, tb_scene *s)
{
    static const double dist[DESKS] = {0.25, 0.6, 1};
    office *o = state;
    tb_layer_init(&o->hvac, s, "hvac", true);
    tb_layer_filter(&o->hvac, s, TB_BIQUAD_HIGH, 45, flat_q, 0);
    tb_layer_filter(&o->hvac, s, TB_BIQUAD_LOW, 520, 0.5, 0);
    tb_layer_filter(&o->hvac, s, TB_BIQUAD_PEAK, 120, 1, 3);
    tb_layer_init(&o->vent, s, "vent", false);
    tb_layer_filter(&o->vent, s, TB_BIQUAD_HIGH, 500, 0.5, 0);
    tb_layer_filter(&o->vent, s, TB_BIQUAD_LOW, 3200, 0.5, 0);
    o->level = tb_ctl_at(s, "m", 0.1, 2, 0.5);
    o->noise = tb_scene_stream(s, "key.n");
    for (int i = 0; i < DESKS; i++) {
        desk *d = &o->desks[i];
        d->stream = tb_scene_stream_n(s, "desk", i);
        d->number = i;
        d->gain = 0.95 - 0.65 * dist[i];
        d->wet = 0.12 + 0.45 * dist[i];
        tb_biquad_set(&d->low, TB_BIQUAD_LOW, s->fs, 8500 - 5200 * dist[i], 0.6, 0);
        d->spell_s = 6 * tb_stream_u(d->stream, 0) - 3;
        begin_spell(d);
    }
    for (int i = 0; i < OFFICE_TALKERS; i++)
        tb_talker_init(&o->talkers[i], s, i, 0.45);
    tb_biquad_set(&o->wall[0], TB_BIQUAD_HIGH, s->fs, 180, flat_q, 0);
    tb_biquad_set(&o->wall[1], TB_BIQUAD_LOW, s->fs, 1500, 0.5, 0);
}

/* Key pressed and let go; the desk's sounds go to its own bus. */
static void press_key(const office *o, desk *d, tb_scene *s)
{
    double v[6];
    for (uint64_t j = 0; j < 6; j++)
        v[j] = tb_stream_u(d->stream, 1000000 + d->k * 4096 + d->key * 8 + j);
    int64_t n = (int64_t)(d->key_s * s->fs);
    if (n >= 0) {
        int bus = 1 + d->number;
        uint64_t index = ((uint64_t)d->number << 20) + d->k * 512 + d->key * 2;
        double level = 0.35 + 0.4 * v[0], f = 210 + 90 * v[2];
        tb_scene_burst(s, bus,
                       &(tb_burst){.start = n,
                                   .stream = o->noise,
                                   .index = index,
                                   .hz = 2300 + 1800 * v[1],
                                   .q = 1.1,
                                   .tau_s = 0.0022,
                                   .amp = 0.62 * level,
                                   .attack_s = 0.0003});
        tb_scene_ping(s, bus,
                      &(tb_ping){.start = n,
                                 .f0_hz = f,
                                 .f1_hz = f,
                                 .tau_s = 0.007,
                                 .amp = 0.16 * level,
                                 .attack_s = 0.001,
                                 .max_s = 1});
        tb_scene_burst(s, bus,
                       &(tb_burst){.start = n + (int64_t)((0.075 + 0.05 * v[3]) * s->fs),
                                   .stream = o->noise,
                                   .index = index + 1,
                                   .hz = 3200 + 1500 * v[4],
                                   .q = 1.3,
                                   .tau_s = 0.0014,
                                   .amp = 0.26 * level,
                                   .attack_s = 0.0003});
    }
    d->key_s += fmax(0.06, -log(1 - v[5]) / d->keys_hz * 0.5 + 0.5 / d->keys_hz);
    d->key++;
}

static void end_spell(const office *o, desk *d, tb_scene *s)
{
    d->spell_s += d->length_s + 1.5 - log(1 - desk_u(d, 2)) * 5;
    if (desk_u(d, 3) < 0.5) { /* a double click of the mouse in the pause */
        int64_t n = (int64_t)((d->spell_s - 0.8) * s->fs);
        uint64_t index = ((uint64_t)d->number << 20) + d->k * 512 + 500;
        for (int q = 0; q < 2 && n >= 0; q++)
            tb_scene_burst(s, 1 + d->number,
                           &(tb_burst){.start = n + (int64_t)(q * 0.095 * s->fs),
                                       .stream = o->noise,
                                       .index = index,
                                       .hz = 2600,
                                       .q = 1.6,
                                       .tau_s = 0.0016,
                                       .amp = q ? 0.28 : 0.40,
                                       .attack_s = 0.0003});
    }
    d->k++;
    begin_spell(d);
}

static void desk_tick(const office *o, desk *d, tb_scene *s)
{
    double end_s = (double)(s->n0 + TB_TICK) / s->fs;
    for (;;) {
        if (d->key_s >= d->spell_s + d->length_s) {
            /* The click may come right behind the last key, so the spell ends with that. */
            end_spell(o, d, s);
        } else if (d->key_s < end_s) {
            press_key(o, d, s);
        } else {
            break;
        }
    }
}

static void office_tick(void *state, tb_scene *s)
{
    office *o = state;
    double x[TB_TICK], y[TB_TICK];
    tb_layer_tick(&o->hvac, s, x);
    tb_layer_tick(&o->vent, s, y);
    for (int i = 0; i < TB_TICK; i++)
        x[i] = 0.24 * x[i] + 0.022 * y[i];
    tb_scale_ramp(x, 1 + 0.05 * tb_ctl_value(&o->level, s->tick),
                  1 + 0.05 * tb_ctl_value(&o->level, s->tick + 1));
    tb_add(s->bus[0], x, 1);

    for (int i = 0; i < DESKS; i++)
        desk_tick(o, &o->desks[i], s);
    tb_scene_grains(s);
    for (int i = 0; i < DESKS; i++) {
        tb_cascade(&o->desks[i].low, 1, s->bus[1 + i]);
        tb_scene_source(s, s->bus[1 + i], o->desks[i].gain, o->desks[i].wet);
    }
    memset(x, 0, sizeof x);
    for (int i = 0; i < OFFICE_TALKERS; i++)
        tb_talker_tick(&o->talkers[i], s, x);
    tb_cascade(o->wall, 2, x);
    tb_scene_source(s, x, 0.055, 0.65);
}

/* ---- cafe: nine talkers, dishes, now and then the steam wand */

enum { CAFE_TALKERS = 9, WANDS = 3 };

typedef struct {
    int64_t start;
    int at, len;
    tb_white white;
    tb_biquad f[2];
} wand;

typedef struct {
    tb_layer bed;
    tb_talker talkers[CAFE_TALKERS];
    tb_biquad voice_filter[CAFE_TALKERS][2];
    tb_poisson dishes, steam;
    tb_stream dish, dish_noise, steam_param;
    wand wands[WANDS];
} cafe;

static void cafe_init(void *state, tb_scene *s)
{
    cafe *c = state;
    tb_layer_init(&c->bed, s, "bed", true);
    tb_layer_filter(&c->bed, s, TB_BIQUAD_HIGH, 60, flat_q, 0);
    tb_layer_filter(&c->bed, s, TB_BIQUAD_LOW, 900, 0.5, 0);
    for (int i = 0; i < CAFE_TALKERS; i++) {
        tb_talker_init(&c->talkers[i], s, i, 0.62);
        tb_biquad_set(&c->voice_filter[i][0], TB_BIQUAD_HIGH, s->fs, 160, flat_q, 0);
        tb_biquad_set(&c->voice_filter[i][1], TB_BIQUAD_LOW, s->fs, 3400 - 150 * i, 0.5, 0);
    }
    c->dish = tb_scene_stream(s, "cl.p");
    c->dish_noise = tb_scene_stream(s, "cl.n");
    c->dishes = tb_poisson_at(tb_scene_stream(s, "clink"), s->fs, 0.45);
    c->steam_param = tb_scene_stream(s, "cl.p");
    c->steam = tb_poisson_at(tb_scene_stream(s, "steam"), s->fs, 1 / 38.0);
}

/* Five inharmonic modes of china or glass, and the contact. */
static void clink(const cafe *c, tb_scene *s, uint64_t index, int64_t n, double level)
{
    static const double ratio[5] = {1, 1.52, 2.31, 2.94, 3.67};
    uint64_t base = index * 32;
    double f0 = 1900 * pow(2.2, tb_stream_u(c->dish, base)), loud = level;
    for (uint64_t j = 0; j < 5; j++, loud *= 0.6) {
        double f = f0 * ratio[j] * (1 + 0.05 * (tb_stream_u(c->dish, base + 2 + j) - 0.5));
        if (f >= 0.45 * s->fs) continue;
        double tau = (0.030 + 0.05 * tb_stream_u(c->dish, base + 8 + j)) / (1 + 0.5 * (double)j);
        tb_scene_ping(s, 1,
                      &(tb_ping){.start = n,
                                 .f0_hz = f,
                                 .f1_hz = f,
                                 .tau_s = tau,
                                 .amp = loud,
                                 .attack_s = 0.0003,
                                 .phase = 6.28 * tb_stream_u(c->dish, base + 14 + j),
                                 .max_s = 0.25});
    }
    tb_scene_burst(s, 1,
                   &(tb_burst){.start = n,
                               .stream = c->dish_noise,
                               .index = index,
                               .hz = 3500,
                               .q = 0.8,
                               .tau_s = 0.0015,
                               .amp = 0.6 * level,
                               .attack_s = 0.0003});
}

static void dishes(const cafe *c, tb_scene *s, uint64_t k, int64_t n)
{
    uint64_t base = 1000000 + k * 16;
    int hits = 1 + (int)(tb_stream_u(c->dish, base) * 3.2);
    double u1 = tb_stream_u(c->dish, base + 1);
    for (int j = 0; j < hits; j++) {
        double level = 0.05 + 0.13 * u1 * u1;
        level *= 0.6 + 0.4 * tb_stream_u(c->dish, base + 3 + (uint64_t)j);
        clink(c, s, k * 8 + (uint64_t)j, n, level);
        n += (int64_t)((0.06 + 0.16 * tb_stream_u(c->dish, base + 8 + (uint64_t)j)) * s->fs);
    }
}

static void begin_steam(cafe *c, const tb_scene *s, uint64_t k, int64_t n)
{
    for (int i = 0; i < WANDS; i++) {
        wand *w = &c->wands[i];
        if (w->at < w->len) continue;
        double u = tb_stream_u(c->steam_param, 10000000 + k * 8);
        *w = (wand){.start = n, .len = (int)((2.5 + 3.5 * u) * s->fs)};
        w->white = tb_white_at(tb_scene_stream_n(s, "steam", (int)k), s->fs);
        tb_biquad_set(&w->f[0], TB_BIQUAD_HIGH, s->fs, 1800, 0.7, 0);
        tb_biquad_set(&w->f[1], TB_BIQUAD_LOW, s->fs, 6000, 0.6, 0);
        return;
    }
}

static void steam_tick(wand *w, tb_scene *s)
{
    double x[TB_TICK] = {0};
    int64_t first = w->start + w->at - s->n0;
    for (int i = first > 0 ? (int)first : 0; i < TB_TICK && w->at < w->len; i++, w->at++) {
        double y = tb_biquad_step(&w->f[0], tb_white_sample(&w->white, w->at));
        y = tb_biquad_step(&w->f[1], y);
        double in = w->at / (0.25 * s->fs), out = (w->len - w->at) / (0.5 * s->fs);
        x[i] = y * fmin(1, fmin(in, out));
    }
    tb_scene_source(s, x, 0.035, 0.3);
}

static void cafe_tick(void *state, tb_scene *s)
{
    cafe *c = state;
    double x[TB_TICK];
    tb_layer_tick(&c->bed, s, x);
    tb_add(s->bus[0], x, 0.10);
    for (int i = 0; i < CAFE_TALKERS; i++) {
        memset(x, 0, sizeof x);
        tb_talker_tick(&c->talkers[i], s, x);
        tb_cascade(c->voice_filter[i], 2, x);
        tb_scene_source(s, x, 0.42, 0.45 + 0.03 * i);
    }
    uint64_t k = 0;
    int64_t n = 0;
    while (tb_poisson_next(&c->dishes, s->n0 + TB_TICK, &k, &n))
        dishes(c, s, k, n);
    while (tb_poisson_next(&c->steam, s->n0 + TB_TICK, &k, &n))
        begin_steam(c, s, k, n);
    tb_scene_grains(s);
    tb_scene_source(s, s->bus[1], 1, 0.35);
    for (int i = 0; i < WANDS; i++)
        if (c->wands[i].at < c->wands[i].len) steam_tick(&c->wands[i], s);
}

const tb_recipe tb_recipe_street = {
    "street",    "City street", "Distant traffic and cars that pass.", 18, 0, 0, sizeof(street),
    street_init, street_tick};
const tb_recipe tb_recipe_train = {"train",
                                   "Train ride",
                                   "Inside a train, with the beat of the rail joints.",
                                   18,
                                   0,
                                   0,
                                   sizeof(train),
                                   train_init,
                                   train_tick};
const tb_recipe tb_recipe_office = {"office",
                                    "Office",
                                    "Ventilation, keyboards, faint talk from next door.",
                                    20,
                                    0.45,
                                    3500,
                                    sizeof(office),
                                    office_init,
                                    office_tick};
const tb_recipe tb_recipe_cafe = {
    "cafe",       "Cafe",    "Many voices at once, dishes, an espresso machine.",
    20,           0.8,       3000,
    sizeof(cafe), cafe_init, cafe_tick};
