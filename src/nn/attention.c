/*
 * Attention: out[i] = softmax_j(scale q[i].k[j]) v[j] per head, in two forms.
 *
 * Many queries (prefill, flow, encoder): flash attention. Keys, and the relative-position rows of
 * the conformer, are packed once per head so that SIMD lanes run along the keys; values become f32
 * or interleaved bf16 pairs. Then each tile of TB_ATTENTION_ROWS queries goes over the keys in
 * blocks of KEY_BLOCK with an online softmax (Milakov and Gimelshein 2018, arXiv 1805.02867), so
 * that scores take constant memory: both products are calls of the GEMM micro-kernel.
 *
 * One query (a decode step of T3): keys and values are read in place, once, in address order, with
 * streaming loads; memory bandwidth is the limit. The cache may have two parts, the voice's shared
 * prefix and the session's own positions.
 *
 * Relies on the kernels of simd/ and on parallel-for over heads and tiles. Each result is one sum
 * in a fixed order.
 */
#include "nn/kernels_priv.h"
#include "nn/parallel_priv.h"

#include <assert.h>
#include <math.h>
#include <string.h>

typedef struct {
    const tb_kernels *k;
    const tb_attention *how;
    tb_rows q, out;
    size_t Tq;
    tb_dtype type;
    const void *keys, *values;
    size_t ldkv, ldh, Tk;
    size_t tiles, n, rel_n;  /* query tiles; padded numbers of keys and relative positions */
    size_t v_rows, together; /* rows of v; heads per iteration, for a single query */
    bool bf16;               /* bf16: words of two numbers, bf16 as many along d and the keys */
    float *kt, *rt, *v;      /* packed, per head: (d, n), (d, rel_n), (v_rows, d) */
} attention;

enum {
    PACK_ROWS = 64,  /* keys that are converted to bf16 at a time */
    KEY_BLOCK = 512, /* of one step of the online softmax; even */
    SCORE_LD = KEY_BLOCK + TB_ATTENTION_ROWS + 16 +
               8, /* of a tile's scores: room for relative positions; no power of
                   * two, so that rows do not share cache sets */
};

static size_t element_bytes(tb_dtype type)
{
    return type == TB_F32 ? 4 : 2;
}

/* Packs one head's keys or relative rows, from x on: transposed, so that lanes run along them. */
static void pack_keys(const attention *a, const void *x, tb_dtype type, size_t ldx, size_t n,
                      size_t padded, void *scratch, float *kt)
{
    const size_t d = a->how->d, words = a->bf16 ? d / 2 : d;
    for (size_t c = 0; c < words; c++)
        memset(kt + c * padded + n, 0, (padded - n) * sizeof *kt);
    if (a->bf16 && type == TB_BF16) {
        a->k->transpose_bf16(x, ldx, n, d, kt, padded);
        return;
    }
    if (a->bf16) {
        static const tb_prologue none = {0};
        uint16_t *rows = scratch; /* (PACK_ROWS, d) */
        for (size_t j = 0; j < n; j += PACK_ROWS) {
            const size_t some = n - j < PACK_ROWS ? n - j : PACK_ROWS;
            a->k->prologue(&none, (const float *)x + j * ldx, ldx, some, d, rows, d * 2, true);
            a->k->transpose_bf16(rows, d, some, d, kt + j, padded);
        }
        return;
    }
    for (size_t j = 0; j < n; j++) {
        const char *from = (const char *)x + j * ldx * element_bytes(type);
        const float *key = (const float *)(const void *)from;
        if (type != TB_F32) {
            a->k->to_f32(type, from, scratch, d);
            key = scratch;
        }
        for (size_t c = 0; c < d; c++)
            kt[c * padded + j] = key[c];
    }
}

