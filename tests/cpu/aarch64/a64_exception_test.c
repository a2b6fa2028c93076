/* Exceptions: classes, syndromes and what they leave behind; vectors, masks, returns (Arm ARM D1.3,
 * D17.2.37). */
#include "tests/cpu/aarch64/a64_bare.h"

#define RAN_TO_END(bare) CHECK_EQ((bare)->s->pc, (bare)->end)

static void classes(void)
{
    struct a64_bare *bare = a64_create(NULL);
    A64_EXEC(bare, NOP, SVC(0x1234));
    a64_check_exception(bare, A64_SYNC, EC_SVC, 0x1234, A64_CODE + 8);
    A64_EXEC(bare, NOP, BRK(0xffff));
    a64_check_exception(bare, A64_SYNC, EC_BRK, 0xffff, A64_CODE + 4);
    A64_EXEC(bare, NOP, UDF);
    a64_check_exception(bare, A64_SYNC, EC_UNKNOWN, 0, A64_CODE + 4);
    /* No EL2, no EL3, and a board that does not stand in for them. */
    A64_EXEC(bare, HVC(0));
    a64_check_exception(bare, A64_SYNC, EC_UNKNOWN, 0, A64_CODE);
    A64_EXEC(bare, SMC(0));
    a64_check_exception(bare, A64_SYNC, EC_UNKNOWN, 0, A64_CODE);
    A64_EXEC(bare, 0xd4400000); /* hlt */
    a64_check_exception(bare, A64_SYNC, EC_UNKNOWN, 0, A64_CODE);
    A64_EXEC(bare, 0xd4a00001); /* dcps1 */
    a64_check_exception(bare, A64_SYNC, EC_UNKNOWN, 0, A64_CODE);
    a64_enter(bare, 0);
    A64_EXEC(bare, ERET);
    a64_check_exception(bare, A64_SYNC_EL0, EC_UNKNOWN, 0, A64_CODE);
    a64_destroy(bare);
}

static void hypercalls(void)
{
    struct a64_bare *bare = a64_create_with(NULL, true);
    A64_EXEC(bare, NOP, HVC(0x55), NOP);
    CHECK_EQ(bare->exit.reason, EXIT_HYPERCALL);
    CHECK_EQ(bare->s->pc, A64_CODE + 8);
    CHECK_EQ(aarch64_call(bare->vcpu).smc, false);
    CHECK_EQ(aarch64_call(bare->vcpu).imm, 0x55);
    A64_EXEC(bare, SMC(3), NOP);
    CHECK_EQ(bare->exit.reason, EXIT_HYPERCALL);
    CHECK_EQ(aarch64_call(bare->vcpu).smc, true);
    a64_enter(bare, 0);
    A64_EXEC(bare, SMC(3));
    a64_check_exception(bare, A64_SYNC_EL0, EC_UNKNOWN, 0, A64_CODE);
    a64_destroy(bare);
}

/* What is saved, and what PSTATE becomes. */
static void state_saved(void)
{
    struct a64_bare *bare = a64_create(NULL);
    uint8_t cpsr[4];
    le32_store(cpsr, 0xa0000000 | PSTATE_EL0T);
    CHECK(aarch64_ops.register_set(bare->vcpu, 33, cpsr));
    bare->s->x[REG_SP] = A64_DATA;
    bare->s->sp_el[1] = A64_DATA + 0x1000;
    bare->s->sctlr_el1 |= SCTLR_SPAN | SCTLR_DSSBS;
    A64_EXEC(bare, SVC(0));
    CHECK_EQ(bare->s->spsr_el1, 0xa0000000 | PSTATE_EL0T);
    CHECK_EQ(bare->s->pstate, PSTATE_EL1H | PSTATE_DAIF | PSTATE_SSBS);
    CHECK_EQ(bare->s->x[REG_SP], A64_DATA + 0x1000);
    CHECK_EQ(bare->s->sp_el[0], A64_DATA);
    /* SPAN clear: PAN is set; UAO is cleared and saved; DSSBS clear. */
    a64_enter(bare, 1);
    bare->s->sctlr_el1 &= ~(SCTLR_SPAN | SCTLR_DSSBS);
    bare->s->pstate |= PSTATE_UAO | PSTATE_DIT | PSTATE_SSBS;
    A64_EXEC(bare, SVC(0));
    CHECK_EQ(bare->s->spsr_el1 & ~PSTATE_NZCV, PSTATE_EL1H | PSTATE_UAO | PSTATE_DIT | PSTATE_SSBS);
    CHECK_EQ(bare->s->pstate, PSTATE_EL1H | PSTATE_DAIF | PSTATE_PAN | PSTATE_DIT);
    a64_destroy(bare);
}

