/*
 * Tests of the operations against plain C in every instruction set: activations, matmul,
 * convolutions, attention.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops_help.h"

/* Each operation against plain C, in every instruction set, with sizes that fill no vector. */

static void close_to(const float *got, const double *want, size_t n, double tolerance,
                     const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)got[i] - want[i]) <= tolerance))
            fail_msg("%s (%s): number %zu is %.9g, the twin says %.9g", what, tb_nn_isa(), i,
                     (double)got[i], want[i]);
}

static void activations_follow_their_formulas(void **state)
{
    bench *b = *state;
    enum { N = 40001 };
    float *x = tb_alloc(N * sizeof *x), *y = tb_alloc(N * sizeof *y);
    double *want = tb_alloc(N * sizeof *want);
    for (size_t i = 0; i < N; i++)
        x[i] = ((float)i - N / 2) / 700.0f; /* -28.6 .. 28.6 */
    const float far[] = {-88, 88, -104, 104, -1e4f, 1e4f, -1e30f, 1e30f};
    memcpy(x, far, sizeof far);
    for (int s = 0; s < SETS; s++) {
        if (!tb_nn_use_isa(sets[s])) continue;
        for (tb_act a = TB_ACT_NONE; a <= TB_ACT_SIGMOID; a++) {
            tb_nn_act(&b->nn, a, x, N, y);
            for (size_t i = 0; i < N; i++) {
                double u = (double)x[i];
                want[i] = act(a, u);
                /* 4e-7 of the number's own size, where f32 itself rounds by 1.2e-7 of it. */
                double tolerance = 4e-7 * fmax(1, fabs(u));
                if (fabs((double)y[i] - want[i]) > tolerance)
                    fail_msg("%s: act %d of %g is %.9g, not %.9g", sets[s], (int)a, u, (double)y[i],
                             want[i]);
            }
        }
    }
    tb_free(x);
    tb_free(y);
    tb_free(want);
}

static void snake_reduces_large_angles(void **state)
{
    bench *b = *state;
    enum { T = 300, C = 37 };
    float *x = noise("x", T * C, 30), *y = tb_alloc(T * C * sizeof *y), alpha[C];
    double *want = tb_alloc(T * C * sizeof *want);
    for (size_t c = 0; c < C; c++)
        alpha[c] = powf(10, -3.0f + 5.0f * (float)c / C); /* angles up to 6000 */
    for (size_t i = 0; i < T * C; i++) {
        double a = (double)alpha[i % C], u = (double)x[i];
        want[i] = u + pow(sin((double)(alpha[i % C] * x[i])), 2) / (a + 1e-9);
    }
    for (int s = 0; s < SETS; s++) {
        if (!tb_nn_use_isa(sets[s])) continue;
        tb_nn_prologue(&b->nn, &(tb_prologue){.alpha = alpha}, x, T, C, y);
        for (size_t i = 0; i < T * C; i++) {
            double tolerance = 6e-6 + 4e-6 / (double)alpha[i % C];
            if (fabs((double)y[i] - want[i]) > tolerance)
                fail_msg("%s: snake of %g (alpha %g) is %.9g, not %.9g", sets[s], (double)x[i],
                         (double)alpha[i % C], (double)y[i], want[i]);
        }
    }
    tb_free(x);
    tb_free(y);
    tb_free(want);
}

static void twin_linear(const float *w, const float *bias, const float *x, size_t ldx, size_t T,
                        size_t N, size_t K, tb_act a, const float *add, double *y)
{
    for (size_t t = 0; t < T; t++)
        for (size_t n = 0; n < N; n++) {
            double s = bias ? (double)bias[n] : 0;
            for (size_t k = 0; k < K; k++)
                s += (double)x[t * ldx + k] * (double)w[n * K + k];
            y[t * N + n] = act(a, s) + (add ? (double)add[t * N + n] : 0);
        }
}

