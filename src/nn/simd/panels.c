/* Many rows by panels of weights, and attention of many queries: lanes run along results. */
#include "nn/simd/turn.h"
#include "nn/simd/vector.h"

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

/* Where number j of row i of the results goes. */
ALWAYS_INLINE void *place(const tb_outer *o, size_t i, size_t j)
{
    return (char *)o->out + (i * o->ldo + j) * (o->halves ? 2 : 4);
}

/* What becomes of a tile's sums. Each has a loop of its own: with all of them behind one loop its
 * registers do not suffice. */
typedef enum {
    SUMS_SET,   /* scaled, into y */
    SUMS_ADDED, /* to it */
    DIRECT,     /* results of no activation, straight from the registers */
    HALVES,     /* the same as bf16 */
    SLOWLY,     /* anything */
} finish;

ALWAYS_INLINE void finish_directly(const bool halves, const tb_outer *o, size_t i0, const int rows,
                                   size_t j0, const int vectors, vf (*acc)[AV])
{
    /* A copy: a compiler cannot know that no result is written into *o. */
    const tb_outer d = *o;
    const bool added = d.into == TB_ADD, adds = !halves && d.store == TB_ADD;
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
            if (adds) v += load(place(&d, row, at));
            put(place(&d, row, at), 0, v, VW, halves);
        }
    }
}

/* While they are in the first cache. */
static __attribute__((noinline)) void finish_slowly(const bool bf16, const tb_outer *o, size_t i0,
                                                    size_t rows, size_t j0, size_t wide,
                                                    float (*sums)[AV * VW])
{
    for (size_t i = 0; o->into == TB_ADD && i < rows; i++)
        for (size_t j = 0; j < wide; j += VW)
            store(&sums[i][j], load(&sums[i][j]) + load(o->y + (i0 + i) * o->ldy + j0 + j));
    const size_t n = o->cols - j0 < wide ? o->cols - j0 : wide;
    const float *bias = o->bias ? o->bias + j0 : NULL;
#if defined(TB_ISA_BF16)
    if (bf16 || o->halves) {
        KERNEL(epilogue_rows)
        (sums[0], AV * VW, rows, n, bias, o->act, bf16, o->store, o->halves, place(o, i0, j0),
         o->ldo);
        return;
    }
#endif
    (void)bf16;
    KERNEL(epilogue)
    (sums[0], AV * VW, rows, n, bias, o->act, o->store, place(o, i0, j0), o->ldo);
}

/* rows x (vectors) results from (i0, j0). */
ALWAYS_INLINE void outer_tile(const bool bf16, const finish how, const tb_outer *o, size_t i0,
                              const int rows, size_t j0, const int vectors)
{
    const float *b = o->b + j0 / VW * o->apart;
    const size_t wide = (size_t)vectors * VW, lda = o->lda, ldb = o->ldb, apart = o->apart;
    vf acc[AR][AV];
    UNROLL_ALWAYS
    for (int i = 0; i < rows; i++) {
        UNROLL_ALWAYS
        for (int j = 0; j < vectors; j++)
            acc[i][j] = (vf){0};
    }
    /* The lines that results go to are asked for: memory has the time of a tile to bring them. */
    for (int i = 0; how >= DIRECT && i < rows; i++)
        for (size_t j = 0; j < wide; j += o->halves ? LINE / 2 : LINE / 4)
            __builtin_prefetch(place(o, i0 + (size_t)i, j0 + j), 1);
    for (size_t p = 0; p < o->parts; p++) {
        const float *a = o->a + (ptrdiff_t)(i0 * lda) + o->at[p];
        for (const float *end = a + o->len[p]; a < end; a++, b += ldb) {
            vf v[AV];
            UNROLL_ALWAYS
            for (int j = 0; j < vectors; j++)
                v[j] = load(b + (size_t)j * apart);
            UNROLL_ALWAYS
            for (int i = 0; i < rows; i++) {
                const vf u = in_register(splat(a[(size_t)i * lda]));
                UNROLL_ALWAYS
                for (int j = 0; j < vectors; j++)
                    acc[i][j] = add_product(bf16, acc[i][j], u, v[j]);
            }
        }
    }
    if (how == DIRECT || how == HALVES) {
        finish_directly(how == HALVES, o, i0, rows, j0, vectors, acc);
        return;
    }
    float sums[AR][AV * VW];
    float *to = how == SLOWLY ? sums[0] : o->y + i0 * o->ldy + j0;
    const size_t ld = how == SLOWLY ? AV * VW : o->ldy;
    const float scale = how == SLOWLY ? 1 : o->scale;
    UNROLL_ALWAYS
    for (int i = 0; i < rows; i++) {
        UNROLL_ALWAYS
        for (int j = 0; j < vectors; j++) {
            float *y = to + (size_t)i * ld + (size_t)j * VW;
            store(y, how == SUMS_ADDED ? mad(acc[i][j], splat(scale), load(y)) : acc[i][j] * scale);
        }
    }
    if (how == SLOWLY) finish_slowly(bf16, o, i0, (size_t)rows, j0, wide, sums);
}

