/*
 * KVM on x86_64 hosts: set-up, interrupts, and the exits that only x86 has.
 *
 * The interrupt controllers are ours, in user space, with KVM_INTERRUPT and the interrupt window: the same
 * local APIC, I/O APIC and 8259 that the interpreter uses, so that a machine can go from one engine to the
 * other, and it works on every KVM. The price is an exit for each access to the APIC. A kernel's irqchip
 * would be made in kvm_arch_vm_create, and its state moved in kvm_arch_load and kvm_arch_save.
 *
 * What happens seldom is done by the core's own code, with the state in the struct: INIT, SIPI, waking from
 * HLT, system-management mode, a closed A20 gate.
 */
#include <stdlib.h>
#include <string.h>

#include "accel/kvm/kvm_x86_64.h"
#include "base/bits.h"
#include "base/log.h"
#include "cpu/x86_64/control.h"
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/mmu.h"
#include "cpu/x86_64/run.h"

const struct cpu_ops *const kvm_arch_guest = &x86_64_ops;

const struct kvm_need kvm_arch_needs[] = {
    {"KVM_CAP_EXT_CPUID", KVM_CAP_EXT_CPUID},
    {"KVM_CAP_USER_NMI", KVM_CAP_USER_NMI},
    {"KVM_CAP_VCPU_EVENTS", KVM_CAP_VCPU_EVENTS},
    {"KVM_CAP_DEBUGREGS", KVM_CAP_DEBUGREGS},
    {"KVM_CAP_XSAVE", KVM_CAP_XSAVE},
    {"KVM_CAP_XCRS", KVM_CAP_XCRS},
    {"KVM_CAP_SET_TSS_ADDR", KVM_CAP_SET_TSS_ADDR},
};
const size_t kvm_arch_need_count = ARRAY_LEN(kvm_arch_needs);

/* ---- machines ---- */

unsigned long kvm_arch_vm_type(int kvm)
{
    (void)kvm;
    return 0;
}

/* Four pages that Intel's processors need for real mode, in a hole of the PC's map that firmware leaves
 * alone: below the ROM's 16 MiB and above the messages of the local APICs. */
#define IDENTITY_MAP 0xfeffc000u
#define TSS_ADDRESS  0xfeffd000u

static void user_msrs_enable(struct kvm_vm *vm)
{
    struct kvm_x86_vm *xvm = vm->arch;
    struct kvm_enable_cap cap = {.cap = KVM_CAP_X86_USER_SPACE_MSR,
                                 .args[0] = KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN};
    xvm->user_msrs =
        kvm_has(vm->kvm, KVM_CAP_X86_USER_SPACE_MSR) && host_kvm_ioctl(vm->fd, KVM_ENABLE_CAP, &cap) >= 0;
}

bool kvm_arch_vm_create(struct kvm_vm *vm, struct error *err)
{
    struct kvm_x86_vm *xvm = vm->arch = calloc(1, sizeof(*xvm));
    __u64 identity = IDENTITY_MAP;
    if (!xvm)
        abort();
    xvm->supported = kvm_x86_supported(vm->kvm, err);
    if (!xvm->supported)
        return false;
    xvm->pkru_offset = kvm_x86_supported_reg(xvm->supported, 0xd, 9, 1);
    xvm->shadow = kvm_has(vm->kvm, KVM_CAP_INTR_SHADOW);
    user_msrs_enable(vm);
    if (kvm_has(vm->kvm, KVM_CAP_SET_IDENTITY_MAP_ADDR))
        host_kvm_ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity);
    int result = host_kvm_call(vm->fd, KVM_SET_TSS_ADDR, TSS_ADDRESS);
    return result >= 0 || error_set(err, ERROR_HOST, "KVM_SET_TSS_ADDR: %s", host_kvm_failure(result));
}

void kvm_arch_vm_destroy(struct kvm_vm *vm)
{
    struct kvm_x86_vm *xvm = vm->arch;
    if (!xvm)
        return;
    free(xvm->msrs);
    free(xvm->supported);
    free(xvm);
}

/* ---- vCPUs ---- */

