/*
 * Element-wise and row-wise kernels: conversions, epilogue, prologue, layer norm, softmax,
 * depthwise convolution. Common activations are instantiated by themselves, so that no switch is
 * evaluated per vector. Functions ending in _short (maths.h) are good to eight bits and used for
 * bf16 results only.
 */
#include "nn/simd/maths.h"
#include "nn/simd/vector.h"

void KERNEL(to_f32)(tb_dtype type, const void *src, float *dst, size_t n)
{
    size_t i = 0;
    if (type == TB_F16) {
        const uint16_t *h = src;
        for (; i + VW <= n; i += VW)
            store(dst + i, load_f16(h + i));
        tb_to_f32(type, h + i, dst + i, n - i);
    } else if (type == TB_BF16) {
        const uint16_t *h = src;
        for (; i + VW <= n; i += VW)
            store(dst + i, load_bf16(h + i));
        tb_to_f32(type, h + i, dst + i, n - i);
    } else if (type == TB_Q8_0) {
        const uint8_t *b = src;
        for (; i < n; i += TB_QUANT_BLOCK, b += 34) {
            uint16_t h;
            int8_t q[TB_QUANT_BLOCK];
            memcpy(&h, b, 2);
            memcpy(q, b + 2, sizeof q);
            float d = block_scale(h);
            for (int j = 0; j < TB_QUANT_BLOCK; j += VW)
                store(dst + i + j, d * load_i8(q + j));
        }
    } else if (type == TB_Q4_0) {
        const uint8_t *b = src;
        for (; i < n; i += TB_QUANT_BLOCK, b += 18) {
            uint16_t h;
            memcpy(&h, b, 2);
            float d = block_scale(h);
            for (size_t j = 0; j < TB_QUANT_BLOCK; j += VW)
                store(dst + i + j, d * load_q4(b + 2 + j % 16, j >= 16));
        }
    } else {
        tb_to_f32(type, src, dst, n);
    }
}

void KERNEL(to_f16)(const float *src, uint16_t *dst, size_t n)
{
    size_t i = 0;
#if TB_VW == 16
    for (; i + VW <= n; i += VW)
        _mm256_storeu_si256((__m256i *)(void *)(dst + i),
                            _mm512_cvtps_ph(_mm512_loadu_ps(src + i), _MM_FROUND_TO_NEAREST_INT));
#elif TB_VW == 8
    for (; i + VW <= n; i += VW)
        _mm_storeu_si128((__m128i *)(void *)(dst + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(src + i), _MM_FROUND_TO_NEAREST_INT));
#elif defined(TB_ISA_NEON)
    for (; i + VW <= n; i += VW)
        vst1_u16(dst + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(src + i))));
#endif
    for (; i < n; i++)
        dst[i] = tb_f32_to_f16(src[i]);
}

ALWAYS_INLINE void epilogue_of(const tb_act act, const bool coarse, const bool out_bf16,
                               const float *x, size_t ldx, size_t T, size_t N, const float *bias,
                               tb_into set_or_add, void *y, size_t ldy)
{
    for (size_t t = 0; t < T; t++, x += ldx) {
        void *row = (char *)y + t * ldy * (out_bf16 ? 2 : 4);
        for (size_t n = 0; n < N; n += VW) {
            size_t m = N - n < VW ? N - n : VW;
            vf v = load_n(x + n, m);
            if (bias) v += load_n(bias + n, m);
            v = coarse ? vact_short(act, v) : vact(act, v);
            if (!out_bf16 && set_or_add == TB_ADD) v += load_n((float *)row + n, m);
            store_as(row, n, v, m, out_bf16);
        }
    }
}

/* The common activations are instantiated: no switch per vector. */
void KERNEL(epilogue)(const float *x, size_t ldx, size_t T, size_t N, const float *bias, tb_act act,
                      tb_into set_or_add, float *y, size_t ldy)
{
    switch (act) {
    case TB_ACT_NONE:
        epilogue_of(TB_ACT_NONE, false, false, x, ldx, T, N, bias, set_or_add, y, ldy);
        break;
    case TB_ACT_GELU_TANH:
        epilogue_of(TB_ACT_GELU_TANH, false, false, x, ldx, T, N, bias, set_or_add, y, ldy);
        break;
    case TB_ACT_GELU_ERF:
        epilogue_of(TB_ACT_GELU_ERF, false, false, x, ldx, T, N, bias, set_or_add, y, ldy);
        break;
    case TB_ACT_MISH:
        epilogue_of(TB_ACT_MISH, false, false, x, ldx, T, N, bias, set_or_add, y, ldy);
        break;
    default:
        epilogue_of(act, false, false, x, ldx, T, N, bias, set_or_add, y, ldy);
    }
}

