/*
 * Transfers to other code segments: far jumps, calls and returns, call gates, IRET (SDM vol. 2 and vol.
 * 3, 5.8).
 */
#include "cpu/x86_64/far.h"

#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/kinds.h"
#include "cpu/x86_64/segment.h"

/* Where a transfer goes. */
struct target {
    struct x86_descriptor code;
    uint64_t rip;
    unsigned width; /* of what is pushed */
};

static uint32_t error_of(uint16_t selector)
{
    return x86_selector_error(selector, 0);
}

/* A code segment in 64-bit mode's sense can't be a 32-bit one too. */
static bool long_bits_valid(const struct x86_core *c, const struct x86_descriptor *code)
{
    return !x86_long_mode(c) || (code->attributes & (SEG_L | SEG_DB)) != (SEG_L | SEG_DB);
}

/* ---- real and virtual-8086 mode ---- */

static void real_code_load(struct x86_core *c, uint16_t selector, uint64_t rip)
{
    if (x86_v86(c))
        x86_v86_segment_load(c, CS, selector);
    else
        x86_real_segment_load(c, CS, selector);
    c->s.rip = rip;
    x86_resync(c);
}

static bool real_transfer(struct x86_core *c, uint16_t selector, uint64_t rip, unsigned width, bool call)
{
    struct x86_stack stack = x86_stack_current(c);
    if (rip > c->s.seg[CS].limit)
        return x86_fault_gp(c, 0);
    if (call && (!x86_stack_push(c, &stack, width, c->s.seg[CS].selector) ||
                 !x86_stack_push(c, &stack, width, c->s.rip)))
        return false;
    x86_stack_commit(c, &stack);
    real_code_load(c, selector, rip);
    return true;
}

/* ---- to the same level ---- */

/* The checks of a transfer without a gate. */
static bool code_checks(struct x86_core *c, const struct x86_descriptor *code)
{
    unsigned dpl = x86_dpl(code->attributes), rpl = code->selector & 3;
    bool conforming = code->attributes & SEG_CONFORMING;
    if (conforming ? dpl > c->s.cpl : rpl > c->s.cpl || dpl != c->s.cpl)
        return x86_fault_gp(c, error_of(code->selector));
    if (!long_bits_valid(c, code))
        return x86_fault_gp(c, error_of(code->selector));
    return code->attributes & SEG_P || x86_fault_code(c, EXC_NP, error_of(code->selector));
}

static bool enter_same(struct x86_core *c, struct target *target, bool call)
{
    struct x86_stack stack = x86_stack_current(c);
    if (call && (!x86_stack_push(c, &stack, target->width, c->s.seg[CS].selector) ||
                 !x86_stack_push(c, &stack, target->width, c->s.rip)))
        return false;
    if (!x86_rip_valid(c, &target->code, target->rip, 0) ||
        !x86_descriptor_mark(c, &target->code, SEG_ACCESSED, 0))
        return false;
    x86_stack_commit(c, &stack);
    x86_code_segment_load(c, &target->code, c->s.cpl);
    c->s.rip = target->rip;
    return true;
}

/* ---- call gates ---- */

/* Words copied from the caller's stack, the last pushed first. */
static bool parameters_push(struct x86_core *c, const struct x86_stack *from, struct x86_stack *to,
                            unsigned count, unsigned width)
{
    while (count-- > 0) {
        uint64_t value;
        if (!x86_stack_peek(c, from, (uint64_t)count * width, width, &value) ||
            !x86_stack_push(c, to, width, value))
            return false;
    }
    return true;
}

/* The inner level's stack as the TSS names it. */
static bool inner_stack(struct x86_core *c, unsigned cpl, struct x86_stack *stack, struct x86_descriptor *ss)
{
    uint16_t selector;
    *stack = (struct x86_stack){.long_mode = x86_long_mode(c), .as = AS_SUPERVISOR};
    if (!x86_tss_stack(c, cpl, 0, &selector, &stack->sp))
        return false;
    stack->error = stack->long_mode ? 0 : error_of(selector);
    if (stack->long_mode)
        return true;
    if (!x86_stack_segment_read(c, selector, cpl, EXC_TS, 0, ss))
        return false;
    stack->ss = x86_segment_of(ss);
    return true;
}

