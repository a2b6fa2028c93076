/*
 * A bare aarch64 core for tests: RAM at A64_RAM, a counted clock, a device, no firmware. Tests put
 * instruction words there, run, and look at the state. With a64_mmu_on memory is Normal and each page can be
 * what a test wants.
 */
#pragma once

#include "cpu/aarch64/core.h"
#include "cpu/aarch64/registers.h"
#include "tests/harness/test.h"

#define A64_RAM      ((uint64_t)0x40000000)
#define A64_RAM_SIZE (16 * MIB)
#define A64_CODE     (A64_RAM + 0x10000)
#define A64_DATA     (A64_RAM + 0x20000)
#define A64_VECTORS  (A64_RAM + 0x100000) /* every vector is a breakpoint, which ends a run */
#define A64_TABLES                                                                                           \
    (A64_RAM + 0x200000) /* 2 MiB blocks: an identity map; level 3 for the first 2 MiB of RAM */
#define A64_DEVICE ((uint64_t)0x10000000)
#define A64_HOLE   ((uint64_t)0x20000000) /* nothing answers there */

struct a64_bare {
    struct ram *ram;
    struct bus *bus;
    struct physmem mem;
    struct clock *clock;
    struct host_mutex lock;
    struct debug_points debug;
    uint64_t end; /* a breakpoint that ends a run */
    struct vcpu *vcpu;
    struct aarch64_state *s;
    struct vcpu_exit exit;
    bool outputs[AARCH64_OUTPUTS];
    uint64_t output_icount; /* how many instructions were executed when one last changed */
    uint64_t icc[2];        /* the last GIC register written, and its value; reads give the number */
};

/* A core of this model (NULL: "max") in its reset state, VBAR_EL1 pointed at A64_VECTORS. */
struct a64_bare *a64_create(const char *model);
struct a64_bare *a64_create_with(const char *model, bool hypercalls);
void a64_destroy(struct a64_bare *bare);

