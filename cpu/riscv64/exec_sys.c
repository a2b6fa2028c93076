/* System instructions: CSR accesses, environment calls, trap returns, waiting, and fences of translations. */
#include "base/bits.h"
#include "cpu/riscv64/csr.h"
#include "cpu/riscv64/interp.h"

/* Go on behind i: within the block's link, unless the outer loop has something to look at. */
INLINE const struct riscv_insn *after(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                      uint64_t pc)
{
    if (c->resync)
        TAIL return riscv_leave_after(c, i, bank, pc);
    TAIL return next(c, i, bank, pc);
}

/* ---- CSR instructions (Unpriv. 7.1) ---- */

enum csr_operation {
    CSR_SWAP,
    CSR_SET,
    CSR_CLEAR,
};

/* False: illegal. Out of line, so that the handlers stay jumps. */
static __attribute__((noinline)) bool csr_operate(struct riscv_core *c, const struct riscv_insn *i,
                                                  enum csr_operation operation, uint64_t operand)
{
    unsigned number = (unsigned)i->imm;
    bool write = operation == CSR_SWAP || i->rs1 != 0; /* x0, or the immediate 0: only a read */
    const struct riscv_csr *csr = riscv_csr_find(c, number, write);
    if (!csr)
        return false;
    uint64_t old = operation == CSR_SWAP && i->rd == 32 ? 0 : riscv_csr_read(c, csr, number);
    uint64_t base = riscv_csr_modify_base(c, number, old);
    switch (operation) {
    case CSR_SWAP: break;
    case CSR_SET: operand |= base; break;
    case CSR_CLEAR: operand = base & ~operand; break;
    }
    if (write)
        riscv_csr_write(c, csr, number, operand);
    c->s.x[i->rd] = old;
    return true;
}

#define CSR_INSN(name, operation, operand)                                                                   \
    const struct riscv_insn *rv_##name(struct riscv_core *c, const struct riscv_insn *i,                     \
                                       struct tlb_bank *bank, uint64_t pc)                                   \
    {                                                                                                        \
        if (!csr_operate(c, i, operation, operand))                                                          \
            TAIL return riscv_illegal(c, i, bank, pc);                                                       \
        TAIL return after(c, i, bank, pc);                                                                   \
    }

/* clang-format off */
CSR_INSN(csrrw,  CSR_SWAP,  c->s.x[i->rs1])
CSR_INSN(csrrs,  CSR_SET,   c->s.x[i->rs1])
CSR_INSN(csrrc,  CSR_CLEAR, c->s.x[i->rs1])
CSR_INSN(csrrwi, CSR_SWAP,  i->rs1)
CSR_INSN(csrrsi, CSR_SET,   i->rs1)
CSR_INSN(csrrci, CSR_CLEAR, i->rs1)
/* clang-format on */

/* ---- calls and returns ---- */

const struct riscv_insn *rv_ecall(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                  uint64_t pc)
{
    if (c->hypercalls && c->s.privilege == PRIV_S) {
        *c->exit = (struct vcpu_exit){.reason = EXIT_HYPERCALL};
        c->leaving = true;
        TAIL return riscv_leave_after(c, i, bank, pc);
    }
    c->fault = (struct riscv_fault){(uint8_t)(EXC_ECALL_U + c->s.privilege), 0};
    TAIL return riscv_raise(c, i, bank, pc);
}

/* RISC-V Semihosting 0.4, 2: an EBREAK of 32 bits between two instructions without effect, all in one page.
 */
static bool semihosting_request(struct riscv_core *c, uint64_t at)
{
    static const uint32_t wanted[] = {0x01f01013 /* slli x0, x0, 31 */, 0x00100073 /* ebreak */,
                                      0x40705013 /* srai x0, x0, 7 */};
    uint64_t start = at - 4;
    uint8_t bytes[sizeof(wanted)];
    if (!c->semihosting || c->s.privilege == PRIV_U || start / PAGE_SIZE != (at + 7) / PAGE_SIZE)
        return false;
    struct translation found = c->vcpu.ops->translate(&c->vcpu, gva(start), WALK_FETCH);
    if (!found.ok || !ram_read(c->vcpu.mem->ram, found.pa, bytes, sizeof(bytes)))
        return false;
    for (unsigned n = 0; n < ARRAY_LEN(wanted); n++) {
        if (le32_load(bytes + 4 * n) != wanted[n])
            return false;
    }
    return true;
}

