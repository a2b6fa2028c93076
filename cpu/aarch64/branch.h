/*
 * The ways from block to block that handlers of branches take: links within a page. What is not linked yet,
 * or elsewhere, is for the slow functions in exec_branch.c.
 */
#pragma once

#include "cpu/aarch64/blocks.h"

/* taken: i is the branch; fallen: the end slot. */
a64_handler a64_taken_slow;
a64_handler a64_fallen_slow;

/* Into a block: count its instructions as retired, unless that would go past the limit. */
INLINE const struct a64_insn *a64_enter(struct aarch64_core *c, const struct a64_insn *first,
                                        struct tlb_bank *bank, uint64_t pc)
{
    uint64_t icount = c->vcpu.icount + a64_block_of_first(first)->count;
    if (unlikely(icount > __atomic_load_n(&c->vcpu.limit, __ATOMIC_RELAXED)))
        TAIL return a64_leave_at(c, first, bank, pc);
    c->vcpu.icount = icount;
    TAIL return a64_dispatch(c, first, bank, pc);
}

/* i, a block's last instruction, jumps to pc + imm. */
INLINE const struct a64_insn *a64_taken(struct aarch64_core *c, const struct a64_insn *i,
                                        struct tlb_bank *bank, uint64_t pc)
{
    const struct a64_insn *first = a64_links_of(i + 1)->taken;
    if (unlikely(!first))
        TAIL return a64_taken_slow(c, i, bank, pc);
    TAIL return a64_enter(c, first, bank, pc + (uint64_t)(int64_t)i->imm);
}

/* Past a block's end; i is the end slot, and runs by itself where the last instruction was no branch. */
INLINE const struct a64_insn *a64_fallen(struct aarch64_core *c, const struct a64_insn *i,
                                         struct tlb_bank *bank, uint64_t pc)
{
    const struct a64_insn *first = a64_links_of(i)->fallen;
    if (unlikely(!first))
        TAIL return a64_fallen_slow(c, i, bank, pc);
    TAIL return a64_enter(c, first, bank, a64_pc(i, pc));
}
