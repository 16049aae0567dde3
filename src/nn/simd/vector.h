#ifndef TB_NN_SIMD_VECTOR_H
#define TB_NN_SIMD_VECTOR_H

/*
 * Vector primitives for the kernels. This folder is compiled once per instruction set: TB_ISA names
 * the set, TB_VW is the vector width in floats (16 AVX-512, 8 AVX2, 4 NEON and plain C). Vectors
 * are the compilers' own (vector_size); intrinsics are used where the compiler has no operator.
 * Compiled with -O3 in every build. A fused multiply-add is always written fmadd(a, b, c), never
 * left to the compiler: which products it would contract could differ from one tile shape to
 * another, and with it the rounding.
 */
#include "nn/kernels_priv.h"

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
#define KERNEL(name)  PASTE(PASTE(tb_kernel_, name), PASTE(_, TB_ISA))
#define ALWAYS_INLINE static inline __attribute__((always_inline))

#if defined(TB_ISA_VNNI)
enum { VW = TB_VW, VNNI = 1 };
#else
enum { VW = TB_VW, VNNI = 0 };
#endif

typedef float vf __attribute__((vector_size(VW * 4)));
typedef int32_t vi __attribute__((vector_size(VW * 4)));

#if TB_VW == 16 || defined(TB_ISA_NEON)
#define REGISTERS 32 /* vector registers: bounds the size of a tile */
#else
#define REGISTERS 16
#endif

/* For loops that gcc 12 and clang 14 would not unroll, which would spill the sums to memory: on
 * every machine (UNROLL_ALWAYS), or on Arm alone (UNROLL). */
#if defined(__clang__)
#define UNROLL_ALWAYS _Pragma("clang loop unroll(full)")
#else
#define UNROLL_ALWAYS _Pragma("GCC unroll 8")
#endif
#if defined(TB_ISA_NEON)
#define UNROLL UNROLL_ALWAYS
#else
#define UNROLL
#endif

enum { GEMM_ROWS = 6, GEMM_VECTORS = REGISTERS == 32 ? 4 : 2 }; /* a GEMM tile */

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
/* A mask: all ones in the first n lanes. */
ALWAYS_INLINE __m256i first(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
#endif

/* The first n < VW numbers, then zeros. Reads nothing behind them. */
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

/*
 * Streaming loads. While a GEMV uses some bytes of weights, it touches the ones LOAD_DISTANCE
 * further with real loads, in address order, and prefetches PREFETCH_DISTANCE beyond those: two
 * sequential streams, the access pattern with the highest memory bandwidth. The kernel itself uses
 * 4 or 16 rows of weights at a time, an order that hardware prefetchers do not detect. Prefetch
 * instructions alone do not suffice: a core drops them when its miss buffers are full, and they do
 * not train the prefetcher.
 */
enum { PREFETCH_DISTANCE = 6144, LOAD_DISTANCE = 16384, LINE = 64 };

typedef struct {
    const char *read, *prefetch;
    size_t mask; /* 0: read stays where it is, at a dummy */
} read_stream;

/* The stream that runs ahead of `bytes` of weights at w; both fit the L1 cache. Nothing from `end`
 * on is read; prefetching there is harmless. */
ALWAYS_INLINE read_stream weight_stream(const char *w, size_t bytes, const void *end)
{
    static const int dummy = 0;
    const char *next = w + (LOAD_DISTANCE + bytes - 1) / bytes * bytes;
    const bool inside = next + bytes <= (const char *)end;
    return (read_stream){.read = inside ? next : (const char *)&dummy,
                         .prefetch = next + PREFETCH_DISTANCE,
                         .mask = inside ? SIZE_MAX : 0};
}

ALWAYS_INLINE void read_stream_step(read_stream *a, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += LINE) {
        __builtin_prefetch(a->prefetch + i);
        (void)*(const volatile int *)(const void *)(a->read + (i & a->mask));
    }
    a->prefetch += bytes;
    a->read += bytes & a->mask;
    __asm__ volatile("" ::: "memory"); /* keeps the compiler from bundling the steps */
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

/* All lanes x. By intrinsic: {0} + x would be an addition, which changes -0 and pairs of bf16. */
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

ALWAYS_INLINE vf select_lanes(vi mask, vf a, vf b)
{
#if defined(TB_ISA_NEON)
    return (vf)vbslq_f32((uint32x4_t)mask, (float32x4_t)a, (float32x4_t)b);
#else
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
#endif
}

/* b where either is NaN. */
ALWAYS_INLINE vf vmax(vf a, vf b)
{
#if TB_VW == 16
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif TB_VW == 8
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return select_lanes((vi)(a > b), a, b);
#endif
}

ALWAYS_INLINE vf vmin(vf a, vf b)
{
#if TB_VW == 16
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif TB_VW == 8
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
    return select_lanes((vi)(a < b), a, b);
#endif
}

/* All ones in the first n lanes. */
ALWAYS_INLINE vi lane_mask(size_t n)
{
    static const int32_t order[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    vi lane;
    memcpy(&lane, order, sizeof lane);
    return lane < ((vi){0} + (int32_t)n);
}

ALWAYS_INLINE bool any_above(vf v, float limit)
{
#if TB_VW == 16
    return _mm512_cmp_ps_mask((__m512)v, _mm512_set1_ps(limit), _CMP_GT_OQ);
#elif TB_VW == 8
    return _mm256_movemask_ps(_mm256_cmp_ps((__m256)v, _mm256_set1_ps(limit), _CMP_GT_OQ));
#elif defined(TB_ISA_NEON)
    return vmaxvq_u32(vcgtq_f32((float32x4_t)v, vdupq_n_f32(limit)));
#else
    return v[0] > limit || v[1] > limit || v[2] > limit || v[3] > limit;
#endif
}

ALWAYS_INLINE vf vabs(vf a)
{
    return (vf)((vi)a & 0x7fffffff);
}

/* Sum of the lanes: lane i and i + w, w halved each time; the same order in every set. */
ALWAYS_INLINE float hsum(vf v)
{
#if TB_VW > 4
#if TB_VW == 16
    const __m256 h =
        _mm256_add_ps(_mm512_castps512_ps256((__m512)v), _mm512_extractf32x8_ps((__m512)v, 1));
#else
    const __m256 h = (__m256)v;
#endif
    const __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    const __m128 p = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(p, _mm_movehdup_ps(p)));
#else
    float part[VW];
    store(part, v);
    for (int w = VW / 2; w > 0; w /= 2)
        for (int i = 0; i < w; i++)
            part[i] += part[i + w];
    return part[0];
#endif
}

/* ---- number types ---- */

ALWAYS_INLINE vf load_f16(const uint16_t *p)
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

ALWAYS_INLINE vf load_bf16(const uint16_t *p)
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
/* Four bytes, twice. */
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

/* By intrinsic: the compilers' own conversion is scalar here. */
ALWAYS_INLINE vf load_i8(const int8_t *p)
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

/* VW 4-bit numbers minus 8: the low or the high halves of the bytes. */
ALWAYS_INLINE vf load_q4(const uint8_t *p, bool high)
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
ALWAYS_INLINE float block_scale(uint16_t half)
{
#if TB_VW > 4
    return _cvtsh_ss(half);
#elif defined(TB_ISA_NEON)
    return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half))), 0);
