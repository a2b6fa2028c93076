#include "cpu/aarch64/exception.h"

#include "base/bits.h"
#include "base/trace.h"
#include "cpu/aarch64/debug.h"
#include "cpu/aarch64/interp.h"
#include "cpu/aarch64/mmu.h"
#include "cpu/aarch64/pmu.h"

/* Offsets from VBAR_EL1 (Arm ARM D1.3.1.5). */
#define VECTOR_SP0   0x000
#define VECTOR_SPX   0x200
#define VECTOR_LOWER 0x400
enum vector {
    VECTOR_SYNC = 0x000,
    VECTOR_IRQ = 0x080,
    VECTOR_FIQ = 0x100,
    VECTOR_SERROR = 0x180,
};

uint32_t aarch64_nzcv(const struct aarch64_core *c)
{
    return (uint32_t)a64_flags_get(c) << PSTATE_NZCV_SHIFT;
}

void aarch64_nzcv_set(struct aarch64_core *c, uint64_t value)
{
    a64_flags_set(c, (unsigned)bits_get(value, PSTATE_NZCV_SHIFT, 4));
}

uint32_t aarch64_pstate(const struct aarch64_core *c)
{
    return c->s.pstate | aarch64_nzcv(c) | aarch64_btype(c) << PSTATE_BTYPE_SHIFT;
}

/* ---- stack pointers ---- */

static unsigned sp_in_use(const struct aarch64_core *c)
{
    return aarch64_el(c) && (c->s.pstate & PSTATE_SP) ? aarch64_el(c) : 0;
}

void aarch64_sp_save(struct aarch64_core *c)
{
    c->s.sp_el[sp_in_use(c)] = c->s.x[REG_SP];
}

void aarch64_sp_load(struct aarch64_core *c)
{
    c->s.x[REG_SP] = c->s.sp_el[sp_in_use(c)];
}

void aarch64_select_sp(struct aarch64_core *c, bool own)
{
    aarch64_sp_save(c);
    c->s.pstate = (c->s.pstate & ~(uint32_t)PSTATE_SP) | own;
    aarch64_sp_load(c);
    aarch64_resync(c);
}

/* The bits of PSTATE this core has, beside NZCV, BTYPE and the mode. */
static uint32_t pstate_there(const struct aarch64_core *c)
{
    uint64_t bits = PSTATE_DAIF | PSTATE_IL | PSTATE_SS;
    bits |= aarch64_has(c, FEAT_SSBS) ? PSTATE_SSBS : 0;
    bits |= aarch64_has(c, FEAT_PAN) ? PSTATE_PAN : 0;
    bits |= aarch64_has(c, FEAT_UAO) ? PSTATE_UAO : 0;
    bits |= aarch64_has(c, FEAT_DIT) ? PSTATE_DIT : 0;
    return (uint32_t)bits;
}

/* Replace PSTATE, of which the mode is one there is. */
static void pstate_replace(struct aarch64_core *c, uint32_t value)
{
    bool level_changes = (value ^ c->s.pstate) & PSTATE_EL;
    aarch64_sp_save(c);
    if (level_changes)
        aarch64_pmu_stop(c);
    c->s.pstate = value & (pstate_there(c) | 0xf);
    aarch64_btype_set(c, aarch64_has(c, FEAT_BTI) ? (unsigned)bits_get(value, PSTATE_BTYPE_SHIFT, 2) : 0);
    aarch64_nzcv_set(c, value);
    if (level_changes)
        aarch64_pmu_start(c);
    aarch64_sp_load(c);
    aarch64_resync(c);
}

/* EL0, and EL1 with either stack pointer; all in AArch64. */
static bool mode_exists(uint32_t pstate)
{
    uint32_t mode = pstate & 0x1f;
    return mode == PSTATE_EL0T || mode == PSTATE_EL1T || mode == PSTATE_EL1H;
}

void aarch64_pstate_set(struct aarch64_core *c, uint32_t value)
{
    if (!mode_exists(value))
        value = (value & ~(uint32_t)0x1f) | (c->s.pstate & 0xf);
    pstate_replace(c, value);
}

/* ---- taking ---- */

static uint64_t vector_base(const struct aarch64_core *c)
{
    if (aarch64_el(c) == 0)
        return c->s.vbar_el1 + VECTOR_LOWER;
    return c->s.vbar_el1 + (c->s.pstate & PSTATE_SP ? VECTOR_SPX : VECTOR_SP0);
}

static void enter(struct aarch64_core *c, enum vector vector)
{
    uint32_t old = aarch64_pstate(c), pstate = old;
    uint64_t target = vector_base(c) + vector;
    pstate &= ~(uint32_t)(0x1f | PSTATE_IL | PSTATE_SS | PSTATE_UAO | PSTATE_BTYPE | PSTATE_SSBS);
    pstate |= PSTATE_EL1H | PSTATE_DAIF;
    if (!(c->s.sctlr_el1 & SCTLR_SPAN))
        pstate |= PSTATE_PAN;
    if (c->s.sctlr_el1 & SCTLR_DSSBS)
        pstate |= PSTATE_SSBS;
    pstate_replace(c, pstate);
    c->s.spsr_el1 = old;
    c->s.elr_el1 = c->s.pc;
    c->s.pc = target;
    c->stepping.completed = c->stepping.stepped = false;
}