/* Packs one head: keys and relative rows transposed, values as f32 or as bf16 pairs. */
static void pack_head(void *op, size_t h, void *scratch)
{
    attention *a = op;
    const size_t d = a->how->d, at = h * a->ldh, words = a->bf16 ? d / 2 : d,
                 size = element_bytes(a->type);
    pack_keys(a, (const char *)a->keys + at * size, a->type, a->ldkv, a->Tk, a->n, scratch,
              a->kt + h * words * a->n);
    if (a->how->rel)
        pack_keys(a, (const char *)a->how->rel + h * d * size, a->type, a->how->heads * d,
                  2 * a->Tk - 1, a->rel_n, scratch, a->rt + h * words * a->rel_n);
    if (a->bf16) {
        static const tb_prologue none = {0};
        uint16_t *two = scratch; /* (2, d) */
        const char *v = (const char *)a->values + at * size;
        for (size_t j = 0; j < a->Tk; j += 2, v += 2 * a->ldkv * size) {
            const size_t some = a->Tk - j < 2 ? 1 : 2;
            const uint16_t *one = two, *other = two + d;
            if (some == 1) memset(two + d, 0, d * sizeof *two);
            if (a->type == TB_F32) {
                a->k->prologue(&none, (const float *)(const void *)v, a->ldkv, some, d, two, d * 2,
                               true);
            } else {
                one = (const uint16_t *)(const void *)v;
                if (some == 2) other = one + a->ldkv;
            }
            a->k->interleave_bf16(one, other, d, a->v + (h * a->v_rows + j / 2) * d);
        }
    } else if (a->v) {
        for (size_t j = 0; j < a->Tk; j++)
            a->k->to_f32(a->type, (const char *)a->values + (j * a->ldkv + at) * size,
                         a->v + (h * a->v_rows + j) * d, d);
    }
}

/* Some queries of one head, in the type that the kernel reads, with a bias added. */
typedef struct {
    const float *at;
    size_t ld; /* words */
} queries;

static queries make_queries(const attention *a, size_t i0, size_t rows, size_t head,
                            const float *bias, float *copy, float *converted)
{
    static const tb_prologue none = {0};
    const size_t d = a->how->d;
    queries q = {tb_rows_from(a->q, i0 * a->q.ld + head * d).data, a->q.ld};
    if (a->q.type == TB_BF16) {
        assert(!bias);
        q.ld /= 2;
        return q;
    }
    if (bias) {
        a->k->epilogue(q.at, q.ld, rows, d, bias + head * d, TB_ACT_NONE, TB_SET, copy, d);
        q = (queries){copy, d};
    }
    if (a->bf16) {
        a->k->prologue(&none, q.at, q.ld, rows, d, converted, d * 2, true);
        q = (queries){converted, d / 2};
    }
    return q;
}

/* y = scale * q k^T: some queries against n packed keys. */
static void score_tile(const attention *a, queries q, size_t rows, const float *kt, size_t ldk,
                       size_t n, float *y, size_t wide)
{
    const size_t words = a->bf16 ? a->how->d / 2 : a->how->d;
    const tb_gemm o = {.a = q.at,
                       .lda = q.ld,
                       .parts = 1,
                       .at = &(ptrdiff_t){0},
                       .len = &words,
                       .b = kt,
                       .ldb = ldk,
                       .panel_stride = a->k->width,
                       .scale = a->how->scale,
                       .bf16 = a->bf16,
                       .y = y,
                       .ldy = wide};
    a->k->gemm(&o, rows, n);
}

/* Adds up the lanes of a softmax's sum, in a fixed order. */
static float sum_of(const tb_softmax *s)
{
    float part[8];
    for (int i = 0; i < 8; i++)
        part[i] = s->sum[i] + s->sum[i + 8];
    return ((part[0] + part[4]) + (part[2] + part[6])) +
           ((part[1] + part[5]) + (part[3] + part[7]));
}

/*
 * Flash attention for one tile of queries of one head: over blocks of KEY_BLOCK keys, with an
 * online softmax. When a block raises a row's maximum, the row's sum of values so far is scaled
 * down by the factor that softmax_block returns.
 */
