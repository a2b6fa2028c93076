/* Exceptions and returns, hints, barriers, PSTATE, and access to system registers. */
#include "cpu/aarch64/blocks.h"
#include "cpu/aarch64/debug.h"
#include "cpu/aarch64/decode.h"
#include "cpu/aarch64/exception.h"
#include "cpu/aarch64/mmu.h"
#include "cpu/aarch64/pauth.h"
#include "cpu/aarch64/sysreg.h"
#include "cpu/aarch64/tlbi.h"

static bool at_el0(const struct aarch64_core *c)
{
    return aarch64_el(c) == 0;
}

/* ---- exceptions ---- */

/* Its preferred return address is the next instruction: it counts as retired. */
A64_HANDLER(svc)
{
    c->fault = (struct aarch64_fault){.ec = EC_SVC, .iss = (uint32_t)i->imm};
    c->s.pc = a64_pc(i, pc) + 4;
    a64_retire(c, i);
    aarch64_step_advance(c);
    aarch64_exception(c);
    TAIL return a64_go_on(c, i, bank, pc);
}

/* There is no EL2 and no EL3: the board is what answers, or nobody does. False: UNDEFINED. */
static bool hypercall(struct aarch64_core *c, const struct a64_insn *i, bool smc)
{
    if (at_el0(c) || !c->hypercalls)
        return false;
    aarch64_step_advance(c);
    c->call = (struct aarch64_call){.smc = smc, .imm = (uint16_t)i->imm};
    *c->exit = (struct vcpu_exit){.reason = EXIT_HYPERCALL};
    c->leaving = true;
    return true;
}

A64_HANDLER(hvc)
{
    if (!hypercall(c, i, false))
        TAIL return a64_undefined(c, i, bank, pc);
    TAIL return a64_leave_after(c, i, bank, pc);
}

A64_HANDLER(smc)
{
    if (!hypercall(c, i, true))
        TAIL return a64_undefined(c, i, bank, pc);
    TAIL return a64_leave_after(c, i, bank, pc);
}

A64_HANDLER(brk)
{
    c->fault = (struct aarch64_fault){.ec = EC_BRK, .iss = (uint32_t)i->imm};
    TAIL return a64_raise(c, i, bank, pc);
}

/* Semihosting 2.0, 3.1. */
#define HLT_SEMIHOSTING 0xf000

/* Halting debug is never enabled. */
A64_HANDLER(hlt)
{
    if (!c->semihosting || i->imm != HLT_SEMIHOSTING || at_el0(c))
        TAIL return a64_undefined(c, i, bank, pc);
    *c->exit = (struct vcpu_exit){.reason = EXIT_SEMIHOSTING};
    c->leaving = true;
    TAIL return a64_leave_after(c, i, bank, pc);
}

A64_HANDLER(eret)
{
    if (at_el0(c))
        TAIL return a64_undefined(c, i, bank, pc);
    a64_retire(c, i);
    aarch64_exception_return(c, c->s.elr_el1);
    TAIL return a64_go_on(c, i, bank, pc);
}

#define ERET_AUTHENTICATED(name, key)                                                                        \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        if (at_el0(c))                                                                                       \
            TAIL return a64_undefined(c, i, bank, pc);                                                       \
        uint64_t target = aarch64_authenticate(c, c->s.elr_el1, c->s.x[REG_SP], key, true);                  \
        if (c->fault.ec)                                                                                     \
            TAIL return a64_raise(c, i, bank, pc);                                                           \
        a64_retire(c, i);                                                                                    \
        aarch64_exception_return(c, target);                                                                 \
        TAIL return a64_go_on(c, i, bank, pc);                                                               \
    }
ERET_AUTHENTICATED(eretaa, KEY_IA)
ERET_AUTHENTICATED(eretab, KEY_IB)

/* Put by the decoder in an instruction's place. */
A64_HANDLER(fp_trap)
{
    c->fault = (struct aarch64_fault){.ec = EC_FP_TRAP, .iss = ISS_FP_TRAP};
    TAIL return a64_raise(c, i, bank, pc);
}

A64_HANDLER(sp_fault)
{
    c->fault = (struct aarch64_fault){.ec = EC_SP_ALIGNMENT};
    TAIL return a64_raise(c, i, bank, pc);
}

