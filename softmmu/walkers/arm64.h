/*
 * VMSAv8-64 stage 1 translation for the EL1&0 regime (Arm ARM, chapter D8): granules of 4, 16 and 64 KiB,
 * addresses of up to 52 bits, hierarchical permissions, hardware access flag and dirty state. A walk is a
 * function of the registers given; what is a feature of the CPU is given as well.
 *
 * Stage 2 will be a format of its own, and a way to reach the tables (struct radix_memory) that translates
 * first.
 */
#pragma once

#include "softmmu/radix.h"
#include "softmmu/walk.h"

/* TCR_EL1. */
#define TCR_T0SZ_SHIFT 0
#define TCR_EPD0       ((uint64_t)1 << 7)
#define TCR_TG0_SHIFT  14
#define TCR_T1SZ_SHIFT 16
#define TCR_A1         ((uint64_t)1 << 22)
#define TCR_EPD1       ((uint64_t)1 << 23)
#define TCR_TG1_SHIFT  30
#define TCR_IPS_SHIFT  32
#define TCR_AS         ((uint64_t)1 << 36)
#define TCR_TBI0       ((uint64_t)1 << 37)
#define TCR_TBI1       ((uint64_t)1 << 38)
#define TCR_HA         ((uint64_t)1 << 39)
#define TCR_HD         ((uint64_t)1 << 40)
#define TCR_HPD0       ((uint64_t)1 << 41)
#define TCR_HPD1       ((uint64_t)1 << 42)
#define TCR_TBID0      ((uint64_t)1 << 51)
#define TCR_TBID1      ((uint64_t)1 << 52)
#define TCR_E0PD0      ((uint64_t)1 << 55)
#define TCR_E0PD1      ((uint64_t)1 << 56)
#define TCR_DS         ((uint64_t)1 << 59)

/* What the CPU has: the bits of struct arm64_walk's features. Bits of TCR_EL1 that belong to a feature that
 * is not there are ignored. */
enum arm64_feature {
    ARM64_HAF = 1 << 0,  /* hardware access flag */
    ARM64_HDBS = 1 << 1, /* and dirty state */
    ARM64_HPDS = 1 << 2, /* hierarchical permissions can be turned off */
    ARM64_LVA = 1 << 3,  /* 52-bit virtual addresses with 64 KiB granule */
    ARM64_LPA = 1 << 4,  /* 52-bit physical addresses with 64 KiB granule */
    ARM64_LPA2 = 1 << 5, /* both with 4 and 16 KiB granules (TCR_EL1.DS) */
    ARM64_TTST = 1 << 6, /* small tables: TnSZ up to 48 */
    ARM64_E0PD = 1 << 7, /* EL0 may be kept out of a half */
    ARM64_BTI = 1 << 8,  /* guarded pages */
    ARM64_4K = 1 << 9,   /* granules */
    ARM64_16K = 1 << 10,
    ARM64_64K = 1 << 11,
};

struct arm64_walk {
    struct radix_memory memory; /* where the tables are: ram_tables_memory, or nested */
    uint64_t ttbr[2];           /* TTBRn_EL1 */
    uint64_t tcr;               /* TCR_EL1 */
    uint32_t features;          /* enum arm64_feature */
    uint8_t pa_bits;            /* what the CPU drives: 32 to 52 */
    bool user;                  /* the access is made as EL0 does, else as EL1 */
    bool pan, epan;             /* PSTATE.PAN (EL1 only), SCTLR_EL1.EPAN */
    bool wxn;                   /* SCTLR_EL1.WXN */
    bool update; /* set access flag and dirty state; false for a debugger, who sees what would be */
};

/*
 * What a walk finds. The permission is that of the context (user, pan...); guarded is the GP bit; fsc is 0 or
 * the fault's status code as in ISS.DFSC and ISS.IFSC, level included. walk.memory_type is AttrIndx;
 * walk.level is 0 to 3, or 0xff for -1; walk.pa is valid with WALK_PERMISSION and WALK_ACCESS_FLAG too.
 */
struct arm64_result {
    struct walk_result walk;
    uint8_t fsc;
    uint8_t shareability; /* 0 none, 2 outer, 3 inner, as the descriptor or TCR_EL1 says */
    bool guarded;
};

/* Translate va, whose tag is still on (TBI is applied here). */
struct arm64_result arm64_walk(const struct arm64_walk *walk, uint64_t va, enum walk_access access);

/* va without its tag, where TCR_EL1 says the top byte is one: bits 63:56 are copies of bit 55. For an
 * instruction's address, `fetch`, TBID counts. */
uint64_t arm64_untag(uint64_t tcr, uint64_t va, bool fetch);

/* What the tables map, a line for each range of equal attributes. */
void arm64_dump(const struct arm64_walk *walk, void (*line)(void *opaque, const char *text), void *opaque);

/* Fault status codes. Level faults have the level added. */
enum arm64_fsc {
    FSC_ADDRESS_SIZE = 0x00,
    FSC_TRANSLATION = 0x04,
    FSC_ACCESS_FLAG = 0x08,
    FSC_PERMISSION = 0x0c,
    FSC_EXTERNAL = 0x10,
    FSC_EXTERNAL_WALK = 0x14,
    FSC_EXTERNAL_WALK_M1 = 0x13, /* at level -1 */
    FSC_ALIGNMENT = 0x21,
    FSC_ADDRESS_SIZE_M1 = 0x29,
    FSC_TRANSLATION_M1 = 0x2b,
    FSC_TLB_CONFLICT = 0x30,
    FSC_UNSUPPORTED_ATOMIC = 0x35,
};
