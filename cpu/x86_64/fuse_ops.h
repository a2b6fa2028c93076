/*
 * The instructions that fused handlers are made of, as inline functions, and the lists of which may stand
 * where. do_<name> does what x86_<name> does but for going on. The value false: it did nothing, because an
 * operand is not at hand, and x86_<name> is to run instead. q_<name> sets no flags.
 */
#pragma once

#include "cpu/x86_64/arith.h"
#include "cpu/x86_64/kinds.h"

#define DO_REG(width)  x86_reg_get(c, i->reg, width)
#define DO_RM(width)   x86_reg_get(c, i->rm, width)
#define DO_IMM         ((uint64_t)(int64_t)i->imm)
#define DO_DISP        ((uint64_t)(int64_t)i->disp)
#define DO_COUNT(bits) ((unsigned)i->imm & (bits - 1))

/* Registers only. */
#define DO(name, statement)                                                                                  \
    INLINE bool do_##name(struct x86_core *c, const struct x86_insn *i, struct tlb_bank *bank, uint64_t pc)  \
    {                                                                                                        \
        (void)i, (void)bank, (void)pc;                                                                       \
        statement;                                                                                           \
        return true;                                                                                         \
    }
#define DO_LOAD(name, shape, width, set)                                                                     \
    INLINE bool do_##name(struct x86_core *c, const struct x86_insn *i, struct tlb_bank *bank, uint64_t pc)  \
    {                                                                                                        \
        const void *p = x86_read_hit_##shape(c, i, bank, pc, width);                                         \
        if (unlikely(!p))                                                                                    \
            return false;                                                                                    \
        uint64_t v = x86_host_load(p, width);                                                                \
        set;                                                                                                 \
        return true;                                                                                         \
    }
#define DO_STORE(name, shape, width, value)                                                                  \
    INLINE bool do_##name(struct x86_core *c, const struct x86_insn *i, struct tlb_bank *bank, uint64_t pc)  \
    {                                                                                                        \
        void *p = x86_write_hit_##shape(c, i, bank, pc, width);                                              \
        if (unlikely(!p))                                                                                    \
            return false;                                                                                    \
        x86_host_store(p, width, value);                                                                     \
        return true;                                                                                         \
    }

/* clang-format off */

/* ---- moves ---- */

DO(nop_m,         (void)c)
DO(mov_mr32_r,    x86_reg_set(c, i->rm, 4, DO_REG(4)))
DO(mov_mr64_r,    x86_reg_set(c, i->rm, 8, DO_REG(8)))
DO(mov_oi32,      x86_reg_set(c, i->rm, 4, i->imm64))
DO(movzx_832_r,   x86_reg_set(c, i->reg, 4, DO_RM(1)))
DO(movzx_1632_r,  x86_reg_set(c, i->reg, 4, DO_RM(2)))
DO(movsxd64_r,    x86_reg_set(c, i->reg, 8, (uint64_t)(int64_t)(int32_t)DO_RM(4)))
DO(lea64_b,       x86_reg_set(c, i->reg, 8, c->s.gpr[i->base] + DO_DISP))
DO(lea32_b,       x86_reg_set(c, i->reg, 4, c->s.gpr[i->base] + DO_DISP))
DO(lea64_x,       x86_reg_set(c, i->reg, 8, c->s.gpr[i->base] + c->s.gpr[i->index] * i->scale + DO_DISP))
DO(lea32_x,       x86_reg_set(c, i->reg, 4, c->s.gpr[i->base] + c->s.gpr[i->index] * i->scale + DO_DISP))

DO_LOAD(mov_rm32_b,   b, 4, x86_reg_set(c, i->reg, 4, v))
DO_LOAD(mov_rm32_x,   x, 4, x86_reg_set(c, i->reg, 4, v))
DO_LOAD(mov_rm64_b,   b, 8, x86_reg_set(c, i->reg, 8, v))
DO_LOAD(mov_rm64_x,   x, 8, x86_reg_set(c, i->reg, 8, v))
DO_LOAD(movzx_832_b,  b, 1, x86_reg_set(c, i->reg, 4, v))
DO_LOAD(movzx_832_x,  x, 1, x86_reg_set(c, i->reg, 4, v))
DO_LOAD(movzx_1632_b, b, 2, x86_reg_set(c, i->reg, 4, v))
DO_STORE(mov_mr8_b,   b, 1, DO_REG(1))
DO_STORE(mov_mr32_b,  b, 4, DO_REG(4))
DO_STORE(mov_mr64_b,  b, 8, DO_REG(8))
DO_STORE(mov_mr64_x,  x, 8, DO_REG(8))
DO_STORE(mov_mi8_x,   x, 1, DO_IMM)
DO_STORE(mov_mi32_b,  b, 4, DO_IMM)

