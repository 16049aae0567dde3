/*
 * Operations are the same for a row in any batch, chunk or thread; the pool and the scratch arena.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops_help.h"

/* What does not depend on company: rows, chunks, threads; halves between products; scratch memory.
 */

static void same_halves(const char *what, tb_rows got, const float *want, size_t T, size_t C)
{
    uint16_t *w = tb_alloc(T * C * 2);
    tb_from_f32(TB_BF16, want, w, T * C);
    for (size_t t = 0; t < T; t++)
        for (size_t c = 0; c < C; c++) {
            const uint16_t *row = tb_rows_from(got, t * got.ld).data;
            if (row[c] != w[t * C + c])
                fail_msg("%s (%s): row %zu of %zu, column %zu is %04x, not %04x", what, tb_nn_isa(),
                         t, T, c, row[c], w[t * C + c]);
        }
    tb_free(w);
}

/* What goes between products in bf16 is what the next one would have made of f32: the same bits. */
static void rows_between_products_are_rounded_once(void **state)
{
    bench *b = *state;
    const size_t sizes[] = {1, 5, TB_NN_GEMV_ROWS, 77, 300};
    enum { N = 74, K = 320, H = 3, D = H * 32 };
    size_t tried = 0;
    for (int set = 0; set < SETS; set++) {
        float *wide = noise("w", N * K, 0.1f), *bias = noise("bias", N, 1);
        uint16_t stored[N * K];
        tb_from_f32(TB_BF16, wide, stored, N * K);
        const tb_mat w = {.type = TB_BF16, .N = N, .K = K, .rows = stored, .bias = bias};
        if (tb_nn_use_isa(sets[set]) && tb_nn_matmul_type(&w) == TB_BF16) {
            tried++;
            for (size_t z = 0; z < sizeof sizes / sizeof sizes[0]; z++) {
                const size_t T = sizes[z];
                float *x = noise("x", T * K, 3), *g = noise("g", K, 1), *s = noise("s", K, 1);
                float *y = tb_alloc(T * N * sizeof *y), *y2 = tb_alloc(T * N * sizeof *y2);
                float *normed = tb_alloc(T * K * sizeof *normed);
                const tb_rows half = rounded(x, T, K), out = rounded(x, T, N);
                for (tb_act a = TB_ACT_NONE; a <= TB_ACT_SILU; a++) {
                    tb_nn_linear(&b->nn, &w, x, K, T, a, TB_SET, y, N);
                    tb_nn_linear(&b->nn, &w, x, K, T, TB_ACT_NONE, TB_SET, y2, N);
                    for (size_t i = 0; i < T * N; i++) { /* a tenth of what eight bits tell apart */
                        const double u = (double)y2[i], v = act(a, u);
                        if (fabs((double)y[i] - v) > 2e-4 * fmax(1, fabs(u)))
                            fail_msg("%s: act %d of %g is %g, not %g", sets[set], (int)a, u,
                                     (double)y[i], v);
                    }
                    tb_nn_linear_rows(&b->nn, &w, half, T, a, TB_SET, out);
                    same_halves("linear", out, y, T, N);
                    tb_nn_linear_rows(&b->nn, &w, half, T, a, TB_SET, tb_rows_f32(y2, N));
                    assert_memory_equal(y2, y, T * N * sizeof *y);
                    tb_nn_linear(&b->nn, &w, x, K, T, a, TB_ADD, y, N);
                    tb_nn_linear_rows(&b->nn, &w, half, T, a, TB_ADD, tb_rows_f32(y2, N));
                    assert_memory_equal(y2, y, T * N * sizeof *y);
                }
                tb_nn_layer_norm(&b->nn, g, s, 1e-5f, x, T, K, normed);
                tb_nn_layer_norm_rows(&b->nn, g, s, 1e-5f, x, T, K, half);
                same_halves("layer norm", half, normed, T, K);

                /* x as q, k, v side by side. */
                float *rel = noise("rel", (2 * T - 1) * D, 1), *u = noise("u", D, 1);
                tb_attention at = {.heads = H, .d = D / H, .scale = 0.2f, .bf16 = true};
                const tb_rows q = tb_rows_f32(x, K), k = tb_rows_from(q, D);
                const tb_rows hq = rounded(x, T, K), hk = tb_rows_from(hq, D);
                const tb_rows hr = rounded(rel, 2 * T - 1, D);
                const void *v = tb_rows_from(k, D).data, *hv = tb_rows_from(hk, D).data;
                const tb_rows to = {TB_BF16, half.data, D}, fo = tb_rows_f32(normed, D);
                if (T > 1) { /* a single query is never rounded, but where it comes so */
                    tb_nn_attention_rows(&b->nn, &at, q, T, k, v, T, fo);
                    tb_nn_attention_rows(&b->nn, &at, hq, T, hk, hv, T, to);
                    same_halves("attention", to, normed, T, D);
                    at.u_bias = at.v_bias = u;
                    at.rel = rel;
                    tb_nn_attention_rows(&b->nn, &at, q, T, k, v, T, fo);
                    at.rel = hr.data;
                    tb_nn_attention_rows(&b->nn, &at, q, T, hk, hv, T, to);
                    same_halves("relative attention", to, normed, T, D);
                } else {
                    tb_nn_attention_rows(&b->nn, &at, hq, T, hk, hv, T, to);
                    tb_to_f32(TB_BF16, hv, normed, D); /* all of the attention is on one value */
                    same_halves("attention", to, normed, T, D);
                }
                tb_free(rel);
                tb_free(u);
                tb_free(hq.data);
                tb_free(hr.data);
                tb_free(x);
                tb_free(g);
                tb_free(s);
                tb_free(y);
                tb_free(y2);
                tb_free(normed);
                tb_free(half.data);
                tb_free(out.data);
            }
        }
        tb_free(wide);
        tb_free(bias);
    }
    if (!tried) skip();
}

