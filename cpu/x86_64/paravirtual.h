/*
 * What a guest that knows it is one is offered, in the form Linux documents (Documentation/virt/kvm/x86,
 * cpuid.rst, msr.rst and hypercalls.rst): a clock in its memory and hypercalls. With the feature "kvmclock".
 */
#pragma once

#include "cpu/x86_64/control.h"

/* Leaves 40000000h and 40000001h, without the bits of features.def. */
struct x86_cpuid x86_cpuid_kvm(uint32_t leaf);

/* The MSRs KVM_WALL_CLOCK_NEW and KVM_SYSTEM_TIME_NEW: the address of a structure that is filled in. */
bool x86_wall_clock_read(struct x86_core *c, uint32_t number, uint64_t *value);
bool x86_wall_clock_write(struct x86_core *c, uint32_t number, uint64_t value);
bool x86_system_time_read(struct x86_core *c, uint32_t number, uint64_t *value);
bool x86_system_time_write(struct x86_core *c, uint32_t number, uint64_t value);

/* The time-stamp counter has jumped: tell the clock, if the guest has it. */
void x86_system_time_update(struct x86_core *c);

/* VMCALL and VMMCALL: numbers and results in the registers. */
void x86_hypercall(struct x86_core *c);
