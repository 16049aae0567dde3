#include "embedded/nonverbal_priv.h"

#include "base/mem.h"
#include "embedded/level_priv.h"

#include <math.h>
#include <string.h>

static const double margin_s = 0.05;

static const struct sound {
    double rise_s, hold_s, fall_s, silence_s;
    double level_db;        /* under speech */
    double low_hz, high_hz; /* 0: the voice's mean spectrum */
    float tilt_db;
} sounds[TB_TAG_COUNT] = {
    [TB_TAG_SIGH] = {0.15, 0, 0.75, 0, -12, 0, 0, -3},
    [TB_TAG_GASP] = {0.27, 0, 0.06, 0.02, -10, 0, 0, 0},
    [TB_TAG_SNIFF] = {0.12, 0, 0.10, 0, -14, 1500, 6000, 0},
    [TB_TAG_SHUSH] = {0.10, 0.45, 0.25, 0, -6, 2000, 7000, 0},
};

bool tb_nonverbal_known(tb_tag tag)
{
    return tag >= 0 && tag < TB_TAG_COUNT && sounds[tag].rise_s > 0;
}

/* Raised cosines up and down. */
static void draw_envelope(const struct sound *s, double speed, float *curve, size_t len)
{
    double pi = 3.14159265358979323846;
    for (size_t i = 0; i < len; i++) {
        double t = (double)i / TB_RATE_HZ * speed, after = t - s->rise_s - s->hold_s;
        double g = t < s->rise_s       ? 0.5 - 0.5 * cos(pi * t / s->rise_s)
                   : after < 0         ? 1
                   : after < s->fall_s ? 0.5 + 0.5 * cos(pi * after / s->fall_s)
                                       : 0;
        curve[i] = (float)g;
    }
}

tb_status tb_nonverbal_make(tb_tag tag, const tb_voice_stats *voice, double speed, tb_rng *rng,
                            const tb_cancel *cancel, tb_pcm *out, tb_err *err)
{
    const struct sound *s = &sounds[tag];
    double seconds = (s->rise_s + s->hold_s + s->fall_s + s->silence_s) / speed;
    size_t len = (size_t)lround(seconds * TB_RATE_HZ),
           margin = (size_t)(margin_s * TB_RATE_HZ / speed);
    tb_pcm noise = {0};
    float *curve = tb_try_alloc(len, sizeof *curve);
    if (!curve) return tb_nomem(err, len, sizeof *curve);
    draw_envelope(s, speed, curve, len);
    tb_status st =
        s->low_hz > 0
            ? tb_render_band_noise(s->low_hz, s->high_hz, curve, len, rng, cancel, &noise, err)
            : tb_render_noise(voice, s->tilt_db, curve, len, rng, cancel, &noise, err);
    if (!st) {
        tb_level_finish(&noise, s->level_db);
        st = tb_pcm_init(out, noise.len + 2 * margin, TB_RATE_HZ, err);
    }
    if (!st && noise.len) memcpy(out->data + margin, noise.data, noise.len * sizeof(float));
    tb_pcm_clear(&noise);
    tb_free(curve);
    return st;
}
