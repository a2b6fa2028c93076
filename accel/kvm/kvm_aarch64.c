/*
 * KVM on aarch64 hosts. The interrupt controller is ours: a GICv2, whose registers are all in memory; its IRQ
 * and FIQ go to the kernel as lines, and the timers' outputs come back as levels (KVM_CAP_ARM_USER_IRQ). A
 * GICv3's registers are the processor's, which KVM gives a guest with its own controller only: that would be
 * made in kvm_arch_vm_create.
 *
 * PSCI is the kernel's, because it keeps the calls to itself: cores that are off wait in KVM_RUN, and only
 * power-off and reset come out. WFI is the kernel's as well.
 */
#include <stdlib.h>

#include "accel/kvm/kvm_private.h"
#include "base/bits.h"
#include "cpu/aarch64/pe.h"

const struct cpu_ops *const kvm_arch_guest = &aarch64_ops;

const struct kvm_need kvm_arch_needs[] = {
    {"KVM_CAP_ONE_REG", KVM_CAP_ONE_REG},
    {"KVM_CAP_ARM_PSCI_0_2", KVM_CAP_ARM_PSCI_0_2},
    {"KVM_CAP_ARM_USER_IRQ", KVM_CAP_ARM_USER_IRQ},
    {"KVM_CAP_MP_STATE", KVM_CAP_MP_STATE},
};
const size_t kvm_arch_need_count = ARRAY_LEN(kvm_arch_needs);

struct kvm_arm {
    struct aarch64_core *core;
    uint32_t lines;       /* as the kernel has them */
    uint64_t timer_level; /* outputs, as the kernel last gave them */
};

static struct kvm_arm *arm_of(struct kvm_vcpu *kv)
{
    return kv->arch;
}

bool kvm_arch_suits(int kvm, struct error *err)
{
    (void)kvm;
    return error_set(err, ERROR_HOST,
                     "boards have a GICv3 unless --machine gic-version=2 is given, and it is not "
                     "offered through KVM");
}

unsigned long kvm_arch_vm_type(int kvm)
{
    int bits = kvm_has(kvm, KVM_CAP_ARM_VM_IPA_SIZE);
    return bits > 0 ? KVM_VM_TYPE_ARM_IPA_SIZE((unsigned)bits) : 0;
}

bool kvm_arch_vm_create(struct kvm_vm *vm, struct error *err)
{
    struct kvm_enable_cap cap = {.cap = KVM_CAP_ARM_USER_IRQ};
    int result = host_kvm_ioctl(vm->fd, KVM_ENABLE_CAP, &cap);
    return result >= 0 ||
           error_set(err, ERROR_HOST, "KVM does not show its timers' outputs: %s", host_kvm_failure(result));
}

void kvm_arch_vm_destroy(struct kvm_vm *vm)
{
    (void)vm;
}

bool kvm_arch_vcpu_create(struct kvm_vcpu *kv, struct error *err)
{
    struct kvm_arm *arm = kv->arch = calloc(1, sizeof(*arm));
    struct kvm_vcpu_init init;
    if (!arm)
        abort();
    arm->core = aarch64_core_of(kv->vcpu);
    int result = host_kvm_ioctl(kv->vm->fd, KVM_ARM_PREFERRED_TARGET, &init);
    if (result >= 0) {
        init.features[0] = 1u << KVM_ARM_VCPU_PSCI_0_2;
        result = host_kvm_ioctl(kv->fd, KVM_ARM_VCPU_INIT, &init);
    }
    return result >= 0 || error_set(err, ERROR_HOST, "KVM_ARM_VCPU_INIT: %s", host_kvm_failure(result));
}

bool kvm_arch_vcpu_start(struct kvm_vcpu *kv, struct error *err)
{
    return !arm_of(kv)->core->board.gic.read ||
           error_set(err, ERROR_USAGE,
                     "under KVM the interrupt controller is a GICv2: use --machine gic-version=2");
}

void kvm_arch_vcpu_destroy(struct kvm_vcpu *kv)
{
    free(kv->arch);
}

