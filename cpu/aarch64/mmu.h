/*
 * Guest virtual memory as the core's instructions see it: which translation context is in effect, translation
 * through the second level of the TLB and the walker, and fetching. On failure c->fault says what to raise.
 */
#pragma once

#include "cpu/aarch64/pe.h"
#include "softmmu/walkers/arm64.h"

/* Once, after the vCPU has its TLB. */
void aarch64_mmu_init(struct aarch64_core *c);

/* Recompute the context after a change of PSTATE, of a translation register or a flush: selects the bank. */
struct tlb_bank *aarch64_context(struct aarch64_core *c);

/* An address jumped to, as it is in the PC: without its tag. */
uint64_t aarch64_branch_address(const struct aarch64_core *c, uint64_t va);

/* Where instructions at pc are, up to the end of the page. */
struct aarch64_code {
    const uint8_t *host; /* NULL: c->fault is set */
    uint64_t pa;
    bool guarded;
};
struct aarch64_code aarch64_fetch(struct aarch64_core *c, uint64_t pc);

/* Where one access within a page goes. */
struct aarch64_place {
    uint64_t pa;
    uint8_t *host; /* NULL: not RAM */
    bool writable; /* RAM that a store may change without anybody's knowing */
    bool strict;   /* Device memory, or no RAM: aarch64_place_device says whether accesses must be aligned */
};

/*
 * Translate a data access, check its permission, and let the TLB know what needn't come here again. False:
 * c->fault is set; its WnR is that of `access`. `user`: as if at EL0, where PSTATE allows that (LDTR, STTR).
 */
bool aarch64_place_find(struct aarch64_core *c, uint64_t va, enum walk_access access, bool user,
                        struct aarch64_place *place);

/* Whether a place that was found is Device memory. */
bool aarch64_place_device(struct aarch64_core *c, uint64_t va, enum walk_access access, bool user,
                          const struct aarch64_place *place);

/* Set c->fault to a data abort. Returns false. */
bool aarch64_data_abort(struct aarch64_core *c, uint64_t va, unsigned fsc, bool write);

/* The debugger's and the monitor's view, for struct cpu_ops. */
struct translation aarch64_translate(struct vcpu *vcpu, gva_t va, enum walk_access access);
void aarch64_page_tables(struct vcpu *vcpu, void (*line)(void *opaque, const char *text), void *opaque);

/* For AT and the debugger: the translation itself. Updates descriptors only if told to. */
struct arm64_result aarch64_walk(struct aarch64_core *c, uint64_t va, enum walk_access access, bool user,
                                 bool pan, bool update);
bool aarch64_mmu_on(const struct aarch64_core *c);

/* The memory type MAIR_EL1 gives an attribute index; and whether it is a Device type. */
uint8_t aarch64_memory_type(const struct aarch64_core *c, unsigned index);
static inline bool aarch64_is_device(uint8_t type)
{
    return (type & 0xf0) == 0;
}

/* TLBI: which translations (tlbi.c composes them). */
struct aarch64_flush {
    enum {
        FLUSH_ALL,
        FLUSH_ASID, /* what is not global in one address space */
        FLUSH_VA,   /* pages from va on, in one address space or global */
    } kind;
    bool all_spaces; /* FLUSH_VA: in every one */
    uint16_t asid;
    uint64_t va, pages; /* 4 KiB pages */
};
void aarch64_flush(struct aarch64_core *c, const struct aarch64_flush *flush);

/* A register that every translation depends on has changed, or the debug registers that watch pages. */
void aarch64_flush_all(struct aarch64_core *c);
