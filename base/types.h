/*
 * Addresses as the guest sees them. Each kind is a type of its own, so that the compiler tells a guest
 * physical address from a guest virtual one and from a number, and none of them can be dereferenced.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A guest physical address: what leaves the core after translation. */
typedef struct {
    uint64_t a;
} gpa_t;

/* A guest virtual address: what an instruction computes. */
typedef struct {
    uint64_t a;
} gva_t;

static inline gpa_t gpa(uint64_t a)
{
    return (gpa_t){a};
}

static inline gva_t gva(uint64_t a)
{
    return (gva_t){a};
}

static inline gpa_t gpa_add(gpa_t p, uint64_t n)
{
    return (gpa_t){p.a + n};
}

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define TIB ((uint64_t)1 << 40)

/* The unit of guest RAM, the TLB and dirty tracking, whatever page sizes a guest uses. */
#define PAGE_BITS 12
#define PAGE_SIZE ((uint64_t)1 << PAGE_BITS)
#define PAGE_MASK (~(PAGE_SIZE - 1))

#define likely(x)    __builtin_expect(!!(x), 1)
#define unlikely(x)  __builtin_expect(!!(x), 0)
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The struct of `type` whose member `member` is at `ptr`. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
