/*
 * Perth, the watermark: adds an inaudible mark to the lowest 2 kHz of finished speech.
 *
 * At 32 kHz: STFT, magnitudes in decibels, a convolutional network on the low bins that says what
 * to add, a mask that spares quiet frames, phases kept, overlap-add. Frames go through the network
 * in blocks of 256 with the context that they depend on, so blocks have no seams.
 * docs/model/perth.md.
 */
#include "model/perth.h"

#include "base/mem.h"
#include "dsp/fft.h"
#include "nn/bind.h"
#include "tensor/torch.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    FILE_MAX_BYTES = 512 << 20, /* 40 MB, and an optimiser's state if that was kept */
    LAYERS_MAX = 32,
    NUMBERS_MAX = 1 << 24, /* of one tensor */
    FFT = TB_PERTH_FFT,
    HOP = TB_PERTH_HOP,
    BINS = FFT / 2 + 1,
    BLOCK = 256, /* frames that go through the network together */
};

struct tb_perth {
    tb_weights *owned; /* NULL when the set is the caller's */
    size_t n_layers;
    tb_conv layers[LAYERS_MAX];
    size_t low;  /* bins that are marked: K */
    size_t wide; /* the widest layer's channels */
    size_t halo; /* frames to each side that one frame's result depends on */
    float window[FFT];
};

/* ------------------------------------------------------------------------------------ the weights
 */

/* One tensor of the state dict into the set; a convolution's (out, in, k) becomes (out, k, in). */
static tb_status add(tb_weights *set, const tb_torch_value *model, const char *name, size_t axes,
                     tb_err *err)
{
    const tb_torch_value *v = tb_torch_get(model, name);
    float *x = NULL, *transposed = NULL;
    tb_tensor t = {.type = TB_F32, .n_dims = (unsigned)axes};

    tb_status st = tb_torch_f32(v, name, NUMBERS_MAX, &x, err);
    if (st) goto out;
    if (tb_torch_dims(v) != axes) {
        st = tb_fail(err, TB_EMODEL, "%s: %s has %zu axes; it needs %zu", tb_weights_label(set),
                     name, tb_torch_dims(v), axes);
        goto out;
    }
    for (size_t i = 0; i < axes; i++)
        t.dim[i] = tb_torch_dim(v, i);
    if (axes == 3) {
        const size_t N = t.dim[0], C = t.dim[1], k = t.dim[2];
        transposed = tb_try_alloc(tb_torch_count(v), sizeof *transposed);
        if (!transposed) {
            st = tb_nomem(err, tb_torch_count(v), sizeof *transposed);
            goto out;
        }
        for (size_t n = 0; n < N; n++)
            for (size_t c = 0; c < C; c++)
                for (size_t j = 0; j < k; j++)
                    transposed[(n * k + j) * C + c] = x[(n * C + c) * k + j];
        t.dim[1] = k;
        t.dim[2] = C;
        tb_free(x);
        x = transposed;
    }
    t.data = x;
    st = tb_weights_add(set, name, &t, x, err); /* takes x */
    x = NULL;
out:
    tb_free(x);
    return st;
}

static tb_status read_layers(tb_weights *set, const tb_torch_value *model, tb_err *err)
{
    tb_status st = TB_OK;
    for (size_t i = 0; !st && i < LAYERS_MAX; i++) {
        char name[64];
        snprintf(name, sizeof name, "encoder.layers.%zu.conv.weight", i);
        if (i > 0 && !tb_torch_get(model, name)) break;
        st = add(set, model, name, 3, err);
        snprintf(name, sizeof name, "encoder.layers.%zu.conv.bias", i);
        if (!st) st = add(set, model, name, 1, err);
    }
    return st;
}

