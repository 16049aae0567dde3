/*
 * The kernels, one source for every instruction set: TB_ISA names the set, TB_VW the vector's width
 * in floats. Vectors are the compilers' own (vector_size); an intrinsic stands where they have no
 * word for it. Compiled with -O3 -ffp-contract=fast in every build, so that a * b + c is one
 * rounding wherever the machine has the instruction.
 */
#include "nn/kernels.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#if TB_VW > 4
#include <immintrin.h>
#elif defined(TB_ISA_NEON)
#include <arm_neon.h>
#endif

#define PASTE2(a, b)  a##b
#define PASTE(a, b)   PASTE2(a, b)
#define STRING2(a)    #a
#define STRING(a)     STRING2(a)
#define ALWAYS_INLINE static inline __attribute__((always_inline))

#if defined(TB_ISA_VNNI)
enum { VW = TB_VW, VNNI = 1 };
#else
enum { VW = TB_VW, VNNI = 0 };
#endif

typedef float vf __attribute__((vector_size(VW * 4)));
typedef int32_t vi __attribute__((vector_size(VW * 4)));

#if TB_VW == 16 || defined(TB_ISA_NEON)
#define REGISTERS 32 /* of vectors: how many sums stay in them */
#else
#define REGISTERS 16
#endif

/* For loops that gcc 12 and clang 14 would leave as they are on Arm, with their sums in memory. */
#if defined(TB_ISA_NEON) && defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#elif defined(TB_ISA_NEON)
#define UNROLL _Pragma("GCC unroll 8")
#else
#define UNROLL
#endif

ALWAYS_INLINE vf load(const float *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

ALWAYS_INLINE void store(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}

#if TB_VW == 8
/* n lanes of all ones, then zeros. */
ALWAYS_INLINE __m256i first(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
#endif

/* The first n < VW numbers, then zeros. Nothing behind them is read. */
ALWAYS_INLINE vf load_part(const float *p, size_t n)
{
#if TB_VW == 16
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif TB_VW == 8
    return (vf)_mm256_maskload_ps(p, first(n));
#else
    vf v = {0};
    memcpy(&v, p, n * sizeof *p);
    return v;
#endif
}

ALWAYS_INLINE void store_part(float *p, vf v, size_t n)
{
#if TB_VW == 16
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif TB_VW == 8
    _mm256_maskstore_ps(p, first(n), (__m256)v);
#else
    memcpy(p, &v, n * sizeof *p);
#endif
}

/* n <= VW numbers, the rest zero. */
ALWAYS_INLINE vf load_n(const float *p, size_t n)
{
    return n == VW ? load(p) : load_part(p, n);
}

ALWAYS_INLINE void store_n(float *p, vf v, size_t n)
{
    if (n == VW)
        store(p, v);
    else
        store_part(p, v, n);
}

/* As it is: adding it to zeros would be an addition, which changes -0 and words of two bf16. */
ALWAYS_INLINE vf splat(float x)
{
#if TB_VW == 16
    return (vf)_mm512_set1_ps(x);
#elif TB_VW == 8
    return (vf)_mm256_set1_ps(x);
#else
    return (vf){x, x, x, x};
#endif
}

ALWAYS_INLINE vf pick(vi mask, vf a, vf b)
{
#if defined(TB_ISA_NEON)
    return (vf)vbslq_f32((uint32x4_t)mask, (float32x4_t)a, (float32x4_t)b);
#else
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
#endif
}

/* b where one is no number. */
ALWAYS_INLINE vf vmax(vf a, vf b)
{
#if TB_VW == 16
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif TB_VW == 8
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return pick((vi)(a > b), a, b);
#endif
}

ALWAYS_INLINE vf vmin(vf a, vf b)
{
#if TB_VW == 16
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif TB_VW == 8
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
    return pick((vi)(a < b), a, b);
#endif
}

ALWAYS_INLINE vf vabs(vf a)
{
    return (vf)((vi)a & 0x7fffffff);
}

ALWAYS_INLINE float sum_lanes(vf v)
{
    float part[VW];
    store(part, v);
    for (int w = VW / 2; w > 0; w /= 2)
        for (int i = 0; i < w; i++)
            part[i] += part[i + w];
    return part[0];
}

/* ---- vector maths; the errors are those of tests/unit/test_kernels.c ---- */

/* e^x: x = n ln 2 + r, |r| <= ln 2 / 2, Taylor to r^7 (remainder 5e-9). Below -87.3 it is 0, above
 * 88 it is e^88. */
ALWAYS_INLINE vf vexp(vf x)
{
    vi tiny = (vi)(x < splat(-87.3f));
    x = vmin(vmax(x, splat(-87.3f)), splat(88.0f));
    vf magic = splat(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
    vf n = x * 1.44269504f + magic;
    vi k = (vi)n << 23;
    n -= magic;
    vf r = x - n * 0x1.62e0p-1f; /* 12 bits of ln 2: n times it is exact */
    r -= n * 0x1.0bfbe8p-15f;
    vf p = splat(1.0f / 5040);
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return pick(tiny, splat(0), (vf)((vi)p + k));
}

ALWAYS_INLINE vf vsigmoid(vf x)
{
    return 1.0f / (1.0f + vexp(-x));
}

/* An odd polynomial below 0.64, where (e - 1) / (e + 1) would cancel. */
ALWAYS_INLINE vf vtanh(vf x)
{
    vf a = vmin(vabs(x), splat(10.0f)), z = x * x;
    vf p = splat(-0.00554759149f);
    p = p * z + 0.0204901434f;
    p = p * z - 0.0536898188f;
    p = p * z + 0.133307382f;
    p = p * z - 0.333332449f;
    p = p * z + 1.0f;
    vf big = 1.0f - 2.0f / (vexp(a + a) + 1.0f);
    big = (vf)((vi)big | ((vi)x & (int32_t)0x80000000));
    return pick((vi)(a < splat(0.64f)), x * p, big);
}

/* Fits of our own (Chebyshev, in double): x P(x^2) below 1; above, erfc = e^-Q(|x|). */
ALWAYS_INLINE vf verf(vf x)
{
    vf a = vmin(vabs(x), splat(4.0f)), z = a * a;
    vf p = splat(-9.67357028e-06f);
    p = p * z + 0.000112682472f;
    p = p * z - 0.00084843958f;
    p = p * z + 0.00522105349f;
    p = p * z - 0.0268654376f;
    p = p * z + 0.112837829f;
    p = p * z - 0.376126379f;
    p = p * z + 1.12837923f;
    vf q = splat(-1.61024036e-06f);
    q = q * a + 4.55127702e-05f;
    q = q * a - 0.000592092751f;
    q = q * a + 0.00473695062f;
    q = q * a - 0.0263551213f;
    q = q * a + 0.109960802f;
    q = q * a + 0.63195622f;
    q = q * a + 1.13015509f;
    q = q * a - 0.000300268788f;
    vf big = 1.0f - vexp(-q);
    big = (vf)((vi)big | ((vi)x & (int32_t)0x80000000));
    return pick((vi)(a < splat(1.0f)), x * p, big);
}

/* sin(x)^2, |x| up to 1e4: x = n pi + r by three parts of pi, of which the first two times n are
 * exact. */
ALWAYS_INLINE vf vsin2(vf x)
{
    vf magic = splat(12582912.0f);
    vf n = x * 0.318309886f + magic;
    n -= magic;
    vf r = x - n * 0x1.92p+1f;
    r -= n * 0x1.fb4p-11f;
    r -= n * 0x1.4442d2p-23f;
    vf z = r * r;
    vf p = splat(-2.38666473e-08f);
    p = p * z + 2.75240063e-06f;
    p = p * z - 0.000198408365f;
    p = p * z + 0.00833333097f;
    p = p * z - 0.166666672f;
    p = p * z + 1.0f;
    p *= r;
    return p * p;
}

/* As vsin2, for a result of eight bits: a fit of our own to sin(sqrt z)^2, off by 3e-5 at most, and
 * pi in one part, which at |x| = 1e4 is off by 3e-4. */
ALWAYS_INLINE vf vsin2_short(vf x)
{
    vf magic = splat(12582912.0f);
    vf n = x * 0.318309886f + magic;
    n -= magic;
    vf r = x - n * 3.14159274f;
    vf z = r * r;
    vf p = splat(-0.00242302078f);
    p = p * z + 0.0429534204f;
    p = p * z - 0.332144260f;
    p = p * z + 0.999703169f;
    return p * z;
}

ALWAYS_INLINE vf vact(tb_act act, vf x)
{
    switch (act) {
    case TB_ACT_NONE:
        return x;
    case TB_ACT_RELU:
        return vmax(x, splat(0));
    case TB_ACT_LRELU_01:
        return vmax(x, x * 0.1f);
    case TB_ACT_LRELU_001:
        return vmax(x, x * 0.01f);
    case TB_ACT_GELU_TANH:
        return 0.5f * x * (1.0f + vtanh(0.7978845608f * (x + 0.044715f * x * x * x)));
    case TB_ACT_GELU_ERF:
        return 0.5f * x * (1.0f + verf(x * 0.7071067812f));
    case TB_ACT_SILU:
        return x * vsigmoid(x);
    case TB_ACT_MISH: {
        /* tanh(ln(1 + e)) = (e^2 + 2e) / (e^2 + 2e + 2) */
        vf e = vexp(vmin(x, splat(20.0f))), a = e * (e + 2.0f);
        return pick((vi)(x > splat(20.0f)), x, x * (a / (a + 2.0f)));
    }
    case TB_ACT_ELU:
        return pick((vi)(x > splat(0)), x, vexp(vmin(x, splat(0))) - 1.0f);
    case TB_ACT_TANH:
        return vtanh(x);
    case TB_ACT_SIGMOID:
        return vsigmoid(x);
    }
    return x;
}

/* ---- number types ---- */

ALWAYS_INLINE vf from_half(const uint16_t *p)
{
#if TB_VW == 16
    return (vf)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
#elif TB_VW == 8
    return (vf)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
#elif defined(TB_ISA_NEON)
    return (vf)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
#else
    float x[VW];
    tb_to_f32(TB_F16, p, x, VW);
    return load(x);
#endif
}

ALWAYS_INLINE vf from_bf16(const uint16_t *p)
{
#if TB_VW == 16
    __m256i h = _mm256_loadu_si256((const __m256i *)(const void *)p);
    return (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16);
#elif TB_VW == 8
    __m128i h = _mm_loadu_si128((const __m128i *)(const void *)p);
    return (vf)_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16);
#elif defined(TB_ISA_NEON)
    return (vf)vshlq_n_u32(vmovl_u16(vld1_u16(p)), 16);
#else
    float x[VW];
    tb_to_f32(TB_BF16, p, x, VW);
    return load(x);
#endif
}

#if defined(TB_ISA_NEON)
/* Four bytes, and again. */
ALWAYS_INLINE int8x8_t load_four(const void *p)
{
    int32_t word;
    memcpy(&word, p, sizeof word);
    return vreinterpret_s8_s32(vdup_n_s32(word));
}

ALWAYS_INLINE vf widen_four(int8x8_t b)
{
    return (vf)vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(b))));
}
#endif

