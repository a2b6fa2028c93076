/*
 * Jumps, branches, near calls and returns, and the ways from block to block: links within a page, the jump
 * cache between pages, and the look-up behind both.
 *
 * A jump to where no code may be (not canonical, beyond CS's limit) faults itself and has no other effect; an
 * instruction that merely ends there doesn't: the one behind it does, which the outer loop finds out.
 */
#include "cpu/x86_64/branch.h"
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/kinds.h"

/* Find or make the block at pc and remember it. When that fails the outer loop tries again, and raises. */
static COLD X86_HANDLER(go_slow)
{
    (void)i;
    c->s.rip = pc;
    if (vcpu_limit_reached(&c->vcpu))
        return x86_leave();
    const struct x86_insn *first = x86_block_at(c, pc);
    if (!first)
        return x86_leave();
    TAIL return x86_enter(c, first, bank, pc);
}

INLINE const struct x86_insn *jump_cached(struct x86_core *c, uint64_t target)
{
    uint64_t linear = x86_code_linear(c, target);
    const struct x86_jump *entry = x86_jump_slot(c, linear);
    return likely(entry->linear == linear && entry->key == c->jump_key && target < c->code_end) ? entry->first
                                                                                                : NULL;
}

/* The same in 64-bit mode, where linear addresses are RIP's and what isn't canonical is never there. */
INLINE const struct x86_insn *jump_cached_64(struct x86_core *c, uint64_t target)
{
    const struct x86_jump *entry = x86_jump_slot(c, target);
    return likely(entry->linear == target && entry->key == c->jump_key) ? entry->first : NULL;
}

/* To pc, where code may be. */
INLINE X86_HANDLER(go)
{
    const struct x86_insn *first = jump_cached(c, pc);
    if (likely(first != NULL))
        TAIL return x86_enter(c, first, bank, pc);
    TAIL return go_slow(c, i, bank, pc);
}

/* i jumps to c->target, which may be nowhere. */
static COLD X86_HANDLER(jump_slow)
{
    if (!x86_code_valid(c, c->target))
        TAIL return x86_raise(c, i, bank, pc);
    TAIL return go_slow(c, i, bank, c->target);
}

/* i jumps to c->target, in 64-bit mode. */
INLINE X86_HANDLER(jump_64)
{
    const struct x86_insn *first = jump_cached_64(c, c->target);
    if (likely(first != NULL))
        TAIL return x86_enter(c, first, bank, c->target);
    TAIL return jump_slow(c, i, bank, pc);
}

/* i jumps to c->target. */
INLINE X86_HANDLER(jump)
{
    const struct x86_insn *first = jump_cached(c, c->target);
    if (likely(first != NULL))
        TAIL return x86_enter(c, first, bank, c->target);
    TAIL return jump_slow(c, i, bank, pc);
}

/*
 * A link that isn't set: the target wasn't reached before. Links hold within a linear page only, so whatever
 * maps the one block maps the other; but both must have been decoded from one physical page, which is
 * compared because a page table may change before its flush.
 */
static COLD const struct x86_insn *link_make(struct x86_core *c, const struct x86_insn *i,
                                             struct tlb_bank *bank, uint64_t target, bool taken)
{
    c->s.rip = target;
    if (vcpu_limit_reached(&c->vcpu))
        return x86_leave();
    struct x86_links *links = x86_links_of(i + 1);
    uint64_t from = x86_block_of_end(i + 1)->pa, generation = block_generation(c->blocks);
    const struct x86_insn *first = x86_block_at(c, target);
    if (!first)
        return x86_leave();
    if (generation == block_generation(c->blocks) && (x86_block_of_first(first)->pa ^ from) < PAGE_SIZE)
        *(taken ? &links->taken : &links->fallen) = first;
    return x86_enter(c, first, bank, target);
}

INLINE uint64_t target_of(const struct x86_insn *i, uint64_t pc)
{
    return x86_rip_next(i, pc) + (uint64_t)(int64_t)i->imm;
}

/* Seldom slow: jumps between pages go this way as well. */
X86_HANDLER(x86_taken_slow)
{
    c->target = target_of(i, pc) & x86_rip_mask(c);
    bool same_page = (c->target ^ pc) < PAGE_SIZE;
    if (likely(!same_page && x86_code64(c)))
        TAIL return jump_64(c, i, bank, pc);
    if (!same_page)
        TAIL return jump(c, i, bank, pc);
    return link_make(c, i, bank, c->target, true);
}

