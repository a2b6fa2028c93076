/*
 * RISC-V virtual memory: Bare, Sv39, Sv48 and Sv57 with Svnapot, Svpbmt, Svade and Svadu (Priv. 1.13,
 * chapters 12.3 to 12.6 of the 2024 edition). A walk is a function of the registers given; which privilege is
 * the effective one (MPRV, the machine's own addresses) is for the core to say.
 */
#pragma once

#include "softmmu/radix.h"
#include "softmmu/walk.h"

enum riscv_satp_mode {
    SATP_BARE = 0,
    SATP_SV39 = 8,
    SATP_SV48 = 9,
    SATP_SV57 = 10,
};

/*
 * Tables in guest RAM. `allowed` is asked before each implicit access to `size` bytes at pa, a read of an
 * entry or the write of its accessed and dirty bits (both made with S privilege); NULL allows all.
 */
struct riscv_tables {
    struct ram *ram;
    bool (*allowed)(void *opaque, uint64_t pa, unsigned size, enum ram_access access);
    void *opaque;
};

/* The way to them for a walk. A two-stage walk gives a way of its own, which translates first. */
struct radix_memory riscv_tables_memory(const struct riscv_tables *tables);

struct riscv_walk {
    struct radix_memory memory;
    uint64_t satp;
    bool user;     /* the effective privilege is U, else S */
    bool sum, mxr; /* mstatus */
    bool pbmte;    /* menvcfg.PBMTE: Svpbmt is on */
    bool adue;     /* menvcfg.ADUE: the hart sets accessed and dirty (Svadu); else they fault (Svade) */
    bool svnapot;
    bool update; /* set accessed and dirty bits; false for a debugger, who sees what would be */
};

/*
 * Translate. WALK_BUS is an access fault of the kind of the access, all other failures are page faults. With
 * WALK_PERMISSION and WALK_ACCESS_FLAG, pa and page_bits are those of the page that refused.
 */
struct walk_result riscv_walk(const struct riscv_walk *walk, uint64_t va, enum walk_access access);

/* The format of satp.MODE, NULL for Bare and modes that don't exist; and the root for the engine. */
const struct radix_format *riscv_format(uint64_t satp);
struct radix_root riscv_root(const struct riscv_walk *walk);

/* What the tables map, a line for each range of equal attributes. */
void riscv_dump(const struct riscv_walk *walk, void (*line)(void *opaque, const char *text), void *opaque);