/* Put instructions at an address. */
void a64_put(struct a64_bare *bare, uint64_t address, const uint32_t *words, size_t count);
#define A64_PUT(bare, address, ...)                                                                          \
    a64_put(bare, address, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

uint64_t a64_load(struct a64_bare *bare, uint64_t address);
void a64_store(struct a64_bare *bare, uint64_t address, uint64_t value);

/* Run from pc until bare->end, an exception, a WFI, or anything else that ends a run. */
void a64_run(struct a64_bare *bare, uint64_t pc);
#define A64_EXEC(bare, ...)                                                                                  \
    do {                                                                                                     \
        A64_PUT(bare, A64_CODE, __VA_ARGS__);                                                                \
        (bare)->end = A64_CODE + sizeof((const uint32_t[]){__VA_ARGS__});                                    \
        a64_run(bare, A64_CODE);                                                                             \
    } while (0)

/* Go on to EL0 or EL1 before the next run, with no interrupt masked. */
void a64_enter(struct a64_bare *bare, unsigned el);

/* Turn the MMU on with an identity map of 1 GiB blocks below 4 GiB: Normal for EL1 and EL0 in RAM, Device
 * elsewhere. EL1 may run what EL0 may not write, so code pages are read-only. */
void a64_mmu_on(struct a64_bare *bare);

/* The level 3 descriptor of a page in the first 2 MiB of RAM; and a change of it (no TLBI). */
uint64_t a64_page_get(struct a64_bare *bare, uint64_t va);
void a64_page_set(struct a64_bare *bare, uint64_t va, uint64_t descriptor);

/* Descriptor bits. */
#define A64_PAGE        0x703u /* valid, AF, inner shareable, AttrIndx 0: Normal */
#define A64_DEVICE_ATTR (1u << 2)
#define A64_NC_ATTR     (2u << 2)
#define A64_USER        (1u << 6)
#define A64_RO          (1u << 7)
#define A64_AF          (1u << 10)
#define A64_NG          (1u << 11)
#define A64_GP          ((uint64_t)1 << 50)
#define A64_PXN         ((uint64_t)1 << 53)
#define A64_UXN         ((uint64_t)1 << 54)

/* An exception was taken: check its vector, class, ISS, and where it came from. */
void a64_check_exception(struct a64_bare *bare, unsigned vector, unsigned ec, uint32_t iss, uint64_t elr);

/* Vectors. */
enum {
    A64_SYNC_SP0 = 0,
    A64_SYNC = 0x200,
    A64_IRQ = 0x280,
    A64_FIQ = 0x300,
    A64_SERROR = 0x380,
    A64_SYNC_EL0 = 0x400,
    A64_IRQ_EL0 = 0x480
};

/* Value of a system register, and a change of it, by running MRS and MSR at EL1. */
uint64_t a64_sysreg(struct a64_bare *bare, uint32_t number);
void a64_sysreg_set(struct a64_bare *bare, uint32_t number, uint64_t value);

/* ---- words ---- */

#define MRS(t, number)             (0xd5200000u | (uint32_t)(number) << 5 | (t))
#define MSR(number, t)             (0xd5000000u | (uint32_t)(number) << 5 | (t))
#define NOP                        0xd503201fu
#define WFE                        0xd503205fu
#define WFI                        0xd503207fu
#define SEV                        0xd503209fu
#define ISB                        0xd5033fdfu
#define DSB                        0xd5033f9fu
#define ERET                       0xd69f03e0u
#define RET                        0xd65f03c0u
#define UDF                        0x00000000u
#define SVC(i)                     (0xd4000001u | (uint32_t)(i) << 5)
#define HVC(i)                     (0xd4000002u | (uint32_t)(i) << 5)
#define SMC(i)                     (0xd4000003u | (uint32_t)(i) << 5)
#define BRK(i)                     (0xd4200000u | (uint32_t)(i) << 5)
#define MOVZ(d, i)                 (0xd2800000u | (uint32_t)(i) << 5 | (d))
#define ADD_I(d, n, i)             (0x91000000u | (uint32_t)(i) << 10 | (n) << 5 | (d))
#define SUB_I(d, n, i)             (0xd1000000u | (uint32_t)(i) << 10 | (n) << 5 | (d))
#define LDR_X(t, n, i)             (0xf9400000u | (uint32_t)(i) / 8 << 10 | (n) << 5 | (t))
#define STR_X(t, n, i)             (0xf9000000u | (uint32_t)(i) / 8 << 10 | (n) << 5 | (t))
#define LDR_W(t, n, i)             (0xb9400000u | (uint32_t)(i) / 4 << 10 | (n) << 5 | (t))
#define LDTR_X(t, n)               (0xf8400800u | (n) << 5 | (t))
#define STTR_X(t, n)               (0xf8000800u | (n) << 5 | (t))
#define B(o)                       (0x14000000u | ((uint32_t)(o) >> 2 & 0x3ffffff))
#define BR(n)                      (0xd61f0000u | (n) << 5)
#define BLR(n)                     (0xd63f0000u | (n) << 5)
#define LDXR_X(t, n)               (0xc85f7c00u | (n) << 5 | (t))
#define STXR_X(s, t, n)            (0xc8007c00u | (s) << 16 | (n) << 5 | (t))
#define CLREX                      0xd5033f5fu
#define LDADD_X(s, t, n)           (0xf8200000u | (s) << 16 | (n) << 5 | (t))
#define CAS_X(s, t, n)             (0xc8a07c00u | (s) << 16 | (n) << 5 | (t))
#define LDAR_X(t, n)               (0xc8dffc00u | (n) << 5 | (t))
#define SYS(op1, crn, crm, op2, t) MSR(A64_SYSREG(1, op1, crn, crm, op2), t)

/* Registers by number. */
enum {
    SCTLR_EL1 = A64_SYSREG(3, 0, 1, 0, 0),
    CPACR_EL1 = A64_SYSREG(3, 0, 1, 0, 2),
    TTBR0_EL1 = A64_SYSREG(3, 0, 2, 0, 0),
    TTBR1_EL1 = A64_SYSREG(3, 0, 2, 0, 1),
    TCR_EL1 = A64_SYSREG(3, 0, 2, 0, 2),
    SPSR_EL1 = A64_SYSREG(3, 0, 4, 0, 0),
    ELR_EL1 = A64_SYSREG(3, 0, 4, 0, 1),
    SP_EL0 = A64_SYSREG(3, 0, 4, 1, 0),
    ESR_EL1 = A64_SYSREG(3, 0, 5, 2, 0),
    FAR_EL1 = A64_SYSREG(3, 0, 6, 0, 0),
    PAR_EL1 = A64_SYSREG(3, 0, 7, 4, 0),
    VBAR_EL1 = A64_SYSREG(3, 0, 12, 0, 0),
    DAIF = A64_SYSREG(3, 3, 4, 2, 1),
    NZCV = A64_SYSREG(3, 3, 4, 2, 0),
    FPCR = A64_SYSREG(3, 3, 4, 4, 0),
    CTR_EL0 = A64_SYSREG(3, 3, 0, 0, 1),
    TPIDR_EL0 = A64_SYSREG(3, 3, 13, 0, 2),
    TPIDR_EL1 = A64_SYSREG(3, 0, 13, 0, 4),
    CNTKCTL_EL1 = A64_SYSREG(3, 0, 14, 1, 0),
    CNTFRQ_EL0 = A64_SYSREG(3, 3, 14, 0, 0),
    CNTPCT_EL0 = A64_SYSREG(3, 3, 14, 0, 1),
    CNTVCT_EL0 = A64_SYSREG(3, 3, 14, 0, 2),
    CNTP_TVAL_EL0 = A64_SYSREG(3, 3, 14, 2, 0),
    CNTP_CTL_EL0 = A64_SYSREG(3, 3, 14, 2, 1),
    CNTP_CVAL_EL0 = A64_SYSREG(3, 3, 14, 2, 2),
    CNTV_TVAL_EL0 = A64_SYSREG(3, 3, 14, 3, 0),
    CNTV_CTL_EL0 = A64_SYSREG(3, 3, 14, 3, 1),
    CNTV_CVAL_EL0 = A64_SYSREG(3, 3, 14, 3, 2),
    MDSCR_EL1 = A64_SYSREG(2, 0, 0, 2, 2),
    OSLAR_EL1 = A64_SYSREG(2, 0, 1, 0, 4),
    OSLSR_EL1 = A64_SYSREG(2, 0, 1, 1, 4),
    DBGBVR0_EL1 = A64_SYSREG(2, 0, 0, 0, 4),
    DBGBCR0_EL1 = A64_SYSREG(2, 0, 0, 0, 5),
    DBGWVR0_EL1 = A64_SYSREG(2, 0, 0, 0, 6),
    DBGWCR0_EL1 = A64_SYSREG(2, 0, 0, 0, 7),
    PMCR_EL0 = A64_SYSREG(3, 3, 9, 12, 0),
    PMCNTENSET_EL0 = A64_SYSREG(3, 3, 9, 12, 1),
    PMOVSCLR_EL0 = A64_SYSREG(3, 3, 9, 12, 3),
    PMCCNTR_EL0 = A64_SYSREG(3, 3, 9, 13, 0),
    PMUSERENR_EL0 = A64_SYSREG(3, 3, 9, 14, 0),
    PMINTENSET_EL1 = A64_SYSREG(3, 0, 9, 14, 1),
    PMEVCNTR0_EL0 = A64_SYSREG(3, 3, 14, 8, 0),
    PMEVTYPER0_EL0 = A64_SYSREG(3, 3, 14, 12, 0),
};