COLD X86_HANDLER(x86_fallen_slow)
{
    uint64_t target = x86_rip_next(i, pc) & x86_rip_mask(c);
    if (!(c->mode & MODE_FLAT) || (target ^ pc) >= PAGE_SIZE) {
        if (!x86_code_valid(c, target))
            TAIL return x86_leave_at(c, i, bank, target);
        TAIL return go(c, i, bank, target);
    }
    return link_make(c, i, bank, target, false);
}

X86_HANDLER(x86_block_end)
{
    TAIL return x86_fallen(c, i - 1, bank, pc);
}

/* Where code is not flat: by opcode size, to anywhere in the segment. */
INLINE uint64_t target_checked(const struct x86_core *c, const struct x86_insn *i, uint64_t pc)
{
    uint64_t mask = x86_code64(c) ? ~(uint64_t)0 : x86_address_mask(i->opsize);
    return target_of(i, pc) & mask;
}

static X86_HANDLER(taken_checked)
{
    c->target = target_checked(c, i, pc);
    TAIL return jump(c, i, bank, pc);
}

X86_HANDLER(x86_jmp_f)
{
    TAIL return x86_taken(c, i, bank, pc);
}

X86_HANDLER(x86_jmp_c)
{
    TAIL return taken_checked(c, i, bank, pc);
}

/* A condition that needs the flags made first. */
static COLD X86_HANDLER(branch_slow)
{
    if (x86_condition_holds(c, (enum x86_condition)(i->opcode & 15)))
        TAIL return x86_taken(c, i, bank, pc);
    TAIL return x86_fallen(c, i, bank, pc);
}