#else
    return tb_f16_to_f32(half);
#endif
}

/* Stores m <= VW numbers at number c of a row y, as f32 or bf16. */
ALWAYS_INLINE void store_as(void *y, size_t c, vf v, size_t m, const bool bf16)
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
        if (m == VW)
            _mm256_storeu_si256((__m256i *)(void *)((uint16_t *)y + c), h);
        else
            _mm256_mask_storeu_epi16((uint16_t *)y + c, (__mmask16)((1u << m) - 1), h);
        return;
    }
#endif
    (void)bf16;
    store_n((float *)y + c, v, m);
}

/* ---- multiply-add, dequantisation, integer dot products ---- */

/* acc + a b; with bf16, acc + a0 b0 + a1 b1 for the two numbers of each word. */
ALWAYS_INLINE vf multiply_add(const bool bf16, vf acc, vf a, vf b)
{
#if defined(TB_ISA_BF16) && defined(TB_ISA_NEON)
    if (bf16) return (vf)vbfdotq_f32((float32x4_t)acc, (bfloat16x8_t)a, (bfloat16x8_t)b);
#elif defined(TB_ISA_BF16)
    if (bf16) return (vf)_mm512_dpbf16_ps((__m512)acc, (__m512bh)a, (__m512bh)b);
#endif
    (void)bf16;
#if TB_VW == 16 /* gcc 12 does not contract it by itself */
    return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)acc);
#elif TB_VW == 8
    return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)acc);
#elif defined(TB_ISA_NEON)
    return (vf)vfmaq_f32((float32x4_t)acc, (float32x4_t)a, (float32x4_t)b);
#else
    return acc + a * b;
#endif
}

ALWAYS_INLINE vf fmadd(vf a, vf b, vf c)
{
    return multiply_add(false, c, a, b);
}

/* The lane sums of four vectors, always in the same order. */
ALWAYS_INLINE void hsum4(const vf *v, float *out)
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

