/*
 * Guest virtual memory as the core's instructions see it: which translation context is in effect, the slow
 * paths behind the TLB, and fences. On failure c->fault says what to raise.
 */
#pragma once

#include "cpu/riscv64/hart.h"

/* At creation, when the TLB is there. */
void riscv_mmu_init(struct riscv_core *c);

/* Recompute the context after a change of privilege, satp, mstatus or a flush: selects the banks and returns
 * the one for data; instructions are fetched through c->fetch_bank. */
struct tlb_bank *riscv_context(struct riscv_core *c);

/* An access of `width` bytes at any alignment, with everything that can make it special. */
struct riscv_loaded {
    uint64_t value;
    bool ok;
};
struct riscv_loaded riscv_read(struct riscv_core *c, uint64_t va, unsigned width);
bool riscv_write(struct riscv_core *c, uint64_t va, unsigned width, uint64_t value);

/*
 * The host address for an atomic operation on `width` aligned bytes, readable and writable, or (`load`) for
 * an LR; NULL: c->fault is set. c->atomic has the physical address, and whether riscv_atomic_done must be
 * called after the write.
 */
void *riscv_atomic_at(struct riscv_core *c, uint64_t va, unsigned width, bool load);
void riscv_atomic_done(struct riscv_core *c, unsigned width);

/* For cbo.*: may the cache block that holds va be read or written; write it with zeroes. */
bool riscv_block_accessible(struct riscv_core *c, uint64_t va);
bool riscv_block_zero(struct riscv_core *c, uint64_t va);

/* Where the instruction bytes at va are, up to the end of the page; not `start`: the second half of one that
 * began in the page before. */
struct riscv_code {
    const uint8_t *host; /* NULL: c->fault is set */
    uint64_t pa;
    bool whole_page; /* each byte of the page may be fetched: blocks of it can be cached */
};
struct riscv_code riscv_fetch(struct riscv_core *c, uint64_t va, bool start);

/* The debugger's translation: no side effects. */
struct translation riscv_translate(struct riscv_core *c, uint64_t va, enum walk_access access);

/* sfence.vma, of one page or all, for one address space or (asid < 0) all. */
void riscv_flush(struct riscv_core *c, bool one_page, uint64_t va, int64_t asid);

/* Print the page tables in effect. */
void riscv_page_tables(struct riscv_core *c, void (*line)(void *opaque, const char *text), void *opaque);

/* The PMP's registers or mseccfg changed. */
void riscv_pmp_changed(struct riscv_core *c);
