/* Attention. */
#include "nn/kernels_priv.h"
#include "nn/parallel_priv.h"

#include <assert.h>
#include <math.h>
#include <string.h>

typedef struct {
    const tb_kernels *k;
    const tb_attention *a;
    tb_rows q, out;
    size_t Tq;
    tb_dtype type;
    const void *keys, *values;
    size_t ldkv, ldh, Tk;
    size_t tiles, n, rel_n;  /* query tiles; padded numbers of keys and relative positions */
    size_t v_rows, together; /* heads of a piece, for a single query */
    bool half;               /* words of two bf16: half as many along d and along the keys */
    float *kt, *rt, *v;      /* per head: (d, n), (d, rel_n), (v_rows, d) */
} attention;

enum {
    PACK_ROWS = 64,  /* keys that are made bf16 at a time */
    KEY_BLOCK = 512, /* that scores are made of at a time; even */
    SCORE_LD = KEY_BLOCK + TB_ATTENTION_ROWS + 16 +
               8, /* numbers from one row of scores to the next: room for
                   * those of relative positions, and not a power of two */
};

static size_t element_bytes(tb_dtype type)
{
    return type == TB_F32 ? 4 : 2;
}

/* One head's keys or relative rows, from x on, turned so that lanes run along them. */
static void pack_keys(const attention *a, const void *x, tb_dtype type, size_t ldx, size_t n,
                      size_t padded, void *mine, float *kt)
{
    const size_t d = a->a->d, words = a->half ? d / 2 : d;
    for (size_t c = 0; c < words; c++)
        memset(kt + c * padded + n, 0, (padded - n) * sizeof *kt);
    if (a->half && type == TB_BF16) {
        a->k->transpose_bf16(x, ldx, n, d, kt, padded);
        return;
    }
    if (a->half) {
        static const tb_prologue none = {0};
        uint16_t *rows = mine; /* (PACK_ROWS, d) */
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
            a->k->to_f32(type, from, mine, d);
            key = mine;
        }
        for (size_t c = 0; c < d; c++)
            kt[c * padded + j] = key[c];
    }
}