/* VW numbers of a row of weights from number c on, dequantised to f32 exactly as to_f32 does. */
ALWAYS_INLINE vf dequant(const tb_dtype type, const char *row, size_t c)
{
    switch (type) {
    case TB_F16:
        return load_f16((const uint16_t *)(const void *)row + c);
    case TB_BF16:
        return load_bf16((const uint16_t *)(const void *)row + c);
    case TB_Q8_0: {
        const char *block = row + c / TB_QUANT_BLOCK * 34;
        uint16_t d;
        memcpy(&d, block, 2);
        return block_scale(d) * load_i8((const int8_t *)block + 2 + c % TB_QUANT_BLOCK);
    }
    case TB_Q4_0: {
        const char *block = row + c / TB_QUANT_BLOCK * 18;
        uint16_t d;
        memcpy(&d, block, 2);
        /* The low nibbles of the 16 bytes are the block's first 16 numbers, the high ones its
         * last.
         */
        size_t at = c % TB_QUANT_BLOCK;
        return block_scale(d) * load_q4((const uint8_t *)block + 2 + at % 16, at >= 16);
    }
    default:
        return load((const float *)(const void *)row + c);
    }
}

/* About how many bytes c numbers take. */
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

ALWAYS_INLINE vi splat_int(int32_t x)
{
    return (vi){0} + x;
}

/* sum + the dot product of each lane's four int8 numbers; x within -127 .. 127. w is unsigned with
 * VNNI. */
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

/* The same with one word of x for all lanes. */
ALWAYS_INLINE vi dot4_all(vi sum, vi w, int32_t x)
{
#if defined(TB_ISA_NEON) && defined(__ARM_FEATURE_DOTPROD)
    const int32x2_t one = {x, 0}; /* the instruction takes one lane: no broadcast needed */
    return (vi)vdotq_lane_s32((int32x4_t)sum, (int8x16_t)w, vreinterpret_s8_s32(one), 0);
#else
    return dot4(sum, w, splat_int(x));
#endif
}

/* ---- the kernels, documented in nn/kernels_priv.h ---- */

void KERNEL(to_f32)(tb_dtype type, const void *src, float *dst, size_t n);
void KERNEL(to_f16)(const float *src, uint16_t *dst, size_t n);
void KERNEL(gemv)(const tb_gemv *d, size_t T, size_t N);
void KERNEL(gemv_quant)(const tb_gemv *d, size_t T, size_t N);
void KERNEL(quantise)(tb_dtype type, const float *x, size_t C, tb_quant_block_pair *out);
void KERNEL(epilogue)(const float *x, size_t ldx, size_t T, size_t N, const float *bias, tb_act act,
                      tb_into store, float *y, size_t ldy);
void KERNEL(prologue)(const tb_prologue *p, const float *x, size_t ldx, size_t T, size_t C, void *y,
                      size_t row_bytes, bool bf16);
void KERNEL(layer_norm)(const float *gain, const float *bias, float eps, const float *x, size_t T,
                        size_t C, bool bf16, void *y);
float KERNEL(softmax_block)(const float *x, size_t n, void *y, bool bf16, tb_softmax *so_far);
void KERNEL(softmax)(float *x, size_t n);
void KERNEL(gemm)(const tb_gemm *o, size_t rows, size_t n);
void KERNEL(pack_panel)(tb_dtype type, const void *rows, size_t row_bytes, size_t cols, size_t n,
                        bool bf16, float *out);
void KERNEL(query_scores)(tb_dtype type, const float *q, size_t d, const void *keys, size_t stride,
                          size_t n, const void *end, float scale, float *y);
void KERNEL(weighted_values)(tb_dtype type, const float *p, size_t n, const void *values,
                             size_t stride, const void *end, size_t d, tb_into into, float *y);
void KERNEL(depthwise)(const float *w, size_t k, const float *x, size_t T, size_t C, size_t t0,
                       size_t t1, tb_into store, float *y);
double KERNEL(peak)(tb_dtype type, size_t times);
#if defined(TB_ISA_BF16)
void KERNEL(gemv_bf16)(const tb_gemv *d, size_t T, size_t N);
/* The epilogue, also into bf16; coarse: an approximate activation, good enough for bf16's eight
 * bits. */
void KERNEL(epilogue_rows)(const float *x, size_t ldx, size_t T, size_t N, const float *bias,
                           tb_act act, bool coarse, tb_into set_or_add, bool out_bf16, void *y,
                           size_t ldy);
void KERNEL(transpose_bf16)(const uint16_t *x, size_t ldx, size_t n, size_t d, float *y,
                            size_t ldy);
void KERNEL(interleave_bf16)(const uint16_t *a, const uint16_t *b, size_t d, float *y);
#endif

#endif
