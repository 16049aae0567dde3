#include "base/rng.h"

#include <sodium.h>

uint64_t tb_mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

uint64_t tb_splitmix64(uint64_t *state)
{
    return tb_mix64(*state += 0x9E3779B97F4A7C15u);
}

void tb_rng_seed(tb_rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        rng->s[i] = tb_splitmix64(&seed);
}

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

uint64_t tb_rng_next(tb_rng *rng)
{
    uint64_t *s = rng->s, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

float tb_rng_uniform(tb_rng *rng)
{
    return (float)(tb_rng_next(rng) >> 40) * 0x1p-24f;
}

float tb_rng_normal(tb_rng *rng)
{
    float sum = 0;
    for (int i = 0; i < 12; i++)
        sum += tb_rng_uniform(rng);
    return sum - 6;
}

void tb_random_bytes(void *out, unsigned long size)
{
    randombytes_buf(out, size);
}

uint64_t tb_random_seed(void)
{
    uint64_t x;
    tb_random_bytes(&x, sizeof x);
    return x >> 11;
}
