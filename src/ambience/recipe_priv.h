#ifndef TB_AMBIENCE_RECIPE_PRIV_H
#define TB_AMBIENCE_RECIPE_PRIV_H

#include "ambience/unit_priv.h"

/*
 * A recipe makes one computed bed: init sets up its state, tick adds 64 samples to the scene's
 * lane 0 (and to the reverb send). Amplitudes are free; the bed brings the sum to -30 LUFS.
 * Private to ambience/ (and its tests).
 */
typedef struct {
    const char *id, *title, *description;
    double difference_lu;   /* default distance below speech */
    double rt60_s, damp_hz; /* its room; 0 without one */
    size_t state_size;
    void (*init)(void *state, tb_scene *s);
    void (*tick)(void *state, tb_scene *s);
} tb_recipe;

enum { TB_RECIPES = 15 };
extern const tb_recipe tb_recipe_white, tb_recipe_pink, tb_recipe_brown, tb_recipe_room,
    tb_recipe_rain, tb_recipe_wind, tb_recipe_ocean, tb_recipe_forest, tb_recipe_night,
    tb_recipe_fire, tb_recipe_street, tb_recipe_train, tb_recipe_fan, tb_recipe_office,
    tb_recipe_cafe;

/* Noise through up to three filters: what most layers are. */
typedef struct {
    tb_white white;
    bool is_pink;
    tb_pink pink;
    tb_biquad f[3];
    int n;
} tb_layer;

void tb_layer_init(tb_layer *l, const tb_scene *s, const char *stream, bool pink);
void tb_layer_filter(tb_layer *l, const tb_scene *s, tb_biquad_kind kind, double f, double q,
                     double gain_db);
void tb_layer_tick(tb_layer *l, const tb_scene *s, double x[TB_TICK]); /* overwrites x */

/* The talk of somebody who says nothing: a pulse source through three wandering formants at the
 * rate of syllables, in phrases. */
typedef struct {
    tb_stream stream;
    tb_white breath;
    double activity, f0, tract, level;
    const double *last; /* vowel the mouth comes from */
    const double *target;
    /* the phrase */
    double phrase_s;
    uint64_t k;
    int syllables, said; /* in the phrase (uncapped), begun so far */
    double next_s;       /* where the next syllable begins */
    bool open;           /* a syllable is set up */
    int64_t from, to;    /* its ticks */
    double start_s, loud, bend;
    /* the mouth */
    double pitch0, pitch1, amp0, amp1, vowel[3]; /* at this tick and the next */
    double vowel_next[3];
    double phase, pulse;
    tb_svf formant[3];
} tb_talker;

void tb_talker_init(tb_talker *t, const tb_scene *s, int number, double activity);
void tb_talker_tick(tb_talker *t, const tb_scene *s, double x[TB_TICK]); /* adds to x */

#endif