/* One head's keys and relative rows turned, its values as f32 or as words of two bf16. */
static void pack_head(void *op, size_t h, void *mine)
{
    attention *a = op;
    const size_t d = a->a->d, at = h * a->ldh, words = a->half ? d / 2 : d,
                 size = element_bytes(a->type);
    pack_keys(a, (const char *)a->keys + at * size, a->type, a->ldkv, a->Tk, a->n, mine,
              a->kt + h * words * a->n);
    if (a->a->rel)
        pack_keys(a, (const char *)a->a->rel + h * d * size, a->type, a->a->heads * d,
                  2 * a->Tk - 1, a->rel_n, mine, a->rt + h * words * a->rel_n);
    if (a->half) {
        static const tb_prologue none = {0};
        uint16_t *two = mine; /* (2, d) */
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

/* Some queries of a head, in the type of the products, plus a bias. */
typedef struct {
    const float *at;
    size_t ld; /* words */
} queries;

static queries make_queries(const attention *a, size_t i0, size_t rows, size_t head,
                            const float *bias, float *copy, float *half)
{
    static const tb_prologue none = {0};
    const size_t d = a->a->d;
    queries q = {tb_rows_from(a->q, i0 * a->q.ld + head * d).at, a->q.ld};
    if (a->q.type == TB_BF16) {
        assert(!bias);
        q.ld /= 2;
        return q;
    }
    if (bias) {
        a->k->epilogue(q.at, q.ld, rows, d, bias + head * d, TB_ACT_NONE, TB_SET, copy, d);
        q = (queries){copy, d};
    }
    if (a->half) {
        a->k->prologue(&none, q.at, q.ld, rows, d, half, d * 2, true);
        q = (queries){half, d / 2};
    }
    return q;
}

/* scale * q of some rows against n turned keys. */
static void score_tile(const attention *a, queries q, size_t rows, const float *kt, size_t ldk,
                       size_t n, float *y, size_t wide)
{
    const size_t words = a->half ? a->a->d / 2 : a->a->d;
    const tb_gemm o = {.a = q.at,
                       .lda = q.ld,
                       .parts = 1,
                       .at = &(ptrdiff_t){0},
                       .len = &words,
                       .b = kt,
                       .ldb = ldk,
                       .apart = a->k->width,
                       .scale = a->a->scale,
                       .bf16 = a->half,
                       .y = y,
                       .ldy = wide};
    a->k->gemm(&o, rows, n);
}

static float sum_of(const tb_softmax *s)
{
    float part[8];
    for (int i = 0; i < 8; i++)
        part[i] = s->sum[i] + s->sum[i + 8];
    return ((part[0] + part[4]) + (part[2] + part[6])) +
           ((part[1] + part[5]) + (part[3] + part[7]));
}

/*
 * Some queries of a head, KEY_BLOCK keys at a time, so that there are few scores however many keys:
 * softmax goes on from part to part, and what was added up before is made smaller when a larger
 * score comes (Milakov and Gimelshein 2018, arXiv 1805.02867).
 */
static void flash_attention_tile(void *op, size_t piece, void *mine)
{
    attention *a = op;
    const tb_attention *h = a->a;
    const size_t d = h->d, head = piece / a->tiles, i0 = piece % a->tiles * TB_ATTENTION_ROWS;
    const size_t rows = a->Tq - i0 < TB_ATTENTION_ROWS ? a->Tq - i0 : TB_ATTENTION_ROWS;
    const size_t seen = h->causal ? h->past + i0 + rows : a->Tk; /* keys that any row sees */
    const size_t words = a->half ? d / 2 : d;
    float *score = mine;                                /* (rows, SCORE_LD) */
    float *sums = score + TB_ATTENTION_ROWS * SCORE_LD; /* (rows, d) */
    float *q = sums + TB_ATTENTION_ROWS * d;            /* (rows, d) and halves */
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
            /* Row i of the tile needs relative rows T-1-i .. 2T-2-i; the last row's come first. */
            const size_t first = a->Tk - 1 - (i0 + rows - 1) + j0;
            score_tile(a, other, rows, a->rt + head * words * a->rel_n + first, a->rel_n,
                       tb_round_up(n + rows - 1, 16), far, SCORE_LD);
            for (size_t i = 0; i < rows; i++)
                a->k->epilogue(far + i * SCORE_LD + (rows - 1 - i), SCORE_LD, 1, n, NULL,
                               TB_ACT_NONE, TB_ADD, score + i * SCORE_LD, SCORE_LD);
        }
        for (size_t i = 0; i < rows; i++) {
            const size_t all = h->causal ? h->past + i0 + i + 1 : a->Tk; /* that this row sees */
            const size_t own = all <= j0 ? 0 : all - j0 < n ? all - j0 : n;
            float *row = score + i * SCORE_LD, *sum = sums + i * d;
            float factor = 1;
            if (own) factor = a->k->softmax_block(row, own, row, a->half, &softmax[i]);
            if (a->half)
                memset((uint16_t *)(void *)row + own, 0, (tb_round_up(n, 2) - own) * 2);
            else
                memset(row + own, 0, (n - own) * sizeof *row);
            if (factor != 1 && j0)
                for (size_t c = 0; c < d; c++)
                    sum[c] *= factor;
        }
        for (size_t i = 0; last && i < rows; i++) /* not above, where it would wait for each sum */
            scales[i] = 1 / sum_of(&softmax[i]);
        const size_t K = a->half ? (n + 1) / 2 : n, v0 = a->half ? j0 / 2 : j0;
        const tb_gemm o = {.a = score,
                           .lda = SCORE_LD,
                           .parts = 1,
                           .at = &(ptrdiff_t){0},
                           .len = &K,
                           .apart = a->k->width,
                           .b = a->v ? a->v + (head * a->v_rows + v0) * d
                                     : (const float *)a->values + head * a->ldh + v0 * a->ldkv,
                           .ldb = a->v ? d : a->ldkv,
                           .scale = 1,
                           .scales = scales,
                           .bf16 = a->half,
                           .into = j0 ? TB_ADD : TB_SET,
                           .y = sums,
                           .ldy = d,
                           .out = last ? tb_rows_from(a->out, i0 * a->out.ld + head * d).at : NULL,
                           .ldo = a->out.ld,
                           .cols = d,
                           .halves = a->out.type == TB_BF16};
        a->k->gemm(&o, rows, d);
    }
}

/* Keys or values of some heads: where they begin, and how far apart they are. */
typedef struct {
    const char *first;
    size_t head_bytes, n;
} run;

static run run_of(const void *first, size_t head, size_t ldh, size_t n, size_t size)
{
    return (run){(const char *)first + head * ldh * size, ldh * size, n};
}

/* A single query, a step of T3: keys and values are read once, where they lie, all heads of a
 * thread after each other. */