ALWAYS_INLINE void outer_rows(const bool bf16, const finish how, const tb_outer *o, size_t rows,
                              size_t j, const int vectors)
{
    size_t i = 0;
    for (; i + AR <= rows; i += AR)
        outer_tile(bf16, how, o, i, AR, j, vectors);
    for (; i + 2 <= rows; i += 2)
        outer_tile(bf16, how, o, i, 2, j, vectors);
    for (; i < rows; i++)
        outer_tile(bf16, how, o, i, 1, j, vectors);
}

ALWAYS_INLINE void outer_strip(const bool bf16, const tb_outer *o, size_t rows, size_t j,
                               const int vectors)
{
    if (!o->out && o->into == TB_SET)
        outer_rows(bf16, SUMS_SET, o, rows, j, vectors);
    else if (!o->out)
        outer_rows(bf16, SUMS_ADDED, o, rows, j, vectors);
    else if (o->act != TB_ACT_NONE || j + (size_t)vectors * VW > o->cols)
        outer_rows(bf16, SLOWLY, o, rows, j, vectors);
#if defined(TB_ISA_BF16)
    else if (o->halves)
        outer_rows(bf16, HALVES, o, rows, j, vectors);
#endif
    else
        outer_rows(bf16, DIRECT, o, rows, j, vectors);
}

ALWAYS_INLINE size_t outer_columns(const bool bf16, const tb_outer *o, size_t rows, size_t n)
{
    size_t j = 0;
    for (; j + AV * VW <= n; j += AV * VW)
        outer_strip(bf16, o, rows, j, AV);
    /* Fewer sums at once than the units' latency hides are slow, so the rest goes by as many. */
    if (AV > 2 && j + 3 * VW <= n) {
        outer_strip(bf16, o, rows, j, 3);
        j += 3 * VW;
    }
    if (AV > 2 && j + 2 * VW <= n) {
        outer_strip(bf16, o, rows, j, 2);
        j += 2 * VW;
    }
    for (; j + VW <= n; j += VW)
        outer_strip(bf16, o, rows, j, 1);
    return j;
}

void KERNEL(outer)(const tb_outer *o, size_t rows, size_t n)
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
            if (o->out) {
                if (o->into == TB_ADD) s += *y;
                *(float *)place(o, i, j) = s * (o->scales ? o->scales[i] : 1);
            } else {
                s *= o->scale;
                *y = o->into == TB_ADD ? *y + s : s;
            }
        }
}

/* Bytes of rows apart, a row's after the other's. */
typedef struct {
    const char *row;
    size_t apart, bytes, at;
} runs;

ALWAYS_INLINE void ask_for_lines(runs *r, size_t lines)
{
    for (size_t i = 0; i < lines; i++) {
        __builtin_prefetch(r->row + r->at);
        r->at += LINE;
        if (r->at < r->bytes) continue;
        r->at = 0;
        r->row += r->apart;
    }
    __asm__ volatile("" ::: "memory");
}

/* Numbers that are not words of four bytes as they lie are made f32 first. */
void KERNEL(panel)(tb_dtype type, const void *rows, size_t row_bytes, size_t cols, size_t n,
                   bool bf16, float *out)
{
    float wide[VW][TB_PANEL_WORDS + 16]; /* not a power of two apart */
    const size_t bytes = n * (bf16 ? 2 : 4);
    for (size_t j = 0; j < cols; j += VW, out += TB_PANEL_APART * VW) {
        const char *w = (const char *)rows + j * row_bytes;
        size_t row[VW];
        for (size_t i = 0; i < VW; i++)
            row[i] = (j + i < cols ? i : cols - 1 - j) * row_bytes;
        /* As many rows as these, behind them. */
        runs next = {.row = w + VW * row_bytes, .apart = row_bytes, .bytes = bytes};
        if (type != TB_F32 && !bf16) {
            for (size_t i = 0; i < VW; i++) {
                KERNEL(to_f32)(type, w + row[i], wide[i], n);
                row[i] = i * sizeof wide[i];
            }
            w = (const char *)wide;
        }
        vi *to = (vi *)(void *)out;
        for (size_t b = 0; b < bytes; b += 16, to += 4) {
            ask_for_lines(&next, VW / 4);
            turn_four(w + b, row, bytes - b, to);
        }
    }
}
