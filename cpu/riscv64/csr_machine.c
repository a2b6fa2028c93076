/* Machine-level registers (Priv. 3.1) with the rules for what may be written to them. */
#include "cpu/riscv64/csr.h"

#include "cpu/riscv64/mmu.h"

/* ---- mstatus ---- */

uint64_t riscv_mstatus_get(const struct riscv_core *c)
{
    uint64_t dirty = (c->s.mstatus & MSTATUS_FS) == MSTATUS_FS ? MSTATUS_SD : 0;
    return c->s.mstatus | MSTATUS_XL_64 | dirty;
}

void riscv_mstatus_set(struct riscv_core *c, uint64_t value)
{
    uint64_t mask = MSTATUS_SIE | MSTATUS_MIE | MSTATUS_SPIE | MSTATUS_MPIE | MSTATUS_SPP | MSTATUS_MPP |
                    MSTATUS_MPRV | MSTATUS_SUM | MSTATUS_MXR | MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR;
    if (riscv_has(c, EXT_F))
        mask |= MSTATUS_FS;
    if (bits_get(value, MSTATUS_MPP_SHIFT, 2) == 2) /* no such privilege: MPP stays */
        mask &= ~MSTATUS_MPP;
    uint64_t old = c->s.mstatus;
    c->s.mstatus = (old & ~mask) | (value & mask);
    /* Turning interrupts off, the most frequent change, is of no interest to the outer loop. */
    uint64_t cleared = old & ~c->s.mstatus, changed = old ^ c->s.mstatus;
    if (changed & ~(cleared & (MSTATUS_SIE | MSTATUS_MIE)))
        riscv_resync(c);
}

static uint64_t mstatus_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return riscv_mstatus_get(c);
}

static void mstatus_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    riscv_mstatus_set(c, value);
}

/* Read-only here: which extensions there are doesn't change while a hart runs. */
static uint64_t misa_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    static const struct {
        enum riscv_ext ext;
        char letter;
    } letters[] = {{EXT_A, 'A'}, {EXT_C, 'C'}, {EXT_D, 'D'}, {EXT_F, 'F'},
                   {EXT_I, 'I'}, {EXT_M, 'M'}, {EXT_S, 'S'}, {EXT_I, 'U'}};
    uint64_t misa = (uint64_t)2 << 62; /* MXL: 64 bits */
    for (unsigned i = 0; i < ARRAY_LEN(letters); i++) {
        if (riscv_has(c, letters[i].ext))
            misa |= BIT(letters[i].letter - 'A');
    }
    if (riscv_has(c, EXT_ZBA) && riscv_has(c, EXT_ZBB) && riscv_has(c, EXT_ZBS))
        misa |= BIT('B' - 'A');
    return misa;
}

static void misa_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)c, (void)n, (void)value;
}

static uint64_t mhartid_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->vcpu.index;
}

static uint64_t zero_read(struct riscv_core *c, unsigned n)
{
    (void)c, (void)n;
    return 0;
}

/* ---- traps ---- */

/* Every synchronous cause there is but an ecall from M, which can't go down (Priv. 3.1.8). */
#define DELEGABLE                                                                                            \
    (BIT(EXC_FETCH_MISALIGNED) | BIT(EXC_FETCH_ACCESS) | BIT(EXC_ILLEGAL) | BIT(EXC_BREAKPOINT) |            \
     BIT(EXC_LOAD_MISALIGNED) | BIT(EXC_LOAD_ACCESS) | BIT(EXC_STORE_MISALIGNED) | BIT(EXC_STORE_ACCESS) |   \
     BIT(EXC_ECALL_U) | BIT(EXC_ECALL_S) | BIT(EXC_FETCH_PAGE) | BIT(EXC_LOAD_PAGE) | BIT(EXC_STORE_PAGE))

static uint64_t overflow_bit(const struct riscv_core *c)
{
    return riscv_has(c, EXT_SSCOFPMF) ? BIT(INT_LCOF) : 0;
}

static uint64_t supervisor_interrupts(const struct riscv_core *c)
{
    return BIT(INT_SSI) | BIT(INT_STI) | BIT(INT_SEI) | overflow_bit(c);
}

static uint64_t mideleg_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->s.mideleg;
}

static void mideleg_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    c->s.mideleg = value & supervisor_interrupts(c);
    riscv_resync(c);
}

static uint64_t mie_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->s.mie;
}

static void mie_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    c->s.mie = value & (supervisor_interrupts(c) | BIT(INT_MSI) | BIT(INT_MTI) | BIT(INT_MEI));
    riscv_resync(c);
}

