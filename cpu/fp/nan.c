/* Which NaN an operation gives: the one thing in which all architectures differ. */
#include "cpu/fp/number.h"

static struct fp_number default_nan(struct fp_env *env)
{
    return (struct fp_number){.kind = FP_QNAN, .negative = env->default_nan_negative};
}

struct fp_number fp_invalid_result(struct fp_env *env)
{
    env->flags |= FP_INVALID;
    return default_nan(env);
}

static struct fp_number first_of_kind(const struct fp_number *operands, unsigned count,
                                      bool (*is)(enum fp_kind))
{
    for (unsigned i = 0; i + 1 < count; i++) {
        if (is(operands[i].kind))
            return operands[i];
    }
    return operands[count - 1];
}

static bool is_any_nan(enum fp_kind kind)
{
    return kind >= FP_QNAN;
}

static bool is_signaling(enum fp_kind kind)
{
    return kind == FP_SNAN;
}

static bool has_kind(const struct fp_number *operands, unsigned count, enum fp_kind kind)
{
    for (unsigned i = 0; i < count; i++) {
        if (operands[i].kind == kind)
            return true;
    }
    return false;
}

/* SDM vol. 1, table 4-7, x87: a quiet NaN wins over a signaling one, and otherwise the larger significand
 * does (made quiet afterwards); of equal significands the positive one. */
static struct fp_number x87_nan(struct fp_number a, struct fp_number b)
{
    if (!fp_is_nan(b))
        return a;
    if (!fp_is_nan(a))
        return b;
    if (a.kind != b.kind)
        return a.kind == FP_QNAN ? a : b;
    if (a.sig != b.sig)
        return a.sig > b.sig ? a : b;
    return a.negative ? b : a;
}

/* The surviving NaN of `count` operands in the order of precedence. */
static struct fp_number nan_select(struct fp_env *env, const struct fp_number *operands, unsigned count)
{
    if (has_kind(operands, count, FP_UNSUPPORTED))
        return fp_invalid_result(env);
    bool signaling = has_kind(operands, count, FP_SNAN);
    if (signaling)
        env->flags |= FP_INVALID;
    switch ((enum fp_nan_rule)env->nan_rule) {
    case FP_NAN_DEFAULT: break;
    case FP_NAN_FIRST: return first_of_kind(operands, count, is_any_nan);
    case FP_NAN_ARM: return first_of_kind(operands, count, signaling ? is_signaling : is_any_nan);
    case FP_NAN_X87: return x87_nan(operands[0], operands[count - 1]);
    }
    return default_nan(env);
}

struct fp_number fp_nan_of_two(struct fp_env *env, struct fp_number a, struct fp_number b)
{
    const struct fp_number operands[] = {a, b};
    return nan_select(env, operands, ARRAY_LEN(operands));
}

struct fp_number fp_nan_of_three(struct fp_env *env, struct fp_number a, struct fp_number b,
                                 struct fp_number c, bool product_invalid)
{
    if (env->nan_rule != FP_NAN_ARM) {
        const struct fp_number operands[] = {a, b, c};
        /* RISC-V F: inf * 0 is invalid even when the addend is a quiet NaN; x86 lets the NaN pass. */
        if (product_invalid && env->nan_rule == FP_NAN_DEFAULT)
            env->flags |= FP_INVALID;
        return nan_select(env, operands, ARRAY_LEN(operands));
    }
    /* ARM FPMulAdd: as RISC-V, and the result is then the default NaN; the addend is first in precedence. */
    const struct fp_number operands[] = {c, a, b};
    if (product_invalid && c.kind == FP_QNAN)
        return fp_invalid_result(env);
    return nan_select(env, operands, ARRAY_LEN(operands));
}
