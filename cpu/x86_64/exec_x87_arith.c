/* x87: arithmetic, comparisons and functions. */
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/x87_stack.h"

/* ---- operands from memory ---- */

/* A signaling NaN must still be one when it meets another operand. */
static f80_t nan_widened(bool negative, uint64_t fraction)
{
    return (f80_t){.mant = (uint64_t)1 << 63 | fraction, .se = negative ? 0xffff : 0x7fff};
}

static f80_t from_m32(struct fp_env *env, f32_t v)
{
    return f32_is_nan(v) ? nan_widened(v >> 31, (uint64_t)(v & 0x7fffff) << 40) : f32_to_f80(env, v);
}

static f80_t from_m64(struct fp_env *env, f64_t v)
{
    return f64_is_nan(v) ? nan_widened(v >> 63, (v & 0xfffffffffffff) << 11) : f64_to_f80(env, v);
}

static f80_t from_integer(struct fp_env *env, int64_t v)
{
    return f80_from_int(env, (uint64_t)v, fp_i64);
}

static bool is_nan(f80_t v)
{
    return (v.se & 0x7fff) == 0x7fff && v.mant << 1;
}

/* ---- comparisons ---- */

static const uint64_t codes_of[] = {FSW_C0, FSW_C3, 0, FSW_CC};

/* FCOM takes any NaN for invalid, FUCOM only signaling ones. The codes are set even when that is unmasked. */
static bool compare_codes(struct x87 *x, f80_t a, f80_t b, bool signaling)
{
    enum fp_relation relation = f80_compare(&x->env, a, b, signaling);
    if (x->underflow || relation == FP_UNORDERED)
        x->env.flags &= (uint8_t)~FP_DENORMAL;
    bool delivers = x87_end(x);
    if (x->underflow)
        relation = FP_UNORDERED;
    x87_codes_set(&x->c->s, FSW_CC | FSW_C1, codes_of[relation + 1]);
    return delivers;
}

/* ---- the eight basic operations: ADD MUL COM COMP SUB SUBR DIV DIVR; a is ST(0) ---- */

static f80_t basic(struct fp_env *env, unsigned operation, f80_t a, f80_t b)
{
    switch (operation) {
    case 0: return f80_add(env, a, b);
    case 1: return f80_mul(env, a, b);
    case 4: return f80_sub(env, a, b);
    case 5: return f80_sub(env, b, a);
    case 6: return f80_div(env, a, b);
    default: return f80_div(env, b, a);
    }
}

static bool operate(struct x87 *x, unsigned operation, f80_t a, f80_t b, unsigned to, bool pop)
{
    struct x86_state *s = &x->c->s;
    if (operation == 2 || operation == 3) {
        if (compare_codes(x, a, b, true) && (operation == 3 || pop))
            x87_pop(s);
        return true;
    }
    f80_t r = basic(&x->env, operation, a, b);
    /* SDM vol. 1, 8.5: a NaN and other invalid operands come before a denormal one. */
    if (is_nan(a) || is_nan(b) || x->env.flags & (FP_INVALID | FP_DIVBYZERO))
        x->env.flags &= (uint8_t)~FP_DENORMAL;
    if (x87_end(x)) {
        x87_set(s, to, x->underflow ? X87_INDEFINITE : r);
        if (pop)
            x87_pop(s);
    }
    return true;
}

#define OPERATION (i->modrm >> 3 & 7u)
#define ST_I      (i->modrm & 7u)

#define OPERATE_MEMORY(name, width, convert)                                                                 \
    X86_DO(name)                                                                                             \
    {                                                                                                        \
        struct x87 x;                                                                                        \
        if (!x87_begin(c, i, width, &x))                                                                     \
            return false;                                                                                    \
        f80_t a = x87_operand(&x, 0), b = convert;                                                           \
        return operate(&x, OPERATION, a, b, 0, false);                                                       \
    }                                                                                                        \
    X86_HELPER(name)
OPERATE_MEMORY(f_op_m32, 4, from_m32(&x.env, c->operand.d[0]))
OPERATE_MEMORY(f_op_m64, 8, from_m64(&x.env, c->operand.q[0]))
OPERATE_MEMORY(f_op_i16, 2, from_integer(&x.env, (int16_t)c->operand.w[0]))
OPERATE_MEMORY(f_op_i32, 4, from_integer(&x.env, (int32_t)c->operand.d[0]))

#define OPERATE_STACK(name, to, pop)                                                                         \
    X86_DO(name)                                                                                             \
    {                                                                                                        \
        struct x87 x;                                                                                        \
        if (!x87_begin(c, i, 0, &x))                                                                         \
            return false;                                                                                    \
        f80_t a = x87_operand(&x, 0), b = x87_operand(&x, ST_I);                                             \
        return operate(&x, OPERATION, a, b, to, pop);                                                        \
    }                                                                                                        \
    X86_HELPER(name)
