/*
 * CPUID under KVM: our model's, without the features this KVM does not have. The model itself is cut down, so
 * that what the interpreter does for this vCPU now and then is done by the same processor.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accel/kvm/kvm_x86_64.h"
#include "cpu/x86_64/control.h"
#include "cpu/x86_64/xstate.h"

#define ENTRIES_MAX 256

enum { EAX, EBX, ECX, EDX };

struct kvm_cpuid2 *kvm_x86_supported(int kvm, struct error *err)
{
    struct kvm_cpuid2 *list = calloc(1, sizeof(*list) + ENTRIES_MAX * sizeof(list->entries[0]));
    if (!list)
        abort();
    list->nent = ENTRIES_MAX;
    int result = host_kvm_ioctl(kvm, KVM_GET_SUPPORTED_CPUID, list);
    if (result >= 0)
        return list;
    error_set(err, ERROR_HOST, "KVM does not say which processor features it has: %s", host_kvm_failure(result));
    free(list);
    return NULL;
}

uint32_t kvm_x86_supported_reg(const struct kvm_cpuid2 *supported, uint32_t leaf, uint32_t subleaf, unsigned reg)
{
    for (unsigned i = 0; i < supported->nent; i++) {
        const struct kvm_cpuid_entry2 *entry = &supported->entries[i];
        bool by_index = entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
        if (entry->function != leaf || (by_index && entry->index != subleaf))
            continue;
        const uint32_t regs[4] = {entry->eax, entry->ebx, entry->ecx, entry->edx};
        return regs[reg];
    }
    return 0;
}

/* x2APIC is our own local APIC's, for which its MSRs must come to us. Its deadline timer counts the TSC, which
 * runs in the kernel at a rate of its own; and counters of events are not kept in step. */
static bool has(void *opaque, enum x86_feature feature, const struct x86_feature_place *place)
{
    const struct kvm_x86_vm *vm = opaque;
    switch (feature) {
    case FEAT_HYPERVISOR: return true;
    case FEAT_X2APIC: return vm->user_msrs;
    case FEAT_TSC_DEADLINE:
    case FEAT_PMU: return false;
    case FEAT_LA57: return false; /* the kernel asks for a bit more of its host than CPUID tells */
    default: break;
    }
    return kvm_x86_supported_reg(vm->supported, place->leaf, place->subleaf, place->reg) >> place->bit & 1;
}

void kvm_x86_model_limit(struct kvm_vcpu *kv)
{
    struct x86_core *c = kvm_x86_of(kv)->core;
    struct kvm_x86_vm *vm = kvm_x86_vm_of(kv);
    uint32_t bits = kvm_x86_supported_reg(vm->supported, 0x80000008, 0, EAX) & 0xff;
    x86_model_limit(&c->model, has, vm);
    if (bits && bits < c->model.physical_bits)
        c->model.physical_bits = (uint8_t)bits;
}

/* The XSAVE area is laid out as the host's processor has it, not as our model would. */
static void layout_set(const struct kvm_x86_vm *vm, uint64_t valid, struct kvm_cpuid_entry2 *entry)
{
    if (entry->index == 0) {
        uint32_t size = XSAVE_LEGACY_SIZE;
        if (valid & XCR0_AVX)
            size = XSAVE_AVX_OFFSET + XSAVE_AVX_SIZE;
        if (valid & XCR0_PKRU)
            size = vm->pkru_offset + XSAVE_PKRU_SIZE;
        entry->ecx = size;
    } else if (entry->index == 9 && entry->eax) {
        entry->ebx = vm->pkru_offset;
    }
}

/* The TSC's rate, as a multiple of the crystal's that the local APIC counts. */
static void rate_set(struct kvm_vcpu *kv, struct kvm_cpuid_entry2 *entry)
{
    int khz = host_kvm_call(kv->fd, KVM_GET_TSC_KHZ, 0);
    if (khz <= 0)
        return;
    if (entry->function == 0x15) {
        entry->eax = X86_TSC_HZ / 1000;
        entry->ebx = (uint32_t)khz;
    } else if (entry->function == 0x16) {
        entry->eax = entry->ebx = (uint32_t)khz / 1000;
    }
}

static void entry_add(struct kvm_vcpu *kv, struct kvm_cpuid2 *list, uint32_t leaf, uint32_t subleaf, bool by_index)
{
    struct x86_core *c = kvm_x86_of(kv)->core;
    struct kvm_cpuid_entry2 *entry = &list->entries[list->nent++];
    struct x86_cpuid id = x86_cpuid_of(c, leaf, subleaf);
    *entry = (struct kvm_cpuid_entry2){.function = leaf,
                                       .index = subleaf,
                                       .flags = by_index ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
                                       .eax = id.reg[EAX],
                                       .ebx = id.reg[EBX],
                                       .ecx = id.reg[ECX],
                                       .edx = id.reg[EDX]};
    if (leaf == 0xd)
        layout_set(kvm_x86_vm_of(kv), x86_xcr0_valid(c), entry);
    if (leaf == 0x15 || leaf == 0x16)
        rate_set(kv, entry);
    /* Which mode the processor is in when CPUID is asked is not known here. */
    if (leaf == 0x80000001 && x86_has(c, FEAT_SYSCALL))
        entry->edx |= 1u << 11;
}

/* Leaves with sub-leaves, and which of these say something. */
static unsigned subleaves(uint32_t leaf, const uint8_t **list)
{
    static const uint8_t caches[] = {0, 1, 2, 3, 4}, one[] = {0}, topology[] = {0, 1, 2}, xsave[] = {0, 1, 2, 9};
    switch (leaf) {
    case 4: *list = caches; return sizeof(caches);
    case 7: *list = one; return sizeof(one);
    case 0xb:
    case 0x1f: *list = topology; return sizeof(topology);
    case 0xd: *list = xsave; return sizeof(xsave);
    default: *list = one; return 0;
    }
}

static void range_add(struct kvm_vcpu *kv, struct kvm_cpuid2 *list, uint32_t first)
{
    uint32_t last = x86_cpuid_of(kvm_x86_of(kv)->core, first, 0).reg[EAX];
    for (uint32_t leaf = first; leaf <= last && list->nent < ENTRIES_MAX - 8; leaf++) {
        const uint8_t *sub;
        unsigned count = subleaves(leaf, &sub);
        for (unsigned i = 0; i < (count ? count : 1); i++)
            entry_add(kv, list, leaf, sub[i], count > 0);
    }
}

bool kvm_x86_cpuid_set(struct kvm_vcpu *kv, struct error *err)
{
    struct kvm_cpuid2 *list = calloc(1, sizeof(*list) + ENTRIES_MAX * sizeof(list->entries[0]));
    if (!list)
        abort();
    range_add(kv, list, 0);
    if (x86_has(kvm_x86_of(kv)->core, FEAT_HYPERVISOR))
        range_add(kv, list, 0x40000000);
    range_add(kv, list, 0x80000000);
    int result = host_kvm_ioctl(kv->fd, KVM_SET_CPUID2, list);
    free(list);
    return result >= 0 ||
           error_set(err, ERROR_HOST, "KVM does not take the CPU model %s: %s", kvm_x86_of(kv)->core->model.name,
                     host_kvm_failure(result));
}
