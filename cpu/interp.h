/*
 * What all interpreters share: how a handler hands over to the next one, and guest memory accesses at any
 * alignment through one host instruction.
 *
 * Handlers tail-call their successor. gcc and clang turn `return f(...)` into a jump at -O2 as long as no
 * local variable's address has escaped, so handlers have no such variables and leave anything that needs one
 * to out-of-line functions. clang is told to insist; with gcc a test runs more instructions than there is
 * stack. In builds without optimisation handlers return their successor to a loop instead.
 */
#pragma once

#include "base/types.h"

#ifndef INTERP_TAIL_CALLS
#define INTERP_TAIL_CALLS 0
#endif

#if INTERP_TAIL_CALLS && defined(__clang__)
#define TAIL __attribute__((musttail))
#else
#define TAIL
#endif

#define INLINE static inline __attribute__((always_inline))
#define COLD   __attribute__((noinline, cold))

/* Host memory as the guest's loads and stores see it: one access when aligned, any alignment allowed. */
typedef uint16_t __attribute__((aligned(1), may_alias)) host_u16;
typedef uint32_t __attribute__((aligned(1), may_alias)) host_u32;
typedef uint64_t __attribute__((aligned(1), may_alias)) host_u64;

INLINE uint64_t host_load(const void *p, unsigned width)
{
    switch (width) {
    case 1: return *(const volatile uint8_t *)p;
    case 2: return *(const volatile host_u16 *)p;
    case 4: return *(const volatile host_u32 *)p;
    default: return *(const volatile host_u64 *)p;
    }
}

INLINE void host_store(void *p, unsigned width, uint64_t v)
{
    switch (width) {
    case 1: *(volatile uint8_t *)p = (uint8_t)v; break;
    case 2: *(volatile host_u16 *)p = (uint16_t)v; break;
    case 4: *(volatile host_u32 *)p = (uint32_t)v; break;
    default: *(volatile host_u64 *)p = v; break;
    }
}
