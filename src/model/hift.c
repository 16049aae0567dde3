/*
 * HiFT, the vocoder: mel to waveform.
 *
 * Pitch and source are hift_source.c. Here are the STFT of the source and the decoder: three
 * upsampling stages that mix in the source, the mean of three kernel widths each, then an inverse
 * STFT with n_fft 16. Long mels are decoded in parts of 500 frames with the context that one frame
 * depends on ("reach"), so a part has the same samples as the whole and memory stays bounded.
 * docs/model/hift.md.
 */
#include "model/hift.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TAU 6.283185307179586476925

/* What no shape shows: the strides, the dilations, the transforms at the two ends. */
static const size_t up_stride[TB_HIFT_STAGES] = {8, 5, 3};
static const size_t down_stride[TB_HIFT_STAGES] = {15, 3, 1}; /* STFT frames per row of the stage */
static const size_t dilation[TB_HIFT_PAIRS] = {1, 3, 5};
enum { FFT = 16, HOP = 4, BINS = FFT / 2 + 1 };
enum { PIECE = 500 }; /* frames decoded at once, 10 s, and what they see around them */
static const float MAX_MAG = 100, CLIP = 0.99f;

/* ------------------------------------------------------------------ binding */

/* As many rows out as in; only an odd width has a middle. */
static void centre(tb_bind *b, tb_conv *c, size_t d, const char *path)
{
    if (!b->status && c->k % 2 == 0)
        b->status = tb_fail(b->err, TB_EMODEL, "%s: a convolution of %s%s is %zu wide, not odd",
                            tb_weights_label(b->weights), b->prefix, path, c->k);
    c->dilation = d;
    c->pad_left = c->pad_right = b->status ? 0 : (c->k - 1) * d / 2;
}

/* path: "resblocks.<i>" or "source_resblocks.<i>" */
static void bind_res(tb_bind *b, tb_hift_res *r, size_t C, const char *of, size_t i)
{
    char path[40];

    snprintf(path, sizeof path, "%s.%zu", of, i);
    for (size_t j = 0; j < TB_HIFT_PAIRS; j++) {
        r->alpha1[j] = tb_bind_vec(b, C, "%s.activations1.%zu.alpha", path, j);
        r->conv1[j] = tb_bind_conv(b, C, 0, C, true, "%s.convs1.%zu", path, j);
        r->alpha2[j] = tb_bind_vec(b, C, "%s.activations2.%zu.alpha", path, j);
        r->conv2[j] = tb_bind_conv(b, C, 0, C, true, "%s.convs2.%zu", path, j);
        centre(b, &r->conv1[j], dilation[j], path);
        centre(b, &r->conv2[j], 1, path);
    }
}

/* Rows of stage i for Tm frames; the last has one more, as its STFT has. */
static size_t stage_rows(size_t i, size_t Tm)
{
    for (size_t j = 0; j <= i; j++)
        Tm *= up_stride[j];
    return i == TB_HIFT_STAGES - 1 ? Tm + 1 : Tm;
}

/* Whether the signal and the source reach stage i with the same number of rows. */
static bool rows_match(const tb_hift_stage *s, size_t i)
{
    const size_t F = TB_HIFT_HOP / HOP + 1; /* of one mel frame: enough, all is linear in them */

    return s->up.k >= s->up.stride && (s->up.k - s->up.stride) % 2 == 0 &&
           tb_conv_len(&s->source_down, F) == stage_rows(i, 1);
}

/* C channels come in; returns how many go out. */
static size_t bind_stage(tb_bind *b, tb_hift_stage *s, size_t C, size_t i)
{
    s->up = tb_bind_conv(b, 0, 0, C, true, "ups.%zu", i);
    C = s->up.w.N;
    s->up.stride = up_stride[i];
    s->source_down = tb_bind_conv(b, C, 0, 2 * BINS, true, "source_downs.%zu", i);
    s->source_down.stride = down_stride[i];
    s->source_down.pad_left = s->source_down.pad_right = s->source_down.stride / 2;
    if (!b->status && !rows_match(s, i))
        b->status = tb_fail(b->err, TB_EMODEL,
                            "%s: %sups.%zu, %zu wide, and %ssource_downs.%zu, %zu wide, do not fit "
                            "the strides %zu and %zu",
                            tb_weights_label(b->weights), b->prefix, i, s->up.k, b->prefix, i,
                            s->source_down.k, s->up.stride, s->source_down.stride);
    s->up.pad_left = b->status ? 0 : (s->up.k - s->up.stride) / 2;
    bind_res(b, &s->source_res, C, "source_resblocks", i);
    for (size_t j = 0; j < TB_HIFT_KERNELS; j++)
        bind_res(b, &s->res[j], C, "resblocks", TB_HIFT_KERNELS * i + j);
    return C;
}

