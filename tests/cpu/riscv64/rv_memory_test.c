/*
 * Virtual memory as instructions see it: page faults and their tval, accesses and fetches that cross pages,
 * MPRV, SUM, MXR, fences, address spaces, PMP, and cache-block instructions.
 */
#include "tests/cpu/riscv64/bare.h"

#define PTE_V 1u
#define PTE_R 2u
#define PTE_W 4u
#define PTE_X 8u
#define PTE_U 16u
#define PTE_G 32u
#define PTE_A 64u
#define PTE_D 128u
#define RWX   (PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D)
#define RW    (PTE_V | PTE_R | PTE_W | PTE_A | PTE_D)

/* Sv39 tables: RAM as a gigapage at its own place, and 512 small pages from VIRTUAL on. */
#define ROOT             (BARE_RAM + 0x800000)
#define MIDDLE           (ROOT + 0x1000)
#define LEAVES           (ROOT + 0x2000)
#define VIRTUAL          ((uint64_t)0x40000000)
#define DATA             (BARE_RAM + 0x400000) /* what they are mapped to */
#define SATP(root, asid) ((uint64_t)SATP_SV39 << 60 | (uint64_t)(asid) << 44 | (root) >> 12)

static void map(struct bare *bare, unsigned page, uint64_t pa, uint64_t flags)
{
    bare_store(bare, LEAVES + 8 * page, pa >> 12 << 10 | flags);
}

/* A hart in S mode with these tables; nothing is mapped at VIRTUAL yet. */
static struct bare *paged(const char *model)
{
    struct bare *bare = bare_create(model);
    bare_store(bare, ROOT + 8 * 2, BARE_RAM >> 12 << 10 | RWX);
    bare_store(bare, ROOT + 8 * 1, MIDDLE >> 12 << 10 | PTE_V);
    bare_store(bare, MIDDLE, LEAVES >> 12 << 10 | PTE_V);
    bare_csr_set(bare, CSR_SATP, SATP(ROOT, 1));
    bare_mode(bare, PRIV_S);
    return bare;
}

static void check_trap(struct bare *bare, uint64_t cause, uint64_t epc, uint64_t tval)
{
    CHECK_EQ(bare->s->pc, BARE_TRAP);
    CHECK_EQ(bare->s->mcause, cause);
    CHECK_EQ(bare->s->mepc, epc);
    CHECK_EQ(bare->s->mtval, tval);
    bare_mode(bare, PRIV_S);
}

static void mapped_accesses(void)
{
    struct bare *bare = paged(NULL);
    map(bare, 3, DATA, RW);
    bare->s->x[a1] = VIRTUAL + 0x3000;
    bare->s->x[a2] = 0x1122334455667788;
    BARE_EXEC(bare, SD(a2, a1, 8), LW(a3, a1, 8), asm_i(0x03, 6, a4, a1, 12), LB(a5, a1, 8), LH(a6, a1, 10));
    CHECK_EQ(bare->s->pc, bare->end);
    CHECK_EQ(bare_load(bare, DATA + 8), 0x1122334455667788);
    CHECK_EQ(bare->s->x[a3], 0x55667788);
    CHECK_EQ(bare->s->x[a4], 0x11223344);
    CHECK_EQ(bare->s->x[a5], (uint64_t)(int64_t)(int8_t)0x88);
    CHECK_EQ(bare->s->x[a6], 0x5566);
    bare_destroy(bare);
}

