#ifndef TB_AMBIENCE_RECIPE_PRIV_H
#define TB_AMBIENCE_RECIPE_PRIV_H

#include "ambience/unit_priv.h"

/*
 * A recipe makes one computed bed: init sets up its state, tick adds 64 samples to the scene's
 * bus 0 (and to the reverb send). Amplitudes are free; the bed brings the sum to -30 LUFS.
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

/* The computed beds in the order of GET /ambiences: a row here and a tb_recipe_<id> is a new one.
 */
#define TB_RECIPE_LIST(ROW) \
    ROW(white)              \
    ROW(pink)               \
    ROW(brown)              \
    ROW(room)               \
    ROW(rain)               \
    ROW(wind)               \
    ROW(ocean)              \
    ROW(forest)             \
    ROW(night)              \
    ROW(fire)               \
    ROW(street)             \
    ROW(train)              \
    ROW(fan)                \
    ROW(office)             \
    ROW(cafe)

#define TB_RECIPE_DECLARE(id) extern const tb_recipe tb_recipe_##id;
#define TB_RECIPE_ONE(id)     +1
TB_RECIPE_LIST(TB_RECIPE_DECLARE)
enum { TB_RECIPES = 0 TB_RECIPE_LIST(TB_RECIPE_ONE) };

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

/* Speech without words: a pulse source through three formants that move at the rate of syllables,
 * in phrases. docs/ambience-recipes.md, "Talkers". */
typedef struct {
    tb_stream stream;
    tb_white breath;
    double activity, f0, tract, level;
    const double *last; /* the vowel before this one */
    const double *target;
    /* the phrase */
    double phrase_s;
    uint64_t k;
    int syllables, spoken; /* in the phrase (uncapped), begun so far */
    double next_s;         /* where the next syllable begins */
    bool open;             /* a syllable is set up */
    int64_t from, to;      /* its ticks */
    double start_s, loudness, pitch_offset;
    /* the mouth */
    double pitch0, pitch1, amp0, amp1, vowel[3]; /* at this tick and the next */
    double vowel_next[3];
    double phase, pulse;
    tb_svf formant[3];
} tb_talker;

void tb_talker_init(tb_talker *t, const tb_scene *s, int number, double activity);
void tb_talker_tick(tb_talker *t, const tb_scene *s, double x[TB_TICK]); /* adds to x */

#endif
