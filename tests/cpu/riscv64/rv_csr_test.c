/* Control and status registers: what may be written to each (WARL), who may look, and the counters
 * (Priv. 1.13). */
#include "tests/cpu/riscv64/bare.h"

#define ALL (~(uint64_t)0)

/* What a register reads as after all ones, and after zeros, were written to it. */
struct writable {
    const char *name;
    unsigned number;
    uint64_t ones, zeros;
};

static const struct writable max_registers[] = {
    {"sscratch", 0x140, ALL, 0},
    {"mscratch", 0x340, ALL, 0},
    {"mepc", CSR_MEPC, ALL - 1, 0},
    {"sepc", CSR_SEPC, ALL - 1, 0},
    {"stval", CSR_STVAL, ALL, 0},
    {"medeleg", CSR_MEDELEG, 0xb3ff, 0},
    {"mideleg", CSR_MIDELEG, 0x2222, 0},
    {"mie", CSR_MIE, 0x2aaa, 0},
    {"mcounteren", CSR_MCOUNTEREN, 0xffffffff, 0},
    {"scounteren", CSR_SCOUNTEREN, 0xffffffff, 0},
    {"mcountinhibit", CSR_MCOUNTINHIBIT, 0xfffffffd, 0},
    {"menvcfg", CSR_MENVCFG, (uint64_t)7 << 61 | 0xf1, 0},
    {"senvcfg", CSR_SENVCFG, 0xf1, 0},
    {"mstateen0", CSR_MSTATEEN0, (uint64_t)3 << 62, 0},
    {"mstateen1", CSR_MSTATEEN0 + 1, (uint64_t)1 << 63, 0},
    {"sstateen0", 0x10c, 0, 0},
    {"mhpmevent3", CSR_MHPMEVENT3, (uint64_t)0xf0ffffff << 32 | 0xffffffff, 0},
    {"mhpmcounter31", CSR_MHPMCOUNTER3 + 28, ALL, 0},
    {"pmpaddr15", CSR_PMPADDR0 + 15, ((uint64_t)1 << 54) - 1, 0},
    {"stimecmp", CSR_STIMECMP, ALL, 0},
};

static void write_masks(void)
{
    struct bare *bare = bare_create("max");
    for (size_t i = 0; i < ARRAY_LEN(max_registers); i++) {
        const struct writable *test = &max_registers[i];
        test_context("%s", test->name);
        bare_csr_set(bare, test->number, ALL);
        CHECK_EQ(bare_csr(bare, test->number), test->ones);
        bare_csr_set(bare, test->number, 0);
        CHECK_EQ(bare_csr(bare, test->number), test->zeros);
    }
    bare_destroy(bare);
}

static void mstatus(void)
{
    struct bare *bare = bare_create("max");
    const uint64_t xl = (uint64_t)0xa << 32;
    /* All ones: MPP = 3, FS dirty and so SD; MPRV is set too, which this hart's M mode survives as MPP is M.
     */
    bare_csr_set(bare, CSR_MSTATUS, ALL);
    CHECK_EQ(bare->s->mstatus, 0x7e79aa);
    CHECK_EQ(bare_csr(bare, CSR_MSTATUS) | MSTATUS_MPRV, BIT(63) | xl | 0x7e79aa);
    bare->s->mstatus = 0;
    CHECK_EQ(bare_csr(bare, CSR_MSTATUS), xl);
    /* MPP = 2 is no mode: the old one stays. */
    bare_csr_set(bare, CSR_MSTATUS, (uint64_t)PRIV_S << MSTATUS_MPP_SHIFT);
    bare_csr_set(bare, CSR_MSTATUS, (uint64_t)2 << MSTATUS_MPP_SHIFT);
    CHECK_EQ(bare_csr(bare, CSR_MSTATUS) & MSTATUS_MPP, (uint64_t)PRIV_S << MSTATUS_MPP_SHIFT);
    /* sstatus shows and changes its part only. */
    bare->s->mstatus = MSTATUS_MIE | MSTATUS_TW;
    bare_csr_set(bare, CSR_SSTATUS, ALL);
    CHECK_EQ(bare_csr(bare, CSR_SSTATUS), BIT(63) | (uint64_t)2 << 32 | 0xc6122);
    CHECK_EQ(bare->s->mstatus & (MSTATUS_MIE | MSTATUS_TW | MSTATUS_TVM), MSTATUS_MIE | MSTATUS_TW);
    bare_destroy(bare);
}

