/* Control registers, and what MSRs and SMM change with them. False: #GP is in c->fault, and nothing changed.
 */
#pragma once

#include "cpu/x86_64/processor.h"

bool x86_cr0_write(struct x86_core *c, uint64_t value);
bool x86_cr3_write(struct x86_core *c, uint64_t value);
bool x86_cr4_write(struct x86_core *c, uint64_t value);
bool x86_efer_write(struct x86_core *c, uint64_t value);
bool x86_xcr0_write(struct x86_core *c, uint64_t value);

/* Whether a register may have this value at all: reserved bits, and what excludes each other in CR0. */
bool x86_cr0_valid(uint64_t value);
bool x86_cr4_valid(const struct x86_core *c, uint64_t value);
bool x86_efer_valid(const struct x86_core *c, uint64_t value);

/* What the model lets XCR0 have. */
uint64_t x86_xcr0_valid(const struct x86_core *c);

bool x86_msr_read(struct x86_core *c, uint32_t number, uint64_t *value);
bool x86_msr_write(struct x86_core *c, uint32_t number, uint64_t value);

/* The ticks the time-stamp counter has counted, without what software added. */
uint64_t x86_ticks(const struct x86_core *c);

/* What CPUID and a reset give: family 6, model 60, the first with what x86-64-v3 asks for. */
#define X86_SIGNATURE 0x000306c3u

struct x86_cpuid {
    uint32_t reg[4]; /* EAX, EBX, ECX, EDX */
};
/* The board is asked whether the local APIC is on, so this is for the core's thread, as its hooks are. */
struct x86_cpuid x86_cpuid_of(const struct x86_core *c, uint32_t leaf, uint32_t subleaf);