/* Classes with a form for each origin. */
static bool has_lower_form(unsigned ec)
{
    switch (ec) {
    case EC_FETCH_ABORT_LOWER:
    case EC_DATA_ABORT_LOWER:
    case EC_BREAKPOINT_LOWER:
    case EC_STEP_LOWER:
    case EC_WATCHPOINT_LOWER: return true;
    default: return false;
    }
}

static void trace_exception(const struct aarch64_core *c, const char *what, uint64_t esr)
{
    if (trace_on(TRACE_EXC))
        trace_line(TRACE_EXC, (int)c->vcpu.index, "%s at EL%u, pc %#llx, esr %#llx, far %#llx", what,
                   aarch64_el(c), (unsigned long long)c->s.pc, (unsigned long long)esr,
                   (unsigned long long)c->s.far_el1);
}

void aarch64_exception(struct aarch64_core *c)
{
    unsigned ec = c->fault.ec;
    if (has_lower_form(ec) && aarch64_el(c) == 1)
        ec++;
    c->s.esr_el1 = (uint64_t)ec << ESR_EC_SHIFT | ESR_IL | c->fault.iss;
    if (c->fault.far_valid)
        c->s.far_el1 = c->fault.far;
    trace_exception(c, "exception", c->s.esr_el1);
    vcpu_exit_count(&c->vcpu, EXIT_EXCEPTION);
    aarch64_pmu_event(c, PMU_EVENT_EXCEPTION);
    enter(c, VECTOR_SYNC);
}

/* ---- returning ---- */

void aarch64_exception_return(struct aarch64_core *c, uint64_t target)
{
    uint32_t spsr = (uint32_t)c->s.spsr_el1;
    bool legal = mode_exists(spsr);
    /* D2.12.3: stepping begins where debug exceptions become enabled by the return. */
    bool step = aarch64_step_after_return(c, spsr, legal);
    uint32_t pstate = spsr & ~(uint32_t)PSTATE_SS;
    if (!legal) {
        /* D1.3.4.4: the mode stays, IL is set, and of SPSR_EL1 only this is taken. */
        uint32_t taken = (uint32_t)(PSTATE_NZCV | PSTATE_DAIF | PSTATE_PAN);
        pstate =
            (spsr & taken) | (aarch64_pstate(c) & ~taken & ~(uint32_t)PSTATE_BTYPE) | (uint32_t)PSTATE_IL;
    }
    pstate_replace(c, pstate | (step ? (uint32_t)PSTATE_SS : 0));
    c->s.pc = aarch64_branch_address(c, target);
    c->s.monitor_address = ~(uint64_t)0;
    c->s.event = 1;
    trace_exception(c, "return", 0);
}

/* ---- interrupts ---- */

uint32_t aarch64_lines(const struct aarch64_core *c)
{
    return __atomic_load_n(&c->lines, __ATOMIC_SEQ_CST);
}

bool aarch64_interrupt_pending(const struct aarch64_core *c)
{
    static const struct {
        uint8_t line;
        uint64_t mask;
    } lines[] = {{AARCH64_LINE_SERROR, PSTATE_A}, {AARCH64_LINE_FIQ, PSTATE_F}, {AARCH64_LINE_IRQ, PSTATE_I}};
    uint32_t set = aarch64_lines(c);
    for (size_t n = 0; n < ARRAY_LEN(lines); n++) {
        if ((set >> lines[n].line & 1) && !(c->s.pstate & lines[n].mask))
            return true;
    }
    return false;
}

bool aarch64_interrupt(struct aarch64_core *c)
{
    uint32_t lines = aarch64_lines(c);
    if (likely(!lines))
        return false;
    enum vector vector;
    if ((lines >> AARCH64_LINE_SERROR & 1) && !(c->s.pstate & PSTATE_A)) {
        __atomic_fetch_and(&c->lines, ~((uint32_t)1 << AARCH64_LINE_SERROR), __ATOMIC_SEQ_CST);
        c->s.esr_el1 = (uint64_t)EC_SERROR << ESR_EC_SHIFT | ESR_IL;
        vector = VECTOR_SERROR;
    } else if ((lines >> AARCH64_LINE_FIQ & 1) && !(c->s.pstate & PSTATE_F)) {
        vector = VECTOR_FIQ;
    } else if ((lines >> AARCH64_LINE_IRQ & 1) && !(c->s.pstate & PSTATE_I)) {
        vector = VECTOR_IRQ;
    } else {
        return false;
    }
    vcpu_exit_count(&c->vcpu, EXIT_INTERRUPT);
    trace_exception(c, "interrupt", 0);
    enter(c, vector);
    return true;
}