/* At the rate of the interpreter's, where the processor can scale it; else the guest is told what it is. */
static void tsc_rate_set(struct kvm_vcpu *kv)
{
    if (kvm_has(kv->vm->kvm, KVM_CAP_TSC_CONTROL))
        host_kvm_call(kv->fd, KVM_SET_TSC_KHZ, X86_TSC_HZ / 1000);
    int khz = host_kvm_call(kv->fd, KVM_GET_TSC_KHZ, 0);
    if (khz > 0)
        kvm_x86_of(kv)->core->tsc_hz = (uint64_t)khz * 1000;
}

bool kvm_arch_vcpu_create(struct kvm_vcpu *kv, struct error *err)
{
    struct kvm_x86 *kx = kv->arch = calloc(1, sizeof(*kx));
    (void)err;
    if (!kx)
        abort();
    kx->core = x86_core_of(kv->vcpu);
    kx->apic_base = 0xfee00800 | (kx->core->bootstrap ? 0x100 : 0);
    kvm_x86_model_limit(kv);
    tsc_rate_set(kv);
    return true;
}

bool kvm_arch_vcpu_start(struct kvm_vcpu *kv, struct error *err)
{
    __u64 mce = 0x100 | X86_MC_BANKS; /* MCG_CAP: MCG_CTL is there */
    if (kvm_has(kv->vm->kvm, KVM_CAP_MCE))
        host_kvm_ioctl(kv->fd, KVM_X86_SETUP_MCE, &mce);
    return kvm_x86_cpuid_set(kv, err);
}

void kvm_arch_vcpu_destroy(struct kvm_vcpu *kv)
{
    free(kv->arch);
}

/* ---- before the guest is entered ---- */

#define OPCODE_STI 0xfb

static bool intr_line(struct x86_core *c)
{
    return __atomic_load_n(&c->lines, __ATOMIC_SEQ_CST) & (1u << X86_LINE_INTR);
}

/* An event that the core takes, or one instruction when it can't just now. */
static enum kvm_step event_take(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    struct x86_core *c = kvm_x86_of(kv)->core;
    if (!kvm_state_save(kv, exit))
        return KVM_STEP_EXIT;
    c->exit = exit;
    c->leaving = false;
    x86_state_changed(kv->vcpu);
    x86_context(c);
    bool taken = x86_event_take(c);
    x86_flags_settle(c);
    if (c->leaving)
        return KVM_STEP_EXIT;
    return taken || c->s.activity != ACTIVITY_RUNNING ? KVM_STEP_AGAIN : kvm_interpret(kv, 1, exit);
}

/* Not running: until there is a reason to. The struct is true since it began. */
static enum kvm_step asleep(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    if (x86_has_work(kv->vcpu))
        return event_take(kv, exit);
    kv->vcpu->halted = true;
    *exit = (struct vcpu_exit){.reason = EXIT_HALT};
    return KVM_STEP_EXIT;
}

/* A KVM that does not tell of interrupt shadows lets an interrupt in between STI and HLT, which no guest
 * expects: it would sleep for ever. So the shadow is found by the instruction before, at the price of a look
 * at the state. */
static bool shadow_missed(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    struct kvm_x86 *kx = kvm_x86_of(kv);
    struct x86_state *s = &kx->core->s;
    if (kvm_x86_vm_of(kv)->shadow || !kv->in_kernel || !kx->interruptible || !intr_line(kx->core) ||
        !kvm_state_save(kv, exit))
        return false;
    uint64_t at = s->rip - 1 + (s->seg[CS].attributes & SEG_L ? 0 : s->seg[CS].base), value;
    struct translation where = x86_64_ops.translate(kv->vcpu, gva(at), WALK_FETCH);
    if (where.ok && physmem_load(kv->vcpu->mem, where.pa, 1, &value) && value == OPCODE_STI)
        s->shadow = SHADOW_STI;
    return s->shadow != SHADOW_NONE;
}

#define INTERPRET_SLICE 1000

