/*
 * The architectural state of a RISC-V hart: what a debugger, a snapshot or another engine needs, and nothing
 * of any engine. Registers that are views of others (sstatus, sie, sip, cycle...) are not here.
 */
#pragma once

#include "base/state.h"

#define RISCV_PMP_ENTRIES  16
#define RISCV_HPM_COUNTERS 29 /* mhpmcounter3 .. 31 */

enum riscv_privilege {
    PRIV_U = 0,
    PRIV_S = 1,
    PRIV_M = 3,
};

/* What an interrupt that is pending and enabled ends. */
enum riscv_wait {
    WAIT_NOT,
    WAIT_WFI,
    WAIT_SUSPENDED, /* a suspension by SBI */
};

struct riscv_state {
    uint64_t x[33]; /* x[0] is always 0; x[32] is where writes to x0 go */
    uint64_t pc;
    uint64_t f[32]; /* NaN-boxed */
    uint8_t frm, fflags;
    uint8_t privilege; /* enum riscv_privilege */
    uint8_t started;   /* HSM: 0 stopped, 1 started */

    uint64_t mstatus; /* without SD, UXL and SXL, which follow */
    uint64_t medeleg, mideleg, mie;
    uint64_t mip; /* software's and the core's own bits; those of lines come from their devices. Atomic */
    uint64_t mtvec, mscratch, mepc, mcause, mtval, mcounteren, mcountinhibit, menvcfg, mseccfg, mstateen[4];
    uint64_t stvec, sscratch, sepc, scause, stval, scounteren, senvcfg, satp;
    uint64_t stimecmp;         /* atomic */
    uint64_t mcycle, minstret; /* while the hart runs, counters lack what was counted since run() began */
    uint64_t mcyclecfg, minstretcfg;
    uint64_t mhpmcounter[RISCV_HPM_COUNTERS], mhpmevent[RISCV_HPM_COUNTERS];
    uint8_t pmpcfg[RISCV_PMP_ENTRIES];
    uint64_t pmpaddr[RISCV_PMP_ENTRIES];

    /* LR/SC: the physical address (~0: no reservation), and what was read there. */
    uint64_t reservation_address, reservation_value;
    uint8_t reservation_width;
    uint8_t waiting; /* enum riscv_wait */
};
