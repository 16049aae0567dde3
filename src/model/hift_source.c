/*
 * The excitation of HiFT: pitch per mel frame (a small convolutional network), and from it the
 * source signal: nine harmonics whose phase is kept in double and carried from chunk to chunk
 * (tb_hift_osc), and noise by position, so that a chunk has the same samples as the whole.
 * docs/model/hift.md.
 */
#include "model/hift.h"

#include "base/counter.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TAU 6.283185307179586476925

static const float VOICED_HZ = 10, SINE = 0.1f, NOISE_VOICED = 0.003f, NOISE_UNVOICED = 0.1f / 3;

void tb_hift_f0(const tb_hift *hift, const tb_nn *nn, const float *mel, size_t Tm, float *f0)
{
    const size_t C = hift->f0_out.K, mark = tb_scratch_mark(nn->scratch);
    size_t widest = C;
    const float *x = mel;

    for (size_t i = 0; i < TB_HIFT_F0_CONVS; i++)
        if (hift->f0[i].w.N > widest) widest = hift->f0[i].w.N;
    float *a = tb_scratch_f32(nn->scratch, Tm * widest);
    float *b = tb_scratch_f32(nn->scratch, Tm * widest);
    for (size_t i = 0; i < TB_HIFT_F0_CONVS; i++) {
        float *y = i % 2 ? b : a;

        tb_nn_conv(nn, &hift->f0[i], NULL, x, Tm, TB_ACT_ELU, TB_SET, y);
        tb_trace_put_t(nn->trace, y, Tm, hift->f0[i].w.N, "hift.f0.elu%zu", i);
        x = y;
    }
    /* Like a convolution: a frame's bits are the same in a chunk and in the whole. */
    tb_nn_conv(nn, &(tb_conv){.w = hift->f0_out, .k = 1, .C = C}, NULL, x, Tm, TB_ACT_NONE, TB_SET,
               f0);
    for (size_t t = 0; t < Tm; t++)
        f0[t] = fabsf(f0[t]);
    tb_trace_put(nn->trace, f0, 1, Tm, "hift.f0");
    tb_scratch_release(nn->scratch, mark);
}

void tb_hift_osc_init(tb_hift_osc *osc, const char *phase_stream, const char *noise_stream)
{
    const uint64_t phases = tb_counter_stream(phase_stream);

    *osc = (tb_hift_osc){.noise = tb_counter_stream(noise_stream)};
    for (size_t k = 1; k < TB_HIFT_HARMONICS; k++)
        osc->phase[k] = (float)(TAU * (tb_counter_uniform(phases, k) - 0.5));
}

/* Advances the harmonics by one sample. The step is rounded as the reference rounds it;
 * the sum and what is left of it after whole cycles are in double, where the reference's get coarse
 * with time. */
static void advance_phase(double cycles[TB_HIFT_HARMONICS], float f)
{
    for (size_t k = 0; k < TB_HIFT_HARMONICS; k++) {
        const double c = cycles[k] + (double)(f * (float)(k + 1) / TB_HIFT_RATE_HZ);
        cycles[k] = c - floor(c);
    }
}

typedef struct {
    const tb_hift *hift;
    const float *f0, *noise;
    const tb_hift_osc *osc;
    size_t Tm;
    const double *begin; /* (Tm, harmonics): cycles before each frame */
    float *source;
} source_job;

enum { SOURCE_FRAMES = 5 }; /* of a piece */

static void source_piece(void *self, size_t i)
{
    const source_job *j = self;
    for (size_t t = i * SOURCE_FRAMES; t < (i + 1) * SOURCE_FRAMES && t < j->Tm; t++) {
        const float f = j->f0[t];
        const bool voiced = f > VOICED_HZ;
        const float amp = voiced ? NOISE_VOICED : NOISE_UNVOICED;
        double cycles[TB_HIFT_HARMONICS];

        memcpy(cycles, j->begin + t * TB_HIFT_HARMONICS, sizeof cycles);
        for (size_t n = t * TB_HIFT_HOP; n < (t + 1) * TB_HIFT_HOP; n++) {
            float sum = *j->hift->harmonic_b;

            advance_phase(cycles, f);
            for (size_t k = 0; k < TB_HIFT_HARMONICS; k++) {
                const float z =
                    j->noise
                        ? j->noise[n * TB_HIFT_HARMONICS + k]
                        : (float)tb_counter_normal(j->osc->noise,
                                                   (j->osc->sample + n) * TB_HIFT_HARMONICS + k);
                const float s =
                    voiced ? SINE * sinf((float)(TAU * cycles[k]) + j->osc->phase[k]) : 0;
                sum += j->hift->harmonic_w[k] * (s + amp * z);
            }
            j->source[n] = tanhf(sum);
        }
    }
}

void tb_hift_source(const tb_hift *hift, const tb_nn *nn, const float *f0, size_t Tm,
                    const float *noise, tb_hift_osc *osc, float *source)
{
    const size_t mark = tb_scratch_mark(nn->scratch);
    double *begin =
        tb_scratch_bytes(nn->scratch, Tm * TB_HIFT_HARMONICS * sizeof *begin); /* (Tm, harmonics) */
    source_job job = {hift, f0, noise, osc, Tm, begin, source};

    /* The phases run sequentially from frame to frame; the rest is parallel. */
    for (size_t t = 0; t < Tm; t++) {
        memcpy(begin + t * TB_HIFT_HARMONICS, osc->cycles, sizeof osc->cycles);
        for (size_t n = 0; n < TB_HIFT_HOP; n++)
            advance_phase(osc->cycles, f0[t]);
    }
    tb_thread_pool_for(nn->pool, (Tm + SOURCE_FRAMES - 1) / SOURCE_FRAMES, source_piece, &job);
    osc->sample += Tm * TB_HIFT_HOP;
    tb_scratch_release(nn->scratch, mark);
}