static void vectors(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_enter(bare, 1);
    A64_EXEC(bare, 0xd50040bf /* msr spsel, #0 */, SVC(1));
    a64_check_exception(bare, A64_SYNC_SP0, EC_SVC, 1, A64_CODE + 8);
    CHECK_EQ(bare->s->spsr_el1 & 0xf, PSTATE_EL1T);
    aarch64_ops.irq_set(bare->vcpu, AARCH64_LINE_IRQ, true);
    a64_enter(bare, 1);
    A64_EXEC(bare, NOP);
    CHECK_EQ(bare->s->pc, A64_VECTORS + A64_IRQ);
    CHECK_EQ(bare->s->elr_el1, A64_CODE);
    a64_enter(bare, 0);
    A64_EXEC(bare, NOP);
    CHECK_EQ(bare->s->pc, A64_VECTORS + A64_IRQ_EL0);
    /* FIQ before IRQ, SError before both, as long as they are not masked. */
    aarch64_ops.irq_set(bare->vcpu, AARCH64_LINE_FIQ, true);
    a64_enter(bare, 1);
    A64_EXEC(bare, NOP);
    CHECK_EQ(bare->s->pc, A64_VECTORS + A64_FIQ);
    aarch64_ops.irq_set(bare->vcpu, AARCH64_LINE_SERROR, true);
    aarch64_ops.irq_set(bare->vcpu, AARCH64_LINE_SERROR, false);
    a64_enter(bare, 1);
    A64_EXEC(bare, NOP);
    CHECK_EQ(bare->s->pc, A64_VECTORS + A64_SERROR);
    CHECK_EQ(bare->s->esr_el1, (uint64_t)EC_SERROR << 26 | ESR_IL);
    a64_enter(bare, 1);
    bare->s->pstate |= PSTATE_F;
    A64_EXEC(bare, NOP);
    CHECK_EQ(bare->s->pc, A64_VECTORS + A64_IRQ);
    a64_enter(bare, 1);
    bare->s->pstate |= PSTATE_F | PSTATE_I;
    A64_EXEC(bare, NOP);
    RAN_TO_END(bare);
    CHECK_EQ(a64_sysreg(bare, A64_SYSREG(3, 0, 12, 1, 0)), PSTATE_I | PSTATE_F);
    a64_destroy(bare);
}

/* Unmasking takes what is pending at once, between the two instructions. */
static void unmasking(void)
{
    struct a64_bare *bare = a64_create(NULL);
    aarch64_ops.irq_set(bare->vcpu, AARCH64_LINE_IRQ, true);
    A64_EXEC(bare, NOP, 0xd50342ff /* msr daifclr, #2 */, NOP, NOP);
    CHECK_EQ(bare->s->pc, A64_VECTORS + A64_IRQ);
    CHECK_EQ(bare->s->elr_el1, A64_CODE + 8);
    CHECK_EQ(bare->s->spsr_el1 & PSTATE_DAIF, PSTATE_DAIF & ~PSTATE_I);
    a64_enter(bare, 1);
    bare->s->pstate |= PSTATE_I;
    bare->s->x[1] = 0;
    A64_EXEC(bare, NOP, MSR(DAIF, 1), NOP);
    CHECK_EQ(bare->s->elr_el1, A64_CODE + 8);
    a64_destroy(bare);
}

