#ifndef TB_MODEL_SAMPLER_H
#define TB_MODEL_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * From logits to a token, in the reference's order: temperature, top-k, top-p, repetition penalty,
 * softmax, draw. The penalty comes last: it changes neither what top-k and top-p leave nor is it
 * followed by another filter. The maths: docs/model/t3.md, "Sampling".
 */
typedef struct {
    double temperature;        /* 0 and 1: no scaling; 0 is not greedy */
    size_t top_k;              /* 0: all; 1: the largest, whatever the penalty */
    double top_p;              /* 1: all */
    double repetition_penalty; /* > 0; 1: none */
} tb_sampler_params;

/* The reference's defaults. */
extern const tb_sampler_params tb_sampler_defaults;

/* One utterance's sampler: its history and buffers for a vocabulary of n. One thread at a time. */
typedef struct tb_sampler tb_sampler;

tb_sampler *tb_sampler_new(const tb_sampler_params *params, size_t n);
void tb_sampler_free(tb_sampler *s);

/* The history: the tokens that the repetition penalty applies to, each once. */
void tb_sampler_record(tb_sampler *s, int32_t token);
void tb_sampler_reset(tb_sampler *s); /* all of it */

/* Changes x (n) in place by everything before the softmax; what is filtered becomes -infinity.
 * False when nothing is left to draw from. x may hold -infinity, not NaN or +infinity. */
bool tb_sampler_process(tb_sampler *s, float *x);

/* Softmax of processed logits, in f32: p may be x. Something must be left in x. */
void tb_sampler_probs(const float *x, size_t n, float *p);

/* The first token at which the sum of p so far, in double, exceeds u times the whole. 0 <= u < 1.
 * Tokens of probability 0 are never drawn. */
int32_t tb_sampler_pick(const float *p, size_t n, double u);

#endif
