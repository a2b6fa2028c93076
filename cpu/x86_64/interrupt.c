/*
 * Interrupts and exceptions: the way through the IDT in each mode, what follows from faults on that way, and
 * which event comes first (SDM vol. 3, chapter 6).
 */
#include "base/bits.h"
#include "base/trace.h"
#include "cpu/x86_64/debug.h"
#include "cpu/x86_64/far.h"
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/run.h"
#include "cpu/x86_64/segment.h"
#include "cpu/x86_64/smm.h"

/* An event on its way through a gate. */
struct delivery {
    const struct x86_fault *event;
    enum x86_cause cause;
    uint32_t ext;
    uint64_t flags; /* as they are pushed */
    struct x86_descriptor gate, code;
    unsigned ist;
    unsigned width; /* of what is pushed */
    uint64_t rip;   /* where it goes */
};

/* A selector or vector of this event in an error code. */
static bool fault_idt(struct x86_core *c, const struct delivery *d, enum x86_exception vector)
{
    return x86_fault_code(c, vector, (uint32_t)d->event->vector * 8 | ERROR_IDT | d->ext);
}

/* ---- real mode ---- */

static bool push_frame16(struct x86_core *c, uint64_t flags)
{
    struct x86_stack stack = x86_stack_current(c);
    if (!x86_stack_push(c, &stack, 2, flags) || !x86_stack_push(c, &stack, 2, c->s.seg[CS].selector) ||
        !x86_stack_push(c, &stack, 2, c->s.rip))
        return false;
    x86_stack_commit(c, &stack);
    return true;
}

/* An entry of the interrupt table; a virtual-8086 program's is read as the program would. */
static struct x86_loaded real_vector(struct x86_core *c, uint64_t linear)
{
    uint8_t bytes[4];
    if (!x86_v86(c))
        return x86_system_read(c, linear, 4);
    struct x86_loaded loaded = {.ok = x86_linear_read(c, AS_CURRENT, linear, bytes, 4)};
    loaded.value = loaded.ok ? le32_load(bytes) : 0;
    return loaded;
}

/* Through the interrupt table of real mode, or of a virtual-8086 program (at linear 0). */
static bool deliver_real(struct x86_core *c, const struct delivery *d)
{
    uint64_t base = x86_v86(c) ? 0 : c->s.idtr.base;
    uint32_t at = d->event->vector * 4u;
    if (!x86_v86(c) && at + 3 > c->s.idtr.limit)
        return fault_idt(c, d, EXC_GP);
    struct x86_loaded pointer = real_vector(c, base + at);
    if (!pointer.ok || !push_frame16(c, d->flags))
        return false;
    uint64_t cleared = FLAG_TF | FLAG_RF | FLAG_AC;
    /* A virtual-8086 program's IF is VIF, unless its IOPL gives it the real one. */
    cleared |= x86_v86(c) && x86_iopl(c) < 3 ? FLAG_VIF : FLAG_IF;
    if (x86_v86(c)) {
        cleared &= ~(FLAG_RF | FLAG_AC);
        x86_v86_segment_load(c, CS, (uint16_t)(pointer.value >> 16));
    } else {
        x86_real_segment_load(c, CS, (uint16_t)(pointer.value >> 16));
    }
    x86_flags_write(c, cleared, 0);
    c->s.rip = pointer.value & 0xffff;
    return true;
}

/* ---- protected and long mode ---- */

static bool gate_read(struct x86_core *c, struct delivery *d)
{
    unsigned size = x86_long_mode(c) ? 16 : 8;
    uint32_t at = d->event->vector * size;
    if (at + size - 1 > c->s.idtr.limit)
        return fault_idt(c, d, EXC_GP);
    struct x86_loaded low = x86_system_read(c, c->s.idtr.base + at, 8);
    if (!low.ok)
        return false;
    d->gate = (struct x86_descriptor){.low = (uint32_t)low.value,
                                      .high = (uint32_t)(low.value >> 32),
                                      .attributes = low.value >> 40 & 0xf0ff};
    if (size == 16) {
        struct x86_loaded high = x86_system_read(c, c->s.idtr.base + at + 8, 8);
        if (!high.ok)
            return false;
        d->gate.upper = (uint32_t)high.value;
        d->ist = d->gate.high & 7;
    }
    return true;
}

