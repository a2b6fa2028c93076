/* What this host's KVM has. */
#include <string.h>

#include "accel/kvm/kvm_private.h"

static const struct kvm_need needs[] = {
    {"KVM_CAP_USER_MEMORY", KVM_CAP_USER_MEMORY},
    {"KVM_CAP_READONLY_MEM", KVM_CAP_READONLY_MEM},
    {"KVM_CAP_DESTROY_MEMORY_REGION_WORKS", KVM_CAP_DESTROY_MEMORY_REGION_WORKS},
    {"KVM_CAP_IMMEDIATE_EXIT", KVM_CAP_IMMEDIATE_EXIT},
};

int kvm_has(int fd, int capability)
{
    int result = host_kvm_call(fd, KVM_CHECK_EXTENSION, (unsigned long)capability);
    return result > 0 ? result : 0;
}

bool kvm_needs(int fd, const struct kvm_need *list, size_t count, struct error *err)
{
    char missing[256] = "";
    for (size_t i = 0; i < count; i++) {
        if (kvm_has(fd, list[i].capability))
            continue;
        size_t used = strlen(missing);
        if (used + strlen(list[i].name) + 3 < sizeof(missing)) {
            strcat(missing, used ? ", " : "");
            strcat(missing, list[i].name);
        }
    }
    if (!*missing)
        return true;
    return error_set(err, ERROR_HOST, "this host's KVM lacks %s", missing);
}

static bool right_guest(const struct cpu_ops *ops, struct error *err)
{
    if (ops == kvm_arch_guest)
        return true;
    return error_set(err, ERROR_USAGE, "KVM on this host runs %s guests, and this one is for %s: use --accel interp",
                     kvm_arch_guest ? kvm_arch_guest->name : "no", ops->name);
}

bool kvm_expected(const struct cpu_ops *ops)
{
    return ops == kvm_arch_guest && host_kvm_exists();
}

/* The device, checked for what every guest needs. */
static int open_checked(struct error *err)
{
    int kvm = host_kvm_open(err);
    if (kvm < 0)
        return -1;
    int version = host_kvm_call(kvm, KVM_GET_API_VERSION, 0);
    bool ok = version == KVM_API_VERSION ||
              error_set(err, ERROR_HOST, "this host's KVM has interface version %d, and %d is needed", version,
                        KVM_API_VERSION);
    if (ok && kvm_needs(kvm, needs, ARRAY_LEN(needs), err) &&
        kvm_needs(kvm, kvm_arch_needs, kvm_arch_need_count, err))
        return kvm;
    host_kvm_close(kvm);
    return -1;
}

bool kvm_probe(const struct cpu_ops *ops, struct error *err)
{
    if (!right_guest(ops, err))
        return false;
    int kvm = open_checked(err);
    if (kvm >= 0)
        host_kvm_close(kvm);
    return kvm >= 0;
}

bool kvm_suits(const struct cpu_ops *ops, struct error *err)
{
    int kvm = right_guest(ops, err) ? open_checked(err) : -1;
    if (kvm < 0)
        return false;
    bool ok = kvm_arch_suits(kvm, err);
    host_kvm_close(kvm);
    return ok;
}
