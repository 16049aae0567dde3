#ifndef TB_AMBIENCE_BED_PRIV_H
#define TB_AMBIENCE_BED_PRIV_H

#include "ambience/ambience.h"
#include "ambience/recipe_priv.h"

/* What only ambience/ (and its tests) may know: a computed bed before its level, a looped file. */

/* ---- one recipe running */
typedef struct tb_part tb_part;

/* From time zero, without the warm-up that a bed is given. */
tb_part *tb_part_new(const tb_recipe *recipe, uint64_t seed, double fs);
void tb_part_free(tb_part *part);
void tb_part_tick(tb_part *part, double out[TB_TICK]); /* behind its 25 Hz high pass, no gain */

/* Seconds that a bed runs unheard before its first sample: filters, schedules, reverb fill. */
#define TB_BED_WARM_S 2.0
void tb_part_warm(tb_part *part);

/* Renders 30 s after the warm-up and returns the gain in dB that brings them to -30 LUFS. */
TB_MUST_CHECK tb_status tb_part_measure(const tb_recipe *recipe, uint64_t seed, int rate_hz,
                                        double *gain_db, tb_err *err);

/* ---- a file made endless: levelled, limited, its end faded into its start */
typedef struct {
    float *x;
    size_t len;
    int rate_hz;
    int64_t changed_s, size; /* of the file, to notice a new one */
    int refs;                /* under the set's lock */
} tb_loop;

TB_MUST_CHECK tb_status tb_loop_load(const char *path, int rate_hz, tb_loop **out, tb_err *err);
void tb_loop_free(tb_loop *loop);

/* ---- the set */
/* Remembered, else measured and remembered. */
TB_MUST_CHECK tb_status tb_ambience_gain(tb_ambience_set *set, const tb_recipe *recipe,
                                         uint64_t seed, int rate_hz, double *gain_db, tb_err *err);
TB_MUST_CHECK tb_status tb_ambience_loop(tb_ambience_set *set, size_t part, int rate_hz,
                                         tb_loop **out, tb_err *err);
void tb_ambience_loop_done(tb_ambience_set *set, tb_loop *loop);

#endif