/* ---- the state ---- */

#define CORE(size, name) (KVM_REG_ARM64 | KVM_REG_SIZE_##size | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(name))
#define SYSREG(op1, crn, crm, op2, field)                                                                    \
    {                                                                                                        \
        ARM64_SYS_REG(3, op1, crn, crm, op2), offsetof(struct aarch64_state, field)                          \
    }

/* Those that are members as they are. A processor without one of them says so, and it is left alone. */
static const struct {
    uint64_t id;
    size_t offset;
} registers[] = {
    {CORE(U64, regs.pc), offsetof(struct aarch64_state, pc)},
    {CORE(U64, elr_el1), offsetof(struct aarch64_state, elr_el1)},
    {CORE(U64, spsr[0]), offsetof(struct aarch64_state, spsr_el1)},
    SYSREG(0, 1, 0, 0, sctlr_el1),
    SYSREG(0, 1, 0, 1, actlr_el1),
    SYSREG(0, 1, 0, 2, cpacr_el1),
    SYSREG(0, 2, 0, 0, ttbr0_el1),
    SYSREG(0, 2, 0, 1, ttbr1_el1),
    SYSREG(0, 2, 0, 2, tcr_el1),
    SYSREG(0, 5, 1, 0, afsr0_el1),
    SYSREG(0, 5, 1, 1, afsr1_el1),
    SYSREG(0, 5, 2, 0, esr_el1),
    SYSREG(0, 6, 0, 0, far_el1),
    SYSREG(0, 7, 4, 0, par_el1),
    SYSREG(0, 10, 2, 0, mair_el1),
    SYSREG(0, 10, 3, 0, amair_el1),
    SYSREG(0, 12, 0, 0, vbar_el1),
    SYSREG(0, 12, 1, 1, disr_el1),
    SYSREG(0, 13, 0, 1, contextidr_el1),
    SYSREG(0, 13, 0, 4, tpidr_el1),
    SYSREG(2, 0, 0, 0, csselr_el1),
    SYSREG(3, 13, 0, 2, tpidr_el0),
    SYSREG(3, 13, 0, 3, tpidrro_el0),
    SYSREG(0, 14, 1, 0, cntkctl_el1),
    {ARM64_SYS_REG(2, 0, 0, 2, 2), offsetof(struct aarch64_state, mdscr_el1)},
    {ARM64_SYS_REG(2, 0, 0, 2, 0), offsetof(struct aarch64_state, mdccint_el1)},
    {KVM_REG_ARM_TIMER_CVAL, offsetof(struct aarch64_state, cntv_cval_el0)},
    {KVM_REG_ARM_TIMER_CTL, offsetof(struct aarch64_state, cntv_ctl_el0)},
    {KVM_REG_ARM_PTIMER_CVAL, offsetof(struct aarch64_state, cntp_cval_el0)},
    {KVM_REG_ARM_PTIMER_CTL, offsetof(struct aarch64_state, cntp_ctl_el0)},
};

/* PSTATE's M[0] says which stack pointer is in use; the other one is in sp_el. */
static bool own_stack(const struct aarch64_state *s)
{
    return s->pstate & 1;
}

static uint64_t pstate_given(const struct aarch64_state *s)
{
    return (s->pstate & 0x0fffffffu) | (s->flag_n >> 63) << 31 | (uint64_t)(s->flag_z == 0) << 30 |
           (uint64_t)s->flag_c << 29 | (uint64_t)s->flag_v << 28;
}

static void pstate_take(struct aarch64_state *s, uint64_t value)
{
    s->pstate = (uint32_t)value & 0x0fffffffu;
    s->flag_n = value << 32 & (uint64_t)1 << 63;
    s->flag_z = !(value >> 30 & 1);
    s->flag_c = value >> 29 & 1;
    s->flag_v = value >> 28 & 1;
}

static int power_load(struct kvm_vcpu *kv, bool started)
{
    struct kvm_mp_state state = {.mp_state = started ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_STOPPED};
    return host_kvm_ioctl(kv->fd, KVM_SET_MP_STATE, &state);
}