/* The compilers' own conversion goes number by number here. */
ALWAYS_INLINE vf from_i8(const int8_t *p)
{
#if TB_VW == 16
    return (vf)_mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
#elif TB_VW == 8
    return (vf)_mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
#elif defined(TB_ISA_NEON)
    return widen_four(load_four(p));
#else
    float x[VW];
    for (int i = 0; i < VW; i++)
        x[i] = p[i];
    return load(x);
#endif
}

/* 16 bytes' halves minus 8, VW of them. */
ALWAYS_INLINE vf from_nibbles(const uint8_t *p, bool high)
{
#if TB_VW == 16
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)p);
    if (high) b = _mm_srli_epi16(b, 4);
    b = _mm_sub_epi8(_mm_and_si128(b, _mm_set1_epi8(15)), _mm_set1_epi8(8));
    return (vf)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(b));
#elif TB_VW == 8
    __m128i b = _mm_loadl_epi64((const __m128i *)(const void *)p);
    if (high) b = _mm_srli_epi16(b, 4);
    b = _mm_sub_epi8(_mm_and_si128(b, _mm_set1_epi8(15)), _mm_set1_epi8(8));
    return (vf)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(b));
#elif defined(TB_ISA_NEON)
    uint8x8_t b = vreinterpret_u8_s8(load_four(p));
    b = high ? vshr_n_u8(b, 4) : vand_u8(b, vdup_n_u8(15));
    return widen_four(vsub_s8(vreinterpret_s8_u8(b), vdup_n_s8(8)));
#else
    float x[VW];
    for (int i = 0; i < VW; i++)
        x[i] = (float)((high ? p[i] >> 4 : p[i] & 15) - 8);
    return load(x);
#endif
}

/* A block's scale. */
ALWAYS_INLINE float scale_of(uint16_t half)
{
#if TB_VW > 4
    return _cvtsh_ss(half);
#elif defined(TB_ISA_NEON)
    return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half))), 0);
#else
    return tb_f16_to_f32(half);
#endif
}

static void to_f32(tb_dtype type, const void *src, float *dst, size_t n)
{
    size_t i = 0;
    if (type == TB_F16) {
        const uint16_t *h = src;
        for (; i + VW <= n; i += VW)
            store(dst + i, from_half(h + i));
        tb_to_f32(type, h + i, dst + i, n - i);
    } else if (type == TB_BF16) {
        const uint16_t *h = src;
        for (; i + VW <= n; i += VW)
            store(dst + i, from_bf16(h + i));
        tb_to_f32(type, h + i, dst + i, n - i);
    } else if (type == TB_Q8_0) {
        const uint8_t *b = src;
        for (; i < n; i += TB_QUANT_BLOCK, b += 34) {
            uint16_t h;
            int8_t q[TB_QUANT_BLOCK];
            memcpy(&h, b, 2);
            memcpy(q, b + 2, sizeof q);
            float d = scale_of(h);
            for (int j = 0; j < TB_QUANT_BLOCK; j += VW)
                store(dst + i + j, d * from_i8(q + j));
        }
    } else if (type == TB_Q4_0) {
        const uint8_t *b = src;
        for (; i < n; i += TB_QUANT_BLOCK, b += 18) {
            uint16_t h;
            memcpy(&h, b, 2);
            float d = scale_of(h);
            for (size_t j = 0; j < TB_QUANT_BLOCK; j += VW)
                store(dst + i + j, d * from_nibbles(b + 2 + j % 16, j >= 16));
        }
    } else {
        tb_to_f32(type, src, dst, n);
    }
}

/* ---- sums of products ---- */