static void waiting(void)
{
    struct a64_bare *bare = a64_create(NULL);
    A64_EXEC(bare, WFI, NOP);
    CHECK_EQ(bare->exit.reason, EXIT_HALT);
    CHECK_EQ(bare->s->pc, A64_CODE + 4);
    CHECK(!aarch64_ops.has_work(bare->vcpu));
    /* An interrupt that is masked ends it. */
    aarch64_ops.irq_set(bare->vcpu, AARCH64_LINE_IRQ, true);
    CHECK(aarch64_ops.has_work(bare->vcpu));
    vcpu_run(bare->vcpu, &bare->exit);
    RAN_TO_END(bare);
    A64_EXEC(bare, WFI, NOP);
    RAN_TO_END(bare);
    aarch64_ops.irq_set(bare->vcpu, AARCH64_LINE_IRQ, false);
    /* EL0 only with nTWI and nTWE. */
    a64_enter(bare, 0);
    bare->s->sctlr_el1 &= ~(SCTLR_nTWI | SCTLR_nTWE);
    A64_EXEC(bare, WFI);
    a64_check_exception(bare, A64_SYNC_EL0, EC_WFX, 0x1e00000, A64_CODE);
    a64_enter(bare, 0);
    bare->s->event = 0;
    A64_EXEC(bare, WFE);
    a64_check_exception(bare, A64_SYNC_EL0, EC_WFX, 0x1e00001, A64_CODE);
    a64_enter(bare, 0);
    bare->s->event = 0;
    A64_EXEC(bare, 0xd5031006 /* wfet x6 */);
    a64_check_exception(bare, A64_SYNC_EL0, EC_WFX, 0x1e00007 | 6 << 5, A64_CODE);
    a64_destroy(bare);
}

/* D1.7.1: WFE takes the event register's 1 and goes on; without it sleeps until an event, or an interrupt
 * that isn't masked. */
static void events(void)
{
    struct a64_bare *bare = a64_create(NULL);
    A64_EXEC(bare, SEV, WFE, 0xd50320bf /* sevl */, WFE, NOP);
    RAN_TO_END(bare);
    CHECK_EQ(bare->s->event, 0);
    A64_EXEC(bare, WFE, NOP);
    CHECK_EQ(bare->exit.reason, EXIT_HALT);
    CHECK_EQ(bare->s->pc, A64_CODE + 4);
    CHECK(!aarch64_ops.has_work(bare->vcpu));
    /* What is masked doesn't wake it; nor, at this moment, does it go on. */
    aarch64_ops.irq_set(bare->vcpu, AARCH64_LINE_IRQ, true);
    CHECK(!aarch64_ops.has_work(bare->vcpu));
    vcpu_run(bare->vcpu, &bare->exit);
    CHECK_EQ(bare->exit.reason, EXIT_HALT);
    bare->s->pstate &= ~(uint32_t)PSTATE_I;
    CHECK(aarch64_ops.has_work(bare->vcpu));
    bare->s->pstate |= PSTATE_I;
    /* Another core's SEV. */
    bare->s->event = 1;
    CHECK(aarch64_ops.has_work(bare->vcpu));
    vcpu_run(bare->vcpu, &bare->exit);
    RAN_TO_END(bare);
    a64_destroy(bare);
}

static void returns(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_enter(bare, 1);
    bare->s->sp_el[0] = A64_DATA + 0x40;
    bare->s->spsr_el1 = 0x60000000 | PSTATE_EL0T | PSTATE_SSBS;
    bare->s->elr_el1 = A64_CODE + 0x100;
    A64_PUT(bare, A64_CODE + 0x100, SVC(7));
    bare->s->monitor_address = A64_DATA;
    A64_EXEC(bare, ERET);
    a64_check_exception(bare, A64_SYNC_EL0, EC_SVC, 7, A64_CODE + 0x104);
    CHECK_EQ(bare->s->spsr_el1, 0x60000000 | PSTATE_EL0T | PSTATE_SSBS);
    CHECK_EQ(bare->s->sp_el[0], A64_DATA + 0x40);
    CHECK_EQ(bare->s->monitor_address, ~(uint64_t)0);
    CHECK_EQ(bare->s->event, 1);
    a64_destroy(bare);
}

/* D1.3.4.4: to a mode that isn't there PSTATE.IL is set, and the next instruction is an illegal state
 * exception. */
