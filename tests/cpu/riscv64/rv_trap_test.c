/* Traps: causes and what they leave behind, delegation, vectors, returns, interrupt order, and who may do
 * what (Priv. 3.1, 3.3, 12.1). */
#include "tests/cpu/riscv64/bare.h"

#define HOLE ((uint64_t)0x40000000) /* nothing answers there */

static void check_m(struct bare *bare, uint64_t cause, uint64_t epc, uint64_t tval)
{
    CHECK_EQ(bare->s->privilege, PRIV_M);
    CHECK_EQ(bare->s->mcause, cause);
    CHECK_EQ(bare->s->mepc, epc);
    CHECK_EQ(bare->s->mtval, tval);
    CHECK_EQ(bare->s->pc, BARE_TRAP);
}

static void causes(void)
{
    struct bare *bare = bare_create(NULL);
    BARE_EXEC(bare, NOP, 0xffffffff);
    check_m(bare, EXC_ILLEGAL, BARE_RAM + 4, 0xffffffff);
    bare_put16(bare, BARE_RAM, 0x0000); /* the defined illegal instruction */
    bare_run(bare, BARE_RAM);
    check_m(bare, EXC_ILLEGAL, BARE_RAM, 0);
    bare_put16(bare, BARE_RAM, 0x8002); /* c.jr x0 is reserved */
    bare_run(bare, BARE_RAM);
    check_m(bare, EXC_ILLEGAL, BARE_RAM, 0x8002);
    BARE_EXEC(bare, EBREAK);
    check_m(bare, EXC_BREAKPOINT, BARE_RAM, BARE_RAM);
    BARE_EXEC(bare, ECALL);
    check_m(bare, EXC_ECALL_M, BARE_RAM, 0);
    bare->s->x[a1] = HOLE + 8;
    BARE_EXEC(bare, LW(a0, a1, 4));
    check_m(bare, EXC_LOAD_ACCESS, BARE_RAM, HOLE + 12);
    BARE_EXEC(bare, SD(a0, a1, -8));
    check_m(bare, EXC_STORE_ACCESS, BARE_RAM, HOLE);
    BARE_EXEC(bare, JALR(zero, a1, 0));
    check_m(bare, EXC_FETCH_ACCESS, HOLE + 8, HOLE + 8);
    BARE_EXEC(bare, asm_r(0x0000202f, a0, a1, a2)); /* amoadd.w */
    check_m(bare, EXC_STORE_ACCESS, BARE_RAM, HOLE + 8);
    bare->s->x[a1] = BARE_RAM + 0x1002;
    BARE_EXEC(bare, LR_W(a0, a1));
    check_m(bare, EXC_LOAD_MISALIGNED, BARE_RAM, BARE_RAM + 0x1002);
    BARE_EXEC(bare, SC_W(a0, a2, a1));
    check_m(bare, EXC_STORE_MISALIGNED, BARE_RAM, BARE_RAM + 0x1002);
    BARE_EXEC(bare, asm_r(0x0000302f, a0, a1, a2)); /* amoadd.d */
    check_m(bare, EXC_STORE_MISALIGNED, BARE_RAM, BARE_RAM + 0x1002);
    bare_destroy(bare);
}

/* Atomics need RAM. */
static void atomics_on_devices(void)
{
    struct bare *bare = bare_create(NULL);
    bare->s->x[a1] = BARE_DEVICE;
    BARE_EXEC(bare, asm_r(0x0800202f, a0, a1, a2)); /* amoswap.w */
    check_m(bare, EXC_STORE_ACCESS, BARE_RAM, BARE_DEVICE);
    BARE_EXEC(bare, LR_D(a0, a1));
    check_m(bare, EXC_LOAD_ACCESS, BARE_RAM, BARE_DEVICE);
    bare_destroy(bare);
}