#define GATE_TYPES                                                                                           \
    (1u << TYPE_TASK_GATE | 1u << TYPE_INTERRUPT_GATE16 | 1u << TYPE_TRAP_GATE16 |                           \
     1u << TYPE_INTERRUPT_GATE | 1u << TYPE_TRAP_GATE)
#define GATE_TYPES_LONG (1u << TYPE_INTERRUPT_GATE | 1u << TYPE_TRAP_GATE)

static bool gate_checks(struct x86_core *c, const struct delivery *d)
{
    uint16_t attributes = d->gate.attributes;
    unsigned types = x86_long_mode(c) ? GATE_TYPES_LONG : GATE_TYPES;
    if (attributes & SEG_S || !(types >> x86_type(attributes) & 1))
        return fault_idt(c, d, EXC_GP);
    if (d->cause == CAUSE_SOFTWARE && x86_dpl(attributes) < c->s.cpl)
        return fault_idt(c, d, EXC_GP);
    return attributes & SEG_P || fault_idt(c, d, EXC_NP);
}

/* The code segment a gate leads to. */
static bool gate_code(struct x86_core *c, struct delivery *d)
{
    uint16_t selector = (uint16_t)(d->gate.low >> 16);
    uint32_t error = x86_selector_error(selector, d->ext);
    unsigned type = x86_type(d->gate.attributes);
    bool wide = type == TYPE_INTERRUPT_GATE || type == TYPE_TRAP_GATE;
    d->width = x86_long_mode(c) ? 8 : wide ? 4 : 2;
    d->rip = (d->gate.low & 0xffff) | (d->gate.high & 0xffff0000) | (uint64_t)d->gate.upper << 32;
    if (!wide)
        d->rip &= 0xffff;
    if (x86_is_null(selector))
        return x86_fault_gp(c, d->ext);
    if (!x86_descriptor_read(c, selector, EXC_GP, d->ext, &d->code))
        return false;
    uint16_t attributes = d->code.attributes;
    if (!x86_is_code(attributes) || x86_dpl(attributes) > c->s.cpl)
        return x86_fault_gp(c, error);
    if (x86_long_mode(c) && (attributes & (SEG_L | SEG_DB)) != SEG_L)
        return x86_fault_gp(c, error);
    if (!(attributes & SEG_P))
        return x86_fault_code(c, EXC_NP, error);
    /* A virtual-8086 program is interrupted to level 0 only. */
    if (x86_v86(c) && (attributes & SEG_CONFORMING || x86_dpl(attributes) != 0))
        return x86_fault_gp(c, error);
    return true;
}

/* The stack to push on: the current one, that of an inner level, or one from the interrupt stack table. */
static bool delivery_stack(struct x86_core *c, const struct delivery *d, unsigned cpl,
                           struct x86_stack *stack, struct x86_descriptor *ss)
{
    bool inner = cpl < c->s.cpl, lm = x86_long_mode(c);
    *stack = x86_stack_current(c);
    stack->long_mode = lm;
    stack->error = d->ext;
    ss->attributes = 0;
    if (inner)
        stack->as = AS_SUPERVISOR;
    if (lm && d->ist) {
        unsigned offset = 0x24 + 8 * (d->ist - 1);
        if (offset + 7 > c->s.seg[TR].limit)
            return x86_fault_code(c, EXC_TS, x86_selector_error(c->s.seg[TR].selector, d->ext));
        struct x86_loaded sp = x86_system_read(c, c->s.seg[TR].base + offset, 8);
        stack->sp = sp.value & ~(uint64_t)15;
        return sp.ok;
    }
    uint16_t selector;
    if (inner && !x86_tss_stack(c, cpl, d->ext, &selector, &stack->sp))
        return false;
    if (lm)
        stack->sp &= ~(uint64_t)15;
    if (!inner || lm)
        return true;
    stack->error = x86_selector_error(selector, d->ext);
    if (!x86_stack_segment_read(c, selector, cpl, EXC_TS, d->ext, ss))
        return false;
    stack->ss = x86_segment_of(ss);
    return true;
}

static bool push_segments_v86(struct x86_core *c, struct x86_stack *stack, unsigned width)
{
    static const uint8_t order[] = {GS, FS, DS, ES};
    for (unsigned n = 0; n < 4; n++) {
        if (!x86_stack_push(c, stack, width, c->s.seg[order[n]].selector))
            return false;
    }
    return true;
}

