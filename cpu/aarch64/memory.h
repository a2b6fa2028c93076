/*
 * The slow paths of loads, stores and atomic accesses: alignment, watchpoints, accesses that cross a page,
 * device registers. Handlers come here when the TLB's bank doesn't let them through; on failure c->fault is
 * set.
 */
#pragma once

#include "cpu/aarch64/pe.h"
#include "cpu/interp.h"

/* Sixteen bytes in one host access where the host has it: aligned ones are single-copy atomic with LSE2. */
typedef uint64_t __attribute__((vector_size(16), aligned(1), may_alias)) host_u128;

INLINE host_u128 host_load16(const void *p)
{
    return *(const volatile host_u128 *)p;
}

INLINE void host_store16(void *p, uint64_t lo, uint64_t hi)
{
    *(volatile host_u128 *)p = (host_u128){lo, hi};
}

/* An access: `size` bytes of which each `align` are single-copy atomic; `align` is what alignment checks ask.
 */
struct aarch64_access {
    uint64_t va;
    uint8_t size, align;
    bool user;   /* as if at EL0 */
    bool atomic; /* ordered (LDAR, STLR...): aligned within 16 bytes, or to `align` without LSE2 */
};

/* The value goes to c->loaded. */
bool aarch64_load(struct aarch64_core *c, const struct aarch64_access *access);
bool aarch64_store(struct aarch64_core *c, const struct aarch64_access *access, uint64_t lo, uint64_t hi);

/* The shorthands handlers use: user accesses, pairs of two `size` byte elements, and ordered ones. */
bool aarch64_load_user(struct aarch64_core *c, uint64_t va, unsigned size);
bool aarch64_store_user(struct aarch64_core *c, uint64_t va, unsigned size, uint64_t value);
bool aarch64_load_pair(struct aarch64_core *c, uint64_t va, unsigned size);
bool aarch64_store_pair(struct aarch64_core *c, uint64_t va, unsigned size, uint64_t first, uint64_t second);
bool aarch64_load_ordered(struct aarch64_core *c, uint64_t va, unsigned size);
bool aarch64_store_ordered(struct aarch64_core *c, uint64_t va, unsigned size, uint64_t value);

enum aarch64_atomic {
    ATOMIC_LOAD,  /* load-exclusive */
    ATOMIC_STORE, /* store-exclusive */
    ATOMIC_BOTH,  /* read-modify-write */
};

/*
 * The host address for an exclusive access or an atomic operation on `size` bytes: readable and writable as
 * `what` says. Aligned, or with LSE2 within 16 aligned bytes. NULL: c->fault is set. c->atomic says whether
 * aarch64_atomic_done must be called after the write.
 */
void *aarch64_atomic_at(struct aarch64_core *c, uint64_t va, unsigned size, enum aarch64_atomic what);
void aarch64_atomic_done(struct aarch64_core *c, unsigned size);

/* DC ZVA: zeroes, as far as the page goes that `va` is in. */
bool aarch64_zero(struct aarch64_core *c, uint64_t va);

/* Cache maintenance by address: may it be read (written, for an invalidation)? */
bool aarch64_cache_check(struct aarch64_core *c, uint64_t va, bool write);
