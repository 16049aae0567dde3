#ifndef TB_NN_SIMD_MATHS_H
#define TB_NN_SIMD_MATHS_H

#include "nn/simd/vector.h"

/* ---- vector maths; the errors are those of tests/unit/test_ops.c ---- */

/* e^x: x = n ln 2 + r, |r| <= ln 2 / 2, Taylor to r^7 (remainder 5e-9). Below -87.3 it is 0, above
 * 88 it is e^88. */
ALWAYS_INLINE vf vexp(vf x)
{
    vi tiny = (vi)(x < splat(-87.3f));
    x = vmin(vmax(x, splat(-87.3f)), splat(88.0f));
    vf magic = splat(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
    vf n = x * 1.44269504f + magic;
    vi k = (vi)n << 23;
    n -= magic;
    vf r = x - n * 0x1.62e0p-1f; /* 12 bits of ln 2: n times it is exact */
    r -= n * 0x1.0bfbe8p-15f;
    vf p = splat(1.0f / 5040);
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return pick(tiny, splat(0), (vf)((vi)p + k));
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
    p = p * z + 0.0204901434f;
    p = p * z - 0.0536898188f;
    p = p * z + 0.133307382f;
    p = p * z - 0.333332449f;
    p = p * z + 1.0f;
    vf big = 1.0f - 2.0f / (vexp(a + a) + 1.0f);
    big = (vf)((vi)big | ((vi)x & (int32_t)0x80000000));
    return pick((vi)(a < splat(0.64f)), x * p, big);
}

/* Fits of our own (Chebyshev, in double): x P(x^2) below 1; above, erfc = e^-Q(|x|). */
ALWAYS_INLINE vf verf(vf x)
{
    vf a = vmin(vabs(x), splat(4.0f)), z = a * a;
    vf p = splat(-9.67357028e-06f);
    p = p * z + 0.000112682472f;
    p = p * z - 0.00084843958f;
    p = p * z + 0.00522105349f;
    p = p * z - 0.0268654376f;
    p = p * z + 0.112837829f;
    p = p * z - 0.376126379f;
    p = p * z + 1.12837923f;
    vf q = splat(-1.61024036e-06f);
    q = q * a + 4.55127702e-05f;
    q = q * a - 0.000592092751f;
    q = q * a + 0.00473695062f;
    q = q * a - 0.0263551213f;
    q = q * a + 0.109960802f;
    q = q * a + 0.63195622f;
    q = q * a + 1.13015509f;
    q = q * a - 0.000300268788f;
    vf big = 1.0f - vexp(-q);
    big = (vf)((vi)big | ((vi)x & (int32_t)0x80000000));
    return pick((vi)(a < splat(1.0f)), x * p, big);
}

/* sin(x)^2, |x| up to 1e4: x = n pi + r by three parts of pi, of which the first two times n are
 * exact. */
ALWAYS_INLINE vf vsin2(vf x)
{
    vf magic = splat(12582912.0f);
    vf n = x * 0.318309886f + magic;
    n -= magic;
    vf r = x - n * 0x1.92p+1f;
    r -= n * 0x1.fb4p-11f;
    r -= n * 0x1.4442d2p-23f;
    vf z = r * r;
    vf p = splat(-2.38666473e-08f);
    p = p * z + 2.75240063e-06f;
    p = p * z - 0.000198408365f;
    p = p * z + 0.00833333097f;
    p = p * z - 0.166666672f;
    p = p * z + 1.0f;
    p *= r;
    return p * p;
}

/* As vsin2, for a result of eight bits: a fit of our own to sin(sqrt z)^2, off by 3e-5 at most, and
 * pi in one part, which at |x| = 1e4 is off by 3e-4. */
ALWAYS_INLINE vf vsin2_short(vf x)
{
    vf magic = splat(12582912.0f);
    vf n = x * 0.318309886f + magic;
    n -= magic;
    vf r = x - n * 3.14159274f;
    vf z = r * r;
    vf p = splat(-0.00242302078f);
    p = p * z + 0.0429534204f;
    p = p * z - 0.332144260f;
    p = p * z + 0.999703169f;
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
        return 0.5f * x * (1.0f + vtanh(0.7978845608f * (x + 0.044715f * x * x * x)));
    case TB_ACT_GELU_ERF:
        return 0.5f * x * (1.0f + verf(x * 0.7071067812f));
    case TB_ACT_SILU:
        return x * vsigmoid(x);
    case TB_ACT_MISH: {
        /* tanh(ln(1 + e)) = (e^2 + 2e) / (e^2 + 2e + 2) */
        vf e = vexp(vmin(x, splat(20.0f))), a = e * (e + 2.0f);
        return pick((vi)(x > splat(20.0f)), x, x * (a / (a + 2.0f)));
    }
    case TB_ACT_ELU:
        return pick((vi)(x > splat(0)), x, vexp(vmin(x, splat(0))) - 1.0f);
    case TB_ACT_TANH:
        return vtanh(x);
    case TB_ACT_SIGMOID:
        return vsigmoid(x);
    }
    return x;
}

/* As vexp, for x <= 0 and a result of eight bits: a fit of our own to 2^r, |r| <= 1/2, is
 * off by 1e-4 at most. */
ALWAYS_INLINE vf vexp_short(vf x)
{
#if defined(TB_ISA_BF16) && TB_VW == 16
    const __m512 y = (__m512)(x * 1.44269504f);
    const __m512 n = _mm512_roundscale_ps(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const vf r = (vf)y - (vf)n;
    vf p = splat(0.05517163f);
    p = p * r + 0.24261112f;
    p = p * r + 0.69326099f;
    p = p * r + 0.99992807f;
    return (vf)_mm512_scalef_ps((__m512)p, n);
#else
    return vexp(x);
#endif
}

#endif