static bool enter_inner(struct x86_core *c, struct target *target, unsigned parameters)
{
    struct x86_stack old = x86_stack_current(c), new;
    struct x86_descriptor ss;
    unsigned cpl = x86_dpl(target->code.attributes), width = target->width;
    if (!inner_stack(c, cpl, &new, &ss) || !x86_stack_push(c, &new, width, old.ss.selector) ||
        !x86_stack_push(c, &new, width, old.sp) ||
        !parameters_push(c, &old, &new, new.long_mode ? 0 : parameters, width) ||
        !x86_stack_push(c, &new, width, c->s.seg[CS].selector) || !x86_stack_push(c, &new, width, c->s.rip))
        return false;
    if (!x86_rip_valid(c, &target->code, target->rip, 0) ||
        !x86_descriptor_mark(c, &target->code, SEG_ACCESSED, 0) ||
        (!new.long_mode && !x86_descriptor_mark(c, &ss, SEG_ACCESSED, 0)))
        return false;
    x86_code_segment_load(c, &target->code, cpl);
    if (new.long_mode)
        x86_null_segment_load(c, SS, (uint16_t)cpl);
    else
        c->s.seg[SS] = x86_segment_of(&ss);
    x86_stack_commit(c, &new);
    c->s.rip = target->rip;
    return true;
}

/* What a call gate leads to; a jump may not change the level. */
static bool gate_target(struct x86_core *c, struct x86_descriptor *gate, bool call, struct target *target)
{
    uint16_t selector = (uint16_t)(gate->low >> 16);
    uint32_t error = error_of(selector);
    bool wide = x86_type(gate->attributes) == TYPE_CALL_GATE;
    target->width = x86_long_mode(c) ? 8 : wide ? 4 : 2;
    if (x86_long_mode(c) && !x86_descriptor_read_upper(c, EXC_GP, 0, gate))
        return false;
    target->rip = (gate->low & 0xffff) | (gate->high & 0xffff0000) | (uint64_t)gate->upper << 32;
    if (!wide)
        target->rip &= 0xffff;
    if (x86_is_null(selector))
        return x86_fault_gp(c, 0);
    if (!x86_descriptor_read(c, selector, EXC_GP, 0, &target->code))
        return false;
    uint16_t attributes = target->code.attributes;
    if (!x86_is_code(attributes) || x86_dpl(attributes) > c->s.cpl)
        return x86_fault_gp(c, error);
    if (!call && !(attributes & SEG_CONFORMING) && x86_dpl(attributes) != c->s.cpl)
        return x86_fault_gp(c, error);
    if (x86_long_mode(c) && (attributes & (SEG_L | SEG_DB)) != SEG_L)
        return x86_fault_gp(c, error);
    return attributes & SEG_P || x86_fault_code(c, EXC_NP, error);
}

static bool through_call_gate(struct x86_core *c, struct x86_descriptor *gate, bool call)
{
    struct target target;
    if (!gate_target(c, gate, call, &target))
        return false;
    unsigned dpl = x86_dpl(target.code.attributes);
    bool inner = dpl < c->s.cpl && !(target.code.attributes & SEG_CONFORMING);
    return inner ? enter_inner(c, &target, gate->high & 31) : enter_same(c, &target, call);
}

/* ---- far jumps and calls ---- */

static bool system_transfer(struct x86_core *c, struct x86_descriptor *d, bool call)
{
    uint32_t error = error_of(d->selector);
    unsigned type = x86_type(d->attributes), rpl = d->selector & 3;
    bool call_gate = type == TYPE_CALL_GATE || (type == TYPE_CALL_GATE16 && !x86_long_mode(c));
    bool task = (type == TYPE_TSS || type == TYPE_TSS16 || type == TYPE_TASK_GATE) && !x86_long_mode(c);
    if ((!call_gate && !task) || x86_dpl(d->attributes) < c->s.cpl || x86_dpl(d->attributes) < rpl)
        return x86_fault_gp(c, error);
    if (!(d->attributes & SEG_P))
        return x86_fault_code(c, EXC_NP, error);
    if (call_gate)
        return through_call_gate(c, d, call);
    enum x86_task_cause cause = call ? TASK_CALL : TASK_JUMP;
    return type == TYPE_TASK_GATE ? x86_task_gate(c, d, cause, 0) : x86_task_switch(c, d, cause, 0);
}