tb_status tb_hift_bind(tb_hift *hift, tb_weights *weights, tb_err *err)
{
    tb_bind b = {.weights = weights, .prefix = "mel2wav.", .err = err};
    tb_hift h = {0};

    h.pre = tb_bind_conv(&b, 0, 0, 0, true, "conv_pre");
    centre(&b, &h.pre, 1, "conv_pre");
    h.mels = h.pre.C;
    size_t C = h.pre.w.N;
    for (size_t i = 0; i < TB_HIFT_STAGES; i++)
        C = bind_stage(&b, &h.stage[i], C, i);
    h.post = tb_bind_conv(&b, 2 * BINS, 0, C, true, "conv_post");
    centre(&b, &h.post, 1, "conv_post");
    h.post.w.exact = true; /* an exponential follows */

    C = h.mels;
    for (size_t i = 0; i < TB_HIFT_F0_CONVS; i++) { /* the odd ones are the activations */
        h.f0[i] = tb_bind_conv(&b, 0, 3, C, true, "f0_predictor.condnet.%zu", 2 * i);
        centre(&b, &h.f0[i], 1, "f0_predictor");
        h.f0[i].w.exact = true;
        C = h.f0[i].w.N;
    }
    h.f0_out = tb_bind_mat(&b, 1, C, true, "f0_predictor.classifier");
    h.f0_out.exact = true;
    h.harmonic_w = tb_bind_vec(&b, TB_HIFT_HARMONICS, "m_source.l_linear.weight");
    h.harmonic_b = tb_bind_vec(&b, 1, "m_source.l_linear.bias");
    tb_bind_nothing_left(&b);
    if (!b.status) *hift = h;
    return b.status;
}

/* ------------------------------------------------------------------ the transforms */

/* The periodic Hann window, and turns of 1/16. */
typedef struct {
    float window[FFT], cos[FFT], sin[FFT];
} table;

static void make_table(table *w)
{
    for (size_t i = 0; i < FFT; i++) {
        w->window[i] = (float)(0.5 - 0.5 * cos(TAU * (double)i / FFT));
        w->cos[i] = (float)cos(TAU * (double)i / FFT);
        w->sin[i] = (float)sin(TAU * (double)i / FFT);
    }
}

/* x (len) -> frames from .. to - 1 of out (len / 4 + 1, 18): 9 real parts, 9 imaginary. Frame j is
 * centred on sample 4j; the ends are mirrored. */
static void stft(const table *w, const float *x, size_t len, size_t from, size_t to, float *out)
{
    out += from * 2 * BINS;
    for (size_t j = from; j < to; j++, out += 2 * BINS) {
        float frame[FFT];

        for (size_t i = 0; i < FFT; i++) {
            ptrdiff_t at = (ptrdiff_t)(HOP * j + i) - FFT / 2;

            if (at < 0) at = -at;
            if (at >= (ptrdiff_t)len) at = 2 * ((ptrdiff_t)len - 1) - at;
            frame[i] = w->window[i] * x[at];
        }
        for (size_t k = 0; k < BINS; k++) {
            float re = 0, im = 0;

            for (size_t i = 0; i < FFT; i++) {
                re += frame[i] * w->cos[i * k % FFT];
                im -= frame[i] * w->sin[i * k % FFT];
            }
            out[k] = re;
            out[BINS + k] = im;
        }
    }
}

/* One frame of the inverse, windowed. The imaginary parts of the first and last bin have no say. */
static void inverse_frame(const table *w, const float *mag, const float *phase, float *out)
{
    float re[BINS], im[BINS];

    for (size_t k = 0; k < BINS; k++) {
        re[k] = mag[k] * cosf(phase[k]);
        im[k] = mag[k] * sinf(phase[k]);
    }
    for (size_t i = 0; i < FFT; i++) {
        float sum = re[0] + (i % 2 ? -re[BINS - 1] : re[BINS - 1]);

        for (size_t k = 1; k < BINS - 1; k++)
            sum += 2 * (re[k] * w->cos[i * k % FFT] - im[k] * w->sin[i * k % FFT]);
        out[i] = sum / FFT * w->window[i];
    }
}

/* frames (F, 16) -> samples from .. to - 1 of wav (4 (F - 1)): overlap and add, divided by what the
 * windows that exist add up to. */