/* Without C, a jump to where no instruction can be fails itself: it links and goes nowhere (Unpriv. 2.5). */
static void misaligned_jumps(void)
{
    struct bare *bare = bare_create("max,-c");
    bare->s->x[ra] = 5;
    bare->s->x[a1] = BARE_RAM + 0x206;
    BARE_EXEC(bare, NOP, JAL(ra, 6));
    check_m(bare, EXC_FETCH_MISALIGNED, BARE_RAM + 4, BARE_RAM + 10);
    BARE_EXEC(bare, JALR(ra, a1, 1));
    check_m(bare, EXC_FETCH_MISALIGNED, BARE_RAM, BARE_RAM + 0x206);
    CHECK_EQ(bare->s->x[ra], 5);
    BARE_EXEC(bare, BNE(a1, a1, 6), BEQ(a1, a1, 6));
    check_m(bare, EXC_FETCH_MISALIGNED, BARE_RAM + 4, BARE_RAM + 10);
    bare->s->x[a1] = BARE_RAM + 12;
    BARE_EXEC(bare, BEQ(a1, a1, 8), NOP, JALR(zero, a1, 1), LI(a0, 9));
    CHECK_EQ(bare->s->pc, bare->end);
    bare_csr_set(bare, CSR_MEPC, 0x1002);
    CHECK_EQ(bare_csr(bare, CSR_MEPC), 0x1000);
    bare_destroy(bare);
}

static void status_stack(void)
{
    struct bare *bare = bare_create(NULL);
    bare_csr_set(bare, CSR_MSTATUS, MSTATUS_MIE);
    BARE_EXEC(bare, ECALL);
    CHECK_EQ(bare->s->mstatus & (MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP),
             MSTATUS_MPIE | (uint64_t)PRIV_M << MSTATUS_MPP_SHIFT);
    /* mret to U: MIE = MPIE, MPIE = 1, MPP = U, MPRV cleared. */
    bare_mode(bare, PRIV_M);
    bare_csr_set(bare, CSR_MSTATUS, MSTATUS_MPRV);
    bare_csr_set(bare, CSR_MEPC, BARE_RAM + 0x200);
    BARE_PUT(bare, BARE_RAM + 0x200, ECALL);
    BARE_EXEC(bare, MRET);
    check_m(bare, EXC_ECALL_U, BARE_RAM + 0x200, 0);
    CHECK_EQ(bare->s->mstatus & (MSTATUS_MPRV | MSTATUS_MPP | MSTATUS_MPIE), 0);
    bare_destroy(bare);
}

static void delegation(void)
{
    struct bare *bare = bare_create(NULL);
    bare_csr_set(bare, CSR_MEDELEG, BIT(EXC_ILLEGAL) | BIT(EXC_ECALL_U));
    bare_mode(bare, PRIV_U);
    BARE_EXEC(bare, ECALL);
    CHECK_EQ(bare->s->scause, EXC_ECALL_U);
    CHECK_EQ(bare->s->sepc, BARE_RAM);
    CHECK_EQ(bare->s->privilege, PRIV_S);
    CHECK_EQ(bare->s->mstatus & MSTATUS_SPP, 0);
    CHECK_EQ(bare->s->pc, BARE_STRAP);
    bare_mode(bare, PRIV_S);
    BARE_EXEC(bare, 0xffffffff);
    CHECK_EQ(bare->s->stval, 0xffffffff);
    CHECK_EQ(bare->s->mstatus & MSTATUS_SPP, MSTATUS_SPP);
    BARE_EXEC(bare, ECALL); /* from S: not delegated */
    check_m(bare, EXC_ECALL_S, BARE_RAM, 0);
    bare_mode(bare, PRIV_M); /* never from M */
    BARE_EXEC(bare, 0xffffffff);
    check_m(bare, EXC_ILLEGAL, BARE_RAM, 0xffffffff);
    CHECK_EQ(bare_csr(bare, CSR_MEDELEG), BIT(EXC_ILLEGAL) | BIT(EXC_ECALL_U));
    bare_csr_set(bare, CSR_MEDELEG, ~(uint64_t)0);
    CHECK_EQ(bare_csr(bare, CSR_MEDELEG), 0xb3ff); /* no ecall from M, no reserved cause */
    bare_destroy(bare);
}