static void flash_attention_tile(void *op, size_t tile, void *scratch)
{
    attention *a = op;
    const tb_attention *h = a->how;
    const size_t d = h->d, head = tile / a->tiles, i0 = tile % a->tiles * TB_ATTENTION_ROWS;
    const size_t rows = a->Tq - i0 < TB_ATTENTION_ROWS ? a->Tq - i0 : TB_ATTENTION_ROWS;
    const size_t seen = h->causal ? h->past + i0 + rows : a->Tk; /* keys that any row sees */
    const size_t words = a->bf16 ? d / 2 : d;
    float *score = scratch;                             /* (rows, SCORE_LD) */
    float *sums = score + TB_ATTENTION_ROWS * SCORE_LD; /* (rows, d) */
    float *q = sums + TB_ATTENTION_ROWS * d;            /* (rows, d), and converted */
    float *q_far = q + TB_ATTENTION_ROWS * 2 * d;       /* the same */
    float *far = q_far + TB_ATTENTION_ROWS * 2 * d;     /* (rows, SCORE_LD) */
    tb_softmax softmax[TB_ATTENTION_ROWS];
    float scales[TB_ATTENTION_ROWS];

    const queries near = make_queries(a, i0, rows, head, h->u_bias, q, q + TB_ATTENTION_ROWS * d);
    queries other = {0};
    if (h->rel)
        other = make_queries(a, i0, rows, head, h->v_bias, q_far, q_far + TB_ATTENTION_ROWS * d);
    for (size_t i = 0; i < rows; i++)
        softmax[i] = (tb_softmax){.top = -INFINITY};

    for (size_t j0 = 0; j0 < seen; j0 += KEY_BLOCK) {
        const size_t n = seen - j0 < KEY_BLOCK ? seen - j0 : KEY_BLOCK;
        const bool last = j0 + n == seen;
        score_tile(a, near, rows, a->kt + head * words * a->n + j0, a->n, tb_round_up(n, 16), score,
                   SCORE_LD);
        if (h->rel) {
            /* Row i of the tile uses relative rows T-1-i .. 2T-2-i: the last row's begin first. */
            const size_t first = a->Tk - 1 - (i0 + rows - 1) + j0;
            score_tile(a, other, rows, a->rt + head * words * a->rel_n + first, a->rel_n,
                       tb_round_up(n + rows - 1, 16), far, SCORE_LD);
            for (size_t i = 0; i < rows; i++)
                a->k->epilogue(far + i * SCORE_LD + (rows - 1 - i), SCORE_LD, 1, n, NULL,
                               TB_ACT_NONE, TB_ADD, score + i * SCORE_LD, SCORE_LD);
        }
        for (size_t i = 0; i < rows; i++) {
            const size_t all =
                h->causal ? h->past + i0 + i + 1 : a->Tk; /* keys that this row sees */
            const size_t own = all <= j0 ? 0 : all - j0 < n ? all - j0 : n;
            float *row = score + i * SCORE_LD, *sum = sums + i * d;
            float factor = 1;
            if (own) factor = a->k->softmax_block(row, own, row, a->bf16, &softmax[i]);
            if (a->bf16)
                memset((uint16_t *)(void *)row + own, 0, (tb_round_up(n, 2) - own) * 2);
            else
                memset(row + own, 0, (n - own) * sizeof *row);
            if (factor != 1 && j0)
                for (size_t c = 0; c < d; c++)
                    sum[c] *= factor;
        }
        for (size_t i = 0; last && i < rows;
             i++) /* after all rows: else each would wait for its sum */
            scales[i] = 1 / sum_of(&softmax[i]);
        const size_t K = a->bf16 ? (n + 1) / 2 : n, v0 = a->bf16 ? j0 / 2 : j0;
        const tb_gemm o = {.a = score,
                           .lda = SCORE_LD,
                           .parts = 1,
                           .at = &(ptrdiff_t){0},
                           .len = &K,
                           .panel_stride = a->k->width,
                           .b = a->v ? a->v + (head * a->v_rows + v0) * d
                                     : (const float *)a->values + head * a->ldh + v0 * a->ldkv,
                           .ldb = a->v ? d : a->ldkv,
                           .scale = 1,
                           .scales = scales,
                           .bf16 = a->bf16,
                           .into = j0 ? TB_ADD : TB_SET,
                           .y = sums,
                           .ldy = d,
                           .out =
                               last ? tb_rows_from(a->out, i0 * a->out.ld + head * d).data : NULL,
                           .ldo = a->out.ld,
                           .cols = d,
                           .out_bf16 = a->out.type == TB_BF16};
        a->k->gemm(&o, rows, d);
    }
}