static void fixed_registers(void)
{
    struct bare *bare = bare_create("max");
    uint64_t letters = BIT(0) | BIT(1) | BIT(2) | BIT(3) | BIT(5) | BIT(8) | BIT(12) | BIT(18) | BIT(20);
    CHECK_EQ(bare_csr(bare, CSR_MISA), (uint64_t)2 << 62 | letters);
    bare_csr_set(bare, CSR_MISA, 0);
    CHECK_EQ(bare_csr(bare, CSR_MISA), (uint64_t)2 << 62 | letters);
    CHECK_EQ(bare_csr(bare, 0xf14), 0);
    /* tselect, tdata1, tinfo: no trigger, not even number 0. */
    bare_csr_set(bare, 0x7a0, ALL);
    CHECK_EQ(bare_csr(bare, 0x7a0), 0);
    bare_csr_set(bare, 0x7a1, ALL);
    CHECK_EQ(bare_csr(bare, 0x7a1), 0);
    CHECK_EQ(bare_csr(bare, 0x7a4), 1);
    bare_destroy(bare);
}

static void satp(void)
{
    struct bare *bare = bare_create("max");
    static const struct {
        uint64_t value;
        bool taken;
    } tests[] = {{(uint64_t)8 << 60 | 1, true},  {(uint64_t)9 << 60 | (uint64_t)0xffff << 44 | 2, true},
                 {(uint64_t)10 << 60 | 3, true}, {(uint64_t)11 << 60 | 4, false},
                 {(uint64_t)1 << 60 | 5, false}, {0, true}};
    uint64_t last = 0;
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        bare_csr_set(bare, CSR_SATP, tests[i].value);
        if (tests[i].taken)
            last = tests[i].value;
        CHECK_EQ(bare_csr(bare, CSR_SATP), last);
    }
    bare_destroy(bare);
}

static void envcfg(void)
{
    struct bare *bare = bare_create("max");
    bare_csr_set(bare, CSR_MENVCFG, (uint64_t)CBIE_FLUSH << ENVCFG_CBIE_SHIFT);
    bare_csr_set(bare, CSR_MENVCFG, (uint64_t)2 << ENVCFG_CBIE_SHIFT | 1); /* reserved: CBIE stays */
    CHECK_EQ(bare_csr(bare, CSR_MENVCFG), (uint64_t)CBIE_FLUSH << ENVCFG_CBIE_SHIFT | 1);
    bare_destroy(bare);
    bare = bare_create("rv64,-svadu");
    bare_csr_set(bare, CSR_MENVCFG, ALL);
    CHECK_EQ(bare_csr(bare, CSR_MENVCFG), ENVCFG_FIOM);
    bare_destroy(bare);
}

/* What a mode gets for a CSR read: the cause, or ~0 when it worked. */
static uint64_t cause_of(struct bare *bare, enum riscv_privilege mode, uint32_t insn)
{
    bare_csr_set(bare, CSR_MCAUSE, 63);
    bare_mode(bare, mode);
    BARE_PUT(bare, BARE_RAM, insn, EBREAK);
    bare_run(bare, BARE_RAM);
    return bare->s->mcause == EXC_BREAKPOINT ? ALL : bare->s->mcause;
}

static void counter_access(void)
{
    struct bare *bare = bare_create("max");
    static const struct {
        uint32_t mcounteren, scounteren;
        bool s, u;
    } tests[] = {{0, 7, false, false}, {4, 0, true, false}, {4, 4, true, true}, {3, 7, false, false}};
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        test_context("mcounteren %x, scounteren %x", tests[i].mcounteren, tests[i].scounteren);
        bare_csr_set(bare, CSR_MCOUNTEREN, tests[i].mcounteren);
        bare_csr_set(bare, CSR_SCOUNTEREN, tests[i].scounteren);
        uint32_t read = CSRRS(a0, CSR_INSTRET, zero);
        CHECK_EQ(cause_of(bare, PRIV_M, read), ALL);
        CHECK_EQ(cause_of(bare, PRIV_S, read), tests[i].s ? ALL : EXC_ILLEGAL);
        CHECK_EQ(cause_of(bare, PRIV_U, read), tests[i].u ? ALL : EXC_ILLEGAL);
    }
    bare_destroy(bare);
}

