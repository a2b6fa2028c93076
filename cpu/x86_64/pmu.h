/* The architectural performance counters, version 2 (SDM vol. 3, 20.2.2): instructions, and cycles, of which
 * each instruction has one. */
#pragma once

#include "cpu/x86_64/processor.h"

/* Their MSRs; `number` is one of those that msrs.def names. False: #GP. */
bool x86_pmu_read(struct x86_core *c, uint32_t number, uint64_t *value);
bool x86_pmu_write(struct x86_core *c, uint32_t number, uint64_t value);

/* A counter as RDPMC numbers them. False: there is none of that number. */
bool x86_pmu_rdpmc(const struct x86_core *c, uint32_t number, uint64_t *value);

/* Notice overflows up to now; returns the instruction count at which to ask again. */
uint64_t x86_pmu_check(struct x86_core *c);