static void page_faults(void)
{
    struct bare *bare = paged("rv64,-svadu"); /* Svade: A and D are software's */
    const uint64_t at = VIRTUAL + 0x5010;
    static const struct {
        uint64_t flags;
        bool load, store, fetch;
    } tests[] = {
        {0, false, false, false},
        {RWX, true, true, true},
        {RW, true, true, false},
        {PTE_V | PTE_R | PTE_A | PTE_D, true, false, false},
        {PTE_V | PTE_X | PTE_A | PTE_D, false, false, true},
        {RWX & ~PTE_D, true, false, true},
        {RWX & ~PTE_A, false, false, false},
        {RWX | PTE_U, false, false, false}, /* a user's page, SUM = 0 */
        {PTE_V | PTE_W | PTE_A | PTE_D, false, false, false},
        {RWX | (uint64_t)1 << 54, false, false, false},
        {RWX | (uint64_t)1 << 61, false, false, false}, /* no Svpbmt */
        {RWX | (uint64_t)1 << 63, false, false, false}, /* no Svnapot */
    };
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        test_context("flags %#llx", (unsigned long long)tests[i].flags);
        map(bare, 5, DATA, tests[i].flags);
        BARE_PUT(bare, DATA + 0x10, JALR(zero, ra, 0));
        bare->s->x[a1] = at;
        BARE_EXEC(bare, SFENCE_VMA(zero, zero), LD(a2, a1, 0));
        if (tests[i].load)
            CHECK_EQ(bare->s->pc, bare->end);
        else
            check_trap(bare, EXC_LOAD_PAGE, BARE_RAM + 4, at);
        BARE_EXEC(bare, SB(zero, a1, 0x20));
        if (tests[i].store)
            CHECK_EQ(bare->s->pc, bare->end);
        else
            check_trap(bare, EXC_STORE_PAGE, BARE_RAM, at + 0x20);
        BARE_EXEC(bare, asm_r(0x0000302f, a0, a1, zero)); /* amoadd.d */
        if (tests[i].store)
            CHECK_EQ(bare->s->pc, bare->end);
        else
            check_trap(bare, EXC_STORE_PAGE, BARE_RAM, at);
        BARE_PUT(bare, DATA + 0x10, JALR(zero, ra, 0));
        BARE_EXEC(bare, JALR(ra, a1, 0));
        if (tests[i].fetch)
            CHECK_EQ(bare->s->pc, bare->end);
        else
            check_trap(bare, EXC_FETCH_PAGE, at, at);
    }
    /* Above the 39 bits, the sign must be repeated. */
    bare->s->x[a1] = (uint64_t)1 << 38;
    BARE_EXEC(bare, LD(a2, a1, 0));
    check_trap(bare, EXC_LOAD_PAGE, BARE_RAM, (uint64_t)1 << 38);
    bare_destroy(bare);
}

/* A table where there is no RAM is an access fault of the access's kind. */
static void table_nowhere(void)
{
    struct bare *bare = paged(NULL);
    bare_store(bare, MIDDLE, (uint64_t)0x20000000 >> 12 << 10 | PTE_V);
    bare->s->x[a1] = VIRTUAL;
    BARE_EXEC(bare, SD(zero, a1, 0));
    check_trap(bare, EXC_STORE_ACCESS, BARE_RAM, VIRTUAL);
    bare_destroy(bare);
}

/* Both pages of a crossing access are checked before either is touched, and tval is where it failed. */
static void crossing_accesses(void)
{
    struct bare *bare = paged(NULL);
    map(bare, 0, DATA, RW);
    map(bare, 1, DATA + 0x8000, RW); /* not adjacent in physical memory */
    const uint64_t at = VIRTUAL + 0xffd;
    bare->s->x[a1] = at;
    bare->s->x[a2] = 0x8877665544332211;
    BARE_EXEC(bare, SD(a2, a1, 0), LD(a3, a1, 0), LW(a4, a1, 1), LH(a5, a1, 2));
    CHECK_EQ(bare->s->pc, bare->end);
    CHECK_EQ(bare_load(bare, DATA + 0xff8) >> 40, 0x332211);
    CHECK_EQ(bare_load(bare, DATA + 0x8000) & 0xffffffffff, 0x8877665544);
    CHECK_EQ(bare->s->x[a3], 0x8877665544332211);
    CHECK_EQ(bare->s->x[a4], 0x55443322);
    CHECK_EQ(bare->s->x[a5], 0x4433);
    map(bare, 1, DATA + 0x8000, PTE_V | PTE_R | PTE_A | PTE_D);
    bare->s->x[a2] = 0;
    BARE_EXEC(bare, SFENCE_VMA(zero, zero), SD(a2, a1, 0));
    check_trap(bare, EXC_STORE_PAGE, BARE_RAM + 4, VIRTUAL + 0x1000);
    CHECK_EQ(bare_load(bare, DATA + 0xff8) >> 40, 0x332211);
    map(bare, 0, 0, 0);
    BARE_EXEC(bare, SFENCE_VMA(zero, zero), LD(a2, a1, 0));
    check_trap(bare, EXC_LOAD_PAGE, BARE_RAM + 4, at);
    bare_destroy(bare);
}