/* x as the products with block types see it: per 32 numbers bytes and one scale. */
static void in_bytes(const float *x, size_t ldx, size_t T, size_t K, float *out)
{
    for (size_t t = 0; t < T; t++)
        for (size_t b = 0; b < K; b += TB_QUANT_BLOCK) {
            const float *from = x + t * ldx + b;
            float most = 0;
            for (size_t c = 0; c < TB_QUANT_BLOCK; c++)
                most = fmaxf(most, fabsf(from[c]));
            const float inverse = 127 / most, d = most / 127;
            for (size_t c = 0; c < TB_QUANT_BLOCK; c++)
                out[t * K + b + c] = d * (float)nearbyint((double)from[c] * (double)inverse);
        }
}

static void linear_layers_of_every_type(void **state)
{
    bench *b = *state;
    const struct {
        size_t T, N, K;
        float size; /* of the weights */
    } sizes[] = {{1, 1, 1, 0.5f},      {1, 67, 96, 0.5f},  {7, 50, 33, 0.5f},    {13, 4, 64, 0.5f},
                 {130, 96, 352, 0.5f}, {3, 700, 32, 0.5f}, {15, 40, 1056, 0.5f}, {1, 16, 512, 0.5f},
                 {1, 150, 1056, 0.5f}, /* more than a piece, and rests everywhere */
                 {1, 40, 320, 1e-3f}, /* scales of blocks below the normal ones of half precision */
                 {9, 40, 320, 1e-3f}, /* the same for more rows */
                 {70, 70, 1100, 0.5f}, /* more than a panel of words of two, and a rest */
                 {790, 5, 64, 0.5f}};
    for (size_t z = 0; z < sizeof sizes / sizeof sizes[0]; z++) {
        const size_t T = sizes[z].T, N = sizes[z].N, K = sizes[z].K, ldx = K + 3;
        float *w = noise("w", N * K, sizes[z].size), *bias = noise("b", N, 1);
        float *x = noise("x", T * ldx, 1);
        float *add = noise("a", T * N, 1), *y = tb_alloc(T * N * sizeof *y);
        float *rounded = tb_alloc(N * K * sizeof *rounded), *coarse = tb_alloc(T * K * sizeof *x);
        double *want = tb_alloc(T * N * sizeof *want), *rough = tb_alloc(T * N * sizeof *rough);
        for (tb_dtype type = TB_F32; type <= TB_Q4_0; type++) {
            const bool blocks = type == TB_Q8_0 || type == TB_Q4_0;
            if (blocks && K % TB_QUANT_BLOCK) continue;
            char *rows = tb_alloc(N * tb_row_bytes(type, K));
            for (size_t n = 0; n < N; n++) {
                tb_from_f32(type, w + n * K, rows + n * tb_row_bytes(type, K), K);
                tb_to_f32(type, rows + n * tb_row_bytes(type, K), rounded + n * K, K);
            }
            tb_mat m = {.type = type, .N = N, .K = K, .rows = rows, .bias = bias};
            twin_linear(rounded, bias, x, ldx, T, N, K, TB_ACT_SILU, add, want);
            if (blocks) {
                in_bytes(x, ldx, T, K, coarse);
                twin_linear(rounded, bias, coarse, K, T, N, K, TB_ACT_SILU, add, rough);
            }
            for (int s = 0; s < SETS; s++) {
                if (!tb_nn_use_isa(sets[s])) continue;
                for (int exact = 0; exact < 2; exact++) {
                    m.exact = exact;
                    memcpy(y, add, T * N * sizeof *y);
                    tb_nn_linear(&b->nn, &m, x, ldx, T, TB_ACT_SILU, TB_ADD, y, N);
                    /* bf16 rounds x as well: 2^-9 of each of K products of size ~0.17 */
                    bool half = type == TB_BF16 && !exact && strstr(sets[s], "bf16");
                    close_to(y, blocks && !exact ? rough : want, T * N,
                             half ? 2e-3 * sqrt((double)K) : 2e-6 * sqrt((double)K) + 2e-6,
                             tb_dtype_name(type));
                }
            }
            tb_free(rows);
        }
        tb_free(w);
        tb_free(bias);
        tb_free(x);
        tb_free(add);
        tb_free(y);
        tb_free(rounded);
        tb_free(coarse);
        tb_free(want);
        tb_free(rough);
    }
}

