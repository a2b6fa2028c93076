/*
 * The bits of x86-64 control registers, descriptors and exceptions by the manual's names (Intel SDM vol. 3).
 * Numbers only: which of them a model has is model.h's business.
 */
#pragma once

#include "base/types.h"

#define BIT(n) ((uint64_t)1 << (n))

/* EFLAGS (SDM vol. 1, 3.4.3). */
#define FLAG_CF   BIT(0)
#define FLAG_ONE  BIT(1) /* always set */
#define FLAG_PF   BIT(2)
#define FLAG_AF   BIT(4)
#define FLAG_ZF   BIT(6)
#define FLAG_SF   BIT(7)
#define FLAG_TF   BIT(8)
#define FLAG_IF   BIT(9)
#define FLAG_DF   BIT(10)
#define FLAG_OF   BIT(11)
#define FLAG_IOPL (BIT(12) | BIT(13))
#define FLAG_NT   BIT(14)
#define FLAG_RF   BIT(16)
#define FLAG_VM   BIT(17)
#define FLAG_AC   BIT(18)
#define FLAG_VIF  BIT(19)
#define FLAG_VIP  BIT(20)
#define FLAG_ID   BIT(21)

#define FLAG_IOPL_SHIFT 12
/* The arithmetic flags: what struct x86_lazy stands for. */
#define FLAGS_STATUS (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)
/* All that exist. */
#define FLAGS_ALL                                                                                            \
    (FLAGS_STATUS | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_VM | FLAG_AC |        \
     FLAG_VIF | FLAG_VIP | FLAG_ID)

/* CR0. */
#define CR0_PE BIT(0)
#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_ET BIT(4)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_AM BIT(18)
#define CR0_NW BIT(29)
#define CR0_CD BIT(30)
#define CR0_PG BIT(31)
/* All that exist. */
#define CR0_ALL                                                                                              \
    (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)

/* CR3. */
#define CR3_PCID    0xfffu
#define CR3_NOFLUSH BIT(63) /* in the operand of MOV only */

/* CR4. */
#define CR4_VME        BIT(0)
#define CR4_PVI        BIT(1)
#define CR4_TSD        BIT(2)
#define CR4_DE         BIT(3)
#define CR4_PSE        BIT(4)
#define CR4_PAE        BIT(5)
#define CR4_MCE        BIT(6)
#define CR4_PGE        BIT(7)
#define CR4_PCE        BIT(8)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP       BIT(11)
#define CR4_LA57       BIT(12)
#define CR4_FSGSBASE   BIT(16)
#define CR4_PCIDE      BIT(17)
#define CR4_OSXSAVE    BIT(18)
#define CR4_SMEP       BIT(20)
#define CR4_SMAP       BIT(21)
#define CR4_PKE        BIT(22)

/* IA32_EFER. */
#define EFER_SCE BIT(0)
#define EFER_LME BIT(8)
#define EFER_LMA BIT(10)
#define EFER_NXE BIT(11)

/* XCR0 and the components of the XSAVE area. */
#define XCR0_X87  BIT(0)
#define XCR0_SSE  BIT(1)
#define XCR0_AVX  BIT(2)
#define XCR0_PKRU BIT(9)

/* Debug registers. */
#define DR6_B0_B3    0xfu
#define DR6_BD       BIT(13)
#define DR6_BS       BIT(14)
#define DR6_BT       BIT(15)
#define DR6_FIXED    0xffff0ff0u /* bits that read as 1 */
#define DR7_FIXED    BIT(10)
#define DR6_WRITABLE (DR6_B0_B3 | DR6_BD | DR6_BS | DR6_BT)
#define DR7_WRITABLE 0xffff2bffu
#define DR7_GD       BIT(13)

/* Exceptions (SDM vol. 3, 6.15). */
enum x86_exception {
    EXC_DE = 0,
    EXC_DB = 1,
    EXC_NMI = 2,
    EXC_BP = 3,
    EXC_OF = 4,
    EXC_BR = 5,
    EXC_UD = 6,
    EXC_NM = 7,
    EXC_DF = 8,
    EXC_TS = 10,
    EXC_NP = 11,
    EXC_SS = 12,
    EXC_GP = 13,
    EXC_PF = 14,
    EXC_MF = 16,
    EXC_AC = 17,
    EXC_MC = 18,
    EXC_XM = 19,
};

/* A segment's attributes are bits 40..55 of its descriptor: type, S, DPL, P, (limit), AVL, L, D/B, G. */
#define SEG_ACCESSED   0x0001u
#define SEG_WRITABLE   0x0002u /* of data; of code: readable */
#define SEG_READABLE   0x0002u
#define SEG_DOWN       0x0004u /* of data: expands down */
#define SEG_CONFORMING 0x0004u /* of code */
#define SEG_CODE       0x0008u
#define SEG_S          0x0010u /* code or data, else a system descriptor */
#define SEG_DPL_SHIFT  5
#define SEG_P          0x0080u
#define SEG_AVL        0x1000u
#define SEG_L          0x2000u
#define SEG_DB         0x4000u
#define SEG_G          0x8000u
#define SEG_ATTRIBUTES 0xf0ffu

/* Types of system descriptors (attributes & 0x1f). */
enum x86_system_type {
    TYPE_TSS16 = 1,
    TYPE_LDT = 2,
    TYPE_TSS16_BUSY = 3,
    TYPE_CALL_GATE16 = 4,
    TYPE_TASK_GATE = 5,
    TYPE_INTERRUPT_GATE16 = 6,
    TYPE_TRAP_GATE16 = 7,
    TYPE_TSS = 9, /* 32-bit, or 64-bit in long mode */
    TYPE_TSS_BUSY = 11,
    TYPE_CALL_GATE = 12,
    TYPE_INTERRUPT_GATE = 14,
    TYPE_TRAP_GATE = 15,
};