/* Behind an instruction that wrote SP: does the block still treat it right? */
A64_HANDLER(sp_written)
{
    uint64_t checked = c->s.sctlr_el1 & (c->mode & MODE_EL1 ? SCTLR_SA : SCTLR_SA0) ? 15 : 0;
    if (likely(!(c->s.x[REG_SP] & checked) == !(c->mode & MODE_SP_CHECK)))
        TAIL return a64_next(c, i, bank, pc);
    /* The slot has the offset of the instruction behind it. */
    c->vcpu.icount += i->offset;
    c->s.pc = a64_pc(i, pc);
    aarch64_resync(c);
    TAIL return a64_go_on(c, i, bank, pc);
}

/* ---- hints ---- */

A64_HANDLER(hint)
{
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(bti)
{
    TAIL return a64_next(c, i, bank, pc);
}

/* A pending SError that is masked becomes a value of DISR_EL1. */
A64_HANDLER(esb)
{
    uint32_t line = (uint32_t)1 << AARCH64_LINE_SERROR;
    if ((aarch64_lines(c) & line) && (c->s.pstate & PSTATE_A)) {
        __atomic_fetch_and(&c->lines, ~line, __ATOMIC_SEQ_CST);
        c->s.disr_el1 = BIT(31);
    }
    TAIL return a64_next(c, i, bank, pc);
}

/* ---- barriers ---- */

/* DMB of loads, of stores, of both. */
A64_HANDLER(dmb)
{
    if ((i->imm & 3) == 1)
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    else if ((i->imm & 3) == 2)
        __atomic_thread_fence(__ATOMIC_RELEASE);
    else
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    TAIL return a64_next(c, i, bank, pc);
}

/* DSB also waits for the TLB maintenance this core has sent to others. */
A64_HANDLER(dsb)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (likely(!c->posted))
        TAIL return a64_next(c, i, bank, pc);
    c->s.pc = a64_pc(i, pc) + 4;
    a64_retire(c, i);
    aarch64_flushes_wait(c);
    return a64_leave();
}

/* What other cores wrote is queued for this one, and is seen to when the next block is entered. */
A64_HANDLER(isb)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(sb)
{
    TAIL return a64_next(c, i, bank, pc);
}

/* ---- PSTATE ---- */

static void pstate_write(struct aarch64_core *c, const struct a64_insn *i, uint64_t bit)
{
    c->s.pstate = (c->s.pstate & ~(uint32_t)bit) | (i->imm & 1 ? (uint32_t)bit : 0);
}

/* One bit of PSTATE from the immediate: one that is part of the context, and EL1's alone; or one that EL0 may
 * write. */
#define PSTATE_OF_CONTEXT(name, bit)                                                                         \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        if (at_el0(c))                                                                                       \
            TAIL return a64_undefined(c, i, bank, pc);                                                       \
        pstate_write(c, i, bit);                                                                             \
        aarch64_resync(c);                                                                                   \
        TAIL return a64_go_on_after(c, i, bank, pc);                                                         \
    }
#define PSTATE_OF_ALL(name, bit)                                                                             \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        pstate_write(c, i, bit);                                                                             \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
PSTATE_OF_CONTEXT(msr_uao, PSTATE_UAO)
PSTATE_OF_CONTEXT(msr_pan, PSTATE_PAN)
PSTATE_OF_ALL(msr_ssbs, PSTATE_SSBS)
PSTATE_OF_ALL(msr_dit, PSTATE_DIT)

A64_HANDLER(msr_spsel)
{
    if (at_el0(c))
        TAIL return a64_undefined(c, i, bank, pc);
    aarch64_select_sp(c, i->imm & 1);
    TAIL return a64_go_on_after(c, i, bank, pc);
}

/* DAIFSet and DAIFClr at EL0, while SCTLR_EL1.UMA is clear: the syndrome is that of an MSR. */
static bool masks_trapped(struct aarch64_core *c, const struct a64_insn *i, unsigned op2)
{
    if (likely(!at_el0(c)) || (c->s.sctlr_el1 & SCTLR_UMA))
        return false;
    c->fault = (struct aarch64_fault){
        .ec = EC_SYSREG, .iss = op2 << 17 | 3u << 14 | 4u << 10 | 31u << 5 | (uint32_t)i->imm << 1};
    return true;
}

/* Nothing waits, and D makes no difference: the rule. */
INLINE A64_HANDLER(masks_changed)
{
    if (likely(!aarch64_lines(c) && !(c->s.mdscr_el1 & (MDSCR_SS | MDSCR_MDE))))
        TAIL return a64_next(c, i, bank, pc);
    aarch64_resync(c);
    TAIL return a64_go_on_after(c, i, bank, pc);
}

