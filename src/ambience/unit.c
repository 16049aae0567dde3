/*
 * The units that beds are made of: streams of numbers, noises, controls, event times, grains,
 * filters, reverb, soft limit.
 *
 * All are causal, have a state of fixed size and take number i of a named stream, so a bed depends
 * on name, seed and position only, never on block sizes. Decaying states are set to 0 before they
 * become denormal numbers, which are slow. docs/ambience-recipes.md, "Units". Relies on
 * dsp/biquad.h.
 */
#include "ambience/unit_priv.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"

#include <stdio.h>
#include <string.h>

/* Below this a decaying state is silence; well above the denormal numbers that are slow. */
#define TINY 1e-60

static double flush_denormal(double x)
{
    return fabs(x) < TINY ? 0 : x;
}

tb_stream tb_stream_named(const char *preset, uint64_t seed, const char *name)
{
    char full[96];
    int n = snprintf(full, sizeof full, "%s/%s", preset, name);
    return (tb_stream){tb_mix64(tb_fnv1a(full, (size_t)n) ^ tb_mix64(seed))};
}

double tb_lognormal(double u1, double u2, double sigma)
{
    return exp(sigma * sqrt(-2 * log(1 - u1)) * cos(2 * M_PI * u2));
}

tb_stream tb_scene_stream(const tb_scene *s, const char *name)
{
    return tb_stream_named(s->preset, s->seed, name);
}

tb_stream tb_scene_stream_n(const tb_scene *s, const char *name, int number)
{
    char full[48];
    snprintf(full, sizeof full, "%s%d", name, number);
    return tb_scene_stream(s, full);
}

static tb_grain *add_grain(tb_scene *s, int bus, int64_t start, double tau, double amp,
                           double attack)
{
    if (s->n_grains == TB_GRAINS_MAX) return NULL;
    tb_grain *g = &s->grains[s->n_grains++];
    *g = (tb_grain){.start = start,
                    .bus = bus,
                    .amp = amp,
                    .env = 1,
                    .tau = tau,
                    .decay = exp(-1 / (tau * s->fs)),
                    .rise = 1 / (attack * s->fs)};
    return g;
}

void tb_scene_ping(tb_scene *s, int bus, const tb_ping *p)
{
    tb_grain *g = add_grain(s, bus, p->start, p->tau_s, p->amp, p->attack_s);
    if (!g) return;
    g->len = (int)(7 * p->tau_s * s->fs) + 1;
    if (g->len > (int)(p->max_s * s->fs)) g->len = (int)(p->max_s * s->fs);
    g->f0 = p->f0_hz;
    g->f1 = p->f1_hz;
    g->phase = p->phase;
}

void tb_scene_burst(tb_scene *s, int bus, const tb_burst *b)
{
    tb_grain *g =
        add_grain(s, bus, b->start, b->tau_s, b->amp * sqrt(b->q * s->fs / 24000), b->attack_s);
    if (!g) return;
    g->len = (int)(7 * b->tau_s * s->fs) + 8;
    g->noise = true;
    g->stream = b->stream;
    g->first = b->index * 65536;
    tb_biquad_set(&g->band, TB_BIQUAD_BAND, s->fs, b->hz, b->q, 0);
}

static void run_grain(const tb_scene *s, tb_grain *g, double *out, int from, int to)
{
    double fs = s->fs;
    for (int i = from; i < to; i++, g->at++) {
        double e = g->env * fmin(1, g->at * g->rise), y;
        if (g->noise) {
            double u = tb_stream_u(g->stream, g->first + (uint64_t)g->at);
            y = tb_biquad_step(&g->band, (u * 2 - 1) * e);
        } else {
            double t = g->at / fs;
            double turns = g->f1 * t + (g->f0 - g->f1) * g->tau * (1 - g->env);
            y = e * sin(2 * M_PI * turns + g->phase);
        }
        out[i] += g->amp * y;
        g->env *= g->decay;
    }
}

void tb_scene_grains(tb_scene *s)
{
    int kept = 0;
    for (int k = 0; k < s->n_grains; k++) {
        tb_grain *g = &s->grains[k];
        int64_t from = g->start + g->at - s->n0;
        if (from < 0) from = 0;
        if (from < TB_TICK) {
            int64_t to = from + (g->len - g->at);
            run_grain(s, g, s->bus[g->bus], (int)from, to < TB_TICK ? (int)to : TB_TICK);
        }
        if (g->at < g->len) {
            if (kept != k) s->grains[kept] = *g;
            kept++;
        }
    }
    s->n_grains = kept;
}

