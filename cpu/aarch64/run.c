/*
 * The interpreter's outer loop: between runs of blocks it does queued work, takes interrupts, selects the
 * translation context, and finds the block to go on with; and the ways handlers come back to it.
 */
#include "base/trace.h"
#include "cpu/aarch64/branch.h"
#include "cpu/aarch64/debug.h"
#include "cpu/aarch64/exception.h"
#include "cpu/aarch64/fpcr.h"
#include "cpu/aarch64/mmu.h"
#include "cpu/aarch64/pauth.h"
#include "cpu/aarch64/pmu.h"

void aarch64_stopped_here(struct aarch64_core *c)
{
    c->stopped.valid = true;
    c->stopped.pc = c->s.pc;
    c->stopped.icount = c->vcpu.icount;
}

A64_HANDLER(go_on)
{
    (void)i, (void)pc;
    /* Debug points need no look: code in their pages is never known. */
    if (vcpu_limit_reached(&c->vcpu) || aarch64_lines(c) || (c->s.mdscr_el1 & MDSCR_SS) ||
        (c->s.pstate & PSTATE_IL))
        return a64_leave();
    c->resync = false;
    bank = aarch64_context(c);
    const struct aarch64_jump *jump = aarch64_jump_slot(c, c->s.pc);
    if (jump->pc != c->s.pc || jump->key != c->jump_key)
        return a64_leave();
    TAIL return a64_enter(c, jump->first, bank, c->s.pc);
}

A64_HANDLER(go_on_after)
{
    a64_retire(c, i);
    c->s.pc = a64_pc(i, pc) + 4;
    TAIL return a64_go_on(c, i, bank, pc);
}

A64_HANDLER(raise)
{
    c->s.pc = a64_pc(i, pc);
    c->vcpu.icount += i->offset;
    c->stepping.completed = false;
    if (c->fault.stop) {
        c->leaving = true;
        aarch64_stopped_here(c);
        return a64_leave();
    }
    aarch64_exception(c);
    TAIL return a64_go_on(c, i, bank, pc);
}

A64_HANDLER(undefined)
{
    c->fault = (struct aarch64_fault){.ec = EC_UNKNOWN};
    TAIL return a64_raise(c, i, bank, pc);
}

A64_HANDLER(again)
{
    (void)bank;
    c->s.pc = a64_pc(i, pc);
    c->vcpu.icount += i->offset;
    c->stepping.completed = false;
    return a64_leave();
}

/* The limit was reached: see why. False: run() is over. */
static bool attend(struct aarch64_core *c)
{
    if (interpreter_attend(&c->vcpu))
        return false;
    vcpu_limit_lower(&c->vcpu, aarch64_pmu_check(c));
    aarch64_resync(c);
    return true;
}

static void run_block(struct aarch64_core *c, const struct a64_insn *first)
{
    const struct a64_insn *i = first;
    c->loop_pc = c->s.pc;
    while (i)
        i = i->run(c, i, c->bank, c->loop_pc);
}

/* Nothing can be fetched here. It counts as an instruction, as vectors that are not there would make no
 * progress. */
static void fetch_fault(struct aarch64_core *c)
{
    aarch64_exception(c);
    c->vcpu.icount++;
}

/* One instruction, and no block behind it. */
static void run_single(struct aarch64_core *c)
{
    const struct a64_insn *first = aarch64_block_single(c, c->s.pc);
    if (!first) {
        fetch_fault(c);
        return;
    }
    bool traced = trace_on(TRACE_INSN);
    if (traced)
        aarch64_trace_before(c);
    vcpu_limit_lower(&c->vcpu, c->vcpu.icount);
    run_block(c, first);
    aarch64_returns_forget(c);
    if (traced)
        aarch64_trace_after(c);
}

/* A single instruction under the guest's own software step. */
static void run_stepped(struct aarch64_core *c)
{
    uint64_t monitor = c->s.monitor_address;
    c->stepping.completed = true;
    c->stepping.stepped = false;
    run_single(c);
    if (!c->stepping.completed)
        return;
    c->stepping.stepped = aarch64_step_active(c);
    c->stepping.exclusive = c->s.monitor_address != monitor && c->s.monitor_address != ~(uint64_t)0;
    c->s.pstate &= ~(uint32_t)PSTATE_SS;
}

