/* Loads, stores, fences between them, and cache-block instructions. */
#include "cpu/riscv64/interp.h"

/* clang-format off */
RISCV_LOAD(lb,  1, c->s.x[i->rd] = (uint64_t)(int8_t)v)
RISCV_LOAD(lh,  2, c->s.x[i->rd] = (uint64_t)(int16_t)v)
RISCV_LOAD(lw,  4, c->s.x[i->rd] = (uint64_t)(int32_t)v)
RISCV_LOAD(ld,  8, c->s.x[i->rd] = v)
RISCV_LOAD(lbu, 1, c->s.x[i->rd] = v)
RISCV_LOAD(lhu, 2, c->s.x[i->rd] = v)
RISCV_LOAD(lwu, 4, c->s.x[i->rd] = v)

RISCV_STORE(sb, 1, c->s.x[i->rs2])
RISCV_STORE(sh, 2, c->s.x[i->rs2])
RISCV_STORE(sw, 4, c->s.x[i->rs2])
RISCV_STORE(sd, 8, c->s.x[i->rs2])
/* clang-format on */

const struct riscv_insn *rv_fence(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                  uint64_t pc)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    TAIL return next(c, i, bank, pc);
}

/*
 * Written code has been dropped already by the time its writer goes on; what other harts wrote is queued for
 * this one, and the outer loop looks there.
 */
const struct riscv_insn *rv_fence_i(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                    uint64_t pc)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    TAIL return riscv_leave_after(c, i, bank, pc);
}

/* The xenvcfg field that rules the current privilege: every level below M must be allowed by those above it.
 */
static uint64_t envcfg_below_m(const struct riscv_core *c, uint64_t field)
{
    if (c->s.privilege == PRIV_M)
        return field;
    uint64_t allowed = c->s.menvcfg & field;
    return c->s.privilege == PRIV_U ? allowed & c->s.senvcfg : allowed;
}

/* Whether a block may be managed: by whoever may read or write it (Zicbom 2.5.2). Nothing is cached here, so
 * that is all there is to do. */
static const struct riscv_insn *block_manage(struct riscv_core *c, const struct riscv_insn *i,
                                             struct tlb_bank *bank, uint64_t pc)
{
    if (!riscv_block_accessible(c, c->s.x[i->rs1]))
        TAIL return riscv_raise(c, i, bank, pc);
    TAIL return next(c, i, bank, pc);
}

const struct riscv_insn *rv_cbo_inval(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                      uint64_t pc)
{
    /* CBIE = 01 makes it a flush, 11 an invalidate; both non-zero, also when the levels differ. */
    bool allowed = c->s.privilege == PRIV_M || ((c->s.menvcfg & ENVCFG_CBIE) &&
                                                (c->s.privilege == PRIV_S || (c->s.senvcfg & ENVCFG_CBIE)));
    if (!allowed)
        TAIL return riscv_illegal(c, i, bank, pc);
    TAIL return block_manage(c, i, bank, pc);
}

const struct riscv_insn *rv_cbo_clean(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                      uint64_t pc)
{
    if (!envcfg_below_m(c, ENVCFG_CBCFE))
        TAIL return riscv_illegal(c, i, bank, pc);
    TAIL return block_manage(c, i, bank, pc);
}

const struct riscv_insn *rv_cbo_flush(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                      uint64_t pc)
{
    TAIL return rv_cbo_clean(c, i, bank, pc);
}

const struct riscv_insn *rv_cbo_zero(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                     uint64_t pc)
{
    if (!envcfg_below_m(c, ENVCFG_CBZE))
        TAIL return riscv_illegal(c, i, bank, pc);
    if (!riscv_block_zero(c, c->s.x[i->rs1]))
        TAIL return riscv_raise(c, i, bank, pc);
    TAIL return next(c, i, bank, pc);
}
