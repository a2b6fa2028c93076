#include "cpu/aarch64/debug.h"

#include "base/bits.h"
#include "cpu/aarch64/blocks.h"
#include "cpu/aarch64/exception.h"
#include "cpu/aarch64/sysreg.h"

#define FSC_DEBUG 0x22u

/* DBGBCR and DBGWCR. */
#define BCR_E         BIT(0)
#define BCR_LSC_READ  BIT(3)
#define BCR_LSC_WRITE BIT(4)
#define BCR_BAS_FIRST BIT(5)
#define WCR_WT        BIT(20)

/* Whether debug exceptions are enabled at an exception level (D2.4): not while an OS lock is set; always at
 * EL0, at EL1 with KDE and D clear. */
static bool enabled_at(const struct aarch64_core *c, unsigned el, uint32_t pstate)
{
    if ((c->s.oslar & 1) || (c->s.osdlr_el1 & 1))
        return false;
    return el == 0 || ((c->s.mdscr_el1 & MDSCR_KDE) && !(pstate & PSTATE_D));
}

static bool enabled(const struct aarch64_core *c)
{
    return enabled_at(c, aarch64_el(c), c->s.pstate);
}

/* HMC, SSC and PMC or PAC, where there is no EL2, EL3 or other security state: is it for this level? */
static bool level_matches(uint64_t control, unsigned el)
{
    return bits_get(control, 1, 2) >> (el == 0) & 1;
}

/* ---- contexts ---- */

enum breakpoint_type {
    BREAK_ADDRESS = 0,
    BREAK_ADDRESS_LINKED = 1,
    BREAK_CONTEXT = 2,
    BREAK_CONTEXT_LINKED = 3,
};

static bool context_matches(const struct aarch64_core *c, unsigned n, unsigned type)
{
    return n < c->model.breakpoints && (c->s.dbgbcr[n] & BCR_E) && bits_get(c->s.dbgbcr[n], 20, 4) == type &&
           (uint32_t)c->s.dbgbvr[n] == (uint32_t)c->s.contextidr_el1;
}

/* The breakpoint that a control register's LBN names has the context it is linked to. */
static bool link_matches(const struct aarch64_core *c, uint64_t control)
{
    return context_matches(c, (unsigned)bits_get(control, 16, 4), BREAK_CONTEXT_LINKED);
}

/* ---- watchpoints ---- */

/* The bytes a watchpoint register pair covers. False: none. */
static bool watch_range(const struct aarch64_core *c, unsigned n, uint64_t *first, uint64_t *last)
{
    uint64_t control = c->s.dbgwcr[n], address = c->s.dbgwvr[n];
    if (!(control & BCR_E))
        return false;
    unsigned mask = (unsigned)bits_get(control, 24, 5), bytes = (unsigned)bits_get(control, 5, 8);
    if (mask) {
        *first = address & ~((BIT(mask)) - 1);
        *last = *first + (BIT(mask) - 1);
        return true;
    }
    if (address & 4)
        bytes &= 0xf;
    if (!bytes)
        return false;
    *first = address + (unsigned)__builtin_ctz(bytes);
    *last = address + (31 - (unsigned)__builtin_clz(bytes));
    return true;
}

static bool hardware_watched(const struct aarch64_core *c, uint64_t va, uint64_t len)
{
    if (!(c->s.mdscr_el1 & MDSCR_MDE))
        return false;
    for (unsigned n = 0; n < c->model.watchpoints; n++) {
        uint64_t first, last;
        if (watch_range(c, n, &first, &last) && ranges_overlap(first, last - first + 1, va, len))
            return true;
    }
    return false;
}

uint8_t aarch64_unwatched(const struct aarch64_core *c, uint64_t va, uint64_t len)
{
    bool watched = hardware_watched(c, va, len) || debug_points_watch(c->vcpu.debug, va, len, WALK_READ) ||
                   debug_points_watch(c->vcpu.debug, va, len, WALK_WRITE);
    return watched ? 0 : TLB_READ | TLB_WRITE | TLB_FETCH;
}

/* Unprivileged loads and stores count as EL0's; *at is the first address of the access that is watched. */
static bool hardware_hit(const struct aarch64_core *c, uint64_t va, unsigned size, enum walk_access access,
                         bool user, uint64_t *at)
{
    uint64_t kind = access == WALK_WRITE ? BCR_LSC_WRITE : BCR_LSC_READ;
    unsigned el = user && !(c->s.pstate & PSTATE_UAO) ? 0 : aarch64_el(c);
    for (unsigned n = 0; n < c->model.watchpoints; n++) {
        uint64_t first, last, control = c->s.dbgwcr[n];
        if (!watch_range(c, n, &first, &last) || !(control & kind) || !level_matches(control, el) ||
            !ranges_overlap(first, last - first + 1, va, size) ||
            ((control & WCR_WT) && !link_matches(c, control)))
            continue;
        *at = first > va ? first : va;
        return true;
    }
    return false;
}