/* Keys or values of some heads in one part of the cache. */
typedef struct {
    const char *first;
    size_t head_bytes, n;
} run;

static run run_of(const void *first, size_t head, size_t ldh, size_t n, size_t size)
{
    return (run){(const char *)first + head * ldh * size, ldh * size, n};
}

/* One query, a decode step: keys and values are read once, in place, the heads of a thread one
 * after the other. Part 0 is the prefix, part 1 the session's own cache. */
static void single_query_attention(void *op, size_t tile, void *scratch)
{
    attention *a = op;
    const tb_attention *h = a->how;
    const size_t d = h->d, size = element_bytes(a->type), head = tile * a->together;
    const size_t heads = h->heads - head < a->together ? h->heads - head : a->together;
    const size_t stride = a->ldkv * size, row = d * size;
    const size_t n = h->causal ? h->past + 1 : a->Tk, n0 = h->prefix_len < n ? h->prefix_len : n;
    const size_t prefix_ldh = h->prefix_ldh ? h->prefix_ldh : d;
    const run keys[] = {run_of(h->prefix_k, head, prefix_ldh, n0, size),
                        run_of(a->keys, head, a->ldh, n - n0, size)};
    const run values[] = {run_of(h->prefix_v, head, prefix_ldh, n0, size),
                          run_of(a->values, head, a->ldh, n - n0, size)};
    float *score = scratch; /* (heads, n) */
    const float *q = a->q.data;
    float *out = a->out.data;

    for (size_t p = 0, at = 0; p < 2; at += keys[p++].n) {
        const run *r = &keys[p];
        if (r->n == 0) continue;
        const char *end = r->first + (heads - 1) * r->head_bytes + (r->n - 1) * stride + row;
        for (size_t i = 0; i < heads; i++)
            a->k->query_scores(a->type, q + (head + i) * d, d, r->first + i * r->head_bytes, stride,
                               r->n, end, h->scale, score + i * n + at);
    }
    for (size_t i = 0; i < heads; i++)
        a->k->softmax(score + i * n, n);
    for (size_t p = 0, at = 0; p < 2; at += values[p++].n) {
        const run *r = &values[p];
        if (r->n == 0) continue;
        const char *end = r->first + (heads - 1) * r->head_bytes + (r->n - 1) * stride + row;
        for (size_t i = 0; i < heads; i++)
            a->k->weighted_values(a->type, score + i * n + at, r->n, r->first + i * r->head_bytes,
                                  stride, end, d, at ? TB_ADD : TB_SET, out + (head + i) * d);
    }
}

/* Copies n rows of a head, d wide, to a dense array; returns its end. */
static char *copy_rows(const attention *a, char *to, const void *from, size_t at, size_t n)
{
    const size_t size = element_bytes(a->type), row = a->how->d * size;
    const char *x = (const char *)from + at * size;
    if (a->ldkv == a->how->d) {
        memcpy(to, x, n * row);
    } else {
        for (size_t j = 0; j < n; j++)
            memcpy(to + j * row, x + j * a->ldkv * size, row);
    }
    return to + n * row;
}

/* Many queries over a cache of two parts: copies both into one array first, since many queries read
 * them many times. */
static void gathered_attention(const tb_nn *nn, const attention *a)
{
    const tb_attention *h = a->how;
    const size_t d = h->d, n0 = h->prefix_len, prefix_ldh = h->prefix_ldh ? h->prefix_ldh : d;
    const size_t mark = tb_scratch_mark(nn->scratch),
                 bytes = h->heads * a->Tk * d * element_bytes(a->type);
    char *const k = tb_scratch_bytes(nn->scratch, bytes), *to_k = k; /* (heads, Tk, d) */
    char *const v = tb_scratch_bytes(nn->scratch, bytes), *to_v = v;
    for (size_t i = 0; i < h->heads; i++) {
        to_k = copy_rows(a, to_k, h->prefix_k, i * prefix_ldh, n0);
        to_k = copy_rows(a, to_k, a->keys, i * a->ldh, a->Tk - n0);
        to_v = copy_rows(a, to_v, h->prefix_v, i * prefix_ldh, n0);
        to_v = copy_rows(a, to_v, a->values, i * a->ldh, a->Tk - n0);
    }
    tb_attention whole = *h;
    whole.prefix_len = 0;
    whole.ldh = a->Tk * d;
    tb_nn_attention_rows(nn, &whole, a->q, a->Tq, (tb_rows){a->type, k, d}, v, a->Tk, a->out);
    tb_scratch_release(nn->scratch, mark);
}