INLINE bool do_push_r_f(struct x86_core *c, const struct x86_insn *i, struct tlb_bank *bank, uint64_t pc)
{
    uint64_t sp = c->s.gpr[RSP] - 8, v = c->s.gpr[i->rm];
    void *p = tlb_write_hit(bank, sp, 8);
    (void)pc;
    if (unlikely(!p))
        return false;
    x86_host_store(p, 8, v);
    c->s.gpr[RSP] = sp;
    return true;
}

INLINE bool do_pop_r_f(struct x86_core *c, const struct x86_insn *i, struct tlb_bank *bank, uint64_t pc)
{
    const void *p = tlb_read_hit(bank, c->s.gpr[RSP], 8);
    (void)pc;
    if (unlikely(!p))
        return false;
    uint64_t v = x86_host_load(p, 8);
    c->s.gpr[RSP] += 8;
    c->s.gpr[i->rm] = v;
    return true;
}

/* ---- arithmetic ---- */

/* An operation with and without flags. */
#define DO_OP(op, operator, bits, width)                                                                     \
    DO(op##_mr##bits##_r, x86_reg_set(c, i->rm, width, op_##op(c, width, DO_RM(width), DO_REG(width))))      \
    DO(op##_mi##bits##_r, x86_reg_set(c, i->rm, width, op_##op(c, width, DO_RM(width), DO_IMM)))             \
    DO(q_##op##_mr##bits##_r, x86_reg_set(c, i->rm, width, DO_RM(width) operator DO_REG(width)))             \
    DO(q_##op##_mi##bits##_r, x86_reg_set(c, i->rm, width, DO_RM(width) operator DO_IMM))
/* With a memory operand: without flags only. */
#define DO_OP_LOAD(op, operator, bits, width)                                                                \
    DO_LOAD(q_##op##_rm##bits##_b, b, width, x86_reg_set(c, i->reg, width, DO_REG(width) operator v))        \
    DO_LOAD(q_##op##_rm##bits##_x, x, width, x86_reg_set(c, i->reg, width, DO_REG(width) operator v))
#define DO_OPS(op, operator)                                                                                 \
    DO_OP(op, operator, 16, 2)                                                                               \
    DO_OP(op, operator, 32, 4)                                                                               \
    DO_OP(op, operator, 64, 8)                                                                               \
    DO_OP_LOAD(op, operator, 8, 1)                                                                           \
    DO_OP_LOAD(op, operator, 32, 4)                                                                          \
    DO_OP_LOAD(op, operator, 64, 8)

DO_OPS(add, +)
DO_OPS(sub, -)
DO_OPS(and, &)
DO_OPS(or,  |)
DO_OPS(xor, ^)

#define DO_CARRY(op, operator, bits, width)                                                                  \
    DO(q_##op##_mr##bits##_r,                                                                                \
       x86_reg_set(c, i->rm, width, DO_RM(width) operator DO_REG(width) operator x86_carry(c)))              \
    DO(q_##op##_mi##bits##_r,                                                                                \
       x86_reg_set(c, i->rm, width, DO_RM(width) operator DO_IMM operator x86_carry(c)))

DO_CARRY(adc, +, 32, 4)
DO_CARRY(adc, +, 64, 8)
DO_CARRY(sbb, -, 32, 4)
DO_CARRY(sbb, -, 64, 8)

DO(q_shl_i32_r,   x86_reg_set(c, i->rm, 4, DO_RM(4) << DO_COUNT(32)))
DO(q_shl_i64_r,   x86_reg_set(c, i->rm, 8, DO_RM(8) << DO_COUNT(64)))
DO(q_shr_i32_r,   x86_reg_set(c, i->rm, 4, DO_RM(4) >> DO_COUNT(32)))
DO(q_shr_i64_r,   x86_reg_set(c, i->rm, 8, DO_RM(8) >> DO_COUNT(64)))
DO(q_shr_i8_r,    x86_reg_set(c, i->rm, 1, DO_RM(1) >> DO_COUNT(32)))
DO(q_shr_i16_r,   x86_reg_set(c, i->rm, 2, DO_RM(2) >> DO_COUNT(32)))
DO(q_sar_i32_r,   x86_reg_set(c, i->rm, 4, (uint64_t)((int32_t)DO_RM(4) >> DO_COUNT(32))))
DO(q_sar_i64_r,   x86_reg_set(c, i->rm, 8, (uint64_t)((int64_t)DO_RM(8) >> DO_COUNT(64))))
DO(q_rol_i32_r,   x86_reg_set(c, i->rm, 4, DO_RM(4) << DO_COUNT(32) | DO_RM(4) >> (-DO_COUNT(32) & 31)))
DO(q_ror_i32_r,   x86_reg_set(c, i->rm, 4, DO_RM(4) >> DO_COUNT(32) | DO_RM(4) << (-DO_COUNT(32) & 31)))
DO(q_rol_i64_r,   x86_reg_set(c, i->rm, 8, DO_RM(8) << DO_COUNT(64) | DO_RM(8) >> (-DO_COUNT(64) & 63)))
DO(q_ror_i64_r,   x86_reg_set(c, i->rm, 8, DO_RM(8) >> DO_COUNT(64) | DO_RM(8) << (-DO_COUNT(64) & 63)))
DO(q_imul_rm32_r, x86_reg_set(c, i->reg, 4, DO_REG(4) * DO_RM(4)))
DO(q_imul_rm64_r, x86_reg_set(c, i->reg, 8, DO_REG(8) * DO_RM(8)))
DO(q_inc_m32_r,   x86_reg_set(c, i->rm, 4, DO_RM(4) + 1))
DO(q_inc_m64_r,   x86_reg_set(c, i->rm, 8, DO_RM(8) + 1))
DO(q_dec_m32_r,   x86_reg_set(c, i->rm, 4, DO_RM(4) - 1))
DO(q_dec_m64_r,   x86_reg_set(c, i->rm, 8, DO_RM(8) - 1))
DO(q_neg_m32_r,   x86_reg_set(c, i->rm, 4, 0 - DO_RM(4)))
DO(q_neg_m64_r,   x86_reg_set(c, i->rm, 8, 0 - DO_RM(8)))

/* ---- comparisons ---- */

#define DO_COMPARE(bits, width)                                                                              \
    DO(cmp_mr##bits##_r, x86_flags_sub(c, width, DO_RM(width), DO_REG(width)))                               \
    DO(cmp_mi##bits##_r, x86_flags_sub(c, width, DO_RM(width), DO_IMM))                                      \
    DO(test_mr##bits##_r, x86_flags_logic(c, width, DO_RM(width) & DO_REG(width)))                           \
    DO(test_mi##bits##_r, x86_flags_logic(c, width, DO_RM(width) & DO_IMM))                                  \
    DO_LOAD(cmp_mr##bits##_b, b, width, x86_flags_sub(c, width, v, DO_REG(width)))                           \
    DO_LOAD(cmp_rm##bits##_b, b, width, x86_flags_sub(c, width, DO_REG(width), v))                           \
    DO_LOAD(cmp_mi##bits##_b, b, width, x86_flags_sub(c, width, v, DO_IMM))                                  \
    DO_LOAD(test_mi##bits##_b, b, width, x86_flags_logic(c, width, v & DO_IMM))

DO_COMPARE(8, 1)
DO_COMPARE(16, 2)
DO_COMPARE(32, 4)
DO_COMPARE(64, 8)

/* ---- conditional: false where the flags have to be made first ---- */

#define DO_SET(cc, condition)                                                                                \
    INLINE bool do_set##cc##_r(struct x86_core *c, const struct x86_insn *i, struct tlb_bank *bank,          \
                               uint64_t pc)                                                                  \
    {                                                                                                        \
        (void)bank, (void)pc;                                                                                \
        if (unlikely(!x86_condition_known(c, condition)))                                                    \
            return false;                                                                                    \
        x86_reg_set(c, i->rm, 1, x86_condition_fast(c, condition));                                          \
        return true;                                                                                         \
    }
#define DO_CMOV(cc, condition, bits, width)                                                                  \
    INLINE bool do_cmov##cc##bits##_r(struct x86_core *c, const struct x86_insn *i, struct tlb_bank *bank,   \
                                      uint64_t pc)                                                           \
    {                                                                                                        \
        (void)bank, (void)pc;                                                                                \
        if (unlikely(!x86_condition_known(c, condition)))                                                    \
            return false;                                                                                    \
        x86_reg_set(c, i->reg, width, x86_condition_fast(c, condition) ? DO_RM(width) : DO_REG(width));      \
        return true;                                                                                         \
    }
DO_SET(z, COND_Z)
DO_SET(nz, COND_NZ)
DO_SET(b, COND_B)
DO_CMOV(z, COND_Z, 32, 4)
DO_CMOV(z, COND_Z, 64, 8)
DO_CMOV(nz, COND_NZ, 32, 4)
DO_CMOV(nz, COND_NZ, 64, 8)
DO_CMOV(ae, COND_AE, 64, 8)

/* ---- who may stand where: M(n) or M(x, n) each ---- */

/* Quiet forms beside those that DO_OPS makes; M(name). */
#define FUSE_QUIET(M)                                                                                        \
    M(add_mr16_r) M(sub_mr16_r) M(and_mr16_r) M(or_mr16_r)  M(xor_mr16_r)                                    \
    M(add_mi16_r) M(sub_mi16_r) M(and_mi16_r) M(or_mi16_r)  M(xor_mi16_r)                                    \
    M(add_mr32_r) M(add_mr64_r) M(add_mi32_r) M(add_mi64_r)                                                  \
    M(sub_mr32_r) M(sub_mr64_r) M(sub_mi32_r) M(sub_mi64_r)                                                  \
    M(and_mr32_r) M(and_mr64_r) M(and_mi32_r) M(and_mi64_r)                                                  \
    M(or_mr32_r)  M(or_mr64_r)  M(or_mi32_r)  M(or_mi64_r)                                                   \
    M(xor_mr32_r) M(xor_mr64_r) M(xor_mi32_r) M(xor_mi64_r)                                                  \
    M(adc_mr32_r) M(adc_mr64_r) M(adc_mi32_r) M(adc_mi64_r)                                                  \
    M(sbb_mr32_r) M(sbb_mr64_r) M(sbb_mi32_r) M(sbb_mi64_r)                                                  \
    M(add_rm32_b) M(add_rm64_b) M(add_rm32_x) M(add_rm64_x) M(sub_rm32_b) M(sub_rm64_b)                      \
    M(and_rm32_b) M(and_rm64_b) M(or_rm32_b)  M(or_rm64_b)  M(or_rm64_x)                                     \
    M(xor_rm8_b)  M(xor_rm32_b) M(xor_rm64_b) M(xor_rm32_x) M(xor_rm64_x)                                    \
    M(shl_i32_r)  M(shl_i64_r)  M(shr_i32_r)  M(shr_i64_r)  M(shr_i8_r)  M(shr_i16_r)                        \
    M(sar_i32_r)  M(sar_i64_r)                                                                               \
    M(rol_i32_r)  M(rol_i64_r)  M(ror_i32_r)  M(ror_i64_r)                                                   \
    M(imul_rm32_r) M(imul_rm64_r)                                                                            \
    M(inc_m32_r)  M(inc_m64_r)  M(dec_m32_r)  M(dec_m64_r)  M(neg_m32_r) M(neg_m64_r)

#define FUSE_QUIET_DECLARE(name) x86_handler x86_q_##name;
FUSE_QUIET(FUSE_QUIET_DECLARE)

/* The first of a pair. */
#define FUSE_FIRST(M)                                                                                        \
    M(nop_m) M(mov_mr32_r) M(mov_mr64_r) M(mov_oi32) M(movzx_832_r) M(movsxd64_r)                            \
    M(lea64_b) M(lea64_x) M(lea32_b) M(lea32_x)                                                              \
    M(q_add_mr32_r) M(q_add_mr64_r) M(q_add_mi32_r) M(q_add_mi64_r) M(q_sub_mr32_r) M(q_sub_mr64_r)          \
    M(q_and_mr32_r) M(q_and_mr64_r) M(q_and_mi32_r) M(q_or_mr32_r) M(q_or_mr64_r)                            \
    M(q_xor_mr32_r) M(q_xor_mr64_r) M(q_shl_i32_r) M(q_shl_i64_r) M(q_shr_i32_r) M(q_shr_i64_r)              \
    M(q_rol_i32_r) M(q_rol_i64_r) M(q_ror_i32_r) M(q_imul_rm64_r)                                            \
    M(q_adc_mr64_r) M(q_adc_mi64_r) M(q_shr_i16_r) M(q_xor_mi16_r)                                           \
    M(mov_rm32_b) M(mov_rm32_x) M(mov_rm64_b) M(mov_rm64_x) M(movzx_832_b)                                   \
    M(mov_mr8_b) M(mov_mr32_b) M(mov_mr64_b) M(mov_mi8_x) M(push_r_f) M(pop_r_f)                             \
    M(cmp_mr32_r) M(cmp_mr64_r) M(test_mr64_r)

/* The second, behind x. */
#define FUSE_SECOND(M, x)                                                                                    \
    M(x, mov_mr32_r) M(x, mov_mr64_r) M(x, mov_oi32) M(x, movzx_832_r) M(x, movsxd64_r)                      \
    M(x, lea64_b) M(x, lea64_x) M(x, lea32_b) M(x, lea32_x)                                                  \
    M(x, q_add_mr32_r) M(x, q_add_mr64_r) M(x, q_add_mi32_r) M(x, q_add_mi64_r) M(x, q_sub_mr64_r)           \
    M(x, q_and_mr32_r) M(x, q_and_mr64_r) M(x, q_or_mr32_r) M(x, q_xor_mr32_r) M(x, q_xor_mr64_r)            \
    M(x, q_shl_i64_r) M(x, q_shr_i32_r) M(x, q_shr_i64_r) M(x, q_rol_i32_r) M(x, q_ror_i32_r)                \
    M(x, q_imul_rm64_r)                                                                                      \
    M(x, add_mr32_r) M(x, add_mr64_r) M(x, add_mi32_r) M(x, add_mi64_r) M(x, sub_mr64_r) M(x, sub_mi64_r)    \
    M(x, xor_mr32_r) M(x, and_mr32_r) M(x, and_mi32_r)                                                       \
    M(x, mov_rm32_b) M(x, mov_rm32_x) M(x, mov_rm64_b) M(x, mov_rm64_x) M(x, movzx_832_b)                    \
    M(x, mov_mr8_b) M(x, mov_mr32_b) M(x, mov_mr64_b) M(x, mov_mr64_x) M(x, mov_mi8_x)                       \
    M(x, q_add_rm32_b) M(x, q_add_rm64_b) M(x, q_xor_rm8_b) M(x, q_xor_rm32_x) M(x, q_xor_rm64_b)            \
    M(x, setz_r) M(x, setnz_r) M(x, setb_r) M(x, cmovz32_r) M(x, cmovz64_r) M(x, cmovnz32_r)                 \
    M(x, cmovnz64_r) M(x, cmovae64_r)                                                                        \
    M(x, push_r_f) M(x, pop_r_f)

/*
 * The first of a pair whose second may fault, which nobody but the second's fault could find the first's
 * flags missing of: then the first is undone and goes its own way. All have their result in r/m.
 */
#define FUSE_UNDONE(M)                                                                                       \
    M(add_mr32_r) M(add_mr64_r) M(add_mi32_r) M(add_mi64_r) M(sub_mr64_r) M(sub_mi64_r)                      \
    M(and_mr32_r) M(and_mi32_r) M(xor_mr32_r) M(xor_mr64_r) M(or_mr64_r)                                     \
    M(shl_i64_r) M(shr_i32_r) M(shr_i64_r)

/* The second, behind x. */
#define FUSE_FAULTING(M, x)                                                                                  \
    M(x, mov_rm32_b) M(x, mov_rm32_x) M(x, mov_rm64_b) M(x, mov_rm64_x) M(x, movzx_832_b) M(x, movzx_832_x)  \
    M(x, movzx_1632_b) M(x, mov_mr8_b) M(x, mov_mr32_b) M(x, mov_mr64_b) M(x, mov_mr64_x) M(x, mov_mi8_x)    \
    M(x, mov_mi32_b) M(x, push_r_f) M(x, pop_r_f) M(x, q_xor_rm32_x) M(x, q_add_rm64_b)

/* What sets the flags of a branch behind it. */
#define FUSE_COMPARISON(M)                                                                                   \
    M(cmp_mr8_r) M(cmp_mr16_r) M(cmp_mr32_r) M(cmp_mr64_r) M(cmp_mi8_r) M(cmp_mi16_r) M(cmp_mi32_r)          \
    M(cmp_mi64_r) M(test_mr8_r) M(test_mr32_r) M(test_mr64_r) M(test_mi8_r) M(test_mi32_r)                   \
    M(cmp_mr32_b) M(cmp_mr64_b) M(cmp_rm32_b) M(cmp_rm64_b) M(cmp_mi8_b) M(cmp_mi16_b) M(cmp_mi32_b)         \
    M(cmp_mi64_b) M(test_mi8_b) M(test_mi32_b)                                                               \
    M(add_mr64_r) M(add_mi32_r) M(add_mi64_r) M(sub_mr32_r) M(sub_mr64_r) M(sub_mi32_r) M(sub_mi64_r)        \
    M(and_mr32_r) M(and_mr64_r) M(and_mi32_r)

/* Conditions worth it, behind x. */
#define FUSE_CONDITION(M, x)                                                                                 \
    M(x, z, COND_Z) M(x, nz, COND_NZ) M(x, b, COND_B) M(x, ae, COND_AE) M(x, be, COND_BE) M(x, a, COND_A)    \
    M(x, s, COND_S) M(x, ns, COND_NS) M(x, l, COND_L) M(x, ge, COND_GE) M(x, le, COND_LE) M(x, g, COND_G)

/* In front of a jump. */
#define FUSE_BEFORE_JUMP(M)                                                                                  \
    M(nop_m) M(mov_mr32_r) M(mov_mr64_r) M(mov_oi32) M(add_mi64_r) M(add_mi32_r) M(add_mr64_r)               \
    M(sub_mi64_r) M(xor_mr32_r) M(mov_rm32_b) M(mov_rm64_b) M(mov_mr32_b) M(mov_mr64_b) M(lea64_b)           \
    M(pop_r_f) M(movzx_832_r) M(movzx_832_b)

/* In front of a comparison and its branch, and which comparisons have something in front. */
#define FUSE_BEFORE(M)                                                                                       \
    M(mov_mr32_r) M(mov_mr64_r) M(q_add_mr64_r) M(q_add_mi32_r) M(q_add_mi64_r) M(q_sub_mi64_r)              \
    M(mov_rm32_b) M(mov_rm64_b) M(mov_rm64_x) M(movzx_832_b) M(mov_mr64_b) M(mov_mi8_x)
#define FUSE_COMPARED(M, x)                                                                                \
    M(x, cmp_mr32_r, z) M(x, cmp_mr32_r, nz) M(x, cmp_mr32_r, b) M(x, cmp_mr32_r, ae) M(x, cmp_mr32_r, be) M(x, cmp_mr32_r, a)\
    M(x, cmp_mr32_r, l) M(x, cmp_mr32_r, ge) M(x, cmp_mr32_r, le) M(x, cmp_mr32_r, g)                       \
    M(x, cmp_mr64_r, z) M(x, cmp_mr64_r, nz) M(x, cmp_mr64_r, b) M(x, cmp_mr64_r, ae) M(x, cmp_mr64_r, be) M(x, cmp_mr64_r, a)\
    M(x, cmp_mr64_r, l) M(x, cmp_mr64_r, ge) M(x, cmp_mr64_r, le) M(x, cmp_mr64_r, g)                       \
    M(x, cmp_mi32_r, z) M(x, cmp_mi32_r, nz) M(x, cmp_mi32_r, b) M(x, cmp_mi32_r, ae) M(x, cmp_mi32_r, be) M(x, cmp_mi32_r, a)\
    M(x, cmp_mi32_r, l) M(x, cmp_mi32_r, ge) M(x, cmp_mi32_r, le) M(x, cmp_mi32_r, g)                       \
    M(x, cmp_mi64_r, z) M(x, cmp_mi64_r, nz) M(x, cmp_mi64_r, b) M(x, cmp_mi64_r, ae) M(x, cmp_mi64_r, be) M(x, cmp_mi64_r, a)\
    M(x, cmp_mi64_r, l) M(x, cmp_mi64_r, ge) M(x, cmp_mi64_r, le) M(x, cmp_mi64_r, g)                       \
    M(x, cmp_mi8_r, z) M(x, cmp_mi8_r, nz) M(x, cmp_mi8_r, be) M(x, cmp_mi8_r, a)                           \
    M(x, test_mr8_r, z) M(x, test_mr8_r, nz)                                                                \
    M(x, test_mr32_r, z) M(x, test_mr32_r, nz) M(x, test_mr32_r, s) M(x, test_mr32_r, ns) M(x, test_mr32_r, le) M(x, test_mr32_r, g)\
    M(x, test_mr64_r, z) M(x, test_mr64_r, nz) M(x, test_mr64_r, s) M(x, test_mr64_r, ns) M(x, test_mr64_r, le) M(x, test_mr64_r, g)

/* clang-format on */