static void illegal_returns(void)
{
    static const uint32_t bad[] = {0x8, 0x9, 0xc, 0x1, 0x2, 0x10, 0x1f};
    struct a64_bare *bare = a64_create(NULL);
    for (size_t n = 0; n < ARRAY_LEN(bad); n++) {
        test_context("mode %#x", bad[n]);
        a64_enter(bare, 1);
        bare->s->spsr_el1 = 0xf0000000 | PSTATE_I | bad[n];
        bare->s->elr_el1 = A64_CODE + 0x100;
        A64_PUT(bare, A64_CODE + 0x100, NOP, NOP);
        A64_EXEC(bare, ERET);
        a64_check_exception(bare, A64_SYNC, EC_ILLEGAL_STATE, 0, A64_CODE + 0x100);
        CHECK_EQ(bare->s->spsr_el1, 0xf0000000 | PSTATE_I | PSTATE_IL | PSTATE_EL1H);
        CHECK_EQ(bare->s->pstate & PSTATE_IL, 0);
    }
    test_context(NULL);
    /* And IL set by a legal return. */
    a64_enter(bare, 1);
    bare->s->spsr_el1 = PSTATE_IL | PSTATE_EL0T;
    bare->s->elr_el1 = A64_CODE + 0x100;
    A64_EXEC(bare, ERET);
    a64_check_exception(bare, A64_SYNC_EL0, EC_ILLEGAL_STATE, 0, A64_CODE + 0x100);
    /* What is wrong with the fetch comes first (D1.3.5.5). */
    a64_enter(bare, 1);
    bare->s->spsr_el1 = PSTATE_IL | PSTATE_EL1H;
    bare->s->elr_el1 = A64_CODE + 0x102;
    A64_EXEC(bare, ERET);
    a64_check_exception(bare, A64_SYNC, EC_PC_ALIGNMENT, 0, A64_CODE + 0x102);
    CHECK_EQ(bare->s->spsr_el1 & PSTATE_IL, PSTATE_IL);
    bare->s->spsr_el1 = PSTATE_IL | PSTATE_EL1H;
    bare->s->elr_el1 = A64_HOLE;
    A64_EXEC(bare, ERET);
    CHECK_EQ(bare->s->esr_el1 >> 26, EC_FETCH_ABORT_LOWER + 1);
    a64_destroy(bare);
}

static void alignment_of_pc_and_sp(void)
{
    struct a64_bare *bare = a64_create(NULL);
    bare->s->x[1] = A64_CODE + 0x102;
    A64_EXEC(bare, BR(1));
    a64_check_exception(bare, A64_SYNC, EC_PC_ALIGNMENT, 0, A64_CODE + 0x102);
    CHECK_EQ(bare->s->far_el1, A64_CODE + 0x102);
    /* SP misaligned: only accesses through it fault, and only with SA. */
    a64_enter(bare, 1);
    bare->s->x[REG_SP] = A64_DATA;
    A64_EXEC(bare, NOP, SUB_I(31, 31, 8), ADD_I(2, 31, 0), STR_X(0, 31, 0));
    a64_check_exception(bare, A64_SYNC, EC_SP_ALIGNMENT, 0, A64_CODE + 12);
    CHECK_EQ(bare->s->x[2], A64_DATA - 8);
    /* Aligned again in the same run. */
    a64_enter(bare, 1);
    bare->s->x[REG_SP] = A64_DATA + 8;
    A64_EXEC(bare, SUB_I(31, 31, 8), STR_X(0, 31, 0), ADD_I(1, 31, 8), ADD_I(31, 1, 0), STR_X(0, 1, 0),
             STR_X(0, 31, 0));
    a64_check_exception(bare, A64_SYNC, EC_SP_ALIGNMENT, 0, A64_CODE + 20);
    a64_enter(bare, 1);
    bare->s->sctlr_el1 &= ~SCTLR_SA;
    bare->s->x[REG_SP] = A64_DATA + 8;
    A64_EXEC(bare, STR_X(0, 31, 0), LDR_X(0, 31, 8));
    RAN_TO_END(bare);
    /* EL0 has a bit of its own, and writeback can misalign as well. */
    a64_enter(bare, 0);
    bare->s->x[REG_SP] = A64_DATA;
    A64_EXEC(bare, 0xf8008fe0 /* str x0, [sp, #8]! */, LDR_X(0, 31, 0));
    a64_check_exception(bare, A64_SYNC_EL0, EC_SP_ALIGNMENT, 0, A64_CODE + 4);
    a64_destroy(bare);
}