static bool far_transfer(struct x86_core *c, uint16_t selector, uint64_t rip, unsigned width, bool call)
{
    struct target target = {.rip = rip, .width = width};
    if (x86_real_like(c))
        return real_transfer(c, selector, rip, width, call);
    if (x86_is_null(selector))
        return x86_fault_gp(c, 0);
    if (!x86_descriptor_read(c, selector, EXC_GP, 0, &target.code))
        return false;
    if (!(target.code.attributes & SEG_S))
        return system_transfer(c, &target.code, call);
    if (!x86_is_code(target.code.attributes))
        return x86_fault_gp(c, error_of(selector));
    return code_checks(c, &target.code) && enter_same(c, &target, call);
}

static bool far_immediate(struct x86_core *c, const struct x86_insn *i, bool call)
{
    uint32_t offset = (uint32_t)i->imm64;
    return far_transfer(c, (uint16_t)(i->imm64 >> 32), offset, 1u << i->opsize, call);
}

static bool far_memory(struct x86_core *c, const struct x86_insn *i, bool call)
{
    unsigned width = 1u << i->opsize;
    uint64_t at = x86_operand_offset(c, i);
    struct x86_loaded offset = x86_read(c, i->seg, at, width);
    if (!offset.ok)
        return false;
    struct x86_loaded selector = x86_read(c, i->seg, (at + width) & x86_address_mask(i->asize), 2);
    return selector.ok && far_transfer(c, (uint16_t)selector.value, offset.value, width, call);
}

X86_DO(call_far)
{
    return far_immediate(c, i, true);
}
X86_SYSTEM(call_far)

X86_DO(jmp_far)
{
    return far_immediate(c, i, false);
}
X86_SYSTEM(jmp_far)

X86_DO(call_far_m)
{
    return far_memory(c, i, true);
}
X86_SYSTEM(call_far_m)

X86_DO(jmp_far_m)
{
    return far_memory(c, i, false);
}
X86_SYSTEM(jmp_far_m)

/* ---- returns ---- */

/* What the stack holds for a return: RIP, CS, and further up the outer SS:RSP. */
struct frame {
    struct x86_descriptor code, stack;
    uint64_t rip, cs, flags, rsp, ss;
};

/* The code segment of a far return or IRET: never to an inner level. */
static bool return_code_checks(struct x86_core *c, struct frame *frame)
{
    uint16_t selector = (uint16_t)frame->cs;
    uint32_t error = error_of(selector);
    unsigned rpl = selector & 3;
    if (x86_is_null(selector))
        return x86_fault_gp(c, 0);
    if (!x86_descriptor_read(c, selector, EXC_GP, 0, &frame->code))
        return false;
    uint16_t attributes = frame->code.attributes;
    unsigned dpl = x86_dpl(attributes);
    if (!x86_is_code(attributes) || rpl < c->s.cpl || !long_bits_valid(c, &frame->code))
        return x86_fault_gp(c, error);
    if (attributes & SEG_CONFORMING ? dpl > rpl : dpl != rpl)
        return x86_fault_gp(c, error);
    return attributes & SEG_P || x86_fault_code(c, EXC_NP, error);
}

/* What comes last of the checks, after the stack's: RIP; then the descriptors are marked. */
static bool return_finish(struct x86_core *c, struct frame *frame, bool pops_stack)
{
    return x86_rip_valid(c, &frame->code, frame->rip, 0) &&
           x86_descriptor_mark(c, &frame->code, SEG_ACCESSED, 0) &&
           (!pops_stack || x86_is_null((uint16_t)frame->ss) ||
            x86_descriptor_mark(c, &frame->stack, SEG_ACCESSED, 0));
}

/* The stack segment, which may be null where 64-bit code below level 3 goes on. */
static bool return_stack_checks(struct x86_core *c, struct frame *frame)
{
    uint16_t selector = (uint16_t)frame->ss;
    unsigned cpl = frame->cs & 3;
    bool to64 = x86_long_mode(c) && frame->code.attributes & SEG_L;
    frame->stack = (struct x86_descriptor){.selector = selector};
    if (x86_is_null(selector) && to64 && cpl != 3 && (selector & 3) == cpl)
        return true;
    return x86_stack_segment_read(c, selector, cpl, EXC_GP, 0, &frame->stack);
}

