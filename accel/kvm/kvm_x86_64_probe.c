/*
 * Whether KVM on an x86_64 host is one an operating system can count on, for `auto`. Not every /dev/kvm is:
 * some are software over a host that has no VMX or SVM for us, run small guests well, and lack much of the
 * processor. What tells them apart is what they say of themselves: an interrupt shadow that can be kept, and
 * the features that systems built today begin with (x86-64-v2) where every processor with VMX or SVM of the
 * last fifteen years passes them on. Then a guest of a few instructions has to do what it should in real and
 * in 64-bit mode.
 */
#include <stdlib.h>
#include <string.h>

#include "accel/kvm/kvm_x86_64.h"
#include "base/bits.h"
#include "host/memory.h"

static const struct kvm_need system_needs[] = {
    {"KVM_CAP_INTR_SHADOW", KVM_CAP_INTR_SHADOW},
    {"KVM_CAP_SET_GUEST_DEBUG", KVM_CAP_SET_GUEST_DEBUG},
    {"KVM_CAP_IRQCHIP", KVM_CAP_IRQCHIP},
};

static const struct {
    const char *name;
    uint32_t leaf;
    uint8_t reg, bit;
} system_features[] = {
    {"sse3", 1, 2, 0},
    {"ssse3", 1, 2, 9},
    {"cx16", 1, 2, 13},
    {"sse4.1", 1, 2, 19},
    {"sse4.2", 1, 2, 20},
    {"popcnt", 1, 2, 23},
    {"lahf-lm", 0x80000001, 2, 0},
    {"syscall", 0x80000001, 3, 11},
    {"nx", 0x80000001, 3, 20},
    {"lm", 0x80000001, 3, 29},
};

static bool features_suit(int kvm, struct error *err)
{
    struct kvm_cpuid2 *supported = kvm_x86_supported(kvm, err);
    char missing[128] = "";
    if (!supported)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(system_features); i++) {
        uint32_t reg = kvm_x86_supported_reg(supported, system_features[i].leaf, 0, system_features[i].reg);
        if (!(reg >> system_features[i].bit & 1)) {
            strcat(missing, *missing ? ", " : "");
            strcat(missing, system_features[i].name);
        }
    }
    free(supported);
    return !*missing ||
           error_set(err, ERROR_HOST, "this host's KVM gives no x86-64-v2 processor: it lacks %s", missing);
}

/* ---- the trial ---- */

#define TRIAL_SIZE   0x6000
#define TRIAL_CODE   0x1000
#define TRIAL_TABLES 0x2000
#define TRIAL_MARK   0x5000

struct trial {
    int vm, vcpu;
    size_t run_size;
    struct kvm_run *run;
    uint8_t *memory;
};