static void convolutions_with_and_without_everything(void **state)
{
    bench *b = *state;
    const struct {
        size_t T, C, N, k, stride, dilation, left, right;
    } cases[] = {
        {50, 16, 8, 3, 1, 1, 2, 0},      {37, 20, 33, 7, 1, 5, 15, 15},
        {300, 18, 16, 30, 15, 1, 7, 7},  {10, 5, 3, 4, 1, 1, 0, 3},
        {64, 48, 17, 1, 1, 1, 0, 0},     {41, 7, 9, 5, 2, 1, 2, 2},
        {500, 64, 64, 11, 1, 3, 15, 15}, {3, 32, 4, 11, 1, 1, 5, 5},
    };
    for (size_t z = 0; z < sizeof cases / sizeof cases[0]; z++) {
        const size_t T = cases[z].T, C = cases[z].C, N = cases[z].N, k = cases[z].k;
        float *w = noise("w", N * k * C, 0.4f), *bias = noise("b", N, 1), *x = noise("x", T * C, 1);
        float *scale = noise("s", C, 1), *shift = noise("t", C, 1);
        tb_conv c = {.w = {.type = TB_F32, .N = N, .K = k * C, .rows = w, .bias = bias},
                     .k = k,
                     .C = C,
                     .stride = cases[z].stride,
                     .dilation = cases[z].dilation,
                     .pad_left = cases[z].left,
                     .pad_right = cases[z].right};
        tb_prologue pro = {.act = TB_ACT_LRELU_01, .scale = scale, .shift = shift};
        const size_t L = tb_conv_len(&c, T);
        float *y = tb_alloc(L * N * sizeof *y);
        double *want = tb_alloc(L * N * sizeof *want);
        for (int with = 0; with < 2; with++) {
            for (size_t o = 0; o < L; o++)
                for (size_t n = 0; n < N; n++) {
                    double s = (double)bias[n];
                    for (size_t j = 0; j < k; j++) {
                        ptrdiff_t t =
                            (ptrdiff_t)(o * c.stride + j * c.dilation) - (ptrdiff_t)c.pad_left;
                        if (t < 0 || t >= (ptrdiff_t)T) continue;
                        for (size_t i = 0; i < C; i++) {
                            double u = (double)x[(size_t)t * C + i];
                            if (with)
                                u = act(TB_ACT_LRELU_01, u * (double)scale[i] + (double)shift[i]);
                            s += u * (double)w[(n * k + j) * C + i];
                        }
                    }
                    want[o * N + n] = act(TB_ACT_MISH, s);
                }
            for (int s = 0; s < SETS; s++) {
                if (!tb_nn_use_isa(sets[s])) continue;
                tb_nn_conv(&b->nn, &c, with ? &pro : NULL, x, T, TB_ACT_MISH, TB_SET, y);
                close_to(y, want, L * N, 2e-6 * sqrt((double)(k * C)) + 3e-6, "conv");
            }
        }
        tb_free(w);
        tb_free(bias);
        tb_free(x);
        tb_free(scale);
        tb_free(shift);
        tb_free(y);
        tb_free(want);
    }
}