static void supervisor_return(void)
{
    struct bare *bare = bare_create(NULL);
    bare_csr_set(bare, CSR_MSTATUS, MSTATUS_SPIE | MSTATUS_SPP);
    bare_csr_set(bare, CSR_SEPC, BARE_RAM + 0x201); /* bit 0 is never set */
    BARE_PUT(bare, BARE_RAM + 0x200, ECALL);
    bare_mode(bare, PRIV_S);
    BARE_EXEC(bare, SRET);
    check_m(bare, EXC_ECALL_S, BARE_RAM + 0x200, 0);
    CHECK_EQ(bare->s->mstatus & (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP), MSTATUS_SIE | MSTATUS_SPIE);
    bare_destroy(bare);
}

/* An instruction that a mode may not use. */
static void denied(struct bare *bare, enum riscv_privilege mode, uint64_t mstatus, uint32_t insn,
                   bool illegal)
{
    test_context("%08x in %c with mstatus %#llx", insn, "US?M"[mode], (unsigned long long)mstatus);
    bare_csr_set(bare, CSR_MSTATUS, mstatus);
    bare_csr_set(bare, CSR_MCAUSE, 63);
    bare_csr_set(bare, CSR_MEPC, BARE_RAM + 0x300);
    bare_csr_set(bare, CSR_SEPC, BARE_RAM + 0x300);
    BARE_PUT(bare, BARE_RAM + 0x300, EBREAK);
    bare_mode(bare, mode);
    bare->s->x[a1] = bare->s->x[a2] = 0;
    BARE_PUT(bare, BARE_RAM, insn, EBREAK);
    bare_run(bare, BARE_RAM);
    if (bare->s->waiting && bare->s->pc == BARE_RAM + 4)
        CHECK(!illegal);
    else
        CHECK_EQ(bare->s->mcause, illegal ? EXC_ILLEGAL : EXC_BREAKPOINT);
    if (illegal)
        CHECK_EQ(bare->s->mtval, insn);
}

static void privileges(void)
{
    struct bare *bare = bare_create(NULL);
    const uint32_t satp_read = CSRRS(a0, CSR_SATP, zero), sinval = asm_r(0x16000073, 0, a1, a2),
                   inval_ir = 0x18100073, mcause_read = CSRRS(a0, CSR_MCAUSE, zero);
    denied(bare, PRIV_U, 0, WFI, true);
    denied(bare, PRIV_S, 0, WFI, false);
    denied(bare, PRIV_S, MSTATUS_TW, WFI, true);
    denied(bare, PRIV_M, MSTATUS_TW, WFI, false);
    denied(bare, PRIV_S, 0, MRET, true);
    denied(bare, PRIV_U, 0, SRET, true);
    denied(bare, PRIV_S, 0, SRET, false);
    denied(bare, PRIV_S, MSTATUS_TSR, SRET, true);
    denied(bare, PRIV_M, MSTATUS_TSR, SRET, false);
    denied(bare, PRIV_U, 0, SFENCE_VMA(a1, a2), true);
    denied(bare, PRIV_S, 0, SFENCE_VMA(a1, a2), false);
    denied(bare, PRIV_S, MSTATUS_TVM, SFENCE_VMA(a1, a2), true);
    denied(bare, PRIV_S, MSTATUS_TVM, sinval, true);
    denied(bare, PRIV_S, 0, sinval, false);
    denied(bare, PRIV_U, 0, inval_ir, true);
    denied(bare, PRIV_S, MSTATUS_TVM, inval_ir, false);
    denied(bare, PRIV_S, MSTATUS_TVM, satp_read, true);
    denied(bare, PRIV_S, 0, satp_read, false);
    denied(bare, PRIV_S, 0, mcause_read, true);
    denied(bare, PRIV_U, 0, CSRRS(a0, CSR_SCAUSE, zero), true);
    denied(bare, PRIV_M, 0, CSRRW(a0, CSR_CYCLE, zero), true);  /* read-only */
    denied(bare, PRIV_M, 0, CSRRS(a0, CSR_CYCLE, zero), false); /* only a read */
    denied(bare, PRIV_M, 0, CSRRS(a0, 0x3a1, zero), true);      /* pmpcfg1 is RV32's */
    denied(bare, PRIV_M, 0, CSRRS(a0, 0x7c0, zero), true);      /* no such register */
    denied(bare, PRIV_U, 0, CSRRS(a0, CSR_TIME, zero), true);   /* mcounteren is 0 */
    bare_destroy(bare);
}

