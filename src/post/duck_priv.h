#ifndef TB_POST_DUCK_PRIV_H
#define TB_POST_DUCK_PRIV_H

#include "dsp/biquad.h"

#include <stdbool.h>

/* The side chain that lowers a bed while there is speech: 20 ms RMS of the speech above
 * 100 Hz, active within 20 dB of its loudness, 300 ms hold; the gain goes through one pole, 60 ms
 * down, 600 ms up. Private to post/ (and its tests). */
enum { TB_DUCK_MS = 20 };

typedef struct {
    double depth_db, threshold; /* mean square that counts as speech */
    double down, up;            /* per sample */
    tb_biquad high;
    int hop, in_hop;            /* samples of a millisecond, and how many are in */
    double sum, ms[TB_DUCK_MS]; /* of this millisecond and the last twenty */
    int at;
    int hold, hold_max; /* samples */
    double gain_db;
} tb_duck;

void tb_duck_init(tb_duck *d, int rate_hz, double depth_db, double speech_lufs);
/* The gain (linear) of the bed at a sample, given the speech's (look-ahead is the caller's). */
double tb_duck_step(tb_duck *d, double x);

#endif