static void transposed_convolutions(void **state)
{
    bench *b = *state;
    const struct {
        size_t T, C, N, k, stride, pad;
    } cases[] = {{9, 16, 8, 16, 8, 4},
                 {13, 12, 20, 11, 5, 3},
                 {31, 8, 4, 7, 3, 2},
                 {1, 3, 5, 4, 2, 1}};
    for (size_t z = 0; z < sizeof cases / sizeof cases[0]; z++) {
        const size_t T = cases[z].T, C = cases[z].C, N = cases[z].N, k = cases[z].k;
        float *w = noise("w", N * k * C, 0.4f), *bias = noise("b", N, 1), *x = noise("x", T * C, 1);
        tb_conv c = {.w = {.type = TB_F32, .N = N, .K = k * C, .rows = w, .bias = bias},
                     .k = k,
                     .C = C,
                     .stride = cases[z].stride,
                     .pad_left = cases[z].pad};
        const size_t L = tb_conv_transpose_len(&c, T);
        assert_int_equal(L, (T - 1) * c.stride + k - 2 * c.pad_left);
        float *y = tb_alloc(L * N * sizeof *y);
        double *want = tb_alloc(L * N * sizeof *want);
        for (size_t o = 0; o < L * N; o++)
            want[o] = (double)bias[o % N];
        for (size_t t = 0; t < T; t++)
            for (size_t j = 0; j < k; j++) {
                ptrdiff_t o = (ptrdiff_t)(t * c.stride + j) - (ptrdiff_t)c.pad_left;
                if (o < 0 || o >= (ptrdiff_t)L) continue;
                for (size_t n = 0; n < N; n++)
                    for (size_t i = 0; i < C; i++)
                        want[(size_t)o * N + n] += act(TB_ACT_LRELU_01, (double)x[t * C + i]) *
                                                   (double)w[(n * k + j) * C + i];
            }
        for (int s = 0; s < SETS; s++) {
            if (!tb_nn_use_isa(sets[s])) continue;
            tb_nn_conv_transpose(&b->nn, &c, &(tb_prologue){.act = TB_ACT_LRELU_01}, x, T, TB_SET,
                                 y);
            close_to(y, want, L * N, 1e-5, "transposed conv");
        }
        tb_free(w);
        tb_free(bias);
        tb_free(x);
        tb_free(y);
        tb_free(want);
    }
}