/* ---- interrupts ---- */

static const uint8_t order[] = {INT_MEI, INT_MSI, INT_MTI, INT_SEI, INT_SSI, INT_STI, INT_LCOF};

static void interrupt_order(void)
{
    struct bare *bare = bare_create("max,-sstc");
    uint64_t pending = 0;
    bare_csr_set(bare, CSR_MIE, ~(uint64_t)0);
    CHECK_EQ(bare_csr(bare, CSR_MIE), 0x2aaa);
    riscv64_ops.irq_set(bare->vcpu, RISCV_LINE_MEI, true);
    riscv64_ops.irq_set(bare->vcpu, RISCV_LINE_MSI, true);
    riscv64_ops.irq_set(bare->vcpu, RISCV_LINE_MTI, true);
    bare_csr_set(bare, CSR_MIP, BIT(INT_SEI) | BIT(INT_SSI) | BIT(INT_STI) | BIT(INT_LCOF));
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        pending |= BIT(order[i]);
    CHECK_EQ(bare_csr(bare, CSR_MIP), pending);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        test_context("interrupt %u", order[i]);
        bare_csr_set(bare, CSR_MIE, pending);
        bare->s->mstatus = MSTATUS_MIE;
        BARE_EXEC(bare, NOP);
        check_m(bare, CAUSE_INTERRUPT | order[i], BARE_RAM, 0);
        pending &= ~BIT(order[i]);
    }
    bare_destroy(bare);
}

/* Delegated interrupts: taken in S with SIE and always in U, never in M. */
static void interrupt_levels(void)
{
    struct bare *bare = bare_create("max,-sstc");
    bare_csr_set(bare, CSR_MIDELEG, ~(uint64_t)0);
    CHECK_EQ(bare_csr(bare, CSR_MIDELEG), 0x2222);
    bare_csr_set(bare, CSR_MIE, BIT(INT_SSI));
    CHECK_EQ(bare_csr(bare, CSR_SIE), BIT(INT_SSI));
    riscv64_ops.irq_set(bare->vcpu, RISCV_LINE_SSI, true);
    CHECK_EQ(bare_csr(bare, CSR_SIP), BIT(INT_SSI));
    bare->s->mstatus = MSTATUS_SIE | MSTATUS_MIE;
    BARE_EXEC(bare, LI(a0, 1));
    CHECK_EQ(bare->s->pc, BARE_RAM + 4); /* M goes on */
    bare_mode(bare, PRIV_S);
    bare->s->mstatus = 0;
    BARE_EXEC(bare, LI(a0, 2));
    CHECK_EQ(bare->s->pc, BARE_RAM + 4); /* S without SIE as well */
    bare->s->mstatus = MSTATUS_SIE;
    BARE_EXEC(bare, NOP);
    CHECK_EQ(bare->s->scause, CAUSE_INTERRUPT | INT_SSI);
    CHECK_EQ(bare->s->sepc, BARE_RAM);
    CHECK_EQ(bare->s->mstatus & (MSTATUS_SIE | MSTATUS_SPIE), MSTATUS_SPIE);
    bare_mode(bare, PRIV_U);
    bare->s->mstatus = 0;
    bare->s->scause = 0;
    BARE_EXEC(bare, NOP);
    CHECK_EQ(bare->s->scause, CAUSE_INTERRUPT | INT_SSI);
    bare_destroy(bare);
}