bool aarch64_watch_check(struct aarch64_core *c, uint64_t va, unsigned size, enum walk_access access,
                         bool user)
{
    uint64_t at;
    if ((c->s.mdscr_el1 & MDSCR_MDE) && enabled(c) && hardware_hit(c, va, size, access, user, &at)) {
        c->fault = (struct aarch64_fault){.ec = EC_WATCHPOINT_LOWER,
                                          .iss = FSC_DEBUG | (access == WALK_WRITE ? (uint32_t)ISS_WNR : 0),
                                          .far = at,
                                          .far_valid = true};
        return false;
    }
    if (!c->stopped.passing && debug_points_watch(c->vcpu.debug, va, size, access)) {
        *c->exit = (struct vcpu_exit){.reason = EXIT_DEBUG,
                                      .debug = {.address = va, .access = access, .watchpoint = true}};
        c->fault = (struct aarch64_fault){.stop = true};
        return false;
    }
    return true;
}

/* ---- breakpoints ---- */

/* The bits of addresses that are compared: the rest repeats the top one. */
static uint64_t compared(const struct aarch64_core *c)
{
    return bits_set(0, 2, aarch64_has(c, FEAT_LVA) ? 51 : 47, ~(uint64_t)0);
}

static bool breakpoint_matches(const struct aarch64_core *c, unsigned n, uint64_t pc)
{
    uint64_t control = c->s.dbgbcr[n];
    if (!(control & BCR_E) || !level_matches(control, aarch64_el(c)))
        return false;
    bool address = ((c->s.dbgbvr[n] ^ pc) & compared(c)) == 0 && (control & BCR_BAS_FIRST);
    switch (bits_get(control, 20, 4)) {
    case BREAK_ADDRESS: return address;
    case BREAK_ADDRESS_LINKED: return address && link_matches(c, control);
    case BREAK_CONTEXT: return context_matches(c, n, BREAK_CONTEXT);
    default: return false;
    }
}

bool aarch64_breaks_in_page(const struct aarch64_core *c, uint64_t pc)
{
    const struct debug_points *debug = c->vcpu.debug;
    for (unsigned n = 0; debug && debug->any_break && n < debug->count; n++) {
        if (debug->points[n].access == WALK_FETCH && (debug->points[n].address ^ pc) >> PAGE_BITS == 0)
            return true;
    }
    if (likely(!(c->s.mdscr_el1 & MDSCR_MDE)))
        return false;
    for (unsigned n = 0; n < c->model.breakpoints; n++) {
        bool context = bits_get(c->s.dbgbcr[n], 20, 4) == BREAK_CONTEXT;
        if ((c->s.dbgbcr[n] & BCR_E) && (context || ((c->s.dbgbvr[n] ^ pc) & compared(c)) >> PAGE_BITS == 0))
            return true;
    }
    return false;
}

static bool debugger_breaks(const struct aarch64_core *c, uint64_t pc)
{
    const struct debug_points *debug = c->vcpu.debug;
    for (unsigned n = 0; debug && debug->any_break && n < debug->count; n++) {
        if (debug->points[n].access == WALK_FETCH && debug->points[n].address == pc)
            return true;
    }
    return false;
}

bool aarch64_break_check(struct aarch64_core *c)
{
    uint64_t pc = c->s.pc;
    if (!c->stopped.passing && debugger_breaks(c, pc)) {
        *c->exit = (struct vcpu_exit){.reason = EXIT_DEBUG, .debug = {.address = pc, .access = WALK_FETCH}};
        c->leaving = true;
        aarch64_stopped_here(c);
        return false;
    }
    if (!(c->s.mdscr_el1 & MDSCR_MDE) || !enabled(c))
        return true;
    for (unsigned n = 0; n < c->model.breakpoints; n++) {
        if (!breakpoint_matches(c, n, pc))
            continue;
        c->fault = (struct aarch64_fault){.ec = EC_BREAKPOINT_LOWER, .iss = FSC_DEBUG};
        aarch64_exception(c);
        return false;
    }
    return true;
}

/* ---- software step ---- */

