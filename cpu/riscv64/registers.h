/*
 * The bits of RISC-V control and status registers and the codes of traps, by the manual's names (Privileged
 * Architecture 1.13). Numbers only: which of them a model has is model.h's business.
 */
#pragma once

#include "softmmu/walkers/riscv.h"

#define BIT(n) ((uint64_t)1 << (n))

/* mstatus; sstatus is a view of it (Priv. 3.1.6, 12.1.1). */
#define MSTATUS_SIE  BIT(1)
#define MSTATUS_MIE  BIT(3)
#define MSTATUS_SPIE BIT(5)
#define MSTATUS_UBE  BIT(6)
#define MSTATUS_MPIE BIT(7)
#define MSTATUS_SPP  BIT(8)
#define MSTATUS_VS   (BIT(9) | BIT(10))
#define MSTATUS_MPP  (BIT(11) | BIT(12))
#define MSTATUS_FS   (BIT(13) | BIT(14))
#define MSTATUS_XS   (BIT(15) | BIT(16))
#define MSTATUS_MPRV BIT(17)
#define MSTATUS_SUM  BIT(18)
#define MSTATUS_MXR  BIT(19)
#define MSTATUS_TVM  BIT(20)
#define MSTATUS_TW   BIT(21)
#define MSTATUS_TSR  BIT(22)
#define MSTATUS_UXL  (BIT(32) | BIT(33))
#define MSTATUS_SXL  (BIT(34) | BIT(35))
#define MSTATUS_SD   BIT(63)

#define MSTATUS_MPP_SHIFT 11
#define MSTATUS_SPP_SHIFT 8
#define MSTATUS_XL_64     (BIT(33) | BIT(35)) /* UXL = SXL = 2: 64 bits, the only width here */

/* Interrupts: bit numbers of mip and mie, and exception codes of mcause. */
enum riscv_interrupt {
    INT_SSI = 1,
    INT_MSI = 3,
    INT_STI = 5,
    INT_MTI = 7,
    INT_SEI = 9,
    INT_MEI = 11,
    INT_LCOF = 13,
};

enum riscv_exception {
    EXC_FETCH_MISALIGNED = 0,
    EXC_FETCH_ACCESS = 1,
    EXC_ILLEGAL = 2,
    EXC_BREAKPOINT = 3,
    EXC_LOAD_MISALIGNED = 4,
    EXC_LOAD_ACCESS = 5,
    EXC_STORE_MISALIGNED = 6,
    EXC_STORE_ACCESS = 7,
    EXC_ECALL_U = 8,
    EXC_ECALL_S = 9,
    EXC_ECALL_M = 11,
    EXC_FETCH_PAGE = 12,
    EXC_LOAD_PAGE = 13,
    EXC_STORE_PAGE = 15,
};

#define CAUSE_INTERRUPT BIT(63)

/* menvcfg and senvcfg (Priv. 3.1.18, 12.1.10). */
#define ENVCFG_FIOM       BIT(0)
#define ENVCFG_CBIE       (BIT(4) | BIT(5))
#define ENVCFG_CBIE_SHIFT 4
#define ENVCFG_CBCFE      BIT(6)
#define ENVCFG_CBZE       BIT(7)
#define ENVCFG_ADUE       BIT(61)
#define ENVCFG_PBMTE      BIT(62)
#define ENVCFG_STCE       BIT(63)

/* CBIE: what cbo.inval does in the less privileged mode. */
enum riscv_cbie {
    CBIE_ILLEGAL = 0,
    CBIE_FLUSH = 1,
    CBIE_INVAL = 3,
};

#define MSECCFG_USEED BIT(8)
#define MSECCFG_SSEED BIT(9)

#define MSTATEEN_ENVCFG BIT(62)
#define MSTATEEN_SE0    BIT(63)

/* mhpmevent, mcyclecfg and minstretcfg: overflow, and the modes that don't count (Sscofpmf, Smcntrpmf). */
#define HPMEVENT_OF       BIT(63)
#define HPMEVENT_MINH     BIT(62)
#define HPMEVENT_SINH     BIT(61)
#define HPMEVENT_UINH     BIT(60)
#define HPMEVENT_SELECTOR (BIT(56) - 1)

/* satp (Priv. 12.1.11). */
#define SATP_MODE_SHIFT 60
#define SATP_ASID_SHIFT 44
#define SATP_ASID_BITS  16
#define SATP_PPN        (BIT(44) - 1)

/* The length in bytes of a cache block, for cbo.* and the device tree. */
#define RISCV_CACHE_BLOCK 64
