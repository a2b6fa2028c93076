/*
 * The bare programs' floor: output on the PL011, what an exception was, the map, and running a piece of code
 * in a given state. Everything works with the program at any alias of its address.
 */
#pragma once

#include <stdint.h>

#define EXCEPTIONS 48

struct bare_exception {
    uint64_t vector, esr, far, elr, spsr;
};
extern struct {
    uint64_t count;
    struct bare_exception entries[EXCEPTIONS];
} bare_log;
extern uint64_t bare_pstate;
extern char bare_vectors[];

/* See aarch64_bare.S; x has 32 registers. */
void bare_run(const void *code, uint64_t *x);

void putc(char c);
void puts(const char *s);
/* A blank and the number in hexadecimal, without leading zeroes. */
void put(uint64_t value);
/* What bare_log holds: " @vector esr elr spsr [far]" each, and empties it. ELR is relative to base where it
 * lies behind it. */
void put_exceptions(uint64_t base);

/*
 * The map, of 2 MiB blocks at their physical addresses; the upper half shows the same. Block 0: the program's
 * code, which both levels may execute; 1: its data, EL1's; 2: 4 KiB pages by the table `pages`; 3: as 1; the
 * rest is not mapped. Devices of the first GiB are EL1's.
 */
#define RAM        0x40000000ull
#define BLOCK      0x200000ull
#define CODE_BLOCK 0
#define DATA_BLOCK 1
#define PAGE_BLOCK 2
#define WORK_BLOCK 3
#define PAGES_BASE (RAM + PAGE_BLOCK * BLOCK)
#define PAGES      32

extern uint64_t pages[512];
/* Set the table of pages, all registers of EL1 and the map to their defaults. */
void bare_reset(const uint64_t *descriptors, unsigned count);
void bare_gic(void);

#define TCR_DEFAULT                                                                                          \
    ((uint64_t)25 | (uint64_t)25 << 16 | (uint64_t)2 << 30 | (uint64_t)2 << 32 | (uint64_t)1 << 36)
/* M, C, SA, SA0, I, EOS, nTWI, nTWE, EIS, SPAN, and what is always 1: EL0 is trapped in all it can be but
 * waiting. */
#define SCTLR_DEFAULT 0x30d5199dull
#define MAIR_DEFAULT  0xff44f404bb0c0400ull

#define read_register(name)                                                                                  \
    ({                                                                                                       \
        uint64_t value_;                                                                                     \
        __asm__ volatile("mrs %0, " name : "=r"(value_)::"memory");                                          \
        value_;                                                                                              \
    })
#define write_register(name, value) __asm__ volatile("msr " name ", %0" ::"r"((uint64_t)(value)) : "memory")