/* weights' layers into p, whose set is already its own or the caller's. */
static tb_status bind_layers(tb_perth *p, tb_weights *weights, tb_err *err)
{
    tb_bind b = {.weights = weights, .prefix = "", .err = err};
    while (p->n_layers < LAYERS_MAX) {
        tb_conv *layer = &p->layers[p->n_layers];
        size_t C = p->n_layers ? p->layers[p->n_layers - 1].w.N : 0;
        if (p->n_layers && !tb_bind_has(&b, "encoder.layers.%zu.conv.weight", p->n_layers)) break;
        *layer = tb_bind_conv(&b, 0, 0, C, true, "encoder.layers.%zu.conv", p->n_layers);
        if (b.status) return b.status;
        if (layer->k % 2 == 0)
            return tb_fail(err, TB_EMODEL, "%s: the watermark's layer %zu has the even width %zu",
                           tb_weights_label(weights), p->n_layers, layer->k);
        layer->pad_left = layer->pad_right = layer->k / 2;
        p->halo += layer->k / 2;
        if (layer->w.N > p->wide) p->wide = layer->w.N;
        p->n_layers++;
    }
    p->low = p->layers[0].C;
    if (p->low > BINS || p->layers[p->n_layers - 1].w.N != p->low)
        return tb_fail(err, TB_EMODEL, "%s: the watermark reads %zu bands and writes %zu",
                       tb_weights_label(weights), p->low, p->layers[p->n_layers - 1].w.N);
    for (size_t i = 0; i < FFT; i++) /* Hann, periodic */
        p->window[i] = (float)(0.5 - 0.5 * cos(6.283185307179586476925 * (double)i / FFT));
    return TB_OK;
}

tb_status tb_perth_new(tb_weights *weights, tb_perth **out, tb_err *err)
{
    tb_perth *p = tb_alloc(sizeof *p);
    tb_status st = bind_layers(p, weights, err);
    if (st) goto out;
    *out = p;
    p = NULL;
out:
    tb_perth_close(p);
    return st;
}

tb_status tb_perth_open(const char *path, tb_perth **out, tb_err *err)
{
    tb_perth *p = tb_alloc(sizeof *p);
    tb_torch *file = NULL;

    tb_status st = tb_torch_open(path, FILE_MAX_BYTES, &file, err);
    if (st) goto out;
    const tb_torch_value *model = tb_torch_get(tb_torch_root(file), "model");
    if (tb_torch_kind_of(model) != TB_TORCH_DICT) {
        st = tb_fail(err, TB_EMODEL, "%s is no watermark model: its dict model is missing", path);
        goto out;
    }
    p->owned = tb_weights_new(path);
    st = read_layers(p->owned, model, err);
    if (!st) st = bind_layers(p, p->owned, err);
    if (st) goto out;
    *out = p;
    p = NULL;
out:
    tb_torch_free(file);
    tb_perth_close(p);
    return st;
}

void tb_perth_close(tb_perth *perth)
{
    if (!perth) return;
    tb_weights_free(perth->owned);
    tb_free(perth);
}

/* ------------------------------------------------------------------------------------ the signal
 */

/* Decibels, 0 at -180 dB and 1 at +15. */
static float normalised(float magnitude)
{
    return (20 * log10f(fmaxf(magnitude, 1e-9F)) + 180) / 195;
}

static float magnitude_of(float normal)
{
    return powf(10, fminf((normal * 195 - 180) / 20, 10));
}

/* One utterance on its way through. */
typedef struct {
    const tb_perth *perth;
    const tb_nn *nn;
    tb_fft *fft;
    const float *x; /* (n) */
    size_t n, T;    /* T = n / HOP + 1 frames, the first and last centred on the ends */
    float *mask;    /* (T): 1 where the mark goes */
    float *sum;     /* ((T - 1) HOP + FFT): windowed frames put back over each other */
    float *mag;     /* (T, BINS), only for a trace */
    float *mag_low; /* (T, K), only for a trace: what the low bins became */
} utterance;

/* Spectrum (BINS, 2) of frame t; the signal is reflected at its ends. frame (FFT): buffer. */
static void analyse(const utterance *u, size_t t, float *frame, float *spectrum)
{
    const ptrdiff_t n = (ptrdiff_t)u->n, start = (ptrdiff_t)(t * HOP) - FFT / 2;
    for (ptrdiff_t i = 0; i < FFT; i++) {
        ptrdiff_t at = start + i;
        if (at < 0) at = -at;
        if (at >= n) at = 2 * (n - 1) - at;
        frame[i] = u->x[at] * u->perth->window[i];
    }
    tb_fft_forward(u->fft, frame, spectrum);
}

