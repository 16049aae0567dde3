/*
 * A running bed: one to four parts (recipes or looped files), each at -30 LUFS, summed at equal
 * power.
 *
 * A recipe runs two seconds before its first sample and is measured once per (recipe, seed, rate)
 * for its gain. Output is computed in ticks of 64 samples and handed out in blocks of any size. Not
 * for two threads at once; no allocation after tb_bed_new. docs/ambience-recipes.md, "Output
 * stage". Relies on set.c for parts, cache.c for gains and files.
 */
#include "ambience/set_priv.h"

#include "base/mem.h"
#include "dsp/loudness.h"

#include <assert.h>
#include <string.h>

struct tb_part {
    const tb_recipe *recipe;
    void *state;
    tb_scene *scene;
    tb_biquad high;
};

tb_part *tb_part_new(const tb_recipe *recipe, uint64_t seed, double fs)
{
    tb_part *p = tb_alloc(sizeof *p);
    p->recipe = recipe;
    p->scene = tb_alloc(sizeof *p->scene);
    p->scene->preset = recipe->id;
    p->scene->seed = seed;
    p->scene->fs = fs;
    if (recipe->rt60_s > 0) p->scene->reverb = tb_reverb_new(fs, recipe->rt60_s, recipe->damp_hz);
    p->state = tb_alloc(recipe->state_size);
    recipe->init(p->state, p->scene);
    tb_biquad_set(&p->high, TB_BIQUAD_HIGH, fs, 25, 0.7071, 0);
    return p;
}

void tb_part_free(tb_part *p)
{
    if (!p) return;
    if (p->scene) tb_reverb_free(p->scene->reverb);
    tb_free(p->scene);
    tb_free(p->state);
    tb_free(p);
}

void tb_part_tick(tb_part *p, double out[TB_TICK])
{
    tb_scene *s = p->scene;
    memset(s->bus, 0, sizeof s->bus);
    memset(s->send, 0, sizeof s->send);
    p->recipe->tick(p->state, s);
    tb_scene_grains(s); /* those that the recipe has not run itself */
    for (int i = 0; i < TB_TICK; i++) {
        double y = s->bus[0][i];
        if (s->reverb) y += tb_reverb_step(s->reverb, s->send[i], NULL);
        out[i] = tb_biquad_step(&p->high, y);
    }
    s->tick++;
    s->n0 += TB_TICK;
}

void tb_part_warm(tb_part *p)
{
    double x[TB_TICK];
    for (int64_t n = (int64_t)(TB_BED_WARM_S * p->scene->fs / TB_TICK); n > 0; n--)
        tb_part_tick(p, x);
}

tb_status tb_part_measure(const tb_recipe *recipe, uint64_t seed, int rate_hz, double *gain_db,
                          tb_err *err)
{
    size_t len = (size_t)rate_hz * 30 / TB_TICK * TB_TICK;
    float *x = tb_try_alloc(len, sizeof *x);
    if (!x) return tb_nomem(err, len, sizeof *x);
    tb_part *p = tb_part_new(recipe, seed, rate_hz);
    tb_part_warm(p);
    for (size_t a = 0; a < len; a += TB_TICK) {
        double y[TB_TICK];
        tb_part_tick(p, y);
        for (int i = 0; i < TB_TICK; i++)
            x[a + (size_t)i] = (float)y[i];
    }
    double lufs = 0;
    tb_status st = tb_loudness_integrated(x, len, rate_hz, &lufs, err);
    if (st == TB_OK) *gain_db = TB_BED_REFERENCE_LUFS - lufs;
    tb_part_free(p);
    tb_free(x);
    return st;
}

typedef struct {
    tb_part *part; /* or */
    tb_loop *loop;
    size_t at; /* in the loop */
    double gain;
} input;

struct tb_bed {
    tb_ambience_set *set;
    input inputs[TB_AMBIENCE_SUM_MAX];
    int n;
    double share; /* each of n inputs lies 10 log n lower, so that the sum is as loud as one */
    float ready[TB_TICK]; /* computed, not handed out yet: from used on */
    int used;
};

static tb_status open_input(tb_bed *bed, input *v, size_t part, uint64_t seed, int rate_hz,
                            tb_err *err)
{
    const tb_recipe *recipe = bed->set->entries[part].recipe;
    if (!recipe) {
        tb_status st = tb_ambience_loop(bed->set, part, rate_hz, &v->loop, err);
        if (st != TB_OK) return st;
        /* Each seed starts elsewhere. */
        v->at =
            (size_t)(tb_stream_u(tb_stream_named("file", seed, "start"), 0) * (double)v->loop->len);
        v->gain = 1;
        return TB_OK;
    }
    double gain_db = 0;
    tb_status st = tb_ambience_gain(bed->set, recipe, seed, rate_hz, &gain_db, err);
    if (st != TB_OK) return st;
    v->gain = pow(10, gain_db / 20);
    v->part = tb_part_new(recipe, seed, rate_hz);
    tb_part_warm(v->part);
    return TB_OK;
}

tb_status tb_bed_new(tb_ambience_set *set, const tb_ambience *which, uint64_t seed, int rate_hz,
                     tb_bed **out, tb_err *err)
{
    assert(rate_hz >= 8000 && rate_hz <= 96000);
    assert(which->n > 0 && which->n <= TB_AMBIENCE_SUM_MAX);
    tb_status st = TB_OK;
    tb_bed *bed = tb_alloc(sizeof *bed);
    bed->set = set;
    bed->share = 1 / sqrt((double)which->n);
    bed->used = TB_TICK;
    for (int i = 0; i < which->n && st == TB_OK; i++)
        st = open_input(bed, &bed->inputs[bed->n++], which->part[i], seed, rate_hz, err);
    if (st == TB_OK)
        *out = bed;
    else
        tb_bed_free(bed);
    return st;
}

void tb_bed_free(tb_bed *bed)
{
    if (!bed) return;
    for (int i = 0; i < bed->n; i++) {
        tb_part_free(bed->inputs[i].part);
        if (bed->inputs[i].loop) tb_ambience_loop_done(bed->set, bed->inputs[i].loop);
    }
    tb_free(bed);
}

static void render_tick(tb_bed *bed)
{
    double sum[TB_TICK] = {0}, x[TB_TICK];
    for (int k = 0; k < bed->n; k++) {
        input *v = &bed->inputs[k];
        if (v->part) {
            tb_part_tick(v->part, x);
            for (int i = 0; i < TB_TICK; i++)
                sum[i] += tb_soft_limit(x[i] * v->gain);
            continue;
        }
        for (int i = 0; i < TB_TICK; i++) {
            sum[i] += (double)v->loop->x[v->at];
            if (++v->at == v->loop->len) v->at = 0;
        }
    }
    for (int i = 0; i < TB_TICK; i++)
        bed->ready[i] = (float)(sum[i] * bed->share);
    bed->used = 0;
}

void tb_bed_process(tb_bed *bed, float *out, size_t n)
{
    while (n > 0) {
        if (bed->used == TB_TICK) render_tick(bed);
        size_t take = (size_t)(TB_TICK - bed->used);
        if (take > n) take = n;
        memcpy(out, bed->ready + bed->used, take * sizeof *out);
        bed->used += (int)take;
        out += take;
        n -= take;
    }
}