/* SS:RSP of the frame; `by` more bytes are released there. Where the code returned to has a 16-bit stack, the
 * rest of RSP stays, even from 64-bit mode. */
static void return_stack_load(struct x86_core *c, const struct frame *frame, uint64_t by)
{
    if (x86_is_null((uint16_t)frame->ss))
        x86_null_segment_load(c, SS, (uint16_t)frame->ss);
    else
        c->s.seg[SS] = x86_segment_of(&frame->stack);
    struct x86_stack stack = {.ss = c->s.seg[SS],
                              .sp = frame->rsp + by,
                              .long_mode = x86_long_mode(c) && frame->code.attributes & SEG_L};
    x86_stack_commit(c, &stack);
}

static bool ret_far_real(struct x86_core *c, const struct x86_insn *i)
{
    unsigned width = 1u << i->opsize;
    struct x86_stack stack = x86_stack_current(c);
    uint64_t rip, cs;
    if (!x86_stack_pop(c, &stack, width, &rip) || !x86_stack_pop(c, &stack, width, &cs))
        return false;
    if (rip > c->s.seg[CS].limit)
        return x86_fault_gp(c, 0);
    stack.sp += (uint64_t)i->imm;
    x86_stack_commit(c, &stack);
    real_code_load(c, (uint16_t)cs, rip);
    return true;
}

X86_DO(ret_far)
{
    unsigned width = 1u << i->opsize;
    uint64_t released = (uint64_t)i->imm;
    struct x86_stack stack = x86_stack_current(c);
    struct frame frame;
    if (x86_real_like(c))
        return ret_far_real(c, i);
    if (!x86_stack_peek(c, &stack, 0, width, &frame.rip) ||
        !x86_stack_peek(c, &stack, width, width, &frame.cs) || !return_code_checks(c, &frame))
        return false;
    bool outer = (frame.cs & 3) > c->s.cpl;
    if (outer && (!x86_stack_peek(c, &stack, 2 * width + released, width, &frame.rsp) ||
                  !x86_stack_peek(c, &stack, 3 * width + released, width, &frame.ss) ||
                  !return_stack_checks(c, &frame)))
        return false;
    if (!return_finish(c, &frame, outer))
        return false;
    if (!outer) {
        stack.sp += 2 * width + released;
        x86_stack_commit(c, &stack);
    }
    x86_code_segment_load(c, &frame.code, frame.cs & 3);
    c->s.rip = frame.rip;
    if (outer) {
        return_stack_load(c, &frame, released);
        x86_data_segments_restrict(c);
    }
    return true;
}
X86_SYSTEM(ret_far)

void x86_flags_write(struct x86_core *c, uint64_t mask, uint64_t flags)
{
    x86_flags_settle(c);
    c->s.rflags = (c->s.rflags & ~mask) | (flags & mask) | FLAG_ONE;
    x86_resync(c);
}

uint64_t x86_flags_popped(const struct x86_core *c, unsigned width)
{
    uint64_t mask = FLAGS_STATUS | FLAG_TF | FLAG_DF | FLAG_NT;
    if (width > 2)
        mask |= FLAG_AC | FLAG_ID;
    if (c->s.cpl <= x86_iopl(c))
        mask |= FLAG_IF;
    if (c->s.cpl == 0)
        mask |= FLAG_IOPL;
    return mask;
}

/* IRET of a virtual-8086 program with IOPL below 3: VIF stands for IF (SDM vol. 3, 20.3.3). */
static bool v86_flags_pop(struct x86_core *c, uint64_t flags, unsigned width)
{
    if (x86_iopl(c) == 3) {
        uint64_t mask = FLAGS_STATUS | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_NT;
        x86_flags_write(c, width > 2 ? mask | FLAG_RF | FLAG_AC | FLAG_ID : mask, flags);
        return true;
    }
    if (width != 2 || flags & FLAG_TF || (flags & FLAG_IF && c->s.rflags & FLAG_VIP))
        return x86_fault_gp(c, 0);
    uint64_t vif = flags & FLAG_IF ? FLAG_VIF : 0;
    x86_flags_write(c, FLAGS_STATUS | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_VIF, (flags & ~FLAG_VIF) | vif);
    return true;
}

