/*
 * The architectural state of an A64 processing element: what a debugger, a snapshot or another engine needs,
 * and nothing of any engine. EL2, EL3, SVE and MTE are not there; their registers get places here.
 */
#pragma once

#include "base/state.h"

/* Slots of x[] beyond X30. Which one register number 31 means is settled when an instruction is decoded. */
enum aarch64_register {
    REG_LR = 30,
    REG_ZERO = 31,    /* always 0: XZR as a source */
    REG_DISCARD = 32, /* nobody reads it: XZR as a destination */
    REG_SP = 33,      /* the stack pointer in use */
    REG_COUNT,
};

#define AARCH64_BREAKPOINTS    16
#define AARCH64_WATCHPOINTS    16
#define AARCH64_EVENT_COUNTERS 6

/* A SIMD&FP register. Elements are in the host's order, which is the guest's: little-endian. */
union aarch64_vector {
    uint64_t d[2];
    uint32_t s[4];
    uint16_t h[8];
    uint8_t b[16];
};

struct aarch64_state {
    uint64_t x[REG_COUNT];
    uint64_t pc;

    /* NZCV, as the last instruction left them: N is bit 63 of flag_n, Z is flag_z == 0, C and V are 0 or 1.
     */
    uint64_t flag_n;
    uint8_t flag_c, flag_v;
    uint8_t btype;   /* PSTATE.BTYPE of the next instruction; while the core runs, aarch64_btype() says it */
    uint8_t started; /* PSCI: 0 off, 1 on */
    uint32_t pstate; /* the rest of PSTATE, laid out as in SPSR_EL1 */
    uint64_t flag_z;

    union aarch64_vector v[32];
    uint32_t fpcr, fpsr;

    uint64_t sp_el[2]; /* SP_ELx; the one in use lives in x[REG_SP] */

    /* Exclusive monitor: address ~0 when open; value is what the load saw. */
    uint64_t monitor_address, monitor_value[2];
    uint8_t monitor_size;
    uint8_t event;        /* the event register (other cores set it, too) */
    uint8_t waiting;      /* enum aarch64_waiting */
    uint64_t wait_end;    /* the count at which waiting ends; 0: none */
    uint64_t event_since; /* the count at which the event stream was last looked at */

    uint64_t elr_el1, spsr_el1, esr_el1, far_el1, par_el1, vbar_el1, afsr0_el1, afsr1_el1;
    uint64_t sctlr_el1, actlr_el1, cpacr_el1, csselr_el1;
    uint64_t ttbr0_el1, ttbr1_el1, tcr_el1, mair_el1, amair_el1, contextidr_el1;
    uint64_t tpidr_el0, tpidrro_el0, tpidr_el1, scxtnum_el0, scxtnum_el1;
    uint64_t disr_el1;
    uint64_t pauth_keys[5][2]; /* enum aarch64_pauth_key; low and high half */

    /* Generic timers. */
    uint64_t cntfrq_el0, cntkctl_el1, cntp_ctl_el0, cntp_cval_el0, cntv_ctl_el0, cntv_cval_el0;

    /* Debug. */
    uint64_t mdscr_el1, mdccint_el1, oslar, osdlr_el1, dbgclaim, osdtrrx_el1, osdtrtx_el1, oseccr_el1;
    uint64_t dbgbvr[AARCH64_BREAKPOINTS], dbgbcr[AARCH64_BREAKPOINTS];
    uint64_t dbgwvr[AARCH64_WATCHPOINTS], dbgwcr[AARCH64_WATCHPOINTS];

    /* Performance monitors; counters are true as of the moments in pmu_cycle_base and pmu_insn_base. */
    uint64_t pmcr_el0, pmcntenset_el0, pmintenset_el1, pmovsset_el0, pmselr_el0, pmuserenr_el0, pmccfiltr_el0;
    uint64_t pmccntr_el0, pmevcntr_el0[AARCH64_EVENT_COUNTERS], pmevtyper_el0[AARCH64_EVENT_COUNTERS];
};

enum aarch64_waiting {
    WAITING_NOT,
    WAITING_INTERRUPT, /* WFI */
    WAITING_EVENT,     /* WFE */
};

enum aarch64_pauth_key {
    KEY_IA,
    KEY_IB,
    KEY_DA,
    KEY_DB,
    KEY_GA,
};
