#ifndef TB_BASE_RNG_H
#define TB_BASE_RNG_H

#include <stdint.h>

/* xoshiro256**, its words from splitmix64(seed): the generator of the embedded engine.
 * Deterministic, no libm. */
typedef struct {
    uint64_t s[4];
} tb_rng;

uint64_t tb_splitmix64(uint64_t *state); /* advances state by the golden ratio, then mixes */
uint64_t tb_mix64(uint64_t x);           /* the finaliser alone */

void tb_rng_seed(tb_rng *rng, uint64_t seed);
uint64_t tb_rng_next(tb_rng *rng);
float tb_rng_uniform(tb_rng *rng); /* [0, 1): 24 bits */
float tb_rng_normal(tb_rng *rng);  /* sum of twelve uniforms minus six */

/* From the system, for seeds that nobody gave: 0 .. 2^53-1, so that JSON holds it. */
uint64_t tb_random_seed(void);
void tb_random_bytes(void *out, unsigned long size);

#endif
