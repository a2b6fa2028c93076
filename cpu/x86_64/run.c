/*
 * The interpreter's outer loop: between runs of blocks it does queued work, takes events, selects the
 * translation context, and finds the block to go on with; and the ways handlers come back to it.
 */
#include "cpu/x86_64/run.h"

#include "base/trace.h"
#include "cpu/x86_64/blocks.h"
#include "cpu/x86_64/debug.h"
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/mmu.h"
#include "cpu/x86_64/pmu.h"

/* state.rip at i; the instructions behind it, counted when the block was entered, won't be executed. */
static void rewind_to(struct x86_core *c, const struct x86_insn *i, uint64_t pc)
{
    c->s.rip = x86_rip(i, pc) & x86_rip_mask(c);
    c->vcpu.icount -= i->left - 1u;
}

X86_HANDLER(x86_raise)
{
    uint64_t rip = c->s.rip;
    (void)bank;
    rewind_to(c, i, pc);
    if (c->task_switched)
        c->s.rip = rip;
    c->faulted = true;
    if (c->fault.vector == FAULT_STOP) {
        c->vcpu.icount--;
        c->leaving = true;
        c->stopped.valid = true;
        c->stopped.linear = x86_code_linear(c, c->s.rip);
        c->stopped.icount = c->vcpu.icount;
    } else if (c->fault.vector == FAULT_AGAIN) {
        c->vcpu.icount--;
        x86_resync(c);
    } else {
        x86_exception(c);
    }
    return x86_leave();
}

X86_HANDLER(x86_undefined)
{
    x86_fault_ud(c);
    TAIL return x86_raise(c, i, bank, pc);
}

X86_HANDLER(x86_unavailable)
{
    x86_fault(c, EXC_NM);
    TAIL return x86_raise(c, i, bank, pc);
}

X86_HANDLER(x86_leave_at)
{
    (void)i, (void)bank;
    c->s.rip = pc;
    return x86_leave();
}

X86_HANDLER(x86_leave_after)
{
    (void)bank;
    rewind_to(c, i, pc);
    c->s.rip = x86_rip_next(i, pc) & x86_rip_mask(c);
    return x86_leave();
}

/* The limit was reached: see why. False: run() is over. */
static bool attend(struct x86_core *c)
{
    if (interpreter_attend(&c->vcpu))
        return false;
    vcpu_limit_lower(&c->vcpu, x86_pmu_check(c));
    x86_resync(c);
    return true;
}

void x86_exit(struct x86_core *c, enum exit_reason reason)
{
    *c->exit = (struct vcpu_exit){.reason = reason};
    c->leaving = true;
}

static void run_block(struct x86_core *c, const struct x86_insn *first)
{
    const struct x86_insn *i = first;
    c->loop_pc = c->s.gpr[X86_BLOCK] = c->s.rip;
    c->faulted = c->task_switched = c->no_step = false;
    /* The bank is looked up each time: STAC and the like choose another one and go on in the block. */
    while (i)
        i = i->run(c, i, c->bank, c->loop_pc);
    c->leave_after = false;
    if (unlikely(c->debug_hits)) {
        if (!c->faulted)
            x86_debug_trap(c, c->debug_hits);
        c->debug_hits = 0;
    }
}

/* The fault of a fetch at state.rip. */
static void fetch_fault(struct x86_core *c)
{
    c->vcpu.icount++;
    x86_exception(c);
}

/* One instruction, and no block behind it. */
static void run_single(struct x86_core *c)
{
    bool trap = c->s.rflags & FLAG_TF;
    const struct x86_insn *first = x86_code_valid(c, c->s.rip) ? x86_block_single(c, c->s.rip) : NULL;
    x86_resync(c);
    if (!first) {
        fetch_fault(c);
        return;
    }
    if (trace_on(TRACE_INSN))
        x86_trace_insn(c);
    c->s.shadow = SHADOW_NONE;
    c->s.rflags &= ~FLAG_RF;
    c->vcpu.icount++;
    vcpu_limit_lower(&c->vcpu, c->vcpu.icount);
    c->stepping = trap;
    c->resync = false;
    run_block(c, first);
    c->stepping = false;
    x86_resync(c);
    if (c->faulted || c->no_step || c->leaving)
        return;
    /* MOV SS puts the trap of its own single step off; the next instruction's comes instead. */
    if (trap && c->s.shadow != SHADOW_MOV_SS)
        x86_debug_trap(c, DR6_BS);
}