/* acc + a b, or with bf16 pairs in each word, acc + a0 b0 + a1 b1. */
ALWAYS_INLINE vf add_product(const bool bf16, vf acc, vf a, vf b)
{
#if defined(TB_ISA_BF16) && defined(TB_ISA_NEON)
    if (bf16) return (vf)vbfdotq_f32((float32x4_t)acc, (bfloat16x8_t)a, (bfloat16x8_t)b);
#elif defined(TB_ISA_BF16)
    if (bf16) return (vf)_mm512_dpbf16_ps((__m512)acc, (__m512bh)a, (__m512bh)b);
#endif
    (void)bf16;
#if TB_VW == 16 /* gcc 12 does not see it here by itself */
    return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)acc);
#elif TB_VW == 8
    return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)acc);
#elif defined(TB_ISA_NEON)
    return (vf)vfmaq_f32((float32x4_t)acc, (float32x4_t)a, (float32x4_t)b);
#else
    return acc + a * b;
#endif
}

/* The sums of four vectors' lanes, always in the same order. */
ALWAYS_INLINE void sum4(const vf *v, float *out)
{
#if TB_VW == 16
    __m512 a = (__m512)v[0], b = (__m512)v[1], c = (__m512)v[2], d = (__m512)v[3];
    __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    __m512 s = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
    __m256 h = _mm256_add_ps(_mm512_castps512_ps256(s), _mm512_extractf32x8_ps(s, 1));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1)));
#elif TB_VW == 8
    __m256 a = (__m256)v[0], b = (__m256)v[1], c = (__m256)v[2], d = (__m256)v[3];
    __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
    __m256 s = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1)));
#elif defined(TB_ISA_NEON)
    float32x4_t ab = vpaddq_f32((float32x4_t)v[0], (float32x4_t)v[1]);
    vst1q_f32(out, vpaddq_f32(ab, vpaddq_f32((float32x4_t)v[2], (float32x4_t)v[3])));
#else
    for (int i = 0; i < 4; i++)
        out[i] = (v[i][0] + v[i][2]) + (v[i][1] + v[i][3]);
#endif
}

enum { MR = REGISTERS == 32 ? 6 : 2, NR = 4 };

enum { AR = 6, AV = REGISTERS == 32 ? 4 : 2 }; /* rows and vectors of a tile of `outer` */

/* VW numbers of a row of weights from number c on, as to_f32 makes them. */
ALWAYS_INLINE vf weights(const tb_dtype type, const char *row, size_t c)
{
    switch (type) {
    case TB_F16:
        return from_half((const uint16_t *)(const void *)row + c);
    case TB_BF16:
        return from_bf16((const uint16_t *)(const void *)row + c);
    case TB_Q8_0: {
        const char *block = row + c / TB_QUANT_BLOCK * 34;
        uint16_t d;
        memcpy(&d, block, 2);
        return scale_of(d) * from_i8((const int8_t *)block + 2 + c % TB_QUANT_BLOCK);
    }
    case TB_Q4_0: {
        const char *block = row + c / TB_QUANT_BLOCK * 18;
        uint16_t d;
        memcpy(&d, block, 2);
        /* The low halves of the 16 bytes are the block's first 16 numbers, the high ones its last.
         */
        size_t at = c % TB_QUANT_BLOCK;
        return scale_of(d) * from_nibbles((const uint8_t *)block + 2 + at % 16, at >= 16);
    }
    default:
        return load((const float *)(const void *)row + c);
    }
}

/* Bytes before number c of a row, about. */
ALWAYS_INLINE size_t bytes_of(const tb_dtype type, size_t c)
{
    switch (type) {
    case TB_F16:
    case TB_BF16:
        return c * 2;
    case TB_Q8_0:
        return c + c / 16;
    case TB_Q4_0:
        return c / 2 + c / 16;
    default:
        return c * 4;
    }
}

/* The rest of a row that fills no vector; block types have none. */
ALWAYS_INLINE vf weights_part(const tb_dtype type, const char *row, size_t c, size_t n)
{
    float some[VW] = {0};
    if (type == TB_F32) return load_part((const float *)(const void *)row + c, n);
    tb_to_f32(type, row + c * 2, some, n);
    return load(some);
}

/* rows x NR results from (t, n). cols < NR repeats the last column, whose results are dropped. With
 * bf16 the "numbers" are words of two, of f32's size. */
ALWAYS_INLINE void dot_tile(const tb_dtype type, const bool bf16, const tb_dot *d, size_t t,
                            size_t n, const int rows, const int cols)
{
    const float *x[MR];
    const char *w[NR];
    for (int i = 0; i < rows; i++)
        x[i] = (const float *)d->x + (ptrdiff_t)(t + (size_t)i) * d->ldx;
    for (int j = 0; j < NR; j++)
        w[j] = (const char *)d->w + (n + (size_t)(j < cols ? j : cols - 1)) * d->row_bytes;
    vf acc[MR][NR];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < NR; j++)
            acc[i][j] = (vf){0};
    const size_t C = d->C, whole = C - C % VW;
    /* With few rows memory is the limit, and four short rows at once are no pattern that the
     * machine foresees: the next four are asked for while these are used. */
    const size_t ahead = NR * d->row_bytes;
    for (size_t tap = 0; tap < d->taps; tap++) {
        const ptrdiff_t xo = d->xoff[tap];
        const size_t wo = (size_t)d->woff[tap];
        for (size_t c = 0; c < whole; c += VW) {
            vf b[NR];
            for (int j = 0; j < NR; j++) {
                if (rows < MR) __builtin_prefetch(w[j] + ahead + bytes_of(type, wo + c));
                b[j] = weights(type, w[j], wo + c);
            }
            for (int i = 0; i < rows; i++) {
                vf a = load(x[i] + xo + c);
                for (int j = 0; j < NR; j++)
                    acc[i][j] = bf16 ? add_product(true, acc[i][j], a, b[j]) : acc[i][j] + a * b[j];
            }
        }
        if (whole < C) {
            vf b[NR];
            for (int j = 0; j < NR; j++)
                b[j] = weights_part(type, w[j], wo + whole, C - whole);
            UNROLL
            for (int i = 0; i < rows; i++) {
                vf a = load_part(x[i] + xo + whole, C - whole);
                for (int j = 0; j < NR; j++)
                    acc[i][j] = bf16 ? add_product(true, acc[i][j], a, b[j]) : acc[i][j] + a * b[j];
            }
        }
    }
    for (int i = 0; i < rows; i++) {
        float s[NR];
        sum4(acc[i], s);
        float *y = d->y + (ptrdiff_t)(t + (size_t)i) * d->ldy + n;
        for (int j = 0; j < cols; j++)
            y[j] = s[j];
    }
}

ALWAYS_INLINE void dot_rows(const tb_dtype type, const bool bf16, const tb_dot *d, size_t T,
                            size_t n, const int cols)
{
    size_t t = 0;
    for (; t + MR <= T; t += MR)
        dot_tile(type, bf16, d, t, n, MR, cols);
#if REGISTERS == 32
    /* A batch of a few speakers: weights are unpacked once for four or two of them. */
    for (; t + 4 <= T; t += 4)
        dot_tile(type, bf16, d, t, n, 4, cols);
    for (; t + 2 <= T; t += 2)
        dot_tile(type, bf16, d, t, n, 2, cols);
#endif
    for (; t < T; t++)
        dot_tile(type, bf16, d, t, n, 1, cols);
}

ALWAYS_INLINE void dot_of(const tb_dtype type, const bool bf16, const tb_dot *d, size_t T, size_t N)
{
    size_t n = 0;
    for (; n + NR <= N; n += NR)
        dot_rows(type, bf16, d, T, n, NR);
    if (n < N) dot_rows(type, bf16, d, T, n, (int)(N - n));
}