static void overlap_add(const table *w, const float *frames, size_t F, size_t from, size_t to,
                        float *wav)
{
    for (size_t n = from; n < to; n++) {
        const size_t at = n + FFT / 2; /* 8 samples are dropped at each end */
        const size_t last = at / HOP < F - 1 ? at / HOP : F - 1;
        float sum = 0, norm = 0;

        for (size_t j = at < FFT ? 0 : (at - FFT) / HOP + 1; j <= last; j++) {
            const size_t i = at - HOP * j;

            sum += frames[j * FFT + i];
            norm += w->window[i] * w->window[i];
        }
        wav[n] = fmaxf(-CLIP, fminf(CLIP, sum / norm));
    }
}

/* ------------------------------------------------------------------ decoder */

/* R(x) in place: x (T, C), t (T, C) scratch */
static void run_res(const tb_nn *nn, const tb_hift_res *r, const tb_cancel *cancel, size_t T,
                    float *t, float *x)
{
    for (size_t j = 0; j < TB_HIFT_PAIRS && !tb_cancelled(cancel); j++) {
        const tb_prologue before1 = {.alpha = r->alpha1[j]}, before2 = {.alpha = r->alpha2[j]};

        tb_nn_conv(nn, &r->conv1[j], &before1, x, T, TB_ACT_NONE, TB_SET, t);
        tb_nn_conv(nn, &r->conv2[j], &before2, t, T, TB_ACT_NONE, TB_ADD, x);
    }
}

/* Four arrays that every stage fits into: in, out, and two to compute with. */
typedef struct {
    float *x, *y, *t, *u;
} rooms;

/*
 * One stage: twice the steps down, the source let in, the mean of three kernel widths.
 *
 *   m->x (T, C_in)  after the activation; afterwards (rows, C)
 *   S    (F, 18)    the source's STFT
 */
static void run_stage(const tb_hift *hift, const tb_nn *nn, size_t i, const float *S, size_t F,
                      size_t T, const tb_cancel *cancel, rooms *m)
{
    const tb_hift_stage *s = &hift->stage[i];
    const bool last = i == TB_HIFT_STAGES - 1;
    const size_t C = s->up.w.N, up = tb_conv_transpose_len(&s->up, T), rows = last ? up + 1 : up;
    float *x = m->y, *y = m->u, *sum = m->x;

    /* The last stage has one row more, mirrored on the left. */
    tb_nn_conv_transpose(nn, &s->up, NULL, m->x, T, TB_SET, last ? x + C : x);
    tb_trace_put_t(nn->trace, last ? x + C : x, up, C, "hift.up%zu", i);
    if (last) memcpy(x, x + 2 * C, C * sizeof *x);

    assert(tb_conv_len(&s->source_down, F) == rows);
    tb_nn_conv(nn, &s->source_down, NULL, S, F, TB_ACT_NONE, TB_SET, y);
    tb_trace_put_t(nn->trace, y, rows, C, "hift.src_down%zu", i);
    run_res(nn, &s->source_res, cancel, rows, m->t, y);
    tb_trace_put_t(nn->trace, y, rows, C, "hift.src_res%zu", i);
    tb_nn_add(nn, y, rows * C, x);

    for (size_t j = 0; j < TB_HIFT_KERNELS && !tb_cancelled(cancel); j++) {
        float *r = j ? y : sum;

        memcpy(r, x, rows * C * sizeof *r);
        run_res(nn, &s->res[j], cancel, rows, m->t, r);
        tb_trace_put_t(nn->trace, r, rows, C, "hift.res%zu", TB_HIFT_KERNELS * i + j);
        if (j) tb_nn_add(nn, r, rows * C, sum);
    }
    tb_nn_scale(nn, 1.0f / TB_HIFT_KERNELS, rows * C, sum);
    tb_nn_act(nn, last ? TB_ACT_LRELU_001 : TB_ACT_LRELU_01, sum, rows * C, sum);
    tb_trace_put_t(nn->trace, sum, rows, C, "hift.stage%zu_lrelu", i);
}

/* What is done frame by frame at both ends, a thread some thousand frames at a time. */
typedef struct {
    const table *w;
    size_t F;
    const float *source;
    float *S;            /* (F, 18) */
    const float *y;      /* (F, 18): logarithms of magnitudes, and phases before the sine */
    float *mag, *phase;  /* (F, 9) */
    float *frames, *wav; /* (F, 16), (4 (F - 1)) */
} frames_job;

enum { FRAMES_PIECE = 1024 };

static void over_frames(const tb_nn *nn, frames_job *j, tb_thread_pool_body body)
{
    tb_thread_pool_for(nn->pool, (j->F + FRAMES_PIECE - 1) / FRAMES_PIECE, body, j);
}

