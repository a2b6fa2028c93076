/* The table of system registers: finding one, the checks before an access, and the simple ones' functions. */
#include "cpu/aarch64/sysreg.h"

#include "base/bits.h"
#include "cpu/aarch64/exception.h"
#include "cpu/aarch64/memory.h"
#include "host/random.h"

#define STATE_OF(c, r) ((uint64_t *)(void *)((uint8_t *)&(c)->s + (r)->offset))

/* ---- functions of the table ---- */

static SYSREG_READER(read_zero)
{
    (void)c, (void)r;
    return 0;
}

static SYSREG_WRITER(write_nothing)
{
    (void)c, (void)r, (void)value;
    return true;
}

static SYSREG_READER(read_cpacr)
{
    (void)r;
    return c->s.cpacr_el1;
}

static SYSREG_WRITER(write_cpacr)
{
    (void)r;
    c->s.cpacr_el1 = aarch64_has(c, FEAT_FP) ? value & (uint64_t)3 << CPACR_FPEN_SHIFT : 0;
    aarch64_resync(c);
    return true;
}

static SYSREG_READER(read_isr)
{
    (void)r;
    uint32_t lines = aarch64_lines(c);
    return (lines >> AARCH64_LINE_IRQ & 1 ? PSTATE_I : 0) | (lines >> AARCH64_LINE_FIQ & 1 ? PSTATE_F : 0) |
           (lines >> AARCH64_LINE_SERROR & 1 ? PSTATE_A : 0);
}

static SYSREG_READER(read_spsel)
{
    (void)r;
    return c->s.pstate & PSTATE_SP;
}

static SYSREG_WRITER(write_spsel)
{
    (void)r;
    aarch64_select_sp(c, value & 1);
    return true;
}

static SYSREG_READER(read_current_el)
{
    (void)r;
    return c->s.pstate & PSTATE_EL;
}

static SYSREG_READER(read_nzcv)
{
    (void)r;
    return aarch64_nzcv(c);
}

static SYSREG_WRITER(write_nzcv)
{
    (void)r;
    aarch64_nzcv_set(c, value);
    return true;
}

/* The bits of PSTATE a register of this number shows. */
static uint32_t pstate_bits(const struct aarch64_sysreg *r)
{
    switch (r->number) {
    case A64_SYSREG(3, 0, 4, 2, 3): return (uint32_t)PSTATE_PAN;
    case A64_SYSREG(3, 0, 4, 2, 4): return (uint32_t)PSTATE_UAO;
    case A64_SYSREG(3, 3, 4, 2, 5): return (uint32_t)PSTATE_DIT;
    case A64_SYSREG(3, 3, 4, 2, 6): return (uint32_t)PSTATE_SSBS;
    default: return (uint32_t)PSTATE_DAIF;
    }
}

static SYSREG_READER(read_pstate)
{
    return c->s.pstate & pstate_bits(r);
}

static SYSREG_WRITER(write_pstate)
{
    uint32_t bits = pstate_bits(r);
    c->s.pstate = (c->s.pstate & ~bits) | ((uint32_t)value & bits);
    /* Masks matter only when something waits; the other bits are part of the context. */
    bool masks = bits == PSTATE_DAIF;
    if (!masks || aarch64_lines(c) || (c->s.mdscr_el1 & (MDSCR_SS | MDSCR_MDE)))
        aarch64_resync(c);
    return true;
}

/* RNG: a number, and NZCV = 0000 because there is always one. */
static SYSREG_READER(read_random)
{
    uint64_t value;
    (void)r;
    host_random(&value, sizeof(value));
    aarch64_nzcv_set(c, 0);
    return value;
}

static SYSREG_WRITER(write_zva)
{
    (void)r;
    return aarch64_zero(c, value);
}

/* By address: what it asks for is a translation; an invalidation needs to be allowed to write. */
static SYSREG_WRITER(write_maintenance)
{
    return aarch64_cache_check(c, value, r->number == A64_SYSREG(1, 0, 7, 6, 1));
}

/* ---- the GIC's CPU interface, which the board connects ---- */

