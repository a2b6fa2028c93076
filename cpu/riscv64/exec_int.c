/*
 * RV64I's register instructions, M, Zicond, and the hints and may-be-operations, which do nothing. One line
 * an instruction: a and b are rs1 and rs2, the expression is rd.
 */
#include "cpu/riscv64/interp.h"

/* 32-bit results are sign-extended. */
INLINE uint64_t word(uint64_t v)
{
    return (uint64_t)(int32_t)(uint32_t)v;
}

INLINE uint64_t high_signed(uint64_t a, uint64_t b)
{
    return (uint64_t)(((__int128)(int64_t)a * (int64_t)b) >> 64);
}

INLINE uint64_t high_signed_unsigned(uint64_t a, uint64_t b)
{
    return (uint64_t)(((__int128)(int64_t)a * (__int128)b) >> 64);
}

INLINE uint64_t high_unsigned(uint64_t a, uint64_t b)
{
    return (uint64_t)(((unsigned __int128)a * b) >> 64);
}

/* Division never traps: x / 0 is all ones with remainder x; the overflow is the dividend with remainder 0
 * (Unpriv. 13.2). */
INLINE uint64_t divide_signed(int64_t a, int64_t b)
{
    if (b == 0)
        return ~(uint64_t)0;
    if (b == -1)
        return 0 - (uint64_t)a;
    return (uint64_t)(a / b);
}

INLINE uint64_t remain_signed(int64_t a, int64_t b)
{
    if (b == 0)
        return (uint64_t)a;
    return b == -1 ? 0 : (uint64_t)(a % b);
}

INLINE uint64_t divide_unsigned(uint64_t a, uint64_t b)
{
    return b == 0 ? ~(uint64_t)0 : a / b;
}

INLINE uint64_t remain_unsigned(uint64_t a, uint64_t b)
{
    return b == 0 ? a : a % b;
}

/* clang-format off */
RISCV_CONSTANT(lui,   imm)
RISCV_CONSTANT(auipc, pc + (uint64_t)imm)

RISCV_RI(addi,  a + (uint64_t)imm)
RISCV_RI(slti,  (int64_t)a < imm)
RISCV_RI(sltiu, a < (uint64_t)imm)
RISCV_RI(xori,  a ^ (uint64_t)imm)
RISCV_RI(ori,   a | (uint64_t)imm)
RISCV_RI(andi,  a & (uint64_t)imm)
RISCV_RI(slli,  a << imm)
RISCV_RI(srli,  a >> imm)
RISCV_RI(srai,  (int64_t)a >> imm)
RISCV_RI(addiw, word(a + (uint64_t)imm))
RISCV_RI(slliw, word(a << imm))
RISCV_RI(srliw, word((uint32_t)a >> imm))
RISCV_RI(sraiw, (int32_t)a >> imm)

RISCV_RR(add,   a + b)
RISCV_RR(sub,   a - b)
RISCV_RR(sll,   a << (b & 63))
RISCV_RR(slt,   (int64_t)a < (int64_t)b)
RISCV_RR(sltu,  a < b)
RISCV_RR(xor,   a ^ b)
RISCV_RR(srl,   a >> (b & 63))
RISCV_RR(sra,   (int64_t)a >> (b & 63))
RISCV_RR(or,    a | b)
RISCV_RR(and,   a & b)
RISCV_RR(addw,  word(a + b))
RISCV_RR(subw,  word(a - b))
RISCV_RR(sllw,  word(a << (b & 31)))
RISCV_RR(srlw,  word((uint32_t)a >> (b & 31)))
RISCV_RR(sraw,  (int32_t)a >> (b & 31))

RISCV_RR(mul,    a * b)
RISCV_RR(mulh,   high_signed(a, b))
RISCV_RR(mulhsu, high_signed_unsigned(a, b))
RISCV_RR(mulhu,  high_unsigned(a, b))
RISCV_RR(div,    divide_signed((int64_t)a, (int64_t)b))
RISCV_RR(divu,   divide_unsigned(a, b))
RISCV_RR(rem,    remain_signed((int64_t)a, (int64_t)b))
RISCV_RR(remu,   remain_unsigned(a, b))
RISCV_RR(mulw,   word(a * b))
RISCV_RR(divw,   word(divide_signed((int32_t)a, (int32_t)b)))
RISCV_RR(divuw,  word(divide_unsigned((uint32_t)a, (uint32_t)b)))
RISCV_RR(remw,   word(remain_signed((int32_t)a, (int32_t)b)))
RISCV_RR(remuw,  word(remain_unsigned((uint32_t)a, (uint32_t)b)))

RISCV_RR(czero_eqz, b == 0 ? 0 : a)
RISCV_RR(czero_nez, b != 0 ? 0 : a)

RISCV_CONSTANT(mop_r,  0 * imm)
RISCV_CONSTANT(mop_rr, 0 * imm)
/* clang-format on */

/* Prefetches never fault, non-temporal hints say nothing here. */
#define NOTHING(name)                                                                                        \
    const struct riscv_insn *rv_##name(struct riscv_core *c, const struct riscv_insn *i,                     \
                                       struct tlb_bank *bank, uint64_t pc)                                   \
    {                                                                                                        \
        TAIL return next(c, i, bank, pc);                                                                    \
    }

/* clang-format off */
NOTHING(prefetch_i)
NOTHING(prefetch_r)
NOTHING(prefetch_w)
NOTHING(ntl_p1)
NOTHING(ntl_pall)
NOTHING(ntl_s1)
NOTHING(ntl_all)
/* clang-format on */
