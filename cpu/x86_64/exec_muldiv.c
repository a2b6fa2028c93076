/* Multiplication, division, and decimal arithmetic. */
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/kinds.h"

#define REG(width) x86_reg_get(c, i->reg, width)
#define RM(width)  x86_reg_get(c, i->rm, width)

/* ---- multiplication: CF and OF say whether the upper half matters ---- */

INLINE void product_flags(struct x86_core *c, unsigned width, uint64_t low, bool wide)
{
    x86_flags_result(c, width, low, wide ? FLAG_CF | FLAG_OF : 0);
}

INLINE int64_t sign_extended(unsigned width, uint64_t v)
{
    unsigned unused = 64 - 8 * width;
    return (int64_t)(v << unused) >> unused;
}

/* AX, or DX:AX and its larger kin. */
INLINE void product_set(struct x86_core *c, unsigned width, uint64_t low, uint64_t high)
{
    if (width == 1) {
        x86_reg_set(c, RAX, 2, low);
        return;
    }
    x86_reg_set(c, RAX, width, low);
    x86_reg_set(c, RDX, width, high);
}

INLINE void op_mul(struct x86_core *c, unsigned width, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)x86_reg_get(c, RAX, width) * b;
    uint64_t low = (uint64_t)product, high = (uint64_t)(product >> (8 * width));
    product_set(c, width, low, high);
    product_flags(c, width, low, high != 0);
}

INLINE void op_imul_a(struct x86_core *c, unsigned width, uint64_t b)
{
    __int128 product = (__int128)sign_extended(width, x86_reg_get(c, RAX, width)) * sign_extended(width, b);
    uint64_t low = (uint64_t)product, high = (uint64_t)(product >> (8 * width));
    product_set(c, width, low, high);
    product_flags(c, width, low, product != sign_extended(width, low));
}

INLINE uint64_t op_imul(struct x86_core *c, unsigned width, uint64_t a, uint64_t b)
{
    __int128 product = (__int128)sign_extended(width, a) * sign_extended(width, b);
    uint64_t low = (uint64_t)product;
    product_flags(c, width, low, product != sign_extended(width, low));
    return low;
}

