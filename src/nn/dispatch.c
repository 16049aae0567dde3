/*
 * Run-time dispatch: which instruction set's kernels this CPU gets. The kernels of simd/ are
 * compiled once per set; the best one that the CPU supports is chosen at the first use and stays
 * the same for the life of the process, so that a seed gives the same speech every time. Tests and
 * benchmarks may restrict it (tb_nn_use_isa).
 */
#include "nn/kernels_priv.h"

#include <stdatomic.h>
#include <string.h>

#if defined(TB_HAVE_NEON_KERNELS) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(TB_HAVE_NEON_KERNELS) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

#if defined(TB_HAVE_NEON_KERNELS)
/* Whether the CPU has dot products of int8, or of bf16. */
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
    /* On Intel a bf16 dot product takes four times as long as on AMD, and twice as long as the same
     * in f32. Decided by the vendor, not by a measurement: a seed must give the same speech again.
     */
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

/* Set once and the same for all threads; tests change it while nothing runs. */
static const tb_kernels *_Atomic chosen;

const tb_kernels *tb_kernels_here(void)
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
    return tb_kernels_here()->name;
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
    return tb_kernels_here()->peak(type, times);
}
