/*
 * A bare x86-64 processor for tests: RAM from 0, a few ports, a page of device registers, tables for each
 * mode, and an interrupt table whose handlers are HLT: where a run ended says which vector was taken.
 */
#pragma once

#include "cpu/cpu.h"
#include "cpu/x86_64/core.h"
#include "tests/harness/test.h"

#define XB_RAM_SIZE (32 * MIB)
#define XB_GDT      ((uint64_t)0x1000)
#define XB_IDT      ((uint64_t)0x2000)
#define XB_TSS      ((uint64_t)0x3000)
#define XB_HANDLERS ((uint64_t)0x4000)  /* 16 bytes for each vector: HLT */
#define XB_STACK0   ((uint64_t)0x9000)  /* of level 0, downwards */
#define XB_STACK3   ((uint64_t)0xb000)  /* the program's */
#define XB_PAGES    ((uint64_t)0x10000) /* page tables, and what tests add to them */
#define XB_CODE     ((uint64_t)0x100000)
#define XB_DATA     ((uint64_t)0x200000)
#define XB_DEVICE   ((uint64_t)0xfe000000) /* 4 KiB of registers */

/* Selectors of the GDT. From XB_FREE on it is the test's. */
enum {
    XB_CODE32 = 0x08,
    XB_DATA32 = 0x10,
    XB_CODE64 = 0x18,
    XB_USER32 = 0x23,
    XB_USERDATA = 0x2b,
    XB_USER64 = 0x33,
    XB_TSS_SELECTOR = 0x38, /* 16 bytes */
    XB_FREE = 0x48,
};

struct x86_bare {
    struct ram *ram;
    struct ram_block *block;
    struct bus *mmio, *pio;
    struct physmem mem;
    struct clock *clock;
    struct debug_points debug;
    struct vcpu *vcpu;
    struct x86_state *s;
    struct vcpu_exit exit;
    uint8_t *memory;               /* the RAM */
    uint64_t stored, stored_at;    /* the last store to the device */
    uint64_t port_stored, port_at; /* the last OUT */
    int interrupt;                 /* vector that acknowledge gives; -1: none */
};

/* A processor of this model (NULL: "max") in its reset state. */
struct x86_bare *xb_create(const char *model);
void xb_destroy(struct x86_bare *b);

/* Modes: real mode with all segments at 0 and the interrupt table at 0; flat 32-bit protected mode at level
 * 0, without paging; 64-bit mode at level 0 with the first GiB mapped to itself for everybody. */
void xb_real(struct x86_bare *b);
void xb_protected(struct x86_bare *b);
void xb_long(struct x86_bare *b);

/* Go on at level 3 with the stack XB_STACK3 (protected and long mode). */
void xb_user(struct x86_bare *b);

/* Bytes at a physical address. XB_PUT(b, address, 0x90, 0xf4). */
void xb_put(struct x86_bare *b, uint64_t address, const uint8_t *bytes, size_t count);
#define XB_PUT(b, address, ...)                                                                              \
    xb_put(b, address, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

uint64_t xb_load(struct x86_bare *b, uint64_t address, unsigned width);
void xb_store(struct x86_bare *b, uint64_t address, unsigned width, uint64_t value);

/* A descriptor in the GDT; attributes as in struct x86_segment, the limit in its units. */
void xb_descriptor(struct x86_bare *b, uint16_t selector, uint32_t base, uint32_t limit, uint16_t attributes);
/* A gate in the GDT (call gates) or the IDT (`idt`; selector is the vector), of 8 bytes. */
void xb_gate(struct x86_bare *b, bool idt, unsigned selector, uint16_t target, uint32_t offset,
             uint8_t access, uint8_t parameters);

/* Run from rip (a HLT in the code ends it, like one in a handler). The value is the vector of the handler it
 * ended in, or -1; -2 for any other end than HLT. */
int xb_run(struct x86_bare *b, uint64_t rip);

/* Put the bytes at XB_CODE, HLT behind them, and run. */
#define XB_EXEC(b, ...) (XB_PUT(b, XB_CODE, __VA_ARGS__, 0xf4), xb_run(b, XB_CODE))

/* Run exactly `count` instructions. */
void xb_step(struct x86_bare *b, unsigned count);

/* What a handler in the current mode finds on its stack: entry 0 is the error code or RIP. */
uint64_t xb_frame(struct x86_bare *b, unsigned index);