static size_t piece_end(const frames_job *j, size_t i)
{
    return (i + 1) * FRAMES_PIECE < j->F ? (i + 1) * FRAMES_PIECE : j->F;
}

static void stft_piece(void *self, size_t i)
{
    const frames_job *j = self;
    stft(j->w, j->source, (j->F - 1) * HOP, i * FRAMES_PIECE, piece_end(j, i), j->S);
}

static void inverse_piece(void *self, size_t i)
{
    const frames_job *j = self;
    for (size_t f = i * FRAMES_PIECE; f < piece_end(j, i); f++) {
        const float *y = j->y + f * 2 * BINS;
        for (size_t k = 0; k < BINS; k++) {
            j->mag[f * BINS + k] = fminf(expf(y[k]), MAX_MAG);
            j->phase[f * BINS + k] = sinf(y[BINS + k]);
        }
        inverse_frame(j->w, j->mag + f * BINS, j->phase + f * BINS, j->frames + f * FFT);
    }
}

static void add_piece(void *self, size_t i)
{
    const frames_job *j = self;
    const size_t end = piece_end(j, i), last = end == j->F ? j->F - 1 : end;
    overlap_add(j->w, j->frames, j->F, i * FRAMES_PIECE * HOP, last * HOP, j->wav);
}

/* x (F, C) of the last stage -> wav */
static void run_end(const tb_hift *hift, const tb_nn *nn, const table *w, const float *x, size_t F,
                    float *wav)
{
    const size_t mark = tb_scratch_mark(nn->scratch);
    float *y = tb_scratch_f32(nn->scratch, F * 2 * BINS);
    frames_job j = {.w = w,
                    .F = F,
                    .y = y,
                    .mag = tb_scratch_f32(nn->scratch, F * BINS),
                    .phase = tb_scratch_f32(nn->scratch, F * BINS),
                    .frames = tb_scratch_f32(nn->scratch, F * FFT),
                    .wav = wav};

    tb_nn_conv(nn, &hift->post, NULL, x, F, TB_ACT_NONE, TB_SET, y);
    tb_trace_put_t(nn->trace, y, F, 2 * BINS, "hift.conv_post");
    over_frames(nn, &j, inverse_piece);
    tb_trace_put_t(nn->trace, j.mag, F, BINS, "hift.mag");
    tb_trace_put_t(nn->trace, j.phase, F, BINS, "hift.phase");
    over_frames(nn, &j, add_piece);
    tb_scratch_release(nn->scratch, mark);
}

/* All frames at once. */
static tb_status decode_piece(const tb_hift *hift, const tb_nn *nn, const float *mel, size_t Tm,
                              const float *source, const tb_cancel *cancel, float *wav, tb_err *err)
{
    const size_t mark = tb_scratch_mark(nn->scratch), len = Tm * TB_HIFT_HOP, F = len / HOP + 1;
    size_t most = Tm * hift->pre.w.N, T = Tm;
    tb_status st = TB_OK;
    table w;

    make_table(&w);
    float *S = tb_scratch_f32(nn->scratch, F * 2 * BINS);
    over_frames(nn, &(frames_job){.w = &w, .F = F, .source = source, .S = S}, stft_piece);
    tb_trace_put_t(nn->trace, S, F, 2 * BINS, "hift.stft");

    for (size_t i = 0; i < TB_HIFT_STAGES; i++) {
        const size_t n = stage_rows(i, Tm) * hift->stage[i].up.w.N;

        if (n > most) most = n;
    }
    rooms m = {tb_scratch_f32(nn->scratch, most), tb_scratch_f32(nn->scratch, most),
               tb_scratch_f32(nn->scratch, most), tb_scratch_f32(nn->scratch, most)};
    tb_nn_conv(nn, &hift->pre, NULL, mel, Tm, TB_ACT_NONE, TB_SET, m.x);
    tb_trace_put_t(nn->trace, m.x, Tm, hift->pre.w.N, "hift.conv_pre");
    tb_nn_act(nn, TB_ACT_LRELU_01, m.x, Tm * hift->pre.w.N, m.x);
    for (size_t i = 0; i < TB_HIFT_STAGES; i++) {
        run_stage(hift, nn, i, S, F, T, cancel, &m);
        if (tb_cancelled(cancel)) {
            st = tb_fail_cancelled(err);
            goto out;
        }
        T = stage_rows(i, Tm);
    }
    run_end(hift, nn, &w, m.x, F, wav);
out:
    tb_scratch_release(nn->scratch, mark);
    return st;
}