static void gates(void)
{
    struct bare *bare = bare_create("max");
    uint32_t stimecmp = CSRRS(a0, CSR_STIMECMP, zero), senvcfg = CSRRS(a0, CSR_SENVCFG, zero),
             sstateen = CSRRS(a0, 0x10d, zero), seed = CSRRW(a0, 0x15, zero);
    /* stimecmp: menvcfg.STCE and mcounteren.TM. */
    bare_csr_set(bare, CSR_MENVCFG, 0);
    CHECK_EQ(cause_of(bare, PRIV_S, stimecmp), EXC_ILLEGAL);
    bare_csr_set(bare, CSR_MENVCFG, ENVCFG_STCE);
    CHECK_EQ(cause_of(bare, PRIV_S, stimecmp), EXC_ILLEGAL);
    bare_csr_set(bare, CSR_MCOUNTEREN, 2);
    CHECK_EQ(cause_of(bare, PRIV_S, stimecmp), ALL);
    /* Smstateen. */
    CHECK_EQ(cause_of(bare, PRIV_S, senvcfg), EXC_ILLEGAL);
    bare_csr_set(bare, CSR_MSTATEEN0, MSTATEEN_ENVCFG);
    CHECK_EQ(cause_of(bare, PRIV_S, senvcfg), ALL);
    CHECK_EQ(cause_of(bare, PRIV_S, sstateen), EXC_ILLEGAL);
    bare_csr_set(bare, CSR_MSTATEEN0 + 1, MSTATEEN_SE0);
    CHECK_EQ(cause_of(bare, PRIV_S, sstateen), ALL);
    /* seed: only with a write, and below M only with leave. */
    CHECK_EQ(cause_of(bare, PRIV_M, CSRRS(a0, 0x15, zero)), EXC_ILLEGAL);
    CHECK_EQ(cause_of(bare, PRIV_M, seed), ALL);
    CHECK_EQ(bare->s->x[a0] >> 30, 2); /* ES16 */
    CHECK_EQ(cause_of(bare, PRIV_S, seed), EXC_ILLEGAL);
    bare_csr_set(bare, CSR_MSECCFG, MSECCFG_SSEED);
    CHECK_EQ(cause_of(bare, PRIV_S, seed), ALL);
    CHECK_EQ(cause_of(bare, PRIV_U, seed), EXC_ILLEGAL);
    bare_destroy(bare);
}

static void fp_off(void)
{
    struct bare *bare = bare_create("max");
    uint32_t read = CSRRS(a0, 3, zero);
    CHECK_EQ(cause_of(bare, PRIV_M, read), EXC_ILLEGAL);
    bare_csr_set(bare, CSR_MSTATUS, (uint64_t)1 << 13);
    CHECK_EQ(cause_of(bare, PRIV_M, read), ALL);
    bare->s->x[a1] = 0xe5;
    CHECK_EQ(cause_of(bare, PRIV_M, CSRRW(a0, 3, a1)), ALL);
    CHECK_EQ(bare->s->frm, 7);
    CHECK_EQ(bare->s->fflags, 5);
    CHECK_EQ(bare->s->mstatus & MSTATUS_FS, MSTATUS_FS); /* dirty now */
    bare_destroy(bare);
}

/* ---- counters ---- */

static void instret(void)
{
    struct bare *bare = bare_create("max");
    /* A write replaces the increment of the instruction that makes it (Unpriv. 8): the next one reads it. */
    bare->s->x[a1] = 1000;
    BARE_EXEC(bare, CSRRW(zero, CSR_MINSTRET, a1), CSRRS(a2, CSR_INSTRET, zero), NOP, NOP,
              CSRRS(a3, CSR_MINSTRET, zero), CSRRS(a4, CSR_CYCLE, zero), CSRRS(a5, CSR_CYCLE, zero));
    CHECK_EQ(bare->s->x[a2], 1000);
    CHECK_EQ(bare->s->x[a3], 1003);
    CHECK_EQ(bare->s->x[a5] - bare->s->x[a4], 1);
    /* ECALL doesn't retire. */
    bare->s->minstret = 0;
    BARE_EXEC(bare, NOP, ECALL);
    CHECK_EQ(bare->s->minstret, 1);
    bare_destroy(bare);
}

static void inhibit(void)
{
    struct bare *bare = bare_create("max");
    bare->s->x[a1] = 4;
    BARE_EXEC(bare, CSRRW(zero, CSR_MCOUNTINHIBIT, a1), CSRRS(a2, CSR_INSTRET, zero), NOP, NOP,
              CSRRS(a3, CSR_INSTRET, zero), CSRRW(zero, CSR_MCOUNTINHIBIT, zero),
              CSRRS(a4, CSR_INSTRET, zero), CSRRS(a5, CSR_INSTRET, zero));
    CHECK_EQ(bare->s->x[a2], bare->s->x[a3]);
    CHECK_EQ(bare->s->x[a3], bare->s->x[a4]);
    CHECK_EQ(bare->s->x[a5] - bare->s->x[a4], 1);
    bare_destroy(bare);
}