OPERATE_STACK(f_op_st, 0, false)
OPERATE_STACK(f_op_to, ST_I, false)
OPERATE_STACK(f_op_pop, ST_I, true)

/* ---- other comparisons ---- */

/* By ModRM, how many registers are popped, and whether a quiet NaN is invalid. */
static bool compare_with(struct x86_core *c, const struct x86_insn *i, unsigned pops, bool signaling)
{
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    f80_t a = x87_operand(&x, 0), b = x87_operand(&x, ST_I);
    bool delivers = compare_codes(&x, a, b, signaling);
    while (delivers && pops--)
        x87_pop(&c->s);
    return true;
}

#define COMPARE(name, pops, signaling)                                                                       \
    X86_DO(name)                                                                                             \
    {                                                                                                        \
        return compare_with(c, i, pops, signaling);                                                          \
    }                                                                                                        \
    X86_HELPER(name)
COMPARE(fucom, 0, false)
COMPARE(fucomp, 1, false)
COMPARE(fucompp, 2, false)
COMPARE(fcompp, 2, true)

static bool compare_to_flags(struct x86_core *c, const struct x86_insn *i, bool pop, bool signaling)
{
    static const uint64_t flags[] = {FLAG_CF, FLAG_ZF, 0, FLAG_ZF | FLAG_PF | FLAG_CF};
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    f80_t a = x87_operand(&x, 0), b = x87_operand(&x, ST_I);
    enum fp_relation relation = f80_compare(&x.env, a, b, signaling);
    bool delivers = x87_end_keeping_c1(&x);
    x86_flags_set(c, FLAGS_STATUS, flags[(x.underflow ? FP_UNORDERED : relation) + 1]);
    if (delivers && pop)
        x87_pop(&c->s);
    return true;
}

#define COMPARE_FLAGS(name, pop, signaling)                                                                  \
    X86_DO(name)                                                                                             \
    {                                                                                                        \
        return compare_to_flags(c, i, pop, signaling);                                                       \
    }                                                                                                        \
    X86_HELPER(name)
COMPARE_FLAGS(fcomi, false, true)
COMPARE_FLAGS(fcomip, true, true)
COMPARE_FLAGS(fucomi, false, false)
COMPARE_FLAGS(fucomip, true, false)

X86_DO(ftst)
{
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    f80_t a = x87_operand(&x, 0);
    compare_codes(&x, a, (f80_t){0}, true);
    return true;
}
X86_HELPER(ftst)

/* What ST(0) holds: the codes of SDM vol. 2, FXAM. */
static uint64_t class_of(const struct x86_state *s, f80_t v)
{
    unsigned class = f80_class(v);
    if (x87_empty(s, 0))
        return FSW_C3 | FSW_C0;
    if (class & (FP_CLASS_POS_INF | FP_CLASS_NEG_INF))
        return FSW_C2 | FSW_C0;
    if (class & (FP_CLASS_SNAN | FP_CLASS_QNAN))
        return FSW_C0;
    if (class & (FP_CLASS_POS_ZERO | FP_CLASS_NEG_ZERO))
        return FSW_C3;
    if (class & (FP_CLASS_POS_SUBNORMAL | FP_CLASS_NEG_SUBNORMAL))
        return FSW_C3 | FSW_C2;
    return class ? FSW_C2 : 0;
}

X86_DO(fxam)
{
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    f80_t v = x87_get(&c->s, 0);
    x87_codes_set(&c->s, FSW_CC | FSW_C1, class_of(&c->s, v) | (v.se >> 15 ? FSW_C1 : 0));
    return true;
}
X86_HELPER(fxam)

/* ---- functions of ST(0) ---- */

#define UNARY(name, expr)                                                                                    \
    X86_DO(name)                                                                                             \
    {                                                                                                        \
        struct x87 x;                                                                                        \
        if (!x87_begin(c, i, 0, &x))                                                                         \
            return false;                                                                                    \
        f80_t a = x87_operand(&x, 0), r = expr;                                                              \
        if (x87_end(&x))                                                                                     \
            x87_set(&c->s, 0, x.underflow ? X87_INDEFINITE : r);                                             \
        return true;                                                                                         \
    }                                                                                                        \
    X86_HELPER(name)
UNARY(fchs, ((f80_t){.mant = a.mant, .se = a.se ^ 0x8000}))
UNARY(fabs, ((f80_t){.mant = a.mant, .se = a.se & 0x7fff}))
UNARY(fsqrt, f80_sqrt(&x.env, a))
UNARY(frndint, f80_round_int(&x.env, a, (enum fp_round)x.env.round, true))
UNARY(f2xm1, x87_f2xm1(&x.env, a))

/* ---- functions of ST(0) and ST(1), into ST(0), or into ST(1) and popping ---- */

