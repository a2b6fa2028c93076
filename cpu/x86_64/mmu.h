/*
 * Guest memory as the processor's own functions see it: segments, translation contexts, linear accesses with
 * a given privilege, atomics, fetching, flushes. Instructions' operands go through interp.h.
 */
#pragma once

#include "cpu/x86_64/interp.h"

void x86_mmu_init(struct x86_core *c);

/* Recompute all that is derived from segments, control registers and flags: views, mode, bank. */
void x86_context(struct x86_core *c);

/* The segment registers' part of that alone, for instructions that load data segments. */
void x86_views_update(struct x86_core *c);

/* The TLB bank of the present context, c->bank, when only what its key is made of has changed. */
void x86_bank_select(struct x86_core *c);

/* The base of FS or GS has changed, in 64-bit mode. */
void x86_base_update(struct x86_core *c, unsigned number);

/* Whose access it is. */
enum x86_as {
    AS_CURRENT,    /* the program's, by CPL */
    AS_USER,       /* as if CPL were 3 */
    AS_SUPERVISOR, /* as if CPL were less: the stack of an inner level */
    AS_SYSTEM,     /* the processor's own: descriptor tables, TSS (SMAP without regard to EFLAGS.AC) */
};

/*
 * Segment checks for [offset, offset + len): type, limit, canonical; *linear is its address. False: #GP(0) or
 * #SS(0) is in c->fault.
 */
bool x86_segment_check(struct x86_core *c, unsigned seg, uint64_t offset, unsigned len, bool write,
                       uint64_t *linear);

/* Linear accesses of up to a page; all is checked before a byte is read or written. False: c->fault is set.
 */
bool x86_linear_read(struct x86_core *c, enum x86_as as, uint64_t linear, void *to, unsigned len);
bool x86_linear_write(struct x86_core *c, enum x86_as as, uint64_t linear, const void *from, unsigned len);
bool x86_linear_check(struct x86_core *c, enum x86_as as, uint64_t linear, unsigned len, bool write);

/* A number of 1, 2, 4 or 8 bytes in a system structure. */
struct x86_loaded x86_system_read(struct x86_core *c, uint64_t linear, unsigned width);
bool x86_system_write(struct x86_core *c, uint64_t linear, unsigned width, uint64_t value);

/* A descriptor's second half changed from `old` to `new` indivisibly; false with *changed: it isn't `old` any
 * more; without: c->fault is set. */
bool x86_system_exchange(struct x86_core *c, uint64_t linear, uint32_t old, uint32_t new, bool *changed);

/*
 * The host address of a memory operand for an operation that is atomic on the host, or NULL. Then either
 * c->fault is set (*split false), or the operand is not in plain RAM, or crosses a page or is misaligned
 * (*split true): do it as a read and a write between x86_split_lock and x86_split_unlock. Afterwards
 * x86_atomic_done.
 */
void *x86_atomic_at(struct x86_core *c, unsigned seg, uint64_t offset, unsigned width, bool *split);
void x86_atomic_done(struct x86_core *c, unsigned width);
void x86_split_lock(void);
void x86_split_unlock(void);

/* Where the instruction bytes at a linear address are, up to the end of the page. */
struct x86_code {
    const uint8_t *host; /* NULL and !device: c->fault is set */
    uint64_t pa;
    bool device; /* not RAM: bytes come through x86_physical_read */
};
struct x86_code x86_fetch(struct x86_core *c, uint64_t linear);

/* Physical memory, with A20: for devices, SMM and PDPTEs. All ones where nothing answers. */
uint64_t x86_physical_read(struct x86_core *c, uint64_t pa, unsigned width);
void x86_physical_write(struct x86_core *c, uint64_t pa, unsigned width, uint64_t value);

/* Flushes: everything; all but global pages of the current PCID; a page of the current PCID; one PCID. */
void x86_flush_all(struct x86_core *c);
void x86_flush_space(struct x86_core *c);
void x86_flush_page(struct x86_core *c, uint64_t va);
void x86_flush_pcid(struct x86_core *c, unsigned pcid);
void x86_flush_pcid_page(struct x86_core *c, unsigned pcid, uint64_t va);
void x86_flush_keep_global(struct x86_core *c);

/* PKRU is to become `value`. */
void x86_pkru_set(struct x86_core *c, uint32_t value);

/* Load the PDPTEs of PAE paging. False: #GP(0) is in c->fault, and nothing changed. */
bool x86_pdptes_load(struct x86_core *c, uint64_t cr3);

/* The debugger's view: no side effects. */
struct translation x86_translate(struct x86_core *c, uint64_t va, enum walk_access access);
void x86_page_tables(struct x86_core *c, void (*line)(void *opaque, const char *text), void *opaque);
