/*
 * x86 virtual memory: none, 32-bit (PSE, PSE-36), PAE, 4-level and 5-level paging (Intel SDM vol. 3, chapter
 * 4). A walk is a function of the registers given; which mode an access counts as (a user's, a supervisor's,
 * the processor's own) is for the core to say, and so is whether an address is canonical.
 */
#pragma once

#include "softmmu/radix.h"
#include "softmmu/walk.h"

/* Bits of a page fault's error code (SDM vol. 3, 4.7). */
enum x86_page_fault {
    PF_P = 1,    /* a translation exists and forbids the access */
    PF_W = 2,    /* a write */
    PF_U = 4,    /* a user-mode access */
    PF_RSVD = 8, /* a reserved bit is set in an entry */
    PF_I = 16,   /* a fetch, where that can be told */
    PF_PK = 32,  /* a protection key forbids it */
};

/* Tables in guest RAM. `mask` is what reaches the memory of each table's address (A20); `let_in`: they may
 * lie in guarded memory. */
struct x86_tables {
    struct ram *ram;
    uint64_t mask;
    bool let_in;
};
struct radix_memory x86_tables_memory(const struct x86_tables *tables);

struct x86_walk {
    struct radix_memory memory;
    uint64_t cr3;
    uint64_t pdpte[4];            /* PAE: the registers loaded with CR3 */
    uint8_t physical_bits;        /* MAXPHYADDR */
    bool paging;                  /* CR0.PG; without it addresses are physical */
    bool pae, long_mode, la57;    /* CR4.PAE, EFER.LMA, CR4.LA57 */
    bool pse, pse36, gigabyte;    /* CR4.PSE and what the model has */
    bool wp, nxe, smep, pge, pke; /* CR0.WP, EFER.NXE, CR4 */
    bool smap;   /* supervisors' data accesses to user pages are forbidden (CR4.SMAP, and not EFLAGS.AC) */
    bool user;   /* a user-mode access */
    bool update; /* set accessed and dirty bits; false for a debugger, who sees what would be */
    uint32_t pkru;
};

struct x86_walk_result {
    struct walk_result walk;
    uint32_t error; /* the page fault's error code, when walk.status isn't WALK_OK */
    uint8_t key;    /* protection key of a user page; 0 without CR4.PKE */
};

/* Translate. Every failure is a page fault. walk.memory_type is the PAT index. */
struct x86_walk_result x86_walk(const struct x86_walk *walk, uint64_t va, enum walk_access access);

/* Whether a page-directory-pointer entry of PAE paging may be loaded (else MOV CR3 raises #GP). */
bool x86_pdpte_valid(uint64_t pdpte, unsigned physical_bits);

/* The page-table format in effect, NULL without paging, and its name for dumps. */
const struct radix_format *x86_format(const struct x86_walk *walk);

/* What the tables map, a line for each range of equal attributes. */
void x86_dump(const struct x86_walk *walk, void (*line)(void *opaque, const char *text), void *opaque);
