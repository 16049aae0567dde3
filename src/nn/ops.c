#include "nn/ops.h"

#include "nn/kernels.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#if defined(TB_HAVE_NEON_KERNELS) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(TB_HAVE_NEON_KERNELS) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

/* ---- which kernels ---- */

#if defined(TB_HAVE_NEON_KERNELS)
/* Whether the CPU has products of bytes, and of bf16. */
#if defined(__linux__)
static bool has_dot_products(bool bf16)
{
    return bf16 ? getauxval(AT_HWCAP2) & HWCAP2_BF16 : getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
}
#elif defined(__APPLE__)
static bool has_dot_products(bool bf16)
{
    const char *name = bf16 ? "hw.optional.arm.FEAT_BF16" : "hw.optional.arm.FEAT_DotProd";
    int has = 0;
    size_t size = sizeof has;
    return sysctlbyname(name, &has, &size, NULL, 0) == 0 && has;
}
#else
static bool has_dot_products(bool bf16)
{
    (void)bf16;
    return false;
}
#endif
#endif

static const tb_kernels *best(const char *at_most)
{
    const tb_kernels *k = &tb_kernels_generic;
    if (at_most && strcmp(at_most, k->name) == 0) return k;
#if defined(TB_HAVE_X86_KERNELS)
    __builtin_cpu_init();
    /* Every CPU with both has the half-precision conversions too, which clang 14 cannot ask for. */
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        k = &tb_kernels_avx2;
    else
        return k;
    if (at_most && strcmp(at_most, k->name) == 0) return k;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        k = &tb_kernels_avx512;
    else
        return k;
    if (at_most && strcmp(at_most, k->name) == 0) return k;
    if (__builtin_cpu_supports("avx512vnni"))
        k = &tb_kernels_avx512vnni;
    else
        return k;
    if (at_most && strcmp(at_most, k->name) == 0) return k;
    /* Intel's take four times as long for a product of two pairs as AMD's, twice as long as for the
     * same in f32. By the maker, not by a clock: a seed gives the same speech tomorrow. */
    if (__builtin_cpu_supports("avx512bf16") && __builtin_cpu_is("amd")) k = &tb_kernels_avx512bf16;
#elif defined(TB_HAVE_NEON_KERNELS)
    k = &tb_kernels_neon; /* there is no 64-bit Arm without it */
    if (at_most && strcmp(at_most, k->name) == 0) return k;
    if (has_dot_products(false))
        k = &tb_kernels_neondot;
    else
        return k;
    if (at_most && strcmp(at_most, k->name) == 0) return k;
    if (has_dot_products(true)) k = &tb_kernels_neonbf16;
#endif
    return k;
}

/* Set once and the same for all; tests change it while nothing runs. */
static const tb_kernels *_Atomic chosen;

static const tb_kernels *kernels(void)
{
    const tb_kernels *k = atomic_load_explicit(&chosen, memory_order_acquire);
    if (!k) {
        k = best(NULL);
        atomic_store_explicit(&chosen, k, memory_order_release);
    }
    return k;
}

const char *tb_nn_isa(void)
{
    return kernels()->name;
}

bool tb_nn_use_isa(const char *name)
{
    const tb_kernels *k = best(name);
    if (strcmp(k->name, name) != 0) return false;
    atomic_store_explicit(&chosen, k, memory_order_release);
    return true;
}

double tb_nn_peak(tb_dtype type, size_t times)
{
    return kernels()->peak(type, times);
}

/* ---- loops over pieces, each thread with scratch of its own ---- */

/*
 * Every slot, a thread's turn at an operation, has its own part of the caller's scratch and its own
 * range of the pieces, which it goes through in order: what it reads next it has already asked
 * memory for. When it is through it takes half of what another has left, for the same reason.
 */
typedef struct {
    _Alignas(64) _Atomic uint64_t pieces; /* the next, and above it the end */
} range;

typedef struct {
    range *ranges;
    size_t slots;
    void (*piece)(void *op, size_t i, void *mine);
    void *op;
    char *scratch;
    size_t scratch_each;
} turns;