static void dot(const tb_dot *d, size_t T, size_t N)
{
    switch (d->type) {
    case TB_F16:
        dot_of(TB_F16, false, d, T, N);
        break;
    case TB_BF16:
        dot_of(TB_BF16, false, d, T, N);
        break;
    case TB_Q8_0:
        dot_of(TB_Q8_0, false, d, T, N);
        break;
    case TB_Q4_0:
        dot_of(TB_Q4_0, false, d, T, N);
        break;
    default:
        dot_of(TB_F32, false, d, T, N);
    }
}

#if defined(TB_ISA_BF16)
static void dot_bf16(const tb_dot *d, size_t T, size_t N)
{
    ptrdiff_t xoff[TB_CONV_MAX_TAPS], woff[TB_CONV_MAX_TAPS];
    tb_dot words = *d;
    words.ldx /= 2;
    words.C /= 2;
    words.xoff = xoff;
    words.woff = woff;
    for (size_t j = 0; j < d->taps; j++) {
        xoff[j] = d->xoff[j] / 2;
        woff[j] = d->woff[j] / 2;
    }
    dot_of(TB_F32, true, &words, T, N);
}
#endif

/* ---- block types times bytes ---- */

/*
 * Columns side by side: VW rows of weights are turned into a panel whose lanes run along them, four
 * bytes a lane, as they lie in the file, scales and all. A block's sum over 32 numbers is then a
 * chain of four-byte products in one lane, exact, and every result one sum over its blocks in
 * order. Two blocks are a whole number of lanes: 17 of q8_0, 9 of q4_0. Where a scale stands, x has
 * zeros.
 */
enum {
    PAIR_X = 18,                  /* words of x of two blocks: q4_0 has its high halves behind */
    LOW_X = 9,                    /* ... here */
    CHUNK = 8,                    /* pairs of blocks that are turned at a time */
    CHUNK_WORDS = CHUNK * 17,     /* of q8_0, the larger type */
    ROWS_Q = TB_VW == 16 ? 8 : 4, /* rows of x at once */
    OFFSET_Q8 = VNNI ? 128 : 0,   /* what is added to a weight to make it unsigned */
    OFFSET_Q4 = 8,
};

ALWAYS_INLINE vi splat_int(int32_t x)
{
    return (vi){0} + x;
}

/* sum + the products of each lane's four bytes; x within -127 .. 127. Unsigned w for VNNI. */
ALWAYS_INLINE vi dot4(vi sum, vi w, vi x)
{
#if defined(TB_ISA_VNNI)
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)w, (__m512i)x);
#elif TB_VW == 16
    const __m512i zero = _mm512_setzero_si512();
    __mmask64 below = _mm512_movepi8_mask((__m512i)w);
    __m512i signed_x = _mm512_mask_sub_epi8((__m512i)x, below, zero, (__m512i)x);
    __m512i s = _mm512_maddubs_epi16(_mm512_abs_epi8((__m512i)w), signed_x);
    return sum + (vi)_mm512_madd_epi16(s, _mm512_set1_epi16(1));
#elif TB_VW == 8
    __m256i s =
        _mm256_maddubs_epi16(_mm256_abs_epi8((__m256i)w), _mm256_sign_epi8((__m256i)x, (__m256i)w));
    return sum + (vi)_mm256_madd_epi16(s, _mm256_set1_epi16(1));
#elif defined(TB_ISA_NEON)
    const int8x16_t a = (int8x16_t)w, b = (int8x16_t)x;
#if defined(__ARM_FEATURE_DOTPROD)
    return (vi)vdotq_s32((int32x4_t)sum, a, b);
#else
    /* Two products of bytes fit into 16 bits. */
    int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(b)), high = vmull_high_s8(a, b);
    return (vi)vpadalq_s16((int32x4_t)sum, vpaddq_s16(low, high));
#endif
#else
    /* Two products of bytes fit into 16 bits. */
    typedef int16_t vs __attribute__((vector_size(VW * 4)));
    vs s = ((vs)w << 8 >> 8) * ((vs)x << 8 >> 8) + ((vs)w >> 8) * ((vs)x >> 8);
    return sum + ((vi)s << 16 >> 16) + ((vi)s >> 16);
#endif
}

/* The same four bytes of x for every lane. */
ALWAYS_INLINE vi dot4_all(vi sum, vi w, int32_t x)
{
#if defined(TB_ISA_NEON) && defined(__ARM_FEATURE_DOTPROD)
    const int32x2_t one = {x, 0}; /* that instruction takes a lane: nothing is spread out */
    return (vi)vdotq_lane_s32((int32x4_t)sum, (int8x16_t)w, vreinterpret_s8_s32(one), 0);
#else
    return dot4(sum, w, splat_int(x));
#endif
}

/* The low 16 bits of each lane, a half-precision number not infinite. */
ALWAYS_INLINE vf scales(vi half)
{
#if defined(TB_ISA_NEON)
    return (vf)vcvt_f32_f16(vreinterpret_f16_s16(vmovn_s32((int32x4_t)half)));
#else
    vf size = (vf)((half & 0x7fff) << 13) * 0x1p112f;
    return (vf)((vi)size | (half & 0x8000) << 16);
#endif
}

#if TB_VW > 4
/* n <= 16 bytes, then zeros. */
ALWAYS_INLINE __m128i load_bytes(const char *p, size_t n)
{
#if TB_VW == 16
    return n >= 16 ? _mm_loadu_si128((const __m128i *)(const void *)p)
                   : _mm_maskz_loadu_epi8((__mmask16)((1u << n) - 1), p);
#else
    char part[16] = {0};
    if (n >= 16) return _mm_loadu_si128((const __m128i *)(const void *)p);
    memcpy(part, p, n);
    return _mm_loadu_si128((const __m128i *)(const void *)part);
#endif
}

/* 16 bytes of the rows j, j + 4, ... */
ALWAYS_INLINE vi four_words(const char *w, const size_t *row, size_t n)
{
#if TB_VW == 16
    __m512i v = _mm512_castsi128_si512(load_bytes(w + row[0], n));
    v = _mm512_mask_broadcast_i32x4(v, 0x00f0, load_bytes(w + row[4], n));
    v = _mm512_mask_broadcast_i32x4(v, 0x0f00, load_bytes(w + row[8], n));
    return (vi)_mm512_mask_broadcast_i32x4(v, 0xf000, load_bytes(w + row[12], n));
#else
    return (vi)_mm256_inserti128_si256(_mm256_castsi128_si256(load_bytes(w + row[0], n)),
                                       load_bytes(w + row[4], n), 1);
#endif
}
#else
ALWAYS_INLINE vi load_bytes(const char *p, size_t n)
{
    vi all;
    char part[16] = {0};
    if (n < 16) {
        memcpy(part, p, n);
        p = part;
    }
    memcpy(&all, p, 16);
    return all;
}
#endif

/* n bytes of VW rows, the first from w + row[0] on, as words side by side; zeros behind the last.
 * flip is laid over every word. VW times as many bytes from `next` on are asked for, in order, if
 * it is not NULL. */
