/*
 * A guest that runs the same bytes as the host's own processor (x86_native.h), and the comparison of what
 * became of them: what the random tests of instructions share.
 */
#pragma once

#include "tests/cpu/x86_64/x86_bare.h"
#include "tests/insn/x86_native.h"

/* --- the core's table of instructions --- */

struct x86_row {
    const char *id;
    uint8_t map, prefix, opcode;
    uint32_t modrm;
    uint8_t operands, size;
    uint16_t flags;
    uint8_t feature;
};
extern const struct x86_row x86_rows[];
extern const size_t x86_row_count;

/* Whether an id is in a list that ends with NULL; an entry that ends with '*' stands for all that begin so.
 */
bool x86_id_in(const char *id, const char *const *list);
bool x86_id_begins(const char *id, const char *with);

/* --- the guest: NATIVE_CODE and NATIVE_DATA are there, and nothing else for level 3 --- */

struct x86_twin {
    struct x86_bare *b;
    uint64_t code, data; /* physical */
};
void x86_twin_open(struct x86_twin *twin);
void x86_twin_load(struct x86_twin *twin, const struct native_state *in);

/* Run; the vector the guest ended in, with its registers and flags at that time in *out. */
int x86_twin_run(struct x86_twin *twin, struct native_state *out);

/* --- comparing: a difference fails the test with `text`, which says what was run --- */

/* Differences so far; set it to 0 to count. */
extern unsigned x86_mismatches;

void x86_agree(const char *text, const char *what, uint64_t guest, uint64_t host);
void x86_registers_agree(const char *text, const struct native_state *guest, const struct native_state *host,
                         uint64_t flags);
/* The vector registers and MXCSR. */
void x86_vectors_agree(const char *text, const struct x86_twin *twin, const struct native_state *host);
void x86_memory_agrees(const char *text, const struct x86_twin *twin);

/* Whether a vector is what the host's signal stands for; of addresses only the bits of `mask` count. */
bool x86_fault_agrees(const struct native_state *host, int vector, uint64_t cr2, uint64_t mask);
