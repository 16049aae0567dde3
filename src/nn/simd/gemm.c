/*
 * GEMM over packed panels, also both products of flash attention: SIMD lanes run along the results.
 *
 * The micro-kernel (gemm_tile) keeps GEMM_ROWS x GEMM_VECTORS sums in registers. Per k it loads one
 * row of the panel, broadcasts one number of each row of a and does one fused multiply-add per sum.
 * The epilogue is a template parameter: one write-back loop per kind, since a combined loop needs
 * more registers than there are. pack_panel transposes rows of weights into a panel, dequantising
 * on the way and prefetching the rows that follow.
 */
#include "nn/simd/transpose.h"
#include "nn/simd/vector.h"

/* Keeps gcc from reloading the broadcast number for every vector, which would make loads the limit.
 */
ALWAYS_INLINE vf keep_in_register(vf v)
{
#if TB_VW == 16
    __asm__("" : "+v"(v));
#elif defined(__x86_64__)
    __asm__("" : "+x"(v));
#endif
    return v;
}

/* Address of result (i, j). */
ALWAYS_INLINE void *out_at(const tb_gemm *o, size_t i, size_t j)
{
    return (char *)o->out + (i * o->ldo + j) * (o->out_bf16 ? 2 : 4);
}

/* The kinds of epilogue; the compiler makes a tile function for each. */
typedef enum {
    PARTIAL_SET,   /* y = scale * sums: more panels follow */
    PARTIAL_ADD,   /* y += scale * sums */
    FINAL_F32,     /* the last panel: bias, scales and addition in registers, then stored as f32 */
    FINAL_BF16,    /* the same, stored as bf16 */
    FINAL_GENERAL, /* with an activation, or fewer columns than the tile: through a buffer */
} epilogue_kind;

ALWAYS_INLINE void write_back_fast(const bool out_bf16, const tb_gemm *o, size_t i0, const int rows,
                                   size_t j0, const int vectors, vf (*acc)[GEMM_VECTORS])
{
    /* A copy, since the compiler cannot know that a store does not change *o. */
    const tb_gemm d = *o;
    const bool added = d.into == TB_ADD, adds = !out_bf16 && d.store == TB_ADD;
    UNROLL_ALWAYS
    for (int j = 0; j < vectors; j++) {
        const size_t at = j0 + (size_t)j * VW;
        const vf bias = d.bias ? load(d.bias + at) : (vf){0};
        UNROLL_ALWAYS
        for (int i = 0; i < rows; i++) {
            const size_t row = i0 + (size_t)i;
            vf v = acc[i][j];
            if (added) v += load(d.y + row * d.ldy + at);
            if (d.scales) v *= d.scales[row];
            v += bias;
            if (adds) v += load(out_at(&d, row, at));
            store_as(out_at(&d, row, at), 0, v, VW, out_bf16);
        }
    }
}

/* FINAL_GENERAL: the sums are in a buffer in the L1 cache. */
static __attribute__((noinline)) void write_back_general(const bool bf16, const tb_gemm *o,
                                                         size_t i0, size_t rows, size_t j0,
                                                         size_t wide,
                                                         float (*sums)[GEMM_VECTORS * VW])
{
    for (size_t i = 0; o->into == TB_ADD && i < rows; i++)
        for (size_t j = 0; j < wide; j += VW)
            store(&sums[i][j], load(&sums[i][j]) + load(o->y + (i0 + i) * o->ldy + j0 + j));
    const size_t n = o->cols - j0 < wide ? o->cols - j0 : wide;
    const float *bias = o->bias ? o->bias + j0 : NULL;
#if defined(TB_ISA_BF16)
    if (bf16 || o->out_bf16) {
        KERNEL(epilogue_rows)
        (sums[0], GEMM_VECTORS * VW, rows, n, bias, o->act, bf16, o->store, o->out_bf16,
         out_at(o, i0, j0), o->ldo);
        return;
    }
#endif
    (void)bf16;
    KERNEL(epilogue)
    (sums[0], GEMM_VECTORS * VW, rows, n, bias, o->act, o->store, out_at(o, i0, j0), o->ldo);
}