static bool push_frame(struct x86_core *c, const struct delivery *d, struct x86_stack *stack, bool with_stack)
{
    unsigned width = d->width;
    if (with_stack && (!x86_stack_push(c, stack, width, c->s.seg[SS].selector) ||
                       !x86_stack_push(c, stack, width, c->s.gpr[RSP])))
        return false;
    return x86_stack_push(c, stack, width, d->flags) &&
           x86_stack_push(c, stack, width, c->s.seg[CS].selector) &&
           x86_stack_push(c, stack, width, c->s.rip) &&
           (!d->event->has_code || x86_stack_push(c, stack, width, d->event->code));
}

/* Through an interrupt or trap gate. */
static bool deliver_gate(struct x86_core *c, struct delivery *d)
{
    struct x86_stack stack;
    struct x86_descriptor ss;
    if (!gate_code(c, d))
        return false;
    bool conforming = d->code.attributes & SEG_CONFORMING, v86 = x86_v86(c);
    unsigned cpl = conforming ? c->s.cpl : x86_dpl(d->code.attributes);
    bool inner = cpl < c->s.cpl;
    if (!delivery_stack(c, d, cpl, &stack, &ss) || (v86 && !push_segments_v86(c, &stack, d->width)) ||
        !push_frame(c, d, &stack, inner || x86_long_mode(c)))
        return false;
    if (!x86_rip_valid(c, &d->code, d->rip, d->ext) || !x86_descriptor_mark(c, &d->code, SEG_ACCESSED, 0) ||
        (ss.attributes && !x86_descriptor_mark(c, &ss, SEG_ACCESSED, 0)))
        return false;
    x86_code_segment_load(c, &d->code, cpl);
    if (inner && x86_long_mode(c))
        x86_null_segment_load(c, SS, (uint16_t)cpl);
    else if (inner)
        c->s.seg[SS] = x86_segment_of(&ss);
    for (unsigned n = ES; v86 && n <= GS; n++) {
        if (n != CS && n != SS)
            x86_null_segment_load(c, n, 0);
    }
    x86_stack_commit(c, &stack);
    uint64_t cleared = FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM;
    if (!(x86_type(d->gate.attributes) & 1))
        cleared |= FLAG_IF;
    x86_flags_write(c, cleared, 0);
    c->s.rip = d->rip;
    return true;
}

static bool deliver_task(struct x86_core *c, const struct delivery *d)
{
    x86_flags_settle(c);
    c->s.rflags = d->flags;
    if (!x86_task_gate(c, &d->gate, TASK_INTERRUPT, d->ext))
        return false;
    return !d->event->has_code || x86_task_push_error(c, d->event->code, d->ext);
}

/* INT n of a virtual-8086 program: the redirection bitmap, 32 bytes below the I/O bitmap, says whether its
 * own interrupt table serves it. Without VME, or with the bit set: no. False with *faulted: the TSS. */
static bool v86_redirected(struct x86_core *c, uint8_t vector, bool *faulted)
{
    const struct x86_segment *tr = &c->s.seg[TR];
    *faulted = false;
    if (!(c->s.cr4 & CR4_VME) || !(tr->attributes & 8) || tr->limit < 103)
        return false;
    struct x86_loaded map = x86_system_read(c, tr->base + 102, 2);
    *faulted = !map.ok;
    uint64_t at = map.value - 32 + vector / 8;
    if (!map.ok || map.value < 32 || at > tr->limit)
        return false;
    struct x86_loaded byte = x86_system_read(c, tr->base + at, 1);
    *faulted = !byte.ok;
    return byte.ok && !(byte.value >> (vector & 7) & 1);
}

static bool deliver_v86_software(struct x86_core *c, struct delivery *d, bool *done)
{
    bool faulted;
    *done = true;
    if (v86_redirected(c, d->event->vector, &faulted)) {
        if (x86_iopl(c) < 3) {
            bool vif = c->s.rflags & FLAG_VIF;
            d->flags = (d->flags & ~(FLAG_IF)) | FLAG_IOPL | (vif ? FLAG_IF : 0);
        }
        return deliver_real(c, d);
    }
    if (faulted)
        return false;
    if (x86_iopl(c) < 3)
        return x86_fault_gp(c, 0);
    *done = false;
    return true;
}

/* The RF that is pushed: a fault's instruction is not to hit its breakpoint again. */
static bool pushes_rf(const struct x86_fault *event, enum x86_cause cause)
{
    static const uint32_t not_faults =
        1u << EXC_DB | 1u << EXC_BP | 1u << EXC_OF | 1u << EXC_DF | 1u << EXC_MC;
    return cause == CAUSE_EXCEPTION && !(not_faults >> event->vector & 1);
}

