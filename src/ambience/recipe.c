/*
 * The plain beds (white, pink, brown, room, fan) and the layer, noise through up to three filters,
 * that most recipes are made of. Amplitudes are free: the bed brings the sum to -30 LUFS.
 * docs/ambience-recipes.md, "White, pink, brown" to "Fan". Relies on unit.c.
 */
#include "ambience/recipe_priv.h"

void tb_layer_init(tb_layer *l, const tb_scene *s, const char *stream, bool pink)
{
    *l = (tb_layer){.white = tb_white_at(tb_scene_stream(s, stream), s->fs), .is_pink = pink};
    if (pink) tb_pink_init(&l->pink, s->fs);
}

void tb_layer_filter(tb_layer *l, const tb_scene *s, tb_biquad_kind kind, double f, double q,
                     double gain_db)
{
    tb_biquad_set(&l->f[l->n++], kind, s->fs, f, q, gain_db);
}

void tb_layer_tick(tb_layer *l, const tb_scene *s, double x[TB_TICK])
{
    tb_white_tick(&l->white, s->n0, x);
    if (l->is_pink) tb_pink_tick(&l->pink, x);
    tb_cascade(l->f, l->n, x);
}

static const double flat_q = 0.7071;

/* ---- white, pink, brown */

static void white_init(void *state, tb_scene *s)
{
    tb_layer_init(state, s, "n", false);
}

static void white_tick(void *state, tb_scene *s)
{
    tb_layer_tick(state, s, s->bus[0]);
}

static void pink_init(void *state, tb_scene *s)
{
    tb_layer_init(state, s, "n", true);
    tb_layer_filter(state, s, TB_BIQUAD_HIGH, 20, flat_q, 0);
}

typedef struct {
    tb_white white;
    tb_one_pole low;
    tb_biquad high;
} brown;

static void brown_init(void *state, tb_scene *s)
{
    brown *b = state;
    b->white = tb_white_at(tb_scene_stream(s, "n"), s->fs);
    b->low = tb_one_pole_at(s->fs, 8);
    tb_biquad_set(&b->high, TB_BIQUAD_HIGH, s->fs, 20, flat_q, 0);
}

static void brown_tick(void *state, tb_scene *s)
{
    brown *b = state;
    double *x = s->bus[0];
    tb_white_tick(&b->white, s->n0, x);
    for (int i = 0; i < TB_TICK; i++)
        x[i] = tb_one_pole_step(&b->low, x[i]) * 60;
    tb_cascade(&b->high, 1, x);
}

/* ---- room tone: air and distant ventilation */

typedef struct {
    tb_white air, hiss;
    tb_one_pole low;
    tb_biquad f[2];
    tb_ctl level;
} room;

static void room_init(void *state, tb_scene *s)
{
    room *r = state;
    r->air = tb_white_at(tb_scene_stream(s, "air"), s->fs);
    r->hiss = tb_white_at(tb_scene_stream(s, "hiss"), s->fs);
    r->low = tb_one_pole_at(s->fs, 60);
    tb_biquad_set(&r->f[0], TB_BIQUAD_HIGH, s->fs, 35, flat_q, 0);
    tb_biquad_set(&r->f[1], TB_BIQUAD_LOW, s->fs, 3500, 0.5, 0);
    r->level = tb_ctl_at(s, "m", 0.2, 2, 0.5);
}

static void room_tick(void *state, tb_scene *s)
{
    room *r = state;
    double *x = s->bus[0];
    tb_white_tick(&r->air, s->n0, x);
    for (int i = 0; i < TB_TICK; i++)
        x[i] = tb_one_pole_step(&r->low, x[i]) * 9;
    tb_cascade(r->f, 2, x);
    tb_scale_ramp(x, 1 + 0.08 * tb_ctl_value(&r->level, s->tick),
                  1 + 0.08 * tb_ctl_value(&r->level, s->tick + 1));
    for (int i = 0; i < TB_TICK; i++)
        x[i] += 0.02 * tb_white_sample(&r->hiss, s->n0 + i);
}

/* ---- fan: air, the tone of five blades, mains hum */

