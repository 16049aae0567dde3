/*
 * GEMV for block types (q8_0, q4_0) with integer dot products.
 *
 * x is quantised to int8 in blocks of 32 (`quantise`). VW rows of weights are transposed into a
 * small panel, 16 bytes of each at a time, as they lie in the file, scales included: SIMD lanes run
 * along the rows of weights, four bytes a lane. A block's dot product is then a chain of four-byte
 * dot products in one lane, exact in int32, and each result one sum over its blocks in order. Two
 * blocks are a whole number of four-byte words: 17 of q8_0, 9 of q4_0. Where a word holds a scale,
 * x has zeros. With VNNI weights must be unsigned: 128 is added, and `start` subtracts it again.
 */
#include "nn/simd/transpose.h"
#include "nn/simd/vector.h"

enum {
    PAIR_X = 18,                  /* words of x in a pair of blocks */
    LOW_X = 9,                    /* where q4_0 has those that meet the high nibbles */
    UNIT = 4,                     /* pairs of blocks that are whole 16-byte steps */
    CHUNK = 8,                    /* pairs of blocks that are packed at a time */
    CHUNK_WORDS = CHUNK * 17,     /* q8_0 is the larger type */
    ROWS_Q = TB_VW == 16 ? 8 : 4, /* rows of x at once */
    OFFSET_Q8 = VNNI ? 128 : 0,   /* what is added to a weight to make it unsigned */
    OFFSET_Q4 = 8,
};

#if defined(__clang__)
#define UNROLL_UNIT _Pragma("clang loop unroll(full)")
#else
#define UNROLL_UNIT _Pragma("GCC unroll 17")
#endif

/* Converts one f16 per lane (upper 16 bits zero). By instruction where there is one: other ways go
 * through denormal numbers for small scales, at three times the cost. */
ALWAYS_INLINE vf scales(vi half)
{
#if TB_VW == 16
    return (vf)_mm512_cvtph_ps(_mm512_cvtepi32_epi16((__m512i)half));
#elif TB_VW == 8
    const __m256i h = (__m256i)half;
    return (vf)_mm256_cvtph_ps(
        _mm_packus_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1)));
#elif defined(TB_ISA_NEON)
    return (vf)vcvt_f32_f16(vreinterpret_f16_s16(vmovn_s32((int32x4_t)half)));
#else
    vf size = (vf)((half & 0x7fff) << 13) * 0x1p112f;
    return (vf)((vi)size | (half & 0x8000) << 16);
#endif
}

/* Adds the dot products of `pairs` pairs of blocks to rows x VW results. */
ALWAYS_INLINE void quant_tile(const tb_dtype type, const vi *panel, size_t pairs,
                              const tb_quant_block_pair *x, size_t ldx, const int rows,
                              const bool first, float *y, ptrdiff_t ldy)
{
    vf acc[ROWS_Q];
    for (int i = 0; i < rows; i++)
        acc[i] = first ? (vf){0} : load(y + i * ldy);
    for (size_t p = 0; p < pairs; p++, x++) {
        const int words = type == TB_Q8_0 ? 17 : 9, middle = words / 2;
        const int32_t flip = type == TB_Q8_0 && OFFSET_Q8 > 0 ? 0x8080 : 0;
        UNROLL_UNIT
        for (int half = 0; half < 2; half++) {
            vi sum[ROWS_Q];
            for (int i = 0; i < rows; i++)
                sum[i] = splat_int(x[(size_t)i * ldx].start[half]);
            /* The middle word belongs to both blocks: numbers of the first, scale of the second. */
            const int from = half ? middle + 1 : 0, to = half ? words : middle + 1;
            UNROLL_UNIT
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
            vf d = scales((scale ^ flip) & 0xffff);
            for (int i = 0; i < rows; i++) {
                const vf s = __builtin_convertvector(sum[i], vf);
                const vf scaled = d * splat(x[(size_t)i * ldx].scale[half]);
                acc[i] = fmadd(s, scaled, acc[i]);
            }
        }
        panel += words;
    }
    for (int i = 0; i < rows; i++)
        store(y + i * ldy, acc[i]);
}

/* VW results of one row of x, a decode step of one session: transposed words go straight into the
 * sums, without a panel. Same results as quant_tile, in the same order. Whole units only; returns
 * how many pairs those were. */