static bool iret_real(struct x86_core *c, unsigned width)
{
    struct x86_stack stack = x86_stack_current(c);
    uint64_t rip, cs, flags;
    if (x86_v86(c) && x86_iopl(c) < 3 && !(c->s.cr4 & CR4_VME && width == 2))
        return x86_fault_gp(c, 0);
    if (!x86_stack_pop(c, &stack, width, &rip) || !x86_stack_pop(c, &stack, width, &cs) ||
        !x86_stack_pop(c, &stack, width, &flags))
        return false;
    if (rip > c->s.seg[CS].limit)
        return x86_fault_gp(c, 0);
    if (x86_v86(c) && !v86_flags_pop(c, flags, width))
        return false;
    if (!x86_v86(c))
        x86_flags_write(c, x86_flags_popped(c, width) | (width > 2 ? FLAG_RF : 0), flags);
    x86_stack_commit(c, &stack);
    real_code_load(c, (uint16_t)cs, rip);
    return true;
}

/* To a virtual-8086 program. */
static bool iret_v86(struct x86_core *c, struct x86_stack *stack, const struct frame *frame)
{
    static const uint8_t order[] = {SS, ES, DS, FS, GS};
    uint64_t rsp, selectors[5];
    if (!x86_stack_pop(c, stack, 4, &rsp))
        return false;
    for (unsigned n = 0; n < 5; n++) {
        if (!x86_stack_pop(c, stack, 4, &selectors[n]))
            return false;
    }
    if (frame->rip > 0xffff)
        return x86_fault_gp(c, 0);
    x86_flags_write(c, FLAGS_ALL, frame->flags);
    x86_v86_segment_load(c, CS, (uint16_t)frame->cs);
    for (unsigned n = 0; n < 5; n++)
        x86_v86_segment_load(c, order[n], (uint16_t)selectors[n]);
    c->s.gpr[RSP] = rsp;
    c->s.rip = frame->rip;
    x86_cpl_set(c, 3);
    return true;
}

/* With the frame read and checked. */
static bool iret_commit(struct x86_core *c, struct x86_stack *stack, struct frame *frame, unsigned width,
                        bool pops_stack)
{
    uint64_t mask = x86_flags_popped(c, width) | (width > 2 ? FLAG_RF : 0);
    bool outer = (frame->cs & 3) > c->s.cpl;
    if (c->s.cpl == 0 && width > 2)
        mask |= FLAG_VIF | FLAG_VIP;
    if (!return_finish(c, frame, pops_stack))
        return false;
    if (!pops_stack)
        x86_stack_commit(c, stack);
    x86_flags_write(c, mask, frame->flags);
    x86_code_segment_load(c, &frame->code, frame->cs & 3);
    c->s.rip = frame->rip;
    if (pops_stack)
        return_stack_load(c, frame, 0);
    if (outer)
        x86_data_segments_restrict(c);
    return true;
}

static bool iret_protected(struct x86_core *c, unsigned width)
{
    struct x86_stack stack = x86_stack_current(c);
    struct frame frame;
    if (!x86_stack_pop(c, &stack, width, &frame.rip) || !x86_stack_pop(c, &stack, width, &frame.cs) ||
        !x86_stack_pop(c, &stack, width, &frame.flags))
        return false;
    if (frame.flags & FLAG_VM && c->s.cpl == 0 && width == 4 && !x86_long_mode(c))
        return iret_v86(c, &stack, &frame);
    if (!return_code_checks(c, &frame))
        return false;
    bool pops_stack = (frame.cs & 3) > c->s.cpl || c->mode & MODE_64;
    if (pops_stack && (!x86_stack_pop(c, &stack, width, &frame.rsp) ||
                       !x86_stack_pop(c, &stack, width, &frame.ss) || !return_stack_checks(c, &frame)))
        return false;
    return iret_commit(c, &stack, &frame, width, pops_stack);
}

X86_DO(iret)
{
    unsigned width = 1u << i->opsize;
    /* NMIs come again even if the instruction faults (SDM vol. 3, 6.7.1). */
    c->s.nmi_blocked = 0;
    if (x86_real_like(c))
        return iret_real(c, width);
    if (!(c->s.rflags & FLAG_NT))
        return iret_protected(c, width);
    return x86_long_mode(c) ? x86_fault_gp(c, 0) : x86_task_return(c);
}
X86_SYSTEM(iret)
