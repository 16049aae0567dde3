/*
 * How near the compute core comes to what this machine allows. The yardsticks are measured in the
 * same run: how fast memory is read, how many multiplications a second the vector units do from
 * register to register. Each line is the best of a second's worth of runs, as a share of its
 * yardstick: on a busy machine the best is what the code can do, the rest is the others' doing.
 *
 *   bench-nn [threads [word [set]]]    only the lines that have the word in them ("" for all);
 *                                      "generic", "avx2", ...: as if the CPU had no more
 */
#include "base/counter.h"
#include "base/mem.h"
#include "nn/ops.h"
#include "nn/roofline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_RUNS = 7 };
static const double ENOUGH_S = 1;

static const char *wanted; /* NULL: all lines */

static bool again(tb_timing *t)
{
    return tb_timing_again(t, LEAST_RUNS, ENOUGH_S);
}

static bool skipped(const char *name, const char *type)
{
    char line[160];
    snprintf(line, sizeof line, "%s %s", name, type);
    return wanted && !strstr(line, wanted);
}

static float *noise(size_t n)
{
    float *x = tb_alloc(n * sizeof *x);
    uint64_t s = tb_counter_stream("bench");
    for (size_t i = 0; i < n; i++)
        x[i] = tb_counter_weight(s, i & 0xffff, 0, 1);
    return x;
}

/* ---- what the networks do ---- */

static void linear(const tb_nn *nn, const char *name, tb_dtype type, size_t T, size_t N, size_t K,
                   double rate, double bandwidth)
{
    if (skipped(name, tb_dtype_name(type))) return;
    /* Enough copies that a step's weights come from memory, as they do in T3. */
    size_t bytes = N * tb_row_bytes(type, K), copies = T < 24 ? (256u << 20) / bytes + 1 : 1;
    float *x = noise(T * K), *w = noise(N * K), *y = tb_alloc(T * N * sizeof *y);
    char *rows = tb_alloc(bytes * copies);
    tb_from_f32(type, w, rows, N * K);
    for (size_t c = 1; c < copies; c++)
        memcpy(rows + c * bytes, rows, bytes);
    tb_timing t = {0};
    while (again(&t)) {
        for (size_t c = 0; c < copies; c++) {
            tb_mat m = {.type = type, .N = N, .K = K, .rows = rows + c * bytes};
            tb_nn_linear(nn, &m, x, K, T, TB_ACT_NONE, TB_SET, y, N);
        }
    }
    const double best = t.best_s / (double)copies;
    double flops = 2.0 * (double)T * (double)N * (double)K / best, read = (double)bytes / best;
    printf(
        "{\"what\":\"%s\",\"type\":\"%s\",\"gflops\":%.1f,\"share_of_rate\":%.2f,\"gbytes\":%.1f,"
        "\"share_of_read\":%.2f}\n",
        name, tb_dtype_name(type), flops / 1e9, flops / rate, read / 1e9, read / bandwidth);
    fflush(stdout);
    tb_free(x);
    tb_free(w);
    tb_free(y);
    tb_free(rows);
}

static void conv(const tb_nn *nn, const char *name, tb_dtype type, size_t T, size_t C, size_t k,
                 size_t dilation, bool snake, double rate)
{
    if (skipped(name, tb_dtype_name(type))) return;
    float *x = noise(T * C), *w = noise(C * k * C), *y = tb_alloc(T * C * sizeof *y);
    float *alpha = noise(C);
    for (size_t c = 0; c < C; c++)
        alpha[c] = 1;
    void *rows = tb_alloc(C * tb_row_bytes(type, k * C));
    tb_from_f32(type, w, rows, C * k * C);
    tb_conv c = {.w = {.type = type, .N = C, .K = k * C, .rows = rows},
                 .k = k,
                 .C = C,
                 .dilation = dilation,
                 .pad_left = (k - 1) * dilation / 2,
                 .pad_right = (k - 1) * dilation / 2};
    tb_prologue pro = {.alpha = alpha};
    tb_timing t = {0};
    while (again(&t))
        tb_nn_conv(nn, &c, snake ? &pro : NULL, x, T, TB_ACT_NONE, TB_SET, y);
    const double best = t.best_s;
    double flops = 2.0 * (double)T * (double)(C * k * C) / best;
    printf("{\"what\":\"%s\",\"type\":\"%s\",\"gflops\":%.1f,\"share_of_rate\":%.2f}\n", name,
           tb_dtype_name(type), flops / 1e9, flops / rate);
    fflush(stdout);
    tb_free(x);
    tb_free(w);
    tb_free(y);
    tb_free(alpha);
    tb_free(rows);
}

