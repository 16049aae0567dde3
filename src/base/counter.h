#ifndef TB_BASE_COUNTER_H
#define TB_BASE_COUNTER_H

#include <stddef.h>
#include <stdint.h>

/*
 * Random numbers by position: the i-th number of a named stream, whoever asks, in whatever order.
 * The stream is SplitMix64 started at the FNV-1a hash of its name. So noise over a sequence is the
 * same in one piece and in chunks, on one thread and on many.
 */
uint64_t tb_counter_stream(const char *name);
uint64_t tb_counter_at(uint64_t stream, uint64_t i);

/* The i-th of the seeded weights: near gaussian (a sum of four uniforms), standard deviation
 * scale / sqrt(3), never farther from mean than 2 scale. */
float tb_counter_weight(uint64_t stream, uint64_t i, float mean, float scale);

double tb_counter_uniform(uint64_t stream, uint64_t i); /* 0 <= u < 1, 53 bits */
/* Standard normal by Box-Muller: numbers 2i and 2i + 1 of the stream make one. */
double tb_counter_normal(uint64_t stream, uint64_t i);

#endif