static void single_query_attention(void *op, size_t piece, void *mine)
{
    attention *a = op;
    const tb_attention *h = a->a;
    const size_t d = h->d, size = element_bytes(a->type), head = piece * a->together;
    const size_t heads = h->heads - head < a->together ? h->heads - head : a->together;
    const size_t stride = a->ldkv * size, row = d * size;
    const size_t n = h->causal ? h->past + 1 : a->Tk, n0 = h->n0 < n ? h->n0 : n;
    const size_t ldh0 = h->ldh0 ? h->ldh0 : d;
    const run keys[] = {run_of(h->k0, head, ldh0, n0, size),
                        run_of(a->keys, head, a->ldh, n - n0, size)};
    const run values[] = {run_of(h->v0, head, ldh0, n0, size),
                          run_of(a->values, head, a->ldh, n - n0, size)};
    float *score = mine; /* (heads, n) */
    const float *q = a->q.at;
    float *out = a->out.at;

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

/* n rows of a head, d wide, close together. */
static char *copy_rows(const attention *a, char *to, const void *from, size_t at, size_t n)
{
    const size_t size = element_bytes(a->type), row = a->a->d * size;
    const char *x = (const char *)from + at * size;
    if (a->ldkv == a->a->d) {
        memcpy(to, x, n * row);
    } else {
        for (size_t j = 0; j < n; j++)
            memcpy(to + j * row, x + j * a->ldkv * size, row);
    }
    return to + n * row;
}

/* Both parts one after the other, for many queries, which read them often. */
static void gathered_attention(const tb_nn *nn, const attention *a)
{
    const tb_attention *h = a->a;
    const size_t d = h->d, n0 = h->n0, ldh0 = h->ldh0 ? h->ldh0 : d;
    const size_t mark = tb_scratch_mark(nn->scratch),
                 bytes = h->heads * a->Tk * d * element_bytes(a->type);
    char *const k = tb_scratch_bytes(nn->scratch, bytes), *to_k = k; /* (heads, Tk, d) */
    char *const v = tb_scratch_bytes(nn->scratch, bytes), *to_v = v;
    for (size_t i = 0; i < h->heads; i++) {
        to_k = copy_rows(a, to_k, h->k0, i * ldh0, n0);
        to_k = copy_rows(a, to_k, a->keys, i * a->ldh, a->Tk - n0);
        to_v = copy_rows(a, to_v, h->v0, i * ldh0, n0);
        to_v = copy_rows(a, to_v, a->values, i * a->ldh, a->Tk - n0);
    }
    tb_attention whole = *h;
    whole.n0 = 0;
    whole.ldh = a->Tk * d;
    tb_nn_attention_rows(nn, &whole, a->q, a->Tq, (tb_rows){a->type, k, d}, v, a->Tk, a->out);
    tb_scratch_release(nn->scratch, mark);
}

tb_dtype tb_nn_attention_type(const tb_attention *a)
{
    return a->half && a->d % 16 == 0 && tb_kernels_here()->gemv_bf16 ? TB_BF16 : TB_F32;
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
    assert(how->n0 <= Tk);
    const size_t H = how->heads, d = how->d, mark = tb_scratch_mark(nn->scratch);
    attention a = {.k = tb_kernels_here(),
                   .a = how,
                   .q = q,
                   .out = out,
                   .Tq = Tq,
                   .type = k.type,
                   .keys = k.at,
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
    if (how->n0) {
        gathered_attention(nn, &a);
        return;
    }
    a.half = k.type != TB_F16 && tb_nn_attention_type(how) == TB_BF16;
    assert(a.half || all_f32);
    a.tiles = (Tq + TB_ATTENTION_ROWS - 1) / TB_ATTENTION_ROWS;
    a.n = tb_round_up(Tk, 16);
    a.rel_n = tb_round_up(2 * Tk - 1, 16) + TB_ATTENTION_ROWS + 16;
    a.v_rows = a.half ? (Tk + 1) / 2 : Tk;
    const size_t words = a.half ? d / 2 : d;
    a.kt = tb_scratch_f32(nn->scratch, H * words * a.n);
    if (how->rel) a.rt = tb_scratch_f32(nn->scratch, H * words * a.rel_n);
    if (k.type != TB_F32 || a.half) a.v = tb_scratch_f32(nn->scratch, H * a.v_rows * d);
    tb_parallel_for(nn, H, (double)H * (double)d * (double)Tk, PACK_ROWS * d * sizeof(float),
                    pack_head, &a);
    const size_t each = TB_ATTENTION_ROWS * ((size_t)SCORE_LD * 2 + d * 5);
    tb_parallel_for(nn, H * a.tiles, 2.0 * (double)(H * d) * (double)Tk * (double)Tq,
                    each * sizeof(float), flash_attention_tile, &a);
    tb_scratch_release(nn->scratch, mark);
}