static void attention(const tb_nn *nn, size_t T, size_t heads, bool half, double rate)
{
    enum { D = 64 };
    const char *type = half ? "bf16" : "f32";
    if (skipped("attention", type)) return;
    float *qkv = noise(T * heads * D * 3), *y = tb_alloc(T * heads * D * sizeof *y);
    tb_attention a = {.heads = heads, .d = D, .scale = 0.125f, .bf16 = half};
    tb_timing t = {0};
    while (again(&t))
        tb_nn_attention(nn, &a, qkv, heads * D * 3, T, TB_F32, qkv + heads * D, qkv + 2 * heads * D,
                        heads * D * 3, T, y, heads * D);
    const double best = t.best_s;
    double flops = 4.0 * (double)T * (double)T * (double)(heads * D) / best;
    printf("{\"what\":\"attention T=%zu H=%zu\",\"type\":\"%s\",\"gflops\":%.1f,"
           "\"share_of_rate\":%.2f}\n",
           T, heads, type, flops / 1e9, flops / rate);
    fflush(stdout);
    tb_free(qkv);
    tb_free(y);
}

int main(int argc, char **argv)
{
    size_t threads = argc > 1 ? (size_t)atoi(argv[1]) : 2;
    tb_thread_pool *pool = NULL;
    tb_err err = {0};
    if (threads < 1 || threads > 256 || tb_thread_pool_new(threads, &pool, &err)) {
        fprintf(stderr, "bench-nn: %s\n", err.msg[0] ? err.msg : "threads: 1 to 256");
        return 2;
    }
    wanted = argc > 2 ? argv[2] : NULL;
    if (argc > 3 && !tb_nn_use_isa(argv[3])) {
        fprintf(stderr, "bench-nn: this CPU has no %s\n", argv[3]);
        tb_thread_pool_free(pool);
        return 2;
    }
    tb_nn nn = {.pool = pool, .scratch = tb_scratch_new()};
    double read = tb_roofline_bandwidth(pool), f32 = tb_roofline_compute(pool, TB_F32);
    double bf16 = tb_roofline_compute(pool, TB_BF16);
    if (bf16 == 0) bf16 = f32; /* without the instruction it is f32's work */
    printf("{\"isa\":\"%s\",\"threads\":%zu,\"read_gbytes\":%.1f,\"f32_gflops\":%.1f,"
           "\"bf16_gflops\":%.1f}\n",
           tb_nn_isa(), threads, read / 1e9, f32 / 1e9, bf16 / 1e9);
    for (tb_dtype t = TB_F32; t <= TB_Q4_0; t++) {
        linear(&nn, "T3 step, one speaker: 4096 x 1024", t, 1, 4096, 1024, f32, read);
        linear(&nn, "T3 step, one speaker: 1024 x 4096", t, 1, 1024, 4096, f32, read);
        linear(&nn, "T3 step, one speaker: 1024 x 1024", t, 1, 1024, 1024, f32, read);
        linear(&nn, "T3 step, eight speakers: 4096 x 1024", t, 8, 4096, 1024, f32, read);
        linear(&nn, "T3 prefill: 376 rows, 4096 x 1024", t, 376, 4096, 1024,
               t == TB_BF16 ? bf16 : f32, read);
    }
    for (tb_dtype t = TB_F32; t <= TB_BF16; t++) {
        double rate = t == TB_BF16 ? bf16 : f32;
        linear(&nn, "flow: 1000 rows, 1024 x 256", t, 1000, 1024, 256, rate, read);
        linear(&nn, "flow: 1000 rows, 512 x 256", t, 1000, 512, 256, rate, read);
        conv(&nn, "HiFT 256 channels k 7 d 3", t, 4000, 256, 7, 3, true, rate);
        conv(&nn, "HiFT 128 channels k 11 d 5", t, 20000, 128, 11, 5, true, rate);
        conv(&nn, "HiFT 64 channels k 7 d 3", t, 60000, 64, 7, 3, true, rate);
        conv(&nn, "HiFT 64 channels k 3 d 1", t, 60000, 64, 3, 1, true, rate);
    }
    attention(&nn, 1000, 8, false, f32);
    attention(&nn, 1000, 8, true, bf16);
    attention(&nn, 375, 16, false, f32);
    tb_scratch_free(nn.scratch);
    tb_thread_pool_free(pool);
    return 0;
}