/* A trap that MOV SS held back is reported with the debug exception that comes first (INT1): on the same
 * stack of the interrupt stack table, one more in its handler would make that forget where it came from. */
static void debug_pending_report(struct x86_core *c)
{
    if (c->s.debug_pending)
        x86_debug_condition(c, c->s.debug_pending);
    c->s.debug_pending = 0;
}

bool x86_deliver(struct x86_core *c, enum x86_cause cause, const struct x86_fault *event)
{
    if (event->vector == EXC_DB && cause != CAUSE_SOFTWARE)
        debug_pending_report(c);
    struct delivery d = {.event = event, .cause = cause, .ext = cause == CAUSE_SOFTWARE ? 0 : ERROR_EXT};
    d.flags = x86_flags_get(c);
    if (pushes_rf(event, cause))
        d.flags |= FLAG_RF;
    if (!(c->s.cr0 & CR0_PE))
        return deliver_real(c, &d);
    if (x86_v86(c) && cause == CAUSE_SOFTWARE && event->vector != EXC_BP && event->vector != EXC_OF) {
        bool done, ok = deliver_v86_software(c, &d, &done);
        if (done)
            return ok;
    }
    if (!gate_read(c, &d) || !gate_checks(c, &d))
        return false;
    return x86_type(d.gate.attributes) == TYPE_TASK_GATE ? deliver_task(c, &d) : deliver_gate(c, &d);
}

/* ---- exceptions on the way to exceptions (SDM vol. 3, table 6-5) ---- */

static bool is_contributory(uint8_t vector)
{
    return vector == EXC_DE || (vector >= EXC_TS && vector <= EXC_GP);
}

static bool makes_double_fault(uint8_t first, uint8_t second)
{
    if (first == EXC_PF)
        return second == EXC_PF || is_contributory(second);
    return is_contributory(first) && is_contributory(second);
}

static void shutdown_enter(struct x86_core *c)
{
    if (trace_on(TRACE_EXC))
        trace_line(TRACE_EXC, (int)c->vcpu.index, "triple fault at %#llx", (unsigned long long)c->s.rip);
    c->s.activity = ACTIVITY_SHUTDOWN;
    x86_exit(c, EXIT_SHUTDOWN);
}

static void trace_event(const struct x86_core *c, const struct x86_fault *event, enum x86_cause cause)
{
    static const char *const names[] = {"interrupt", "exception", "software", "int1"};
    if (trace_on(TRACE_EXC))
        trace_line(TRACE_EXC, (int)c->vcpu.index, "%s %u code %#x at %04x:%#llx cr2 %#llx", names[cause],
                   event->vector, event->code, c->s.seg[CS].selector, (unsigned long long)c->s.rip,
                   (unsigned long long)event->address);
}

/* Deliver; and what comes of it when that fails. */
static void deliver_all(struct x86_core *c, enum x86_cause cause, struct x86_fault event)
{
    bool serious = cause == CAUSE_EXCEPTION;
    c->s.shadow = SHADOW_NONE; /* was the next instruction's, which is the handler's now */
    vcpu_exit_count(&c->vcpu, cause == CAUSE_EXTERNAL ? EXIT_INTERRUPT : EXIT_EXCEPTION);
    for (;;) {
        if (event.vector == EXC_PF && cause == CAUSE_EXCEPTION)
            c->s.cr2 = event.address;
        /* Error codes exist in protected mode only. */
        event.has_code = event.has_code && c->s.cr0 & CR0_PE;
        trace_event(c, &event, cause);
        c->task_switched = false;
        x86_resync(c);
        if (x86_deliver(c, cause, &event))
            return;
        if (c->fault.vector == FAULT_STOP) {
            c->leaving = true;
            return;
        }
        if (serious && event.vector == EXC_DF) {
            shutdown_enter(c);
            return;
        }
        bool double_fault = serious && makes_double_fault(event.vector, c->fault.vector);
        event = double_fault ? (struct x86_fault){.vector = EXC_DF, .has_code = true} : c->fault;
        cause = CAUSE_EXCEPTION;
        serious = true;
        /* After a task switch the next exception is the new task's; what it needs is derived anew. */
        x86_context(c);
    }
}

void x86_exception(struct x86_core *c)
{
    deliver_all(c, CAUSE_EXCEPTION, c->fault);
}