static void attention_of_each_kind(void **state)
{
    bench *b = *state;
    const struct {
        size_t T, H, d, past;
        bool causal, rel;
        tb_dtype type;
        float grow; /* of keys, from one to the next: scores become larger and larger */
    } cases[] = {
        {1, 2, 64, 0, false, false, TB_F32, 0},
        {61, 3, 64, 0, false, false, TB_F32, 0},
        {50, 2, 16, 0, false, true, TB_F32, 0},
        {75, 2, 64, 0, false, true, TB_F32, 0},
        {33, 2, 64, 0, true, false, TB_F32, 0},
        {29, 4, 64, 40, true, false, TB_F16, 0},
        {1, 4, 64, 99, true, false, TB_F16, 0},
        {1, 2, 12, 7, true, false, TB_F32, 0},
        /* More keys than are looked at together, and a few more or fewer than twice as many. */
        {530, 1, 64, 0, false, true, TB_F32, 0},
        {40, 2, 64, 1030, true, false, TB_F16, 0},
        {1030, 1, 12, 0, true, false, TB_F32, 0},
        {1025, 1, 32, 0, false, false, TB_F32, 0.05f},
        {600, 1, 64, 0, true, false, TB_F32, 0.05f},
    };
    for (size_t z = 0; z < sizeof cases / sizeof cases[0]; z++) {
        const size_t Tq = cases[z].T, H = cases[z].H, d = cases[z].d, D = H * d;
        const size_t Tk = Tq + cases[z].past;
        float *q = noise("q", Tq * D, 2), *kv = noise("kv", Tk * 2 * D, 2);
        float *r = noise("r", (2 * Tk - 1) * D, 1), *u = noise("u", D, 1), *v = noise("v", D, 1);
        float *out = tb_alloc(Tq * D * sizeof *out);
        double *want = tb_alloc(Tq * D * sizeof *want), *p = tb_alloc(Tk * sizeof *p);
        char *stored = tb_alloc(Tk * 2 * tb_row_bytes(cases[z].type, D));
        const float grow = cases[z].grow;
        /* The twin's arithmetic is exact, ours is off by 2^-24 of the largest scores, about 100. */
        const double tolerance = grow > 0 ? 1e-4 : 1e-5;
        if (grow > 0) { /* numbers that bf16 does not round any more */
            uint16_t *half = tb_alloc((Tk * 2 + Tq) * D * sizeof *half);
            for (size_t i = 0; i < Tk * 2 * D; i++)
                kv[i] *= 1 + grow * (float)(i / (2 * D));
            tb_from_f32(TB_BF16, kv, half, Tk * 2 * D);
            tb_to_f32(TB_BF16, half, kv, Tk * 2 * D);
            tb_from_f32(TB_BF16, q, half, Tq * D);
            tb_to_f32(TB_BF16, half, q, Tq * D);
            for (size_t j = 0; j < Tk; j++) /* values stay as they were */
                for (size_t c = D; c < 2 * D; c++)
                    kv[j * 2 * D + c] = c % 2 ? 0.5f : (float)(j % 7);
            tb_free(half);
        }
        tb_from_f32(cases[z].type, kv, stored, Tk * 2 * D);
        tb_to_f32(cases[z].type, stored, kv, Tk * 2 * D);
        tb_attention a = {
            .heads = H, .d = d, .scale = 0.125f, .causal = cases[z].causal, .past = cases[z].past};
        if (cases[z].rel) {
            a.rel = r;
            a.u_bias = u;
            a.v_bias = v;
        }
        for (size_t i = 0; i < Tq; i++)
            for (size_t h = 0; h < H; h++) {
                double top = -(double)INFINITY, sum = 0;
                size_t seen = a.causal ? a.past + i + 1 : Tk;
                for (size_t j = 0; j < seen; j++) {
                    p[j] = 0;
                    for (size_t c = 0; c < d; c++) {
                        size_t at = h * d + c;
                        double x = (double)q[i * D + at], key = (double)kv[j * 2 * D + at];
                        p[j] += (x + (a.rel ? (double)u[at] : 0)) * key;
                        if (a.rel)
                            p[j] += (x + (double)v[at]) * (double)r[(Tk - 1 - i + j) * D + at];
                    }
                    p[j] *= 0.125;
                    top = fmax(top, p[j]);
                }
                for (size_t j = 0; j < seen; j++)
                    sum += p[j] = exp(p[j] - top);
                for (size_t c = 0; c < d; c++) {
                    double s = 0;
                    for (size_t j = 0; j < seen; j++)
                        s += p[j] * (double)kv[j * 2 * D + D + h * d + c];
                    want[i * D + h * d + c] = s / sum;
                }
            }
        for (int s = 0; s < SETS; s++) {
            if (!tb_nn_use_isa(sets[s])) continue;
            tb_nn_attention(&b->nn, &a, q, D, Tq, cases[z].type, stored,
                            stored + tb_row_bytes(cases[z].type, D), 2 * D, Tk, out, D);
            close_to(out, want, Tq * D, tolerance, "attention");
            /* The same bits when the beginning lies elsewhere. */
            if (cases[z].past > 3) {
                const size_t row = 2 * tb_row_bytes(cases[z].type, D), n0 = cases[z].past - 3;
                float *apart = tb_alloc(Tq * D * sizeof *apart);
                char *begin = tb_alloc(n0 * row);
                memcpy(begin, stored, n0 * row);
                a.prefix_k = begin;
                a.prefix_v = begin + tb_row_bytes(cases[z].type, D);
                a.prefix_len = n0;
                tb_nn_attention(&b->nn, &a, q, D, Tq, cases[z].type, stored + n0 * row,
                                stored + n0 * row + tb_row_bytes(cases[z].type, D), 2 * D, Tk,
                                apart, D);
                assert_memory_equal(apart, out, Tq * D * sizeof *apart);
                /* And when each head has a place of its own, as in a cache. */
                const size_t part = tb_row_bytes(cases[z].type, d), room = Tk + 5;
                char *heads0 = tb_alloc(2 * H * (n0 + 1) * part);
                char *heads = tb_alloc(2 * H * room * part);
                for (size_t side = 0; side < 2; side++)
                    for (size_t h = 0; h < H; h++)
                        for (size_t j = 0; j < Tk; j++) {
                            char *to = j < n0 ? heads0 + ((side * H + h) * (n0 + 1) + j) * part
                                              : heads + ((side * H + h) * room + j - n0) * part;
                            memcpy(to, stored + j * row + side * row / 2 + h * part, part);
                        }
                a.prefix_k = heads0;
                a.prefix_v = heads0 + H * (n0 + 1) * part;
                a.prefix_ldh = (n0 + 1) * d;
                a.ldh = room * d;
                tb_nn_attention(&b->nn, &a, q, D, Tq, cases[z].type, heads, heads + H * room * part,
                                d, Tk, apart, D);
                assert_memory_equal(apart, out, Tq * D * sizeof *apart);
                a.prefix_ldh = a.ldh = 0;
                tb_free(heads0);
                tb_free(heads);
                a.prefix_len = 0;
                tb_free(begin);
                tb_free(apart);
            }
            /* Rounding q, k, p and v to 8 bits moves scores by 4e-3 and results by as much again;
             * where there is no instruction for it nothing is rounded. */
            a.bf16 = true;
            tb_nn_attention(&b->nn, &a, q, D, Tq, cases[z].type, stored,
                            stored + tb_row_bytes(cases[z].type, D), 2 * D, Tk, out, D);
            close_to(out, want, Tq * D, strstr(sets[s], "bf16") ? 3e-2 : tolerance,
                     "attention in bf16");
            a.bf16 = false;
        }
        tb_free(q);
        tb_free(kv);
        tb_free(r);
        tb_free(u);
        tb_free(v);
        tb_free(out);
        tb_free(want);
        tb_free(p);
        tb_free(stored);
    }
}