static bool take_first(range *r, size_t *i)
{
    uint64_t was = atomic_load_explicit(&r->pieces, memory_order_relaxed);
    do {
        *i = was & UINT32_MAX;
        if (*i >= was >> 32) return false;
    } while (!atomic_compare_exchange_weak_explicit(&r->pieces, &was, was + 1, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

/* The latter half of what is left of r becomes mine, which is empty; *i is its first. */
static bool take_half(range *r, range *mine, size_t *i)
{
    uint64_t was = atomic_load_explicit(&r->pieces, memory_order_relaxed), end, half;
    do {
        end = was >> 32;
        if ((was & UINT32_MAX) >= end) return false;
        half = (end - (was & UINT32_MAX) + 1) / 2;
    } while (!atomic_compare_exchange_weak_explicit(&r->pieces, &was, was - (half << 32),
                                                    memory_order_relaxed, memory_order_relaxed));
    *i = end - half;
    atomic_store_explicit(&mine->pieces, end << 32 | (*i + 1), memory_order_relaxed);
    return true;
}

static void turn(void *self, size_t slot)
{
    turns *t = self;
    range *own = &t->ranges[slot];
    char *mine = t->scratch + slot * t->scratch_each;
    size_t i;
    for (size_t s = 0; s < t->slots; s++) { /* own first */
        range *r = &t->ranges[(slot + s) % t->slots];
        while (s == 0 ? take_first(own, &i) : take_half(r, own, &i)) {
            t->piece(t->op, i, mine);
            while (take_first(own, &i))
                t->piece(t->op, i, mine);
        }
    }
}

/* work: about how many multiplications; little of it is not worth waking anybody. */
static void spread(const tb_nn *nn, size_t pieces, double work, size_t scratch_each,
                   void (*piece)(void *, size_t, void *), void *op)
{
    size_t slots = work < 2e5 ? 1 : tb_pool_threads(nn->pool);
    if (slots > pieces) slots = pieces;
    if (slots == 0) return;
    assert(pieces <= UINT32_MAX);
    size_t mark = tb_scratch_mark(nn->scratch);
    scratch_each = (scratch_each + 63) / 64 * 64;
    turns t = {.slots = slots, .piece = piece, .op = op, .scratch_each = scratch_each};
    t.ranges = tb_scratch_bytes(nn->scratch, slots * sizeof *t.ranges);
    for (size_t s = 0; s < slots; s++)
        atomic_init(&t.ranges[s].pieces,
                    (uint64_t)(pieces * (s + 1) / slots) << 32 | pieces * s / slots);
    t.scratch = tb_scratch_bytes(nn->scratch, slots * scratch_each);
    tb_pool_for(nn->pool, slots, turn, &t);
    tb_scratch_release(nn->scratch, mark);
}

/* ---- sums of products: linear layers and convolutions ---- */

enum {
    MAX_TAPS = TB_CONV_MAX_TAPS,
    ROWS = 384,      /* of a block, at most: a panel of weights is turned once for them */
    LEAST_ROWS = 24, /* at least, where there are more */
    FEW_N = 32,      /* columns of a piece of few rows: some ten microseconds of memory's time */
};

typedef struct {
    const tb_kernels *k;
    const tb_mat *w;
    size_t C, taps, stride, dilation; /* of the convolution; a linear layer has one tap */
    ptrdiff_t pad;
    const tb_prologue *pro;
    const float *x;
    size_t ldx, T_in, T, rows; /* rows of a block */
    size_t N_piece, blocks;
    size_t columns; /* multiplied at a time */
    bool copy, bf16, many;
    tb_quant_pair *pairs;   /* (T, n_pairs): x in bytes for block types; NULL: x */
    size_t n_pairs;         /* of a row */
    size_t w_first, w_step; /* which taps of the weights: first, first + step, ... */
    tb_act act;
    tb_into store;
    float *y;
    size_t ldy;
} product;

static size_t round_up(size_t a, size_t to)
{
    return (a + to - 1) / to * to;
}

/* Words of a panel of weights, and of the noise behind it. */
static size_t panel_size(const tb_kernels *k)
{
    return TB_PANEL_APART * k->columns;
}

static size_t block_in(const product *p, size_t rows)
{
    return (rows - 1) * p->stride + (p->taps - 1) * p->dilation + 1;
}

/* Rows of x that a block of results needs, through the prologue, zeros where there is padding. */
static void fill_block(const product *p, size_t t0, size_t rows, char *out)
{
    static const tb_prologue none = {0};
    const size_t n = block_in(p, rows), size = p->bf16 ? 2 : 4, row_bytes = p->C * size;
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
    const float *x = p->x + (size_t)(from + (ptrdiff_t)first) * p->ldx;
    if (p->pro || p->bf16)
        p->k->prologue(p->pro ? p->pro : &none, x, p->ldx, last - first, p->C,
                       out + first * row_bytes, row_bytes, p->bf16);
    else
        for (size_t i = first; i < last; i++)
            memcpy(out + i * row_bytes, x + (i - first) * p->ldx, p->C * size);
}

/* A piece: some rows of x by some rows of weights. */
typedef struct {
    size_t t0, rows, n0, n1;
    const void *x; /* its first row, copied or where it lies */
    size_t ldx;    /* numbers from row to row */
    size_t taps, C;
    ptrdiff_t xoff[MAX_TAPS], woff[MAX_TAPS]; /* numbers */
    float *sums;
} part;

/* Few rows: the weights where they lie. Or block types, whose kernel turns them itself. */
static void multiply_few(const product *p, const part *s)
{
    const size_t row_bytes = tb_row_bytes(p->w->type, p->w->K);
    tb_dot d = {.x = s->x,
                .ldx = (ptrdiff_t)s->ldx,
                .type = p->w->type,
                .row_bytes = row_bytes,
                .taps = s->taps,
                .C = s->C,
                .xoff = s->xoff,
                .woff = s->woff,
                .y = s->sums,
                .ldy = (ptrdiff_t)p->columns};
    for (size_t n = s->n0; n < s->n1; n += p->columns) {
        const size_t cols = s->n1 - n < p->columns ? s->n1 - n : p->columns;
        d.w = (const char *)p->w->rows + n * row_bytes;
        if (p->pairs)
            p->k->dot_quant(&d, s->rows, cols);
        else
            (p->bf16 ? p->k->dot_bf16 : p->k->dot)(&d, s->rows, cols);
        p->k->epilogue(s->sums, p->columns, s->rows, cols, p->w->bias ? p->w->bias + n : NULL,
                       p->act, p->store, p->y + s->t0 * p->ldy + n, p->ldy);
    }
}

/* Many rows: a panel of the weights' columns for all of them, TB_PANEL_WORDS words at a time. */
static void multiply_many(const product *p, const part *s, float *panel)
{
    const size_t row_bytes = tb_row_bytes(p->w->type, p->w->K), per = p->bf16 ? 2 : 1;
    ptrdiff_t at[MAX_TAPS + 1];
    size_t len[MAX_TAPS + 1];
    tb_outer o = {.a = s->x,
                  .b = panel,
                  .lda = s->ldx / per,
                  .ldb = p->k->width,
                  .apart = TB_PANEL_APART * p->k->width,
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
            size_t some = (TB_PANEL_WORDS - words) * per;
            if (some > s->C - c) some = s->C - c;
            p->k->panel(p->w->type, w + tb_row_bytes(p->w->type, (size_t)s->woff[tap] + c),
                        row_bytes, cols, some, p->bf16, panel + words * p->k->width);
            at[o.parts] = (s->xoff[tap] + (ptrdiff_t)c) / (ptrdiff_t)per;
            len[o.parts++] = some / per;
            words += some / per;
            c += some;
            if (c == s->C) {
                tap++;
                c = 0;
            }
            if (words == TB_PANEL_WORDS || tap == s->taps) {
                if (tap == s->taps) {
                    o.out = p->y + s->t0 * p->ldy + n;
                    o.ldo = p->ldy;
                    o.cols = cols;
                    o.bias = p->w->bias ? p->w->bias + n : NULL;
                }
                p->k->outer(&o, s->rows, round_up(cols, p->k->width));
                o.into = TB_ADD;
                o.parts = words = 0;
            }
        }
    }
}

static void product_piece(void *op, size_t i, void *mine)
{
    const product *p = op;
    part s = {.t0 = i % p->blocks * p->rows, .n0 = i / p->blocks * p->N_piece};
    s.rows = p->T - s.t0 < p->rows ? p->T - s.t0 : p->rows;
    s.n1 = s.n0 + p->N_piece < p->w->N ? s.n0 + p->N_piece : p->w->N;
    float *panel = mine; /* (columns, TB_PANEL_APART) and the noise behind, for many rows */
    s.sums = panel + (p->many ? panel_size(p->k) : 0); /* (rows, columns) */
    float *block = s.sums + p->rows * p->columns;      /* (block_in, C) */

    s.taps = p->taps;
    s.C = p->C;
    if (p->pairs) {
        s.x = p->pairs + s.t0 * p->n_pairs;
        s.ldx = p->n_pairs;
    } else if (p->copy) {
        fill_block(p, s.t0, s.rows, (char *)block);
        s.x = block;
        s.ldx = p->stride * p->C;
    } else {
        s.x = p->x + s.t0 * p->stride * p->ldx;
        s.ldx = p->stride * p->ldx;
    }
    for (size_t j = 0; j < p->taps; j++) {
        s.xoff[j] = (ptrdiff_t)(j * p->dilation * p->C);
        s.woff[j] = (ptrdiff_t)((p->w_first + j * p->w_step) * p->C);
    }
    /* Neighbouring taps over neighbouring weights are one longer sum. */
    if (s.taps > 1 && p->dilation == 1 && p->w_step == 1 && p->ldx == p->C) {
        s.C *= s.taps;
        s.taps = 1;
    }
    if (p->many)
        multiply_many(p, &s, panel);
    else
        multiply_few(p, &s);
}

static void quantise_row(void *op, size_t t, void *mine)
{
    (void)mine;
    const product *p = op;
    p->k->quantise(p->w->type, p->x + t * p->ldx, p->C, p->pairs + t * p->n_pairs);
}

/* Pieces: blocks of rows, and parts of the results' columns where the blocks are too few for all.
 */
static size_t cut(product *p, size_t threads)
{
    const size_t wanted = threads > 1 ? threads * 2 : 1, least = p->many ? p->k->columns : FEW_N;
    const size_t most = (p->w->N + least - 1) / least;
    size_t blocks = (p->T + ROWS - 1) / ROWS;
    if (p->many && p->T >= wanted * LEAST_ROWS * 4) blocks = round_up(blocks, wanted);
    size_t parts = p->many ? (wanted + blocks - 1) / blocks : most;
    if (parts > most) parts = most;
    if (blocks * parts < wanted) blocks = (wanted + parts - 1) / parts;
    if (blocks * LEAST_ROWS > p->T) blocks = (p->T + LEAST_ROWS - 1) / LEAST_ROWS;
    p->rows = round_up((p->T + blocks - 1) / blocks, 6);
    if (p->rows > p->T) p->rows = p->T;
    p->blocks = (p->T + p->rows - 1) / p->rows;
    p->N_piece = round_up((p->w->N + parts - 1) / parts, least);
    return p->blocks * ((p->w->N + p->N_piece - 1) / p->N_piece);
}

static void multiply(const tb_nn *nn, product *p)
{
    if (p->T == 0 || p->w->N == 0) return;
    assert(p->taps <= MAX_TAPS);
    const size_t mark = tb_scratch_mark(nn->scratch);
    const bool blocks = p->w->type == TB_Q8_0 || p->w->type == TB_Q4_0;
    p->k = kernels();
    if (blocks && !p->w->exact && !p->many) {
        p->n_pairs = (p->C / TB_QUANT_BLOCK + 1) / 2;
        p->pairs = tb_scratch_bytes(nn->scratch, p->T * p->n_pairs * sizeof *p->pairs);
        spread(nn, p->T, (double)p->T * (double)p->C * 8, 0, quantise_row, p);
    }
    p->many = p->many || (p->T > TB_NN_FEW_ROWS && !p->pairs);
    p->bf16 = p->w->type == TB_BF16 && !p->w->exact && p->C % 2 == 0 && p->k->dot_bf16;
    p->copy = p->copy || p->bf16;
    const size_t pieces = cut(p, tb_pool_threads(nn->pool));
    p->columns = p->many ? p->k->columns : FEW_N;
    size_t floats = p->rows * p->columns;
    if (p->many) floats += panel_size(p->k);
    if (p->copy) floats += block_in(p, p->rows) * p->C;
    spread(nn, pieces, (double)p->T * (double)p->w->N * (double)p->w->K, floats * sizeof(float),
           product_piece, p);
    tb_scratch_release(nn->scratch, mark);
}

void tb_nn_linear(const tb_nn *nn, const tb_mat *w, const float *x, size_t ldx, size_t T,
                  tb_act act, tb_into store, float *y, size_t ldy)
{
    product p = {.w = w,
                 .C = w->K,
                 .taps = 1,
                 .stride = 1,
                 .dilation = 1,
                 .x = x,
                 .ldx = ldx,
                 .T_in = T,
                 .T = T,
                 .w_step = 1,
                 .act = act,
                 .store = store,
                 .y = y,
                 .ldy = ldy};
    multiply(nn, &p);
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

static bool does_nothing(const tb_prologue *pro)
{
    return !pro || (pro->act == TB_ACT_NONE && !pro->alpha && !pro->scale);
}

void tb_nn_conv(const tb_nn *nn, const tb_conv *c, const tb_prologue *pro, const float *x, size_t T,
                tb_act act, tb_into store, float *y)
{
    assert(c->w.K == c->k * c->C);
    bool plain = does_nothing(pro);
    product p = {.w = &c->w,
                 .C = c->C,
                 .taps = c->k,
                 .stride = at_least_one(c->stride),
                 .dilation = at_least_one(c->dilation),
                 .pad = (ptrdiff_t)c->pad_left,
                 .pro = plain ? NULL : pro,
                 .x = x,
                 .ldx = c->C,
                 .T_in = T,
                 .T = tb_conv_len(c, T),
                 .copy = !plain || c->pad_left || c->pad_right,
                 .many = true,
                 .w_step = 1,
                 .act = act,
                 .store = store,
                 .y = y,
                 .ldy = c->w.N};
    multiply(nn, &p);
}

size_t tb_conv_transpose_len(const tb_conv *c, size_t T)
{
    size_t full = (T - 1) * at_least_one(c->stride) + c->k;
    return T == 0 || full < 2 * c->pad_left ? 0 : full - 2 * c->pad_left;
}

/*
 * Result o gathers x[t] w[j] with t * stride + j = o + pad. Results with the same (o + pad) mod
 * stride use the same taps, j = phase, phase + stride, ...: each such phase is a convolution whose
 * taps run backwards in time, written to every stride-th row.
 */
void tb_nn_conv_transpose(const tb_nn *nn, const tb_conv *c, const tb_prologue *pro, const float *x,
                          size_t T, tb_into store, float *y)
{
    assert(c->w.K == c->k * c->C);
    const size_t u = at_least_one(c->stride), len = tb_conv_transpose_len(c, T);
    assert(c->k >= u); /* else results between the taps would be nobody's */
    for (size_t first = 0; first < u && first < len; first++) {
        const size_t phase = (first + c->pad_left) % u, q = (first + c->pad_left) / u;
        const size_t taps = (c->k - 1 - phase) / u + 1;
        /* Row m of this phase is o = first + m u; it sees x[q + m - i] by tap phase + i u. */
        product p = {.w = &c->w,
                     .C = c->C,
                     .taps = taps,
                     .stride = 1,
                     .dilation = 1,
                     .pad = (ptrdiff_t)(taps - 1) - (ptrdiff_t)q,
                     .pro = does_nothing(pro) ? NULL : pro,
                     .x = x,
                     .ldx = c->C,
                     .T_in = T,
                     .T = (len - first + u - 1) / u,
                     .copy = true,
                     .many = true,
                     .w_first = phase + (taps - 1) * u,
                     .w_step = (size_t)0 - u,
                     .act = TB_ACT_NONE,
                     .store = store,
                     .y = y + first * c->w.N,
                     .ldy = u * c->w.N};
        multiply(nn, &p);
    }
}

/* ---- attention ---- */

typedef struct {
    const tb_kernels *k;
    const tb_attention *a;
    const float *q;
    size_t ldq, Tq;
    tb_dtype type;
    const void *keys, *values;
    size_t ldkv, Tk;
    float *out;
    size_t ldo;
    size_t tiles, n, rel_n;  /* query tiles; padded numbers of keys and relative positions */
    size_t v_rows, together; /* heads of a piece, for a single query */
    bool half;               /* words of two bf16: half as many along d and along the keys */
    float *kt, *rt, *v;      /* per head: (d, n), (d, rel_n), (v_rows, d) */
} attention;

enum {
    TURNED = 64, /* keys that are made bf16 at a time */
    APART = 16,  /* numbers between rows of scores, so that they do not alias */
};

static size_t element(tb_dtype type)
{
    return type == TB_F32 ? 4 : 2;
}

/* One head's keys or relative rows, from x on, turned so that lanes run along them. */
static void turn_keys(const attention *a, const void *x, tb_dtype type, size_t ldx, size_t n,
                      size_t padded, void *mine, float *kt)
{
    const size_t d = a->a->d, words = a->half ? d / 2 : d;
    for (size_t c = 0; c < words; c++)
        memset(kt + c * padded + n, 0, (padded - n) * sizeof *kt);
    if (a->half) {
        static const tb_prologue none = {0};
        uint16_t *rows = mine; /* (SOME, d) */
        for (size_t j = 0; j < n; j += TURNED) {
            const size_t some = n - j < TURNED ? n - j : TURNED;
            a->k->prologue(&none, (const float *)x + j * ldx, ldx, some, d, rows, d * 2, true);
            a->k->turn_bf16(rows, some, d, kt + j, padded);
        }
        return;
    }
    for (size_t j = 0; j < n; j++) {
        const char *from = (const char *)x + j * ldx * element(type);
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
static void turn_head(void *op, size_t h, void *mine)
{
    attention *a = op;
    const size_t d = a->a->d, at = h * d, words = a->half ? d / 2 : d, size = element(a->type);
    turn_keys(a, (const char *)a->keys + at * size, a->type, a->ldkv, a->Tk, a->n, mine,
              a->kt + h * words * a->n);
    if (a->a->rel)
        turn_keys(a, a->a->rel + at, TB_F32, a->a->heads * d, 2 * a->Tk - 1, a->rel_n, mine,
                  a->rt + h * words * a->rel_n);
    if (a->half) {
        static const tb_prologue none = {0};
        uint16_t *two = mine; /* (2, d) */
        const float *v = (const float *)a->values + at;
        for (size_t j = 0; j < a->Tk; j += 2, v += 2 * a->ldkv) {
            const size_t some = a->Tk - j < 2 ? 1 : 2;
            if (some == 1) memset(two + d, 0, d * sizeof *two);
            a->k->prologue(&none, v, a->ldkv, some, d, two, d * 2, true);
            a->k->pair_bf16(two, two + d, d, a->v + (h * a->v_rows + j / 2) * d);
        }
    } else if (a->v) {
        for (size_t j = 0; j < a->Tk; j++)
            a->k->to_f32(a->type, (const char *)a->values + (j * a->ldkv + at) * size,
                         a->v + (h * a->v_rows + j) * d, d);
    }
}

/* scale * (q + bias) of some rows against turned keys. */
static void score_tile(const attention *a, const float *q, size_t rows, size_t head,
                       const float *bias, const float *kt, size_t ldk, size_t n, float *mine,
                       float *y, size_t wide)
{
    const size_t d = a->a->d;
    float *x = mine, *half = mine + TB_ATTEND_ROWS * d; /* (rows, d), (rows, d / 2) */
    a->k->epilogue(q + head * d, a->ldq, rows, d, bias ? bias + head * d : NULL, TB_ACT_NONE,
                   TB_SET, x, d);
    if (a->half) {
        static const tb_prologue none = {0};
        a->k->prologue(&none, x, d, rows, d, half, d * 2, true);
    }
    const size_t words = a->half ? d / 2 : d;
    const tb_outer o = {.a = a->half ? half : x,
                        .lda = words,
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
    a->k->outer(&o, rows, n);
}

static void attend_tile(void *op, size_t piece, void *mine)
{
    attention *a = op;
    const tb_attention *h = a->a;
    const size_t d = h->d, head = piece / a->tiles, i0 = piece % a->tiles * TB_ATTEND_ROWS;
    const size_t rows = a->Tq - i0 < TB_ATTEND_ROWS ? a->Tq - i0 : TB_ATTEND_ROWS;
    const size_t seen = h->causal ? h->past + i0 + rows : a->Tk; /* keys that any row sees */
    const size_t n = round_up(seen, 16), wide = round_up(a->Tk + TB_ATTEND_ROWS, 16) + APART;
    const size_t words = a->half ? d / 2 : d;
    float *score = mine;                                   /* (rows, wide) */
    float *far = score + TB_ATTEND_ROWS * wide;            /* (rows, wide) */
    float *q = far + (h->rel ? TB_ATTEND_ROWS * wide : 0); /* (rows, d) and halves */
    float scales[TB_ATTEND_ROWS];

    score_tile(a, a->q + i0 * a->ldq, rows, head, h->u_bias, a->kt + head * words * a->n, a->n, n,
               q, score, wide);
    if (h->rel) {
        /* Row i of the tile needs relative rows T-1-i .. 2T-2-i; the last row's come first. */
        const size_t first = a->Tk - 1 - (i0 + rows - 1);
        score_tile(a, a->q + i0 * a->ldq, rows, head, h->v_bias,
                   a->rt + head * words * a->rel_n + first, a->rel_n,
                   round_up(a->Tk + rows - 1, 16), q, far, wide);
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < a->Tk; j++)
                score[i * wide + j] += far[i * wide + (rows - 1 - i) + j];
    }
    for (size_t i = 0; i < rows; i++) {
        const size_t own = h->causal ? h->past + i0 + i + 1 : a->Tk;
        float *row = score + i * wide;
        scales[i] = 1.0f / a->k->exponentials(row, own, row, a->half);
        if (a->half)
            memset((uint16_t *)(void *)row + own, 0, (round_up(seen, 2) - own) * 2);
        else
            memset(row + own, 0, (seen - own) * sizeof *row);
    }
    const size_t K = a->half ? (seen + 1) / 2 : seen;
    const tb_outer o = {.a = score,
                        .lda = wide,
                        .parts = 1,
                        .at = &(ptrdiff_t){0},
                        .len = &K,
                        .apart = a->k->width,
                        .b = a->v ? a->v + head * a->v_rows * d
                                  : (const float *)a->values + head * d,
                        .ldb = a->v ? d : a->ldkv,
                        .scales = scales,
                        .bf16 = a->half,
                        .y = a->out + i0 * a->ldo + head * d,
                        .ldy = a->ldo};
    a->k->outer(&o, rows, d);
}

/* A single query, a step of T3: keys and values are read once, where they lie. */
static void attend_one(void *op, size_t piece, void *mine)
{
    attention *a = op;
    const tb_attention *h = a->a;
    const size_t d = h->d, size = element(a->type), head = piece * a->together;
    const size_t heads = h->heads - head < a->together ? h->heads - head : a->together;
    const size_t at = head * d * size, stride = a->ldkv * size;
    const size_t n = h->causal ? h->past + 1 : a->Tk, n0 = h->n0 < n ? h->n0 : n;
    const float *q = a->q + head * d;
    float *score = mine, *out = a->out + head * d; /* (heads, n), (heads, d) */
    if (n0)
        a->k->score_row(a->type, q, heads, d, (const char *)h->k0 + at, stride, n0, h->scale, score,
                        n);
    a->k->score_row(a->type, q, heads, d, (const char *)a->keys + at, stride, n - n0, h->scale,
                    score + n0, n);
    for (size_t i = 0; i < heads; i++)
        a->k->softmax(score + i * n, n);
    if (n0)
        a->k->mix_row(a->type, score, n, heads, n0, (const char *)h->v0 + at, stride, d, TB_SET,
                      out);
    a->k->mix_row(a->type, score + n0, n, heads, n - n0, (const char *)a->values + at, stride, d,
                  n0 ? TB_ADD : TB_SET, out);
}

/* Both parts side by side, for many queries, which read them often. */
static void attend_gathered(const tb_nn *nn, const attention *a)
{
    const size_t D = a->a->heads * a->a->d, size = element(a->type), n0 = a->a->n0;
    const size_t mark = tb_scratch_mark(nn->scratch);
    char *k = tb_scratch_bytes(nn->scratch, a->Tk * D * size);
    char *v = tb_scratch_bytes(nn->scratch, a->Tk * D * size);
    for (size_t j = 0; j < a->Tk; j++) {
        const size_t skip = (j < n0 ? j : j - n0) * a->ldkv * size;
        memcpy(k + j * D * size, (const char *)(j < n0 ? a->a->k0 : a->keys) + skip, D * size);
        memcpy(v + j * D * size, (const char *)(j < n0 ? a->a->v0 : a->values) + skip, D * size);
    }
    tb_attention whole = *a->a;
    whole.n0 = 0;
    tb_nn_attend(nn, &whole, a->q, a->ldq, a->Tq, a->type, k, v, D, a->Tk, a->out, a->ldo);
    tb_scratch_release(nn->scratch, mark);
}

void tb_nn_attend(const tb_nn *nn, const tb_attention *how, const float *q, size_t ldq, size_t Tq,
                  tb_dtype kv_type, const void *k, const void *v, size_t ldkv, size_t Tk,
                  float *out, size_t ldo)
{
    assert(kv_type == TB_F32 || kv_type == TB_F16 || kv_type == TB_BF16);
    assert(!how->causal || how->past + Tq <= Tk);
    assert(!how->rel || (Tq == Tk && !how->causal));
    if (Tq == 0) return;
    assert(how->n0 <= Tk);
    const size_t H = how->heads, d = how->d, mark = tb_scratch_mark(nn->scratch);
    attention a = {.k = kernels(),
                   .a = how,
                   .q = q,
                   .ldq = ldq,
                   .Tq = Tq,
                   .type = kv_type,
                   .keys = k,
                   .values = v,
                   .ldkv = ldkv,
                   .Tk = Tk,
                   .out = out,
                   .ldo = ldo};
    if (Tq == 1 && d % 16 == 0 && !how->rel) {
        /* A thread's heads are all together: a thousand bytes of each key, read in order. */
        const size_t pieces = tb_pool_threads(nn->pool);
        a.together = (H + pieces - 1) / pieces;
        spread(nn, (H + a.together - 1) / a.together, 2.0 * (double)(H * d) * (double)Tk,
               a.together * Tk * sizeof(float), attend_one, &a);
        return;
    }
    if (how->n0) {
        attend_gathered(nn, &a);
        return;
    }
    a.half = how->half && kv_type == TB_F32 && d % 16 == 0 && a.k->dot_bf16;
    a.tiles = (Tq + TB_ATTEND_ROWS - 1) / TB_ATTEND_ROWS;
    a.n = round_up(Tk, 16);
    a.rel_n = round_up(2 * Tk - 1, 16) + TB_ATTEND_ROWS + 16;
    a.v_rows = a.half ? (Tk + 1) / 2 : Tk;
    const size_t words = a.half ? d / 2 : d;
    a.kt = tb_scratch_f32(nn->scratch, H * words * a.n);
    if (how->rel) a.rt = tb_scratch_f32(nn->scratch, H * words * a.rel_n);
    if (kv_type != TB_F32 || a.half) a.v = tb_scratch_f32(nn->scratch, H * a.v_rows * d);
    spread(nn, H, (double)H * (double)d * (double)Tk, TURNED * d * sizeof(float), turn_head, &a);
    size_t each =
        (round_up(Tk + TB_ATTEND_ROWS, 16) + APART) * TB_ATTEND_ROWS * (how->rel ? 2 : 1) +
        TB_ATTEND_ROWS * d * 2;
    spread(nn, H * a.tiles, 2.0 * (double)(H * d) * (double)Tk * (double)Tq, each * sizeof(float),
           attend_tile, &a);
    tb_scratch_release(nn->scratch, mark);
}

/* ---- element by element ---- */

enum { PIECE = 1 << 14 }; /* numbers of a piece */

typedef struct {
    const tb_kernels *k;
    const float *x, *gain, *bias;
    float eps, *y;
    size_t T, C, rows;
    const tb_prologue *pro;
    tb_act act;
    tb_into store;
    size_t taps;
} rowwise;

static size_t rows_of_piece(size_t C)
{
    return C >= PIECE ? 1 : PIECE / C;
}

static void over_rows(const tb_nn *nn, rowwise *r, double cost,
                      void (*piece)(void *, size_t, void *))
{
    if (r->T == 0 || r->C == 0) return;
    r->k = kernels();
    r->rows = rows_of_piece(r->C);
    spread(nn, (r->T + r->rows - 1) / r->rows, cost * (double)r->T * (double)r->C, 0, piece, r);
}

static void range_of(const rowwise *r, size_t i, size_t *t0, size_t *t1)
{
    *t0 = i * r->rows;
    *t1 = *t0 + r->rows < r->T ? *t0 + r->rows : r->T;
}

static void norm_piece(void *op, size_t i, void *mine)
{
    (void)mine;
    const rowwise *r = op;
    size_t t0, t1;
    range_of(r, i, &t0, &t1);
    r->k->layer_norm(r->gain, r->bias, r->eps, r->x + t0 * r->C, t1 - t0, r->C, r->y + t0 * r->C);
}

void tb_nn_layer_norm(const tb_nn *nn, const float *gain, const float *bias, float eps,
                      const float *x, size_t T, size_t C, float *y)
{
    rowwise r = {.x = x, .gain = gain, .bias = bias, .eps = eps, .y = y, .T = T, .C = C};
    over_rows(nn, &r, 4, norm_piece);
}

static void act_piece(void *op, size_t i, void *mine)
{
    (void)mine;
    const rowwise *r = op;
    size_t t0, t1;
    range_of(r, i, &t0, &t1);
    r->k->epilogue(r->x + t0 * r->C, r->C, t1 - t0, r->C, r->bias, r->act, r->store,
                   r->y + t0 * r->C, r->C);
}

void tb_nn_act(const tb_nn *nn, tb_act act, const float *x, size_t n, float *y)
{
    rowwise r = {.x = x, .y = y, .T = n, .C = 1, .act = act, .store = TB_SET};
    if (n % 16 == 0) { /* rows that fill vectors */
        r.T = n / 16;
        r.C = 16;
    } else {
        r.T = 1;
        r.C = n;
    }
    over_rows(nn, &r, 10, act_piece);
}

static void pro_piece(void *op, size_t i, void *mine)
{
    (void)mine;
    const rowwise *r = op;
    size_t t0, t1;
    range_of(r, i, &t0, &t1);
    r->k->prologue(r->pro, r->x + t0 * r->C, r->C, t1 - t0, r->C, r->y + t0 * r->C,
                   r->C * sizeof *r->y, false);
}

void tb_nn_prologue(const tb_nn *nn, const tb_prologue *pro, const float *x, size_t T, size_t C,
                    float *y)
{
    rowwise r = {.x = x, .y = y, .T = T, .C = C, .pro = pro};
    over_rows(nn, &r, 10, pro_piece);
}

void tb_nn_add(const tb_nn *nn, const float *x, size_t n, float *y)
{
    rowwise r = {.x = x, .y = y, .T = 1, .C = n, .act = TB_ACT_NONE, .store = TB_ADD};
    if (n % 16 == 0) {
        r.T = n / 16;
        r.C = 16;
    }
    over_rows(nn, &r, 1, act_piece);
}

static void add_row_piece(void *op, size_t i, void *mine)
{
    (void)mine;
    const rowwise *r = op;
    size_t t0, t1;
    range_of(r, i, &t0, &t1);
    r->k->epilogue(r->bias, 0, t1 - t0, r->C, NULL, TB_ACT_NONE, TB_ADD, r->y + t0 * r->C, r->C);
}

void tb_nn_add_row(const tb_nn *nn, const float *row, size_t T, size_t C, float *y)
{
    rowwise r = {.bias = row, .y = y, .T = T, .C = C};
    over_rows(nn, &r, 1, add_row_piece);
}

void tb_nn_scale(const tb_nn *nn, float a, size_t n, float *y)
{
    (void)nn; /* memory-bound and rare: not worth a thread */
    for (size_t i = 0; i < n; i++)
        y[i] *= a;
}

static void depthwise_piece(void *op, size_t i, void *mine)
{
    (void)mine;
    const rowwise *r = op;
    size_t t0, t1;
    range_of(r, i, &t0, &t1);
    r->k->depthwise(r->gain, r->taps, r->x, r->T, r->C, t0, t1, r->store, r->y);
}

void tb_nn_depthwise(const tb_nn *nn, const float *w, size_t k, const float *x, size_t T, size_t C,
                     tb_into store, float *y)
{
    size_t mark = tb_scratch_mark(nn->scratch);
    float *turned = tb_scratch_f32(nn->scratch, k * C); /* (k, C): lanes run along channels */
    for (size_t c = 0; c < C; c++)
        for (size_t j = 0; j < k; j++)
            turned[j * C + c] = w[c * k + j];
    rowwise r = {.x = x, .gain = turned, .y = y, .T = T, .C = C, .taps = k, .store = store};
    over_rows(nn, &r, (double)k, depthwise_piece);
    tb_scratch_release(nn->scratch, mark);
}