static void vectors(void)
{
    struct bare *bare = bare_create(NULL);
    bare_csr_set(bare, CSR_MTVEC, BARE_TRAP | 1);
    bare_csr_set(bare, CSR_MIE, BIT(INT_MTI));
    riscv64_ops.irq_set(bare->vcpu, RISCV_LINE_MTI, true);
    bare->s->mstatus = MSTATUS_MIE;
    bare->end = BARE_TRAP + 4 * INT_MTI;
    bare_run(bare, BARE_RAM);
    CHECK_EQ(bare->s->pc, BARE_TRAP + 4 * INT_MTI);
    CHECK_EQ(bare->s->mepc, BARE_RAM);
    bare->s->mstatus = 0;
    BARE_EXEC(bare, ECALL); /* exceptions go to the base */
    CHECK_EQ(bare->s->pc, BARE_TRAP);
    bare_csr_set(bare, CSR_MTVEC, BARE_TRAP | 2); /* reserved: stays */
    CHECK_EQ(bare_csr(bare, CSR_MTVEC), BARE_TRAP | 1);
    bare_destroy(bare);
}

/* WFI ends when something enabled in mie is pending, whatever the global enables; pc is behind it. */
static void wait_for_interrupt(void)
{
    struct bare *bare = bare_create(NULL);
    BARE_PUT(bare, BARE_RAM, NOP, WFI, LI(a0, 77), EBREAK);
    bare_run(bare, BARE_RAM);
    CHECK_EQ(bare->exit.reason, EXIT_HALT);
    CHECK(!riscv64_ops.has_work(bare->vcpu));
    vcpu_run(bare->vcpu, &bare->exit);
    CHECK_EQ(bare->exit.reason, EXIT_HALT);
    CHECK_EQ(bare->s->pc, BARE_RAM + 8);
    riscv64_ops.irq_set(bare->vcpu, RISCV_LINE_MEI, true);
    CHECK(!riscv64_ops.has_work(bare->vcpu)); /* not enabled */
    bare->s->mie = BIT(INT_MEI);
    CHECK(riscv64_ops.has_work(bare->vcpu));
    vcpu_run(bare->vcpu, &bare->exit);
    CHECK_EQ(bare->s->x[a0], 77);
    CHECK_EQ(bare->s->mcause, EXC_BREAKPOINT);
    bare_destroy(bare);
}

/* The external line and software's bit are separate behind mip.SEIP (Priv. 3.1.9). */
static void seip(void)
{
    struct bare *bare = bare_create(NULL);
    riscv64_ops.irq_set(bare->vcpu, RISCV_LINE_SEI, true);
    bare->s->x[a1] = BIT(INT_SSI);
    BARE_EXEC(bare, CSRRS(a0, CSR_MIP, a1)); /* must not copy the line into the bit */
    CHECK_EQ(bare->s->x[a0], BIT(INT_SEI));
    riscv64_ops.irq_set(bare->vcpu, RISCV_LINE_SEI, false);
    CHECK_EQ(bare_csr(bare, CSR_MIP), BIT(INT_SSI));
    bare_destroy(bare);
}

static const struct test_case cases[] = {
    {"causes", causes},
    {"atomics_on_devices", atomics_on_devices},
    {"misaligned_jumps", misaligned_jumps},
    {"status_stack", status_stack},
    {"delegation", delegation},
    {"supervisor_return", supervisor_return},
    {"privileges", privileges},
    {"interrupt_order", interrupt_order},
    {"interrupt_levels", interrupt_levels},
    {"vectors", vectors},
    {"wait_for_interrupt", wait_for_interrupt},
    {"seip", seip},
};
TEST_SUITE(rv_trap_test, "unit", cases);