void tb_scene_source(tb_scene *s, const double *x, double gain, double wet)
{
    tb_add(s->bus[0], x, gain * (1 - wet));
    tb_add(s->send, x, gain * wet);
}

tb_white tb_white_at(tb_stream stream, double fs)
{
    /* The density of the noise, not its variance, is independent of the rate. */
    return (tb_white){stream, sqrt(fs / 24000)};
}

void tb_white_tick(const tb_white *w, int64_t n0, double x[TB_TICK])
{
    for (int i = 0; i < TB_TICK; i++)
        x[i] = tb_white_sample(w, n0 + i);
}

void tb_pink_init(tb_pink *p, double fs)
{
    /* One pole/zero pair per factor 3 is -3.01 dB per octave; |H(1 kHz)| = 0.49. */
    *p = (tb_pink){0};
    double c = cos(2 * M_PI * 1000 / fs), s = sin(2 * M_PI * 1000 / fs), h2 = 1;
    for (double f = 12; f < 0.5 * fs && p->n < 9; f *= 3, p->n++) {
        double pole = exp(-2 * M_PI * f / fs), zero = exp(-2 * M_PI * f * sqrt(3) / fs);
        p->pole[p->n] = pole;
        p->zero[p->n] = zero;
        h2 *= (pow(1 - zero * c, 2) + pow(zero * s, 2)) / (pow(1 - pole * c, 2) + pow(pole * s, 2));
    }
    p->gain = 0.49 / sqrt(h2);
}

double tb_pink_step(tb_pink *p, double x)
{
    for (int k = 0; k < p->n; k++) {
        double y = x + p->state[k];
        p->state[k] = p->pole[k] * y - p->zero[k] * x;
        x = y;
    }
    return x * p->gain;
}

void tb_pink_tick(tb_pink *p, double x[TB_TICK])
{
    for (int k = 0; k < p->n; k++) {
        double state = p->state[k], pole = p->pole[k], zero = p->zero[k];
        for (int i = 0; i < TB_TICK; i++) {
            double y = x[i] + state;
            state = pole * y - zero * x[i];
            x[i] = y;
        }
        p->state[k] = state;
    }
    for (int i = 0; i < TB_TICK; i++)
        x[i] *= p->gain;
}

tb_dust tb_dust_at(tb_stream stream, double fs, double rate, double sigma)
{
    return (tb_dust){stream, rate / fs, sigma, fs / 24000};
}

double tb_dust_sample(const tb_dust *d, int64_t n)
{
    uint64_t i = (uint64_t)n * 4;
    if (tb_stream_u(d->stream, i) >= d->probability) return 0;
    double size =
        tb_lognormal(tb_stream_u(d->stream, i + 1), tb_stream_u(d->stream, i + 2), d->sigma);
    double sign = tb_stream_u(d->stream, i + 3) < 0.5 ? -1 : 1;
    return fmin(size, 6) * sign * d->scale;
}

tb_ctl tb_ctl_at(const tb_scene *s, const char *name, double rate, int octaves, double weight)
{
    tb_ctl c = {.octaves = octaves, .rate = rate, .weight = weight};
    c.seconds_per_tick = TB_TICK / s->fs;
    for (int o = 0; o < octaves; o++) {
        char full[48];
        snprintf(full, sizeof full, "%s.%d", name, o);
        c.octave[o] = tb_scene_stream(s, full);
    }
    return c;
}

double tb_ctl_value(const tb_ctl *c, int64_t tick)
{
    double sum = 0, a = 1, total = 0, t = (double)tick * c->seconds_per_tick * c->rate;
    for (int o = 0; o < c->octaves; o++, t *= 2) {
        double node = floor(t), f = t - node;
        f = f * f * (3 - 2 * f);
        double u0 = tb_stream_u(c->octave[o], (uint64_t)node) * 2 - 1;
        double u1 = tb_stream_u(c->octave[o], (uint64_t)node + 1) * 2 - 1;
        sum += a * (u0 * (1 - f) + u1 * f);
        total += a;
        a *= c->weight;
    }
    return sum / total;
}

