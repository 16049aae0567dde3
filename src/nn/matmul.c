/*
 * Matmul: y = act(x W^T + b) for linear layers, convolutions and transposed convolutions.
 *
 * A convolution is a matmul over k C channels whose rows of x overlap ("implicit im2col"): tap j of
 * row t reads row t * stride + j * dilation of x. Two paths:
 *   GEMV  at most TB_NN_GEMV_ROWS rows of x, and all block types: one dot product per result, SIMD
 *         lanes along the channels, weights read in place. Limited by memory bandwidth.
 *   GEMM  more rows, and all convolutions: a panel of weight columns is packed so that lanes run
 *         along the results, and used for all rows of a block of x. Limited by arithmetic.
 * The result is divided into chunks, blocks of rows by ranges of columns, for the parallel-for.
 * Every result is one sum in a fixed order, whatever the number of threads, rows or chunks. The
 * kernels are in simd/; docs/kernels.md explains packing and number types.
 */
#include "nn/kernels_priv.h"
#include "nn/parallel_priv.h"

#include <assert.h>
#include <string.h>

enum {
    MAX_TAPS = TB_CONV_MAX_TAPS,
    BLOCK_BYTES = 1 << 19, /* of x in a block, at most: a panel of weights is packed once per block,
                            * and the block stays in the L2 cache while the panels follow */
    MIN_BLOCK_ROWS = 24,   /* of a block, if x has as many */
    CACHE_LINE = 64,       /* bytes */
    GEMV_COLUMNS = 64,     /* of a GEMV chunk: their weights take memory a microsecond or two */
};

typedef struct {
    const tb_kernels *k;
    const tb_mat *w;
    size_t C, taps, stride, dilation; /* of the convolution; a linear layer has one tap, C = K */
    ptrdiff_t pad;
    const tb_prologue *pro;
    tb_rows x;
    size_t T_in, T, rows;   /* rows of x, of y, of a block of y */
    size_t N_chunk, blocks; /* columns of a chunk; blocks of rows */
    size_t columns;         /* computed by one kernel call */
    bool copy;              /* gather each block of x: padding, prologue or conversion to bf16 */
    bool bf16, use_gemm;
    tb_quant_block_pair *pairs; /* (T, n_pairs): x quantised to int8, for block types; NULL: x */
    size_t n_pairs;             /* of a row */
    size_t tap_first, tap_step; /* the taps of W that are used: first, first + step, ... */
    tb_act act;
    tb_into store;
    tb_rows y;
} matmul;

/* Row t of x or y. */
static void *row_of(tb_rows r, size_t t)
{
    return tb_rows_from(r, t * r.ld).data;
}

/* Words of a packed panel, its padding included. */
static size_t panel_size(const tb_kernels *k)
{
    return TB_PANEL_LD * k->columns;
}

/* Rows of x that `rows` rows of y read. */
static size_t input_rows(const matmul *p, size_t rows)
{
    return (rows - 1) * p->stride + (p->taps - 1) * p->dilation + 1;
}

/* Gathers the rows of x that a block of y reads: prologue applied, converted to the kernel's type,
 * zeros for padding. */
static void gather_input(const matmul *p, size_t t0, size_t rows, char *out)
{
    static const tb_prologue none = {0};
    const size_t n = input_rows(p, rows), size = p->bf16 ? 2 : 4, row_bytes = p->C * size;
    const ptrdiff_t from = (ptrdiff_t)(t0 * p->stride) - p->pad;
    /* Rows first .. last - 1 of the block lie inside x. */
    size_t first = from < 0 ? (size_t)-from : 0, last = n;
    if (first > n) first = n;
    if (from + (ptrdiff_t)n > (ptrdiff_t)p->T_in)
        last = (ptrdiff_t)p->T_in > from ? (size_t)((ptrdiff_t)p->T_in - from) : 0;
    if (last < first) last = first;
    for (size_t i = 0; i < n; i++)
        if (i < first || i >= last) memset(out + i * row_bytes, 0, p->C * size);
    if (first == last) return;
    const float *x = row_of(p->x, (size_t)(from + (ptrdiff_t)first));
    if (p->pro || p->bf16)
        p->k->prologue(p->pro ? p->pro : &none, x, p->x.ld, last - first, p->C,
                       out + first * row_bytes, row_bytes, p->bf16);
    else
        for (size_t i = first; i < last; i++)
            memcpy(out + i * row_bytes, x + (i - first) * p->x.ld, p->C * size);
}