static uint64_t mip_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    riscv_timer_look(c);
    return riscv_mip(c);
}

static void mip_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    uint64_t mask = supervisor_interrupts(c);
    if (c->s.menvcfg & ENVCFG_STCE)
        mask &= ~BIT(INT_STI);
    riscv_mip_change(c, value & mask, ~value & mask);
    riscv_resync(c);
}

uint64_t riscv_tvec_legal(uint64_t old, uint64_t value)
{
    return value & 2 ? old : value; /* modes 2 and 3 are reserved */
}

uint64_t riscv_epc_legal(const struct riscv_core *c, uint64_t value)
{
    return value & ~(uint64_t)(riscv_has(c, EXT_ZCA) ? 1 : 3);
}

static uint64_t mtvec_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->s.mtvec;
}

static void mtvec_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    c->s.mtvec = riscv_tvec_legal(c->s.mtvec, value);
}

static uint64_t mepc_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->s.mepc;
}

static void mepc_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    c->s.mepc = riscv_epc_legal(c, value);
}

/* ---- environment configuration ---- */

uint64_t riscv_envcfg_legal(const struct riscv_core *c, uint64_t old, uint64_t value)
{
    uint64_t mask = ENVCFG_FIOM;
    if (riscv_has(c, EXT_ZICBOM))
        mask |= ENVCFG_CBIE | ENVCFG_CBCFE;
    if (riscv_has(c, EXT_ZICBOZ))
        mask |= ENVCFG_CBZE;
    if (bits_get(value, ENVCFG_CBIE_SHIFT, 2) == 2) /* reserved: CBIE stays */
        mask &= ~ENVCFG_CBIE;
    return (old & ~mask) | (value & mask);
}

static uint64_t menvcfg_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->s.menvcfg;
}

static void menvcfg_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    uint64_t mask = (riscv_has(c, EXT_SVADU) ? ENVCFG_ADUE : 0) |
                    (riscv_has(c, EXT_SVPBMT) ? ENVCFG_PBMTE : 0) |
                    (riscv_has(c, EXT_SSTC) ? ENVCFG_STCE : 0);
    uint64_t old = c->s.menvcfg;
    c->s.menvcfg = (riscv_envcfg_legal(c, old, value) & ~mask) | (value & mask);
    uint64_t changed = old ^ c->s.menvcfg;
    if (changed & (ENVCFG_ADUE | ENVCFG_PBMTE))
        riscv_flush(c, false, 0, -1);
    if (changed & ENVCFG_STCE)
        riscv_timer_arm(c);
}

/* ---- physical memory protection ---- */

/* mseccfg is there for either of its users. */
static bool mseccfg_allowed(struct riscv_core *c, unsigned n, bool write)
{
    (void)n, (void)write;
    return riscv_has(c, EXT_SMEPMP) || riscv_has(c, EXT_ZKR);
}

static uint64_t mseccfg_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->s.mseccfg;
}

static void mseccfg_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    const uint64_t pmp = MSECCFG_MML | MSECCFG_MMWP | MSECCFG_RLB, seed = MSECCFG_USEED | MSECCFG_SSEED;
    uint64_t after = pmp_mseccfg_after_write(c->s.mseccfg & pmp, value & pmp, c->s.pmpcfg);
    c->s.mseccfg = (riscv_has(c, EXT_SMEPMP) ? after & pmp : 0) | (riscv_has(c, EXT_ZKR) ? value & seed : 0);
    riscv_pmp_changed(c);
}

static uint64_t pmpcfg_read(struct riscv_core *c, unsigned n)
{
    return le64_load(&c->s.pmpcfg[4 * n]);
}

static void pmpcfg_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        uint8_t *cfg = &c->s.pmpcfg[4 * n + i];
        *cfg = pmp_cfg_after_write(*cfg, (uint8_t)(value >> (8 * i)), c->s.mseccfg);
    }
    riscv_pmp_changed(c);
}

static uint64_t pmpcfg2_read(struct riscv_core *c, unsigned n)
{
    return pmpcfg_read(c, n + 2);
}

static void pmpcfg2_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    pmpcfg_write(c, n + 2, value);
}

static uint64_t pmpaddr_read(struct riscv_core *c, unsigned n)
{
    return c->s.pmpaddr[n];
}

static void pmpaddr_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    if (!pmp_addr_writable(c->s.pmpcfg, n, c->s.mseccfg))
        return;
    c->s.pmpaddr[n] = value & PMP_ADDR_MASK;
    riscv_pmp_changed(c);
}

/* ---- Smstateen ---- */