static void poisson_step(tb_poisson *p)
{
    p->seconds += -log(1 - tb_stream_u(p->stream, p->k * 2)) / p->rate;
    p->sample = (int64_t)(p->seconds * p->fs);
}

tb_poisson tb_poisson_at(tb_stream stream, double fs, double rate)
{
    tb_poisson p = {.stream = stream, .rate = rate, .fs = fs};
    poisson_step(&p);
    return p;
}

bool tb_poisson_next(tb_poisson *p, int64_t end, uint64_t *k, int64_t *sample)
{
    if (p->sample >= end) return false;
    *k = p->k++;
    *sample = p->sample;
    poisson_step(p);
    return true;
}

void tb_cascade(tb_biquad *f, int n, double x[TB_TICK])
{
    for (int k = 0; k < n; k++) {
        tb_biquad g = f[k];
        for (int i = 0; i < TB_TICK; i++)
            x[i] = tb_biquad_step(&g, x[i]);
        f[k].z1 = flush_denormal(g.z1);
        f[k].z2 = flush_denormal(g.z2);
    }
}

void tb_scale_ramp(double x[TB_TICK], double a, double b)
{
    double d = (b - a) / TB_TICK;
    for (int i = 0; i < TB_TICK; i++)
        x[i] *= a + d * i;
}

void tb_add(double *out, const double *x, double gain)
{
    for (int i = 0; i < TB_TICK; i++)
        out[i] += gain * x[i];
}

tb_one_pole tb_one_pole_at(double fs, double f)
{
    return (tb_one_pole){.a = exp(-2 * M_PI * f / fs)};
}

double tb_one_pole_step(tb_one_pole *p, double x)
{
    p->y = (1 - p->a) * x + p->a * p->y;
    return p->y;
}

void tb_svf_set(tb_svf *f, double fs, double freq, double q)
{
    double g = tan(M_PI * fmin(freq, 0.45 * fs) / fs);
    f->k = 1 / q;
    f->g1 = 1 / (1 + g * (g + f->k));
    f->g2 = g * f->g1;
    f->g3 = g * f->g2;
}

struct tb_reverb {
    int delay[4], at[4], pre_len, pre_at;
    double gain[4], damp, low[4];
    double *line[4], *pre;
};

tb_reverb *tb_reverb_new(double fs, double rt60_s, double damp_hz)
{
    static const double seconds[4] = {0.0297, 0.0371, 0.0411, 0.0437};
    tb_reverb *r = tb_alloc(sizeof *r);
    for (int j = 0; j < 4; j++) {
        r->delay[j] = (int)(fs * seconds[j]);
        r->gain[j] = pow(10, -3 * r->delay[j] / fs / rt60_s);
        r->line[j] = tb_alloc((size_t)r->delay[j] * sizeof(double));
    }
    r->pre_len = (int)(0.012 * fs);
    r->pre = tb_alloc((size_t)r->pre_len * sizeof(double));
    r->damp = exp(-2 * M_PI * damp_hz / fs);
    return r;
}

void tb_reverb_free(tb_reverb *r)
{
    if (!r) return;
    for (int j = 0; j < 4; j++)
        tb_free(r->line[j]);
    tb_free(r->pre);
    tb_free(r);
}

double tb_reverb_step(tb_reverb *r, double x, double *right)
{
    double in = r->pre[r->pre_at], o[4], sum = 0;
    r->pre[r->pre_at] = x;
    if (++r->pre_at == r->pre_len) r->pre_at = 0;
    for (int j = 0; j < 4; j++) {
        r->low[j] = flush_denormal((1 - r->damp) * r->line[j][r->at[j]] + r->damp * r->low[j]);
        o[j] = r->low[j] * r->gain[j];
        sum += o[j];
    }
    for (int j = 0; j < 4; j++) {
        r->line[j][r->at[j]] = in + o[j] - 0.5 * sum;
        if (++r->at[j] == r->delay[j]) r->at[j] = 0;
    }
    if (right) *right = o[0] + o[1] - o[2] - o[3];
    return o[0] - o[1] + o[2] - o[3];
}

double tb_soft_limit(double x)
{
    static const double half = 0.12559432157547898; /* -12 dBFS / 2 */
    double a = fabs(x);
    if (a <= half) return x;
    return copysign(half + half * tanh((a - half) / half), x);
}