/* The micro-kernel: rows x vectors sums from (i0, j0), over all parts of k. */
ALWAYS_INLINE void gemm_tile(const bool bf16, const epilogue_kind how, const tb_gemm *o, size_t i0,
                             const int rows, size_t j0, const int vectors)
{
    const float *b = o->b + j0 / VW * o->panel_stride;
    const size_t wide = (size_t)vectors * VW, lda = o->lda, ldb = o->ldb, stride = o->panel_stride;
    vf acc[GEMM_ROWS][GEMM_VECTORS];
    UNROLL_ALWAYS
    for (int i = 0; i < rows; i++) {
        UNROLL_ALWAYS
        for (int j = 0; j < vectors; j++)
            acc[i][j] = (vf){0};
    }
    /* Prefetch the lines that the results are stored to: there is a tile's time to fetch them. */
    for (int i = 0; how >= FINAL_F32 && i < rows; i++)
        for (size_t j = 0; j < wide; j += o->out_bf16 ? LINE / 2 : LINE / 4)
            __builtin_prefetch(out_at(o, i0 + (size_t)i, j0 + j), 1);
    for (size_t p = 0; p < o->parts; p++) {
        const float *a = o->a + (ptrdiff_t)(i0 * lda) + o->at[p];
        for (const float *end = a + o->len[p]; a < end; a++, b += ldb) {
            vf v[GEMM_VECTORS];
            UNROLL_ALWAYS
            for (int j = 0; j < vectors; j++)
                v[j] = load(b + (size_t)j * stride);
            UNROLL_ALWAYS
            for (int i = 0; i < rows; i++) {
                const vf u = keep_in_register(splat(a[(size_t)i * lda]));
                UNROLL_ALWAYS
                for (int j = 0; j < vectors; j++)
                    acc[i][j] = multiply_add(bf16, acc[i][j], u, v[j]);
            }
        }
    }
    if (how == FINAL_F32 || how == FINAL_BF16) {
        write_back_fast(how == FINAL_BF16, o, i0, rows, j0, vectors, acc);
        return;
    }
    float sums[GEMM_ROWS][GEMM_VECTORS * VW];
    float *to = how == FINAL_GENERAL ? sums[0] : o->y + i0 * o->ldy + j0;
    const size_t ld = how == FINAL_GENERAL ? GEMM_VECTORS * VW : o->ldy;
    const float scale = how == FINAL_GENERAL ? 1 : o->scale;
    UNROLL_ALWAYS
    for (int i = 0; i < rows; i++) {
        UNROLL_ALWAYS
        for (int j = 0; j < vectors; j++) {
            float *y = to + (size_t)i * ld + (size_t)j * VW;
            store(y,
                  how == PARTIAL_ADD ? fmadd(acc[i][j], splat(scale), load(y)) : acc[i][j] * scale);
        }
    }
    if (how == FINAL_GENERAL) write_back_general(bf16, o, i0, (size_t)rows, j0, wide, sums);
}

ALWAYS_INLINE void gemm_rows(const bool bf16, const epilogue_kind how, const tb_gemm *o,
                             size_t rows, size_t j, const int vectors)
{
    size_t i = 0;
    for (; i + GEMM_ROWS <= rows; i += GEMM_ROWS)
        gemm_tile(bf16, how, o, i, GEMM_ROWS, j, vectors);
    for (; i + 2 <= rows; i += 2)
        gemm_tile(bf16, how, o, i, 2, j, vectors);
    for (; i < rows; i++)
        gemm_tile(bf16, how, o, i, 1, j, vectors);
}

ALWAYS_INLINE void gemm_strip(const bool bf16, const tb_gemm *o, size_t rows, size_t j,
                              const int vectors)
{
    if (!o->out && o->into == TB_SET)
        gemm_rows(bf16, PARTIAL_SET, o, rows, j, vectors);
    else if (!o->out)
        gemm_rows(bf16, PARTIAL_ADD, o, rows, j, vectors);
    else if (o->act != TB_ACT_NONE || j + (size_t)vectors * VW > o->cols)
        gemm_rows(bf16, FINAL_GENERAL, o, rows, j, vectors);
#if defined(TB_ISA_BF16)
    else if (o->out_bf16)
        gemm_rows(bf16, FINAL_BF16, o, rows, j, vectors);
#endif
    else
        gemm_rows(bf16, FINAL_F32, o, rows, j, vectors);
}