/* Blocks from state.pc on, until something wants the outer loop. */
static void run_blocks(struct aarch64_core *c)
{
    const struct aarch64_jump *jump = aarch64_jump_slot(c, c->s.pc);
    const struct a64_insn *first = jump->pc == c->s.pc && jump->key == c->jump_key ? jump->first : NULL;
    if (!first)
        first = aarch64_block_at(c, c->s.pc);
    if (c->resync)
        return;
    uint64_t limit = __atomic_load_n(&c->vcpu.limit, __ATOMIC_RELAXED);
    if (!first || c->vcpu.icount + a64_block_of_first(first)->count > limit) {
        if (limit)
            run_single(c);
        return;
    }
    if (trace_on(TRACE_BLOCK)) {
        trace_line(TRACE_BLOCK, (int)c->vcpu.index, "%#llx: %u instructions", (unsigned long long)c->s.pc,
                   a64_block_of_first(first)->count);
        vcpu_limit_lower(&c->vcpu, c->vcpu.icount);
    }
    run_block(c, first);
}

/* Whether the core sleeps; if it has a reason not to, it doesn't any more. */
static bool asleep(struct aarch64_core *c)
{
    if (c->s.started && !c->s.waiting)
        return false;
    if (!c->vcpu.ops->has_work(&c->vcpu))
        return true;
    c->s.waiting = 0;
    c->s.wait_end = 0;
    return false;
}

/* What every instruction has to be looked at for, by the priority of exceptions (D1.3.5.5): software step, PC
 * alignment and instruction aborts, breakpoints, illegal execution state. */
static bool run_carefully(struct aarch64_core *c)
{
    bool illegal = c->s.pstate & PSTATE_IL, stepped = aarch64_step_active(c);
    bool breaks = aarch64_breaks_in_page(c, c->s.pc);
    if (likely(!illegal && !stepped && !breaks))
        return false;
    if (stepped && !aarch64_step_check(c))
        return true;
    if ((illegal || breaks) && !aarch64_fetch(c, c->s.pc).host) {
        fetch_fault(c);
        return true;
    }
    if (breaks && !aarch64_break_check(c))
        return true;
    if (illegal) {
        c->fault = (struct aarch64_fault){.ec = EC_ILLEGAL_STATE};
        aarch64_exception(c);
        return true;
    }
    stepped ? run_stepped(c) : run_single(c);
    return true;
}

/* One turn of the outer loop. */
static void turn(struct aarch64_core *c)
{
    if (c->resync) {
        c->resync = false;
        if (!c->vcpu.single_step)
            aarch64_interrupt(c);
        c->resync = false; /* an exception's change is seen to right here */
        aarch64_context(c);
    }
    c->stopped.passing = c->stopped.valid && c->stopped.pc == c->s.pc && c->stopped.icount == c->vcpu.icount;
    c->stopped.valid = false;
    if (run_carefully(c))
        return;
    if (c->vcpu.single_step || c->stopped.passing || trace_on(TRACE_INSN))
        run_single(c);
    else
        run_blocks(c);
}

static void exit_set(struct aarch64_core *c, enum exit_reason reason)
{
    *c->exit = (struct vcpu_exit){.reason = reason};
    c->leaving = true;
}

void aarch64_interpret(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    struct aarch64_core *c = aarch64_core_of(vcpu);
    c->exit = exit;
    c->leaving = false;
    c->btype_at = vcpu->icount;
    vcpu->halted = false;
    c->running = true;
    aarch64_fp_enter(c);
    aarch64_pauth_update(c);
    aarch64_pmu_start(c);
    __atomic_store_n(&vcpu->limit, 0, __ATOMIC_SEQ_CST);
    while (!c->leaving) {
        if (vcpu_limit_reached(&c->vcpu) && !attend(c)) {
            exit_set(c, EXIT_KICKED);
        } else if (asleep(c)) {
            vcpu->halted = true;
            exit_set(c, EXIT_HALT);
        } else {
            turn(c);
            if (vcpu->single_step && !c->leaving)
                *exit = (struct vcpu_exit){.reason = EXIT_DEBUG,
                                           .debug = {.address = c->s.pc, .access = WALK_FETCH}};
            c->leaving |= vcpu->single_step;
        }
    }
    aarch64_pmu_stop(c);
    aarch64_fp_leave(c);
    c->s.btype = (uint8_t)aarch64_btype(c);
    c->running = false;
}