/* One unit of parallel work: y[t0 .. t0 + rows, n0 .. n1]. */
typedef struct {
    size_t t0, rows, n0, n1;
    const void *x; /* first row: gathered, or in place */
    size_t ldx;
    size_t taps, C;
    ptrdiff_t xoff[MAX_TAPS], woff[MAX_TAPS]; /* where a tap begins in a row of x and of W */
    float *sums;                              /* (rows, columns) before the epilogue */
} chunk;

/* The GEMV path: weights are read in place. The kernel of block types packs them itself. */
static void gemv_chunk(const matmul *p, const chunk *s)
{
    const size_t row_bytes = tb_row_bytes(p->w->type, p->w->K);
    tb_gemv d = {.x = s->x,
                 .ldx = (ptrdiff_t)s->ldx,
                 .type = p->w->type,
                 .row_bytes = row_bytes,
                 .end = (const char *)p->w->rows + p->w->N * row_bytes,
                 .taps = s->taps,
                 .C = s->C,
                 .xoff = s->xoff,
                 .woff = s->woff,
                 .y = s->sums,
                 .ldy = (ptrdiff_t)p->columns};
    for (size_t n = s->n0; n < s->n1; n += p->columns) {
        const size_t cols = s->n1 - n < p->columns ? s->n1 - n : p->columns;
        if (p->w->bias) /* prefetched, so that it is in the cache when the sums are complete */
            for (size_t c = 0; c < cols; c += CACHE_LINE / sizeof *p->w->bias)
                __builtin_prefetch(p->w->bias + n + c);
        d.w = (const char *)p->w->rows + n * row_bytes;
        if (p->pairs)
            p->k->gemv_quant(&d, s->rows, cols);
        else
            (p->bf16 ? p->k->gemv_bf16 : p->k->gemv)(&d, s->rows, cols);
        const bool out_bf16 = p->y.type == TB_BF16;
        void *y = tb_rows_from(p->y, s->t0 * p->y.ld + n).data;
        p->k->epilogue(s->sums, p->columns, s->rows, cols, p->w->bias ? p->w->bias + n : NULL,
                       p->act, p->store, out_bf16 ? s->sums : y, out_bf16 ? p->columns : p->y.ld);
        if (out_bf16)
            p->k->prologue(&(tb_prologue){0}, s->sums, p->columns, s->rows, cols, y, p->y.ld * 2,
                           true);
    }
}

/* The GEMM path. For each range of p->columns columns: pack TB_PANEL_K words of every column (which
 * may span several taps), multiply all rows of the block with that panel, add to the sums of the
 * panels before. The last panel's call runs the epilogue and writes to y. */