/* ---- traps ---- */

/* ISS of a trapped MRS or MSR: Op0 21:20, Op2 19:17, Op1 16:14, CRn 13:10, Rt 9:5, CRm 4:1, read 0. */
static uint32_t syndrome(uint32_t number, unsigned rt, bool read)
{
    return (number >> 14) << 20 | (number & 7) << 17 | (number >> 11 & 7) << 14 | (number >> 7 & 15) << 10 |
           rt << 5 | (number >> 3 & 15) << 1 | read;
}

static void sysreg_access(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_enter(bare, 0);
    A64_EXEC(bare, MRS(3, SCTLR_EL1));
    a64_check_exception(bare, A64_SYNC_EL0, EC_UNKNOWN, 0, A64_CODE);
    /* The ID space, with FEAT_IDST. */
    a64_enter(bare, 0);
    A64_EXEC(bare, MRS(3, A64_SYSREG(3, 0, 0, 4, 0)));
    a64_check_exception(bare, A64_SYNC_EL0, EC_SYSREG, syndrome(A64_SYSREG(3, 0, 0, 4, 0), 3, true),
                        A64_CODE);
    /* There it is the same at EL1 for what doesn't exist, but only for reads. */
    a64_enter(bare, 1);
    A64_EXEC(bare, MRS(3, A64_SYSREG(3, 0, 0, 0, 1)));
    a64_check_exception(bare, A64_SYNC, EC_SYSREG, syndrome(A64_SYSREG(3, 0, 0, 0, 1), 3, true), A64_CODE);
    a64_enter(bare, 1);
    A64_EXEC(bare, MSR(A64_SYSREG(3, 0, 0, 0, 1), 3));
    a64_check_exception(bare, A64_SYNC, EC_UNKNOWN, 0, A64_CODE);
    a64_enter(bare, 0);
    bare->s->sctlr_el1 &= ~(SCTLR_UCT | SCTLR_UCI | SCTLR_DZE | SCTLR_UMA);
    A64_EXEC(bare, MRS(9, CTR_EL0));
    a64_check_exception(bare, A64_SYNC_EL0, EC_SYSREG, syndrome(CTR_EL0, 9, true), A64_CODE);
    a64_enter(bare, 0);
    A64_EXEC(bare, SYS(3, 7, 10, 1, 5)); /* dc cvac, x5 */
    a64_check_exception(bare, A64_SYNC_EL0, EC_SYSREG, syndrome(A64_SYSREG(1, 3, 7, 10, 1), 5, false),
                        A64_CODE);
    a64_enter(bare, 0);
    A64_EXEC(bare, SYS(3, 7, 4, 1, 6)); /* dc zva, x6 */
    a64_check_exception(bare, A64_SYNC_EL0, EC_SYSREG, syndrome(A64_SYSREG(1, 3, 7, 4, 1), 6, false),
                        A64_CODE);
    a64_enter(bare, 0);
    A64_EXEC(bare, MSR(DAIF, 2));
    a64_check_exception(bare, A64_SYNC_EL0, EC_SYSREG, syndrome(DAIF, 2, false), A64_CODE);
    a64_enter(bare, 0);
    A64_EXEC(bare, 0xd50342ff /* msr daifclr, #2 */);
    a64_check_exception(bare, A64_SYNC_EL0, EC_SYSREG, syndrome(A64_SYSREG(0, 3, 4, 2, 7), 31, false),
                        A64_CODE);
    a64_enter(bare, 0);
    A64_EXEC(bare, MRS(1, CNTVCT_EL0));
    a64_check_exception(bare, A64_SYNC_EL0, EC_SYSREG, syndrome(CNTVCT_EL0, 1, true), A64_CODE);
    a64_enter(bare, 0);
    bare->s->cntkctl_el1 = 2;
    A64_EXEC(bare, MRS(1, CNTVCT_EL0), MRS(1, CNTFRQ_EL0), MRS(1, CNTPCT_EL0));
    a64_check_exception(bare, A64_SYNC_EL0, EC_SYSREG, syndrome(CNTPCT_EL0, 1, true), A64_CODE + 8);
    a64_enter(bare, 0);
    A64_EXEC(bare, MRS(1, PMCCNTR_EL0));
    a64_check_exception(bare, A64_SYNC_EL0, EC_SYSREG, syndrome(PMCCNTR_EL0, 1, true), A64_CODE);
    /* What EL0 may always. */
    a64_enter(bare, 0);
    bare->s->x[1] = 77;
    A64_EXEC(bare, MSR(TPIDR_EL0, 1), MRS(2, TPIDR_EL0), MRS(3, NZCV), MRS(4, A64_SYSREG(3, 3, 13, 0, 3)));
    RAN_TO_END(bare);
    CHECK_EQ(bare->s->x[2], 77);
    A64_EXEC(bare, MSR(A64_SYSREG(3, 3, 13, 0, 3), 1)); /* tpidrro_el0 */
    a64_check_exception(bare, A64_SYNC_EL0, EC_UNKNOWN, 0, A64_CODE);
    /* What isn't there at all: EL2's registers; writes of what can only be read; SP_EL0 while it is in use.
     */
    a64_enter(bare, 1);
    A64_EXEC(bare, MRS(3, A64_SYSREG(3, 4, 1, 1, 0)));
    a64_check_exception(bare, A64_SYNC, EC_UNKNOWN, 0, A64_CODE);
    a64_enter(bare, 1);
    A64_EXEC(bare, MSR(CNTPCT_EL0, 3));
    a64_check_exception(bare, A64_SYNC, EC_UNKNOWN, 0, A64_CODE);
    a64_enter(bare, 1);
    A64_EXEC(bare, MRS(3, SP_EL0), 0xd50040bf /* msr spsel, #0 */, MRS(3, SP_EL0));
    a64_check_exception(bare, A64_SYNC_SP0, EC_UNKNOWN, 0, A64_CODE + 8);
    a64_destroy(bare);
}

