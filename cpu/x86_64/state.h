/*
 * The architectural state of an x86-64 processor: what a debugger, a snapshot or another engine needs, and
 * nothing of any engine. Hidden parts of segment registers are here because they are architectural: big real
 * mode lives in them.
 */
#pragma once

#include "base/state.h"

enum x86_gpr {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    /* What else an address can be made of, kept by the interpreter; X86_ZERO is 0, an absent base or index.
     */
    X86_ZERO = 16,
    X86_BLOCK,   /* RIP of the first instruction of the block that runs, in 64-bit mode */
    X86_FS_BASE, /* in 64-bit mode */
    X86_GS_BASE,
    X86_GPRS,
};

/* In the order of their encodings; then the two that hold system segments. */
enum x86_segment_number {
    ES,
    CS,
    SS,
    DS,
    FS,
    GS,
    LDTR,
    TR,
    X86_SEGMENTS,
};

struct x86_segment {
    uint64_t base;
    uint32_t limit; /* in bytes: the last valid offset (the first invalid one less 1 where it expands down) */
    uint16_t selector;
    uint16_t attributes; /* bits 40..55 of the descriptor; 0: null, not usable */
};

struct x86_table {
    uint64_t base;
    uint16_t limit;
};

/* A vector register; also how a memory operand of up to 32 bytes is handed around. */
union x86_vector {
    uint64_t q[4];
    uint32_t d[8];
    uint16_t w[16];
    uint8_t b[32];
};

/* An x87 register as it is in memory: 64 bits of significand (an MMX register), 16 of sign and exponent. */
struct x86_st {
    uint64_t mant;
    uint16_t se;
};

/* What keeps interrupts off for one instruction. */
enum x86_shadow {
    SHADOW_NONE,
    SHADOW_STI,
    SHADOW_MOV_SS, /* debug traps as well */
};

enum x86_activity {
    ACTIVITY_RUNNING,
    ACTIVITY_HALTED,        /* HLT or MWAIT */
    ACTIVITY_WAIT_FOR_SIPI, /* an application processor after INIT */
    ACTIVITY_SHUTDOWN,      /* after a triple fault */
};

#define X86_MTRR_VARIABLE 8
#define X86_MC_BANKS      10
#define X86_PMCS          4
#define X86_FIXED_PMCS    3

struct x86_state {
    uint64_t gpr[X86_GPRS];
    uint64_t rip;
    uint64_t rflags;
    struct x86_segment seg[X86_SEGMENTS];
    struct x86_table gdtr, idtr;
    uint64_t cr0, cr2, cr3, cr4, dr[8];
    uint64_t pdpte[4]; /* PAE paging: loaded when CR3 is */
    uint64_t efer, xcr0, xss;
    uint8_t cpl;

    /* x87 and MMX: st[n] is R(n), the physical register. */
    struct x86_st st[8];
    uint16_t fcw, fsw; /* fsw has TOP */
    uint16_t ftw;      /* two bits a register, as FSTENV stores it */
    uint16_t fop, fcs, fds;
    uint64_t fip, fdp;

    union x86_vector vector[16];
    uint32_t mxcsr;
    uint32_t pkru;

    /* Model-specific registers. */
    uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t tsc_offset; /* what is added to the clock's ticks */
    uint64_t tsc_adjust, tsc_aux;
    uint64_t kvm_system_time, kvm_wall_clock; /* the paravirtual clock's (paravirtual.c) */
    uint64_t pat, misc_enable, spec_ctrl, debugctl;
    uint64_t mtrr_def_type, mtrr_fixed[11], mtrr_base[X86_MTRR_VARIABLE], mtrr_mask[X86_MTRR_VARIABLE];
    uint64_t mcg_status, mcg_ctl, mc_ctl[X86_MC_BANKS], mc_status[X86_MC_BANKS], mc_addr[X86_MC_BANKS],
        mc_misc[X86_MC_BANKS];
    uint64_t pmc[X86_PMCS], perf_event_select[X86_PMCS], fixed_pmc[X86_FIXED_PMCS], fixed_ctr_ctrl,
        perf_global_ctrl, perf_global_status;
    uint32_t smbase;

    /* Events and interruptibility. */
    uint8_t activity; /* enum x86_activity */
    uint8_t shadow;   /* enum x86_shadow */
    uint8_t in_smm;
    uint8_t nmi_blocked; /* until IRET */
    uint8_t nmi_pending, smi_pending, init_pending;
    uint8_t sipi_pending;
    uint8_t sipi_vector;
    uint8_t ferr, ignne;
    uint32_t debug_pending; /* bits for DR6: a debug trap to be taken before the next instruction */
    uint32_t debug_held;    /* those of what an SMI interrupted, until RSM */
};