void x86_interrupt(struct x86_core *c, uint8_t vector)
{
    deliver_all(c, CAUSE_EXTERNAL, (struct x86_fault){.vector = vector});
}

/* ---- events between instructions ---- */

void x86_debug_trap(struct x86_core *c, uint32_t dr6_bits)
{
    c->s.debug_pending |= dr6_bits;
    x86_resync(c);
}

/* Behind the NMI that is being served waits one more. Two that come between the same two instructions are
 * the one to be served next and the one that waits for its IRET. */
void x86_nmi_collect(struct x86_core *c, uint32_t events)
{
    unsigned pending = c->s.nmi_pending + (events >> EVENT_NMI & 1) + (events >> EVENT_NMI_AGAIN & 1);
    unsigned most = c->s.nmi_blocked ? 1 : 2;
    c->s.nmi_pending = (uint8_t)(pending < most ? pending : most);
}

/* What other threads have signalled becomes state. */
static void events_collect(struct x86_core *c)
{
    if (!__atomic_load_n(&c->events, __ATOMIC_SEQ_CST))
        return;
    uint32_t events = __atomic_exchange_n(&c->events, 0, __ATOMIC_SEQ_CST);
    x86_nmi_collect(c, events);
    c->s.smi_pending |= events >> EVENT_SMI & 1;
    if (events >> EVENT_INIT & 1) {
        c->s.init_pending = 1;
        c->s.sipi_pending = 0;
    }
    if (events >> EVENT_SIPI & 1) {
        c->s.sipi_pending = 1;
        c->s.sipi_vector = __atomic_load_n(&c->sipi_vector, __ATOMIC_SEQ_CST);
    }
}

static bool debug_trap_take(struct x86_core *c)
{
    c->s.dr[7] &= ~(uint64_t)DR7_GD;
    c->s.activity = ACTIVITY_RUNNING; /* the trap of HLT itself */
    x86_fault(c, EXC_DB);
    x86_exception(c);
    return true;
}

static bool init_take(struct x86_core *c)
{
    c->s.init_pending = 0;
    x86_init_reset(c);
    return true;
}

/* SIPI means something to a processor that waits for one only. */
static bool sipi_take(struct x86_core *c)
{
    c->s.sipi_pending = 0;
    if (c->s.activity != ACTIVITY_WAIT_FOR_SIPI)
        return false;
    x86_sipi_start(c, c->s.sipi_vector);
    return true;
}

static bool intr_take(struct x86_core *c)
{
    bool line = __atomic_load_n(&c->lines, __ATOMIC_SEQ_CST) & (1u << X86_LINE_INTR);
    if (!line || !(c->s.rflags & FLAG_IF) || !c->hooks.interrupt_acknowledge)
        return false;
    int vector = c->hooks.interrupt_acknowledge(c->hooks.opaque);
    if (vector < 0)
        return false;
    c->s.activity = ACTIVITY_RUNNING;
    x86_interrupt(c, (uint8_t)vector);
    return true;
}

bool x86_event_waits(const struct x86_core *c)
{
    return __atomic_load_n(&c->lines, __ATOMIC_SEQ_CST) & (1u << X86_LINE_INTR) ||
           __atomic_load_n(&c->events, __ATOMIC_SEQ_CST) || c->s.nmi_pending || c->s.smi_pending ||
           c->s.init_pending || c->s.sipi_pending || c->s.debug_pending;
}

bool x86_event_take(struct x86_core *c)
{
    events_collect(c);
    if (c->s.init_pending && !c->s.in_smm)
        return init_take(c);
    if (c->s.sipi_pending && sipi_take(c))
        return true;
    if (c->s.activity == ACTIVITY_WAIT_FOR_SIPI || c->s.activity == ACTIVITY_SHUTDOWN)
        return false;
    if (c->s.smi_pending && !c->s.in_smm && c->s.shadow == SHADOW_NONE) {
        c->s.smi_pending = 0;
        x86_smm_enter(c);
        return true;
    }
    if (c->s.shadow == SHADOW_MOV_SS)
        return false;
    if (c->s.debug_pending)
        return debug_trap_take(c);
    if (c->s.shadow == SHADOW_STI)
        return false;
    if (c->s.nmi_pending && !c->s.nmi_blocked) {
        c->s.nmi_pending--;
        c->s.nmi_blocked = 1;
        c->s.activity = ACTIVITY_RUNNING;
        x86_interrupt(c, EXC_NMI);
        return true;
    }
    return intr_take(c);
}