enum kvm_step kvm_arch_prepare(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    struct x86_core *c = kvm_x86_of(kv)->core;
    uint32_t nmi = 1u << EVENT_NMI | 1u << EVENT_NMI_AGAIN,
             events = __atomic_load_n(&c->events, __ATOMIC_SEQ_CST);
    if (c->s.activity != ACTIVITY_RUNNING)
        return asleep(kv, exit);
    if (c->s.in_smm || !__atomic_load_n(&c->a20_open, __ATOMIC_SEQ_CST))
        return kvm_interpret(kv, INTERPRET_SLICE, exit);
    if (kv->vcpu->single_step)
        return KVM_STEP_ENTER;
    if (events & ~nmi || c->s.init_pending || c->s.sipi_pending || c->s.smi_pending || c->s.debug_pending)
        return event_take(kv, exit);
    if (shadow_missed(kv, exit))
        return kvm_interpret(kv, 1, exit);
    if (!kv->in_kernel && c->s.shadow != SHADOW_NONE && !kvm_x86_vm_of(kv)->shadow)
        return kvm_interpret(kv, 1, exit);
    if (events & nmi) {
        x86_nmi_collect(c, __atomic_fetch_and(&c->events, ~nmi, __ATOMIC_SEQ_CST));
    }
    return KVM_STEP_ENTER;
}

static bool inject(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    struct kvm_x86 *kx = kvm_x86_of(kv);
    const struct x86_hooks *hooks = &kx->core->hooks;
    int vector = hooks->interrupt_acknowledge ? hooks->interrupt_acknowledge(hooks->opaque) : -1;
    if (vector < 0)
        return true;
    struct kvm_interrupt interrupt = {.irq = (uint32_t)vector};
    int result = host_kvm_ioctl(kv->fd, KVM_INTERRUPT, &interrupt);
    kx->interruptible = false;
    vcpu_exit_count(kv->vcpu, EXIT_INTERRUPT);
    return result >= 0 ||
           kvm_fail(exit, "KVM does not take interrupt %d: %s", vector, host_kvm_failure(result));
}

bool kvm_arch_enter(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    struct kvm_x86 *kx = kvm_x86_of(kv);
    struct x86_core *c = kx->core;
    bool step = kv->vcpu->single_step;
    for (; c->s.nmi_pending && !step; c->s.nmi_pending--) {
        int result = host_kvm_call(kv->fd, KVM_NMI, 0);
        if (result < 0)
            return kvm_fail(exit, "KVM does not take an NMI: %s", host_kvm_failure(result));
    }
    if (intr_line(c) && kx->interruptible && !step && !inject(kv, exit))
        return false;
    kv->run->request_interrupt_window = !step && intr_line(c);
    if (c->hooks.tpr_get)
        kx->cr8 = c->hooks.tpr_get(c->hooks.opaque);
    kv->run->cr8 = kx->cr8;
    return true;
}

void kvm_arch_left(struct kvm_vcpu *kv)
{
    struct kvm_x86 *kx = kvm_x86_of(kv);
    const struct x86_hooks *hooks = &kx->core->hooks;
    const struct kvm_run *run = kv->run;
    kx->interruptible = run->ready_for_interrupt_injection;
    if (run->cr8 != kx->cr8 && hooks->tpr_set)
        hooks->tpr_set(hooks->opaque, (uint8_t)run->cr8);
    if (run->apic_base != kx->apic_base && hooks->apic_base_set &&
        hooks->apic_base_set(hooks->opaque, run->apic_base))
        kx->apic_base = run->apic_base;
}

/* ---- exits ---- */

/* KVM moves past HLT and is done with it: sleep is ours. */
static bool halted(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    if (!kvm_state_save(kv, exit))
        return false;
    /* An event that was under way has been delivered meanwhile: its handler runs. */
    if (kvm_x86_of(kv)->loaded)
        kvm_x86_of(kv)->core->s.activity = ACTIVITY_HALTED;
    return true;
}

static bool shut_down(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    if (!kvm_state_save(kv, exit))
        return false;
    kvm_x86_of(kv)->core->s.activity = ACTIVITY_SHUTDOWN;
    *exit = (struct vcpu_exit){.reason = EXIT_SHUTDOWN};
    return false;
}