int kvm_arch_load(struct kvm_vcpu *kv, const char **what)
{
    struct aarch64_state *s = &arm_of(kv)->core->s;
    uint64_t pstate = pstate_given(s), sp_el0 = own_stack(s) ? s->sp_el[0] : s->x[REG_SP],
             sp_el1 = own_stack(s) ? s->x[REG_SP] : s->sp_el[1];
    *what = "general registers";
    bool ok = kvm_register_set(kv, CORE(U64, regs.pstate), &pstate) &&
              kvm_register_set(kv, CORE(U64, regs.sp), &sp_el0) &&
              kvm_register_set(kv, CORE(U64, sp_el1), &sp_el1);
    for (unsigned n = 0; ok && n < 31; n++)
        ok = kvm_register_set(kv, CORE(U64, regs.regs[0]) + 2 * n, &s->x[n]);
    for (unsigned n = 0; ok && n < 32; n++)
        ok = kvm_register_set(kv, CORE(U128, fp_regs.vregs[0]) + 4 * n, &s->v[n]);
    ok = ok && kvm_register_set(kv, CORE(U32, fp_regs.fpcr), &s->fpcr) &&
         kvm_register_set(kv, CORE(U32, fp_regs.fpsr), &s->fpsr);
    for (size_t n = 0; ok && n < ARRAY_LEN(registers); n++)
        kvm_register_set(kv, registers[n].id, (uint8_t *)s + registers[n].offset);
    return ok ? power_load(kv, s->started) : -22; /* EINVAL */
}

int kvm_arch_save(struct kvm_vcpu *kv, const char **what)
{
    struct aarch64_state *s = &arm_of(kv)->core->s;
    uint64_t pstate, sp_el0, sp_el1;
    struct kvm_mp_state power;
    *what = "general registers";
    bool ok = kvm_register_get(kv, CORE(U64, regs.pstate), &pstate) &&
              kvm_register_get(kv, CORE(U64, regs.sp), &sp_el0) &&
              kvm_register_get(kv, CORE(U64, sp_el1), &sp_el1);
    for (unsigned n = 0; ok && n < 31; n++)
        ok = kvm_register_get(kv, CORE(U64, regs.regs[0]) + 2 * n, &s->x[n]);
    for (unsigned n = 0; ok && n < 32; n++)
        ok = kvm_register_get(kv, CORE(U128, fp_regs.vregs[0]) + 4 * n, &s->v[n]);
    ok = ok && kvm_register_get(kv, CORE(U32, fp_regs.fpcr), &s->fpcr) &&
         kvm_register_get(kv, CORE(U32, fp_regs.fpsr), &s->fpsr);
    if (!ok)
        return -22;
    for (size_t n = 0; n < ARRAY_LEN(registers); n++)
        kvm_register_get(kv, registers[n].id, (uint8_t *)s + registers[n].offset);
    pstate_take(s, pstate);
    s->sp_el[0] = sp_el0;
    s->sp_el[1] = sp_el1;
    s->x[REG_SP] = own_stack(s) ? sp_el1 : sp_el0;
    if (host_kvm_ioctl(kv->fd, KVM_GET_MP_STATE, &power) >= 0)
        s->started = power.mp_state != KVM_MP_STATE_STOPPED;
    s->waiting = 0;
    s->monitor_address = ~(uint64_t)0;
    return 0;
}

/* ---- running ---- */

enum kvm_step kvm_arch_prepare(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    (void)kv, (void)exit;
    return KVM_STEP_ENTER;
}