/* An instruction whose halves lie in two pages, neither next to the other in memory. */
static void crossing_fetch(void)
{
    struct bare *bare = paged(NULL);
    const uint64_t at = VIRTUAL + 0xffe;
    map(bare, 0, DATA, RWX);
    map(bare, 1, DATA + 0x8000, RWX);
    uint32_t insn = ADDI(a0, a0, 5);
    bare_put16(bare, DATA + 0xffe, (uint16_t)insn);
    bare_put16(bare, DATA + 0x8000, (uint16_t)(insn >> 16));
    BARE_PUT(bare, DATA + 0x8002, JALR(zero, ra, 0));
    bare->s->x[a0] = 0;
    bare->s->x[a1] = at;
    bare->s->x[a2] = 3;
    BARE_EXEC(bare, JALR(ra, a1, 0), ADDI(a2, a2, -1), BNE(a2, zero, -8));
    CHECK_EQ(bare->s->x[a0], 15);
    /* The second half changes: by writing, and by mapping another page. */
    bare_put16(bare, DATA + 0x8000, (uint16_t)(ADDI(a0, a0, 7) >> 16));
    bare->s->x[a0] = 0;
    BARE_EXEC(bare, JALR(ra, a1, 0));
    CHECK_EQ(bare->s->x[a0], 7);
    bare_put16(bare, DATA + 0x9000, (uint16_t)(ADDI(a0, a0, 9) >> 16));
    BARE_PUT(bare, DATA + 0x9002, JALR(zero, ra, 0));
    map(bare, 1, DATA + 0x9000, RWX);
    bare->s->x[a0] = 0;
    BARE_EXEC(bare, SFENCE_VMA(zero, zero), JALR(ra, a1, 0));
    CHECK_EQ(bare->s->x[a0], 9);
    /* It is gone: pc is the instruction, tval the half that failed, nothing retires. */
    map(bare, 1, 0, 0);
    BARE_EXEC(bare, SFENCE_VMA(zero, zero), JALR(ra, a1, 0));
    check_trap(bare, EXC_FETCH_PAGE, at, VIRTUAL + 0x1000);
    bare_destroy(bare);
}

static void sum_and_mxr(void)
{
    struct bare *bare = paged(NULL);
    map(bare, 0, DATA, RWX | PTE_U);
    map(bare, 1, DATA, PTE_V | PTE_X | PTE_A | PTE_D);
    bare_store(bare, DATA, 1234);
    bare->s->x[a1] = VIRTUAL;
    bare->s->x[a4] = MSTATUS_SUM;
    /* The bit takes effect at once, both ways, and never for fetches. */
    BARE_EXEC(bare, CSRRS(zero, CSR_SSTATUS, a4), LD(a2, a1, 0), CSRRC(zero, CSR_SSTATUS, a4), LD(a3, a1, 0));
    CHECK_EQ(bare->s->x[a2], 1234);
    check_trap(bare, EXC_LOAD_PAGE, BARE_RAM + 12, VIRTUAL);
    BARE_EXEC(bare, CSRRS(zero, CSR_SSTATUS, a4), JALR(zero, a1, 0));
    check_trap(bare, EXC_FETCH_PAGE, VIRTUAL, VIRTUAL);
    bare->s->x[a1] = VIRTUAL + 0x1000;
    bare->s->x[a4] = MSTATUS_MXR;
    BARE_EXEC(bare, CSRRS(zero, CSR_SSTATUS, a4), LD(a2, a1, 0), CSRRC(zero, CSR_SSTATUS, a4), LD(a3, a1, 0));
    CHECK_EQ(bare->s->x[a2], 1234);
    check_trap(bare, EXC_LOAD_PAGE, BARE_RAM + 12, VIRTUAL + 0x1000);
    bare_destroy(bare);
}

/* M mode with MPRV: data as MPP, instructions as M, at the same virtual address. */
static void mprv(void)
{
    struct bare *bare = paged(NULL);
    const uint64_t here =
        BARE_RAM + 0x7000; /* code in M mode; as a supervisor's address it is other memory */
    bare_store(bare, ROOT + 8 * 2, MIDDLE >> 12 << 10 | PTE_V);
    map(bare, 7, DATA, RW);
    bare_store(bare, DATA + 0x40, 99);
    bare->s->mstatus = MSTATUS_MPRV | (uint64_t)PRIV_S << MSTATUS_MPP_SHIFT;
    bare_mode(bare, PRIV_M);
    bare->s->x[a1] = here;
    bare->s->x[a3] = BARE_RAM + 0x6000; /* not mapped */
    bare->s->x[a4] = MSTATUS_MPRV;
    BARE_PUT(bare, here, LD(a0, a1, 0x40), SD(a0, a1, 0x48), CSRRC(zero, CSR_MSTATUS, a4), LD(a2, a1, 0x40),
             CSRRS(zero, CSR_MSTATUS, a4), LD(a5, a3, 0));
    bare_store(bare, here + 0x40, 11);
    bare_run(bare, here);
    CHECK_EQ(bare->s->x[a0], 99);
    CHECK_EQ(bare_load(bare, DATA + 0x48), 99);
    CHECK_EQ(bare->s->x[a2], 11);
    check_trap(bare, EXC_LOAD_PAGE, here + 20, BARE_RAM + 0x6000);
    bare_destroy(bare);
}