/* The order of D, A, I and F is the same in the immediate. */
A64_HANDLER(msr_daifset)
{
    if (unlikely(masks_trapped(c, i, 6)))
        TAIL return a64_raise(c, i, bank, pc);
    c->s.pstate |= (uint32_t)i->imm << 6;
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(msr_daifclr)
{
    if (unlikely(masks_trapped(c, i, 7)))
        TAIL return a64_raise(c, i, bank, pc);
    c->s.pstate &= ~((uint32_t)i->imm << 6);
    TAIL return a64_masks_changed(c, i, bank, pc);
}

/* ---- system registers ---- */

/* What comes down to a member of the state: imm is its offset. */
A64_HANDLER(mrs__state)
{
    c->s.x[i->rd] = *(const uint64_t *)(const void *)((const uint8_t *)&c->s + i->imm);
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(msr__state)
{
    *(uint64_t *)(void *)((uint8_t *)&c->s + i->imm) = c->s.x[i->rm];
    TAIL return a64_next(c, i, bank, pc);
}

/* Likewise, of 32 bits. */
A64_HANDLER(msr__state32)
{
    *(uint64_t *)(void *)((uint8_t *)&c->s + i->imm) = (uint32_t)c->s.x[i->rm];
    TAIL return a64_next(c, i, bank, pc);
}

/* DAIF at EL1. */
A64_HANDLER(mrs__daif)
{
    c->s.x[i->rd] = c->s.pstate & (uint32_t)PSTATE_DAIF;
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(msr__daif)
{
    uint32_t masks = (uint32_t)(c->s.x[i->rm] & PSTATE_DAIF);
    c->s.pstate = (c->s.pstate & ~(uint32_t)PSTATE_DAIF) | masks;
    TAIL return a64_masks_changed(c, i, bank, pc);
}

/* No such register, in a part of the space where that is reported as a trap: imm is its number. */
A64_HANDLER(mrs__absent)
{
    aarch64_sysreg_trapped(c, (uint32_t)i->imm, i->rm, false);
    TAIL return a64_raise(c, i, bank, pc);
}

A64_HANDLER(mrs)
{
    const struct aarch64_sysreg *r = aarch64_sysreg(i->imm);
    unsigned rt = i->rd == REG_DISCARD ? 31 : i->rd;
    if (!aarch64_sysreg_check(c, r, rt, false))
        TAIL return a64_raise(c, i, bank, pc);
    /* Counters of instructions are to see those before this one. */
    c->vcpu.icount += i->offset;
    c->s.x[i->rd] = aarch64_sysreg_read(c, r);
    c->vcpu.icount -= i->offset;
    TAIL return a64_next(c, i, bank, pc);
}

/* What ends its block leaves it too when something was changed that the outer loop looks at. */
static COLD const struct a64_insn *register_write(struct aarch64_core *c, const struct a64_insn *i,
                                                  struct tlb_bank *bank, uint64_t pc)
{
    const struct aarch64_sysreg *r = aarch64_sysreg(i->imm);
    if (!aarch64_sysreg_check(c, r, i->rm, true))
        TAIL return a64_raise(c, i, bank, pc);
    /* What begins to be counted is what comes behind. */
    c->vcpu.icount += i->offset + 1u;
    bool written = aarch64_sysreg_write(c, r, c->s.x[i->rm]);
    c->vcpu.icount -= i->offset + 1u;
    if (!written)
        TAIL return a64_raise(c, i, bank, pc);
    if (c->resync)
        TAIL return a64_go_on_after(c, i, bank, pc);
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(msr)
{
    TAIL return register_write(c, i, bank, pc);
}

A64_HANDLER(sys)
{
    TAIL return register_write(c, i, bank, pc);
}

/* DC ZVA, which clearing memory is made of. Whatever is not simple is for the table. */
A64_HANDLER(sys__zva)
{
    uint64_t va = c->s.x[i->rm] & ~(uint64_t)(AARCH64_ZVA_BLOCK - 1);
    void *p = tlb_write_hit(bank, va, AARCH64_ZVA_BLOCK);
    if (unlikely(!p || !(at_el0(c) ? c->s.sctlr_el1 & SCTLR_DZE : 1)))
        TAIL return register_write(c, i, bank, pc);
    memset(p, 0, AARCH64_ZVA_BLOCK);
    TAIL return a64_next(c, i, bank, pc);
}

/* None is defined here. */
A64_HANDLER(sysl)
{
    TAIL return a64_undefined(c, i, bank, pc);
}

/* ---- pointer authentication in the hint space ---- */

#define PAC_HINT(name, function, target, modifier, key)                                                      \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        uint64_t v = function(c, c->s.x[target], modifier, key);                                             \
        if (unlikely(c->fault.ec))                                                                           \
            TAIL return a64_raise(c, i, bank, pc);                                                           \
        c->s.x[target] = v;                                                                                  \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
PAC_HINT(pacia1716, aarch64_sign, 17, c->s.x[16], KEY_IA)
PAC_HINT(pacib1716, aarch64_sign, 17, c->s.x[16], KEY_IB)
PAC_HINT(autia1716, aarch64_verify, 17, c->s.x[16], KEY_IA)
PAC_HINT(autib1716, aarch64_verify, 17, c->s.x[16], KEY_IB)
PAC_HINT(paciaz, aarch64_sign, REG_LR, 0, KEY_IA)
PAC_HINT(pacibz, aarch64_sign, REG_LR, 0, KEY_IB)
PAC_HINT(autiaz, aarch64_verify, REG_LR, 0, KEY_IA)
PAC_HINT(autibz, aarch64_verify, REG_LR, 0, KEY_IB)
static PAC_HINT(paciasp__any, aarch64_sign, REG_LR, c->s.x[REG_SP], KEY_IA)
    PAC_HINT(pacibsp, aarch64_sign, REG_LR, c->s.x[REG_SP],
             KEY_IB) static PAC_HINT(autiasp__any, aarch64_verify, REG_LR, c->s.x[REG_SP], KEY_IA)
        PAC_HINT(autibsp, aarch64_verify, REG_LR, c->s.x[REG_SP], KEY_IB)

            A64_HANDLER(paciasp)
{
    if (unlikely(!aarch64_pauth_quick_sign(c, &c->s.x[REG_LR], c->s.x[REG_SP])))
        TAIL return a64_paciasp__any(c, i, bank, pc);
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(autiasp)
{
    if (unlikely(!aarch64_pauth_quick_verify(c, &c->s.x[REG_LR], c->s.x[REG_SP])))
        TAIL return a64_autiasp__any(c, i, bank, pc);
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(xpaclri)
{
    c->s.x[REG_LR] = aarch64_strip(c, c->s.x[REG_LR], false);
    TAIL return a64_next(c, i, bank, pc);
}

/* rd as a source: XZR was decoded as a destination. */
INLINE uint64_t pointer(const struct aarch64_core *c, const struct a64_insn *i)
{
    return i->rd == REG_DISCARD ? 0 : c->s.x[i->rd];
}

#define PAC_REGISTER(name, function, modifier, key)                                                          \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        uint64_t v = function(c, pointer(c, i), modifier, key);                                              \
        if (unlikely(c->fault.ec))                                                                           \
            TAIL return a64_raise(c, i, bank, pc);                                                           \
        c->s.x[i->rd] = v;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define PAC_KEY(suffix, key)                                                                                 \
    PAC_REGISTER(pac##suffix, aarch64_sign, c->s.x[i->rn], key)                                              \
    PAC_REGISTER(aut##suffix, aarch64_verify, c->s.x[i->rn], key)
#define PAC_KEY_ZERO(suffix, key)                                                                            \
    PAC_REGISTER(pac##suffix, aarch64_sign, 0, key)                                                          \
    PAC_REGISTER(aut##suffix, aarch64_verify, 0, key)
PAC_KEY(ia, KEY_IA)
PAC_KEY(ib, KEY_IB)
PAC_KEY(da, KEY_DA)
PAC_KEY(db, KEY_DB)
PAC_KEY_ZERO(iza, KEY_IA)
PAC_KEY_ZERO(izb, KEY_IB)
PAC_KEY_ZERO(dza, KEY_DA)
PAC_KEY_ZERO(dzb, KEY_DB)

A64_HANDLER(xpaci)
{
    c->s.x[i->rd] = aarch64_strip(c, pointer(c, i), false);
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(xpacd)
{
    c->s.x[i->rd] = aarch64_strip(c, pointer(c, i), true);
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(pacga)
{
    c->s.x[i->rd] = aarch64_generic_mac(c, c->s.x[i->rn], c->s.x[i->rm]);
    TAIL return a64_next(c, i, bank, pc);
}