ALWAYS_INLINE size_t quant_one(const tb_dtype type, const tb_gemv *d, const char *w,
                               read_stream *next, const size_t row[VW], float *y)
{
    const int words = type == TB_Q8_0 ? 17 : 9, middle = words / 2;
    const int32_t flip = type == TB_Q8_0 && OFFSET_Q8 > 0 ? (int32_t)0x80808080 : 0;
    const size_t units = d->C / TB_QUANT_BLOCK / 2 / UNIT;
    const tb_quant_block_pair *x = d->x;
    vf acc = {0};
    for (size_t u = 0; u < units; u++, x += UNIT) {
        vi sum[4] = {{0}}; /* integers: four independent chains, any order */
        vf scale = {0};
        UNROLL_UNIT
        for (int g = 0; g < words; g++, w += 16) {
            vi q[4];
            read_stream_step(next, 16 * VW);
            transpose_16_bytes(w, row, 16, q);
            UNROLL_UNIT
            for (int i = 0; i < 4; i++) {
                const int at = (4 * g + i) % words, half = at > middle;
                const tb_quant_block_pair *pair = x + (4 * g + i) / words;
                if (at == 0) scale = scales(q[i] & 0xffff) * splat(pair->scale[0]);
                if (type == TB_Q4_0) {
                    vi *const s = sum + at % 2;
                    s[2] = dot4_all(s[2], q[i] >> 4 & 0x0f0f0f0f, pair->q[LOW_X + at]);
                    s[0] = dot4_all(s[0], q[i] & 0x0f0f0f0f, pair->q[at]);
                } else {
                    sum[at % 4] = dot4_all(sum[at % 4], q[i] ^ flip, pair->q[at]);
                }
                if (at == middle || at == words - 1) {
                    const vi all = sum[0] + sum[1] + (sum[2] + sum[3]);
                    const vf s = __builtin_convertvector(all + splat_int(pair->start[half]), vf);
                    acc = fmadd(s, scale, acc);
                    for (int k = 0; k < 4; k++)
                        sum[k] = (vi){0};
                }
                if (at == middle) scale = scales(q[i] >> 16 & 0xffff) * splat(pair->scale[1]);
            }
        }
    }
    store(y, acc);
    return units * UNIT;
}

ALWAYS_INLINE void quant_rows(const tb_dtype type, const tb_gemv *d, size_t T, size_t n,
                              size_t cols)
{
    vi panel[CHUNK_WORDS + 4]; /* the last 16 bytes may end behind */
    const size_t row_bytes = d->row_bytes, pairs = (d->C / TB_QUANT_BLOCK + 1) / 2;
    const size_t pair_bytes = type == TB_Q8_0 ? 68 : 36;
    const int32_t flip = type == TB_Q8_0 && OFFSET_Q8 > 0 ? (int32_t)0x80808080 : 0;
    const ptrdiff_t ldx = d->ldx;
    size_t row[VW];
    for (size_t j = 0; j < VW; j++) /* the caller drops what is behind the last */
        row[j] = (j < cols ? j : cols - 1) * row_bytes;
    const char *w = (const char *)d->w + n * row_bytes;
    /* Rows are read 16 bytes at a time; the last read may be shorter. */
    const size_t beyond = (16 - row_bytes % 16) % 16 * VW;
    read_stream next = weight_stream(w, VW * row_bytes, (const char *)d->end - beyond);
    size_t p = T > 1 ? 0 : quant_one(type, d, w, &next, row, d->y + n);
    for (; p < pairs; p += CHUNK) {
        const size_t some = pairs - p < CHUNK ? pairs - p : CHUNK, at = p * pair_bytes;
        const size_t left = row_bytes - at;
        const size_t bytes = left < some * pair_bytes ? left : some * pair_bytes;
        const tb_quant_block_pair *x = (const tb_quant_block_pair *)d->x + p;
        for (size_t b = 0; b < bytes; b += 16) {
            vi *const q = panel + b / 4;
            read_stream_step(&next, 16 * VW);
            transpose_16_bytes(w + at + b, row, bytes - b, q);
            for (int i = 0; i < 4; i++)
                q[i] ^= flip;
        }
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

void KERNEL(gemv_quant)(const tb_gemv *d, size_t T, size_t N)
{
    for (size_t n = 0; n < N; n += VW) {
        const size_t cols = N - n < VW ? N - n : VW;
        if (d->type == TB_Q8_0)
            quant_rows(TB_Q8_0, d, T, n, cols);
        else
            quant_rows(TB_Q4_0, d, T, n, cols);
    }
}

/* Quantises one block of x: int8 numbers from -127 to 127, their sum; returns the scale. */
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

void KERNEL(quantise)(tb_dtype type, const float *x, size_t C, tb_quant_block_pair *out)
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