static uint64_t read_gic(struct aarch64_core *c, const struct aarch64_sysreg *r)
{
    uint64_t value = 0;
    host_mutex_lock(c->board.lock);
    c->board.gic.read(c->board.gic.opaque, r->number, &value);
    host_mutex_unlock(c->board.lock);
    return value;
}

static bool write_gic(struct aarch64_core *c, const struct aarch64_sysreg *r, uint64_t value)
{
    host_mutex_lock(c->board.lock);
    c->board.gic.write(c->board.gic.opaque, r->number, value);
    host_mutex_unlock(c->board.lock);
    aarch64_resync(c);
    return true;
}

/* ---- the table ---- */

/* clang-format off */
#define FIELD(id, op0, op1, crn, crm, op2, access_, trap_, feature_, flags_, member, mask_)                  \
    {.name = #id, .number = A64_SYSREG(op0, op1, crn, crm, op2), .access = access_, .trap = TRAP_##trap_,    \
     .feature = FEAT_##feature_, .flags = SYS_##flags_, .offset = offsetof(struct aarch64_state, member),    \
     .mask = (uint64_t)mask_},
#define FUNC(id, op0, op1, crn, crm, op2, access_, trap_, feature_, flags_, read_, write_)                   \
    {.name = #id, .number = A64_SYSREG(op0, op1, crn, crm, op2), .access = access_, .trap = TRAP_##trap_,    \
     .feature = FEAT_##feature_, .flags = SYS_##flags_, .read = read_, .write = write_},
#define DEBUG_PAIR(n)                                                                                        \
    FUNC(DBGBVR##n##_EL1, 2, 0, 0, n, 4, RW1, NONE, BASE, END, aarch64_read_debug, aarch64_write_debug)      \
    FUNC(DBGBCR##n##_EL1, 2, 0, 0, n, 5, RW1, NONE, BASE, END, aarch64_read_debug, aarch64_write_debug)      \
    FUNC(DBGWVR##n##_EL1, 2, 0, 0, n, 6, RW1, NONE, BASE, END, aarch64_read_debug, aarch64_write_debug)      \
    FUNC(DBGWCR##n##_EL1, 2, 0, 0, n, 7, RW1, NONE, BASE, END, aarch64_read_debug, aarch64_write_debug)
#define EVENT_PAIR(n)                                                                                        \
    FUNC(PMEVCNTR##n##_EL0, 3, 3, 14, 8, n, RW0, PMER, PMU, END, aarch64_read_pmu, aarch64_write_pmu)        \
    FUNC(PMEVTYPER##n##_EL0, 3, 3, 14, 12, n, RW0, PMU, PMU, END, aarch64_read_pmu, aarch64_write_pmu)
#define ICC(id, op1, crm, op2, access_)                                                                      \
    {.name = #id, .number = A64_SYSREG(3, op1, 12, crm, op2), .access = access_, .flags = SYS_END,           \
     .read = read_gic, .write = write_gic},

static const struct aarch64_sysreg table[] = {
#include "cpu/aarch64/sysregs.def"
    DEBUG_PAIR(0) DEBUG_PAIR(1) DEBUG_PAIR(2) DEBUG_PAIR(3) DEBUG_PAIR(4) DEBUG_PAIR(5)
    EVENT_PAIR(0) EVENT_PAIR(1) EVENT_PAIR(2) EVENT_PAIR(3) EVENT_PAIR(4) EVENT_PAIR(5)
    {.name = "ICC_PMR_EL1", .number = A64_SYSREG(3, 0, 4, 6, 0), .access = RW1, .flags = SYS_END,
     .read = read_gic, .write = write_gic},
    /* ICC_APxR1 to 3 are there with more than five bits of priority. */
    ICC(ICC_IAR0_EL1, 0, 8, 0, RO1)    ICC(ICC_EOIR0_EL1, 0, 8, 1, WO1)   ICC(ICC_HPPIR0_EL1, 0, 8, 2, RO1)
    ICC(ICC_BPR0_EL1, 0, 8, 3, RW1)    ICC(ICC_AP0R0_EL1, 0, 8, 4, RW1)   ICC(ICC_AP1R0_EL1, 0, 9, 0, RW1)
    ICC(ICC_DIR_EL1, 0, 11, 1, WO1)    ICC(ICC_RPR_EL1, 0, 11, 3, RO1)    ICC(ICC_SGI1R_EL1, 0, 11, 5, WO1)
    ICC(ICC_ASGI1R_EL1, 0, 11, 6, WO1) ICC(ICC_SGI0R_EL1, 0, 11, 7, WO1)  ICC(ICC_IAR1_EL1, 0, 12, 0, RO1)
    ICC(ICC_EOIR1_EL1, 0, 12, 1, WO1)  ICC(ICC_HPPIR1_EL1, 0, 12, 2, RO1) ICC(ICC_BPR1_EL1, 0, 12, 3, RW1)
    ICC(ICC_CTLR_EL1, 0, 12, 4, RW1)   ICC(ICC_SRE_EL1, 0, 12, 5, RW1)    ICC(ICC_IGRPEN0_EL1, 0, 12, 6, RW1)
    ICC(ICC_IGRPEN1_EL1, 0, 12, 7, RW1)
};
/* clang-format on */
#undef FIELD
#undef FUNC

const struct aarch64_sysreg *aarch64_sysreg(int index)
{
    return &table[index];
}

unsigned aarch64_sysreg_count(void)
{
    return ARRAY_LEN(table);
}

/* Whether this core has a numbered register of the debug or PMU blocks. */
static bool has_numbered(const struct aarch64_core *c, uint32_t number)
{
    unsigned op0 = number >> 14, op2 = number & 7, crm = number >> 3 & 15;
    if (op0 == 2 && (number & 0x3f80) == 0 && op2 >= 4)
        return crm < (op2 < 6 ? c->model.breakpoints : c->model.watchpoints);
    if ((number & ~(uint32_t)0x7f) == A64_SYSREG(3, 3, 14, 0, 0) && (crm == 8 || crm == 12))
        return op2 < c->model.event_counters;
    return true;
}

int aarch64_sysreg_find(const struct aarch64_core *c, uint32_t number)
{
    for (unsigned n = 0; n < ARRAY_LEN(table); n++) {
        const struct aarch64_sysreg *r = &table[n];
        if (r->number != number)
            continue;
        bool there = aarch64_has(c, (enum aarch64_feature)r->feature) && has_numbered(c, number) &&
                     (r->read != read_gic || c->board.gic.read);
        return there ? (int)n : -1;
    }
    return -1;
}

struct aarch64_sysreg_place aarch64_sysreg_plain(uint32_t mode, int index, bool write)
{
    const struct aarch64_sysreg *r = &table[index];
    unsigned bit = mode & MODE_EL1 ? (write ? W1 : R1) : (write ? W0 : R0);
    unsigned width = !write || r->mask == ~(uint64_t)0 ? 64 : r->mask == 0xffffffff ? 32 : 0;
    bool function = r->read || r->write;
    if (function || !(r->access & bit) || r->trap != TRAP_NONE || (write && r->flags))
        width = 0;
    if (r->number == A64_SYSREG(3, 0, 4, 1, 0) && (mode & MODE_SP0))
        width = 0;
    return (struct aarch64_sysreg_place){.offset = r->offset, .width = (uint8_t)width};
}

bool aarch64_sysreg_ends(int index)
{
    return table[index].flags & SYS_END;
}

uint64_t aarch64_sysreg_read(struct aarch64_core *c, const struct aarch64_sysreg *r)
{
    return r->read ? r->read(c, r) : *STATE_OF(c, r);
}

bool aarch64_sysreg_write(struct aarch64_core *c, const struct aarch64_sysreg *r, uint64_t value)
{
    if (r->write)
        return r->write(c, r, value);
    *STATE_OF(c, r) = value & r->mask;
    if (r->flags & SYS_END)
        aarch64_resync(c);
    return true;
}

/* ---- what may access them ---- */

/* Whether what rules EL0's accesses of this kind forbids one. */
static bool traps_el0(const struct aarch64_core *c, const struct aarch64_sysreg *r, bool write)
{
    uint64_t sctlr = c->s.sctlr_el1, kernel = c->s.cntkctl_el1, pmu = c->s.pmuserenr_el0;
    switch ((enum aarch64_sysreg_trap)r->trap) {
    case TRAP_UCT: return !(sctlr & SCTLR_UCT);
    case TRAP_UCI: return !(sctlr & SCTLR_UCI);
    case TRAP_DZE: return !(sctlr & SCTLR_DZE);
    case TRAP_UMA: return !(sctlr & SCTLR_UMA);
    case TRAP_RCTX: return !(sctlr & SCTLR_EnRCTX);
    case TRAP_TDCC: return c->s.mdscr_el1 & MDSCR_TDCC;
    case TRAP_FREQ: return !(kernel & (CNTKCTL_EL0PCTEN | CNTKCTL_EL0VCTEN));
    case TRAP_PCT: return !(kernel & CNTKCTL_EL0PCTEN);
    case TRAP_VCT: return !(kernel & CNTKCTL_EL0VCTEN);
    case TRAP_PT: return !(kernel & CNTKCTL_EL0PTEN);
    case TRAP_VT: return !(kernel & CNTKCTL_EL0VTEN);
    case TRAP_PMU: return !(pmu & PMUSERENR_EN);
    case TRAP_PMSW: return !(pmu & (PMUSERENR_EN | PMUSERENR_SW));
    case TRAP_PMCR: return !(pmu & PMUSERENR_EN) && (write || !(pmu & PMUSERENR_CR));
    case TRAP_PMER: {
        /* ER lets EL0 read the counters, and select which one. */
        bool selects = r->number == A64_SYSREG(3, 3, 9, 12, 5);
        return !(pmu & PMUSERENR_EN) && (!(pmu & PMUSERENR_ER) || (write && !selects));
    }
    default: return false;
    }
}

static bool fp_traps(const struct aarch64_core *c)
{
    unsigned fpen = bits_get(c->s.cpacr_el1, CPACR_FPEN_SHIFT, 2);
    return !(fpen == 3 || (fpen == 1 && aarch64_el(c) == 1));
}

static bool undefined(struct aarch64_core *c)
{
    c->fault = (struct aarch64_fault){.ec = EC_UNKNOWN};
    return false;
}

/* Arm ARM D17.2.37, "ISS encoding for an exception from MSR, MRS, or System instruction execution". */
bool aarch64_sysreg_trapped(struct aarch64_core *c, uint32_t number, unsigned rt, bool write)
{
    uint32_t n = number, op0 = n >> 14 & 3, op1 = n >> 11 & 7, crn = n >> 7 & 15, crm = n >> 3 & 15;
    c->fault = (struct aarch64_fault){.ec = EC_SYSREG,
                                      .iss = op0 << 20 | (n & 7) << 17 | op1 << 14 | crn << 10 | rt << 5 |
                                             crm << 1 | !write};
    return false;
}

bool aarch64_sysreg_traps_undefined(const struct aarch64_core *c, uint32_t number)
{
    unsigned op0 = number >> 14, op1 = number >> 11 & 7, crn = number >> 7 & 15, crm = number >> 3 & 15;
    return aarch64_has(c, FEAT_IDST) && op0 == 3 && crn == 0 && crm < 8 && (op1 == 0 || op1 == 1 || op1 == 3);
}

bool aarch64_sysreg_check(struct aarch64_core *c, const struct aarch64_sysreg *r, unsigned rt, bool write)
{
    bool el1 = aarch64_el(c) == 1;
    unsigned bit = el1 ? (write ? W1 : R1) : (write ? W0 : R0);
    if (!(r->access & bit)) {
        bool id = !write && aarch64_sysreg_traps_undefined(c, r->number);
        return id ? aarch64_sysreg_trapped(c, r->number, rt, write) : undefined(c);
    }
    if (r->number == A64_SYSREG(3, 0, 4, 1, 0) && !(c->s.pstate & PSTATE_SP))
        return undefined(c);
    if (r->trap == TRAP_FP && fp_traps(c)) {
        c->fault = (struct aarch64_fault){.ec = EC_FP_TRAP, .iss = ISS_FP_TRAP};
        return false;
    }
    if (!el1 && traps_el0(c, r, write))
        return aarch64_sysreg_trapped(c, r->number, rt, write);
    return true;
}
