/* Comparisons, minimum and maximum, and classes. */
#include "cpu/fp/operations.h"

/* The order of two numbers that are not NaNs. */
static enum fp_relation relation(struct fp_number a, struct fp_number b)
{
    if (a.kind == FP_ZERO && b.kind == FP_ZERO)
        return FP_EQUAL;
    if (a.kind == FP_ZERO)
        return b.negative ? FP_GREATER : FP_LESS;
    enum fp_relation if_larger = a.negative ? FP_LESS : FP_GREATER;
    if (b.kind == FP_ZERO || a.negative != b.negative)
        return if_larger;
    enum fp_relation if_smaller = a.negative ? FP_GREATER : FP_LESS;
    if (a.kind == FP_INFINITE || b.kind == FP_INFINITE)
        return a.kind == b.kind ? FP_EQUAL : a.kind == FP_INFINITE ? if_larger : if_smaller;
    if (a.exp != b.exp)
        return a.exp > b.exp ? if_larger : if_smaller;
    if (a.sig != b.sig)
        return a.sig > b.sig ? if_larger : if_smaller;
    return FP_EQUAL;
}

enum fp_relation fp_compare(struct fp_env *env, const struct fp_format *format, u128 a, u128 b,
                            bool signaling)
{
    struct fp_number x = fp_unpack(env, format, a), y = fp_unpack(env, format, b);
    if (fp_is_nan(x) || fp_is_nan(y)) {
        if (signaling || x.kind > FP_QNAN || y.kind > FP_QNAN)
            env->flags |= FP_INVALID;
        return FP_UNORDERED;
    }
    fp_denormal_raise(env, x.is_denormal || y.is_denormal);
    return relation(x, y);
}

/* Does the NaN `a` give way to a number? */
static bool yields(struct fp_number a, enum fp_minmax kind)
{
    return kind == FP_MINMAX_NUMBER ? fp_is_nan(a) : kind == FP_MINMAX_NUM_2008 && a.kind == FP_QNAN;
}

/* An operand as the result: its own encoding, unless it was flushed. */
static u128 as_given(const struct fp_format *format, struct fp_number n, u128 bits)
{
    return n.was_modified ? fp_encode_zero(format, n.negative) : bits;
}

/* Minimum or maximum when an operand is a NaN; *second says which operand is the result unless it is a new
 * NaN. */
static bool nan_gives_way(struct fp_env *env, struct fp_number a, struct fp_number b, enum fp_minmax kind,
                          bool *second)
{
    if (kind == FP_MINMAX_X86) {
        env->flags |= FP_INVALID;
        *second = true;
        return true;
    }
    *second = fp_is_nan(a);
    struct fp_number nan = *second ? a : b;
    if (fp_is_nan(a) == fp_is_nan(b) || !yields(nan, kind))
        return false;
    if (nan.kind != FP_QNAN)
        env->flags |= FP_INVALID;
    return true;
}

u128 fp_minmax(struct fp_env *env, const struct fp_format *format, u128 a, u128 b, enum fp_minmax kind,
               bool max)
{
    struct fp_number x = fp_unpack(env, format, a), y = fp_unpack(env, format, b);
    bool second;
    if (fp_is_nan(x) || fp_is_nan(y)) {
        if (!nan_gives_way(env, x, y, kind, &second))
            return fp_pack(env, format, fp_nan_of_two(env, x, y), FP_RNE);
    } else {
        fp_denormal_raise(env, x.is_denormal || y.is_denormal);
        enum fp_relation order = relation(x, y);
        second = order != (max ? FP_GREATER : FP_LESS);
        if (order == FP_EQUAL && kind != FP_MINMAX_X86)
            second = x.negative == max; /* -0 is below +0 */
    }
    return second ? as_given(format, y, b) : as_given(format, x, a);
}

unsigned fp_class(const struct fp_format *format, u128 a)
{
    struct fp_env plain = {0};
    struct fp_number x = fp_unpack(&plain, format, a);
    switch (x.kind) {
    case FP_ZERO: return x.negative ? FP_CLASS_NEG_ZERO : FP_CLASS_POS_ZERO;
    case FP_INFINITE: return x.negative ? FP_CLASS_NEG_INF : FP_CLASS_POS_INF;
    case FP_QNAN: return FP_CLASS_QNAN;
    case FP_SNAN: return FP_CLASS_SNAN;
    case FP_UNSUPPORTED: return 0;
    default: break;
    }
    if (x.is_denormal)
        return x.negative ? FP_CLASS_NEG_SUBNORMAL : FP_CLASS_POS_SUBNORMAL;
    return x.negative ? FP_CLASS_NEG_NORMAL : FP_CLASS_POS_NORMAL;
}
