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

struct riscv_state {
    uint64_t x[33]; /* x[0] is always 0; x[32] is where writes to x0 go */
    uint64_t pc;
    uint64_t f[32]; /* NaN-boxed */
    uint8_t frm, fflags;
    uint8_t privilege; /* enum riscv_privilege */
    uint8_t started;   /* HSM: 0 stopped, 1 started */

    uint64_t mstatus, misa, medeleg, mideleg, mie, mip, mtvec, mscratch, mepc, mcause, mtval, mtinst,
        mcounteren, mcountinhibit, menvcfg, mseccfg;
    uint64_t mstateen[4], sstateen[4];
    uint64_t stvec, sscratch, sepc, scause, stval, scounteren, senvcfg, satp, stimecmp, scountovf;
    uint64_t mcycle_offset,
        minstret_offset; /* counter = instructions retired + offset, or the value while inhibited */
    uint64_t mhpmcounter[RISCV_HPM_COUNTERS], mhpmevent[RISCV_HPM_COUNTERS];
    uint8_t pmpcfg[RISCV_PMP_ENTRIES];
    uint64_t pmpaddr[RISCV_PMP_ENTRIES];
    uint64_t reservation_address, reservation_value; /* LR/SC; address ~0: none */
    uint8_t reservation_width;
    uint8_t waiting; /* in WFI */
    uint64_t mcyclecfg, minstretcfg;
};