/* Normalised magnitudes of the first `bins` bins. */
static void decibels(const float *spectrum, size_t bins, float *out)
{
    for (size_t k = 0; k < bins; k++) {
        float re = spectrum[2 * k], im = spectrum[2 * k + 1];
        out[k] = normalised(sqrtf(re * re + im * im));
    }
}

/* A frame is marked when its magnitudes, summed, exceed a twentieth of the loudest frame's. */
static void find_mask(utterance *u)
{
    tb_scratch *scratch = u->nn->scratch;
    size_t mark = tb_scratch_mark(scratch);
    float *frame = tb_scratch_f32(scratch, FFT);
    float *spectrum = tb_scratch_f32(scratch, (size_t)BINS * 2);
    float *row = tb_scratch_f32(scratch, BINS);
    float most = 0;

    for (size_t t = 0; t < u->T; t++) {
        double total = 0;
        analyse(u, t, frame, spectrum);
        decibels(spectrum, BINS, row);
        for (size_t k = 0; k < BINS; k++)
            total += (double)row[k];
        u->mask[t] = (float)total;
        most = fmaxf(most, u->mask[t]);
        if (u->mag) memcpy(u->mag + t * BINS, row, BINS * sizeof *row);
    }
    for (size_t t = 0; t < u->T; t++)
        u->mask[t] = u->mask[t] > 0.05F * most ? 1 : 0;
    tb_scratch_release(scratch, mark);
}

/*   x    (T, K)     what the network reads; changed
 *   out  (T, wide)  what it writes, in the first T * K floats */
static void network(const utterance *u, float *x, size_t T, float *other, float **out)
{
    const tb_perth *p = u->perth;
    float *from = x, *to = other;
    for (size_t i = 0; i < p->n_layers; i++) {
        tb_act act = i + 1 < p->n_layers ? TB_ACT_LRELU_001 : TB_ACT_NONE;
        tb_nn_conv(u->nn, &p->layers[i], NULL, from, T, act, TB_SET, to);
        float *swap = from;
        from = to;
        to = swap;
    }
    *out = from;
}

/* Adds the mark to the low bins of one frame, keeping their phases; the others stay as they are. */
static void mark_frame(const float *low, const float *change, size_t K, float *spectrum)
{
    for (size_t k = 0; k < K; k++) {
        float re = spectrum[2 * k], im = spectrum[2 * k + 1];
        float was = sqrtf(re * re + im * im), now = magnitude_of(low[k] + change[k]);
        spectrum[2 * k] = was > 0 ? now * (re / was) : now;
        spectrum[2 * k + 1] = was > 0 ? now * (im / was) : 0;
    }
}

/* Frames first .. first + count - 1, and as many to each side as they depend on. */
static void mark_block(utterance *u, size_t first, size_t count)
{
    const tb_perth *p = u->perth;
    const size_t K = p->low, begin = first > p->halo ? first - p->halo : 0;
    const size_t end = first + count + p->halo < u->T ? first + count + p->halo : u->T;
    tb_scratch *scratch = u->nn->scratch;
    size_t mark = tb_scratch_mark(scratch);
    float *frame = tb_scratch_f32(scratch, FFT);
    float *spectra = tb_scratch_f32(scratch, (end - begin) * BINS * 2); /* (T, BINS, 2) */
    float *low = tb_scratch_f32(scratch, (end - begin) * K);            /* (T, K) */
    float *a = tb_scratch_f32(scratch, (end - begin) * p->wide), *change = NULL;
    float *b = tb_scratch_f32(scratch, (end - begin) * p->wide);

    for (size_t t = begin; t < end; t++) {
        float *spectrum = spectra + (t - begin) * BINS * 2;
        analyse(u, t, frame, spectrum);
        decibels(spectrum, K, low + (t - begin) * K);
    }
    memcpy(a, low, (end - begin) * K * sizeof *a);
    network(u, a, end - begin, b, &change); /* (T, K) */
    for (size_t t = first; t < first + count; t++) {
        float *spectrum = spectra + (t - begin) * BINS * 2, *sum = u->sum + t * HOP;
        const float *was = low + (t - begin) * K, *add_row = change + (t - begin) * K;
        if (u->mask[t] > 0) mark_frame(was, add_row, K, spectrum);
        for (size_t k = 0; u->mag_low && k < K; k++)
            u->mag_low[t * K + k] = was[k] + add_row[k] * u->mask[t];
        tb_fft_inverse(u->fft, spectrum, frame);
        for (size_t i = 0; i < FFT; i++)
            sum[i] += frame[i] * p->window[i] * (1.0F / FFT);
    }
    tb_scratch_release(scratch, mark);
}

