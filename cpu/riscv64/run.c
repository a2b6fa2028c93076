/*
 * The interpreter's outer loop: between runs of blocks it does queued work, takes interrupts, selects the
 * translation context, and finds the block to go on with; and the ways handlers come back to it.
 */
#include "base/trace.h"
#include "cpu/riscv64/blocks.h"
#include "cpu/riscv64/debug.h"

/* Put state.pc at i, and take back the count of the instructions from i on that won't be executed. Slots that
 * are no instructions have the offset of the one behind them. */
static void rewind_to(struct riscv_core *c, const struct riscv_insn *i, uint64_t pc)
{
    c->s.pc = pc + 2 * (uint64_t)i->offset;
    for (; i->run != riscv_block_end; i++) {
        if (i[1].offset != i->offset)
            c->vcpu.icount--;
    }
}

const struct riscv_insn *riscv_raise(struct riscv_core *c, const struct riscv_insn *i, struct tlb_bank *bank,
                                     uint64_t pc)
{
    (void)bank;
    rewind_to(c, i, pc);
    if (c->fault.cause == FAULT_STOP) {
        c->leaving = true;
        c->stopped.valid = true;
        c->stopped.pc = c->s.pc;
        c->stopped.icount = c->vcpu.icount;
    } else
        riscv_trap(c, c->fault.cause, c->fault.tval);
    return leave();
}

/* The bits of the instruction at i, from the memory it was decoded from. */
static uint32_t insn_bits(struct riscv_core *c, const struct riscv_insn *i)
{
    const struct riscv_insn *end = i;
    while (end->run != riscv_block_end)
        end++;
    if (i > end - end->imm && i[-1].run == riscv_straddle)
        return (uint32_t)i[-1].imm;
    gpa_t p = gpa(riscv_block_of_end(end)->pa + 2 * (uint64_t)i->offset);
    uint64_t bits = 0;
    physmem_load(c->vcpu.mem, p, i[1].offset - i->offset == 2 ? 4 : 2, &bits);
    return (uint32_t)bits;
}

const struct riscv_insn *riscv_illegal(struct riscv_core *c, const struct riscv_insn *i,
                                       struct tlb_bank *bank, uint64_t pc)
{
    c->fault = (struct riscv_fault){EXC_ILLEGAL, insn_bits(c, i)};
    TAIL return riscv_raise(c, i, bank, pc);
}

/* The limit was reached: see why. False: run() is over. */
static bool attend(struct riscv_core *c)
{
    if (interpreter_attend(&c->vcpu))
        return false;
    vcpu_limit_lower(&c->vcpu, riscv_counters_check(c));
    riscv_resync(c);
    return true;
}

static void run_block(struct riscv_core *c, const struct riscv_insn *first, struct tlb_bank *bank)
{
    const struct riscv_insn *i = first;
    c->loop_pc = c->s.pc;
    while (i)
        i = i->run(c, i, bank, c->loop_pc);
}

/* One instruction, and no block behind it. */
static void run_single(struct riscv_core *c, struct tlb_bank *bank)
{
    const struct riscv_insn *first = riscv_block_single(c, c->s.pc);
    if (!first) {
        riscv_trap(c, c->fault.cause, c->fault.tval);
        return;
    }
    bool traced = trace_on(TRACE_INSN);
    if (traced)
        riscv_trace_before(c);
    c->vcpu.icount++;
    vcpu_limit_lower(&c->vcpu, c->vcpu.icount);
    run_block(c, first, bank);
    if (traced)
        riscv_trace_after(c);
}

/* Blocks from state.pc on, until something wants the outer loop. */
static void run_blocks(struct riscv_core *c, struct tlb_bank *bank)
{
    const struct riscv_jump *jump = riscv_jump_slot(c, c->s.pc);
    const struct riscv_insn *first = jump->pc == c->s.pc && jump->key == c->jump_key ? jump->first : NULL;
    if (!first)
        first = riscv_block_at(c, c->s.pc);
    if (c->resync)
        return;
    uint64_t limit = __atomic_load_n(&c->vcpu.limit, __ATOMIC_RELAXED);
    if (!first || c->vcpu.icount + riscv_block_of_first(first)->count > limit) {
        if (limit)
            run_single(c, bank);
        return;
    }
    c->vcpu.icount += riscv_block_of_first(first)->count;
    if (trace_on(TRACE_BLOCK)) {
        trace_line(TRACE_BLOCK, (int)c->vcpu.index, "%#llx: %u instructions", (unsigned long long)c->s.pc,
                   riscv_block_of_first(first)->count);
        vcpu_limit_lower(&c->vcpu, c->vcpu.icount);
    }
    run_block(c, first, bank);
}

/* Whether the hart sleeps; if it has a reason not to, it doesn't any more. */
static bool asleep(struct riscv_core *c)
{
    if (c->s.started && !c->s.waiting)
        return false;
    if (!c->vcpu.ops->has_work(&c->vcpu))
        return true;
    c->s.waiting = WAIT_NOT;
    return false;
}

/* One turn of the outer loop. */
static void turn(struct riscv_core *c, struct tlb_bank **bank)
{
    if (c->resync) {
        c->resync = false;
        if (!c->vcpu.single_step)
            riscv_interrupt(c);
        c->resync = false; /* a trap's change is seen to right here */
        *bank = riscv_context(c);
    }
    c->stopped.passing = c->stopped.valid && c->stopped.pc == c->s.pc && c->stopped.icount == c->vcpu.icount;
    c->stopped.valid = false;
    if (c->vcpu.single_step || c->stopped.passing || trace_on(TRACE_INSN))
        run_single(c, *bank);
    else
        run_blocks(c, *bank);
}

static void exit_set(struct riscv_core *c, enum exit_reason reason)
{
    *c->exit = (struct vcpu_exit){.reason = reason};
    c->leaving = true;
}

void riscv_interpret(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    struct riscv_core *c = riscv_core_of(vcpu);
    struct tlb_bank *bank = NULL;
    c->exit = exit;
    c->leaving = false;
    vcpu->halted = false;
    c->running = true;
    riscv_counters_start(c);
    riscv_fp_enter(c);
    __atomic_store_n(&vcpu->limit, 0, __ATOMIC_SEQ_CST);
    while (!c->leaving) {
        if (vcpu_limit_reached(&c->vcpu) && !attend(c)) {
            exit_set(c, EXIT_KICKED);
        } else if (asleep(c)) {
            vcpu->halted = true;
            exit_set(c, EXIT_HALT);
        } else {
            turn(c, &bank);
            if (vcpu->single_step && !c->leaving) {
                exit_set(c, EXIT_DEBUG);
                exit->debug.address = c->s.pc;
                exit->debug.access = WALK_FETCH;
            }
        }
    }
    riscv_fp_leave(c);
    riscv_counters_stop(c);
    c->running = false;
}