/* A programmable counter of instructions, in some modes only. */
static void mode_filter(void)
{
    struct bare *bare = bare_create("max");
    bare_csr_set(bare, CSR_MHPMEVENT3, HPMEVENT_MINH | 2);
    bare_csr_set(bare, CSR_MHPMCOUNTER3, 0);
    BARE_EXEC(bare, NOP, NOP, NOP);
    CHECK_EQ(bare_csr(bare, CSR_MHPMCOUNTER3), 0);
    bare_mode(bare, PRIV_S);
    BARE_EXEC(bare, NOP, NOP, ECALL);
    CHECK_EQ(bare_csr(bare, CSR_MHPMCOUNTER3), 2);
    bare_destroy(bare);
}

/* Sscofpmf: the interrupt comes right after the instruction that overflows; OF has to be cleared for another.
 */
static void overflow(void)
{
    struct bare *bare = bare_create("max");
    bare_csr_set(bare, CSR_MIE, BIT(INT_LCOF));
    bare_csr_set(bare, CSR_MHPMEVENT3, 2);
    bare->s->x[a1] = (uint64_t)-4;
    bare->s->mstatus = MSTATUS_MIE;
    BARE_EXEC(bare, CSRRW(zero, CSR_MHPMCOUNTER3, a1), NOP, NOP, NOP, NOP, NOP, NOP, NOP);
    CHECK_EQ(bare->s->mcause, CAUSE_INTERRUPT | INT_LCOF);
    CHECK_EQ(bare->s->mepc, BARE_RAM + 20);
    CHECK_EQ(bare_csr(bare, CSR_SCOUNTOVF), BIT(3));
    CHECK(bare_csr(bare, CSR_MHPMEVENT3) & HPMEVENT_OF);
    bare_csr_set(bare, CSR_MIP, 0);
    bare->s->mstatus = MSTATUS_MIE;
    bare->s->x[a1] = (uint64_t)-2;
    BARE_EXEC(bare, CSRRW(zero, CSR_MHPMCOUNTER3, a1), NOP, NOP, NOP, NOP);
    CHECK_EQ(bare->s->pc, BARE_RAM + 20); /* none while OF is set */
    bare_destroy(bare);
}

/* ---- stimecmp ---- */

static void timer(void)
{
    struct bare *bare = bare_create("max");
    bare_csr_set(bare, CSR_MENVCFG, ENVCFG_STCE);
    bare_csr_set(bare, CSR_MIE, BIT(INT_STI));
    bare_csr_set(bare, CSR_STIMECMP, 50);
    CHECK_EQ(bare_csr(bare, CSR_MIP), 0);
    CHECK_EQ(clock_deadline(bare->clock), 5000); /* 10 MHz */
    BARE_EXEC(bare, WFI);
    CHECK(!riscv64_ops.has_work(bare->vcpu));
    clock_advance(bare->clock, 4999);
    clock_run(bare->clock);
    CHECK_EQ(bare_csr(bare, CSR_TIME), 49);
    CHECK_EQ(bare_csr(bare, CSR_MIP), 0);
    clock_advance(bare->clock, 5000);
    clock_run(bare->clock);
    CHECK_EQ(bare_csr(bare, CSR_MIP), BIT(INT_STI));
    bare->s->waiting = 1;
    CHECK(riscv64_ops.has_work(bare->vcpu));
    bare_csr_set(bare, CSR_MIP, 0); /* not software's to clear */
    CHECK_EQ(bare_csr(bare, CSR_MIP), BIT(INT_STI));
    bare_csr_set(bare, CSR_STIMECMP, 51);
    CHECK_EQ(bare_csr(bare, CSR_MIP), 0);
    bare_csr_set(bare, CSR_STIMECMP, ALL);
    CHECK_EQ(clock_deadline(bare->clock), CLOCK_NEVER);
    bare_destroy(bare);
}

static const struct test_case cases[] = {
    {"write_masks", write_masks},
    {"mstatus", mstatus},
    {"fixed_registers", fixed_registers},
    {"satp", satp},
    {"envcfg", envcfg},
    {"counter_access", counter_access},
    {"gates", gates},
    {"fp_off", fp_off},
    {"instret", instret},
    {"inhibit", inhibit},
    {"mode_filter", mode_filter},
    {"overflow", overflow},
    {"timer", timer},
};
TEST_SUITE(rv_csr_test, "unit", cases);
