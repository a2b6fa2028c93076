/*
 * RISC-V physical memory protection: sixteen entries, and ePMP (Smepmp: MML, MMWP, RLB). Granularity is four
 * bytes. The registers are given as plain values; pmp_update turns them into ranges once, and checks work on
 * those.
 */
#pragma once

#include "softmmu/walk.h"

#define PMP_ENTRIES 16

#define PMP_R        0x01u
#define PMP_W        0x02u
#define PMP_X        0x04u
#define PMP_A_SHIFT  3
#define PMP_L        0x80u
#define PMP_CFG_MASK 0x9fu /* bits 5 and 6 are read-only zero */

#define PMP_ADDR_MASK (((uint64_t)1 << 54) - 1) /* pmpaddr holds bits 55 to 2 of an address */

#define MSECCFG_MML  0x1u
#define MSECCFG_MMWP 0x2u
#define MSECCFG_RLB  0x4u

struct pmp {
    struct {
        uint64_t first, last;
        uint8_t cfg;
    } ranges[PMP_ENTRIES]; /* of the entries that are on, in order of priority */
    uint8_t count;
    uint8_t mseccfg;
};

/* Compute the ranges from the registers. */
void pmp_update(struct pmp *pmp, const uint8_t cfg[PMP_ENTRIES], const uint64_t addr[PMP_ENTRIES],
                uint64_t mseccfg);

/* Whether an access to [pa, pa + size) is allowed, in M mode (`machine`) or below. */
bool pmp_check(const struct pmp *pmp, uint64_t pa, uint64_t size, enum walk_access access, bool machine);

/*
 * What is allowed (enum tlb_permission) for every access in the 4 KiB page of pa. False: it differs within
 * the page, and each access must be checked; *permission is then 0.
 */
bool pmp_page(const struct pmp *pmp, uint64_t pa, bool machine, uint8_t *permission);

/* What the registers hold after a write, by the rules for locked entries and reserved values. */
uint8_t pmp_cfg_after_write(uint8_t old, uint8_t value, uint64_t mseccfg);
bool pmp_addr_writable(const uint8_t cfg[PMP_ENTRIES], unsigned index, uint64_t mseccfg);
uint64_t pmp_mseccfg_after_write(uint64_t old, uint64_t value, const uint8_t cfg[PMP_ENTRIES]);