ALWAYS_INLINE size_t gemm_columns(const bool bf16, const tb_gemm *o, size_t rows, size_t n)
{
    size_t j = 0;
    for (; j + GEMM_VECTORS * VW <= n; j += GEMM_VECTORS * VW)
        gemm_strip(bf16, o, rows, j, GEMM_VECTORS);
    /* The rest in tiles as wide as possible: few sums do not hide the multiply-add's latency. */
    if (GEMM_VECTORS > 2 && j + 3 * VW <= n) {
        gemm_strip(bf16, o, rows, j, 3);
        j += 3 * VW;
    }
    if (GEMM_VECTORS > 2 && j + 2 * VW <= n) {
        gemm_strip(bf16, o, rows, j, 2);
        j += 2 * VW;
    }
    for (; j + VW <= n; j += VW)
        gemm_strip(bf16, o, rows, j, 1);
    return j;
}

void KERNEL(gemm)(const tb_gemm *o, size_t rows, size_t n)
{
#if defined(TB_ISA_BF16)
    if (o->bf16) {
        gemm_columns(true, o, rows, n);
        return;
    }
#endif
    for (size_t j = gemm_columns(false, o, rows, n); j < n; j++) /* columns that fill no vector */
        for (size_t i = 0; i < rows; i++) {
            const float *b = o->b + j / VW * o->panel_stride + j % VW;
            float s = 0, *y = o->y + i * o->ldy + j;
            for (size_t p = 0; p < o->parts; p++)
                for (size_t k = 0; k < o->len[p]; k++, b += o->ldb)
                    s += o->a[(ptrdiff_t)(i * o->lda + k) + o->at[p]] * *b;
            if (o->out) {
                if (o->into == TB_ADD) s += *y;
                *(float *)out_at(o, i, j) = s * (o->scales ? o->scales[i] : 1);
            } else {
                s *= o->scale;
                *y = o->into == TB_ADD ? *y + s : s;
            }
        }
}

/* A prefetch cursor over `bytes` of each of several rows, stride bytes apart. */
typedef struct {
    const char *row;
    size_t stride, bytes, at;
} prefetch_cursor;

ALWAYS_INLINE void prefetch_lines(prefetch_cursor *r, size_t lines)
{
    for (size_t i = 0; i < lines; i++) {
        __builtin_prefetch(r->row + r->at);
        r->at += LINE;
        if (r->at < r->bytes) continue;
        r->at = 0;
        r->row += r->stride;
    }
    __asm__ volatile("" ::: "memory");
}

/* Rows whose numbers are not four-byte words (f32, or pairs of bf16) are dequantised to f32 first.
 */
void KERNEL(pack_panel)(tb_dtype type, const void *rows, size_t row_bytes, size_t cols, size_t n,
                        bool bf16, float *out)
{
    float wide[VW][TB_PANEL_K + 16]; /* no power of two: cache sets */
    const size_t bytes = n * (bf16 ? 2 : 4);
    for (size_t j = 0; j < cols; j += VW, out += TB_PANEL_LD * VW) {
        const char *w = (const char *)rows + j * row_bytes;
        size_t row[VW];
        for (size_t i = 0; i < VW; i++)
            row[i] = (j + i < cols ? i : cols - 1 - j) * row_bytes;
        /* The rows that the next iteration packs. */
        prefetch_cursor next = {.row = w + VW * row_bytes, .stride = row_bytes, .bytes = bytes};
        if (type != TB_F32 && !bf16) {
            for (size_t i = 0; i < VW; i++) {
                KERNEL(to_f32)(type, w + row[i], wide[i], n);
                row[i] = i * sizeof wide[i];
            }
            w = (const char *)wide;
        }
        vi *to = (vi *)(void *)out;
        for (size_t b = 0; b < bytes; b += 16, to += 4) {
            prefetch_lines(&next, VW / 4);
            transpose_16_bytes(w + b, row, bytes - b, to);
        }
    }
}
