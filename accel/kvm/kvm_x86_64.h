/* What the files of KVM on x86_64 hosts share: kvm_x86_64.c (events, exits), _state.c, _cpuid.c and _probe.c. */
#pragma once

#include "accel/kvm/kvm_private.h"
#include "cpu/x86_64/processor.h"

struct kvm_cpuid2;

struct kvm_x86_vm {
    struct kvm_cpuid2 *supported; /* KVM_GET_SUPPORTED_CPUID */
    bool user_msrs;               /* MSRs that the kernel has not come to us */
    bool shadow;                  /* the state of interrupt shadows can be had */
    uint32_t pkru_offset;         /* in the XSAVE area, which is laid out as the host's; 0: none */
    unsigned msr_count;           /* those that are kept in step, when msrs_known */
    bool msrs_known;
    uint16_t *msrs; /* as indices of the table in _state.c */
};

struct kvm_x86 {
    struct x86_core *core;
    struct x86_state known; /* what the kernel has been given or has given, when `loaded` */
    bool loaded;
    bool interruptible; /* an interrupt can be injected now */
    uint64_t apic_base;
    uint8_t cr8;
};

static inline struct kvm_x86_vm *kvm_x86_vm_of(struct kvm_vcpu *kv)
{
    return kv->vm->arch;
}

static inline struct kvm_x86 *kvm_x86_of(struct kvm_vcpu *kv)
{
    return kv->arch;
}

/* ---- _cpuid.c ---- */

/* What KVM_GET_SUPPORTED_CPUID gives; the caller frees it. NULL and err. */
struct kvm_cpuid2 *kvm_x86_supported(int kvm, struct error *err);
/* The value of a leaf there; 0 for what is not. */
uint32_t kvm_x86_supported_reg(const struct kvm_cpuid2 *supported, uint32_t leaf, uint32_t subleaf, unsigned reg);
/* Take from a model what KVM does not have. */
void kvm_x86_model_limit(struct kvm_vcpu *kv);
/* Tell KVM what CPUID says. */
bool kvm_x86_cpuid_set(struct kvm_vcpu *kv, struct error *err);