ALWAYS_INLINE void turn_rows(const char *w, const size_t row[VW], size_t n, const char *next,
                             int32_t flip, vi *out)
{
#if TB_VW > 4
    for (size_t b = 0; b < n; b += 16, out += 4) {
        vi v[4];
        if (next && b % 64 == 0)
            for (size_t j = 0; j < VW; j++)
                __builtin_prefetch(next + b * VW + j * 64);
        for (size_t j = 0; j < 4; j++)
            v[j] = four_words(w + b, row + j, n - b);
#if TB_VW == 16
        __m512i a = _mm512_unpacklo_epi32((__m512i)v[0], (__m512i)v[1]);
        __m512i c = _mm512_unpacklo_epi32((__m512i)v[2], (__m512i)v[3]);
        __m512i e = _mm512_unpackhi_epi32((__m512i)v[0], (__m512i)v[1]);
        __m512i g = _mm512_unpackhi_epi32((__m512i)v[2], (__m512i)v[3]);
        out[0] = (vi)_mm512_unpacklo_epi64(a, c) ^ flip;
        out[1] = (vi)_mm512_unpackhi_epi64(a, c) ^ flip;
        out[2] = (vi)_mm512_unpacklo_epi64(e, g) ^ flip;
        out[3] = (vi)_mm512_unpackhi_epi64(e, g) ^ flip;
#else
        __m256i a = _mm256_unpacklo_epi32((__m256i)v[0], (__m256i)v[1]);
        __m256i c = _mm256_unpacklo_epi32((__m256i)v[2], (__m256i)v[3]);
        __m256i e = _mm256_unpackhi_epi32((__m256i)v[0], (__m256i)v[1]);
        __m256i g = _mm256_unpackhi_epi32((__m256i)v[2], (__m256i)v[3]);
        out[0] = (vi)_mm256_unpacklo_epi64(a, c) ^ flip;
        out[1] = (vi)_mm256_unpackhi_epi64(a, c) ^ flip;
        out[2] = (vi)_mm256_unpacklo_epi64(e, g) ^ flip;
        out[3] = (vi)_mm256_unpackhi_epi64(e, g) ^ flip;
#endif
    }
#else
    for (size_t b = 0; b < n; b += 16, out += 4) {
        vi v[4];
        for (size_t j = 0; j < 4; j++) {
            if (next && b % 64 == 0) __builtin_prefetch(next + b * VW + j * 64);
            v[j] = load_bytes(w + row[j] + b, n - b);
        }
        vi a = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5);
        vi c = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5);
        vi e = __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7);
        vi g = __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
        out[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5) ^ flip;
        out[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7) ^ flip;
        out[2] = __builtin_shufflevector(e, g, 0, 1, 4, 5) ^ flip;
        out[3] = __builtin_shufflevector(e, g, 2, 3, 6, 7) ^ flip;
    }
#endif
}

/* rows x VW results, to which `pairs` pairs of blocks are added. */
ALWAYS_INLINE void quant_tile(const tb_dtype type, const vi *panel, size_t pairs,
                              const tb_quant_pair *x, size_t ldx, const int rows, const bool first,
                              float *y, ptrdiff_t ldy)
{
    vf acc[ROWS_Q];
    for (int i = 0; i < rows; i++)
        acc[i] = first ? (vf){0} : load(y + i * ldy);
    for (size_t p = 0; p < pairs; p++, x++) {
        const int words = type == TB_Q8_0 ? 17 : 9, middle = words / 2;
        const int32_t flip = type == TB_Q8_0 && OFFSET_Q8 > 0 ? 0x8080 : 0;
        UNROLL
        for (int half = 0; half < 2; half++) {
            vi sum[ROWS_Q];
            for (int i = 0; i < rows; i++)
                sum[i] = splat_int(x[(size_t)i * ldx].start[half]);
            /* The middle word is of both blocks: numbers of the first, the second's scale. */
            const int from = half ? middle + 1 : 0, to = half ? words : middle + 1;
#if defined(__clang__)
#pragma clang loop unroll(full)
#else
#pragma GCC unroll 16
#endif
            for (int g = from; g < to; g++) {
                vi w = panel[g];
                if (type == TB_Q4_0) {
                    vi high = w >> 4 & 0x0f0f0f0f;
                    w &= 0x0f0f0f0f;
                    UNROLL
                    for (int i = 0; i < rows; i++)
                        sum[i] = dot4_all(sum[i], high, x[(size_t)i * ldx].q[LOW_X + g]);
                }
                UNROLL
                for (int i = 0; i < rows; i++)
                    sum[i] = dot4_all(sum[i], w, x[(size_t)i * ldx].q[g]);
            }
            vi scale = half ? panel[middle] >> 16 : panel[0];
            vf d = scales((scale & 0xffff) ^ flip);
            for (int i = 0; i < rows; i++) {
                const vf s = __builtin_convertvector(sum[i], vf);
                const vf scaled = d * splat(x[(size_t)i * ldx].scale[half]);
#if defined(TB_ISA_NEON) /* clang 14 would join them in some tiles and not in others */
                acc[i] = add_product(false, acc[i], s, scaled);
#else
                acc[i] += s * scaled;
#endif
            }
        }
        panel += words;
    }
    for (int i = 0; i < rows; i++)
        store(y + i * ldy, acc[i]);
}

ALWAYS_INLINE void quant_rows(const tb_dtype type, const tb_dot *d, size_t T, size_t n, size_t cols)
{
    vi panel[CHUNK_WORDS + 4]; /* a piece of 16 bytes may end behind */
    const size_t row_bytes = d->row_bytes, pairs = (d->C / TB_QUANT_BLOCK + 1) / 2;
    const size_t pair_bytes = type == TB_Q8_0 ? 68 : 36;
    const ptrdiff_t ldx = d->ldx;
    size_t row[VW];
    for (size_t j = 0; j < VW; j++) /* what stands behind the last is dropped by the caller */
        row[j] = (j < cols ? j : cols - 1) * row_bytes;
    const char *w = (const char *)d->w + n * row_bytes;
    for (size_t p = 0; p < pairs; p += CHUNK) {
        const size_t some = pairs - p < CHUNK ? pairs - p : CHUNK, at = p * pair_bytes;
        const size_t left = row_bytes - at;
        const tb_quant_pair *x = (const tb_quant_pair *)d->x + p;
        turn_rows(w + at, row, left < some * pair_bytes ? left : some * pair_bytes,
                  w + VW * (row_bytes + at),
                  type == TB_Q8_0 && OFFSET_Q8 > 0 ? (int32_t)0x80808080 : 0, panel);
        size_t t = 0;
#define SOME_ROWS(R)                                                                              \
    for (; t + R <= T; t += R) {                                                                  \
        float *y = d->y + (ptrdiff_t)t * d->ldy + n;                                              \
        quant_tile(type, panel, some, x + (ptrdiff_t)t * ldx, (size_t)ldx, R, p == 0, y, d->ldy); \
    }
        SOME_ROWS(ROWS_Q)
#if TB_VW == 16
        SOME_ROWS(4)
#endif
        SOME_ROWS(2)
        SOME_ROWS(1)
#undef SOME_ROWS
    }
}

static void dot_quant(const tb_dot *d, size_t T, size_t N)
{
    for (size_t n = 0; n < N; n += VW) {
        const size_t cols = N - n < VW ? N - n : VW;
        if (d->type == TB_Q8_0)
            quant_rows(TB_Q8_0, d, T, n, cols);
        else
            quant_rows(TB_Q4_0, d, T, n, cols);
    }
}

