/*
 * KVM on riscv64 hosts with the hypervisor extension. A guest there begins in supervisor mode: the SBI is the
 * kernel's, as are the timer, interprocessor interrupts and the start of harts; the interrupt controller is
 * our PLIC, whose supervisor line goes in by KVM_INTERRUPT. What the kernel does not know of the SBI comes
 * out, and is the board's built-in one's.
 */
#include <stdlib.h>

#include "accel/kvm/kvm_private.h"
#include "base/bits.h"
#include "cpu/riscv64/hart.h"

const struct cpu_ops *const kvm_arch_guest = &riscv64_ops;

const struct kvm_need kvm_arch_needs[] = {
    {"KVM_CAP_ONE_REG", KVM_CAP_ONE_REG},
    {"KVM_CAP_MP_STATE", KVM_CAP_MP_STATE},
};
const size_t kvm_arch_need_count = ARRAY_LEN(kvm_arch_needs);

struct kvm_hart {
    struct riscv_core *core;
    bool external; /* the supervisor's external interrupt, as the kernel has it */
};

static struct kvm_hart *hart_of(struct kvm_vcpu *kv)
{
    return kv->arch;
}

bool kvm_arch_suits(int kvm, struct error *err)
{
    (void)kvm;
    return error_set(err, ERROR_HOST,
                     "a guest under KVM can have no firmware of its own: ask for it together with "
                     "--firmware builtin");
}

unsigned long kvm_arch_vm_type(int kvm)
{
    (void)kvm;
    return 0;
}

bool kvm_arch_vm_create(struct kvm_vm *vm, struct error *err)
{
    (void)vm, (void)err;
    return true;
}

void kvm_arch_vm_destroy(struct kvm_vm *vm)
{
    (void)vm;
}

/* ---- the state ---- */

#define REGISTER(type, index) (KVM_REG_RISCV | KVM_REG_SIZE_U64 | KVM_REG_RISCV_##type | (uint64_t)(index))
#define CORE(name)            REGISTER(CORE, KVM_REG_RISCV_CORE_REG(name))
#define CSR(name)             REGISTER(CSR, KVM_REG_RISCV_CSR_REG(name))
#define FREQUENCY             REGISTER(TIMER, KVM_REG_RISCV_TIMER_REG(frequency))
#define FCSR                  (KVM_REG_RISCV | KVM_REG_SIZE_U32 | KVM_REG_RISCV_FP_D | KVM_REG_RISCV_FP_D_REG(fcsr))

/* What supervisors see of mstatus and mie (Priv. 4.1.1, 4.1.3). */
#define SSTATUS_MASK 0x00000000000de122u
#define SIE_MASK     0x222u

bool kvm_arch_vcpu_create(struct kvm_vcpu *kv, struct error *err)
{
    struct kvm_hart *hart = kv->arch = calloc(1, sizeof(*hart));
    (void)err;
    if (!hart)
        abort();
    hart->core = container_of(kv->vcpu, struct riscv_core, vcpu);
    return true;
}

/* The device tree has said how fast time goes before the host was asked. */
bool kvm_arch_vcpu_start(struct kvm_vcpu *kv, struct error *err)
{
    const struct riscv_state *s = &hart_of(kv)->core->s;
    uint64_t hz = 0;
    if (s->started && s->privilege == PRIV_M)
        return error_set(err, ERROR_USAGE, "KVM runs guests from supervisor mode on: use --firmware builtin");
    if (!kvm_register_get(kv, FREQUENCY, &hz) || hz == RISCV_TIMEBASE_HZ)
        return true;
    return error_set(err, ERROR_HOST,
                     "this host's time counts at %llu Hz, and the guest's device tree says %u: use "
                     "--accel interp",
                     (unsigned long long)hz, RISCV_TIMEBASE_HZ);
}

void kvm_arch_vcpu_destroy(struct kvm_vcpu *kv)
{
    free(kv->arch);
}

static const struct {
    uint64_t id;
    size_t offset;
} registers[] = {
    {CORE(regs.pc), offsetof(struct riscv_state, pc)},
    {CSR(stvec), offsetof(struct riscv_state, stvec)},
    {CSR(sscratch), offsetof(struct riscv_state, sscratch)},
    {CSR(sepc), offsetof(struct riscv_state, sepc)},
    {CSR(scause), offsetof(struct riscv_state, scause)},
    {CSR(stval), offsetof(struct riscv_state, stval)},
    {CSR(satp), offsetof(struct riscv_state, satp)},
    {CSR(scounteren), offsetof(struct riscv_state, scounteren)},
};

static int power_load(struct kvm_vcpu *kv, bool started)
{
    struct kvm_mp_state state = {.mp_state = started ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_STOPPED};
    return host_kvm_ioctl(kv->fd, KVM_SET_MP_STATE, &state);
}

static bool float_load(struct kvm_vcpu *kv, const struct riscv_state *s)
{
    uint32_t fcsr = (uint32_t)s->frm << 5 | s->fflags;
    bool ok = kvm_register_set(kv, FCSR, &fcsr);
    for (unsigned n = 0; ok && n < 32; n++)
        ok = kvm_register_set(kv, REGISTER(FP_D, KVM_REG_RISCV_FP_D_REG(f[0]) + n), &s->f[n]);
    return ok;
}

