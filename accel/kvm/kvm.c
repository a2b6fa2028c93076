/* The KVM engine: machines and vCPUs in the kernel, and the loop around KVM_RUN. */
#include "accel/kvm/kvm.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "accel/kvm/kvm_private.h"

/* Machines are built and destroyed by one thread. */
static struct kvm_vm *machines;

/* ---- machines ---- */

static bool vm_open(struct kvm_vm *vm, struct error *err)
{
    vm->kvm = host_kvm_open(err);
    if (vm->kvm < 0)
        return false;
    vm->fd = host_kvm_call(vm->kvm, KVM_CREATE_VM, kvm_arch_vm_type(vm->kvm));
    if (vm->fd < 0)
        return error_set(err, ERROR_HOST, "KVM can't make a machine: %s", host_kvm_failure(vm->fd));
    int size = host_kvm_call(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (size < (int)sizeof(struct kvm_run))
        return error_set(err, ERROR_HOST, "KVM's vCPUs are smaller than this program knows them");
    vm->run_size = (size_t)size;
    return kvm_memory_create(vm, err) && kvm_arch_vm_create(vm, err);
}

static void vm_release(struct kvm_vm *vm)
{
    if (--vm->vcpus > 0)
        return;
    struct kvm_vm **link = &machines;
    while (*link != vm)
        link = &(*link)->next;
    *link = vm->next;
    kvm_arch_vm_destroy(vm);
    kvm_memory_destroy(vm);
    if (vm->fd >= 0)
        host_kvm_close(vm->fd);
    if (vm->kvm >= 0)
        host_kvm_close(vm->kvm);
    host_mutex_destroy(&vm->lock);
    free(vm);
}

/* The machine whose RAM this is; one use more of it. */
static struct kvm_vm *vm_get(struct ram *ram, struct error *err)
{
    struct kvm_vm *vm = machines;
    while (vm && vm->ram != ram)
        vm = vm->next;
    if (vm) {
        vm->vcpus++;
        return vm;
    }
    vm = calloc(1, sizeof(*vm));
    if (!vm)
        abort();
    *vm = (struct kvm_vm){.next = machines, .ram = ram, .kvm = -1, .fd = -1, .vcpus = 1};
    host_mutex_init(&vm->lock);
    machines = vm;
    if (vm_open(vm, err))
        return vm;
    vm_release(vm);
    return NULL;
}

/* ---- vCPUs ---- */

static void vcpu_close(struct vcpu *vcpu)
{
    struct kvm_vcpu *kv = kvm_of(vcpu);
    if (!kv)
        return;
    kvm_arch_vcpu_destroy(kv);
    if (kv->run)
        host_kvm_unmap(kv->run, kv->vm->run_size);
    if (kv->fd >= 0)
        host_kvm_close(kv->fd);
    vm_release(kv->vm);
    host_mutex_destroy(&kv->kick_lock);
    free(kv);
    vcpu->engine_data = NULL;
}

static bool vcpu_open(struct kvm_vcpu *kv, struct error *err)
{
    kv->fd = host_kvm_call(kv->vm->fd, KVM_CREATE_VCPU, kv->vcpu->index);
    if (kv->fd < 0)
        return error_set(err, ERROR_HOST, "KVM can't make vCPU %u: %s", kv->vcpu->index,
                         host_kvm_failure(kv->fd));
    kv->run = host_kvm_map(kv->fd, kv->vm->run_size, err);
    return kv->run && kvm_arch_vcpu_create(kv, err);
}

static bool vcpu_create(struct vcpu *vcpu, struct error *err)
{
    struct kvm_vm *vm = vm_get(vcpu->mem->ram, err);
    if (!vm)
        return false;
    struct kvm_vcpu *kv = calloc(1, sizeof(*kv));
    if (!kv)
        abort();
    *kv = (struct kvm_vcpu){.vcpu = vcpu, .vm = vm, .fd = -1};
    host_mutex_init(&kv->kick_lock);
    vcpu->engine_data = kv;
    if (vcpu_open(kv, err))
        return true;
    vcpu_close(vcpu);
    return false;
}

bool kvm_fail(struct vcpu_exit *exit, const char *fmt, ...)
{
    va_list args;
    *exit = (struct vcpu_exit){.reason = EXIT_ERROR};
    va_start(args, fmt);
    vsnprintf(exit->text, sizeof(exit->text), fmt, args);
    va_end(args);
    return false;
}

bool kvm_register_get(struct kvm_vcpu *kv, uint64_t id, void *value)
{
    struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)value};
    return host_kvm_ioctl(kv->fd, KVM_GET_ONE_REG, &reg) >= 0;
}

bool kvm_register_set(struct kvm_vcpu *kv, uint64_t id, const void *value)
{
    struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)value};
    return host_kvm_ioctl(kv->fd, KVM_SET_ONE_REG, &reg) >= 0;
}