static void floating_point_trap(void)
{
    struct a64_bare *bare = a64_create(NULL);
    const uint32_t ldr_d = 0xfd400020; /* ldr d0, [x1] */
    bare->s->x[1] = A64_DATA;
    A64_EXEC(bare, NOP, ldr_d);
    a64_check_exception(bare, A64_SYNC, EC_FP_TRAP, 0x1e00000, A64_CODE + 4);
    a64_enter(bare, 1);
    A64_EXEC(bare, MRS(0, FPCR));
    a64_check_exception(bare, A64_SYNC, EC_FP_TRAP, 0x1e00000, A64_CODE);
    /* FPEN 01: EL0 only. The change takes effect at the next instruction. */
    a64_enter(bare, 1);
    bare->s->x[2] = 1 << 20;
    A64_EXEC(bare, MSR(CPACR_EL1, 2), ldr_d);
    RAN_TO_END(bare);
    a64_enter(bare, 0);
    A64_EXEC(bare, ldr_d);
    a64_check_exception(bare, A64_SYNC_EL0, EC_FP_TRAP, 0x1e00000, A64_CODE);
    a64_sysreg_set(bare, CPACR_EL1, 3 << 20);
    a64_enter(bare, 0);
    A64_EXEC(bare, ldr_d);
    RAN_TO_END(bare);
    a64_destroy(bare);
}

static void gic_registers(void)
{
    struct a64_bare *bare = a64_create(NULL);
    const uint32_t eoir1 = A64_SYSREG(3, 0, 12, 12, 1), iar1 = A64_SYSREG(3, 0, 12, 12, 0);
    CHECK_EQ(a64_sysreg(bare, iar1), iar1);
    a64_sysreg_set(bare, eoir1, 34);
    CHECK_EQ(bare->icc[0], eoir1);
    CHECK_EQ(bare->icc[1], 34);
    CHECK_EQ(a64_sysreg(bare, A64_SYSREG(3, 0, 0, 4, 0)) >> 24 & 15, 1);
    A64_EXEC(bare, MRS(0, eoir1));
    a64_check_exception(bare, A64_SYNC, EC_UNKNOWN, 0, A64_CODE);
    a64_destroy(bare);
}