/* The kernel has none of this number. The local APIC's are our devices'; of others, what the core keeps
 * beside the state that KVM holds. */
static bool msr_access(struct kvm_vcpu *kv, bool write)
{
    struct x86_core *c = kvm_x86_of(kv)->core;
    struct kvm_run *run = kv->run;
    uint32_t number = run->msr.index;
    bool apic = number >= 0x800 && number <= 0x8ff, ok = false;
    uint64_t value = run->msr.data;
    if (apic || run->msr.reason == KVM_MSR_EXIT_REASON_UNKNOWN)
        ok = write ? x86_msr_write(c, number, value) : x86_msr_read(c, number, &value);
    run->msr.data = value;
    run->msr.error = !ok;
    kv->io_pending = true;
    return true;
}

/* For a person who has to find out what happened. */
static void registers_log(const struct x86_core *c)
{
    const struct x86_state *s = &c->s;
    for (unsigned n = 0; n < 16; n += 4)
        log_warn("gpr %2u: %016llx %016llx %016llx %016llx", n, (unsigned long long)s->gpr[n],
                 (unsigned long long)s->gpr[n + 1], (unsigned long long)s->gpr[n + 2],
                 (unsigned long long)s->gpr[n + 3]);
    log_warn("cs %04x base %llx attributes %04x; ss %04x; rflags %llx; cr0 %llx cr2 %llx cr3 %llx cr4 %llx "
             "efer %llx",
             s->seg[CS].selector, (unsigned long long)s->seg[CS].base, s->seg[CS].attributes,
             s->seg[SS].selector, (unsigned long long)s->rflags, (unsigned long long)s->cr0,
             (unsigned long long)s->cr2, (unsigned long long)s->cr3, (unsigned long long)s->cr4,
             (unsigned long long)s->efer);
}

/* How many instructions the interpreter does of a guest whose next one KVM can't emulate. */
#define EMULATE_INSNS 16

static bool internal_error(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    const struct kvm_run *run = kv->run;
    unsigned suberror = run->internal.suberror;
    if (suberror == KVM_INTERNAL_ERROR_EMULATION)
        return kvm_interpret(kv, EMULATE_INSNS, exit) != KVM_STEP_EXIT;
    if (kvm_state_save(kv, exit))
        registers_log(kvm_x86_of(kv)->core);
    return kvm_fail(exit, "internal error %u of KVM at %#llx (%u words, first %#llx)", suberror,
                    (unsigned long long)kvm_x86_of(kv)->core->s.rip, run->internal.ndata,
                    run->internal.ndata ? (unsigned long long)run->internal.data[0] : 0);
}

bool kvm_arch_exit(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    struct kvm_run *run = kv->run;
    switch (run->exit_reason) {
    case KVM_EXIT_HLT: return halted(kv, exit);
    case KVM_EXIT_SHUTDOWN: return shut_down(kv, exit);
    case KVM_EXIT_X86_RDMSR: return msr_access(kv, false);
    case KVM_EXIT_X86_WRMSR: return msr_access(kv, true);
    case KVM_EXIT_SET_TPR: return true;
    case KVM_EXIT_HYPERCALL: run->hypercall.ret = (uint64_t)-1000; return true; /* KVM_ENOSYS */
    case KVM_EXIT_INTERNAL_ERROR: return internal_error(kv, exit);
    default: return kvm_fail(exit, "KVM exit %u is not known", run->exit_reason);
    }
}

/* ---- debugging ---- */

/* They go into the four debug registers. */
static void breakpoint_set(struct kvm_guest_debug *debug, unsigned n, uint64_t address)
{
    debug->control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
    debug->arch.debugreg[n] = address;
    debug->arch.debugreg[7] |= DR7_FIXED | (uint64_t)2 << (2 * n); /* global; on execution */
}

const struct kvm_debugging kvm_arch_debugging = {
    .steps = true, .breakpoints = 4, .breakpoint_set = breakpoint_set};

void kvm_arch_debug_exit(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    exit->debug.address = kv->run->debug.arch.pc;
    exit->debug.access = WALK_FETCH;
}