/* ---- where the truth is ---- */

bool kvm_state_load(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    const char *what = "";
    if (kv->in_kernel)
        return true;
    int result = kvm_arch_load(kv, &what);
    if (result < 0)
        return kvm_fail(exit, "KVM does not take the %s: %s", what, host_kvm_failure(result));
    kv->in_kernel = true;
    return true;
}

static int enter(struct kvm_vcpu *kv)
{
    int result = host_kvm_call(kv->fd, KVM_RUN, 0);
    kv->io_pending = false;
    return result;
}

/* Some instructions make several accesses; the kernel returns with EINTR when all are done. */
static bool io_finish(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    while (kv->io_pending) {
        __atomic_store_n(&kv->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
        int result = enter(kv);
        if (result == -EINTR || result == -EAGAIN)
            return true;
        if (result < 0)
            return kvm_fail(exit, "KVM_RUN: %s", host_kvm_failure(result));
        if (kv->run->exit_reason == KVM_EXIT_MMIO)
            kvm_memory_access(kv);
        else if (kv->run->exit_reason == KVM_EXIT_IO)
            kvm_port_access(kv);
        else
            return kv->run->exit_reason == KVM_EXIT_DEBUG ||
                   kvm_fail(exit, "KVM exit %u in the middle of a device access", kv->run->exit_reason);
    }
    return true;
}

bool kvm_state_save(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    const char *what = "";
    if (!kv->in_kernel)
        return true;
    if (!io_finish(kv, exit))
        return false;
    int result = kvm_arch_save(kv, &what);
    if (result < 0)
        return kvm_fail(exit, "KVM does not give the %s: %s", what, host_kvm_failure(result));
    kv->in_kernel = false;
    return true;
}

enum kvm_step kvm_interpret(struct kvm_vcpu *kv, uint64_t insns, struct vcpu_exit *exit)
{
    struct vcpu *vcpu = kv->vcpu;
    if (!kvm_state_save(kv, exit))
        return KVM_STEP_EXIT;
    /* The guest wrote past the account of decoded code. */
    tlb_flush_all(vcpu->tlb);
    vcpu->ops->code_drop_all(vcpu);
    vcpu->slice_end = vcpu->icount + insns;
    vcpu->ops->interpret(vcpu, exit);
    vcpu->slice_end = UINT64_MAX;
    bool stop = __atomic_load_n(&vcpu->stop, __ATOMIC_SEQ_CST);
    return exit->reason == EXIT_KICKED && !stop ? KVM_STEP_AGAIN : KVM_STEP_EXIT;
}

/* ---- run ---- */

static bool vcpu_start(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    struct error err;
    if (kv->ready)
        return true;
    if (!kvm_memory_start(kv->vm, &err) || !kvm_arch_vcpu_start(kv, &err))
        return kvm_fail(exit, "%s", err.text);
    kv->ready = true;
    return true;
}

/* A step, or breakpoints. Watchpoints are the interpreter's: it stops before the access, and knows a read
 * from a write, neither of which debug registers do. */
static bool debug_ask(const struct kvm_vcpu *kv, struct kvm_guest_debug *debug)
{
    const struct debug_points *points = kv->vcpu->debug;
    unsigned count = points ? points->count : 0;
    if (kv->vcpu->single_step) {
        debug->control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
        return kvm_arch_debugging.steps;
    }
    if (count > kvm_arch_debugging.breakpoints || (count && points->any_watch))
        return false;
    for (unsigned n = 0; n < count; n++)
        kvm_arch_debugging.breakpoint_set(debug, n, points->points[n].address);
    return true;
}

/* The debugger's wishes; they change while the vCPU is not running. False: the interpreter has to fulfil
 * them. */
static bool debug_set(struct kvm_vcpu *kv)
{
    struct kvm_guest_debug debug = {0};
    if (!debug_ask(kv, &debug))
        return false;
    if ((debug.control || kv->debug) && host_kvm_ioctl(kv->fd, KVM_SET_GUEST_DEBUG, &debug) < 0)
        return false;
    kv->debug = debug.control;
    return true;
}

/* Going on from where a breakpoint stopped is not to stop there again. */
static enum kvm_step breakpoint_pass(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    static const struct debug_points none;
    const struct debug_points *points = kv->vcpu->debug;
    kv->vcpu->debug = &none;
    enum kvm_step step = kvm_interpret(kv, 1, exit);
    kv->vcpu->debug = points;
    return step;
}

static bool asked(struct kvm_vcpu *kv)
{
    return __atomic_load_n(&kv->vcpu->stop, __ATOMIC_SEQ_CST) ||
           __atomic_load_n(&kv->vcpu->work, __ATOMIC_SEQ_CST);
}

/* Work of others, where the struct is true. False: run() is to return. */
static bool attend(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    /* Who wants attention makes the wish known, then sets immediate_exit; so look after clearing that. */
    __atomic_exchange_n(&kv->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
    if (!asked(kv))
        return true;
    if (!kvm_state_save(kv, exit))
        return false;
    vcpu_work_do(kv->vcpu);
    __atomic_exchange_n(&kv->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
    *exit = (struct vcpu_exit){.reason = EXIT_KICKED};
    return !__atomic_load_n(&kv->vcpu->stop, __ATOMIC_SEQ_CST);
}

static bool debug_exit(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    *exit = (struct vcpu_exit){.reason = EXIT_DEBUG};
    kvm_arch_debug_exit(kv, exit);
    kv->stopped = !kv->vcpu->single_step && !exit->debug.watchpoint;
    return false;
}

static bool exit_handle(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    const struct kvm_run *run = kv->run;
    switch (run->exit_reason) {
    case KVM_EXIT_MMIO: kvm_memory_access(kv); return true;
    case KVM_EXIT_IO: kvm_port_access(kv); return true;
    case KVM_EXIT_INTR:
    case KVM_EXIT_IRQ_WINDOW_OPEN: return true;
    case KVM_EXIT_DEBUG: return debug_exit(kv, exit);
    case KVM_EXIT_FAIL_ENTRY:
        return kvm_fail(exit, "the processor refuses the guest's state (reason %#llx, pc %#llx)",
                        (unsigned long long)run->fail_entry.hardware_entry_failure_reason,
                        (unsigned long long)kv->vcpu->ops->pc_get(kv->vcpu));
    default: return kvm_arch_exit(kv, exit);
    }
}

/* Into the guest and out of it. False: run() is over. */
static bool guest_run(struct kvm_vcpu *kv, struct vcpu_exit *exit)
{
    if (!kvm_state_load(kv, exit) || !kvm_arch_enter(kv, exit))
        return false;
    __atomic_store_n(&kv->inside, 1, __ATOMIC_SEQ_CST);
    int result = enter(kv);
    __atomic_store_n(&kv->inside, 0, __ATOMIC_RELEASE);
    kvm_arch_left(kv);
    if (result == -EINTR || result == -EAGAIN)
        return true;
    if (result < 0)
        return kvm_fail(exit, "KVM_RUN: %s", host_kvm_failure(result));
    return exit_handle(kv, exit);
}

#define INTERPRET_SLICE 10000

static bool turn(struct kvm_vcpu *kv, bool debuggable, struct vcpu_exit *exit)
{
    if (!attend(kv, exit))
        return false;
    enum kvm_step step = KVM_STEP_ENTER;
    if (!debuggable)
        step = kvm_interpret(kv, INTERPRET_SLICE, exit);
    else
        step = kvm_arch_prepare(kv, exit);
    if (step == KVM_STEP_ENTER)
        return guest_run(kv, exit);
    return step == KVM_STEP_AGAIN;
}

static void run(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    struct kvm_vcpu *kv = kvm_of(vcpu);
    bool going = true;
    vcpu->halted = false;
    kv->thread = host_kvm_kick_receive();
    *exit = (struct vcpu_exit){.reason = EXIT_KICKED};
    if (!vcpu_start(kv, exit))
        return;
    if (kv->stopped && !vcpu->single_step && vcpu->ops->pc_get(vcpu) == kv->stopped_at)
        going = breakpoint_pass(kv, exit) != KVM_STEP_EXIT;
    kv->stopped = false;
    bool debuggable = going && debug_set(kv);
    while (going)
        going = turn(kv, debuggable, exit);
    struct vcpu_exit failure;
    if (!kvm_state_save(kv, &failure) && exit->reason != EXIT_ERROR)
        *exit = failure;
    kv->stopped_at = vcpu->ops->pc_get(vcpu);
    /* No kick may be on its way to this thread any more: it could end before it arrives. */
    host_mutex_lock(&kv->kick_lock);
    host_mutex_unlock(&kv->kick_lock);
}

static void kick(struct vcpu *vcpu)
{
    struct kvm_vcpu *kv = kvm_of(vcpu);
    if (!kv || !kv->run)
        return;
    __atomic_store_n(&kv->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&vcpu->limit, 0, __ATOMIC_SEQ_CST); /* the interpreter may be at work */
    if (!__atomic_load_n(&kv->inside, __ATOMIC_SEQ_CST))
        return;
    host_mutex_lock(&kv->kick_lock);
    if (__atomic_load_n(&kv->inside, __ATOMIC_SEQ_CST))
        host_kvm_kick_send(kv->thread);
    host_mutex_unlock(&kv->kick_lock);
}

const struct engine kvm_engine = {
    .name = "kvm",
    .probe = kvm_probe,
    .vcpu_init = vcpu_create,
    .run = run,
    .kick = kick,
    .vcpu_fini = vcpu_close,
};
