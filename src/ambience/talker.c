/*
 * The talk of somebody who says nothing, for cafe and office: vowels in phrases, no consonants.
 *
 * A pulse source with breath noise runs through three formants that move from vowel to vowel at the
 * rate of syllables. Ticks are computed in order; every number comes from the talker's stream.
 * docs/ambience-recipes.md, "Talkers". Relies on unit.c.
 */
#include "ambience/recipe_priv.h"

/* Standard averages of eight vowels: F1, F2, F3 in Hz. */
static const double vowels[8][3] = {
    {310, 2020, 2960}, {360, 640, 2240},  {570, 840, 2410},  {730, 1090, 2440},
    {530, 1840, 2480}, {440, 1020, 2240}, {640, 1190, 2390}, {300, 870, 2240},
};
static const double neutral[3] = {500, 1500, 2500};

/* The first tick that is not before a time. */
static int64_t tick_from(double seconds, double fs)
{
    int64_t k = (int64_t)ceil(seconds * fs / TB_TICK);
    while ((double)k * TB_TICK / fs < seconds)
        k++;
    while ((double)(k - 1) * TB_TICK / fs >= seconds)
        k--;
    return k < 0 ? 0 : k;
}

static double phrase_u(const tb_talker *t, uint64_t i)
{
    return tb_stream_u(t->stream, 1000 + t->k * 128 + i);
}

static void begin_phrase(tb_talker *t)
{
    t->syllables = 3 + (int)(-log(1 - phrase_u(t, 0)) * 5);
    t->spoken = 0;
    t->next_s = t->phrase_s;
}

static void begin_syllable(tb_talker *t, double fs)
{
    if (t->spoken == (t->syllables < 22 ? t->syllables : 22)) {
        double pause = -log(1 - phrase_u(t, 1)) * (1.6 * (1 - t->activity) / t->activity);
        t->phrase_s = t->next_s + 0.25 + pause;
        t->k++;
        begin_phrase(t);
    }
    uint64_t w = 4 + (uint64_t)t->spoken * 5;
    double d = 0.13 + 0.14 * phrase_u(t, w);
    t->start_s = t->next_s;
    t->from = tick_from(t->start_s, fs);
    t->to = tick_from(t->start_s + d, fs);
    if (t->to > t->from) {
        if (t->target) t->last = t->target;
        t->target = vowels[(int)(phrase_u(t, w + 1) * 8)];
    }
    t->loudness = 0.45 + 0.55 * phrase_u(t, w + 2);
    t->pitch_offset = phrase_u(t, w + 3);
    t->next_s += d * (0.95 + 0.25 * phrase_u(t, w + 4));
    t->spoken++;
}

/* Pitch, loudness and vowel at a tick. Ticks must be asked for in order. */
static void articulate(tb_talker *t, double fs, int64_t tick, double *pitch, double *amp,
                       double vowel[3])
{
    while (tick_from(t->next_s, fs) <= tick) {
        /* The last syllable of a phrase: its successor begins after the pause. */
        if (t->spoken == (t->syllables < 22 ? t->syllables : 22)) {
            double pause = -log(1 - phrase_u(t, 1)) * (1.6 * (1 - t->activity) / t->activity);
            if (tick_from(t->next_s + 0.25 + pause, fs) > tick) break;
        }
        begin_syllable(t, fs);
    }
    *pitch = t->f0;
    *amp = 0;
    for (int j = 0; j < 3; j++)
        vowel[j] = neutral[j];
    if (t->spoken == 0 || tick < t->from || tick >= t->to) return;
    double x = ((double)(tick - t->from) + 0.5) / (double)(t->to - t->from), m = fmin(1, x / 0.35);
    for (int j = 0; j < 3; j++)
        vowel[j] = t->last[j] * (1 - m) + t->target[j] * m;
    *amp = t->loudness * pow(sin(M_PI * x), 0.7);
    *pitch = t->f0 * (1.12 - 0.25 * (t->start_s - t->phrase_s) / (0.2 * t->syllables + 0.2)) *
             (1 + 0.10 * (t->pitch_offset - 0.5)) * (1 + 0.05 * (x - 0.5));
}

void tb_talker_init(tb_talker *t, const tb_scene *s, int number, double activity)
{
    *t = (tb_talker){.stream = tb_scene_stream_n(s, "talk", number), .activity = activity};
    t->breath = tb_white_at(tb_scene_stream_n(s, "br", number), s->fs);
    double u[4];
    for (uint64_t j = 0; j < 4; j++)
        u[j] = tb_stream_u(t->stream, j);
    t->f0 = 95 * pow(2.3, u[0]);
    t->tract = 1 + 0.22 * (u[0] - 0.4); /* its size follows the pitch */
    t->last = vowels[(int)(u[2] * 8)];
    t->level = 0.45 + 0.55 * u[3];
    t->phrase_s = -4 * u[1];
    begin_phrase(t);
    articulate(t, s->fs, 0, &t->pitch1, &t->amp1, t->vowel_next);
}

void tb_talker_tick(tb_talker *t, const tb_scene *s, double x[TB_TICK])
{
    static const double gain[3] = {1, 0.55, 0.28}, q[3] = {6, 10, 14};
    t->pitch0 = t->pitch1;
    t->amp0 = t->amp1;
    for (int j = 0; j < 3; j++) {
        t->vowel[j] = t->vowel_next[j];
        double f = fmax(150, fmin(0.4 * s->fs, t->vowel[j] * t->tract));
        tb_svf_set(&t->formant[j], s->fs, f, q[j]);
    }
    articulate(t, s->fs, s->tick + 1, &t->pitch1, &t->amp1, t->vowel_next);
    double dp = (t->pitch1 - t->pitch0) / TB_TICK, da = (t->amp1 - t->amp0) / TB_TICK;
    for (int i = 0; i < TB_TICK; i++) {
        t->phase += (t->pitch0 + dp * i) / s->fs;
        if (t->phase >= 1) t->phase -= 1;
        double pulse = -0.25;
        if (t->phase < 0.5) { /* the glottis, crudely: half a turn open */
            double sn = sin(2 * M_PI * t->phase);
            pulse += sn * sn;
        }
        double source =
            0.9 * (pulse - t->pulse) * s->fs / 4000 + 0.22 * tb_white_sample(&t->breath, s->n0 + i);
        t->pulse = pulse;
        double y = 0, band;
        for (int j = 0; j < 3; j++) {
            tb_svf_step(&t->formant[j], source, &band);
            y += gain[j] * band;
        }
        x[i] += t->level * y * (t->amp0 + da * i);
    }
}