bool aarch64_step_active(const struct aarch64_core *c)
{
    return (c->s.mdscr_el1 & MDSCR_SS) && enabled(c);
}

bool aarch64_step_check(struct aarch64_core *c)
{
    if (c->s.pstate & PSTATE_SS)
        return true;
    /* ISV if it was a stepped instruction that brought us here, and EX where that was a load-exclusive: one
     * that left the monitor set just now. */
    uint32_t stepped = !c->stepping.stepped ? 0 : 1u << 24 | (c->stepping.exclusive ? 1u << 6 : 0);
    c->fault = (struct aarch64_fault){.ec = EC_STEP_LOWER, .iss = stepped | FSC_DEBUG};
    aarch64_exception(c);
    return false;
}

void aarch64_step_advance(struct aarch64_core *c)
{
    if (aarch64_step_active(c))
        c->s.pstate &= ~(uint32_t)PSTATE_SS;
}

bool aarch64_step_after_return(const struct aarch64_core *c, uint32_t spsr, bool legal)
{
    unsigned target = legal ? spsr >> 2 & 3 : aarch64_el(c);
    return (spsr & PSTATE_SS) && (c->s.mdscr_el1 & MDSCR_SS) && !enabled(c) && enabled_at(c, target, spsr);
}

void aarch64_debug_changed(struct aarch64_core *c)
{
    tlb_flush_all(c->vcpu.tlb);
    aarch64_jumps_forget(c);
    aarch64_resync(c);
}

/* ---- registers ---- */

enum debug_number {
    NUMBER_MDSCR = A64_SYSREG(2, 0, 0, 2, 2),
    NUMBER_OSLAR = A64_SYSREG(2, 0, 1, 0, 4),
    NUMBER_OSLSR = A64_SYSREG(2, 0, 1, 1, 4),
    NUMBER_CLAIMSET = A64_SYSREG(2, 0, 7, 8, 6),
    NUMBER_CLAIMCLR = A64_SYSREG(2, 0, 7, 9, 6),
    NUMBER_AUTHSTATUS = A64_SYSREG(2, 0, 7, 14, 6),
};

#define OSLSR_OSLM     0x8u /* the OS lock is there */
#define OSLSR_OSLK     0x2u
#define CLAIM_TAGS     0xffu
#define MDSCR_WRITABLE (MDSCR_SS | MDSCR_TDCC | MDSCR_KDE | MDSCR_MDE)

/* The numbered registers: CRm says which, op2 of what kind. */
static uint64_t *numbered(struct aarch64_core *c, const struct aarch64_sysreg *r)
{
    unsigned n = r->number >> 3 & 15;
    switch (r->number & 7) {
    case 4: return &c->s.dbgbvr[n];
    case 5: return &c->s.dbgbcr[n];
    case 6: return &c->s.dbgwvr[n];
    default: return &c->s.dbgwcr[n];
    }
}

SYSREG_READER(aarch64_read_debug)
{
    switch (r->number) {
    case NUMBER_MDSCR: return c->s.mdscr_el1;
    case NUMBER_OSLSR: return OSLSR_OSLM | (c->s.oslar & 1 ? OSLSR_OSLK : 0);
    case NUMBER_CLAIMSET: return CLAIM_TAGS;
    case NUMBER_CLAIMCLR: return c->s.dbgclaim;
    case NUMBER_AUTHSTATUS: return 0xaa; /* invasive and non-invasive debug there, and off outside */
    default: return *numbered(c, r);
    }
}

static void write_numbered(struct aarch64_core *c, const struct aarch64_sysreg *r, uint64_t value)
{
    static const uint64_t writable[4] = {~(uint64_t)3, 0x00ffe1e7, ~(uint64_t)3, 0x1f1fffff};
    unsigned kind = (r->number & 7) - 4;
    /* Addresses are sign-extended; a context breakpoint's value is kept as it is. */
    *numbered(c, r) = value & (kind == 0 ? ~(uint64_t)0 : writable[kind]);
}

SYSREG_WRITER(aarch64_write_debug)
{
    switch (r->number) {
    case NUMBER_MDSCR: c->s.mdscr_el1 = value & MDSCR_WRITABLE; break;
    case NUMBER_OSLAR: c->s.oslar = value & 1; break;
    case NUMBER_CLAIMSET: c->s.dbgclaim |= value & CLAIM_TAGS; return true;
    case NUMBER_CLAIMCLR: c->s.dbgclaim &= ~value; return true;
    default: write_numbered(c, r, value); break;
    }
    aarch64_debug_changed(c);
    return true;
}