/* What the windows squared add up to at sample i of the sum, which division takes out again. */
static float overlap(const utterance *u, size_t i)
{
    size_t last = i / HOP < u->T - 1 ? i / HOP : u->T - 1;
    size_t first = i >= FFT ? (i - FFT) / HOP + 1 : 0;
    float total = 0;
    for (size_t t = first; t <= last; t++) {
        float w = u->perth->window[i - t * HOP];
        total += w * w;
    }
    return total;
}

tb_status tb_perth_mark(const tb_perth *perth, const tb_nn *nn, float *x, size_t n, tb_err *err)
{
    utterance u = {.perth = perth, .nn = nn, .x = x, .n = n, .T = n / HOP + 1};
    const size_t sum_len = (u.T - 1) * HOP + FFT;
    tb_status st;
    assert(n % HOP == 0 && n >= TB_PERTH_MIN_LEN);

    st = tb_fft_new(FFT, &u.fft, err);
    if (st) goto out;
    u.mask = tb_try_alloc(u.T, sizeof *u.mask);
    u.sum = tb_try_alloc(sum_len, sizeof *u.sum);
    if (nn->trace) {
        u.mag = tb_try_alloc(u.T, BINS * sizeof *u.mag);
        u.mag_low = tb_try_alloc(u.T, perth->low * sizeof *u.mag_low);
    }
    if (!u.mask || !u.sum || (nn->trace && (!u.mag || !u.mag_low))) {
        st = tb_nomem(err, sum_len, sizeof *u.sum);
        goto out;
    }
    find_mask(&u);
    for (size_t t = 0; t < u.T; t += BLOCK)
        mark_block(&u, t, u.T - t < BLOCK ? u.T - t : BLOCK);
    for (size_t i = 0; i < n; i++)
        x[i] = u.sum[i + FFT / 2] / overlap(&u, i + FFT / 2);
    if (nn->trace) {
        tb_trace_put_t(nn->trace, u.mag, u.T, BINS, "mag");
        tb_trace_put_t(nn->trace, u.mag_low, u.T, perth->low, "wm_mag_sub");
        tb_trace_put(nn->trace, u.mask, 1, u.T, "mask");
        tb_trace_put(nn->trace, x, 1, n, "wm_signal32k");
    }
out:
    tb_fft_free(u.fft);
    tb_free(u.mask);
    tb_free(u.sum);
    tb_free(u.mag);
    tb_free(u.mag_low);
    return st;
}

tb_status tb_perth_apply(const tb_perth *perth, const tb_nn *nn, tb_pcm *pcm, tb_err *err)
{
    tb_pcm wide = {0}, marked = {0};
    tb_status st = TB_OK;
    if (pcm->len == 0) goto out;
    st = tb_resample(pcm, TB_PERTH_RATE_HZ, &wide, err);
    if (st) goto out;

    /* Silence behind the end, so that whole hops cover all of it: the reference, whose utterances
     * are whole hops, would cut the rest off. */
    size_t whole = (wide.len + HOP - 1) / HOP * HOP;
    if (whole < TB_PERTH_MIN_LEN) whole = TB_PERTH_MIN_LEN;
    float *grown = tb_try_realloc(wide.data, whole, sizeof *grown);
    if (!grown) {
        st = tb_nomem(err, whole, sizeof *grown);
        goto out;
    }
    memset(grown + wide.len, 0, (whole - wide.len) * sizeof *grown);
    wide.data = grown;
    wide.len = whole;

    st = tb_perth_mark(perth, nn, wide.data, wide.len, err);
    if (!st) st = tb_resample(&wide, pcm->rate_hz, &marked, err);
    if (st) goto out;
    memcpy(pcm->data, marked.data, (marked.len < pcm->len ? marked.len : pcm->len) * sizeof *grown);
out:
    tb_pcm_clear(&wide);
    tb_pcm_clear(&marked);
    return st;
}