/* Blocks from state.rip on, until something wants the outer loop. */
static void run_blocks(struct x86_core *c)
{
    uint64_t linear = x86_code_linear(c, c->s.rip);
    const struct x86_jump *jump = x86_jump_slot(c, linear);
    const struct x86_insn *first = jump->linear == linear && jump->key == c->jump_key ? jump->first : NULL;
    if (!x86_code_valid(c, c->s.rip)) {
        fetch_fault(c);
        return;
    }
    if (!first)
        first = x86_block_at(c, c->s.rip);
    if (c->resync)
        return;
    uint64_t limit = __atomic_load_n(&c->vcpu.limit, __ATOMIC_RELAXED);
    if (!first || c->vcpu.icount + x86_block_of_first(first)->count > limit) {
        if (limit)
            run_single(c);
        return;
    }
    c->vcpu.icount += x86_block_of_first(first)->count;
    if (trace_on(TRACE_BLOCK)) {
        trace_line(TRACE_BLOCK, (int)c->vcpu.index, "block %#llx: %u instructions",
                   (unsigned long long)c->s.rip, x86_block_of_first(first)->count);
        vcpu_limit_lower(&c->vcpu, c->vcpu.icount);
    }
    run_block(c, first);
}

bool x86_has_work(struct vcpu *vcpu)
{
    struct x86_core *c = x86_core_of(vcpu);
    uint32_t events = __atomic_load_n(&c->events, __ATOMIC_SEQ_CST);
    bool init = (events & (1u << EVENT_INIT) || c->s.init_pending) && !c->s.in_smm;
    switch (c->s.activity) {
    case ACTIVITY_RUNNING: return true;
    case ACTIVITY_WAIT_FOR_SIPI: return init || events & (1u << EVENT_SIPI) || c->s.sipi_pending;
    case ACTIVITY_SHUTDOWN: return init;
    default: break;
    }
    bool nmi = events & (1u << EVENT_NMI) || c->s.nmi_pending;
    bool smi = events & (1u << EVENT_SMI) || c->s.smi_pending;
    if (init || (nmi && !c->s.nmi_blocked) || (smi && !c->s.in_smm) || c->s.debug_pending)
        return true;
    bool intr = __atomic_load_n(&c->lines, __ATOMIC_SEQ_CST) & (1u << X86_LINE_INTR);
    return intr && (c->s.rflags & FLAG_IF);
}

/* One turn of the outer loop. */
static void turn(struct x86_core *c)
{
    if (c->resync) {
        c->resync = false;
        x86_context(c);
        if (!c->vcpu.single_step && x86_event_take(c)) {
            x86_resync(c);
            return;
        }
    }
    if (c->s.activity != ACTIVITY_RUNNING) {
        x86_resync(c);
        return;
    }
    uint64_t linear = x86_code_linear(c, c->s.rip);
    c->stopped.passing =
        c->stopped.valid && c->stopped.linear == linear && c->stopped.icount == c->vcpu.icount;
    c->stopped.valid = false;
    if (!(c->mode & MODE_BREAK))
        c->s.rflags &= ~FLAG_RF;
    else if (!c->stopped.passing && !(c->s.rflags & FLAG_RF) && x86_code_break(c, linear))
        return;
    bool single = c->run_single;
    c->run_single = false;
    if (single || c->vcpu.single_step || c->stopped.passing || c->s.shadow ||
        c->s.rflags & (FLAG_TF | FLAG_RF) || trace_on(TRACE_INSN))
        run_single(c);
    else
        run_blocks(c);
}

/* Whether the processor sleeps. */
static bool asleep(struct x86_core *c)
{
    return c->s.activity != ACTIVITY_RUNNING && !x86_has_work(&c->vcpu);
}

void x86_interpret(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    struct x86_core *c = x86_core_of(vcpu);
    c->exit = exit;
    c->leaving = false;
    c->lazy.how = LAZY_FLAGS;
    vcpu->halted = false;
    x86_resync(c);
    __atomic_store_n(&vcpu->limit, 0, __ATOMIC_SEQ_CST);
    while (!c->leaving) {
        if (vcpu_limit_reached(&c->vcpu) && !attend(c)) {
            x86_exit(c, EXIT_KICKED);
        } else if (asleep(c)) {
            vcpu->halted = true;
            x86_exit(c, EXIT_HALT);
        } else {
            uint64_t before = vcpu->icount;
            turn(c);
            if (vcpu->single_step && !c->leaving && vcpu->icount != before) {
                x86_exit(c, EXIT_DEBUG);
                exit->debug.address = c->s.rip;
                exit->debug.access = WALK_FETCH;
            }
        }
    }
    x86_flags_settle(c);
}