int kvm_arch_load(struct kvm_vcpu *kv, const char **what)
{
    struct riscv_state *s = &hart_of(kv)->core->s;
    uint64_t mode = s->privilege == PRIV_U ? 0 : 1, sstatus = s->mstatus & SSTATUS_MASK,
             sie = s->mie & SIE_MASK;
    *what = "general registers";
    bool ok = kvm_register_set(kv, CORE(mode), &mode);
    for (unsigned n = 1; ok && n < 32; n++)
        ok = kvm_register_set(kv, CORE(regs.pc) + n, &s->x[n]);
    *what = ok ? "control registers" : *what;
    ok = ok && kvm_register_set(kv, CSR(sstatus), &sstatus) && kvm_register_set(kv, CSR(sie), &sie);
    for (size_t n = 0; ok && n < ARRAY_LEN(registers); n++)
        ok = kvm_register_set(kv, registers[n].id, (uint8_t *)s + registers[n].offset);
    float_load(kv, s);                            /* a host without D has none to give */
    return ok ? power_load(kv, s->started) : -22; /* EINVAL */
}

static void float_save(struct kvm_vcpu *kv, struct riscv_state *s)
{
    uint32_t fcsr;
    if (!kvm_register_get(kv, FCSR, &fcsr))
        return;
    s->frm = fcsr >> 5 & 7;
    s->fflags = fcsr & 31;
    for (unsigned n = 0; n < 32; n++)
        kvm_register_get(kv, REGISTER(FP_D, KVM_REG_RISCV_FP_D_REG(f[0]) + n), &s->f[n]);
}

int kvm_arch_save(struct kvm_vcpu *kv, const char **what)
{
    struct riscv_state *s = &hart_of(kv)->core->s;
    uint64_t mode, sstatus, sie;
    struct kvm_mp_state power;
    *what = "general registers";
    bool ok = kvm_register_get(kv, CORE(mode), &mode) && kvm_register_get(kv, CSR(sstatus), &sstatus) &&
              kvm_register_get(kv, CSR(sie), &sie);
    for (unsigned n = 1; ok && n < 32; n++)
        ok = kvm_register_get(kv, CORE(regs.pc) + n, &s->x[n]);
    for (size_t n = 0; ok && n < ARRAY_LEN(registers); n++)
        ok = kvm_register_get(kv, registers[n].id, (uint8_t *)s + registers[n].offset);
    if (!ok)
        return -22;
    float_save(kv, s);
    s->privilege = mode ? PRIV_S : PRIV_U;
    s->mstatus = (s->mstatus & ~(uint64_t)SSTATUS_MASK) | (sstatus & SSTATUS_MASK);
    s->mie = (s->mie & ~(uint64_t)SIE_MASK) | (sie & SIE_MASK);
    if (host_kvm_ioctl(kv->fd, KVM_GET_MP_STATE, &power) >= 0)
        s->started = power.mp_state != KVM_MP_STATE_STOPPED;
    s->waiting = 0;
    s->reservation_address = ~(uint64_t)0;
    return 0;
}

/* ---- running ---- */

enum kvm_step kvm_arch_prepare(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    (void)kv, (void)exit;
    return KVM_STEP_ENTER;
}

bool kvm_arch_enter(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    struct kvm_hart *hart = hart_of(kv);
    bool external = __atomic_load_n(&hart->core->lines, __ATOMIC_SEQ_CST) >> RISCV_LINE_SEI & 1;
    struct kvm_interrupt interrupt = {.irq = external ? KVM_INTERRUPT_SET : KVM_INTERRUPT_UNSET};
    if (external == hart->external)
        return true;
    int result = host_kvm_ioctl(kv->fd, KVM_INTERRUPT, &interrupt);
    hart->external = external;
    return result >= 0 || kvm_fail(exit, "KVM_INTERRUPT: %s", host_kvm_failure(result));
}

void kvm_arch_left(struct kvm_vcpu *kv)
{
    (void)kv;
}

/* An environment call for the board. The kernel will end it with its own results: those are replaced. */
static bool sbi_call(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    struct riscv_state *s = &hart_of(kv)->core->s;
    uint64_t a0 = kv->run->riscv_sbi.args[0], a1 = kv->run->riscv_sbi.args[1];
    kv->io_pending = true;
    if (!kvm_state_save(kv, exit))
        return false;
    s->x[10] = a0;
    s->x[11] = a1;
    *exit = (struct vcpu_exit){.reason = EXIT_HYPERCALL};
    return false;
}

#define SBI_EXT_SRST 0x53525354u /* "SRST" */

/* The kernel's SBI has been asked for a shutdown or a reset. */
static bool system_event(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    struct riscv_state *s = &hart_of(kv)->core->s;
    uint32_t type = kv->run->system_event.type;
    if (type != KVM_SYSTEM_EVENT_SHUTDOWN && type != KVM_SYSTEM_EVENT_RESET)
        return kvm_fail(exit, "KVM system event %u", type);
    if (!kvm_state_save(kv, exit))
        return false;
    s->x[17] = SBI_EXT_SRST;
    s->x[16] = 0;
    s->x[10] = type == KVM_SYSTEM_EVENT_RESET;
    s->x[11] = 0;
    *exit = (struct vcpu_exit){.reason = EXIT_HYPERCALL};
    return false;
}

bool kvm_arch_exit(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    const struct kvm_run *run = kv->run;
    switch (run->exit_reason) {
    case KVM_EXIT_RISCV_SBI: return sbi_call(kv, exit);
    case KVM_EXIT_SYSTEM_EVENT: return system_event(kv, exit);
    case KVM_EXIT_INTERNAL_ERROR: return kvm_fail(exit, "internal error %u of KVM", run->internal.suberror);
    default: return kvm_fail(exit, "KVM exit %u is not known", run->exit_reason);
    }
}

/* ---- debugging: this KVM has no breakpoints of ours, nor steps ---- */

const struct kvm_debugging kvm_arch_debugging = {.steps = false, .breakpoints = 0};

void kvm_arch_debug_exit(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    exit->debug.address = hart_of(kv)->core->s.pc;
    exit->debug.access = WALK_FETCH;
}
