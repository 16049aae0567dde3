#ifndef TB_NN_SIMD_TRANSPOSE_H
#define TB_NN_SIMD_TRANSPOSE_H

/* Transposition of rows in registers: afterwards SIMD lanes run along the rows. */

#include "nn/simd/vector.h"

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
ALWAYS_INLINE vi gather_16_bytes(const char *w, const size_t *row, size_t n)
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

/* Transposes four words of VW rows: n <= 16 bytes of each, from w + row[i] on, then zeros. */
ALWAYS_INLINE void transpose_16_bytes(const char *w, const size_t row[VW], size_t n, vi *out)
{
    vi v[4];
#if TB_VW > 4
    for (size_t j = 0; j < 4; j++)
        v[j] = gather_16_bytes(w, row + j, n);
#endif
#if TB_VW == 16
    __m512i a = _mm512_unpacklo_epi32((__m512i)v[0], (__m512i)v[1]);
    __m512i c = _mm512_unpacklo_epi32((__m512i)v[2], (__m512i)v[3]);
    __m512i e = _mm512_unpackhi_epi32((__m512i)v[0], (__m512i)v[1]);
    __m512i g = _mm512_unpackhi_epi32((__m512i)v[2], (__m512i)v[3]);
    out[0] = (vi)_mm512_unpacklo_epi64(a, c);
    out[1] = (vi)_mm512_unpackhi_epi64(a, c);
    out[2] = (vi)_mm512_unpacklo_epi64(e, g);
    out[3] = (vi)_mm512_unpackhi_epi64(e, g);
#elif TB_VW == 8
    __m256i a = _mm256_unpacklo_epi32((__m256i)v[0], (__m256i)v[1]);
    __m256i c = _mm256_unpacklo_epi32((__m256i)v[2], (__m256i)v[3]);
    __m256i e = _mm256_unpackhi_epi32((__m256i)v[0], (__m256i)v[1]);
    __m256i g = _mm256_unpackhi_epi32((__m256i)v[2], (__m256i)v[3]);
    out[0] = (vi)_mm256_unpacklo_epi64(a, c);
    out[1] = (vi)_mm256_unpackhi_epi64(a, c);
    out[2] = (vi)_mm256_unpacklo_epi64(e, g);
    out[3] = (vi)_mm256_unpackhi_epi64(e, g);
#else
    for (size_t j = 0; j < 4; j++)
        v[j] = load_bytes(w + row[j], n);
    vi a = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5);
    vi c = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5);
    vi e = __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7);
    vi g = __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
    out[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
    out[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
    out[2] = __builtin_shufflevector(e, g, 0, 1, 4, 5);
    out[3] = __builtin_shufflevector(e, g, 2, 3, 6, 7);
#endif
}

/* Transposes n bytes of VW rows; zeros behind the last, up to a whole four words. */
ALWAYS_INLINE void transpose_rows(const char *w, const size_t row[VW], size_t n, vi *out)
{
    for (size_t b = 0; b < n; b += 16, out += 4)
        transpose_16_bytes(w + b, row, n - b, out);
}

#endif
