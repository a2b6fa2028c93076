/* MMX: what it shares with the x87, and its moves. The arithmetic is in exec_vector_*.c. */
#include "cpu/x86_64/vector.h"

bool x86_mmx_begin(struct x86_core *c, const struct x86_insn *i, unsigned width)
{
    if (!x86_x87_check(c) || (i->flags & INSN_MEM && !x86_helper_load(c, i, width, 1)))
        return false;
    x86_mmx_enter(c);
    return true;
}

bool x86_mmx_operands(struct x86_core *c, const struct x86_insn *i, unsigned width, union x86_vector *v,
                      union x86_vector *s)
{
    if (!x86_mmx_begin(c, i, width))
        return false;
    *v = (union x86_vector){.q = {c->s.st[i->reg & 7].mant}};
    *s = i->flags & INSN_MEM ? c->operand : (union x86_vector){.q = {c->s.st[i->rm & 7].mant}};
    return true;
}

X86_DO(emms)
{
    (void)i;
    if (!x86_x87_check(c))
        return false;
    c->s.fsw &= 0xc7ff;
    c->s.ftw = 0xffff;
    return true;
}
X86_HELPER(emms)

MMX_VECTOR(mmx_movq, 8, r.q[0] = s->q[0])

/* Loads and stores of 32 or 64 bits, the register being an integer one. */
X86_DO(mmx_movd)
{
    unsigned width = 1u << i->opsize;
    if (!x86_mmx_begin(c, i, width))
        return false;
    uint64_t v = i->flags & INSN_MEM ? c->operand.q[0] : c->s.gpr[i->rm];
    x86_mmx_set(c, i->reg, width == 4 ? (uint32_t)v : v);
    return true;
}
X86_HELPER(mmx_movd)

/* A store switches the x87 to MMX only once it has succeeded. */
static bool mmx_store(struct x86_core *c, const struct x86_insn *i, unsigned width)
{
    if (!x86_x87_check(c))
        return false;
    c->operand.q[0] = c->s.st[i->reg & 7].mant;
    if (!x86_helper_store(c, i, width, 1))
        return false;
    x86_mmx_enter(c);
    return true;
}

X86_DO(mmx_movd_st)
{
    unsigned width = 1u << i->opsize;
    if (i->flags & INSN_MEM)
        return mmx_store(c, i, width);
    if (!x86_mmx_begin(c, i, width))
        return false;
    x86_operand_reg_set(c, i->rm, i->opsize, c->s.st[i->reg & 7].mant);
    return true;
}
X86_HELPER(mmx_movd_st)

X86_DO(mmx_movq_st)
{
    if (i->flags & INSN_MEM)
        return mmx_store(c, i, 8);
    if (!x86_mmx_begin(c, i, 8))
        return false;
    x86_mmx_set(c, i->rm, c->s.st[i->reg & 7].mant);
    return true;
}
X86_HELPER(mmx_movq_st)

X86_DO(mmx_pmovmskb)
{
    if (!x86_mmx_begin(c, i, 8))
        return false;
    unsigned mask = 0;
    for (unsigned k = 0; k < 8; k++)
        mask |= (c->s.st[i->rm & 7].mant >> (8 * k + 7) & 1) << k;
    x86_reg_set(c, i->reg, 4, mask);
    return true;
}
X86_HELPER(mmx_pmovmskb)

X86_DO(mmx_pextrw)
{
    if (!x86_mmx_begin(c, i, 8))
        return false;
    x86_reg_set(c, i->reg, 4, (uint16_t)(c->s.st[i->rm & 7].mant >> (IMM & 3) * 16));
    return true;
}
X86_HELPER(mmx_pextrw)

X86_DO(mmx_pinsrw)
{
    if (!x86_mmx_begin(c, i, 2))
        return false;
    uint64_t v = i->flags & INSN_MEM ? c->operand.w[0] : (uint16_t)c->s.gpr[i->rm];
    unsigned shift = (IMM & 3) * 16;
    uint64_t rest = c->s.st[i->reg & 7].mant & ~((uint64_t)UINT16_MAX << shift);
    x86_mmx_set(c, i->reg, rest | v << shift);
    return true;
}
X86_HELPER(mmx_pinsrw)

/* Between MMX and XMM registers. */
X86_DO(movq2dq)
{
    if (!x86_mmx_begin(c, i, 8))
        return false;
    c->s.vector[i->reg].q[0] = c->s.st[i->rm & 7].mant;
    c->s.vector[i->reg].q[1] = 0;
    return true;
}
X86_HELPER(movq2dq)

X86_DO(movdq2q)
{
    if (!x86_mmx_begin(c, i, 8))
        return false;
    x86_mmx_set(c, i->reg, c->s.vector[i->rm].q[0]);
    return true;
}
X86_HELPER(movdq2q)
