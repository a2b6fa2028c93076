/* x87: loads, stores, moves and constants. */
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/x87_stack.h"

#define ST_I (i->modrm & 7u)

/* ---- onto the stack ---- */

/* A denormal operand is pushed even when that exception is unmasked. */
static bool push(struct x87 *x, f80_t v)
{
    x87_room_check(x);
    bool invalid = x->overflow || x->env.flags & FP_INVALID;
    if (x87_end(x) || !invalid)
        x87_push(&x->c->s, x->overflow ? X87_INDEFINITE : v);
    return true;
}

#define LOAD(name, width, expr)                                                                              \
    X86_DO(name)                                                                                             \
    {                                                                                                        \
        struct x87 x;                                                                                        \
        if (!x87_begin(c, i, width, &x))                                                                     \
            return false;                                                                                    \
        return push(&x, expr);                                                                               \
    }                                                                                                        \
    X86_HELPER(name)
#define FROM_INTEGER(v) f80_from_int(&x.env, (uint64_t)(int64_t)(v), fp_i64)
LOAD(fld_m32, 4, f32_to_f80(&x.env, c->operand.d[0]))
LOAD(fld_m64, 8, f64_to_f80(&x.env, c->operand.q[0]))
LOAD(fld_m80, 10, ((f80_t){.mant = c->operand.q[0], .se = c->operand.w[4]}))
LOAD(fild_16, 2, FROM_INTEGER((int16_t)c->operand.w[0]))
LOAD(fild_32, 4, FROM_INTEGER((int32_t)c->operand.d[0]))
LOAD(fild_64, 8, FROM_INTEGER(c->operand.q[0]))
LOAD(fbld, 10, x87_fbld(c->operand.b))
LOAD(fld1, 0, ((f80_t){.mant = (uint64_t)1 << 63, .se = 0x3fff}))
LOAD(fldz, 0, ((f80_t){0}))
LOAD(fldl2t, 0, x87_fld_constant(&x.env, X87_LOG2_10))
LOAD(fldl2e, 0, x87_fld_constant(&x.env, X87_LOG2_E))
LOAD(fldpi, 0, x87_fld_constant(&x.env, X87_PI))
LOAD(fldlg2, 0, x87_fld_constant(&x.env, X87_LOG10_2))
LOAD(fldln2, 0, x87_fld_constant(&x.env, X87_LN_2))

X86_DO(fld_st)
{
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    f80_t v = x87_operand(&x, ST_I);
    if (!x.underflow)
        return push(&x, v);
    if (x87_end(&x))
        x87_push(&c->s, X87_INDEFINITE);
    return true;
}
X86_HELPER(fld_st)

/* ---- to memory: exceptions are noted once the store has succeeded ---- */

/* c->operand has the value. */
static bool store(struct x87 *x, const struct x86_insn *i, unsigned width, bool pop)
{
    bool delivers = x87_delivers(x, true);
    if (delivers && !x86_helper_store(x->c, i, width, 1))
        return false;
    x87_end_store(x);
    if (delivers && pop)
        x87_pop(&x->c->s);
    return true;
}

#define STORE(name, width, pop, field, indefinite, expr)                                                     \
    X86_DO(name)                                                                                             \
    {                                                                                                        \
        struct x87 x;                                                                                        \
        if (!x87_begin(c, i, 0, &x))                                                                         \
            return false;                                                                                    \
        f80_t a = x87_operand(&x, 0);                                                                        \
        c->operand.field = x.underflow ? (indefinite) : (expr);                                              \
        return store(&x, i, width, pop);                                                                     \
    }                                                                                                        \
    X86_HELPER(name)
STORE(fst_m32, 4, false, d[0], 0xffc00000, f80_to_f32(&x.env, a))
STORE(fstp_m32, 4, true, d[0], 0xffc00000, f80_to_f32(&x.env, a))
STORE(fst_m64, 8, false, q[0], 0xfff8000000000000, f80_to_f64(&x.env, a))
STORE(fstp_m64, 8, true, q[0], 0xfff8000000000000, f80_to_f64(&x.env, a))

#define STORE_INTEGER(name, bits, pop, round)                                                                \
    STORE(name, bits / 8, pop, q[0], (uint64_t)1 << (bits - 1),                                              \
          f80_to_int(&x.env, a, ((struct fp_int){.width = bits, .is_signed = true}), round))
#define ROUND ((enum fp_round)x.env.round)
STORE_INTEGER(fist_16, 16, false, ROUND)
STORE_INTEGER(fist_32, 32, false, ROUND)
STORE_INTEGER(fistp_16, 16, true, ROUND)
STORE_INTEGER(fistp_32, 32, true, ROUND)
STORE_INTEGER(fistp_64, 64, true, ROUND)
STORE_INTEGER(fisttp_16, 16, true, FP_RTZ)
STORE_INTEGER(fisttp_32, 32, true, FP_RTZ)
STORE_INTEGER(fisttp_64, 64, true, FP_RTZ)

X86_DO(fstp_m80)
{
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    f80_t a = x87_operand(&x, 0);
    c->operand.q[0] = a.mant;
    c->operand.w[4] = a.se;
    return store(&x, i, 10, true);
}
X86_HELPER(fstp_m80)

X86_DO(fbstp)
{
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    f80_t a = x87_operand(&x, 0);
    x87_fbstp(&x.env, a, c->operand.b); /* the indefinite gives the decimal indefinite */
    return store(&x, i, 10, true);
}
X86_HELPER(fbstp)

/* ---- between registers ---- */

static bool copy(struct x86_core *c, const struct x86_insn *i, bool pop)
{
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    f80_t a = x87_operand(&x, 0);
    if (!x87_end(&x))
        return true;
    x87_set(&c->s, ST_I, a);
    if (pop)
        x87_pop(&c->s);
    return true;
}

X86_DO(fst_st)
{
    return copy(c, i, false);
}
X86_HELPER(fst_st)

X86_DO(fstp_st)
{
    return copy(c, i, true);
}
X86_HELPER(fstp_st)

/* D9 D8 + i: the same, but an empty register is no exception. */
X86_DO(fstp_nce)
{
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    if (!x87_empty(&c->s, 0))
        x87_set(&c->s, ST_I, x87_get(&c->s, 0));
    x87_codes_set(&c->s, FSW_C1, 0);
    x87_pop(&c->s);
    return true;
}
X86_HELPER(fstp_nce)

X86_DO(fxch)
{
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    f80_t a = x87_operand(&x, 0), b = x87_operand(&x, ST_I);
    if (x87_end(&x)) {
        x87_set(&c->s, 0, b);
        x87_set(&c->s, ST_I, a);
    }
    return true;
}
X86_HELPER(fxch)

/* DA: below, equal, below or equal, unordered; DB: the opposites. */
X86_DO(fcmov)
{
    static const uint8_t conditions[] = {COND_B, COND_Z, COND_BE, COND_P};
    enum x86_condition condition = (enum x86_condition)(conditions[i->modrm >> 3 & 3] ^ (i->opcode & 1));
    struct x87 x;
    if (!x87_begin(c, i, 0, &x))
        return false;
    x87_operand(&x, 0);
    f80_t b = x87_operand(&x, ST_I);
    if (!x87_end_keeping_c1(&x))
        return true;
    if (x.underflow || x86_condition_holds(c, condition))
        x87_set(&c->s, 0, x.underflow ? X87_INDEFINITE : b);
    return true;
}
X86_HELPER(fcmov)