/* ------------------------------------------------------------------ reach */

typedef struct {
    long lo, hi; /* both inside */
} span;

static long floor_div(long a, long b)
{
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/* What rows of its input a convolution makes rows s from. */
static span through_conv(const tb_conv *c, span s)
{
    const long stride = c->stride ? (long)c->stride : 1, d = c->dilation ? (long)c->dilation : 1;

    return (span){s.lo * stride - (long)c->pad_left,
                  s.hi * stride - (long)c->pad_left + (long)(c->k - 1) * d};
}

static span through_transpose(const tb_conv *c, span s)
{
    const long stride = (long)c->stride, pad = (long)c->pad_left, k = (long)c->k;

    return (span){floor_div(s.lo + pad - k + stride, stride), floor_div(s.hi + pad, stride)};
}

static span through_res(const tb_hift_res *r, span s)
{
    for (size_t j = TB_HIFT_PAIRS; j-- > 0;)
        s = through_conv(&r->conv1[j], through_conv(&r->conv2[j], s));
    return s;
}

static span both(span a, span b)
{
    return (span){a.lo < b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
}

/* Backwards from the samples of frame 0 to all inputs that they depend on. */
void tb_hift_reach(const tb_hift *hift, size_t *before, size_t *after)
{
    /* frames of the inverse transform that lie over samples 0 .. 479 */
    span s = {floor_div(FFT / 2 - FFT, HOP) + 1, (TB_HIFT_HOP - 1 + FFT / 2) / HOP};
    span S = {0, 0}; /* of the source's transform */

    s = through_conv(&hift->post, s);
    for (size_t i = TB_HIFT_STAGES; i-- > 0;) {
        const tb_hift_stage *g = &hift->stage[i];
        span in = s;

        for (size_t j = 0; j < TB_HIFT_KERNELS; j++)
            s = both(s, through_res(&g->res[j], in));
        S = both(S, through_conv(&g->source_down, through_res(&g->source_res, s)));
        if (i == TB_HIFT_STAGES - 1) s = (span){s.lo - 1, s.hi - 1}; /* its row on the left */
        s = through_transpose(&g->up, s);
    }
    s = through_conv(&hift->pre, s);
    /* A frame's first sample has no weight: the window begins at 0. */
    s = both(s, (span){floor_div(HOP * S.lo - FFT / 2 + 1, TB_HIFT_HOP),
                       floor_div(HOP * S.hi + FFT / 2 - 1, TB_HIFT_HOP)});
    *before = (size_t)-s.lo;
    *after = (size_t)s.hi;
}

/* ------------------------------------------------------------------ whole and end */

tb_status tb_hift_decode(const tb_hift *hift, const tb_nn *nn, const float *mel, size_t Tm,
                         const float *source, const tb_cancel *cancel, float *wav, tb_err *err)
{
    const size_t mark = tb_scratch_mark(nn->scratch);
    size_t before, after;
    tb_status st = TB_OK;

    assert(Tm > 0);
    tb_hift_reach(hift, &before, &after);
    const size_t most = PIECE + before + after;
    float *part = Tm > most ? tb_scratch_f32(nn->scratch, most * TB_HIFT_HOP) : NULL;
    if (!part) st = decode_piece(hift, nn, mel, Tm, source, cancel, wav, err);
    for (size_t t = 0; part && !st && t < Tm; t += PIECE) { /* the bits are those of the whole */
        const size_t n = Tm - t < PIECE ? Tm - t : PIECE;
        const size_t from = t < before ? 0 : t - before;
        const size_t to = Tm - t < n + after ? Tm : t + n + after;

        st = decode_piece(hift, nn, mel + from * hift->mels, to - from, source + from * TB_HIFT_HOP,
                          cancel, part, err);
        if (!st)
            memcpy(wav + t * TB_HIFT_HOP, part + (t - from) * TB_HIFT_HOP,
                   n * TB_HIFT_HOP * sizeof *wav);
    }
    if (!st) tb_trace_put(nn->trace, wav, 1, Tm * TB_HIFT_HOP, "wav_raw");
    tb_scratch_release(nn->scratch, mark);
    return st;
}

void tb_fade(float *wav, size_t len)
{
    const size_t n = TB_HIFT_RATE_HZ / 50;

    for (size_t i = 0; i < len && i < n; i++)
        wav[i] = 0;
    for (size_t i = n; i < len && i < 2 * n; i++) /* from 0 to 1, both reached */
        wav[i] *= (float)((1 - cos(TAU / 2 * (double)(i - n) / (double)(n - 1))) / 2);
}
