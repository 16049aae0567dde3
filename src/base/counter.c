#include "base/counter.h"

#include <math.h>

uint64_t tb_counter_stream(const char *name)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (const unsigned char *p = (const unsigned char *)name; *p; p++)
        h = (h ^ *p) * 0x100000001b3u;
    return h;
}

uint64_t tb_counter_at(uint64_t stream, uint64_t i)
{
    uint64_t z = stream + (i + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

float tb_counter_weight(uint64_t stream, uint64_t i, float mean, float scale)
{
    uint64_t z = tb_counter_at(stream, i);
    int64_t g = (int64_t)((z & 65535) + (z >> 16 & 65535) + (z >> 32 & 65535) + (z >> 48)) - 131070;
    /* The product is exact in double, so fused or not gives the same bits. */
    return (float)((double)mean + (double)scale * ((double)g / 65536.0));
}

double tb_counter_uniform(uint64_t stream, uint64_t i)
{
    return (double)(tb_counter_at(stream, i) >> 11) * 0x1p-53;
}

double tb_counter_normal(uint64_t stream, uint64_t i)
{
    /* 1 - u: never 0, so the logarithm is finite. */
    double u = 1.0 - tb_counter_uniform(stream, 2 * i), v = tb_counter_uniform(stream, 2 * i + 1);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586476925 * v);
}