#define MULTIPLY(op, bits, width)                                                                            \
    X86_PLAIN(op##bits##_r, op_##op(c, width, RM(width)))                                                    \
    X86_LOAD_M(op##bits, width, op_##op(c, width, v))

/* clang-format off */
MULTIPLY(mul,    8,  1)
MULTIPLY(mul,    16, 2)
MULTIPLY(mul,    32, 4)
MULTIPLY(mul,    64, 8)
MULTIPLY(imul_a, 8,  1)
MULTIPLY(imul_a, 16, 2)
MULTIPLY(imul_a, 32, 4)
MULTIPLY(imul_a, 64, 8)
/* clang-format on */

#define IMUL(bits, width)                                                                                    \
    X86_PLAIN(imul_rm##bits##_r, x86_reg_set(c, i->reg, width, op_imul(c, width, REG(width), RM(width))))    \
    X86_LOAD_M(imul_rm##bits, width, x86_reg_set(c, i->reg, width, op_imul(c, width, REG(width), v)))        \
    X86_PLAIN(imul_rmi##bits##_r,                                                                            \
              x86_reg_set(c, i->reg, width, op_imul(c, width, RM(width), (uint64_t)(int64_t)i->imm)))        \
    X86_LOAD_M(imul_rmi##bits, width,                                                                        \
               x86_reg_set(c, i->reg, width, op_imul(c, width, v, (uint64_t)(int64_t)i->imm)))
IMUL(16, 2)
IMUL(32, 4)
IMUL(64, 8)

/* ---- division: #DE for a divisor of zero and for a quotient that doesn't fit ---- */

static inline unsigned __int128 dividend_get(const struct x86_core *c, unsigned width)
{
    if (width == 1)
        return (uint16_t)c->s.gpr[RAX];
    return (unsigned __int128)x86_reg_get(c, RDX, width) << (8 * width) | x86_reg_get(c, RAX, width);
}

/* AL and AH, or AX and DX and their larger kin. */
static inline void quotient_set(struct x86_core *c, unsigned width, uint64_t quotient, uint64_t remainder)
{
    if (width == 1) {
        x86_reg_set(c, RAX, 2, (quotient & 0xff) | (remainder & 0xff) << 8);
        return;
    }
    x86_reg_set(c, RAX, width, quotient);
    x86_reg_set(c, RDX, width, remainder);
}

INLINE bool op_div(struct x86_core *c, unsigned width, uint64_t divisor)
{
    unsigned __int128 dividend = dividend_get(c, width);
    if (divisor == 0 || dividend >> (8 * width) >= divisor)
        return x86_fault(c, EXC_DE);
    if (dividend >> 64 == 0)
        quotient_set(c, width, (uint64_t)dividend / divisor, (uint64_t)dividend % divisor);
    else
        quotient_set(c, width, (uint64_t)(dividend / divisor), (uint64_t)(dividend % divisor));
    return true;
}

INLINE bool op_idiv(struct x86_core *c, unsigned width, uint64_t b)
{
    unsigned unused = 128 - 16 * width;
    __int128 dividend = (__int128)(dividend_get(c, width) << unused) >> unused;
    int64_t divisor = sign_extended(width, b);
    if (divisor == 0)
        return x86_fault(c, EXC_DE);
    /* The one quotient that not even 128 bits hold. */
    if (divisor == -1 && dividend == (__int128)((unsigned __int128)1 << 127))
        return x86_fault(c, EXC_DE);
    __int128 quotient = dividend / divisor;
    if (quotient != sign_extended(width, (uint64_t)quotient))
        return x86_fault(c, EXC_DE);
    quotient_set(c, width, (uint64_t)quotient, (uint64_t)(dividend % divisor));
    return true;
}

#define DIVIDE(op, bits, width)                                                                              \
    X86_HANDLER(x86_##op##bits##_r)                                                                          \
    {                                                                                                        \
        if (unlikely(!op_##op(c, width, RM(width))))                                                         \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    X86_HANDLER(x86_##op##bits##_m)                                                                          \
    {                                                                                                        \
        struct x86_loaded loaded = x86_read(c, i->seg, x86_offset(c, i, pc), width);                         \
        if (unlikely(!loaded.ok || !op_##op(c, width, loaded.value)))                                        \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        TAIL return x86_next_slow(c, i, bank, pc);                                                           \
    }

/* clang-format off */
DIVIDE(div,  8,  1)
DIVIDE(div,  16, 2)
DIVIDE(div,  32, 4)
DIVIDE(div,  64, 8)
DIVIDE(idiv, 8,  1)
DIVIDE(idiv, 16, 2)
DIVIDE(idiv, 32, 4)
DIVIDE(idiv, 64, 8)
/* clang-format on */

/* ---- decimal arithmetic (SDM vol. 2): AL, AH and the flags ---- */

static void decimal_set(struct x86_core *c, uint8_t al, bool cf, bool af)
{
    x86_reg_set(c, RAX, 1, al);
    x86_flags_result(c, 1, al, (cf ? FLAG_CF : 0) | (af ? FLAG_AF : 0));
}

/* DAA and DAS: `sign` is 1 or -1. */
static void decimal_adjust(struct x86_core *c, int sign)
{
    uint64_t flags = x86_flags_status(c);
    uint8_t old = (uint8_t)c->s.gpr[RAX], al = old;
    bool old_cf = flags & FLAG_CF, cf = false, af = false;
    if ((al & 15) > 9 || flags & FLAG_AF) {
        cf = old_cf || (sign > 0 ? al > 0xf9 : al < 6);
        al = (uint8_t)(al + sign * 6);
        af = true;
    }
    if (old > 0x99 || old_cf) {
        al = (uint8_t)(al + sign * 0x60);
        cf = true;
    } else if (sign > 0) {
        cf = false;
    }
    decimal_set(c, al, cf, af);
}

/* AAA and AAS. */
static void ascii_adjust(struct x86_core *c, int sign)
{
    uint16_t ax = (uint16_t)c->s.gpr[RAX];
    bool adjust = (ax & 15) > 9 || x86_flags_status(c) & FLAG_AF;
    if (adjust)
        ax = (uint16_t)(ax + sign * 0x106);
    x86_reg_set(c, RAX, 2, ax & 0xff0f);
    x86_flags_result(c, 1, ax & 15, adjust ? FLAG_CF | FLAG_AF : 0);
}

/* clang-format off */
X86_PLAIN(daa, decimal_adjust(c, 1))
X86_PLAIN(das, decimal_adjust(c, -1))
X86_PLAIN(aaa, ascii_adjust(c, 1))
X86_PLAIN(aas, ascii_adjust(c, -1))
/* clang-format on */

X86_HANDLER(x86_aam)
{
    uint8_t al = (uint8_t)c->s.gpr[RAX], base = (uint8_t)i->imm;
    if (base == 0) {
        x86_fault(c, EXC_DE);
        TAIL return x86_raise(c, i, bank, pc);
    }
    x86_reg_set(c, RAX, 2, (uint64_t)(al / base) << 8 | al % base);
    x86_flags_result(c, 1, al % base, 0);
    TAIL return x86_next(c, i, bank, pc);
}

X86_HANDLER(x86_aad)
{
    uint16_t ax = (uint16_t)c->s.gpr[RAX];
    uint8_t product = (uint8_t)((ax >> 8) * (uint8_t)i->imm);
    /* CF, AF and OF, which the manual leaves open, are those of the addition. */
    x86_flags_add(c, 1, (uint8_t)(ax + product), product);
    x86_reg_set(c, RAX, 2, (uint8_t)(ax + product));
    TAIL return x86_next(c, i, bank, pc);
}

X86_PLAIN(salc, x86_reg_set(c, RAX, 1, x86_carry(c) ? 0xff : 0))

/* ---- flags by hand ---- */

#define FLAGS_SAHF (FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF | FLAG_CF)

/* AH is byte 1 of RAX. */
X86_PLAIN(sahf, x86_flags_set(c, FLAGS_SAHF, x86_reg_get(c, 1, 1)))
X86_PLAIN(lahf, x86_reg_set(c, 1, 1, (x86_flags_status(c) & FLAGS_SAHF) | FLAG_ONE))
X86_PLAIN(cmc, x86_flags_merge(c, FLAG_CF, !x86_carry(c)))
X86_PLAIN(clc, x86_flags_merge(c, FLAG_CF, 0))
X86_PLAIN(stc, x86_flags_merge(c, FLAG_CF, FLAG_CF))
X86_PLAIN(cld, c->s.rflags &= ~FLAG_DF)
X86_PLAIN(std, c->s.rflags |= FLAG_DF)