/* One block of x: bytes from -127 to 127, their sum, and what one of them is worth. */
static float quantise_block(const float *x, int8_t q[TB_QUANT_BLOCK], int32_t *sum)
{
    vf largest = {0};
    vi total = {0};
    int32_t wide[TB_QUANT_BLOCK];
    for (size_t c = 0; c < TB_QUANT_BLOCK; c += VW)
        largest = vmax(vabs(load(x + c)), largest);
    float most = 0, lanes[VW];
    store(lanes, largest);
    for (size_t i = 0; i < VW; i++)
        most = lanes[i] > most ? lanes[i] : most;
    const float inverse = most > 0 ? 127.0f / most : 0;
    for (size_t c = 0; c < TB_QUANT_BLOCK; c += VW) {
        /* Adding 1.5 * 2^23 rounds to an integer, to even. */
        vi i = (vi)(load(x + c) * inverse + 12582912.0f) - 0x4b400000;
        total += i;
        memcpy(wide + c, &i, sizeof i);
    }
    *sum = 0;
    for (size_t i = 0; i < VW; i++)
        *sum += total[i];
    for (size_t c = 0; c < TB_QUANT_BLOCK; c++)
        q[c] = (int8_t)wide[c];
    return most / 127.0f;
}

static void quantise(tb_dtype type, const float *x, size_t C, tb_quant_pair *out)
{
    const int32_t offset = type == TB_Q8_0 ? OFFSET_Q8 : OFFSET_Q4;
    const size_t blocks = C / TB_QUANT_BLOCK;
    for (size_t b = 0; b < blocks; b += 2, out++) {
        char *words = (char *)out->q;
        memset(out, 0, sizeof *out);
        for (size_t half = 0; half < 2 && b + half < blocks; half++) {
            int8_t q[TB_QUANT_BLOCK];
            int32_t sum;
            out->scale[half] = quantise_block(x + (b + half) * TB_QUANT_BLOCK, q, &sum);
            out->start[half] = -offset * sum;
            if (type == TB_Q8_0) {
                memcpy(words + 34 * half + 2, q, 32);
            } else {
                memcpy(words + 18 * half + 2, q, 16);
                memcpy(words + LOW_X * 4 + 18 * half + 2, q + 16, 16);
            }
        }
    }
}

/* ---- element by element ---- */

ALWAYS_INLINE void epilogue_of(const tb_act act, const float *x, size_t ldx, size_t T, size_t N,
                               const float *bias, tb_into set_or_add, float *y, size_t ldy)
{
    for (size_t t = 0; t < T; t++, x += ldx, y += ldy) {
        for (size_t n = 0; n < N; n += VW) {
            size_t m = N - n < VW ? N - n : VW;
            vf v = load_n(x + n, m);
            if (bias) v += load_n(bias + n, m);
            v = vact(act, v);
            if (set_or_add == TB_ADD) v += load_n(y + n, m);
            store_n(y + n, v, m);
        }
    }
}

/* The usual ones by themselves: nothing is asked again for every vector. */
static void epilogue(const float *x, size_t ldx, size_t T, size_t N, const float *bias, tb_act act,
                     tb_into set_or_add, float *y, size_t ldy)
{
    switch (act) {
    case TB_ACT_NONE:
        epilogue_of(TB_ACT_NONE, x, ldx, T, N, bias, set_or_add, y, ldy);
        break;
    case TB_ACT_GELU_TANH:
        epilogue_of(TB_ACT_GELU_TANH, x, ldx, T, N, bias, set_or_add, y, ldy);
        break;
    case TB_ACT_GELU_ERF:
        epilogue_of(TB_ACT_GELU_ERF, x, ldx, T, N, bias, set_or_add, y, ldy);
        break;
    case TB_ACT_MISH:
        epilogue_of(TB_ACT_MISH, x, ldx, T, N, bias, set_or_add, y, ldy);
        break;
    default:
        epilogue_of(act, x, ldx, T, N, bias, set_or_add, y, ldy);
    }
}

/* m <= VW numbers into y, at number c of the row. */
ALWAYS_INLINE void put(void *y, size_t c, vf v, size_t m, const bool bf16)
{
#if defined(TB_ISA_BF16) && defined(TB_ISA_NEON)
    if (bf16) {
        const bfloat16x4_t h = vcvt_bf16_f32((float32x4_t)v);
        memcpy((uint16_t *)y + c, &h, m * 2);
        return;
    }
#elif defined(TB_ISA_BF16)
    if (bf16) {
        __m256i h = (__m256i)_mm512_cvtneps_pbh((__m512)v);
        _mm256_mask_storeu_epi16((uint16_t *)y + c, (__mmask16)((1u << m) - 1), h);
        return;
    }
#endif
    (void)bf16;
    store_n((float *)y + c, v, m);
}

/* One vector of channels of a few rows: what depends on the channel alone is made once. */
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
            if (p->scale) v = v * scale + shift;
            v = vact(p->act, v);
            if (p->alpha) v += (bf16 ? vsin2_short(alpha * v) : vsin2(alpha * v)) * inverse;
            put((char *)y + t * row_bytes, c, v, m, bf16);
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

static void prologue(const tb_prologue *p, const float *x, size_t ldx, size_t T, size_t C, void *y,
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

static void layer_norm(const float *gain, const float *bias, float eps, const float *x, size_t T,
                       size_t C, float *y)
{
    for (size_t t = 0; t < T; t++, x += C, y += C) {
        vf sum = {0}, square = {0};
        for (size_t c = 0; c < C; c += VW)
            sum += load_n(x + c, C - c < VW ? C - c : VW);
        float mean = sum_lanes(sum) / (float)C;
        for (size_t c = 0; c < C; c += VW) {
            size_t m = C - c < VW ? C - c : VW;
            vf d = load_n(x + c, m) - mean;
            if (m < VW)
                for (size_t i = m; i < VW; i++)
                    d[i] = 0;
            square += d * d;
        }
        float a = 1.0f / sqrtf(sum_lanes(square) / (float)C + eps);
        for (size_t c = 0; c < C; c += VW) {
            size_t m = C - c < VW ? C - c : VW;
            vf v = (load_n(x + c, m) - mean) * a;
            v = v * load_n(gain + c, m) + load_n(bias + c, m);
            store_n(y + c, v, m);
        }
    }
}

ALWAYS_INLINE float largest_of(const float *x, size_t n)
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
    most[0] = vmax(vmax(most[0], most[1]), vmax(most[2], most[3]));
    float top = -INFINITY;
    for (int j = 0; j < VW; j++)
        top = most[0][j] > top ? most[0][j] : top;
    for (; i < n; i++)
        top = x[i] > top ? x[i] : top;
    return top;
}

/* As vexp, for x <= 0 and a result of eight bits: a fit of our own to 2^r, |r| <= 1/2, is
 * off by 1e-4 at most. */
