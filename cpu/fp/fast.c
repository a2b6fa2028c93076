/* What the fast path has out of line: whether a result was exact, and rounding to an integral number. */
#include "cpu/fp/fast.h"

#include <float.h>

_Static_assert(FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 16,
               "the fast path needs float and double arithmetic without excess precision");
_Static_assert(FLT_MANT_DIG == 24 && DBL_MANT_DIG == 53,
               "the fast path needs the host's float and double to be f32 and f64");

/* r less the larger operand, a difference that is exact (Dekker), is the smaller one if nothing was lost. */
bool f32_add_is_exact(f32_t a, f32_t b, f32_t r)
{
    bool a_is_larger = a << 1 > b << 1;
    float larger = f32_to_host(a_is_larger ? a : b), smaller = f32_to_host(a_is_larger ? b : a);
    return f32_to_host(r) - larger == smaller;
}

bool f64_add_is_exact(f64_t a, f64_t b, f64_t r)
{
    bool a_is_larger = a << 1 > b << 1;
    double larger = f64_to_host(a_is_larger ? a : b), smaller = f64_to_host(a_is_larger ? b : a);
    return f64_to_host(r) - larger == smaller;
}

bool f32_mul_is_exact(f32_t a, f32_t b)
{
    double product = (double)f32_to_host(a) * (double)f32_to_host(b);
    return (f64_from_host(product) & 0x1fffffff) == 0;
}

/* The significand with its trailing zeros removed. */
static uint64_t odd_part(f64_t a)
{
    uint64_t sig = a & 0x000fffffffffffff;
    if (a << 1 >> 53)
        sig |= 0x0010000000000000;
    return sig >> __builtin_ctzll(sig);
}

bool f64_mul_is_exact(f64_t a, f64_t b)
{
    return (unsigned __int128)odd_part(a) * odd_part(b) >> 53 == 0;
}

/* The square of a root can be off by more than a unit, so here the product has to be looked at. */
bool f32_sqrt_is_exact(f32_t a, f32_t r)
{
    return (double)f32_to_host(r) * (double)f32_to_host(r) == (double)f32_to_host(a);
}

bool f64_sqrt_is_exact(f64_t a, f64_t r)
{
    return f64_mul_is_exact(r, r) && f64_to_host(r) * f64_to_host(r) == f64_to_host(a);
}

double f64_integral(double a, enum fp_round round)
{
    double magnitude = __builtin_fabs(a);
    if (magnitude >= 0x1p52)
        return a; /* no fraction bits */
    bool negative = __builtin_signbit(a);
    double below = (double)(int64_t)magnitude, fraction = magnitude - below;
    bool odd = (int64_t)magnitude & 1, up = false;
    switch (round) {
    case FP_RNE: up = fraction > 0.5 || (fraction == 0.5 && odd); break;
    case FP_RMM: up = fraction >= 0.5; break;
    case FP_RDN: up = negative && fraction > 0; break;
    case FP_RUP: up = !negative && fraction > 0; break;
    case FP_RTZ:
    case FP_ODD: break;
    }
    return __builtin_copysign(below + up, a);
}
