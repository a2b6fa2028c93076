/*
 * Shifts and rotates. Counts are taken modulo 32, or 64 for 64-bit operands; a count of zero changes nothing
 * but, of a 32-bit register, the upper half. The manual defines OF for counts of one; for others processors
 * set it as the first of the steps would, and leave it alone in ROL and ROR of a register by an immediate.
 */
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/kinds.h"

#define REG(width) x86_reg_get(c, i->reg, width)
#define RM(width)  x86_reg_get(c, i->rm, width)

INLINE unsigned count_mask(unsigned width)
{
    return width == 8 ? 63 : 31;
}

INLINE uint64_t top_bit(unsigned width, uint64_t v)
{
    return v >> (8 * width - 1) & 1;
}

INLINE uint64_t zero_extend(unsigned width, uint64_t v)
{
    return v & ~(uint64_t)0 >> (64 - 8 * width);
}

INLINE uint64_t shift_flags(struct x86_core *c, unsigned width, uint64_t r, uint64_t cf, uint64_t of)
{
    x86_flags_result(c, width, r, cf | of * FLAG_OF);
    return r;
}

INLINE uint64_t op_shl(struct x86_core *c, unsigned width, uint64_t a, unsigned count)
{
    if (count == 0)
        return a;
    uint64_t r = a << count, cf = width == 8 ? a >> (64 - count) & 1 : r >> (8 * width) & 1;
    return shift_flags(c, width, r, cf, top_bit(width, a ^ a << 1));
}

INLINE uint64_t op_shr(struct x86_core *c, unsigned width, uint64_t a, unsigned count)
{
    if (count == 0)
        return a;
    uint64_t r = a >> count, cf = a >> (count - 1) & 1;
    return shift_flags(c, width, r, cf, top_bit(width, a));
}

INLINE uint64_t op_sar(struct x86_core *c, unsigned width, uint64_t a, unsigned count)
{
    unsigned unused = 64 - 8 * width;
    int64_t extended = (int64_t)(a << unused) >> unused;
    if (count == 0)
        return a;
    uint64_t r = (uint64_t)(extended >> count), cf = (uint64_t)(extended >> (count - 1)) & 1;
    return shift_flags(c, width, r, cf, 0);
}

/* Rotates change CF and OF only. */
INLINE uint64_t rotate_flags(struct x86_core *c, uint64_t r, uint64_t cf, uint64_t of)
{
    x86_flags_merge(c, FLAG_CF | FLAG_OF, cf | of * FLAG_OF);
    return r;
}

INLINE uint64_t rotated_left(unsigned width, uint64_t a, unsigned by)
{
    unsigned bits = 8 * width;
    return by == 0 ? a : zero_extend(width, a << by | a >> (bits - by));
}

INLINE uint64_t op_rol(struct x86_core *c, unsigned width, uint64_t a, unsigned count)
{
    if (count == 0)
        return a;
    uint64_t r = rotated_left(width, a, count % (8 * width));
    return rotate_flags(c, r, r & 1, top_bit(width, a ^ a << 1));
}

INLINE uint64_t op_ror(struct x86_core *c, unsigned width, uint64_t a, unsigned count)
{
    unsigned bits = 8 * width;
    if (count == 0)
        return a;
    uint64_t r = rotated_left(width, a, (bits - count % bits) % bits);
    return rotate_flags(c, r, top_bit(width, r), top_bit(width, a) ^ (a & 1));
}

INLINE uint64_t op_rol_i(struct x86_core *c, unsigned width, uint64_t a, unsigned count)
{
    if (count <= 1)
        return op_rol(c, width, a, count);
    uint64_t r = rotated_left(width, a, count % (8 * width));
    x86_flags_merge(c, FLAG_CF, r & 1);
    return r;
}

INLINE uint64_t op_ror_i(struct x86_core *c, unsigned width, uint64_t a, unsigned count)
{
    unsigned bits = 8 * width;
    if (count <= 1)
        return op_ror(c, width, a, count);
    uint64_t r = rotated_left(width, a, (bits - count % bits) % bits);
    x86_flags_merge(c, FLAG_CF, top_bit(width, r));
    return r;
}

/* Through CF: operands one bit longer. */
INLINE uint64_t op_rcl(struct x86_core *c, unsigned width, uint64_t a, unsigned count)
{
    unsigned bits = 8 * width, by = count % (bits + 1);
    uint64_t carry = x86_carry(c);
    if (by == 0)
        return a;
    uint64_t high = by == 64 ? 0 : a << by, low = by == 1 ? 0 : a >> (bits + 1 - by);
    uint64_t r = zero_extend(width, high | carry << (by - 1) | low), cf = a >> (bits - by) & 1;
    return rotate_flags(c, r, cf, top_bit(width, a ^ a << 1));
}