ALWAYS_INLINE vf vexp_short(vf x)
{
#if defined(TB_ISA_BF16) && TB_VW == 16
    const __m512 y = (__m512)(x * 1.44269504f);
    const __m512 n = _mm512_roundscale_ps(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const vf r = (vf)y - (vf)n;
    vf p = splat(0.05517163f);
    p = p * r + 0.24261112f;
    p = p * r + 0.69326099f;
    p = p * r + 0.99992807f;
    return (vf)_mm512_scalef_ps((__m512)p, n);
#else
    return vexp(x);
#endif
}

/* e^(x - the largest), written as f32 or bf16; their sum. */
ALWAYS_INLINE float exponentials_of(const float *x, size_t n, void *y, const bool bf16)
{
    const float top = largest_of(x, n);
    vf sum = {0};
    size_t i = 0;
    for (; i + VW <= n; i += VW) {
        vf e = load(x + i) - top;
        e = bf16 ? vexp_short(e) : vexp(e);
        sum += e;
        put(y, i, e, VW, bf16);
    }
    if (i < n) {
        vf e = load_part(x + i, n - i) - top;
        e = bf16 ? vexp_short(e) : vexp(e);
        for (size_t j = n - i; j < VW; j++)
            e[j] = 0;
        sum += e;
        put(y, i, e, n - i, bf16);
    }
    return sum_lanes(sum);
}

static float exponentials(const float *x, size_t n, void *y, bool bf16)
{
    return bf16 ? exponentials_of(x, n, y, true) : exponentials_of(x, n, y, false);
}

static void softmax(float *x, size_t n)
{
    const float a = 1.0f / exponentials_of(x, n, x, false);
    for (size_t i = 0; i < n; i++)
        x[i] *= a;
}

/* ---- attention ---- */

/* Else gcc reads x again from memory for every vector it meets, and reading becomes the limit. */
ALWAYS_INLINE vf in_register(vf v)
{
#if TB_VW == 16
    __asm__("" : "+v"(v));
#elif defined(__x86_64__)
    __asm__("" : "+x"(v));
#endif
    return v;
}

/* rows x (vectors) results from (i0, j0). */
ALWAYS_INLINE void outer_tile(const bool bf16, const tb_outer *o, size_t i0, const int rows,
                              size_t j0, const int vectors)
{
    const float *b = o->b + j0 / VW * o->apart;
    vf acc[AR][AV];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++)
            acc[i][j] = (vf){0};
    for (size_t p = 0; p < o->parts; p++) {
        const float *a = o->a + (ptrdiff_t)(i0 * o->lda) + o->at[p];
        for (size_t k = 0; k < o->len[p]; k++, b += o->ldb) {
            vf v[AV];
            for (int j = 0; j < vectors; j++)
                v[j] = load(b + (size_t)j * o->apart);
            for (int i = 0; i < rows; i++) {
                const vf u = in_register(splat(a[(size_t)i * o->lda + k]));
                for (int j = 0; j < vectors; j++)
                    acc[i][j] = add_product(bf16, acc[i][j], u, v[j]);
            }
        }
    }
    float *const y = o->y + i0 * o->ldy + j0;
    if (o->out) {
        float sums[AR][AV * VW]; /* still in the first cache when they are looked at again */
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < vectors; j++) {
                vf v = acc[i][j];
                if (o->into == TB_ADD) v += load(y + (size_t)i * o->ldy + (size_t)j * VW);
                store(&sums[i][j * VW], v);
            }
        const size_t wide = (size_t)vectors * VW;
        epilogue(sums[0], AV * VW, (size_t)rows, o->cols - j0 < wide ? o->cols - j0 : wide,
                 o->bias ? o->bias + j0 : NULL, o->act, o->store, o->out + i0 * o->ldo + j0,
                 o->ldo);
        return;
    }
    for (int i = 0; i < rows; i++) {
        const float scale = o->scales ? o->scales[i0 + (size_t)i] : o->scale;
        float *to = y + (size_t)i * o->ldy;
        for (int j = 0; j < vectors; j++) {
            vf v = acc[i][j] * scale;
            if (o->into == TB_ADD) v += load(to + (size_t)j * VW);
            store(to + (size_t)j * VW, v);
        }
    }
}

ALWAYS_INLINE void outer_rows(const bool bf16, const tb_outer *o, size_t rows, size_t j,
                              const int vectors)
{
    size_t i = 0;
    for (; i + AR <= rows; i += AR)
        outer_tile(bf16, o, i, AR, j, vectors);
    for (; i + 2 <= rows; i += 2)
        outer_tile(bf16, o, i, 2, j, vectors);
    for (; i < rows; i++)
        outer_tile(bf16, o, i, 1, j, vectors);
}

ALWAYS_INLINE size_t outer_columns(const bool bf16, const tb_outer *o, size_t rows, size_t n)
{
    size_t j = 0;
    for (; j + AV * VW <= n; j += AV * VW)
        outer_rows(bf16, o, rows, j, AV);
    for (; j + VW <= n; j += VW)
        outer_rows(bf16, o, rows, j, 1);
    return j;
}

static void outer(const tb_outer *o, size_t rows, size_t n)
{
#if defined(TB_ISA_BF16)
    if (o->bf16) {
        outer_columns(true, o, rows, n);
        return;
    }
#endif
    for (size_t j = outer_columns(false, o, rows, n); j < n; j++) /* a head's rest */
        for (size_t i = 0; i < rows; i++) {
            const float *b = o->b + j / VW * o->apart + j % VW;
            float s = 0, *y = o->y + i * o->ldy + j;
            for (size_t p = 0; p < o->parts; p++)
                for (size_t k = 0; k < o->len[p]; k++, b += o->ldb)
                    s += o->a[(ptrdiff_t)(i * o->lda + k) + o->at[p]] * *b;
            s *= o->scales ? o->scales[i] : o->scale;
            *y = o->into == TB_ADD ? *y + s : s;
        }
}

/* Numbers that are not words of four bytes as they lie are made f32 first. */
static void panel(tb_dtype type, const void *rows, size_t row_bytes, size_t cols, size_t n,
                  bool bf16, float *out)
{
    float wide[VW][TB_PANEL_WORDS + 16]; /* not a power of two apart */
    for (size_t j = 0; j < cols; j += VW, out += TB_PANEL_APART * VW) {
        const char *w = (const char *)rows + j * row_bytes;
        size_t row[VW];
        for (size_t i = 0; i < VW; i++)
            row[i] = (j + i < cols ? i : cols - 1 - j) * row_bytes;
        if (type != TB_F32 && !bf16) {
            for (size_t i = 0; i < VW; i++) {
                to_f32(type, w + row[i], wide[i], n);
                row[i] = i * sizeof wide[i];
            }
            w = (const char *)wide;
        }
        turn_rows(w, row, n * (bf16 ? 2 : 4), NULL, 0, (vi *)(void *)out);
    }
}

#if defined(TB_ISA_BF16)
/* Rows of bf16, words of two: (n, d / 2) -> (d / 2, n). */
static void turn_bf16(const uint16_t *x, size_t n, size_t d, float *y, size_t ldy)
{
    vi panel[16 + 4];
    for (size_t j = 0; j < n; j += VW) {
        const size_t some = n - j < VW ? n - j : VW;
        size_t row[VW];
        for (size_t i = 0; i < VW; i++)
            row[i] = (i < some ? i : some - 1) * d * 2;
        for (size_t c = 0; c < d; c += 32) {
            const size_t words = d - c < 32 ? (d - c) / 2 : 16;
            turn_rows((const char *)(x + j * d + c), row, words * 4, NULL, 0, panel);
            for (size_t g = 0; g < words; g++)
                store_n(y + (c / 2 + g) * ldy + j, (vf)panel[g], some);
        }
    }
}

/* Two rows of bf16, d wide, into words of both. */
static void pair_bf16(const uint16_t *a, const uint16_t *b, size_t d, float *y)
{
    size_t c = 0;
    for (; c + VW <= d; c += VW) {
        const vi low = (vi)from_bf16(a + c) >> 16 & 0xffff;
        store(y + c, (vf)((vi)from_bf16(b + c) | low));
    }
    for (; c < d; c++) {
        const uint32_t both = a[c] | (uint32_t)b[c] << 16;
        memcpy(y + c, &both, sizeof both);
    }
}
#endif

/* Neighbouring heads of a few keys, then of the next: memory is read a row at a time. Those that
 * follow are asked for: rows are a page apart, and no prefetcher of the machine's goes that far. */
enum { KEYS = 8 };