typedef struct {
    tb_layer air;
    tb_ctl level, wobble;
    double running_s; /* seconds of even running */
    double cos_phase[6], sin_phase[6], hum_phase[2];
} fan;

static void fan_init(void *state, tb_scene *s)
{
    fan *f = state;
    tb_layer_init(&f->air, s, "air", true);
    tb_layer_filter(&f->air, s, TB_BIQUAD_HIGH, 60, flat_q, 0);
    tb_layer_filter(&f->air, s, TB_BIQUAD_LOW, 2400, 0.5, 0);
    tb_layer_filter(&f->air, s, TB_BIQUAD_PEAK, 420, 0.7, 3);
    f->level = tb_ctl_at(s, "m", 0.5, 2, 0.5);
    f->wobble = tb_ctl_at(s, "wob", 0.4, 2, 0.5);
    tb_stream r = tb_scene_stream(s, "ph");
    for (int h = 1; h <= 6; h++) {
        double a = pow(10, -(h - 1) * 7 / 20.0), p = 2 * M_PI * tb_stream_u(r, (uint64_t)h);
        f->cos_phase[h - 1] = a * cos(p);
        f->sin_phase[h - 1] = a * sin(p);
    }
    for (int h = 0; h < 2; h++)
        f->hum_phase[h] = tb_stream_u(r, (uint64_t)h + 8);
}

static void fan_tick(void *state, tb_scene *s)
{
    static const double shaft_hz = 1150.0 / 60, blades = 5;
    fan *f = state;
    double *x = s->bus[0];
    tb_layer_tick(&f->air, s, x);
    tb_scale_ramp(x, 1 + 0.03 * tb_ctl_value(&f->level, s->tick),
                  1 + 0.03 * tb_ctl_value(&f->level, s->tick + 1));
    double w0 = 1 + 0.0015 * tb_ctl_value(&f->wobble, s->tick);
    double w1 = 1 + 0.0015 * tb_ctl_value(&f->wobble, s->tick + 1);
    for (int i = 0; i < TB_TICK; i++) {
        f->running_s += (w0 + (w1 - w0) * i / TB_TICK) / s->fs;
        double shaft = 2 * M_PI * shaft_hz * f->running_s;
        double c = cos(blades * shaft), sn = sin(blades * shaft), ch = c, sh = sn, tone = 0;
        for (int h = 0; h < 6; h++) { /* sin(h a + p) by the addition theorem */
            tone += sh * f->cos_phase[h] + ch * f->sin_phase[h];
            double t = ch * c - sh * sn;
            sh = sh * c + ch * sn;
            ch = t;
        }
        double t = (double)(s->n0 + i) / s->fs;
        /* The phase is added in radians, not turns. */
        double hum = sin(2 * M_PI * 100 * t + f->hum_phase[0]) +
                     0.4 * sin(2 * M_PI * 200 * t + f->hum_phase[1]);
        x[i] = x[i] * (1 + 0.06 * sin(shaft)) + 0.055 * tone + 0.010 * hum;
    }
}

const tb_recipe tb_recipe_white = {"white",
                                   "White noise",
                                   "Even noise over all frequencies, like a detuned radio.",
                                   18,
                                   0,
                                   0,
                                   sizeof(tb_layer),
                                   white_init,
                                   white_tick};
const tb_recipe tb_recipe_pink = {"pink",
                                  "Pink noise",
                                  "Noise that gets softer upwards, like a distant waterfall.",
                                  18,
                                  0,
                                  0,
                                  sizeof(tb_layer),
                                  pink_init,
                                  white_tick};
const tb_recipe tb_recipe_brown = {"brown", "Brown noise", "Deep, soft rumble.", 18,        0,
                                   0,       sizeof(brown), brown_init,           brown_tick};
const tb_recipe tb_recipe_room = {
    "room",    "Room tone", "A quiet room: air and distant ventilation.", 18, 0, 0, sizeof(room),
    room_init, room_tick};
const tb_recipe tb_recipe_fan = {
    "fan",       "Fan",    "A running fan: air, the tone of its blades, a little hum.",
    18,          0,        0,
    sizeof(fan), fan_init, fan_tick};
