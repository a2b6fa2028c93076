/*
 * Addition, subtraction, logic, compares: the operations of arith.h in all sizes and forms.
 */
#include "cpu/x86_64/arith.h"
#include "cpu/x86_64/kinds.h"

#define REG(width) x86_reg_get(c, i->reg, width)
#define RM(width)  x86_reg_get(c, i->rm, width)
#define IMM        ((uint64_t)(int64_t)i->imm)

/* Operations with two operands of which the first is replaced. */
#define BINARY(op, bits, width)                                                                              \
    X86_PLAIN(op##_mr##bits##_r, x86_reg_set(c, i->rm, width, op_##op(c, width, RM(width), REG(width))))     \
    X86_PLAIN(op##_rm##bits##_r, x86_reg_set(c, i->reg, width, op_##op(c, width, REG(width), RM(width))))    \
    X86_PLAIN(op##_mi##bits##_r, x86_reg_set(c, i->rm, width, op_##op(c, width, RM(width), IMM)))            \
    X86_CHANGE_BXM(op##_mr##bits, width, r = op_##op(c, width, v, REG(width)))                               \
    X86_LOAD_BXM(op##_rm##bits, width, x86_reg_set(c, i->reg, width, op_##op(c, width, REG(width), v)))      \
    X86_CHANGE_BXM(op##_mi##bits, width, r = op_##op(c, width, v, IMM))

#define BINARY_SIZES(op)                                                                                     \
    BINARY(op, 8, 1)                                                                                         \
    BINARY(op, 16, 2)                                                                                        \
    BINARY(op, 32, 4)                                                                                        \
    BINARY(op, 64, 8)

BINARY_SIZES(add)
BINARY_SIZES(or)
BINARY_SIZES(adc)
BINARY_SIZES(sbb)
BINARY_SIZES(and)
BINARY_SIZES(sub)
BINARY_SIZES(xor)

/* Operations for their flags only. */
#define COMPARE(bits, width)                                                                                 \
    X86_PLAIN(cmp_mr##bits##_r, x86_flags_sub(c, width, RM(width), REG(width)))                              \
    X86_PLAIN(cmp_rm##bits##_r, x86_flags_sub(c, width, REG(width), RM(width)))                              \
    X86_PLAIN(cmp_mi##bits##_r, x86_flags_sub(c, width, RM(width), IMM))                                     \
    X86_PLAIN(test_mr##bits##_r, x86_flags_logic(c, width, RM(width) & REG(width)))                          \
    X86_PLAIN(test_mi##bits##_r, x86_flags_logic(c, width, RM(width) & IMM))                                 \
    X86_LOAD_BXM(cmp_mr##bits, width, x86_flags_sub(c, width, v, REG(width)))                                \
    X86_LOAD_BXM(cmp_rm##bits, width, x86_flags_sub(c, width, REG(width), v))                                \
    X86_LOAD_BXM(cmp_mi##bits, width, x86_flags_sub(c, width, v, IMM))                                       \
    X86_LOAD_BXM(test_mr##bits, width, x86_flags_logic(c, width, v &REG(width)))                             \
    X86_LOAD_BXM(test_mi##bits, width, x86_flags_logic(c, width, v &IMM))

COMPARE(8, 1)
COMPARE(16, 2)
COMPARE(32, 4)
COMPARE(64, 8)

/* One operand. */
#define UNARY_R(op, bits, width)                                                                             \
    X86_PLAIN(op##_m##bits##_r, x86_reg_set(c, i->rm, width, op_##op(c, width, RM(width))))
#define UNARY(op, bits, width)                                                                               \
    UNARY_R(op, bits, width)                                                                                 \
    X86_CHANGE_M(op##_m##bits, width, r = op_##op(c, width, v))
#define UNARY_BXM(op, bits, width)                                                                           \
    UNARY_R(op, bits, width)                                                                                 \
    X86_CHANGE_BXM(op##_m##bits, width, r = op_##op(c, width, v))

/* clang-format off */
UNARY_BXM(inc, 8, 1)
UNARY_BXM(inc, 16, 2)
UNARY_BXM(inc, 32, 4)
UNARY_BXM(inc, 64, 8)
UNARY_BXM(dec, 8, 1)
UNARY_BXM(dec, 16, 2)
UNARY_BXM(dec, 32, 4)
UNARY_BXM(dec, 64, 8)
UNARY(neg, 8, 1)
UNARY(neg, 16, 2)
UNARY(neg, 32, 4)
UNARY(neg, 64, 8)
UNARY(not, 8, 1)
UNARY(not, 16, 2)
UNARY(not, 32, 4)
UNARY(not, 64, 8)
/* clang-format on */