INLINE uint64_t op_rcr(struct x86_core *c, unsigned width, uint64_t a, unsigned count)
{
    unsigned bits = 8 * width, by = count % (bits + 1);
    uint64_t carry = x86_carry(c);
    if (by == 0)
        return a;
    uint64_t low = by == 64 ? 0 : a >> by, high = by == 1 ? 0 : a << (bits + 1 - by);
    uint64_t r = zero_extend(width, high | carry << (bits - by) | low), cf = a >> (by - 1) & 1;
    return rotate_flags(c, r, cf, top_bit(width, a) ^ carry);
}

#define IMMEDIATE(width) ((unsigned)i->imm & count_mask(width))
#define BY_CL(width)     ((unsigned)c->s.gpr[RCX] & count_mask(width))

#define SHIFT(op, op_i, bits, width)                                                                         \
    X86_PLAIN(op##_i##bits##_r, x86_reg_set(c, i->rm, width, op_i(c, width, RM(width), IMMEDIATE(width))))   \
    X86_PLAIN(op##_c##bits##_r, x86_reg_set(c, i->rm, width, op_##op(c, width, RM(width), BY_CL(width))))    \
    X86_CHANGE_M(op##_i##bits, width, r = op_##op(c, width, v, IMMEDIATE(width)))                            \
    X86_CHANGE_M(op##_c##bits, width, r = op_##op(c, width, v, BY_CL(width)))

#define SHIFT_SIZES(op, op_i)                                                                                \
    SHIFT(op, op_i, 8, 1)                                                                                    \
    SHIFT(op, op_i, 16, 2)                                                                                   \
    SHIFT(op, op_i, 32, 4)                                                                                   \
    SHIFT(op, op_i, 64, 8)

SHIFT_SIZES(shl, op_shl)
SHIFT_SIZES(shr, op_shr)
SHIFT_SIZES(sar, op_sar)
SHIFT_SIZES(rol, op_rol_i)
SHIFT_SIZES(ror, op_ror_i)
SHIFT_SIZES(rcl, op_rcl)
SHIFT_SIZES(rcr, op_rcr)

/* Double shifts. A 16-bit operand shifted by more than 16 is undefined; it gets the first operand's bits
 * again. */
INLINE uint64_t op_shld(struct x86_core *c, unsigned width, uint64_t a, uint64_t b, unsigned count)
{
    unsigned bits = 8 * width;
    if (count == 0)
        return a;
    uint64_t r;
    if (width == 2)
        r = (a << 32 | b << 16 | a) << count >> 32;
    else
        r = a << count | b >> (bits - count);
    uint64_t cf = width == 2 ? (a << 32 | b << 16 | a) >> (48 - count) & 1 : a >> (bits - count) & 1;
    return shift_flags(c, width, r, cf, top_bit(width, a ^ a << 1));
}

INLINE uint64_t op_shrd(struct x86_core *c, unsigned width, uint64_t a, uint64_t b, unsigned count)
{
    unsigned bits = 8 * width;
    if (count == 0)
        return a;
    uint64_t wide = a << 32 | b << 16 | a;
    uint64_t r = width == 2 ? wide >> count : a >> count | b << (bits - count);
    uint64_t cf = width == 2 ? wide >> (count - 1) & 1 : a >> (count - 1) & 1;
    return shift_flags(c, width, r, cf, top_bit(width, a) ^ (b & 1));
}

#define DOUBLE_SHIFT(op, bits, width)                                                                        \
    X86_PLAIN(op##_i##bits##_r,                                                                              \
              x86_reg_set(c, i->rm, width, op_##op(c, width, RM(width), REG(width), IMMEDIATE(width))))      \
    X86_PLAIN(op##_c##bits##_r,                                                                              \
              x86_reg_set(c, i->rm, width, op_##op(c, width, RM(width), REG(width), BY_CL(width))))          \
    X86_CHANGE_M(op##_i##bits, width, r = op_##op(c, width, v, REG(width), IMMEDIATE(width)))                \
    X86_CHANGE_M(op##_c##bits, width, r = op_##op(c, width, v, REG(width), BY_CL(width)))

DOUBLE_SHIFT(shld, 16, 2)
DOUBLE_SHIFT(shld, 32, 4)
DOUBLE_SHIFT(shld, 64, 8)
DOUBLE_SHIFT(shrd, 16, 2)
DOUBLE_SHIFT(shrd, 32, 4)
DOUBLE_SHIFT(shrd, 64, 8)