/* Translations are kept per address space, and fences drop what they name. */
static void address_spaces(void)
{
    struct bare *bare = paged(NULL);
    const uint64_t root2 = ROOT + 0x10000;
    bare_store(bare, root2 + 8 * 2, BARE_RAM >> 12 << 10 | RWX);
    bare_store(bare, root2 + 8 * 1, (root2 + 0x1000) >> 12 << 10 | PTE_V);
    bare_store(bare, root2 + 0x1000, (root2 + 0x2000) >> 12 << 10 | PTE_V);
    bare_store(bare, root2 + 0x2000, (DATA + 0x1000) >> 12 << 10 | RW);
    map(bare, 0, DATA, RW);
    bare_store(bare, DATA, 1);
    bare_store(bare, DATA + 0x1000, 2);
    bare_store(bare, DATA + 0x2000, 3);
    bare->s->x[a1] = VIRTUAL;
    bare->s->x[a2] = SATP(ROOT, 1);
    bare->s->x[a3] = SATP(root2, 2);
    BARE_EXEC(bare, LD(s0, a1, 0), CSRRW(zero, CSR_SATP, a3), LD(s1, a1, 0), CSRRW(zero, CSR_SATP, a2),
              LD(a0, a1, 0));
    CHECK_EQ(bare->s->x[s0], 1);
    CHECK_EQ(bare->s->x[s1], 2);
    CHECK_EQ(bare->s->x[a0], 1);
    /* After a change of the table: a fence of another space or page needn't, the right one must show it. */
    const uint32_t fences[] = {SFENCE_VMA(zero, zero), SFENCE_VMA(a1, zero), SFENCE_VMA(zero, t0),
                               SFENCE_VMA(a1, t0)};
    bare->s->x[t0] = 1;
    for (size_t i = 0; i < ARRAY_LEN(fences); i++) {
        test_context("fence %08x", fences[i]);
        map(bare, 0, DATA, RW);
        BARE_EXEC(bare, SFENCE_VMA(zero, zero), LD(a0, a1, 0));
        CHECK_EQ(bare->s->x[a0], 1);
        map(bare, 0, DATA + 0x2000, RW);
        BARE_EXEC(bare, fences[i], LD(a0, a1, 0));
        CHECK_EQ(bare->s->x[a0], 3);
    }
    bare_destroy(bare);
}

/* The hart sets A and D itself with menvcfg.ADUE. */
static void hardware_updates(void)
{
    struct bare *bare = paged(NULL);
    bare_csr_set(bare, CSR_MENVCFG, ENVCFG_ADUE);
    map(bare, 0, DATA, RW & ~(PTE_A | PTE_D));
    bare->s->x[a1] = VIRTUAL;
    BARE_EXEC(bare, LD(a0, a1, 0));
    CHECK_EQ(bare_load(bare, LEAVES) & (PTE_A | PTE_D), PTE_A);
    BARE_EXEC(bare, SD(a0, a1, 0));
    CHECK_EQ(bare->s->pc, bare->end);
    CHECK_EQ(bare_load(bare, LEAVES) & (PTE_A | PTE_D), PTE_A | PTE_D);
    bare_destroy(bare);
}

static void devices(void)
{
    struct bare *bare = bare_create(NULL);
    bare->device = 0x1000;
    bare->s->x[a1] = BARE_DEVICE;
    bare->s->x[a2] = 0x123456789;
    BARE_EXEC(bare, LW(a0, a1, 8), SW(a2, a1, 12), LD(a3, a1, 16));
    CHECK_EQ(bare->s->x[a0], 0x1008);
    CHECK_EQ(bare->stored, 0x23456789);
    CHECK_EQ(bare->stored_at, 12);
    CHECK_EQ(bare->s->x[a3], 0x1010);
    bare_destroy(bare);
}

/* ---- PMP ---- */