static void gemm_chunk(const matmul *p, const chunk *s, float *panel)
{
    const size_t row_bytes = tb_row_bytes(p->w->type, p->w->K), per = p->bf16 ? 2 : 1;
    ptrdiff_t at[MAX_TAPS + 1];
    size_t len[MAX_TAPS + 1];
    tb_gemm o = {.a = s->x,
                 .b = panel,
                 .lda = s->ldx / per,
                 .ldb = p->k->width,
                 .panel_stride = TB_PANEL_LD * p->k->width,
                 .at = at,
                 .len = len,
                 .scale = 1,
                 .bf16 = p->bf16,
                 .y = s->sums,
                 .ldy = p->columns,
                 .act = p->act,
                 .store = p->store};
    for (size_t n = s->n0; n < s->n1; n += p->columns) {
        const size_t cols = s->n1 - n < p->columns ? s->n1 - n : p->columns;
        const char *w = (const char *)p->w->rows + n * row_bytes;
        size_t words = 0;
        o.into = TB_SET;
        o.parts = 0;
        o.out = NULL;
        for (size_t tap = 0, c = 0; tap < s->taps;) {
            size_t some = (TB_PANEL_K - words) * per;
            if (some > s->C - c) some = s->C - c;
            p->k->pack_panel(p->w->type, w + tb_row_bytes(p->w->type, (size_t)s->woff[tap] + c),
                             row_bytes, cols, some, p->bf16, panel + words * p->k->width);
            at[o.parts] = (s->xoff[tap] + (ptrdiff_t)c) / (ptrdiff_t)per;
            len[o.parts++] = some / per;
            words += some / per;
            c += some;
            if (c == s->C) {
                tap++;
                c = 0;
            }
            if (words == TB_PANEL_K || tap == s->taps) {
                if (tap == s->taps) {
                    o.out = tb_rows_from(p->y, s->t0 * p->y.ld + n).data;
                    o.ldo = p->y.ld;
                    o.out_bf16 = p->y.type == TB_BF16;
                    o.cols = cols;
                    o.bias = p->w->bias ? p->w->bias + n : NULL;
                }
                p->k->gemm(&o, s->rows, tb_round_up(cols, p->k->width));
                o.into = TB_ADD;
                o.parts = words = 0;
            }
        }
    }
}

static void matmul_chunk(void *op, size_t i, void *scratch)
{
    const matmul *p = op;
    chunk s = {.t0 = i % p->blocks * p->rows, .n0 = i / p->blocks * p->N_chunk};
    s.rows = p->T - s.t0 < p->rows ? p->T - s.t0 : p->rows;
    s.n1 = s.n0 + p->N_chunk < p->w->N ? s.n0 + p->N_chunk : p->w->N;
    float *panel = scratch;                                /* GEMM only: (columns, TB_PANEL_LD) */
    s.sums = panel + (p->use_gemm ? panel_size(p->k) : 0); /* (rows, columns) */
    float *block = s.sums + p->rows * p->columns;          /* (input_rows, C) */

    s.taps = p->taps;
    s.C = p->C;
    if (p->pairs) {
        s.x = p->pairs + s.t0 * p->n_pairs;
        s.ldx = p->n_pairs;
    } else if (p->copy) {
        gather_input(p, s.t0, s.rows, (char *)block);
        s.x = block;
        s.ldx = p->stride * p->C;
    } else {
        s.x = row_of(p->x, s.t0 * p->stride);
        s.ldx = p->stride * p->x.ld;
    }
    for (size_t j = 0; j < p->taps; j++) {
        s.xoff[j] = (ptrdiff_t)(j * p->dilation * p->C);
        s.woff[j] = (ptrdiff_t)((p->tap_first + j * p->tap_step) * p->C);
    }
    /* Taps that are adjacent in x and in W are one longer dot product. */
    if (s.taps > 1 && p->dilation == 1 && p->tap_step == 1 && p->x.ld == p->C) {
        s.C *= s.taps;
        s.taps = 1;
    }
    if (p->use_gemm)
        gemm_chunk(p, &s, panel);
    else
        gemv_chunk(p, &s);
}

static void quantise_row(void *op, size_t t, void *scratch)
{
    (void)scratch;
    const matmul *p = op;
    p->k->quantise(p->w->type, row_of(p->x, t), p->C, p->pairs + t * p->n_pairs);
}

/* Divides the result into chunks and returns their number: blocks of rows that fit BLOCK_BYTES, and
 * ranges of columns where the blocks are too few for all threads. Two chunks per thread at least,
 * so that stealing evens out what a busy core lacks. */