const struct riscv_insn *rv_ebreak(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                   uint64_t pc)
{
    uint64_t at = pc + 2 * (uint64_t)i->offset;
    if (semihosting_request(c, at)) {
        *c->exit = (struct vcpu_exit){.reason = EXIT_SEMIHOSTING};
        c->leaving = true;
        TAIL return riscv_leave_after(c, i, bank, pc);
    }
    c->fault = (struct riscv_fault){EXC_BREAKPOINT, at};
    TAIL return riscv_raise(c, i, bank, pc);
}

static const struct riscv_insn *trap_return(struct riscv_core *c, enum riscv_privilege from)
{
    riscv_trap_return(c, from);
    return leave();
}

const struct riscv_insn *rv_mret(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                 uint64_t pc)
{
    if (c->s.privilege != PRIV_M)
        TAIL return riscv_illegal(c, i, bank, pc);
    return trap_return(c, PRIV_M);
}

/* Whether supervisor instruction i is kept from the present mode by `trap`, a bit of mstatus. */
static bool supervisor_denied(const struct riscv_core *c, uint64_t trap)
{
    return c->s.privilege == PRIV_U || (c->s.privilege == PRIV_S && (c->s.mstatus & trap));
}

const struct riscv_insn *rv_sret(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                 uint64_t pc)
{
    if (supervisor_denied(c, MSTATUS_TSR))
        TAIL return riscv_illegal(c, i, bank, pc);
    return trap_return(c, PRIV_S);
}

/* ---- waiting ---- */

/*
 * A hart that waits for another: where there are more harts than host processors, the other one may need this
 * thread's. Not each time, because most waits are shorter than a yield.
 */
#define PAUSES_PER_YIELD 32

static void pause_note(struct riscv_core *c)
{
    if (++c->pauses % PAUSES_PER_YIELD == 0)
        host_thread_yield();
}

const struct riscv_insn *rv_pause(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                  uint64_t pc)
{
    pause_note(c);
    TAIL return next(c, i, bank, pc);
}

/* With TW, waiting below M may end at once with an exception (Priv. 3.1.6.6); in U, always (3.3.3). */
const struct riscv_insn *rv_wfi(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                uint64_t pc)
{
    if (supervisor_denied(c, MSTATUS_TW))
        TAIL return riscv_illegal(c, i, bank, pc);
    c->s.waiting = WAIT_WFI;
    pause_note(c); /* firmware may wait in a loop with an interrupt pending all the time */
    TAIL return riscv_leave_after(c, i, bank, pc);
}

/* A wait for a reservation set may end for any reason (Zawrs): TW's timeout is never reached. */
const struct riscv_insn *rv_wrs_nto(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                    uint64_t pc)
{
    TAIL return rv_pause(c, i, bank, pc);
}

const struct riscv_insn *rv_wrs_sto(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                    uint64_t pc)
{
    TAIL return rv_pause(c, i, bank, pc);
}

/* ---- fences of translations ---- */

const struct riscv_insn *rv_sfence_vma(struct riscv_core *c, const struct riscv_insn *i,
                                       struct tlb_bank *bank, uint64_t pc)
{
    if (supervisor_denied(c, MSTATUS_TVM))
        TAIL return riscv_illegal(c, i, bank, pc);
    int64_t asid = i->rs2 ? (int64_t)(c->s.x[i->rs2] & (BIT(SATP_ASID_BITS) - 1)) : -1;
    riscv_flush(c, i->rs1 != 0, c->s.x[i->rs1], asid);
    TAIL return riscv_leave_after(c, i, bank, pc);
}

const struct riscv_insn *rv_sinval_vma(struct riscv_core *c, const struct riscv_insn *i,
                                       struct tlb_bank *bank, uint64_t pc)
{
    TAIL return rv_sfence_vma(c, i, bank, pc);
}

/* sinval.vma has done all the work; these only order it, and U may not use them (Svinval). */
const struct riscv_insn *rv_sfence_w_inval(struct riscv_core *c, const struct riscv_insn *i,
                                           struct tlb_bank *bank, uint64_t pc)
{
    if (c->s.privilege == PRIV_U)
        TAIL return riscv_illegal(c, i, bank, pc);
    TAIL return next(c, i, bank, pc);
}

const struct riscv_insn *rv_sfence_inval_ir(struct riscv_core *c, const struct riscv_insn *i,
                                            struct tlb_bank *bank, uint64_t pc)
{
    TAIL return rv_sfence_w_inval(c, i, bank, pc);
}
