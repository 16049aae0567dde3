#ifndef TB_NN_SIMD_MATHS_H
#define TB_NN_SIMD_MATHS_H

#include "nn/simd/vector.h"

/* Vector mathematics: exp, tanh, GELU, sin^2 and the activations. Error bounds:
 * tests/nn/test_ops.c. The _short ones are good to the eight bits of bf16. Polynomials "of our
 * own" are Chebyshev fits. */

#define LOG2_E 1.44269504f

/* e^x: x = n ln 2 + r, |r| <= ln 2 / 2, Taylor to r^7 (remainder 5e-9). 0 below -87.3 and e^87
 * above 87, so that neither the result nor its reciprocal is denormal, which CPUs handle slowly. */
ALWAYS_INLINE vf vexp(vf x)
{
#if TB_VW == 16
    const __mmask16 some = _mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(-87.3f), _CMP_NLT_UQ);
    x = vmin(splat(87.0f), x); /* NaN stays NaN */
    const vf n = (vf)_mm512_roundscale_ps(_mm512_mul_ps((__m512)x, _mm512_set1_ps(LOG2_E)),
                                          _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
    const vi tiny = (vi)(x < splat(-87.3f));
    x = vmin(vmax(x, splat(-87.3f)), splat(87.0f));
    const vf magic = splat(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
    vf n = fmadd(x, splat(LOG2_E), magic);
    const vi k = (vi)n << 23;
    n -= magic;
#endif
    vf r = fmadd(n, splat(-0x1.62e0p-1f), x); /* 12 bits of ln 2: n times it is exact */
    r = fmadd(n, splat(-0x1.0bfbe8p-15f), r);
    vf p = splat(1.0f / 5040);
    p = fmadd(p, r, splat(1.0f / 720));
    p = fmadd(p, r, splat(1.0f / 120));
    p = fmadd(p, r, splat(1.0f / 24));
    p = fmadd(p, r, splat(1.0f / 6));
    p = fmadd(p, r, splat(0.5f));
    p = fmadd(p, r, splat(1.0f));
    p = fmadd(p, r, splat(1.0f));
#if TB_VW == 16
    return (vf)_mm512_maskz_scalef_ps(some, (__m512)p, (__m512)n);
#else
    return select_lanes(tiny, splat(0), (vf)((vi)p + k));
#endif
}

ALWAYS_INLINE vf vsigmoid(vf x)
{
    return 1.0f / (1.0f + vexp(-x));
}

/* An odd polynomial below 0.64, where (e - 1) / (e + 1) would cancel. */
ALWAYS_INLINE vf vtanh(vf x)
{
    vf a = vmin(vabs(x), splat(10.0f)), z = x * x;
    vf p = splat(-0.00554759149f);
    p = fmadd(p, z, splat(0.0204901434f));
    p = fmadd(p, z, splat(-0.0536898188f));
    p = fmadd(p, z, splat(0.133307382f));
    p = fmadd(p, z, splat(-0.333332449f));
    p = fmadd(p, z, splat(1.0f));
    vf big = 1.0f - 2.0f / (vexp(a + a) + 1.0f);
    big = (vf)((vi)big | ((vi)x & (int32_t)0x80000000));
    return select_lanes((vi)(a < splat(0.64f)), x * p, big);
}

/*
 * x Phi(x) = max(x, 0) - |x| Phi(-|x|), and Phi(-a) = e^-Q(a): one polynomial for all a, a fit of
 * our own (Chebyshev, in double, weighted by what an error does to the result), 1e-7 of max(1, |x|)
 * off at most. Behind 5 sqrt 2 nothing is left of it.
 */
ALWAYS_INLINE vf vgelu(vf x)
{
    const vf a = vabs(x), c = vmin(a, splat(7.0710678f));
    vf q = splat(1.74478411e-07f);
    q = fmadd(q, c, splat(-2.67899613e-06f));
    q = fmadd(q, c, splat(-7.83177255e-06f));
    q = fmadd(q, c, splat(0.000491979605f));
    q = fmadd(q, c, splat(-0.00554267644f));
    q = fmadd(q, c, splat(0.0369803299f));
    q = fmadd(q, c, splat(0.318009157f));
    q = fmadd(q, c, splat(0.797951234f));
    q = fmadd(q, c, splat(0.693142247f));
    return fmadd(a, -vexp(-q), vmax(x, splat(0)));
}

/* sin(x)^2, |x| up to 1e4: x = n pi + r by three parts of pi, of which the first two times n are
 * exact. */
ALWAYS_INLINE vf vsin2(vf x)
{
    vf magic = splat(12582912.0f);
    vf n = fmadd(x, splat(0.318309886f), magic);
    n -= magic;
    vf r = fmadd(n, splat(-0x1.92p+1f), x);
    r = fmadd(n, splat(-0x1.fb4p-11f), r);
    r = fmadd(n, splat(-0x1.4442d2p-23f), r);
    vf z = r * r;
    vf p = splat(-2.38666473e-08f);
    p = fmadd(p, z, splat(2.75240063e-06f));
    p = fmadd(p, z, splat(-0.000198408365f));
    p = fmadd(p, z, splat(0.00833333097f));
    p = fmadd(p, z, splat(-0.166666672f));
    p = fmadd(p, z, splat(1.0f));
    p *= r;
    return p * p;
}

/* As vsin2, for a result of eight bits: a fit of our own to sin(sqrt z)^2, off by 3e-5 at most, and
 * pi in one part, which at |x| = 1e4 is off by 3e-4. */
ALWAYS_INLINE vf vsin2_short(vf x)
{
    vf magic = splat(12582912.0f);
    vf n = fmadd(x, splat(0.318309886f), magic);
    n -= magic;
    vf r = fmadd(n, splat(-3.14159274f), x);
    vf z = r * r;
    vf p = splat(-0.00242302078f);
    p = fmadd(p, z, splat(0.0429534204f));
    p = fmadd(p, z, splat(-0.332144260f));
    p = fmadd(p, z, splat(0.999703169f));
    return p * z;
}

ALWAYS_INLINE vf vact(tb_act act, vf x)
{
    switch (act) {
    case TB_ACT_NONE:
        return x;
    case TB_ACT_RELU:
        return vmax(x, splat(0));
    case TB_ACT_LRELU_01:
        return vmax(x, x * 0.1f);
    case TB_ACT_LRELU_001:
        return vmax(x, x * 0.01f);
    case TB_ACT_GELU_TANH:
        /* (1 + tanh u) / 2 is the sigmoid of 2 u. */
        return x * vsigmoid(x * fmadd(x * x, splat(0.0713548163f), splat(1.5957691216f)));
    case TB_ACT_GELU_ERF:
        return vgelu(x);
    case TB_ACT_SILU:
        return x * vsigmoid(x);
    case TB_ACT_MISH: {
        /* tanh(ln(1 + e)) = (e^2 + 2e) / (e^2 + 2e + 2) */
        vf e = vexp(vmin(x, splat(20.0f))), a = e * (e + 2.0f);
        return select_lanes((vi)(x > splat(20.0f)), x, x * (a / (a + 2.0f)));
    }
    case TB_ACT_ELU:
        return select_lanes((vi)(x > splat(0)), x, vexp(vmin(x, splat(0))) - 1.0f);
    case TB_ACT_TANH:
        return vtanh(x);
    case TB_ACT_SIGMOID:
        return vsigmoid(x);
    }
    return x;
}

#if defined(TB_ISA_BF16) && TB_VW == 16
/* 2^y for y below 100 and a result of eight bits: a fit of our own to 2^r, 0 <= r < 1, is off by
 * 8e-5 of it at most. */
ALWAYS_INLINE vf vexp2_short(vf y)
{
    const vf r = (vf)_mm512_reduce_ps((__m512)y, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    vf p = splat(0.0780245226f);
    p = fmadd(p, r, splat(0.226067155f));
    p = fmadd(p, r, splat(0.69583354f));
    p = fmadd(p, r, splat(0.999925219f));
    return (vf)_mm512_scalef_ps((__m512)p, (__m512)y); /* times 2 to what r was taken from */
}
#endif

/* e^(x - top), for a result of eight bits. */
ALWAYS_INLINE vf vexp_short(vf x, float top)
{
#if defined(TB_ISA_BF16) && TB_VW == 16
    return vexp2_short(fmadd(x, splat(LOG2_E), splat(-top * LOG2_E)));
#else
    return vexp(x - top);
#endif
}

/* As vgelu, for a result of eight bits: 2^-Q with a shorter Q, 1e-4 off. */
ALWAYS_INLINE vf vgelu_short(vf x)
{
#if defined(TB_ISA_BF16) && TB_VW == 16
    const vf a = vabs(x), c = vmin(a, splat(5.65685425f));
    vf q = splat(0.003786421f);
    q = fmadd(q, c, splat(-0.0436878383f));
    q = fmadd(q, c, splat(-0.468640519f));
    q = fmadd(q, c, splat(-1.14700028f));
    q = fmadd(q, c, splat(-1.00054483f));
    return fmadd(a, -vexp2_short(q), vmax(x, splat(0)));
#else
    return vgelu(x);
#endif
}

/* The activations that there are shorter ones of, for a result of eight bits. */
ALWAYS_INLINE vf vact_short(tb_act act, vf x)
{
    if (act == TB_ACT_GELU_ERF) return vgelu_short(x);
#if defined(TB_ISA_BF16) && TB_VW == 16
    if (act == TB_ACT_SILU) {
        /* x below -87 times a number that is not quite zero: nothing in bf16 either way. */
        const vf e = vexp2_short(vmin(x * -LOG2_E, splat(126.0f)));
        return x * (vf)_mm512_rcp14_ps((__m512)(1.0f + e)); /* 1 / it, 6e-5 of it off */
    }
#endif
    return vact(act, x);
}

#endif