static size_t partition(matmul *p, size_t threads)
{
    const size_t wanted = threads > 1 ? threads * 2 : 1,
                 least = p->use_gemm ? p->k->columns : GEMV_COLUMNS;
    const size_t most = (p->w->N + least - 1) / least;
    size_t bytes = p->C * (p->bf16 ? 2 : 4);
    if (bytes > TB_PANEL_K * 4) bytes = TB_PANEL_K * 4; /* that one panel multiplies */
    const size_t most_rows = BLOCK_BYTES / bytes + 1;
    size_t blocks = (p->T + most_rows - 1) / most_rows;
    if (p->use_gemm && p->copy && p->T >= wanted * MIN_BLOCK_ROWS * 4)
        blocks = tb_round_up(blocks, wanted);
    size_t parts = p->use_gemm ? (wanted + blocks - 1) / blocks : most;
    if (parts > most) parts = most;
    if (blocks * parts < wanted) blocks = (wanted + parts - 1) / parts;
    if (blocks * MIN_BLOCK_ROWS > p->T) blocks = (p->T + MIN_BLOCK_ROWS - 1) / MIN_BLOCK_ROWS;
    p->rows = tb_round_up((p->T + blocks - 1) / blocks, 6);
    if (p->rows > p->T) p->rows = p->T;
    p->blocks = (p->T + p->rows - 1) / p->rows;
    p->N_chunk = tb_round_up((p->w->N + parts - 1) / parts, least);
    return p->blocks * ((p->w->N + p->N_chunk - 1) / p->N_chunk);
}

static bool uses_bf16(const tb_kernels *k, const tb_mat *w)
{
    return w->type == TB_BF16 && !w->exact && k->gemv_bf16;
}

static void matmul_run(const tb_nn *nn, matmul *p)
{
    if (p->T == 0 || p->w->N == 0) return;
    assert(p->taps <= MAX_TAPS);
    const size_t mark = tb_scratch_mark(nn->scratch);
    const bool blocks = p->w->type == TB_Q8_0 || p->w->type == TB_Q4_0;
    p->k = tb_kernels_here();
    if (blocks && !p->w->exact && !p->use_gemm) {
        p->n_pairs = (p->C / TB_QUANT_BLOCK + 1) / 2;
        p->pairs = tb_scratch_bytes(nn->scratch, p->T * p->n_pairs * sizeof *p->pairs);
        tb_parallel_for(nn, p->T, (double)p->T * (double)p->C * 8, 0, quantise_row, p);
    }
    p->use_gemm = p->use_gemm || (p->T > TB_NN_GEMV_ROWS && !p->pairs);
    p->bf16 = p->C % 2 == 0 && uses_bf16(p->k, p->w);
    p->copy = p->copy || (p->bf16 && p->x.type == TB_F32);
    assert(p->x.type == TB_F32 || (p->x.type == TB_BF16 && p->bf16 && !p->copy));
    assert(p->y.type == TB_F32 || (p->y.type == TB_BF16 && p->k->gemv_bf16 && p->store == TB_SET));
    const size_t chunks = partition(p, tb_thread_pool_threads(nn->pool));
    p->columns = p->use_gemm ? p->k->columns : GEMV_COLUMNS;
    size_t floats = p->rows * p->columns;
    if (p->use_gemm) floats += panel_size(p->k);
    if (p->copy) floats += input_rows(p, p->rows) * p->C;
    tb_parallel_for(nn, chunks, (double)p->T * (double)p->w->N * (double)p->w->K,
                    floats * sizeof(float), matmul_chunk, p);
    tb_scratch_release(nn->scratch, mark);
}

tb_dtype tb_nn_matmul_type(const tb_mat *w)
{
    return w->K % 2 == 0 && uses_bf16(tb_kernels_here(), w) ? TB_BF16 : TB_F32;
}

tb_rows tb_nn_rows(const tb_nn *nn, tb_dtype type, size_t T, size_t C)
{
    return (tb_rows){type, tb_scratch_bytes(nn->scratch, tb_row_bytes(type, T * C)), C};
}

void tb_nn_linear(const tb_nn *nn, const tb_mat *w, const float *x, size_t ldx, size_t T,
                  tb_act act, tb_into store, float *y, size_t ldy)
{
    tb_nn_linear_rows(nn, w, tb_rows_f32(x, ldx), T, act, store, tb_rows_f32(y, ldy));
}