#if defined(TB_ISA_BF16)
void KERNEL(epilogue_rows)(const float *x, size_t ldx, size_t T, size_t N, const float *bias,
                           tb_act act, bool coarse, tb_into set_or_add, bool out_bf16, void *y,
                           size_t ldy)
{
    if (coarse && out_bf16 && act == TB_ACT_GELU_ERF)
        epilogue_of(TB_ACT_GELU_ERF, true, true, x, ldx, T, N, bias, set_or_add, y, ldy);
    else if (coarse && out_bf16 && act == TB_ACT_SILU)
        epilogue_of(TB_ACT_SILU, true, true, x, ldx, T, N, bias, set_or_add, y, ldy);
    else if (coarse)
        epilogue_of(act, true, out_bf16, x, ldx, T, N, bias, set_or_add, y, ldy);
    else
        epilogue_of(act, false, out_bf16, x, ldx, T, N, bias, set_or_add, y, ldy);
}
#endif

/* One vector of channels for a few rows: what depends on the channel alone is computed once. */
ALWAYS_INLINE void prologue_rows(const tb_prologue *p, const float *x, size_t ldx,
                                 const size_t rows, size_t C, void *y, size_t row_bytes,
                                 const bool bf16)
{
    for (size_t c = 0; c < C; c += VW) {
        const size_t m = C - c < VW ? C - c : VW;
        vf scale = {0}, shift = {0}, alpha = {0}, inverse = {0};
        if (p->scale) {
            scale = load_n(p->scale + c, m);
            shift = load_n(p->shift + c, m);
        }
        if (p->alpha) {
            alpha = load_n(p->alpha + c, m);
            inverse = 1.0f / (alpha + 1e-9f);
        }
        for (size_t t = 0; t < rows; t++) {
            vf v = load_n(x + t * ldx + c, m);
            if (p->scale) v = fmadd(v, scale, shift);
            v = vact(p->act, v);
            if (p->alpha) v = fmadd(bf16 ? vsin2_short(alpha * v) : vsin2(alpha * v), inverse, v);
            store_as((char *)y + t * row_bytes, c, v, m, bf16);
        }
    }
}

ALWAYS_INLINE void prologue_of(const tb_prologue *p, const float *x, size_t ldx, size_t T, size_t C,
                               void *y, size_t row_bytes, const bool bf16)
{
    enum { ROWS = 4 };
    size_t t = 0;
    for (; t + ROWS <= T; t += ROWS)
        prologue_rows(p, x + t * ldx, ldx, ROWS, C, (char *)y + t * row_bytes, row_bytes, bf16);
    for (; t < T; t++)
        prologue_rows(p, x + t * ldx, ldx, 1, C, (char *)y + t * row_bytes, row_bytes, bf16);
}

void KERNEL(prologue)(const tb_prologue *p, const float *x, size_t ldx, size_t T, size_t C, void *y,
                      size_t row_bytes, bool bf16)
{
    const bool plain = p->act == TB_ACT_NONE && !p->scale;
    if (bf16 && plain && !p->alpha)
        prologue_of(&(tb_prologue){0}, x, ldx, T, C, y, row_bytes, true);
    else if (bf16 && plain)
        prologue_of(&(tb_prologue){.alpha = p->alpha}, x, ldx, T, C, y, row_bytes, true);
    else if (bf16)
        prologue_of(p, x, ldx, T, C, y, row_bytes, true);
    else if (plain && p->alpha)
        prologue_of(&(tb_prologue){.alpha = p->alpha}, x, ldx, T, C, y, row_bytes, false);
    else
        prologue_of(p, x, ldx, T, C, y, row_bytes, false);
}

/* Layer norm of one row. Several independent sums hide the addition's latency. */
ALWAYS_INLINE void norm_row(const float *gain, const float *bias, float eps, const float *x,
                            size_t C, const bool bf16, void *y)
{
    enum { SUMS = 4 };
    vf sum[SUMS] = {{0}}, square[SUMS] = {{0}};
    size_t c = 0;
    for (; c + SUMS * VW <= C; c += SUMS * VW)
        for (size_t i = 0; i < SUMS; i++)
            sum[i] += load(x + c + i * VW);
    for (; c < C; c += VW)
        sum[0] += load_n(x + c, C - c < VW ? C - c : VW);
    const float mean = hsum((sum[0] + sum[1]) + (sum[2] + sum[3])) / (float)C;
    for (c = 0; c + SUMS * VW <= C; c += SUMS * VW)
        for (size_t i = 0; i < SUMS; i++) {
            const vf d = load(x + c + i * VW) - mean;
            square[i] = fmadd(d, d, square[i]);
        }
    for (; c < C; c += VW) {
        const size_t m = C - c < VW ? C - c : VW;
        const vf d = select_lanes(lane_mask(m), load_n(x + c, m) - mean, splat(0));
        square[0] = fmadd(d, d, square[0]);
    }
    const float variance = hsum((square[0] + square[1]) + (square[2] + square[3])) / (float)C;
    const float a = 1.0f / sqrtf(variance + eps);
    for (c = 0; c < C; c += VW) {
        const size_t m = C - c < VW ? C - c : VW;
        const vf v = (load_n(x + c, m) - mean) * a;
        store_as(y, c, fmadd(v, load_n(gain + c, m), load_n(bias + c, m)), m, bf16);
    }
}