/* ID registers say what the model has. */
static void identification(void)
{
    const uint32_t pfr0 = A64_SYSREG(3, 0, 0, 4, 0), isar0 = A64_SYSREG(3, 0, 0, 6, 0),
                   isar1 = A64_SYSREG(3, 0, 0, 6, 1), mmfr0 = A64_SYSREG(3, 0, 0, 7, 0),
                   mmfr1 = A64_SYSREG(3, 0, 0, 7, 1), isar2 = A64_SYSREG(3, 0, 0, 6, 2);
    struct a64_bare *bare = a64_create("cortex-a57");
    CHECK_EQ(a64_sysreg(bare, A64_SYSREG(3, 0, 0, 0, 0)), 0x411fd070);
    CHECK_EQ(a64_sysreg(bare, pfr0), 0x1000011);
    CHECK_EQ(a64_sysreg(bare, isar0), 0x11120); /* CRC32, SHA2, SHA1, PMULL */
    CHECK_EQ(a64_sysreg(bare, isar1), 0);
    CHECK_EQ(a64_sysreg(bare, mmfr0), 0x0000024 | 0 << 28);   /* 44 bits, 16-bit ASIDs, 4K and 64K */
    CHECK_EQ(a64_sysreg(bare, A64_SYSREG(3, 0, 0, 3, 7)), 0); /* reserved */
    A64_EXEC(bare, 0xf8200020 /* ldadd x0, x0, [x1] */);
    a64_check_exception(bare, A64_SYNC, EC_UNKNOWN, 0, A64_CODE);
    a64_enter(bare, 0);
    A64_EXEC(bare, MRS(0, pfr0)); /* no FEAT_IDST */
    a64_check_exception(bare, A64_SYNC_EL0, EC_UNKNOWN, 0, A64_CODE);
    a64_destroy(bare);
    bare = a64_create("neoverse-n1");
    CHECK_EQ(a64_sysreg(bare, isar0) >> 20 & 15, 2);        /* LSE */
    CHECK_EQ(a64_sysreg(bare, mmfr1) & 0xffffff, 0x211022); /* HAFDBS 2, VMID16, HPDS, LOR, PAN2 */
    a64_destroy(bare);
    bare = a64_create("max");
    CHECK_EQ(a64_sysreg(bare, isar1) >> 8 & 15, 5); /* API */
    CHECK_EQ(a64_sysreg(bare, isar1) >> 4 & 15, 0);
    a64_destroy(bare);
    bare = a64_create("max,-pauth-impdef");
    CHECK_EQ(a64_sysreg(bare, isar1) >> 4 & 0xff, 5); /* APA */
    a64_destroy(bare);
    bare = a64_create("max,+pauth-qarma3,-sha256,-lva");
    CHECK_EQ(a64_sysreg(bare, isar2) >> 12 & 15, 5); /* APA3 */
    CHECK_EQ(a64_sysreg(bare, isar0) >> 12 & 15, 0); /* SHA512 needs SHA256 */
    CHECK_EQ(a64_sysreg(bare, A64_SYSREG(3, 0, 0, 7, 2)) >> 16 & 15, 0);
    a64_destroy(bare);
    struct error err = {0};
    struct aarch64_model model;
    CHECK(!aarch64_model_parse(&model, "cortex-a75", &err));
    CHECK_EQ(err.kind, ERROR_USAGE);
    CHECK(!aarch64_model_parse(&model, "max,+nothing", &err));
    CHECK(!aarch64_model_parse(&model, "max,lse", &err));
}

static const struct test_case cases[] = {
    {"classes", classes},
    {"hypercalls", hypercalls},
    {"state_saved", state_saved},
    {"vectors", vectors},
    {"unmasking", unmasking},
    {"waiting", waiting},
    {"events", events},
    {"returns", returns},
    {"illegal_returns", illegal_returns},
    {"alignment_of_pc_and_sp", alignment_of_pc_and_sp},
    {"sysreg_access", sysreg_access},
    {"floating_point_trap", floating_point_trap},
    {"gic_registers", gic_registers},
    {"identification", identification},
};
TEST_SUITE(a64_exception_test, "unit", cases);