void tb_nn_linear_rows(const tb_nn *nn, const tb_mat *w, tb_rows x, size_t T, tb_act act,
                       tb_into store, tb_rows y)
{
    matmul p = {.w = w,
                .C = w->K,
                .taps = 1,
                .stride = 1,
                .dilation = 1,
                .x = x,
                .T_in = T,
                .T = T,
                .tap_step = 1,
                .act = act,
                .store = store,
                .y = y};
    matmul_run(nn, &p);
}

static size_t at_least_one(size_t n)
{
    return n ? n : 1;
}

size_t tb_conv_len(const tb_conv *c, size_t T)
{
    size_t reach = (c->k - 1) * at_least_one(c->dilation) + 1, n = T + c->pad_left + c->pad_right;
    return n < reach ? 0 : (n - reach) / at_least_one(c->stride) + 1;
}

static bool is_identity(const tb_prologue *pro)
{
    return !pro || (pro->act == TB_ACT_NONE && !pro->alpha && !pro->scale);
}

void tb_nn_conv(const tb_nn *nn, const tb_conv *c, const tb_prologue *pro, const float *x, size_t T,
                tb_act act, tb_into store, float *y)
{
    assert(c->w.K == c->k * c->C);
    bool plain = is_identity(pro);
    matmul p = {.w = &c->w,
                .C = c->C,
                .taps = c->k,
                .stride = at_least_one(c->stride),
                .dilation = at_least_one(c->dilation),
                .pad = (ptrdiff_t)c->pad_left,
                .pro = plain ? NULL : pro,
                .x = tb_rows_f32(x, c->C),
                .T_in = T,
                .T = tb_conv_len(c, T),
                .copy = !plain || c->pad_left || c->pad_right,
                .use_gemm = true,
                .tap_step = 1,
                .act = act,
                .store = store,
                .y = tb_rows_f32(y, c->w.N)};
    matmul_run(nn, &p);
}

size_t tb_conv_transpose_len(const tb_conv *c, size_t T)
{
    size_t full = (T - 1) * at_least_one(c->stride) + c->k;
    return T == 0 || full < 2 * c->pad_left ? 0 : full - 2 * c->pad_left;
}

/*
 * Result row o is the sum of x[t] w[j] over t * stride + j = o + pad. Rows with the same
 * (o + pad) mod stride use the same taps, j = phase, phase + stride, ... So each phase is an
 * ordinary convolution whose taps run backwards in time, written to every stride-th row of y.
 */
void tb_nn_conv_transpose(const tb_nn *nn, const tb_conv *c, const tb_prologue *pro, const float *x,
                          size_t T, tb_into store, float *y)
{
    assert(c->w.K == c->k * c->C);
    const size_t u = at_least_one(c->stride), len = tb_conv_transpose_len(c, T);
    assert(c->k >= u); /* else some rows of y would have no tap */
    for (size_t first = 0; first < u && first < len; first++) {
        const size_t phase = (first + c->pad_left) % u, q = (first + c->pad_left) / u;
        const size_t taps = (c->k - 1 - phase) / u + 1;
        /* Row m of this phase is o = first + m u; it sees x[q + m - i] by tap phase + i u. */
        matmul p = {.w = &c->w,
                    .C = c->C,
                    .taps = taps,
                    .stride = 1,
                    .dilation = 1,
                    .pad = (ptrdiff_t)(taps - 1) - (ptrdiff_t)q,
                    .pro = is_identity(pro) ? NULL : pro,
                    .x = tb_rows_f32(x, c->C),
                    .T_in = T,
                    .T = (len - first + u - 1) / u,
                    .copy = true,
                    .use_gemm = true,
                    .tap_first = phase + (taps - 1) * u,
                    .tap_step = (size_t)0 - u,
                    .act = TB_ACT_NONE,
                    .store = store,
                    .y = tb_rows_f32(y + first * c->w.N, u * c->w.N)};
        matmul_run(nn, &p);
    }
}
