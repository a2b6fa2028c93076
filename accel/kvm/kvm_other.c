/* KVM on a host whose processor runs none of our guests: the probe says so, and nothing else is reached. */
#include <stdlib.h>

#include "accel/kvm/kvm_private.h"

const struct cpu_ops *const kvm_arch_guest = NULL;
const struct kvm_need kvm_arch_needs[] = {{NULL, 0}};
const size_t kvm_arch_need_count = 0;

bool kvm_arch_suits(int kvm, struct error *err)
{
    (void)kvm;
    return error_set(err, ERROR_HOST, "KVM on this host runs no guest that this program knows");
}

unsigned long kvm_arch_vm_type(int kvm)
{
    (void)kvm;
    return 0;
}

bool kvm_arch_vm_create(struct kvm_vm *vm, struct error *err)
{
    return kvm_arch_suits(vm->kvm, err);
}

void kvm_arch_vm_destroy(struct kvm_vm *vm)
{
    (void)vm;
}

bool kvm_arch_vcpu_create(struct kvm_vcpu *kv, struct error *err)
{
    return kvm_arch_suits(kv->fd, err);
}

bool kvm_arch_vcpu_start(struct kvm_vcpu *kv, struct error *err)
{
    return kvm_arch_suits(kv->fd, err);
}

void kvm_arch_vcpu_destroy(struct kvm_vcpu *kv)
{
    (void)kv;
}

int kvm_arch_load(struct kvm_vcpu *kv, const char **what)
{
    (void)kv, (void)what;
    abort();
}

int kvm_arch_save(struct kvm_vcpu *kv, const char **what)
{
    (void)kv, (void)what;
    abort();
}

enum kvm_step kvm_arch_prepare(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    (void)kv, (void)exit;
    abort();
}

bool kvm_arch_enter(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    (void)kv, (void)exit;
    abort();
}

void kvm_arch_left(struct kvm_vcpu *kv)
{
    (void)kv;
    abort();
}

bool kvm_arch_exit(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    (void)kv, (void)exit;
    abort();
}

bool kvm_arch_debug(struct kvm_vcpu *kv, struct kvm_guest_debug *debug)
{
    (void)kv, (void)debug;
    abort();
}

void kvm_arch_debug_exit(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    (void)kv, (void)exit;
    abort();
}