tb_dtype tb_nn_attention_type(const tb_attention *a)
{
    return a->bf16 && a->d % 16 == 0 && tb_kernels_here()->gemv_bf16 ? TB_BF16 : TB_F32;
}

void tb_nn_attention(const tb_nn *nn, const tb_attention *how, const float *q, size_t ldq,
                     size_t Tq, tb_dtype kv_type, const void *k, const void *v, size_t ldkv,
                     size_t Tk, float *out, size_t ldo)
{
    tb_nn_attention_rows(nn, how, tb_rows_f32(q, ldq), Tq,
                         (tb_rows){kv_type, (void *)(uintptr_t)k, ldkv}, v, Tk,
                         tb_rows_f32(out, ldo));
}

void tb_nn_attention_rows(const tb_nn *nn, const tb_attention *how, tb_rows q, size_t Tq, tb_rows k,
                          const void *v, size_t Tk, tb_rows out)
{
    assert(k.type == TB_F32 || k.type == TB_F16 || k.type == TB_BF16);
    assert(!how->causal || how->past + Tq <= Tk);
    assert(!how->rel || (Tq == Tk && !how->causal));
    if (Tq == 0) return;
    assert(how->prefix_len <= Tk);
    const size_t H = how->heads, d = how->d, mark = tb_scratch_mark(nn->scratch);
    attention a = {.k = tb_kernels_here(),
                   .how = how,
                   .q = q,
                   .out = out,
                   .Tq = Tq,
                   .type = k.type,
                   .keys = k.data,
                   .values = v,
                   .ldkv = k.ld,
                   .ldh = how->ldh ? how->ldh : d,
                   .Tk = Tk};
    const bool all_f32 = q.type == TB_F32 && out.type == TB_F32;
    if (Tq == 1 && d % 16 == 0 && !how->rel && all_f32) {
        const size_t pieces = tb_thread_pool_threads(nn->pool);
        a.together = (H + pieces - 1) / pieces;
        tb_parallel_for(nn, (H + a.together - 1) / a.together, 2.0 * (double)(H * d) * (double)Tk,
                        a.together * Tk * sizeof(float), single_query_attention, &a);
        return;
    }
    if (how->prefix_len) {
        gathered_attention(nn, &a);
        return;
    }
    a.bf16 = k.type != TB_F16 && tb_nn_attention_type(how) == TB_BF16;
    assert(a.bf16 || all_f32);
    a.tiles = (Tq + TB_ATTENTION_ROWS - 1) / TB_ATTENTION_ROWS;
    a.n = tb_round_up(Tk, 16);
    a.rel_n = tb_round_up(2 * Tk - 1, 16) + TB_ATTENTION_ROWS + 16;
    a.v_rows = a.bf16 ? (Tk + 1) / 2 : Tk;
    const size_t words = a.bf16 ? d / 2 : d;
    a.kt = tb_scratch_f32(nn->scratch, H * words * a.n);
    if (how->rel) a.rt = tb_scratch_f32(nn->scratch, H * words * a.rel_n);
    if (k.type != TB_F32 || a.bf16) a.v = tb_scratch_f32(nn->scratch, H * a.v_rows * d);
    tb_parallel_for(nn, H, (double)H * (double)d * (double)Tk, PACK_ROWS * d * sizeof(float),
                    pack_head, &a);
    const size_t each = TB_ATTENTION_ROWS * ((size_t)SCORE_LD * 2 + d * 5);
    tb_parallel_for(nn, H * a.tiles, 2.0 * (double)(H * d) * (double)Tk * (double)Tq,
                    each * sizeof(float), flash_attention_tile, &a);
    tb_scratch_release(nn->scratch, mark);
}