void KERNEL(layer_norm)(const float *gain, const float *bias, float eps, const float *x, size_t T,
                        size_t C, bool bf16, void *y)
{
    for (size_t t = 0; t < T; t++, x += C)
        if (bf16)
            norm_row(gain, bias, eps, x, C, true, (uint16_t *)y + t * C);
        else
            norm_row(gain, bias, eps, x, C, false, (float *)y + t * C);
}

/* The maximum of each lane. */
ALWAYS_INLINE vf lane_max(const float *x, size_t n)
{
    vf most[4];
    for (int j = 0; j < 4; j++)
        most[j] = splat(-INFINITY);
    size_t i = 0;
    for (; i + 4 * VW <= n; i += 4 * VW)
        for (size_t j = 0; j < 4; j++)
            most[j] = vmax(load(x + i + j * VW), most[j]);
    for (; i + VW <= n; i += VW)
        most[0] = vmax(load(x + i), most[0]);
    if (i < n)
        most[1] = vmax(select_lanes(lane_mask(n - i), load_part(x + i, n - i), most[1]), most[1]);
    return vmax(vmax(most[0], most[1]), vmax(most[2], most[3]));
}

ALWAYS_INLINE float hmax(vf v)
{
#if TB_VW == 16
    return _mm512_reduce_max_ps((__m512)v);
#else
    float top = -INFINITY;
    for (int j = 0; j < VW; j++)
        top = v[j] > top ? v[j] : top;
    return top;
#endif
}

ALWAYS_INLINE vf exponential_of(vf x, float top, const bool bf16)
{
    return bf16 ? vexp_short(x, top) : vexp(x - top);
}

/* Stores e^(x - top) as f32 or bf16; returns their sum by lanes. */
ALWAYS_INLINE vf exponentials_of(const float *x, size_t n, float top, void *y, const bool bf16)
{
    vf sum = {0}, other = {0};
    size_t i = 0;
    for (; i + 2 * VW <= n; i += 2 * VW) {
        const vf e = exponential_of(load(x + i), top, bf16);
        const vf f = exponential_of(load(x + i + VW), top, bf16);
        sum += e;
        other += f;
        store_as(y, i, e, VW, bf16);
        store_as(y, i + VW, f, VW, bf16);
    }
    for (; i < n; i += VW) {
        const size_t m = n - i < VW ? n - i : VW;
        vf e = exponential_of(load_part(x + i, m), top, bf16);
        e = select_lanes(lane_mask(m), e, splat(0));
        sum += e;
        store_as(y, i, e, m, bf16);
    }
    return sum + other;
}

/* A score may exceed `top` by this much before top is raised: e^16 times a sum is far from f32's
 * limit, and so most blocks need no maximum across lanes. */
static const float SLACK = 16;

float KERNEL(softmax_block)(const float *x, size_t n, void *y, bool bf16, tb_softmax *so_far)
{
    const vf most = lane_max(x, n);
    float factor = 1;
    vf sum = load(so_far->sum);
    if (any_above(most, so_far->top + SLACK)) {
        const float top = hmax(most);
        factor = vexp(splat(so_far->top - top))[0];
        so_far->top = top;
        sum *= factor;
    }
    const float top = so_far->top;
    sum += bf16 ? exponentials_of(x, n, top, y, true) : exponentials_of(x, n, top, y, false);
    store(so_far->sum, sum);
    return factor;
}

void KERNEL(softmax)(float *x, size_t n)
{
    const float top = hmax(lane_max(x, n));
    const float a = 1.0f / hsum(exponentials_of(x, n, top, x, false));
    for (size_t i = 0; i < n; i++)
        x[i] *= a;
}

void KERNEL(depthwise)(const float *w, size_t k, const float *x, size_t T, size_t C, size_t t0,
                       size_t t1, tb_into set_or_add, float *y)
{
    const size_t half = (k - 1) / 2;
    for (size_t t = t0; t < t1; t++) {
        for (size_t c = 0; c < C; c += VW) {
            size_t m = C - c < VW ? C - c : VW;
            vf s = {0};
            for (size_t j = 0; j < k; j++) {
                if (t + j < half || t + j - half >= T) continue;
                s = fmadd(load_n(w + j * C + c, m), load_n(x + (t + j - half) * C + c, m), s);
            }
            if (set_or_add == TB_ADD) s += load_n(y + t * C + c, m);
            store_n(y + t * C + c, s, m);
        }
    }
}