/* A region smaller than a page: each access is checked, the fast path must not learn the page. */
static void pmp_small_region(void)
{
    struct bare *bare = bare_create(NULL);
    const uint64_t at = BARE_RAM + 0x3000;
    bare_csr_set(bare, CSR_PMPADDR0, at >> 2 | 0xf); /* 128 bytes, NAPOT */
    bare_csr_set(bare, CSR_PMPADDR0 + 1, ~(uint64_t)0);
    bare_csr_set(bare, CSR_PMPCFG0, 0x1f00 | 0x19); /* read-only; all else open */
    bare_mode(bare, PRIV_S);
    bare->s->x[a1] = at;
    BARE_EXEC(bare, SD(a1, a1, 128), LD(a0, a1, 0), LD(a2, a1, 128), SD(zero, a1, 120));
    CHECK_EQ(bare->s->x[a2], at);
    CHECK_EQ(bare->s->mcause, EXC_STORE_ACCESS);
    CHECK_EQ(bare->s->mtval, at + 120);
    bare_mode(bare, PRIV_S);
    BARE_EXEC(bare, SD(zero, a1, 128), LD(a0, a1, 124)); /* matches the entry in part: fails */
    CHECK_EQ(bare->s->mcause, EXC_LOAD_ACCESS);
    CHECK_EQ(bare->s->mtval, at + 124);
    bare_mode(bare, PRIV_M); /* not locked */
    BARE_EXEC(bare, SD(zero, a1, 120));
    CHECK_EQ(bare->s->pc, bare->end);
    bare_destroy(bare);
}

/* Code in a page of which only a part may be fetched. */
static void pmp_fetch(void)
{
    struct bare *bare = bare_create(NULL);
    const uint64_t at = BARE_RAM + 0x3000;
    bare_csr_set(bare, CSR_PMPADDR0, (at + 16) >> 2);
    bare_csr_set(bare, CSR_PMPADDR0 + 1, (at + 64) >> 2);
    bare_csr_set(bare, CSR_PMPADDR0 + 2, ~(uint64_t)0);
    bare_csr_set(bare, CSR_PMPCFG0, 0x1f0b0f); /* TOR: below rwx, then 48 bytes rw, then all rwx */
    bare_mode(bare, PRIV_S);
    BARE_PUT(bare, at, LI(a0, 1), LI(a0, 2), JAL(zero, 4), LI(a0, 4), LI(a0, 5));
    bare_run(bare, at);
    CHECK_EQ(bare->s->x[a0], 4);
    CHECK_EQ(bare->s->mcause, EXC_FETCH_ACCESS);
    CHECK_EQ(bare->s->mepc, at + 16);
    CHECK_EQ(bare->s->mtval, at + 16);
    /* An instruction half in, half out: tval is the half that is out (Priv. 3.1.16). */
    bare_mode(bare, PRIV_S);
    bare_put16(bare, at + 12, 0x0001);
    BARE_PUT(bare, at + 14, LI(a0, 6));
    bare_run(bare, at + 12);
    CHECK_EQ(bare->s->mcause, EXC_FETCH_ACCESS);
    CHECK_EQ(bare->s->mepc, at + 14);
    CHECK_EQ(bare->s->mtval, at + 16);
    /* Halves in two regions, both of which may be fetched. */
    bare_csr_set(bare, CSR_PMPCFG0, 0x1f0f0f);
    bare_mode(bare, PRIV_S);
    BARE_PUT(bare, at + 18, EBREAK);
    bare_run(bare, at + 12);
    CHECK_EQ(bare->s->mcause, EXC_BREAKPOINT);
    CHECK_EQ(bare->s->x[a0], 6);
    bare_destroy(bare);
}

/* The entries lock, and bind M as well then. */
static void pmp_locked(void)
{
    struct bare *bare = bare_create(NULL);
    const uint64_t at = BARE_RAM + 0x3000;
    bare_csr_set(bare, CSR_PMPADDR0, at >> 2 | 0x1ff);
    bare_csr_set(bare, CSR_PMPADDR0 + 1, ~(uint64_t)0);
    bare_csr_set(bare, CSR_PMPCFG0, 0x1f00 | 0x99);
    bare->s->x[a1] = at;
    BARE_EXEC(bare, LD(a0, a1, 0), SD(a0, a1, 0));
    CHECK_EQ(bare->s->mcause, EXC_STORE_ACCESS);
    bare_csr_set(bare, CSR_PMPCFG0, 0);
    CHECK_EQ(bare_csr(bare, CSR_PMPCFG0), 0x99);
    bare_csr_set(bare, CSR_PMPADDR0, 0);
    CHECK_EQ(bare_csr(bare, CSR_PMPADDR0), at >> 2 | 0x1ff);
    bare_destroy(bare);
}