static void norms_and_depthwise(void **state)
{
    bench *b = *state;
    enum { T = 90, C = 45, K = 31 };
    float *x = noise("x", T * C, 3), *g = noise("g", C, 1), *s = noise("s", C, 1);
    float *w = noise("w", C * K, 1), *y = tb_alloc(T * C * sizeof *y);
    double *want = tb_alloc(T * C * sizeof *want);
    for (int set = 0; set < SETS; set++) {
        if (!tb_nn_use_isa(sets[set])) continue;
        for (size_t t = 0; t < T; t++) {
            double mean = 0, var = 0;
            for (size_t c = 0; c < C; c++)
                mean += (double)x[t * C + c] / C;
            for (size_t c = 0; c < C; c++)
                var += pow((double)x[t * C + c] - mean, 2) / C;
            for (size_t c = 0; c < C; c++)
                want[t * C + c] =
                    ((double)x[t * C + c] - mean) / sqrt(var + 1e-5) * (double)g[c] + (double)s[c];
        }
        tb_nn_layer_norm(&b->nn, g, s, 1e-5f, x, T, C, y);
        close_to(y, want, T * C, 2e-6, "layer norm");
        for (size_t t = 0; t < T; t++)
            for (size_t c = 0; c < C; c++) {
                want[t * C + c] = (double)x[t * C + c];
                for (size_t j = 0; j < K; j++)
                    if (t + j >= 15 && t + j - 15 < T)
                        want[t * C + c] += (double)w[c * K + j] * (double)x[(t + j - 15) * C + c];
            }
        memcpy(y, x, T * C * sizeof *y);
        tb_nn_depthwise(&b->nn, w, K, x, T, C, TB_ADD, y);
        close_to(y, want, T * C, 2e-5, "depthwise");
    }
    tb_free(x);
    tb_free(g);
    tb_free(s);
    tb_free(w);
    tb_free(y);
    tb_free(want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_follow_their_formulas),
        cmocka_unit_test(snake_reduces_large_angles),
        cmocka_unit_test(linear_layers_of_every_type),
        cmocka_unit_test(convolutions_with_and_without_everything),
        cmocka_unit_test(transposed_convolutions),
        cmocka_unit_test(attention_of_each_kind),
        cmocka_unit_test(norms_and_depthwise),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