#define BRANCH(name, condition)                                                                              \
    X86_HANDLER(x86_j##name##_f)                                                                             \
    {                                                                                                        \
        if (unlikely(!x86_condition_known(c, condition)))                                                    \
            TAIL return branch_slow(c, i, bank, pc);                                                         \
        if (x86_condition_fast(c, condition))                                                                \
            TAIL return x86_taken(c, i, bank, pc);                                                           \
        TAIL return x86_fallen(c, i, bank, pc);                                                              \
    }                                                                                                        \
    X86_HANDLER(x86_j##name##_c)                                                                             \
    {                                                                                                        \
        if (x86_condition_holds(c, condition))                                                               \
            TAIL return taken_checked(c, i, bank, pc);                                                       \
        TAIL return x86_fallen(c, i, bank, pc);                                                              \
    }

/* clang-format off */
BRANCH(o,  COND_O)
BRANCH(no, COND_NO)
BRANCH(b,  COND_B)
BRANCH(ae, COND_AE)
BRANCH(z,  COND_Z)
BRANCH(nz, COND_NZ)
BRANCH(be, COND_BE)
BRANCH(a,  COND_A)
BRANCH(s,  COND_S)
BRANCH(ns, COND_NS)
BRANCH(p,  COND_P)
BRANCH(np, COND_NP)
BRANCH(l,  COND_L)
BRANCH(ge, COND_GE)
BRANCH(le, COND_LE)
BRANCH(g,  COND_G)
/* clang-format on */

/* ---- loops: counted by CX, ECX or RCX ---- */

INLINE uint64_t count_get(const struct x86_core *c, const struct x86_insn *i)
{
    return c->s.gpr[RCX] & x86_address_mask(i->asize);
}

/* A 32-bit count clears the upper half. */
INLINE void count_set(struct x86_core *c, const struct x86_insn *i, uint64_t count)
{
    if (i->asize == 1)
        x86_reg_set(c, RCX, 2, count);
    else
        c->s.gpr[RCX] = count & x86_address_mask(i->asize);
}

static X86_HANDLER(loop_jump)
{
    c->target = target_checked(c, i, pc);
    if (jump_cached(c, c->target) || x86_code_valid(c, c->target)) {
        count_set(c, i, count_get(c, i) - (i->opcode != 0xe3));
        TAIL return go(c, i, bank, c->target);
    }
    TAIL return x86_raise(c, i, bank, pc);
}

#define LOOP(name, condition)                                                                                \
    X86_HANDLER(x86_##name)                                                                                  \
    {                                                                                                        \
        uint64_t count = (count_get(c, i) - 1) & x86_address_mask(i->asize);                                 \
        if (count != 0 && (condition))                                                                       \
            TAIL return loop_jump(c, i, bank, pc);                                                           \
        count_set(c, i, count);                                                                              \
        TAIL return x86_fallen(c, i, bank, pc);                                                              \
    }
LOOP(loop, true)
LOOP(loope, x86_condition_holds(c, COND_Z))
LOOP(loopne, x86_condition_holds(c, COND_NZ))

X86_HANDLER(x86_jcxz)
{
    if (count_get(c, i) == 0)
        TAIL return loop_jump(c, i, bank, pc);
    TAIL return x86_fallen(c, i, bank, pc);
}

/* ---- calls and returns in 64-bit mode ---- */

/* Push the return address of i and jump to c->target, slow parts included. */
static COLD X86_HANDLER(call_slow)
{
    uint64_t sp = c->s.gpr[RSP] - 8;
    if (!x86_code_valid(c, c->target) || !x86_write(c, SS, sp, 8, x86_rip_next(i, pc)))
        TAIL return x86_raise(c, i, bank, pc);
    c->s.gpr[RSP] = sp;
    if (c->leave_after)
        TAIL return x86_leave_at(c, i, bank, c->target);
    TAIL return go_slow(c, i, bank, c->target);
}

X86_HANDLER(x86_call_f)
{
    const struct x86_insn *first = x86_links_of(i + 1)->taken;
    uint64_t sp = c->s.gpr[RSP] - 8, target = target_of(i, pc);
    if (!first)
        first = jump_cached_64(c, target);
    void *p = tlb_write_hit(bank, sp, 8);
    if (unlikely(!p || !first)) {
        c->target = target;
        TAIL return call_slow(c, i, bank, pc);
    }
    x86_host_store(p, 8, x86_rip_next(i, pc));
    c->s.gpr[RSP] = sp;
    TAIL return x86_enter(c, first, bank, target);
}

/* To c->target, found in a register or in memory. */
INLINE X86_HANDLER(call_indirect)
{
    const struct x86_insn *first = jump_cached_64(c, c->target);
    uint64_t sp = c->s.gpr[RSP] - 8;
    void *p = tlb_write_hit(bank, sp, 8);
    if (unlikely(!p || !first))
        TAIL return call_slow(c, i, bank, pc);
    x86_host_store(p, 8, x86_rip_next(i, pc));
    c->s.gpr[RSP] = sp;
    TAIL return x86_enter(c, first, bank, c->target);
}

X86_HANDLER(x86_call_e_r)
{
    c->target = c->s.gpr[i->rm];
    TAIL return call_indirect(c, i, bank, pc);
}

X86_HANDLER(x86_jmp_e_r)
{
    c->target = c->s.gpr[i->rm];
    TAIL return jump_64(c, i, bank, pc);
}

/* Read the target from memory, the slow way. */
static COLD X86_HANDLER(target_slow)
{
    struct x86_loaded loaded = x86_read(c, i->seg, x86_offset(c, i, pc), 8);
    c->target = loaded.value;
    if (!loaded.ok)
        TAIL return x86_raise(c, i, bank, pc);
    if ((i->modrm >> 3 & 7) == 2)
        TAIL return call_slow(c, i, bank, pc);
    TAIL return jump_slow(c, i, bank, pc);
}

X86_HANDLER(x86_call_e_m)
{
    const void *p = x86_read_hit_m(c, i, bank, pc, 8);
    if (unlikely(!p))
        TAIL return target_slow(c, i, bank, pc);
    c->target = x86_host_load(p, 8);
    TAIL return call_indirect(c, i, bank, pc);
}

X86_HANDLER(x86_jmp_e_m)
{
    const void *p = x86_read_hit_m(c, i, bank, pc, 8);
    if (unlikely(!p))
        TAIL return target_slow(c, i, bank, pc);
    c->target = x86_host_load(p, 8);
    TAIL return jump_64(c, i, bank, pc);
}

/* imm is 0 for the form without an immediate. */
static COLD X86_HANDLER(ret_slow)
{
    struct x86_loaded loaded = x86_read(c, SS, c->s.gpr[RSP], 8);
    if (!loaded.ok || !x86_code_valid(c, loaded.value))
        TAIL return x86_raise(c, i, bank, pc);
    c->s.gpr[RSP] += 8 + (uint64_t)i->imm;
    if (c->leave_after)
        TAIL return x86_leave_at(c, i, bank, loaded.value);
    TAIL return go_slow(c, i, bank, loaded.value);
}

X86_HANDLER(x86_ret_f)
{
    const void *p = tlb_read_hit(bank, c->s.gpr[RSP], 8);
    if (unlikely(!p))
        TAIL return ret_slow(c, i, bank, pc);
    uint64_t target = x86_host_load(p, 8);
    const struct x86_insn *first = jump_cached_64(c, target);
    if (unlikely(!first))
        TAIL return ret_slow(c, i, bank, pc);
    c->s.gpr[RSP] += 8;
    TAIL return x86_enter(c, first, bank, target);
}

X86_HANDLER(x86_ret_i_f)
{
    TAIL return ret_slow(c, i, bank, pc);
}

/* ---- the same in other modes ---- */

/* SP changed by `by`: only as much of RSP as the stack segment uses. */
INLINE void stack_move(struct x86_core *c, uint64_t by)
{
    uint64_t sp = c->s.gpr[RSP];
    c->s.gpr[RSP] = (sp & ~c->stack_mask) | ((sp + by) & c->stack_mask);
}

static X86_HANDLER(call_checked)
{
    unsigned width = 1u << i->opsize;
    uint64_t sp = (c->s.gpr[RSP] - width) & c->stack_mask;
    if (!x86_code_valid(c, c->target) || !x86_write(c, SS, sp, width, x86_rip_next(i, pc)))
        TAIL return x86_raise(c, i, bank, pc);
    stack_move(c, 0 - (uint64_t)width);
    if (c->leave_after)
        TAIL return x86_leave_at(c, i, bank, c->target);
    TAIL return go(c, i, bank, c->target);
}

X86_HANDLER(x86_call_c)
{
    c->target = target_checked(c, i, pc);
    TAIL return call_checked(c, i, bank, pc);
}

/* c->target from i's r/m operand of the operand size; false: c->fault. */
static bool target_read(struct x86_core *c, const struct x86_insn *i, uint64_t pc)
{
    unsigned width = 1u << i->opsize;
    if (!(i->flags & INSN_MEM)) {
        c->target = c->s.gpr[i->rm] & x86_address_mask(i->opsize);
        return true;
    }
    struct x86_loaded loaded = x86_read(c, i->seg, x86_offset(c, i, pc), width);
    c->target = loaded.value;
    return loaded.ok;
}

X86_HANDLER(x86_call_e_c)
{
    if (!target_read(c, i, pc))
        TAIL return x86_raise(c, i, bank, pc);
    TAIL return call_checked(c, i, bank, pc);
}

X86_HANDLER(x86_jmp_e_c)
{
    if (!target_read(c, i, pc))
        TAIL return x86_raise(c, i, bank, pc);
    TAIL return jump(c, i, bank, pc);
}

X86_HANDLER(x86_ret_c)
{
    unsigned width = 1u << i->opsize;
    struct x86_loaded loaded = x86_read(c, SS, c->s.gpr[RSP] & c->stack_mask, width);
    if (!loaded.ok || !x86_code_valid(c, loaded.value))
        TAIL return x86_raise(c, i, bank, pc);
    stack_move(c, width + (uint64_t)i->imm);
    TAIL return go(c, i, bank, loaded.value);
}

X86_HANDLER(x86_ret_i_c)
{
    TAIL return x86_ret_c(c, i, bank, pc);
}

/* ---- pseudo-instructions ---- */

/* Where CS has a limit: a block that reaches beyond it is run instruction by instruction. */
X86_HANDLER(x86_limit_check)
{
    const struct block *block = x86_block_of_first(i);
    if (likely(pc + block->bytes <= c->code_end))
        TAIL return x86_next(c, i, bank, pc);
    c->vcpu.icount -= block->count;
    c->s.rip = pc;
    c->run_single = true;
    return x86_leave();
}

/* A block that was dropped: what ran into it goes on at the block that is there now. */
X86_HANDLER(x86_dropped)
{
    c->vcpu.icount -= x86_block_of_first(i)->count;
    TAIL return go_slow(c, i, bank, pc);
}