bool riscv_stateen_allows(const struct riscv_core *c, unsigned n, uint64_t bit)
{
    return c->s.privilege == PRIV_M || !riscv_has(c, EXT_SMSTATEEN) || (c->s.mstateen[n] & bit);
}

static uint64_t mstateen_read(struct riscv_core *c, unsigned n)
{
    return c->s.mstateen[n];
}

static void mstateen_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    c->s.mstateen[n] = value & (n == 0 ? MSTATEEN_SE0 | MSTATEEN_ENVCFG : MSTATEEN_SE0);
}

/* ---- triggers: there is none ---- */

/* Debug 5.4: software that looks for triggers selects number 0 and reads its type; 0 says there is none. */
static void trigger_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)c, (void)n, (void)value;
}

/* Bit 0 of tinfo: type 0 is all that this one can be. */
static uint64_t tinfo_read(struct riscv_core *c, unsigned n)
{
    (void)c, (void)n;
    return 1;
}

/* clang-format off */
static const struct riscv_csr rows[] = {
    {.number = 0xf11, .count = 1, .name = "mvendorid",  .ext = EXT_I, .read = zero_read},
    {.number = 0xf12, .count = 1, .name = "marchid",    .ext = EXT_I, .read = zero_read},
    {.number = 0xf13, .count = 1, .name = "mimpid",     .ext = EXT_I, .read = zero_read},
    {.number = 0xf14, .count = 1, .name = "mhartid",    .ext = EXT_I, .read = mhartid_read},
    {.number = 0xf15, .count = 1, .name = "mconfigptr", .ext = EXT_I, .read = zero_read},
    {.number = 0x300, .count = 1, .name = "mstatus", .ext = EXT_I, .read = mstatus_read, .write = mstatus_write},
    {.number = 0x301, .count = 1, .name = "misa",    .ext = EXT_I, .read = misa_read,    .write = misa_write},
    {.number = 0x303, .count = 1, .name = "mideleg", .ext = EXT_S, .read = mideleg_read, .write = mideleg_write},
    {.number = 0x304, .count = 1, .name = "mie",     .ext = EXT_I, .read = mie_read,     .write = mie_write},
    {.number = 0x305, .count = 1, .name = "mtvec",   .ext = EXT_I, .read = mtvec_read,   .write = mtvec_write},
    {.number = 0x341, .count = 1, .name = "mepc",    .ext = EXT_I, .read = mepc_read,    .write = mepc_write},
    {.number = 0x344, .count = 1, .name = "mip",     .ext = EXT_I, .read = mip_read,     .write = mip_write},
    {.number = 0x30a, .count = 1, .name = "menvcfg", .ext = EXT_S, .read = menvcfg_read, .write = menvcfg_write},
    {.number = 0x30c, .count = 4, .name = "mstateen", .ext = EXT_SMSTATEEN, .read = mstateen_read, .write = mstateen_write},
    {.number = 0x747, .count = 1, .name = "mseccfg", .ext = EXT_S, .read = mseccfg_read, .write = mseccfg_write, .allowed = mseccfg_allowed},
    /* RV64 has the even-numbered ones only, eight entries each. */
    {.number = 0x3a0, .count = 1, .name = "pmpcfg0", .ext = EXT_S, .read = pmpcfg_read, .write = pmpcfg_write},
    {.number = 0x3a2, .count = 1, .name = "pmpcfg2", .ext = EXT_S, .read = pmpcfg2_read, .write = pmpcfg2_write},
    {.number = 0x3b0, .count = RISCV_PMP_ENTRIES, .name = "pmpaddr", .ext = EXT_S, .read = pmpaddr_read, .write = pmpaddr_write},

    {.number = 0x7a0, .count = 1, .name = "tselect", .ext = EXT_I, .read = zero_read,  .write = trigger_write},
    {.number = 0x7a1, .count = 3, .first = 1, .name = "tdata", .ext = EXT_I, .read = zero_read, .write = trigger_write},
    {.number = 0x7a4, .count = 1, .name = "tinfo",   .ext = EXT_I, .read = tinfo_read, .write = trigger_write},

    CSR_FIELD(0x302, "medeleg",  S, medeleg,  DELEGABLE),
    CSR_FIELD(0x340, "mscratch", I, mscratch, ~(uint64_t)0),
    CSR_FIELD(0x342, "mcause",   I, mcause,   ~(uint64_t)0),
    CSR_FIELD(0x343, "mtval",    I, mtval,    ~(uint64_t)0),
};
/* clang-format on */

const struct riscv_csr_table riscv_csrs_machine = {rows, ARRAY_LEN(rows)};