static void numbers_become_halves_as_everywhere(void **state)
{
    (void)state;
    enum { N = 70 };
    uint16_t got[N];
    float x[N] = {0,       -0.0f,    65504,     65519.9f,        65520,
                  -1e9f,   INFINITY, -INFINITY, 6.1e-5f,         5.9e-8f,
                  2.9e-8f, 3e-8f,    1e-30f,    -1.00048828125f, 1.00146484375f};
    for (size_t i = 15; i < N; i++)
        x[i] = ldexpf(tb_counter_weight(tb_counter_stream("halves"), i, 0, 1), (int)(i % 40) - 28);
    for (int s = 0; s < SETS; s++) {
        if (!tb_nn_use_isa(sets[s])) continue;
        for (size_t n = 0; n <= N; n += 7) {
            memset(got, 0x55, sizeof got);
            tb_nn_to_f16(x, n, got);
            for (size_t i = 0; i < N; i++)
                assert_int_equal(got[i], i < n ? tb_f32_to_f16(x[i]) : 0x5555);
        }
    }
}

static void a_row_is_the_same_in_any_company(void **state)
{
    bench *b = *state;
    tb_nn alone = {.scratch = b->nn.scratch};
    enum { T = TB_NN_GEMV_ROWS, N = 130, K = 320 };
    float *w = noise("w", N * K, 0.5f), *x = noise("x", T * K, 1);
    float *together = tb_alloc(T * N * sizeof *together), one[N];
    for (tb_dtype type = TB_F32; type <= TB_Q4_0; type++) {
        char *rows = tb_alloc(N * tb_row_bytes(type, K));
        for (size_t n = 0; n < N; n++)
            tb_from_f32(type, w + n * K, rows + n * tb_row_bytes(type, K), K);
        tb_mat m = {.type = type, .N = N, .K = K, .rows = rows};
        for (int s = 0; s < SETS; s++) {
            if (!tb_nn_use_isa(sets[s])) continue;
            for (size_t n = 1; n <= T; n++) {
                tb_nn_linear(&b->nn, &m, x, K, n, TB_ACT_GELU_TANH, TB_SET, together, N);
                for (size_t t = 0; t < n; t += 5) {
                    tb_nn_linear(&alone, &m, x + t * K, K, 1, TB_ACT_GELU_TANH, TB_SET, one, N);
                    assert_memory_equal(one, together + t * N, sizeof one);
                }
            }
        }
        tb_free(rows);
    }
    tb_free(w);
    tb_free(x);
    tb_free(together);
}

