/* The table of one instruction set's kernels, and the peak-rate loop of the roofline. */
#include "nn/simd/vector.h"

/* Independent sums, more than needed to hide the latency; all operands in registers. */
double KERNEL(peak)(tb_dtype type, size_t times)
{
    enum { SUMS = REGISTERS == 32 ? 16 : 12 };
    if (type == TB_F32) {
        vf sum[SUMS], a = splat(0.5f), b = splat(0.25f);
        for (int i = 0; i < SUMS; i++)
            sum[i] = splat((float)i);
        for (size_t k = 0; k < times; k++)
            for (int i = 0; i < SUMS; i++)
                sum[i] = multiply_add(false, b, sum[i], a);
        for (int i = 1; i < SUMS; i++)
            sum[0] += sum[i];
        /* The result is finite whatever happens: a compiler cannot know that and keeps the sums. */
        return hsum(sum[0]) < INFINITY ? 2.0 * VW * SUMS * (double)times : 0;
    }
    if (type == TB_Q8_0) {
        vi sum[SUMS], x = splat_int(0x01010101);
        for (int i = 0; i < SUMS; i++)
            sum[i] = splat_int(i);
        for (size_t k = 0; k < times; k++)
            for (int i = 0; i < SUMS; i++)
                sum[i] =
                    dot4(sum[i], sum[i], x); /* depends on itself: the loop cannot be removed */
        for (int i = 1; i < SUMS; i++)
            sum[0] += sum[i];
        return sum[0][0] != INT32_MIN ? 8.0 * VW * SUMS * (double)times : 0;
    }
#if defined(TB_ISA_BF16)
    if (type == TB_BF16) {
        /* Twice 0.504: of 0.5 gcc 12 makes half-precision numbers on Arm. */
        vf sum[SUMS], a = (vf)splat_int(0x3f013f01);
        for (int i = 0; i < SUMS; i++)
            sum[i] = splat(0);
        for (size_t k = 0; k < times; k++)
            for (int i = 0; i < SUMS; i++)
                sum[i] = multiply_add(true, sum[i], a, a);
        for (int i = 1; i < SUMS; i++)
            sum[0] += sum[i];
        return hsum(sum[0]) < INFINITY ? 4.0 * VW * SUMS * (double)times : 0;
    }
#endif
    return 0;
}

const tb_kernels PASTE(tb_kernels_, TB_ISA) = {
    .name = STRING(TB_ISA),
    .width = VW,
    .columns = GEMM_VECTORS * VW,
    .gemv = KERNEL(gemv),
#if defined(TB_ISA_BF16)
    .gemv_bf16 = KERNEL(gemv_bf16),
#endif
    .pack_panel = KERNEL(pack_panel),
    .gemv_quant = KERNEL(gemv_quant),
    .quantise = KERNEL(quantise),
    .to_f32 = KERNEL(to_f32),
    .to_f16 = KERNEL(to_f16),
    .epilogue = KERNEL(epilogue),
    .prologue = KERNEL(prologue),
    .layer_norm = KERNEL(layer_norm),
    .softmax = KERNEL(softmax),
    .softmax_block = KERNEL(softmax_block),
    .gemm = KERNEL(gemm),
#if defined(TB_ISA_BF16)
    .transpose_bf16 = KERNEL(transpose_bf16),
    .interleave_bf16 = KERNEL(interleave_bf16),
#endif
    .query_scores = KERNEL(query_scores),
    .weighted_values = KERNEL(weighted_values),
    .depthwise = KERNEL(depthwise),
    .peak = KERNEL(peak),
};