static bool trial_open(struct trial *t, int kvm, struct error *err)
{
    t->vm = host_kvm_call(kvm, KVM_CREATE_VM, 0);
    t->memory = t->vm >= 0 ? host_memory_reserve(TRIAL_SIZE, err) : NULL;
    if (!t->memory)
        return t->vm < 0 &&
               error_set(err, ERROR_HOST, "KVM can't make a machine: %s", host_kvm_failure(t->vm));
    struct kvm_userspace_memory_region region = {.memory_size = TRIAL_SIZE,
                                                 .userspace_addr = (uintptr_t)t->memory};
    host_kvm_call(t->vm, KVM_SET_TSS_ADDR, 0xfeffd000u);
    t->vcpu = host_kvm_call(t->vm, KVM_CREATE_VCPU, 0);
    int size = host_kvm_call(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (t->vcpu < 0 || size < (int)sizeof(*t->run) ||
        host_kvm_ioctl(t->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
        return error_set(err, ERROR_HOST, "KVM can't make a vCPU with memory");
    t->run_size = (size_t)size;
    t->run = host_kvm_map(t->vcpu, t->run_size, err);
    return t->run;
}

static void trial_close(struct trial *t)
{
    if (t->run)
        host_kvm_unmap(t->run, t->run_size);
    if (t->vcpu >= 0)
        host_kvm_close(t->vcpu);
    if (t->vm >= 0)
        host_kvm_close(t->vm);
    if (t->memory)
        host_memory_unmap(t->memory, TRIAL_SIZE);
}

/* Run from TRIAL_CODE to a HLT, and find the mark that the code leaves. */
static bool trial_run(struct trial *t, const char *mode, struct error *err)
{
    struct kvm_regs regs = {.rip = TRIAL_CODE, .rflags = 2, .rbx = TRIAL_MARK};
    le32_store(t->memory + TRIAL_MARK, 0);
    int result = host_kvm_ioctl(t->vcpu, KVM_SET_REGS, &regs);
    if (result >= 0)
        result = host_kvm_call(t->vcpu, KVM_RUN, 0);
    if (result < 0)
        return error_set(err, ERROR_HOST, "KVM can't run a few instructions in %s mode: %s", mode,
                         host_kvm_failure(result));
    if (t->run->exit_reason == KVM_EXIT_HLT && le16_load(t->memory + TRIAL_MARK) == 0x1234)
        return true;
    return error_set(err, ERROR_HOST, "a few instructions in %s mode went wrong under KVM (exit %u)", mode,
                     t->run->exit_reason);
}

static bool trial_real(struct trial *t, struct error *err)
{
    static const uint8_t code[] = {0xc7, 0x07, 0x34, 0x12, 0xf4}; /* mov word [bx], 0x1234; hlt */
    struct kvm_sregs sregs;
    memcpy(t->memory + TRIAL_CODE, code, sizeof(code));
    if (host_kvm_ioctl(t->vcpu, KVM_GET_SREGS, &sregs) < 0)
        return error_set(err, ERROR_HOST, "KVM does not give the segments");
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    host_kvm_ioctl(t->vcpu, KVM_SET_SREGS, &sregs);
    return trial_run(t, "real", err);
}

/* Three levels of tables for one page of 2 MiB. */
static bool trial_long(struct trial *t, struct error *err)
{
    /* mov eax, 0x1234; shl rax, 32; shr rax, 32; mov [rbx], ax; hlt: 32-bit code would not find the number */
    static const uint8_t code[] = {0xb8, 0x34, 0x12, 0,    0,    0x48, 0xc1, 0xe0, 0x20,
                                   0x48, 0xc1, 0xe8, 0x20, 0x66, 0x89, 0x03, 0xf4};
    struct kvm_sregs sregs;
    memcpy(t->memory + TRIAL_CODE, code, sizeof(code));
    le64_store(t->memory + TRIAL_TABLES, (TRIAL_TABLES + 0x1000) | 3);
    le64_store(t->memory + TRIAL_TABLES + 0x1000, (TRIAL_TABLES + 0x2000) | 3);
    le64_store(t->memory + TRIAL_TABLES + 0x2000, 0x83);
    if (host_kvm_ioctl(t->vcpu, KVM_GET_SREGS, &sregs) < 0)
        return error_set(err, ERROR_HOST, "KVM does not give the segments");
    struct kvm_segment data = {
        .limit = 0xffffffff, .selector = 16, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1};
    sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
    sregs.cs = (struct kvm_segment){
        .limit = 0xffffffff, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
    sregs.cr3 = TRIAL_TABLES;
    sregs.cr4 = CR4_PAE;
    sregs.cr0 = CR0_PG | CR0_PE | CR0_ET;
    sregs.efer = EFER_LME | EFER_LMA;
    int result = host_kvm_ioctl(t->vcpu, KVM_SET_SREGS, &sregs);
    if (result < 0)
        return error_set(err, ERROR_HOST, "KVM does not take 64-bit mode: %s", host_kvm_failure(result));
    return trial_run(t, "64-bit", err);
}

bool kvm_arch_suits(int kvm, struct error *err)
{
    struct trial trial = {.vm = -1, .vcpu = -1};
    if (!features_suit(kvm, err) || !kvm_needs(kvm, system_needs, ARRAY_LEN(system_needs), err))
        return false;
    bool ok = trial_open(&trial, kvm, err) && trial_real(&trial, err) && trial_long(&trial, err);
    trial_close(&trial);
    return ok;
}
