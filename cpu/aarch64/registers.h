/*
 * The bits of AArch64 system registers and the codes of exceptions, by the manual's names (Arm ARM, DDI
 * 0487). TCR_EL1 and fault status codes are in softmmu/walkers/arm64.h.
 */
#pragma once

#include "base/types.h"

#define BIT(n) ((uint64_t)1 << (n))

/* PSTATE as in SPSR_EL1 and, for the debugger, CPSR. */
#define PSTATE_SP    BIT(0)
#define PSTATE_EL    (BIT(2) | BIT(3))
#define PSTATE_NRW   BIT(4)
#define PSTATE_F     BIT(6)
#define PSTATE_I     BIT(7)
#define PSTATE_A     BIT(8)
#define PSTATE_D     BIT(9)
#define PSTATE_DAIF  (PSTATE_D | PSTATE_A | PSTATE_I | PSTATE_F)
#define PSTATE_BTYPE (BIT(10) | BIT(11))
#define PSTATE_SSBS  BIT(12)
#define PSTATE_IL    BIT(20)
#define PSTATE_SS    BIT(21)
#define PSTATE_PAN   BIT(22)
#define PSTATE_UAO   BIT(23)
#define PSTATE_DIT   BIT(24)
#define PSTATE_NZCV  ((uint64_t)0xf << 28)

#define PSTATE_BTYPE_SHIFT 10
#define PSTATE_NZCV_SHIFT  28
#define PSTATE_EL0T        0
#define PSTATE_EL1T        4
#define PSTATE_EL1H        5

/* SCTLR_EL1. */
#define SCTLR_M      BIT(0)
#define SCTLR_A      BIT(1)
#define SCTLR_C      BIT(2)
#define SCTLR_SA     BIT(3)
#define SCTLR_SA0    BIT(4)
#define SCTLR_nAA    BIT(6)
#define SCTLR_UMA    BIT(9)
#define SCTLR_EnRCTX BIT(10)
#define SCTLR_EOS    BIT(11)
#define SCTLR_I      BIT(12)
#define SCTLR_EnDB   BIT(13)
#define SCTLR_DZE    BIT(14)
#define SCTLR_UCT    BIT(15)
#define SCTLR_nTWI   BIT(16)
#define SCTLR_nTWE   BIT(18)
#define SCTLR_WXN    BIT(19)
#define SCTLR_EIS    BIT(22)
#define SCTLR_SPAN   BIT(23)
#define SCTLR_E0E    BIT(24)
#define SCTLR_EE     BIT(25)
#define SCTLR_UCI    BIT(26)
#define SCTLR_EnDA   BIT(27)
#define SCTLR_EnIB   BIT(30)
#define SCTLR_EnIA   BIT(31)
#define SCTLR_MSCEn  BIT(33)
#define SCTLR_BT0    BIT(35)
#define SCTLR_BT1    BIT(36)
#define SCTLR_DSSBS  BIT(44)
#define SCTLR_EPAN   BIT(57)

#define CPACR_FPEN_SHIFT 20

/* Exception classes (ESR_EL1.EC). Those with a LOWER form are one more when taken from EL1 itself. */
enum aarch64_ec {
    EC_UNKNOWN = 0x00,
    EC_WFX = 0x01,
    EC_FP_TRAP = 0x07,
    EC_BTI = 0x0d,
    EC_ILLEGAL_STATE = 0x0e,
    EC_SVC = 0x15,
    EC_SYSREG = 0x18,
    EC_FPAC = 0x1c,
    EC_FETCH_ABORT_LOWER = 0x20,
    EC_PC_ALIGNMENT = 0x22,
    EC_DATA_ABORT_LOWER = 0x24,
    EC_SP_ALIGNMENT = 0x26,
    EC_MOPS = 0x27,
    EC_FP_EXCEPTION = 0x2c,
    EC_SERROR = 0x2f,
    EC_BREAKPOINT_LOWER = 0x30,
    EC_STEP_LOWER = 0x32,
    EC_WATCHPOINT_LOWER = 0x34,
    EC_BRK = 0x3c,
};

#define ESR_EC_SHIFT 26
#define ESR_IL       BIT(25)

/* ISS of data and instruction aborts. */
#define ISS_WNR BIT(6)
#define ISS_CM  BIT(8)
#define ISS_FNV BIT(10)

/* ISS of a trapped SIMD&FP instruction: CV, COND = 0b1110. */
#define ISS_FP_TRAP 0x1e00000u

/* MDSCR_EL1. */
#define MDSCR_SS   BIT(0)
#define MDSCR_TDCC BIT(12)
#define MDSCR_KDE  BIT(13)
#define MDSCR_MDE  BIT(15)

/* PMCR_EL0. */
#define PMCR_E  BIT(0)
#define PMCR_P  BIT(1)
#define PMCR_C  BIT(2)
#define PMCR_D  BIT(3)
#define PMCR_X  BIT(4)
#define PMCR_DP BIT(5)
#define PMCR_LC BIT(6)
#define PMCR_LP BIT(7)

/* PMUSERENR_EL0. */
#define PMUSERENR_EN BIT(0)
#define PMUSERENR_SW BIT(1)
#define PMUSERENR_CR BIT(2)
#define PMUSERENR_ER BIT(3)

/* CNTKCTL_EL1. */
#define CNTKCTL_EL0PCTEN BIT(0)
#define CNTKCTL_EL0VCTEN BIT(1)
#define CNTKCTL_EVNTEN   BIT(2)
#define CNTKCTL_EVNTDIR  BIT(3)
#define CNTKCTL_EVNTI_SHIFT 4
#define CNTKCTL_EL0VTEN  BIT(8)
#define CNTKCTL_EL0PTEN  BIT(9)
#define CNTKCTL_EVNTIS   BIT(17)

/* CNTx_CTL. */
#define CNT_ENABLE  BIT(0)
#define CNT_IMASK   BIT(1)
#define CNT_ISTATUS BIT(2)

/* Bytes of a DC ZVA block, and of a cache line. */
#define AARCH64_ZVA_BLOCK  64
#define AARCH64_CACHE_LINE 64