/* IRQ and FIQ are levels; the kernel is told of changes. */
bool kvm_arch_enter(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    struct kvm_arm *arm = arm_of(kv);
    uint32_t lines = __atomic_load_n(&arm->core->lines, __ATOMIC_SEQ_CST);
    for (unsigned line = AARCH64_LINE_IRQ; line <= AARCH64_LINE_FIQ; line++) {
        if (!((lines ^ arm->lines) >> line & 1))
            continue;
        struct kvm_irq_level level = {
            .irq = KVM_ARM_IRQ_TYPE_CPU << KVM_ARM_IRQ_TYPE_SHIFT |
                   kv->vcpu->index << KVM_ARM_IRQ_VCPU_SHIFT |
                   (line == AARCH64_LINE_IRQ ? KVM_ARM_IRQ_CPU_IRQ : KVM_ARM_IRQ_CPU_FIQ),
            .level = lines >> line & 1};
        int result = host_kvm_ioctl(kv->vm->fd, KVM_IRQ_LINE, &level);
        if (result < 0)
            return kvm_fail(exit, "KVM_IRQ_LINE: %s", host_kvm_failure(result));
    }
    arm->lines = lines;
    return true;
}

/* The timers' outputs, to the interrupt controller. */
void kvm_arch_left(struct kvm_vcpu *kv)
{
    static const struct {
        uint64_t bit;
        enum aarch64_output output;
    } timers[] = {{KVM_ARM_DEV_EL1_VTIMER, AARCH64_OUT_TIMER_VIRTUAL},
                  {KVM_ARM_DEV_EL1_PTIMER, AARCH64_OUT_TIMER_PHYSICAL}};
    struct kvm_arm *arm = arm_of(kv);
    const struct aarch64_board *board = &arm->core->board;
    uint64_t levels = kv->run->s.regs.device_irq_level, changed = levels ^ arm->timer_level;
    if (!changed)
        return;
    arm->timer_level = levels;
    if (board->lock)
        host_mutex_lock(board->lock);
    for (size_t n = 0; n < ARRAY_LEN(timers); n++) {
        if (changed & timers[n].bit)
            irq_line_set(&board->outputs[timers[n].output], levels & timers[n].bit);
    }
    if (board->lock)
        host_mutex_unlock(board->lock);
}

/* The kernel's PSCI has been asked to end or reset the machine: the board's does it. */
#define PSCI_SYSTEM_OFF   0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u

static bool system_event(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    uint32_t type = kv->run->system_event.type;
    if (type != KVM_SYSTEM_EVENT_SHUTDOWN && type != KVM_SYSTEM_EVENT_RESET)
        return kvm_fail(exit, "KVM system event %u", type);
    if (!kvm_state_save(kv, exit))
        return false;
    arm_of(kv)->core->s.x[0] = type == KVM_SYSTEM_EVENT_RESET ? PSCI_SYSTEM_RESET : PSCI_SYSTEM_OFF;
    *exit = (struct vcpu_exit){.reason = EXIT_HYPERCALL};
    return false;
}

bool kvm_arch_exit(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    const struct kvm_run *run = kv->run;
    switch (run->exit_reason) {
    case KVM_EXIT_SYSTEM_EVENT: return system_event(kv, exit);
    case KVM_EXIT_ARM_NISV:
        return kvm_fail(exit, "an instruction that KVM can't take apart accessed a device at %#llx",
                        (unsigned long long)run->arm_nisv.fault_ipa);
    case KVM_EXIT_INTERNAL_ERROR: return kvm_fail(exit, "internal error %u of KVM", run->internal.suberror);
    default: return kvm_fail(exit, "KVM exit %u is not known", run->exit_reason);
    }
}

/* ---- debugging ---- */

/* DBGBCR: enabled, at EL0 and EL1, all four bytes of the instruction. */
#define BREAKPOINT_CONTROL 0x1e7u

static void breakpoint_set(struct kvm_guest_debug *debug, unsigned n, uint64_t address)
{
    debug->control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW;
    debug->arch.dbg_bvr[n] = address;
    debug->arch.dbg_bcr[n] = BREAKPOINT_CONTROL;
}

const struct kvm_debugging kvm_arch_debugging = {
    .steps = true, .breakpoints = 4, .breakpoint_set = breakpoint_set};

void kvm_arch_debug_exit(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    uint64_t pc = 0;
    kvm_register_get(kv, CORE(U64, regs.pc), &pc);
    exit->debug.address = pc;
    exit->debug.access = WALK_FETCH;
}
