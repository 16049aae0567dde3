#ifndef TB_AMBIENCE_UNIT_PRIV_H
#define TB_AMBIENCE_UNIT_PRIV_H

#include "dsp/biquad.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The units that beds are made of. Everything is causal, has a state of fixed size and takes its
 * randomness from counters: number i of a named stream is the same for every caller at any time.
 * Beds are computed in ticks of 64 samples, whatever blocks they are asked for, so block sizes
 * cannot show. Private to ambience/ (and its tests).
 */
enum { TB_TICK = 64, TB_SCENE_BUSES = 4, TB_GRAINS_MAX = 160 };

/* ---- random numbers: key = mix(fnv1a("<preset>/<stream>") ^ mix(seed)) */
typedef struct {
    uint64_t key;
} tb_stream;

tb_stream tb_stream_named(const char *preset, uint64_t seed, const char *name);

/* Number i, [0,1) with 24 bits. tb_mix64 written out: every sample of every bed pays for this. */
static inline double tb_stream_u(tb_stream r, uint64_t i)
{
    uint64_t z = r.key + (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return (double)(int64_t)(z >> 40) * (1.0 / 16777216.0);
}

double tb_lognormal(double u1, double u2, double sigma);

/* ---- a decaying sine, or decaying noise through a band pass, started at a sample */
typedef struct {
    int64_t start;
    int len, at; /* samples; at counts up to len, then the grain is over */
    int bus;
    bool noise;
    double amp, env, decay, rise; /* envelope e^(-t/tau) min(1, t/attack) */
    double phase, f0, f1, tau;    /* of the sine: glides from f0 to f1 */
    tb_stream stream;
    uint64_t first; /* the noise's first number */
    tb_biquad band;
} tb_grain;

typedef struct tb_reverb tb_reverb;

/* What a recipe writes to during one tick. Buses are for its grains: bus 0 is the
 * output. */
typedef struct {
    const char *preset;
    uint64_t seed;
    double fs;
    int64_t tick;
    int64_t n0; /* first sample of the tick */
    double bus[TB_SCENE_BUSES][TB_TICK];
    double send[TB_TICK]; /* to the reverb */
    tb_reverb *reverb;    /* NULL without one */
    tb_grain grains[TB_GRAINS_MAX];
    int n_grains;
} tb_scene;

tb_stream tb_scene_stream(const tb_scene *s, const char *name);
tb_stream tb_scene_stream_n(const tb_scene *s, const char *name, int number); /* "<name><number>" */

/* A decaying sine that glides from f0 to f1; it lasts 7 tau, at most max_s. */
typedef struct {
    int64_t start; /* sample */
    double f0_hz, f1_hz, tau_s, amp, attack_s;
    double phase; /* radians */
    double max_s;
} tb_ping;

/* Decaying noise through a band pass; its noise is addressed by index. */
typedef struct {
    int64_t start; /* sample */
    tb_stream stream;
    uint64_t index;
    double hz, q, tau_s, amp, attack_s;
} tb_burst;

/* Grains beyond the pool are left out. */
void tb_scene_ping(tb_scene *s, int bus, const tb_ping *ping);
void tb_scene_burst(tb_scene *s, int bus, const tb_burst *burst);
void tb_scene_grains(tb_scene *s); /* adds this tick of all grains to their buses */

/* out += (1 - wet) g x, reverb send += wet g x */
void tb_scene_source(tb_scene *s, const double *x, double gain, double wet);

/* ---- noise */
typedef struct {
    tb_stream stream;
    double scale;
} tb_white;

tb_white tb_white_at(tb_stream stream, double fs);
static inline double tb_white_sample(const tb_white *w, int64_t n)
{
    return (tb_stream_u(w->stream, (uint64_t)n) * 2 - 1) * w->scale;
}
void tb_white_tick(const tb_white *w, int64_t n0, double x[TB_TICK]);

typedef struct {
    int n;
    double pole[9], zero[9], state[9], gain;
} tb_pink;

void tb_pink_init(tb_pink *p, double fs);
double tb_pink_step(tb_pink *p, double x);
void tb_pink_tick(tb_pink *p, double x[TB_TICK]); /* in place */

/* Sample n fires with probability rate/fs; log-normal size up to 6, random sign. */
typedef struct {
    tb_stream stream;
    double probability, sigma, scale;
} tb_dust;

tb_dust tb_dust_at(tb_stream stream, double fs, double rate, double sigma);
double tb_dust_sample(const tb_dust *d, int64_t n);

/* ---- control: smooth value noise in [-1,1], a pure function of the tick */
typedef struct {
    tb_stream octave[3];
    int octaves;
    double rate, weight, seconds_per_tick;
} tb_ctl;

tb_ctl tb_ctl_at(const tb_scene *s, const char *name, double rate, int octaves, double weight);
double tb_ctl_value(const tb_ctl *c, int64_t tick);

/* Event times of a Poisson process. */
typedef struct {
    tb_stream stream;
    double rate, fs, seconds;
    uint64_t k;     /* index of the next event */
    int64_t sample; /* where it is */
} tb_poisson;

tb_poisson tb_poisson_at(tb_stream stream, double fs, double rate);
/* True and *k while there is an event before sample `end`; steps on. */
bool tb_poisson_next(tb_poisson *p, int64_t end, uint64_t *k, int64_t *sample);

/* ---- filters */
void tb_cascade(tb_biquad *f, int n, double x[TB_TICK]);   /* in place */
void tb_scale_ramp(double x[TB_TICK], double a, double b); /* times a..b, linear */
void tb_add(double *out, const double *x, double gain);

typedef struct {
    double a, y;
} tb_one_pole;

tb_one_pole tb_one_pole_at(double fs, double f);
double tb_one_pole_step(tb_one_pole *p, double x);

/* Time-varying: state-variable filter (A. Simper's trapezoidal form), which may be retuned at any
 * sample without a click. The same response as the biquad of that frequency and Q. */
typedef struct {
    double g1, g2, g3, k, s1, s2;
} tb_svf;

void tb_svf_set(tb_svf *f, double fs, double freq, double q);
static inline double tb_svf_step(tb_svf *f, double x, double *band)
{
    double v3 = x - f->s2;
    double v1 = f->g1 * f->s1 + f->g2 * v3;
    double v2 = f->s2 + f->g2 * f->s1 + f->g3 * v3;
    f->s1 = 2 * v1 - f->s1;
    f->s2 = 2 * v2 - f->s2;
    if (band) *band = f->k * v1;
    return v2;
}

/* ---- room: 4 delay lines, Householder feedback, one-pole damping, 12 ms pre-delay */
tb_reverb *tb_reverb_new(double fs, double rt60_s, double damp_hz);
void tb_reverb_free(tb_reverb *r);
double tb_reverb_step(tb_reverb *r, double x, double *right); /* right may be NULL */

/* Identity up to half of -12 dBFS, then a tanh that stays below -12 dBFS. */
double tb_soft_limit(double x);

#endif