/* A chunk of a convolution is the whole's, and threads change no bit. */
static void a_frame_is_the_same_in_a_chunk(void **state)
{
    bench *b = *state;
    tb_nn alone = {.scratch = b->nn.scratch};
    enum { T = 900, C = 24, N = 70, K = 5, NEED = K - 1 };
    float *w = noise("w", N * K * C, 0.5f), *x = noise("x", T * C, 1);
    float *whole = tb_alloc(T * N * sizeof *whole), *chunk = tb_alloc(T * N * sizeof *chunk);
    static const size_t some[] = {1, 7, 31, 40, 500};
    for (tb_dtype type = TB_F32; type <= TB_BF16; type++) {
        char *rows = tb_alloc(N * tb_row_bytes(type, K * C));
        tb_from_f32(type, w, rows, N * K * C);
        tb_conv c = {.w = {.type = type, .N = N, .K = K * C, .rows = rows}, .k = K, .C = C};
        for (int s = 0; s < SETS; s++) {
            if (!tb_nn_use_isa(sets[s])) continue;
            tb_nn_conv(&b->nn, &c, NULL, x, T, TB_ACT_SILU, TB_SET, whole);
            for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
                const size_t from = 3 + i;
                tb_nn_conv(&alone, &c, NULL, x + from * C, some[i] + NEED, TB_ACT_SILU, TB_SET,
                           chunk);
                assert_memory_equal(chunk, whole + from * N, some[i] * N * sizeof *chunk);
            }
        }
        tb_free(rows);
    }
    tb_free(w);
    tb_free(x);
    tb_free(whole);
    tb_free(chunk);
}

static void count(void *self, size_t i)
{
    __atomic_fetch_add(&((int *)self)[i], 1, __ATOMIC_RELAXED);
}

static void a_pool_does_each_piece_once(void **state)
{
    (void)state;
    /* With a core for every thread they look for work before they sleep; with fewer they do not. */
    for (size_t threads = 1; threads <= 3; threads++) {
        tb_thread_pool *pool;
        assert_int_equal(tb_thread_pool_new(threads, &pool, NULL), TB_OK);
        for (size_t n = 0; n < 200; n++) {
            int times[200] = {0};
            tb_thread_pool_for(pool, n, count, times);
            for (size_t i = 0; i < 200; i++)
                assert_int_equal(times[i], i < n);
            if (n % 50 == 49) usleep(1000); /* to sleep */
        }
        tb_thread_pool_free(pool);
    }
}

typedef struct {
    tb_thread_pool *pool;
    int times[64];
    pthread_t thread;
} one_of_many;

static void *loops(void *self)
{
    one_of_many *m = self;
    for (size_t k = 0; k < 2000; k++)
        tb_thread_pool_for(m->pool, 1 + k % 64, count, m->times);
    return NULL;
}

/* Several callers at once, each with loops on its stack that are gone a moment later. */
static void callers_do_not_mix(void **state)
{
    (void)state;
    for (size_t threads = 2; threads <= 3; threads++)
        for (size_t callers = 1; callers <= 4; callers++) {
            one_of_many many[4];
            tb_thread_pool *pool;
            assert_int_equal(tb_thread_pool_new(threads, &pool, NULL), TB_OK);
            for (size_t i = 0; i < callers; i++) {
                many[i] = (one_of_many){.pool = pool};
                assert_int_equal(pthread_create(&many[i].thread, NULL, loops, &many[i]), 0);
            }
            for (size_t i = 0; i < callers; i++) {
                pthread_join(many[i].thread, NULL);
                int sum = 0, want = 0;
                for (int j = 0; j < 64; j++)
                    sum += many[i].times[j];
                for (int k = 0; k < 2000; k++)
                    want += 1 + k % 64;
                assert_int_equal(sum, want);
            }
            tb_thread_pool_free(pool);
        }
}

static void scratch_is_a_stack_of_places(void **state)
{
    (void)state;
    tb_scratch *s = tb_scratch_new();
    size_t empty = tb_scratch_mark(s);
    float *a = tb_scratch_f32(s, 10);
    size_t mark = tb_scratch_mark(s);
    float *large = tb_scratch_f32(s, 5 << 20);
    a[9] = 1;
    large[(5 << 20) - 1] = 2;
    assert_int_equal((uintptr_t)large % 64, 0);
    tb_scratch_release(s, mark);
    assert_ptr_equal(tb_scratch_f32(s, 1 << 20) == large, true);
    assert_true(a[9] == 1);
    tb_scratch_release(s, empty);
    assert_ptr_equal(tb_scratch_f32(s, 10), a);
    tb_scratch_release(s, empty);
    tb_scratch_trim(s);
    assert_non_null(tb_scratch_f32(s, 3));
    tb_scratch_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_between_products_are_rounded_once),
        cmocka_unit_test(numbers_become_halves_as_everywhere),
        cmocka_unit_test(a_row_is_the_same_in_any_company),
        cmocka_unit_test(a_frame_is_the_same_in_a_chunk),
        cmocka_unit_test(a_pool_does_each_piece_once),
        cmocka_unit_test(callers_do_not_mix),
        cmocka_unit_test(scratch_is_a_stack_of_places),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