/* ---- cache blocks ---- */

#define CBO(kind, r) asm_i(0x0f, 2, 0, r, kind)

static void cache_blocks(void)
{
    struct bare *bare = paged(NULL);
    static const struct {
        int32_t kind;
        uint64_t enable;
    } tests[] = {{0, (uint64_t)CBIE_FLUSH << 4},
                 {0, (uint64_t)CBIE_INVAL << 4},
                 {1, ENVCFG_CBCFE},
                 {2, ENVCFG_CBCFE},
                 {4, ENVCFG_CBZE}};
    map(bare, 0, DATA, RW);
    map(bare, 1, DATA, PTE_V | PTE_R | PTE_A | PTE_D);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        test_context("cbo %d", tests[i].kind);
        const uint32_t insn = CBO(tests[i].kind, a1);
        bare_store(bare, DATA + 0x78, 5);
        bare_store(bare, DATA + 0x80, 6);
        bare->s->x[a1] = VIRTUAL + 0x47;
        bare_csr_set(bare, CSR_MENVCFG, 0);
        BARE_EXEC(bare, insn);
        check_trap(bare, EXC_ILLEGAL, BARE_RAM, insn);
        bare_csr_set(bare, CSR_MENVCFG, tests[i].enable);
        BARE_EXEC(bare, insn);
        CHECK_EQ(bare->s->pc, bare->end);
        CHECK_EQ(bare_load(bare, DATA + 0x78), tests[i].kind == 4 ? 0 : 5);
        CHECK_EQ(bare_load(bare, DATA + 0x80), 6);
        /* A page that can be read can be managed, but not zeroed. */
        bare->s->x[a1] = VIRTUAL + 0x1010;
        BARE_EXEC(bare, insn);
        if (tests[i].kind == 4)
            check_trap(bare, EXC_STORE_PAGE, BARE_RAM, VIRTUAL + 0x1010);
        else
            CHECK_EQ(bare->s->pc, bare->end);
        bare->s->x[a1] = VIRTUAL + 0x2010;
        BARE_EXEC(bare, insn);
        check_trap(bare, EXC_STORE_PAGE, BARE_RAM, VIRTUAL + 0x2010);
        /* U needs senvcfg as well. */
        bare_mode(bare, PRIV_U);
        bare_store(bare, ROOT + 8 * 2, BARE_RAM >> 12 << 10 | RWX | PTE_U);
        BARE_EXEC(bare, insn);
        check_trap(bare, EXC_ILLEGAL, BARE_RAM, insn);
        bare_store(bare, ROOT + 8 * 2, BARE_RAM >> 12 << 10 | RWX);
    }
    bare_destroy(bare);
}

/* ---- the debugger's translation ---- */

static void translations(void)
{
    struct bare *bare = paged(NULL);
    map(bare, 6, DATA, PTE_V | PTE_X); /* refuses loads, never accessed: a debugger sees it */
    struct translation found = riscv64_ops.translate(bare->vcpu, gva(VIRTUAL + 0x6123), WALK_READ);
    CHECK(found.ok);
    CHECK_EQ(found.pa.a, DATA + 0x123);
    CHECK_EQ(found.page_bits, 12);
    CHECK_EQ(bare_load(bare, LEAVES + 8 * 6) & PTE_A, 0);
    CHECK(!riscv64_ops.translate(bare->vcpu, gva(VIRTUAL + 0x7000), WALK_READ).ok);
    bare_mode(bare, PRIV_M);
    CHECK_EQ(riscv64_ops.translate(bare->vcpu, gva(0x1234), WALK_READ).pa.a, 0x1234);
    bare_destroy(bare);
}

static const struct test_case cases[] = {
    {"mapped_accesses", mapped_accesses},
    {"page_faults", page_faults},
    {"table_nowhere", table_nowhere},
    {"crossing_accesses", crossing_accesses},
    {"crossing_fetch", crossing_fetch},
    {"sum_and_mxr", sum_and_mxr},
    {"mprv", mprv},
    {"address_spaces", address_spaces},
    {"hardware_updates", hardware_updates},
    {"devices", devices},
    {"pmp_small_region", pmp_small_region},
    {"pmp_fetch", pmp_fetch},
    {"pmp_locked", pmp_locked},
    {"cache_blocks", cache_blocks},
    {"translations", translations},
};
TEST_SUITE(rv_memory_test, "unit", cases);