ALWAYS_INLINE void score_of(const tb_dtype type, const float *q, size_t d, const char *keys,
                            size_t stride, size_t n, float scale, float *y)
{
    for (size_t j = 0; j < n; j += 4) {
        const char *k[4];
        vf acc[4] = {{0}};
        float s[4];
        for (size_t i = 0; i < 4; i++)
            k[i] = keys + (j + i < n ? j + i : n - 1) * stride;
        for (size_t c = 0; c < d; c += VW) {
            vf a = load(q + c);
            for (int i = 0; i < 4; i++) {
                __builtin_prefetch(k[i] + KEYS * stride + bytes_of(type, c));
                acc[i] += a * weights(type, k[i], c);
            }
        }
        sum4(acc, s);
        for (size_t i = 0; i < 4 && j + i < n; i++)
            y[j + i] = s[i] * scale;
    }
}

ALWAYS_INLINE void score_heads(const tb_dtype type, const float *q, size_t heads, size_t d,
                               const char *keys, size_t stride, size_t n, float scale, float *y,
                               size_t ldy)
{
    for (size_t j = 0; j < n; j += KEYS)
        for (size_t h = 0; h < heads; h++)
            score_of(type, q + h * d, d, keys + j * stride + bytes_of(type, h * d), stride,
                     n - j < KEYS ? n - j : KEYS, scale, y + h * ldy + j);
}

static void score_row(tb_dtype type, const float *q, size_t heads, size_t d, const void *keys,
                      size_t stride, size_t n, float scale, float *y, size_t ldy)
{
    if (type == TB_F16)
        score_heads(TB_F16, q, heads, d, keys, stride, n, scale, y, ldy);
    else if (type == TB_BF16)
        score_heads(TB_BF16, q, heads, d, keys, stride, n, scale, y, ldy);
    else
        score_heads(TB_F32, q, heads, d, keys, stride, n, scale, y, ldy);
}

/* Four vectors of the result at a time; every one is a sum over j in order. */
ALWAYS_INLINE void mix_of(const tb_dtype type, const float *p, size_t n, const char *values,
                          size_t stride, size_t d, tb_into into, float *y)
{
    size_t c = 0;
    for (; c + 4 * VW <= d; c += 4 * VW) {
        vf acc[4] = {{0}};
        for (size_t i = 0; into == TB_ADD && i < 4; i++)
            acc[i] = load(y + c + i * VW);
        for (size_t j = 0; j < n; j++) {
            vf a = splat(p[j]);
            const char *v = values + j * stride;
            for (size_t i = 0; i < 4; i++) {
                __builtin_prefetch(v + KEYS * stride + bytes_of(type, c + i * VW));
                acc[i] += a * weights(type, v, c + i * VW);
            }
        }
        for (size_t i = 0; i < 4; i++)
            store(y + c + i * VW, acc[i]);
    }
    for (; c < d; c += VW) {
        vf acc = into == TB_ADD ? load(y + c) : (vf){0};
        for (size_t j = 0; j < n; j++)
            acc += splat(p[j]) * weights(type, values + j * stride, c);
        store(y + c, acc);
    }
}

ALWAYS_INLINE void mix_heads(const tb_dtype type, const float *p, size_t ldp, size_t heads,
                             size_t n, const char *values, size_t stride, size_t d, tb_into into,
                             float *y)
{
    for (size_t j = 0; j < n; j += KEYS)
        for (size_t h = 0; h < heads; h++)
            mix_of(type, p + h * ldp + j, n - j < KEYS ? n - j : KEYS,
                   values + j * stride + bytes_of(type, h * d), stride, d, j ? TB_ADD : into,
                   y + h * d);
}

static void mix_row(tb_dtype type, const float *p, size_t ldp, size_t heads, size_t n,
                    const void *values, size_t stride, size_t d, tb_into into, float *y)
{
    if (type == TB_F16)
        mix_heads(TB_F16, p, ldp, heads, n, values, stride, d, into, y);
    else if (type == TB_BF16)
        mix_heads(TB_BF16, p, ldp, heads, n, values, stride, d, into, y);
    else
        mix_heads(TB_F32, p, ldp, heads, n, values, stride, d, into, y);
}

static void depthwise(const float *w, size_t k, const float *x, size_t T, size_t C, size_t t0,
                      size_t t1, tb_into set_or_add, float *y)
{
    const size_t half = (k - 1) / 2;
    for (size_t t = t0; t < t1; t++) {
        for (size_t c = 0; c < C; c += VW) {
            size_t m = C - c < VW ? C - c : VW;
            vf s = {0};
            for (size_t j = 0; j < k; j++) {
                if (t + j < half || t + j - half >= T) continue;
                s += load_n(w + j * C + c, m) * load_n(x + (t + j - half) * C + c, m);
            }
            if (set_or_add == TB_ADD) s += load_n(y + t * C + c, m);
            store_n(y + t * C + c, s, m);
        }
    }
}

/* ---- the machine's own limit ---- */

/* More sums at once than the units' latency hides, and nothing but registers. */
static double peak(tb_dtype type, size_t times)
{
    enum { SUMS = REGISTERS == 32 ? 16 : 12 };
    if (type == TB_F32) {
        vf sum[SUMS], a = splat(0.5f), b = splat(0.25f);
        for (int i = 0; i < SUMS; i++)
            sum[i] = splat((float)i);
        for (size_t k = 0; k < times; k++)
            for (int i = 0; i < SUMS; i++)
                sum[i] = add_product(false, b, sum[i], a);
        for (int i = 1; i < SUMS; i++)
            sum[0] += sum[i];
        /* The result is finite whatever happens: a compiler cannot know that and keeps the sums. */
        return sum_lanes(sum[0]) < INFINITY ? 2.0 * VW * SUMS * (double)times : 0;
    }
    if (type == TB_Q8_0) {
        vi sum[SUMS], x = splat_int(0x01010101);
        for (int i = 0; i < SUMS; i++)
            sum[i] = splat_int(i);
        for (size_t k = 0; k < times; k++)
            for (int i = 0; i < SUMS; i++)
                sum[i] = dot4(sum[i], sum[i], x); /* of what it was: no loop can be left out */
        for (int i = 1; i < SUMS; i++)
            sum[0] += sum[i];
        return sum[0][0] != INT32_MIN ? 8.0 * VW * SUMS * (double)times : 0;
    }
#if defined(TB_ISA_BF16)
    if (type == TB_BF16) {
        /* Twice 0.504: of 0.5 gcc 12 makes half-precision numbers on Arm. */
        vf sum[SUMS], a = (vf)splat_int(0x3f013f01);
        for (int i = 0; i < SUMS; i++)
            sum[i] = splat(0);
        for (size_t k = 0; k < times; k++)
            for (int i = 0; i < SUMS; i++)
                sum[i] = add_product(true, sum[i], a, a);
        for (int i = 1; i < SUMS; i++)
            sum[0] += sum[i];
        return sum_lanes(sum[0]) < INFINITY ? 4.0 * VW * SUMS * (double)times : 0;
    }
#endif
    return 0;
}

const tb_kernels PASTE(tb_kernels_, TB_ISA) = {
    .name = STRING(TB_ISA),
    .width = VW,
    .columns = AV * VW,
    .dot = dot,
#if defined(TB_ISA_BF16)
    .dot_bf16 = dot_bf16,
#endif
    .panel = panel,
    .dot_quant = dot_quant,
    .quantise = quantise,
    .to_f32 = to_f32,
    .epilogue = epilogue,
    .prologue = prologue,
    .layer_norm = layer_norm,
    .softmax = softmax,
    .exponentials = exponentials,
    .outer = outer,
#if defined(TB_ISA_BF16)
    .turn_bf16 = turn_bf16,
    .pair_bf16 = pair_bf16,
#endif
    .score_row = score_row,
    .mix_row = mix_row,
    .depthwise = depthwise,
    .peak = peak,
};