#define BINARY(name, pop, expr)                                                                              \
    X86_DO(name)                                                                                             \
    {                                                                                                        \
        struct x87 x;                                                                                        \
        if (!x87_begin(c, i, 0, &x))                                                                         \
            return false;                                                                                    \
        f80_t a = x87_operand(&x, 0), b = x87_operand(&x, 1), r = expr;                                      \
        if (!x87_end(&x))                                                                                    \
            return true;                                                                                     \
        if (pop)                                                                                             \
            x87_pop(&c->s);                                                                                  \
        x87_set(&c->s, 0, x.underflow ? X87_INDEFINITE : r);                                                 \
        return true;                                                                                         \
    }                                                                                                        \
    X86_HELPER(name)
BINARY(fscale, false, x87_fscale(&x.env, a, b))
BINARY(fyl2x, true, x87_fyl2x(&x.env, a, b))
BINARY(fyl2xp1, true, x87_fyl2xp1(&x.env, a, b))
BINARY(fpatan, true, x87_fpatan(&x.env, b, a))

/* The quotient's low bits 2, 1, 0 go to C0, C3 and C1. */
static bool partial_remainder(struct x86_core *c, const struct x86_insn *i, bool nearest)
{
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    f80_t a = x87_operand(&x, 0), b = x87_operand(&x, 1);
    struct x87_remainder r = x87_fprem(&x.env, a, b, nearest);
    bool no_quotient = x.underflow || is_nan(r.value);
    bool delivers = x87_end(&x);
    x87_codes_set(&c->s, FSW_C2 | FSW_C1, 0);
    if (!delivers)
        return true;
    x87_set(&c->s, 0, x.underflow ? X87_INDEFINITE : r.value);
    if (no_quotient)
        return true;
    x87_codes_set(&c->s, FSW_CC | FSW_C1,
                  (r.is_partial ? FSW_C2 : 0) | (r.quotient & 4 ? FSW_C0 : 0) |
                      (r.quotient & 2 ? FSW_C3 : 0) | (r.quotient & 1 ? FSW_C1 : 0));
    return true;
}

X86_DO(fprem)
{
    return partial_remainder(c, i, false);
}
X86_HELPER(fprem)

X86_DO(fprem1)
{
    return partial_remainder(c, i, true);
}
X86_HELPER(fprem1)

/* ---- functions with C2: an operand too large leaves everything as it is ---- */

static bool circular(struct x86_core *c, const struct x86_insn *i,
                     bool (*function)(struct fp_env *, f80_t, f80_t *))
{
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    f80_t a = x87_operand(&x, 0), r = a;
    bool done = x.underflow || function(&x.env, a, &r);
    if (x87_end(&x))
        x87_set(&c->s, 0, x.underflow ? X87_INDEFINITE : r);
    x87_codes_set(&c->s, FSW_C2, done ? 0 : FSW_C2);
    return true;
}

X86_DO(fsin)
{
    return circular(c, i, x87_fsin);
}
X86_HELPER(fsin)

X86_DO(fcos)
{
    return circular(c, i, x87_fcos);
}
X86_HELPER(fcos)

/* ---- functions with two results: ST(0), and one that is pushed ---- */

static void deliver_two(struct x87 *x, f80_t below, f80_t top)
{
    bool fault = x->underflow || x->overflow;
    if (!x87_end(x))
        return;
    x87_set(&x->c->s, 0, fault ? X87_INDEFINITE : below);
    x87_push(&x->c->s, fault ? X87_INDEFINITE : top);
}

static bool two_circular(struct x86_core *c, const struct x86_insn *i,
                         bool (*function)(struct fp_env *, f80_t, f80_t *, f80_t *))
{
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    f80_t a = x87_operand(&x, 0), below = a, top = a;
    x87_room_check(&x);
    bool fault = x.underflow || x.overflow;
    bool done = fault || function(&x.env, a, &below, &top);
    if (done)
        deliver_two(&x, below, top);
    else
        x87_end(&x);
    x87_codes_set(&c->s, FSW_C2, done ? 0 : FSW_C2);
    return true;
}

/* The second result is 1, so that cotangents are one FDIVR away; of a NaN it is the NaN. */
static bool tangent_and_one(struct fp_env *env, f80_t a, f80_t *tangent, f80_t *one)
{
    if (!x87_fptan(env, a, tangent))
        return false;
    *one = is_nan(*tangent) ? *tangent : (f80_t){.mant = (uint64_t)1 << 63, .se = 0x3fff};
    return true;
}

X86_DO(fptan)
{
    return two_circular(c, i, tangent_and_one);
}
X86_HELPER(fptan)

X86_DO(fsincos)
{
    return two_circular(c, i, x87_fsincos);
}
X86_HELPER(fsincos)

X86_DO(fxtract)
{
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    f80_t a = x87_operand(&x, 0), exponent;
    x87_room_check(&x);
    f80_t significand = x87_fxtract(&x.env, a, &exponent);
    deliver_two(&x, exponent, significand);
    return true;
}
X86_HELPER(fxtract)
